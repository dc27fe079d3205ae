//! CloudTrail's event history: the management events of the last 90 days of an account and region, by one attribute.

use jiff::Timestamp;

use crate::event::HistoryEvent;

/// By what events are looked up (CloudTrail API, `LookupAttribute`): one attribute at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryKey {
    /// The name, id or ARN of a resource, as the event names it.
    ResourceName(String),
    /// The access key that signed.
    AccessKeyId(String),
    /// The id of the event.
    EventId(String),
    /// The call: `DeleteBucket`.
    EventName(String),
    /// The name of a user or of a session.
    Username(String),
}

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLookup {
    /// By what.
    pub key: HistoryKey,
    /// From when on. `None`: from the beginning of the history.
    pub from: Option<Timestamp>,
    /// Until when. `None`: the present.
    pub to: Option<Timestamp>,
    /// Where the answer goes on, as the one before said it. `None`: the first answer.
    pub token: Option<String>,
}

/// An answer of the history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryPage {
    /// The events, the newest first.
    pub events: Vec<FoundEvent>,
    /// Where it goes on. `None`: these are all.
    pub next: Option<String>,
}

/// An event as the history answers it: see [`HistoryEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundEvent {
    /// The record, as CloudTrail has it. `None`: not answered.
    pub record: Option<String>,
    /// The call. `None`: not answered.
    pub name: Option<String>,
    /// When. `None`: not answered.
    pub time: Option<Timestamp>,
    /// The name of the user or of the session. `None`: not answered.
    pub username: Option<String>,
    /// The history says that it only reads.
    pub is_read: bool,
}

impl FoundEvent {
    /// Returns it for a judgement.
    pub fn as_event(&self) -> HistoryEvent<'_> {
        HistoryEvent {
            record: self.record.as_deref(),
            name: self.name.as_deref(),
            time: self.time,
            username: self.username.as_deref(),
            is_read: self.is_read,
        }
    }
}
