//! A lake that is asked, sealed and described: the whole program over folders.

use std::path::Path;
use std::process::{Command, Output};

use orgtrail::log_path::{ChainScope, LogKey, LogKind, LogRoot};
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout, gz};

const SECOND: &str = "222222222222";

fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).output().unwrap()
}

/// Runs a command that must end with a code; returns what it wrote.
fn must(code: i32, home: &Path, arguments: &[&str]) -> String {
    let done = run(home, arguments);
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(code), "{arguments:?}\n{out}{err}");
    out.into_owned()
}

fn answer(code: i32, home: &Path, arguments: &[&str]) -> Value {
    let text = must(code, home, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn record(id: usize) -> String {
    let hour = id % 24;
    json!({"Records": [{
        "eventVersion": "1.11", "eventTime": format!("2026-11-20T{hour:02}:20:00Z"), "eventName": "PutObject",
        "eventSource": "s3.amazonaws.com", "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "userName": "alice"},
        "eventID": format!("00000000-0000-4000-8000-{id:012}"),
    }]})
    .to_string()
}

/// An archive of two days of two accounts, one log file an hour.
fn archive() -> Bucket {
    let contents = (0..48).map(record).collect();
    let accounts = vec![ACCOUNT.to_owned(), SECOND.to_owned()];
    Layout { hours: 48, logs: vec![1], accounts, contents, ..Layout::default() }.write()
}

fn home(bucket: &Bucket) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    home
}

const DAY: [&str; 4] = ["--from", "2026-11-20T00:00:00Z", "--to", "2026-11-20T23:59:59Z"];
const COUNT: &str = "SELECT account, count(*) FROM events GROUP BY 1 ORDER BY 1";

#[test]
fn a_lake_answers_as_its_log_files_do_and_says_so() {
    let home = home(&archive());
    let home = home.path();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake"]);
    let of_logs = answer(0, home, &[&["query", "--place", "copy", COUNT], &DAY[..]].concat());
    let with_lake = [&["query", "--place", "copy", "--lake", "lake", COUNT], &DAY[..]].concat();
    let of_lake = answer(0, home, &with_lake);
    assert_eq!((&of_lake["rows"], of_lake["rows"].as_array().unwrap().len()), (&of_logs["rows"], 2));
    assert_eq!(of_lake["coverage"]["hours"], of_logs["coverage"]["hours"]);
    assert_eq!(
        (&of_lake["coverage"]["files"], of_lake["coverage"]["lake"]["slots"].as_u64() > Some(0)),
        (&json!(0), true)
    );
    // What names a lake, such as a variable, gives way to --no-lake.
    let without = answer(0, home, &[&with_lake[..], &["--no-lake"]].concat());
    assert_eq!((&without["rows"], &without["coverage"]["lake"]), (&of_logs["rows"], &Value::Null));
    for view in [
        "SELECT useridentity.username, eventtime FROM cloudtrail_logs ORDER BY eventtime, eventid",
        "SELECT * FROM events ORDER BY account, event_time, event_id",
    ] {
        let ask = |more: &[&str]| {
            answer(0, home, &[&["query", "--place", "copy", view], more, &DAY[..]].concat())["rows"].clone()
        };
        assert_eq!(ask(&["--lake", "lake"]), ask(&[]), "{view}");
    }
    // What came since is read beside it, and what was delivered again counts once.
    let root = LogRoot::default().in_organization("o-exampleorgid");
    let scope = ChainScope::of(&root, ACCOUNT.parse().unwrap(), "us-east-1".parse().unwrap());
    let new = LogKey::new(scope, LogKind::CloudTrail, jiff::Timestamp::now(), "N000000000000001").to_string();
    std::fs::create_dir_all(home.join("copy").join(&new).parent().unwrap()).unwrap();
    std::fs::write(home.join("copy").join(&new), gz(record(1).as_bytes())).unwrap();
    let newer = answer(3, home, &["query", "--place", "copy", "--lake", "lake", COUNT]);
    assert_eq!((&newer["coverage"]["files"], &newer["coverage"]["lake"]["has_newer"]), (&json!(1), &json!(true)));
    let all = answer(3, home, &["query", "--place", "copy", COUNT]);
    assert_eq!(newer["rows"], all["rows"]);
    // Without the logs it can only say up to when it is.
    let alone = answer(0, home, &[&["query", "--lake", "lake", COUNT], &DAY[..]].concat());
    assert_eq!((&alone["rows"], &alone["coverage"]["lake"]["has_newer"]), (&of_logs["rows"], &json!(false)));
}

#[test]
fn days_that_are_proved_are_sealed_and_answers_say_that_their_hours_are_attested() {
    let home = home(&archive());
    let home = home.path();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake"]);
    let verify = [
        "verify",
        "copy",
        "--to",
        "2026-11-22T00:00:00Z",
        "--keys",
        "keys.json",
        "--bucket",
        "acme-org-cloudtrail",
        "--seal=lake",
    ];
    let told = must(0, home, &verify);
    assert!(told.contains("days sealed 2 (2026-11-20 to 2026-11-21)"), "{told}");
    let ask = [&["query", "--place", "copy", "--lake", "lake", COUNT], &DAY[..]].concat();
    let hours = answer(0, home, &ask)["coverage"]["hours"].clone();
    assert_eq!((&hours["all"], &hours["attested"]), (&json!(48), &json!(48)));
    assert!(must(0, home, &ask).contains("(attested)"));
    let status = answer(0, home, &["lake", "status", "--lake", "lake"]);
    assert_eq!((&status["sealed_days"], &status["last_sealed_day"]), (&json!(2), &json!("2026-11-21")));
    // A log file that comes later opens its day again.
    let new = archive().layout.log(ACCOUNT, "us-east-1", 3, 0).replace(".json.gz", "9.json.gz");
    std::fs::write(home.join("copy").join(&new), gz(record(100).as_bytes())).unwrap();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake", "--from", "2026-11-20T00:00:00Z"]);
    let status = answer(0, home, &["lake", "status", "--lake", "lake"]);
    assert_eq!((&status["sealed_days"], &status["unsealed_days"]), (&json!(1), &json!(["2026-11-20"])));
    assert_eq!(answer(0, home, &ask)["coverage"]["hours"]["attested"], 24, "the other share has what it had");
    let told = must(3, home, &verify);
    assert!(told.contains("days sealed 1") && told.contains("not sealed 1"), "{told}");
}

fn asking<'a>(lake: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["query", "--lake", lake, COUNT], more, &DAY[..]].concat()
}

