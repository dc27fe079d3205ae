//! Who did it: the whole program over archives that the tests write, each trap with its exact answer.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout};
use crate::program::orgtrail;
use crate::support::{Emulator, Trouble};

pub const OTHER: &str = "222222222222";
/// The window of the archives that are written here.
pub const WHOLE: [&str; 4] = ["--from", "2026-11-20T00:00:00Z", "--to", "2026-11-20T05:59:59Z"];

/// A call of a user of [`ACCOUNT`] in an hour of the archive.
pub fn call(hour: u32, id: &str, source: &str, name: &str, user: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}"), "userName": user,
            "accountId": ACCOUNT, "principalId": format!("AIDA{user}"), "accessKeyId": "AKIAEXAMPLEEXAMPLE00"},
        "eventTime": format!("2026-11-20T0{hour}:20:00Z"),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": null,
        "responseElements": null,
        "eventID": id,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        event[field] = value.clone();
    }
    event
}

pub fn bucket_call(hour: u32, id: &str, name: &str, user: &str, more: &Value) -> Value {
    let mut event = call(hour, id, "s3", name, user, &json!({"requestParameters": {"bucketName": "acme-files"}}));
    for (field, value) in more.as_object().into_iter().flatten() {
        event[field] = value.clone();
    }
    event
}

/// An archive of six hours, one log file an hour, each with the events of its hour.
pub fn archive(events: &[Value]) -> Bucket {
    let of_hour = |hour: u32| {
        let begin = format!("2026-11-20T0{hour}:");
        let own: Vec<&Value> =
            events.iter().filter(|event| event["eventTime"].as_str().unwrap().starts_with(&begin)).collect();
        json!({"Records": own}).to_string()
    };
    Layout { logs: vec![1], contents: (0..6).map(of_hour).collect(), ..Layout::default() }.write()
}

pub fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.arg("who").args(arguments).current_dir(home).env_clear().env("HOME", home);
    command.output().unwrap()
}

/// Asks an archive as a folder; returns the exit code and the answer as JSON.
pub fn who(bucket: &Bucket, arguments: &[&str]) -> (i32, Value) {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy", "--format", "json"], &WHOLE[..], arguments].concat());
    let text = String::from_utf8_lossy(&done.stdout);
    let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {done:?}"));
    (done.status.code().unwrap(), answer)
}

/// Returns how the last resource of an answer ended, and the event that ended it.
pub fn ended(answer: &Value) -> (String, String) {
    let last = &answer["resources"][0]["incarnations"][0];
    let step = last["ended"].as_u64().map(|at| last["steps"][usize::try_from(at).unwrap()]["event_id"].clone());
    (
        last["ending"].as_str().unwrap_or("none").to_owned(),
        step.unwrap_or_default().as_str().unwrap_or_default().to_owned(),
    )
}

pub fn pair(ending: &str, event: &str) -> (String, String) {
    (ending.to_owned(), event.to_owned())
}

const DENIED: &str = "AccessDenied";

#[test]
fn a_bucket_that_was_deleted_has_who_did_it_who_tried_and_who_made_it() {
    let bucket = archive(&[
        bucket_call(0, "made", "CreateBucket", "ann", &json!({})),
        bucket_call(1, "tried", "DeleteBucket", "eve", &json!({"errorCode": DENIED})),
        bucket_call(2, "done", "DeleteBucket", "bob", &json!({})),
        bucket_call(2, "other", "DeleteBucket", "cid", &json!({"requestParameters": {"bucketName": "acme-files-2"}})),
    ]);
    for subject in [vec!["bucket", "acme-files"], vec!["arn:aws:s3:::acme-files"], vec!["acme-files"]] {
        let (code, answer) = who(&bucket, &subject);
        assert_eq!((code, ended(&answer)), (0, pair("deleted", "done")), "{subject:?} {answer:#}");
        let last = &answer["resources"][0]["incarnations"][0];
        let ids: Vec<&str> = last["steps"].as_array().unwrap().iter().filter_map(|s| s["event_id"].as_str()).collect();
        assert_eq!((ids, &last["created"]), (vec!["made", "tried", "done"], &json!(0)));
        let person = &last["steps"][2]["person"];
        assert_eq!(person["origin"], format!("arn:aws:iam::{ACCOUNT}:user/bob"));
        assert_eq!((&person["mfa"], &person["is_proven"]), (&json!("not recorded"), &json!(true)));
    }
}

