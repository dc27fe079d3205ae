//! How many different texts each group has. DataFusion keeps a table of its own for each group, which takes 24 KB even
//! for a single text; here all groups share one.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringViewArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::hash_utils::RandomState;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use indexmap::IndexSet;

/// DataFusion's `count`; of different texts in groups the one of this module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Count(Arc<AggregateUDF>);

impl Count {
    /// Returns the count over the one that is there.
    pub(super) fn over(inner: Arc<AggregateUDF>) -> Self {
        Self(inner)
    }
}

/// Returns the type of the texts that are counted. `None`: something else is counted.
fn texts_of(args: &AccumulatorArgs<'_>) -> Option<DataType> {
    let [field] = args.expr_fields else { return None };
    let kind = field.data_type();
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    (args.is_distinct && is_text).then(|| kind.clone())
}

impl AggregateUDFImpl for Count {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.0.return_type(given)
    }

    fn is_nullable(&self) -> bool {
        self.0.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.0.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.0.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        texts_of(&args).is_some() || self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match texts_of(&args) {
            Some(kind) => Ok(Box::new(DistinctTexts::new(kind))),
            None => self.0.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.0.create_sliding_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn default_value(&self, kind: &DataType) -> Result<ScalarValue> {
        self.0.default_value(kind)
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.0.inner().value_from_stats(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn set_monotonicity(&self, kind: &DataType) -> SetMonotonicity {
        self.0.inner().set_monotonicity(kind)
    }
}

/// The different texts of groups.
#[derive(Debug)]
struct DistinctTexts {
    /// The type of the texts, as they are given and handed on.
    kind: DataType,
    /// Every text once, whichever group has it.
    texts: IndexSet<Box<str>, RandomState>,
    /// The bytes of the texts.
    bytes: usize,
    /// Which group has which text: the number of the group before that of the text, so that they sort by groups.
    pairs: HashSet<u64, RandomState>,
    /// How many texts each group has.
    counts: Vec<i64>,
}

/// What a text takes beside its bytes: its place in the set, and what the allocator adds.
const TEXT_BYTES: usize = 48;
/// What a pair takes, with its share of free places.
const PAIR_BYTES: usize = 10;

/// Puts a group and a text together.
fn pair(group: usize, text: usize) -> Result<u64> {
    let number = |at: usize| u32::try_from(at).map_err(|_| exec_datafusion_err!("there are too many groups or texts"));
    Ok((u64::from(number(group)?) << 32) | u64::from(number(text)?))
}

fn group_of(pair: u64) -> usize {
    usize::try_from(pair >> 32).unwrap_or(usize::MAX)
}

fn text_of(pair: u64) -> usize {
    usize::try_from(pair & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}

impl DistinctTexts {
    fn new(kind: DataType) -> Self {
        let (texts, pairs) = (IndexSet::default(), HashSet::default());
        Self { kind, texts, bytes: 0, pairs, counts: Vec::new() }
    }

    fn add(&mut self, group: usize, text: &str) -> Result<()> {
        let at = match self.texts.get_index_of(text) {
            Some(at) => at,
            None => {
                self.bytes += text.len();
                self.texts.insert_full(text.into()).0
            }
        };
        if self.pairs.insert(pair(group, at)?)
            && let Some(count) = self.counts.get_mut(group)
        {
            *count += 1;
        }
        Ok(())
    }

    /// Takes the pairs of the groups that are handed on, in order; those that stay have lower numbers from then on.
    fn take(&mut self, emit_to: EmitTo) -> Vec<u64> {
        let mut taken: Vec<u64> = match emit_to {
            EmitTo::All => std::mem::take(&mut self.pairs).into_iter().collect(),
            EmitTo::First(groups) => {
                let (taken, stay): (Vec<u64>, Vec<u64>) =
                    std::mem::take(&mut self.pairs).into_iter().partition(|pair| group_of(*pair) < groups);
                let less = u64::try_from(groups).unwrap_or(u64::MAX) << 32;
                self.pairs = stay.into_iter().map(|pair| pair - less).collect();
                taken
            }
        };
        taken.sort_unstable();
        taken
    }

    /// Forgets the texts where no group has any.
    fn shrink(&mut self) {
        if self.pairs.is_empty() {
            (self.texts, self.bytes) = (IndexSet::default(), 0);
        }
    }

    /// Returns lists of texts as DataFusion's `count` hands them on.
    fn lists(&self, lengths: impl Iterator<Item = usize>, texts: StringViewArray) -> Result<Vec<ArrayRef>> {
        let values = cast(&texts, &self.kind)?;
        let item = Arc::new(Field::new_list_field(self.kind.clone(), true));
        Ok(vec![Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, None)?)])
    }
}

/// Returns an array as views of texts.
fn views(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &DataType::Utf8View)?)
}

