//! A queue of messages that are deleted when their work is done.

use async_trait::async_trait;

use super::CloudFault;

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// With which it is deleted.
    pub receipt: String,
    /// What it says.
    pub body: String,
}

/// A queue with a second one for messages that cannot be read.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Returns a few messages or none; with `wait`, waits for them as long as the queue lets one wait.
    ///
    /// # Errors
    /// [`CloudFault`] where the queue cannot be read.
    async fn receive(&self, wait: bool) -> Result<Vec<Message>, CloudFault>;

    /// Keeps messages from being given to another receiver for a while longer.
    ///
    /// # Errors
    /// [`CloudFault`] where that cannot be had; the messages are then received a second time.
    async fn extend(&self, messages: &[Message]) -> Result<(), CloudFault>;

    /// Deletes messages: the work is done.
    ///
    /// # Errors
    /// [`CloudFault`] where they cannot be deleted; they are then received a second time.
    async fn delete(&self, messages: &[Message]) -> Result<(), CloudFault>;

    /// Moves a message that cannot be read to the second queue, with the reason.
    ///
    /// # Errors
    /// [`CloudFault`] where that cannot be done; the message is then received a second time.
    async fn reject(&self, message: &Message, reason: &str) -> Result<(), CloudFault>;
}
