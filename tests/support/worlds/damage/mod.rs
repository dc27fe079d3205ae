//! The same resource with another meaning: every way in which a hand can change a resource, one field at a time.
//!
//! Each kind takes its struct apart without `..`: a field that is added does not compile here before somebody says how
//! it is damaged, and what a plan says then.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::estate::bucket::{AccessLogs, BucketEncryption, LifecycleRule, ObjectLock};
use orgtrail::estate::role::Boundary;
use orgtrail::estate::trail::EventSelector;
use orgtrail::estate::{
    ACCOUNT_TAG, Address, Bucket, BucketPolicy, ConfigAggregator, DeadLetters, DelegatedAdministrator, Estate, Key,
    KeyPolicy, Kind, LogGroup, OWNER_TAG, Policy, Queue, Resource, Role, Rule, ServiceControlPolicy, Sighting, Tags,
    Topic, Trail, TrustedAccess,
};

mod delivery;
mod policies;

use policies::Reworded;

/// An account outside every organization of the tests.
pub const OUTSIDER: &str = "999999999999";

/// What a plan says of a damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A change names this path of the resource, and the change repairs it.
    Change(String),
    /// Something does: another resource's change, a finding, a violation, a blocker, an open question.
    Told,
    /// Nothing does, and nothing should.
    Quiet,
}

/// A damaged resource.
#[derive(Debug, Clone)]
pub struct Damage {
    /// The kind and the field that was changed, such as `bucket.lifecycle.id`.
    pub field: String,
    /// What is to be seen of it.
    pub seen: Seen,
    /// What is there afterwards; none where it is gone.
    pub resource: Option<Resource>,
}

impl Damage {
    /// Does it. What belongs to a bucket or a key goes with it.
    pub fn be_done(&self, estate: &mut Estate, address: &Address) {
        let Some(damaged) = &self.resource else {
            let part = match address.kind {
                Kind::Bucket => Kind::BucketPolicy,
                Kind::Key => Kind::KeyPolicy,
                other => other,
            };
            estate.sightings.insert(address.with_kind(part), Sighting::Absent);
            estate.sightings.insert(address.clone(), Sighting::Absent);
            return;
        };
        estate.sightings.insert(address.clone(), Sighting::present(damaged.clone()));
    }
}

/// Returns every damage that can be done to a resource that is as wanted.
pub fn damages(seen: &Resource) -> Vec<Damage> {
    let mut all = match seen {
        Resource::TrustedAccess(TrustedAccess {}) | Resource::DelegatedAdministrator(DelegatedAdministrator {}) => {
            Vec::new()
        }
        Resource::Bucket(r) => bucket(r),
        Resource::BucketPolicy(r) => bucket_policy(r),
        Resource::Key(r) => key(r),
        Resource::KeyPolicy(r) => key_policy(r),
        Resource::Topic(r) => topic(r),
        Resource::LogGroup(r) => log_group(r),
        Resource::Role(r) => role(r),
        Resource::Policy(r) => policy(r),
        Resource::Trail(r) => trail(r),
        Resource::Queue(r) => queue(r),
        Resource::Rule(r) => rule(r),
        Resource::ServiceControlPolicy(r) => guard(r),
        Resource::ConfigAggregator(r) => aggregator(r),
    };
    let gone = Damage { field: seen.kind().as_str().to_owned(), seen: Seen::Told, resource: None };
    all.push(gone);
    all
}

/// The damages of one resource, as they are made up.
struct Damages<'a, T> {
    seen: &'a T,
    kind: Kind,
    all: Vec<Damage>,
}

impl<'a, T: Clone + Into<Resource>> Damages<'a, T> {
    fn of(seen: &'a T) -> Self {
        Self { seen, kind: seen.clone().into().kind(), all: Vec::new() }
    }

    fn add(&mut self, field: &str, seen: Seen, edit: impl FnOnce(&mut T)) {
        let mut damaged = self.seen.clone();
        edit(&mut damaged);
        let field = format!("{}.{field}", self.kind.as_str());
        self.all.push(Damage { field, seen, resource: Some(damaged.into()) });
    }

    /// The field is one of those that a plan compares.
    fn change(&mut self, field: &str, edit: impl FnOnce(&mut T)) {
        self.add(field, Seen::Change(field.to_owned()), edit);
    }

    /// A part of a field that a plan compares as a whole.
    fn part(&mut self, field: &str, whole: &str, edit: impl FnOnce(&mut T)) {
        self.add(field, Seen::Change(whole.to_owned()), edit);
    }

