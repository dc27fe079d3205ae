//! Where delivered objects lie: the trait, what it answers, and how it fails. A store never writes.
//!
//! Three stores exist: a bucket (`cloud::aws::archive`), a copy of a bucket in a folder ([`super::FolderStore`]), and
//! the evidence bundle of an earlier run (`logs::bundle`).

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;

use super::inflate::{GzipError, Unpacked};

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The object's key.
    pub key: String,
    /// Its size as stored.
    pub size_bytes: u64,
    /// When it was written there; none where the store does not say.
    pub modified: Option<Timestamp>,
    /// S3's name for its content (ETag): another one whenever the object was written anew with other bytes. None where
    /// the store has none, as folders.
    pub tag: Option<String>,
}

/// The metadata that CloudTrail gives a digest. Copies often lose it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// `x-amz-meta-signature`: hexadecimal; none where it is missing, as these all.
    pub signature: Option<String>,
    /// `x-amz-meta-signature-algorithm`; none where it is missing.
    pub signature_algorithm: Option<String>,
    /// `x-amz-meta-backfill-generation-timestamp`, of backfill digests only; none for all others.
    pub backfill_generation_timestamp: Option<String>,
}

impl Metadata {
    /// Returns the metadata under the names that S3 gives, without `x-amz-meta-`. Names of any case are known.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut metadata = Self::default();
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "signature" => metadata.signature = Some(value.to_owned()),
                "signature-algorithm" => metadata.signature_algorithm = Some(value.to_owned()),
                "backfill-generation-timestamp" => metadata.backfill_generation_timestamp = Some(value.to_owned()),
                _ => {}
            }
        }
        metadata
    }
}

/// An object, read whole.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its bytes as stored.
    pub body: Vec<u8>,
    /// What CloudTrail says about it.
    pub metadata: Metadata,
}

/// An earlier version of an object, or the mark that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The object's key.
    pub key: String,
    /// S3's name for the version.
    pub id: String,
    /// When it was written; none where the store does not say.
    pub modified: Option<Timestamp>,
    /// Who wrote it, where S3 says.
    pub owner: Option<String>,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
}

/// A lifecycle rule that deletes what lies under a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletes {
    /// What the keys start with that it deletes.
    pub prefix: String,
    /// When it deletes them.
    pub when: When,
    /// Whether it deletes all of them, and not only those of some sizes or tags.
    pub is_whole: bool,
}

/// When a lifecycle rule deletes objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So many days after they were written.
    AfterDays(u32),
    /// On a day, those that were written before it.
    On(Timestamp),
}

/// What lies directly under a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Level {
    /// The folders, each with the `/` at its end, in order.
    pub folders: Vec<String>,
    /// The keys of the objects beside them, in order.
    pub objects: Vec<String>,
}

/// Why an object or a listing could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such object.
    Absent,
    /// We may not read it, or not decrypt it.
    Denied,
    /// It is in an archive class and must be restored first.
    Archived,
    /// It is larger than any file that CloudTrail delivers.
    TooLarge,
    /// The store did not answer, or not to the end, after all retries.
    Unavailable,
}

/// What stands for the name of an archive class that is not known.
pub const UNKNOWN_CLASS: &str = "of an unknown name";

/// A failure of one request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What a caller can decide on.
    pub kind: FaultKind,
    /// What a person should read.
    pub message: String,
    /// The archive class or tier of an archived object; not set when unknown, and of every other fault.
    pub class: Option<String>,
    /// What to do next; empty where it is not known.
    pub help: String,
}

impl Fault {
    /// Returns a fault of a kind with the text for a person.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), class: None, help: String::new() }
    }

    /// Returns the fault with what to do next.
    #[must_use]
    pub fn advising(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// Returns the fault of an object in an archive class or tier.
    #[must_use]
    pub fn in_class(self, class: Option<String>) -> Self {
        Self { class, ..self }
    }

    /// Returns the class or tier of an archived object, for a person; nothing of every other fault.
    pub fn archived(&self) -> Option<String> {
        let is_archived = self.kind == FaultKind::Archived;
        is_archived.then(|| self.class.clone().unwrap_or_else(|| UNKNOWN_CLASS.to_owned()))
    }
}

/// Why a log file's content could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The object could not be had.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The object is there, but is no whole gzip file.
    #[error(transparent)]
    GzipError(#[from] GzipError),
}

/// What is read, whatever it lies in. Every store says for itself what it has: none answers for another in silence.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the name of the bucket when the store is that bucket and no copy.
    fn bucket(&self) -> Option<&str>;

    /// Returns the store as a person would name it.
    fn name(&self) -> String;

    /// Returns what lies directly under a prefix.
    ///
    /// # Errors
    /// When the listing cannot be had.
    async fn level(&self, prefix: &str) -> Result<Level, Fault>;

    /// Returns the objects under a prefix whose keys come after `after`, in the order of their keys.
    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>>;

    /// Returns an object with its metadata.
    ///
    /// # Errors
    /// When the object cannot be had whole.
    async fn get(&self, key: &str) -> Result<Object, Fault>;

    /// Returns the hash of what a log file holds.
    ///
    /// # Errors
    /// When the object cannot be had or is damaged.
    async fn hash(&self, key: &str) -> Result<Unpacked, HashError>;

    /// Returns the bytes of a log file, as stored, to look into its records. A bundle keeps none of them and has none.
    ///
    /// # Errors
    /// When the object cannot be had whole.
    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault>;

    /// Returns what was met among the objects so far that is none, as sentences: links, pipes, devices. Only folders
    /// have any.
    fn oddities(&self) -> Vec<String>;

    /// Returns the lifecycle rules that delete objects. Copies have none.
    ///
    /// # Errors
    /// When they cannot be read, so that it is not known what they deleted.
    async fn deletes(&self) -> Result<Vec<Deletes>, Fault>;

    /// Returns the versions of every key with a prefix, newest first within a key. Copies have none.
    ///
    /// # Errors
    /// When the listing cannot be had.
    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault>;

    /// Returns the hash of what a version of a log file holds.
    ///
    /// # Errors
    /// When the version cannot be had or is damaged.
    async fn hash_version(&self, key: &str, version: &str) -> Result<Unpacked, HashError>;
}
