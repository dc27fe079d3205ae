//! Two actors over one field: we set it, somebody sets it back, round after round. Pure.
//!
//! A fight is a field that was changed in several rounds on end and each time found with the same other value. Going on
//! would flood the trail that both want to keep; it is told to a person instead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::estate::Address;
use crate::plan::{Action, Change};

/// So many times on end a field is set and found set back before it is left alone.
pub const REVERTS_MAX: u32 = 3;

/// One field over which there may be a fight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    /// The resource.
    pub address: Address,
    /// The field; empty for the resource as a whole, which somebody removes each time.
    pub field: String,
    /// The value that somebody sets it back to.
    pub theirs: Value,
    /// How many times on end we have set it since.
    pub set: u32,
}

/// The fields that were set lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fights {
    contests: BTreeMap<(Address, String), Contest>,
}

impl Fights {
    /// Takes up what an earlier run of the daemon knew.
    pub fn resume(contests: Vec<Contest>) -> Self {
        Self { contests: contests.into_iter().map(|c| ((c.address.clone(), c.field.clone()), c)).collect() }
    }

    /// Forgets all: the configuration has changed.
    pub fn forget(&mut self) {
        self.contests.clear();
    }

    /// Returns what is known, to be kept.
    pub fn contests(&self) -> Vec<Contest> {
        self.contests.values().cloned().collect()
    }

    /// Notes what a round saw, where it looked: a field that is as it should be is no longer fought over, nor is one that
    /// has a third value now.
    pub fn saw(&mut self, changes: &[Change], looked_at: impl Fn(&Address) -> bool) {
        self.contests.retain(|(address, field), contest| {
            if !looked_at(address) {
                return true;
            }
            let now = changes.iter().find(|change| change.address == *address);
            now.and_then(|change| found(change, field)).is_some_and(|value| value == contest.theirs)
        });
    }

    /// Notes a change that was made.
    pub fn made(&mut self, change: &Change) {
        for (field, theirs) in fields(change) {
            let key = (change.address.clone(), field.clone());
            let contest = self.contests.entry(key).or_insert_with(|| Contest {
                address: change.address.clone(),
                field,
                theirs,
                set: 0,
            });
            contest.set += 1;
        }
    }

    /// Returns the addresses that are fought over, each with its field, after [`Fights::saw`].
    pub fn lost(&self) -> impl Iterator<Item = (&Address, &str)> {
        let lost = self.contests.iter().filter(|(_, contest)| contest.set >= REVERTS_MAX);
        lost.map(|((address, field), _)| (address, field.as_str()))
    }
}

/// The fields that a change sets, each with the value that it finds. What is made anew counts as one field: the whole.
fn fields(change: &Change) -> Vec<(String, Value)> {
    match change.action {
        Action::Update => change.fields.iter().map(|f| (f.path.clone(), f.before.clone())).collect(),
        Action::Create => vec![(String::new(), Value::Null)],
        Action::Adopt | Action::Retire => Vec::new(),
    }
}

fn found(change: &Change, field: &str) -> Option<Value> {
    fields(change).into_iter().find(|(path, _)| path == field).map(|(_, value)| value)
}
