//! Digests that are gone: at the ends, in the middle, all of them; and what lies around them.

use jiff::SignedDuration;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::VerifyRequest;
use serde_json::json;

use super::{LONE, bucket, check, digest, log, version};
use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, link};
use crate::proof::{findings, hours, later, only, request, verify, verify_store};

#[tokio::test]
async fn an_untouched_bucket_is_attested() {
    let answer = verify(&bucket()).await;
    let chain = only(&answer);
    assert_eq!(findings(chain), [""; 0]);
    assert_eq!((chain.digests, chain.logs, chain.logs_attested), (6, 6, 6));
    assert_eq!(hours(chain, State::Attested), ["00:00-06:00"]);
    assert_eq!(answer.state(), State::Attested);
}

#[tokio::test]
async fn row_1_newest_digests_deleted() {
    let gone = |bucket: &mut Bucket| {
        for hour in [4, 5] {
            bucket.objects.remove(&digest(hour));
        }
    };
    let lone = "UNPROVEN log.under_no_digest 20 05:00 20261120T0520Z_000005000000Abcd.json.gz";
    let expected = ["UNPROVEN chain.tail_missing 20 04:00", lone];
    check(gone, &expected, &[], &["04:00-06:00"]).await;
}

#[tokio::test]
async fn row_1_newest_digests_deleted_and_s3_tells() {
    let mut bucket = bucket();
    bucket.objects.remove(&digest(5));
    let mut store = MemoryStore::of(&bucket);
    let mark = version(&digest(5), "gone", true);
    store.versions.push((mark, vec![]));
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    let chain = only(&answer);
    let lone = "UNPROVEN log.under_no_digest 20 05:00 20261120T0520Z_000005000000Abcd.json.gz";
    assert_eq!(findings(chain), [lone, "BROKEN chain.tail_missing 20 05:00"]);
    assert!(chain.findings[1].detail.contains("deleted at 2026-11-21T00:00:00Z"), "{}", chain.findings[1].detail);
}

#[tokio::test]
async fn row_2_oldest_digests_deleted() {
    let gone = |bucket: &mut Bucket| {
        for hour in [0, 1, 2] {
            bucket.objects.remove(&digest(hour));
        }
    };
    let last = "BROKEN digest.missing 20 02:00 org-trail_us-east-1_20261120T030000Z.json.gz";
    let expected = [
        "UNPROVEN log.under_no_digest - 20261120T0020Z_000000000000Abcd.json.gz",
        "UNPROVEN log.under_no_digest - 20261120T0025Z_000000000001Abcd.json.gz",
        "BROKEN digest.missing 20 00:00",
        "UNPROVEN log.under_no_digest 20 02:00 20261120T0220Z_000002000000Abcd.json.gz",
        last,
    ];
    check(gone, &expected, &["00:00-03:00"], &[]).await;
}

