//! The lease as what lets changes through: a replica that lost it changes nothing any more.

use async_trait::async_trait;

use crate::apply::Gate;
use crate::daemon::lease::Fence;
use crate::plan::Change;

#[async_trait]
impl Gate for Fence<'_> {
    async fn admit(&self, _change: &Change) -> Result<(), String> {
        self.check().await
    }
}
