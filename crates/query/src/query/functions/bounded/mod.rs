//! Functions of DataFusion that would give a value of any size, or that take what is none for nothing: the same
//! functions, with bounds, and none where an argument is none.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::{cast, nullif};
use datafusion::arrow::datatypes::IntervalUnit;
use datafusion::arrow::datatypes::{DataType, FieldRef, Float64Type, Int64Type, IntervalMonthDayNanoType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::growth::Growth;

/// Elements of a list that a function makes, as in Trino (`sequence`, `repeat`).
const ELEMENTS_MAX: f64 = 10_000.0;
/// Bytes, or characters, of a text that a function makes.
const TEXT_MAX: f64 = 65_536.0;
/// Elements or characters in the rows that are worked on at a time.
const AT_A_TIME_MAX: f64 = 16_777_216.0;
/// Fields of a structure, also within its fields.
const FIELDS_MAX: usize = 1_000;
/// Bytes of a list that a function makes.
const LIST_BYTES_MAX: f64 = 16_777_216.0;
/// Bytes of the lists that are made at a time.
const LIST_BYTES_AT_A_TIME_MAX: f64 = 268_435_456.0;

mod lengths;

/// A function by its name, and what is different.
const DIFFERENT: &[(&str, Difference)] = &[
    ("array_repeat", Difference::Elements(repeated_values)),
    ("array_resize", Difference::Elements(resized)),
    ("array_concat", Difference::Elements(concatenated)),
    ("make_array", Difference::Elements(nested)),
    ("struct", Difference::Elements(nested)),
    ("named_struct", Difference::Elements(nested)),
    ("map", Difference::Elements(nested)),
    ("generate_series", Difference::Elements(steps)),
    ("range", Difference::Elements(steps)),
    ("repeat", Difference::Text(repeated)),
    ("lpad", Difference::Text(padded)),
    ("rpad", Difference::Text(padded)),
    ("replace", Difference::Growth(lengths::replaced)),
    ("regexp_replace", Difference::Growth(lengths::replaced_by_pattern)),
    ("concat", Difference::Growth(lengths::joined)),
    ("concat_ws", Difference::Growth(lengths::joined_with)),
    ("overlay", Difference::Growth(lengths::joined)),
    ("encode", Difference::Growth(lengths::encoded)),
    ("array_to_string", Difference::Growth(lengths::listed)),
    ("greatest", Difference::Nulls),
    ("least", Difference::Nulls),
    ("array_max", Difference::NullElements),
    ("array_min", Difference::NullElements),
];

/// What each row would give, as a number of characters.
type Sizes = fn(&[ArrayRef]) -> Result<Vec<f64>>;

/// What each row would give, as the bytes of a text, and those of the longest text that it is made of.
type Lengths = fn(&[ArrayRef]) -> Result<Vec<(usize, usize)>>;

/// A list that would be made.
#[derive(Debug, Clone, Copy, Default)]
struct Made {
    /// Its values, within lists too.
    elements: f64,
    /// Their bytes.
    bytes: f64,
}

#[derive(Debug, Clone, Copy)]
enum Difference {
    /// It gives such a list.
    Elements(fn(&[ArrayRef]) -> Result<Vec<Made>>),
    /// It gives a text of so many bytes, made of texts of which the longest has so many.
    Growth(Lengths),
    /// It gives a text that is so long.
    Text(Sizes),
    /// It gives none where any argument is none.
    Nulls,
    /// It gives none where an element of the list is none.
    NullElements,
}

/// Returns the functions, from those that are there.
///
/// # Errors
/// DataFusion's, where one is not there.
pub(super) fn functions(registry: &dyn FunctionRegistry) -> Result<Vec<ScalarUDF>> {
    let bounded = |(name, difference): &(&str, Difference)| {
        Ok(ScalarUDF::from(Bounded { inner: registry.udf(name)?, difference: *difference }))
    };
    DIFFERENT.iter().map(bounded).collect()
}

/// Puts the functions where the planner put DataFusion's own: `ARRAY[1] || ARRAY[2]` is `array_concat`.
#[derive(Debug)]
pub(super) struct BoundedCalls(pub Vec<Arc<ScalarUDF>>);

impl FunctionRewrite for BoundedCalls {
    fn name(&self) -> &'static str {
        "bounded_calls"
    }

    fn rewrite(&self, mut expr: Expr, _schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        if let Expr::ScalarFunction(call) = &mut expr
            && call.func.inner().downcast_ref::<Bounded>().is_none()
            && let Some(bounded) = self.0.iter().find(|bounded| bounded.name() == call.func.name())
        {
            call.func = Arc::clone(bounded);
            return Ok(Transformed::yes(expr));
        }
        Ok(Transformed::no(expr))
    }
}

