//! Where things stand in the text: JSON pointers to byte ranges, byte offsets to lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

/// Where one value of the file stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcePosition {
    /// The field's name; items of a list have none.
    pub key: Option<Range<usize>>,
    /// The value.
    pub value: Range<usize>,
    /// Whether the value is a list or a map, which may run over many lines.
    pub collection: bool,
}

impl SourcePosition {
    /// Returns what to point at when the value is meant: the value itself if it is short, else its name.
    pub fn of_value(&self) -> Range<usize> {
        match (&self.key, self.collection || self.value.is_empty()) {
            (Some(key), true) => key.clone(),
            _ => self.value.clone(),
        }
    }

    /// Returns what to point at when the field is meant.
    pub fn of_field(&self) -> Range<usize> {
        self.key.clone().unwrap_or_else(|| self.value.clone())
    }
}

/// The values of a file, and where each stands.
#[derive(Debug)]
pub(super) struct Document {
    /// The file as JSON.
    pub value: Value,
    /// By JSON pointer; the root is the empty pointer and always there.
    pub places: BTreeMap<String, SourcePosition>,
}

impl Document {
    /// Returns the place of a value, or of the nearest value around it when it is not written in the file.
    pub fn place(&self, pointer: &str) -> Option<&SourcePosition> {
        let mut pointer = pointer;
        loop {
            match (self.places.get(pointer), pointer.rsplit_once('/')) {
                (Some(place), _) => return Some(place),
                (None, Some((parent, _))) => pointer = parent,
                (None, None) => return None,
            }
        }
    }
}

/// Finds lines and columns of byte offsets in one text.
pub(super) struct Lines {
    /// The offset at which each line begins.
    starts: Vec<usize>,
}

impl Lines {
    /// Reads the text once.
    pub fn of(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// Returns line and column of an offset; both count from 1, columns count characters.
    pub fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts[line - 1];
        let column = text.get(start..offset).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// Returns the bytes of the lines from one offset to another, with `around` more lines on both sides, and the
    /// number of the first line.
    pub fn window(&self, text: &str, span: &Range<usize>, around: usize) -> (Range<usize>, usize) {
        let first = self.position(text, span.start).0.saturating_sub(around).max(1);
        let last = self.position(text, span.end).0 + around;
        let end = self.starts.get(last).copied().unwrap_or(text.len());
        (self.starts[first - 1]..end, first)
    }
}

/// Adds one step to a JSON pointer.
pub(super) fn join(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// Takes a JSON pointer apart.
pub(super) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// Writes a JSON pointer as people say it: `trails[0].name`; the root is empty.
pub(super) fn display_path(pointer: &str) -> String {
    let mut path = String::new();
    for step in steps(pointer) {
        if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}
