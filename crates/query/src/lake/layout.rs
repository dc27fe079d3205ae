//! Where things lie in a lake, and which slot an event belongs into.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orgtrail_archive::archive::inflate::sha256;
use orgtrail_archive::archive::window::day_of;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder of the slots.
pub const EVENTS: &str = "events/";
/// The folder of the ledgers.
pub const LEDGER: &str = "ledger/";
/// The folder of what each shard has listed.
pub const PROGRESS: &str = "progress/";
/// The most slots of a day or an hour.
pub const SLOTS_MAX: u16 = 1_000;
/// How the folder of a day begins, as Hive names partitions.
pub const DAY: &str = "day=";
/// The ending of a slot.
const PARQUET: &str = ".parquet";
/// The ending of a ledger.
const LEDGER_ENDING: &str = ".ledger";
/// CloudTrail began in 2013; a time far outside is somebody's word, not a time.
const FIRST_YEAR: i16 = 2006;
const LAST_YEAR: i16 = 2199;

/// How long the time of one slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    /// A day.
    Day,
    /// An hour: for organizations whose day is too much to be written again with each update.
    Hour,
}

impl FromStr for Grain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "day" => Ok(Self::Day),
            "hour" => Ok(Self::Hour),
            other => Err(format!("{other:?} is no grain; it is day or hour")),
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Day { "day" } else { "hour" })
    }
}

/// The day of events without a time that can be read, or with one at which there was no CloudTrail: no day of any
/// event, so that they are found and disturb none.
pub fn untimed() -> Date {
    Date::constant(1970, 1, 1)
}

/// Which slot: a time and a share of the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    /// The day of the events, UTC.
    pub day: Date,
    /// The hour of the events; none in a lake of whole days, and of events without a time.
    pub hour: Option<i8>,
    /// The number of the share of accounts.
    pub number: u16,
}

impl SlotId {
    /// Returns the slot of an event.
    pub fn of(grain: Grain, time: Option<Timestamp>, number: u16) -> Self {
        let at = time.map(|time| TimeZone::UTC.to_datetime(time));
        match at.filter(|at| (FIRST_YEAR..=LAST_YEAR).contains(&at.year())) {
            Some(at) => Self { day: at.date(), hour: (grain == Grain::Hour).then(|| at.hour()), number },
            None => Self { day: untimed(), hour: None, number },
        }
    }

    /// Returns the key of its file, below the lake's prefix.
    pub fn key(&self) -> String {
        let hour = self.hour.map(|hour| format!("h{hour:02}-")).unwrap_or_default();
        format!("{EVENTS}{DAY}{}/{hour}s{:02}{PARQUET}", self.day, self.number)
    }

    /// Returns the slot of a key. `None`: it is the key of none.
    pub fn parse(key: &str) -> Option<Self> {
        let (day, file) = key.strip_prefix(EVENTS)?.strip_prefix(DAY)?.split_once('/')?;
        let name = file.strip_suffix(PARQUET)?;
        let (hour, number) = match name.split_once('-') {
            Some((hour, number)) => (Some(hour.strip_prefix('h')?.parse().ok()?), number),
            None => (None, name),
        };
        let slot = Self { day: day.parse().ok()?, hour, number: number.strip_prefix('s')?.parse().ok()? };
        (slot.key() == key).then_some(slot)
    }

    /// Returns from when on its events are, and before when. `None`: they have no time.
    pub fn reach(&self) -> Option<(Timestamp, Timestamp)> {
        if self.day == untimed() {
            return None;
        }
        let hours = jiff::SignedDuration::from_hours(if self.hour.is_some() { 1 } else { 24 });
        let begin = TimeZone::UTC.to_timestamp(self.day.at(self.hour.unwrap_or(0), 0, 0, 0)).ok()?;
        Some((begin, begin.checked_add(hours).ok()?))
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// Which ledger: the log objects of a share of the accounts that were made on a day, as their keys say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId {
    /// The day on which the objects were made, UTC.
    pub day: Date,
    /// The number of the share of accounts.
    pub number: u16,
}

impl LedgerId {
    /// Returns the ledger of an object.
    pub fn of(made: Timestamp, number: u16) -> Self {
        Self { day: day_of(made), number }
    }

