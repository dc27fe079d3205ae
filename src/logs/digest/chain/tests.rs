//! What proves one digest, and what two of them must say of each other, case by case. Whole stores are tried in
//! `tests/logs`.

use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::*;
use crate::archive::inflate::hex;

const BUCKET: &str = "acme-org-cloudtrail";
const ALL_WELL: [&str; 0] = [];

fn hour(hour: u8) -> Timestamp {
    format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()
}

/// The key of the digest of the hour that ends then.
fn name(end: u8) -> String {
    format!(
        "AWSLogs/111111111111/CloudTrail-Digest/us-east-1/2026/11/20/\
         111111111111_CloudTrail-Digest_us-east-1_org-trail_us-east-1_20261120T{end:02}0000Z.json.gz"
    )
}

fn digest(end: u8) -> Digest {
    Digest {
        account: "111111111111".into(),
        start: hour(end - 1),
        end: hour(end),
        end_text: hour(end).to_string(),
        bucket: BUCKET.into(),
        object: name(end),
        key_fingerprint: "f".into(),
        signature_algorithm: ALGORITHM.into(),
        previous: Some(previous(end - 1)),
        log_files: Vec::new(),
    }
}

fn previous(end: u8) -> Previous {
    Previous { bucket: BUCKET.into(), object: name(end), sha256: [end; 32], signature: "AB".into() }
}

fn content(digest: Digest) -> DigestContent {
    DigestContent { digest, sha256: [7; 32], metadata: Metadata::default(), trailing: Trailing::Nothing }
}

/// The digest of an hour, as it lies under its own name.
fn read(end: u8, change: impl FnOnce(&mut DigestContent)) -> ReadDigest {
    let mut content = content(digest(end));
    change(&mut content);
    ReadDigest::new(DigestKey::parse(&name(end)).unwrap(), name(end), Ok(content))
}

fn unread(end: u8) -> ReadDigest {
    let error =
        ReadError { code: Code::DigestUnreadable, state: State::Broken, reason: "no gzip".into(), archived: None };
    ReadDigest::new(DigestKey::parse(&name(end)).unwrap(), name(end), Err(error))
}

/// Says findings in short: state, code and hours.
fn said(findings: &[Finding]) -> Vec<String> {
    let time = |time: Timestamp| time.strftime("%H:%M").to_string();
    let short = |finding: &Finding| {
        let window = finding.window.unwrap();
        format!("{} {} {}-{}", finding.state, finding.code, time(window.start), time(window.end))
    };
    findings.iter().map(short).collect()
}

fn pair() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("../../../../tests/data/logs/signing-keys/test-1.pkcs8.der")).unwrap()
}

fn public_key() -> PublicKey {
    PublicKey::new("f", ring::signature::KeyPair::public_key(&pair()).as_ref().to_vec())
}

/// Signs what a digest says, as CloudTrail does.
fn right(seen: &ReadDigest) -> String {
    let content = seen.content.as_ref().unwrap();
    let pair = pair();
    let mut signature = vec![0; pair.public().modulus_len()];
    let text = signed_text(&content.digest, &content.sha256);
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    hex(&signature)
}

/// A digest of hour 5 that carries its own right signature.
fn signed(change: impl FnOnce(&mut DigestContent)) -> ReadDigest {
    let mut seen = read(5, change);
    let signature = right(&seen);
    seen.content.as_mut().unwrap().metadata.signature = Some(signature);
    seen
}

fn judged(seen: &ReadDigest, key: Result<&PublicKey, &MissingKey>) -> (Proof, Vec<String>) {
    let verdict = judge(seen, None, key, hour(6));
    (verdict.proof, said(&verdict.findings))
}

