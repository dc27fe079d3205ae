//! Reads what is due in one round, and answers the rest from the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Focus, ObservationCache, essential};
use crate::cloud::history::{HistoryLookup, HistoryPage};
use crate::cloud::{CloudFault, CloudReader, DiscoverOptions, Load, Progress};
use crate::daemon::clock::between;
use crate::daemon::lock;
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Kind, Problem, Sighting, Stage};
use crate::ids::{AccountId, Arn, Region};
use crate::monitoring::alarm::{Alarms, Subscribers};
use crate::monitoring::metric_filter::MetricFilter;
use crate::observation::ObservationScope;
use crate::organization::Organization;
use crate::recorders::RegionRecorder;

/// Accounts with open findings that are looked at in one round beyond the others, so that many findings cannot make a
/// full pass of each round.
const WITH_FINDINGS_MAX: usize = 25;

/// Reads for one round: what is due from AWS, the rest from the cache.
pub struct PartialObserver<'a> {
    inner: &'a dyn CloudReader,
    cache: &'a Mutex<ObservationCache>,
    policy: RefreshPolicy,
    state: Mutex<ObserverState>,
}

/// What is read again in a round.
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
    pub with_findings: BTreeSet<AccountId>,
    /// Accounts that keep failing: they are not looked at, unless nothing at all is known of them.
    pub paused: BTreeSet<AccountId>,
}

#[derive(Default)]
struct ObserverState {
    discovered: bool,
    fresh: BTreeSet<AccountId>,
    demanded: BTreeSet<AccountId>,
}

