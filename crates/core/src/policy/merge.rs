//! Our statements in, foreign statements kept.
//!
//! A bucket, key or topic policy may have other authors. Ours are known by the `Sid` prefix; what others wrote stays,
//! in its order, unless it is named for removal.

use std::collections::BTreeSet;

use super::SID_PREFIX;
use super::canonical::{Aliases, canonical_statement};
use super::document::{Effect, PolicyDocument, Statement};

/// Tells whether a statement is of our making.
pub fn is_ours(statement: &Statement) -> bool {
    statement.sid.as_deref().is_some_and(|sid| sid.starts_with(SID_PREFIX))
}

/// Returns the ARNs that our statements let in by `aws:SourceArn`: those of trails.
pub fn sources(document: &PolicyDocument) -> BTreeSet<String> {
    let allows = document.statements.iter().filter(|s| s.effect == Effect::Allow && is_ours(s));
    allows
        .flat_map(|s| s.condition.values())
        .flat_map(|by_key| by_key.iter().filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn")))
        .flat_map(|(_, values)| values.iter().cloned())
        .collect()
}

/// Returns the document to write: `ours`, then the statements of `live` that others wrote and `keep` accepts.
///
/// A foreign statement that means the same as one of ours is not repeated, so that adopting a bucket with AWS's own
/// documented statements does not double them.
pub fn merge(ours: &PolicyDocument, live: &PolicyDocument, keep: impl Fn(&Statement) -> bool) -> PolicyDocument {
    let none = Aliases::new();
    let known: Vec<_> = ours.statements.iter().map(|s| canonical_statement(s, &none)).collect();
    let foreign = live
        .statements
        .iter()
        .filter(|s| !is_ours(s) && keep(s) && !known.contains(&canonical_statement(s, &none)))
        .cloned();
    let mut merged = ours.clone();
    merged.id = live.id.clone().or(merged.id);
    merged.statements.extend(foreign);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(statements: &str) -> PolicyDocument {
        PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    fn sids(document: &PolicyDocument) -> Vec<&str> {
        document.statements.iter().filter_map(|s| s.sid.as_deref()).collect()
    }

    #[test]
    fn foreign_statements_stay_and_old_ones_of_ours_go() {
        let ours = read(r#"{"Sid":"OrgtrailWrite","Effect":"Allow","Action":"s3:PutObject"}"#);
        let live = read(
            r#"{"Sid":"OrgtrailOld","Effect":"Allow","Action":"s3:*"},
               {"Sid":"Siem","Effect":"Allow","Action":"s3:GetObject"},
               {"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Action":["S3:PutObject"]}"#,
        );
        assert_eq!(sids(&merge(&ours, &live, |_| true)), ["OrgtrailWrite", "Siem"]);
        assert_eq!(sids(&merge(&ours, &live, |_| false)), ["OrgtrailWrite"]);
    }
}
