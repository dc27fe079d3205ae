//! What differs in a resource, field by field, as the values that were compared. JSON is made of them where they leave
//! the program.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::estate::FieldValue;

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Such as `encryption.key`, `trust`, `inline.ReadOwnLogs`.
    pub path: String,
    /// What was observed; none where there was nothing.
    pub before: Option<FieldValue>,
    /// What is desired; none where it is taken away. A text that begins with `orgtrail:key-arn:` stands for a value
    /// that AWS will decide.
    pub after: Option<FieldValue>,
}

impl FieldChange {
    /// Returns what was observed as JSON; null where there was nothing.
    pub fn before_json(&self) -> Value {
        json(self.before.as_ref())
    }

    /// Returns what is desired as JSON; null where it is taken away.
    pub fn after_json(&self) -> Value {
        json(self.after.as_ref())
    }

    /// Returns the change back.
    pub(super) fn reverted(self) -> Self {
        Self { path: self.path, before: self.after, after: self.before }
    }
}

fn json(value: Option<&FieldValue>) -> Value {
    value.map_or(Value::Null, FieldValue::to_json)
}

/// The fields in which a resource differs from what is desired: at least one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<FieldChange>", into = "Vec<FieldChange>")]
pub struct Differences(Vec<FieldChange>);

impl Differences {
    /// Takes the fields that differ; none where there is none.
    pub fn of(fields: Vec<FieldChange>) -> Option<Self> {
        (!fields.is_empty()).then_some(Self(fields))
    }
}

impl Deref for Differences {
    type Target = [FieldChange];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Differences> for Vec<FieldChange> {
    fn from(fields: Differences) -> Self {
        fields.0
    }
}

impl TryFrom<Vec<FieldChange>> for Differences {
    type Error = &'static str;

    fn try_from(fields: Vec<FieldChange>) -> Result<Self, Self::Error> {
        Self::of(fields).ok_or("an update in which no field differs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_in_which_nothing_differs_cannot_be_read() {
        assert!(Differences::of(Vec::new()).is_none());
        let why = serde_json::from_str::<Differences>("[]").unwrap_err();
        assert!(why.to_string().contains("no field differs"), "{why}");
        let field =
            FieldChange { path: "versioning".into(), before: Some(FieldValue::Plain(false.into())), after: None };
        let fields = Differences::of(vec![field.clone()]).unwrap();
        let text = serde_json::to_string(&fields).unwrap();
        assert_eq!(serde_json::from_str::<Differences>(&text).unwrap(), fields);
        assert_eq!((field.before_json(), field.after_json()), (false.into(), Value::Null));
        assert_eq!(field.clone().reverted().reverted(), field);
    }
}
