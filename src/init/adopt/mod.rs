//! The configuration of an organization trail that is there already, with its bucket, key, topic and log group: the
//! next plan takes them over and changes as little as can be said.
//!
//! What cannot be said is returned as a sentence, never dropped in silence.

use super::Answers;
use crate::config::Config;
use crate::config::schema::Encryption;
use crate::estate::key::referenced_key;
use crate::estate::{ACCOUNT_TAG, Address, Bucket, Estate, Key, Kind, Resource, Sighting, Trail};
use crate::ids::{AccountId, Arn, Region};
use crate::organization::Organization;
use crate::plan::{Action, Change, Plan};

mod bucket;
mod trails;

/// A configuration that takes over, and what it cannot say.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// The configuration.
    pub config: Config,
    /// What of the existing resources it cannot say, a sentence each.
    pub inexpressible: Vec<String>,
}

/// Says why a trail cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotAdopt {
    /// There is no such trail.
    #[error("there is no trail at {0}")]
    NoTrail(Address),
    /// It may be there.
    #[error("the trail {0} could not be read: {1}")]
    Unread(Address, String),
    /// It records one account only.
    #[error("{0} is no organization trail: it records one account only")]
    NotOfOrganization(Address),
    /// One configuration has one bucket.
    #[error("{one} and {other} write to different buckets or prefixes: take them over with a configuration each")]
    OtherBucket {
        /// One trail.
        one: String,
        /// The other.
        other: String,
    },
    /// The bucket was not found where it was looked for.
    #[error("the bucket {bucket} was not found in {}; name its account with --log-account", .accounts.join(", "))]
    NoBucket {
        /// The bucket.
        bucket: String,
        /// Where it was looked for.
        accounts: Vec<String>,
    },
    /// Trail and bucket must be in one region.
    #[error(
        "{trail} is at home in {region}, but its bucket is in {bucket_region}: one configuration has one home region"
    )]
    OtherRegion {
        /// The trail.
        trail: Address,
        /// Its home region.
        region: Region,
        /// The region of its bucket.
        bucket_region: Region,
    },
}

/// What is to be taken over.
#[derive(Debug, Clone)]
pub struct AdoptRequest<'a> {
    /// The trail.
    pub trail: &'a Address,
    /// Other trails that write to the same bucket.
    pub more: &'a [Address],
    /// The accounts that are likely to have the bucket, where key and topic do not tell; the likeliest first.
    pub likely: &'a [AccountId],
    /// The name of the deployment.
    pub deployment: &'a str,
    /// The role that is assumed in member accounts.
    pub member_role: &'a str,
}

/// Reads the address of a trail from its ARN.
///
/// # Errors
/// What is wrong with the ARN.
pub fn address(arn: &str) -> Result<Address, String> {
    let parsed: Arn = arn.parse().map_err(|error: crate::ids::BadId| error.to_string())?;
    let shape = "the ARN of a trail is arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME";
    match (parsed.service(), parsed.resource().strip_prefix("trail/")) {
        ("cloudtrail", Some(name)) => {
            let account: AccountId = parsed.account().parse().map_err(|_| shape.to_owned())?;
            let region: Region = parsed.region().parse().map_err(|_| shape.to_owned())?;
            Ok(Address::regional(&account, &region, Kind::Trail, name))
        }
        _ => Err(shape.to_owned()),
    }
}

/// Returns every address that has to be known before a trail can be taken over. An ARN does not say in which account a
/// bucket is, so it is looked for where the key and the topic are, and in the `likely` accounts.
pub fn needed(trail: &Trail, at: &Address, likely: &[AccountId], deployment: &str) -> Vec<Address> {
    let mut needed = vec![at.clone()];
    if let Some(region) = &at.region {
        for account in holders(trail, likely) {
            needed.push(Address::regional(&account, region, Kind::Bucket, trail.bucket.as_str()));
            needed.push(Address::regional(&account, region, Kind::Key, key_alias(deployment)));
        }
    }
    needed.extend(trails::parts(trail));
    needed
}

/// Returns the accounts that may have the bucket, the likeliest first: the owners of the key and of the topic, then the
/// `likely` ones.
fn holders(trail: &Trail, likely: &[AccountId]) -> Vec<AccountId> {
    let named = [&trail.key, &trail.topic].into_iter().flatten().filter_map(|arn| arn.parse::<Arn>().ok());
    let owners = named.filter_map(|arn| arn.account().parse().ok());
    let mut holders: Vec<AccountId> = Vec::new();
    for account in owners.chain(likely.iter().cloned()) {
        if !holders.contains(&account) {
            holders.push(account);
        }
    }
    holders
}

/// The alias that the key of a deployment has by default.
fn key_alias(deployment: &str) -> String {
    super::KEY_ALIAS_DEFAULT.replace("{{deployment}}", deployment)
}

