//! Flags that are texts: `sessioncredentialfromconsole = true`, `readonly = 'true'`. CloudTrail Lake's tables and
//! Athena's differ in which columns are flags, and questions are written for both.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::sqlparser::ast::BinaryOperator;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, try_cast};

/// Compares a flag with a text that says `true` or `false`; another text is none.
#[derive(Debug)]
pub(super) struct FlagsAndTexts;

impl ExprPlanner for FlagsAndTexts {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Eq => Operator::Eq,
            BinaryOperator::NotEq => Operator::NotEq,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let (left, right) = (expr.left.get_type(schema), expr.right.get_type(schema));
        let flag = |expr: Expr| Box::new(try_cast(expr, DataType::Boolean));
        let (left, right) = match (left, right) {
            (Ok(DataType::Boolean), Ok(text)) if text.is_string() => (Box::new(expr.left), flag(expr.right)),
            (Ok(text), Ok(DataType::Boolean)) if text.is_string() => (flag(expr.left), Box::new(expr.right)),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr { left, op, right })))
    }
}
