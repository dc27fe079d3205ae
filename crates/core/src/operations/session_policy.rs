//! The policies that an assumed session is held to, whatever its role may do (IAM user guide, "Session policies").

use std::collections::BTreeSet;

use super::{Access, CallPurpose, actions, of, s3};

/// Returns the session policy with which a look is made: it allows the reads and nothing else.
///
/// Families of reads are written with a wildcard, because a session policy may have 2,048 characters (STS API,
/// `AssumeRole`). None of them reaches the content of an object or a secret.
pub fn read_only() -> String {
    const FAMILIES: [&str; 19] = [
        "cloudtrail:Describe*",
        "cloudtrail:Get*",
        "cloudtrail:List*",
        "iam:Get*",
        "iam:List*",
        "kms:DescribeKey",
        "kms:Get*",
        "kms:List*",
        "organizations:Describe*",
        "organizations:List*",
        "s3:GetBucket*",
        "sns:Get*",
        "sns:List*",
        "sqs:Get*",
        "sqs:List*",
        "events:Describe*",
        "events:List*",
        "logs:Describe*",
        "config:Describe*",
    ];
    let covered = |action: &&str| {
        !FAMILIES.iter().any(|family| match family.strip_suffix('*') {
            Some(stem) => action.starts_with(stem),
            None => action == family,
        })
    };
    let others = actions(CallPurpose::Deployment, Access::Read)
        .into_iter()
        .filter(|action| !action.starts_with("sts:"))
        .filter(covered);
    let actions: Vec<&str> = FAMILIES.into_iter().chain(others).collect();
    document(&actions)
}

/// Returns the session policy with which logs are read: the reads of the archive and nothing else.
pub fn archive() -> String {
    let actions = actions(CallPurpose::Archive, Access::Read);
    document(&actions.into_iter().filter(|action| !action.starts_with("sts:")).collect::<Vec<_>>())
}

/// Returns the session policy with which a lake is kept: its files are read, listed and written, its bucket is looked
/// at, and nothing is deleted.
pub fn lake() -> String {
    let listing = [s3::LIST_OBJECTS, s3::GET_LOCATION];
    let listing = listing.iter().flat_map(|operation| operation.actions.iter().copied());
    let files = [Access::Read, Access::Write].into_iter().flat_map(|access| actions(CallPurpose::Lake, access));
    document(&files.chain(listing).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
}

/// Returns the session policy with which Athena is asked: what Athena does for whoever asks, and nothing else.
pub fn athena() -> String {
    let all: BTreeSet<&str> = of(CallPurpose::Athena).flat_map(|operation| operation.actions).copied().collect();
    document(&all.into_iter().collect::<Vec<_>>())
}

fn document(actions: &[&str]) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::*;

    #[test]
    fn the_session_policy_allows_the_reads_and_fits() {
        let policy = read_only();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        let allowed: serde_json::Value = serde_json::from_str(&policy).unwrap();
        let allows = |action: &str| {
            let patterns = allowed["Statement"][0]["Action"].as_array().unwrap();
            patterns.iter().map(|p| p.as_str().unwrap()).any(|p| match p.strip_suffix('*') {
                Some(stem) => action.starts_with(stem),
                None => action == p,
            })
        };
        for action in actions(CallPurpose::Deployment, Access::Read).into_iter().filter(|a| !a.starts_with("sts:")) {
            assert!(allows(action), "{action} is needed");
        }
        for operation in ALL.iter().filter(|o| o.access == Access::Write) {
            assert!(!allows(operation.as_str()), "{} must not be possible", operation.as_str());
        }
    }

    #[test]
    fn a_session_that_asks_athena_writes_results_and_changes_nothing_else() {
        let policy = athena();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        assert!(["athena:StartQueryExecution", "glue:GetTable\"", "s3:PutObject"].iter().all(|of| policy.contains(of)));
        assert!(["Delete", "Create", "Update", "iam:", "sts:"].iter().all(|of| !policy.contains(of)), "{policy}");
    }

    #[test]
    fn a_session_that_reads_logs_can_do_nothing_else() {
        let policy = archive();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        assert!(["s3:GetObject\"", "kms:Decrypt", "cloudtrail:ListPublicKeys"].iter().all(|of| policy.contains(of)));
        assert!(!policy.contains('*') || policy.matches('*').count() == 1, "{policy}");
        assert!(["Put", "Delete", "Create", "iam:", "sts:"].iter().all(|of| !policy.contains(of)), "{policy}");
    }

    #[test]
    fn a_session_that_keeps_a_lake_writes_its_files_and_deletes_nothing() {
        let policy = lake();
        for needed in ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey"] {
            assert!(policy.contains(&format!("\"{needed}\"")), "{policy}");
        }
        assert!(
            policy.contains("\"s3:GetBucketPolicy\""),
            "before it writes, it looks whom the bucket lets in: {policy}"
        );
        assert!(["Delete", "iam:", "sts:", "PutBucket"].iter().all(|of| !policy.contains(of)), "{policy}");
    }
}
