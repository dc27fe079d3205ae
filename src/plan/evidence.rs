//! Other people's trails: what they record that is recorded already, and what that costs.

use super::Evidence;
use crate::estate::{Address, Desired, Estate, Resource, Trail};

/// The price of a further copy of management events (AWS CloudTrail pricing page, "Paid tier").
const SECOND_COPY: &str = "if it records what another trail records too, the second copy of management events is billed: \
                           2.00 USD per 100,000 events";

/// Finds every trail that is not wanted by this deployment.
pub(super) fn find(desired: &Desired, observed: &Estate) -> Vec<Evidence> {
    observed
        .resources()
        .filter(|(address, _)| !desired.wanted.contains_key(address))
        .filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some(evidence(desired, address, trail)),
            _ => None,
        })
        .collect()
}

fn evidence(desired: &Desired, address: &Address, trail: &Trail) -> Evidence {
    let whose = if trail.organization { "an organization trail" } else { "a trail of one account" };
    let state = if trail.logging { "logging" } else { "not logging" };
    let regions = if trail.multi_region { "all regions" } else { "one region" };
    let what = if trail.records_management_events() { "management events" } else { "no management events" };
    let finding = format!("{whose}, {state}, records {what} of {regions} into {}", trail.bucket);
    let copies = trail.logging && trail.records_management_events() && overlaps(desired, address, trail);
    Evidence { address: address.clone(), finding, cost: if copies { SECOND_COPY.into() } else { String::new() } }
}

/// An organization trail overlaps with everything, a trail of one account with the trails that record that account.
fn overlaps(desired: &Desired, address: &Address, trail: &Trail) -> bool {
    desired.wanted.iter().any(|(ours, wanted)| match &wanted.resource {
        Resource::Trail(wish) => {
            wish.records_management_events()
                && (wish.organization || trail.organization || ours.account == address.account)
                && (wish.multi_region || trail.multi_region || ours.region == address.region)
        }
        _ => false,
    })
}
