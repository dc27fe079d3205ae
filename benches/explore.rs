//! How long `orgtrail explore` takes for a page with facets over a lake.
//!
//! `cargo bench --bench explore`; without `--bench` (as `cargo test --benches` runs it) everything is small: that only
//! shows that it works. The lake has six days of ten accounts and regions, a million events. What is measured is a
//! request over HTTP, from its first byte to the last one of the page, by one person, with the program started before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../crates/query/benches/corpus/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the corpus")]
mod corpus;
#[path = "support/days.rs"]
mod days;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use corpus::Corpus;

/// What a page may take, in milliseconds.
const GOAL_MILLISECONDS: f64 = 300.0;
/// How often a time is taken.
const TIMES: usize = 9;
const FIRST_DAY: &str = "2026-11-01";
/// The pages, each with a text that it must have.
const PAGES: [(&str, &str, &str); 6] = [
    ("all events", "?last=all", "Narrow it"),
    ("one day", "?from=2026-11-02&to=2026-11-03", "Narrow it"),
    ("one outcome", "?last=all&outcome=attempted", "Narrow it"),
    ("one account and service", "?last=all&account=111111111111&service=s3.amazonaws.com", "Narrow it"),
    ("the third page", "?last=all&page=3", "Newer"),
    ("a text of the record", "?last=all&from=2026-11-02&to=2026-11-02T06:00&text=no-such-name", "No event"),
];

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explore-bench");
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (days, size) = if is_whole { (6, Corpus::DAY) } else { (2, Corpus::SMALL) };
    let written = corpus::write(&folder.join("day"), size).unwrap();
    days::write(&folder.join("day"), &folder.join("logs"), FIRST_DAY, days);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("corpus: {days} days, {} events; load {}", written.events * days, load.trim());
    run(&folder, &["lake", "update", "--place", "logs", "--lake", "lake"]);
    let explorer = Explorer::start(&folder);
    for (name, page, words) in PAGES {
        let mut took: Vec<f64> = (0..if is_whole { TIMES } else { 1 }).map(|_| explorer.timed(page, words)).collect();
        took.sort_by(f64::total_cmp);
        let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
        let is_met = match median <= GOAL_MILLISECONDS {
            _ if !is_whole => "not judged, as it is small",
            true => "met",
            false => "MISSED",
        };
        println!("{name}: {median:.0} ms, at most {worst:.0} ms; goal {GOAL_MILLISECONDS} ms: {is_met}");
    }
}

/// The program, as it serves the lake.
struct Explorer {
    child: Child,
    port: u16,
    folder: String,
    cookie: String,
}

impl Explorer {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.args(["explore", "--lake", "lake", "--timeout", "10m"]).current_dir(folder);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let (port, first) = address.trim().strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
        let mut explorer = Self { child, port: port.parse().unwrap(), folder: String::new(), cookie: String::new() };
        let entered = explorer.get(&format!("/{first}"));
        let header = |name: &str| entered.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        explorer.folder = header("location: ");
        explorer.cookie = header("set-cookie: ").split(';').next().unwrap().to_owned();
        explorer
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (port, cookie) = (self.port, &self.cookie);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncookie: {cookie}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Returns how long a page takes, in milliseconds.
    fn timed(&self, page: &str, words: &str) -> f64 {
        let begin = Instant::now();
        let answer = self.get(&format!("{}{page}", self.folder));
        let took = begin.elapsed().as_secs_f64() * 1_000.0;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(words), "{page}: {answer}");
        took
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs the program to its end.
fn run(folder: &Path, arguments: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_orgtrail")).args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
