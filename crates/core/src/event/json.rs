//! JSON as it was delivered: a slice of the record's text, looked into without copying and without recursion.
//!
//! Records hold what callers wrote: any depth, any type in any field, integers beyond 2^53, a key twice. A [`Json`]
//! keeps the bytes, and gives the parts that somebody asks for.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

/// A text of a record, without its escapes.
pub type Text<'a> = Cow<'a, str>;

/// A valid JSON value, as the text that it was delivered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Json<'a>(&'a str);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true` or `false`
    Flag,
    /// A number of any size.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

impl<'a> Json<'a> {
    /// Reads a text that is one JSON value, of any depth.
    ///
    /// # Errors
    /// The parser's, for what is no JSON.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        // Passing over a value is a loop in serde_json, where building one is a recursion.
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(Self(text.trim_matches(is_blank)))
    }

    /// Takes a text that was found to be one JSON value already, without blanks around it.
    pub fn of_valid(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the bytes as delivered.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns what the value is.
    pub fn kind(self) -> JsonType {
        match self.0.as_bytes().first() {
            Some(b'{') => JsonType::Object,
            Some(b'[') => JsonType::List,
            Some(b'"') => JsonType::Text,
            Some(b't' | b'f') => JsonType::Flag,
            Some(b'n') => JsonType::Null,
            _ => JsonType::Number,
        }
    }

    /// Tells whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == JsonType::Null
    }

    /// Returns a string without its escapes. `None`: it is no string, or one that is no Unicode (half a surrogate
    /// pair).
    pub fn text(self) -> Option<Text<'a>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return serde_json::from_str(self.0).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(inner))
    }

    /// Returns a string, or a number or flag as it is written: the same field is now the one, now the other. `None`: it
    /// is neither.
    pub fn scalar(self) -> Option<Text<'a>> {
        match self.kind() {
            JsonType::Text => self.text(),
            JsonType::Number | JsonType::Flag => Some(Cow::Borrowed(self.0)),
            JsonType::Null | JsonType::List | JsonType::Object => None,
        }
    }

    /// Returns a flag, also one that is written as a string, as `mfaAuthenticated` is. `None`: it is neither.
    pub fn flag(self) -> Option<bool> {
        match self.scalar()?.as_ref() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Returns the fields of an object in their order, a repeated one each time; none for anything else. A field whose
    /// name is no Unicode is left out.
    pub fn fields(self) -> impl Iterator<Item = (Text<'a>, Json<'a>)> {
        let inner = if self.kind() == JsonType::Object { self.inside() } else { "" };
        let mut rest = inner;
        std::iter::from_fn(move || {
            let (name, behind) = next_value(rest)?;
            let (value, behind) = next_value(behind.trim_start_matches(is_blank).strip_prefix(':')?)?;
            rest = after_comma(behind);
            Some((name.text(), value))
        })
        .filter_map(|(name, value)| Some((name?, value)))
    }

    /// Returns the elements of an array; none for anything else.
    pub fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let mut rest = if self.kind() == JsonType::List { self.inside() } else { "" };
        std::iter::from_fn(move || {
            let (value, behind) = next_value(rest)?;
            rest = after_comma(behind);
            Some(value)
        })
    }

    /// Returns a field of an object; of a repeated one the last, as most readers do. `None`: there is none.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.fields().filter(|(field, _)| field == name).last().map(|(_, value)| value)
    }

    /// Returns what is at a path as metric filters write it: `sessionContext.attributes.mfaAuthenticated`,
    /// `resources[0].ARN`. `None`: there is nothing. A field whose name has a dot cannot be named.
    pub fn at(self, path: &str) -> Option<Json<'a>> {
        path.split('.').try_fold(self, |value, step| {
            let (name, indexes) = step.split_once('[').unwrap_or((step, ""));
            let value = if name.is_empty() && !indexes.is_empty() { value } else { value.get(name)? };
            let indexes = indexes.strip_suffix(']').unwrap_or(indexes);
            indexes.split("][").filter(|index| !index.is_empty()).try_fold(value, |value, index| {
                let index = index.parse().ok()?;
                value.elements().nth(index)
            })
        })
    }

    /// Returns the value, built. `None`: it is nested more than 127 levels deep, or holds a number or a text that
    /// serde_json cannot hold.
    pub fn value(self) -> Option<Value> {
        serde_json::from_str(self.0).ok()
    }

    /// Returns what stands between the first and the last character.
    fn inside(self) -> &'a str {
        self.0.get(1..self.0.len() - 1).unwrap_or_default()
    }
}

