//! Makes and changes a bucket. Every setting is one call, and each can be repeated.

use aws_sdk_s3::types::{
    BucketCannedAcl, BucketLifecycleConfiguration, BucketLocationConstraint, BucketLoggingStatus,
    BucketVersioningStatus, CreateBucketConfiguration, DefaultRetention, LoggingEnabled, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, Payer, PublicAccessBlockConfiguration, RequestPaymentConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};

use super::lifecycle::write_rule;
use super::look::tags;
use super::op;
use crate::cloud::aws::change_context::{ChangeContext, writable};
use crate::cloud::{CloudFault, Done};
use crate::estate::bucket::{AccessLogs, BucketEncryption, LifecycleRule, ObjectLock};
use crate::estate::{Bucket, BucketPolicy, Kind, Resource};
use crate::plan::lockout::denied_to_caller;

/// The region whose buckets have no location constraint (S3 API, `CreateBucket`).
const UNNAMED_LOCATION: &str = "us-east-1";

/// Makes the bucket, or brings it to what is wanted. The tags come first: they say whose an unfinished bucket is.
pub(crate) async fn put(job: &ChangeContext<'_>, desired: &Bucket) -> Result<Done, CloudFault> {
    if job.is_creation() {
        create(job).await?;
    }
    if job.sets("tags") {
        put_tags(job, desired).await?;
    }
    if job.sets("block_public_access") {
        put_public_access_block(job, desired.block_public_access).await?;
    }
    if let Some(ownership) = desired.object_ownership.as_deref().filter(|_| job.sets("object_ownership")) {
        if ownership == OWNER_ENFORCED && may_have_acl(job) {
            put_private_acl(job).await?;
        }
        put_ownership(job, ownership).await?;
    }
    if job.sets("versioning") {
        put_versioning(job, desired.versioning).await?;
    }
    if let Some(encryption) = desired.encryption.as_ref().filter(|_| job.sets("encryption")) {
        put_encryption(job, encryption).await?;
    }
    // Object Lock needs versioning (S3 API, `PutObjectLockConfiguration`).
    if let Some(lock) = desired.object_lock.as_ref().filter(|_| job.sets("object_lock")) {
        put_object_lock(job, lock).await?;
    }
    if job.sets("lifecycle") {
        put_lifecycle(job, &desired.lifecycle).await?;
    }
    if let Some(target) = desired.access_logs.as_ref().filter(|_| job.sets("access_logs")) {
        put_logging(job, target).await?;
    }
    if job.change.touches("requester_pays") && !job.is_creation() {
        put_request_payment(job, desired.requester_pays).await?;
    }
    Ok(Done::default())
}

/// Without access control lists, which is how S3 makes buckets.
const OWNER_ENFORCED: &str = "BucketOwnerEnforced";

fn may_have_acl(job: &ChangeContext<'_>) -> bool {
    let seen = match job.change.observed() {
        Some(Resource::Bucket(seen)) => seen.object_ownership.as_deref(),
        _ => return false,
    };
    !job.is_creation() && seen != Some(OWNER_ENFORCED)
}

/// S3 refuses to switch access control lists off while one lets somebody else in (S3 API, `PutBucketOwnershipControls`,
/// `InvalidBucketAclWithObjectOwnership`).
async fn put_private_acl(job: &ChangeContext<'_>) -> Result<(), CloudFault> {
    let request = job.session.s3().put_bucket_acl().bucket(job.name()).acl(BucketCannedAcl::Private);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_ACL, || request.clone().send()).await.map(drop)
}

