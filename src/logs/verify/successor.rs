//! Which trail took over from one that ended. A trail that goes on beside it is none: that would hide that the newest
//! digests of the other are gone.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};

use crate::logs::finding::{HOUR, TimeRange};

use super::chain_walk::ChainWalk;
use super::walk::Walk;

/// How far back it is looked whether a chain had log files: a quiet night is shorter.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

impl Walk<'_> {
    /// Returns the chains that take over from one that ends: trails that began while it was there, unless it should be
    /// there still. Where neither the configuration nor the log itself says that it ended, they must record as much as
    /// it did.
    pub(super) async fn successors(&self, at: usize, end: Timestamp) -> BTreeSet<usize> {
        let chain = &self.chains[at];
        let wanted = self.request.expected.as_ref().map(|known| &known.trails).filter(|trails| !trails.is_empty());
        if wanted.is_some_and(|trails| trails.contains(chain.id.0.as_str())) {
            return BTreeSet::new();
        }
        let began = chain.tally.start();
        let is_later = |other: &ChainWalk| other.begins == Some(true) && other.tally.start() > began;
        let is_known = |other: &ChainWalk| chain.succeeded_by.as_ref() == Some(&other.id.0);
        let others = || (0..self.chains.len()).filter(|&other| other != at);
        let mut found: BTreeSet<usize> =
            others().filter(|&other| is_known(&self.chains[other]) || is_later(&self.chains[other])).collect();
        let has_ended = wanted.is_some() || found.is_empty() || self.log_says_it_ended(at, end).await;
        if !has_ended {
            found.retain(|&other| is_known(&self.chains[other]) || records_as_much(&self.chains[other], chain));
        }
        found
    }
}

/// Tells whether a later chain lists about as many log files as an older one: at least half as many in the hours of
/// both, and at least a quarter of what is to be expected by the other's last day in those that it alone answers for.
/// Of a chain that lists nothing that is known, nothing is known.
fn records_as_much(later: &ChainWalk, older: &ChainWalk) -> bool {
    let Some(last) = older.logs_by_hour.keys().next_back() else { return false };
    let begin = later.logs_by_hour.keys().next().copied().unwrap_or(*last);
    let both: u64 = older.logs_by_hour.range(begin..).map(|(_, logs)| logs).sum();
    let theirs: u64 = later.logs_by_hour.range(..=*last).map(|(_, logs)| logs).sum();
    if both > 0 && 2 * theirs < both {
        return false;
    }
    let after = Rate::of(later, (Bound::Excluded(*last), Bound::Unbounded));
    after.is_as_much_as(&Rate::before(older, last.saturating_add(HOUR).unwrap_or(*last)))
}

/// Tells whether a chain lists in a time about as many log files as another one is to be expected to list there: by
/// what that one lists there itself, or by its day before.
pub(super) fn lists_as_much(chain: &ChainWalk, other: &ChainWalk, window: TimeRange) -> bool {
    let within = |chain: &ChainWalk| Rate::of(chain, (Bound::Included(window.start), Bound::Excluded(window.end)));
    let (listed, own) = (within(chain), within(other));
    if own.logs == 0 {
        return listed.is_as_much_as(&Rate::before(other, window.start));
    }
    if listed.hours > 0 {
        return 2 * listed.logs >= own.logs;
    }
    // It ended before: its own last day tells.
    let rate = Rate::before(chain, window.start);
    2 * rate.logs * own.hours >= own.logs * rate.hours
}

/// How many log files a chain lists in how many hours.
struct Rate {
    logs: u64,
    hours: u64,
}

impl Rate {
    fn of(chain: &ChainWalk, range: (Bound<Timestamp>, Bound<Timestamp>)) -> Self {
        let hours = chain.logs_by_hour.range(range).map(|(_, logs)| logs);
        hours.fold(Self { logs: 0, hours: 0 }, |sum, logs| Self { logs: sum.logs + logs, hours: sum.hours + 1 })
    }

