//! The dashboard: its numbers are those of `query`, and it says what they cover.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::recorded::Folder;

/// The account of most events, and another one.
pub const ACCOUNT: &str = "111111111111";
pub const OTHER: &str = "222222222222";
const FROM: &str = "2026-11-18T00:00:00Z";
const TO: &str = "2026-11-20T00:00:00Z";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Returns an event of a user, with some fields replaced.
pub fn event(id: &str, time: &str, user: &str, fields: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventTime": time, "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets",
        "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2.30", "eventID": id,
        "requestID": id, "readOnly": true, "eventType": "AwsApiCall", "managementEvent": true,
        "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        "userIdentity": {
            "type": "IAMUser", "principalId": format!("AIDA{user}"), "accountId": ACCOUNT, "userName": user,
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}"), "accessKeyId": "AKIAEXAMPLEEXAMPLE00",
        },
    });
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

/// Writes the log files of some events, as CloudTrail delivers them to an organization's bucket.
pub fn deliver(folder: &Path, events: &[Value]) {
    let mut files: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for event in events {
        let account = event["recipientAccountId"].as_str().unwrap();
        let at: Timestamp = event["eventTime"].as_str().unwrap().parse().unwrap();
        let slot = at.checked_add(SignedDuration::from_mins(5)).unwrap();
        let (day, time) = (slot.strftime("%Y/%m/%d"), slot.strftime("%Y%m%dT%H%MZ"));
        let name = format!("{account}_CloudTrail_us-east-1_{time}_AbCdEfGhIjKlMnOp.json.gz");
        files
            .entry(format!("AWSLogs/o-abcdefghij/{account}/CloudTrail/us-east-1/{day}/{name}"))
            .or_default()
            .push(event);
    }
    for (key, records) in files {
        write(&folder.join(key), json!({ "Records": records }).to_string().as_bytes());
    }
}

