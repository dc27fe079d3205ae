//! The table: every call to AWS that the program can make.

use super::{Access, CallPurpose, Operation, Service};

/// The parts of an operation: the deployment's, where a row names none.
macro_rules! parts {
    () => {
        &[CallPurpose::Deployment]
    };
    ($($part:ident)+) => {
        &[$(CallPurpose::$part),+]
    };
}

macro_rules! operations {
    ($($module:ident $service:ident {
        $($access:ident $constant:ident $name:literal [$($action:literal),+] $(for $($part:ident),+)?;)+
    })+) => {
        $(
            #[doc = concat!("Operations of `", stringify!($service), "`.")]
            pub mod $module {
                use super::{Access, Operation, CallPurpose, Service};
                $(
                    #[doc = concat!("`", $name, "`")]
                    pub const $constant: Operation = Operation {
                        service: Service::$service,
                        name: $name,
                        access: Access::$access,
                        actions: &[$($action),+],
                        parts: parts!($($($part)+)?),
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
        Write REGISTER_DELEGATED_ADMINISTRATOR "RegisterDelegatedAdministrator"
            ["organizations:RegisterDelegatedAdministrator"];
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
        Read DESCRIBE_TRAILS "DescribeTrails" ["cloudtrail:DescribeTrails"] for Deployment, Archive;
        Read LIST_TRAILS "ListTrails" ["cloudtrail:ListTrails"];
        Read GET_TRAIL "GetTrail" ["cloudtrail:GetTrail"];
        Read GET_TRAIL_STATUS "GetTrailStatus" ["cloudtrail:GetTrailStatus"] for Deployment, Archive;
        Read GET_EVENT_SELECTORS "GetEventSelectors" ["cloudtrail:GetEventSelectors"];
        Read GET_INSIGHT_SELECTORS "GetInsightSelectors" ["cloudtrail:GetInsightSelectors"];
        Read LIST_TAGS "ListTags" ["cloudtrail:ListTags"];
        Read LIST_PUBLIC_KEYS "ListPublicKeys" ["cloudtrail:ListPublicKeys"] for Archive;
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
        Read GET_PUBLIC_ACCESS_BLOCK "GetPublicAccessBlock" ["s3:GetBucketPublicAccessBlock"] for Deployment, Lake;
        Read GET_OWNERSHIP_CONTROLS "GetBucketOwnershipControls" ["s3:GetBucketOwnershipControls"]
            for Deployment, Lake;
        Read GET_ENCRYPTION "GetBucketEncryption" ["s3:GetEncryptionConfiguration"];
        Read GET_LIFECYCLE "GetBucketLifecycleConfiguration" ["s3:GetLifecycleConfiguration"] for Deployment, Archive;
        Read GET_OBJECT_LOCK "GetObjectLockConfiguration" ["s3:GetBucketObjectLockConfiguration"];
        Read GET_LOGGING "GetBucketLogging" ["s3:GetBucketLogging"];
        Read GET_REQUEST_PAYMENT "GetBucketRequestPayment" ["s3:GetBucketRequestPayment"];
        Read GET_TAGGING "GetBucketTagging" ["s3:GetBucketTagging"] for Deployment, Lake;
        Read GET_POLICY "GetBucketPolicy" ["s3:GetBucketPolicy"] for Deployment, Lake;
        Read LIST_OBJECTS "ListObjectsV2" ["s3:ListBucket"] for Deployment, Archive, Lake;
        Read GET_ACL "GetBucketAcl" ["s3:GetBucketAcl"];
        Read GET_WEBSITE "GetBucketWebsite" ["s3:GetBucketWebsite"];
        Read GET_REPLICATION "GetBucketReplication" ["s3:GetReplicationConfiguration"];
        Read LIST_INVENTORIES "ListBucketInventoryConfigurations" ["s3:GetInventoryConfiguration"];
        Read GET_NOTIFICATION "GetBucketNotificationConfiguration" ["s3:GetBucketNotification"];
        Read LIST_BUCKETS "ListBuckets" ["s3:ListAllMyBuckets"];
        // S3 decrypts with the permissions of whoever reads.
        Read GET_LOG_FILE "GetObject" ["s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"] for Archive;
        Read LIST_VERSIONS "ListObjectVersions" ["s3:ListBucketVersions"] for Archive;
        Read GET_LOCATION "GetBucketLocation" ["s3:GetBucketLocation"] for Archive, Lake;
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
        // What `verify --sign` with a key of KMS takes. It changes nothing.
        Read GET_PUBLIC_KEY "GetPublicKey" ["kms:GetPublicKey"] for Archive;
        Read SIGN "Sign" ["kms:Sign"] for Archive;
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
        Publish PUBLISH "Publish" ["sns:Publish"];
    }
    sqs Sqs {
        Read GET_QUEUE_URL "GetQueueUrl" ["sqs:GetQueueUrl"];
        Read GET_ATTRIBUTES "GetQueueAttributes" ["sqs:GetQueueAttributes"];
        Read LIST_TAGS "ListQueueTags" ["sqs:ListQueueTags"];
        Write CREATE_QUEUE "CreateQueue" ["sqs:CreateQueue", "sqs:TagQueue"];
        Write SET_ATTRIBUTES "SetQueueAttributes" ["sqs:SetQueueAttributes"];
        Write TAG_QUEUE "TagQueue" ["sqs:TagQueue"];
        Write RECEIVE_MESSAGE "ReceiveMessage" ["sqs:ReceiveMessage"];
        Write CHANGE_VISIBILITY "ChangeMessageVisibilityBatch" ["sqs:ChangeMessageVisibility"];
        Write DELETE_MESSAGE "DeleteMessageBatch" ["sqs:DeleteMessage"];
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
    // What AWS Config records is looked at and never changed; what collects it is made.
    config Config {
        Read DESCRIBE_RECORDERS "DescribeConfigurationRecorders" ["config:DescribeConfigurationRecorders"];
        Read DESCRIBE_RECORDER_STATUS "DescribeConfigurationRecorderStatus"
            ["config:DescribeConfigurationRecorderStatus"];
        Read DESCRIBE_CHANNELS "DescribeDeliveryChannels" ["config:DescribeDeliveryChannels"];
        Read DESCRIBE_CHANNEL_STATUS "DescribeDeliveryChannelStatus" ["config:DescribeDeliveryChannelStatus"];
        Read LIST_DISCOVERED "ListDiscoveredResources" ["config:ListDiscoveredResources"];
        Read GET_RESOURCE_HISTORY "GetResourceConfigHistory" ["config:GetResourceConfigHistory"];
        Read DESCRIBE_AGGREGATORS "DescribeConfigurationAggregators" ["config:DescribeConfigurationAggregators"];
        Read LIST_TAGS "ListTagsForResource" ["config:ListTagsForResource"];
        Write PUT_AGGREGATOR "PutConfigurationAggregator" [
            "config:PutConfigurationAggregator", "config:TagResource", "iam:PassRole",
            "organizations:DescribeOrganization", "organizations:ListDelegatedAdministrators"
        ];
        Write TAG_RESOURCE "TagResource" ["config:TagResource"];
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
        Read GET_CALLER_IDENTITY "GetCallerIdentity" ["sts:GetCallerIdentity"] for Deployment, Archive;
        Read ASSUME_ROLE "AssumeRole" ["sts:AssumeRole"] for Deployment, Archive;
    }
    // With `s3:ListBucket` on the bucket S3 says of a missing object that it is missing.
    document S3 {
        Read GET_OBJECT "GetObject" ["s3:GetObject"] for Document;
        Write PUT_OBJECT "PutObject" ["s3:PutObject"] for Document;
    }
    // S3 encrypts and decrypts with the permissions of whoever writes and reads.
    lake S3 {
        Read GET_OBJECT "GetObject" ["s3:GetObject", "kms:Decrypt"] for Lake;
        Write PUT_OBJECT "PutObject" ["s3:PutObject", "kms:GenerateDataKey"] for Lake;
    }
    // Athena reads tables and writes results with the permissions of whoever asks (Athena user guide, "Identity and
    // access management in Athena").
    athena Athena {
        Read GET_WORK_GROUP "GetWorkGroup" ["athena:GetWorkGroup"] for Athena;
        Read GET_TABLE "GetTableMetadata" ["athena:GetTableMetadata", "glue:GetDatabase", "glue:GetTable"] for Athena;
        Read GET_QUERY "GetQueryExecution" ["athena:GetQueryExecution"] for Athena;
        Read GET_RESULTS "GetQueryResults" ["athena:GetQueryResults", "s3:GetObject", "kms:Decrypt"] for Athena;
        Write START_QUERY "StartQueryExecution" [
            "athena:StartQueryExecution", "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions",
            "s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:ListBucketMultipartUploads",
            "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload", "kms:Decrypt", "kms:GenerateDataKey"
        ] for Athena;
        Write STOP_QUERY "StopQueryExecution" ["athena:StopQueryExecution"] for Athena;
    }
    destroy CloudTrail {
        Write DELETE_TRAIL "DeleteTrail" ["cloudtrail:DeleteTrail"] for Destroy;
    }
}
