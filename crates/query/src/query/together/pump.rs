//! The pass that several questions share: reads what all of them need, and sends each what it needs.

use std::sync::Arc;

use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use tokio::sync::mpsc::Sender;

use super::branch::BranchEnd;
use crate::query::scan::EventTable;

/// A question as the pass sees it: which columns of the pass it gets, and where to.
struct Outlet {
    columns: Vec<usize>,
    senders: Vec<Sender<Result<RecordBatch>>>,
}

/// Begins the pass over a view for some questions; over a lake one for those that few events answer, and one for the
/// others. It ends by itself, and early where no question wants more.
///
/// # Errors
/// Where the archive or the lake cannot be read.
pub(super) async fn start(source: EventTable, ends: Vec<BranchEnd>, context: &SessionContext) -> Result<()> {
    if !source.has_lake() {
        return pass(&source, ends, context).await;
    }
    let (few, many) = ends.into_iter().partition(|end| end.is_of_few);
    pass(&source, many, context).await?;
    pass(&source.applying_conditions(), few, context).await
}

async fn pass(source: &EventTable, ends: Vec<BranchEnd>, context: &SessionContext) -> Result<()> {
    if ends.is_empty() {
        return Ok(());
    }
    let mut columns: Vec<usize> = ends.iter().flat_map(|end| end.columns.iter().copied()).collect();
    columns.sort_unstable();
    columns.dedup();
    let filters = common_filters(&ends, |name| source.is_quick(name));
    let plan = source.scan(&context.state(), Some(&columns), &filters, None).await?;
    let outlets: Arc<[Outlet]> = ends.into_iter().map(|end| Outlet::of(end, &columns)).collect::<Vec<_>>().into();
    for part in 0..plan.output_partitioning().partition_count() {
        let stream = plan.execute(part, context.task_ctx())?;
        tokio::spawn(pump(stream, part, Arc::clone(&outlets)));
    }
    Ok(())
}

/// Returns what holds of every event that a question needs. Where all have the same conditions these are it, each by
/// itself: slots are left out by them more easily than by one long condition.
fn common_filters(ends: &[BranchEnd], is_quick: impl Fn(&str) -> bool) -> Vec<Expr> {
    match ends {
        [first, others @ ..] if others.iter().all(|end| end.filters == first.filters) => first.filters.clone(),
        _ => common_filter(ends, &is_quick).into_iter().collect(),
    }
}

/// See [`common_filters`]; of different conditions one that is true where one of them is. `None`: one question may need
/// any event.
fn common_filter(ends: &[BranchEnd], is_quick: &dyn Fn(&str) -> bool) -> Option<Expr> {
    let quick =
        |end: &BranchEnd| end.filters.iter().filter_map(|filter| quick_part(filter, is_quick)).reduce(Expr::and);
    ends.iter().map(quick).collect::<Option<Vec<Expr>>>()?.into_iter().reduce(Expr::or)
}

/// Returns what must hold where a condition does, of the columns that are quickly read: the others are then read of few
/// events only. `None`: that is nothing.
fn quick_part(filter: &Expr, is_quick: &dyn Fn(&str) -> bool) -> Option<Expr> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let parts = [left, right].into_iter().filter_map(|part| quick_part(part, is_quick));
            parts.reduce(Expr::and)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(quick_part(left, is_quick)?.or(quick_part(right, is_quick)?))
        }
        other => other.column_refs().iter().all(|column| is_quick(&column.name)).then(|| other.clone()),
    }
}

impl Outlet {
    fn of(end: BranchEnd, all: &[usize]) -> Self {
        // Every column that is needed is among them.
        let place = |column: &usize| all.binary_search(column).unwrap_or_default();
        Self { columns: end.columns.iter().map(place).collect(), senders: end.senders }
    }
}

async fn pump(mut stream: datafusion::execution::SendableRecordBatchStream, part: usize, outlets: Arc<[Outlet]>) {
    // A question that ended wants nothing more.
    let mut wanted = vec![true; outlets.len()];
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(Arc::new);
        for (outlet, wanted) in outlets.iter().zip(&mut wanted).filter(|(_, wanted)| **wanted) {
            let Some(sender) = outlet.senders.get(part % outlet.senders.len().max(1)) else { continue };
            let own = match &batch {
                Ok(batch) => project(batch, &outlet.columns),
                Err(error) => Err(DataFusionError::Shared(Arc::clone(error))),
            };
            *wanted = sender.send(own).await.is_ok();
        }
        if batch.is_err() || !wanted.contains(&true) {
            return;
        }
    }
}

/// Returns some columns of a batch; of none the number of rows is left.
fn project(batch: &RecordBatch, columns: &[usize]) -> Result<RecordBatch> {
    if !columns.is_empty() {
        return Ok(batch.project(columns)?);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let none = Arc::new(batch.schema().project(&[])?);
    Ok(RecordBatch::try_new_with_options(none, Vec::new(), &rows)?)
}
