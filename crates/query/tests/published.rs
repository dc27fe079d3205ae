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
    let engine = archive::engine(folder.path(), &archive::limits());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_a_database_before_that_of_a_table_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let engine = archive::engine(folder.path(), &archive::limits());
    let tables = ["cloudtrail_logs", "cloudtrail_lake"];
    for (number, question) in questions().iter().enumerate() {
        let mut named = question.sql.clone();
        let before = ["default.", "\"default\".", "\"AwsDataCatalog\".\"my_db\"."][number % 3];
        for table in tables {
            named = named.replace(table, &format!("{before}{table}"));
        }
        let (plain, named) = (rows(&engine, &question.sql).await, rows(&engine, &named).await);
        assert_eq!(plain.is_ok(), named.is_ok(), "{}: {plain:?} {named:?}", question.name);
        if question.rows.is_some() {
            assert_eq!(plain, named, "{}", question.name);
        }
    }
    let count = rows(&engine, "SELECT count(*) FROM events").await.unwrap();
    for sql in [
        "SELECT count(*) FROM \"default\".\"CloudTrail_Logs\"",
        "SELECT count(default.cloudtrail_logs.eventid) FROM default.cloudtrail_logs",
        "SELECT count(\"my_db\".\"events\".\"event_id\") FROM my_db.events WHERE my_db.events.event_id <> ''",
        "SELECT count(x) FROM (SELECT a.b.cloudtrail_logs.useridentity.type AS x FROM a.b.cloudtrail_logs)",
        "SELECT count(event_id) FROM (SELECT my_db.events.* FROM my_db.events)",
        "WITH events AS (SELECT * FROM default.events) SELECT count(*) FROM events",
        "WITH events AS (SELECT 1) SELECT count(*) FROM default.events",
    ] {
        assert_eq!(rows(&engine, sql).await.as_ref(), Ok(&count), "{sql}");
    }
    let given = "WITH events AS (SELECT 1) SELECT count(*) FROM events";
    assert_eq!(rows(&engine, given).await.as_deref(), Ok("1"), "what a question names itself comes first");
    for sql in ["SELECT count(*) FROM default.others", "SELECT count(*) FROM information_schema.events"] {
        let refused = rows(&engine, sql).await.unwrap_err();
        assert!(refused.contains("there is no table"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn a_table_is_described_in_the_types_of_sql() {
    let folder = tempfile::tempdir().unwrap();
    archive::write(folder.path());
    let engine = archive::engine(folder.path(), &archive::limits());
    let described = rows(&engine, "DESCRIBE cloudtrail_lake").await.unwrap();
    assert!(
        described.contains(r#""eventtime" "timestamp with time zone" "when the call was made, UTC""#),
        "{described}"
    );
    assert!(described.contains(r#""requestparameters" "map(varchar, varchar)""#), "{described}");
    assert!(described.contains("array(row(accountid varchar, type varchar"), "{described}");
    for sql in
        ["DESC default.cloudtrail_lake", "SHOW COLUMNS FROM cloudtrail_lake", "SHOW COLUMNS IN \"db\".cloudtrail_lake"]
    {
        assert_eq!(rows(&engine, sql).await.as_ref(), Ok(&described), "{sql}");
    }
    let tables = rows(&engine, "DESCRIBE information_schema.tables").await.unwrap();
    assert!(tables.contains(r#""table_name" "varchar" """#), "{tables}");
}
