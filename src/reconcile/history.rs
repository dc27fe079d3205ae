//! What the rounds did, and what else has to survive a restart: the record that the daemon keeps in its history.
//!
//! It is for people and for the status page. Nothing that a plan stands on comes from it: without it the daemon
//! does the same, it only no longer knows since when a finding is open.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::act::Conflict;
use super::findings::Finding;
use crate::daemon::history::{HistoryEntry, HistoryFormat};
use crate::notify::Ledger;
use crate::plan::Harm;

/// Findings that are kept. Of more than these the ages begin anew when the daemon does.
const FINDINGS_MAX: usize = 5_000;

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundResult {
    /// Everything could be read and was as it should be, and nothing was found wrong.
    InSync,
    /// Something was not, and it was put right.
    Repaired,
    /// Something needs approval.
    Waiting,
    /// Something could not be read, changed or proved.
    Partial,
    /// Nothing could be planned.
    Failed,
    /// The daemon was told to stop before the round was over.
    Stopped,
}

impl RoundResult {
    /// All of them, in the order of metrics.
    pub const ALL: [RoundResult; 6] = [
        RoundResult::InSync,
        RoundResult::Repaired,
        RoundResult::Waiting,
        RoundResult::Partial,
        RoundResult::Failed,
        RoundResult::Stopped,
    ];

    /// Returns the word for metrics and files.
    pub fn as_str(self) -> &'static str {
        match self {
            RoundResult::InSync => "in_sync",
            RoundResult::Repaired => "repaired",
            RoundResult::Waiting => "waiting",
            RoundResult::Partial => "partial",
            RoundResult::Failed => "failed",
            RoundResult::Stopped => "stopped",
        }
    }

    /// Returns the word for people.
    pub fn words(self) -> &'static str {
        match self {
            RoundResult::InSync => "in sync",
            RoundResult::Repaired => "repaired",
            RoundResult::Waiting => "needs approval",
            RoundResult::Partial => "partial",
            RoundResult::Failed => "failed",
            RoundResult::Stopped => "stopped",
        }
    }
}

/// Why a round was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It was time.
    Timer,
    /// A message told of a change.
    Wake,
    /// The configuration changed.
    Configuration,
}

impl Trigger {
    /// Returns the word for logs and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Timer => "timer",
            Trigger::Wake => "wake",
            Trigger::Configuration => "configuration",
        }
    }
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// The run id: what CloudTrail shows as the name of the session.
    pub run: String,
    /// Counted from the start of the daemon.
    pub number: u64,
    /// Why it was made.
    pub trigger: Trigger,
    /// When it began.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// When it was over.
    #[schemars(with = "String")]
    pub ended: Timestamp,
    /// How it ended.
    pub result: RoundResult,
    /// Resources that were not as they should be.
    pub drifted: usize,
    /// Changes that were made.
    pub made: usize,
    /// Changes that were tried in vain.
    pub failed: usize,
    /// Changes that wait.
    pub held: usize,
    /// Problems of reading.
    pub problems: usize,
    /// Calls to AWS.
    pub calls: u64,
    /// Why nothing could be planned; empty otherwise.
    pub error: String,
    /// What is wrong that no change repairs: findings, violations of isolation, what stands against the plan.
    #[serde(default)]
    pub found: usize,
    /// What of isolation could be neither proved nor refuted.
    #[serde(default)]
    pub unproven: usize,
    /// What the worst of all that was found did before anything was repaired; none where nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Harm>,
}

impl HistoryEntry for RoundRecord {
    /// Five days at one every quarter of an hour.
    const KEPT_MAX: usize = 480;

    fn id(&self) -> (&str, u64) {
        (&self.run, self.number)
    }

    fn started(&self) -> Timestamp {
        self.started
    }
}

/// What is kept, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryRecord {
    format_version: u32,
    /// The deployment: a file of another one is not taken up.
    pub deployment: String,
    /// The rounds, the oldest first.
    pub rounds: Vec<RoundRecord>,
    /// The findings that are open.
    pub findings: Vec<Finding>,
    /// The fields that were set lately.
    #[serde(rename = "contests")]
    pub conflicts: Vec<Conflict>,
    /// What each channel was sent last. Where nothing was sent, it is left out, as it was in histories before there was
    /// any.
    #[serde(rename = "told", default, skip_serializing_if = "Ledger::is_empty")]
    pub notified: Ledger<Finding>,
}

impl HistoryRecord {
    /// Puts a record together, of which nothing was sent.
    pub fn new(
        deployment: &str,
        rounds: Vec<RoundRecord>,
        mut findings: Vec<Finding>,
        conflicts: Vec<Conflict>,
    ) -> Self {
        findings.truncate(FINDINGS_MAX);
        let notified = Ledger::default();
        Self {
            format_version: Self::FORMAT_VERSION,
            deployment: deployment.to_owned(),
            rounds,
            findings,
            conflicts,
            notified,
        }
    }

