//! What conditions of Sigma mean, held to its specification (sigma-specification, "Sigma Rules Specification" and
//! "Sigma Modifiers", version 2), over records of CloudTrail.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Condition, KeyField};
use crate::config::yaml_file::YamlFile;
use crate::detect::view::EventView;
use crate::event::Record;

const RECORD: &str = r#"{"eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com","readOnly":false,
    "recipientAccountId":"000123456789","errorCode":null,"sourceIPAddress":"198.51.100.7",
    "userAgent":"aws-cli/2.1 a\nb","userIdentity":{"type":"AssumedRole","userName":"eve",
    "sessionContext":{"sessionIssuer":{"userName":"Admin"},"attributes":{"mfaAuthenticated":"false"}}},
    "requestParameters":{"a.b":"flat","c":{"d":7,"e":"7","f":7.5,"g":true,"h":"eve","big":9007199254740993},
    "items":[{"k":"x","n":1},{"k":"y","n":2}],"names":["one","Two"],"empty":"","star":"a*b","slash":"a\\b"}}"#;

fn yaml(text: &str) -> Value {
    YamlFile::read(text, "test").unwrap().value().clone()
}

fn matches(detection: &str) -> bool {
    let detection = yaml(detection);
    let condition = Condition::read(&detection, None).unwrap_or_else(|problems| {
        panic!("{detection}: {problems:?}");
    });
    let (record, own) = (Record::read(RECORD).unwrap(), BTreeSet::new());
    condition.matches(&EventView::of(&record, &own))
}

#[track_caller]
fn check(selections: &[&str], expected: bool) {
    for selection in selections {
        let detection = format!("{{s: {selection}, condition: s}}");
        assert_eq!(matches(&detection), expected, "{selection}");
    }
}

#[test]
fn values_are_compared_as_the_specification_says() {
    check(
        &[
            // Case does not count, but where it is asked for.
            "{eventName: putbucketpolicy}",
            "{eventName|cased: PutBucketPolicy}",
            "{eventName|contains: BUCKET}",
            "{eventName|startswith: put, eventName|endswith: POLICY}",
            // Wildcards, over lines too, and escaped ones.
            "{eventName: 'Put*Policy'}",
            "{eventName: 'PutBucketPolic?'}",
            "{eventName: '*'}",
            "{userAgent: 'aws-cli*b'}",
            "{userAgent: 'aws-cli/2.1 a?b'}",
            "{userAgent|contains: '2.1*b'}",
            r"{requestParameters.star: 'a\*b'}",
            r"{requestParameters.slash: 'a\\b'}",
            r"{requestParameters.slash: 'a\b'}",
            // A list of values is an or, with `all` an and.
            "{eventName: [Get, PutBucketPolicy]}",
            "{eventName|contains|all: [Put, Policy]}",
            // A list of maps is an or of ands.
            "[{eventName: Get}, {eventName: PutBucketPolicy, readOnly: false}]",
            // Numbers and flags as texts, and the other way round.
            "{requestParameters.c.d: 7, requestParameters.c.e: 7, requestParameters.c.f: 7.5}",
            "{requestParameters.c.d: '7', requestParameters.c.e: '7'}",
            "{requestParameters.c.big: '9007199254740993'}",
            "{requestParameters.c.g: true}",
            "{requestParameters.c.g: 'true'}",
            "{readOnly: false}",
            "{readOnly: 'false'}",
            "{userIdentity.sessionContext.attributes.mfaAuthenticated: false}",
            "{recipientAccountId: '000123456789'}",
            "{requestParameters.c.d|gt: 6, requestParameters.c.d|gte: 7, requestParameters.c.f|lt: 8}",
            // What is null, and what is not there.
            "{errorCode: null}",
            "{errorMessage: null}",
            "{errorMessage|exists: false}",
            "{eventName|exists: true}",
            "{requestParameters.empty: ''}",
            // Nested fields, lists on the way, and keys with dots.
            "{userIdentity.sessionContext.sessionIssuer.userName: admin}",
            "{requestParameters.items.k: y}",
            "{requestParameters.items.k|contains|all: [x, x]}",
            "{requestParameters.names: two}",
            // Others.
            "{sourceIPAddress|cidr: 198.51.100.0/24}",
            r"{eventName|re: '^Put\w+y$'}",
            "{eventName|re|i: '^put'}",
            "{requestParameters.c.h|fieldref: userIdentity.userName}",
            "{eventName|neq: Get}",
            "['*bucketpolicy*', other]",
        ],
        true,
    );
    check(
        &[
            "{eventName|cased: putbucketpolicy}",
            "{eventName: Put}",
            "{eventName: 'Put?'}",
            "{requestParameters.star: 'a\\*c'}",
            "{eventName|contains|all: [Put, Get]}",
            "{requestParameters.c.d: 8}",
            "{requestParameters.c.g: false}",
            "{recipientAccountId: '123456789'}",
            "{eventName: null}",
            "{errorCode|exists: true}",
            "{eventName: ''}",
            "{errorMessage: ''}",
            "{errorMessage: '*'}",
            "{userIdentity.sessionContext.sessionIssuer: Admin}",
            "{requestParameters.names: three}",
            "{sourceIPAddress|cidr: 10.0.0.0/8}",
            "{eventName|re: '^put'}",
            "{eventName|fieldref: userIdentity.userName}",
            "{eventName|neq: putbucketpolicy}",
        ],
        false,
    );
}

