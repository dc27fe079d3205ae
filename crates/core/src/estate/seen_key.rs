//! A key that orgtrail did not make and that logs or notifications are encrypted with, or a second one that it made:
//! looked at, never changed.

use serde::{Deserialize, Serialize};

use super::Problem;
use crate::policy::PolicyDocument;

/// What is known of such a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenKey {
    /// Its ARN; none where it could not be read, or is not there.
    pub arn: Option<String>,
    /// It can be used: neither disabled nor waiting for deletion.
    pub enabled: bool,
    /// AWS manages it for one of its services: its policy cannot be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub managed_by_aws: bool,
    /// The deployment in its ownership tag; none where it has no such tag, or the tags could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Its policy; none where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDocument>,
    /// Why it could not be read; none where it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl SeenKey {
    /// The code of the problem that stands for the keys of an account which were not looked at, although one of them
    /// may be a further one of this deployment. It stands under a name that is no key's.
    pub const NOT_LOOKED_AT: &str = "KeysNotLookedAt";
}
