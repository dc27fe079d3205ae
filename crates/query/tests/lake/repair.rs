//! A repair makes a lake anew from its log objects, to the byte, and gives nothing up that it cannot make again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use orgtrail_query::lake::status::LakeStatus;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Updated;

use super::identity::identity;
use super::memory::MemoryLake;
use super::world::{ACCOUNTS, World, at, record, whole};

/// A lake of two shares and two days.
async fn made() -> (World, Arc<MemoryLake>) {
    let (mut world, lake) = (World::new(), Arc::<MemoryLake>::default());
    for id in 0..12 {
        let day = 10 + id % 2;
        let records = [record(id, &format!("2026-02-{day}T10:00:00Z"), ",\"sourceIPAddress\":\"192.0.2.1\"")];
        let made = at(&format!("2026-02-{day}T10:05:00Z"));
        world.deliver(ACCOUNTS[id as usize % 3], "us-east-1", made, &records);
    }
    whole(&lake, &world, "2026-02-12T12:00:00Z").await;
    (world, lake)
}

async fn repair(world: &World, lake: &Arc<MemoryLake>) -> Updated {
    let store: Arc<dyn LakeStore> = lake.clone();
    let mut update = world.update();
    update.repairs = true;
    update.run(&store, &identity(lake).await, at("2026-02-12T12:00:00Z"), &|_| ()).await.unwrap()
}

async fn is_whole(lake: &Arc<MemoryLake>) -> bool {
    let store: Arc<dyn LakeStore> = lake.clone();
    LakeStatus::read(&store).await.unwrap().is_whole()
}

fn of_kind(files: &BTreeMap<String, Bytes>, folder: &str) -> Vec<(String, Bytes)> {
    files.iter().filter(|(key, _)| key.starts_with(folder)).map(|(key, bytes)| (key.clone(), bytes.clone())).collect()
}

#[tokio::test]
async fn slots_that_are_cut_empty_swapped_or_altered_are_made_again_to_the_byte() {
    let (world, lake) = made().await;
    let before = lake.files();
    let slots = of_kind(&before, "events/");
    let [(key, bytes), .., (_, other)] = slots.as_slice() else { panic!("{} slots", slots.len()) };
    let mut damaged: Vec<Bytes> = vec![Bytes::new(), bytes.slice(..bytes.len() / 2), "PAR1".into(), other.clone()];
    for at in (4..bytes.len()).step_by(97) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        damaged.push(flipped.into());
    }
    for (number, content) in damaged.into_iter().enumerate() {
        lake.set(key, Some(content));
        let updated = repair(&world, &lake).await;
        // A bit in the name of the lake makes a slot of another one: it is not touched, and that is told.
        if updated.failed.iter().any(|why| why.contains("of another lake")) {
            assert!(!is_whole(&lake).await, "damage {number}");
            continue;
        }
        assert!(updated.is_whole(), "{number}: {updated:?}");
        assert_eq!(lake.files().get(key), Some(bytes), "damage {number}: to the byte");
        assert!(is_whole(&lake).await, "damage {number}");
    }
    lake.set(key, Some(bytes.clone()));
    assert_eq!(of_kind(&lake.files(), "events/"), slots);
}

#[tokio::test]
async fn ledgers_that_cannot_be_read_are_made_again() {
    let (world, lake) = made().await;
    let before = lake.files();
    for (key, bytes) in of_kind(&before, "ledger/") {
        for content in [Bytes::new(), bytes.slice(..bytes.len() / 2), bytes.slice(..bytes.len() - 1), "x".into()] {
            lake.set(&key, Some(content));
            assert!(!is_whole(&lake).await, "a ledger that is cut off is told");
            let updated = repair(&world, &lake).await;
            assert!(updated.is_whole(), "{updated:?}");
            assert!(is_whole(&lake).await);
        }
    }
    assert_eq!(of_kind(&lake.files(), "events/"), of_kind(&before, "events/"));
}

#[tokio::test]
async fn what_is_lost_with_a_log_object_and_a_slot_under_a_free_name_are_never_told_as_mended() {
    let (world, lake) = made().await;
    let slots = of_kind(&lake.files(), "events/");
    // A copy of a slot where none is.
    let copy = slots[0].0.replace("2026-02-10", "2026-02-14").replace("2026-02-11", "2026-02-14");
    lake.set(&copy, Some(slots[0].1.clone()));
    let updated = repair(&world, &lake).await;
    assert!(updated.failed.iter().any(|why| why.contains(&copy)), "{updated:?}");
    lake.set(&copy, None);
    assert!(repair(&world, &lake).await.is_whole());
    // A slot that is cut off, and one of its log objects is in the archive no more.
    lake.set(&slots[0].0, Some(slots[0].1.slice(..100)));
    let mut open = vec![world.path().to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_string_lossy().contains("20260210T1005Z") {
            std::fs::remove_file(&path).unwrap();
            break;
        }
    }
    let updated = repair(&world, &lake).await;
    assert!(!updated.is_whole(), "{updated:?}");
}

#[tokio::test]
async fn what_cannot_be_made_again_stays_and_is_told() {
    let (world, lake) = made().await;
    let (key, bytes) = of_kind(&lake.files(), "events/")[0].clone();
    // A slot of a newer program.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("\"schema\":1,"));
    let newer: Vec<u8> = {
        let at = bytes.windows(11).position(|window| window == b"\"schema\":1,").unwrap();
        let mut newer = bytes.to_vec();
        newer[at + 9] = b'9';
        newer
    };
    lake.set(&key, Some(newer.clone().into()));
    let updated = repair(&world, &lake).await;
    assert!(updated.failed.iter().any(|why| why.contains(&key)), "{updated:?}");
    assert_eq!(lake.files()[&key], newer);
    // One that is altered, and not all of whose log objects are in the archive any more.
    let flipped = (4..bytes.len()).find_map(|at| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        let slot = orgtrail_query::lake::slot::Slot::of(flipped.clone().into()).ok()?;
        let is_altered = orgtrail_query::lake::slot::is_as_made(&slot).is_ok_and(|made| made == Some(false));
        (is_altered && slot.sources().is_ok()).then_some(flipped)
    });
    let flipped = flipped.expect("a bit that alters a slot and leaves it readable");
    lake.set(&key, Some(flipped.clone().into()));
    let gone = world.path().join("AWSLogs");
    std::fs::rename(&gone, world.path().join("elsewhere")).unwrap();
    let updated = repair(&world, &lake).await;
    assert!(updated.failed.iter().any(|why| why.contains("not all of its log objects")), "{updated:?}");
    assert_eq!(lake.files()[&key], flipped);
}
