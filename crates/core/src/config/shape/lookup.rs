//! Looks things up in the JSON Schema: the part that a field has to fit, and a value that fits.

use serde_json::{Map, Value};

use crate::config::place::steps;

/// The root of a schema, whose references point into itself.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'s> {
    pub root: &'s Value,
}

impl<'s> Lookup<'s> {
    /// Returns the schema of the values at a JSON pointer into a file.
    pub fn at(self, pointer: &str) -> Option<&'s Value> {
        steps(pointer).try_fold(self.root, |schema, step| {
            let field = schema.get("properties").and_then(|fields| fields.get(&step));
            let inner = field.or_else(|| schema.get("items")).or_else(|| schema.get("additionalProperties"));
            inner.map(|inner| self.section(inner))
        })
    }

    /// Follows references, and from "this or nothing" to this.
    pub fn section(self, schema: &'s Value) -> &'s Value {
        let schema = self.resolve(schema);
        let first = schema.get("anyOf").and_then(|alternatives| alternatives.get(0));
        first.map_or(schema, |first| self.resolve(first))
    }

    fn resolve(self, schema: &'s Value) -> &'s Value {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    /// Makes a value that fits a schema: its example, or else the least that it demands.
    pub fn sample(self, schema: &'s Value) -> Option<Value> {
        let given = |schema: &Value| {
            let example = schema.get("examples").and_then(|examples| examples.get(0));
            example.or_else(|| schema.get("const")).or_else(|| schema.get("default")).cloned()
        };
        let section = self.section(schema);
        if let Some(value) = given(schema).or_else(|| given(section)) {
            return Some(value);
        }
        if let Some(first) = section.get("oneOf").and_then(|choices| choices.get(0)) {
            return self.sample(first);
        }
        if let Some(item) = section.get("items") {
            return self.sample(item).map(|item| Value::Array(vec![item]));
        }
        let fields = section.get("properties")?.as_object()?;
        let required = section.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let samples = required.iter().filter_map(Value::as_str).map(|name| {
            let sample = self.sample(fields.get(name)?)?;
            Some((name.to_owned(), sample))
        });
        samples.collect::<Option<Map<_, _>>>().map(Value::Object)
    }

    /// Returns the section of the file that has a field of this name.
    pub fn section_with(self, field: &str) -> Option<&'s str> {
        let sections = self.root.get("properties")?.as_object()?;
        let has = |section: &'s Value| {
            let section = self.section(section.get("items").unwrap_or(section));
            section.get("properties").is_some_and(|fields| fields.get(field).is_some())
        };
        sections.iter().find(|(_, section)| has(section)).map(|(name, _)| name.as_str())
    }
}