    fn told(&mut self, field: &str, edit: impl FnOnce(&mut T)) {
        self.add(field, Seen::Told, edit);
    }

    fn quiet(&mut self, field: &str, edit: impl FnOnce(&mut T)) {
        self.add(field, Seen::Quiet, edit);
    }

    /// Every tag but the owner's lost or changed, one at a time; all of them lost; and another owner.
    fn tags(&mut self, tags: &Tags, place: impl Fn(&mut T) -> &mut Tags) {
        self.change("tags", |r| place(r).clear());
        for key in tags.keys().filter(|key| *key != OWNER_TAG) {
            self.change("tags", |r| drop(place(r).remove(key)));
            self.change("tags", |r| place(r).get_mut(key).unwrap().push('x'));
        }
        self.told("tags.owner", |r| drop(place(r).insert(OWNER_TAG.to_owned(), "theirs".to_owned())));
        self.quiet("tags.more", |r| drop(place(r).insert("hand-made".to_owned(), "yes".to_owned())));
    }

    /// A policy in each of its other wordings, under the path that a plan compares it by.
    fn policy(
        &mut self,
        path: &str,
        others: Vec<Reworded>,
        place: impl Fn(&mut T) -> &mut orgtrail::policy::PolicyDocument,
    ) {
        for Reworded { part, is_other, document } in others {
            let seen = if is_other { Seen::Change(path.to_owned()) } else { Seen::Quiet };
            let field = path.split('.').next().unwrap();
            self.add(&format!("{field}.{part}"), seen, |r| *place(r) = document);
        }
    }
}

/// Turns something into nothing, and nothing into something.
fn other<T: Clone>(value: &Option<T>, some: T) -> Option<T> {
    if value.is_some() { None } else { Some(some) }
}

fn bucket(seen: &Bucket) -> Vec<Damage> {
    let Bucket {
        block_public_access,
        object_ownership,
        versioning,
        encryption,
        lifecycle,
        object_lock,
        access_logs,
        requester_pays,
        tags,
        untouched,
        mfa_delete,
    } = seen;
    let mut all = Damages::of(seen);
    all.change("block_public_access", |r| r.block_public_access = !block_public_access);
    all.change("object_ownership", |r| r.object_ownership = other(object_ownership, "ObjectWriter".into()));
    all.change("object_ownership", |r| r.object_ownership = Some("ObjectWriter".into()));
    all.change("versioning", |r| r.versioning = !versioning);
    all.change("requester_pays", |r| r.requester_pays = !requester_pays);
    all.change("encryption", |r| r.encryption = None);
    encryption.iter().for_each(|encryption| bucket_encryption(&mut all, encryption));
    all.change("lifecycle", |r| r.lifecycle.push(theirs()));
    if let Some(first) = lifecycle.first() {
        all.change("lifecycle", |r| r.lifecycle.clear());
        lifecycle_rule(&mut all, first);
    }
    bucket_object_lock(&mut all, object_lock.as_ref());
    bucket_access_logs(&mut all, access_logs.as_ref());
    all.tags(tags, |r| &mut r.tags);
    all.quiet("untouched", |r| r.untouched = !untouched);
    all.quiet("mfa_delete", |r| r.mfa_delete = Some(mfa_delete != &Some(true)));
    all.all
}

/// A rule that somebody else added: it deletes what it finds.
fn theirs() -> LifecycleRule {
    LifecycleRule {
        id: "theirs".into(),
        enabled: true,
        prefix: String::new(),
        transitions: Vec::new(),
        expire_after_days: Some(1),
        expire_noncurrent_after_days: None,
        abort_upload_after_days: None,
        other: None,
    }
}

fn bucket_encryption(all: &mut Damages<Bucket>, encryption: &BucketEncryption) {
    let BucketEncryption { algorithm, key, bucket_key } = encryption;
    let with = |changed: BucketEncryption| move |r: &mut Bucket| r.encryption = Some(changed);
    let weaker = if algorithm == "AES256" { "aws:kms" } else { "AES256" };
    all.change("encryption.algorithm", with(BucketEncryption { algorithm: weaker.into(), ..encryption.clone() }));
    // Neither has a meaning where S3 encrypts with keys of its own.
    if key.is_some() {
        let changed = |key: Option<&str>| BucketEncryption { key: key.map(str::to_owned), ..encryption.clone() };
        all.change("encryption.key", with(changed(Some("alias/aws/s3"))));
        all.change("encryption.key", with(changed(None)));
        all.change("encryption.bucket_key", with(BucketEncryption { bucket_key: !bucket_key, ..encryption.clone() }));
    }
}

