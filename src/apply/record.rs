//! What a run did, as lines for a file that people keep: one JSON object for how each change ended, and one before each
//! removal, with what is removed. It is never read back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::outcome::{ApplyReport, ChangeResult};
use crate::estate::{Address, Resource};
use crate::ids::OrganizationId;
use crate::plan::{Change, Plan, Step};

/// The run that a line is of.
#[derive(Serialize, JsonSchema)]
struct Run<'a> {
    /// When it began.
    #[schemars(with = "String")]
    run: Timestamp,
    /// The fingerprint of its plan.
    plan: &'a str,
    /// The organization's id.
    #[schemars(with = "String")]
    organization: &'a OrganizationId,
    /// The name of the deployment.
    deployment: &'a str,
}

/// One line of the record.
#[derive(Serialize, JsonSchema)]
pub struct RecordLine<'a> {
    #[serde(flatten)]
    run: &'a Run<'a>,
    /// `create`, `update`, `adopt` or `retire`.
    action: &'static str,
    /// The address of the resource.
    #[schemars(with = "String")]
    address: &'a Address,
    /// `begun` before a removal; else how the change ended: `done`, `failed` or `taken_back`.
    result: &'static str,
    /// What is removed, as it was: the resource in its own fields, as in a snapshot. Not there for other changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    removed: Option<&'a Resource>,
}

/// Returns the line of a removal that is about to begin.
///
/// # Errors
/// None for this line; the encoder's signature has one.
pub fn begun(plan: &Plan, began: Timestamp, change: &Change) -> Result<String, serde_json::Error> {
    let run =
        Run { run: began, plan: &plan.fingerprint, organization: &plan.organization, deployment: &plan.deployment };
    line(&run, change, "begun")
}

/// Returns the lines of a run: everything that was tried, in the order of the plan.
///
/// # Errors
/// None for these lines; the encoder's signature has one.
pub fn lines(report: &ApplyReport, plan: &Plan) -> Result<String, serde_json::Error> {
    let run = Run {
        run: report.began,
        plan: &report.plan,
        organization: &report.organization,
        deployment: &report.deployment,
    };
    let tried = report.outcomes.iter().zip(&plan.changes).filter_map(|(outcome, change)| {
        let result = match outcome.result {
            ChangeResult::Done => "done",
            ChangeResult::Failed(_) => "failed",
            ChangeResult::TakenBack(_) => "taken_back",
            ChangeResult::Skipped(_) => return None,
        };
        Some(line(&run, change, result))
    });
    tried.collect()
}

fn line(run: &Run<'_>, change: &Change, result: &'static str) -> Result<String, serde_json::Error> {
    let removed = match &change.step {
        Step::Retire { observed } => Some(observed).filter(|_| result != "failed"),
        Step::Create { .. } | Step::Update { .. } | Step::Adopt { .. } => None,
    };
    let line = RecordLine { run, action: change.action().as_str(), address: &change.address, result, removed };
    serde_json::to_string(&line).map(|text| text + "\n")
}
