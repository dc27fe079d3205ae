//! The log archive: bucket, key and topics in the log account.

use std::collections::BTreeSet;

use super::AccountKind;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::config::schema::{EarlierLogs, Encryption, LakeBucket};
use crate::estate::OWNER_TAG;
use crate::operations::{Operation, kms, s3, sns};

/// What looking at a bucket calls, whosever it is (`cloud::aws::s3::look`).
const LOOKS_AT_BUCKET: [Operation; 11] = [
    s3::GET_VERSIONING,
    s3::GET_PUBLIC_ACCESS_BLOCK,
    s3::GET_OWNERSHIP_CONTROLS,
    s3::GET_ENCRYPTION,
    s3::GET_LIFECYCLE,
    s3::GET_OBJECT_LOCK,
    s3::GET_LOGGING,
    s3::GET_REQUEST_PAYMENT,
    s3::GET_TAGGING,
    s3::GET_POLICY,
    s3::LIST_OBJECTS,
];

/// What looking at what leads out of a bucket calls.
const LOOKS_AROUND_BUCKET: [Operation; 5] =
    [s3::GET_ACL, s3::GET_WEBSITE, s3::GET_REPLICATION, s3::LIST_INVENTORIES, s3::GET_NOTIFICATION];

/// Adds the archive.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    add_earlier(names, draft);
    if names.place() != AccountKind::Log {
        return;
    }
    add_bucket(names, draft);
    match &names.config().bucket.encryption {
        Encryption::Kms => add_key(names, draft),
        // Somebody else's key is looked at, never changed.
        Encryption::KeyArn(arn) if arn.account() == names.here() => {
            draft.allow(
                &GrantScope::on("OwnKey", [arn.to_string()]),
                &[kms::DESCRIBE_KEY, kms::LIST_TAGS, kms::GET_KEY_POLICY],
            );
        }
        Encryption::KeyArn(_) | Encryption::S3 => {}
    }
    draft.allow(
        &GrantScope::on("Topics", names.topics()),
        &[
            sns::GET_ATTRIBUTES,
            sns::LIST_TAGS,
            sns::LIST_SUBSCRIPTIONS,
            sns::CREATE_TOPIC,
            sns::SET_ATTRIBUTES,
            sns::TAG_RESOURCE,
        ],
    );
}

/// Buckets of earlier logs are only looked at. One of another log account is looked at by the member role there,
/// whichever account that is.
fn add_earlier(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let is_here = |place: &&EarlierLogs| match names.place() {
        AccountKind::Log => true,
        AccountKind::Member => place.log_account.is_some(),
        AccountKind::Management => false,
    };
    let places = names.config().earlier.iter().filter(is_here);
    let buckets: BTreeSet<String> = places.map(|place| names.bucket_arn(place.bucket.as_str())).collect();
    if buckets.is_empty() {
        return;
    }
    draft.allow(&GrantScope::on("EarlierBuckets", buckets), &LOOKS_AT_BUCKET);
}

fn add_bucket(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let log_bucket = names.bucket_arn(&names.bucket());
    let lake = names.config().lake.as_ref().map(|lake| (names.bucket_arn(lake.place.bucket.as_str()), lake.bucket));
    let kept = lake.iter().filter(|(_, keeper)| *keeper == LakeBucket::Managed).map(|(arn, _)| arn.clone());
    let bucket = GrantScope::on("Bucket", [log_bucket.clone()].into_iter().chain(kept));
    draft.allow(&bucket, &LOOKS_AT_BUCKET);
    draft.allow(&bucket, &LOOKS_AROUND_BUCKET);
    if let Some((arn, LakeBucket::Existing)) = &lake {
        let existing = GrantScope::on("LakeBucket", [arn.clone()]);
        draft.allow(&existing, &LOOKS_AT_BUCKET);
        draft.allow(&existing, &LOOKS_AROUND_BUCKET);
    }
    draft.allow(
        &bucket,
        &[
            s3::CREATE_BUCKET,
            s3::PUT_TAGGING,
            s3::PUT_PUBLIC_ACCESS_BLOCK,
            s3::PUT_ACL,
            s3::PUT_OWNERSHIP_CONTROLS,
            s3::PUT_VERSIONING,
            s3::PUT_ENCRYPTION,
            s3::PUT_LIFECYCLE,
            s3::DELETE_LIFECYCLE,
            s3::PUT_REQUEST_PAYMENT,
            s3::PUT_POLICY,
        ],
    );
    // Whose a bucket is that copies or lists go to, its name does not tell.
    draft.allow(&GrantScope::everything("ListBuckets"), &[s3::LIST_BUCKETS]);
    let wish = &names.config().bucket;
    let bucket = if names.config().lake.is_some() { GrantScope::on("LogBucket", [log_bucket]) } else { bucket };
    if wish.object_lock.is_some() {
        draft.allow(&bucket, &[s3::PUT_OBJECT_LOCK]);
    }
    if let Some(target) = &wish.access_logs {
        draft.allow(&bucket, &[s3::PUT_LOGGING]);
        let target = GrantScope::on("AccessLogTarget", [names.bucket_arn(target.as_str())]);
        draft.allow(&target, &LOOKS_AT_BUCKET);
    }
}

/// A key's id is AWS's to give: the key is known by its alias, and until it has one by the tag that it was made with.
fn add_key(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let account = names.here();
    let alias = names.key_alias();
    let keys = || [names.arn("kms", account, "key/*")];
    let deployment = || [names.config().deployment.clone()];
    let by_alias =
        GrantScope::on("KeyByAlias", keys()).when("ForAnyValue:StringLike", "kms:ResourceAliases", [alias.clone()]);
    let tag = format!("aws:ResourceTag/{OWNER_TAG}");
    let by_tag = GrantScope::on("KeyByTag", keys()).when("StringEquals", &tag, deployment());
    for bounds in [by_alias, by_tag] {
        draft.allow(
            &bounds,
            &[
                kms::DESCRIBE_KEY,
                kms::GET_ROTATION,
                kms::LIST_TAGS,
                kms::GET_KEY_POLICY,
                kms::LIST_GRANTS,
                kms::CREATE_ALIAS,
                kms::UPDATE_ALIAS,
                kms::ENABLE_KEY,
                kms::CANCEL_DELETION,
                kms::ENABLE_ROTATION,
                kms::TAG_RESOURCE,
                kms::PUT_KEY_POLICY,
            ],
        );
    }
    draft.allow(
        &GrantScope::on("KeyAlias", [names.arn("kms", account, &alias)]),
        &[kms::CREATE_ALIAS, kms::UPDATE_ALIAS],
    );
    draft.allow(&GrantScope::everything("ListKeys"), &[kms::LIST_KEYS, kms::LIST_ALIASES]);
    // Whether a key is a further one of this deployment only its tags tell.
    draft.allow(&GrantScope::on("KeyTags", keys()), &[kms::LIST_TAGS]);
    let new_tag = format!("aws:RequestTag/{OWNER_TAG}");
    let making = GrantScope::everything("MakeKey").when("StringEquals", &new_tag, deployment());
    draft.allow(&making, &[kms::CREATE_KEY]);
}
