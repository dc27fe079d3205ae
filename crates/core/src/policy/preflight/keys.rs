//! The keys of log files to try: those of every account, as far as the policy tells them apart.
//!
//! A trail writes below 10,000 accounts in three folders. Most policies open the organization's path as a whole, so
//! that one key stands for all. Where a pattern of the policy falls differently on an account, a folder, a region or a
//! day, a key on each side of it is tried: by comparing names first ([`by_name`]), and by building, from the patterns
//! themselves, keys that they match or leave out ([`LogFiles::told_apart`]). Only these are evaluated.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::{Headers, put_object};
use super::{PreflightTrail, named};
use crate::ids::AccountId;
use crate::log_path::LogRoot;
use crate::policy::document::{Effect, PolicyDocument, ResourceElement, Statement};
use crate::policy::evaluate::{Layers, evaluate, resource_glob};
use crate::policy::log_files::{LogFiles, ToldApart};

/// Returns keys of log files that some pattern of the policy tells from the ones in `tried`.
pub(super) fn told_apart(delivery: &PreflightTrail, policy: &PolicyDocument, tried: &[String]) -> ToldApart {
    let bucket_arn = delivery.bucket_arn();
    let root = delivery.root();
    let files = LogFiles { bucket_arn: &bucket_arn, root: &root, folders: &delivery.folders };
    let concerned: Vec<&Statement> =
        policy.statements.iter().filter(|statement| concerns(delivery, policy, statement)).collect();
    let patterns = telling(&files, &concerned);
    if patterns.is_empty() {
        return ToldApart::default();
    }
    // A trail of one account writes below that account alone.
    let is_organization = delivery.organization_id.is_some();
    let by_name = if is_organization { by_name(delivery, &patterns, &root, tried) } else { Vec::new() };
    let members = delivery.accounts.iter().filter(|_| is_organization);
    let accounts: Vec<AccountId> = std::iter::once(&delivery.management_account).chain(members).cloned().collect();
    let known: Vec<String> = tried.iter().chain(&by_name).map(|key| delivery.object_arn(key)).collect();
    let mut told = files.told_apart(&concerned, &known, &accounts);
    told.keys.extend(by_name);
    told
}

/// Tells whether a statement says anything to CloudTrail about writing objects, if its resource were the right one.
fn concerns(delivery: &PreflightTrail, policy: &PolicyDocument, statement: &Statement) -> bool {
    let resource = Some(ResourceElement::Is(vec!["*".into()]));
    let alone = Statement { effect: Effect::Allow, resource, ..statement.clone() };
    let document = PolicyDocument { statements: vec![alone], ..policy.clone() };
    let request = put_object(delivery, "any", Headers::NotKnown);
    let layers = Layers { resource: Some(named("statement", &document)), ..Layers::default() };
    !evaluate(&request, &layers).is_denied()
}

/// Returns the patterns of resources that match some keys and not others.
fn telling<'a>(files: &LogFiles, statements: &[&'a Statement]) -> Vec<&'a str> {
    let lists = statements.iter().filter_map(|statement| match &statement.resource {
        Some(ResourceElement::Is(list) | ResourceElement::IsNot(list)) => Some(list),
        None => None,
    });
    let all: BTreeSet<&str> = lists.flatten().map(String::as_str).filter(|pattern| files.tells(pattern)).collect();
    all.into_iter().collect()
}

