//! Reads a bucket: one call a setting, because S3 has no call for all of them.

use aws_sdk_s3::types::{
    BucketVersioningStatus, MfaDeleteStatus, Payer, PublicAccessBlockConfiguration, ServerSideEncryptionRule,
};
use futures::try_join;

use super::lifecycle::read_rule;
use super::op;
use crate::cloud::CloudFault;
use crate::cloud::aws::session::{Session, none_if_absent};
use crate::estate::bucket::{AccessLogs, BucketEncryption, LifecycleRule, ObjectLock};
use crate::estate::{Address, Bucket, BucketPolicy, Sighting, Tags};
use crate::log_path::ObjectKey;
use crate::policy::PolicyDocument;

/// Looks at a bucket's settings. S3 is asked for versioning first: that call tells an absent bucket from an unset
/// setting.
pub(crate) async fn look(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    let name = address.name.as_str();
    let Some(Versions { kept, mfa_delete }) = none_if_absent(versions(session, name).await)? else {
        return Ok(Sighting::Absent);
    };
    let (block_public_access, object_ownership, encryption, lifecycle, object_lock, access_logs, requester_pays, tags) =
        try_join!(
            block_public_access(session, name),
            object_ownership(session, name),
            encryption(session, name),
            lifecycle(session, name),
            object_lock(session, name),
            access_logs(session, name),
            requester_pays(session, name),
            tags(session, name),
        )?;
    let untouched = tags.is_empty() && lifecycle.is_empty() && is_untouched(session, name).await?;
    Ok(Sighting::present(Bucket {
        block_public_access,
        object_ownership,
        versioning: kept,
        encryption,
        lifecycle,
        object_lock,
        access_logs,
        requester_pays,
        tags,
        untouched,
        mfa_delete: Some(mfa_delete),
    }))
}

/// Looks at a bucket's policy.
pub(crate) async fn look_policy(session: &Session, address: &Address) -> Result<Sighting, CloudFault> {
    Ok(match policy(session, &address.name).await? {
        Some(policy) => Sighting::present(BucketPolicy { policy }),
        None => Sighting::Absent,
    })
}

async fn policy(session: &Session, name: &str) -> Result<Option<PolicyDocument>, CloudFault> {
    let request = session.s3().get_bucket_policy().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_POLICY, request.send()).await)? else {
        return Ok(None);
    };
    let parsed = PolicyDocument::parse(answer.policy().unwrap_or_default());
    parsed.map(Some).map_err(|why| {
        session.unexpected_response(op::GET_POLICY, format!("the policy of {name} cannot be understood: {why}"))
    })
}

/// What becomes of overwritten and deleted objects.
struct Versions {
    kept: bool,
    mfa_delete: bool,
}

async fn versions(session: &Session, name: &str) -> Result<Versions, CloudFault> {
    let request = session.s3().get_bucket_versioning().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_VERSIONING, request.send()).await?;
    Ok(Versions {
        kept: answer.status() == Some(&BucketVersioningStatus::Enabled),
        mfa_delete: answer.mfa_delete() == Some(&MfaDeleteStatus::Enabled),
    })
}

async fn block_public_access(session: &Session, name: &str) -> Result<bool, CloudFault> {
    let request = session.s3().get_public_access_block().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_PUBLIC_ACCESS_BLOCK, request.send()).await)? else {
        return Ok(false);
    };
    let all = |block: PublicAccessBlockConfiguration| {
        [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets]
            .iter()
            .all(|switch| *switch == Some(true))
    };
    session.needed(op::GET_PUBLIC_ACCESS_BLOCK, answer.public_access_block_configuration, "configuration").map(all)
}

async fn object_ownership(session: &Session, name: &str) -> Result<Option<String>, CloudFault> {
    let request =
        session.s3().get_bucket_ownership_controls().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_OWNERSHIP_CONTROLS, request.send()).await)? else {
        return Ok(None);
    };
    let rule = answer.ownership_controls.and_then(|controls| controls.rules.into_iter().next());
    let rule = session.needed(op::GET_OWNERSHIP_CONTROLS, rule, "rule")?;
    Ok(Some(rule.object_ownership.as_str().to_owned()))
}

async fn encryption(session: &Session, name: &str) -> Result<Option<BucketEncryption>, CloudFault> {
    let request = session.s3().get_bucket_encryption().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_ENCRYPTION, request.send()).await)? else { return Ok(None) };
    let rule = answer.server_side_encryption_configuration.and_then(|c| c.rules.into_iter().next());
    Ok(read_encryption(session.needed(op::GET_ENCRYPTION, rule, "rule")?))
}

