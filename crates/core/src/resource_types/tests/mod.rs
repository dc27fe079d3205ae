//! Tests of the table of resource types, of what people type, and of what records mention.

mod calls;
mod files;
mod named;
mod properties;
mod real;
mod subjects;
mod traps;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{ResourceCandidate, ResourceMention, ResourceTypes};
use crate::event::Record;

/// The account and region that records of these tests are from.
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

/// The table, read once: property tests ask for it a thousand times.
static TYPES: LazyLock<ResourceTypes> =
    LazyLock::new(|| ResourceTypes::built_in().unwrap_or_else(|errors| panic!("{}", errors.render(false))));

fn types() -> &'static ResourceTypes {
    &TYPES
}

/// Returns the text of a record, with parts as `calls.txt` has them.
fn record(source: &str, event: &str, parts: &Value) -> String {
    let mut record = json!({
        "eventSource": source, "eventName": event, "recipientAccountId": ACCOUNT, "awsRegion": REGION,
        "requestParameters": parts["q"], "responseElements": parts["r"], "serviceEventDetails": parts["d"],
        "additionalEventData": parts["a"], "resources": parts["l"],
    });
    for (name, value) in parts.as_object().unwrap().iter().filter(|(name, _)| name.len() > 1) {
        record[name] = value.clone();
    }
    record.to_string()
}

/// What became of a mention, without the record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    kind: String,
    effect: &'static str,
    by: super::MatchedBy,
    certain: bool,
    place: String,
    also: Vec<String>,
    policy: bool,
}

fn found(mention: ResourceMention<'_>) -> Found {
    Found {
        kind: mention.resource_type.unwrap_or_default(),
        effect: mention.effect.as_str(),
        by: mention.matched_by,
        certain: mention.is_certain,
        place: mention.place,
        also: mention.also_called.into_iter().collect(),
        policy: mention.policy.is_some(),
    }
}

/// Returns what a record says of what a person typed; and holds the pre-filter to it.
fn mentions(types: &ResourceTypes, candidates: &[ResourceCandidate], text: &str) -> Vec<Found> {
    let record = Record::read(text).unwrap();
    let all: Vec<Found> = types.mentions(&record, candidates).into_iter().map(found).collect();
    let passes = types.needles(candidates).may_mention(text.as_bytes());
    assert!(passes || all.is_empty(), "the pre-filter loses {all:?} in {text}");
    all
}

/// Returns what a record says of a resource in the account and region of the record.
fn about(subject: &str, source: &str, event: &str, parts: &Value) -> Vec<Found> {
    let types = types();
    let candidates = types.candidates(subject).unwrap();
    let candidates: Vec<ResourceCandidate> =
        candidates.into_iter().map(|own| own.within(Some(ACCOUNT), Some(REGION))).collect();
    mentions(types, &candidates, &record(source, event, parts))
}
