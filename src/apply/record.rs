//! What a run did, as lines for a file that people keep: one JSON object a change, with what was there where something was
//! removed. It is never read back.

use jiff::Timestamp;
use serde::Serialize;

use super::outcome::{ApplyReport, ChangeResult};
use crate::estate::{Address, Resource};
use crate::ids::OrganizationId;
use crate::plan::{Action, Plan};

#[derive(Serialize)]
struct Line<'a> {
    /// When the run began.
    run: Timestamp,
    /// The fingerprint of its plan.
    plan: &'a str,
    organization: &'a OrganizationId,
    deployment: &'a str,
    action: &'static str,
    address: &'a Address,
    result: &'static str,
    /// What was there before it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<&'a Resource>,
}

/// Returns the lines of a run: everything that was tried, in the order of the plan.
///
/// # Errors
/// None for these lines; the encoder's signature has one.
pub fn lines(report: &ApplyReport, plan: &Plan) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for (outcome, change) in report.outcomes.iter().zip(&plan.changes) {
        let result = match outcome.result {
            ChangeResult::Done => "done",
            ChangeResult::Failed(_) => "failed",
            ChangeResult::TakenBack(_) => "taken_back",
            ChangeResult::Skipped(_) => continue,
        };
        let line = Line {
            run: report.began,
            plan: &report.plan,
            organization: &report.organization,
            deployment: &report.deployment,
            action: outcome.action.as_str(),
            address: &outcome.address,
            result,
            removed: change.observed.as_ref().filter(|_| outcome.action == Action::Retire && result == "done"),
        };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}
