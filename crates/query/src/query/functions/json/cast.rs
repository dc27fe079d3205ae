//! `CAST` to and from JSON: `CAST(json AS map(varchar, json))`, `CAST(resources AS json)`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, StringArray,
    StringViewArray, StructArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use orgtrail_core::event::{Json, JsonType};

use super::super::super::cell::Cell;
use super::super::function::{Args, is_json, json_field, refused, shown};

/// How deep a type may be nested.
const DEPTH_MAX: usize = 8;
/// Values that one batch of JSON may become.
const VALUES_MAX: usize = 16 << 20;

/// A type that JSON can be cast to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Json,
    Text,
    Flag,
    Integer,
    Double,
    /// Anything else that a text can be cast to.
    Other(DataType),
    List(Box<Target>),
    Map(Box<Target>),
    Row(Vec<(String, Target)>),
}

impl Target {
    fn parse(text: &str) -> Result<Self> {
        let words: Vec<String> = words(text);
        let mut rest = words.as_slice();
        let target = target(&mut rest, DEPTH_MAX)?;
        if rest.is_empty() { Ok(target) } else { Err(unknown(text)) }
    }

    fn field(&self, name: &str) -> Field {
        let text = || DataType::Utf8View;
        let kind = match self {
            Self::Json => return json_field(name),
            Self::Text => text(),
            Self::Flag => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Other(kind) => kind.clone(),
            Self::List(of) => DataType::List(Arc::new(of.field("item"))),
            Self::Map(of) => DataType::Map(Arc::new(entries(of)), false),
            Self::Row(parts) => DataType::Struct(row_fields(parts)),
        };
        Field::new(name, kind, true)
    }
}

fn entries(of: &Target) -> Field {
    let fields: Fields = vec![Field::new("keys", DataType::Utf8, false), of.field("values")].into();
    Field::new("entries", DataType::Struct(fields), false)
}

fn row_fields(parts: &[(String, Target)]) -> Fields {
    parts.iter().map(|(name, part)| part.field(name)).collect()
}

fn unknown(text: &str) -> datafusion::common::DataFusionError {
    refused(format!("JSON cannot be cast to {}", shown(text.trim())))
}

/// Splits the name of a type into words, brackets and commas.
fn words(text: &str) -> Vec<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace(',', " , ");
    spaced.split_whitespace().map(|word| word.trim_matches('"').to_lowercase()).collect()
}

fn target(rest: &mut &[String], depth: usize) -> Result<Target> {
    let Some((name, behind)) = rest.split_first() else { return Err(unknown("nothing")) };
    if depth == 0 {
        return Err(unknown("a type that is nested this deep"));
    }
    *rest = behind;
    let simple = match name.as_str() {
        "json" => Target::Json,
        "varchar" | "char" | "string" | "text" => Target::Text,
        "boolean" => Target::Flag,
        "bigint" | "integer" | "int" | "smallint" | "tinyint" => Target::Integer,
        "double" | "real" | "float" => Target::Double,
        "date" => Target::Other(DataType::Date32),
        "timestamp" => Target::Other(DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None)),
        "array" => {
            take(rest, "(")?;
            let of = target(rest, depth - 1)?;
            take(rest, ")")?;
            return Ok(Target::List(Box::new(of)));
        }
        "map" => {
            take(rest, "(")?;
            if target(rest, depth - 1)? != Target::Text {
                return Err(unknown("a map whose keys are no varchar"));
            }
            take(rest, ",")?;
            let of = target(rest, depth - 1)?;
            take(rest, ")")?;
            return Ok(Target::Map(Box::new(of)));
        }
        "row" => return row(rest, depth),
        other => return Err(unknown(other)),
    };
    if rest.first().is_some_and(|word| word == "(") {
        let end = rest.iter().position(|word| word == ")").ok_or_else(|| unknown(name))?;
        *rest = rest.get(end + 1..).unwrap_or_default();
    }
    Ok(simple)
}

fn row(rest: &mut &[String], depth: usize) -> Result<Target> {
    take(rest, "(")?;
    let mut parts = Vec::new();
    loop {
        let is_named = rest.get(1).is_some_and(|next| !matches!(next.as_str(), "," | ")" | "("));
        let name = match rest.split_first() {
            Some((name, behind)) if is_named => {
                *rest = behind;
                name.clone()
            }
            _ => format!("field{}", parts.len()),
        };
        parts.push((name, target(rest, depth - 1)?));
        if take(rest, ",").is_err() {
            take(rest, ")")?;
            return Ok(Target::Row(parts));
        }
    }
}

