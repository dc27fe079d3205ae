//! Whether the events of a group ring: functions of the events in the order of their times.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::key::EventKey;
use crate::detect::rule::Need;

/// An event of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "t")]
    pub at_us: i64,
    #[serde(rename = "i")]
    pub key: EventKey,
    /// The number of the step that it matched; 0 where steps do not count.
    #[serde(rename = "s")]
    pub step: usize,
    /// What tells its value from others, where those are counted.
    #[serde(rename = "v")]
    pub value: u64,
    #[serde(rename = "d")]
    pub is_done: bool,
}

/// Returns the events of a time that ends at `end`, both ends included.
pub(super) fn window(entries: &[Entry], end: i64, within_us: i64) -> &[Entry] {
    let from = entries.partition_point(|entry| entry.at_us < end.saturating_sub(within_us));
    let to = entries.partition_point(|entry| entry.at_us <= end);
    entries.get(from..to).unwrap_or_default()
}

/// Tells whether the events of one time are enough.
pub(super) fn rings(window: &[Entry], need: &Need, steps: usize) -> bool {
    match need {
        Need::Events(at_least) => window.len() >= *at_least,
        Need::Distinct { at_least, .. } => {
            window.len() >= *at_least
                && window.iter().map(|entry| entry.value).collect::<BTreeSet<_>>().len() >= *at_least
        }
        Need::EachStep => (0..steps).all(|step| window.iter().any(|entry| entry.step == step)),
        Need::StepsInOrder => {
            // The earliest of each step that is not before the one of the last step; events of one time have no order.
            let mut from = i64::MIN;
            (0..steps).all(|step| {
                let next = window.iter().find(|entry| entry.step == step && entry.at_us >= from);
                next.is_some_and(|entry| {
                    from = entry.at_us;
                    true
                })
            })
        }
    }
}

/// Returns the different times of events within two times, both included.
pub(super) fn times(entries: &[Entry], from: i64, to: i64) -> Vec<i64> {
    let start = entries.partition_point(|entry| entry.at_us < from);
    let end = entries.partition_point(|entry| entry.at_us <= to);
    let mut times: Vec<i64> = entries.get(start..end).unwrap_or_default().iter().map(|entry| entry.at_us).collect();
    times.dedup();
    times
}

/// Returns the events that make a group ring between two times, the second not included: those of every time that ends
/// there and is enough.
pub(super) fn ringing<'e>(
    entries: &'e [Entry],
    need: &Need,
    steps: usize,
    within_us: i64,
    (from, to): (i64, i64),
) -> Vec<&'e Entry> {
    let ends: Vec<i64> = times(entries, from, to.saturating_sub(1))
        .into_iter()
        .filter(|end| rings(window(entries, *end, within_us), need, steps))
        .collect();
    let is_covered = |entry: &&Entry| {
        let next = ends.get(ends.partition_point(|end| *end < entry.at_us));
        next.is_some_and(|end| end.saturating_sub(within_us) <= entry.at_us)
    };
    entries.iter().filter(is_covered).collect()
}
