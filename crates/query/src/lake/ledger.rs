//! Ledgers: which log objects are in the lake.
//!
//! A ledger has the objects of a share of the accounts that were made on one day, as their keys say, and when the
//! digests of that day end. Its head, which readers need, stands before the list, which writers need.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use orgtrail_archive::archive::inflate::{hex, sha256};
use serde::{Deserialize, Serialize};

use super::slot::{Source, pack, unpack};
use super::store::Opened;

/// How the file begins.
const MAGIC: &str = "orgtrail ledger";
/// The format of a ledger.
const FORMAT: u32 = 1;
/// The most bytes of a head and of a list, inflated.
const HEAD_BYTES_MAX: u64 = 64 << 20;
const LIST_BYTES_MAX: u64 = 1 << 30;
/// The longest first line.
const LINE_BYTES_MAX: usize = 80;
/// The bytes that are read first to have the head of most ledgers.
const HEAD_BYTES: u64 = 64 << 10;

/// What is known of an object that is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its size as stored, in bytes.
    pub size_bytes: u64,
    /// How many records it has.
    pub records: u64,
    /// How many of them have no time that can be read.
    pub without_time: u64,
    /// How many parts of it could not be read.
    pub unread: u64,
    /// The first of these parts, in words; empty: there is none.
    pub why: String,
    /// The keys of the slots of its records, each with how many these are.
    pub slots: BTreeMap<String, u64>,
}

/// Whose logs lie where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LedgerPlace {
    /// The place that the archive lies in, as a person would name it: its bucket or folder.
    pub place: String,
    /// What the account's folder stands in, below the place.
    pub root: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// What is known of a place on the day of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlaceDay {
    /// The kinds of logs that there are, by the names of their folders.
    pub kinds: BTreeSet<String>,
    /// When the digests end that lie there, in seconds since 1970.
    pub digests: BTreeSet<i64>,
    /// When the newest log file was made, in seconds since 1970. `None`: there is none of that day.
    pub newest: Option<i64>,
    /// When the oldest was made. `None`: there is none of that day.
    pub oldest: Option<i64>,
}

/// What readers need of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Which lake it belongs to: [`LakeIdentity::mark`](super::identity::LakeIdentity::mark).
    pub lake: String,
    /// How many objects are in.
    pub objects: u64,
    /// Their size as stored, in bytes.
    pub size_bytes: u64,
    /// Records in them.
    pub records: u64,
    /// Records without a time that can be read.
    pub without_time: u64,
    /// Parts of objects that could not be read.
    pub unread_count: u64,
    /// The first of these objects, each with its part in words.
    pub unread: Vec<(String, String)>,
    /// The SHA-256 of the list of objects, in hexadecimal digits.
    pub digest: String,
    /// The places.
    pub places: Vec<(LedgerPlace, PlaceDay)>,
    /// The keys of the slots that have records of these objects, each with how many these are: so many it has at least.
    pub slots: BTreeMap<String, u64>,
}

/// Objects that are named in a head.
const NAMED_MAX: usize = 20;

/// A ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Which lake it belongs to: [`LakeIdentity::mark`](super::identity::LakeIdentity::mark).
    pub lake: String,
    /// The objects that are in.
    pub entries: BTreeMap<Source, Entry>,
    /// What is known of each place.
    pub places: BTreeMap<LedgerPlace, PlaceDay>,
}

impl Ledger {
    /// Tells whether an object is in.
    pub fn has(&self, source: &Source) -> bool {
        self.entries.contains_key(source)
    }

    /// Adds what another one knows; tells whether that changed anything.
    pub fn extend(&mut self, other: &Self) -> bool {
        let before = (self.entries.len(), self.places.clone());
        for (source, entry) in &other.entries {
            self.entries.entry(source.clone()).or_insert_with(|| entry.clone());
        }
        for (place, day) in &other.places {
            let own = self.places.entry(place.clone()).or_default();
            own.kinds.extend(day.kinds.iter().cloned());
            own.digests.extend(&day.digests);
            own.newest = own.newest.max(day.newest);
            own.oldest = [own.oldest, day.oldest].into_iter().flatten().min();
        }
        before != (self.entries.len(), self.places.clone())
    }

    fn head(&self) -> LedgerHead {
        let sum = |of: fn(&Entry) -> u64| self.entries.values().map(of).sum();
        // What was mended since is no gap any more.
        let whole: BTreeSet<&str> =
            self.entries.iter().filter(|(_, entry)| entry.unread == 0).map(|(source, _)| source.key.as_str()).collect();
        let is_open = |(source, entry): &(&Source, &Entry)| entry.unread > 0 && !whole.contains(source.key.as_str());
        let unread: Vec<(&Source, &Entry)> = self.entries.iter().filter(is_open).collect();
        LedgerHead {
            lake: self.lake.clone(),
            objects: self.entries.len() as u64,
            size_bytes: sum(|entry| entry.size_bytes),
            records: sum(|entry| entry.records),
            without_time: sum(|entry| entry.without_time),
            unread_count: unread.iter().map(|(_, entry)| entry.unread).sum(),
            unread: unread
                .iter()
                .take(NAMED_MAX)
                .map(|(source, entry)| (source.key.clone(), entry.why.clone()))
                .collect(),
            digest: hex(&sha256(self.list().as_bytes())),
            slots: self.slots(),
            places: self.places.iter().map(|(place, day)| (place.clone(), day.clone())).collect(),
        }
    }

