//! Lakes of before: buckets that orgtrail made for a lake and that the configuration does not name any more. The tags
//! of the log bucket tell of them ([`LakeNote`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::{Address, Desired, Estate, LakeNote, Resource, Sighting};
use crate::organization::Organization;

/// What is known of them.
#[derive(Default)]
pub(super) struct EarlierLakes {
    /// The buckets that are there, or may be.
    pub there: BTreeSet<Address>,
    /// The names of those that a person gives up.
    pub given_up: BTreeSet<String>,
}

/// Finds them. What a log bucket of today says counts before what one of before says.
pub(super) fn find(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    give_up: &BTreeSet<String>,
) -> EarlierLakes {
    let mut notes: BTreeMap<String, LakeNote> = BTreeMap::new();
    let of_today = observed.resources().filter(|(address, _)| desired.wanted.contains_key(*address));
    let is_ours = |resource: &Resource| resource.deployment() == Some(desired.deployment.as_str());
    let of_before = observed.resources().filter(|(address, r)| !desired.wanted.contains_key(*address) && is_ours(r));
    for (_, resource) in of_today.chain(of_before) {
        let Resource::Bucket(bucket) = resource else { continue };
        for note in LakeNote::all(&bucket.tags) {
            notes.entry(note.name().to_owned()).or_insert(note);
        }
    }
    let mut found = EarlierLakes::default();
    for note in notes.into_values() {
        let LakeNote::At(bucket) = note else { continue };
        let is_known = organization.accounts.contains_key(&bucket.account);
        let is_of_today = desired.wanted.contains_key(&bucket) || desired.is_lake(&bucket);
        let is_gone = matches!(observed.sightings.get(&bucket), Some(Sighting::Absent));
        if !is_known || is_of_today || is_gone {
            continue;
        }
        if give_up.contains(&bucket.name) {
            found.given_up.insert(bucket.name);
        } else {
            found.there.insert(bucket);
        }
    }
    found
}
