//! Files that belong to another lake.

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
