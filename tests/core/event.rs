//! Records of any shape: reading never panics, and the same event has the same answers in every wrapping.

use orgtrail::audit::pattern::Pattern;
use orgtrail::event::{Actor, AuditEvent, EventBridgeEvent, HistoryEvent, Json, Outcome, Record, resource};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Names that a record has, so that random values stand where they are read.
const NAMES: [&str; 24] = [
    "eventVersion",
    "eventTime",
    "eventSource",
    "eventName",
    "errorCode",
    "errorMessage",
    "readOnly",
    "userIdentity",
    "type",
    "arn",
    "principalId",
    "accountId",
    "invokedBy",
    "userName",
    "sessionContext",
    "sessionIssuer",
    "attributes",
    "mfaAuthenticated",
    "resources",
    "requestParameters",
    "bucketName",
    "responseElements",
    "serviceEventDetails",
    "additionalEventData",
];

/// Values that mean something in one of them.
const TEXTS: [&str; 12] = [
    "1.11",
    "2026-01-05T00:00:00Z",
    "s3.amazonaws.com",
    "PutBucketPolicy",
    "true",
    "AssumedRole",
    "AWSAccount",
    "ANONYMOUS_PRINCIPAL",
    "arn:aws:sts::111111111111:assumed-role/Admin/eve",
    "arn:::::",
    "Failure",
    "",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let name = prop_oneof![4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>()];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..10)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    let names = prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..12);
    names.prop_map(|fields| Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// Asks everything of a record that anybody asks.
fn ask(record: &Record<'_>) -> (Actor, Option<AuditEvent>) {
    let actor = Actor::of(record);
    assert!(!actor.name.is_empty());
    let _ = (actor.behind(), actor.role_name(), Outcome::of(record), record.is_version(1, 8));
    for named in resource::named(record) {
        let _ = named.is("acme");
    }
    for pattern in
        ["{ $.userIdentity.type != x || $.resources[0].arn = * }", "{ $.readOnly IS TRUE && $.errorCode > 1 }"]
    {
        let _ = Pattern::parse(pattern).unwrap().lets_through(record);
    }
    (actor, AuditEvent::of(record))
}

proptest! {
    #[test]
    fn a_record_of_any_shape_is_read_and_means_the_same_in_every_wrapping(value in record()) {
        let text = value.to_string();
        let delivered = Record::read(&text).unwrap();
        let envelope = json!({"detail-type": "AWS API Call via CloudTrail", "account": "1", "detail": value}).to_string();
        let sent = EventBridgeEvent::read(&envelope).unwrap().record;
        let answer = json!({ "CloudTrailEvent": text }).to_string();
        let text = Json::parse(&answer).unwrap().get("CloudTrailEvent").unwrap().text().unwrap();
        prop_assert_eq!(&delivered, &sent);
        prop_assert_eq!(&delivered, &Record::read(&text).unwrap());
        let (actor, event) = ask(&delivered);
        prop_assert_eq!((actor, event.clone()), ask(&sent));
        let history = HistoryEvent { record: Some(&text), ..HistoryEvent::default() };
        prop_assert!(history.change(None).is_err() || history.change(None) == Ok(event));
    }

    #[test]
    fn what_serde_reads_of_an_object_is_read_here(value in value()) {
        let text = value.to_string();
        let json = Json::parse(&text).unwrap();
        prop_assert_eq!(json.value(), serde_json::from_str(&text).ok());
        if let Value::Object(fields) = &value {
            prop_assert_eq!(json.fields().count(), fields.len());
            for (name, value) in fields {
                let own = json.get(name).unwrap();
                prop_assert_eq!(own.as_str(), value.to_string());
                prop_assert_eq!(own.text().map(|text| text.into_owned()), value.as_str().map(str::to_owned));
            }
        }
        if let Value::Array(elements) = &value {
            let own: Vec<String> = json.elements().map(|json| json.as_str().to_owned()).collect();
            prop_assert_eq!(own, elements.iter().map(Value::to_string).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in any::<String>(), cut in any::<prop::sample::Index>(), value in record()) {
        let _ = Record::read(&text).map(|record| ask(&record));
        let whole = value.to_string();
        let boundaries: Vec<usize> = whole.char_indices().map(|(at, _)| at).collect();
        let cut = boundaries.get(cut.index(boundaries.len().max(1))).copied().unwrap_or_default();
        prop_assert!(Record::read(&whole[..cut]).is_err());
        let _ = (EventBridgeEvent::read(&text), EventBridgeEvent::read(&whole), Pattern::parse(&text));
        if let Ok(json) = Json::parse(&whole) {
            let _ = json.at(&text);
        }
    }
}
