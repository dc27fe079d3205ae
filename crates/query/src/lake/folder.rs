//! A lake in a folder.
//!
//! A file is put together beside the one that it replaces, is on the disk, and then takes its name. Writers take turns
//! by a lock on one file of the folder, which the system releases where one is killed; readers need none: a file that
//! was replaced meanwhile is told.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{BoxStream, iter, once};
use orgtrail_archive::archive::{Fault, FaultKind, Listed};
use orgtrail_archive::files::{NewFile, Readers, remove_left_below};
use tokio::task::spawn_blocking;

use super::store::{Condition, LakeStore, Opened, Stored, Written, rewritten};

/// The file that writers lock.
const LOCK: &str = ".lock";

/// A lake in a folder.
#[derive(Debug, Clone)]
pub struct FolderLake {
    root: PathBuf,
    /// Set once what killed runs left was taken away, which the first write does.
    is_tidy: Arc<OnceLock<()>>,
}

impl FolderLake {
    /// Returns the lake of a folder. The folder is made with the first write.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), is_tidy: Arc::default() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }
}

#[async_trait]
impl LakeStore for FolderLake {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let path = self.path(key);
        blocking(move || {
            let Some((mut file, about)) = open(&path)? else { return Ok(None) };
            let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
            file.read_to_end(&mut bytes)?;
            Ok(Some(Stored { bytes: bytes.into(), version: version(&about) }))
        })
        .await
    }

    fn opened(&self, listed: &Listed) -> Arc<dyn Opened> {
        let version = listed.tag.clone().unwrap_or_default();
        Arc::new(OpenFile { path: self.path(&listed.key), size_bytes: listed.size_bytes, version })
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Written, Fault> {
        let (root, path, condition) = (self.root.clone(), self.path(key), condition.clone());
        let is_tidy = Arc::clone(&self.is_tidy);
        blocking(move || {
            is_tidy.get_or_init(|| remove_left_below(&root));
            put(&root, &path, &bytes, &condition)
        })
        .await
    }

    fn list(&self, folder: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let (root, folder) = (self.root.clone(), folder.to_owned());
        let work = async move {
            blocking(move || {
                let mut all = Vec::new();
                walk(&root, &folder, &mut all)?;
                all.sort_by(|a, b| a.key.cmp(&b.key));
                Ok(all)
            })
            .await
        };
        once(work)
            .map(|all| match all {
                Ok(all) => iter(all.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(fault) => iter(vec![Err(fault)]),
            })
            .flatten()
            .boxed()
    }
}

/// A file of which parts are read as long as it is what it was when it was listed. It is not kept open: a lake has more
/// files than a program may have open.
struct OpenFile {
    path: PathBuf,
    size_bytes: u64,
    version: String,
}

#[async_trait]
impl Opened for OpenFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
        let (path, seen) = (self.path.clone(), self.version.clone());
        let read = move || {
            let Some((file, about)) = open(&path)? else { return Ok(None) };
            if version(&about) != seen {
                return Ok(None);
            }
            let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
            let mut bytes = vec![0; length];
            read_at(&file, &mut bytes, range.start)?;
            Ok(Some(Bytes::from(bytes)))
        };
        blocking(read).await?.ok_or_else(rewritten)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, offset) = (&mut bytes[count..], offset + count as u64);
    }
    Ok(())
}

/// Opens a regular file. `None`: there is none.
fn open(path: &Path) -> io::Result<Option<(File, fs::Metadata)>> {
    let absent = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
        _ => Err(error),
    };
    // Looked at before it is opened: opening a pipe waits for a writer.
    match fs::symlink_metadata(path) {
        Ok(about) if !about.is_file() => return Err(io::Error::other("it is no regular file")),
        Ok(_) => {}
        Err(error) => return absent(error),
    }
    match File::open(path) {
        Ok(file) => {
            let about = file.metadata()?;
            Ok(Some((file, about)))
        }
        Err(error) => absent(error),
    }
}

/// Returns the version of a file: every write makes a file of its own.
fn version(about: &fs::Metadata) -> String {
    let nanoseconds = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    format!("{}-{}-{}", number(about), about.len(), nanoseconds.map_or(0, |time| time.as_nanos()))
}

