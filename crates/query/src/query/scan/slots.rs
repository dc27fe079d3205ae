//! Slots of a lake as parts of a plan. Columns that a slot has are read as they are; what it has not is taken from the
//! records.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{AsArray, StringViewArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, col, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr as PhysicalBinary, Column as PhysicalColumn};
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt, iter};
use orgtrail_archive::archive::window::Window;
use orgtrail_core::event::Json;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::distinctly::Distinctly;
use super::newer::Newer;
use super::tally::Tally;
use crate::columns::column::{Column, Kind, UTC, schema};
use crate::columns::extract::{Asked, Delivered, Extractor};
use crate::lake::reading::{SlotFile, failed};
use crate::lake::slot::columns as slot_columns;

/// Batches that wait for the rest of the plan.
const BATCHES_AHEAD: usize = 2;
/// Parts of a slot that are read at a time.
const PARTS_AT_ONCE: usize = 8;
/// The columns that records are taken from.
const OF_RECORDS: [&str; 4] = ["account", "region", "object_key", "record"];

/// What is asked of slots.
pub(super) struct SlotRequest<'a> {
    /// The columns, in order.
    pub columns: &'a Arc<[Column]>,
    /// The conditions on columns of a slot: slots, and groups and pages of their rows, are chosen by them.
    pub filters: Vec<Expr>,
    /// Rows are left out by them too, where columns are read as they are.
    pub applies_filters: bool,
    /// The time that was asked for.
    pub asked: Asked,
    /// The accounts and regions that were asked for: rows of others are left out.
    pub places: &'a Places,
    /// The records that are read elsewhere too. `None`: there is none.
    pub newer: Option<Arc<Newer>>,
    /// What was looked at.
    pub tally: &'a Tally,
}

/// Returns the column of a slot that has the values of a column of a view. `None`: it must be taken from the record.
pub(super) fn column_of(column: &Column) -> Option<&'static Column> {
    slot_columns().iter().find(|own| own.from == column.from && is_same(&own.kind, &column.kind))
}

fn is_same(a: &Kind, b: &Kind) -> bool {
    match (a, b) {
        (Kind::Text, Kind::Text) | (Kind::Json, Kind::Json) | (Kind::Flag, Kind::Flag) | (Kind::Time, Kind::Time) => {
            true
        }
        (Kind::Texts(a), Kind::Texts(b)) => a == b,
        _ => false,
    }
}

/// Returns the conditions on columns of a slot that a window is.
pub(super) fn of_window(window: &Window) -> Vec<Expr> {
    let from = window.from.map(|from| col("event_time").gt_eq(moment(from)));
    let to = window.to.map(|to| col("event_time").lt_eq(moment(to)));
    let places = Places::of(window);
    [from, to].into_iter().flatten().chain(places.filters().map(|(_, filter)| filter)).collect()
}

fn moment(time: jiff::Timestamp) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(time.as_microsecond()), Some(UTC.into())))
}

/// The accounts and regions that were asked for beside the conditions of a question. A slot has several.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// `None`: all.
    accounts: Option<BTreeSet<String>>,
    /// `None`: all.
    regions: Option<BTreeSet<String>>,
}

impl Places {
    /// Returns those of a window.
    pub(super) fn of(window: &Window) -> Self {
        Self { accounts: window.accounts.clone(), regions: window.regions.clone() }
    }

    /// Tells whether an account and a region are among them.
    fn have(&self, account: &str, region: &str) -> bool {
        let has = |all: &Option<BTreeSet<String>>, name| all.as_ref().is_none_or(|all| all.contains(name));
        has(&self.accounts, account) && has(&self.regions, region)
    }

    /// Returns the conditions that they are, each with the column that it is about.
    fn filters(&self) -> impl Iterator<Item = (&'static str, Expr)> {
        let one_of = |name: &'static str, all: &Option<BTreeSet<String>>| {
            all.as_ref().map(|all| (name, col(name).in_list(all.iter().map(lit).collect(), false)))
        };
        [one_of("account", &self.accounts), one_of("region", &self.regions)].into_iter().flatten()
    }
}

