//! Typed parameters, and the values that a person gives for them.

use std::collections::HashMap;

use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use jiff::Timestamp;
use orgtrail_archive::archive::window::start_of;

use super::super::error::near_text;
use super::super::names::nearest;
use super::shown;
use crate::columns::column::UTC;

/// A parameter of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, behind `$` in the query.
    pub name: String,
    /// Its type.
    pub kind: ParameterKind,
    /// The value where none is given, as a person would write it. `None`: one must be given.
    pub default: Option<String>,
    /// What it means.
    pub about: String,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A time span in days, `30` or `30d`.
    Days,
    /// The 12 digits of an account.
    Account,
    /// A moment, RFC 3339, or a day, which begins at midnight UTC.
    Time,
}

/// Why a value cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It is no `name=value`.
    #[error("{0:?} is no parameter: write NAME=VALUE")]
    NoAssignment(String),
    /// Values are missing.
    #[error("{query} needs {}", described(.missing))]
    Missing {
        /// The query.
        query: String,
        /// The parameters without a value.
        missing: Vec<Parameter>,
    },
    /// The query has no such parameter.
    #[error("{query} has no parameter {name:?}{}", known_text(.known, .near))]
    Unknown {
        /// The query.
        query: String,
        /// What was given, cut off where it is long.
        name: String,
        /// The nearest names, the best first.
        near: Vec<String>,
        /// Every parameter.
        known: Vec<String>,
    },
    /// A parameter has two values.
    #[error("the parameter {0} is given twice")]
    Twice(String),
    /// The value is of another type.
    #[error("{value:?} is no value for the parameter {name}: it is {why}")]
    BadValue {
        /// The parameter.
        name: String,
        /// What was given, cut off where it is long.
        value: String,
        /// What is expected.
        why: &'static str,
    },
}

fn described(missing: &[Parameter]) -> String {
    let one = |parameter: &Parameter| {
        let about = if parameter.about.is_empty() { "not described" } else { &parameter.about };
        format!("--param {}={} ({about})", parameter.name, parameter.kind.example())
    };
    missing.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn known_text(known: &[String], near: &[String]) -> String {
    match (known, near) {
        ([], _) => "; it has none".to_owned(),
        (known, []) => format!("; it has {}", known.join(", ")),
        (_, near) => near_text(near),
    }
}

impl Parameter {
    /// Returns the parameter of a placeholder that nothing describes.
    pub(super) fn undescribed(name: String) -> Self {
        Self { name, kind: ParameterKind::Text, default: None, about: String::new() }
    }
}

impl ParameterKind {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Text, Self::Integer, Self::Days, Self::Account, Self::Time];

    /// Returns its name in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Days => "days",
            Self::Account => "account",
            Self::Time => "time",
        }
    }

    /// Returns the type of a name. `None`: there is no such type.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(super) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Returns what a value looks like.
    fn example(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Integer => "NUMBER",
            Self::Days => "DAYS",
            Self::Account => "ACCOUNT",
            Self::Time => "TIME",
        }
    }

    /// Returns a value as DataFusion has it.
    ///
    /// # Errors
    /// What is expected, where the text is no such value.
    pub(super) fn value(self, text: &str) -> Result<ScalarValue, &'static str> {
        let plain = text.trim();
        match self {
            Self::Text => Ok(ScalarValue::from(text)),
            Self::Integer => plain.parse::<i64>().map(ScalarValue::from).map_err(|_| "a whole number"),
            Self::Days => days(plain).ok_or("a number of days: 30 or 30d"),
            Self::Account => {
                let is_account = plain.len() == 12 && plain.bytes().all(|b| b.is_ascii_digit());
                is_account.then(|| ScalarValue::from(plain)).ok_or("the 12 digits of an account")
            }
            Self::Time => {
                let at = moment(plain).ok_or("a time: 2026-11-20T10:00:00Z or 2026-11-20")?;
                Ok(ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), Some(UTC.into())))
            }
        }
    }
}

fn days(text: &str) -> Option<ScalarValue> {
    let days: u16 = text.strip_suffix('d').unwrap_or(text).parse().ok()?;
    Some(ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, i32::from(days), 0))))
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| text.parse().ok().map(start_of))
}

/// Tells whether a text can be a parameter's name.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_part)
}

/// Returns the values of a query's parameters.
pub(super) fn bind<K: AsRef<str>, V: AsRef<str>>(
    query: &str,
    parameters: &[Parameter],
    given: &[(K, V)],
) -> Result<ParamValues, ValueError> {
    let mut texts: HashMap<&str, &str> = HashMap::new();
    for (name, value) in given {
        let name = name.as_ref();
        if parameters.iter().all(|parameter| parameter.name != name) {
            let known: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
            let near = nearest(name, known.iter().cloned());
            return Err(ValueError::Unknown { query: shown(query), name: shown(name), near, known });
        }
        if texts.insert(name, value.as_ref()).is_some() {
            return Err(ValueError::Twice(name.to_owned()));
        }
    }
    let text_of =
        |one: &'_ Parameter| texts.get(one.name.as_str()).map(|text| (*text).to_owned()).or(one.default.clone());
    let missing: Vec<Parameter> = parameters.iter().filter(|one| text_of(one).is_none()).cloned().collect();
    if !missing.is_empty() {
        return Err(ValueError::Missing { query: shown(query), missing });
    }
    let value = |one: &Parameter| {
        let text = text_of(one).unwrap_or_default();
        let value = one.kind.value(&text);
        let bad = |why| ValueError::BadValue { name: one.name.clone(), value: shown(&text), why };
        Ok((one.name.clone(), ScalarAndMetadata::from(value.map_err(bad)?)))
    };
    Ok(ParamValues::Map(parameters.iter().map(value).collect::<Result<_, _>>()?))
}
