//! The body of a log object into its records, and what of it could not be read.

use orgtrail_archive::archive::inflate::hand_over;
use orgtrail_core::decode::{Decoder, Limits};
use orgtrail_core::event::Json;

/// What became of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectRead {
    /// Its size inflated, in bytes, as far as it could be inflated.
    pub inflated_bytes: u64,
    /// The parts that could not be read, in words: the first of them.
    pub unread: Vec<String>,
    /// How many more there are.
    pub further_unread: u64,
    /// Whether all of it was read as records.
    pub is_whole: bool,
}

impl ObjectRead {
    /// Returns how many parts could not be read.
    pub fn unread_count(&self) -> u64 {
        self.unread.len() as u64 + self.further_unread
    }
}

/// Hands the records of a body over, in order; what is damaged is told, and the rest is read.
pub fn read(body: &[u8], mut record: impl FnMut(Json<'_>)) -> ObjectRead {
    let mut decoder = Decoder::new(Limits::default());
    let handed = hand_over(body, |part| decoder.push(part, &mut |slice| record(slice.json())));
    let decoded = decoder.finish();
    let mut unread = Vec::new();
    match &handed {
        Err(error) => unread.push(format!("{error}; what stands before the damage was read")),
        Ok(handed) if handed.trailing_bytes > 0 => {
            let bytes = handed.trailing_bytes;
            unread.push(format!("{bytes} bytes behind the end of its gzip part were not read: nothing attests them"));
        }
        Ok(_) => {}
    }
    unread.extend(decoded.defects.iter().map(ToString::to_string));
    ObjectRead {
        inflated_bytes: handed.as_ref().map_or(decoded.bytes, |handed| handed.inflated_bytes),
        unread,
        further_unread: decoded.further_defects,
        is_whole: handed.is_ok() && decoded.is_whole(),
    }
}
