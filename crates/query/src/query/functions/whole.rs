//! Whole numbers that do not fit: an error, as in Trino, where DataFusion would go on at the other end.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, BinaryExpr, ColumnarValue, Documentation, Expr, ExprSchemable,
    GroupsAccumulator, Operator, ReversedUDAF, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, SetMonotonicity,
    Signature, Volatility, cast,
};

/// Digits of a sum that is not done.
const DIGITS: u8 = 38;

/// Reckons with whole numbers by [`Reckon`].
#[derive(Debug)]
pub(super) struct CheckedNumbers;

impl FunctionRewrite for CheckedNumbers {
    fn name(&self) -> &'static str {
        "checked_numbers"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &expr else { return Ok(Transformed::no(expr)) };
        if !matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply) {
            return Ok(Transformed::no(expr));
        }
        let (Ok(a), Ok(b)) = (left.get_type(schema), right.get_type(schema)) else { return Ok(Transformed::no(expr)) };
        if !(a.is_signed_integer() && b.is_signed_integer()) {
            return Ok(Transformed::no(expr));
        }
        let is_long = a == DataType::Int64 || b == DataType::Int64;
        let narrow = if is_long { None } else { Some(expr.get_type(schema)?) };
        // `a + b - c` is one call, not two within each other: what is long would be deep.
        let (mut ops, mut args) = match left.as_ref() {
            Expr::ScalarFunction(call) => match call.func.inner().downcast_ref::<Reckon>() {
                Some(reckon) => (reckon.ops.clone(), call.args.clone()),
                None => (Vec::new(), vec![left.as_ref().clone()]),
            },
            other => (Vec::new(), vec![other.clone()]),
        };
        ops.push(*op);
        args.push(right.as_ref().clone());
        let reckon = ScalarUDF::from(Reckon { ops, signature: Signature::user_defined(Volatility::Immutable) });
        let reckoned = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(reckon), args));
        // What does not fit into the narrower type, the cast refuses.
        Ok(Transformed::yes(match narrow {
            Some(kind) => cast(reckoned, kind),
            None => reckoned,
        }))
    }
}

/// Reckons from the left to the right; fails where a result does not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Reckon {
    /// What is done with the second argument, the third and so on.
    ops: Vec<Operator>,
    signature: Signature,
}

impl ScalarUDFImpl for Reckon {
    fn name(&self) -> &'static str {
        "reckon"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Int64; given.len()])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let mut args = args.args.into_iter().map(|arg| arg.into_array(rows));
        let Some(first) = args.next() else { return exec_err!("there is nothing to reckon with") };
        let mut result = first?;
        for (arg, op) in args.zip(&self.ops) {
            let arg = arg?;
            let reckoned = match op {
                Operator::Plus => numeric::add(&result, &arg),
                Operator::Minus => numeric::sub(&result, &arg),
                _ => numeric::mul(&result, &arg),
            };
            result = match reckoned {
                Ok(result) => result,
                Err(error) => return exec_err!("a number is larger than a bigint, cast to double: {error}"),
            };
        }
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }
}

/// DataFusion's `sum`; of whole numbers of 64 bits the one that fails where it does not fit.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sum(Arc<AggregateUDF>);

impl Sum {
    /// Returns the sum over the one that is there.
    pub(super) fn over(inner: Arc<AggregateUDF>) -> Self {
        Self(inner)
    }
}

fn is_ours(kind: &DataType, is_distinct: bool) -> bool {
    *kind == DataType::Int64 && !is_distinct
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.0.return_type(given)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(given)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_ours(args.return_field.data_type(), args.is_distinct) {
            return Ok(Box::new(Adding::default()));
        }
        self.0.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if is_ours(args.return_field.data_type(), args.is_distinct) {
            return Ok(vec![Arc::new(Field::new("sum", DataType::Decimal128(DIGITS, 0), true))]);
        }
        self.0.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !is_ours(args.return_field.data_type(), args.is_distinct) && self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.0.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_ours(args.return_field.data_type(), args.is_distinct) {
            return Ok(Box::new(Adding::default()));
        }
        self.0.create_sliding_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn set_monotonicity(&self, kind: &DataType) -> SetMonotonicity {
        self.0.inner().set_monotonicity(kind)
    }
}

/// A sum of whole numbers with room for every number of rows.
#[derive(Debug, Default)]
struct Adding {
    sum: i128,
    /// How many values are in it; a sum of none is none.
    values: u64,
}

impl Adding {
    fn numbers(given: &[ArrayRef]) -> impl Iterator<Item = i64> {
        given.first().into_iter().flat_map(|array| array.as_primitive::<Int64Type>().iter().flatten())
    }
}

impl Accumulator for Adding {
    fn update_batch(&mut self, given: &[ArrayRef]) -> Result<()> {
        for number in Self::numbers(given) {
            self.sum += i128::from(number);
            self.values += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, given: &[ArrayRef]) -> Result<()> {
        for number in Self::numbers(given) {
            self.sum -= i128::from(number);
            self.values = self.values.saturating_sub(1);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(sums) = states.first() else { return Ok(()) };
        let sums = sums.as_primitive::<datafusion::arrow::datatypes::Decimal128Type>();
        for sum in sums.iter().flatten() {
            self.sum += sum;
            self.values += 1;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128((self.values > 0).then_some(self.sum), DIGITS, 0)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match i64::try_from(self.sum) {
            _ if self.values == 0 => Ok(ScalarValue::Int64(None)),
            Ok(sum) => Ok(ScalarValue::Int64(Some(sum))),
            Err(_) => exec_err!("the sum is {}, which is larger than a bigint: cast to double", self.sum),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
