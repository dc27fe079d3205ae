//! What a daemon keeps across restarts: a bounded record in a file of this machine, or in an object that replicas
//! share.
//!
//! What is in the record is the daemon's: a type with [`HistoryFormat`]. A record of another deployment, or something
//! that is no record, is never overwritten.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cloud::CloudFault;
use crate::cloud::document::{Condition, ConditionalStore, WriteOutcome};
use crate::files::{self, Readers};

/// The largest record in bytes; what is larger is something else.
pub const BYTES_MAX: i64 = 16 * 1024 * 1024;

/// How often a write is tried between which another replica's comes.
const TRIES: usize = 3;

/// A record that a daemon keeps: one JSON document.
pub trait HistoryFormat: Serialize + DeserializeOwned {
    /// The version of the format that is read and written.
    const FORMAT_VERSION: u32;

    /// Returns the version that the document names.
    fn format_version(&self) -> u32;

    /// Returns the deployment that the document names: one of another deployment is not taken up.
    fn deployment(&self) -> &str;
}

/// Reads the record of a deployment.
///
/// # Errors
/// What the text is instead.
pub fn parse<R: HistoryFormat>(text: &str, deployment: &str) -> Result<R, String> {
    let record: R = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if record.format_version() != R::FORMAT_VERSION {
        return Err(format!("it has format version {}", record.format_version()));
    }
    if record.deployment() != deployment {
        return Err(format!("it belongs to {:?}", record.deployment()));
    }
    Ok(record)
}

/// One turn of a daemon's work, as the history keeps it.
pub trait HistoryEntry {
    /// How many are kept.
    const KEPT_MAX: usize;

    /// Returns what it is known by: the run id, and the number of the turn in this run.
    fn id(&self) -> (&str, u64);

    /// Returns when it began.
    fn started(&self) -> Timestamp;
}

/// The last turns, the newest last.
#[derive(Debug, Clone)]
pub struct History<E> {
    entries: VecDeque<E>,
}

impl<E> Default for History<E> {
    fn default() -> Self {
        Self { entries: VecDeque::new() }
    }
}

impl<E: HistoryEntry> History<E> {
    /// Takes up the entries of earlier runs.
    pub fn resume(entries: Vec<E>) -> Self {
        let mut history = Self::default();
        entries.into_iter().for_each(|entry| history.push(entry));
        history
    }

    /// Adds an entry; the oldest one goes when there are too many.
    pub fn push(&mut self, entry: E) {
        while self.entries.len() >= E::KEPT_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Takes up the entries that another replica kept, in the order of time, each once.
    pub fn merge(&mut self, others: Vec<E>) {
        let mut entries: Vec<E> = self.entries.drain(..).collect();
        let is_known = |entry: &E| entries.iter().any(|own| own.id() == entry.id());
        let new: Vec<E> = others.into_iter().filter(|entry| !is_known(entry)).collect();
        entries.extend(new);
        entries.sort_by_key(E::started);
        *self = Self::resume(entries);
    }

    /// Returns the entries, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &E> {
        self.entries.iter()
    }
}

/// A file of this machine that holds the record.
#[derive(Debug, Clone)]
pub struct HistoryFile {
    path: PathBuf,
}

/// A history that this daemon alone keeps, until it is dropped.
#[derive(Debug)]
pub struct HistoryLock {
    _file: File,
}

/// Says why the file of earlier runs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryFileError {
    /// The file cannot be read.
    #[error("cannot read the history {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon keeps it: two would lose each other's rounds.
    #[error("another daemon keeps the history {} (it holds a lock on {})", path.display(), lock.display())]
    Held {
        /// The file.
        path: PathBuf,
        /// The file beside it that is locked.
        lock: PathBuf,
    },
    /// It is no history, or one of another version or deployment.
    #[error("{} is not a history of this deployment: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
}

