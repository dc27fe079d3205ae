//! Rules over the archive: the whole program over archives that the tests write.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket};
use crate::who::{WHOLE, archive, call};

const HOSTILE: &str = "mallory\u{1b}[2J|<img src=x>`x`";

/// One user stops a trail, and another one reads.
fn story() -> Bucket {
    let stop = |user: &str| {
        let trail =
            json!({"requestParameters": {"name": format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/acme")}});
        call(2, "00000000-0000-4000-8000-000000000001", "cloudtrail", "StopLogging", user, &trail)
    };
    let read = |hour: u32| {
        let id = format!("00000000-0000-4000-8000-00000000001{hour}");
        call(hour, &id, "s3", "GetBucketPolicy", "alice", &json!({"readOnly": true}))
    };
    archive(&[read(0), stop(HOSTILE), read(3)])
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.arg("detect").args(WHOLE).args(arguments).current_dir(home).env_clear().env("HOME", home);
    command.output().unwrap()
}

fn home_with(bucket: &Bucket) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    bucket.write_to(&home.path().join("copy"));
    home
}

/// Asks the rules; returns the exit code and the answer as JSON.
fn detect(home: &Path, arguments: &[&str]) -> (i32, Value) {
    let done = run(home, &[&["--place", "copy", "--format", "json"], arguments].concat());
    let text = String::from_utf8_lossy(&done.stdout);
    let answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {done:?}"));
    (done.status.code().unwrap(), answer)
}

fn rules_of(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

#[test]
fn a_finding_says_who_did_what_and_where_and_ends_with_two() {
    let home = home_with(&story());
    let (code, answer) = detect(home.path(), &[]);
    assert_eq!((code, rules_of(&answer)), (2, vec!["trail-stopped"]), "{answer:#}");
    let finding = &answer["findings"][0];
    assert_eq!(
        (&finding["level"], &finding["event_count"], &finding["accounts"]),
        (&json!("high"), &json!(1), &json!([ACCOUNT]))
    );
    assert_eq!(finding["event_ids"], json!(["00000000-0000-4000-8000-000000000001"]));
    assert_eq!(finding["command"], "orgtrail who --event 00000000-0000-4000-8000-000000000001 --place copy");
    assert_eq!((&answer["is_whole"], &answer["tallies"]["records"]), (&json!(true), &json!(3)), "{answer:#}");
    // Whoever reads it on a terminal, or as a page of a wiki, is not at the mercy of a name.
    let human = String::from_utf8(run(home.path(), &["--place", "copy"]).stdout).unwrap();
    assert!(human.contains("HIGH") && human.contains("Next: ") && !human.contains('\u{1b}'), "{human}");
    let markdown = String::from_utf8(run(home.path(), &["--place", "copy", "--format", "markdown"]).stdout).unwrap();
    assert!(markdown.contains("## high: ") && !markdown.contains("<img") && !markdown.contains('\u{1b}'), "{markdown}");
    let ocsf = String::from_utf8(run(home.path(), &["--place", "copy", "--format", "ocsf"]).stdout).unwrap();
    let ocsf: Value = serde_json::from_str(&ocsf).unwrap();
    assert_eq!((ocsf.as_array().unwrap().len(), &ocsf[0]["class_uid"]), (1, &json!(2004)));
}

#[test]
fn nothing_found_is_fine_only_where_everything_was_looked_at() {
    let quiet = archive(&[call(1, "1", "s3", "GetBucketPolicy", "alice", &json!({"readOnly": true}))]);
    let home = home_with(&quiet);
    let (code, answer) = detect(home.path(), &[]);
    assert_eq!((code, rules_of(&answer).len(), &answer["is_whole"]), (0, 0, &json!(true)), "{answer:#}");
    // A log file that cannot be read may have what rings.
    let log = quiet.layout.log(ACCOUNT, "us-east-1", 1, 0);
    fs::write(home.path().join("copy").join(log), "no gzip").unwrap();
    let (code, answer) = detect(home.path(), &[]);
    assert_eq!((code, rules_of(&answer).len(), &answer["is_whole"]), (3, 0, &json!(false)), "{answer:#}");
    // So may a time without logs.
    let (code, answer) = detect(home.path(), &["--account", "999999999999"]);
    assert_eq!((code, &answer["is_whole"]), (3, &json!(false)), "{answer:#}");
}

const OURS: &str = "title: A policy was read
id: policy-read
author: the team
level: low
when: {eventName: GetBucketPolicy}
group_by: [recipientAccountId]
within: 6h
at_least: 2
---
title: Broken
id: broken
level: high
when: {eventNme: GetBucketPolicy}
group_by: [recipientAccountId]
within: 6h
at_least: 2
";

#[test]
fn a_broken_rule_is_named_with_its_line_and_stops_no_other() {
    let home = home_with(&story());
    fs::create_dir(home.path().join("ours")).unwrap();
    fs::write(home.path().join("ours/rules.yaml"), OURS).unwrap();
    let (code, answer) = detect(home.path(), &["--rules", "ours", "--no-pack", "--level", "low"]);
    assert_eq!((code, rules_of(&answer), &answer["is_whole"]), (2, vec!["policy-read"], &json!(false)), "{answer:#}");
    let problem = &answer["problems"][0];
    assert_eq!((&problem["rule"], &problem["file"]), (&json!("broken"), &json!("ours/rules.yaml")), "{answer:#}");
    assert!(problem["line"].as_u64().unwrap() > 9, "{problem}");
    // Without a finding, the rule that was not asked decides.
    let (code, _) = detect(home.path(), &["--rules", "ours", "--no-pack", "--level", "medium"]);
    assert_eq!(code, 3);
    for (arguments, said) in [
        (&["--rules", "absent.yaml"][..], "cannot read absent.yaml"),
        (&["--rules", "copy", "--no-pack"], "no file in copy ends with .yml or .yaml"),
        (&["--overrides", "ours"], "cannot read ours"),
    ] {
        let done = run(home.path(), &[&["--place", "copy"], arguments].concat());
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(1) && text.contains(said), "{arguments:?}: {text}");
    }
}

#[test]
fn an_override_silences_a_rule_with_its_reason_and_the_answer_says_so() {
    let home = home_with(&story());
    let text = "overrides:\n  - {rule: trail-stopped, disabled: true, why: We move the trail this week.}\n";
    fs::write(home.path().join("overrides.yaml"), text).unwrap();
    let (code, answer) = detect(home.path(), &["--overrides", "overrides.yaml"]);
    assert_eq!((code, rules_of(&answer).len()), (0, 0), "{answer:#}");
    assert_eq!(answer["disabled"][0]["why"], "We move the trail this week.");
    let human =
        String::from_utf8(run(home.path(), &["--place", "copy", "--overrides", "overrides.yaml"]).stdout).unwrap();
    assert!(human.contains("Switched off by overrides: trail-stopped"), "{human}");
    // So it does of single records.
    let text = "overrides:\n  - rule: trail-stopped\n    exclude:\n      - {when: {eventName: StopLogging}, who: the platform team, why: We move it.}\n";
    fs::write(home.path().join("overrides.yaml"), text).unwrap();
    let (code, answer) = detect(home.path(), &["--overrides", "overrides.yaml"]);
    assert_eq!((code, rules_of(&answer).len()), (0, 0), "{answer:#}");
    let excluded = json!([{"rule": "trail-stopped", "records": 1, "reasons": ["the platform team: We move it."]}]);
    assert_eq!(answer["excluded"], excluded);
}

#[test]
fn what_begins_before_the_time_and_ends_in_it_rings_in_it() {
    let read = |minute: u32, second: u32| {
        let id = format!("id-{minute}-{second}");
        let more = json!({"requestParameters": {"secretId": id}, "readOnly": true});
        let mut event = call(2, &id, "secretsmanager", "GetSecretValue", "eve", &more);
        event["eventTime"] = json!(format!("2026-11-20T02:{minute:02}:{second:02}Z"));
        event
    };
    // Eight before half past two, and seven after.
    let all: Vec<Value> = (0..8).map(|at| read(28, at)).chain((0..7).map(|at| read(31, at))).collect();
    let home = home_with(&archive(&all));
    let ask = |from: &str, to: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(["detect", "--place", "copy", "--format", "json", "--from", from, "--to", to]);
        let done = command.current_dir(home.path()).env_clear().env("HOME", home.path()).output().unwrap();
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        rules_of(&answer).iter().filter(|rule| **rule == "secrets-read-in-bulk").count()
    };
    assert_eq!(ask("2026-11-20T02:30:00Z", "2026-11-20T03:00:00Z"), 1);
    assert_eq!(ask("2026-11-20T02:00:00Z", "2026-11-20T02:30:00Z"), 0, "and in no other time");
}

#[test]
fn a_file_of_a_folder_that_is_none_stops_no_other() {
    let home = home_with(&story());
    fs::create_dir(home.path().join("ours")).unwrap();
    fs::write(home.path().join("ours/a.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let (code, answer) = detect(home.path(), &["--rules", "ours"]);
    assert_eq!((code, rules_of(&answer), &answer["is_whole"]), (2, vec!["trail-stopped"], &json!(false)), "{answer:#}");
    assert_eq!(answer["problems"][0]["file"], "ours/a.yaml");
}

#[test]
fn what_is_new_rings_only_where_the_time_before_is_known() {
    let rule = "title: A new caller\nid: new-caller\nlevel: high\nwhen: {eventName: GetBucketPolicy}\n\
        first: [principal]\nin: 90d\nknown_for: 1h\n";
    let read = |hour: u32, user: &str| {
        call(hour, &format!("id-{hour}"), "s3", "GetBucketPolicy", user, &json!({"readOnly": true}))
    };
    let home = home_with(&archive(&[read(0, "alice"), read(3, "alice"), read(4, "bob")]));
    fs::write(home.path().join("new.yaml"), rule).unwrap();
    let ask = |from: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(["detect", "--place", "copy", "--format", "json", "--rules", "new.yaml", "--no-pack"]);
        command.args(["--from", from, "--to", "2026-11-20T05:59:59Z"]).args(more).current_dir(home.path());
        let done = command.env_clear().env("HOME", home.path()).output().unwrap();
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        let who = answer["findings"].as_array().unwrap().iter().map(|one| one["principal"]["name"].clone());
        (who.collect::<Vec<_>>(), answer["tallies"]["by_rule"]["new-caller"]["without_baseline"].clone())
    };
    let bob = json!(format!("arn:aws:iam::{ACCOUNT}:user/bob"));
    // Alice called before; Bob did not.
    assert_eq!(ask("2026-11-20T02:00:00Z", &[]), (vec![bob.clone()], json!(0)));
    // The first moment belongs to the time, and not to the one before.
    assert_eq!(ask("2026-11-20T04:20:00Z", &[]), (vec![bob], json!(0)));
    // Nothing is known of the time before three o'clock, and so nothing of who is new at twenty past.
    assert_eq!(ask("2026-11-20T03:00:00Z", &["--learn-days", "0"]).1, json!(1));
}

#[test]
fn a_lake_and_its_log_files_give_the_same_findings() {
    let home = home_with(&story());
    let mut update = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    update.args(["lake", "update", "--place", "copy", "--lake", "lake"]).current_dir(home.path());
    let updated = update.env_clear().env("HOME", home.path()).output().unwrap();
    assert_eq!(updated.status.code(), Some(0), "{updated:?}");
    let (_, mut of_files) = detect(home.path(), &["--level", "informational"]);
    let (code, mut of_lake) = detect(home.path(), &["--level", "informational", "--lake", "lake"]);
    // The command that shows more asks where this one did.
    let command = |of: &mut Value| of["findings"][0]["command"].take();
    let (of_file, of_lakes) = (command(&mut of_files), command(&mut of_lake));
    assert_eq!(of_lakes, format!("{} --lake lake", of_file.as_str().unwrap()));
    assert_eq!((code, &of_lake["findings"]), (2, &of_files["findings"]));
    assert_eq!(rules_of(&of_files), ["trail-stopped"]);
}