fn is_taken(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for DistinctTexts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        let Some(values) = values.first() else { return Ok(()) };
        let values = views(values)?;
        for (row, (text, group)) in values.as_string_view().iter().zip(group_indices).enumerate() {
            if let Some(text) = text.filter(|_| is_taken(opt_filter, row)) {
                self.add(*group, text)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.take(emit_to);
        self.shrink();
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.counts))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = self.take(emit_to);
        let texts = taken.iter().filter_map(|pair| self.texts.get_index(text_of(*pair)));
        let texts = StringViewArray::from_iter_values(texts);
        let lengths = emit_to.take_needed(&mut self.counts);
        let lists = self.lists(lengths.iter().map(|count| usize::try_from(*count).unwrap_or(0)), texts);
        self.shrink();
        lists
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.counts.resize(total_num_groups, 0);
        let Some(lists) = values.first().map(|values| values.as_list::<i32>()) else { return Ok(()) };
        let texts = views(lists.values())?;
        let texts = texts.as_string_view();
        for (row, (bounds, group)) in lists.value_offsets().windows(2).zip(group_indices).enumerate() {
            let [begin, end] = *bounds else { continue };
            let within = |at: i32| usize::try_from(at).unwrap_or(0);
            for at in (within(begin)..within(end)).filter(|at| lists.is_valid(row) && texts.is_valid(*at)) {
                self.add(*group, texts.value(at))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(values) = values.first() else { return Ok(Vec::new()) };
        let values = views(values)?;
        let each = values.as_string_view().iter().enumerate();
        let taken: Vec<Option<&str>> = each.map(|(row, text)| text.filter(|_| is_taken(opt_filter, row))).collect();
        let texts = StringViewArray::from_iter_values(taken.iter().flatten());
        self.lists(taken.iter().map(|text| usize::from(text.is_some())), texts)
    }

    fn size(&self) -> usize {
        self.texts.capacity() * TEXT_BYTES
            + self.bytes
            + self.pairs.capacity() * PAIR_BYTES
            + self.counts.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use datafusion::arrow::datatypes::{Int64Type, Schema};
    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::datasource::MemTable;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::pool::{FairPool, QuestionPool};
    use super::*;

    /// A group, a text and whether it counts.
    type Given = (u16, Option<String>, Option<bool>);

    fn batch(rows: &[Given], kind: &DataType) -> RecordBatch {
        let groups: Int64Array = rows.iter().map(|row| Some(i64::from(row.0))).collect();
        let texts: ArrayRef = Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringViewArray>());
        let flags: BooleanArray = rows.iter().map(|row| row.2).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(groups), cast(&texts, kind).unwrap(), Arc::new(flags)];
        let names = ["g", "t", "f"].iter().zip(&columns);
        let fields: Vec<Field> = names.map(|(name, own)| Field::new(*name, own.data_type().clone(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    /// Counts in SQL, with little memory in small batches.
    async fn counted(rows: &[Given], kind: &DataType, memory_bytes: usize) -> BTreeMap<i64, (i64, i64)> {
        let batches: Vec<RecordBatch> = rows.chunks(16).map(|rows| batch(rows, kind)).collect();
        let schema = batch(&[], kind).schema();
        let (first, second) = batches.split_at(batches.len() / 2);
        let table = MemTable::try_new(schema, vec![first.to_vec(), second.to_vec()]).unwrap();
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(QuestionPool::new(FairPool::new(memory_bytes), memory_bytes)));
        let config = SessionConfig::new().with_target_partitions(2).with_batch_size(32);
        let context = SessionContext::new_with_config_rt(config, runtime.build_arc().unwrap());
        super::super::register(&context).unwrap();
        context.register_table("t", Arc::new(table)).unwrap();
        let sql = "SELECT g, count(DISTINCT t), count(DISTINCT t) FILTER (WHERE f) FROM t GROUP BY g";
        let mut found = BTreeMap::new();
        for batch in context.sql(sql).await.unwrap().collect().await.unwrap() {
            let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().clone();
            for row in 0..batch.num_rows() {
                let known = found.insert(column(0).value(row), (column(1).value(row), column(2).value(row)));
                assert_eq!(known, None);
            }
        }
        found
    }

    fn expected(rows: &[Given]) -> BTreeMap<i64, (i64, i64)> {
        let mut sets: BTreeMap<i64, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
        for (group, text, flag) in rows {
            let own = sets.entry(i64::from(*group)).or_default();
            own.0.extend(text.as_deref());
            own.1.extend(text.as_deref().filter(|_| *flag == Some(true)));
        }
        let count = |set: &BTreeSet<&str>| i64::try_from(set.len()).unwrap();
        sets.iter().map(|(group, (all, chosen))| (*group, (count(all), count(chosen)))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn each_group_has_as_many_texts_as_it_has(
            rows in vec((0_u16..40, proptest::option::of("[ab]{0,3}|a long text of more than twelve [a-d]"), any::<Option<bool>>()), 0..400),
            kind in proptest::sample::select(vec![DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View]),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let found = runtime.block_on(counted(&rows, &kind, 64 << 20));
            prop_assert_eq!(found, expected(&rows));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_does_not_fit_into_memory_is_counted_with_the_help_of_the_disk() {
        let rows: Vec<Given> = (0..30_000_u32)
            .map(|at| {
                let group = u16::try_from(at % 10_007).unwrap();
                (group, Some(format!("a text of {} letters and more", at % 7)), Some(at.is_multiple_of(3)))
            })
            .collect();
        for memory_bytes in [1 << 20, 2 << 20, 3 << 20] {
            let counting = counted(&rows, &DataType::Utf8View, memory_bytes);
            let found = tokio::time::timeout(std::time::Duration::from_mins(5), counting).await;
            assert_eq!(found.expect("it ends"), expected(&rows), "{memory_bytes}");
        }
    }
}
