//! One change: what is printed, saved and done.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field_change::{Differences, FieldChange};
use super::finding::Harm;
use crate::estate::{Address, Resource};
use crate::ids::AccountId;

/// What is done at an address, in a word. What doing it needs is its [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing was there.
    Create,
    /// Ours, and different.
    Update,
    /// There, but not created by orgtrail: it is taken over, with consent.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

/// What is done at an address, with all that doing it needs and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// It is made. Nothing was there, or only what a run that was cut off began.
    Create {
        /// What shall be there.
        desired: Resource,
        /// What an earlier run of this deployment began; none where nothing was there.
        begun: Option<Begun>,
    },
    /// Ours, and different.
    Update {
        /// What shall be there.
        desired: Resource,
        /// What was there.
        observed: Resource,
        /// What differs.
        fields: Differences,
    },
    /// Not created by orgtrail: it is taken over, with consent.
    Adopt {
        /// What shall be there.
        desired: Resource,
        /// What was there.
        observed: Resource,
        /// What differs; empty where nothing does but its owner.
        fields: Vec<FieldChange>,
    },
    /// Ours, and no longer wanted: it is removed, with consent.
    Retire {
        /// What was there.
        observed: Resource,
    },
}

/// What a run that was cut off left of a resource that it was making.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// What was there.
    pub observed: Resource,
    /// What of it differs from what shall be there.
    pub fields: Vec<FieldChange>,
}

impl Step {
    /// Makes the update that leads from what was observed to what is desired; none where they do not differ.
    pub fn update(desired: Resource, observed: Resource, fields: Vec<FieldChange>) -> Option<Self> {
        Some(Step::Update { desired, observed, fields: Differences::of(fields)? })
    }

    /// Makes the creation of something of which nothing is there.
    pub fn create(desired: Resource) -> Self {
        Step::Create { desired, begun: None }
    }

    /// Returns the word for it.
    pub fn action(&self) -> Action {
        match self {
            Step::Create { .. } => Action::Create,
            Step::Update { .. } => Action::Update,
            Step::Adopt { .. } => Action::Adopt,
            Step::Retire { .. } => Action::Retire,
        }
    }
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
    /// What is done, from what to what.
    pub step: Step,
    /// What it risks; never empty.
    pub risk: BTreeSet<Risk>,
    /// What the drift does now, as long as it is not repaired.
    pub harm: Harm,
    /// The line of the configuration that asked for it, as a path: `readers.role`.
    pub reason: String,
    /// What must be done before, of the changes in the same plan.
    pub depends_on: Vec<Address>,
}

impl Change {
    /// Returns the word for what is done.
    pub fn action(&self) -> Action {
        self.step.action()
    }

    /// Returns what shall be there after it; none when it is retired.
    pub fn desired(&self) -> Option<&Resource> {
        match &self.step {
            Step::Create { desired, .. } | Step::Update { desired, .. } | Step::Adopt { desired, .. } => Some(desired),
            Step::Retire { .. } => None,
        }
    }

    /// Returns [`Change::desired`] to be changed.
    pub fn desired_mut(&mut self) -> Option<&mut Resource> {
        match &mut self.step {
            Step::Create { desired, .. } | Step::Update { desired, .. } | Step::Adopt { desired, .. } => Some(desired),
            Step::Retire { .. } => None,
        }
    }

    /// Returns what was there before it; none where nothing was.
    pub fn observed(&self) -> Option<&Resource> {
        match &self.step {
            Step::Create { begun, .. } => begun.as_ref().map(|begun| &begun.observed),
            Step::Update { observed, .. } | Step::Adopt { observed, .. } | Step::Retire { observed } => Some(observed),
        }
    }

    /// Returns what differs from what was there: nothing where nothing was, and of what is retired.
    pub fn fields(&self) -> &[FieldChange] {
        match &self.step {
            Step::Create { begun, .. } => begun.as_ref().map_or(&[], |begun| &begun.fields),
            Step::Update { fields, .. } => fields,
            Step::Adopt { fields, .. } => fields,
            Step::Retire { .. } => &[],
        }
    }

    /// Returns what differs. Where nothing was there, it is every field that has a value.
    pub fn field_changes(&self) -> Cow<'_, [FieldChange]> {
        match &self.step {
            Step::Create { desired, begun: None } => Cow::Owned(created(desired)),
            _ => Cow::Borrowed(self.fields()),
        }
    }

    /// Tells whether the change touches this field or one below it.
    pub fn touches(&self, path: &str) -> bool {
        self.field_changes()
            .iter()
            .any(|f| f.path == path || f.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Leaves a field as it is; returns none where no other differs. What shall be there is the caller's to say.
    pub(super) fn without_field(self, path: &str) -> Option<Self> {
        let left = |fields: Vec<FieldChange>| -> Vec<FieldChange> {
            fields.into_iter().filter(|field| field.path != path).collect()
        };
        let step = match self.step {
            Step::Create { desired, begun } => {
                let begun = begun.map(|begun| Begun { fields: left(begun.fields), ..begun });
                Step::Create { desired, begun }
            }
            Step::Update { desired, observed, fields } => Step::update(desired, observed, left(fields.into()))?,
            Step::Adopt { desired, observed, fields } => {
                let fields = left(fields);
                (!fields.is_empty()).then_some(Step::Adopt { desired, observed, fields })?
            }
            Step::Retire { observed } => Step::Retire { observed },
        };
        Some(Self { step, ..self })
    }

    /// Returns the change that puts back what was there; none where nothing was, or where it is gone.
    pub fn reverted(&self) -> Option<Self> {
        let (before, after) = (self.observed()?.clone(), self.desired()?.clone());
        let fields = self.fields().iter().cloned().map(FieldChange::reverted).collect();
        Some(Self { step: Step::update(before, after, fields)?, ..self.clone() })
    }
}

/// Returns every field of a desired resource that says more than that there is nothing.
fn created(desired: &Resource) -> Vec<FieldChange> {
    let fields = desired.wished_fields().into_iter().filter(|field| !field.value.is_nothing());
    fields.map(|field| FieldChange { path: field.path, before: None, after: Some(field.value) }).collect()
}
