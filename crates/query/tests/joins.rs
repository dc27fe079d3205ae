//! Joins without equal columns, with less memory than they would take.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "published/archive.rs"]
mod archive;

use futures::TryStreamExt;
use orgtrail_query::query::cell::Cell;
use orgtrail_query::query::engine::Limits;
use orgtrail_query::query::error::QueryError;

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
