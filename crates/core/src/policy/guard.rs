//! Proves a guard, the service control policy that keeps members from blinding a trail, before it is attached.
//!
//! A guard must deny what it protects to every member, and must deny orgtrail's own roles and everyday work nothing. It
//! cannot reach the management account, to which service control policies do not apply.

use std::fmt;

use serde::{Serialize, Serializer};

use super::document::{
    ActionElement, Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement,
};
use super::evaluate::{
    AccessDecision, Caller, Context, Denial, Layers, Named, Request, StatementPlace, evaluate, full_access, glob,
};
use crate::ids::{AccountId, Arn, Partition};

/// An action and the resource that it is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedAction {
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
    pub protected: &'a [GuardedAction],
    /// What every principal must still be able to do, orgtrail's roles the protected actions as well.
    pub needed: &'a [GuardedAction],
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
    /// The principal or service that it is about.
    pub principal: String,
    /// What is done.
    pub guarded: GuardedAction,
    /// The statement that denies; none where one is missing.
    pub statement: Option<StatementPlace>,
}

impl fmt::Display for GuardViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, principal, guarded, statement } = self;
        write!(f, "{fault}: {principal}, {} on {}", guarded.action, guarded.resource)?;
        match statement {
            Some(place) => write!(f, ", because of {place}"),
            None => Ok(()),
        }
    }
}

/// Evaluates each guarded action for each role under the guard. Nothing is returned for a guard that is right.
pub fn check_guard(guard: &Guard) -> Vec<GuardViolation> {
    let mut violations = Vec::new();
    for caller in guard.own_roles.iter().filter_map(Caller::from_arn) {
        for guarded in guard.protected.iter().chain(guard.needed) {
            violations.extend(expect_allowed(guard, &caller, guarded, GuardFault::BlocksOrgtrail));
        }
    }
    let administrators = guard.members.iter().filter_map(|account| administrator(guard.partition, account));
    for caller in administrators {
        for guarded in guard.needed {
            violations.extend(expect_allowed(guard, &caller, guarded, GuardFault::BlocksMembers));
        }
        for guarded in guard.protected {
            violations.extend(expect_denied(guard, &caller, guarded));
        }
    }
    violations
}

/// Returns the first thing that a guard keeps a caller from, with the statement that does.
///
/// It is for whoever runs orgtrail, whom every statement of a guard has to let off.
pub fn binds(policy: &PolicyDocument, caller: &Arn) -> Option<(GuardedAction, StatementPlace)> {
    let guard = Guard {
        policy,
        partition: caller.partition().parse().ok()?,
        members: &[],
        own_roles: &[],
        protected: &[],
        needed: &[],
    };
    let roles: Vec<Caller> = possible_callers(caller, policy).iter().filter_map(Caller::from_arn).collect();
    let denies = policy.statements.iter().filter(|statement| statement.effect == Effect::Deny);
    let guarded_actions = denies.filter_map(one_action);
    guarded_actions.into_iter().find_map(|guarded| {
        let places: Vec<StatementPlace> = roles
            .iter()
            .filter_map(|role| match judge(&guard, role, &guarded) {
                AccessDecision::Denied(Denial::Explicit(place)) => Some(place),
                _ => None,
            })
            .collect();
        let first = places.first().filter(|_| places.len() == roles.len()).cloned();
        first.map(|place| (guarded, place))
    })
}

/// Returns whom the ARN of a caller may stand for in a document: the ARN of a session does not tell the path of its
/// role, so that each role of this name that the document names may be it.
pub fn possible_callers(caller: &Arn, document: &PolicyDocument) -> Vec<Arn> {
    let mut all = vec![caller.clone()];
    let Some(name) = caller.resource().strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next()) else {
        return all;
    };
    document.clone().map_texts(&mut |text| all.extend(named_role(text, caller, name)));
    all
}

/// Returns the role of a name that a text means, in which `*` may stand for its account and its name.
fn named_role(text: &str, caller: &Arn, name: &str) -> Option<Arn> {
    let named: Arn = text.parse().ok()?;
    let (path, last) =
        named.resource().strip_prefix("role/").map(|role| role.rsplit_once('/').unwrap_or(("", role)))?;
    let fits = named.service() == "iam" && glob(named.account(), caller.account()) && glob(last, name);
    let role = if path.is_empty() { format!("role/{name}") } else { format!("role/{path}/{name}") };
    fits.then(|| Arn::new(named.partition().parse().unwrap_or(Partition::Aws), "iam", "", caller.account(), &role))
}

