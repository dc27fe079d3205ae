//! What a look at a recorded world shows.

use std::collections::BTreeMap;

use super::world::{can_enter, sighting, why_no_entry};
use super::writes::{self, Door};
use crate::cloud::{CloudFault, CloudFaultKind, DiscoverOptions};
use crate::estate::snapshot::{Completeness, Snapshot};
use crate::estate::trail::DeliveryStatus;
use crate::estate::trusted_access::CONFIG_PRINCIPAL;
use crate::estate::{
    ACCOUNT_TAG, Address, Estate, Kind, OWNER_TAG, Problem, Resource, Role, Sighting, Stage, Surroundings, Trail,
};
use crate::ids::AccountId;
use crate::observation::{ObservationScope, earlier_addresses, superseded_trails, superseded_wakers};
use crate::organization::Organization;

/// Returns the organization, with problems for what is needed but was not recorded.
pub fn discover(world: &Snapshot, needs: DiscoverOptions) -> (Organization, Vec<Problem>) {
    let mut organization = world.organization.clone();
    let mut problems = Vec::new();
    if world.completeness == Completeness::Whole {
        organization.accounts.values_mut().for_each(|account| {
            account.tags.get_or_insert_default();
        });
        return (organization, problems);
    }
    if needs.account_tags && organization.accounts.values().any(|account| account.tags.is_none()) {
        problems.push(not_recorded(world, "the tags of accounts"));
    }
    let named = |id: &String| organization.units.contains_key(id);
    if needs.unit_names && !organization.accounts.values().flat_map(|account| account.path.iter().skip(1)).all(named) {
        problems.push(not_recorded(world, "the names of organizational units"));
    }
    (organization, problems)
}

fn not_recorded(world: &Snapshot, what: &str) -> Problem {
    Problem {
        account: world.organization.management_account.clone(),
        address: None,
        stage: Stage::Discover,
        code: "NotRecorded".into(),
        message: format!("the configuration needs {what}, which the snapshot does not have"),
        help: "record it again with `orgtrail snapshot` and the present configuration".into(),
    }
}

/// How often what was found of earlier logs may tell of more: a member policy of a reader role, that of a
/// bucket, that of lakes.
const EARLIER_STEPS: usize = 3;

/// Returns everything in scope, and what is found on the way: other trails, left-over reader roles and member policies.
pub fn observe(world: &Snapshot, scope: &ObservationScope) -> Estate {
    let mut sightings: BTreeMap<Address, Sighting> = BTreeMap::new();
    for (address, operator) in &scope.addresses {
        sightings.insert(address.clone(), sighting(world, address, operator));
    }
    for (address, operator) in found_on_the_way(world, scope) {
        sightings.entry(address).or_insert_with_key(|address| sighting(world, address, &operator));
    }
    let documents = Estate { sightings, ..Estate::default() };
    let trails = superseded_trails(scope, &documents);
    let Estate { mut sightings, .. } = documents;
    let wakers = superseded_wakers(scope, trails.keys());
    for (address, operator) in trails.into_iter().chain(wakers) {
        sightings.entry(address).or_insert_with_key(|address| sighting(world, address, &operator));
    }
    for _ in 0..EARLIER_STEPS {
        let estate = Estate { sightings, ..Estate::default() };
        let left = earlier_addresses(scope, estate.resources());
        let Estate { sightings: seen, .. } = estate;
        sightings = seen;
        let beside: Vec<_> = left.keys().flat_map(|at| aggregators_beside(world, at)).collect();
        for (address, operator) in left.into_iter().chain(beside) {
            sightings.entry(address).or_insert_with_key(|address| sighting(world, address, &operator));
        }
    }
    for (address, sighting) in &mut sightings {
        if let Sighting::Present(resource) = sighting
            && let Resource::Trail(trail) = resource.as_mut()
        {
            trail.delivery = Some(delivery_of(world, address, trail));
        }
    }
    Estate {
        sightings,
        limits: world.estate.limits.clone(),
        keys: world.estate.keys.clone(),
        surroundings: surroundings(world, scope),
    }
}

