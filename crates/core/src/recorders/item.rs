//! Configuration items: what a resource was like at a time, as AWS Config recorded it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::RecordingFrequency;

/// The most bytes of a configuration that is compared.
pub const CONFIGURATION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How often a text with JSON in it may hold a text with JSON in it.
const TEXTS_MAX: usize = 3;

/// What a resource was like at a time (AWS Config API, `ConfigurationItem`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationItem {
    /// When AWS Config looked at the resource.
    pub captured: Timestamp,
    /// In AWS Config's words: `OK`, `ResourceDiscovered`, `ResourceDeleted`, `ResourceNotRecorded`.
    pub status: String,
    /// How often the resource is recorded. `None`: AWS Config does not say.
    pub frequency: Option<RecordingFrequency>,
    /// The state: `configuration`, `supplementaryConfiguration`, `tags`, `relationships`; null of a resource that was
    /// deleted.
    pub state: Value,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLookup {
    /// The type: `AWS::S3::Bucket`.
    pub resource_type: String,
    /// The resource's id, as AWS Config has it.
    pub resource_id: String,
    /// From when on. `None`: as long as AWS Config keeps items.
    pub from: Option<Timestamp>,
    /// Until when. `None`: the present.
    pub to: Option<Timestamp>,
}

/// The items of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemHistory {
    /// The items, in any order.
    pub items: Vec<ConfigurationItem>,
    /// Items that could not be read.
    pub unread: usize,
    /// There are older ones, which were not asked for.
    pub has_more: bool,
}

/// The parts of an item that change, as AWS Config answers them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenState<'a> {
    /// `configuration`: JSON as a text. `None`: there is none, as of a resource that was deleted.
    pub configuration: Option<&'a str>,
    /// `supplementaryConfiguration`: name -> JSON as a text.
    pub supplementary: Vec<(&'a str, &'a str)>,
    /// `tags`.
    pub tags: Vec<(&'a str, &'a str)>,
    /// `relationships`: what the resource is to another one, the other's type, and its id or name.
    pub relationships: Vec<(&'a str, &'a str, &'a str)>,
}

/// Says that an item cannot be compared: its configuration is no JSON, or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the configuration of an item is no JSON, or too large to be compared")]
pub struct BadItem;

impl WrittenState<'_> {
    /// Reads the state.
    ///
    /// # Errors
    /// [`BadItem`] where the configuration is no JSON, or larger than [`CONFIGURATION_BYTES_MAX`].
    pub fn read(&self) -> Result<Value, BadItem> {
        let supplementary: usize = self.supplementary.iter().map(|(_, text)| text.len()).sum();
        if self.configuration.map_or(0, str::len) + supplementary > CONFIGURATION_BYTES_MAX {
            return Err(BadItem);
        }
        let configuration = match self.configuration.filter(|text| !text.trim().is_empty()) {
            Some(text) => serde_json::from_str::<Value>(text).map_err(|_| BadItem)?,
            None => Value::Null,
        };
        let named = |(name, text): &(&str, &str)| ((*name).to_owned(), opened(Value::String((*text).to_owned()), 0));
        let supplementary: Map<String, Value> = self.supplementary.iter().map(named).collect();
        let tag = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::String((*value).to_owned()));
        let mut relationships: Vec<String> =
            self.relationships.iter().map(|(what, of, name)| format!("{what} {of} {name}")).collect();
        relationships.sort();
        let parts = [
            ("configuration", opened(configuration, 0)),
            ("supplementaryConfiguration", Value::Object(supplementary)),
            ("tags", Value::Object(self.tags.iter().map(tag).collect())),
            ("relationships", relationships.into()),
        ];
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Object(all) => all.is_empty(),
            Value::Array(all) => all.is_empty(),
            _ => false,
        };
        let parts: Map<String, Value> = parts
            .into_iter()
            .filter(|(_, value)| !is_empty(value))
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(if parts.is_empty() { Value::Null } else { Value::Object(parts) })
    }
}

/// Puts JSON in the place of texts that hold JSON, as policies do, also in the writing of URLs (IAM).
fn opened(value: Value, texts: usize) -> Value {
    match value {
        Value::String(text) => match inner(&text).filter(|_| texts < TEXTS_MAX) {
            Some(inner) => opened(inner, texts + 1),
            None => Value::String(text),
        },
        Value::Array(all) => all.into_iter().map(|one| opened(one, texts)).collect(),
        Value::Object(all) => all.into_iter().map(|(name, one)| (name, opened(one, texts))).collect(),
        other => other,
    }
}

/// Returns the document or the list that a text is.
fn inner(text: &str) -> Option<Value> {
    let of = |text: &str| serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array());
    match text.trim_start() {
        begin if begin.starts_with(['{', '[']) => of(text),
        begin if begin.starts_with("%7B") || begin.starts_with("%5B") => of(&url_decoded(text)?),
        _ => None,
    }
}

/// Reads the writing of URLs; none for what is not UTF-8 in it.
fn url_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn policies_in_texts_are_read_whichever_way_aws_config_writes_them() {
        let state = WrittenState {
            configuration: Some(
                r#"{"roleName":"deploy","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%7D","note":"{"}"#,
            ),
            supplementary: vec![
                ("BucketPolicy", r#"{"policyText":"{\"Version\":\"2012-10-17\"}"}"#),
                ("Plain", "true"),
            ],
            tags: vec![("team", "red")],
            relationships: vec![
                ("Is attached to", "AWS::IAM::Policy", "b"),
                ("Is attached to", "AWS::IAM::Policy", "a"),
            ],
        };
        let version = json!({"Version": "2012-10-17"});
        assert_eq!(
            state.read().unwrap(),
            json!({
                "configuration": {"roleName": "deploy", "assumeRolePolicyDocument": version, "note": "{"},
                "supplementaryConfiguration": {"BucketPolicy": {"policyText": version}, "Plain": "true"},
                "tags": {"team": "red"},
                "relationships": ["Is attached to AWS::IAM::Policy a", "Is attached to AWS::IAM::Policy b"],
            })
        );
        assert_eq!(WrittenState::default().read(), Ok(Value::Null));
    }

    #[test]
    fn what_is_broken_or_hostile_is_no_item_and_ends() {
        let read = |text: &str| WrittenState { configuration: Some(text), ..WrittenState::default() }.read();
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for broken in ["{", "nothing", "{\"a\":}", deep.as_str()] {
            assert_eq!(read(broken), Err(BadItem));
        }
        let large = format!("\"{}\"", "a".repeat(CONFIGURATION_BYTES_MAX));
        assert_eq!(read(&large), Err(BadItem));
        // A text in a text in a text …: read so far, and no further.
        let mut text = json!({"end": 1}).to_string();
        for _ in 0..8 {
            text = json!([text]).to_string();
        }
        let mut found = &read(&text).unwrap()["configuration"];
        let mut depth = 0;
        while found.is_array() {
            (found, depth) = (&found[0], depth + 1);
        }
        assert_eq!((depth, found.is_string()), (1 + TEXTS_MAX, true));
        for odd in ["%7B%", "%7B%2", "%7B%zz", "%7B%ff"] {
            let value = Value::String(odd.to_owned());
            assert_eq!(opened(value.clone(), 0), value);
        }
    }
}
