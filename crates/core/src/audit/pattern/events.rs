//! The events that section 4 of the CIS benchmark wants to be heard of, as the fields that patterns ask for.

use super::super::Filter;

/// An event of a control: what is known of its fields. Of all others nothing is.
pub(super) struct Event {
    /// What people know it by.
    pub(super) name: &'static str,
    fields: Vec<(&'static str, FieldKnowledge)>,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKnowledge {
    /// It has this value.
    Is(&'static str),
    /// It has some value that no pattern can name.
    Some,
    /// It is not there.
    Absent,
}

impl Event {
    /// Returns what is known of a field.
    pub(super) fn field(&self, name: &str) -> Option<FieldKnowledge> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, known)| *known)
    }
}

/// Returns the event source of a control's events; nothing where they are of many.
pub(in crate::audit) fn source(filter: Filter) -> Option<&'static str> {
    match filter {
        Filter::UnauthorizedCalls | Filter::RootUse => None,
        Filter::ConsoleWithoutMfa | Filter::ConsoleFailures => Some("signin.amazonaws.com"),
        Filter::IamPolicies => Some("iam.amazonaws.com"),
        Filter::CloudTrailSettings => Some("cloudtrail.amazonaws.com"),
        Filter::KeyDeletion => Some("kms.amazonaws.com"),
        Filter::BucketPolicies => Some("s3.amazonaws.com"),
        Filter::ConfigSettings => Some("config.amazonaws.com"),
        Filter::SecurityGroups
        | Filter::SecurityGroupRules
        | Filter::NetworkAcls
        | Filter::NetworkGateways
        | Filter::RouteTables
        | Filter::Vpcs => Some("ec2.amazonaws.com"),
        Filter::Organizations => Some("organizations.amazonaws.com"),
    }
}

/// Returns the events of a control.
pub(super) fn events(filter: Filter) -> Vec<Event> {
    match filter {
        Filter::UnauthorizedCalls => {
            ["Client.UnauthorizedOperation", "AccessDenied"].into_iter().map(refused).collect()
        }
        Filter::ConsoleWithoutMfa => vec![console(&[
            ("additionalEventData.MFAUsed", FieldKnowledge::Is("No")),
            // The benchmark leaves out those who come by single sign-on, whose second factor AWS does not see.
            ("userIdentity.type", FieldKnowledge::Is("IAMUser")),
            ("responseElements.ConsoleLogin", FieldKnowledge::Is("Success")),
            ("errorMessage", FieldKnowledge::Absent),
        ])],
        Filter::ConsoleFailures => vec![console(&[
            ("errorMessage", FieldKnowledge::Is("Failed authentication")),
            // Those who have a second factor fail too.
            ("additionalEventData.MFAUsed", FieldKnowledge::Is("Yes")),
            ("responseElements.ConsoleLogin", FieldKnowledge::Is("Failure")),
        ])],
        Filter::RootUse => vec![Event {
            name: "Root",
            fields: vec![
                ("userIdentity.type", FieldKnowledge::Is("Root")),
                ("userIdentity.invokedBy", FieldKnowledge::Absent),
                // A call or a console login.
                ("eventType", FieldKnowledge::Some),
                ("eventName", FieldKnowledge::Some),
                ("eventSource", FieldKnowledge::Some),
            ],
        }],
        Filter::IamPolicies => changes(filter, IAM_POLICIES),
        Filter::CloudTrailSettings => changes(filter, CLOUDTRAIL_SETTINGS),
        Filter::KeyDeletion => changes(filter, &["DisableKey", "ScheduleKeyDeletion"]),
        Filter::BucketPolicies => changes(filter, BUCKET_POLICIES),
        Filter::ConfigSettings => changes(filter, CONFIG_SETTINGS),
        Filter::SecurityGroups => changes(filter, SECURITY_GROUPS),
        Filter::SecurityGroupRules => changes(filter, &[SECURITY_GROUPS, SECURITY_GROUP_RULES].concat()),
        Filter::NetworkAcls => changes(filter, NETWORK_ACLS),
        Filter::NetworkGateways => changes(filter, NETWORK_GATEWAYS),
        Filter::RouteTables => changes(filter, ROUTE_TABLES),
        Filter::Vpcs => changes(filter, VPCS),
        Filter::Organizations => changes(filter, ORGANIZATIONS),
    }
}

