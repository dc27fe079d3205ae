//! What a change may weaken, interrupt, destroy or cost; one function a kind.
//!
//! A change is judged by what it takes away from what is there. Bringing something back that a hand has taken away is
//! safe, also where it gives more rights than the damaged state did.

use std::collections::BTreeSet;

use serde_json::Value;

use super::change::{Action, Change, Risk, Step};
use super::{OtherTrail, retention};
use crate::estate::{Address, Bucket, Estate, LogGroup, Resource, Role, ServiceControlPolicy, Sighting, Trail};
use crate::policy::document::{ActionElement, PrincipalElement, ResourceElement};
use crate::policy::merge::{is_ours, sources};
use crate::policy::{Effect, PolicyDocument, Statement};

/// Judges one change.
pub(super) fn of(change: &Change, others: &[OtherTrail], ground: &Estate) -> BTreeSet<Risk> {
    let differing = |desired: &Resource, observed: &Resource| {
        let mut risks = update(desired, observed, change.action(), ground);
        risks.extend(second_copy(&change.address, desired, observed, ground));
        risks
    };
    let mut risks = match &change.step {
        Step::Create { desired, begun: None } => create(desired, others),
        Step::Create { desired, begun: Some(begun) } => differing(desired, &begun.observed),
        Step::Update { desired, observed, .. } | Step::Adopt { desired, observed, .. } => differing(desired, observed),
        Step::Retire { .. } => BTreeSet::from([Risk::Destroys]),
    };
    if risks.is_empty() {
        risks.insert(Risk::Safe);
    }
    risks
}

/// Returns the cost of a trail that takes over from trails of single accounts, which go on until they are retired.
/// Without them the same change brings back what a hand has taken away.
fn second_copy(at: &Address, desired: &Resource, observed: &Resource, ground: &Estate) -> Option<Risk> {
    let (Resource::Trail(wish), Resource::Trail(seen)) = (desired, observed) else { return None };
    let takes_over = wish.organization && !seen.organization && wish.records_management_events();
    let is_earlier = |(address, resource): (&Address, &Resource)| {
        matches!(resource, Resource::Trail(other) if !other.organization && other.logging && other.records_management_events())
            && address != at
            && resource.deployment() == desired.deployment()
    };
    (takes_over && ground.resources().any(is_earlier)).then_some(Risk::Costs)
}

fn create(desired: &Resource, others: &[OtherTrail]) -> BTreeSet<Risk> {
    let mut risks = BTreeSet::new();
    match desired {
        Resource::Trail(trail) => {
            let second_copy = trail.records_management_events() && others.iter().any(|e| !e.cost.is_empty());
            if second_copy || records_data(trail) || !trail.insights.is_empty() {
                risks.insert(Risk::Costs);
            }
        }
        Resource::Bucket(bucket) if is_compliance(bucket) => drop(risks.insert(Risk::Destroys)),
        // Members' own automation may have changed the trail until now. Nobody but a person can know that.
        Resource::ServiceControlPolicy(_) => drop(risks.insert(Risk::Interrupts)),
        _ => {}
    }
    risks
}

/// Judges what an update or an adoption takes away from what is there; nothing where it takes nothing.
pub(super) fn update(desired: &Resource, observed: &Resource, action: Action, ground: &Estate) -> BTreeSet<Risk> {
    let shared_policy = |wish: &PolicyDocument, seen: &PolicyDocument| shared_policy(wish, seen, ground);
    match (desired, observed) {
        (Resource::Bucket(wish), Resource::Bucket(seen)) => bucket(wish, seen, action),
        (Resource::BucketPolicy(wish), Resource::BucketPolicy(seen)) => shared_policy(&wish.policy, &seen.policy),
        (Resource::KeyPolicy(wish), Resource::KeyPolicy(seen)) => shared_policy(&wish.policy, &seen.policy),
        (Resource::Topic(wish), Resource::Topic(seen)) => shared_policy(&wish.policy, &seen.policy),
        (Resource::Role(wish), Resource::Role(seen)) => role(wish, seen),
        (Resource::LogGroup(wish), Resource::LogGroup(seen)) => log_group(wish, seen),
        (Resource::Trail(wish), Resource::Trail(seen)) => trail(wish, seen),
        (Resource::ServiceControlPolicy(wish), Resource::ServiceControlPolicy(seen)) => guard(wish, seen),
        _ => BTreeSet::new(),
    }
}

