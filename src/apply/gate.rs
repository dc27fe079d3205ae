//! Asked before each change begins: whether this run may still write.
//!
//! A person's run always may. The daemon may only while it holds its lease, and must notice that it was paused and
//! replaced before it writes again.

use async_trait::async_trait;

use crate::plan::Change;

/// Decides whether a change may begin.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Lets a change begin, or says in a sentence why not; the change is then skipped with this sentence.
    async fn admit(&self, change: &Change) -> Result<(), String>;
}

/// Lets everything through.
pub struct Open;

#[async_trait]
impl Gate for Open {
    async fn admit(&self, _change: &Change) -> Result<(), String> {
        Ok(())
    }
}
