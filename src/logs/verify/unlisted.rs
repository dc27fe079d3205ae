//! Log files that no digest lists: planted, or waiting for a backfill digest, or from a time without digests.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::inflate::sha256;
use crate::logs::key::{LogKey, LogKind};
use crate::logs::spans::Spans;

/// How far a file's slot may lie from its delivery: slots last five minutes, and files come about five minutes later.
const DELIVERY_SLACK: SignedDuration = SignedDuration::from_mins(15);

/// What the digests of one account and region list, and which hours they are about.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// The first half of the SHA-256 of each key: 16 bytes a log file, and nobody can make two keys meet.
    named: HashSet<u128>,
    kinds: Vec<LogKind>,
    /// The hours of readable digests.
    covered: Spans,
}

/// What a log file that no digest lists means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// A digest may still come.
    Pending,
    /// It should have been listed, and the grace is over.
    Overdue,
    /// It is older than the first digest.
    BeforeDigests,
    /// The digest that may have listed it is not there; that is a finding of its own.
    InGap,
}

impl Listings {
    /// Notes that a digest lists a log file.
    pub(super) fn name(&mut self, object: &str) {
        self.named.insert(fingerprint(object));
        if let Some(key) = LogKey::parse(object)
            && !self.kinds.contains(&key.kind)
        {
            self.kinds.push(key.kind);
        }
    }

    /// Notes that a readable digest is about an hour.
    pub(super) fn cover(&mut self, window: Window) {
        self.covered.add(window);
    }

    /// Returns the kinds of log files whose listing says something: management and data events always, another kind when
    /// digests list any of it.
    pub(super) fn kinds(&self) -> Vec<LogKind> {
        let mut kinds = self.kinds.clone();
        if !kinds.contains(&LogKind::CloudTrail) {
            kinds.push(LogKind::CloudTrail);
        }
        kinds.sort_unstable();
        kinds
    }

    /// Returns the start of the first hour that a readable digest is about.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.covered.start()
    }

    /// Tells whether a digest lists an object.
    pub(super) fn names(&self, object: &str) -> bool {
        self.named.contains(&fingerprint(object))
    }

    /// Judges an unlisted log file by its slot. Files made after `grace_end` may still be listed.
    pub(super) fn judge(&self, slot: Timestamp, first_hour: Option<Timestamp>, grace_end: Timestamp) -> Unlisted {
        let early = slot.saturating_sub(DELIVERY_SLACK).unwrap_or(slot);
        let late = slot.saturating_add(DELIVERY_SLACK).unwrap_or(slot);
        let covered = self.covered.hold(Window { start: early, end: late });
        if first_hour.is_some_and(|first| late < first) {
            Unlisted::BeforeDigests
        } else if !covered {
            Unlisted::InGap
        } else if slot > grace_end {
            Unlisted::Pending
        } else {
            Unlisted::Overdue
        }
    }
}

/// Returns the finding about an overdue log file, with the hour of the digest that should list it; none when its name is
/// not CloudTrail's.
pub(super) fn finding(object: String, window: Option<Window>) -> Finding {
    let detail = match window {
        Some(_) => "no digest lists it: it was put there by somebody else, or its backfill digest is gone",
        None => "no digest lists it, and its name is none of CloudTrail's",
    };
    let (code, state) = (Code::LogUnlisted, State::Unproven);
    Finding { code, state, object: Some(object), window, detail: detail.into() }
}

fn fingerprint(object: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&sha256(object.as_bytes())[..16]);
    u128::from_be_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-20T{time}Z").parse().unwrap()
    }

    fn covering(hours: &[(&str, &str)]) -> Listings {
        let mut listings = Listings::default();
        for (start, end) in hours {
            listings.cover(Window { start: at(start), end: at(end) });
        }
        listings
    }

    #[test]
    fn a_log_file_is_overdue_only_where_digests_are_whole_and_the_grace_is_over() {
        let listings = covering(&[("10:00:00", "12:00:00"), ("13:00:00", "15:00:00")]);
        let judge = |slot| listings.judge(at(slot), listings.start(), at("14:00:00"));
        assert_eq!(judge("08:00:00"), Unlisted::BeforeDigests);
        assert_eq!(judge("09:50:00"), Unlisted::InGap);
        assert_eq!(judge("10:30:00"), Unlisted::Overdue);
        assert_eq!(judge("11:55:00"), Unlisted::InGap);
        assert_eq!(judge("13:30:00"), Unlisted::Overdue);
        assert_eq!(judge("14:30:00"), Unlisted::Pending);
        assert_eq!(judge("15:30:00"), Unlisted::InGap);
    }
}
