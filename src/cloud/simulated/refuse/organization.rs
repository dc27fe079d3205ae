//! Refusals of AWS Organizations: trusted access, delegated administrators, service control policies.

use super::Attempt;
use crate::cloud::CloudFault;
use crate::estate::trusted_access::{CLOUDTRAIL_PRINCIPAL, CONFIG_PRINCIPAL, config_administrator_name};
use crate::estate::{Address, ConfigAggregator, Kind, Resource, ServiceControlPolicy};
use crate::ids::AccountId;

use super::super::world::{KnownSighting, known};

/// Delegated administrators of CloudTrail in an organization (CloudTrail user guide, "Organization delegated
/// administrator").
const DELEGATED_ADMINISTRATORS_MAX: usize = 3;

/// Characters of a service control policy (Organizations user guide, "Quotas for AWS Organizations").
const SERVICE_CONTROL_POLICY_CHARACTERS_MAX: usize = 5_120;

/// Service control policies attached directly to one root, unit or account (the same page).
const SERVICE_CONTROL_POLICIES_MAX: usize = 5;

impl Attempt<'_> {
    fn is_management(self, account: &AccountId) -> bool {
        *account == self.world.organization.management_account
    }

    /// The name of a resource in the management account, without a region.
    fn in_management(self, kind: Kind, name: &str) -> Address {
        Address::global(&self.world.organization.management_account, kind, name)
    }

    /// Tells whether trusted access is known to be off.
    pub(super) fn lacks_trusted_access(self) -> bool {
        known(self.world, &self.in_management(Kind::TrustedAccess, CLOUDTRAIL_PRINCIPAL)) == KnownSighting::Absent
    }

    /// Tells whether an account is known to be no delegated administrator.
    pub(super) fn is_no_delegated_administrator(self, account: &AccountId) -> bool {
        known(self.world, &self.in_management(Kind::DelegatedAdministrator, account.as_str())) == KnownSighting::Absent
    }

    fn only_management(self, operation: &str) -> Option<CloudFault> {
        let operator = &self.change.operator;
        let message = format!("{operator} is not the management account");
        let help = "only the management account may do this";
        (!self.is_management(operator))
            .then(|| self.refused(operation, "NotOrganizationManagementAccountException", message, help))
    }

    pub(super) fn trusted_access(self) -> Option<CloudFault> {
        self.only_management("organizations:EnableAWSServiceAccess")
    }

    /// The refusals of AWS Organizations for a service that has no call of its own for it (Organizations API,
    /// `RegisterDelegatedAdministrator`).
    fn config_administrator(self) -> Option<CloudFault> {
        let operation = "organizations:RegisterDelegatedAdministrator";
        let refused = |code: &str, message: String, help: &str| Some(self.refused(operation, code, message, help));
        if let Some(fault) = self.only_management(operation) {
            return Some(fault);
        }
        let account = self.change.address.administrator().unwrap_or_default();
        let organization = &self.world.organization;
        if account == organization.management_account.as_str() {
            let message = format!("{account} is the management account");
            return refused("ConstraintViolationException", message, "choose a member account");
        }
        if !organization.accounts.contains_key(account) {
            let message = format!("{account} does not belong to {}", organization.id);
            return refused("AccountNotFoundException", message, "choose an account of the organization");
        }
        if known(self.world, &self.in_management(Kind::TrustedAccess, CONFIG_PRINCIPAL)) == KnownSighting::Absent {
            let message = "trusted access of AWS Config is off in the organization".to_owned();
            return refused("ConstraintViolationException", message, ENABLE_IT_FIRST);
        }
        None
    }

    /// An aggregator of the organization is taken from a delegated administrator, with a role that is there (AWS Config
    /// API, `PutConfigurationAggregator`).
    pub(super) fn aggregator(self, aggregator: &ConfigAggregator) -> Option<CloudFault> {
        let operation = "config:PutConfigurationAggregator";
        let account = &self.change.address.account;
        let is_absent = |address: &Address| known(self.world, address) == KnownSighting::Absent;
        let delegated = self.in_management(Kind::DelegatedAdministrator, &config_administrator_name(account));
        if aggregator.organization && !self.is_management(account) && is_absent(&delegated) {
            let message = format!("{account} is no delegated administrator of AWS Config");
            let help = "the step that registers it comes first";
            return Some(self.refused(operation, "OrganizationAccessDeniedException", message, help));
        }
        let role = aggregator.role.as_deref().and_then(|arn| arn.split_once(":role/")).map(|(_, name)| name);
        let role = role.map(|name| Address::global(account, Kind::Role, name))?;
        let message = format!("there is no role {role}");
        let help = "the step that makes the role comes first";
        is_absent(&role).then(|| self.refused(operation, "InvalidRoleException", message, help))
    }

    pub(super) fn delegated_administrator(self) -> Option<CloudFault> {
        if self.change.address.service_principal() == Some(CONFIG_PRINCIPAL) {
            return self.config_administrator();
        }
        let operation = "cloudtrail:RegisterOrganizationDelegatedAdmin";
        let refused = |code: &str, message: String, help: &str| Some(self.refused(operation, code, message, help));
        let name = self.change.address.name.as_str();
        if let Some(fault) = self.only_management(operation) {
            return Some(fault);
        }
        if name == self.world.organization.management_account.as_str() {
            let message = format!("{name} is the management account");
            return refused("CannotDelegateManagementAccountException", message, "choose a member account");
        }
        if !self.world.organization.accounts.contains_key(name) {
            let message = format!("{name} does not belong to {}", self.world.organization.id);
            return refused("AccountNotFoundException", message, "choose an account of the organization");
        }
        if self.lacks_trusted_access() {
            return refused("CloudTrailAccessNotEnabledException", NO_TRUSTED_ACCESS.into(), ENABLE_IT_FIRST);
        }
        let others = self.world.estate.resources().filter(|(address, resource)| {
            matches!(resource, Resource::DelegatedAdministrator(_))
                && address.service_principal() == Some(CLOUDTRAIL_PRINCIPAL)
                && address.name != name
        });
        if others.count() >= DELEGATED_ADMINISTRATORS_MAX {
            let message = format!("there are {DELEGATED_ADMINISTRATORS_MAX} delegated administrators already");
            return refused("DelegatedAdminAccountLimitExceededException", message, "remove one of them first");
        }
        None
    }

    pub(super) fn service_control_policy(self, policy: &ServiceControlPolicy) -> Option<CloudFault> {
        let refused = |operation: &str, code: &str, message: String, help: &str| {
            Some(self.refused(operation, code, message, help))
        };
        if let Some(fault) = self.only_management("organizations:CreatePolicy") {
            return Some(fault);
        }
        let size = policy.document.size_bytes();
        if size > SERVICE_CONTROL_POLICY_CHARACTERS_MAX {
            let message = format!("the policy has {size} characters, {SERVICE_CONTROL_POLICY_CHARACTERS_MAX} may be");
            return refused("organizations:CreatePolicy", "ConstraintViolationException", message, "make it shorter");
        }
        let organization = &self.world.organization;
        let unknown = |id: &&String| {
            !organization.accounts.contains_key(id.as_str())
                && !organization.units.contains_key(id.as_str())
                && !organization.accounts.values().any(|account| account.path.contains(id))
        };
        if let Some(target) = policy.targets.iter().find(unknown) {
            let message = format!("there is no root, unit or account {target}");
            return refused("organizations:AttachPolicy", "TargetNotFoundException", message, "make a new plan");
        }
        let full = policy.targets.iter().find(|target| self.policies_at(target) >= SERVICE_CONTROL_POLICIES_MAX)?;
        let message = format!("{SERVICE_CONTROL_POLICIES_MAX} service control policies are attached to {full}");
        refused("organizations:AttachPolicy", "ConstraintViolationException", message, "detach one of them first")
    }

    /// Counts the other service control policies that are attached to a target.
    fn policies_at(self, target: &str) -> usize {
        let others = self.world.estate.resources().filter(|(address, _)| **address != self.change.address);
        others
            .filter(|(_, resource)| matches!(resource, Resource::ServiceControlPolicy(p) if p.targets.contains(target)))
            .count()
    }
}

/// What is wrong where trusted access is off.
pub(super) const NO_TRUSTED_ACCESS: &str = "trusted access of CloudTrail is off in the organization";
/// What to do then.
pub(super) const ENABLE_IT_FIRST: &str = "the step that enables trusted access comes first";
