//! The policies that an assumed session is held to, whatever its role may do (IAM user guide, "Session policies").

use super::{Access, CallPurpose, actions};

/// Returns the session policy with which a look is made: it allows the reads and nothing else.
///
/// Families of reads are written with a wildcard, because a session policy may have 2,048 characters (STS API,
/// `AssumeRole`). None of them reaches the content of an object or a secret.
pub fn read_only() -> String {
    const FAMILIES: [&str; 18] = [
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
    fn a_session_that_reads_logs_can_do_nothing_else() {
        let policy = archive();
        assert!(policy.len() <= 2048, "{} characters", policy.len());
        assert!(["s3:GetObject\"", "kms:Decrypt", "cloudtrail:ListPublicKeys"].iter().all(|of| policy.contains(of)));
        assert!(!policy.contains('*') || policy.matches('*').count() == 1, "{policy}");
        assert!(["Put", "Delete", "Create", "iam:", "sts:"].iter().all(|of| !policy.contains(of)), "{policy}");
    }
}
