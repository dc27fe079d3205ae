//! Reads the organization with as few calls as it allows: never one an account, unless tags are needed.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_organizations::types::{self, OrganizationFeatureSet};

use super::op;
use crate::cloud::aws::fault::refusal;
use crate::cloud::aws::session::Session;
use crate::cloud::{CloudFault, CloudFaultKind, DiscoverOptions};
use crate::estate::{Problem, Stage};
use crate::ids::{AccountId, OrganizationId};
use crate::organization::{Account, AccountState, Organization, Unit};

/// Accounts of a page (Organizations API, `ListAccounts`).
const PAGE: i32 = 20;

/// Reads accounts, and units and tags where they are needed.
pub(crate) async fn discover(
    session: &Session,
    needs: DiscoverOptions,
) -> Result<(Organization, Vec<Problem>), CloudFault> {
    let (id, management_account) = describe(session).await?;
    let listed = list_accounts(session, &management_account).await?;
    let mut problems = Vec::new();
    let mut accounts = BTreeMap::new();
    for account in &listed {
        match read_account(session, account)? {
            Read::Account(id, account) => drop(accounts.insert(id, account)),
            Read::NewState(problem) => problems.push(problem),
        }
    }
    if !accounts.values().any(|account| account.state.is_active()) {
        return Err(nobody_active(session, accounts.len()));
    }
    let mut units = BTreeMap::new();
    let paths_known = accounts.values().all(|account| !account.path.is_empty());
    if needs.unit_names || !paths_known {
        let holder = |id, path: &[String]| {
            if let Some(account) = accounts.get_mut(&id) {
                account.path = path.to_vec();
            }
        };
        units = walk(session, (!paths_known).then_some(holder)).await?;
    }
    if needs.account_tags {
        for (id, account) in &mut accounts {
            account.tags = Some(tags(session, id.as_str()).await?);
        }
    }
    let organization = Organization { id, partition: session.partition, management_account, units, accounts };
    Ok((organization, problems))
}

async fn describe(session: &Session) -> Result<(OrganizationId, AccountId), CloudFault> {
    let answer =
        session.read(op::DESCRIBE_ORGANIZATION, session.organizations().describe_organization().send()).await?;
    let odd = |what: &str| session.unexpected_response(op::DESCRIBE_ORGANIZATION, format!("the answer has no {what}"));
    let organization = answer.organization().ok_or_else(|| odd("organization"))?;
    if organization.feature_set() == Some(&OrganizationFeatureSet::ConsolidatedBilling) {
        return Err(refusal(
            &session.account,
            op::DESCRIBE_ORGANIZATION.as_str(),
            "OrganizationNotInAllFeaturesMode",
            "the organization only shares its bill",
            "enable all features in AWS Organizations first",
        ));
    }
    let id = organization.id().and_then(|id| id.parse().ok()).ok_or_else(|| odd("organization id"))?;
    let account = organization.master_account_id().and_then(|id| id.parse().ok());
    Ok((id, account.ok_or_else(|| odd("management account"))?))
}

