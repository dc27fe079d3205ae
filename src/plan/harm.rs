//! What a drift does now: one judgement a kind of resource, from what was observed and what should be.

use super::change::{Action, Change};
use super::finding::{Finding, Harm};
use crate::estate::{Address, Resource, Trail};

/// Returns what the difference between wanted and observed does as long as it stays.
pub(super) fn of(change: &Change) -> Harm {
    if change.action == Action::Retire {
        return Harm::Harmless;
    }
    match (&change.desired, &change.observed) {
        (Some(Resource::Trail(wish)), Some(Resource::Trail(seen))) => trail(wish, seen),
        (Some(Resource::Trail(_) | Resource::TrustedAccess(_)), _) => Harm::NothingRecorded,
        (Some(Resource::Bucket(_) | Resource::BucketPolicy(_)), None) => Harm::LogsLost,
        (Some(Resource::Key(_)), Some(Resource::Key(seen))) if !seen.enabled || seen.pending_deletion => Harm::LogsLost,
        _ => Harm::LessProtected,
    }
}

/// Returns the worst that was found at an address.
pub(super) fn of_findings(address: &Address, findings: &[Finding]) -> Harm {
    let here = findings.iter().filter(|finding| finding.address == *address);
    here.map(|finding| finding.harm).min().unwrap_or(Harm::Harmless)
}

fn trail(wish: &Trail, seen: &Trail) -> Harm {
    let records_less = (wish.logging && !seen.logging)
        || (wish.multi_region && !seen.multi_region)
        || (wish.organization && !seen.organization)
        || (wish.records_management_events() && !seen.records_management_events());
    if records_less { Harm::NothingRecorded } else { Harm::LessProtected }
}
