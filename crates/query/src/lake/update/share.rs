//! The work on one share of the accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::Timestamp;
use orgtrail_archive::archive::listing::{Archive, Chain, ChainPlace, Listing, LogFile};
use orgtrail_archive::archive::{Fault, FaultKind};
use orgtrail_core::log_path::LogKey;
use tokio::task::spawn_blocking;

use super::super::layout::{Grain, LedgerId, SlotId};
use super::super::ledger::{Entry, Ledger, LedgerPlace, PlaceDay};
use super::super::slot::{Row, Sources};
use super::super::store::LakeStore;
use super::object;
use super::repair::Repair;
use super::{Tally, Updated, source_of};

/// Objects that are fetched and read ahead.
const OBJECTS_AHEAD: usize = 16;
/// Ledgers that are read at a time.
const LEDGERS_AT_ONCE: usize = 16;

/// What was listed for a share.
#[derive(Debug, Default)]
pub(super) struct ShareListing {
    pub files: Vec<LogFile>,
    /// What is known of places, by the ledger that it belongs into.
    pub places: BTreeMap<(jiff::civil::Date, LedgerPlace), PlaceDay>,
}

impl ShareListing {
    /// Notes what was listed of a place, which has a name.
    pub(super) fn note_place(&mut self, name: &str, place: &ChainPlace, listing: &Listing) {
        let own = LedgerPlace {
            place: name.to_owned(),
            root: place.root.as_str().to_owned(),
            account: place.account.clone(),
            region: place.region.clone(),
        };
        let kinds: BTreeSet<String> = listing
            .chains
            .iter()
            .filter(|chain| chain.account == place.account && chain.region == place.region)
            .map(|chain| chain.kind.folder().to_owned())
            .collect();
        for end in listing.digests.get(place).into_iter().flatten() {
            self.on(*end, &own, &kinds).digests.insert(end.as_second());
        }
    }

    /// Takes a log file of a place, which has a name, and notes when it was made.
    pub(super) fn take(&mut self, name: &str, file: LogFile) {
        if let Some(log) = LogKey::parse(&file.key) {
            let root = log.scope.root().as_str().to_owned();
            let Chain { account, region, kind } = &file.chain;
            let (account, region) = (account.clone(), region.clone());
            let place = LedgerPlace { place: name.to_owned(), root, account, region };
            let known = self.places.entry((LedgerId::of(file.made, 0).day, place)).or_default();
            known.kinds.insert(kind.folder().to_owned());
            let seconds = file.made.as_second();
            known.newest = known.newest.max(Some(seconds));
            known.oldest = Some(known.oldest.unwrap_or(seconds).min(seconds));
        }
        self.files.push(file);
    }

    /// Returns what is known of a place on a day.
    fn on(&mut self, at: Timestamp, place: &LedgerPlace, kinds: &BTreeSet<String>) -> &mut PlaceDay {
        let day = LedgerId::of(at, 0).day;
        let known = self.places.entry((day, place.clone())).or_default();
        known.kinds.extend(kinds.iter().cloned());
        known
    }
}

/// One share of the accounts.
pub(super) struct Share<'a> {
    pub archive: Arc<Archive>,
    pub store: Arc<dyn LakeStore>,
    /// The mark of the lake.
    pub lake: String,
    pub grain: Grain,
    /// What is taken anew.
    pub repair: &'a Repair,
    pub number: u16,
    pub budget_bytes: usize,
    pub tally: &'a Tally<'a>,
}

/// What was read and is not written yet.
#[derive(Default)]
pub(super) struct Pending {
    pub slots: BTreeMap<SlotId, (Vec<Row>, Sources)>,
    pub ledgers: BTreeMap<LedgerId, Ledger>,
    bytes: usize,
}

