//! Files that belong to another lake, and files that are gone.

use std::sync::Arc;

use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::identity::LakeIdentity;
use orgtrail_query::lake::reading::Lake;
use orgtrail_query::lake::slot::{Merged, Row, Slot, merge};
use orgtrail_query::lake::status::LakeStatus;
use orgtrail_query::lake::store::LakeStore;

use super::memory::MemoryLake;
use super::world::{ACCOUNTS, World, at, record, whole};

/// Returns what a lake says that it is.
pub async fn identity(lake: &Arc<MemoryLake>) -> LakeIdentity {
    LakeIdentity::read(lake.as_ref()).await.unwrap()
}

#[tokio::test]
async fn files_of_another_lake_and_a_changed_lake_file_are_told_and_never_read_as_this_one() {
    let (mut world, lake) = (World::new(), Arc::new(MemoryLake::default()));
    for id in 0..12 {
        let records = [record(id, "2026-02-10T10:00:00Z", "")];
        world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", at("2026-02-10T10:05:00Z"), &records);
    }
    whole(&lake, &world, "2026-02-11T12:00:00Z").await;
    let right = lake.files().into_iter().find(|(key, _)| key == "lake.json").map(|(_, bytes)| bytes).unwrap();
    let text = String::from_utf8(right.to_vec()).unwrap();
    let store: Arc<dyn LakeStore> = lake.clone();
    let before = lake.files();
    for (from, to) in [
        ("\"slots\": 2", "\"slots\": 1"),
        ("\"slots\": 2", "\"slots\": 3"),
        ("o-exampleorgid", "o-other"),
        ("day", "hour"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        lake.set("lake.json", Some(changed.into()));
        let status = LakeStatus::read(&store).await.unwrap();
        assert!(!status.is_whole(), "{to}");
        assert!(
            status.unreadable.iter().all(|(_, why)| why.contains("it is of another lake")),
            "{:?}",
            status.unreadable
        );
        assert!(!status.unreadable.is_empty(), "{to}");
        let asked = Lake::open(Arc::clone(&store)).await.unwrap();
        let contents = asked.contents(&Window::default(), jiff::SignedDuration::ZERO).await;
        // What each share has listed is read first.
        let why = contents.map(|contents| contents.slots.len()).unwrap_err().to_string();
        assert!(why.contains("it is of another lake"), "{to}: {why}");
        let other = identity(&lake).await;
        let updated = world.update().run(&store, &other, at("2026-02-12T12:00:00Z"), &|_| ()).await;
        assert!(updated.is_err_and(|error| error.to_string().contains("it is of another lake")), "{to}");
        lake.set("lake.json", Some(right.clone()));
        assert_eq!(lake.files(), before, "nothing was changed");
    }
    // A slot that was copied here from another lake, where it has the same name.
    let (key, bytes) =
        before.iter().find(|(key, _)| key.starts_with("events/")).map(|(k, b)| (k.clone(), b.clone())).unwrap();
    let slot = Slot::of(bytes).unwrap();
    let rows: Vec<Row> = slot.rows().unwrap().map(Result::unwrap).collect();
    let Merged::Changed(bytes, _) = merge("o-other day 2", None, &rows, &slot.sources().unwrap()).unwrap() else {
        panic!()
    };
    lake.set(&key, Some(bytes));
    let status = LakeStatus::read(&store).await.unwrap();
    assert_eq!(status.unreadable.len(), 1, "{:?}", status.unreadable);
    let asked = Lake::open(Arc::clone(&store)).await.unwrap();
    let contents = asked.contents(&Window::default(), jiff::SignedDuration::ZERO).await.unwrap();
    assert_eq!(contents.unread.len(), 1, "{:?}", contents.unread);
}

#[tokio::test]
async fn a_slot_that_is_gone_or_older_is_made_again_from_the_log_files() {
    let (mut world, lake) = (World::new(), Arc::new(MemoryLake::default()));
    let deliver = |world: &mut World, id: u32| {
        let records = [record(id, "2026-02-10T10:00:00Z", "")];
        world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", at("2026-02-10T10:05:00Z"), &records);
    };
    (0..6).for_each(|id| deliver(&mut world, id));
    whole(&lake, &world, "2026-02-11T12:00:00Z").await;
    let older = lake.files();
    (6..12).for_each(|id| deliver(&mut world, id));
    whole(&lake, &world, "2026-02-11T13:00:00Z").await;
    let (store, before): (Arc<dyn LakeStore>, _) = (lake.clone(), lake.files());
    let slots: Vec<&String> = before.keys().filter(|key| key.starts_with("events/")).collect();
    assert_eq!(slots.len(), 2);
    for changed in [None, Some(&older)] {
        for key in &slots {
            lake.set(key, changed.map(|older| older[*key].clone()));
        }
        let status = LakeStatus::read(&store).await.unwrap();
        assert_eq!(status.lacking.iter().collect::<Vec<_>>(), slots);
        let now = at("2026-02-20T12:00:00Z");
        let identity = identity(&lake).await;
        // The ledgers say that everything is in.
        let updated = world.update().run(&store, &identity, now, &|_| ()).await.unwrap();
        assert_eq!((updated.added, updated.slots_written), (0, 0));
        let mut update = world.update();
        update.repairs = true;
        let updated = update.run(&store, &identity, now, &|_| ()).await.unwrap();
        assert!(updated.is_whole() && updated.slots_written == 2, "{updated:?}");
        let same = |key: &&String| lake.files().get(*key) == before.get(*key);
        assert!(slots.iter().all(same), "to the byte");
        assert!(LakeStatus::read(&store).await.unwrap().is_whole());
    }
}

#[tokio::test]
async fn a_share_that_is_gone_and_a_clock_that_ran_ahead_are_never_taken_for_whole() {
    let (mut world, lake) = (World::new(), Arc::new(MemoryLake::default()));
    for id in 0..12 {
        let records = [record(id, "2026-02-10T10:00:00Z", "")];
        world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", at("2026-02-10T10:05:00Z"), &records);
    }
    whole(&lake, &world, "2026-02-11T12:00:00Z").await;
    let (store, before): (Arc<dyn LakeStore>, _) = (lake.clone(), lake.files());
    lake.set("events/day=2026-02-10/other/s00.parquet", Some("PAR1".into()));
    let asked = Lake::open(Arc::clone(&store)).await.unwrap();
    let contents = asked.contents(&Window::default(), jiff::SignedDuration::ZERO).await.unwrap();
    assert_eq!(contents.foreign, ["events/day=2026-02-10/other/s00.parquet"]);
    lake.set("events/day=2026-02-10/other/s00.parquet", None);
    let is_whole = async || {
        let contents = Lake::open(Arc::clone(&store)).await.unwrap();
        let contents = contents.contents(&Window::default(), jiff::SignedDuration::ZERO).await;
        let status = LakeStatus::read(&store).await.unwrap();
        (status.is_whole(), contents.is_ok_and(|contents| contents.unread.is_empty()))
    };
    assert_eq!(is_whole().await, (true, true));
    // All that one share has but its progress: its events are missing, and its ledgers do not say so.
    let is_of_share = |key: &&String| key.contains("/s00.") && !key.starts_with("progress/");
    before.keys().filter(is_of_share).for_each(|key| lake.set(key, None));
    assert_eq!(is_whole().await, (false, false));
    // The next update does not look at their day, which is long over; one of everything brings them back.
    let identity = identity(&lake).await;
    let mut update = world.update();
    update.repairs = true;
    let updated = update.run(&store, &identity, at("2026-02-20T12:00:00Z"), &|_| ()).await.unwrap();
    assert!(updated.is_whole() && updated.added > 0, "{updated:?}");
    assert_eq!(is_whole().await, (true, true));
    // A writer whose clock ran ahead.
    for number in 0..2 {
        let key = format!("progress/s{number:02}.json");
        let text = String::from_utf8(lake.files()[&key].to_vec()).unwrap();
        let ahead = text.replace("2026-02-20T12:00:00Z", "2099-01-01T00:00:00Z");
        assert_ne!(ahead, text);
        lake.set(&key, Some(ahead.into()));
    }
    assert_eq!(is_whole().await, (false, false));
    world.deliver(ACCOUNTS[0], "us-east-1", at("2026-02-21T10:05:00Z"), &[record(99, "2026-02-21T10:00:00Z", "")]);
    let updated = whole(&lake, &world, "2026-02-22T12:00:00Z").await;
    assert_eq!((updated.listed, updated.added), (13, 1));
    assert_eq!(is_whole().await, (true, true));
}
