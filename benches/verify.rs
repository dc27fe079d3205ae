//! How fast a proof is, and how much memory it takes, each against its baseline in the same run.
//!
//! `cargo bench --bench verify` prints one line a budget; `cargo bench --bench verify -- hourly latency` only those
//! parts. Without `--bench` (as `cargo test --benches` runs it) everything is small: that only shows that it works.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "../tests/support/bucket.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the generator")]
mod bucket;
#[path = "support/cpu.rs"]
mod cpu;
#[path = "../tests/support/s3.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the server")]
mod s3;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, iter};
use jiff::SignedDuration;
use orgtrail::archive::inflate::{Trailing, Unpacked, hex, sha256};
use orgtrail::archive::{Deletes, Fault, FolderStore, HashError, Level, Listed, Object, Store, Version};
use orgtrail::cloud::aws::archive::Connection;
use orgtrail::logs::checkpoint::Checkpoint;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{KeyFinder, Verifier, VerifyRequest};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use bucket::{Bucket, LOGS, Layout, MemoryStore};
use s3::{S3Server, Settings};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How large everything is.
struct Scale {
    files: usize,
    objects: usize,
    listed: usize,
}

/// What measures one thing.
type Part = fn(&Scale);

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let scale = if is_whole {
        Scale { files: 10_000, objects: 6_000, listed: 1_000_000 }
    } else {
        Scale { files: 40, objects: 40, listed: 2_000 }
    };
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, Part); 4] = [("memory", memory), ("folder", folder), ("latency", latency), ("hourly", hourly)];
    for (name, part) in parts {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            part(&scale);
        }
    }
}

fn budget(what: &str, measured: f64, wanted: f64) {
    let word = if measured >= wanted { "met" } else { "MISSED" };
    println!("{what}: {measured:.2}, budget {wanted:.2}: {word}");
}

/// How many records a log file has: about 70 KB, of which 7 KB are left when it is compressed, as most of CloudTrail's.
const RECORDS: usize = 60;

/// A log file of real records, each with its own ids.
fn log(seed: usize) -> String {
    let records = |log: &&str| serde_json::from_str::<Value>(log).unwrap()["Records"].as_array().unwrap().clone();
    let mut kinds = LOGS.iter().flat_map(records).collect::<Vec<_>>().into_iter().cycle();
    let record = |number: usize| {
        let mut record = kinds.next().unwrap();
        let ids = hex(&sha256(format!("{seed} {number}").as_bytes()));
        record["eventID"] = json!(ids[..32]);
        record["requestID"] = json!(ids[32..]);
        record
    };
    json!({"Records": (0..RECORDS).map(record).collect::<Vec<_>>()}).to_string()
}

fn verifier(store: Arc<dyn Store>, bucket: &Bucket) -> Verifier {
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    Verifier::new(store, Arc::new(KeyFinder::new(ring, None)))
}

fn prove(runtime: &Runtime, store: Arc<dyn Store>, bucket: &Bucket) -> (u64, Duration) {
    let now = bucket.layout.end();
    let request = VerifyRequest { to: Some(now), ..VerifyRequest::all(now) };
    let verifier = verifier(store, bucket);
    let start = Instant::now();
    let answer = runtime.block_on(verifier.run(&request, |_| {})).unwrap();
    let took = start.elapsed();
    assert_eq!(answer.state(), State::Attested, "{:#?}", answer.chains[0].findings);
    (answer.chains.iter().map(|chain| chain.logs_attested).sum(), took)
}

