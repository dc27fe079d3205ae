//! What should exist: wanted resources by address, each with who asked for it and what must be there before.

use std::collections::{BTreeMap, BTreeSet};

use super::{Address, Estate, Resource, Sighting};
use crate::ids::{AccountId, OrganizationId, Partition};

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
    /// What should exist.
    pub wanted: BTreeMap<Address, Wanted>,
    /// Accounts that a statement of others in a shared policy may name: the organization's, and those that the
    /// configuration trusts.
    pub known_accounts: BTreeSet<AccountId>,
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
    /// Returns the estate in which everything that `before` asks for exists and nothing else that `self` asks for does.
    pub fn as_if_made(&self, before: &Desired) -> Estate {
        let mut estate = Estate::default();
        estate.sightings.extend(self.wanted.keys().map(|address| (address.clone(), Sighting::Absent)));
        let made = before.wanted.iter().map(|(a, wanted)| (a.clone(), Sighting::present(wanted.resource.clone())));
        estate.sightings.extend(made);
        estate
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
