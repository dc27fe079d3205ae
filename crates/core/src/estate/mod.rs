//! What exists or should exist, as plain data: an ordered map from address to sighting.
//!
//! One file a kind of resource. What could not be read is never taken for absent: that is why a sighting has three
//! cases. Nothing here decides what should be (`desire`) or what to do (`plan`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Partition};
use crate::policy::Aliases;

pub mod access_logs;
pub mod address;
pub mod aggregator;
pub mod bucket;
pub mod desired;
pub mod field;
pub mod guard;
pub mod key;
pub mod lake_bucket;
mod lake_note;
pub mod log_group;
pub mod place;
pub mod policy;
pub mod problem;
pub mod resource;
pub mod role;
pub mod seen_key;
pub mod selection;
pub mod shared;
pub mod snapshot;
pub mod statement;
pub mod surroundings;
pub mod topic;
pub mod trail;
pub mod trusted_access;
pub mod wake;

pub use address::{Address, Kind};
pub use aggregator::ConfigAggregator;
pub use bucket::{Bucket, BucketPolicy};
pub use desired::{Desired, GuardTerms, LakeTerms, ReadingTerms, Wanted};
pub use field::{Field, FieldValue, Tags};
pub use guard::ServiceControlPolicy;
pub use key::{Key, KeyPolicy};
pub use lake_bucket::LakeBucketSettings;
pub use lake_note::LakeNote;
pub use log_group::LogGroup;
pub use place::{EarlierPlace, Past};
pub use policy::Policy;
pub use problem::{Problem, Stage};
pub use resource::Resource;
pub use role::Role;
pub use seen_key::SeenKey;
pub use shared::Shared;
pub use statement::StatementRef;
pub use surroundings::Surroundings;
pub use topic::Topic;
pub use trail::Trail;
pub use trusted_access::{DelegatedAdministrator, TrustedAccess};
pub use wake::{DeadLetters, Queue, Rule, wake_name};

/// The tag that says which deployment made a resource.
pub const OWNER_TAG: &str = "orgtrail:deployment";

/// The tag of a reader role that says for which account it reads.
pub const ACCOUNT_TAG: &str = "orgtrail:account";

/// The tag of a reader role that says on which day a run first saw that its account had left; empty for an account that
/// came back.
pub const LEFT_TAG: &str = "orgtrail:left-at";

/// Stands in what is desired for the day of the run that makes it so. IAM takes no braces in a tag, so it can never be
/// written as it is.
pub const DATE_OF_RUN: &str = "{date of the run}";

/// What was seen at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// It is there.
    Present(Shared<Resource>),
    /// It is not there.
    Absent,
    /// It could not be read; it may be there.
    Unreadable(Problem),
}

impl Sighting {
    /// Makes a sighting of a resource that is there.
    pub fn present(resource: impl Into<Resource>) -> Self {
        Sighting::Present(Shared::new(resource.into()))
    }

    /// Returns the resource, if it is there.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Sighting::Present(resource) => Some(resource),
            Sighting::Absent | Sighting::Unreadable(_) => None,
        }
    }
}

/// What AWS has, as far as it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estate {
    /// Every address that was looked at.
    pub sightings: BTreeMap<Address, Sighting>,
    /// The quotas of the accounts where they were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<AccountId, Limits>,
    /// Keys that are no wanted resources, by the names under which buckets, trails, topics and the configuration call
    /// them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, SeenKey>,
    /// What surrounds the archive; none where it was not read, which is never taken for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<Surroundings>,
}

/// Quotas of IAM in one account and how much of them is used (IAM API, `GetAccountSummary`). None where AWS did not
/// say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Roles that exist; none where it could not be read, as with all of these.
    pub roles: Option<u32>,
    /// Roles that may exist (the quota of IAM); none where it could not be read.
    pub roles_quota: Option<u32>,
    /// Characters of a trust policy; none where it could not be read.
    pub trust_policy_size: Option<u32>,
    /// Characters of all inline policies of one role; none where it could not be read.
    pub role_policy_size: Option<u32>,
    /// Characters of one managed policy; none where it could not be read.
    pub policy_size: Option<u32>,
}

impl Estate {
    /// Returns what is at an address, if it was looked at and is there.
    pub fn resource(&self, address: &Address) -> Option<&Resource> {
        self.sightings.get(address).and_then(Sighting::resource)
    }

    /// Returns all resources that are there.
    pub fn resources(&self) -> impl Iterator<Item = (&Address, &Resource)> {
        self.sightings.iter().filter_map(|(address, sighting)| Some((address, sighting.resource()?)))
    }

    /// Returns the other names of principals and keys that this estate can translate: the unique ids of roles and the
    /// aliases and ids of keys, each with the ARN that it stands for.
    pub fn aliases(&self, partition: Partition) -> Aliases {
        let mut aliases = Aliases::new();
        for (address, resource) in self.resources() {
            match resource {
                Resource::Role(role) => aliases.extend(role.aliases(address, partition)),
                Resource::Key(key) => aliases.extend(key.aliases(address)),
                _ => {}
            }
        }
        aliases
    }
}
