//! Who changed something last, or why that is not known.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Comparison, Entry, FindingKind, FindingState};
use crate::estate::{Address, Problem};
use crate::event::{AuditEvent, EventHistory, HISTORY_DAYS};
use crate::investigate::answer::Person;

/// What was found out about the last changes at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Where something drifted.
    #[schemars(with = "String")]
    pub address: Address,
    /// The last changes, the newest first. That the newest one made the drift is likely, not proven.
    pub events: Vec<TracedChange>,
    /// Why no actor is named; none where one is.
    pub unknown: Option<String>,
    /// Why there may be other changes than `events`, also newer ones; none where all of the event history was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// What was not looked at, so that more may be known there. Empty: nothing, or the record is of before it was
    /// noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_looked_at: Vec<String>,
    /// When the event history was asked, as RFC 3339 in UTC: what a run takes from the one before is as it was then.
    /// None where it was not asked, and in records of before it was noted.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_up_at: Option<Timestamp>,
}

/// A change, and who stands behind its caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TracedChange {
    /// The change.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// The id of the event. `None`: not recorded, or not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Who stands behind the caller. `None`: it was not traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
}

impl From<AuditEvent> for TracedChange {
    fn from(event: AuditEvent) -> Self {
        Self { event, ..Self::default() }
    }
}

impl Trace {
    /// Makes the trace of what the event history has, asked at a time.
    pub fn of(address: &Address, history: EventHistory, at: Timestamp) -> Self {
        let EventHistory { found, gap } = history;
        let nobody = || format!("the event history of the last {HISTORY_DAYS} days names no change");
        let unknown = found.is_empty().then(|| gap.map_or_else(nobody, str::to_owned));
        let gap = gap.filter(|_| !found.is_empty()).map(str::to_owned);
        let events = found.into_iter().map(TracedChange::from).collect();
        Self { events, gap, looked_up_at: Some(at), ..Self::unknown(address, unknown) }
    }

    /// Makes the trace where the event history could not be read.
    pub fn unread(address: &Address, problem: &Problem, at: Timestamp) -> Self {
        let why = format!("the event history cannot be read: {} ({})", problem.message, problem.code);
        Self { looked_up_at: Some(at), ..Self::unknown(address, Some(why)) }
    }

    /// Makes the trace where it was not asked for, because there is too much to ask for.
    pub fn not_asked(address: &Address, most: usize) -> Self {
        Self::unknown(address, Some(format!("not asked: only the first {most} changes of a run are")))
    }

    fn unknown(address: &Address, unknown: Option<String>) -> Self {
        let (address, events, not_looked_at) = (address.clone(), Vec::new(), Vec::new());
        Self { address, events, unknown, gap: None, not_looked_at, looked_up_at: None }
    }

    /// Says where else it was looked, where nobody is named.
    #[must_use]
    pub fn also_unknown(mut self, why: &str) -> Self {
        self.unknown = self.unknown.map(|before| format!("{before}; {why}"));
        self
    }

    /// Returns the traces of a run that still tell who made what drifts in the next one: of the changes that say what
    /// they said. A drift that was repaired and made again in between looks as it did, which is why each trace tells
    /// when it was looked up.
    pub fn still_true(traces: Vec<Self>, now: &Comparison) -> Vec<Self> {
        let still = |entry: &&Entry| entry.kind == FindingKind::Change && entry.state == FindingState::Still;
        let still: BTreeSet<&Address> =
            now.findings.iter().filter(still).filter_map(|entry| entry.address.as_ref()).collect();
        traces.into_iter().filter(|trace| !trace.events.is_empty() && still.contains(&trace.address)).collect()
    }

    /// Returns when the event history was asked, where that was before a run. `None`: in that run, or nobody is named.
    pub fn asked_before(&self, run: Timestamp) -> Option<String> {
        if self.events.is_empty() {
            return None;
        }
        match self.looked_up_at {
            Some(at) => (at < run).then(|| format!("looked up at {at}")),
            None => Some("looked up in an earlier run".to_owned()),
        }
    }
}
