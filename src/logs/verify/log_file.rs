//! Checks one log file against what its digest says about it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::archive::inflate::{Sha256, Trailing, Unpacked, hex};
use crate::archive::{Fault, FaultKind, HashError, Store, Version};
use crate::logs::digest::document::DigestLogFile;
use crate::logs::finding::{Code, Finding, State, TimeRange};

/// A log file that is to be read.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// The number of the site at which it lies, and its key there.
    pub(super) site: usize,
    pub(super) object: String,
    pub(super) sha256: Sha256,
    pub(super) window: TimeRange,
    /// Whether the digest that lists it is proved, so that a fitting hash attests it.
    pub(super) digest_is_proved: bool,
    /// The number of the part of the chain that lists it.
    pub(super) segment: usize,
}

/// Returns what has to be read for a digest's entry, or why it is not read. `place` is where it lies, if that is a
/// place that is looked at: a digest must not lead us elsewhere.
pub(super) fn task(
    file: &DigestLogFile,
    place: Option<(usize, String)>,
    window: TimeRange,
    digest_is_proved: bool,
    segment: usize,
) -> Result<Task, Finding> {
    let finding = |code, state, detail: String| Finding {
        code,
        state,
        object: Some(file.object.clone()),
        window: Some(window),
        detail,
        next: None,
    };
    let Some((site, object)) = place else {
        let detail = format!(
            "its digest says that it lies in bucket {}; that is no log file of the chain's account and region in a place that was looked at",
            file.bucket
        );
        return Err(finding(Code::LogOutOfScope, State::Unproven, detail));
    };
    let Some(sha256) = file.sha256 else {
        let detail = "its digest hashes it with an algorithm that is not known".into();
        return Err(finding(Code::LogUnreadable, State::Unproven, detail));
    };
    Ok(Task { site, object, sha256, window, digest_is_proved, segment })
}

/// What became of the reading of a log file.
pub(super) enum Read {
    /// It is as its digest says.
    Attested,
    /// It is not, or that cannot be told; and when its place was taken or it was deleted, where versions tell.
    Found(Box<Finding>, Option<Timestamp>),
    /// It lies in an archive class or tier.
    Archived(String),
}

/// Reads a log file and judges it. Returns how many bytes it holds, too; nothing when nothing was read.
pub(super) async fn check(store: Arc<dyn Store>, task: Task) -> (Task, Read, Option<u64>) {
    let seen = store.hash(&task.object).await;
    if let Err(HashError::Fault(fault)) = &seen
        && let Some(class) = fault.archived()
    {
        return (task, Read::Archived(class), None);
    }
    let bytes = match &seen {
        Ok(unpacked) => Some(unpacked.inflated_bytes),
        Err(HashError::GzipError(_)) => Some(0),
        Err(HashError::Fault(_)) => None,
    };
    let read = judge_read(store.as_ref(), &task, &seen).await;
    (task, read, bytes)
}

async fn judge_read(store: &dyn Store, task: &Task, seen: &Result<Unpacked, HashError>) -> Read {
    let Some((code, state, mut detail)) = judge(&task.sha256, seen) else { return Read::Attested };
    let mut replaced = None;
    if matches!(code, Code::LogMissing | Code::LogHashMismatch | Code::LogTrailingData) {
        let (told, when) = history(store, task).await;
        detail.push_str(&told);
        replaced = when;
    }
    let finding =
        Finding { code, state, object: Some(task.object.clone()), window: Some(task.window), detail, next: None };
    Read::Found(Box::new(finding), replaced)
}

fn judge(expected: &Sha256, seen: &Result<Unpacked, HashError>) -> Option<(Code, State, String)> {
    match seen {
        Ok(unpacked) => judge_content(expected, unpacked),
        Err(HashError::GzipError(damage)) => Some((Code::LogUnreadable, State::Broken, damage.to_string())),
        Err(HashError::Fault(Fault { kind: FaultKind::Absent, .. })) => {
            Some((Code::LogMissing, State::Broken, "its digest lists it, but it is gone".into()))
        }
        Err(HashError::Fault(fault @ Fault { kind: FaultKind::TooLarge, .. })) => {
            Some((Code::LogUnreadable, State::Broken, fault.to_string()))
        }
        Err(HashError::Fault(fault)) => Some((Code::LogUnreadable, State::Unproven, fault.to_string())),
    }
}

fn judge_content(expected: &Sha256, seen: &Unpacked) -> Option<(Code, State, String)> {
    let fits = seen.sha256 == *expected;
    match seen.trailing {
        Trailing::Nothing if fits => None,
        Trailing::Unwrapped if fits => {
            let detail = "it lies there without its gzip wrapper, as some tools save what they download; its content is what its digest says";
            Some((Code::LogUnwrapped, State::Unproven, detail.into()))
        }
        Trailing::Unwrapped => {
            let detail = "it is no gzip file, and its content is not what its digest says either".into();
            Some((Code::LogUnreadable, State::Broken, detail))
        }
        // Readers that stop after the first member get nothing of it.
        Trailing::Members { sha256_of_all } if sha256_of_all == *expected && seen.inflated_bytes == 0 => {
            let detail = "its first gzip member is empty; readers that stop there get nothing".into();
            Some((Code::LogTrailingData, State::Broken, detail))
        }
        // A file of several members whose content as a whole was attested reads the same for everyone who reads it all.
        Trailing::Members { sha256_of_all } if !fits && sha256_of_all == *expected => None,
        Trailing::Members { .. } if fits => {
            let detail = "more gzip members follow the attested content; zcat and Athena read them too".into();
            Some((Code::LogTrailingData, State::Broken, detail))
        }
        Trailing::Bytes(count) if fits => {
            let detail = format!("{count} bytes that are no gzip follow the attested content");
            Some((Code::LogTrailingData, State::Broken, detail))
        }
        _ => {
            let detail = format!("its content hashes to {}, its digest says {}", hex(&seen.sha256), hex(expected));
            Some((Code::LogHashMismatch, State::Broken, detail))
        }
    }
}

