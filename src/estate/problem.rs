//! What could not be read or done, told to the person who must act.

use serde::{Deserialize, Serialize};

use super::Address;
use crate::ids::AccountId;

/// Something that went wrong in one account while the rest went on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Where.
    pub account: AccountId,
    /// The resource, if it concerns only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// While doing what.
    pub stage: Stage,
    /// AWS's error code, or a word of ours where no call was made.
    pub code: String,
    /// What failed, in a sentence.
    pub message: String,
    /// What to do next; empty where nobody knows.
    pub help: String,
}

/// The part of a run that a problem belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
