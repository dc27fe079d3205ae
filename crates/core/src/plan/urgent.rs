//! What waits for nobody: the parts of changes that bring back a log or its protection and take nothing away.
//!
//! A change may wait for a person because of one field, for another change, for an hour or for a number. A trail that
//! was stopped beside it, an open bucket or a lost rule against plain HTTP may not: such a part is a change of its own
//! at the same address, with fewer fields and without dependencies. It is made before everything else
//! ([`Plan::urgent`]).
//!
//! [`Plan::urgent`]: super::Plan::urgent

use std::collections::BTreeSet;

use super::change::{Action, Change, Risk, Step};
use super::field_change::FieldChange;
use super::{diff, risk};
use crate::estate::key::referenced_key;
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::estate::{Address, Bucket, Desired, Estate, Key, Kind, OWNER_TAG, Resource, Role, Trail};
use crate::policy::document::{ActionElement, PrincipalElement, Principals, ResourceElement};
use crate::policy::merge::{is_ours, sources};
use crate::policy::{Aliases, Effect, PolicyDocument, Statement};

/// The service principal that writes logs, the same in every partition.
const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// Returns the parts of `changes` that wait for nothing, in the order in which they are made.
pub(super) fn parts<'a>(
    desired: &Desired,
    observed: &Estate,
    changes: impl Iterator<Item = &'a Change>,
) -> Vec<Change> {
    let ground = Ground { desired, observed, aliases: observed.aliases(desired.partition) };
    let mut parts: Vec<Change> = changes.flat_map(|change| ground.parts(change)).collect();
    // The sort is stable: within one phase the order is the plan's.
    parts.sort_by_key(phase);
    parts
}

/// Returns when a part is made: all of one phase side by side, and each phase after the one before.
///
/// A log is started first, because nothing can refuse that. What CloudTrail looks at when a trail is changed comes
/// before the change of the trail, and a policy before Block Public Access, under which S3 would refuse it where a
/// public statement of others stays in it.
pub fn phase(part: &Change) -> u8 {
    match part.address.kind {
        Kind::TrustedAccess => 0,
        Kind::Trail if starts_only(part) => 0,
        Kind::Key => 1,
        Kind::KeyPolicy | Kind::BucketPolicy => 2,
        Kind::Bucket => 3,
        _ => 4,
    }
}

/// Tells whether a change does nothing but start a log.
pub fn starts_only(change: &Change) -> bool {
    change.action() == Action::Update && matches!(change.fields(), [field] if field.path == "logging")
}

/// Returns what is left of a change after parts of it; nothing where they were all of it.
pub fn rest(change: &Change, made: &[&Change]) -> Option<Change> {
    let Some(now) = made.last().and_then(|last| last.desired()) else { return Some(change.clone()) };
    let step = match &change.step {
        Step::Create { desired, .. } => Step::update(desired.clone(), now.clone(), differences(desired, now))?,
        Step::Update { desired, fields, .. } => {
            Step::update(desired.clone(), now.clone(), left(desired, now, fields, made))?
        }
        // Taking a resource over is more than its fields.
        Step::Adopt { desired, fields, .. } => {
            let fields = left(desired, now, fields, made);
            Step::Adopt { desired: desired.clone(), observed: now.clone(), fields }
        }
        Step::Retire { .. } => return Some(change.clone()),
    };
    Some(Change { step, ..change.clone() })
}

/// Returns what of the fields of a change is left after parts of it.
fn left(desired: &Resource, now: &Resource, fields: &[FieldChange], made: &[&Change]) -> Vec<FieldChange> {
    // A policy is one field: what of it still differs is asked again.
    if let (Some(wish), Some(seen)) = (policy(desired), policy(now))
        && wish != seen
    {
        return differences(desired, now);
    }
    let done = |path: &str| made.iter().any(|part| part.fields().iter().any(|field| field.path == path));
    fields.iter().filter(|field| !done(&field.path)).cloned().collect()
}

fn policy(resource: &Resource) -> Option<&PolicyDocument> {
    match resource {
        Resource::BucketPolicy(r) => Some(&r.policy),
        Resource::KeyPolicy(r) => Some(&r.policy),
        _ => None,
    }
}

fn differences(wish: &Resource, seen: &Resource) -> Vec<FieldChange> {
    diff::differences(wish, seen, &Aliases::new())
}

/// What the judgement of a part stands on.
struct Ground<'a> {
    desired: &'a Desired,
    observed: &'a Estate,
    aliases: Aliases,
}

