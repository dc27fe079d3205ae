//! The slots and ledgers of one day after the other.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::listing::{Archive, LogFile};
use orgtrail_archive::archive::window::{Window, day_of, start_of};
use orgtrail_core::log_path::LogKey;
use orgtrail_core::words::count;
use tokio::task::spawn_blocking;

use super::super::identity::LakeIdentity;
use super::super::layout::{Grain, LedgerId, SlotId, number_of, progress_key};
use super::super::ledger::Ledger;
use super::super::progress::read_progress;
use super::super::slot::{Row, Slot, SlotError, Source, Sources, is_as_made};
use super::super::store::LakeStore;
use super::super::update::{object, source_of};
use super::compare::{BYTES_A_RECORD, Expected};
use super::{Check, DifferenceKind, LakeCheck};

/// Objects that are fetched and read ahead.
const OBJECTS_AHEAD: usize = 16;
/// How long after the time in its name a log file is there, as a rule: CloudTrail delivers within minutes.
const DELIVERY: SignedDuration = SignedDuration::from_hours(1);
/// Days of listings, and slots whose objects are remembered.
const DAYS_KEPT: usize = 4;
const SLOTS_KEPT: usize = 16;

/// What the archive has of the objects that were made on a day.
type Day = Arc<HashMap<String, LogFile>>;

/// Checks one day after the other.
pub(super) struct Checker<'a> {
    check: &'a Check,
    store: Arc<dyn LakeStore>,
    identity: LakeIdentity,
    listed: BTreeMap<Date, Day>,
    /// Prefixes and places that could not be listed.
    refused: BTreeMap<String, String>,
    /// The objects of slots that were read.
    sources: BTreeMap<SlotId, Arc<HashSet<Source>>>,
    /// The keys of the objects that the ledgers of the day name.
    in_ledgers: HashSet<String>,
    /// The log objects that were read so far, by the hashes of their keys: one may be in the slots of several times.
    read: HashSet<u64>,
    keys: RandomState,
    /// When each share was updated; one that never was as a whole is not there.
    updated_at: BTreeMap<u16, Timestamp>,
    pub(super) checked: LakeCheck,
}

impl<'a> Checker<'a> {
    /// Begins; what was updated when says the lake.
    pub(super) async fn new(check: &'a Check, store: &Arc<dyn LakeStore>, identity: &LakeIdentity) -> Self {
        let (listed, refused, sources) = Default::default();
        let (mut checked, mut updated_at) = (LakeCheck::default(), BTreeMap::new());
        for number in 0..identity.slots {
            match read_progress(store.as_ref(), identity, number).await {
                Ok(Some(progress)) => drop(updated_at.insert(number, progress.listed_at)),
                Ok(None) => {}
                Err(error) => checked.unchecked(progress_key(number), error.to_string()),
            }
        }
        let (store, identity, in_ledgers) = (Arc::clone(store), identity.clone(), HashSet::new());
        let (read, keys) = (HashSet::new(), RandomState::new());
        Self { check, store, identity, listed, refused, sources, in_ledgers, read, keys, updated_at, checked }
    }

    /// Checks a slot.
    pub(super) async fn slot(&mut self, id: SlotId) {
        let Some((slot, sources)) = self.read_slot(id).await else { return };
        self.checked.slots += 1;
        self.sources.insert(id, Arc::new(sources.iter().map(|(source, _)| source.clone()).collect()));
        let files = self.files(id, &sources).await;
        let parts = slot.footer.read.max(1).saturating_mul(BYTES_A_RECORD).div_ceil(self.check.memory_bytes.max(1));
        for part in 0..parts {
            let mut expected = Expected::new(&sources, (part, parts), self.check.accounts.clone());
            self.add_objects(id, &files, &mut expected, part == 0).await;
            let own = slot.clone();
            let compare = move || {
                let compared = expected.compare(&own)?;
                // What the rows are read by need not be all of the file.
                let is_as_made = if part == 0 { is_as_made(&own)? } else { None };
                Ok((compared, is_as_made))
            };
            let compared: Result<_, SlotError> = match spawn_blocking(compare).await {
                Ok(compared) => compared,
                Err(error) => {
                    self.checked.unchecked(id.key(), format!("comparing was stopped: {error}"));
                    return;
                }
            };
            match compared {
                Ok((compared, is_as_made)) => {
                    if is_as_made == Some(false) {
                        let what = "its bytes are not those that its rows give".to_owned();
                        self.checked.differs(id.key(), DifferenceKind::Columns, what);
                    }
                    if part == 0 {
                        self.checked.rows += compared.rows;
                    }
                    if compared.unchecked_rows > 0 {
                        let why = format!("{} rows of log objects that were not read", compared.unchecked_rows);
                        self.checked.unchecked(id.key(), why);
                    }
                    for (kind, what) in compared.found {
                        self.checked.differs(id.key(), kind, what);
                    }
                }
                Err(error) => {
                    self.checked.differs(id.key(), DifferenceKind::Damaged, error.to_string());
                    return;
                }
            }
        }
    }

