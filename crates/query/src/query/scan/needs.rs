//! What a window needs: log files, and where a lake is asked, its slots and the log files that are not in it yet.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use orgtrail_archive::archive::listing::{Archive, Before, Chain, ChainPlace, Listing, LogFile};
use orgtrail_archive::archive::window::{Window, start_of};
use orgtrail_core::log_path::{Folder, LogKey, LogRoot};

use super::super::error::QueryError;
use crate::lake::folders::Folders;
use crate::lake::identity::LakeError;
use crate::lake::layout::{LedgerId, number_of};
use crate::lake::ledger::{Ledger, LedgerHead};
use crate::lake::progress::Progress;
use crate::lake::reading::{Contents, Lake, SlotFile};
use crate::lake::seal::Seal;
use crate::lake::store::REWRITTEN;
use crate::lake::update::{OVERLAP, source_of};

/// What a window needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// The log files that are to be read, and what is known of all places, also from the ledgers of a lake.
    pub listing: Listing,
    /// The slots of the lake.
    pub slots: Vec<SlotFile>,
    /// What is known of the lake. `None`: none is asked.
    pub lake: Option<LakeNeeds>,
}

/// Log files and slots, each counted once, however many parts of a question need it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NeededFiles {
    /// Log files.
    pub files: u64,
    /// Their size as stored, in bytes.
    pub bytes: u64,
    /// Slots.
    pub slots: u64,
    /// Their size in bytes.
    pub slot_bytes: u64,
}

impl NeededFiles {
    /// Counts what several windows need.
    pub fn of<'a>(all: impl Iterator<Item = &'a Needs>) -> Self {
        let (mut files, mut slots, mut needed) = (HashSet::new(), HashSet::new(), Self::default());
        for needs in all {
            for file in needs.listing.files.iter().filter(|file| files.insert((file.place, file.key.as_str()))) {
                needed.files += 1;
                needed.bytes += file.size_bytes;
            }
            for slot in needs.slots.iter().filter(|slot| slots.insert(slot.id)) {
                needed.slots += 1;
                needed.slot_bytes += slot.size_bytes;
            }
        }
        needed
    }
}

/// What is known of a lake beside its slots.
#[derive(Debug, Clone, Default)]
pub struct LakeNeeds {
    /// Where it lies.
    pub name: String,
    /// When the archive was listed for it last, of all shares that are asked the first. `None`: a share was never.
    pub listed_at: Option<Timestamp>,
    /// Whether the archive was listed beside it for what came later.
    pub has_newer: bool,
    /// Records in the log objects of the time without a time that can be read.
    pub without_time: u64,
    /// Parts of log objects that could not be read when they were put in.
    pub unread_count: u64,
    /// The first of these objects, each with why.
    pub unread: Vec<(String, String)>,
    /// Files among the slots that are none of them: the first of them.
    pub foreign: Vec<String>,
    /// Accounts and regions, each with the days of delivery that are attested and wholly in.
    pub sealed: BTreeMap<(String, String), BTreeSet<Date>>,
}

