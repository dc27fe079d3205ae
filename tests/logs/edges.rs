//! Edges of reading and of lakes that take many objects or a full disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Stored, gz};
use crate::s3::{S3Server, Settings};

fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).output().unwrap()
}

fn answer(code: i32, done: &Output) -> Value {
    assert_eq!(done.status.code(), Some(code), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// Writes a log file with a number; returns its key.
fn deliver(home: &Path, number: usize, body: &[u8]) -> String {
    let folder = format!("AWSLogs/o-exampleorgid/{ACCOUNT}/CloudTrail/us-east-1/2026/11/20");
    let (hour, minute) = (number / 60 % 24, number % 60 / 5 * 5);
    let key = format!("{folder}/{ACCOUNT}_CloudTrail_us-east-1_20261120T{hour:02}{minute:02}Z_N{number:015}.json.gz");
    let path = home.join("copy").join(&key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, body).unwrap();
    key
}

fn record(number: usize, more: &Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11",
        "eventTime": format!("2026-11-20T{:02}:{:02}:00Z", number / 60 % 24, number % 60 / 5 * 5),
        "eventSource": "s3.amazonaws.com", "eventName": "PutObject", "awsRegion": "us-east-1",
        "eventID": format!("00000000-0000-4000-8000-{number:012}"), "recipientAccountId": ACCOUNT,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        record[field] = value.clone();
    }
    record
}

fn body(record: &Value) -> Vec<u8> {
    gz(json!({"Records": [record]}).to_string().as_bytes())
}

#[test]
fn one_log_file_of_ten_thousand_that_cannot_be_read_is_named_and_the_rest_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let mut broken = String::new();
    for number in 0..10_000 {
        let body = if number == 7_777 { b"no gzip".to_vec() } else { body(&record(number, &json!({}))) };
        let key = deliver(home.path(), number, &body);
        broken = if number == 7_777 { key } else { broken };
    }
    let sql = "SELECT count(*) FROM events";
    let all = ["query", "--place", "copy", "--format", "json", sql];
    let of_logs = answer(3, &run(home.path(), &all));
    let updated =
        answer(3, &run(home.path(), &["lake", "update", "--place", "copy", "--lake", "lake", "--format", "json"]));
    assert_eq!((&updated["records"], &updated["damaged"][0]["name"]), (&json!(9_999), &json!(broken)), "{updated}");
    let of_lake = answer(3, &run(home.path(), &[&all[..], &["--lake", "lake"]].concat()));
    for answer in [of_logs, of_lake] {
        assert_eq!(answer["rows"], json!([[9_999]]), "{answer}");
        assert!(answer["coverage"].to_string().contains(&broken), "{}", answer["coverage"]);
    }
}

#[test]
fn events_of_every_version_are_rows_with_all_that_they_say() {
    let home = tempfile::tempdir().unwrap();
    let versions: Vec<String> =
        (0..=12).map(|minor| format!("1.{minor:02}")).chain(["1.0".into(), "2.0".into()]).collect();
    for (number, version) in versions.iter().enumerate() {
        let more = json!({"eventVersion": version, "aFieldOfTomorrow": {"deep": [1, 2.50, null]}});
        deliver(home.path(), number, &body(&record(number, &more)));
    }
    let sql = "SELECT event_version, json_extract_scalar(record, '$.aFieldOfTomorrow.deep[1]') FROM events \
               WHERE json_extract_scalar(record, '$.eventVersion') = event_version ORDER BY event_id";
    let done = run(home.path(), &["query", "--place", "copy", "--format", "json", sql]);
    let rows: Vec<Value> = versions.iter().map(|version| json!([version, "2.5"])).collect();
    // Without digests it is not known whether that is all.
    assert_eq!(answer(3, &done)["rows"], json!(rows));
}

