//! Texts: parts, patterns and encodings, where Trino means something else than DataFusion, or has more.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, ListArray, ListBuilder, StringViewBuilder, UInt64Builder,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use regex::{Regex, RegexBuilder};

use super::super::describe::type_name;
use super::function::{Args, Function, Kind, Memo, Returns, refused, shown};
use super::growth::Growth;
use crate::columns::column::item;

const TEXT: Returns = Returns::Type(|| DataType::Utf8View);
const BYTES: Returns = Returns::Type(|| DataType::Binary);
const TEXTS: Returns = Returns::Type(|| DataType::List(item(DataType::Utf8View)));

/// Bytes that a compiled pattern may have.
const PATTERN_BYTES_MAX: usize = 4 << 20;
/// Parts that one text may be split into.
const PARTS_MAX: usize = 1 << 20;

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::{Any, Bytes, Integer, Text};
    vec![
        Function::new("split", &[Text, Text, Integer], 2, TEXTS, split),
        Function::new("substr", &[Text, Integer, Integer], 2, TEXT, substr),
        Function::new("length", &[Any], 1, Returns::Of(length_field), length),
        Function::new("reverse", &[Any], 1, Returns::Of(reversed_field), reverse),
        Function::new("split_part", &[Text, Text, Integer], 3, TEXT, split_part),
        Function::new("regexp_extract", &[Text, Text, Integer], 2, TEXT, regexp_extract),
        Function::new("regexp_extract_all", &[Text, Text, Integer], 2, TEXTS, regexp_extract_all),
        Function::new("regexp_split", &[Text, Text], 2, TEXTS, regexp_split),
        Function::new("regexp_replace_all", &[Text, Text, Text], 2, TEXT, regexp_replace_all),
        Function::new("like_pattern", &[Text, Text], 2, TEXT, like_pattern),
        Function::new("url_decode", &[Text], 1, TEXT, url_decode),
        Function::new("url_encode", &[Text], 1, TEXT, url_encode),
        Function::new("to_hex", &[Any], 1, TEXT, to_hex),
        Function::new("from_hex", &[Text], 1, BYTES, from_hex),
        Function::new("to_utf8", &[Text], 1, BYTES, to_utf8),
        Function::new("from_utf8", &[Bytes], 1, TEXT, from_utf8),
    ]
}

fn to_lists<'t>(args: &Args<'_>, of: impl FnMut(usize) -> Result<Option<Vec<Option<&'t str>>>>) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(StringViewBuilder::new()).with_field(item(DataType::Utf8View));
    for list in args.each(of) {
        match list? {
            Some(list) if list.len() > PARTS_MAX => return exec_err!("a text has more than {PARTS_MAX} parts"),
            Some(list) => builder.append_value(list),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn split(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, by) = (args.texts(0)?, args.texts(1)?);
    let limits = if args.has(2) { Some(args.integers(2)?) } else { None };
    to_lists(args, |row| {
        let (text, by) = (texts.value(row), by.value(row));
        let limit = match &limits {
            Some(limits) => usize::try_from(limits(row)).ok().filter(|limit| *limit > 0),
            None => Some(PARTS_MAX + 1),
        };
        let Some(limit) = limit else { return exec_err!("the limit of split must be positive") };
        if by.is_empty() {
            return exec_err!("the delimiter of split may not be empty");
        }
        Ok(Some(text.splitn(limit, by).map(Some).collect()))
    })
}

/// Returns a part by the place of its first character, from 1, or from the end with a negative number. What begins
/// before the first or behind the last character is empty, as in Trino.
fn substr(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, starts) = (args.texts(0)?, args.integers(1)?);
    let lengths = if args.has(2) { Some(args.integers(2)?) } else { None };
    args.to_texts(|row| {
        let (text, start) = (texts.value(row), starts(row));
        let step = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        let first = match start {
            0 => None,
            1.. => text.char_indices().map(|(at, _)| at).nth(step - 1),
            _ => text.char_indices().rev().map(|(at, _)| at).nth(step - 1),
        };
        let rest = first.map_or("", |at| &text[at..]);
        let length = lengths.as_ref().map_or(usize::MAX, |of| usize::try_from(of(row)).unwrap_or_default());
        let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
        Ok(Some(Cow::Borrowed(&rest[..end])))
    })
}

fn length_field(fields: &[FieldRef], _: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    match fields.first().map(|field| field.data_type()) {
        Some(kind) if kind.is_nested() => plan_err!(
            "length takes a text, not {}; cardinality counts the elements of an array or a map",
            type_name(kind)
        ),
        _ => Ok(Arc::new(Field::new("length", DataType::Int64, true))),
    }
}

/// Counts the characters of a text, or bytes.
fn length(args: &Args<'_>) -> Result<ArrayRef> {
    let given = args.array(0)?;
    if given.data_type().is_binary() {
        let bytes = cast(given, &DataType::Binary)?;
        let bytes = bytes.as_binary::<i32>();
        return args.to_integers(|row| Ok(i64::try_from(bytes.value(row).len()).ok()));
    }
    let texts = cast(given, &DataType::Utf8View)?;
    let texts = texts.as_string_view();
    args.to_integers(|row| Ok(i64::try_from(texts.value(row).chars().count()).ok()))
}

