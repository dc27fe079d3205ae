//! What surrounds the archive: who else in the log account can read or change it, where copies, messages and lists of
//! its files go, and which policies of the organization bind it. Read with the log account, never managed.
//!
//! Each part is known or has the problem for which it is not: what could not be read is never taken for nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Address, Problem};
use crate::ids::AccountId;
use crate::policy::PolicyDocument;
use crate::policy::isolation::powers::Powers;

/// One part, read or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readable<T> {
    /// What is there; empty where nothing is.
    Read(T),
    /// It could not be read, and why.
    Unreadable(Box<Problem>),
}

impl<T: Default> Default for Readable<T> {
    fn default() -> Self {
        Readable::Read(T::default())
    }
}

impl<T> Readable<T> {
    /// Returns what was read.
    pub fn read(&self) -> Option<&T> {
        match self {
            Readable::Read(value) => Some(value),
            Readable::Unreadable(_) => None,
        }
    }

    /// Returns why it could not be read.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Readable::Read(_) => None,
            Readable::Unreadable(problem) => Some(problem),
        }
    }
}

/// All of it. What is not in one of the maps was not looked at: whoever looks enters everything, also what has nothing
/// around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surroundings {
    /// The roles, users and groups of the log account that can read, decrypt or change the archive or become somebody
    /// who can, without the readers of this deployment.
    #[serde(default)]
    pub principals: Readable<Vec<Principal>>,
    /// What leads out of each bucket.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub buckets: BTreeMap<Address, BucketExposure>,
    /// The grants of each key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<Address, Readable<Vec<KeyGrant>>>,
    /// The subscriptions of each topic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<Address, Readable<Vec<Subscription>>>,
    /// What leads out of each log group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub log_groups: BTreeMap<Address, LogGroupExposure>,
    /// The accounts that may administer CloudTrail for the organization.
    #[serde(default)]
    pub delegated_administrators: Readable<BTreeSet<AccountId>>,
    /// The service and resource control policies above the accounts of the archive and the trail.
    #[serde(default)]
    pub organization: Readable<ControlPolicies>,
}

/// A role, user or group of the log account with what it can do to the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Its ARN.
    pub arn: String,
    /// What it can do.
    #[serde(default)]
    pub powers: Powers,
    /// Who may assume it; none for users and groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<PolicyDocument>,
    /// What of it could not be read or understood, so that it may be able to do more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What leads out of a bucket beside its policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketExposure {
    /// The grants of its access control list, without that of its owner.
    #[serde(default)]
    pub acl: Readable<Vec<AclGrant>>,
    /// It is served as a website.
    #[serde(default)]
    pub website: Readable<bool>,
    /// Where copies of its objects go: rules that are enabled.
    #[serde(default)]
    pub replication: Readable<Vec<Target>>,
    /// Where lists of its objects go.
    #[serde(default)]
    pub inventories: Readable<Vec<Target>>,
    /// The ARNs of topics, queues and functions that hear of its objects.
    #[serde(default)]
    pub notifications: Readable<Vec<String>>,
}

/// A grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AclGrant {
    /// A canonical user id, or the URI of a group.
    pub grantee: String,
    /// In S3's words: `READ`, `WRITE_ACP`.
    pub permission: String,
}

/// A bucket that something is written to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The bucket's name.
    pub bucket: String,
    /// Whose it is; none where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A grant of a key (AWS KMS API, `ListGrants`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyGrant {
    /// Its id.
    pub id: String,
    /// Who may use the key: an ARN or a service.
    pub grantee: String,
    /// For what, in KMS's words: `Decrypt`, `CreateGrant`.
    pub operations: BTreeSet<String>,
}

/// A subscription of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// In SNS's words: `sqs`, `email`, `https`.
    pub protocol: String,
    /// The ARN that is written to; of everything else only as much as tells where it leads: the host, the mail domain.
    pub endpoint: String,
    /// The account that subscribed; none where SNS does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What leads out of a log group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGroupExposure {
    /// The ARNs that events are sent on to.
    #[serde(default)]
    pub subscriptions: Readable<Vec<String>>,
    /// The resource policies of the account and region, by name.
    #[serde(default)]
    pub policies: Readable<BTreeMap<String, PolicyDocument>>,
}

/// The control policies of the organization on the paths of a few accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlPolicies {
    /// The policies by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, ControlPolicy>,
    /// Service control policies: the root, unit or account -> the ids of the policies attached there. Empty where they
    /// are switched off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<String, BTreeSet<String>>,
    /// Resource control policies, in the same form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource: BTreeMap<String, BTreeSet<String>>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlPolicy {
    /// Its name.
    pub name: String,
    /// What it says.
    pub document: PolicyDocument,
}

impl Surroundings {
    /// Takes in what leads out of what was looked at; the rest stays as it was.
    pub fn take(&mut self, found: Surroundings) {
        self.buckets.extend(found.buckets);
        self.keys.extend(found.keys);
        self.topics.extend(found.topics);
        self.log_groups.extend(found.log_groups);
    }

    /// Says of what is there that nothing leads out of it, as far as nothing else is known: it was made a moment ago.
    pub fn add_empty(&mut self, address: &Address) {
        match address.kind {
            super::Kind::Bucket => {
                self.buckets.entry(address.clone()).or_default();
            }
            super::Kind::Key => {
                self.keys.entry(address.clone()).or_default();
            }
            super::Kind::Topic => {
                self.topics.entry(address.clone()).or_default();
            }
            super::Kind::LogGroup => {
                self.log_groups.entry(address.clone()).or_default();
            }
            _ => {}
        }
    }

    /// Returns all addresses that were looked at.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let keys = self.buckets.keys().chain(self.keys.keys());
        keys.chain(self.topics.keys()).chain(self.log_groups.keys())
    }

    /// Forgets what led out of what is not kept.
    pub fn retain(&mut self, keep: impl Fn(&Address) -> bool) {
        self.buckets.retain(|address, _| keep(address));
        self.keys.retain(|address, _| keep(address));
        self.topics.retain(|address, _| keep(address));
        self.log_groups.retain(|address, _| keep(address));
    }

    /// Returns the surroundings of which nothing could be read, for one reason.
    pub fn unreadable<'a>(problem: &Problem, addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let mut all = Self::default();
        fn not<T>(problem: &Problem) -> Readable<T> {
            Readable::Unreadable(Box::new(problem.clone()))
        }
        for address in addresses {
            match address.kind {
                super::Kind::Bucket => {
                    let exposure = BucketExposure {
                        acl: not(problem),
                        website: not(problem),
                        replication: not(problem),
                        inventories: not(problem),
                        notifications: not(problem),
                    };
                    all.buckets.insert(address.clone(), exposure);
                }
                super::Kind::Key => drop(all.keys.insert(address.clone(), not(problem))),
                super::Kind::Topic => drop(all.topics.insert(address.clone(), not(problem))),
                super::Kind::LogGroup => {
                    let exposure = LogGroupExposure { subscriptions: not(problem), policies: not(problem) };
                    all.log_groups.insert(address.clone(), exposure);
                }
                _ => {}
            }
        }
        all.principals = not(problem);
        all
    }
}
