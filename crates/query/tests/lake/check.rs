//! A lake that is not what its log objects say is told.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use orgtrail_query::lake::check::{Check, DifferenceKind, LakeCheck};
use orgtrail_query::lake::identity::LakeIdentity;
use orgtrail_query::lake::slot::{Merged, Row, Slot, Sources, merge};
use orgtrail_query::lake::store::LakeStore;

use super::memory::MemoryLake;
use super::world::{ACCOUNTS, World, at, record, whole};

const ACCOUNT: &str = ACCOUNTS[0];

/// A lake of some objects of one account and day.
async fn made() -> (World, Arc<MemoryLake>, Vec<PathBuf>) {
    let (mut world, lake) = (World::new(), Arc::<MemoryLake>::default());
    let mut paths = Vec::new();
    for id in 0..6 {
        let records = [
            record(id, &format!("2026-02-20T0{id}:00:00Z"), ""),
            record(100 + id, &format!("2026-02-20T0{id}:00:01Z"), ",\"sourceIPAddress\":\"192.0.2.1\""),
        ];
        paths.push(world.deliver(ACCOUNT, "us-east-1", at(&format!("2026-02-20T0{id}:05:00Z")), &records));
    }
    // Delivered again, and late.
    let again = [record(0, "2026-02-20T00:00:00Z", "")];
    paths.push(world.deliver(ACCOUNT, "us-east-1", at("2026-02-25T01:05:00Z"), &again));
    whole(&lake, &world, "2026-02-25T12:00:00Z").await;
    (world, lake, paths)
}

async fn check(world: &World, lake: &Arc<MemoryLake>, memory_bytes: u64) -> LakeCheck {
    let store = Arc::clone(lake) as Arc<dyn LakeStore>;
    let identity = LakeIdentity::read(store.as_ref()).await.unwrap();
    let day = |text: &str| text.parse().unwrap();
    let days = (day("2026-02-01"), day("2026-02-28"));
    let check = Check { archive: world.archive(), days, accounts: None, memory_bytes };
    Box::pin(check.run(&store, &identity, &|_, _, _| ())).await.unwrap()
}

async fn kinds(world: &World, lake: &Arc<MemoryLake>) -> Vec<DifferenceKind> {
    let checked = check(world, lake, 1 << 20).await;
    let in_parts = check(world, lake, 200).await;
    let of = |checked: &LakeCheck| {
        let mut kinds: Vec<DifferenceKind> = checked.differences.iter().map(|one| one.kind).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(of(&checked), of(&in_parts), "{checked:?} {in_parts:?}");
    of(&checked)
}

#[tokio::test]
async fn a_log_object_of_which_a_part_could_not_be_read_is_not_checked() {
    let (mut world, lake) = (World::new(), Arc::<MemoryLake>::default());
    let cut = format!("{{\"Records\":[{},{{\"eventID\":", record(1, "2026-02-20T01:00:00Z", ""));
    world.deliver_bytes(ACCOUNT, "us-east-1", at("2026-02-20T01:05:00Z"), cut.as_bytes());
    let updated =
        super::world::run(&lake, &world.update(), orgtrail_query::lake::layout::Grain::Day, at("2026-02-25T12:00:00Z"))
            .await;
    assert_eq!(updated.unwrap().damaged.len(), 1);
    let checked = check(&world, &lake, 1 << 20).await;
    assert_eq!((checked.difference_count, checked.unchecked_count), (0, 1), "{checked:?}");
}

fn slot(lake: &MemoryLake) -> (String, Bytes) {
    lake.files().into_iter().find(|(key, _)| key.starts_with("events/")).unwrap()
}

/// Writes the slot anew with other rows and the same objects.
fn forge(lake: &MemoryLake, change: impl FnOnce(&mut Vec<Row>)) {
    let (key, bytes) = slot(lake);
    let slot = Slot::of(bytes).unwrap();
    let mut rows: Vec<Row> = slot.rows().unwrap().map(Result::unwrap).collect();
    change(&mut rows);
    rows.sort_unstable_by(Row::order);
    let Merged::Changed(bytes, _) = merge(&slot.footer.lake, None, &rows, &slot.sources().unwrap()).unwrap() else {
        panic!()
    };
    lake.set(&key, Some(bytes));
}

#[tokio::test]
async fn a_lake_as_it_was_made_is_right() {
    let (world, lake, _) = made().await;
    let checked = check(&world, &lake, 1 << 20).await;
    assert_eq!((checked.difference_count, checked.is_whole()), (0, true), "{checked:?}");
    assert_eq!((checked.slots, checked.rows, checked.objects, checked.ledgers), (1, 12, 7, 2), "{checked:?}");
    assert_eq!(check(&world, &lake, 1).await, checked, "in parts of one event");
}

#[tokio::test]
async fn each_changed_byte_is_told_or_changes_no_event() {
    let (world, lake, _) = made().await;
    let (key, bytes) = slot(&lake);
    let rows =
        |bytes: &Bytes| -> Vec<Row> { Slot::of(bytes.clone()).unwrap().rows().unwrap().map(Result::unwrap).collect() };
    let (before, mut told) = (rows(&bytes), 0);
    for at in (4..bytes.len()).step_by(61) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x10;
        let changed = Bytes::from(changed);
        lake.set(&key, Some(changed.clone()));
        let checked = check(&world, &lake, 1 << 20).await;
        told += u64::from(checked.difference_count > 0);
        // Bytes that no reader of rows looks at: bloom filters, indexes of pages, statistics.
        assert!(checked.difference_count > 0 || rows(&changed) == before, "byte {at} of {}", bytes.len());
    }
    assert!(told > 20, "{told}");
}

