//! `reduce(array, init, (s, x) -> …, s -> …)`: a list to one value, element by element.
//!
//! The rows go through their lists together: the first lambda is asked once for the elements of one place, of all rows
//! whose lists are that long.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::{cast, concat, interleave, take, take_arrays};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDFImpl,
    LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::growth::AT_A_TIME_BYTES_MAX;

/// What the planner is told of the parameters: their types, whatever they are called.
const ANY_NAME: &str = "";
/// How often the type of the state may change before it is known: none, a number, a number of another kind.
const STEPS_MAX: usize = 4;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Reduce {
    signature: HigherOrderSignature,
}

impl Reduce {
    pub(super) fn new() -> Self {
        let arguments = vec![
            ValueOrLambda::Value(()),
            ValueOrLambda::Value(()),
            ValueOrLambda::Lambda(()),
            ValueOrLambda::Lambda(()),
        ];
        Self { signature: HigherOrderSignature::exact(arguments, Volatility::Immutable) }
    }
}

fn takes<T>() -> Result<T> {
    plan_err!(
        "reduce takes an array, a beginning, a lambda of two parameters and one of one: reduce(a, 0, (s, x) -> s + x, s -> s)"
    )
}

fn element(list: &DataType) -> Result<FieldRef> {
    match list {
        DataType::List(field) => Ok(Arc::clone(field)),
        _ => takes(),
    }
}

impl HigherOrderUDFImpl for Reduce {
    fn name(&self) -> &str {
        "reduce"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [list, begin] = given else { return takes() };
        let list = match list {
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::ListView(field)
            | DataType::LargeListView(field)
            | DataType::FixedSizeList(field, _) => DataType::List(Arc::clone(field)),
            DataType::Null => DataType::new_list(DataType::Null, true),
            _ => return takes(),
        };
        Ok(vec![list, begin.clone()])
    }

    fn lambda_parameters(
        &self,
        step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(begin),
            ValueOrLambda::Lambda(merged),
            ValueOrLambda::Lambda(_),
        ] = fields
        else {
            return takes();
        };
        let element = element(list.data_type())?;
        let field = |kind: &DataType| Arc::new(Field::new(ANY_NAME, kind.clone(), true));
        let state = match merged {
            // The first lambda says of which type the state is; it begins with that of the beginning.
            None => {
                return Ok(LambdaParametersProgress::Partial(vec![
                    Some(vec![field(begin.data_type()), element]),
                    None,
                ]));
            }
            Some(merged) => merged.data_type(),
        };
        if step < STEPS_MAX && step == 1 && state != begin.data_type() {
            return Ok(LambdaParametersProgress::Partial(vec![
                Some(vec![field(state), element]),
                Some(vec![field(state)]),
            ]));
        }
        Ok(LambdaParametersProgress::Complete(vec![vec![field(state), element], vec![field(state)]]))
    }

    fn coerce_values_for_lambdas(&self, given: &[ValueOrLambda<DataType, DataType>]) -> Result<Option<Vec<DataType>>> {
        match given {
            [ValueOrLambda::Value(list), ValueOrLambda::Value(_), ValueOrLambda::Lambda(state), _] => {
                Ok(Some(vec![list.clone(), state.clone()]))
            }
            _ => takes(),
        }
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [_, _, _, ValueOrLambda::Lambda(finished)] => {
                Ok(Arc::new(Field::new(ANY_NAME, finished.data_type().clone(), true)))
            }
            _ => takes(),
        }
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(begin),
            ValueOrLambda::Lambda(merge),
            ValueOrLambda::Lambda(finish),
        ] = args.args.as_slice()
        else {
            return takes();
        };
        let (list, begin) = (list.to_array(args.number_rows)?, begin.to_array(args.number_rows)?);
        let states = merged(&list, &begin, merge)?;
        // Of a list that is none there is no value, and no lambda is asked.
        let rows = rows(list.len(), |row| list.is_valid(row));
        let own = take(&states, &rows, None)?;
        let finished = finish
            .evaluate(&[&|| Ok(Arc::clone(&own))], |captured| Ok(take_arrays(captured, &rows, None)?))?
            .into_array(rows.len())?;
        let finished = as_type(finished, args.return_field.data_type())?;
        let mut next = 0_u32;
        let places = (0..list.len()).map(|row| {
            list.is_valid(row).then(|| {
                next += 1;
                next - 1
            })
        });
        Ok(ColumnarValue::Array(take(&finished, &places.collect::<UInt32Array>(), None)?))
    }
}

/// The rows that a condition holds of.
fn rows(all: usize, is_one: impl Fn(usize) -> bool) -> UInt32Array {
    (0..all).filter(|row| is_one(*row)).filter_map(|row| u32::try_from(row).ok()).collect()
}

fn as_type(array: ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    if array.data_type() == kind { Ok(array) } else { Ok(cast(&array, kind)?) }
}

/// Goes through the lists; returns the last state of each row.
fn merged(list: &ArrayRef, begin: &ArrayRef, merge: &LambdaArgument) -> Result<ArrayRef> {
    let Some(lists) = list.as_list_opt::<i32>() else { return takes() };
    let length = |row: usize| if lists.is_valid(row) { lists.value_length(row).unsigned_abs() as usize } else { 0 };
    let longest = (0..lists.len()).map(length).max().unwrap_or_default();
    // The rows that still have elements, and their states; and the last states of the others, piece by piece.
    let (mut active, mut states) = (rows(lists.len(), |_| true), Arc::clone(begin));
    let mut pieces: Vec<ArrayRef> = Vec::new();
    let mut places: Vec<(usize, usize)> = vec![(0, 0); lists.len()];
    for at in 0..=longest {
        let is_ended = |place: usize| active.values().get(place).is_none_or(|row| length(*row as usize) <= at);
        let ended = rows(active.len(), is_ended);
        if !ended.is_empty() {
            for (number, place) in ended.values().iter().enumerate() {
                places[active.value(*place as usize) as usize] = (pieces.len(), number);
            }
            pieces.push(take(&states, &ended, None)?);
            let left = rows(active.len(), |place| !is_ended(place));
            states = take(&states, &left, None)?;
            active = take(&active, &left, None)?.as_primitive().clone();
        }
        if active.is_empty() {
            break;
        }
        let element =
            |row: &u32| lists.value_offsets()[*row as usize].unsigned_abs() + u32::try_from(at).unwrap_or(u32::MAX);
        let elements = take(lists.values(), &active.values().iter().map(element).collect::<UInt32Array>(), None)?;
        let own = Arc::clone(&states);
        let state = || Ok(Arc::clone(&own));
        let value = || Ok(Arc::clone(&elements));
        let next = merge.evaluate(&[&state, &value], |captured| Ok(take_arrays(captured, &active, None)?))?;
        states = as_type(next.into_array(active.len())?, begin.data_type())?;
        if states.get_array_memory_size() > AT_A_TIME_BYTES_MAX {
            return exec_err!("reduce would keep more than {AT_A_TIME_BYTES_MAX} bytes at a time");
        }
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    match pieces.as_slice() {
        [] => Ok(concat(&[begin.as_ref()])?),
        pieces => Ok(interleave(pieces, &places)?),
    }
}
