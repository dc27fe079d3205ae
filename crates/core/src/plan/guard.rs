//! Proves the guard before it is attached: it protects what it should and hinders neither orgtrail nor anybody's work.

use crate::estate::{Address, Desired, Problem, Resource, Stage};
use crate::policy::PolicyDocument;
use crate::policy::guard::{Guard, GuardFault, GuardViolation, check_guard};

/// How many counter-examples are shown: a guard that is wrong is mostly wrong in many ways at once.
const SHOWN_MAX: usize = 5;

/// Returns what stands against the guard.
pub(super) fn blockers(desired: &Desired) -> Vec<Problem> {
    let Some(terms) = &desired.guard else { return Vec::new() };
    let guards = desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::ServiceControlPolicy(policy) => Some((address, &policy.document)),
        _ => None,
    });
    let check = |(address, policy): (&Address, &PolicyDocument)| {
        let guard = Guard {
            policy,
            partition: desired.partition,
            members: &terms.members,
            own_roles: &terms.own_roles,
            protected: &terms.protected,
            needed: &terms.needed,
        };
        let violations = check_guard(&guard);
        let more = violations.len().saturating_sub(SHOWN_MAX);
        let mut problems: Vec<Problem> =
            violations.iter().take(SHOWN_MAX).map(|violation| problem(address, violation)).collect();
        if let Some(last) = problems.last_mut().filter(|_| more > 0) {
            last.message = format!("{}; and {more} more of this guard", last.message);
        }
        problems
    };
    guards.flat_map(check).collect()
}

fn problem(address: &Address, violation: &GuardViolation) -> Problem {
    let help = match violation.fault {
        GuardFault::BlocksOrgtrail => "let orgtrail's own role off in guard.json.hbs, as the compiled template does",
        GuardFault::BlocksMembers => "deny no more than the compiled template of guard.json.hbs does",
        GuardFault::LeavesOpen => "deny this in guard.json.hbs too, as the compiled template does",
        GuardFault::Unproven => "use only operators and condition keys whose meaning is documented in guard.json.hbs",
    };
    Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Plan,
        code: violation.fault.to_string(),
        message: violation.to_string(),
        help: help.to_owned(),
    }
}
