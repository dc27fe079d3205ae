//! Which slot of a lake is damaged inside, where a question ended because of it: Parquet does not say in which file.

use std::cmp::Reverse;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::task::spawn_blocking;

use super::super::error::QueryError;
use super::Scans;
use crate::lake::reading::SlotFile;
use crate::lake::slot::Slot;

/// The most slots that are looked through. Each part of a scan reads one slot at a time, and the last ones that were
/// read come first.
const SLOTS_MAX: usize = 64;
/// What a person does about it.
const HELP: &str = "make it anew from its log files with `orgtrail lake update --repair`, or ask the log files alone with \
                    --no-lake";

impl Scans {
    /// Returns the error of a question, with the slot that could not be read where it is one inside a slot.
    pub async fn explained(&self, error: DataFusionError) -> QueryError {
        let is_of_parquet = error.to_string().to_ascii_lowercase().contains("parquet");
        match QueryError::from(error) {
            QueryError::Failed(why) if is_of_parquet => match self.damaged().await {
                Some((slot, why)) => QueryError::Lake { text: self.said(&slot, &why), help: Some(HELP) },
                None => QueryError::Failed(why),
            },
            other => other,
        }
    }

    fn said(&self, slot: &SlotFile, why: &str) -> String {
        let place = self.lake.as_ref().map(|lake| lake.store.name()).unwrap_or_default();
        format!("{} in the lake {place} is damaged: {why}", slot.id.key())
    }

    /// Returns the first slot, of those that were read last, of which a page cannot be read, and why.
    async fn damaged(&self) -> Option<(SlotFile, String)> {
        let read = self.tally.read_slots();
        let mut slots: Vec<(u64, SlotFile)> = Vec::new();
        for needs in self.needs.lock().await.values() {
            let of = |slot: &SlotFile| read.get(&slot.id).map(|at| (*at, slot.clone()));
            slots.extend(needs.slots.iter().filter_map(of));
        }
        slots.sort_by_key(|(at, slot)| (Reverse(*at), slot.id));
        slots.dedup_by_key(|(_, slot)| slot.id);
        for (_, slot) in slots.into_iter().take(SLOTS_MAX) {
            // What cannot be fetched is no damage; what it was, the question said.
            let Ok(bytes) = slot.opened.read(0..slot.size_bytes).await else { continue };
            let whole = spawn_blocking(move || Slot::of(bytes).and_then(|slot| slot.must_be_readable()));
            let why = match whole.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                // Bytes that nothing expects may also end the work on them.
                Err(_) => "it is no whole slot: its pages cannot be taken apart".to_owned(),
            };
            return Some((slot, why));
        }
        None
    }
}

/// Returns the next rows of a stream, with errors that say which slot they are of. `None`: there are no more.
pub async fn next_of(stream: &mut SendableRecordBatchStream, scans: &Scans) -> Option<Result<RecordBatch, QueryError>> {
    match stream.next().await? {
        Ok(batch) => Some(Ok(batch)),
        Err(error) => Some(Err(scans.explained(error).await)),
    }
}
