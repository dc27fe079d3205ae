//! The same resource with another meaning: every way in which a hand can change what a configuration asks for.

use std::collections::{BTreeMap, BTreeSet};

use orgtrail::estate::trail::EventSelector;
use orgtrail::estate::{
    Bucket, BucketPolicy, Key, KeyPolicy, LogGroup, OWNER_TAG, Policy, Resource, Role, ServiceControlPolicy, Tags,
    Topic, Trail,
};
use orgtrail::policy::document::{ActionElement, Effect, PrincipalElement, Principals, ResourceElement, Statement};
use orgtrail::policy::{PolicyDocument, SID_PREFIX};

use super::config::OUTSIDER;

/// A damaged resource, with the field that a plan has to name.
pub type Damaged = (String, Resource);

/// Returns every damage that can be done to what a configuration asks for.
pub fn damages(seen: &Resource) -> Vec<Damaged> {
    match seen {
        Resource::Bucket(r) => all(r, bucket(r)),
        Resource::BucketPolicy(r) => {
            policies(&r.policy, true).into_iter().map(|policy| field("policy", BucketPolicy { policy })).collect()
        }
        Resource::Key(r) => all(r, key(r)),
        Resource::KeyPolicy(r) => {
            let other = |policy| field("policy", KeyPolicy { policy, ..r.clone() });
            policies(&r.policy, true).into_iter().map(other).collect()
        }
        Resource::Topic(r) => {
            let other = |policy| field("policy", Topic { policy, ..r.clone() });
            let tagged = tags(&r.tags).into_iter().map(|tags| field("tags", Topic { tags, ..r.clone() }));
            policies(&r.policy, true).into_iter().map(other).chain(tagged).collect()
        }
        Resource::LogGroup(r) => all(r, log_group(r)),
        Resource::Role(r) => all(r, role(r)),
        Resource::Policy(r) => all(r, policy(r)),
        Resource::Trail(r) => all(r, trail(r)),
        Resource::ServiceControlPolicy(r) => all(r, guard(r)),
        Resource::TrustedAccess(_) | Resource::DelegatedAdministrator(_) => Vec::new(),
    }
}

fn field(path: &str, resource: impl Into<Resource>) -> Damaged {
    (path.to_owned(), resource.into())
}

/// An edit of one kind of resource, with the field that it changes.
type Edit<T> = (String, Box<dyn Fn(&mut T)>);
type Edits<T> = Vec<Edit<T>>;

fn all<T: Clone + Into<Resource>>(resource: &T, edits: Edits<T>) -> Vec<Damaged> {
    let damage = |(path, edit): Edit<T>| {
        let mut damaged = resource.clone();
        edit(&mut damaged);
        (path, damaged.into())
    };
    edits.into_iter().map(damage).collect()
}

fn edit<T>(path: &str, edit: impl Fn(&mut T) + 'static) -> Edit<T> {
    (path.to_owned(), Box::new(edit))
}

fn bucket(seen: &Bucket) -> Edits<Bucket> {
    let mut edits: Edits<Bucket> = vec![
        edit("block_public_access", |r: &mut Bucket| r.block_public_access = false),
        edit("object_ownership", |r: &mut Bucket| r.object_ownership = Some("ObjectWriter".into())),
        edit("versioning", |r: &mut Bucket| r.versioning = !r.versioning),
        edit("encryption", |r: &mut Bucket| r.encryption = None),
        edit("requester_pays", |r: &mut Bucket| r.requester_pays = true),
    ];
    if seen.encryption.as_ref().is_some_and(|e| e.algorithm == "aws:kms") {
        edits.push(edit("encryption.bucket_key", |r: &mut Bucket| {
            r.encryption.iter_mut().for_each(|e| e.bucket_key = !e.bucket_key);
        }));
        edits.push(edit("encryption.key", |r: &mut Bucket| {
            r.encryption.iter_mut().for_each(|e| e.key = Some("alias/aws/s3".into()));
        }));
    }
    if !seen.lifecycle.is_empty() {
        edits.push(edit("lifecycle", |r: &mut Bucket| r.lifecycle.clear()));
        edits.push(edit("lifecycle", |r: &mut Bucket| r.lifecycle[0].enabled = false));
        edits.push(edit("lifecycle", |r: &mut Bucket| r.lifecycle[0].expire_after_days = Some(1)));
    }
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut Bucket| r.tags.clone_from(&tags)));
    }
    edits
}

