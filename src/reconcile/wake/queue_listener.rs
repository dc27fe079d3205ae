//! Listens to the wake queue: sorts messages, gathers what they are about, and deletes them when the work is done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{OwnSessions, Relevance, read};
use crate::cloud::CloudFault;
use crate::cloud::queue::{Message, Queue};
use crate::daemon::backoff::retry_pause;
use crate::daemon::clock::Clock;
use crate::estate::Kind;
use crate::ids::AccountId;
use crate::reconcile::observe::Focus;
use crate::reconcile::status::StatusBoard;

/// Messages that one round takes up at most: a flood is worked off in parts, in bounded memory.
const MESSAGES_MAX: usize = 200;

/// The longest pause after the queue could not be read.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Messages that one round works on.
#[derive(Debug, Clone)]
pub struct WakeBatch {
    /// What the round is about.
    pub focus: Focus,
    /// Who changed what last.
    pub actors: BTreeMap<(AccountId, Kind), String>,
    /// The messages, to be deleted when the round is over.
    messages: Vec<Message>,
}

/// Listens to the wake queue.
pub struct QueueListener<'a> {
    queue: &'a dyn Queue,
    clock: &'a dyn Clock,
    board: &'a StatusBoard,
    own: OwnSessions,
}

impl<'a> QueueListener<'a> {
    /// Makes a listener.
    pub fn new(queue: &'a dyn Queue, clock: &'a dyn Clock, board: &'a StatusBoard, own: OwnSessions) -> Self {
        Self { queue, clock, board, own }
    }

    /// Returns when a message told of a change, with all that lay in the queue by then.
    pub async fn listen(&self) -> WakeBatch {
        let mut batch = WakeBatch { focus: Focus::empty(), actors: BTreeMap::new(), messages: Vec::new() };
        let mut failures = 0;
        loop {
            let wait = batch.messages.is_empty();
            match self.queue.receive(wait).await {
                Ok(messages) => {
                    failures = 0;
                    let drained = messages.is_empty();
                    self.sort(messages, &mut batch).await;
                    if !batch.messages.is_empty() && (drained || batch.messages.len() >= MESSAGES_MAX) {
                        return batch;
                    }
                }
                // What was heard before is worked on; the rest is received again.
                Err(_) if !wait => return batch,
                Err(fault) => {
                    failures += 1;
                    tracing::warn!(%fault, "the wake queue cannot be read; rounds are made by the clock meanwhile");
                    self.clock.sleep(retry_pause(failures, PAUSE_MAX, self.clock.jitter())).await;
                }
            }
        }
    }

    async fn sort(&self, messages: Vec<Message>, batch: &mut WakeBatch) {
        let mut over = Vec::new();
        for message in messages {
            match read(&message.body, &self.own) {
                Ok(Relevance::Change(hint)) => {
                    batch.focus.merge(hint.focus());
                    let actor = |kind: &Kind| ((hint.account.clone(), *kind), hint.actor.clone());
                    batch.actors.extend(hint.kinds.iter().map(actor));
                    batch.messages.push(message);
                    self.board.write(|status| status.totals.messages += 1);
                }
                Ok(Relevance::Own | Relevance::Nothing) => {
                    self.board.write(|status| status.totals.messages += 1);
                    over.push(message);
                }
                Err(bad) => {
                    self.board.write(|status| status.totals.rejected += 1);
                    let rejected = self.queue.reject(&message, &bad.to_string()).await;
                    report(rejected, "a message that cannot be read could not be moved to the dead-letter queue");
                }
            }
        }
        report(self.queue.delete(&over).await, "messages could not be deleted");
    }

    /// Keeps the messages of a round that is not over yet.
    pub async fn keep(&self, batch: &WakeBatch) {
        report(self.queue.extend(&batch.messages).await, "messages could not be kept; they are received again");
    }

    /// Deletes the messages of a round that is over.
    pub async fn done(&self, batch: &WakeBatch) {
        report(self.queue.delete(&batch.messages).await, "messages could not be deleted; they are received again");
    }
}

fn report(result: Result<(), CloudFault>, what: &str) {
    if let Err(fault) = result {
        tracing::warn!(%fault, "{what}");
    }
}
