//! What came of a plan, as plain data: what the reports of `apply` are made from.

use crate::estate::{Address, Problem};
use crate::ids::OrganizationId;
use crate::plan::Action;

/// The outcome of a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyReport {
    /// The organization that was changed.
    pub organization: OrganizationId,
    /// The name in the ownership tag.
    pub deployment: String,
    /// One for each change of the plan, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// How many wanted resources were as they should be before the run.
    pub unchanged: usize,
    /// What could not be read, so that nothing was planned there.
    pub problems: Vec<Problem>,
    /// How the delivery of each trail of ours goes after the run.
    pub delivery: Vec<Delivery>,
}

/// What came of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
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
    /// In words: an interrupt.
    Reason(String),
}

/// How the delivery of one trail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
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
    /// CloudTrail could not deliver, or nobody could ask it.
    Fails(Problem),
}

impl ApplyReport {
    /// Tells whether every change was made and no trail is known to fail.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty()
            && self.outcomes.iter().all(|outcome| outcome.result == ChangeResult::Done)
            && !self.delivery.iter().any(|delivery| matches!(delivery.state, DeliveryState::Fails(_)))
    }
}
