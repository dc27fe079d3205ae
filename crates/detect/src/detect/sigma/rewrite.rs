//! Puts right what the evaluator does otherwise than Sigma: its `*` and `?` do not match the end of a line, which
//! documents in `requestParameters` (policies, user data) are full of.
//!
//! Source: Sigma specification, "Escaping" and "Wildcards": `*` is any number of any characters.

use rsigma_parser::{Detection, DetectionItem, Detections, Modifier, SigmaString, SigmaValue, SpecialChar, StringPart};

/// Modifiers beside which a value with wildcards is more than a pattern over the text of a field.
const LEFT_ALONE: [Modifier; 9] = [
    Modifier::Re,
    Modifier::Neq,
    Modifier::Base64,
    Modifier::Base64Offset,
    Modifier::Wide,
    Modifier::Utf16,
    Modifier::Utf16be,
    Modifier::WindAsh,
    Modifier::FieldRef,
];

/// Turns values with wildcards into regular expressions that go over lines.
pub(super) fn wildcards(detections: &mut Detections) {
    detections.named.values_mut().for_each(of_detection);
}

fn of_detection(detection: &mut Detection) {
    match detection {
        Detection::AllOf(items) => items.iter_mut().for_each(of_item),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter_mut().for_each(of_detection),
        Detection::ArrayMatch { body, .. } => of_detection(body),
        Detection::Conditional { named, .. } => named.values_mut().for_each(of_detection),
        // Words that are looked for everywhere have no modifiers; their wildcards stay within a line.
        Detection::Keywords(_) => {}
    }
}

fn of_item(item: &mut DetectionItem) {
    let has_wildcards = |value: &SigmaValue| matches!(value, SigmaValue::String(text) if text.contains_wildcards());
    let are_texts = item.values.iter().all(|value| matches!(value, SigmaValue::String(_)));
    let is_pattern = !LEFT_ALONE.iter().any(|modifier| item.field.has_modifier(*modifier));
    if !are_texts || !is_pattern || !item.values.iter().any(has_wildcards) {
        return;
    }
    let has = |modifier: Modifier| item.field.has_modifier(modifier);
    let from_start = !has(Modifier::Contains) && !has(Modifier::EndsWith);
    let to_end = !has(Modifier::Contains) && !has(Modifier::StartsWith);
    for value in &mut item.values {
        if let SigmaValue::String(text) = value {
            *value = SigmaValue::String(SigmaString::from_raw(&pattern(text, from_start, to_end)));
        }
    }
    let mut modifiers = vec![Modifier::Re, Modifier::DotAll];
    if !has(Modifier::Cased) {
        modifiers.push(Modifier::IgnoreCase);
    }
    if has(Modifier::All) {
        modifiers.push(Modifier::All);
    }
    item.field.modifiers = modifiers;
}

fn pattern(text: &SigmaString, from_start: bool, to_end: bool) -> String {
    let mut pattern = String::new();
    if from_start {
        pattern.push_str(r"\A");
    }
    for part in &text.parts {
        match part {
            StringPart::Plain(text) => pattern.push_str(&escaped(text)),
            StringPart::Special(SpecialChar::WildcardMulti) => pattern.push_str(".*"),
            StringPart::Special(SpecialChar::WildcardSingle) => pattern.push('.'),
        }
    }
    if to_end {
        pattern.push_str(r"\z");
    }
    pattern
}

/// Escapes what means something in a regular expression.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
