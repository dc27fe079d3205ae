//! Texts without what lies around them. A filter that few rows pass keeps the whole blocks of text that these rows
//! point into: a sort of seven thousand small rows would hold half a gigabyte.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringViewArray};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::stream::StreamExt;

use super::again::only_input;

/// Blocks of text that are small enough to be kept as they are, in bytes.
const SMALL_BYTES: usize = 64 << 10;

/// Copies what passes a filter where it is much smaller than what it lies in.
#[derive(Debug)]
pub(super) struct FiltersGiveDenseTexts;

impl PhysicalOptimizerRule for FiltersGiveDenseTexts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let each = |plan: Arc<dyn ExecutionPlan>| match plan.downcast_ref::<FilterExec>() {
            Some(_) => Ok(Transformed::yes(Arc::new(DenseExec { input: plan }) as Arc<dyn ExecutionPlan>)),
            None => Ok(Transformed::no(plan)),
        };
        plan.transform_up(each).data()
    }

    fn name(&self) -> &str {
        "filters_give_dense_texts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Gives what its input gives, in no more memory than that takes.
#[derive(Debug)]
struct DenseExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for DenseExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for DenseExec {
    fn name(&self) -> &str {
        "DenseExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: only_input(children)? }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { input: only_input(children)? }))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, input.map(|batch| dense(&batch?)))))
    }
}

fn dense(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(dense_column).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &rows)?)
}

fn dense_column(column: &ArrayRef) -> ArrayRef {
    match column.as_string_view_opt() {
        Some(texts) if is_sparse(texts) => Arc::new(texts.gc()),
        _ => Arc::clone(column),
    }
}

/// Tells whether most of what texts hold is of no row.
fn is_sparse(texts: &StringViewArray) -> bool {
    let held: usize = texts.data_buffers().iter().map(|block| block.capacity()).sum();
    held > SMALL_BYTES && held / 2 > texts.lengths().map(|length| usize::try_from(length).unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn few_rows_of_a_filter_hold_little_and_are_the_same() {
        let text =
            |row: usize| (!row.is_multiple_of(7)).then(|| format!("{row} {}", "a text that is long ".repeat(20)));
        let schema = Arc::new(Schema::new(vec![Field::new("t", DataType::Utf8View, true)]));
        let batch = |part: usize| {
            let texts: StringViewArray = (0..8192).map(|row| text(part * 8192 + row)).collect();
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(texts)]).unwrap()
        };
        let table = MemTable::try_new(Arc::clone(&schema), vec![(0..20).map(batch).collect()]).unwrap();
        let rule = Arc::new(FiltersGiveDenseTexts);
        let state = SessionStateBuilder::new().with_default_features().with_physical_optimizer_rule(rule).build();
        let context = SessionContext::new_with_state(state);
        context.register_table("t", Arc::new(table)).unwrap();
        let found = context.sql("SELECT t FROM t WHERE t LIKE '%000 a%' OR t LIKE '5 a%'").await.unwrap();
        let found = found.collect().await.unwrap();
        let texts: Vec<String> = found
            .iter()
            .flat_map(|batch| batch.column(0).as_string_view().iter().flatten().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let expected: Vec<String> =
            (0..20 * 8192_usize).filter(|row| row.is_multiple_of(1000) || *row == 5).filter_map(text).collect();
        assert_eq!(texts, expected);
        let held: usize = found.iter().map(RecordBatch::get_array_memory_size).sum();
        assert!(held < 1 << 20, "{held} bytes are held");
    }
}
