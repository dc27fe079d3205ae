//! Calls about roles, policies and the organization.

use super::{Call, Effect, NamedAt, Service, Target, call, event};
use Effect::{Loses, Opens, Stops, Weakens};
use NamedAt::{Details, Request, Response};

const fn role(name: &'static str) -> Call {
    call(name, Target::Role, &[Request("roleName")])
}

const fn policy(name: &'static str) -> Call {
    call(name, Target::ManagedPolicy, &[Request("policyArn")])
}

const fn user(name: &'static str) -> Call {
    call(name, Target::User, &[Request("userName")])
}

const fn group(name: &'static str) -> Call {
    call(name, Target::Group, &[Request("groupName")])
}

/// IAM. What a role may do decides who reads logs, and whether a service can deliver them.
pub(super) const IAM: Service = Service {
    source: "iam.amazonaws.com",
    prefix: "iam",
    calls: &[
        role("DeleteRole").can(&[Stops, Weakens]).guarded().waking(),
        role("UpdateAssumeRolePolicy").can(&[Stops, Opens]).guarded().waking(),
        role("PutRolePolicy").can(&[Opens]).guarded().waking(),
        role("DetachRolePolicy").can(&[Weakens]).guarded().waking(),
        role("PutRolePermissionsBoundary").can(&[Stops, Weakens]).guarded(),
        role("TagRole").can(&[Weakens]).guarded(),
        role("UntagRole").can(&[Weakens]).guarded().waking(),
        role("UpdateRole").can(&[Weakens]).waking(),
        role("DeleteRolePolicy").can(&[Stops, Weakens]).waking(),
        role("AttachRolePolicy").can(&[Opens]).waking(),
        role("DeleteRolePermissionsBoundary").can(&[Opens]),
        call("CreateRole", Target::Role, &[Request("roleName"), Response("role.arn")]),
        policy("DeletePolicy").can(&[Weakens]).guarded(),
        policy("CreatePolicyVersion").can(&[Opens]).guarded(),
        policy("TagPolicy").can(&[Weakens]).guarded(),
        policy("UntagPolicy").can(&[Weakens]).guarded(),
        policy("SetDefaultPolicyVersion").can(&[Opens]),
        policy("DeletePolicyVersion"),
        call("CreatePolicy", Target::ManagedPolicy, &[Response("policy.arn"), Request("policyName")]),
        user("PutUserPolicy"),
        user("DeleteUserPolicy"),
        user("AttachUserPolicy"),
        user("DetachUserPolicy"),
        group("PutGroupPolicy"),
        group("DeleteGroupPolicy"),
        group("AttachGroupPolicy"),
        group("DetachGroupPolicy"),
    ],
};

const fn membership(name: &'static str) -> Call {
    call(name, Target::Membership, &[Request("accountId")])
}

const fn unit(name: &'static str) -> Call {
    call(name, Target::OrganizationalUnit, &[Request("organizationalUnitId")])
}

const fn scp(name: &'static str) -> Call {
    call(name, Target::OrganizationPolicy, &[Request("policyId")])
}

const fn root(name: &'static str) -> Call {
    call(name, Target::OrganizationPolicy, &[Request("rootId")])
}

/// Organizations. Its own events tell of every way in and out, also of an invited account and of the end of a closure
/// (AWS Organizations user guide, "Account membership events").
pub(super) const ORGANIZATIONS: Service = Service {
    source: "organizations.amazonaws.com",
    prefix: "organizations",
    calls: &[
        event("AccountJoinedOrganization", Target::Membership, &[Details("accountId")]).waking(),
        event("AccountDepartedOrganization", Target::Membership, &[Details("accountId")]).waking(),
        event("CreateAccountResult", Target::Membership, &[Details("createAccountStatus.accountId")]).waking(),
        call("AcceptHandshake", Target::Membership, &[Request("handshakeId")]).waking(),
        membership("MoveAccount").can(&[Weakens]).waking(),
        membership("CloseAccount").waking(),
        event("CloseAccountResult", Target::Membership, &[Details("closeAccountStatus.accountId")]).waking(),
        membership("RemoveAccountFromOrganization").can(&[Stops]).waking(),
        // It is the caller's own account that leaves.
        call("LeaveOrganization", Target::Membership, &[]).can(&[Stops]).waking(),
        call("DisableAWSServiceAccess", Target::TrustedAccess, &[Request("servicePrincipal")])
            .can(&[Stops])
            .waking()
            .looked_up(),
        call("EnableAWSServiceAccess", Target::TrustedAccess, &[Request("servicePrincipal")]).looked_up(),
        call("DeregisterDelegatedAdministrator", Target::DelegatedAdministrator, &[Request("accountId")])
            .can(&[Weakens])
            .waking()
            .looked_up(),
        call("RegisterDelegatedAdministrator", Target::DelegatedAdministrator, &[Request("accountId")]).can(&[Opens]),
        scp("UpdatePolicy").can(&[Weakens]).waking().looked_up(),
        scp("DetachPolicy").can(&[Weakens]).waking().looked_up(),
        scp("DeletePolicy").can(&[Weakens]).waking().looked_up(),
        scp("AttachPolicy"),
        call("CreatePolicy", Target::OrganizationPolicy, &[Response("policy.policySummary.id"), Request("name")]),
        root("DisablePolicyType").can(&[Weakens]),
        root("EnablePolicyType"),
        call("CreateAccount", Target::Membership, &[Response("createAccountStatus.accountId")]),
        call("InviteAccountToOrganization", Target::Membership, &[Request("target.id")]),
        call("DeclineHandshake", Target::Membership, &[Request("handshakeId")]),
        call("DeleteOrganization", Target::Membership, &[]).can(&[Stops, Loses]),
        call("CreateOrganizationalUnit", Target::OrganizationalUnit, &[Response("organizationalUnit.id")]),
        unit("DeleteOrganizationalUnit"),
        unit("UpdateOrganizationalUnit"),
    ],
};
