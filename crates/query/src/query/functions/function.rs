//! What all functions have in common: which arguments they take, and that none in gives none out.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Builder, StringViewArray, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::growth::Growth;
use crate::columns::column::UTC;

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// A timestamp, with or without a time zone; a date is its first moment, a text is read as a time in UTC.
    Time,
    /// The same; a date stays one.
    DateOrTime,
    /// Bytes; a text is its bytes.
    Bytes,
    /// A text that is written out, since the type of what is given depends on it.
    Written,
    /// Anything.
    Any,
}

/// A scalar function.
pub(super) struct Function {
    name: &'static str,
    /// Its name, with `try_` before it where it gives none in place of an error.
    own_name: String,
    is_lenient: bool,
    signature: Signature,
    parameters: &'static [Kind],
    required: usize,
    returns: Returns,
    run: fn(&Args<'_>) -> Result<ArrayRef>,
}

/// What a function gives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Returns {
    /// A value of this type.
    Type(fn() -> DataType),
    /// JSON, as text that is known to be JSON.
    Json,
    /// What depends on the arguments: their fields and, where they are constant, their values.
    Of(fn(&[FieldRef], &[Option<&ScalarValue>]) -> Result<FieldRef>),
}

/// What marks a text as JSON, as Arrow's canonical extension type does.
const EXTENSION: &str = "ARROW:extension:name";
const JSON_EXTENSION: &str = "arrow.json";

/// Tells whether a field holds JSON.
pub(super) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION).is_some_and(|name| name == JSON_EXTENSION)
}

/// Returns a field of JSON.
pub(super) fn json_field(name: &str) -> Field {
    let metadata = [(EXTENSION.to_owned(), JSON_EXTENSION.to_owned())].into();
    Field::new(name, DataType::Utf8View, true).with_metadata(metadata)
}

impl Function {
    /// Returns a function. The arguments beyond `required` may be left out.
    pub(super) fn new(
        name: &'static str,
        parameters: &'static [Kind],
        required: usize,
        returns: Returns,
        run: fn(&Args<'_>) -> Result<ArrayRef>,
    ) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { name, own_name: name.to_owned(), is_lenient: false, signature, parameters, required, returns, run }
    }

