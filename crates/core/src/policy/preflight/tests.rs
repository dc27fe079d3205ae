//! Each cause has a folder in `tests/data/policy`: the documents that differ from AWS's documented ones, and the
//! diagnosis. `ORGTRAIL_BLESS=1` writes the diagnoses anew.

use std::path::{Path, PathBuf};

use super::*;
use crate::log_path::LogKind;

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";

/// What a fixture may say about its trail, with the values of the documented example.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    prefix: String,
    key_arn: Option<String>,
    bucket_key: bool,
    topic_arn: String,
    log_group_arn: String,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            prefix: "audit".into(),
            key_arn: Some("arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555".into()),
            bucket_key: false,
            topic_arn: "arn:aws:sns:eu-central-1:222222222222:acme-org-trail".into(),
            log_group_arn: "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*".into(),
        }
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/policy")
}

/// Reads a document of a fixture, or AWS's documented one where the fixture has none.
fn document(folder: &Path, file: &str) -> PolicyDocument {
    let own = folder.join(file);
    let path = if own.exists() { own } else { data().join("valid/aws-documented").join(file) };
    PolicyDocument::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn run(folder: &Path) -> Preflight {
    let case: Case = match std::fs::read_to_string(folder.join("case.json")) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => Case::default(),
    };
    let delivery = PreflightTrail {
        trail_arn: TRAIL.parse().unwrap(),
        management_account: "111111111111".parse().unwrap(),
        organization_id: Some("o-exampleorgid".parse().unwrap()),
        accounts: vec!["333333333333".parse().unwrap()],
        bucket: "acme-org-cloudtrail".into(),
        prefix: case.prefix,
        folders: vec![Folder::Logs(LogKind::CloudTrail), Folder::Digests, Folder::Logs(LogKind::Insight)],
        key_arn: case.key_arn,
        bucket_key: case.bucket_key,
    };
    let read = |file| document(folder, file);
    let (bucket, key, topic, topic_key) =
        (read("bucket.json"), read("key.json"), read("topic.json"), read("topic-key.json"));
    let (role, trust) = (read("role.json"), read("role-trust.json"));
    let policies = [Named { name: "role.json", document: &role }];
    let (topic_arn, group_arn) = (case.topic_arn.parse().unwrap(), case.log_group_arn.parse().unwrap());
    let role_arn = "arn:aws:iam::111111111111:role/orgtrail-logs".parse().unwrap();
    preflight(
        &delivery,
        &Documents {
            bucket: Some(&bucket),
            key: Some(&key),
            topic: Some(Topic { arn: &topic_arn, policy: Some(&topic), key: TopicKey::Customer(&topic_key) }),
            log_group: Some(LogGroup {
                arn: &group_arn,
                role_arn: &role_arn,
                trust: &trust,
                policies: &policies,
                resource_policies: &[],
            }),
        },
    )
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn every_cause_has_its_diagnosis() {
    let mut causes = std::collections::BTreeSet::new();
    for folder in folders(&data()).into_iter().filter(|folder| !folder.ends_with("valid")) {
        let result = run(&folder);
        causes.extend(result.refusals.iter().map(|refusal| refusal.cause));
        let lines: Vec<_> = result
            .refusals
            .iter()
            .map(|r| format!("{} {}: {}\n  help: {}\n", r.code, r.cause, r.message, r.help))
            .collect();
        let expected = folder.join("expected.txt");
        if std::env::var_os("ORGTRAIL_BLESS").is_some() {
            std::fs::write(&expected, lines.concat()).unwrap();
        }
        assert_eq!(lines.concat(), std::fs::read_to_string(&expected).unwrap(), "{}", folder.display());
        assert!(!lines.is_empty(), "{}", folder.display());
    }
    // The twelve of CloudTrail's documentation and two that are more general.
    assert_eq!(causes.len(), 14, "{causes:?}");
}

#[test]
fn policies_of_well_known_tools_raise_no_alarm() {
    for folder in folders(&data().join("valid")) {
        let result = run(&folder);
        assert_eq!(result.refusals, [], "{}", folder.display());
    }
    assert!(run(&data().join("valid/aws-documented")).is_clear());
    // What AWS does not document is a doubt, never a refusal.
    let doubts = run(&data().join("valid/topic-of-another-region")).doubts;
    assert!(doubts.iter().any(|doubt| doubt.why[0].contains("the topic is in us-east-1")), "{doubts:?}");
}
