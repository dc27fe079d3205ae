//! The line of result that every command ends with, on standard error: what came of it, in the same terms as the exit
//! code.

use std::collections::BTreeSet;
use std::path::Path;

use crate::apply::ApplyReport;
use crate::audit::{Audit, CheckVerdict};
use crate::estate::Problem;
use crate::ids::AccountId;
use crate::logs::verify::Verification;
use crate::plan::{Finding, Plan};
use crate::reconcile::history::RoundRecord;
use crate::report::logs::model::Summary as ProofSummary;
use crate::report::text::escape;
use crate::report::text::words::{count, list};

/// A line of result: `Plan: 0 to change. 1 account unreadable.`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary(String);

impl Summary {
    /// Begins a line: `Plan` and `0 to change`.
    pub fn new(subject: &str, first: &str) -> Self {
        Self(format!("{subject}: {first}."))
    }

    /// Adds a sentence.
    pub fn also(mut self, sentence: &str) -> Self {
        self.0 += &format!(" {sentence}.");
        self
    }

    /// Adds how many there are of something, unless there are none: `1 account` and `unreadable`.
    pub fn some(self, number: usize, noun: &str, state: &str) -> Self {
        if number == 0 {
            return self;
        }
        let space = if state.is_empty() { "" } else { " " };
        self.also(&format!("{}{space}{state}", count(number, noun)))
    }

    /// Adds what could not be read: whole accounts, and resources of others.
    pub fn unreadable(self, problems: &[Problem]) -> Self {
        let accounts: BTreeSet<&AccountId> =
            problems.iter().filter(|problem| problem.address.is_none()).map(|problem| &problem.account).collect();
        let resources: BTreeSet<_> = problems.iter().filter_map(|problem| problem.address.as_ref()).collect();
        self.some(accounts.len(), "account", "unreadable").some(resources.len(), "resource", "unreadable")
    }

    fn findings(self, findings: &[Finding]) -> Self {
        self.some(findings.iter().filter(|finding| finding.harm.does_harm()).count(), "finding", "")
    }

    /// Returns the line, with the files that were written.
    pub fn line<'a>(&self, files: impl Iterator<Item = &'a Path>) -> String {
        let files: Vec<String> = files.map(|file| file.display().to_string()).collect();
        let written = if files.is_empty() { String::new() } else { format!("Written to {}.", list(&files)) };
        let parts = [self.0.as_str(), &written].into_iter().filter(|part| !part.is_empty());
        escape::terminal(&parts.collect::<Vec<_>>().join(" ")).into_owned()
    }
}

/// Returns the line of `plan` and `drift`.
pub fn plan(subject: &str, plan: &Plan) -> Summary {
    Summary::new(subject, &format!("{} to change", plan.changes.len()))
        .some(plan.blockers.len(), "blocker", "")
        .some(plan.violations.len(), "violation", "of isolation")
        .findings(&plan.findings)
        .some(plan.unproven.len(), "promise", "of isolation unproven")
        .unreadable(&plan.problems)
}

/// Returns the line of `apply`.
pub fn apply(report: &ApplyReport, plan: &Plan) -> Summary {
    let tally = report.tally();
    Summary::new("Apply", &format!("{} made", count(tally.done, "change")))
        .some(tally.failed, "change", "failed")
        .some(tally.skipped, "change", "skipped")
        .some(report.blockers.len(), "blocker", "")
        .some(plan.violations.len(), "violation", "of isolation")
        .findings(&report.findings)
        .some(plan.unproven.len(), "promise", "of isolation unproven")
        .unreadable(&report.problems)
}

/// Returns the line of `check`.
pub fn check(audit: &Audit) -> Summary {
    let of = |wanted: fn(CheckVerdict) -> bool| audit.outcomes.iter().filter(|outcome| wanted(outcome.verdict)).count();
    Summary::new("Check", &format!("{} failed", count(of(|verdict| verdict == CheckVerdict::Fail), "control")))
        .also(&format!("{} passed", of(|verdict| verdict == CheckVerdict::Pass)))
        .some(of(|verdict| matches!(verdict, CheckVerdict::Unknown(_))), "control", "unknown")
        .unreadable(&audit.problems)
}

/// Returns the line of `verify`.
pub fn verify(answer: &Verification) -> Summary {
    let summary = ProofSummary::of(answer);
    let state = answer.state().as_str();
    Summary::new("Verify", state)
        .also(&format!("{} of {} attested", summary.attested, count(summary.chains, "chain")))
        .some(summary.broken, "chain", "broken")
        .some(summary.unproven, "chain", "unproven")
        .some(answer.findings.len(), "finding", "beside the chains")
}

/// Returns the line of `reconcile`: of its last round, or of none.
pub fn round(last: Option<&RoundRecord>, stopped: bool) -> Summary {
    let Some(round) = last else {
        let why = if stopped { "stopped before a round was over" } else { "another replica is the leader" };
        return Summary::new("Reconcile", why);
    };
    Summary::new("Reconcile", round.result.words())
        .some(round.made, "change", "made")
        .some(round.failed, "change", "failed")
        .some(round.held, "change", "held")
        .some(round.found, "finding", "")
        .some(round.problems, "problem", "of reading")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Stage;

    fn problem(account: &str, address: Option<&str>) -> Problem {
        Problem {
            account: account.parse().unwrap(),
            address: address.map(|address| address.parse().unwrap()),
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "refused".into(),
            help: String::new(),
        }
    }

    #[test]
    fn a_line_says_what_came_of_it_what_is_open_and_where_it_stands() {
        let problems = [
            problem("111111111111", None),
            problem("111111111111", None),
            problem("222222222222", Some("222222222222/global/bucket/acme-org-cloudtrail")),
        ];
        let summary = Summary::new("Plan", "0 to change").some(0, "finding", "").unreadable(&problems);
        let line = summary.line([Path::new("plan.md"), Path::new("a\u{1b}[2J.json")].into_iter());
        assert_eq!(
            line,
            "Plan: 0 to change. 1 account unreadable. 1 resource unreadable. Written to plan.md and a\\u{1b}[2J.json."
        );
        assert_eq!(Summary::default().line(std::iter::empty()), "");
    }
}