#[tokio::test]
async fn row_3_digests_in_the_middle_deleted() {
    let gone = |bucket: &mut Bucket| {
        for hour in [1, 2, 3] {
            bucket.objects.remove(&digest(hour));
        }
    };
    let last = "BROKEN digest.missing 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz";
    let lone = "UNPROVEN log.under_no_digest 20 02:00 20261120T0220Z_000002000000Abcd.json.gz";
    let expected = ["BROKEN digest.missing 20 01:00", lone, LONE[0], LONE[1], last];
    check(gone, &expected, &["01:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_4_all_digests_deleted() {
    let mut bucket = bucket();
    bucket.objects.retain(|key, _| !key.contains("Digest"));
    let answer = verify(&bucket).await;
    let chain = only(&answer);
    assert_eq!((chain.digests, chain.trail.clone()), (0, None));
    let told = findings(chain);
    assert_eq!(told.last().unwrap(), "UNPROVEN chain.absent 19 23:00");
    assert_eq!(
        told.iter().filter(|line| line.starts_with("UNPROVEN log.under_no_digest -")).count(),
        6,
        "each by name"
    );
    let absent = chain.findings.last().unwrap();
    assert!(absent.detail.contains("6 in the range"), "{}", absent.detail);
    assert_eq!(chain.logs_unlisted, 6);
    assert_eq!(answer.state(), State::Unproven);
}

#[tokio::test]
async fn row_4_an_empty_store_is_never_good() {
    let mut bucket = bucket();
    bucket.objects.clear();
    let answer = verify(&bucket).await;
    assert_eq!((answer.chains.len(), answer.state()), (0, State::Unproven));
}

#[tokio::test]
async fn row_5_organizations_accounts_regions_and_prefixes_are_found() {
    for (prefix, organization) in [("", None), ("", Some("o-exampleorgid")), ("a/b/", Some("o-exampleorgid"))] {
        let layout = Layout {
            prefix: prefix.into(),
            organization: organization.map(str::to_owned),
            accounts: vec![ACCOUNT.into(), "222222222222".into()],
            regions: vec![REGION.into(), "eu-central-1".into()],
            ..Layout::default()
        };
        let answer = verify(&layout.write()).await;
        assert_eq!((answer.chains.len(), answer.state()), (4, State::Attested), "{prefix} {organization:?}");
    }
}

/// Lets the digest of hour 3 begin a chain of its own, as after a start of logging.
fn begin_anew(bucket: &mut Bucket) {
    let mut digest_3 = bucket.read(&digest(3));
    for field in ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"] {
        digest_3[format!("previousDigest{field}")] = json!(null);
    }
    let mut previous = bucket.sign(&digest_3, 0);
    for hour in [4, 5] {
        let mut next = bucket.read(&digest(hour));
        link(&mut next, &previous);
        previous = bucket.sign(&next, 0);
    }
}

#[tokio::test]
async fn row_17_chain_restarted() {
    let restart = |bucket: &mut Bucket| {
        bucket.objects.remove(&digest(2));
        bucket.objects.remove(&log(2, 0));
        begin_anew(bucket);
    };
    check(restart, &["UNPROVEN chain.gap 20 02:00"], &[], &["02:00-03:00"]).await;
}

#[tokio::test]
async fn row_17_the_log_itself_tells_who_stopped_the_trail() {
    let mut bucket = bucket();
    let stop = json!({"Records": [{"eventName": "StopLogging", "eventSource": "cloudtrail.amazonaws.com",
        "eventTime": "2026-11-20T02:00:07Z", "userIdentity": {"arn": "arn:aws:iam::111111111111:user/mallory"},
        "requestParameters": {"name": "org-trail"}}]});
    // The log file of hour 2 is listed by nothing then; it explains, and proves nothing.
    bucket.objects.get_mut(&log(2, 0)).unwrap().body = crate::bucket::gz(stop.to_string().as_bytes());
    bucket.objects.remove(&digest(2));
    begin_anew(&mut bucket);
    let answer = verify(&bucket).await;
    let gap = only(&answer).findings.iter().find(|finding| finding.code.as_str() == "chain.gap").unwrap();
    let told = "the log says: StopLogging by arn:aws:iam::111111111111:user/mallory at 2026-11-20T02:00:07Z";
    assert!(gap.detail.ends_with(told), "{}", gap.detail);
}

#[tokio::test]
async fn row_18_key_rotated() {
    for rotation in 0..6 {
        let bucket = Layout { rotation: Some(rotation), ..Layout::default() }.write();
        assert_eq!(verify(&bucket).await.state(), State::Attested);
    }
}

#[tokio::test]
async fn row_19_key_unknown() {
    let mut bucket = Layout { rotation: Some(3), ..Layout::default() }.write();
    bucket.signers.truncate(1);
    let answer = verify(&bucket).await;
    let chain = only(&answer);
    assert_eq!(chain.findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["digest.unknown_key"; 3]);
    assert_eq!(
        (hours(chain, State::Attested), hours(chain, State::Unproven)),
        (vec!["00:00-03:00".into()], vec!["03:00-06:00".into()])
    );
    assert_eq!(chain.logs_attested, 3);
}

#[tokio::test]
async fn row_25_a_range_without_anything_is_absent() {
    let bucket = bucket();
    let (from, to) = (later() - SignedDuration::from_hours(48), later() - SignedDuration::from_hours(24));
    let answer = verify_store(
        MemoryStore::of(&bucket),
        &bucket,
        VerifyRequest { from: Some(from), to: Some(to), ..request(&bucket) },
    );
    let answer = answer.await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.absent 22 00:00"]);
}

#[tokio::test]
async fn the_successor_beyond_the_range_proves_the_last_digest_of_a_copy() {
    let mut bucket = bucket();
    bucket.strip_metadata();
    let to = bucket.layout.start + SignedDuration::from_hours(4);
    let answer =
        verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { to: Some(to), ..request(&bucket) }).await;
    assert_eq!((only(&answer).digests, answer.state()), (4, State::Attested));
    let from = bucket.layout.start + SignedDuration::from_hours(2);
    let both = VerifyRequest { from: Some(from), to: Some(to), ..request(&bucket) };
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, both).await;
    assert_eq!((only(&answer).digests, answer.state()), (2, State::Attested));
    assert_eq!(hours(only(&answer), State::Attested), ["02:00-04:00"]);
}

#[tokio::test]
async fn log_files_older_than_the_chain_are_a_gap() {
    let mut bucket = bucket();
    let early = Layout { start: bucket.layout.start - SignedDuration::from_hours(3), ..Layout::default() };
    let stored = bucket.objects[&log(0, 0)].clone();
    bucket.objects.insert(early.log(ACCOUNT, REGION, 1, 0), stored);
    let answer = verify(&bucket).await;
    let lone = "UNPROVEN log.under_no_digest - 20261119T2220Z_000001000000Abcd.json.gz";
    assert_eq!(findings(only(&answer)), [lone, "UNPROVEN chain.gap 19 22:00"]);
}
