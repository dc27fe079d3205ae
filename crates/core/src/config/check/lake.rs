//! Rules for `lake`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::schema::{Config, S3Place};
use crate::log_path::TOP;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let Some(lake) = &config.lake else { return Vec::new() };
    let mut remarks = Vec::new();
    let mut conflict = |message: String, help: &str| {
        remarks.push(Diagnostic::new(Code::Conflict, "/lake/place", message).help(help));
    };
    if lake.place.bucket.as_str() == config.bucket.name {
        conflict(
            "the lake must not be in the log bucket, whose versions, retention and lifecycle are for logs".to_owned(),
            "name another bucket of the log account",
        );
    }
    if lake.place.key.split('/').any(|folder| folder == TOP) {
        conflict(
            format!("the lake must not lie in a folder called {TOP}, where log files are looked for"),
            "name another prefix",
        );
    }
    let earlier = config.earlier.iter().any(|earlier| earlier.bucket == lake.place.bucket);
    if earlier {
        conflict(
            "the lake must not be in a bucket with earlier logs, to which no trail writes".to_owned(),
            "name another bucket",
        );
    }
    let ours: Vec<&S3Place> = [&config.reconcile.lease, &config.reconcile.history].into_iter().flatten().collect();
    let is_inside = |place: &&S3Place| {
        place.bucket == lake.place.bucket && format!("{}/", place.key).starts_with(&format!("{}/", lake.place.key))
    };
    if ours.iter().any(is_inside) {
        conflict(
            "the lease and the history must not lie in the lake, which holds its own files only".to_owned(),
            "name another prefix of the bucket",
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    fn findings(more: &str) -> Vec<String> {
        let text = include_str!("../../../../../examples/quickstart/orgtrail.yaml");
        match crate::config::parse(&format!("{text}\n{more}\n"), "orgtrail.yaml") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.findings().iter().map(|finding| finding.message.clone()).collect(),
        }
    }

    #[test]
    fn a_lake_lies_beside_the_logs_and_holds_nothing_else() {
        assert_eq!(findings("lake: {place: s3://acme-lake/events, grain: hour, slots: 16, every: 5m}"), [""; 0]);
        assert_eq!(findings("lake: {place: s3://acme-lake/events}"), [""; 0]);
        for wrong in [
            "lake: {place: s3://acme-org-cloudtrail/lake}",
            "lake: {place: s3://acme-lake/AWSLogs/lake}",
            "lake: {place: s3://acme-lake/lake}\nearlier: [{bucket: acme-lake}]",
            "lake: {place: s3://acme-lake/lake}\nreconcile: {lease: s3://acme-lake/lake/lease.json}",
            "lake: {place: s3://acme-lake/lake, slots: 0}",
            "lake: {place: s3://acme-lake/lake, grain: week}",
            "lake: {}",
        ] {
            assert_eq!(findings(wrong).len(), 1, "{wrong}: {:?}", findings(wrong));
        }
    }
}
