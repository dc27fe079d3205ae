//! The time, accounts and regions that somebody looks at.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// AWS announced CloudTrail on 2013-11-13: no log is older.
pub const BEGINNING: Timestamp = Timestamp::constant(1_384_300_800, 0);

/// Returns the day of a moment, in UTC.
pub fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// Returns when a day begins, in UTC.
pub fn start_of(day: Date) -> Timestamp {
    // Fails only for a day before all moments.
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}

/// What a question is about. Each part that is `None` does not narrow it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Window {
    /// The first moment, included. `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// The last moment, included. `None`: to the end.
    pub to: Option<Timestamp>,
    /// The accounts. `None`: all.
    pub accounts: Option<BTreeSet<String>>,
    /// The regions. `None`: all.
    pub regions: Option<BTreeSet<String>>,
}

impl Window {
    /// Returns what both have in common.
    #[must_use]
    pub fn and(mut self, other: Window) -> Self {
        self.from = self.from.max(other.from);
        self.to = match (self.to, other.to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.accounts = both(self.accounts, other.accounts);
        self.regions = both(self.regions, other.regions);
        self
    }

    /// Returns what holds where the one or the other does.
    #[must_use]
    pub fn or(self, other: Window) -> Self {
        let either =
            |a: Option<BTreeSet<String>>, b: Option<BTreeSet<String>>| Some(a?.into_iter().chain(b?).collect());
        Self {
            from: self.from.zip(other.from).map(|(a, b)| a.min(b)),
            to: self.to.zip(other.to).map(|(a, b)| a.max(b)),
            accounts: either(self.accounts, other.accounts),
            regions: either(self.regions, other.regions),
        }
    }

    /// Tells whether an account and a region are part of it.
    pub fn has_place(&self, account: &str, region: &str) -> bool {
        let has = |all: &Option<BTreeSet<String>>, one: &str| all.as_ref().is_none_or(|all| all.contains(one));
        has(&self.accounts, account) && has(&self.regions, region)
    }
}

fn both(a: Option<BTreeSet<String>>, b: Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.intersection(&b).cloned().collect()),
        (a, b) => a.or(b),
    }
}
