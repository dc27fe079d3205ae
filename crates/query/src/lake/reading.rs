//! What a question needs of a lake: the slots of a time and of some accounts, each with its footer, and what the
//! ledgers say of the log objects that are in.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt, iter};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::window::{Window, day_of};
use orgtrail_archive::archive::{Fault, Listed};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::identity::{LakeError, LakeIdentity};
use super::kept::Kept;
use super::layout::{EVENTS, LEDGER, LedgerId, SlotId, number_of, untimed};
use super::ledger::{Ledger, LedgerHead, add_lacking, lacking};
use super::progress::{Progress, read_progress};
use super::seal::{SEALED, Seal};
use super::slot::{Footer, belongs};
use super::store::{LakeStore, Opened, REWRITTEN};

/// The bytes at the end of a slot that are read first to have its footer.
const FOOTER_BYTES: u64 = 64 << 10;
/// Files that are read at a time.
const FILES_AT_ONCE: usize = 32;
/// Files that are named which are none of the lake's.
const FOREIGN_MAX: usize = 20;
/// Days that are listed one by one; more are listed all at once.
const DAYS_MAX: i64 = 62;

/// A lake that is asked.
#[derive(Debug, Clone)]
pub struct Lake {
    /// Where it lies.
    pub store: Arc<dyn LakeStore>,
    /// What it is.
    pub identity: LakeIdentity,
    /// What it had for the windows that were asked. `None`: each is looked for anew.
    kept: Option<Kept<Contents>>,
}

/// A slot of which parts can be read.
#[derive(Clone)]
pub struct SlotFile {
    /// Which it is.
    pub id: SlotId,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its parts.
    pub opened: Arc<dyn Opened>,
    /// What Parquet says of it.
    pub metadata: Arc<ParquetMetaData>,
    /// What its footer says.
    pub footer: Footer,
}

impl std::fmt::Debug for SlotFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlotFile").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a lake has for a window.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// The slots, in the order of their keys.
    pub slots: Vec<SlotFile>,
    /// The ledgers, by when the log objects were made.
    pub heads: Vec<(LedgerId, LedgerHead)>,
    /// The seals of the days of the ledgers.
    pub seals: Vec<Seal>,
    /// What each share of the accounts has listed, by its number. `None`: nothing.
    pub progress: Vec<(u16, Option<Progress>)>,
    /// Files of the lake that could not be read, each with why.
    pub unread: Vec<(String, String)>,
    /// Files among the slots that are none of them: the first of them. Nothing here reads them; other engines do.
    pub foreign: Vec<String>,
}

impl Lake {
    /// Returns the lake of a place.
    ///
    /// # Errors
    /// Where there is none, or none that this program knows.
    pub async fn open(store: Arc<dyn LakeStore>) -> Result<Self, LakeError> {
        let identity = LakeIdentity::read(store.as_ref()).await?;
        Ok(Self::new(store, identity))
    }

    /// Returns the lake of a place whose identity is known.
    pub fn new(store: Arc<dyn LakeStore>, identity: LakeIdentity) -> Self {
        Self { store, identity, kept: None }
    }

    /// Returns it so that it is looked at once for each window: for questions that follow each other, and mean the same
    /// lake.
    #[must_use]
    pub fn keeping(self) -> Self {
        Self { kept: Some(Kept::default()), ..self }
    }

    /// Forgets what it had, as it was written anew.
    pub fn forget(&self) {
        self.kept.iter().for_each(Kept::forget);
    }

    /// Returns the time of its slots: the beginning of the first and the end of the last one. `None`: it has none.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub async fn reach(&self) -> Result<Option<(Timestamp, Timestamp)>, LakeError> {
        let listed = self.list_all(EVENTS).await?;
        let all = listed.iter().filter_map(|listed| SlotId::parse(&listed.key)?.reach());
        Ok(all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
    }

    /// Returns the numbers of the shares that the accounts of a window are in.
    pub fn numbers(&self, window: &Window) -> BTreeSet<u16> {
        let slots = self.identity.slots;
        match &window.accounts {
            Some(accounts) => accounts.iter().map(|account| number_of(account, slots)).collect(),
            None => (0..slots).collect(),
        }
    }

    /// Returns what the lake has for a window. Log objects are looked for up to `late` behind it.
    ///
    /// # Errors
    /// Where the lake cannot be listed, or a slot was written anew meanwhile. Single files that cannot be read are
    /// part of the answer.
    pub async fn contents(&self, window: &Window, late: SignedDuration) -> Result<Arc<Contents>, LakeError> {
        let Some(kept) = &self.kept else { return Ok(Arc::new(self.look(window, late).await?)) };
        if let Some(contents) = kept.get(window) {
            return Ok(contents);
        }
        let contents = Arc::new(self.look(window, late).await?);
        kept.keep(window, &contents);
        Ok(contents)
    }

