//! Rules for tags, wherever they stand (AWS General Reference, "Tag naming limits and requirements").

use std::collections::BTreeMap;

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::place::join;
use crate::config::schema::Config;

/// AWS takes 50 tags on a resource; ten of them are left to orgtrail.
const TAGS_MAX: usize = 50 - 10;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let common = &config.tags;
    let mut remarks = tags("/tags", common, &BTreeMap::new());
    remarks.extend(tags("/bucket/tags", &config.bucket.tags, common));
    for (n, trail) in config.trails.iter().enumerate() {
        remarks.extend(tags(&format!("/trails/{n}/tags"), &trail.tags, common));
    }
    remarks
}

fn tags(at: &str, own: &BTreeMap<String, String>, common: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let mut remarks: Vec<Diagnostic> = own.iter().filter_map(|(key, value)| tag(&join(at, key), key, value)).collect();
    let count = own.len() + common.keys().filter(|key| !own.contains_key(*key)).count();
    if count > TAGS_MAX && !own.is_empty() {
        let message = format!("a resource would bear {count} tags, {TAGS_MAX} are allowed beside those of orgtrail");
        remarks.push(Diagnostic::new(Code::WrongValue, at, message).on_name());
    }
    remarks
}

fn tag(at: &str, key: &str, value: &str) -> Option<Diagnostic> {
    let lower = key.to_lowercase();
    if let Some(prefix) = ["aws:", "orgtrail:"].iter().find(|prefix| lower.starts_with(**prefix)) {
        let keeper = if *prefix == "aws:" { "AWS" } else { "orgtrail" };
        let message = format!("tags that start with `{prefix}` are kept for {keeper}");
        return Some(Diagnostic::new(Code::BadName, at, message).on_name());
    }
    if let Some(why) = fault(key, 1, KEY_CHARS_MAX) {
        return Some(
            Diagnostic::new(Code::BadName, at, format!("{key:?} cannot be the key of a tag: {why}")).on_name(),
        );
    }
    let why = fault(value, 0, VALUE_CHARS_MAX)?;
    Some(Diagnostic::new(Code::WrongValue, at, format!("{value:?} cannot be the value of a tag: {why}")))
}

fn fault(text: &str, min: usize, max: usize) -> Option<String> {
    let length = text.chars().count();
    if !(min..=max).contains(&length) {
        return Some(format!("it has {}, {min} to {max} are allowed", crate::ids::characters(length)));
    }
    let allowed = |c: &char| c.is_alphanumeric() || *c == ' ' || "_.:/=+-@".contains(*c);
    let wrong = text.chars().find(|c| !allowed(c))?;
    Some(format!("the character {wrong:?} is not allowed"))
}
