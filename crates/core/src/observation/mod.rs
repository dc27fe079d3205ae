//! What a plan has to look at, and what has to be looked at because of what was seen: trails that the deployment's own
//! documents let in, and places of earlier logs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::Address;
use crate::ids::{AccountId, Partition, Region};

mod earlier;
mod superseded;

pub use earlier::earlier_addresses;
pub use superseded::{superseded_trails, superseded_wakers};

/// What a plan has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationScope {
    /// The name in the ownership tag.
    pub deployment: String,
    /// The partition.
    pub partition: Partition,
    /// The account of the log bucket and the reader roles.
    pub log_account: AccountId,
    /// The account that owns the organization trails.
    pub management_account: AccountId,
    /// Where trails live.
    pub home_region: Region,
    /// Every account of the organization.
    pub accounts: BTreeSet<AccountId>,
    /// Every address that the desired estate has, with the account whose credentials look at it.
    pub addresses: BTreeMap<Address, AccountId>,
    /// The name that the member policy has or would have, for every account of the organization. An account for which a
    /// reader role of this deployment exists, but which is not selected any more, is looked at under this name.
    pub member_policies: BTreeMap<AccountId, String>,
    /// There is a queue that wakes the daemon: beside a trail that is no longer configured there may be a rule and
    /// a role that are not configured either.
    pub wakes: bool,
    /// The root, the units and the accounts whose control policies bind the archive or its trails: those on the paths
    /// of the log account and of the owners of trails, without the management account, which none binds.
    pub control_targets: BTreeSet<String>,
    /// Accounts whose own trails are looked for. It costs one call more for each.
    pub member_trails: BTreeSet<AccountId>,
    /// Whether it matters what managed policies are attached to. It costs one call more for each that is attached.
    pub attachments: bool,
    /// The ARNs of keys that the configuration names: they are looked at, not made.
    pub keys: BTreeSet<String>,
    /// Whether further keys of this deployment are looked for, beside the one that is in use. It costs two calls, and
    /// one for each of the first keys of the log account.
    pub further_keys: bool,
    /// Whether it is looked for files below the prefix of each trail in its bucket: a place of earlier logs is to be
    /// given up. It costs one call for each trail.
    pub arrivals: bool,
}
