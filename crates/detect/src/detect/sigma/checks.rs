//! What a Sigma rule must not say: things that the parser or the evaluator passes over, so that the rule would never
//! ring, or would ring for something else than its author meant.

use std::collections::BTreeSet;

use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Detections, Modifier, SelectorPattern, SigmaRule};
use serde_json::Value;

use crate::detect::field::unknown_field;

/// Selections of a rule.
const SELECTIONS_MAX: usize = 200;

/// Returns what is wrong with the text of a rule's `detection`, before it is parsed.
pub(super) fn of_text(detection: &Value) -> Vec<String> {
    let Some(fields) = detection.as_object() else { return vec!["`detection` is no map".to_owned()] };
    let mut problems = Vec::new();
    if fields.len() > SELECTIONS_MAX {
        problems.push(format!("it has more than {SELECTIONS_MAX} selections"));
    }
    if fields.contains_key("timeframe") {
        problems.push("`timeframe` is of an earlier Sigma: write a correlation with `timespan`".to_owned());
    }
    if !fields.contains_key("condition") {
        problems.push("`condition` is missing".to_owned());
    }
    for (name, value) in fields.iter().filter(|(name, _)| *name != "condition") {
        of_value(name, value, &mut problems);
    }
    problems
}

/// Says where a list or map stands in place of a value: it would be compared as its own description.
fn of_value(name: &str, value: &Value, problems: &mut Vec<String>) {
    match value {
        Value::Object(fields) if fields.is_empty() => problems.push(format!("`{name}` is empty")),
        Value::Array(items) if items.is_empty() => problems.push(format!("`{name}` is empty")),
        Value::Object(fields) => {
            for (field, value) in fields {
                let is_element = field.split('|').next().is_some_and(|path| path.ends_with(']'));
                match value {
                    Value::Object(_) if !is_element => {
                        problems.push(format!("`{field}` has a map in place of a value: write its path with dots"));
                    }
                    Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                        problems.push(format!("`{field}` has a list or a map among its values"));
                    }
                    Value::Array(items) if items.is_empty() => problems.push(format!("`{field}` has no value")),
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for item in items.iter().filter(|item| item.is_object()) {
                of_value(name, item, problems);
            }
        }
        _ => {}
    }
}

/// Returns what is wrong with a rule that was parsed.
pub(super) fn of_rule(rule: &SigmaRule) -> Vec<String> {
    let mut problems = Vec::new();
    let detections = &rule.detection;
    let names: BTreeSet<&str> = detections.named.keys().map(String::as_str).collect();
    for condition in &detections.conditions {
        of_condition(condition, &names, &mut problems);
    }
    let mut items = Vec::new();
    named(detections).for_each(|(_, detection)| top_items(detection, &mut items));
    for item in items {
        of_item(item, &mut problems);
    }
    problems
}

/// Returns the selections in the order of their names: the parser has them in none.
pub(super) fn named(detections: &Detections) -> impl Iterator<Item = (&String, &Detection)> {
    let mut named: Vec<_> = detections.named.iter().collect();
    named.sort_by_key(|(name, _)| name.as_str());
    named.into_iter()
}

fn of_condition(condition: &ConditionExpr, names: &BTreeSet<&str>, problems: &mut Vec<String>) {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().for_each(|part| of_condition(part, names, problems));
        }
        ConditionExpr::Not(part) => of_condition(part, names, problems),
        ConditionExpr::Identifier(name) => {
            if !names.contains(name.as_str()) {
                let near = crate::config::suggest::nearest(name, names.iter().copied());
                let instead = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                problems.push(format!("the condition names `{name}`, which is no selection of the rule{instead}"));
            }
        }
        ConditionExpr::Selector { pattern, .. } => {
            if !names.iter().any(|name| pattern.matches_detection_name(name)) {
                let pattern = match pattern {
                    SelectorPattern::Them => "them",
                    SelectorPattern::Pattern(pattern) => pattern,
                };
                problems.push(format!("the condition names `{pattern}`, which is no selection of the rule"));
            }
        }
    }
}

/// Collects the items whose fields are paths of the record; within elements of a list they begin there.
fn top_items<'d>(detection: &'d Detection, found: &mut Vec<&'d DetectionItem>) {
    match detection {
        Detection::AllOf(items) => found.extend(items),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().for_each(|part| top_items(part, found)),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {}
    }
}

fn of_item(item: &DetectionItem, problems: &mut Vec<String>) {
    let Some(name) = item.field.name.as_deref() else { return };
    problems.extend(unknown_field(name));
    if item.field.has_modifier(Modifier::Expand) {
        problems
            .push(format!("`{name}|expand` needs values from outside of the rule, which this program does not have"));
    }
    // The evaluator looks at these first, and would drop `neq`.
    let operators = [Modifier::Re, Modifier::Cidr, Modifier::Gt, Modifier::Gte, Modifier::Lt, Modifier::Lte];
    if item.field.has_modifier(Modifier::Neq) && operators.iter().any(|other| item.field.has_modifier(*other)) {
        problems.push(format!("`{name}` has `neq` beside another comparison: negate it in the condition"));
    }
}
