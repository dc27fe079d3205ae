//! A slot: the events of a time and of a share of the accounts, as one Parquet file.
//!
//! A slot is a pure function of the log objects whose events it has: their records, those that were delivered again
//! left out, in one order. Its footer names how many objects these are and the digest of their list; the list itself
//! lies between the last rows and the footer, where readers of Parquet pass over it.
//!
//! - [`Row`]: an event with where it was delivered, in the order of a slot.
//! - [`Sources`]: the objects of a slot.
//! - [`merge`]: a slot and more events into a slot.
//! - `schema`: the columns in the file.

mod merge;
mod read;
mod row;
mod schema;
mod sources;
mod write;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use merge::{Merged, is_as_made, merge};
pub(in crate::lake) use read::belongs;
pub use read::{Slot, SlotError};
pub use row::Row;
pub(in crate::lake) use row::kind_of;
pub use schema::{columns, slot_schema};
pub use sources::{Source, Sources};
pub(in crate::lake) use sources::{pack, unpack};

/// The number of the schema: which columns there are, and what they mean. A slot of a lower number is written anew with
/// its next update; one of a higher number is not touched.
pub const SCHEMA: u32 = 1;

/// The name of what the footer says, among the metadata of the file.
const FOOTER: &str = "orgtrail.slot";

/// What the footer of a slot says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// The number of its schema: [`SCHEMA`].
    pub schema: u32,
    /// Which lake it belongs to: [`LakeIdentity::mark`](super::identity::LakeIdentity::mark).
    pub lake: String,
    /// How many log objects it has events of.
    pub sources: u64,
    /// The SHA-256 of their list, in hexadecimal digits.
    pub digest: String,
    /// Where their list begins in the file, in bytes.
    pub sources_offset: u64,
    /// How long it is there, in bytes.
    pub sources_bytes: u64,
    /// Records in these objects that belong into this slot, also those that are there more than once.
    pub read: u64,
    /// Those that it has.
    pub kept: u64,
    /// Those that it left out, since they were delivered more than once.
    pub duplicates: u64,
}
