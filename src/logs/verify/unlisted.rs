//! Log files that no digest lists: planted, or waiting for a backfill digest, or from a time without digests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::log_path::{LogKey, LogKind};
use crate::logs::finding::{Code, Finding, State, TimeRange};
use crate::logs::time_set::TimeSet;

use super::chain_sites::half;

/// How far a file's slot may lie from its delivery: slots last five minutes, and files come about five minutes later.
pub(super) const DELIVERY_SLACK: SignedDuration = SignedDuration::from_mins(15);

/// What the digests of one account and region list, and which hours they are about.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// By what [`half`] makes of the key, and the site.
    named: HashSet<u128>,
    /// Those that only digests beside the range list that are not proved.
    doubted: HashSet<u128>,
    /// What was read by an earlier run and is not read again, until it is met in the listing.
    unmet: HashMap<u128, Unmet>,
    kinds: BTreeSet<LogKind>,
    /// The hours of readable digests, by site.
    covered: BTreeMap<usize, TimeSet>,
    /// How many log files lie there without any chain.
    pub(super) lone: u64,
}

/// A log file that an earlier run read: the site at which it lies, the number of its chain, and its hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unmet {
    pub(super) site: usize,
    pub(super) chain: usize,
    pub(super) hour: TimeRange,
}

/// What a log file that no digest lists means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// A digest may still come.
    Pending,
    /// It should have been listed, and the grace is over.
    Overdue,
    /// Its time has not come.
    Future,
    /// It is older than the first digest.
    BeforeDigests,
    /// The digest that may have listed it is not there.
    InGap,
}

impl Listings {
    /// Notes that a digest lists a log file that lies at a site.
    pub(super) fn name(&mut self, at: usize, object: &str) {
        self.name_print(at, half(object));
        self.kinds.extend(LogKey::parse(object).map(|key| key.kind));
    }

    /// Notes that a digest lists a log file of management and data events that lies at a site, by what stands for its
    /// key.
    pub(super) fn name_print(&mut self, at: usize, print: u128) {
        self.named.insert(at_site(at, print));
    }

    /// Notes that a log file is not read again, by what stands for its key: the listing must show it all the same.
    pub(super) fn expect(&mut self, print: u128, unmet: Unmet) {
        self.unmet.insert(at_site(unmet.site, print), unmet);
    }

    /// Notes that the listing shows a log file.
    pub(super) fn meet(&mut self, at: usize, object: &str) {
        if !self.unmet.is_empty() {
            self.unmet.remove(&at_site(at, half(object)));
        }
    }

    /// Returns the log files that the listing of a site should have shown, and did not.
    pub(super) fn take_unmet(&mut self, site: usize) -> Vec<Unmet> {
        self.unmet.extract_if(|_, unmet| unmet.site == site).map(|(_, unmet)| unmet).collect()
    }

    /// Notes that a readable digest at a site is about an hour.
    pub(super) fn cover(&mut self, at: usize, window: TimeRange) {
        self.covered.entry(at).or_default().add(window);
    }

    /// Tells whether any digest lists log files of a kind. Management and data events are in every digest.
    pub(super) fn list_kind(&self, kind: LogKind) -> bool {
        kind == LogKind::CloudTrail || self.kinds.contains(&kind)
    }

    /// Notes that a digest that is not proved lists a log file.
    pub(super) fn doubt(&mut self, at: usize, object: &str) {
        self.doubted.insert(at_site(at, half(object)));
    }

    /// Tells whether a digest that is not proved lists an object.
    pub(super) fn doubts(&self, at: usize, object: &str) -> bool {
        self.doubted.contains(&at_site(at, half(object)))
    }

    /// Tells whether a digest lists an object.
    pub(super) fn names(&self, at: usize, object: &str) -> bool {
        self.named.contains(&at_site(at, half(object)))
    }

    /// Judges an unlisted log file by its slot. Files made after `grace_end` may still be listed, up to the present.
    pub(super) fn judge(
        &self,
        at: usize,
        slot: Timestamp,
        first_hour: Option<Timestamp>,
        (grace_end, now): (Timestamp, Timestamp),
    ) -> Unlisted {
        let early = slot.saturating_sub(DELIVERY_SLACK).unwrap_or(slot);
        let late = slot.saturating_add(DELIVERY_SLACK).unwrap_or(slot);
        let covered = self.covered.get(&at).is_some_and(|spans| spans.hold(TimeRange { start: early, end: late }));
        if first_hour.is_some_and(|first| late < first) {
            Unlisted::BeforeDigests
        } else if early > now {
            Unlisted::Future
        } else if slot > grace_end {
            Unlisted::Pending
        } else if covered {
            Unlisted::Overdue
        } else {
            Unlisted::InGap
        }
    }
}

/// Tells the same key at different sites apart: there are few of them.
fn at_site(at: usize, print: u128) -> u128 {
    print ^ at as u128
}

/// Why a log file that no digest lists counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its digest should have listed it.
    Overdue,
    /// Only a digest lists it that is not proved.
    Doubted,
    /// Its name is of a time that has not come.
    Future,
    /// It was written long after the time in its name.
    WrittenLate,
    /// There is no valid digest of its time.
    NoDigest,
}

/// Returns the finding about a log file that no digest lists, with the hour of the digest that should list it; none
/// when its name is not CloudTrail's.
pub(super) fn finding(object: String, window: Option<TimeRange>, why: Why) -> Finding {
    let (code, detail) = match (why, window) {
        (Why::NoDigest, _) => {
            (Code::LogUnderNoDigest, "there is no valid digest of its time, so that nothing says what it should be")
        }
        (Why::Doubted, _) => (Code::LogUnlisted, "no digest lists it but one beside the range that is not proved"),
        (Why::Future, _) => (Code::LogUnlisted, "no digest lists it, and its name is of a time that has not come"),
        (Why::WrittenLate, _) => (
            Code::LogUnlisted,
            "no digest lists it, and it was written long after the time in its name, which a lifecycle rule has deleted",
        ),
        (Why::Overdue, Some(_)) => {
            (Code::LogUnlisted, "no digest lists it: it was put there by others, or its backfill digest is gone")
        }
        (Why::Overdue, None) => {
            (Code::LogUnlisted, "no digest lists it, and its name or its folder is none of CloudTrail's")
        }
    };
    Finding { code, state: State::Unproven, object: Some(object), window, detail: detail.into(), next: None }
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
            listings.cover(0, TimeRange { start: at(start), end: at(end) });
        }
        listings
    }

    #[test]
    fn a_log_file_is_overdue_only_where_digests_are_whole_and_the_grace_is_over() {
        let listings = covering(&[("10:00:00", "12:00:00"), ("13:00:00", "15:00:00")]);
        let first = Some(at("10:00:00"));
        let judge = |slot| listings.judge(0, at(slot), first, (at("14:00:00"), at("16:00:00")));
        assert_eq!(judge("08:00:00"), Unlisted::BeforeDigests);
        assert_eq!(judge("09:50:00"), Unlisted::InGap);
        assert_eq!(judge("10:30:00"), Unlisted::Overdue);
        assert_eq!(judge("11:55:00"), Unlisted::InGap);
        assert_eq!(judge("13:30:00"), Unlisted::Overdue);
        assert_eq!(judge("14:30:00"), Unlisted::Pending);
        assert_eq!(judge("15:30:00"), Unlisted::Pending);
        assert_eq!(judge("16:10:00"), Unlisted::Pending, "a slot may end after its delivery");
        assert_eq!(judge("16:20:00"), Unlisted::Future);
    }
}
