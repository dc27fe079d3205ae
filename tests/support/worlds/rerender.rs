//! The same resource in other words: everything that AWS may answer differently from what it was sent.

use std::collections::BTreeMap;

use orgtrail::estate::bucket::{AccessLogs, ObjectLock};
use orgtrail::estate::trail::DeliveryStatus;
use orgtrail::estate::{Estate, Resource, Sighting};
use orgtrail::ids::Partition;
use orgtrail::policy::PolicyDocument;
use orgtrail::policy::canonical::account_of_root;
use orgtrail::policy::document::{ActionElement, PrincipalElement, Principals, ResourceElement, Statement};

/// Decisions from a number: a sequence that is the same for the same number (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).unwrap()
    }

    pub fn heads(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }
}

/// Names that mean the same: what a text may be written as instead.
type Synonyms = BTreeMap<String, Vec<String>>;

/// Says everything in an estate in other words.
pub fn rerender(estate: &mut Estate, partition: Partition, dice: &mut Dice) {
    let mut synonyms = Synonyms::new();
    for (name, arn) in estate.aliases(partition) {
        synonyms.entry(arn).or_default().push(name);
    }
    for sighting in estate.sightings.values_mut() {
        if let Sighting::Present(resource) = sighting {
            say_otherwise(resource, &synonyms, dice);
        }
    }
}

fn say_otherwise(resource: &mut Resource, synonyms: &Synonyms, dice: &mut Dice) {
    let other_tag = |tags: &mut BTreeMap<String, String>| drop(tags.insert("hand-made".into(), "yes".into()));
    match resource {
        Resource::Bucket(r) => {
            let key = r.encryption.as_mut().and_then(|e| e.key.as_mut());
            key.into_iter().for_each(|key| rename(key, synonyms, dice));
            other_tag(&mut r.tags);
        }
        Resource::BucketPolicy(r) => policy(&mut r.policy, synonyms, dice),
        Resource::Key(r) => other_tag(&mut r.tags),
        Resource::KeyPolicy(r) => policy(&mut r.policy, synonyms, dice),
        Resource::Topic(r) => policy(&mut r.policy, synonyms, dice),
        Resource::LogGroup(r) => other_tag(&mut r.tags),
        Resource::ConfigAggregator(r) => other_tag(&mut r.tags),
        Resource::Role(r) => {
            policy(&mut r.trust, synonyms, dice);
            r.inline.values_mut().for_each(|document| policy(document, synonyms, dice));
            r.description = Some("made by somebody else".into());
            other_tag(&mut r.tags);
        }
        Resource::Policy(r) => {
            policy(&mut r.document, synonyms, dice);
            r.groups.insert("somebody-elses".into());
            r.roles.insert("somebody-elses".into());
            r.description = None;
            other_tag(&mut r.tags);
        }
        Resource::Trail(r) => {
            r.key.iter_mut().for_each(|key| rename(key, synonyms, dice));
            r.delivery =
                Some(DeliveryStatus { latest_time: Some("2026-01-01T00:00:00Z".into()), ..DeliveryStatus::default() });
            r.tags.iter_mut().for_each(other_tag);
        }
        Resource::Queue(r) => {
            r.policy.iter_mut().for_each(|document| policy(document, synonyms, dice));
            other_tag(&mut r.tags);
        }
        Resource::Rule(r) => {
            r.targets.insert("arn:aws:sns:eu-central-1:222222222222:theirs".into(), None);
            other_tag(&mut r.tags);
        }
        Resource::ServiceControlPolicy(r) => {
            policy(&mut r.document, synonyms, dice);
            other_tag(&mut r.tags);
        }
        Resource::TrustedAccess(_) | Resource::DelegatedAdministrator(_) => {}
    }
}

/// Adds what a configuration that is silent on it leaves alone.
pub fn add_what_is_left_alone(wish: &Resource, seen: &mut Resource) {
    let (Resource::Bucket(wish), Resource::Bucket(seen)) = (wish, seen) else { return };
    if wish.object_lock.is_none() {
        seen.object_lock = Some(ObjectLock { mode: "GOVERNANCE".into(), days: 7 });
    }
    if wish.access_logs.is_none() {
        seen.access_logs = Some(AccessLogs { bucket: "theirs".into(), prefix: String::new() });
    }
    if let Some(encryption) = seen.encryption.as_mut().filter(|encryption| encryption.algorithm == "AES256") {
        encryption.bucket_key = !encryption.bucket_key;
    }
}

fn rename(text: &mut String, synonyms: &Synonyms, dice: &mut Dice) {
    if let Some(names) = synonyms.get(text.as_str()) {
        *text = names[dice.below(names.len())].clone();
    }
}

fn policy(document: &mut PolicyDocument, synonyms: &Synonyms, dice: &mut Dice) {
    document.id = Some("other".into());
    document.statements.iter_mut().for_each(|s| statement(s, synonyms, dice));
    dice.shuffle(&mut document.statements);
}

fn statement(statement: &mut Statement, synonyms: &Synonyms, dice: &mut Dice) {
    let (ActionElement::Is(actions) | ActionElement::IsNot(actions)) = &mut statement.action;
    actions.iter_mut().filter(|_| dice.heads()).for_each(|action| *action = action.to_ascii_uppercase());
    list(actions, dice);
    if let Some(ResourceElement::Is(resources) | ResourceElement::IsNot(resources)) = &mut statement.resource {
        list(resources, dice);
    }
    if let Some(PrincipalElement::Is(who) | PrincipalElement::IsNot(who)) = &mut statement.principal {
        principals(who, synonyms, dice);
    }
    for (operator, by_key) in &mut statement.condition {
        let old = std::mem::take(by_key);
        for (key, mut values) in old {
            if operator == "Bool" || operator == "Null" {
                values.iter_mut().for_each(|value| *value = value.to_uppercase());
            }
            list(&mut values, dice);
            let key = if dice.heads() { key.to_ascii_lowercase() } else { key };
            by_key.insert(key, values);
        }
    }
}

fn principals(who: &mut Principals, synonyms: &Synonyms, dice: &mut Dice) {
    match who {
        Principals::Anyone if dice.heads() => {
            *who = Principals::Listed(BTreeMap::from([("AWS".into(), vec!["*".into()])]));
        }
        Principals::Anyone => {}
        Principals::Listed(by_kind) => {
            for name in by_kind.get_mut("AWS").into_iter().flatten() {
                let account = account_of_root(name).filter(|account| account != name);
                match account.map(str::to_owned) {
                    Some(account) if dice.heads() => *name = account,
                    Some(_) => {}
                    None => rename(name, synonyms, dice),
                }
            }
            by_kind.values_mut().for_each(|names| list(names, dice));
        }
    }
}

/// Another order, and perhaps one thing said twice.
fn list(values: &mut Vec<String>, dice: &mut Dice) {
    dice.shuffle(values);
    if dice.heads() {
        values.extend(values.first().cloned());
    }
}
