//! The rows of an answer with the types of their columns, and as a Parquet file.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::KeyValue;
use datafusion::parquet::file::properties::WriterProperties;

use super::{Cell, QueryAnswer};
use crate::query::error::QueryError;

/// Under which key the metadata of a Parquet file says what the answer covers, as JSON.
pub const COVERAGE_KEY: &str = "orgtrail.coverage";

/// Rows with the types of their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Batches {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Batches {
    pub(in crate::query) fn of(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new() }
    }

    pub(in crate::query) fn add(&mut self, batch: RecordBatch) {
        self.batches.push(batch);
    }

    /// Returns cells as texts, for an answer that no engine gave.
    fn of_cells(answer: &QueryAnswer) -> Result<Self, QueryError> {
        let field = |name: &String| Field::new(name, DataType::Utf8, true);
        let schema = Arc::new(Schema::new(answer.columns.iter().map(field).collect::<Vec<_>>()));
        let text = |row: &Vec<Cell>, at: usize| match row.get(at) {
            None | Some(Cell::Null) => None,
            Some(cell) => Some(cell.text().to_owned()),
        };
        let column = |at| Arc::new(answer.rows.iter().map(|row| text(row, at)).collect::<StringArray>()) as ArrayRef;
        let columns = (0..answer.columns.len()).map(column).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)?;
        Ok(Self { schema, batches: vec![batch] })
    }
}

impl QueryAnswer {
    /// Returns the answer as a Parquet file: its columns with their types, of two of one name the second as `name_2`,
    /// and what it covers as JSON under `COVERAGE_KEY` in the metadata of the file. What Parquet cannot hold, as
    /// steps of months, is text.
    ///
    /// # Errors
    /// Where a value cannot be written.
    pub fn parquet(&self) -> Result<Vec<u8>, QueryError> {
        let of_cells;
        let batches = match &self.batches {
            Some(batches) => batches,
            None => {
                of_cells = Batches::of_cells(self)?;
                &of_cells
            }
        };
        // The shape has no map with keys that are no texts, so that it can be written.
        let coverage = serde_json::to_string(&self.coverage).unwrap_or_default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("orgtrail ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(COVERAGE_KEY.to_owned(), coverage)]))
            .build();
        let schema = Arc::new(storable(&batches.schema, &self.columns));
        let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).map_err(failed)?;
        for batch in &batches.batches {
            let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
                if column.data_type() == field.data_type() {
                    Ok(Arc::clone(column))
                } else {
                    cast(column, field.data_type())
                }
            });
            let columns = columns.collect::<Result<Vec<ArrayRef>, _>>().map_err(DataFusionError::from)?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(DataFusionError::from)?;
            writer.write(&batch).map_err(failed)?;
        }
        writer.into_inner().map_err(failed)
    }
}

fn failed(error: ParquetError) -> QueryError {
    QueryError::Failed(format!("cannot write the answer as Parquet: {error}"))
}

