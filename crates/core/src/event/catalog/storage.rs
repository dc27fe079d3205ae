//! Calls about buckets, objects and keys.

use super::{Call, Effect, NamedAt, Service, Target, call, permission};
use Effect::{Loses, Opens, Stops, Weakens};
use NamedAt::{Request, Response};

const BUCKET: &[NamedAt] = &[Request("bucketName")];

/// The request's key is the object's, without its bucket. The keys of `DeleteObjects` are not recorded in its request.
const OBJECT: &[NamedAt] = &[Request("key")];

const fn bucket(name: &'static str) -> Call {
    call(name, Target::Bucket, BUCKET)
}

const fn object(name: &'static str) -> Call {
    call(name, Target::Object, OBJECT)
}

/// S3. Its events have older names than its permissions (S3 user guide, "Amazon S3 CloudTrail events").
pub(super) const S3: Service = Service {
    source: "s3.amazonaws.com",
    prefix: "s3",
    calls: &[
        object("DeleteObject").can(&[Loses]).guarded(),
        call("DeleteObjects", Target::Object, &[]).allowed_by("DeleteObject").can(&[Loses]),
        permission("DeleteObjectVersion", Target::Object).can(&[Loses]).guarded(),
        object("PutObjectRetention").can(&[Weakens]).guarded(),
        permission("BypassGovernanceRetention", Target::Object).can(&[Loses]).guarded(),
        permission("ReplicateDelete", Target::Object).can(&[Loses]),
        object("PutObjectAcl").can(&[Opens]),
        object("PutObjectLegalHold").can(&[Weakens]),
        bucket("DeleteBucket").can(&[Stops]).guarded().waking(),
        call("PutBucketPolicy", Target::BucketPolicy, BUCKET).can(&[Stops, Opens]).guarded().waking(),
        call("DeleteBucketPolicy", Target::BucketPolicy, BUCKET).can(&[Stops]).guarded().waking(),
        bucket("PutBucketLifecycle").allowed_by("PutLifecycleConfiguration").can(&[Loses]).guarded().waking(),
        bucket("DeleteBucketLifecycle").allowed_by("PutLifecycleConfiguration").waking(),
        bucket("PutBucketReplication").allowed_by("PutReplicationConfiguration").can(&[Opens]).guarded().waking(),
        bucket("DeleteBucketReplication").allowed_by("PutReplicationConfiguration").can(&[Weakens]).waking(),
        bucket("PutBucketEncryption")
            .allowed_by("PutEncryptionConfiguration")
            .can(&[Loses, Weakens])
            .guarded()
            .waking(),
        bucket("DeleteBucketEncryption").allowed_by("PutEncryptionConfiguration").can(&[Weakens]).waking(),
        bucket("PutBucketNotification").can(&[Opens]).guarded().waking(),
        bucket("PutBucketVersioning").can(&[Weakens]).guarded().waking(),
        bucket("PutBucketPublicAccessBlock").can(&[Opens]).guarded().waking(),
        bucket("DeleteBucketPublicAccessBlock").allowed_by("PutBucketPublicAccessBlock").can(&[Opens]).waking(),
        bucket("PutBucketTagging").can(&[Weakens]).guarded().waking(),
        bucket("DeleteBucketTagging").allowed_by("PutBucketTagging").can(&[Weakens]).waking(),
        bucket("PutBucketOwnershipControls").can(&[Stops, Opens]).waking(),
        bucket("PutBucketLogging").can(&[Weakens]).waking(),
        bucket("PutBucketRequestPayment").can(&[Weakens]).waking(),
        bucket("PutBucketObjectLockConfiguration").can(&[Weakens]).waking(),
        bucket("PutBucketAcl").can(&[Opens]).waking(),
        bucket("PutBucketCors").allowed_by("PutBucketCORS").can(&[Opens]),
        bucket("DeleteBucketCors").allowed_by("PutBucketCORS"),
        bucket("CreateBucket"),
    ],
};

/// A key is named by its id, its ARN or an alias, whatever the caller used.
const fn key(name: &'static str) -> Call {
    call(name, Target::Key, &[Request("keyId")])
}

pub(super) const KMS: Service = Service {
    source: "kms.amazonaws.com",
    prefix: "kms",
    calls: &[
        key("ScheduleKeyDeletion").can(&[Stops, Loses]).guarded().waking(),
        key("DisableKey").can(&[Stops, Loses]).guarded().waking(),
        call("PutKeyPolicy", Target::KeyPolicy, &[Request("keyId")]).can(&[Stops, Loses, Opens]).guarded().waking(),
        key("CreateGrant").can(&[Opens]).guarded(),
        key("TagResource").can(&[Weakens]).guarded(),
        key("UntagResource").can(&[Weakens]).guarded().waking(),
        key("DisableKeyRotation").can(&[Weakens]).waking(),
        call("DeleteAlias", Target::Key, &[Request("aliasName")]).can(&[Weakens]).waking(),
        call("UpdateAlias", Target::Key, &[Request("aliasName"), Request("targetKeyId")]).can(&[Weakens]).waking(),
        key("CancelKeyDeletion"),
        key("EnableKey"),
        key("EnableKeyRotation"),
        call("CreateKey", Target::Key, &[Response("keyMetadata.arn")]),
    ],
};
