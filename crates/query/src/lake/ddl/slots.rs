//! A table over the slots of a lake.

use jiff::civil::Date;

use super::header::{header, slots_ran};
use super::place::TablePlace;
use super::quote::{TableName, name, text};
use super::types::{Reader, lines};
use super::{DdlError, Engine};
use crate::lake::layout::EVENTS;
use crate::lake::slot::columns;

const WHAT: &str = "the events of the lake";
/// The column of a slot's folder. A text everywhere, so that a condition on it reads the same in every engine.
pub(super) const DAY: &str = "day";
pub(super) const DAY_ABOUT: &str =
    "the day of the event, UTC, as 2026-11-20; name it in each question: other days are not read";
const ASK_DAY: &str =
    "Name days in each question, as in WHERE day >= '2026-11-01': only the slots of these days are read.";

/// Returns the statements.
///
/// # Errors
/// Where the engine needs more.
pub(super) fn ddl(engine: Engine, place: &TablePlace, table: &TableName, first: Date) -> Result<String, DdlError> {
    Ok(match engine {
        Engine::Athena => athena(place, table, first),
        Engine::Spark => spark(place, table),
        Engine::Trino => return trino(place, table),
        Engine::DuckDb => duckdb(place, table),
    })
}

fn athena(place: &TablePlace, table: &TableName, first: Date) -> String {
    let engine = Engine::Athena;
    let notes = [
        "Athena works out the days by itself (partition projection): no crawler and no MSCK REPAIR TABLE, also for new days.",
        "What it does not see: events without a time that can be read, which lie in day=1970-01-01, and days before the first",
        "of projection.day.range. A second table with the range 1970-01-01,1970-01-01 has the events without a time.",
        ASK_DAY,
    ];
    let folder = place.below(EVENTS);
    let template = format!("{folder}day=${{day}}/");
    let range = format!("{first},NOW");
    let properties = [
        ("projection.enabled", "true"),
        ("projection.day.type", "date"),
        ("projection.day.format", "yyyy-MM-dd"),
        ("projection.day.range", &range),
        ("projection.day.interval", "1"),
        ("projection.day.interval.unit", "DAYS"),
        ("storage.location.template", &template),
    ];
    let properties: Vec<String> =
        properties.iter().map(|(key, value)| format!("  '{key}' = {}", text(engine, value))).collect();
    format!(
        "{}CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n{}\n)\nPARTITIONED BY (`day` string COMMENT {})\nSTORED AS PARQUET\n\
         LOCATION {}\nTBLPROPERTIES (\n{}\n);\n",
        header(engine, WHAT, place, slots_ran(engine), &notes),
        table.quoted(),
        lines(engine, Reader::Hive, columns()).join(",\n"),
        text(engine, DAY_ABOUT),
        text(engine, &folder),
        properties.join(",\n"),
    )
}

fn spark(place: &TablePlace, table: &TableName) -> String {
    let engine = Engine::Spark;
    let notes = [
        "Run MSCK REPAIR TABLE again where the lake has a new day, and REFRESH TABLE in a session that read days which were",
        "written again since. Times are shown in the session's time zone: SET TIME ZONE 'UTC'.",
        ASK_DAY,
    ];
    let quoted = table.quoted();
    format!(
        "{}CREATE TABLE IF NOT EXISTS {quoted} (\n{},\n  `day` string COMMENT {}\n)\nUSING PARQUET\n\
         PARTITIONED BY (`day`)\nLOCATION {};\n\n-- Looks for the days.\nMSCK REPAIR TABLE {quoted};\n",
        header(engine, WHAT, place, slots_ran(engine), &notes),
        lines(engine, Reader::Hive, columns()).join(",\n"),
        text(engine, DAY_ABOUT),
        text(engine, &place.below(EVENTS)),
    )
}

fn trino(place: &TablePlace, table: &TableName) -> Result<String, DdlError> {
    let engine = Engine::Trino;
    let Some(database) = &table.database else {
        return Err(DdlError::Needs {
            engine: engine.title(),
            what: "the name of a database (a schema of its Hive connector)",
            help: "pass --database NAME, and --catalog NAME where the session has another catalog",
        });
    };
    let notes = [
        "The catalog is one of the Hive connector. Call sync_partition_metadata again where the lake has a new day.",
        "Times are UTC without a time zone, in milliseconds: what the connector is set to (hive.timestamp-precision).",
        ASK_DAY,
    ];
    let catalog = table.catalog.as_deref().map(|own| format!("{}.", name(engine, own))).unwrap_or_default();
    Ok(format!(
        "{}CREATE TABLE IF NOT EXISTS {} (\n{},\n  \"day\" varchar COMMENT {}\n)\nWITH (\n  format = 'PARQUET',\n  \
         external_location = {},\n  partitioned_by = ARRAY['{DAY}']\n);\n\n-- Looks for the days.\n\
         CALL {catalog}system.sync_partition_metadata({}, {}, 'ADD');\n",
        header(engine, WHAT, place, slots_ran(engine), &notes),
        table.quoted(),
        lines(engine, Reader::Hive, columns()).join(",\n"),
        text(engine, DAY_ABOUT),
        text(engine, &place.below(EVENTS)),
        text(engine, database),
        text(engine, &table.table),
    ))
}

fn duckdb(place: &TablePlace, table: &TableName) -> String {
    let engine = Engine::DuckDb;
    let notes = [
        "It is a view: each question lists the files anew, so that new days and events are there at once.",
        "Times are shown in the session's time zone: SET TimeZone = 'UTC'.",
        ASK_DAY,
    ];
    let quoted = table.quoted();
    let names: Vec<String> = columns().iter().map(|column| format!("  {}", name(engine, column.name))).collect();
    let comment = |column: &str, about: &str| {
        format!("COMMENT ON COLUMN {quoted}.{} IS {};\n", name(engine, column), text(engine, about))
    };
    let comments: String = columns().iter().map(|column| comment(column.name, column.about)).collect();
    format!(
        "{}CREATE OR REPLACE VIEW {quoted} AS SELECT\n{},\n  \"{DAY}\"\nFROM read_parquet({}, hive_partitioning = true, \
         hive_types = {{'{DAY}': varchar}});\n\n-- What the columns hold.\n{comments}{}",
        header(engine, WHAT, place, slots_ran(engine), &notes),
        names.join(",\n"),
        text(engine, &place.pattern(&format!("{EVENTS}day=*/*.parquet"))),
        comment(DAY, DAY_ABOUT),
    )
}
