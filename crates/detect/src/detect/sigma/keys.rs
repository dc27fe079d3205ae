//! Which values a field must have for a condition to match at all: the index in front of the rules.

use std::collections::BTreeSet;

use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SigmaValue};

/// A field that the index looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::detect) enum KeyField {
    /// `eventName`: the most telling.
    EventName,
    /// `errorCode`
    ErrorCode,
    /// `userIdentity.type`
    IdentityType,
    /// `eventSource`
    EventSource,
}

/// From the most telling to the least.
const FIELDS: [(KeyField, &str); 4] = [
    (KeyField::EventName, "eventName"),
    (KeyField::ErrorCode, "errorCode"),
    (KeyField::IdentityType, "userIdentity.type"),
    (KeyField::EventSource, "eventSource"),
];

/// A field of which every matching record has one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) struct NeededKeys {
    pub field: KeyField,
    /// In lower case: Sigma compares so.
    pub values: BTreeSet<String>,
}

/// Returns the most telling field of which a condition needs one of some values. `None`: it needs none for certain.
pub(super) fn needed(detections: &Detections) -> Option<NeededKeys> {
    FIELDS.into_iter().find_map(|(field, name)| {
        let sets = detections.conditions.iter().map(|condition| of_condition(condition, detections, name));
        Some(NeededKeys { field, values: union(sets)? })
    })
}

fn of_condition(condition: &ConditionExpr, detections: &Detections, field: &str) -> Option<BTreeSet<String>> {
    match condition {
        ConditionExpr::And(parts) => smallest(parts.iter().map(|part| of_condition(part, detections, field))),
        ConditionExpr::Or(parts) => union(parts.iter().map(|part| of_condition(part, detections, field))),
        ConditionExpr::Not(_) => None,
        ConditionExpr::Identifier(name) => of_detection(detections.named.get(name)?, field),
        ConditionExpr::Selector { quantifier, pattern } => {
            let meant = detections.named.iter().filter(|(name, _)| pattern.matches_detection_name(name));
            let sets = meant.map(|(_, detection)| of_detection(detection, field));
            match quantifier {
                Quantifier::All => smallest(sets),
                Quantifier::Any => union(sets),
                Quantifier::Count(_) => None,
            }
        }
    }
}

fn of_detection(detection: &Detection, field: &str) -> Option<BTreeSet<String>> {
    match detection {
        Detection::AllOf(items) => smallest(items.iter().map(|item| of_item(item, field))),
        Detection::And(parts) => smallest(parts.iter().map(|part| of_detection(part, field))),
        Detection::AnyOf(parts) => union(parts.iter().map(|part| of_detection(part, field))),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => None,
    }
}

fn of_item(item: &DetectionItem, field: &str) -> Option<BTreeSet<String>> {
    let is_plain = item.field.modifiers.iter().all(|modifier| *modifier == Modifier::Cased);
    if item.field.name.as_deref() != Some(field) || !is_plain {
        return None;
    }
    let values = item.values.iter().map(|value| match value {
        SigmaValue::String(text) => Some(text.as_plain()?.to_lowercase()).filter(|text| !text.is_empty()),
        _ => None,
    });
    values.collect()
}

/// Of several sets that all have to be met, the smallest decides.
fn smallest(sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    sets.flatten().min_by_key(BTreeSet::len)
}

/// Of several sets one has to be met.
fn union(sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    let sets: Vec<BTreeSet<String>> = sets.collect::<Option<_>>()?;
    Some(sets.into_iter().flatten().collect::<BTreeSet<_>>()).filter(|all| !all.is_empty())
}
