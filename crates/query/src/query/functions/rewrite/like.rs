//! `LIKE` without `ESCAPE`: Trino has no character that takes the meaning of the next, DataFusion has `\\`.

use datafusion::logical_expr::sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::super::super::error::QueryError;
use super::super::text::escaped_by_backslash;
use super::{function, text};

/// Writes a pattern as DataFusion reads it, without `ESCAPE`.
///
/// # Errors
/// Where `ESCAPE` is not one character, or stands before what needs none.
pub(super) fn without_escape(pattern: &mut Expr, escape: &mut Option<ValueWithSpan>) -> Result<(), QueryError> {
    let by = match escape.take().map(|escape| escape.value) {
        None => String::new(),
        Some(Value::SingleQuotedString(by)) if by.chars().count() == 1 => by,
        Some(other) => return Err(QueryError::Syntax(format!("ESCAPE must be one character, not {other}"))),
    };
    if let Expr::Value(value) = &*pattern
        && let Value::SingleQuotedString(own) = &value.value
    {
        let meant = escaped_by_backslash(own, by.chars().next());
        *pattern = text(&meant.map_err(|error| QueryError::Syntax(error.to_string()))?);
        return Ok(());
    }
    *pattern = function("like_pattern", vec![pattern.clone(), text(&by)]);
    Ok(())
}
