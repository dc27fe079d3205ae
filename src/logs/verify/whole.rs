//! What should be there: an account, a region or a trail that is missing whole has no digest that would tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AccountId, Region, TrailName};
use crate::logs::coverage::Expected;
use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::key::Scope;

use super::answer::Chain;
use super::find::Sought;

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

    /// Returns what should have a chain and has none, by name. What was not sought is not missed.
    pub(super) fn missing(&self, chains: &[Chain], sought: &Sought, window: Option<Window>) -> Vec<Finding> {
        let there: BTreeSet<(AccountId, Region)> =
            chains.iter().map(|chain| (chain.scope.account.clone(), chain.scope.region.clone())).collect();
        let said_by = self.said_by.join(" and ");
        let mut names = BTreeSet::new();
        let mut narrowed = self.accounts.clone();
        narrowed.narrow(sought);
        for (account, regions) in narrowed.absent(&there) {
            let known = narrowed.accounts.get(&account).filter(|known| !known.name.is_empty());
            let name = known.map(|known| format!(" ({})", known.name)).unwrap_or_default();
            match regions.is_empty() {
                true => names.insert(format!("account {account}{name}")),
                false => names.insert(format!("account {account}{name} in {}", joined(&regions))),
            };
        }
        for (account, region, trail) in &self.chains {
            let is_sought = sought.account.as_ref().is_none_or(|only| only == account)
                && sought.region.as_ref().is_none_or(|only| only == region);
            let is_there = |chain: &Chain| {
                let own = chain.trail.as_ref().map(|(trail, _)| trail);
                chain.scope.account == *account
                    && chain.scope.region == *region
                    && (trail.is_none() || own == trail.as_ref())
            };
            if is_sought && !chains.iter().any(is_there) {
                let trail = trail.as_ref().map(|trail| format!("trail {trail} of ")).unwrap_or_default();
                names.insert(format!("{trail}account {account} in {region}"));
            }
        }
        let delivering: BTreeSet<&str> =
            chains.iter().filter_map(|chain| Some(chain.trail.as_ref()?.0.as_str())).collect();
        // A trail need not record in the one account or region that was asked for.
        let is_whole = sought.account.is_none() && sought.region.is_none();
        let absent = self.trails.iter().filter(|trail| is_whole && !delivering.contains(trail.as_str()));
        names.extend(absent.map(|trail| format!("trail {trail}")));
        let finding = |name: String| Finding {
            code: Code::ChainExpected,
            state: State::Unproven,
            object: None,
            window,
            detail: format!("{name} should have digests ({said_by}), and has none"),
        };
        names.into_iter().map(finding).collect()
    }
}

fn joined(regions: &[Region]) -> String {
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns findings about buckets whose digests lie in one folder although no signed link joins them: one of them is not what
/// the folder is a copy of.
pub(super) fn foreign_buckets(chains: &[Chain]) -> Vec<Finding> {
    let mut groups: Vec<(BTreeSet<&str>, u64, &Scope)> = Vec::new();
    for chain in chains {
        let mut buckets: BTreeSet<&str> = chain.origins.iter().map(|origin| origin.bucket.as_str()).collect();
        let mut digests = chain.digests;
        if buckets.is_empty() {
            continue;
        }
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
    groups.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let Some((main, ..)) = groups.first() else { return Vec::new() };
    let main = main.iter().copied().collect::<Vec<_>>().join(", ");
    let finding = |(buckets, digests, scope): &(BTreeSet<&str>, u64, &Scope)| {
        let buckets = buckets.iter().copied().collect::<Vec<_>>().join(", ");
        let detail = format!(
            "{digests} digests (first below {}) were delivered to bucket {buckets}, the others to {main}, and no signed link joins them; if both belong here, say so with --bucket",
            scope.account_prefix()
        );
        Finding { code: Code::ChainCopy, state: State::Unproven, object: None, window: None, detail }
    };
    groups.iter().skip(1).map(finding).collect()
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
