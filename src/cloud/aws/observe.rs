//! Reads what is in scope: accounts side by side, in each account the kinds that are asked for.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{FuturesUnordered, StreamExt};

use super::iam::details::Details;
use super::session::{Session, Sessions};
use super::{arrivals, cloudtrail, config, events, iam, keys, kms, logs, organizations, s3, sns, sqs, surroundings};
use crate::cloud::{CloudFault, CloudFaultKind, Progress};
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::estate::{ACCOUNT_TAG, Address, Estate, Kind, Limits, Problem, Resource, Sighting, Stage};
use crate::ids::{AccountId, Region};
use crate::observation::{ObservationScope, earlier_addresses, superseded_trails, superseded_wakers};
use crate::operations::ROLES_ONE_BY_ONE_MAX;

/// How often what was found of earlier logs may tell of more.
const EARLIER_STEPS: usize = 3;

/// Reads everything in scope, with `concurrency` accounts at a time.
pub(super) async fn observe(
    sessions: &Sessions,
    scope: &ObservationScope,
    concurrency: usize,
    progress: &dyn Progress,
) -> Result<Estate, CloudFault> {
    let mut accounts = by_account(&scope.addresses);
    for account in &scope.member_trails {
        accounts.entry(account).or_default();
    }
    accounts.entry(&scope.log_account).or_default();
    let (mut estate, everybody) = look_everywhere(sessions, scope, accounts, concurrency, progress).await;
    keys::look(sessions, scope, &mut estate).await;
    if scope.arrivals {
        arrivals::look(sessions, scope, &mut estate).await;
    }
    estate.surroundings = match everybody {
        Some(everybody) => Some(Box::pin(surroundings::look(sessions, scope, &estate, everybody)).await),
        None => None,
    };
    let mut left: BTreeMap<Address, AccountId> = policies_of_left_accounts(scope, &estate);
    let trails = superseded_trails(scope, &estate);
    left.extend(superseded_wakers(scope, trails.keys()));
    left.extend(trails.into_iter().filter(|(trail, _)| !estate.sightings.contains_key(trail)));
    let accounts = by_account(&left);
    let (more, _) = look_everywhere(sessions, scope, accounts, concurrency, progress).await;
    estate.sightings.extend(more.sightings);
    // A member policy tells of a reader role, that of a bucket, that of lakes, and there it ends.
    for _ in 0..EARLIER_STEPS {
        let mut left = earlier_addresses(scope, estate.resources());
        left.retain(|address, _| !estate.sightings.contains_key(address));
        if left.is_empty() {
            break;
        }
        let (more, _) = look_everywhere(sessions, scope, by_account(&left), concurrency, progress).await;
        estate.sightings.extend(left.into_keys().map(|address| (address, Sighting::Absent)));
        for (address, sighting) in more.sightings {
            estate.sightings.insert(address, sighting);
        }
    }
    nothing_readable(&estate)?;
    Ok(estate)
}

type ByAccount<'a> = BTreeMap<&'a AccountId, Vec<&'a Address>>;

fn by_account(addresses: &BTreeMap<Address, AccountId>) -> ByAccount<'_> {
    let mut accounts = ByAccount::new();
    for (address, operator) in addresses {
        accounts.entry(operator).or_default().push(address);
    }
    accounts
}

/// Finds the member policies that belong to reader roles which are no longer configured.
fn policies_of_left_accounts(scope: &ObservationScope, estate: &Estate) -> BTreeMap<Address, AccountId> {
    let unwanted = estate.resources().filter(|(address, _)| !scope.addresses.contains_key(address));
    let accounts: BTreeSet<&str> = unwanted
        .filter_map(|(_, resource)| match resource {
            Resource::Role(role) => role.tags.get(ACCOUNT_TAG).map(String::as_str),
            _ => None,
        })
        .collect();
    let named = accounts.into_iter().filter_map(|account| scope.member_policies.get_key_value(account));
    let policies = named.map(|(account, name)| Address::global(account, Kind::Policy, name));
    let unwanted = policies.filter(|address| !scope.addresses.contains_key(address));
    unwanted.map(|address| (address.clone(), address.account)).collect()
}

/// An estate in which nothing could be read is a failure, and its first problem is the reason.
fn nothing_readable(estate: &Estate) -> Result<(), CloudFault> {
    let mut first: Option<&Problem> = None;
    for sighting in estate.sightings.values() {
        match sighting {
            Sighting::Unreadable(problem) => first = first.or(Some(problem)),
            Sighting::Present(_) | Sighting::Absent => return Ok(()),
        }
    }
    let Some(problem) = first else { return Ok(()) };
    Err(CloudFault {
        kind: CloudFaultKind::Unreachable,
        account: problem.account.clone(),
        operation: "reading what is in scope".into(),
        code: problem.code.clone(),
        message: format!("nothing at all could be read; the first reason: {}", problem.message),
        help: problem.help.clone(),
    })
}