impl<'a> PartialObserver<'a> {
    /// Begins a round.
    pub fn new(inner: &'a dyn CloudReader, cache: &'a Mutex<ObservationCache>, policy: RefreshPolicy) -> Self {
        Self { inner, cache, policy, state: Mutex::default() }
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
    fn due(&self, scope: &ObservationScope) -> BTreeSet<AccountId> {
        let cache = lock(self.cache);
        let state = lock(&self.state);
        let essential = essential(scope);
        let mut operators: BTreeSet<AccountId> = scope.addresses.values().cloned().collect();
        operators.extend(scope.member_trails.iter().cloned());
        operators.extend(cache.sightings.values().map(|(operator, _)| operator.clone()));
        operators.extend(essential.iter().cloned());
        let age = |account: &AccountId| cache.looked_at.get(account).map(|at| between(*at, self.policy.now));
        let unknown = scope.addresses.iter().filter(|(address, _)| !cache.sightings.contains_key(*address));
        let unknown: BTreeSet<AccountId> = unknown.map(|(_, operator)| operator.clone()).collect();
        let mut due = unknown.clone();
        due.extend(operators.iter().filter(|account| age(account).is_none()).cloned());
        match &self.policy.focus {
            _ if !state.demanded.is_empty() => due.extend(state.demanded.iter().cloned()),
            Focus::Only { accounts, .. } => due.extend(operators.intersection(accounts).cloned()),
            Focus::Due => {
                due.extend(essential.iter().cloned());
                due.extend(self.due_by_rotation(&operators, &essential, age));
            }
        }
        // The adapter enters the log account in any case, to learn whose reader roles are there.
        due.insert(scope.log_account.clone());
        due.retain(|account| !state.fresh.contains(account));
        due.retain(|account| {
            essential.contains(account) || !self.policy.paused.contains(account) || unknown.contains(account)
        });
        due
    }

    /// Once in a full pass.
    fn asks_for_further_keys(&self) -> bool {
        let age = lock(self.cache).further_keys_at.map(|at| between(at, self.policy.now));
        age.is_none_or(|age| age + self.policy.every > self.policy.full_pass_every)
    }

    /// The accounts whose turn it is: those with findings, those overdue, and a share of the others, oldest first.
    fn due_by_rotation(
        &self,
        operators: &BTreeSet<AccountId>,
        essential: &BTreeSet<AccountId>,
        age: impl Fn(&AccountId) -> Option<Duration>,
    ) -> Vec<AccountId> {
        let mut others: Vec<(Duration, &AccountId)> = operators
            .difference(essential)
            .filter(|account| !self.policy.paused.contains(*account))
            .filter_map(|account| Some((age(account)?, account)))
            .collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let share = share(others.len(), self.policy.every, self.policy.full_pass_every);
        // What would be overdue before the next round is overdue now.
        let overdue = |age: &Duration| *age + self.policy.every > self.policy.full_pass_every;
        let in_turn = others.iter().enumerate().filter(|(n, (age, _))| *n < share || overdue(age));
        let with_findings =
            others.iter().filter(|(_, account)| self.policy.with_findings.contains(*account)).take(WITH_FINDINGS_MAX);
        let chosen = in_turn.map(|(_, (_, account))| *account).chain(with_findings.map(|(_, account)| *account));
        chosen.cloned().collect()
    }
}

/// Returns how many of `count` accounts one round looks at, so that all have had their turn within `full_pass_every`.
fn share(count: usize, every: Duration, full_pass_every: Duration) -> usize {
    let rounds = (full_pass_every.as_secs() / every.as_secs().max(1)).max(1);
    count.div_ceil(usize::try_from(rounds).unwrap_or(usize::MAX))
}

/// Narrows a scope to what the credentials of some accounts see.
fn narrowed(scope: &ObservationScope, due: &BTreeSet<AccountId>) -> ObservationScope {
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
fn unreadable(scope: &ObservationScope, fault: &CloudFault) -> Estate {
    let problem = |address: &Address| Sighting::Unreadable(fault.problem(Stage::Observe, Some(address)));
    let sightings = scope.addresses.keys().map(|address| (address.clone(), problem(address)));
    Estate { sightings: sightings.collect(), ..Estate::default() }
}

#[async_trait]
impl CloudReader for PartialObserver<'_> {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
        let again = match &self.policy.focus {
            Focus::Due => true,
            Focus::Only { organization, .. } => *organization,
        };
        let known = lock(self.cache).organization.clone();
        if let Some(known) = known.filter(|_| !again || lock(&self.state).discovered) {
            return Ok(known);
        }
        let discovered = self.inner.discover(needs).await?;
        lock(self.cache).organization = Some(discovered.clone());
        lock(&self.state).discovered = true;
        Ok(discovered)
    }

    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault> {
        let due = self.due(scope);
        if !due.is_empty() {
            let mut narrow = narrowed(scope, &due);
            let earlier = lock(self.cache).earlier(scope);
            narrow.further_keys = self.asks_for_further_keys();
            narrow.addresses.extend(earlier.into_iter().filter(|(_, operator)| due.contains(operator)));
            let whole = due.contains(&scope.management_account) && due.contains(&scope.log_account);
            let seen = match self.inner.observe(&narrow, progress).await {
                // A few accounts that cannot be read are those accounts' problem, not the round's.
                Err(fault) if !whole => unreadable(&narrow, &fault),
                result => result?,
            };
            lock(self.cache).take(seen, &due, &narrow, scope, self.policy.now);
            lock(&self.state).fresh.extend(due);
        }
        Ok(lock(self.cache).cached(scope))
    }

    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<DeliveryStatus, CloudFault> {
        self.inner.delivery(trail, operator).await
    }

    async fn regions(&self, account: &AccountId) -> Result<Option<Vec<Region>>, CloudFault> {
        self.inner.regions(account).await
    }

    async fn look_up_events(
        &self,
        account: &AccountId,
        region: &Region,
        lookup: &HistoryLookup,
    ) -> Result<Option<HistoryPage>, CloudFault> {
        self.inner.look_up_events(account, region, lookup).await
    }

    async fn metric_filters(&self, group: &Arn) -> Result<Option<Vec<MetricFilter>>, CloudFault> {
        self.inner.metric_filters(group).await
    }

    async fn alarms(&self, account: &AccountId, region: &Region) -> Result<Option<Alarms>, CloudFault> {
        self.inner.alarms(account, region).await
    }

    async fn subscribers(&self, topic: &Arn) -> Result<Option<Subscribers>, CloudFault> {
        self.inner.subscribers(topic).await
    }

    async fn recorder(&self, account: &AccountId, region: &Region) -> Result<Option<RegionRecorder>, CloudFault> {
        self.inner.recorder(account, region).await
    }

    fn calls(&self) -> u64 {
        self.inner.calls()
    }

    fn load(&self) -> BTreeMap<&'static str, Load> {
        self.inner.load()
    }
}
