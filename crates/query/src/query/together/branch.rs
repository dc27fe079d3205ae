//! The table of one question: it has what the shared pass over the events sends to it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::StreamExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::query::scan::EventTable;

/// Batches that wait for a question. One that is slower than the others keeps the pass waiting, and no more than this.
const BATCHES_AHEAD: usize = 4;

/// Where a question takes its events from.
pub(super) struct BranchEnd {
    /// The columns that it needs, as places in the view's.
    pub columns: Vec<usize>,
    /// What it knows beforehand of the events that it needs.
    pub filters: Vec<Expr>,
    /// Few events answer the question.
    pub is_of_few: bool,
    /// One for each part of the question.
    pub senders: Vec<Sender<Result<RecordBatch>>>,
}

/// A view as one question sees it.
pub(super) struct BranchTable {
    source: EventTable,
    parts: usize,
    is_of_few: bool,
    end: Arc<Mutex<Vec<BranchEnd>>>,
}

impl fmt::Debug for BranchTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchTable").field("source", &self.source).finish_non_exhaustive()
    }
}

impl BranchTable {
    /// Returns the table over a view in a number of parts; what the question asks of it is put into `end`.
    pub(super) fn new(source: EventTable, parts: usize, is_of_few: bool, end: Arc<Mutex<Vec<BranchEnd>>>) -> Self {
        Self { source, parts: parts.max(1), is_of_few, end }
    }
}

#[async_trait]
impl TableProvider for BranchTable {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.source.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let whole = self.source.schema();
        let columns = projection.cloned().unwrap_or_else(|| (0..whole.fields().len()).collect());
        let schema = Arc::new(whole.project(&columns)?);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..self.parts).map(|_| channel(BATCHES_AHEAD)).unzip();
        let part = |receiver| -> Arc<dyn PartitionStream> {
            Arc::new(BranchPart { schema: Arc::clone(&schema), receiver: Mutex::new(Some(receiver)) })
        };
        let parts = receivers.into_iter().map(part).collect();
        let mut ends = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        ends.push(BranchEnd { columns, filters: filters.to_vec(), is_of_few: self.is_of_few, senders });
        drop(ends);
        Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), parts, None, None, false, None)?))
    }
}

/// A part of what a question is sent.
struct BranchPart {
    schema: SchemaRef,
    receiver: Mutex<Option<Receiver<Result<RecordBatch>>>>,
}

impl fmt::Debug for BranchPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchPart").finish_non_exhaustive()
    }
}

impl PartitionStream for BranchPart {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let schema = Arc::clone(&self.schema);
        let Some(receiver) = receiver else {
            let twice = DataFusionError::Internal("a part of the events was asked for twice".to_owned());
            return Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Err(twice)])));
        };
        let batches = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|batch| (batch, receiver))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, batches.boxed()))
    }
}
