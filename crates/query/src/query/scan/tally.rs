//! What a scan looked at, counted as it goes.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::lake::layout::SlotId;

/// Parts that are named; what goes beyond is counted.
const UNREAD_MAX: usize = 100;

/// What could not be listed or read, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct UnreadPart {
    /// The key of the object, or the prefix or place that could not be listed.
    pub key: String,
    /// What, and why.
    pub why: String,
}

/// What was looked at so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Log files that were to be read; one that is read again counts again, here and where bytes are counted.
    pub files_listed: u64,
    /// Their size as stored.
    pub bytes_listed: u64,
    /// Slots of a lake that were needed.
    pub slots: u64,
    /// Their size in bytes.
    pub slot_bytes: u64,
    /// Log files that were read to their end.
    pub files: u64,
    /// Their size as stored.
    pub bytes: u64,
    /// Their size inflated.
    pub inflated_bytes: u64,
    /// Records in them, also those that are there more than once.
    pub records: u64,
    /// Records that the slots were made of, of all accounts, regions and hours in them.
    pub slot_records: u64,
    /// Of these, those that were delivered before with the same bytes.
    pub slot_duplicates: u64,
    /// Records of log files that were delivered before with the same bytes, which count once.
    pub duplicates: u64,
    /// Records without a time that can be read: no question about a time finds them.
    pub without_time: u64,
    /// Log files, or parts of them, that could not be read.
    pub unread_count: u64,
    /// The first of them.
    pub unread: Vec<UnreadPart>,
}

/// What was looked at, and what of it was counted.
#[derive(Debug, Default)]
struct Counted {
    looked: Looked,
    /// What counts once, by its hash: a question may read the same file more than once, as one that joins a table with
    /// itself does.
    once: HashSet<u64>,
    keys: RandomState,
    /// The slots of which bytes were fetched, each with when that was last, in order.
    slots: HashMap<SlotId, u64>,
    fetches: u64,
}

/// Shared by all parts of a scan.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counted>>);

impl Tally {
    /// Returns what was looked at so far.
    pub fn looked(&self) -> Looked {
        self.counted().looked.clone()
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.counted() = Counted::default();
    }

    /// Changes the counts.
    pub(super) fn note(&self, change: impl FnOnce(&mut Looked)) {
        change(&mut self.counted().looked);
    }

    /// Changes the counts, unless the same was counted before.
    pub(super) fn once(&self, what: impl Hash, change: impl FnOnce(&mut Looked)) {
        let mut counted = self.counted();
        let hash = counted.keys.hash_one(what);
        if counted.once.insert(hash) {
            change(&mut counted.looked);
        }
    }

    /// Notes that bytes of a slot are fetched.
    pub(super) fn fetches(&self, slot: SlotId) {
        let mut counted = self.counted();
        counted.fetches += 1;
        let at = counted.fetches;
        counted.slots.insert(slot, at);
    }

    /// Returns the slots of which bytes were fetched, each with when that was last: a later one has a greater number.
    pub(super) fn read_slots(&self) -> HashMap<SlotId, u64> {
        self.counted().slots.clone()
    }

    /// Notes what could not be read.
    pub(super) fn unread(&self, key: &str, why: impl Into<String>) {
        let why = why.into();
        self.once(("unread", key, why.as_str()), |looked| looked.add_unread(key, &why));
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        // Counts are whole between two changes, so that a poisoned lock guards nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looked {
    /// Adds what could not be read.
    pub(super) fn add_unread(&mut self, key: &str, why: &str) {
        self.unread_count += 1;
        if self.unread.len() < UNREAD_MAX {
            self.unread.push(UnreadPart { key: key.to_owned(), why: why.to_owned() });
        }
    }
}
