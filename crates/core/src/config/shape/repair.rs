//! Makes the values of a file fit the schema, so that the rules across fields can be asked although something is wrong.
//!
//! Nothing that is made up here reaches a user: the fields are remembered, and what a rule says of them is dropped.

use serde_json::Value;

use crate::config::place::{Document, steps};

use super::lookup::Lookup;
use super::{SchemaViolation, Shape};

/// Values that fit the schema.
pub(in crate::config) struct Repaired {
    pub value: Value,
    /// The JSON pointers of the values that are not the user's.
    pub made_up: Vec<String>,
}

/// A made-up value may not fit either, when a list or a text has one more rule; then it is replaced as well.
const ROUNDS_MAX: usize = 4;

impl Shape {
    /// Repairs the values of a file; gives up when a value keeps being wrong.
    pub fn repair(&self, document: &Document, text: &str, misfits: Vec<SchemaViolation>) -> Option<Repaired> {
        let mut document = Document { value: document.value.clone(), places: document.places.clone() };
        let mut made_up = Vec::new();
        let mut misfits = misfits;
        for _ in 0..ROUNDS_MAX {
            if misfits.is_empty() {
                return Some(Repaired { value: document.value, made_up });
            }
            for misfit in misfits {
                self.mend(&mut document.value, misfit, &mut made_up);
            }
            misfits = self.misfits(&document, text);
        }
        None
    }

    fn mend(&self, root: &mut Value, misfit: SchemaViolation, made_up: &mut Vec<String>) {
        if let (Some(text), [at]) = (misfit.text_meant, misfit.tainted.as_slice()) {
            if let Some(value) = root.pointer_mut(at) {
                *value = Value::String(text);
            }
            return;
        }
        if let Some(at) = misfit.tainted.first() {
            self.replace(root, at);
        }
        made_up.extend(misfit.tainted);
    }

    /// Takes a value away, and puts an example where there must be one. A bad item takes its whole list with it,
    /// because the places of the items behind it must not move.
    fn replace(&self, root: &mut Value, at: &str) {
        let Some((parent, _)) = at.rsplit_once('/') else { return };
        if root.pointer(parent).is_some_and(Value::is_array) {
            return self.replace(root, parent);
        }
        let field = steps(at).last().unwrap_or_default();
        let lookup = Lookup { root: &self.schema };
        let schema = lookup.at(parent);
        let required = schema.and_then(|schema| schema.get("required")?.as_array());
        let is_required = required.is_some_and(|fields| fields.iter().any(|name| name == field.as_str()));
        let sample = schema.and_then(|schema| lookup.sample(schema.get("properties")?.get(&field)?));
        let Some(fields) = root.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
        match sample {
            Some(sample) if is_required => {
                fields.insert(field, sample);
            }
            _ => {
                fields.remove(&field);
            }
        }
    }
}
