//! The documents of a file of YAML, each with the line at which it begins.

use serde_json::Value;

use crate::config::yaml_file::YamlFile;
use crate::detect::problem::RuleProblem;

/// One document of a file.
#[derive(Debug)]
pub(in crate::detect) struct Document {
    pub file: String,
    /// Lines of the file before it.
    lines_before: usize,
    yaml: YamlFile,
}

impl Document {
    pub fn value(&self) -> &Value {
        self.yaml.value()
    }

    /// Returns the line of the file at which a value stands, from 1, by its JSON pointer.
    pub fn line(&self, pointer: &str) -> usize {
        self.lines_before + self.yaml.line(pointer)
    }
}

/// Reads the documents of a file. One that is no YAML does not stop the others.
pub(in crate::detect) fn documents(text: &str, file: &str) -> Vec<Result<Document, Vec<RuleProblem>>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parts = parts(text).into_iter().filter(|(_, part)| says_something(part));
    parts.map(|(lines_before, part)| read(part, lines_before, file)).collect()
}

fn read(part: &str, lines_before: usize, file: &str) -> Result<Document, Vec<RuleProblem>> {
    let problem = |line: usize, message: String| RuleProblem { file: file.to_owned(), line, rule: None, message };
    let yaml = YamlFile::read(part, file).map_err(|errors| {
        let found = errors.findings().iter();
        found.map(|finding| problem(lines_before + finding.line, finding.message.clone())).collect::<Vec<_>>()
    })?;
    if !yaml.value().is_object() {
        return Err(vec![problem(lines_before + 1, "it is no rule: a rule is a map of fields".to_owned())]);
    }
    Ok(Document { file: file.to_owned(), lines_before, yaml })
}

/// Cuts a text at the lines that begin documents; each part with the lines before it.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut lines_before, mut at) = (Vec::new(), 0, 0, 0);
    for (line_number, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            found.push((lines_before, text.get(start..at).unwrap_or_default()));
            (start, lines_before) = (at + line.len(), line_number + 1);
        }
        at += line.len();
    }
    found.push((lines_before, text.get(start..).unwrap_or_default()));
    found
}

fn says_something(part: &str) -> bool {
    part.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
}
