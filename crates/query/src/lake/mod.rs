//! The lake: the events as Parquet, in slots.
//!
//! - [`layout`]: where things lie in a lake, and which slot an event belongs into.
//! - [`identity`]: `lake.json`, what a lake is and stays.
//! - [`store`], [`folder`]: where a lake lies; conditional writes, no delete.
//! - [`slot`]: one file of events: a pure function of the log objects that they were delivered in.
//! - [`ledger`]: which log objects are in.
//! - [`progress`]: what was listed, and how far.
//! - [`seal`]: what was proved of a day.
//! - [`update`]: log objects into slots.
//! - [`reading`]: what a question needs of a lake.
//! - [`status`]: what is in, from the heads of its files.
//! - [`check`]: slots against the log objects that they were made of.
//! - [`mod@ddl`]: statements that make a lake a table of another engine.
//!
//! **Invariants**: nothing is ever deleted; a slot and a ledger are replaced only by what has all they had; the order
//! of writes is slots, ledger, progress, so that what a later one says is true of the earlier ones.

pub mod check;
pub mod ddl;
pub mod folder;
pub mod folders;
pub mod identity;
mod kept;
pub mod layout;
pub mod ledger;
pub mod progress;
pub mod reading;
pub mod seal;
pub mod slot;
pub mod status;
pub mod store;
pub mod update;
