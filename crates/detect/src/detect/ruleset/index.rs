//! Which rules have to look at a record: by the fields that a rule needs a value of, so that most records cost no more
//! than four looks into a table.

use std::collections::HashMap;

use crate::detect::rule::Rule;
use crate::detect::sigma::KeyField;
use crate::detect::view::is_unread;
use crate::event::{IdentityType, Record};

/// A step of a rule: the numbers of both.
pub(in crate::detect) type StepAt = (usize, usize);

/// The steps of rules by what they need.
#[derive(Debug, Clone, Default)]
pub(in crate::detect) struct RuleIndex {
    by_key: HashMap<KeyField, HashMap<String, Vec<StepAt>>>,
    /// Those that need no value of a field that is looked at.
    others: Vec<StepAt>,
}

impl RuleIndex {
    pub fn of(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (at, rule) in rules.iter().enumerate() {
            for (step_at, step) in rule.steps().iter().enumerate() {
                let Some(keys) = step.condition.keys() else {
                    index.others.push((at, step_at));
                    continue;
                };
                let by_value = index.by_key.entry(keys.field).or_default();
                for value in &keys.values {
                    by_value.entry(value.clone()).or_default().push((at, step_at));
                }
            }
        }
        index
    }

    /// Returns the steps that may match a record, in the order of the rules.
    pub fn candidates(&self, record: &Record<'_>) -> Vec<StepAt> {
        let mut found = self.others.clone();
        let values = [
            (KeyField::EventName, record.event_name.as_deref(), "eventName"),
            (KeyField::ErrorCode, record.error_code.as_deref(), "errorCode"),
            (KeyField::IdentityType, record.user_identity.kind.as_ref().map(IdentityType::as_str), "userIdentity.type"),
            (KeyField::EventSource, record.event_source.as_deref(), "eventSource"),
        ];
        for (field, value, path) in values {
            let Some(by_value) = self.by_key.get(&field) else { continue };
            match value {
                Some(value) => found.extend(by_value.get(lowered(value).as_ref()).into_iter().flatten()),
                // A list or an object: whoever looks into it has to decide.
                None if is_unread(record, path) => {
                    found.extend(by_value.values().flatten());
                }
                None => {}
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn lowered(text: &str) -> std::borrow::Cow<'_, str> {
    if text.bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_uppercase()) {
        text.to_lowercase().into()
    } else {
        text.into()
    }
}
