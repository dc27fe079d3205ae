//! Refusals of S3, KMS and SNS in the log account.

use super::Attempt;
use super::open::{is_public, locks_out};
use crate::cloud::CloudFault;
use crate::estate::{Address, Bucket, BucketPolicy, KeyPolicy, Kind, Resource, Topic};

use super::super::world::{KnownSighting, bucket_address, key_by_arn, known};

/// Bytes of a bucket policy without white space (S3 user guide, "Bucket policies": 20 KB).
const BUCKET_POLICY_BYTES_MAX: usize = 20 * 1024;

/// Bytes of a key policy (KMS API, `PutKeyPolicy`: 32 kilobytes).
const KEY_POLICY_BYTES_MAX: usize = 32 * 1024;

impl Attempt<'_> {
    pub(super) fn bucket(self, bucket: &Bucket) -> Option<CloudFault> {
        let address = &self.change.address;
        match bucket_address(self.world, &address.name) {
            Some(other) if other.account != address.account => {
                let message = format!("the bucket name {} is taken by another account", address.name);
                return Some(self.refused("s3:CreateBucket", "BucketAlreadyExists", message, "choose another name"));
            }
            Some(other) if other.region != address.region => {
                let message = format!("the bucket {} is in another region: {other}", address.name);
                return Some(self.refused(
                    "s3:CreateBucket",
                    "BucketAlreadyOwnedByYou",
                    message,
                    "choose another name",
                ));
            }
            _ => {}
        }
        self.lifecycle(bucket).or_else(|| self.access_logs(bucket))
    }

    /// S3 takes no lifecycle for a bucket in which deleting needs multi-factor authentication (Amazon S3 user guide,
    /// "Lifecycle and other bucket configurations").
    fn lifecycle(self, bucket: &Bucket) -> Option<CloudFault> {
        let needs_mfa = match known(self.world, &self.change.address).resource()? {
            Resource::Bucket(there) => there.mfa_delete == Some(true) && there.lifecycle != bucket.lifecycle,
            _ => false,
        };
        needs_mfa.then(|| {
            let message =
                format!("the bucket {} needs MFA for deleting: it takes no lifecycle", self.change.address.name);
            let help = "leave `bucket.lifecycle` out, or switch MFA delete off as the root user";
            self.refused("s3:PutBucketLifecycleConfiguration", "InvalidBucketState", message, help)
        })
    }

    fn access_logs(self, bucket: &Bucket) -> Option<CloudFault> {
        let address = &self.change.address;
        let target = bucket.access_logs.as_ref()?;
        let elsewhere = Address { name: target.bucket.clone(), ..address.clone() };
        let missing = known(self.world, &elsewhere) == KnownSighting::Absent;
        let message = format!("there is no bucket {} beside {}", target.bucket, address.name);
        missing.then(|| {
            self.refused("s3:PutBucketLogging", "InvalidTargetBucketForLogging", message, "make that bucket first")
        })
    }

    pub(super) fn bucket_policy(self, policy: &BucketPolicy) -> Option<CloudFault> {
        let address = &self.change.address;
        let bucket = known(self.world, &address.with_kind(Kind::Bucket));
        if bucket == KnownSighting::Absent {
            return Some(self.absent(
                "s3:PutBucketPolicy",
                "NoSuchBucket",
                format!("there is no bucket {}", address.name),
            ));
        }
        let size = policy.policy.size_bytes();
        if size > BUCKET_POLICY_BYTES_MAX {
            let message = format!("the policy has {size} bytes, {BUCKET_POLICY_BYTES_MAX} may be");
            return Some(self.refused("s3:PutBucketPolicy", "PolicyTooLarge", message, "use `readers.mode: dynamic`"));
        }
        let blocks = matches!(bucket.resource(), Some(Resource::Bucket(bucket)) if bucket.block_public_access);
        (blocks && is_public(&policy.policy)).then(|| {
            let message =
                format!("the policy of {} is public, and Block Public Access refuses such policies", address.name);
            self.refused("s3:PutBucketPolicy", "AccessDenied", message, "remove the statement that allows anyone")
        })
    }

    pub(super) fn key_policy(self, policy: &KeyPolicy) -> Option<CloudFault> {
        let address = &self.change.address;
        let operation = "kms:PutKeyPolicy";
        match known(self.world, &address.with_kind(Kind::Key)) {
            KnownSighting::Absent => {
                let message = format!("there is no key {} in {}", address.name, address.account);
                return Some(self.absent(operation, "NotFoundException", message));
            }
            KnownSighting::Present(Resource::Key(key)) if key.pending_deletion => {
                let message = format!("the key {} is waiting for its deletion", address.name);
                return Some(self.refused(operation, "KMSInvalidStateException", message, "cancel its deletion first"));
            }
            _ => {}
        }
        let size = policy.policy.size_bytes();
        if size > KEY_POLICY_BYTES_MAX {
            let message = format!("the policy has {size} bytes, {KEY_POLICY_BYTES_MAX} may be");
            return Some(self.refused(operation, "LimitExceededException", message, "make it shorter"));
        }
        locks_out(&policy.policy, &address.account, self.world.organization.partition).then(|| {
            let message = "the new key policy will not allow you to update the key policy in the future";
            let help = "let the account's root do `kms:*` in the key policy";
            self.refused(operation, "MalformedPolicyDocumentException", message, help)
        })
    }

    pub(super) fn topic(self, topic: &Topic) -> Option<CloudFault> {
        let arn = topic.key.as_ref().filter(|key| key.starts_with("arn:"))?;
        let (_, key) = key_by_arn(self.world, arn)?;
        let message = format!("the key {arn} is disabled or waits for its deletion");
        (!key.enabled).then(|| self.refused("sns:SetTopicAttributes", "KMSDisabled", message, "enable the key first"))
    }
}
