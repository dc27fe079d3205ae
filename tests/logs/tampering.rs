//! Every attack and fault that we know, each with its exact answer.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use orgtrail::logs::finding::State;
use orgtrail::logs::store::{FaultKind, Version};
use orgtrail::logs::verify::Request;
use serde_json::json;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, Predecessor, REGION, gz, link};
use crate::proof::{bucket, digest, findings, hours, later, log, only, request, verify, verify_store};

/// Changes a whole bucket, and expects findings, and spans of broken and unproven hours.
async fn check(change: impl FnOnce(&mut Bucket), expected: &[&str], broken: &[&str], unproven: &[&str]) {
    let mut bucket = bucket();
    change(&mut bucket);
    let answer = verify(&bucket).await;
    let chain = only(&answer);
    assert_eq!(findings(chain), expected);
    assert_eq!(hours(chain, State::Broken), broken, "broken hours");
    assert_eq!(hours(chain, State::Unproven), unproven, "unproven hours");
    let worst = if !broken.is_empty() { State::Broken } else { State::Unproven };
    assert_eq!(answer.state(), if expected.is_empty() { State::Attested } else { worst });
}

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
    let expected = ["UNPROVEN chain.tail_missing 20 04:00", "UNPROVEN chain.tail_missing 20 05:00"];
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
    assert_eq!(findings(chain), ["BROKEN chain.tail_missing 20 05:00"]);
    assert!(chain.findings[0].detail.contains("deleted at 2026-11-21T00:00:00Z"), "{}", chain.findings[0].detail);
}

