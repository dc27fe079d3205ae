//! Log files that are gone, changed, added, or cannot be had.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use orgtrail::archive::FaultKind;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::VerifyRequest;

use super::{LONE, bucket, check, digest, log, version};
use crate::bucket::{Bucket, MemoryStore, gz};
use crate::proof::{findings, hours, only, request, verify, verify_store};

#[tokio::test]
async fn row_6_log_deleted() {
    let gone = |bucket: &mut Bucket| drop(bucket.objects.remove(&log(2, 0)));
    let expected = ["BROKEN log.missing 20 02:00 20261120T0220Z_000002000000Abcd.json.gz"];
    check(gone, &expected, &["02:00-03:00"], &[]).await;
}

#[tokio::test]
async fn row_7_log_edited() {
    let edited = |bucket: &mut Bucket| bucket.objects.get_mut(&log(3, 1)).unwrap().body = gz(b"{\"Records\":[]}");
    let expected = ["BROKEN log.hash_mismatch 20 03:00 20261120T0325Z_000003000001Abcd.json.gz"];
    check(edited, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_8_member_or_bytes_appended_to_a_log() {
    for more in [gz(b"{\"Records\":[{}]}"), gz(b""), b"junk".to_vec()] {
        let appended = |bucket: &mut Bucket| bucket.objects.get_mut(&log(3, 0)).unwrap().body.extend(more);
        let expected = ["BROKEN log.trailing_data 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"];
        check(appended, &expected, &["03:00-04:00"], &[]).await;
    }
}

#[tokio::test]
async fn row_10_log_planted() {
    let plant = |bucket: &mut Bucket| {
        let stored = bucket.objects[&log(3, 0)].clone();
        bucket.objects.insert(log(3, 3), stored);
    };
    let expected = ["UNPROVEN log.unlisted 20 03:00 20261120T0335Z_000003000003Abcd.json.gz"];
    check(plant, &expected, &[], &["03:00-04:00"]).await;
}

#[tokio::test]
async fn row_10_a_log_with_a_foreign_name_is_planted_too() {
    let name = log(3, 0).replace("_CloudTrail_", "_Cloudtrail_");
    let plant = |bucket: &mut Bucket| {
        let stored = bucket.objects[&log(3, 0)].clone();
        bucket.objects.insert(name, stored);
    };
    check(plant, &["UNPROVEN log.unlisted - 20261120T0320Z_000003000000Abcd.json.gz"], &[], &[]).await;
}

#[tokio::test]
async fn row_10_a_young_log_is_pending() {
    let mut bucket = bucket();
    let stored = bucket.objects[&log(3, 0)].clone();
    bucket.objects.insert(log(3, 3), stored);
    let now = bucket.layout.start + SignedDuration::from_hours(6);
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { now, ..request(&bucket) }).await;
    let chain = only(&answer);
    assert_eq!((findings(chain), chain.logs_pending), (vec![], 1));
    assert_eq!(answer.state(), State::Attested);
}

#[tokio::test]
async fn row_16_overwritten_with_the_old_version_kept() {
    let mut bucket = bucket();
    let whole = bucket.objects[&log(3, 0)].body.clone();
    bucket.objects.get_mut(&log(3, 0)).unwrap().body = gz(b"{}");
    let mut store = MemoryStore::of(&bucket);
    store.versions = vec![(version(&log(3, 0), "v2", false), gz(b"{}")), (version(&log(3, 0), "v1", false), whole)];
    store.versions[0].0.is_latest = true;
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    let chain = only(&answer);
    assert_eq!(findings(chain), ["BROKEN log.hash_mismatch 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"]);
    let told =
        "version v1 written at 2026-11-21T00:00:00Z by mallory is the attested one; data events do not say who did it";
    assert!(chain.findings[0].detail.ends_with(told), "{}", chain.findings[0].detail);
}

#[tokio::test]
async fn data_events_tell_who_overwrote_a_log_file() {
    let (attacked, key) = (log(3, 0), "AWSLogs/o-exampleorgid/222222222222/CloudTrail/us-east-1/2026/11/21/");
    let record = |name: &str, key: &str, who: &str| {
        serde_json::json!({"eventSource": "s3.amazonaws.com", "eventName": name, "eventTime": "2026-11-21T00:00:01Z",
            "userIdentity": {"arn": format!("arn:aws:iam::222222222222:user/{who}")},
            "requestParameters": {"bucketName": "acme-org-cloudtrail", "key": key}})
    };
    let records = [
        record("PutObject", &attacked, "mallory"),
        record("GetObject", &attacked, "reader"),
        record("PutObject", &log(2, 0), "another"),
    ];
    let mut bucket = bucket();
    let whole = bucket.objects[&attacked].body.clone();
    bucket.objects.get_mut(&attacked).unwrap().body = gz(b"{}");
    let file = format!("{key}222222222222_CloudTrail_us-east-1_20261121T0005Z_DataEventsOfTheB.json.gz");
    let body = gz(serde_json::json!({"Records": records}).to_string().as_bytes());
    bucket.objects.insert(file, crate::bucket::Stored { body, metadata: BTreeMap::new() });
    let mut store = MemoryStore::of(&bucket);
    store.versions = vec![(version(&attacked, "v2", false), gz(b"{}")), (version(&attacked, "v1", false), whole)];
    store.versions[0].0.is_latest = true;
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    let chain = answer.chains.iter().find(|chain| chain.trail.is_some()).unwrap();
    let told = "is the attested one; data events say: PutObject by arn:aws:iam::222222222222:user/mallory at \
                2026-11-21T00:00:01Z";
    assert!(chain.findings[0].detail.ends_with(told), "{}", chain.findings[0].detail);
}

#[tokio::test]
async fn rows_20_21_22_one_object_that_cannot_be_had() {
    for kind in [FaultKind::Denied, FaultKind::Archived, FaultKind::Unavailable] {
        let what = if kind == FaultKind::Archived { "archived" } else { "unreadable" };
        for (key, expected) in [
            (log(3, 0), format!("UNPROVEN log.{what} 20 03:00 20261120T0320Z_000003000000Abcd.json.gz")),
            (digest(3), format!("UNPROVEN digest.{what} 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz")),
        ] {
            let bucket = bucket();
            let mut store = MemoryStore::of(&bucket);
            store.faults = BTreeMap::from([(key, kind)]);
            let answer = verify_store(store, &bucket, request(&bucket)).await;
            let chain = only(&answer);
            let told = findings(chain);
            let (last, lone) = told.split_last().unwrap();
            assert_eq!(*last, expected);
            assert!(lone.is_empty() || lone == LONE && last.contains("digest"), "{lone:?}");
            assert_eq!(hours(chain, State::Attested), ["00:00-03:00", "04:00-06:00"]);
        }
    }
}

#[tokio::test]
async fn row_23_objects_that_are_no_gzip_or_too_large() {
    let garbage = |bucket: &mut Bucket| bucket.objects.get_mut(&log(3, 0)).unwrap().body.truncate(30);
    let expected = ["BROKEN log.unreadable 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"];
    check(garbage, &expected, &["03:00-04:00"], &[]).await;
    let bomb = |bucket: &mut Bucket| bucket.objects.get_mut(&digest(3)).unwrap().body = gz(&vec![b' '; 65 << 20]);
    let expected = [LONE[0], LONE[1], "BROKEN digest.unreadable 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(bomb, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn what_was_unpacked_on_its_way_is_no_alarm() {
    let unpack = |key: String| {
        move |bucket: &mut Bucket| {
            let stored = bucket.objects.get_mut(&key).unwrap();
            stored.body = orgtrail::archive::inflate::inflate(&stored.body, 1 << 20).unwrap().0;
        }
    };
    let told = "UNPROVEN log.unwrapped 20 03:00 20261120T0320Z_000003000000Abcd.json.gz";
    check(unpack(log(3, 0)), &[told], &[], &["03:00-04:00"]).await;
    let told = "UNPROVEN digest.unwrapped 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz";
    check(unpack(digest(3)), &[told], &[], &["03:00-04:00"]).await;
    let other = |bucket: &mut Bucket| bucket.objects.get_mut(&log(3, 0)).unwrap().body = b"{}".to_vec();
    let told = "BROKEN log.unreadable 20 03:00 20261120T0320Z_000003000000Abcd.json.gz";
    check(other, &[told], &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn of_very_many_versions_the_oldest_are_read() {
    let mut bucket = bucket();
    let whole = bucket.objects[&log(3, 0)].body.clone();
    bucket.objects.get_mut(&log(3, 0)).unwrap().body = gz(b"{}");
    let number = |number: i64| {
        let mut version = version(&log(3, 0), &format!("v{number}"), false);
        version.modified = version.modified.map(|time| time + SignedDuration::from_secs(number));
        (version, gz(b"no"))
    };
    let mut store = MemoryStore::of(&bucket);
    store.versions = (1..3_000).rev().map(number).collect();
    let told = "of its 2999 versions the oldest 20 were read, and none of them is the attested one";
    let answer = verify_store(store.clone(), &bucket, request(&bucket)).await;
    assert!(only(&answer).findings[0].detail.contains(told), "{}", only(&answer).findings[0].detail);
    store.versions.push((version(&log(3, 0), "v0", false), whole));
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    let told = "version v0 written at 2026-11-21T00:00:00Z by mallory is the attested one";
    assert!(only(&answer).findings[0].detail.contains(told), "{}", only(&answer).findings[0].detail);
}

#[tokio::test]
async fn what_is_gone_was_not_read() {
    let mut bucket = bucket();
    bucket.objects.remove(&log(3, 0));
    let answer = verify(&bucket).await;
    assert_eq!((only(&answer).logs, only(&answer).logs_attested, only(&answer).logs_read), (6, 5, 5));
}
