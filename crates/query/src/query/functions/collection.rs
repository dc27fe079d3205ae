//! Lists and maps: `element_at`, `contains`, `cardinality` and `map_entries`, which DataFusion has with another
//! meaning, for one of the two only, or for maps whose parts have certain names only.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Int64Builder, ListArray, StructArray, UInt64Builder,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};

use super::function::{Args, Function, Kind, Returns};
use crate::columns::column::item;

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::Any;
    vec![
        Function::new("element_at", &[Any, Any], 2, Returns::Of(element_field), element_at),
        Function::new("contains", &[Any, Any], 2, Returns::Type(|| DataType::Boolean), contains),
        Function::new("cardinality", &[Any], 1, Returns::Type(|| DataType::Int64), cardinality),
        Function::new("arrays_overlap", &[Any, Any], 2, Returns::Type(|| DataType::Boolean), arrays_overlap),
        Function::new("map_entries", &[Any], 1, Returns::Of(|fields, _| entries_field(fields)), map_entries),
    ]
}

fn element_field(fields: &[FieldRef], _: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    let of = match fields.first().map(|field| field.data_type()) {
        Some(DataType::List(of)) => of.as_ref().clone(),
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => parts[1].as_ref().clone(),
            other => return plan_err!("a map has keys and values, not {other}"),
        },
        other => {
            let other = other.map_or_else(String::new, ToString::to_string);
            return plan_err!("element_at takes an element of an array or a map, not of {other}");
        }
    };
    Ok(Arc::new(Field::new("element_at", of.data_type().clone(), true).with_metadata(of.metadata().clone())))
}

fn element_at(args: &Args<'_>) -> Result<ArrayRef> {
    let (of, wanted) = (args.array(0)?, args.array(1)?);
    match of.data_type() {
        DataType::Map(..) => at_key(args, of, wanted),
        DataType::List(_) => at_index(args, of, wanted),
        other => exec_err!("element_at takes an element of an array or a map, not of {other}"),
    }
}

fn at_key(args: &Args<'_>, of: &ArrayRef, wanted: &ArrayRef) -> Result<ArrayRef> {
    let map = of.as_map();
    let keys = Comparable::new(map.keys())?;
    let wanted = Comparable::new(&cast(wanted, map.keys().data_type())?)?;
    let mut places = UInt64Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        let range = if args.is_null(row) { 0..0 } else { range(map.offsets(), row) };
        places.append_option(range.into_iter().find(|at| keys.is_same(*at, &wanted, row)).map(|at| at as u64));
    }
    Ok(take(map.values(), &places.finish(), None)?)
}

fn at_index(args: &Args<'_>, of: &ArrayRef, wanted: &ArrayRef) -> Result<ArrayRef> {
    let list = of.as_list::<i32>();
    let wanted = cast(wanted, &DataType::Int64)?;
    let wanted = wanted.as_primitive::<Int64Type>();
    let mut places = UInt64Builder::with_capacity(args.rows);
    let place = args.each(|row| {
        let (range, wanted) = (range(list.offsets(), row), wanted.value(row));
        let step = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(match wanted {
            0 => return exec_err!("the elements of an array are counted from 1"),
            1.. => range.start.checked_add(step - 1).filter(|at| *at < range.end),
            _ => range.end.checked_sub(step).filter(|at| *at >= range.start),
        })
    });
    for at in place {
        places.append_option(at?.map(|at| at as u64));
    }
    Ok(take(list.values(), &places.finish(), None)?)
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| offsets.get(row).and_then(|at| usize::try_from(*at).ok()).unwrap_or_default();
    at(row)..at(row + 1)
}

/// Values that can be compared, whatever their type.
struct Comparable(ArrayRef);

impl Comparable {
    fn new(array: &ArrayRef) -> Result<Self> {
        let is_text = matches!(array.data_type(), DataType::Utf8 | DataType::LargeUtf8);
        Ok(Self(if is_text { cast(array, &DataType::Utf8View)? } else { Arc::clone(array) }))
    }

    fn is_same(&self, at: usize, other: &Self, there: usize) -> bool {
        if self.0.is_null(at) || other.0.is_null(there) {
            return false;
        }
        match (self.0.as_string_view_opt(), other.0.as_string_view_opt()) {
            (Some(own), Some(other)) => own.value(at) == other.value(there),
            _ => {
                let own = ScalarValue::try_from_array(&self.0, at);
                own.is_ok_and(|own| ScalarValue::try_from_array(&other.0, there).is_ok_and(|other| own == other))
            }
        }
    }
}