/// Returns one action on one resource that a statement is about.
fn one_action(statement: &Statement) -> Option<GuardedAction> {
    let (ActionElement::Is(actions), Some(ResourceElement::Is(resources))) = (&statement.action, &statement.resource)
    else {
        return None;
    };
    let resource = resources.first()?;
    let service = resource.split(':').nth(2)?;
    let action = actions.iter().find(|action| action.split(':').next() == Some(service))?;
    let any = |pattern: &str| pattern.replace(['*', '?'], "x");
    Some(GuardedAction { action: any(action), resource: any(resource) })
}

fn administrator(partition: Partition, account: &AccountId) -> Option<Caller> {
    Caller::from_arn(&format!("arn:{partition}:iam::{account}:role/some-administrator").parse().ok()?)
}

fn expect_allowed(
    guard: &Guard,
    caller: &Caller,
    guarded: &GuardedAction,
    fault: GuardFault,
) -> Option<GuardViolation> {
    match judge(guard, caller, guarded) {
        AccessDecision::Allowed { .. } => None,
        AccessDecision::Denied(Denial::Explicit(place)) => Some(violation(fault, caller, guarded, Some(place))),
        AccessDecision::Denied(Denial::Implicit { .. }) => Some(violation(fault, caller, guarded, None)),
        AccessDecision::Unknown { .. } => Some(violation(GuardFault::Unproven, caller, guarded, None)),
    }
}

fn expect_denied(guard: &Guard, caller: &Caller, guarded: &GuardedAction) -> Option<GuardViolation> {
    match judge(guard, caller, guarded) {
        AccessDecision::Denied(_) => None,
        AccessDecision::Allowed { .. } => Some(violation(GuardFault::LeavesOpen, caller, guarded, None)),
        AccessDecision::Unknown { .. } => Some(violation(GuardFault::Unproven, caller, guarded, None)),
    }
}

fn violation(
    fault: GuardFault,
    caller: &Caller,
    guarded: &GuardedAction,
    statement: Option<StatementPlace>,
) -> GuardViolation {
    GuardViolation { fault, principal: caller.to_string(), guarded: guarded.clone(), statement }
}

/// The policy of what is acted on: it leaves the decision to the account, as the default policy of a key does. Without
/// it, KMS would deny everything.
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
fn judge(guard: &Guard, caller: &Caller, guarded: &GuardedAction) -> AccessDecision {
    let full = full_access();
    let delegated = delegated(caller);
    let named = |name, document| Named { name, document };
    let level = vec![named("FullAWSAccess", &full), named("guard", guard.policy)];
    let request = Request {
        caller: caller.clone(),
        action: guarded.action.clone(),
        resource: guarded.resource.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    const GUARD: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"OrgtrailProtectTrails","Effect":"Deny",
        "Action":["cloudtrail:StopLogging"],"Resource":"arn:aws:cloudtrail:eu-central-1:333333333333:trail/acme",
        "Condition":{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/OrgtrailMember",
            "arn:aws:iam::333333333333:role/platform/orgtrail","arn:aws:iam::333333333333:role/ci/deploy-*"]}}}]}"#;

    fn bound(caller: &str) -> Option<String> {
        let guard = PolicyDocument::parse(GUARD).unwrap();
        binds(&guard, &caller.parse().unwrap()).map(|(guarded, _)| guarded.action)
    }

    #[test]
    fn whoever_runs_orgtrail_is_bound_unless_the_guard_lets_it_off() {
        let stop = Some("cloudtrail:StopLogging".to_owned());
        assert_eq!(bound("arn:aws:sts::333333333333:assumed-role/deployer/run"), stop);
        assert_eq!(bound("arn:aws:iam::333333333333:user/deployer"), stop);
        assert_eq!(bound("arn:aws:sts::333333333333:assumed-role/OrgtrailMember/run"), None);
        // A session does not tell the path of its role.
        assert_eq!(bound("arn:aws:sts::333333333333:assumed-role/orgtrail/run"), None);
        assert_eq!(bound("arn:aws:sts::333333333333:assumed-role/deploy-3/run"), None, "named by a pattern");
        assert_eq!(bound("arn:aws:sts::444444444444:assumed-role/OrgtrailMember/run"), None, "in every account");
        assert_eq!(bound("arn:aws:sts::444444444444:assumed-role/orgtrail/run"), stop, "in one account only");
    }
}
