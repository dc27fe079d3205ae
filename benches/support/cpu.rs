//! What CPU costs: of this process, of some of its threads, and of the same work in C.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The ticks of a second in which Linux counts the CPU of a process (`proc_pid_stat(5)`, `sysconf(_SC_CLK_TCK)`).
const TICKS: u64 = 100;

/// Returns the CPU that this process has used, threads that ended included; nothing where the system does not tell.
pub fn process() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold anything.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Returns the CPU that threads of a name have used.
pub fn threads(name: &str) -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let own = tasks
        .flatten()
        .map(|task| task.path())
        .filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|of| of.trim_end() == name));
    let spent = own.filter_map(|task| {
        let text = std::fs::read_to_string(task.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// Has this process run on so many cores only, or says why that cannot be (`taskset(1)`, of Linux).
pub fn only_cores(cores: usize) -> Result<(), String> {
    let id = std::process::id().to_string();
    let run = Command::new("taskset").args(["-a", "-p", "-c", &format!("0-{}", cores - 1), &id]).output();
    match run {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("taskset: {}", String::from_utf8_lossy(&done.stderr))),
        Err(error) => Err(format!("taskset: {error}")),
    }
}

/// What the C libraries of Python do, with hardly any Python around them: zlib inflates, OpenSSL hashes.
const PLAIN: &str = "
import hashlib, sys, time, zlib
files = sys.stdin.read().splitlines()
start, all = time.process_time(), 0
for file in files:
    with open(file, 'rb', buffering=0) as opened:
        body = opened.read()
    all ^= hashlib.sha256(zlib.decompress(body, 31)).digest()[0]
print(time.process_time() - start)
";

/// Returns the CPU that it takes in C to read files, inflate and hash them, or why that cannot be told.
pub fn plain_in_c(files: &[PathBuf]) -> Result<Duration, String> {
    let run = || {
        let piped = |command: &mut Command| command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut python = piped(Command::new("python3").args(["-c", PLAIN]))?;
        let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
        python.stdin.take().map_or(Ok(()), |mut input| input.write_all(list.as_bytes()))?;
        Ok(String::from_utf8_lossy(&python.wait_with_output()?.stdout).into_owned())
    };
    let text = run().map_err(|error: std::io::Error| format!("python3: {error}"))?;
    let seconds: f64 = text.trim().parse().map_err(|_| format!("python3 said {text:?}"))?;
    Ok(Duration::from_secs_f64(seconds))
}