/// Returns the columns as a Parquet file has them.
fn storable(schema: &Schema, names: &[String]) -> Schema {
    let mut taken = HashSet::new();
    let fields = schema.fields().iter().zip(names).map(|(field, name)| {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut free = std::iter::once(name.clone()).chain(numbered).filter(|name| taken.insert(name.clone()));
        let own = free.next().unwrap_or_else(|| name.clone());
        let kind = match field.data_type() {
            DataType::Interval(_) | DataType::Duration(_) => DataType::Utf8,
            // None in every row.
            DataType::Null => DataType::Utf8,
            other => other.clone(),
        };
        // What is computed may be none although it says otherwise.
        Field::new(own, kind, true)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::AtomicUsize;

    use datafusion::arrow::datatypes::TimeUnit;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use jiff::{SignedDuration, Timestamp};
    use orgtrail_archive::archive::listing::Archive;
    use orgtrail_archive::archive::window::Window;

    use super::super::{Answered, Bounds, Ended, Question};
    use super::*;
    use crate::query::engine::{Engine, Limits};
    use crate::query::prepared::Prepared;

    async fn asked(sql: &str, rows: usize) -> QueryAnswer {
        let archive = Arc::new(Archive::new(Vec::new(), SignedDuration::ZERO));
        let engine = Arc::new(Engine::new(archive, None, Window::default(), &Limits::default()).unwrap());
        let values = Prepared::of_file("test", sql).unwrap().values::<&str, &str>(&[]).unwrap();
        let question = Question { sql: sql.to_owned(), values, cannot_see: "this".to_owned() };
        let answered = Answered { now: Timestamp::UNIX_EPOCH, expected: None };
        let bounds = Bounds { rows, bytes: 1 << 20, keeps_types: true };
        let never = std::future::pending::<Ended>();
        QueryAnswer::of(engine, question, answered, bounds, &AtomicUsize::new(0), never).await.unwrap()
    }

    fn read(bytes: Vec<u8>) -> (Vec<RecordBatch>, String) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let coverage = pairs.iter().find(|pair| pair.key == COVERAGE_KEY).unwrap().value.clone().unwrap();
        (reader.build().unwrap().collect::<Result<_, _>>().unwrap(), coverage)
    }

    #[tokio::test]
    async fn a_parquet_file_has_the_types_of_the_columns_and_what_the_answer_covers() {
        let sql = "SELECT l.n, 'a' AS t, from_iso8601_timestamp('2026-11-20T01:00:00Z') AS at, \
                   ARRAY[1.5, NULL] AS list, interval '1' day AS step, NULL AS none, r.n, struct(1, 'x') AS part \
                   FROM (VALUES (9007199254740993)) AS l(n), (VALUES (true)) AS r(n)";
        let answer = asked(sql, 10).await;
        let (batches, coverage) = read(answer.parquet().unwrap());
        let schema = batches[0].schema();
        let kinds: Vec<(&str, &DataType)> =
            schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
        assert_eq!(kinds[0], ("n", &DataType::Int64));
        assert_eq!(kinds[2], ("at", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))));
        assert!(matches!(kinds[3], ("list", DataType::List(of)) if *of.data_type() == DataType::Float64), "{kinds:?}");
        assert_eq!((kinds[4], kinds[5]), (("step", &DataType::Utf8), ("none", &DataType::Utf8)));
        assert_eq!(kinds[6], ("n_2", &DataType::Boolean));
        assert!(matches!(kinds[7].1, DataType::Struct(_)), "{kinds:?}");
        let cells: Vec<Cell> = batches[0].columns().iter().map(|column| Cell::of(column.as_ref(), 0)).collect();
        assert_eq!((&cells[..4], &cells[6..]), (&answer.rows[0][..4], &answer.rows[0][6..]));
        let coverage: serde_json::Value = serde_json::from_str(&coverage).unwrap();
        assert_eq!(coverage, serde_json::to_value(&answer.coverage).unwrap());
    }

    #[tokio::test]
    async fn the_rows_of_the_file_are_those_of_the_answer() {
        let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let answer = asked("SELECT value FROM generate_series(1, 20000)", 9_000).await;
        let (batches, coverage) = read(answer.parquet().unwrap());
        assert_eq!((answer.rows.len(), count(&batches)), (9_000, 9_000));
        assert!(coverage.contains("more than 9000 rows"), "{coverage}");
        let none = asked("SELECT 1 AS n WHERE false", 10).await.parquet().unwrap();
        assert_eq!(count(&read(none).0), 0);
        // An answer of no engine has texts.
        let texts = QueryAnswer {
            columns: vec!["a".to_owned()],
            rows: vec![vec![Cell::Text("x".to_owned())], vec![Cell::Null]],
            batches: None,
            coverage: super::super::AnswerCoverage::default(),
        };
        assert_eq!(count(&read(texts.parquet().unwrap()).0), 2);
    }
}
