//! What a printed policy is asked: for every action a resource of the deployment and a foreign one.

use super::{FULL, allows, ask};
use crate::permissions::{AccountKind, Purpose};
use crate::policy::evaluate::Context;

/// What the printed policy is asked for one operation: a resource of the deployment, a foreign one, and the conditions.
pub(super) struct Case {
    pub(super) own: String,
    pub(super) foreign: Option<String>,
    pub(super) context: Context,
}

/// The account that a place stands for here.
pub(super) fn account(place: AccountKind) -> &'static str {
    match place {
        AccountKind::Management => "111111111111",
        AccountKind::Log => "222222222222",
        AccountKind::Member => "333333333333",
    }
}

pub(super) fn case(action: &str, here: &str) -> Case {
    let ours = || Context::default().with("aws:ResourceTag/orgtrail:deployment", "acme");
    let both = |own: String, foreign: &str, context| Case { own, foreign: Some(foreign.into()), context };
    let one = |context| Case { own: "*".into(), foreign: None, context };
    let iam = |resource: &str| format!("arn:aws:iam::{here}:{resource}");
    let regional = |service: &str, resource: &str| format!("arn:aws:{service}:eu-central-1:{here}:{resource}");
    let plain = Context::default;
    let member_policy = || plain().with("iam:PolicyARN", iam("policy/CloudTrailReadLogs"));
    let by_cloudtrail = || plain().with("organizations:ServicePrincipal", "cloudtrail.amazonaws.com");
    let (service, name) = action.split_once(':').unwrap();
    match (service, name) {
        ("sts", _) => both(
            "arn:aws:iam::333333333333:role/orgtrail-member".into(),
            "arn:aws:iam::333333333333:role/Admin",
            plain(),
        ),
        ("organizations", "EnableAWSServiceAccess" | "RegisterDelegatedAdministrator") => one(by_cloudtrail()),
        ("organizations", "CreatePolicy" | "TagResource") => {
            one(plain().with("aws:RequestTag/orgtrail:deployment", "acme"))
        }
        ("organizations", "UpdatePolicy" | "DeletePolicy" | "AttachPolicy" | "DetachPolicy" | "DescribePolicy") => {
            let arn = |id: &str| format!("arn:aws:organizations::111111111111:policy/{id}/service_control_policy/p-1");
            both(arn("o-exampleorgid"), &arn("o-otherorgid0"), ours())
        }
        ("organizations", "ListTargetsForPolicy") => {
            let arn = "arn:aws:organizations::111111111111:policy/o-exampleorgid/service_control_policy/p-1";
            Case { own: arn.into(), foreign: None, context: plain() }
        }
        ("cloudtrail", "GetTrailStatus" | "GetEventSelectors" | "GetInsightSelectors" | "GetTrail" | "ListTags") => {
            Case { own: regional("cloudtrail", "trail/of-others"), foreign: None, context: plain() }
        }
        ("organizations" | "account", _)
        | ("cloudtrail", "DescribeTrails" | "ListTrails" | "ListPublicKeys" | "LookupEvents") => one(plain()),
        ("cloudtrail", "RegisterOrganizationDelegatedAdmin") => one(plain()),
        ("cloudtrail", _) => {
            let own = regional("cloudtrail", &format!("trail/acme-own-{here}"));
            both(own, "arn:aws:cloudtrail:eu-central-1:999999999999:trail/acme-org-trail", plain())
        }
        ("s3", "GetObject" | "PutObject") if here == account(AccountKind::Management) => {
            both("arn:aws:s3:::acme-leases/orgtrail/lease.json".into(), "arn:aws:s3:::acme-leases/other", plain())
        }
        ("s3", "ListBucket") if here == account(AccountKind::Management) => {
            both("arn:aws:s3:::acme-leases".into(), "arn:aws:s3:::other", plain())
        }
        ("s3", "GetObject" | "GetObjectVersion") => {
            let key = "audit/AWSLogs/o-exampleorgid/333333333333/CloudTrail/x.json.gz";
            both(format!("arn:aws:s3:::acme-org-cloudtrail/{key}"), &format!("arn:aws:s3:::other/{key}"), plain())
        }
        ("s3", "ListAllMyBuckets") => one(plain()),
        ("s3", _) => both("arn:aws:s3:::acme-org-cloudtrail".into(), "arn:aws:s3:::acme-org-cloudtrail-2", plain()),
        ("kms", "ListKeys" | "ListAliases") => one(plain()),
        ("kms", "CreateKey") => one(plain().with("aws:RequestTag/orgtrail:deployment", "acme")),
        ("kms", "Decrypt") => {
            let context = plain().with("kms:ResourceAliases", "alias/orgtrail-acme");
            let context = context.with("kms:ViaService", "s3.eu-central-1.amazonaws.com");
            both(regional("kms", "key/1"), "arn:aws:kms:eu-central-1:999999999999:key/1", context)
        }
        ("kms", _) => {
            let context = plain()
                .with("kms:ResourceAliases", "alias/orgtrail-acme")
                .without("aws:ResourceTag/orgtrail:deployment");
            both(regional("kms", "key/1"), "arn:aws:kms:eu-central-1:999999999999:key/1", context)
        }
        ("sns", "Publish") => both(
            "arn:aws:sns:eu-west-1:444444444444:acme-drift".into(),
            "arn:aws:sns:eu-west-1:444444444444:other",
            plain(),
        ),
        // Alarms publish to whatever topic of the account.
        ("sns", "GetTopicAttributes" | "ListSubscriptionsByTopic") => {
            both(regional("sns", "acme-topic"), "arn:aws:sns:eu-west-1:999999999999:acme-topic", plain())
        }
        ("cloudwatch", "DescribeAlarms") => one(plain()),
        ("sns", _) => both(regional("sns", "acme-topic"), &regional("sns", "other"), plain()),
        ("sqs", "SendMessage") => {
            both(regional("sqs", "acme-orgtrail-dead-letters"), &regional("sqs", "acme-orgtrail"), plain())
        }
        ("sqs", _) => both(regional("sqs", "acme-orgtrail"), &regional("sqs", "other"), plain()),
        ("events", _) => {
            both(regional("events", "rule/orgtrail-acme-wake"), &regional("events", "rule/other"), plain())
        }
        ("logs", "DescribeLogGroups") => {
            both(regional("logs", "log-group:"), "arn:aws:logs:eu-west-1:111111111111:log-group:", plain())
        }
        ("logs", "DescribeResourcePolicies") => one(plain()),
        ("logs", _) => both(regional("logs", "log-group:/orgtrail/own"), &regional("logs", "log-group:other"), plain()),
        ("iam", "CreateServiceLinkedRole") => {
            let role = "role/aws-service-role/cloudtrail.amazonaws.com/AWSServiceRoleForCloudTrail";
            both(iam(role), &iam("role/x"), plain().with("iam:AWSServiceName", "cloudtrail.amazonaws.com"))
        }
        ("iam", "GetAccountAuthorizationDetails" | "GetAccountSummary" | "ListRoles") => one(plain()),
        ("iam", "PassRole") => {
            let context = plain().with("iam:PassedToService", "cloudtrail.amazonaws.com");
            both(iam("role/acme-writer"), &iam("role/Admin"), context)
        }
        ("iam", "AttachGroupPolicy" | "DetachGroupPolicy") => {
            let context = plain().with("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess");
            assert!(!allows(
                &ask(FULL, Purpose::Apply, AccountKind::Member),
                here,
                action,
                &iam("group/auditors"),
                context
            ));
            Case { own: iam("group/auditors"), foreign: None, context: member_policy() }
        }
        ("iam", "AttachRolePolicy") => both(iam("role/a/path/SecurityAudit"), &iam("role/Admin"), member_policy()),
        ("iam", "DetachUserPolicy") => Case { own: iam("user/somebody"), foreign: None, context: member_policy() },
        ("iam", "DeleteRole") if here == account(AccountKind::Member) => {
            both(iam("role/orgtrail-acme-wake"), &iam("role/Admin"), plain())
        }
        ("iam", "DeleteRole") => Case { own: iam("role/an-old-name"), foreign: None, context: ours() },
        ("iam", _) if name.contains("Role") => {
            // Of another deployment, and for a policy that is not the member policy.
            let others = plain().with("aws:ResourceTag/orgtrail:deployment", "other");
            let others = others.with("iam:PolicyARN", iam("policy/x"));
            both(iam("role/acme-writer"), &iam("role/Admin"), others)
        }
        _ => both(iam("policy/CloudTrailReadLogs"), &iam("policy/Admin"), plain()),
    }
}
