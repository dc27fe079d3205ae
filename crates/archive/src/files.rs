//! The one way in which files are written: whole or not at all; and in which those that somebody names are read: as
//! regular files of a bounded size.
//!
//! Whoever reads a file meanwhile, or after the machine stopped in the middle, sees the whole old one or the whole new
//! one: it is put together beside the other, is on the disk (`fsync` of the file and of its folder), and then takes its
//! name. A file that is there keeps its mode, and a symbolic link stays one: what it leads to is replaced. What is no
//! regular file, such as `/dev/null` or a named pipe, is written into. What a run that was killed left beside a file is
//! taken away.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

/// How the name of a file ends that is being written.
const NEW: &str = ".orgtrail-new";
/// A file that is being written is never this old.
const LEFT_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Who may read a file that was not there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets.
    Umask,
    /// Its owner only (mode 0600): it holds an estate, a plan or a record.
    Owner,
}

/// A file that is being written. It takes its name with [`NewFile::finish`]; dropped before, it leaves everything as it
/// was.
#[derive(Debug)]
pub struct NewFile(Out);

#[derive(Debug)]
enum Out {
    Whole {
        file: NamedTempFile,
        target: PathBuf,
    },
    /// A pipe or a device, which is written at once.
    Into(File),
}

impl NewFile {
    /// Begins to write a file.
    ///
    /// # Errors
    /// Those of the file system: there is no such folder, it is not writable, a link leads nowhere.
    pub fn at(path: &Path, readers: Readers) -> io::Result<Self> {
        let found = path.metadata().ok();
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            return Ok(Self(Out::Into(fs::OpenOptions::new().write(true).open(path)?)));
        }
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            // A new file; but a link that leads nowhere is a mistake to tell, not to replace.
            Err(error) if error.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() => path.to_owned(),
            Err(error) => return Err(error),
        };
        // In the same folder: a file can only be renamed within its file system.
        let folder = folder_of(&target);
        let mut start = OsString::from(".");
        start.push(target.file_name().unwrap_or_default());
        start.push(".");
        remove_left(folder, &start);
        let mut builder = tempfile::Builder::new();
        // Opened here, so that an error is the system's and does not name the file that is being written.
        let file = builder.prefix(&start).suffix(NEW).make_in(folder, |path| create(path, readers))?;
        if let Some(found) = found {
            file.as_file().set_permissions(found.permissions())?;
        }
        Ok(Self(Out::Whole { file, target }))
    }

    /// Returns what is written into.
    pub fn as_file(&self) -> &File {
        match &self.0 {
            Out::Whole { file, .. } => file.as_file(),
            Out::Into(file) => file,
        }
    }

    /// Gives the file its name, once all of it is on the disk.
    ///
    /// # Errors
    /// Those of the file system; what was there before is as it was.
    pub fn finish(self) -> io::Result<()> {
        let Out::Whole { file, target } = self.0 else { return Ok(()) };
        file.as_file().sync_all()?;
        file.persist(&target)?;
        // The name is safe only when the folder is. Where a folder cannot be opened, the system does without.
        match File::open(folder_of(&target)) {
            Ok(folder) => folder.sync_all(),
            Err(_) => Ok(()),
        }
    }
}

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    }
    #[cfg(not(unix))]
    let _ = readers;
    options.open(path)
}

/// Writes a file. A reader of a pipe that has seen enough (`| head`) is a clean end.
///
/// # Errors
/// Those of the file system; a regular file is as it was.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let new = NewFile::at(path, readers)?;
    match (new.as_file().write_all(bytes), &new.0) {
        (Err(error), Out::Into(_)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        (written, _) => written.and_then(|()| new.finish()),
    }
}

/// Writes several files: all of them are on the disk before the first takes its name, so that what cannot be written
/// leaves every regular file as it was. Pipes and devices, which cannot be put back, are written last.
///
/// # Errors
/// Those of the file system, with the file.
pub fn write_all<'a>(files: &[(&'a Path, &[u8])], readers: Readers) -> Result<(), (&'a Path, io::Error)> {
    let (mut whole, mut into) = (Vec::new(), Vec::new());
    for &(path, bytes) in files {
        let named = |error| (path, error);
        let new = NewFile::at(path, readers).map_err(named)?;
        match new.0 {
            Out::Whole { .. } => {
                new.as_file().write_all(bytes).and_then(|()| new.as_file().sync_all()).map_err(named)?;
                whole.push((path, new));
            }
            Out::Into(_) => into.push((path, new, bytes)),
        }
    }
    for (path, new) in whole {
        new.finish().map_err(|error| (path, error))?;
    }
    for (path, new, bytes) in into {
        match new.as_file().write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err((path, error)),
            _ => {}
        }
    }
    Ok(())
}