#[test]
fn one_right_signature_proves_a_digest_and_a_wrong_one_beside_it_is_told() {
    let seen = read(5, |_| {});
    let (right, wrong) = (right(&seen), "00".repeat(256));
    let (yes, no) = (Some(right.as_str()), Some(wrong.as_str()));
    let bad: &[&str] = &["BROKEN digest.bad_signature 04:00-05:00"];
    let unknown: &[&str] = &["UNPROVEN digest.no_signature 04:00-05:00"];
    for (own, recorded, proof, expected) in [
        (yes, None, Proof::Proved, &[][..]),
        (yes, yes, Proof::Proved, &[]),
        (yes, no, Proof::Proved, &[]),
        (None, yes, Proof::Proved, &[]),
        (no, yes, Proof::Proved, bad),
        (no, no, Proof::Refuted, bad),
        (no, None, Proof::Refuted, bad),
        (None, no, Proof::Refuted, bad),
        (None, None, Proof::Unproved, unknown),
    ] {
        let seen = read(5, |content| content.metadata.signature = own.map(str::to_owned));
        let verdict = judge(&seen, recorded, Ok(&public_key()), hour(6));
        assert_eq!((verdict.proof, said(&verdict.findings)), (proof, expected.iter().map(|s| s.to_string()).collect()));
        // What proves it is handed on, so that the next digest can be held to it.
        let proves = (proof == Proof::Proved).then_some(right.clone());
        assert_eq!(verdict.signature, proves, "{own:?} {recorded:?}");
    }
}

#[test]
fn what_is_no_digest_of_cloudtrail_is_refuted_and_what_lacks_a_key_is_unproved() {
    let key = public_key();
    let of = |seen: &ReadDigest| judged(seen, Ok(&key));
    assert_eq!(of(&unread(5)), (Proof::Refuted, vec!["BROKEN digest.unreadable 04:00-05:00".into()]));
    let moved = signed(|content| content.digest.object = name(4));
    assert_eq!(of(&moved), (Proof::Refuted, vec!["BROKEN digest.moved 04:00-05:00".into()]));
    let other = signed(|content| content.digest.signature_algorithm = "none".into());
    assert_eq!(of(&other), (Proof::Refuted, vec!["BROKEN digest.bad_signature 04:00-05:00".into()]));

    let missing = |is_foreign| MissingKey { why: "no such key".into(), is_foreign };
    let seen = signed(|_| {});
    let foreign = judged(&seen, Err(&missing(true)));
    assert_eq!(foreign, (Proof::Refuted, vec!["BROKEN digest.foreign_key 04:00-05:00".into()]));
    let unknown = judged(&seen, Err(&missing(false)));
    assert_eq!(unknown, (Proof::Unproved, vec!["UNPROVEN digest.unknown_key 04:00-05:00".into()]));
}

#[test]
fn a_key_proves_only_what_is_signed_in_its_time_give_or_take_three_hours() {
    let late = vec!["UNPROVEN digest.key_out_of_time 04:00-05:00".to_owned()];
    let second = jiff::SignedDuration::from_secs(1);
    // It is signed at 06:00.
    for (from, to, is_in_time) in [
        (None, None, true),
        (Some(hour(9)), None, true),
        (Some(hour(9) + second), None, false),
        (Some(hour(1)), Some(hour(8)), true),
        (None, Some(hour(3)), true),
        (None, Some(hour(3) - second), false),
    ] {
        let key = public_key().valid(from, to);
        let expected = if is_in_time { (Proof::Proved, vec![]) } else { (Proof::Unproved, late.clone()) };
        assert_eq!(judged(&signed(|_| {}), Ok(&key)), expected, "{from:?} {to:?}");
    }
    // What is not CloudTrail's at all is not excused by the time of a key.
    let forged = read(5, |content| content.metadata.signature = Some("00".into()));
    let key = public_key().valid(Some(hour(20)), None);
    assert_eq!(judged(&forged, Ok(&key)), (Proof::Refuted, vec!["BROKEN digest.bad_signature 04:00-05:00".into()]));
    let (early, ended) = (key, public_key().valid(None, Some(hour(1))));
    assert!(out_of_time(&early, hour(6)).unwrap().ends_with("only from 2026-11-20T20:00:00Z on"));
    assert!(out_of_time(&ended, hour(6)).unwrap().ends_with("only until 2026-11-20T01:00:00Z"));
}

