//! Trails that move, end and take over: what is asked for is judged as it is, whatever became of the trail around it.

use jiff::SignedDuration;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Expectation, Verification, VerifyRequest};
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, Stored, gz};
use crate::proof::findings;
use crate::properties::{go_on, prove};

fn layout(hours: usize) -> Layout {
    Layout { hours, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() }
}

fn told(answer: &Verification) -> Vec<String> {
    let beside = answer.findings.iter().map(|finding| format!("{} {}", finding.state, finding.code));
    answer.chains.iter().flat_map(findings).chain(beside).collect()
}

fn range(of: &Layout, from: i64, to: i64) -> impl Fn(&mut VerifyRequest) {
    let at = |hour| Some(of.start + SignedDuration::from_hours(hour));
    let (from, to) = (at(from), at(to));
    move |request| (request.from, request.to) = (from, to)
}

#[test]
fn a_move_just_after_the_range_changes_nothing_of_it() {
    for at in [29, 30, 33, 45, 52] {
        for second in [
            Layout { organization: None, ..layout(0) },
            Layout { prefix: "p/".into(), ..layout(0) },
            Layout { bucket: "the-next-bucket".into(), ..layout(0) },
        ] {
            let is_bucket = second.bucket != layout(0).bucket;
            let old = layout(at).write();
            let mut new = Layout { start: old.layout.end(), hours: 60 - at, ..second }.write();
            go_on(&mut new, &old);
            let stores = if is_bucket {
                vec![MemoryStore::of(&new), MemoryStore::of(&old)]
            } else {
                new.objects.extend(old.objects.clone());
                vec![MemoryStore::of(&new)]
            };
            let answer = prove(&stores, &new, range(&old.layout, 5, 29));
            assert_eq!((told(&answer), answer.state()), (vec![], State::Attested), "at {at} {:?}", new.layout);
            assert_eq!((answer.chains.len(), answer.chains[0].digests, answer.chains[0].notes.len()), (1, 24, 0));
            assert_eq!(answer.chains[0].scope.prefix, old.layout.prefix, "it is said where the range lies");
            // What is gone within the range is found all the same.
            let mut less = stores.clone();
            for store in &mut less {
                store.objects.remove(&old.layout.digest(ACCOUNT, REGION, 20, ""));
            }
            let answer = prove(&less, &new, range(&old.layout, 5, 29));
            assert_eq!(answer.state(), State::Broken, "at {at}");
        }
    }
}

/// A trail whose newest digests and log files are gone, and a younger one with so many log files an hour that goes on.
fn hidden(logs: usize) -> Bucket {
    let older = layout(60);
    let mut bucket = older.write();
    let younger = Layout {
        trail: "dev-trail".into(),
        start: older.start + SignedDuration::from_hours(20),
        hours: 40,
        logs: vec![logs],
        ..layout(0)
    };
    for hour in 48..60 {
        bucket.objects.remove(&older.digest(ACCOUNT, REGION, hour, ""));
        bucket.objects.remove(&older.log(ACCOUNT, REGION, hour, 0));
    }
    // Its log files have names of their own.
    for (key, stored) in younger.write().objects {
        bucket.objects.entry(key).or_insert(stored);
    }
    bucket
}

#[test]
fn a_younger_trail_that_records_less_hides_no_end() {
    let tail = "UNPROVEN chain.tail_missing 22 00:00".to_owned();
    let answer = prove(&[MemoryStore::of(&hidden(0))], &hidden(0), |_| {});
    assert_eq!((told(&answer), answer.state()), (vec![tail.clone()], State::Unproven));
    // The configuration tells which trails there are.
    let expecting = |trail: &str| Expectation {
        said_by: vec!["the test".into()],
        trails: [trail.to_owned()].into(),
        ..Expectation::default()
    };
    let bucket = hidden(0);
    let answer = prove(&[MemoryStore::of(&bucket)], &bucket, |request| request.expected = Some(expecting("org-trail")));
    assert_eq!(told(&answer), [tail]);
    let answer = prove(&[MemoryStore::of(&bucket)], &bucket, |request| request.expected = Some(expecting("dev-trail")));
    assert_eq!((told(&answer), answer.state()), (vec![], State::Attested), "it was retired");
    // The log itself tells who deleted the trail.
    let mut bucket = hidden(0);
    let record = json!({"Records": [{"eventName": "DeleteTrail", "eventSource": "cloudtrail.amazonaws.com",
        "eventTime": "2026-11-22T00:00:07Z", "userIdentity": {"arn": "arn:aws:iam::111111111111:user/admin"},
        "requestParameters": {"name": "org-trail"}}]});
    let content = record.to_string();
    let digest = layout(60).digest(ACCOUNT, REGION, 47, "");
    let log = layout(60).log(ACCOUNT, REGION, 47, 0);
    bucket.objects.insert(log, Stored { body: gz(content.as_bytes()), metadata: [].into() });
    let hash = orgtrail::archive::inflate::hex(&orgtrail::archive::inflate::sha256(content.as_bytes()));
    bucket.resign(&digest, |digest| digest["logFiles"][0]["hashValue"] = json!(hash));
    let answer = prove(&[MemoryStore::of(&bucket)], &bucket, |_| {});
    assert_eq!((told(&answer), answer.state()), (vec![], State::Attested));
}

#[test]
fn buckets_that_nothing_joins_are_told_of_one_folder_and_of_several() {
    let first = layout(20);
    let second = Layout { bucket: "another-bucket".into(), start: first.end(), hours: 10, ..first.clone() };
    let (a, b) = (first.write(), second.write());
    let mut both = second.write();
    both.objects.extend(a.objects.clone());
    let folder =
        |bucket: &Bucket, called: &str| MemoryStore { bucket: None, called: called.into(), ..MemoryStore::of(bucket) };
    let copy = "UNPROVEN chain.copy".to_owned();
    for places in [vec![folder(&both, "both")], vec![folder(&a, "a"), folder(&b, "b")]] {
        let answer = prove(&places, &b, |_| {});
        assert!(told(&answer).contains(&copy), "{} places: {:?}", places.len(), told(&answer));
        let named = |request: &mut VerifyRequest| {
            request.buckets = vec!["acme-org-cloudtrail".into(), "another-bucket".into()];
        };
        assert!(!told(&prove(&places, &b, named)).contains(&copy));
    }
    // A signed link joins them.
    let mut linked = second.write();
    go_on(&mut linked, &a);
    let answer = prove(&[folder(&linked, "b"), folder(&a, "a")], &linked, |_| {});
    assert_eq!((told(&answer), answer.state()), (vec![], State::Attested));
    // Another region of a bucket of its own.
    let other = Layout { bucket: "another-bucket".into(), regions: vec!["eu-west-1".into()], ..layout(20) }.write();
    let answer = prove(&[folder(&a, "a"), folder(&other, "b")], &a, |_| {});
    assert!(told(&answer).contains(&copy), "{:?}", told(&answer));
    // In S3 the bucket is what it is called.
    let answer = prove(&[MemoryStore::of(&a), folder(&b, "b")], &b, |_| {});
    assert!(told(&answer).contains(&copy), "{:?}", told(&answer));
}