/// Returns the keys of the first account of each kind that the patterns make: those on which the same patterns match.
fn by_name(delivery: &PreflightTrail, patterns: &[&str], root: &LogRoot, tried: &[String]) -> Vec<String> {
    let fingerprint = |keys: &[String]| -> Vec<bool> {
        let arns = keys.iter().map(|key| delivery.object_arn(key));
        arns.flat_map(|arn| patterns.iter().map(move |pattern| resource_glob(pattern, &arn)).collect::<Vec<_>>())
            .collect()
    };
    let mut kinds: BTreeMap<Vec<bool>, Vec<String>> = BTreeMap::new();
    for account in &delivery.accounts {
        let keys = delivery.objects(root, account);
        kinds.entry(fingerprint(&keys)).or_insert(keys);
    }
    kinds.into_values().flatten().filter(|key| !tried.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_path::{Folder, LogKind};
    use crate::policy::evaluate::glob;

    fn delivery(accounts: usize) -> PreflightTrail {
        PreflightTrail {
            trail_arn: "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme".parse().unwrap(),
            management_account: "111111111111".parse().unwrap(),
            organization_id: Some("o-exampleorgid".parse().unwrap()),
            accounts: (0..accounts).map(|n| format!("3{n:011}").parse().unwrap()).collect(),
            bucket: "logs".into(),
            prefix: "audit".into(),
            folders: vec![Folder::Logs(LogKind::CloudTrail), Folder::Digests, Folder::Logs(LogKind::Insight)],
            key_arn: None,
            bucket_key: false,
        }
    }

    fn denied(below: &str) -> PolicyDocument {
        let resource = format!("arn:aws:s3:::logs/{below}");
        let text =
            format!(r#"{{"Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"{resource}"}}]}}"#);
        PolicyDocument::parse(&text).unwrap()
    }

    fn keys(below: &str) -> Vec<String> {
        let delivery = delivery(1_000);
        let tried = delivery.objects(&delivery.root(), &delivery.management_account);
        told_apart(&delivery, &denied(below), &tried).keys.into_iter().collect()
    }

    #[test]
    fn a_pattern_for_all_or_for_nobody_tells_nothing_apart() {
        for below in ["*", "audit/*", "audit/AWSLogs/o-exampleorgid/*", "other/*", "audit/AWSLogs/o-other/*"] {
            assert_eq!(keys(below), Vec::<String>::new(), "{below}");
        }
    }

    #[test]
    fn what_a_pattern_matches_is_tried() {
        let patterns = [
            "audit/AWSLogs/o-exampleorgid/300000000999/*",
            "*/300000000007/*",
            "audit/AWSLogs/o-exampleorgid/*/CloudTrail/us-west-2/*",
            "*/2027/12/24/*",
            "*_CloudTrail-Insight_ap-*",
            "audit/AWSLogs/?-exampleorgid/30000000000?/CloudTrail-Digest/*",
            "*/CloudTrail-Digest/eu-central-1/*/300000000042_*.gz",
        ];
        for below in patterns {
            let pattern = format!("arn:aws:s3:::logs/{below}");
            let found = keys(below);
            assert!(found.iter().any(|key| glob(&pattern, &format!("arn:aws:s3:::logs/{key}"))), "{below} {found:?}");
        }
        for below in ["*/CloudTrail_Digest/*", "audit/AWSLogs/o-exampleorgid/999999999999/*", "*.json", "*//*"] {
            let pattern = format!("arn:aws:s3:::logs/{below}");
            let found = keys(below);
            assert!(!found.iter().any(|key| glob(&pattern, &format!("arn:aws:s3:::logs/{key}"))), "{below} {found:?}");
        }
    }

    fn refused(statement: &str, organization: bool) -> Vec<(String, bool)> {
        let mut delivery = delivery(3);
        if !organization {
            delivery.organization_id = None;
        }
        let allowed = r#"{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:PutObject","s3:GetBucketAcl"],"Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/audit/*"]}"#;
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{allowed},{statement}]}}"#);
        let result = super::super::bucket(&delivery, Some(&PolicyDocument::parse(&text).unwrap()));
        assert_eq!(result.doubts, [], "{statement}");
        result.refusals.into_iter().map(|refusal| (refusal.action, refusal.resource.ends_with('/'))).collect()
    }

    #[test]
    fn what_a_statement_leaves_out_is_tried() {
        let lost = vec![("s3:PutObject".to_owned(), false)];
        let check_only = vec![("s3:PutObject".to_owned(), true)];
        for below in ["*eu-central-1*", "*/2026/*", "*/01/*", "*/31/*", "*/111111111111/*", "*/CloudTrail*/*-1/*"] {
            let of = |element: &str| {
                format!(
                    r#"{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","{element}":"arn:aws:s3:::logs/{below}"}}"#
                )
            };
            assert_eq!(refused(&of("NotResource"), true), lost, "{below}");
            assert_eq!(refused(&of("Resource"), true), lost, "{below}");
            assert_eq!(
                refused(&of("NotResource"), false),
                if below == "*/111111111111/*" { vec![] } else { lost.clone() },
                "{below}"
            );
        }
        let of = |element: &str, below: &str| {
            format!(
                r#"{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","{element}":"arn:aws:s3:::logs/{below}"}}"#
            )
        };
        // The check that CloudTrail makes when a trail is changed has another name than log files have.
        assert_eq!(refused(&of("NotResource", "*.json.gz"), true), check_only);
        assert_eq!(refused(&of("Resource", "audit/AWSLogs/o-exampleorgid/"), true), check_only);
        assert_eq!(refused(&of("NotResource", "audit/*"), true), []);
        assert_eq!(refused(&of("NotResource", "audit/AWSLogs/*"), true), []);
        assert_eq!(refused(&of("Resource", "*/111111111111/CloudTrail/us-west-2/*"), false), lost);
        // Regions, each in its own statement, or all in one.
        let none_is_left = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","NotResource":["arn:aws:s3:::logs/*/CloudTrail/*","arn:aws:s3:::logs/*/CloudTrail-Digest/*","arn:aws:s3:::logs/*/CloudTrail-Insight/*","arn:aws:s3:::logs/*/"]}"#;
        assert_eq!(refused(none_is_left, true), []);
    }

    #[test]
    fn each_folder_is_tried_that_the_trail_may_write_to() {
        let text = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*/CloudTrail-NetworkActivity/*"}]}"#;
        let policy = PolicyDocument::parse(text).unwrap();
        let refusals = |delivery: &PreflightTrail| super::super::bucket(delivery, Some(&policy)).refusals;
        assert_eq!(refusals(&delivery(3)), []);
        let network = PreflightTrail { folders: Folder::ALL.to_vec(), ..delivery(3) };
        let found = refusals(&network);
        assert!(!found.is_empty());
        assert!(found.iter().all(|refusal| refusal.resource.contains("/CloudTrail-NetworkActivity/")), "{found:?}");
    }

    #[test]
    fn what_is_not_allowed_is_tried() {
        let judge = |below: &str| {
            let delivery = delivery(3);
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":["s3:PutObject","s3:GetBucketAcl"],"Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/audit/AWSLogs/111111111111/*",{below}]}},{{"Effect":"Allow","Principal":{{"AWS":"333333333333"}},"Action":"s3:GetObject","Resource":"*"}}]}}"#
            );
            super::super::bucket(&delivery, Some(&PolicyDocument::parse(&text).unwrap())).refusals.len()
        };
        assert_eq!(judge(r#""arn:aws:s3:::logs/audit/AWSLogs/o-exampleorgid/*""#), 0);
        assert_eq!(judge(r#""arn:aws:s3:::logs/audit/AWSLogs/o-exampleorgid/*/eu-central-1/*""#), 1);
        assert_eq!(judge(r#""arn:aws:s3:::logs/*/2026/*","arn:aws:s3:::logs/*/20?7/*""#), 1);
        assert_eq!(judge(r#""arn:aws:s3:::logs/*/20??/*""#), 0);
    }

    #[test]
    fn how_the_service_signs_is_not_known() {
        for condition in [
            r#""StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}"#,
            r#""NumericGreaterThan":{"s3:signatureAge":"600000"}"#,
            r#""StringNotEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}"#,
        ] {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:*","Resource":"*"}},{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{{{condition}}}}}]}}"#
            );
            let result = super::super::bucket(&delivery(1), Some(&PolicyDocument::parse(&text).unwrap()));
            assert_eq!((result.refusals, result.doubts.len()), (Vec::new(), 1), "{condition}");
        }
    }
}
