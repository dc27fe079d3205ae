//! Who speaks for whom: the account that owns trails, and the members that its organization trails record.

use std::collections::BTreeSet;

use crate::estate::{Address, Estate, Kind, Resource, Sighting, Trail};
use crate::ids::AccountId;
use crate::organization::Organization;

/// An account with the trails that record it, and the members that are recorded by the same trails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSubject {
    /// The owner of the trails.
    pub account: AccountId,
    /// Its trails.
    pub trails: BTreeSet<Address>,
    /// Whether its trails were looked at. Without a look, no trails means nothing.
    pub looked_at: bool,
    /// Active members that inherit: an organization trail of this account records them.
    pub members: BTreeSet<AccountId>,
}

/// Returns the subjects: with an organization trail its owner for everybody, else each active account for itself.
///
/// A member's own trails are not judged while an organization trail records the member: what they lack is not missing.
pub(super) fn subjects(organization: &Organization, estate: &Estate) -> Vec<AuditSubject> {
    let management = &organization.management_account;
    let mut active: BTreeSet<AccountId> =
        organization.accounts.iter().filter(|(_, a)| a.state.is_active()).map(|(id, _)| id.clone()).collect();
    active.insert(management.clone());
    if !consolidated(estate) {
        return active.iter().map(|account| subject(estate, account, BTreeSet::new())).collect();
    }
    active.remove(management);
    vec![subject(estate, management, active)]
}

fn consolidated(estate: &Estate) -> bool {
    estate.resources().any(|(_, resource)| matches!(resource, Resource::Trail(trail) if trail.organization))
}

/// Returns a trail of the management account that could not be read, where no organization trail was seen: it may be
/// one.
pub(super) fn unread_of_owner<'a>(organization: &Organization, estate: &'a Estate) -> Option<&'a Address> {
    if consolidated(estate) {
        return None;
    }
    let mut unread = estate.sightings.iter().filter(|(_, seen)| matches!(seen, Sighting::Unreadable(_)));
    let of_owner =
        |address: &Address| address.kind == Kind::Trail && address.account == organization.management_account;
    unread.find(|(address, _)| of_owner(address)).map(|(address, _)| address)
}

fn subject(estate: &Estate, account: &AccountId, members: BTreeSet<AccountId>) -> AuditSubject {
    let of_account = |address: &&Address| address.kind == Kind::Trail && &address.account == account;
    let mut looks = estate.sightings.iter().filter(|(address, _)| of_account(address)).peekable();
    let looked_at = looks.peek().is_some();
    let trails = looks.filter(|(_, seen)| !matches!(seen, Sighting::Absent)).map(|(address, _)| address.clone());
    AuditSubject { account: account.clone(), trails: trails.collect(), looked_at, members }
}

impl AuditSubject {
    /// Returns its trails that could be read.
    pub(super) fn read<'a>(&'a self, estate: &'a Estate) -> impl Iterator<Item = (&'a Address, &'a Trail)> {
        self.trails.iter().filter_map(|address| match estate.resource(address)? {
            Resource::Trail(trail) => Some((address, trail)),
            _ => None,
        })
    }

    /// Tells whether a trail records everybody for whom this subject speaks: what a trail of the owner alone records
    /// says nothing of the members.
    pub(super) fn is_recorded_by(&self, trail: &Trail) -> bool {
        trail.organization || self.members.is_empty()
    }

    /// Returns its trails that could not be read.
    pub(super) fn unread<'a>(&'a self, estate: &'a Estate) -> impl Iterator<Item = &'a Address> {
        self.trails.iter().filter(|address| estate.resource(address).is_none())
    }
}
