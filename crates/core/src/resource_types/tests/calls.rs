//! Each type: a record of its creation and of its deletion, shaped as CloudTrail writes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{NameScope, PlacePath, ResourceEffect};
use super::{ACCOUNT, REGION, mentions, record, types};

const CALLS: &str = include_str!("calls.txt");

/// Types whose resources no call deletes.
const END_BY_THEMSELVES: [&str; 1] = ["AWS::STS::Credentials"];

/// The effect, the event and the parts of a record.
pub(super) type Case = (&'static str, &'static str, Value);

/// Blocks of lines: the subject, and its cases.
pub(super) fn blocks() -> Vec<(&'static str, Vec<Case>)> {
    let text = CALLS.split("\n\n").map(|block| block.lines().filter(|line| !line.starts_with('#')));
    let block = |mut lines: Box<dyn Iterator<Item = &'static str>>| {
        let subject = lines.next().unwrap();
        let case = |line: &'static str| {
            let (effect, rest) = line.split_once(' ').unwrap();
            let (event, parts) = rest.split_once(' ').unwrap();
            (effect, event, serde_json::from_str(parts).unwrap_or_else(|error| panic!("{line}: {error}")))
        };
        (subject, lines.map(case).collect())
    };
    text.map(|lines| block(Box::new(lines))).collect()
}

#[test]
fn the_calls_that_make_and_delete_each_type_are_found_where_their_records_name_it() {
    let types = types();
    let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (subject, cases) in blocks() {
        let candidates = types.candidates(subject).unwrap();
        let candidates: Vec<_> = candidates.into_iter().map(|own| own.within(Some(ACCOUNT), Some(REGION))).collect();
        let kinds: BTreeSet<&str> = candidates.iter().filter_map(|own| own.resource_type.as_deref()).collect();
        assert_eq!(kinds.len(), 1, "{subject} may be {kinds:?}");
        let kind = types.named(kinds.first().unwrap()).unwrap();
        for (effect, event, parts) in cases {
            let (source, event) = event.split_once(':').unwrap_or((&kind.source, event));
            let text = record(source, event, &parts);
            let found = mentions(types, &candidates, &text);
            let effects: Vec<&str> = found.iter().map(|found| found.effect).collect();
            assert_eq!(effects, [effect], "{subject}: {text}");
            assert!(kind.call(source, event).is_some(), "{subject}: {event}");
            let may_be_certain = kind.names != NameScope::Shared && !text.contains("ARNPrefix");
            assert!(found[0].certain || !may_be_certain || found[0].by < super::super::MatchedBy::Id, "{found:?}");
            seen.entry(kind.name.clone()).or_default().insert(effect);
            // Another resource of the type is not meant.
            let other = text.replace("-", "-0").replace("/", "/x").replace("\"name\":\"", "\"name\":\"x");
            let _never_panics = mentions(types, &candidates, &other);
        }
    }
    for kind in types.all() {
        let of = seen.get(&kind.name).cloned().unwrap_or_default();
        assert!(of.contains("create") || of.contains("put"), "no creation of {}", kind.name);
        let ends = of.contains("delete") || END_BY_THEMSELVES.contains(&kind.name.as_str());
        assert!(ends, "no deletion of {}", kind.name);
    }
    assert!(types.all().len() >= 60);
}

#[test]
fn another_resource_of_the_same_type_is_never_meant() {
    let types = types();
    for kind in types.all() {
        for call in &kind.calls {
            let parts = call.at.iter().fold(serde_json::json!({}), |parts, path| with(parts, path, "other-one"));
            let text = record(&call.source, &call.event, &parts);
            let mut wanted = super::super::ResourceIdentity { name: Some("wanted".into()), ..Default::default() };
            wanted.id = Some("i-wanted".into());
            let wanted =
                super::ResourceCandidate { resource_type: Some(kind.name.clone()), identity: wanted, arn: None };
            assert_eq!(mentions(types, &[wanted], &text), [], "{} {}", kind.name, call.event);
        }
    }
}

#[test]
fn every_place_of_every_call_is_looked_at() {
    let types = types();
    for kind in types.all() {
        for (call, path) in kind.calls.iter().flat_map(|call| call.at.iter().map(move |path| (call, path))) {
            let text = record(&call.source, &call.event, &with(serde_json::json!({}), path, "i-wanted"));
            let identity = super::super::ResourceIdentity { id: Some("i-wanted".into()), ..Default::default() };
            let wanted = super::ResourceCandidate { resource_type: Some(kind.name.clone()), identity, arn: None };
            let found = mentions(types, &[wanted], &text);
            assert_eq!(found.len(), 1, "{} {} {path}", kind.name, call.event);
            // Where it names no other region it has its effect nowhere else.
            let is_elsewhere = !call.regions.is_empty() && !call.is_here_too;
            let effect = if is_elsewhere { "change" } else { call.effect.as_str() };
            assert_eq!((found[0].effect, found[0].place.as_str()), (effect, path.to_string().as_str()));
        }
    }
}

/// Puts a text at a place of the parts of a record.
fn with(mut parts: Value, path: &PlacePath, text: &str) -> Value {
    let part = match path.part.field() {
        "requestParameters" => "q",
        "responseElements" => "r",
        "serviceEventDetails" => "d",
        _ => "a",
    };
    let mut at = &mut parts[part];
    for step in &path.steps {
        // One path may lead through what another one ends at.
        if !at.is_object() {
            *at = serde_json::json!({});
        }
        at = &mut at[step.as_str()];
    }
    *at = Value::String(text.to_owned());
    parts
}

#[test]
fn names_words_and_patterns_of_types_are_told_apart() {
    let types = types();
    let names: BTreeSet<&str> = types.all().iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(names.len(), types.all().len());
    for kind in types.all() {
        assert!(kind.words.iter().all(|word| word.to_lowercase() == *word), "{}", kind.name);
        assert!(
            kind.words.iter().any(|word| types.all().iter().filter(|own| own.is_called(word)).count() == 1),
            "no word is that of {} alone",
            kind.name
        );
        assert!(
            kind.calls.iter().any(|call| call.effect == ResourceEffect::Create || call.effect == ResourceEffect::Put)
        );
        let has_arn = kind.forms.iter().any(|form| form.as_str().starts_with("arn:{partition}:"));
        let none = [
            "AWS::IAM::AccessKey",
            "AWS::STS::Credentials",
            "AWS::IAM::LoginProfile",
            "AWS::SSO::Assignment",
            "AWS::Config::DeliveryChannel",
        ];
        assert!(has_arn || none.contains(&kind.name.as_str()), "{} has no ARN", kind.name);
    }
}
