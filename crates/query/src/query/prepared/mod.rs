//! Prepared queries: SQL over `events` with a title, parameters, and what it cannot see.
//!
//! - [`header`]: the comments at the top of a query's file.
//! - [`parameter`]: typed parameters and their values. Values are bound, never pasted into the text.
//! - [`reference()`]: the page about them.
//!
//! The queries themselves are the files of `queries/`; `table` has each of them.

pub mod header;
pub mod parameter;
mod placeholder;
mod reference;
mod table;
#[cfg(test)]
mod tests;

use datafusion::common::ParamValues;

use super::error::near_text;
use super::names::nearest;
pub use header::HeaderError;
pub use parameter::{Parameter, ParameterKind, ValueError};
pub use reference::reference;

/// A query with its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its name: that of its file, without `.sql`.
    pub name: String,
    /// What it does, one imperative line. Empty for a user's file without a header.
    pub title: String,
    /// What the rows are. Empty for a user's file without a header.
    pub answers: String,
    /// What it cannot see, and why. Empty for a user's file without a header.
    pub cannot_see: String,
    /// Its parameters, in the order of the header.
    pub parameters: Vec<Parameter>,
    /// One SELECT with a placeholder `$name` for each parameter.
    pub sql: String,
}

/// Why there is no such prepared query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no prepared query {name:?}{}", near_text(.near))]
pub struct UnknownQuery {
    /// What was asked for, cut off where it is long.
    pub name: String,
    /// The nearest names, the best first.
    pub near: Vec<String>,
}

/// What a text is cut off at in a message, in characters.
const SHOWN_MAX: usize = 100;

impl Prepared {
    /// Returns every prepared query, by name.
    pub fn all() -> Vec<Self> {
        // A test reads each of them, so that none is left out here.
        table::TABLE.iter().filter_map(|(name, text)| Self::of_file(name, text).ok()).collect()
    }

    /// Returns the query of a name.
    ///
    /// # Errors
    /// [`UnknownQuery`] with the nearest names.
    pub fn named(name: &str) -> Result<Self, UnknownQuery> {
        let mut all = Self::all();
        if let Some(at) = all.iter().position(|query| query.name == name) {
            return Ok(all.swap_remove(at));
        }
        Err(UnknownQuery { name: shown(name), near: nearest(name, all.into_iter().map(|query| query.name)) })
    }

    /// Reads a file. A file without a header is a query that describes nothing; its placeholders are then texts.
    ///
    /// # Errors
    /// [`HeaderError`] where there is a header that cannot be read, or that does not fit the query.
    pub fn of_file(name: &str, text: &str) -> Result<Self, HeaderError> {
        header::read(name, text)
    }

    /// Returns the values of the parameters for DataFusion, from what was given as `name=value`.
    ///
    /// # Errors
    /// [`ValueError`] where one is missing, unknown, given twice or of another type.
    pub fn values<K: AsRef<str>, V: AsRef<str>>(&self, given: &[(K, V)]) -> Result<ParamValues, ValueError> {
        parameter::bind(&self.name, &self.parameters, given)
    }
}

/// Returns the name and the value of `name=value`.
///
/// # Errors
/// [`ValueError::NoAssignment`] where it is none.
pub fn assignment(text: &str) -> Result<(&str, &str), ValueError> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value)),
        _ => Err(ValueError::NoAssignment(shown(text))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}
