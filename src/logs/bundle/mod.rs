//! Evidence bundles: what a run read, in one file, so that its proof can be checked again without the bucket.
//!
//! A bundle is gzip of JSON lines: a header, what every listing answered or refused, every digest with its metadata,
//! the hash of every log file, what versions told, the public keys, the report, a hash over all of it, and at the end a
//! signature over that hash where the maker gave one. A bundle holds no log records. Its answer is never better than
//! that of its run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::Checkpoint;
use super::verify::{Source, VerifyRequest};
use crate::archive::inflate::{Sha256, Trailing, Unpacked, hex, unhex};
use crate::archive::{Deletes, Metadata, Version, When};
use crate::ids::{AccountId, Region};

mod read;
pub mod signature;
mod write;

pub use read::{BadBundle, BundlePlace, BundleStore};
pub use write::{BundleWriter, RecordingStore};

/// The second version did not tell where listings began and ended.
const FORMAT_VERSION: u32 = 3;

/// What a bundle says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the format.
    pub orgtrail_bundle: u32,
    /// The version of the program that made it.
    pub made_by: String,
    /// The places that were proved, in order.
    pub places: Vec<PlaceHeader>,
    /// The range that was asked for; none from the beginning.
    pub from: Option<jiff::Timestamp>,
    /// The end of that range; none up to the run itself.
    pub to: Option<jiff::Timestamp>,
    /// When it was made, which is what freshness is measured against.
    pub now: jiff::Timestamp,
    /// The only account that was asked for; none for all.
    pub account: Option<AccountId>,
    /// The only region that was asked for; none for all.
    pub region: Option<Region>,
    /// The buckets of which the places were said to be copies.
    pub buckets: Vec<String>,
    /// After how many days logs were deleted, where the configuration said so.
    pub expire_after_days: Option<u32>,
    /// The text of the checkpoint from which the run went on; not set when it proved everything.
    pub checkpoint: Option<String>,
}

/// A place that a bundle tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceHeader {
    /// Its name.
    pub name: String,
    /// Its bucket, unless it was a copy.
    pub bucket: Option<String>,
    /// What every key that was looked at starts with.
    pub prefix: String,
}

impl Header {
    /// Returns the header of a bundle of a run.
    pub fn new(places: &[Source], request: &VerifyRequest) -> Self {
        let place = |source: &Source| PlaceHeader {
            name: source.store.name(),
            bucket: source.store.bucket().map(str::to_owned),
            prefix: source.prefix.clone(),
        };
        let (marks, open) = (request.checkpoint.clone(), request.open.clone());
        let checkpoint = (!marks.is_empty()).then(|| Checkpoint { store: String::new(), marks, open }.text());
        Self {
            orgtrail_bundle: FORMAT_VERSION,
            made_by: env!("CARGO_PKG_VERSION").into(),
            places: places.iter().map(place).collect(),
            from: request.from,
            to: request.to,
            now: request.now,
            account: request.sought.account.clone(),
            region: request.sought.region.clone(),
            buckets: request.buckets.clone(),
            expire_after_days: request.expire_after_days,
            checkpoint,
        }
    }
}

/// One line. `at` is the number of the place.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Header(Box<Header>),
    Level {
        at: usize,
        prefix: String,
        folders: Vec<String>,
        objects: Vec<String>,
    },
    /// A listing was begun behind a key.
    Listing {
        at: usize,
        prefix: String,
        after: String,
    },
    /// It was read to its end; else it tells up to the last key that is listed.
    ListingEnd {
        at: usize,
        prefix: String,
        after: String,
    },
    Listed {
        at: usize,
        key: String,
    },
    Refused {
        at: usize,
        prefix: String,
        why: String,
    },
    Digest {
        at: usize,
        key: String,
        body: String,
        signature: Option<String>,
        algorithm: Option<String>,
        made: Option<String>,
    },
    Log {
        at: usize,
        key: String,
        version: Option<String>,
        sha256: String,
        bytes: u64,
        trailing: Tail,
    },
    Absent {
        at: usize,
        key: String,
    },
    Unread {
        at: usize,
        key: String,
        why: String,
        /// The archive class; not set for what is not archived.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
    },
    Damaged {
        at: usize,
        key: String,
        why: String,
    },
    Versions {
        at: usize,
        prefix: String,
        versions: Vec<VersionLine>,
    },
    Deletes {
        at: usize,
        rules: Vec<RuleLine>,
    },
    DeletesUnread {
        at: usize,
        why: String,
    },
    Odd {
        at: usize,
        what: String,
    },
    Keys(Value),
    Report(Value),
    Sha256(String),
    Signature {
        algorithm: String,
        by: String,
        value: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionLine {
    key: String,
    id: String,
    modified: Option<jiff::Timestamp>,
    owner: Option<String>,
    deleted: bool,
    latest: bool,
}

impl VersionLine {
    fn of(version: &Version) -> Self {
        let Version { key, id, modified, owner, is_delete_marker, is_latest } = version.clone();
        Self { key, id, modified, owner, deleted: is_delete_marker, latest: is_latest }
    }

    fn version(self) -> Version {
        let Self { key, id, modified, owner, deleted, latest } = self;
        Version { key, id, modified, owner, is_delete_marker: deleted, is_latest: latest }
    }
}

/// A lifecycle rule.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLine {
    prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<jiff::Timestamp>,
    whole: bool,
}

impl RuleLine {
    fn of(rule: &Deletes) -> Self {
        let (days, on) = match rule.when {
            When::AfterDays(days) => (Some(days), None),
            When::On(day) => (None, Some(day)),
        };
        Self { prefix: rule.prefix.clone(), days, on, whole: rule.is_whole }
    }

    fn rule(self) -> Option<Deletes> {
        let when = self.days.map(When::AfterDays).or(self.on.map(When::On))?;
        Some(Deletes { prefix: self.prefix, when, is_whole: self.whole })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tail {
    Nothing,
    Members(String),
    Bytes(u64),
    Unwrapped,
}

fn log_line(at: usize, key: &str, version: Option<&str>, unpacked: &Unpacked) -> Line {
    let trailing = match unpacked.trailing {
        Trailing::Nothing => Tail::Nothing,
        Trailing::Members { sha256_of_all } => Tail::Members(hex(&sha256_of_all)),
        Trailing::Bytes(count) => Tail::Bytes(count),
        Trailing::Unwrapped => Tail::Unwrapped,
    };
    let (key, version) = (key.to_owned(), version.map(str::to_owned));
    Line::Log { at, key, version, sha256: hex(&unpacked.sha256), bytes: unpacked.inflated_bytes, trailing }
}

fn unpacked(sha256: &str, bytes: u64, trailing: &Tail) -> Option<Unpacked> {
    let value = |text: &str| -> Option<Sha256> { unhex(text)?.try_into().ok() };
    let trailing = match trailing {
        Tail::Nothing => Trailing::Nothing,
        Tail::Members(all) => Trailing::Members { sha256_of_all: value(all)? },
        Tail::Bytes(count) => Trailing::Bytes(*count),
        Tail::Unwrapped => Trailing::Unwrapped,
    };
    Some(Unpacked { sha256: value(sha256)?, inflated_bytes: bytes, trailing })
}

fn metadata(signature: Option<String>, algorithm: Option<String>, made: Option<String>) -> Metadata {
    Metadata { signature, signature_algorithm: algorithm, backfill_generation_timestamp: made }
}
