//! What AWS would make of a change that it does not refuse: the wish, what AWS decides itself, and what is left alone.

use std::collections::BTreeMap;

use super::world::{new_key_arn, new_policy_id, new_role_id};
use crate::estate::snapshot::Snapshot;
use crate::estate::{
    Address, Bucket, ConfigAggregator, Key, KeyPolicy, Kind, LogGroup, Policy, Resource, Role, ServiceControlPolicy,
    Sighting, Tags, Topic, Trail,
};
use crate::plan::Change;
use crate::policy::PolicyDocument;
use crate::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};

/// Makes a change in the world; returns what is there after it, nothing where something was removed.
pub fn perform(world: &mut Snapshot, change: &Change) -> Option<Resource> {
    try_again(world, change.address.kind);
    match change.desired() {
        Some(desired) => Some(put(world, &change.address, desired)),
        None => {
            remove(world, &change.address);
            None
        }
    }
}

/// CloudTrail tries again once something that it delivers to has changed: what it said before is old, and so is the
/// time at which it was asked. What the world itself refuses is told when somebody looks.
fn try_again(world: &mut Snapshot, changed: Kind) {
    let touches = matches!(
        changed,
        Kind::TrustedAccess
            | Kind::Bucket
            | Kind::BucketPolicy
            | Kind::Key
            | Kind::KeyPolicy
            | Kind::Topic
            | Kind::LogGroup
            | Kind::Role
            | Kind::Trail
    );
    for sighting in world.estate.sightings.values_mut().filter(|_| touches) {
        if let Sighting::Present(resource) = sighting
            && let Resource::Trail(Trail { delivery: Some(delivery), .. }) = resource.as_mut()
        {
            delivery.latest_error = None;
            delivery.digest_error = None;
            delivery.notification_error = None;
            delivery.log_group_error = None;
            delivery.asked_at = None;
        }
    }
}

fn put(world: &mut Snapshot, address: &Address, desired: &Resource) -> Resource {
    let before = world.estate.resource(address).cloned();
    let after = merged(world, address, desired, before.as_ref());
    world.estate.sightings.insert(address.clone(), Sighting::present(after.clone()));
    if before.is_none() {
        follow_creation(world, address);
    }
    after
}

/// Returns what is there after a wish was carried out: what the wish says nothing of stays as it was.
fn merged(world: &Snapshot, address: &Address, desired: &Resource, before: Option<&Resource>) -> Resource {
    match (desired, before) {
        (Resource::Bucket(wish), Some(Resource::Bucket(old))) => bucket(wish, old).into(),
        (Resource::Key(wish), Some(Resource::Key(old))) => {
            let arn = old.arn.clone().or_else(|| Some(new_key_arn(world, address)));
            Key { arn, tags: added(&old.tags, &wish.tags), ..wish.clone() }.into()
        }
        (Resource::Key(wish), _) => Key { arn: Some(new_key_arn(world, address)), ..wish.clone() }.into(),
        (Resource::KeyPolicy(wish), _) => {
            let key = match world.estate.resource(&address.with_kind(Kind::Key)) {
                Some(Resource::Key(key)) => key.arn.clone(),
                _ => None,
            };
            KeyPolicy { key, ..wish.clone() }.into()
        }
        (Resource::Topic(wish), Some(Resource::Topic(old))) => {
            // An empty text takes the encryption away (SNS API, `SetTopicAttributes`).
            let key = wish.key.clone().or_else(|| old.key.clone()).filter(|key| !key.is_empty());
            Topic { key, tags: added(&old.tags, &wish.tags), ..wish.clone() }.into()
        }
        (Resource::LogGroup(wish), Some(Resource::LogGroup(old))) => {
            LogGroup { tags: added(&old.tags, &wish.tags), ..wish.clone() }.into()
        }
        (Resource::Role(wish), old) => {
            let old = match old {
                Some(Resource::Role(old)) => Some(old),
                _ => None,
            };
            role(address, wish, old).into()
        }
        (Resource::Policy(wish), Some(Resource::Policy(old))) => policy(wish, old).into(),
        (Resource::Trail(wish), old) => {
            let old = match old {
                Some(Resource::Trail(old)) => Some(old),
                _ => None,
            };
            trail(wish, old).into()
        }
        (Resource::ServiceControlPolicy(wish), old) => {
            let old = match old {
                Some(Resource::ServiceControlPolicy(old)) => Some(old),
                _ => None,
            };
            let id = old.and_then(|old| old.id.clone()).or_else(|| Some(new_policy_id(address)));
            let tags = old.map_or_else(|| wish.tags.clone(), |old| added(&old.tags, &wish.tags));
            ServiceControlPolicy { id, tags, ..wish.clone() }.into()
        }
        (Resource::ConfigAggregator(wish), Some(Resource::ConfigAggregator(old))) => {
            ConfigAggregator { tags: added(&old.tags, &wish.tags), ..wish.clone() }.into()
        }
        (wish, _) => wish.clone(),
    }
}

