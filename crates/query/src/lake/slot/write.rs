//! Rows into a file.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayRef, ListArray};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::row::Row;
use super::schema::{columns, slot_schema};
use super::sources::Sources;
use super::{FOOTER, Footer, SCHEMA};
use crate::columns::extract::{Asked, Extractor};

/// Rows that are put into the file together, and their bytes.
const BATCH_ROWS: usize = 8_192;
/// The size of a group of rows: what a reader may pass over as a whole, and what the writer keeps in memory.
const GROUP_ROWS: usize = 128 << 10;
const GROUP_BYTES: usize = 48 << 20;
/// Rows of a page: what a reader may pass over within a group.
const PAGE_ROWS: usize = 4_096;
/// Beginnings of texts in statistics.
const STATISTICS_BYTES: usize = 64;
/// Columns that are asked for one value, which says nothing of the values around it.
const SOUGHT: [&str; 4] = ["event_id", "access_key_id", "source_ip", "resource_arns.list.element"];
/// Columns with another value in each row, for which a dictionary is only work.
const DISTINCT: [&str; 5] = ["event_id", "request_id", "record", "request_parameters", "response_elements"];
/// The columns that a slot is sorted by.
const SORTED: [&str; 3] = ["account", "region", "event_time"];

/// Who says to have made the file.
pub(super) const CREATED_BY: &str = concat!("orgtrail ", env!("CARGO_PKG_VERSION"));

/// Writes a slot.
pub(super) struct Writer {
    writer: ArrowWriter<Vec<u8>>,
    schema: SchemaRef,
    extractor: Extractor,
    lake: String,
    kept: u64,
}

impl Writer {
    /// Begins a slot of the lake of a mark.
    pub(super) fn new(lake: &str) -> Result<Self, ParquetError> {
        let schema = slot_schema();
        let options = ArrowWriterOptions::new().with_properties(properties()?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(&schema), options)?;
        Ok(Self {
            writer,
            schema,
            extractor: Extractor::new(columns(), Asked::default()),
            lake: lake.to_owned(),
            kept: 0,
        })
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<(), ParquetError> {
        self.extractor.add(row.json(), &row.delivered);
        self.kept += 1;
        if self.extractor.is_full(BATCH_ROWS) {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        let batch = self.extractor.take()?;
        let arrays = batch.columns().iter().zip(self.schema.fields());
        let arrays: Vec<ArrayRef> = arrays.map(|(array, field)| with_type(array, field.data_type())).collect();
        self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }

    pub(super) fn finish(mut self, sources: &Sources) -> Result<(Bytes, Footer), ParquetError> {
        if self.extractor.rows() > 0 {
            self.write()?;
        }
        self.writer.flush()?;
        let list = sources.to_bytes().map_err(ParquetError::General)?;
        let offset = self.writer.bytes_written() as u64;
        self.writer.write_all(&list)?;
        let read = sources.records();
        let footer = Footer {
            schema: SCHEMA,
            lake: self.lake,
            sources: sources.len() as u64,
            digest: sources.digest(),
            sources_offset: offset,
            sources_bytes: list.len() as u64,
            read,
            kept: self.kept,
            duplicates: read.saturating_sub(self.kept),
        };
        let text = serde_json::to_string(&footer).map_err(|error| ParquetError::External(Box::new(error)))?;
        self.writer.append_key_value_metadata(KeyValue::new(FOOTER.to_owned(), text));
        Ok((self.writer.into_inner()?.into(), footer))
    }
}

/// Returns an array under a type that differs in the metadata of its elements.
fn with_type(array: &ArrayRef, kind: &DataType) -> ArrayRef {
    match (kind, array.as_any().downcast_ref::<ListArray>()) {
        (DataType::List(element), Some(list)) => {
            let (_, offsets, values, valid) = list.clone().into_parts();
            Arc::new(ListArray::new(Arc::clone(element), offsets, values, valid))
        }
        _ => Arc::clone(array),
    }
}

fn properties() -> Result<WriterProperties, ParquetError> {
    let names: Vec<&str> = columns().iter().map(|column| column.name).collect();
    let sorted = SORTED.iter().filter_map(|name| names.iter().position(|own| own == name));
    let sorted = sorted.map(|at| SortingColumn {
        column_idx: i32::try_from(at).unwrap_or_default(),
        descending: false,
        nulls_first: true,
    });
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS / 4)
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_coerce_types(true)
        .set_sorting_columns(Some(sorted.collect()));
    for name in SOUGHT {
        let path = ColumnPath::from(name.split('.').map(str::to_owned).collect::<Vec<_>>());
        builder = builder.set_column_bloom_filter_enabled(path, true);
    }
    for name in DISTINCT {
        let path = ColumnPath::from(name);
        builder = builder.set_column_dictionary_enabled(path, false);
    }
    // Texts of any length say nothing by their least and greatest.
    builder = builder.set_column_statistics_enabled(ColumnPath::from("record"), EnabledStatistics::None);
    Ok(builder.build())
}
