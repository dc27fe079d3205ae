//! What lasts as long as the daemon, and how it outlives it: in a file of this machine, or in an object that replicas share.

use super::conflicts::ConflictTracker;
use super::findings::Findings;
use super::history::{BadHistory, History, HistoryFile, HistoryRecord};
use super::notifier::NotifiedFindings;
use super::round::RoundState;
use crate::cloud::Fault;
use crate::cloud::document::{Condition, ConditionalStore, WriteOutcome};

/// How often a write is tried between which another replica's comes.
const TRIES: usize = 3;

/// What lasts as long as the daemon.
#[derive(Default)]
pub(super) struct DaemonState {
    pub(super) book: RoundState,
    pub(super) history: History,
    /// Rounds that were begun.
    pub(super) rounds: u64,
    /// Rounds on end that could plan nothing.
    pub(super) failures: u32,
    pub(super) planned_once: bool,
    /// What people were told of the findings.
    pub(super) known: NotifiedFindings,
}

impl DaemonState {
    /// Takes up what an earlier run left in a file.
    pub(super) fn resume(file: Option<&HistoryFile>, deployment: &str) -> Result<Self, BadHistory> {
        let mut daemon_state = Self::default();
        if let Some(record) = file.map(|file| file.read(deployment)).transpose()?.flatten() {
            daemon_state.restore(record);
        }
        Ok(daemon_state)
    }

    /// Takes up what was kept: rounds are added, and what is known of findings, fights and notices is
    /// replaced.
    pub(super) fn restore(&mut self, record: HistoryRecord) {
        self.history.merge(record.rounds);
        self.book.findings = Findings::resume(record.findings);
        self.book.fights = ConflictTracker::resume(record.contests);
        self.known = NotifiedFindings::resume(record.told);
    }

    /// Puts together what is kept.
    pub(super) fn record(&self, deployment: &str) -> HistoryRecord {
        let rounds = self.history.rounds().cloned().collect();
        let findings = self.book.findings.iter().cloned().collect();
        HistoryRecord::new(deployment, rounds, findings, self.book.fights.contests()).with_told(self.known.record())
    }
}

/// Says why the object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] Fault),
    /// There is something else; it is not overwritten.
    #[error("the object is not a history of this deployment: {0}; name another prefix, or move the object away")]
    Content(String),
    /// Another replica wrote at the same time, again and again.
    #[error("another replica writes it too")]
    Raced,
}

/// An object that holds the record of all replicas of a deployment.
pub(super) struct SharedHistory<'a> {
    pub(super) document: &'a dyn ConditionalStore,
    pub(super) deployment: &'a str,
}

impl SharedHistory<'_> {
    /// Reads the record, with the condition under which it may be replaced; no record where there is no object yet.
    pub(super) async fn read(&self) -> Result<(Option<HistoryRecord>, Condition), HistoryError> {
        let Some(kept) = self.document.read().await? else { return Ok((None, Condition::Absent)) };
        let record = HistoryRecord::parse(&kept.text, self.deployment).map_err(HistoryError::Content)?;
        Ok((Some(record), Condition::Version(kept.version)))
    }

    /// Writes the record; rounds that another replica added meanwhile are taken up first.
    pub(super) async fn write(&self, daemon_state: &mut DaemonState) -> Result<(), HistoryError> {
        for _ in 0..TRIES {
            let (record, condition) = self.read().await?;
            daemon_state.history.merge(record.map(|record| record.rounds).unwrap_or_default());
            let text = serde_json::to_string(&daemon_state.record(self.deployment));
            let text = text.map_err(|error| HistoryError::Content(error.to_string()))?;
            if self.document.write(&text, &condition).await? == WriteOutcome::Done {
                return Ok(());
            }
        }
        Err(HistoryError::Raced)
    }
}
