//! What `orgtrail lake check` found.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::said::Said;
use super::{NamedThing, named};
use crate::lake::check::{Difference, DifferenceKind, LakeCheck};
use crate::report::text::json::FORMAT_VERSION;
use crate::report::text::words::count;

/// A check of a lake.
#[derive(Debug, Clone)]
pub struct LakeCheckReport {
    /// The lake, as a person names it.
    pub lake: String,
    /// The first and the last day of events that were checked.
    pub days: (Date, Date),
    /// The first and the last day that the lake has events of. `None`: it has none with a time, or it could not be
    /// listed.
    pub reach: Option<(Date, Date)>,
    /// The accounts whose events were checked. Empty: all.
    pub accounts: Vec<String>,
    /// What was found.
    pub checked: LakeCheck,
    /// Whether it was stopped before its end.
    pub is_stopped: bool,
}

/// The JSON of `orgtrail lake check`, version 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LakeCheckJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The lake.
    lake: &'a str,
    /// The first day of events that was checked.
    first_day: String,
    /// The last day of events that was checked.
    last_day: String,
    /// The first and the last day of each part of the lake that was not looked at. Empty: all days that the lake has
    /// events of were.
    days_not_looked_at: Vec<[String; 2]>,
    /// The accounts whose events were checked. Empty: all.
    accounts: &'a [String],
    /// Whether everything of these days was checked.
    is_whole: bool,
    /// Whether it was stopped before its end.
    is_stopped: bool,
    /// Slots that were compared.
    slots: u64,
    /// Rows in them.
    rows: u64,
    /// Log objects that were read, each counted once.
    objects: u64,
    /// Ledgers that were looked at.
    ledgers: u64,
    /// Log objects of these days that are in no ledger although they were there at the last update.
    waiting: u64,
    /// The differences, up to 1,000.
    differences: &'a [Difference],
    /// How many there are.
    difference_count: u64,
    /// What could not be checked, up to 1,000.
    unchecked: Vec<NamedThing<'a>>,
    /// How much there is.
    unchecked_count: u64,
    /// Files in the folders of these days that are none of the lake's, up to 1,000.
    foreign: &'a [String],
    /// How many there are.
    foreign_count: u64,
}

impl LakeCheckReport {
    /// Tells whether everything of the days was checked. Where these days have no slot and others have, nothing was.
    pub fn is_whole(&self) -> bool {
        let has_looked = self.checked.slots > 0 || self.not_looked_at().next().is_none();
        !self.is_stopped && self.checked.is_whole() && has_looked
    }

    /// Returns the first and the last day of each part of the lake that was not looked at.
    fn not_looked_at(&self) -> impl Iterator<Item = (Date, Date)> + use<> {
        let (first, last) = self.days;
        let before = self.reach.filter(|reach| reach.0 < first);
        let before = before.and_then(|reach| Some((reach.0, reach.1.min(first.yesterday().ok()?))));
        let behind = self.reach.filter(|reach| reach.1 > last);
        let behind = behind.and_then(|reach| Some((reach.0.max(last.tomorrow().ok()?), reach.1)));
        before.into_iter().chain(behind)
    }

    /// Says which days and accounts were not looked at. `None`: all were.
    pub fn left_out(&self) -> Option<String> {
        let days: Vec<String> = self.not_looked_at().map(|(first, last)| days_text(first, last)).collect();
        let days = (!days.is_empty()).then(|| {
            let from = self.reach.map(|reach| reach.0.to_string()).unwrap_or_default();
            format!("what the lake has of {} (--from {from} looks at all of its days)", days.join(" and "))
        });
        let accounts =
            (!self.accounts.is_empty()).then(|| format!("of other accounts than {}", self.accounts.join(", ")));
        let all: Vec<String> = days.into_iter().chain(accounts).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Returns the shape for programs.
    pub fn json(&self) -> LakeCheckJson<'_> {
        let LakeCheck {
            slots, rows, objects, ledgers, waiting, difference_count, unchecked_count, foreign_count, ..
        } = self.checked;
        LakeCheckJson {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            lake: &self.lake,
            first_day: self.days.0.to_string(),
            last_day: self.days.1.to_string(),
            days_not_looked_at: self
                .not_looked_at()
                .map(|(first, last)| [first.to_string(), last.to_string()])
                .collect(),
            accounts: &self.accounts,
            is_whole: self.is_whole(),
            is_stopped: self.is_stopped,
            slots,
            rows,
            objects,
            ledgers,
            waiting,
            differences: &self.checked.differences,
            difference_count,
            unchecked: named(&self.checked.unchecked),
            unchecked_count,
            foreign: &self.checked.foreign,
            foreign_count,
        }
    }

    /// Returns the text for a terminal.
    pub fn human(&self, width: usize) -> String {
        self.said().human(width)
    }

    /// Returns the text as markdown.
    pub fn markdown(&self) -> String {
        self.said().markdown(&format!("Check of the lake {}", self.lake))
    }

    fn said(&self) -> Said {
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut said = Said::default();
        let LakeCheck { slots, rows, objects, waiting, difference_count, unchecked_count, foreign_count, .. } =
            self.checked;
        let (first, last) = self.days;
        said.say(format!("{}: events of {first} to {last}.", self.lake));
        if let Some(left_out) = self.left_out() {
            said.say(format!("Not looked at: {left_out}."));
        }
        said.say(format!(
            "{} with {} compared with {}.",
            count(number(slots), "slot"),
            count(number(rows), "row"),
            count(number(objects), "log object"),
        ));
        if self.is_stopped {
            said.say("It was stopped before its end, so that nothing is known of the rest.");
        }
        match difference_count {
            0 => said.say("No difference was found."),
            some => {
                let lines: Vec<(String, String)> = self.checked.differences.iter().map(line).collect();
                let sentence = format!("{}:", count(number(some), "difference"));
                let named = lines.iter().map(|(file, what)| (file.as_str(), what.as_str()));
                said.list_of(sentence, number(some), named);
                let is_lacking = |one: &Difference| {
                    matches!(one.kind, DifferenceKind::Missing | DifferenceKind::NotInSlot | DifferenceKind::Damaged)
                };
                if self.checked.differences.iter().any(is_lacking) {
                    said.say(
                        "`orgtrail lake update --repair` takes the log files again that a slot lacks; check the lake \
                         again after it.",
                    );
                }
            }
        }
        if unchecked_count > 0 {
            let unchecked = self.checked.unchecked.iter().map(|(name, why)| (name.as_str(), why.as_str()));
            let sentence = format!("{} could not be checked:", count(number(unchecked_count), "part"));
            said.list_of(sentence, number(unchecked_count), unchecked);
        }
        if foreign_count > 0 {
            let files = count(number(foreign_count), "file");
            let verb = if foreign_count == 1 { "does" } else { "do" };
            let foreign = self.checked.foreign.iter().map(|name| (name.as_str(), ""));
            said.list_of(format!("{files} {verb} not belong to the lake:"), number(foreign_count), foreign);
        }
        if waiting > 0 {
            let objects = count(number(waiting), "log object");
            said.say(format!("{objects} of these days not in, though the last update came later: `orgtrail lake update --from` puts in what an earlier run passed over."));
        }
        said
    }
}

fn days_text(first: Date, last: Date) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

fn line(one: &Difference) -> (String, String) {
    (one.file.clone(), format!("{}: {}", one.kind.words(), one.what))
}