fn lifecycle_rule(all: &mut Damages<Bucket>, first: &LifecycleRule) {
    let LifecycleRule {
        id,
        enabled,
        prefix,
        transitions,
        expire_after_days,
        expire_noncurrent_after_days,
        abort_upload_after_days,
        other,
    } = first;
    let mut rule = |field: &str, changed: LifecycleRule| {
        all.part(&format!("lifecycle.{field}"), "lifecycle", |r| r.lifecycle[0] = changed);
    };
    let days = |days: &Option<u32>| Some(days.unwrap_or(30) + 1);
    rule("id", LifecycleRule { id: format!("{id}x"), ..first.clone() });
    rule("enabled", LifecycleRule { enabled: !enabled, ..first.clone() });
    rule("prefix", LifecycleRule { prefix: format!("{prefix}x"), ..first.clone() });
    let more = transitions.iter().cloned().chain([(400, "DEEP_ARCHIVE".to_owned())]).collect();
    rule("transitions", LifecycleRule { transitions: more, ..first.clone() });
    rule("expire_after_days", LifecycleRule { expire_after_days: days(expire_after_days), ..first.clone() });
    let old = days(expire_noncurrent_after_days);
    rule("expire_noncurrent_after_days", LifecycleRule { expire_noncurrent_after_days: old, ..first.clone() });
    let uploads = days(abort_upload_after_days);
    rule("abort_upload_after_days", LifecycleRule { abort_upload_after_days: uploads, ..first.clone() });
    let tagged = self::other(other, "only objects with a tag".to_owned());
    rule("other", LifecycleRule { other: tagged, ..first.clone() });
}

fn bucket_object_lock(all: &mut Damages<Bucket>, lock: Option<&ObjectLock>) {
    let theirs = ObjectLock { mode: "GOVERNANCE".into(), days: 7 };
    let Some(ObjectLock { mode, days }) = lock else {
        return all.quiet("object_lock.added", |r| r.object_lock = Some(theirs));
    };
    all.change("object_lock", |r| r.object_lock = None);
    let weaker = if mode == "COMPLIANCE" { "GOVERNANCE" } else { "COMPLIANCE" };
    let with = |mode: &str, days: u32| Some(ObjectLock { mode: mode.to_owned(), days });
    all.part("object_lock.mode", "object_lock", |r| r.object_lock = with(weaker, *days));
    all.part("object_lock.days", "object_lock", |r| r.object_lock = with(mode, days + 1));
}

fn bucket_access_logs(all: &mut Damages<Bucket>, access_logs: Option<&AccessLogs>) {
    let Some(AccessLogs { bucket, prefix }) = access_logs else {
        let theirs = AccessLogs { bucket: "theirs".into(), prefix: String::new() };
        return all.quiet("access_logs.added", |r| r.access_logs = Some(theirs));
    };
    all.change("access_logs", |r| r.access_logs = None);
    let with = |bucket: String, prefix: String| Some(AccessLogs { bucket, prefix });
    let (renamed, moved) = (with(format!("{bucket}x"), prefix.clone()), with(bucket.clone(), format!("{prefix}x")));
    all.part("access_logs.bucket", "access_logs", |r| r.access_logs = renamed);
    all.part("access_logs.prefix", "access_logs", |r| r.access_logs = moved);
}

fn bucket_policy(seen: &BucketPolicy) -> Vec<Damage> {
    let BucketPolicy { policy } = seen;
    let mut all = Damages::of(seen);
    all.policy("policy", policies::shared(policy), |r| &mut r.policy);
    all.all
}

