//! What should be there: an account, a region or a trail that is missing whole has no digest that would tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountId, Region, TrailName};
use crate::log_path::Scope;
use crate::logs::expected::Expected;
use crate::logs::find::ScopeFilter;
use crate::logs::finding::{Code, Finding, State};

use super::answer::Chain;
use super::missing::{ExpectedChains, Missing};

/// What should have a chain, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// Who says so, for a person: the configuration, the user, an earlier run.
    pub said_by: Vec<String>,
    /// The accounts that should deliver, with their regions where those are known.
    pub accounts: Expected,
    /// Whether these are all accounts of the organization, so that another one has left it.
    pub is_organization: bool,
    /// The trails of the configuration.
    pub trails: BTreeSet<String>,
    /// The chains that an earlier run saw.
    pub chains: BTreeSet<(AccountId, Region, Option<TrailName>)>,
}

impl Expectation {
    /// Returns why an account or region delivers nothing any more, when that is known.
    pub(super) fn left(&self, account: &AccountId, region: &Region) -> Option<String> {
        if !self.is_organization {
            return None;
        }
        match self.accounts.accounts.get(account) {
            None => Some("the account is not in the organization any more".into()),
            Some(known) if !known.is_active => Some("the account is suspended or closed".into()),
            Some(known) if !known.should_deliver(region) => Some("the region is not enabled any more".into()),
            Some(_) => None,
        }
    }

    /// Returns what should have a chain, as far as it is sought, and what of it has none.
    pub(super) fn compare(&self, chains: &[Chain], sought: &ScopeFilter) -> ExpectedChains {
        let mut narrowed = self.accounts.clone();
        narrowed.narrow(sought);
        let own: Vec<&Chain> = chains.iter().filter(|chain| narrowed.is_own(&chain.scope)).collect();
        let mut missing = Self::missing_accounts(&narrowed, &own);
        missing.extend(self.missing_chains(chains, sought));
        missing.extend(self.missing_trails(&own, sought));
        let known = narrowed.accounts.iter().filter(|(_, known)| known.is_active).map(|(account, _)| account);
        let earlier =
            self.chains.iter().map(|(account, ..)| account).filter(|account| is_sought(sought, account, None));
        let accounts: BTreeSet<&AccountId> = known.chain(earlier).collect();
        let regions = narrowed.accounts.values().filter_map(|known| known.regions.as_ref()).flatten();
        let earlier = self.chains.iter().filter(|(account, region, _)| is_sought(sought, account, Some(region)));
        let regions: BTreeSet<&Region> = regions.chain(earlier.clone().map(|(_, region, _)| region)).collect();
        let trails = earlier.filter_map(|(.., trail)| Some(trail.as_ref()?.to_string()));
        let trails: BTreeSet<String> = self.trails.iter().cloned().chain(trails).collect();
        ExpectedChains {
            said_by: self.said_by.join(" and "),
            accounts: accounts.len(),
            regions: regions.len(),
            trails,
            missing: missing.into_iter().collect(),
            unknown: self.accounts.unknown.clone().filter(|_| self.accounts.accounts.is_empty()),
            unknown_regions: narrowed.unknown_regions,
        }
    }

    fn missing_accounts(narrowed: &Expected, chains: &[&Chain]) -> BTreeSet<Missing> {
        let there: BTreeSet<(AccountId, Region)> =
            chains.iter().map(|chain| (chain.scope.account.clone(), chain.scope.region.clone())).collect();
        let missing = |(account, regions): (AccountId, Vec<Region>)| {
            let name = narrowed.accounts.get(&account).map(|known| known.name.clone()).filter(|name| !name.is_empty());
            Missing { account: Some(account), name, regions, trail: None }
        };
        narrowed.absent(&there).into_iter().map(missing).collect()
    }