/// What JSON takes for blank.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn after_comma(text: &str) -> &str {
    let text = text.trim_start_matches(is_blank);
    text.strip_prefix(',').unwrap_or(text)
}

/// Takes the first value off a text that was found to be valid, with what stands behind it.
fn next_value(text: &str) -> Option<(Json<'_>, &str)> {
    let text = text.trim_start_matches(is_blank);
    let end = match text.as_bytes().first()? {
        b'"' => string_end(text.as_bytes(), 0)?,
        b'{' | b'[' => nested_end(text.as_bytes())?,
        _ => text.find(|c: char| is_blank(c) || matches!(c, ',' | '}' | ']')).unwrap_or(text.len()),
    };
    let (value, behind) = text.split_at_checked(end)?;
    (!value.is_empty()).then_some((Json(value), behind))
}

/// Returns where a string ends that begins at `start`: behind its closing quote.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Returns where an array or object ends: behind the bracket that closes its first.
fn nested_end(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json<'_> {
        Json::parse(text).unwrap()
    }

    #[test]
    fn fields_and_elements_are_found_whatever_stands_in_them() {
        let whole = json(" {\"a\" : [1, \"}\\\"]\" , {\"b\":null}] ,\"c\\u0064\":\"\\\\\", \"a\":{} } ");
        let fields: Vec<(String, &str)> = whole.fields().map(|(name, json)| (name.into(), json.as_str())).collect();
        let expected = [("a", "[1, \"}\\\"]\" , {\"b\":null}]"), ("cd", "\"\\\\\""), ("a", "{}")];
        assert_eq!(fields, expected.map(|(name, text)| (name.to_owned(), text)));
        let list: Vec<&str> = fields[0].1.parse::<Value>().unwrap().as_array().unwrap().iter().map(|_| "").collect();
        assert_eq!(json(fields[0].1).elements().count(), list.len());
        assert_eq!(whole.get("a").unwrap().as_str(), "{}", "the last of two");
        for empty in ["{}", "[]", "1", "\"\"", "null", "{ }", "[ ]"] {
            assert_eq!((json(empty).fields().count(), json(empty).elements().count()), (0, 0), "{empty}");
        }
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let whole = json(r#"{"a":{"b":[{"c":1},[2,3]]},"d.e":4}"#);
        let at = |path: &str| whole.at(path).map(Json::as_str);
        assert_eq!((at("a.b[0].c"), at("a.b[1][1]")), (Some("1"), Some("3")));
        assert_eq!(json("[[1,2]]").at("[0][1]").map(Json::as_str), Some("2"));
        for nothing in ["a.b[2]", "a.b[x]", "a.c", "d.e", "", "a..b", "[0]", "a.b[-1]"] {
            assert_eq!(at(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn texts_numbers_and_flags_are_read_as_they_come() {
        assert_eq!(json(r#""a\nb""#).text().as_deref(), Some("a\nb"));
        assert_eq!(json(r#""\ud800""#).text(), None, "half a pair");
        assert_eq!(json("9007199254740993").scalar().as_deref(), Some("9007199254740993"));
        assert_eq!(
            (json("\"true\"").flag(), json("false").flag(), json("\"yes\"").flag()),
            (Some(true), Some(false), None)
        );
        assert_eq!((json("null").scalar(), json("[1]").scalar()), (None, None));
    }

    #[test]
    fn what_is_nested_deeper_than_any_stack_is_passed_over() {
        let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let whole = json(&deep);
        assert_eq!(whole.get("b").unwrap().as_str(), "1");
        assert_eq!(whole.get("a").unwrap().value(), None);
        assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
    }
}
