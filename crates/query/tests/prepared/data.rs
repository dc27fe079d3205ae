//! Who read, changed and lost data: objects, keys, secrets, endpoints.

use serde_json::{Value, json};

use super::Case;
use super::fixture::{ACCOUNT, event, read, service, session, user, with, write};

const KMS: &str = "kms.amazonaws.com";
const S3: &str = "s3.amazonaws.com";
const SECRETS: &str = "secretsmanager.amazonaws.com";

/// An event of S3's data: a call about an object.
fn object(id: &str, name: &str, bucket: &str, key: &str, fields: Value) -> Value {
    let all = json!({
        "eventCategory": "Data",
        "managementEvent": false,
        "readOnly": name.starts_with("Get"),
        "requestParameters": { "bucketName": bucket, "key": key },
        "resources": [{ "ARN": format!("arn:aws:s3:::{bucket}/{key}"), "type": "AWS::S3::Object" }],
    });
    read(id, S3, name, with(all, fields))
}

/// A call of KMS about the key of an id.
fn key_call(id: &str, name: &str, key: &str, fields: Value) -> Value {
    let all = json!({
        "resources": [{ "ARN": format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"), "accountId": ACCOUNT, "type": "AWS::KMS::Key" }],
    });
    read(id, KMS, name, with(all, fields))
}

fn nobody() -> Value {
    json!({ "type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL" })
}

pub fn cases() -> Vec<Case> {
    let mut all = objects();
    all.extend(keys());
    all.extend(secrets_and_endpoints());
    all
}

fn objects() -> Vec<Case> {
    vec![
        Case {
            query: "object-deletes",
            parameters: &[("bucket", "photos"), ("key", "2026/")],
            yes: vec![
                object("gone", "DeleteObject", "photos", "2026/a.jpg", json!({})),
                object("many", "DeleteObjects", "photos", "", json!({ "requestParameters": { "key": null } })),
                write("rule", S3, "PutBucketLifecycle", json!({ "requestParameters": { "bucketName": "photos" } })),
            ],
            no: vec![
                object("other-key", "DeleteObject", "photos", "2025/a.jpg", json!({})),
                object("other-bucket", "DeleteObject", "photos2", "2026/a.jpg", json!({})),
                object("put", "PutObject", "photos", "2026/a.jpg", json!({})),
                object(
                    "no-s3",
                    "DeleteObject",
                    "photos",
                    "2026/a.jpg",
                    json!({ "eventSource": "other.amazonaws.com" }),
                ),
            ],
            rows: 3,
            has: &["gone", "many", "rule"],
            not: &["other-key", "other-bucket", "| put", "no-s3"],
        },
        Case {
            query: "object-reads",
            parameters: &[("bucket", "photos"), ("key", "a.jpg")],
            yes: vec![
                object(
                    "part-1",
                    "GetObject",
                    "photos",
                    "a.jpg",
                    json!({ "requestParameters": { "Range": "bytes=0-99" }, "additionalEventData": { "bytesTransferredOut": 100.0 } }),
                ),
                object(
                    "part-2",
                    "GetObject",
                    "photos",
                    "a.jpg",
                    json!({ "requestParameters": { "Range": "bytes=100-" }, "additionalEventData": { "bytesTransferredOut": 50 } }),
                ),
                object(
                    "link",
                    "GetObject",
                    "photos",
                    "a.jpg",
                    json!({ "userIdentity": user("bob"), "additionalEventData": { "AuthenticationMethod": "QueryString" } }),
                ),
                object(
                    "copied",
                    "CopyObject",
                    "mine",
                    "copy.jpg",
                    json!({ "userIdentity": user("carol"), "requestParameters": { "x-amz-copy-source": "photos/a.jpg" } }),
                ),
            ],
            no: vec![
                object("other-key", "GetObject", "photos", "b.jpg", json!({ "userIdentity": user("dora") })),
                object("other-bucket", "GetObject", "photos-old", "a.jpg", json!({ "userIdentity": user("eve") })),
                object(
                    "no-s3",
                    "GetObject",
                    "photos",
                    "a.jpg",
                    json!({ "userIdentity": user("dora"), "eventSource": "other.amazonaws.com" }),
                ),
                object(
                    "into-it",
                    "CopyObject",
                    "photos",
                    "a.jpg",
                    json!({ "userIdentity": user("dora"), "requestParameters": { "x-amz-copy-source": "mine/a.jpg" } }),
                ),
                object("its-list", "GetObjectAcl", "photos", "a.jpg", json!({ "userIdentity": user("frank") })),
            ],
            rows: 3,
            has: &[
                "call | a.jpg | 2 | 0 | 2 | 150",
                "user/bob | 111122223333 | 198.51.100.7 | presigned URL",
                "user/carol",
            ],
            not: &["dora", "eve", "frank"],
        },
        Case {
            query: "anonymous-reads",
            parameters: &[],
            yes: vec![
                object(
                    "open",
                    "GetObject",
                    "photos",
                    "a.jpg",
                    json!({ "userIdentity": nobody(), "errorCode": "AccessDenied" }),
                ),
                object("read", "GetObject", "photos", "a.jpg", json!({ "userIdentity": nobody() })),
            ],
            no: vec![
                object("signed", "GetObject", "signed", "a.jpg", json!({})),
                // The mark in another field is no mark.
                object(
                    "wrong-field",
                    "GetObject",
                    "wrong",
                    "a.jpg",
                    json!({ "userIdentity": { "type": "AWSAccount", "principalId": "ANONYMOUS_PRINCIPAL", "accountId": "999988887777" } }),
                ),
            ],
            rows: 1,
            has: &["GetObject | photos | 198.51.100.7 | 1 | 1 | 1"],
            not: &["signed", "wrong"],
        },
    ]
}

fn keys() -> Vec<Case> {
    let context = |value: &str| json!({ "requestParameters": { "encryptionContext": { "record/id": value } } });
    vec![
        Case {
            query: "kms-key-use",
            parameters: &[("key", "arn:aws:kms:us-east-1:111122223333:key/k-1")],
            yes: vec![
                key_call("direct", "Decrypt", "k-1", json!({})),
                key_call(
                    "through",
                    "GenerateDataKey",
                    "k-1",
                    json!({ "userIdentity": with(session("app", "x"), json!({ "invokedBy": "s3.amazonaws.com" })) }),
                ),
            ],
            no: vec![
                key_call("other", "Decrypt", "k-11", json!({ "userIdentity": user("bob") })),
                key_call("looked", "DescribeKey", "k-1", json!({ "userIdentity": user("carol") })),
                key_call("asked", "GetKeyPolicy", "k-1", json!({ "userIdentity": user("dora") })),
                key_call(
                    "payment",
                    "EncryptData",
                    "k-1",
                    json!({ "userIdentity": user("eve"), "eventSource": "payment-cryptography.amazonaws.com" }),
                ),
            ],
            rows: 2,
            has: &["user/alice | none, directly | 111122223333 | Decrypt", "role/app | s3.amazonaws.com"],
            not: &["bob", "carol", "dora", "eve"],
        },
        Case {
            query: "kms-key-deletion",
            parameters: &[],
            yes: vec![
                key_call(
                    "planned",
                    "ScheduleKeyDeletion",
                    "k-1",
                    json!({
                        "readOnly": false,
                        "requestParameters": { "keyId": "k-1", "pendingWindowInDays": 7 },
                        "responseElements": { "keyId": "k-1", "deletionDate": "Nov 27, 2026, 12:00:00 AM" },
                    }),
                ),
                key_call("tried", "DisableKey", "k-2", json!({ "readOnly": false, "errorCode": "AccessDenied" })),
                key_call(
                    "end",
                    "DeleteKey",
                    "k-3",
                    json!({ "readOnly": false, "eventType": "AwsServiceEvent", "userIdentity": service(KMS) }),
                ),
            ],
            no: vec![
                key_call("looked", "DescribeKey", "k-1", json!({})),
                key_call("turned", "DisableKeyRotation", "k-1", json!({ "readOnly": false })),
                key_call("payment", "DeleteKey", "k-4", json!({ "eventSource": "payment-cryptography.amazonaws.com" })),
            ],
            rows: 3,
            has: &["Nov 27, 2026, 12:00:00 AM | 7", "attempted", "by AWS itself"],
            not: &["looked", "turned", "payment"],
        },
        Case {
            query: "encryption-context",
            parameters: &[("text", "42")],
            yes: vec![key_call("of-42", "Decrypt", "k-1", context("42"))],
            no: vec![
                key_call("of-421", "Decrypt", "k-1", context("421")),
                key_call("elsewhere", "Decrypt", "k-1", json!({ "requestParameters": { "keyId": "42" } })),
                key_call(
                    "no-kms",
                    "Decrypt",
                    "k-1",
                    with(context("42"), json!({ "eventSource": "other.amazonaws.com" })),
                ),
            ],
            rows: 1,
            has: &["of-42", "record/id"],
            not: &["of-421", "elsewhere", "no-kms"],
        },
        Case {
            query: "kms-callers",
            parameters: &[],
            yes: vec![key_call("person", "Decrypt", "k-1", json!({}))],
            no: vec![
                key_call(
                    "address",
                    "Encrypt",
                    "k-1",
                    json!({ "userIdentity": user("bob"), "sourceIPAddress": "AWS Internal" }),
                ),
                key_call(
                    "agent",
                    "Encrypt",
                    "k-1",
                    json!({ "userIdentity": user("bob"), "userAgent": "AWS Internal" }),
                ),
                key_call(
                    "through",
                    "Encrypt",
                    "k-1",
                    json!({ "userIdentity": with(user("bob"), json!({ "invokedBy": "AWS Internal" })) }),
                ),
                key_call("no-kms", "Encrypt", "k-1", json!({ "eventSource": "other.amazonaws.com" })),
                key_call(
                    "service",
                    "GenerateDataKey",
                    "k-1",
                    json!({ "userIdentity": service("cloudtrail.amazonaws.com") }),
                ),
            ],
            rows: 1,
            has: &["user/alice", "Decrypt"],
            not: &["Encrypt", "GenerateDataKey", "bob"],
        },
    ]
}

fn secrets_and_endpoints() -> Vec<Case> {
    let secret = |id: &str, name: &str, who: &str| {
        read(
            id,
            SECRETS,
            "GetSecretValue",
            json!({ "userIdentity": user(who), "requestParameters": { "secretId": name } }),
        )
    };
    let through = |id: &str, fields: Value| {
        let all = json!({ "vpcEndpointId": "vpce-0aaaaaaaaaaaaaaa1", "vpcEndpointAccountId": ACCOUNT });
        event(id, with(all, fields))
    };
    let denied =
        json!({ "eventCategory": "NetworkActivity", "eventType": "AwsVpceEvent", "errorCode": "VpceAccessDenied" });
    vec![
        Case {
            query: "secrets-read",
            parameters: &[("at_least", "2")],
            yes: vec![secret("a", "db", "alice"), secret("b", "mail", "alice")],
            no: vec![
                // Two reads of one secret, and a parameter that is no secret.
                secret("c", "db", "bob"),
                secret("d", "db", "bob"),
                with(secret("described", "mail", "bob"), json!({ "eventName": "DescribeSecret" })),
                read(
                    "deleted",
                    "ssm.amazonaws.com",
                    "DeleteParameter",
                    json!({ "userIdentity": user("bob"), "requestParameters": { "name": "mail", "withDecryption": true } }),
                ),
                read(
                    "e",
                    "ssm.amazonaws.com",
                    "GetParameter",
                    json!({ "userIdentity": user("bob"), "requestParameters": { "name": "/plain", "withDecryption": false } }),
                ),
            ],
            rows: 1,
            has: &["user/alice", "db", "mail"],
            not: &["bob", "plain"],
        },
        Case {
            query: "vpc-endpoint-denied",
            parameters: &[],
            yes: vec![through(
                "refused",
                with(denied.clone(), json!({ "eventName": "ListBuckets", "eventSource": S3 })),
            )],
            no: vec![
                through(
                    "of-service",
                    json!({ "eventName": "GetBucketAcl", "eventSource": S3, "errorCode": "AccessDenied" }),
                ),
                through("passed", with(denied, json!({ "eventName": "GetBucketPolicy", "errorCode": null }))),
            ],
            rows: 1,
            has: &["vpce-0aaaaaaaaaaaaaaa1", "ListBuckets", "VpceAccessDenied"],
            not: &["GetBucketAcl", "GetBucketPolicy"],
        },
        Case {
            query: "vpc-endpoint-use",
            parameters: &[],
            yes: vec![
                through("came", json!({})),
                through("again", json!({ "eventCategory": "NetworkActivity", "requestID": "request-came" })),
            ],
            no: vec![event("past-it", json!({ "eventName": "DescribeVpcs" }))],
            rows: 1,
            has: &[
                "vpce-0aaaaaaaaaaaaaaa1 | 111122223333 | 111122223333 | ec2.amazonaws.com | DescribeInstances | 1 | 1",
            ],
            not: &["DescribeVpcs"],
        },
    ]
}
