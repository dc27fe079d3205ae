//! Lifecycle rules: what they have deleted is no alarm, what they may have deleted is unproven, and what they explain
//! is said.

use jiff::{SignedDuration, Timestamp};
use orgtrail::archive::{Deletes, When};
use orgtrail::log_path::ObjectKey;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Verification, VerifyRequest};

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, Stored, gz};
use crate::proof::{findings, only, request, verify_store};

/// Six days of which three are kept, as of their end.
fn six_days() -> Bucket {
    Layout { hours: 144, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() }.write()
}

fn cut(bucket: &Bucket) -> Timestamp {
    bucket.layout.start + SignedDuration::from_hours(72)
}

fn is_log(key: &str) -> bool {
    matches!(ObjectKey::parse(key), Some(ObjectKey::Log(_)))
}

/// Removes what is older than three days, as far as a rule takes it.
fn expire(bucket: &Bucket, takes: impl Fn(&str) -> bool) -> MemoryStore {
    let cut = cut(bucket);
    let is_old = |key: &str| match ObjectKey::parse(key) {
        Some(ObjectKey::Log(log)) => log.slot < cut,
        Some(ObjectKey::Digest(digest)) => digest.end < cut,
        None => false,
    };
    let mut store = MemoryStore::of(bucket);
    store.objects.retain(|key, _| !(is_old(key) && takes(key)));
    store
}

fn rule(prefix: &str, is_whole: bool) -> Option<Vec<Deletes>> {
    Some(vec![Deletes { prefix: prefix.into(), when: When::AfterDays(3), is_whole }])
}

async fn as_of_now(store: MemoryStore, bucket: &Bucket, change: impl FnOnce(&mut VerifyRequest)) -> Verification {
    let mut asked = VerifyRequest { to: None, now: bucket.layout.end(), ..request(bucket) };
    change(&mut asked);
    verify_store(store, bucket, asked).await
}

fn codes(answer: &Verification) -> Vec<String> {
    let mut codes: Vec<String> = only(answer).findings.iter().map(|f| format!("{} {}", f.state, f.code)).collect();
    codes.dedup();
    codes
}

#[tokio::test]
async fn what_a_rule_explains_is_said_and_attested_only_where_it_is_wanted() {
    let bucket = six_days();
    let folder = format!("AWSLogs/o-exampleorgid/{ACCOUNT}/CloudTrail");
    let date = Some(vec![Deletes { prefix: String::new(), when: When::On(cut(&bucket)), is_whole: true }]);
    let days = "a lifecycle rule of the bucket deletes what is older than 3 days, and no configuration asks for that";
    let on = "a lifecycle rule of the bucket has deleted what was written before 2026-11-23T00:00:00Z, and no configuration asks \
              for that";
    for (rules, takes_digests, why) in [
        (rule("", true), true, days),
        (rule("AWSLogs/", true), true, days),
        (rule(&folder, true), true, days),
        (rule(&format!("{folder}/"), true), false, days),
        (date, true, on),
    ] {
        let mut store = expire(&bucket, |key| takes_digests || is_log(key));
        store.rules = rules.clone();
        let answer = as_of_now(store.clone(), &bucket, |_| {}).await;
        assert_eq!(codes(&answer), ["UNPROVEN chain.expired"], "{rules:?}");
        assert_eq!(only(&answer).findings[0].detail, why);
        let asked = Some(cut(&bucket) + SignedDuration::from_hours(1));
        let answer = as_of_now(store.clone(), &bucket, |request| request.from = asked).await;
        assert_eq!(
            (codes(&answer), answer.state()),
            (vec![], State::Attested),
            "nobody asked for what is gone: {rules:?}"
        );
        if takes_digests {
            let answer = as_of_now(store, &bucket, |request| request.expire_after_days = Some(3)).await;
            assert_eq!((codes(&answer), answer.state()), (vec![], State::Attested), "it is wanted");
            assert!(only(&answer).notes[0].ends_with("the configuration has what is older than 3 days deleted"));
        }
    }
    // A rule about something else explains nothing.
    let mut store = expire(&bucket, |_| true);
    store.rules = rule("tmp/", true);
    assert_eq!(as_of_now(store, &bucket, |_| {}).await.state(), State::Broken);
}