fn reversed_field(fields: &[FieldRef], _: &[Option<&ScalarValue>]) -> Result<FieldRef> {
    let field = match fields.first().map(|field| field.data_type()) {
        Some(list @ DataType::List(_)) => Field::new("reverse", list.clone(), true),
        Some(text) if text.is_string() || text.is_null() => Field::new("reverse", DataType::Utf8View, true),
        other => {
            let other = other.map(type_name).unwrap_or_default();
            return plan_err!("reverse takes a text or an array, not {other}");
        }
    };
    Ok(Arc::new(field))
}

/// Reverses a text, or the elements of a list.
fn reverse(args: &Args<'_>) -> Result<ArrayRef> {
    let given = args.array(0)?;
    let Some(list) = given.as_list_opt::<i32>() else {
        let texts = cast(given, &DataType::Utf8View)?;
        let texts = texts.as_string_view();
        return args.to_texts(|row| Ok(Some(texts.value(row).chars().rev().collect::<String>().into())));
    };
    let mut places = UInt64Builder::with_capacity(list.values().len());
    for (from, to) in list.offsets().iter().zip(list.offsets().iter().skip(1)) {
        (*from..*to).rev().for_each(|at| places.append_option(u64::try_from(at).ok()));
    }
    let first = list.offsets().first().copied().unwrap_or_default();
    let offsets: Vec<i32> = list.offsets().iter().map(|at| at - first).collect();
    let DataType::List(of) = args.returns.data_type() else { return exec_err!("reverse of a list gives a list") };
    let values = take(list.values(), &places.finish(), None)?;
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(ListArray::try_new(Arc::clone(of), offsets, values, list.nulls().cloned())?))
}

/// A part beyond the last is none.
fn split_part(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, by, at) = (args.texts(0)?, args.texts(1)?, args.integers(2)?);
    args.to_texts(|row| {
        let (text, by, at) = (texts.value(row), by.value(row), at(row));
        let step = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
        let part = match at {
            ..=0 => return exec_err!("the parts of a text are counted from 1, not from {at}"),
            _ if by.is_empty() => (step == 1).then_some(text),
            _ => text.split(by).nth(step - 1),
        };
        Ok(part.map(Cow::Borrowed))
    })
}

/// Returns a pattern.
///
/// # Errors
/// Where it is none, or would be too large.
pub(super) fn pattern(text: &str) -> Result<Regex> {
    let built = RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|_| refused(format!("this is no pattern that can be used: {}", shown(text))))
}

/// Returns the number of the group that is asked for, by row.
fn groups<'a>(args: &'a Args<'_>) -> Result<Box<dyn Fn(usize) -> i64 + 'a>> {
    Ok(if args.has(2) { Box::new(args.integers(2)?) } else { Box::new(|_| 0) })
}

fn group_number(pattern: &Regex, number: i64) -> Result<usize> {
    let group = usize::try_from(number).ok().filter(|group| *group < pattern.captures_len());
    group.ok_or_else(|| refused(format!("the pattern has {} groups, not {number}", pattern.captures_len() - 1)))
}

fn regexp_extract(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns, groups) = (args.texts(0)?, args.texts(1)?, groups(args)?);
    let mut memo = Memo::new();
    args.to_texts(|row| {
        let pattern = memo.of(patterns.value(row), pattern)?;
        let group = group_number(pattern, groups(row))?;
        let found = pattern.captures(texts.value(row)).and_then(|found| found.get(group));
        Ok(found.map(|found| Cow::Borrowed(found.as_str())))
    })
}

fn regexp_extract_all(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns, groups) = (args.texts(0)?, args.texts(1)?, groups(args)?);
    let mut memo = Memo::new();
    to_lists(args, |row| {
        let pattern = memo.of(patterns.value(row), pattern)?;
        let group = group_number(pattern, groups(row))?;
        let all = pattern.captures_iter(texts.value(row)).take(PARTS_MAX + 1);
        Ok(Some(all.map(|found| found.get(group).map(|found| found.as_str())).collect()))
    })
}

fn regexp_split(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (args.texts(0)?, args.texts(1)?);
    let mut memo = Memo::new();
    to_lists(args, |row| {
        let pattern = memo.of(patterns.value(row), pattern)?;
        Ok(Some(pattern.split(texts.value(row)).take(PARTS_MAX + 1).map(Some).collect()))
    })
}

fn regexp_replace_all(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (args.texts(0)?, args.texts(1)?);
    let by = if args.has(2) { Some(args.texts(2)?) } else { None };
    let (mut memo, mut replacement) = (Memo::new(), Memo::new());
    args.to_texts(|row| {
        let pattern = memo.of(patterns.value(row), pattern)?;
        let by = replacement.of(by.map_or("", |by| by.value(row)), |text| Ok(own_replacement(text)))?;
        replaced(pattern, texts.value(row), by).map(Some)
    })
}

