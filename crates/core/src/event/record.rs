//! One CloudTrail record: the fields that are asked for, typed; the rest as delivered.
//!
//! Source: CloudTrail user guide, "CloudTrail record contents" (event version 1.11). A record of any version is read: a
//! field that is not there is `None`, one that is unknown stays in [`Record::json`], one that is of another type than
//! AWS documents is listed in [`Record::unread`].

use std::borrow::Cow;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::json::{Json, JsonType, Text};
use super::reader::{FieldReader, Unread};
use super::user_identity::UserIdentity;

/// The longest record that is read, in bytes. CloudTrail's have at most 256 KB, enriched ones at most 1 MB (CloudTrail
/// user guide, "CloudTrail record contents"; API, `PutEventConfiguration`).
pub const RECORD_BYTES_MAX: usize = 2 << 20;

/// How the ids of records without one begin: see [`Record::identity`].
pub const DIGEST_ID: &str = "sha256:";

/// The SHA-256 digest of the bytes of a record: see [`Record::digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordDigest([u8; 32]);

impl RecordDigest {
    /// Returns the digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Resources of one record that are read: one call deletes at most 1,000 objects (S3 API, `DeleteObjects`).
const RESOURCES_MAX: usize = 1_000;

/// One event as CloudTrail recorded it. Texts are those of the record: what a caller wrote is in them unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record as delivered.
    pub json: Json<'a>,
    /// The version of the format: `1.11`. `None`: not recorded.
    pub event_version: Option<Text<'a>>,
    /// When the call ended. `None`: not recorded, or not in RFC 3339.
    pub event_time: Option<Timestamp>,
    /// The service that was called: `s3.amazonaws.com`. `None`: not recorded.
    pub event_source: Option<Text<'a>>,
    /// The call: `PutBucketPolicy`. `None`: not recorded.
    pub event_name: Option<Text<'a>>,
    /// The region that the call went to. `None`: not recorded.
    pub aws_region: Option<Text<'a>>,
    /// The address or the service that the call came from. `None`: not recorded.
    pub source_ip_address: Option<Text<'a>>,
    /// The program that the caller says it is. `None`: not recorded.
    pub user_agent: Option<Text<'a>>,
    /// Why the call failed, as a code. `None`: it did not, or see [`super::Outcome`].
    pub error_code: Option<Text<'a>>,
    /// Why the call failed, in words. `None`: not recorded.
    pub error_message: Option<Text<'a>>,
    /// The id that the service gave the call. `None`: not recorded.
    pub request_id: Option<Text<'a>>,
    /// The id of this event. `None`: not recorded.
    pub event_id: Option<Text<'a>>,
    /// The id that the records of one call in several accounts have in common. `None`: there is one record of it.
    pub shared_event_id: Option<Text<'a>>,
    /// `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn` and others. `None`: not recorded.
    pub event_type: Option<Text<'a>>,
    /// `Management`, `Data`, `NetworkActivity`, `Insight` or `Aggregated`. `None`: not recorded, as before version
    /// 1.07.
    pub event_category: Option<Text<'a>>,
    /// The account that the record was delivered to. `None`: not recorded, as before version 1.02.
    pub recipient_account_id: Option<Text<'a>>,
    /// The VPC endpoint that the call came through. `None`: none, or not recorded.
    pub vpc_endpoint_id: Option<Text<'a>>,
    /// The account of that endpoint. `None`: none, or not recorded.
    pub vpc_endpoint_account_id: Option<Text<'a>>,
    /// It is a management event. `None`: not recorded, as before version 1.06.
    pub management_event: Option<bool>,
    /// The call only reads. `None`: not recorded.
    pub read_only: Option<bool>,
    /// The credentials are those of a session of the console. `None`: not recorded.
    pub session_credential_from_console: Option<bool>,
    /// Who called, as recorded; [`super::Actor`] is the answer that it means. Empty: not recorded.
    pub user_identity: UserIdentity<'a>,
    /// The resources that the service itself names.
    pub resources: Vec<ResourceEntry<'a>>,
    /// How the connection was encrypted. `None`: not recorded, as for calls between services.
    pub tls: Option<Tls<'a>>,
    /// What makes up for an earlier record or a late one. `None`: it is an ordinary record.
    pub addendum: Option<Addendum<'a>>,
    /// What the call asked for. `None`: not recorded.
    pub request_parameters: Option<Json<'a>>,
    /// What the call answered. `None`: not recorded, as for calls that read.
    pub response_elements: Option<Json<'a>>,
    /// What else the service tells. `None`: not recorded.
    pub additional_event_data: Option<Json<'a>>,
    /// What an event of the service itself is about. `None`: it is a call.
    pub service_event_details: Option<Json<'a>>,
    /// What could not be read, and why.
    pub unread: Vec<Unread>,
}

