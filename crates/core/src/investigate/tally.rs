//! Counting in bounded memory: each event once, the most frequent texts, when the first and the last was.

use std::cmp::Reverse;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use jiff::Timestamp;

use crate::event::Record;

/// How many events are remembered, so that none counts twice: 8 bytes each, and as much again for the table.
const SEEN_MAX: usize = 1_000_000;
/// How many different texts are counted.
const COUNTED_MAX: usize = 10_000;
/// What a counted text is cut off at, in bytes: user agents have at most 1 KB (CloudTrail user guide, "CloudTrail
/// record contents"), and the first words tell the program.
const TEXT_BYTES_MAX: usize = 512;

/// The events that were counted.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenEvents {
    hashes: HashSet<u64>,
    is_full: bool,
}

/// Texts with how often each was there.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    all: BTreeMap<String, u64>,
    /// How many came after [`COUNTED_MAX`] different ones were known.
    lost: u64,
}

/// The most frequent of some texts, and how many others there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranking {
    /// The most frequent first, each with its number of records.
    pub first: Vec<(String, u64)>,
    /// How many other texts there are.
    pub others: usize,
    /// How many records have one of the others.
    pub others_records: u64,
    /// There are more texts than were counted: the others are more, and among them may be a frequent one.
    pub is_cut: bool,
}

/// When the first and the last of some events were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

impl SeenEvents {
    /// Tells whether an event is there for the first time. The two records of a call between accounts are one event,
    /// and so are a record and the one that replaces it; but of two that do not say the same of when it was or how it
    /// ended each counts.
    pub(super) fn is_new(&mut self, record: &Record<'_>) -> bool {
        let replaced = record.addendum.as_ref().and_then(|addendum| addendum.original_event_id.as_deref());
        let own = record.shared_event_id.as_deref().or(replaced).or(record.event_id.as_deref());
        // An event without an id cannot be known again.
        let Some(id) = own.filter(|id| !id.is_empty()) else { return true };
        let hash = hash(&(id, record.event_time, record.event_name.as_deref(), record.error_code.as_deref()));
        if self.hashes.len() < SEEN_MAX {
            return self.hashes.insert(hash);
        }
        let is_new = !self.hashes.contains(&hash);
        self.is_full |= is_new;
        is_new
    }

    /// Returns how many events are not among others.
    pub(super) fn count_beside(&self, others: &Self) -> u64 {
        self.hashes.difference(&others.hashes).count() as u64
    }

    /// Tells whether there were more events than are remembered: one that was delivered twice may count twice.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Counts {
    pub(super) fn add(&mut self, text: Option<&str>) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let text = cut(text);
        if self.all.len() >= COUNTED_MAX && !self.all.contains_key(&text) {
            self.lost += 1;
            return;
        }
        *self.all.entry(text).or_default() += 1;
    }

    /// Returns the most frequent texts; of equally frequent ones those first that come first in the alphabet.
    pub(super) fn ranking(&self, most: usize) -> Ranking {
        let mut all: Vec<(String, u64)> = self.all.iter().map(|(text, count)| (text.clone(), *count)).collect();
        all.sort_by_key(|(_, count)| Reverse(*count));
        let others = all.split_off(most.min(all.len()));
        let others_records: u64 = others.iter().map(|(_, count)| count).sum();
        let others_records = others_records + self.lost;
        Ranking { first: all, others: others.len(), others_records, is_cut: self.lost > 0 }
    }
}

impl Period {
    /// Takes a time up into a period that may not have begun.
    pub(super) fn extend(period: &mut Option<Self>, time: Timestamp) {
        *period = Some(match *period {
            Some(Self { first, last }) => Self { first: first.min(time), last: last.max(time) },
            None => Self { first: time, last: time },
        });
    }
}

/// Returns a number for a text or some values, the same in every run.
pub(super) fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Returns a text, cut off where it is long: one hostile record must not fill a report.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT_BYTES_MAX)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_the_rest_is_counted() {
        let mut counts = Counts::default();
        for text in ["b", "a", "c", "b", "", "d"] {
            counts.add(Some(text));
        }
        counts.add(None);
        let expected = Ranking {
            first: vec![("b".to_owned(), 2), ("a".to_owned(), 1)],
            others: 2,
            others_records: 2,
            is_cut: false,
        };
        assert_eq!(counts.ranking(2), expected);
        for n in 0..COUNTED_MAX + 5 {
            counts.add(Some(&n.to_string()));
        }
        let cut = counts.ranking(1);
        assert!(cut.is_cut && cut.others == COUNTED_MAX - 1, "{cut:?}");
        assert_eq!(cut.others_records + 2, 5 + COUNTED_MAX as u64 + 5, "none is lost");
    }

    #[test]
    fn an_event_counts_once_in_all_its_records() {
        let mut seen = SeenEvents::default();
        let mut is_new = |text: &str| seen.is_new(&Record::read(text).unwrap());
        assert!(is_new(r#"{"eventID":"a"}"#) && !is_new(r#"{"eventID":"a"}"#));
        assert!(is_new(r#"{"eventID":"b","sharedEventID":"s"}"#) && !is_new(r#"{"eventID":"c","sharedEventID":"s"}"#));
        assert!(!is_new(r#"{"eventID":"d","addendum":{"reason":"UPDATED_DATA","originalEventID":"a"}}"#));
        assert!(is_new("{}") && is_new("{}"), "what has no id is never the same");
        // Two records of one event that do not say the same are both there, in any order.
        let refused = r#"{"eventID":"a","errorCode":"AccessDenied"}"#;
        assert!(is_new(refused) && !is_new(refused));
        assert!(is_new(r#"{"eventID":"a","eventTime":"2026-11-20T10:00:00Z"}"#));
    }
}
