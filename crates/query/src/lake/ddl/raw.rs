//! A table over log files as CloudTrail delivered them, with the columns of Athena's documentation ("Query AWS
//! CloudTrail logs", "Create a table for CloudTrail logs in Athena using partition projection").

use jiff::civil::Date;
use orgtrail_core::ids::{AccountId, OrganizationId, Region};
use orgtrail_core::log_path::TOP_FOLDER;

use super::header::header;
use super::place::TablePlace;
use super::quote::{TableName, name, shown, text};
use super::types::{Reader, field_name, lines, of};
use super::{DdlError, Engine, RawLogs};
use crate::columns::athena::COLUMNS;
use crate::columns::column::{Column, Kind};

const WHAT: &str = "the events of the log files";
/// What stands in the key of a log file, and is a column beside those of the record.
const PARTITIONS: [(&str, &str); 3] = [
    ("account", "the account whose folder the log file lies in"),
    ("region", "the region whose folder the log file lies in"),
    (
        "day",
        "the day on which the log file was made, UTC, as 2026/11/20; an event may be of the day before, or come late",
    ),
];
/// Files of digests and of other kinds of events lie in folders of other names.
const KIND: &str = "CloudTrail";

/// Returns the statements.
///
/// # Errors
/// Where the engine cannot read log files, or an account or region is none.
pub(super) fn ddl(engine: Engine, place: &TablePlace, table: &TableName, logs: &RawLogs) -> Result<String, DdlError> {
    check(engine, logs)?;
    let columns: Vec<Column> =
        COLUMNS.iter().filter(|column| PARTITIONS.iter().all(|(name, _)| *name != column.name)).cloned().collect();
    let root = match &logs.organization {
        Some(organization) => format!("{TOP_FOLDER}{organization}/"),
        None => TOP_FOLDER.to_owned(),
    };
    match engine {
        Engine::Athena => Ok(athena(place, table, logs, &columns, &root)),
        Engine::Spark => Ok(spark(place, table, &columns, &root)),
        Engine::DuckDb => Ok(duckdb(place, table, &columns, &root)),
        Engine::Trino => Err(unreadable(engine)),
    }
}

/// Refuses an engine that cannot read log files.
///
/// # Errors
/// For Trino.
pub(super) fn must_be_read(engine: Engine) -> Result<(), DdlError> {
    if engine == Engine::Trino { Err(unreadable(engine)) } else { Ok(()) }
}

fn unreadable(engine: Engine) -> DdlError {
    DdlError::Unable {
        engine: engine.title(),
        why: "its Hive connector has no reader of CloudTrail's files, in which one JSON object holds all events, and \
              no partitions without key=value in their path; make a lake, and leave --raw out",
    }
}

fn check(engine: Engine, logs: &RawLogs) -> Result<(), DdlError> {
    let needs = |what| {
        let help = "name a place that has logs, with --place s3://BUCKET/PREFIX: accounts and regions are found there";
        Err(DdlError::Needs { engine: engine.title(), what, help })
    };
    let value = |what, text: &str| DdlError::Value { what, name: shown(text) };
    if let Some(organization) = &logs.organization {
        organization.parse::<OrganizationId>().map_err(|_| value("id of an organization", organization))?;
    }
    for account in &logs.accounts {
        account.parse::<AccountId>().map_err(|_| value("id of an account", account))?;
    }
    for region in &logs.regions {
        region.parse::<Region>().map_err(|_| value("code of a region", region))?;
    }
    if engine == Engine::Athena && logs.accounts.is_empty() {
        return needs("the accounts, by id: its table names them");
    }
    if engine == Engine::Athena && logs.regions.is_empty() {
        return needs("the regions: its table names them");
    }
    Ok(())
}

fn athena(place: &TablePlace, table: &TableName, logs: &RawLogs, columns: &[Column], root: &str) -> String {
    let engine = Engine::Athena;
    let notes = [
        "Athena works out accounts, regions and days by itself (partition projection): no crawler, no MSCK REPAIR TABLE.",
        "What it does not see: accounts and regions that are not named below (make the table anew where there are more), days",
        "before the first, and files of Insights, network activity and aggregated events, which lie in other folders.",
        "A question that names no account, region and day lists accounts x regions x days prefixes in S3: name them in WHERE.",
    ];
    let folder = place.below(root);
    let (accounts, regions) = (logs.accounts.join(","), logs.regions.join(","));
    let range = format!("{},NOW", slashed(logs.first_day));
    let template = format!("{folder}${{account}}/{KIND}/${{region}}/${{day}}/");
    let properties = [
        ("projection.enabled", "true"),
        ("projection.account.type", "enum"),
        ("projection.account.values", &accounts),
        ("projection.region.type", "enum"),
        ("projection.region.values", &regions),
        ("projection.day.type", "date"),
        ("projection.day.format", "yyyy/MM/dd"),
        ("projection.day.range", &range),
        ("projection.day.interval", "1"),
        ("projection.day.interval.unit", "DAYS"),
        ("storage.location.template", &template),
    ];
    let properties: Vec<String> =
        properties.iter().map(|(key, value)| format!("  '{key}' = {}", text(engine, value))).collect();
    let partitions = PARTITIONS.map(|(own, about)| format!("  `{own}` string COMMENT {}", text(engine, about)));
    format!(
        "{}CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n{}\n)\nPARTITIONED BY (\n{}\n)\n\
         ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n\
         STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'\n\
         OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'\nLOCATION {}\nTBLPROPERTIES (\n{}\n);\n",
        header(
            engine,
            WHAT,
            place,
            "Such statements were only parsed, by sqlglot and ministack, and not run on AWS.",
            &notes
        ),
        table.quoted(),
        lines(engine, Reader::Hive, columns).join(",\n"),
        partitions.join(",\n"),
        text(engine, &folder),
        properties.join(",\n"),
    )
}

