//! One change: what is printed, saved and done.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::finding::Harm;
use crate::estate::{Address, Resource};
use crate::ids::AccountId;

/// What is done at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing was there.
    Create,
    /// Ours, and different.
    Update,
    /// There, but made by somebody else: it is taken over, with consent.
    Adopt,
    /// Ours, and no longer wanted: it is removed, with consent.
    Retire,
}

impl Action {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Adopt => "adopt",
            Action::Retire => "retire",
        }
    }
}

/// What a change may do to the audit trail beside its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// None of the others.
    Safe,
    /// Less encryption, validation, retention, isolation or coverage.
    Weakens,
    /// Delivery may pause, or what members do to the trail stops working: that is what a guard is for.
    Interrupts,
    /// Something is lost that orgtrail cannot make again.
    Destroys,
    /// Something is billed: a second copy of management events, data events, insights.
    Costs,
}

impl Risk {
    /// All risks, in the order of reports.
    pub const ALL: [Risk; 5] = [Risk::Safe, Risk::Weakens, Risk::Interrupts, Risk::Destroys, Risk::Costs];

    /// Returns the word that reports and flags use.
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::Safe => "safe",
            Risk::Weakens => "weakens",
            Risk::Interrupts => "interrupts",
            Risk::Destroys => "destroys",
            Risk::Costs => "costs",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Such as `encryption.key`, `trust`, `inline.ReadOwnLogs`.
    pub path: String,
    /// What was observed; null where there was nothing.
    pub before: Value,
    /// What is wanted. A text that begins with `orgtrail:key-arn:` stands for a value that AWS will decide.
    pub after: Value,
}

/// One change at one address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Where.
    pub address: Address,
    /// The account whose credentials make the calls; not the address's account for a trail of a delegated
    /// administrator.
    pub operator: AccountId,
    /// What is done.
    pub action: Action,
    /// What it risks; never empty.
    pub risk: BTreeSet<Risk>,
    /// What the drift does now, as long as it is not repaired.
    pub harm: Harm,
    /// The line of the configuration that asked for it, as a path: `readers.role`.
    pub reason: String,
    /// What differs from what was observed; see [`Change::field_changes`].
    pub fields: Vec<FieldChange>,
    /// What must be done before, of the changes in the same plan.
    pub depends_on: Vec<Address>,
    /// What shall be there after it; none when it is retired.
    pub desired: Option<Resource>,
    /// What was there before it.
    pub observed: Option<Resource>,
}

impl Change {
    /// Returns what differs. Where nothing was there, it is every field that has a value.
    pub fn field_changes(&self) -> Cow<'_, [FieldChange]> {
        match &self.desired {
            Some(desired) if self.observed.is_none() && self.fields.is_empty() => Cow::Owned(created(desired)),
            _ => Cow::Borrowed(&self.fields),
        }
    }

    /// Tells whether the change touches this field or one below it.
    pub fn touches(&self, path: &str) -> bool {
        self.field_changes()
            .iter()
            .any(|f| f.path == path || f.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// Returns every field of a wish that says more than that there is nothing.
fn created(desired: &Resource) -> Vec<FieldChange> {
    let fields = desired.wished_fields().into_iter().filter(|field| !field.value.is_nothing());
    fields.map(|field| FieldChange { path: field.path, before: Value::Null, after: field.value.to_json() }).collect()
}
