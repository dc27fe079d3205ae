//! Lakes of before: whoever can read one reads the events of all accounts, as long as it is there. Their buckets are
//! never changed and never removed, and watched until they are given up.

use std::collections::BTreeMap;

use super::change::Change;
use super::finding::Finding;
use super::isolation::{ArchivePolicies, ProofOutcome, proved};
use super::lake::{Told, openings};
use super::{Leftover, diff};
use crate::estate::{Address, Desired, Estate, Kind, LakeTerms, Problem, Resource, Sighting};
use crate::organization::Organization;
use crate::policy::isolation::{BrokenInvariant, Isolation, Unproven};

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
        // All the rest is proved with the lake of today.
        all.violations
            .extend(found.violations.into_iter().filter(|one| one.address == policy || is_in(&arn, &one.resource)));
        all.unproven.extend(found.unproven.into_iter().filter(|one| one.address == policy));
    }
    all
}

/// What is known of who reads an earlier lake.
#[derive(Debug)]
pub struct EarlierLakeReads {
    /// Its bucket.
    pub bucket: Address,
    /// What does not hold of it, and what could not be told.
    pub isolation: Isolation,
    /// The roles that may read today's lake and the principals that its policy names, and whether they read it; none
    /// where that cannot be told. `None`: it is not known.
    pub reads: Option<BTreeMap<String, Option<bool>>>,
}

/// Proves who reads them, once changes are made; without any, now.
pub fn reads(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    changes: Option<&[Change]>,
) -> Vec<EarlierLakeReads> {
    let of = |bucket: &Address| {
        let desired = with_lake_at(desired, bucket);
        let policies = match changes {
            Some(changes) => ArchivePolicies::planned(&desired, observed, organization, changes),
            None => ArchivePolicies::live(&desired, observed, organization),
        }?;
        let arn = bucket.arn(desired.partition)?.to_string();
        let policy = bucket.with_kind(Kind::BucketPolicy);
        let places = BTreeMap::new();
        let Isolation { violations, unproven, kept: _ } = policies.prove();
        let is_of = |one: &BrokenInvariant| is_in(&arn, &one.resource) || policies.blamed(&places, one) == policy;
        let is_open = |one: &Unproven| one.lake.as_ref() == Some(&arn) || one.principal == policy.to_string();
        let isolation = Isolation {
            violations: violations.into_iter().filter(is_of).collect(),
            unproven: unproven.into_iter().filter(is_open).collect(),
            kept: Vec::new(),
        };
        Some(EarlierLakeReads { bucket: bucket.clone(), isolation, reads: policies.lake_reads() })
    };
    desired.past.lakes.iter().filter_map(of).collect()
}

/// Tells whether a resource is a bucket or lies in it.
fn is_in(bucket: &str, resource: &str) -> bool {
    resource.strip_prefix(bucket).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
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