async fn list_accounts(session: &Session, management: &AccountId) -> Result<Vec<types::Account>, CloudFault> {
    let client = session.organizations();
    let mut accounts = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_ACCOUNTS);
    loop {
        let request = client.list_accounts().max_results(PAGE).set_next_token(token);
        let page = session.read(op::LIST_ACCOUNTS, request.send()).await.map_err(|f| wrong_account(f, management))?;
        accounts.extend(session.needed(op::LIST_ACCOUNTS, page.accounts, "list of accounts")?);
        // A page may be empty and yet not be the last one.
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

/// Any account may describe its organization, but only two kinds may list it.
fn wrong_account(fault: CloudFault, management: &AccountId) -> CloudFault {
    if fault.kind != CloudFaultKind::Denied {
        return fault;
    }
    let help = format!(
        "use credentials of the management account {management} or of a delegated administrator, and allow them \
         organizations:ListAccounts"
    );
    CloudFault { help, ..fault }
}

fn nobody_active(session: &Session, accounts: usize) -> CloudFault {
    refusal(
        &session.account,
        op::LIST_ACCOUNTS.as_str(),
        "NoActiveAccount",
        format!("none of the {accounts} accounts is ACTIVE, which cannot be"),
        "an answer like this would look as if every account had left; try again, or use a newer version",
    )
}

enum Read {
    Account(AccountId, Account),
    NewState(Problem),
}

fn read_account(session: &Session, account: &types::Account) -> Result<Read, CloudFault> {
    let id = account.id().and_then(|id| id.parse::<AccountId>().ok());
    let id = id.ok_or_else(|| session.unexpected_response(op::LIST_ACCOUNTS, "an account has no id"))?;
    let state = match state(account) {
        State::Known(state) => state,
        State::New(word) => return Ok(Read::NewState(new_state(id, &word))),
        State::Missing => {
            let message = format!("neither State nor Status of account {id} was given");
            return Err(session.unexpected_response(op::LIST_ACCOUNTS, message));
        }
    };
    let name = account.name().unwrap_or_default().to_owned();
    let email = account.email().unwrap_or_default().to_owned();
    let path = account.paths().first().map(|path| units_of(path)).unwrap_or_default();
    Ok(Read::Account(id, Account { name, email, state, path, tags: None }))
}

enum State {
    Known(AccountState),
    New(String),
    Missing,
}

/// `State` where it is given, else `Status`, which AWS retires on 2026-09-09.
fn state(account: &types::Account) -> State {
    #[allow(deprecated, reason = "emulators and older partitions still answer with Status only")]
    let word = account.state().map(|s| s.as_str()).or_else(|| account.status().map(|s| s.as_str()));
    match word {
        None => State::Missing,
        Some("ACTIVE") => State::Known(AccountState::Active),
        Some("SUSPENDED") => State::Known(AccountState::Suspended),
        Some("PENDING_ACTIVATION") => State::Known(AccountState::PendingActivation),
        Some("PENDING_CLOSURE") => State::Known(AccountState::PendingClosure),
        Some("CLOSED") => State::Known(AccountState::Closed),
        Some(other) => State::New(other.to_owned()),
    }
}

fn new_state(account: AccountId, word: &str) -> Problem {
    Problem {
        message: format!("account {account} is in a state that this version does not know: {word}"),
        account,
        address: None,
        stage: Stage::Discover,
        code: "UnknownAccountState".into(),
        help: "the account is left out; use a newer version".into(),
    }
}

/// Reads the ids of root and units out of a path, `o-x/r-x/ou-x/123456789012/`.
fn units_of(path: &str) -> Vec<String> {
    path.split('/').filter(|id| id.starts_with("r-") || id.starts_with("ou-")).map(str::to_owned).collect()
}

/// Reads the tree of units, level by level. Where accounts came without their paths, `place` gets each with its path.
async fn walk(
    session: &Session,
    mut place: Option<impl FnMut(AccountId, &[String])>,
) -> Result<BTreeMap<String, Unit>, CloudFault> {
    let mut units = BTreeMap::new();
    let mut open: VecDeque<Vec<String>> = VecDeque::new();
    for (id, name) in roots(session).await? {
        units.insert(id.clone(), Unit { name, parent: None });
        open.push_back(vec![id]);
    }
    while let Some(path) = open.pop_front() {
        let Some(parent) = path.last() else { continue };
        if let Some(place) = &mut place {
            accounts_of(session, parent).await?.into_iter().for_each(|account| place(account, &path));
        }
        for (id, name) in units_below(session, parent).await? {
            units.insert(id.clone(), Unit { name, parent: Some(parent.clone()) });
            open.push_back(path.iter().cloned().chain([id]).collect());
        }
    }
    Ok(units)
}

type IdAndName = (String, String);

async fn roots(session: &Session) -> Result<Vec<IdAndName>, CloudFault> {
    let client = session.organizations();
    let mut roots = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_ROOTS);
    loop {
        let page = session.read(op::LIST_ROOTS, client.list_roots().set_next_token(token).send()).await?;
        for root in session.needed(op::LIST_ROOTS, page.roots, "list of roots")? {
            let id = session.needed(op::LIST_ROOTS, root.id(), "id of a root")?.to_owned();
            roots.push((id, root.name().unwrap_or("Root").to_owned()));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(roots);
        }
    }
}

