//! A question that runs beside whoever waits for it: on threads of its own, so that a plan that takes its time, or a
//! function that never waits, keeps neither a clock nor a signal from being heard.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Question;
use crate::query::engine::Engine;
use crate::query::error::QueryError;
use crate::query::scan::next_of;

/// A part of an answer, as it comes.
pub(super) enum AnswerPart {
    /// The columns: first.
    Columns(SchemaRef),
    /// Some rows.
    Rows(RecordBatch),
    /// There is no answer.
    Failed(QueryError),
    /// There is nothing more.
    Done,
}

/// Parts that wait for whoever collects them.
const PARTS_AHEAD: usize = 2;
/// The stack of the thread that plans: plans are trees.
const STACK_BYTES: usize = 64 << 20;

/// Begins to run a question. It ends by itself when nobody takes its parts any more.
///
/// # Errors
/// Where the system has no thread for it.
pub(super) fn start(engine: Arc<Engine>, question: Question) -> Result<Receiver<AnswerPart>, QueryError> {
    let (sender, receiver) = channel(PARTS_AHEAD);
    let threads = engine.threads();
    beside(threads, async move {
        let last = tokio::select! {
            // A shell goes on after a question that was ended: nothing may go on to work on it.
            () = sender.closed() => AnswerPart::Done,
            ended = run(&engine, question, &sender) => match ended {
                Ok(()) => AnswerPart::Done,
                Err(error) => AnswerPart::Failed(error),
            },
        };
        // Where nobody waits any more, nobody misses it.
        let _unheard = sender.send(last).await;
    })?;
    Ok(receiver)
}

/// Runs work on threads of its own, so many at a time, until it is done.
///
/// # Errors
/// Where the system has no thread for it.
pub(in crate::query) fn beside(
    threads: usize,
    work: impl Future<Output = ()> + Send + 'static,
) -> Result<(), QueryError> {
    let failed = |error: std::io::Error| QueryError::Failed(format!("cannot start the question: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("query")
        .enable_all()
        .build()
        .map_err(failed)?;
    let all = move || {
        runtime.block_on(work);
        runtime.shutdown_background();
    };
    std::thread::Builder::new().name("query".to_owned()).stack_size(STACK_BYTES).spawn(all).map_err(failed)?;
    Ok(())
}

async fn run(engine: &Engine, question: Question, sender: &Sender<AnswerPart>) -> Result<(), QueryError> {
    let mut stream = engine.ask_with(&question.sql, question.values).await?;
    if sender.send(AnswerPart::Columns(stream.schema())).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = next_of(&mut stream, engine.scans()).await {
        if sender.send(AnswerPart::Rows(batch?)).await.is_err() {
            break;
        }
    }
    Ok(())
}
