//! What must hold for every bucket: an untouched one raises no alarm, whatever became of its trail; a touched one
//! always does.

use std::sync::Arc;

use jiff::SignedDuration;
use orgtrail::archive::inflate::{hex, inflate, sha256};
use orgtrail::log_path::ObjectKey;
use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{KeyFinder, Source, Verification, Verifier, VerifyRequest};
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
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_500), max_shrink_iters: 200, ..ProptestConfig::default() })]

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
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), max_shrink_iters: 200, ..ProptestConfig::default() })]

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
    /// It was deleted; one of another name goes on in the same bucket, after so many hours in which nothing was
    /// recorded.
    Replaced(usize),
    /// A lifecycle rule has deleted its first day.
    Expired,
    /// It was copied to a folder, from below its prefix.
    Copied,
    /// Its chain goes on in another bucket, and a rule of the first one has deleted its first day.
    MovedAndExpired,
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Moved),
        Just(Fate::Rearranged),
        (0..3usize).prop_map(Fate::Replaced),
        Just(Fate::Expired),
        Just(Fate::Copied),
        Just(Fate::MovedAndExpired),
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
pub fn prove(stores: &[MemoryStore], of: &Bucket, change: impl FnOnce(&mut VerifyRequest)) -> Verification {
    let ring = KeyRing::parse(&of.keys().to_string()).unwrap();
    let source = |store: &MemoryStore| Source { store: Arc::new(store.clone()), prefix: String::new() };
    let places = stores.iter().map(source).collect();
    let mut request = request(of);
    change(&mut request);
    let verifier = Verifier::over(places, Arc::new(KeyFinder::new(ring, None)));
    block_on(verifier.run(&request, |_| {})).unwrap()
}

/// A world after a fate: what is proved together, up to when, and what is true of it.
struct After {
    stores: Vec<MemoryStore>,
    last: Bucket,
    now: Option<jiff::Timestamp>,
    /// After how many days the configuration has logs deleted in the first place.
    wanted: Option<u32>,
    chains: usize,
    truth: State,
    /// Whether one object more that is gone must be noticed: at the edge of what a rule deletes it looks like the
    /// rule's work.
    shows_every_loss: bool,
}

/// Removes what a rule has deleted that keeps only the last day, and returns whether that is told by the store itself.
fn expire(store: &mut MemoryStore, end: jiff::Timestamp) {
    let day = |time: jiff::Timestamp| time.as_second().div_euclid(86_400);
    let kept = day(end) - 1;
    let time = |key: &str| match ObjectKey::parse(key) {
        Some(ObjectKey::Log(log)) => day(log.slot),
        Some(ObjectKey::Digest(digest)) => day(digest.end),
        None => i64::MAX,
    };
    store.objects.retain(|key, _| time(key) >= kept);
    store.expires = Some(1);
}