/// Returns what a window needs.
///
/// # Errors
/// Where a lake cannot be read, or was written anew meanwhile.
pub(super) async fn needs(archive: &Archive, lake: Option<&Lake>, window: &Window) -> Result<Needs, QueryError> {
    let Some(lake) = lake else {
        return Ok(Needs { listing: archive.list(window).await, ..Needs::default() });
    };
    let contents = lake.contents(window, archive.late()).await.map_err(|error| failed(&error))?;
    let listed_at = contents.progress.iter().map(|(_, progress)| progress.as_ref().map(|p| p.listed_at)).min();
    let listed_at = listed_at.flatten();
    let later = later(&contents, &archive.place_names(), window, archive.late());
    let mut listing = Listing { asked: window.clone(), ..Listing::default() };
    let has_newer = later.is_some() && !archive.places().is_empty();
    if let Some(later) = later.filter(|_| has_newer) {
        listing = list(archive, &contents, &later, window).await;
        listing.asked = window.clone();
        listing.files = not_in(lake, std::mem::take(&mut listing.files)).await?;
    }
    let foreign = contents.foreign.clone();
    let mut own = LakeNeeds { name: lake.store.name(), listed_at, has_newer, foreign, ..LakeNeeds::default() };
    let names = archive.place_names();
    for (id, head) in &contents.heads {
        own.add(head);
        own.add_seals(id, head, &contents.seals);
        add_places(&mut listing, head, &names, window);
    }
    for (_, progress) in &contents.progress {
        add_progress(&mut listing, progress.as_ref(), window, archive.late());
    }
    if archive.places().is_empty() {
        listing.refused.extend(unknown(&contents, window).map(|why| (lake.store.name(), why)));
    }
    listing.refused.extend(contents.unread.iter().cloned());
    listing.refused.sort();
    listing.refused.dedup();
    Ok(Needs { listing, slots: contents.slots.clone(), lake: Some(own) })
}

fn failed(error: &LakeError) -> QueryError {
    let text = error.to_string();
    if text.contains(REWRITTEN) { QueryError::Rewritten(text) } else { QueryError::Lake { text, help: error.help() } }
}

/// Returns the window in which log files may be that are not in. `None`: all that are asked for were there when the
/// lake was updated.
fn later(contents: &Contents, names: &[String], window: &Window, late: SignedDuration) -> Option<Window> {
    let mut from: Option<Timestamp> = None;
    for (_, progress) in &contents.progress {
        let Some(progress) = progress.as_ref().filter(|progress| progress.has_places(names)) else {
            return Some(window.clone());
        };
        let Progress { listed_at, from: begin, .. } = progress;
        let begin = begin.map(start_of);
        // What was made before the lake begins is not in it.
        if begin.is_some_and(|begin| window.from.is_none_or(|asked| asked < begin)) {
            return Some(window.clone());
        }
        let since = listed_at.checked_sub(OVERLAP.max(late)).unwrap_or(Timestamp::MIN);
        from = Some(from.unwrap_or(since).min(since));
    }
    let reach = window.to.map(|to| to.checked_add(late).unwrap_or(Timestamp::MAX));
    if reach.zip(from).is_some_and(|(reach, from)| reach < from) {
        return None;
    }
    Some(Window { from: window.from.max(from), ..window.clone() })
}

/// Returns what may have come since a lake was updated, also of folders that it does not know.
async fn list(archive: &Archive, contents: &Contents, later: &Window, window: &Window) -> Listing {
    let mut folders = Folders::default();
    for progress in contents.progress.iter().filter_map(|(_, progress)| progress.as_ref()) {
        folders.extend(&progress.folders);
    }
    let names = archive.place_names();
    let is_known = |place: usize, folder: &str| names.get(place).is_some_and(|name| folders.has(name, folder));
    archive.list_since(later, Some(&Before { is_known: &is_known, begin: window.from })).await
}

/// Says what is not known to be in a lake that is asked without the log files beside it.
fn unknown(contents: &Contents, window: &Window) -> Option<String> {
    let shares = contents.progress.len();
    let never = contents.progress.iter().filter(|(_, progress)| progress.is_none()).count();
    if never > 0 {
        return Some(format!("{never} of {shares} shares of the accounts were never updated as a whole"));
    }
    let begin = contents.progress.iter().filter_map(|(_, progress)| progress.as_ref()?.from).max()?;
    let begins = start_of(begin);
    let is_before = window.from.is_none_or(|from| from < begins);
    is_before.then(|| format!("log files that were made before {begin} are not in the lake"))
}

