//! Who and what makes most events, and what a dashboard counts.

use serde_json::json;

use super::Case;
use super::fixture::{OTHER, assume, event, read, service, session, user, with, write};

const EC2: &str = "ec2.amazonaws.com";
const IAM: &str = "iam.amazonaws.com";
const S3: &str = "s3.amazonaws.com";

pub fn cases() -> Vec<Case> {
    let mut all = shares();
    all.extend(refusals());
    all.extend(ends_and_roles());
    all
}

fn shares() -> Vec<Case> {
    let by_app = |id: &str, name: &str| read(id, S3, "ListBuckets", json!({ "userIdentity": session("app", name) }));
    vec![
        Case {
            query: "top-callers",
            parameters: &[],
            yes: vec![by_app("a", "one"), by_app("b", "two"), by_app("c", "two")],
            no: vec![write("d", EC2, "RunInstances", json!({ "errorCode": "Client.InstanceLimitExceeded" }))],
            rows: 2,
            has: &["role/app | 3 | 75", "user/alice | 1 | 25.0 | 1 | 1"],
            not: &["assumed-role"],
        },
        Case {
            query: "top-services",
            parameters: &[],
            yes: vec![
                read("a", S3, "GetObject", json!({ "eventCategory": "Data" })),
                read("b", S3, "ListBuckets", json!({})),
                write("c", S3, "DeleteBucket", json!({ "errorCode": "BucketNotEmpty" })),
            ],
            no: vec![read("d", IAM, "ListRoles", json!({}))],
            rows: 2,
            has: &["s3.amazonaws.com | 3 | 75.0 | 1 | 1 | 1", "iam.amazonaws.com | 1 | 25.0 | 0 | 0 | 0"],
            not: &["| 4 |"],
        },
        Case {
            query: "top-regions",
            parameters: &[],
            yes: vec![event("a", json!({ "awsRegion": "eu-west-1" })), event("b", json!({ "awsRegion": "eu-west-1" }))],
            no: vec![event("c", json!({ "recipientAccountId": OTHER, "awsRegion": "eu-west-1" }))],
            rows: 2,
            has: &["111122223333 | eu-west-1 | 2", "444455556666 | eu-west-1 | 1"],
            not: &["| 3 |"],
        },
        Case {
            query: "top-addresses",
            parameters: &[],
            yes: vec![event("a", json!({})), event("b", json!({}))],
            no: vec![
                event("c", json!({ "sourceIPAddress": "cloudformation.amazonaws.com" })),
                event("d", json!({ "sourceIPAddress": "AWS Internal", "userIdentity": service("s3.amazonaws.com") })),
            ],
            rows: 1,
            has: &["198.51.100.7 | 2 | 100"],
            not: &["cloudformation", "AWS Internal"],
        },
    ]
}

fn refusals() -> Vec<Case> {
    vec![
        Case {
            query: "top-errors",
            parameters: &[],
            yes: vec![
                read("a", IAM, "GetRole", json!({ "errorCode": "NoSuchEntityException" })),
                read("b", IAM, "GetRole", json!({ "errorCode": "NoSuchEntityException" })),
            ],
            no: vec![read("c", IAM, "ListRoles", json!({}))],
            rows: 1,
            has: &["NoSuchEntityException | iam.amazonaws.com | GetRole | 2"],
            not: &["ListRoles"],
        },
        Case {
            query: "denied-callers",
            parameters: &[],
            yes: vec![
                write("a", EC2, "RunInstances", json!({ "errorCode": "Client.UnauthorizedOperation" })),
                read("b", S3, "ListBuckets", json!({ "errorCode": "AccessDenied" })),
            ],
            no: vec![
                read("c", IAM, "GetRole", json!({ "userIdentity": user("bob"), "errorCode": "NoSuchEntityException" })),
                read("d", IAM, "ListRoles", json!({ "userIdentity": user("carol") })),
            ],
            rows: 1,
            has: &["user/alice | 111122223333 | 2 | 2"],
            not: &["bob", "carol"],
        },
    ]
}

