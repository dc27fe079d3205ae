//! The JSON shape of what came of a plan, version 1.

use schemars::JsonSchema;
use serde::Serialize;

use crate::apply::outcome::{ApplyReport, Because, ChangeOutcome, ChangeResult, DeliveryState, Tally};
use crate::estate::{Address, Problem};
use crate::plan::saved::{AddressJson, FindingJson};
use crate::report::text::json::FORMAT_VERSION;

/// What came of a plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApplyJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The id of the organization.
    organization: &'a str,
    /// The name of the deployment.
    deployment: &'a str,
    /// By which the run is known.
    run: RunJson<'a>,
    /// Everything was done, and everything could be read.
    complete: bool,
    /// How many changes ended in which way.
    summary: ApplySummary,
    /// How each change ended.
    outcomes: Vec<OutcomeJson<'a>>,
    /// What was removed.
    retired: Vec<String>,
    /// What could not be read, and why.
    problems: &'a [Problem],
    /// What stood against parts of the plan.
    blockers: &'a [Problem],
    /// Whether each trail delivers after the run.
    delivery: Vec<DeliveryJson<'a>>,
    /// What is wrong after the run, the worst first.
    findings: Vec<FindingJson>,
}

/// By which a run is known.
#[derive(Debug, Serialize, JsonSchema)]
struct RunJson<'a> {
    /// When it began (RFC 3339).
    began: String,
    /// The fingerprint of its plan.
    plan: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ApplySummary {
    #[serde(flatten)]
    tally: Tally,
    /// Resources that needed no change.
    unchanged: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct OutcomeJson<'a> {
    #[serde(flatten)]
    place: AddressJson,
    /// `create`, `update`, `adopt` or `retire`.
    action: &'static str,
    /// `done`, `failed`, `taken_back` or `skipped`.
    result: &'static str,
    /// For `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
    /// For `skipped`: the address of the change that was not made, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DeliveryJson<'a> {
    /// The address of the trail.
    trail: String,
    /// `arrives`, `waiting` or `fails`.
    state: &'static str,
    /// When the last log file arrived (RFC 3339), for `arrives`.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_time: Option<&'a str>,
    /// Why it does not deliver, for `fails`.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

impl<'a> From<&'a ApplyReport> for ApplyJson<'a> {
    fn from(report: &'a ApplyReport) -> Self {
        let ApplyReport {
            organization,
            deployment,
            began,
            plan,
            outcomes,
            urgent: _,
            unchanged,
            problems,
            blockers,
            delivery,
            findings,
        } = report;
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            organization: organization.as_str(),
            deployment,
            run: RunJson { began: began.to_string(), plan },
            complete: report.is_complete(),
            summary: ApplySummary { tally: report.tally(), unchanged: *unchanged },
            outcomes: outcomes.iter().map(OutcomeJson::from).collect(),
            retired: report.retired().map(|outcome| outcome.address.to_string()).collect(),
            problems,
            blockers,
            delivery: delivery.iter().map(|d| delivery_json(&d.trail, &d.state)).collect(),
            findings: findings.iter().map(FindingJson::from).collect(),
        }
    }
}

impl<'a> From<&'a ChangeOutcome> for OutcomeJson<'a> {
    fn from(outcome: &'a ChangeOutcome) -> Self {
        let ChangeOutcome { address, action, result } = outcome;
        let (result, problem, because) = match result {
            ChangeResult::Done => ("done", None, None),
            ChangeResult::Failed(problem) => ("failed", Some(problem), None),
            ChangeResult::TakenBack(problem) => ("taken_back", Some(problem), None),
            ChangeResult::Skipped(Because::Of(address)) => ("skipped", None, Some(address.to_string())),
            ChangeResult::Skipped(Because::Reason(reason)) => ("skipped", None, Some(reason.clone())),
        };
        Self { place: AddressJson(address.clone()), action: action.as_str(), result, problem, because }
    }
}

fn delivery_json<'a>(trail: &Address, state: &'a DeliveryState) -> DeliveryJson<'a> {
    let (state, latest_time, problem) = match state {
        DeliveryState::Arrives(time) => ("arrives", Some(time.as_str()), None),
        DeliveryState::Waiting => ("waiting", None, None),
        DeliveryState::Fails(problem) => ("fails", None, Some(problem)),
    };
    DeliveryJson { trail: trail.to_string(), state, latest_time, problem }
}