fn key(seen: &Key) -> Edits<Key> {
    let mut edits: Edits<Key> = vec![
        edit("alias", |r: &mut Key| r.has_alias = false),
        edit("enabled", |r: &mut Key| r.enabled = false),
        edit("rotation", |r: &mut Key| r.rotation = false),
        edit("pending_deletion", |r: &mut Key| (r.enabled, r.pending_deletion) = (false, true)),
    ];
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut Key| r.tags.clone_from(&tags)));
    }
    edits
}

fn log_group(seen: &LogGroup) -> Edits<LogGroup> {
    let mut edits: Edits<LogGroup> = vec![
        edit("retention_days", |r: &mut LogGroup| r.retention_days = None),
        edit("retention_days", |r: &mut LogGroup| r.retention_days = Some(7)),
    ];
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut LogGroup| r.tags.clone_from(&tags)));
    }
    edits
}

fn role(seen: &Role) -> Edits<Role> {
    let mut edits: Edits<Role> = vec![
        edit("inline", |r: &mut Role| r.inline.clear()),
        edit("inline.More", |r: &mut Role| {
            let more = r.inline.values().next().cloned().unwrap();
            r.inline.insert("More".into(), more);
        }),
        edit("attached", |r: &mut Role| r.attached.extend(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()])),
    ];
    for trust in policies(&seen.trust, false) {
        edits.push(edit("trust", move |r: &mut Role| r.trust = trust.clone()));
    }
    for (name, document) in seen.inline.clone() {
        for other in policies(&document, false) {
            let name = name.clone();
            let path = format!("inline.{name}");
            edits.push(edit(&path, move |r: &mut Role| drop(r.inline.insert(name.clone(), other.clone()))));
        }
    }
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut Role| r.tags.clone_from(&tags)));
    }
    edits
}

fn policy(seen: &Policy) -> Edits<Policy> {
    let mut edits: Edits<Policy> = Vec::new();
    for document in policies(&seen.document, false) {
        edits.push(edit("document", move |r: &mut Policy| r.document = document.clone()));
    }
    if !seen.groups.is_empty() {
        edits.push(edit("groups", |r: &mut Policy| drop(r.groups.pop_first())));
    }
    if !seen.roles.is_empty() {
        edits.push(edit("roles", |r: &mut Policy| drop(r.roles.pop_first())));
    }
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut Policy| r.tags.clone_from(&tags)));
    }
    edits
}

fn guard(seen: &ServiceControlPolicy) -> Edits<ServiceControlPolicy> {
    let mut edits: Edits<ServiceControlPolicy> = vec![
        edit("targets", |r: &mut ServiceControlPolicy| drop(r.targets.pop_first())),
        edit("targets", |r: &mut ServiceControlPolicy| r.targets.extend(["ou-ab12-66666666".to_owned()])),
    ];
    for document in policies(&seen.document, false) {
        edits.push(edit("document", move |r: &mut ServiceControlPolicy| r.document = document.clone()));
    }
    for tags in tags(&seen.tags) {
        edits.push(edit("tags", move |r: &mut ServiceControlPolicy| r.tags.clone_from(&tags)));
    }
    edits
}

