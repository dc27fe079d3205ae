//! CloudTrail's event history: the management events of the last 90 days of an account and region, by one attribute.

use jiff::Timestamp;

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
    /// The most answers of 50 events that are read: two a second may be asked for.
    pub pages_max: usize,
}

/// What the history answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryRecords {
    /// The records, as CloudTrail has them.
    pub records: Vec<String>,
    /// Events that came without a record.
    pub without_record: usize,
    /// There are more, which were not read.
    pub has_more: bool,
}
