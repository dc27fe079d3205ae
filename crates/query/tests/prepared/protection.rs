//! Changes of protection: trails, networks, policies, the organization.

use serde_json::{Value, json};

use super::Case;
use super::fixture::{ACCOUNT, OTHER, read, root, service, user, with, write};

const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";
const EC2: &str = "ec2.amazonaws.com";
const IAM: &str = "iam.amazonaws.com";
const ORGANIZATIONS: &str = "organizations.amazonaws.com";
const S3: &str = "s3.amazonaws.com";
const SSO: &str = "sso.amazonaws.com";

pub fn cases() -> Vec<Case> {
    let mut all = opened();
    all.extend(recording_and_rights());
    all.extend(organization());
    all
}

fn opened() -> Vec<Case> {
    let block = |bucket: &str, settings: Value| json!({ "requestParameters": { "bucketName": bucket, "PublicAccessBlockConfiguration": settings } });
    let all_on = json!({ "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true });
    let one_off = with(all_on.clone(), json!({ "BlockPublicPolicy": false }));
    let policy = |principal: Value| json!({ "requestParameters": { "bucketName": "photos", "bucketPolicy": { "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject" }] } } });
    let text_policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}"#;
    let snapshot = |group: Value| json!({ "requestParameters": { "snapshotId": "snap-1", "createVolumePermission": { "add": { "items": [group] } } } });
    vec![
        Case {
            query: "public-access-weakened",
            parameters: &[],
            yes: vec![
                write("off", S3, "PutBucketPublicAccessBlock", block("a", one_off)),
                write(
                    "off-2",
                    S3,
                    "PutBucketPublicAccessBlock",
                    block("a2", with(all_on.clone(), json!({ "IgnorePublicAcls": false }))),
                ),
                write(
                    "off-3",
                    S3,
                    "PutBucketPublicAccessBlock",
                    block("a3", with(all_on.clone(), json!({ "RestrictPublicBuckets": false }))),
                ),
                write(
                    "off-4",
                    S3,
                    "PutBucketPublicAccessBlock",
                    block("a4", with(all_on.clone(), json!({ "BlockPublicAcls": false }))),
                ),
                write("not-sent", S3, "PutBucketPublicAccessBlock", block("b", json!({ "BlockPublicAcls": true }))),
                write("all-off", S3, "DeleteAccountPublicAccessBlock", json!({ "errorCode": "AccessDenied" })),
            ],
            no: vec![
                write("on", S3, "PutBucketPublicAccessBlock", block("c", all_on)),
                read("looked", S3, "GetBucketPublicAccessBlock", json!({ "requestParameters": { "bucketName": "d" } })),
            ],
            rows: 6,
            has: &[
                "off-2",
                "off-3",
                "off-4",
                "| a | true | true | false | true",
                "| b | true | not sent",
                "attempted | the whole account",
            ],
            not: &["| c |", "| d |"],
        },
        Case {
            query: "made-public",
            parameters: &[],
            yes: vec![
                write("policy", S3, "PutBucketPolicy", policy(json!("*"))),
                write(
                    "as-text",
                    "sqs.amazonaws.com",
                    "SetQueueAttributes",
                    json!({ "requestParameters": { "attributes": { "Policy": text_policy } } }),
                ),
                write(
                    "list",
                    S3,
                    "PutBucketAcl",
                    json!({ "requestParameters": { "bucketName": "x", "x-amz-acl": ["public-read"] } }),
                ),
                write("snapshot", EC2, "ModifySnapshotAttribute", snapshot(json!({ "group": "all" }))),
                write(
                    "database",
                    "rds.amazonaws.com",
                    "ModifyDBSnapshotAttribute",
                    json!({ "requestParameters": { "valuesToAdd": ["all"] } }),
                ),
                write(
                    "document",
                    "ssm.amazonaws.com",
                    "ModifyDocumentPermission",
                    json!({ "requestParameters": { "accountIdsToAdd": ["all"] } }),
                ),
                write(
                    "function",
                    "lambda.amazonaws.com",
                    "AddPermission20150331v2",
                    json!({ "requestParameters": { "functionName": "f", "principal": "*" } }),
                ),
            ],
            no: vec![
                write("of-one", S3, "PutBucketPolicy", policy(json!({ "AWS": "arn:aws:iam::444455556666:root" }))),
                write("to-one", EC2, "ModifySnapshotAttribute", snapshot(json!({ "userId": OTHER }))),
                write(
                    "database-to-one",
                    "rds.amazonaws.com",
                    "ModifyDBSnapshotAttribute",
                    json!({ "requestParameters": { "valuesToAdd": [OTHER] } }),
                ),
                write(
                    "document-to-one",
                    "ssm.amazonaws.com",
                    "ModifyDocumentPermission",
                    json!({ "requestParameters": { "accountIdsToAdd": [OTHER] } }),
                ),
                read("simulated", S3, "SimulatePolicy", policy(json!("*"))),
                write(
                    "private",
                    S3,
                    "PutBucketAcl",
                    json!({ "requestParameters": { "bucketName": "y", "x-amz-acl": ["private"] } }),
                ),
                read("looked", S3, "GetBucketPolicy", json!({})),
            ],
            rows: 7,
            has: &[
                "| database",
                "| document",
                "SetQueueAttributes | true",
                "PutBucketPolicy | false",
                "PutBucketAcl",
                "snapshot",
                "function",
            ],
            not: &["of-one", "to-one", "private", "looked", "simulated"],
        },
        Case {
            query: "network-changes",
            parameters: &[],
            yes: vec![
                write(
                    "opened",
                    EC2,
                    "AuthorizeSecurityGroupIngress",
                    json!({ "requestParameters": { "groupId": "sg-1", "ipPermissions": { "items": [{ "ipRanges": { "items": [{ "cidrIp": "0.0.0.0/0" }] } }] } } }),
                ),
                write(
                    "route",
                    EC2,
                    "CreateRoute",
                    json!({ "requestParameters": { "routeTableId": "rtb-1" }, "errorCode": "Client.UnauthorizedOperation" }),
                ),
            ],
            no: vec![
                read("looked", EC2, "DescribeSecurityGroups", json!({ "readOnly": null })),
                read("exported", EC2, "ExportTransitGatewayRoutes", json!({})),
                write("instance", EC2, "RunInstances", json!({})),
                write("of-rds", "rds.amazonaws.com", "CreateDBSecurityGroup", json!({})),
            ],
            rows: 2,
            has: &["done | sg-1 | true", "attempted | rtb-1"],
            not: &["looked", "exported", "| instance", "of-rds"],
        },
    ]
}

