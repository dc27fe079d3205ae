//! What came of a plan as people read it, before a format is chosen. The texts are not escaped.

use serde::Serialize;

use crate::apply::outcome::{ApplyReport, Because, ChangeOutcome, ChangeResult, DeliveryState, Tally, TrailDelivery};
use crate::estate::Problem;
use crate::organization::Organization;
use crate::report::plan::assessment::{FindingView, harmful, remarks};
use crate::report::plan::view::{ProblemView, problems};
use crate::report::text::words;

/// The outcome of a run, ready to be laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplyView {
    /// The organization's id.
    pub organization: String,
    /// The name in the ownership tag.
    pub deployment: String,
    /// How many changes ended in which way, in a sentence.
    pub summary: String,
    /// What failed, or was put back because delivery failed after it.
    pub failed: Vec<ProblemView>,
    /// What was not tried.
    pub skipped: Vec<SkippedView>,
    /// What stood against parts of the plan.
    pub blockers: Vec<ProblemView>,
    /// What could not be read.
    pub problems: Vec<ProblemView>,
    /// How the delivery of each trail goes.
    pub delivery: Vec<DeliveryView>,
    /// What is wrong after the run, the worst first.
    pub findings: Vec<FindingView>,
    /// What does no harm and is worth knowing.
    pub remarks: Vec<FindingView>,
    /// What was made.
    pub done: Vec<DoneView>,
    /// How many changes were made.
    pub done_count: usize,
    /// What was removed.
    pub retired: Vec<String>,
    /// When the run began.
    pub began: String,
    /// The fingerprint of its plan.
    pub plan: String,
}

/// A change that was not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedView {
    /// Where.
    pub address: String,
    /// Why, in words.
    pub because: String,
}

/// The delivery of one trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// The trail.
    pub trail: String,
    /// How it goes, in a sentence.
    pub state: String,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoneView {
    /// `create`, `update`, `adopt`, `retire`.
    pub action: &'static str,
    /// Where.
    pub address: String,
}

/// Lays out the outcome of a run.
pub fn view(report: &ApplyReport, organization: &Organization) -> ApplyView {
    ApplyView {
        organization: report.organization.to_string(),
        deployment: report.deployment.clone(),
        summary: summary(report),
        failed: problems(&failures(report), organization),
        skipped: report.outcomes.iter().filter_map(skipped).collect(),
        blockers: problems(&report.blockers, organization),
        problems: problems(&report.problems, organization),
        delivery: report.delivery.iter().map(delivery).collect(),
        findings: harmful(&report.findings, organization),
        remarks: remarks(&report.findings, organization),
        done: report.outcomes.iter().filter_map(done).collect(),
        done_count: report.tally().done,
        retired: report.retired().map(|outcome| outcome.address.to_string()).collect(),
        began: report.began.to_string(),
        plan: report.plan.clone(),
    }
}

/// Returns how many changes ended in which way, in a sentence.
pub fn summary(report: &ApplyReport) -> String {
    let Tally { done, failed, skipped } = report.tally();
    let partial = if report.is_complete() { "" } else { " Partial: run it again when the cause is gone." };
    format!(
        "{} done, {} failed, {} skipped, {} already as wanted.{partial}",
        words::grouped(done),
        words::grouped(failed),
        words::grouped(skipped),
        words::grouped(report.unchanged)
    )
}

/// Returns the problems of failed changes, each with its address.
pub fn failures(report: &ApplyReport) -> Vec<Problem> {
    let failure = |outcome: &ChangeOutcome| match &outcome.result {
        ChangeResult::Failed(problem) => Some(Problem {
            address: problem.address.clone().or_else(|| Some(outcome.address.clone())),
            ..problem.clone()
        }),
        ChangeResult::TakenBack(problem) => Some(Problem {
            address: Some(outcome.address.clone()),
            message: format!("put back as it was before, because {}", problem.message),
            ..problem.clone()
        }),
        ChangeResult::Done | ChangeResult::Skipped(_) => None,
    };
    report.outcomes.iter().filter_map(failure).collect()
}

fn skipped(outcome: &ChangeOutcome) -> Option<SkippedView> {
    let because = match &outcome.result {
        ChangeResult::Skipped(Because::Of(address)) => format!("{address} was not made"),
        ChangeResult::Skipped(Because::Reason(reason)) => reason.clone(),
        ChangeResult::Done | ChangeResult::Failed(_) | ChangeResult::TakenBack(_) => return None,
    };
    Some(SkippedView { address: outcome.address.to_string(), because })
}

fn done(outcome: &ChangeOutcome) -> Option<DoneView> {
    let made = outcome.result == ChangeResult::Done;
    made.then(|| DoneView { action: outcome.action.as_str(), address: outcome.address.to_string() })
}

fn delivery(delivery: &TrailDelivery) -> DeliveryView {
    let TrailDelivery { trail, state } = delivery;
    let state = match state {
        DeliveryState::Arrives(time) => format!("log files arrive, the last one at {time}"),
        DeliveryState::Waiting => "no log file yet; the first one takes some minutes".into(),
        DeliveryState::Fails(problem) => format!("{}: {}", problem.code, problem.message),
    };
    DeliveryView { trail: trail.to_string(), state }
}