    /// Returns the chains that an earlier run saw and that are gone whole.
    fn missing_chains(&self, chains: &[Chain], sought: &ScopeFilter) -> impl Iterator<Item = Missing> {
        let is_missing = |(account, region, trail): &&(AccountId, Region, Option<TrailName>)| {
            let is_there = |chain: &Chain| {
                let own = chain.trail.as_ref().map(|(trail, _)| trail);
                chain.scope.account == *account
                    && chain.scope.region == *region
                    && (trail.is_none() || own == trail.as_ref())
            };
            is_sought(sought, account, Some(region)) && !chains.iter().any(is_there)
        };
        self.chains.iter().filter(is_missing).map(|(account, region, trail)| Missing {
            account: Some(account.clone()),
            name: None,
            regions: vec![region.clone()],
            trail: trail.as_ref().map(ToString::to_string),
        })
    }

    /// Returns the trails of the configuration that have no chain anywhere.
    fn missing_trails(&self, chains: &[&Chain], sought: &ScopeFilter) -> impl Iterator<Item = Missing> {
        let delivering: BTreeSet<&str> =
            chains.iter().filter_map(|chain| Some(chain.trail.as_ref()?.0.as_str())).collect();
        // A trail need not record in the one account or region that was asked for.
        let is_whole = sought.account.is_none() && sought.region.is_none();
        let absent = self.trails.iter().filter(move |trail| is_whole && !delivering.contains(trail.as_str()));
        absent.map(|trail| Missing { account: None, name: None, regions: Vec::new(), trail: Some(trail.clone()) })
    }
}

fn is_sought(sought: &ScopeFilter, account: &AccountId, region: Option<&Region>) -> bool {
    let is_region = sought.region.as_ref().zip(region).is_none_or(|(only, region)| only == region);
    sought.account.as_ref().is_none_or(|only| only == account) && is_region
}

/// Returns findings about buckets whose digests lie in copies although no signed link joins them to the others: one of
/// them is not what the folders are copies of. `proved` are the buckets that are looked at themselves.
pub(super) fn foreign_buckets(chains: &[Chain], proved: BTreeSet<&str>) -> Vec<Finding> {
    let mut groups: Vec<(BTreeSet<&str>, u64, &Scope)> = Vec::new();
    for (chain, joined) in chains.iter().flat_map(|chain| chain.joined.iter().map(move |joined| (chain, joined))) {
        let mut buckets: BTreeSet<&str> = joined.buckets.iter().map(String::as_str).collect();
        let mut digests = joined.digests;
        groups.retain(|(of, count, _)| {
            let touches = !of.is_disjoint(&buckets);
            if touches {
                buckets.extend(of);
                digests += count;
            }
            !touches
        });
        groups.push((buckets, digests, &chain.scope));
    }
    // What lies in a bucket of another name has its own finding.
    groups.retain(|(buckets, ..)| buckets.is_disjoint(&proved));
    groups.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let main = match proved.is_empty() {
        true => groups.first().map(|(main, ..)| main.clone()).unwrap_or_default(),
        false => proved.clone(),
    };
    let main = main.iter().copied().collect::<Vec<_>>().join(", ");
    let finding = |(buckets, digests, scope): &(BTreeSet<&str>, u64, &Scope)| {
        let buckets = buckets.iter().copied().collect::<Vec<_>>().join(", ");
        let detail = format!(
            "{digests} digests (first below {}) were delivered to bucket {buckets}, the others to {main}, and no signed link joins them; if both belong here, say so with --bucket",
            scope.account_prefix()
        );
        Finding { code: Code::ChainCopy, state: State::Unproven, object: None, window: None, detail, next: None }
    };
    groups.iter().skip(usize::from(proved.is_empty())).map(finding).collect()
}

/// Groups places by account and region, in order.
pub(super) fn by_account_and_region<T>(
    sites: impl IntoIterator<Item = (Scope, T)>,
) -> BTreeMap<(AccountId, Region), Vec<T>> {
    let mut groups: BTreeMap<_, Vec<T>> = BTreeMap::new();
    for (scope, site) in sites {
        groups.entry((scope.account, scope.region)).or_default().push(site);
    }
    groups
}
