//! What the organization is asked and told: accounts, trusted access, delegated administrators, the guard; and the
//! member role that is assumed everywhere else.

use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use super::{AccountKind, trails};
use crate::estate::OWNER_TAG;
use crate::estate::trusted_access::CLOUDTRAIL_PRINCIPAL;
use crate::operations::{cloudtrail, organizations as op, sts};
use crate::organization::selector::Selector;

/// Adds what whoever starts orgtrail needs.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    if names.place() != AccountKind::Management {
        return;
    }
    let config = names.config();
    add_entry(names, draft);
    let look = GrantScope::everything("ReadOrganization");
    add_discovery(names, draft, &look);
    if names.needs_trusted_access() {
        draft.allow(&look, &[op::LIST_SERVICE_ACCESS]);
        draft.allow(&for_cloudtrail(), &[op::ENABLE_SERVICE_ACCESS]);
    }
    // Who else may administer CloudTrail, and which control policies bind the log account.
    draft.allow(&look, &[op::LIST_DELEGATED_ADMINISTRATORS, op::LIST_POLICIES_FOR_TARGET]);
    let organization = config.organization.id.as_ref().map_or("*", |id| id.as_str());
    let controls = ["service_control_policy", "resource_control_policy"]
        .map(|kind| names.arn_in("", "organizations", names.here(), &format!("policy/{organization}/{kind}/*")));
    draft.allow(&GrantScope::on("ReadControls", controls), &[op::DESCRIBE_POLICY]);
    if names.has_administrators() {
        add_registration(names, draft);
    }
    if config.guard.service_control_policy.is_some() {
        add_guard(names, draft);
    }
}

/// Adds the member role, which is assumed in every other account.
pub(super) fn add_entry(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let member_role = names.arn("iam", "*", &format!("role/{}", names.config().organization.member_role));
    draft.allow(&GrantScope::on("EnterAccounts", [member_role]), &[sts::ASSUME_ROLE]);
}

/// Adds what finds the accounts.
pub(super) fn add_discovery(names: &Names<'_>, draft: &mut PolicyBuilder, look: &GrantScope) {
    let config = names.config();
    draft.allow(
        look,
        &[
            op::DESCRIBE_ORGANIZATION,
            op::LIST_ACCOUNTS,
            op::LIST_ACCOUNTS_FOR_PARENT,
            op::LIST_ROOTS,
            op::LIST_UNITS_FOR_PARENT,
        ],
    );
    let mut selectors = config.accounts.include.iter().chain(&config.accounts.exclude);
    if selectors.any(Selector::needs_tags) || config.guard.service_control_policy.is_some() {
        draft.allow(look, &[op::LIST_TAGS]);
    }
}

fn for_cloudtrail() -> GrantScope {
    let principal = [CLOUDTRAIL_PRINCIPAL.to_owned()];
    GrantScope::everything("TrustCloudTrail").when("StringEquals", "organizations:ServicePrincipal", principal)
}

fn add_registration(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let operation = cloudtrail::REGISTER_DELEGATED_ADMIN;
    draft.allow(&GrantScope::everything("RegisterAdministrator"), &[operation]);
    draft.allow_of(&for_cloudtrail(), &operation, ["organizations:RegisterDelegatedAdministrator"]);
    trails::allow_checks(names, draft, &operation);
}

/// The identifier of a policy is AWS's to give: it is known by the tag that it is made with.
fn add_guard(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let management = names.here();
    let arn = |resource: &str| names.arn_in("", "organizations", management, resource);
    let organization = names.config().organization.id.as_ref().map_or("*", |id| id.as_str());
    let policies = [arn(&format!("policy/{organization}/service_control_policy/*"))];
    let deployment = || [names.config().deployment.clone()];
    draft.allow(&GrantScope::everything("ReadOrganization"), &[op::LIST_POLICIES]);
    draft.allow(&GrantScope::on("ReadGuard", policies.clone()), &[op::DESCRIBE_POLICY, op::LIST_TARGETS_FOR_POLICY]);
    let new_tag = format!("aws:RequestTag/{OWNER_TAG}");
    let making = GrantScope::everything("MakeGuard").when("StringEquals", &new_tag, deployment());
    draft.allow(&making, &[op::CREATE_POLICY, op::TAG_RESOURCE]);
    let tag = format!("aws:ResourceTag/{OWNER_TAG}");
    let own = GrantScope::on("ChangeGuard", policies).when("StringEquals", &tag, deployment());
    draft.allow(&own, &[op::UPDATE_POLICY, op::ATTACH_POLICY, op::DETACH_POLICY]);
    let targets = ["root", "ou", "account"].map(|kind| arn(&format!("{kind}/{organization}/*")));
    draft.allow(&GrantScope::on("GuardTargets", targets), &[op::ATTACH_POLICY, op::DETACH_POLICY]);
    if names.purpose().removes() {
        draft.allow(&own, &[op::DELETE_POLICY]);
    }
}
