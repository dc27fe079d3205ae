//! Amazon SQS as the queue that wakes the daemon.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
};
use tokio::sync::OnceCell;

use super::session::{Session, Sessions};
use crate::cloud::CloudFault;
use crate::cloud::queue::{Message, Queue};
use crate::ids::AccountId;
use crate::operations::sqs as op;

/// Messages in one call, and in one batch (SQS API, `ReceiveMessage` and `DeleteMessageBatch`).
const BATCH_MAX: i32 = 10;

/// The longest wait of one call (SQS API, `ReceiveMessage`).
const WAIT_S: i32 = 20;

/// For how long a message is kept from others; it is asked for again every 15 seconds while the work goes on.
const VISIBILITY_S: i32 = 60;

/// A queue and its dead-letter queue. Both are looked for when they are first used, and again until they are found: the
/// daemon may be there before them.
pub(super) struct Pair {
    sessions: Arc<Sessions>,
    account: AccountId,
    name: String,
    dead_letters: String,
    urls: OnceCell<(String, String)>,
}

impl Pair {
    pub(super) fn new(sessions: Arc<Sessions>, account: &AccountId, name: &str, dead_letters: &str) -> Self {
        let (name, dead_letters) = (name.to_owned(), dead_letters.to_owned());
        Self { sessions, account: account.clone(), name, dead_letters, urls: OnceCell::new() }
    }

    async fn session(&self) -> Result<Session, CloudFault> {
        Ok(self.sessions.of(&self.account).await?.in_region(self.sessions.home()))
    }

    /// Returns the URLs of the queue and of the dead-letter queue.
    async fn urls(&self, session: &Session) -> Result<&(String, String), CloudFault> {
        let find = async || {
            Ok((super::sqs::url(session, &self.name).await?, super::sqs::url(session, &self.dead_letters).await?))
        };
        self.urls.get_or_try_init(find).await
    }

    fn odd(&self, session: &Session, error: &dyn std::error::Error) -> CloudFault {
        session
            .unexpected_response(op::RECEIVE_MESSAGE, format!("a message of {} cannot be handled: {error}", self.name))
    }
}

#[async_trait]
impl Queue for Pair {
    async fn receive(&self, wait: bool) -> Result<Vec<Message>, CloudFault> {
        let session = self.session().await?;
        let (url, _) = self.urls(&session).await?;
        let request = session.sqs().receive_message().queue_url(url).max_number_of_messages(BATCH_MAX);
        let request = request.visibility_timeout(VISIBILITY_S).wait_time_seconds(if wait { WAIT_S } else { 0 });
        let answer = session.write_once(op::RECEIVE_MESSAGE, request.send()).await?;
        let message = |message: &aws_sdk_sqs::types::Message| {
            let receipt = message.receipt_handle()?.to_owned();
            Some(Message { receipt, body: message.body().unwrap_or_default().to_owned() })
        };
        Ok(answer.messages().iter().filter_map(message).collect())
    }

    async fn extend(&self, messages: &[Message]) -> Result<(), CloudFault> {
        if messages.is_empty() {
            return Ok(());
        }
        let session = self.session().await?;
        let (url, _) = self.urls(&session).await?;
        for batch in messages.chunks(BATCH_MAX as usize) {
            let entries = batch.iter().enumerate().map(|(n, message)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string());
                entry.receipt_handle(&message.receipt).visibility_timeout(VISIBILITY_S).build()
            });
            let entries = entries.collect::<Result<_, _>>().map_err(|error| self.odd(&session, &error))?;
            let request = session.sqs().change_message_visibility_batch().queue_url(url);
            let request = request.set_entries(Some(entries));
            session.write_once(op::CHANGE_VISIBILITY, request.send()).await?;
        }
        Ok(())
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), CloudFault> {
        if messages.is_empty() {
            return Ok(());
        }
        let session = self.session().await?;
        let (url, _) = self.urls(&session).await?;
        for batch in messages.chunks(BATCH_MAX as usize) {
            let entries = batch.iter().enumerate().map(|(n, message)| {
                DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(&message.receipt).build()
            });
            let entries = entries.collect::<Result<_, _>>().map_err(|error| self.odd(&session, &error))?;
            let request = session.sqs().delete_message_batch().queue_url(url).set_entries(Some(entries));
            session.write_once(op::DELETE_MESSAGE, request.send()).await?;
        }
        Ok(())
    }

    async fn reject(&self, message: &Message, reason: &str) -> Result<(), CloudFault> {
        let session = self.session().await?;
        let (_, dead_letters) = self.urls(&session).await?;
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| self.odd(&session, &error))?;
        // SQS takes no message without a body.
        let body = if message.body.is_empty() { "(empty)" } else { &message.body };
        let request = session.sqs().send_message().queue_url(dead_letters).message_body(body);
        session.write_once(op::SEND_MESSAGE, request.message_attributes("reason", reason).send()).await?;
        self.delete(std::slice::from_ref(message)).await
    }
}
