//! What the rounds did, kept in a bounded file together with what has to survive a restart of the daemon. Where replicas
//! share it, it is an object: see `daemon_state`.
//!
//! It is for people and for the status page. Nothing that a plan stands on comes from it: without it the daemon
//! does the same, it only no longer knows since when a finding is open.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conflicts::Conflict;
use super::findings::Finding;
use crate::files::{self, Readers};
use crate::plan::Harm;

/// Rounds that are kept: five days at one every quarter of an hour.
pub const ROUNDS_MAX: usize = 480;

/// Findings that are kept. Of more than these the ages begin anew when the daemon does.
const FINDINGS_MAX: usize = 5_000;

/// The largest record: so many rounds and findings have a part of it, and what is larger is something else.
pub const BYTES_MAX: i64 = 16 * 1024 * 1024;

/// The version of the file's format.
const FORMAT_VERSION: u32 = 1;

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundResult {
    /// Everything could be read and was as it should be, and nothing was found wrong.
    InSync,
    /// Something was not, and it was put right.
    Repaired,
    /// Something waits for a person.
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
            RoundResult::Waiting => "waits for a person",
            RoundResult::Partial => "partial",
            RoundResult::Failed => "failed",
            RoundResult::Stopped => "stopped",
        }
    }
}

/// Why a round was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// The run id: what CloudTrail shows as the name of the session.
    pub run: String,
    /// Counted from the start of the daemon.
    pub number: u64,
    /// Why it was made.
    pub trigger: Trigger,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
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

/// The rounds, the newest last.
#[derive(Debug, Clone, Default)]
pub struct History {
    rounds: VecDeque<RoundRecord>,
}

impl History {
    /// Takes up the rounds of earlier runs.
    pub fn resume(rounds: Vec<RoundRecord>) -> Self {
        let mut history = Self::default();
        rounds.into_iter().for_each(|round| history.push(round));
        history
    }

    /// Adds a round; the oldest one goes when there are too many.
    pub fn push(&mut self, round: RoundRecord) {
        while self.rounds.len() >= ROUNDS_MAX {
            self.rounds.pop_front();
        }
        self.rounds.push_back(round);
    }

    /// Takes up the rounds that somebody else kept, in the order of time, each once.
    pub fn merge(&mut self, others: Vec<RoundRecord>) {
        let mut rounds: Vec<RoundRecord> = self.rounds.drain(..).collect();
        let is_known =
            |round: &RoundRecord| rounds.iter().any(|own| (&own.run, own.number) == (&round.run, round.number));
        let new: Vec<RoundRecord> = others.into_iter().filter(|round| !is_known(round)).collect();
        rounds.extend(new);
        rounds.sort_by_key(|round| round.started);
        *self = Self::resume(rounds);
    }

    /// Returns the rounds, the oldest first.
    pub fn rounds(&self) -> impl DoubleEndedIterator<Item = &RoundRecord> {
        self.rounds.iter()
    }
}

/// What is in the file.
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
    pub contests: Vec<Conflict>,
    /// What each recipient was told last. Where nobody was, it is left out, as it was in histories before there was any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, Vec<Finding>>,
}

impl HistoryRecord {
    /// Puts a record together, of which nobody was told.
    pub fn new(
        deployment: &str,
        rounds: Vec<RoundRecord>,
        mut findings: Vec<Finding>,
        contests: Vec<Conflict>,
    ) -> Self {
        findings.truncate(FINDINGS_MAX);
        let told = BTreeMap::new();
        Self { format_version: FORMAT_VERSION, deployment: deployment.to_owned(), rounds, findings, contests, told }
    }

    /// Adds what each recipient was told last.
    pub fn with_told(mut self, mut told: BTreeMap<String, Vec<Finding>>) -> Self {
        told.values_mut().for_each(|findings| findings.truncate(FINDINGS_MAX));
        self.told = told;
        self
    }

    /// Reads a record of a deployment.
    ///
    /// # Errors
    /// What the text is instead.
    pub fn parse(text: &str, deployment: &str) -> Result<Self, String> {
        let record: HistoryRecord = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.format_version != FORMAT_VERSION {
            return Err(format!("it has format version {}", record.format_version));
        }
        if record.deployment != deployment {
            return Err(format!("it belongs to {:?}", record.deployment));
        }
        Ok(record)
    }
}

/// Where the record is kept.
#[derive(Debug, Clone)]
pub struct HistoryFile {
    path: PathBuf,
}

/// Says why the record of earlier runs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadHistory {
    /// The file cannot be read.
    #[error("cannot read the history {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no history, or one of another version or deployment.
    #[error("{} is not a history of this deployment: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
}

impl HistoryFile {
    /// Names the file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads what earlier runs left; nothing where there is no file yet.
    ///
    /// # Errors
    /// [`BadHistory`] for a file that is something else: it is not overwritten.
    pub fn read(&self, deployment: &str) -> Result<Option<HistoryRecord>, BadHistory> {
        let path = self.path.clone();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BadHistory::Read { path, source }),
        };
        HistoryRecord::parse(&text, deployment).map(Some).map_err(|why| BadHistory::Content { path, why })
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// Those of the file system; the old file is as it was.
    pub fn write(&self, record: &HistoryRecord) -> io::Result<()> {
        // Put together before anything is written: a disk that is full leaves the old file as it is.
        let text = serde_json::to_vec(record)?;
        files::write(&self.path, &text, Readers::Owner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

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
        assert_eq!(file.read("acme").unwrap(), None);
        let mut history = History::default();
        (0..2 * ROUNDS_MAX as u64).for_each(|number| history.push(round(number)));
        let rounds: Vec<RoundRecord> = history.rounds().cloned().collect();
        assert_eq!((rounds.len(), rounds[0].number), (ROUNDS_MAX, ROUNDS_MAX as u64));
        let record = HistoryRecord::new("acme", rounds, Vec::new(), Vec::new());
        file.write(&record).unwrap();
        assert_eq!(file.read("acme").unwrap(), Some(record));
        assert!(file.read("other").unwrap_err().to_string().contains("belongs to"));
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
        let order: Vec<(&str, u64)> = history.rounds().map(|round| (round.run.as_str(), round.number)).collect();
        assert_eq!(order, [("one", 1), ("two", 1), ("one", 2)]);
    }

    #[test]
    fn a_history_from_before_anybody_was_told_is_read() {
        let text = r#"{"format_version":1,"deployment":"acme","rounds":[],"findings":[],"contests":[]}"#;
        let record = HistoryRecord::parse(text, "acme").unwrap();
        assert!(record.told.is_empty());
        assert_eq!(serde_json::to_string(&record).unwrap(), text, "and an older daemon reads what is written");
        let told = BTreeMap::from([("topic".to_owned(), Vec::new())]);
        let text = serde_json::to_string(&record.with_told(told.clone())).unwrap();
        assert_eq!(HistoryRecord::parse(&text, "acme").unwrap().told, told);
    }

    #[test]
    fn a_file_that_is_something_else_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"format_version\":").unwrap();
        assert!(matches!(HistoryFile::new(file.path()).read("acme"), Err(BadHistory::Content { .. })));
    }
}
