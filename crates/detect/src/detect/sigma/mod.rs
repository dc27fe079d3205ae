//! Conditions of Sigma: text in, a [`Condition`] out, which says whether a record matches.
//!
//! The only module that knows the crates `rsigma_parser` and `rsigma_eval`. What they would pass over in silence is
//! refused here (`checks`), and what they do otherwise than Sigma's specification is put right (`rewrite`).

mod checks;
mod correlation;
mod keys;
mod lazy;
mod rewrite;

use lazy::LazyEvent;
use rsigma_eval::{CompiledRule, compile_rule, evaluate_rule};
use rsigma_parser::{SigmaCollection, parse_sigma_yaml};
use serde_json::{Value, json};

pub(super) use correlation::{Correlated, CorrelationNeed, correlation};
pub(super) use keys::{KeyField, NeededKeys};

use super::view::EventView;

/// A condition over one record.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    compiled: CompiledRule,
    keys: Option<NeededKeys>,
}

impl Condition {
    /// Reads the selections and the condition of a rule: what Sigma has below `detection`. `version` is what the rule
    /// says as `sigma-version`. `None`: it does not say.
    ///
    /// # Errors
    /// One sentence for each thing that is wrong.
    pub fn read(detection: &Value, version: Option<&Value>) -> Result<Self, Vec<String>> {
        let problems = checks::of_text(detection);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut document = json!({"title": "-", "logsource": {"product": "aws"}, "detection": detection});
        if let (Some(version), Some(fields)) = (version, document.as_object_mut()) {
            fields.insert("sigma-version".to_owned(), version.clone());
        }
        let mut rules = parsed(&document)?.rules;
        let Some(mut rule) = rules.pop() else { return Err(vec!["it is no rule of Sigma".to_owned()]) };
        let problems = checks::of_rule(&rule);
        if !problems.is_empty() {
            return Err(problems);
        }
        let keys = keys::needed(&rule.detection);
        rewrite::wildcards(&mut rule.detection);
        let compiled = compile_rule(&rule).map_err(|error| vec![one_line(&error.to_string())])?;
        Ok(Self { compiled, keys })
    }

    /// Tells whether a record matches.
    pub fn matches(&self, view: &EventView<'_, '_>) -> bool {
        evaluate_rule(&self.compiled, &LazyEvent::of(view)).is_some()
    }

    /// Returns a field and its values, of which every matching record has one. `None`: there is no such field.
    pub fn keys(&self) -> Option<&NeededKeys> {
        self.keys.as_ref()
    }

    /// Returns the names of the calls that can match, in lower case. `None`: other fields decide.
    pub fn event_names(&self) -> Option<impl Iterator<Item = &str>> {
        let keys = self.keys.as_ref().filter(|keys| keys.field == KeyField::EventName)?;
        Some(keys.values.iter().map(String::as_str))
    }
}

/// Reads one document. JSON is YAML: what was read strictly before is handed on as such.
fn parsed(document: &Value) -> Result<SigmaCollection, Vec<String>> {
    let collection = parse_sigma_yaml(&document.to_string()).map_err(|error| vec![one_line(&error.to_string())])?;
    match collection.errors.is_empty() {
        true => Ok(collection),
        false => Err(collection.errors.iter().map(|error| one_line(error)).collect()),
    }
}

/// Returns a message of the parser without the drawing that it may have.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