/// Returns the configuration of existing trails.
///
/// # Errors
/// [`CannotAdopt`] where no configuration can describe them.
pub fn adopt(
    organization: &Organization,
    estate: &Estate,
    request: &AdoptRequest<'_>,
) -> Result<Adoption, CannotAdopt> {
    let first = wanted(estate, request.trail)?;
    let mut trails = vec![(request.trail, first)];
    for at in request.more {
        trails.push((at, wanted(estate, at)?));
    }
    for (at, trail) in &trails {
        if (&trail.bucket, &trail.prefix) != (&first.bucket, &first.prefix) {
            return Err(CannotAdopt::OtherBucket { one: request.trail.to_string(), other: at.to_string() });
        }
    }
    let (bucket_at, bucket) = find_bucket(estate, first, request.likely)?;
    let Some(bucket_region) = &bucket_at.region else {
        return Err(no_bucket(estate, &first.bucket));
    };
    for (at, trail) in &trails {
        if trail.multi_region && at.region.as_ref() != Some(bucket_region) {
            return Err(CannotAdopt::OtherRegion {
                trail: (*at).clone(),
                region: at.region.clone().unwrap_or_else(|| bucket_region.clone()),
                bucket_region: bucket_region.clone(),
            });
        }
    }
    let mut said = Vec::new();
    let answers = Answers {
        deployment: request.deployment.to_owned(),
        log_account: bucket_at.account.clone(),
        home_region: bucket_region.clone(),
        bucket: first.bucket.clone(),
        member_role: request.member_role.to_owned(),
    };
    let encryption = encryption(estate, &answers, first, bucket);
    let policy = estate.resource(&bucket_at.with_kind(Kind::BucketPolicy)).and_then(Resource::shared_policy);
    let bucket = bucket::config(&answers, &first.prefix, (bucket, policy), encryption, &mut said);
    let place = trails::TrailTarget { organization, estate, answers: &answers };
    let trails = trails::configs(&place, &trails, &mut said);
    let config = super::config(organization, &answers, bucket, trails);
    Ok(Adoption { config, inexpressible: said })
}

fn wanted<'a>(estate: &'a Estate, at: &Address) -> Result<&'a Trail, CannotAdopt> {
    match estate.resource(at) {
        Some(Resource::Trail(trail)) if trail.organization => Ok(trail),
        Some(Resource::Trail(_)) => Err(CannotAdopt::NotOfOrganization(at.clone())),
        _ => Err(match estate.sightings.get(at) {
            Some(Sighting::Unreadable(problem)) => CannotAdopt::Unread(at.clone(), problem.message.clone()),
            _ => CannotAdopt::NoTrail(at.clone()),
        }),
    }
}

/// A bucket may answer others than its owner, so the likeliest owner comes first.
fn find_bucket<'a>(
    estate: &'a Estate,
    trail: &Trail,
    likely: &[AccountId],
) -> Result<(&'a Address, &'a Bucket), CannotAdopt> {
    let holders = holders(trail, likely);
    let buckets = estate.resources().filter_map(|(address, resource)| match resource {
        Resource::Bucket(bucket) if address.name == trail.bucket => Some((address, bucket)),
        _ => None,
    });
    let rank = |account: &AccountId| holders.iter().position(|holder| holder == account).unwrap_or(usize::MAX);
    buckets.min_by_key(|(address, _)| rank(&address.account)).ok_or_else(|| no_bucket(estate, &trail.bucket))
}

fn no_bucket(estate: &Estate, name: &str) -> CannotAdopt {
    let looked = estate.sightings.keys().filter(|address| address.kind == Kind::Bucket && address.name == name);
    let accounts = looked.map(|address| address.account.to_string()).collect();
    CannotAdopt::NoBucket { bucket: name.to_owned(), accounts }
}

/// One setting says how the trail and the bucket encrypt. Where they differ, the stronger wins.
fn encryption(estate: &Estate, answers: &Answers, trail: &Trail, bucket: &Bucket) -> Encryption {
    let is_kms = bucket.encryption.as_ref().is_some_and(|encryption| encryption.algorithm.starts_with("aws:kms"));
    match trail.key.as_ref().or(bucket.key()) {
        Some(arn) if is_own_key(estate, answers, arn) => Encryption::Kms,
        Some(arn) => match arn.parse::<Encryption>() {
            Ok(key @ Encryption::KeyArn(_)) => key,
            _ => Encryption::Kms,
        },
        // The key of AWS for S3 cannot be named.
        None if is_kms => Encryption::Kms,
        None => Encryption::S3,
    }
}

/// Tells whether a key bears the alias that this deployment would give its own.
fn is_own_key(estate: &Estate, answers: &Answers, arn: &str) -> bool {
    let at = Address::regional(&answers.log_account, &answers.home_region, Kind::Key, key_alias(&answers.deployment));
    let is = |key: &Key| key.arn.as_deref() == Some(arn) || referenced_key(arn).as_ref() == Some(&at);
    matches!(estate.resource(&at), Some(Resource::Key(key)) if is(key))
}

/// Returns what a plan does beside taking over: what it changes of existing resources, and what it adds that is not for
/// readers. A line each.
pub fn remaining(plan: &Plan) -> Vec<String> {
    plan.changes.iter().filter_map(line).collect()
}

fn line(change: &Change) -> Option<String> {
    let address = &change.address;
    let fields = change.field_changes();
    let fields: Vec<&str> = fields.iter().map(|field| field.path.as_str()).filter(|path| *path != "tags").collect();
    match change.action() {
        Action::Create if is_for_readers(change) => None,
        Action::Create => Some(format!("creates {address}")),
        Action::Retire => Some(format!("removes {address}")),
        Action::Update | Action::Adopt if fields.is_empty() => None,
        Action::Update | Action::Adopt => Some(format!("changes {} of {address}", fields.join(", "))),
    }
}

fn is_for_readers(change: &Change) -> bool {
    change.address.kind == Kind::Policy
        || change.desired().and_then(Resource::tags).is_some_and(|tags| tags.contains_key(ACCOUNT_TAG))
}
