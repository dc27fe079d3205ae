//! The events as a table: log files and slots of a lake, which of them a question needs, and how they are read.

mod damaged;
mod distinctly;
mod needs;
mod newer;
mod partition;
mod slots;
mod table;
mod tally;

pub use damaged::next_of;
pub use needs::{LakeNeeds, NeededFiles, Needs};
pub use table::{EventTable, Scans};
pub use tally::{Looked, Tally, UnreadPart};
