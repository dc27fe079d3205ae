//! What is remembered of AWS from round to round.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::essential;
use crate::estate::{Address, Estate, Kind, Limits, Problem, SeenKey, Sighting, Surroundings};
use crate::ids::AccountId;
use crate::observation::{ObservationScope, earlier_addresses, superseded_trails, superseded_wakers};
use crate::organization::Organization;

/// What the daemon remembers of AWS from round to round.
#[derive(Default)]
pub struct ObservationCache {
    pub(super) organization: Option<(Organization, Vec<Problem>)>,
    /// When each account was looked at.
    pub(super) looked_at: BTreeMap<AccountId, Timestamp>,
    /// What was seen, with the account whose credentials saw it.
    pub(super) sightings: BTreeMap<Address, (AccountId, Sighting)>,
    limits: BTreeMap<AccountId, Limits>,
    /// The keys of others that something is encrypted with.
    keys: BTreeMap<String, SeenKey>,
    /// When further keys of this deployment were looked for.
    pub(super) further_keys_at: Option<Timestamp>,
    /// What surrounds the archive; `None` where it is unknown since the last look at the log account.
    surroundings: Option<Surroundings>,
}

impl ObservationCache {
    /// Forgets that these accounts were looked at: they are looked at in the next round.
    pub fn expire<'a>(&mut self, accounts: impl IntoIterator<Item = &'a AccountId>) {
        for account in accounts {
            self.looked_at.remove(account);
        }
    }

    /// Returns when each account was looked at.
    pub fn looked_at(&self) -> &BTreeMap<AccountId, Timestamp> {
        &self.looked_at
    }

    /// Returns how many resources are remembered, those included of which it is known that they are not there.
    pub fn len(&self) -> usize {
        self.sightings.len()
    }

    /// Tells whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.sightings.is_empty()
    }

    /// Takes in what was seen with the credentials of `due`.
    pub(super) fn take(
        &mut self,
        seen: Estate,
        due: &BTreeSet<AccountId>,
        looked: &ObservationScope,
        scope: &ObservationScope,
        now: Timestamp,
    ) {
        self.sightings.retain(|_, (operator, _)| !due.contains(operator));
        for (address, sighting) in seen.sightings {
            let operator = scope.addresses.get(&address).unwrap_or(&address.account).clone();
            self.sightings.insert(address, (operator, sighting));
        }
        self.limits.extend(seen.limits);
        // They are found in the accounts that every round looks at; further ones of ours only once in a full pass.
        let before = std::mem::replace(&mut self.keys, seen.keys);
        if looked.further_keys {
            self.further_keys_at = Some(now);
        } else {
            let is_further = |key: &SeenKey| {
                key.deployment.as_ref() == Some(&scope.deployment)
                    || key.problem.as_ref().is_some_and(|problem| problem.code == SeenKey::NOT_LOOKED_AT)
            };
            for (name, key) in before.into_iter().filter(|(_, key)| is_further(key)) {
                self.keys.entry(name).or_insert(key);
            }
        }
        if due.contains(&scope.log_account) {
            self.surroundings = merged(self.surroundings.take(), seen.surroundings, due, scope);
        }
        self.looked_at.extend(due.iter().map(|account| (account.clone(), now)));
    }

    /// Returns the trails that the remembered documents let in although they are not configured.
    fn superseded_trails(&self, scope: &ObservationScope) -> BTreeMap<Address, AccountId> {
        let is_document = |address: &Address| scope.addresses.contains_key(address) && lets_trails_in(address.kind);
        let documents = self.sightings.iter().filter(|(address, _)| is_document(address));
        let sightings = documents.map(|(address, (_, sighting))| (address.clone(), sighting.clone())).collect();
        superseded_trails(scope, &Estate { sightings, ..Estate::default() })
    }

    /// Returns where the remembered trails and readers say that earlier logs are.
    pub(super) fn earlier(&self, scope: &ObservationScope) -> BTreeMap<Address, AccountId> {
        let present = self.sightings.iter().filter_map(|(address, (_, sighting))| match sighting {
            Sighting::Present(resource) => Some((address, resource.as_ref())),
            Sighting::Unreadable(_) | Sighting::Absent => None,
        });
        earlier_addresses(scope, present)
    }

    /// Returns what is known of everything in scope, and forgets what is in nobody's scope any more.
    pub(super) fn cached(&mut self, scope: &ObservationScope) -> Estate {
        let essential = essential(scope);
        let left = |address: &Address| {
            address.kind == Kind::Policy && scope.member_policies.get(&address.account) == Some(&address.name)
        };
        let trails = self.superseded_trails(scope);
        let wakers = superseded_wakers(scope, trails.keys());
        let earlier = self.earlier(scope);
        self.sightings.retain(|address, (operator, _)| {
            trails.contains_key(address)
                || wakers.contains_key(address)
                || earlier.contains_key(address)
                || scope.addresses.get(address).is_some_and(|now| now == operator)
                || essential.contains(operator)
                || left(address)
                || scope.member_trails.contains(operator)
        });
        let known: BTreeSet<&AccountId> = self.sightings.values().map(|(operator, _)| operator).collect();
        self.looked_at.retain(|account, _| known.contains(account));
        let sightings = self.sightings.iter().map(|(address, (_, sighting))| (address.clone(), sighting.clone()));
        let surroundings = self.surroundings.clone();
        let (limits, keys) = (self.limits.clone(), self.keys.clone());
        Estate { sightings: sightings.collect(), limits, keys, surroundings }
    }
}

/// Takes in what was seen around the archive. What leads out of something that another account's credentials look at
/// stays as it was until they look again.
fn merged(
    known: Option<Surroundings>,
    seen: Option<Surroundings>,
    due: &BTreeSet<AccountId>,
    scope: &ObservationScope,
) -> Option<Surroundings> {
    let mut seen = seen?;
    let mut known = known.unwrap_or_default();
    known.retain(|address| scope.addresses.get(address).is_some_and(|operator| !due.contains(operator)));
    seen.take(known);
    Some(seen)
}

fn lets_trails_in(kind: Kind) -> bool {
    matches!(kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic)
}