    async fn look(&self, window: &Window, late: SignedDuration) -> Result<Contents, LakeError> {
        let numbers = self.numbers(window);
        let mut contents = Contents::default();
        for number in &numbers {
            contents.progress.push((*number, read_progress(self.store.as_ref(), &self.identity, *number).await?));
        }
        // The ledgers first: slots are written before them, so that a slot has at least what a ledger says.
        let days = Days {
            first: window.from.map(|from| from.checked_sub(EARLY).unwrap_or(Timestamp::MIN)),
            last: window.to.map(|to| to.checked_add(late).unwrap_or(Timestamp::MAX)),
        };
        let ledgers = self.list(LEDGER, days).await?.into_iter();
        let ledgers = ledgers.filter_map(|listed| LedgerId::parse(&listed.key).map(|id| (id, listed)));
        let ledgers = ledgers.filter(|(id, _)| numbers.contains(&id.number) && days.have(id.day));
        let mut heads = iter(ledgers).map(|(id, listed)| self.head(id, listed)).buffered(FILES_AT_ONCE);
        while let Some((id, head)) = heads.next().await {
            match head {
                Ok(head) => contents.heads.push((id, head)),
                Err(why) if why.contains(REWRITTEN) => return Err(self.rewritten(&id.key())),
                Err(why) => contents.unread.push((id.key(), why)),
            }
        }
        drop(heads);
        contents.hold_ledgers(days);
        let sealed: BTreeSet<Date> = self.sealed(days).await?;
        let mut seals = iter(sealed).map(|day| Seal::read(self.store.as_ref(), day)).buffered(FILES_AT_ONCE);
        while let Some(seal) = seals.next().await {
            match seal {
                Ok(seal) => contents.seals.extend(seal),
                Err(error) => contents.unread.push((SEALED.to_owned(), error.to_string())),
            }
        }
        drop(seals);
        let days = Days { first: window.from, last: window.to };
        let mut listed = self.list(EVENTS, days).await?;
        if days.are_few() {
            listed.extend(self.list_all(&format!("{EVENTS}day={}/", untimed())).await?);
        }
        let is_own = |key: &str| SlotId::parse(key).is_some_and(|id| id.number < self.identity.slots);
        let foreign = listed.iter().filter(|listed| !is_own(&listed.key)).take(FOREIGN_MAX);
        contents.foreign = foreign.map(|listed| listed.key.clone()).collect();
        let slots = listed.into_iter().filter_map(|listed| SlotId::parse(&listed.key).map(|id| (id, listed)));
        let slots = slots.filter(|(id, _)| numbers.contains(&id.number) && reaches(id, window));
        let mut opening = iter(slots).map(|(id, listed)| self.slot(id, listed)).buffered(FILES_AT_ONCE);
        while let Some((key, opened)) = opening.next().await {
            match opened {
                Ok(slot) => contents.slots.push(slot),
                Err(why) if why.contains(REWRITTEN) => return Err(self.rewritten(&key)),
                Err(why) => contents.unread.push((key, why)),
            }
        }
        drop(opening);
        contents.hold_slots(&numbers, window);
        Ok(contents)
    }

    /// Returns the days that have a seal, of some.
    async fn sealed(&self, days: Days) -> Result<BTreeSet<Date>, LakeError> {
        let listed = self.list_all(SEALED).await?;
        Ok(listed.iter().filter_map(|listed| Seal::day_of(&listed.key)).filter(|day| days.have(*day)).collect())
    }

    /// Returns a ledger; an empty one where there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn ledger(&self, id: &LedgerId) -> Result<Ledger, LakeError> {
        Ok(self.ledger_with_digest(id).await?.map(|(ledger, _)| ledger).unwrap_or_default())
    }

    /// Returns a ledger with the digest of its list. `None`: there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn ledger_with_digest(&self, id: &LedgerId) -> Result<Option<(Ledger, String)>, LakeError> {
        let key = id.key();
        let found = self.store.get(&key).await.map_err(|fault| LakeError::fault(self.store.as_ref(), &key, fault))?;
        let Some(stored) = found else { return Ok(None) };
        let bad = |why| LakeError::Damaged { place: self.store.name(), key: key.clone(), why };
        let head = LedgerHead::of_bytes(&stored.bytes).map_err(bad)?;
        Ok(Some((Ledger::of_bytes(&stored.bytes).map_err(bad)?, head.digest)))
    }

    fn rewritten(&self, key: &str) -> LakeError {
        LakeError::fault(self.store.as_ref(), key, super::store::rewritten())
    }

    async fn list(&self, folder: &str, days: Days) -> Result<Vec<Listed>, LakeError> {
        if !days.are_few() {
            return self.list_all(folder).await;
        }
        let prefixes: Vec<String> = days.all().map(|day| format!("{folder}day={day}/")).collect();
        let lists = iter(prefixes).map(|prefix| async move { self.list_all(&prefix).await });
        let all: Vec<Vec<Listed>> = lists.buffered(FILES_AT_ONCE).try_collect().await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>, LakeError> {
        let listed = self.store.list(prefix).try_collect().await;
        listed.map_err(|fault| LakeError::fault(self.store.as_ref(), prefix, fault))
    }

    async fn slot(&self, id: SlotId, listed: Listed) -> (String, Result<SlotFile, String>) {
        let opened = self.store.opened(&listed);
        let read = open_slot(&opened, &id, &self.identity, PageIndexPolicy::Optional).await;
        let read = read.map(|(metadata, footer)| SlotFile {
            id,
            size_bytes: listed.size_bytes,
            opened: Arc::clone(&opened),
            metadata: Arc::new(metadata),
            footer,
        });
        (listed.key, read)
    }

    async fn head(&self, id: LedgerId, listed: Listed) -> (LedgerId, Result<LedgerHead, String>) {
        let opened = self.store.opened(&listed);
        let head = LedgerHead::open(opened.as_ref()).await;
        (id, head.and_then(|head| self.identity.must_have(&head.lake).map(|()| head)))
    }
}

