//! The section `earlier`: where logs of before lie.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{BucketName, Region};

use super::text::{BucketNameText, RegionText};

/// A place with logs of before, which no trail of today writes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierLogs {
    /// The log account of that time, by id or name. That of today by default.
    #[serde(default)]
    #[schemars(example = &"222222222222")]
    pub log_account: Option<String>,
    /// The bucket's name.
    #[schemars(with = "BucketNameText")]
    pub bucket: BucketName,
    /// What stands before `AWSLogs/` in every key, without a slash at either end.
    #[serde(default)]
    #[schemars(example = &"cloudtrail")]
    pub prefix: String,
    /// The bucket's region. The home region of today by default.
    #[serde(default)]
    #[schemars(with = "Option<RegionText>")]
    pub region: Option<Region>,
    /// The ARN of the key that encrypted these logs. None by default.
    #[serde(default)]
    #[schemars(example = &"arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab")]
    pub key: Option<String>,
}
