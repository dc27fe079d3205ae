//! Refusals of IAM: roles and managed policies.

use super::Attempt;
use crate::cloud::CloudFault;
use crate::estate::role::unique_name;
use crate::estate::{Address, Kind, Limits, Policy, Role, Sighting};
use crate::plan::Action;
use crate::policy::PolicyDocument;

/// IAM's quotas where the account does not say its own (IAM user guide, "IAM and AWS STS quotas").
const TRUST_POLICY_CHARACTERS: u32 = 2_048;
const ROLE_POLICIES_CHARACTERS: u32 = 10_240;
const MANAGED_POLICY_CHARACTERS: u32 = 6_144;

/// The lengths of a session that IAM accepts, in seconds (IAM API, `CreateRole`).
const SESSION_S: std::ops::RangeInclusive<u32> = 3_600..=43_200;

impl Attempt<'_> {
    fn limits(self) -> Limits {
        self.world.estate.limits.get(&self.change.address.account).cloned().unwrap_or_default()
    }

    /// IAM's one code for everything that is too long or too many.
    fn over_quota(self, operation: &str, message: String) -> Option<CloudFault> {
        Some(self.refused(operation, "LimitExceeded", message, "ask AWS to raise the quota, or ask for less"))
    }

    pub(super) fn role(self, role: &Role) -> Option<CloudFault> {
        let limits = self.limits();
        let is_new =
            self.change.action() == Action::Create && self.world.estate.resource(&self.change.address).is_none();
        if let (true, Some(roles), Some(quota)) = (is_new, limits.roles, limits.roles_quota)
            && roles >= quota
        {
            let message = format!("cannot exceed quota for RolesPerAccount: {quota}");
            return self.over_quota("iam:CreateRole", message);
        }
        let is_same = |(at, _): &(&Address, _)| {
            let here = &self.change.address;
            at.kind == Kind::Role
                && at.account == here.account
                && *at != here
                && unique_name(&at.name) == unique_name(&here.name)
        };
        if let (true, Some((other, _))) = (is_new, self.world.estate.resources().find(is_same)) {
            let message = format!("role with name {} already exists", other.name);
            return Some(self.refused("iam:CreateRole", "EntityAlreadyExists", message, "choose another name"));
        }
        let quota = limits.trust_policy_size.unwrap_or(TRUST_POLICY_CHARACTERS);
        if is_over(&[&role.trust], quota) {
            return self.over_quota("iam:CreateRole", format!("cannot exceed quota for ACLSizePerRole: {quota}"));
        }
        let quota = limits.role_policy_size.unwrap_or(ROLE_POLICIES_CHARACTERS);
        if is_over(&role.inline.values().collect::<Vec<_>>(), quota) {
            let message =
                format!("maximum policy size of {quota} bytes exceeded for role {}", self.change.address.name);
            return self.over_quota("iam:PutRolePolicy", message);
        }
        let session = role.max_session_s.filter(|session| !SESSION_S.contains(session))?;
        let message = format!("a session may last {} to {} seconds, not {session}", SESSION_S.start(), SESSION_S.end());
        Some(self.refused("iam:CreateRole", "ValidationError", message, "choose 1 to 12 hours"))
    }

    pub(super) fn policy(self, policy: &Policy) -> Option<CloudFault> {
        let quota = self.limits().policy_size.unwrap_or(MANAGED_POLICY_CHARACTERS);
        if is_over(&[&policy.document], quota) {
            return self.over_quota("iam:CreatePolicy", format!("cannot exceed quota for PolicySize: {quota}"));
        }
        // Only what was looked for and not found: roles that have nothing to do with the logs are in no estate.
        let role = policy.roles.iter().find(|role| {
            let address = Address::global(&self.change.address.account, Kind::Role, role.as_str());
            self.world.estate.sightings.get(&address) == Some(&Sighting::Absent)
        })?;
        let message = format!("there is no role {role} in {}", self.change.address.account);
        Some(self.absent("iam:AttachRolePolicy", "NoSuchEntity", message))
    }
}

fn is_over(documents: &[&PolicyDocument], quota: u32) -> bool {
    let size: usize = documents.iter().map(|document| document.size_bytes()).sum();
    u64::try_from(size).is_ok_and(|size| size > u64::from(quota))
}