fn take(rest: &mut &[String], word: &str) -> Result<()> {
    match rest.split_first() {
        Some((first, behind)) if first == word => {
            *rest = behind;
            Ok(())
        }
        other => Err(unknown(other.map_or("a type that does not end", |(word, _)| word))),
    }
}

/// Returns the field of a cast to the type that the second argument names.
pub(in super::super) fn json_cast_field(_: &[FieldRef], constants: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    let name = constants.get(1).copied().flatten().and_then(|value| value.try_as_str().flatten());
    match name {
        Some(name) => Ok(Arc::new(Target::parse(name)?.field("json_cast"))),
        None => plan_err!("the type that JSON is cast to must be written out"),
    }
}

/// Casts JSON to the type that the second argument names.
pub(in super::super) fn json_cast(args: &Args<'_>) -> Result<ArrayRef> {
    let given = args.array(0)?;
    if given.data_type().is_nested() || given.data_type().is_numeric() {
        return Ok(cast(given, args.returns.data_type())?);
    }
    let names = cast(args.array(1)?, &DataType::Utf8View)?;
    let Some(name) = names.as_string_view().iter().flatten().next() else {
        return exec_err!("the type that JSON is cast to must be written out");
    };
    let target = Target::parse(name)?;
    let given = cast(given, &DataType::Utf8View)?;
    let texts = given.as_string_view();
    let values: Vec<Option<Json<'_>>> = args.each(|row| parsed(texts, row)).collect::<Result<_>>()?;
    build(&target, &values, args.is_lenient())
}

fn parsed(texts: &StringViewArray, row: usize) -> Result<Option<Json<'_>>> {
    match Json::parse(texts.value(row)) {
        Ok(json) => Ok(Some(json)),
        Err(_) => exec_err!("this is no JSON: {}", shown(texts.value(row))),
    }
}

