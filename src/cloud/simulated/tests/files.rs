//! The world in a file.

use std::fs;

use super::*;

fn written(folder: &Path, world: &Snapshot) -> PathBuf {
    let path = folder.join("world.json");
    file::write(&path, world).unwrap();
    path
}

#[tokio::test]
async fn every_change_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &empty());
    let cloud = SimulatedCloud::open(&path).unwrap();
    for kind in ORDER {
        cloud.execute(&create(kind)).await.unwrap();
        assert_eq!(file::read(&path).unwrap(), cloud.snapshot(), "{kind}");
    }
    cloud.edit(|_, estate| drop(estate.sightings.remove(&address(Kind::Trail)))).await.unwrap();
    assert_eq!(file::read(&path).unwrap(), made_without(&[Kind::Trail]));
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["world.json"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &empty());
    let cloud = std::sync::Arc::new(SimulatedCloud::open(&path).unwrap());
    let tasks = (0..20).map(|n| {
        let cloud = cloud.clone();
        let address = Address::global(&account(LOG), Kind::Role, format!("role-{n}"));
        tokio::spawn(async move { cloud.execute(&Change { address, ..create(Kind::Role) }).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let kept = file::read(&path).unwrap();
    assert_eq!(kept.estate.sightings.len(), 20);
    assert_eq!(kept, cloud.snapshot());
}

#[test]
fn the_same_world_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &made_without(&[]));
    let first = fs::read(&path).unwrap();
    file::write(&path, &file::read(&path).unwrap()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first);
}

#[test]
fn what_is_no_snapshot_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), &made_without(&[]));
    let text = fs::read_to_string(&path).unwrap();
    let cases = [
        (text[..text.len() / 2].to_owned(), "not a snapshot"),
        ("{}".to_owned(), "not a snapshot"),
        (text.replacen("\"format_version\": 1", "\"format_version\": 2", 1), "format version 2"),
        (text.replacen("\"tool_version\"", "\"tool\"", 1), "not a snapshot"),
    ];
    for (content, expected) in cases {
        fs::write(&path, content).unwrap();
        let error = SimulatedCloud::open(&path).err().unwrap();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.to_string().contains("world.json") && cause.contains(expected), "{error}: {cause}");
    }
    assert!(matches!(file::read(&folder.path().join("none.json")), Err(file::BadFile::Read { .. })));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn permissions_and_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &empty());
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.json");
        symlink(&path, &link).unwrap();
        file::write(&link, &made_without(&[])).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
        assert_eq!(file::read(&path).unwrap(), made_without(&[]));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link.json");
        symlink(folder.path().join("none/world.json"), &link).unwrap();
        assert!(matches!(file::write(&link, &empty()), Err(file::BadFile::Write { .. })));
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_a_fault_of_the_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), &empty());
        let cloud = SimulatedCloud::open(&path).unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        let fault = cloud.execute(&create(Kind::TrustedAccess)).await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (CloudFaultKind::Other, "SnapshotNotWritten"));
        assert!(fault.message.contains("world.json"), "{}", fault.message);
    }
}