impl Ground<'_> {
    fn parts(&self, change: &Change) -> Vec<Change> {
        match (change.desired(), change.observed()) {
            (Some(Resource::Trail(wish)), Some(Resource::Trail(seen))) if self.is_kept(change) => {
                self.trail(change, wish, seen)
            }
            (Some(Resource::Trail(wish)), None) => self.trail_again(change, wish).into_iter().collect(),
            (Some(Resource::TrustedAccess(_)), None)
                if change.address.name == CLOUDTRAIL_PRINCIPAL
                    && self.is_deployed()
                    && self.has_organization_trail() =>
            {
                vec![alone(change.clone())]
            }
            (Some(Resource::Bucket(wish)), Some(Resource::Bucket(seen))) if self.is_kept(change) => {
                self.update(change, self.bucket(change.action(), wish, seen).into()).into_iter().collect()
            }
            (Some(Resource::Key(wish)), Some(Resource::Key(seen))) if self.is_kept(change) => {
                self.update(change, key(wish, seen).into()).into_iter().collect()
            }
            (Some(Resource::BucketPolicy(_)), None) if self.keeps_the_owner(change) => vec![alone(change.clone())],
            (Some(Resource::BucketPolicy(_) | Resource::KeyPolicy(_)), Some(seen)) if self.keeps_the_owner(change) => {
                self.shared_policy(change, seen).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Tells whether a resource is this deployment's, although its tag may have been taken away or changed.
    fn is_kept(&self, change: &Change) -> bool {
        match &change.step {
            Step::Update { .. } => true,
            Step::Adopt { observed, .. } => self.is_deployed() && self.is_in_use(&change.address, observed),
            Step::Create { .. } | Step::Retire { .. } => false,
        }
    }

    /// Tells whether the bucket or key whose policy is changed is this deployment's. Policies carry no tags.
    fn keeps_the_owner(&self, change: &Change) -> bool {
        let kind = if change.address.kind == Kind::KeyPolicy { Kind::Key } else { Kind::Bucket };
        let owner = change.address.with_kind(kind);
        self.observed.resource(&owner).is_some_and(|seen| {
            seen.deployment() == Some(self.desired.deployment.as_str())
                || (self.is_deployed() && self.is_in_use(&owner, seen))
        })
    }

    /// Tells whether a trail of the configuration writes into the bucket, or encrypts with the key, that the
    /// configuration names, or their policies have statements of orgtrail, or the bucket encrypts with the key, or
    /// readers of this deployment read there: without a tag, that is what shows that it was taken away.
    fn is_in_use(&self, address: &Address, seen: &Resource) -> bool {
        match (seen, self.desired.wanted.get(address).map(|wanted| &wanted.resource)) {
            (Resource::Trail(seen), Some(Resource::Trail(wish))) => seen.bucket == wish.bucket,
            // A bucket that a run has just begun to make gets its tags first.
            (Resource::Bucket(bucket), _) if bucket.untouched => false,
            // What lies in the lake, its bucket does not show: without a statement of orgtrail it may be anybody's.
            (Resource::Bucket(_), _) if self.desired.is_lake(address) => {
                self.has_statements_of_ours(&address.with_kind(Kind::BucketPolicy))
            }
            (Resource::Bucket(bucket), _) => {
                self.trails().any(|trail| trail.bucket == address.name)
                    || self.has_statements_of_ours(&address.with_kind(Kind::BucketPolicy))
                    || self.encrypts_with_ours(bucket)
                    || address.arn(self.desired.partition).is_some_and(|arn| self.readers_name(arn.as_str()))
            }
            (Resource::Key(key), _) => key.arn.as_ref().is_some_and(|arn| {
                self.trails().any(|trail| trail.key.as_ref() == Some(arn))
                    || self.has_statements_of_ours(&address.with_kind(Kind::KeyPolicy))
                    || self.log_bucket().and_then(Bucket::key) == Some(arn)
                    || self.readers_name(arn)
            }),
            _ => false,
        }
    }

    fn has_statements_of_ours(&self, policy: &Address) -> bool {
        let policy = self.observed.resource(policy).and_then(Resource::shared_policy);
        policy.is_some_and(|policy| policy.statements.iter().any(is_ours))
    }

    /// The bucket of the configuration, as it is.
    fn log_bucket(&self) -> Option<&Bucket> {
        match self.observed.resource(self.desired.log_bucket()?)? {
            Resource::Bucket(bucket) => Some(bucket),
            _ => None,
        }
    }

    /// Tells whether a bucket encrypts with the key under the alias of the configuration.
    fn encrypts_with_ours(&self, bucket: &Bucket) -> bool {
        let mut keys = self.desired.wanted.keys().filter(|address| address.kind == Kind::Key);
        keys.any(|address| match self.observed.resource(address) {
            Some(Resource::Key(key)) => key.arn.is_some() && key.arn.as_ref() == bucket.key(),
            _ => false,
        })
    }

    /// Tells whether a reader role with the tag of this deployment reads below this bucket, or decrypts with this key.
    fn readers_name(&self, arn: &str) -> bool {
        let ours = |role: &Role| role.tags.get(OWNER_TAG) == Some(&self.desired.deployment);
        self.observed.resources().any(|(_, resource)| match resource {
            Resource::Role(role) if ours(role) => role.inline.values().any(|document| names(document, arn)),
            _ => false,
        })
    }

    /// Tells whether anything that is wanted carries the tag of this deployment: it was set up before.
    fn is_deployed(&self) -> bool {
        let ours = |resource: &Resource| resource.deployment() == Some(self.desired.deployment.as_str());
        self.desired.wanted.keys().any(|address| self.observed.resource(address).is_some_and(ours))
    }

    /// The trails at wanted addresses, as they are.
    fn trails(&self) -> impl Iterator<Item = &Trail> {
        self.desired.wanted.keys().filter_map(|address| match self.observed.resource(address) {
            Some(Resource::Trail(trail)) => Some(trail),
            _ => None,
        })
    }

    fn has_organization_trail(&self) -> bool {
        self.trails().any(|trail| trail.organization)
    }

    /// Starting is a part of its own: CloudTrail looks at bucket and key when a trail is changed, not when it is
    /// started.
    fn trail(&self, change: &Change, wish: &Trail, seen: &Trail) -> Vec<Change> {
        let started = Trail { logging: seen.logging || wish.logging, ..seen.clone() };
        let edits: [&dyn Fn(&mut Trail); 5] = [
            &|trail| trail.validation |= wish.validation,
            &|trail| {
                trail.global_events |= wish.global_events;
                trail.multi_region |= wish.multi_region;
            },
            &|trail| trail.organization |= wish.organization && !change.risk.contains(&Risk::Costs),
            &|trail| {
                if trail.key.is_none() && wish.key.as_deref().is_some_and(|key| referenced_key(key).is_none()) {
                    trail.key.clone_from(&wish.key);
                }
            },
            &|trail| trail.selectors.clone_from(&wish.selectors),
        ];
        let settings = self.with_each(change.action(), started.clone(), &edits);
        let start = self.between(change, seen.clone().into(), started.clone().into());
        let settings = self.between(change, started.into(), settings.into());
        start.into_iter().chain(settings).collect()
    }

    /// A trail that is gone and that the bucket still lets in was there before: it is made again. What costs and may be
    /// new, data events and insights, is left to the rest of the change.
    fn trail_again(&self, change: &Change, wish: &Trail) -> Option<Change> {
        let arn = change.address.arn(self.desired.partition)?;
        let mut policies = self.observed.resources().filter_map(|(address, resource)| match resource {
            Resource::BucketPolicy(r) if address.name == wish.bucket => Some(&r.policy),
            _ => None,
        });
        let unknown_key = wish.key.as_deref().is_some_and(|key| referenced_key(key).is_some());
        if unknown_key || !policies.any(|policy| sources(policy).contains(arn.as_str())) {
            return None;
        }
        let mut trail = wish.clone();
        if change.risk.contains(&Risk::Costs) {
            trail.selectors.retain(|selector| selector.is_management());
            trail.insights.clear();
        }
        if trail.selectors.is_empty() {
            return None;
        }
        Some(alone(Change { step: Step::create(trail.into()), risk: safe(), ..change.clone() }))
    }

    fn bucket(&self, action: Action, wish: &Bucket, seen: &Bucket) -> Bucket {
        let known_key = |bucket: &Bucket| bucket.key().is_none_or(|key| referenced_key(key).is_none());
        let edits: [&dyn Fn(&mut Bucket); 7] = [
            &|bucket| bucket.block_public_access |= wish.block_public_access,
            &|bucket| bucket.versioning |= wish.versioning,
            &|bucket| bucket.requester_pays &= wish.requester_pays,
            &|bucket| bucket.object_ownership = wish.object_ownership.clone().or(bucket.object_ownership.take()),
            &|bucket| {
                if known_key(wish) {
                    bucket.encryption.clone_from(&wish.encryption);
                }
            },
            &|bucket| bucket.lifecycle.clone_from(&wish.lifecycle),
            &|bucket| bucket.object_lock = wish.object_lock.clone().or(bucket.object_lock.take()),
        ];
        self.with_each(action, seen.clone(), &edits)
    }

    /// Makes each edit that takes nothing away from what is there.
    fn with_each<T: Clone + Into<Resource>>(&self, action: Action, seen: T, edits: &[&dyn Fn(&mut T)]) -> T {
        let before: Resource = seen.clone().into();
        edits.iter().fold(seen, |done, edit| {
            let mut next = done.clone();
            edit(&mut next);
            let is_safe = risk::update(&next.clone().into(), &before, action, self.observed).is_empty();
            if is_safe { next } else { done }
        })
    }

    /// Puts the statements of orgtrail back without which CloudTrail cannot write, plain HTTP is open, or KMS refuses
    /// the policy of a key. Those of others stay, and what else of orgtrail was changed is left to the rest of the
    /// change.
    fn shared_policy(&self, change: &Change, seen: &Resource) -> Option<Change> {
        let wished = change.desired()?.shared_policy()?;
        let mut after = seen.clone();
        let document = after.shared_policy_mut()?;
        for statement in wished.statements.iter().filter(|statement| is_ours(statement)) {
            put_back(document, statement);
        }
        self.between(change, seen.clone(), after)
    }

    fn update(&self, change: &Change, after: Resource) -> Option<Change> {
        self.between(change, change.observed()?.clone(), after)
    }

    /// Makes the part that leads from one state to another; nothing where they are the same.
    fn between(&self, change: &Change, before: Resource, after: Resource) -> Option<Change> {
        let fields = diff::differences(&after, &before, &self.aliases);
        Some(alone(Change { step: Step::update(after, before, fields)?, risk: safe(), ..change.clone() }))
    }
}

fn names(document: &PolicyDocument, arn: &str) -> bool {
    document.statements.iter().any(|statement| match &statement.resource {
        Some(ResourceElement::Is(list)) => list
            .iter()
            .any(|resource| resource.strip_prefix(arn).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))),
        _ => false,
    })
}

