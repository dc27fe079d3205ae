//! Roles and managed policies.

use super::AccountKind;
use super::names::Names;
use super::policy_builder::{GrantScope, PolicyBuilder};
use crate::estate::OWNER_TAG;
use crate::operations::ROLES_ONE_BY_ONE_MAX;
use crate::operations::{Operation, iam as op};

/// What reads one role.
pub(super) const READ_ROLE: [Operation; 4] =
    [op::GET_ROLE, op::LIST_ROLE_POLICIES, op::GET_ROLE_POLICY, op::LIST_ATTACHED];

/// What makes and repairs one role.
const WRITE_ROLE: [Operation; 8] = [
    op::CREATE_ROLE,
    op::UPDATE_ROLE,
    op::UPDATE_TRUST,
    op::PUT_ROLE_POLICY,
    op::DELETE_ROLE_POLICY,
    op::DETACH_ROLE_POLICY,
    op::DELETE_ROLE_BOUNDARY,
    op::TAG_ROLE,
];

/// What removes one role.
pub(super) const REMOVE_ROLE: [Operation; 3] = [op::DELETE_ROLE_POLICY, op::DETACH_ROLE_POLICY, op::DELETE_ROLE];

/// Adds the roles and the member policy.
pub(super) fn add(names: &Names<'_>, draft: &mut PolicyBuilder) {
    add_roles(names, draft);
    add_member_policy(names, draft);
}

fn add_roles(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let is_log = names.place() == AccountKind::Log;
    let all_at_once = is_log || names.single_roles().len() > ROLES_ONE_BY_ONE_MAX;
    if all_at_once {
        let everything = GrantScope::everything("ListRoles");
        draft.allow(&everything, &[op::GET_ACCOUNT_DETAILS, op::LIST_ROLES]);
        if is_log {
            draft.allow(&everything, &[op::GET_ACCOUNT_SUMMARY]);
        }
    }
    let bounds = GrantScope::on("Roles", names.roles().iter().map(|role| names.identity(&format!("role/{role}"))));
    draft.allow(&bounds, &WRITE_ROLE);
    // A role that was made by a run which was then stopped is read by itself.
    if !all_at_once || names.purpose().writes() {
        draft.allow(&bounds, &READ_ROLE);
    }
    if !is_log {
        return;
    }
    // A reader role that nobody wants any more may have a name from another time.
    let tag = format!("aws:ResourceTag/{OWNER_TAG}");
    let left = GrantScope::on("LeftRoles", [names.identity("role/*")]);
    let left = left.when("StringEquals", &tag, [names.config().deployment.clone()]);
    draft.allow(&left, &[op::TAG_ROLE]);
    if names.purpose().removes() {
        draft.allow(&left, &READ_ROLE);
        draft.allow(&left, &REMOVE_ROLE);
    }
}

fn add_member_policy(names: &Names<'_>, draft: &mut PolicyBuilder) {
    let arn = names.identity(&format!("policy/{}", names.member_policy()));
    let bounds = GrantScope::on("MemberPolicy", [arn.clone()]);
    draft.allow(&bounds, &[op::GET_POLICY, op::GET_POLICY_VERSION]);
    draft.allow(&bounds, &[op::CREATE_POLICY, op::CREATE_POLICY_VERSION, op::DELETE_POLICY_VERSION, op::TAG_POLICY]);
    if names.purpose().writes() {
        draft.allow(&bounds, &[op::LIST_POLICY_VERSIONS]);
    }
    let attach_to = &names.config().readers.attach_to;
    let (groups, roles) = (&attach_to.groups, &attach_to.roles);
    if !(groups.is_empty() && roles.is_empty()) || names.purpose().removes() {
        draft.allow(&bounds, &[op::LIST_ENTITIES]);
    }
    let member_policy = |bounds: GrantScope| bounds.when("ArnLike", "iam:PolicyARN", [arn.clone()]);
    // With and without a path.
    let of = |kind: &'static str, list: &[String]| -> Vec<String> {
        list.iter().flat_map(|name| [format!("{kind}/{name}"), format!("{kind}/*/{name}")]).collect()
    };
    let on = |sid, list: Vec<String>| member_policy(GrantScope::on(sid, list.iter().map(|name| names.identity(name))));
    draft.allow(&on("AttachToGroups", of("group", groups)), &[op::ATTACH_GROUP_POLICY]);
    draft.allow(&on("AttachToRoles", of("role", roles)), &[op::ATTACH_ROLE_POLICY]);
    if names.purpose().removes() {
        let anybody = ["group/*", "role/*", "user/*"].map(str::to_owned).to_vec();
        let detach = [op::DETACH_GROUP_POLICY, op::DETACH_ROLE_POLICY, op::DETACH_USER_POLICY];
        draft.allow(&on("DetachMemberPolicy", anybody), &detach);
        draft.allow(&bounds, &[op::DELETE_POLICY]);
    }
}
