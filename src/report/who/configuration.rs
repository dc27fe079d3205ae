//! What AWS Config saw change and by whom, line by line, for people.

use super::WhoAnswer;
use crate::investigate::configuration::{ConfigurationAnswer, ConfigurationChange};
use crate::recorders::difference::Difference;
use crate::report::text::words::count;

/// The most differences of one change that people see; JSON has more.
const DIFFERENCES_MAX: usize = 20;

/// The most changes of a resource that people see.
const CHANGES_MAX: usize = 20;

/// What is said of one resource.
pub(super) struct Said {
    /// Which resource, and where AWS Config was asked.
    pub title: String,
    /// What could not be read or is not recorded.
    pub gaps: Vec<String>,
    /// What changed, the last first.
    pub changes: Vec<SaidChange>,
    /// What else there is. `None`: nothing.
    pub further: Option<String>,
}

/// What is said of one change.
pub(super) struct SaidChange {
    /// When, and what it was.
    pub head: String,
    /// The fields that differ.
    pub what: Vec<String>,
    /// The calls that may have made it.
    pub who: Vec<String>,
}

/// Returns what is said of each resource.
pub(super) fn all(answer: &WhoAnswer) -> Vec<Said> {
    answer.configuration.iter().map(one).collect()
}

fn one(own: &ConfigurationAnswer) -> Said {
    let name = if own.resource_id.is_empty() { "not known there" } else { &own.resource_id };
    let place = [own.account.as_str(), own.region.as_str()].join(" ");
    let further = own.changes.len().saturating_sub(CHANGES_MAX);
    let none = || format!("No change in {}.", count(own.items, "configuration item"));
    let further = match further {
        0 => (own.changes.is_empty() && own.items > 0).then(none),
        more => Some(format!("{more} more changes before these; --format json has all")),
    };
    Said {
        title: format!("AWS Config: {} {name}, asked in {}", own.resource_type, place.trim()),
        gaps: own.gaps.iter().map(|gap| format!("Changes may be missing: {gap}.")).collect(),
        changes: own.changes.iter().take(CHANGES_MAX).map(change).collect(),
        further,
    }
}

fn change(own: &ConfigurationChange) -> SaidChange {
    let what = match own.status.as_str() {
        status if status.starts_with("ResourceDeleted") => "was deleted",
        "ResourceDiscovered" => "was found first",
        _ => "changed",
    };
    let time = match &own.after {
        Some(after) => format!("after {after}, and by {} at the latest", own.until),
        None => format!("by {} at the latest", own.until),
    };
    let daily = match own.is_daily {
        true => "; it is recorded once a day, so that what was changed and changed back between is not seen",
        false => "",
    };
    let mut fields: Vec<String> = own.differences.iter().take(DIFFERENCES_MAX).map(field).collect();
    let further = own.further + own.differences.len().saturating_sub(DIFFERENCES_MAX);
    if further > 0 {
        fields.push(format!("{further} more fields differ; --format json has up to 200"));
    }
    let calls = own.calls.iter().map(|call| {
        let perhaps = if call.is_certain { "" } else { ", perhaps not done or of another resource" };
        format!("{} {} by {}{perhaps}, event {}", call.time, call.call, call.who, call.event_id)
    });
    let mut who: Vec<String> = calls.collect();
    if who.is_empty() {
        who.push(
            "No call between that was looked at names it: AWS may have changed it, a call about something else, or a call \
             that the answer does not cover."
                .to_owned(),
        );
    }
    SaidChange { head: format!("It {what} {time}{daily}."), what: fields, who }
}

fn field(own: &Difference) -> String {
    match (&own.before, &own.after) {
        (Some(before), Some(after)) => format!("~ {}: {before} → {after}", own.path),
        (Some(before), None) => format!("- {}: {before}", own.path),
        (None, Some(after)) => format!("+ {}: {after}", own.path),
        (None, None) => own.path.clone(),
    }
}