#[cfg(unix)]
fn number(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn number(_about: &fs::Metadata) -> u64 {
    0
}

fn put(root: &Path, path: &Path, bytes: &[u8], condition: &Condition) -> io::Result<Written> {
    let folder = path.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    // Written before the lock is taken, so that it is held for a moment only.
    let new = NewFile::at(path, Readers::Umask)?;
    new.as_file().write_all(bytes)?;
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(root.join(LOCK))?;
    lock.lock()?;
    let found = open(path)?.map(|(_, about)| version(&about));
    let holds = match condition {
        Condition::Absent => found.is_none(),
        Condition::Version(version) => found.as_ref() == Some(version),
    };
    if !holds {
        return Ok(Written::Lost);
    }
    new.finish()?;
    Ok(Written::Done)
}

fn walk(root: &Path, folder: &str, all: &mut Vec<Listed>) -> io::Result<()> {
    let found = match fs::read_dir(root.join(folder)) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in found {
        let entry = entry?;
        // A name that is not UTF-8 is none of a lake's.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        let key = format!("{folder}{name}");
        if kind.is_dir() {
            walk(root, &format!("{key}/"), all)?;
        } else if kind.is_file() && !name.starts_with('.') {
            let about = entry.metadata()?;
            let modified = about.modified().ok().and_then(|time| time.try_into().ok());
            all.push(Listed { key, size_bytes: about.len(), modified, tag: Some(version(&about)) });
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Fault> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| fault(&error))
}

fn fault(error: &io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FaultKind::Denied,
        _ => FaultKind::Unavailable,
    };
    Fault::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn a_file_is_replaced_only_where_it_is_what_the_writer_saw() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path().join("lake"));
        assert_eq!(lake.get("a/b").await.unwrap(), None);
        assert_eq!(lake.put("a/b", bytes("1"), &Condition::Absent).await.unwrap(), Written::Done);
        assert_eq!(lake.put("a/b", bytes("2"), &Condition::Absent).await.unwrap(), Written::Lost);
        let first = lake.get("a/b").await.unwrap().unwrap();
        let held = Condition::unchanged(Some(&first));
        assert_eq!(lake.put("a/b", bytes("3"), &held).await.unwrap(), Written::Done);
        assert_eq!(lake.put("a/b", bytes("4"), &held).await.unwrap(), Written::Lost);
        assert_eq!(lake.get("a/b").await.unwrap().unwrap().bytes, bytes("3"));
        let keys: Vec<String> = lake.list("").map(|listed| listed.unwrap().key).collect().await;
        assert_eq!(keys, ["a/b"]);
    }

    #[tokio::test]
    async fn parts_are_of_the_version_that_was_listed() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path());
        lake.put("x", bytes("old content"), &Condition::Absent).await.unwrap();
        let opened = lake.opened(&lake.list("").next().await.unwrap().unwrap());
        assert_eq!((opened.size_bytes(), opened.read(4..11).await.unwrap()), (11, bytes("content")));
        assert!(opened.read(4..12).await.is_err());
        let held = Condition::unchanged(lake.get("x").await.unwrap().as_ref());
        lake.put("x", bytes("new content"), &held).await.unwrap();
        assert_eq!(opened.read(4..11).await.unwrap_err(), rewritten());
    }

    #[tokio::test]
    async fn what_killed_runs_left_is_taken_away_and_what_another_one_writes_is_not() {
        let root = tempfile::tempdir().unwrap();
        let day = root.path().join("events/day=2026-11-20");
        fs::create_dir_all(&day).unwrap();
        let left = |name: &str, hours: u64| {
            let file = File::create(day.join(name)).unwrap();
            let age = std::time::Duration::from_secs(hours * 3600);
            file.set_modified(std::time::SystemTime::now().checked_sub(age).unwrap()).unwrap();
        };
        left(".s00.parquet.aaaaaa.orgtrail-new", 25);
        left(".s00.parquet.bbbbbb.orgtrail-new", 1);
        left("s00.parquet", 25);
        let lake = FolderLake::new(root.path());
        lake.put("lake.json", bytes("{}"), &Condition::Absent).await.unwrap();
        let mut names: Vec<_> = fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".s00.parquet.bbbbbb.orgtrail-new", "s00.parquet"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_writers_one_wins_each_time() {
        let root = tempfile::tempdir().unwrap();
        let lake = FolderLake::new(root.path());
        let writers = (0..16).map(|number| {
            let lake = lake.clone();
            tokio::spawn(async move {
                loop {
                    let seen = lake.get("sum").await.unwrap();
                    let old: u64 = seen.as_ref().map_or(0, |s| std::str::from_utf8(&s.bytes).unwrap().parse().unwrap());
                    let new = Bytes::from((old + number).to_string());
                    if lake.put("sum", new, &Condition::unchanged(seen.as_ref())).await.unwrap() == Written::Done {
                        return;
                    }
                }
            })
        });
        futures::future::try_join_all(writers).await.unwrap();
        assert_eq!(lake.get("sum").await.unwrap().unwrap().bytes, bytes("120"));
    }
}
