//! What the proof of isolation came to, with the places that are to blame: as the plan leaves it, and as it was
//! observed.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Risk};
use super::isolation::ArchivePolicies;
use super::{Unproven as Open, Violation};
use crate::estate::{Address, Desired, Estate, Kind};
use crate::organization::Organization;
use crate::policy::isolation::{self, Unproven};

/// What the proof of a plan came to.
#[derive(Default)]
pub(super) struct ProofOutcome {
    /// What does not hold once the plan is done.
    pub violations: Vec<Violation>,
    /// What could not be told.
    pub unproven: Vec<Open>,
}

/// Proves what the plan leaves behind. A change at the address of a violation weakens.
pub(super) fn check(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    changes: &mut [Change],
) -> ProofOutcome {
    let found = checked(desired, observed, organization, changes);
    let addresses: BTreeSet<&Address> = found.violations.iter().map(|violation| &violation.address).collect();
    for change in changes.iter_mut().filter(|change| addresses.contains(&change.address)) {
        change.risk.remove(&Risk::Safe);
        change.risk.insert(Risk::Weakens);
    }
    found
}

/// Gives what is open a place: the one that it names, else that of the lake, else the bucket's policy, else the log
/// account.
pub(super) fn placed(open: Unproven, desired: &Desired) -> Open {
    let of_lake = policy_of_lake(&open, desired);
    let Unproven { invariant, principal, why, lake: _ } = open;
    let of_bucket = || Some(desired.log_bucket()?.with_kind(Kind::BucketPolicy));
    let address = principal.parse().ok().or(of_lake).or_else(of_bucket);
    let address = address.unwrap_or_else(|| Address::global(&desired.log_account, Kind::Role, principal.clone()));
    Open { address, invariant, principal, why }
}

/// Returns the policy of the lake's bucket where what is open is about that.
fn policy_of_lake(open: &Unproven, desired: &Desired) -> Option<Address> {
    open.lake.as_ref()?;
    Some(desired.lake.as_ref()?.bucket.with_kind(Kind::BucketPolicy))
}

/// Returns what the documents as they were observed let happen and should not.
pub(super) fn live(desired: &Desired, observed: &Estate, organization: &Organization) -> Vec<Violation> {
    let policies = ArchivePolicies::live(desired, observed, organization);
    policies.map(|policies| proved(&policies).violations).unwrap_or_default()
}

fn checked(desired: &Desired, observed: &Estate, organization: &Organization, changes: &[Change]) -> ProofOutcome {
    let policies = ArchivePolicies::planned(desired, observed, organization, changes);
    policies.map(|policies| proved(&policies)).unwrap_or_default()
}

/// Proves, and says where what it finds is.
pub(super) fn proved(policies: &ArchivePolicies<'_>) -> ProofOutcome {
    let places: BTreeMap<&str, &Address> =
        policies.readers.iter().map(|reader| (reader.role.as_str(), &reader.address)).collect();
    let isolation::Isolation { violations, unproven, kept: _ } = policies.prove();
    let mut violations: Vec<Violation> = violations
        .into_iter()
        .map(|violation| Violation {
            address: policies.blamed(&places, &violation),
            author: policies.author(&violation),
            invariant: violation.invariant,
            principal: violation.principal,
            action: violation.action,
            resource: violation.resource,
            statement: violation.statement.map(|place| place.to_string()),
        })
        .collect();
    violations.sort();
    let open = |open: Unproven| {
        let of_lake = policy_of_lake(&open, policies.desired());
        let Unproven { invariant, principal, why, lake: _ } = open;
        let of_reader = || places.get(principal.as_str()).map(|place| (*place).clone());
        let named = principal.parse().ok().or(of_lake).or_else(of_reader);
        let address = named.unwrap_or_else(|| policies.bucket.with_kind(Kind::BucketPolicy));
        Open { address, invariant, principal, why }
    };
    ProofOutcome { violations, unproven: unproven.into_iter().map(open).collect() }
}
