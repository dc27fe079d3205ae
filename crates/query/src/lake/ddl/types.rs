//! The types of columns in each engine.

use super::Engine;
use super::quote::{name, text};
use crate::columns::column::{Column, From, Kind};

/// What reads the values, where that changes their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A table of Hive's kind over slots.
    Hive,
    /// A table of Apache Iceberg.
    Iceberg,
    /// A reader of JSON, which finds fields by the names in the record.
    Json,
    /// The same, for what was read as JSON first.
    Cast,
}

/// Returns the type of a column.
pub(super) fn of(engine: Engine, reader: Reader, kind: &Kind) -> String {
    let plain = match (engine, kind) {
        (Engine::Athena | Engine::Spark, Kind::Text | Kind::Json) => "string",
        // A part that is something else in one record would else end the question: it is none (`raw`).
        (Engine::DuckDb, Kind::Json | Kind::Struct(_) | Kind::List(_)) if reader == Reader::Json => "JSON",
        (_, Kind::Text | Kind::Json) => "varchar",
        (_, Kind::Flag) => "boolean",
        (Engine::Athena | Engine::Spark, Kind::Time) => "timestamp",
        (Engine::Trino, Kind::Time) if reader == Reader::Iceberg => "timestamp(6) with time zone",
        // Milliseconds are what Trino's Hive connector is set to (`hive.timestamp-precision`); another number is an
        // error.
        (Engine::Trino, Kind::Time) => "timestamp(3)",
        (Engine::DuckDb, Kind::Time) => "timestamptz",
        (_, Kind::Texts(_)) => return list(engine, of(engine, reader, &Kind::Text)),
        (_, Kind::List(parts)) => return list(engine, structure(engine, reader, parts)),
        (_, Kind::Struct(parts)) => return structure(engine, reader, parts),
        (Engine::Athena | Engine::Spark, Kind::Map) => "map<string,string>",
        (Engine::DuckDb, Kind::Map) => "map(varchar, varchar)",
        (Engine::Trino, Kind::Map) => "map(varchar, varchar)",
    };
    plain.to_owned()
}

fn list(engine: Engine, element: String) -> String {
    match engine {
        Engine::Athena | Engine::Spark => format!("array<{element}>"),
        Engine::Trino => format!("array({element})"),
        Engine::DuckDb => format!("{element}[]"),
    }
}

fn structure(engine: Engine, reader: Reader, parts: &[Column]) -> String {
    let part = |column: &Column| {
        let own = field_name(reader, column);
        let kind = of(engine, reader, &column.kind);
        match engine {
            // Hive takes no quotes here; the names are words.
            Engine::Athena => format!("{own}:{kind}"),
            Engine::Spark => format!("{}:{kind}", name(engine, own)),
            Engine::Trino | Engine::DuckDb => format!("{} {kind}", name(engine, own)),
        }
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    match engine {
        Engine::Athena | Engine::Spark => format!("struct<{}>", parts.join(",")),
        Engine::Trino => format!("row({})", parts.join(", ")),
        Engine::DuckDb => format!("struct({})", parts.join(", ")),
    }
}

/// Returns the name by which a reader finds a field.
pub(super) fn field_name(reader: Reader, column: &Column) -> &'static str {
    match (reader, column.from) {
        (Reader::Json | Reader::Cast, From::Field(path)) => path,
        (Reader::Json | Reader::Cast, From::First(paths)) => paths.first().copied().unwrap_or(column.name),
        _ => column.name,
    }
}

/// Returns the lines of columns, each with its comment; without a comma at the end of the last.
pub(super) fn lines(engine: Engine, reader: Reader, columns: &[Column]) -> Vec<String> {
    let comment = |column: &Column| match column.about {
        "" => String::new(),
        about => format!(" COMMENT {}", text(engine, about)),
    };
    columns
        .iter()
        .map(|column| {
            format!("  {} {}{}", name(engine, column.name), of(engine, reader, &column.kind), comment(column))
        })
        .collect()
}