    fn slots(&self) -> BTreeMap<String, u64> {
        let mut slots: BTreeMap<String, u64> = BTreeMap::new();
        for (slot, records) in self.entries.values().flat_map(|entry| &entry.slots) {
            *slots.entry(slot.clone()).or_default() += records;
        }
        slots
    }

    /// A line for each object: a JSON list of its key, its tag and what is known of it.
    fn list(&self) -> String {
        let line = |(source, entry): (&Source, &Entry)| {
            let Entry { size_bytes, records, without_time, unread, why, slots } = entry;
            serde_json::json!([source.key, source.tag, size_bytes, records, without_time, unread, why, slots])
                .to_string()
                + "\n"
        };
        self.entries.iter().map(line).collect()
    }

    /// Returns the ledger as it is stored.
    ///
    /// # Errors
    /// In words, where it cannot be compressed.
    pub fn to_bytes(&self) -> Result<Bytes, String> {
        let head = serde_json::to_string(&self.head()).map_err(|error| error.to_string())?;
        let (head, list) = (pack(head.as_bytes())?, pack(self.list().as_bytes())?);
        let mut bytes = format!("{MAGIC} {FORMAT} {} {}\n", head.len(), list.len()).into_bytes();
        bytes.extend(head);
        bytes.extend(list);
        Ok(bytes.into())
    }

    /// Reads a ledger as it was stored.
    ///
    /// # Errors
    /// In words, where it is none, or a newer one.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let first = FirstLine::of(bytes)?;
        let head = LedgerHead::of_bytes(bytes)?;
        let list = bytes.get(first.head_end()..).filter(|list| list.len() == first.list_bytes).ok_or(CUT_OFF)?;
        let list = unpack(list, LIST_BYTES_MAX)?;
        if hex(&sha256(list.as_bytes())) != head.digest {
            return Err("the list of its objects is not the one of its head".to_owned());
        }
        let mut entries = BTreeMap::new();
        for line in list.lines() {
            let (key, tag, size_bytes, records, without_time, unread, why, slots) =
                serde_json::from_str(line).map_err(|error| error.to_string())?;
            entries.insert(Source { key, tag }, Entry { size_bytes, records, without_time, unread, why, slots });
        }
        Ok(Self { lake: head.lake, entries, places: head.places.into_iter().collect() })
    }
}

impl LedgerHead {
    /// Reads the head of a ledger, and not the list behind it.
    ///
    /// # Errors
    /// In words, where it cannot be read, is no ledger, or a newer one.
    pub async fn open(opened: &dyn Opened) -> Result<Self, String> {
        let read = async |end: u64| opened.read(0..end).await.map_err(|fault| fault.to_string());
        let size = opened.size_bytes();
        let start = read(HEAD_BYTES.min(size)).await?;
        if FirstLine::of(&start)?.end() != size {
            return Err(CUT_OFF.to_owned());
        }
        let reach = Self::reach(&start)? as u64;
        if reach <= start.len() as u64 {
            return Self::of_bytes(&start);
        }
        Self::of_bytes(&read(reach.min(size)).await?)
    }

    /// Returns how many bytes of a ledger its head takes, from the beginning of the file.
    ///
    /// # Errors
    /// In words, where it is no ledger, or a newer one.
    pub fn reach(bytes: &[u8]) -> Result<usize, String> {
        Ok(FirstLine::of(bytes)?.head_end())
    }

    /// Reads the head of a ledger.
    ///
    /// # Errors
    /// In words, where it is no ledger, or a newer one.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let first = FirstLine::of(bytes)?;
        let head = bytes.get(first.line_bytes..first.head_end()).ok_or(CUT_OFF)?;
        serde_json::from_str(&unpack(head, HEAD_BYTES_MAX)?).map_err(|error| error.to_string())
    }
}

const CUT_OFF: &str = "it is cut off";
const OTHER_FORMAT: &str = "its format is";

/// Tells whether bytes are a ledger of another format, which this program cannot judge.
pub(super) fn is_of_other_format(bytes: &[u8]) -> bool {
    FirstLine::of(bytes).is_err_and(|why| why.starts_with(OTHER_FORMAT))
}

/// What the first line says: where what is.
struct FirstLine {
    line_bytes: usize,
    head_bytes: usize,
    list_bytes: usize,
}

