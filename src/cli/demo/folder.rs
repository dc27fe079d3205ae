//! The folder that a demo leaves: the world, the configuration, the rendered policies and the reports.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::cli::failure::CliError;
use crate::cli::ui::write_file;
use crate::files::Readers;

/// The file that tells a folder of a demo from any other.
const MARK: &str = ".orgtrail-demo";

/// A folder that belongs to a demo.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder, or empties one that an earlier demo made.
    ///
    /// # Errors
    /// A folder that holds anything else: it is left as it is.
    pub fn prepare(root: &Path) -> Result<Self, CliError> {
        let failed = |error| CliError::new(format!("cannot use the folder {}", root.display())).because(error);
        match fs::read_dir(root) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(mut entries) => {
                let is_ours = root.join(MARK).is_file();
                if !is_ours && entries.next().is_some() {
                    return Err(CliError::new(format!("{} is not empty and was not made by a demo", root.display()))
                        .hint("name another folder with --output DIR"));
                }
            }
        }
        let folder = Self { root: root.to_owned() };
        for name in ["reports", "policies", "archive"] {
            let path = folder.path(name);
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => fs::create_dir_all(&path).map_err(failed)?,
            }
        }
        folder.write(MARK, "This folder was made by `orgtrail demo`, which may write it again.\n")?;
        Ok(folder)
    }

    /// Returns the path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file of bytes in it, and makes its folders.
    ///
    /// # Errors
    /// A file that cannot be written.
    #[cfg(feature = "sql")]
    pub fn write_bytes(&self, name: &str, content: &[u8]) -> Result<(), CliError> {
        let path = self.path(name);
        let failed = |error| CliError::new(format!("cannot write {}", path.display())).because(error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        crate::files::write(&path, content, Readers::Umask).map_err(failed)
    }

    /// Writes a file in it, without the colours of a terminal.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        write_file(&self.path(name), &anstream::adapter::strip_str(text).to_string(), Readers::Umask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_writes_over_nothing_but_a_demo() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("demo");
        let folder = Folder::prepare(&root).unwrap();
        folder.write("reports/old.txt", "\u{1b}[1mbold\u{1b}[0m").unwrap();
        assert_eq!(fs::read_to_string(folder.path("reports/old.txt")).unwrap(), "bold");
        Folder::prepare(&root).unwrap();
        assert!(!folder.path("reports/old.txt").exists());

        let theirs = parent.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("thesis.txt"), "five years").unwrap();
        let failure = Folder::prepare(&theirs).err().unwrap();
        assert!(failure.what.contains("not made by a demo"), "{failure}");
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
    }
}
