//! What is in a lake, from the heads of its files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::Timestamp;
use jiff::civil::Date;
use orgtrail_archive::archive::Listed;
use parquet::file::metadata::PageIndexPolicy;

use super::identity::{LAKE_FILE, LakeError, LakeIdentity};
use super::layout::{LedgerId, SlotId, progress_key, untimed};
use super::ledger::{LedgerHead, add_lacking, lacking};
use super::progress::{Progress, read_progress};
use super::reading::open_slot;
use super::seal::Seal;
use super::slot::Footer;
use super::store::{LakeStore, Opened};

/// Files whose heads are read at a time.
const FILES_AT_ONCE: usize = 32;
/// Files that are named, of each sort.
const NAMED_MAX: usize = 100;

/// What is in a lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeStatus {
    /// What the lake is.
    pub identity: LakeIdentity,
    /// The days of events, in order.
    pub days: BTreeMap<Date, StatusDay>,
    /// Events without a time that can be read. `None`: there is none.
    pub untimed: Option<StatusDay>,
    /// The days of delivery that are sealed: whole, attested, and as they were when that was proved.
    pub sealed: BTreeSet<Date>,
    /// The days that have a seal and are not sealed: not all was attested, or log files came later.
    pub unsealed: BTreeSet<Date>,
    /// The shares of the accounts, in order.
    pub shares: Vec<StatusShare>,
    /// Log objects of which a part could not be read, each with why: the first of them.
    pub damaged: Vec<(String, String)>,
    /// How many such parts there are.
    pub damaged_count: u64,
    /// Slots, ledgers and points of progress that cannot be read, each with why.
    pub unreadable: Vec<(String, String)>,
    /// The keys of slots that have less than the ledgers say: they were deleted, or are older versions.
    pub lacking: BTreeSet<String>,
    /// Files that are none of a lake's: the first of them.
    pub foreign: Vec<String>,
    /// How many there are.
    pub foreign_count: u64,
    /// The records of each slot that was read, by its key.
    read_of: BTreeMap<String, u64>,
}

/// What is in a lake of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusDay {
    /// Slots of events of the day.
    pub slots: u64,
    /// Their size, in bytes.
    pub size_bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Records that were delivered again, and are there once.
    pub duplicates: u64,
    /// Log objects that were made on the day and are in.
    pub objects: u64,
    /// Their size as stored, in bytes.
    pub objects_bytes: u64,
    /// Records in them.
    pub records: u64,
}

impl StatusDay {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.slots += other.slots;
        self.size_bytes += other.size_bytes;
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.objects += other.objects;
        self.objects_bytes += other.objects_bytes;
        self.records += other.records;
    }
}

/// What is known of a share of the accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusShare {
    /// Its number.
    pub number: u16,
    /// What it has listed. `None`: no update was whole so far, or it cannot be read.
    pub progress: Option<Progress>,
}

impl LakeStatus {
    /// Reads the status of a lake.
    ///
    /// # Errors
    /// Where there is no lake, or it cannot be listed.
    pub async fn read(store: &Arc<dyn LakeStore>) -> Result<Self, LakeError> {
        let identity = LakeIdentity::read(store.as_ref()).await?;
        let mut status = Self {
            identity,
            days: BTreeMap::new(),
            untimed: None,
            sealed: BTreeSet::new(),
            unsealed: BTreeSet::new(),
            shares: Vec::new(),
            damaged: Vec::new(),
            damaged_count: 0,
            unreadable: Vec::new(),
            lacking: BTreeSet::new(),
            foreign: Vec::new(),
            foreign_count: 0,
            read_of: BTreeMap::new(),
        };
        let (files, seals) = status.list(store.as_ref()).await?;
        let ledgers = status.read_files(store, files).await;
        status.read_seals(store.as_ref(), seals, &ledgers).await;
        status.hold_slots(&ledgers);
        for number in 0..status.identity.slots {
            let progress = read_progress(store.as_ref(), &status.identity, number).await.unwrap_or_else(|error| {
                status.unreadable.push((progress_key(number), error.to_string()));
                None
            });
            status.shares.push(StatusShare { number, progress });
        }
        status.hold_ledgers(&ledgers);
        Ok(status)
    }

    /// Returns how many log objects and prefixes are not in. A prefix that could not be listed is missing in every
    /// share of the accounts, and counts once.
    pub fn missing_count(&self) -> u64 {
        let all = || self.shares.iter().filter_map(|share| share.progress.as_ref());
        let named: BTreeSet<&str> = all().flat_map(|own| &own.missing).map(|(name, _)| name.as_str()).collect();
        let further: u64 = all().map(|own| own.missing_count.saturating_sub(own.missing.len() as u64)).sum();
        named.len() as u64 + further
    }

    /// Tells whether nothing is missing, damaged or foreign.
    pub fn is_whole(&self) -> bool {
        let is_missing =
            |share: &StatusShare| share.progress.as_ref().is_none_or(|own| own.missing_count + own.beside_count > 0);
        !self.shares.iter().any(is_missing)
            && self.damaged_count == 0
            && self.unreadable.is_empty()
            && self.foreign_count == 0
    }

