//! The lake as people keep it: the whole program over folders and over moto's S3, also where it is killed in the middle
//! or runs twice at the same time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use orgtrail::cloud::aws::archive::Connection;
use orgtrail::lake::store::{Condition, LakeStore, Written, rewritten};
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout};
use crate::program::{client, orgtrail, upload};
use crate::s3::{S3Server, Settings};
use crate::support::{Emulator, Trouble};

const SECOND: &str = "222222222222";

fn event(id: usize) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": format!("2026-11-20T0{}:20:{:02}Z", id % 6, id % 60),
        "eventSource": "s3.amazonaws.com", "eventName": "PutObject", "awsRegion": "us-east-1",
        "eventID": format!("00000000-0000-4000-8000-{id:012}"), "recipientAccountId": ACCOUNT,
    })
}

/// An archive of six hours of two accounts, with as many log files an hour.
fn archive(logs: usize) -> Bucket {
    let contents = (0..7).map(|id| json!({"Records": [event(id), event(100 + id)]}).to_string()).collect();
    let accounts = vec![ACCOUNT.to_owned(), SECOND.to_owned()];
    Layout { accounts, logs: vec![logs], contents, ..Layout::default() }.write()
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.arg("lake").args(arguments).current_dir(home).env_clear().env("HOME", home);
    command
}

