//! Casts and literals of times.

use datafusion::logical_expr::sqlparser::ast::{CastKind, CharacterLength, DataType, Expr, TypedString, Value};

use super::super::super::error::QueryError;
use super::{function, text};

/// The longest text that a type can name (Trino: `varchar(2147483646)`).
const LENGTH_MAX: u64 = 2_147_483_646;

/// Casts to JSON and to lists, maps and rows are of JSON; a text is cut at its length; times have microseconds.
/// `None`: the cast stays.
pub(super) fn cast(kind: &CastKind, expr: &Expr, data_type: &mut DataType) -> Result<Option<Expr>, QueryError> {
    let refused = |why: String| Err(QueryError::Syntax(why));
    Ok(match data_type {
        DataType::Custom(name, _) => {
            let name = name.0.first().and_then(|name| name.as_ident()).map(|name| name.value.to_lowercase());
            name.and_then(|name| of_json(kind, expr, &name))
        }
        DataType::Timestamp(..) => {
            with_microseconds(data_type);
            None
        }
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. })) => {
            if *length > LENGTH_MAX {
                return refused(format!("varchar({length}) is longer than varchar({LENGTH_MAX})"));
            }
            let data_type = DataType::Varchar(None);
            let expr = Box::new(expr.clone());
            let whole = Expr::Cast { kind: kind.clone(), expr, data_type, array: false, format: None };
            let length = Expr::Value(Value::Number(length.to_string(), false).into());
            Some(function("left", vec![whole, length]))
        }
        DataType::Char(_) | DataType::Character(_) => {
            return refused(format!(
                "{data_type} would be filled with spaces, which is not supported: cast to varchar"
            ));
        }
        _ => None,
    })
}

/// A time in nanoseconds could not be before 1677 or after 2262.
fn with_microseconds(data_type: &mut DataType) {
    if let DataType::Timestamp(digits @ None, _) = data_type {
        *digits = Some(6);
    }
}

fn of_json(kind: &CastKind, expr: &Expr, name: &str) -> Option<Expr> {
    let is_try = matches!(kind, CastKind::TryCast);
    match name.split(|c: char| !c.is_alphanumeric()).next()? {
        "json" => Some(function("to_json", vec![expr.clone()])),
        "array" | "map" | "row" => {
            Some(function(if is_try { "try_json_cast" } else { "json_cast" }, vec![expr.clone(), text(name)]))
        }
        _ => None,
    }
}

/// `timestamp '2026-09-15 00:00:00 Europe/Berlin'` is a moment, with a time zone. `None`: it has none.
pub(super) fn moment(literal: &mut TypedString) -> Option<Expr> {
    with_microseconds(&mut literal.data_type);
    let (DataType::Timestamp(..), Value::SingleQuotedString(whole)) = (&literal.data_type, &literal.value.value) else {
        return None;
    };
    let (time, zone) = whole.trim().rsplit_once(' ').filter(|(time, _)| time.contains(':'))?;
    let kind = format!("Timestamp(Microsecond, Some({zone:?}))");
    Some(function("arrow_cast", vec![text(time), text(&kind)]))
}
