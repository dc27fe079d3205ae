//! Which log files a window of time needs. Keys say the account, the region, the kind and when a file was made, so that
//! what cannot hold an asked-for event is not read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::find::{FoundScopes, ScopeFilter, find_of};
use super::window::Window;
use super::{Fault, FaultKind, Listed, Store};
use crate::files::same_place;
use crate::log_path::{ChainScope, LogKind, LogRoot, ObjectKey, TOP_FOLDER};

/// A place that logs lie in.
#[derive(Clone)]
pub struct LogPlace {
    /// What is read.
    pub store: Arc<dyn Store>,
    /// Which accounts and regions of it are looked for.
    pub sought: ScopeFilter,
}

/// Keys that S3 gives at a time at most (ListObjectsV2).
const KEYS_OF_A_LISTING: usize = 1_000;

/// What is said of a place without logs.
const NO_LOGS: &str = "no logs of CloudTrail lie there";

impl LogPlace {
    /// Returns its name with the prefix that is looked below; of a folder the whole path, so that a relative one says
    /// the same wherever it is said.
    fn full_name(&self) -> String {
        let name = self.store.name();
        let name = match self.store.bucket() {
            Some(_) => name,
            None => same_place(Path::new(&name)).display().to_string(),
        };
        format!("{name}/{}", self.sought.prefix)
    }

    /// Tells whether one of the first keys of a bucket is one of CloudTrail's, with a single listing: it takes
    /// thousands to find all accounts, and a question may be about one. `false`: that is not known.
    async fn begins_with_a_log(&self) -> bool {
        if self.store.bucket().is_none() {
            return false;
        }
        let mut first = self.store.list(&self.sought.first_prefix(), "").take(KEYS_OF_A_LISTING);
        while let Some(Ok(listed)) = first.next().await {
            if ObjectKey::parse(&listed.key).is_some() {
                return true;
            }
        }
        false
    }

    /// Tells whether only one account or region of it is looked for, so that finding nothing says nothing of the place.
    fn is_narrowed(&self) -> bool {
        self.sought.account.is_some() || self.sought.region.is_some()
    }
}

impl fmt::Debug for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogPlace").field("store", &self.store.name()).field("sought", &self.sought).finish()
    }
}

/// The places that are asked, and how far behind an event its delivery is looked for.
#[derive(Debug)]
pub struct Archive {
    places: Vec<LogPlace>,
    late: SignedDuration,
    /// What each place holds, once it was looked for: by the accounts that were asked for, of all where there are none.
    found: Mutex<Vec<HashMap<OfAccounts, Result<FoundScopes, Fault>>>>,
    /// What windows needed. `None`: each is listed whenever it is asked for.
    kept: Option<Mutex<HashMap<Kept, Listing>>>,
}

/// `None`: all.
type OfAccounts = Option<BTreeSet<String>>;

/// What is kept: the listing of a window, or what came since, with the time from when on folders are new.
type Kept = (Window, Option<Option<Timestamp>>);

/// Windows whose listings are kept.
const KEPT_MAX: usize = 16;

/// A log file that a question needs.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// The place, by its number.
    pub place: usize,
    /// What its key says.
    pub chain: Chain,
    /// Its key.
    pub key: String,
    /// Its size as stored.
    pub size_bytes: u64,
    /// The end of the five minutes in which it was made, as its key says.
    pub made: Timestamp,
    /// S3's name for its content (ETag). `None`: the store has none, as folders.
    pub tag: Option<String>,
}

/// Whose log files of one kind these are. Copies of one event are delivered to one chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The kind of records.
    pub kind: LogKind,
}

/// Where an account's logs of a region lie: the same account and region may have several places, each with digests of
/// its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainPlace {
    /// The place, by its number.
    pub place: usize,
    /// What the account's folder stands in.
    pub root: LogRoot,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// Things beside the logs that are named.
const BESIDE_MAX: usize = 20;

