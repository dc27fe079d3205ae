//! Who changed something, as CloudTrail's event history has it.

use std::cmp::Reverse;
use std::collections::HashSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalog::{self, Target};
use super::identity::{Actor, UNKNOWN, shortened};
use super::json::{Json, JsonType};
use super::outcome::Outcome;
use super::record::Record;
use super::resource::{Mention, mention};
use super::user_identity::UserIdentity;

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
    /// Why it may not have been done: the code or message with which the call ended, or that its record cannot be read.
    /// `None`: it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// Nobody can tell whether an event changed something: its record is cut off, too long or not there, or does not tell
/// when it was or what it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event cannot be read")]
pub struct UnreadEvent;

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
        let event = Self::by(Actor::of(record), record.event_time?, name, source);
        Some(Self { doubt: doubt(record), ..event })
    }

    fn by(actor: Actor, time: Timestamp, event: &str, source: Option<&str>) -> Self {
        let Actor { name, role, source_identity, through, .. } = actor;
        let (event, source) = (shortened(event), source.map(shortened));
        Self { time: time.to_string(), actor: name, event, source, role, source_identity, through, doubt: None }
    }
}

impl HistoryEvent<'_> {
    /// Returns what it says, if it may have changed something. `about`: only of a resource of this kind and name.
    /// `None`: it changed nothing or something else.
    ///
    /// # Errors
    /// [`UnreadEvent`] where that is not known.
    pub fn change(&self, about: Option<(Target, &str)>) -> Result<Option<AuditEvent>, UnreadEvent> {
        if self.is_read {
            return Ok(None);
        }
        let Ok(record) = Record::read(self.record.unwrap_or_default()) else {
            // Of what it was about nothing can be said.
            let time = self.time.filter(|_| about.is_none()).ok_or(UnreadEvent)?;
            let actor = Actor::of_identity(&UserIdentity::default()).or_username(self.username);
            let event = AuditEvent::by(actor, time, self.name.unwrap_or(UNKNOWN), None);
            return Ok(Some(AuditEvent { doubt: Some("its record cannot be read".to_owned()), ..event }));
        };
        let record = Record {
            event_name: record.event_name.clone().or_else(|| self.name.map(Into::into)),
            event_time: record.event_time.or(self.time),
            ..record
        };
        if !changed(&record) {
            return Ok(None);
        }
        if let Some((target, name)) = about
            && !is_about(&record, target, name)?
        {
            return Ok(None);
        }
        let event = AuditEvent::of(&record).ok_or(UnreadEvent)?;
        Ok(Some(AuditEvent { actor: Actor::of(&record).or_username(self.username).name, ..event }))
    }
}

impl EventHistory {
    /// Puts the changes in order, each once, and keeps the newest: an event that names its resource in two ways is
    /// found twice.
    #[must_use]
    pub fn newest(mut self, most: usize) -> Self {
        // As times: as texts, a second would come after its own fractions.
        self.found.sort_by_key(|event| Reverse(event.time.parse::<Timestamp>().ok()));
        let mut seen = HashSet::new();
        self.found.retain(|event| seen.insert(event.clone()));
        self.found.truncate(most);
        self
    }
}

fn changed(record: &Record<'_>) -> bool {
    record.may_write() && Outcome::of(record).may_be_done()
}

/// Returns why a call that may have been done may not have been.
fn doubt(record: &Record<'_>) -> Option<String> {
    if Outcome::of(record) != Outcome::Unknown {
        return None;
    }
    let said = [&record.error_code, &record.error_message].into_iter().flatten().find(|text| !text.is_empty());
    Some(said.map_or_else(|| "its error cannot be read".to_owned(), |text| shortened(text)))
}

/// A call that the catalog does not know is taken to be about what its request holds as a text. One that it knows, of
/// which the request is not there or was left out for its size, may be about anything.
fn is_about(record: &Record<'_>, target: Target, name: &str) -> Result<bool, UnreadEvent> {
    match mention(record, target, name) {
        Mention::Named => return Ok(true),
        Mention::Other => return Ok(false),
        Mention::Unknown => {}
    }
    if record.request_parameters.is_some_and(|request| request.as_str().contains(name)) {
        return Ok(true);
    }
    let (Some(source), Some(event)) = (&record.event_source, &record.event_name) else { return Err(UnreadEvent) };
    let call = catalog::find(source, event).filter(|call| call.target == target);
    let is_left_out = |request: Json<'_>| request.kind() != JsonType::Object || request.get("omitted").is_some();
    match call {
        Some(call) if !call.names.is_empty() || record.request_parameters.is_none_or(is_left_out) => Err(UnreadEvent),
        _ => Ok(false),
    }
}