async fn look_everywhere(
    sessions: &Sessions,
    scope: &ObservationScope,
    accounts: ByAccount<'_>,
    concurrency: usize,
    progress: &dyn Progress,
) -> (Estate, Option<Everybody>) {
    let total = accounts.len();
    let mut done = 0;
    let mut estate = Estate::default();
    let mut found = None;
    let mut looks = FuturesUnordered::new();
    let mut waiting = accounts.into_iter();
    loop {
        let free = concurrency.max(1).saturating_sub(looks.len());
        looks.extend(
            waiting
                .by_ref()
                .take(free)
                .map(|(account, addresses)| look_at_account(sessions, scope, account, addresses)),
        );
        let Some(Seen { sightings, limits, everybody }) = looks.next().await else { break };
        done += 1;
        progress.step("accounts", done, total);
        for (address, sighting) in sightings {
            keep_best(&mut estate, address, sighting);
        }
        estate.limits.extend(limits);
        found = everybody.or(found);
    }
    (estate, found)
}

/// Two accounts may show the same trail. What one of them could not read, the other may have.
fn keep_best(estate: &mut Estate, address: Address, sighting: Sighting) {
    let known = estate.sightings.get(&address);
    let better = match (known, &sighting) {
        (None, _) | (Some(Sighting::Unreadable(_)), _) => true,
        (Some(Sighting::Present(known)), Sighting::Present(new)) => known.tags().is_none() && new.tags().is_some(),
        _ => false,
    };
    if better {
        estate.sightings.insert(address, sighting);
    }
}

/// What was seen in one account.
#[derive(Default)]
struct Seen {
    sightings: Vec<(Address, Sighting)>,
    limits: Option<(AccountId, Limits)>,
    everybody: Option<Everybody>,
}

/// Who else is in the log account, or why that is not known.
type Everybody = Result<Details, CloudFault>;

async fn look_at_account(
    sessions: &Sessions,
    scope: &ObservationScope,
    account: &AccountId,
    addresses: Vec<&Address>,
) -> Seen {
    let session = match sessions.of(account).await {
        Ok(session) => session,
        Err(fault) => {
            let everybody = (*account == scope.log_account).then(|| Err(fault.clone()));
            let unreadable = Sighting::Unreadable(fault.problem(Stage::Observe, None));
            let trails = scope.member_trails.contains(account).then(|| all_trails(scope, account));
            let mut seen = Seen { everybody, ..Seen::default() };
            for address in addresses {
                // A delegated administrator cannot enter the management account, and need not: the organization answers
                // it.
                if is_config_administrator(address) {
                    look_with_others(sessions, sessions.base(), address, &mut seen).await;
                    continue;
                }
                let sighting = match look_at_organization(sessions.base(), address).await {
                    Some(answer) => answer.unwrap_or_else(|fault| self::unreadable(&fault, address)),
                    None => unreadable.clone(),
                };
                seen.sightings.push((address.clone(), sighting));
            }
            seen.sightings.extend(trails.map(|address| (address, unreadable)));
            return seen;
        }
    };
    let mut seen = Seen::default();
    look_at_roles(&session, scope, &addresses, &mut seen).await;
    look_at_trails(&session, scope, &addresses, &mut seen).await;
    for address in addresses.iter().filter(|address| !matches!(address.kind, Kind::Role | Kind::Trail)) {
        if address.kind == Kind::ConfigAggregator || is_config_administrator(address) {
            look_with_others(sessions, &session.at(address), address, &mut seen).await;
            continue;
        }
        let sighting = look_at_one(sessions, &session.at(address), scope, address).await;
        seen.sightings.push(((*address).clone(), sighting.unwrap_or_else(|fault| unreadable(&fault, address))));
    }
    seen
}

fn is_config_administrator(address: &Address) -> bool {
    address.kind == Kind::DelegatedAdministrator && address.service_principal() == Some(CONFIG_PRINCIPAL)
}

/// Looks at what AWS Config has one of, or should have, with others of its kind: they are said, whoever made them.
async fn look_with_others(sessions: &Sessions, session: &Session, address: &Address, seen: &mut Seen) {
    let answer = match address.kind {
        Kind::ConfigAggregator => config::aggregator::look(session, address).await,
        _ => organizations::look_config_administrators(sessions.base(), address).await,
    };
    match answer {
        Ok(sightings) => seen.sightings.extend(sightings),
        Err(fault) => seen.sightings.push((address.clone(), unreadable(&fault, address))),
    }
}

/// Returns what stands for all trails of an account where not even their names could be read.
fn all_trails(scope: &ObservationScope, account: &AccountId) -> Address {
    Address::regional(account, &scope.home_region, Kind::Trail, "*")
}

fn unreadable(fault: &CloudFault, address: &Address) -> Sighting {
    Sighting::Unreadable(fault.problem(Stage::Observe, Some(address)))
}

