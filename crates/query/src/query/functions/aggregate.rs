//! Aggregates that give a map: `histogram(x)` and `map_agg(key, value)`.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

/// Keys that one map may have.
const KEYS_MAX: usize = 1 << 20;

/// What the values of the map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Values {
    /// How often the key is there.
    Counts,
    /// The first value that stands beside it.
    First,
}

/// An aggregate that gives a map.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MapOf {
    values: Values,
    signature: Signature,
}

impl MapOf {
    /// Returns the aggregate.
    pub(super) fn new(values: Values) -> Self {
        let arguments = if values == Values::Counts { 1 } else { 2 };
        Self { values, signature: Signature::any(arguments, Volatility::Immutable) }
    }

    fn entries(&self, given: &[DataType]) -> Fields {
        let of = |at: usize| given.get(at).cloned().unwrap_or(DataType::Null);
        let values = if self.values == Values::Counts { DataType::Int64 } else { of(1) };
        vec![Field::new("keys", of(0), false), Field::new("values", values, true)].into()
    }
}

fn map_type(entries: Fields) -> DataType {
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false)
}

impl AggregateUDFImpl for MapOf {
    fn name(&self) -> &str {
        if self.values == Values::Counts { "histogram" } else { "map_agg" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(map_type(self.entries(given)))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let given: Vec<DataType> = args.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        Ok(Box::new(Counting { values: self.values, entries: self.entries(&given), all: HashMap::new(), bytes: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("map", args.return_field.data_type().clone(), true))])
    }
}

#[derive(Debug)]
struct Counting {
    values: Values,
    entries: Fields,
    all: HashMap<ScalarValue, ScalarValue>,
    bytes: usize,
}

impl Counting {
    fn add(&mut self, key: ScalarValue, value: ScalarValue) -> Result<()> {
        if let Some(known) = self.all.get_mut(&key) {
            if self.values == Values::Counts {
                *known = known.add(&value)?;
            }
            return Ok(());
        }
        if self.all.len() >= KEYS_MAX {
            return exec_err!("a map of more than {KEYS_MAX} keys is not made");
        }
        self.bytes += key.size() + value.size();
        self.all.insert(key, value);
        Ok(())
    }
}

impl Accumulator for Counting {
    fn update_batch(&mut self, given: &[ArrayRef]) -> Result<()> {
        let Some(keys) = given.first() else { return Ok(()) };
        for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
            let key = ScalarValue::try_from_array(keys, row)?;
            let value = match given.get(1) {
                Some(values) if self.values == Values::First => ScalarValue::try_from_array(values, row)?,
                _ => ScalarValue::Int64(Some(1)),
            };
            self.add(key, value)?;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(maps) = states.first().map(|state| state.as_map()) else { return Ok(()) };
        // Entries of rows that are none are no entries.
        for entries in maps.iter().flatten() {
            for row in 0..entries.len() {
                let key = ScalarValue::try_from_array(entries.column(0), row)?;
                self.add(key, ScalarValue::try_from_array(entries.column(1), row)?)?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let kind = map_type(self.entries.clone());
        if self.all.is_empty() {
            return ScalarValue::try_from(&kind);
        }
        // In the order of the keys, so that the same rows give the same map.
        let mut pairs: Vec<(&ScalarValue, &ScalarValue)> = self.all.iter().collect();
        pairs.sort_by(|a, b| a.0.partial_cmp(b.0).unwrap_or(std::cmp::Ordering::Equal));
        let (keys, values): (Vec<ScalarValue>, Vec<ScalarValue>) =
            pairs.into_iter().map(|(key, value)| (key.clone(), value.clone())).unzip();
        let lengths = OffsetBuffer::from_lengths([keys.len()]);
        let columns = vec![ScalarValue::iter_to_array(keys)?, ScalarValue::iter_to_array(values)?];
        let rows = StructArray::try_new(self.entries.clone(), columns, None)?;
        let DataType::Map(field, _) = kind else { return exec_err!("a map is a map") };
        Ok(ScalarValue::Map(Arc::new(MapArray::try_new(field, lengths, rows, None, false)?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.all.capacity() * size_of::<(ScalarValue, ScalarValue)>()
    }
}