#[tokio::test]
async fn row_2_oldest_digests_deleted() {
    let gone = |bucket: &mut Bucket| {
        for hour in [0, 1, 2] {
            bucket.objects.remove(&digest(hour));
        }
    };
    let last = "BROKEN digest.missing 20 02:00 org-trail_us-east-1_20261120T030000Z.json.gz";
    let expected = ["BROKEN digest.missing 20 00:00", "BROKEN digest.missing 20 01:00", last];
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
    let expected = ["BROKEN digest.missing 20 01:00", "BROKEN digest.missing 20 02:00", last];
    check(gone, &expected, &["01:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_4_all_digests_deleted() {
    let mut bucket = bucket();
    bucket.objects.retain(|key, _| !key.contains("Digest"));
    let answer = verify(&bucket).await;
    let chain = only(&answer);
    assert_eq!((chain.digests, chain.trail.clone()), (0, None));
    assert_eq!(findings(chain), ["UNPROVEN chain.absent 19 23:00"]);
    assert!(chain.findings[0].detail.contains("6 in the range"), "{}", chain.findings[0].detail);
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
async fn row_9_bytes_appended_to_a_digest() {
    let appended = |bucket: &mut Bucket| bucket.objects.get_mut(&digest(2)).unwrap().body.extend(b"junk");
    let expected = ["BROKEN digest.trailing_data 20 02:00 org-trail_us-east-1_20261120T030000Z.json.gz"];
    check(appended, &expected, &["02:00-03:00"], &[]).await;
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
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, Request { now, ..request(&bucket) }).await;
    let chain = only(&answer);
    assert_eq!((findings(chain), chain.logs_pending), (vec![], 1));
    assert_eq!(answer.state(), State::Attested);
}

#[tokio::test]
async fn row_11_digest_swapped_for_another() {
    let swap = |bucket: &mut Bucket| {
        let other = bucket.objects[&digest(1)].clone();
        bucket.objects.insert(digest(3), other);
    };
    let expected = ["BROKEN digest.moved 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(swap, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn row_11_digest_edited() {
    let edit = |bucket: &mut Bucket| {
        let mut digest_3 = bucket.read(&digest(3));
        digest_3["logFiles"] = json!([]);
        bucket.objects.get_mut(&digest(3)).unwrap().body = gz(digest_3.to_string().as_bytes());
    };
    let expected = ["BROKEN digest.bad_signature 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
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
    let codes: Vec<&str> = only(&answer).findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["digest.moved"; 6]);
    let mut store = MemoryStore::of(&Layout::default().write());
    store.bucket = Some("another-bucket".into());
    let accepted = Request { buckets: vec![bucket.layout.bucket.clone()], ..request(&bucket) };
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
    let expected = ["BROKEN digest.bad_signature 20 05:00 org-trail_us-east-1_20261120T060000Z.json.gz"];
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

fn version(key: &str, id: &str, is_delete_marker: bool) -> Version {
    Version {
        key: key.into(),
        id: id.into(),
        modified: Some("2026-11-21T00:00:00Z".parse().unwrap()),
        owner: Some("mallory".into()),
        is_delete_marker,
        is_latest: is_delete_marker,
    }
}

#[tokio::test]
async fn row_16_overwritten_with_the_old_version_kept() {
    let mut bucket = bucket();
    let whole = bucket.objects[&log(3, 0)].body.clone();
    bucket.objects.get_mut(&log(3, 0)).unwrap().body = gz(b"{}");
    let mut store = MemoryStore::of(&bucket);
    store.versions = vec![(version(&log(3, 0), "v2", false), gz(b"{}")), (version(&log(3, 0), "v1", false), whole)];
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    let chain = only(&answer);
    assert_eq!(findings(chain), ["BROKEN log.hash_mismatch 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"]);
    let told = "version v1 written at 2026-11-21T00:00:00Z by mallory is the attested one";
    assert!(chain.findings[0].detail.ends_with(told), "{}", chain.findings[0].detail);
}

#[tokio::test]
async fn row_17_chain_restarted() {
    let restart = |bucket: &mut Bucket| {
        bucket.objects.remove(&digest(2));
        bucket.objects.remove(&log(2, 0));
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
    };
    check(restart, &["UNPROVEN chain.gap 20 02:00"], &[], &["02:00-03:00"]).await;
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
async fn rows_20_21_22_one_object_that_cannot_be_had() {
    for kind in [FaultKind::Denied, FaultKind::Archived, FaultKind::Unavailable] {
        for (key, expected) in [
            (log(3, 0), "UNPROVEN log.unreadable 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"),
            (digest(3), "UNPROVEN digest.unreadable 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"),
        ] {
            let bucket = bucket();
            let mut store = MemoryStore::of(&bucket);
            store.faults = BTreeMap::from([(key, kind)]);
            let answer = verify_store(store, &bucket, request(&bucket)).await;
            let chain = only(&answer);
            assert_eq!(findings(chain), [expected]);
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
    let expected = ["BROKEN digest.unreadable 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(bomb, &expected, &["03:00-04:00"], &[]).await;
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
async fn row_25_a_range_without_anything_is_absent() {
    let bucket = bucket();
    let (from, to) = (later() - SignedDuration::from_hours(48), later() - SignedDuration::from_hours(24));
    let answer =
        verify_store(MemoryStore::of(&bucket), &bucket, Request { from: Some(from), to: Some(to), ..request(&bucket) });
    let answer = answer.await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.absent 22 00:00"]);
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
    let expected = ["BROKEN digest.unreadable 20 03:00 org-trail_us-east-1_20261120T040000Z.json.gz"];
    check(twice, &expected, &["03:00-04:00"], &[]).await;
}

#[tokio::test]
async fn the_successor_beyond_the_range_proves_the_last_digest_of_a_copy() {
    let mut bucket = bucket();
    bucket.strip_metadata();
    let to = bucket.layout.start + SignedDuration::from_hours(4);
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, Request { to: Some(to), ..request(&bucket) }).await;
    assert_eq!((only(&answer).digests, answer.state()), (4, State::Attested));
    let from = bucket.layout.start + SignedDuration::from_hours(2);
    let both = Request { from: Some(from), to: Some(to), ..request(&bucket) };
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
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.gap 19 22:00", "UNPROVEN chain.gap 19 23:00"]);
}

#[tokio::test]
async fn two_trails_in_one_bucket_are_two_chains() {
    let mut bucket = bucket();
    let second =
        Layout { trail: "second_trail".into(), logs: vec![1], contents: vec!["{}".into()], ..Layout::default() };
    let other = second.write();
    for (key, stored) in &other.objects {
        if !key.contains("Digest") {
            bucket.objects.insert(key.replace("Abcd.json.gz", "Efgh.json.gz"), stored.clone());
        }
    }
    let mut previous: Option<Predecessor> = None;
    for hour in 0..second.hours {
        let object = second.digest(ACCOUNT, REGION, hour, "");
        let mut digest = other.read(&object);
        let renamed = digest["logFiles"].to_string().replace("Abcd.json.gz", "Efgh.json.gz");
        digest["logFiles"] = serde_json::from_str(&renamed).unwrap();
        if let Some(previous) = &previous {
            link(&mut digest, previous);
        }
        previous = Some(bucket.sign(&digest, 0));
    }
    let answer = verify(&bucket).await;
    let trails: Vec<_> = answer.chains.iter().map(|chain| chain.trail.as_ref().unwrap().0.to_string()).collect();
    assert_eq!((trails, answer.state()), (vec!["org-trail".into(), "second_trail".into()], State::Attested));
}
