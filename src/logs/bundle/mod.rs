//! Evidence bundles: what a run read, in one file, so that its proof can be checked again without the bucket.
//!
//! A bundle is gzip of JSON lines: a header, every listed key, every digest with its metadata, the hash of every log file,
//! the public keys, the report, and a hash over all of it. A bundle holds no log records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inflate::{Sha256, Trailing, Unpacked, hex, unhex};
use super::store::Metadata;

mod read;
mod write;

pub use read::{BadBundle, BundleStore};
pub use write::{BundleWriter, RecordingStore};

const FORMAT_VERSION: u32 = 1;

/// What a bundle says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub orgtrail_bundle: u32,
    /// The store that was proved.
    pub store: String,
    /// Its bucket, unless it was a copy.
    pub bucket: Option<String>,
    /// The range that was asked for.
    pub from: Option<jiff::Timestamp>,
    /// The end of that range.
    pub to: Option<jiff::Timestamp>,
    /// When it was made, which is what freshness is measured against.
    pub now: jiff::Timestamp,
}

impl Header {
    /// Returns the header of a bundle of a store.
    pub fn new(store: String, bucket: Option<String>, request: &super::verify::Request) -> Self {
        let (from, to, now) = (request.from, request.to, request.now);
        Self { orgtrail_bundle: FORMAT_VERSION, store, bucket, from, to, now }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Listed(String),
    Digest { key: String, body: String, signature: Option<String>, algorithm: Option<String>, made: Option<String> },
    Log { key: String, sha256: String, bytes: u64, trailing: Tail },
    Absent(String),
    Unread { key: String, why: String },
    Damaged { key: String, why: String },
    Keys(Value),
    Report(Value),
    Sha256(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tail {
    Nothing,
    Members(String),
    Bytes(u64),
}

fn log_line(key: &str, unpacked: &Unpacked) -> Line {
    let trailing = match unpacked.trailing {
        Trailing::Nothing => Tail::Nothing,
        Trailing::Members { sha256_of_all } => Tail::Members(hex(&sha256_of_all)),
        Trailing::Bytes(count) => Tail::Bytes(count),
    };
    Line::Log { key: key.to_owned(), sha256: hex(&unpacked.sha256), bytes: unpacked.inflated_bytes, trailing }
}

fn unpacked(sha256: &str, bytes: u64, trailing: &Tail) -> Option<Unpacked> {
    let value = |text: &str| -> Option<Sha256> { unhex(text)?.try_into().ok() };
    let trailing = match trailing {
        Tail::Nothing => Trailing::Nothing,
        Tail::Members(all) => Trailing::Members { sha256_of_all: value(all)? },
        Tail::Bytes(count) => Trailing::Bytes(*count),
    };
    Some(Unpacked { sha256: value(sha256)?, inflated_bytes: bytes, trailing })
}

fn metadata(signature: Option<String>, algorithm: Option<String>, made: Option<String>) -> Metadata {
    Metadata { signature, signature_algorithm: algorithm, backfill_generation_timestamp: made }
}