fn bucket(wish: &Bucket, old: &Bucket) -> Bucket {
    Bucket {
        object_lock: wish.object_lock.clone().or_else(|| old.object_lock.clone()),
        access_logs: wish.access_logs.clone().or_else(|| old.access_logs.clone()),
        tags: added(&old.tags, &wish.tags),
        untouched: false,
        mfa_delete: old.mfa_delete,
        ..wish.clone()
    }
}

/// The longest session of a role for which nobody asked another one, in seconds (IAM API, `CreateRole`).
const SESSION_S: u32 = 3_600;

fn role(address: &Address, wish: &Role, old: Option<&Role>) -> Role {
    Role {
        unique_id: old.and_then(|old| old.unique_id.clone()).or_else(|| Some(new_role_id(address))),
        max_session_s: wish.max_session_s.or_else(|| old.and_then(|old| old.max_session_s)).or(Some(SESSION_S)),
        tags: old.map_or_else(|| wish.tags.clone(), |old| added(&old.tags, &wish.tags)),
        ..wish.clone()
    }
}

fn policy(wish: &Policy, old: &Policy) -> Policy {
    Policy {
        // IAM cannot change the description of a policy.
        description: old.description.clone(),
        groups: &old.groups | &wish.groups,
        roles: &old.roles | &wish.roles,
        tags: added(&old.tags, &wish.tags),
        document: wish.document.clone(),
    }
}

fn trail(wish: &Trail, old: Option<&Trail>) -> Trail {
    let before = old.and_then(|old| old.tags.as_ref());
    let tags = match (before, &wish.tags) {
        (Some(before), Some(wish)) => Some(added(before, wish)),
        (before, wish) => wish.as_ref().or(before).cloned(),
    };
    Trail { tags, delivery: old.and_then(|old| old.delivery.clone()), ..wish.clone() }
}

/// Tagging adds: what others tagged stays.
fn added(old: &Tags, wish: &Tags) -> Tags {
    old.iter().chain(wish).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What appears or is counted beside a new resource.
fn follow_creation(world: &mut Snapshot, address: &Address) {
    if let Some(surroundings) = &mut world.estate.surroundings {
        surroundings.add_empty(address);
    }
    match address.kind {
        Kind::Role => count_role(world, address, 1),
        Kind::Key => {
            let policy = Resource::from(KeyPolicy { policy: first_key_policy(world, address), key: None });
            let policy_address = address.with_kind(Kind::KeyPolicy);
            let there = merged(world, &policy_address, &policy, None);
            world.estate.sightings.insert(policy_address, Sighting::present(there));
        }
        _ => {}
    }
}

fn count_role(world: &mut Snapshot, address: &Address, by: i32) {
    if let Some(count) = world.estate.limits.get_mut(&address.account).and_then(|limits| limits.roles.as_mut()) {
        *count = count.saturating_add_signed(by);
    }
}

/// The policy that KMS gives a key when the creator gives none (KMS developer guide, "Default key policy").
fn first_key_policy(world: &Snapshot, address: &Address) -> PolicyDocument {
    let root = format!("arn:{}:iam::{}:root", world.organization.partition, address.account);
    PolicyDocument {
        version: Some("2012-10-17".into()),
        id: Some("key-default-1".into()),
        statements: vec![Statement {
            sid: Some("Enable IAM User Permissions".into()),
            effect: Effect::Allow,
            principal: Some(PrincipalElement::Is(Principals::Listed(BTreeMap::from([("AWS".into(), vec![root])])))),
            action: ActionElement::Is(vec!["kms:*".into()]),
            resource: Some(ResourceElement::Is(vec!["*".into()])),
            condition: BTreeMap::new(),
        }],
    }
}

fn remove(world: &mut Snapshot, address: &Address) {
    let Some(resource) = world.estate.resource(address).cloned() else {
        return;
    };
    let mut gone = vec![address.clone()];
    match resource {
        // A key is never gone at once: it waits for its deletion, and can be had back meanwhile.
        Resource::Key(key) => {
            let waiting = Key { enabled: false, pending_deletion: true, ..key };
            world.estate.sightings.insert(address.clone(), Sighting::present(waiting));
            return;
        }
        Resource::Bucket(_) => gone.push(address.with_kind(Kind::BucketPolicy)),
        Resource::Role(_) => count_role(world, address, -1),
        _ => {}
    }
    for address in gone {
        world.estate.sightings.insert(address, Sighting::Absent);
    }
}
