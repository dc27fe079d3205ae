//! A copy of a bucket in a folder: keys are paths below it.
//!
//! An object's metadata may lie beside it as `NAME.metadata.json`, as S3 gives it; what is named so and is none is an
//! object like any other, which readers of the folder read. Nothing outside the folder is read:
//! a key that climbs out of it is refused, and links are not followed. Pipes, sockets and devices are never opened:
//! reading one may never end. What is left out is told.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, iter, unfold};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::spawn_blocking;

use super::inflate::{OBJECT_BYTES_MAX, Unpacked, hash_log};
use super::{Deletes, Fault, FaultKind, HashError, Level, Listed, Metadata, Object, Store, Version};
use crate::log_path::TOP;

/// The ending of the file that holds an object's metadata.
const METADATA_ENDING: &str = ".metadata.json";
/// The most bytes that S3 gives an object's own metadata is 2 KB; JSON may escape each.
const METADATA_BYTES_MAX: u64 = 64 << 10;
/// How many listed objects are handed over together, and how many such batches wait for the reader at most: to wake it
/// for each single one costs more than to list it.
const LISTED_TOGETHER: usize = 256;
const BATCHES_AHEAD: usize = 4;

/// A folder that holds a copy of a bucket, or of a part of it.
#[derive(Debug, Clone)]
pub struct FolderStore {
    root: PathBuf,
    odd: Oddities,
    /// Keeps reading to a few threads a core: more only wait for each other.
    readers: Arc<Semaphore>,
}

/// How many files are read at a time for each core.
const READERS_PER_CORE: usize = 3;

/// What lies in the folder and is no object, by path.
#[derive(Debug, Clone, Default)]
struct Oddities(Arc<Mutex<BTreeSet<String>>>);

/// The most oddities that are named; what goes beyond is not kept.
const ODDITIES_MAX: usize = 1_000;

impl Oddities {
    fn note(&self, path: &Path, what: &str) {
        // Only what lies in the layout matters: a search looks at the folders beside it too.
        if !path.components().any(|part| part.as_os_str() == TOP) {
            return;
        }
        // A set is whole between two insertions, so a poisoned lock guards nothing half-done.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < ODDITIES_MAX {
            all.insert(format!("{} is {what}, which is not read", path.display()));
        }
    }
}

impl FolderStore {
    /// Returns the store of a folder. The folder is not looked at.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let readers = Arc::new(Semaphore::new(cores * READERS_PER_CORE));
        Self { root: root.into(), odd: Oddities::default(), readers }
    }

    fn path(&self, key: &str) -> Result<PathBuf, Fault> {
        let relative = Path::new(key);
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || key.contains(['\\', '\0']) {
            return Err(Fault::new(FaultKind::Denied, "the key leads out of the folder, it is not read"));
        }
        Ok(self.root.join(relative))
    }
}

#[async_trait]
impl Store for FolderStore {
    fn bucket(&self) -> Option<&str> {
        None
    }

    fn name(&self) -> String {
        self.root.display().to_string()
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        let (folder, prefix, odd) = (self.root.join(prefix), prefix.to_owned(), self.odd.clone());
        blocking(move || {
            let (folders, objects): (Vec<Entry>, _) =
                read_folder(&folder, &odd)?.into_iter().partition(Entry::is_folder);
            let keys = |entries: Vec<Entry>| entries.into_iter().map(|e| format!("{prefix}{}", e.name)).collect();
            Ok(Level { folders: keys(folders), objects: keys(objects) })
        })
        .await
    }

    fn oddities(&self) -> Vec<String> {
        self.odd.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let (sender, receiver) = channel(BATCHES_AHEAD);
        let (root, prefix, after) = (self.root.clone(), prefix.to_owned(), after.to_owned());
        let odd = self.odd.clone();
        spawn_blocking(move || {
            let mut walk = Walk { root: &root, after: &after, sender: &sender, odd: &odd, batch: Vec::new() };
            if let Err(Stop::Fault(fault)) = walk.folder(&prefix) {
                walk.batch.push(Err(fault));
            }
            // A failed send means that nobody reads any more, so nobody misses the end.
            let _unread = walk.hand_over();
        });
        unfold(receiver, async |mut receiver| Some((iter(receiver.recv().await?), receiver))).flatten().boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        let path = self.path(key)?;
        // The semaphore is never closed, so that there is always a turn to be had.
        let _turn = self.readers.acquire().await;
        blocking(move || {
            let body = read_whole(&path, OBJECT_BYTES_MAX)?;
            let metadata = read_metadata(&path)?;
            Ok(Object { body, metadata })
        })
        .await
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        let path = self.path(key)?;
        let _turn = self.readers.acquire().await;
        let work = move || Ok(hash_log(&read_whole(&path, OBJECT_BYTES_MAX)?)?);
        spawn_blocking(work).await.unwrap_or_else(|e| Err(stopped(&e).into()))
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        Ok(Vec::new())
    }