/// An element of a record's `resources`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceEntry<'a> {
    /// The ARN. `None`: not recorded.
    pub arn: Option<Text<'a>>,
    /// How the ARNs of many begin. `None`: it is one.
    pub arn_prefix: Option<Text<'a>>,
    /// The account that owns it. `None`: not recorded.
    pub account_id: Option<Text<'a>>,
    /// The type: `AWS::S3::Object`. `None`: not recorded.
    pub resource_type: Option<Text<'a>>,
}

/// How the connection of a call was encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls<'a> {
    /// `TLSv1.3`. `None`: not recorded.
    pub version: Option<Text<'a>>,
    /// The cipher suite. `None`: not recorded.
    pub cipher_suite: Option<Text<'a>>,
    /// The host that the client asked for. `None`: not recorded.
    pub client_provided_host: Option<Text<'a>>,
}

/// Why a record was delivered late, or again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addendum<'a> {
    /// `DELIVERY_DELAY`, `UPDATED_DATA` or `SERVICE_OUTAGE`. `None`: not recorded.
    pub reason: Option<Text<'a>>,
    /// The event that this one replaces. `None`: none.
    pub original_event_id: Option<Text<'a>>,
    /// The request of that event. `None`: none.
    pub original_request_id: Option<Text<'a>>,
}

/// Says why a text is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// It is longer than any record is.
    #[error("it has {0} bytes, a record has at most {RECORD_BYTES_MAX}")]
    TooLong(usize),
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    NotJson(String),
    /// It is JSON, but no object.
    #[error("it is no JSON object")]
    NotAnObject,
}

impl<'a> Record<'a> {
    /// Reads one record: an element of a log file's `Records`, the `detail` of an event of EventBridge, or the text of
    /// `CloudTrailEvent` in an answer of `LookupEvents`.
    ///
    /// # Errors
    /// [`BadRecord`] for what is no JSON object, or longer than [`RECORD_BYTES_MAX`]. Anything else is read as far as
    /// it can be.
    pub fn read(text: &'a str) -> Result<Self, BadRecord> {
        if text.len() > RECORD_BYTES_MAX {
            return Err(BadRecord::TooLong(text.len()));
        }
        let json = Json::parse(text).map_err(|error| BadRecord::NotJson(error.to_string()))?;
        if json.kind() != JsonType::Object {
            return Err(BadRecord::NotAnObject);
        }
        let mut unread = Vec::new();
        let mut fields = FieldReader::new(json, String::new(), &mut unread);
        let mut record = Self {
            json,
            event_version: fields.text("eventVersion"),
            event_time: fields.time("eventTime"),
            event_source: fields.text("eventSource"),
            event_name: fields.text("eventName"),
            aws_region: fields.text("awsRegion"),
            source_ip_address: fields.text("sourceIPAddress"),
            user_agent: fields.text("userAgent"),
            error_code: fields.text("errorCode"),
            error_message: fields.text("errorMessage"),
            request_id: fields.text("requestID"),
            // Aggregated records write their id and their account in another way.
            event_id: fields.text("eventID").or_else(|| fields.text("eventId")),
            shared_event_id: fields.text("sharedEventID"),
            event_type: fields.text("eventType"),
            event_category: fields.text("eventCategory"),
            recipient_account_id: fields.text("recipientAccountId").or_else(|| fields.text("accountId")),
            vpc_endpoint_id: fields.text("vpcEndpointId"),
            vpc_endpoint_account_id: fields.text("vpcEndpointAccountId"),
            management_event: fields.flag("managementEvent"),
            read_only: fields.flag("readOnly"),
            session_credential_from_console: fields.flag("sessionCredentialFromConsole"),
            user_identity: fields.object("userIdentity", UserIdentity::read).unwrap_or_default(),
            resources: fields.list("resources", RESOURCES_MAX, ResourceEntry::read),
            tls: fields.object("tlsDetails", Tls::read),
            addendum: fields.object("addendum", Addendum::read),
            request_parameters: fields.json("requestParameters"),
            response_elements: fields.json("responseElements"),
            additional_event_data: fields.json("additionalEventData"),
            service_event_details: fields.json("serviceEventDetails"),
            unread: Vec::new(),
        };
        record.unread = unread;
        Ok(record)
    }

