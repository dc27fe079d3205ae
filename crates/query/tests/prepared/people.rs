//! Who did it: root, sign-ins, sessions.

use serde_json::{Value, json};

use super::Case;
use super::fixture::{ACCOUNT, OTHER, assume, read, root, service, session, user, with, write};

const EC2: &str = "ec2.amazonaws.com";
const IAM: &str = "iam.amazonaws.com";
const S3: &str = "s3.amazonaws.com";
const SIGN_IN: &str = "signin.amazonaws.com";
const STS: &str = "sts.amazonaws.com";

fn sign_in(id: &str, identity: Value, result: &str, mfa: &str, fields: Value) -> Value {
    let all = json!({
        "userIdentity": identity,
        "eventType": "AwsConsoleSignIn",
        "responseElements": { "ConsoleLogin": result },
        "additionalEventData": { "MFAUsed": mfa, "MobileVersion": "No" },
    });
    write(id, SIGN_IN, "ConsoleLogin", with(all, fields))
}

pub fn cases() -> Vec<Case> {
    let mut all = root_and_sign_ins();
    all.extend(sessions());
    all
}

fn root_and_sign_ins() -> Vec<Case> {
    let root_session = with(root(), json!({ "sessionContext": { "assumedRoot": "true" } }));
    vec![
        Case {
            query: "root-use",
            parameters: &[],
            yes: vec![
                sign_in("root-in", root(), "Success", "Yes", json!({})),
                write("central", S3, "DeleteBucketPolicy", json!({ "userIdentity": root_session })),
            ],
            no: vec![
                write(
                    "event-of-service",
                    "kms.amazonaws.com",
                    "RotateKey",
                    json!({ "userIdentity": root(), "eventType": "AwsServiceEvent" }),
                ),
                read(
                    "for-root",
                    S3,
                    "ListBuckets",
                    json!({ "userIdentity": with(root(), json!({ "invokedBy": "support.amazonaws.com" })) }),
                ),
                read("by-user", S3, "ListBuckets", json!({})),
            ],
            rows: 2,
            has: &["root itself", "central root session", "root-in", "Yes"],
            not: &["event-of-service", "for-root", "by-user"],
        },
        Case {
            query: "central-root-sessions",
            parameters: &[],
            yes: vec![write(
                "opened",
                STS,
                "AssumeRoot",
                json!({
                    "requestParameters": {
                        "targetPrincipal": OTHER,
                        "taskPolicyArn": { "arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy" },
                    },
                    "responseElements": { "credentials": { "accessKeyId": "ASIAROOT" } },
                }),
            )],
            no: vec![
                assume("assumed", user("alice"), "root", "ASIAROLE"),
                write("named-so", "other.amazonaws.com", "AssumeRoot", json!({})),
            ],
            rows: 1,
            has: &["opened", OTHER, "ASIAROOT", "S3UnlockBucketPolicy"],
            not: &["assumed", "ASIAROLE", "named-so"],
        },
        Case {
            query: "sign-ins",
            parameters: &[],
            yes: vec![
                sign_in("in", user("alice"), "Success", "Yes", json!({})),
                sign_in(
                    "federated",
                    session("sso", "bob"),
                    "Success",
                    "No",
                    json!({ "sourceIPAddress": "203.0.113.1" }),
                ),
            ],
            no: vec![sign_in("failed", user("carol"), "Failure", "No", json!({}))],
            rows: 2,
            has: &[
                "user/alice | 111122223333 | 198.51.100.7 | Yes | 1",
                "sso/bob | 111122223333 | 203.0.113.1 | not known",
            ],
            not: &["carol"],
        },
        Case {
            query: "sign-in-failures",
            parameters: &[],
            yes: vec![
                sign_in("f1", user("alice"), "Failure", "No", json!({ "errorMessage": "Failed authentication" })),
                sign_in("f2", user("alice"), "Failure", "No", json!({ "errorMessage": "Failed authentication" })),
                sign_in(
                    "hidden",
                    json!({ "type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "accountId": ACCOUNT }),
                    "Failure",
                    "No",
                    json!({ "errorMessage": "No username found in supplied account" }),
                ),
                write(
                    "center",
                    SIGN_IN,
                    "CredentialVerification",
                    json!({
                        "userIdentity": { "type": "Unknown", "userName": "dora", "accountId": ACCOUNT },
                        "eventType": "AwsServiceEvent",
                        "serviceEventDetails": { "CredentialVerification": "Failure" },
                    }),
                ),
            ],
            no: vec![
                sign_in("fine", user("bob"), "Success", "Yes", json!({})),
                read(
                    "denied",
                    S3,
                    "ListBuckets",
                    json!({ "userIdentity": user("carol"), "errorCode": "AccessDenied" }),
                ),
            ],
            rows: 3,
            has: &[
                "198.51.100.7 | alice | 111122223333 | Failed authentication | 2",
                "HIDDEN_DUE_TO_SECURITY_REASONS",
                "dora",
            ],
            not: &["bob", "carol"],
        },
        Case {
            query: "sign-in-without-mfa",
            parameters: &[],
            yes: vec![sign_in("without", user("alice"), "Success", "No", json!({}))],
            no: vec![
                sign_in("with", user("bob"), "Success", "Yes", json!({})),
                sign_in("federated", session("sso", "carol"), "Success", "No", json!({})),
                sign_in("failed", user("dora"), "Failure", "No", json!({})),
                sign_in("no-word", user("eve"), "Success", "No", json!({ "additionalEventData": { "MFAUsed": null } })),
            ],
            rows: 1,
            has: &["without", "user/alice"],
            not: &["bob", "carol", "dora", "eve"],
        },
        Case {
            query: "credentials-made",
            parameters: &[],
            yes: vec![
                write(
                    "key",
                    IAM,
                    "CreateAccessKey",
                    json!({ "requestParameters": null, "responseElements": { "accessKey": { "accessKeyId": "AKIANEW", "userName": "alice" } } }),
                ),
                write(
                    "no-more",
                    IAM,
                    "DeactivateMFADevice",
                    json!({ "requestParameters": { "userName": "bob", "serialNumber": "arn:aws:iam::111122223333:mfa/bob" } }),
                ),
            ],
            no: vec![
                assume("temporary", user("carol"), "s", "ASIATEMP"),
                read("listed", IAM, "ListAccessKeys", json!({})),
                write("of-pool", "cognito-idp.amazonaws.com", "ChangePassword", json!({})),
            ],
            rows: 2,
            has: &["AKIANEW", "mfa/bob"],
            not: &["ASIATEMP", "listed", "of-pool"],
        },
    ]
}

fn sessions() -> Vec<Case> {
    let issued = |name: &str| with(session("first", name), json!({ "accessKeyId": "ASIAFIRST" }));
    let person = with(user("alice"), json!({ "accessKeyId": "AKIAALICE" }));
    let instance = |id: &str| with(session("web", id), json!({ "sessionContext": { "ec2RoleDelivery": "2.0" } }));
    let linked_role =
        "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let linked = with(
        session("linked", "AutoScaling"),
        json!({ "sessionContext": { "sessionIssuer": { "arn": linked_role } } }),
    );
    let proven = with(session("admin", "x"), json!({ "sessionContext": { "sourceIdentity": "alice" } }));
    vec![
        Case {
            query: "assume-role-chain",
            parameters: &[("access_key", "ASIASECOND")],
            yes: vec![
                assume("step-1", issued("hop"), "last", "ASIASECOND"),
                assume("step-2", person, "hop", "ASIAFIRST"),
                // The record of the account whose role it is.
                with(
                    assume(
                        "twin",
                        json!({ "type": "AWSAccount", "principalId": "AROAFIRST:hop", "accountId": ACCOUNT }),
                        "last",
                        "ASIASECOND",
                    ),
                    json!({ "recipientAccountId": OTHER, "sharedEventID": "shared" }),
                ),
            ],
            no: vec![
                assume("other-key", user("mallory"), "last", "ASIAOTHER"),
                write(
                    "no-grant",
                    "other.amazonaws.com",
                    "Tell",
                    json!({ "responseElements": { "credentials": { "accessKeyId": "ASIASECOND" } } }),
                ),
                write(
                    "no-grant-2",
                    "other.amazonaws.com",
                    "Tell",
                    json!({ "responseElements": { "credentials": { "accessKeyId": "ASIAFIRST" } } }),
                ),
                read(
                    "user-of-it",
                    S3,
                    "ListBuckets",
                    json!({ "userIdentity": with(session("admin", "last"), json!({ "accessKeyId": "ASIASECOND" })) }),
                ),
            ],
            rows: 3,
            has: &["step-1", "step-2", "twin", "AKIAALICE"],
            not: &["other-key", "user-of-it", "mallory", "no-grant"],
        },
        Case {
            query: "nameless-sessions",
            parameters: &[],
            yes: vec![assume("nameless", user("alice"), "botocore-session-1700000000", "ASIANAMELESS")],
            no: vec![
                assume("named", user("bob"), "bob@example.com", "ASIANAMED"),
                assume("by-service", service("ec2.amazonaws.com"), "1700000000123", "ASIASERVICE"),
            ],
            rows: 1,
            has: &["nameless", "user/alice", "ASIANAMELESS"],
            not: &["bob", "ASIASERVICE"],
        },
        Case {
            query: "nameless-sessions",
            parameters: &[("session", "botocore-session-42")],
            yes: vec![assume("asked", user("alice"), "botocore-session-42", "ASIA42")],
            no: vec![assume("longer", user("bob"), "botocore-session-421", "ASIA421")],
            rows: 1,
            has: &["asked"],
            not: &["longer"],
        },
        Case {
            query: "session-activity",
            parameters: &[("session", "arn:aws:sts::111122223333:assumed-role/admin/alice")],
            yes: vec![write("done", S3, "CreateBucket", json!({ "userIdentity": session("admin", "alice") }))],
            no: vec![
                write("other-name", S3, "CreateBucket", json!({ "userIdentity": session("admin", "alice2") })),
                write("other-role", S3, "CreateBucket", json!({ "userIdentity": session("dev", "alice") })),
            ],
            rows: 1,
            has: &["done"],
            not: &["other-name", "other-role"],
        },
        Case {
            query: "person-activity",
            parameters: &[("who", "alice")],
            yes: vec![
                write("proven", S3, "CreateBucket", json!({ "userIdentity": proven })),
                write("herself", S3, "CreateBucket", json!({})),
                write("claimed", S3, "CreateBucket", json!({ "userIdentity": session("dev", "alice") })),
            ],
            no: vec![
                read("reads", S3, "ListBuckets", json!({})),
                write("other", S3, "CreateBucket", json!({ "userIdentity": user("alice2") })),
                write(
                    "about-her",
                    IAM,
                    "UpdateUser",
                    json!({ "userIdentity": user("bob"), "requestParameters": { "userName": "alice" } }),
                ),
            ],
            rows: 3,
            has: &["source identity", "the caller itself", "session name, a claim"],
            not: &["reads", "other", "about-her"],
        },
        Case {
            query: "instance-role-use",
            parameters: &[("instance", "i-0aaaaaaaaaaaaaaa1")],
            yes: vec![read("it", S3, "ListBuckets", json!({ "userIdentity": instance("i-0aaaaaaaaaaaaaaa1") }))],
            no: vec![
                read("another", S3, "GetBucketAcl", json!({ "userIdentity": instance("i-0aaaaaaaaaaaaaaa2") })),
                read("user-named-so", S3, "GetBucketPolicy", json!({ "userIdentity": user("i-0aaaaaaaaaaaaaaa1") })),
            ],
            rows: 1,
            has: &["| yes | 2.0 |", "ListBuckets"],
            not: &["GetBucketAcl", "GetBucketPolicy"],
        },
        Case {
            // A session that is only named like an instance is shown as what it is.
            query: "instance-role-use",
            parameters: &[("instance", "i-0aaaaaaaaaaaaaaa1")],
            yes: vec![read(
                "forged",
                S3,
                "ListBuckets",
                json!({ "userIdentity": session("web", "i-0aaaaaaaaaaaaaaa1") }),
            )],
            no: vec![read("other", S3, "ListBuckets", json!({}))],
            rows: 1,
            has: &["not recorded"],
            not: &["| yes |"],
        },
        Case {
            query: "changes-by-people",
            parameters: &[("pipeline_roles", "deploy, terraform")],
            yes: vec![write("by-hand", EC2, "StopInstances", json!({ "userIdentity": session("admin", "deploy") }))],
            no: vec![
                write("pipeline", EC2, "StartInstances", json!({ "userIdentity": session("deploy", "alice") })),
                write(
                    "stack",
                    EC2,
                    "RebootInstances",
                    json!({ "userIdentity": with(user("bob"), json!({ "invokedBy": "cloudformation.amazonaws.com" })) }),
                ),
                write("service", EC2, "RunInstances", json!({ "userIdentity": service("autoscaling.amazonaws.com") })),
                read("look", EC2, "DescribeVpcs", json!({})),
                write("of-data", S3, "PutObject", json!({ "eventCategory": "Data" })),
                write(
                    "other-account",
                    S3,
                    "PutBucketAcl",
                    json!({ "userIdentity": { "type": "AWSAccount", "accountId": OTHER } }),
                ),
                write("program", S3, "PutBucketTagging", json!({ "userIdentity": instance("i-0aaaaaaaaaaaaaaa1") })),
                write("session", STS, "GetSessionToken", json!({})),
                write("linked", S3, "PutBucketPolicy", json!({ "userIdentity": linked })),
            ],
            rows: 1,
            has: &["assumed-role/admin/deploy", "StopInstances"],
            not: &[
                "StartInstances",
                "RebootInstances",
                "RunInstances",
                "DescribeVpcs",
                "PutObject",
                "PutBucket",
                "GetSession",
            ],
        },
        Case {
            query: "console-changes",
            parameters: &[],
            yes: vec![
                write("clicked", EC2, "StopInstances", json!({ "sessionCredentialFromConsole": "true" })),
                write("before-2023", EC2, "StopInstances", json!({ "userAgent": "console.amazonaws.com" })),
                write("of-s3", S3, "CreateBucket", json!({ "userAgent": "S3Console/0.4, aws-internal/3" })),
            ],
            no: vec![
                write("typed", EC2, "StopInstances", json!({})),
                read("looked", EC2, "DescribeInstances", json!({ "sessionCredentialFromConsole": "true" })),
                sign_in("entered", user("alice"), "Success", "Yes", json!({ "userAgent": "signin.amazonaws.com" })),
            ],
            rows: 3,
            has: &["clicked", "before-2023", "of-s3"],
            not: &["typed", "looked", "entered"],
        },
    ]
}