/// Returns the plans over some slots.
pub(super) fn plans(
    slots: &[SlotFile],
    request: &SlotRequest<'_>,
    state: &dyn Session,
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    let direct: Option<Vec<&Column>> = request.columns.iter().map(column_of).collect();
    let is_shared = |slot: &&SlotFile| {
        let reach = slot.id.reach().map(|(begin, end)| (begin.as_microsecond(), end.as_microsecond()));
        request.newer.as_ref().is_some_and(|newer| newer.reaches(reach))
    };
    // Conditions on times say nothing of events without one: their time may be a text that compares.
    let (untimed, timed): (Vec<&SlotFile>, Vec<&SlotFile>) = slots.iter().partition(|slot| slot.id.reach().is_none());
    let (shared, own): (Vec<&SlotFile>, Vec<&SlotFile>) = timed.iter().copied().partition(is_shared);
    let mut plans = Vec::new();
    let (direct, of_records) = match direct {
        Some(direct) => (Some((direct, own)), shared),
        None => (None, timed),
    };
    if let Some((columns, own)) = direct.filter(|(_, own)| !own.is_empty()) {
        plans.push(direct_plan(&own, &columns, request, state)?);
    }
    if !of_records.is_empty() {
        let mut filters = request.filters.clone();
        filters.extend(asked_filters(request.asked));
        plans.push(record_plan(&of_records, filters, request, state)?);
    }
    if !untimed.is_empty() {
        plans.push(record_plan(&untimed, Vec::new(), request, state)?);
    }
    Ok(plans)
}

/// Reads columns as they are.
fn direct_plan(
    slots: &[&SlotFile],
    columns: &[&Column],
    request: &SlotRequest<'_>,
    state: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut filters = request.filters.clone();
    let times = asked_filters(request.asked).into_iter().map(|filter| ("event_time", filter));
    let asked: Vec<(&str, Expr)> = times.chain(request.places.filters()).collect();
    filters.extend(asked.iter().map(|(_, filter)| filter.clone()));
    let mut names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let wanted = names.len();
    for (name, _) in &asked {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let scan = scan(slots, &names, (filters, request.applies_filters), request.tally, state)?;
    let mut plan: Arc<dyn ExecutionPlan> = scan;
    if let Some(asked) = asked.into_iter().map(|(_, filter)| filter).reduce(Expr::and) {
        let schema = DFSchema::try_from(plan.schema().as_ref().clone())?;
        let predicate = state.create_physical_expr(asked, &schema)?;
        plan = Arc::new(FilterExecBuilder::new(predicate, plan).build()?);
    }
    let outer = schema(request.columns);
    let own = plan.schema();
    let renamed = (0..wanted).map(|at| {
        let name = own.field(at).name();
        let expr: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(name, at));
        (expr, outer.field(at).name().clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(renamed.collect::<Vec<_>>(), plan)?))
}

/// Takes columns from the records.
fn record_plan(
    slots: &[&SlotFile],
    filters: Vec<Expr>,
    request: &SlotRequest<'_>,
    state: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let scan = scan(slots, &OF_RECORDS, (filters, false), request.tally, state)?;
    let schema = schema(request.columns);
    let part = |partition: usize| -> Arc<dyn PartitionStream> {
        Arc::new(RecordPart {
            schema: Arc::clone(&schema),
            columns: Arc::clone(request.columns),
            asked: request.asked,
            places: request.places.clone(),
            newer: request.newer.clone(),
            tally: request.tally.clone(),
            input: Arc::clone(&scan),
            partition,
        })
    };
    let parts: Vec<_> = (0..scan.output_partitioning().partition_count()).map(part).collect();
    Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), parts, None, None, false, None)?))
}

/// Reads columns of slots, without what the conditions leave out for sure. With the conditions comes whether each row
/// is judged by them, or only groups and pages.
fn scan(
    slots: &[&SlotFile],
    names: &[&str],
    (filters, applies): (Vec<Expr>, bool),
    tally: &Tally,
    state: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let table = schema(slot_columns());
    let mut source = ParquetSource::new(Arc::clone(&table))
        .with_parquet_file_reader_factory(Arc::new(Factory(tally.clone())))
        .with_enable_page_index(true)
        .with_bloom_filter_on_read(true);
    // Records are large: they are unpacked only where the conditions hold.
    let applies = applies || names.contains(&"record");
    if let Some(filter) = predicate(filters, applies, &table, state)? {
        source = source.with_predicate(filter).with_pushdown_filters(applies);
    }
    let indices = names.iter().map(|name| table.index_of(name)).collect::<Result<Vec<usize>, _>>()?;
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_file_groups(groups(slots, state.config().target_partitions()))
        .with_projection_indices(Some(indices))?
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// Returns the conditions as one. `None`: there are none.
fn predicate(
    filters: Vec<Expr>,
    applies: bool,
    table: &SchemaRef,
    state: &dyn Session,
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let schema = DFSchema::try_from(table.as_ref().clone())?;
    let mut all: Option<Arc<dyn PhysicalExpr>> = None;
    for filter in filters {
        // Groups and pages are hardly ever left out by one of several conditions, so that nothing is lost where Parquet
        // does not look into them.
        let is_choice = matches!(&filter, Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }));
        let own = state.create_physical_expr(filter, &schema)?;
        let own = if applies && is_choice { Distinctly::of(own) } else { own };
        all = Some(match all {
            Some(all) => Arc::new(PhysicalBinary::new(all, Operator::And, own)),
            None => own,
        });
    }
    Ok(all)
}

