//! A JSON Schema as tables of fields for people.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;

use serde_json::Value;

use super::{cell, without_links};

/// What stands beside a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// Its type and meaning, and its default or that it is required.
    Defaults,
    /// Its type and meaning.
    Plain,
}

/// The fields of a schema: one table an object, each under the path of the field that first has it.
pub fn sections(schema: &Value, columns: Columns) -> String {
    let mut open: VecDeque<(String, &Value)> = [(String::new(), schema)].into();
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    while let Some((path, at)) = open.pop_front() {
        let target = resolve(schema, at);
        if let Some(name) = at["$ref"].as_str()
            && !seen.insert(name)
        {
            continue;
        }
        for (variant, object) in objects(schema, target) {
            let title = [path.as_str(), variant.as_str()].into_iter().filter(|part| !part.is_empty());
            let title = title.collect::<Vec<_>>().join(", ");
            if !title.is_empty() {
                let _ = write!(text, "\n## {title}\n");
            }
            if let Some(about) = object["description"].as_str().filter(|_| !path.is_empty()) {
                let _ = write!(text, "\n{}\n", without_links(about));
            }
            table(&mut text, schema, object, columns);
            for (name, field) in properties(object) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                nested(schema, field, path, &mut open);
            }
        }
    }
    text
}

fn properties(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object["properties"].as_object().into_iter().flatten()
}

/// Follows a reference.
fn resolve<'a>(schema: &'a Value, at: &'a Value) -> &'a Value {
    at["$ref"].as_str().and_then(|name| schema.pointer(name.trim_start_matches('#'))).unwrap_or(at)
}

/// The choices of a schema, without `null`.
fn choices(at: &Value) -> Vec<&Value> {
    let list = at["anyOf"].as_array().or(at["oneOf"].as_array());
    list.into_iter().flatten().filter(|choice| choice["type"] != "null").collect()
}

/// The objects that a schema may be, each with what tells it from the others.
fn objects<'a>(schema: &'a Value, at: &'a Value) -> Vec<(String, &'a Value)> {
    if at["properties"].is_object() {
        return vec![(String::new(), at)];
    }
    let named = |choice: &'a Value| {
        let object = resolve(schema, choice);
        let tag = object["properties"]["type"]["const"].as_str().map(|tag| format!("`type` is `{tag}`"));
        object["properties"].is_object().then(|| (tag.unwrap_or_default(), object))
    };
    choices(at).into_iter().filter_map(named).collect()
}

/// Puts the objects below a field on the list of those to be described.
fn nested<'a>(schema: &'a Value, field: &'a Value, path: String, open: &mut VecDeque<(String, &'a Value)>) {
    let target = resolve(schema, field);
    if !objects(schema, target).is_empty() {
        open.push_back((path, if field["$ref"].is_string() { field } else { target }));
        return;
    }
    if target["items"].is_object() {
        nested(schema, &target["items"], format!("{path}[]"), open);
    } else if target["additionalProperties"].is_object() {
        nested(schema, &target["additionalProperties"], format!("{path}.*"), open);
    } else if let Some(choice) =
        choices(target).into_iter().find(|choice| !objects(schema, resolve(schema, choice)).is_empty())
    {
        open.push_back((path, choice));
    } else if let Some(list) = choices(target).into_iter().find(|choice| choice["items"].is_object()) {
        nested(schema, &list["items"], format!("{path}[]"), open);
    }
}

fn table(text: &mut String, schema: &Value, object: &Value, columns: Columns) {
    let required: BTreeSet<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows: Vec<String> = properties(object)
        .map(|(name, field)| {
            let target = resolve(schema, field);
            let meaning = field["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
            let is_required = required.contains(name.as_str());
            let kind = kind(schema, field);
            match columns {
                Columns::Plain => format!(
                    "| `{name}` | {kind}{} | {} |\n",
                    if is_required { "" } else { ", may be absent" },
                    cell(meaning)
                ),
                Columns::Defaults => {
                    let default = match &field["default"] {
                        _ if is_required => "required".to_owned(),
                        Value::Null | Value::Object(_) => String::new(),
                        value => format!("`{value}`"),
                    };
                    format!("| `{name}` | {kind} | {} | {} |\n", cell(&default), cell(meaning))
                }
            }
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    text.push_str(match columns {
        Columns::Plain => "\n| field | type | meaning |\n|---|---|---|\n",
        Columns::Defaults => "\n| field | type | default | meaning |\n|---|---|---|---|\n",
    });
    text.push_str(&rows.concat());
}

/// What a value is, in words.
fn kind(schema: &Value, at: &Value) -> String {
    let target = resolve(schema, at);
    if let Some(constant) = at.get("const").or(target.get("const")) {
        return format!("`{}`", plain(constant));
    }
    if let Some(values) = target["enum"].as_array() {
        return values.iter().map(|value| format!("`{}`", plain(value))).collect::<Vec<_>>().join(", ");
    }
    let nullable = |kind: String, is_null: bool| if is_null { format!("{kind} or null") } else { kind };
    for list in [&target["anyOf"], &target["oneOf"]] {
        if let Some(list) = list.as_array() {
            let mut kinds: Vec<String> = Vec::new();
            for choice in list.iter().filter(|choice| choice["type"] != "null") {
                let kind = kind(schema, choice);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            let words = kinds.iter().all(|kind| kind.starts_with('`'));
            let joined = kinds.join(if words { ", " } else { " or " });
            return nullable(joined, list.iter().any(|choice| choice["type"] == "null"));
        }
    }
    let types: Vec<&str> = match &target["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kinds = types.iter().filter(|kind| **kind != "null").map(|kind| match *kind {
        "array" => format!("list of {}", plural(&self::kind(schema, &target["items"]))),
        "string" => "text".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    });
    let joined = kinds.collect::<Vec<_>>().join(" or ");
    nullable(if joined.is_empty() { "any value".to_owned() } else { joined }, types.contains(&"null"))
}

fn plural(kind: &str) -> String {
    match kind {
        "text" | "number" | "object" => format!("{kind}s"),
        other => other.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
