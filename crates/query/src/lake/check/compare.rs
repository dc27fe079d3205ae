//! One slot against the records of its objects. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use orgtrail_archive::archive::inflate::sha256;

use super::super::slot::{Row, SCHEMA, Slot, SlotError, Source, Sources};
use super::DifferenceKind;

/// What is different, and of what.
pub(super) type Differing = (DifferenceKind, String);

/// The beginning of the SHA-256 of an event: account, region, kind and record.
type Hash = u128;

/// About what a record costs in memory while it is looked for, in bytes.
pub(super) const BYTES_A_RECORD: u64 = 64;

fn hash(row: &Row) -> Hash {
    let kind = row.kind.map(|kind| kind.folder()).unwrap_or_default();
    let mut text = Vec::with_capacity(row.record.len() + 64);
    for part in [row.delivered.account.as_str(), row.delivered.region.as_str(), kind, row.record.as_str()] {
        text.extend((part.len() as u64).to_be_bytes());
        text.extend(part.as_bytes());
    }
    sha256(&text).iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
}

/// What the objects of a slot have for it.
pub(super) struct Expected {
    /// The objects of the slot, in order.
    objects: Vec<(Source, u64)>,
    /// Those whose records were had.
    is_read: Vec<bool>,
    counts: Vec<u64>,
    /// Event -> the first object that has it, and whether the slot has it.
    events: HashMap<Hash, (usize, bool)>,
    /// Which part of the events this is about: those whose hash modulo the second number is the first.
    part: (u64, u64),
    /// The accounts that are asked about. `None`: all.
    accounts: Option<BTreeSet<String>>,
}

/// Tells whether an event is part of a part.
fn is_part((number, of): (u64, u64), hash: Hash) -> bool {
    hash % u128::from(of.max(1)) == u128::from(number)
}

/// What a slot has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Compared {
    /// Rows of the slot.
    pub rows: u64,
    /// Those of objects that could not be read, so that it is not known whether they are right.
    pub unchecked_rows: u64,
    pub found: Vec<Differing>,
}

impl Expected {
    pub(super) fn new(sources: &Sources, part: (u64, u64), accounts: Option<BTreeSet<String>>) -> Self {
        let objects: Vec<(Source, u64)> = sources.iter().map(|(source, records)| (source.clone(), records)).collect();
        let (is_read, counts) = (vec![false; objects.len()], vec![0; objects.len()]);
        Self { objects, is_read, counts, events: HashMap::new(), part, accounts }
    }

    /// Adds the records of an object, by its number, that belong into the slot.
    pub(super) fn add<'a>(&mut self, number: usize, rows: impl Iterator<Item = &'a Row>) {
        for row in rows {
            self.counts[number] += 1;
            let hash = hash(row);
            if is_part(self.part, hash) {
                let (first, _) = self.events.entry(hash).or_insert((number, false));
                *first = (*first).min(number);
            }
        }
        self.is_read[number] = true;
    }

    /// Compares a slot. What needs no objects is said with the first part.
    ///
    /// # Errors
    /// Where the slot is damaged.
    pub(super) fn compare(mut self, slot: &Slot) -> Result<Compared, SlotError> {
        let mut compared = Compared::default();
        let is_first = self.part.0 == 0;
        let is_current = slot.footer.schema == SCHEMA;
        let mut previous: Option<Row> = None;
        let (mut kept, mut out_of_order) = (0u64, 0u64);
        let mut found = Vec::new();
        let (part, objects, accounts) = (self.part, &self.objects, &self.accounts);
        let events = &mut self.events;
        let unread: HashSet<String> = {
            let keys = self.objects.iter().zip(&self.is_read).filter(|(_, is_read)| !**is_read);
            keys.map(|((source, _), _)| source.key.clone()).collect()
        };
        let mut unchecked = 0;
        let mut look = |row: Row, are_columns_right: bool| {
            kept += 1;
            if is_first && is_current && !are_columns_right {
                found.push((DifferenceKind::Columns, shown(&row)));
            }
            let is_behind = previous.as_ref().is_none_or(|last| last.order(&row).is_lt() && !last.is_again(&row));
            out_of_order += u64::from(!is_behind);
            let is_asked = accounts.as_ref().is_none_or(|accounts| accounts.contains(&row.delivered.account));
            let hash = hash(&row);
            if is_asked && is_part(part, hash) {
                match events.get_mut(&hash) {
                    Some((first, is_in)) => {
                        *is_in = true;
                        let is_own = objects[*first].0.key == row.delivered.key;
                        if !is_own && !unread.contains(&row.delivered.key) {
                            found.push((DifferenceKind::Origin, shown(&row)));
                        }
                    }
                    None if unread.contains(&row.delivered.key) => unchecked += 1,
                    None => found.push((DifferenceKind::Foreign, shown(&row))),
                }
            }
            previous = Some(row);
        };
        match is_current {
            true => slot.check_rows(&mut look)?,
            false => slot.rows()?.try_for_each(|row| row.map(|row| look(row, true)))?,
        }
        (compared.rows, compared.unchecked_rows, compared.found) = (kept, unchecked, found);
        self.missing(&mut compared);
        if is_first {
            if out_of_order > 0 {
                let why = format!("{out_of_order} of {kept} rows are out of order, or there twice");
                compared.found.push((DifferenceKind::Order, why));
            }
            self.footer(slot, kept, &mut compared);
        }
        Ok(compared)
    }

    fn missing(&self, compared: &mut Compared) {
        let mut lost: Vec<u64> = vec![0; self.objects.len()];
        for (first, _) in self.events.values().filter(|(_, is_in)| !is_in) {
            lost[*first] += 1;
        }
        for (number, count) in lost.iter().enumerate().filter(|(_, count)| **count > 0) {
            let key = &self.objects[number].0.key;
            compared.found.push((DifferenceKind::Missing, format!("{count} of {key}")));
        }
    }

    fn footer(&self, slot: &Slot, kept: u64, compared: &mut Compared) {
        let own = &slot.footer;
        let mut say = |what: String| compared.found.push((DifferenceKind::Footer, what));
        let read: u64 = self.objects.iter().map(|(_, records)| records).sum();
        let numbers = [
            ("rows", own.kept, kept),
            ("records read", own.read, read),
            ("duplicates", own.duplicates, read.saturating_sub(kept)),
            ("objects", own.sources, self.objects.len() as u64),
        ];
        for (what, says, is) in numbers.into_iter().filter(|(_, says, is)| says != is) {
            say(format!("it says {says} {what}, and there are {is}"));
        }
        for (number, (source, records)) in self.objects.iter().enumerate() {
            let is = self.counts[number];
            if self.is_read[number] && is != *records {
                say(format!("it says {records} records of {}, and there are {is}", source.key));
            }
        }
    }
}

impl std::fmt::Debug for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Expected").field("objects", &self.objects.len()).field("part", &self.part).finish()
    }
}

/// Names a row.
fn shown(row: &Row) -> String {
    let id = row.json().get("eventID").and_then(|id| id.text()).unwrap_or_default();
    format!("event {id} of {}", row.delivered.key)
}
