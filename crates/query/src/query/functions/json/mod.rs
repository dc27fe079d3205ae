//! JSON in texts. JSON of any depth is passed over without recursion; what is no JSON gives none, as in Trino, but to
//! `json_parse`.

mod cast;
mod path;

use std::borrow::Cow;
use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use orgtrail_core::event::{Json, JsonType};

pub(super) use cast::{json_cast, json_cast_field, to_json};

use super::function::{Args, Function, Kind, Memo, Returns, refused, shown};
use path::{Lookup, Path};

const TEXT: Returns = Returns::Type(|| DataType::Utf8View);
const INTEGER: Returns = Returns::Type(|| DataType::Int64);
const FLAG: Returns = Returns::Type(|| DataType::Boolean);

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Integer, Text, Written};
    vec![
        Function::new("json_extract", &[Text, Text], 2, Returns::Json, extract),
        Function::new("json_query", &[Text, Text], 2, Returns::Json, extract),
        Function::new("json_extract_scalar", &[Text, Text], 2, TEXT, extract_scalar),
        Function::new("json_value", &[Text, Text], 2, TEXT, extract_scalar),
        Function::new("json_exists", &[Text, Text], 2, FLAG, exists),
        Function::new("json_parse", &[Text], 1, Returns::Json, parse),
        Function::new("json_format", &[Text], 1, TEXT, same),
        Function::new("json_array_get", &[Text, Integer], 2, Returns::Json, array_get),
        Function::new("json_array_length", &[Text], 1, INTEGER, array_length),
        Function::new("json_array_contains", &[Text, Any], 2, FLAG, array_contains),
        Function::new("json_size", &[Text, Text], 2, INTEGER, size),
        Function::new("is_json_scalar", &[Text], 1, FLAG, is_scalar),
        Function::new("json_cast", &[Any, Written], 2, Returns::Of(json_cast_field), json_cast),
        Function::new("to_json", &[Any], 1, Returns::Json, to_json),
    ]
}

fn same(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_texts(|row| Ok(Some(texts.value(row).into())))
}

fn parse(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_texts(|row| match Json::parse(texts.value(row)) {
        Ok(json) => Ok(Some(json.as_str().into())),
        Err(_) => exec_err!("this is no JSON: {}", shown(texts.value(row))),
    })
}

/// Gives what is at a path of each row's JSON to a function.
fn at_path<'a, T>(
    args: &'a Args<'_>,
    mut of: impl FnMut(Lookup<'a>) -> Option<T>,
) -> Result<impl FnMut(usize) -> Result<Option<T>>> {
    let (texts, paths) = (args.texts(0)?, args.texts(1)?);
    let mut memo = Memo::new();
    Ok(move |row: usize| {
        let path = memo.of(paths.value(row), Path::parse)?;
        Ok(Json::parse(texts.value(row)).ok().and_then(|json| path.find(json)).and_then(&mut of))
    })
}

fn extract(args: &Args<'_>) -> Result<ArrayRef> {
    args.to_texts(at_path(args, |found| match found {
        Lookup::One(json) => Some(Cow::Borrowed(json.as_str())),
        Lookup::Several(all) => {
            let inner: Vec<&str> = all.iter().map(|json| json.as_str()).collect();
            Some(Cow::Owned(format!("[{}]", inner.join(","))))
        }
    })?)
}

fn extract_scalar(args: &Args<'_>) -> Result<ArrayRef> {
    args.to_texts(at_path(args, |found| match found {
        Lookup::One(json) => json.scalar(),
        Lookup::Several(_) => None,
    })?)
}

fn exists(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, paths) = (args.texts(0)?, args.texts(1)?);
    let mut memo = Memo::new();
    args.to_flags(|row| {
        let path = memo.of(paths.value(row), Path::parse)?;
        let found = Json::parse(texts.value(row)).ok().and_then(|json| path.find(json));
        Ok(Some(match found {
            None => false,
            Some(Lookup::One(_)) => true,
            Some(Lookup::Several(all)) => !all.is_empty(),
        }))
    })
}

fn size(args: &Args<'_>) -> Result<ArrayRef> {
    let count = |number: usize| i64::try_from(number).ok();
    args.to_integers(at_path(args, |found| match found {
        Lookup::One(json) => match json.kind() {
            JsonType::List => count(json.elements().count()),
            JsonType::Object => count(json.fields().map(|(key, _)| key).collect::<HashSet<_>>().len()),
            _ => Some(0),
        },
        Lookup::Several(all) => count(all.len()),
    })?)
}

fn list(text: &str) -> Option<Json<'_>> {
    Json::parse(text).ok().filter(|json| json.kind() == JsonType::List)
}

fn array_length(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_integers(|row| Ok(list(texts.value(row)).and_then(|list| i64::try_from(list.elements().count()).ok())))
}

fn array_get(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, indexes) = (args.texts(0)?, args.integers(1)?);
    args.to_texts(|row| {
        let Some(list) = list(texts.value(row)) else { return Ok(None) };
        let index = match usize::try_from(indexes(row)) {
            Ok(index) => Some(index),
            Err(_) => usize::try_from(indexes(row).unsigned_abs())
                .ok()
                .and_then(|from_end| list.elements().count().checked_sub(from_end)),
        };
        Ok(index.and_then(|index| list.elements().nth(index)).map(|json| json.as_str().into()))
    })
}

fn is_scalar(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_flags(|row| match Json::parse(texts.value(row)) {
        Ok(json) => Ok(Some(!matches!(json.kind(), JsonType::List | JsonType::Object))),
        Err(_) => exec_err!("this is no JSON: {}", shown(texts.value(row))),
    })
}

fn array_contains(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, sought) = (args.texts(0)?, args.array(1)?);
    type Is<'a> = Box<dyn Fn(usize, Json<'_>) -> bool + 'a>;
    let number = |json: Json<'_>| (json.kind() == JsonType::Number).then(|| json.as_str().to_owned());
    let is: Is<'_> = match sought.data_type() {
        DataType::Utf8View => {
            let sought = sought.as_string_view();
            Box::new(move |row, json| json.text().is_some_and(|text| text == sought.value(row)))
        }
        DataType::Utf8 => {
            let sought = sought.as_string::<i32>();
            Box::new(move |row, json| json.text().is_some_and(|text| text == sought.value(row)))
        }
        DataType::Boolean => {
            let sought = sought.as_boolean();
            Box::new(move |row, json| json.kind() == JsonType::Flag && json.flag() == Some(sought.value(row)))
        }
        DataType::Int64 => {
            let sought = sought.as_primitive::<Int64Type>();
            Box::new(move |row, json| number(json).is_some_and(|n| n.parse() == Ok(sought.value(row))))
        }
        DataType::Float64 => {
            let sought = sought.as_primitive::<Float64Type>();
            Box::new(move |row, json| number(json).is_some_and(|n| n.parse() == Ok(sought.value(row))))
        }
        other => return Err(refused(format!("json_array_contains cannot look for a value of type {other}"))),
    };
    args.to_flags(|row| Ok(list(texts.value(row)).map(|list| list.elements().any(|json| is(row, json)))))
}
