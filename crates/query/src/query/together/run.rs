//! Runs questions together, on threads of their own.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionContext;
use futures::future::join_all;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::branch::{BranchEnd, BranchTable};
use super::{Answered, KEYS_MAX, TogetherAnswer, TogetherQuestion, pump};
use crate::query::answer::{ATTEMPTS, Cell, beside, plain_name};
use crate::query::engine::Engine;
use crate::query::error::QueryError;
use crate::query::scan::{EventTable, Scans, next_of};
use crate::query::views::{VIEWS, View};

/// Asks some questions with one pass over the events; returns an answer for each, in their order. It ends by itself
/// when nobody waits for it any more.
///
/// # Errors
/// Where the archive or the lake cannot be read, or the system has no thread for it. A question that has no answer is
/// an error of its own in the list.
pub async fn ask(engine: Arc<Engine>, questions: Vec<TogetherQuestion>) -> Result<Vec<Answered>, QueryError> {
    start(engine, questions)?.await.unwrap_or(Err(QueryError::NoAnswer))
}

type All = Result<Vec<Answered>, QueryError>;

fn start(engine: Arc<Engine>, questions: Vec<TogetherQuestion>) -> Result<Receiver<All>, QueryError> {
    let (sender, receiver) = channel();
    beside(engine.threads(), async move { told(sender, &engine, &questions).await })?;
    Ok(receiver)
}

async fn told(mut sender: Sender<All>, engine: &Arc<Engine>, questions: &[TogetherQuestion]) {
    let all = tokio::select! {
        () = sender.closed() => return,
        all = repeated(engine, questions) => all,
    };
    // Where nobody waits any more, nobody misses it.
    let _unheard = sender.send(all);
}

/// Asks until the lake was not written meanwhile.
async fn repeated(engine: &Arc<Engine>, questions: &[TogetherQuestion]) -> All {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let all = once(engine, questions).await;
        let is_rewritten = |error: &QueryError| matches!(error, QueryError::Rewritten(_));
        let again = match &all {
            Err(error) => is_rewritten(error),
            Ok(all) => all.iter().any(|answer| answer.as_ref().err().is_some_and(is_rewritten)),
        };
        if !again || attempt >= ATTEMPTS {
            return all;
        }
        engine.scans().forget().await;
    }
}

/// A question that was planned: what it will find, and what it needs of each view.
struct Planned {
    stream: Result<SendableRecordBatchStream, QueryError>,
    ends: Vec<Vec<BranchEnd>>,
}

async fn once(engine: &Arc<Engine>, questions: &[TogetherQuestion]) -> All {
    let runtime = engine.shared_runtime()?;
    let mut planned = Vec::new();
    for question in questions {
        planned.push(plan(engine, &runtime, question).await?);
    }
    let mut of_views: Vec<Vec<BranchEnd>> = VIEWS.iter().map(|_| Vec::new()).collect();
    let mut streams = Vec::new();
    for Planned { stream, ends } in planned {
        of_views.iter_mut().zip(ends).for_each(|(all, own)| all.extend(own));
        streams.push(stream);
    }
    // Nothing is read before every question has said what it needs.
    for (view, ends) in VIEWS.iter().zip(of_views) {
        pump::start(engine.table(view), ends, engine.context()).await?;
    }
    let collected = streams.into_iter().zip(questions).map(|(stream, question)| {
        let (question, scans) = (question.clone(), engine.shared_scans());
        async move { tokio::spawn(collect(stream?, question, scans)).await.unwrap_or(Err(QueryError::NoAnswer)) }
    });
    Ok(join_all(collected).await)
}

