//! Where something is in a text: `strpos`, `regexp_position`, `url_extract_parameter`; and digests of bytes.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use sha2::{Digest, Sha256, Sha512};

use super::function::{Args, Function, Kind, Memo, Returns};
use super::text::{decoded, pattern};

const TEXT: Returns = Returns::Type(|| DataType::Utf8View);
const INTEGER: Returns = Returns::Type(|| DataType::Int64);
const BYTES: Returns = Returns::Type(|| DataType::Binary);

/// Returns the functions.
pub(super) fn functions() -> Vec<Function> {
    use Kind::{Bytes, Integer, Text};
    vec![
        Function::new("strpos", &[Text, Text, Integer], 2, INTEGER, strpos),
        Function::new("regexp_position", &[Text, Text, Integer, Integer], 2, INTEGER, regexp_position),
        Function::new("url_extract_parameter", &[Text, Text], 2, TEXT, url_extract_parameter),
        Function::new("sha256", &[Bytes], 1, BYTES, |args| digest(args, |bytes| Sha256::digest(bytes).to_vec())),
        Function::new("sha512", &[Bytes], 1, BYTES, |args| digest(args, |bytes| Sha512::digest(bytes).to_vec())),
        Function::new("md5", &[Bytes], 1, BYTES, |args| digest(args, |bytes| md5::Md5::digest(bytes).to_vec())),
    ]
}

/// Returns the number of the character that begins at a byte, from 1.
fn character(text: &str, at: usize) -> Option<i64> {
    i64::try_from(text.get(..at)?.chars().count()).ok()?.checked_add(1)
}

/// Returns where a text is in another for the first time, or the time that the third argument counts, with a negative
/// number from the end; 0 where it is not.
fn strpos(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, parts) = (args.texts(0)?, args.texts(1)?);
    let instances = if args.has(2) { Some(args.integers(2)?) } else { None };
    args.to_integers(|row| {
        let (text, part) = (texts.value(row), parts.value(row));
        let instance = instances.as_ref().map_or(1, |of| of(row));
        let step = usize::try_from(instance.unsigned_abs()).unwrap_or(usize::MAX);
        let (mut first, mut last) = (text.match_indices(part), text.rmatch_indices(part));
        let found = match instance {
            0 => return exec_err!("strpos counts from 1, or from -1 at the end"),
            1.. => first.nth(step - 1),
            _ => last.nth(step - 1),
        };
        Ok(Some(found.and_then(|(at, _)| character(text, at)).unwrap_or_default()))
    })
}

/// Returns where a pattern is found, from a character on, for the first time or a later one; -1 where it is not.
fn regexp_position(args: &Args<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (args.texts(0)?, args.texts(1)?);
    let starts = if args.has(2) { Some(args.integers(2)?) } else { None };
    let occurrences = if args.has(3) { Some(args.integers(3)?) } else { None };
    let mut memo = Memo::new();
    args.to_integers(|row| {
        let pattern = memo.of(patterns.value(row), pattern)?;
        let (text, start) = (texts.value(row), starts.as_ref().map_or(1, |of| of(row)));
        let step = |number: i64| usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let occurrence = step(occurrences.as_ref().map_or(1, |of| of(row)));
        let (Some(from), Some(occurrence)) = (step(start), occurrence) else {
            return exec_err!("regexp_position counts from 1");
        };
        let from = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(from);
        let found = from.and_then(|from| pattern.find_iter(text).filter(|found| found.start() >= from).nth(occurrence));
        Ok(Some(found.and_then(|found| character(text, found.start())).unwrap_or(-1)))
    })
}

/// Returns the first value that the query of an address has of a name. `None`: it has none.
fn url_extract_parameter(args: &Args<'_>) -> Result<ArrayRef> {
    let (addresses, names) = (args.texts(0)?, args.texts(1)?);
    args.to_texts(|row| {
        let address = addresses.value(row);
        let address = address.split_once('#').map_or(address, |(address, _)| address);
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let found = query.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name).as_deref() == Some(names.value(row))).then_some(value)
        });
        Ok(found.and_then(decoded).map(Cow::Owned))
    })
}

fn digest(args: &Args<'_>, of: fn(&[u8]) -> Vec<u8>) -> Result<ArrayRef> {
    let given = args.array(0)?.as_binary::<i32>();
    let mut builder = BinaryBuilder::new();
    for row in 0..given.len() {
        builder.append_option(given.is_valid(row).then(|| of(given.value(row))));
    }
    Ok(Arc::new(builder.finish()))
}
