//! Puts changes in an order in which each comes after all that it depends on.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change};
use crate::estate::Address;

/// Orders the changes: dependencies first, otherwise by address; removals last, so that nobody loses the old access
/// before the new one exists.
pub(super) fn ordered(changes: Vec<Change>) -> Vec<Change> {
    let (removals, others): (Vec<Change>, Vec<Change>) =
        changes.into_iter().partition(|c| c.action() == Action::Retire);
    let mut waiting: BTreeMap<Address, Change> = others.into_iter().map(|c| (c.address.clone(), c)).collect();
    let mut dependents: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    let mut open: BTreeMap<Address, usize> = BTreeMap::new();
    for (address, change) in &waiting {
        open.insert(address.clone(), change.depends_on.len());
        for needed in &change.depends_on {
            dependents.entry(needed.clone()).or_default().push(address.clone());
        }
    }
    let mut ready: BTreeSet<Address> = open.iter().filter(|(_, count)| **count == 0).map(|(a, _)| a.clone()).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while let Some(address) = ready.pop_first() {
        ordered.extend(waiting.remove(&address));
        for dependent in dependents.remove(&address).unwrap_or_default() {
            if let Some(count) = open.get_mut(&dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(dependent);
                }
            }
        }
    }
    // The rules of `desire` only point from what is built later to what is built earlier, so nothing is left here; if
    // a rule ever broke that, AWS would refuse the step and say which, which is better than dropping the change.
    ordered.extend(waiting.into_values());
    ordered.extend(removals);
    ordered
}
