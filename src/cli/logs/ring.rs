//! The key ring file: CloudTrail's own answers of earlier runs, and nothing else.

use std::path::{Path, PathBuf};

use super::{Lazy, LogsError, Places, Surroundings, read_keys};
use crate::cli::verify::{VerifyArgs, save};
use crate::logs::digest::keys::KeyRing;

/// The key ring of a run.
pub struct Ring {
    /// Where keys of earlier runs are read; not set when there is no such file.
    reads: Option<PathBuf>,
    /// Where keys of this run are kept; not set when they are not.
    writes: Option<PathBuf>,
    /// The address that was asked instead of CloudTrail's.
    stranger: Option<String>,
}

impl Ring {
    /// Returns the ring of a run: the file that the user names, or the usual one. The usual one takes no key from an address
    /// that is not AWS's, and none from a bundle.
    pub async fn of(args: &VerifyArgs, places: &Places, around: &Surroundings, aws: &Lazy) -> Self {
        let file = args.key_ring.as_ref().or(around.key_ring.as_ref()).filter(|_| args.keys.is_none()).cloned();
        if places.bundle().is_some() || file.is_none() {
            return Self { reads: file, writes: None, stranger: None };
        }
        let stranger = match args.key_ring {
            Some(_) => None,
            None => aws.connection().await.stranger(),
        };
        // What an emulator signs is judged with an emulator's keys alone.
        let file = file.filter(|_| stranger.is_none());
        Self { reads: file.clone(), writes: file, stranger }
    }

    /// Returns the keys of earlier runs.
    ///
    /// # Errors
    /// When the file cannot be read or was changed.
    pub fn read(&self) -> Result<KeyRing, LogsError> {
        read(self.reads.as_deref())
    }

    /// Adds what CloudTrail answered in this run. Keys that the ring has are never changed.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn write(&self, served: &KeyRing) -> Result<(), LogsError> {
        let Some(file) = &self.writes else { return Ok(()) };
        let before = read(Some(file))?;
        let mut ring = before.clone();
        ring.merge(served);
        if ring == before { Ok(()) } else { save(file, &ring.file_text()) }
    }

    /// Returns what a person should know about where keys came from.
    pub fn note(&self) -> Option<String> {
        let stranger = self.stranger.as_ref()?;
        Some(format!("keys were asked of {stranger}, which is not AWS: they are not kept; --key-ring FILE keeps them"))
    }
}

fn read(file: Option<&Path>) -> Result<KeyRing, LogsError> {
    match file.filter(|file| file.exists()) {
        Some(file) => Ok(read_keys(file)?),
        None => Ok(KeyRing::default()),
    }
}
