//! Rules for `lake`.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::names::check_role_with_path;
use crate::config::schema::{Config, LakeBucket, LakeConfig, S3Place};
use crate::ids::{AccountId, Arn};
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
    let receives = config.bucket.access_logs.as_ref() == Some(&lake.place.bucket);
    if receives && lake.bucket == LakeBucket::Managed {
        conflict(
            "a bucket that orgtrail keeps for the lake cannot receive access logs, because its policy does not let S3 write them"
                .to_owned(),
            "name another bucket, or write `bucket: existing`",
        );
    }
    if lake.place.key.contains(['*', '?', '$']) {
        conflict(
            "the prefix of the lake must not have `*`, `?` or `$`, which policies read as patterns".to_owned(),
            "name another prefix",
        );
    }
    if ours.iter().any(is_inside) {
        conflict(
            "the lease and the history must not lie in the lake, which holds its own files only".to_owned(),
            "name another prefix of the bucket",
        );
    }
    remarks.extend(readers(lake));
    remarks
}

/// A pattern would let in whatever anybody adds, and S3 takes none.
fn readers(lake: &LakeConfig) -> impl Iterator<Item = Diagnostic> {
    lake.readers.iter().enumerate().filter(|(_, text)| !is_role(text)).map(|(n, text)| {
        let message = format!("{text:?} cannot be a reader of the lake: it is not the ARN of one role");
        let remark = Diagnostic::new(Code::WrongValue, format!("/lake/readers/{n}"), message);
        remark.help("write the role's ARN, such as `arn:aws:iam::222222222222:role/security-analysts`")
    })
}

fn is_role(text: &str) -> bool {
    let arn = text.parse::<Arn>();
    arn.is_ok_and(|arn| {
        arn.service() == "iam"
            && arn.region().is_empty()
            && arn.account().parse::<AccountId>().is_ok()
            && arn.resource().strip_prefix("role/").is_some_and(is_plain_name)
    })
}

/// A name with a path as IAM writes it: what a person or a policy could take for another role is refused.
fn is_plain_name(name: &str) -> bool {
    let climbs = |folder: &str| matches!(folder, "." | "..");
    !name.starts_with('/') && !name.split('/').any(climbs) && check_role_with_path(name).is_ok()
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
        let team = "readers: ['arn:aws:iam::222222222222:role/team/analysts']";
        assert_eq!(findings(&format!("lake: {{place: s3://acme-lake/events, bucket: existing, {team}}}")), [""; 0]);
        for wrong in [
            "lake: {place: s3://acme-org-cloudtrail/lake}",
            "lake: {place: s3://acme-lake/AWSLogs/lake}",
            "lake: {place: 's3://acme-lake/a*'}",
            "lake: {place: s3://acme-lake/lake, bucket: mine}",
            "lake: {place: s3://acme-lake/lake, readers: [analysts]}",
            "lake: {place: s3://acme-lake/lake, readers: ['arn:aws:iam::222222222222:role/*']}",
            "lake: {place: s3://acme-lake/lake, readers: ['arn:aws:iam::222222222222:root']}",
            "lake: {place: s3://acme-lake/lake}\nearlier: [{bucket: acme-lake}]",
            "lake: {place: s3://acme-lake/lake}\nreconcile: {lease: s3://acme-lake/lake/lease.json}",
            "lake: {place: s3://acme-lake/lake, slots: 0}",
            "lake: {place: s3://acme-lake/lake, grain: week}",
            "lake: {}",
        ] {
            assert_eq!(findings(wrong).len(), 1, "{wrong}: {:?}", findings(wrong));
        }
    }

    #[test]
    fn a_reader_is_written_as_iam_writes_a_role() {
        for reader in [
            "arn:aws:iam::222222222222:role/a b",
            "arn:aws:iam::222222222222:role/",
            "arn:aws:iam::222222222222:role//",
            "arn:aws:iam::222222222222:role//a",
            "arn:aws:iam::222222222222:role/a//b",
            "arn:aws:iam::222222222222:role/a/",
            "arn:aws:iam::222222222222:role/a/../b",
            "arn:aws:iam::222222222222:role/./b",
            r"arn:aws:iam::222222222222:role/a\u0007",
            r"arn:aws:iam::222222222222:role/a\nb",
            "arn:aws:iam:eu-central-1:222222222222:role/a",
            "arn:aws:iam::222222222222:role/a?",
            "arn:aws:iam::222222222222:role/${aws:username}",
            "arn:aws:iam::22222222222:role/a",
        ] {
            let found = findings(&format!("lake: {{place: s3://acme-lake/lake, readers: [\"{reader}\"]}}"));
            assert_eq!(found.len(), 1, "{reader}: {found:?}");
        }
    }
}