/// Writes the digests of each hour from one moment to another, as far as they are wanted.
pub fn digests(folder: &Path, account: &str, (from, to): (&str, &str), is_wanted: impl Fn(&str) -> bool) {
    let (mut end, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
    while end < to {
        end = end.checked_add(HOUR).unwrap();
        if is_wanted(&end.to_string()) {
            let (day, time) = (end.strftime("%Y/%m/%d"), end.strftime("%Y%m%dT%H%M%SZ"));
            let name = format!("{account}_CloudTrail-Digest_us-east-1_trail_us-east-1_{time}.json.gz");
            write(
                &folder.join(format!("AWSLogs/o-abcdefghij/{account}/CloudTrail-Digest/us-east-1/{day}/{name}")),
                b"{}",
            );
        }
    }
}

fn write(path: &Path, body: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    fs::write(path, encoder.finish().unwrap()).unwrap();
}

/// Events of each panel, done and attempted.
fn story() -> Vec<Value> {
    let change = |source: &str, name: &str, more: Value| {
        let mut fields =
            json!({ "eventSource": format!("{source}.amazonaws.com"), "eventName": name, "readOnly": false });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    let root = json!({ "type": "Root", "accountId": ACCOUNT, "principalId": ACCOUNT });
    let role = "arn:aws:iam::111111111111:role/emergency";
    let in_role = json!({
        "type": "AssumedRole", "principalId": "AROAX:me", "accountId": ACCOUNT,
        "arn": "arn:aws:sts::111111111111:assumed-role/emergency/me",
        "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role, "accountId": ACCOUNT, "userName": "emergency" } },
    });
    let sign_in = |said: &str, mfa: &str| {
        let more = json!({
            "responseElements": { "ConsoleLogin": said }, "additionalEventData": { "MFAUsed": mfa },
            "eventType": "AwsConsoleSignIn",
        });
        change("signin", "ConsoleLogin", more)
    };
    let with = |mut fields: Value, name: &str, value: Value| {
        fields[name] = value;
        fields
    };
    vec![
        event("old", "2026-11-17T10:00:00Z", "old", json!({})),
        event("x01", "2026-11-18T10:00:00Z", "old", json!({})),
        event("x02", "2026-11-18T11:00:00Z", "new", json!({ "eventCategory": "Data", "managementEvent": false })),
        event("x03", "2026-11-18T12:00:00Z", "x", with(sign_in("Success", "No"), "userIdentity", root.clone())),
        event(
            "x04",
            "2026-11-19T12:00:00Z",
            "x",
            with(change("iam", "CreateAccessKey", json!({ "errorCode": "AccessDenied" })), "userIdentity", root),
        ),
        event("x05", "2026-11-19T13:00:00Z", "old", sign_in("Failure", "No")),
        event("x06", "2026-11-19T13:01:00Z", "old", change("iam", "CreateUser", json!({ "userIdentity": in_role }))),
        event(
            "x07",
            "2026-11-19T14:00:00Z",
            "old",
            change("cloudtrail", "StopLogging", json!({ "errorCode": "AccessDenied" })),
        ),
        event("x08", "2026-11-19T14:01:00Z", "old", change("cloudtrail", "DeleteTrail", json!({}))),
        event("x09", "2026-11-19T15:00:00Z", "old", change("kms", "DisableKey", json!({}))),
        event(
            "x10",
            "2026-11-19T15:01:00Z",
            "old",
            change("ec2", "CreateRoute", json!({ "requestParameters": { "routeTableId": "rtb-1" } })),
        ),
        event(
            "x11",
            "2026-11-19T16:00:00Z",
            "old",
            change("s3", "DeleteBucket", json!({ "requestParameters": { "bucketName": "acme-files" } })),
        ),
        event(
            "x12",
            "2026-11-19T16:01:00Z",
            "old",
            json!({ "userIdentity": { "type": "AWSAccount", "principalId": "AIDATHEM", "accountId": OTHER } }),
        ),
        event(
            "x13",
            "2026-11-19T16:02:00Z",
            "old",
            json!({ "errorCode": "ThrottlingException", "tlsDetails": { "tlsVersion": "TLSv1.1" } }),
        ),
    ]
}

const ASKED: [&str; 7] = ["--place", "logs", "--from", FROM, "--to", TO, "--break-glass"];
const ROLE: &str = "arn:aws:iam::*:role/emergency";

fn archive(folder: &Folder, is_wanted: impl Fn(&str) -> bool) {
    deliver(&folder.path("logs"), &story());
    digests(&folder.path("logs"), ACCOUNT, ("2026-11-16T00:00:00Z", TO), is_wanted);
}

fn dashboard(folder: &Folder, code: i32, more: &[&str]) -> Value {
    let arguments: Vec<&str> =
        ["dashboard"].iter().chain(&ASKED).chain(&[ROLE]).chain(more).copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&folder.must(code, &arguments)).unwrap()
}

fn panel<'a>(dashboard: &'a Value, id: &str) -> &'a Value {
    dashboard["panels"].as_array().unwrap().iter().find(|panel| panel["id"] == id).unwrap()
}

#[test]
fn each_number_is_the_one_that_the_command_beside_it_gives() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let said = dashboard(&folder, 0, &[]);
    assert_eq!((&said["is_whole"], &said["coverage"]["hours"]["without_digest"]), (&json!(true), &json!(0)));
    // One pass over the events for all panels but the one about new principals, which has its own.
    assert_eq!((&said["coverage"]["records"], &said["earlier_coverage"]["records"]), (&json!(13), &json!(14)));
    for panel in said["panels"].as_array().unwrap() {
        let command = panel["command"].as_str().unwrap().replace('\'', "");
        let words: Vec<&str> = command.split(' ').skip(1).chain(["--format", "json"]).collect();
        let answer: Value = serde_json::from_str(&folder.must(0, &words)).unwrap();
        assert_eq!((&panel["columns"], &panel["rows"]), (&answer["columns"], &answer["rows"]), "{command}");
        assert_eq!(panel["rows_count"].as_u64(), answer["rows"].as_array().map(|rows| rows.len() as u64), "{command}");
        assert_eq!(panel["error"], Value::Null, "{command}");
    }
    let counted = |id: &str| {
        let panel = panel(&said, id);
        [&panel["count"], &panel["done"], &panel["attempted"]].map(Value::as_u64)
    };
    assert_eq!(counted("activity"), [Some(13), None, None]);
    assert_eq!(counted("root"), [Some(2), Some(1), Some(1)]);
    assert_eq!(counted("break-glass"), [Some(1), Some(1), Some(0)]);
    assert_eq!(counted("trails"), [Some(2), Some(1), Some(1)]);
    assert_eq!(counted("deletions"), [Some(2), Some(2), Some(0)]);
    assert_eq!(counted("denied"), [Some(2), None, None]);
    for (id, all) in [("sign-in-failures", 1), ("sign-ins-without-mfa", 1), ("cross-account", 1), ("keys", 1)] {
        assert_eq!(counted(id)[0], Some(all), "{id}");
    }
    // What was deleted, and the command that says who did it.
    let deleted = panel(&said, "deletions")["rows"].to_string();
    assert!(deleted.contains("acme-files"), "{deleted}");
    // Who called on the day before is not new; the role is.
    let new = panel(&said, "first-seen")["rows"].to_string();
    assert!(new.contains("user/new") && new.contains("role/emergency") && !new.contains("user/old"), "{new}");
}

