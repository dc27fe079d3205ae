//! Looks again only at what may have changed.
//!
//! The unit is an account, looked at with the credentials of one operator. In a round these are looked at: the management
//! account and the log account, where the trail, the bucket, the key and the roles are; accounts that were never looked
//! at or not for as long as a full pass may take; accounts that somebody has a reason to look at; and a share of the
//! others, the oldest first, so that a full pass is spread evenly over its time. The rest is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::clock::between;
use crate::cloud::{
    CloudReader, DiscoverOptions, Fault, Progress, Scope, earlier_addresses, superseded_trails, superseded_wakers,
};
use crate::estate::trail::Delivery;
use crate::estate::{Address, Estate, Kind, Limits, Problem, SeenKey, Sighting, Stage, Surroundings};
use crate::ids::AccountId;
use crate::organization::Organization;

/// Accounts with open findings that are looked at in one round beyond the others, so that many findings cannot make a
/// full pass of each round.
const SUSPECTS_MAX: usize = 25;

/// What a round is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Focus {
    /// It is time: all that is due.
    #[default]
    Due,
    /// Something was heard of these.
    Only {
        /// Accounts joined, left or moved.
        organization: bool,
        /// Something happened in these accounts.
        accounts: BTreeSet<AccountId>,
    },
}

/// What the daemon remembers of AWS from round to round.
#[derive(Default)]
pub struct ObservationCache {
    organization: Option<(Organization, Vec<Problem>)>,
    /// When each account was looked at.
    looked_at: BTreeMap<AccountId, Timestamp>,
    /// What was seen, with the account whose credentials saw it.
    sightings: BTreeMap<Address, (AccountId, Sighting)>,
    limits: BTreeMap<AccountId, Limits>,
    /// The keys of others that something is encrypted with.
    keys: BTreeMap<String, SeenKey>,
    /// When further keys of this deployment were looked for.
    further_keys_at: Option<Timestamp>,
    /// What surrounds the archive; none where the last look at the log account did not tell.
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
    fn take(&mut self, seen: Estate, due: &BTreeSet<AccountId>, looked: &Scope, scope: &Scope, now: Timestamp) {
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

    /// Returns the trails that the remembered documents let in although nobody wants them.
    fn superseded_trails(&self, scope: &Scope) -> BTreeMap<Address, AccountId> {
        let is_document = |address: &Address| scope.addresses.contains_key(address) && lets_trails_in(address.kind);
        let documents = self.sightings.iter().filter(|(address, _)| is_document(address));
        let sightings = documents.map(|(address, (_, sighting))| (address.clone(), sighting.clone())).collect();
        superseded_trails(scope, &Estate { sightings, ..Estate::default() })
    }

    /// Returns where the remembered trails and readers say that earlier logs are.
    fn earlier(&self, scope: &Scope) -> BTreeMap<Address, AccountId> {
        let present = self.sightings.iter().filter_map(|(address, (_, sighting))| match sighting {
            Sighting::Present(resource) => Some((address, resource.as_ref())),
            Sighting::Unreadable(_) | Sighting::Absent => None,
        });
        earlier_addresses(scope, present)
    }

    /// Returns what is known of everything in scope, and forgets what is in nobody's scope any more.
    fn recall(&mut self, scope: &Scope) -> Estate {
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

/// Takes in what was seen around the archive. What leads out of something that another account's credentials look at stays
/// as it was until they look again.
fn merged(
    known: Option<Surroundings>,
    seen: Option<Surroundings>,
    due: &BTreeSet<AccountId>,
    scope: &Scope,
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

/// Accounts that are looked at in every round: there are few, and all depends on them.
fn essential(scope: &Scope) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::from([scope.log_account.clone(), scope.management_account.clone()]);
    let elsewhere = scope.addresses.iter().filter(|(address, operator)| address.account != **operator);
    accounts.extend(elsewhere.map(|(_, operator)| operator.clone()));
    accounts
}

/// One round's way of looking.
pub struct PartialObserver<'a> {
    inner: &'a dyn CloudReader,
    memory: &'a Mutex<ObservationCache>,
    rules: RefreshPolicy,
    state: Mutex<PassState>,
}

/// What a round has to keep to.
#[derive(Debug, Clone)]
pub struct RefreshPolicy {
    /// When the round began.
    pub now: Timestamp,
    /// The time between two rounds.
    pub every: Duration,
    /// The time in which everything is looked at once.
    pub full_pass_every: Duration,
    /// What it is about.
    pub focus: Focus,
    /// Accounts with open findings.
    pub suspects: BTreeSet<AccountId>,
    /// Accounts that keep failing: they are not looked at, unless nothing at all is known of them.
    pub paused: BTreeSet<AccountId>,
}

#[derive(Default)]
struct PassState {
    discovered: bool,
    fresh: BTreeSet<AccountId>,
    demanded: BTreeSet<AccountId>,
}

impl<'a> PartialObserver<'a> {
    /// Begins a round.
    pub fn new(inner: &'a dyn CloudReader, memory: &'a Mutex<ObservationCache>, rules: RefreshPolicy) -> Self {
        Self { inner, memory, rules, state: Mutex::default() }
    }

    /// Has these accounts looked at when the estate is observed again: something is to be changed there.
    pub fn demand(&self, accounts: BTreeSet<AccountId>) {
        lock(&self.state).demanded = accounts;
    }

    /// Returns the accounts that were looked at in this round.
    pub fn fresh(&self) -> BTreeSet<AccountId> {
        lock(&self.state).fresh.clone()
    }

    /// Chooses the accounts that are looked at now.
    fn due(&self, scope: &Scope) -> BTreeSet<AccountId> {
        let memory = lock(self.memory);
        let state = lock(&self.state);
        let essential = essential(scope);
        let mut operators: BTreeSet<AccountId> = scope.addresses.values().cloned().collect();
        operators.extend(scope.member_trails.iter().cloned());
        operators.extend(memory.sightings.values().map(|(operator, _)| operator.clone()));
        operators.extend(essential.iter().cloned());
        let age = |account: &AccountId| memory.looked_at.get(account).map(|at| between(*at, self.rules.now));
        let unknown = scope.addresses.iter().filter(|(address, _)| !memory.sightings.contains_key(*address));
        let unknown: BTreeSet<AccountId> = unknown.map(|(_, operator)| operator.clone()).collect();
        let mut due = unknown.clone();
        due.extend(operators.iter().filter(|account| age(account).is_none()).cloned());
        match &self.rules.focus {
            _ if !state.demanded.is_empty() => due.extend(state.demanded.iter().cloned()),
            Focus::Only { accounts, .. } => due.extend(operators.intersection(accounts).cloned()),
            Focus::Due => {
                due.extend(essential.iter().cloned());
                due.extend(self.in_turn(&operators, &essential, age));
            }
        }
        // The adapter enters the log account in any case, to learn whose reader roles are there.
        due.insert(scope.log_account.clone());
        due.retain(|account| !state.fresh.contains(account));
        due.retain(|account| {
            essential.contains(account) || !self.rules.paused.contains(account) || unknown.contains(account)
        });
        due
    }

    /// Once in a full pass.
    fn asks_for_further_keys(&self) -> bool {
        let age = lock(self.memory).further_keys_at.map(|at| between(at, self.rules.now));
        age.is_none_or(|age| age + self.rules.every > self.rules.full_pass_every)
    }

    /// The accounts whose turn it is: those of suspicion, those overdue, and a share of the others, oldest first.
    fn in_turn(
        &self,
        operators: &BTreeSet<AccountId>,
        essential: &BTreeSet<AccountId>,
        age: impl Fn(&AccountId) -> Option<Duration>,
    ) -> Vec<AccountId> {
        let mut others: Vec<(Duration, &AccountId)> = operators
            .difference(essential)
            .filter(|account| !self.rules.paused.contains(*account))
            .filter_map(|account| Some((age(account)?, account)))
            .collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let share = share(others.len(), self.rules.every, self.rules.full_pass_every);
        // What would be overdue before the next round is overdue now.
        let overdue = |age: &Duration| *age + self.rules.every > self.rules.full_pass_every;
        let in_turn = others.iter().enumerate().filter(|(n, (age, _))| *n < share || overdue(age));
        let suspects = others.iter().filter(|(_, account)| self.rules.suspects.contains(*account)).take(SUSPECTS_MAX);
        let chosen = in_turn.map(|(_, (_, account))| *account).chain(suspects.map(|(_, account)| *account));
        chosen.cloned().collect()
    }
}

/// Returns how many of `count` accounts one round looks at, so that all have had their turn within `full_pass_every`.
fn share(count: usize, every: Duration, full_pass_every: Duration) -> usize {
    let rounds = (full_pass_every.as_secs() / every.as_secs().max(1)).max(1);
    count.div_ceil(usize::try_from(rounds).unwrap_or(usize::MAX))
}

/// Narrows a scope to what the credentials of some accounts see.
fn narrowed(scope: &Scope, due: &BTreeSet<AccountId>) -> Scope {
    let mut narrow = scope.clone();
    narrow.addresses.retain(|_, operator| due.contains(operator));
    // A wanted trail that is not looked at now is not a trail that nobody wants.
    let later = scope.addresses.iter().filter(|(address, by)| address.kind == Kind::Trail && !due.contains(*by));
    let later: BTreeSet<&AccountId> = later.map(|(address, _)| &address.account).collect();
    narrow.accounts.retain(|account| !later.contains(account));
    narrow.member_policies.retain(|account, _| due.contains(account));
    narrow.member_trails.retain(|account| due.contains(account));
    narrow
}

/// The sightings of accounts in which nothing could be read.
fn unreadable(scope: &Scope, fault: &Fault) -> Estate {
    let problem = |address: &Address| Sighting::Unreadable(fault.problem(Stage::Observe, Some(address)));
    let sightings = scope.addresses.keys().map(|address| (address.clone(), problem(address)));
    Estate { sightings: sightings.collect(), ..Estate::default() }
}

#[async_trait]
impl CloudReader for PartialObserver<'_> {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), Fault> {
        let again = match &self.rules.focus {
            Focus::Due => true,
            Focus::Only { organization, .. } => *organization,
        };
        let known = lock(self.memory).organization.clone();
        if let Some(known) = known.filter(|_| !again || lock(&self.state).discovered) {
            return Ok(known);
        }
        let discovered = self.inner.discover(needs).await?;
        lock(self.memory).organization = Some(discovered.clone());
        lock(&self.state).discovered = true;
        Ok(discovered)
    }

    async fn observe(&self, scope: &Scope, progress: &dyn Progress) -> Result<Estate, Fault> {
        let due = self.due(scope);
        if !due.is_empty() {
            let mut narrow = narrowed(scope, &due);
            let earlier = lock(self.memory).earlier(scope);
            narrow.further_keys = self.asks_for_further_keys();
            narrow.addresses.extend(earlier.into_iter().filter(|(_, operator)| due.contains(operator)));
            let whole = due.contains(&scope.management_account) && due.contains(&scope.log_account);
            let seen = match self.inner.observe(&narrow, progress).await {
                // A few accounts that cannot be read are those accounts' problem, not the round's.
                Err(fault) if !whole => unreadable(&narrow, &fault),
                result => result?,
            };
            lock(self.memory).take(seen, &due, &narrow, scope, self.rules.now);
            lock(&self.state).fresh.extend(due);
        }
        Ok(lock(self.memory).recall(scope))
    }

    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<Delivery, Fault> {
        self.inner.delivery(trail, operator).await
    }

    fn calls(&self) -> u64 {
        self.inner.calls()
    }
}

/// Takes a lock that nobody holds over a point at which it waits.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is replaced in single steps: a panic elsewhere cannot leave it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