#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    difference: Difference,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(given)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.return_type(given)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        if fields(field.data_type(), FIELDS_MAX) > FIELDS_MAX {
            return plan_err!("{} would give a structure of more than {FIELDS_MAX} fields", self.name());
        }
        // What may be none must say so.
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match self.difference {
            Difference::Elements(sizes) => self.check_list(&args, sizes)?,
            Difference::Text(sizes) => self.check(&sizes(&given(&args)?)?, TEXT_MAX, AT_A_TIME_MAX, "characters")?,
            Difference::Growth(lengths) => {
                let mut growth = Growth::of(self.name());
                lengths(&given(&args)?)?.into_iter().try_for_each(|(made, longest)| growth.check(made, longest))?;
            }
            Difference::Nulls => return self.without_nulls(args, any_null),
            Difference::NullElements => return self.without_nulls(args, null_elements),
        }
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

impl Bounded {
    fn check_list(&self, args: &ScalarFunctionArgs, sizes: fn(&[ArrayRef]) -> Result<Vec<Made>>) -> Result<()> {
        let made = sizes(&given(args)?)?;
        let elements: Vec<f64> = made.iter().map(|made| made.elements).collect();
        self.check(&elements, ELEMENTS_MAX, AT_A_TIME_MAX, "elements")?;
        let bytes: Vec<f64> = made.iter().map(|made| made.bytes).collect();
        self.check(&bytes, LIST_BYTES_MAX, LIST_BYTES_AT_A_TIME_MAX, "bytes")
    }

    fn check(&self, sizes: &[f64], most: f64, most_at_a_time: f64, of: &str) -> Result<()> {
        let name = self.name();
        if let Some(size) = sizes.iter().find(|size| **size > most) {
            return exec_err!("{name} would give {size:.0} {of}, the most is {most:.0}");
        }
        let all: f64 = sizes.iter().sum();
        if all > most_at_a_time {
            return exec_err!(
                "{name} would give {all:.0} {of} in {} rows, the most is {most_at_a_time:.0}",
                sizes.len()
            );
        }
        Ok(())
    }

    /// Gives none in the rows that a function finds among the arguments.
    fn without_nulls(
        &self,
        args: ScalarFunctionArgs,
        nulls: fn(&[ArrayRef]) -> Option<NullBuffer>,
    ) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let nulls = nulls(&arrays);
        let array = self.inner.invoke_with_args(args)?.into_array(rows)?;
        let array = match nulls {
            Some(nulls) => nullif(&array, &BooleanArray::new(!nulls.inner(), None))?,
            None => array,
        };
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }
}

fn any_null(arrays: &[ArrayRef]) -> Option<NullBuffer> {
    arrays.iter().fold(None, |all, array| NullBuffer::union(all.as_ref(), array.logical_nulls().as_ref()))
}

fn null_elements(arrays: &[ArrayRef]) -> Option<NullBuffer> {
    let list = arrays.first()?.as_list_opt::<i32>()?;
    Some(list.iter().map(|elements| elements.is_some_and(|elements| elements.logical_null_count() == 0)).collect())
}

/// Returns an argument as numbers; what is none is zero.
fn numbers(args: &[ArrayRef], at: usize) -> Result<Vec<f64>> {
    let Some(array) = args.get(at) else { return Ok(Vec::new()) };
    let numbers = cast(array, &DataType::Float64)?;
    Ok(numbers.as_primitive::<Float64Type>().iter().map(Option::unwrap_or_default).collect())
}

/// Returns how many fields a type has, within its fields too, or any number above `most`: each level could double them,
/// and all that is done with the type takes as long.
fn fields(kind: &DataType, most: usize) -> usize {
    let parts: Vec<&DataType> = match kind {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _) | DataType::Map(of, _) => {
            vec![of.data_type()]
        }
        _ => return 1,
    };
    let mut all = 1_usize;
    for part in parts {
        if all > most {
            break;
        }
        all = all.saturating_add(fields(part, most - all.min(most)));
    }
    all
}

/// Returns the arguments, each with a value for every row.
fn given(args: &ScalarFunctionArgs) -> Result<Vec<ArrayRef>> {
    ColumnarValue::values_to_arrays(&args.args)
}

/// Returns what is repeated, also within lists.
fn repeated_values(args: &[ArrayRef]) -> Result<Vec<Made>> {
    let Some(array) = args.first() else { return Ok(Vec::new()) };
    let each = |(row, count): (usize, f64)| held(array, row).times(count.max(0.0));
    Ok(numbers(args, 1)?.into_iter().enumerate().map(each).collect())
}

fn resized(args: &[ArrayRef]) -> Result<Vec<Made>> {
    let filler = |row| args.get(2).map_or(Made { elements: 1.0, bytes: VALUE_BYTES }, |array| held(array, row));
    let old = |row| args.first().map_or(0.0, |array| held(array, row).bytes);
    let each = |(row, count): (usize, f64)| {
        let made = filler(row).times(count.max(0.0));
        Made { bytes: made.bytes + old(row), ..made }
    };
    Ok(numbers(args, 1)?.into_iter().enumerate().map(each).collect())
}

