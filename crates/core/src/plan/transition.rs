//! A change of the readers' mode: nobody loses the old way in before the new one is open.
//!
//! From roles to dynamic statements, the rules of `desire` are enough: member policies wait for the bucket's and the
//! key's, and roles are retired last. The other way round, the statements go only when every role and every member
//! policy is there. In between both ways are open, and each leads a member to its own logs only.

use super::change::Change;
use crate::estate::{ACCOUNT_TAG, Address, Kind, Resource};
use crate::policy::document::{PrincipalElement, Principals};
use crate::policy::merge::is_ours;
use crate::policy::{Effect, PolicyDocument, Statement};

/// Makes every change that takes our statements for members away wait for the roles that take their place.
pub(super) fn add_edges(changes: &mut [Change]) {
    if !changes.iter().any(closes_to_members) {
        return;
    }
    let new_ways: Vec<Address> =
        changes.iter().filter(|change| opens_a_way(change)).map(|change| change.address.clone()).collect();
    for change in changes.iter_mut().filter(|change| closes_to_members(change)) {
        change.depends_on.extend(new_ways.iter().cloned());
        change.depends_on.sort();
        change.depends_on.dedup();
    }
}

fn opens_a_way(change: &Change) -> bool {
    match change.desired() {
        Some(Resource::Role(role)) => role.tags.contains_key(ACCOUNT_TAG),
        Some(Resource::Policy(_)) => true,
        _ => false,
    }
}

fn closes_to_members(change: &Change) -> bool {
    let shared = |resource: Option<&Resource>| resource.and_then(Resource::shared_policy).map(is_open_to_members);
    matches!(change.address.kind, Kind::BucketPolicy | Kind::KeyPolicy)
        && shared(change.observed()) == Some(true)
        && shared(change.desired()) == Some(false)
}

/// Tells whether a statement of orgtrail lets in whoever its condition describes, as only the dynamic ones do.
fn is_open_to_members(policy: &PolicyDocument) -> bool {
    let anyone = |statement: &Statement| match &statement.principal {
        Some(PrincipalElement::Is(Principals::Anyone)) => true,
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            by_kind.get("AWS").is_some_and(|names| names.iter().any(|name| name == "*"))
        }
        _ => false,
    };
    policy.statements.iter().any(|s| s.effect == Effect::Allow && is_ours(s) && anyone(s))
}
