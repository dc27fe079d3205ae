//! How a configuration names accounts: by organizational unit, tag, id or name.
//!
//! What belongs here: the selectors as plain data, their text form and what one pattern matches. Which accounts of an
//! organization are chosen, and why, is decided elsewhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::AccountId;

/// One way to name accounts, written `ou:/path/**`, `ou:ou-ab12-11111111/**`, `tag:key=value`, `id:123456789012` or
/// `name:pattern`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// Accounts whose organizational unit lies at a path.
    Ou(OuPattern),
    /// Accounts that bear a tag.
    Tag {
        /// The tag's key, compared exactly.
        key: String,
        /// The tag's value; AWS allows neither `*` nor `?` in one, so a pattern is never ambiguous.
        value: Glob,
    },
    /// One account.
    Id(AccountId),
    /// Accounts by their name in the organization.
    Name(Glob),
}

impl Selector {
    /// Tells whether the accounts' tags must be read before this selector can be answered.
    pub fn needs_tags(&self) -> bool {
        matches!(self, Selector::Tag { .. })
    }
}

/// Says why a text is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a selector: {why}")]
pub struct BadSelector {
    /// The text as given.
    pub text: String,
    /// The rule that it breaks, and how to write it instead.
    pub why: String,
}

/// A pattern over names: `*` stands for any run of characters, `?` for one; everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Glob(String);

impl Glob {
    /// Makes a pattern; every text is one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the whole of `text` fits the pattern. Capitals count.
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where the last `*` stands and how much of the text it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(&c) if c == '?' || c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        t = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&c| c == '*')
    }
}

/// A pattern over the path of organizational units from the root, such as `/Workloads/**`.
///
/// `/` is the root itself, `/Workloads` the unit alone, `/Workloads/**` the unit and all below it, `/*` every unit
/// right below the root. `*` and `?` match within one name. A name may hold any letter, a slash too; such a unit is
/// written by its id, from which the path goes on: `ou-ab12-11111111/**`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OuPattern {
    /// The id of the unit or root from which the steps go down; none for the root.
    pub from: Option<String>,
    /// The pattern's steps, from there down.
    pub steps: Vec<OuStep>,
}

/// One step of a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OuStep {
    /// One unit whose name fits.
    Name(Glob),
    /// `**`: any number of units, also none.
    AnyDepth,
}

impl OuPattern {
    /// `/**`: every unit.
    pub fn everything() -> Self {
        Self { from: None, steps: vec![OuStep::AnyDepth] }
    }

    /// Tells whether a path fits: the units from the root down to an account's own, each by its id and its name; the
    /// root is the first.
    pub fn matches_path<'a>(&self, path: &'a [String], name_of: impl Fn(&'a str) -> &'a str) -> bool {
        let start = match &self.from {
            None => Some(0),
            Some(from) => path.iter().position(|id| id == from),
        };
        let Some(below) = start.and_then(|start| path.get(start + 1..)) else {
            // An account whose path is not known is under the root, as far as anybody can tell.
            return path.is_empty() && self.from.is_none() && self.matches::<&str>(&[]);
        };
        self.matches(&below.iter().map(|id| name_of(id)).collect::<Vec<_>>())
    }

    /// Tells whether the names of the units from where the pattern begins down to an account's own unit fit its steps.
    pub fn matches<S: AsRef<str>>(&self, units: &[S]) -> bool {
        // `reached[n]`: the steps so far can account for the first n units.
        let mut reached = vec![false; units.len() + 1];
        reached[0] = true;
        for step in &self.steps {
            reached = match step {
                OuStep::AnyDepth => {
                    let first = reached.iter().position(|&r| r).unwrap_or(reached.len());
                    (0..reached.len()).map(|n| n >= first).collect()
                }
                OuStep::Name(name) => {
                    (0..reached.len()).map(|n| n > 0 && reached[n - 1] && name.matches(units[n - 1].as_ref())).collect()
                }
            };
        }
        reached[units.len()]
    }
}

impl FromStr for Selector {
    type Err = BadSelector;
    fn from_str(text: &str) -> Result<Self, BadSelector> {
        let bad = |why: String| BadSelector { text: text.to_owned(), why };
        let Some((kind, rest)) = text.split_once(':') else {
            return Err(bad(no_kind(text)));
        };
        match kind {
            "ou" => ou_pattern(rest).map(Selector::Ou).map_err(bad),
            "tag" => tag(rest).map_err(bad),
            "id" => rest.parse().map(Selector::Id).map_err(|e: crate::ids::BadId| bad(e.to_string())),
            "name" if rest.is_empty() => {
                Err(bad("a name or a pattern must follow `name:`, as in `name:prod-*`".into()))
            }
            "name" => Ok(Selector::Name(Glob::new(rest))),
            _ => {
                Err(bad(format!("{kind:?} is no kind of selector; it must start with `ou:`, `tag:`, `id:` or `name:`")))
            }
        }
    }
}

/// Guesses what somebody meant who wrote no kind.
fn no_kind(text: &str) -> String {
    if text.starts_with('/') {
        format!("a path of organizational units is written `ou:{text}`")
    } else if text.parse::<AccountId>().is_ok() {
        format!("an account's id is written `id:{text}`")
    } else {
        "it must start with `ou:`, `tag:`, `id:` or `name:`".into()
    }
}

