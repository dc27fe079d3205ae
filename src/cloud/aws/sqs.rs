//! Amazon SQS: the queue that wakes the daemon, and its dead-letter queue.

use super::permissions::sqs as op;
use super::session::Session;
use crate::cloud::{Fault, FaultKind};

/// Returns the URL of a queue.
///
/// # Errors
/// [`Fault`] where it is not there, with what makes it.
pub(super) async fn url(session: &Session, name: &str) -> Result<String, Fault> {
    let request = session.sqs().get_queue_url().queue_name(name);
    let answer = session.read(op::GET_QUEUE_URL, request.send()).await.map_err(|fault| match fault.kind {
        FaultKind::Absent => Fault { help: "make it with `orgtrail apply`".into(), ..fault },
        _ => fault,
    })?;
    answer.queue_url().map(str::to_owned).ok_or_else(|| session.odd_answer(op::GET_QUEUE_URL, "the answer has no URL"))
}
