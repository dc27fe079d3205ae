//! What is wrong with a text before its fields mean anything, and words for the parser's errors.

use std::ops::Range;

use saphyr_parser::ScanError;

use crate::config::finding::{Code, ConfigFinding, Related};
use crate::config::place::Lines;

/// A finding that knows its bytes, but not yet its line.
pub(super) struct YamlFault {
    pub code: Code,
    pub span: Range<usize>,
    pub message: String,
    /// What to write instead; none where that is not known.
    pub help: Option<&'static str>,
    /// Where the same name stands for the first time; none for other faults.
    pub first: Option<Range<usize>>,
}

/// YAML takes two braces for two maps.
const TEMPLATE_HELP: &str = "a value that begins with `{{` must stand in quotes: \"{{deployment}}-logs\"";

impl YamlFault {
    pub fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None, first: None }
    }

    pub fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    /// Words an error of the parser that it met at a byte.
    pub fn of_syntax(error: &ScanError, at: usize, text: &str) -> Self {
        let line_start = text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line_end = end_of_line(text, line_start);
        // Of some tabs the parser marks what stands before them, on the line above.
        let next_line = at..end_of_line(text, line_end + 1);
        let after = || indenting_tab(text, next_line).filter(|_| error.info().contains("tab"));
        if let Some(span) = indenting_tab(text, line_start..line_end).or_else(after) {
            let fault = Self::new(Code::Yaml, span, "this line is indented with a tab");
            return fault.help("YAML is indented with spaces; replace the tab by two spaces");
        }
        let fault = Self::new(Code::Yaml, at..at, format!("this is not YAML: {}", error.info()));
        Self { help: syntax_help(&text[line_start..line_end]), ..fault }
    }

    /// Says that a list or a map stands where the name of a field should.
    pub fn of_name(span: Range<usize>, text: &str) -> Self {
        let in_braces = text[..span.start].ends_with('{');
        let fault = Self::new(Code::Yaml, span, "a list or a map cannot be the name of a field");
        Self { help: in_braces.then_some(TEMPLATE_HELP), ..fault }
    }

    /// Looks up line and column.
    pub fn locate(self, lines: &Lines, text: &str) -> ConfigFinding {
        let (line, column) = lines.position(text, self.span.start);
        let first = self.first.map(|span| {
            let (line, column) = lines.position(text, span.start);
            Related { label: "first here".into(), line, column, span }
        });
        ConfigFinding {
            code: self.code,
            path: String::new(),
            message: self.message,
            line,
            column,
            span: self.span,
            help: self.help.map(str::to_owned),
            related: first.into_iter().collect(),
        }
    }
}

fn end_of_line(text: &str, from: usize) -> usize {
    text.get(from..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| from + length)
}

/// Finds the first tab of a range, if nothing but white space stands before it in its line.
fn indenting_tab(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let tab = range.start + text.get(range.clone())?.find('\t')?;
    let line_start = text[..tab].rfind('\n').map_or(0, |n| n + 1);
    text[line_start..tab].trim().is_empty().then_some(tab..tab + 1)
}

/// Knows the mistakes that YAML's own words do not explain.
fn syntax_help(line: &str) -> Option<&'static str> {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start_matches(['-', ' ']);
    if value.starts_with("{{") {
        Some(TEMPLATE_HELP)
    } else if value.starts_with(['*', '&', '%', '@', '`', '!']) {
        Some("a value that begins with this character must stand in quotes")
    } else {
        None
    }
}