/// Compliance retention can never be shortened again, not even by the root user (Amazon S3 user guide, "Object Lock").
fn is_compliance(bucket: &Bucket) -> bool {
    bucket.object_lock.as_ref().is_some_and(|lock| lock.mode == "COMPLIANCE")
}

fn bucket(wish: &Bucket, seen: &Bucket, action: Action) -> BTreeSet<Risk> {
    let mut risks = BTreeSet::new();
    let algorithm = |bucket: &Bucket| bucket.encryption.as_ref().map(|e| e.algorithm.clone());
    let kms_before = algorithm(seen).is_some_and(|a| a.starts_with("aws:kms"));
    if (seen.versioning && !wish.versioning) || (kms_before && algorithm(wish).as_deref() == Some("AES256")) {
        risks.insert(Risk::Weakens);
    }
    if kms_before && wish.key().is_some() && seen.key().is_some() && wish.key() != seen.key() {
        risks.insert(Risk::Interrupts);
    }
    let owner_enforced = |bucket: &Bucket| bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced");
    if action == Action::Adopt && owner_enforced(wish) && !owner_enforced(seen) {
        // Whoever used access control lists on this bucket loses that way in.
        risks.insert(Risk::Interrupts);
    }
    if retention::deletes_sooner(wish, seen) {
        risks.extend([Risk::Weakens, Risk::Destroys]);
    }
    risks.extend(retention::archived_sooner(wish, seen));
    if let (Some(wish), Some(seen)) = (&wish.object_lock, &seen.object_lock)
        && (wish.days < seen.days || (seen.mode == "COMPLIANCE" && wish.mode != "COMPLIANCE"))
    {
        risks.insert(Risk::Weakens);
    }
    if is_compliance(wish) && wish.object_lock != seen.object_lock {
        risks.insert(Risk::Destroys);
    }
    risks
}

fn log_group(wish: &LogGroup, seen: &LogGroup) -> BTreeSet<Risk> {
    let shorter = wish.retention_days.is_some_and(|days| seen.retention_days.is_none_or(|now| days < now));
    if shorter { BTreeSet::from([Risk::Weakens, Risk::Destroys]) } else { BTreeSet::new() }
}

fn role(wish: &Role, seen: &Role) -> BTreeSet<Risk> {
    let longer = matches!((wish.max_session_s, seen.max_session_s), (Some(wish), Some(seen)) if wish > seen);
    let opened = loses_condition(&wish.trust, &seen.trust)
        || wish
            .inline
            .iter()
            .any(|(name, policy)| seen.inline.get(name).is_some_and(|before| loses_condition(policy, before)));
    if longer || opened { BTreeSet::from([Risk::Weakens]) } else { BTreeSet::new() }
}

/// A policy that others may write to as well: dropping one of their statements is a loss that only they can undo.
fn shared_policy(wish: &PolicyDocument, seen: &PolicyDocument, ground: &Estate) -> BTreeSet<Risk> {
    let mut risks = BTreeSet::new();
    if loses_condition(wish, seen) || loses_deny(wish, seen) {
        risks.insert(Risk::Weakens);
    }
    if sources(seen).difference(&sources(wish)).any(|arn| may_write(arn, ground)) {
        // A trail that may write now may not any more.
        risks.insert(Risk::Interrupts);
    }
    let foreign = |document: &PolicyDocument| {
        document.statements.iter().filter(|s| !is_ours(s)).map(Statement::to_value).map(|v| v.to_string()).collect()
    };
    let (before, after): (BTreeSet<String>, BTreeSet<String>) = (foreign(seen), foreign(wish));
    let ours = |text: &String| {
        // A statement of others that says what ours says is not lost when ours takes its place.
        wish.statements.iter().any(|s| same_but_sid(s, text))
    };
    if before.difference(&after).any(|text| !ours(text)) {
        risks.insert(Risk::Destroys);
    }
    risks
}

/// A trail that is known to be gone or stopped loses nothing.
fn may_write(trail: &str, ground: &Estate) -> bool {
    let sighting = Address::of_trail(trail).and_then(|address| ground.sightings.get(&address));
    match sighting {
        Some(Sighting::Absent) => false,
        Some(Sighting::Present(resource)) => !matches!(resource.as_ref(), Resource::Trail(trail) if !trail.logging),
        Some(Sighting::Unreadable(_)) | None => true,
    }
}

fn same_but_sid(statement: &Statement, text: &str) -> bool {
    let without_sid = |mut value: Value| {
        value.as_object_mut().and_then(|object| object.remove("Sid"));
        value
    };
    serde_json::from_str::<Value>(text).is_ok_and(|other| without_sid(other) == without_sid(statement.to_value()))
}

