//! `CAST` of what is known to be JSON: `CAST(json_extract(x, '$.a') AS varchar)` gives a text without its quotes; and
//! of numbers to whole ones, which are rounded.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, lit};
use std::sync::Arc;

use super::function::is_json;

/// Casts JSON as Trino does.
#[derive(Debug)]
pub(super) struct JsonCasts {
    /// `json_cast`.
    pub cast: Arc<ScalarUDF>,
    /// The same, with none in place of an error.
    pub try_cast: Arc<ScalarUDF>,
    /// `round`.
    pub round: Arc<ScalarUDF>,
}

impl FunctionRewrite for JsonCasts {
    fn name(&self) -> &'static str {
        "json_casts"
    }

    fn rewrite(&self, mut expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let (inner, field, function) = match &mut expr {
            Expr::Cast(Cast { expr, field }) => (expr, field, &self.cast),
            Expr::TryCast(TryCast { expr, field }) => (expr, field, &self.try_cast),
            _ => return Ok(Transformed::no(expr)),
        };
        let given = inner.to_field(schema)?.1;
        let has_parts = given.data_type().is_floating() || given.data_type().is_decimal();
        if has_parts && field.data_type().is_integer() {
            let whole = std::mem::take(inner.as_mut());
            **inner = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.round), vec![whole]));
            return Ok(Transformed::yes(expr));
        }
        if !is_json(given.as_ref()) {
            return Ok(Transformed::no(expr));
        }
        let name = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
            DataType::Boolean => "boolean",
            kind if kind.is_integer() => "bigint",
            kind if kind.is_floating() => "double",
            DataType::Date32 => "date",
            DataType::Timestamp(..) => "timestamp",
            _ => return Ok(Transformed::no(expr)),
        };
        let args = vec![inner.as_ref().clone(), lit(name)];
        let of_json = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args));
        // The type is the one that was asked for: an integer has 32 bits, a text is no view.
        let cast = Cast { expr: Box::new(of_json), field: Arc::clone(field) };
        Ok(Transformed::yes(Expr::Cast(cast)))
    }
}
