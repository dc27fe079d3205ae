//! A slot as it was stored: its footer, its objects, its rows.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Schema, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use orgtrail_core::event::Json;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::data_type::ByteArray;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use super::super::layout::{SlotId, number_of};
use super::row::{Row, kind_of};
use super::schema::columns;
use super::sources::Sources;
use super::{FOOTER, Footer, SCHEMA};
use crate::columns::extract::{Asked, Delivered, Extractor};

/// Why a file is no slot that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// It is cut off, or none of ours.
    #[error("it is no whole slot: {0}")]
    Damaged(String),
    /// It was written by a newer program.
    #[error("its schema has the number {0}, and this program knows {SCHEMA}")]
    Newer(u32),
}

/// A slot.
#[derive(Debug, Clone)]
pub struct Slot {
    bytes: Bytes,
    /// What Parquet says of it.
    metadata: Arc<ParquetMetaData>,
    /// What its footer says.
    pub footer: Footer,
}

/// The columns that a row is made of.
const ROW: [&str; 5] = ["account", "region", "event_time", "object_key", "record"];

impl Footer {
    /// Reads what the footer of a file says.
    ///
    /// # Errors
    /// Where it is no slot, or a newer one.
    pub fn of(metadata: &ParquetMetaData) -> Result<Self, SlotError> {
        let pairs = metadata.file_metadata().key_value_metadata();
        let text = pairs.into_iter().flatten().find(|pair| pair.key == FOOTER).and_then(|pair| pair.value.as_deref());
        let text = text.ok_or_else(|| SlotError::Damaged("its footer is none of a lake's".to_owned()))?;
        #[derive(serde::Deserialize)]
        struct Number {
            schema: u32,
        }
        let bad = |error: serde_json::Error| SlotError::Damaged(format!("its footer cannot be read: {error}"));
        let Number { schema } = serde_json::from_str(text).map_err(bad)?;
        if schema > SCHEMA {
            return Err(SlotError::Newer(schema));
        }
        serde_json::from_str(text).map_err(bad)
    }
}

/// Makes sure that the events of a file are of the time and the share of the accounts of a slot, as far as the
/// statistics of its columns tell.
///
/// # Errors
/// In words, where they are not.
pub(in crate::lake) fn belongs(metadata: &ParquetMetaData, id: &SlotId, slots: u16) -> Result<(), String> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let is_own =
        columns.into_iter().all(|column| match (column.column_path().string().as_str(), column.statistics()) {
            ("event_time", Some(Statistics::Int64(own))) => {
                let Some((begin, end)) = id.reach() else { return true };
                let is_within = |time: &i64| (begin.as_microsecond()..end.as_microsecond()).contains(time);
                own.min_opt().is_none_or(is_within) && own.max_opt().is_none_or(is_within)
            }
            ("account", Some(Statistics::ByteArray(own))) => {
                let is_own =
                    |account: &ByteArray| account.as_utf8().is_ok_and(|text| number_of(text, slots) == id.number);
                own.min_opt().is_none_or(is_own) && own.max_opt().is_none_or(is_own)
            }
            _ => true,
        });
    match is_own {
        true => Ok(()),
        false => Err("it has events of another time or of other accounts than its name says".to_owned()),
    }
}

impl Slot {
    /// Reads the footer of a slot.
    ///
    /// # Errors
    /// Where it is no slot, or a newer one.
    pub fn of(bytes: Bytes) -> Result<Self, SlotError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(damaged)?;
        let metadata = Arc::clone(builder.metadata());
        Ok(Self { footer: Footer::of(&metadata)?, metadata, bytes })
    }

    /// Makes sure that its events are of the time and the share of the accounts that its name says.
    ///
    /// # Errors
    /// Where they are not.
    pub(in crate::lake) fn must_be_of(&self, id: &SlotId, slots: u16) -> Result<(), SlotError> {
        belongs(&self.metadata, id, slots).map_err(SlotError::Damaged)
    }

    /// Tells whether this version of the program made it.
    pub(super) fn is_of_this_version(&self) -> bool {
        let by = self.metadata.file_metadata().created_by();
        by == Some(super::write::CREATED_BY) && self.footer.schema == SCHEMA
    }

    /// Tells whether these are its bytes.
    pub(super) fn has_bytes(&self, bytes: &Bytes) -> bool {
        self.bytes == *bytes
    }

    /// Returns its objects.
    ///
    /// # Errors
    /// Where the list is not the one that the footer names.
    pub fn sources(&self) -> Result<Sources, SlotError> {
        let Footer { sources_offset: offset, sources_bytes: length, digest, .. } = &self.footer;
        let range = usize::try_from(*offset).ok().zip(usize::try_from(offset.saturating_add(*length)).ok());
        let list = range.and_then(|(from, to)| self.bytes.get(from..to));
        let list = list.ok_or_else(|| SlotError::Damaged("the list of its objects is cut off".to_owned()))?;
        let sources = Sources::of_bytes(list)
            .map_err(|why| SlotError::Damaged(format!("the list of its objects cannot be read: {why}")))?;
        if sources.digest() != *digest {
            return Err(SlotError::Damaged("the list of its objects is not the one of its footer".to_owned()));
        }
        Ok(sources)
    }

    /// Makes sure that every page of it can be read.
    ///
    /// # Errors
    /// Where one cannot.
    pub fn must_be_readable(&self) -> Result<(), SlotError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone()).map_err(damaged)?;
        let mut batches = builder.build().map_err(damaged)?;
        batches.try_for_each(|batch| batch.map(drop)).map_err(damaged)
    }

    /// Returns its rows, in order.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn rows(&self) -> Result<Rows, SlotError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone()).map_err(damaged)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), ROW);
        let reader = builder.with_projection(mask).build().map_err(damaged)?;
        Ok(Rows { reader, batch: None, at: 0, known: HashMap::new() })
    }
}

