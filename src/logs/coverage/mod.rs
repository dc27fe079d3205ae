//! Are logs arriving? For each account x region x kind of log, from the names of objects alone.
//!
//! [`survey`] lists; [`assess`] is pure and says what the listing means.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::ids::{AccountId, Region};
use crate::logs::finding::Window;
use crate::logs::key::{LogKind, Scope};
use crate::logs::spans::Spans;
use crate::logs::verify::Sought;

mod reason;
mod survey;

pub use reason::assess;
pub use survey::survey;

/// What a listing showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The store, as a person would name it.
    pub store: String,
    /// The time that was looked at.
    pub range: Window,
    /// The present.
    pub now: Timestamp,
    /// What was found, by account and region.
    pub places: Vec<Found>,
    /// What could not be listed, as sentences.
    pub unread: Vec<String>,
}

/// What was found for one account in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The account, the region, and where they lie.
    pub scope: Scope,
    /// The log files, by kind.
    pub logs: BTreeMap<LogKind, LogFiles>,
    /// How many digests there are.
    pub digests: u64,
    /// The hours that digests are about.
    pub digest_hours: Spans,
    /// Why the listing is not whole.
    pub problem: Option<String>,
}

/// The log files of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFiles {
    /// How many there are.
    pub count: u64,
    /// The slot of the first one.
    pub first: Option<Timestamp>,
    /// The slot of the last one.
    pub last: Option<Timestamp>,
    /// The hours that have any.
    pub hours: Spans,
    /// How long after their slot they were written.
    pub delays: Delays,
}

/// How long deliveries took, in whole minutes. A copy's times say nothing, so a folder has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delays {
    minutes: BTreeMap<u32, u64>,
}

/// The longest delay that is told apart: CloudTrail tries for 30 days to deliver.
const DELAY_MINUTES_MAX: i64 = 30 * 24 * 60;

impl Delays {
    /// Notes a delivery. A file may be written before its slot ends.
    pub fn add(&mut self, delay: SignedDuration) {
        let minutes = delay.as_mins().clamp(0, DELAY_MINUTES_MAX);
        *self.minutes.entry(u32::try_from(minutes).unwrap_or_default()).or_default() += 1;
    }

    /// Returns the delay in minutes that half of the deliveries did not pass.
    pub fn median_minutes(&self) -> Option<u32> {
        let total: u64 = self.minutes.values().sum();
        let mut seen = 0;
        self.minutes.iter().find_map(|(&minutes, &count)| {
            seen += count;
            (seen * 2 >= total).then_some(minutes)
        })
    }

    /// Returns the longest delay in minutes.
    pub fn max_minutes(&self) -> Option<u32> {
        self.minutes.keys().next_back().copied()
    }
}

/// What should be there, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The accounts that should deliver logs, with their names.
    pub accounts: BTreeMap<AccountId, ExpectedAccount>,
    /// What CloudTrail says about the trails.
    pub trails: Vec<TrailStatus>,
    /// The only region that is looked at; none for all.
    pub only: Option<Region>,
}

/// An account that should deliver logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedAccount {
    /// Its name.
    pub name: String,
    /// Whether it can be used: a suspended or closed one delivers nothing.
    pub is_active: bool,
    /// The regions that are enabled in it, where that is known.
    pub regions: Option<Vec<Region>>,
}

impl ExpectedAccount {
    /// Tells whether logs of a region should arrive: neither the account nor the region is known to be out of use.
    pub fn should_deliver(&self, region: &Region) -> bool {
        self.is_active && self.regions.as_ref().is_none_or(|regions| regions.contains(region))
    }
}

impl Expected {
    /// Returns the accounts that should deliver and of which nothing is there, each with its regions; without any when no
    /// region is known. Where an account's regions are not known, those of the other accounts stand for them.
    pub fn absent(&self, there: &BTreeSet<(AccountId, Region)>) -> Vec<(AccountId, Vec<Region>)> {
        let usual: BTreeSet<&Region> = self.only.iter().chain(there.iter().map(|(_, region)| region)).collect();
        let mut absent = Vec::new();
        for (account, known) in &self.accounts {
            let regions: Vec<&Region> = match &known.regions {
                Some(regions) => regions.iter().collect(),
                None => usual.iter().copied().collect(),
            };
            let is_missing = |region: &&Region| {
                let is_sought = self.only.as_ref().is_none_or(|only| only == *region);
                is_sought && known.should_deliver(region) && !there.contains(&(account.clone(), (*region).clone()))
            };
            let is_nowhere = regions.is_empty() && known.is_active;
            let missing: Vec<Region> = regions.into_iter().filter(is_missing).cloned().collect();
            if is_nowhere || !missing.is_empty() {
                absent.push((account.clone(), missing));
            }
        }
        absent
    }