fn lake(home: &Path, arguments: &[&str]) -> Output {
    command(home, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that must end with a code; returns its answer.
fn must(code: i32, done: &Output) -> Value {
    assert_eq!(done.status.code(), Some(code), "{}{}", text(&done.stdout), text(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&done.stdout)))
}

/// The files of a lake in a folder, without what each run writes, and without the hidden files that a killed write
/// leaves: no reader sees them, and a later write of the same file takes them away.
fn files(lake: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![lake.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let entry_name = path.file_name().unwrap().to_string_lossy().into_owned();
            let name = path.strip_prefix(lake).unwrap().display().to_string();
            if path.is_dir() {
                open.push(path);
            } else if !name.starts_with("progress") && !entry_name.starts_with('.') {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

const WHOLE: [&str; 4] = ["--place", "copy", "--format", "json"];

fn update(home: &Path, more: &[&str]) -> Output {
    lake(home, &[&["update"], &WHOLE[..], more].concat())
}

fn home(bucket: &Bucket) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    home
}

#[test]
fn a_lake_in_a_folder_is_made_kept_shown_and_checked() {
    let home = home(&archive(2));
    let first = must(0, &update(home.path(), &[]));
    assert_eq!((&first["listed"], &first["added"], &first["records"]), (&json!(24), &json!(24), &json!(48)));
    assert_eq!((&first["organization"], &first["is_whole"]), (&json!("o-exampleorgid"), &json!(true)));
    let before = files(&home.path().join("orgtrail-lake"));
    let second = must(0, &update(home.path(), &[]));
    assert_eq!((&second["added"], &second["slots_written"]), (&json!(0), &json!(0)));
    assert_eq!(files(&home.path().join("orgtrail-lake")), before);

    let status = must(0, &lake(home.path(), &["status", "--days", "--format", "json"]));
    assert_eq!((&status["first_day"], &status["last_day"]), (&json!("2026-11-20"), &json!("2026-11-20")));
    assert_eq!((&status["total"]["objects"], &status["total"]["records"]), (&json!(24), &json!(48)));
    let (events, again) =
        (status["total"]["events"].as_u64().unwrap(), status["total"]["duplicates"].as_u64().unwrap());
    assert_eq!(events + again, 48);
    assert_eq!(status["foreign_count"], 0);
    let days = ["--from", "2026-11-20", "--to", "2026-11-20"];
    let checked = must(0, &lake(home.path(), &[&["check"], &WHOLE[..], &days].concat()));
    assert_eq!(
        (&checked["rows"], &checked["objects"], &checked["is_whole"]),
        (&json!(events), &json!(24), &json!(true))
    );

    let human = lake(home.path(), &["status"]);
    assert!(text(&human.stdout).contains("No day is sealed"), "{}", text(&human.stdout));
    let csv = text(&lake(home.path(), &["status", "--format", "csv"]).stdout);
    assert!(csv.starts_with("period,slots,") && csv.contains("\r\n2026-11,"), "{csv}");
}

#[test]
fn what_is_missing_foreign_or_different_decides_the_exit_code() {
    let bucket = archive(1);
    let home = home(&bucket);
    let copy = home.path().join("copy");
    let log = bucket.layout.log(ACCOUNT, "us-east-1", 1, 0);
    let body = std::fs::read(copy.join(&log)).unwrap();
    std::fs::write(copy.join(&log), &body[..body.len() / 2]).unwrap();
    let updated = must(3, &update(home.path(), &[]));
    assert!(updated["damaged"][0]["name"] == json!(log) && updated["added"] == 12, "{updated:#}");
    let status = must(3, &lake(home.path(), &["status", "--format", "json"]));
    assert_eq!(status["damaged"][0]["name"], json!(log));
    std::fs::write(copy.join(&log), &body).unwrap();
    must(0, &update(home.path(), &[]));

    std::fs::write(home.path().join("orgtrail-lake/events/notes.txt"), "mine").unwrap();
    let status = must(3, &lake(home.path(), &["status", "--format", "json"]));
    assert_eq!(status["foreign"], json!(["events/notes.txt"]));

    // One log file is another one than the run read, and one is gone.
    let changed = copy.join(bucket.layout.log(ACCOUNT, "us-east-1", 3, 0));
    let body = std::fs::read(&changed).unwrap();
    std::fs::write(&changed, [body.as_slice(), &[0]].concat()).unwrap();
    std::fs::remove_file(copy.join(bucket.layout.log(SECOND, "us-east-1", 2, 0))).unwrap();
    let days = ["--from", "2026-11-20", "--to", "2026-11-20"];
    let checked = must(2, &lake(home.path(), &[&["check"], &WHOLE[..], &days].concat()));
    let kinds: Vec<&str> =
        checked["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"source_changed") && kinds.contains(&"source_gone"), "{checked:#}");
}

#[test]
fn a_lake_that_is_another_one_or_lies_among_the_logs_is_refused() {
    let home = home(&archive(1));
    must(0, &update(home.path(), &[]));
    let refused = |arguments: &[&str]| {
        let done = lake(home.path(), arguments);
        assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{arguments:?} {done:?}");
        text(&done.stderr)
    };
    let other = refused(&["update", "--place", "copy", "--grain", "hour"]);
    assert!(other.contains("cannot be changed") && other.contains("help: "), "{other}");
    assert!(refused(&["update", "--place", "copy", "--lake", "copy/AWSLogs/lake"]).contains("among the logs"));
    assert!(refused(&["update", "--place", "copy", "--lake", "copy"]).contains("would have the logs"));
    assert!(refused(&["status", "--lake", "nowhere"]).contains("no lake"));
    assert!(refused(&["update", "--place", "copy", "--shard", "5/4"]).contains("no shard"));
    assert!(refused(&["update", "--place", "empty"]).contains("neither a bucket"));
    let two = archive(1);
    two.write_to(&home.path().join("both"));
    Layout { organization: Some("o-otherorgid00".into()), ..Layout::default() }
        .write()
        .write_to(&home.path().join("both"));
    assert!(refused(&["update", "--place", "both", "--lake", "new"]).contains("several organizations"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_in_the_middle_is_repeated_and_two_at_once_make_one_lake() {
    let home = home(&archive(40));
    let whole = must(0, &update(home.path(), &["--lake", "whole"]));
    assert_eq!(whole["added"], 480);
    for delay in [5, 20, 60, 150] {
        let small = ["update", "--place", "copy", "--lake", "killed", "--max-memory", "5KB"];
        let mut run = command(home.path(), &small).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let both = ["update", "--place", "copy", "--lake", "killed", "--max-memory", "50KB"];
    let runs: Vec<_> = (0..2)
        .map(|_| command(home.path(), &both).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    for run in runs {
        assert_eq!(run.wait_with_output().unwrap().status.code(), Some(0));
    }
    let (killed, whole) = (files(&home.path().join("killed")), files(&home.path().join("whole")));
    let other = |name: &&String| killed.get(*name) != whole.get(*name);
    let others: Vec<&String> = killed.keys().chain(whole.keys()).filter(other).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_says_so_and_the_next_one_goes_on() {
    let home = home(&archive(40));
    let arguments = [&["update"], &WHOLE[..], &["--max-memory", "1KB"]].concat();
    let run = command(home.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It is at work when the lake is there.
    while !home.path().join("orgtrail-lake/events").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-TERM", &run.id().to_string()]).status().unwrap();
    let done = run.wait_with_output().unwrap();
    let stopped: Value = serde_json::from_slice(&done.stdout).unwrap();
    // It may have been done before the signal came.
    if stopped["is_stopped"] == true {
        assert_eq!((done.status.code(), &stopped["is_whole"]), (Some(3), &json!(false)), "{stopped:#}");
        assert!(text(&done.stderr).contains("Stopped before its end"), "{}", text(&done.stderr));
    }
    must(0, &update(home.path(), &[]));
    let status = must(0, &lake(home.path(), &["status", "--format", "json"]));
    assert_eq!(status["total"]["objects"], 480);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_in_a_bucket_is_made_kept_and_checked_and_nothing_is_deleted() {
    let emulator = Emulator::start();
    let bucket = archive(3);
    upload(&emulator, &bucket).await;
    client(&emulator).create_bucket().bucket("acme-lake").send().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    let at = "s3://acme-lake/cloudtrail";
    let run = |arguments: &[&str]| orgtrail(&emulator, home.path(), &[&["lake"], arguments].concat());
    let updated = must(0, &run(&["update", "--place", &place, "--lake", at, "--format", "json", "--slots", "2"]));
    assert_eq!((&updated["added"], &updated["records"]), (&json!(36), &json!(72)), "{updated:#}");
    let again = must(0, &run(&["update", "--place", &place, "--lake", at, "--format", "json"]));
    assert_eq!((&again["added"], &again["slots_written"]), (&json!(0), &json!(0)));
    let status = must(0, &run(&["status", "--lake", at, "--format", "json"]));
    assert_eq!((&status["total"]["objects"], &status["lake"]), (&json!(36), &json!("s3://acme-lake/cloudtrail/")));
    let days = ["--from", "2026-11-20", "--to", "2026-11-20"];
    let check = [&["check", "--place", &place, "--lake", at, "--format", "json"], &days[..]].concat();
    let checked = must(0, &run(&check));
    assert_eq!((&checked["objects"], &checked["is_whole"]), (&json!(36), &json!(true)), "{checked:#}");
    // One byte of one log file, in its place.
    let log = bucket.layout.log(ACCOUNT, "us-east-1", 1, 0);
    let put = client(&emulator).put_object().bucket(&bucket.layout.bucket).key(&log);
    put.body(b"changed".to_vec().into()).send().await.unwrap();
    let checked = must(2, &run(&check));
    assert_eq!(checked["differences"][0]["kind"], "source_changed", "{checked:#}");

    let refused = run(&["update", "--place", &place, "--lake", &place]);
    assert!(text(&refused.stderr).contains("would have the logs"), "{}", text(&refused.stderr));
    assert_eq!(emulator.proxy().count("s3:DeleteObject") + emulator.proxy().count("s3:DeleteObjects"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_and_runs_at_once_make_one_lake_in_a_bucket() {
    let emulator = Emulator::start();
    let bucket = archive(4);
    upload(&emulator, &bucket).await;
    for name in ["acme-lake", "acme-whole"] {
        client(&emulator).create_bucket().bucket(name).send().await.unwrap();
    }
    let home = tempfile::tempdir().unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    let run = |lake: &str, more: &[&str]| {
        let arguments = [&["lake", "update", "--place", &place, "--lake", lake, "--slots", "4"], more].concat();
        let done = orgtrail(&emulator, home.path(), &arguments);
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    };
    let small = ["--max-memory", "3KB"];
    std::thread::scope(|scope| {
        for shard in ["1/2", "2/2", "1/2"] {
            let small = &small;
            scope.spawn(move || run("s3://acme-lake", &[&["--shard", shard], &small[..]].concat()));
        }
    });
    run("s3://acme-whole", &[]);
    let slots = async |name: &str| {
        let listed = client(&emulator).list_objects_v2().bucket(name).prefix("events/").send().await.unwrap();
        let of =
            |object: &aws_sdk_s3::types::Object| (object.key().unwrap().to_owned(), object.e_tag().unwrap().to_owned());
        listed.contents().iter().map(of).collect::<Vec<_>>()
    };
    let (one, other) = (slots("acme-lake").await, slots("acme-whole").await);
    assert!(!one.is_empty() && one == other, "{one:?} {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_an_answer_is_made_again_and_counted_once() {
    let emulator = Emulator::start();
    let bucket = archive(1);
    upload(&emulator, &bucket).await;
    client(&emulator).create_bucket().bucket("acme-lake").send().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    emulator.proxy().trouble("s3", "PutObject", 2, Trouble::LoseAnswer);
    emulator.proxy().trouble("s3", "PutObject", 2, Trouble::Error(503, "SlowDown"));
    let arguments = ["lake", "update", "--place", &place, "--lake", "s3://acme-lake", "--format", "json"];
    let updated = must(0, &orgtrail(&emulator, home.path(), &arguments));
    assert_eq!((&updated["added"], &updated["records"]), (&json!(12), &json!(24)), "{updated:#}");
    emulator.proxy().trouble("s3", "PutObject", 100, Trouble::Error(403, "AccessDenied"));
    let refused = orgtrail(&emulator, home.path(), &[&arguments[..4], &["--lake", "s3://acme-lake/other"]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("AccessDenied"), "{}", text(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_bucket_is_replaced_under_its_condition_only_and_read_in_one_version() {
    let emulator = Emulator::start();
    client(&emulator).create_bucket().bucket("acme-lake").send().await.unwrap();
    let config = S3Server::start(Settings::default()).config().into_builder().endpoint_url(emulator.endpoint()).build();
    let lake: Arc<dyn LakeStore> = Arc::new(Connection::new(config).lake("acme-lake", "a/").await.unwrap());
    let bytes = |letter: u8| Bytes::from(vec![letter; 100 << 10]);
    assert_eq!(lake.get("events/x").await.unwrap(), None);
    assert_eq!(lake.put("events/x", bytes(b'1'), &Condition::Absent).await.unwrap(), Written::Done);
    assert_eq!(lake.put("events/x", bytes(b'2'), &Condition::Absent).await.unwrap(), Written::Lost);
    let stored = lake.get("events/x").await.unwrap().unwrap();
    assert_eq!(stored.bytes, bytes(b'1'));
    let opened = lake.opened(&lake.list("events/").next().await.unwrap().unwrap());
    assert_eq!((opened.size_bytes(), opened.read(5..9).await.unwrap()), (100 << 10, Bytes::from_static(b"1111")));
    assert_eq!(opened.read((100 << 10) - 4..100 << 10).await.unwrap().len(), 4);
    assert!(opened.read(5..(100 << 10) + 1).await.is_err());

    // The write is done, its answer is lost, and what is tried again finds it.
    emulator.proxy().trouble("s3", "PutObject", 1, Trouble::LoseAnswer);
    let held = Condition::unchanged(Some(&stored));
    assert_eq!(lake.put("events/x", bytes(b'3'), &held).await.unwrap(), Written::Lost);
    assert_eq!(lake.get("events/x").await.unwrap().unwrap().bytes, bytes(b'3'));
    assert_eq!(lake.put("events/x", bytes(b'4'), &held).await.unwrap(), Written::Lost);
    assert_eq!(lake.put("events/y", bytes(b'4'), &held).await.unwrap(), Written::Lost, "there is none to replace");

    // What was opened is of the old version, and is not mixed with the new one.
    let fault = opened.read(0..4).await.unwrap_err();
    assert_eq!(fault, rewritten());
    let listed: Vec<String> = lake.list("").map(|one| one.unwrap().key).collect().await;
    assert_eq!(listed, ["events/x"]);
}
