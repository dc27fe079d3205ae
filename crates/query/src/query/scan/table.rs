//! A view over log files as a table of DataFusion.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::Mutex;

use super::super::column::{Column, schema};
use super::super::error::QueryError;
use super::super::extract::Asked;
use super::super::views::View;
use super::super::window::Window;
use super::listing::{Archive, Listing, LogFile};
use super::partition::Part;
use super::tally::Tally;

/// What the scans of one question share.
#[derive(Debug)]
pub struct Scans {
    /// The archive.
    pub archive: Arc<Archive>,
    /// What was asked for beside the conditions of the question.
    pub asked: Window,
    /// The most bytes that may be read, as stored. `None`: no limit.
    pub bytes_max: Option<u64>,
    /// What was looked at.
    pub tally: Tally,
    /// What each window needs, as it was listed.
    pub listings: Mutex<HashMap<Window, Arc<Listing>>>,
}

impl Scans {
    /// Returns what a window needs; it is listed once.
    pub async fn listing(&self, window: &Window) -> Arc<Listing> {
        let mut listings = self.listings.lock().await;
        if let Some(listing) = listings.get(window) {
            return Arc::clone(listing);
        }
        let listing = Arc::new(self.archive.list(window).await);
        listings.insert(window.clone(), Arc::clone(&listing));
        listing
    }
}

/// A view over the log files of an archive.
pub struct EventTable {
    view: &'static View,
    schema: SchemaRef,
    scans: Arc<Scans>,
}

impl fmt::Debug for EventTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTable").field("view", &self.view.name).finish_non_exhaustive()
    }
}

impl EventTable {
    /// Returns a view over the files.
    pub fn new(view: &'static View, scans: Arc<Scans>) -> Self {
        Self { view, schema: schema(view.columns), scans }
    }
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let used = |filter: &&Expr| match Window::is_narrowed_by(self.view, filter) {
            // Files are chosen by it; the rows in them are judged by the plan.
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(used).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let window = Window::of_filters(self.view, filters).and(self.scans.asked.clone());
        let listing = self.scans.listing(&window).await;
        // The same files count again where a question reads them again.
        let before = self.scans.tally.looked();
        let files = listing.files.len() + usize::try_from(before.files_listed).unwrap_or(usize::MAX);
        let bytes = listing.size_bytes() + before.bytes_listed;
        if let Some(bytes_max) = self.scans.bytes_max.filter(|max| bytes > *max) {
            return Err(QueryError::TooMuch { files, bytes, bytes_max }.into());
        }
        self.scans.tally.note(|looked| {
            looked.files_listed = files as u64;
            looked.bytes_listed = bytes;
        });
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.view.columns.len()).collect());
        let columns: Arc<[Column]> =
            wanted.iter().filter_map(|at| self.view.columns.get(*at)).cloned().collect::<Vec<_>>().into();
        let schema = schema(&columns);
        let part = |files: Vec<LogFile>| -> Arc<dyn PartitionStream> {
            let (archive, tally) = (Arc::clone(&self.scans.archive), self.scans.tally.clone());
            let asked = Asked { from: self.scans.asked.from, to: self.scans.asked.to };
            Arc::new(Part { archive, columns: Arc::clone(&columns), schema: Arc::clone(&schema), files, asked, tally })
        };
        let parts: Vec<_> = spread(&listing, state.config().target_partitions()).into_iter().map(part).collect();
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        Ok(Arc::new(StreamingTableExec::try_new(schema, parts, None, None, false, limit)?))
    }
}

/// Spreads the files over parts of about the same size. A chain stays whole: events that were delivered twice are in
/// one.
fn spread(listing: &Listing, parts: usize) -> Vec<Vec<LogFile>> {
    let mut chains: Vec<&[LogFile]> = listing.files.chunk_by(|a, b| a.chain == b.chain).collect();
    let size = |files: &[LogFile]| files.iter().map(|file| file.size_bytes).sum::<u64>();
    chains.sort_by_key(|files| std::cmp::Reverse(size(files)));
    let mut spread: Vec<(u64, Vec<LogFile>)> = vec![(0, Vec::new()); parts.clamp(1, chains.len().max(1))];
    for chain in chains {
        if let Some((total, files)) = spread.iter_mut().min_by_key(|(total, _)| *total) {
            *total += size(chain);
            files.extend(chain.iter().cloned());
        }
    }
    spread.into_iter().map(|(_, files)| files).filter(|files| !files.is_empty()).collect()
}
