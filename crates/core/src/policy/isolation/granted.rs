//! What may be done, sorted by what it does to an archive: reading, listing, looking at settings, changing.
//!
//! An action that is not in these lists counts as a change unless its name says that it gets or lists: a new action of
//! AWS is not taken for harmless. Source: service authorization reference, "Actions, resources, and condition keys" of
//! S3, KMS and SNS.

use crate::policy::document::{ActionElement, Statement};
use crate::policy::evaluate::{covers_action, glob, globs_meet};

/// What reads an object, or what belongs to it.
const OBJECT_READS: [&str; 14] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAcl",
    "s3:GetObjectAttributes",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectTagging",
    "s3:GetObjectTorrent",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetObjectVersionTorrent",
    "s3:ListMultipartUploadParts",
];

/// What lists objects.
const LISTS: [&str; 3] = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];

/// What shows a bucket's settings; the rest of its kind begins with `s3:Get` too.
const BUCKET_SETTINGS: [&str; 14] = [
    "s3:GetBucketAcl",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
];

/// What makes, changes or removes an object.
const OBJECT_CHANGES: [&str; 19] = [
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectVersionTagging",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
    "s3:RestoreObject",
    "s3:UpdateObjectEncryption",
];

/// What a service that delivers logs does to objects.
const DELIVERIES: [&str; 2] = ["s3:PutObject", "s3:PutObjectAcl"];

/// What changes a bucket or its settings.
const BUCKET_CHANGES: [&str; 28] = [
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:PutBucketVersioning",
    "s3:CreateBucket",
    "s3:CreateBucketMetadataTableConfiguration",
    "s3:DeleteBucketOwnershipControls",
    "s3:DeleteBucketWebsite",
    "s3:InitiateReplication",
    "s3:PutAccelerateConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketRequestPayment",
    "s3:PutBucketTagging",
    "s3:PutBucketWebsite",
    "s3:PutEncryptionConfiguration",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:TagResource",
];

/// What shows a key's settings.
const KEY_SETTINGS: [&str; 7] = [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
];

/// What a service that writes encrypted objects does with a key, beside [`DECRYPT`].
const ENCRYPTIONS: [&str; 5] = [
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:Encrypt",
];

/// What reads with a key.
pub(super) const DECRYPT: &str = "kms:Decrypt";

/// What changes a key, gives it to others, or takes it away. Re-encryption reads with it too.
const KEY_CHANGES: [&str; 31] = [
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:CreateGrant",
    "kms:ReEncryptFrom",
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DeleteImportedKeyMaterial",
    "kms:DeriveSharedSecret",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GenerateMac",
    "kms:GetParametersForImport",
    "kms:ImportKeyMaterial",
    "kms:ReEncryptTo",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:Sign",
    "kms:SynchronizeMultiRegionKey",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
    "kms:Verify",
    "kms:VerifyMac",
    "kms:ConnectCustomKeyStore",
];

/// What shows a topic's settings.
const TOPIC_SETTINGS: [&str; 4] = [
    "sns:GetDataProtectionPolicy",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
];

/// What takes part in a topic's messages, which name every new file of every account.
const SUBSCRIPTIONS: [&str; 2] = ["sns:Subscribe", "sns:Receive"];

/// What speaks in a topic's name.
const PUBLISH: &str = "sns:Publish";

/// What changes a topic.
const TOPIC_CHANGES: [&str; 9] = [
    "sns:SetTopicAttributes",
    "sns:DeleteTopic",
    "sns:AddPermission",
    "sns:RemovePermission",
    "sns:ConfirmSubscription",
    "sns:CreateTopic",
    "sns:PutDataProtectionPolicy",
    "sns:TagResource",
    "sns:UntagResource",
];

/// The actions that a statement allows on one kind of resource, one of each sort; none where it allows none of the
/// sort.
#[derive(Debug, Clone, Default)]
pub(super) struct GrantedActions {
    /// Reads what is kept: objects, or what a key encrypts.
    pub(super) read: Option<String>,
    /// Lists what is kept, or hears of it.
    pub(super) list: Option<String>,
    /// Shows settings.
    pub(super) settings: Option<String>,
    /// What a service does that delivers: puts objects, encrypts, publishes.
    pub(super) deliver: Option<String>,
    /// Changes what is kept, beyond delivering.
    pub(super) change: Option<String>,
    /// Changes a bucket's settings.
    pub(super) change_settings: Option<String>,
}

impl GrantedActions {
    /// Returns what a statement allows on a bucket and its objects.
    pub(super) fn on_bucket(statement: &Statement) -> Self {
        let covered = |list: &[&str]| first(statement, list);
        let changes: Vec<&str> = OBJECT_CHANGES.into_iter().filter(|action| !DELIVERIES.contains(action)).collect();
        let mut granted = Self {
            read: covered(&OBJECT_READS),
            list: covered(&LISTS),
            settings: covered(&BUCKET_SETTINGS),
            deliver: covered(&DELIVERIES),
            change: covered(&changes),
            change_settings: covered(&BUCKET_CHANGES),
        };
        let known = [&OBJECT_READS[..], &LISTS, &BUCKET_SETTINGS, &OBJECT_CHANGES, &BUCKET_CHANGES].concat();
        for action in unknown(statement, "s3", &known) {
            match verb(&action) {
                // It may be about objects or about the bucket: whatever it shows is taken for both.
                Verb::Get => {
                    granted.read.get_or_insert_with(|| action.clone());
                    granted.settings.get_or_insert(action);
                }
                Verb::List => {
                    granted.list.get_or_insert(action);
                }
                Verb::Other => {
                    granted.change.get_or_insert_with(|| action.clone());
                    granted.change_settings.get_or_insert(action);
                }
            }
        }
        granted
    }