/// A folder: what zlib and SHA-256 in C take of one core for the same files is the baseline.
fn folder(scale: &Scale) {
    let hours = 50.min(scale.files);
    let contents = (0..16).map(log).collect();
    let layout = Layout { hours, logs: vec![scale.files / hours], contents, ..Layout::default() };
    let bucket = layout.write();
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let files: Vec<PathBuf> =
        bucket.objects.keys().filter(|key| !key.contains("Digest")).map(|key| root.path().join(key)).collect();
    let bytes: u64 = files.iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
    println!("{} files of {} bytes on average", files.len(), bytes / files.len() as u64);
    // Once to warm the page cache.
    files.iter().for_each(|file| drop(std::fs::read(file).unwrap()));
    let run = |cores| {
        let limited = cpu::only_cores(cores);
        let runtime = Builder::new_multi_thread().worker_threads(cores).enable_all().build().unwrap();
        let before = cpu::process();
        let (logs, took) = prove(&runtime, Arc::new(FolderStore::new(root.path())), &bucket);
        limited.map(|()| (rate(logs as usize, took), cpu::process() - before))
    };
    let (plain, one, two) = (cpu::plain_in_c(&files), run(1), run(2));
    match (plain, one, two) {
        (Ok(plain), Ok((one, spent)), Ok((two, _))) => {
            let each = |spent: Duration| spent.as_secs_f64() * 1e6 / files.len() as f64;
            println!("verify: {one:.0} files/s on one core, {two:.0} on two, {:.0} us of CPU a file", each(spent));
            println!("zlib and SHA-256 in C: {:.0} us of CPU a file", each(plain));
            budget("folder, by CPU, of zlib and SHA-256 in C", plain.as_secs_f64() / spent.as_secs_f64(), 1.2);
            budget("folder, two cores, of one", two / one, 1.8);
        }
        (plain, one, two) => {
            let why = [plain.err(), one.err(), two.err()].into_iter().flatten().collect::<Vec<_>>().join("; ");
            println!("folder: not measured ({why})");
        }
    }
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// S3 with 20 ms of latency: one request at a time is the baseline.
fn latency(scale: &Scale) {
    let hours = 30;
    let layout = Layout { hours, logs: vec![scale.objects / hours], contents: vec!["{}".into()], ..Layout::default() };
    let bucket = layout.write();
    let latency = Duration::from_millis(20);
    let server = S3Server::start(Settings { objects: bucket.objects.clone(), latency, ..Settings::default() });
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = runtime.block_on(Connection::new(server.config()).bucket(&bucket.layout.bucket, None)).unwrap();
    let keys: Vec<&String> = bucket.objects.keys().take(100).collect();
    let start = Instant::now();
    runtime.block_on(async {
        for key in &keys {
            store.get(key).await.unwrap();
        }
    });
    let one = rate(keys.len(), start.elapsed());
    let spent = || cpu::process().saturating_sub(cpu::threads(s3::THREAD));
    let before = spent();
    let (_, took) = prove(&runtime, Arc::new(store), &bucket);
    let each_ms = (spent() - before).as_secs_f64() * 1e3 / bucket.objects.len() as f64;
    let many = rate(bucket.objects.len(), took);
    println!("S3 at 20 ms: {one:.0} objects/s one at a time, {many:.0} with verify, {each_ms:.3} ms of CPU a GET");
    budget("S3 at 20 ms, of one at a time", many / one, 50.0);
    budget("S3, 0.15 ms of CPU by that of a GET", CPU_MS / each_ms, 1.0);
}

/// How many milliseconds of CPU a GET may take, the proof of what it brings included.
const CPU_MS: f64 = 0.15;
/// How many GETs a new object may take in an hourly run.
const HOURLY_GETS: f64 = 3.0;

/// Hourly runs with a checkpoint: a quiet chain, a busy one, and one that is now the one and now the other.
fn hourly(_scale: &Scale) {
    for (what, logs) in [
        ("no log file an hour", vec![0]),
        ("0 or 1", vec![0, 1]),
        ("4", vec![4]),
        ("12", vec![12]),
        ("0 to 12", vec![12, 0, 1, 5]),
    ] {
        let (mean, worst, size) = hourly_gets(logs);
        println!("hourly, {what}: {mean:.2} GETs an object, {worst:.2} in the worst hour, {size} bytes of checkpoint");
        budget(&format!("hourly, {what}: 3 GETs an object by the mean"), HOURLY_GETS / mean, 1.0);
    }
}

/// Returns how many GETs a new object takes on average and in the worst hour, and the bytes of the last checkpoint.
fn hourly_gets(logs: Vec<usize>) -> (f64, f64, usize) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let layout = |hours| Layout { hours, logs: logs.clone(), contents: vec!["{}".into()], ..Layout::default() };
    let mut checkpoint = Checkpoint::default();
    let (mut gets, mut fresh, mut worst, mut known) = (0, 0, 0.0_f64, 0);
    for hours in 14..30 {
        let bucket = layout(hours).write();
        let server = S3Server::start(Settings { objects: bucket.objects.clone(), ..Settings::default() });
        let store = runtime.block_on(Connection::new(server.config()).bucket(&bucket.layout.bucket, None)).unwrap();
        let now = bucket.layout.end() + SignedDuration::from_mins(20);
        let request = VerifyRequest { checkpoint: checkpoint.marks.clone(), ..VerifyRequest::all(now) };
        let answer = runtime.block_on(verifier(Arc::new(store), &bucket).run(&request, |_| {})).unwrap();
        assert_eq!(answer.state(), State::Attested, "{:#?}", answer.chains[0].findings);
        checkpoint.advance(&answer);
        // The first runs read everything, and what they cannot know yet.
        if hours > 20 {
            let (asked, new) = (server.settings.seen.gets.load(Ordering::SeqCst), bucket.objects.len() - known);
            (gets, fresh) = (gets + asked, fresh + new);
            worst = worst.max(asked as f64 / new as f64);
        }
        known = bucket.objects.len();
    }
    (f64::from(u32::try_from(gets).unwrap()) / fresh as f64, worst, checkpoint.text().len())
}

