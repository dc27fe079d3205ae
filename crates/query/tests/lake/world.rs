//! Log objects in a folder, and what a lake has of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::FolderStore;
use orgtrail_archive::archive::find::ScopeFilter;
use orgtrail_archive::archive::listing::{Archive, LogPlace};
use orgtrail_archive::archive::window::Window;
use orgtrail_core::log_path::{ChainScope, LogKey, LogKind, LogRoot};
use orgtrail_query::lake::identity::{LakeAsked, LakeIdentity};
use orgtrail_query::lake::layout::{Grain, SlotId};
use orgtrail_query::lake::slot::Slot;
use orgtrail_query::lake::store::LakeStore;
use orgtrail_query::lake::update::{Shard, Update, Updated};
use tempfile::TempDir;

use super::memory::MemoryLake;

pub const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
pub const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A record of an event.
pub fn record(id: u32, time: &str, more: &str) -> String {
    format!(
        "{{\"eventVersion\":\"1.11\",\"eventTime\":\"{time}\",\"eventName\":\"E\", \"eventID\":\"{id:08}\",\
         \"requestParameters\":{{\"n\":1{id}9007199254740993,\"s\":\"\\u0022\"}}{more}}}"
    )
}

/// A folder of log objects that fills.
pub struct World {
    folder: TempDir,
    number: u32,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), number: 0 }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Delivers an object with records; returns its path.
    pub fn deliver(&mut self, account: &str, region: &str, made: Timestamp, records: &[String]) -> PathBuf {
        self.deliver_bytes(account, region, made, format!("{{\"Records\":[{}]}}", records.join(",")).as_bytes())
    }

    pub fn deliver_bytes(&mut self, account: &str, region: &str, made: Timestamp, content: &[u8]) -> PathBuf {
        let root = LogRoot::default().in_organization("o-exampleorgid");
        let scope = ChainScope::of(&root, account.parse().unwrap(), region.parse().unwrap());
        self.number += 1;
        let key = LogKey::new(scope, LogKind::CloudTrail, made, format!("N{:08}", self.number)).to_string();
        let path = self.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(content).unwrap();
        std::fs::write(&path, gzip.finish().unwrap()).unwrap();
        path
    }

    pub fn archive(&self) -> Arc<Archive> {
        archive_of(self.path())
    }

    pub fn update(&self) -> Update {
        Update {
            archive: self.archive(),
            window: Window::default(),
            overlap: SignedDuration::from_hours(24 * 60),
            shard: None,
            threads: 2,
            memory_bytes: 64 << 20,
            repairs: false,
        }
    }
}

pub fn archive_of(folder: &Path) -> Arc<Archive> {
    let place = LogPlace { store: Arc::new(FolderStore::new(folder)), sought: ScopeFilter::default() };
    Arc::new(Archive::new(vec![place], SignedDuration::ZERO))
}

pub fn asked(grain: Grain) -> LakeAsked {
    LakeAsked { organization: Some("o-exampleorgid".into()), grain: Some(grain), slots: Some(2) }
}

/// Runs an update; `None` where it ended with an error.
pub async fn run(lake: &Arc<MemoryLake>, update: &Update, grain: Grain, now: Timestamp) -> Option<Updated> {
    let store = Arc::clone(lake) as Arc<dyn LakeStore>;
    let identity = LakeIdentity::ensure(store.as_ref(), &asked(grain)).await.ok()?;
    Box::pin(update.run(&store, &identity, now, &|_| ())).await.ok()
}

/// Runs an update that must go well to its end.
pub async fn whole(lake: &Arc<MemoryLake>, world: &World, now: &str) -> Updated {
    let updated = run(lake, &world.update(), Grain::Day, at(now)).await.unwrap();
    assert!(updated.is_whole(), "{updated:?}");
    updated
}

pub fn shard(number: u16, of: u16) -> Option<Shard> {
    Some(Shard { number, of })
}

/// The slots of a lake.
pub fn slots(lake: &MemoryLake) -> BTreeMap<SlotId, Slot> {
    let files = lake.files().into_iter().filter(|(key, _)| key.starts_with("events/"));
    files.map(|(key, bytes)| (SlotId::parse(&key).unwrap(), Slot::of(bytes).unwrap())).collect()
}

/// The records of a lake by the keys of their slots: account, region and bytes.
pub fn records(lake: &MemoryLake) -> BTreeMap<String, BTreeSet<(String, String, String)>> {
    let own = |slot: &Slot| {
        let rows: Vec<_> = slot.rows().unwrap().map(Result::unwrap).collect();
        let set: BTreeSet<_> = rows
            .iter()
            .map(|row| (row.delivered.account.clone(), row.delivered.region.clone(), row.record.clone()))
            .collect();
        assert_eq!(set.len(), rows.len(), "each event is there once");
        set
    };
    slots(lake).iter().map(|(id, slot)| (id.key(), own(slot))).collect()
}
