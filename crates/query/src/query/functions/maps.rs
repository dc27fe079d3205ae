//! Maps that are made: `map_concat` of maps, `split_to_map` of a text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, MapArray, StringArray, StructArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{cast, interleave};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};

use super::super::describe::type_name;
use super::function::{Args, Function, Kind, Returns, shown};

/// Entries that the maps of one batch may have.
const ENTRIES_MAX: usize = 16 << 20;

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Text};
    vec![
        Function::new("map_concat", &[Any; 16], 2, Returns::Of(|fields, _| first_map(fields)), map_concat),
        Function::new("split_to_map", &[Text, Text, Text], 3, Returns::Type(|| map_of(texts())), split_to_map),
    ]
}

fn texts() -> Fields {
    vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8, true)].into()
}

fn map_of(entries: Fields) -> DataType {
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

fn first_map(fields: &[FieldRef]) -> Result<FieldRef> {
    match fields.iter().find(|field| !matches!(field.data_type(), DataType::Map(..))) {
        Some(other) => plan_err!("map_concat takes maps, not {}", type_name(other.data_type())),
        None => {
            let first = fields.first().map_or(DataType::Null, |field| field.data_type().clone());
            Ok(Arc::new(Field::new("map_concat", first, true)))
        }
    }
}

/// Returns the entries of all maps of a row; of a key that several have the last counts.
fn map_concat(args: &Args<'_>) -> Result<ArrayRef> {
    let kind = args.returns.data_type();
    let maps: Vec<ArrayRef> = args.arrays.iter().map(|map| Ok(cast(map, kind)?)).collect::<Result<_>>()?;
    let maps: Vec<&MapArray> = maps.iter().filter_map(|map| map.as_map_opt()).collect();
    let (DataType::Map(field, _), Some(DataType::Struct(parts))) =
        (kind, maps.first().map(|map| map.entries().data_type()))
    else {
        return exec_err!("map_concat takes maps");
    };
    let (mut places, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args.rows {
        let (before, mut known) = (places.len(), HashMap::new());
        let is_valid = !args.is_null(row);
        for (of, map) in maps.iter().enumerate().filter(|_| is_valid) {
            for at in range(map.offsets(), row) {
                match known.entry(ScalarValue::try_from_array(map.keys(), at)?) {
                    Entry::Occupied(place) => places[*place.get()] = (of, at),
                    Entry::Vacant(place) => {
                        place.insert(places.len());
                        places.push((of, at));
                    }
                }
            }
        }
        if places.len() > ENTRIES_MAX {
            return exec_err!("map_concat would give more than {ENTRIES_MAX} entries at a time");
        }
        lengths.push(places.len() - before);
        valid.push(is_valid);
    }
    let keys: Vec<&dyn Array> = maps.iter().map(|map| map.keys().as_ref()).collect();
    let values: Vec<&dyn Array> = maps.iter().map(|map| map.values().as_ref()).collect();
    let columns = vec![interleave(&keys, &places)?, interleave(&values, &places)?];
    let rows = StructArray::try_new(parts.clone(), columns, None)?;
    let (offsets, valid) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, rows, Some(valid), false)?))
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |row: usize| offsets.get(row).and_then(|at| usize::try_from(*at).ok()).unwrap_or_default();
    at(row)..at(row + 1)
}

/// Splits a text into entries, and each of them into a key and a value.
///
/// # Errors
/// Where an entry has no value, or a key is there twice.
fn split_to_map(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, by, value_by) = (args.texts(0)?, args.texts(1)?, args.texts(2)?);
    let (mut keys, mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let pairs = args.each(|row| split(texts.value(row), by.value(row), value_by.value(row)).map(Some));
    for pairs in pairs {
        let pairs = pairs?;
        valid.push(pairs.is_some());
        let before = keys.len();
        for (key, value) in pairs.into_iter().flatten() {
            keys.push(key);
            values.push(Some(value));
        }
        lengths.push(keys.len() - before);
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(StringArray::from_iter_values(keys)), Arc::new(StringArray::from_iter(values))];
    let DataType::Map(field, _) = args.returns.data_type() else { return exec_err!("split_to_map gives a map") };
    let rows = StructArray::try_new(self::texts(), columns, None)?;
    let (offsets, valid) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid));
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, rows, Some(valid), false)?))
}

fn split<'t>(text: &'t str, by: &str, value_by: &str) -> Result<Vec<(&'t str, &'t str)>> {
    if by.is_empty() || value_by.is_empty() || by == value_by {
        return exec_err!("the delimiters of split_to_map must be two different texts that are not empty");
    }
    let mut known = std::collections::HashSet::new();
    let mut pairs = Vec::new();
    for entry in text.split(by).filter(|entry| !entry.is_empty()) {
        let Some((key, value)) = entry.split_once(value_by) else {
            return exec_err!("an entry of split_to_map has no {}: {}", shown(value_by), shown(entry));
        };
        if !known.insert(key) {
            return exec_err!("split_to_map finds the key {} twice", shown(key));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}