fn build(target: &Target, values: &[Option<Json<'_>>], is_lenient: bool) -> Result<ArrayRef> {
    if values.len() > VALUES_MAX {
        return exec_err!("the JSON that is cast holds too many values");
    }
    let there = |at: usize| values.get(at).copied().flatten().filter(|json| !json.is_null());
    let rows = 0..values.len();
    let scalars = || rows.clone().map(there);
    Ok(match target {
        Target::Json => Arc::new(values.iter().map(|json| json.map(Json::as_str)).collect::<StringViewArray>()),
        Target::Text => {
            let text =
                |json: Json<'_>| json.scalar().map_or_else(|| json.as_str().to_owned(), |text| text.into_owned());
            Arc::new(scalars().map(|json| json.map(text)).collect::<StringViewArray>())
        }
        Target::Flag => {
            let all: Result<BooleanArray> =
                scalars().map(|json| read(json, is_lenient, |text| text.to_lowercase().parse().ok())).collect();
            Arc::new(all?)
        }
        Target::Integer => {
            let number = |text: &str| text.parse().ok().or_else(|| whole(text.parse().ok()?));
            let all: Result<Int64Array> = scalars().map(|json| read(json, is_lenient, number)).collect();
            Arc::new(all?)
        }
        Target::Double => {
            let all: Result<Float64Array> =
                scalars().map(|json| read(json, is_lenient, |text| text.parse().ok())).collect();
            Arc::new(all?)
        }
        Target::Other(kind) => cast(&build(&Target::Text, values, is_lenient)?, kind)?,
        Target::List(of) => list(of, values, is_lenient)?,
        Target::Map(of) => map(of, values, is_lenient)?,
        Target::Row(parts) => rows_of(parts, values, is_lenient)?,
    })
}

/// Returns a number without its fraction, as Trino rounds it. `None`: it is beyond 64 bits.
fn whole(number: f64) -> Option<i64> {
    format!("{:.0}", number.round()).parse().ok()
}

fn read<T>(json: Option<Json<'_>>, is_lenient: bool, of: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(json) = json else { return Ok(None) };
    match json.scalar().and_then(|text| of(&text)) {
        None if !is_lenient => exec_err!("this JSON cannot be cast: {}", shown(json.as_str())),
        value => Ok(value),
    }
}

/// Tells whether a value is of a kind; another one is an error, or none.
fn is_of(json: Option<Json<'_>>, kind: JsonType, is_lenient: bool) -> Result<bool> {
    match json {
        Some(json) if json.kind() == kind => Ok(true),
        Some(json) if !json.is_null() && !is_lenient => {
            exec_err!("this JSON cannot be cast: {}", shown(json.as_str()))
        }
        _ => Ok(false),
    }
}

fn list(of: &Target, values: &[Option<Json<'_>>], is_lenient: bool) -> Result<ArrayRef> {
    let (mut elements, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let is_list = is_of(*value, JsonType::List, is_lenient)?;
        let before = elements.len();
        elements.extend(value.filter(|_| is_list).map(Json::elements).into_iter().flatten().map(Some));
        lengths.push(elements.len() - before);
        valid.push(is_list);
    }
    let elements = build(of, &elements, is_lenient)?;
    let (field, offsets) = (Arc::new(of.field("item")), OffsetBuffer::from_lengths(lengths));
    Ok(Arc::new(ListArray::try_new(field, offsets, elements, Some(NullBuffer::from(valid)))?))
}

fn map(of: &Target, values: &[Option<Json<'_>>], is_lenient: bool) -> Result<ArrayRef> {
    let (mut keys, mut below) = (Vec::new(), Vec::new());
    let (mut lengths, mut valid) = (Vec::new(), Vec::new());
    for value in values {
        let is_object = is_of(*value, JsonType::Object, is_lenient)?;
        let before = keys.len();
        // Of a key that is there twice the last counts.
        let mut known = HashMap::new();
        for (key, json) in value.filter(|_| is_object).map(Json::fields).into_iter().flatten() {
            match known.entry(key.clone()) {
                Entry::Occupied(place) => below[*place.get()] = Some(json),
                Entry::Vacant(place) => {
                    place.insert(keys.len());
                    keys.push(key);
                    below.push(Some(json));
                }
            }
        }
        lengths.push(keys.len() - before);
        valid.push(is_object);
    }
    let entries = entries(of);
    let DataType::Struct(fields) = entries.data_type() else { return exec_err!("a map has entries") };
    let keys: StringArray = keys.iter().map(|key| Some(key.as_ref())).collect();
    let rows = StructArray::try_new(fields.clone(), vec![Arc::new(keys), build(of, &below, is_lenient)?], None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(MapArray::try_new(Arc::new(entries), offsets, rows, Some(NullBuffer::from(valid)), false)?))
}

fn rows_of(parts: &[(String, Target)], values: &[Option<Json<'_>>], is_lenient: bool) -> Result<ArrayRef> {
    let is_row = |json: &Json<'_>| matches!(json.kind(), JsonType::Object | JsonType::List);
    let valid: Vec<bool> = values.iter().map(|json| json.as_ref().is_some_and(is_row)).collect();
    let part = |(at, (name, part)): (usize, &(String, Target))| {
        let below: Vec<Option<Json<'_>>> = values.iter().map(|json| part_of((*json)?, at, name)).collect();
        build(part, &below, is_lenient)
    };
    let arrays: Vec<ArrayRef> = parts.iter().enumerate().map(part).collect::<Result<_>>()?;
    Ok(Arc::new(StructArray::try_new(row_fields(parts), arrays, Some(NullBuffer::from(valid)))?))
}

/// Returns a part of a row, by its name in any case, as Trino takes it, or in a list by its place.
fn part_of<'a>(json: Json<'a>, at: usize, name: &str) -> Option<Json<'a>> {
    match json.kind() {
        JsonType::List => json.elements().nth(at),
        _ => json.fields().filter(|(field, _)| field.eq_ignore_ascii_case(name)).last().map(|(_, value)| value),
    }
}

/// Returns any value as JSON; JSON stays what it is.
pub(in super::super) fn to_json(args: &Args<'_>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    if args.fields.first().is_some_and(|field| is_json(field)) {
        return Ok(Arc::clone(array));
    }
    args.to_texts(|row| Ok(Some(Cell::of(array.as_ref(), row).json().into())))
}