#[test]
fn what_surrounds_the_signed_content_is_judged_by_itself() {
    type Change = fn(&mut DigestContent);
    let cases: [(Change, &[&str]); 6] = [
        (|_| {}, &[]),
        (|content| content.metadata.signature_algorithm = Some(ALGORITHM.into()), &[]),
        (
            |content| content.metadata.signature_algorithm = Some("none".into()),
            &["BROKEN digest.bad_signature 04:00-05:00"],
        ),
        (|content| content.trailing = Trailing::Unwrapped, &["UNPROVEN digest.unwrapped 04:00-05:00"]),
        (|content| content.trailing = Trailing::Bytes(1), &["BROKEN digest.trailing_data 04:00-05:00"]),
        (
            |content| content.trailing = Trailing::Members { sha256_of_all: [0; 32] },
            &["BROKEN digest.trailing_data 04:00-05:00"],
        ),
    ];
    for (change, expected) in cases {
        let (proof, findings) = judged(&signed(change), Ok(&public_key()));
        assert_eq!((proof, findings), (Proof::Proved, expected.iter().map(|s| s.to_string()).collect::<Vec<_>>()));
    }
}

#[test]
fn a_late_digest_that_carries_its_signature_says_when_it_was_made() {
    let of = |backfill, signature: Option<&str>, made: Option<&str>| {
        let mut seen = read(5, |content| {
            content.metadata.signature = signature.map(str::to_owned);
            content.metadata.backfill_generation_timestamp = made.map(str::to_owned);
        });
        seen.key.backfill = backfill;
        said(&wrapper_findings(&seen, seen.content.as_ref().unwrap()))
    };
    assert_eq!(of(true, Some("00"), None), ["UNPROVEN digest.no_timestamp 04:00-05:00"]);
    assert_eq!(of(true, Some("00"), Some("2026-11-20T09:00:00Z")), ALL_WELL);
    assert_eq!(of(true, None, None), ALL_WELL, "metadata that is gone as a whole is told elsewhere");
    assert_eq!(of(false, Some("00"), None), ALL_WELL);
}

#[test]
fn a_digest_that_lies_below_another_prefix_or_in_another_bucket_still_counts_as_where_it_was_delivered() {
    let moved = format!("old/{}", name(5));
    let seen = read(5, |content| {
        content.digest.object = moved.clone();
        content.digest.bucket = "old-bucket".into();
        content.digest.start = hour(3);
    });
    assert_eq!(seen.origin, Some(Origin { bucket: "old-bucket".into(), prefix: "old/".into() }));
    assert_eq!((seen.delivered(), seen.window()), (moved.as_str(), TimeRange { start: hour(3), end: hour(5) }));
    let record = PreviousDigest { bucket: "old-bucket".into(), sha256: [7; 32], signature: Some("s".into()) };
    let anchor = ChainEnd { object: moved, end: hour(5), record: Some(record) };
    assert_eq!(seen.anchor(Some("s".into())), anchor);
    assert_eq!(seen.previous(), Some(&previous(4)));
}

#[test]
fn what_says_that_it_is_another_digest_counts_only_by_its_name() {
    type Change = fn(&mut Digest);
    let changes: [Change; 5] = [
        |digest| digest.object = name(4),
        |digest| digest.object = name(5).replace("org-trail", "other-trail"),
        |digest| digest.object = "no digest".into(),
        |digest| digest.account = "222222222222".into(),
        |digest| digest.end = hour(6),
    ];
    for change in changes {
        let seen = read(5, |content| {
            content.digest.start = hour(3);
            change(&mut content.digest);
        });
        let own = name(5);
        assert_eq!((&seen.origin, seen.delivered()), (&None, own.as_str()), "{seen:?}");
        assert_eq!(seen.window(), TimeRange { start: hour(4), end: hour(5) });
    }
    let seen = unread(5);
    let anchor = ChainEnd { object: name(5), end: hour(5), record: None };
    assert_eq!((seen.anchor(None), seen.previous()), (anchor, None));
}