    /// Reads a slot and its list; says what is wrong with it.
    async fn read_slot(&mut self, id: SlotId) -> Option<(Slot, Sources)> {
        let key = id.key();
        let stored = match self.store.get(&key).await {
            Ok(stored) => stored?,
            Err(fault) => {
                self.checked.unchecked(key, fault.to_string());
                return None;
            }
        };
        let read = Slot::of(stored.bytes).and_then(|slot| {
            self.identity.must_have(&slot.footer.lake).map_err(SlotError::Damaged)?;
            slot.must_be_of(&id, self.identity.slots)?;
            slot.sources().map(|sources| (slot, sources))
        });
        match read {
            Ok(read) => Some(read),
            Err(error @ SlotError::Newer(_)) => {
                self.checked.unchecked(key, error.to_string());
                None
            }
            Err(error) => {
                self.checked.differs(key, DifferenceKind::Damaged, error.to_string());
                None
            }
        }
    }

    /// Returns the objects of a list that the archive has as they were, by their number; says what is wrong with the
    /// others.
    async fn files(&mut self, id: SlotId, sources: &Sources) -> Vec<(usize, LogFile)> {
        let (mut files, slot) = (Vec::new(), id.key());
        for (number, (source, _)) in sources.iter().enumerate() {
            let Some(log) = LogKey::parse(&source.key) else {
                let what = format!("{} is no key of a log file", source.key);
                self.checked.differs(slot.clone(), DifferenceKind::Damaged, what);
                continue;
            };
            if self.check.accounts.as_ref().is_some_and(|all| !all.contains(log.scope.account.as_str())) {
                continue;
            }
            match self.find(&source.key, log.slot).await {
                Some(file) if source_of(&file) == *source => files.push((number, file)),
                Some(file) if self.was_mended(id.number, source, &file).await => {}
                Some(_) => self.checked.differs(slot.clone(), DifferenceKind::SourceChanged, source.key.clone()),
                None => match self.why_unknown(&source.key) {
                    Some(why) => self.checked.unchecked(source.key.clone(), why),
                    None => self.checked.differs(slot.clone(), DifferenceKind::SourceGone, source.key.clone()),
                },
            }
        }
        files
    }

    /// Tells whether an object was damaged when it was put in, and the archive has a whole one in its place that is in
    /// too. Any other content is a difference: AWS writes no log file again.
    async fn was_mended(&self, number: u16, source: &Source, file: &LogFile) -> bool {
        let id = LedgerId::of(file.made, number);
        let stored = self.store.get(&id.key()).await.ok().flatten();
        stored
            .and_then(|stored| Ledger::of_bytes(&stored.bytes).ok())
            .is_some_and(|ledger| is_mended(&ledger, source, file))
    }

