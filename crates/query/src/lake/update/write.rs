//! Slots, ledgers and progress, each written by a condition and begun again where another writer was quicker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{StreamExt, iter};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::super::identity::{LakeError, must_be_of};
use super::super::layout::{LedgerId, SlotId, progress_key};
use super::super::ledger::{Entry, Ledger, is_of_other_format};
use super::super::progress::Progress;
use super::super::slot::{Merged, Row, Slot, Source, Sources, merge};
use super::super::store::{Condition, Stored, Written};
use super::Updated;
use super::share::{Pending, Share};

/// How often a write is begun again that another writer was quicker than.
const TRIES: u32 = 20;
/// How long is waited before, longer each time.
const PAUSE: Duration = Duration::from_millis(25);
/// Ledgers that are written at a time.
const LEDGERS_AT_ONCE: usize = 8;

impl Share<'_> {
    /// Writes what was collected: slots first, then the ledgers of the objects whose events are all in.
    pub(super) async fn write(&self, mut pending: Pending, updated: &mut Updated) {
        let mut lost: BTreeMap<Source, String> = BTreeMap::new();
        for (id, (rows, sources)) in std::mem::take(&mut pending.slots) {
            match self.write_slot(id, rows, &sources).await {
                Ok(Some(bytes)) => {
                    self.tally.note(|step| {
                        step.slots_written += 1;
                        step.slots_bytes += bytes;
                    });
                    updated.slots_written += 1;
                    updated.slots_bytes += bytes;
                }
                Ok(None) => {}
                Err(error) => {
                    updated.note_failed(&error);
                    let why = format!("{} could not be written", id.key());
                    lost.extend(sources.iter().map(|(source, _)| (source.clone(), why.clone())));
                }
            }
        }
        for ledger in pending.ledgers.values_mut() {
            ledger.entries.retain(|source, _| !lost.contains_key(source));
        }
        updated.waiting.extend(lost.into_iter().map(|(source, why)| (source.key, why)));
        let mut writing = iter(pending.ledgers)
            .map(|(id, ledger)| async move {
                let written = self.write_ledger(&id, &ledger).await;
                (id, ledger, written)
            })
            .buffer_unordered(LEDGERS_AT_ONCE);
        while let Some((id, ledger, written)) = writing.next().await {
            match written {
                Ok(objects) => {
                    updated.ledgers.insert(id.day, objects);
                    let sum = |of: fn(&Entry) -> u64| ledger.entries.values().map(of).sum::<u64>();
                    let added = ledger.entries.len() as u64;
                    let (bytes, records) = (sum(|entry| entry.size_bytes), sum(|entry| entry.records));
                    self.tally.note(|step| {
                        step.added += added;
                        step.added_bytes += bytes;
                        step.records += records;
                    });
                    updated.added += added;
                    updated.added_bytes += bytes;
                    updated.records += records;
                }
                Err(error) => {
                    updated.note_failed(&error);
                    let why = format!("{} could not be written", id.key());
                    let waiting = ledger.entries.into_keys().map(|source| (source.key, why.clone()));
                    updated.waiting.extend(waiting);
                    if updated.waiting.is_empty() {
                        // What is known of places is not in: the next update must look there again.
                        updated.waiting.insert(id.key(), why);
                    }
                }
            }
        }
    }

    /// Adds events to a slot; returns how many bytes were written. `None`: they were there already.
    async fn write_slot(&self, id: SlotId, mut rows: Vec<Row>, sources: &Sources) -> Result<Option<u64>, LakeError> {
        let key = id.key();
        rows.sort_unstable_by(Row::order);
        let rows = Arc::new(rows);
        for attempt in 0..TRIES {
            let stored = self.read(&key).await?;
            let damaged = |why: String| LakeError::Damaged { place: self.store.name(), key: key.clone(), why };
            let used = stored.as_ref().filter(|_| !self.repair.is_broken(&key));
            let bytes = used.map(|stored| stored.bytes.clone());
            let (lake, own, new) = (self.lake.clone(), Arc::clone(&rows), sources.clone());
            let work = move || {
                let old = bytes.map(Slot::of).transpose()?;
                merge(&lake, old.as_ref(), &own, &new)
            };
            let merged = spawn_blocking(work).await.map_err(|error| damaged(error.to_string()))?;
            match merged.map_err(|error| damaged(error.to_string()))? {
                Merged::Unchanged(_) => return Ok(None),
                Merged::Changed(bytes, _) => {
                    let size = bytes.len() as u64;
                    if self.put(&key, bytes, stored.as_ref(), attempt).await? {
                        self.repair.wrote(&key);
                        return Ok(Some(size));
                    }
                }
            }
        }
        Err(self.contended(key))
    }

    /// Reads a ledger with what it was stored as; an empty one where there is none.
    pub(super) async fn read_ledger(&self, id: &LedgerId) -> Result<(Ledger, Option<Stored>), LakeError> {
        let key = id.key();
        let Some(stored) = self.read(&key).await? else {
            return Ok((Ledger { lake: self.lake.clone(), ..Ledger::default() }, None));
        };
        let read = Ledger::of_bytes(&stored.bytes);
        if read.is_err() && self.repair.renews_ledgers && !is_of_other_format(&stored.bytes) {
            // Its objects are taken again, as it has none of them.
            return Ok((Ledger { lake: self.lake.clone(), ..Ledger::default() }, Some(stored)));
        }
        let ledger = read.and_then(|ledger| must_be_of(&self.lake, &ledger.lake).map(|()| ledger));
        let ledger = ledger.map_err(|why| LakeError::Damaged { place: self.store.name(), key, why })?;
        Ok((ledger, Some(stored)))
    }

    /// Adds to a ledger; returns how many log objects it has.
    async fn write_ledger(&self, id: &LedgerId, new: &Ledger) -> Result<u64, LakeError> {
        for attempt in 0..TRIES {
            let (mut ledger, stored) = self.read_ledger(id).await?;
            let is_changed = ledger.extend(new);
            let objects = ledger.entries.len() as u64;
            if !is_changed {
                return Ok(objects);
            }
            let damaged = |why| LakeError::Damaged { place: self.store.name(), key: id.key(), why };
            if self.put(&id.key(), ledger.to_bytes().map_err(damaged)?, stored.as_ref(), attempt).await? {
                return Ok(objects);
            }
        }
        Err(self.contended(id.key()))
    }

    /// Says what was listed, unless another writer said something newer, or a time in between was not listed.
    pub(super) async fn note_progress(&self, listed: Progress) -> Result<(), LakeError> {
        let key = progress_key(self.number);
        for attempt in 0..TRIES {
            let stored = self.read(&key).await?;
            let found = stored.as_ref().and_then(|stored| serde_json::from_slice::<Progress>(&stored.bytes).ok());
            let found = found.filter(|found| !found.is_of_future(listed.listed_at));
            if found.as_ref().is_some_and(|found| found.listed_at > listed.listed_at) {
                return Ok(());
            }
            let Some(progress) = listed.clone().after(found.as_ref()) else { return Ok(()) };
            let text = serde_json::to_string_pretty(&progress).unwrap_or_default() + "\n";
            if self.put(&key, text.into(), stored.as_ref(), attempt).await? {
                return Ok(());
            }
        }
        Err(self.contended(key))
    }

    async fn read(&self, key: &str) -> Result<Option<Stored>, LakeError> {
        self.store.get(key).await.map_err(|fault| LakeError::fault(self.store.as_ref(), key, fault))
    }

    /// Writes a file over what was read; tells whether no other writer was quicker.
    async fn put(&self, key: &str, bytes: Bytes, seen: Option<&Stored>, attempt: u32) -> Result<bool, LakeError> {
        let written = self.store.put(key, bytes, &Condition::unchanged(seen)).await;
        match written.map_err(|fault| LakeError::fault(self.store.as_ref(), key, fault))? {
            Written::Done => Ok(true),
            Written::Lost => {
                // Writers of other shares do not meet; of the same share each has another pause.
                sleep(PAUSE * (attempt + 1) * (1 + std::process::id() % 3)).await;
                Ok(false)
            }
        }
    }

    fn contended(&self, key: String) -> LakeError {
        LakeError::Contended { place: self.store.name(), key, times: TRIES }
    }
}