/// The digest that ends at hour 4, as the next one must continue it.
fn older() -> ChainEnd {
    let record = PreviousDigest { bucket: BUCKET.into(), sha256: [4; 32], signature: Some("ab".into()) };
    ChainEnd { object: name(4), end: hour(4), record: Some(record) }
}

fn linked(older: &ChainEnd, older_is: Proof, newer: &ReadDigest) -> Vec<String> {
    said(&link((older, older_is), (newer, Proof::Proved), true))
}

#[test]
fn a_digest_continues_the_one_whose_name_hash_bucket_and_signature_it_records() {
    let mismatch = ["BROKEN digest.link_mismatch 04:00-05:00"];
    let newer = read(5, |_| {});
    for older_is in [Proof::Proved, Proof::Unproved, Proof::Refuted] {
        assert_eq!(linked(&older(), older_is, &newer), ALL_WELL, "{older_is:?}");
    }
    let recording = |change: fn(&mut PreviousDigest)| {
        let mut older = older();
        older.record.as_mut().into_iter().for_each(change);
        [Proof::Proved, Proof::Unproved, Proof::Refuted].map(|is| linked(&older, is, &newer))
    };
    let told = || mismatch.map(str::to_owned).to_vec();
    assert_eq!(recording(|record| record.bucket = "b".into()), [told(), told(), vec![]]);
    assert_eq!(recording(|record| record.sha256 = [0; 32]), [told(), told(), vec![]]);
    assert_eq!(recording(|record| record.signature = Some("00".into())), [told(), vec![], vec![]]);
    assert_eq!(recording(|record| record.signature = None).concat(), ALL_WELL);
    // Of what could not be read, only its name can be held against its successor.
    assert_eq!(linked(&ChainEnd { record: None, ..older() }, Proof::Proved, &newer), ALL_WELL);
}

#[test]
fn a_digest_whose_prefix_is_not_known_is_found_by_its_name_alone() {
    let newer = read(5, |_| {});
    let unreadable = |object: String| ChainEnd { object, end: hour(4), record: None };
    assert!(names(&previous(4), &unreadable(format!("copy/{}", name(4)))));
    assert!(!names(&previous(4), &unreadable(format!("copy/{}", name(3)))));
    assert!(!names(&previous(4), &unreadable("no digest".into())));
    assert_eq!(linked(&unreadable(format!("copy/{}", name(4))), Proof::Refuted, &newer), ALL_WELL);
    // One that was read says itself where it was delivered.
    let elsewhere = ChainEnd { object: format!("copy/{}", name(4)), ..older() };
    assert!(!names(&previous(4), &elsewhere));
    assert_eq!(linked(&elsewhere, Proof::Proved, &newer), ["BROKEN digest.link_mismatch 04:00-05:00"]);
}

#[test]
fn hours_between_two_digests_that_follow_each_other_are_a_gap() {
    let gap = ["UNPROVEN chain.gap 04:00-05:00", "UNPROVEN chain.gap 05:00-06:00"];
    let silent = read(7, |content| content.digest.previous = Some(previous(4)));
    let anew = read(7, |content| content.digest.previous = None);
    assert_eq!(linked(&older(), Proof::Proved, &silent), gap);
    assert_eq!(linked(&older(), Proof::Proved, &anew), gap);
    assert_eq!(linked(&older(), Proof::Proved, &unread(7)), gap);
    assert_eq!(linked(&older(), Proof::Proved, &read(5, |content| content.digest.previous = None)), ALL_WELL);
    let details = |newer: &ReadDigest| link((&older(), Proof::Proved), (newer, Proof::Proved), true)[0].detail.clone();
    assert!(details(&anew).contains("starts anew") && details(&silent).contains("does not miss any"));
    // What a refuted digest says of its predecessor does not count.
    let forged = read(7, |_| {});
    assert_eq!(said(&link((&older(), Proof::Proved), (&forged, Proof::Refuted), true)), gap);
    assert_eq!(said(&link((&older(), Proof::Proved), (&forged, Proof::Unproved), true)).len(), 2);
    assert_ne!(said(&link((&older(), Proof::Proved), (&forged, Proof::Unproved), true)), gap);
}

