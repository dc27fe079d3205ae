//! Conditions that are judged once for each combination of values. A batch of events has few names, services and
//! outcomes, and a condition with patterns costs much more than to see that a row is as another one.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, UInt32Array};
use datafusion::arrow::compute::{take, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::hash_utils::RandomState;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;

/// Rows for each combination that it must at least be worth.
const ROWS_FOR_ONE: usize = 4;

/// A condition that is judged once for each combination of the values that it is about.
#[derive(Debug, Eq)]
pub(super) struct Distinctly(Arc<dyn PhysicalExpr>);

// Derived, it would move what is compared.
impl PartialEq for Distinctly {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Hash for Distinctly {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Distinctly {
    /// Returns a condition as one that is judged so.
    pub(super) fn of(condition: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
        Arc::new(Self(condition))
    }
}

impl fmt::Display for Distinctly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PhysicalExpr for Distinctly {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.0.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.0.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mut columns: Vec<usize> = collect_columns(&self.0).iter().map(|column| column.index()).collect();
        columns.sort_unstable();
        let Some(combinations) = Combinations::of(batch, &columns) else { return self.0.evaluate(batch) };
        let few = take_record_batch(batch, &combinations.first)?;
        let judged = self.0.evaluate(&few)?.into_array(few.num_rows())?;
        Ok(ColumnarValue::Array(take(&judged, &combinations.of_rows, None)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let none = || DataFusionError::Internal("a condition that holds one is given none".to_owned());
        Ok(Self::of(children.into_iter().next().ok_or_else(none)?))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}

/// The combinations of values that some columns of a batch have.
struct Combinations {
    /// The first row of each.
    first: UInt32Array,
    /// Of each row, which it has.
    of_rows: UInt32Array,
}

impl Combinations {
    /// `None`: there are too many, or a column is of a kind whose values are not told apart at a glance.
    fn of(batch: &RecordBatch, columns: &[usize]) -> Option<Self> {
        let rows = batch.num_rows();
        let most = rows / ROWS_FOR_ONE;
        let mut keys = vec![0_u64; rows];
        let mut kinds = 1_u64;
        for column in columns {
            let own = add(batch.columns().get(*column)?, kinds, &mut keys, most)?;
            kinds = kinds.checked_mul(own)?;
        }
        let mut known = Known::default();
        let of_rows = keys.iter().map(|key| known.place(*key, most)).collect::<Option<Vec<u32>>>()?;
        let mut first = Vec::with_capacity(known.count());
        for (row, of_row) in of_rows.iter().enumerate() {
            // The numbers are given in the order in which they come.
            if usize::try_from(*of_row).ok()? == first.len() {
                first.push(u32::try_from(row).ok()?);
            }
        }
        Some(Self { first: first.into(), of_rows: of_rows.into() })
    }
}

/// Adds a column's values to the keys of the rows, beside the `kinds` of keys that there are; returns how many values
/// it can have.
fn add(column: &ArrayRef, kinds: u64, keys: &mut [u64], most: usize) -> Option<u64> {
    match column.data_type() {
        DataType::Boolean => {
            add_flags(column.as_boolean(), kinds, keys);
            Some(3)
        }
        DataType::Utf8View => add_texts(column.as_string_view(), kinds, keys, most),
        _ => None,
    }
}

fn add_flags(flags: &BooleanArray, kinds: u64, keys: &mut [u64]) {
    for (key, flag) in keys.iter_mut().zip(flags) {
        *key += kinds * flag.map_or(2, u64::from);
    }
}

/// Texts of one dictionary of Parquet lie at one place: where they lie tells them apart, and nothing of them is read.
/// Texts that are equal at two places are two, which costs one more judgement.
fn add_texts(texts: &StringViewArray, kinds: u64, keys: &mut [u64], most: usize) -> Option<u64> {
    let mut known = Known::default();
    for (row, (key, view)) in keys.iter_mut().zip(texts.views()).enumerate() {
        // What lies at the place of a missing text says nothing.
        let view = if texts.is_null(row) { None } else { Some(*view) };
        *key += kinds * u64::from(known.place(view, most)?);
    }
    u64::try_from(known.count()).ok()
}

/// Numbers for values, in the order in which they come.
struct Known<T>(HashMap<T, u32, RandomState>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T: Eq + Hash> Known<T> {
    /// Returns the number of a value. `None`: there would be more than `most`.
    fn place(&mut self, value: T, most: usize) -> Option<u32> {
        let next = u32::try_from(self.0.len()).ok()?;
        let place = *self.0.entry(value).or_insert(next);
        (self.0.len() <= most).then_some(place)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;
    use datafusion::common::DFSchema;
    use datafusion::execution::context::SessionContext;
    use datafusion::logical_expr::{Expr, col, lit};
    use proptest::prelude::*;

    use super::*;

    fn batch(rows: &[(Option<String>, Option<bool>)]) -> RecordBatch {
        let texts: StringViewArray = rows.iter().map(|(text, _)| text.as_deref()).collect();
        let flags: BooleanArray = rows.iter().map(|(_, flag)| *flag).collect();
        let fields = vec![Field::new("name", DataType::Utf8View, true), Field::new("is_read", DataType::Boolean, true)];
        let columns: Vec<ArrayRef> = vec![Arc::new(texts), Arc::new(flags)];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn conditions() -> Vec<Expr> {
        let name = || col("name");
        vec![
            name().like(lit("Delete%")).or(col("is_read")),
            name().eq(lit("a name of more than twelve bytes")).and(col("is_read").is_not_true()),
            name().is_null().or(col("is_read").is_null()),
            name().gt(lit("b")),
        ]
    }

    proptest! {
        #[test]
        fn it_is_true_where_the_condition_is(
            rows in prop::collection::vec(
                (
                    prop::option::weighted(
                        0.8,
                        prop::sample::select(vec!["", "a", "Delete", "DeleteBucketPolicy2", "a name of more than twelve bytes"]),
                    ),
                    prop::option::of(any::<bool>()),
                ),
                0..200,
            ),
        ) {
            let rows: Vec<_> = rows.into_iter().map(|(text, flag)| (text.map(str::to_owned), flag)).collect();
            let batch = batch(&rows);
            let schema = DFSchema::try_from(batch.schema().as_ref().clone()).unwrap();
            for condition in conditions() {
                let plain = SessionContext::new().state().create_physical_expr(condition, &schema).unwrap();
                let array = |expr: &Arc<dyn PhysicalExpr>| {
                    expr.evaluate(&batch).unwrap().into_array(batch.num_rows()).unwrap()
                };
                prop_assert_eq!(&array(&plain), &array(&Distinctly::of(Arc::clone(&plain))));
            }
        }
    }

    #[test]
    fn few_rows_are_judged_where_many_are_alike() {
        let rows: Vec<_> =
            (0..1_000).map(|n| (Some(format!("a name of an event {}", n % 3)), Some(n % 2 == 0))).collect();
        let combinations = Combinations::of(&batch(&rows), &[0, 1]).map(|all| (all.first.len(), all.of_rows.len()));
        // Each text lies at a place of its own here, as no dictionary has them.
        assert_eq!(combinations, None);
        let rows: Vec<_> = (0..1_000).map(|n| (Some(format!("name {}", n % 3)), Some(n % 2 == 0))).collect();
        let combinations = Combinations::of(&batch(&rows), &[0, 1]).map(|all| (all.first.len(), all.of_rows.len()));
        assert_eq!(combinations, Some((6, 1_000)));
    }
}
