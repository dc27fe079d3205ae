//! A place that cannot be entered: each question to it is answered with why. Beside other places it is one finding.

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt, iter};

use super::inflate::Unpacked;
use super::{Deletes, Fault, HashError, Level, Listed, Object, Store, Version};

/// A bucket that cannot be read, because the role that reads it cannot be assumed.
pub struct ClosedStore {
    bucket: String,
    why: Fault,
}

impl ClosedStore {
    /// Returns the store of a bucket that answers with a fault.
    pub fn new(bucket: impl Into<String>, why: Fault) -> Self {
        Self { bucket: bucket.into(), why }
    }
}

#[async_trait]
impl Store for ClosedStore {
    fn bucket(&self) -> Option<&str> {
        Some(&self.bucket)
    }

    fn name(&self) -> String {
        format!("s3://{}", self.bucket)
    }

    async fn level(&self, _prefix: &str) -> Result<Level, Fault> {
        Err(self.why.clone())
    }

    fn list(&self, _prefix: &str, _after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        iter([Err(self.why.clone())]).boxed()
    }

    async fn get(&self, _key: &str) -> Result<Object, Fault> {
        Err(self.why.clone())
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        Err(self.why.clone())
    }

    async fn versions(&self, _prefix: &str) -> Result<Vec<Version>, Fault> {
        Err(self.why.clone())
    }

    async fn hash(&self, _key: &str) -> Result<Unpacked, HashError> {
        Err(self.why.clone().into())
    }

    async fn read_log(&self, _key: &str) -> Result<Vec<u8>, Fault> {
        Err(self.why.clone())
    }

    fn oddities(&self) -> Vec<String> {
        Vec::new()
    }

    async fn hash_version(&self, _key: &str, _version: &str) -> Result<Unpacked, HashError> {
        Err(self.why.clone().into())
    }
}
