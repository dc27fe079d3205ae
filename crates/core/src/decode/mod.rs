//! The content of a log object, inflated, into its records: as it comes, in bounded memory, each record byte for byte.
//!
//! - [`Decoder`] takes the content in pieces of any size and hands out a [`Slice`] for each record; [`decode`] does so
//!   for content that is all there.
//! - [`Decoded`] says at the end what was read, and every [`Defect`] of what was not.
//!
//! **What it reads**: `{"Records":[…]}`, with the list wherever it stands among the keys; a bare list, as aggregated
//! events come; records by themselves, one or many, with or without line breaks between them, as tools leave them that
//! rewrite logs. A byte order mark at the start is passed over and is no defect: it says nothing and hides nothing.
//!
//! **What it promises**: each slice is one complete JSON object in UTF-8, which [`Json::parse`](crate::event::Json)
//! takes, of any depth; whether it is an event that makes sense is for [`Record`](crate::event::Record) to say. The
//! slices and defects do not depend on how the content was cut into pieces. Memory is bounded by
//! [`Limits::record_bytes`], whatever the content.
//!
//! **After damage** reading goes on at the next place that looks like the start of a record: a bracket and a key that
//! records begin with. So a record is lost that is damaged itself, and those beside it are not, as long as they begin
//! as records of CloudTrail do, or as the first record of the same content. Two limits: where damage leaves valid JSON,
//! the record has what the damage left; and where a stretch is missing and its ends leave a list open inside of a
//! record, those behind it become parts of that one, until it is cut off or too long. [`Decoded::is_whole`] is false
//! then.

mod decoder;
mod defect;
mod nesting;
mod scanner;
mod search;

#[cfg(test)]
mod tests;

use crate::event::{Json, RECORD_BYTES_MAX};

pub use decoder::Decoder;
pub use defect::{Defect, DefectKind};

/// How much a decoder keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record that is handed out, in bytes. Longer ones are defects.
    pub record_bytes: usize,
    /// How many defects are kept; the others are counted.
    pub defects: usize,
}

impl Default for Limits {
    /// Records of [`RECORD_BYTES_MAX`], 100 defects.
    fn default() -> Self {
        Self { record_bytes: RECORD_BYTES_MAX, defects: 100 }
    }
}

/// A record, as it stands in the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice<'a> {
    /// The record: a JSON object, from its first bracket to its last.
    pub text: &'a str,
    /// How many elements stand before it in the content, from 0. A stretch that could not be read counts as one,
    /// however many records it had.
    pub index: u64,
    /// Where it begins, in bytes of the inflated content.
    pub offset: u64,
}

impl<'a> Slice<'a> {
    /// Returns the record, to look into.
    pub fn json(self) -> Json<'a> {
        Json::of_valid(self.text)
    }
}

/// What a content had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// How many records were handed out.
    pub records: u64,
    /// How many bytes the content has, inflated.
    pub bytes: u64,
    /// How many of them are in defects: parts of records, or nothing of the kind.
    pub bytes_not_read: u64,
    /// The first defects, as many as are kept, in the order of the content.
    pub defects: Vec<Defect>,
    /// How many more there are.
    pub further_defects: u64,
    /// How many of all defects are losses ([`DefectKind::is_loss`]).
    pub losses: u64,
}

impl Decoded {
    /// Tells whether everything in the content was read as records: nothing was lost, cut off, or of another form.
    pub fn is_whole(&self) -> bool {
        self.losses == 0
    }
}

/// Reads content that is all there.
pub fn decode(bytes: &[u8], limits: Limits, mut sink: impl FnMut(Slice<'_>)) -> Decoded {
    let mut decoder = Decoder::new(limits);
    decoder.push(bytes, &mut sink);
    decoder.finish()
}
