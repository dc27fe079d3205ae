//! Files of rules, strictly: what cannot be read is a problem with its line, and the rest of the file is used.

mod document;
mod duration;
mod fields;
mod own;
mod sigma_rule;

pub(super) use document::{Document, documents};
pub(super) use fields::FieldReader;
pub(super) use sigma_rule::{Base, Correlation};

use super::problem::RuleProblem;
use super::rule::Rule;

/// The largest file of rules, in bytes.
const FILE_BYTES_MAX: usize = 8 << 20;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct FileOfRules {
    /// Rules of Sigma, which ring by themselves or for a correlation.
    pub bases: Vec<Base>,
    pub correlations: Vec<Correlation>,
    /// Thresholds and first occurrences.
    pub own: Vec<Rule>,
    pub problems: Vec<RuleProblem>,
    /// Rules for logs of something else than CloudTrail.
    pub elsewhere: usize,
}

/// Reads a file. `name` is how problems name it.
pub(super) fn file(text: &str, name: &str) -> FileOfRules {
    let mut found = FileOfRules::default();
    if text.len() > FILE_BYTES_MAX {
        let message = format!("it has more than {} MB: split it", FILE_BYTES_MAX >> 20);
        found.problems.push(RuleProblem { file: name.to_owned(), line: 1, rule: None, message });
        return found;
    }
    for document in documents(text, name) {
        match document {
            Ok(document) => one(&document, &mut found),
            Err(problems) => found.problems.extend(problems),
        }
    }
    found
}

fn one(document: &Document, found: &mut FileOfRules) {
    let mut fields = FieldReader::of(document);
    let has = |name: &str| document.value().get(name).is_some();
    if has("detection") {
        if sigma_rule::is_elsewhere(&fields) {
            found.elsewhere += 1;
        } else {
            found.bases.extend(sigma_rule::base(&mut fields));
        }
    } else if has("correlation") {
        found.correlations.extend(sigma_rule::correlation(&mut fields));
    } else if has("first") {
        found.own.extend(own::first_seen(&mut fields));
    } else if has("within") || has("at_least") {
        found.own.extend(own::threshold(&mut fields));
    } else if has("filter") {
        fields.problem("/filter", "filters of Sigma are not supported: write an exclusion into a file of overrides");
    } else if has("action") {
        fields.problem("/action", "collections with `action` are of an earlier Sigma: write each rule whole");
    } else {
        let kinds = "`detection` (Sigma), `correlation` (Sigma), `within` and `at_least` (threshold), or `first`";
        fields.problem("", &format!("it is no rule: it has none of {kinds}"));
    }
    found.problems.append(&mut fields.problems);
}
