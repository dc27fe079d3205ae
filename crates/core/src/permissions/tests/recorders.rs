//! What looking at AWS Config needs.

use std::collections::BTreeSet;

use super::{FULL, PLACES, actions, ask, config, known, request};
use crate::permissions::{AccountKind, Permissions, PermissionsRequest, Purpose, permissions, stack_set};

pub(super) fn needed(purpose: Purpose, place: AccountKind) -> Permissions {
    permissions(&PermissionsRequest { recorders: true, ..request(&config(FULL), purpose, place, &known()) })
}

#[test]
fn recorders_are_read_in_every_account_where_that_is_asked_for_and_never_changed() {
    let reads = ["ConfigurationRecorderStatus", "ConfigurationRecorders", "DeliveryChannelStatus", "DeliveryChannels"];
    let reads: BTreeSet<String> = reads.iter().map(|what| format!("config:Describe{what}")).collect();
    for purpose in [Purpose::Plan, Purpose::Apply, Purpose::Verify] {
        for place in PLACES {
            let (with, without) = (actions(&needed(purpose, place)), actions(&ask(FULL, purpose, place)));
            let regions = "account:ListRegions".to_owned();
            let more: BTreeSet<String> = with.difference(&without).filter(|a| **a != regions).cloned().collect();
            assert_eq!(more, reads, "{purpose:?} {place:?}");
            assert!(with.contains(&regions), "which regions are enabled is asked first");
            assert!(without.iter().all(|action| !action.starts_with("config:")), "{purpose:?} {place:?}");
        }
    }
    let (text, _) = stack_set(&config(FULL), Purpose::Plan, &known(), true).unwrap();
    assert!(reads.iter().all(|action| text.contains(action)), "{text}");
}
