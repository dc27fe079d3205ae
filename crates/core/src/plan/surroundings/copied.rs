//! Organization trails of others, or of another deployment: each copies the events of every account to a bucket. Where
//! nothing tells that the bucket is the organization's, an outsider may read them there.

use std::collections::BTreeSet;

use super::{Around, Judge};
use crate::estate::{Address, Kind, Resource, Trail};
use crate::plan::{Finding, Harm};

impl Judge<'_> {
    pub(super) fn copied(&self, result: &mut Around) {
        let known = self.known_buckets();
        let others = self.observed.resources().filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) if !self.desired.wanted.contains_key(address) => Some((address, trail)),
            _ => None,
        });
        for (address, trail) in others {
            if trail.organization && trail.logging && !known.contains(trail.bucket.as_str()) {
                result.findings.push(copied_elsewhere(address, trail));
            }
        }
    }

    /// Returns the names of the buckets that are the organization's: those of this deployment, now and before, those
    /// that were seen in an account of the organization, and those that the configuration names.
    fn known_buckets(&self) -> BTreeSet<&str> {
        let is_ours = |address: &&Address| {
            address.kind == Kind::Bucket && self.organization.accounts.contains_key(&address.account)
        };
        let wanted = self.desired.wanted.keys().filter(|address| address.kind == Kind::Bucket);
        let seen = self.observed.resources().map(|(address, _)| address).filter(is_ours);
        let past = self.desired.past.places.iter().map(|place| &place.bucket);
        let named = self.desired.reading.known_buckets.iter().map(String::as_str);
        wanted.chain(seen).chain(past).map(|address| address.name.as_str()).chain(named).collect()
    }
}

fn copied_elsewhere(address: &Address, trail: &Trail) -> Finding {
    Finding::new(
        Harm::LogsExposed,
        address,
        "organization-copied-elsewhere",
        format!(
            "this organization trail, which is not of this deployment, copies the events of every account into the bucket {}; \
             nothing shows that it is the organization's",
            trail.bucket
        ),
        "if the bucket is the organization's, name it in organization.known_buckets; otherwise find out who made the trail \
         (CreateTrail in CloudTrail's event history of its account and region), and have it stopped there",
    )
}
