//! Every operation that the adapter calls, and the IAM actions that each needs.
//!
//! What is not in this table cannot be called: a session takes an [`Operation`] with every call. It is also what
//! `orgtrail permissions` prints, and where the read-only session policy comes from.

/// The services that the adapter speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS Organizations.
    Organizations,
    /// AWS Account Management.
    Account,
    /// AWS CloudTrail.
    CloudTrail,
    /// Amazon S3.
    S3,
    /// AWS KMS.
    Kms,
    /// Amazon SNS.
    Sns,
    /// Amazon SQS.
    Sqs,
    /// Amazon EventBridge.
    Events,
    /// Amazon CloudWatch.
    CloudWatch,
    /// Amazon CloudWatch Logs.
    Logs,
    /// AWS IAM.
    Iam,
    /// AWS STS.
    Sts,
}

impl Service {
    /// Returns the prefix of the service's IAM actions.
    pub fn as_str(self) -> &'static str {
        match self {
            Service::Organizations => "organizations",
            Service::Account => "account",
            Service::CloudTrail => "cloudtrail",
            Service::S3 => "s3",
            Service::Kms => "kms",
            Service::Sns => "sns",
            Service::Sqs => "sqs",
            Service::Events => "events",
            Service::CloudWatch => "cloudwatch",
            Service::Logs => "logs",
            Service::Iam => "iam",
            Service::Sts => "sts",
        }
    }
}

/// Whether an operation can change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It cannot.
    Read,
    /// It can.
    Write,
    /// It cannot, but it tells somebody something.
    Tell,
}

/// One operation of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Whose it is.
    pub service: Service,
    /// Its name in the service's API.
    pub name: &'static str,
    /// Whether it can change anything.
    pub access: Access,
    /// The IAM actions that it needs, the one that it is named after first. Source: Service Authorization Reference.
    pub actions: &'static [&'static str],
}

impl Operation {
    /// Returns the name by which reports know the operation: its first action.
    pub fn as_str(&self) -> &'static str {
        self.actions.first().copied().unwrap_or(self.name)
    }
}

macro_rules! operations {
    ($($module:ident $service:ident {
        $($access:ident $constant:ident $name:literal [$($action:literal),+];)+
    })+) => {
        $(
            #[doc = concat!("Operations of `", stringify!($service), "`.")]
            pub mod $module {
                use super::{Access, Operation, Service};
                $(
                    #[doc = concat!("`", $name, "`")]
                    pub const $constant: Operation = Operation {
                        service: Service::$service,
                        name: $name,
                        access: Access::$access,
                        actions: &[$($action),+],
                    };
                )+
            }
        )+
        /// Every operation, by service.
        pub const ALL: &[Operation] = &[$($($module::$constant),+),+];
    };
}