    /// Returns the same function under the name that `try(…)` calls it by.
    #[must_use]
    pub(super) fn lenient(&self) -> Self {
        Self { own_name: format!("try_{}", self.name), is_lenient: true, signature: self.signature.clone(), ..*self }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.own_name).finish_non_exhaustive()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.own_name == other.own_name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.own_name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.own_name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let most = self.parameters.len();
        if given.len() < self.required || given.len() > most {
            let wanted = if self.required == most { most.to_string() } else { format!("{} to {most}", self.required) };
            return plan_err!("{} takes {wanted} arguments, not {}", self.name, given.len());
        }
        let pairs = given.iter().zip(self.parameters).enumerate();
        pairs.map(|(at, (given, wanted))| coerced(self.name, at, given, *wanted)).collect()
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        plan_err!("{} is asked for its field, not for its type", self.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(match self.returns {
            Returns::Type(of) => Arc::new(Field::new(&self.own_name, of(), true)),
            Returns::Json => Arc::new(json_field(&self.own_name)),
            Returns::Of(of) => of(args.arg_fields, args.scalar_arguments)?,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let arrays = args.args.into_iter().map(|arg| arg.into_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let (name, is_lenient, returns) = (self.name, self.is_lenient, args.return_field);
        let array = (self.run)(&Args { name, is_lenient, arrays, fields: args.arg_fields, returns, rows })?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(only(&array)?),
            false => ColumnarValue::Array(array),
        })
    }
}

/// Returns the only value of an array. Of a list it keeps that its elements are JSON.
fn only(array: &ArrayRef) -> Result<ScalarValue> {
    match array.as_list_opt::<i32>() {
        Some(list) => Ok(ScalarValue::List(Arc::new(list.slice(0, 1)))),
        None => ScalarValue::try_from_array(array, 0),
    }
}

fn coerced(name: &str, at: usize, given: &DataType, wanted: Kind) -> Result<DataType> {
    let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null);
    let is_text = is_text || matches!(given, DataType::Dictionary(_, of) if of.is_string());
    let micros = |zone: Option<Arc<str>>| DataType::Timestamp(TimeUnit::Microsecond, zone);
    Ok(match (wanted, given) {
        (Kind::Any, DataType::Null) => DataType::Utf8View,
        (Kind::Any, given) => without_views(given),
        (Kind::Text, _) if is_text => DataType::Utf8View,
        // What is cast is no constant any more.
        (Kind::Written, given) if is_text => given.clone(),
        (Kind::Bytes, _) if is_text || given.is_binary() => DataType::Binary,
        (Kind::Integer, given) if given.is_integer() || given.is_null() => DataType::Int64,
        (Kind::Double, given) if given.is_numeric() || given.is_null() => DataType::Float64,
        (Kind::Time, DataType::Date32 | DataType::Date64) => micros(None),
        (Kind::DateOrTime, DataType::Date32 | DataType::Date64) => DataType::Date32,
        (Kind::Time | Kind::DateOrTime, DataType::Timestamp(_, zone)) => micros(zone.clone()),
        (Kind::Time | Kind::DateOrTime, _) if is_text => micros(Some(UTC.into())),
        _ => {
            let wanted = match wanted {
                Kind::Text | Kind::Written => "a text",
                Kind::Integer => "a whole number",
                Kind::Double => "a number",
                Kind::Time | Kind::DateOrTime => "a time",
                Kind::Bytes => "bytes",
                Kind::Any => "a value",
            };
            return plan_err!("argument {} of {name} must be {wanted}, not {given}", at + 1);
        }
    })
}

/// Lists of a fixed size and lists by 64-bit offsets are taken as ordinary ones.
fn without_views(given: &DataType) -> DataType {
    match given {
        DataType::FixedSizeList(of, _) | DataType::LargeList(of) | DataType::ListView(of) => {
            DataType::List(Arc::clone(of))
        }
        other => other.clone(),
    }
}

/// The arguments of one call.
pub(super) struct Args<'a> {
    /// The function's name.
    pub name: &'a str,
    is_lenient: bool,
    /// The values, each of the length of `rows`.
    pub arrays: Vec<ArrayRef>,
    /// What is known of the arguments.
    pub fields: Vec<FieldRef>,
    /// What must be given back.
    pub returns: FieldRef,
    /// How many rows there are.
    pub rows: usize,
}