/// What a window of time needs, and what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The log files, by chain and then in the order of their keys.
    pub files: Vec<LogFile>,
    /// Every chain that has a folder, also where it has no file in the window.
    pub chains: BTreeSet<Chain>,
    /// Every place of an account and region that has a folder of logs or digests.
    pub places: BTreeSet<ChainPlace>,
    /// When the oldest and the newest listed file were made, by place. One without a file has none.
    pub made: BTreeMap<ChainPlace, (Timestamp, Timestamp)>,
    /// When the hours of the digests end that lie there, by place: CloudTrail's lists of what it delivered in these
    /// hours. They are listed, not read. A place without a digest has none.
    pub digests: BTreeMap<ChainPlace, BTreeSet<Timestamp>>,
    /// What could not be listed: a place or a prefix, and why.
    pub refused: Vec<(String, String)>,
    /// Prefixes and keys among the logs that are none of CloudTrail's, and were not read: as many as are named.
    pub beside: Vec<String>,
    /// How many there are.
    pub beside_count: usize,
    /// Accounts and regions that were asked for.
    pub asked: Window,
    /// The folders that were listed to their end, each with the number of its place.
    pub folders: BTreeSet<(usize, String)>,
}

/// What was listed before, so that only what came since is listed.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// Tells whether a folder of a place, which has a number, was listed from `begin` on: in one that was not,
    /// everything is new, whenever it was made.
    pub is_known: &'a (dyn Fn(usize, &str) -> bool + Sync),
    /// From when on files of other folders are listed. `None`: from the beginning.
    pub begin: Option<Timestamp>,
}

/// How many listings are asked for at a time.
const LISTINGS_AT_ONCE: usize = 128;
/// A log file is named after the end of its five minutes, and holds events from up to a quarter of an hour before
/// (CloudTrail user guide: delivery within an average of about 5 minutes, not guaranteed), so that files are looked for
/// from a little before the window.
const EARLY: SignedDuration = SignedDuration::from_mins(15);

impl Archive {
    /// Returns the archive of some places. Events that were delivered more than `late` after the window's end are not
    /// looked for.
    pub fn new(places: Vec<LogPlace>, late: SignedDuration) -> Self {
        let found = Mutex::new(vec![HashMap::new(); places.len()]);
        Self { places, late, found, kept: None }
    }

    /// Returns it so that it lists each window once: for questions that follow each other, and mean the same archive.
    #[must_use]
    pub fn keeping(self) -> Self {
        Self { kept: Some(Mutex::default()), ..self }
    }

    /// Returns the places.
    pub fn places(&self) -> &[LogPlace] {
        &self.places
    }

    /// Returns the names of the places, each with the prefix that is looked below.
    pub fn place_names(&self) -> Vec<String> {
        self.places.iter().map(LogPlace::full_name).collect()
    }

    /// Returns how far behind the window's end deliveries are looked for.
    pub fn late(&self) -> SignedDuration {
        self.late
    }

    /// Returns the store of a log file.
    pub fn store(&self, file: &LogFile) -> Option<Arc<dyn Store>> {
        self.places.get(file.place).map(|place| Arc::clone(&place.store))
    }

    /// Makes sure that there is something to ask: that one of the places at least can be listed and has logs.
    ///
    /// # Errors
    /// The first place's name, and why it has none.
    pub async fn check(&self) -> Result<(), (String, Fault)> {
        let mut first = None;
        for (number, place) in self.places.iter().enumerate() {
            if place.begins_with_a_log().await {
                return Ok(());
            }
            let fault = match self.found(number, None).await {
                Ok(found) if !found.scopes.is_empty() || place.is_narrowed() => return Ok(()),
                Ok(_) => Fault::new(FaultKind::Absent, NO_LOGS)
                    .advising(format!("name the bucket, prefix or folder that {TOP_FOLDER} lies in")),
                Err(fault) => fault,
            };
            first.get_or_insert((place.store.name(), fault));
        }
        first.map_or(Ok(()), Err)
    }

    /// Tells whether one of the places has a folder of logs or digests of what is looked for.
    pub async fn has_logs(&self) -> bool {
        for number in 0..self.places.len() {
            if self.found(number, None).await.is_ok_and(|found| !found.scopes.is_empty()) {
                return true;
            }
        }
        false
    }