async fn units_below(session: &Session, parent: &str) -> Result<Vec<IdAndName>, CloudFault> {
    let client = session.organizations();
    let mut units = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_UNITS_FOR_PARENT);
    loop {
        let request = client.list_organizational_units_for_parent().parent_id(parent).set_next_token(token);
        let page = session.read(op::LIST_UNITS_FOR_PARENT, request.send()).await?;
        for unit in session.needed(op::LIST_UNITS_FOR_PARENT, page.organizational_units, "list of units")? {
            let id = session.needed(op::LIST_UNITS_FOR_PARENT, unit.id(), "id of a unit")?.to_owned();
            let name = session.needed(op::LIST_UNITS_FOR_PARENT, unit.name(), "name of a unit")?.to_owned();
            units.push((id, name));
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(units);
        }
    }
}

async fn accounts_of(session: &Session, parent: &str) -> Result<Vec<AccountId>, CloudFault> {
    let client = session.organizations();
    let mut accounts = Vec::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_ACCOUNTS_FOR_PARENT);
    loop {
        let request = client.list_accounts_for_parent().parent_id(parent).max_results(PAGE).set_next_token(token);
        let page = session.read(op::LIST_ACCOUNTS_FOR_PARENT, request.send()).await?;
        for account in session.needed(op::LIST_ACCOUNTS_FOR_PARENT, page.accounts, "list of accounts")? {
            let id = account.id().and_then(|id| id.parse::<AccountId>().ok());
            accounts.push(session.needed(op::LIST_ACCOUNTS_FOR_PARENT, id, "id of an account")?);
        }
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

/// Returns the tags of an account or a policy.
pub(super) async fn tags(session: &Session, resource: &str) -> Result<BTreeMap<String, String>, CloudFault> {
    let client = session.organizations();
    let mut tags = BTreeMap::new();
    let mut token = None;
    let mut pages = session.pages(op::LIST_TAGS);
    loop {
        let request = client.list_tags_for_resource().resource_id(resource).set_next_token(token);
        let page = session.read(op::LIST_TAGS, request.send()).await?;
        session.needed(op::LIST_TAGS, page.tags.as_ref(), "list of tags")?;
        tags.extend(page.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())));
        token = pages.next(page.next_token)?;
        if token.is_none() {
            return Ok(tags);
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_organizations::types::AccountState as Wire;

    use super::*;

    #[test]
    fn paths_give_the_units_from_the_root_down() {
        assert_eq!(units_of("o-a1/r-ab12/ou-ab12-1/ou-ab12-2/123456789012/"), ["r-ab12", "ou-ab12-1", "ou-ab12-2"]);
        assert_eq!(units_of("o-a1/r-ab12/123456789012/"), ["r-ab12"]);
    }

    #[test]
    #[allow(deprecated, reason = "the fallback to Status is what is tested")]
    fn state_counts_and_status_is_the_fallback() {
        let account = || types::Account::builder().id("111111111111");
        let old = account().status(types::AccountStatus::Suspended);
        assert!(matches!(state(&old.clone().build()), State::Known(AccountState::Suspended)));
        let both = old.state(Wire::Closed).build();
        assert!(matches!(state(&both), State::Known(AccountState::Closed)));
        assert!(matches!(state(&account().build()), State::Missing));
        assert!(matches!(state(&account().state(Wire::from("FROZEN")).build()), State::New(word) if word == "FROZEN"));
    }
}
