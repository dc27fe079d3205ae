//! What `orgtrail lake status` says.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::said::Said;
use super::{NamedThing, named};
use crate::lake::layout::Grain;
use crate::lake::progress::Progress;
use crate::lake::status::{LakeStatus, StatusDay, StatusShare};
use crate::report::text::json::FORMAT_VERSION;
use crate::report::text::words::{count, grouped, size};

/// The status of a lake, and how it is shown.
#[derive(Debug, Clone)]
pub struct LakeStatusReport {
    /// The lake, as a person names it.
    pub lake: String,
    /// What is in it.
    pub status: LakeStatus,
    /// Whether each day is shown, and not each month.
    pub by_day: bool,
}

/// The JSON of `orgtrail lake status`, version 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LakeStatusJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The lake.
    lake: &'a str,
    /// The organization whose events it has; null: those of accounts without an organization.
    organization: Option<&'a str>,
    /// How long the time of a slot is.
    grain: Grain,
    /// How many slots each day or hour has.
    slots: u16,
    /// Whether nothing is missing, damaged or foreign.
    is_whole: bool,
    /// When the share was updated last that was not for the longest time; null: one never was.
    updated_at: Option<String>,
    /// The first day of events; null: there is none.
    first_day: Option<String>,
    /// The last day of events; null: there is none.
    last_day: Option<String>,
    /// Everything together.
    total: PeriodJson,
    /// The months, or the days with `--days`.
    periods: Vec<PeriodJson>,
    /// Days of delivery that are sealed: all that CloudTrail signed is what was put in, and all of it was.
    sealed_days: usize,
    /// The last of them; null: there is none.
    last_sealed_day: Option<String>,
    /// Days with a seal that are not sealed: not all was attested, or log files came later.
    unsealed_days: Vec<String>,
    /// The shares of the accounts.
    shares: Vec<ShareJson<'a>>,
    /// Log objects of which a part could not be read: the first of them.
    damaged: Vec<NamedThing<'a>>,
    /// How many such parts there are.
    damaged_count: u64,
    /// Files of the lake that cannot be read.
    unreadable: Vec<NamedThing<'a>>,
    /// Files that are none of a lake's: the first of them.
    foreign: &'a [String],
    /// How many there are.
    foreign_count: u64,
}

/// What is in of a month or a day.
#[derive(Debug, Serialize, JsonSchema)]
struct PeriodJson {
    /// `2026-11` or `2026-11-20`; `untimed` for events without a time, `total` for everything.
    period: String,
    /// Slots.
    slots: u64,
    /// Their size, in bytes.
    size_bytes: u64,
    /// Events of this time.
    events: u64,
    /// Records that were delivered again, and are there once.
    duplicates: u64,
    /// Log objects that were made in this time and are in.
    objects: u64,
    /// Their size as stored, in bytes.
    objects_bytes: u64,
    /// Records in them.
    records: u64,
}

/// A share of the accounts.
#[derive(Debug, Serialize, JsonSchema)]
struct ShareJson<'a> {
    /// Its number.
    number: u16,
    /// When its last update began to list; null: none was whole so far.
    updated_at: Option<String>,
    /// The day from which on log files are in; null: from the beginning of the archive.
    from: Option<String>,
    /// What of that is not in: the first of it.
    missing: Vec<NamedThing<'a>>,
    /// How much there is.
    missing_count: u64,
}

impl PeriodJson {
    fn of(period: String, day: &StatusDay) -> Self {
        let StatusDay { slots, size_bytes, events, duplicates, objects, objects_bytes, records } = *day;
        Self { period, slots, size_bytes, events, duplicates, objects, objects_bytes, records }
    }

    fn numbers(&self) -> [u64; 7] {
        let Self { slots, size_bytes, events, duplicates, objects, objects_bytes, records, .. } = self;
        [*slots, *size_bytes, *events, *duplicates, *objects, *objects_bytes, *records]
    }
}

/// The columns of the table; machine formats have them all.
const COLUMNS: [&str; 8] =
    ["period", "slots", "size_bytes", "events", "duplicates", "objects", "objects_bytes", "records"];
/// What heads them for people.
const HEADS: [&str; 8] = ["period", "slots", "size", "events", "duplicates", "objects", "size of objects", "records"];

fn text_of(at: Timestamp) -> String {
    at.to_string()
}

