//! What should be there: an account, a region or a trail that is missing whole has no digest that would tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::find::ScopeFilter;
use crate::ids::{AccountId, Region, TrailName};
use crate::log_path::{ChainScope, DigestKey};
use crate::logs::expected::Expected;
use crate::logs::finding::{Code, Finding, State};

use super::missing::{ExpectedChains, MissingChain};
use super::verification::Chain;

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
    pub chains: BTreeSet<ExpectedChain>,
}

/// A chain that an earlier run saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedChain {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The trail, as its digests named it.
    pub trail: TrailName,
    /// The id of the organization (`o-…`) in whose folder it lay. `None` for the layout of one account's trail, which
    /// does not tell the organization.
    pub organization: Option<String>,
}

impl ExpectedChain {
    /// Returns the chain that a digest belongs to.
    pub fn of(digest: DigestKey) -> Self {
        let ChainScope { organization, account, region, .. } = digest.scope;
        Self { account, region, trail: digest.trail, organization }
    }

    /// Tells whether a chain is one of the same trail, account and region, whatever its organization.
    fn is_like(&self, chain: &Chain) -> bool {
        let is_trail = chain.trail.as_ref().is_some_and(|(trail, _)| *trail == self.trail);
        is_trail && chain.scope.account == self.account && chain.scope.region == self.region
    }

    /// Tells whether a chain lies, or lay before its trail was changed, where no other organization is named.
    fn is_of_organization(&self, chain: &Chain) -> bool {
        let is_same = |scope: &ChainScope| match (&self.organization, &scope.organization) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        std::iter::once(&chain.scope).chain(&chain.scopes).any(is_same)
    }
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
        let earlier = self.chains.iter().map(|chain| &chain.account).filter(|account| is_sought(sought, account, None));
        let accounts: BTreeSet<&AccountId> = known.chain(earlier).collect();
        let regions = narrowed.accounts.values().filter_map(|known| known.regions.as_ref()).flatten();
        let earlier = self.chains.iter().filter(|chain| is_sought(sought, &chain.account, Some(&chain.region)));
        let regions: BTreeSet<&Region> = regions.chain(earlier.clone().map(|chain| &chain.region)).collect();
        let trails = earlier.map(|chain| chain.trail.to_string());
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

    fn missing_accounts(narrowed: &Expected, chains: &[&Chain]) -> BTreeSet<MissingChain> {
        let there: BTreeSet<(AccountId, Region)> =
            chains.iter().map(|chain| (chain.scope.account.clone(), chain.scope.region.clone())).collect();
        let missing = |(account, regions): (AccountId, Vec<Region>)| {
            let name = narrowed.accounts.get(&account).map(|known| known.name.clone()).filter(|name| !name.is_empty());
            MissingChain { account: Some(account), name, regions, ..MissingChain::default() }
        };
        narrowed.absent(&there).into_iter().map(missing).collect()
    }

    /// Returns the chains that an earlier run saw and that are gone whole. One of another organization is another
    /// chain.
    fn missing_chains(&self, chains: &[Chain], sought: &ScopeFilter) -> impl Iterator<Item = MissingChain> {
        let is_missing = |earlier: &&ExpectedChain| {
            let is_there = |chain: &Chain| earlier.is_like(chain) && earlier.is_of_organization(chain);
            is_sought(sought, &earlier.account, Some(&earlier.region)) && !chains.iter().any(is_there)
        };
        self.chains.iter().filter(is_missing).map(|earlier| {
            let others = chains.iter().filter(|chain| earlier.is_like(chain));
            MissingChain {
                account: Some(earlier.account.clone()),
                name: None,
                regions: vec![earlier.region.clone()],
                trail: Some(earlier.trail.to_string()),
                organization: earlier.organization.clone(),
                others: others.filter_map(|chain| chain.scope.organization.clone()).collect(),
            }
        })
    }

    /// Returns the trails of the configuration that have no chain anywhere.
    fn missing_trails(&self, chains: &[&Chain], sought: &ScopeFilter) -> impl Iterator<Item = MissingChain> {
        let delivering: BTreeSet<&str> =
            chains.iter().filter_map(|chain| Some(chain.trail.as_ref()?.0.as_str())).collect();
        // A trail need not record in the one account or region that was asked for.
        let is_whole = sought.account.is_none() && sought.region.is_none();
        let absent = self.trails.iter().filter(move |trail| is_whole && !delivering.contains(trail.as_str()));
        absent.map(|trail| MissingChain { trail: Some(trail.clone()), ..MissingChain::default() })
    }
}

fn is_sought(sought: &ScopeFilter, account: &AccountId, region: Option<&Region>) -> bool {
    let is_region = sought.region.as_ref().zip(region).is_none_or(|(only, region)| only == region);
    sought.account.as_ref().is_none_or(|only| only == account) && is_region
}

/// Returns findings about buckets whose digests lie in copies although no signed link joins them to the others: one of
/// them is not what the folders are copies of. `proved` are the buckets that are looked at themselves.
pub(super) fn foreign_buckets(chains: &[Chain], proved: BTreeSet<&str>) -> Vec<Finding> {
    let mut groups: Vec<(BTreeSet<&str>, u64, &ChainScope)> = Vec::new();
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
    let finding = |(buckets, digests, scope): &(BTreeSet<&str>, u64, &ChainScope)| {
        let buckets = buckets.iter().copied().collect::<Vec<_>>().join(", ");
        let detail = format!(
            "{digests} digests (first below {}) were delivered to bucket {buckets}, the others to {main}, and no signed link joins them; if both belong here, say so with --bucket",
            scope.account_prefix()
        );
        Finding { code: Code::ChainCopy, state: State::Unproven, object: None, window: None, detail, next: None }
    };
    groups.iter().skip(usize::from(proved.is_empty())).map(finding).collect()
}

/// Returns the finding about an account or region that was asked for and has no chain in any of the places.
pub(super) fn nothing_of(sought: &ScopeFilter, chains: &[Chain], places: &str) -> Option<Finding> {
    let named = sought.named().filter(|_| chains.is_empty())?;
    Some(Finding {
        code: Code::ChainExpected,
        state: State::Unproven,
        object: None,
        window: None,
        detail: format!("{places} has no digest and no log file of {named}, so that nothing of it is proved"),
        next: Some(
            "check the account's id and the region; without --account and --region verify names all there are".into(),
        ),
    })
}

/// Groups places by account and region, in order.
pub(super) fn by_account_and_region<T>(
    sites: impl IntoIterator<Item = (ChainScope, T)>,
) -> BTreeMap<(AccountId, Region), Vec<T>> {
    let mut groups: BTreeMap<_, Vec<T>> = BTreeMap::new();
    for (scope, site) in sites {
        groups.entry((scope.account, scope.region)).or_default().push(site);
    }
    groups
}
