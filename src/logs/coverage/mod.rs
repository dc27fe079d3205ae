//! Are logs arriving? For each account x region x kind of log, from the names of objects alone.
//!
//! [`survey`] lists; [`assess`] is pure and says what the listing means.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::archive::find::ScopeFilter;
use crate::ids::{AccountId, Region, TrailName};
use crate::log_path::{ChainScope, LogKind, LogRoot};
use crate::logs::expected::{Expected, TrailDestination, TrailStatus};
use crate::logs::finding::TimeRange;
use crate::logs::time_set::TimeSet;

pub mod config;
mod quiet;
mod reason;
mod rows;
mod survey;

pub use config::{ConfigArrival, ConfigRow};
pub use quiet::NewestDigests;
pub use reason::assess;
pub use survey::survey;

/// What a listing showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The places, as a person would name them.
    pub store: String,
    /// The time that was looked at.
    pub range: TimeRange,
    /// The present.
    pub now: Timestamp,
    /// What was asked for: one account or region, or all.
    pub sought: ScopeFilter,
    /// What was found, by account, region and layout.
    pub places: Vec<ScopeLogs>,
    /// Where accounts have a folder of AWS Config, with the number of the place that was listed.
    pub config: BTreeSet<(usize, LogRoot, AccountId)>,
    /// What could not be listed, as sentences.
    pub unread: Vec<String>,
}

/// What was found for one account in one region, in one layout of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLogs {
    /// The place, as a person would name it.
    pub store: String,
    /// The place's bucket; not set for a copy.
    pub bucket: Option<String>,
    /// The account, the region, and where they lie.
    pub scope: ChainScope,
    /// The log files, by kind.
    pub logs: BTreeMap<LogKind, LogFiles>,
    /// The digests, by trail and its home region.
    pub trails: BTreeMap<(TrailName, Region), TrailDigests>,
    /// What the digests list, where there are some and no log file; not set where it was not asked.
    pub listed: Option<ListedLogs>,
    /// What the newest digests list, where log files ended before them; not set where it was not asked.
    pub newest_digests: Option<NewestDigests>,
    /// Why the listing is not whole; none where it is.
    pub problem: Option<String>,
}

/// What digests say of the log files of the range, as they lie there: unproved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedLogs {
    /// How many they list.
    Files(u64),
    /// Why it is not known.
    Unread(String),
}

/// The digests of one trail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrailDigests {
    /// How many there are.
    pub count: u64,
    /// The hours that they are about.
    pub hours: TimeSet,
}

/// The log files of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFiles {
    /// How many there are.
    pub count: u64,
    /// Their bytes, as stored.
    pub bytes: u64,
    /// The slot of the first one; none where there is none.
    pub first: Option<Timestamp>,
    /// The slot of the last one; none where there is none.
    pub last: Option<Timestamp>,
    /// The hours that have any.
    pub hours: TimeSet,
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

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The places, as a person would name them.
    pub store: String,
    /// The time that was looked at.
    pub range: TimeRange,
    /// The present.
    pub now: Timestamp,
    /// What was asked for: one account or region, or all.
    pub sought: ScopeFilter,
    /// One row an account x region x kind of log x layout x trail, in order.
    pub rows: Vec<Row>,
    /// One row an account x region of AWS Config, in order; `None` where nobody asked.
    pub config: Option<Vec<ConfigRow>>,
    /// What CloudTrail says about the trails.
    pub trails: Vec<TrailStatus>,
    /// What could not be listed or asked, as sentences.
    pub unread: Vec<String>,
    /// How many accounts should deliver; not set where it is not known which.
    pub expected_accounts: Option<usize>,
    /// The names of the trails that should deliver, as the configuration says.
    pub expected_trails: BTreeSet<String>,
}

impl TrailDestination {
    /// Tells whether a row is about what is delivered so; by its trail and layout alone where it lies in another place
    /// than the trail delivers to.
    fn reaches(&self, row: &Row, is_elsewhere: bool) -> bool {
        let is_layout = |scope: &ChainScope| scope.organization.is_some() == self.is_organization;
        let is_there = |scope: &ChainScope| scope.prefix == self.prefix && row.bucket.as_ref() == Some(&self.bucket);
        let is_place = row.scope.as_ref().is_some_and(|scope| is_layout(scope) && (is_elsewhere || is_there(scope)));
        let is_trail = match (&self.trail, &row.trail) {
            (Some(trail), Some(own)) => trail == own.as_str(),
            _ => true,
        };
        is_place && is_trail
    }
}

impl Expected {
    /// Tells whether a row should deliver, as CloudTrail or the configuration says.
    fn wants(&self, row: &Row) -> bool {
        let is_own = row.scope.as_ref().is_none_or(|scope| self.is_own(scope));
        let wanted = self.wanted.iter().any(|of| of.reaches(row, self.is_elsewhere));
        is_own && (wanted || self.trails.iter().any(|trail| trail.delivery.reaches(row, false)))
    }
}

/// Whether the logs of one row arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arrival {
    /// Up to now, without a gap.
    Arriving,
    /// Digests arrive up to now, and say that there was nothing to log: in the range, or since the newest log file.
    Quiet,
    /// Digests arrive up to now, or did until others went on, and no log file is there; it is not known that there was
    /// nothing to log.
    DigestsOnly,
    /// Up to now, with gaps: hours without a digest, or log files that the newest digests list and that are not there.
    Gaps,
    /// No longer.
    Stopped,
    /// No longer, and others go on: the trail was replaced, or delivers to another place or in another layout.
    Ended,
    /// Some came, of a kind that need not come.
    Seen,
    /// Nothing at all is there.
    Nothing,
    /// It could not be listed.
    Unread,
}

