//! Trails that a deployment's own documents let in although nobody asks for them: a migration begins with them. They
//! may be in any account, and nothing else tells where. Nor does anything else tell where the rules and the roles are
//! left with which such a trail was watched.

use std::collections::BTreeMap;

use super::ObservationScope;
use crate::estate::{Address, Estate, Kind, wake_name};
use crate::ids::AccountId;
use crate::policy::merge::sources;

/// Returns the trails of the organization's accounts that statements of orgtrail let in and that are not in scope, each
/// with the account whose credentials look at it.
pub fn superseded_trails(scope: &ObservationScope, estate: &Estate) -> BTreeMap<Address, AccountId> {
    let documents = scope.addresses.keys().filter_map(|address| estate.resource(address)?.shared_policy());
    let named = documents.flat_map(sources).filter_map(|arn| Address::of_trail(&arn));
    let unwanted =
        named.filter(|trail| scope.accounts.contains(&trail.account) && !scope.addresses.contains_key(trail));
    unwanted.map(|trail| (trail.clone(), operator(scope, trail))).collect()
}

/// Returns where the rules and the roles would be that woke the daemon when somebody changed one of these trails, and
/// that are not in scope.
pub fn superseded_wakers<'a>(
    scope: &'a ObservationScope,
    trails: impl IntoIterator<Item = &'a Address>,
) -> BTreeMap<Address, AccountId> {
    let name = wake_name(&scope.deployment);
    let wakers = |trail: &Address| {
        let rule = |region| Address::regional(&trail.account, region, Kind::Rule, &name);
        let elsewhere = trail.region.as_ref().unwrap_or(&scope.home_region);
        [rule(&scope.home_region), rule(elsewhere), Address::global(&trail.account, Kind::Role, &name)]
    };
    let left = trails.into_iter().filter(|_| scope.wakes).flat_map(wakers);
    let unwanted = left.filter(|address| !scope.addresses.contains_key(address));
    unwanted.map(|address| (address.clone(), address.account)).collect()
}

/// What the management account owns, a delegated administrator may manage, who may not enter that account.
fn operator(scope: &ObservationScope, trail: Address) -> AccountId {
    let mut managed = scope.addresses.iter().filter(|(address, _)| address.kind == Kind::Trail);
    let same_owner = managed.find(|(address, _)| address.account == trail.account);
    same_owner.map_or(trail.account, |(_, operator)| operator.clone())
}
