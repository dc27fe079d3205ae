//! What a person may write in `orgtrail.yaml`, as plain types with their defaults.
//!
//! The JSON Schema is derived from these types, and their doc comments are its descriptions: they are what an editor
//! shows. Rules that need more than one field, or more than a form, belong to `check`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{OrganizationId, Region};
use crate::organization::selector::Selector;

mod aws_config;
mod bucket;
mod data_events;
mod defaults;
mod earlier;
pub(super) mod formats;
mod lake;
mod notify;
mod reconcile;
mod text;
mod trail;
mod values;

pub use self::aws_config::AwsConfig;
pub use bucket::{ArchiveClass, BucketConfig, Lifecycle, LockMode, ObjectLock};
pub use data_events::{AdvancedSelector, FieldSelector, SelectorField};
pub use earlier::EarlierLogs;
pub use lake::{LakeBucket, LakeConfig, LakeGrain};
pub use notify::{NotifyConfig, TopicArn, WebLink, Webhook};
pub use reconcile::{AllowedRisk, ChangeWindow, Reconcile, S3Place};
pub use trail::{
    CloudwatchLogs, ExcludedSource, InsightType, ManagementEvents, Notify, RETENTION_DAYS, TrailConfig, TrailScope,
};
pub use values::{BadValue, Encryption, Interval, OldVersions, Owner, Percent, Regions};

use text::{DeploymentText, ExternalIdText, NameTemplate, OrganizationIdText, RegionText, SelectorText};

/// The whole of `orgtrail.yaml`: how the CloudTrail logs of an organization are consolidated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "orgtrail.yaml")]
pub struct Config {
    /// The version of this format.
    #[schemars(extend("const" = 1), example = 1)]
    pub version: u32,
    /// The name of this deployment. Everything that orgtrail makes bears it in the tag `orgtrail:deployment`.
    #[schemars(with = "DeploymentText")]
    pub deployment: String,
    /// The organization, and how its accounts are entered.
    #[serde(default)]
    pub organization: OrganizationConfig,
    /// Which accounts take part.
    pub accounts: Accounts,
    /// The region of the bucket, the key and the trails.
    #[schemars(with = "RegionText")]
    pub home_region: Region,
    /// Where the logs are kept.
    pub bucket: BucketConfig,
    /// Where logs of before lie: buckets, prefixes, keys and log accounts that are not those of today. Members go on to
    /// read their logs there; drift, access, verify and coverage go on to cover them.
    #[serde(default)]
    pub earlier: Vec<EarlierLogs>,
    /// What is recorded.
    #[schemars(length(min = 1))]
    pub trails: Vec<TrailConfig>,
    /// Who may read which logs.
    #[serde(default)]
    pub readers: Readers,
    /// What protects the trail from the accounts that it records.
    #[serde(default)]
    pub guard: Guard,
    /// What the daemon `orgtrail reconcile` may do by itself.
    #[serde(default)]
    pub reconcile: Reconcile,
    /// The lake: the events as Parquet, from which questions are answered within moments. None by default.
    #[serde(default)]
    pub lake: Option<LakeConfig>,
    /// AWS Config for the whole organization: an aggregator in the account that administers it. None by default.
    #[serde(default)]
    pub aws_config: Option<AwsConfig>,
    /// Where `--notify` of `drift` and `reconcile` sends what is new. No channel by default.
    #[serde(default)]
    pub notify: NotifyConfig,
    /// Tags of everything that orgtrail makes.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Regions that AWS opened after this version of orgtrail was made; they are accepted without a question.
    #[serde(default)]
    #[schemars(with = "Vec<RegionText>")]
    pub new_regions: Vec<Region>,
}

impl Config {
    /// Returns the object in which the history is kept, where the configuration names a place.
    pub fn history(&self) -> Option<S3Place> {
        self.reconcile.history.as_ref().map(|prefix| prefix.history_of(&self.deployment))
    }
}