#[test]
fn what_was_only_tried_is_no_deed_and_nothing_found_is_never_nobody() {
    let tried = bucket_call(1, "tried", "DeleteBucket", "eve", &json!({"errorCode": DENIED}));
    let bucket = archive(&[tried]);
    let (code, answer) = who(&bucket, &["bucket", "acme-files"]);
    assert_eq!((code, ended(&answer)), (0, pair("attempted", "tried")));
    let (code, answer) = who(&bucket, &["bucket", "another-one"]);
    assert_eq!((code, answer["resources"].as_array().unwrap().len()), (0, 0));
    assert_eq!(answer["coverage"]["hours"]["all"], 6);
    // An hour that is missing makes it unknown, and it is said.
    let mut cut = archive(&[]);
    let key = cut.layout.log(ACCOUNT, "us-east-1", 3, 0);
    let body = &mut cut.objects.get_mut(&key).unwrap().body;
    body.truncate(body.len() / 2);
    let (code, answer) = who(&cut, &["bucket", "another-one"]);
    assert_eq!((code, &answer["coverage"]["unread"][0]["key"]), (3, &json!(key)));
    let home = tempfile::tempdir().unwrap();
    cut.write_to(&home.path().join("copy"));
    let done = run(home.path(), &[&["--place", "copy", "bucket", "another-one"], &WHOLE[..]].concat());
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.contains("It is no proof that nothing happened") && !text.to_lowercase().contains("nobody"), "{text}");
    // Objects are recorded as data events only: without one nothing is known.
    assert_eq!(who(&bucket, &["s3://acme-files/x"]).0, 3);
}

