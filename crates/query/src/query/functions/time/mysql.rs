//! The formats of `date_format` and `date_parse`: MySQL's specifiers, as Trino has them.

use datafusion::common::{Result, exec_err};

use super::super::function::shown;
use super::format::{Field, Pad, Piece};

/// Reads a format.
///
/// # Errors
/// For a specifier that Trino refuses, or does not know.
pub(super) fn pieces(format: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        let piece = match c {
            '%' => match chars.next() {
                Some(specifier) => specified(specifier, format, &mut pieces)?,
                None => return exec_err!("the format {} ends in the middle", shown(format)),
            },
            other => Some(Piece::Literal(other.to_string())),
        };
        pieces.extend(piece);
    }
    Ok(pieces)
}

const TWO: Pad = Pad { least: 2, most: 2 };
const ONE: Pad = Pad { least: 1, most: 2 };

/// Returns the piece of a specifier. `None`: it is several, which were added.
fn specified(specifier: char, format: &str, pieces: &mut Vec<Piece>) -> Result<Option<Piece>> {
    let number = |field, pad| Some(Piece::Number(field, pad));
    Ok(match specifier {
        'a' => Some(Piece::DayName { is_short: true }),
        'b' => Some(Piece::MonthName { is_short: true }),
        'c' => number(Field::Month, ONE),
        'd' => number(Field::Day, TWO),
        'e' => number(Field::Day, ONE),
        'f' => Some(Piece::Fraction(6)),
        'H' => number(Field::Hour, TWO),
        'h' | 'I' => number(Field::Hour12, TWO),
        'i' => number(Field::Minute, TWO),
        'j' => number(Field::DayOfYear, Pad { least: 3, most: 3 }),
        'k' => number(Field::Hour, ONE),
        'l' => number(Field::Hour12, ONE),
        'M' => Some(Piece::MonthName { is_short: false }),
        'm' => number(Field::Month, TWO),
        'p' => Some(Piece::HalfDay),
        'r' => return several("%h:%i:%S %p", pieces),
        'S' | 's' => number(Field::Second, TWO),
        'T' => return several("%H:%i:%S", pieces),
        'v' => number(Field::Week, TWO),
        'W' => Some(Piece::DayName { is_short: false }),
        'x' => number(Field::WeekYear, Pad { least: 4, most: 4 }),
        'Y' => number(Field::Year, Pad { least: 4, most: 4 }),
        'y' => number(Field::YearOfCentury, TWO),
        'D' | 'U' | 'u' | 'V' | 'w' | 'X' => {
            return exec_err!("%{specifier} is not supported in a format, nor is it in Trino: {}", shown(format));
        }
        other => Some(Piece::Literal(other.to_string())),
    })
}

fn several(format: &str, to: &mut Vec<Piece>) -> Result<Option<Piece>> {
    to.extend(pieces(format)?);
    Ok(None)
}
