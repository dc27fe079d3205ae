//! Looks again only at what may have changed.
//!
//! The unit is an account, looked at with the credentials of one operator. In a round these are looked at: the
//! management account and the log account, where the trail, the bucket, the key and the roles are; accounts that were
//! never looked at or not for as long as a full pass may take; accounts that a [`Focus`] or an open finding names; and
//! a share of the others, the oldest first, so that a full pass is spread evenly over its time. The rest comes from the
//! [`ObservationCache`].

use std::collections::BTreeSet;

use crate::ids::AccountId;
use crate::observation::ObservationScope;

mod cache;
mod observer;

pub use cache::ObservationCache;
pub use observer::{PartialObserver, RefreshPolicy};

/// What a round is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Focus {
    /// It is time: all that is due.
    #[default]
    Due,
    /// Something was heard of these.
    Only {
        /// Accounts joined, left or moved.
        organization: bool,
        /// Something happened in these accounts.
        accounts: BTreeSet<AccountId>,
    },
}

impl Focus {
    /// Returns a focus on nothing, to be merged with others.
    pub fn empty() -> Self {
        Focus::Only { organization: false, accounts: BTreeSet::new() }
    }

    /// Adds what another round would be about. All that is due includes everything.
    pub fn merge(&mut self, other: Focus) {
        let Focus::Only { organization, accounts } = self else { return };
        match other {
            Focus::Due => *self = Focus::Due,
            Focus::Only { organization: more, accounts: others } => {
                *organization |= more;
                accounts.extend(others);
            }
        }
    }
}

/// Accounts that are looked at in every round: there are few, and all depends on them.
fn essential(scope: &ObservationScope) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::from([scope.log_account.clone(), scope.management_account.clone()]);
    let elsewhere = scope.addresses.iter().filter(|(address, operator)| address.account != **operator);
    accounts.extend(elsewhere.map(|(_, operator)| operator.clone()));
    accounts
}
