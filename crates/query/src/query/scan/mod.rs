//! Log files as a table: which of them a question needs, and how they are read.

mod listing;
mod partition;
mod table;
mod tally;

pub use listing::{Archive, Chain, ChainPlace, Listing, LogFile, Place};
pub use table::{EventTable, Scans};
pub use tally::{Looked, Tally, UnreadPart};