/// A call that is refused. The benchmark leaves out one call and one caller, which are not this one's.
fn refused(code: &'static str) -> Event {
    let fields = vec![
        ("errorCode", FieldKnowledge::Is(code)),
        ("eventName", FieldKnowledge::Some),
        ("eventSource", FieldKnowledge::Some),
        ("sourceIPAddress", FieldKnowledge::Some),
    ];
    Event { name: code, fields }
}

fn console(more: &[(&'static str, FieldKnowledge)]) -> Event {
    let mut fields = vec![
        ("eventName", FieldKnowledge::Is("ConsoleLogin")),
        ("eventSource", FieldKnowledge::Is("signin.amazonaws.com")),
        ("eventType", FieldKnowledge::Is("AwsConsoleSignIn")),
        ("errorCode", FieldKnowledge::Absent),
    ];
    fields.extend(more);
    Event { name: "ConsoleLogin", fields }
}

/// Changes that were made, whoever made them.
fn changes(filter: Filter, names: &[&'static str]) -> Vec<Event> {
    let change = |name: &&'static str| {
        let mut fields = vec![
            ("eventName", FieldKnowledge::Is(name)),
            ("eventType", FieldKnowledge::Is("AwsApiCall")),
            ("errorCode", FieldKnowledge::Absent),
            ("errorMessage", FieldKnowledge::Absent),
        ];
        fields.extend(source(filter).map(|source| ("eventSource", FieldKnowledge::Is(source))));
        Event { name, fields }
    };
    names.iter().map(change).collect()
}

const CLOUDTRAIL_SETTINGS: &[&str] = &["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"];

const CONFIG_SETTINGS: &[&str] =
    &["StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder"];

const IAM_POLICIES: &[&str] = &[
    "DeleteGroupPolicy",
    "DeleteRolePolicy",
    "DeleteUserPolicy",
    "PutGroupPolicy",
    "PutRolePolicy",
    "PutUserPolicy",
    "CreatePolicy",
    "DeletePolicy",
    "CreatePolicyVersion",
    "DeletePolicyVersion",
    "AttachRolePolicy",
    "DetachRolePolicy",
    "AttachUserPolicy",
    "DetachUserPolicy",
    "AttachGroupPolicy",
    "DetachGroupPolicy",
];

const BUCKET_POLICIES: &[&str] = &[
    "PutBucketAcl",
    "PutBucketPolicy",
    "PutBucketCors",
    "PutBucketLifecycle",
    "PutBucketReplication",
    "DeleteBucketPolicy",
    "DeleteBucketCors",
    "DeleteBucketLifecycle",
    "DeleteBucketReplication",
];

const SECURITY_GROUPS: &[&str] = &[
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
    "CreateSecurityGroup",
    "DeleteSecurityGroup",
];

/// What EC2 got later, and CIS 5.0.0 (4.10) asks for too.
const SECURITY_GROUP_RULES: &[&str] = &["ModifySecurityGroupRules"];

const NETWORK_ACLS: &[&str] = &[
    "CreateNetworkAcl",
    "CreateNetworkAclEntry",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "ReplaceNetworkAclEntry",
    "ReplaceNetworkAclAssociation",
];

const NETWORK_GATEWAYS: &[&str] = &[
    "CreateCustomerGateway",
    "DeleteCustomerGateway",
    "AttachInternetGateway",
    "CreateInternetGateway",
    "DeleteInternetGateway",
    "DetachInternetGateway",
];

const ROUTE_TABLES: &[&str] = &[
    "CreateRoute",
    "CreateRouteTable",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
    "DeleteRouteTable",
    "DeleteRoute",
    "DisassociateRouteTable",
];

const VPCS: &[&str] = &[
    "CreateVpc",
    "DeleteVpc",
    "ModifyVpcAttribute",
    "AcceptVpcPeeringConnection",
    "CreateVpcPeeringConnection",
    "DeleteVpcPeeringConnection",
    "RejectVpcPeeringConnection",
    "AttachClassicLinkVpc",
    "DetachClassicLinkVpc",
    "DisableVpcClassicLink",
    "EnableVpcClassicLink",
];

const ORGANIZATIONS: &[&str] = &[
    "AcceptHandshake",
    "AttachPolicy",
    "CreateAccount",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeclineHandshake",
    "DeleteOrganization",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnablePolicyType",
    "InviteAccountToOrganization",
    "LeaveOrganization",
    "MoveAccount",
    "RemoveAccountFromOrganization",
    "UpdatePolicy",
    "UpdateOrganizationalUnit",
];