/// A store that lists very many log files, which it makes up as it is asked.
struct Endless {
    digests: MemoryStore,
    layout: Layout,
    hashed: AtomicU64,
    content: [u8; 32],
}

#[async_trait]
impl Store for Endless {
    fn bucket(&self) -> Option<&str> {
        self.digests.bucket()
    }

    fn name(&self) -> String {
        "endless".into()
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        self.digests.level(prefix).await
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        if prefix.contains("Digest") {
            return self.digests.list(prefix, after);
        }
        let layout = self.layout.clone();
        let each = layout.logs[0];
        iter(0..layout.hours * each)
            .map(move |at| {
                let key = layout.log(bucket::ACCOUNT, bucket::REGION, at / each, at % each);
                Ok(Listed { key, size_bytes: 1, modified: None, tag: None })
            })
            .boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        self.digests.get(key).await
    }

    async fn hash(&self, _key: &str) -> Result<Unpacked, HashError> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        Ok(Unpacked { sha256: self.content, inflated_bytes: 2, trailing: Trailing::Nothing })
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }

    fn oddities(&self) -> Vec<String> {
        Vec::new()
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        Ok(Vec::new())
    }

    async fn versions(&self, _prefix: &str) -> Result<Vec<Version>, Fault> {
        Ok(Vec::new())
    }

    async fn hash_version(&self, key: &str, _version: &str) -> Result<Unpacked, HashError> {
        self.hash(key).await
    }
}

/// A million objects of one account and region: all are listed, hashed and looked for in digests.
fn memory(scale: &Scale) {
    let each = 1_000.min(scale.listed / 2);
    let layout =
        Layout { hours: scale.listed / each, logs: vec![each], contents: vec!["{}".into()], ..Layout::default() };
    let mut bucket = layout.write();
    bucket.objects.retain(|key, _| key.contains("Digest"));
    let before = resident_mb("VmRSS");
    reset_peak();
    let content = sha256(b"{}");
    let endless = Endless { digests: MemoryStore::of(&bucket), layout, hashed: AtomicU64::new(0), content };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (logs, took) = prove(&runtime, Arc::new(endless), &bucket);
    let grown = resident_mb("VmHWM") - before;
    println!("{logs} objects listed in {:.1} s, peak memory {grown:.0} MB more", took.as_secs_f64());
    budget("memory, 150 MB of what a million objects take", 150.0 / grown.max(1.0), 1.0);
}

/// Forgets the peak so far (Linux, `proc_pid_clear_refs(5)`).
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Returns a figure of this process's memory; 0 where the system does not tell.
fn resident_mb(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    let kib: f64 = line.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default();
    kib / 1024.0
}
