//! What every daemon shares, without the work of any.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::lock;
use crate::cloud::CloudFault;
use crate::cloud::document::{Condition, ConditionalStore, Versioned, WriteOutcome};

mod lease;
mod second;

/// A document in memory, for replicas in one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct InMemory(Arc<Mutex<Option<Versioned>>>);

#[async_trait]
impl ConditionalStore for InMemory {
    async fn read(&self) -> Result<Option<Versioned>, CloudFault> {
        Ok(lock(&self.0).clone())
    }

    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, CloudFault> {
        let mut kept = lock(&self.0);
        let found = kept.as_ref().map_or(Condition::Absent, |kept| Condition::Version(kept.version.clone()));
        if found != *condition {
            return Ok(WriteOutcome::Conflict);
        }
        let version = kept.as_ref().map_or(0, |kept| kept.version.parse::<u64>().unwrap()) + 1;
        *kept = Some(Versioned { text: text.to_owned(), version: version.to_string() });
        Ok(WriteOutcome::Done)
    }
}

impl InMemory {
    /// Returns what is kept.
    fn text(&self) -> Option<String> {
        lock(&self.0).as_ref().map(|kept| kept.text.clone())
    }
}
