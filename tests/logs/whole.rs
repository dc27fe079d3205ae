//! What no digest tells: what is missing whole, hours outside of all chains, files beside the layout, places that
//! refuse.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use orgtrail::archive::FaultKind;
use orgtrail::archive::find::ScopeFilter;
use orgtrail::logs::expected::{Expected, ExpectedAccount};
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{Expectation, ExpectedChain, Verification, VerifyRequest};

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, REGION, gz};
use crate::proof::{findings, hours, only, request, verify, verify_store};

const SECOND: &str = "222222222222";

fn two() -> Bucket {
    Layout { accounts: vec![ACCOUNT.into(), SECOND.into()], ..Layout::default() }.write()
}

fn expecting(accounts: &[&str], trails: &[&str]) -> Expectation {
    let account = |id: &&str| {
        let known =
            ExpectedAccount { name: "shop".into(), is_active: true, regions: Some(vec![REGION.parse().unwrap()]) };
        (id.parse().unwrap(), known)
    };
    let accounts = Expected { accounts: accounts.iter().map(account).collect(), ..Expected::default() };
    let trails = trails.iter().map(|&trail| trail.to_owned()).collect();
    Expectation { said_by: vec!["the test".into()], accounts, trails, is_organization: true, ..Expectation::default() }
}

fn beside(answer: &Verification) -> Vec<String> {
    answer.findings.iter().map(|finding| format!("{} {}: {}", finding.state, finding.code, finding.detail)).collect()
}

#[tokio::test]
async fn what_is_missing_whole_is_named_where_it_is_known() {
    let mut bucket = two();
    bucket.objects.retain(|key, _| !key.contains(SECOND));
    let answer = verify(&bucket).await;
    assert_eq!((answer.state(), answer.expected.clone(), answer.accounts()), (State::Attested, None, 1));
    let expected = Some(expecting(&[ACCOUNT, SECOND], &["org-trail", "second-trail"]));
    let asked = VerifyRequest { expected, ..request(&bucket) };
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, asked.clone()).await;
    assert_eq!(answer.state(), State::Unproven);
    assert_eq!(
        beside(&answer),
        [
            "UNPROVEN chain.expected: account 222222222222 (shop) in us-east-1 should have digests (the test), and has none",
            "UNPROVEN chain.expected: trail second-trail should have digests (the test), and has none",
        ]
    );
    // What was not asked for is not missed.
    let sought = ScopeFilter { account: Some(ACCOUNT.parse().unwrap()), ..ScopeFilter::default() };
    let expected = Some(expecting(&[ACCOUNT, SECOND], &[]));
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { expected, sought, ..asked }).await;
    assert_eq!(answer.state(), State::Attested);
}

#[tokio::test]
async fn a_chain_of_another_organization_is_not_the_one_that_an_earlier_run_saw() {
    let earlier = |organization: Option<&str>| ExpectedChain {
        account: ACCOUNT.parse().unwrap(),
        region: REGION.parse().unwrap(),
        trail: "org-trail".parse().unwrap(),
        organization: organization.map(str::to_owned),
    };
    let missed = async |bucket: &Bucket, chain: ExpectedChain| {
        let expected = Expectation { said_by: vec!["a.state".into()], chains: [chain].into(), ..Default::default() };
        let asked = VerifyRequest { expected: Some(expected), ..request(bucket) };
        beside(&verify_store(MemoryStore::of(bucket), bucket, asked).await)
    };
    let bucket = Layout::default().write();
    assert_eq!(missed(&bucket, earlier(Some("o-exampleorgid"))).await, [""; 0]);
    assert_eq!(missed(&bucket, earlier(None)).await, [""; 0], "its organization is not known");
    let of_account = Layout { organization: None, ..Layout::default() }.write();
    assert_eq!(missed(&of_account, earlier(Some("o-exampleorgid"))).await, [""; 0], "its organization is not known");
    let other = "UNPROVEN chain.expected: trail org-trail of account 111111111111 in us-east-1 should have digests of \
                 organization o-otherorg00 (a.state), and has only those of organization o-exampleorgid, which are another \
                 chain";
    assert_eq!(missed(&bucket, earlier(Some("o-otherorg00"))).await, [other]);
    let gone = ExpectedChain { region: "eu-west-1".parse().unwrap(), ..earlier(Some("o-exampleorgid")) };
    let none = "UNPROVEN chain.expected: trail org-trail of account 111111111111 in eu-west-1 should have digests \
                (a.state), and has none";
    assert_eq!(missed(&bucket, gone).await, [none]);
}

