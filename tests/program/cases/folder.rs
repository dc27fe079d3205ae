//! A case: a copy of its folder, in which the program runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A copy of the folder of one case.
pub struct Case {
    folder: TempDir,
}

/// What a run said.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

#[allow(dead_code, reason = "each subject uses a part of it")]
impl Case {
    /// Copies the folder of a case, by the number with which its name begins: `Case::open("03")`.
    pub fn open(number: &str) -> Self {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/2026-11");
        let names = fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let name = names.into_iter().find(|name| name.starts_with(&format!("{number}-"))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(&cases.join(name), folder.path());
        Self { folder }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    /// Runs the program in the folder, without a terminal and without credentials; words are parted at spaces.
    pub fn run(&self, words: &str) -> Run {
        self.run_args(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs the program in the folder.
    pub fn run_args(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgtrail"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env_clear().env("COLUMNS", "100");
        let output = command.args(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs the program, which must end with this code; returns what it printed.
    #[track_caller]
    pub fn must(&self, code: i32, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code, code, "orgtrail {words}\n{}\n{}", run.stdout, run.stderr);
        run.stdout
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
