//! Log objects into slots.
//!
//! Each share of the accounts is worked on by itself: its new objects are read in the order in which they were made,
//! their events are collected by slot, and when enough are collected each slot is written anew with them. Then the
//! ledgers say that the objects are in. Whatever ends this in between, the next update does again what the ledgers do
//! not say; slots that have an object's events already stay as they are.

pub(in crate::lake) mod object;
mod repair;
mod share;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{StreamExt, iter};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::listing::{Archive, Before, Listing, LogFile};
use orgtrail_archive::archive::window::{BEGINNING, Window, day_of, start_of};

use super::folders::Folders;
use super::identity::{LakeError, LakeIdentity};
use super::layout::number_of;
use super::progress::{Progress, stored_progress};
use super::slot::Source;
use super::store::LakeStore;

use repair::Repair;
use share::{Share, ShareListing};

/// One of several writers, each of which has its own shares of the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u16,
    /// How many there are.
    pub of: u16,
}

impl Shard {
    /// Tells whether a share of the accounts is its.
    pub fn has(self, number: u16) -> bool {
        number % self.of.max(1) == self.number.saturating_sub(1)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("{text:?} is no shard; write 1/4 for the first of four")),
        }
    }
}

/// What is to be put into a lake.
#[derive(Debug, Clone)]
pub struct Update {
    /// The archive.
    pub archive: Arc<Archive>,
    /// The accounts and regions, and when the log objects were made. Without a beginning: from a little before the last
    /// update on, of a new lake everything.
    pub window: Window,
    /// How far before the last update objects are looked for again: objects may come behind others that were made
    /// later.
    pub overlap: SignedDuration,
    /// Which shares. `None`: all.
    pub shard: Option<Shard>,
    /// How many shares are worked on at a time.
    pub threads: usize,
    /// How many bytes all shares together use for records and for the slots that are being made of them, about.
    pub memory_bytes: usize,
    /// Log objects are taken again that a slot lacks although the ledgers say that it has them: it was deleted, or an
    /// older version was brought back.
    pub repairs: bool,
}

/// What an update did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updated {
    /// Log objects that were listed.
    pub listed: u64,
    /// Those that were not in before, and are now.
    pub added: u64,
    /// Their size as stored, in bytes.
    pub added_bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Slots that were written.
    pub slots_written: u64,
    /// Bytes of slots that were written.
    pub slots_bytes: u64,
    /// What could not be listed or read: a key or a prefix, and why. It is not in, and the next update tries it again.
    pub missing: Vec<(String, String)>,
    /// Parts of objects that could not be read; the rest of these objects is in.
    pub damaged: Vec<(String, String)>,
    /// Keys among the logs that are none of CloudTrail's, and were not read: the first of them.
    pub beside: Vec<String>,
    /// How many there are.
    pub beside_count: u64,
    /// Slots and ledgers that could not be read or written, in words: what belongs there is not in.
    pub failed: Vec<String>,
    /// The log objects that are not in because of that, by key, each with why; a ledger that lacks only what is known
    /// of places by its own key.
    pub waiting: BTreeMap<String, String>,
    /// How many log objects the ledgers have of the days that were looked at, of one share.
    pub ledgers: BTreeMap<Date, u64>,
}

impl Updated {
    /// Tells whether all that was listed is in.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty() && self.beside_count == 0 && self.failed.is_empty()
    }

    /// Notes a file of the lake that failed, once: a ledger may be read and written.
    fn note_failed(&mut self, error: &LakeError) {
        let text = error.to_string();
        if !self.failed.contains(&text) {
            self.failed.push(text);
        }
    }

    fn add(&mut self, other: Self) {
        self.listed += other.listed;
        self.added += other.added;
        self.added_bytes += other.added_bytes;
        self.records += other.records;
        self.slots_written += other.slots_written;
        self.slots_bytes += other.slots_bytes;
        self.missing.extend(other.missing);
        self.damaged.extend(other.damaged);
        self.failed.extend(other.failed);
        self.waiting.extend(other.waiting);
    }
}

