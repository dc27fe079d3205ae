//! How long the texts are that functions would give: each as its bytes, and those of the longest text that it is made
//! of.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

/// Bytes of a number, a time or a flag as text.
const VALUE_TEXT_BYTES: usize = 40;

/// Returns the bytes of a text or of bytes. `None`: the value is none of both.
pub(super) fn bytes(array: &ArrayRef, row: usize) -> Option<usize> {
    Some(match array.data_type() {
        _ if array.is_null(row) => 0,
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Binary => array.as_binary::<i32>().value(row).len(),
        DataType::LargeBinary => array.as_binary::<i64>().value(row).len(),
        DataType::BinaryView => array.as_binary_view().value(row).len(),
        _ => return None,
    })
}

fn length(array: &ArrayRef, row: usize) -> usize {
    if array.is_null(row) { 0 } else { bytes(array, row).unwrap_or(VALUE_TEXT_BYTES) }
}

fn each(args: &[ArrayRef], of: impl Fn(usize) -> (usize, usize)) -> Result<Vec<(usize, usize)>> {
    Ok((0..args.first().map_or(0, |array| array.len())).map(of).collect())
}

fn longest(args: &[ArrayRef], row: usize) -> usize {
    args.iter().map(|array| length(array, row)).max().unwrap_or_default()
}

/// Of texts behind each other.
pub(super) fn joined(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let all = |row| args.iter().map(|array| length(array, row)).fold(0, usize::saturating_add);
    each(args, |row| (all(row), longest(args, row)))
}

/// Of texts with the first one between them.
pub(super) fn joined_with(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let Some((between, parts)) = args.split_first() else { return Ok(Vec::new()) };
    let all = |row| {
        let present = parts.iter().filter(|array| !array.is_null(row));
        let text = present.clone().map(|array| length(array, row)).fold(0, usize::saturating_add);
        length(between, row).saturating_mul(present.count().saturating_sub(1)).saturating_add(text)
    };
    each(args, |row| (all(row), longest(args, row)))
}

/// Of bytes in hexadecimal digits, which is longer than any other encoding.
pub(super) fn encoded(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let Some(given) = args.first() else { return Ok(Vec::new()) };
    each(args, |row| (length(given, row).saturating_mul(2), length(given, row)))
}

/// Of the values of a list with a text between them.
pub(super) fn listed(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let (Some(lists), Some(between)) = (args.first(), args.get(1)) else { return Ok(Vec::new()) };
    let absent = |row| args.get(2).map_or(0, |array| length(array, row));
    each(args, |row| {
        let (mut parts, mut text) = (0, 0);
        add(lists, row, absent(row), &mut parts, &mut text);
        let made = length(between, row).saturating_mul(parts).saturating_add(text);
        // A list of one text is as long as it is.
        (made, if parts <= 1 { text } else { 0 })
    })
}

fn add(array: &ArrayRef, row: usize, absent: usize, parts: &mut usize, text: &mut usize) {
    let list = match array.data_type() {
        _ if array.is_null(row) => {
            *parts += 1;
            *text = text.saturating_add(absent);
            return;
        }
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => {
            *parts += 1;
            *text = text.saturating_add(length(array, row));
            return;
        }
    };
    (0..list.len()).for_each(|at| add(&list, at, absent, parts, text));
}

/// Of a text in which every occurrence of another is replaced.
pub(super) fn replaced(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let [text, from, to, ..] = args else { return Ok(Vec::new()) };
    let texts = |array: &ArrayRef| cast(array, &DataType::Utf8View);
    let (text, from, to) = (texts(text)?, texts(from)?, texts(to)?);
    let (text, from, to) = (text.as_string_view(), from.as_string_view(), to.as_string_view());
    each(args, |row| {
        if text.is_null(row) || from.is_null(row) || to.is_null(row) {
            return (0, 0);
        }
        let (text, from, to) = (text.value(row), from.value(row), to.value(row));
        // Where nothing is looked for, nothing is replaced.
        if to.len() <= from.len() || from.is_empty() {
            return (text.len(), text.len());
        }
        let found = text.matches(from).count();
        (found.saturating_mul(to.len() - from.len()).saturating_add(text.len()), text.len())
    })
}

/// The same by a pattern, at most: what is found is not looked for.
pub(super) fn replaced_by_pattern(args: &[ArrayRef]) -> Result<Vec<(usize, usize)>> {
    let [text, _, to, ..] = args else { return Ok(Vec::new()) };
    let texts = |array: &ArrayRef| cast(array, &DataType::Utf8View);
    let (text, to) = (texts(text)?, texts(to)?);
    let (text, to) = (text.as_string_view(), to.as_string_view());
    let flags = args.get(3).map(texts).transpose()?;
    let is_all = |row: usize| {
        flags.as_ref().is_some_and(|flags| !flags.is_null(row) && flags.as_string_view().value(row).contains('g'))
    };
    each(args, |row| {
        if text.is_null(row) || to.is_null(row) {
            return (0, 0);
        }
        let (text, to) = (text.value(row), to.value(row));
        let parts = to.bytes().filter(|byte| matches!(byte, b'$' | b'\\')).count();
        let found = if is_all(row) { text.len().saturating_add(1) } else { 1 };
        let made = to.len().saturating_mul(found).saturating_add(text.len().saturating_mul(parts.saturating_add(1)));
        (made, if to.is_empty() { made } else { text.len() })
    })
}
