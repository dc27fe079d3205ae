//! How long it takes to put the log files of a day into slots, and with how much memory.
//!
//! `cargo bench --workspace --bench lake`; each measure is the median of several processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

mod support;

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_query::lake::folder::FolderLake;
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::layout::Grain;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::Update;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Slots of a day.
const SLOTS: u16 = 4;
/// Records that are collected before they are written, in bytes.
const MEMORY_BYTES: usize = 128 << 20;

fn main() {
    if let Some(arguments) = support::child() {
        let [logs, lake, cores] = arguments.as_slice() else { panic!("three arguments") };
        let cores = cores.parse().unwrap();
        support::measure(cores, || update(Path::new(logs), Path::new(lake), cores));
        return;
    }
    let (logs, written) = support::logs();
    for cores in [2, 1] {
        let lake = logs.with_extension(format!("lake{cores}"));
        let (took, said) = support::medians(|| {
            let _absent = std::fs::remove_dir_all(&lake);
            support::own(&[logs.to_str().unwrap(), lake.to_str().unwrap(), &cores.to_string()])
        })
        .unwrap();
        let mut parts = said.split_whitespace().map(|part| part.parse::<u64>().unwrap());
        let (records, bytes, slots) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(records, written.events as u64, "every record was read");
        println!(
            "raw to slots, {cores} cores: {:.2} s, {:.2} s of CPU, {slots} slots",
            took.wall.as_secs_f64(),
            took.cpu.as_secs_f64()
        );
        if cores == 2 {
            support::goal("wall time", took.wall.as_secs_f64(), 1.5, true, "s");
            support::goal("memory", took.memory_bytes as f64 / f64::from(1 << 20), 256.0, true, "MiB");
            support::goal("slots", bytes as f64 / 1e6, 18.0, true, "MB");
        }
    }
}

/// Puts everything into a new lake; says how many records were read, and how large the slots are.
fn update(logs: &Path, lake: &Path, cores: usize) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn LakeStore> = Arc::new(FolderLake::new(lake));
        let asked = LakeAsked { organization: None, grain: Some(Grain::Day), slots: Some(SLOTS) };
        let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.unwrap();
        let place = LogPlace { store: Arc::new(FolderStore::new(logs)), sought: ScopeFilter::default() };
        let update = Update {
            archive: Arc::new(Archive::new(vec![place], SignedDuration::from_hours(24))),
            window: Window::default(),
            overlap: SignedDuration::from_hours(1),
            shard: None,
            threads: cores,
            memory_bytes: MEMORY_BYTES,
            repairs: false,
        };
        let updated = update.run(&store, &identity, Timestamp::now(), &|_| {}).await.unwrap();
        assert!(updated.is_whole(), "{updated:?}");
        let bytes: u64 = sizes(lake);
        format!("{} {bytes} {}", updated.records, updated.slots_written)
    })
}

/// Returns the size of the slots.
fn sizes(lake: &Path) -> u64 {
    let files =
        |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files(&lake.join("events")).iter().flat_map(|day| files(day)).map(|slot| slot.metadata().unwrap().len()).sum()
}
