//! Asked before each change begins and before each call of it that writes: whether this run may still write.
//!
//! A person's run always may. The daemon may only while it holds its lease, and must notice that it was paused and
//! replaced before it writes again.

use async_trait::async_trait;

use crate::plan::Change;

/// Decides whether a change may begin, or go on.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Lets a change begin or go on, or says in a sentence why not; a change that has not begun is then skipped with
    /// this sentence, and one that has is cut off before its next call.
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
