//! Questions about a recorded world: what is at an address, whose a name is, what AWS would have decided.
//!
//! The world is a [`Snapshot`]. Everything here only reads it.

use sha2::{Digest, Sha256};

use crate::estate::snapshot::{Completeness, Snapshot};
use crate::estate::{Address, Key, Kind, Problem, Resource, Sighting, Stage};
use crate::ids::AccountId;

/// What a world knows of one address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KnownSighting<'a> {
    /// It is there.
    Present(&'a Resource),
    /// It is not there.
    Absent,
    /// It was not read, or could not be.
    Unknown,
}

impl<'a> KnownSighting<'a> {
    /// Returns the resource, if it is known to be there.
    pub fn resource(self) -> Option<&'a Resource> {
        match self {
            KnownSighting::Present(resource) => Some(resource),
            KnownSighting::Absent | KnownSighting::Unknown => None,
        }
    }
}

/// Returns what a world knows of an address.
pub fn known<'a>(world: &'a Snapshot, address: &Address) -> KnownSighting<'a> {
    match (world.estate.sightings.get(address), world.completeness) {
        (Some(Sighting::Present(resource)), _) => KnownSighting::Present(resource),
        (Some(Sighting::Absent), _) | (None, Completeness::Whole) => KnownSighting::Absent,
        (Some(Sighting::Unreadable(_)), _) | (None, Completeness::AsRecorded) => KnownSighting::Unknown,
    }
}

/// Tells whether calls into an account can succeed: it belongs to the organization and is active.
pub fn can_enter(world: &Snapshot, account: &AccountId) -> bool {
    *account == world.organization.management_account
        || world.organization.accounts.get(account).is_some_and(|a| a.state.is_active())
}

/// Returns the sighting that a look at an address gives.
pub fn sighting(world: &Snapshot, address: &Address, operator: &AccountId) -> Sighting {
    if !can_enter(world, operator) {
        return Sighting::Unreadable(no_entry(world, address, operator));
    }
    match (world.estate.sightings.get(address), world.completeness) {
        (Some(sighting), _) => sighting.clone(),
        (None, Completeness::Whole) => Sighting::Absent,
        (None, Completeness::AsRecorded) => Sighting::Unreadable(not_recorded(address)),
    }
}

fn no_entry(world: &Snapshot, address: &Address, operator: &AccountId) -> Problem {
    let why = why_no_entry(world, operator);
    Problem {
        account: operator.clone(),
        address: Some(address.clone()),
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: format!("sts:AssumeRole failed: {why}"),
        help: "leave the account out with `accounts.exclude`, or wait until it is active".into(),
    }
}

/// Says why an account cannot be entered.
pub fn why_no_entry(world: &Snapshot, account: &AccountId) -> String {
    match world.organization.accounts.get(account) {
        Some(found) => format!("the account {account} is {}", found.state.as_str()),
        None => format!("the account {account} does not belong to {}", world.organization.id),
    }
}

fn not_recorded(address: &Address) -> Problem {
    Problem {
        account: address.account.clone(),
        address: Some(address.clone()),
        stage: Stage::Observe,
        code: "NotRecorded".into(),
        message: format!("the snapshot does not cover {address}: it was not read when the snapshot was recorded"),
        help: "record it again with `orgtrail snapshot` and the present configuration".into(),
    }
}

/// Finds a bucket by its name, which is unique in the partition.
pub fn bucket_address<'a>(world: &'a Snapshot, name: &str) -> Option<&'a Address> {
    let mut resources = world.estate.resources();
    resources.find(|(address, _)| address.kind == Kind::Bucket && address.name == name).map(|(address, _)| address)
}

/// Finds a key by its ARN.
pub fn key_by_arn<'a>(world: &'a Snapshot, arn: &str) -> Option<(&'a Address, &'a Key)> {
    world.estate.resources().find_map(|(address, resource)| match resource {
        Resource::Key(key) if key.arn.as_deref() == Some(arn) => Some((address, key)),
        _ => None,
    })
}

/// Returns the ARN that AWS would give a new key: the same one for the same address, in the form of a UUID.
pub fn new_key_arn(world: &Snapshot, address: &Address) -> String {
    let id = hex(&digest("key", address));
    let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32]];
    let (partition, region) = (world.organization.partition, address.region.as_ref());
    let region = region.map_or_else(|| partition.global_region(), |region| region.as_str());
    format!("arn:{partition}:kms:{region}:{}:key/{}", address.account, parts.join("-"))
}

/// Returns the unique id that IAM would give a new role: `AROA` and 17 letters or digits.
pub fn new_role_id(address: &Address) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = digest("role", address).into_iter().take(17).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    std::iter::once("AROA".to_owned()).chain(letters.map(String::from)).collect()
}

/// Returns the id that Organizations would give a new policy: `p-` and eight lower-case letters or digits.
pub fn new_policy_id(address: &Address) -> String {
    format!("p-{}", &hex(&digest("policy", address))[..8])
}

fn digest(what: &str, address: &Address) -> [u8; 32] {
    Sha256::digest(format!("{what}:{address}")).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