/// Returns a day as keys of log files have it.
fn slashed(day: Date) -> String {
    format!("{:04}/{:02}/{:02}", day.year(), day.month(), day.day())
}

fn spark(place: &TablePlace, table: &TableName, columns: &[Column], root: &str) -> String {
    let engine = Engine::Spark;
    let notes = [
        "They are temporary views, since a table has no pattern of paths: run them in each session, in a session's own",
        "catalog; a database in their names is left out. Log files that come later are seen after they are run again.",
        "Free-form parts are JSON as Spark writes it, not byte for byte; of the lake's table they are as delivered.",
    ];
    let records = record_type(engine, columns);
    let pattern = place.pattern(&format!("{root}*/{KIND}/*/*/*/*/*.json.gz"));
    let selected: Vec<String> = columns
        .iter()
        .map(|column| {
            format!("  event.{} AS {}", name(engine, field_name(Reader::Json, column)), name(engine, column.name))
        })
        .collect();
    let (own, files) = (name(engine, &table.table), name(engine, &format!("{}_files", table.table)));
    let part = |pattern: &str| format!("regexp_extract(object_key, {}, 1)", text(engine, pattern));
    format!(
        "{}CREATE OR REPLACE TEMPORARY VIEW {files} (`Records` array<{records}>)\nUSING JSON\nOPTIONS (path {}, multiLine \
         'true', mode 'PERMISSIVE');\n\n-- One row an event.\nCREATE OR REPLACE TEMPORARY VIEW {own} AS SELECT\n{},\n  {} AS \
         `account`,\n  {} AS `region`,\n  {} AS `day`,\n  object_key\nFROM (SELECT explode(`Records`) AS event, \
         input_file_name() AS object_key FROM {files});\n",
        header(engine, WHAT, place, "Such statements were run on Spark 3.5.9 over a folder.", &notes),
        text(engine, &pattern),
        selected.join(",\n"),
        part(ACCOUNT_PART),
        part(REGION_PART),
        part(DAY_PART),
    )
}

/// Where the account, the region and the day stand in a key.
const ACCOUNT_PART: &str = "/([0-9]{12})/CloudTrail/[^/]+/[^/]+/[^/]+/[^/]+/[^/]+$";
const REGION_PART: &str = "/CloudTrail/([^/]+)/[^/]+/[^/]+/[^/]+/[^/]+$";
const DAY_PART: &str = "/([0-9]{4}/[0-9]{2}/[0-9]{2})/[^/]+$";

/// Returns the type of a record.
fn record_type(engine: Engine, columns: &[Column]) -> String {
    let field = |column: &Column| {
        let own = name(engine, field_name(Reader::Json, column));
        let between = if engine == Engine::DuckDb { " " } else { ":" };
        format!("{own}{between}{}", of(engine, Reader::Json, &column.kind))
    };
    let fields: Vec<String> = columns.iter().map(field).collect();
    if engine == Engine::DuckDb {
        format!("struct({})", fields.join(", "))
    } else {
        format!("struct<{}>", fields.join(","))
    }
}

fn duckdb(place: &TablePlace, table: &TableName, columns: &[Column], root: &str) -> String {
    let engine = Engine::DuckDb;
    let notes = [
        "It is a view: each question reads the log files anew, so that new ones are there at once. Name account, region and day",
        "in WHERE: files of others are then not read.",
        "A log file that is damaged ends a question with an error.",
    ];
    let records = format!("{}[]", record_type(engine, columns));
    let selected: Vec<String> = columns.iter().map(cast).collect();
    let part = |pattern: &str| format!("regexp_extract(object_key, {}, 1)", text(engine, pattern));
    format!(
        "{}CREATE OR REPLACE VIEW {} AS SELECT\n{},\n  {} AS account,\n  {} AS region,\n  {} AS day,\n  object_key\nFROM (SELECT \
         unnest(\"Records\") AS event, replace(filename, '\\', '/') AS object_key\n  FROM read_json({}, format = \
         'unstructured', columns = {{'Records': {}}}, filename = true, maximum_object_size = {OBJECT_BYTES_MAX}));\n",
        header(engine, WHAT, place, "Such statements were run on DuckDB 2.0.1 over a folder.", &notes),
        table.quoted(),
        selected.join(",\n"),
        part(ACCOUNT_PART),
        part(REGION_PART),
        part(DAY_PART),
        text(engine, &place.pattern(&format!("{root}*/{KIND}/*/*/*/*/*.json.gz"))),
        text(engine, &records),
    )
}

/// Returns a column of DuckDB's view. What has parts is read as JSON first: a record in which it is something else has
/// none, and does not end the question.
fn cast(column: &Column) -> String {
    let engine = Engine::DuckDb;
    let (field, own) = (name(engine, field_name(Reader::Json, column)), name(engine, column.name));
    match &column.kind {
        Kind::Struct(_) | Kind::List(_) => {
            format!("  try_cast(event.{field} AS {}) AS {own}", of(engine, Reader::Cast, &column.kind))
        }
        _ => format!("  event.{field} AS {own}"),
    }
}

/// The largest log file, inflated: AWS names 50 MB, before or after compression, in different places.
const OBJECT_BYTES_MAX: usize = 256 << 20;
