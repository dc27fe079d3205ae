//! What a report of a plan is about.

use crate::drift::{Comparison, DriftRecord, Trace, Unsent};
use crate::organization::Organization;
use crate::plan::Plan;

/// Why the report is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is about to be applied.
    Plan,
    /// A schedule looks whether something changed.
    Drift,
}

impl Purpose {
    /// Returns the word that the report begins with.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Plan => "Plan",
            Purpose::Drift => "Drift",
        }
    }
}

/// What a report is about.
#[derive(Clone, Copy)]
pub struct ReportSubject<'a> {
    /// The plan, or what drifted.
    pub plan: &'a Plan,
    /// The organization that it was made for.
    pub organization: &'a Organization,
    /// Why the report is made.
    pub purpose: Purpose,
    /// What is new since the last run, where it was compared.
    pub since: Option<&'a Comparison>,
    /// Who changed what, as far as it was asked.
    pub traces: &'a [Trace],
    /// What a channel was not sent, for the next run; not set where nothing was to be sent.
    pub unsent: Option<&'a Unsent>,
}

impl<'a> ReportSubject<'a> {
    /// Takes a plan by itself.
    pub fn new(plan: &'a Plan, organization: &'a Organization, purpose: Purpose) -> Self {
        Self { plan, organization, purpose, since: None, traces: &[], unsent: None }
    }

    /// Returns it as the JSON report says it, and as the next run of `drift` reads it.
    pub fn record(&self) -> DriftRecord {
        DriftRecord {
            comparison: self.since.cloned(),
            who: self.traces.to_vec(),
            unsent: self.unsent.cloned().unwrap_or_default(),
            ..DriftRecord::of(self.plan)
        }
    }
}