fn read_encryption(rule: ServerSideEncryptionRule) -> Option<BucketEncryption> {
    let by_default = rule.apply_server_side_encryption_by_default?;
    Some(BucketEncryption {
        algorithm: by_default.sse_algorithm.as_str().to_owned(),
        key: by_default.kms_master_key_id,
        bucket_key: rule.bucket_key_enabled.unwrap_or(false),
    })
}

async fn lifecycle(session: &Session, name: &str) -> Result<Vec<LifecycleRule>, CloudFault> {
    let request =
        session.s3().get_bucket_lifecycle_configuration().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_LIFECYCLE, request.send()).await)? else {
        return Ok(Vec::new());
    };
    let rules = answer.rules.filter(|rules| !rules.is_empty());
    Ok(session.needed(op::GET_LIFECYCLE, rules, "rule")?.iter().map(read_rule).collect())
}

async fn object_lock(session: &Session, name: &str) -> Result<Option<ObjectLock>, CloudFault> {
    let request =
        session.s3().get_object_lock_configuration().bucket(name).expected_bucket_owner(session.account.as_str());
    let Some(answer) = none_if_absent(session.read(op::GET_OBJECT_LOCK, request.send()).await)? else {
        return Ok(None);
    };
    let configuration = session.needed(op::GET_OBJECT_LOCK, answer.object_lock_configuration, "configuration")?;
    let retention = configuration.rule.and_then(|rule| rule.default_retention);
    Ok(retention.and_then(|retention| {
        let days = retention.days.or_else(|| retention.years.map(|years| years * 365))?;
        Some(ObjectLock { mode: retention.mode?.as_str().to_owned(), days: u32::try_from(days).ok()? })
    }))
}

async fn access_logs(session: &Session, name: &str) -> Result<Option<AccessLogs>, CloudFault> {
    let request = session.s3().get_bucket_logging().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_LOGGING, request.send()).await?;
    Ok(answer.logging_enabled.map(|target| AccessLogs { bucket: target.target_bucket, prefix: target.target_prefix }))
}

async fn requester_pays(session: &Session, name: &str) -> Result<bool, CloudFault> {
    let request =
        session.s3().get_bucket_request_payment().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::GET_REQUEST_PAYMENT, request.send()).await?;
    Ok(session.needed(op::GET_REQUEST_PAYMENT, answer.payer(), "payer")? == &Payer::Requester)
}

/// Reads the tags of a bucket.
pub(crate) async fn tags(session: &Session, name: &str) -> Result<Tags, CloudFault> {
    let request = session.s3().get_bucket_tagging().bucket(name).expected_bucket_owner(session.account.as_str());
    let answer = none_if_absent(session.read(op::GET_TAGGING, request.send()).await)?;
    let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Tells whether a bucket without tags and lifecycle has no policy and no object either.
async fn is_untouched(session: &Session, name: &str) -> Result<bool, CloudFault> {
    if policy(session, name).await?.is_some() {
        return Ok(false);
    }
    let request =
        session.s3().list_objects_v2().bucket(name).max_keys(1).expected_bucket_owner(session.account.as_str());
    let answer = session.read(op::LIST_OBJECTS, request.send()).await?;
    // Somebody who has objects in it must not be told that the bucket is as new.
    let count = session.needed(op::LIST_OBJECTS, answer.key_count(), "number of objects")?;
    Ok(count == 0 && answer.contents().is_empty())
}

/// How many pages are searched for a first log file. Before the first one there may be an empty object for each
/// account.
const PAGES_MAX: usize = 20;

/// Tells whether a log or digest file lies below a prefix.
pub(crate) async fn has_logs(session: &Session, name: &str, prefix: &str) -> Result<bool, CloudFault> {
    let client = session.s3();
    let mut token = None;
    let mut pages = session.pages(op::LIST_OBJECTS);
    for _ in 0..PAGES_MAX {
        let request = client.list_objects_v2().bucket(name).prefix(prefix).set_continuation_token(token);
        let request = request.expected_bucket_owner(session.account.as_str());
        let page = session.read(op::LIST_OBJECTS, request.send()).await?;
        session.needed(op::LIST_OBJECTS, page.key_count(), "number of objects")?;
        // AWS Config and others deliver below the same folder, some with the same ending.
        let is_log = |key: &str| ObjectKey::parse(key).is_some();
        if page.contents().iter().any(|object| object.key().is_some_and(is_log) && object.size() != Some(0)) {
            return Ok(true);
        }
        token = pages.next(page.next_continuation_token)?;
        if token.is_none() {
            break;
        }
    }
    Ok(false)
}