/// Returns a text with all that is found replaced.
///
/// # Errors
/// Where that would be too long: it is not made then.
fn replaced<'t>(pattern: &Regex, text: &'t str, by: &str) -> Result<Cow<'t, str>> {
    let parts = by.matches('$').count();
    let (mut made, mut end) = (String::new(), 0);
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        let most = parts.saturating_mul(whole.len()).saturating_add(by.len()).saturating_add(made.len());
        Growth::of("regexp_replace").check(most, text.len())?;
        made.push_str(&text[end..whole.start()]);
        found.expand(by, &mut made);
        end = whole.end();
    }
    if end == 0 && made.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    made.push_str(&text[end..]);
    Ok(Cow::Owned(made))
}

/// Java writes `$1` and `${name}` and `\$`, and takes no letters behind a number as part of it.
fn own_replacement(text: &str) -> String {
    let mut own = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => own.push_str("$$"),
                Some(other) => own.push(other),
                None => own.push('\\'),
            },
            '$' if chars.peek().is_some_and(char::is_ascii_digit) => {
                own.push_str("${");
                while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                    own.push(digit);
                }
                own.push('}');
            }
            c => own.push(c),
        }
    }
    own
}

/// Returns a pattern of `LIKE` in which `\` takes the meaning of the next character, from one in which `escape` does.
///
/// # Errors
/// Where `escape` stands before what has no meaning, as in Trino.
pub(super) fn escaped_by_backslash(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut meant = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let is_escape = escape == Some(c);
        let c = if is_escape { chars.next() } else { Some(c) };
        match c {
            Some(c @ ('%' | '_')) if is_escape => meant.extend(['\\', c]),
            Some('\\') if !is_escape || escape == Some('\\') => meant.push_str(r"\\"),
            Some(c) if !is_escape || escape == Some(c) => meant.push(c),
            _ => return exec_err!("the escape of LIKE may stand before %, _ and itself only: {}", shown(pattern)),
        }
    }
    Ok(meant)
}

fn like_pattern(args: &Args<'_>) -> Result<ArrayRef> {
    let (patterns, escapes) = (args.texts(0)?, args.texts(1)?);
    let mut memo = Memo::new();
    args.to_texts(|row| {
        let escape = escapes.value(row).chars().next();
        let meant = memo.of(patterns.value(row), |pattern| escaped_by_backslash(pattern, escape))?;
        Ok(Some(meant.clone().into()))
    })
}

fn url_decode(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_texts(|row| {
        let text = texts.value(row);
        if !text.contains(['%', '+']) {
            return Ok(Some(text.into()));
        }
        match decoded(text) {
            Some(text) => Ok(Some(text.into())),
            None => exec_err!("this is no encoded text: {}", shown(text)),
        }
    })
}

/// Returns a part of an address without its escapes. `None`: an escape is none.
pub(super) fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                bytes.push(rest.get(..2).and_then(hex_byte)?);
                rest = rest.get(2..).unwrap_or_default();
            }
            other => bytes.push(*other),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

fn url_encode(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    args.to_texts(|row| {
        let mut encoded = String::new();
        for byte in texts.value(row).bytes() {
            match byte {
                b' ' => encoded.push('+'),
                b if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => encoded.push(char::from(b)),
                // Writing into a text does not fail.
                b => _ = write!(encoded, "%{b:02X}"),
            }
        }
        Ok(Some(encoded.into()))
    })
}

/// Gives bytes as Trino does, in capitals; a number as DataFusion does.
fn to_hex(args: &Args<'_>) -> Result<ArrayRef> {
    let given = args.array(0)?;
    if given.data_type().is_integer() {
        let numbers = datafusion::arrow::compute::cast(given, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        return args.to_texts(|row| Ok(Some(format!("{:x}", numbers.value(row)).into())));
    }
    let bytes = datafusion::arrow::compute::cast(given, &DataType::Binary)?;
    let bytes = bytes.as_binary::<i32>();
    args.to_texts(|row| {
        let text = bytes.value(row).iter().fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02X}");
            text
        });
        Ok(Some(text.into()))
    })
}

fn to_binary(args: &Args<'_>, of: impl FnMut(usize) -> Result<Option<Vec<u8>>>) -> Result<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    for bytes in args.each(of) {
        builder.append_option(bytes?);
    }
    Ok(Arc::new(builder.finish()))
}

fn from_hex(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    to_binary(args, |row| {
        let text = texts.value(row);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(hex_byte).collect();
        match bytes.filter(|_| text.len().is_multiple_of(2)) {
            Some(bytes) => Ok(Some(bytes)),
            None => exec_err!("this is not hexadecimal: {}", shown(text)),
        }
    })
}

fn to_utf8(args: &Args<'_>) -> Result<ArrayRef> {
    let texts = args.texts(0)?;
    to_binary(args, |row| Ok(Some(texts.value(row).as_bytes().to_vec())))
}

fn from_utf8(args: &Args<'_>) -> Result<ArrayRef> {
    let bytes = args.array(0)?.as_binary::<i32>();
    args.to_texts(|row| Ok(Some(String::from_utf8_lossy(bytes.value(row)))))
}
