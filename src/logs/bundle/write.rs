//! Writes a bundle while a run reads: a store that notes what another store answers.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{BoxStream, StreamExt, once};
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::signature::Signed;
use super::{Header, Line, RuleLine, VersionLine, log_line};
use crate::archive::inflate::{GzipError, Unpacked, hex};
use crate::archive::{Deletes, Fault, FaultKind, HashError, Level, Listed, Object, Store, Version};
use crate::logs::digest::keys::KeyRing;

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
        writer.write(&Line::Header(Box::new(header)));
        Arc::new(writer)
    }

    /// Ends the bundle with the keys and the report, and returns the hash over all of it.
    ///
    /// # Errors
    /// When any part of the bundle could not be written.
    pub fn finish(&self, keys: &KeyRing, report: Value) -> io::Result<String> {
        self.write(&Line::Keys(keys.answers_json()));
        self.write(&Line::Report(report));
        let sum = hex(self.inner().sum.clone().finish().as_ref());
        self.write(&Line::Sha256(sum.clone()));
        Ok(sum)
    }

    /// Closes the bundle, with a signature over its hash where there is one.
    ///
    /// # Errors
    /// When any part of the bundle could not be written.
    pub fn close(&self, signed: Option<Signed>) -> io::Result<()> {
        if let Some(Signed { algorithm, by, value }) = signed {
            self.write(&Line::Signature { algorithm, by, value });
        }
        let mut inner = self.inner();
        if let Some(failure) = inner.failure.take() {
            return Err(failure);
        }
        inner.out.try_finish()?;
        inner.out.get_mut().flush()
    }

    /// Notes what a place held that is no object.
    fn note_odd(&self, at: usize, odd: &[String]) {
        odd.iter().for_each(|what| self.write(&Line::Odd { at, what: what.clone() }));
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
    at: usize,
    bundle: Arc<BundleWriter>,
}

impl RecordingStore {
    /// Returns the recording of the store of a place's number.
    pub fn new(store: Arc<dyn Store>, at: usize, bundle: Arc<BundleWriter>) -> Self {
        Self { store, at, bundle }
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

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        let (at, answer, prefix_text) = (self.at, self.store.level(prefix).await, prefix.to_owned());
        self.bundle.write(&match &answer {
            Ok(Level { folders, objects }) => {
                Line::Level { at, prefix: prefix_text, folders: folders.clone(), objects: objects.clone() }
            }
            Err(fault) => Line::Refused { at, prefix: prefix_text, why: fault.to_string() },
        });
        answer
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let (bundle, at, own) = (Arc::clone(&self.bundle), self.at, prefix.to_owned());
        bundle.write(&Line::Listing { at, prefix: own.clone(), after: after.to_owned() });
        let end = Line::ListingEnd { at, prefix: own.clone(), after: after.to_owned() };
        let last = Arc::clone(&bundle);
        let note = move |listed: &Result<Listed, Fault>| {
            bundle.write(&match listed {
                Ok(listed) => Line::Listed { at, key: listed.key.clone() },
                Err(fault) => Line::Refused { at, prefix: own.clone(), why: fault.to_string() },
            });
        };
        // Whoever stops reading does not come to the end.
        let at_the_end = once(async move { last.write(&end) }).filter_map(|()| async { None });
        self.store.list(prefix, after).inspect(note).chain(at_the_end).boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        let (at, answer) = (self.at, self.store.get(key).await);
        match &answer {
            Ok(Object { body, metadata }) => self.bundle.write(&Line::Digest {
                at,
                key: key.to_owned(),
                body: STANDARD.encode(body),
                signature: metadata.signature.clone(),
                algorithm: metadata.signature_algorithm.clone(),
                made: metadata.backfill_generation_timestamp.clone(),
            }),
            Err(fault) => self.bundle.write(&fault_line(at, key, fault)),
        }
        answer
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        self.store.read_log(key).await
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        let (at, answer) = (self.at, self.store.hash(key).await);
        self.bundle.write(&match &answer {
            Ok(unpacked) => log_line(at, key, None, unpacked),
            Err(HashError::Fault(fault)) => fault_line(at, key, fault),
            Err(HashError::GzipError(damage)) => damage_line(at, key, damage),
        });
        answer
    }

    fn oddities(&self) -> Vec<String> {
        let odd = self.store.oddities();
        self.bundle.note_odd(self.at, &odd);
        odd
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        let (at, answer) = (self.at, self.store.deletes().await);
        self.bundle.write(&match &answer {
            Ok(rules) => Line::Deletes { at, rules: rules.iter().map(RuleLine::of).collect() },
            Err(fault) => Line::DeletesUnread { at, why: fault.to_string() },
        });
        answer
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        let answer = self.store.versions(prefix).await;
        if let Ok(versions) = &answer {
            let versions = versions.iter().map(VersionLine::of).collect();
            self.bundle.write(&Line::Versions { at: self.at, prefix: prefix.to_owned(), versions });
        }
        answer
    }

    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, HashError> {
        let answer = self.store.hash_version(key, version).await;
        if let Ok(unpacked) = &answer {
            self.bundle.write(&log_line(self.at, key, Some(version), unpacked));
        }
        answer
    }
}

fn fault_line(at: usize, key: &str, fault: &Fault) -> Line {
    let (key, why) = (key.to_owned(), fault.to_string());
    match fault.kind {
        FaultKind::Absent => Line::Absent { at, key },
        FaultKind::TooLarge => Line::Damaged { at, key, why },
        FaultKind::Denied | FaultKind::Archived | FaultKind::Unavailable => {
            Line::Unread { at, key, why, class: fault.archived() }
        }
    }
}

fn damage_line(at: usize, key: &str, damage: &GzipError) -> Line {
    Line::Damaged { at, key: key.to_owned(), why: damage.to_string() }
}
