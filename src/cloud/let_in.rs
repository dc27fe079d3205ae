//! Trails that a deployment's own documents let in although nobody asks for them: a migration begins with them. They may be
//! in any account, and nothing else tells where.

use std::collections::BTreeMap;

use super::Scope;
use crate::estate::{Address, Estate, Kind};
use crate::ids::AccountId;
use crate::policy::merge::sources;

/// Returns the trails of the organization's accounts that statements of ours let in and that are not in scope, each with
/// the account whose credentials look at it.
pub fn unwanted_trails(scope: &Scope, estate: &Estate) -> BTreeMap<Address, AccountId> {
    let documents = scope.addresses.keys().filter_map(|address| estate.resource(address)?.shared_policy());
    let named = documents.flat_map(sources).filter_map(|arn| Address::of_trail(&arn));
    let unwanted =
        named.filter(|trail| scope.accounts.contains(&trail.account) && !scope.addresses.contains_key(trail));
    unwanted.map(|trail| (trail.clone(), operator(scope, trail))).collect()
}

/// What the management account owns, a delegated administrator may manage, who may not enter that account.
fn operator(scope: &Scope, trail: Address) -> AccountId {
    let mut managed = scope.addresses.iter().filter(|(address, _)| address.kind == Kind::Trail);
    let same_owner = managed.find(|(address, _)| address.account == trail.account);
    same_owner.map_or(trail.account, |(_, operator)| operator.clone())
}
