//! The key ring file: CloudTrail's own answers of earlier runs, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LazyConnection, LogSourceError, LogSources, LogsContext, LogsError, read_keys, save};
use crate::cli::failure::CliError;
use crate::logs::digest::keys::KeyRing;

/// The key ring of a run.
#[derive(Default)]
pub struct Ring {
    /// Where keys of earlier runs are read; not set when there is no such file.
    reads: Option<PathBuf>,
    /// Where keys of this run are kept; not set when they are not.
    writes: Option<PathBuf>,
    /// The address that was asked instead of CloudTrail's.
    stranger: Option<String>,
}

impl Ring {
    /// Returns the ring of a run that takes no keys of earlier runs and keeps none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns the ring of a run: the file that the user names, or the usual one. The usual one takes no key from an
    /// address that is not AWS's, and none from a bundle.
    ///
    /// # Errors
    /// When there is no connection to AWS.
    pub async fn of(
        named: Option<&PathBuf>,
        places: &LogSources,
        around: &LogsContext,
        aws: &LazyConnection,
    ) -> Result<Self, LogsError> {
        let file = named.or(around.key_ring.as_ref()).cloned();
        if places.bundle().is_some() || file.is_none() {
            return Ok(Self { reads: file, writes: None, stranger: None });
        }
        let stranger = match named {
            Some(_) => None,
            None => aws.connection().await.map_err(LogSourceError::from)?.stranger(),
        };
        // What an emulator signs is judged with an emulator's keys alone.
        let file = file.filter(|_| stranger.is_none());
        Ok(Self { reads: file.clone(), writes: file, stranger })
    }

    /// Returns the keys of earlier runs.
    ///
    /// # Errors
    /// When the file cannot be read or was changed.
    pub fn read(&self) -> Result<KeyRing, LogsError> {
        read(self.reads.as_deref())
    }

    /// Adds what CloudTrail answered in this run. Keys that the ring has are never changed, and those that another run
    /// adds meanwhile are kept. Returns what a person should know when the keys cannot be kept.
    pub fn write(&self, served: &KeyRing) -> Option<String> {
        let file = self.writes.as_ref()?;
        let error = merge(file, served).err()?;
        let why = CliError::from(error);
        Some(format!("the public keys of this run could not be kept for later ones: {why}"))
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

/// Adds keys to the ring's file, one run at a time.
fn merge(file: &Path, served: &KeyRing) -> Result<(), LogsError> {
    let fault = |source| LogsError::File { file: file.to_owned(), source };
    if !is_missing_any(file, served)? {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(fault)?;
    // The lock ends with the file.
    lock.lock().map_err(fault)?;
    let mut ring = read(Some(file))?;
    ring.merge(served);
    save(file, &ring.file_text())
}

fn is_missing_any(file: &Path, served: &KeyRing) -> Result<bool, LogsError> {
    let before = read(Some(file))?;
    let mut ring = before.clone();
    ring.merge(served);
    Ok(ring != before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Region;
    use crate::logs::digest::keys::PublicKey;

    fn ring(region: &str) -> KeyRing {
        let region: Region = region.parse().unwrap();
        let mut ring = KeyRing::default();
        // The MD5 of one byte of value 1.
        ring.add(&region, PublicKey::new("55a54008ad1ba589aa210d2629c1df41", vec![1]));
        ring
    }

    #[test]
    fn runs_at_once_lose_no_keys_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orgtrail/keys.json");
        let regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3"];
        std::thread::scope(|scope| {
            for region in regions {
                let file = &file;
                scope.spawn(move || merge(file, &ring(region)).unwrap());
            }
        });
        assert_eq!(read(Some(&file)).unwrap().iter().count(), regions.len());
    }

    #[test]
    fn a_ring_that_cannot_be_written_is_said_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "").unwrap();
        let file = folder.path().join("taken/keys.json");
        let of = |writes| Ring { reads: None, writes, stranger: None };
        let note = of(Some(file)).write(&ring("us-east-1")).unwrap();
        assert!(note.starts_with("the public keys of this run could not be kept for later ones: "), "{note}");
        assert_eq!(of(None).write(&ring("us-east-1")), None);
    }
}
