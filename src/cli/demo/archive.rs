//! The logs of the demo: what CloudTrail would have delivered on the day of its story, as a folder.
//!
//! They are made up, with the fields that CloudTrail gives. There are no digests, since nobody but AWS can sign them.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ARCHIVE, story};
use crate::ids::{AccountId, Region};
use crate::log_path::{ChainScope, LogKey, LogKind, LogRoot};
use crate::organization::Organization;

/// When the first log file was made.
const BEGIN: &str = "2026-03-02T09:00:00Z";
/// How many minutes of calls a log file has.
const MINUTES: u32 = 5;
/// How many log files each account has.
const FILES: u32 = 12;
/// The account that owns the trail, and that of the bucket.
const MANAGEMENT: &str = "111111111111";
const LOG_ARCHIVE: &str = "222222222222";

/// What an account's people and programs do all day: service, call, whether it only reads.
const ORDINARY: [(&str, &str, bool); 6] = [
    ("ec2", "DescribeInstances", true),
    ("s3", "GetBucketLocation", true),
    ("kms", "Decrypt", true),
    ("sts", "AssumeRole", true),
    ("lambda", "UpdateFunctionConfiguration20150331v2", false),
    ("secretsmanager", "GetSecretValue", true),
];

/// What somebody did behind the program's back: file, account, service, call, user, request.
fn deeds() -> [(u32, &'static str, &'static str, &'static str, &'static str, Value); 2] {
    let trail = json!({"name": "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail"});
    let fix = json!({"Version": "2012-10-17", "Statement": [{"Sid": "QuickFixForTheAuditor", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"}]});
    let bucket = json!({"bucketName": "acme-org-cloudtrail", "policy": "", "bucketPolicy": fix});
    [
        (8, MANAGEMENT, "cloudtrail", "StopLogging", "carol", trail),
        (9, LOG_ARCHIVE, "s3", "PutBucketPolicy", "bob", bucket),
    ]
}

/// Returns the log files of an organization's accounts, by path below the demo's folder.
///
/// # Errors
/// Where a text of the story is none of AWS's, which it is.
pub fn files(organization: &Organization) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn std::error::Error>> {
    let begin: Timestamp = BEGIN.parse()?;
    let region: Region = "eu-central-1".parse()?;
    let root = LogRoot::default().in_organization(organization.id.as_str());
    let mut all = BTreeMap::new();
    let active = organization.accounts.iter().filter(|(_, account)| account.state.is_active());
    for (number, (id, _)) in active.enumerate() {
        for file in 0..FILES {
            let end = begin.checked_add(SignedDuration::from_mins(i64::from(MINUTES * (file + 1))))?;
            let scope = ChainScope::of(&root, id.clone(), region.clone());
            let key = LogKey::new(scope, LogKind::CloudTrail, end, format!("Demo{number:06}{file:06}"));
            let mut records = records(id, number, file, end);
            records.extend(of_story(id, file)?);
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(json!({"Records": records}).to_string().as_bytes())?;
            all.insert(format!("{ARCHIVE}/{key}"), gzip.finish()?);
        }
    }
    Ok(all)
}

/// Returns the records of the story that an account's file has: those of the five minutes before the last five.
fn of_story(account: &AccountId, file: u32) -> Result<Vec<Value>, jiff::Error> {
    let begin: Timestamp = BEGIN.parse()?;
    let mut records = Vec::new();
    for (number, call) in story::calls().into_iter().enumerate() {
        let (minutes, seconds) = call.at;
        if call.account != account.as_str() || minutes / MINUTES + 1 != file {
            continue;
        }
        let time = begin.checked_add(SignedDuration::from_secs(i64::from(minutes * 60 + seconds)))?;
        let mut record = call.record;
        if let Some(fields) = record.as_object_mut() {
            for (name, value) in [
                ("eventVersion", "1.11".into()),
                ("eventTime", time.to_string().into()),
                ("awsRegion", "eu-central-1".into()),
                ("userAgent", "aws-cli/2.31.0".into()),
                ("eventID", format!("5709ed00-0000-4000-8000-{number:012}").into()),
                ("readOnly", false.into()),
                ("eventType", "AwsApiCall".into()),
                ("managementEvent", true.into()),
                ("recipientAccountId", json!(account)),
                ("eventCategory", "Management".into()),
            ] {
                fields.insert(name.to_owned(), value);
            }
        }
        records.push(record);
    }
    Ok(records)
}

fn records(account: &AccountId, number: usize, file: u32, end: Timestamp) -> Vec<Value> {
    let mut records = Vec::new();
    for (at, (service, call, reads)) in ORDINARY.iter().enumerate() {
        // Different from account to account and from file to file, and the same in every demo.
        if !(number + at * 3 + file as usize).is_multiple_of(3) {
            continue;
        }
        let user = json!({
            "type": "AssumedRole",
            "principalId": format!("AROAEXAMPLE{number:09}:deploy"),
            "arn": format!("arn:aws:sts::{account}:assumed-role/Deploy/deploy"),
            "accountId": account,
            "accessKeyId": "ASIAEXAMPLEEXAMPLE00",
            "sessionContext": {"sessionIssuer": {
                "type": "Role",
                "principalId": format!("AROAEXAMPLE{number:09}"),
                "arn": format!("arn:aws:iam::{account}:role/Deploy"),
                "accountId": account,
                "userName": "Deploy"
            }}
        });
        records.push(record(account, (number, file, at), end, (service, call, *reads), user, Value::Null));
    }
    for (at, (when, whose, service, call, user, request)) in deeds().into_iter().enumerate() {
        if when == file && whose == account.as_str() {
            let user = json!({
                "type": "IAMUser",
                "principalId": format!("AIDAEXAMPLE{number:09}"),
                "arn": format!("arn:aws:iam::{account}:user/{user}"),
                "accountId": account,
                "accessKeyId": "AKIAEXAMPLEEXAMPLE00",
                "userName": user
            });
            let place = (number, file, ORDINARY.len() + at);
            records.push(record(account, place, end, (service, call, false), user, request));
        }
    }
    records
}

fn record(
    account: &AccountId,
    (number, file, at): (usize, u32, usize),
    end: Timestamp,
    (service, call, reads): (&str, &str, bool),
    user: Value,
    request: Value,
) -> Value {
    // Two minutes and some before the file: the first deed is at the moment that the demo's world knows.
    let seconds = i64::try_from(53 + at * 30).unwrap_or_default();
    let time = end.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(end);
    json!({
        "eventVersion": "1.11",
        "userIdentity": user,
        "eventTime": time.to_string(),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": call,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": format!("192.0.2.{}", 10 + number),
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": request,
        "responseElements": null,
        "requestID": format!("{at:08}-0000-4000-8000-{number:06}{file:06}"),
        "eventID": format!("{at:08}-0000-4000-9000-{number:06}{file:06}"),
        "readOnly": reads,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management"
    })
}
