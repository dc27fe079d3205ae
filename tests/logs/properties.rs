//! What must hold for every bucket: an untouched one raises no alarm, whatever became of its trail; a touched one always does.

use std::sync::Arc;

use jiff::SignedDuration;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::inflate::{hex, inflate, sha256};
use orgtrail::logs::key::Key;
use orgtrail::logs::verify::{Answer, KeyFinder, Request, Source, Verifier};
use proptest::prelude::*;

use crate::bucket::{ACCOUNT, Bucket, Layout, MemoryStore, Predecessor, REGION, link};
use crate::proof::{request, verify};

fn layouts() -> impl Strategy<Value = Layout> {
    let place = ("([a-z]{1,5}/){0,2}", proptest::option::of("o-[a-z0-9]{10,12}"), "[a-z]{3}([._-][a-z0-9]{1,4}){0,3}");
    let time = (1_500_000_000i64..1_790_000_000, 1..6usize, proptest::collection::vec(0..3usize, 1..4));
    let odd = (proptest::option::of(0..6usize), proptest::option::of(0..6usize), 1..3usize, 1..3usize);
    (place, time, odd).prop_map(
        |((prefix, organization, trail), (start, hours, logs), (rotation, backfill, accounts, regions))| Layout {
            prefix,
            organization,
            trail,
            start: jiff::Timestamp::from_second(start).unwrap(),
            hours,
            logs,
            rotation,
            backfill,
            accounts: [ACCOUNT, "222222222222"][..accounts].iter().map(|&a| a.into()).collect(),
            regions: [REGION, "ap-southeast-2"][..regions].iter().map(|&r| r.into()).collect(),
            contents: vec![r#"{"Records":[]}"#.into(), r#"{"Records":[{"eventID":"1"}]}"#.into()],
            ..Layout::default()
        },
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_untouched_bucket_raises_no_alarm(layout in layouts()) {
        let bucket = layout.write();
        let answer = block_on(verify(&bucket));
        prop_assert_eq!(answer.state(), State::Attested, "{:#?}", answer);
        prop_assert_eq!(answer.chains.len(), layout.accounts.len() * layout.regions.len());
        let logs: u64 = answer.chains.iter().map(|chain| chain.logs_attested).sum();
        prop_assert_eq!(logs as usize, bucket.objects.keys().filter(|key| !key.contains("Digest")).count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_bit_is_noticed(which: prop::sample::Index, at: prop::sample::Index, bit in 0..8u8, stripped: bool) {
        let layout = Layout { hours: 3, contents: vec![r#"{"Records":[{"eventID":"1"}]}"#.into()], ..Layout::default() };
        let mut bucket = layout.write();
        if stripped {
            bucket.strip_metadata();
        }
        // The newest digest of a copy is unproven anyway.
        let head = layout.digest(ACCOUNT, REGION, 2, "");
        let keys: Vec<String> = bucket.objects.keys().filter(|key| !stripped || **key != head).cloned().collect();
        let key = &keys[which.index(keys.len())];
        let before = block_on(verify(&bucket));
        let body = &mut bucket.objects.get_mut(key).unwrap().body;
        let content = inflate(body, 1 << 20).unwrap();
        let place = at.index(body.len());
        body[place] ^= 1 << bit;
        // A few bits of the gzip wrapper (its time stamp, its padding) change nothing that any reader gets.
        let is_same = inflate(body, 1 << 20).is_ok_and(|changed| changed == content);
        let after = block_on(verify(&bucket));
        if is_same {
            prop_assert_eq!(after, before);
        } else {
            prop_assert_eq!(after.state(), State::Broken, "{} byte {}", key, place);
        }
    }
}

/// What became of a trail after its first hours.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// Its chain goes on in another bucket.
    Moved,
    /// Its chain goes on in the same bucket, below another prefix or in the other layout.
    Rearranged,
    /// It was deleted; one of another name goes on in the same bucket, after so many hours in which nothing was recorded.
    Replaced(usize),
    /// A lifecycle rule has deleted its first day.
    Expired,
    /// It was copied to a folder, from below its prefix.
    Copied,
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Moved),
        Just(Fate::Rearranged),
        (0..3usize).prop_map(Fate::Replaced),
        Just(Fate::Expired),
        Just(Fate::Copied),
    ]
}

/// Makes the chains of a bucket go on from those of another one, as CloudTrail does when a trail is moved.
pub fn go_on(second: &mut Bucket, first: &Bucket) {
    let layout = second.layout.clone();
    for account in &layout.accounts {
        for region in &layout.regions {
            let object = first.layout.digest(account, region, first.layout.hours - 1, "");
            let stored = &first.objects[&object];
            let hash = hex(&sha256(&inflate(&stored.body, 1 << 20).unwrap().0));
            let signature = stored.metadata["signature"].clone();
            let mut previous = Predecessor { bucket: first.layout.bucket.clone(), object, hash, signature };
            for hour in 0..layout.hours {
                let mut digest = second.read(&layout.digest(account, region, hour, ""));
                link(&mut digest, &previous);
                previous = second.sign(&digest, 0);
            }
        }
    }
}

/// Proves the buckets of some stores together up to the end of the last one's hours.
fn prove(stores: Vec<MemoryStore>, of: &Bucket, change: impl FnOnce(&mut Request)) -> Answer {
    let ring = KeyRing::parse(&of.keys().to_string()).unwrap();
    let source = |store: MemoryStore| Source { store: Arc::new(store), prefix: String::new() };
    let places = stores.into_iter().map(source).collect();
    let mut request = request(of);
    change(&mut request);
    let verifier = Verifier::over(places, Arc::new(KeyFinder::new(ring, None)));
    block_on(verifier.run(&request, |_| {})).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn chains_are_attested_or_unproven_as_the_truth_says(
        layout in layouts(), fate in fates(), more in 1..5usize, prefix in "([a-z]{1,5}/){0,2}", is_own: bool,
    ) {
        let first = Layout { rotation: None, backfill: None, ..layout };
        let organization = if is_own { None } else { Some("o-exampleorgid".to_owned()) };
        let hour = SignedDuration::from_hours(1);
        let after = Layout { start: first.end(), hours: more, ..first.clone() };
        let chains = first.accounts.len() * first.regions.len();
        match fate {
            Fate::Moved => {
                let second = Layout { bucket: "the-next-bucket".into(), prefix, organization, ..after };
                let (old, mut new) = (first.write(), second.write());
                go_on(&mut new, &old);
                let both = prove(vec![MemoryStore::of(&new), MemoryStore::of(&old)], &new, |_| {});
                prop_assert_eq!((both.state(), both.chains.len()), (State::Attested, chains), "{:#?}", both);
                let alone = prove(vec![MemoryStore::of(&new)], &new, |_| {});
                prop_assert_eq!(alone.state(), State::Unproven, "{:#?}", alone);
            }
            Fate::Rearranged => {
                let second = Layout { prefix: format!("next/{prefix}"), organization, ..after };
                let (old, mut new) = (first.write(), second.write());
                go_on(&mut new, &old);
                new.objects.extend(old.objects);
                let whole = prove(vec![MemoryStore::of(&new)], &new, |_| {});
                prop_assert_eq!((whole.state(), whole.chains.len()), (State::Attested, chains), "{:#?}", whole);
            }
            Fate::Replaced(pause) => {
                let start = first.end() + hour * i32::try_from(pause).unwrap();
                let second = Layout { trail: format!("{}-next", first.trail), start, ..after };
                let (old, mut new) = (first.write(), second.write());
                new.objects.extend(old.objects);
                let whole = prove(vec![MemoryStore::of(&new)], &new, |_| {});
                let truth = if pause == 0 { State::Attested } else { State::Unproven };
                prop_assert_eq!((whole.state(), whole.chains.len()), (truth, 2 * chains), "{:#?}", whole);
            }
            Fate::Expired => {
                let long = Layout { hours: 30 + more, ..first };
                let mut bucket = long.write();
                let day = |time: jiff::Timestamp| time.as_second().div_euclid(86_400);
                let kept = day(long.end()) - 1;
                let time = |key: &str| match Key::parse(key) {
                    Some(Key::Log(log)) => day(log.slot),
                    Some(Key::Digest(digest)) => day(digest.end),
                    None => i64::MAX,
                };
                bucket.objects.retain(|key, _| time(key) >= kept);
                let now = long.end();
                let expiring = |days| move |request: &mut Request| {
                    (request.now, request.to, request.expire_after_days) = (now, None, days);
                };
                let whole = prove(vec![MemoryStore::of(&bucket)], &bucket, expiring(Some(1)));
                prop_assert_eq!((whole.state(), whole.chains.len()), (State::Attested, chains), "{:#?}", whole);
            }
            Fate::Copied => {
                let mut bucket = Layout { prefix: format!("deep/{}", first.prefix), ..first }.write();
                let prefix = bucket.layout.prefix.clone();
                let objects = std::mem::take(&mut bucket.objects);
                bucket.objects =
                    objects.into_iter().map(|(key, stored)| (key[prefix.len()..].to_owned(), stored)).collect();
                let store = MemoryStore { bucket: None, ..MemoryStore::of(&bucket) };
                let whole = prove(vec![store], &bucket, |_| {});
                prop_assert_eq!((whole.state(), whole.chains.len()), (State::Attested, chains), "{:#?}", whole);
            }
        }
    }
}