    /// Returns what a statement allows with a key.
    pub(super) fn on_key(statement: &Statement) -> Self {
        let covered = |list: &[&str]| first(statement, list);
        let mut granted = Self {
            read: covered(&[DECRYPT]),
            settings: covered(&KEY_SETTINGS),
            deliver: covered(&ENCRYPTIONS),
            change: covered(&KEY_CHANGES),
            ..Self::default()
        };
        let known = [&[DECRYPT][..], &KEY_SETTINGS, &ENCRYPTIONS, &KEY_CHANGES].concat();
        for action in unknown(statement, "kms", &known) {
            let sort = if verb(&action) == Verb::Other { &mut granted.change } else { &mut granted.settings };
            sort.get_or_insert(action);
        }
        granted
    }

    /// Returns what a statement allows on a topic.
    pub(super) fn on_topic(statement: &Statement) -> Self {
        let covered = |list: &[&str]| first(statement, list);
        let mut granted = Self {
            list: covered(&SUBSCRIPTIONS),
            settings: covered(&TOPIC_SETTINGS),
            deliver: covered(&[PUBLISH]),
            change: covered(&TOPIC_CHANGES),
            ..Self::default()
        };
        let known = [&[PUBLISH][..], &SUBSCRIPTIONS, &TOPIC_SETTINGS, &TOPIC_CHANGES].concat();
        for action in unknown(statement, "sns", &known) {
            let sort = if verb(&action) == Verb::Other { &mut granted.change } else { &mut granted.settings };
            sort.get_or_insert(action);
        }
        granted
    }

    /// Returns the most telling action, if there is any.
    pub(super) fn any(&self) -> Option<&String> {
        let sorts = [&self.read, &self.change, &self.change_settings, &self.deliver, &self.list, &self.settings];
        sorts.into_iter().flatten().next()
    }
}

pub(super) fn first(statement: &Statement, list: &[&str]) -> Option<String> {
    list.iter().find(|action| covers_action(statement, action)).map(|action| (*action).to_owned())
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    List,
    Other,
}

pub(super) fn verb(action: &str) -> Verb {
    let name = action.split_once(':').map_or(action, |(_, name)| name).to_ascii_lowercase();
    if ["get", "describe", "head"].iter().any(|start| name.starts_with(start)) {
        Verb::Get
    } else if name.starts_with("list") {
        Verb::List
    } else {
        Verb::Other
    }
}

/// Returns the patterns of a statement that are about a service and fit none of its actions that are known here. A
/// statement that lists what it does not mean is about all that is not known, unless the list has the whole service.
pub(super) fn unknown<'a>(
    statement: &'a Statement,
    service: &'a str,
    known: &'a [&str],
) -> impl Iterator<Item = String> + 'a {
    let fits = |pattern: &String, action: &str| glob(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
    let (patterns, rest) = match &statement.action {
        ActionElement::Is(list) => (list.as_slice(), None),
        ActionElement::IsNot(list) => {
            let is_left = !list.iter().any(|pattern| fits(pattern, &format!("{service}:an-action-of-tomorrow")));
            (&[][..], is_left.then(|| format!("{service}:*")))
        }
    };
    let is_of_service = move |pattern: &&String| globs_meet(&pattern.to_ascii_lowercase(), &format!("{service}:*"));
    let is_known = move |pattern: &String| known.iter().any(|action| fits(pattern, action));
    patterns.iter().filter(is_of_service).filter(move |pattern| !is_known(pattern)).cloned().chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyDocument;

    fn statement(action: &str) -> Statement {
        let text =
            format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":{action},"Resource":"*"}}]}}"#);
        PolicyDocument::parse(&text).unwrap().statements.remove(0)
    }

    #[test]
    fn actions_are_sorted_by_what_they_do() {
        let reads = GrantedActions::on_bucket(&statement(r#"["s3:Get*","s3:List*"]"#));
        assert_eq!((reads.change, reads.change_settings, reads.deliver), (None, None, None));
        assert_eq!(reads.read.as_deref(), Some("s3:GetObject"));
        let all = GrantedActions::on_bucket(&statement(r#""S3:*""#));
        assert!(all.change.is_some() && all.change_settings.is_some() && all.list.is_some());
        assert!(GrantedActions::on_bucket(&statement(r#"["sqs:*","s3express:*"]"#)).any().is_none());
        assert_eq!(
            GrantedActions::on_key(&statement(r#""kms:ReEncrypt*""#)).change.as_deref(),
            Some("kms:ReEncryptFrom")
        );
        assert_eq!(GrantedActions::on_topic(&statement(r#""SNS:Publish""#)).deliver.as_deref(), Some("sns:Publish"));
    }

    #[test]
    fn an_action_that_nobody_knows_is_a_change() {
        let granted = GrantedActions::on_bucket(&statement(r#""s3:FlipObject""#));
        assert_eq!(granted.change.as_deref(), Some("s3:FlipObject"));
        assert_eq!(
            GrantedActions::on_bucket(&statement(r#""s3:GetObjectSoul""#)).read.as_deref(),
            Some("s3:GetObjectSoul")
        );
        assert_eq!(GrantedActions::on_key(&statement(r#""kms:Melt*""#)).change.as_deref(), Some("kms:Melt*"));
    }
}
