//! Two actors over one field: we set it, somebody sets it back, round after round. Pure.
//!
//! A conflict is unresolved when a field was changed in several rounds on end and each time found with the same other
//! value. Going on at that pace would flood the trail that both want to keep, and giving up would let whoever repeats a
//! call twice switch the daemon off. So it goes on more slowly, and a person is told. A log and its protection never
//! wait longer than from one round to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::daemon::clock::after;
use crate::estate::Address;
use crate::plan::{Change, Step};

/// So many times in a row a field is set and found set back before the conflict is unresolved.
pub const REVERTS_MAX: u32 = 3;

/// The longest time between two tries over a field that is fought over.
pub const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);

/// The shortest time between two tries over a log or its protection, once there is a conflict. A message can begin a
/// round within seconds.
const PAUSE_URGENT: Duration = Duration::from_secs(60);

/// One field that we set and another principal may set back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The resource.
    pub address: Address,
    /// The field; empty for the resource as a whole, which another principal removes each time.
    pub field: String,
    /// The value that another principal sets it back to.
    #[serde(rename = "theirs")]
    pub reverted_to: Value,
    /// How many times on end we have set it since.
    pub set: u32,
    /// When we set it last; none where an earlier version did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

impl Conflict {
    /// Tells whether another principal sets it back each time, not just something that was put right once or twice.
    pub fn is_unresolved(&self) -> bool {
        self.set >= REVERTS_MAX
    }

    /// Returns how long to wait after the last try, with rounds `every` so often: a round more after each try, doubled
    /// each time.
    pub fn pause(&self, every: Duration) -> Duration {
        self.doubled(every).min(PAUSE_MAX)
    }

    /// Returns how long to wait where a log or its protection is fought over: never longer than from one round to the
    /// next.
    pub fn pause_urgent(&self, every: Duration) -> Duration {
        self.doubled(PAUSE_URGENT).min(every)
    }

    fn doubled(&self, first: Duration) -> Duration {
        let doublings = self.set.saturating_sub(REVERTS_MAX).min(16);
        first.saturating_mul(1 << doublings)
    }

    /// Tells whether a pause after the last try is over.
    fn may_try(&self, pause: Duration, now: Timestamp) -> bool {
        self.last.is_none_or(|last| after(last, pause) <= now)
    }
}

/// The fields that were set lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConflictTracker {
    conflicts: BTreeMap<(Address, String), Conflict>,
}

impl ConflictTracker {
    /// Takes up what an earlier run of the daemon knew.
    pub fn resume(conflicts: Vec<Conflict>) -> Self {
        Self { conflicts: conflicts.into_iter().map(|c| ((c.address.clone(), c.field.clone()), c)).collect() }
    }

    /// Forgets all: the configuration has changed.
    pub fn clear(&mut self) {
        self.conflicts.clear();
    }

    /// Returns what is known, to be kept.
    pub fn record(&self) -> Vec<Conflict> {
        self.conflicts.values().cloned().collect()
    }

    /// Notes what a round saw, where it looked: a field that is as it should be is no longer fought over, nor is one
    /// that has a third value now.
    pub fn saw(&mut self, changes: &[Change], looked_at: impl Fn(&Address) -> bool) {
        self.conflicts.retain(|(address, field), conflict| {
            if !looked_at(address) {
                return true;
            }
            let now = changes.iter().find(|change| change.address == *address);
            now.and_then(|change| found(change, field)).is_some_and(|value| value == conflict.reverted_to)
        });
    }

    /// Notes a change that a round made, which began at `now`.
    pub fn made(&mut self, change: &Change, now: Timestamp) {
        for (field, reverted_to) in fields(change) {
            let key = (change.address.clone(), field.clone());
            let conflict = self.conflicts.entry(key).or_insert_with(|| Conflict {
                address: change.address.clone(),
                field,
                reverted_to,
                set: 0,
                last: None,
            });
            // A field can be set by the urgent part of a change and be one of the change's as well.
            if conflict.last != Some(now) {
                conflict.set = conflict.set.saturating_add(1);
                conflict.last = Some(now);
            }
        }
    }

    /// Returns what is fought over.
    pub fn unresolved(&self) -> impl Iterator<Item = &Conflict> {
        self.conflicts.values().filter(|conflict| conflict.is_unresolved())
    }

    /// Returns what is fought over and waits for its next try, with rounds `every` so often.
    pub fn waiting(&self, every: Duration, now: Timestamp) -> impl Iterator<Item = &Conflict> {
        self.unresolved().filter(move |conflict| !conflict.may_try(conflict.pause(every), now))
    }

    /// Returns where a log or its protection is fought over and the next try has to wait for a moment.
    pub fn waiting_urgent(&self, every: Duration, now: Timestamp) -> impl Iterator<Item = &Conflict> {
        self.unresolved().filter(move |conflict| !conflict.may_try(conflict.pause_urgent(every), now))
    }
}

/// The fields that a change sets, each with the value that it finds. What is made anew counts as one field: the whole.
fn fields(change: &Change) -> Vec<(String, Value)> {
    match &change.step {
        Step::Update { fields, .. } => fields.iter().map(|f| (f.path.clone(), f.before_json())).collect(),
        Step::Create { .. } => vec![(String::new(), Value::Null)],
        Step::Adopt { .. } | Step::Retire { .. } => Vec::new(),
    }
}

fn found(change: &Change, field: &str) -> Option<Value> {
    fields(change).into_iter().find(|(path, _)| path == field).map(|(_, value)| value)
}