fn recording_and_rights() -> Vec<Case> {
    let with_mfa = with(user("alice"), json!({ "sessionContext": { "attributes": { "mfaAuthenticated": "true" } } }));
    vec![
        Case {
            query: "trail-tampering",
            parameters: &[],
            yes: vec![
                write(
                    "stopped",
                    CLOUDTRAIL,
                    "StopLogging",
                    json!({ "requestParameters": { "name": "org-trail" }, "userIdentity": with_mfa }),
                ),
                write(
                    "tried",
                    CLOUDTRAIL,
                    "DeleteTrail",
                    json!({ "requestParameters": { "name": "org-trail" }, "errorCode": "AccessDeniedException" }),
                ),
                write("hub", "securityhub.amazonaws.com", "DisableSecurityHub", json!({})),
                write("flows", EC2, "DeleteFlowLogs", json!({})),
                write("analyzer", "access-analyzer.amazonaws.com", "DeleteAnalyzer", json!({})),
                write(
                    "recorder",
                    "config.amazonaws.com",
                    "StopConfigurationRecorder",
                    json!({ "requestParameters": { "configurationRecorderName": "default" } }),
                ),
            ],
            no: vec![
                read("looked", CLOUDTRAIL, "GetTrailStatus", json!({})),
                write("began", CLOUDTRAIL, "StartLogging", json!({})),
                write("other-service", "logs.amazonaws.com", "DeleteTrail", json!({})),
                write("other-of-hub", "securityhub.amazonaws.com", "TagResource", json!({})),
                write("other-of-ec2", EC2, "CreateFlowLogs", json!({})),
            ],
            rows: 6,
            has: &[
                "| hub",
                "| flows",
                "| analyzer",
                "| AKIAALICE | true |",
                "| AccessDeniedException | AKIAALICE | not recorded |",
                "StopConfigurationRecorder",
            ],
            not: &["looked", "began", "other-service", "other-of"],
        },
        Case {
            query: "iam-changes",
            parameters: &[],
            yes: vec![write(
                "more",
                IAM,
                "AttachRolePolicy",
                json!({ "requestParameters": { "roleName": "app", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess" } }),
            )],
            no: vec![
                read("looked", IAM, "GetRolePolicy", json!({})),
                // An older record, which does not say that it reads.
                read("report", IAM, "GenerateCredentialReport", json!({ "readOnly": null })),
                write("no-iam", "other.amazonaws.com", "CreateRole", json!({})),
            ],
            rows: 1,
            has: &["app | arn:aws:iam::aws:policy/AdministratorAccess"],
            not: &["looked", "report", "no-iam"],
        },
    ]
}

fn organization() -> Vec<Case> {
    let late = |region: &str, fields: Value| {
        let all = json!({ "awsRegion": region, "eventTime": "2026-11-30T10:00:00Z" });
        read(region, EC2, "DescribeInstances", with(all, fields))
    };
    vec![
        Case {
            query: "organization-changes",
            parameters: &[],
            yes: vec![
                write(
                    "joined",
                    ORGANIZATIONS,
                    "AccountJoinedOrganization",
                    json!({
                        "eventType": "AwsServiceEvent",
                        "userIdentity": service(ORGANIZATIONS),
                        "serviceEventDetails": { "accountId": OTHER },
                    }),
                ),
                write(
                    "detached",
                    ORGANIZATIONS,
                    "DetachPolicy",
                    json!({ "requestParameters": { "policyId": "p-1", "targetId": "ou-1" } }),
                ),
            ],
            no: vec![
                read("looked", ORGANIZATIONS, "ListAccounts", json!({ "readOnly": null })),
                read("tried", ORGANIZATIONS, "ValidateSomething", json!({})),
                write("of-iam", IAM, "CreatePolicy", json!({})),
            ],
            rows: 2,
            has: &["by AWS itself | 444455556666", "DetachPolicy"],
            not: &["looked", "tried", "of-iam"],
        },
        Case {
            query: "identity-center-changes",
            parameters: &[],
            yes: vec![
                write(
                    "assigned",
                    SSO,
                    "CreateAccountAssignment",
                    json!({ "requestParameters": { "permissionSetArn": "ps-1", "targetId": OTHER, "principalId": "u-1" } }),
                ),
                write(
                    "member",
                    "identitystore.amazonaws.com",
                    "CreateGroupMembership",
                    json!({ "requestParameters": { "groupId": "g-1" } }),
                ),
            ],
            no: vec![
                read("listed", SSO, "ListPermissionSets", json!({})),
                write("portal", SSO, "Federate", json!({ "eventType": "AwsServiceEvent" })),
                write("signed-in", SSO, "Authenticate", json!({ "eventType": "AwsServiceEvent" })),
                write("root", IAM, "CreateGroup", json!({ "userIdentity": root() })),
            ],
            rows: 2,
            has: &["ps-1 | 444455556666 | u-1", "g-1"],
            not: &["listed", "portal", "signed-in", "CreateGroup |"],
        },
        Case {
            query: "new-regions",
            parameters: &[("quiet_days", "7")],
            yes: vec![write(
                "new",
                EC2,
                "RunInstances",
                json!({ "awsRegion": "eu-north-1", "eventTime": "2026-11-30T10:00:00Z" }),
            )],
            no: vec![
                read("first", EC2, "DescribeInstances", json!({})),
                read(
                    "soon",
                    EC2,
                    "DescribeInstances",
                    json!({ "awsRegion": "eu-west-1", "eventTime": "2026-11-22T10:00:00Z" }),
                ),
                late("sa-east-1", json!({ "userIdentity": { "type": "AWSService" } })),
                late(
                    "sa-west-1",
                    json!({ "userIdentity": with(user("alice"), json!({ "invokedBy": "config.amazonaws.com" })) }),
                ),
                late("me-south-1", json!({ "eventType": "AwsServiceEvent" })),
                write(
                    "failed",
                    EC2,
                    "RunInstances",
                    json!({ "awsRegion": "ap-south-1", "eventTime": "2026-11-30T10:00:00Z", "errorCode": "Client.UnauthorizedOperation" }),
                ),
                // Another account, which joined later: its first region is not new.
                read(
                    "joined",
                    EC2,
                    "DescribeInstances",
                    json!({ "awsRegion": "ca-central-1", "eventTime": "2026-11-30T10:00:00Z", "recipientAccountId": OTHER }),
                ),
            ],
            rows: 1,
            has: &["111122223333 | eu-north-1", "user/alice"],
            not: &["eu-west-1", "sa-east-1", "sa-west-1", "me-south-1", "ap-south-1", "ca-central-1"],
        },
        Case {
            query: "account-activity",
            parameters: &[("account", ACCOUNT)],
            yes: vec![
                read("own", EC2, "DescribeInstances", json!({})),
                read("aws", S3, "GetBucketAcl", json!({ "userIdentity": service("config.amazonaws.com") })),
            ],
            no: vec![read(
                "elsewhere",
                S3,
                "ListBuckets",
                json!({ "userIdentity": user("bob"), "recipientAccountId": OTHER }),
            )],
            rows: 2,
            has: &["its own | arn:aws:iam::111122223333:user/alice", "AWS | config.amazonaws.com"],
            not: &["bob"],
        },
    ]
}
