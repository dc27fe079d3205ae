//! What ten million events cost: every prepared question within 512 MB, the dashboard, and who did it.
//!
//! `cargo bench --bench volume`; without `--bench` (as `cargo test --benches` runs it) everything is small: that only
//! shows that it works. The lake has sixty days of the corpus. What is measured is the program from its start to its
//! end, and the most memory that it had (`VmHWM` of Linux).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../crates/query/benches/corpus/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the corpus")]
mod corpus;
#[path = "support/days.rs"]
mod days;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use corpus::Corpus;
use serde_json::Value;

const FIRST_DAY: &str = "2026-09-01";
/// What a question may use, and how much more the whole program may have.
const MEMORY: &str = "512MB";
const MEMORY_BYTES: f64 = 512e6;
const MEMORY_TIMES: f64 = 1.3;
const DASHBOARD_SECONDS: f64 = 5.0;
const DASHBOARD_BYTES: u64 = 500_000;
const WHO_SECONDS: f64 = 2.0;

/// Values for the parameters that have no default.
const VALUES: [(&str, &str); 13] = [
    ("access_key", "ASIAIOSFODNN7EXAMPLE"),
    ("account", "111111111111"),
    ("address", "203.0.113.7"),
    ("bucket", "a-bucket-that-nothing-names"),
    ("instance", "i-0123456789abcdef0"),
    ("key", "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555"),
    ("program", "aws-sdk"),
    ("roles", "*terraform*"),
    ("session", "arn:aws:sts::111111111111:assumed-role/terraform-apply/alice"),
    ("since", "2026-10-01"),
    ("text", "alice"),
    ("what", "a-bucket-that-nothing-names"),
    ("who", "terraform-apply"),
];

/// How a run of the program ended.
struct Ended {
    took: Duration,
    /// 0: the system does not tell.
    memory_bytes: u64,
    /// `None`: it was stopped by a signal.
    code: Option<i32>,
    written: String,
    error: String,
}

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("volume");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let (days, size) = if is_whole { (60, Corpus::DAY) } else { (2, Corpus::SMALL) };
    let day = corpus::write(&folder.join("day"), size).unwrap();
    days::write(&folder.join("day"), &folder.join("logs"), FIRST_DAY, days);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "corpus: {days} days, {} events, {} log files; load {}",
        day.events * days,
        day.objects * days,
        load.trim()
    );
    let made = run(&folder, &["lake", "update", "--place", "logs", "--lake", "lake", "--max-memory", MEMORY]);
    assert!(matches!(made.code, Some(0 | 3)), "{}", made.error);
    println!("lake update: {:.1} s, {:.0} MB of memory", made.took.as_secs_f64(), made.memory_bytes as f64 / 1e6);
    questions(&folder);
    dashboard(&folder);
    who(&folder);
    fs::remove_dir_all(&folder).unwrap();
}

/// Asks every prepared question, one after the other.
fn questions(folder: &Path) {
    let list = run(folder, &["query", "--list", "--format", "json"]);
    let list: Value = serde_json::from_str(&list.written).unwrap();
    let rows = list["rows"].as_array().unwrap();
    assert!(rows.len() >= 30, "there are {} questions", rows.len());
    let (mut slowest, mut largest, mut failed) = ((Duration::ZERO, ""), (0, ""), 0);
    for row in rows {
        let (name, parameters) = (row[0].as_str().unwrap(), row[3].as_str().unwrap_or_default());
        let given = parameters.split(' ').filter_map(|parameter| VALUES.iter().find(|(name, _)| *name == parameter));
        let values: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
        let mut line = vec!["query", "--lake", "lake", "--format", "json", "--name", name, "--output", "answer.json"];
        line.extend(["--max-memory", MEMORY, "--max-bytes", "100GiB", "--from", FIRST_DAY, "--to", "2026-11-01"]);
        line.extend(values.iter().flat_map(|value| ["--param", value]));
        let ended = run(folder, &line);
        let (seconds, memory) = (ended.took.as_secs_f64(), ended.memory_bytes as f64);
        // 3: an archive without digests is not known to be whole.
        let is_met = matches!(ended.code, Some(0 | 3)) && memory <= MEMORY_BYTES * MEMORY_TIMES;
        println!("  {name}: {seconds:.2} s, {:.0} MB{}", memory / 1e6, if is_met { "" } else { ": MISSED" });
        if !is_met {
            failed += 1;
            println!("    exit code {:?}: {}", ended.code, ended.error.lines().last().unwrap_or_default());
        }
        slowest = slowest.max((ended.took, name));
        largest = largest.max((ended.memory_bytes, name));
    }
    let verdict = if failed == 0 { "met".to_owned() } else { format!("MISSED by {failed}") };
    println!(
        "{} prepared questions: slowest {} with {:.2} s, most memory {} with {:.0} MB; goal each ends within {:.0} MB: {verdict}",
        rows.len(),
        slowest.1,
        slowest.0.as_secs_f64(),
        largest.1,
        largest.0 as f64 / 1e6,
        MEMORY_BYTES * MEMORY_TIMES / 1e6,
    );
}

fn dashboard(folder: &Path) {
    let line = ["dashboard", "--lake", "lake", "--from", FIRST_DAY, "--to", "2026-10-31", "--format", "html"];
    let line = [&line[..], &["--compare-days", "0", "--max-bytes", "100GiB", "--output", "dashboard.html"]].concat();
    let ended = run(folder, &line);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.error);
    let (seconds, bytes) = (ended.took.as_secs_f64(), fs::metadata(folder.join("dashboard.html")).unwrap().len());
    let is_met = seconds <= DASHBOARD_SECONDS && bytes <= DASHBOARD_BYTES;
    println!(
        "dashboard: {seconds:.2} s, {} KB, {:.0} MB of memory; goal at most {DASHBOARD_SECONDS} s and {} KB: {}",
        bytes / 1000,
        ended.memory_bytes as f64 / 1e6,
        DASHBOARD_BYTES / 1000,
        if is_met { "met" } else { "MISSED" }
    );
}

fn who(folder: &Path) {
    let line =
        ["who", "--lake", "lake", "--format", "json", "--max-bytes", "100GiB", "bucket", "a-bucket-that-nothing-names"];
    let ended = run(folder, &line);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.error);
    let seconds = ended.took.as_secs_f64();
    let verdict = if seconds <= WHO_SECONDS { "met" } else { "MISSED" };
    println!("who: {seconds:.2} s; goal at most {WHO_SECONDS} s: {verdict}");
}

/// Runs the program to its end.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_orgtrail"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let status = Path::new("/proc").join(child.id().to_string()).join("status");
    let mut memory_bytes = 0;
    let code = loop {
        // The mark never falls, so that the last look before the end is nearly the whole truth.
        memory_bytes = most_memory(&status).max(memory_bytes);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    Ended { took: begin.elapsed(), memory_bytes, code, written: read(&out), error: read(&err) }
}

fn most_memory(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024
}
