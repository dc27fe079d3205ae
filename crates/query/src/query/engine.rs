//! Runs one question over an archive, within limits.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::common::ParamValues;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use tokio::sync::Mutex;

use super::again::LeftSidesRunAgain;
use super::constants;
use super::dense::FiltersGiveDenseTexts;
use super::describe;
use super::error::QueryError;
use super::pool::{FairPool, QuestionPool};
use super::scan::{EventTable, Scans, Tally};
use super::views::VIEWS;
use crate::lake::reading::Lake;
use orgtrail_archive::archive::listing::Archive;
use orgtrail_archive::archive::window::Window;

/// What a question may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory for sorting, grouping and joining, in bytes; what goes beyond is put on disk where that can be done.
    pub memory_bytes: usize,
    /// Temporary files, in bytes.
    pub temporary_bytes: u64,
    /// Where temporary files are made. `None`: where the system puts them.
    pub temporary_folder: Option<PathBuf>,
    /// Bytes of log files, as stored. `None`: no limit.
    pub read_bytes: Option<u64>,
    /// Parts that are worked on at a time.
    pub threads: usize,
}

/// The least memory that a question may be given, in bytes: with less a sort has no room for what it keeps back and
/// for what it sorts.
pub const MEMORY_BYTES_MIN: usize = 24 << 20;
/// Bytes of memory for each part that is worked on at a time: with less there are fewer parts.
const PART_BYTES: usize = MEMORY_BYTES_MIN;
/// Bytes of memory for each row of a batch of a part: batches are as large as DataFusion makes them where there is
/// room.
const ROW_BYTES: usize = 32 << 10;
/// The rows of a batch.
const BATCH_ROWS: std::ops::RangeInclusive<usize> = 256..=8_192;

impl Limits {
    /// Returns the same with no more parts at a time than there is memory for.
    fn within_memory(mut self) -> Self {
        self.threads = self.threads.min(self.memory_bytes / PART_BYTES).max(1);
        self
    }

    /// Returns how many rows a batch has.
    fn batch_rows(&self) -> usize {
        (self.memory_bytes / self.threads.max(1) / ROW_BYTES).clamp(*BATCH_ROWS.start(), *BATCH_ROWS.end())
    }
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { memory_bytes: 512 << 20, temporary_bytes: 10 << 30, temporary_folder: None, read_bytes: None, threads }
    }
}

fn config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(threads).with_information_schema(true);
    // A hash join keeps one side in memory and does not put it on disk; a sort-merge join does.
    config.options_mut().optimizer.prefer_hash_join = false;
    config
}

/// What is kept back for each part of each sort, of questions that are asked together: there are many of them, and most
/// sort little.
const SORT_BYTES: usize = 256 << 10;

/// What DataFusion keeps back for each part of each sort, to put what was sorted together.
const MERGE_BYTES_MAX: usize = 10 << 20;

/// Returns what is kept back for each part of each sort of a question: with little memory it is a part of that, as a
/// sort begins with it.
fn merge_bytes(limits: &Limits) -> usize {
    (counted(limits.memory_bytes) / (4 * limits.threads.max(1))).min(MERGE_BYTES_MAX)
}

/// Returns how much of some memory is for what is counted: batches on their way are not.
fn counted(memory_bytes: usize) -> usize {
    memory_bytes / 4 * 3
}

/// Returns the surroundings of questions, with the memory of `pool`, which makes one of so many bytes.
fn runtime<P: MemoryPool + 'static>(
    limits: &Limits,
    pool: impl FnOnce(usize) -> P,
) -> datafusion::common::Result<Arc<RuntimeEnv>> {
    let bytes = counted(limits.memory_bytes);
    let largest = std::num::NonZeroUsize::MIN.saturating_add(2);
    let mut runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(TrackConsumersPool::new(QuestionPool::new(pool(bytes), bytes), largest)))
        .with_max_temp_directory_size(limits.temporary_bytes);
    if let Some(folder) = &limits.temporary_folder {
        runtime = runtime.with_temp_file_path(folder);
    }
    runtime.build_arc()
}

