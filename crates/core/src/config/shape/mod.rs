//! Holds the values of a file to the JSON Schema, and says in words what does not fit.
//!
//! `explain` words one problem, `repair` makes the values fit all the same, so that the rules across fields can be
//! asked too and one run reports everything.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::diagnostic::Diagnostic;
use super::finding::Code;
use super::place::Document;
use super::schema::{formats::FORMATS, json_schema};

mod explain;
mod lookup;
mod repair;

/// One place where a file does not fit the schema.
pub(super) struct SchemaViolation {
    pub remark: Diagnostic,
    /// The fields whose values can no longer be trusted: the field itself, then the one that a misspelt name means.
    pub tainted: Vec<String>,
    /// The text that was probably meant where a number or a word like `true` stands.
    pub text_meant: Option<String>,
}

/// The schema, ready to check with.
pub(super) struct Shape {
    schema: Value,
    validator: Validator,
}

impl Shape {
    /// Returns the schema of this version, compiled once.
    ///
    /// # Errors
    /// Never in a released version: it would mean that the schema itself is not valid.
    pub fn current() -> Result<&'static Self, String> {
        static CURRENT: LazyLock<Result<Shape, String>> = LazyLock::new(Shape::compile);
        CURRENT.as_ref().map_err(String::clone)
    }

    fn compile() -> Result<Self, String> {
        let schema = json_schema();
        let mut options = jsonschema::options().should_validate_formats(true);
        for format in FORMATS {
            options = options.with_format(format.name, |text: &str| (format.check)(text).is_ok());
        }
        match options.build(&schema) {
            Ok(validator) => Ok(Self { schema, validator }),
            Err(error) => Err(format!("the schema of this version of orgtrail is broken: {}", error.masked())),
        }
    }

    /// Returns everything that does not fit.
    pub fn misfits(&self, document: &Document, text: &str) -> Vec<SchemaViolation> {
        let errors: Vec<_> = self.validator.iter_errors(&document.value).collect();
        let explainer = explain::Explainer { schema: &self.schema, document, text };
        let mut misfits = without_misspelt(telling(&errors).flat_map(|error| explainer.explain(error)).collect());
        misfits.extend(explainer.empty_sections());
        misfits
    }
}

/// Drops what is said of a missing field whose name is only misspelt.
fn without_misspelt(mut misfits: Vec<SchemaViolation>) -> Vec<SchemaViolation> {
    let unknown = misfits.iter().filter(|misfit| misfit.remark.code == Code::UnknownField);
    let meant: HashSet<String> = unknown.filter_map(|misfit| misfit.tainted.get(1).cloned()).collect();
    misfits.retain(|misfit| {
        misfit.remark.code != Code::MissingField || !misfit.tainted.first().is_some_and(|at| meant.contains(at))
    });
    misfits
}

/// Drops the errors that only repeat another: of one value, what is most basic is enough.
fn telling<'a, 'v>(errors: &'a [ValidationError<'v>]) -> impl Iterator<Item = &'a ValidationError<'v>> {
    let mut basic: HashMap<&str, u8> = HashMap::new();
    for error in errors {
        if let Some(rank) = rank(error.kind()) {
            let lowest = basic.entry(error.instance_path().as_str()).or_insert(rank);
            *lowest = rank.min(*lowest);
        }
    }
    errors.iter().filter(move |error| match rank(error.kind()) {
        Some(rank) => basic.get(error.instance_path().as_str()) == Some(&rank),
        None => true,
    })
}

/// Orders the kinds of errors of one value. Those about its fields stand apart: each of them counts.
fn rank(kind: &ValidationErrorKind) -> Option<u8> {
    match kind {
        ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::Required { .. } => None,
        ValidationErrorKind::Type { .. } => Some(0),
        ValidationErrorKind::Pattern { .. } => Some(2),
        _ => Some(1),
    }
}
