//! Questions as people publish them, for Athena and for CloudTrail Lake, over a small archive: only the table's name is
//! another.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it must be")]

#[path = "published/archive.rs"]
mod archive;

use orgtrail_query::query::answer::Cell;
use orgtrail_query::query::engine::Engine;

/// A question of `published/`, with the rows that it must give, where they are written down.
struct Question {
    name: String,
    sql: String,
    rows: Option<String>,
}

const FILES: [(&str, &str, &str, &str); 3] = [
    ("lake.sql", include_str!("published/lake.sql"), "$EDS_ID", "cloudtrail_lake"),
    ("athena.sql", include_str!("published/athena.sql"), "$TABLE", "cloudtrail_logs"),
    ("incident.sql", include_str!("published/incident.sql"), "$TABLE", "cloudtrail_logs"),
];

const ROWS: &str = include_str!("published/rows.txt");

fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for (file, text, placeholder, table) in FILES {
        for part in text.split("-- name: ").skip(1) {
            let (name, sql) = part.split_once('\n').unwrap();
            let name = format!("{file}: {name}");
            let rows = ROWS.split("== ").find_map(|block| block.strip_prefix(&format!("{name}\n")));
            all.push(Question {
                sql: sql.replace(placeholder, table),
                rows: rows.map(|rows| rows.trim_end().to_owned()),
                name,
            });
        }
    }
    all
}

async fn rows(engine: &Engine, sql: &str) -> Result<String, String> {
    use futures::TryStreamExt;
    let stream = engine.ask(sql).await.map_err(|error| error.to_string())?;
    let batches: Vec<_> = stream.try_collect().await.map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                batch.columns().iter().map(|column| Cell::of(column.as_ref(), row).json()).collect();
            lines.push(cells.join(" "));
        }
    }
    Ok(lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_questions_run_with_only_the_tables_name_changed() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let engine = archive::engine(folder.path());
    let (mut failed, mut wrong, mut compared) = (Vec::new(), Vec::new(), 0);
    let questions = questions();
    for question in &questions {
        match (rows(&engine, &question.sql).await, &question.rows) {
            (Err(error), _) => failed.push(format!("{}\n    {error}", question.name)),
            (Ok(rows), Some(expected)) => {
                compared += 1;
                if rows != *expected {
                    wrong.push(format!("== {}\n{rows}\n-- expected\n{expected}", question.name));
                }
            }
            (Ok(_), None) => {}
        }
    }
    let (all, failures) = (questions.len(), failed.join("\n"));
    println!("{} of {all} run; these do not:\n{failures}", all - failed.len());
    assert!(wrong.is_empty(), "other rows than expected:\n{}", wrong.join("\n"));
    assert!(all >= 100, "there are only {all} questions");
    assert!(failed.len() * 100 <= all * 5, "{} of {all} do not run:\n{failures}", failed.len());
    assert!(compared >= 30, "the rows of only {compared} questions are compared");
}
