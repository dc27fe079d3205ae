//! A small document that is only ever replaced by conditional writes: what replicas agree through.

use async_trait::async_trait;

use super::CloudFault;

/// A document with the version by which it can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// Its text.
    pub text: String,
    /// The store's word for this version: the entity tag in S3.
    pub version: String,
}

/// What a write must find, or else it does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No document.
    Absent,
    /// This version.
    Version(String),
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It was made.
    Done,
    /// The condition did not hold: another writer was quicker.
    Conflict,
}

/// Where one document is kept.
#[async_trait]
pub trait ConditionalStore: Send + Sync {
    /// Reads the document; nothing where there is none.
    ///
    /// # Errors
    /// [`CloudFault`] where the store does not answer.
    async fn read(&self) -> Result<Option<Versioned>, CloudFault>;

    /// Writes the document if the condition holds, in one step.
    ///
    /// # Errors
    /// [`CloudFault`] where the store does not answer; the document may have been written all the same.
    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, CloudFault>;
}
