//! What the patterns of metric filters name, and what section 4 of the CIS benchmark wants them to.
//!
//! A pattern is not evaluated: it is read for its comparisons. That every event of a control is named is necessary, not
//! sufficient.

use super::Filter;
use crate::policy::evaluate::glob;

/// A comparison that a pattern must have: `$.field = value`, or `!=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Term {
    field: &'static str,
    is: bool,
    value: &'static str,
}

const fn is(field: &'static str, value: &'static str) -> Term {
    Term { field, is: true, value }
}

/// Returns what a pattern lacks of the events of a control; nothing where it names them all.
pub(super) fn missing(filter: Filter, pattern: &str) -> Vec<&'static str> {
    let comparisons = comparisons(pattern);
    let has = |term: &Term| {
        let same = |c: &&Comparison<'_>| c.field == term.field && c.is == term.is;
        comparisons.iter().filter(same).any(|c| value_fits(c.value, term.value))
    };
    terms(filter).into_iter().filter(|term| !has(term)).map(|term| term.value).collect()
}

/// A comparison in a pattern.
struct Comparison<'a> {
    field: &'a str,
    is: bool,
    value: &'a str,
}

/// Reads the comparisons of a JSON pattern: `{ ($.eventName = A) || ($.errorCode = "B*") }` (CloudWatch Logs user guide,
/// "Filter pattern syntax for metric filters").
fn comparisons(pattern: &str) -> Vec<Comparison<'_>> {
    pattern.split("$.").skip(1).filter_map(comparison).collect()
}

fn comparison(text: &str) -> Option<Comparison<'_>> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | ')'))?;
    let (field, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let (is, rest) = match rest.strip_prefix("!=") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix('=')?),
    };
    let rest = rest.trim_start();
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(|c: char| c.is_whitespace() || matches!(c, ')' | '}' | '|' | '&')).next()?,
    };
    Some(Comparison { field, is, value })
}

/// A value may have wildcards; between percent signs it is a regular expression, which is read as a part of the text.
fn value_fits(value: &str, wanted: &str) -> bool {
    match value.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')) {
        Some(part) => wanted.contains(part),
        None => glob(value, wanted),
    }
}

fn terms(filter: Filter) -> Vec<Term> {
    let names = |names: &[&'static str]| names.iter().map(|name| is("eventName", name)).collect();
    match filter {
        Filter::UnauthorizedCalls => {
            vec![is("errorCode", "Client.UnauthorizedOperation"), is("errorCode", "AccessDenied")]
        }
        Filter::ConsoleWithoutMfa => {
            let without_mfa = Term { field: "additionalEventData.MFAUsed", is: false, value: "Yes" };
            vec![is("eventName", "ConsoleLogin"), without_mfa]
        }
        Filter::RootUse => vec![is("userIdentity.type", "Root")],
        Filter::ConsoleFailures => {
            vec![is("eventName", "ConsoleLogin"), is("errorMessage", "Failed authentication")]
        }
        Filter::IamPolicies => names(IAM_POLICIES),
        Filter::CloudTrailSettings => {
            names(&["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"])
        }
        Filter::KeyDeletion => names(&["DisableKey", "ScheduleKeyDeletion"]),
        Filter::BucketPolicies => names(BUCKET_POLICIES),
        Filter::ConfigSettings => names(&[
            "StopConfigurationRecorder",
            "DeleteDeliveryChannel",
            "PutDeliveryChannel",
            "PutConfigurationRecorder",
        ]),
        Filter::SecurityGroups => names(SECURITY_GROUPS),
        Filter::NetworkAcls => names(NETWORK_ACLS),
        Filter::NetworkGateways => names(NETWORK_GATEWAYS),
        Filter::RouteTables => names(ROUTE_TABLES),
        Filter::Vpcs => names(VPCS),
        Filter::Organizations => names(ORGANIZATIONS),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The patterns that the benchmark prints for 4.1 to 4.3, and as people write them elsewhere.
    #[test]
    fn patterns_of_the_benchmark_name_everything() {
        for (filter, pattern) in [
            (
                Filter::UnauthorizedCalls,
                r#"{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }"#,
            ),
            (
                Filter::ConsoleWithoutMfa,
                r#"{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }"#,
            ),
            (
                Filter::RootUse,
                r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }"#,
            ),
            (
                Filter::KeyDeletion,
                "{($.eventSource=kms.amazonaws.com)&&(($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion))}",
            ),
            (
                Filter::ConsoleFailures,
                r#"{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }"#,
            ),
            (Filter::CloudTrailSettings, "{ $.eventName = %Trail% || $.eventName = *Logging }"),
        ] {
            assert_eq!(missing(filter, pattern), [""; 0], "{pattern}");
        }
    }

    #[test]
    fn what_is_not_named_is_told() {
        let part = "{ ($.eventName = DisableKey) || ($.eventName != ScheduleKeyDeletion) }";
        assert_eq!(missing(Filter::KeyDeletion, part), ["ScheduleKeyDeletion"]);
        // The value of another field, and text that is no comparison.
        let other = r#"{ $.errorCode = "Root" || $.userIdentity.type NOT EXISTS } Root"#;
        assert_eq!(missing(Filter::RootUse, other), ["Root"]);
        for odd in ["", "{", "$.", "{ $.a", "{ $.a = ", "ERROR", "{ $.a = \"", "{ $.ä=ö"] {
            assert_eq!(missing(Filter::RootUse, odd), ["Root"], "{odd}");
        }
    }
}