impl Contents {
    /// Notes the ledgers that have less than they had.
    fn hold_ledgers(&mut self, days: Days) {
        let objects = self.heads.iter().map(|(id, head)| (*id, head.objects)).collect();
        for (number, progress) in &self.progress {
            let lacking = progress.as_ref().map(|own| own.lacking(*number, &objects, |day| days.have(day)));
            add_lacking(&mut self.unread, lacking.unwrap_or_default());
        }
    }

    /// Notes the slots that should have more than they have, by the ledgers.
    fn hold_slots(&mut self, numbers: &BTreeSet<u16>, window: &Window) {
        let read = self.slots.iter().map(|slot| (slot.id.key(), slot.footer.read)).collect();
        let is_asked = |id: SlotId| numbers.contains(&id.number) && reaches(&id, window);
        let mut lacking = lacking(self.heads.iter().map(|(_, head)| head), &read);
        lacking.retain(|(key, _)| SlotId::parse(key).is_some_and(is_asked));
        add_lacking(&mut self.unread, lacking);
    }
}

/// Reads what Parquet and the footer of a slot say of it, and no more of the file than that takes.
///
/// # Errors
/// In words, where it is no slot, a newer one, one of another lake, time or accounts, or cannot be read.
pub(super) async fn open_slot(
    opened: &Arc<dyn Opened>,
    id: &SlotId,
    lake: &LakeIdentity,
    pages: PageIndexPolicy,
) -> Result<(ParquetMetaData, Footer), String> {
    let mut reader = ParquetMetaDataReader::new()
        .with_prefetch_hint(usize::try_from(FOOTER_BYTES).ok())
        .with_page_index_policy(pages);
    reader.try_load(&mut Fetch(Arc::clone(opened)), opened.size_bytes()).await.map_err(|error| error.to_string())?;
    let metadata = reader.finish().map_err(|error| error.to_string())?;
    let footer = Footer::of(&metadata).map_err(|error| error.to_string())?;
    lake.must_have(&footer.lake)?;
    belongs(&metadata, id, lake.slots).map(|()| (metadata, footer))
}

/// Log objects are made up to this long behind their events, as a rule.
const EARLY: SignedDuration = SignedDuration::from_mins(15);

/// Days, as far as they are known.
#[derive(Debug, Clone, Copy)]
struct Days {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Days {
    fn bounds(self) -> (Option<Date>, Option<Date>) {
        (self.first.map(day_of), self.last.map(day_of))
    }

    fn are_few(self) -> bool {
        let (Some(first), Some(last)) = (self.first, self.last) else { return false };
        last.duration_since(first).as_hours() < 24 * DAYS_MAX
    }

    fn have(self, day: Date) -> bool {
        let (first, last) = self.bounds();
        first.is_none_or(|first| first <= day) && last.is_none_or(|last| day <= last)
    }

    /// Returns all of them, where both ends are known.
    fn all(self) -> impl Iterator<Item = Date> {
        let (first, last) = self.bounds();
        let range = first.zip(last);
        let next = |day: &Date| day.tomorrow().ok();
        std::iter::successors(range.map(|(first, _)| first), next)
            .take_while(move |day| range.is_some_and(|(_, last)| *day <= last))
    }
}

/// Tells whether a slot can have events of a window. One of events without a time always can.
fn reaches(id: &SlotId, window: &Window) -> bool {
    let Some((begin, end)) = id.reach() else { return true };
    window.from.is_none_or(|from| from < end) && window.to.is_none_or(|to| begin <= to)
}

/// Fetches what describes a slot.
struct Fetch(Arc<dyn Opened>);

impl MetadataFetch for &mut Fetch {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let opened = Arc::clone(&self.0);
        async move { opened.read(range).await.map_err(failed) }.boxed()
    }
}

/// Returns the error of Parquet for a fault of the store.
pub fn failed(fault: Fault) -> ParquetError {
    ParquetError::External(Box::new(fault))
}
