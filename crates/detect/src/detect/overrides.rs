//! What a user changes in rules of others, by their ids: the level, silence, and records that do not count.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::exclusion::Exclusion;
use super::level::Level;
use super::problem::RuleProblem;
use super::read::{Document, FieldReader, documents};

/// The entries of a file.
const ENTRIES_MAX: usize = 10_000;

/// The overrides of files, with what is wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    entries: Vec<Override>,
    problems: Vec<RuleProblem>,
}

/// What is changed in one rule.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub rule: String,
    file: String,
    line: usize,
    /// Another level. `None`: that of the rule.
    pub level: Option<Level>,
    pub is_disabled: bool,
    /// Why it is disabled. Empty: it is not.
    pub why: String,
    pub exclusions: Vec<Exclusion>,
}

impl Override {
    pub fn problem(&self, message: String) -> RuleProblem {
        RuleProblem { file: self.file.clone(), line: self.line, rule: Some(self.rule.clone()), message }
    }
}

impl Overrides {
    /// Reads files, each given as its name and its text. A broken entry is a problem and does not stop the others.
    pub fn read<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut found = Self::default();
        for (name, text) in files {
            for document in documents(text, name) {
                match document {
                    Ok(document) => found.take_up(&document),
                    Err(problems) => found.problems.extend(problems),
                }
            }
        }
        found
    }

    /// Returns what is wrong with the files.
    pub fn problems(&self) -> &[RuleProblem] {
        &self.problems
    }

    pub(super) fn entries(&self) -> &[Override] {
        &self.entries
    }

    fn take_up(&mut self, document: &Document) {
        let mut fields = FieldReader::within(document, String::new(), None);
        fields.only(&["overrides"]);
        let count = match document.value().get("overrides") {
            Some(Value::Array(entries)) if entries.len() <= ENTRIES_MAX => entries.len(),
            _ => {
                fields.problem("", &format!("`overrides` is no list of at most {ENTRIES_MAX} entries"));
                0
            }
        };
        self.problems.append(&mut fields.problems);
        for at in 0..count {
            let pointer = format!("/overrides/{at}");
            let rule = document.value().pointer(&format!("{pointer}/rule")).and_then(Value::as_str);
            let mut fields = FieldReader::within(document, pointer, rule.map(str::to_owned));
            self.entries.extend(entry(&mut fields, at));
            self.problems.append(&mut fields.problems);
        }
    }
}

fn entry(fields: &mut FieldReader<'_>, at: usize) -> Option<Override> {
    fields.only(&["rule", "level", "disabled", "exclude", "why", "who"]);
    let rule = fields.needed("rule");
    let level = fields.level();
    let is_disabled = fields.flag("disabled").unwrap_or(false);
    let why = fields.text("why").unwrap_or_default();
    if is_disabled && why.is_empty() {
        fields.problem("/disabled", "a rule is disabled with a reason: `why` is missing");
    }
    let document = fields.document();
    let count = match fields.get("exclude") {
        None => 0,
        Some(Value::Array(items)) => items.len(),
        Some(_) => {
            fields.problem("/exclude", "`exclude` is no list");
            0
        }
    };
    let mut exclusions = Vec::new();
    for item in 0..count {
        let pointer = format!("/overrides/{at}/exclude/{item}");
        let mut within = FieldReader::within(document, pointer, rule.clone());
        exclusions.extend(exclusion(&mut within));
        fields.problems.append(&mut within.problems);
    }
    let line = document.line(&format!("/overrides/{at}"));
    let entry = Override { rule: rule?, file: document.file.clone(), line, level, is_disabled, why, exclusions };
    fields.is_fine().then_some(entry)
}

fn exclusion(fields: &mut FieldReader<'_>) -> Option<Exclusion> {
    fields.only(&["when", "why", "who", "until"]);
    let (condition, why, who) = (fields.condition(), fields.needed("why"), fields.needed("who"));
    let until = match fields.text("until") {
        None => None,
        Some(text) => match time(&text) {
            Some(until) => Some(until),
            None => {
                fields.problem("/until", "`until` is no day (2027-01-31) and no time in RFC 3339");
                None
            }
        },
    };
    Some(Exclusion { condition: condition?, who: who?, why: why?, until })
}

/// Reads a day, which begins in UTC, or a time.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let day: Date = text.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
