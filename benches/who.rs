//! How often `orgtrail who` is right, and how long it takes.
//!
//! `cargo bench --bench who`; without `--bench` (as `cargo test --benches` runs it) everything is small: that only
//! shows that it works. First an archive of stories of which the truth is known: resources that are made, changed,
//! deleted, made again, or only tried; callers behind up to five roles of several accounts, under names of sessions
//! that lie; calls that AWS makes by itself. Then the time over a lake of many days and accounts, and over a day of log
//! files. What is measured is the program from its start to its end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../crates/query/benches/corpus/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the corpus")]
mod corpus;
#[path = "support/days.rs"]
mod days;
#[path = "support/stories.rs"]
mod stories;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use corpus::Corpus;
use serde_json::Value;
use stories::{Ending, Story};

/// What the program may take over a lake, and over a day of log files, in seconds.
const LAKE_SECONDS: f64 = 2.0;
const DAY_SECONDS: f64 = 60.0;
/// What is asked of the labelled stories.
const RECALL_GOAL: f64 = 0.98;
/// How often a time is taken.
const TIMES: usize = 5;

/// A day of a hundred accounts, and a little of it.
const DAY: Corpus = Corpus { objects: 200, events: 2_500, places: 100 };
const DAY_SMALL: Corpus = Corpus { objects: 20, events: 200, places: 10 };

/// The first day of the many.
const FIRST_DAY: &str = "2025-10-01";

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("who");
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    labelled(&folder, if is_whole { 240 } else { 12 });
    timed(&folder, is_whole);
}

/// Asks about every story, and says how often the answer is right.
fn labelled(folder: &Path, count: u64) {
    let told: Vec<Story> = (0..count).map(Story::tell).collect();
    let events: Vec<Value> = told.iter().flat_map(|story| story.events.clone()).collect();
    stories::write(&folder.join("stories"), &events);
    run(folder, &["lake", "update", "--place", "stories", "--lake", "stories-lake"]);
    let (mut said, mut right, mut wrong) = (0, 0, Vec::new());
    for (number, story) in told.iter().enumerate() {
        let line = ["who", "--lake", "stories-lake", "--format", "json", "bucket", &story.bucket];
        let answer: Value = serde_json::from_slice(&run(folder, &line)).unwrap();
        let (ending, origin) = read(&answer);
        // An answer that names somebody is right or wrong; one that does not is missing.
        if let Some(origin) = &origin {
            said += 1;
            if ending == story.ending && *origin == story.truth {
                right += 1;
            } else {
                wrong.push(format!(
                    "story {number}: {ending:?} {origin}, and it was {:?} {}",
                    story.ending, story.truth
                ));
            }
        } else if ending == story.ending && story.truth.is_empty() {
            said += 1;
            right += 1;
        }
    }
    wrong.iter().for_each(|line| println!("{line}"));
    let share = |of: usize| right as f64 / of.max(1) as f64;
    let (precision, recall) = (share(said), share(told.len()));
    let is_met = wrong.is_empty() && recall >= RECALL_GOAL;
    println!(
        "labelled: {} stories, {} events; precision {precision:.3}, recall {recall:.3}; goal 1.000 and {RECALL_GOAL}: {}",
        told.len(),
        events.len(),
        if is_met { "met" } else { "MISSED" }
    );
    assert!(wrong.is_empty(), "an answer names somebody else");
}

/// Returns how an answer says that the bucket ended last, and who it was.
fn read(answer: &Value) -> (Ending, Option<String>) {
    let last = &answer["resources"][0]["incarnations"][0];
    let ending = match last["ending"].as_str() {
        Some("deleted") => Ending::Deleted,
        Some("ended_by_aws") => Ending::EndedByAws,
        Some("attempted") => Ending::Attempted,
        _ => Ending::Nothing,
    };
    let step = last["ended"].as_u64().map(|at| &last["steps"][usize::try_from(at).unwrap()]);
    let origin = step.and_then(|step| step["person"]["origin"].as_str()).map(str::to_owned);
    (ending, origin.filter(|_| ending != Ending::EndedByAws))
}

/// Takes the time over a lake, and over a day of log files.
fn timed(folder: &Path, is_whole: bool) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let (days, size) = if is_whole { (400, DAY) } else { (3, DAY_SMALL) };
    let written = corpus::write(&folder.join("day"), size).unwrap();
    days::write(&folder.join("day"), &folder.join("logs"), FIRST_DAY, days);
    let (files, events) = (written.objects * days, written.events * days);
    println!("corpus: {days} days, {} accounts, {files} log files, {events} events; load {}", size.places, load.trim());
    run(folder, &["lake", "update", "--place", "logs", "--lake", "lake"]);
    let times = if is_whole { TIMES } else { 1 };
    let lake = ["who", "--lake", "lake", "--format", "json", "bucket", "a-bucket-that-nothing-names"];
    say("lake", times, LAKE_SECONDS, || run(folder, &lake));
    let day = ["who", "--place", "logs", "--format", "json", "--from", FIRST_DAY, "--to", "2025-10-02"];
    let day = [&day[..], &["bucket", "a-bucket-that-nothing-names"]].concat();
    say("a day of log files", times, DAY_SECONDS, || run(folder, &day));
}

fn say(name: &str, times: usize, goal: f64, mut ask: impl FnMut() -> Vec<u8>) {
    let mut took: Vec<f64> = (0..times)
        .map(|_| {
            let begin = Instant::now();
            ask();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let seconds = took[times / 2];
    println!("{name}: {seconds:.2} s; goal at most {goal} s: {}", if seconds <= goal { "met" } else { "MISSED" });
}

/// Runs the program to its end, and returns what it writes.
fn run(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let done = Command::new(env!("CARGO_BIN_EXE_orgtrail")).args(arguments).current_dir(folder).output().unwrap();
    // 3: archives without digests are not known to be whole.
    let is_done = matches!(done.status.code(), Some(0 | 3));
    assert!(is_done, "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}
