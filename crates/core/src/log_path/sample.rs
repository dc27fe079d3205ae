//! Keys that stand for all of an account's, where policies are tried.

use jiff::Timestamp;

use super::day::day_folder;
use super::digest::DigestFile;
use super::folder::Folder;
use super::log_file::LogFile;
use super::root::LogRoot;

/// The trail of samples where none is named.
const TRAIL: &str = "sample";
/// What makes the names of samples unique.
const UNIQUE: &str = "sample";
/// 2026-01-31T00:00:00Z, in seconds: samples need a time, and all have the same.
const TIME_SECONDS: i64 = 1_769_817_600;

/// Whose files samples stand for. Account and region are text: policies have variables there, and a name that begins
/// with an account's is tried too.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    account: &'a str,
    region: &'a str,
    trail: &'a str,
}

impl<'a> Sample<'a> {
    /// Returns the samples of an account and region, of a trail that is called `sample`.
    pub fn of(account: &'a str, region: &'a str) -> Self {
        Self { account, region, trail: TRAIL }
    }

    /// The same of a trail by its name. The region is its home.
    #[must_use]
    pub fn by_trail(self, trail: &'a str) -> Self {
        Self { trail, ..self }
    }

    /// Returns the key of one file in a folder. Of an account, region and trail that can be, it parses back.
    pub fn key(&self, root: &LogRoot, folder: Folder) -> String {
        let Self { account, region, trail } = *self;
        let time = Timestamp::from_second(TIME_SECONDS).unwrap_or_default();
        let file = match folder {
            Folder::Logs(kind) => LogFile { account, region, kind }.name(time, "_", UNIQUE),
            Folder::Digests => DigestFile { account, region, trail, home: region }.name(time, ""),
        };
        format!("{}{}/{region}/{}/{file}", root.account_folder(account), folder.name(), day_folder(time))
    }

    /// Returns the key of one file of each folder.
    pub fn keys(&self, root: &LogRoot) -> [String; Folder::ALL.len()] {
        Folder::ALL.map(|folder| self.key(root, folder))
    }
}
