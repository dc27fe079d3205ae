//! An account as people know it, in every report that names one.

use serde::Serialize;

use crate::ids::AccountId;
use crate::organization::Organization;

/// An account by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AccountView {
    /// The twelve digits.
    pub id: String,
    /// The name that people gave it; the id again where it is not of this organization.
    pub name: String,
}

/// Returns an account by id and name.
pub fn account(id: &AccountId, organization: &Organization) -> AccountView {
    AccountView { id: id.to_string(), name: organization.name_of(id).to_owned() }
}
