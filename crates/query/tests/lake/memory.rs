//! A lake in memory that fails where a test says so.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use orgtrail_archive::archive::{Fault, FaultKind, Listed};
use orgtrail_query::lake::store::{Condition, LakeStore, Opened, Stored, Written, rewritten};

/// What a put does that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It writes nothing.
    Before,
    /// It writes, and says that it did not.
    After,
}

/// A lake in memory.
#[derive(Debug, Default)]
pub struct MemoryLake {
    files: Mutex<BTreeMap<String, (Bytes, usize)>>,
    /// All writes so far, also those that failed.
    pub puts: AtomicUsize,
    /// From this put on everything fails, as after a kill.
    pub fails_from: Mutex<Option<(usize, Failure)>>,
    /// It writes whether or not the condition holds.
    pub ignores_conditions: AtomicBool,
}

impl MemoryLake {
    pub fn files(&self) -> BTreeMap<String, Bytes> {
        self.files.lock().unwrap().iter().map(|(key, (bytes, _))| (key.clone(), bytes.clone())).collect()
    }

    /// Replaces or takes away a file without asking.
    pub fn set(&self, key: &str, bytes: Option<Bytes>) {
        let number = self.puts.fetch_add(1, Ordering::SeqCst);
        let mut files = self.files.lock().unwrap();
        match bytes {
            Some(bytes) => files.insert(key.to_owned(), (bytes, number)),
            None => files.remove(key),
        };
    }

    fn version(number: usize) -> String {
        format!("\"{number}\"")
    }
}

fn gone() -> Fault {
    Fault::new(FaultKind::Unavailable, "the store is gone")
}

/// The bytes of the version that was listed. `None`: there is another one.
struct Open(Option<Bytes>);

#[async_trait]
impl Opened for Open {
    fn size_bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
        let bytes = self.0.as_ref().ok_or_else(rewritten)?;
        Ok(bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }
}

#[async_trait]
impl LakeStore for MemoryLake {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let found = self.files.lock().unwrap().get(key).cloned();
        Ok(found.map(|(bytes, number)| Stored { bytes, version: Self::version(number) }))
    }

    fn opened(&self, listed: &Listed) -> Arc<dyn Opened> {
        let found = self.files.lock().unwrap().get(&listed.key).cloned();
        Arc::new(Open(found.filter(|(_, number)| Some(Self::version(*number)) == listed.tag).map(|(bytes, _)| bytes)))
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Written, Fault> {
        // Whoever reads and writes at the same time meets here.
        tokio::task::yield_now().await;
        let number = self.puts.fetch_add(1, Ordering::SeqCst);
        let fails = self.fails_from.lock().unwrap().filter(|(from, _)| number >= *from);
        if fails.is_some_and(|(from, how)| number > from || how == Failure::Before) {
            return Err(gone());
        }
        let mut files = self.files.lock().unwrap();
        let found = files.get(key).map(|(_, number)| Self::version(*number));
        let holds = match condition {
            Condition::Absent => found.is_none(),
            Condition::Version(version) => found.as_ref() == Some(version),
        };
        if !holds && !self.ignores_conditions.load(Ordering::SeqCst) {
            return Ok(Written::Lost);
        }
        files.insert(key.to_owned(), (bytes, number));
        if fails.is_some() { Err(gone()) } else { Ok(Written::Done) }
    }

    fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let files = self.files.lock().unwrap();
        let listed = files.iter().filter(|(key, _)| key.starts_with(folder)).map(|(key, (bytes, number))| {
            let (size_bytes, tag) = (bytes.len() as u64, Some(Self::version(*number)));
            Ok(Listed { key: key.clone(), size_bytes, modified: None, tag })
        });
        iter(listed.collect::<Vec<_>>()).boxed()
    }
}
