//! Orders with a column of one value. The planner leaves such a column out of a sort, and forgets behind a projection
//! why it could; the merge of sorted parts still asks for it, and the plan's own check refuses a plan that is right.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// Returns the planner's rules, with ours before the check that ends them.
pub(super) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let check = rules.len().saturating_sub(1);
    rules.insert(check, Arc::new(MergesFollowSorts));
    rules
}

/// Merges sorted parts by what they are sorted by.
#[derive(Debug)]
struct MergesFollowSorts;

impl PhysicalOptimizerRule for MergesFollowSorts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let followed = followed(&plan)?;
            Ok(followed.map_or_else(|| Transformed::no(plan), Transformed::yes))
        })
        .data()
    }

    fn name(&self) -> &str {
        "merges_follow_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns the merge by what its input is sorted by. `None`: it is no merge of a sort, or what it asks for is there.
fn followed(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(merge) = plan.downcast_ref::<SortPreservingMergeExec>() else { return Ok(None) };
    let Some(sort) = merge.input().downcast_ref::<SortExec>() else { return Ok(None) };
    let is_there = merge.input().equivalence_properties().ordering_satisfy(merge.expr().iter().cloned())?;
    if is_there || !leaves_out_only(sort.expr(), merge.expr()) {
        return Ok(None);
    }
    let followed = SortPreservingMergeExec::new(sort.expr().clone(), Arc::clone(merge.input()));
    Ok(Some(Arc::new(followed.with_fetch(merge.fetch()))))
}

/// Tells whether what was sorted by is what was asked for, in its order, with nothing but some of it left out.
fn leaves_out_only(sorted: &[PhysicalSortExpr], asked: &[PhysicalSortExpr]) -> bool {
    let mut asked = asked.iter();
    sorted.iter().all(|of| asked.any(|asked| asked == of))
}