/// Looks at what belongs to the organization; nothing for what belongs to an account. The organization answers the
/// management account and delegated administrators, whichever the program was started as.
async fn look_at_organization(organization: &Session, address: &Address) -> Option<Result<Sighting, CloudFault>> {
    Some(match address.kind {
        Kind::TrustedAccess => organizations::look_trusted_access(organization, address).await,
        Kind::DelegatedAdministrator => organizations::look_delegated_administrator(organization, address).await,
        Kind::ServiceControlPolicy => organizations::guard::look(organization, address).await,
        _ => return None,
    })
}

async fn look_at_one(
    sessions: &Sessions,
    session: &Session,
    scope: &ObservationScope,
    address: &Address,
) -> Result<Sighting, CloudFault> {
    if let Some(answer) = look_at_organization(sessions.base(), address).await {
        return answer;
    }
    match address.kind {
        Kind::Bucket => s3::look(session, address).await,
        Kind::BucketPolicy => s3::look_policy(session, address).await,
        Kind::Key => kms::look(session, address, &scope.deployment).await,
        Kind::KeyPolicy => kms::look_policy(session, address).await,
        Kind::Topic => sns::look(session, address).await,
        Kind::LogGroup => logs::look(session, address).await,
        Kind::Policy => iam::policy::look(session, address, scope.attachments).await,
        Kind::Role => iam::role::look(session, address).await,
        Kind::Queue => sqs::look(session, address).await,
        Kind::Rule => events::look(session, address).await,
        Kind::Trail
        | Kind::TrustedAccess
        | Kind::DelegatedAdministrator
        | Kind::ServiceControlPolicy
        | Kind::ConfigAggregator => Ok(Sighting::Absent),
    }
}

/// Looks at roles: in the log account all of this deployment, elsewhere those that are asked for.
async fn look_at_roles(session: &Session, scope: &ObservationScope, addresses: &[&Address], seen: &mut Seen) {
    let wanted: BTreeMap<&str, &Address> =
        addresses.iter().filter(|a| a.kind == Kind::Role).map(|a| (a.name.as_str(), *a)).collect();
    let readers_live_here = session.account == scope.log_account;
    if !readers_live_here && wanted.len() <= ROLES_ONE_BY_ONE_MAX {
        for address in wanted.values() {
            let sighting = iam::role::look(session, address).await;
            seen.sightings.push(((*address).clone(), sighting.unwrap_or_else(|fault| unreadable(&fault, address))));
        }
        return;
    }
    let is_wanted = |name: &str| wanted.contains_key(name);
    match iam::account::found(session, &scope.deployment, is_wanted, readers_live_here).await {
        Ok(iam::account::AccountIdentities { roles, others }) => {
            seen.everybody = readers_live_here.then_some(Ok(others));
            let absent = wanted.values().filter(|address| !roles.contains_key(&address.name));
            seen.sightings.extend(absent.map(|address| ((*address).clone(), Sighting::Absent)));
            seen.sightings.extend(
                roles
                    .into_iter()
                    .map(|(name, role)| (Address::global(&session.account, Kind::Role, name), Sighting::present(role))),
            );
        }
        Err(fault) => {
            let all = wanted.values().map(|address| ((*address).clone(), unreadable(&fault, address)));
            seen.sightings.extend(all);
            seen.everybody = readers_live_here.then_some(Err(fault));
        }
    }
    if readers_live_here {
        // Without the quotas a plan is still right; it only cannot warn.
        if let Ok(limits) = iam::account::limits(session).await {
            seen.limits = Some((session.account.clone(), limits));
        }
    }
}

/// Looks at trails, region by region.
async fn look_at_trails(session: &Session, scope: &ObservationScope, addresses: &[&Address], seen: &mut Seen) {
    let mut regions: BTreeMap<&Region, Vec<&Address>> = BTreeMap::new();
    for address in addresses.iter().filter(|address| address.kind == Kind::Trail) {
        regions.entry(address.region.as_ref().unwrap_or(&scope.home_region)).or_default().push(address);
    }
    if regions.is_empty() && scope.member_trails.contains(&session.account) {
        let there = session.in_region(&scope.home_region);
        match cloudtrail::look_at_others(&there).await {
            Ok(sightings) => seen.sightings.extend(sightings),
            Err(fault) => {
                let all = all_trails(scope, &session.account);
                seen.sightings.push((all.clone(), unreadable(&fault, &all)));
            }
        }
    }
    for (region, wanted) in regions {
        let everywhere = session.account == scope.management_account;
        match cloudtrail::look(&session.in_region(region), &wanted, everywhere).await {
            Ok(sightings) => seen.sightings.extend(sightings),
            Err(fault) => {
                seen.sightings.extend(wanted.iter().map(|address| ((*address).clone(), unreadable(&fault, address))));
            }
        }
    }
}
