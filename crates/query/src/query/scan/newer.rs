//! The records of the log files that are not in the lake yet: one of them may have been delivered before, so that the
//! lake has it too.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use futures::stream::{StreamExt, iter};
use orgtrail_archive::archive::listing::{Archive, LogFile};
use orgtrail_core::log_path::folder_of;
use tokio::task::spawn_blocking;

use crate::columns::extract::EventTime;
use crate::columns::object;

/// Files that are fetched at a time.
const FILES_AT_ONCE: usize = 16;
/// What an entry takes in a set, with its share of free places.
const ENTRY_BYTES: usize = 36;

/// The records of some log files.
#[derive(Debug)]
pub(super) struct Newer {
    keys: [RandomState; 2],
    all: HashSet<(u64, u64)>,
    /// The first and the last time of an event, in microseconds since 1970. `None`: there is none.
    reach: Option<(i64, i64)>,
    /// Whether one of them has no time.
    has_untimed: bool,
    reservation: MemoryReservation,
}

impl Newer {
    /// Reads the records of some files. What cannot be read is told where the files themselves are read.
    pub(super) async fn of(archive: &Arc<Archive>, files: &[LogFile], pool: &Arc<dyn MemoryPool>) -> Result<Self> {
        let reservation = MemoryConsumer::new("events not in the lake").register(pool);
        let keys = [RandomState::new(), RandomState::new()];
        let mut newer = Self { keys, all: HashSet::new(), reach: None, has_untimed: false, reservation };
        let mut bodies = iter(files.to_vec())
            .map(|file| {
                let (store, keys) = (archive.store(&file), newer.keys.clone());
                async move {
                    let body = store?.read_log(&file.key).await.ok()?;
                    spawn_blocking(move || hashes(&file, &body, &keys)).await.ok()
                }
            })
            .buffer_unordered(FILES_AT_ONCE);
        while let Some(some) = bodies.next().await {
            for (hash, time) in some.into_iter().flatten() {
                newer.reservation.try_grow(ENTRY_BYTES)?;
                newer.all.insert(hash);
                match time {
                    Some(time) => {
                        let (first, last) = newer.reach.unwrap_or((time, time));
                        newer.reach = Some((first.min(time), last.max(time)));
                    }
                    None => newer.has_untimed = true,
                }
            }
        }
        drop(bodies);
        Ok(newer)
    }

    /// Tells whether a record, delivered to an account and a region in an object, is one of them.
    pub(super) fn has(&self, account: &str, region: &str, key: &str, record: &str) -> bool {
        self.all.contains(&hash(&self.keys, account, region, key, record))
    }

    /// Tells whether events of a time can be among them. `None`: events without a time.
    pub(super) fn reaches(&self, time: Option<(i64, i64)>) -> bool {
        match (time, self.reach) {
            (Some((begin, end)), Some((first, last))) => first < end && begin <= last,
            (Some(_), None) => false,
            (None, reach) => self.has_untimed || reach.is_some(),
        }
    }
}

fn hash(keys: &[RandomState; 2], account: &str, region: &str, key: &str, record: &str) -> (u64, u64) {
    let whole = (account, region, folder_of(key), record);
    (keys[0].hash_one(whole), keys[1].hash_one(whole))
}

type Hashed = ((u64, u64), Option<i64>);

fn hashes(file: &LogFile, body: &[u8], keys: &[RandomState; 2]) -> Vec<Hashed> {
    let times = EventTime::new();
    let mut all = Vec::new();
    object::read(body, |json| {
        let hash = hash(keys, &file.chain.account, &file.chain.region, &file.key, json.as_str());
        all.push((hash, times.of(json).map(|time| time.as_microsecond())));
    });
    all
}
