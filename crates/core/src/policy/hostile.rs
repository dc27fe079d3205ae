//! Arbitrary documents: reading, judging and checking them never panics and always ends.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::PolicyDocument;
use super::evaluate::{Caller, Context, Layers, Named, Request, evaluate};
use super::lint::{Kind, LintSubject, lint};
use super::preflight::{PreflightTrail, preflight};
use crate::log_path::Folder;

/// Texts that mean something in policies, and texts that nearly do.
const WORDS: [&str; 28] = [
    "*",
    "?",
    "",
    "${",
    "${}",
    "${aws:username",
    "${aws:username, 'x}",
    "${*}",
    "é*é",
    "\u{0}",
    ":::::",
    "arn:",
    "arn:aws:s3:::b/*",
    "arn:aws:iam::111111111111:root",
    "111111111111",
    "Allow",
    "Deny",
    "AWS",
    "Service",
    "cloudtrail.amazonaws.com",
    "s3:PutObject",
    "StringLike",
    "ForAllValues:Null",
    "Null",
    "IpAddress",
    "aws:SourceIp",
    "s3:prefix",
    "2012-10-17",
];

const NAMES: [&str; 16] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "AWS",
    "StringEquals",
    "DateLessThan",
    "aws:CurrentTime",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::String),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let name = prop_oneof![proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), text()];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

/// A statement whose elements are of the right kind and hold anything.
fn statement() -> impl Strategy<Value = Value> {
    let list = || prop::collection::vec(text(), 0..3);
    let lines = prop::collection::btree_map(text(), list(), 0..3);
    let condition = prop::collection::btree_map(text(), lines, 0..3);
    let effect = prop_oneof![Just("Allow"), Just("Deny")];
    (effect, list(), list(), list(), condition).prop_map(|(effect, principal, action, resource, condition)| {
        serde_json::json!({
            "Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": resource, "Condition": condition
        })
    })
}

fn document() -> impl Strategy<Value = Value> {
    let statements = prop::collection::vec(prop_oneof![4 => statement(), 1 => value()], 0..4);
    let version = prop_oneof![Just(Value::from("2012-10-17")), value()];
    let whole =
        (version, statements).prop_map(|(version, list)| serde_json::json!({"Version": version, "Statement": list}));
    prop_oneof![4 => whole, 1 => value()]
}

fn delivery() -> PreflightTrail {
    PreflightTrail {
        trail_arn: "arn:aws:cloudtrail:eu-central-1:111111111111:trail/t".parse().unwrap(),
        management_account: "111111111111".parse().unwrap(),
        organization_id: Some("o-exampleorgid".parse().unwrap()),
        accounts: Vec::new(),
        bucket: "b".into(),
        prefix: String::new(),
        folders: Folder::ALL.to_vec(),
        key_arn: None,
        bucket_key: true,
    }
}

fn judge(document: &PolicyDocument) {
    let named = Named { name: "any", document };
    let role = "arn:aws:iam::111111111111:role/x".parse().unwrap();
    for caller in [Caller::Anonymous, Caller::Session { role, name: "s".into() }] {
        let context = Context::default().with("s3:prefix", "é").with("aws:SourceIp", "::1");
        let request = Request { caller, action: "s3:PutObject".into(), resource: "arn:aws:s3:::b/é".into(), context };
        evaluate(&request, &Layers { identity: &[named], resource: Some(named), ..Layers::default() });
    }
    preflight(
        &delivery(),
        &super::preflight::Documents { bucket: Some(document), key: Some(document), ..Default::default() },
    );
    let account = "111111111111".parse().unwrap();
    for kind in [Kind::Bucket, Kind::Key, Kind::Trust] {
        let (known_accounts, account) = (&BTreeSet::new(), Some(&account));
        let subject = LintSubject {
            name: "any",
            kind,
            partition: crate::ids::Partition::Aws,
            account,
            organization_id: None,
            known_accounts,
            trusted: &[],
            limit_bytes: None,
        };
        lint(document, &subject);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() })]

    #[test]
    fn any_document_is_answered(value in document()) {
        match PolicyDocument::parse(&value.to_string()) {
            Ok(document) => {
                judge(&document);
                let again = PolicyDocument::parse(&document.to_minified());
                prop_assert_eq!(again, Ok(document));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_is_answered(text in "[\\[\\]{}\":,a-zA-Z*$ ]{0,80}") {
        if let Ok(document) = PolicyDocument::parse(&text) {
            judge(&document);
        }
    }
}
