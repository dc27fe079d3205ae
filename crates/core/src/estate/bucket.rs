//! The log bucket and its policy.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Field, FieldValue, Tags};
use crate::policy::PolicyDocument;

/// A bucket's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// All four switches of Block Public Access are on.
    pub block_public_access: bool,
    /// `BucketOwnerEnforced` where access control lists are off; none where the bucket has no ownership controls.
    pub object_ownership: Option<String>,
    /// Versioning is enabled.
    pub versioning: bool,
    /// Default encryption; none only where AWS has not answered with one.
    pub encryption: Option<BucketEncryption>,
    /// All lifecycle rules.
    pub lifecycle: Vec<LifecycleRule>,
    /// Default retention. As a wish, none leaves it alone: it cannot be taken back.
    pub object_lock: Option<ObjectLock>,
    /// Server access logging. As a wish, none leaves it alone.
    pub access_logs: Option<AccessLogs>,
    /// Requester Pays: CloudTrail refuses such buckets.
    pub requester_pays: bool,
    /// The tags.
    pub tags: Tags,
    /// Observed: it is empty, without tags, policy or lifecycle, as a run leaves it that was stopped right after
    /// creating it. Taking it over takes nothing from anybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untouched: bool,
    /// Observed: deleting a version needs multi-factor authentication. None where it was not recorded. It is never a
    /// wish, because only the root user of the account can switch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_delete: Option<bool>,
}

/// Default encryption of new objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketEncryption {
    /// `aws:kms` or `AES256`.
    pub algorithm: String,
    /// The key's ARN, for `aws:kms`; none for S3's own keys.
    pub key: Option<String>,
    /// S3 Bucket Keys, which save almost all KMS calls.
    pub bucket_key: bool,
}

/// One lifecycle rule. `other` describes what this program does not model, so that it is never taken for equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleRule {
    /// Its id.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// The key prefix that it concerns; empty for all.
    pub prefix: String,
    /// Days after creation -> storage class.
    pub transitions: Vec<(u32, String)>,
    /// Days after creation until an object is deleted (or, with versioning, hidden); none where it is kept.
    pub expire_after_days: Option<u32>,
    /// Days after an object was hidden or overwritten until that version is deleted; none where they are kept.
    pub expire_noncurrent_after_days: Option<u32>,
    /// Days until an upload that was not completed is removed; none where it stays.
    pub abort_upload_after_days: Option<u32>,
    /// Anything else in the rule; none where there is nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

/// Default retention of new objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectLock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Days.
    pub days: u32,
}

/// Where server access logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLogs {
    /// The target bucket.
    pub bucket: String,
    /// The key prefix there.
    pub prefix: String,
}

/// Tells whether somebody has to restore an object of this storage class before it can be read (Amazon S3 user guide,
/// "Understanding S3 Glacier storage classes for long-term data storage").
pub fn needs_restore(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

impl Bucket {
    /// Returns the ARN of the key with which it encrypts, or a reference to one that is still to be made. None where it
    /// encrypts with no key of its own choice.
    pub fn key(&self) -> Option<&String> {
        self.encryption.as_ref()?.key.as_ref()
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {
            block_public_access,
            object_ownership,
            versioning,
            encryption,
            lifecycle,
            object_lock,
            access_logs,
            requester_pays,
            tags,
            untouched: _,
            mfa_delete: _,
        } = self;
        let encryption = encryption.as_ref();
        let mut rules = lifecycle.clone();
        rules.sort();
        vec![
            Field::plain("block_public_access", *block_public_access),
            Field::plain("object_ownership", object_ownership.clone()),
            Field::plain("versioning", *versioning),
            Field::plain("encryption.algorithm", encryption.map(|e| e.algorithm.clone())),
            Field::plain("encryption.key", encryption.and_then(|e| e.key.clone())),
            Field::plain("encryption.bucket_key", encryption.is_some_and(|e| e.bucket_key)),
            Field::plain("lifecycle", rules.iter().map(|rule| json!(rule)).collect::<Vec<_>>()),
            Field::plain("object_lock", json!(object_lock)),
            Field::plain("access_logs", json!(access_logs)),
            Field::plain("requester_pays", *requester_pays),
            Field::tags(tags),
        ]
    }

    /// Tells whether a wish for this field means "leave it alone".
    pub(super) fn leaves_alone(&self, field: &Field) -> bool {
        match field.path.as_str() {
            "object_lock" => self.object_lock.is_none(),
            "access_logs" => self.access_logs.is_none(),
            // Bucket keys have no meaning for AES256.
            "encryption.bucket_key" => self.encryption.as_ref().is_some_and(|e| e.algorithm == "AES256"),
            _ => false,
        }
    }
}

/// The policy of a bucket. Others may write statements into it; as a wish it holds only those of orgtrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketPolicy {
    /// The document.
    pub policy: PolicyDocument,
}

impl BucketPolicy {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self { policy } = self;
        vec![Field { path: "policy".into(), value: FieldValue::Policy(Some(policy.clone())) }]
    }
}