    /// Returns the ids of the organizations whose trails write into the places, as the folders are named. Places that
    /// cannot be listed say nothing.
    pub async fn organizations(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for number in 0..self.places.len() {
            if let Ok(found) = self.found(number, None).await {
                let roots = found.scopes.keys().map(ChainScope::root);
                all.extend(roots.filter_map(|root| root.organization().map(str::to_owned)));
            }
        }
        all
    }

    /// Returns what a window needs. What cannot be listed is part of the answer.
    pub async fn list(&self, window: &Window) -> Listing {
        self.list_since(window, None).await
    }

    /// Returns what a window needs, and of folders that were not listed before what was made from another time on.
    pub async fn list_since(&self, window: &Window, before: Option<&Before<'_>>) -> Listing {
        let Some(kept) = &self.kept else { return self.list_now(window, before).await };
        let key = (window.clone(), before.map(|before| before.begin));
        if let Some(listing) = kept.lock().await.get(&key) {
            return listing.clone();
        }
        let listing = self.list_now(window, before).await;
        // What was refused may be allowed when it is asked for again.
        if listing.refused.is_empty() {
            let mut kept = kept.lock().await;
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(key, listing.clone());
        }
        listing
    }

    async fn list_now(&self, window: &Window, before: Option<&Before<'_>>) -> Listing {
        let mut listing = Listing { asked: window.clone(), ..Listing::default() };
        for (number, place) in self.places.iter().enumerate() {
            match self.found_of(number, window).await {
                Ok(found) => self.list_place((number, place), &found, (window, before), &mut listing).await,
                Err(fault) => listing.refused.push((place.store.name(), fault.to_string())),
            }
        }
        for place in &self.places {
            listing.beside(place.store.oddities());
        }
        listing.files.sort_by(|a, b| (&a.chain, &a.key).cmp(&(&b.chain, &b.key)));
        listing
    }

    /// Returns what a place holds of a window's accounts. Where that is nothing, all of it is looked for: whether logs
    /// lie there at all.
    async fn found_of(&self, number: usize, window: &Window) -> Result<FoundScopes, Fault> {
        match self.found(number, window.accounts.as_ref()).await {
            Ok(found) if !found.scopes.is_empty() => Ok(found),
            _ => self.found(number, None).await,
        }
    }

    async fn found(&self, number: usize, only: Option<&BTreeSet<String>>) -> Result<FoundScopes, Fault> {
        let mut all = self.found.lock().await;
        let Some((place, known)) = self.places.get(number).zip(all.get_mut(number)) else {
            return Ok(FoundScopes::default());
        };
        let only = only.filter(|_| !known.contains_key(&None));
        if let Some(found) = known.get(&only.cloned()) {
            return found.clone();
        }
        let found = find_of(place.store.as_ref(), &place.sought, only).await;
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(only.cloned(), found.clone());
        found
    }