fn key(seen: &Key) -> Vec<Damage> {
    let Key { arn, has_alias, enabled, pending_deletion, deletion_date: _, rotation, tags } = seen;
    let mut all = Damages::of(seen);
    // The alias points to another key, or nobody says to which.
    all.told("arn", |r| r.arn = arn.as_ref().map(|arn| format!("{arn}x")));
    all.told("arn", |r| r.arn = None);
    all.part("has_alias", "alias", |r| r.has_alias = !has_alias);
    all.change("enabled", |r| r.enabled = !enabled);
    all.change("pending_deletion", |r| (r.enabled, r.pending_deletion) = (false, !pending_deletion));
    // It says only when, of a deletion that is told by itself.
    all.quiet("deletion_date", |r| r.deletion_date = Some("2026-12-28T00:00:00Z".into()));
    all.change("rotation", |r| r.rotation = !rotation);
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn key_policy(seen: &KeyPolicy) -> Vec<Damage> {
    let KeyPolicy { policy, key } = seen;
    let mut all = Damages::of(seen);
    all.policy("policy", policies::shared(policy), |r| &mut r.policy);
    // AWS answers it together with the ARN of the key, which is compared.
    all.quiet("key", |r| r.key = key.as_ref().map(|key| format!("{key}x")));
    all.all
}

fn topic(seen: &Topic) -> Vec<Damage> {
    let Topic { policy, key, tags } = seen;
    let mut all = Damages::of(seen);
    all.policy("policy", policies::shared(policy), |r| &mut r.policy);
    assert_eq!(*key, None, "no configuration asks for the encryption of a topic");
    all.change("key", |r| r.key = Some("arn:aws:kms:eu-central-1:222222222222:alias/aws/sns".into()));
    all.told("key", |r| r.key = Some("arn:aws:kms:eu-central-1:222222222222:key/theirs".into()));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn log_group(seen: &LogGroup) -> Vec<Damage> {
    let LogGroup { retention_days, tags } = seen;
    let mut all = Damages::of(seen);
    all.change("retention_days", |r| r.retention_days = other(retention_days, 400));
    all.change("retention_days", |r| r.retention_days = Some(7));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn role(seen: &Role) -> Vec<Damage> {
    let Role { trust, inline, attached, boundary, max_session_s, description, unique_id, tags } = seen;
    let mut all = Damages::of(seen);
    all.policy("trust", policies::own(trust), |r| &mut r.trust);
    if let Some(first) = inline.values().next() {
        all.change("inline", |r| r.inline.clear());
        all.part("inline.more", "inline.More", |r| drop(r.inline.insert("More".into(), first.clone())));
    }
    for (name, document) in inline {
        all.policy(&format!("inline.{name}"), policies::own(document), |r| r.inline.get_mut(name).unwrap());
    }
    if !attached.is_empty() {
        all.change("attached", |r| r.attached.clear());
    }
    all.change("attached", |r| r.attached.extend(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]));
    assert_eq!(boundary, &None);
    for document in [None, Some(trust.clone())] {
        let arn = "arn:aws:iam::aws:policy/PowerUserAccess".to_owned();
        // What a boundary says is AWS's answer to its ARN.
        let Boundary { arn: _, document: _ } = &Boundary { arn: arn.clone(), document: document.clone() };
        all.change("boundary", |r| r.boundary = Some(Box::new(Boundary { arn, document })));
    }
    // Only of readers a configuration says how long a session may be.
    let longer = Some(max_session_s.unwrap_or(3600) + 3600);
    match tags.contains_key(ACCOUNT_TAG) {
        true => all.change("max_session_s", |r| r.max_session_s = longer),
        false => all.quiet("max_session_s.not_wanted", |r| r.max_session_s = longer),
    }
    all.quiet("description", |r| r.description = other(description, "theirs".into()));
    all.quiet("unique_id", |r| r.unique_id = other(unique_id, "AROAEXAMPLEOTHER".into()));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn policy(seen: &Policy) -> Vec<Damage> {
    let Policy { document, description, groups, roles, tags } = seen;
    let mut all = Damages::of(seen);
    all.policy("document", policies::own(document), |r| &mut r.document);
    all.quiet("description", |r| r.description = other(description, "theirs".into()));
    if !groups.is_empty() {
        all.change("groups", |r| drop(r.groups.pop_first()));
    }
    if !roles.is_empty() {
        all.change("roles", |r| drop(r.roles.pop_first()));
    }
    all.quiet("groups.more", |r| r.groups.extend(["theirs".to_owned()]));
    all.quiet("roles.more", |r| r.roles.extend(["theirs".to_owned()]));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn guard(seen: &ServiceControlPolicy) -> Vec<Damage> {
    let ServiceControlPolicy { id, document, targets, tags } = seen;
    let mut all = Damages::of(seen);
    all.quiet("id", |r| r.id = other(id, "p-theirs".into()));
    all.policy("document", policies::own(document), |r| &mut r.document);
    if !targets.is_empty() {
        all.change("targets", |r| drop(r.targets.pop_first()));
    }
    all.change("targets", |r| r.targets.extend(["ou-ab12-66666666".to_owned()]));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn queue(seen: &Queue) -> Vec<Damage> {
    let Queue { policy, dead_letters, retention_s, encrypted, tags } = seen;
    let mut all = Damages::of(seen);
    match policy {
        Some(document) => {
            all.change("policy", |r| r.policy = None);
            all.policy("policy", policies::own(document), |r| r.policy.as_mut().unwrap());
        }
        None => all.change("policy", |r| r.policy = Some(policies::open())),
    }
    let theirs = DeadLetters { queue: "arn:aws:sqs:eu-central-1:222222222222:theirs".into(), receptions_max: 1 };
    all.part("dead_letters", "dead_letters.queue", |r| r.dead_letters = other(dead_letters, theirs));
    if let Some(DeadLetters { queue, receptions_max }) = dead_letters {
        let (queue, receptions_max) = (queue.clone(), *receptions_max);
        let renamed = DeadLetters { queue: format!("{queue}x"), receptions_max };
        all.change("dead_letters.queue", |r| r.dead_letters = Some(renamed));
        let sooner = DeadLetters { queue, receptions_max: receptions_max + 1 };
        all.change("dead_letters.receptions_max", |r| r.dead_letters = Some(sooner));
    }
    all.change("retention_s", |r| r.retention_s = retention_s / 2);
    all.change("encrypted", |r| r.encrypted = !encrypted);
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn rule(seen: &Rule) -> Vec<Damage> {
    let Rule { pattern, enabled, targets, tags } = seen;
    let mut all = Damages::of(seen);
    assert!(pattern.is_object());
    all.change("pattern", |r| r.pattern = serde_json::json!({"source": ["theirs"]}));
    all.change("enabled", |r| r.enabled = !enabled);
    all.change("targets", |r| r.targets.clear());
    for (arn, role) in targets {
        let role = other(role, "arn:aws:iam::222222222222:role/theirs".to_owned());
        all.change("targets", |r| drop(r.targets.insert(arn.clone(), role)));
    }
    all.quiet("targets.more", |r| drop(r.targets.insert("arn:aws:sns:eu-central-1:222222222222:theirs".into(), None)));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn aggregator(seen: &ConfigAggregator) -> Vec<Damage> {
    let ConfigAggregator { organization, role, regions, tags } = seen;
    let mut all = Damages::of(seen);
    // Its list of accounts would be lost: the plan names it, and it stays.
    all.told("organization", |r| r.organization = !organization);
    all.change("role", |r| r.role = other(role, "arn:aws:iam::222222222222:role/theirs".to_owned()));
    all.change("regions", |r| r.regions = other(regions, BTreeSet::from(["eu-west-3".parse().unwrap()])));
    all.tags(tags, |r| &mut r.tags);
    all.all
}

fn trail(seen: &Trail) -> Vec<Damage> {
    let Trail {
        bucket,
        prefix,
        topic,
        global_events,
        multi_region,
        organization,
        validation,
        key,
        log_group,
        log_role,
        logging,
        selectors,
        insights,
        tags,
        delivery,
    } = seen;
    let arn = || "arn:aws:x:::y".to_owned();
    let mut all = Damages::of(seen);
    all.change("bucket", |r| r.bucket = format!("{bucket}x"));
    all.change("prefix", |r| r.prefix = format!("{prefix}x"));
    all.change("topic", |r| r.topic = other(topic, arn()));
    all.change("global_events", |r| r.global_events = !global_events);
    all.change("multi_region", |r| r.multi_region = !multi_region);
    // Its list of accounts would be lost: the plan names it, and it stays.
    all.told("organization", |r| r.organization = !organization);
    all.change("validation", |r| r.validation = !validation);
    all.change("key", |r| r.key = other(key, arn()));
    all.change("log_group", |r| r.log_group = other(log_group, arn()));
    all.change("log_role", |r| r.log_role = other(log_role, arn()));
    all.change("logging", |r| r.logging = !logging);
    all.change("selectors", |r| r.selectors = BTreeSet::new());
    let narrow = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
    let narrow = narrow.with("resources.type", "equals", ["AWS::Lambda::Function"]);
    all.change("selectors", |r| r.selectors = selectors.iter().cloned().chain([narrow]).collect());
    all.change("insights", |r| r.insights = insights ^ &BTreeSet::from(["ApiErrorRateInsight".to_owned()]));
    match tags {
        Some(tags) => all.tags(tags, |r| r.tags.as_mut().unwrap()),
        None => panic!("the tags of a trail of ours are read"),
    }
    all.told("tags.unread", |r| r.tags = None);
    delivery::damages(&mut all, delivery.as_ref());
    all.all
}
