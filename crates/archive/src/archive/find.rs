//! Finds the accounts and regions that a store holds, by listing folders: no chain has to be known in advance. What
//! cannot be listed is one problem, and the search goes on beside it.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{StreamExt, iter};

use super::{Fault, Level, Store};
use crate::ids::{AccountId, Region};
use crate::log_path::{
    CONFIG_FOLDER, ChainScope, Folder, LogRoot, TOP, TOP_FOLDER, is_organization, looks_like_cloudtrail,
    split_at_last_root,
};

/// How the folders of flow logs begin that lie beside the accounts (`aws-account-id=`, Amazon VPC user guide, "Flow log
/// files").
const FLOW_LOGS: &str = "aws-account-id=";
/// How far the layout is looked for below the given prefix.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How many folders deep.
    depth: usize,
    /// How many folders are listed.
    listings: usize,
}

/// S3 keys have 1,024 bytes, so that 64 folders are deep; 50,000 listings cost $0.25.
const LIMITS: Limits = Limits { depth: 64, listings: 50_000 };
/// How many folders are listed at a time.
const LISTINGS_AT_ONCE: usize = 128;

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeFilter {
    /// What every key must start with.
    pub prefix: String,
    /// The only account, if one was asked for.
    pub account: Option<AccountId>,
    /// The only region, if one was asked for.
    pub region: Option<Region>,
    /// The organization's id, where it is known: an account's folder is then looked up, not searched for, since a
    /// reader of one account may list nothing else.
    pub organization: Option<String>,
}

impl ScopeFilter {
    /// Names the account and region that were asked for, for a person; `None` where all were.
    pub fn named(&self) -> Option<String> {
        match (&self.account, &self.region) {
            (None, None) => None,
            (Some(account), None) => Some(format!("account {account}")),
            (None, Some(region)) => Some(format!("region {region}")),
            (Some(account), Some(region)) => Some(format!("account {account} in region {region}")),
        }
    }