#[tokio::test]
async fn an_account_or_region_of_which_nothing_is_there_is_named_and_never_proved() {
    let bucket = Layout::default().write();
    for (account, region, named) in [
        (None, Some("eu-west-9"), "region eu-west-9"),
        (Some(SECOND), None, "account 222222222222"),
        (Some(SECOND), Some(REGION), "account 222222222222 in region us-east-1"),
    ] {
        let (account, region) = (account.map(|id| id.parse().unwrap()), region.map(|name| name.parse().unwrap()));
        let sought = ScopeFilter { account, region, ..ScopeFilter::default() };
        let asked = VerifyRequest { sought, ..request(&bucket) };
        let answer = verify_store(MemoryStore::of(&bucket), &bucket, asked).await;
        let told = format!(
            "UNPROVEN chain.expected: {} has no digest and no log file of {named}, so that nothing of it is proved",
            answer.store
        );
        assert_eq!((answer.state(), beside(&answer)), (State::Unproven, vec![told]));
    }
}

#[tokio::test]
async fn an_account_that_left_has_ended_and_is_not_unproven_for_ever() {
    let bucket = two();
    let to = Some(bucket.layout.end() + SignedDuration::from_hours(5));
    let left = VerifyRequest { to, expected: Some(expecting(&[ACCOUNT], &[])), ..request(&bucket) };
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, left).await;
    assert_eq!(findings(&answer.chains[0]), ["UNPROVEN chain.tail_missing 20 06:00"], "it is still a member");
    assert_eq!((findings(&answer.chains[1]), answer.chains[1].state), (vec![], State::Attested));
    let note = "it ends at 2026-11-20T06:00:00Z: the account is not in the organization any more";
    assert_eq!(answer.chains[1].notes, [note]);
}

#[tokio::test]
async fn hours_that_were_asked_for_are_attested_or_named() {
    let bucket = Layout::default().write();
    let (start, end) = (bucket.layout.start, bucket.layout.end());
    let ask = |from, to| {
        let asked = VerifyRequest { from: Some(from), to: Some(to), now: end, ..request(&bucket) };
        verify_store(MemoryStore::of(&bucket), &bucket, asked)
    };
    let hour = SignedDuration::from_hours(1);
    let answer = ask(start - hour * 3, end).await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.gap 19 21:00"]);
    assert!(only(&answer).findings[0].detail.contains("with a first digest"));
    assert_eq!(hours(only(&answer), State::Unproven), ["21:00-00:00"]);
    let answer = ask(start, end + hour * 3).await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN range.future 20 06:00"]);
    let answer = ask(start - hour * 9, start - hour * 3).await;
    assert_eq!(
        (findings(only(&answer)), only(&answer).digests),
        (vec!["UNPROVEN chain.absent 19 15:00".to_owned()], 0)
    );
    assert_eq!(ask(start, end).await.state(), State::Attested);
}

