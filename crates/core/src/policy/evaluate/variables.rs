//! Policy variables: `${aws:username}`, with a default `${aws:username, 'nobody'}`, and the escapes `${*}` `${?}`
//! `${$}`.
//!
//! Source: IAM user guide, "IAM policy elements: variables and tags". They are plain text before version 2012-10-17.

use super::evaluation::Evaluation;
use super::pattern::{Token, token, tokens};
use super::request::Fact;

/// What a text of a policy stands for in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expanded {
    /// The pattern to compare with.
    Pattern(Vec<Token>),
    /// A variable has no value in this request, so that nothing is equal to the text.
    Nothing,
    /// A variable's value is not known; the text says which.
    Unknown(String),
}

/// Tells whether a text has no variables, so that it stands for itself.
pub(super) fn is_plain(text: &str, evaluation: &Evaluation) -> bool {
    !evaluation.variables || !text.contains("${")
}

/// Puts the values of variables into a text. Its own wildcards count, those of values never do.
pub(super) fn expand(text: &str, evaluation: &Evaluation) -> Expanded {
    if is_plain(text, evaluation) {
        return Expanded::Pattern(tokens(text));
    }
    let mut pattern = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pattern.extend(before.chars().map(token));
        let Some((variable, tail)) = split_variable(after) else {
            return Expanded::Unknown(format!("the policy variable in `{text}` has no end"));
        };
        match value_of(variable, evaluation) {
            Expanded::Pattern(value) => pattern.extend(value),
            other => return other,
        }
        rest = tail;
    }
    pattern.extend(rest.chars().map(token));
    Expanded::Pattern(pattern)
}

/// Parts the inside of a variable from what follows it; a default in quotes may hold a brace.
fn split_variable(after: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, c) in after.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted => return Some((&after[..at], &after[at + 1..])),
            _ => {}
        }
    }
    None
}

fn value_of(variable: &str, evaluation: &Evaluation) -> Expanded {
    if matches!(variable, "*" | "?" | "$") {
        return Expanded::Pattern(literally(variable));
    }
    let (name, default) = match variable.split_once(',') {
        Some((name, default)) => (name.trim(), Some(default.trim())),
        None => (variable.trim(), None),
    };
    let default = match default.map(unquoted) {
        Some(None) => return Expanded::Unknown(format!("the default in `${{{variable}}}` is not in single quotes")),
        Some(Some(text)) => Some(text),
        None => None,
    };
    match (evaluation.fact(name), default) {
        (Ok(Fact::Values(values)), _) => match values.as_ref() {
            [value] => Expanded::Pattern(literally(value)),
            _ => Expanded::Unknown(format!("`{name}` has several values and is used as a variable")),
        },
        (Ok(Fact::Absent), Some(default)) => Expanded::Pattern(literally(default)),
        (Ok(Fact::Absent), None) => Expanded::Nothing,
        (Ok(Fact::Unknown), _) => Expanded::Unknown(format!("the value of `{name}` in this request is not known")),
        (Err(why), _) => Expanded::Unknown(why),
    }
}

fn unquoted(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'')
}

/// A value is compared as it is: its wildcards have no meaning. Whether its colons have one is not known (see
/// [`whichever_colons`](super::pattern::whichever_colons)).
fn literally(text: &str) -> Vec<Token> {
    text.chars().map(Token::Char).collect()
}
