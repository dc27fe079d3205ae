//! What the daemon `orgtrail reconcile` may do by itself, and when.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::QueueNameText;
use super::values::{BadValue, Interval, Percent, bad, serde_as_text};
use crate::ids::BucketName;

/// What the daemon `orgtrail reconcile` may do by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reconcile {
    /// The time between two rounds.
    pub every: Interval,
    /// The time in which everything is read again at least once. Between, a round reads the management account, the log
    /// account and a share of the others.
    pub full_pass_every: Interval,
    /// The risks of changes that it may apply.
    #[schemars(extend("uniqueItems" = true))]
    pub allow: Vec<AllowedRisk>,
    /// The share of managed resources that one round may change. A round that would change more changes nothing, but
    /// for what keeps the log flowing, and waits for a person.
    pub max_change: Percent,
    /// When changes may be made, in UTC. Always by default.
    pub window: Option<ChangeWindow>,
    /// The name of an SQS queue that tells of changes within seconds. None by default.
    #[schemars(with = "Option<QueueNameText>")]
    pub wake_queue: Option<String>,
    /// An object in S3 through which several replicas agree which one acts. It must not be in the log bucket. None by
    /// default: there is one replica.
    pub lease: Option<S3Place>,
    /// A prefix in S3 under which the history of rounds is kept, one object a deployment, for all replicas together. It
    /// must not be in the log bucket. None by default; `--history` names a file instead.
    pub history: Option<S3Place>,
}

/// A risk of a change that the daemon may be allowed to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllowedRisk {
    /// No risk.
    Safe,
    /// Less encryption, validation, retention, isolation or coverage.
    Weakens,
    /// Delivery of logs may pause.
    Interrupts,
    /// Something is lost.
    Destroys,
    /// AWS will charge more.
    Costs,
}

/// Days of the week and hours of the day in UTC, written like `mon-fri 08:00-17:00`; it may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeWindow {
    first: Weekday,
    last: Weekday,
    from: Time,
    to: Time,
}
serde_as_text!(ChangeWindow);

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "mon"),
    (Weekday::Tuesday, "tue"),
    (Weekday::Wednesday, "wed"),
    (Weekday::Thursday, "thu"),
    (Weekday::Friday, "fri"),
    (Weekday::Saturday, "sat"),
    (Weekday::Sunday, "sun"),
];

impl ChangeWindow {
    /// Tells whether changes may be made at this time. A window that passes midnight belongs to the day on which it
    /// opens.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = at.to_zoned(TimeZone::UTC);
        let (day, time) = (at.weekday(), at.time());
        if self.from < self.to {
            return self.has(day) && self.from <= time && time < self.to;
        }
        (self.has(day) && time >= self.from) || (self.has(day.previous()) && time < self.to)
    }

    fn has(&self, day: Weekday) -> bool {
        let place = |day: Weekday| day.to_monday_zero_offset();
        let (first, last, day) = (place(self.first), place(self.last), place(day));
        if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
    }
}

impl fmt::Display for ChangeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |day| DAYS.iter().find(|(d, _)| *d == day).map_or("", |(_, word)| word);
        let (first, last) = (word(self.first), word(self.last));
        let hour = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        write!(f, "{first}-{last} {}-{}", hour(self.from), hour(self.to))
    }
}

impl FromStr for ChangeWindow {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = |why: &str| bad(text, "a change window", why);
        let form = "write days and hours in UTC, like `mon-fri 08:00-17:00`";
        let (days, hours) = text.split_once(' ').ok_or_else(|| bad(form))?;
        let day = |word: &str| DAYS.iter().find(|(_, name)| *name == word).map(|(day, _)| *day);
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            return Err(bad("the days are mon, tue, wed, thu, fri, sat and sun"));
        };
        let (from, to) = hours.split_once('-').ok_or_else(|| bad(form))?;
        let (Some(from), Some(to)) = (time(from), time(to)) else {
            return Err(bad("an hour is written with its minutes, like `08:00`"));
        };
        if from == to {
            return Err(bad("a window that closes when it opens is never open; leave it out to allow every time"));
        }
        Ok(Self { first, last, from, to })
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// An object in S3, or the prefix of several, written like `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: BucketName,
    /// The key of the object, or the prefix.
    pub key: String,
}
serde_as_text!(S3Place);

impl S3Place {
    /// Returns the place of the history of a deployment under this prefix.
    pub fn history_of(&self, deployment: &str) -> S3Place {
        S3Place { bucket: self.bucket.clone(), key: format!("{}/{deployment}.json", self.key) }
    }
}

/// Bytes of an object's key (Amazon S3 user guide, "Object key naming guidelines").
const KEY_BYTES_MAX: usize = 1024;

impl fmt::Display for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl FromStr for S3Place {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = |why: &str| bad(text, "a place in S3", why);
        let rest = text.strip_prefix("s3://").ok_or_else(|| bad("it begins with `s3://`, like `s3://bucket/key`"))?;
        let (bucket, key) = rest.split_once('/').ok_or_else(|| bad("it has no key after the bucket"))?;
        let bucket = bucket.parse::<BucketName>().map_err(|error| bad(&error.to_string()))?;
        if key.is_empty() || key.len() > KEY_BYTES_MAX || key.ends_with('/') {
            return Err(bad("the key names an object: 1 to 1024 bytes, with no slash at its end"));
        }
        Ok(Self { bucket, key: key.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(window: &str, at: &str) -> bool {
        window.parse::<ChangeWindow>().unwrap().is_open(at.parse().unwrap())
    }

    #[test]
    fn a_window_is_open_in_its_hours_on_its_days() {
        // 2026-01-05 is a Monday.
        assert!(open("mon-fri 08:00-17:00", "2026-01-05T08:00:00Z"));
        assert!(!open("mon-fri 08:00-17:00", "2026-01-05T17:00:00Z"));
        assert!(!open("mon-fri 08:00-17:00", "2026-01-04T12:00:00Z"));
        assert!(open("sat-sun 00:00-12:00", "2026-01-04T11:59:59Z"));
        assert!(open("fri-mon 08:00-17:00", "2026-01-04T12:00:00Z"));
        assert!(!open("fri-mon 08:00-17:00", "2026-01-06T12:00:00Z"));
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
        assert!(open("mon 22:00-04:00", "2026-01-05T23:00:00Z"));
        assert!(open("mon 22:00-04:00", "2026-01-06T03:59:00Z"));
        assert!(!open("mon 22:00-04:00", "2026-01-05T03:00:00Z"));
        assert!(!open("mon 22:00-04:00", "2026-01-06T23:00:00Z"));
    }

    #[test]
    fn what_is_written_is_read_again_and_nonsense_is_not() {
        for text in ["mon-fri 08:00-17:00", "sun-sun 23:30-00:15"] {
            assert_eq!(text.parse::<ChangeWindow>().unwrap().to_string(), text);
        }
        for text in ["", "mon-fri", "mon-fri 8-17", "mon-fri 08:00-08:00", "day 08:00-09:00", "mon 25:00-26:00"] {
            assert!(text.parse::<ChangeWindow>().is_err(), "{text}");
        }
        assert_eq!("s3://acme-ops/a/lease.json".parse::<S3Place>().unwrap().to_string(), "s3://acme-ops/a/lease.json");
        for text in ["acme-ops/lease", "s3://acme-ops", "s3://acme-ops/", "s3://Acme/x", "s3://acme-ops/folder/"] {
            assert!(text.parse::<S3Place>().is_err(), "{text}");
        }
    }
}