/// Returns what the store's versions tell about a log file that is not what it was, empty when they tell nothing, and
/// when its newest version or the mark of its deletion was written.
async fn history(store: &dyn Store, task: &Task) -> (String, Option<Timestamp>) {
    let versions = match store.versions(&task.object).await {
        Ok(versions) => versions,
        Err(fault) => return (unasked(&fault), None),
    };
    let mut own = versions.into_iter().filter(|version| version.key == task.object).collect::<Vec<Version>>();
    // The one that CloudTrail wrote is the oldest of all.
    own.sort_by_key(|version| version.modified);
    let replaced = own.iter().find(|version| version.is_latest).and_then(|version| version.modified);
    let mut told = String::new();
    if let Some(mark) = own.iter().find(|version| version.is_delete_marker && version.is_latest) {
        told.push_str(&format!("; it was deleted {}", when(mark)));
    }
    let bodies: Vec<&Version> = own.iter().filter(|version| !version.is_delete_marker).collect();
    for version in bodies.iter().take(VERSIONS_MAX) {
        let fits = store.hash_version(&task.object, &version.id).await;
        if fits.is_ok_and(|seen| judge_content(&task.sha256, &seen).is_none()) {
            let owner = version.owner.as_deref().map(|owner| format!(" by {owner}")).unwrap_or_default();
            told.push_str(&format!("; version {} written {}{owner} is the attested one", version.id, when(version)));
            return (told, replaced);
        }
    }
    if bodies.len() > VERSIONS_MAX {
        let all = bodies.len();
        told.push_str(&format!(
            "; of its {all} versions the oldest {VERSIONS_MAX} were read, and none of them is the attested one"
        ));
    }
    (told, replaced)
}

/// How many versions of one log file are read at most.
const VERSIONS_MAX: usize = 20;

/// How many characters of a refusal a finding repeats at most.
const REFUSAL_CHARS_MAX: usize = 300;

/// Says in a finding that versions could not be listed, which is not to say that there are none.
pub(super) fn unasked(fault: &Fault) -> String {
    let why: String = fault.message.chars().take(REFUSAL_CHARS_MAX).collect();
    format!("; its versions could not be asked: {why}")
}

fn when(version: &Version) -> String {
    version.modified.map_or_else(|| "at an unknown time".into(), |time| format!("at {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::inflate::GzipError;

    fn seen(sha256: u8, trailing: Trailing) -> Result<Unpacked, HashError> {
        Ok(Unpacked { sha256: [sha256; 32], inflated_bytes: 1, trailing })
    }

    fn verdict(seen: Result<Unpacked, HashError>) -> Option<(Code, State)> {
        judge(&[1; 32], &seen).map(|(code, state, _)| (code, state))
    }

    #[test]
    fn content_is_judged_with_what_follows_it() {
        let all = |n| Trailing::Members { sha256_of_all: [n; 32] };
        assert_eq!(verdict(seen(1, Trailing::Nothing)), None);
        assert_eq!(verdict(seen(2, all(1))), None);
        let empty = Unpacked { sha256: [2; 32], inflated_bytes: 0, trailing: all(1) };
        assert_eq!(verdict(Ok(empty)), Some((Code::LogTrailingData, State::Broken)));
        assert_eq!(verdict(seen(1, all(1))), Some((Code::LogTrailingData, State::Broken)));
        assert_eq!(verdict(seen(1, Trailing::Bytes(3))), Some((Code::LogTrailingData, State::Broken)));
        assert_eq!(verdict(seen(2, Trailing::Nothing)), Some((Code::LogHashMismatch, State::Broken)));
        assert_eq!(verdict(seen(2, all(3))), Some((Code::LogHashMismatch, State::Broken)));
        assert_eq!(verdict(seen(2, Trailing::Bytes(1))), Some((Code::LogHashMismatch, State::Broken)));
        assert_eq!(verdict(seen(1, Trailing::Unwrapped)), Some((Code::LogUnwrapped, State::Unproven)));
        assert_eq!(verdict(seen(2, Trailing::Unwrapped)), Some((Code::LogUnreadable, State::Broken)));
    }

    #[test]
    fn what_we_cannot_get_is_not_called_tampering() {
        let fault = |kind| verdict(Err(Fault::new(kind, "").into()));
        assert_eq!(fault(FaultKind::Absent), Some((Code::LogMissing, State::Broken)));
        assert_eq!(fault(FaultKind::TooLarge), Some((Code::LogUnreadable, State::Broken)));
        for kind in [FaultKind::Denied, FaultKind::Unavailable] {
            assert_eq!(fault(kind), Some((Code::LogUnreadable, State::Unproven)));
        }
        let bomb = GzipError::TooLarge { max_bytes: 1 };
        assert_eq!(verdict(Err(bomb.into())), Some((Code::LogUnreadable, State::Broken)));
    }
}
