//! `orgtrail demo` as a person runs it: the binary, without credentials, without a home, without a network to use.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn orgtrail(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    // Whoever asked AWS would end here at once: nobody listens on the discard port.
    command.env_clear().env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").env("AWS_EC2_METADATA_DISABLED", "true");
    command.current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("orgtrail-demo").join(name)).unwrap()
}

#[test]
fn the_demo_finds_and_repairs_what_three_hands_did() {
    let folder = tempfile::tempdir().unwrap();
    let output = orgtrail(folder.path(), &["demo"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let story = text(&output.stdout);
    for line in ["$ orgtrail discover", "$ orgtrail plan", "$ orgtrail apply", "$ orgtrail drift", "logging"] {
        assert!(story.contains(line), "{line}\n{story}");
    }

    // What README shows of it is what it says, but for the lines that it leaves out.
    let readme = include_str!("../../README.md").split_once("```text\n$ orgtrail drift\n").unwrap().1;
    for shown in readme.split_once("```").unwrap().0.split("      …\n") {
        assert!(story.contains(shown), "README says\n{shown}\nand the demo\n{story}");
    }

    for command in ["query", "who"] {
        let begin = format!("```text\n$ orgtrail {command} ");
        let block = include_str!("../../README.md").split_once(&begin).unwrap().1;
        for shown in block.split_once("```").unwrap().0.split("    …\n") {
            assert!(story.contains(shown), "README says\n{shown}\nand the demo\n{story}");
        }
    }

    let drift: Value = serde_json::from_str(&read(folder.path(), "reports/5-drift.json")).unwrap();
    assert_eq!(drift["in_sync"], false);
    let mut addresses: Vec<&str> =
        drift["changes"].as_array().unwrap().iter().map(|change| change["address"].as_str().unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(
        addresses,
        [
            "111111111111/eu-central-1/trail/acme-org-trail",
            "222222222222/eu-central-1/bucket_policy/acme-org-cloudtrail",
            "222222222222/global/role/CloudTrailReadLogs-620000000005",
            "620000000005/global/policy/CloudTrailReadLogs",
        ]
    );
    assert!(read(folder.path(), "reports/5-drift.md").contains("acme-org-trail"));
    assert!(read(folder.path(), "policies/README.md").contains("bucket_policy"));
    assert!(!read(folder.path(), "reports/2-plan.txt").contains('\u{1b}'));
}

#[test]
fn the_folder_is_a_world_to_go_on_in() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(orgtrail(folder.path(), &["demo"]).status.code(), Some(0));
    let demo = folder.path().join("orgtrail-demo");
    let drift = |format: &str| orgtrail(&demo, &["drift", "--estate", "estate.json", "--format", format]);
    let output = drift("json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["in_sync"], true);

    // The suspended and the pending account have no role; every other one that is not excluded has.
    let world: Value = serde_json::from_str(&read(folder.path(), "estate.json")).unwrap();
    let sightings = world["estate"]["sightings"].as_object().unwrap();
    let readers = sightings.keys().filter(|address| address.contains("/role/CloudTrailReadLogs-")).count();
    assert_eq!(world["organization"]["accounts"].as_object().unwrap().len(), 15);
    assert_eq!(readers, 12);

    // Our trail comes first in the file: eu-central-1 before us-east-1.
    let edited = read(folder.path(), "estate.json").replacen("\"logging\": true", "\"logging\": false", 1);
    fs::write(demo.join("estate.json"), edited).unwrap();
    assert_eq!(drift("human").status.code(), Some(2));
}

#[test]
fn the_lake_that_readme_shows_is_made_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(orgtrail(folder.path(), &["demo"]).status.code(), Some(0));
    let demo = folder.path().join("orgtrail-demo");
    let readme = include_str!("../../README.md").split_once("```text\n$ orgtrail lake update ").unwrap().1;
    let (update, rest) = readme.split_once("```").unwrap().0.split_once('\n').unwrap();
    let updated = orgtrail(&demo, &["lake update", update].join(" ").split(' ').collect::<Vec<_>>());
    assert_eq!(updated.status.code(), Some(0), "{}", text(&updated.stderr));
    let (shown, query) = rest.split_once("$ orgtrail query ").unwrap();
    assert_eq!(text(&updated.stdout), shown);
    let (options, sql) = query.trim().split_once(" \"").unwrap();
    let asked: Vec<&str> = ["query"].into_iter().chain(options.split(' ')).chain([sql.trim_end_matches('"')]).collect();
    let answer = orgtrail(&demo, &asked);
    // The demo's logs have no digests.
    assert_eq!(answer.status.code(), Some(3), "{}", text(&answer.stderr));
    assert!(text(&answer.stdout).contains("StopLogging") && text(&answer.stdout).contains("Of the lake lake"));
}

#[test]
fn two_demos_give_the_same_bytes_and_write_over_no_other_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = orgtrail(folder.path(), &["demo"]);
    let world = read(folder.path(), "estate.json");
    let second = orgtrail(folder.path(), &["demo"]);
    assert_eq!(text(&first.stdout), text(&second.stdout));
    assert_eq!(world, read(folder.path(), "estate.json"));

    fs::write(folder.path().join("thesis.txt"), "five years").unwrap();
    let refused = orgtrail(folder.path(), &["demo", "--output", "."]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("not made by a demo"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
