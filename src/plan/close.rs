//! Takes the statements of others out of shared policies where they break isolation, if the person who plans has decided so.
//!
//! Without that decision they stay and are violations: what others wrote is theirs. Which statements break it is what the proof
//! blames, so each is removed because of a request that it allows, and the proof is made again without it.

use std::collections::BTreeSet;

use super::change::{Action, Change, Risk};
use super::diff::differences;
use super::finding::Harm;
use super::isolation::{self, Checked};
use crate::estate::{Address, Desired, Estate, Resource};
use crate::organization::Organization;
use crate::policy::Effect;
use crate::policy::merge::is_ours;

/// What the changes are because of.
const REASON: &str = "--close";

/// Proves what the plan leaves behind, and closes what can be closed.
pub(super) fn check(
    desired: &Desired,
    observed: &Estate,
    organization: &Organization,
    changes: &mut Vec<Change>,
    close: bool,
) -> Checked {
    loop {
        let checked = isolation::check(desired, observed, organization, changes);
        // Each round takes at least one statement out, so it ends.
        if !close || !remove(&checked.blamed, desired, observed, changes) {
            return checked;
        }
    }
}

/// Removes the statements of others that are blamed; tells whether there were any.
fn remove(
    blamed: &BTreeSet<(Address, usize)>,
    desired: &Desired,
    observed: &Estate,
    changes: &mut Vec<Change>,
) -> bool {
    let mut removed = false;
    // From the end, so that the places before stay what they are.
    for (address, index) in blamed.iter().rev() {
        let at = changes.iter().position(|change| change.address == *address);
        let planned = match at.and_then(|at| changes.get(at)) {
            Some(change) => change.desired.clone(),
            None => observed.resource(address).cloned(),
        };
        let Some(mut resource) = planned else { continue };
        let Some(policy) = resource.shared_policy_mut() else { continue };
        let foreign = policy.statements.get(*index).is_some_and(|s| s.effect == Effect::Allow && !is_ours(s));
        if !foreign {
            continue;
        }
        policy.statements.remove(*index);
        removed = put(resource, address, at, desired, observed, changes) || removed;
    }
    removed
}

/// Plans a policy without the statement: in the change that there is, or in one of its own.
fn put(
    resource: Resource,
    address: &Address,
    at: Option<usize>,
    desired: &Desired,
    observed: &Estate,
    changes: &mut Vec<Change>,
) -> bool {
    let seen = observed.resource(address);
    let fields = differences(&resource, seen, &observed.aliases(desired.partition));
    if let Some(change) = at.and_then(|at| changes.get_mut(at)) {
        change.risk.remove(&Risk::Safe);
        change.risk.insert(Risk::Destroys);
        change.fields = fields;
        change.desired = Some(resource);
        return true;
    }
    let Some(wanted) = desired.wanted.get(address) else { return false };
    changes.push(Change {
        address: address.clone(),
        operator: wanted.operator.clone(),
        action: Action::Update,
        risk: BTreeSet::from([Risk::Destroys]),
        harm: Harm::LogsExposed,
        reason: REASON.to_owned(),
        fields,
        depends_on: Vec::new(),
        desired: Some(resource),
        observed: seen.cloned(),
    });
    true
}