    /// Adds the records of objects that belong into a slot.
    async fn add_objects(&mut self, id: SlotId, files: &[(usize, LogFile)], expected: &mut Expected, is_first: bool) {
        let archive = Arc::clone(&self.check.archive);
        let mut objects = iter(files.to_vec())
            .map(move |(number, file)| {
                let archive = Arc::clone(&archive);
                async move { (number, rows_of(&archive, &file).await, file.key) }
            })
            .buffered(OBJECTS_AHEAD);
        while let Some((number, rows, key)) = objects.next().await {
            match rows {
                Ok(rows) => {
                    self.checked.objects += u64::from(is_first && self.read.insert(self.keys.hash_one(&key)));
                    expected.add(number, rows.iter().filter(|row| slot_of(row, self.identity.grain, id.number) == id));
                }
                Err(why) if is_first => self.checked.unchecked(key, why),
                Err(_) => {}
            }
        }
    }

    /// Checks a ledger.
    pub(super) async fn ledger(&mut self, id: LedgerId) {
        let key = id.key();
        let ledger = match self.store.get(&key).await {
            Ok(None) => return,
            Ok(Some(stored)) => Ledger::of_bytes(&stored.bytes)
                .and_then(|ledger| self.identity.must_have(&ledger.lake).map(|()| ledger)),
            Err(fault) => {
                self.checked.unchecked(key, fault.to_string());
                return;
            }
        };
        let ledger = match ledger {
            Ok(ledger) => ledger,
            Err(why) => {
                self.checked.differs(key, DifferenceKind::Damaged, why);
                return;
            }
        };
        self.checked.ledgers += 1;
        let near: Vec<Arc<HashSet<Source>>> =
            self.sources.iter().filter(|(slot, _)| slot.number == id.number).map(|(_, own)| Arc::clone(own)).collect();
        for (source, entry) in &ledger.entries {
            let is_asked = self.is_asked(&source.key);
            if entry.unread > 0 && is_asked && self.has_whole_one(&ledger, source).await {
                continue;
            }
            if entry.unread > 0 && is_asked {
                let parts = count(usize::try_from(entry.unread).unwrap_or(usize::MAX), "part");
                self.checked.unchecked(source.key.clone(), format!("{parts} of it could not be read: {}", entry.why));
            }
            if entry.records > 0 && is_asked && !near.iter().any(|own| own.contains(source)) {
                self.far(&key, id.number, source).await;
            }
        }
        self.in_ledgers.extend(ledger.entries.into_keys().map(|source| source.key));
    }

    /// Tells whether the archive has a whole object now in the place of a damaged one, and a ledger has it too.
    async fn has_whole_one(&mut self, ledger: &Ledger, source: &Source) -> bool {
        let Some(log) = LogKey::parse(&source.key) else { return false };
        self.find(&source.key, log.slot).await.is_some_and(|file| is_mended(ledger, source, &file))
    }

    /// Counts the objects of a day that should be in and are not, and forgets what a later day does not need.
    pub(super) async fn end_day(&mut self, day: Date) {
        let listed = self.day(day).await;
        let known = std::mem::take(&mut self.in_ledgers);
        let should_be_in = |file: &&LogFile| {
            let at = self.updated_at.get(&number_of(&file.chain.account, self.identity.slots)).copied();
            // What came behind the last update is the next one's.
            let was_there = at.is_none_or(|at| file.made.checked_add(DELIVERY).is_ok_and(|due| due <= at));
            was_there && self.is_asked(&file.key) && !known.contains(&file.key)
        };
        let waiting = listed.values().filter(should_be_in).count();
        self.checked.waiting += waiting as u64;
        let needed = |other: Date| day.duration_since(other) <= SignedDuration::from_hours(24);
        self.sources.retain(|id, _| needed(id.day));
        while self.listed.len() > DAYS_KEPT {
            self.listed.pop_first();
        }
    }

    /// Checks an object that is in no slot of its day: its events are of another one.
    async fn far(&mut self, ledger: &str, number: u16, source: &Source) {
        let Some(log) = LogKey::parse(&source.key) else { return };
        let Some(file) = self.find(&source.key, log.slot).await.filter(|file| source_of(file) == *source) else {
            let why = "it is not in the archive as it was, so that it is not known which slots it belongs into";
            self.checked.unchecked(source.key.clone(), why.to_owned());
            return;
        };
        let rows = match rows_of(&self.check.archive, &file).await {
            Ok(rows) => rows,
            Err(why) => {
                self.checked.unchecked(source.key.clone(), why);
                return;
            }
        };
        let slots: BTreeSet<SlotId> = rows.iter().map(|row| slot_of(row, self.identity.grain, number)).collect();
        for id in slots {
            match self.sources_of(id).await {
                Ok(Some(sources)) if sources.contains(source) => {}
                Ok(_) => {
                    let what = format!("{} is not in {id}", source.key);
                    self.checked.differs(ledger.to_owned(), DifferenceKind::NotInSlot, what);
                }
                Err(why) => self.checked.unchecked(id.key(), why),
            }
        }
    }

