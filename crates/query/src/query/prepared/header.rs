//! The header of a query's file: the comments at its top.
//!
//! ```sql
//! -- title: Show who used a key
//! -- answers: one row per caller
//! -- cannot see: calls that were not recorded,
//! --   such as data events where no trail selects them
//! -- parameter access_key text: the id of the key
//! -- parameter at_least integer default 1: the fewest calls
//! SELECT …
//! ```
//! A line that is indented by two spaces or more continues the one before it.

use super::parameter::{Parameter, ParameterKind, is_name};
use super::{Prepared, placeholder, shown};

/// The longest title, in characters.
pub const TITLE_MAX: usize = 72;

/// Why a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct HeaderError {
    /// The name of the query.
    pub file: String,
    /// The line, from 1. `None`: it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what is expected.
    pub problem: Problem,
}

/// What is wrong with a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A line is no field of a header.
    #[error(
        "{0:?} is no line of a header: write `-- title:`, `-- answers:`, `-- cannot see:`, `-- parameter NAME TYPE:`, or indent by two spaces what continues a line"
    )]
    UnknownLine(String),
    /// A field is there twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// A field is missing or has no text.
    #[error("`{0}` is missing or empty")]
    Missing(&'static str),
    /// A title is too long.
    #[error("the title has {0} characters, the most is {TITLE_MAX}")]
    LongTitle(usize),
    /// A parameter has no form that can be read.
    #[error(
        "{0:?} is no parameter: write `-- parameter NAME TYPE: meaning` or `-- parameter NAME TYPE default VALUE: meaning`"
    )]
    NoParameter(String),
    /// A parameter's name cannot be written behind `$`.
    #[error("{0:?} is no name of a parameter: use small letters, digits and _, with a letter in front")]
    BadName(String),
    /// A parameter has a type that does not exist.
    #[error("{0:?} is no type: use one of {names}", names = ParameterKind::names())]
    BadKind(String),
    /// A default is no value of its parameter.
    #[error("the default of {name}, {value:?}, is {why}")]
    BadDefault {
        /// The parameter.
        name: String,
        /// Its default.
        value: String,
        /// What is expected.
        why: &'static str,
    },
    /// A parameter is described and never used.
    #[error("the parameter {0} is described, and ${0} is not in the query")]
    Unused(String),
    /// A placeholder has no description.
    #[error("${0} is in the query, and no `-- parameter {0} TYPE: meaning` describes it")]
    Undescribed(String),
    /// There is no query.
    #[error("there is no query behind the header")]
    NoSql,
}

/// A line of a header with what continues it.
struct Entry {
    line: usize,
    text: String,
}

/// Reads a file.
pub(super) fn read(name: &str, text: &str) -> Result<Prepared, HeaderError> {
    let fail = |line: Option<usize>, problem| Err(HeaderError { file: shown(name), line, problem });
    let (entries, sql) = split(text);
    if sql.trim().is_empty() {
        return fail(None, Problem::NoSql);
    }
    let mut query = Prepared {
        name: name.to_owned(),
        title: String::new(),
        answers: String::new(),
        cannot_see: String::new(),
        parameters: Vec::new(),
        sql: sql.to_owned(),
    };
    if !entries.iter().any(|entry| is_field(&entry.text)) {
        query.parameters = placeholder::names(sql).into_iter().map(Parameter::undescribed).collect();
        return Ok(query);
    }
    for entry in entries {
        if let Err(problem) = take(&mut query, &entry.text) {
            return fail(Some(entry.line), problem);
        }
    }
    match check(&query) {
        Ok(()) => Ok(query),
        Err(problem) => fail(None, problem),
    }
}

/// Returns the lines of the header, and the query behind them.
fn split(text: &str) -> (Vec<Entry>, &str) {
    let (mut entries, mut rest): (Vec<Entry>, &str) = (Vec::new(), text.trim_start_matches('\u{feff}'));
    let mut number = 0;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        number += 1;
        let line = line.trim();
        let Some(comment) = line.strip_prefix("--") else {
            if line.is_empty() {
                rest = behind;
                continue;
            }
            break;
        };
        match entries.last_mut() {
            Some(entry) if comment.starts_with("  ") => {
                entry.text.push(' ');
                entry.text.push_str(comment.trim());
            }
            _ if comment.trim().is_empty() => {}
            _ => entries.push(Entry { line: number, text: comment.trim().to_owned() }),
        }
        rest = behind;
    }
    (entries, rest.trim_end())
}

fn is_field(text: &str) -> bool {
    ["title:", "answers:", "cannot see:", "parameter "].iter().any(|start| text.starts_with(start))
}

fn take(query: &mut Prepared, text: &str) -> Result<(), Problem> {
    if let Some(rest) = text.strip_prefix("parameter ") {
        let parameter = parameter(rest)?;
        if query.parameters.iter().any(|other| other.name == parameter.name) {
            return Err(Problem::Twice(format!("parameter {}", parameter.name)));
        }
        query.parameters.push(parameter);
        return Ok(());
    }
    let unknown = || Problem::UnknownLine(shown(text));
    let (field, value) = text.split_once(':').ok_or_else(unknown)?;
    let place = match field {
        "title" => &mut query.title,
        "answers" => &mut query.answers,
        "cannot see" => &mut query.cannot_see,
        _ => return Err(unknown()),
    };
    if !place.is_empty() {
        return Err(Problem::Twice(field.to_owned()));
    }
    value.trim().clone_into(place);
    Ok(())
}

/// Reads `NAME TYPE [default VALUE]: meaning`.
fn parameter(text: &str) -> Result<Parameter, Problem> {
    let unread = || Problem::NoParameter(shown(text));
    // A time has colons too, but no space behind them.
    let (form, about) = text.split_once(": ").ok_or_else(unread)?;
    let (name, rest) = form.trim().split_once(' ').ok_or_else(unread)?;
    let (kind, default) = match rest.trim().split_once(' ') {
        None => (rest.trim(), None),
        Some((kind, rest)) => (kind, Some(rest.trim().strip_prefix("default ").ok_or_else(unread)?.trim())),
    };
    if !is_name(name) {
        return Err(Problem::BadName(shown(name)));
    }
    let kind = ParameterKind::named(kind).ok_or_else(|| Problem::BadKind(shown(kind)))?;
    let default = default.map(unquoted);
    if let Some(value) = default
        && let Err(why) = kind.value(value)
    {
        return Err(Problem::BadDefault { name: name.to_owned(), value: shown(value), why });
    }
    let about = about.trim();
    if about.is_empty() {
        return Err(unread());
    }
    Ok(Parameter { name: name.to_owned(), kind, default: default.map(str::to_owned), about: about.to_owned() })
}

/// `''` is how an empty default is written.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text)
}

fn check(query: &Prepared) -> Result<(), Problem> {
    let fields = [("title", &query.title), ("answers", &query.answers), ("cannot see", &query.cannot_see)];
    if let Some((name, _)) = fields.into_iter().find(|(_, text)| text.is_empty()) {
        return Err(Problem::Missing(name));
    }
    let length = query.title.chars().count();
    if length > TITLE_MAX {
        return Err(Problem::LongTitle(length));
    }
    let used = placeholder::names(&query.sql);
    if let Some(name) = used.iter().find(|name| query.parameters.iter().all(|one| one.name != **name)) {
        return Err(Problem::Undescribed(shown(name)));
    }
    match query.parameters.iter().find(|one| !used.contains(&one.name)) {
        Some(one) => Err(Problem::Unused(one.name.clone())),
        None => Ok(()),
    }
}