#[cfg(unix)]
#[test]
fn a_lake_on_a_full_disk_has_nothing_half_written_and_the_next_update_makes_it_whole() {
    let home = tempfile::tempdir().unwrap();
    for number in 0..300 {
        let agent = format!("{:x}", number * 7_919).repeat(200);
        deliver(home.path(), number, &body(&record(number, &json!({"userAgent": agent}))));
    }
    let update = ["lake", "update", "--place", "copy", "--format", "json", "--lake"];
    let whole = run(home.path(), &[&update[..], &["whole"]].concat());
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    for limit in ["1", "4", "16", "64"] {
        // A file may have so many blocks, as if the disk ended there.
        let script = format!("ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_orgtrail")]).args(update).arg("full");
        let full = command.current_dir(home.path()).env_clear().env("HOME", home.path()).output().unwrap();
        if limit == "1" {
            assert_ne!(full.status.code(), Some(0), "{full:?}");
        }
        if home.path().join("full/lake.json").exists() {
            let status = run(home.path(), &["lake", "status", "--lake", "full"]);
            assert!(matches!(status.status.code(), Some(0 | 3)), "what is there can be read: {status:?}");
        }
    }
    let done = run(home.path(), &[&update[..], &["full"]].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let check = run(
        home.path(),
        &["lake", "check", "--lake", "full", "--place", "copy", "--from", "2026-11-20", "--to", "2026-11-21"],
    );
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    let slots = |lake: &str| {
        let day = home.path().join(lake).join("events/day=2026-11-20");
        let visible = |name: &String| !name.starts_with('.');
        let names = std::fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(visible).collect();
        names.sort();
        names.into_iter().map(|name| (std::fs::read(day.join(&name)).unwrap(), name)).collect::<Vec<_>>()
    };
    assert_eq!(slots("full"), slots("whole"));
}

/// Asks a bucket; returns the answer and how many listings that took.
fn asked_of(server: &S3Server, sql: &str) -> (Value, usize) {
    let before = server.settings.seen.lists.load(Ordering::SeqCst);
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    let settings = [
        ("AWS_ENDPOINT_URL", server.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    command.args(["query", "--place", "s3://logs/", "--format", "json", sql]).env_clear().envs(settings);
    let done = command.env("HOME", tempfile::tempdir().unwrap().path()).output().unwrap();
    // 3: without digests it is not known whether the logs are whole.
    (answer(3, &done), server.settings.seen.lists.load(Ordering::SeqCst) - before)
}

#[test]
fn a_question_about_one_account_lists_no_folder_of_the_others() {
    let mut objects = BTreeMap::new();
    for number in 0..50 {
        let account = format!("{:012}", 111_111_111_111_u64 + number);
        let folder = format!("AWSLogs/o-exampleorgid/{account}/CloudTrail/us-east-1/2026/11/20");
        let key = format!("{folder}/{account}_CloudTrail_us-east-1_20261120T0105Z_N{number:015}.json.gz");
        let record = record(usize::try_from(number).unwrap(), &json!({"recipientAccountId": account}));
        objects.insert(key, Stored { body: body(&record), metadata: BTreeMap::new() });
    }
    let server = S3Server::start(Settings { objects, ..Settings::default() });
    let (all, many) = asked_of(&server, "SELECT count(*) FROM events");
    assert_eq!((&all["rows"], &all["coverage"]["accounts"]), (&json!([[50]]), &json!(50)), "{all}");
    let (one, few) = asked_of(&server, "SELECT count(*) FROM events WHERE account = '111111111115'");
    assert_eq!((&one["rows"], &one["coverage"]["accounts"]), (&json!([[1]]), &json!(1)), "{one}");
    assert!(many >= 150 && few <= 10, "{many} listings for all accounts, {few} for one");
    // Of an account without a folder it is known whether anything lies there at all.
    let (none, _) = asked_of(&server, "SELECT count(*) FROM events WHERE account = '999999999999'");
    assert_eq!((&none["rows"], &none["coverage"]["unread_count"]), (&json!([[0]]), &json!(0)), "{none}");
}

#[test]
fn an_account_whose_old_logs_are_copied_after_an_update_is_in_answers_and_in_the_next_update() {
    let home = tempfile::tempdir().unwrap();
    deliver(home.path(), 1, &body(&record(1, &json!({}))));
    let update = ["lake", "update", "--place", "copy", "--lake", "lake", "--format", "json"];
    assert_eq!(answer(0, &run(home.path(), &update))["added"], json!(1));
    // Long before the time that an update goes back to, as a copy of a bucket has it that is not done.
    let other = "222222222222";
    let folder = home.path().join("copy/AWSLogs/o-exampleorgid").join(other).join("CloudTrail/us-east-1/2026/11/20");
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("{other}_CloudTrail_us-east-1_20261120T0105Z_N000000000000002.json.gz");
    std::fs::write(folder.join(name), body(&record(2, &json!({"recipientAccountId": other})))).unwrap();
    let sql = "SELECT account, count(*) FROM events GROUP BY account ORDER BY account";
    let all = ["query", "--lake", "lake", "--place", "copy", "--format", "json", sql];
    let both = json!([[ACCOUNT, 1], [other, 1]]);
    // 3: without digests it is not known whether the logs are whole.
    assert_eq!(answer(3, &run(home.path(), &all))["rows"], both);
    assert_eq!(answer(0, &run(home.path(), &update))["added"], json!(1));
    assert_eq!(answer(3, &run(home.path(), &["query", "--lake", "lake", "--format", "json", sql]))["rows"], both);
}