/// Tells whether a list has an element, or a text has a part.
fn contains(args: &Args<'_>) -> Result<ArrayRef> {
    let (of, wanted) = (args.array(0)?, args.array(1)?);
    let mut found = BooleanBuilder::with_capacity(args.rows);
    if of.data_type().is_string() {
        let (of, wanted) = (cast(of, &DataType::Utf8View)?, cast(wanted, &DataType::Utf8View)?);
        let (of, wanted) = (of.as_string_view(), wanted.as_string_view());
        return args.to_flags(|row| Ok(Some(of.value(row).contains(wanted.value(row)))));
    }
    let Some(list) = of.as_list_opt::<i32>() else {
        return exec_err!("contains looks for an element of an array, not of {}", of.data_type());
    };
    let values = Comparable::new(list.values())?;
    let wanted = Comparable::new(&cast(wanted, list.values().data_type())?)?;
    for row in 0..args.rows {
        let range = range(list.offsets(), row);
        found.append_option(match args.is_null(row) {
            true => None,
            false if range.clone().any(|at| values.is_same(at, &wanted, row)) => Some(true),
            // One that is not known may be the one.
            false => (!range.into_iter().any(|at| list.values().is_null(at))).then_some(false),
        });
    }
    Ok(Arc::new(found.finish()))
}

/// Tells whether two lists have an element in common; where they have none, one that is not known may be it.
fn arrays_overlap(args: &Args<'_>) -> Result<ArrayRef> {
    let (Some(one), Some(other)) = (args.array(0)?.as_list_opt::<i32>(), args.array(1)?.as_list_opt::<i32>()) else {
        return exec_err!("arrays_overlap compares the elements of two arrays");
    };
    let (left, right) = match (one.values().data_type(), other.values().data_type()) {
        (left, right) if left.is_null() => (right, right),
        (left, right) if right.is_null() => (left, left),
        (left, right) if left.is_floating() || right.is_floating() => (&DataType::Float64, &DataType::Float64),
        (left, _) => (left, left),
    };
    let (left, right) = (cast(one.values(), left)?, cast(other.values(), right)?);
    args.to_flags(|row| {
        let known = |values: &ArrayRef, at: usize| ScalarValue::try_from_array(values, at);
        let all = range(one.offsets(), row).filter(|at| left.is_valid(*at));
        let all = all.map(|at| known(&left, at)).collect::<Result<HashSet<ScalarValue>>>()?;
        for at in range(other.offsets(), row).filter(|at| right.is_valid(*at)) {
            if all.contains(&known(&right, at)?) {
                return Ok(Some(true));
            }
        }
        let is_unknown = |values: &ArrayRef, mut range: std::ops::Range<usize>| range.any(|at| values.is_null(at));
        let unknown = is_unknown(&left, range(one.offsets(), row)) || is_unknown(&right, range(other.offsets(), row));
        Ok((!unknown).then_some(false))
    })
}

fn cardinality(args: &Args<'_>) -> Result<ArrayRef> {
    let of = args.array(0)?;
    let offsets = match of.data_type() {
        DataType::List(_) => of.as_list::<i32>().offsets(),
        DataType::Map(..) => of.as_map().offsets(),
        other => return exec_err!("cardinality counts the elements of an array or a map, not of {other}"),
    };
    let mut counts = Int64Builder::with_capacity(args.rows);
    for row in 0..args.rows {
        let count = i64::try_from(range(offsets, row).len()).ok();
        counts.append_option(count.filter(|_| !args.is_null(row)));
    }
    Ok(Arc::new(counts.finish()))
}

fn entries_field(fields: &[FieldRef]) -> Result<FieldRef> {
    let parts = match fields.first().map(|field| field.data_type()) {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => parts.clone(),
            other => return plan_err!("a map has keys and values, not {other}"),
        },
        _ => return plan_err!("map_entries takes a map"),
    };
    let named = |at: usize, name: &str| parts[at].as_ref().clone().with_name(name);
    let entry = DataType::Struct(vec![named(0, "key"), named(1, "value")].into());
    Ok(Arc::new(Field::new("map_entries", DataType::List(item(entry)), true)))
}

/// Returns the entries of maps as lists of rows.
fn map_entries(args: &Args<'_>) -> Result<ArrayRef> {
    let Some(map) = args.array(0)?.as_map_opt() else { return exec_err!("map_entries takes a map") };
    let DataType::List(of) = args.returns.data_type() else { return exec_err!("map_entries gives a list") };
    let DataType::Struct(fields) = of.data_type() else { return exec_err!("map_entries gives a list of rows") };
    let rows = StructArray::try_new(fields.clone(), map.entries().columns().to_vec(), None)?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(of), map.offsets().clone(), Arc::new(rows), map.nulls().cloned())?))
}