async fn plan(
    engine: &Arc<Engine>,
    runtime: &Arc<RuntimeEnv>,
    question: &TogetherQuestion,
) -> Result<Planned, QueryError> {
    let context = engine.session(runtime);
    let ends: Vec<Arc<Mutex<Vec<BranchEnd>>>> = VIEWS.iter().map(|_| Arc::default()).collect();
    for (view, end) in VIEWS.iter().zip(&ends) {
        let table = BranchTable::new(engine.table(view), engine.threads(), question.is_of_few, Arc::clone(end));
        context.register_table(view.name, Arc::new(table))?;
    }
    super::super::functions::register(&context)?;
    let stream = begin(&context, question).await;
    let taken = ends.iter().map(|end| std::mem::take(&mut *end.lock().unwrap_or_else(PoisonError::into_inner)));
    let mut ends: Vec<Vec<BranchEnd>> = taken.collect();
    let is_once = ends.iter().map(Vec::len).sum::<usize>() <= 1;
    let stream = match (stream, is_once) {
        // Two places that take turns would wait for each other.
        (Ok(_), false) => {
            Err(QueryError::Failed("a question that is asked together with others reads once".to_owned()))
        }
        (stream, _) => stream,
    };
    if stream.is_err() {
        ends.iter_mut().for_each(Vec::clear);
    }
    Ok(Planned { stream, ends })
}

async fn begin(context: &SessionContext, question: &TogetherQuestion) -> Result<SendableRecordBatchStream, QueryError> {
    let statement = super::super::functions::read(&question.question.sql)?;
    let values = question.question.values.clone();
    let plan = context.state().statement_to_plan(statement).await?.with_param_values(values)?;
    Engine::must_only_read(&plan)?;
    Ok(context.execute_logical_plan(plan).await?.execute_stream().await?)
}

async fn collect(mut stream: SendableRecordBatchStream, question: TogetherQuestion, scans: Arc<Scans>) -> Answered {
    let schema = stream.schema();
    let columns = schema.fields().iter().map(|field| plain_name(field.name()).to_owned()).collect();
    let mut answer = TogetherAnswer { columns, ..TogetherAnswer::default() };
    let places =
        question.tally.iter().map(|(name, length)| (answer.columns.iter().position(|column| column == name), *length));
    let places: Vec<(Option<usize>, usize)> = places.collect();
    let weight = question.weight.and_then(|name| answer.columns.iter().position(|column| column == name));
    while let Some(batch) = next_of(&mut stream, &scans).await {
        let batch = batch?;
        answer.rows_count += batch.num_rows() as u64;
        answer.keep(&batch, &question);
        answer.count(&batch, &places, weight);
    }
    Ok(answer)
}

impl TogetherAnswer {
    fn keep(&mut self, batch: &RecordBatch, question: &TogetherQuestion) {
        let rows = batch.num_rows();
        let wanted = match question.keeps_last {
            true => rows.saturating_sub(question.rows_max)..rows,
            false => 0..rows.min(question.rows_max.saturating_sub(self.rows.len())),
        };
        self.rows.extend(wanted.map(|row| batch.columns().iter().map(|c| Cell::of(c.as_ref(), row)).collect()));
        let over = self.rows.len().saturating_sub(question.rows_max);
        self.rows.drain(..over);
    }

    fn count(&mut self, batch: &RecordBatch, places: &[(Option<usize>, usize)], weight: Option<usize>) {
        for row in 0..batch.num_rows() {
            let value = |(place, length): &(Option<usize>, usize)| {
                let text = place.and_then(|at| batch.columns().get(at)).map(|column| Cell::of(column.as_ref(), row));
                text.map(|cell| cell.text().chars().take(*length).collect()).unwrap_or_default()
            };
            let key: Vec<String> = places.iter().map(value).collect();
            let weight = weight.and_then(|at| batch.columns().get(at)).map(|column| Cell::of(column.as_ref(), row));
            let weight = weight.map_or(1, |cell| cell.text().parse().unwrap_or(0));
            if self.tally.len() < KEYS_MAX || self.tally.contains_key(&key) {
                let counted: &mut u64 = self.tally.entry(key).or_default();
                *counted = counted.saturating_add(weight);
            }
        }
    }
}

impl Engine {
    /// Returns a view over the events, whose scans count as those of this engine.
    fn table(&self, view: &'static View) -> EventTable {
        EventTable::new(view, self.shared_scans())
    }
}