/// A session that was assumed over two accounts, under a name that is a lie.
pub fn stolen() -> Vec<Value> {
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let session = |account: &str, name: &str, own: &str, key: &str, since: &str| {
        json!({"type": "AssumedRole", "principalId": format!("AROA{name}:{own}"), "accountId": account,
            "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{own}"), "accessKeyId": key,
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROA{name}"),
                "arn": role(account, name), "accountId": account, "userName": name},
                "attributes": {"creationDate": since, "mfaAuthenticated": "false"}}})
    };
    let given = |account: &str, name: &str, own: &str, key: &str| {
        json!({"credentials": {"accessKeyId": key}, "assumedRoleUser": {"assumedRoleId": format!("AROA{name}:{own}"),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{own}")}})
    };
    let first = call(
        0,
        "first",
        "sts",
        "AssumeRole",
        "mallory",
        &json!({
        "requestParameters": {"roleArn": role(ACCOUNT, "Dev"), "roleSessionName": "ci"},
        "responseElements": given(ACCOUNT, "Dev", "ci", "ASIAEXAMPLEFIRST0001")}),
    );
    let asked = json!({"roleArn": role(OTHER, "Deploy"), "roleSessionName": "alice"});
    let answered = given(OTHER, "Deploy", "alice", "ASIAEXAMPLESECOND001");
    let second = call(
        1,
        "second",
        "sts",
        "AssumeRole",
        "",
        &json!({
        "userIdentity": session(ACCOUNT, "Dev", "ci", "ASIAEXAMPLEFIRST0001", "2026-11-20T00:20:00Z"),
        "requestParameters": asked, "responseElements": answered, "sharedEventID": "shared"}),
    );
    let twin = call(
        1,
        "twin",
        "sts",
        "AssumeRole",
        "",
        &json!({
        "userIdentity": {"type": "AWSAccount", "accountId": ACCOUNT, "principalId": "AROADev:ci"},
        "requestParameters": asked, "responseElements": answered, "sharedEventID": "shared",
        "recipientAccountId": OTHER}),
    );
    let deleted = bucket_call(
        2,
        "deleted",
        "DeleteBucket",
        "",
        &json!({
        "userIdentity": session(OTHER, "Deploy", "alice", "ASIAEXAMPLESECOND001", "2026-11-20T01:20:00Z"),
        "recipientAccountId": OTHER}),
    );
    vec![first, second, twin, deleted]
}

#[test]
fn a_chain_of_roles_over_two_accounts_leads_to_the_person_and_a_session_name_is_a_claim() {
    let events = stolen();
    let (code, answer) = who(&archive(&events), &["bucket", "acme-files"]);
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    assert_eq!((code, &person["origin"]), (0, &json!(format!("arn:aws:iam::{ACCOUNT}:user/mallory"))), "{answer:#}");
    assert_eq!((&person["session_name"], &person["is_proven"]), (&json!("alice"), &json!(true)));
    let hops: Vec<&str> =
        person["hops"].as_array().unwrap().iter().filter_map(|hop| hop["event_id"].as_str()).collect();
    assert_eq!(hops, ["second", "first"]);
    // The same from a key, from a session and from an event.
    for arguments in [
        &["ASIAEXAMPLESECOND001"][..],
        &["--access-key", "ASIAEXAMPLESECOND001"],
        &["--session", "arn:aws:sts::222222222222:assumed-role/Deploy/alice"],
    ] {
        let (code, answer) = who(&archive(&events), arguments);
        let own = &answer["sessions"][0];
        assert_eq!((code, &own["person"]["origin"]), (0, &person["origin"]), "{arguments:?} {answer:#}");
        assert_eq!((&own["calls"], &own["access_key"]), (&json!(1), &json!("ASIAEXAMPLESECOND001")));
    }
    let (code, answer) = who(&archive(&events), &["--event", "second"]);
    let ids: Vec<&str> =
        answer["calls"].as_array().unwrap().iter().filter_map(|own| own["event_id"].as_str()).collect();
    assert_eq!((code, ids.len()), (0, 2), "both records of the call: {answer:#}");
    // Without the call in between, it is said what is missing.
    let without: Vec<Value> =
        events.into_iter().filter(|event| !["second", "twin"].contains(&event["eventID"].as_str().unwrap())).collect();
    let (code, answer) = who(&archive(&without), &["bucket", "acme-files"]);
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    assert_eq!((code, &person["origin"]), (3, &Value::Null));
    assert!(person["lost"].as_str().unwrap().contains("gave out ASIAEXAMPLESECOND001"), "{person}");
}

#[test]
fn twenty_instances_of_one_call_and_an_id_that_only_the_answer_of_the_creation_has() {
    let ids: Vec<String> = (0..20).map(|n| format!("i-{n:017x}")).collect();
    let items = |ids: &[String]| json!({"items": ids.iter().map(|id| json!({"instanceId": id})).collect::<Vec<_>>()});
    let bucket = archive(&[
        call(0, "run", "ec2", "RunInstances", "ann", &json!({"responseElements": {"instancesSet": items(&ids)}})),
        call(
            1,
            "end",
            "ec2",
            "TerminateInstances",
            "bob",
            &json!({"requestParameters": {"instancesSet": items(&ids[5..])}}),
        ),
        call(
            2,
            "asg",
            "ec2",
            "TerminateInstances",
            "",
            &json!({"requestParameters": {"instancesSet": items(&ids[..2])},
            "userIdentity": {"type": "AssumedRole", "invokedBy": "autoscaling.amazonaws.com",
                "arn": "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling",
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn":
                    "arn:aws:iam::111111111111:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"}}}}),
        ),
    ]);
    for (at, expected) in [(19, pair("deleted", "end")), (3, pair("nothing", "")), (0, pair("ended_by_aws", "asg"))] {
        let (_, answer) = who(&bucket, &[&ids[at]]);
        assert_eq!(ended(&answer), expected, "{answer:#}");
        assert_eq!(answer["resources"][0]["incarnations"][0]["steps"][0]["event_id"], "run");
    }
}