    /// Returns when the share was updated last that was not for the longest time. `None`: one never was.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.shares.iter().map(|share| share.progress.as_ref().map(|own| own.listed_at)).min().flatten()
    }

    /// Returns the keys of the slots that could be read.
    pub(super) fn readable_slots(&self) -> impl Iterator<Item = &str> {
        self.read_of.keys().map(String::as_str)
    }

    /// Returns all days together.
    pub fn total(&self) -> StatusDay {
        let mut total = self.untimed.unwrap_or_default();
        self.days.values().for_each(|day| total.add(day));
        total
    }

    async fn list(&mut self, store: &dyn LakeStore) -> Result<(Vec<(LakeFile, Listed)>, Vec<Date>), LakeError> {
        let slots = self.identity.slots;
        let (mut files, mut seals) = (Vec::new(), Vec::new());
        let mut listed = store.list("");
        while let Some(one) = listed.next().await {
            let one = one.map_err(|fault| LakeError::fault(store, "", fault))?;
            let slot = SlotId::parse(&one.key).filter(|id| id.number < slots);
            let ledger = LedgerId::parse(&one.key).filter(|id| id.number < slots);
            if let Some(id) = slot {
                self.day(id.day).slots += 1;
                self.day(id.day).size_bytes += one.size_bytes;
                files.push((LakeFile::Slot(id), one));
            } else if let Some(id) = ledger {
                files.push((LakeFile::Ledger(id), one));
            } else if let Some(day) = Seal::day_of(&one.key) {
                seals.push(day);
            } else if one.key != LAKE_FILE && !(0..slots).any(|number| progress_key(number) == one.key) {
                self.foreign_count += 1;
                if self.foreign.len() < NAMED_MAX {
                    self.foreign.push(one.key);
                }
            }
        }
        Ok((files, seals))
    }

    fn day(&mut self, day: Date) -> &mut StatusDay {
        match day == untimed() {
            true => self.untimed.get_or_insert_default(),
            false => self.days.entry(day).or_default(),
        }
    }

    async fn read_files(&mut self, store: &Arc<dyn LakeStore>, files: Vec<(LakeFile, Listed)>) -> Ledgers {
        let mut ledgers = Ledgers::new();
        let identity = self.identity.clone();
        let mut heads = iter(files)
            .map(|(file, listed)| {
                let (opened, identity) = (store.opened(&listed), identity.clone());
                async move { (head(&opened, &file, &identity).await, file, listed.key) }
            })
            .buffered(FILES_AT_ONCE);
        while let Some((head, file, key)) = heads.next().await {
            match (head, file) {
                (Ok(Head::Slot(footer)), LakeFile::Slot(id)) => {
                    let own = self.day(id.day);
                    own.events += footer.kept;
                    own.duplicates += footer.duplicates;
                    self.read_of.insert(key, footer.read);
                }
                (Ok(Head::Ledger(head)), LakeFile::Ledger(id)) => {
                    ledgers.entry(id.day).or_default().push((id, head.clone()));
                    let own = self.day(id.day);
                    own.objects += head.objects;
                    own.objects_bytes += head.size_bytes;
                    own.records += head.records;
                    self.damaged_count += head.unread_count;
                    let left = NAMED_MAX.saturating_sub(self.damaged.len());
                    self.damaged.extend(head.unread.into_iter().take(left));
                }
                (Err(why), _) => self.unreadable.push((key, why)),
                // Each file has the head of its kind.
                _ => {}
            }
        }
        drop(heads);
        ledgers
    }

    /// Notes the ledgers that have less than they had.
    fn hold_ledgers(&mut self, ledgers: &Ledgers) {
        let objects = ledgers.values().flatten().map(|(id, head)| (*id, head.objects)).collect();
        for share in &self.shares {
            let lacking = share.progress.as_ref().map(|own| own.lacking(share.number, &objects, |_| true));
            add_lacking(&mut self.unreadable, lacking.unwrap_or_default());
        }
    }

    /// Notes the slots that should have more than they have, by the ledgers.
    fn hold_slots(&mut self, ledgers: &Ledgers) {
        let mut lacking = lacking(ledgers.values().flatten().map(|(_, head)| head), &self.read_of);
        lacking.retain(|(key, _)| !self.unreadable.iter().any(|(own, _)| own == key));
        self.lacking.extend(lacking.iter().map(|(key, _)| key.clone()));
        self.unreadable.extend(lacking);
    }

    async fn read_seals(&mut self, store: &dyn LakeStore, days: Vec<Date>, ledgers: &Ledgers) {
        for day in days {
            let seal = match Seal::read(store, day).await {
                Ok(Some(seal)) => seal,
                Ok(None) => continue,
                Err(error) => {
                    self.unreadable.push((Seal::key(day), error.to_string()));
                    continue;
                }
            };
            let own = ledgers.get(&day).map(Vec::as_slice).unwrap_or_default();
            let is_sealed = seal.is_whole()
                && !own.is_empty()
                && own.len() == seal.ledgers.len()
                && own.iter().all(|(id, head)| seal.holds(id, head));
            if is_sealed {
                self.sealed.insert(day)
            } else {
                self.unsealed.insert(day)
            };
        }
    }
}

/// A file of a lake that has a head.
#[derive(Debug, Clone, Copy)]
enum LakeFile {
    Slot(SlotId),
    Ledger(LedgerId),
}

/// The ledgers by their days.
type Ledgers = BTreeMap<Date, Vec<(LedgerId, LedgerHead)>>;

enum Head {
    Slot(Footer),
    Ledger(LedgerHead),
}

async fn head(opened: &Arc<dyn Opened>, file: &LakeFile, lake: &LakeIdentity) -> Result<Head, String> {
    match file {
        LakeFile::Slot(id) => {
            let (_, footer) = open_slot(opened, id, lake, PageIndexPolicy::Skip).await?;
            Ok(Head::Slot(footer))
        }
        LakeFile::Ledger(_) => {
            let head = LedgerHead::open(opened.as_ref()).await?;
            lake.must_have(&head.lake).map(|()| Head::Ledger(head))
        }
    }
}