/// Spreads the slots over parts of about the same size.
fn groups(slots: &[&SlotFile], parts: usize) -> Vec<FileGroup> {
    let mut sorted = slots.to_vec();
    sorted.sort_by_key(|slot| std::cmp::Reverse(slot.size_bytes));
    let mut spread: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); parts.clamp(1, slots.len().max(1))];
    for slot in sorted {
        if let Some((total, files)) = spread.iter_mut().min_by_key(|(total, _)| *total) {
            *total += slot.size_bytes;
            let mut file = PartitionedFile::new(slot.id.key(), slot.size_bytes);
            file.extensions.insert(slot.clone());
            files.push(file);
        }
    }
    spread.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

fn asked_filters(asked: Asked) -> Vec<Expr> {
    let from = asked.from.map(|from| col("event_time").gt_eq(moment(from)));
    let to = asked.to.map(|to| col("event_time").lt(moment(to)));
    from.into_iter().chain(to).collect()
}

/// Takes the columns of a view from the records of a part of some slots.
struct RecordPart {
    schema: SchemaRef,
    columns: Arc<[Column]>,
    asked: Asked,
    places: Places,
    newer: Option<Arc<Newer>>,
    tally: Tally,
    input: Arc<dyn ExecutionPlan>,
    partition: usize,
}

impl fmt::Debug for RecordPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordPart").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl PartitionStream for RecordPart {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), BATCHES_AHEAD);
        let sender = builder.tx();
        let batch_rows = context.session_config().batch_size();
        let input = self.input.execute(self.partition, context);
        let (places, newer, tally) = (self.places.clone(), self.newer.clone(), self.tally.clone());
        let mut extractor = Extractor::new(&self.columns, self.asked);
        builder.spawn(async move {
            let mut input = input?;
            while let Some(batch) = input.next().await {
                take(&batch?, &mut extractor, &places, newer.as_deref(), &tally)?;
                // Conditions leave few rows of each batch: what is handed on has as many as others have.
                if extractor.is_full(batch_rows) && sender.send(Ok(extractor.take()?)).await.is_err() {
                    return Ok(());
                }
            }
            if extractor.rows() > 0 {
                // Where nobody reads any more, nobody misses the end.
                let _unread = sender.send(Ok(extractor.take()?)).await;
            }
            Ok(())
        });
        builder.build()
    }
}

fn take(
    batch: &RecordBatch,
    extractor: &mut Extractor,
    places: &Places,
    newer: Option<&Newer>,
    tally: &Tally,
) -> Result<()> {
    let texts = |at: usize| -> Result<&StringViewArray> {
        let column = batch.columns().get(at).and_then(|column| column.as_string_view_opt());
        column.ok_or_else(|| DataFusionError::Internal("a slot has other columns than it should".to_owned()))
    };
    let (accounts, regions, keys, records) = (texts(0)?, texts(1)?, texts(2)?, texts(3)?);
    let mut delivered = Delivered { account: String::new(), region: String::new(), key: String::new() };
    for row in 0..batch.num_rows() {
        let (account, region, key) = (accounts.value(row), regions.value(row), keys.value(row));
        if !places.have(account, region) {
            continue;
        }
        let record = records.value(row);
        if newer.is_some_and(|newer| newer.has(account, region, key, record)) {
            tally.once(("again", account, region, key, record), |looked| looked.duplicates += 1);
            continue;
        }
        let Ok(json) = Json::parse(record) else {
            tally.unread(key, "its record in the lake is no JSON object");
            continue;
        };
        if delivered.key != key {
            delivered = Delivered { account: account.to_owned(), region: region.to_owned(), key: key.to_owned() };
        }
        extractor.add(json, &delivered);
    }
    Ok(())
}

/// Makes readers of slots: what a file is goes with it.
#[derive(Debug)]
struct Factory(Tally);

impl ParquetFileReaderFactory for Factory {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let slot = file.extensions.get::<SlotFile>().cloned();
        let slot = slot.ok_or_else(|| DataFusionError::Internal("a file is no slot".to_owned()))?;
        Ok(Box::new(Reader { slot, tally: self.0.clone() }))
    }
}

struct Reader {
    slot: SlotFile,
    tally: Tally,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.tally.fetches(self.slot.id);
        let opened = Arc::clone(&self.slot.opened);
        async move { opened.read(range).await.map_err(failed) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        self.tally.fetches(self.slot.id);
        let opened = Arc::clone(&self.slot.opened);
        async move {
            let reads = iter(ranges).map(|range| {
                let opened = Arc::clone(&opened);
                async move { opened.read(range).await.map_err(failed) }
            });
            reads.buffered(PARTS_AT_ONCE).try_collect().await
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let metadata = Arc::clone(&self.slot.metadata);
        async move { Ok(metadata) }.boxed()
    }
}
