//! Two estates in, ordered changes out, each with its risk and reason. Pure.

use serde::{Deserialize, Serialize};

use crate::estate::{Address, Problem};
use crate::ids::{AccountId, OrganizationId};

pub mod change;

pub use change::{Action, Change, FieldChange, Risk};

/// What would be done, and what has to be known before it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The organization that it was made for.
    pub organization: OrganizationId,
    /// The name in the ownership tag.
    pub deployment: String,
    /// The changes, each after all that it depends on.
    pub changes: Vec<Change>,
    /// How many wanted resources are already as they should be.
    pub unchanged: usize,
    /// What stands against doing any of it: a quota that is full, a document over its size limit.
    pub blockers: Vec<Problem>,
    /// What could not be read, so that nothing was planned there.
    pub problems: Vec<Problem>,
    /// Other people's trails that record the same events.
    pub evidence: Vec<Evidence>,
    /// How near documents and quotas are to their limits, nearest first.
    pub headroom: Vec<Headroom>,
    /// SHA-256 of everything observed that the changes stand on, in hexadecimal digits.
    pub fingerprint: String,
}

/// A trail that is not ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The trail.
    pub address: Address,
    /// What it is and what it records, in a sentence.
    pub finding: String,
    /// What it costs, in a sentence; empty where it costs nothing more.
    pub cost: String,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headroom {
    /// The account that the limit belongs to.
    pub account: AccountId,
    /// What is limited, such as `bytes of the bucket policy` or `roles in the account`.
    pub what: String,
    /// How much is used once the plan is done.
    pub used: u64,
    /// How much may be.
    pub limit: u64,
}

impl Plan {
    /// Tells whether everything that could be read is as it should be.
    pub fn in_sync(&self) -> bool {
        self.changes.is_empty()
    }
}
