//! The organization as plain data: accounts, organizational units, selection and lifecycle.
//!
//! What is here was discovered; nothing here asks AWS. Which accounts a configuration chooses is [`select`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, OrganizationId, Partition};

pub mod select;
pub mod selector;

/// An organization at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its id, `o-…`.
    pub id: OrganizationId,
    /// The partition that all its accounts live in.
    pub partition: Partition,
    /// The account that owns it, and every organization trail.
    pub management_account: AccountId,
    /// Its root and organizational units by id. Units whose names nobody needed may be missing.
    pub units: BTreeMap<String, Unit>,
    /// Its accounts.
    pub accounts: BTreeMap<AccountId, Account>,
}

/// A root or an organizational unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The name that people gave it; `Root` for a root.
    pub name: String,
    /// The id of the unit above; none for a root.
    pub parent: Option<String>,
}

/// A member of the organization, the management account included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name that people gave it: untrusted text.
    pub name: String,
    /// The root user's address; empty where a snapshot was made without addresses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Where it is in its life.
    pub state: AccountState,
    /// The ids from the root down to the unit that holds it, such as `r-ab12`, `ou-ab12-11111111`.
    pub path: Vec<String>,
    /// Its tags, if a selector needed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// The life of an account, as Organizations' `State` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// Created, but not usable yet: calls into it fail, and nothing is wrong.
    PendingActivation,
    /// In use.
    Active,
    /// Suspended by AWS; its resources exist, calls into it fail.
    Suspended,
    /// Its closure has been asked for.
    PendingClosure,
    /// Closed; it disappears after 90 days.
    Closed,
}

impl AccountState {
    /// Tells whether calls into the account can succeed.
    pub fn is_active(self) -> bool {
        self == AccountState::Active
    }

    /// Returns the state as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountState::PendingActivation => "PENDING_ACTIVATION",
            AccountState::Active => "ACTIVE",
            AccountState::Suspended => "SUSPENDED",
            AccountState::PendingClosure => "PENDING_CLOSURE",
            AccountState::Closed => "CLOSED",
        }
    }
}

impl Organization {
    /// Returns the path of an account as people write it: the names of its units, `/Workloads/Prod`; `/` under the
    /// root.
    ///
    /// A unit whose name is not known is written by its id.
    pub fn unit_path(&self, account: &Account) -> String {
        let mut text = String::new();
        for id in account.path.iter().skip(1) {
            text.push('/');
            text.push_str(self.unit_name(id));
        }
        if text.is_empty() { "/".into() } else { text }
    }

    /// Returns the name of a unit, or its id where the name is not known.
    pub fn unit_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.units.get(id).map_or(id, |unit| unit.name.as_str())
    }

    /// Finds accounts by id or by name. Names need not be unique in an organization, so there may be several.
    pub fn find(&self, id_or_name: &str) -> Vec<&AccountId> {
        match self.accounts.get_key_value(id_or_name) {
            Some((id, _)) => vec![id],
            None => self.accounts.iter().filter(|(_, a)| a.name == id_or_name).map(|(id, _)| id).collect(),
        }
    }

    /// Returns the name of an account, or its id where the account is not of this organization.
    pub fn name_of<'a>(&'a self, id: &'a AccountId) -> &'a str {
        self.accounts.get(id).map_or(id.as_str(), |account| account.name.as_str())
    }
}