impl FirstLine {
    fn of(bytes: &[u8]) -> Result<Self, String> {
        let start = bytes.get(..bytes.len().min(LINE_BYTES_MAX)).unwrap_or_default();
        let end = start.iter().position(|byte| *byte == b'\n').ok_or("it is no ledger")?;
        let line = std::str::from_utf8(&start[..end]).map_err(|_| "it is no ledger")?;
        let rest = line.strip_prefix(MAGIC).ok_or("it is no ledger")?;
        let numbers: Option<Vec<usize>> = rest.split_ascii_whitespace().map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some([format, ..]) if *format != FORMAT as usize => {
                Err(format!("{OTHER_FORMAT} {format}, and this program knows {FORMAT}"))
            }
            Some([_, head_bytes, list_bytes]) => {
                Ok(Self { line_bytes: end + 1, head_bytes: *head_bytes, list_bytes: *list_bytes })
            }
            _ => Err("it is no ledger".to_owned()),
        }
    }

    fn head_end(&self) -> usize {
        self.line_bytes.saturating_add(self.head_bytes)
    }

    /// Returns how many bytes the file has.
    fn end(&self) -> u64 {
        self.head_end().saturating_add(self.list_bytes) as u64
    }
}

/// Returns the slots that should have more records than they have, each with what it lacks in words: a slot is written
/// before the ledgers, and has at least what they say. `read` has the records of each slot, by its key.
pub fn lacking<'a>(heads: impl Iterator<Item = &'a LedgerHead>, read: &BTreeMap<String, u64>) -> Vec<(String, String)> {
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (slot, records) in heads.flat_map(|head| &head.slots) {
        *expected.entry(slot).or_default() += records;
    }
    let lack = |(key, records): (&str, u64)| {
        let has = read.get(key).copied().unwrap_or_default();
        (has < records).then(|| (key.to_owned(), lacks(records, has)))
    };
    expected.into_iter().filter_map(lack).collect()
}

/// Adds files that lack something, each with why, to those that cannot be read: one that is among them stays as it is.
pub(super) fn add_lacking(unread: &mut Vec<(String, String)>, mut lacking: Vec<(String, String)>) {
    lacking.retain(|(key, _)| !unread.iter().any(|(own, _)| own == key));
    unread.extend(lacking);
}

/// Says that a slot has less than the ledgers say.
fn lacks(records: u64, read: u64) -> String {
    match read {
        0 => format!("it is not there, and the ledgers say that {records} records are in it"),
        _ => format!("it has {read} records, and the ledgers say {records} at least"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ledger(names: &[(u8, u8)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (name, tag) in names {
            let source = Source { key: format!("k\"\n{name}"), tag: tag.to_string() };
            let (unread, why) = if name % 3 == 0 { (1, "a part".to_owned()) } else { (0, String::new()) };
            let slots = BTreeMap::from([(format!("slot{}", name % 3), u64::from(*name))]);
            let entry = Entry { size_bytes: 10, records: u64::from(*name), without_time: 0, unread, why, slots };
            ledger.entries.insert(source, entry);
            let place = LedgerPlace {
                place: String::new(),
                root: String::new(),
                account: (name % 2).to_string(),
                region: "us-east-1".to_owned(),
            };
            let day = ledger.places.entry(place).or_default();
            day.digests.insert(i64::from(*tag));
            day.newest = day.newest.max(Some(i64::from(*name)));
            day.oldest = Some(day.oldest.unwrap_or(i64::from(*name)).min(i64::from(*name)));
        }
        ledger
    }

    #[test]
    fn a_ledger_that_is_cut_off_or_changed_is_none() {
        let bytes = ledger(&[(1, 1), (2, 2), (3, 3)]).to_bytes().unwrap();
        for cut in 0..bytes.len() {
            assert!(Ledger::of_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let newer = String::from_utf8_lossy(&bytes).replacen("ledger 1", "ledger 2", 1);
        assert!(Ledger::of_bytes(newer.as_bytes()).unwrap_err().contains("its format is 2"));
        assert!(Ledger::of_bytes(b"orgtrail ledger 1 99999999999999999999 1\n").is_err());
        assert!(Ledger::of_bytes(b"orgtrail ledger 1 18446744073709551615 18446744073709551615\nx").is_err());
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_and_the_order_of_additions_does_not_matter(
            a in proptest::collection::vec((0u8..20, 0u8..4), 0..20),
            b in proptest::collection::vec((0u8..20, 0u8..4), 0..20),
        ) {
            let (a, b) = (ledger(&a), ledger(&b));
            let (mut one, mut other) = (a.clone(), b.clone());
            one.extend(&b);
            other.extend(&a);
            prop_assert_eq!(&one, &other);
            prop_assert!(!one.clone().extend(&a));
            let bytes = one.to_bytes().unwrap();
            prop_assert_eq!(&Ledger::of_bytes(&bytes).unwrap(), &one);
            let head = LedgerHead::of_bytes(&bytes[..LedgerHead::reach(&bytes).unwrap()]).unwrap();
            prop_assert_eq!(head, one.head());
        }
    }
}
