//! What a comparison of two runs consists of.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estate::Address;
use crate::ids::AccountId;
use crate::plan::Harm;

/// What one run found, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunFinding {
    pub(super) kind: FindingKind,
    pub(super) account: AccountId,
    pub(super) address: Option<Address>,
    pub(super) what: String,
    /// What it does; none where that is not known, as of what could not be read.
    pub(super) harm: Option<Harm>,
    /// A hash of all that it says; of its key alone where the rest is AWS's words, which differ from call to call.
    pub(super) content: String,
}

/// What became of a finding since the run before. The order is the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It was not there.
    New,
    /// It was there, and says something else now.
    Changed,
    /// It is there as it was.
    Still,
    /// It was there, and its place could not be looked at this time.
    Unseen,
    /// It was there, and is no more.
    Gone,
}

/// The kinds of findings. The order is the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Something is wrong that no change repairs.
    Finding,
    /// Something is not as the configuration says.
    Change,
    /// A principal may read what it should not, or the reverse.
    Violation,
    /// Something of isolation could be neither proved nor refuted.
    Unproven,
    /// A trail that orgtrail did not create.
    Trail,
    /// Something could not be read.
    Problem,
    /// Something stands in the way of repairing it.
    Blocker,
}

impl FindingKind {
    /// Returns the word that the report uses.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::Finding => "finding",
            FindingKind::Change => "change",
            FindingKind::Violation => "violation",
            FindingKind::Unproven => "unproven",
            FindingKind::Trail => "trail",
            FindingKind::Problem => "problem",
            FindingKind::Blocker => "blocker",
        }
    }
}

/// A finding with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What became of it.
    pub state: FindingState,
    /// What it is.
    pub kind: FindingKind,
    /// The account that it is in.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// Its address, where it is about one resource.
    #[schemars(with = "Option<String>")]
    pub address: Option<Address>,
    /// What it says, in few words.
    pub what: String,
    /// What it does; none where that is not known, and of runs before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Harm>,
    /// When a run saw it first; none where that was before the first run that compared.
    #[schemars(with = "Option<String>")]
    pub first_seen: Option<Timestamp>,
    /// By which the next run knows it again.
    pub key: String,
    /// A hash of what it says in full.
    pub content: String,
}

impl Entry {
    pub(super) fn new(state: FindingState, key: &str, finding: RunFinding, first_seen: Option<Timestamp>) -> Self {
        let RunFinding { kind, account, address, what, harm, content } = finding;
        Self { state, kind, account, address, what, harm, first_seen, key: key.to_owned(), content }
    }
}

/// How many findings there are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Not there before.
    pub new: usize,
    /// There before, and other now.
    pub changed: usize,
    /// There as before.
    pub still: usize,
    /// Not to be seen this time.
    pub unseen: usize,
    /// No longer there.
    pub gone: usize,
}

impl Tally {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let count = |state: FindingState| entries.iter().filter(|entry| entry.state == state).count();
        Self {
            new: count(FindingState::New),
            changed: count(FindingState::Changed),
            still: count(FindingState::Still),
            unseen: count(FindingState::Unseen),
            gone: count(FindingState::Gone),
        }
    }
}

/// A run beside the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// When this run was.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When the run before was; none at the first run, and after a run that compared with nothing.
    #[schemars(with = "Option<String>")]
    pub previous_at: Option<Timestamp>,
    /// There was no run before: everything is new.
    pub first_run: bool,
    /// How many there are in each state.
    pub summary: Tally,
    /// Every finding of both runs.
    pub findings: Vec<Entry>,
}

impl Comparison {
    /// Puts the findings in the order of reports, and counts them.
    pub(super) fn sort(&mut self) {
        let order = |entry: &Entry| (entry.state, Harm::rank(entry.harm), entry.kind);
        self.findings.sort_by(|a, b| (order(a), &a.key).cmp(&(order(b), &b.key)));
        self.summary = Tally::of(&self.findings);
    }

    /// Returns what people have not been told of yet.
    pub fn news(&self) -> impl Iterator<Item = &Entry> {
        self.findings.iter().filter(|entry| matches!(entry.state, FindingState::New | FindingState::Changed))
    }
}
