//! A view over log files as a table of DataFusion.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column as SqlColumn, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;
use tokio::sync::Mutex;

use super::super::error::QueryError;
use super::super::views::View;
use super::super::window;
use super::needs::{Needs, needs};
use super::newer::Newer;
use super::partition::ChainScan;
use super::slots;
use super::tally::Tally;
use crate::columns::column::{Column, Kind, schema};
use crate::columns::extract::Asked;
use crate::lake::reading::Lake;
use orgtrail_archive::archive::listing::{Archive, Listing, LogFile};
use orgtrail_archive::archive::window::Window;

/// What the scans of one question share.
#[derive(Debug)]
pub struct Scans {
    /// The archive.
    pub archive: Arc<Archive>,
    /// The lake that is asked first. `None`: log files only.
    pub lake: Option<Lake>,
    /// What was asked for beside the conditions of the question.
    pub asked: Window,
    /// The most bytes that may be read, as stored. `None`: no limit.
    pub bytes_max: Option<u64>,
    /// What was looked at.
    pub tally: Tally,
    /// What each window needs, as it was listed.
    pub needs: Mutex<HashMap<Window, Arc<Needs>>>,
}

impl Scans {
    /// Returns what a window needs; it is listed once.
    ///
    /// # Errors
    /// Where a lake cannot be read.
    pub async fn needs(&self, window: &Window) -> std::result::Result<Arc<Needs>, QueryError> {
        let mut all = self.needs.lock().await;
        if let Some(needs) = all.get(window) {
            return Ok(Arc::clone(needs));
        }
        let needs = Arc::new(needs(&self.archive, self.lake.as_ref(), window).await?);
        all.insert(window.clone(), Arc::clone(&needs));
        Ok(needs)
    }

    /// Forgets what was listed and looked at, to begin anew.
    pub async fn forget(&self) {
        self.needs.lock().await.clear();
        self.lake.iter().for_each(Lake::forget);
        self.tally.clear();
    }
}

/// A view over the events of an archive.
pub struct EventTable {
    view: &'static View,
    schema: SchemaRef,
    scans: Arc<Scans>,
    /// Slots leave out the rows that the conditions exclude, not only the pages.
    applies_conditions: bool,
}

impl fmt::Debug for EventTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTable").field("view", &self.view.name).finish_non_exhaustive()
    }
}

impl EventTable {
    /// Returns a view over the files.
    pub fn new(view: &'static View, scans: Arc<Scans>) -> Self {
        Self { view, schema: schema(view.columns), scans, applies_conditions: false }
    }

    /// Returns the same view, of which slots leave out each row that a scan's conditions exclude before they read its
    /// other columns: for conditions that few events fulfil.
    pub fn applying_conditions(self) -> Self {
        Self { applies_conditions: true, ..self }
    }

    /// Tells whether a column is quickly read: JSON as delivered takes most of what an event takes.
    pub fn is_quick(&self, column: &str) -> bool {
        self.view.columns.iter().any(|own| own.name == column && !matches!(own.kind, Kind::Json))
    }

    /// Tells whether there is a lake.
    pub fn has_lake(&self) -> bool {
        self.scans.lake.is_some()
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
        let used = |filter: &&Expr| {
            let helps = self.scans.lake.is_some() && self.of_slot(filter).is_some();
            match helps || window::narrows(self.view, filter) {
                // Files and slots are chosen by it; the rows in them are judged by the plan.
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            }
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
        let window = window::of_filters(self.view, filters).and(self.scans.asked.clone());
        let needs = self.scans.needs(&window).await?;
        self.count(&needs)?;
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.view.columns.len()).collect());
        let columns: Arc<[Column]> =
            wanted.iter().filter_map(|at| self.view.columns.get(*at)).cloned().collect::<Vec<_>>().into();
        let schema = schema(&columns);
        let asked = Asked { from: self.scans.asked.from, to: self.scans.asked.to };
        let part = |files: Vec<LogFile>| -> Arc<dyn PartitionStream> {
            let (archive, tally) = (Arc::clone(&self.scans.archive), self.scans.tally.clone());
            Arc::new(ChainScan {
                archive,
                columns: Arc::clone(&columns),
                schema: Arc::clone(&schema),
                files,
                asked,
                tally,
            })
        };
        let partitions = state.config().target_partitions();
        let parts: Vec<_> = spread(&needs.listing, partitions).into_iter().map(part).collect();
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !needs.slots.is_empty() {
            let newer = match needs.listing.files.as_slice() {
                [] => None,
                files => {
                    let pool = &state.runtime_env().memory_pool;
                    Some(Arc::new(Newer::of(&self.scans.archive, files, pool).await?))
                }
            };
            let mut filters: Vec<Expr> = filters.iter().filter_map(|filter| self.of_slot(filter)).collect();
            filters.extend(slots::of_window(&window));
            let request = slots::SlotRequest {
                columns: &columns,
                filters,
                applies_filters: self.applies_conditions,
                asked,
                places: &slots::Places::of(&self.scans.asked),
                newer,
                tally: &self.scans.tally,
            };
            plans.extend(slots::plans(&needs.slots, &request, state)?);
        }
        if !parts.is_empty() {
            plans.push(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), parts, None, None, false, limit)?));
        }
        match plans.len() {
            0 => Ok(Arc::new(EmptyExec::new(schema))),
            1 => Ok(plans.remove(0)),
            _ => UnionExec::try_new(plans),
        }
    }
}

impl EventTable {
    /// Returns a condition on the columns of a slot. `None`: a column of it is none that a slot has.
    fn of_slot(&self, filter: &Expr) -> Option<Expr> {
        let is_known = |name: &str| {
            let own = self.view.columns.iter().find(|own| own.name == name)?;
            slots::column_of(own).map(|slot| slot.name)
        };
        let mut all_known = true;
        let renamed = filter.clone().transform(|expr| {
            Ok(match expr {
                Expr::Column(column) => match is_known(&column.name) {
                    Some(name) => Transformed::yes(Expr::Column(SqlColumn::from_name(name))),
                    None => {
                        all_known = false;
                        Transformed::no(Expr::Column(column))
                    }
                },
                // A question within the question is none about a slot.
                other => {
                    all_known &= !matches!(other, Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_));
                    Transformed::no(other)
                }
            })
        });
        renamed.ok().map(|renamed| renamed.data).filter(|_| all_known)
    }

    /// Counts what is needed.
    fn count(&self, needs: &Needs) -> Result<()> {
        // The same files count again where a question reads them again.
        let before = self.scans.tally.looked();
        let already = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let slots = needs.slots.len() + already(before.slots);
        let files = needs.listing.files.len() + already(before.files_listed);
        let bytes = needs.listing.size_bytes() + before.bytes_listed;
        let slot_bytes = needs.slots.iter().map(|slot| slot.size_bytes).sum::<u64>() + before.slot_bytes;
        if let Some(bytes_max) = self.scans.bytes_max.filter(|max| bytes + slot_bytes > *max) {
            return Err(QueryError::TooMuch { files: files + slots, bytes: bytes + slot_bytes, bytes_max }.into());
        }
        self.scans.tally.note(|looked| {
            looked.files_listed = files as u64;
            looked.bytes_listed = bytes;
            looked.slots = slots as u64;
            looked.slot_bytes = slot_bytes;
        });
        for slot in &needs.slots {
            self.scans.tally.once(("slot", slot.id), |looked| {
                looked.slot_records += slot.footer.read;
                looked.slot_duplicates += slot.footer.duplicates;
            });
        }
        Ok(())
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
