//! Rules for `reconcile`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::schema::Config;

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let reconcile = &config.reconcile;
    let mut remarks = Vec::new();
    if reconcile.full_pass_every < reconcile.every {
        let message = "everything cannot be read again more often than there are rounds";
        let remark = Diagnostic::new(Code::Conflict, "/reconcile/full_pass_every", message);
        remarks.push(remark.help(format!("write at least `{}`, which is reconcile.every", reconcile.every)));
    }
    for (place, field) in [(&reconcile.lease, "lease"), (&reconcile.history, "history")] {
        if place.as_ref().is_some_and(|place| place.bucket.as_str() == config.bucket.name) {
            // They are written again and again: versions, lock and retention of the log bucket would keep each writing.
            let message = format!("the {field} must not be in the log bucket, which keeps every version of it");
            let remark = Diagnostic::new(Code::Conflict, format!("/reconcile/{field}"), message);
            remarks.push(remark.help("name another bucket, in the account of the daemon's own credentials"));
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    fn findings(reconcile: &str) -> Vec<String> {
        let text = include_str!("../../../../../examples/quickstart/orgtrail.yaml");
        let text = format!("{text}\nreconcile: {reconcile}\n");
        match crate::config::parse(&text, "orgtrail.yaml") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.findings().iter().map(|finding| finding.message.clone()).collect(),
        }
    }

    #[test]
    fn a_full_pass_is_no_shorter_than_a_round_and_lease_and_history_are_elsewhere() {
        let elsewhere = "{every: 1h, full_pass_every: 1h, lease: s3://acme-ops/lease.json, history: s3://acme-ops/h}";
        assert!(findings(elsewhere).is_empty());
        assert_eq!(findings("{history: s3://acme-org-cloudtrail/history}").len(), 1);
        assert_eq!(findings("{every: 1h, full_pass_every: 30m}").len(), 1);
        assert_eq!(findings("{lease: s3://acme-org-cloudtrail/lease.json}").len(), 1);
        assert_eq!(findings("{window: whenever}").len(), 1);
    }
}
