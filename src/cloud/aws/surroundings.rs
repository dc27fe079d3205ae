//! What surrounds the archive: asked for once a look, with the log account. What cannot be read is the problem of that
//! part, and the look goes on.

use std::collections::BTreeMap;

use futures::join;

use super::iam::details::Details;
use super::part::{part, part_of_account};
use super::session::{Session, Sessions};
use super::{kms, logs, organizations, s3, sns};
use crate::cloud::CloudFault;
use crate::estate::surroundings::{Principal, Readable, Surroundings};
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::estate::{Address, Estate, Kind, Resource, Sighting, Stage};
use crate::ids::{AccountId, Arn};
use crate::observation::ObservationScope;
use crate::policy::isolation::powers::ArchiveNames;

/// Reads all of it. `everybody` is who was found in the log account.
pub(super) async fn look(
    sessions: &Sessions,
    scope: &ObservationScope,
    seen: &Estate,
    everybody: Result<Details, CloudFault>,
) -> Surroundings {
    let principals = part_of_account(everybody.map(|details| digest(scope, seen, &details)));
    let organization = sessions.base();
    let (delegated_administrators, controls, mut surroundings) = join!(
        organizations::delegated_administrators(organization, CLOUDTRAIL_PRINCIPAL),
        organizations::controls::look(organization, &scope.control_targets),
        exposure(sessions, scope, seen),
    );
    surroundings.principals = principals;
    surroundings.delegated_administrators = part_of_account(delegated_administrators);
    surroundings.organization = part_of_account(controls);
    surroundings
}

/// Looks at what leads out of everything that is there.
async fn exposure(sessions: &Sessions, scope: &ObservationScope, seen: &Estate) -> Surroundings {
    let mut found = Surroundings::default();
    let there = |address: &&Address| !matches!(seen.sightings.get(*address), Some(Sighting::Absent));
    for (address, operator) in scope.addresses.iter().filter(|(address, _)| there(address)) {
        if !matches!(address.kind, Kind::Bucket | Kind::Key | Kind::Topic | Kind::LogGroup) {
            continue;
        }
        match sessions.of(operator).await {
            Ok(session) => door(&session.at(address), seen, address, &mut found).await,
            Err(fault) => {
                let problem = fault.problem(Stage::Observe, Some(address));
                found.take(Surroundings::unreadable(&problem, [address]));
            }
        }
    }
    for arn in foreign_keys(scope, seen) {
        foreign_key(sessions, scope, &arn, &mut found).await;
    }
    found
}

async fn door(session: &Session, seen: &Estate, address: &Address, found: &mut Surroundings) {
    match address.kind {
        Kind::Bucket => drop(found.buckets.insert(address.clone(), s3::exposure::look(session, address).await)),
        Kind::Topic => {
            let arn = session.arn("sns", &address.name);
            let subscriptions = sns::subscriptions(session, &arn).await;
            found.topics.insert(address.clone(), part(subscriptions, address));
        }
        Kind::LogGroup => drop(found.log_groups.insert(address.clone(), logs::exposure(session, address).await)),
        Kind::Key => {
            let grants = match seen.sightings.get(address) {
                Some(Sighting::Unreadable(problem)) => Readable::Unreadable(Box::new(problem.clone())),
                sighting => match sighting.and_then(Sighting::resource) {
                    Some(Resource::Key(key)) => match &key.arn {
                        Some(arn) => part(kms::grants(session, arn).await, address),
                        None => Readable::default(),
                    },
                    _ => Readable::default(),
                },
            };
            found.keys.insert(address.clone(), grants);
        }
        _ => {}
    }
}

/// Returns the keys that encrypt although no address of ours has them.
fn foreign_keys(scope: &ObservationScope, seen: &Estate) -> Vec<Arn> {
    let mut own = Vec::new();
    let mut used = Vec::new();
    for (_, resource) in seen.resources().filter(|(address, _)| scope.addresses.contains_key(*address)) {
        match resource {
            Resource::Key(key) => own.extend(key.arn.clone()),
            Resource::Bucket(bucket) => used.extend(bucket.key().cloned()),
            Resource::Trail(trail) => used.extend(trail.key.clone()),
            _ => {}
        }
    }
    used.sort();
    used.dedup();
    let foreign = used.into_iter().filter(|arn| !own.contains(arn));
    foreign.filter_map(|arn| arn.parse().ok()).filter(|arn: &Arn| arn.resource().starts_with("key/")).collect()
}

/// A key of an account that cannot be entered is not looked at, which is said.
async fn foreign_key(sessions: &Sessions, scope: &ObservationScope, arn: &Arn, found: &mut Surroundings) {
    let (Ok(account), Ok(region)) = (arn.account().parse::<AccountId>(), arn.region().parse()) else { return };
    let address = Address::regional(&account, &region, Kind::Key, arn.resource());
    let grants = if scope.accounts.contains(&account) {
        match sessions.of(&account).await {
            Ok(session) => kms::grants(&session.in_region(&region), arn.as_str()).await,
            Err(fault) => Err(fault),
        }
    } else {
        let message = format!("the grants of {arn} are not looked at: its account is not of the organization");
        Err(sessions.base().unexpected_response(crate::operations::kms::LIST_GRANTS, message))
    };
    found.keys.insert(address.clone(), part(grants, &address));
}

/// Keeps of everybody in the log account who can do something to the archive.
fn digest(scope: &ObservationScope, seen: &Estate, details: &Details) -> Vec<Principal> {
    let mut keys: BTreeMap<String, Option<&crate::policy::PolicyDocument>> = BTreeMap::new();
    let mut buckets = Vec::new();
    let at_home = |address: &&Address| address.account == scope.log_account;
    for address in scope.addresses.keys().filter(at_home) {
        let policy = |kind| seen.resource(&address.with_kind(kind)).and_then(Resource::shared_policy);
        match address.kind {
            Kind::Bucket => {
                buckets.extend(address.arn(scope.partition).map(|arn| (arn.to_string(), policy(Kind::BucketPolicy))))
            }
            Kind::Key => {
                if let Some(Resource::Key(key)) = seen.resource(address)
                    && let Some(arn) = &key.arn
                {
                    keys.insert(arn.clone(), policy(Kind::KeyPolicy));
                }
            }
            _ => {}
        }
    }
    for arn in foreign_keys(scope, seen) {
        if arn.account() == scope.log_account.as_str() {
            keys.entry(arn.to_string()).or_default();
        }
    }
    let site = ArchiveNames {
        account: &scope.log_account,
        partition: scope.partition.as_str(),
        buckets,
        keys: keys.into_iter().collect(),
    };
    details.digest(&site)
}
