//! The story in the logs of the demo: the session of a developer is stolen, a role of another account is assumed with
//! it under a name that looks like a program's, a bucket is opened to everybody, and deleted.

use serde_json::{Value, json};

/// The account in which the developer signs in, and that of the bucket.
const DEVELOPMENT: &str = "620000000001";
const PRODUCTION: &str = "610000000001";
/// The bucket.
pub(super) const BUCKET: &str = "acme-shop-reports";

const PERSON: &str = "dora@example.com";
const HOME: &str = "203.0.113.17";
const STOLEN: &str = "198.51.100.66";
const FIRST_KEY: &str = "ASIAEXAMPLEDORA00001";
const SECOND_KEY: &str = "ASIAEXAMPLEDEPLOY001";
const DEVELOPER: &str = "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Developer_0123456789abcdef";

/// A call of the story.
pub(super) struct StoryCall {
    /// The account that its record is delivered to.
    pub account: &'static str,
    /// When, as the minute and second behind nine o'clock.
    pub at: (u32, u32),
    /// The record, without its time, region, ids and recipient.
    pub record: Value,
}

/// Returns the calls, in order.
pub(super) fn calls() -> Vec<StoryCall> {
    let call = |account, at, record| StoryCall { account, at, record };
    let opened = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")}]});
    let assume = json!({"roleArn": role(PRODUCTION, "Deploy"), "roleSessionName": "github-actions"});
    let given = json!({"credentials": {"accessKeyId": SECOND_KEY, "expiration": "Mar 2, 2026, 10:22:41 AM"},
        "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLESHOPPROD01:github-actions",
            "arn": format!("arn:aws:sts::{PRODUCTION}:assumed-role/Deploy/github-actions")}});
    let of_other_account = json!({"type": "AWSAccount", "accountId": DEVELOPMENT,
        "principalId": format!("AROAEXAMPLEDEVELOPER1:{PERSON}")});
    vec![
        call(PRODUCTION, (2, 11), s3("CreateBucket", ordinary(), "192.0.2.15", json!({"bucketName": BUCKET}), None)),
        call(DEVELOPMENT, (10, 3), signed_in()),
        call(DEVELOPMENT, (22, 41), sts(developer(), STOLEN, assume.clone(), given.clone())),
        call(PRODUCTION, (22, 41), sts(of_other_account, STOLEN, assume, given)),
        call(
            PRODUCTION,
            (31, 5),
            s3("PutBucketPolicy", deploy(), STOLEN, json!({"bucketName": BUCKET, "bucketPolicy": opened}), None),
        ),
        call(
            PRODUCTION,
            (38, 20),
            s3("DeleteBucket", user("erin"), "192.0.2.77", json!({"bucketName": BUCKET}), Some("AccessDenied")),
        ),
        call(PRODUCTION, (44, 52), s3("DeleteBucket", deploy(), STOLEN, json!({"bucketName": BUCKET}), None)),
    ]
}

fn role(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// The developer signs in through Identity Center.
fn signed_in() -> Value {
    let role = role(DEVELOPMENT, DEVELOPER);
    json!({
        "userIdentity": {"type": "SAMLUser", "principalId": format!("EXAMPLE=:{PERSON}"), "userName": PERSON,
            "identityProvider": "EXAMPLE="},
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithSAML",
        "sourceIPAddress": HOME,
        "requestParameters": {"roleArn": role, "roleSessionName": PERSON,
            "principalArn": format!("arn:aws:iam::{DEVELOPMENT}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE")},
        "responseElements": {"credentials": {"accessKeyId": FIRST_KEY, "expiration": "Mar 2, 2026, 5:10:03 PM"},
            "assumedRoleUser": {"assumedRoleId": format!("AROAEXAMPLEDEVELOPER1:{PERSON}"),
                "arn": session(DEVELOPMENT, "AWSReservedSSO_Developer_0123456789abcdef", PERSON)},
            "subject": PERSON}
    })
}

fn session(account: &str, role: &str, name: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{name}")
}

/// The developer's session, or whoever has its key.
fn developer() -> Value {
    let name = "AWSReservedSSO_Developer_0123456789abcdef";
    of_role(DEVELOPMENT, (name, DEVELOPER), "AROAEXAMPLEDEVELOPER1", PERSON, Some((FIRST_KEY, "2026-03-02T09:10:03Z")))
}

/// The session that was made with it.
fn deploy() -> Value {
    let key = Some((SECOND_KEY, "2026-03-02T09:22:41Z"));
    of_role(PRODUCTION, ("Deploy", "Deploy"), "AROAEXAMPLESHOPPROD01", "github-actions", key)
}

/// The program that deploys every day.
fn ordinary() -> Value {
    let key = Some(("ASIAEXAMPLEORDINARY1", "2026-03-02T08:59:00Z"));
    of_role(PRODUCTION, ("Deploy", "Deploy"), "AROAEXAMPLESHOPPROD01", "deploy", key)
}

fn of_role(
    account: &str,
    (name, path): (&str, &str),
    id: &str,
    session_name: &str,
    key: Option<(&str, &str)>,
) -> Value {
    let (key, since) = key.unwrap_or_default();
    json!({
        "type": "AssumedRole",
        "principalId": format!("{id}:{session_name}"),
        "arn": session(account, name, session_name),
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": id, "arn": role(account, path), "accountId": account,
                "userName": name},
            "attributes": {"creationDate": since, "mfaAuthenticated": "false"}
        }
    })
}

fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "principalId": "AIDAEXAMPLEERIN00001", "accountId": PRODUCTION, "userName": name,
        "arn": format!("arn:aws:iam::{PRODUCTION}:user/{name}"), "accessKeyId": "AKIAEXAMPLEERIN00001"})
}

fn sts(who: Value, source: &str, request: Value, response: Value) -> Value {
    json!({
        "userIdentity": who,
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "sourceIPAddress": source,
        "requestParameters": request,
        "responseElements": response,
        "sharedEventID": "5ba1ed00-0000-4000-8000-000000000001"
    })
}

fn s3(call: &str, who: Value, source: &str, request: Value, error: Option<&str>) -> Value {
    let mut record = json!({
        "userIdentity": who,
        "eventSource": "s3.amazonaws.com",
        "eventName": call,
        "sourceIPAddress": source,
        "requestParameters": request,
        "responseElements": null,
        "resources": [{"accountId": PRODUCTION, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{BUCKET}")}]
    });
    if let (Some(error), Some(fields)) = (error, record.as_object_mut()) {
        fields.insert("errorCode".to_owned(), error.into());
        fields.insert("errorMessage".to_owned(), "Access Denied".into());
    }
    record
}
