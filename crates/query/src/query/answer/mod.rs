//! What a question's answer is: rows of cells, and what they cover.

mod athena;
mod batches;
mod coverage;
mod ended;
mod gaps;
mod run;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ParamValues;

pub use coverage::{AnswerCoverage, Answered, Hours, LakeCoverage};
pub use ended::Ended;
pub use gaps::HoursGap;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use super::cell::Cell;
pub use athena::AthenaCoverage;
pub use batches::Batches;

use run::AnswerPart;
pub(in crate::query) use run::beside;

use super::engine::Engine;
use super::error::QueryError;
use super::views::VIEWS;

/// The rows of an answer, and what they cover.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// The same rows with the types of their columns. `None`: they were not asked for.
    pub batches: Option<Batches>,
    /// What was looked at.
    pub coverage: AnswerCoverage,
}

/// A question: SQL with the values of its placeholders.
#[derive(Debug, Clone)]
pub struct Question {
    /// One SELECT, EXPLAIN, SHOW or DESCRIBE.
    pub sql: String,
    /// The values of its placeholders (`$name`).
    pub values: ParamValues,
    /// What it cannot see, as its author says; empty: it says nothing.
    pub cannot_see: String,
}

impl Question {
    /// Returns a question of a program, which has no placeholders.
    pub(in crate::query) fn plain(sql: String) -> Self {
        Self { sql, values: ParamValues::Map(std::collections::HashMap::new()), cannot_see: String::new() }
    }
}

/// How many rows an answer may have, and until when it may be worked on.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most rows.
    pub rows: usize,
    /// The most bytes of their cells, about.
    pub bytes: usize,
    /// Keep the types of the columns too, for [`QueryAnswer::parquet`].
    pub keeps_types: bool,
}

impl QueryAnswer {
    /// Asks a question and collects its rows, until `stop` is done. `found` counts them as they come.
    ///
    /// # Errors
    /// [`QueryError`] where the question has no answer. An answer that was ended early is one.
    pub async fn of(
        engine: Arc<Engine>,
        question: Question,
        answered: Answered<'_>,
        bounds: Bounds,
        found: &AtomicUsize,
        stop: impl Future<Output = Ended>,
    ) -> Result<Self, QueryError> {
        let mut stop = std::pin::pin!(stop);
        let cannot_see = question.cannot_see.clone();
        let mut attempt = 0;
        let (columns, rows, batches, ended) = loop {
            attempt += 1;
            match collect(&engine, question.clone(), bounds, found, stop.as_mut()).await {
                // A lake that is being updated: the rows are not shown yet, so that they can be asked for again.
                Err(QueryError::Rewritten(_)) if attempt < ATTEMPTS => engine.scans().forget().await,
                collected => break collected?,
            }
        };
        let coverage = AnswerCoverage::of(engine.scans(), answered, ended, cannot_see).await;
        Ok(Self { columns, rows, batches, coverage })
    }
}

/// How often a question is asked of a lake that is written meanwhile.
pub const ATTEMPTS: u32 = 5;

/// Columns, rows, rows with their types, and why there are no more.
pub(in crate::query) type Collected = (Vec<String>, Vec<Vec<Cell>>, Option<Batches>, Option<Ended>);

/// Asks a question and collects its rows, until `stop` is done.
pub(in crate::query) async fn collect(
    engine: &Arc<Engine>,
    question: Question,
    bounds: Bounds,
    found: &AtomicUsize,
    stop: std::pin::Pin<&mut impl Future<Output = Ended>>,
) -> Result<Collected, QueryError> {
    let (mut columns, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut batches = None;
    let ended = each_part(engine, question, stop, |part| match part {
        Part::Columns(schema) => {
            columns = names(&schema);
            batches = bounds.keeps_types.then(|| Batches::of(schema));
            None
        }
        Part::Rows(batch) => {
            let (before, mut ended) = (rows.len(), None);
            take(&batch, &mut rows, &mut bytes, bounds, &mut ended);
            found.store(rows.len(), Ordering::Relaxed);
            if let Some(batches) = &mut batches {
                batches.add(batch.slice(0, rows.len() - before));
            }
            ended
        }
    })
    .await?;
    Ok((columns, rows, batches, ended))
}

/// A part of an answer, as it comes: the columns first, then rows.
pub(in crate::query) enum Part {
    Columns(SchemaRef),
    Rows(RecordBatch),
}

/// Asks a question and hands its parts out as they come, until `stop` is done or `take` says why it takes no more.
/// Returns why it ended early.
pub(in crate::query) async fn each_part(
    engine: &Arc<Engine>,
    question: Question,
    mut stop: std::pin::Pin<&mut impl Future<Output = Ended>>,
    mut take: impl FnMut(Part) -> Option<Ended>,
) -> Result<Option<Ended>, QueryError> {
    let mut parts = run::start(Arc::clone(engine), question)?;
    let (mut ended, mut is_begun) = (None, false);
    while ended.is_none() {
        let part = tokio::select! {
            biased;
            why = &mut stop => { ended = Some(why); break }
            part = parts.recv() => part,
        };
        ended = match part {
            Some(AnswerPart::Columns(schema)) => {
                is_begun = true;
                take(Part::Columns(schema))
            }
            Some(AnswerPart::Rows(batch)) => take(Part::Rows(batch)),
            Some(AnswerPart::Failed(error)) => {
                Some(Ended::of(&error, engine.limits()).filter(|_| is_begun).ok_or(error)?)
            }
            Some(AnswerPart::Done) => break,
            None => return Err(QueryError::NoAnswer),
        };
    }
    // What is still being read is counted no more, and ends when it has more to say.
    drop(parts);
    Ok(ended)
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| plain_name(field.name()).to_owned()).collect()
}

/// Returns the name of a column as Trino gives it: a part of a structure (`cloudtrail_logs.useridentity[arn]`) has its
/// own name, and the table's is left out.
pub(in crate::query) fn plain_name(name: &str) -> &str {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
    if !name.chars().all(is_plain) {
        return name;
    }
    match name.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((_, part)) => part,
        None => VIEWS.iter().find_map(|view| name.strip_prefix(view.name)?.strip_prefix('.')).unwrap_or(name),
    }
}

fn take(batch: &RecordBatch, rows: &mut Vec<Vec<Cell>>, bytes: &mut usize, bounds: Bounds, ended: &mut Option<Ended>) {
    for row in 0..batch.num_rows() {
        if rows.len() >= bounds.rows {
            *ended = Some(Ended::Rows(bounds.rows));
            return;
        }
        let cells: Vec<Cell> = batch.columns().iter().map(|column| Cell::of(column.as_ref(), row)).collect();
        *bytes += cells.iter().map(Cell::size_bytes).sum::<usize>();
        if *bytes > bounds.bytes {
            *ended = Some(Ended::Bytes(bounds.bytes));
            return;
        }
        rows.push(cells);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_people_expect() {
        for (name, plain) in [
            ("cloudtrail_logs.useridentity[arn]", "arn"),
            ("t.useridentity[sessioncontext][sessionissuer][username]", "username"),
            ("events.event_name", "event_name"),
            ("count(*)", "count(*)"),
            ("max(events.event_time)", "max(events.event_time)"),
            ("x", "x"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
