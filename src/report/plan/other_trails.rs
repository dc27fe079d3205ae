//! What is beside the wanted resources, as people read it: what is no longer wanted, and other trails.

use serde::Serialize;

use crate::organization::Organization;
use crate::plan::{Leftover, OtherTrail};
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::group::{Own, group_by};

/// Something of this deployment that is no longer configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftoverView {
    /// Where.
    pub address: String,
    /// Until when it is kept, and how it is removed.
    pub how: String,
}

/// Other trails that are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherTrailView {
    /// The address, with `<account>` in it where it stands for many.
    pub address: String,
    /// What it is.
    pub finding: String,
    /// What it costs; may be empty.
    pub cost: String,
    /// From when to when both record; may be empty.
    pub overlap: String,
    /// The commands with which the owner ends that, with `<account>` in them where they stand for many.
    pub commands: Vec<String>,
    /// The accounts that hold them.
    pub accounts: Vec<AccountView>,
}

/// Folds trails that are the same in many accounts.
pub(in crate::report) fn other_trails(found: &[OtherTrail], organization: &Organization) -> Vec<OtherTrailView> {
    let key = |trail: &OtherTrail| {
        let own = Own::of(&trail.address.account, organization);
        let OtherTrail { address, finding, cost, overlap, commands } = trail;
        let commands: Vec<String> = commands.iter().map(|command| own.hide(command)).collect();
        (own.hide(&address.to_string()), own.hide(finding), own.hide(cost), own.hide(overlap), commands)
    };
    let views = group_by(found, key).into_iter().map(|((address, finding, cost, overlap, commands), members)| {
        let accounts = members.iter().map(|e| account(&e.address.account, organization)).collect();
        match members.as_slice() {
            [only] => OtherTrailView {
                address: only.address.to_string(),
                finding: only.finding.clone(),
                cost: only.cost.clone(),
                overlap: only.overlap.clone(),
                commands: only.commands.clone(),
                accounts,
            },
            _ => OtherTrailView { address, finding, cost, overlap, commands, accounts },
        }
    });
    views.collect()
}

/// Returns what is no longer wanted, in its order.
pub(in crate::report) fn leftovers(found: &[Leftover]) -> Vec<LeftoverView> {
    let view = |Leftover { address, until: _, how }: &Leftover| LeftoverView {
        address: address.to_string(),
        how: how.clone(),
    };
    found.iter().map(view).collect()
}
