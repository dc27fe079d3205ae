//! Rules for advanced event selectors (CloudTrail API, `AdvancedEventSelector` and `AdvancedFieldSelector`).

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::schema::{AdvancedSelector, Config, FieldSelector, SelectorField, TrailConfig};

/// CloudTrail's limit for the values of all conditions of a trail (CloudTrail user guide, "Quotas").
const VALUES_MAX: usize = 500;

/// A category of events that the list `data_events` may choose from.
struct Category {
    name: &'static str,
    required: SelectorField,
    allowed: &'static [SelectorField],
}

const CATEGORIES: [Category; 2] = [
    Category {
        name: "Data",
        required: SelectorField::ResourcesType,
        allowed: &[
            SelectorField::EventCategory,
            SelectorField::EventName,
            SelectorField::EventSource,
            SelectorField::EventType,
            SelectorField::ResourcesArn,
            SelectorField::ResourcesType,
            SelectorField::ReadOnly,
            SelectorField::SessionCredentialFromConsole,
            SelectorField::UserIdentityArn,
        ],
    },
    Category {
        name: "NetworkActivity",
        required: SelectorField::EventSource,
        allowed: &[
            SelectorField::EventCategory,
            SelectorField::EventSource,
            SelectorField::EventName,
            SelectorField::ErrorCode,
            SelectorField::VpcEndpointId,
        ],
    },
];

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    for (n, trail) in config.trails.iter().enumerate() {
        let at = format!("/trails/{n}/data_events");
        remarks.extend(too_many_values(&at, trail));
        for (m, selector) in trail.data_events.iter().enumerate() {
            let at = format!("{at}/{m}");
            remarks.extend(category(&at, selector));
            remarks.extend(repeated_fields(&at, selector));
            for (k, condition) in selector.field_selectors.iter().enumerate() {
                let at = format!("{at}/field_selectors/{k}");
                remarks.extend(operators(&at, condition));
                remarks.extend(wildcards(&at, condition));
            }
        }
    }
    remarks
}

/// Counts what orgtrail adds for management events too: category, read or write, excluded sources.
fn too_many_values(at: &str, trail: &TrailConfig) -> Option<Diagnostic> {
    let events = &trail.management_events;
    let management = match (events.read, events.write) {
        (false, false) => 0,
        (true, true) => 1 + events.exclude.len(),
        _ => 2 + events.exclude.len(),
    };
    let chosen: usize = trail.data_events.iter().flat_map(|s| &s.field_selectors).map(FieldSelector::value_count).sum();
    if trail.data_events.is_empty() || chosen + management <= VALUES_MAX {
        return None;
    }
    let message = format!(
        "the selectors have {chosen} values and management events {management} more; CloudTrail takes {VALUES_MAX} in a trail"
    );
    let remark = Diagnostic::new(Code::WrongValue, at, message).on_name();
    Some(remark.help("choose by `starts_with` instead of single values, or spread them over two trails"))
}

fn category(at: &str, selector: &AdvancedSelector) -> Vec<Diagnostic> {
    let find = |field| selector.field_selectors.iter().position(|condition| condition.field == field);
    let Some(place) = find(SelectorField::EventCategory) else {
        let remark =
            Diagnostic::new(Code::MissingField, at, "the selector does not say which category of events it chooses");
        return vec![remark.on_name().help("add `{field: eventCategory, equals: [Data]}`")];
    };
    let equals = &selector.field_selectors[place].equals;
    let known = CATEGORIES.iter().find(|category| equals.iter().map(String::as_str).eq([category.name]));
    let Some(category) = known else {
        return vec![wrong_category(&format!("{at}/field_selectors/{place}"), equals)];
    };
    let mut remarks = Vec::new();
    if find(category.required).is_none() {
        let (name, field) = (category.name, category.required.as_str());
        let remark =
            Diagnostic::new(Code::MissingField, at, format!("a selector of {name} events needs the field `{field}`"));
        remarks.push(remark.on_name().help(match category.required {
            SelectorField::ResourcesType => "add `{field: resources.type, equals: [\"AWS::S3::Object\"]}`",
            _ => "add `{field: eventSource, equals: [s3.amazonaws.com]}`",
        }));
    }
    for (k, condition) in selector.field_selectors.iter().enumerate() {
        if !category.allowed.contains(&condition.field) {
            let at = format!("{at}/field_selectors/{k}/field");
            let message = format!("{} events cannot be chosen by `{}`", category.name, condition.field.as_str());
            let allowed: Vec<&str> = category.allowed.iter().map(|field| field.as_str()).collect();
            remarks.push(
                Diagnostic::new(Code::Conflict, at, message).help(format!("the fields are {}", allowed.join(", "))),
            );
        }
    }
    remarks
}

