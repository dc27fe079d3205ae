//! How long a question over a day of log files takes, against DuckDB in the same run.
//!
//! `cargo bench --workspace --bench query`; each measure is the median of several processes. DuckDB is the Python
//! package of that name, pinned and in an environment of its own below the target folder, or that of the interpreter
//! which ORGTRAIL_PYTHON names.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::common::ParamValues;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::folder::FolderLake;
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::reading::Lake;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Update;
use orgtrail_query::query::answer::{Answered, Bounds, Ended, QueryAnswer, Question};
use orgtrail_query::query::engine::{Engine, Limits};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GROUPS: &str =
    "SELECT event_source, event_name, count(*) AS n FROM events GROUP BY event_source, event_name ORDER BY n DESC";

/// The same in DuckDB, which reads no more of each record than the question needs. It counts copies of an event twice,
/// which costs it less than telling them apart. Its import is not part of the time.
const DUCKDB: &str = r#"
import os, resource, sys, time
import duckdb
logs, cores = sys.argv[1], int(sys.argv[2])
try:
    os.sched_setaffinity(0, range(cores))
except (AttributeError, OSError) as error:
    print("not bound:", error, file=sys.stderr)
begin, used = time.perf_counter(), time.process_time()
connection = duckdb.connect()
connection.execute(f"SET threads = {cores}")
# It would be drawn among the figures.
connection.execute("SET enable_progress_bar = false")
rows = connection.execute("""
    SELECT e.eventSource, e.eventName, count(*) AS n
    FROM (SELECT unnest(Records) AS e FROM read_json(?, format = 'unstructured',
        columns = {'Records': 'STRUCT(eventSource VARCHAR, eventName VARCHAR)[]'}))
    GROUP BY ALL ORDER BY n DESC
""", [logs + "/AWSLogs/*/*/CloudTrail/*/*/*/*/*.json.gz"]).fetchall()
wall, cpu = time.perf_counter() - begin, time.process_time() - used
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(int(wall * 1e6), int(cpu * 1e6), memory, len(rows), sum(row[2] for row in rows))
"#;

fn main() {
    if let Some(arguments) = support::child() {
        let [kind, place, cores] = arguments.as_slice() else { panic!("three arguments") };
        let (place, cores) = (Path::new(place), cores.parse().unwrap());
        support::measure(cores, || ask(place, kind == "lake", cores));
        return;
    }
    let (logs, _) = support::logs();
    let python = support::python::with_duckdb();
    for cores in [1, 2] {
        let folder = logs.to_str().unwrap();
        let (own, said) = support::medians(|| support::own(&["logs", folder, &cores.to_string()])).unwrap();
        let show = |name: &str, took: support::Took, said: &str| {
            let (wall, cpu) = (took.wall.as_secs_f64(), took.cpu.as_secs_f64());
            let memory = took.memory_bytes as f64 / f64::from(1 << 20);
            println!("{name}: {wall:.3} s, {cpu:.3} s of CPU, {memory:.0} MiB; groups and events: {said}");
        };
        show(&format!("group by over log files, {cores} cores"), own, said.trim());
        let duckdb = python.clone().and_then(|python| {
            support::medians(|| {
                let mut command = Command::new(&python);
                command.args(["-c", DUCKDB, folder, &cores.to_string()]);
                command
            })
        });
        match duckdb {
            Ok((took, said)) => {
                show(&format!("the same in DuckDB, {cores} cores"), took, said.trim());
                let times = took.wall.as_secs_f64() / own.wall.as_secs_f64();
                support::goal("times as fast as DuckDB", times, 3.0, false, "times");
                let cpu = took.cpu.as_secs_f64() / own.cpu.as_secs_f64().max(0.01);
                println!("  DuckDB takes {cpu:.2} times the CPU");
            }
            Err(why) => println!("  no DuckDB to compare with: {why}"),
        }
    }
    let lake = logs.with_file_name("lake-to-ask");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(make(&logs, &lake));
    for cores in [1, 2] {
        let (own, said) =
            support::medians(|| support::own(&["lake", lake.to_str().unwrap(), &cores.to_string()])).unwrap();
        let (wall, cpu) = (own.wall.as_secs_f64() * 1e3, own.cpu.as_secs_f64() * 1e3);
        println!(
            "the same over slots, {cores} cores: {wall:.1} ms, {cpu:.1} ms of CPU; groups and events: {}",
            said.trim()
        );
        support::goal("group by over slots", wall, 50.0, true, "ms");
    }
}

/// Puts the log files into a lake.
async fn make(logs: &Path, lake: &Path) {
    let store: Arc<dyn LakeStore> = Arc::new(FolderLake::new(lake));
    let archive = Arc::new(of_logs(logs));
    let organization = archive.organizations().await.into_iter().next();
    let asked = LakeAsked { organization, ..LakeAsked::default() };
    let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.unwrap();
    let (window, overlap) = (Window::default(), SignedDuration::from_hours(72));
    let update = Update { archive, window, overlap, shard: None, threads: 2, memory_bytes: 256 << 20, repairs: false };
    let updated = update.run(&store, &identity, Timestamp::now(), &|_| {}).await.unwrap();
    assert!(updated.missing.is_empty() && updated.failed.is_empty(), "{updated:?}");
}

fn of_logs(logs: &Path) -> Archive {
    let place = LogPlace { store: Arc::new(FolderStore::new(logs)), sought: ScopeFilter::default() };
    Archive::new(vec![place], SignedDuration::from_hours(24))
}

/// Asks the question; says how many groups and events there are.
fn ask(place: &Path, is_lake: bool, cores: usize) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (archive, lake) = match is_lake {
            true => {
                let lake = Lake::open(Arc::new(FolderLake::new(place))).await.unwrap();
                (Archive::new(Vec::new(), SignedDuration::from_hours(24)), Some(lake))
            }
            false => (of_logs(place), None),
        };
        let limits = Limits { threads: cores, ..Limits::default() };
        let engine = Arc::new(Engine::new(Arc::new(archive), lake, Window::default(), &limits).unwrap());
        let values = ParamValues::Map(HashMap::new());
        let question = Question { sql: GROUPS.to_owned(), values, cannot_see: String::new() };
        let answered = Answered { now: Timestamp::now(), expected: None };
        let bounds = Bounds { rows: 10_000, bytes: 1 << 30, keeps_types: false };
        let stop = std::future::pending::<Ended>();
        let answer = QueryAnswer::of(engine, question, answered, bounds, &AtomicUsize::new(0), stop).await.unwrap();
        assert_eq!(answer.coverage.unread_count, 0);
        let events: u64 = answer.rows.iter().map(|row| row[2].text().parse::<u64>().unwrap()).sum();
        format!("{} {events}", answer.rows.len())
    })
}