/// How far an update is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Log objects that were listed.
    pub listed: u64,
    /// Those that were in already, or were read.
    pub looked_at: u64,
    /// Those that are in now and were not before.
    pub added: u64,
    /// Their size as stored, in bytes.
    pub added_bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Slots that were written.
    pub slots_written: u64,
    /// Bytes of slots that were written.
    pub slots_bytes: u64,
}

/// What all shares have done, told with each change.
struct Tally<'a> {
    step: Mutex<Step>,
    told: &'a (dyn Fn(Step) + Sync),
}

impl Tally<'_> {
    fn note(&self, change: impl FnOnce(&mut Step)) {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut step);
        (self.told)(*step);
    }
}

/// How far before the last update log files are looked for again unless it is said otherwise: they may come behind
/// others that were made after them, as CloudTrail tries again and a copy of a bucket takes its time.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(72);

/// Returns the source that a log file is.
pub fn source_of(file: &LogFile) -> Source {
    let tag = match &file.tag {
        Some(tag) => tag.trim_matches('"').to_owned(),
        None => format!("size-{}", file.size_bytes),
    };
    Source { key: file.key.clone(), tag }
}

impl Update {
    /// Puts what is new into a lake. `told` is called with how far it is. A run that is ended in
    /// between leaves what it has written, and the next one goes on from there.
    ///
    /// # Errors
    /// Where what each share has listed cannot be read. What goes wrong with single objects, slots and ledgers is part
    /// of the answer.
    pub async fn run(
        &self,
        store: &Arc<dyn LakeStore>,
        identity: &LakeIdentity,
        now: Timestamp,
        told: &(dyn Fn(Step) + Sync),
    ) -> Result<Updated, LakeError> {
        let numbers: Vec<u16> = (0..identity.slots).filter(|n| self.shard.is_none_or(|shard| shard.has(*n))).collect();
        let since = self.since(store.as_ref(), identity, &numbers, now).await?;
        let window = since.window;
        let names = self.archive.place_names();
        let name = |number: usize| names.get(number).map_or("", String::as_str);
        let is_known = |place, folder: &str| since.is_chosen || since.folders.has(name(place), folder);
        let listing = self.archive.list_since(&window, Some(&Before { is_known: &is_known, begin: since.begin })).await;
        let mut folders = Folders::default();
        // Of a time that was chosen nothing is said of what lies before.
        for (place, folder) in listing.folders.iter().filter(|_| !since.is_chosen) {
            folders.insert(name(*place), folder);
        }
        let mut updated = Updated {
            missing: listing.refused.clone(),
            beside: listing.beside.clone(),
            beside_count: listing.beside_count as u64,
            ..Updated::default()
        };
        let mut found = spread(listing, &names, identity.slots);
        // What belongs to the shares of other writers is theirs to say.
        found.retain(|number, _| numbers.contains(number));
        let mut repair = match self.repairs {
            true => {
                let files = found.values().flat_map(|found| &found.files);
                Repair::find(store, identity, &numbers, &files.map(source_of).collect()).await?
            }
            false => Repair::default(),
        };
        updated.failed.append(&mut repair.failed);
        let listed = found.values().map(|found| found.files.len() as u64).sum();
        let tally = Tally { step: Mutex::new(Step { listed, ..Step::default() }), told };
        told(Step { listed, ..Step::default() });
        // Half of it is for the slots that are being made of them.
        let budget = self.memory_bytes / 2 / self.threads.max(1);
        let mut shares = iter(numbers.iter().copied())
            .map(|number| {
                let found = found.remove(&number).unwrap_or_default();
                let share = Share {
                    archive: Arc::clone(&self.archive),
                    store: Arc::clone(store),
                    lake: identity.mark(),
                    grain: identity.grain,
                    repair: &repair,
                    number,
                    budget_bytes: budget,
                    tally: &tally,
                };
                let listed = Progress {
                    lake: identity.mark(),
                    places: names.clone(),
                    folders: folders.clone(),
                    ledgers: BTreeMap::new(),
                    listed_at: now,
                    from: window.from.map(day_of),
                    missing: updated.missing.clone(),
                    missing_count: 0,
                    beside: updated.beside.clone(),
                    beside_count: updated.beside_count,
                };
                let is_all = self.takes_all();
                async move {
                    let mut done = Box::pin(share.run(found)).await;
                    if is_all {
                        let waiting = done.waiting.iter().map(|(key, why)| (key.clone(), why.clone()));
                        let missing: Vec<(String, String)> =
                            listed.missing.into_iter().chain(done.missing.iter().cloned()).chain(waiting).collect();
                        let progress = Progress {
                            ledgers: std::mem::take(&mut done.ledgers),
                            missing_count: missing.len() as u64,
                            missing: missing.into_iter().take(MISSING_MAX).collect(),
                            ..listed
                        };
                        if let Err(error) = share.note_progress(progress).await {
                            done.failed.push(error.to_string());
                        }
                    }
                    done
                }
            })
            .buffer_unordered(self.threads.max(1));
        let mut total = Updated::default();
        while let Some(done) = shares.next().await {
            total.add(done);
        }
        drop(shares);
        updated.add(total);
        if self.repairs {
            updated.failed.extend(repair::left(store, &numbers, &updated.failed).await?);
        }
        Ok(updated)
    }