#[test]
fn a_lake_that_was_never_whole_does_not_pass_for_it() {
    let home = home(&archive());
    let home = home.path();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "part", "--to", "2026-11-20T12:00:00Z"]);
    let alone = answer(3, home, &asking("part", &[]));
    assert!(alone["coverage"]["unread"][0]["why"].as_str().unwrap().contains("never updated as a whole"), "{alone}");
    let beside = answer(0, home, &asking("part", &["--place", "copy"]));
    let of_logs = answer(0, home, &[&["query", "--place", "copy", COUNT], &DAY[..]].concat());
    assert_eq!(beside["rows"], of_logs["rows"]);
    // One that begins later says so, and with the logs beside it reads them.
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "late", "--from", "2026-11-21T00:00:00Z"]);
    let alone = answer(3, home, &asking("late", &[]));
    assert!(alone["coverage"]["unread"][0]["why"].as_str().unwrap().contains("before 2026-11-21"), "{alone}");
    assert_eq!(answer(0, home, &asking("late", &["--place", "copy"]))["rows"], beside["rows"]);
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "late", "--from", "2026-11-01"]);
    assert_eq!(answer(0, home, &asking("late", &[]))["rows"], beside["rows"]);
}

#[test]
fn statements_for_other_engines_name_the_lake_and_its_first_day() {
    let home = home(&archive());
    let home = home.path();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake"]);
    let duckdb = must(0, home, &["lake", "ddl", "--engine", "duckdb", "--lake", "lake"]);
    assert!(duckdb.contains("cloudtrail_events") && duckdb.contains("/lake/events/"), "{duckdb}");
    let refused = run(home, &["lake", "ddl", "--engine", "athena", "--lake", "lake"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Amazon Athena cannot read"), "{refused:?}");
    let raw = must(0, home, &["lake", "ddl", "--engine", "duckdb", "--raw", "--place", "copy"]);
    assert!(raw.contains("cloudtrail_logs") && raw.contains("/copy"), "{raw}");
    let none = run(home, &["lake", "ddl", "--engine", "spark", "--iceberg", "--lake", "lake"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("no day of the lake is sealed"), "{none:?}");
}

#[test]
fn a_place_that_is_no_lake_and_a_damaged_one_are_not_answered_from() {
    let home = home(&archive());
    let home = home.path();
    for (place, said) in [("copy", "would have the logs"), ("nothing", "is no lake")] {
        let done = run(home, &["query", "--place", "copy", "--lake", place, COUNT]);
        assert_eq!((done.status.code(), done.stdout.len()), (Some(1), 0), "{place}: {done:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(said), "{place}: {done:?}");
    }
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake"]);
    let slots: Vec<_> = std::fs::read_dir(home.join("lake/events/day=2026-11-20")).unwrap().collect();
    let slot = slots[0].as_ref().unwrap().path();
    let bytes = std::fs::read(&slot).unwrap();
    std::fs::write(&slot, &bytes[..bytes.len() / 2]).unwrap();
    let done = answer(3, home, &[&["query", "--place", "copy", "--lake", "lake", COUNT], &DAY[..]].concat());
    assert_eq!((&done["coverage"]["unread_count"], &done["coverage"]["is_whole"]), (&json!(1), &json!(false)));
}

#[test]
fn a_slot_that_is_damaged_inside_is_named_with_what_makes_it_anew() {
    let home = home(&archive());
    let home = home.path();
    let update = ["lake", "update", "--place", "copy", "--lake", "lake"];
    must(0, home, &[&update[..], &["--grain", "hour"]].concat());
    let mut slots: Vec<_> = files(&home.join("lake/events")).into_iter().collect();
    slots.sort();
    assert!(slots.len() > 2, "others are whole: {slots:?}");
    let whole = answer(
        3,
        home,
        &["query", "--lake", "lake", "--place", "copy", "SELECT * FROM events ORDER BY event_id, account"],
    );
    for slot in [&slots[0], &slots[slots.len() - 1]] {
        // The first column of the file; what describes it, at the end of the file, is whole.
        let mut bytes = std::fs::read(slot).unwrap();
        bytes[8..200].fill(0x5a);
        std::fs::write(slot, bytes).unwrap();
        let key = slot.strip_prefix(home.join("lake")).unwrap().to_string_lossy().into_owned();
        for question in [
            &["query", "--lake", "lake", "SELECT * FROM events ORDER BY event_id, account"][..],
            &["query", "--lake", "lake", "--place", "copy", "SELECT * FROM events ORDER BY event_time"],
        ] {
            let done = run(home, question);
            let text = String::from_utf8_lossy(&done.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(done.status.code(), Some(1), "{question:?} {text}");
            assert!(text.contains(&key) && text.contains("orgtrail lake update --repair"), "{question:?} {text}");
        }
        must(0, home, &[&update[..], &["--repair"]].concat());
        let again = answer(
            3,
            home,
            &["query", "--lake", "lake", "--place", "copy", "SELECT * FROM events ORDER BY event_id, account"],
        );
        assert_eq!(again["rows"], whole["rows"]);
    }
}

#[test]
fn a_check_says_which_days_and_accounts_of_the_lake_it_did_not_look_at() {
    let home = home(&archive());
    let home = home.path();
    let root = LogRoot::default().in_organization("o-exampleorgid");
    let scope = ChainScope::of(&root, ACCOUNT.parse().unwrap(), "us-east-1".parse().unwrap());
    let made = "2026-11-21T10:25:00Z".parse().unwrap();
    let next_day = LogKey::new(scope, LogKind::CloudTrail, made, "N000000000000001").to_string();
    let content = record(10).replace("2026-11-20T", "2026-11-21T");
    std::fs::write(home.join("copy").join(next_day), gz(content.as_bytes())).unwrap();
    must(0, home, &["lake", "update", "--place", "copy", "--lake", "lake"]);
    let check = |code: i32, more: &[&str]| {
        let arguments = [&["lake", "check", "--place", "copy", "--lake", "lake"], more].concat();
        let plain = must(code, home, &arguments).split_whitespace().collect::<Vec<_>>().join(" ");
        (answer(code, home, &arguments), plain)
    };
    let (all, text) = check(0, &["--from", "2026-11-20", "--to", "2026-11-21"]);
    assert_eq!((&all["days_not_looked_at"], &all["accounts"]), (&json!([]), &json!([])), "{all:#}");
    assert!(!text.contains("Not looked at"), "{text}");
    let first = json!(["2026-11-20", "2026-11-20"]);
    let (last, text) = check(0, &["--from", "2026-11-21", "--to", "2026-11-21"]);
    assert_eq!(last["days_not_looked_at"], json!([first]), "{last:#}");
    assert!(text.contains("Not looked at: what the lake has of 2026-11-20 (--from 2026-11-20"), "{text}");
    let (early, _) = check(0, &["--from", "2026-11-20", "--to", "2026-11-20", "--account", ACCOUNT]);
    assert_eq!(
        (&early["days_not_looked_at"], &early["accounts"]),
        (&json!([["2026-11-21", "2026-11-21"]]), &json!([ACCOUNT]))
    );
    // The days that are looked at unless others are named have nothing: that is not fine.
    let (none, text) = check(3, &["--to", "2026-12-20"]);
    assert_eq!(
        (&none["first_day"], &none["slots"], &none["is_whole"]),
        (&json!("2026-12-14"), &json!(0), &json!(false))
    );
    assert!(text.contains("what the lake has of 2026-11-20 to 2026-11-21"), "{text}");
}

/// Returns the files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
