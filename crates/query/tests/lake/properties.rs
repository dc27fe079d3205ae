//! Any records in any log objects, put in by any runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgtrail_query::lake::layout::{Grain, SlotId, number_of};
use proptest::collection::vec;
use proptest::prelude::*;

use super::memory::{Failure, MemoryLake};
use super::world::{ACCOUNTS, REGIONS, World, record, records, run, shard};

/// An event, and how late each of its deliveries is, in minutes.
#[derive(Debug, Clone)]
struct Event {
    at_minutes: i64,
    late: Vec<i64>,
    account: usize,
    region: usize,
    is_changed: bool,
}

/// What happens between deliveries.
#[derive(Debug, Clone)]
enum Run {
    /// One run.
    Whole,
    /// Two at the same time.
    Two,
    /// Two shards at the same time.
    Shards,
    /// One that ends at a write.
    Killed(usize, bool),
}

fn begin() -> Timestamp {
    "2026-02-27T00:00:00Z".parse().unwrap()
}

fn minutes(minutes: i64) -> Timestamp {
    begin() + SignedDuration::from_mins(minutes)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let late = vec(prop_oneof![0..30_i64, 0..3_000_i64, Just(40_000_i64)], 1..3);
    let one = (0..3 * 1440_i64, late, 0..ACCOUNTS.len(), 0..REGIONS.len(), any::<bool>());
    let event =
        |(at_minutes, late, account, region, is_changed)| Event { at_minutes, late, account, region, is_changed };
    vec(one.prop_map(event), 1..25)
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let killed = (0..12_usize, any::<bool>()).prop_map(|(at, after)| Run::Killed(at, after));
    vec(prop_oneof![Just(Run::Whole), Just(Run::Two), Just(Run::Shards), killed], 0..5)
}

/// The records of an event.
fn records_of(id: usize, event: &Event) -> Vec<String> {
    let id = u32::try_from(id).unwrap();
    let time = minutes(event.at_minutes).to_string();
    let mut all = vec![record(id, &time, "")];
    if event.is_changed {
        all.push(record(id, &time, ",\"addendum\":{\"reason\":\"UPDATED_DATA\"}"));
    }
    all
}

async fn act(lake: &Arc<MemoryLake>, world: &World, run_of: &Run, grain: Grain, now: Timestamp) {
    let update = world.update();
    match run_of {
        Run::Whole => drop(run(lake, &update, grain, now).await),
        Run::Two => {
            let (one, other) = (world.update(), world.update());
            let later = now + SignedDuration::from_mins(1);
            let both = tokio::join!(run(lake, &one, grain, now), run(lake, &other, grain, later));
            assert!(both.0.unwrap().is_whole() && both.1.unwrap().is_whole());
        }
        Run::Shards => {
            let (mut one, mut other) = (world.update(), world.update());
            (one.shard, other.shard) = (shard(1, 2), shard(2, 2));
            let both = tokio::join!(run(lake, &one, grain, now), run(lake, &other, grain, now));
            assert!(both.0.unwrap().is_whole() && both.1.unwrap().is_whole());
        }
        Run::Killed(at, after) => {
            let from = lake.puts.load(std::sync::atomic::Ordering::SeqCst) + at;
            let how = if *after { Failure::After } else { Failure::Before };
            *lake.fails_from.lock().unwrap() = Some((from, how));
            let mut small = update;
            small.memory_bytes = 600;
            drop(run(lake, &small, grain, now).await);
            *lake.fails_from.lock().unwrap() = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_lake_has_each_event_once_byte_for_byte_whatever_happened_on_the_way(
        events in events(),
        together in 1..5_usize,
        runs in runs(),
        is_hourly: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let grain = if is_hourly { Grain::Hour } else { Grain::Day };
        // Deliveries in the order in which they come; some of one account, region and time share an object.
        let mut deliveries: Vec<(Timestamp, usize, usize, String)> = Vec::new();
        let mut expected: BTreeMap<String, BTreeSet<(String, String, String)>> = BTreeMap::new();
        for (id, event) in events.iter().enumerate() {
            let (account, region) = (ACCOUNTS[event.account], REGIONS[event.region]);
            let slot = SlotId::of(grain, Some(minutes(event.at_minutes)), number_of(account, 2));
            for text in records_of(id, event) {
                expected.entry(slot.key()).or_default().insert((account.into(), region.into(), text.clone()));
                for late in &event.late {
                    let made = event.at_minutes + late;
                    deliveries.push((minutes(made - made.rem_euclid(5) + 5), event.account, event.region, text.clone()));
                }
            }
        }
        deliveries.sort_by_key(|delivery| delivery.0);
        let (mut world, lake) = (World::new(), Arc::new(MemoryLake::default()));
        let parts = deliveries.len().div_ceil(runs.len() + 1);
        for (number, part) in deliveries.chunks(parts).enumerate() {
            for some in part.chunks(together) {
                let mut objects: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
                for (_, account, region, text) in some {
                    objects.entry((*account, *region)).or_default().push(text.clone());
                }
                for ((account, region), texts) in objects {
                    world.deliver(ACCOUNTS[account], REGIONS[region], some[0].0, &texts);
                }
            }
            if let Some(one) = runs.get(number) {
                let now = minutes(50_000 + 10 * i64::try_from(number).unwrap());
                runtime.block_on(act(&lake, &world, one, grain, now));
            }
        }
        let last = runtime.block_on(run(&lake, &world.update(), grain, minutes(60_000))).unwrap();
        prop_assert!(last.is_whole(), "{:?}", last);
        prop_assert_eq!(records(&lake), expected);

        // The same objects at once give the same bytes.
        let at_once = Arc::new(MemoryLake::default());
        runtime.block_on(run(&at_once, &world.update(), grain, minutes(60_000))).unwrap();
        let of = |lake: &MemoryLake| {
            let files = lake.files().into_iter();
            files.filter(|(key, _)| !key.starts_with("progress/")).collect::<BTreeMap<_, _>>()
        };
        prop_assert!(of(&lake) == of(&at_once), "slots and ledgers depend on the way");
    }
}