async fn create(job: &ChangeContext<'_>) -> Result<(), CloudFault> {
    let region = job.session.region.as_str();
    let location = (region != UNNAMED_LOCATION).then(|| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build()
    });
    let request = job.session.s3().create_bucket().bucket(job.name()).set_create_bucket_configuration(location);
    match job.session.write(op::CREATE_BUCKET, || request.clone().send()).await {
        Ok(_) => {}
        Err(fault) if fault.code == "BucketAlreadyOwnedByYou" => {}
        Err(fault) => return Err(fault),
    }
    // In us-east-1 a bucket of one's own is "created" again without an error (S3 API, `CreateBucket`).
    let tags = tags(&job.session, job.name()).await?;
    if tags.is_empty() { Ok(()) } else { job.must_be_ours(&tags) }
}

/// S3 replaces all tags at once, so those that others added are read first and sent along.
async fn put_tags(job: &ChangeContext<'_>, desired: &Bucket) -> Result<(), CloudFault> {
    let mut all = tags(&job.session, job.name()).await?;
    all.extend(desired.tags.clone());
    let set = writable(&all).map(|(key, value)| Tag::builder().key(key).value(value).build());
    let set = set.collect::<Result<Vec<_>, _>>().map_err(|why| unsendable(job, &why))?;
    let tagging = Tagging::builder().set_tag_set(Some(set)).build().map_err(|why| unsendable(job, &why))?;
    let request = job.session.s3().put_bucket_tagging().bucket(job.name()).tagging(tagging);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_TAGGING, || request.clone().send()).await.map(drop)
}

async fn put_public_access_block(job: &ChangeContext<'_>, on: bool) -> Result<(), CloudFault> {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(on)
        .ignore_public_acls(on)
        .block_public_policy(on)
        .restrict_public_buckets(on)
        .build();
    let request =
        job.session.s3().put_public_access_block().bucket(job.name()).public_access_block_configuration(block);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_PUBLIC_ACCESS_BLOCK, || request.clone().send()).await.map(drop)
}

async fn put_ownership(job: &ChangeContext<'_>, ownership: &str) -> Result<(), CloudFault> {
    let controls = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::from(ownership))
        .build()
        .and_then(|rule| OwnershipControls::builder().rules(rule).build())
        .map_err(|why| unsendable(job, &why))?;
    let request = job.session.s3().put_bucket_ownership_controls().bucket(job.name()).ownership_controls(controls);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_OWNERSHIP_CONTROLS, || request.clone().send()).await.map(drop)
}

async fn put_versioning(job: &ChangeContext<'_>, on: bool) -> Result<(), CloudFault> {
    // A bucket that never had versioning keeps it off; one that had it can only be suspended.
    if !on && job.is_creation() {
        return Ok(());
    }
    let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let versioning = VersioningConfiguration::builder().status(status).build();
    let request = job.session.s3().put_bucket_versioning().bucket(job.name()).versioning_configuration(versioning);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_VERSIONING, || request.clone().send()).await.map(drop)
}

async fn put_encryption(job: &ChangeContext<'_>, encryption: &BucketEncryption) -> Result<(), CloudFault> {
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.key.clone())
        .build()
        .map_err(|why| unsendable(job, &why))?;
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .bucket_key_enabled(encryption.bucket_key)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build();
    let configuration = configuration.map_err(|why| unsendable(job, &why))?;
    let request = job.session.s3().put_bucket_encryption().bucket(job.name());
    let request = request.server_side_encryption_configuration(configuration);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_ENCRYPTION, || request.clone().send()).await.map(drop)
}

async fn put_object_lock(job: &ChangeContext<'_>, lock: &ObjectLock) -> Result<(), CloudFault> {
    let retention = DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::from(lock.mode.as_str()))
        .days(i32::try_from(lock.days).unwrap_or(i32::MAX))
        .build();
    let configuration = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(ObjectLockRule::builder().default_retention(retention).build())
        .build();
    let request = job.session.s3().put_object_lock_configuration().bucket(job.name());
    let request = request.object_lock_configuration(configuration);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_OBJECT_LOCK, || request.clone().send()).await.map(drop)
}