fn trail(seen: &Trail) -> Edits<Trail> {
    let other = |text: &mut Option<String>| *text = if text.is_some() { None } else { Some("arn:aws:x:::y".into()) };
    let mut edits: Edits<Trail> = vec![
        edit("bucket", |r: &mut Trail| r.bucket.push('x')),
        edit("prefix", |r: &mut Trail| r.prefix.push('x')),
        edit("topic", move |r: &mut Trail| other(&mut r.topic)),
        edit("global_events", |r: &mut Trail| r.global_events = !r.global_events),
        edit("multi_region", |r: &mut Trail| r.multi_region = !r.multi_region),
        edit("organization", |r: &mut Trail| r.organization = !r.organization),
        edit("validation", |r: &mut Trail| r.validation = !r.validation),
        edit("key", move |r: &mut Trail| other(&mut r.key)),
        edit("log_group", move |r: &mut Trail| other(&mut r.log_group)),
        edit("log_role", move |r: &mut Trail| other(&mut r.log_role)),
        edit("logging", |r: &mut Trail| r.logging = false),
        edit("selectors", |r: &mut Trail| r.selectors = BTreeSet::new()),
        edit("selectors", |r: &mut Trail| {
            let narrow = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
            r.selectors.insert(narrow.with("resources.type", "equals", ["AWS::Lambda::Function"]));
        }),
        edit("insights", |r: &mut Trail| {
            let insight = "ApiErrorRateInsight".to_owned();
            r.insights = &r.insights ^ &BTreeSet::from([insight]);
        }),
    ];
    for tags in tags(seen.tags.as_ref().unwrap()) {
        edits.push(edit("tags", move |r: &mut Trail| r.tags = Some(tags.clone())));
    }
    edits
}

/// Every tag but the owner's lost or changed, one at a time; and all of them lost.
fn tags(seen: &Tags) -> Vec<Tags> {
    let mut others = vec![Tags::new()];
    for key in seen.keys().filter(|key| *key != OWNER_TAG) {
        let (mut lost, mut changed) = (seen.clone(), seen.clone());
        lost.remove(key);
        changed.entry(key.clone()).and_modify(|value| value.push('x'));
        others.extend([lost, changed]);
    }
    others
}

/// Every way to change one statement of ours, and of a shared policy also an opening to an outsider.
fn policies(document: &PolicyDocument, shared: bool) -> Vec<PolicyDocument> {
    let mut others = Vec::new();
    for (place, statement) in document.statements.iter().enumerate() {
        let ours = statement.sid.as_deref().is_some_and(|sid| sid.starts_with(SID_PREFIX));
        if shared && !ours {
            continue;
        }
        let mut without = document.clone();
        without.statements.remove(place);
        others.push(without);
        for other in statements(statement) {
            let mut with = document.clone();
            with.statements[place] = other;
            others.push(with);
        }
    }
    others
}

fn statements(statement: &Statement) -> Vec<Statement> {
    let mut others = Vec::new();
    let mut damage = |edit: &dyn Fn(&mut Statement)| {
        let mut other = statement.clone();
        edit(&mut other);
        others.push(other);
    };
    damage(&|s| s.effect = if s.effect == Effect::Allow { Effect::Deny } else { Effect::Allow });
    damage(&|s| {
        let (ActionElement::Is(list) | ActionElement::IsNot(list)) = &mut s.action;
        list.push("s3:DeleteObject".into());
    });
    damage(&|s| s.action = ActionElement::Is(vec!["sts:GetCallerIdentity".into()]));
    if statement.principal.is_some() {
        let outsider = BTreeMap::from([("AWS".to_owned(), vec![OUTSIDER.to_owned()])]);
        damage(&|s| s.principal = Some(PrincipalElement::Is(Principals::Listed(outsider.clone()))));
    }
    if statement.resource.is_some() {
        damage(&|s| s.resource = Some(ResourceElement::Is(vec!["arn:aws:s3:::elsewhere".into()])));
    }
    for (operator, by_key) in &statement.condition {
        for (key, values) in by_key {
            let other = if values == &["false"] { "true".to_owned() } else { format!("{}x", values[0]) };
            damage(&|s| s.condition.get_mut(operator).unwrap().get_mut(key).unwrap()[0].clone_from(&other));
            damage(&|s| {
                s.condition.get_mut(operator).unwrap().remove(key);
                s.condition.retain(|_, by_key| !by_key.is_empty());
            });
        }
    }
    if statement.condition.is_empty() {
        let never = BTreeMap::from([("aws:CurrentTime".to_owned(), vec!["2020-01-01T00:00:00Z".to_owned()])]);
        damage(&|s| drop(s.condition.insert("DateLessThan".into(), never.clone())));
    }
    others
}
