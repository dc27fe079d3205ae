//! What is ours and no longer wanted: reader roles and member policies of accounts that left or are excluded, and a guard
//! that was switched off.
//!
//! Trails, buckets, keys and groups are never leftovers: nothing here can lead to a stopped log.

use std::collections::BTreeSet;

use super::change::{Action, Change, Risk};
use crate::estate::{ACCOUNT_TAG, Address, Desired, Estate, Kind, Problem, Resource, Sighting};
use crate::ids::AccountId;
use crate::organization::Organization;

/// Finds them, in their order.
pub(super) fn find(desired: &Desired, observed: &Estate, organization: &Organization) -> Vec<Address> {
    let ours = |resource: &Resource| resource.deployment() == Some(desired.deployment.as_str());
    observed
        .resources()
        .filter(|(address, resource)| !desired.wanted.contains_key(address) && ours(resource))
        .filter(|(address, resource)| match resource {
            Resource::Role(role) => role.tags.get(ACCOUNT_TAG).is_some_and(|id| !is_waiting(organization, id)),
            Resource::Policy(_) => !is_waiting(organization, address.account.as_str()),
            Resource::ServiceControlPolicy(_) => true,
            _ => false,
        })
        .map(|(address, _)| address.clone())
        .collect()
}

/// Returns what keeps us from knowing whether a guard that should go is still there.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let unwanted = observed.sightings.iter().filter(|(address, _)| !desired.wanted.contains_key(address));
    let guards = unwanted.filter(|(address, _)| address.kind == Kind::ServiceControlPolicy);
    let problem = |(_, sighting): (&Address, &Sighting)| match sighting {
        Sighting::Unreadable(problem) => Some(problem.clone()),
        Sighting::Present(_) | Sighting::Absent => None,
    };
    guards.filter_map(problem).collect()
}

/// A suspended account may come back, and a new one is not active at once: both keep what they have.
fn is_waiting(organization: &Organization, id: &str) -> bool {
    let account = id.parse::<AccountId>().ok().and_then(|id| organization.accounts.get(&id));
    account.is_some_and(|account| !account.state.is_active())
}

/// Makes the change that removes one.
pub(super) fn retire(address: &Address, desired: &Desired, observed: &Estate) -> Option<Change> {
    let resource = observed.resource(address)?;
    let (reason, risk) = match address.kind {
        Kind::Role => ("readers.role", BTreeSet::from([Risk::Destroys])),
        Kind::ServiceControlPolicy => ("guard.service_control_policy", BTreeSet::from([Risk::Destroys, Risk::Weakens])),
        _ => ("readers.member_policy", BTreeSet::from([Risk::Destroys])),
    };
    debug_assert!(!desired.wanted.contains_key(address));
    Some(Change {
        address: address.clone(),
        operator: address.account.clone(),
        action: Action::Retire,
        risk,
        reason: reason.to_owned(),
        fields: Vec::new(),
        depends_on: Vec::new(),
        desired: None,
        observed: Some(resource.clone()),
    })
}
