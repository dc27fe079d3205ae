//! What holds for every document: order has no meaning, a deny never allows, the normal form changes no answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::policy::document::{ActionElement, Effect, Statement};
use crate::policy::same_meaning;

fn pick(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(of).prop_map(str::to_owned)
}

fn conditions() -> impl Strategy<Value = Value> {
    let operators = &[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLikeIfExists",
        "ArnLike",
        "ArnNotEquals",
        "Null",
        "Bool",
        "IpAddress",
        "NumericLessThan",
        "DateGreaterThanIfExists",
        "ForAllValues:StringLike",
        "ForAnyValue:StringEquals",
        "ForAnyValue:StringNotEquals",
        "StringMatches",
        "stringequals",
    ];
    let keys = &[
        "s3:prefix",
        "aws:PrincipalOrgID",
        "AWS:principalaccount",
        "aws:SourceArn",
        "aws:SecureTransport",
        "aws:New",
        "aws:TagKeys",
        "aws:SourceIp",
        "aws:PrincipalArn",
    ];
    let values = &[
        "a",
        "*",
        "true",
        "false",
        "111111111111",
        "${aws:username}",
        "${aws:PrincipalTag/x, 'a'}",
        "${",
        "10",
        "10.0.0.0/8",
        "2020-01-01",
        "arn:aws:iam::111111111111:role/*",
    ];
    let line = (pick(operators), pick(keys), prop::collection::vec(pick(values), 1..3));
    prop::collection::vec(line, 0..3).prop_map(|lines| {
        let mut condition = json!({});
        for (operator, key, values) in lines {
            condition[operator][key] = json!(values);
        }
        condition
    })
}

fn principals() -> impl Strategy<Value = Value> {
    let names = &["*", "111111111111", "arn:aws:iam::111111111111:root", USER, ROLE, STRANGER, "AROAX"];
    prop_oneof![
        Just(json!("*")),
        prop::collection::vec(pick(names), 1..3).prop_map(|list| json!({ "AWS": list })),
        pick(&["cloudtrail.amazonaws.com", "s3.amazonaws.com"]).prop_map(|name| json!({ "Service": name })),
    ]
}

fn statements() -> impl Strategy<Value = Statement> {
    let actions = &["*", "s3:*", "S3:get*", "s3:GetObject", "kms:Decrypt", "sts:AssumeRole"];
    let resources = &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b", "arn:aws:s3:::b/home/${aws:username}/*", "arn:aws:s3"];
    let elements = (
        pick(&["Allow", "Deny"]),
        (pick(&["Principal", "NotPrincipal"]), principals()),
        (pick(&["Action", "NotAction"]), prop::collection::vec(pick(actions), 1..3)),
        (pick(&["Resource", "NotResource"]), prop::collection::vec(pick(resources), 1..3)),
        conditions(),
    );
    elements.prop_map(|(effect, principal, action, resource, condition)| {
        let statement = json!({
            "Effect": effect, (principal.0): principal.1, (action.0): action.1, (resource.0): resource.1, "Condition": condition
        });
        PolicyDocument::from_value(&json!({ "Statement": [statement] })).unwrap().statements.remove(0)
    })
}

fn documents() -> impl Strategy<Value = PolicyDocument> {
    let version = proptest::option::of(pick(&["2012-10-17", "2008-10-17"]));
    (version, prop::collection::vec(statements(), 0..5)).prop_map(|(version, statements)| PolicyDocument {
        version,
        id: None,
        statements,
    })
}

fn asks() -> impl Strategy<Value = Ask> {
    let callers =
        pick(&[USER, ROLE, STRANGER, "arn:aws:iam::111111111111:root", "anonymous", "cloudtrail.amazonaws.com"]);
    let actions = pick(&["s3:GetObject", "s3:ListBucket", "kms:Decrypt", "sts:AssumeRole"]);
    let resources = pick(&[OBJECT, "arn:aws:s3:::b", "arn:aws:kms:eu-central-1:111111111111:key/k"]);
    let keys = prop::collection::vec(
        (pick(&["s3:prefix", "aws:PrincipalOrgID", "aws:TagKeys", "aws:SourceIp"]), pick(&["a", "b", "10.1.1.1"])),
        0..3,
    );
    (callers, actions, resources, keys).prop_map(|(who, action, resource, keys)| {
        keys.iter().fold(ask(&who, &action, &resource), |case, (key, value)| case.with(key, value))
    })
}

/// A case with random identity and resource policies.
fn cases() -> impl Strategy<Value = Ask> {
    (asks(), documents(), documents()).prop_map(|(mut case, mut identity, resource)| {
        identity.statements.iter_mut().for_each(|statement| statement.principal = None);
        case.identity.push(identity);
        case.resource = Some(resource);
        case
    })
}

/// Says the same in other words: reverses every list, doubles statements, drops names, writes actions in other case.
fn reworded(document: &PolicyDocument) -> PolicyDocument {
    let mut other = document.clone();
    for statement in &mut other.statements {
        statement.sid = Some("Renamed".into());
        let (ActionElement::Is(list) | ActionElement::IsNot(list)) = &mut statement.action;
        list.iter_mut().for_each(|action| *action = action.to_ascii_uppercase());
        list.reverse();
        statement.condition.values_mut().flat_map(|keys| keys.values_mut()).for_each(|values| values.reverse());
    }
    other.statements.extend(document.statements.clone());
    other.statements.reverse();
    other
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(600), ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_statements_has_no_effect(case in cases()) {
        let mut turned = case.clone();
        turned.identity.iter_mut().chain(&mut turned.resource).for_each(|document| document.statements.reverse());
        prop_assert_eq!(word(&case.verdict()), word(&turned.verdict()));
    }

    #[test]
    fn one_more_deny_never_allows(case in cases(), mut deny in statements()) {
        let before = word(&case.verdict());
        deny.effect = Effect::Deny;
        let mut stricter = case.clone();
        stricter.resource.iter_mut().for_each(|document| document.statements.push(deny.clone()));
        let after = word(&stricter.verdict());
        prop_assert!(after != "allowed" || before == "allowed");
        prop_assert!(after != "implicit" || before == "implicit");
        prop_assert!(before != "explicit" || after == "explicit");
    }

    #[test]
    fn one_more_allow_never_denies(case in cases(), mut allow in statements()) {
        let before = word(&case.verdict());
        allow.effect = Effect::Allow;
        let mut wider = case.clone();
        wider.resource.iter_mut().for_each(|document| document.statements.push(allow.clone()));
        prop_assert!(before != "allowed" || word(&wider.verdict()) == "allowed");
    }

    #[test]
    fn another_rendering_of_the_same_meaning_has_the_same_answer(case in cases()) {
        let mut other = case.clone();
        for document in other.identity.iter_mut().chain(&mut other.resource) {
            let reworded = reworded(document);
            prop_assert!(same_meaning(document, &reworded, &Default::default()));
            *document = reworded;
        }
        prop_assert_eq!(word(&case.verdict()), word(&other.verdict()));
    }
}