impl Arrival {
    /// Returns what stands after a number of rows.
    pub fn phrase(self) -> &'static str {
        match self {
            Arrival::Gaps => "with gaps",
            Arrival::DigestsOnly => "with digests only",
            Arrival::Nothing => "with nothing",
            other => other.as_str(),
        }
    }

    /// Returns the word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Arrival::Arriving => "arriving",
            Arrival::Quiet => "quiet",
            Arrival::DigestsOnly => "digests_only",
            Arrival::Gaps => "gaps",
            Arrival::Stopped => "stopped",
            Arrival::Ended => "ended",
            Arrival::Seen => "seen",
            Arrival::Nothing => "nothing",
            Arrival::Unread => "unread",
        }
    }
}

/// One account x region x kind of log x layout x trail.
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
    /// The folder of its layout, up to the account's: `AWSLogs/o-exampleorgid/`, after the place where there are
    /// several; empty where nothing is there.
    pub layout: String,
    /// The bucket; not set for a copy, and where nothing is there.
    pub bucket: Option<String>,
    /// Where it lies; not set where nothing is there.
    pub scope: Option<ChainScope>,
    /// The trail, as its digests name it; not set where there is none.
    pub trail: Option<TrailName>,
    /// Whether logs arrive.
    pub arrival: Arrival,
    /// The log files.
    pub files: LogFiles,
    /// How many digests there are; of management and data events only, which digests are listed with.
    pub digests: u64,
    /// The hours that digests are about.
    pub digest_hours: TimeSet,
    /// What the digests list, where there is no log file; not set where it was not asked.
    pub listed: Option<ListedLogs>,
    /// What the newest digests list, where log files ended before them; not set where it was not asked.
    pub newest_digests: Option<NewestDigests>,
    /// The times without digests, with their likely reason.
    pub gaps: Vec<Gap>,
    /// What a person should know beside the gaps: what took over, what digests list that is not there; none where there
    /// is nothing more.
    pub note: Option<String>,
    /// The newest moment of which something is there; none where there is nothing.
    pub newest: Option<Timestamp>,
    /// Why the listing is not whole; none where it is.
    pub problem: Option<String>,
    /// Whether something should arrive: neither the account nor the region is known to be out of use.
    pub is_expected: bool,
}

/// A time without digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// From when to when.
    pub window: TimeRange,
    /// What is the likely cause, for a person.
    pub reason: String,
    /// Whether the reason is a guess from the shape of the gaps; else CloudTrail or the organization says it.
    pub is_guess: bool,
    /// Whether it lies before the first digest: there was no trail yet, so that nothing is missing.
    pub is_before_start: bool,
}

impl Gap {
    /// Returns a gap whose reason is not known yet.
    fn of(window: TimeRange) -> Self {
        Self { window, reason: String::new(), is_guess: false, is_before_start: false }
    }
}

impl Coverage {
    /// Tells whether nothing of the range is there at all, of what was asked for.
    pub fn is_nothing(&self) -> bool {
        let has_config = self.config.iter().flatten().any(|row| row.newest.is_some());
        self.rows.iter().all(|row| row.arrival == Arrival::Nothing) && !has_config
    }

    /// Returns the trails that are stopped or cannot deliver, as CloudTrail says. One that is stopped is no fault where
    /// nobody configured it and another one delivers to its bucket.
    pub fn failing_trails(&self) -> impl Iterator<Item = &TrailStatus> {
        let is_wanted = |trail: &TrailStatus| self.expected_trails.contains(&trail.name);
        let is_alone = |trail: &TrailStatus| {
            let logs_there = |other: &&TrailStatus| other.is_logging && other.delivery.bucket == trail.delivery.bucket;
            !self.trails.iter().any(|other| logs_there(&other))
        };
        let is_failing = move |trail: &&TrailStatus| {
            trail.delivery_error.is_some() && trail.is_logging
                || !trail.is_logging && (is_wanted(trail) || is_alone(trail))
        };
        self.trails.iter().filter(is_failing)
    }

    /// Returns the rows whose newest logs are older than a limit, or that have none. A range in the past is judged at
    /// its end.
    pub fn older_than(&self, limit: SignedDuration) -> impl Iterator<Item = &Row> {
        let end = self.now.min(self.range.end);
        let oldest = end.saturating_sub(limit).unwrap_or(end);
        self.rows.iter().filter(move |row| row.is_old(oldest))
    }
}

impl Row {
    /// Tells whether nothing is wrong with a row.
    pub fn is_well(&self) -> bool {
        matches!(self.arrival, Arrival::Arriving | Arrival::Quiet | Arrival::Ended | Arrival::Seen)
    }

    fn is_old(&self, oldest: Timestamp) -> bool {
        // Only management events have digests every hour; the other kinds may well have nothing to say.
        let is_due = self.is_expected && self.kind == LogKind::CloudTrail && self.arrival != Arrival::Ended;
        is_due && self.newest.is_none_or(|newest| newest < oldest)
    }

    /// Returns how many whole hours of the range digests are about.
    pub fn hours_with_digest(&self) -> i64 {
        self.digest_hours.iter().map(|span| span.end.duration_since(span.start).as_hours()).sum()
    }

    /// Returns how many hours of the range after the first digest, begun ones included, no digest is about.
    pub fn hours_without_digest(&self) -> i64 {
        self.gaps
            .iter()
            .filter(|gap| !gap.is_before_start)
            .map(|gap| (gap.window.end.duration_since(gap.window.start).as_secs() + 3599) / 3600)
            .sum()
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