/// Returns the files that no ledger has.
async fn not_in(lake: &Lake, files: Vec<LogFile>) -> Result<Vec<LogFile>, QueryError> {
    let slots = lake.identity.slots;
    let id = |file: &LogFile| LedgerId::of(file.made, number_of(&file.chain.account, slots));
    let mut ledgers: BTreeMap<LedgerId, Ledger> = BTreeMap::new();
    for file in &files {
        let id = id(file);
        if let Entry::Vacant(place) = ledgers.entry(id) {
            place.insert(lake.ledger(&id).await.map_err(|error| failed(&error))?);
        }
    }
    let is_in = |file: &LogFile| ledgers.get(&id(file)).is_some_and(|ledger| ledger.has(&source_of(file)));
    Ok(files.into_iter().filter(|file| !is_in(file)).collect())
}

impl LakeNeeds {
    fn add(&mut self, head: &LedgerHead) {
        self.without_time += head.without_time;
        self.unread_count += head.unread_count;
        self.unread.extend(head.unread.iter().cloned());
    }
}

impl LakeNeeds {
    /// Adds what the seals say of the places of a ledger.
    fn add_seals(&mut self, id: &LedgerId, head: &LedgerHead, seals: &[Seal]) {
        for seal in seals.iter().filter(|seal| seal.holds(id, head)) {
            for (place, _) in &head.places {
                let place = (place.account.clone(), place.region.clone());
                if seal.attested.contains(&place) {
                    self.sealed.entry(place).or_default().insert(id.day);
                }
            }
        }
    }
}

/// Adds what a ledger knows of places. A place that is not asked beside the lake has a number behind the others.
fn add_places(listing: &mut Listing, head: &LedgerHead, names: &[String], window: &Window) {
    let at = |seconds: i64| Timestamp::from_second(seconds).ok();
    for (place, day) in &head.places {
        if !window.has_place(&place.account, &place.region) {
            continue;
        }
        let (account, region) = (place.account.clone(), place.region.clone());
        // What was written there was one.
        let Ok(root) = place.root.parse::<LogRoot>() else { continue };
        let number = names.iter().position(|name| *name == place.place).unwrap_or(names.len());
        let chain_place = ChainPlace { place: number, root, account: account.clone(), region: region.clone() };
        let kinds = day.kinds.iter().filter_map(|kind| Folder::named(kind)?.kind());
        listing.chains.extend(kinds.map(|kind| Chain { account: account.clone(), region: region.clone(), kind }));
        let ends: BTreeSet<Timestamp> = day.digests.iter().filter_map(|seconds| at(*seconds)).collect();
        listing.digests.entry(chain_place.clone()).or_default().extend(ends);
        if let Some((oldest, newest)) = day.oldest.and_then(at).zip(day.newest.and_then(at)) {
            let made = listing.made.entry(chain_place.clone()).or_insert((oldest, newest));
            *made = (made.0.min(oldest), made.1.max(newest));
        }
        listing.places.insert(chain_place);
    }
}

/// Adds what the last update could not put in, as far as it can concern the window.
fn add_progress(listing: &mut Listing, progress: Option<&Progress>, window: &Window, late: SignedDuration) {
    let Some(progress) = progress else { return };
    let concerns = |key: &str| {
        let Some(key) = LogKey::parse(key) else { return true };
        let reach = window.to.map(|to| to.checked_add(late).unwrap_or(Timestamp::MAX));
        window.has_place(key.scope.account.as_str(), key.scope.region.as_str())
            && window.from.is_none_or(|from| from <= key.slot)
            && reach.is_none_or(|reach| key.slot <= reach)
    };
    let missing = progress.missing.iter().filter(|(key, _)| concerns(key));
    listing.refused.extend(missing.cloned());
    let further = usize::try_from(progress.missing_count).unwrap_or(usize::MAX).saturating_sub(progress.missing.len());
    if further > 0 {
        let text = format!("{further} more log files, or prefixes of them, could not be put into the lake");
        listing.refused.push(("the lake".to_owned(), text));
    }
    let known: BTreeSet<String> = listing.beside.iter().chain(&progress.beside).cloned().collect();
    let further = usize::try_from(progress.beside_count).unwrap_or(usize::MAX);
    listing.beside_count = listing.beside_count.max(further).max(known.len());
    listing.beside = known.into_iter().collect();
}
