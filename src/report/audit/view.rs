//! An audit as pages show it: by standard, what failed first.

use serde::Serialize;

use super::fix_words;
use crate::audit::{Audit, AuditSubject, Check, CheckVerdict, ControlOutcome, Doubt, Standard};
use crate::organization::Organization;
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::view::{ProblemView, problems};
use crate::report::text::words;

/// The values of `audit.md.hbs` and `audit.html.hbs`.
#[derive(Debug, Serialize)]
pub(super) struct AuditView {
    pub organization: String,
    pub deployment: String,
    /// One line: how many controls pass and fail.
    pub summary: String,
    pub partial: bool,
    pub standards: Vec<StandardView>,
    pub subjects: Vec<SubjectView>,
    /// How many more own trails.
    pub subjects_more: usize,
    pub inactive: Vec<InactiveView>,
    pub problems: Vec<ProblemView>,
}

/// The controls of one standard, by verdict.
#[derive(Debug, Serialize)]
pub(super) struct StandardView {
    pub name: &'static str,
    pub version: &'static str,
    pub failed: Vec<GroupView>,
    pub failed_count: usize,
    /// What should have been read, and could not.
    pub unread: Vec<GroupView>,
    pub unread_count: usize,
    /// What this program does not read.
    pub outside: Vec<GroupView>,
    pub outside_count: usize,
    pub passed: Vec<GroupView>,
    pub passed_count: usize,
    pub not_applicable: Vec<GroupView>,
    pub not_applicable_count: usize,
}

/// Controls that follow each other and have the same answers.
#[derive(Debug, Serialize)]
pub(super) struct GroupView {
    pub controls: Vec<ControlView>,
    /// The answers that have the controls' own verdict.
    pub checks: Vec<CheckView>,
}

#[derive(Debug, Serialize)]
pub(super) struct ControlView {
    pub id: &'static str,
    pub title: String,
    pub severity: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct CheckView {
    /// The address, or the account.
    pub place: String,
    pub fact: String,
    /// What to do; empty where nothing can be done.
    pub fix: String,
}

#[derive(Debug, Serialize)]
pub(super) struct SubjectView {
    pub account: AccountView,
    pub trails: Vec<String>,
    /// How many members inherit.
    pub members: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct InactiveView {
    pub account: AccountView,
    pub state: &'static str,
}

/// Subjects without trails of their own and without members are many and say nothing new.
const SUBJECTS_MAX: usize = 20;

pub(super) fn view(audit: &Audit, organization: &Organization) -> AuditView {
    let subject = |subject: &AuditSubject| SubjectView {
        account: account(&subject.account, organization),
        trails: subject.trails.iter().map(ToString::to_string).collect(),
        members: subject.members.len(),
    };
    let inactive = audit.inactive.iter();
    let owners: Vec<_> = audit.subjects.iter().filter(|subject| !subject.trails.is_empty()).collect();
    AuditView {
        organization: audit.organization.to_string(),
        deployment: audit.deployment.clone(),
        summary: summary(audit),
        partial: audit.is_partial(),
        standards: Standard::ALL.into_iter().filter_map(|standard| standard_view(audit, standard)).collect(),
        subjects: owners.iter().take(SUBJECTS_MAX).copied().map(subject).collect(),
        subjects_more: owners.len().saturating_sub(SUBJECTS_MAX),
        inactive: inactive
            .map(|(id, state)| InactiveView { account: account(id, organization), state: state.as_str() })
            .collect(),
        problems: problems(&audit.problems, organization),
    }
}

/// Returns the verdicts in one line.
pub(super) fn summary(audit: &Audit) -> String {
    let total = words::count(audit.outcomes.len(), "control");
    let parts = ["fail", "pass", "unknown", "not applicable"].map(|word| (audit.count(word), word));
    let parts = parts.into_iter().filter(|(count, word)| *count > 0 || *word == "fail");
    let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
    format!("{total}: {}", parts.join(", "))
}

fn standard_view(audit: &Audit, standard: Standard) -> Option<StandardView> {
    let outcomes: Vec<&ControlOutcome> = audit.outcomes.iter().filter(|o| o.control.standard == standard).collect();
    let with = |verdict: CheckVerdict| groups(outcomes.iter().filter(|outcome| outcome.verdict == verdict));
    let (failed, failed_count) = with(CheckVerdict::Fail);
    let (unread, unread_count) = with(CheckVerdict::Unknown(Doubt::Unreadable));
    let (outside, outside_count) = with(CheckVerdict::Unknown(Doubt::Outside));
    let (passed, passed_count) = with(CheckVerdict::Pass);
    let (not_applicable, not_applicable_count) = with(CheckVerdict::NotApplicable);
    (!outcomes.is_empty()).then(|| StandardView {
        name: standard.name(),
        version: standard.version(),
        failed,
        failed_count,
        unread,
        unread_count,
        outside,
        outside_count,
        passed,
        passed_count,
        not_applicable,
        not_applicable_count,
    })
}

/// Folds controls with the same answers; returns the groups and how many controls there are.
fn groups<'a>(outcomes: impl Iterator<Item = &'a &'a ControlOutcome>) -> (Vec<GroupView>, usize) {
    let mut groups: Vec<GroupView> = Vec::new();
    let mut count = 0;
    for outcome in outcomes {
        count += 1;
        let question = outcome.control.question;
        let control =
            ControlView { id: outcome.control.id, title: question.title(), severity: question.severity().as_str() };
        let checks: Vec<CheckView> =
            outcome.checks.iter().filter(|c| c.verdict == outcome.verdict).map(check).collect();
        match groups.last_mut() {
            Some(group) if group.checks == checks => group.controls.push(control),
            _ => groups.push(GroupView { controls: vec![control], checks }),
        }
    }
    (groups, count)
}

fn check(check: &Check) -> CheckView {
    CheckView {
        place: check.address.as_ref().map_or_else(|| format!("account {}", check.account), ToString::to_string),
        fact: check.fact.clone(),
        fix: fix_words(&check.fix),
    }
}
