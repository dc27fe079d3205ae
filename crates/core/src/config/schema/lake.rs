//! Where the events lie as Parquet, to be asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reconcile::S3Place;
use super::values::Interval;

/// The lake: the events of the log bucket as Parquet, from which `orgtrail query` answers within moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LakeConfig {
    /// The bucket and the prefix that it lies under. It must not be the log bucket: slots are written again and again,
    /// and its versions, retention and lifecycle are for logs. Whoever can read it reads the events of all accounts.
    pub place: S3Place,
    /// Who keeps the bucket.
    #[serde(default)]
    pub bucket: LakeBucket,
    /// Roles of the central team that may read the lake, besides the principals that the log account's policies let in:
    /// ARNs, without wildcards. A role that reads for one account cannot be among them. None by default.
    #[serde(default)]
    #[schemars(example = vec!["arn:aws:iam::222222222222:role/security-analysts"])]
    pub readers: Vec<String>,
    /// How long the time of one file is: a day, or an hour for organizations whose day is too much to be written again
    /// with each update. It cannot be changed later.
    #[serde(default)]
    pub grain: LakeGrain,
    /// Over how many files the accounts of each day or hour are spread. It cannot be changed later.
    #[serde(default = "super::defaults::lake_slots")]
    #[schemars(range(min = 1, max = 1000))]
    pub slots: u16,
    /// The time between two updates by the daemon `orgtrail reconcile`.
    #[serde(default = "super::defaults::lake_every")]
    pub every: Interval,
}

/// Who keeps the bucket of a lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LakeBucket {
    /// `orgtrail apply` makes it in the log account and the home region, for the lake alone, and keeps it closed.
    #[default]
    Managed,
    /// Others: orgtrail changes nothing there, and only checks who can read the lake. It has to be in the log
    /// account and the home region for that.
    Existing,
}

/// How long the time of one file of a lake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LakeGrain {
    /// A day.
    #[default]
    Day,
    /// An hour.
    Hour,
}