fn wrong_category(at: &str, equals: &[String]) -> Diagnostic {
    let remark = Diagnostic::new(Code::WrongValue, at, "`eventCategory` must equal `Data` or `NetworkActivity`");
    if equals.iter().any(|value| value == "Management") {
        return remark.help("management events are chosen with `management_events`");
    }
    remark.help("write `{field: eventCategory, equals: [Data]}`")
}

/// CloudTrail takes one condition for a field, with all its operators.
fn repeated_fields(at: &str, selector: &AdvancedSelector) -> impl Iterator<Item = Diagnostic> {
    let conditions = &selector.field_selectors;
    conditions.iter().enumerate().filter_map(move |(k, condition)| {
        let first = conditions[..k].iter().position(|earlier| earlier.field == condition.field)?;
        let message = format!("the selector has two conditions for `{}`", condition.field.as_str());
        let remark = Diagnostic::new(Code::Conflict, format!("{at}/field_selectors/{k}/field"), message);
        let remark = remark.because(format!("{at}/field_selectors/{first}/field"), "first here");
        Some(remark.help("put all operators and values into one condition, or make a second selector"))
    })
}

fn operators(at: &str, condition: &FieldSelector) -> Option<Diagnostic> {
    let field = condition.field.as_str();
    if condition.value_count() == 0 {
        let remark = Diagnostic::new(Code::MissingField, at, format!("the condition for `{field}` has no values"));
        return Some(remark.help("add an operator with values, such as `equals: [...]`"));
    }
    let only_equals = matches!(
        condition.field,
        SelectorField::EventCategory | SelectorField::ReadOnly | SelectorField::ResourcesType
    );
    if only_equals && condition.equals.len() != condition.value_count() {
        let message = format!("`{field}` can only be compared with `equals`");
        return Some(Diagnostic::new(Code::Conflict, at, message).help("use `equals`, or choose by another field"));
    }
    let wrong = match condition.field {
        SelectorField::ReadOnly => condition.equals.iter().find(|value| !matches!(value.as_str(), "true" | "false")),
        _ => None,
    };
    if let Some(value) = wrong {
        let remark = Diagnostic::new(Code::WrongValue, at, format!("`readOnly` cannot be {value:?}"));
        return Some(remark.help("write `equals: [\"true\"]` or `equals: [\"false\"]`"));
    }
    if only_equals && condition.equals.len() > 1 {
        let remark = Diagnostic::new(Code::WrongValue, at, format!("`{field}` can have one value only"));
        return Some(remark.help("make a selector of its own for each value"));
    }
    None
}

/// CloudTrail knows no wildcards in selectors: what has one fits nothing.
fn wildcards(at: &str, condition: &FieldSelector) -> Vec<Diagnostic> {
    let found = condition.by_operator().into_iter().flat_map(|(operator, values)| {
        let wild = values.iter().enumerate().filter(|(_, value)| value.contains(['*', '?']));
        wild.map(move |(n, value)| {
            let message = format!("{value:?} has a wildcard, which CloudTrail takes literally: it fits nothing");
            let remark = Diagnostic::new(Code::WrongValue, format!("{at}/{operator}/{n}"), message);
            remark.help(instead_of_wildcard(operator, value))
        })
    });
    found.collect()
}

/// What means the same without a wildcard, as far as there is such a thing.
fn instead_of_wildcard(operator: &str, value: &str) -> String {
    let not = if operator.starts_with("not_") { "not_" } else { "" };
    let before = value.split(['*', '?']).next().unwrap_or_default();
    let after = value.rsplit(['*', '?']).next().unwrap_or_default();
    match (before, after) {
        ("", "") => "list the values one by one, or leave the condition out to take all".into(),
        ("", after) if !operator.ends_with("starts_with") => format!("write `{not}ends_with: [{after:?}]`"),
        ("", _) => "list the values one by one".into(),
        (before, _) => format!("write `{not}starts_with: [{before:?}]`"),
    }
}
