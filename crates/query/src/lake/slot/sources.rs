//! The objects of a slot: the list that makes a slot a function of something.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use orgtrail_archive::archive::inflate::{hex, sha256};

/// A log object, as it was when its events were taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Its key.
    pub key: String,
    /// S3's name for its content (ETag) without its quotes; of a folder `size-` and its size in bytes.
    pub tag: String,
}

/// The most bytes of a list inflated: a million objects.
const LIST_BYTES_MAX: u64 = 512 << 20;

/// The objects of a slot, with how many records each has for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources(BTreeMap<Source, u64>);

impl Sources {
    /// Adds an object. One that is there stays as it is: it is the same content.
    pub fn add(&mut self, source: Source, records: u64) {
        self.0.entry(source).or_insert(records);
    }

    /// Tells whether an object is one of them.
    pub fn has(&self, source: &Source) -> bool {
        self.0.contains_key(source)
    }

    /// Tells whether all of these are among others.
    pub fn are_among(&self, others: &Self) -> bool {
        self.0.keys().all(|source| others.has(source))
    }

    /// Adds those of others that are not there.
    pub fn extend(&mut self, others: &Self) {
        for (source, records) in &others.0 {
            self.add(source.clone(), *records);
        }
    }

    /// Returns the objects with how many records each has for the slot, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Source, u64)> {
        self.0.iter().map(|(source, records)| (source, *records))
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many records they have for the slot.
    pub fn records(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the SHA-256 of the list, in hexadecimal digits.
    pub fn digest(&self) -> String {
        hex(&sha256(self.text().as_bytes()))
    }

    /// A line for each: a JSON list of its key, its tag and its number of records.
    fn text(&self) -> String {
        let line = |(source, records): (&Source, &u64)| {
            serde_json::json!([source.key, source.tag, records]).to_string() + "\n"
        };
        self.0.iter().map(line).collect()
    }

    /// Returns the list as it is stored.
    ///
    /// # Errors
    /// In words, where it cannot be compressed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        pack(self.text().as_bytes())
    }

    /// Reads a list as it was stored.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let text = unpack(bytes, LIST_BYTES_MAX)?;
        let mut sources = Self::default();
        for line in text.lines() {
            let (key, tag, records) = serde_json::from_str(line).map_err(|error| error.to_string())?;
            sources.0.insert(Source { key, tag }, records);
        }
        Ok(sources)
    }
}

/// Compresses with zstd.
///
/// # Errors
/// In words, where that fails.
pub(in crate::lake) fn pack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).map_err(|error| error.to_string())?;
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// Inflates a text that was compressed with zstd.
///
/// # Errors
/// In words, where it is none, or longer than it may be.
pub(in crate::lake) fn unpack(bytes: &[u8], bytes_max: u64) -> Result<String, String> {
    let mut text = String::new();
    let decoder = zstd::Decoder::new(bytes).map_err(|error| error.to_string())?;
    decoder.take(bytes_max + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > bytes_max { Err(format!("it has more than {bytes_max} bytes")) } else { Ok(text) }
}