fn safe() -> BTreeSet<Risk> {
    BTreeSet::from([Risk::Safe])
}

/// A part depends on nothing.
fn alone(part: Change) -> Change {
    Change { depends_on: Vec::new(), ..part }
}

fn key(wish: &Key, seen: &Key) -> Key {
    Key {
        enabled: seen.enabled || wish.enabled,
        pending_deletion: seen.pending_deletion && wish.pending_deletion,
        deletion_date: None,
        rotation: seen.rotation || wish.rotation,
        ..seen.clone()
    }
}

/// Puts one statement of orgtrail back where it is missing, or where what stands in its place says less: the rule
/// against plain HTTP never changes, and a statement that lets CloudTrail in is put back as long as no source loses its
/// way in. KMS takes no policy after which the account cannot change it again.
fn put_back(document: &mut PolicyDocument, statement: &Statement) {
    if !is_against_plain_http(statement) && !lets_cloudtrail_in(statement) && !lets_the_account_in(statement) {
        return;
    }
    match document.statements.iter_mut().find(|other| other.sid == statement.sid) {
        None => document.statements.push(statement.clone()),
        Some(there) if is_against_plain_http(statement) || sources_of(there).is_subset(&sources_of(statement)) => {
            there.clone_from(statement);
        }
        Some(_) => {}
    }
}

