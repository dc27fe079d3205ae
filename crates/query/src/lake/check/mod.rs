//! Slots against the log objects that they were made of.
//!
//! For each slot the objects of its list are read again. Each record that belongs into the slot must be there once,
//! each row must be a record of one of them, its columns what the record says; and the objects must be what they were.
//! Each object that a ledger names must be in the slots of its events.

mod compare;
mod day;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::StreamExt;
use jiff::ToSpan;
use jiff::civil::Date;
use orgtrail_archive::archive::listing::Archive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::{LakeError, LakeIdentity};
use super::layout::{DAY, EVENTS, LEDGER, LedgerId, SlotId, number_of, untimed};
use super::store::LakeStore;
use day::Checker;

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Records of an object are not in the slot.
    Missing,
    /// A row is a record of no object.
    Foreign,
    /// A row names another object than the first one that has its record.
    Origin,
    /// Columns of a row are not what its record says.
    Columns,
    /// Rows are out of order, or there twice.
    Order,
    /// The footer says something else than what is there.
    Footer,
    /// An object is not in the archive any more.
    SourceGone,
    /// An object has other content than it had.
    SourceChanged,
    /// An object that the ledger names is not in the slots of its events.
    NotInSlot,
    /// A file of the lake cannot be read.
    Damaged,
}

impl DifferenceKind {
    /// Returns what it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "records are missing",
            Self::Foreign => "no log object has this row",
            Self::Origin => "another log object has this row first",
            Self::Columns => "columns are not what the record says",
            Self::Order => "the order is wrong",
            Self::Footer => "the footer is wrong",
            Self::SourceGone => "a log object is not in the archive any more",
            Self::SourceChanged => "a log object has other content than it had",
            Self::NotInSlot => "a log object of the ledger is not in the slots of its events",
            Self::Damaged => "the file cannot be read",
        }
    }
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The slot or ledger.
    pub file: String,
    /// What is different.
    pub kind: DifferenceKind,
    /// The log object, event or number, in words.
    pub what: String,
}

/// Differences, and things that were not checked, that are named.
const NAMED_MAX: usize = 1_000;

/// Days that are looked at although nothing of them is in.
const EMPTY_DAYS_MAX: usize = 400;

/// What is to be checked.
#[derive(Debug, Clone)]
pub struct Check {
    /// The archive.
    pub archive: Arc<Archive>,
    /// The first and the last day of events, UTC.
    pub days: (Date, Date),
    /// The accounts. `None`: all.
    pub accounts: Option<BTreeSet<String>>,
    /// How many bytes may be used to remember which events a slot has to have. A slot with more is checked in parts,
    /// for each of which its objects are read again.
    pub memory_bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LakeCheck {
    /// Slots that were compared.
    pub slots: u64,
    /// Rows in them.
    pub rows: u64,
    /// Log objects in them that were read, each counted once.
    pub objects: u64,
    /// Ledgers that were looked at.
    pub ledgers: u64,
    /// Log objects of these days that are in no ledger although they were there at the last update.
    pub waiting: u64,
    /// The differences: the first of them.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub difference_count: u64,
    /// What could not be checked, each with why: the first of it.
    pub unchecked: Vec<(String, String)>,
    /// How much there is.
    pub unchecked_count: u64,
    /// Files among the slots and ledgers of these days that are none of them: the first of them.
    pub foreign: Vec<String>,
    /// How many there are.
    pub foreign_count: u64,
}

impl LakeCheck {
    /// Tells whether everything was checked, and nothing lies there that is none of the lake's.
    pub fn is_whole(&self) -> bool {
        self.unchecked_count == 0 && self.waiting == 0 && self.foreign_count == 0
    }

    fn differs(&mut self, file: String, kind: DifferenceKind, what: String) {
        self.difference_count += 1;
        if self.differences.len() < NAMED_MAX {
            self.differences.push(Difference { file, kind, what });
        }
    }

