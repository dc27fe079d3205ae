//! The snapshot file on disk: read whole, rewritten whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::estate::snapshot::{BadSnapshot, Snapshot};

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
    let text = fs::read_to_string(path).map_err(|source| BadFile::Read { path: path.to_owned(), source })?;
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
    let result = snapshot.write(&mut bytes).and_then(|()| replace(path, &bytes));
    result.map_err(|source| BadFile::Write { path: path.to_owned(), source })
}

pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        // A new file; but a link that leads nowhere is a mistake to tell, not to replace.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => path.to_owned(),
        Err(error) => return Err(error),
    };
    // In the same folder: a file can only be renamed within its file system.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    if let Ok(old) = fs::metadata(&target) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(&target)?;
    // The name is safe only when the folder is. Where a folder cannot be opened, the system does without.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all()?;
    }
    Ok(())
}
