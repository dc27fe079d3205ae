//! What lies beside the range that is asked for, by its time or by its folder, and reaches into it.

use jiff::{SignedDuration, Timestamp};
use orgtrail::archive::inflate::{hex, sha256};
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Verification, VerifyRequest};
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, Stored, gz};
use crate::proof::{findings, only, request, verify_store};

fn three_days() -> Bucket {
    Layout { hours: 72, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() }.write()
}

fn hour(bucket: &Bucket, hour: i64) -> Timestamp {
    bucket.layout.start + SignedDuration::from_hours(hour)
}

/// Puts a log file of an hour into a bucket that no digest lists, and returns its key.
fn plant(bucket: &mut Bucket, hour: usize) -> String {
    let key = bucket.layout.log(ACCOUNT, REGION, hour, 3);
    bucket.objects.insert(key.clone(), Stored { body: gz(b"{\"Records\":[]}"), metadata: [].into() });
    key
}

/// Puts a digest without any signature into a bucket, of a trail of a name and of an hour, that lists log files.
fn forge(bucket: &mut Bucket, trail: &str, (hour, second): (usize, i64), logs: &[String]) -> String {
    let end = bucket.layout.start + SignedDuration::from_hours(hour as i64 + 1) - SignedDuration::from_secs(second);
    let layout = Layout { trail: trail.into(), start: end - SignedDuration::from_hours(1), ..bucket.layout.clone() };
    let key = layout.digest(ACCOUNT, REGION, 0, "");
    let mut digest = bucket.read(&bucket.layout.digest(ACCOUNT, REGION, 0, ""));
    let hash = hex(&sha256(b"{\"Records\":[]}"));
    let entry = |log: &String| {
        json!({"s3Bucket": bucket.layout.bucket, "s3Object": log, "hashValue": hash, "hashAlgorithm": "SHA-256",
            "newestEventTime": null, "oldestEventTime": null})
    };
    digest["digestS3Object"] = json!(key);
    digest["digestStartTime"] = json!(layout.start.to_string());
    digest["digestEndTime"] = json!(end.to_string());
    digest["logFiles"] = json!(logs.iter().map(entry).collect::<Vec<_>>());
    bucket.objects.insert(key.clone(), Stored { body: gz(digest.to_string().as_bytes()), metadata: [].into() });
    key
}

async fn of_range(bucket: &Bucket, (from, to): (i64, Option<i64>)) -> Verification {
    let (from, to) = (Some(hour(bucket, from)), to.map(|to| hour(bucket, to)));
    verify_store(MemoryStore::of(bucket), bucket, VerifyRequest { from, to, ..request(bucket) }).await
}

fn codes(answer: &Verification) -> Vec<String> {
    let mut codes: Vec<String> =
        answer.chains.iter().flat_map(|chain| &chain.findings).map(|f| f.code.to_string()).collect();
    codes.sort();
    codes
}

#[tokio::test]
async fn what_an_unproved_digest_beside_the_range_lists_counts_for_nothing() {
    for (trail, place) in
        [("evil", (48, 0)), ("evil", (60, 0)), ("evil", (23, 0)), ("org-trail", (23, 29)), ("org-trail", (49, 29))]
    {
        let mut bucket = three_days();
        let planted = [plant(&mut bucket, 30), plant(&mut bucket, 40)];
        let forged = forge(&mut bucket, trail, place, &planted);
        let answer = of_range(&bucket, (24, Some(48))).await;
        // Besides, that trail does not go on, or the other one does not continue its digest.
        let is_own = |code: &String| !code.starts_with("digest.link") && !code.starts_with("chain.");
        let told: Vec<String> = codes(&answer).into_iter().filter(is_own).collect();
        assert_eq!(told, ["digest.no_signature", "log.unlisted", "log.unlisted"], "{trail} {place:?}");
        let all = || answer.chains.iter().flat_map(|chain| &chain.findings);
        let own = all().find(|finding| finding.object.as_ref() == Some(&forged)).unwrap();
        assert_eq!(
            own.detail,
            "its metadata holds no signature, and there is no successor that records it; it is of an hour beside the range, and \
             2 of the log files that it lists are of the range and listed by no proved digest"
        );
        let unlisted: Vec<_> = all().filter(|f| f.code.as_str() == "log.unlisted").map(|f| f.object.clone()).collect();
        assert_eq!(unlisted, planted.map(Some));
        assert_ne!(answer.state(), State::Attested);
    }
}

#[tokio::test]
async fn an_unproved_digest_beside_the_range_that_lists_nothing_new_is_no_matter() {
    let mut bucket = three_days();
    let listed = bucket.layout.log(ACCOUNT, REGION, 30, 0);
    forge(&mut bucket, "evil", (48, 0), &[listed]);
    let answer = of_range(&bucket, (24, Some(48))).await;
    assert_eq!((codes(&answer), answer.chains.len(), answer.state()), (vec![], 1, State::Attested));
}

#[tokio::test]
async fn a_log_file_of_the_future_waits_for_no_digest() {
    let mut bucket = Layout::default().write();
    let now = bucket.layout.end();
    for hours in [24, 24 * 3_000] {
        plant(&mut bucket, 6 + hours);
    }
    let near = Layout { start: now - SignedDuration::from_mins(30), ..bucket.layout.clone() };
    let stored = Stored { body: gz(b"{}"), metadata: [].into() };
    bucket.objects.insert(near.log(ACCOUNT, REGION, 0, 3), stored);
    let answer =
        verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { to: None, now, ..request(&bucket) }).await;
    let chain = only(&answer);
    assert_eq!((chain.logs_pending, chain.logs_unlisted), (1, 2));
    let told: Vec<(&str, &str)> = chain.findings.iter().map(|f| (f.code.as_str(), f.detail.as_str())).collect();
    let why = "no digest lists it, and its name is of a time that has not come";
    assert_eq!(told, [("log.unlisted", why); 2]);
}

#[tokio::test]
async fn a_log_file_in_the_folder_of_another_day_is_seen_by_one_daily_audit() {
    let days = [(0, Some(24)), (24, Some(48)), (48, Some(72))];
    // Of the second day: in the folder of the day before, of the day after, and far away.
    for (folder, seen_by) in [("2026/11/20", 1), ("2026/11/22", 1), ("2026/11/15", 0), ("2026/11/28", 2)] {
        let mut bucket = three_days();
        let planted = plant(&mut bucket, 34);
        let stored = bucket.objects.remove(&planted).unwrap();
        bucket.objects.insert(planted.replace("2026/11/21/", &format!("{folder}/")), stored);
        let all = VerifyRequest { to: None, now: bucket.layout.end(), ..request(&bucket) };
        let whole = verify_store(MemoryStore::of(&bucket), &bucket, all).await;
        assert_eq!(codes(&whole), ["log.unlisted"], "{folder}");
        for (at, range) in days.into_iter().enumerate() {
            let answer = of_range(&bucket, range).await;
            let is_folder_of_range = folder == "2026/11/20" || folder == "2026/11/22";
            let expected = usize::from(is_folder_of_range && at == seen_by);
            assert_eq!(codes(&answer).len(), expected, "{folder} {range:?} {:?}", findings(only(&answer)));
        }
    }
}