impl Share<'_> {
    /// Reads what is new and writes it.
    pub(super) async fn run(&self, found: ShareListing) -> Updated {
        let mut updated = Updated { listed: found.files.len() as u64, ..Updated::default() };
        let known = self.known(&found, &mut updated).await;
        let mut pending = Pending::default();
        for ((day, place), known_of) in found.places {
            let ledger = pending.ledgers.entry(LedgerId { day, number: self.number }).or_default();
            ledger.places.insert(place, known_of);
        }
        let mut files: Vec<LogFile> = found.files;
        let listed = files.len();
        files.retain(|file| {
            let id = LedgerId::of(file.made, self.number);
            match known.get(&id) {
                Some(ledger) => !self.is_in(ledger, file),
                None => {
                    let why = format!("{} cannot be read, which says whether it is in", id.key());
                    updated.waiting.insert(file.key.clone(), why);
                    false
                }
            }
        });
        self.tally.note(|step| step.looked_at += (listed - files.len()) as u64);
        files.sort_by(|a, b| (a.made, &a.key).cmp(&(b.made, &b.key)));
        let archive = Arc::clone(&self.archive);
        let mut objects = iter(files)
            .map(move |file| {
                let store = archive.store(&file);
                async move {
                    let body = match store {
                        Some(store) => store.read_log(&file.key).await,
                        None => Err(Fault::new(FaultKind::Absent, "its place is not known")),
                    };
                    let read = match body {
                        Ok(body) => {
                            let own = file.clone();
                            let work = spawn_blocking(move || object::read(&own, &body)).await;
                            work.map_err(|error| format!("reading was stopped: {error}"))
                        }
                        Err(fault) => Err(fault.to_string()),
                    };
                    (file, read)
                }
            })
            .buffered(OBJECTS_AHEAD);
        while let Some((file, read)) = objects.next().await {
            match read {
                Ok(read) => {
                    updated.damaged.extend(read.damaged.iter().map(|why| (file.key.clone(), why.clone())));
                    pending.add(self, &file, read.rows, read.entry);
                }
                Err(why) => updated.missing.push((file.key, why)),
            }
            self.tally.note(|step| step.looked_at += 1);
            if pending.bytes > self.budget_bytes {
                self.write(std::mem::take(&mut pending), &mut updated).await;
            }
        }
        self.write(pending, &mut updated).await;
        updated
    }

    /// Tells whether the events of a log object are in.
    fn is_in(&self, ledger: &Ledger, file: &LogFile) -> bool {
        let entry = ledger.entries.get(&source_of(file));
        entry.is_some_and(|entry| !entry.slots.keys().any(|slot| self.repair.lacking.contains(slot)))
    }

    /// Returns the ledgers of what was listed. One that cannot be read is left out, and its objects wait.
    async fn known(&self, found: &ShareListing, updated: &mut Updated) -> BTreeMap<LedgerId, Ledger> {
        let ids: BTreeSet<LedgerId> = found.files.iter().map(|file| LedgerId::of(file.made, self.number)).collect();
        let mut reading =
            iter(ids).map(|id| async move { (id, self.read_ledger(&id).await) }).buffer_unordered(LEDGERS_AT_ONCE);
        let mut known = BTreeMap::new();
        while let Some((id, read)) = reading.next().await {
            match read {
                Ok((ledger, _)) => {
                    known.insert(id, ledger);
                }
                Err(error) => updated.note_failed(&error),
            }
        }
        known
    }
}

impl Pending {
    fn add(&mut self, share: &Share<'_>, file: &LogFile, rows: Vec<Row>, mut entry: Entry) {
        let source = source_of(file);
        let mut counts: BTreeMap<SlotId, u64> = BTreeMap::new();
        for row in rows {
            let time = row.time.and_then(|time| Timestamp::from_microsecond(time).ok());
            let slot = SlotId::of(share.grain, time, share.number);
            *counts.entry(slot).or_default() += 1;
            self.bytes += row.size_bytes();
            self.slots.entry(slot).or_default().0.push(row);
        }
        entry.slots = counts.iter().map(|(slot, records)| (slot.key(), *records)).collect();
        for (slot, records) in counts {
            self.slots.entry(slot).or_default().1.add(source.clone(), records);
        }
        let ledger = self.ledgers.entry(LedgerId::of(file.made, share.number)).or_default();
        ledger.entries.insert(source, entry);
    }
}
