//! Hours that are gone while another trail goes on: one that records nothing, or little, does not stand for them.

use jiff::{SignedDuration, Timestamp};
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::VerifyRequest;
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, gz};
use crate::proof::{request, verify_store};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Two log files an hour.
fn layout() -> Layout {
    Layout { hours: 12, logs: vec![2], ..Layout::default() }
}

/// A second trail, whose digests list nothing, from an hour on to the end of the first one.
fn add_decoy(bucket: &mut Bucket, from: i32) {
    let start = bucket.layout.start + HOUR * from;
    let hours = (bucket.layout.end().as_second() - start.as_second()) / 3600;
    let decoy = Layout { trail: "decoy".into(), start, hours: hours as usize, logs: vec![0], ..bucket.layout.clone() };
    bucket.objects.extend(decoy.write().objects);
}

/// Removes the digests of some hours, and all that they list.
fn lose(bucket: &mut Bucket, layout: &Layout, hours: std::ops::Range<usize>) {
    for hour in hours {
        assert!(bucket.objects.remove(&layout.digest(ACCOUNT, REGION, hour, "")).is_some());
        (0..2).for_each(|number| drop(bucket.objects.remove(&layout.log(ACCOUNT, REGION, hour, number))));
    }
}

async fn codes(bucket: &Bucket, request: VerifyRequest) -> (State, Vec<String>) {
    let answer = verify_store(MemoryStore::of(bucket), bucket, request).await;
    let found = answer.chains.iter().flat_map(|chain| chain.findings.iter().map(|finding| finding.code.to_string()));
    let mut codes: Vec<String> = found.collect();
    codes.dedup();
    (answer.state(), codes)
}

/// A chain that was switched off and on after its sixth hour: there is no link over that moment.
fn restarted() -> (Bucket, Layout) {
    let first = Layout { hours: 6, ..layout() };
    let second = Layout { start: first.end(), ..first.clone() };
    let mut bucket = second.write();
    bucket.objects.extend(first.write().objects);
    bucket.layout = Layout { hours: 12, ..first.clone() };
    (bucket, first)
}

#[tokio::test]
async fn a_trail_that_lists_nothing_does_not_fill_a_gap_or_a_head() {
    let (mut bucket, _) = restarted();
    add_decoy(&mut bucket, -1);
    assert_eq!(codes(&bucket, request(&bucket)).await, (State::Attested, vec![]), "untouched");
    let from = |bucket: &Bucket| VerifyRequest { from: Some(bucket.layout.start), ..request(bucket) };
    assert_eq!(codes(&bucket, from(&bucket)).await, (State::Attested, vec![]), "untouched");
    let (mut cut, first) = restarted();
    add_decoy(&mut cut, -1);
    lose(&mut cut, &first, 4..6);
    assert_eq!(codes(&cut, request(&cut)).await, (State::Unproven, vec!["chain.gap".into()]));
    lose(&mut bucket, &first, 0..6);
    assert_eq!(codes(&bucket, from(&bucket)).await, (State::Unproven, vec!["chain.gap".into()]));
}

fn call(name: &str, time: &str) -> serde_json::Value {
    json!({"eventName": name, "eventSource": "cloudtrail.amazonaws.com", "eventTime": time,
        "requestParameters": {"name": layout().trail}})
}

#[tokio::test]
async fn a_trail_that_was_started_again_has_not_ended() {
    let (stop, start) = (call("StopLogging", "2026-11-20T07:01:00Z"), call("StartLogging", "2026-11-20T07:02:00Z"));
    for (records, expected) in [
        (json!({"Records": [stop]}), (State::Attested, vec![])),
        (json!({"Records": [start, stop]}), (State::Unproven, vec!["chain.tail_missing".to_owned()])),
    ] {
        let layout = Layout { contents: vec![records.to_string()], ..layout() };
        let mut bucket = layout.write();
        add_decoy(&mut bucket, 2);
        lose(&mut bucket, &layout, 8..12);
        assert_eq!(codes(&bucket, request(&bucket)).await, expected, "{records}");
    }
}

#[tokio::test]
async fn a_log_file_that_no_digest_lists_does_not_end_a_trail() {
    let layout = layout();
    let mut bucket = layout.write();
    add_decoy(&mut bucket, 2);
    lose(&mut bucket, &layout, 8..12);
    let planted = layout.log(ACCOUNT, REGION, 8, 0);
    let mut stored = bucket.objects[&layout.log(ACCOUNT, REGION, 7, 0)].clone();
    stored.body = gz(json!({"Records": [call("DeleteTrail", "2026-11-20T08:01:00Z")]}).to_string().as_bytes());
    bucket.objects.insert(planted, stored);
    // Young enough to wait for a digest.
    let now: Timestamp = layout.end() + HOUR;
    let (state, codes) = codes(&bucket, VerifyRequest { now, ..request(&bucket) }).await;
    assert_eq!((state, codes), (State::Unproven, vec!["chain.tail_missing".to_owned()]));
}

#[tokio::test]
async fn backfill_digests_alone_are_no_chain() {
    let layout = Layout { backfill: Some(2), ..layout() };
    let mut bucket = layout.write();
    assert_eq!(codes(&bucket, request(&bucket)).await.0, State::Attested);
    let hourly: Vec<String> = (0..12).map(|hour| layout.digest(ACCOUNT, REGION, hour, "")).collect();
    let listed: Vec<String> = hourly
        .iter()
        .filter(|digest| bucket.objects.contains_key(*digest))
        .map(|digest| bucket.read(digest))
        .flat_map(|digest| digest["logFiles"].as_array().unwrap().clone())
        .map(|file| file["s3Object"].as_str().unwrap().to_owned())
        .collect();
    hourly.iter().chain(&listed).for_each(|key| drop(bucket.objects.remove(key)));
    assert!(bucket.objects.keys().any(|key| key.contains("Digest")), "the late ones are left");
    assert_eq!(codes(&bucket, request(&bucket)).await, (State::Unproven, vec!["chain.absent".into()]));
}
