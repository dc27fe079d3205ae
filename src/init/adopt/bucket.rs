//! The section `bucket` of an existing bucket.

use crate::config::schema::{ArchiveClass, BucketConfig, Encryption, Lifecycle, LockMode, ObjectLock, OldVersions};
use crate::estate::Bucket;
use crate::estate::bucket::LifecycleRule;
use crate::init::{self, Answers};
use crate::policy::PolicyDocument;

/// Returns the section; `said` receives what it cannot say.
pub(super) fn config(
    answers: &Answers,
    prefix: &str,
    (bucket, policy): (&Bucket, Option<&PolicyDocument>),
    encryption: Encryption,
    said: &mut Vec<String>,
) -> BucketConfig {
    let object_lock = object_lock(bucket, said);
    BucketConfig {
        prefix: prefix.to_owned(),
        // A bucket with an object lock always keeps versions.
        versioning: bucket.versioning || object_lock.is_some(),
        encryption,
        object_lock,
        lifecycle: lifecycle(bucket, said),
        access_logs: access_logs(answers, bucket, said),
        break_glass_roles: policy.map(break_glass_roles).unwrap_or_default(),
        ..init::bucket(answers.bucket.clone())
    }
}

/// The statement of `policies/bucket.json.hbs` that lets the break-glass roles off.
const KEEPS_LOGS: &str = "OrgtrailKeepLogs";

/// Returns the roles of an earlier deployment by orgtrail. Statements of others are none of the configuration's: they
/// stay.
fn break_glass_roles(policy: &PolicyDocument) -> Vec<String> {
    let statement = policy.statements.iter().find(|statement| statement.sid.as_deref() == Some(KEEPS_LOGS));
    let by_key = statement.and_then(|statement| statement.condition.get("ArnNotLike"));
    by_key.and_then(|by_key| by_key.get("aws:PrincipalArn")).cloned().unwrap_or_default()
}

fn object_lock(bucket: &Bucket, said: &mut Vec<String>) -> Option<ObjectLock> {
    let lock = bucket.object_lock.as_ref()?;
    let mode = match lock.mode.as_str() {
        "GOVERNANCE" => LockMode::Governance,
        "COMPLIANCE" => LockMode::Compliance,
        other => {
            said.push(format!("the object lock has the mode {other}, which orgtrail does not know; it stays as it is"));
            return None;
        }
    };
    Some(ObjectLock { mode, days: lock.days })
}

/// The first rule that is in force and concerns the logs.
fn lifecycle(bucket: &Bucket, said: &mut Vec<String>) -> Option<Lifecycle> {
    let does_something = |rule: &&LifecycleRule| {
        let deletes = rule.expire_after_days.is_some() || rule.expire_noncurrent_after_days.is_some();
        rule.enabled && (!rule.transitions.is_empty() || deletes)
    };
    let mut rules = bucket.lifecycle.iter().filter(does_something);
    let first = rules.next();
    for other in rules.chain(bucket.lifecycle.iter().filter(|rule| !does_something(rule))) {
        said.push(format!("the lifecycle rule {:?}: there is one rule, which moves and then deletes logs", other.id));
    }
    let rule = first?;
    let (mut transitions, mut archive) = (rule.transitions.iter(), None);
    if let Some((days, class)) = transitions.next() {
        match ArchiveClass::ALL.into_iter().find(|known| known.as_str() == class) {
            Some(known) => archive = Some((*days, known)),
            None => said.push(format!("the lifecycle rule {:?} moves logs to {class}", rule.id)),
        }
    }
    for (days, class) in transitions {
        said.push(format!("the lifecycle rule {:?} also moves logs to {class} after {days} days", rule.id));
    }
    let old_versions = old_versions(bucket, rule);
    if archive.is_none() && rule.expire_after_days.is_none() && !matches!(old_versions, Some(OldVersions::Days(_))) {
        return None;
    }
    Some(Lifecycle {
        archive_after_days: archive.map(|(days, _)| days),
        archive_class: archive.map(|(_, class)| class).unwrap_or_default(),
        expire_after_days: rule.expire_after_days,
        expire_old_versions_after_days: old_versions,
    })
}

/// Says how long old versions are kept now, so that the default does not shorten it.
fn old_versions(bucket: &Bucket, rule: &LifecycleRule) -> Option<OldVersions> {
    let keeps_versions = bucket.versioning || bucket.object_lock.is_some();
    match rule.expire_noncurrent_after_days {
        _ if !keeps_versions => None,
        Some(days) => Some(OldVersions::Days(days)),
        None => rule.expire_after_days.map(|_| OldVersions::Never),
    }
}

fn access_logs(answers: &Answers, bucket: &Bucket, said: &mut Vec<String>) -> Option<crate::ids::BucketName> {
    let target = bucket.access_logs.as_ref()?;
    if target.prefix != format!("{}/", answers.bucket) {
        said.push(format!(
            "access is logged into {} under the prefix {:?}; it stays as it is, because orgtrail's prefix would be the bucket's name",
            target.bucket, target.prefix
        ));
        return None;
    }
    target.bucket.parse().ok()
}
