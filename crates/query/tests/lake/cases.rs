//! What must be right in a lake, case by case.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::SignedDuration;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::inflate::Unpacked;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_archive::archive::{
    Deletes, Fault, FaultKind, FolderStore, HashError, Level, Listed, Object, Store, Version,
};
use orgtrail_query::lake::identity::{LakeError, LakeIdentity};
use orgtrail_query::lake::layout::{Grain, number_of};
use orgtrail_query::lake::progress::read_progress;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Update;

use super::identity::identity;
use super::memory::MemoryLake;
use super::world::{ACCOUNTS, REGIONS, World, asked, at, record, records, run, slots, whole};

const ACCOUNT: &str = ACCOUNTS[0];

fn lake() -> Arc<MemoryLake> {
    Arc::default()
}

#[tokio::test]
async fn an_event_belongs_to_its_own_day_also_where_it_is_delivered_the_next_day_or_the_next_month() {
    let (mut world, lake) = (World::new(), lake());
    let (first, second) = (record(1, "2026-02-28T23:59:59Z", ""), record(2, "2026-02-28T23:59:58Z", ",\"late\":true"));
    world.deliver(ACCOUNT, "us-east-1", at("2026-03-01T00:05:00Z"), std::slice::from_ref(&first));
    whole(&lake, &world, "2026-03-01T00:10:00Z").await;
    world.deliver(ACCOUNT, "us-east-1", at("2026-03-29T10:05:00Z"), std::slice::from_ref(&second));
    whole(&lake, &world, "2026-03-29T10:10:00Z").await;
    let all = records(&lake);
    assert_eq!(all.len(), 1, "{all:?}");
    let (key, own) = all.first_key_value().unwrap();
    assert!(key.starts_with("events/day=2026-02-28/"), "{key}");
    assert_eq!(own.len(), 2);
    let ledgers: Vec<String> = lake.files().into_keys().filter(|key| key.starts_with("ledger/")).collect();
    assert_eq!(ledgers.len(), 2, "ledgers are by the day on which objects were made: {ledgers:?}");
}

#[tokio::test]
async fn the_same_event_id_with_other_bytes_is_kept_twice_and_with_the_same_bytes_once() {
    let (mut world, lake) = (World::new(), lake());
    let (one, other) = (record(1, "2026-02-28T10:00:00Z", ""), record(1, "2026-02-28T10:00:00Z", ",\"addendum\":{}"));
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-28T10:05:00Z"), &[one.clone(), other.clone()]);
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-28T11:05:00Z"), &[one.clone(), one]);
    whole(&lake, &world, "2026-03-01T00:10:00Z").await;
    let slot = slots(&lake).into_values().next().unwrap();
    assert_eq!((slot.footer.read, slot.footer.kept, slot.footer.duplicates), (4, 2, 2));
}

#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_before_anything_is_put_in() {
    let (mut world, lake) = (World::new(), lake());
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-28T10:05:00Z"), &[record(1, "2026-02-28T10:00:00Z", "")]);
    lake.ignores_conditions.store(true, Ordering::SeqCst);
    let refused = LakeIdentity::ensure(lake.as_ref(), &asked(Grain::Day)).await.unwrap_err();
    assert!(matches!(refused, LakeError::Unconditional(_)), "{refused}");
    assert_eq!(lake.files().into_keys().collect::<Vec<_>>(), ["lake.json"]);
}