operations! {
    organizations Organizations {
        Read DESCRIBE_ORGANIZATION "DescribeOrganization" ["organizations:DescribeOrganization"];
        Read LIST_ACCOUNTS "ListAccounts" ["organizations:ListAccounts"];
        Read LIST_ACCOUNTS_FOR_PARENT "ListAccountsForParent" ["organizations:ListAccountsForParent"];
        Read LIST_ROOTS "ListRoots" ["organizations:ListRoots"];
        Read LIST_UNITS_FOR_PARENT "ListOrganizationalUnitsForParent"
            ["organizations:ListOrganizationalUnitsForParent"];
        Read LIST_TAGS "ListTagsForResource" ["organizations:ListTagsForResource"];
        Read LIST_SERVICE_ACCESS "ListAWSServiceAccessForOrganization"
            ["organizations:ListAWSServiceAccessForOrganization"];
        Read LIST_DELEGATED_ADMINISTRATORS "ListDelegatedAdministrators"
            ["organizations:ListDelegatedAdministrators"];
        Read LIST_POLICIES "ListPolicies" ["organizations:ListPolicies"];
        Read DESCRIBE_POLICY "DescribePolicy" ["organizations:DescribePolicy"];
        Read LIST_TARGETS_FOR_POLICY "ListTargetsForPolicy" ["organizations:ListTargetsForPolicy"];
        Read LIST_POLICIES_FOR_TARGET "ListPoliciesForTarget" ["organizations:ListPoliciesForTarget"];
        Write ENABLE_SERVICE_ACCESS "EnableAWSServiceAccess" ["organizations:EnableAWSServiceAccess"];
        Write CREATE_POLICY "CreatePolicy" ["organizations:CreatePolicy", "organizations:TagResource"];
        Write UPDATE_POLICY "UpdatePolicy" ["organizations:UpdatePolicy"];
        Write ATTACH_POLICY "AttachPolicy" ["organizations:AttachPolicy"];
        Write DETACH_POLICY "DetachPolicy" ["organizations:DetachPolicy"];
        Write DELETE_POLICY "DeletePolicy" ["organizations:DeletePolicy"];
        Write TAG_RESOURCE "TagResource" ["organizations:TagResource"];
    }
    account Account {
        Read LIST_REGIONS "ListRegions" ["account:ListRegions"];
    }
    cloudtrail CloudTrail {
        Read DESCRIBE_TRAILS "DescribeTrails" ["cloudtrail:DescribeTrails"];
        Read LIST_TRAILS "ListTrails" ["cloudtrail:ListTrails"];
        Read GET_TRAIL "GetTrail" ["cloudtrail:GetTrail"];
        Read GET_TRAIL_STATUS "GetTrailStatus" ["cloudtrail:GetTrailStatus"];
        Read GET_EVENT_SELECTORS "GetEventSelectors" ["cloudtrail:GetEventSelectors"];
        Read GET_INSIGHT_SELECTORS "GetInsightSelectors" ["cloudtrail:GetInsightSelectors"];
        Read LIST_TAGS "ListTags" ["cloudtrail:ListTags"];
        Read LOOKUP_EVENTS "LookupEvents" ["cloudtrail:LookupEvents"];
        Write CREATE_TRAIL "CreateTrail" [
            "cloudtrail:CreateTrail", "cloudtrail:AddTags", "iam:CreateServiceLinkedRole", "iam:GetRole",
            "iam:PassRole", "organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization"
        ];
        Write UPDATE_TRAIL "UpdateTrail" [
            "cloudtrail:UpdateTrail", "iam:CreateServiceLinkedRole", "iam:GetRole", "iam:PassRole",
            "organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization"
        ];
        Write PUT_EVENT_SELECTORS "PutEventSelectors" ["cloudtrail:PutEventSelectors"];
        Write PUT_INSIGHT_SELECTORS "PutInsightSelectors" ["cloudtrail:PutInsightSelectors"];
        Write ADD_TAGS "AddTags" ["cloudtrail:AddTags"];
        Write START_LOGGING "StartLogging" ["cloudtrail:StartLogging"];
        Write REGISTER_DELEGATED_ADMIN "RegisterOrganizationDelegatedAdmin" [
            "cloudtrail:RegisterOrganizationDelegatedAdmin", "iam:CreateServiceLinkedRole", "iam:GetRole",
            "organizations:DescribeOrganization", "organizations:ListAWSServiceAccessForOrganization",
            "organizations:RegisterDelegatedAdministrator"
        ];
    }
    s3 S3 {
        Read GET_VERSIONING "GetBucketVersioning" ["s3:GetBucketVersioning"];
        Read GET_PUBLIC_ACCESS_BLOCK "GetPublicAccessBlock" ["s3:GetBucketPublicAccessBlock"];
        Read GET_OWNERSHIP_CONTROLS "GetBucketOwnershipControls" ["s3:GetBucketOwnershipControls"];
        Read GET_ENCRYPTION "GetBucketEncryption" ["s3:GetEncryptionConfiguration"];
        Read GET_LIFECYCLE "GetBucketLifecycleConfiguration" ["s3:GetLifecycleConfiguration"];
        Read GET_OBJECT_LOCK "GetObjectLockConfiguration" ["s3:GetBucketObjectLockConfiguration"];
        Read GET_LOGGING "GetBucketLogging" ["s3:GetBucketLogging"];
        Read GET_REQUEST_PAYMENT "GetBucketRequestPayment" ["s3:GetBucketRequestPayment"];
        Read GET_TAGGING "GetBucketTagging" ["s3:GetBucketTagging"];
        Read GET_POLICY "GetBucketPolicy" ["s3:GetBucketPolicy"];
        Read LIST_OBJECTS "ListObjectsV2" ["s3:ListBucket"];
        Read GET_ACL "GetBucketAcl" ["s3:GetBucketAcl"];
        Read GET_WEBSITE "GetBucketWebsite" ["s3:GetBucketWebsite"];
        Read GET_REPLICATION "GetBucketReplication" ["s3:GetReplicationConfiguration"];
        Read LIST_INVENTORIES "ListBucketInventoryConfigurations" ["s3:GetInventoryConfiguration"];
        Read GET_NOTIFICATION "GetBucketNotificationConfiguration" ["s3:GetBucketNotification"];
        Read LIST_BUCKETS "ListBuckets" ["s3:ListAllMyBuckets"];
        Write CREATE_BUCKET "CreateBucket" ["s3:CreateBucket"];
        Write PUT_TAGGING "PutBucketTagging" ["s3:PutBucketTagging"];
        Write PUT_PUBLIC_ACCESS_BLOCK "PutPublicAccessBlock" ["s3:PutBucketPublicAccessBlock"];
        Write PUT_ACL "PutBucketAcl" ["s3:PutBucketAcl"];
        Write PUT_OWNERSHIP_CONTROLS "PutBucketOwnershipControls" ["s3:PutBucketOwnershipControls"];
        Write PUT_VERSIONING "PutBucketVersioning" ["s3:PutBucketVersioning"];
        Write PUT_ENCRYPTION "PutBucketEncryption" ["s3:PutEncryptionConfiguration"];
        Write PUT_LIFECYCLE "PutBucketLifecycleConfiguration" ["s3:PutLifecycleConfiguration"];
        Write DELETE_LIFECYCLE "DeleteBucketLifecycle" ["s3:PutLifecycleConfiguration"];
        Write PUT_OBJECT_LOCK "PutObjectLockConfiguration" ["s3:PutBucketObjectLockConfiguration"];
        Write PUT_LOGGING "PutBucketLogging" ["s3:PutBucketLogging"];
        Write PUT_REQUEST_PAYMENT "PutBucketRequestPayment" ["s3:PutBucketRequestPayment"];
        Write PUT_POLICY "PutBucketPolicy" ["s3:PutBucketPolicy"];
    }
    kms Kms {
        Read DESCRIBE_KEY "DescribeKey" ["kms:DescribeKey"];
        Read GET_ROTATION "GetKeyRotationStatus" ["kms:GetKeyRotationStatus"];
        Read LIST_TAGS "ListResourceTags" ["kms:ListResourceTags"];
        Read GET_KEY_POLICY "GetKeyPolicy" ["kms:GetKeyPolicy"];
        Read LIST_KEYS "ListKeys" ["kms:ListKeys"];
        Read LIST_ALIASES "ListAliases" ["kms:ListAliases"];
        Read LIST_GRANTS "ListGrants" ["kms:ListGrants"];
        Write CREATE_KEY "CreateKey" ["kms:CreateKey", "kms:TagResource"];
        Write CREATE_ALIAS "CreateAlias" ["kms:CreateAlias"];
        Write UPDATE_ALIAS "UpdateAlias" ["kms:UpdateAlias"];
        Write ENABLE_KEY "EnableKey" ["kms:EnableKey"];
        Write CANCEL_DELETION "CancelKeyDeletion" ["kms:CancelKeyDeletion"];
        Write ENABLE_ROTATION "EnableKeyRotation" ["kms:EnableKeyRotation"];
        Write TAG_RESOURCE "TagResource" ["kms:TagResource"];
        Write PUT_KEY_POLICY "PutKeyPolicy" ["kms:PutKeyPolicy"];
    }
    sns Sns {
        Read GET_ATTRIBUTES "GetTopicAttributes" ["sns:GetTopicAttributes"];
        Read LIST_TAGS "ListTagsForResource" ["sns:ListTagsForResource"];
        Read LIST_SUBSCRIPTIONS "ListSubscriptionsByTopic" ["sns:ListSubscriptionsByTopic"];
        Write CREATE_TOPIC "CreateTopic" ["sns:CreateTopic", "sns:TagResource"];
        Write SET_ATTRIBUTES "SetTopicAttributes" ["sns:SetTopicAttributes"];
        Write TAG_RESOURCE "TagResource" ["sns:TagResource"];
        Tell PUBLISH "Publish" ["sns:Publish"];
    }
    sqs Sqs {
        Read GET_QUEUE_URL "GetQueueUrl" ["sqs:GetQueueUrl"];
        Read GET_ATTRIBUTES "GetQueueAttributes" ["sqs:GetQueueAttributes"];
        Read LIST_TAGS "ListQueueTags" ["sqs:ListQueueTags"];
        Write CREATE_QUEUE "CreateQueue" ["sqs:CreateQueue", "sqs:TagQueue"];
        Write SET_ATTRIBUTES "SetQueueAttributes" ["sqs:SetQueueAttributes"];
        Write TAG_QUEUE "TagQueue" ["sqs:TagQueue"];
        Write RECEIVE_MESSAGE "ReceiveMessage" ["sqs:ReceiveMessage"];
        Write CHANGE_VISIBILITY "ChangeMessageVisibility" ["sqs:ChangeMessageVisibility"];
        Write DELETE_MESSAGE "DeleteMessage" ["sqs:DeleteMessage"];
        Write SEND_MESSAGE "SendMessage" ["sqs:SendMessage"];
    }
    events Events {
        Read DESCRIBE_RULE "DescribeRule" ["events:DescribeRule"];
        Read LIST_TARGETS "ListTargetsByRule" ["events:ListTargetsByRule"];
        Read LIST_TAGS "ListTagsForResource" ["events:ListTagsForResource"];
        Write PUT_RULE "PutRule" ["events:PutRule", "events:TagResource"];
        Write PUT_TARGETS "PutTargets" ["events:PutTargets", "iam:PassRole"];
        Write TAG_RESOURCE "TagResource" ["events:TagResource"];
        Write REMOVE_TARGETS "RemoveTargets" ["events:RemoveTargets"];
        Write DELETE_RULE "DeleteRule" ["events:DeleteRule"];
    }
    cloudwatch CloudWatch {
        Read DESCRIBE_ALARMS "DescribeAlarms" ["cloudwatch:DescribeAlarms"];
    }
    logs Logs {
        Read DESCRIBE_LOG_GROUPS "DescribeLogGroups" ["logs:DescribeLogGroups"];
        Read LIST_TAGS "ListTagsForResource" ["logs:ListTagsForResource"];
        Read DESCRIBE_METRIC_FILTERS "DescribeMetricFilters" ["logs:DescribeMetricFilters"];
        Read DESCRIBE_SUBSCRIPTION_FILTERS "DescribeSubscriptionFilters" ["logs:DescribeSubscriptionFilters"];
        Read DESCRIBE_RESOURCE_POLICIES "DescribeResourcePolicies" ["logs:DescribeResourcePolicies"];
        Write CREATE_LOG_GROUP "CreateLogGroup" ["logs:CreateLogGroup", "logs:TagResource"];
        Write PUT_RETENTION "PutRetentionPolicy" ["logs:PutRetentionPolicy"];
        Write DELETE_RETENTION "DeleteRetentionPolicy" ["logs:DeleteRetentionPolicy"];
        Write TAG_RESOURCE "TagResource" ["logs:TagResource"];
    }
    iam Iam {
        Read GET_ACCOUNT_DETAILS "GetAccountAuthorizationDetails" ["iam:GetAccountAuthorizationDetails"];
        Read GET_ACCOUNT_SUMMARY "GetAccountSummary" ["iam:GetAccountSummary"];
        Read LIST_ROLES "ListRoles" ["iam:ListRoles"];
        Read GET_ROLE "GetRole" ["iam:GetRole"];
        Read LIST_ROLE_POLICIES "ListRolePolicies" ["iam:ListRolePolicies"];
        Read GET_ROLE_POLICY "GetRolePolicy" ["iam:GetRolePolicy"];
        Read LIST_ATTACHED "ListAttachedRolePolicies" ["iam:ListAttachedRolePolicies"];
        Read GET_POLICY "GetPolicy" ["iam:GetPolicy"];
        Read GET_POLICY_VERSION "GetPolicyVersion" ["iam:GetPolicyVersion"];
        Read LIST_POLICY_VERSIONS "ListPolicyVersions" ["iam:ListPolicyVersions"];
        Read LIST_ENTITIES "ListEntitiesForPolicy" ["iam:ListEntitiesForPolicy"];
        Write CREATE_ROLE "CreateRole" ["iam:CreateRole", "iam:TagRole"];
        Write UPDATE_ROLE "UpdateRole" ["iam:UpdateRole"];
        Write UPDATE_TRUST "UpdateAssumeRolePolicy" ["iam:UpdateAssumeRolePolicy"];
        Write PUT_ROLE_POLICY "PutRolePolicy" ["iam:PutRolePolicy"];
        Write DELETE_ROLE_POLICY "DeleteRolePolicy" ["iam:DeleteRolePolicy"];
        Write ATTACH_ROLE_POLICY "AttachRolePolicy" ["iam:AttachRolePolicy"];
        Write DETACH_ROLE_POLICY "DetachRolePolicy" ["iam:DetachRolePolicy"];
        Write DELETE_ROLE_BOUNDARY "DeleteRolePermissionsBoundary" ["iam:DeleteRolePermissionsBoundary"];
        Write TAG_ROLE "TagRole" ["iam:TagRole"];
        Write DELETE_ROLE "DeleteRole" ["iam:DeleteRole"];
        Write CREATE_POLICY "CreatePolicy" ["iam:CreatePolicy", "iam:TagPolicy"];
        Write CREATE_POLICY_VERSION "CreatePolicyVersion" ["iam:CreatePolicyVersion"];
        Write DELETE_POLICY_VERSION "DeletePolicyVersion" ["iam:DeletePolicyVersion"];
        Write ATTACH_GROUP_POLICY "AttachGroupPolicy" ["iam:AttachGroupPolicy"];
        Write DETACH_GROUP_POLICY "DetachGroupPolicy" ["iam:DetachGroupPolicy"];
        Write DETACH_USER_POLICY "DetachUserPolicy" ["iam:DetachUserPolicy"];
        Write TAG_POLICY "TagPolicy" ["iam:TagPolicy"];
        Write DELETE_POLICY "DeletePolicy" ["iam:DeletePolicy"];
    }
    sts Sts {
        Read GET_CALLER_IDENTITY "GetCallerIdentity" ["sts:GetCallerIdentity"];
        Read ASSUME_ROLE "AssumeRole" ["sts:AssumeRole"];
    }
}