#[tokio::test]
async fn a_row_that_is_missing_changed_or_new_is_told() {
    use DifferenceKind::{Foreign, Missing};
    let (world, lake, _) = made().await;
    let before = slot(&lake);
    let restore = || lake.set(&before.0, Some(before.1.clone()));
    forge(&lake, |rows| drop(rows.remove(3)));
    assert_eq!(kinds(&world, &lake).await, [Missing]);
    restore();
    forge(&lake, |rows| rows[5].record = rows[5].record.replace("192.0.2.1", "192.0.2.2"));
    let found = kinds(&world, &lake).await;
    assert_eq!(found, [Missing, Foreign]);
    restore();
    forge(&lake, |rows| {
        let mut new = rows[0].clone();
        new.record = new.record.replace("00000000", "99999999");
        rows.push(new);
    });
    assert_eq!(kinds(&world, &lake).await, [Foreign]);
    restore();
    assert_eq!(kinds(&world, &lake).await, []);
}

#[tokio::test]
async fn an_object_that_is_gone_or_was_changed_is_told() {
    let (world, lake, paths) = made().await;
    let body = std::fs::read(&paths[2]).unwrap();
    std::fs::remove_file(&paths[2]).unwrap();
    let checked = check(&world, &lake, 1 << 20).await;
    let found: Vec<DifferenceKind> = checked.differences.iter().map(|one| one.kind).collect();
    assert_eq!(found, [DifferenceKind::SourceGone], "{checked:?}");
    assert!(!checked.is_whole(), "its rows are not checked: {checked:?}");
    std::fs::write(&paths[2], [body.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(kinds(&world, &lake).await, [DifferenceKind::SourceChanged]);
}

#[tokio::test]
async fn an_object_of_the_ledger_that_is_in_no_slot_is_told() {
    let (world, lake, _) = made().await;
    let (key, bytes) = slot(&lake);
    lake.set(&key, None);
    let found = kinds(&world, &lake).await;
    assert_eq!(found, [DifferenceKind::NotInSlot; 7]);
    // A slot of some of the objects.
    let slot = Slot::of(bytes).unwrap();
    let (mut sources, mut rows) = (Sources::default(), Vec::new());
    for (source, records) in slot.sources().unwrap().iter().take(3) {
        sources.add(source.clone(), records);
        rows.extend(slot.rows().unwrap().map(Result::unwrap).filter(|row| row.delivered.key == source.key));
    }
    rows.sort_unstable_by(Row::order);
    let Merged::Changed(bytes, _) = merge(&slot.footer.lake, None, &rows, &sources).unwrap() else { panic!() };
    lake.set(&key, Some(bytes));
    assert_eq!(kinds(&world, &lake).await, [DifferenceKind::NotInSlot; 4]);
}

#[tokio::test]
async fn objects_that_should_be_in_and_are_not_are_counted() {
    let (mut world, lake, _) = made().await;
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T09:05:00Z"), &[record(9, "2026-02-20T09:00:00Z", "")]);
    let checked = check(&world, &lake, 1 << 20).await;
    assert_eq!((checked.waiting, checked.difference_count, checked.is_whole()), (1, 0, false), "{checked:?}");
    // What came behind the last update is the next one's.
    std::fs::remove_dir_all(world.path()).unwrap();
    let (mut world, lake, _) = made().await;
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-25T11:55:00Z"), &[record(9, "2026-02-25T11:50:00Z", "")]);
    assert!(check(&world, &lake, 1 << 20).await.is_whole());
    // A day of which nothing is in.
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-10T11:55:00Z"), &[record(9, "2026-02-10T11:50:00Z", "")]);
    assert_eq!(check(&world, &lake, 1 << 20).await.waiting, 1);
}

#[tokio::test]
async fn files_that_are_none_of_the_lake_are_named() {
    let (world, lake, _) = made().await;
    let own = slot(&lake).0;
    for key in [
        "events/day=2026-02-20/notes.txt",
        "events/day=2026-02-20/s99.parquet",
        "ledger/day=2026-02-20/s00.ledger.old",
        "events/loose",
        "events/day=2026-03-20/notes.txt",
    ] {
        lake.set(key, Some(Bytes::from_static(b"mine")));
    }
    let checked = check(&world, &lake, 1 << 20).await;
    let named = ["events/day=2026-02-20/notes.txt", "events/day=2026-02-20/s99.parquet", "events/loose"];
    let named: Vec<&str> = named.into_iter().chain(["ledger/day=2026-02-20/s00.ledger.old"]).collect();
    assert_eq!(checked.foreign, named, "not {own}, and not what lies in a day that was not asked for");
    assert_eq!((checked.foreign_count, checked.difference_count, checked.is_whole()), (4, 0, false), "{checked:?}");
}

#[tokio::test]
async fn an_object_whose_events_are_in_several_slots_counts_once() {
    let (mut world, lake) = (World::new(), Arc::<MemoryLake>::default());
    let records = [record(1, "2026-02-20T23:59:00Z", ""), record(2, "2026-02-21T00:01:00Z", "")];
    world.deliver(ACCOUNT, "us-east-1", at("2026-02-21T00:05:00Z"), &records);
    whole(&lake, &world, "2026-02-25T12:00:00Z").await;
    let checked = check(&world, &lake, 1 << 20).await;
    assert_eq!((checked.slots, checked.rows, checked.objects), (2, 2, 1), "{checked:?}");
}

#[tokio::test]
async fn a_log_object_that_was_mended_is_no_difference_and_one_that_was_written_anew_is() {
    let (mut world, lake) = (World::new(), Arc::<MemoryLake>::default());
    let both = [record(1, "2026-02-20T01:00:00Z", ""), record(2, "2026-02-20T01:00:01Z", "")];
    let path = world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T01:05:00Z"), &both);
    let body = std::fs::read(&path).unwrap();
    let put_in = async |world: &World, now: &str| {
        super::world::run(&lake, &world.update(), orgtrail_query::lake::layout::Grain::Day, at(now)).await.unwrap()
    };
    std::fs::write(&path, &body[..body.len() - 12]).unwrap();
    assert!(!put_in(&world, "2026-02-25T12:00:00Z").await.damaged.is_empty());
    assert_eq!(check(&world, &lake, 1 << 20).await.unchecked_count, 1);
    std::fs::write(&path, &body).unwrap();
    put_in(&world, "2026-02-25T13:00:00Z").await;
    let checked = check(&world, &lake, 1 << 20).await;
    assert_eq!((checked.differences.len(), checked.unchecked_count, checked.rows), (0, 0, 2), "{checked:?}");
    // What was whole and is another one now is a difference, also where the lake took it.
    let more =
        world.deliver(ACCOUNT, "us-east-1", at("2026-02-20T02:05:00Z"), &[record(3, "2026-02-20T01:00:02Z", "")]);
    std::fs::rename(more, &path).unwrap();
    put_in(&world, "2026-02-25T14:00:00Z").await;
    assert!(kinds(&world, &lake).await.contains(&DifferenceKind::SourceChanged));
}