    async fn list_place(
        &self,
        (number, place): (usize, &LogPlace),
        found: &FoundScopes,
        (window, before): (&Window, Option<&Before<'_>>),
        listing: &mut Listing,
    ) {
        let refused = found.refused.iter().map(|(prefix, fault)| (prefix.clone(), fault.to_string()));
        listing.refused.extend(refused.chain(found.limits.iter().map(|why| (place.store.name(), why.clone()))));
        listing.beside(found.beside.iter().cloned());
        if found.scopes.is_empty() && !place.is_narrowed() {
            listing.refused.push((place.store.name(), NO_LOGS.to_owned()));
        }
        let reach_of = |from| Reach::of(&Window { from, ..window.clone() }, self.late);
        let (of_known, of_others) = (reach_of(window.from), before.map(|before| reach_of(before.begin)));
        let mut asked = Vec::new();
        for (scope, folders) in &found.scopes {
            let (account, region) = (scope.account.to_string(), scope.region.to_string());
            if !window.has_place(&account, &region) {
                continue;
            }
            let chain_place =
                ChainPlace { place: number, root: scope.root(), account: account.clone(), region: region.clone() };
            listing.places.insert(chain_place.clone());
            for folder in folders {
                if let Some(kind) = folder.kind() {
                    listing.chains.insert(Chain { account: account.clone(), region: region.clone(), kind });
                }
                asked.push((scope.clone(), *folder, chain_place.clone()));
            }
        }
        let mut lists = iter(asked)
            .map(|(scope, folder, chain_place)| {
                let store = Arc::clone(&place.store);
                let prefix = scope.folder_prefix(folder);
                let is_known = before.is_none_or(|before| (before.is_known)(number, &prefix));
                let reach = of_others.filter(|_| !is_known).unwrap_or(of_known);
                async move {
                    let after = reach.first.map_or_else(String::new, |first| scope.day_path(folder, first));
                    (list(store.as_ref(), &prefix, &after, reach).await, prefix, chain_place)
                }
            })
            .buffered(LISTINGS_AT_ONCE);
        while let Some((found, prefix, chain_place)) = lists.next().await {
            match found.fault {
                Some(fault) => listing.refused.push((prefix, fault.to_string())),
                None => {
                    listing.folders.insert((number, prefix));
                }
            }
            listing.beside(found.beside);
            for (one, key) in found.files {
                listing.note(one, key, &chain_place);
            }
        }
    }
}

impl Listing {
    fn note(&mut self, listed: Listed, key: ObjectKey, at: &ChainPlace) {
        match key {
            ObjectKey::Digest(digest) => {
                self.digests.entry(at.clone()).or_default().insert(digest.end);
            }
            ObjectKey::Log(log) => {
                let (oldest, newest) = self.made.entry(at.clone()).or_insert((log.slot, log.slot));
                (*oldest, *newest) = (log.slot.min(*oldest), log.slot.max(*newest));
                let chain = Chain { account: at.account.clone(), region: at.region.clone(), kind: log.kind };
                let Listed { key, size_bytes, tag, .. } = listed;
                self.files.push(LogFile { place: at.place, chain, key, size_bytes, made: log.slot, tag });
            }
        }
    }

    fn beside(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            self.beside_count += 1;
            if self.beside.len() < BESIDE_MAX {
                self.beside.push(name);
            }
        }
    }

    /// Returns how many bytes are stored in the log files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// When the files were made that can hold events of a window.
#[derive(Debug, Clone, Copy)]
struct Reach {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Reach {
    fn of(window: &Window, late: SignedDuration) -> Self {
        let first = window.from.map(|from| from.checked_sub(EARLY).unwrap_or(Timestamp::MIN));
        let last = window.to.map(|to| to.checked_add(late).unwrap_or(Timestamp::MAX));
        Self { first, last }
    }

    fn has(self, at: Timestamp) -> bool {
        self.first.is_none_or(|first| first <= at) && self.last.is_none_or(|last| at <= last)
    }

    /// Tells whether nothing that comes behind in the order of keys is part of it. The folder of a file's day may be
    /// that of the next.
    fn is_behind(self, at: Timestamp) -> bool {
        let day = SignedDuration::from_hours(48);
        self.last.is_some_and(|last| last.checked_add(day).is_ok_and(|last| last < at))
    }
}

/// What one folder holds.
#[derive(Default)]
struct Folded {
    files: Vec<(Listed, ObjectKey)>,
    /// Keys that are none of CloudTrail's.
    beside: Vec<String>,
    /// What ended the listing before its end.
    fault: Option<Fault>,
}

/// Lists the files of one folder.
async fn list(store: &dyn Store, prefix: &str, after: &str, reach: Reach) -> Folded {
    let mut folded = Folded::default();
    let mut all = store.list(prefix, after);
    while let Some(next) = all.next().await {
        let listed = match next {
            Ok(listed) => listed,
            Err(fault) => {
                folded.fault = Some(fault);
                break;
            }
        };
        let Some(key) = ObjectKey::parse(&listed.key) else {
            // The mark of a folder that a console made holds nothing.
            if !listed.key.ends_with('/') {
                folded.beside.push(listed.key);
            }
            continue;
        };
        let at = match &key {
            ObjectKey::Log(log) => log.slot,
            ObjectKey::Digest(digest) => digest.end,
        };
        if reach.is_behind(at) {
            break;
        }
        if reach.has(at) {
            folded.files.push((listed, key));
        }
    }
    folded
}
