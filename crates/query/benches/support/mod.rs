//! A measure is taken in a process of its own, several times, so that its memory is its own and nothing is warm but
//! files.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

#[path = "../corpus/mod.rs"]
pub mod corpus;
#[path = "../../../../benches/support/cpu.rs"]
pub mod cpu;
pub mod python;

use corpus::{Corpus, Written};

/// How often a measure is taken.
const TIMES: usize = 5;

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// By the clock.
    pub wall: Duration,
    /// Of all its threads.
    pub cpu: Duration,
    /// The most memory that it had, in bytes; 0: the system does not tell.
    pub memory_bytes: u64,
}

/// Tells whether everything is to be measured; without `--bench`, as `cargo test --benches` runs it, everything is
/// small.
pub fn is_whole() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Returns the arguments of a process that takes one measure. `None`: it is the one that asks for them.
pub fn child() -> Option<Vec<String>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    (arguments.first().map(String::as_str) == Some("--child")).then(|| arguments[1..].to_vec())
}

/// Writes the corpus into a folder below the target folder, unless it is there.
pub fn logs() -> (PathBuf, Written) {
    let size = if is_whole() { Corpus::DAY } else { Corpus::SMALL };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("corpus-{}", size.events));
    let _absent = std::fs::remove_dir_all(&folder);
    let written = corpus::write(&folder, size).unwrap();
    println!(
        "corpus: {} log files, {} events, {:.1} MB raw, {:.1} MB as stored; load {}",
        written.objects,
        written.events,
        written.raw_bytes as f64 / 1e6,
        written.stored_bytes as f64 / 1e6,
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
    );
    (folder, written)
}

/// Takes one measure in this process, and says it to the one that asked for it. `cores` is how many it may use.
pub fn measure(cores: usize, work: impl FnOnce() -> String) {
    if let Err(why) = cpu::only_cores(cores) {
        eprintln!("not bound to {cores} cores: {why}");
    }
    let (begin, used) = (Instant::now(), cpu::process());
    let said = work();
    let (wall, cpu) = (begin.elapsed(), cpu::process() - used);
    println!("{} {} {} {said}", wall.as_micros(), cpu.as_micros(), memory_bytes());
}

fn memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Returns the medians of processes that each take one measure, and what the last one said.
pub fn medians(mut command: impl FnMut() -> Command) -> Result<(Took, String), String> {
    let times = if is_whole() { TIMES } else { 1 };
    let mut all = Vec::new();
    let mut last = String::new();
    for _ in 0..times {
        let done = command().output().map_err(|error| error.to_string())?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or_default().to_owned());
        }
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let mut parts = text.trim().splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).unwrap_or(0);
        let (wall, cpu, memory_bytes) = (number(), number(), number());
        all.push(Took { wall: Duration::from_micros(wall), cpu: Duration::from_micros(cpu), memory_bytes });
        last = parts.next().unwrap_or_default().to_owned();
    }
    let middle = |of: &dyn Fn(&Took) -> u128| {
        let mut values: Vec<u128> = all.iter().map(of).collect();
        values.sort_unstable();
        u64::try_from(values[values.len() / 2]).unwrap_or(u64::MAX)
    };
    let took = Took {
        wall: Duration::from_micros(middle(&|took| took.wall.as_micros())),
        cpu: Duration::from_micros(middle(&|took| took.cpu.as_micros())),
        memory_bytes: middle(&|took| u128::from(took.memory_bytes)),
    };
    Ok((took, last))
}

/// Returns a process of this benchmark that takes one measure.
pub fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--child").args(arguments);
    command
}

/// Says whether a goal is met.
pub fn goal(what: &str, measured: f64, limit: f64, is_most: bool, unit: &str) {
    let is_met = if is_most { measured <= limit } else { measured >= limit };
    let (side, word) = (if is_most { "at most" } else { "at least" }, if is_met { "met" } else { "MISSED" });
    println!("  {what}: {measured:.2} {unit}, goal {side} {limit} {unit}: {word}");
}