    /// Returns the rate of a chain's last day before a time; of all its hours before, where that day is quiet.
    fn before(chain: &ChainWalk, end: Timestamp) -> Self {
        let since = |from| Self::of(chain, (from, Bound::Excluded(end)));
        let last = chain.logs_by_hour.range(..end).next_back().map_or(end, |(hour, _)| *hour);
        let day = since(Bound::Included(last.saturating_sub(LOOK_BACK).unwrap_or(last)));
        if day.logs > 0 { day } else { since(Bound::Unbounded) }
    }

    /// Tells whether the log files of some hours are at least a quarter of what another rate lets expect. One more or
    /// less is chance, none at all is not; and where nothing happens, nothing is recorded.
    fn is_as_much_as(&self, other: &Self) -> bool {
        let expected = other.logs * self.hours / other.hours.max(1);
        expected == 0 || (self.logs > 0 && 4 * (self.logs + 1) >= expected)
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::verify::chain_mark::Since;

    use super::*;

    fn chain(first: i64, logs: &[u64]) -> ChainWalk {
        let mut chain =
            ChainWalk::new(("a-trail".parse().unwrap(), "us-east-1".parse().unwrap()), 0, None, Since::First);
        for (hour, logs) in (first..).zip(logs) {
            let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
            chain.count_logs(TimeRange { start: at(hour), end: at(hour + 1) }, *logs);
        }
        chain
    }

    #[test]
    fn only_a_trail_that_records_as_much_takes_over() {
        let older = chain(0, &[2; 40]);
        for (what, later, expected) in [
            ("empty digests beside it", chain(20, &[0; 40]), false),
            ("few log files beside it", chain(20, &[[1, 0, 0, 0, 0]; 8].concat()), false),
            ("as many beside it", chain(20, &[2; 40]), true),
            ("as many, at once", chain(40, &[2; 3]), true),
            ("none, at once", chain(40, &[0; 3]), false),
            ("none yet, in the first hour", chain(40, &[0]), false),
            ("two of six, at once", chain(40, &[2, 0, 0]), true),
            ("one of ten, at once", chain(40, &[1, 0, 0, 0, 0]), false),
            ("as many until the other ends, then none", chain(20, &[[2; 20], [0; 20]].concat()), false),
        ] {
            assert_eq!(records_as_much(&later, &older), expected, "{what}");
        }
        let quiet = |later| records_as_much(&chain(40, later), &chain(0, &[0; 40]));
        assert!(quiet(&[0; 3]), "where nothing happens, nothing is recorded");
        let quiet_day = chain(0, &[[2; 40].as_slice(), &[0; 25]].concat());
        assert!(
            !records_as_much(&chain(65, &[0; 24]), &quiet_day),
            "a day without a log file does not make a chain quiet"
        );
        assert!(!records_as_much(&chain(40, &[9; 9]), &chain(0, &[])), "of what is not known nothing is said");
    }

    #[test]
    fn another_chain_stands_in_for_hours_where_it_lists_as_much() {
        let hours = |from: i64, to: i64| TimeRange {
            start: Timestamp::from_second(from * 3600).unwrap(),
            end: Timestamp::from_second(to * 3600).unwrap(),
        };
        let busy = chain(0, &[2; 20]);
        for (what, other, expected) in [
            ("empty digests", chain(0, &[0; 60]), false),
            ("as many", chain(0, &[2; 60]), true),
            ("a quarter of them", chain(0, &[[1, 0].as_slice(); 30].concat()), true),
        ] {
            assert_eq!(lists_as_much(&other, &busy, hours(20, 30)), expected, "{what}");
        }
        // Before a chain begins, by what it lists at first.
        let later = chain(20, &[2; 24]);
        assert!(lists_as_much(&chain(0, &[2; 60]), &later, hours(20, 44)));
        assert!(!lists_as_much(&chain(0, &[0; 60]), &later, hours(20, 44)));
        assert!(lists_as_much(&chain(0, &[2; 19]), &later, hours(20, 44)), "one that was replaced");
    }
}
