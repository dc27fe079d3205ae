//! Values as Athena writes them, with the types that it says (Athena user guide, "Data types in Amazon Athena";
//! `GetQueryResults`, `ColumnInfo`).

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::DataFusionError;

use super::super::answer::{AnswerCoverage, Batches, QueryAnswer};
use super::super::cell::Cell;
use super::super::error::QueryError;

/// A column of an answer of Athena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AthenaColumn {
    /// Its name.
    pub name: String,
    /// Its type: `varchar`, `bigint`, `timestamp`.
    pub kind: String,
    /// The digits of a decimal number.
    pub precision: i32,
    /// Those of them behind the point.
    pub scale: i32,
}

/// Returns a value. `None`: it is NULL, which the empty text is not.
pub fn cell(kind: &str, value: Option<&str>) -> Cell {
    let Some(text) = value else { return Cell::Null };
    match kind {
        "boolean" => match text {
            "true" => Cell::Flag(true),
            "false" => Cell::Flag(false),
            other => Cell::Text(other.to_owned()),
        },
        "tinyint" | "smallint" | "integer" | "int" | "bigint" | "float" | "real" | "double" | "decimal" => {
            Cell::number(text.to_owned())
        }
        "timestamp" | "timestamp with time zone" => Cell::Text(time(text)),
        "json" if is_json(text) => Cell::Json(text.to_owned()),
        _ => Cell::Text(text.to_owned()),
    }
}

/// Tells whether a text is a list or an object in JSON.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Returns a time as the local engine writes it: `2026-11-20 10:00:00.000 UTC` is `2026-11-20T10:00:00Z`. Without a
/// time zone it stays without `Z`. One in another time zone stays as it is.
fn time(text: &str) -> String {
    let (plain, zone) = match text.strip_suffix(" UTC") {
        Some(plain) => (plain, "Z"),
        None => (text, ""),
    };
    match plain.parse::<jiff::civil::DateTime>() {
        Ok(at) if plain.len() > "2026-11-20".len() => format!("{at}{zone}"),
        _ => text.to_owned(),
    }
}

