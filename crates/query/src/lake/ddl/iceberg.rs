//! A table of Apache Iceberg that adopts slots where they lie. The engine writes the table's own files; orgtrail writes
//! none of Iceberg's.
//!
//! Slots have numbers of fields (`slot::schema`), by which Iceberg finds columns in a file; a table that is made with
//! the same columns in the same order numbers them alike (Iceberg specification, "Column Projection").

use jiff::civil::Date;

use super::header::header;
use super::place::TablePlace;
use super::quote::{TableName, name, text};
use super::slots::{DAY, DAY_ABOUT};
use super::types::{Reader, lines};
use super::{DdlError, Engine};
use crate::lake::layout::EVENTS;
use crate::lake::slot::columns;

const WHAT: &str = "the events of days that are whole, adopted by Apache Iceberg from the lake";
/// What is true of each engine's table.
const NOTES: [&str; 4] = [
    "Adopt days whose logs are all in: the table notes the size of each slot, and cannot read one that was written again",
    "since. Then take the day out and adopt it again: DELETE FROM the table WHERE its events are of that day, and add_files.",
    "The slots stay the lake's. Give the engine's role no right to delete there: Iceberg's clean-up (expire_snapshots,",
    "remove_orphan_files, DROP TABLE) deletes files that a table once adopted.",
];

/// Returns the statements.
///
/// # Errors
/// Where the engine cannot adopt files, or a name is missing.
pub(super) fn ddl(engine: Engine, place: &TablePlace, table: &TableName, days: &[Date]) -> Result<String, DdlError> {
    let unable = |why| Err(DdlError::Unable { engine: engine.title(), why });
    if days.is_empty() {
        let (what, help) = ("the days to adopt", "pass --days YYYY-MM-DD, or seal days with `orgtrail verify --seal`");
        return Err(DdlError::Needs { engine: engine.title(), what, help });
    }
    match engine {
        Engine::Spark => spark(place, table, days),
        Engine::Trino => Ok(trino(place, table, days)),
        Engine::Athena => unable(
            "it makes tables of Iceberg, but has no statement that adopts files; run the statements for Spark on Amazon EMR \
             or AWS Glue, and Athena reads the table, or leave --iceberg out",
        ),
        Engine::DuckDb => unable(
            "it reads tables of Iceberg, but has no statement that adopts files; leave --iceberg out, and it reads the slots",
        ),
    }
}

fn spark(place: &TablePlace, table: &TableName, days: &[Date]) -> Result<String, DdlError> {
    let engine = Engine::Spark;
    let (Some(catalog), Some(database)) = (&table.catalog, &table.database) else {
        return Err(DdlError::Needs {
            engine: engine.title(),
            what: "the names of Iceberg's catalog and of a database",
            help: "pass both: --catalog NAME --database NAME",
        });
    };
    let quoted = table.quoted();
    let source = format!("`parquet`.{}", name(engine, &place.below(EVENTS)));
    let target = format!("{database}.{}", table.table);
    let adopt = |day: &Date| {
        format!(
            "CALL {}.system.add_files(table => {}, source_table => {}, partition_filter => map('{DAY}', '{day}'));\n",
            name(engine, catalog),
            text(engine, &target),
            text(engine, &source),
        )
    };
    Ok(format!(
        "{}-- Makes the table, once. The day is a column of its own, behind the others: so the numbers of all columns are those\n\
         -- in the slots. Iceberg's SQL extensions must be on.\nCREATE TABLE {quoted} (\n{}\n)\nUSING iceberg\n\
         TBLPROPERTIES (\n  'format-version' = '2',\n  'gc.enabled' = 'false'\n);\nALTER TABLE {quoted} ADD COLUMN `{DAY}` \
         string COMMENT {};\nALTER TABLE {quoted} ADD PARTITION FIELD `{DAY}`;\n\n-- Adopts the days; a slot that is in \
         already is refused.\n{}",
        header(engine, WHAT, place, SPARK_RAN, &NOTES),
        lines(engine, Reader::Iceberg, columns()).join(",\n"),
        text(engine, DAY_ABOUT),
        days.iter().map(adopt).collect::<String>(),
    ))
}

const SPARK_RAN: &str =
    "Such statements were run on Spark 3.5.9 with Iceberg's own jar over a folder; over S3 they were only parsed.";

fn trino(place: &TablePlace, table: &TableName, days: &[Date]) -> String {
    let engine = Engine::Trino;
    let notes = [
        "The catalog is one of the Iceberg connector with iceberg.add-files-procedure.enabled=true. Trino adopts files into",
        "tables without partitions only, so that there is no column day: ask by event_time, whose least and greatest are noted.",
    ];
    let quoted = table.quoted();
    let adopt = |day: &Date| {
        let folder = text(engine, &place.below(&format!("{EVENTS}{DAY}={day}/")));
        format!("ALTER TABLE {quoted} EXECUTE add_files(location => {folder}, format => 'PARQUET');\n")
    };
    format!(
        "{}CREATE TABLE {quoted} (\n{}\n)\nWITH (\n  format = 'PARQUET',\n  format_version = 2\n);\n\n-- Adopts \
         the days; run each once: Trino does not refuse one that is in already.\n{}",
        header(
            engine,
            WHAT,
            place,
            "Such statements were only parsed, by sqlglot, and never run.",
            &[&notes[..], &NOTES].concat()
        ),
        lines(engine, Reader::Iceberg, columns()).join(",\n"),
        days.iter().map(adopt).collect::<String>(),
    )
}
