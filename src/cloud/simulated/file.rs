//! The snapshot file on disk: read whole, rewritten whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// Replaces a file whole, or leaves it as it was: nothing is put in its place before all of it is on the disk.
///
/// What a run that was killed in the middle left beside it is taken away.
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        // A new file; but a link that leads nowhere is a mistake to tell, not to replace.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => path.to_owned(),
        Err(error) => return Err(error),
    };
    // In the same folder: a file can only be renamed within its file system.
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut start = OsString::from(".");
    start.push(target.file_name().unwrap_or_default());
    start.push(".");
    remove_left(folder, &start);
    let mut new = tempfile::Builder::new().prefix(&start).suffix(NEW).tempfile_in(folder)?;
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

/// How the name of a file ends that is being written.
const NEW: &str = ".orgtrail-new";

/// A file that is being written is never this old.
const LEFT_AFTER: Duration = Duration::from_secs(3600);

/// Removes what killed runs left of this file. What cannot be looked at or removed does no harm.
fn remove_left(folder: &Path, start: &OsStr) {
    let is_left = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let old = || entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        name.starts_with(start.as_encoded_bytes())
            && name.ends_with(NEW.as_bytes())
            && old().is_some_and(|age| age > LEFT_AFTER)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_left) {
        let _ = fs::remove_file(entry.path());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_taken_away_and_what_another_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let (old, young, other) =
            (".history.json.a.orgtrail-new", ".history.json.b.orgtrail-new", ".other.c.orgtrail-new");
        for name in [old, young, other] {
            let file = File::create(folder.path().join(name)).unwrap();
            if name != young {
                file.set_modified(SystemTime::now() - 2 * LEFT_AFTER).unwrap();
            }
        }
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mut names: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [young, other, "history.json"]);
    }
}
