//! A record as rules look at it: its fields, and the parts that are made only where a rule asks for them.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::event::{Actor, Json, JsonType, Record};

/// Levels of a record that are built. What lies deeper is kept as a text, so that a rule still finds words in it:
/// whoever calls must not be able to hide a record behind brackets.
const DEPTH_MAX: usize = 64;

/// The field of ours that conditions know: the accounts that the request names and that are neither the one of the
/// record nor among those of the organization, as a list.
pub(super) const OUTSIDE_ACCOUNTS: &str = "orgtrail.outsideAccounts";

/// Accounts of one request that are taken up.
const ACCOUNTS_MAX: usize = 100;

/// A record, with what was asked of it.
pub(super) struct EventView<'r, 'a> {
    record: &'r Record<'a>,
    own_accounts: &'r BTreeSet<String>,
    value: OnceCell<Value>,
    actor: OnceCell<Actor>,
}

impl<'r, 'a> EventView<'r, 'a> {
    /// `own_accounts` are those of the organization, as far as they are known.
    pub fn of(record: &'r Record<'a>, own_accounts: &'r BTreeSet<String>) -> Self {
        Self { record, own_accounts, value: OnceCell::new(), actor: OnceCell::new() }
    }

    pub fn record(&self) -> &'r Record<'a> {
        self.record
    }

    /// Returns the whole record, built, with the fields of ours.
    pub fn value(&self) -> &Value {
        self.value.get_or_init(|| {
            let mut value = self.record.json.value().unwrap_or_else(|| built(self.record.json, DEPTH_MAX));
            if let Some(fields) = value.as_object_mut() {
                // A record that has such a field itself would answer in place of the program.
                fields.remove(OUTSIDE_ACCOUNTS);
                fields.remove("orgtrail");
                let accounts = self.outside_accounts();
                if !accounts.is_empty() {
                    fields.insert("orgtrail".to_owned(), json!({"outsideAccounts": accounts}));
                }
            }
            value
        })
    }

    fn outside_accounts(&self) -> BTreeSet<&'a str> {
        let Some(request) = self.record.request_parameters else { return BTreeSet::new() };
        let own = self.record.recipient_account_id.as_deref();
        let outside = accounts(request.as_str()).filter(|id| Some(*id) != own && !self.own_accounts.contains(*id));
        outside.take(ACCOUNTS_MAX).collect()
    }

    /// Returns who did it.
    pub fn actor(&self) -> &Actor {
        self.actor.get_or_init(|| Actor::of(self.record))
    }
}

/// Tells whether a record has something at a path that could not be read as a text.
pub(super) fn is_unread(record: &Record<'_>, path: &str) -> bool {
    let is_above = |field: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    record.unread.iter().any(|unread| is_above(&unread.field))
}

/// Returns what stands in a text as ids of accounts do: twelve digits that are a whole text or a part of an ARN, also
/// within a document that is itself a text.
fn accounts(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            let before = start.checked_sub(1).and_then(|before| bytes.get(before));
            let stands_alone =
                matches!(before, Some(b'"' | b':')) && matches!(bytes.get(at), Some(b'"' | b':' | b'\\'));
            if at - start == 12 && stands_alone {
                return text.get(start..at);
            }
            at = at.max(start + 1);
        }
        None
    })
}

/// Builds what can be built; the rest as the text that it was delivered as.
fn built(json: Json<'_>, depth: usize) -> Value {
    match json.kind() {
        JsonType::Object if depth > 0 => {
            let fields = json.fields().map(|(name, value)| (name.into_owned(), built(value, depth - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        JsonType::List if depth > 0 => Value::Array(json.elements().map(|value| built(value, depth - 1)).collect()),
        JsonType::Object | JsonType::List => Value::String(json.as_str().to_owned()),
        _ => json.value().unwrap_or_else(|| Value::String(json.as_str().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_built_whole_is_built_in_parts() {
        let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
        let text =
            format!(r#"{{"eventName":"StopLogging","requestParameters":{{"a":{deep},"b":1e999,"c":"\ud800"}}}}"#);
        let record = Record::read(&text).unwrap();
        let own = BTreeSet::new();
        let view = EventView::of(&record, &own);
        assert_eq!(record.json.value(), None, "serde_json cannot hold it");
        assert_eq!(view.value()["eventName"], "StopLogging");
        assert_eq!(view.value()["requestParameters"]["b"], "1e999");
        assert_eq!(view.value()["requestParameters"]["c"], "\"\\ud800\"");
    }

    #[test]
    fn accounts_outside_are_found_wherever_requests_name_them() {
        let request = r#"{"a":["111122223333","444455556666"],"b":"{\"AWS\":\"arn:aws:iam::777788889999:root\"}",
            "c":"arn:aws:lambda:eu-central-1:222233334444:layer:x:1","d":"{\"AWS\": \"333344445555\"}",
            "e":"x123456789012","f":1234567890123,"g":"snap-111111111111","h":123456789012,"i":"arn:aws:s3:::b"}"#;
        let text = format!(
            r#"{{"recipientAccountId":"111122223333","orgtrail":{{"outsideAccounts":["1"]}},
               "orgtrail.outsideAccounts":"2","requestParameters":{request}}}"#
        );
        let (record, own) = (Record::read(&text).unwrap(), BTreeSet::from(["444455556666".to_owned()]));
        let found = EventView::of(&record, &own).value()["orgtrail"]["outsideAccounts"].clone();
        assert_eq!(found, json!(["222233334444", "333344445555", "777788889999"]));
        assert_eq!(EventView::of(&record, &own).value().get(OUTSIDE_ACCOUNTS), None, "a record does not answer for us");
    }
}
