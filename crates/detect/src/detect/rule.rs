//! A rule: what it says of itself, and what it rings for.

use std::sync::Arc;

use jiff::SignedDuration;

use super::exclusion::Exclusion;
use super::field::Field;
use super::level::Level;
use super::sigma::Condition;

/// What a rule says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMeta {
    /// The id: a UUID in Sigma, any word in rules of other kinds.
    pub id: String,
    /// The title, one line.
    pub title: String,
    /// The level, that of an override where there is one.
    pub level: Level,
    /// Who wrote it. Empty: the rule does not say.
    pub author: String,
    /// What it is about. Empty: the rule does not say.
    pub description: String,
    /// Where more is to be read.
    pub references: Vec<String>,
    /// Tags, such as a technique of MITRE ATT&CK: `attack.t1562.008`.
    pub tags: Vec<String>,
    /// What rings although nothing is wrong.
    pub false_positives: Vec<String>,
    /// What to do first. Empty: the rule does not say.
    pub next_step: String,
}

/// The kinds of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// Rings for each record that matches (Sigma).
    Each,
    /// Rings where enough records, or enough different values, come within a time.
    Threshold,
    /// Rings where records of several rules come within a time, in any order or in theirs.
    Sequence,
    /// Rings for what was not seen for a time.
    FirstSeen,
}

impl RuleKind {
    /// Returns the kind as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleKind::Each => "each record",
            RuleKind::Threshold => "threshold",
            RuleKind::Sequence => "sequence",
            RuleKind::FirstSeen => "first seen",
        }
    }
}

/// A rule that can ring.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it says of itself.
    pub meta: RuleMeta,
    /// The file that it stands in.
    pub file: String,
    /// The line at which it begins, from 1.
    pub line: usize,
    pub(super) logic: Logic,
    /// Findings of one group within this time, in microseconds, are one: see [`super::DetectionFinding`].
    pub(super) fold_us: i64,
    /// Changes where the meaning of the rule changes: state of another meaning is not taken up.
    pub(super) fingerprint: String,
    /// What overrides exclude.
    pub exclusions: Vec<Exclusion>,
}

/// What a rule rings for.
#[derive(Debug, Clone)]
pub(super) enum Logic {
    Each(Step),
    Window(WindowLogic),
    First(FirstLogic),
}

/// A condition, with the fields that say to which group a record of it belongs.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub condition: Arc<Condition>,
    pub group_by: Vec<Field>,
}

/// Records of one group within a time.
#[derive(Debug, Clone)]
pub(super) struct WindowLogic {
    /// One, or several in the order of the rule.
    pub steps: Vec<Step>,
    /// How long the time is, in microseconds; both of its ends belong to it.
    pub within_us: i64,
    pub need: Need,
    /// A record without one of the fields of the group belongs to the group of those without it.
    pub groups_missing: bool,
}

/// What rings within a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// So many records.
    Events(usize),
    /// So many different values of fields.
    Distinct { fields: Vec<Field>, at_least: usize },
    /// A record of each step.
    EachStep,
    /// A record of each step, in their order; records of one time are in any.
    StepsInOrder,
}

/// What was not seen for a time.
#[derive(Debug, Clone)]
pub(super) struct FirstLogic {
    pub step: Step,
    /// How long a value must not have been seen, in microseconds.
    pub in_us: i64,
    /// How long a time before an event has to be known for it to ring, in microseconds.
    pub known_us: i64,
}

impl Rule {
    /// Returns which kind of rule it is.
    pub fn kind(&self) -> RuleKind {
        match &self.logic {
            Logic::Each(_) => RuleKind::Each,
            Logic::First(_) => RuleKind::FirstSeen,
            Logic::Window(window) => match window.need {
                Need::Events(_) | Need::Distinct { .. } => RuleKind::Threshold,
                Need::EachStep | Need::StepsInOrder => RuleKind::Sequence,
            },
        }
    }

    /// Returns the names of the calls that it can ring for, in lower case. `None`: other fields decide.
    pub fn event_names(&self) -> Option<Vec<&str>> {
        let mut names = Vec::new();
        for step in self.steps() {
            names.extend(step.condition.event_names()?);
        }
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// Returns how long before an event the others may be that it needs to ring: what has to be fed before a time, so
    /// that nothing is missed in it.
    pub fn looks_back(&self) -> SignedDuration {
        match &self.logic {
            Logic::Window(window) => SignedDuration::from_micros(window.within_us),
            Logic::Each(_) | Logic::First(_) => SignedDuration::ZERO,
        }
    }

    /// Tells whether it matters which of its steps a record matches.
    pub(super) fn has_order(&self) -> bool {
        self.kind() == RuleKind::Sequence
    }

    /// Returns the names of the fields of a group.
    pub(super) fn group_names(&self) -> Vec<String> {
        match &self.logic {
            Logic::Each(_) => vec![Field::account().name().to_owned(), Field::Principal.name().to_owned()],
            _ => {
                self.steps().first().into_iter().flat_map(|step| &step.group_by).map(|f| f.name().to_owned()).collect()
            }
        }
    }

    pub(super) fn steps(&self) -> &[Step] {
        match &self.logic {
            Logic::Each(step) | Logic::First(FirstLogic { step, .. }) => std::slice::from_ref(step),
            Logic::Window(window) => &window.steps,
        }
    }
}
