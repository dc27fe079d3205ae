//! Lakes of before: whoever can read one reads the events of all accounts, as long as it is there. Their buckets are
//! never changed and never removed, and watched until they are given up.

use super::change::Change;
use super::finding::Finding;
use super::isolation::{ArchivePolicies, ProofOutcome, proved};
use super::lake::{Told, openings};
use super::{Leftover, diff};
use crate::estate::{Address, Desired, Estate, Kind, LakeTerms, Problem, Resource, Sighting};
use crate::organization::Organization;

const TOLD: Told = Told {
    unblocked: "earlier-lake-unblocked",
    has_acls: "earlier-lake-has-acls",
    what: "an earlier lake lies, which has the events of all accounts",
};

/// Proves who reads them: the same as of the lake, of which the bucket keeps nothing else.
pub(super) fn check(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    changes: &[Change],
) -> ProofOutcome {
    let mut all = ProofOutcome::default();
    for bucket in &desired.past.lakes {
        let desired = with_lake_at(desired, bucket);
        let policies = ArchivePolicies::planned(&desired, observed, organization, changes);
        let found = policies.map(|policies| proved(&policies)).unwrap_or_default();
        let policy = bucket.with_kind(Kind::BucketPolicy);
        let arn = bucket.arn(desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let is_here = |resource: &str| {
            resource.strip_prefix(&arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
        };
        // All the rest is proved with the lake of today.
        all.violations
            .extend(found.violations.into_iter().filter(|one| one.address == policy || is_here(&one.resource)));
        all.unproven.extend(found.unproven.into_iter().filter(|one| one.address == policy));
    }
    all
}

/// Returns what would be wanted if the lake were there still, in a bucket that somebody else keeps.
fn with_lake_at(desired: &Desired, bucket: &Address) -> Desired {
    let mut other = desired.clone();
    if let Some(lake) = desired.managed_lake() {
        other.wanted.remove(&lake.bucket);
        other.wanted.remove(&lake.bucket.with_kind(Kind::BucketPolicy));
    }
    let readers = desired.lake.as_ref().map(|lake| lake.readers.clone()).unwrap_or_default();
    other.lake = Some(LakeTerms { bucket: bucket.clone(), folder: String::new(), readers });
    other
}

/// Returns what opens them beside their policies.
pub(super) fn findings(desired: &Desired, observed: &Estate) -> Vec<Finding> {
    let buckets = desired.past.lakes.iter().filter_map(|at| match observed.resource(at)? {
        Resource::Bucket(bucket) => Some(openings(at, bucket, &TOLD)),
        _ => None,
    });
    buckets.flatten().collect()
}

/// Returns what keeps us from knowing how they are.
pub(super) fn unknown(desired: &Desired, observed: &Estate) -> Vec<Problem> {
    let problem = |address: &Address| match observed.sightings.get(address) {
        Some(Sighting::Unreadable(problem)) => Some(problem.clone()),
        Some(Sighting::Present(_) | Sighting::Absent) => None,
        None => Some(diff::not_looked_at(address)),
    };
    desired.past.lakes.iter().filter_map(problem).collect()
}

/// Returns them and their policies as what stays.
pub(super) fn leftovers(desired: &Desired, observed: &Estate) -> Vec<Leftover> {
    let both = |bucket: &Address| [bucket.clone(), bucket.with_kind(Kind::BucketPolicy)];
    let there = desired.past.lakes.iter().flat_map(both).filter(|address| observed.resource(address).is_some());
    let how = "holds an earlier lake until it is given up with --give-up; orgtrail never deletes it";
    there.map(|address| Leftover { address, until: None, how: how.to_owned() }).collect()
}

#[cfg(test)]
mod tests;