/// Returns what was recorded of the archive's surroundings. In a whole world there is nothing around what it says
/// nothing of.
fn surroundings(world: &Snapshot, scope: &ObservationScope) -> Option<Surroundings> {
    if can_enter(world, &scope.log_account) {
        if world.completeness != Completeness::Whole {
            return world.estate.surroundings.clone();
        }
        let mut all = world.estate.surroundings.clone().unwrap_or_default();
        let there = scope.addresses.keys().filter(|address| world.estate.resource(address).is_some());
        there.for_each(|address| all.add_empty(address));
        return Some(all);
    }
    let problem = Problem {
        account: scope.log_account.clone(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: format!("sts:AssumeRole failed: {}", why_no_entry(world, &scope.log_account)),
        help: "wait until the account is active".into(),
    };
    Some(Surroundings::unreadable(&problem, scope.addresses.keys()))
}

fn found_on_the_way(world: &Snapshot, scope: &ObservationScope) -> Vec<(Address, AccountId)> {
    let mut found = Vec::new();
    for (address, resource) in world.estate.resources() {
        match resource {
            Resource::Trail(_) if shows_trails(scope, &address.account) => {
                found.push((address.clone(), address.account.clone()));
            }
            Resource::Role(role) if address.account == scope.log_account => {
                if let Some(reader) = reads_for(role, &scope.deployment) {
                    found.push((address.clone(), scope.log_account.clone()));
                    found.extend(member_policy(world, scope, reader));
                }
            }
            Resource::ConfigAggregator(other) if other.organization && shows_of_config(scope, address) => {
                found.push((address.clone(), address.account.clone()));
            }
            Resource::DelegatedAdministrator(_) if shows_of_config(scope, address) => {
                found.push((address.clone(), address.account.clone()));
            }
            _ => {}
        }
    }
    // What could not be read when the world was recorded is not known now either.
    let unread = world.estate.sightings.iter().filter(|(_, sighting)| matches!(sighting, Sighting::Unreadable(_)));
    let trails = unread.filter(|(address, _)| address.kind == Kind::Trail && shows_trails(scope, &address.account));
    found.extend(trails.map(|(address, _)| (address.clone(), address.account.clone())));
    found
}

/// Tells whether the trails of an account are listed: the owners' always, those of members where they are wanted.
fn shows_trails(scope: &ObservationScope, account: &AccountId) -> bool {
    *account == scope.management_account
        || scope.member_trails.contains(account)
        || scope.addresses.iter().any(|(address, by)| address.kind == Kind::Trail && by == account)
}

/// Tells whether something of AWS Config is seen because something of its kind is asked for there.
fn shows_of_config(scope: &ObservationScope, found: &Address) -> bool {
    let beside = |asked: &Address| {
        let place = |of: &Address| (of.kind, of.account.clone(), of.region.clone());
        place(asked) == place(found) && asked.service_principal() == found.service_principal()
    };
    let is_of_config = found.kind == Kind::ConfigAggregator || found.service_principal() == Some(CONFIG_PRINCIPAL);
    is_of_config && scope.addresses.keys().any(beside)
}

/// Returns the aggregators of an organization that a look at one of their place shows too.
fn aggregators_beside<'w>(
    world: &'w Snapshot,
    asked: &Address,
) -> impl Iterator<Item = (Address, AccountId)> + use<'w> {
    let asked = (asked.kind, asked.account.clone(), asked.region.clone());
    let enters = can_enter(world, &asked.1);
    let all = world.estate.resources().filter(move |_| enters);
    all.filter_map(move |(at, found)| match found {
        Resource::ConfigAggregator(other) if other.organization => {
            let is_there = (at.kind, at.account.clone(), at.region.clone()) == asked;
            is_there.then(|| (at.clone(), at.account.clone()))
        }
        _ => None,
    })
}

/// Returns the account that a role reads for, if this deployment made it.
fn reads_for<'a>(role: &'a Role, deployment: &str) -> Option<&'a str> {
    let ours = role.tags.get(OWNER_TAG).is_some_and(|owner| owner == deployment);
    role.tags.get(ACCOUNT_TAG).filter(|_| ours).map(String::as_str)
}

/// Returns where the member policy of an account is, if the account can be entered and the policy is there.
fn member_policy(world: &Snapshot, scope: &ObservationScope, account: &str) -> Option<(Address, AccountId)> {
    let (account, name) = scope.member_policies.get_key_value(account)?;
    let address = Address::global(account, Kind::Policy, name);
    let there = can_enter(world, account) && world.estate.resource(&address).is_some();
    there.then(|| (address, account.clone()))
}

/// Returns how the delivery of a trail goes.
///
/// # Errors
/// [`CloudFault`] where the trail is not there or its operator cannot be entered.
pub fn delivery(world: &Snapshot, address: &Address, operator: &AccountId) -> Result<DeliveryStatus, Box<CloudFault>> {
    let fault = |kind, operation: &str, code: &str, message, help: &str| {
        let (operation, code, help) = (operation.into(), code.into(), help.into());
        Box::new(CloudFault { kind, account: operator.clone(), operation, code, message, help })
    };
    if !can_enter(world, operator) {
        let why = why_no_entry(world, operator);
        return Err(fault(
            CloudFaultKind::Denied,
            "sts:AssumeRole",
            "AccessDenied",
            why,
            "wait until the account is active",
        ));
    }
    match world.estate.resource(address) {
        Some(Resource::Trail(trail)) => Ok(delivery_of(world, address, trail)),
        _ => {
            let message = format!("there is no trail {} in {}", address.name, address.account);
            Err(fault(
                CloudFaultKind::Absent,
                "cloudtrail:GetTrailStatus",
                "TrailNotFoundException",
                message,
                "run `plan`",
            ))
        }
    }
}

/// Returns what was recorded of a delivery, with the errors that the world gives now. What was recorded stays: it may
/// come of what the world does not hold, such as a resource control policy.
fn delivery_of(world: &Snapshot, address: &Address, trail: &Trail) -> DeliveryStatus {
    let failures = writes::failures(world, address, trail);
    let error = |door: Door, code: &str| failures.iter().any(|f| f.door == door).then(|| code.to_owned());
    let objects = error(Door::NoBucket, "NoSuchBucket").or_else(|| error(Door::Objects, "AccessDenied"));
    let recorded = trail.delivery.clone().unwrap_or_default();
    DeliveryStatus {
        digest_error: objects.clone().filter(|_| trail.validation).or_else(|| recorded.digest_error.clone()),
        latest_error: objects.or_else(|| recorded.latest_error.clone()),
        notification_error: error(Door::Topic, "AccessDenied").or_else(|| recorded.notification_error.clone()),
        log_group_error: error(Door::LogGroup, "AccessDenied").or_else(|| recorded.log_group_error.clone()),
        ..recorded
    }
}