    /// Returns the first folder that is listed to find them.
    pub fn first_prefix(&self) -> String {
        let folder = |account: &Account| account.root.account_folder(account.id.as_str());
        known_accounts(self).first().map_or_else(|| self.prefix.clone(), folder)
    }
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct FoundScopes {
    /// Every account x region with the folders that CloudTrail made for it.
    pub scopes: BTreeMap<ChainScope, BTreeSet<Folder>>,
    /// Where an account has a folder of AWS Config.
    pub config: BTreeSet<(LogRoot, AccountId)>,
    /// Folders that could not be listed, with the reason: what lies there is not known.
    pub refused: Vec<(String, Fault)>,
    /// Prefixes and keys among the logs that are none of CloudTrail's, which readers of the folders around them may
    /// read.
    pub beside: Vec<String>,
    /// Why the search ended before its end.
    pub limits: Vec<String>,
}

/// Finds every account x region that has a folder of digests or of logs.
///
/// # Errors
/// When nothing was found and a folder could not be listed.
pub async fn find(store: &dyn Store, sought: &ScopeFilter) -> Result<FoundScopes, Fault> {
    find_of(store, sought, None).await
}

/// As [`find`], but looks into the folders of some accounts only. `None`: into all.
pub(super) async fn find_of(
    store: &dyn Store,
    sought: &ScopeFilter,
    only: Option<&BTreeSet<String>>,
) -> Result<FoundScopes, Fault> {
    let mut found = FoundScopes::default();
    let known = known_accounts(sought);
    scan(store, sought, known, &mut found).await;
    if found.scopes.is_empty() {
        let mut roots = roots(store, &sought.prefix, LIMITS, &mut found).await;
        let mut accounts = Vec::new();
        while let Some(root) = roots.pop() {
            let (own, others) = accounts_of(store, sought, root, &mut found).await;
            accounts.extend(own);
            for other in others {
                let below = roots_below(store, &other, LIMITS, &mut found).await;
                let name = other.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                if below.is_empty() && !name.starts_with(FLOW_LOGS) {
                    found.beside.push(other);
                }
                roots.extend(below);
            }
        }
        accounts.retain(|account| only.is_none_or(|only| only.contains(account.id.as_str())));
        scan(store, sought, accounts, &mut found).await;
    }
    match found.refused.first() {
        Some((prefix, fault)) if found.scopes.is_empty() => {
            let message = match prefix.is_empty() {
                true => fault.message.clone(),
                false => format!("below {prefix}: {}", fault.message),
            };
            Err(Fault { message, ..fault.clone() })
        }
        _ => Ok(found),
    }
}

async fn scan(store: &dyn Store, sought: &ScopeFilter, accounts: Vec<Account>, found: &mut FoundScopes) {
    let mut scans = iter(accounts)
        .map(|account| async move {
            let mut own = FoundScopes::default();
            scopes_of(store, sought, &account, &mut own).await;
            own
        })
        .buffered(LISTINGS_AT_ONCE);
    while let Some(own) = scans.next().await {
        for (scope, folders) in own.scopes {
            found.scopes.entry(scope).or_default().extend(folders);
        }
        found.config.extend(own.config);
        found.refused.extend(own.refused);
        found.beside.extend(own.beside);
    }
}

struct Account {
    root: LogRoot,
    id: AccountId,
}

/// Returns the folders that the one account that is asked for, or that the prefix names, can have, when nothing has to
/// be listed to know them.
fn known_accounts(sought: &ScopeFilter) -> Vec<Account> {
    let Some(id) = sought.account.clone().or_else(|| named_by(&sought.prefix)) else { return Vec::new() };
    let account =
        |prefix: &str, organization: Option<&str>| Account { root: LogRoot::at(prefix, organization), id: id.clone() };
    let organization = sought.organization.as_deref();
    let Some((prefix, rest)) = split_at_last_root(&sought.prefix) else {
        let both = organization.map(|organization| [Some(organization), None]);
        return both.into_iter().flatten().map(|organization| account(&sought.prefix, organization)).collect();
    };
    match rest.split('/').next().filter(|first| !first.is_empty()) {
        Some(first) if is_organization(first) => vec![account(prefix, Some(first))],
        Some(first) if first == id.as_str() => vec![account(prefix, None)],
        None if organization.is_some() => vec![account(prefix, organization), account(prefix, None)],
        _ => Vec::new(),
    }
}

/// Returns the account whose folder, or a folder within it, a prefix is.
fn named_by(prefix: &str) -> Option<AccountId> {
    let (_, rest) = split_at_last_root(prefix)?;
    let mut names = rest.split('/');
    let first = names.next()?;
    if is_organization(first) { names.next()?.parse().ok() } else { first.parse().ok() }
}

/// Returns the prefixes before each `AWSLogs/`, by levels of folders.
async fn roots(store: &dyn Store, prefix: &str, limits: Limits, found: &mut FoundScopes) -> Vec<String> {
    match split_at_last_root(prefix) {
        Some((before, _)) => vec![before.to_owned()],
        None => roots_below(store, prefix, limits, found).await,
    }
}

async fn roots_below(store: &dyn Store, prefix: &str, limits: Limits, found: &mut FoundScopes) -> Vec<String> {
    let mut roots = Vec::new();
    let mut open = vec![prefix.to_owned()];
    let mut listings = 0;
    for _ in 0..limits.depth {
        let left = limits.listings - listings;
        if open.len() > left {
            let listings = limits.listings;
            let told = format!(
                "the search for {TOP_FOLDER} ended after {listings} folders; name the prefix below which the logs lie"
            );
            if !found.limits.contains(&told) {
                found.limits.push(told);
            }
            open.truncate(left);
        }
        listings += open.len();
        let levels = iter(std::mem::take(&mut open)).map(|folder| async move {
            let level = store.level(&folder).await;
            (folder, level)
        });
        let mut levels = levels.buffered(LISTINGS_AT_ONCE);
        while let Some((folder, level)) = levels.next().await {
            for child in known(level, &folder, found).folders {
                let name = &child[folder.len()..];
                if name == TOP_FOLDER {
                    roots.push(folder.clone());
                } else if name.trim_end_matches('/').trim().eq_ignore_ascii_case(TOP) {
                    found.beside.push(child);
                } else {
                    open.push(child);
                }
            }
        }
        if open.is_empty() {
            return roots;
        }
    }
    let depth = limits.depth;
    found.limits.push(format!(
        "the search for {TOP_FOLDER} ended {depth} folders deep; name the prefix below which the logs lie"
    ));
    roots
}

/// Returns a level, or notes that there is none to be had.
fn known(level: Result<Level, Fault>, folder: &str, found: &mut FoundScopes) -> Level {
    level.unwrap_or_else(|fault| {
        found.refused.push((folder.to_owned(), fault));
        Level::default()
    })
}

/// Returns the accounts below a root, and the folders there that belong to none. A trail's prefix may itself be named
/// `AWSLogs`, or begin so, and then a root holds another one.
async fn accounts_of(
    store: &dyn Store,
    sought: &ScopeFilter,
    root: String,
    found: &mut FoundScopes,
) -> (Vec<Account>, Vec<String>) {
    let (mut accounts, mut others) = (Vec::new(), Vec::new());
    let mut open = vec![root];
    while let Some(root) = open.pop() {
        let top = LogRoot::at(&root, None).folder();
        let level = children(store, &top, sought, found).await;
        found.beside.extend(level.objects);
        for child in level.folders {
            let name = child[top.len()..].trim_end_matches('/').to_owned();
            if child[top.len()..] == *TOP_FOLDER {
                open.push(top.clone());
            } else if is_organization(&name) {
                accounts.extend(members(store, sought, &root, &child, &name, found).await);
            } else if name.parse::<AccountId>().is_ok() {
                accounts.extend(account(&root, None, &name, sought));
            } else {
                others.push(child);
            }
        }
    }
    (accounts, others)
}

async fn members(
    store: &dyn Store,
    sought: &ScopeFilter,
    root: &str,
    folder: &str,
    organization: &str,
    found: &mut FoundScopes,
) -> Vec<Account> {
    let mut accounts = Vec::new();
    let level = children(store, folder, sought, found).await;
    found.beside.extend(level.objects);
    for inner in level.folders {
        let id = inner[folder.len()..].trim_end_matches('/');
        if id.parse::<AccountId>().is_err() {
            found.beside.push(inner);
        } else {
            accounts.extend(account(root, Some(organization), id, sought));
        }
    }
    accounts
}

fn account(prefix: &str, organization: Option<&str>, id: &str, sought: &ScopeFilter) -> Option<Account> {
    let id: AccountId = id.parse().ok()?;
    let wanted = sought.account.as_ref().is_none_or(|account| *account == id);
    wanted.then(|| Account { root: LogRoot::at(prefix, organization), id })
}

async fn scopes_of(store: &dyn Store, sought: &ScopeFilter, account: &Account, found: &mut FoundScopes) {
    let folder = account.root.account_folder(account.id.as_str());
    let level = children(store, &folder, sought, found).await;
    found.beside.extend(level.objects.into_iter().filter(|key| !is_test_file(&key[folder.len()..])));
    for child in level.folders {
        let name = &child[folder.len()..];
        let Some(own) = Folder::named(name.trim_end_matches('/')) else {
            if name.trim_end_matches('/') == CONFIG_FOLDER {
                found.config.insert((account.root.clone(), account.id.clone()));
            } else if looks_like_cloudtrail(name.trim_end_matches('/')) {
                found.beside.push(child);
            }
            continue;
        };
        let level = children(store, &child, sought, found).await;
        found.beside.extend(level.objects);
        for inner in level.folders {
            let region: Result<Region, _> = inner[child.len()..].trim_end_matches('/').parse();
            let Ok(region) = region else {
                found.beside.push(inner);
                continue;
            };
            if sought.region.as_ref().is_none_or(|only| *only == region) {
                let scope = ChainScope::of(&account.root, account.id.clone(), region);
                found.scopes.entry(scope).or_default().insert(own);
            }
        }
    }
}

/// Tells whether an object in an account's folder is the one with which a load balancer tries whether it may write
/// there.
fn is_test_file(name: &str) -> bool {
    name.starts_with("ELB") && name.ends_with("LogTestFile")
}

/// Returns what lies directly in a folder, as far as the sought prefix leads to it or contains it.
async fn children(store: &dyn Store, folder: &str, sought: &ScopeFilter, found: &mut FoundScopes) -> Level {
    let mut level = known(store.level(folder).await, folder, found);
    level.folders.retain(|child| child.starts_with(&sought.prefix) || sought.prefix.starts_with(child.as_str()));
    level.objects.retain(|key| key.starts_with(&sought.prefix) && !key.ends_with('/'));
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::FolderStore;

    async fn search(folders: &[&str], sought: ScopeFilter) -> FoundScopes {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        find(&FolderStore::new(root.path()), &sought).await.unwrap()
    }

    async fn found(folders: &[&str], sought: ScopeFilter) -> Vec<String> {
        let found = search(folders, sought).await;
        found.scopes.keys().map(|scope| format!("{}{}", scope.account_prefix(), scope.region)).collect()
    }

    const LAYOUTS: [&str; 7] = [
        "AWSLogs/o-exampleorgid/111111111111/CloudTrail-Digest/us-east-1",
        "AWSLogs/o-exampleorgid/111111111111/CloudTrail/eu-west-1",
        "AWSLogs/222222222222/CloudTrail-Digest/us-east-1",
        "AWSLogs/222222222222/Config/us-east-1",
        "a/b/AWSLogs/333333333333/CloudTrail-Digest/us-east-1",
        "AWSLogs/AWSLogs/444444444444/CloudTrail-Digest/us-east-1",
        "c/AWSLogs/d/AWSLogs/555555555555/CloudTrail-Digest/us-east-1",
    ];

    #[tokio::test]
    async fn every_layout_is_found() {
        let expected = [
            "AWSLogs/222222222222/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/eu-west-1",
            "AWSLogs/o-exampleorgid/111111111111/us-east-1",
            "AWSLogs/AWSLogs/444444444444/us-east-1",
            "a/b/AWSLogs/333333333333/us-east-1",
            "c/AWSLogs/d/AWSLogs/555555555555/us-east-1",
        ];
        assert_eq!(found(&LAYOUTS, ScopeFilter::default()).await, expected);
        let of_config = search(&LAYOUTS, ScopeFilter::default()).await.config;
        let place = (LogRoot::below(""), "222222222222".parse().unwrap());
        assert_eq!(of_config, BTreeSet::from([place]), "AWS Config's folder is met beside, and is no log");
        let deep = "1/2/3/4/5/6/7/8/9/10/AWSLogs/333333333333/CloudTrail-Digest/us-east-1";
        assert_eq!(found(&[deep], ScopeFilter::default()).await.len(), 1);
    }

    #[tokio::test]
    async fn a_prefix_an_account_and_a_region_narrow_the_search() {
        let by_prefix = |prefix: &str| ScopeFilter { prefix: prefix.into(), ..ScopeFilter::default() };
        assert_eq!(found(&LAYOUTS, by_prefix("a/")).await, ["a/b/AWSLogs/333333333333/us-east-1"]);
        let inner = by_prefix("c/AWSLogs/d/");
        assert_eq!(found(&LAYOUTS, inner).await, ["c/AWSLogs/d/AWSLogs/555555555555/us-east-1"]);
        let deep = by_prefix("AWSLogs/o-exampleorgid/111111111111/");
        assert_eq!(found(&LAYOUTS, deep).await.len(), 2);
        let account = ScopeFilter { account: Some("222222222222".parse().unwrap()), ..ScopeFilter::default() };
        assert_eq!(found(&LAYOUTS, account).await, ["AWSLogs/222222222222/us-east-1"]);
        let region = ScopeFilter { region: Some("eu-west-1".parse().unwrap()), ..ScopeFilter::default() };
        assert_eq!(found(&LAYOUTS, region).await, ["AWSLogs/o-exampleorgid/111111111111/eu-west-1"]);
        let other = ScopeFilter { account: Some("222222222222".parse().unwrap()), ..by_prefix("AWSLogs/o-x/") };
        assert_eq!(found(&LAYOUTS, other).await, [""; 0]);
        assert_eq!(found(&[], ScopeFilter::default()).await, [""; 0]);
    }

    #[test]
    fn the_folder_of_an_account_is_known_without_a_listing() {
        let first = |prefix: &str, account: Option<&str>, organization: Option<&str>| {
            let account = account.map(|id| id.parse().unwrap());
            let organization = organization.map(str::to_owned);
            ScopeFilter { prefix: prefix.into(), account, region: None, organization }.first_prefix()
        };
        let (one, own) = (Some("111111111111"), "AWSLogs/o-exampleorgid/111111111111/");
        assert_eq!(first(own, None, None), own);
        assert_eq!(first("AWSLogs/o-exampleorgid/111111111111/CloudTrail/", None, None), own);
        assert_eq!(first("AWSLogs/111111111111/", None, None), "AWSLogs/111111111111/");
        assert_eq!(first("AWSLogs/o-exampleorgid/", one, None), own);
        assert_eq!(first("", one, Some("o-exampleorgid")), own);
        assert_eq!(first("audit/", one, Some("o-exampleorgid")), format!("audit/{own}"));
        assert_eq!((first("", None, None), first("AWSLogs/", one, None)), (String::new(), "AWSLogs/".into()));
    }

    #[tokio::test]
    async fn where_the_search_ends_is_told() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["a/b/c/AWSLogs/111111111111/CloudTrail-Digest/us-east-1", "a/x", "d", "e"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let store = FolderStore::new(root.path());
        let search = async |depth, listings| {
            let mut found = FoundScopes::default();
            let roots = roots(&store, "", Limits { depth, listings }, &mut found).await;
            (roots, found.limits)
        };
        let hint = "name the prefix below which the logs lie";
        assert_eq!(search(64, 100).await, (vec!["a/b/c/".into()], vec![]));
        assert_eq!(
            search(3, 100).await,
            (vec![], vec![format!("the search for AWSLogs/ ended 3 folders deep; {hint}")])
        );
        let told = vec![format!("the search for AWSLogs/ ended after 3 folders; {hint}")];
        assert_eq!(search(64, 3).await, (vec![], told));
    }

    #[tokio::test]
    async fn what_is_spelled_otherwise_is_told() {
        let odd = [
            "AWSLogs/o-exampleorgid/111111111111/CloudTrail/US-EAST-1",
            "AWSLogs/o-exampleorgid/111111111111/Cloudtrail/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111-old/CloudTrail/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/CloudTraiI/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/CloudTrial/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/C1oudTrail /us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/Config/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/CloudFront/us-east-1",
            "AWSLogs/11111111111/CloudTrail/us-east-1",
            "AWSLogs/o-EXAMPLEORGID/111111111111/CloudTrail/us-east-1",
            "AWSLogs/aws-account-id=111111111111/aws-service=vpcflowlogs",
            "awslogs/o-exampleorgid/111111111111/CloudTrail/us-east-1",
        ];
        let mut told = search(&odd, ScopeFilter::default()).await.beside;
        told.sort();
        let expected = [
            "AWSLogs/11111111111/",
            "AWSLogs/o-EXAMPLEORGID/",
            "AWSLogs/o-exampleorgid/111111111111-old/",
            "AWSLogs/o-exampleorgid/111111111111/C1oudTrail /",
            "AWSLogs/o-exampleorgid/111111111111/CloudTraiI/",
            "AWSLogs/o-exampleorgid/111111111111/CloudTrail/US-EAST-1/",
            "AWSLogs/o-exampleorgid/111111111111/CloudTrial/",
            "AWSLogs/o-exampleorgid/111111111111/Cloudtrail/",
            "awslogs/",
        ];
        assert_eq!(told, expected);
    }
}