    /// Returns the objects of a slot. `None`: it is not there.
    async fn sources_of(&mut self, id: SlotId) -> Result<Option<Arc<HashSet<Source>>>, String> {
        if let Some(known) = self.sources.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(stored) = self.store.get(&id.key()).await.map_err(|fault| fault.to_string())? else { return Ok(None) };
        let sources = Slot::of(stored.bytes).and_then(|slot| slot.sources()).map_err(|error| error.to_string())?;
        let sources: Arc<HashSet<Source>> = Arc::new(sources.iter().map(|(source, _)| source.clone()).collect());
        if self.sources.len() > SLOTS_KEPT {
            self.sources.pop_first();
        }
        self.sources.insert(id, Arc::clone(&sources));
        Ok(Some(sources))
    }

    /// Tells whether an object is of an account that is asked about.
    fn is_asked(&self, key: &str) -> bool {
        let Some(accounts) = &self.check.accounts else { return true };
        LogKey::parse(key).is_some_and(|log| accounts.contains(log.scope.account.as_str()))
    }

    /// Returns an object as the archive has it now. `None`: it is not listed.
    async fn find(&mut self, key: &str, made: Timestamp) -> Option<LogFile> {
        let day = day_of(made);
        self.day(day).await.get(key).cloned()
    }

    /// Lists the objects that were made on a day.
    async fn day(&mut self, day: Date) -> Day {
        if let Some(known) = self.listed.get(&day) {
            return Arc::clone(known);
        }
        let begin = start_of(day);
        let end = begin.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        let window = Window { from: Some(begin), to: Some(end), ..Window::default() };
        let listing = self.check.archive.list(&window).await;
        for (prefix, why) in listing.refused {
            if !self.refused.contains_key(&prefix) {
                self.checked.unchecked(prefix.clone(), why.clone());
                self.refused.insert(prefix, why);
            }
        }
        let own = listing.files.into_iter().filter(|file| (begin..end).contains(&file.made));
        let files: Day = Arc::new(own.map(|file| (file.key.clone(), file)).collect());
        self.listed.insert(day, Arc::clone(&files));
        files
    }

    /// Says why an object that is not listed may be there all the same. `None`: it is not there.
    fn why_unknown(&self, key: &str) -> Option<String> {
        // What does not end as a prefix does is a whole place.
        let hides = |prefix: &String| !prefix.ends_with('/') || key.starts_with(prefix.as_str());
        self.refused.iter().find(|(prefix, _)| hides(prefix)).map(|(_, why)| why.clone())
    }
}

/// Tells whether a ledger has a whole object of the archive in the place of one that was damaged.
fn is_mended(ledger: &Ledger, source: &Source, file: &LogFile) -> bool {
    let own = source_of(file);
    let unread = |source| ledger.entries.get(source).map(|entry| entry.unread);
    own != *source && unread(source).is_some_and(|parts| parts > 0) && unread(&own) == Some(0)
}

/// Reads the records of an object.
async fn rows_of(archive: &Archive, file: &LogFile) -> Result<Vec<Row>, String> {
    let store = archive.store(file).ok_or("its place is not known")?;
    let body = store.read_log(&file.key).await.map_err(|fault| fault.to_string())?;
    let own = file.clone();
    let read = spawn_blocking(move || object::read(&own, &body).rows).await;
    read.map_err(|error| format!("reading was stopped: {error}"))
}

/// Returns the slot of a row.
fn slot_of(row: &Row, grain: Grain, number: u16) -> SlotId {
    let time = row.time.and_then(|time| Timestamp::from_microsecond(time).ok());
    SlotId::of(grain, time, number)
}
