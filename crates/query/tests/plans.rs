//! Plans that the engine cannot make or run by itself: joins without equal columns, with less memory than they would
//! take, and orders by a column of one value.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "published/archive.rs"]
mod archive;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use datafusion::common::{ParamValues, ScalarValue};
use futures::TryStreamExt;
use orgtrail_query::query::answer::{Answered, Bounds, QueryAnswer, Question};
use orgtrail_query::query::cell::Cell;
use orgtrail_query::query::engine::Limits;
use orgtrail_query::query::error::QueryError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_any_width_are_sorted_with_any_memory_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    // 60 MB of texts, which no memory below holds, and of which each of these takes another way: one or more parts, with
    // files that are put together once or more often.
    let sql = "SELECT lpad(cast(n.value * 7919 % 20011 AS varchar), 8, '0') || repeat('x', 3000) AS record FROM generate_series(1, 20000) AS n(value) \
        ORDER BY record";
    for mebibytes in [24, 32, 48, 64, 96, 128] {
        let limits = Limits { memory_bytes: mebibytes << 20, threads: 4, ..archive::limits() };
        let engine = archive::engine(folder.path(), &limits);
        let mut stream = engine.ask(sql).await.unwrap();
        let (mut last, mut rows) = (String::new(), 0);
        while let Some(batch) = stream.try_next().await.unwrap_or_else(|error| panic!("{mebibytes} MiB: {error}")) {
            for row in 0..batch.num_rows() {
                let cell = Cell::of(batch.column(0).as_ref(), row).text().to_owned();
                assert!(last < cell, "{mebibytes} MiB");
                (last, rows) = (cell, rows + 1);
            }
        }
        assert_eq!(rows, 20_000, "{mebibytes} MiB");
    }
}

/// Asks for one number, with some memory.
async fn number(memory_bytes: usize, sql: &str) -> Result<String, QueryError> {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let engine = archive::engine(folder.path(), &Limits { memory_bytes, threads: 4, ..archive::limits() });
    let stream = engine.ask(sql).await?;
    let batches: Vec<_> = stream.try_collect().await?;
    Ok(Cell::of(batches[0].column(0).as_ref(), 0).text().to_owned())
}

const MANY: &str = "SELECT e.event_id || repeat('x', 400) AS name FROM events e, generate_series(1, 20) AS n(value)";

fn joined(of: &str) -> String {
    format!(
        "SELECT count(*) FROM ({of}) a JOIN events b ON a.name < b.event_name JOIN events c ON c.event_id < b.event_id"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_of_three_without_equal_columns_is_put_on_disk_where_it_does_not_fit() {
    let enough = number(1 << 30, &joined(MANY)).await.unwrap();
    assert!(enough.parse::<u64>().unwrap() > 1_000_000, "{enough}");
    for memory_bytes in [700_000, 1_000_000] {
        assert_eq!(number(memory_bytes, &joined(MANY)).await.unwrap(), enough, "{memory_bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_fits_nowhere_says_that_it_needs_more_memory() {
    // A part that remembers what it left out cannot run again.
    let first = joined(&format!("{MANY} ORDER BY 1 LIMIT 1100"));
    for (memory_bytes, sql) in [(100_000, joined(MANY)), (700_000, first)] {
        let error = number(memory_bytes, &sql).await.unwrap_err();
        assert!(matches!(error, QueryError::Memory(_)), "{memory_bytes}: {error:?}");
        assert!(error.help().is_some_and(|help| help.contains("--max-memory")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_needs_more_memory_than_there_is_says_so_with_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let limits = Limits { memory_bytes: 700_000, threads: 4, ..archive::limits() };
    let engine = Arc::new(archive::engine(folder.path(), &limits));
    let sql = joined(&format!("{MANY} ORDER BY 1 LIMIT 1100"));
    let question = Question { sql, values: ParamValues::Map(HashMap::new()), cannot_see: String::new() };
    let answered = Answered { now: "2026-11-30T00:00:00Z".parse().unwrap(), expected: None };
    let bounds = Bounds { rows: 10, bytes: 1 << 20, keeps_types: false };
    let found = AtomicUsize::new(0);
    let answer = QueryAnswer::of(engine, question, answered, bounds, &found, std::future::pending()).await.unwrap();
    let coverage = answer.coverage;
    assert!(!coverage.is_whole);
    assert!(coverage.ended.as_ref().is_some_and(|why| why.starts_with("it needs more memory than")), "{coverage:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_by_what_a_condition_makes_one_value_is_planned_and_right() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    // The name is one of a condition that the planner sees through only after it has sorted.
    let sql = "SELECT event_time, lower(event_name) AS name, event_id FROM events \
        WHERE event_source = 's3.amazonaws.com' AND ($name <> '' AND lower(event_name) = $name OR $name = '' AND \
        event_name LIKE 'G%') ORDER BY event_time, name, event_id";
    let mut all = Vec::new();
    for threads in [1, 4] {
        let engine = archive::engine(folder.path(), &Limits { threads, ..archive::limits() });
        let values = HashMap::from([("name".to_owned(), ScalarValue::from("getobject").into())]);
        let stream = engine.ask_with(sql, ParamValues::Map(values)).await.unwrap();
        let batches: Vec<_> = stream.try_collect().await.unwrap();
        let rows = batches.iter().flat_map(|batch| {
            (0..batch.num_rows()).map(|row| [0, 2].map(|at| Cell::of(batch.column(at).as_ref(), row).text().to_owned()))
        });
        let rows: Vec<[String; 2]> = rows.collect();
        assert!(rows.len() > 1 && rows.is_sorted(), "{rows:?}");
        all.push(rows);
    }
    assert_eq!(all[0], all[1]);
}