    async fn versions(&self, _prefix: &str) -> Result<Vec<Version>, Fault> {
        Ok(Vec::new())
    }

    async fn hash_version(&self, key: &str, _version: &str) -> Result<Unpacked, HashError> {
        self.hash(key).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work).await.unwrap_or_else(|e| Err(stopped(&e)))
}

fn stopped(error: &tokio::task::JoinError) -> Fault {
    Fault::new(FaultKind::Unavailable, format!("reading was stopped: {error}"))
}

struct Entry {
    /// The file's name, with `/` at the end of a folder's, so that entries sort as S3 sorts keys.
    name: String,
}

impl Entry {
    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// Returns what a folder holds, sorted. A folder that is not there holds nothing, as in S3. Names that are not UTF-8
/// cannot be keys; they, links and what is neither file nor folder are noted as odd: a copy of a bucket has none.
fn read_folder(path: &Path, odd: &Oddities) -> Result<Vec<Entry>, Fault> {
    let found = match fs::read_dir(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(fault(&e)),
    };
    let (mut entries, mut beside) = (Vec::new(), Vec::new());
    for entry in found {
        let entry = entry.map_err(|e| fault(&e))?;
        let kind = entry.file_type().map_err(|e| fault(&e))?;
        let Ok(mut name) = entry.file_name().into_string() else {
            odd.note(&entry.path(), "a file whose name is not UTF-8");
            continue;
        };
        if let Some(what) = oddity(kind) {
            odd.note(&entry.path(), what);
            continue;
        }
        if kind.is_dir() {
            name.push('/');
        } else if name.ends_with(METADATA_ENDING) {
            beside.push(name);
            continue;
        }
        entries.push(Entry { name });
    }
    let names: HashSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let is_own = |name: &str| name.strip_suffix(METADATA_ENDING).is_some_and(|object| names.contains(object));
    beside.retain(|name| !(is_own(name) && is_metadata(&path.join(name))));
    entries.extend(beside.into_iter().map(|name| Entry { name }));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Tells whether a file beside an object holds the object's metadata: short texts by name. What else has such a name,
/// such as records, was put there by somebody.
fn is_metadata(path: &Path) -> bool {
    read_pairs(path).is_ok()
}

/// Returns what something is that is neither a file nor a folder.
fn oddity(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() {
        None
    } else if kind.is_symlink() {
        Some("a link")
    } else {
        Some("a pipe, a socket or a device")
    }
}

enum Stop {
    Fault(Fault),
    NobodyListens,
}

struct Walk<'a> {
    root: &'a Path,
    after: &'a str,
    sender: &'a Sender<Batch>,
    odd: &'a Oddities,
    /// What was listed and not handed over yet.
    batch: Batch,
}

type Batch = Vec<Result<Listed, Fault>>;

impl Walk<'_> {
    /// Sends the objects below a folder. `prefix` is empty or ends with `/`.
    fn folder(&mut self, prefix: &str) -> Result<(), Stop> {
        let path = self.root.join(prefix);
        for entry in read_folder(&path, self.odd).map_err(Stop::Fault)? {
            let key = format!("{prefix}{}", entry.name);
            if entry.is_folder() {
                // A whole folder lies before `after` when its prefix does and `after` is not inside it.
                if key.as_str() > self.after || self.after.starts_with(&key) {
                    self.folder(&key)?;
                }
            } else if key.as_str() > self.after {
                self.send(&path.join(&entry.name), key)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, path: &Path, key: String) -> Result<(), Stop> {
        let about = fs::metadata(path).map_err(|e| Stop::Fault(fault(&e)))?;
        let modified = about.modified().ok().and_then(|time| time.try_into().ok());
        let listed = Listed { key, size_bytes: about.len(), modified, tag: None };
        self.batch.push(Ok(listed));
        if self.batch.len() < LISTED_TOGETHER { Ok(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { self.sender.blocking_send(batch).map_err(|_| Stop::NobodyListens) }
    }
}

fn read_whole(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Fault> {
    // Looked at before it is opened: opening a pipe waits for a writer.
    let kind = fs::symlink_metadata(path).map_err(|e| fault(&e))?.file_type();
    if let Some(what) = oddity(kind) {
        return Err(Fault::new(FaultKind::Unavailable, format!("it is {what}, which is not read")));
    }
    let file = fs::File::open(path).map_err(|e| fault(&e))?;
    let about = file.metadata().map_err(|e| fault(&e))?;
    if about.is_dir() {
        return Err(Fault::new(FaultKind::Absent, "a folder lies where the object should be"));
    }
    let mut body = Vec::with_capacity(usize::try_from(about.len().min(max_bytes)).unwrap_or_default() + 1);
    file.take(max_bytes + 1).read_to_end(&mut body).map_err(|e| fault(&e))?;
    if body.len() as u64 > max_bytes {
        let message = format!("the object has more than {max_bytes} bytes, the limit of a delivered file");
        return Err(Fault::new(FaultKind::TooLarge, message));
    }
    Ok(body)
}

fn read_metadata(path: &Path) -> Result<Metadata, Fault> {
    let mut name = path.as_os_str().to_owned();
    name.push(METADATA_ENDING);
    let pairs = match read_pairs(Path::new(&name)) {
        Ok(pairs) => pairs,
        Err(fault) if fault.kind == FaultKind::Absent => return Ok(Metadata::default()),
        Err(fault) => return Err(fault),
    };
    Ok(Metadata::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

fn read_pairs(path: &Path) -> Result<BTreeMap<String, String>, Fault> {
    let text = read_whole(path, METADATA_BYTES_MAX)?;
    serde_json::from_slice(&text)
        .map_err(|e| Fault::new(FaultKind::Unavailable, format!("the file beside it with its metadata is wrong: {e}")))
}

fn fault(error: &io::Error) -> Fault {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FaultKind::Absent,
        io::ErrorKind::PermissionDenied => FaultKind::Denied,
        _ => FaultKind::Unavailable,
    };
    Fault::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, FolderStore) {
        let root = tempfile::tempdir().unwrap();
        for (key, content) in files {
            let path = root.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let store = FolderStore::new(root.path());
        (root, store)
    }

    async fn keys(store: &FolderStore, prefix: &str, after: &str) -> Vec<String> {
        store.list(prefix, after).map(|listed| listed.unwrap().key).collect().await
    }

    #[tokio::test]
    async fn keys_come_in_the_order_of_s3_and_after_a_key() {
        let (_root, store) = folder(&[("a/b/1", ""), ("a/b-c", ""), ("a/b/2", ""), ("a/c", ""), ("z", "")]);
        assert_eq!(keys(&store, "", "").await, ["a/b-c", "a/b/1", "a/b/2", "a/c", "z"]);
        assert_eq!(keys(&store, "a/", "a/b/1").await, ["a/b/2", "a/c"]);
        assert_eq!(keys(&store, "none/", "").await, [""; 0]);
        assert_eq!(store.level("a/").await.unwrap().folders, ["a/b/"]);
        assert_eq!(store.level("a/").await.unwrap().objects, ["a/b-c", "a/c"]);
    }

    #[tokio::test]
    async fn metadata_lies_beside_the_object_and_is_no_object() {
        let beside = r#"{"Signature":"ab","signature-algorithm":"SHA256withRSA"}"#;
        let (_root, store) = folder(&[("d/x.json.gz", "body"), ("d/x.json.gz.metadata.json", beside)]);
        let object = store.get("d/x.json.gz").await.unwrap();
        assert_eq!(object.body, b"body");
        assert_eq!(object.metadata.signature.as_deref(), Some("ab"));
        assert_eq!(object.metadata.signature_algorithm.as_deref(), Some("SHA256withRSA"));
        assert_eq!(keys(&store, "", "").await, ["d/x.json.gz"]);
    }

    #[tokio::test]
    async fn what_is_named_as_metadata_and_is_none_is_an_object() {
        let records = r#"{"Records":[{"eventName":"planted"}]}"#;
        let files = [
            ("d/planted.metadata.json", r#"{"signature":"ab"}"#),
            ("d/x.json.gz", "body"),
            ("d/x.json.gz.metadata.json", records),
        ];
        let (_root, store) = folder(&files);
        assert_eq!(keys(&store, "", "").await, files.map(|(name, _)| name));
        assert_eq!(store.level("d/").await.unwrap().objects.len(), files.len());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_pipes_and_sockets_are_told_and_never_opened() {
        let (root, store) = folder(&[("AWSLogs/x", "body")]);
        std::os::unix::fs::symlink(root.path().join("AWSLogs/x"), root.path().join("AWSLogs/link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("AWSLogs/socket")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(root.path().join("AWSLogs/pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(keys(&store, "", "").await, ["AWSLogs/x"]);
        for name in ["AWSLogs/link", "AWSLogs/socket", "AWSLogs/pipe"] {
            assert_eq!(store.get(name).await.unwrap_err().kind, FaultKind::Unavailable, "{name}");
        }
        let told = store.oddities();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].ends_with("AWSLogs/link is a link, which is not read"), "{told:?}");
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_read() {
        let (root, store) = folder(&[("inside/x", "")]);
        fs::write(root.path().join("secret"), "secret").unwrap();
        let inner = FolderStore::new(root.path().join("inside"));
        for key in ["../secret", "/etc/hostname", "x/../../secret", "./../secret"] {
            assert_eq!(inner.get(key).await.unwrap_err().kind, FaultKind::Denied, "{key}");
        }
        assert_eq!(store.get("inside/none").await.unwrap_err().kind, FaultKind::Absent);
        assert_eq!(store.get("inside/x/below").await.unwrap_err().kind, FaultKind::Absent);
    }
}
