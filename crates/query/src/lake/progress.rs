//! What each share of the accounts has listed, and what of that is not in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::window::day_of;
use serde::{Deserialize, Serialize};

use super::folders::Folders;
use super::identity::{LakeError, LakeIdentity};
use super::layout::{LedgerId, progress_key};
use super::store::LakeStore;

/// How far the clocks of writers may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_hours(1);

/// What a share of the accounts has listed, and what of that is not in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which lake it belongs to: [`LakeIdentity::mark`](super::identity::LakeIdentity::mark).
    pub lake: String,
    /// The places of logs that were listed: of another one everything is still to be listed.
    #[serde(default)]
    pub places: Vec<String>,
    /// How many log objects the ledger of each day has at least: one that is gone, or an older version, has fewer.
    #[serde(default)]
    pub ledgers: BTreeMap<Date, u64>,
    /// The folders of logs that were listed from [`from`](Self::from) on: of another one everything is still to be
    /// listed, as of an account whose logs were copied later.
    #[serde(default)]
    pub folders: Folders,
    /// When the listing of the last update began. Log objects that were there then are in, unless they are named here.
    pub listed_at: Timestamp,
    /// The day from which on log objects are in, by the day on which they were made. `None`: all there are.
    pub from: Option<Date>,
    /// Objects that could not be read or put in, and prefixes that could not be listed, each with why: the first of
    /// them.
    pub missing: Vec<(String, String)>,
    /// How many there are.
    pub missing_count: u64,
    /// Keys among the logs that are none of CloudTrail's, and were not read: the first of them.
    pub beside: Vec<String>,
    /// How many there are.
    pub beside_count: u64,
}

impl Progress {
    /// Tells whether it was written by a clock that runs ahead: what was made since could not be told from what is in.
    pub fn is_of_future(&self, now: Timestamp) -> bool {
        self.listed_at > now.checked_add(CLOCKS).unwrap_or(Timestamp::MAX)
    }

    /// Returns the ledgers of a share that have fewer log objects than they had, each with why. `objects` has those of
    /// each ledger that was read; `is_asked` tells which days are looked at.
    pub fn lacking(
        &self,
        number: u16,
        objects: &BTreeMap<LedgerId, u64>,
        is_asked: impl Fn(Date) -> bool,
    ) -> Vec<(String, String)> {
        let lacks = |(day, least): (&Date, &u64)| {
            let id = LedgerId { day: *day, number };
            let has = objects.get(&id).copied().unwrap_or_default();
            let why = || match has {
                0 => format!("it is not there, and {least} log objects were in it"),
                _ => format!("it has {has} log objects, and had {least} at least"),
            };
            (is_asked(*day) && has < *least).then(|| (id.key(), why()))
        };
        self.ledgers.iter().filter_map(lacks).collect()
    }

    /// Tells whether all of some places were listed.
    pub fn has_places(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.places.contains(name))
    }

    /// Returns what is known with what an earlier update knew. `None`: a time between both was not listed.
    #[must_use]
    pub fn after(mut self, earlier: Option<&Self>) -> Option<Self> {
        let Some(earlier) = earlier else { return Some(self) };
        // A ledger never loses what it has.
        for (day, objects) in &earlier.ledgers {
            let own = self.ledgers.entry(*day).or_default();
            *own = (*own).max(*objects);
        }
        self.folders.extend(&earlier.folders);
        let Some(from) = self.from else { return Some(self) };
        let listed = day_of(earlier.listed_at);
        // Of a place that is new, only what was made since is in.
        let is_behind = earlier.from.is_none_or(|earlier| earlier < from);
        if from > listed || !earlier.has_places(&self.places) || (is_behind && earlier.missing_count > 0) {
            return None;
        }
        self.from = earlier.from.map(|earlier| earlier.min(from));
        // What lies before the listed time was not looked at again.
        let names: BTreeSet<String> = earlier.beside.iter().cloned().chain(self.beside).collect();
        self.beside = names.into_iter().collect();
        self.beside_count = self.beside_count.max(earlier.beside_count).max(self.beside.len() as u64);
        Some(self)
    }
}

/// Returns what a share of the accounts has listed. `None`: nothing yet.
///
/// # Errors
/// Where it cannot be read, is of another lake, or of a time that has not come.
pub async fn read_progress(
    store: &dyn LakeStore,
    identity: &LakeIdentity,
    number: u16,
) -> Result<Option<Progress>, LakeError> {
    let read = stored_progress(store, identity, number).await?;
    match &read {
        Some(progress) if progress.is_of_future(Timestamp::now()) => {
            let at = progress.listed_at;
            let why = format!(
                "it says that log files were listed at {at}, which has not come; `orgtrail lake update` lists them all \
                 again"
            );
            Err(LakeError::Damaged { place: store.name(), key: progress_key(number), why })
        }
        _ => Ok(read),
    }
}

/// Returns what a share has listed, also where its time has not come.
pub(super) async fn stored_progress(
    store: &dyn LakeStore,
    identity: &LakeIdentity,
    number: u16,
) -> Result<Option<Progress>, LakeError> {
    let key = progress_key(number);
    let found = store.get(&key).await.map_err(|fault| LakeError::fault(store, &key, fault))?;
    let Some(stored) = found else { return Ok(None) };
    let read = serde_json::from_slice::<Progress>(&stored.bytes).map_err(|error| error.to_string());
    let read = read.and_then(|progress| identity.must_have(&progress.lake).map(|()| Some(progress)));
    read.map_err(|why| LakeError::Damaged { place: store.name(), key, why })
}
