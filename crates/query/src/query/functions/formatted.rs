//! `format`: a text with values in its places, as Java writes them (Java API, `java.util.Formatter`): `%s`, `%d`, `%f`,
//! `%x`, `%b`, `%n` and `%%`, with an argument's number, a width, a precision and the flags `-`, `0`, `,`, `+` and the
//! space. Times are written as answers have them.

use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringViewBuilder};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::Result;

use super::super::cell::Cell;
use super::function::{Args, Function, Kind, Memo, Returns, refused, shown};
use super::growth::{Growth, TEXT_BYTES_MAX};

/// Values that one call may have.
const VALUES_MAX: usize = 64;
/// The largest width and precision, as of the texts that `lpad` makes.
const WIDTH_MAX: usize = 65_536;

/// What a call takes: the format, and any values.
const PARAMETERS: [Kind; 1 + VALUES_MAX] = {
    let mut all = [Kind::Any; 1 + VALUES_MAX];
    all[0] = Kind::Text;
    all
};

/// Returns the function.
pub(super) fn function() -> Function {
    Function::new("format", &PARAMETERS, 1, Returns::Type(|| DataType::Utf8View), format)
}

/// A part of a format.
enum Part {
    Text(String),
    Place(Place),
}

/// A place for a value.
#[derive(Default)]
struct Place {
    /// The number of the value, from 0.
    value: usize,
    is_left: bool,
    has_zeros: bool,
    has_groups: bool,
    has_plus: bool,
    has_space: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

/// Reads a format.
fn parts(format: &str) -> Result<Vec<Part>> {
    let (mut all, mut text, mut rest, mut next) = (Vec::new(), String::new(), format, 0);
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let (mut place, behind) = place(&rest[at + 1..]).map_err(|why| refused(format!("{why}: {}", shown(format))))?;
        rest = behind;
        match place.kind {
            '%' => text.push('%'),
            'n' => text.push('\n'),
            _ => {
                if place.value == 0 {
                    next += 1;
                    place.value = next;
                }
                place.value -= 1;
                all.extend([Part::Text(std::mem::take(&mut text)), Part::Place(place)]);
            }
        }
    }
    text.push_str(rest);
    all.push(Part::Text(text));
    Ok(all)
}

/// Reads a place behind its `%`; its value is counted from 1, and 0 where it has no number. Returns what is behind it
/// too, or what is wrong with it.
fn place(text: &str) -> Result<(Place, &str), String> {
    let mut place = Place::default();
    let mut rest = text;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if let (Some(behind), true) = (rest[digits..].strip_prefix('$'), digits > 0 && !rest.starts_with('0')) {
        place.value = number(&rest[..digits])?;
        rest = behind;
    }
    while let Some(flag) = rest.chars().next().filter(|c| "-0,+ ".contains(*c)) {
        match flag {
            '-' => place.is_left = true,
            '0' => place.has_zeros = true,
            ',' => place.has_groups = true,
            '+' => place.has_plus = true,
            _ => place.has_space = true,
        }
        rest = &rest[1..];
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        place.width = number(&rest[..digits])?;
        rest = &rest[digits..];
    }
    if let Some(behind) = rest.strip_prefix('.') {
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        place.precision = Some(number(&behind[..digits])?);
        rest = &behind[digits..];
    }
    let kind = rest.chars().next().ok_or("this format ends within a place")?;
    if !"sdfxXbn%".contains(kind) {
        return Err(format!("format knows %s, %d, %f, %x, %b, %n and %%, not {kind:?}"));
    }
    place.kind = kind;
    Ok((place, &rest[kind.len_utf8()..]))
}

fn number(digits: &str) -> Result<usize, String> {
    let number = digits.parse().ok().filter(|number| *number <= WIDTH_MAX);
    number.ok_or_else(|| format!("a number of this format is none, or more than {WIDTH_MAX}"))
}