#[tokio::test]
async fn what_a_lifecycle_rule_deletes_is_expected() {
    let layout = Layout { hours: 72, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() };
    let mut bucket = layout.write();
    let now = layout.end();
    // Two days are kept: what was written before the 21st, 00:00, is gone.
    let kept = layout.start + SignedDuration::from_hours(24);
    let is_kept = |key: &str| {
        let time = orgtrail::log_path::ObjectKey::parse(key).map(|key| match key {
            orgtrail::log_path::ObjectKey::Log(log) => log.slot,
            orgtrail::log_path::ObjectKey::Digest(digest) => digest.end,
        });
        time.is_some_and(|time| time >= kept)
    };
    bucket.objects.retain(|key, _| is_kept(key));
    let asked = VerifyRequest { to: None, now, ..request(&bucket) };
    let without = verify_store(MemoryStore::of(&bucket), &bucket, asked.clone()).await;
    assert_eq!(without.state(), State::Broken, "nobody said that anything expires");
    let asked = VerifyRequest { expire_after_days: Some(2), ..asked };
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, asked.clone()).await;
    assert_eq!((findings(only(&answer)), answer.state()), (vec![], State::Attested), "{:#?}", only(&answer).findings);
    let note = "what is older than 2026-11-21T01:00:00Z is not looked at: the configuration has what is older than 2 days deleted";
    assert_eq!(only(&answer).notes, [note]);
    // Asked for, those hours are not attested.
    let from = Some(layout.start);
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { from, ..asked }).await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN chain.expired 20 00:00"]);
}

#[tokio::test]
async fn files_at_the_ends_of_a_daily_range_are_seen() {
    let layout = Layout { hours: 72, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() };
    let mut bucket = layout.write();
    let body = bucket.objects[&layout.log(ACCOUNT, REGION, 3, 0)].clone();
    let at = |minutes: i64| {
        let slot = layout.start + SignedDuration::from_hours(24) + SignedDuration::from_mins(minutes);
        let day = slot.strftime("%Y/%m/%d");
        let name = format!("{ACCOUNT}_CloudTrail_{REGION}_{}_PLANTEDplanted00.json.gz", slot.strftime("%Y%m%dT%H%MZ"));
        format!("AWSLogs/o-exampleorgid/{ACCOUNT}/CloudTrail/{REGION}/{day}/{name}")
    };
    let planted = [at(5), at(24 * 60 - 5)];
    planted.iter().for_each(|key| drop(bucket.objects.insert(key.clone(), body.clone())));
    let from = Some(layout.start + SignedDuration::from_hours(24));
    let to = Some(layout.start + SignedDuration::from_hours(48));
    let answer = verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { from, to, ..request(&bucket) }).await;
    let seen: Vec<_> = only(&answer).findings.iter().map(|finding| finding.object.clone().unwrap()).collect();
    assert_eq!(seen, planted);
    assert_eq!(only(&answer).digests, 24, "the digests around the range are no part of it");
}

