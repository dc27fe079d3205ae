//! What a plan takes away from others: statements, lifecycle steps, access control lists, policies of roles. Each is
//! named, because nobody but they can make it again.

use super::change::{Action, Change};
use super::finding::{Finding, Harm};
use super::surroundings::LOG_DELIVERY;
use crate::estate::bucket::LifecycleRule;
use crate::estate::surroundings::{AclGrant, Readable};
use crate::estate::{Address, Bucket, Desired, Estate, Resource, Role};
use crate::policy::document::{Effect, Statement};
use crate::policy::merge::is_ours;

/// The code of these findings.
pub const TAKEN_AWAY: &str = "taken-away";

/// What to do where nothing better is known.
const HELP: &str = "say it in the configuration where it can be said, or ask those who made it before you apply";

/// Names it, change by change.
pub(super) fn findings(desired: &Desired, observed: &Estate, changes: &[Change]) -> Vec<Finding> {
    let lists = changes.iter().filter(|change| ends_lists(change)).flat_map(|change| lists(desired, observed, change));
    changes.iter().flat_map(of_change).chain(lists).collect()
}

fn of_change(change: &Change) -> Vec<Finding> {
    let (Some(wish), Some(seen)) = (change.desired(), change.observed()) else { return Vec::new() };
    let said = match (wish, seen) {
        (Resource::Bucket(wish), Resource::Bucket(seen)) if change.action() == Action::Adopt => bucket(wish, seen),
        (Resource::Role(wish), Resource::Role(seen)) if change.action() == Action::Adopt => role(wish, seen),
        _ => statements(wish, seen),
    };
    let finding = |message| Finding::new(Harm::Harmless, &change.address, TAKEN_AWAY, message, HELP);
    said.into_iter().map(finding).collect()
}

fn is_enforced(bucket: &Bucket) -> bool {
    bucket.object_ownership.as_deref() == Some("BucketOwnerEnforced")
}

/// Tells whether a change ends the access control lists of a bucket.
fn ends_lists(change: &Change) -> bool {
    matches!((change.desired(), change.observed()), (Some(Resource::Bucket(wish)), Some(Resource::Bucket(seen)))
        if is_enforced(wish) && !is_enforced(seen))
}

/// Names each grant that ends with the access control list of a bucket, and how its holder gets in again.
fn lists(desired: &Desired, observed: &Estate, change: &Change) -> Vec<Finding> {
    let at = &change.address;
    let finding = |message: String, help: String| Finding::new(Harm::Harmless, at, TAKEN_AWAY, message, help);
    let exposure = observed.surroundings.as_ref().and_then(|surroundings| surroundings.buckets.get(at));
    let unknown = |why: &str| {
        let message = format!("which grants of the bucket's access control list end is not known: {why}");
        vec![finding(
            message,
            format!("look at them before you apply: `aws s3api get-bucket-acl --bucket {}`", at.name),
        )]
    };
    match exposure.map(|exposure| &exposure.acl) {
        None => unknown("it was not looked at when the estate was recorded"),
        Some(Readable::Unreadable(problem)) => unknown(&problem.message),
        Some(Readable::Read(grants)) => grants
            .iter()
            .map(|grant| {
                let (who, help) = grantee(desired, at, grant);
                let AclGrant { permission, .. } = grant;
                finding(format!("{who} loses {permission} on the bucket, which its access control list gives"), help)
            })
            .collect(),
    }
}

/// Says whose a grant is, and what gives it back. AWS tells no account for a canonical user id, and no prefix for the
/// group that writes access logs, so that neither can be written into the policy unasked.
fn grantee(desired: &Desired, bucket: &Address, grant: &AclGrant) -> (String, String) {
    let AclGrant { grantee, permission } = grant;
    if grantee == LOG_DELIVERY {
        let help = format!(
            "if other buckets log their access here, write this into the bucket policy before you apply, with their prefix for \
             PREFIX; it stays beside orgtrail's statements: {}",
            access_logs_statement(desired, bucket)
        );
        return ("the delivery of S3 access logs".to_owned(), help);
    }
    match grantee.rsplit('/').next() {
        Some("AllUsers") => ("anyone, without an AWS account".to_owned(), "it is not given back".to_owned()),
        Some("AuthenticatedUsers") => ("anyone with an AWS account".to_owned(), "it is not given back".to_owned()),
        _ => {
            let who = format!("the canonical user {grantee}");
            let help = if permission.contains("READ") || permission == "FULL_CONTROL" {
                "if its account is to read logs, name the account under `bucket.trusted_readers`; its owner learns the canonical \
                 user id of an account with `aws s3api list-buckets --query Owner.ID`"
            } else {
                "it writes into the bucket or changes its list: it is not given back"
            };
            (who, help.to_owned())
        }
    }
}

/// Source: Amazon S3 user guide, "Permissions for log delivery". The bucket that is logged is of the account that holds
/// the logs.
fn access_logs_statement(desired: &Desired, bucket: &Address) -> String {
    let arn = bucket.arn(desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
    serde_json::json!({
        "Sid": "S3ServerAccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": format!("{arn}/PREFIX*"),
        "Condition": {"StringEquals": {"aws:SourceAccount": bucket.account.as_str()}},
    })
    .to_string()
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
        let principal = principal.unwrap_or_else(|| "no principal".to_owned());
        format!("Statement[{index}]{name} of others ends, which {effect} {principal} {}", value["Action"])
    };
    lost.map(named).collect()
}

fn bucket(wish: &Bucket, seen: &Bucket) -> Vec<String> {
    let rules = seen.lifecycle.iter().filter(|rule| !wish.lifecycle.contains(rule));
    let mut said: Vec<String> = rules.filter_map(|rule| lifecycle(wish, rule)).collect();
    if is_enforced(wish) && !is_enforced(seen) {
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
    if let Some(now) = seen.key().filter(|now| wish.key() != Some(now)) {
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
