//! A slot and more events into a slot.

use std::rc::Rc;

use bytes::Bytes;
use parquet::errors::ParquetError;

use super::super::identity::must_be_of;
use super::read::{Slot, SlotError};
use super::row::Row;
use super::sources::Sources;
use super::write::Writer;
use super::{Footer, SCHEMA};

/// Tells whether the file of a slot is, byte for byte, the one that this program makes of its rows and its list.
/// `None`: another version of the program made it, so that it need not be.
///
/// # Errors
/// Where the slot is damaged.
pub fn is_as_made(slot: &Slot) -> Result<Option<bool>, SlotError> {
    if !slot.is_of_this_version() {
        return Ok(None);
    }
    let failed = |error: ParquetError| SlotError::Damaged(format!("it cannot be written: {error}"));
    let mut writer = Writer::new(&slot.footer.lake).map_err(failed)?;
    for row in slot.rows()? {
        writer.add(&row?).map_err(failed)?;
    }
    let (bytes, _) = writer.finish(&slot.sources()?).map_err(failed)?;
    Ok(Some(slot.has_bytes(&bytes)))
}

/// What became of a slot.
#[derive(Debug, Clone)]
pub enum Merged {
    /// It has all these objects already.
    Unchanged(Footer),
    /// It is to be written anew.
    Changed(Bytes, Footer),
}

/// A row that was added last: rows are large, and not copied.
enum Added<'a> {
    New(&'a Row),
    Old(Rc<Row>),
}

impl Added<'_> {
    fn row(&self) -> &Row {
        match self {
            Self::New(row) => row,
            Self::Old(row) => row,
        }
    }
}

/// Writes rows, each event once.
struct Merger<'a> {
    writer: Writer,
    last: Option<Added<'a>>,
}

impl<'a> Merger<'a> {
    fn add(&mut self, row: Added<'a>) -> Result<(), ParquetError> {
        if self.last.as_ref().is_some_and(|last| last.row().is_again(row.row())) {
            return Ok(());
        }
        self.writer.add(row.row())?;
        self.last = Some(row);
        Ok(())
    }
}

/// Adds the events of some objects to a slot, or makes one of them. Objects that the slot has already change nothing:
/// the same objects give the same slot, in whatever order and however often they are added. `rows` are the events of
/// `new` that belong into the slot, in the order of [`Row::order`]; `lake` is the mark of the lake.
///
/// # Errors
/// Where the slot is damaged, of another lake, or of a newer schema.
pub fn merge(lake: &str, old: Option<&Slot>, rows: &[Row], new: &Sources) -> Result<Merged, SlotError> {
    let failed = |error: ParquetError| SlotError::Damaged(format!("it cannot be written: {error}"));
    let mut sources = Sources::default();
    if let Some(slot) = old {
        must_be_of(lake, &slot.footer.lake).map_err(SlotError::Damaged)?;
        sources = slot.sources()?;
        if new.are_among(&sources) && slot.footer.schema == SCHEMA {
            return Ok(Merged::Unchanged(slot.footer.clone()));
        }
    }
    sources.extend(new);
    let mut merger = Merger { writer: Writer::new(lake).map_err(failed)?, last: None };
    let mut added = rows.iter().peekable();
    if let Some(slot) = old {
        let mut previous: Option<Rc<Row>> = None;
        for row in slot.rows()? {
            let row = Rc::new(row?);
            if previous.is_some_and(|previous| previous.order(&row).is_gt()) {
                return Err(SlotError::Damaged("its rows are not in order".to_owned()));
            }
            while let Some(next) = added.next_if(|next| next.order(&row).is_lt()) {
                merger.add(Added::New(next)).map_err(failed)?;
            }
            merger.add(Added::Old(Rc::clone(&row))).map_err(failed)?;
            previous = Some(row);
        }
    }
    for row in added {
        merger.add(Added::New(row)).map_err(failed)?;
    }
    let (bytes, footer) = merger.writer.finish(&sources).map_err(failed)?;
    Ok(Merged::Changed(bytes, footer))
}
