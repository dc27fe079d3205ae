//! Reads typed fields of an object, and notes which ones it could not read.

use super::json::{Json, JsonType, Text};

/// Fields that are noted as unread, of one record.
const UNREAD_MAX: usize = 32;

/// A field that is there and could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The field's path: `userIdentity.sessionContext`.
    pub field: String,
    /// Why it could not be read.
    pub why: &'static str,
}

/// The fields of one object.
pub(super) struct FieldReader<'a, 'u> {
    fields: Vec<(Text<'a>, Json<'a>)>,
    /// The path of the object, empty for the record itself.
    path: String,
    unread: &'u mut Vec<Unread>,
}

impl<'a, 'u> FieldReader<'a, 'u> {
    pub(super) fn new(object: Json<'a>, path: String, unread: &'u mut Vec<Unread>) -> Self {
        let mut fields: Vec<(Text<'a>, Json<'a>)> = object.fields().collect();
        // The last of several counts, as most readers do.
        fields.reverse();
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut reader = Self { fields: Vec::with_capacity(fields.len()), path, unread };
        for (name, value) in fields {
            if reader.fields.last().is_some_and(|(last, _)| *last == name) {
                reader.note(&name, "it is there more than once");
            } else {
                reader.fields.push((name, value));
            }
        }
        reader
    }

    /// Returns a field that is there and not `null`.
    pub(super) fn json(&self, name: &str) -> Option<Json<'a>> {
        let at = self.fields.binary_search_by(|(field, _)| field.as_ref().cmp(name)).ok()?;
        Some(self.fields.get(at)?.1).filter(|json| !json.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Text<'a>> {
        let json = self.json(name)?;
        let text = json.scalar();
        if text.is_none() {
            self.note(name, "it is no text");
        }
        text
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let json = self.json(name)?;
        let flag = json.flag();
        if flag.is_none() {
            self.note(name, "it is neither true nor false");
        }
        flag
    }

    pub(super) fn time(&mut self, name: &str) -> Option<jiff::Timestamp> {
        let text = self.text(name)?;
        let time = text.parse().ok();
        if time.is_none() {
            self.note(name, "it is no time in RFC 3339");
        }
        time
    }

    /// Reads an object below this one.
    pub(super) fn object<T>(&mut self, name: &str, read: impl FnOnce(FieldReader<'a, '_>) -> T) -> Option<T> {
        let json = self.json(name)?;
        if json.kind() != JsonType::Object {
            self.note(name, "it is no object");
            return None;
        }
        Some(read(FieldReader::new(json, self.path_of(name), self.unread)))
    }

    /// Reads a list of objects below this one, as many as `most`.
    pub(super) fn list<T>(&mut self, name: &str, most: usize, read: impl Fn(FieldReader<'a, '_>) -> T) -> Vec<T> {
        let Some(json) = self.json(name) else { return Vec::new() };
        if json.kind() != JsonType::List {
            self.note(name, "it is no list");
            return Vec::new();
        }
        let (mut found, mut is_odd) = (Vec::new(), false);
        let mut elements = json.elements();
        for element in elements.by_ref().take(most) {
            if element.kind() == JsonType::Object {
                found.push(read(FieldReader::new(element, self.path_of(name), self.unread)));
            } else {
                is_odd = true;
            }
        }
        if is_odd {
            self.note(name, "it holds something that is no object");
        }
        if elements.next().is_some() {
            self.note(name, "it is too long: the rest was not read");
        }
        found
    }

    fn note(&mut self, name: &str, why: &'static str) {
        if self.unread.len() < UNREAD_MAX {
            let name: String = name.chars().take(100).collect();
            self.unread.push(Unread { field: self.path_of(&name), why });
        }
    }

    fn path_of(&self, name: &str) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("{}{dot}{name}", self.path)
    }
}
