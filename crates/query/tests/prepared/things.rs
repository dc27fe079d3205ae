//! What was made, changed and deleted, and what keys and roles were used for.

use serde_json::{Value, json};

use super::Case;
use super::fixture::{ACCOUNT, OTHER, assume, event, read, service, session, user, with, write};

const EC2: &str = "ec2.amazonaws.com";
const IAM: &str = "iam.amazonaws.com";
const S3: &str = "s3.amazonaws.com";

pub fn cases() -> Vec<Case> {
    let mut all = made_and_deleted();
    all.extend(use_of_keys_and_roles());
    all
}

fn made_and_deleted() -> Vec<Case> {
    let instances = |ids: &[&str]| -> Value {
        json!({ "instancesSet": { "items": ids.iter().map(|id| json!({ "instanceId": id })).collect::<Vec<_>>() } })
    };
    let bucket = |name: &str| json!({ "requestParameters": { "bucketName": name } });
    vec![
        Case {
            query: "who-deleted",
            parameters: &[("what", "logs")],
            yes: vec![
                write(
                    "tried",
                    S3,
                    "DeleteBucket",
                    with(bucket("logs"), json!({ "errorCode": "AccessDenied", "userIdentity": user("bob") })),
                ),
                write("did", S3, "DeleteBucket", bucket("logs")),
                write(
                    "in-arn-1",
                    S3,
                    "DeleteThing",
                    json!({ "requestParameters": { "arn": "arn:aws:x:::group/logs" } }),
                ),
                write(
                    "in-arn-2",
                    S3,
                    "DeleteThing",
                    json!({ "requestParameters": { "arn": "arn:aws:x:::group:logs" } }),
                ),
                write(
                    "in-arn-3",
                    S3,
                    "DeleteThing",
                    json!({ "requestParameters": { "arn": "arn:aws:x:::group:logs:*" } }),
                ),
            ],
            no: vec![
                write("longer", S3, "DeleteBucket", bucket("logs-archive")),
                write("made", S3, "CreateBucket", bucket("logs")),
                write(
                    "caller-named-so",
                    S3,
                    "DeleteBucket",
                    with(bucket("data"), json!({ "userIdentity": user("logs") })),
                ),
            ],
            rows: 5,
            has: &[
                "in-arn-1",
                "in-arn-2",
                "in-arn-3",
                "| attempted | arn:aws:iam::111122223333:user/bob",
                "| done | arn:aws:iam::111122223333:user/alice",
            ],
            not: &["longer", "made", "caller-named-so"],
        },
        Case {
            // The request has the name alone, and the name of another account's role is the same.
            query: "who-deleted",
            parameters: &[("what", "arn:aws:iam::111122223333:role/app/Reader")],
            yes: vec![write("ours", IAM, "DeleteRole", json!({ "requestParameters": { "roleName": "Reader" } }))],
            no: vec![
                write(
                    "theirs",
                    IAM,
                    "DeleteRole",
                    json!({ "requestParameters": { "roleName": "Reader" }, "recipientAccountId": OTHER }),
                ),
                write("another", IAM, "DeleteRole", json!({ "requestParameters": { "roleName": "Reader2" } })),
            ],
            rows: 1,
            has: &["ours"],
            not: &["theirs", "another"],
        },
        Case {
            query: "who-deleted",
            parameters: &[("what", "arn:aws:kms:us-east-1:111122223333:key/k-1")],
            yes: vec![write(
                "end",
                "kms.amazonaws.com",
                "DeleteKey",
                json!({
                    "userIdentity": service("kms.amazonaws.com"),
                    "eventType": "AwsServiceEvent",
                    "resources": [{ "ARN": "arn:aws:kms:us-east-1:111122223333:key/k-1", "accountId": ACCOUNT, "type": "AWS::KMS::Key" }],
                }),
            )],
            no: vec![write(
                "other",
                "kms.amazonaws.com",
                "DeleteKey",
                json!({ "serviceEventDetails": { "keyId": "k-11" } }),
            )],
            rows: 1,
            has: &["by AWS itself"],
            not: &["other"],
        },
        Case {
            query: "who-made",
            parameters: &[("what", "i-0aaaaaaaaaaaaaaa2")],
            yes: vec![write(
                "three",
                EC2,
                "RunInstances",
                json!({
                    "requestParameters": { "instanceType": "t3.micro" },
                    "responseElements": instances(&["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3"]),
                }),
            )],
            no: vec![
                write(
                    "others",
                    EC2,
                    "RunInstances",
                    json!({ "responseElements": instances(&["i-0aaaaaaaaaaaaaaa4"]) }),
                ),
                write(
                    "tagged",
                    EC2,
                    "CreateTags",
                    json!({ "requestParameters": { "resourcesSet": { "items": [{ "resourceId": "i-0aaaaaaaaaaaaaaa2" }] } } }),
                ),
                write(
                    "ended",
                    EC2,
                    "TerminateInstances",
                    json!({ "requestParameters": instances(&["i-0aaaaaaaaaaaaaaa2"]) }),
                ),
            ],
            rows: 1,
            has: &["three", "| answer |"],
            not: &["others", "tagged", "ended"],
        },
        Case {
            query: "who-made",
            parameters: &[("what", "logs")],
            yes: vec![
                write(
                    "in-arn-1",
                    S3,
                    "CreateThing",
                    json!({ "responseElements": { "arn": "arn:aws:x:::group/logs" } }),
                ),
                write(
                    "in-arn-2",
                    S3,
                    "CreateThing",
                    json!({ "responseElements": { "arn": "arn:aws:x:::group:logs" } }),
                ),
                write(
                    "in-arn-3",
                    S3,
                    "CreateThing",
                    json!({ "responseElements": { "arn": "arn:aws:x:::group:logs:*" } }),
                ),
            ],
            no: vec![write(
                "longer",
                S3,
                "CreateThing",
                json!({ "responseElements": { "arn": "arn:aws:x:::group/mylogs" } }),
            )],
            rows: 3,
            has: &["in-arn-1", "in-arn-2", "in-arn-3"],
            not: &["longer"],
        },
        Case {
            query: "who-made",
            parameters: &[("what", "arn:aws:iam::111122223333:role/app/Reader")],
            yes: vec![write("ours", IAM, "CreateRole", json!({ "requestParameters": { "roleName": "Reader" } }))],
            no: vec![
                write(
                    "theirs",
                    IAM,
                    "CreateRole",
                    json!({ "requestParameters": { "roleName": "Reader" }, "recipientAccountId": OTHER }),
                ),
                write("another", IAM, "CreateRole", json!({ "requestParameters": { "roleName": "Reader2" } })),
            ],
            rows: 1,
            has: &["ours"],
            not: &["theirs", "another"],
        },
        Case {
            query: "made-by",
            parameters: &[("who", "alice")],
            yes: vec![
                write(
                    "two",
                    EC2,
                    "RunInstances",
                    json!({ "responseElements": instances(&["i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2"]) }),
                ),
                write("role", IAM, "CreateRole", json!({ "requestParameters": { "roleName": "kept" } })),
                write(
                    "gone",
                    S3,
                    "DeleteBucket",
                    with(bucket("again"), json!({ "eventTime": "2026-11-20T11:00:00Z" })),
                ),
                write(
                    "made-again",
                    S3,
                    "CreateBucket",
                    with(bucket("again"), json!({ "eventTime": "2026-11-20T12:00:00Z" })),
                ),
                write("changed", S3, "PutBucketPolicy", bucket("changed-only")),
                write("tags", EC2, "CreateTags", json!({ "requestParameters": { "name": "tags-only" } })),
                write(
                    "upload",
                    S3,
                    "CreateMultipartUpload",
                    with(bucket("uploads"), json!({ "eventCategory": "Data" })),
                ),
                write(
                    "policy-gone",
                    IAM,
                    "DeleteRolePolicy",
                    json!({ "requestParameters": { "roleName": "kept", "policyName": "p" }, "eventTime": "2026-11-20T11:00:00Z" }),
                ),
            ],
            no: vec![
                write(
                    "one-gone",
                    EC2,
                    "TerminateInstances",
                    json!({ "userIdentity": user("bob"), "requestParameters": instances(&["i-0aaaaaaaaaaaaaaa1"]), "eventTime": "2026-11-20T11:00:00Z" }),
                ),
                write("by-bob", S3, "CreateBucket", with(bucket("bobs"), json!({ "userIdentity": user("bob") }))),
                write(
                    "failed",
                    S3,
                    "CreateBucket",
                    with(bucket("taken"), json!({ "errorCode": "BucketAlreadyExists" })),
                ),
            ],
            rows: 3,
            has: &["i-0aaaaaaaaaaaaaaa2", "kept", "again"],
            not: &["i-0aaaaaaaaaaaaaaa1", "bobs", "taken", "changed-only", "tags-only", "uploads"],
        },
        Case {
            query: "resource-history",
            parameters: &[("what", "logs")],
            yes: vec![
                write("made", S3, "CreateBucket", bucket("logs")),
                write("policy", S3, "PutBucketPolicy", with(bucket("logs"), json!({ "errorCode": "MalformedPolicy" }))),
                write("in-arn-1", S3, "TagThing", json!({ "requestParameters": { "arn": "arn:aws:x:::group/logs" } })),
                write("in-arn-2", S3, "TagThing", json!({ "requestParameters": { "arn": "arn:aws:x:::group:logs" } })),
                write(
                    "in-arn-3",
                    S3,
                    "TagThing",
                    json!({ "requestParameters": { "arn": "arn:aws:x:::group:logs:*" } }),
                ),
            ],
            no: vec![
                read("read", S3, "GetBucketPolicy", bucket("logs")),
                write("similar", S3, "CreateBucket", bucket("mylogs")),
            ],
            rows: 5,
            has: &["made", "policy", "attempted", "in-arn-1", "in-arn-2", "in-arn-3"],
            not: &["| read", "similar"],
        },
        Case {
            query: "resource-history",
            parameters: &[("what", "arn:aws:iam::111122223333:role/admin")],
            yes: vec![write("ours", IAM, "UpdateRole", json!({ "requestParameters": { "roleName": "admin" } }))],
            no: vec![
                write(
                    "theirs",
                    IAM,
                    "UpdateRole",
                    json!({ "requestParameters": { "roleName": "admin" }, "recipientAccountId": OTHER }),
                ),
                write("another", IAM, "UpdateRole", json!({ "requestParameters": { "roleName": "admin2" } })),
                with(assume("taken", user("bob"), "s", "ASIATAKEN"), json!({ "readOnly": null })),
            ],
            rows: 1,
            has: &["ours"],
            not: &["theirs", "another", "taken"],
        },
    ]
}

