//! A small archive in a folder, made from the events of one question.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::query::answer::{AnswerCoverage, Answered, Cell};
use orgtrail_query::query::engine::{Engine, Limits};
use orgtrail_query::query::prepared::Prepared;
use serde_json::{Map, Value, json};

/// The account that events are delivered to where they do not say another.
pub const ACCOUNT: &str = "111122223333";
/// Another account of the organization.
pub const OTHER: &str = "444455556666";

/// Returns an event: a call of a user, with some fields replaced. A field that is `null` is left out.
pub fn event(id: &str, fields: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": user("alice"),
        "eventTime": "2026-11-20T10:01:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.30",
        "requestID": format!("request-{id}"),
        "eventID": id,
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    });
    let own: &mut Map<String, Value> = record.as_object_mut().unwrap();
    for (name, value) in fields.as_object().unwrap() {
        if value.is_null() {
            own.remove(name)
        } else {
            own.insert(name.clone(), value.clone())
        };
    }
    record
}

/// Returns a call that changes something.
pub fn write(id: &str, source: &str, name: &str, fields: Value) -> Value {
    let mut all = json!({ "eventSource": source, "eventName": name, "readOnly": false });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event(id, all)
}

/// Returns a call that reads.
pub fn read(id: &str, source: &str, name: &str, fields: Value) -> Value {
    let mut all = json!({ "eventSource": source, "eventName": name });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event(id, all)
}

/// Returns an IAM user with a long-lived key.
pub fn user(name: &str) -> Value {
    json!({
        "type": "IAMUser",
        "principalId": format!("AIDA{}", name.to_uppercase()),
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        "accountId": ACCOUNT,
        "accessKeyId": format!("AKIA{}", name.to_uppercase()),
        "userName": name,
    })
}

/// Returns root, without a session.
pub fn root() -> Value {
    json!({ "type": "Root", "principalId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:root"), "accountId": ACCOUNT })
}

/// Returns a session of a role.
pub fn session(role: &str, name: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROA{}:{name}", role.to_uppercase()),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"),
        "accountId": ACCOUNT,
        "accessKeyId": format!("ASIA{}", role.to_uppercase()),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": format!("AROA{}", role.to_uppercase()),
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": { "creationDate": "2026-11-20T09:00:00Z", "mfaAuthenticated": "false" },
        },
    })
}

/// Returns a service of AWS.
pub fn service(name: &str) -> Value {
    json!({ "type": "AWSService", "invokedBy": name })
}

/// Returns a call that gave out a session of the role `admin`.
pub fn assume(id: &str, identity: Value, session_name: &str, issued: &str) -> Value {
    let fields = json!({
        "userIdentity": identity,
        "readOnly": true,
        "requestParameters": { "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/admin"), "roleSessionName": session_name },
        "responseElements": { "credentials": { "accessKeyId": issued, "expiration": "Nov 20, 2026, 11:00:00 AM" } },
    });
    write(id, "sts.amazonaws.com", "AssumeRole", fields)
}

/// Returns a value with some fields of it replaced, at any depth.
pub fn with(mut value: Value, fields: Value) -> Value {
    merge(&mut value, fields);
    value
}

fn merge(value: &mut Value, fields: Value) {
    match (value, fields) {
        (Value::Object(own), Value::Object(fields)) => {
            for (name, field) in fields {
                merge(own.entry(name).or_insert(Value::Null), field);
            }
        }
        (own, field) => *own = field,
    }
}

/// An answer.
#[derive(Debug)]
pub struct Rows {
    /// Its rows, each a text of all its cells.
    pub all: Vec<String>,
    /// What it covers.
    pub covers: String,
}

impl Rows {
    /// Tells whether a text is in a cell of a row.
    pub fn has(&self, text: &str) -> bool {
        self.all.iter().any(|row| row.contains(text))
    }
}

/// Asks a prepared question over an archive of some events.
pub async fn ask(name: &str, parameters: &[(&str, &str)], events: &[Value]) -> Rows {
    let folder = tempfile::tempdir().unwrap();
    write_archive(folder.path(), events);
    let place = LogPlace { store: Arc::new(FolderStore::new(folder.path())), sought: ScopeFilter::default() };
    let archive = Arc::new(Archive::new(vec![place], SignedDuration::from_hours(48)));
    let limits = Limits { threads: 1, ..Limits::default() };
    let engine = Engine::new(archive, None, Window::default(), &limits).unwrap();
    let rows = ask_engine(&engine, name, parameters).await;
    let answered = Answered { now: "2026-12-24T00:00:00Z".parse().unwrap(), expected: None };
    let coverage = AnswerCoverage::of(engine.scans(), answered, None, String::new()).await;
    Rows { all: rows, covers: coverage.sentences().join(" ") }
}

/// Asks an engine a prepared question; returns its rows.
pub async fn ask_engine(engine: &Engine, name: &str, parameters: &[(&str, &str)]) -> Vec<String> {
    let query = Prepared::named(name).unwrap();
    let values = query.values(parameters).unwrap();
    let stream = engine.ask_with(&query.sql, values).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    let batches: Vec<_> = stream.try_collect().await.unwrap_or_else(|e| panic!("{name}: {e}"));
    let text = |cells: Vec<String>| cells.join(" | ");
    let rows = batches.iter().flat_map(|batch| {
        let cell =
            |row: usize| batch.columns().iter().map(move |c| Cell::of(c.as_ref(), row).text().to_owned()).collect();
        (0..batch.num_rows()).map(move |row| text(cell(row)))
    });
    rows.collect()
}

/// Writes the log files of some events, as CloudTrail delivers them to an organization's bucket.
pub fn write_archive(folder: &Path, events: &[Value]) {
    let mut files: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for event in events {
        files.entry(key(event)).or_default().push(event);
    }
    for (key, records) in files {
        let path = folder.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, gzip(json!({ "Records": records }).to_string().as_bytes())).unwrap();
    }
}

fn key(event: &Value) -> String {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let account = text("recipientAccountId").or(text("accountId")).unwrap();
    let region = text("awsRegion").unwrap();
    let kind = match text("eventCategory") {
        Some("Insight") => "CloudTrail-Insight",
        Some("NetworkActivity") => "CloudTrail-NetworkActivity",
        Some("Aggregated") => "CloudTrail-Aggregated",
        _ => "CloudTrail",
    };
    let at = text("eventTime").or_else(|| event.pointer("/timeWindow/windowStart")?.as_str()).unwrap();
    let slot = at.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_mins(5)).unwrap();
    let printed = |format: &str| slot.strftime(format).to_string();
    let (day, name) = (printed("%Y/%m/%d"), printed("%Y%m%dT%H%MZ"));
    format!(
        "AWSLogs/o-abcdefghij/{account}/{kind}/{region}/{day}/{account}_{kind}_{region}_{name}_AbCdEfGhIjKlMnOp.json.gz"
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
