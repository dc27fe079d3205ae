//! Rules and correlations of Sigma.
//!
//! Source: Sigma specification, "Sigma Rules Specification" and "Sigma Correlations Specification", version 2.

use std::sync::Arc;

use serde_json::Value;

use super::fields::{FieldReader, Meta};
use crate::detect::sigma::{Condition, Correlated, correlation as read_correlation};

/// Findings of a rule that rings for each record are folded by the hour, in microseconds.
const HOUR_US: i64 = 3_600_000_000;
/// The longest time in which findings are folded, in days.
const FOLD_DAYS_MAX: i64 = 7;

/// The fields that Sigma has for every document, and those that SigmaHQ's rules have beside them.
const META: [&str; 22] = [
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "sigma-version",
    "regression_tests_path",
    "simulation",
    // Ours.
    "next_step",
    "once_in",
];

const STATUS: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];

/// A rule of Sigma.
#[derive(Debug)]
pub(in crate::detect) struct Base {
    pub meta: Meta,
    pub file: String,
    pub line: usize,
    pub condition: Arc<Condition>,
    pub fold_us: i64,
    pub fingerprint: String,
}

/// A correlation of Sigma.
#[derive(Debug)]
pub(in crate::detect) struct Correlation {
    pub meta: Meta,
    pub file: String,
    pub line: usize,
    pub correlated: Correlated,
    /// In which time findings are folded. `None`: that of the correlation.
    pub fold_us: Option<i64>,
    pub fingerprint: String,
}

/// Tells whether a rule is for logs of something else than CloudTrail.
pub(super) fn is_elsewhere(fields: &FieldReader<'_>) -> bool {
    let Some(Value::Object(source)) = fields.get("logsource") else { return false };
    let is = |name: &str, value: &str| source.get(name).and_then(Value::as_str) == Some(value);
    !(is("product", "aws") && is("service", "cloudtrail"))
}

/// Reads a rule. `None`: it is broken.
pub(super) fn base(fields: &mut FieldReader<'_>) -> Option<Base> {
    match fields.get("logsource") {
        Some(Value::Object(_)) => {}
        Some(_) => fields.problem("/logsource", "`logsource` is no map"),
        None => fields.problem("", "`logsource` is missing: `product: aws` and `service: cloudtrail`"),
    }
    let known: Vec<&str> = META.iter().chain(&["logsource", "detection"]).copied().collect();
    fields.only(&known);
    status(fields);
    let meta = fields.meta();
    let fold_us = fields.duration("once_in", FOLD_DAYS_MAX).unwrap_or(HOUR_US);
    let detection = fields.get("detection").unwrap_or(&Value::Null);
    let condition = match Condition::read(detection, fields.get("sigma-version")) {
        Ok(condition) => Some(Arc::new(condition)),
        Err(problems) => {
            fields.problems_at("/detection", problems);
            None
        }
    };
    let (document, fingerprint) = (fields.document(), fields.fingerprint());
    let (file, line) = (document.file.clone(), document.line("/title"));
    let base = Base { meta, file, line, condition: condition?, fold_us, fingerprint };
    fields.is_fine().then_some(base)
}

/// Reads a correlation. `None`: it is broken.
pub(super) fn correlation(fields: &mut FieldReader<'_>) -> Option<Correlation> {
    let known: Vec<&str> = META.iter().chain(&["correlation", "generate"]).copied().collect();
    fields.only(&known);
    status(fields);
    let meta = fields.meta();
    fields.level_is_there(&meta);
    let fold_us = fields.duration("once_in", FOLD_DAYS_MAX);
    let section = fields.get("correlation").unwrap_or(&Value::Null);
    let correlated = match read_correlation(section, fields.get("generate")) {
        Ok(correlated) => Some(correlated),
        Err(problems) => {
            fields.problems_at("/correlation", problems);
            None
        }
    };
    let (document, fingerprint) = (fields.document(), fields.fingerprint());
    let (file, line) = (document.file.clone(), document.line("/title"));
    let correlation = Correlation { meta, file, line, correlated: correlated?, fold_us, fingerprint };
    fields.is_fine().then_some(correlation)
}

fn status(fields: &mut FieldReader<'_>) {
    if fields.text("status").is_some_and(|status| !STATUS.contains(&status.as_str())) {
        fields.problem("/status", &format!("`status` is one of {}", STATUS.join(", ")));
    }
}
