//! What CloudTrail would be refused by a bucket, key, topic or log group, before anything is sent.
//!
//! The requests that CloudTrail makes are built exactly and evaluated; what is refused becomes a [`Refusal`] with AWS's
//! error name, the statement, the condition key, the value it has and the value it needs. What cannot be told becomes a
//! [`Doubt`] and is never taken for a refusal.

use std::fmt;

use serde::{Serialize, Serializer};

use super::document::PolicyDocument;
use super::evaluate::{Named, Request, StatementPlace};
use crate::ids::{AccountId, Arn, OrganizationId};
use crate::log_path::Folder;

mod bucket;
mod diagnosis;
mod key;
mod keys;
mod log_group;
mod requests;
mod topic;

pub use bucket::bucket;
pub use key::key;
pub use log_group::{LogGroup, log_group};
pub use topic::{Topic, TopicKey, topic};

/// One trail and where it delivers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightTrail {
    /// The trail. Its account is the management account even if a delegated administrator made it.
    pub trail_arn: Arn,
    /// The account that owns the trail: the management account for an organization trail.
    pub management_account: AccountId,
    /// The organization, if the trail is an organization trail.
    pub organization_id: Option<OrganizationId>,
    /// The members that an organization trail writes for. A policy that opens the organization's path as a whole is
    /// checked once; one that tells members apart is checked for each kind.
    pub accounts: Vec<AccountId>,
    /// The bucket's name.
    pub bucket: String,
    /// The key prefix without slashes at its ends; empty for none.
    pub prefix: String,
    /// The folders that the trail may write to, by what it records.
    pub folders: Vec<Folder>,
    /// The ARN of the key that encrypts; none for S3's own encryption.
    pub key_arn: Option<String>,
    /// Whether the bucket has S3 Bucket Keys on, for which CloudTrail needs `kms:Decrypt`.
    pub bucket_key: bool,
}

/// Why CloudTrail is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// No statement lets CloudTrail read the bucket's ACL, or it names the objects instead of the bucket.
    AclCheckMissing,
    /// The prefix in the policy is not the trail's.
    PrefixDiffers,
    /// The path of the management account (or of the trail's own account) is not open.
    OwnPathMissing,
    /// The path of the organization is not open.
    OrganizationPathMissing,
    /// The path is there without the `/*` at its end.
    WildcardMissing,
    /// The source condition names another trail, account, region or organization.
    SourceDiffers,
    /// The key does not let CloudTrail encrypt or describe it, or under another context or source.
    KeyNotOpen,
    /// The bucket uses Bucket Keys and the key does not let CloudTrail decrypt.
    BucketKeyWithoutDecrypt,
    /// The bucket denies objects by their encryption headers.
    EncryptionDenied,
    /// The topic does not let CloudTrail publish, or is in another region.
    TopicNotOpen,
    /// The topic is encrypted with a key that CloudTrail may not use.
    TopicKeyNotOpen,
    /// The log group or its role does not let CloudTrail write.
    LogGroupNotOpen,
    /// Another condition of the right statement does not hold.
    ConditionDiffers,
    /// CloudTrail is named by the accounts that it had before its service principal, which work for their regions only.
    OutdatedPrincipals,
    /// A statement denies the request for a reason that is none of the above.
    DeniedByStatement,
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::AclCheckMissing => "acl-check-missing",
            Cause::PrefixDiffers => "prefix-differs",
            Cause::OwnPathMissing => "own-path-missing",
            Cause::OrganizationPathMissing => "organization-path-missing",
            Cause::WildcardMissing => "wildcard-missing",
            Cause::SourceDiffers => "source-differs",
            Cause::KeyNotOpen => "key-not-open",
            Cause::BucketKeyWithoutDecrypt => "bucket-key-without-decrypt",
            Cause::EncryptionDenied => "encryption-denied",
            Cause::TopicNotOpen => "topic-not-open",
            Cause::TopicKeyNotOpen => "topic-key-not-open",
            Cause::LogGroupNotOpen => "log-group-not-open",
            Cause::ConditionDiffers => "condition-differs",
            Cause::OutdatedPrincipals => "outdated-principals",
            Cause::DeniedByStatement => "denied-by-statement",
        })
    }
}

/// One thing that AWS would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub cause: Cause,
    /// The exception that CloudTrail's API answers with.
    pub code: &'static str,
    /// What people call the document.
    pub document: String,
    /// The action that is refused.
    pub action: String,
    /// The resource that it is refused for.
    pub resource: String,
    /// The statement to change; none where one is to be added.
    pub statement: Option<StatementPlace>,
    /// Whether that statement denies.
    pub denied: bool,
    /// The condition key or element that decides, such as `aws:SourceArn` or `Resource`; none where no single one does,
    /// or there is none.
    pub key: Option<String>,
    /// What the statement has there; none where it has nothing there.
    pub has: Option<String>,
    /// What it needs there; none where that is not known.
    pub needs: Option<String>,
    /// The diagnosis in one line.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// One request whose answer cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What people call the document.
    pub document: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// What is not understood or not known.
    pub why: Vec<String>,
}