#[tokio::test]
async fn what_readers_would_read_and_no_digest_lists_is_named() {
    let day = format!("AWSLogs/o-exampleorgid/{ACCOUNT}/CloudTrail/{REGION}/2026/11/20/");
    let account = format!("AWSLogs/o-exampleorgid/{ACCOUNT}/");
    for (key, is_beside) in [
        (format!("{day}zz.json.gz"), false),
        (format!("{day}events.json"), false),
        (format!("{day}_x"), false),
        (format!("{account}CloudTrail/{REGION}/x.json.gz"), false),
        (format!("{account}CloudTrail/US-EAST-1/2026/11/20/x.json.gz"), true),
        (format!("{account}CloudTrail/x.json.gz"), true),
        (format!("{account}cloudtrail/{REGION}/x.json.gz"), true),
        (format!("{account}CloudTraiI/{REGION}/x.json.gz"), true),
        (format!("{account}x.json.gz"), true),
        ("AWSLogs/o-exampleorgid/x.json.gz".to_owned(), true),
        ("AWSLogs/x.json.gz".to_owned(), true),
        (format!("AWSLogs/1111111111/CloudTrail/{REGION}/x.json.gz"), true),
        (format!("AWSLogs/o-EXAMPLE/{ACCOUNT}/CloudTrail/{REGION}/x.json.gz"), true),
        (format!("AWSLogs//o-exampleorgid/{ACCOUNT}/CloudTrail/{REGION}/x.json.gz"), true),
        (format!("awslogs/o-exampleorgid/{ACCOUNT}/CloudTrail/{REGION}/x.json.gz"), true),
        (format!("{account}CloudTrail-Digest/x.json.gz"), true),
        (format!("{account}CloudTrail-Digest/{REGION}/2026/11/20/planted.json"), false),
        (format!("{account}CloudTrail-Digest/{REGION}/planted"), false),
        (format!("{day}planted.json/"), false),
        (
            format!(
                "{account}CloudTrail-Insight/{REGION}/2026/11/20/{ACCOUNT}_CloudTrail-Insight_{REGION}_20261120T0320Z_Abcd.json.gz"
            ),
            false,
        ),
    ] {
        let mut bucket = Layout::default().write();
        let stored = bucket.objects[&Layout::default().log(ACCOUNT, REGION, 3, 0)].clone();
        bucket.objects.insert(key.clone(), stored);
        let answer = verify(&bucket).await;
        let all = if is_beside { &answer.findings } else { &only(&answer).findings };
        let told: Vec<_> = all.iter().map(|f| (f.state, f.code.as_str(), f.object.clone())).collect();
        assert_eq!(told, [(State::Unproven, "log.unlisted", Some(key))]);
        assert_eq!(answer.state(), State::Unproven);
    }
    // What other services and S3 itself put there is none of it.
    let mut bucket = Layout::default().write();
    let stored = bucket.objects[&Layout::default().log(ACCOUNT, REGION, 3, 0)].clone();
    for key in ["ELBAccessLogTestFile", "Config/x.json.gz", "vpcflowlogs/us-east-1/x.log.gz"] {
        bucket.objects.insert(format!("{account}{key}"), stored.clone());
    }
    bucket.objects.insert("AWSLogs/aws-account-id=111111111111/aws-service=vpcflowlogs/x".into(), stored);
    let marker = || crate::bucket::Stored { body: Vec::new(), metadata: BTreeMap::new() };
    for marked in [day, format!("{account}CloudTrail-Digest/{REGION}/2026/11/20/"), account] {
        bucket.objects.insert(marked, marker());
    }
    let answer = verify(&bucket).await;
    assert_eq!((beside(&answer), findings(only(&answer)), answer.state()), (vec![], vec![], State::Attested));
    // Many are counted, and one is named.
    for number in 0..2_000 {
        let key = format!("AWSLogs/o-exampleorgid/{number:05}.json.gz");
        bucket.objects.insert(key, crate::bucket::Stored { body: gz(b"{}"), metadata: BTreeMap::new() });
    }
    let answer = verify(&bucket).await;
    let told = "UNPROVEN log.unlisted: objects lie beside the layout of CloudTrail, where no digest lists any (1000 or more below \
                AWSLogs/o-exampleorgid/)";
    assert_eq!(beside(&answer), [told]);
}

#[tokio::test]
async fn a_log_file_whose_first_gzip_member_is_empty_is_not_attested() {
    let mut bucket = Layout::default().write();
    let log = Layout::default().log(ACCOUNT, REGION, 3, 0);
    let stored = bucket.objects.get_mut(&log).unwrap();
    stored.body = [gz(b""), stored.body.clone()].concat();
    let answer = verify(&bucket).await;
    assert_eq!(findings(only(&answer)), ["BROKEN log.trailing_data 20 03:00 20261120T0320Z_000003000000Abcd.json.gz"]);
}

#[tokio::test]
async fn a_prefix_that_may_not_be_listed_is_one_finding_and_a_readers_account_needs_no_other() {
    let bucket = two();
    let mut store = MemoryStore::of(&bucket);
    store.faults = BTreeMap::from([(format!("AWSLogs/o-exampleorgid/{SECOND}/"), FaultKind::Denied)]);
    let answer = verify_store(store, &bucket, request(&bucket)).await;
    assert_eq!((answer.chains.len(), answer.chains[0].state, answer.state()), (1, State::Attested, State::Unproven));
    assert!(beside(&answer)[0].contains(&format!("AWSLogs/o-exampleorgid/{SECOND}/ could not be listed")));

    // A reader may list its own account's folder and nothing above it.
    let mut store = MemoryStore::of(&bucket);
    let above = ["", "AWSLogs/", "AWSLogs/o-exampleorgid/"];
    store.faults = above.iter().map(|folder| ((*folder).to_owned(), FaultKind::Denied)).collect();
    let sought = ScopeFilter {
        account: Some(ACCOUNT.parse().unwrap()),
        organization: Some("o-exampleorgid".into()),
        ..ScopeFilter::default()
    };
    let answer = verify_store(store, &bucket, VerifyRequest { sought, ..request(&bucket) }).await;
    assert_eq!((beside(&answer), answer.state()), (vec![], State::Attested));
}