/// The values of one place in every row.
enum Values<'a> {
    Integers(Int64Array),
    Doubles(Float64Array),
    Decimals(&'a ArrayRef),
    Flags(&'a BooleanArray),
    Others(&'a ArrayRef),
}

/// A value of a row.
enum Value {
    None,
    Integer(i64),
    /// The digits of a number with a part behind the point, or what stands for one: `NaN`, `Infinity`.
    Number(String),
    Flag(bool),
    Text(String),
}

impl<'a> Values<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self> {
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let to = |kind| cast_with_options(array, &kind, &strict);
        Ok(match array.data_type() {
            DataType::Boolean => Self::Flags(array.as_boolean()),
            kind if kind.is_integer() => Self::Integers(to(DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            kind if kind.is_floating() => Self::Doubles(to(DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            DataType::Decimal128(..) | DataType::Decimal256(..) => Self::Decimals(array),
            _ => Self::Others(array),
        })
    }

    fn at(&self, row: usize) -> Value {
        let cell = |array: &ArrayRef| match array.is_null(row) {
            true => None,
            false => Some(Cell::of(array.as_ref(), row).text().to_owned()),
        };
        match self {
            Self::Integers(all) => {
                if all.is_null(row) {
                    None
                } else {
                    Some(Value::Integer(all.value(row)))
                }
            }
            Self::Doubles(all) => {
                if all.is_null(row) {
                    None
                } else {
                    Some(Value::Number(digits(all.value(row))))
                }
            }
            Self::Flags(all) => {
                if all.is_null(row) {
                    None
                } else {
                    Some(Value::Flag(all.value(row)))
                }
            }
            Self::Decimals(all) => cell(all).map(Value::Number),
            Self::Others(all) => cell(all).map(Value::Text),
        }
        .unwrap_or(Value::None)
    }
}

/// Returns the shortest digits that mean a number, without an exponent.
fn digits(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ => number.to_string(),
    }
}

fn format(args: &Args<'_>) -> Result<ArrayRef> {
    let formats = args.texts(0)?;
    let values = args.arrays.iter().skip(1).map(Values::of).collect::<Result<Vec<_>>>()?;
    let (mut memo, mut growth) = (Memo::new(), Growth::of(args.name));
    let mut builder = StringViewBuilder::with_capacity(args.rows);
    for row in 0..args.rows {
        if formats.is_null(row) {
            builder.append_null();
            continue;
        }
        let made = memo.of(formats.value(row), parts).and_then(|parts| filled(parts, &values, row, &mut growth));
        match made {
            Ok(text) => builder.append_value(text),
            Err(_) if args.is_lenient() => builder.append_null(),
            Err(error) => return Err(error),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Returns a format with the values of a row.
///
/// # Errors
/// Where a value lacks or is of another type than its place, and where the text would be too long.
fn filled(parts: &[Part], values: &[Values<'_>], row: usize, growth: &mut Growth<'_>) -> Result<String> {
    let (mut made, mut longest) = (String::new(), 0);
    for part in parts {
        match part {
            Part::Text(text) => made.push_str(text),
            Part::Place(place) => {
                let value = values.get(place.value);
                let value = value.ok_or_else(|| refused(format!("format lacks a value for %{}", place.kind)))?;
                let text = place.text(value.at(row)).map_err(refused)?;
                longest = longest.max(text.len());
                made.push_str(&text);
            }
        }
        // A long format repeats a value often: what is too long is not made to its end.
        if made.len() > TEXT_BYTES_MAX {
            growth.check(made.len(), longest)?;
        }
    }
    growth.check(made.len(), longest)?;
    Ok(made)
}

impl Place {
    /// Returns a value as the place writes it; or why it cannot.
    fn text(&self, value: Value) -> Result<String, String> {
        let other = |what: &str| Err(format!("%{} of format takes {what}", self.kind));
        Ok(match (self.kind, value) {
            ('b', value) => self.cut(match value {
                Value::Flag(flag) => flag.to_string(),
                Value::None => "false".to_owned(),
                _ => "true".to_owned(),
            }),
            (_, Value::None) => self.cut("null".to_owned()),
            ('s', Value::Integer(number)) => self.cut(number.to_string()),
            ('s', Value::Flag(flag)) => self.cut(flag.to_string()),
            ('s', Value::Number(text) | Value::Text(text)) => self.cut(text),
            ('d', Value::Integer(number)) => self.signed(number < 0, &number.unsigned_abs().to_string()),
            ('x', Value::Integer(number)) => self.padded(&format!("{number:x}"), ""),
            ('X', Value::Integer(number)) => self.padded(&format!("{number:X}"), ""),
            ('f', Value::Number(digits)) => {
                let is_negative = digits.starts_with('-');
                let digits = digits.trim_start_matches('-');
                match digits.starts_with(|c: char| c.is_ascii_digit()) {
                    true => self.signed(is_negative, &rounded(digits, self.precision.unwrap_or(6))),
                    false => self.aligned(&format!("{}{digits}", if is_negative { "-" } else { "" })),
                }
            }
            ('f', _) => return other("numbers with a decimal point: CAST(x AS DOUBLE) makes one"),
            _ => return other("whole numbers"),
        })
    }

    /// Cuts a text to the precision, and aligns it.
    fn cut(&self, text: String) -> String {
        match self.precision {
            Some(most) => self.aligned(&text.chars().take(most).collect::<String>()),
            None => self.aligned(&text),
        }
    }

    fn signed(&self, is_negative: bool, digits: &str) -> String {
        let sign = match is_negative {
            true => "-",
            false if self.has_plus => "+",
            false if self.has_space => " ",
            false => "",
        };
        let grouped = if self.has_groups { grouped(digits) } else { digits.to_owned() };
        self.padded(&grouped, sign)
    }

    /// Returns a number with its sign, with zeros between them where they are wanted.
    fn padded(&self, digits: &str, sign: &str) -> String {
        let zeros = if self.has_zeros { self.width.saturating_sub(digits.len() + sign.len()) } else { 0 };
        self.aligned(&format!("{sign}{}{digits}", "0".repeat(zeros)))
    }

    fn aligned(&self, text: &str) -> String {
        let spaces = " ".repeat(self.width.saturating_sub(text.chars().count()));
        if self.is_left { format!("{text}{spaces}") } else { format!("{spaces}{text}") }
    }
}

/// Returns digits with a comma before each three before the point.
fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// Rounds digits to a number of places behind the point, halves away from zero, as Java does.
fn rounded(digits: &str, places: usize) -> String {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let kept: String = part.chars().chain(std::iter::repeat('0')).take(places).collect();
    let mut all: Vec<u8> = format!("0{whole}{kept}").into_bytes();
    if part.as_bytes().get(places).is_some_and(|next| *next >= b'5') {
        for digit in all.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
    }
    let (whole, part) = all.split_at(all.len() - places);
    let text = |digits: &[u8]| String::from_utf8_lossy(digits).into_owned();
    let whole = text(whole.strip_prefix(b"0").unwrap_or(whole));
    let mut made = whole;
    if places > 0 {
        // Writing into a text does not fail.
        _ = write!(made, ".{}", text(part));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fails, holds};

    #[tokio::test]
    async fn values_stand_in_their_places_as_java_writes_them() {
        holds(&[
            ("format('%s by %s', 'PutObject', 'alice')", r#""PutObject by alice""#),
            ("format('%s %s %s', 12, true, NULL)", r#""12 true null""#),
            ("format('%05d|%-5d|%+d|%,d', 42, 42, 42, 1234567)", r#""00042|42   |+42|1,234,567""#),
            ("format('%,d %05d', -1234, -42)", r#""-1,234 -0042""#),
            ("format('%.2f %f %.0f', 0.125, 1.5, 2.5)", r#""0.13 1.500000 3""#),
            ("format('%,.2f|%8.1f', 1234567.891, 9.96)", r#""1,234,567.89|    10.0""#),
            ("format('%.1f', 1e20)", r#""100000000000000000000.0""#),
            ("format('%x %X %04x', 255, 255, 10)", r#""ff FF 000a""#),
            ("format('%x', -1)", r#""ffffffffffffffff""#),
            ("format('%10s|%-4s|%.2s', 'ab', 'ab', 'abc')", r#""        ab|ab  |ab""#),
            ("format('%2$s %1$s', 'a', 'b')", r#""b a""#),
            ("format('100%%%n')", r#""100%\n""#),
            ("format('é %s', 'ü')", r#""é ü""#),
            ("format('%b', false)", r#""false""#),
            ("format(NULL, 1)", "null"),
            ("format('%d', CAST(NULL AS BIGINT))", r#""null""#),
            ("try(format('%d', 'x'))", "null"),
            ("format('%d', n) FROM (VALUES (1), (20)) AS t(n)", "\"1\"\n\"20\""),
        ])
        .await;
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_filled_is_said_and_no_text_grows_without_end() {
        fails(&[
            ("format('%d', 'x')", "takes whole numbers"),
            ("format('%f', 1)", "CAST(x AS DOUBLE)"),
            ("format('%s %s', 'x')", "lacks a value"),
            ("format('%q', 'x')", "format knows"),
            ("format('%é', 'x')", "format knows"),
            ("format('50%')", "ends within a place"),
            ("format('%999999999d', 1)", "more than 65536"),
            ("format('%.99999999999999999999f', 1.5)", "more than 65536"),
            ("format(repeat('%1$65536s', 5000), 'x')", "the most is 1048576"),
        ])
        .await;
    }
}