/// Tells whether an Allow for the same principals, actions and resources has lost one of its conditions.
fn loses_condition(wish: &PolicyDocument, seen: &PolicyDocument) -> bool {
    let allows = |document: &PolicyDocument| -> Vec<Statement> {
        document.statements.iter().filter(|s| s.effect == Effect::Allow).cloned().collect()
    };
    let after = allows(wish);
    allows(seen).iter().any(|before| {
        let same: Vec<&Statement> = after.iter().filter(|s| reaches_the_same(s, before)).collect();
        let keys = |s: &Statement| -> BTreeSet<(String, String)> {
            s.condition
                .iter()
                .flat_map(|(op, by)| by.keys().map(move |k| (op.clone(), k.to_ascii_lowercase())))
                .collect()
        };
        !same.is_empty() && same.iter().all(|s| !keys(s).is_superset(&keys(before)))
    })
}

fn reaches_the_same(one: &Statement, other: &Statement) -> bool {
    let principal = |s: &Statement| s.principal.as_ref().map(|p: &PrincipalElement| format!("{p:?}"));
    let set = |list: &[String]| list.iter().map(|text| text.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    let same_actions = match (&one.action, &other.action) {
        (ActionElement::Is(a), ActionElement::Is(b)) => set(a) == set(b),
        (a, b) => a == b,
    };
    let same_resources = match (&one.resource, &other.resource) {
        (Some(ResourceElement::Is(a)), Some(ResourceElement::Is(b))) => set(a) == set(b),
        (a, b) => a == b,
    };
    same_actions && same_resources && principal(one) == principal(other)
}

/// Tells whether a Deny is gone that no other takes the place of.
fn loses_deny(wish: &PolicyDocument, seen: &PolicyDocument) -> bool {
    let none = crate::policy::Aliases::new();
    let denies = |document: &PolicyDocument| -> BTreeSet<_> {
        let denies = document.statements.iter().filter(|s| s.effect == Effect::Deny);
        denies.map(|s| crate::policy::canonical::canonical_statement(s, &none)).collect()
    };
    denies(seen).difference(&denies(wish)).next().is_some()
}

/// More accounts, or more that is denied to them, may stop somebody's work; fewer protect less.
fn guard(wish: &ServiceControlPolicy, seen: &ServiceControlPolicy) -> BTreeSet<Risk> {
    let mut risks = BTreeSet::new();
    if wish.targets.difference(&seen.targets).next().is_some() || loses_deny(&seen.document, &wish.document) {
        risks.insert(Risk::Interrupts);
    }
    if seen.targets.difference(&wish.targets).next().is_some() || loses_deny(&wish.document, &seen.document) {
        risks.insert(Risk::Weakens);
    }
    risks
}

fn records_data(trail: &Trail) -> bool {
    trail.selectors.iter().any(|selector| !selector.is_management())
}

fn trail(wish: &Trail, seen: &Trail) -> BTreeSet<Risk> {
    let mut risks = BTreeSet::new();
    let lost = |before: bool, after: bool| before && !after;
    let weaker = lost(seen.validation, wish.validation)
        || lost(seen.multi_region, wish.multi_region)
        || lost(seen.global_events, wish.global_events)
        || lost(seen.organization, wish.organization)
        || lost(seen.key.is_some(), wish.key.is_some())
        || lost(seen.log_group.is_some(), wish.log_group.is_some())
        || lost(seen.topic.is_some(), wish.topic.is_some())
        || seen.insights.difference(&wish.insights).next().is_some()
        || records_less(wish, seen);
    if weaker {
        risks.insert(Risk::Weakens);
    }
    let moved = seen.bucket != wish.bucket
        || seen.prefix != wish.prefix
        || (seen.key.is_some() && wish.key.is_some() && seen.key != wish.key)
        || lost(seen.organization, wish.organization);
    if moved {
        risks.insert(Risk::Interrupts);
    }
    let more_data = wish.selectors.iter().any(|s| !s.is_management() && !seen.selectors.contains(s));
    if more_data || wish.insights.difference(&seen.insights).next().is_some() {
        risks.insert(Risk::Costs);
    }
    risks
}

/// Tells whether some selector is gone without one in its place that records at least as much.
fn records_less(wish: &Trail, seen: &Trail) -> bool {
    seen.selectors.iter().any(|before| !wish.selectors.iter().any(|after| after.covers(before)))
}

#[cfg(test)]
mod tests;