/// What `apply --destroy` needs on the trails that a person named. It is not in the table: no policy that is printed without
/// naming them gives it.
pub mod destroy {
    use super::{Access, Operation, Service};

    /// `DeleteTrail`
    pub const DELETE_TRAIL: Operation = Operation {
        service: Service::CloudTrail,
        name: "DeleteTrail",
        access: Access::Write,
        actions: &["cloudtrail:DeleteTrail"],
    };
}

/// What a daemon needs on its lease and its history, each one object and never a log. It is not in the table: a policy that
/// gave it on every object would let log files be written.
pub mod document {
    use super::{Access, Operation, Service};

    /// `GetObject`; with `s3:ListBucket` on the bucket S3 says of a missing object that it is missing.
    pub const GET_OBJECT: Operation =
        Operation { service: Service::S3, name: "GetObject", access: Access::Read, actions: &["s3:GetObject"] };

    /// `PutObject`
    pub const PUT_OBJECT: Operation =
        Operation { service: Service::S3, name: "PutObject", access: Access::Write, actions: &["s3:PutObject"] };
}

/// Returns the actions of every operation with this access, sorted, each once.
pub fn actions(access: Access) -> Vec<&'static str> {
    let mut actions: Vec<_> =
        ALL.iter().filter(|operation| operation.access == access).flat_map(|o| o.actions).copied().collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// Returns the session policy with which a look is made: it allows the reads and nothing else.
