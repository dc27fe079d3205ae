//! Which prepared questions Athena understands. They are written for the local engine, which has functions and
//! spellings that Trino lacks.

use super::super::error::QueryError;
use super::tokens::{Token, TokenKind, tokens};

/// The functions of Trino that prepared questions use and that mean there what they mean here (Trino, "Functions and
/// operators"). `json_extract` is none of them: it gives JSON there, and text here.
const FUNCTIONS: [&str; 36] = [
    "abs",
    "approx_distinct",
    "array_agg",
    "array_distinct",
    "array_join",
    "array_sort",
    "arbitrary",
    "cardinality",
    "cast",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "count",
    "date_diff",
    "date_trunc",
    "element_at",
    "from_iso8601_timestamp",
    "if",
    "json_extract_scalar",
    "length",
    "lower",
    "max",
    "max_by",
    "min",
    "min_by",
    "nullif",
    "regexp_like",
    "round",
    "row_number",
    "split_part",
    "starts_with",
    "strpos",
    "sum",
    "try_cast",
    "upper",
];

/// Words before a parenthesis that are no functions.
const KEYWORDS: [&str; 28] = [
    "all",
    "and",
    "any",
    "as",
    "by",
    "cube",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "having",
    "in",
    "intersect",
    "join",
    "not",
    "on",
    "or",
    "over",
    "rollup",
    "select",
    "sets",
    "then",
    "union",
    "unnest",
    "when",
    "where",
];

/// Checks that Athena understands a prepared question.
///
/// # Errors
/// [`QueryError::NotInAthena`] with what it does not understand.
pub fn check(name: &str, sql: &str) -> Result<(), QueryError> {
    let Some(what) = foreign(sql) else { return Ok(()) };
    Err(QueryError::NotInAthena { name: name.to_owned(), what })
}

/// Returns what Athena does not understand, or understands otherwise. `None`: there is nothing of that kind.
fn foreign(sql: &str) -> Option<String> {
    let all = tokens(sql).ok()?;
    let words: Vec<&Token> = all.iter().filter(|token| token.kind != TokenKind::Comment).collect();
    let next = |at: usize| words.get(at + 1);
    for (at, token) in words.iter().enumerate() {
        let text = token.text(sql);
        let lower = text.to_ascii_lowercase();
        let is_call = token.kind == TokenKind::Word && next(at).is_some_and(|next| next.is_mark(sql, "("));
        if is_call && !FUNCTIONS.contains(&lower.as_str()) && !KEYWORDS.contains(&lower.as_str()) {
            // `regexp_replace` takes away what fits in both; what it puts in its place is written otherwise.
            if lower == "regexp_replace" && takes_away(sql, &words[at + 1..]) {
                continue;
            }
            return Some(format!("the function {lower}"));
        }
        // `INTERVAL '1 hour'` is `INTERVAL '1' HOUR` there.
        if lower == "interval" && next(at).is_some_and(|next| next.text(sql).contains(' ')) {
            return Some("an interval as the local engine writes it".to_owned());
        }
        if text == ":" && next(at).is_some_and(|next| next.is_mark(sql, ":")) {
            return Some("a cast with ::".to_owned());
        }
        // In a call of an aggregate; `OVER (… ORDER BY …)` is the same in both.
        if lower == "within" || lower == "qualify" || lower == "ilike" {
            return Some(lower.to_ascii_uppercase());
        }
    }
    None
}

/// Tells whether a call, from its parenthesis on, has three arguments of which the last is an empty text.
fn takes_away(sql: &str, words: &[&Token]) -> bool {
    let (mut depth, mut commas, mut last) = (0_usize, 0, 0);
    for (at, token) in words.iter().enumerate() {
        match token.text(sql) {
            "(" | "[" => depth += 1,
            ")" | "]" if depth <= 1 => {
                return commas == 2 && at == last + 2 && words.get(last + 1).is_some_and(|only| only.text(sql) == "''");
            }
            ")" | "]" => depth -= 1,
            "," if depth == 1 => (commas, last) = (commas + 1, at),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::super::prepared::Prepared;
    use super::*;

    #[test]
    fn what_only_the_local_engine_understands_is_named() {
        for (sql, what) in [
            ("SELECT date_bin(INTERVAL '1 hour', event_time) FROM events", Some("the function date_bin")),
            ("SELECT now() - INTERVAL '1 hour' FROM events", Some("the function now")),
            ("SELECT INTERVAL '1 hour'", Some("an interval as the local engine writes it")),
            ("SELECT regexp_replace(a, 'x(.)', '\\1') FROM events", Some("the function regexp_replace")),
            ("SELECT regexp_replace(a, 'x', '', 'g') FROM events", Some("the function regexp_replace")),
            ("SELECT regexp_replace(regexp_replace($what, ':\\*$', ''), '^arn:(.*[:/])?', '')", None),
            ("SELECT count(*) FILTER (WHERE a IN (1)) OVER (PARTITION BY b) FROM (SELECT 1)", None),
            ("SELECT 'date_bin(' -- to_timestamp(\n", None),
            ("SELECT a::text", Some("a cast with ::")),
        ] {
            assert_eq!(foreign(sql).as_deref(), what, "{sql}");
        }
    }

    #[test]
    fn most_prepared_questions_are_understood_and_the_others_are_known() {
        let all = Prepared::all();
        let refused: Vec<&str> =
            all.iter().filter(|one| check(&one.name, &one.sql).is_err()).map(|one| one.name.as_str()).collect();
        assert!(refused.len() * 2 < all.len(), "{} of {}: {refused:?}", refused.len(), all.len());
        for name in ["root-use", "who-deleted", "access-key-use", "find-events"] {
            assert!(!refused.contains(&name), "{name}");
        }
        for name in ["calls-by-hour", "delivery-delay", "used-actions"] {
            assert!(refused.contains(&name), "{name}");
        }
    }
}
