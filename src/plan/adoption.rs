//! What a plan takes away from others: statements, lifecycle steps, access control lists, policies of roles. Each is named,
//! because nobody but they can make it again.

use super::change::{Action, Change};
use super::finding::{Finding, Harm};
use crate::estate::bucket::LifecycleRule;
use crate::estate::{Bucket, Resource, Role};
use crate::policy::document::{Effect, Statement};
use crate::policy::merge::is_ours;

/// The code of these findings.
pub const TAKEN_AWAY: &str = "taken-away";

/// Names it, change by change.
pub(super) fn findings(changes: &[Change]) -> Vec<Finding> {
    changes.iter().flat_map(of_change).collect()
}

fn of_change(change: &Change) -> Vec<Finding> {
    let (Some(wish), Some(seen)) = (&change.desired, &change.observed) else { return Vec::new() };
    let said = match (wish, seen) {
        (Resource::Bucket(wish), Resource::Bucket(seen)) if change.action == Action::Adopt => bucket(wish, seen),
        (Resource::Role(wish), Resource::Role(seen)) if change.action == Action::Adopt => role(wish, seen),
        _ => statements(wish, seen),
    };
    let finding = |message| {
        Finding::new(
            Harm::Harmless,
            &change.address,
            TAKEN_AWAY,
            message,
            "say it in the configuration where it can be said, or ask those who made it before you apply",
        )
    };
    said.into_iter().map(finding).collect()
}

/// The statements of others that a shared policy loses.
fn statements(wish: &Resource, seen: &Resource) -> Vec<String> {
    let (Some(wish), Some(seen)) = (wish.shared_policy(), seen.shared_policy()) else { return Vec::new() };
    let without_sid = |statement: &Statement| Statement { sid: None, ..statement.clone() };
    let stays = |statement: &Statement| wish.statements.iter().any(|s| without_sid(s) == without_sid(statement));
    let lost = seen.statements.iter().enumerate().filter(|(_, statement)| !is_ours(statement) && !stays(statement));
    let named = |(index, statement): (usize, &Statement)| {
        let name = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
        let effect = if statement.effect == Effect::Allow { "allows" } else { "denies" };
        let value = statement.to_value();
        let principal = value.get("Principal").or(value.get("NotPrincipal")).map(ToString::to_string);
        let principal = principal.unwrap_or_else(|| "nobody".to_owned());
        format!("Statement[{index}]{name} of somebody else ends, which {effect} {principal} {}", value["Action"])
    };
    lost.map(named).collect()
}

fn bucket(wish: &Bucket, seen: &Bucket) -> Vec<String> {
    let rules = seen.lifecycle.iter().filter(|rule| !wish.lifecycle.contains(rule));
    let mut said: Vec<String> = rules.filter_map(|rule| lifecycle(wish, rule)).collect();
    let enforced = |bucket: &Bucket| bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced");
    if enforced(wish) && !enforced(seen) {
        said.push(
            "access control lists end: whoever was let in by one needs a statement in the bucket policy, and new objects \
             belong to the bucket's account"
                .into(),
        );
    }
    if let (Some(target), Some(now)) = (&wish.access_logs, &seen.access_logs)
        && target != now
    {
        said.push(format!("access is no longer logged into {} under {:?}", now.bucket, now.prefix));
    }
    if seen.requester_pays && !wish.requester_pays {
        said.push("requesters do not pay any more".into());
    }
    let key = |bucket: &Bucket| bucket.encryption.as_ref().and_then(|encryption| encryption.key.clone());
    if let Some(now) = key(seen).filter(|now| key(wish).as_ref() != Some(now)) {
        said.push(format!("new objects are no longer encrypted with {now}"));
    }
    said
}

/// A step that our rule takes too is not taken away.
fn lifecycle(wish: &Bucket, rule: &LifecycleRule) -> Option<String> {
    let kept = |step: &(u32, String)| wish.lifecycle.iter().any(|ours| ours.transitions.contains(step));
    let mut steps: Vec<String> = rule
        .transitions
        .iter()
        .filter(|step| !kept(step))
        .map(|(days, class)| format!("moves to {class} after {days} days"))
        .collect();
    let expires = |days: u32| wish.lifecycle.iter().any(|ours| ours.expire_after_days == Some(days));
    steps
        .extend(rule.expire_after_days.filter(|days| !expires(*days)).map(|days| format!("deletes after {days} days")));
    let old = |days: u32| wish.lifecycle.iter().any(|ours| ours.expire_noncurrent_after_days == Some(days));
    let old_days = rule.expire_noncurrent_after_days.filter(|days| !old(*days));
    steps.extend(old_days.map(|days| format!("deletes old versions after {days} days")));
    steps.extend(rule.other.iter().cloned());
    let below = if rule.prefix.is_empty() { String::new() } else { format!(" below {:?}", rule.prefix) };
    let state = if rule.enabled { "" } else { ", which is not in force," };
    (!steps.is_empty()).then(|| format!("the lifecycle rule {:?}{below}{state} ends: it {}", rule.id, steps.join(", ")))
}

fn role(wish: &Role, seen: &Role) -> Vec<String> {
    let inline = seen
        .inline
        .keys()
        .filter(|name| !wish.inline.contains_key(*name))
        .map(|name| format!("the inline policy {name} ends"));
    let attached =
        seen.attached.difference(&wish.attached).map(|name| format!("the attached policy {name} is detached"));
    let trust = (seen.trust != wish.trust).then(|| "who may assume the role is set anew".to_owned());
    inline.chain(attached).chain(trust).collect()
}
