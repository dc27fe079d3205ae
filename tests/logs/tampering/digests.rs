//! Digests that are changed, moved, or say what they should not.

use orgtrail::logs::finding::State;
use orgtrail::logs::verify::VerifyRequest;
use serde_json::json;

use super::{LONE, bucket, check, digest, log};
use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, gz};
use crate::proof::{findings, only, request, verify, verify_store};

#[tokio::test]
async fn row_9_bytes_appended_to_a_digest() {
    let appended = |bucket: &mut Bucket| bucket.objects.get_mut(&digest(2)).unwrap().body.extend(b"junk");
    let expected = ["BROKEN digest.trailing_data 20 02:00 org-trail_us-east-1_20261120T030000Z.json.gz"];
    check(appended, &expected, &["02:00-03:00"], &[]).await;
}

#[tokio::test]
async fn row_11_digest_swapped_for_another() {
    let swap = |bucket: &mut Bucket| {
        let other = bucket.objects[&digest(1)].clone();
        bucket.objects.insert(digest(3), other);
    };
    let expected = [LONE[0], LONE[1], "BROKEN digest.moved 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(swap, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_11_digest_edited() {
    let edit = |bucket: &mut Bucket| {
        let mut digest_3 = bucket.read(&digest(3));
        digest_3["logFiles"] = json!([]);
        bucket.objects.get_mut(&digest(3)).unwrap().body = gz(digest_3.to_string().as_bytes());
    };
    let expected =
        [LONE[0], LONE[1], "BROKEN digest.bad_signature 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(edit, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_11_digest_misplaced_or_of_a_foreign_bucket() {
    let misplace = |bucket: &mut Bucket| {
        let stored = bucket.objects[&digest(1)].clone();
        bucket.objects.insert(digest(1).replace("/111111111111_", "/222222222222_"), stored);
    };
    let expected = ["BROKEN digest.moved - org-trail_us-east-1_20261120T020000Z.json.gz"];
    let mut bucket = bucket();
    misplace(&mut bucket);
    let answer = verify(&bucket).await;
    assert_eq!(findings(only(&answer)), expected);
    assert_eq!(answer.state(), State::Broken);

    let mut store = MemoryStore::of(&Layout::default().write());
    store.bucket = Some("another-bucket".into());
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    // All of it says the same: that may be a copy, which nobody has called one.
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.copy 20 00:00"]);
    assert_eq!(only(&answer).logs_attested, 0);
    let mut store = MemoryStore::of(&Layout::default().write());
    store.bucket = Some("another-bucket".into());
    let accepted = VerifyRequest { buckets: vec![bucket.layout.bucket.clone()], ..request(&bucket) };
    assert_eq!(verify_store(store, &bucket, accepted).await.state(), State::Attested);
}

#[tokio::test]
async fn row_12_metadata_stripped() {
    let expected = ["UNPROVEN digest.no_signature 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz"];
    check(Bucket::strip_metadata, &expected, &[], &["05:00-06:00"]).await;
}

#[tokio::test]
async fn row_12_stripped_and_edited_is_still_noticed() {
    let edit = |bucket: &mut Bucket| {
        bucket.strip_metadata();
        let mut digest_3 = bucket.read(&digest(3));
        digest_3["logFiles"] = json!([]);
        bucket.objects.get_mut(&digest(3)).unwrap().body = gz(digest_3.to_string().as_bytes());
    };
    let expected = [
        LONE[0],
        LONE[1],
        "BROKEN digest.bad_signature 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz",
        "UNPROVEN digest.no_signature 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz",
    ];
    check(edit, &expected, &["03:00-04:00"], &["05:00-06:00"]).await;
}

#[tokio::test]
async fn row_13_signature_algorithm_or_signature_changed() {
    for (field, value) in [("signature-algorithm", "none"), ("signature", "00ff")] {
        let change = |bucket: &mut Bucket| {
            bucket.objects.get_mut(&digest(2)).unwrap().metadata.insert(field.into(), value.into());
        };
        let expected = ["BROKEN digest.bad_signature 20 02:00 org-trail_us-east-1_20261120T030000Z.json.gz"];
        check(change, &expected, &["02:00-03:00"], &[]).await;
    }
    let change = |bucket: &mut Bucket| bucket.resign(&digest(5), |d| d["digestSignatureAlgorithm"] = json!("none"));
    let lone = "UNPROVEN log.under_no_digest 20 05:00 20261120T0520Z_000005000000Abcd.json.gz";
    let expected = [lone, "BROKEN digest.bad_signature 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz"];
    check(change, &expected, &["05:00-06:00"], &[]).await;
}

#[tokio::test]
async fn row_14_and_15_pointer_to_another_chain_to_itself_and_past_a_digest() {
    let layout = Layout::default();
    let other_trail = Layout { trail: "other-trail".into(), ..layout.clone() }.digest(ACCOUNT, REGION, 4, "");
    let other_region = layout.digest(ACCOUNT, "eu-central-1", 4, "");
    let other_account = layout.digest("222222222222", REGION, 4, "");
    for target in [other_trail, other_region, other_account, digest(5), digest(3), "../../etc/passwd".into()] {
        let point = |bucket: &mut Bucket| bucket.resign(&digest(5), |d| d["previousDigestS3Object"] = json!(target));
        let expected = ["BROKEN digest.link_mismatch 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz"];
        check(point, &expected, &["05:00-06:00"], &[]).await;
    }
}

#[tokio::test]
async fn a_successor_that_records_something_else_is_a_mismatch() {
    for (field, value) in [
        ("previousDigestHashValue", "00".repeat(32)),
        ("previousDigestSignature", "00".repeat(256)),
        ("previousDigestS3Bucket", "another-bucket".into()),
    ] {
        let record = |bucket: &mut Bucket| bucket.resign(&digest(5), |d| d[field] = json!(value));
        let expected = ["BROKEN digest.link_mismatch 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz"];
        check(record, &expected, &["05:00-06:00"], &[]).await;
    }
}

#[tokio::test]
async fn row_24_backfill_digests() {
    let layout = Layout { backfill: Some(3), ..Layout::default() };
    let late = layout.digest(ACCOUNT, REGION, 3, "_backfill");
    let mut bucket = layout.write();
    assert_eq!(verify(&bucket).await.state(), State::Attested, "signed by a later key");

    let stamp = bucket.objects[&late].metadata["backfill-generation-timestamp"].clone();
    bucket.objects.get_mut(&late).unwrap().metadata.remove("backfill-generation-timestamp");
    let answer = verify(&bucket).await;
    let expected = ["UNPROVEN digest.no_timestamp 20 03:00 org-trail_us-east-1_20261120T040000Z_backfill.json.gz"];
    assert_eq!(findings(only(&answer)), expected);
    bucket.objects.get_mut(&late).unwrap().metadata.insert("backfill-generation-timestamp".into(), stamp);

    bucket.objects.remove(&late);
    let answer = verify(&bucket).await;
    let expected = ["UNPROVEN log.unlisted 20 03:00 20261120T0325Z_000003000001Abcd.json.gz"];
    assert_eq!(findings(only(&answer)), expected, "its backfill digest is gone");
}

#[tokio::test]
async fn row_26_a_digest_that_leads_elsewhere_or_says_things_twice() {
    let lead = |bucket: &mut Bucket, object: &str, in_bucket: &str| {
        let (object, in_bucket) = (object.to_owned(), in_bucket.to_owned());
        bucket.resign(&digest(5), move |d| {
            d["logFiles"] = json!([{"s3Bucket": in_bucket, "s3Object": object, "hashValue": "00".repeat(32), "hashAlgorithm": "SHA-256"}]);
        });
    };
    let own = Layout::default().bucket;
    for (object, in_bucket) in [
        ("../../etc/passwd", own.as_str()),
        (&log(5, 0), "another-bucket"),
        (&Layout::default().log("222222222222", REGION, 5, 0), own.as_str()),
        (&digest(0), own.as_str()),
    ] {
        let mut bucket = bucket();
        lead(&mut bucket, object, in_bucket);
        let chain_answer = verify(&bucket).await;
        let codes: Vec<&str> = only(&chain_answer).findings.iter().map(|f| f.code.as_str()).collect();
        assert!(codes.contains(&"log.out_of_scope"), "{object} {codes:?}");
        assert!(!codes.iter().any(|code| matches!(*code, "log.missing" | "log.hash_mismatch")), "{codes:?}");
    }
    let twice = |bucket: &mut Bucket| {
        let text = bucket.read(&digest(3)).to_string().replacen('{', "{\"digestS3Object\":\"x\",", 1);
        bucket.objects.get_mut(&digest(3)).unwrap().body = gz(text.as_bytes());
    };
    let expected = [LONE[0], LONE[1], "BROKEN digest.unreadable 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(twice, &expected, &["03:00-04:00"], &[]).await;
}
