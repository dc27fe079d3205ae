//! Deletions that a call only asks for: AWS does them later, some after a time in which they can be taken back.
//!
//! Sources: KMS developer guide, "Deleting AWS KMS keys" ("the actual waiting period might be up to 24 hours longer")
//! and the log entry of `DeleteKey`; KMS API, `ScheduleKeyDeletion` (a primary key waits for its replicas first);
//! Secrets Manager API, `DeleteSecret` ("there is no guarantee of a specific time after the recovery window") and user
//! guide, "AWS CloudTrail entries for Secrets Manager"; CloudTrail API, `DeleteEventDataStore` (seven days);
//! Organizations user guide, "Logging AWS Organizations API calls with AWS CloudTrail" (`CloseAccountResult`).

use jiff::{SignedDuration, Timestamp};

use super::super::repeated::{is_forced, waiting_days};
use super::Step;
use crate::event::Record;
use crate::resource_types::ResourceEffect;

const KMS: &str = "kms.amazonaws.com";
const SECRETS: &str = "secretsmanager.amazonaws.com";
const CLOUDTRAIL: &str = "cloudtrail.amazonaws.com";

/// The longest time that any deletion waits, in days.
const WAITING_MAX: i64 = 30;

/// The calls that take a deletion back that waits.
const TAKING_BACK: [(&str, &str); 3] =
    [(KMS, "CancelKeyDeletion"), (SECRETS, "RestoreSecret"), (CLOUDTRAIL, "RestoreEventDataStore")];

/// What AWS records when it does what was asked for: service, the call that asked, and the events.
const DONE_LATER: [(&str, &str, &[&str]); 3] = [
    (KMS, "ScheduleKeyDeletion", &["DeleteKey"]),
    (SECRETS, "DeleteSecret", &["StartSecretVersionDelete", "EndSecretVersionDelete"]),
    ("organizations.amazonaws.com", "CloseAccount", &["CloseAccountResult"]),
];
/// How long behind the time that was asked for AWS may do it: an assumption, where it promises nothing.
const LATE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How much earlier than asked for it may be by the clocks of services.
const EARLY_MAX: SignedDuration = SignedDuration::from_mins(5);

/// That a deletion waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When it is over. `None`: not known, as for a key that waits for its replicas.
    pub until: Option<Timestamp>,
}

impl Wait {
    /// Returns how long the deletion waits that a record asks for. `None`: it does not wait.
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        let (source, call) = (record.event_source.as_deref()?, record.event_name.as_deref()?);
        let (field, days) = waiting_days(source, call)?;
        if is_forced(record) {
            return None;
        }
        let state = record.response_elements.and_then(|answer| answer.at("keyState")?.text());
        if state.as_deref() == Some("PendingReplicaDeletion") {
            return Some(Self { until: None });
        }
        let asked = record.request_parameters.and_then(|asked| asked.at(field));
        let days = asked.and_then(|asked| asked.as_str().trim_matches('"').parse().ok()).unwrap_or(days);
        let window = SignedDuration::from_hours(24 * days.clamp(0, WAITING_MAX));
        Some(Self { until: record.event_time.and_then(|time| time.checked_add(window).ok()) })
    }

    /// Tells whether it is over for certain at a time, and what was asked for is done.
    pub(super) fn is_over(self, at: Timestamp) -> bool {
        self.until.and_then(|until| until.checked_add(LATE_MAX).ok()).is_some_and(|end| at > end)
    }

    /// Tells whether it still waits at a time.
    pub(super) fn is_on(self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at <= until)
    }
}

/// Tells whether a call takes a deletion back that waits: `RestoreSecret`, `CancelKeyDeletion`.
pub(in crate::investigate) fn takes_back(service: &str, call: &str) -> bool {
    TAKING_BACK.contains(&(service, call))
}

/// Tells whether AWS does something then that a call asked for before.
pub(super) fn is_done_later(step: &Step) -> bool {
    let is_own =
        |(service, _, events): &(&str, &str, &[&str])| *service == step.service && events.contains(&&*step.call);
    step.effect == ResourceEffect::Delete && step.is_by_aws && DONE_LATER.iter().any(is_own)
}

/// Tells whether a step is what another one asked for: AWS does it, with an event of its own, and in time.
pub(super) fn is_what_was_asked(asked: &Step, step: &Step) -> bool {
    let is_pair = |(service, call, events): &(&str, &str, &[&str])| {
        *service == asked.service && *call == asked.call && *service == step.service && events.contains(&&*step.call)
    };
    let at_once = Wait { until: Some(asked.time) };
    // What waits is not done before its day.
    let due = asked.waits.and_then(|wait| wait.until?.checked_sub(EARLY_MAX).ok());
    step.is_by_aws
        && asked.effect == ResourceEffect::Delete
        && DONE_LATER.iter().any(is_pair)
        && step.time >= asked.time
        && due.is_none_or(|due| step.time >= due)
        && !asked.waits.unwrap_or(at_once).is_over(step.time)
}