fn ends_and_roles() -> Vec<Case> {
    let emergency = "arn:aws:iam::111122223333:role/emergency";
    let asked = |id: &str, fields| with(assume(id, user("alice"), "s", "ASIAGIVEN"), fields);
    vec![
        Case {
            query: "deletions",
            parameters: &[],
            yes: vec![
                write(
                    "a",
                    S3,
                    "DeleteBucket",
                    json!({ "requestParameters": { "Host": "s3", "bucketName": "acme-files" } }),
                ),
                write(
                    "b",
                    EC2,
                    "TerminateInstances",
                    json!({
                        "errorCode": "Client.UnauthorizedOperation",
                        "requestParameters": { "instancesSet": { "items": [{ "instanceId": "i-1" }, { "instanceId": "i-2" }] } },
                    }),
                ),
                write(
                    "c",
                    "kms.amazonaws.com",
                    "ScheduleKeyDeletion",
                    json!({ "requestParameters": {}, "resources": [{ "ARN": "arn:aws:kms:eu-west-1:1:key/k" }] }),
                ),
                write(
                    "d",
                    "kms.amazonaws.com",
                    "DeleteKey",
                    json!({ "eventType": "AwsServiceEvent", "userIdentity": service("kms.amazonaws.com") }),
                ),
            ],
            no: vec![write("e", S3, "CreateBucket", json!({})), read("f", EC2, "DescribeDeletedThings", json!({}))],
            rows: 4,
            has: &[
                "acme-files | arn",
                "i-1 | arn",
                "arn:aws:kms:eu-west-1:1:key/k | arn",
                "DeleteBucket | done | 1",
                "TerminateInstances | attempted | 1",
                "DeleteKey | by AWS itself | 1",
            ],
            not: &["CreateBucket", "DescribeDeletedThings"],
        },
        Case {
            query: "role-activity",
            parameters: &[("roles", "emergency,door.key")],
            yes: vec![
                asked("a", json!({ "requestParameters": { "roleArn": emergency } })),
                write("b", IAM, "CreateUser", json!({ "userIdentity": session("emergency", "me") })),
                write("c", IAM, "CreateUser", json!({ "userIdentity": user("door.key") })),
                // What is assumed is none of them, and whoever assumes it is one.
                asked(
                    "f",
                    json!({ "userIdentity": user("door.key"), "requestParameters": { "roleArn": "arn:aws:iam::1:role/admin" } }),
                ),
            ],
            no: vec![
                write("d", IAM, "CreateUser", json!({ "userIdentity": session("emergency-not", "other") })),
                write("e", IAM, "CreateUser", json!({ "userIdentity": user("doorXkey") })),
            ],
            rows: 4,
            has: &["role/emergency | assumed | done", "role/emergency | used | done", "user/door.key | used | done"],
            not: &["emergency-not", "doorXkey"],
        },
        Case {
            query: "role-activity",
            parameters: &[("roles", "arn:aws:iam::*:role/emergency, arn:aws:iam::1:role/x+y")],
            yes: vec![
                asked("a", json!({ "requestParameters": { "roleArn": emergency } })),
                asked("b", json!({ "requestParameters": { "roleArn": emergency }, "errorCode": "AccessDenied" })),
                write("c", IAM, "CreateUser", json!({ "userIdentity": session("emergency", "me") })),
            ],
            no: vec![
                write("d", IAM, "CreateUser", json!({ "userIdentity": session("emergency-not", "other") })),
                asked("e", json!({ "requestParameters": { "roleArn": "arn:aws:iam::111122223333:role/admin" } })),
            ],
            rows: 3,
            has: &[
                "role/emergency | assumed | done",
                "role/emergency | assumed | attempted",
                "role/emergency | used | done | arn:aws:sts::111122223333:assumed-role/emergency/me",
            ],
            not: &["role/admin", "emergency-not"],
        },
    ]
}