impl HistoryFile {
    /// Names the file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Takes the file for this daemon alone, for as long as what is returned is kept. The lock is on a file beside it,
    /// as the history itself is replaced by each writing; it stays there, empty. Where no lock can be had, as on some
    /// shared file systems, a warning is all.
    ///
    /// # Errors
    /// [`HistoryFileError::Held`] where another daemon has it.
    pub fn hold(&self) -> Result<Option<HistoryLock>, HistoryFileError> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let Some(name) = path.file_name() else { return Ok(None) };
        let mut lock_name = OsString::from(".");
        lock_name.push(name);
        lock_name.push(".lock");
        let lock = path.with_file_name(lock_name);
        let opened = match fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock) {
            Ok(file) => match file.try_lock() {
                Ok(()) => Ok(file),
                Err(TryLockError::WouldBlock) => return Err(HistoryFileError::Held { path, lock }),
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) => Err(error),
        };
        match opened {
            Ok(file) => Ok(Some(HistoryLock { _file: file })),
            Err(error) => {
                let (path, lock) = (path.display(), lock.display());
                tracing::warn!(%error, %path, %lock, "the history cannot be locked; no other daemon may use it");
                Ok(None)
            }
        }
    }

    /// Reads what earlier runs left; `None` where there is no file yet.
    ///
    /// # Errors
    /// [`HistoryFileError`] for a file that is something else: it is not overwritten.
    pub fn read<R: HistoryFormat>(&self, deployment: &str) -> Result<Option<R>, HistoryFileError> {
        let path = self.path.clone();
        let text = match files::read_text(&path, BYTES_MAX.unsigned_abs()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(HistoryFileError::Read { path, source }),
        };
        parse(&text, deployment).map(Some).map_err(|why| HistoryFileError::Content { path, why })
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// Those of the file system; the old file is as it was.
    pub fn write(&self, record: &impl HistoryFormat) -> io::Result<()> {
        // Put together before anything is written: a disk that is full leaves the old file as it is.
        let text = serde_json::to_vec(record)?;
        files::write(&self.path, &text, Readers::Owner)
    }
}

/// Says why the object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SharedHistoryError {
    /// The store does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] CloudFault),
    /// There is something else; it is not overwritten.
    #[error("the object is not a history of this deployment: {0}; name another prefix, or move the object away")]
    Content(String),
    /// Another replica wrote at the same time, again and again.
    #[error("another replica writes it too")]
    Raced,
}

/// An object that holds the record of all replicas of a deployment.
pub struct SharedHistory<'a> {
    store: &'a dyn ConditionalStore,
    deployment: &'a str,
}

impl<'a> SharedHistory<'a> {
    /// Names the object and the deployment whose record it holds.
    pub fn new(store: &'a dyn ConditionalStore, deployment: &'a str) -> Self {
        Self { store, deployment }
    }

    /// Reads the record, with the condition under which it may be replaced; `None` where there is no object yet.
    ///
    /// # Errors
    /// [`SharedHistoryError`] where the store does not answer, or has something else there.
    pub async fn read<R: HistoryFormat>(&self) -> Result<(Option<R>, Condition), SharedHistoryError> {
        let Some(kept) = self.store.read().await? else { return Ok((None, Condition::Absent)) };
        let record = parse(&kept.text, self.deployment).map_err(SharedHistoryError::Content)?;
        Ok((Some(record), Condition::Version(kept.version)))
    }

    /// Writes the record that `merged` makes of the one that is there: it is called again where another replica wrote
    /// meanwhile.
    ///
    /// # Errors
    /// [`SharedHistoryError`] as for reading, and where another replica is quicker again and again.
    pub async fn write<R: HistoryFormat>(
        &self,
        mut merged: impl FnMut(Option<R>) -> R,
    ) -> Result<(), SharedHistoryError> {
        for _ in 0..TRIES {
            let (record, condition) = self.read().await?;
            let text = serde_json::to_string(&merged(record));
            let text = text.map_err(|error| SharedHistoryError::Content(error.to_string()))?;
            if self.store.write(&text, &condition).await? == WriteOutcome::Done {
                return Ok(());
            }
        }
        Err(SharedHistoryError::Raced)
    }
}
