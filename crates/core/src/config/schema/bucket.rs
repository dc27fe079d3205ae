//! The section `bucket`: where the logs are kept, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, BucketName};

use super::defaults;
use super::text::{AccountIdText, BucketNameText, NameTemplate};
use super::values::{Encryption, OldVersions};

/// The bucket of the log account that receives all logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// The bucket's name; a template, in which `account` is the log account and `region` the home region.
    #[schemars(with = "NameTemplate", example = &"acme-org-cloudtrail", example = &"{{deployment}}-logs-{{account.id}}")]
    pub name: String,
    /// What stands before `AWSLogs/` in every key, without a slash at either end.
    #[serde(default)]
    #[schemars(example = &"cloudtrail")]
    pub prefix: String,
    /// Keeps overwritten and deleted objects.
    #[serde(default = "defaults::yes")]
    pub versioning: bool,
    /// How the logs are encrypted.
    #[serde(default)]
    pub encryption: Encryption,
    /// The alias of the key that `encryption: kms` makes; a template.
    #[serde(default = "defaults::key_alias")]
    #[schemars(with = "NameTemplate", example = &"alias/orgtrail-{{deployment}}")]
    pub key_alias: String,
    /// Makes new objects undeletable for a time. Off by default.
    #[serde(default)]
    pub object_lock: Option<ObjectLock>,
    /// Moves logs to a cheaper storage class, and deletes them in the end. Off by default.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
    /// A bucket that receives the server access logs of this one. It must exist. None by default.
    #[serde(default)]
    #[schemars(with = "Option<BucketNameText>")]
    pub access_logs: Option<BucketName>,
    /// Accounts outside the organization that the bucket policy may let in, by statements which others wrote.
    #[serde(default)]
    #[schemars(with = "Vec<AccountIdText>")]
    pub trusted_readers: Vec<AccountId>,
    /// The roles that alone may delete logs or change the bucket's policy, as ARNs in which `*` stands for any text.
    /// Beside them only orgtrail's own role may change the policy. Off by default.
    #[serde(default)]
    #[schemars(example = vec!["arn:aws:iam::222222222222:role/break-glass"])]
    pub break_glass_roles: Vec<String>,
    /// Roles of the log account that principals outside it and the management account may become, although they read or
    /// change logs: role names, or ARNs, in which `*` stands for any text. All others are violations.
    #[serde(default)]
    #[schemars(example = vec!["SecurityAudit", "arn:aws:iam::222222222222:role/forensics/*"])]
    pub administrators: Vec<String>,
    /// Tags of the bucket and its key, besides the common ones.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Write once, read many: no log can be deleted before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectLock {
    /// Who may still shorten the time.
    pub mode: LockMode,
    /// How many days a new object is locked.
    #[schemars(range(min = 1, max = 36_500), example = 365)]
    pub days: u32,
}

/// Who may shorten a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Users with a special permission may.
    Governance,
    /// Nobody may, the root user included: a mistake stays for all the days.
    Compliance,
}

/// What becomes of logs with age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// After how many days logs move to `archive_class`. Never by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36_500), example = 90)]
    pub archive_after_days: Option<u32>,
    /// The storage class of old logs.
    #[serde(default)]
    pub archive_class: ArchiveClass,
    /// After how many days logs are deleted. Never by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36_500), example = 2555)]
    pub expire_after_days: Option<u32>,
    /// After how many days old versions are deleted, which are what was overwritten or deleted; or `never`. 90 days by
    /// default where logs are deleted at all, else never.
    #[serde(default)]
    #[schemars(example = 365)]
    pub expire_old_versions_after_days: Option<OldVersions>,
}

/// A storage class that S3 moves objects to (S3 API, `TransitionStorageClass`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ArchiveClass {
    /// Read at once, for logs that are seldom read.
    #[default]
    GlacierIr,
    /// Restored within minutes or hours before it can be read.
    Glacier,
    /// Restored within hours or days before it can be read.
    DeepArchive,
    /// Read at once; refused before 30 days.
    StandardIa,
    /// Read at once, kept in one zone only; refused before 30 days.
    OnezoneIa,
    /// S3 chooses by use.
    IntelligentTiering,
}

impl ArchiveClass {
    /// Every class.
    pub const ALL: [ArchiveClass; 6] = [
        ArchiveClass::GlacierIr,
        ArchiveClass::Glacier,
        ArchiveClass::DeepArchive,
        ArchiveClass::StandardIa,
        ArchiveClass::OnezoneIa,
        ArchiveClass::IntelligentTiering,
    ];

    /// Returns the class as S3 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ArchiveClass::GlacierIr => "GLACIER_IR",
            ArchiveClass::Glacier => "GLACIER",
            ArchiveClass::DeepArchive => "DEEP_ARCHIVE",
            ArchiveClass::StandardIa => "STANDARD_IA",
            ArchiveClass::OnezoneIa => "ONEZONE_IA",
            ArchiveClass::IntelligentTiering => "INTELLIGENT_TIERING",
        }
    }

    /// Returns the age in days before which S3 refuses a transition to this class.
    ///
    /// Source: Amazon S3 user guide, "Transitioning objects using Amazon S3 Lifecycle", constraints.
    pub fn min_age_days(self) -> u32 {
        match self {
            ArchiveClass::StandardIa | ArchiveClass::OnezoneIa => 30,
            _ => 0,
        }
    }
}