#[test]
fn digests_that_are_gone_are_listed_by_hours_and_the_last_by_its_name() {
    let newer = read(7, |_| {});
    let gone = link((&older(), Proof::Proved), (&newer, Proof::Proved), true);
    assert_eq!(said(&gone), ["BROKEN digest.missing 04:00-05:00", "BROKEN digest.missing 05:00-06:00"]);
    assert_eq!([&gone[0].object, &gone[1].object], [&None, &Some(name(6))]);
    assert!(gone[1].detail.contains("its successor names") && !gone[0].detail.contains("its successor names"));
    let elsewhere = link((&older(), Proof::Proved), (&newer, Proof::Proved), false);
    assert_eq!(said(&elsewhere), ["UNPROVEN chain.elsewhere 04:00-05:00", "UNPROVEN chain.elsewhere 05:00-06:00"]);
    assert!(elsewhere[0].detail.contains(BUCKET) && elsewhere[0].detail.contains("AWSLogs/111111111111/"));
    let before = missing_before(hour(3), hour(1));
    assert_eq!(said(&before), ["BROKEN digest.missing 01:00-02:00", "BROKEN digest.missing 02:00-03:00"]);
}

#[test]
fn a_predecessor_of_another_chain_of_the_future_or_further_back_is_a_mismatch() {
    for (object, why) in [
        ("../../etc/passwd".to_owned(), "is no digest"),
        (name(4).replace("org-trail", "other-trail"), "another chain"),
        (name(4).replace("us-east-1", "eu-central-1"), "another chain"),
        (name(4).replace("111111111111", "222222222222"), "another chain"),
        (name(5), "not older than itself"),
        (name(6), "not older than itself"),
        (name(3), "lies between them"),
        (format!("copy/{}", name(4)), "lies between them"),
    ] {
        let newer =
            read(5, |content| content.digest.previous = Some(Previous { object: object.clone(), ..previous(4) }));
        for is_here in [true, false] {
            let [finding] = &link((&older(), Proof::Proved), (&newer, Proof::Proved), is_here)[..] else {
                panic!("{object}")
            };
            assert_eq!((finding.code, finding.state), (Code::DigestLinkMismatch, State::Broken), "{object}");
            assert!(finding.detail.contains(why), "{}", finding.detail);
        }
    }
}

#[test]
fn the_first_digest_of_a_range_misses_its_predecessor_unless_the_range_begins_with_it() {
    let newer = read(5, |_| {});
    let of = |from, is_here| said(&first(&newer, from, is_here));
    assert_eq!(of(None, true), ["BROKEN digest.missing 03:00-04:00"]);
    assert_eq!(of(None, false), ["UNPROVEN chain.elsewhere 03:00-04:00"]);
    assert_eq!(of(Some(hour(4)), true), ALL_WELL);
    assert_eq!(of(Some(hour(5)), true), ALL_WELL);
    assert_eq!(of(Some(hour(2)), true), ["BROKEN digest.missing 02:00-03:00", "BROKEN digest.missing 03:00-04:00"]);
    assert_eq!(said(&first(&read(5, |content| content.digest.previous = None), None, true)), ALL_WELL);
    let odd = read(5, |content| content.digest.previous = Some(previous(5)));
    assert_eq!(said(&first(&odd, None, true)), ["BROKEN digest.link_mismatch 04:00-05:00"]);
}