/// Returns a session that plans as all of ours do.
fn context(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_physical_optimizer_rules(constants::rules())
        .with_physical_optimizer_rule(Arc::new(LeftSidesRunAgain))
        .with_physical_optimizer_rule(Arc::new(FiltersGiveDenseTexts))
        .build();
    SessionContext::new_with_state(state)
}

/// Answers questions about an archive.
pub struct Engine {
    context: SessionContext,
    scans: Arc<Scans>,
    limits: Limits,
}

impl Engine {
    /// Returns an engine over an archive, and over a lake of it where there is one. `asked` narrows every question.
    ///
    /// # Errors
    /// Where the memory and the temporary files cannot be set up.
    pub fn new(archive: Arc<Archive>, lake: Option<Lake>, asked: Window, limits: &Limits) -> Result<Self, QueryError> {
        let limits = &limits.clone().within_memory();
        let runtime = runtime(limits, FairPool::new)?;
        let config = config(limits.threads).with_batch_size(limits.batch_rows());
        let config = config.with_sort_spill_reservation_bytes(merge_bytes(limits));
        let context = context(config, runtime);
        let scans = Arc::new(Scans {
            archive,
            lake,
            asked,
            bytes_max: limits.read_bytes,
            tally: Tally::default(),
            needs: Mutex::new(HashMap::new()),
        });
        for view in &VIEWS {
            context.register_table(view.name, Arc::new(EventTable::new(view, Arc::clone(&scans))))?;
        }
        super::functions::register(&context)?;
        Ok(Self { context, scans, limits: limits.clone() })
    }

    /// Begins to answer a question; the rows come as they are found.
    ///
    /// # Errors
    /// [`QueryError`] where it is no question, names what is not there, or needs more than is allowed.
    pub async fn ask(&self, sql: &str) -> Result<SendableRecordBatchStream, QueryError> {
        self.ask_with(sql, ParamValues::Map(HashMap::new())).await
    }

    /// Begins to answer a question with values for its placeholders (`$name`), which stay values.
    ///
    /// # Errors
    /// As [`Engine::ask`], and where a placeholder has no value.
    pub async fn ask_with(&self, sql: &str, values: ParamValues) -> Result<SendableRecordBatchStream, QueryError> {
        let statement = super::functions::read(sql)?;
        let described = describe::view(&statement);
        let plan = self.context.state().statement_to_plan(statement).await?.with_param_values(values)?;
        let plan = describe::in_sql(plan, described)?;
        Self::must_only_read(&plan)?;
        Ok(self.context.execute_logical_plan(plan).await?.execute_stream().await?)
    }

    /// Refuses a plan that would change something.
    ///
    /// # Errors
    /// Names what it would do.
    pub(super) fn must_only_read(plan: &LogicalPlan) -> Result<(), QueryError> {
        let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        Ok(only_reads.verify_plan(plan)?)
    }

    /// Returns how many parts it works on at a time.
    pub fn threads(&self) -> usize {
        self.limits.threads.max(1)
    }

    /// Returns what its questions may use.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns what the questions so far looked at.
    pub fn scans(&self) -> &Scans {
        &self.scans
    }

    /// Returns the same, to be shared.
    pub(super) fn shared_scans(&self) -> Arc<Scans> {
        Arc::clone(&self.scans)
    }

    /// Returns the session over the views.
    pub(super) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Returns what questions that are asked together share: as much memory again as the engine has for its scans. It
    /// is given to whoever needs it: equal parts would be too small for the few that need much.
    ///
    /// # Errors
    /// Where the temporary files cannot be set up.
    pub(super) fn shared_runtime(&self) -> Result<Arc<RuntimeEnv>, QueryError> {
        Ok(runtime(&self.limits, GreedyMemoryPool::new)?)
    }

    /// Returns a session without tables and functions of ours, for a question that is asked together with others.
    pub(super) fn session(&self, runtime: &Arc<RuntimeEnv>) -> SessionContext {
        let config = config(self.threads()).with_sort_spill_reservation_bytes(SORT_BYTES);
        context(config, Arc::clone(runtime))
    }
}