#[tokio::test]
async fn a_slow_clock_and_a_key_out_of_its_time_are_told() {
    let bucket = Layout::default().write();
    let now = bucket.layout.start + SignedDuration::from_hours(2);
    let answer =
        verify_store(MemoryStore::of(&bucket), &bucket, VerifyRequest { now, to: None, ..request(&bucket) }).await;
    assert_eq!(findings(only(&answer)), ["UNPROVEN clock.slow -"]);

    let mut keys = bucket.keys();
    for key in keys[REGION]["PublicKeyList"].as_array_mut().unwrap() {
        key["ValidityEndTime"] = "2026-11-20T00:30:00Z".into();
    }
    let ring = orgtrail::logs::digest::keys::KeyRing::parse(&keys.to_string()).unwrap();
    let store = std::sync::Arc::new(MemoryStore::of(&bucket));
    let answer = crate::proof::verify_with(store, ring, request(&bucket)).await;
    let codes: Vec<_> = only(&answer).findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["digest.key_out_of_time"; 3]);
    assert_eq!(hours(only(&answer), State::Attested), ["00:00-03:00"]);
}

#[tokio::test]
async fn a_hole_in_a_chain_of_backfill_digests_is_told() {
    let layout = Layout { backfill: Some(3), ..Layout::default() };
    let mut bucket = layout.write();
    let late = layout.digest(ACCOUNT, REGION, 3, "_backfill");
    let gone = layout.digest(ACCOUNT, REGION, 1, "_backfill");
    let stamp = bucket.objects[&late].metadata["backfill-generation-timestamp"].clone();
    bucket.resign(&late, |digest| {
        let hash = "00".repeat(32);
        let previous = crate::bucket::Predecessor {
            bucket: layout.bucket.clone(),
            object: gone.clone(),
            hash,
            signature: "00".repeat(256),
        };
        crate::bucket::link(digest, &previous);
    });
    bucket.objects.get_mut(&late).unwrap().metadata.insert("backfill-generation-timestamp".into(), stamp);
    let answer = verify(&bucket).await;
    assert_eq!(
        findings(only(&answer)),
        ["BROKEN digest.missing 20 01:00 org-trail_us-east-1_20261120T020000Z_backfill.json.gz"]
    );
}

/// The older of two places has its expired hours excused; hours that the newer one has deleted are not proved, and not
/// broken.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_newer_of_two_buckets_has_deleted_is_unproven_and_never_broken() {
    let done = tokio::task::spawn_blocking(|| {
        let first = Layout::default();
        let second = Layout { bucket: "the-next-bucket".into(), start: first.end(), hours: 66, ..first.clone() };
        let (old, mut new) = (first.write(), second.write());
        crate::properties::go_on(&mut new, &old);
        let mut kept = MemoryStore::of(&new);
        let is_kept = |key: &str| ["/2026/11/22/", "/2026/11/23/"].iter().any(|day| key.contains(day));
        kept.objects.retain(|key, _| is_kept(key));
        kept.expires = Some(1);
        let now = new.layout.end();
        let change = |request: &mut VerifyRequest| (request.now, request.to) = (now, None);
        crate::properties::prove(&[kept, MemoryStore::of(&old)], &new, change)
    });
    let answer = done.await.unwrap();
    let told: Vec<_> = answer.chains.iter().map(findings).collect();
    // Nobody says that the rule of the newer one is wanted.
    let expected = ["UNPROVEN chain.expired 21 22:00", "UNPROVEN chain.tail_missing 20 06:00"];
    assert_eq!(told, expected.map(|line| vec![line.to_owned()]));
    assert_eq!(answer.state(), State::Unproven);
}
