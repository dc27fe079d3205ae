//! What came of a plan, as plain data: the input of the reports of `apply`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::estate::{Address, Problem};
use crate::ids::OrganizationId;
use crate::plan::{Action, Finding};

/// The outcome of a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyReport {
    /// The organization that was changed.
    pub organization: OrganizationId,
    /// The name in the ownership tag.
    pub deployment: String,
    /// When the run began.
    pub began: Timestamp,
    /// The fingerprint of the plan that was carried out.
    pub plan: String,
    /// One for each change of the plan, in the order of the plan.
    pub outcomes: Vec<ChangeOutcome>,
    /// One for each urgent part of the plan, in its order. A part that failed was tried again with its change, where
    /// the plan has that.
    pub urgent: Vec<ChangeOutcome>,
    /// How many wanted resources were as they should be before the run.
    pub unchanged: usize,
    /// What could not be read, so that nothing was planned there.
    pub problems: Vec<Problem>,
    /// What stood against parts of the plan.
    pub blockers: Vec<Problem>,
    /// How the delivery of each trail of this deployment goes after the run.
    pub delivery: Vec<TrailDelivery>,
    /// What is wrong after the run as far as it was looked at again: what the plan found, and of the trails that were
    /// asked again what CloudTrail says now. The worst first.
    pub findings: Vec<Finding>,
}

/// What came of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeOutcome {
    /// Where.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What came of it.
    pub result: ChangeResult,
}

/// How one change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeResult {
    /// It was made.
    Done,
    /// AWS refused it, or could not be reached.
    Failed(Problem),
    /// It was not tried.
    Skipped(Because),
    /// It was made, delivery failed after it, and what was there before has been put back.
    TakenBack(Problem),
}

/// Why a change was not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It depends on this change, which was not made.
    Of(Address),
    /// In words: no consent, an interrupt.
    Reason(String),
}

/// How the delivery of one trail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailDelivery {
    /// The trail.
    pub trail: Address,
    /// What CloudTrail says of it.
    pub state: DeliveryState,
}

/// What CloudTrail says of the delivery of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryState {
    /// Log files arrive; the time of the last one, as AWS writes it.
    Arrives(String),
    /// No log file has arrived yet, and no error is known: a new trail takes some minutes.
    Waiting,
    /// CloudTrail could not deliver, or its status could not be read.
    Fails(Problem),
}

/// How many changes ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Tally {
    /// Made.
    pub done: usize,
    /// Tried in vain.
    pub failed: usize,
    /// Not tried.
    pub skipped: usize,
}

impl ApplyReport {
    /// Returns what was removed.
    pub fn retired(&self) -> impl Iterator<Item = &ChangeOutcome> {
        let retired =
            |outcome: &&ChangeOutcome| outcome.action == Action::Retire && outcome.result == ChangeResult::Done;
        self.outcomes.iter().filter(retired)
    }

    /// Returns how each address ended: its change, or where only the urgent part of it was to be made, the last of its
    /// parts.
    pub fn ended(&self) -> impl Iterator<Item = &ChangeOutcome> {
        let whole: BTreeSet<&Address> = self.outcomes.iter().map(|outcome| &outcome.address).collect();
        let mut parts: BTreeMap<&Address, &ChangeOutcome> = BTreeMap::new();
        for part in self.urgent.iter().filter(|part| !whole.contains(&part.address)) {
            let entry = parts.entry(&part.address).or_insert(part);
            // One part that failed is what has to be told of the address.
            if entry.result == ChangeResult::Done {
                *entry = part;
            }
        }
        self.outcomes.iter().chain(parts.into_values())
    }

    /// Counts the outcomes.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for outcome in self.ended() {
            match outcome.result {
                ChangeResult::Done => tally.done += 1,
                ChangeResult::Failed(_) | ChangeResult::TakenBack(_) => tally.failed += 1,
                ChangeResult::Skipped(_) => tally.skipped += 1,
            }
        }
        tally
    }

    /// Tells whether all that was planned is there now and everything could be read.
    pub fn is_complete(&self) -> bool {
        let tally = self.tally();
        let fails = |delivery: &TrailDelivery| matches!(delivery.state, DeliveryState::Fails(_));
        tally.failed + tally.skipped == 0
            && self.problems.is_empty()
            && self.blockers.is_empty()
            && !self.delivery.iter().any(fails)
    }
}
