//! One part of a scan: some chains, file by file. Files are fetched ahead, and read one after the other into batches of
//! rows; what is kept in memory does not depend on how large a file or an archive is.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::{StreamExt, iter};
use orgtrail_archive::archive::{Fault, FaultKind};
use orgtrail_core::event::Json;
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_blocking;

use super::tally::Tally;
use crate::columns::column::Column;
use crate::columns::extract::{Added, Asked, Delivered, Extractor};
use crate::columns::object;
use orgtrail_archive::archive::listing::{Archive, Chain, LogFile};

/// Files that are fetched ahead of the one that is read.
const FETCHED_AHEAD: usize = 16;
/// Batches that wait for the rest of the plan.
const BATCHES_AHEAD: usize = 2;

/// Some chains of a scan.
pub(super) struct ChainScan {
    pub archive: Arc<Archive>,
    pub columns: Arc<[Column]>,
    pub schema: SchemaRef,
    pub files: Vec<LogFile>,
    pub asked: Asked,
    pub tally: Tally,
}

impl fmt::Debug for ChainScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainScan").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl PartitionStream for ChainScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), BATCHES_AHEAD);
        let reader = Reader {
            archive: Arc::clone(&self.archive),
            tally: self.tally.clone(),
            batch_rows: context.session_config().batch_size(),
            state: Some(State {
                extractor: Extractor::new(&self.columns, self.asked),
                seen: Seen::new(MemoryConsumer::new("events seen").register(context.memory_pool())),
            }),
            sender: builder.tx(),
        };
        let files = self.files.clone();
        builder.spawn(reader.run(files));
        builder.build()
    }
}

struct Reader {
    archive: Arc<Archive>,
    tally: Tally,
    batch_rows: usize,
    /// Goes to the thread that reads a file, and comes back.
    state: Option<State>,
    sender: Sender<Result<RecordBatch>>,
}

struct State {
    extractor: Extractor,
    seen: Seen,
}

impl Reader {
    async fn run(mut self, files: Vec<LogFile>) -> Result<()> {
        let archive = Arc::clone(&self.archive);
        let mut bodies = iter(files)
            .map(move |file| {
                let store = archive.store(&file);
                async move {
                    let body = match store {
                        Some(store) => store.read_log(&file.key).await,
                        None => Err(Fault::new(FaultKind::Absent, "its place is not known")),
                    };
                    (file, body)
                }
            })
            .buffered(FETCHED_AHEAD);
        let mut chain: Option<Chain> = None;
        while let Some((file, body)) = bodies.next().await {
            if chain.as_ref() != Some(&file.chain) {
                chain = Some(file.chain.clone());
                if let Some(state) = &mut self.state {
                    state.seen.clear();
                }
            }
            match body {
                Ok(body) => {
                    if !self.read(file, body).await? {
                        return Ok(());
                    }
                }
                Err(fault) => self.tally.unread(&file.key, fault.to_string()),
            }
        }
        let Some(mut state) = self.state.take() else { return Ok(()) };
        if state.extractor.rows() > 0 {
            // Where nobody reads any more, nobody misses the end.
            let _unread = self.sender.send(Ok(state.extractor.take()?)).await;
        }
        Ok(())
    }

    /// Reads one file; tells whether somebody still wants more.
    async fn read(&mut self, file: LogFile, body: Vec<u8>) -> Result<bool> {
        let Some(state) = self.state.take() else { return Ok(false) };
        let (tally, sender, batch_rows) = (self.tally.clone(), self.sender.clone(), self.batch_rows);
        let work = move || read_file(state, &file, &body, batch_rows, &tally, &sender);
        let (state, is_wanted) = spawn_blocking(work).await.map_err(|e| DataFusionError::External(Box::new(e)))??;
        self.state = Some(state);
        Ok(is_wanted)
    }
}

/// Reads one file into batches, on a thread that may wait.
fn read_file(
    mut state: State,
    file: &LogFile,
    body: &[u8],
    batch_rows: usize,
    tally: &Tally,
    sender: &Sender<Result<RecordBatch>>,
) -> Result<(State, bool)> {
    let delivered =
        Delivered { account: file.chain.account.clone(), region: file.chain.region.clone(), key: file.key.clone() };
    let (mut records, mut duplicates, mut without_time, mut is_wanted) = (0, 0, 0, true);
    let mut failed: Option<DataFusionError> = None;
    let add = |json: Json<'_>| {
        records += 1;
        if failed.is_some() || !is_wanted {
            return;
        }
        match state.seen.is_new(json) {
            Ok(true) => without_time += u64::from(state.extractor.add(json, &delivered) == Added::WithoutTime),
            Ok(false) => duplicates += 1,
            Err(error) => failed = Some(error),
        }
        if state.extractor.is_full(batch_rows) {
            match state.extractor.take() {
                Ok(batch) => is_wanted = sender.blocking_send(Ok(batch)).is_ok(),
                Err(error) => failed = Some(error.into()),
            }
        }
    };
    let read = object::read(body, add);
    if let Some(error) = failed {
        return Err(error);
    }
    tally.note(|looked| {
        looked.files += u64::from(read.is_whole);
        looked.bytes += body.len() as u64;
        looked.inflated_bytes += read.inflated_bytes;
    });
    tally.once(("file", file.place, file.key.as_str()), |looked| {
        read.unread.iter().for_each(|why| looked.add_unread(&file.key, why));
        looked.records += records;
        looked.duplicates += duplicates;
        looked.without_time += without_time;
        looked.unread_count += read.further_unread;
    });
    Ok((state, is_wanted))
}

/// The records of one chain so far, by their id and their bytes, so that one that was delivered again counts once. One
/// with the same id and other bytes is another.
struct Seen {
    /// Keys that no writer of records knows, so that none can be made to pass for another.
    keys: [RandomState; 2],
    all: HashSet<(u64, u64)>,
    reservation: MemoryReservation,
}

/// What an entry takes in a set, with its share of free places.
const SEEN_BYTES: usize = 36;

impl Seen {
    fn new(reservation: MemoryReservation) -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], all: HashSet::new(), reservation }
    }

    fn clear(&mut self) {
        self.all = HashSet::new();
        self.reservation.free();
    }

    fn is_new(&mut self, record: Json<'_>) -> Result<bool> {
        let text = record.as_str();
        let key = (self.keys[0].hash_one(text), self.keys[1].hash_one(text));
        if self.all.len() == self.all.capacity() {
            let more = self.all.len().max(1024);
            self.reservation.try_grow(more * SEEN_BYTES)?;
            self.all.reserve(more);
        }
        Ok(self.all.insert(key))
    }
}
