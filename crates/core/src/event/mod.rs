//! One CloudTrail record: its fields, who did it, what it names, what became of it; and the API calls that are known.
//!
//! Whatever reads a record reads it here, wherever it comes from: a log file, EventBridge, or the event history. The
//! same event then has the same answer to "who".
//!
//! - [`Record`]: the fields that are asked for, typed; the rest as delivered.
//! - [`Actor`]: who did it, what is proven of that and what is claimed.
//! - [`Outcome`]: done, denied or failed.
//! - [`resource`]: the resources that a record names.
//! - [`catalog`]: the calls that this program knows, in one table.
//! - [`EventBridgeEvent`], [`HistoryEvent`]: the wrappings that records come in beside log files.
//!
//! Records are hostile: callers write into them. Nothing here panics, recurses or grows with what stands in one.

pub mod catalog;
mod envelope;
pub mod history;
mod id;
mod identity;
mod json;
mod outcome;
mod reader;
mod record;
pub mod resource;
mod user_identity;

#[cfg(test)]
mod tests;

pub use envelope::{BadEvent, EventBridgeEvent};
pub use history::{AuditEvent, EventHistory, HISTORY_DAYS, HistoryEvent, UnreadEvent};
pub use id::{BadEventId, EventId};
pub use identity::{Actor, ActorKind, Behind, Mfa, UNKNOWN};
pub use json::{Json, JsonType, Text};
pub use outcome::Outcome;
pub use reader::Unread;
pub use record::{Addendum, BadRecord, DIGEST_ID, RECORD_BYTES_MAX, Record, RecordDigest, ResourceEntry, Tls};
pub use user_identity::{IdentityType, SessionContext, SessionIssuer, UserIdentity};