#[tokio::test]
async fn what_a_rule_may_have_deleted_is_unproven_and_never_broken() {
    let bucket = six_days();
    let read = "whether a lifecycle rule deleted it is not known: the lifecycle rules of memory could not be read: AccessDenied";
    let part = "whether a lifecycle rule deleted it is not known: a lifecycle rule of the bucket deletes what is older than 3 \
                days, but only a part of what lies here";
    for (rules, why) in [(None, read), (rule("", false), part)] {
        for takes_digests in [true, false] {
            let mut store = expire(&bucket, |key| takes_digests || is_log(key));
            store.rules.clone_from(&rules);
            let answer = as_of_now(store, &bucket, |_| {}).await;
            // The log file of the hour at the edge is gone, whose digest is kept.
            let expected = ["UNPROVEN digest.missing", "UNPROVEN log.missing"];
            assert_eq!(codes(&answer), expected[usize::from(!takes_digests)..], "{rules:?}");
            let told = &only(&answer).findings[0];
            assert!(told.detail.ends_with(why), "{}", told.detail);
            assert!(told.next.as_ref().unwrap().starts_with("allow s3:GetLifecycleConfiguration"), "{told:?}");
        }
    }
    // What no rule deletes first is no work of one.
    for gone in [bucket.layout.log(ACCOUNT, REGION, 100, 0), bucket.layout.digest(ACCOUNT, REGION, 100, "")] {
        let mut store = MemoryStore { rules: None, ..MemoryStore::of(&bucket) };
        store.objects.remove(&gone);
        assert_eq!(as_of_now(store, &bucket, |_| {}).await.state(), State::Broken, "{gone}");
    }
}

#[tokio::test]
async fn a_file_that_a_rule_would_have_deleted_is_named_where_it_was_written_late() {
    let bucket = six_days();
    let mut store = expire(&bucket, |_| true);
    store.expires = Some(3);
    let wanted = |request: &mut VerifyRequest| request.expire_after_days = Some(3);
    for (hour, written, is_told) in [
        (2, bucket.layout.end() - SignedDuration::from_hours(3), true),
        // It is still there: S3 takes its time.
        (2, bucket.layout.start + SignedDuration::from_hours(3), false),
        // At the edge of what is deleted.
        (72, bucket.layout.end() - SignedDuration::from_hours(3), true),
    ] {
        let planted = bucket.layout.log(ACCOUNT, REGION, hour, 3);
        let mut store = store.clone();
        store.objects.insert(planted.clone(), Stored { body: gz(b"{}"), metadata: [].into() });
        store.written.insert(planted.clone(), written);
        let answer = as_of_now(store, &bucket, wanted).await;
        let told: Vec<_> = only(&answer).findings.iter().map(|f| (f.code.as_str(), f.object.clone())).collect();
        let expected = if is_told { vec![("log.unlisted", Some(planted))] } else { vec![] };
        assert_eq!(told, expected, "hour {hour} {written}");
    }
}

#[tokio::test]
async fn an_unproved_digest_at_the_edge_of_a_rule_lists_nothing() {
    let bucket = six_days();
    let mut store = expire(&bucket, |_| true);
    let planted: Vec<String> = [80, 90].iter().map(|hour| bucket.layout.log(ACCOUNT, REGION, *hour, 3)).collect();
    let mut digest = bucket.read(&bucket.layout.digest(ACCOUNT, REGION, 72, ""));
    let entry = |log: &String| {
        let mut entry = digest["logFiles"][0].clone();
        entry["s3Object"] = serde_json::json!(log);
        entry
    };
    let entries: Vec<_> = planted.iter().map(entry).collect();
    // The digest of the hour at the edge, with more in its list, and without a signature.
    digest["logFiles"].as_array_mut().unwrap().extend(entries);
    let key = bucket.layout.digest(ACCOUNT, REGION, 72, "");
    store.objects.insert(key.clone(), Stored { body: gz(digest.to_string().as_bytes()), metadata: [].into() });
    for log in &planted {
        store.objects.insert(log.clone(), Stored { body: gz(b"{}"), metadata: [].into() });
    }
    let answer = as_of_now(store, &bucket, |request| request.expire_after_days = Some(3)).await;
    let told = findings(only(&answer));
    let unlisted = told.iter().filter(|line| line.contains("log.unlisted")).count();
    assert_eq!(unlisted, 2, "{told:?}");
    assert_ne!(answer.state(), State::Attested);
}
