//! How fast a proof is, and how much memory it takes, each against its baseline in the same run.
//!
//! `cargo bench --bench verify` prints one line a budget. Without `--bench` (as `cargo test --benches` runs it) everything
//! is small: that only shows that it works.

#[path = "../tests/support/bucket.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the generator")]
mod bucket;
#[path = "../tests/support/s3.rs"]
#[allow(dead_code, reason = "the benchmark uses a part of the server")]
mod s3;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, iter};
use orgtrail::logs::aws::Connection;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::inflate::{Trailing, Unpacked, sha256};
use orgtrail::logs::store::{Fault, FolderStore, Level, Listed, Object, Store, Unhashed};
use orgtrail::logs::verify::{KeyFinder, Request, Verifier};
use tokio::runtime::{Builder, Runtime};

use bucket::{Bucket, LOGS, Layout, MemoryStore};
use s3::{S3Server, Settings};

/// How large everything is.
struct Scale {
    files: usize,
    objects: usize,
    listed: usize,
}

fn main() {
    let is_whole = std::env::args().any(|argument| argument == "--bench");
    let scale = if is_whole {
        Scale { files: 10_000, objects: 6_000, listed: 1_000_000 }
    } else {
        Scale { files: 40, objects: 40, listed: 2_000 }
    };
    memory(&scale);
    folder(&scale);
    latency(&scale);
}

fn budget(what: &str, measured: f64, wanted: f64) {
    let word = if measured >= wanted { "met" } else { "MISSED" };
    println!("{what}: {measured:.2}, budget {wanted:.2}: {word}");
}

/// A log file of about 32 KB compressed: real records, each with its own id.
fn large_log(seed: usize) -> String {
    let record = LOGS[seed % LOGS.len()];
    let mut content = String::from("{\"Records\":[");
    let mut number = 0;
    while content.len() < 190_000 {
        let id = sha256(format!("{seed} {number}").as_bytes());
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        content.push_str(&format!("{{\"eventID\":\"{id}\",\"of\":{record}}},"));
        number += 1;
    }
    content.push_str("{}]}");
    content
}

fn verifier(store: Arc<dyn Store>, bucket: &Bucket) -> Verifier {
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    Verifier::new(store, Arc::new(KeyFinder::new(ring, None)))
}

fn prove(runtime: &Runtime, store: Arc<dyn Store>, bucket: &Bucket) -> (u64, Duration) {
    let now = bucket.layout.end();
    let request = Request { to: Some(now), ..Request::all(now) };
    let verifier = verifier(store, bucket);
    let start = Instant::now();
    let answer = runtime.block_on(verifier.run(&request, |_| {})).unwrap();
    let took = start.elapsed();
    assert_eq!(answer.state(), State::Attested, "{:#?}", answer.chains[0].findings);
    (answer.chains.iter().map(|chain| chain.logs_attested).sum(), took)
}

/// Runs the whole proof with as many threads that inflate and hash as there are cores to use.
fn runtime(cores: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(1).max_blocking_threads(cores).enable_all().build().unwrap()
}

/// A folder: the rate of plain inflate and SHA-256 of the same files on one core is the baseline.
fn folder(scale: &Scale) {
    let hours = 50.min(scale.files);
    let contents = (0..16).map(large_log).collect();
    let layout = Layout { hours, logs: vec![scale.files / hours], contents, ..Layout::default() };
    let bucket = layout.write();
    let root = tempfile::tempdir().unwrap();
    bucket.write_to(root.path());
    let files: Vec<PathBuf> =
        bucket.objects.keys().filter(|key| !key.contains("Digest")).map(|key| root.path().join(key)).collect();
    let plain = rate(files.len(), plain(&files));
    println!("plain inflate and SHA-256: {plain:.0} files/s");
    let store = || Arc::new(FolderStore::new(root.path())) as Arc<dyn Store>;
    let (logs, took) = prove(&runtime(1), store(), &bucket);
    let one = rate(logs as usize, took);
    let (logs, took) = prove(&runtime(2), store(), &bucket);
    let two = rate(logs as usize, took);
    println!("verify: {one:.0} files/s with one thread, {two:.0} with two");
    budget("folder, one thread, of the plain rate", one / plain, 0.6);
    budget("folder, two threads, of one thread", two / one, 1.7);
}

fn plain(files: &[PathBuf]) -> Duration {
    let hash = |file: &Path| {
        let body = std::fs::read(file).unwrap();
        let mut content = Vec::new();
        flate2::bufread::GzDecoder::new(body.as_slice()).read_to_end(&mut content).unwrap();
        sha256(&content)
    };
    // Once to warm the page cache, once to measure.
    files.iter().for_each(|file| drop(std::fs::read(file).unwrap()));
    let start = Instant::now();
    let all = files.iter().fold(0u8, |all, file| all ^ hash(file)[0]);
    let took = start.elapsed();
    std::hint::black_box(all);
    took
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
    let store = runtime.block_on(Connection::new(server.config()).bucket(&bucket.layout.bucket));
    let keys: Vec<&String> = bucket.objects.keys().take(100).collect();
    let start = Instant::now();
    runtime.block_on(async {
        for key in &keys {
            store.get(key).await.unwrap();
        }
    });
    let one = rate(keys.len(), start.elapsed());
    let (_, took) = prove(&runtime, Arc::new(store), &bucket);
    let many = rate(bucket.objects.len(), took);
    println!("S3 at 20 ms: {one:.0} objects/s one at a time, {many:.0} with verify");
    budget("S3 at 20 ms, of one at a time", many / one, 50.0);
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
                Ok(Listed { key, size_bytes: 1, modified: None })
            })
            .boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        self.digests.get(key).await
    }

    async fn hash(&self, _key: &str) -> Result<Unpacked, Unhashed> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        Ok(Unpacked { sha256: self.content, inflated_bytes: 2, trailing: Trailing::Nothing })
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
    let (logs, took) = prove(&runtime(2), Arc::new(endless), &bucket);
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
