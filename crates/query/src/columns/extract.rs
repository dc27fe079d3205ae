//! Records into columns: one pass over each record, which takes what the asked-for columns need and passes over the
//! rest.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use jiff::Timestamp;
use orgtrail_core::event::Json;

use super::builder::Builder;
use super::column::Column;
use super::fields::{FieldPlan, Source};

/// Where a record was delivered: what it does not say itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The account whose folder the object lies in.
    pub account: String,
    /// The region whose folder the object lies in.
    pub region: String,
    /// The key of the object.
    pub key: String,
}

/// The time that was asked for beside the conditions of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The first moment, included. `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// The last moment, not included. `None`: to the end.
    pub to: Option<Timestamp>,
}

impl Asked {
    /// Tells whether a time is part of it. Where a time was asked for, a record without one is not.
    fn has(self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return self == Self::default() };
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is a row.
    Row,
    /// It is of another time than was asked for.
    Outside,
    /// It has no time that can be read. It is a row only where no time was asked for.
    WithoutTime,
}

/// Reads the time of events.
pub struct EventTime(FieldPlan);

impl EventTime {
    /// Returns a reader of times.
    pub fn new() -> Self {
        Self(FieldPlan::new(&[]).with_time())
    }

    /// Returns the time of an event. `None`: it has none that can be read.
    pub fn of(&self, record: Json<'_>) -> Option<Timestamp> {
        self.0.time(&self.0.values(record))
    }
}

impl Default for EventTime {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of a batch, whatever the number of its rows.
const BATCH_BYTES: usize = 8 << 20;

/// Collects the asked-for columns of records.
pub struct Extractor {
    schema: SchemaRef,
    plan: FieldPlan,
    asked: Asked,
    builders: Vec<Builder>,
    rows: usize,
    /// About how many bytes the rows hold.
    bytes: usize,
}

impl Extractor {
    /// Returns the extractor of some columns.
    pub fn new(columns: &[Column], asked: Asked) -> Self {
        let schema = Arc::new(Schema::new(super::column::fields(columns)));
        let builders = columns.iter().map(|column| Builder::new(&column.kind)).collect();
        Self { schema, plan: FieldPlan::new(columns).with_time(), asked, builders, rows: 0, bytes: 0 }
    }

    /// Adds a record, which is a JSON object, unless it is of another time than was asked for.
    pub fn add(&mut self, record: Json<'_>, delivered: &Delivered) -> Added {
        let values = self.plan.values(record);
        let time = self.plan.time(&values);
        let is_outside = !self.asked.has(time);
        if !is_outside {
            self.add_row(record, &values, delivered);
        }
        match time {
            None => Added::WithoutTime,
            Some(_) if is_outside => Added::Outside,
            Some(_) => Added::Row,
        }
    }

    fn add_row(&mut self, record: Json<'_>, values: &[Option<Json<'_>>], delivered: &Delivered) {
        for (builder, source) in self.builders.iter_mut().zip(&self.plan.sources) {
            self.bytes += match source {
                Source::Slots(slots) => {
                    let value = slots.iter().find_map(|slot| values.get(*slot).copied().flatten());
                    builder.append(value)
                }
                Source::Account => builder.append_text(&delivered.account),
                Source::Region => builder.append_text(&delivered.region),
                Source::Record => builder.append_text(record.as_str()),
                Source::ObjectKey => builder.append_text(&delivered.key),
            };
        }
        self.rows += 1;
    }

    /// Returns how many rows wait.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Tells whether the rows that wait are as many as a batch may have, or hold as much.
    pub fn is_full(&self, batch_rows: usize) -> bool {
        self.rows >= batch_rows || self.bytes >= BATCH_BYTES
    }

    /// Returns the rows that wait, and begins anew.
    ///
    /// # Errors
    /// Arrow's, where columns do not fit together; they do.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}
