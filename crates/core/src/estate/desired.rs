//! What should exist: wanted resources by address, each with who asked for it and what must be there before.

use std::collections::{BTreeMap, BTreeSet};

use super::access_logs::target_address;
use super::{Address, Estate, Kind, Past, Problem, Resource, Sighting, StatementRef, Surroundings};
use crate::ids::{AccountId, Arn, OrganizationId, Partition};
use crate::log_path::LogRoot;
use crate::policy::guard::GuardedAction;

/// The desired estate of one deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The organization.
    pub organization: OrganizationId,
    /// Its partition.
    pub partition: Partition,
    /// The name in the ownership tag.
    pub deployment: String,
    /// The account of the bucket, the key and the reader roles.
    pub log_account: AccountId,
    /// orgtrail's own role in the log account, which no policy may lock out.
    pub own_role: Arn,
    /// Roles that the configuration names as orgtrail's too, as ARNs in which `*` stands for any text.
    pub own_roles: Vec<String>,
    /// Roles that may delete logs and change what guards them, in the same form.
    pub break_glass: Vec<String>,
    /// What should exist.
    pub wanted: BTreeMap<Address, Wanted>,
    /// Accounts that a statement of others in a shared policy may name: the organization's, and those that the
    /// configuration trusts.
    pub known_accounts: BTreeSet<AccountId>,
    /// What readers are held to.
    pub reading: ReadingTerms,
    /// What is known of earlier logs.
    pub past: Past,
    /// How many days the readers of an account are kept after it has left.
    pub keep_readers_days: u32,
    /// Statements of others in shared policies that are named for removal.
    pub removed: BTreeSet<StatementRef>,
    /// What the lake is held to; none where there is no lake in a bucket.
    pub lake: Option<LakeTerms>,
    /// What the guard is held to; none where no guard is wanted.
    pub guard: Option<GuardTerms>,
    /// Accounts of which something could not be designed as configured, such as one whose own name gives no usable
    /// name.
    pub problems: Vec<Problem>,
}

/// What the configuration promises of readers, whatever the templates of their policies say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadingTerms {
    /// What the account folders that members read stand in.
    pub roots: BTreeSet<LogRoot>,
    /// A reader role is assumed only with a second factor.
    pub require_mfa: bool,
    /// The text without which no reader role is assumed.
    pub external_id: Option<String>,
    /// Accounts that may read the logs of all accounts, of the organization or from outside.
    pub trusted: BTreeSet<AccountId>,
    /// Principals of the log account that others may become, by role name or ARN, in which `*` stands for any text.
    pub administrators: Vec<String>,
    /// Names of buckets of the organization that trails of others deliver to.
    pub known_buckets: BTreeSet<String>,
}

/// What the configuration promises of the lake, whatever the template of its bucket's policy says: whoever can read it
/// reads the events of all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeTerms {
    /// The bucket, in the log account and the home region. It is wanted where orgtrail keeps it, and else only looked
    /// at.
    pub bucket: Address,
    /// What the keys of the lake begin with, with a slash at its end.
    pub folder: String,
    /// The roles of the central team that may read it, as ARNs.
    pub readers: Vec<String>,
}

/// What the configuration promises of the guard, whatever its template says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuardTerms {
    /// A few of the accounts that it covers, which stand for all.
    pub members: Vec<AccountId>,
    /// orgtrail's own roles there, which it must not hinder.
    pub own_roles: Vec<Arn>,
    /// What no member may do.
    pub protected: Vec<GuardedAction>,
    /// What every principal must still be able to do.
    pub needed: Vec<GuardedAction>,
}

/// One wanted resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What it should be.
    pub resource: Resource,
    /// The account whose credentials look at it and change it.
    pub operator: AccountId,
    /// The part of the configuration that asks for it, as a path.
    pub reason: &'static str,
    /// What must be there before.
    pub depends_on: Vec<Address>,
}

impl Desired {
    /// Returns the bucket of the logs. None where nothing is wanted.
    pub fn log_bucket(&self) -> Option<&Address> {
        self.wanted.keys().find(|address| address.kind == Kind::Bucket && !self.is_lake(address))
    }

    /// Tells whether an address is that of the lake's bucket.
    pub fn is_lake(&self, bucket: &Address) -> bool {
        self.lake.as_ref().is_some_and(|lake| lake.bucket == *bucket)
    }

    /// Returns the lake where orgtrail keeps its bucket.
    pub fn managed_lake(&self) -> Option<&LakeTerms> {
        self.lake.as_ref().filter(|lake| self.wanted.contains_key(&lake.bucket))
    }

    /// Returns the lake where somebody else keeps its bucket, which is looked at and not wanted.
    pub fn existing_lake(&self) -> Option<&LakeTerms> {
        self.lake.as_ref().filter(|lake| !self.wanted.contains_key(&lake.bucket))
    }

    /// Returns the estate in which everything that `before` asks for exists and nothing else that `self` asks for does.
    pub fn as_if_made(&self, before: &Desired) -> Estate {
        let mut estate = Estate::default();
        estate.sightings.extend(self.wanted.keys().map(|address| (address.clone(), Sighting::Absent)));
        let made = before.wanted.iter().map(|(a, wanted)| (a.clone(), Sighting::present(wanted.resource.clone())));
        estate.sightings.extend(made);
        // A world of the configuration's own has nothing around it.
        let mut surroundings = Surroundings::default();
        before.wanted.keys().for_each(|address| surroundings.add_empty(address));
        estate.surroundings = Some(surroundings);
        estate
    }

    /// Returns the buckets that receive the access logs of wanted ones. They are looked at, and not wanted.
    pub fn access_log_targets(&self) -> impl Iterator<Item = Address> {
        self.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
            Resource::Bucket(bucket) => Some(target_address(address, &bucket.access_logs.as_ref()?.bucket)),
            _ => None,
        })
    }

    /// Adds a wanted resource that its own account's credentials manage.
    pub fn want(
        &mut self,
        address: Address,
        resource: impl Into<Resource>,
        reason: &'static str,
        depends_on: Vec<Address>,
    ) {
        let operator = address.account.clone();
        self.wanted.insert(address, Wanted { resource: resource.into(), operator, reason, depends_on });
    }
}