#[tokio::test]
async fn the_whole_records_of_a_damaged_object_are_in_and_its_repaired_content_is_another_object() {
    let (mut world, lake) = (World::new(), lake());
    let mut paths = Vec::new();
    for id in 0..20 {
        let records = [record(id, &format!("2026-02-28T10:00:{id:02}Z"), "")];
        paths.push(world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", at("2026-02-28T10:05:00Z"), &records));
    }
    let body = std::fs::read(&paths[7]).unwrap();
    let broken = &body[..body.len() / 2];
    std::fs::write(&paths[7], broken).unwrap();
    let updated = run(&lake, &world.update(), Grain::Day, at("2026-03-01T00:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.damaged.is_empty(), updated.records), (20, false, 19), "{updated:?}");
    assert!(!updated.is_whole());
    // The same key with other content is another object.
    std::fs::write(&paths[7], body).unwrap();
    let updated = run(&lake, &world.update(), Grain::Day, at("2026-03-01T01:00:00Z")).await.unwrap();
    assert_eq!((updated.added, updated.records), (1, 1), "{updated:?}");
    assert_eq!(records(&lake).values().map(|own| own.len()).sum::<usize>(), 20);
}

/// A folder one object of which cannot be read.
struct Closed {
    inner: FolderStore,
    key: String,
}

#[async_trait]
impl Store for Closed {
    fn bucket(&self) -> Option<&str> {
        None
    }

    fn name(&self) -> String {
        self.inner.name()
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        self.inner.level(prefix).await
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        self.inner.list(prefix, after)
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        match key == self.key {
            true => Err(Fault::new(FaultKind::Denied, "AccessDenied")),
            false => self.inner.get(key).await,
        }
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        self.inner.hash(key).await
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }

    fn oddities(&self) -> Vec<String> {
        self.inner.oddities()
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        self.inner.deletes().await
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        self.inner.versions(prefix).await
    }

    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, HashError> {
        self.inner.hash_version(key, version).await
    }
}

#[tokio::test]
async fn one_object_that_cannot_be_read_keeps_no_other_out_and_the_next_run_takes_it() {
    let (mut world, lake) = (World::new(), lake());
    let mut paths = Vec::new();
    for id in 0..20 {
        let records = [record(id, &format!("2026-02-28T10:00:{id:02}Z"), "")];
        paths.push(world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", at("2026-02-28T10:05:00Z"), &records));
    }
    let key = paths[7].strip_prefix(world.path()).unwrap().display().to_string();
    let store = Arc::new(Closed { inner: FolderStore::new(world.path()), key: key.clone() });
    let mut update = world.update();
    let places = vec![LogPlace { store, sought: ScopeFilter::default() }];
    update.archive = Arc::new(Archive::new(places, jiff::SignedDuration::ZERO));
    let updated = run(&lake, &update, Grain::Day, at("2026-03-01T00:00:00Z")).await.unwrap();
    assert_eq!((updated.added, updated.missing), (19, vec![(key.clone(), "AccessDenied".to_owned())]));
    let named = read_progress(lake.as_ref(), &identity(&lake).await, number_of(ACCOUNTS[1], 2)).await.unwrap().unwrap();
    assert_eq!((named.missing_count, &named.missing[0].0), (1, &key));
    // It is long behind the point from which a run without anything missing would go on.
    let mut later = world.update();
    later.overlap = jiff::SignedDuration::from_hours(1);
    let updated = run(&lake, &later, Grain::Day, at("2026-03-20T00:00:00Z")).await.unwrap();
    assert_eq!((updated.added, updated.is_whole()), (1, true), "{updated:?}");
}

#[tokio::test]
async fn a_second_run_writes_no_slot_and_lists_from_a_little_before_the_first() {
    let (mut world, lake) = (World::new(), lake());
    for id in 0..10 {
        let day = 10 + id;
        let records = [record(id, &format!("2026-02-{day}T10:00:00Z"), "")];
        world.deliver(ACCOUNT, "us-east-1", at(&format!("2026-02-{day}T10:05:00Z")), &records);
    }
    let first = whole(&lake, &world, "2026-02-19T12:00:00Z").await;
    assert_eq!((first.listed, first.added, first.slots_written), (10, 10, 10));
    let before = lake.files();
    let mut update = world.update();
    update.overlap = jiff::SignedDuration::from_hours(72);
    let second = run(&lake, &update, Grain::Day, at("2026-02-19T12:30:00Z")).await.unwrap();
    assert_eq!((second.listed, second.added, second.slots_written), (4, 0, 0), "{second:?}");
    let changed = lake.files().into_iter().filter(|(key, bytes)| before.get(key) != Some(bytes));
    let changed: Vec<String> = changed.map(|(key, _)| key).collect();
    assert!(changed.iter().all(|key| key.starts_with("progress/")), "{changed:?}");
}

#[tokio::test]
async fn a_run_that_looked_at_a_part_does_not_move_the_point_from_which_the_next_goes_on() {
    let (mut world, lake) = (World::new(), lake());
    for day in [10, 20] {
        let records = [record(day, &format!("2026-02-{day}T10:00:00Z"), "")];
        world.deliver(ACCOUNT, "us-east-1", at(&format!("2026-02-{day}T10:05:00Z")), &records);
    }
    let mut part = world.update();
    part.window =
        Window { from: Some(at("2026-02-19T00:00:00Z")), to: Some(at("2026-02-20T23:00:00Z")), ..Window::default() };
    let updated = run(&lake, &part, Grain::Day, at("2026-02-21T00:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (1, 1));
    assert_eq!(read_progress(lake.as_ref(), &identity(&lake).await, 0).await.unwrap(), None);
    assert_eq!(whole(&lake, &world, "2026-02-21T01:00:00Z").await.added, 1);
}

#[tokio::test]
async fn another_place_of_logs_is_listed_from_its_beginning() {
    let (mut world, mut other, lake) = (World::new(), World::new(), lake());
    let (new, old) = (record(1, "2026-02-20T10:00:00Z", ""), record(2, "2025-01-20T10:00:00Z", ""));
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T10:05:00Z"), &[new]);
    other.deliver(ACCOUNTS[1], "us-east-1", at("2025-01-20T10:05:00Z"), &[old]);
    whole(&lake, &world, "2026-02-21T00:00:00Z").await;
    assert_eq!(whole(&lake, &other, "2026-02-21T01:00:00Z").await.added, 1);
}

#[tokio::test]
async fn log_objects_that_wait_for_a_slot_or_a_ledger_are_counted_and_not_the_files_of_the_lake() {
    for folder in ["events/", "ledger/"] {
        let (mut world, lake) = (World::new(), lake());
        world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T10:05:00Z"), &[record(1, "2026-02-20T10:00:00Z", "")]);
        whole(&lake, &world, "2026-02-20T11:00:00Z").await;
        let (key, bytes) = lake.files().into_iter().find(|(key, _)| key.starts_with(folder)).unwrap();
        lake.set(&key, Some(bytes.slice(..bytes.len() / 2)));
        // Their events are in one slot, and they in one ledger; of the next day are others.
        for minute in 0..150 {
            let made = at("2026-02-20T11:05:00Z") + jiff::SignedDuration::from_secs(minute);
            world.deliver(ACCOUNT, "us-east-1", made, &[record(2 + minute as u32, "2026-02-20T11:00:00Z", "")]);
        }
        world.deliver(ACCOUNT, "us-east-1", at("2026-02-21T10:05:00Z"), &[record(500, "2026-02-21T10:00:00Z", "")]);
        let updated = run(&lake, &world.update(), Grain::Day, at("2026-02-21T12:00:00Z")).await.unwrap();
        assert_eq!((updated.failed.len(), updated.added), (1, 1), "{folder} {:?}", updated.failed);
        // Of a ledger that cannot be read it is not known whether the first one is in.
        let waiting = if folder == "events/" { 150 } else { 151 };
        assert_eq!(updated.waiting.len(), waiting, "{folder}");
        let identity = LakeIdentity::read(lake.as_ref()).await.unwrap();
        let progress =
            read_progress(lake.as_ref(), &identity, number_of(ACCOUNT, identity.slots)).await.unwrap().unwrap();
        assert_eq!((progress.missing_count, progress.missing.len()), (waiting as u64, 100), "{folder}");
        lake.set(&key, Some(bytes));
        assert_eq!(whole(&lake, &world, "2026-02-21T13:00:00Z").await.added, 150, "{folder}");
    }
}

#[tokio::test]
async fn a_damaged_slot_is_left_as_it_is_and_what_belongs_there_waits() {
    let (mut world, lake) = (World::new(), lake());
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T10:05:00Z"), &[record(1, "2026-02-20T10:00:00Z", "")]);
    whole(&lake, &world, "2026-02-20T11:00:00Z").await;
    let (key, bytes) = lake.files().into_iter().find(|(key, _)| key.starts_with("events/")).unwrap();
    lake.set(&key, Some(bytes.slice(..bytes.len() / 2)));
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T11:05:00Z"), &[record(2, "2026-02-20T11:00:00Z", "")]);
    let updated = run(&lake, &world.update(), Grain::Day, at("2026-02-20T12:00:00Z")).await.unwrap();
    assert!(updated.failed.len() == 1 && updated.failed[0].contains(&key), "{updated:?}");
    assert_eq!(updated.waiting.len(), 1, "{updated:?}");
    assert_eq!((updated.added, lake.get(&key).await.unwrap().unwrap().bytes.len()), (0, bytes.len() / 2));
    lake.set(&key, Some(bytes));
    assert_eq!(whole(&lake, &world, "2026-02-20T13:00:00Z").await.added, 1);
    assert_eq!(records(&lake)[&key].len(), 2);
}

#[tokio::test]
async fn old_log_objects_of_a_folder_that_is_new_are_put_in_and_known_folders_are_not_listed_anew() {
    let (mut world, lake) = (World::new(), lake());
    let made = at("2026-02-10T10:05:00Z");
    world.deliver(ACCOUNTS[0], REGIONS[0], made, &[record(1, "2026-02-10T10:00:00Z", "")]);
    let soon = |world: &World| Update { overlap: SignedDuration::from_hours(24), ..world.update() };
    let updated = run(&lake, &soon(&world), Grain::Day, at("2026-03-01T00:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (1, 1), "{updated:?}");
    // An account and a region that are copied later, as old as the others.
    world.deliver(ACCOUNTS[1], REGIONS[0], made, &[record(2, "2026-02-10T10:00:00Z", "")]);
    world.deliver(ACCOUNTS[0], REGIONS[1], made, &[record(3, "2026-02-10T10:00:00Z", "")]);
    let updated = run(&lake, &soon(&world), Grain::Day, at("2026-03-01T01:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (2, 2), "{updated:?}");
    assert_eq!(records(&lake).values().map(|own| own.len()).sum::<usize>(), 3);
    let updated = run(&lake, &soon(&world), Grain::Day, at("2026-03-01T02:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (0, 0), "{updated:?}");
    // A time that was chosen makes no folder known: what lies before it was not looked at.
    world.deliver(ACCOUNTS[2], REGIONS[0], made, &[record(4, "2026-02-10T10:00:00Z", "")]);
    let from = Some(at("2026-02-28T00:00:00Z"));
    let chosen = Update { window: Window { from, ..Window::default() }, ..soon(&world) };
    let updated = run(&lake, &chosen, Grain::Day, at("2026-03-01T03:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (0, 0), "{updated:?}");
    let updated = run(&lake, &soon(&world), Grain::Day, at("2026-03-01T04:00:00Z")).await.unwrap();
    assert_eq!((updated.listed, updated.added), (1, 1), "{updated:?}");
}