    /// Returns the key of its file, below the lake's prefix.
    pub fn key(&self) -> String {
        format!("{LEDGER}{DAY}{}/s{:02}{LEDGER_ENDING}", self.day, self.number)
    }

    /// Returns the ledger of a key. `None`: it is the key of none.
    pub fn parse(key: &str) -> Option<Self> {
        let (day, file) = key.strip_prefix(LEDGER)?.strip_prefix(DAY)?.split_once('/')?;
        let number = file.strip_suffix(LEDGER_ENDING)?.strip_prefix('s')?;
        let ledger = Self { day: day.parse().ok()?, number: number.parse().ok()? };
        (ledger.key() == key).then_some(ledger)
    }
}

/// Returns the key of what a share of the accounts has listed.
pub fn progress_key(number: u16) -> String {
    format!("{PROGRESS}s{number:02}.json")
}

/// Returns the number of the share that an account is part of: the first eight bytes of its SHA-256, big end first,
/// modulo the number of shares.
pub fn number_of(account: &str, slots: u16) -> u16 {
    let hash = sha256(account.as_bytes());
    let first = hash.iter().take(8).fold(0u64, |all, byte| all << 8 | u64::from(*byte));
    u16::try_from(first % u64::from(slots.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_belong_to_the_day_or_hour_of_their_own_time() {
        let at: Timestamp = "2026-11-20T23:59:59.999Z".parse().unwrap();
        let of = |grain, time| SlotId::of(grain, time, 7).key();
        assert_eq!(of(Grain::Day, Some(at)), "events/day=2026-11-20/s07.parquet");
        assert_eq!(of(Grain::Hour, Some(at)), "events/day=2026-11-20/h23-s07.parquet");
        assert_eq!(of(Grain::Hour, None), "events/day=1970-01-01/s07.parquet");
        let odd: Timestamp = "-009000-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(of(Grain::Hour, Some(odd)), "events/day=1970-01-01/s07.parquet");
    }

    #[test]
    fn names_that_are_none_are_told_from_those_that_are() {
        for key in [
            "events/day=2026-11-20/s7.parquet",
            "events/day=2026-11-20/h5-s07.parquet",
            "events/day=2026-11-20/h-s07.parquet",
            "events/day=20261120/s07.parquet",
            "events/2026-11-20/s07.parquet",
            "events/day=2026-11-20/s07.parquet.new",
            "s07.parquet",
        ] {
            assert_eq!(SlotId::parse(key), None, "{key}");
        }
        assert_eq!(LedgerId::parse("ledger/day=2026-11-20/s7.ledger"), None);
    }

    #[test]
    fn the_share_of_an_account_never_changes() {
        assert_eq!(["111111111111", "222222222222", "333333333333"].map(|id| number_of(id, 16)), [2, 7, 12]);
        assert_eq!(number_of("111111111111", 1), 0);
    }

    proptest! {
        #[test]
        fn names_go_both_ways(second in 1_200_000_000i64..7_000_000_000, number in 0..SLOTS_MAX, hour: bool) {
            let at = Timestamp::from_second(second).unwrap();
            let slot = SlotId::of(if hour { Grain::Hour } else { Grain::Day }, Some(at), number);
            prop_assert_eq!(SlotId::parse(&slot.key()), Some(slot));
            let (from, to) = slot.reach().unwrap();
            prop_assert!(from <= at && at < to);
            let ledger = LedgerId::of(at, number);
            prop_assert_eq!(LedgerId::parse(&ledger.key()), Some(ledger));
        }
    }
}
