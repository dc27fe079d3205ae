//! Reads a bundle back as a store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use futures::stream::{BoxStream, StreamExt, iter};
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::{FORMAT_VERSION, Header, Line, metadata, unpacked};
use crate::logs::digest::keys::{BadKeys, KeyRing};
use crate::logs::inflate::{DIGEST_INFLATED_BYTES_MAX, Unpacked, hex};
use crate::logs::store::{Fault, FaultKind, Listed, Object, Store, Unhashed};

/// The most bytes that one line may have: a digest of the largest size in base64, twice.
const LINE_BYTES_MAX: u64 = DIGEST_INFLATED_BYTES_MAX * 8 / 3;

/// Says why a file is no bundle that can be checked.
#[derive(Debug, thiserror::Error)]
pub enum BadBundle {
    /// It cannot be read.
    #[error("the bundle cannot be read")]
    Read(#[from] io::Error),
    /// It is of another form.
    #[error("it is no evidence bundle: {0}")]
    Form(String),
    /// Its hash does not fit, or its end is gone.
    #[error("the bundle's own hash does not fit its content: it was changed or cut")]
    Changed,
    /// Its keys cannot be used.
    #[error("the bundle's keys cannot be used")]
    Keys(#[from] BadKeys),
}

enum Entry {
    Object(Object),
    Log(Unpacked),
    Fault(Fault),
}

/// A bundle, held in memory.
pub struct BundleStore {
    header: Header,
    keys: KeyRing,
    listed: BTreeSet<String>,
    entries: BTreeMap<String, Entry>,
}

impl BundleStore {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When it is no bundle, or not whole.
    pub fn read(from: impl Read) -> Result<Self, BadBundle> {
        let mut lines = Lines { from: BufReader::new(GzDecoder::new(from)), sum: Context::new(&SHA256) };
        let Some(Line::Header(header)) = lines.next()? else {
            return Err(BadBundle::Form("it does not begin with a header".into()));
        };
        if header.orgtrail_bundle != FORMAT_VERSION {
            return Err(BadBundle::Form(format!("format version {}", header.orgtrail_bundle)));
        }
        let (keys, listed, entries) = Default::default();
        let mut bundle = Self { header, keys, listed, entries };
        loop {
            let sum = hex(lines.sum.clone().finish().as_ref());
            match lines.next()? {
                None => return Err(BadBundle::Changed),
                Some(Line::Sha256(told)) if told == sum => return Ok(bundle),
                Some(Line::Sha256(_)) => return Err(BadBundle::Changed),
                Some(line) => bundle.take(line)?,
            }
        }
    }

    /// Returns what the bundle says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the keys that the bundle brings. Who made the bundle chose them.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    fn take(&mut self, line: Line) -> Result<(), BadBundle> {
        let fault = |kind, why: String| Entry::Fault(Fault::new(kind, why));
        let (key, entry) = match line {
            Line::Header(_) | Line::Sha256(_) => return Err(BadBundle::Form("a header stands in its middle".into())),
            Line::Report(_) => return Ok(()),
            Line::Keys(keys) => {
                self.keys = KeyRing::parse(&Value::to_string(&keys))?;
                return Ok(());
            }
            Line::Listed(key) => {
                self.listed.insert(key);
                return Ok(());
            }
            Line::Digest { key, body, signature, algorithm, made } => {
                let body = STANDARD.decode(body).map_err(|_| BadBundle::Form(format!("the body of {key}")))?;
                (key, Entry::Object(Object { body, metadata: metadata(signature, algorithm, made) }))
            }
            Line::Log { key, sha256, bytes, trailing } => {
                let form = || BadBundle::Form(format!("the hash of {key}"));
                let unpacked = unpacked(&sha256, bytes, &trailing).ok_or_else(form)?;
                (key, Entry::Log(unpacked))
            }
            Line::Absent(key) => (key, fault(FaultKind::Absent, "it was gone when the bundle was made".into())),
            Line::Unread { key, why } => (key, fault(FaultKind::Unavailable, why)),
            Line::Damaged { key, why } => (key, fault(FaultKind::TooLarge, why)),
        };
        self.entries.insert(key, entry);
        Ok(())
    }

    fn missing() -> Fault {
        Fault::new(FaultKind::Unavailable, "the bundle does not tell what it was")
    }
}

struct Lines<R> {
    from: BufReader<R>,
    sum: Context,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>, BadBundle> {
        let mut text = Vec::new();
        self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        self.sum.update(&text);
        let line = serde_json::from_slice(&text).map_err(|e| BadBundle::Form(e.to_string()))?;
        Ok(Some(line))
    }
}

#[async_trait]
impl Store for BundleStore {
    fn bucket(&self) -> Option<&str> {
        self.header.bucket.as_deref()
    }

    fn name(&self) -> String {
        self.header.store.clone()
    }

    async fn children(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let below = self.listed.iter().filter_map(|key| key.strip_prefix(prefix)?.split_once('/'));
        let folders: BTreeSet<String> = below.map(|(folder, _)| format!("{prefix}{folder}/")).collect();
        Ok(folders.into_iter().collect())
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let keys = self.listed.range(after.to_owned()..).filter(|key| key.starts_with(prefix) && key.as_str() != after);
        let listed = keys.map(|key| Ok(Listed { key: key.clone(), size_bytes: 0, modified: None }));
        iter(listed.collect::<Vec<_>>()).boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        match self.entries.get(key) {
            Some(Entry::Object(object)) => Ok(object.clone()),
            Some(Entry::Fault(fault)) => Err(fault.clone()),
            Some(Entry::Log(_)) | None => Err(Self::missing()),
        }
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, Unhashed> {
        match self.entries.get(key) {
            Some(Entry::Log(unpacked)) => Ok(*unpacked),
            Some(Entry::Fault(fault)) => Err(fault.clone().into()),
            Some(Entry::Object(_)) | None => Err(Self::missing().into()),
        }
    }
}