fn concatenated(args: &[ArrayRef]) -> Result<Vec<Made>> {
    let rows = args.first().map_or(0, |array| array.len());
    Ok((0..rows).map(|row| args.iter().map(|array| held(array, row)).fold(Made::default(), Made::and)).collect())
}

/// Returns what is put into one value. What is written in a question, and not made of lists, is as long as it is.
fn nested(args: &[ArrayRef]) -> Result<Vec<Made>> {
    match args.iter().any(|array| array.data_type().is_nested()) {
        true => concatenated(args),
        false => Ok(Vec::new()),
    }
}

/// Bytes of a value that is no text.
const VALUE_BYTES: f64 = 8.0;

impl Made {
    fn and(self, other: Self) -> Self {
        Self { elements: self.elements + other.elements, bytes: self.bytes + other.bytes }
    }

    fn times(self, count: f64) -> Self {
        Self { elements: self.elements.max(1.0) * count, bytes: self.bytes.max(1.0) * count }
    }
}

/// Returns what a row holds, within lists, structures and maps too.
fn held(array: &ArrayRef, row: usize) -> Made {
    let all = |list: &ArrayRef| (0..list.len()).map(|at| held(list, at)).fold(Made::default(), Made::and);
    match array.data_type() {
        _ if array.is_null(row) => Made::default(),
        DataType::List(_) => all(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => all(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => all(&array.as_fixed_size_list().value(row)),
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().value(row));
            all(&entries)
        }
        DataType::Struct(_) => {
            array.as_struct().columns().iter().map(|column| held(column, row)).fold(Made::default(), Made::and)
        }
        #[expect(clippy::cast_precision_loss, reason = "only the size counts")]
        _ => Made { elements: 1.0, bytes: lengths::bytes(array, row).map_or(VALUE_BYTES, |bytes| bytes as f64) },
    }
}

fn padded(args: &[ArrayRef]) -> Result<Vec<f64>> {
    numbers(args, 1)
}

fn repeated(args: &[ArrayRef]) -> Result<Vec<f64>> {
    let Some(texts) = args.first() else { return Ok(Vec::new()) };
    let texts = cast(texts, &DataType::Utf8View)?;
    let lengths = texts.as_string_view().iter().map(|text| u32::try_from(text.map_or(0, str::len)));
    let lengths = lengths.map(|length| f64::from(length.unwrap_or(u32::MAX)));
    Ok(lengths.zip(numbers(args, 1)?).map(|(length, count)| length * count.max(0.0)).collect())
}

/// Returns how many steps there are from a start to an end.
fn steps(args: &[ArrayRef]) -> Result<Vec<Made>> {
    let places = args.iter().map(place).collect::<Result<Vec<_>>>()?;
    let Some(rows) = places.first().map(Vec::len) else { return Ok(Vec::new()) };
    let of = |at: usize, row: usize, default: f64| places.get(at).and_then(|all| *all.get(row)?).unwrap_or(default);
    let count = |row: usize| {
        let (start, end) = if places.len() == 1 { (0.0, of(0, row, 0.0)) } else { (of(0, row, 0.0), of(1, row, 0.0)) };
        match of(2, row, 1.0) {
            0.0 => Made::default(),
            step => Made { elements: 1.0, bytes: VALUE_BYTES }.times(((end - start) / step).abs() + 1.0),
        }
    };
    Ok((0..rows).map(count).collect())
}

const DAY_NANOS: f64 = 86_400e9;

/// Returns where on a line a number, a time or a step is: times in nanoseconds, of a month those of its shortest.
fn place(array: &ArrayRef) -> Result<Vec<Option<f64>>> {
    #[expect(clippy::cast_precision_loss, reason = "only the size counts")]
    let scaled = |of: DataType, scale: f64| -> Result<Vec<Option<f64>>> {
        let whole = cast(&cast(array, &of)?, &DataType::Int64)?;
        Ok(whole.as_primitive::<Int64Type>().iter().map(|value| value.map(|value| value as f64 * scale)).collect())
    };
    match array.data_type() {
        DataType::Date32 => scaled(DataType::Int32, DAY_NANOS),
        DataType::Date64 => scaled(DataType::Int64, 1e6),
        DataType::Timestamp(unit, _) => scaled(
            DataType::Int64,
            match unit {
                TimeUnit::Second => 1e9,
                TimeUnit::Millisecond => 1e6,
                TimeUnit::Microsecond => 1e3,
                TimeUnit::Nanosecond => 1.0,
            },
        ),
        DataType::Interval(_) => {
            let steps = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            #[expect(clippy::cast_precision_loss, reason = "only the size counts")]
            let nanos = |step| {
                let (months, days, nanos) = IntervalMonthDayNanoType::to_parts(step);
                (f64::from(months) * 28.0 + f64::from(days)) * DAY_NANOS + nanos as f64
            };
            Ok(steps.as_primitive::<IntervalMonthDayNanoType>().iter().map(|step| step.map(nanos)).collect())
        }
        _ => scaled(DataType::Int64, 1.0),
    }
}
