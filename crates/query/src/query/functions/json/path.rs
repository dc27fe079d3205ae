//! Paths into JSON as Trino reads them: `$.a.b[0]["x-y"]`, `$['a']`, `$.items[*].id`.

use datafusion::common::Result;
use orgtrail_core::event::{Json, JsonType};

use super::super::function::{refused, shown};

/// A path into JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A field of an object, or an element of a list.
    Name(String),
    /// Every field or element.
    All,
}

/// Values that a path with `[*]` may lead to.
const FOUND_MAX: usize = 100_000;

/// What is found at a path.
pub(super) enum Lookup<'a> {
    /// One value, as delivered.
    One(Json<'a>),
    /// What a path with `[*]` leads to.
    Several(Vec<Json<'a>>),
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// For what is none.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bad = || refused(format!("invalid JSON path: {}", shown(text)));
        let plain = text.trim_start().trim_start_matches("lax ").trim_start_matches("strict ").trim();
        let mut rest = plain.strip_prefix('$').ok_or_else(bad)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, behind) = match rest.strip_prefix('.') {
                Some(name) => dotted(name),
                None => bracketed(rest.strip_prefix('[').ok_or_else(bad)?),
            }
            .ok_or_else(bad)?;
            steps.push(step);
            rest = behind;
        }
        Ok(Self(steps))
    }

    /// Returns what is at the path. `None`: nothing.
    pub(super) fn find<'a>(&self, json: Json<'a>) -> Option<Lookup<'a>> {
        if !self.0.contains(&Step::All) {
            return self.0.iter().try_fold(json, at_step).map(Lookup::One);
        }
        let mut found = vec![json];
        for step in &self.0 {
            found = match step {
                Step::All => found.into_iter().flat_map(all).take(FOUND_MAX).collect(),
                Step::Name(_) => found.into_iter().filter_map(|json| at_step(json, step)).collect(),
            };
        }
        Some(Lookup::Several(found))
    }
}

fn all(json: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    json.elements().chain(json.fields().map(|(_, value)| value))
}

fn at_step<'a>(json: Json<'a>, step: &Step) -> Option<Json<'a>> {
    let Step::Name(name) = step else { return None };
    match json.kind() {
        JsonType::List => json.elements().nth(name.parse().ok()?),
        _ => json.get(name),
    }
}

fn dotted(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        return Some((Step::All, rest));
    }
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty()).then(|| (Step::Name(name.to_owned()), rest))
}

fn bracketed(text: &str) -> Option<(Step, &str)> {
    if text.starts_with(['"', '\'']) {
        let (step, rest) = quoted(text)?;
        return Some((step, rest.strip_prefix(']')?));
    }
    let (inner, rest) = text.split_once(']')?;
    match inner.trim() {
        "*" => Some((Step::All, rest)),
        index if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
            Some((Step::Name(index.trim_start_matches('0').to_owned()), rest)).map(|(step, rest)| match step {
                Step::Name(name) if name.is_empty() => (Step::Name("0".to_owned()), rest),
                other => (other, rest),
            })
        }
        name if name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':')) && !name.is_empty() => {
            Some((Step::Name(name.to_owned()), rest))
        }
        _ => None,
    }
}

/// Takes a name in quotes, in which `\` keeps the next character.
fn quoted(text: &str) -> Option<(Step, &str)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next()?;
    let mut name = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            c if c == quote => return Some((Step::Name(name), text.get(at + c.len_utf8()..)?)),
            c => name.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, json: &str) -> String {
        match Path::parse(path).unwrap().find(Json::parse(json).unwrap()) {
            None => "-".to_owned(),
            Some(Lookup::One(json)) => json.as_str().to_owned(),
            Some(Lookup::Several(all)) => all.iter().map(|json| json.as_str()).collect::<Vec<_>>().join("|"),
        }
    }

    #[test]
    fn paths_lead_where_trino_leads_them() {
        let json = r#"{"a":{"b":[{"x-y":1},{"x-y":2}]},"c d":"e","aws:kms":{"k":3},"n":null}"#;
        for (path, expected) in [
            ("$", json),
            ("$.a.b[0]['x-y']", "1"),
            ("$.a.b[1][\"x-y\"]", "2"),
            ("$.a.b.1.x-y", "2"),
            ("$['c d']", "\"e\""),
            ("$.\"c d\"", "\"e\""),
            ("$[\"aws:kms\"].k", "3"),
            ("$.a.b[*].x-y", "1|2"),
            ("$.a.*", r#"[{"x-y":1},{"x-y":2}]"#),
            ("$.a.b[2]", "-"),
            ("$.a.x.y", "-"),
            ("$.n", "null"),
            ("lax $.a.b[00].x-y", "1"),
        ] {
            assert_eq!(found(path, json), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a", "$.", "$..a", "$[", "$['a", "$[a b]", "$x", "$[-1", "$.a["] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }
}