///
/// Families of reads are written with a wildcard, because a session policy may have 2,048 characters (STS API,
/// `AssumeRole`). None of them reaches the content of an object or a secret.
pub(super) fn read_only_policy() -> String {
    const FAMILIES: [&str; 18] = [
        "cloudtrail:Describe*",
        "cloudtrail:Get*",
        "cloudtrail:List*",
        "iam:Get*",
        "iam:List*",
        "kms:DescribeKey",
        "kms:Get*",
        "kms:List*",
        "organizations:Describe*",
        "organizations:List*",
        "s3:GetBucket*",
        "sns:Get*",
        "sns:List*",
        "sqs:Get*",
        "sqs:List*",
        "events:Describe*",
        "events:List*",
        "logs:Describe*",
    ];
    let covered = |action: &&str| {
        !FAMILIES.iter().any(|family| match family.strip_suffix('*') {
            Some(stem) => action.starts_with(stem),
            None => action == family,
        })
    };
    let others = actions(Access::Read).into_iter().filter(|action| !action.starts_with("sts:")).filter(covered);
    let actions: Vec<&str> = FAMILIES.into_iter().chain(others).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 1 of the design: what the published policy does not contain cannot happen.
    #[test]
    fn nothing_that_ends_a_trail_or_deletes_logs_can_be_called() {
        for forbidden in [
            "organizations:DisableAWSServiceAccess",
            "cloudtrail:StopLogging",
            "cloudtrail:DeleteTrail",
            "cloudtrail:DeregisterOrganizationDelegatedAdmin",
            "kms:ScheduleKeyDeletion",
            "kms:DisableKey",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:PutObject",
            "sns:DeleteTopic",
            "logs:DeleteLogGroup",
        ] {
            assert!(ALL.iter().all(|o| !o.actions.contains(&forbidden)), "{forbidden}");
        }
    }

    /// What the plan tries with the documents that there are is what can be called.
    #[test]
    fn every_call_that_changes_bucket_key_or_topic_is_tried_for_a_lockout() {
        use crate::plan::lockout::{BUCKET_WORK, KEY_WORK, TOPIC_WORK};
        let made = ["s3:CreateBucket", "kms:CreateKey", "sns:CreateTopic"];
        let called = |service: Service| {
            let writes = ALL.iter().filter(|o| o.service == service && o.access == Access::Write);
            let actions = writes.flat_map(|o| o.actions).copied().filter(|action| !made.contains(action));
            actions.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(called(Service::S3), BUCKET_WORK.into());
        assert_eq!(called(Service::Kms), KEY_WORK.into());
        assert_eq!(called(Service::Sns), TOPIC_WORK.into());
    }

    #[test]
    fn each_action_is_of_the_form_service_and_name() {
        for operation in ALL {
            let own = format!("{}:", operation.service.as_str());
            assert!(operation.as_str().starts_with(&own), "{operation:?}");
        }
    }

    #[test]
    fn the_session_policy_allows_the_reads_and_fits() {
        let policy = read_only_policy();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        let allowed: serde_json::Value = serde_json::from_str(&policy).unwrap();
        let allows = |action: &str| {
            let patterns = allowed["Statement"][0]["Action"].as_array().unwrap();
            patterns.iter().map(|p| p.as_str().unwrap()).any(|p| match p.strip_suffix('*') {
                Some(stem) => action.starts_with(stem),
                None => action == p,
            })
        };
        for action in actions(Access::Read).into_iter().filter(|a| !a.starts_with("sts:")) {
            assert!(allows(action), "{action} is needed");
        }
        for operation in ALL.iter().filter(|o| o.access == Access::Write) {
            assert!(!allows(operation.as_str()), "{} must not be possible", operation.as_str());
        }
    }
}