    /// Tells whether all accounts and regions are taken, up to the present.
    fn takes_all(&self) -> bool {
        let Window { from: _, to, accounts, regions } = &self.window;
        to.is_none() && accounts.is_none() && regions.is_none()
    }

    /// Returns what to list: the asked-for window, from a little before the last update on.
    async fn since(
        &self,
        store: &dyn LakeStore,
        identity: &LakeIdentity,
        numbers: &[u16],
        now: Timestamp,
    ) -> Result<Since, LakeError> {
        let mut window = self.window.clone();
        let is_chosen = window != Window::default();
        let all = |window: Window| Ok(Since { window, folders: Folders::default(), begin: None, is_chosen });
        if self.repairs || is_chosen {
            // A whole day, as progress is noted by days. Who asks for logs of before CloudTrail asks for all.
            window.from = window.from.map(whole_day).filter(|from| *from > BEGINNING);
            return all(window);
        }
        let names = self.archive.place_names();
        let (mut from, mut begin): (Option<Timestamp>, Option<Option<Timestamp>>) = (None, None);
        let mut folders = Folders::default();
        for number in numbers {
            let Some(progress) = stored_progress(store, identity, *number).await? else { return all(window) };
            // What came since is not known: the next progress is of a whole listing.
            if progress.is_of_future(now) {
                return all(window);
            }
            // Of a place that is new everything is.
            if !progress.has_places(&names) {
                return all(window);
            }
            let own = progress.from.map(start_of);
            let since = match progress.missing_count {
                0 => Some(progress.listed_at.checked_sub(self.overlap).unwrap_or(Timestamp::MIN)),
                // What could not be had must be listed again, wherever it is.
                _ => own,
            };
            let Some(since) = since else { return all(window) };
            from = Some(from.unwrap_or(since).min(since));
            // `None` is the beginning, and less than any time.
            begin = Some(begin.map_or(own, |begin| begin.min(own)));
            folders.extend(&progress.folders);
        }
        window.from = from.map(whole_day);
        Ok(Since { window, folders, begin: begin.flatten(), is_chosen })
    }
}

/// What an update lists.
struct Since {
    /// Of folders that are known.
    window: Window,
    /// The folders that are known.
    folders: Folders,
    /// From when on the others are listed. `None`: from the beginning.
    begin: Option<Timestamp>,
    /// The window was chosen: it is for every folder.
    is_chosen: bool,
}

/// Returns when the day of a moment begins.
fn whole_day(at: Timestamp) -> Timestamp {
    start_of(day_of(at))
}

/// Objects that are named among what is missing.
const MISSING_MAX: usize = 100;

/// Spreads what was listed over the shares.
fn spread(listing: Listing, names: &[String], slots: u16) -> BTreeMap<u16, ShareListing> {
    let mut all: BTreeMap<u16, ShareListing> = BTreeMap::new();
    for place in &listing.places {
        let found = all.entry(number_of(&place.account, slots)).or_default();
        found.note_place(names.get(place.place).map_or("", String::as_str), place, &listing);
    }
    for file in listing.files {
        all.entry(number_of(&file.chain.account, slots))
            .or_default()
            .take(names.get(file.place).map_or("", String::as_str), file);
    }
    all
}