fn live(first: Layout, fate: Fate, more: usize, prefix: String, is_own: bool) -> After {
    let organization = if is_own { None } else { Some("o-exampleorgid".to_owned()) };
    let chains = first.accounts.len() * first.regions.len();
    let after = |first: &Layout| Layout { start: first.end(), hours: more, ..first.clone() };
    // Of a chain of one hour that nothing names, nothing is left to tell.
    let is_named = matches!(fate, Fate::Moved | Fate::Rearranged);
    let (now, wanted, truth, shows_every_loss) = (None, None, State::Attested, is_named || first.hours > 1);
    let new_bucket = |first: &Layout| Layout {
        bucket: "the-next-bucket".into(),
        prefix: prefix.clone(),
        organization: organization.clone(),
        ..after(first)
    };
    match fate {
        Fate::Moved => {
            let (old, mut last) = (first.write(), new_bucket(&first).write());
            go_on(&mut last, &old);
            let stores = vec![MemoryStore::of(&last), MemoryStore::of(&old)];
            After { stores, last, now, wanted, chains, truth, shows_every_loss }
        }
        Fate::MovedAndExpired => {
            // So long that the rule has deleted something, whatever the hour of the day.
            let long = Layout { hours: 50 + more, ..first };
            let (old, mut last) = (long.write(), new_bucket(&long).write());
            go_on(&mut last, &old);
            let mut stores = vec![MemoryStore::of(&last), MemoryStore::of(&old)];
            let now = last.layout.end();
            expire(&mut stores[1], now);
            // Nobody says that the rule of the older bucket is wanted.
            let truth = State::Unproven;
            After { stores, last, now: Some(now), wanted, chains, truth, shows_every_loss: false }
        }
        Fate::Rearranged => {
            let second = Layout { prefix: format!("next/{prefix}"), organization, ..after(&first) };
            let (old, mut last) = (first.write(), second.write());
            go_on(&mut last, &old);
            last.objects.extend(old.objects);
            After { stores: vec![MemoryStore::of(&last)], last, now, wanted, chains, truth, shows_every_loss }
        }
        Fate::Replaced(pause) => {
            let start = first.end() + SignedDuration::from_hours(1) * i32::try_from(pause).unwrap();
            // So long that it lists something, where the first one did.
            let hours = more.max(first.logs.len());
            let second = Layout { trail: format!("{}-next", first.trail), start, hours, ..after(&first) };
            let (old, mut last) = (first.write(), second.write());
            last.objects.extend(old.objects);
            let truth = if pause == 0 { State::Attested } else { State::Unproven };
            After {
                stores: vec![MemoryStore::of(&last)],
                last,
                now,
                wanted,
                chains: 2 * chains,
                truth,
                shows_every_loss,
            }
        }
        Fate::Expired => {
            let last = Layout { hours: 30 + more, ..first }.write();
            let mut store = MemoryStore::of(&last);
            let now = last.layout.end();
            expire(&mut store, now);
            After { stores: vec![store], last, now: Some(now), wanted: Some(1), chains, truth, shows_every_loss: false }
        }
        Fate::Copied => {
            let mut last = Layout { prefix: format!("deep/{}", first.prefix), ..first }.write();
            let prefix = last.layout.prefix.clone();
            let objects = std::mem::take(&mut last.objects);
            last.objects = objects.into_iter().map(|(key, stored)| (key[prefix.len()..].to_owned(), stored)).collect();
            let stores = vec![MemoryStore { bucket: None, ..MemoryStore::of(&last) }];
            After { stores, last, now, wanted, chains, truth, shows_every_loss }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(500), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn chains_are_attested_or_unproven_as_the_truth_says(
        layout in layouts(), fate in fates(), more in 1..5usize, prefix in "([a-z]{1,5}/){0,2}", is_own: bool,
        gone: prop::sample::Index,
    ) {
        let first = Layout { rotation: None, backfill: None, ..layout };
        let After { mut stores, last, now, wanted, chains, truth, shows_every_loss } = live(first, fate, more, prefix, is_own);
        let until = |now: Option<jiff::Timestamp>| move |request: &mut VerifyRequest| {
            request.expire_after_days = wanted;
            if let Some(now) = now {
                (request.now, request.to) = (now, None);
            }
        };
        let whole = prove(&stores, &last, until(now));
        prop_assert_eq!((whole.state(), whole.chains.len()), (truth, chains), "{:?} {:#?}", fate, whole);
        if fate == Fate::Moved {
            let alone = prove(&stores[..1], &last, until(now));
            prop_assert_eq!(alone.state(), State::Unproven, "{:#?}", alone);
        }
        if fate == Fate::MovedAndExpired {
            // Without the rule, what is gone was deleted.
            stores[1].expires = None;
            let cut = prove(&stores, &last, until(now));
            prop_assert_eq!(cut.state(), State::Broken, "{:#?}", cut);
        }
        if shows_every_loss {
            let keys: Vec<(usize, String)> = stores.iter().enumerate()
                .flat_map(|(at, store)| store.objects.keys().map(move |key| (at, key.clone())))
                .collect();
            let (at, key) = &keys[gone.index(keys.len())];
            stores[*at].objects.remove(key);
            let less = prove(&stores, &last, until(now));
            prop_assert_ne!(less.state(), State::Attested, "{:?} without {} {:#?}", fate, key, less);
        }
    }
}