/// Returns the type of a column in a Parquet file.
fn stored(column: &AthenaColumn) -> DataType {
    match column.kind.as_str() {
        "boolean" => DataType::Boolean,
        "tinyint" | "smallint" | "integer" | "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "float" | "real" => DataType::Float32,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Millisecond, None),
        "timestamp with time zone" => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        "decimal" => match (u8::try_from(column.precision), i8::try_from(column.scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale >= 0 => DataType::Decimal128(precision, scale),
            _ => DataType::Utf8,
        },
        _ => DataType::Utf8,
    }
}

/// Makes an answer of what Athena gave. `keeps_types`: for a Parquet file.
///
/// # Errors
/// Where the columns do not fit the rows.
pub fn answer(
    columns: &[AthenaColumn],
    rows: Vec<Vec<Cell>>,
    keeps_types: bool,
    coverage: AnswerCoverage,
) -> Result<QueryAnswer, QueryError> {
    let batches = keeps_types.then(|| batches(columns, &rows)).transpose()?;
    let columns = columns.iter().map(|column| column.name.clone()).collect();
    Ok(QueryAnswer { columns, rows, batches, coverage })
}

fn batches(columns: &[AthenaColumn], rows: &[Vec<Cell>]) -> Result<Batches, QueryError> {
    let text = |row: &Vec<Cell>, at: usize| match row.get(at) {
        None | Some(Cell::Null) => None,
        Some(cell) => Some(cell.text().to_owned()),
    };
    // What is not of its type in one row leaves the column a text: no value is lost.
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let column = |at: usize, column: &AthenaColumn| -> ArrayRef {
        let texts: ArrayRef = Arc::new(rows.iter().map(|row| text(row, at)).collect::<StringArray>());
        cast_with_options(&texts, &stored(column), &strict).unwrap_or(texts)
    };
    let arrays: Vec<ArrayRef> = columns.iter().enumerate().map(|(at, own)| column(at, own)).collect();
    let field = |(own, array): (&AthenaColumn, &ArrayRef)| Field::new(&own.name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().zip(&arrays).map(field).collect::<Vec<_>>()));
    let mut batches = Batches::of(Arc::clone(&schema));
    if !arrays.is_empty() {
        batches.add(RecordBatch::try_new(schema, arrays).map_err(DataFusionError::from)?);
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn values_print_as_those_of_the_local_engine() {
        let number = |text: &str| Cell::Number(text.to_owned());
        for (kind, value, cell_of) in [
            ("varchar", None, Cell::Null),
            ("varchar", Some(""), text("")),
            ("boolean", Some("true"), Cell::Flag(true)),
            ("boolean", Some("TRUE"), text("TRUE")),
            ("bigint", Some("9007199254740993"), number("9007199254740993")),
            ("double", Some("1.0E10"), number("1.0E10")),
            ("double", Some("NaN"), text("NaN")),
            ("decimal", Some("1.50"), number("1.50")),
            ("decimal", Some("=1+1"), text("=1+1")),
            ("timestamp", Some("2026-11-20 00:03:00.000"), text("2026-11-20T00:03:00")),
            ("timestamp", Some("2026-11-20 00:03:00.120"), text("2026-11-20T00:03:00.12")),
            ("timestamp with time zone", Some("2026-11-20 00:03:00.000 UTC"), text("2026-11-20T00:03:00Z")),
            (
                "timestamp with time zone",
                Some("2026-11-20 00:03:00.000 Europe/Berlin"),
                text("2026-11-20 00:03:00.000 Europe/Berlin"),
            ),
            ("date", Some("2026-11-20"), text("2026-11-20")),
            ("json", Some("{\"a\": [1]}"), Cell::Json("{\"a\": [1]}".to_owned())),
            ("json", Some("{\"a\": "), text("{\"a\": ")),
            ("array", Some("[a, b]"), text("[a, b]")),
            ("something new", Some("x"), text("x")),
        ] {
            assert_eq!(cell(kind, value), cell_of, "{kind} {value:?}");
        }
    }

    #[test]
    fn a_parquet_file_has_the_types_that_athena_says() {
        let kinds =
            ["bigint", "boolean", "timestamp", "decimal", "double", "date", "timestamp with time zone", "varchar"];
        let columns: Vec<AthenaColumn> = kinds
            .iter()
            .map(|kind| AthenaColumn { name: "c".to_owned(), kind: (*kind).to_owned(), precision: 5, scale: 2 })
            .collect();
        let row = |values: [Option<&str>; 8]| -> Vec<Cell> {
            kinds.iter().zip(values).map(|(kind, value)| cell(kind, value)).collect()
        };
        let rows = vec![
            row([
                Some("9007199254740993"),
                Some("true"),
                Some("2026-11-20 00:03:00.120"),
                Some("1.50"),
                Some("not a number"),
                Some("2026-11-20"),
                Some("2026-11-20 00:03:00.000 UTC"),
                Some(""),
            ]),
            row([None; 8]),
        ];
        let answer = answer(&columns, rows, true, AnswerCoverage::default()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), answer.parquet().unwrap()).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file.reopen().unwrap()).unwrap().build().unwrap();
        let batch = reader.map(Result::unwrap).next().unwrap();
        let types: Vec<DataType> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        let expected = [
            DataType::Int64,
            DataType::Boolean,
            DataType::Timestamp(TimeUnit::Millisecond, None),
            DataType::Decimal128(5, 2),
            // One value is none, so that all are kept as texts.
            DataType::Utf8,
            DataType::Date32,
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            DataType::Utf8,
        ];
        assert_eq!(types, expected);
        let shown: Vec<Cell> = batch.columns().iter().map(|column| Cell::of(column.as_ref(), 0)).collect();
        assert_eq!(shown, answer.rows[0]);
        assert!(batch.columns().iter().all(|column| column.is_null(1)));
        assert_eq!(batch.schema().field(1).name(), "c_2");
    }
}