/// The most that is read of a plan, a record, a checkpoint or a list, in bytes.
pub const BYTES_MAX: u64 = 64 << 20;

/// Opens a file to be read. Opening a pipe waits for a writer, and a device may never end: neither is read.
///
/// # Errors
/// Those of the file system, and [`ErrorKind::InvalidInput`] for what is no regular file. A folder is told by its
/// reading.
pub fn open(path: &Path) -> io::Result<File> {
    // Looked at before it is opened.
    must_be_regular(&path.metadata()?)?;
    let file = File::open(path)?;
    must_be_regular(&file.metadata()?)?;
    Ok(file)
}

fn must_be_regular(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() || found.is_dir() {
        return Ok(());
    }
    let why = "it is a pipe or a device; only a regular file is read: write what it gives into one";
    Err(io::Error::new(ErrorKind::InvalidInput, why))
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// Those of [`open`], and [`ErrorKind::FileTooLarge`] with its size and the bound.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let size = file.metadata()?.len();
    let mut bytes = Vec::new();
    if size <= bytes_max {
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    // It may grow while it is read.
    let size = size.max(bytes.len() as u64);
    if size > bytes_max {
        let why = format!("it has {size} bytes, and at most {bytes_max} are read: is this the right file?");
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Reads a text of at most so many bytes.
///
/// # Errors
/// Those of [`read`], and [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let why = "it is no text in UTF-8";
    String::from_utf8(read(path, bytes_max)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, why))
}

/// Returns the folder in which a file lies.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns one name for a place, however it is written and whatever links lead to it, also where nothing is there yet:
/// what is there of the way to it is followed, and the rest taken as it is written.
pub fn same_place(path: &Path) -> PathBuf {
    let mut way = path.to_owned();
    for _ in 0..LINKS_MAX {
        match real(&way) {
            Ok(place) => return place,
            Err(next) => way = next,
        }
    }
    path.to_owned()
}

/// The most links to nothing that are followed; more go in a circle.
const LINKS_MAX: usize = 40;

/// Returns the place of a path, or the path that a link to nothing on the way to it leads to.
fn real(path: &Path) -> Result<PathBuf, PathBuf> {
    let mut rest: Vec<Component<'_>> = Vec::new();
    let mut there = path;
    let joined = |to: PathBuf, rest: &[Component<'_>]| rest.iter().rev().fold(to, |to, part| plain(to, *part));
    loop {
        let start = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        if let Ok(start) = start.canonicalize() {
            return Ok(joined(start, &rest));
        }
        if let Ok(target) = fs::read_link(there) {
            return Err(joined(folder_of(there).join(target), &rest));
        }
        let (Some(last), Some(above)) = (there.components().next_back(), there.parent()) else {
            return Ok(path.to_owned());
        };
        rest.push(last);
        there = above;
    }
}

/// Goes one step on from a place that is not there.
fn plain(mut place: PathBuf, step: Component<'_>) -> PathBuf {
    match step {
        Component::ParentDir => drop(place.pop()),
        Component::CurDir => {}
        step => place.push(step),
    }
    place
}

/// Tells whether two paths name one file, also by a link or where it is not there yet. Devices and pipes, such as
/// `/dev/null`, keep nothing that could be lost: they are no file.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let keeps = |path: &Path| path.metadata().is_ok_and(|found| found.is_file()) || !path.exists();
    keeps(one) && keeps(other) && same_place(one) == same_place(other) || is_linked(one, other)
}

/// Hard links: two names of one file.
#[cfg(unix)]
fn is_linked(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| path.metadata().ok().filter(|found| found.is_file()).map(|found| (found.dev(), found.ino()));
    id(one).is_some_and(|one| Some(one) == id(other))
}

#[cfg(not(unix))]
fn is_linked(_one: &Path, _other: &Path) -> bool {
    false
}

/// Removes what killed runs left of a file. What cannot be looked at or removed does no harm.
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

/// Removes what killed runs left of any file in a folder and the folders below it: whoever writes there next may write
/// other files. What cannot be looked at or removed does no harm.
pub fn remove_left_below(folder: &Path) {
    remove_left(folder, OsStr::new("."));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // A link is none, and so is followed to nowhere.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_left_below(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

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
        write(&path, b"new", Readers::Owner).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), [young, other, "history.json"]);
    }

    #[test]
    fn a_file_that_is_not_finished_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write(&path, b"old", Readers::Umask).unwrap();
        let new = NewFile::at(&path, Readers::Umask).unwrap();
        new.as_file().write_all(b"half").unwrap();
        drop(new);
        assert_eq!(
            (fs::read(&path).unwrap().as_slice(), names(folder.path())),
            (&b"old"[..], vec!["plan.json".into()])
        );
    }

    #[test]
    fn of_several_files_all_are_written_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("plan.md"), folder.path().join("missing/plan.json"));
        write(&one, b"old", Readers::Umask).unwrap();
        let (path, error) = write_all(&[(&one, b"new"), (&other, b"new")], Readers::Umask).unwrap_err();
        assert_eq!((path, error.kind()), (other.as_path(), ErrorKind::NotFound));
        assert!(!error.to_string().contains(NEW), "{error}");
        assert_eq!((fs::read(&one).unwrap().as_slice(), names(folder.path())), (&b"old"[..], vec!["plan.md".into()]));
        let other = folder.path().join("plan.json");
        write_all(&[(&one, b"1"), (&other, b"2")], Readers::Umask).unwrap();
        assert_eq!((fs::read(&one).unwrap(), fs::read(&other).unwrap()), (b"1".to_vec(), b"2".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_modes_stay_as_they_are() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.md"), folder.path().join("latest"));
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        write(&path, b"1", Readers::Owner).unwrap();
        assert_eq!(mode(), 0o600);
        for kept in [0o640, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
            for readers in [Readers::Owner, Readers::Umask] {
                write(&path, b"2", readers).unwrap();
                assert_eq!(mode(), kept);
            }
        }
        symlink("report.md", &link).unwrap();
        write(&link, b"3", Readers::Owner).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"3");
        fs::remove_file(&path).unwrap();
        assert_eq!(write(&link, b"4", Readers::Owner).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        fs::write(&path, "four").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "four");
        let error = read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it has 4 bytes, and at most 3 are read: is this the right file?");
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 4).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read(&folder.path().join("missing"), 4).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(read(folder.path(), 1 << 20).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_never_ends_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/zero"), Path::new("/dev/full"), Path::new("/dev/null"), &link, &socket] {
            let error = read(path, BYTES_MAX).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", path.display());
            assert!(error.to_string().starts_with("it is a pipe or a device"), "{error}");
        }
        let pipe = folder.path().join("pipe");
        if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            assert_eq!(read(&pipe, BYTES_MAX).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_into() {
        write(Path::new("/dev/null"), b"x", Readers::Umask).unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_place_has_one_name_whatever_links_lead_to_it_and_whether_or_not_it_is_there() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("logs/AWSLogs")).unwrap();
        symlink(root.join("logs/AWSLogs"), root.join("link")).unwrap();
        symlink("logs/AWSLogs/new", root.join("nothing")).unwrap();
        symlink(root.join("circle"), root.join("circle")).unwrap();
        for (path, place) in [
            ("link", "logs/AWSLogs"),
            ("link/lake/deep", "logs/AWSLogs/lake/deep"),
            ("nothing", "logs/AWSLogs/new"),
            ("nothing/lake", "logs/AWSLogs/new/lake"),
            ("link/lake/../other", "logs/AWSLogs/other"),
            ("absent/deep/../lake/./x", "absent/lake/x"),
            ("logs/../logs/", "logs"),
            ("circle/lake", "circle/lake"),
        ] {
            assert_eq!(same_place(&root.join(path)), root.join(place), "{path}");
        }
        assert_eq!(same_place(Path::new("")), std::env::current_dir().unwrap().canonicalize().unwrap());
    }
}
