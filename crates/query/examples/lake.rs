//! Makes a lake of a folder of logs, says the statements of the other engines, and answers questions over the log
//! files: what `tests/engines` compares the other engines with.
//!
//! `cargo run -p orgtrail-query --example lake -- LOGS LAKE [--questions FILE] [--statements FOLDER] [--bucket NAME]`
//!
//! A question stands on lines of its own under a line `-- name: NAME`. The answers are JSON on standard output.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "an example ends where something is not as it must be")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::ddl::{DdlRequest, Engine as Other, RawLogs, TableOf, ddl};
use orgtrail_query::lake::folder::FolderLake;
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::layout::{EVENTS, Grain, SlotId, untimed};
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Update;
use orgtrail_query::query::answer::{Answered, Bounds, Ended, QueryAnswer, Question};
use orgtrail_query::query::engine::{Engine, Limits};
use serde_json::{Value, json};

/// Slots of a day.
const SLOTS: u16 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|own| own == name)?;
        Some(arguments.get(at + 1).expect("an option has a value").clone())
    };
    let (logs, lake) = match arguments.as_slice() {
        [logs, lake, ..] => (PathBuf::from(logs), PathBuf::from(lake)),
        _ => panic!("name the folder of the logs and the folder of the lake"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let days = runtime.block_on(update(&logs, &lake));
    if let Some(folder) = option("--statements") {
        let bucket = option("--bucket").unwrap_or_else(|| "acme-lake".to_owned());
        statements(&logs, &lake, &bucket, Path::new(&folder), &days);
    }
    let questions = option("--questions").map(|file| std::fs::read_to_string(file).unwrap()).unwrap_or_default();
    let answers: Vec<Value> =
        named(&questions).into_iter().map(|(name, sql)| runtime.block_on(answer(&logs, &name, &sql))).collect();
    println!("{}", serde_json::to_string(&json!({ "answers": answers })).unwrap());
}

/// Makes the lake; returns its days.
async fn update(logs: &Path, lake: &Path) -> Vec<Date> {
    let store: Arc<dyn LakeStore> = Arc::new(FolderLake::new(lake));
    let asked = LakeAsked { organization: None, grain: Some(Grain::Day), slots: Some(SLOTS) };
    let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.unwrap();
    let update = Update {
        archive: Arc::new(archive(logs)),
        window: Window::default(),
        overlap: SignedDuration::from_hours(1),
        shard: None,
        threads: 2,
        memory_bytes: 128 << 20,
        repairs: false,
    };
    let updated = update.run(&store, &identity, Timestamp::now(), &|_| {}).await.unwrap();
    assert!(updated.missing.is_empty() && updated.failed.is_empty(), "{updated:?}");
    let mut days: Vec<Date> = slots(lake).iter().map(|slot| slot.day).filter(|day| *day != untimed()).collect();
    days.dedup();
    days
}

/// Returns the slots of a lake, in order.
fn slots(lake: &Path) -> Vec<SlotId> {
    let mut all = Vec::new();
    for day in std::fs::read_dir(lake.join(EVENTS)).unwrap() {
        let day = day.unwrap();
        for file in std::fs::read_dir(day.path()).unwrap() {
            let (day, file) = (day.file_name(), file.unwrap().file_name());
            all.extend(SlotId::parse(&format!("{EVENTS}{}/{}", day.to_str().unwrap(), file.to_str().unwrap())));
        }
    }
    all.sort();
    all
}

/// Writes the statements of each engine: over the folders where it reads folders, and over a bucket.
fn statements(logs: &Path, lake: &Path, bucket: &str, into: &Path, days: &[Date]) {
    let (logs, lake) = (logs.canonicalize().unwrap(), lake.canonicalize().unwrap());
    let first_day = days.first().copied().unwrap_or(date(2026, 1, 1));
    let raw = RawLogs {
        organization: Some("o-exampleorgid".to_owned()),
        accounts: vec!["111111111111".to_owned(), "222222222222".to_owned()],
        regions: vec!["us-east-1".to_owned(), "eu-central-1".to_owned()],
        first_day,
    };
    let kinds = [
        ("slots", TableOf::Slots { first_day }, &lake, "events"),
        ("raw", TableOf::RawLogs(raw), &logs, "log_events"),
        ("iceberg", TableOf::Iceberg { days: days.to_vec() }, &lake, "adopted"),
    ];
    std::fs::create_dir_all(into).unwrap();
    for engine in Other::ALL {
        for (kind, of, folder, table) in &kinds {
            let places = [("folder", folder.to_str().unwrap().to_owned()), ("s3", format!("s3://{bucket}/lake"))];
            for (place, location) in places {
                let needs_catalog = *kind == "iceberg" && engine != Other::Athena;
                let request = DdlRequest {
                    catalog: needs_catalog.then(|| "ice".to_owned()),
                    database: (engine != Other::DuckDb || needs_catalog).then(|| "audit".to_owned()),
                    table: (*table).to_owned(),
                    location,
                    of: of.clone(),
                };
                let (ending, text) = match ddl(engine, &request) {
                    Ok(text) => ("sql", text),
                    Err(refused) => ("refused", format!("{refused}\n")),
                };
                std::fs::write(into.join(format!("{engine}.{kind}.{place}.{ending}")), text).unwrap();
            }
        }
    }
}

fn archive(logs: &Path) -> Archive {
    let place = LogPlace { store: Arc::new(FolderStore::new(logs)), sought: ScopeFilter::default() };
    Archive::new(vec![place], SignedDuration::from_hours(24 * 30))
}

/// Returns the questions of a file, by name.
fn named(text: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("-- name: "), all.last_mut()) {
            (Some(name), _) => all.push((name.trim().to_owned(), String::new())),
            (None, Some((_, sql))) => *sql += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    all
}

/// Answers a question over the log files.
async fn answer(logs: &Path, name: &str, sql: &str) -> Value {
    let engine = Arc::new(Engine::new(Arc::new(archive(logs)), None, Window::default(), &Limits::default()).unwrap());
    let values = datafusion::common::ParamValues::Map(HashMap::new());
    let question = Question { sql: sql.to_owned(), values, cannot_see: String::new() };
    let answered = Answered { now: Timestamp::now(), expected: None };
    let bounds = Bounds { rows: 100_000, bytes: 1 << 30, keeps_types: false };
    let stop = std::future::pending::<Ended>();
    let answer = QueryAnswer::of(engine, question, answered, bounds, &AtomicUsize::new(0), stop).await.expect(name);
    assert_eq!(answer.coverage.unread_count, 0, "{name}");
    let rows: Vec<Vec<Value>> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| serde_json::from_str(&cell.json()).unwrap()).collect())
        .collect();
    json!({ "name": name, "sql": sql, "columns": answer.columns.len(), "rows": rows })
}
