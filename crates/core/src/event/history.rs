//! Who changed something, as CloudTrail's event history has it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalog::Target;
use super::identity::{Actor, UNKNOWN};
use super::outcome::Outcome;
use super::record::Record;
use super::resource::{Mention, mention};

/// How far back the event history reaches (CloudTrail user guide, "Working with CloudTrail event history").
pub const HISTORY_DAYS: u32 = 90;

/// One call that changed something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct AuditEvent {
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// Who, as [`Actor::name`] says it.
    pub actor: String,
    /// The operation: `PutBucketPolicy`.
    pub event: String,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source: Option<String>,
    /// The ARN of the role that the actor is a session of, with its path. `None`: it is no session, or not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Who began the chain of sessions: a session's name is a claim, this is not. `None`: not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// The service that called on the actor's behalf. `None`: the actor called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
}

/// What the event history has about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventHistory {
    /// The changes, the newest first.
    pub found: Vec<AuditEvent>,
    /// Why there may be others that were not found; none where the history was read to its end.
    pub gap: Option<&'static str>,
}

/// An event as `LookupEvents` answers it (CloudTrail API, `Event`): a record as text, and some of its fields beside it,
/// which answer where the record cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistoryEvent<'a> {
    /// `CloudTrailEvent`: the record. `None`: not answered.
    pub record: Option<&'a str>,
    /// `EventName`. `None`: not answered.
    pub name: Option<&'a str>,
    /// `EventTime`. `None`: not answered.
    pub time: Option<Timestamp>,
    /// `Username`. `None`: not answered.
    pub username: Option<&'a str>,
    /// `ReadOnly` is `true`.
    pub is_read: bool,
}

impl AuditEvent {
    /// Returns what a record says, if it may have changed something: it did not only read, and did not fail. `None`: it
    /// changed nothing, or does not tell when.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        changed(record).then_some(())?;
        let name = record.event_name.as_deref().unwrap_or(UNKNOWN);
        let source = record.source_ip_address.as_deref().filter(|source| !source.is_empty());
        Some(Self::by(Actor::of(record), record.event_time?, name, source))
    }

    fn by(actor: Actor, time: Timestamp, event: &str, source: Option<&str>) -> Self {
        let Actor { name, role, source_identity, through, .. } = actor;
        let (event, source) = (event.to_owned(), source.map(str::to_owned));
        Self { time: time.to_string(), actor: name, event, source, role, source_identity, through }
    }
}

impl HistoryEvent<'_> {
    /// Returns what it says, if it may have changed something. `about`: only of a resource of this kind and name.
    /// `None`: it changed nothing or something else, or does not tell when.
    pub fn change(&self, about: Option<(Target, &str)>) -> Option<AuditEvent> {
        if self.is_read {
            return None;
        }
        let Ok(record) = Record::read(self.record.unwrap_or_default()) else {
            // Of what it was about nothing can be said.
            let actor = Actor::named(self.username.unwrap_or_default());
            return about.is_none().then_some(AuditEvent::by(actor, self.time?, self.name.unwrap_or(UNKNOWN), None));
        };
        if about.is_some_and(|(target, name)| !is_about(&record, target, name)) {
            return None;
        }
        let (event_name, event_time) = (record.event_name.clone(), record.event_time);
        let name = event_name.or_else(|| self.name.map(Into::into));
        AuditEvent::of(&Record { event_name: name, event_time: event_time.or(self.time), ..record })
    }
}

fn changed(record: &Record<'_>) -> bool {
    record.may_write() && Outcome::of(record).may_be_done()
}

/// A call that the catalog does not know is taken to be about what its request holds as a text.
fn is_about(record: &Record<'_>, target: Target, name: &str) -> bool {
    match mention(record, target, name) {
        Mention::Named => true,
        Mention::Other => false,
        Mention::Unknown => record.request_parameters.is_some_and(|request| request.as_str().contains(name)),
    }
}
