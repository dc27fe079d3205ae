//! Writes a bundle while a run reads: a store that notes what another store answers.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{BoxStream, StreamExt};
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::{Header, Line, log_line};
use crate::logs::digest::keys::KeyRing;
use crate::logs::inflate::{Damage, Unpacked, hex};
use crate::logs::store::{Fault, FaultKind, Listed, Object, Store, Unhashed, Version};

/// A bundle that is being written. The first failure is kept and told at the end.
pub struct BundleWriter(Mutex<Inner>);

struct Inner {
    out: GzEncoder<Box<dyn Write + Send>>,
    sum: Context,
    failure: Option<io::Error>,
}

impl BundleWriter {
    /// Starts a bundle.
    pub fn new(out: Box<dyn Write + Send>, header: Header) -> Arc<Self> {
        let inner =
            Inner { out: GzEncoder::new(out, Compression::default()), sum: Context::new(&SHA256), failure: None };
        let writer = Self(Mutex::new(inner));
        writer.write(&Line::Header(header));
        Arc::new(writer)
    }

    /// Ends the bundle with the keys and the report.
    ///
    /// # Errors
    /// When any part of the bundle could not be written.
    pub fn finish(&self, keys: &KeyRing, report: Value) -> io::Result<()> {
        self.write(&Line::Keys(keys.answers_json()));
        self.write(&Line::Report(report));
        let sum = hex(self.inner().sum.clone().finish().as_ref());
        self.write(&Line::Sha256(sum));
        let mut inner = self.inner();
        if let Some(failure) = inner.failure.take() {
            return Err(failure);
        }
        inner.out.try_finish()?;
        inner.out.get_mut().flush()
    }

    fn write(&self, line: &Line) {
        let text = format!("{}\n", serde_json::json!(line));
        let mut inner = self.inner();
        inner.sum.update(text.as_bytes());
        if inner.failure.is_none() {
            inner.failure = inner.out.write_all(text.as_bytes()).err();
        }
    }

    /// A line is written whole or its failure is kept, so a poisoned lock guards nothing half-done.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store that notes in a bundle what another store answers.
pub struct RecordingStore {
    store: Arc<dyn Store>,
    bundle: Arc<BundleWriter>,
}

impl RecordingStore {
    /// Returns the recording of a store.
    pub fn new(store: Arc<dyn Store>, bundle: Arc<BundleWriter>) -> Self {
        Self { store, bundle }
    }
}

#[async_trait]
impl Store for RecordingStore {
    fn bucket(&self) -> Option<&str> {
        self.store.bucket()
    }

    fn name(&self) -> String {
        self.store.name()
    }

    async fn children(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        self.store.children(prefix).await
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let bundle = Arc::clone(&self.bundle);
        let note = move |listed: &Result<Listed, Fault>| {
            if let Ok(listed) = listed {
                bundle.write(&Line::Listed(listed.key.clone()));
            }
        };
        self.store.list(prefix, after).inspect(note).boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        let answer = self.store.get(key).await;
        match &answer {
            Ok(Object { body, metadata }) => self.bundle.write(&Line::Digest {
                key: key.to_owned(),
                body: STANDARD.encode(body),
                signature: metadata.signature.clone(),
                algorithm: metadata.signature_algorithm.clone(),
                made: metadata.backfill_generation_timestamp.clone(),
            }),
            Err(fault) => self.bundle.write(&fault_line(key, fault)),
        }
        answer
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, Unhashed> {
        let answer = self.store.hash(key).await;
        self.bundle.write(&match &answer {
            Ok(unpacked) => log_line(key, unpacked),
            Err(Unhashed::Fault(fault)) => fault_line(key, fault),
            Err(Unhashed::Damage(damage)) => damage_line(key, damage),
        });
        answer
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        self.store.versions(prefix).await
    }

    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, Unhashed> {
        self.store.hash_version(key, version).await
    }
}

fn fault_line(key: &str, fault: &Fault) -> Line {
    let (key, why) = (key.to_owned(), fault.to_string());
    match fault.kind {
        FaultKind::Absent => Line::Absent(key),
        FaultKind::TooLarge => Line::Damaged { key, why },
        FaultKind::Denied | FaultKind::Archived | FaultKind::Unavailable => Line::Unread { key, why },
    }
}

fn damage_line(key: &str, damage: &Damage) -> Line {
    Line::Damaged { key: key.to_owned(), why: damage.to_string() }
}
