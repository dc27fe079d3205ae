//! Times beside texts and dates: they are compared as the time is, in microseconds. DataFusion would take nanoseconds,
//! which end in 2262. A text beside a date is a time too, and the date its midnight. And times as texts, as Trino
//! writes them: `2026-09-14 05:00:00.000 UTC`.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, InList, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, ScalarUDF, cast};

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

/// Tells whether an operator compares.
pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Makes a text or a date a time where the other is one, and both where they are a text and a date: a text may have a
/// time of the day. Tells whether it did.
fn as_times(left: &mut Expr, right: &mut Expr, schema: &DFSchema) -> bool {
    let is_other = |kind: &DataType| kind.is_string() || matches!(kind, DataType::Date32);
    let into = |expr: &mut Expr, time| *expr = cast(std::mem::take(expr), time);
    match (left.get_type(schema), right.get_type(schema)) {
        (Ok(time @ DataType::Timestamp(..)), Ok(other)) if is_other(&other) => into(right, time),
        (Ok(other), Ok(time @ DataType::Timestamp(..))) if is_other(&other) => into(left, time),
        (Ok(text), Ok(DataType::Date32)) if text.is_string() && !is_written_day(left) => {
            into(left, PLAIN);
            into(right, PLAIN);
        }
        (Ok(DataType::Date32), Ok(text)) if text.is_string() && !is_written_day(right) => {
            into(left, PLAIN);
            into(right, PLAIN);
        }
        _ => return false,
    }
    true
}

const PLAIN: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Tells whether an expression is a day that is written out, without a time: it is compared as a date.
fn is_written_day(expr: &Expr) -> bool {
    let Expr::Literal(value, _) = expr else { return false };
    value.try_as_str().flatten().is_none_or(|text| text.trim().len() <= "2026-09-14".len())
}

/// Casts times to texts as Trino writes them.
#[derive(Debug)]
pub(super) struct WrittenTimes {
    /// `time_text`.
    pub text: Arc<ScalarUDF>,
}

impl FunctionRewrite for WrittenTimes {
    fn name(&self) -> &'static str {
        "written_times"
    }

    fn rewrite(&self, mut expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        if let Expr::Cast(Cast { expr: time, field }) | Expr::TryCast(TryCast { expr: time, field }) = &mut expr
            && field.data_type().is_string()
            && matches!(time.get_type(schema), Ok(DataType::Timestamp(..)))
        {
            let args = vec![std::mem::take(time.as_mut())];
            **time = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.text), args));
            return Ok(Transformed::yes(expr));
        }
        if let Expr::BinaryExpr(joined) = &mut expr
            && joined.op == Operator::StringConcat
        {
            let mut is_changed = false;
            for part in [&mut joined.left, &mut joined.right] {
                if matches!(part.get_type(schema), Ok(DataType::Timestamp(..))) {
                    let args = vec![std::mem::take(part.as_mut())];
                    **part = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.text), args));
                    is_changed = true;
                }
            }
            return Ok(if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) });
        }
        Ok(Transformed::no(expr))
    }
}