    /// Keeps only what is sought, so that nothing else is missed.
    pub fn narrow(&mut self, sought: &Sought) {
        self.accounts.retain(|account, _| sought.account.as_ref().is_none_or(|only| only == account));
        self.only.clone_from(&sought.region);
    }
}

/// What CloudTrail says about a trail (`GetTrailStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailStatus {
    /// The trail's name.
    pub name: String,
    /// Whether it logs now.
    pub is_logging: bool,
    /// When logging was stopped last.
    pub stopped: Option<Timestamp>,
    /// When logging was started last.
    pub started: Option<Timestamp>,
    /// When a log file was delivered last.
    pub delivered: Option<Timestamp>,
    /// Why the last delivery failed.
    pub delivery_error: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The store, as a person would name it.
    pub store: String,
    /// The time that was looked at.
    pub range: Window,
    /// The present.
    pub now: Timestamp,
    /// One row an account x region x kind of log, in order.
    pub rows: Vec<Row>,
    /// What CloudTrail says about the trails.
    pub trails: Vec<TrailStatus>,
    /// What could not be listed or asked, as sentences.
    pub unread: Vec<String>,
}

/// Whether the logs of one row arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrival {
    /// Up to now, without a gap.
    Arriving,
    /// Up to now, with gaps.
    Gaps,
    /// No longer.
    Stopped,
    /// Nothing at all is there.
    Nothing,
    /// It could not be listed.
    Unread,
}

impl Arrival {
    /// Returns the word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Arrival::Arriving => "arriving",
            Arrival::Gaps => "gaps",
            Arrival::Stopped => "stopped",
            Arrival::Nothing => "nothing",
            Arrival::Unread => "unread",
        }
    }
}

/// One account x region x kind of log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The account.
    pub account: AccountId,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// The region.
    pub region: Region,
    /// The kind of log.
    pub kind: LogKind,
    /// Whether logs arrive.
    pub arrival: Arrival,
    /// The log files.
    pub files: LogFiles,
    /// How many digests there are; of management and data events only, which digests are listed with.
    pub digests: u64,
    /// The hours that digests are about.
    pub digest_hours: Spans,
    /// The times without digests, with their likely reason.
    pub gaps: Vec<Gap>,
    /// The newest moment of which something is there.
    pub newest: Option<Timestamp>,
    /// Why the listing is not whole.
    pub problem: Option<String>,
    /// Whether something should arrive: neither the account nor the region is known to be out of use.
    pub is_expected: bool,
}

/// A time without digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// From when to when.
    pub window: Window,
    /// What is the likely cause, for a person.
    pub reason: String,
    /// Whether the reason is a guess from the shape of the gaps; else CloudTrail or the organization says it.
    pub is_guess: bool,
}

impl Coverage {
    /// Returns the rows whose newest logs are older than a limit, or that have none. A range in the past is judged at
    /// its end.
    pub fn older_than(&self, limit: SignedDuration) -> impl Iterator<Item = &Row> {
        let end = self.now.min(self.range.end);
        let oldest = end.saturating_sub(limit).unwrap_or(end);
        self.rows.iter().filter(move |row| row.is_old(oldest))
    }
}

impl Row {
    fn is_old(&self, oldest: Timestamp) -> bool {
        // Only management events have digests every hour; the other kinds may well have nothing to say.
        self.is_expected && self.kind == LogKind::CloudTrail && self.newest.is_none_or(|newest| newest < oldest)
    }

    /// Returns how many whole hours of the range digests are about.
    pub fn hours_with_digest(&self) -> i64 {
        self.digest_hours.iter().map(|span| span.end.duration_since(span.start).as_hours()).sum()
    }

    /// Returns how many hours of the range, begun ones included, no digest is about.
    pub fn hours_without_digest(&self) -> i64 {
        self.gaps.iter().map(|gap| (gap.window.end.duration_since(gap.window.start).as_secs() + 3599) / 3600).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_deliveries_are_no_slower_than_the_median() {
        let mut delays = Delays::default();
        assert_eq!((delays.median_minutes(), delays.max_minutes()), (None, None));
        [-3, 4, 5, 6, 90].into_iter().for_each(|minutes| delays.add(SignedDuration::from_mins(minutes)));
        assert_eq!((delays.median_minutes(), delays.max_minutes()), (Some(5), Some(90)));
    }
}
