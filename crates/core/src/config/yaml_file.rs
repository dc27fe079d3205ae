//! YAML files of other kinds than `orgtrail.yaml`, such as resource types: the same reader, the same errors with line
//! and column. What their fields mean is known where they are used.

use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::finding::{Code, ConfigErrors};
use super::place::{Document, Lines};
use super::{SIZE_BYTES_MAX, yaml};

/// A YAML file that was read, with the place of each value.
#[derive(Debug)]
pub struct YamlFile {
    file: String,
    text: String,
    document: Document,
}

/// What is wrong with a value of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlProblem {
    remark: Diagnostic,
}

impl YamlFile {
    /// Reads a text. `file` is the name that messages give it.
    ///
    /// # Errors
    /// [`ConfigErrors`] for what is no YAML, has a field twice, or is larger than [`SIZE_BYTES_MAX`], nested deeper or
    /// has more values than a configuration may.
    pub fn read(text: &str, file: &str) -> Result<Self, ConfigErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (document, mut findings) = yaml::read(text);
        match document {
            Some(document) if findings.is_empty() => {
                Ok(Self { file: file.to_owned(), text: text.to_owned(), document })
            }
            _ => {
                if text.len() > SIZE_BYTES_MAX {
                    findings.iter_mut().for_each(|finding| finding.help = Some("split the file".to_owned()));
                }
                Err(ConfigErrors::new(file, text, findings))
            }
        }
    }

    /// Returns what the file says, as JSON.
    pub fn value(&self) -> &Value {
        &self.document.value
    }

    /// Returns the line of a value, from 1, by its JSON pointer; that of what is around it where the file does not
    /// have it.
    pub fn line(&self, pointer: &str) -> usize {
        let start = self.document.place(pointer).map_or(0, |place| place.of_field().start);
        Lines::of(&self.text).position(&self.text, start).0
    }

    /// Puts problems into the order of the file, each with its place.
    pub fn errors(&self, problems: Vec<YamlProblem>) -> ConfigErrors {
        let lines = Lines::of(&self.text);
        let located = problems.into_iter().map(|problem| problem.remark.locate(&self.document, &lines, &self.text));
        ConfigErrors::new(&self.file, &self.text, located.collect())
    }
}

impl YamlProblem {
    /// Says what is wrong with the value at a JSON pointer, and what to do about it.
    pub fn of_value(code: Code, pointer: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { remark: Diagnostic::new(code, pointer, message).help(help) }
    }

    /// Says what is wrong with the name of the field at a JSON pointer, and what to do about it.
    pub fn of_name(code: Code, pointer: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { remark: Diagnostic::new(code, pointer, message).help(help).on_name() }
    }
}

/// Adds a field's name or an item's number to a JSON pointer.
pub fn pointer_to(pointer: &str, step: &str) -> String {
    super::place::join(pointer, step)
}
