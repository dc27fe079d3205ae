//! Times beside texts and dates: they are compared as the time is, in microseconds. DataFusion would take nanoseconds,
//! which end in 2262.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast};

/// Compares times with texts and dates.
#[derive(Debug)]
pub(super) struct ComparedTimes;

impl FunctionRewrite for ComparedTimes {
    fn name(&self) -> &'static str {
        "compared_times"
    }

    fn rewrite(&self, mut expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let is_changed = match &mut expr {
            Expr::BinaryExpr(compared) if is_comparison(compared.op) => {
                as_times(&mut compared.left, &mut compared.right, schema)
            }
            Expr::Between(between) => {
                let is_low = as_times(&mut between.expr, &mut between.low, schema);
                as_times(&mut between.expr, &mut between.high, schema) || is_low
            }
            Expr::InList(InList { expr, list, .. }) => {
                // Every one, also behind the first that is changed.
                list.iter_mut().filter_map(|one| as_times(expr, one, schema).then_some(())).count() > 0
            }
            _ => false,
        };
        Ok(if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) })
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Makes a text or a date a time where the other is one. Tells whether it did.
fn as_times(left: &mut Expr, right: &mut Expr, schema: &DFSchema) -> bool {
    let is_other = |kind: &DataType| kind.is_string() || matches!(kind, DataType::Date32);
    let (time, other) = match (left.get_type(schema), right.get_type(schema)) {
        (Ok(time @ DataType::Timestamp(..)), Ok(other)) if is_other(&other) => (time, right),
        (Ok(other), Ok(time @ DataType::Timestamp(..))) if is_other(&other) => (time, left),
        _ => return false,
    };
    *other = cast(std::mem::take(other), time);
    true
}
