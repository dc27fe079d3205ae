//! Whom a `Principal` or `NotPrincipal` means, and how firmly it grants.

use super::failure::Failure;
use super::request::Caller;
use crate::policy::document::{PrincipalElement, Principals};

/// How a resource policy's statement names a caller. AWS limits a grant by the caller's other policies accordingly.
///
/// Source: IAM user guide, "Policy evaluation logic", the section on resource-based policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// By the ARN of the user, session or service itself: nothing else is needed in the same account.
    Itself,
    /// By the ARN of the role: boundary and session policy still limit it.
    Role,
    /// As anyone (`*`).
    Anyone,
    /// By its account: the account's own policies decide.
    Account,
}

/// Whether a statement is about a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// It is, by this kind of name.
    Yes(Grant),
    /// It is not.
    No,
    /// It cannot be told.
    Unknown(String),
}

/// Judges the element for a caller. `denies`: the statement's effect is deny.
pub(super) fn judge(element: &PrincipalElement, caller: &Caller, denies: bool) -> About {
    match element {
        PrincipalElement::Is(who) => named(who, caller),
        PrincipalElement::IsNot(who) => not_named(who, caller, denies),
    }
}

fn named(who: &Principals, caller: &Caller) -> About {
    let by_kind = match who {
        Principals::Anyone => return About::Yes(Grant::Anyone),
        Principals::Listed(by_kind) => by_kind,
    };
    let mut best: Option<Grant> = None;
    for value in by_kind.iter().flat_map(|(kind, values)| values.iter().map(move |value| (kind.as_str(), value))) {
        best = grant(value.0, value.1, caller).into_iter().chain(best).min();
    }
    if let Some(grant) = best {
        return About::Yes(grant);
    }
    if by_kind.contains_key("CanonicalUser") && caller.account().is_some() {
        return About::Unknown("which account a canonical user id belongs to is not known".into());
    }
    About::No
}

/// Returns what to say where a statement is not about a caller.
pub(super) fn failure(element: &PrincipalElement, caller: &Caller) -> Failure {
    let names = |who: &Principals| match who {
        Principals::Anyone => vec!["*".to_owned()],
        Principals::Listed(by_kind) => by_kind.values().flatten().cloned().collect(),
    };
    let policy = match element {
        PrincipalElement::Is(who) => names(who),
        PrincipalElement::IsNot(who) => vec![format!("anyone but {}", names(who).join(", "))],
    };
    Failure::Principal { policy, request: caller.to_string() }
}

/// A unique id (`AIDA…`, `AROA…`) matches nobody: AWS shows one only where the principal has been deleted.
fn grant(kind: &str, value: &str, caller: &Caller) -> Option<Grant> {
    match (kind, caller) {
        ("AWS", _) if value == "*" => Some(Grant::Anyone),
        ("Service", Caller::Service { name }) if value == name => Some(Grant::Itself),
        ("AWS", _) if is_account(value, caller) => Some(Grant::Account),
        ("AWS", Caller::User { arn }) if value == arn.as_str() => Some(Grant::Itself),
        ("AWS", Caller::Session { role, .. }) if value == role.as_str() => Some(Grant::Role),
        ("AWS", Caller::Session { .. }) if caller.session_arn().as_deref() == Some(value) => Some(Grant::Itself),
        _ => None,
    }
}

fn is_account(value: &str, caller: &Caller) -> bool {
    caller.account() == Some(value) || caller.root_arn().as_deref() == Some(value)
}

/// `NotPrincipal` lets off only a caller all of whose names are listed: a session needs its own ARN, its role's and its
/// account's (IAM user guide, "NotPrincipal element with Deny").
fn not_named(who: &Principals, caller: &Caller, denies: bool) -> About {
    let by_kind = match who {
        Principals::Anyone => return About::No,
        Principals::Listed(by_kind) => by_kind,
    };
    let all: Vec<&String> = by_kind.values().flatten().collect();
    if by_kind.get("AWS").is_some_and(|list| list.iter().any(|value| value == "*")) {
        return About::No;
    }
    let names = names_of(caller);
    let is_listed = |name: &Vec<String>| name.iter().any(|form| all.contains(&form));
    let listed = names.iter().filter(|name| is_listed(name)).count();
    if listed > 0 && listed == names.len() {
        return About::No;
    }
    if listed > 0 && !denies {
        return About::Unknown(
            "NotPrincipal lists only a part of the caller's names, which AWS does not explain".into(),
        );
    }
    About::Yes(Grant::Anyone)
}

/// The names by which policies know a caller, each in all its forms.
fn names_of(caller: &Caller) -> Vec<Vec<String>> {
    let account: Vec<String> = caller.account().map(str::to_owned).into_iter().chain(caller.root_arn()).collect();
    match caller {
        Caller::Anonymous => Vec::new(),
        Caller::Service { name } => vec![vec![name.clone()]],
        Caller::Root { .. } => vec![account],
        Caller::User { arn } => vec![vec![arn.to_string()], account],
        Caller::Session { role, .. } => {
            vec![vec![role.to_string()], caller.session_arn().into_iter().collect(), account]
        }
    }
}
