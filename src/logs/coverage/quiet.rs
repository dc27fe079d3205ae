//! Whether an account and region without log files is quiet: digests come every hour, also when nothing happened, so
//! that only what they list tells. Nothing is proved here.

use futures::stream::{StreamExt, iter};
use jiff::Timestamp;

use super::{Arrival, Found, ListedLogs, Row};
use crate::log_path::{LogKey, LogKind};
use crate::logs::digest::document::Digest;
use crate::logs::finding::TimeRange;
use crate::logs::inflate::inflate_digest;
use crate::logs::store::Store;

/// How many digests one run reads at most: so many requests cost $0.04 and take a few minutes.
pub(super) const DIGESTS_READ_MAX: usize = 100_000;
/// How many digests are read at a time.
const READS_AT_ONCE: usize = 32;

/// Asks the digests of every place that has no log file of the range how many they list. `left` is how many digests may
/// still be read.
pub(super) async fn ask_digests(
    store: &dyn Store,
    places: &mut [Found],
    range: TimeRange,
    latest: Timestamp,
    left: &mut usize,
) {
    for found in places.iter_mut().filter(|found| found.is_silent()) {
        let answer = found.ask(store, range, latest, left).await;
        found.listed = Some(answer.map_or_else(ListedLogs::Unread, ListedLogs::Files));
    }
}

impl Found {
    /// Tells whether there are digests, and no log file.
    fn is_silent(&self) -> bool {
        let has_logs = self.logs.get(&LogKind::CloudTrail).is_some_and(|files| files.count > 0);
        !has_logs && !self.trails.is_empty() && self.problem.is_none()
    }

    /// Returns how many log files of the range the digests list, or why that is not known.
    async fn ask(
        &self,
        store: &dyn Store,
        range: TimeRange,
        latest: Timestamp,
        left: &mut usize,
    ) -> Result<u64, String> {
        let digests = self.digests(store, range, latest).await.map_err(|fault| fault.to_string())?;
        *left = left.checked_sub(digests.len()).ok_or_else(|| {
            format!(
                "more than {DIGESTS_READ_MAX} digests would be read; ask for less with --from, --account or --region"
            )
        })?;
        let mut reads = iter(digests).map(async |(key, _)| listed(store, &key, range).await).buffered(READS_AT_ONCE);
        let mut sum = 0;
        while let Some(files) = reads.next().await {
            sum += files?;
        }
        Ok(sum)
    }
}

/// Returns how many log files of a range a digest lists. A name that cannot be read counts.
async fn listed(store: &dyn Store, key: &str, range: TimeRange) -> Result<u64, String> {
    let object = store.get(key).await.map_err(|fault| format!("{key}: {fault}"))?;
    let (content, _) = inflate_digest(&object.body).map_err(|error| format!("{key}: {error}"))?;
    let digest = Digest::parse(&content).map_err(|error| format!("{key}: {error}"))?;
    let is_sought = |key: &LogKey| key.kind == LogKind::CloudTrail && key.slot > range.start && key.slot <= range.end;
    let files = digest.log_files.iter().filter(|file| LogKey::parse(&file.object).as_ref().is_none_or(is_sought));
    Ok(files.count() as u64)
}

impl Row {
    /// Tells whether digests are there and not one log file, and nothing says that they list none.
    pub fn lacks_log_files(&self) -> bool {
        matches!(self.listed, Some(ListedLogs::Files(1..) | ListedLogs::Unread(_)))
    }

    /// Says what the digests list where there is no log file: such a row is quiet, or has digests only.
    pub(super) fn judge_listed(&mut self) {
        let told = match &self.listed {
            None => return,
            Some(ListedLogs::Files(0)) => {
                self.arrival = if self.arrival == Arrival::Arriving { Arrival::Quiet } else { self.arrival };
                return;
            }
            Some(ListedLogs::Files(files)) => format!("which list {files}: ask orgtrail verify what became of them"),
            Some(ListedLogs::Unread(why)) => format!("and it is not known how many they list: {why}"),
        };
        if matches!(self.arrival, Arrival::Arriving | Arrival::Ended) {
            self.arrival = Arrival::DigestsOnly;
        }
        let told = format!("no log file of the range is there beside the digests, {told}");
        self.note = Some(self.note.take().map_or(told.clone(), |note| format!("{note}; {told}")));
    }
}
