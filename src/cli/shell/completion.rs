//! What may stand where something is typed: tables, columns, functions, prepared questions, commands.

use std::collections::BTreeMap;

use super::statement::COMMANDS;
use crate::query::error::QueryError;
use crate::query::prepared::Prepared;
use crate::query::views::VIEWS;
use crate::query::vocabulary;

/// Words of SQL that are completed too.
const KEYWORDS: [&str; 24] = [
    "AND", "AS", "BETWEEN", "BY", "COUNT", "CROSS", "DESC", "DESCRIBE", "DISTINCT", "EXPLAIN", "FROM", "GROUP",
    "HAVING", "JOIN", "LIMIT", "NOT", "NULL", "ORDER", "SELECT", "SHOW", "TABLES", "UNNEST", "WHERE", "WITH",
];
/// What is shown at most.
const SHOWN_MAX: usize = 200;

/// Everything that can be completed.
#[derive(Debug, Default)]
pub(super) struct Completion {
    /// Table -> its columns.
    tables: BTreeMap<&'static str, Vec<&'static str>>,
    functions: Vec<String>,
    /// Prepared question -> its parameters.
    prepared: BTreeMap<String, Vec<String>>,
}

impl Completion {
    /// Collects it.
    ///
    /// # Errors
    /// Where the functions cannot be set up.
    pub(super) fn new() -> Result<Self, QueryError> {
        let table =
            |view: &crate::query::views::View| (view.name, view.columns.iter().map(|column| column.name).collect());
        let question =
            |one: Prepared| (one.name, one.parameters.into_iter().map(|parameter| parameter.name).collect::<Vec<_>>());
        Ok(Self {
            tables: VIEWS.iter().map(table).collect(),
            functions: vocabulary::functions()?,
            prepared: Prepared::all().into_iter().map(question).collect(),
        })
    }

    /// Returns where the word at a place begins, and what it may become.
    pub(super) fn of(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        if before.trim_start().starts_with('\\') {
            return self.of_command(before);
        }
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let start = before
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = &before[start..];
        let last = before[..start].split_whitespace().next_back().unwrap_or_default().to_ascii_uppercase();
        if ["FROM", "JOIN", "DESCRIBE"].contains(&last.as_str()) {
            return (start, begun(word, self.tables.keys().copied()));
        }
        if word.is_empty() {
            return (start, Vec::new());
        }
        let named: Vec<&&str> = self.tables.keys().filter(|table| line.contains(**table)).collect();
        let asked = |table: &&str| named.is_empty() || named.contains(&table);
        let columns =
            self.tables.iter().filter(|(table, _)| asked(table)).flat_map(|(_, columns)| columns.iter().copied());
        let all =
            columns.chain(self.functions.iter().map(String::as_str)).chain(self.tables.keys().copied()).chain(KEYWORDS);
        (start, begun(word, all))
    }

    fn of_command(&self, before: &str) -> (usize, Vec<String>) {
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = &before[start..];
        let mut earlier = before[..start].split_whitespace();
        let candidates = match (earlier.next(), earlier.next()) {
            (None, _) => begun(word, COMMANDS.iter().map(|(name, ..)| *name)),
            (Some("\\d"), None) => begun(word, self.tables.keys().copied()),
            (Some("\\ask"), None) => begun(word, self.prepared.keys().map(String::as_str)),
            (Some("\\ask"), Some(name)) => {
                let names = self.prepared.get(name).into_iter().flatten().map(|name| format!("{name}="));
                let names: Vec<String> = names.collect();
                begun(word, names.iter().map(String::as_str))
            }
            _ => Vec::new(),
        };
        (start, candidates)
    }
}

/// Returns the words that begin so, in any case; each once.
fn begun<'a>(word: &str, all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_begun = |one: &&str| one.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let mut found: Vec<String> = all.filter(is_begun).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found.truncate(SHOWN_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_completed_by_where_it_stands() {
        let completion = Completion::new().unwrap();
        let of = |line: &str| completion.of(line, line.len()).1;
        assert_eq!(of("SELECT * FROM ev"), ["events"]);
        assert_eq!(of("SELECT * FROM "), ["cloudtrail_lake", "cloudtrail_logs", "events"]);
        assert_eq!(of("SELECT event_na"), ["event_name"]);
        assert_eq!(of("SELECT * FROM events WHERE eventn"), [""; 0]);
        assert_eq!(of("SELECT * FROM cloudtrail_logs WHERE EVENTN"), ["eventname"]);
        assert_eq!(of("SELECT json_extract_s"), ["json_extract_scalar"]);
        assert_eq!(of("sel"), ["SELECT"]);
        assert_eq!(of("\\as"), ["\\ask"]);
        assert_eq!(of("\\d eve"), ["events"]);
        assert_eq!(of("\\ask root-u"), ["root-use"]);
        assert_eq!(of("\\ask who-deleted wh"), ["what="]);
        assert_eq!((of(""), of("SELECT ü")), (Vec::new(), Vec::new()));
        assert_eq!(completion.of("SELECT event_na FROM events", 15), (7, vec!["event_name".to_owned()]));
    }
}