    /// Returns the id of the event; of a record without one `sha256:` and the digest of its bytes, in hexadecimal, so
    /// that it is known again wherever it was delivered.
    pub fn identity(&self) -> Cow<'_, str> {
        if let Some(id) = self.event_id.as_deref().filter(|id| !id.is_empty()) {
            return Cow::Borrowed(id);
        }
        let hex: String = self.digest().0.iter().map(|byte| format!("{byte:02x}")).collect();
        Cow::Owned(format!("{DIGEST_ID}{hex}"))
    }

    /// Returns what tells this record from every other one. The id of the event does not: a record that was corrected,
    /// or forged, has the id of the other one and other bytes.
    pub fn digest(&self) -> RecordDigest {
        RecordDigest::of(self.json.as_str().as_bytes())
    }

    /// Returns the id of the event that the record is about: an addendum names the one that it adds to. `None`: not
    /// recorded.
    pub fn event(&self) -> Option<&str> {
        let original = self.addendum.as_ref().and_then(|addendum| addendum.original_event_id.as_deref());
        original.or(self.event_id.as_deref()).filter(|id| !id.is_empty())
    }

    /// Returns what the record has at a path: `userIdentity.sessionContext.sessionIssuer.arn`. `None`: there is
    /// nothing; `null` is something.
    pub fn field(&self, path: &str) -> Option<Json<'a>> {
        self.json.at(path)
    }

    /// Tells whether the record is of a version or of a later one with the same first number. `None`: the version is
    /// not recorded, or is none.
    pub fn is_version(&self, major: u32, minor: u32) -> Option<bool> {
        let (first, second) = self.event_version.as_deref()?.split_once('.')?;
        let (first, second): (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
        Some(first == major && second >= minor)
    }

    /// Tells whether the call may have changed something: it does not say that it only reads.
    pub fn may_write(&self) -> bool {
        self.read_only != Some(true)
    }
}

impl<'a> ResourceEntry<'a> {
    fn read(mut fields: FieldReader<'a, '_>) -> Self {
        Self {
            arn: fields.text("ARN").or_else(|| fields.text("arn")),
            arn_prefix: fields.text("ARNPrefix"),
            account_id: fields.text("accountId"),
            resource_type: fields.text("type"),
        }
    }
}

impl<'a> Tls<'a> {
    fn read(mut fields: FieldReader<'a, '_>) -> Self {
        Self {
            version: fields.text("tlsVersion"),
            cipher_suite: fields.text("cipherSuite"),
            client_provided_host: fields.text("clientProvidedHostHeader"),
        }
    }
}

impl<'a> Addendum<'a> {
    fn read(mut fields: FieldReader<'a, '_>) -> Self {
        Self {
            reason: fields.text("reason"),
            original_event_id: fields.text("originalEventID"),
            original_request_id: fields.text("originalRequestID"),
        }
    }
}
