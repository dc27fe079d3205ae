//! Amazon SQS as the queue that wakes the daemon.

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
};

use super::permissions::sqs as op;
use super::session::Session;
use crate::cloud::Fault;
use crate::cloud::queue::{Message, Queue};

/// Messages in one call, and in one batch (SQS API, `ReceiveMessage` and `DeleteMessageBatch`).
const BATCH_MAX: i32 = 10;

/// The longest wait of one call (SQS API, `ReceiveMessage`).
const WAIT_S: i32 = 20;

/// For how long a message is kept from others; it is asked for again every 15 seconds while the work goes on.
const VISIBILITY_S: i32 = 60;

/// A queue and its dead-letter queue, by their URLs.
pub(super) struct Pair {
    session: Session,
    url: String,
    dead_letters: String,
}

impl Pair {
    /// Finds both queues by their names.
    ///
    /// # Errors
    /// [`Fault`] where one is not there yet: `orgtrail apply` makes them.
    pub(super) async fn open(session: Session, name: &str, dead_letters: &str) -> Result<Self, Fault> {
        let url = super::sqs::url(&session, name).await?;
        let dead_letters = super::sqs::url(&session, dead_letters).await?;
        Ok(Self { session, url, dead_letters })
    }
}

#[async_trait]
impl Queue for Pair {
    async fn receive(&self, wait: bool) -> Result<Vec<Message>, Fault> {
        let request = self.session.sqs().receive_message().queue_url(&self.url).max_number_of_messages(BATCH_MAX);
        let request = request.visibility_timeout(VISIBILITY_S).wait_time_seconds(if wait { WAIT_S } else { 0 });
        let answer = self.session.write_once(op::RECEIVE_MESSAGE, request.send()).await?;
        let message = |message: &aws_sdk_sqs::types::Message| {
            let receipt = message.receipt_handle()?.to_owned();
            Some(Message { receipt, body: message.body().unwrap_or_default().to_owned() })
        };
        Ok(answer.messages().iter().filter_map(message).collect())
    }

    async fn extend(&self, messages: &[Message]) -> Result<(), Fault> {
        for batch in messages.chunks(BATCH_MAX as usize) {
            let entries = batch.iter().enumerate().map(|(n, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
                entry.receipt_handle(&message.receipt).visibility_timeout(VISIBILITY_S).build()
            });
            let entries = entries.collect::<Result<_, _>>().map_err(|error| self.odd(&error))?;
            let request = self.session.sqs().change_message_visibility_batch().queue_url(&self.url);
            let request = request.set_entries(Some(entries));
            self.session.write_once(op::CHANGE_VISIBILITY, request.send()).await?;
        }
        Ok(())
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), Fault> {
        for batch in messages.chunks(BATCH_MAX as usize) {
            let entries = batch.iter().enumerate().map(|(n, message)| {
                DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(&message.receipt).build()
            });
            let entries = entries.collect::<Result<_, _>>().map_err(|error| self.odd(&error))?;
            let request = self.session.sqs().delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            self.session.write_once(op::DELETE_MESSAGE, request.send()).await?;
        }
        Ok(())
    }

    async fn reject(&self, message: &Message, reason: &str) -> Result<(), Fault> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| self.odd(&error))?;
        // SQS takes no message without a body.
        let body = if message.body.is_empty() { "(empty)" } else { &message.body };
        let request = self.session.sqs().send_message().queue_url(&self.dead_letters).message_body(body);
        self.session.write_once(op::SEND_MESSAGE, request.message_attributes("reason", reason).send()).await?;
        self.delete(std::slice::from_ref(message)).await
    }
}

impl Pair {
    fn odd(&self, error: &dyn std::error::Error) -> Fault {
        self.session.odd_answer(op::RECEIVE_MESSAGE, format!("a message of {} has no receipt: {error}", self.url))
    }
}
