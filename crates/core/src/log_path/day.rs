//! Days and times as names have them. All are in UTC.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How long the folders of a day are: `YYYY/MM/DD`.
pub const DAY_CHARS: usize = "YYYY/MM/DD".len();

/// Returns the folders of the day of a moment, `YYYY/MM/DD`, in UTC.
pub fn day_folder(moment: Timestamp) -> String {
    folders(utc(moment).date())
}

/// Returns the folders of each day from one moment to another, both included; none where the second is earlier.
pub(super) fn days(first: Timestamp, last: Timestamp) -> impl Iterator<Item = String> {
    dates(first, last).map(folders)
}

/// Returns each day from one moment to another, both included; none where the second is earlier.
pub(super) fn dates(first: Timestamp, last: Timestamp) -> impl Iterator<Item = Date> {
    let end = utc(last).date();
    let from = Some(utc(first).date());
    std::iter::successors(from, |day| day.tomorrow().ok()).take_while(move |day| *day <= end)
}

/// Tells whether folders are those of a moment's day, or of a day beside that one.
pub(super) fn is_near(folders: &str, moment: Timestamp) -> bool {
    [0, -24, 24].into_iter().any(|hours| {
        let near = moment.checked_add(SignedDuration::from_hours(hours));
        near.is_ok_and(|near| day_folder(near) == folders)
    })
}

/// Returns a moment as names have it, by a format of strftime.
pub(super) fn printed(moment: Timestamp, format: &str) -> String {
    utc(moment).strftime(format).to_string()
}

/// Reads `YYYYMMDDTHHMMZ` or `YYYYMMDDTHHMMSSZ`.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || !matches!(clock.len(), 4 | 6) {
        return None;
    }
    let number = |part: Option<&str>| -> Option<i16> {
        let part = part?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let small = |part: Option<&str>| number(part).and_then(|n| i8::try_from(n).ok());
    let second = if clock.len() == 6 { small(clock.get(4..6))? } else { 0 };
    let (year, month, day) = (number(date.get(0..4))?, small(date.get(4..6))?, small(date.get(6..8))?);
    let (hour, minute) = (small(clock.get(0..2))?, small(clock.get(2..4))?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn folders(day: Date) -> String {
    day.strftime("%Y/%m/%d").to_string()
}

fn utc(moment: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(moment)
}
