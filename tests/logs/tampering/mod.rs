//! Every attack and fault that we know, each with its exact answer.

use orgtrail::archive::Version;
use orgtrail::logs::finding::State;

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION};
use crate::proof::{findings, hours, only, verify};

mod decoys;
mod digests;
mod ends;
mod layouts;
mod log_files;
mod outside;

pub fn bucket() -> Bucket {
    Layout::default().write()
}

pub fn digest(hour: usize) -> String {
    Layout::default().digest(ACCOUNT, REGION, hour, "")
}

pub fn log(hour: usize, number: usize) -> String {
    Layout::default().log(ACCOUNT, REGION, hour, number)
}

/// Changes a whole bucket, and expects findings, and spans of broken and unproven hours.
pub async fn check(change: impl FnOnce(&mut Bucket), expected: &[&str], broken: &[&str], unproven: &[&str]) {
    let mut bucket = bucket();
    change(&mut bucket);
    let answer = verify(&bucket).await;
    let chain = only(&answer);
    assert_eq!(findings(chain), expected);
    assert_eq!(hours(chain, State::Broken), broken, "broken hours");
    assert_eq!(hours(chain, State::Unproven), unproven, "unproven hours");
    let worst = if !broken.is_empty() { State::Broken } else { State::Unproven };
    assert_eq!(answer.state(), if expected.is_empty() { State::Attested } else { worst });
}

/// What is said of the log files of hour 3 when its digest counts for nothing.
pub const LONE: [&str; 2] = [
    "UNPROVEN log.under_no_digest 20 03:00 20261120T0320Z_000003000000Abcd.json.gz",
    "UNPROVEN log.under_no_digest 20 03:00 20261120T0325Z_000003000001Abcd.json.gz",
];

pub fn version(key: &str, id: &str, is_delete_marker: bool) -> Version {
    Version {
        key: key.into(),
        id: id.into(),
        modified: Some("2026-11-21T00:00:00Z".parse().unwrap()),
        owner: Some("mallory".into()),
        is_delete_marker,
        is_latest: is_delete_marker,
    }
}