#[test]
fn over_a_lake_the_panels_are_those_of_the_log_files() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let of_logs = dashboard(&folder, 0, &[]);
    folder.must(0, &["lake", "update", "--place", "logs", "--lake", "lake"]);
    let with_lake = dashboard(&folder, 0, &["--lake", "lake"]);
    assert_eq!(with_lake["coverage"]["lake"]["has_newer"], false, "{:#}", with_lake["coverage"]);
    for (own, other) in of_logs["panels"].as_array().unwrap().iter().zip(with_lake["panels"].as_array().unwrap()) {
        if own["id"] == "bytes" {
            assert!(other["left_out"].as_str().unwrap().contains("--bytes"), "{other:#}");
        } else {
            assert_eq!((&own["rows"], &own["count"]), (&other["rows"], &other["count"]), "{}", own["id"]);
        }
    }
    let bytes = dashboard(&folder, 0, &["--lake", "lake", "--bytes"]);
    assert_eq!(panel(&bytes, "bytes")["rows"], panel(&of_logs, "bytes")["rows"]);
}

#[test]
fn an_hour_that_is_missing_is_said_everywhere_and_the_exit_code_is_3() {
    let folder = Folder::new();
    archive(&folder, |end| end != "2026-11-19T05:00:00Z");
    let arguments = |output: &'static str| -> Vec<&str> {
        ["dashboard"].iter().chain(&ASKED).chain(&[ROLE, "--output", output]).copied().collect()
    };
    let said = folder.must(3, &arguments("-"));
    assert!(said.contains("1 without a digest: whether logs are missing there is not known"), "{said}");
    assert!(said.contains("Root use") && said.contains("2 uses of root: 1 done, 1 attempted"), "{said}");
    folder.must(3, &arguments("page.html"));
    let page = folder.read("page.html");
    assert!(page.contains("Not whole") && page.contains("class=\"missing\"") && page.contains("1 without a digest"));
    assert!(page.contains("111111111111: 1 hour without a digest in us-east-1, on 2026-11-19"), "{page}");
    assert!(page.contains("There are no logs of CloudTrail Insights"), "{page}");
    assert!(page.contains("FROM events\nWHERE identity_type = &#39;Root&#39;\n"), "the SQL has its lines");
    assert!(page.len() <= 500_000 && !page.contains("<script"), "{}", page.len());
}

#[test]
fn where_there_are_no_logs_nothing_is_taken_for_zero() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let nobody = ["--account", "333333333333", "--from", FROM, "--to", TO, "--output", "page.html"];
    let run = folder.run(&[&["dashboard", "--place", "logs"], &nobody[..]].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    let page = folder.read("page.html");
    assert!(page.contains("No logs of 333333333333") && page.contains("No hour is covered"), "{page}");
    assert!(page.contains("No role for emergencies is known"), "{page}");
}

