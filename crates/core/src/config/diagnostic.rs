//! A finding before it is located: rules speak of fields, the text's places are looked up here.

use std::ops::Range;

use super::finding::{Code, ConfigFinding, Related};
use super::place::{Document, Lines, SourcePosition, display_path};

/// What a rule has to say of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    pub code: Code,
    /// The JSON pointer of the field.
    pub at: String,
    pub target: Target,
    pub message: String,
    /// What to do about it; none where the message says all.
    pub help: Option<String>,
    /// Pointers of other fields that the rule looked at, with what to say of each.
    pub related: Vec<(String, String)>,
}

/// Which part of a field a remark points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Name,
    Value,
    /// Some characters of a text value, counted from 0.
    Characters(Range<usize>),
}

impl Diagnostic {
    /// Makes a remark that points at a field's value.
    pub fn new(code: Code, at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, at: at.into(), target: Target::Value, message: message.into(), help: None, related: Vec::new() }
    }

    /// Points at the field's name instead of its value.
    pub fn on_name(self) -> Self {
        Self { target: Target::Name, ..self }
    }

    /// Points at some characters of the value.
    pub fn on_characters(self, range: Range<usize>) -> Self {
        Self { target: Target::Characters(range), ..self }
    }

    /// Says what to write instead.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Adds another field that the rule looked at.
    pub fn because(mut self, at: impl Into<String>, label: impl Into<String>) -> Self {
        self.related.push((at.into(), label.into()));
        self
    }

    /// Tells whether the rule looked at a field that lies in one of `pointers`, or around it.
    pub fn depends_on(&self, pointers: &[String]) -> bool {
        let touches = |at: &str| pointers.iter().any(|pointer| within(at, pointer) || within(pointer, at));
        touches(&self.at) || self.related.iter().any(|(at, _)| touches(at))
    }

    /// Looks up line and column.
    pub fn locate(self, document: &Document, lines: &Lines, text: &str) -> ConfigFinding {
        let span_of = |at: &str, target: &Target| {
            let span = document.place(at).map_or(0..0, |place| match target {
                // A default is not written anywhere: point at the name of what it belongs to.
                _ if !document.places.contains_key(at) => place.of_field(),
                Target::Name => place.of_field(),
                Target::Value => place.of_value(),
                Target::Characters(range) => characters(place, text, range),
            });
            first_line(span, text)
        };
        let span = span_of(&self.at, &self.target);
        let (line, column) = lines.position(text, span.start);
        let related = self.related.into_iter().map(|(at, label)| {
            let span = span_of(&at, &Target::Value);
            let (line, column) = lines.position(text, span.start);
            Related { label, line, column, span }
        });
        ConfigFinding {
            code: self.code,
            path: display_path(&self.at),
            message: self.message,
            line,
            column,
            help: self.help,
            related: related.collect(),
            span,
        }
    }
}

fn within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Shortens a span to its first line: of a whole section, its beginning is enough.
fn first_line(span: Range<usize>, text: &str) -> Range<usize> {
    let length = text.get(span.clone()).and_then(|text| text.lines().next()).map_or(0, str::len);
    span.start..span.start + length
}

/// Finds characters of a value in the text; a value with escapes or several lines is pointed at as a whole.
fn characters(place: &SourcePosition, text: &str, range: &Range<usize>) -> Range<usize> {
    let written = text.get(place.value.clone()).unwrap_or_default();
    let quote = usize::from(written.starts_with(['"', '\'']));
    let inner = written.get(quote..written.len().saturating_sub(quote)).unwrap_or_default();
    if inner.contains(['\\', '\n']) || (quote == 1 && inner.contains("''")) {
        return place.of_value();
    }
    let byte = |n: usize| inner.char_indices().nth(n).map_or(inner.len(), |(at, _)| at) + quote + place.value.start;
    byte(range.start)..byte(range.end)
}
