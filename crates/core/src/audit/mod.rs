//! The controls of security standards about trails, their bucket, key and log group, and about AWS Config beside
//! them. Pure.
//!
//! A control ([`control`]) is a line of a standard and the [`Question`] that it asks; several standards ask the same
//! one. A question is answered once, for the account that owns the trails (`subject`), by the rules in `answer`; the
//! members that an organization trail records inherit the answer, so that no member fails for want of a trail of its
//! own. `expected` answers again in the estate as the plan would leave it: that tells whether applying it helps.
//!
//! AWS Config records each account by itself: its questions are answered for every account, and nobody inherits.
//!
//! What was not read is never a pass.

use std::collections::BTreeMap;

use crate::estate::{Address, Estate, Problem};
use crate::ids::{AccountId, OrganizationId};
use crate::monitoring::Monitoring;
use crate::organization::{AccountState, Organization};
use crate::plan::Plan;
use crate::recorders::Recorders;

mod answer;
pub mod control;
mod expected;
pub mod pattern;
mod subject;

pub use control::{CONTROLS, Control, Filter, Question, RecorderQuestion, Severity, Standard};
pub use subject::AuditSubject;

/// What an audit looks at.
#[derive(Clone, Copy)]
pub struct AuditInput<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// What was observed.
    pub estate: &'a Estate,
    /// What applying the configuration would change.
    pub plan: &'a Plan,
    /// Who hears of what the trails deliver to log groups, as far as it was looked at.
    pub monitoring: &'a Monitoring,
    /// AWS Config in the accounts and regions, as far as it was looked at.
    pub recorders: &'a Recorders,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckVerdict {
    /// There is nothing that the question could be about.
    NotApplicable,
    /// Yes.
    Pass,
    /// It cannot be told.
    Unknown(Doubt),
    /// No.
    Fail,
}

impl CheckVerdict {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckVerdict::NotApplicable => "not applicable",
            CheckVerdict::Pass => "pass",
            CheckVerdict::Unknown(_) => "unknown",
            CheckVerdict::Fail => "fail",
        }
    }
}

/// Why it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// This program does not read what the question is about.
    Outside,
    /// It should have been read, and could not.
    Unreadable,
}

impl Doubt {
    /// Returns the word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Doubt::Outside => "outside",
            Doubt::Unreadable => "unreadable",
        }
    }
}

/// What would make a failed answer a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Nothing has to be done.
    None,
    /// The plan contains the change: `orgtrail apply`.
    Plan,
    /// The configuration could ask for it, by this setting.
    Setting(&'static str),
    /// Somebody has to act outside of this program, who and what is said here.
    Elsewhere(&'static str),
}

/// The answer to one question about one resource, or about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The account that it is about: the owner of the trails, or the account whose AWS Config it is.
    pub account: AccountId,
    /// The resource; none where it is about the account as a whole.
    pub address: Option<Address>,
    /// The answer.
    pub verdict: CheckVerdict,
    /// What the answer stands on, in a sentence.
    pub fact: String,
    /// What would make it a pass.
    pub fix: Fix,
}

/// A control with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlOutcome {
    /// The control.
    pub control: &'static Control,
    /// The worst of the answers.
    pub verdict: CheckVerdict,
    /// One for each resource or account, in the order of addresses.
    pub checks: Vec<Check>,
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The organization.
    pub organization: OrganizationId,
    /// The name of the deployment that the configuration describes.
    pub deployment: String,
    /// Every control that was asked for, in the order of the table.
    pub outcomes: Vec<ControlOutcome>,
    /// The owners of trails, each with its trails and with the members that inherit from it.
    pub subjects: Vec<AuditSubject>,
    /// Accounts that nothing is asked of, because they are not in use.
    pub inactive: BTreeMap<AccountId, AccountState>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Audit {
    /// Returns how many controls have this verdict; doubts of both kinds count as one.
    pub fn count(&self, verdict: &str) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict.as_str() == verdict).count()
    }

    /// Tells whether anything failed.
    pub fn has_failed(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.verdict == CheckVerdict::Fail)
    }

    /// Tells whether anything that should have been read was not. Questions outside of what this program reads do not
    /// count: they are open in every run.
    pub fn is_partial(&self) -> bool {
        let mut checks = self.outcomes.iter().flat_map(|outcome| &outcome.checks);
        !self.problems.is_empty() || checks.any(|check| check.verdict == CheckVerdict::Unknown(Doubt::Unreadable))
    }

    /// Returns the subject that speaks for an account.
    pub fn subject_of(&self, account: &AccountId) -> Option<&AuditSubject> {
        self.subjects.iter().find(|subject| &subject.account == account || subject.members.contains(account))
    }
}

/// Answers the controls of the chosen standards.
pub fn audit(ground: AuditInput<'_>, standards: &[Standard]) -> Audit {
    let AuditInput { organization, estate, plan, recorders, .. } = ground;
    let planned = expected::estate(plan, estate);
    let subjects = subject::subjects(organization, estate);
    let later = subject::subjects(organization, &planned);
    let mut known: BTreeMap<Question, Vec<Check>> = BTreeMap::new();
    let outcomes = CONTROLS.iter().filter(|control| standards.contains(&control.standard)).map(|control| {
        let answered = known.entry(control.question).or_insert_with(|| {
            let now = answer::answer(control.question, ground, &subjects);
            let then = answer::answer(control.question, AuditInput { estate: &planned, ..ground }, &later);
            expected::with_fixes(control.question, now, &expected::Then { checks: &then, subjects: &later, plan })
        });
        let verdict = answered.iter().map(|check| check.verdict).max().unwrap_or(CheckVerdict::NotApplicable);
        ControlOutcome { control, verdict, checks: answered.clone() }
    });
    let inactive = organization.accounts.iter().filter(|(_, account)| !account.state.is_active());
    Audit {
        organization: organization.id.clone(),
        deployment: plan.deployment.clone(),
        outcomes: outcomes.collect(),
        inactive: inactive.map(|(id, account)| (id.clone(), account.state)).collect(),
        subjects,
        problems: plan.problems.iter().cloned().chain(recorders.problems()).collect(),
    }
}
