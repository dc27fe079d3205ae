//! A run that is killed without a warning: the recorded estate is whole at every moment, and the next run finishes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use orgtrail::cloud::simulated::file;
use orgtrail::estate::snapshot::Snapshot;
use serde_json::{Value, json};

const CONFIG: &str = include_str!("../../examples/demo/orgtrail.yaml");
const WORLD: &str = include_str!("../../examples/demo/estate.json");

fn orgtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    command.env_clear().current_dir(folder).args(args).args(["--estate", "estate.json", "--quiet"]);
    command.stdout(Stdio::null());
    command
}

const APPLY: [&str; 6] = ["apply", "--yes", "--allow", "costs", "--concurrency", "1"];

fn start_apply(folder: &Path) -> Child {
    orgtrail(folder, &APPLY).spawn().unwrap()
}

/// Reads the world as another program would, at any moment: it must be whole.
fn world(folder: &Path) -> Snapshot {
    file::read(&folder.join("estate.json")).unwrap()
}

/// Kills a run as soon as the file shows so many resources; returns how many it then has.
fn kill_after(folder: &Path, resources: usize) -> usize {
    let mut run = start_apply(folder);
    while world(folder).estate.resources().count() < resources && run.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    // SIGKILL on unix: nothing can be tidied up.
    run.kill().unwrap();
    run.wait().unwrap();
    world(folder).estate.resources().count()
}

#[test]
fn the_next_run_finishes_what_a_killed_one_began() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("orgtrail.yaml"), CONFIG).unwrap();
    fs::write(folder.path().join("estate.json"), WORLD).unwrap();
    let before = world(folder.path()).estate.resources().count();
    let mut last = before;
    for more in [2, 9, 17] {
        let now = kill_after(folder.path(), before + more);
        assert!(now >= before + more && now >= last, "{before} {more} {last} {now}");
        last = now;
    }
    assert!(start_apply(folder.path()).wait().unwrap().success());
    assert!(orgtrail(folder.path(), &["drift"]).status().unwrap().success());
    assert!(world(folder.path()).estate.resources().count() > last);
}

#[test]
fn what_a_killed_run_removed_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let only_one =
        CONFIG.replace(r#"["ou:/**"]"#, r#"["id:222222222222"]"#).replace("readers:\n", "readers:\n  keep_days: 0\n");
    fs::write(folder.join("orgtrail.yaml"), CONFIG).unwrap();
    fs::write(folder.join("estate.json"), WORLD).unwrap();
    assert!(start_apply(folder).wait().unwrap().success());
    fs::write(folder.join("orgtrail.yaml"), only_one).unwrap();
    let before = world(folder);
    let count = before.estate.resources().count();
    let mut run = orgtrail(
        folder,
        &[&APPLY[..], &["--prune", "--accept-fewer-accounts", "--allow", "destroys", "--record", "kept.jsonl"]]
            .concat(),
    );
    let mut run = run.spawn().unwrap();
    while world(folder).estate.resources().count() == count && run.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    run.kill().unwrap();
    run.wait().unwrap();

    let after = world(folder);
    let lines = fs::read_to_string(folder.join("kept.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| line.parse().unwrap()).collect();
    let left: BTreeSet<_> = after.estate.resources().map(|(address, _)| address).collect();
    let gone: Vec<_> = before.estate.resources().filter(|(address, _)| !left.contains(address)).collect();
    assert!(!gone.is_empty());
    for (address, resource) in gone {
        let written = lines.iter().find(|line| line["result"] == "begun" && line["address"] == json!(address));
        assert_eq!(written.map(|line| &line["removed"]), Some(&json!(resource)), "{address}");
    }
}
