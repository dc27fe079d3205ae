//! What records name, without a candidate: the same as with one.

use proptest::prelude::*;
use serde_json::json;

use super::super::{MatchedBy, RecordedResource, ResourceCandidate};
use super::calls::blocks;
use super::properties::{call_at, put, texts, values};
use super::real::repository;
use super::{ACCOUNT, REGION, record, types};
use crate::event::Record;

fn named(text: &str) -> Vec<RecordedResource> {
    types().reader().named_by(&Record::read(text).unwrap())
}

/// Holds what is named to what a person would find who asked for it.
fn check(text: &str) -> usize {
    let (types, record) = (types(), Record::read(text).unwrap());
    let all = types.reader().named_by(&record);
    for own in &all {
        let candidate = ResourceCandidate {
            resource_type: Some(own.resource_type.clone()),
            identity: own.identity.clone(),
            arn: own.also_called.iter().find(|text| text.starts_with("arn:")).cloned(),
        };
        let found = types.mentions(&record, &[candidate]);
        let is_named = own.named_by > MatchedBy::Prefix;
        assert!(!is_named || found.len() == 1, "{own:?} is not mentioned in {text}");
        let same = |other: &RecordedResource| {
            other != own && is_named && other.resource_type == own.resource_type && other.identity == own.identity
        };
        assert!(!all.iter().any(same), "{own:?} stands twice in {text}");
    }
    all.len()
}

#[test]
fn each_type_is_named_by_the_calls_that_make_and_delete_it() {
    for (subject, cases) in blocks() {
        let candidates = types().candidates(subject).unwrap();
        let candidates: Vec<_> = candidates.into_iter().map(|own| own.within(Some(ACCOUNT), Some(REGION))).collect();
        let kind = types().named(candidates[0].resource_type.as_deref().unwrap()).unwrap();
        for (effect, event, parts) in cases {
            let (source, event) = event.split_once(':').unwrap_or((&kind.source, event));
            let text = record(source, event, &parts);
            check(&text);
            let all = named(&text);
            let is_it = |own: &&RecordedResource| {
                let wanted = |candidate: &ResourceCandidate| {
                    let same = types().reader().is_same(&kind.name, &candidate.identity, &own.identity);
                    // What a person types may be an id that looks like a name.
                    let typed = [&candidate.arn, &candidate.identity.name];
                    let is_typed = own.also_called.iter().any(|text| typed.contains(&&Some(text.clone())));
                    own.named_by <= MatchedBy::Prefix || same.is_some() || is_typed
                };
                own.resource_type == kind.name && candidates.iter().any(wanted)
            };
            let effects: Vec<&str> = all.iter().filter(is_it).map(|own| own.effect.as_str()).collect();
            assert_eq!(effects, [effect], "{subject}: {all:#?} in {text}");
        }
    }
}

#[test]
fn one_call_names_one_resource_in_several_ways_or_several_in_one() {
    let role = json!({
        "q": {"roleName": "deploy", "path": "/ci/"},
        "r": {"role": {"roleName": "deploy", "roleId": "AROAEXAMPLE1234567890", "arn": "arn:aws:iam::111122223333:role/ci/deploy"}},
    });
    let all = named(&record("iam.amazonaws.com", "CreateRole", &role));
    assert_eq!(all.len(), 1, "{all:#?}");
    let own = &all[0];
    let identity = &own.identity;
    assert_eq!((identity.name.as_deref(), identity.id.as_deref()), (Some("deploy"), Some("AROAEXAMPLE1234567890")));
    assert_eq!((own.named_by, own.text.as_str()), (MatchedBy::Arn, "arn:aws:iam::111122223333:role/ci/deploy"));
    let tags = json!({"q": {"resourcesSet": {"items": [
        {"resourceId": "i-0123456789abcdef0"}, {"resourceId": "vol-0123456789abcdef0"}, {"resourceId": "vol-1123456789abcdef0"},
    ]}}});
    let mut all: Vec<String> = named(&record("ec2.amazonaws.com", "CreateTags", &tags))
        .iter()
        .map(|own| format!("{} {} {}", own.effect.as_str(), own.resource_type, own.text))
        .collect();
    all.sort();
    let expected = [
        "change AWS::EC2::Instance i-0123456789abcdef0",
        "change AWS::EC2::Volume vol-0123456789abcdef0",
        "change AWS::EC2::Volume vol-1123456789abcdef0",
    ];
    assert_eq!(all, expected);
    let hidden = named(&record("iam.amazonaws.com", "DeleteRole", &json!({"q": {"omitted": true}})));
    assert_eq!((hidden[0].named_by, hidden[0].effect.as_str()), (MatchedBy::Withheld, "delete"));
}

#[test]
fn a_resource_has_the_arn_of_the_place_of_its_record() {
    let arn = |source: &str, event: &str, parts| {
        let text = record(source, event, &parts);
        let (reader, record) = (types().reader(), Record::read(&text).unwrap());
        reader.named_by(&record).iter().map(|own| reader.arn(&record, own)).collect::<Vec<_>>()
    };
    let queue = json!({"q": {"queueUrl": "https://sqs.eu-central-1.amazonaws.com/111122223333/orders"}});
    let expected = Some("arn:aws:sqs:eu-central-1:111122223333:orders".to_owned());
    assert_eq!(arn("sqs.amazonaws.com", "DeleteQueue", queue), [expected]);
    let bucket = arn("s3.amazonaws.com", "DeleteBucket", json!({"q": {"bucketName": "b"}}));
    assert_eq!(bucket, [Some("arn:aws:s3:::b".to_owned())]);
    let secret = json!({"q": {"secretId": "db"}});
    assert_eq!(arn("secretsmanager.amazonaws.com", "GetSecretValue", secret), [None], "its ARN ends at random");
}

#[test]
fn whatever_real_records_name_would_be_found() {
    let texts = repository();
    assert_eq!(texts.iter().map(|text| check(text)).sum::<usize>(), 158);
}

proptest! {
    #[test]
    fn whatever_random_records_name_would_be_found(
        at in any::<usize>(), values in prop::collection::vec((values(), any::<bool>()), 1..6),
        listed in prop::collection::vec(texts(), 0..3),
    ) {
        let (source, event, paths) = call_at(types(), at);
        let mut parts = json!({});
        for ((value, through_list), path) in values.into_iter().zip(paths.iter().cycle()) {
            put(&mut parts, path, value, through_list);
        }
        parts["l"] = listed.iter().map(|arn| json!({"ARN": arn})).collect();
        check(&record(&source, &event, &parts));
    }
}