    fn unchecked(&mut self, name: String, why: String) {
        self.unchecked_count += 1;
        if self.unchecked.len() < NAMED_MAX {
            self.unchecked.push((name, why));
        }
    }
}

impl Check {
    /// Checks the slots and ledgers of the days; `told` is called with how many of them are done, how many there are,
    /// and what was found so far.
    ///
    /// # Errors
    /// Where the lake cannot be listed. What goes wrong with single files and objects is part of the answer.
    pub async fn run(
        &self,
        store: &Arc<dyn LakeStore>,
        identity: &LakeIdentity,
        told: &(dyn Fn(u64, u64, &LakeCheck) + Sync),
    ) -> Result<LakeCheck, LakeError> {
        let mut foreign = Vec::new();
        let slots = self.slots(store.as_ref(), identity, &mut foreign).await?;
        let ledgers = self.ledgers(store.as_ref(), identity, &mut foreign).await?;
        let mut days: BTreeSet<Date> = slots.iter().map(|id| id.day).chain(ledgers.iter().map(|id| id.day)).collect();
        // Days without anything are looked at too: their objects may not be in.
        days.extend(self.days.0.series(1.day()).take_while(|day| *day <= self.days.1).take(EMPTY_DAYS_MAX));
        let total = (slots.len() + ledgers.len()) as u64;
        let mut checker = Checker::new(self, store, identity).await;
        checker.checked.foreign_count = foreign.len() as u64;
        foreign.truncate(NAMED_MAX);
        checker.checked.foreign = foreign;
        let mut done = 0;
        for day in days {
            for id in slots.iter().filter(|id| id.day == day) {
                Box::pin(checker.slot(*id)).await;
                done += 1;
                told(done, total, &checker.checked);
            }
            for id in ledgers.iter().filter(|id| id.day == day) {
                Box::pin(checker.ledger(*id)).await;
                done += 1;
                told(done, total, &checker.checked);
            }
            checker.end_day(day).await;
        }
        let whole = self.days.0.series(1.day()).take_while(|day| *day <= self.days.1).take(EMPTY_DAYS_MAX + 1).count();
        if whole > EMPTY_DAYS_MAX {
            let why = format!("days without anything in the lake are looked at for {EMPTY_DAYS_MAX} days only");
            checker.checked.unchecked(format!("days from {} to {}", self.days.0, self.days.1), why);
        }
        if checker.checked.slots + checker.checked.ledgers == 0 {
            let why = "the lake has nothing of these days, so that nothing was compared".to_owned();
            checker.checked.unchecked(format!("days from {} to {}", self.days.0, self.days.1), why);
        }
        Ok(checker.checked)
    }

    fn has(&self, day: Date, number: u16, slots: u16) -> bool {
        let is_asked = |accounts: &BTreeSet<String>| accounts.iter().any(|id| number_of(id, slots) == number);
        (self.days.0..=self.days.1).contains(&day) && self.accounts.as_ref().is_none_or(is_asked)
    }

    /// Tells whether a file that is none of the lake's lies where this check looks: not in the folder of another day.
    fn meets(&self, folder: &str, key: &str) -> bool {
        let of_day = key.strip_prefix(folder).and_then(|rest| rest.strip_prefix(DAY)?.split_once('/'));
        let day: Option<Date> = of_day.and_then(|(day, _)| day.parse().ok());
        day.is_none_or(|day| day == untimed() || (self.days.0..=self.days.1).contains(&day))
    }

    async fn slots(
        &self,
        store: &dyn LakeStore,
        identity: &LakeIdentity,
        foreign: &mut Vec<String>,
    ) -> Result<Vec<SlotId>, LakeError> {
        let mut found = Vec::new();
        let mut listed = store.list(EVENTS);
        while let Some(one) = listed.next().await {
            let one = one.map_err(|fault| LakeError::fault(store, EVENTS, fault))?;
            match SlotId::parse(&one.key).filter(|id| id.number < identity.slots) {
                Some(id) => {
                    // Events without a time belong to no day that could be named, and are looked at with every check.
                    let day = if id.day == untimed() { self.days.0 } else { id.day };
                    found.extend(Some(id).filter(|id| self.has(day, id.number, identity.slots)));
                }
                None => foreign.extend(Some(one.key).filter(|key| self.meets(EVENTS, key))),
            }
        }
        Ok(found)
    }

    async fn ledgers(
        &self,
        store: &dyn LakeStore,
        identity: &LakeIdentity,
        foreign: &mut Vec<String>,
    ) -> Result<Vec<LedgerId>, LakeError> {
        let mut found = Vec::new();
        let mut listed = store.list(LEDGER);
        while let Some(one) = listed.next().await {
            let one = one.map_err(|fault| LakeError::fault(store, LEDGER, fault))?;
            match LedgerId::parse(&one.key).filter(|id| id.number < identity.slots) {
                Some(id) => found.extend(Some(id).filter(|id| self.has(id.day, id.number, identity.slots))),
                None => foreign.extend(Some(one.key).filter(|key| self.meets(LEDGER, key))),
            }
        }
        Ok(found)
    }
}
