//! The snapshot file on disk: read whole, rewritten whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::estate::snapshot::{BadSnapshot, Snapshot};
use crate::files::{self, Readers};

/// The largest snapshot that is read, in bytes: some KB an account, and an organization has thousands.
const BYTES_MAX: u64 = 512 << 20;

/// Says why a snapshot file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BadFile {
    /// It could not be read.
    #[error("cannot read the snapshot {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is in it is no snapshot.
    #[error("cannot use the snapshot {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BadSnapshot,
    },
    /// It could not be written. The old file is as it was.
    #[error("cannot write the snapshot {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads a snapshot file.
///
/// # Errors
/// [`BadFile`] where there is no such file, or what is in it is not a snapshot of this version.
pub fn read(path: &Path) -> Result<Snapshot, BadFile> {
    let text = files::read_text(path, BYTES_MAX).map_err(|source| BadFile::Read { path: path.to_owned(), source })?;
    Snapshot::parse(&text).map_err(|source| BadFile::Content { path: path.to_owned(), source })
}

/// Writes a snapshot file. Whoever reads it meanwhile, or after the machine has stopped in the middle, sees the whole
/// old file or the whole new one.
///
/// A file that is there keeps its permissions, and a symbolic link stays one: the file that it leads to is rewritten. A
/// new file can be read by its owner only, because account names and addresses are nobody else's business.
///
/// # Errors
/// [`BadFile::Write`]; the old file is as it was.
pub fn write(path: &Path, snapshot: &Snapshot) -> Result<(), BadFile> {
    let mut bytes = Vec::new();
    let result = snapshot.write(&mut bytes).and_then(|()| files::write(path, &bytes, Readers::Owner));
    result.map_err(|source| BadFile::Write { path: path.to_owned(), source })
}

/// What a file was when it was read or written last, to tell whether another process has written it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// Returns the stamp of a file; none where there is none.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp { modified: data.modified().ok(), bytes: data.len() })
}

/// Writes a snapshot file that was last seen with this stamp; returns the new one.
///
/// # Errors
/// [`BadFile::Write`] also where another process has written it since: its changes would be lost.
pub fn write_unchanged(path: &Path, snapshot: &Snapshot, seen: Option<&Stamp>) -> Result<Option<Stamp>, BadFile> {
    if stamp(path).as_ref() != seen {
        let why = "another process has written it since it was read; run the command again, one at a time";
        return Err(BadFile::Write { path: path.to_owned(), source: io::Error::other(why) });
    }
    write(path, snapshot)?;
    Ok(stamp(path))
}
