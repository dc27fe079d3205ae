//! Who changed something in AWS, as CloudTrail's event history tells it.

use serde::{Deserialize, Serialize};

/// How far back the event history reaches (CloudTrail user guide, "Working with CloudTrail event history").
pub const HISTORY_DAYS: u32 = 90;

/// One call that changed something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When, as RFC 3339 in UTC.
    pub time: String,
    /// Who: the ARN of the identity, or the service that did it; `unknown` where the event names nobody.
    pub actor: String,
    /// The operation: `PutBucketPolicy`.
    pub event: String,
    /// The address or the service that the call came from.
    pub source: Option<String>,
}

/// What the event history has about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventHistory {
    /// The changes, the newest first.
    pub found: Vec<AuditEvent>,
    /// Why there may be others that were not found; none where the history was read to its end.
    pub gap: Option<&'static str>,
}
