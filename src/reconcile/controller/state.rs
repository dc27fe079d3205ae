//! What lasts as long as the daemon, and how it outlives it.

use crate::daemon::history::{History, HistoryFile, HistoryFileError, SharedHistory, SharedHistoryError};
use crate::notify::Ledger;
use crate::reconcile::act::ConflictTracker;
use crate::reconcile::findings::{Finding, Findings};
use crate::reconcile::history::{HistoryRecord, RoundRecord};
use crate::reconcile::round::RoundState;

/// What lasts as long as the daemon.
#[derive(Default)]
pub(super) struct DaemonState {
    /// What is known from round to round.
    pub(super) rounds: RoundState,
    /// What the rounds did.
    pub(super) history: History<RoundRecord>,
    /// Rounds that were begun.
    pub(super) begun: u64,
    /// Rounds in a row that could plan nothing.
    pub(super) failures: u32,
    /// A round could plan something.
    pub(super) planned_once: bool,
    /// What each channel was sent of the findings.
    pub(super) notified: Ledger<Finding>,
}

impl DaemonState {
    /// Takes up what an earlier run left in a file.
    pub(super) fn resume(file: Option<&HistoryFile>, deployment: &str) -> Result<Self, HistoryFileError> {
        let mut state = Self::default();
        if let Some(record) = file.map(|file| file.read(deployment)).transpose()?.flatten() {
            state.restore(record);
        }
        Ok(state)
    }

    /// Takes up what was kept: rounds are added, and what is known of findings, conflicts and notifications is
    /// replaced.
    pub(super) fn restore(&mut self, record: HistoryRecord) {
        self.history.merge(record.rounds);
        self.rounds.findings = Findings::resume(record.findings);
        self.rounds.conflicts = ConflictTracker::resume(record.conflicts);
        self.notified = record.notified;
    }

    /// Puts together what is kept.
    pub(super) fn record(&self, deployment: &str) -> HistoryRecord {
        let rounds = self.history.iter().cloned().collect();
        let findings = self.rounds.findings.iter().cloned().collect();
        let conflicts = self.rounds.conflicts.record();
        HistoryRecord::new(deployment, rounds, findings, conflicts).with_notified(self.notified.clone())
    }

    /// Writes the record for all replicas; rounds that another one added meanwhile are taken up first.
    pub(super) async fn share(
        &mut self,
        history: &SharedHistory<'_>,
        deployment: &str,
    ) -> Result<(), SharedHistoryError> {
        let merged = |record: Option<HistoryRecord>| {
            self.history.merge(record.map(|record| record.rounds).unwrap_or_default());
            self.record(deployment)
        };
        history.write(merged).await
    }
}