/// The columns of a slot anew, from its records, as the types that they have in a file.
fn extracted(rows: &[Row], schema: &Schema) -> Result<Vec<ArrayRef>, SlotError> {
    let mut extractor = Extractor::new(columns(), Asked::default());
    for row in rows {
        extractor.add(row.json(), &row.delivered);
    }
    let batch = extractor.take().map_err(damaged)?;
    if batch.num_columns() != schema.fields().len() {
        return Err(damaged("it has not the columns of a slot"));
    }
    let arrays = batch.columns().iter().zip(schema.fields());
    arrays.map(|(array, field)| cast(array, field.data_type()).map_err(damaged)).collect()
}

impl Slot {
    /// Reads all rows in order, each with whether its columns are what its record says.
    ///
    /// # Errors
    /// Where the file is damaged, or its columns are not those of a slot.
    pub(in crate::lake) fn check_rows(&self, mut each: impl FnMut(Row, bool)) -> Result<(), SlotError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone()).map_err(damaged)?;
        let mut known = HashMap::new();
        for batch in builder.build().map_err(damaged)? {
            let batch = batch.map_err(damaged)?;
            let parts = Batch::of(&batch).ok_or_else(|| damaged("it has not the columns of a slot"))?;
            known.clear();
            let rows: Vec<Row> =
                (0..batch.num_rows()).map(|at| row(&parts, at, &mut known)).collect::<Result<_, _>>()?;
            let anew = extracted(&rows, &batch.schema())?;
            let is_same = batch.columns().iter().zip(&anew).all(|(own, anew)| own == anew);
            let same = |at: usize| {
                is_same || batch.columns().iter().zip(&anew).all(|(own, anew)| own.slice(at, 1) == anew.slice(at, 1))
            };
            let is_here = |at: usize, row: &Row| {
                parts.account.value(at) == row.delivered.account && parts.region.value(at) == row.delivered.region
            };
            for (at, row) in rows.into_iter().enumerate() {
                let is_right = same(at) && is_here(at, &row);
                each(row, is_right);
            }
        }
        Ok(())
    }
}

fn damaged(error: impl std::fmt::Display) -> SlotError {
    SlotError::Damaged(error.to_string())
}

/// The rows of a slot, as they are read.
pub struct Rows {
    reader: ParquetRecordBatchReader,
    batch: Option<Batch>,
    at: usize,
    /// Where the rows were delivered, by key: many rows share one.
    known: HashMap<String, Arc<Delivered>>,
}

/// Keys that are kept. They repeat nearby.
const KNOWN_MAX: usize = 4_096;

struct Batch {
    account: StringArray,
    region: StringArray,
    time: TimestampMicrosecondArray,
    key: StringArray,
    record: StringArray,
}

impl Batch {
    fn of(batch: &RecordBatch) -> Option<Self> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>().cloned();
        let time = batch.column_by_name("event_time")?.as_primitive_opt::<TimestampMicrosecondType>().cloned();
        let (account, region, key, record) = (text("account")?, text("region")?, text("object_key")?, text("record")?);
        Some(Self { account, region, time: time?, key, record })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, SlotError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = &self.batch
                && self.at < batch.record.len()
            {
                let row = row(batch, self.at, &mut self.known);
                self.at += 1;
                return Some(row);
            }
            match self.reader.next()? {
                Ok(batch) => match Batch::of(&batch) {
                    Some(batch) => (self.batch, self.at) = (Some(batch), 0),
                    None => return Some(Err(damaged("it has not the columns of a slot"))),
                },
                Err(error) => return Some(Err(damaged(error))),
            }
        }
    }
}

fn row(batch: &Batch, at: usize, known: &mut HashMap<String, Arc<Delivered>>) -> Result<Row, SlotError> {
    let record = batch.record.value(at);
    if Json::parse(record).is_err() {
        return Err(SlotError::Damaged(format!("its record {at} of a group is no JSON object")));
    }
    let key = batch.key.value(at);
    let delivered = match known.get(key) {
        Some(delivered) => Arc::clone(delivered),
        None => {
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            let (account, region) = (batch.account.value(at).to_owned(), batch.region.value(at).to_owned());
            let delivered = Arc::new(Delivered { account, region, key: key.to_owned() });
            known.insert(key.to_owned(), Arc::clone(&delivered));
            delivered
        }
    };
    let time = batch.time.is_valid(at).then(|| batch.time.value(at));
    Ok(Row { kind: kind_of(key), delivered, time, record: record.to_owned() })
}