    /// Adds what each channel was sent last.
    pub fn with_notified(self, notified: Ledger<Finding>) -> Self {
        Self { notified: notified.truncated(FINDINGS_MAX), ..self }
    }
}

impl HistoryFormat for HistoryRecord {
    const FORMAT_VERSION: u32 = 1;

    fn format_version(&self) -> u32 {
        self.format_version
    }

    fn deployment(&self) -> &str {
        &self.deployment
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::daemon::history::{History, HistoryFile, HistoryFileError, parse};

    pub(crate) fn round(number: u64) -> RoundRecord {
        let at: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
        RoundRecord {
            run: "orgtrail-acme-1".into(),
            number,
            trigger: Trigger::Timer,
            started: at,
            ended: at,
            result: RoundResult::InSync,
            drifted: 0,
            made: 0,
            failed: 0,
            held: 0,
            problems: 0,
            calls: 0,
            error: String::new(),
            found: 0,
            unproven: 0,
            harm: None,
        }
    }

    #[test]
    fn the_file_is_bounded_and_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = HistoryFile::new(folder.path().join("history.json"));
        assert_eq!(file.read::<HistoryRecord>("acme").unwrap(), None);
        let mut history = History::default();
        (0..2 * RoundRecord::KEPT_MAX as u64).for_each(|number| history.push(round(number)));
        let rounds: Vec<RoundRecord> = history.iter().cloned().collect();
        assert_eq!((rounds.len(), rounds[0].number), (RoundRecord::KEPT_MAX, RoundRecord::KEPT_MAX as u64));
        let record = HistoryRecord::new("acme", rounds, Vec::new(), Vec::new());
        file.write(&record).unwrap();
        assert_eq!(file.read("acme").unwrap(), Some(record));
        assert!(file.read::<HistoryRecord>("other").unwrap_err().to_string().contains("belongs to"));
    }

    #[test]
    fn rounds_of_two_replicas_are_put_in_the_order_of_time_each_once() {
        let at = |run: &str, number, minute: i64| RoundRecord {
            run: run.into(),
            started: round(0).started + jiff::SignedDuration::from_mins(minute),
            ..round(number)
        };
        let mut history = History::resume(vec![at("one", 1, 0), at("one", 2, 30)]);
        history.merge(vec![at("one", 1, 0), at("two", 1, 15)]);
        let order: Vec<(&str, u64)> = history.iter().map(|round| (round.run.as_str(), round.number)).collect();
        assert_eq!(order, [("one", 1), ("two", 1), ("one", 2)]);
    }

    #[test]
    fn a_history_from_before_anybody_was_told_is_read() {
        let text = r#"{"format_version":1,"deployment":"acme","rounds":[],"findings":[],"contests":[]}"#;
        let record = parse::<HistoryRecord>(text, "acme").unwrap();
        assert!(record.notified.is_empty());
        assert_eq!(serde_json::to_string(&record).unwrap(), text, "and an older daemon reads what is written");
        let mut told = Ledger::default();
        told.sent("topic", Vec::new());
        let text = serde_json::to_string(&record.with_notified(told.clone())).unwrap();
        assert_eq!(parse::<HistoryRecord>(&text, "acme").unwrap().notified, told);
    }

    #[test]
    fn a_file_that_is_something_else_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"format_version\":").unwrap();
        let read = HistoryFile::new(file.path()).read::<HistoryRecord>("acme");
        assert!(matches!(read, Err(HistoryFileError::Content { .. })));
    }
    #[test]
    fn one_daemon_at_a_time_keeps_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let held = HistoryFile::new(&path).hold().unwrap();
        assert!(held.is_some());
        let refused = HistoryFile::new(&path).hold().unwrap_err().to_string();
        assert!(refused.starts_with(&format!("another daemon keeps the history {}", path.display())), "{refused}");
        HistoryFile::new(folder.path().join("other.json")).hold().unwrap();
        drop(held);
        assert!(HistoryFile::new(&path).hold().unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_no_history_and_what_is_too_large_neither() {
        let read = |path: &std::path::Path| HistoryFile::new(path).read::<HistoryRecord>("acme").unwrap_err();
        assert!(matches!(read(std::path::Path::new("/dev/full")), HistoryFileError::Read { .. }));
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(crate::daemon::history::BYTES_MAX.unsigned_abs() + 1).unwrap();
        let HistoryFileError::Read { source, .. } = read(file.path()) else { panic!() };
        assert_eq!(source.kind(), std::io::ErrorKind::FileTooLarge);
    }
}
