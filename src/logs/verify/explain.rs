//! Why a chain has a gap, as the log files around it tell: who stopped or changed the trail. It explains, it proves
//! nothing.

use futures::stream::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::archive::inflate::{LOG_INFLATED_BYTES_MAX, inflate};
use crate::ids::TrailName;
use crate::log_path::{Folder, LogKey, LogKind};
use crate::logs::finding::TimeRange;

use crate::archive::Store;

use super::walk::Walk;

/// How far from an edge of a gap the log file of its cause may lie.
const AROUND: SignedDuration = SignedDuration::from_mins(60);
/// How many log files are read for one edge at most, and how many bytes one may hold.
const FILES_MAX: usize = 100;
const BYTES_MAX: u64 = LOG_INFLATED_BYTES_MAX >> 5;
/// How much of a name from a record is repeated.
const NAME_CHARS_MAX: usize = 200;
/// The calls that switch a trail's recording or validation on or off.
const CALLS: [&str; 5] = ["StopLogging", "StartLogging", "UpdateTrail", "CreateTrail", "DeleteTrail"];

/// Those of them after which a trail records, or does not.
const SWITCHES: [&str; 4] = ["StopLogging", "StartLogging", "CreateTrail", "DeleteTrail"];

#[derive(Deserialize)]
pub(super) struct Records {
    #[serde(rename = "Records")]
    pub(super) records: Vec<LoggedCall>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedCall {
    #[serde(default)]
    pub(super) event_name: String,
    #[serde(default)]
    pub(super) event_source: String,
    #[serde(default)]
    event_time: String,
    #[serde(default)]
    pub(super) error_code: Option<String>,
    #[serde(default)]
    user_identity: Value,
    #[serde(default)]
    pub(super) request_parameters: Value,
    #[serde(default)]
    pub(super) resources: Value,
}

impl LoggedCall {
    /// Tells whether a call about a trail went well and was about this one.
    fn is_about(&self, trail: &TrailName) -> bool {
        let name = self.request_parameters.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_trail = name == trail.as_str() || name.ends_with(&format!(":trail/{trail}"));
        is_trail && self.error_code.is_none()
    }

    fn switches_on(&self) -> bool {
        matches!(self.event_name.as_str(), "StartLogging" | "CreateTrail")
    }

    /// Returns who called what, and when.
    pub(super) fn told(&self) -> String {
        let who = self.user_identity.get("arn").and_then(Value::as_str).unwrap_or("an unknown caller");
        let who: String = who.chars().take(NAME_CHARS_MAX).collect();
        let when: String = self.event_time.chars().take(NAME_CHARS_MAX).collect();
        format!("{} by {who} at {when}", self.event_name)
    }
}

/// Returns the records of a log file; none when it cannot be read.
pub(super) async fn records(store: &dyn Store, key: &str) -> Vec<LoggedCall> {
    let Ok(body) = store.read_log(key).await else { return Vec::new() };
    let Ok((content, _)) = inflate(&body, BYTES_MAX) else { return Vec::new() };
    serde_json::from_slice(&content).map_or_else(|_| Vec::new(), |Records { records }| records)
}

impl Walk<'_> {
    /// Returns who changed a chain's trail around a gap, as far as log files of this account tell; empty when they do
    /// not. The calls are recorded in the trail's home region.
    pub(super) async fn explain(&self, at: usize, window: TimeRange) -> String {
        let (trail, home) = &self.chains[at].id;
        if *home != self.region {
            return String::new();
        }
        let mut told = Vec::new();
        for edge in [window.start, window.end] {
            let records = self.records_around(edge, false).await;
            told.extend(records.iter().filter(|record| record.is_about(trail)).map(LoggedCall::told));
        }
        told.sort();
        told.dedup();
        if told.is_empty() { String::new() } else { format!("; the log says: {}", told.join(", ")) }
    }

    /// Tells whether log files around a chain's end, such as digests list, say that its trail was stopped or deleted,
    /// and not started since.
    pub(super) async fn log_says_it_ended(&self, at: usize, end: Timestamp) -> bool {
        let (trail, home) = &self.chains[at].id;
        if *home != self.region {
            return false;
        }
        let records = self.records_around(end, true).await;
        let own =
            records.iter().filter(|record| record.is_about(trail) && SWITCHES.contains(&record.event_name.as_str()));
        // Times of one form, so that they sort as they come.
        let last = own.max_by(|a, b| (&a.event_time, a.switches_on()).cmp(&(&b.event_time, b.switches_on())));
        last.is_some_and(|record| !record.switches_on())
    }

    /// Returns the records of calls about trails in log files around a moment; of those only that digests list, if
    /// asked for.
    async fn records_around(&self, moment: Timestamp, only_listed: bool) -> Vec<LoggedCall> {
        let (first, last) = (moment.saturating_sub(AROUND), moment.saturating_add(AROUND));
        let (Ok(first), Ok(last)) = (first, last) else { return Vec::new() };
        let mut records = Vec::new();
        for (number, site) in self.sites.all.iter().enumerate() {
            let mut files = Vec::new();
            for day in site.scope.day_prefixes(Folder::Logs(LogKind::CloudTrail), first, last) {
                let mut listed = site.store.list(&day, "");
                while let Some(Ok(listed)) = listed.next().await {
                    let slot = LogKey::parse(&listed.key).map(|key| key.slot);
                    let counts = !only_listed || self.listings.names(number, &listed.key);
                    if counts && slot.is_some_and(|slot| first <= slot && slot <= last) {
                        files.push(listed.key);
                    }
                }
            }
            for key in files.into_iter().take(FILES_MAX) {
                let all = self::records(site.store.as_ref(), &key).await;
                let about = |record: &LoggedCall| {
                    record.event_source == "cloudtrail.amazonaws.com" && CALLS.contains(&record.event_name.as_str())
                };
                records.extend(all.into_iter().filter(about));
            }
        }
        records
    }
}
