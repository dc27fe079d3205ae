//! Finds the accounts and regions that a store holds, by listing folders: no chain has to be known in advance.

use std::collections::{BTreeSet, VecDeque};

use futures::stream::{StreamExt, TryStreamExt, iter};

use crate::ids::{AccountId, Region};
use crate::logs::key::{Scope, is_organization};
use crate::logs::store::{Fault, Store};

/// The folder that CloudTrail starts its layout with.
const ROOT: &str = "AWSLogs/";
/// How many folders deep the layout is looked for below the given prefix. A trail's prefix rarely has more than two.
const PREFIX_DEPTH_MAX: usize = 6;
/// How many folders are listed at most while the layout is looked for.
const PREFIX_LISTINGS_MAX: usize = 2_000;
/// How many folders are listed at a time.
const LISTINGS_AT_ONCE: usize = 16;

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// What every key must start with.
    pub prefix: String,
    /// The only account, if one was asked for.
    pub account: Option<AccountId>,
    /// The only region, if one was asked for.
    pub region: Option<Region>,
}

/// Returns every account x region that has a folder of digests or of logs, in order.
///
/// # Errors
/// When a listing cannot be had: a part that cannot be listed could hide chains.
pub async fn find(store: &dyn Store, sought: &Sought) -> Result<Vec<Scope>, Fault> {
    let mut accounts = Vec::new();
    for root in roots(store, &sought.prefix).await? {
        accounts.extend(accounts_of(store, sought, &root).await?);
    }
    let scopes: Vec<BTreeSet<Scope>> = iter(accounts)
        .map(|account| async move { scopes_of(store, sought, &account).await })
        .buffered(LISTINGS_AT_ONCE)
        .try_collect()
        .await?;
    let all: BTreeSet<Scope> = scopes.into_iter().flatten().collect();
    Ok(all.into_iter().collect())
}

struct Account {
    prefix: String,
    organization: Option<String>,
    id: AccountId,
}

/// Returns the prefixes before each `AWSLogs/`.
async fn roots(store: &dyn Store, prefix: &str) -> Result<Vec<String>, Fault> {
    if let Some(at) = root_inside(prefix) {
        return Ok(vec![prefix[..at].to_owned()]);
    }
    let mut found = Vec::new();
    let mut open = VecDeque::from([(prefix.to_owned(), 0)]);
    let mut listings = 0;
    while let Some((folder, depth)) = open.pop_front() {
        listings += 1;
        for child in store.children(&folder).await? {
            if child[folder.len()..] == *ROOT {
                found.push(folder.clone());
            } else if depth < PREFIX_DEPTH_MAX && listings + open.len() < PREFIX_LISTINGS_MAX {
                open.push_back((child, depth + 1));
            }
        }
    }
    Ok(found)
}

/// Returns where the last `AWSLogs/` folder starts in a prefix.
fn root_inside(prefix: &str) -> Option<usize> {
    prefix.rmatch_indices(ROOT).map(|(at, _)| at).find(|&at| at == 0 || prefix.as_bytes()[at - 1] == b'/')
}

async fn accounts_of(store: &dyn Store, sought: &Sought, root: &str) -> Result<Vec<Account>, Fault> {
    let mut accounts = Vec::new();
    let top = format!("{root}{ROOT}");
    for child in children(store, &top, sought).await? {
        let name = child[top.len()..].trim_end_matches('/').to_owned();
        if is_organization(&name) {
            for inner in children(store, &child, sought).await? {
                let id = inner[child.len()..].trim_end_matches('/');
                accounts.extend(account(root, Some(&name), id, sought));
            }
        } else {
            accounts.extend(account(root, None, &name, sought));
        }
    }
    Ok(accounts)
}

fn account(prefix: &str, organization: Option<&str>, id: &str, sought: &Sought) -> Option<Account> {
    let id: AccountId = id.parse().ok()?;
    let wanted = sought.account.as_ref().is_none_or(|account| *account == id);
    wanted.then(|| Account { prefix: prefix.to_owned(), organization: organization.map(str::to_owned), id })
}

async fn scopes_of(store: &dyn Store, sought: &Sought, account: &Account) -> Result<BTreeSet<Scope>, Fault> {
    let scope = |region| Scope {
        prefix: account.prefix.clone(),
        organization: account.organization.clone(),
        account: account.id.clone(),
        region,
    };
    let folder = match &account.organization {
        Some(organization) => format!("{}{ROOT}{organization}/{}/", account.prefix, account.id),
        None => format!("{}{ROOT}{}/", account.prefix, account.id),
    };
    let mut scopes = BTreeSet::new();
    for kind in children(store, &folder, sought).await? {
        if !kind[folder.len()..].starts_with("CloudTrail") {
            continue;
        }
        for child in children(store, &kind, sought).await? {
            let region: Option<Region> = child[kind.len()..].trim_end_matches('/').parse().ok();
            let wanted = |region: &Region| sought.region.as_ref().is_none_or(|only| only == region);
            scopes.extend(region.filter(wanted).map(scope));
        }
    }
    Ok(scopes)
}

/// Returns the folders below a folder that the sought prefix leads to or contains.
async fn children(store: &dyn Store, folder: &str, sought: &Sought) -> Result<Vec<String>, Fault> {
    let mut children = store.children(folder).await?;
    children.retain(|child| child.starts_with(&sought.prefix) || sought.prefix.starts_with(child.as_str()));
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::store::FolderStore;

    async fn found(folders: &[&str], sought: Sought) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let scopes = find(&FolderStore::new(root.path()), &sought).await.unwrap();
        scopes.iter().map(|scope| format!("{}{}", scope.account_prefix(), scope.region)).collect()
    }

    const LAYOUTS: [&str; 5] = [
        "AWSLogs/o-exampleorgid/111111111111/CloudTrail-Digest/us-east-1",
        "AWSLogs/o-exampleorgid/111111111111/CloudTrail/eu-west-1",
        "AWSLogs/222222222222/CloudTrail-Digest/us-east-1",
        "AWSLogs/222222222222/Config/us-east-1",
        "a/b/AWSLogs/333333333333/CloudTrail-Digest/us-east-1",
    ];

    #[tokio::test]
    async fn every_layout_is_found() {
        let expected = [
            "AWSLogs/222222222222/us-east-1",
            "AWSLogs/o-exampleorgid/111111111111/eu-west-1",
            "AWSLogs/o-exampleorgid/111111111111/us-east-1",
            "a/b/AWSLogs/333333333333/us-east-1",
        ];
        assert_eq!(found(&LAYOUTS, Sought::default()).await, expected);
    }

    #[tokio::test]
    async fn a_prefix_an_account_and_a_region_narrow_the_search() {
        let by_prefix = |prefix: &str| Sought { prefix: prefix.into(), ..Sought::default() };
        assert_eq!(found(&LAYOUTS, by_prefix("a/")).await, ["a/b/AWSLogs/333333333333/us-east-1"]);
        let deep = by_prefix("AWSLogs/o-exampleorgid/111111111111/");
        assert_eq!(found(&LAYOUTS, deep).await.len(), 2);
        let account = Sought { account: Some("222222222222".parse().unwrap()), ..Sought::default() };
        assert_eq!(found(&LAYOUTS, account).await, ["AWSLogs/222222222222/us-east-1"]);
        let region = Sought { region: Some("eu-west-1".parse().unwrap()), ..Sought::default() };
        assert_eq!(found(&LAYOUTS, region).await, ["AWSLogs/o-exampleorgid/111111111111/eu-west-1"]);
        assert_eq!(found(&[], Sought::default()).await, [""; 0]);
    }
}
