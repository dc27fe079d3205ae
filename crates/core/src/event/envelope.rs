//! Records as EventBridge sends them: an envelope, whose `detail` is the record.
//!
//! Source: Amazon EventBridge user guide, "AWS service events delivered via AWS CloudTrail".

use super::json::{Json, JsonType, Text};
use super::record::{BadRecord, RECORD_BYTES_MAX, Record};

/// An envelope with all around its record.
const EVENT_BYTES_MAX: usize = RECORD_BYTES_MAX + (64 << 10);

/// The kinds of events that hold a record. Some happen without anybody's call: an account has been created.
const KINDS: [&str; 4] = [
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "AWS Console Action via CloudTrail",
];

/// An event that CloudTrail recorded, as EventBridge sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBridgeEvent<'a> {
    /// `AWS API Call via CloudTrail` and others of CloudTrail's.
    pub detail_type: Text<'a>,
    /// The account in which the event appeared.
    pub account: Text<'a>,
    /// The region in which it appeared. `None`: not told.
    pub region: Option<Text<'a>>,
    /// The record.
    pub record: Record<'a>,
}

/// Says why a text is no record in an envelope of EventBridge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// It has not the wanted form.
    #[error("it is not an event of EventBridge: {0}")]
    NotAnEvent(String),
    /// It is an event of another kind.
    #[error("it is an event of the kind {0:?}, not a call that CloudTrail recorded")]
    OtherKind(String),
    /// Its record cannot be read.
    #[error("its record cannot be read: {0}")]
    BadRecord(#[from] BadRecord),
}

impl<'a> EventBridgeEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`BadEvent`] for anything that holds no record of CloudTrail.
    pub fn read(text: &'a str) -> Result<Self, BadEvent> {
        let not_an_event = |why: &str| BadEvent::NotAnEvent(why.to_owned());
        if text.len() > EVENT_BYTES_MAX {
            return Err(not_an_event(&format!("it has {} bytes", text.len())));
        }
        let envelope = Json::parse(text).map_err(|error| not_an_event(&error.to_string()))?;
        if envelope.kind() != JsonType::Object {
            return Err(not_an_event("it is no object"));
        }
        let field = |name: &str| envelope.get(name).and_then(Json::text);
        let detail_type = field("detail-type").ok_or_else(|| not_an_event("it has no `detail-type`"))?;
        if !KINDS.contains(&detail_type.as_ref()) {
            return Err(BadEvent::OtherKind(detail_type.into_owned()));
        }
        let account = field("account").ok_or_else(|| not_an_event("it has no `account`"))?;
        let detail = envelope.get("detail").ok_or_else(|| not_an_event("it has no `detail`"))?;
        Ok(Self { detail_type, account, region: field("region"), record: Record::read(detail.as_str())? })
    }
}
