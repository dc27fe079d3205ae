//! What must be switched on in the organization itself.

use serde::{Deserialize, Serialize};

use super::{Address, Field, Kind};
use crate::ids::AccountId;

/// The service principal of CloudTrail, to which trusted access is given for organization trails.
pub const CLOUDTRAIL_PRINCIPAL: &str = "cloudtrail.amazonaws.com";

/// The service principal of AWS Config, to which trusted access is given for aggregators of the organization.
pub const CONFIG_PRINCIPAL: &str = "config.amazonaws.com";

/// Trusted access of a service; its address has the service's principal as the name. Without that of CloudTrail no
/// organization trail records members (AWS Organizations user guide, "AWS CloudTrail and AWS Organizations"), without
/// that of AWS Config no aggregator collects from them. It is only ever switched on: switching CloudTrail's off stops
/// every member's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedAccess {}

/// A member account that may administer a service for the organization. Its address has the account's id as the name
/// for CloudTrail, and `config.amazonaws.com/ID` for AWS Config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegatedAdministrator {}

impl TrustedAccess {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {} = self;
        vec![Field::plain("enabled", true)]
    }
}

impl DelegatedAdministrator {
    pub(super) fn fields(&self) -> Vec<Field> {
        let Self {} = self;
        vec![Field::plain("registered", true)]
    }
}

/// Returns the name that the address of a delegated administrator of AWS Config has.
pub fn config_administrator_name(account: &AccountId) -> String {
    format!("{CONFIG_PRINCIPAL}/{account}")
}

impl Address {
    /// Returns the service that trusted access or a delegated administrator is for, by its principal; `None` for every
    /// other kind.
    pub fn service_principal(&self) -> Option<&str> {
        match self.kind {
            Kind::TrustedAccess => Some(&self.name),
            Kind::DelegatedAdministrator => {
                Some(self.name.split_once('/').map_or(CLOUDTRAIL_PRINCIPAL, |(service, _)| service))
            }
            _ => None,
        }
    }

    /// Returns the id of the account that is a delegated administrator; `None` for every other kind.
    pub fn administrator(&self) -> Option<&str> {
        let is_one = self.kind == Kind::DelegatedAdministrator;
        is_one.then(|| self.name.rsplit('/').next().unwrap_or(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_service_is_administered_and_by_whom() {
        let account: AccountId = "222222222222".parse().unwrap();
        for (name, service) in
            [(account.to_string(), CLOUDTRAIL_PRINCIPAL), (config_administrator_name(&account), CONFIG_PRINCIPAL)]
        {
            let address = Address::global(&"111111111111".parse().unwrap(), Kind::DelegatedAdministrator, name);
            assert_eq!(address.to_string().parse(), Ok(address.clone()));
            assert_eq!((address.service_principal(), address.administrator()), (Some(service), Some(account.as_str())));
            assert_eq!(address.with_kind(Kind::Role).service_principal(), None);
        }
    }
}
