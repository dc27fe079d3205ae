//! What editors need of the JSON Schema, and what the checker relies on.

use serde_json::Value;

use crate::config::json_schema;
use crate::config::schema::formats::FORMATS;

/// Calls `visit` with every schema object inside a schema, and with where it stands.
fn walk(schema: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(at, schema);
    for keyword in ["properties", "$defs"] {
        for (name, inner) in schema.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            walk(inner, &format!("{at}/{keyword}/{name}"), visit);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        for (n, inner) in schema.get(keyword).and_then(Value::as_array).into_iter().flatten().enumerate() {
            walk(inner, &format!("{at}/{keyword}/{n}"), visit);
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(keyword).filter(|inner| inner.is_object()) {
            walk(inner, &format!("{at}/{keyword}"), visit);
        }
    }
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::meta::validate(&json_schema()).unwrap();
}

#[test]
fn every_field_and_choice_is_described() {
    let mut count = 0;
    walk(&json_schema(), "", &mut |at, schema| {
        let is_field = at.rsplit('/').nth(1) == Some("properties");
        if is_field || schema.get("const").is_some() {
            count += 1;
            assert!(schema["description"].as_str().is_some_and(|text| text.len() > 5), "{at}: {schema}");
        }
    });
    assert!(count > 90, "only {count} fields and choices were found");
}

#[test]
fn every_optional_field_shows_its_default() {
    walk(&json_schema(), "", &mut |at, schema| {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // The operators of a condition are left out when they are not used.
            let is_operator = at == "/$defs/FieldSelector";
            let shows = field.get("default").is_some();
            assert!(is_operator || shows != required.contains(&name.as_str()), "{at}: {name}");
        }
    });
}

#[test]
fn sections_are_closed() {
    let mut sections = 0;
    walk(&json_schema(), "", &mut |at, schema| {
        if schema.get("properties").is_some() {
            sections += 1;
            assert_eq!(schema["additionalProperties"], Value::Bool(false), "{at}");
        }
    });
    assert!(sections >= 14, "only {sections} sections were found");
}

#[test]
fn patterns_are_explained_by_formats() {
    walk(&json_schema(), "", &mut |at, schema| {
        if schema.get("pattern").is_some() {
            let format = schema["format"].as_str().unwrap_or_default();
            assert!(
                FORMATS.iter().any(|known| known.name == format),
                "{at} has a pattern, but no format that words it"
            );
        }
    });
}

#[test]
fn examples_and_defaults_fit() {
    let root = json_schema();
    let mut checked = 0;
    walk(&root, "", &mut |at, schema| {
        let mut part = schema.clone();
        part["$defs"] = root["$defs"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&part).unwrap();
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        for value in examples.chain(schema.get("default")) {
            checked += 1;
            assert!(validator.is_valid(value), "{at}: {value}");
        }
        if let Some(format) = FORMATS.iter().find(|format| schema["format"] == format.name) {
            for example in schema["examples"].as_array().unwrap() {
                (format.check)(example.as_str().unwrap()).unwrap();
            }
        }
    });
    assert!(checked > 60, "only {checked} values were checked");
}

#[test]
fn words_in_code_are_the_words_in_the_file() {
    fn same<T: serde::Serialize + serde::de::DeserializeOwned>(choices: &str, as_str: fn(T) -> &'static str) {
        let root = json_schema();
        let choices = root["$defs"][choices]["oneOf"].as_array().unwrap();
        assert!(choices.len() > 1);
        for choice in choices {
            let value: T = serde_json::from_value(choice["const"].clone()).unwrap();
            assert_eq!(choice["const"], as_str(value));
        }
    }
    same("ArchiveClass", crate::config::schema::ArchiveClass::as_str);
    same("ExcludedSource", crate::config::schema::ExcludedSource::as_str);
    same("InsightType", crate::config::schema::InsightType::as_str);
    same("SelectorField", crate::config::schema::SelectorField::as_str);
}