impl Args<'_> {
    /// Tells whether none is given in place of an error.
    pub(super) fn is_lenient(&self) -> bool {
        self.is_lenient
    }

    /// Returns the array of an argument.
    pub(super) fn array(&self, at: usize) -> Result<&ArrayRef> {
        match self.arrays.get(at) {
            Some(array) => Ok(array),
            None => exec_err!("{} lacks argument {}", self.name, at + 1),
        }
    }

    /// Tells whether an argument was given.
    pub(super) fn has(&self, at: usize) -> bool {
        at < self.arrays.len()
    }

    /// Returns an argument that is a text.
    pub(super) fn texts(&self, at: usize) -> Result<&StringViewArray> {
        Ok(self.array(at)?.as_string_view())
    }

    /// Returns an argument that is a whole number, by row.
    pub(super) fn integers(&self, at: usize) -> Result<impl Fn(usize) -> i64> {
        let array = self.array(at)?.as_primitive::<Int64Type>();
        Ok(|row| array.value(row))
    }

    /// Returns an argument that is a number, by row.
    pub(super) fn doubles(&self, at: usize) -> Result<impl Fn(usize) -> f64> {
        let array = self.array(at)?.as_primitive::<Float64Type>();
        Ok(|row| array.value(row))
    }

    /// Returns an argument that is a time, by row: microseconds.
    pub(super) fn micros(&self, at: usize) -> Result<impl Fn(usize) -> i64> {
        let array = self.array(at)?.as_primitive::<TimestampMicrosecondType>();
        Ok(|row| array.value(row))
    }

    /// Tells whether a row has an argument that is none.
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.arrays.iter().any(|array| array.is_null(row))
    }

    /// Returns what each row gives; none where an argument is none, and in `try` in place of an error.
    pub(super) fn each<T>(
        &self,
        mut of: impl FnMut(usize) -> Result<Option<T>>,
    ) -> impl Iterator<Item = Result<Option<T>>> {
        (0..self.rows).map(move |row| {
            if self.is_null(row) {
                return Ok(None);
            }
            match of(row) {
                Err(_) if self.is_lenient => Ok(None),
                result => result,
            }
        })
    }

    /// Returns an array of texts.
    pub(super) fn to_texts<'t>(&self, of: impl FnMut(usize) -> Result<Option<Cow<'t, str>>>) -> Result<ArrayRef> {
        let mut builder = StringViewBuilder::with_capacity(self.rows);
        let mut growth = Growth::of(self.name);
        let mut of = of;
        let bounded = |row| {
            let text = of(row)?;
            growth.check(text.as_ref().map_or(0, |text| text.len()), self.longest(row))?;
            Ok(text)
        };
        for text in self.each(bounded) {
            builder.append_option(text?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// Returns the length of the longest text among the arguments of a row, in bytes.
    fn longest(&self, row: usize) -> usize {
        let length = |array: &ArrayRef| match array.data_type() {
            DataType::Utf8View => array.as_string_view().value(row).len(),
            DataType::Utf8 => array.as_string::<i32>().value(row).len(),
            DataType::Binary => array.as_binary::<i32>().value(row).len(),
            _ => 0,
        };
        self.arrays.iter().map(length).max().unwrap_or_default()
    }

    /// Returns an array of flags.
    pub(super) fn to_flags(&self, of: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        let mut builder = BooleanBuilder::with_capacity(self.rows);
        for flag in self.each(of) {
            builder.append_option(flag?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// Returns an array of whole numbers.
    pub(super) fn to_integers(&self, of: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let mut builder = Int64Builder::with_capacity(self.rows);
        for number in self.each(of) {
            builder.append_option(number?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// Returns an array of numbers.
    pub(super) fn to_doubles(&self, of: impl FnMut(usize) -> Result<Option<f64>>) -> Result<ArrayRef> {
        let mut builder = Float64Builder::with_capacity(self.rows);
        for number in self.each(of) {
            builder.append_option(number?);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// Returns an array of times, from microseconds.
    pub(super) fn to_times(&self, of: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let zone = match self.returns.data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let mut builder = TimestampMicrosecondBuilder::with_capacity(self.rows).with_timezone_opt(zone);
        for micros in self.each(of) {
            builder.append_option(micros?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// Remembers what was made from a text: patterns and paths are the same in every row.
pub(super) struct Memo<T> {
    last: Option<(String, T)>,
}

impl<T> Memo<T> {
    /// Returns a memory of nothing.
    pub(super) fn new() -> Self {
        Self { last: None }
    }

    /// Returns what is made from a text.
    pub(super) fn of(&mut self, text: &str, make: impl FnOnce(&str) -> Result<T>) -> Result<&T> {
        if self.last.as_ref().is_none_or(|(of, _)| of != text) {
            self.last = Some((text.to_owned(), make(text)?));
        }
        match &self.last {
            Some((_, made)) => Ok(made),
            None => exec_err!("nothing was made"),
        }
    }
}

/// Returns the error for a value that a function cannot take.
pub(super) fn refused(what: impl fmt::Display) -> DataFusionError {
    DataFusionError::Execution(what.to_string())
}

/// Returns a text for an error: not long.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}