impl LakeStatusReport {
    fn periods(&self) -> Vec<PeriodJson> {
        let mut all: BTreeMap<String, StatusDay> = BTreeMap::new();
        for (day, own) in &self.status.days {
            let name = if self.by_day { day.to_string() } else { day.strftime("%Y-%m").to_string() };
            all.entry(name).or_default().add(own);
        }
        let untimed = self.status.untimed.map(|own| PeriodJson::of("untimed".to_owned(), &own));
        all.into_iter().map(|(name, own)| PeriodJson::of(name, &own)).chain(untimed).collect()
    }

    /// The first and the last day that has events.
    fn reach(&self) -> Option<(Date, Date)> {
        let days = || self.status.days.iter().filter(|(_, own)| own.slots > 0).map(|(day, _)| *day);
        days().next().zip(days().next_back())
    }

    /// Returns the shape for programs.
    pub fn json(&self) -> LakeStatusJson<'_> {
        let LakeStatus { identity, shares, damaged, damaged_count, unreadable, foreign, foreign_count, .. } =
            &self.status;
        LakeStatusJson {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            lake: &self.lake,
            organization: identity.organization.as_deref(),
            grain: identity.grain,
            slots: identity.slots,
            is_whole: self.status.is_whole(),
            updated_at: self.status.updated_at().map(text_of),
            first_day: self.reach().map(|(first, _)| first.to_string()),
            last_day: self.reach().map(|(_, last)| last.to_string()),
            total: PeriodJson::of("total".to_owned(), &self.status.total()),
            periods: self.periods(),
            sealed_days: self.status.sealed.len(),
            last_sealed_day: self.status.sealed.last().map(ToString::to_string),
            unsealed_days: self.status.unsealed.iter().map(ToString::to_string).collect(),
            shares: shares.iter().map(share).collect(),
            damaged: named(damaged),
            damaged_count: *damaged_count,
            unreadable: named(unreadable),
            foreign,
            foreign_count: *foreign_count,
        }
    }

    /// Returns the months or days as CSV (RFC 4180).
    pub fn csv(&self) -> String {
        let line = |one: &PeriodJson| {
            let numbers = one.numbers().map(|number| number.to_string()).join(",");
            format!("{},{numbers}\r\n", one.period)
        };
        format!("{}\r\n{}", COLUMNS.join(","), self.periods().iter().map(line).collect::<String>())
    }

    /// Returns the text for a terminal.
    pub fn human(&self, width: usize) -> String {
        let rows = self.rows();
        let widths: Vec<usize> =
            (0..HEADS.len()).map(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or_default()).collect();
        let mut table = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            table += &(cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n");
        }
        let space = if table.is_empty() { "" } else { "\n" };
        format!("{}{space}{table}", self.said().human(width))
    }

    /// Returns the text as markdown.
    pub fn markdown(&self) -> String {
        let mut text = self.said().markdown(&format!("The lake {}", self.lake));
        for (at, row) in self.rows().iter().enumerate() {
            let before = if at == 0 { "\n" } else { "" };
            text += &format!("{before}| {} |\n", row.join(" | "));
            if at == 0 {
                text += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        text
    }

    /// The table, its head first; empty where nothing is in.
    fn rows(&self) -> Vec<[String; 8]> {
        let row = |one: &PeriodJson| {
            let [slots, size_bytes, events, duplicates, objects, objects_bytes, records] = one.numbers();
            let [slots, events, duplicates, objects, records] =
                [slots, events, duplicates, objects, records].map(|number| grouped(usize_of(number)));
            [one.period.clone(), slots, size(size_bytes), events, duplicates, objects, size(objects_bytes), records]
        };
        let rows: Vec<_> = self.periods().iter().map(row).collect();
        if rows.is_empty() { rows } else { [vec![HEADS.map(str::to_owned)], rows].concat() }
    }

    fn said(&self) -> Said {
        let mut said = Said::default();
        let status = &self.status;
        let total = status.total();
        let whose = super::whose(&status.identity);
        said.say(format!("{}: {whose}.", self.lake));
        said.say(match self.reach() {
            None => "Nothing is in.".to_owned(),
            Some((first, last)) => format!(
                "{} of {first} to {last} in {}, {}.",
                count(usize_of(total.events), "event"),
                count(usize_of(total.slots), "slot"),
                size(total.size_bytes),
            ),
        });
        said.say(format!(
            "{} with {} ({}) are in; {} delivered again and kept once.",
            count(usize_of(total.objects), "log object"),
            count(usize_of(total.records), "record"),
            size(total.objects_bytes),
            count(usize_of(total.duplicates), "record"),
        ));
        self.say_seals(&mut said);
        self.say_shares(&mut said);
        if status.damaged_count > 0 {
            let parts = count(usize_of(status.damaged_count), "part");
            let sentence = format!("{parts} of log objects could not be read; the rest of these objects is in:");
            said.list_of(sentence, usize_of(status.damaged_count), pairs(&status.damaged));
        }
        if !status.unreadable.is_empty() {
            let files = count(status.unreadable.len(), "file");
            said.list_of(
                format!("{files} of the lake cannot be read, or events that were put in are missing there:"),
                status.unreadable.len(),
                pairs(&status.unreadable),
            );
            said.say(
                "What was in them is missing from answers now. `orgtrail lake update --repair` takes the log files \
                 again that a slot lacks.",
            );
        }
        if status.foreign_count > 0 {
            let files = count(usize_of(status.foreign_count), "file");
            let verb = if status.foreign_count == 1 { "does" } else { "do" };
            let sentence = format!("{files} below the lake's prefix {verb} not belong to the lake:");
            said.list(sentence, status.foreign.iter().map(|name| (name.as_str(), "")));
        }
        said
    }

    /// Says which days are sealed.
    fn say_seals(&self, said: &mut Said) {
        let (sealed, unsealed) = (&self.status.sealed, &self.status.unsealed);
        said.say(match (sealed.first(), sealed.last()) {
            (Some(first), Some(last)) => {
                format!("{} of delivery sealed, from {first} to {last}.", count(sealed.len(), "day"))
            }
            _ => "No day is sealed: `orgtrail verify --seal` seals those that it proves.".to_owned(),
        });
        if !unsealed.is_empty() {
            let days = count(unsealed.len(), "day");
            let sentence =
                format!("{days} not sealed any more, or not whole: not all was attested, or log files came later:");
            said.list(
                sentence,
                unsealed.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(|day| (day.as_str(), "")),
            );
        }
    }

    /// Says when the shares were updated; those of one time together.
    fn say_shares(&self, said: &mut Said) {
        let mut by_time: BTreeMap<Option<(Timestamp, Option<Date>)>, Vec<u16>> = BTreeMap::new();
        for share in &self.status.shares {
            let time = share.progress.as_ref().map(|own| (own.listed_at, own.from));
            by_time.entry(time).or_default().push(share.number);
        }
        // Of files that cannot be read now nothing is in, whatever was put in.
        let are_in = match self.status.unreadable.is_empty() {
            true => "are in",
            false => "were put in, and a part is missing now (below)",
        };
        for (time, numbers) in by_time {
            let which = match numbers.len() == self.status.shares.len() {
                true => "All shares".to_owned(),
                false => format!("{} of {}", count(numbers.len(), "share"), self.status.shares.len()),
            };
            said.say(match time {
                None => format!("{which}: no update was whole so far."),
                Some((at, None)) => {
                    format!("{which}: updated {at}, the log files that were listed {are_in}, from the beginning of the archive on.")
                }
                Some((at, Some(from))) => format!("{which}: updated {at}, log files of {from} and later {are_in}."),
            });
        }
        let missing: BTreeMap<&str, &str> = self
            .status
            .shares
            .iter()
            .filter_map(|share| share.progress.as_ref())
            .flat_map(|own| pairs(&own.missing))
            .collect();
        if !missing.is_empty() {
            said.list("Keys and prefixes that could not be read and are not in; the next update tries again:", missing);
        }
    }
}

fn pairs(all: &[(String, String)]) -> impl ExactSizeIterator<Item = (&str, &str)> {
    all.iter().map(|(name, why)| (name.as_str(), why.as_str()))
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn share(share: &StatusShare) -> ShareJson<'_> {
    let StatusShare { number, progress } = share;
    let own = progress.as_ref();
    ShareJson {
        number: *number,
        updated_at: own.map(|own| text_of(own.listed_at)),
        from: own.and_then(|own| own.from).map(|day| day.to_string()),
        missing: own.map(|own: &Progress| named(&own.missing)).unwrap_or_default(),
        missing_count: own.map(|own| own.missing_count).unwrap_or_default(),
    }
}
