//! One item of the list `trails`: what is recorded, and where it is sent besides the bucket.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data_events::AdvancedSelector;
use super::defaults;
use super::text::NameTemplate;
use super::values::{Owner, Regions};

/// A trail that delivers to the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrailConfig {
    /// The trail's name; a template.
    #[schemars(with = "NameTemplate", example = &"acme-org-trail")]
    pub name: String,
    /// Whose events are recorded.
    #[serde(default)]
    pub scope: TrailScope,
    /// Who makes an organization trail.
    #[serde(default)]
    pub owner: Owner,
    /// The regions that are recorded: `all`, or a list.
    #[serde(default)]
    pub regions: Regions,
    /// Records events of global services such as IAM.
    #[serde(default = "defaults::yes")]
    pub global_events: bool,
    /// Writes signed digests, with which `orgtrail verify` proves that no log was changed.
    #[serde(default = "defaults::yes")]
    pub validation: bool,
    /// Which management events are recorded.
    #[serde(default)]
    pub management_events: ManagementEvents,
    /// Advanced event selectors for data and network activity events. They cost money by the event.
    #[serde(default)]
    pub data_events: Vec<AdvancedSelector>,
    /// Which kinds of unusual activity CloudTrail looks for. They cost money.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub insights: Vec<InsightType>,
    /// Tells a topic of every delivered file. Off by default.
    #[serde(default)]
    pub notify: Option<Notify>,
    /// Sends the events to CloudWatch Logs too. Off by default.
    #[serde(default)]
    pub cloudwatch_logs: Option<CloudwatchLogs>,
    /// Tags of the trail, besides the common ones.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Whose events a trail records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrailScope {
    /// One organization trail: every account, also those that will join.
    #[default]
    Organization,
    /// One trail in each selected account.
    Accounts,
}

/// Which management events are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ManagementEvents {
    /// Records calls that only read.
    pub read: bool,
    /// Records calls that change something.
    pub write: bool,
    /// Busy services whose management events are left out.
    #[schemars(extend("uniqueItems" = true))]
    pub exclude: Vec<ExcludedSource>,
}

impl Default for ManagementEvents {
    fn default() -> Self {
        Self { read: true, write: true, exclude: Vec::new() }
    }
}

/// A source that CloudTrail can leave out of management events (CloudTrail API, `ExcludeManagementEventSources`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ExcludedSource {
    /// AWS Key Management Service.
    #[serde(rename = "kms.amazonaws.com")]
    Kms,
    /// The Data API of Amazon RDS.
    #[serde(rename = "rdsdata.amazonaws.com")]
    RdsData,
}

impl ExcludedSource {
    /// Returns the source as CloudTrail writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ExcludedSource::Kms => "kms.amazonaws.com",
            ExcludedSource::RdsData => "rdsdata.amazonaws.com",
        }
    }
}

/// A kind of unusual activity (CloudTrail API, `InsightType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum InsightType {
    /// Unusual numbers of writing calls.
    ApiCallRateInsight,
    /// Unusual numbers of failing calls.
    ApiErrorRateInsight,
}

impl InsightType {
    /// Returns the type as CloudTrail writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            InsightType::ApiCallRateInsight => "ApiCallRateInsight",
            InsightType::ApiErrorRateInsight => "ApiErrorRateInsight",
        }
    }
}

/// Where a notification of every delivered file goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// The name of an SNS topic in the log account, in the home region; a template.
    #[schemars(with = "NameTemplate", example = &"acme-org-trail")]
    pub sns: String,
}

/// A log group that receives the events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudwatchLogs {
    /// The log group's name; a template.
    #[schemars(with = "NameTemplate", example = &"/orgtrail/acme")]
    pub group: String,
    /// How many days CloudWatch keeps the events.
    #[serde(default = "defaults::retention_days")]
    #[schemars(extend("enum" = RETENTION_DAYS))]
    pub retention_days: u32,
    /// The role with which CloudTrail writes to the log group; a template.
    #[serde(default = "defaults::cloudwatch_role")]
    #[schemars(with = "NameTemplate", example = &"orgtrail-{{deployment}}-cloudwatch-logs")]
    pub role: String,
}

/// The retentions that CloudWatch Logs accepts, in days (CloudWatch Logs API, `PutRetentionPolicy`).
pub const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
