//! How long a question takes over a day of a thousand accounts that lies in S3 as a lake, beside its log files, where
//! each answer of S3 takes 20 ms.
//!
//! `cargo bench --bench lake_in_s3`; without `--bench` (as `cargo test --benches` runs it) everything is small: that
//! only shows that it works. What is measured is the program from its start to its end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../tests/support/bucket.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the generator")]
mod bucket;
#[path = "../crates/query/benches/corpus/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the corpus")]
mod corpus;
#[path = "../tests/support/s3.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the server")]
mod s3;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bucket::Stored;
use corpus::Corpus;
use s3::{S3Server, Settings};

const LATENCY: Duration = Duration::from_millis(20);
/// How often a measure is taken.
const TIMES: usize = 5;
/// What the program may take to the first row, in seconds.
const GOAL_SECONDS: f64 = 2.0;

/// The questions: one that needs a few columns of a day, one that finds an event by its caller, and a row of any kind.
const QUESTIONS: [(&str, &str); 3] = [
    ("a row", "SELECT event_time, account, event_name, user_name FROM events LIMIT 1"),
    (
        "one account",
        "SELECT event_time, event_name FROM events WHERE account = '222222222222' ORDER BY event_time LIMIT 20",
    ),
    ("group by", "SELECT event_source, event_name, count(*) AS n FROM events GROUP BY 1, 2 ORDER BY n DESC LIMIT 20"),
];

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let size = if is_whole { Corpus::WIDE } else { Corpus::WIDE_SMALL };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wide-{}", size.events));
    let _absent = std::fs::remove_dir_all(&folder);
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let written = corpus::write(&logs, size).unwrap();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("corpus: {} log files, {} events; load {}", written.objects, written.events, load.trim());
    let mut objects = objects(&logs, "");
    // The lake is made of the files as the bucket names them.
    let server = S3Server::start(Settings { objects: objects.clone(), ..Settings::default() });
    let update = ["lake", "update", "--lake", lake.to_str().unwrap(), "--place", "s3://acme-logs/", "--slots", "16"];
    run(&server, &update);
    drop(server);
    objects.extend(self::objects(&lake, "lake/"));
    let server = S3Server::start(Settings { objects, latency: LATENCY, ..Settings::default() });
    for (name, sql) in QUESTIONS {
        let ask = ["query", "--lake", "s3://acme-logs/lake", "--place", "s3://acme-logs/", "--format", "json", sql];
        let seen = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        let (gets, lists) = (seen(&server.settings.seen.gets), seen(&server.settings.seen.lists));
        let mut took: Vec<Duration> = (0..if is_whole { TIMES } else { 1 }).map(|_| run(&server, &ask)).collect();
        took.sort_unstable();
        let times = took.len();
        let (gets, lists) = (seen(&server.settings.seen.gets) - gets, seen(&server.settings.seen.lists) - lists);
        let seconds = took[times / 2].as_secs_f64();
        let word = if seconds <= GOAL_SECONDS { "met" } else { "MISSED" };
        println!(
            "{name}: {seconds:.2} s, {} reads and {} listings; goal at most {GOAL_SECONDS} s: {word}",
            gets / times,
            lists / times
        );
    }
}

/// Runs the program to its end, and returns how long that took.
fn run(server: &S3Server, arguments: &[&str]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
    let settings = [
        ("AWS_ENDPOINT_URL", server.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let begin = Instant::now();
    let done = command.args(arguments).envs(settings).current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap();
    let took = begin.elapsed();
    // 3: the lake and the log files of a bucket without digests are not all that could be.
    let is_done = matches!(done.status.code(), Some(0 | 3));
    assert!(is_done, "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    took
}

/// Returns the files of a folder as objects.
fn objects(folder: &Path, prefix: &str) -> BTreeMap<String, Stored> {
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    let mut objects = BTreeMap::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let key = format!("{prefix}{}", path.strip_prefix(folder).unwrap().to_str().unwrap());
        objects.insert(key, Stored { body: std::fs::read(&path).unwrap(), metadata: BTreeMap::new() });
    }
    objects
}
