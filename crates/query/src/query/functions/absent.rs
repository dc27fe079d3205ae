//! A query in place of a value, which gives none where it finds nothing. DataFusion says of it what its query says of
//! its rows, so that a value that is never none would be missing, and `coalesce` of it be left out.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Says of each query in place of a value that it may give none.
#[derive(Debug)]
pub(super) struct AbsentValues;

impl FunctionRewrite for AbsentValues {
    fn name(&self) -> &'static str {
        "absent_values"
    }

    fn rewrite(&self, expr: Expr, _schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::ScalarSubquery(subquery) = &expr else { return Ok(Transformed::no(expr)) };
        if subquery.subquery.schema().fields().iter().all(|field| field.is_nullable()) {
            return Ok(Transformed::no(expr));
        }
        let maybe = ScalarUDF::from(Maybe { signature: Signature::any(1, Volatility::Immutable) });
        Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(maybe), vec![expr]))))
    }
}

/// The value itself, which may be none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Maybe {
    signature: Signature,
}

impl ScalarUDFImpl for Maybe {
    fn name(&self) -> &'static str {
        "maybe"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [one] => Ok(one.clone()),
            _ => plan_err!("maybe takes one value"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [one] => Ok(Arc::new(one.as_ref().clone().with_nullable(true))),
            _ => plan_err!("maybe takes one value"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(value) => Ok(value),
            None => exec_err!("maybe takes one value"),
        }
    }
}
