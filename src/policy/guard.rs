//! Proves a guard, the service control policy that keeps members from blinding a trail, before it is attached.
//!
//! A guard must deny what it protects to every member, and must deny orgtrail's own roles and everyday work nothing. It
//! cannot reach the management account, to which service control policies do not apply.

use std::fmt;

use serde::{Serialize, Serializer};

use super::document::{PolicyDocument, PrincipalElement, Principals};
use super::evaluate::{Caller, Context, Denial, Layers, Named, Place, Request, Verdict, evaluate, full_access};
use crate::ids::{AccountId, Arn, Partition};

/// An action and the resource that it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
}

/// What a guard is held to.
#[derive(Debug, Clone, Copy)]
pub struct Guard<'a> {
    /// The service control policy.
    pub policy: &'a PolicyDocument,
    /// The organization's partition.
    pub partition: Partition,
    /// Accounts that it covers; a few stand for all.
    pub members: &'a [AccountId],
    /// orgtrail's own roles, and other principals that are let off.
    pub own_roles: &'a [Arn],
    /// What no member may do.
    pub protected: &'a [Deed],
    /// What everybody must still be able to do, orgtrail's roles the protected deeds as well.
    pub needed: &'a [Deed],
}

/// What is wrong with a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardFault {
    /// It denies orgtrail its own work.
    BlocksOrgtrail,
    /// It denies members what they need.
    BlocksMembers,
    /// It lets a member do what it should protect from.
    LeavesOpen,
    /// It cannot be told.
    Unproven,
}

impl Serialize for GuardFault {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for GuardFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GuardFault::BlocksOrgtrail => "guard-blocks-orgtrail",
            GuardFault::BlocksMembers => "guard-blocks-members",
            GuardFault::LeavesOpen => "guard-leaves-open",
            GuardFault::Unproven => "guard-unproven",
        })
    }
}

/// A counter-example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardViolation {
    /// What is wrong.
    pub fault: GuardFault,
    /// For whom.
    pub principal: String,
    /// What is done.
    pub deed: Deed,
    /// The statement that denies; none where one is missing.
    pub statement: Option<Place>,
}

impl fmt::Display for GuardViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, principal, deed, statement } = self;
        write!(f, "{fault}: {principal}, {} on {}", deed.action, deed.resource)?;
        match statement {
            Some(place) => write!(f, ", because of {place}"),
            None => Ok(()),
        }
    }
}

/// Evaluates each deed for each role under the guard. Nothing is returned for a guard that is right.
pub fn check_guard(guard: &Guard) -> Vec<GuardViolation> {
    let mut violations = Vec::new();
    for caller in guard.own_roles.iter().filter_map(Caller::from_arn) {
        for deed in guard.protected.iter().chain(guard.needed) {
            violations.extend(expect_allowed(guard, &caller, deed, GuardFault::BlocksOrgtrail));
        }
    }
    let administrators = guard.members.iter().filter_map(|account| administrator(guard.partition, account));
    for caller in administrators {
        for deed in guard.needed {
            violations.extend(expect_allowed(guard, &caller, deed, GuardFault::BlocksMembers));
        }
        for deed in guard.protected {
            violations.extend(expect_denied(guard, &caller, deed));
        }
    }
    violations
}

fn administrator(partition: Partition, account: &AccountId) -> Option<Caller> {
    Caller::from_arn(&format!("arn:{partition}:iam::{account}:role/some-administrator").parse().ok()?)
}

fn expect_allowed(guard: &Guard, caller: &Caller, deed: &Deed, fault: GuardFault) -> Option<GuardViolation> {
    match judge(guard, caller, deed) {
        Verdict::Allowed { .. } => None,
        Verdict::Denied(Denial::Explicit(place)) => Some(violation(fault, caller, deed, Some(place))),
        Verdict::Denied(Denial::Implicit { .. }) => Some(violation(fault, caller, deed, None)),
        Verdict::Unknown { .. } => Some(violation(GuardFault::Unproven, caller, deed, None)),
    }
}

fn expect_denied(guard: &Guard, caller: &Caller, deed: &Deed) -> Option<GuardViolation> {
    match judge(guard, caller, deed) {
        Verdict::Denied(_) => None,
        Verdict::Allowed { .. } => Some(violation(GuardFault::LeavesOpen, caller, deed, None)),
        Verdict::Unknown { .. } => Some(violation(GuardFault::Unproven, caller, deed, None)),
    }
}

fn violation(fault: GuardFault, caller: &Caller, deed: &Deed, statement: Option<Place>) -> GuardViolation {
    GuardViolation { fault, principal: caller.to_string(), deed: deed.clone(), statement }
}

/// The policy of what is acted on: it leaves the decision to the account, as the default policy of a key does. Without it,
/// KMS would deny everything.
fn delegated(caller: &Caller) -> PolicyDocument {
    let mut open = full_access();
    let account = caller.account().unwrap_or_default().to_owned();
    for statement in &mut open.statements {
        let by_kind = [("AWS".to_owned(), vec![account.clone()])].into();
        statement.principal = Some(PrincipalElement::Is(Principals::Listed(by_kind)));
    }
    open
}

/// The guard stands beside `FullAWSAccess`, as Organizations attaches it; the caller's own policies allow everything.
fn judge(guard: &Guard, caller: &Caller, deed: &Deed) -> Verdict {
    let full = full_access();
    let delegated = delegated(caller);
    let named = |name, document| Named { name, document };
    let level = vec![named("FullAWSAccess", &full), named("guard", guard.policy)];
    let request = Request {
        caller: caller.clone(),
        action: deed.action.clone(),
        resource: deed.resource.clone(),
        context: Context::default().with("aws:SecureTransport", "true"),
    };
    let layers = Layers {
        identity: &[named("the caller's own policies", &full)],
        scps: &[level],
        resource: Some(named("the resource's policy", &delegated)),
        resource_account: caller.account().and_then(|account| account.parse().ok()),
        ..Layers::default()
    };
    evaluate(&request, &layers)
}
