//! The rule of trusted access and delegated administrators.

use super::topology::Topology;
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::estate::{Address, DelegatedAdministrator, Desired, Kind, TrustedAccess};
use crate::ids::AccountId;

/// Adds trusted access where an organization trail needs it, and the delegated administrators.
pub(super) fn add(layout: &Topology<'_>, desired: &mut Desired) {
    let (organization_trails, _) = layout.scopes();
    if organization_trails || !layout.administrators.is_empty() {
        desired.want(trusted_access(layout), TrustedAccess {}, "trails.scope", Vec::new());
    }
    for id in &layout.administrators {
        let needs = vec![trusted_access(layout)];
        let reason = "organization.delegated_administrators";
        desired.want(administrator(layout, id), DelegatedAdministrator {}, reason, needs);
    }
}

/// Returns the address of trusted access.
pub(super) fn trusted_access(layout: &Topology<'_>) -> Address {
    Address::global(&layout.management_account, Kind::TrustedAccess, CLOUDTRAIL_PRINCIPAL)
}

/// Returns the address of a delegated administrator.
pub(super) fn administrator(layout: &Topology<'_>, id: &AccountId) -> Address {
    Address::global(&layout.management_account, Kind::DelegatedAdministrator, id.as_str())
}