#[test]
fn policies_are_shown_as_what_they_change_and_hostile_text_does_not_act() {
    let policy = |principal: Value| {
        json!({"requestParameters": {"bucketName": "acme-files", "bucketPolicy": {"Version": "2012-10-17", "Statement": [
            {"Sid": "Read", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"}]}}})
    };
    let bucket = archive(&[
        bucket_call(0, "one", "PutBucketPolicy", "ann", &policy(json!({"AWS": "arn:aws:iam::333333333333:root"}))),
        bucket_call(1, "two", "PutBucketPolicy", "<script>alert(1)</script>\u{1b}[2J", &policy(json!("*"))),
    ]);
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let files = ["who.txt", "who.md", "who.html"];
    let outputs: Vec<&str> = files.iter().flat_map(|file| ["--output", file]).collect();
    let done = run(home.path(), &[&["--place", "copy", "bucket", "acme-files"], &WHOLE[..], &outputs].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    for file in files {
        let text = std::fs::read_to_string(home.path().join(file)).unwrap();
        assert!(
            text.contains("Principal") && text.contains("333333333333:root") && !text.contains('\u{1b}'),
            "{file} {text}"
        );
        assert!(file == "who.txt" || !text.contains("<script"), "{file} {text}");
    }
}

#[test]
fn what_is_no_subject_is_refused_with_what_to_write() {
    let home = tempfile::tempdir().unwrap();
    archive(&[]).write_to(&home.path().join("copy"));
    for (arguments, says) in [
        (&["instance", "web"][..], "i-"),
        (&["--access-key", ""], "access key"),
        (&["--access-key", "ASIA"], "20 characters"),
        (&["--session", "Deploy/x"], "assumed-role"),
        (&["bukket", "acme-files"], "`bucket`"),
        (&["bucket", "x", "--resources", "absent.yaml"], "absent.yaml"),
        (&["a\u{7}b"], "control characters"),
    ] {
        let done = run(home.path(), &[&["--place", "copy"], arguments].concat());
        let text = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{arguments:?} {text}");
        assert!(text.contains(says), "{arguments:?} {text}");
    }
}

#[test]
fn a_lake_answers_as_the_log_files_do() {
    let home = tempfile::tempdir().unwrap();
    archive(&stolen()).write_to(&home.path().join("copy"));
    let mut update = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    update.args(["lake", "update", "--place", "copy", "--lake", "lake"]).current_dir(home.path()).env_clear();
    let done = update.env("HOME", home.path()).output().unwrap();
    assert!(home.path().join("lake/lake.json").exists(), "{done:?}");
    let answer = |more: &[&str]| {
        let done = run(home.path(), &[&["--format", "json", "bucket", "acme-files"], &WHOLE[..], more].concat());
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error} {done:?}"));
        answer["resources"].clone()
    };
    let of_files = answer(&["--place", "copy"]);
    assert_eq!(of_files.as_array().map(Vec::len), Some(1));
    assert_eq!(answer(&["--lake", "lake"]), of_files);
}

/// An event as `LookupEvents` answers it.
fn looked_up(record: &Value) -> Value {
    json!({"EventId": record["eventID"], "EventName": record["eventName"], "EventTime": 1_795_000_000,
        "EventSource": record["eventSource"], "CloudTrailEvent": record.to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_archive_the_event_history_is_asked_and_says_what_it_has() {
    let emulator = Emulator::start();
    let events = stolen();
    let answer = |found: &[&Value]| {
        Trouble::Answer(json!({"Events": found.iter().map(|own| looked_up(own)).collect::<Vec<_>>()}).to_string())
    };
    let proxy = emulator.proxy();
    proxy.trouble_where("cloudtrail", "LookupEvents", "\"acme-files\"", 99, answer(&[&events[3]]));
    proxy.trouble_where("cloudtrail", "LookupEvents", "\"AssumeRole\"", 99, answer(&[&events[0], &events[1]]));
    proxy.trouble("cloudtrail", "LookupEvents", 999, answer(&[]));
    let home = tempfile::tempdir().unwrap();
    let asked = |more: &[&str]| {
        let line = [&["who", "bucket", "acme-files", "--format", "json"], more].concat();
        let done = orgtrail(&emulator, home.path(), &line);
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error} {done:?}"));
        (done.status.code(), answer)
    };
    let (code, answer) = asked(&["--from", "2026-11-20"]);
    assert_eq!(ended(&answer), pair("deleted", "deleted"), "{answer:#}");
    let person = &answer["resources"][0]["incarnations"][0]["steps"][0]["person"];
    assert_eq!(person["origin"], format!("arn:aws:iam::{ACCOUNT}:user/mallory"));
    assert_eq!((&answer["coverage"], &answer["history"]["gaps"]), (&Value::Null, &json!([])), "{answer:#}");
    assert_eq!((code, &answer["history"]["begins_later"]), (Some(0), &json!(false)));
    // The organization tells what accounts are called, where it may be asked; where not, it is said.
    let why = |answer: &Value| answer["account_names_unknown"].as_str().unwrap_or_default().to_owned();
    assert!(why(&answer).contains("AWSOrganizationsNotInUseException"), "{answer:#}");
    let organization = json!({"Organization":
        {"Id": "o-exampleorgid", "MasterAccountId": "111111111111", "FeatureSet": "ALL"}});
    let account = json!({"Id": ACCOUNT, "Name": "shop", "Email": "shop@example.com", "Status": "ACTIVE", "State": "ACTIVE",
        "Paths": [format!("o-exampleorgid/r-ab12/{ACCOUNT}/")]});
    proxy.trouble("organizations", "DescribeOrganization", 2, Trouble::Answer(organization.to_string()));
    proxy.trouble("organizations", "ListAccounts", 1, Trouble::Answer(json!({"Accounts": [account]}).to_string()));
    let (code, named) = asked(&["--from", "2026-11-20"]);
    assert_eq!((code, &named["account_names"]), (Some(0), &json!({ACCOUNT: "shop"})), "{named:#}");
    assert_eq!(named["account_names_unknown"], Value::Null, "{named:#}");
    proxy.trouble("organizations", "ListAccounts", 1, Trouble::Error(400, "AccessDeniedException"));
    let (code, denied) = asked(&["--from", "2026-11-20"]);
    let why = why(&denied);
    assert!(why.contains("ListAccounts (AccessDeniedException)") && why.contains("delegated administrator"), "{why}");
    assert_eq!((code, &denied["account_names"]), (Some(0), &json!({})), "names are no part of the answer");
    // What was before the history is not known.
    let (code, answer) = asked(&[]);
    assert_eq!((code, &answer["history"]["begins_later"]), (Some(3), &json!(true)));
    // Both: the archive has what is older, and a record that both have counts once.
    archive(&events[2..]).write_to(&home.path().join("copy"));
    let (_, answer) = asked(&["--source", "both", "--place", "copy", "--from", "2026-11-20"]);
    assert_eq!(answer["resources"][0]["incarnations"][0]["steps"].as_array().map(Vec::len), Some(1), "{answer:#}");
    assert!(answer["coverage"].is_object() && answer["history"].is_object());
    // What cannot be looked up is said, and is not "nothing".
    proxy.clear_up();
    let denied = Trouble::Error(400, "AccessDeniedException");
    proxy.trouble("cloudtrail", "LookupEvents", 999, denied);
    let (code, answer) = asked(&["--from", "2026-11-20"]);
    let gaps = answer["history"]["gaps"].to_string();
    assert!(code == Some(3) && gaps.contains("AccessDenied"), "{code:?} {gaps}");
}

#[test]
fn what_an_actor_did_what_stands_when_it_was_used_and_which_actions_it_needs() {
    let mut events = stolen();
    // The stolen session also makes two buckets, one of which is gone.
    let made = |hour, id: &str, name: &str, call: &str| {
        let mut event = events[3].clone();
        event["eventID"] = json!(id);
        event["eventName"] = json!(call);
        event["eventTime"] = json!(format!("2026-11-20T0{hour}:30:00Z"));
        event["requestParameters"] = json!({"bucketName": name});
        event
    };
    let more = [
        made(2, "kept-made", "acme-kept", "CreateBucket"),
        made(2, "gone-made", "acme-gone", "CreateBucket"),
        made(3, "gone-ended", "acme-gone", "DeleteBucket"),
    ];
    let other =
        bucket_call(4, "other", "CreateBucket", "ann", &json!({"requestParameters": {"bucketName": "acme-anns"}}));
    events.extend(more);
    events.push(other);
    let bucket = archive(&events);
    let mallory = format!("arn:aws:iam::{ACCOUNT}:user/mallory");

    let (code, answer) = who(&bucket, &["--what-else", &mallory]);
    let own = &answer["actor"];
    assert_eq!((code, &own["calls"]), (0, &json!(6)), "{answer:#}");
    let changed: Vec<&str> =
        own["changed"].as_array().unwrap().iter().filter_map(|line| line["name"].as_str()).collect();
    assert!(changed.iter().any(|name| name.contains("acme-files")) && changed.len() == 5, "{changed:?}");

    let (_, answer) = who(&bucket, &["--still-there", &mallory]);
    let names = |part: &str| -> Vec<String> {
        answer["actor"][part].as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("stands").len(), 1, "{answer:#}");
    assert!(names("stands")[0].contains("acme-kept"), "{answer:#}");

    let (_, answer) = who(&bucket, &["--last-used", "arn:aws:iam::222222222222:role/Deploy"]);
    let own = &answer["actor"];
    assert_eq!((&own["last_done"]["event_id"], &own["calls"]), (&json!("gone-ended"), &json!(4)), "{answer:#}");
    assert!(own["callers"][0]["caller"].as_str().unwrap().contains("role/Dev"), "{own:#}");

    let (_, answer) = who(&bucket, &["--used-actions", "arn:aws:iam::222222222222:role/Deploy"]);
    let own = &answer["actor"];
    let actions: Vec<&str> =
        own["actions"].as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(actions, ["s3:CreateBucket", "s3:DeleteBucket"], "{answer:#}");
    assert_eq!(own["policy"]["Statement"][0]["Effect"], "Allow");
    assert!(own["limits"].as_array().unwrap().len() > 2);

    // Every format has it, and somebody without a record is no "nothing".
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    let outputs = ["--output", "a.txt", "--output", "a.md", "--output", "a.html"];
    let done = run(
        home.path(),
        &[&["--place", "copy", "--used-actions", "role-without-records"], &WHOLE[..], &outputs].concat(),
    );
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let text = std::fs::read_to_string(home.path().join("a.txt")).unwrap();
    assert!(text.contains("It is no proof that nothing happened") && text.contains("named by its ARN"), "{text}");
    let done = run(home.path(), &[&["--place", "copy", "--what-else", &mallory], &WHOLE[..], &outputs].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    for file in ["a.txt", "a.md", "a.html"] {
        let text = std::fs::read_to_string(home.path().join(file)).unwrap();
        assert!(text.contains("acme-kept") && text.contains("DeleteBucket"), "{file} {text}");
    }
}