#[test]
fn each_deletion_has_a_command_that_says_who_did_it() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let arguments: Vec<&str> =
        ["dashboard"].iter().chain(&ASKED).chain(&[ROLE, "--output", "page.html"]).copied().collect();
    folder.must(0, &arguments);
    let page = folder.read("page.html");
    let commands = page.match_indices("orgtrail who --event ").map(|(at, _)| page[at..].split('<').next().unwrap());
    let said: Vec<String> = commands
        .map(|command| folder.run(&command.split(' ').skip(1).collect::<Vec<&str>>()))
        .map(|run| run.stdout + &run.stderr)
        .collect();
    let is_it = |said: &&String| said.contains("DeleteBucket of s3.amazonaws.com") && said.contains("user/old");
    assert!(said.iter().any(|own| is_it(&own)), "{said:#?} {page}");
}

#[test]
fn nobody_is_new_where_nothing_lies_before() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    // The first event is of the day before: then there is nothing to compare with.
    let asked = ["dashboard", "--place", "logs", "--from", "2026-11-17T00:00:00Z", "--to", TO];
    let run = folder.run(&[&asked[..], &["--format", "json"]].concat());
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    let panel = panel(&said, "first-seen");
    assert_eq!((&panel["count"], &panel["rows"], &said["earlier_first"]), (&Value::Null, &json!([]), &Value::Null));
    let why = panel["left_out"].as_str().unwrap();
    assert!(why.contains("no baseline") && why.contains("principals called since then"), "{why}");
    let run = folder.run(&[&asked[..], &["--output", "page.html"]].concat());
    assert!(folder.read("page.html").contains("There is no baseline"), "{}", run.stderr);
    // With the day before it is said from when on there is something.
    let said = dashboard(&folder, 0, &[]);
    assert_eq!(said["earlier_first"], "2026-11-17T10:00:00Z");
}

#[test]
fn emergency_roles_and_users_may_be_named_without_an_arn() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let asked = ["dashboard", "--place", "logs", "--from", FROM, "--to", TO, "--format", "json"];
    let of = |name: &str| -> Value {
        serde_json::from_str(&folder.must(0, &[&asked[..], &["--break-glass", name]].concat())).unwrap()
    };
    assert_eq!(panel(&of("emergency"), "break-glass")["count"], 1);
    assert_eq!(panel(&of("new"), "break-glass")["rows"][0][0], "arn:aws:iam::111111111111:user/new");
    assert_eq!(panel(&of("emerg"), "break-glass")["count"], 0);
}

#[test]
fn the_name_of_an_emergency_role_is_a_name_and_no_pattern() {
    let folder = Folder::new();
    archive(&folder, |_| true);
    let odd = |id: &str, name: &str| event(id, "2026-11-19T10:10:00Z", name, json!({ "eventName": "CreateUser" }));
    deliver(
        &folder.path("logs"),
        &[odd("o1", "a|(b)[^c]$?+.d"), odd("o2", "fire,axe"), odd("o3", "fire"), odd("o4", "b")],
    );
    let asked = ["dashboard", "--place", "logs", "--from", FROM, "--to", TO, "--format", "json", "--break-glass"];
    let count = |name: &str| -> Value {
        let dashboard: Value = serde_json::from_str(&folder.must(0, &[&asked[..], &[name]].concat())).unwrap();
        let panel = panel(&dashboard, "break-glass");
        assert_eq!(panel["error"], Value::Null, "{name}: {panel:#}");
        panel["count"].clone()
    };
    for (name, uses) in [
        ("a|(b)[^c]$?+.d", 1),
        ("a|(b)*", 1),
        ("fire,axe", 1),
        ("arn:aws:iam::*:user/fire,*", 1),
        // As patterns these would find others, or be none.
        ("(", 0),
        ("emerg|b", 0),
        ("[a-z]", 0),
        ("b?", 0),
        ("$|", 0),
        ("x){1,1000", 0),
    ] {
        assert_eq!(count(name), uses, "{name}");
    }
    for hostile in ["", "a b", "a\\b", "a\u{7}"] {
        let said = folder.must(1, &[&asked[..], &[hostile]].concat());
        assert_eq!(said, "", "{hostile:?}");
    }
}
