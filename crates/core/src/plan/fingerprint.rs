//! What a plan stands on: a hash of everything observed, so that a plan is not applied on other ground.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::change::Change;
use crate::estate::{Address, Desired, Estate, Resource, Sighting};

/// Returns a resource without what changes by itself while nothing is wrong: the times of deliveries.
fn steady(resource: &Resource) -> Cow<'_, Resource> {
    let mut resource = Cow::Borrowed(resource);
    if matches!(resource.as_ref(), Resource::Trail(trail) if trail.delivery.is_some())
        && let Resource::Trail(trail) = resource.to_mut()
    {
        trail.delivery = None;
    }
    resource
}

/// Returns the SHA-256 of what was seen at every wanted and every changed address.
pub(super) fn fingerprint(changes: &[Change], desired: &Desired, observed: &Estate) -> String {
    let mut hash = Sha256::new();
    let mut add = |address: &Address| {
        hash.update(address.to_string());
        match observed.sightings.get(address) {
            Some(Sighting::Present(resource)) => {
                hash.update(serde_json::to_vec(&steady(resource)).unwrap_or_default());
            }
            Some(Sighting::Absent) => hash.update("absent"),
            Some(Sighting::Unreadable(_)) | None => hash.update("unreadable"),
        }
    };
    desired.wanted.keys().for_each(&mut add);
    changes.iter().map(|c| &c.address).filter(|a| !desired.wanted.contains_key(a)).for_each(&mut add);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
