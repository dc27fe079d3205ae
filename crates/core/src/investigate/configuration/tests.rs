//! Items beside calls: which call is put beside which change.

use serde_json::json;

use super::*;
use crate::event::RecordDigest;
use crate::investigate::answer::{EndingAnswer, IncarnationAnswer};

fn item(hour: u32, status: &str, state: Value) -> ConfigurationItem {
    let captured = format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap();
    ConfigurationItem { captured, status: status.into(), frequency: None, state }
}

fn step(id: &str, time: &str, call: &str, effect: &'static str) -> StepAnswer {
    StepAnswer {
        time: format!("2026-11-20T{time}Z"),
        call: call.into(),
        service: "s3.amazonaws.com".into(),
        effect,
        outcome: OutcomeAnswer::Done,
        error: None,
        is_by_aws: false,
        is_certain: true,
        is_disputed: false,
        waits_until: None,
        record: RecordDigest::of(id.as_bytes()),
        is_unordered: false,
        is_either: false,
        other_name: None,
        actor: format!("user/{id}"),
        person: None,
        source: None,
        accounts: Vec::new(),
        region: None,
        event_id: id.into(),
        policy: None,
        policy_before: None,
    }
}

fn resource(steps: Vec<StepAnswer>) -> ResourceAnswer {
    let one = IncarnationAnswer {
        ending: EndingAnswer::Nothing,
        created: None,
        ended: None,
        ended_before: None,
        ended_or: Vec::new(),
        created_or: Vec::new(),
        carried_out: None,
        unseen: None,
        steps,
    };
    ResourceAnswer {
        resource_type: Some("AWS::S3::Bucket".into()),
        name: "acme-files".into(),
        account: None,
        region: None,
        incarnations: vec![one],
        undated: Vec::new(),
        namesakes: Vec::new(),
        is_path_unsaid: false,
    }
}

fn ids(change: &ConfigurationChange) -> Vec<&str> {
    change.calls.iter().map(|call| call.event_id.as_str()).collect()
}

#[test]
fn a_call_belongs_to_the_first_item_that_is_not_before_it() {
    let acl = |open: bool| json!({"configuration": {"acl": if open { "public-read" } else { "private" }}});
    let items = vec![
        item(3, "OK", acl(true)),
        item(1, "ResourceDiscovered", acl(false)),
        item(2, "OK", acl(false)),
        item(5, "ResourceDeleted", Value::Null),
    ];
    let refused =
        StepAnswer { outcome: OutcomeAnswer::NotDone, ..step("refused", "02:31:00", "PutBucketAcl", "change") };
    let unclear =
        StepAnswer { outcome: OutcomeAnswer::Unclear, ..step("unclear", "02:32:00", "PutBucketAcl", "change") };
    let steps = vec![
        step("made", "00:59:58", "CreateBucket", "create"),
        step("opened", "03:00:00", "PutBucketAcl", "change"),
        step("used", "02:30:00", "PutObject", "use"),
        step("read", "02:30:30", "GetBucketAcl", "unknown"),
        refused,
        unclear,
        step("tagged", "01:30:00", "PutBucketTagging", "change"),
        step("ended", "04:59:00", "DeleteBucket", "delete"),
        step("later", "05:00:01", "CreateBucket", "create"),
    ];
    let all = changes(items, &resource(steps));
    let told: Vec<(&str, &str, Vec<&str>)> =
        all.iter().map(|change| (change.until.as_str(), change.status.as_str(), ids(change))).collect();
    assert_eq!(
        told,
        [
            ("2026-11-20T05:00:00Z", "ResourceDeleted", vec!["ended"]),
            // Between the second item, which is as the first, and the third.
            ("2026-11-20T03:00:00Z", "OK", vec!["unclear", "opened"]),
            ("2026-11-20T01:00:00Z", "ResourceDiscovered", vec!["made"]),
        ]
    );
    assert_eq!(all[1].after.as_deref(), Some("2026-11-20T02:00:00Z"));
    let difference = &all[1].differences[0];
    assert_eq!((difference.path.as_str(), difference.after.as_deref()), ("configuration.acl", Some("\"public-read\"")));
    assert!(!all[1].calls[0].is_certain && all[1].calls[1].is_certain);
    assert!(all[0].differences.is_empty() && all[2].differences.is_empty());
}

#[test]
fn the_first_item_that_was_read_is_no_change_and_daily_recording_is_said() {
    let daily = |hour, value: u32| ConfigurationItem {
        frequency: Some(RecordingFrequency::Daily),
        ..item(hour, "OK", json!({"configuration": {"n": value}}))
    };
    let steps = vec![step("a", "00:10:00", "PutBucketAcl", "change"), step("b", "01:10:00", "PutBucketAcl", "change")];
    let all = changes(vec![daily(1, 1), daily(2, 2)], &resource(steps));
    assert_eq!((all.len(), all[0].is_daily, ids(&all[0])), (1, true, vec!["b"]));
    assert!(changes(Vec::new(), &resource(Vec::new())).is_empty());
    // What nobody called for has no call.
    let nobody = changes(vec![daily(1, 1), daily(2, 2)], &resource(Vec::new()));
    assert!(nobody[0].calls.is_empty());
}