fn lets_cloudtrail_in(statement: &Statement) -> bool {
    let is_cloudtrail = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            by_kind.iter().all(|(kind, names)| kind == "Service" && names.iter().all(|name| name == CLOUDTRAIL))
        }
        _ => false,
    };
    statement.effect == Effect::Allow && is_cloudtrail
}

/// Tells whether a statement lets the root of one account, and so what its administrators allow, do anything with a
/// key.
fn lets_the_account_in(statement: &Statement) -> bool {
    let is_root = match &statement.principal {
        Some(PrincipalElement::Is(Principals::Listed(by_kind))) => {
            by_kind.iter().all(|(kind, names)| kind == "AWS" && names.iter().all(|name| name.ends_with(":root")))
        }
        _ => false,
    };
    let all = ActionElement::Is(vec!["kms:*".to_owned()]);
    statement.effect == Effect::Allow && is_root && statement.action == all && statement.condition.is_empty()
}

fn sources_of(statement: &Statement) -> BTreeSet<String> {
    sources(&PolicyDocument { version: None, id: None, statements: vec![statement.clone()] })
}

fn is_against_plain_http(statement: &Statement) -> bool {
    statement.effect == Effect::Deny
        && statement.condition.len() == 1
        && statement
            .condition
            .values()
            .all(|by_key| by_key.len() == 1 && by_key.keys().all(|key| key.eq_ignore_ascii_case("aws:SecureTransport")))
}
