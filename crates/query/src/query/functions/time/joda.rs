//! The formats of `parse_datetime` and `format_datetime`: Joda's letters.

use datafusion::common::{Result, exec_err};

use super::super::function::shown;
use super::format::{Field, Pad, Piece};

/// Reads a format.
///
/// # Errors
/// For a letter that is not known here.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            pieces.push(Piece::Literal(quoted(&mut chars)));
        } else if c.is_ascii_alphabetic() {
            let mut count = 1;
            while chars.next_if_eq(&c).is_some() {
                count += 1;
            }
            pieces.push(lettered(c, count, format)?);
        } else {
            pieces.push(Piece::Literal(c.to_string()));
        }
    }
    Ok(pieces)
}

/// Takes what stands between quotes; two quotes are one.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    if chars.next_if_eq(&'\'').is_some() {
        return "'".to_owned();
    }
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\'' && chars.next_if_eq(&'\'').is_none() {
            break;
        }
        text.push(c);
    }
    text
}

fn lettered(letter: char, count: usize, format: &str) -> Result<Piece> {
    let number = |field, most: usize| Piece::Number(field, Pad { least: count, most: most.max(count) });
    let is_short = count < 4;
    Ok(match letter {
        'y' | 'Y' if count == 2 => number(Field::YearOfCentury, 2),
        'y' | 'Y' => number(Field::Year, 4),
        'x' => number(Field::WeekYear, 4),
        'w' => number(Field::Week, 2),
        'M' if count >= 3 => Piece::MonthName { is_short },
        'M' => number(Field::Month, 2),
        'd' => number(Field::Day, 2),
        'D' => number(Field::DayOfYear, 3),
        'E' => Piece::DayName { is_short },
        'e' => number(Field::Weekday, 1),
        'a' => Piece::HalfDay,
        'H' => number(Field::Hour, 2),
        'h' => number(Field::Hour12, 2),
        'm' => number(Field::Minute, 2),
        's' => number(Field::Second, 2),
        'S' => Piece::Fraction(count.min(9)),
        'Z' => Piece::Offset { has_colon: count > 1 },
        other => return exec_err!("the letter {other} is not supported in a format: {}", shown(format)),
    })
}
