//! `a || b` of texts, with a bound: `WITH` could double a text with each name.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::growth::Growth;

/// Joins texts by [`Join`].
#[derive(Debug)]
pub(super) struct JoinedTexts;

impl FunctionRewrite for JoinedTexts {
    fn name(&self) -> &'static str {
        "joined_texts"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let Ok(returns) = expr.get_type(schema) else { return Ok(Transformed::no(expr)) };
        if !returns.is_string() {
            return Ok(Transformed::no(expr));
        }
        // One call for the whole chain: what is long would be deep.
        let mut args = match left.as_ref() {
            Expr::ScalarFunction(call) if call.func.inner().downcast_ref::<Join>().is_some() => call.args.clone(),
            other => vec![other.clone()],
        };
        args.push(right.as_ref().clone());
        let join = ScalarUDF::from(Join { returns, signature: Signature::user_defined(Volatility::Immutable) });
        Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(join), args))))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Join {
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Join {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8View; given.len()])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let arrays = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let joined = cast(&joined(&arrays, rows)?, &self.returns)?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?),
            false => ColumnarValue::Array(joined),
        })
    }
}

/// Returns the texts of each row behind each other; none where one is none.
fn joined(arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let texts: Vec<&StringViewArray> = arrays.iter().filter_map(|array| array.as_string_view_opt()).collect();
    if texts.len() != arrays.len() {
        return exec_err!("what is joined must be texts");
    }
    let (mut builder, mut text, mut growth) =
        (StringViewBuilder::with_capacity(rows), String::new(), Growth::of("joining"));
    for row in 0..rows {
        if texts.iter().any(|part| part.is_null(row)) {
            builder.append_null();
            continue;
        }
        let lengths = texts.iter().map(|part| part.value(row).len());
        growth.check(lengths.clone().fold(0, usize::saturating_add), lengths.max().unwrap_or_default())?;
        text.clear();
        texts.iter().for_each(|part| text.push_str(part.value(row)));
        builder.append_value(&text);
    }
    Ok(Arc::new(builder.finish()))
}
