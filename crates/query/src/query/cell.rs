//! One value of an answer.

use std::fmt::Write;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;

/// One value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A finite number, as JSON writes it.
    Number(String),
    /// A text; times are in RFC 3339, UTC.
    Text(String),
    /// A list, a structure or a map, as JSON.
    Json(String),
}

/// How deep lists and structures are shown; what is deeper is left out as `null`.
const DEPTH_MAX: usize = 64;

impl Cell {
    /// Returns the value of a row.
    pub fn of(array: &dyn Array, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Flag(array.as_boolean().value(row)),
            kind if kind.is_nested() => {
                let mut text = String::new();
                write_json(array, row, DEPTH_MAX, &mut text);
                Self::Json(text)
            }
            kind if kind.is_numeric() => Self::number(plain(array, row)),
            DataType::Timestamp(unit, zone) => Self::Text(time(array, row, *unit, zone.is_some())),
            _ => Self::Text(plain(array, row)),
        }
    }

    /// Returns a number as an engine writes it; a text where JSON has no such number.
    pub(super) fn number(text: String) -> Self {
        // JSON has no infinity and no NaN, and numbers that begin with a dot are none.
        let is_json = serde_json::from_str::<serde_json::Number>(&text).is_ok();
        if is_json { Self::Number(text) } else { Self::Text(text) }
    }

    /// Returns the value as people read it; empty: none.
    pub fn text(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
            Self::Number(text) | Self::Text(text) | Self::Json(text) => text,
        }
    }

    /// Returns the value as JSON.
    pub fn json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            other => other.text().to_owned(),
        }
    }

    /// Returns about how many bytes it takes.
    pub fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.text().len()
    }
}

fn plain(array: &dyn Array, row: usize) -> String {
    let options = FormatOptions::new();
    let text = ArrayFormatter::try_new(array, &options).and_then(|formatter| formatter.value(row).try_to_string());
    text.unwrap_or_default()
}

fn time(array: &dyn Array, row: usize, unit: TimeUnit, has_zone: bool) -> String {
    use datafusion::arrow::datatypes::{
        TimestampMicrosecondType as Micros, TimestampMillisecondType as Millis, TimestampNanosecondType as Nanos,
        TimestampSecondType as Seconds,
    };
    let moment = match unit {
        TimeUnit::Second => Timestamp::from_second(array.as_primitive::<Seconds>().value(row)),
        TimeUnit::Millisecond => Timestamp::from_millisecond(array.as_primitive::<Millis>().value(row)),
        TimeUnit::Microsecond => Timestamp::from_microsecond(array.as_primitive::<Micros>().value(row)),
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(array.as_primitive::<Nanos>().value(row))),
    };
    match moment {
        Ok(moment) if has_zone => moment.to_string(),
        Ok(moment) => moment.to_string().trim_end_matches('Z').to_owned(),
        Err(_) => plain(array, row),
    }
}

/// Writes a value as JSON.
fn write_json(array: &dyn Array, row: usize, depth: usize, out: &mut String) {
    if depth == 0 || array.is_null(row) {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::List(_) => write_list(array.as_list::<i32>().value(row).as_ref(), depth, out),
        DataType::LargeList(_) => write_list(array.as_list::<i64>().value(row).as_ref(), depth, out),
        DataType::ListView(_) => write_list(array.as_list_view::<i32>().value(row).as_ref(), depth, out),
        DataType::FixedSizeList(..) => write_list(array.as_fixed_size_list().value(row).as_ref(), depth, out),
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            let names = fields.iter().map(|field| field.name().clone());
            write_object(
                names.zip(parts.columns().iter().map(|column| (column.as_ref() as &dyn Array, row))),
                depth,
                out,
            );
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let pair = |at: usize| (Cell::of(keys.as_ref(), at).text().to_owned(), (values.as_ref() as &dyn Array, at));
            write_object((0..entries.len()).map(pair), depth, out);
        }
        _ => out.push_str(&Cell::of(array, row).json()),
    }
}

fn write_list(values: &dyn Array, depth: usize, out: &mut String) {
    out.push('[');
    for at in 0..values.len() {
        if at > 0 {
            out.push(',');
        }
        write_json(values, at, depth - 1, out);
    }
    out.push(']');
}

fn write_object<'a>(fields: impl Iterator<Item = (String, (&'a dyn Array, usize))>, depth: usize, out: &mut String) {
    out.push('{');
    for (at, (name, (value, row))) in fields.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing into a text does not fail.
        let _written = write!(out, "{comma}{}:", serde_json::Value::from(name));
        write_json(value, row, depth - 1, out);
    }
    out.push('}');
}