async fn put_lifecycle(job: &ChangeContext<'_>, rules: &[LifecycleRule]) -> Result<(), CloudFault> {
    let owner = job.session.account.as_str();
    if rules.is_empty() {
        let request = job.session.s3().delete_bucket_lifecycle().bucket(job.name()).expected_bucket_owner(owner);
        return if job.is_creation() { Ok(()) } else { job.session.remove(op::DELETE_LIFECYCLE, request.send()).await };
    }
    if let Some(rule) = rules.iter().find(|rule| rule.other.is_some()) {
        let message = format!("the lifecycle rule {:?} has parts that orgtrail cannot write", rule.id);
        return Err(job.session.stale_plan(job.address(), message));
    }
    let rules = rules.iter().map(write_rule).collect::<Result<Vec<_>, _>>().map_err(|why| unsendable(job, &why))?;
    let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
    let configuration = configuration.map_err(|why| unsendable(job, &why))?;
    let request = job.session.s3().put_bucket_lifecycle_configuration().bucket(job.name());
    let request = request.lifecycle_configuration(configuration).expected_bucket_owner(owner);
    job.session.write(op::PUT_LIFECYCLE, || request.clone().send()).await.map(drop)
}

async fn put_logging(job: &ChangeContext<'_>, target: &AccessLogs) -> Result<(), CloudFault> {
    let target = LoggingEnabled::builder().target_bucket(&target.bucket).target_prefix(&target.prefix).build();
    let target = target.map_err(|why| unsendable(job, &why))?;
    let status = BucketLoggingStatus::builder().logging_enabled(target).build();
    let request = job.session.s3().put_bucket_logging().bucket(job.name()).bucket_logging_status(status);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_LOGGING, || request.clone().send()).await.map(drop)
}

async fn put_request_payment(job: &ChangeContext<'_>, requester: bool) -> Result<(), CloudFault> {
    let payer = if requester { Payer::Requester } else { Payer::BucketOwner };
    let configuration = RequestPaymentConfiguration::builder().payer(payer).build();
    let configuration = configuration.map_err(|why| unsendable(job, &why))?;
    let request = job.session.s3().put_bucket_request_payment().bucket(job.name());
    let request = request.request_payment_configuration(configuration);
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_REQUEST_PAYMENT, || request.clone().send()).await.map(drop)
}

/// Refuses a policy after which whoever writes it could not write another one. Only here is it known who that is: a
/// plan knows the roles that the configuration names.
fn must_stay_let_in(job: &ChangeContext<'_>, desired: &BucketPolicy) -> Result<(), CloudFault> {
    let address = job.address().with_kind(Kind::Bucket);
    let denied = job.session.caller.as_ref().zip(address.arn(job.session.partition)).and_then(|(caller, bucket)| {
        let place = denied_to_caller(caller, "s3:PutBucketPolicy", bucket.as_str(), job.address(), &desired.policy)?;
        Some((caller, place))
    });
    let Some((caller, place)) = denied else { return Ok(()) };
    let message = format!("{place} would keep {caller}, with which orgtrail runs, from ever changing the policy again");
    let help = "name this role in organization.own_roles, and make a new plan".into();
    Err(CloudFault { code: "LocksOut".into(), help, ..job.session.stale_plan(job.address(), message) })
}

/// Writes the bucket's policy.
pub(crate) async fn put_policy(job: &ChangeContext<'_>, desired: &BucketPolicy) -> Result<Done, CloudFault> {
    must_stay_let_in(job, desired)?;
    let request = job.session.s3().put_bucket_policy().bucket(job.name()).policy(desired.policy.to_minified());
    let request = request.expected_bucket_owner(job.session.account.as_str());
    job.session.write(op::PUT_POLICY, || request.clone().send()).await?;
    Ok(Done::default())
}

fn unsendable(job: &ChangeContext<'_>, why: &dyn std::error::Error) -> CloudFault {
    job.session.stale_plan(job.address(), format!("a setting cannot be written: {why}"))
}
