//! What could not be read or done, told to the person who must act.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Address;
use crate::ids::AccountId;

/// Something that went wrong in one account while the rest went on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The account id.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// The address; none where it is not about one resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub address: Option<Address>,
    /// What was being done.
    pub stage: Stage,
    /// AWS's error code, or one of orgtrail where no call was made.
    pub code: String,
    /// What failed, in a sentence.
    pub message: String,
    /// What to do next; empty where that is not known.
    pub help: String,
}

/// The part of a run that a problem belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the organization.
    Discover,
    /// Reading what an account has.
    Observe,
    /// Working out what to do.
    Plan,
    /// Changing something.
    Apply,
    /// Looking whether logs still arrive.
    Delivery,
}

impl Stage {
    /// Returns the word that reports and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Discover => "discover",
            Stage::Observe => "observe",
            Stage::Plan => "plan",
            Stage::Apply => "apply",
            Stage::Delivery => "delivery",
        }
    }
}