fn use_of_keys_and_roles() -> Vec<Case> {
    vec![
        Case {
            query: "access-key-use",
            parameters: &[("access_key", "AKIAALICE")],
            yes: vec![
                read("a", S3, "ListBuckets", json!({})),
                read("b", S3, "ListBuckets", json!({ "errorCode": "AccessDenied" })),
            ],
            no: vec![
                read("other", S3, "GetBucketAcl", json!({ "userIdentity": user("bob") })),
                write(
                    "about-it",
                    IAM,
                    "DeleteAccessKey",
                    json!({ "userIdentity": user("bob"), "requestParameters": { "accessKeyId": "AKIAALICE" } }),
                ),
            ],
            rows: 1,
            has: &["198.51.100.7 | aws-cli/2.30 | s3.amazonaws.com | ListBuckets | 2 | 1"],
            not: &["GetBucketAcl", "DeleteAccessKey"],
        },
        Case {
            query: "address-activity",
            parameters: &[("address", "203.0.113.9")],
            yes: vec![read("there", S3, "ListBuckets", json!({ "sourceIPAddress": "203.0.113.9" }))],
            no: vec![read("elsewhere", S3, "GetBucketAcl", json!({ "sourceIPAddress": "203.0.113.90" }))],
            rows: 1,
            has: &["ListBuckets"],
            not: &["GetBucketAcl"],
        },
        Case {
            query: "role-last-use",
            parameters: &[],
            yes: vec![
                read("used", S3, "ListBuckets", json!({ "userIdentity": session("app", "one") })),
                read(
                    "later",
                    S3,
                    "ListBuckets",
                    json!({ "userIdentity": session("app", "two"), "eventTime": "2026-11-21T10:00:00Z" }),
                ),
            ],
            no: vec![
                assume("only-assumed", user("alice"), "s", "ASIANEVER"),
                read("user", S3, "ListBuckets", json!({})),
                read(
                    "token",
                    S3,
                    "ListBuckets",
                    json!({ "userIdentity": with(user("bob"), json!({ "sessionContext": { "sessionIssuer": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/bob" } } })) }),
                ),
            ],
            rows: 1,
            has: &["role/app | 111122223333 | 2026-11-21T10:00:00Z | 2026-11-20T10:01:00Z | 2 | 0 | 2"],
            not: &["role/admin", "user/alice", "user/bob"],
        },
        Case {
            query: "used-actions",
            parameters: &[("who", "app")],
            yes: vec![
                write(
                    "done",
                    "lambda.amazonaws.com",
                    "UpdateFunctionCode20150331v2",
                    json!({ "userIdentity": session("app", "one") }),
                ),
                read(
                    "refused",
                    S3,
                    "GetBucketAcl",
                    json!({ "userIdentity": session("app", "one"), "errorCode": "AccessDenied" }),
                ),
                read(
                    "missing",
                    S3,
                    "GetBucketTagging",
                    json!({ "userIdentity": session("app", "one"), "errorCode": "NoSuchTagSet" }),
                ),
            ],
            no: vec![
                write("named-so", EC2, "StopInstances", json!({ "userIdentity": session("dev", "app") })),
                write("longer", EC2, "StartInstances", json!({ "userIdentity": session("app2", "x") })),
                write(
                    "service-event",
                    EC2,
                    "BidEvictedEvent",
                    json!({ "userIdentity": session("app", "one"), "eventType": "AwsServiceEvent" }),
                ),
            ],
            rows: 3,
            has: &[
                "lambda:UpdateFunctionCode | 1 | 0 | 0",
                "s3:GetBucketAcl | 0 | 1 | 0",
                "s3:GetBucketTagging | 0 | 0 | 1",
            ],
            not: &["StopInstances", "StartInstances", "BidEvicted"],
        },
        Case {
            query: "denied-calls",
            parameters: &[],
            yes: vec![
                write("a", EC2, "RunInstances", json!({ "errorCode": "Client.UnauthorizedOperation" })),
                read("b", S3, "ListBuckets", json!({ "errorCode": "AccessDenied" })),
            ],
            no: vec![
                read("missing", IAM, "GetRole", json!({ "errorCode": "NoSuchEntityException" })),
                read("fine", IAM, "ListRoles", json!({})),
            ],
            rows: 2,
            has: &["Client.UnauthorizedOperation", "AccessDenied"],
            not: &["GetRole", "ListRoles"],
        },
        Case {
            query: "cross-account-access",
            parameters: &[],
            yes: vec![assume(
                "from-there",
                json!({ "type": "AWSAccount", "principalId": "AIDATHEM", "accountId": OTHER }),
                "s",
                "ASIAGIVEN",
            )],
            no: vec![
                read("own", S3, "ListBuckets", json!({})),
                read(
                    "service",
                    S3,
                    "GetBucketAcl",
                    json!({ "userIdentity": with(service("cloudtrail.amazonaws.com"), json!({ "accountId": OTHER })) }),
                ),
                read(
                    "nobody",
                    S3,
                    "GetObject",
                    json!({ "userIdentity": { "type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL" } }),
                ),
            ],
            rows: 1,
            has: &[
                "111122223333 | 444455556666 | AIDATHEM | sts.amazonaws.com | AssumeRole | arn:aws:iam::111122223333:role/admin",
            ],
            not: &["ListBuckets", "GetBucketAcl", "GetObject"],
        },
        Case {
            query: "wide-callers",
            parameters: &[("at_least", "3")],
            yes: ["ListRoles", "GetAccountPasswordPolicy", "ListUsers"]
                .map(|name| read(name, IAM, name, json!({})))
                .into(),
            no: ["a", "b", "c"]
                .into_iter()
                .flat_map(|id| {
                    let caller = |kind: &str, name: &str, who: Value| {
                        read(&format!("{kind}-{id}"), IAM, name, json!({ "userIdentity": who }))
                    };
                    [
                        caller("same", "ListRoles", user("bob")),
                        caller(
                            "service",
                            &format!("List{id}"),
                            json!({ "type": "AWSService", "principalId": "config" }),
                        ),
                        caller(
                            "through",
                            &format!("List{id}"),
                            with(user("carol"), json!({ "invokedBy": "x.amazonaws.com" })),
                        ),
                    ]
                })
                .collect(),
            rows: 1,
            has: &["user/alice | 111122223333 | 3"],
            not: &["bob", "config", "carol"],
        },
        Case {
            query: "new-callers",
            parameters: &[("since", "2026-11-20")],
            yes: vec![event("new", json!({ "userIdentity": user("bob") }))],
            no: vec![
                event("old", json!({ "eventTime": "2026-11-10T10:00:00Z" })),
                event("again", json!({})),
                event("service", json!({ "userIdentity": service("config.amazonaws.com") })),
            ],
            rows: 1,
            has: &["user/bob"],
            not: &["user/alice", "AWSService"],
        },
    ]
}
