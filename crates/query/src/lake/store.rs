//! Where a lake lies: what is read and written there. There is no way to delete.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use orgtrail_archive::archive::{Fault, FaultKind, Listed};

/// A file of a lake with the version by which it can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it holds.
    pub bytes: Bytes,
    /// The store's word for this version: the entity tag in S3.
    pub version: String,
}

/// What a write must find, or else it does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No file.
    Absent,
    /// This version.
    Version(String),
}

impl Condition {
    /// Returns the condition that nothing was written since a file was read, or was not there.
    pub fn unchanged(stored: Option<&Stored>) -> Self {
        stored.map_or(Self::Absent, |stored| Self::Version(stored.version.clone()))
    }
}

/// What came of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was made.
    Done,
    /// The condition did not hold: another writer was quicker.
    Lost,
}

/// What is said of a file that was replaced while it was read.
pub const REWRITTEN: &str = "it was written anew while it was read; ask again";

/// Returns the fault of a file that was replaced while it was read.
pub fn rewritten() -> Fault {
    Fault::new(FaultKind::Unavailable, REWRITTEN)
}

/// A file of which parts are read: all of one version, whatever is written meanwhile.
#[async_trait]
pub trait Opened: Send + Sync {
    /// Returns its size in bytes.
    fn size_bytes(&self) -> u64;

    /// Returns a part of it.
    ///
    /// # Errors
    /// Where it cannot be read; [`rewritten`] where it was replaced meanwhile.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, Fault>;
}

/// Where a lake lies. Keys are those of [`super::layout`].
#[async_trait]
pub trait LakeStore: Send + Sync + fmt::Debug {
    /// Returns the place as a person would name it.
    fn name(&self) -> String;

    /// Returns a file. `None`: there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    async fn get(&self, key: &str) -> Result<Option<Stored>, Fault>;

    /// Returns a listed file to read parts of it, of the version that was listed. Nothing is looked at yet.
    fn opened(&self, listed: &Listed) -> Arc<dyn Opened>;

    /// Writes a file if the condition holds, in one step: whoever reads sees all of the old one or all of the new one.
    ///
    /// # Errors
    /// Where the store does not answer; the file may have been written all the same.
    async fn put(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Written, Fault>;

    /// Returns the files below a folder, in the order of their keys.
    fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed, Fault>>;
}
