//! Which trail took over from one that ended. A trail that goes on beside it is none: that would hide that the newest digests
//! of the other are gone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::logs::finding::TimeRange;

use super::chain_walk::ChainWalk;
use super::walk::Walk;

/// How far back it is looked whether a chain had log files: a quiet night is shorter.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// So few log files may well not come in the first hours of a trail.
const FEW: u64 = 2;

impl Walk<'_> {
    /// Returns the chains that take over from one that ends: trails that began while it was there, unless it should be there
    /// still. Where neither the configuration nor the log itself says that it ended, they must record as much as it did.
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

    /// Tells whether the log around a chain's end says that its trail was deleted or stopped.
    async fn log_says_it_ended(&self, at: usize, end: Timestamp) -> bool {
        let told = self.explain(at, TimeRange { start: end, end }).await;
        ["DeleteTrail by ", "StopLogging by "].iter().any(|call| told.contains(call))
    }
}

/// Tells whether a later chain lists about as many log files as an older one: at least half as many in the hours of both; where
/// it begins with the other's end, about half as many as are to be expected by the other's last day.
fn records_as_much(later: &ChainWalk, older: &ChainWalk) -> bool {
    let Some(last) = older.logs_by_hour.keys().next_back() else { return true };
    let since = last.saturating_sub(LOOK_BACK).unwrap_or(*last);
    let hours = older.logs_by_hour.range(since..).count() as u64;
    let recent: u64 = older.logs_by_hour.range(since..).map(|(_, logs)| logs).sum();
    let all: u64 = later.logs_by_hour.values().sum();
    if recent == 0 {
        return true;
    }
    let begin = later.logs_by_hour.keys().next().copied().unwrap_or(*last);
    if begin > *last {
        let expected = recent * later.logs_by_hour.len() as u64 / hours.max(1);
        // Of so few, one more or less is chance; none at all is not.
        return expected <= FEW || (all > 0 && 2 * (all + 1) >= expected);
    }
    let both: u64 = older.logs_by_hour.range(begin..).map(|(_, logs)| logs).sum();
    let theirs: u64 = later.logs_by_hour.range(..=*last).map(|(_, logs)| logs).sum();
    all > 0 && 2 * theirs >= both
}

#[cfg(test)]
mod tests {
    use crate::logs::verify::answer::Since;

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
            ("none yet, in the first hour", chain(40, &[0]), true),
            ("two of six, at once", chain(40, &[2, 0, 0]), true),
            ("two of eight, at once", chain(40, &[2, 0, 0, 0]), false),
        ] {
            assert_eq!(records_as_much(&later, &older), expected, "{what}");
        }
        assert!(
            records_as_much(&chain(40, &[0; 3]), &chain(0, &[0; 40])),
            "where nothing happens, nothing is recorded"
        );
    }
}
