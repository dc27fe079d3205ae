//! What a rule does not ring for, although it matches: said by a person, with a reason, and for as long as that holds.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::sigma::Condition;
use super::view::EventView;

/// Records that a rule passes over.
#[derive(Debug, Clone)]
pub struct Exclusion {
    pub(super) condition: Arc<Condition>,
    /// Who said so.
    pub who: String,
    /// Why.
    pub why: String,
    /// Records from this time on ring again. `None`: it has no end.
    pub until: Option<Timestamp>,
}

/// A rule that does not ring at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DisabledRule {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}

impl Exclusion {
    /// Tells whether a record of a time is passed over.
    pub(super) fn covers(&self, view: &EventView<'_, '_>, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until) && self.condition.matches(view)
    }
}