#[test]
fn conditions_join_selections() {
    let of = |condition: &str| {
        let text = format!(
            "{{a1: {{eventName: '*'}}, a2: {{readOnly: true}}, b: {{eventSource: '*'}}, condition: {condition}}}"
        );
        matches(&text)
    };
    for yes in
        ["a1", "a1 and not a2", "1 of a*", "not all of a*", "a2 or b", "1 of them", "not (a2 and b)", "2 of them"]
    {
        assert!(of(yes), "{yes}");
    }
    for no in ["a2", "all of a*", "a1 and a2 or a2", "all of them", "not b", "not 1 of them", "3 of them"] {
        assert!(!of(no), "{no}");
    }
}

#[test]
fn elements_of_a_list_are_looked_at_one_by_one_where_a_rule_asks_for_it() {
    let of = |n: u32| {
        let detection = yaml(&format!("{{s: {{'requestParameters.items[any]': {{k: x, n: {n}}}}}, condition: s}}"));
        let condition = Condition::read(&detection, Some(&Value::from(3))).unwrap();
        let (record, own) = (Record::read(RECORD).unwrap(), BTreeSet::new());
        condition.matches(&EventView::of(&record, &own))
    };
    assert!(of(1) && !of(2), "x and 2 are of two elements");
    assert!(matches("{s: {requestParameters.items.k: x, requestParameters.items.n: 2}, condition: s}"));
}

#[test]
fn what_would_never_ring_or_ring_for_something_else_is_refused() {
    let refused = |text: &str| Condition::read(&yaml(text), None).unwrap_err().join("; ");
    for (text, wanted) in [
        ("{s: {eventNme: x}, condition: s}", "no field `eventNme`; did you mean `eventName`?"),
        ("{s: {userIdentiy.type: x}, condition: s}", "did you mean `userIdentity`?"),
        ("{s: {eventName: x}, condition: t}", "names `t`, which is no selection"),
        ("{selection: {eventName: x}, condition: selektion}", "did you mean `selection`?"),
        ("{s: {eventName: x}, condition: 1 of t*}", "names `t*`"),
        ("{s: {eventName: x}}", "`condition` is missing"),
        ("{s: {eventName: x}, condition: 's and'}", "parse"),
        ("{s: {eventName: x}, condition: s, timeframe: 5m}", "write a correlation"),
        ("{s: {eventName|contians: x}, condition: s}", "contians"),
        ("{s: {eventName|not: x}, condition: s}", "`not` is not a value modifier"),
        ("{s: {eventName|expand: '%x%'}, condition: s}", "values from outside"),
        ("{s: {eventName|re|neq: x}, condition: s}", "`neq` beside another comparison"),
        ("{s: {eventName|cidr|contains: x}, condition: s}", "conflicting modifiers"),
        ("{s: {eventName|re: '('}, condition: s}", "regex"),
        ("{s: {sourceIPAddress|cidr: 1.2.3}, condition: s}", "CIDR"),
        ("{s: {userIdentity: {type: Root}}, condition: s}", "write its path with dots"),
        ("{s: {eventName: [{a: b}]}, condition: s}", "a list or a map among its values"),
        ("{s: {eventName: []}, condition: s}", "no value"),
        ("{s: {}, condition: s}", "is empty"),
        ("[]", "no map"),
    ] {
        let found = refused(text);
        assert!(found.contains(wanted), "{text}: {found}");
    }
}

#[test]
fn the_index_knows_what_a_condition_needs_and_nothing_that_it_does_not() {
    let keys = |text: &str| {
        let condition = Condition::read(&yaml(text), None).unwrap();
        condition.keys().map(|keys| (keys.field, keys.values.iter().cloned().collect::<Vec<_>>().join(",")))
    };
    let names = |values: &str| Some((KeyField::EventName, values.to_owned()));
    for (text, expected) in [
        ("{s: {eventName: [B, A]}, condition: s}", names("a,b")),
        ("{s: {eventName: A, eventSource: x}, t: {eventName: [A, B]}, condition: s and t}", names("a")),
        ("{s: {eventName: A}, t: {eventName: B}, condition: s or t}", names("a,b")),
        ("{s: [{eventName: A}, {eventName: B}], condition: s}", names("a,b")),
        ("{s1: {eventName: A}, s2: {eventName: B}, condition: 1 of s*}", names("a,b")),
        ("{s: {eventName|cased: A}, t: {readOnly: true}, condition: s and not t}", names("a")),
        ("{s: {errorCode: AccessDenied}, condition: s}", Some((KeyField::ErrorCode, "accessdenied".to_owned()))),
        ("{s: {userIdentity.type: Root}, condition: s}", Some((KeyField::IdentityType, "root".to_owned()))),
        ("{s: {eventName: 'A*', eventSource: X}, condition: s}", Some((KeyField::EventSource, "x".to_owned()))),
        ("{s: {eventName: A}, t: {readOnly: true}, condition: s or t}", None),
        ("{s: {eventName: A}, condition: not s}", None),
        ("{s: {eventName|contains: A}, condition: s}", None),
        ("{s: {eventName: null}, condition: s}", None),
        ("{s: {eventName|neq: A}, condition: s}", None),
        ("{s: [word], condition: s}", None),
        ("{s: [{eventName: A}, {readOnly: true}], condition: s}", None),
    ] {
        assert_eq!(keys(text), expected, "{text}");
    }
}
