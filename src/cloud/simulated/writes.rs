//! Whether CloudTrail can deliver for a trail in a world as it is now: what it is refused when the trail is made, and
//! what a trail's status shows when somebody has closed a door later.
//!
//! What policies allow is judged by [`preflight`]; here are the things that have to be there at all.

use super::world::{KnownSighting, bucket_address, key_by_arn, known};
use crate::estate::snapshot::{Completeness, Snapshot};
use crate::estate::{Address, Bucket, Key, Kind, Resource, Role, Topic, Trail};
use crate::ids::{AccountId, Arn, Region};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::Named;
use crate::policy::preflight::{self, Preflight, PreflightTrail, TopicKey};

/// Where a delivery can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The bucket itself is not there.
    NoBucket,
    /// Objects cannot be written: the bucket's policy or the key.
    Objects,
    /// The topic cannot be told.
    Topic,
    /// CloudWatch Logs cannot be written.
    LogGroup,
}

/// One thing that keeps CloudTrail from delivering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub door: Door,
    /// The code with which `CreateTrail` is refused for it.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

fn failure(door: Door, code: &'static str, message: String, help: &str) -> Vec<Failure> {
    vec![Failure { door, code, message, help: help.into() }]
}

/// Returns everything that keeps CloudTrail from delivering, in the order in which CloudTrail looks.
pub fn failures(world: &Snapshot, address: &Address, trail: &Trail) -> Vec<Failure> {
    let Some(delivery) = delivery(world, address, trail) else {
        return Vec::new();
    };
    let mut all = bucket(world, trail, &delivery);
    all.extend(key(world, trail, &delivery));
    all.extend(topic(world, trail, &delivery));
    all.extend(log_group(world, trail, &delivery));
    all
}

fn delivery(world: &Snapshot, address: &Address, trail: &Trail) -> Option<PreflightTrail> {
    let region = address.region.as_ref()?.as_str();
    let resource = format!("trail/{}", address.name);
    let bucket_key = bucket_named(world, &trail.bucket).and_then(|(_, bucket)| bucket.encryption.as_ref());
    Some(PreflightTrail {
        trail_arn: Arn::new(world.organization.partition, "cloudtrail", region, address.account.as_str(), &resource),
        management_account: address.account.clone(),
        organization_id: trail.organization.then(|| world.organization.id.clone()),
        accounts: Vec::new(),
        bucket: trail.bucket.clone(),
        prefix: trail.prefix.clone(),
        folders: trail.folders(),
        key_arn: trail.key.clone(),
        bucket_key: bucket_key.is_some_and(|encryption| encryption.bucket_key),
    })
}

fn bucket_named<'a>(world: &'a Snapshot, name: &str) -> Option<(&'a Address, &'a Bucket)> {
    let address = bucket_address(world, name)?;
    match world.estate.resource(address) {
        Some(Resource::Bucket(bucket)) => Some((address, bucket)),
        _ => None,
    }
}

/// Tells whether there is certainly no bucket of this name.
fn no_bucket(world: &Snapshot, name: &str) -> bool {
    let mut looked =
        world.estate.sightings.keys().filter(|address| address.kind == Kind::Bucket && address.name == name);
    match world.completeness {
        Completeness::Whole => true,
        Completeness::AsRecorded => looked.any(|address| known(world, address) == KnownSighting::Absent),
    }
}

fn bucket(world: &Snapshot, trail: &Trail, delivery: &PreflightTrail) -> Vec<Failure> {
    let Some((address, bucket)) = bucket_named(world, &trail.bucket) else {
        let message = format!("there is no bucket {}", trail.bucket);
        let help = "the step that makes the bucket comes first";
        let missing = no_bucket(world, &trail.bucket);
        return if missing {
            failure(Door::NoBucket, "S3BucketDoesNotExistException", message, help)
        } else {
            Vec::new()
        };
    };
    if bucket.requester_pays {
        let message = format!("CloudTrail does not write to {}, whose requester pays", trail.bucket);
        return failure(Door::Objects, BUCKET_CODE, message, "switch Requester Pays off");
    }
    match known(world, &address.with_kind(Kind::BucketPolicy)) {
        KnownSighting::Present(Resource::BucketPolicy(policy)) => {
            refusals(Door::Objects, preflight::bucket(delivery, Some(&policy.policy)))
        }
        KnownSighting::Absent => refusals(Door::Objects, preflight::bucket(delivery, None)),
        KnownSighting::Present(_) | KnownSighting::Unknown => Vec::new(),
    }
}

const BUCKET_CODE: &str = "InsufficientS3BucketPolicyException";

fn refusals(door: Door, found: Preflight) -> Vec<Failure> {
    found.refusals.into_iter().map(|r| Failure { door, code: r.code, message: r.message, help: r.help }).collect()
}