/// The organization, and how its accounts are entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationConfig {
    /// The only organization that this configuration may be applied to. Any by default.
    #[schemars(with = "Option<OrganizationIdText>")]
    pub id: Option<OrganizationId>,
    /// The role that orgtrail assumes in each member account.
    #[schemars(length(min = 1))]
    pub member_role: String,
    /// Accounts to register as delegated administrators of CloudTrail, by id or name.
    #[schemars(length(max = 3), inner(length(min = 1)), extend("uniqueItems" = true))]
    pub delegated_administrators: Vec<String>,
    /// Roles that orgtrail itself runs with beside `member_role`, as ARNs in which `*` stands for any text: above all
    /// the one that it is started with where that is a role of the log account. Neither the bucket's policy nor the
    /// guard locks them out.
    #[schemars(example = vec!["arn:aws:iam::222222222222:role/orgtrail"])]
    pub own_roles: Vec<String>,
    /// Buckets of the organization that trails of others deliver to, by name, such as that of AWS Control Tower. An
    /// organization trail that copies everything into any other bucket is a finding.
    #[schemars(inner(length(min = 3, max = 63)), example = vec!["aws-controltower-logs-222222222222-eu-central-1"])]
    pub known_buckets: Vec<String>,
}

/// Which accounts take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// The log account, by id or name: it holds the bucket, the key and the reader roles.
    #[schemars(length(min = 1), example = &"222222222222", example = &"log-archive")]
    pub log: String,
    /// The accounts that are selected. All by default.
    #[serde(default = "defaults::every_account")]
    #[schemars(with = "Vec<SelectorText>", length(min = 1), extend("uniqueItems" = true))]
    pub include: Vec<Selector>,
    /// Of those, the accounts that are left out. None by default.
    #[serde(default)]
    #[schemars(with = "Vec<SelectorText>", extend("uniqueItems" = true))]
    pub exclude: Vec<Selector>,
}

/// Who may read which logs: every account its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Readers {
    /// How accounts are let in.
    pub mode: ReaderMode,
    /// The name of the role in the log account through which one account reads its logs; a template. It may have a
    /// path.
    #[schemars(
        with = "NameTemplate",
        example = &"CloudTrailReadLogs-{{account.id}}",
        example = &"/audit/CloudTrailReadLogs-{{account.id}}"
    )]
    pub role: String,
    /// The name of the managed policy in each member account that may assume exactly its reader role; a template.
    #[schemars(with = "NameTemplate")]
    pub member_policy: String,
    /// Groups and roles that the member policy is attached to, in each member account where they exist.
    pub attach_to: AttachTo,
    /// Lets only sessions with multi-factor authentication assume a reader role.
    pub require_mfa: bool,
    /// A text that must be given when a reader role is assumed. None by default.
    #[schemars(with = "Option<ExternalIdText>")]
    pub external_id: Option<String>,
    /// How long a session of a reader role may last, in hours.
    #[schemars(range(min = 1, max = 12))]
    pub session_hours: u32,
    /// Also lets an account read its logs of trails of another scope: of its own trail from before an organization
    /// trail took over, or the other way round. While such a trail still records, they can be read in any case.
    pub earlier_logs: bool,
    /// For how many days the role and the member policy are kept after an account was first seen to have left the
    /// selection: closed, moved, left out. Then `--prune` removes them; 0 for at once.
    #[schemars(range(max = 3650))]
    pub keep_days: u32,
}

impl Readers {
    /// Returns the template of the reader roles' names as ARNs have it after `role/`: with the path, without its first
    /// slash.
    pub fn role_template(&self) -> &str {
        self.role.strip_prefix('/').unwrap_or(&self.role)
    }
}

/// How member accounts are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReaderMode {
    /// One role for each account.
    Roles,
    /// One pair of statements in the bucket policy for all accounts.
    Dynamic,
    /// Roles while they fit into the log account's quota, else the pair of statements.
    #[default]
    Auto,
}

/// Groups and roles that a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttachTo {
    /// Names of IAM groups.
    #[schemars(inner(length(min = 1)), extend("uniqueItems" = true))]
    pub groups: Vec<String>,
    /// Names of IAM roles.
    #[schemars(inner(length(min = 1)), extend("uniqueItems" = true))]
    pub roles: Vec<String>,
}

/// What protects the trail from the accounts that it records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Makes a service control policy: no member account can stop, delete or blind the trail. `false` is for a guard
    /// that was made before: it is looked for, and `apply --prune` takes it away. Without it no policy is looked for.
    pub service_control_policy: Option<bool>,
}

impl Guard {
    /// Tells whether the policy is wanted.
    pub fn is_wanted(&self) -> bool {
        self.service_control_policy == Some(true)
    }

    /// Tells whether a policy that was made before has to go.
    pub fn is_unwanted(&self) -> bool {
        self.service_control_policy == Some(false)
    }
}

/// Returns the JSON Schema of `orgtrail.yaml`: what the checker itself uses, and what editors complete with.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}
