//! The fields of a resource as a plan compares and prints them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::{Aliases, PolicyDocument, same_meaning};

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// One field: its path within the resource and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Such as `encryption.key` or `inline.ReadLogs`.
    pub path: String,
    /// The value, in the form in which it is compared.
    pub value: FieldValue,
}

/// A value, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// Equal or not.
    Plain(Value),
    /// Compared by meaning; nothing where there is no policy.
    Policy(Option<PolicyDocument>),
    /// A set of texts. As a wish it must be met exactly.
    Exactly(BTreeSet<String>),
    /// A set of texts. As a wish it is met by any larger set: what others added stays.
    AtLeast(BTreeSet<String>),
    /// Tags. As a wish they are met by any larger set: what others added stays.
    Tags(Tags),
}

impl Field {
    /// Makes a field of anything that JSON can say.
    pub fn plain(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { path: path.into(), value: FieldValue::Plain(value.into()) }
    }

    /// Makes a field that holds a policy.
    pub fn policy(path: impl Into<String>, policy: &PolicyDocument) -> Self {
        Self { path: path.into(), value: FieldValue::Policy(Some(policy.clone())) }
    }

    /// Makes a field of tags.
    pub fn tags(tags: &Tags) -> Self {
        Self { path: "tags".into(), value: FieldValue::Tags(tags.clone()) }
    }
}

impl FieldValue {
    /// Tells whether `observed` is what this value, as a wish, asks for.
    pub fn is_met_by(&self, observed: &FieldValue, aliases: &Aliases) -> bool {
        match (self, observed) {
            (FieldValue::Plain(wish), FieldValue::Plain(seen)) => {
                wish == seen || translated(wish, aliases) == translated(seen, aliases)
            }
            (FieldValue::Policy(wish), FieldValue::Policy(seen)) => match (wish, seen) {
                (Some(wish), Some(seen)) => same_meaning(wish, seen, aliases),
                (wish, seen) => wish.is_none() && seen.is_none(),
            },
            (FieldValue::Exactly(wish), FieldValue::Exactly(seen)) => wish == seen,
            (FieldValue::AtLeast(wish), FieldValue::AtLeast(seen)) => wish.is_subset(seen),
            (FieldValue::Tags(wish), FieldValue::Tags(seen)) => wish.iter().all(|(k, v)| seen.get(k) == Some(v)),
            _ => false,
        }
    }

    /// Tells whether a value says no more than that there is nothing, so that a creation need not list it.
    pub fn is_nothing(&self) -> bool {
        match self {
            FieldValue::Plain(value) => match value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                Value::Array(list) => list.is_empty(),
                _ => false,
            },
            FieldValue::Policy(policy) => policy.is_none(),
            FieldValue::Exactly(set) | FieldValue::AtLeast(set) => set.is_empty(),
            FieldValue::Tags(tags) => tags.is_empty(),
        }
    }

    /// Returns the value as JSON, for reports and saved plans.
    pub fn to_json(&self) -> Value {
        match self {
            FieldValue::Plain(value) => value.clone(),
            FieldValue::Policy(policy) => policy.as_ref().map_or(Value::Null, PolicyDocument::to_value),
            FieldValue::Exactly(set) | FieldValue::AtLeast(set) => set.iter().cloned().collect::<Vec<_>>().into(),
            FieldValue::Tags(tags) => tags.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect(),
        }
    }
}

fn translated(value: &Value, aliases: &Aliases) -> Value {
    match value {
        Value::String(text) => aliases.get(text).map_or_else(|| value.clone(), |arn| Value::String(arn.clone())),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_others_are_no_drift() {
        let tags = |pairs: &[(&str, &str)]| {
            FieldValue::Tags(pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
        };
        let wish = tags(&[("a", "1")]);
        assert!(wish.is_met_by(&tags(&[("a", "1"), ("team", "x")]), &Aliases::new()));
        assert!(!wish.is_met_by(&tags(&[("a", "2")]), &Aliases::new()));
        assert!(!wish.is_met_by(&tags(&[]), &Aliases::new()));
    }

    #[test]
    fn a_key_alias_is_its_arn() {
        let aliases = Aliases::from([("alias/logs".to_owned(), "arn:aws:kms:x:1:key/k".to_owned())]);
        let wish = FieldValue::Plain("arn:aws:kms:x:1:key/k".into());
        assert!(wish.is_met_by(&FieldValue::Plain("alias/logs".into()), &aliases));
        assert!(!wish.is_met_by(&FieldValue::Plain("alias/other".into()), &aliases));
    }
}
