//! Records that a program looks for: chosen by a condition on columns, and by a test of their bytes where no column
//! says it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::{Array, BooleanArray, StringViewArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as PlanResult, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::answer::{Bounds, Cell, Ended, Part, Question, each_part};
use super::engine::Engine;
use super::error::QueryError;

/// Tells whether a record, as it was delivered, may be one that is looked for.
pub type RecordTest = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which records are looked for.
#[derive(Clone)]
pub struct RecordSearch {
    /// A condition on the columns of `events`, in SQL, which holds for every record that is looked for.
    pub condition: String,
    /// Which of these may be one. `None`: all.
    pub test: Option<RecordTest>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundRecords {
    /// The records, byte for byte, in any order.
    pub records: Vec<String>,
    /// Why there may be more. `None`: these are all.
    pub ended: Option<Ended>,
}

impl RecordSearch {
    /// Returns the records, until `stop` is done. `found` counts them as they come.
    ///
    /// # Errors
    /// [`QueryError`] where the condition is wrong, or more would have to be read than is allowed;
    /// [`QueryError::Rewritten`] where the lake was written meanwhile: all that was asked is asked again.
    pub async fn run(
        &self,
        engine: &Arc<Engine>,
        bounds: Bounds,
        found: &AtomicUsize,
        stop: impl Future<Output = Ended>,
    ) -> Result<FoundRecords, QueryError> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let ended = self
            .each(engine, found, stop, |record| {
                if records.len() >= bounds.rows {
                    return Some(Ended::Records(bounds.rows));
                }
                bytes += record.len();
                if bytes > bounds.bytes {
                    return Some(Ended::Bytes(bounds.bytes));
                }
                records.push(record);
                None
            })
            .await?;
        Ok(FoundRecords { records, ended })
    }

    /// Hands the records out as they come, in any order, until `stop` is done or `take` says why it takes no more.
    /// Returns why it ended early.
    ///
    /// # Errors
    /// As [`RecordSearch::run`]; some records may have been handed out then.
    pub async fn each(
        &self,
        engine: &Arc<Engine>,
        found: &AtomicUsize,
        stop: impl Future<Output = Ended>,
        take: impl FnMut(String) -> Option<Ended>,
    ) -> Result<Option<Ended>, QueryError> {
        self.each_of(engine, found, stop, "", take).await
    }

    /// Does as [`RecordSearch::each`], in the order of the events' times; those without one come last.
    ///
    /// # Errors
    /// As [`RecordSearch::run`]; some records may have been handed out then.
    pub async fn each_by_time(
        &self,
        engine: &Arc<Engine>,
        found: &AtomicUsize,
        stop: impl Future<Output = Ended>,
        take: impl FnMut(String) -> Option<Ended>,
    ) -> Result<Option<Ended>, QueryError> {
        self.each_of(engine, found, stop, " ORDER BY event_time, event_id, record", take).await
    }

    async fn each_of(
        &self,
        engine: &Arc<Engine>,
        found: &AtomicUsize,
        stop: impl Future<Output = Ended>,
        order: &str,
        mut take: impl FnMut(String) -> Option<Ended>,
    ) -> Result<Option<Ended>, QueryError> {
        let test = self.test.as_ref().map(|test| engine.register_test(Arc::clone(test)));
        let and = test.as_ref().map(|name| format!(" AND {name}(record)")).unwrap_or_default();
        let sql = format!("SELECT record FROM events WHERE ({}){and}{order}", self.condition);
        let ended = each_part(engine, Question::plain(sql), std::pin::pin!(stop), |part| {
            let Part::Rows(batch) = part else { return None };
            found.fetch_add(batch.num_rows(), Ordering::Relaxed);
            let column = batch.columns().first()?;
            (0..batch.num_rows()).map(|row| Cell::of(column.as_ref(), row).text().to_owned()).find_map(&mut take)
        })
        .await;
        if let Some(name) = test {
            engine.forget_test(&name);
        }
        ended
    }
}

/// Returns a text as SQL writes it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns a condition: a column is one of some texts. Of none: never.
pub fn one_of<'a>(column: &str, texts: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = texts.into_iter().map(quoted).collect();
    if all.is_empty() { "false".to_owned() } else { format!("{column} IN ({})", all.join(", ")) }
}

static TESTS: AtomicUsize = AtomicUsize::new(0);

impl Engine {
    fn register_test(&self, test: RecordTest) -> String {
        let name = format!("is_looked_for_{}", TESTS.fetch_add(1, Ordering::Relaxed));
        let signature = Signature::any(1, Volatility::Immutable);
        self.context().register_udf(ScalarUDF::from(Tested { name: name.clone(), signature, test }));
        name
    }

    fn forget_test(&self, name: &str) {
        self.context().deregister_udf(name);
    }
}

/// A test as a function of SQL.
struct Tested {
    name: String,
    signature: Signature,
    test: RecordTest,
}

impl fmt::Debug for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tested").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Tested {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Tested {}

impl Hash for Tested {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Tested {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let Some(record) = args.args.into_iter().next() else { return exec_err!("{} takes a record", self.name) };
        let records = cast(&record.into_array(args.number_rows)?, &DataType::Utf8View)?;
        let Some(records) = records.as_any().downcast_ref::<StringViewArray>() else {
            return Err(DataFusionError::Internal("a text is no text".to_owned()));
        };
        let hits: BooleanArray =
            records.iter().map(|record| Some(record.is_some_and(|text| (self.test)(text)))).collect();
        if hits.len() == 1 {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(hits.value(0)))));
        }
        Ok(ColumnarValue::Array(Arc::new(hits)))
    }
}
