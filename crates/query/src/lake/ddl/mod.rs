//! Statements that make a lake, or the log files themselves, a table of another engine. They are text: nothing is asked
//! and nothing is run.
//!
//! - `place`: where the table lies, as each engine wants to have it.
//! - `quote`: names and texts, which are other people's, in each engine's spelling.
//! - `types`: the types of columns.
//! - `header`: what the comment above the statements says.
//! - `slots`, `raw`, `iceberg`: the three kinds of tables.

mod header;
mod iceberg;
mod place;
mod quote;
mod raw;
mod slots;
mod types;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use place::{Holds, TablePlace};
use quote::TableName;

/// An engine that reads Parquet or log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// Amazon Athena.
    Athena,
    /// Apache Spark.
    Spark,
    /// Trino.
    Trino,
    /// DuckDB.
    DuckDb,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 4] = [Self::Athena, Self::Spark, Self::Trino, Self::DuckDb];

    /// Returns its own spelling of its name.
    fn title(self) -> &'static str {
        match self {
            Self::Athena => "Amazon Athena",
            Self::Spark => "Apache Spark",
            Self::Trino => "Trino",
            Self::DuckDb => "DuckDB",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Athena => "athena",
            Self::Spark => "spark",
            Self::Trino => "trino",
            Self::DuckDb => "duckdb",
        })
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|engine| engine.to_string() == text);
        named.ok_or_else(|| format!("{text:?} is no engine; it is athena, spark, trino or duckdb"))
    }
}

/// Which table is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DdlRequest {
    /// The catalog. `None`: the session's own.
    pub catalog: Option<String>,
    /// The database, which some engines call schema; it must be there. `None`: the session's own.
    pub database: Option<String>,
    /// The name of the table.
    pub table: String,
    /// Where the lake, or the logs lie: `s3://BUCKET`, `s3://BUCKET/PREFIX`, or a folder by its whole path. Of logs it
    /// is what the folder `AWSLogs` lies in.
    pub location: String,
    /// What the rows of the table are.
    pub of: TableOf,
}

/// What the rows of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableOf {
    /// The events of the slots of a lake.
    Slots {
        /// The first day that it has events of, UTC.
        first_day: Date,
    },
    /// The events of the log files.
    RawLogs(RawLogs),
    /// The events of these days, in a table of Apache Iceberg that adopts the slots where they lie.
    Iceberg {
        /// The days, UTC: those whose logs are all in.
        days: Vec<Date>,
    },
}

/// Log files as CloudTrail delivered them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLogs {
    /// The organization in whose folder they lie: `o-…`. `None`: accounts by themselves.
    pub organization: Option<String>,
    /// The accounts, by id.
    pub accounts: Vec<String>,
    /// The regions, by code.
    pub regions: Vec<String>,
    /// The first day on which log files were made, UTC.
    pub first_day: Date,
}

/// Why there are no statements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DdlError {
    /// The engine cannot read from there.
    #[error("{engine} cannot read {location}: {why}")]
    Location {
        /// Its name.
        engine: &'static str,
        /// The place, escaped.
        location: String,
        /// Why.
        why: String,
    },
    /// A name that the engine does not take.
    #[error("{name} cannot be the name of a {what} in {engine}: {why}")]
    Name {
        /// Its name.
        engine: &'static str,
        /// A catalog, a database or a table.
        what: &'static str,
        /// The name, escaped.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// An account, region or organization that is none.
    #[error("{name} is no {what}")]
    Value {
        /// What it should be.
        what: &'static str,
        /// It, escaped.
        name: String,
    },
    /// Something that must be said was not.
    #[error("{engine} needs {what}")]
    Needs {
        /// Its name.
        engine: &'static str,
        /// What is to be said.
        what: &'static str,
        /// The options that say it.
        help: &'static str,
    },
    /// The engine cannot do this.
    #[error("{engine} cannot do this: {why}")]
    Unable {
        /// Its name.
        engine: &'static str,
        /// Why, and what can be done in its place.
        why: &'static str,
    },
}

impl DdlError {
    /// Returns what a person can do next. `None`: the message says it.
    pub fn help(&self) -> Option<&'static str> {
        if let Self::Needs { help, .. } = self { Some(*help) } else { None }
    }
}

/// Returns the statements, each with `;` at its end, under a comment that says what they are and where such statements
/// were run.
///
/// # Errors
/// Where the engine cannot read from there, does not take a name, or cannot do what is asked for.
pub fn ddl(engine: Engine, request: &DdlRequest) -> Result<String, DdlError> {
    let holds = match &request.of {
        // Whatever the place: no other name of it helps.
        TableOf::RawLogs(_) => raw::must_be_read(engine).map(|()| Holds::Logs)?,
        TableOf::Slots { .. } | TableOf::Iceberg { .. } => Holds::Lake,
    };
    let place = TablePlace::of(engine, &request.location, holds)?;
    let name = TableName::of(engine, request)?;
    match &request.of {
        TableOf::Slots { first_day } => slots::ddl(engine, &place, &name, *first_day),
        TableOf::RawLogs(logs) => raw::ddl(engine, &place, &name, logs),
        TableOf::Iceberg { days } => iceberg::ddl(engine, &place, &name, days),
    }
}
