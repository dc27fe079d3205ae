//! What must hold for every bucket: an untouched one raises no alarm, a touched one always does.

use orgtrail::logs::finding::State;
use orgtrail::logs::inflate::inflate;
use proptest::prelude::*;

use crate::bucket::{ACCOUNT, Layout, REGION};
use crate::proof::verify;

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
