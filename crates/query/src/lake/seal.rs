//! Seals: what was proved of the deliveries of a day, and which ledgers had all of them then.
//!
//! A seal is of a day of delivery, as digests are: the log files that CloudTrail signed as delivered on that day are
//! what they were, and are in the lake. It holds as long as the ledgers of the day are those that it names: a log file
//! that comes later opens the day again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::identity::LakeError;
use super::layout::LedgerId;
use super::ledger::LedgerHead;
use super::store::{Condition, LakeStore, Written};

/// The folder of the seals.
pub const SEALED: &str = "sealed/";
/// The format of a seal.
const FORMAT: u32 = 1;
/// How often a write is begun again that another writer was quicker than.
const TRIES: u32 = 5;

/// What was proved of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The format of the file.
    pub format: u32,
    /// The day of delivery, UTC.
    pub day: Date,
    /// When it was proved.
    pub proved_at: Timestamp,
    /// The accounts and regions all of whose hours of the day are attested, from the first digest of a chain on.
    pub attested: BTreeSet<(String, String)>,
    /// Those of whose hours one is not, each with how it stands.
    pub others: BTreeMap<String, String>,
    /// The digest of each ledger of the day, by the number of its share of the accounts.
    pub ledgers: BTreeMap<u16, String>,
}

impl Seal {
    /// Returns the seal of a day of which nothing is proved yet.
    pub fn of(day: Date, proved_at: Timestamp) -> Self {
        let (attested, others, ledgers) = Default::default();
        Self { format: FORMAT, day, proved_at, attested, others, ledgers }
    }

    /// Returns the key of the seal of a day, below the lake's prefix.
    pub fn key(day: Date) -> String {
        format!("{SEALED}day={day}.json")
    }

    /// Returns the day of the key of a seal. `None`: it is the key of none.
    pub fn day_of(key: &str) -> Option<Date> {
        let day = key.strip_prefix(SEALED)?.strip_prefix("day=")?.strip_suffix(".json")?.parse().ok()?;
        (Self::key(day) == key).then_some(day)
    }

    /// Tells whether all accounts and regions of the day are attested.
    pub fn is_whole(&self) -> bool {
        self.others.is_empty() && !self.attested.is_empty()
    }

    /// Tells whether a share of the accounts still has what it had.
    pub fn holds(&self, id: &LedgerId, head: &LedgerHead) -> bool {
        id.day == self.day && self.ledgers.get(&id.number) == Some(&head.digest)
    }

    /// Reads the seal of a day. `None`: there is none.
    ///
    /// # Errors
    /// Where it cannot be read, or is of a newer format.
    pub async fn read(store: &dyn LakeStore, day: Date) -> Result<Option<Self>, LakeError> {
        let key = Self::key(day);
        let found = store.get(&key).await.map_err(|fault| LakeError::fault(store, &key, fault))?;
        let Some(stored) = found else { return Ok(None) };
        let bad = |why: String| LakeError::Damaged { place: store.name(), key: key.clone(), why };
        let seal: Self = serde_json::from_slice(&stored.bytes).map_err(|error| bad(error.to_string()))?;
        match seal.format {
            FORMAT => Ok(Some(seal)),
            other => Err(bad(format!("its format is {other}, and this program knows {FORMAT}"))),
        }
    }

    /// Writes the seal, in place of an earlier one of the same day.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn write(&self, store: &dyn LakeStore) -> Result<(), LakeError> {
        let key = Self::key(self.day);
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        for _ in 0..TRIES {
            let seen = store.get(&key).await.map_err(|fault| LakeError::fault(store, &key, fault))?;
            let condition = Condition::unchanged(seen.as_ref());
            let written = store.put(&key, text.clone().into(), &condition).await;
            if written.map_err(|fault| LakeError::fault(store, &key, fault))? == Written::Done {
                return Ok(());
            }
        }
        Err(LakeError::Contended { place: store.name(), key, times: TRIES })
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::FolderLake;
    use super::*;

    #[tokio::test]
    async fn a_seal_holds_as_long_as_the_ledgers_are_those_that_it_names() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path());
        let day = Date::constant(2026, 11, 20);
        assert_eq!(Seal::read(&lake, day).await.unwrap(), None);
        let mut seal = Seal::of(day, "2026-11-22T00:00:00Z".parse().unwrap());
        assert!(!seal.is_whole(), "nothing is proved of nothing");
        seal.attested.insert(("111111111111".to_owned(), "us-east-1".to_owned()));
        seal.ledgers.insert(3, "abc".to_owned());
        seal.write(&lake).await.unwrap();
        let read = Seal::read(&lake, day).await.unwrap().unwrap();
        assert_eq!((&read, read.is_whole()), (&seal, true));
        let head = |digest: &str| LedgerHead { digest: digest.to_owned(), ..LedgerHead::default() };
        let id = |number| LedgerId { day, number };
        assert!(read.holds(&id(3), &head("abc")));
        assert!(!read.holds(&id(3), &head("abd")) && !read.holds(&id(2), &head("abc")));
        seal.others.insert("222222222222/us-east-1".to_owned(), "UNPROVEN".to_owned());
        seal.write(&lake).await.unwrap();
        assert!(!Seal::read(&lake, day).await.unwrap().unwrap().is_whole());
        std::fs::write(root.path().join(Seal::key(day)), "{}").unwrap();
        assert!(matches!(Seal::read(&lake, day).await, Err(LakeError::Damaged { .. })));
    }
}