fn ou_pattern(path: &str) -> Result<OuPattern, String> {
    if let Some(rest) = path.strip_prefix('/') {
        let steps = if rest.is_empty() { Vec::new() } else { ou_steps(rest)? };
        return Ok(OuPattern { from: None, steps });
    }
    let (id, rest) = path.split_once('/').map_or((path, None), |(id, rest)| (id, Some(rest)));
    if !is_unit_id(id) {
        return Err("the path must start at the root, as in `ou:/Workloads/**`, or at the id of a unit, as in \
                    `ou:ou-ab12-11111111/**`"
            .into());
    }
    let steps = rest.map_or(Ok(Vec::new()), ou_steps)?;
    Ok(OuPattern { from: Some(id.to_owned()), steps })
}

/// Tells whether a text is the id of a root or a unit (Organizations API, `ParentId`).
fn is_unit_id(text: &str) -> bool {
    let is_part = |part: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if let Some(root) = text.strip_prefix("r-") {
        return is_part(root, 4..=32);
    }
    let parts = text.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(root, unit)| is_part(root, 4..=32) && is_part(unit, 8..=32))
}

fn ou_steps(rest: &str) -> Result<Vec<OuStep>, String> {
    rest.split('/').map(ou_step).collect()
}

fn ou_step(name: &str) -> Result<OuStep, String> {
    match name {
        "" => Err("there is an empty name between two slashes or at the end of the path".into()),
        "**" => Ok(OuStep::AnyDepth),
        _ if name.contains("**") => {
            Err(format!("`**` must stand alone between two slashes, {name:?} has more; use `*` within a name"))
        }
        _ => Ok(OuStep::Name(Glob::new(name))),
    }
}

fn tag(rest: &str) -> Result<Selector, String> {
    match rest.split_once('=') {
        Some(("", _)) => Err("the tag's key is missing, write `tag:key=value`".into()),
        Some((key, value)) => Ok(Selector::Tag { key: key.to_owned(), value: Glob::new(value) }),
        None => Err(format!("the tag's value is missing, write `tag:{rest}=value`, or `tag:{rest}=*` for any value")),
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OuPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(id) => f.write_str(id)?,
            None if self.steps.is_empty() => return f.write_str("/"),
            None => {}
        }
        self.steps.iter().try_for_each(|step| match step {
            OuStep::Name(name) => write!(f, "/{name}"),
            OuStep::AnyDepth => f.write_str("/**"),
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Ou(path) => write!(f, "ou:{path}"),
            Selector::Tag { key, value } => write!(f, "tag:{key}={value}"),
            Selector::Id(id) => write!(f, "id:{id}"),
            Selector::Name(name) => write!(f, "name:{name}"),
        }
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(text: &str) -> Selector {
        text.parse().unwrap()
    }

    fn ou_matches(pattern: &str, path: &str) -> bool {
        let units: Vec<&str> = path.split('/').filter(|u| !u.is_empty()).collect();
        match selector(&format!("ou:{pattern}")) {
            Selector::Ou(ou) => ou.matches(&units),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn selectors_print_as_they_were_written() {
        for text in [
            "ou:/",
            "ou:/**",
            "ou:/Work loads/*/**",
            "ou:ou-ab12-11111111",
            "ou:ou-ab12-11111111/**",
            "ou:r-ab12/Work loads/**",
            "tag:env=prod",
            "tag:a=b=c",
            "tag:env=*",
            "id:012345678901",
            "name:prod-*",
        ] {
            assert_eq!(selector(text).to_string(), text);
        }
    }

    #[test]
    fn a_wrong_selector_says_how_to_write_it() {
        for (text, part) in [
            ("/Workloads", "is written `ou:/Workloads`"),
            ("123456789012", "is written `id:123456789012`"),
            ("prod", "must start with `ou:`"),
            ("unit:/a", "\"unit\" is no kind of selector"),
            ("ou:Workloads", "start at the root"),
            ("ou:ou-ab12", "`ou:ou-ab12-11111111/**`"),
            ("ou:ou-ab12-11111111/", "empty name"),
            ("ou:/a//b", "empty name"),
            ("ou:/a/", "empty name"),
            ("ou:/a**", "must stand alone"),
            ("tag:env", "`tag:env=*`"),
            ("tag:=x", "key is missing"),
            ("id:12", "12 digits"),
            ("name:", "`name:prod-*`"),
        ] {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn globs_match_whole_names() {
        let yes =
            [("*", ""), ("prod-*", "prod-1"), ("*-prod", "a-b-prod"), ("a?c", "aéc"), ("a*b*c", "axxbyyc"), ("", "")];
        let no = [("prod", "prod-1"), ("a?c", "ac"), ("a*b", "abc"), ("Prod", "prod"), ("", "a"), ("?", "")];
        for (pattern, text) in yes {
            assert!(Glob::new(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in no {
            assert!(!Glob::new(pattern).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn unit_patterns_match_paths_from_the_root() {
        for (pattern, path) in [
            ("/", ""),
            ("/**", ""),
            ("/**", "A/B/C"),
            ("/A", "A"),
            ("/A/**", "A"),
            ("/A/**", "A/B/C"),
            ("/**/C", "A/B/C"),
            ("/A/*", "A/B"),
            ("/A/**/D", "A/B/C/D"),
            ("/A/**/D", "A/D"),
        ] {
            assert!(ou_matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/", "A"),
            ("/A", "A/B"),
            ("/A/**", "AB"),
            ("/A/*", "A"),
            ("/A/*", "A/B/C"),
            ("/a", "A"),
            ("/**/D", "A/D/E"),
        ] {
            assert!(!ou_matches(pattern, path), "{pattern} {path}");
        }
    }
}