/// How the resource policies of CloudWatch Logs are called, before their names.
pub const RESOURCE_POLICY: &str = "resource policy ";

/// What a refusal or a doubt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refuser {
    /// The bucket's policy.
    Bucket,
    /// The policy of the key that encrypts the logs.
    Key,
    /// The topic.
    Topic,
    /// The topic's key.
    TopicKey,
    /// The log group or its role.
    LogGroup,
}

impl Refuser {
    fn of(document: &str) -> Self {
        match document {
            _ if document.starts_with("bucket policy") => Refuser::Bucket,
            key::NAME => Refuser::Key,
            topic::KEY_NAME => Refuser::TopicKey,
            _ if document.starts_with(RESOURCE_POLICY) => Refuser::LogGroup,
            _ if document.starts_with("topic") => Refuser::Topic,
            _ => Refuser::LogGroup,
        }
    }
}

impl Refusal {
    /// Returns what it is about.
    pub fn part(&self) -> Refuser {
        Refuser::of(&self.document)
    }

    /// Tells whether the statement that it names denies, and does not merely fail to allow.
    pub fn is_denied(&self) -> bool {
        self.denied
    }
}

impl Doubt {
    /// Returns what it is about.
    pub fn part(&self) -> Refuser {
        Refuser::of(&self.document)
    }
}

/// The result of a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preflight {
    /// What would be refused, each once.
    pub refusals: Vec<Refusal>,
    /// What cannot be told.
    pub doubts: Vec<Doubt>,
}

impl Preflight {
    /// Tells whether CloudTrail is certainly accepted.
    pub fn is_clear(&self) -> bool {
        self.refusals.is_empty() && self.doubts.is_empty()
    }

    /// Adds a refusal that is not there yet. Two requests may fail for one and the same reason.
    fn refuse(&mut self, refusal: Refusal) {
        let same = |known: &Refusal| {
            (known.cause, &known.statement, &known.key, &known.needs)
                == (refusal.cause, &refusal.statement, &refusal.key, &refusal.needs)
        };
        if !self.refusals.iter().any(same) {
            self.refusals.push(refusal);
        }
    }

    /// Adds a doubt that is not there yet.
    fn doubt(&mut self, doubt: Doubt) {
        let same =
            |known: &Doubt| known.document == doubt.document && known.action == doubt.action && known.why == doubt.why;
        if !self.doubts.iter().any(same) {
            self.doubts.push(doubt);
        }
    }

    fn add(&mut self, other: Preflight) {
        other.refusals.into_iter().for_each(|refusal| self.refuse(refusal));
        other.doubts.into_iter().for_each(|doubt| self.doubt(doubt));
    }
}

/// The documents of everything that a trail delivers to; none for what it does not use.
#[derive(Debug, Clone, Default)]
pub struct Documents<'a> {
    /// The bucket's policy; none where the bucket has no policy.
    pub bucket: Option<&'a PolicyDocument>,
    /// The key's policy; none where there is no key.
    pub key: Option<&'a PolicyDocument>,
    /// The topic; none where the trail has none.
    pub topic: Option<Topic<'a>>,
    /// The log group with its role; none where the trail has none.
    pub log_group: Option<LogGroup<'a>>,
}

/// Checks everything that a trail delivers to.
pub fn preflight(delivery: &PreflightTrail, documents: &Documents) -> Preflight {
    let mut whole = bucket(delivery, documents.bucket);
    if let Some(policy) = documents.key {
        whole.add(key(delivery, policy));
    }
    if let Some(used) = &documents.topic {
        whole.add(topic(delivery, used));
    }
    if let Some(used) = &documents.log_group {
        whole.add(log_group(delivery, used));
    }
    whole
}

/// What CloudTrail asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The requests.
    pub requests: Vec<Request>,
    /// There are patterns that were too long or too many to try a file on each side of them.
    pub too_many: bool,
}

/// Returns every request that CloudTrail makes to bucket and key for a trail, for other policies that bind it:
/// `statements` are theirs, and each file that they treat otherwise than most is among the requests. `key` is the ARN
/// of the key; none where S3 encrypts.
pub fn requests(delivery: &PreflightTrail, key: Option<&str>, statements: &PolicyDocument) -> Asked {
    let mut asked = bucket::requests(delivery, statements);
    asked.requests.extend(key.into_iter().flat_map(|arn| key::requests(delivery, arn)));
    asked
}

fn named<'a>(name: &'a str, document: &'a PolicyDocument) -> Named<'a> {
    Named { name, document }
}

#[cfg(test)]
mod tests;
