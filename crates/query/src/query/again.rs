//! Plans that run again. A join without equal columns whose left side does not fit into memory runs that side a second
//! time, to put it on disk. Some parts of a plan can run once only, and would panic; so they are made anew for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{replace_children_if_necessary, reset_plan_states};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};

/// Lets the left sides of joins without equal columns run again.
#[derive(Debug)]
pub(super) struct LeftSidesRunAgain;

impl PhysicalOptimizerRule for LeftSidesRunAgain {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let each = |plan: Arc<dyn ExecutionPlan>| {
            let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() else { return Ok(Transformed::no(plan)) };
            let left = Arc::new(RunsAgainExec::over(Arc::clone(join.left())));
            let children: Vec<Arc<dyn ExecutionPlan>> = vec![left, Arc::clone(join.right())];
            replace_children_if_necessary(plan, children).map(Transformed::yes)
        };
        plan.transform_up(each).data()
    }

    fn name(&self) -> &str {
        "left_sides_run_again"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns the input of a part of a plan that has one.
///
/// # Errors
/// Where it is given none; DataFusion gives it one.
pub(super) fn only_input(children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
    let none = || DataFusionError::Internal("a part of a plan that has one input is given none".to_owned());
    children.into_iter().next().ok_or_else(none)
}

/// Gives what its input gives, each time that it is run.
#[derive(Debug)]
struct RunsAgainExec {
    input: Arc<dyn ExecutionPlan>,
    was_run: AtomicBool,
}

impl RunsAgainExec {
    fn over(input: Arc<dyn ExecutionPlan>) -> Self {
        Self { input, was_run: AtomicBool::new(false) }
    }

    /// Tells whether a part of the input knows from its first run what it leaves out, so that it would leave it out of
    /// the second too.
    fn remembers(&self) -> Result<bool> {
        self.input.exists(|part| {
            let is_recursive = ["RecursiveQueryExec", "WorkTableExec"].contains(&part.name());
            Ok(is_recursive || !part.dynamic_expressions_produced().is_empty())
        })
    }
}

impl DisplayAs for RunsAgainExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ExecutionPlan for RunsAgainExec {
    fn name(&self) -> &str {
        "RunsAgainExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::over(only_input(children)?)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::over(only_input(children)?)))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if !self.was_run.swap(true, Ordering::Relaxed) {
            return self.input.execute(partition, context);
        }
        if self.remembers()? {
            let why = "the left side of a join without equal columns does not fit, and cannot be put on disk";
            return Err(DataFusionError::ResourcesExhausted(why.to_owned()));
        }
        reset_plan_states(Arc::clone(&self.input))?.execute(partition, context)
    }
}