/// A key that the world does not have may be anywhere: its policy is its owner's affair.
fn key(world: &Snapshot, trail: &Trail, delivery: &PreflightTrail) -> Vec<Failure> {
    let Some((address, key)) = trail.key.as_deref().and_then(|arn| key_by_arn(world, arn)) else {
        return Vec::new();
    };
    let elsewhere = bucket_named(world, &trail.bucket).is_some_and(|(bucket, _)| bucket.region != address.region);
    if elsewhere {
        let message = format!("the key {} is in another region than the bucket", address.name);
        return failure(Door::Objects, "KmsKeyNotFoundException", message, "use a key in the bucket's region");
    }
    if !key.enabled {
        let message = format!("the key {} is disabled or waits for its deletion", address.name);
        return failure(Door::Objects, "InsufficientEncryptionPolicyException", message, "enable the key");
    }
    key_policy(world, address).map_or_else(Vec::new, |policy| refusals(Door::Objects, preflight::key(delivery, policy)))
}

fn key_policy<'a>(world: &'a Snapshot, key: &Address) -> Option<&'a PolicyDocument> {
    match known(world, &key.with_kind(Kind::KeyPolicy)) {
        KnownSighting::Present(Resource::KeyPolicy(policy)) => Some(&policy.policy),
        _ => None,
    }
}

fn topic(world: &Snapshot, trail: &Trail, delivery: &PreflightTrail) -> Vec<Failure> {
    let Some((arn, address)) = trail.topic.as_deref().and_then(|arn| named(arn, Kind::Topic)) else {
        return Vec::new();
    };
    match known(world, &address) {
        KnownSighting::Present(Resource::Topic(topic)) => {
            let key = topic_key(world, topic);
            let topic = preflight::Topic { arn: &arn, policy: Some(&topic.policy), key };
            refusals(Door::Topic, preflight::topic(delivery, &topic))
        }
        KnownSighting::Absent => {
            let message = format!("there is no topic {arn}");
            let help = "the step that makes the topic comes first";
            failure(Door::Topic, "InsufficientSnsTopicPolicyException", message, help)
        }
        KnownSighting::Present(_) | KnownSighting::Unknown => Vec::new(),
    }
}

fn topic_key<'a>(world: &'a Snapshot, topic: &Topic) -> TopicKey<'a> {
    match topic.key.as_deref() {
        None => TopicKey::None,
        Some("alias/aws/sns") => TopicKey::AwsManaged,
        Some(arn) => {
            let policy = key_by_arn(world, arn).and_then(|(address, _): (_, &Key)| key_policy(world, address));
            policy.map_or(TopicKey::None, TopicKey::Customer)
        }
    }
}

fn log_group(world: &Snapshot, trail: &Trail, delivery: &PreflightTrail) -> Vec<Failure> {
    let (Some(group), Some(role)) = (&trail.log_group, &trail.log_role) else {
        return Vec::new();
    };
    let (Some((group_arn, group)), Some((role_arn, role))) = (named(group, Kind::LogGroup), named(role, Kind::Role))
    else {
        return Vec::new();
    };
    let missing = |what: &str, name: &str, code| {
        let message = format!("there is no {what} {name}");
        failure(Door::LogGroup, code, message, "the step that makes it comes first")
    };
    if known(world, &group) == KnownSighting::Absent {
        return missing("log group", &group.name, "InvalidCloudWatchLogsLogGroupArnException");
    }
    match known(world, &role) {
        KnownSighting::Present(Resource::Role(role)) => {
            let policies: Vec<Named> = inline(role);
            let (arn, role_arn, trust) = (&group_arn, &role_arn, &role.trust);
            let group = preflight::LogGroup { arn, role_arn, trust, policies: &policies, resource_policies: &[] };
            refusals(Door::LogGroup, preflight::log_group(delivery, &group))
        }
        KnownSighting::Absent => missing("role", &role.name, "InvalidCloudWatchLogsRoleArnException"),
        KnownSighting::Present(_) | KnownSighting::Unknown => Vec::new(),
    }
}

fn inline(role: &Role) -> Vec<Named<'_>> {
    role.inline.iter().map(|(name, document)| Named { name, document }).collect()
}

/// Reads where a topic, a log group or a role is from its ARN.
fn named(text: &str, kind: Kind) -> Option<(Arn, Address)> {
    let arn: Arn = text.parse().ok()?;
    let account: AccountId = arn.account().parse().ok()?;
    let address = match kind {
        Kind::Role => Address::global(&account, kind, arn.resource().strip_prefix("role/")?),
        _ => {
            let region: Region = arn.region().parse().ok()?;
            let name = arn.resource();
            let name = name.strip_prefix("log-group:").unwrap_or(name);
            Address::regional(&account, &region, kind, name.strip_suffix(":*").unwrap_or(name))
        }
    };
    Some((arn, address))
}
