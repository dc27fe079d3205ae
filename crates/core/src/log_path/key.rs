//! A key below `AWSLogs/`: parsed from its end, since the prefix is free text, and printed.

use std::fmt;
use std::str::FromStr;

use super::bad_key::{BadKey, KEY_BYTES_MAX};
use super::digest::DigestKey;
use super::folder::Folder;
use super::log_file::LogKey;
use super::root::{TOP, is_organization, is_prefix};
use super::scope::ChainScope;

/// A key under `AWSLogs/`, by what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKey {
    /// A log file.
    Log(LogKey),
    /// A digest.
    Digest(DigestKey),
}

impl ObjectKey {
    /// Returns what the key names, or nothing when CloudTrail would not write such a key.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// Returns where it lies.
    pub fn scope(&self) -> &ChainScope {
        match self {
            ObjectKey::Log(key) => &key.scope,
            ObjectKey::Digest(key) => &key.scope,
        }
    }
}

impl LogKey {
    /// Returns the log file that the key names, or nothing when it names none.
    pub fn parse(text: &str) -> Option<Self> {
        match ObjectKey::parse(text)? {
            ObjectKey::Log(key) => Some(key),
            ObjectKey::Digest(_) => None,
        }
    }
}

impl DigestKey {
    /// Returns the digest that the key names, or nothing when it names none.
    pub fn parse(text: &str) -> Option<Self> {
        match ObjectKey::parse(text)? {
            ObjectKey::Digest(key) => Some(key),
            ObjectKey::Log(_) => None,
        }
    }
}

impl FromStr for ObjectKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        if text.len() > KEY_BYTES_MAX {
            return Err(BadKey::TooLong);
        }
        let (folders, file) = text.rsplit_once('/').ok_or(BadKey::Form)?;
        let (scope, folder, day) = parse_folders(folders)?;
        let key = match folder {
            Folder::Logs(kind) => ObjectKey::Log(LogKey::in_folder(scope, kind, day, file)?),
            Folder::Digests => ObjectKey::Digest(DigestKey::in_folder(scope, day, file)?),
        };
        // What is read in two ways is not what CloudTrail writes.
        if key.to_string() == text { Ok(key) } else { Err(BadKey::Form) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObjectKey::Log(key) => key.fmt(f),
            ObjectKey::Digest(key) => key.fmt(f),
        }
    }
}

/// Returns the folder of CloudTrail's that a key lies in, by its place alone; none where that is no folder of
/// CloudTrail's.
pub fn folder_of(key: &str) -> Option<Folder> {
    // From its end: the file, three folders of the day, the region, the folder.
    Folder::named(key.rsplit('/').nth(5)?)
}

/// Takes `[prefix/]AWSLogs/[o-…/]account/folder/region/YYYY/MM/DD` apart.
fn parse_folders(text: &str) -> Result<(ChainScope, Folder, &str), BadKey> {
    let mut slashes = text.rmatch_indices('/').map(|(at, _)| at);
    let day_at = slashes.nth(2).ok_or(BadKey::Form)?;
    let (rest, day) = (&text[..day_at], &text[day_at + 1..]);
    let mut parts = rest.rsplitn(4, '/');
    let mut next = || parts.next().ok_or(BadKey::Form);
    let (region, folder, account, rest) = (next()?, next()?, next()?, next()?);
    let (rest, organization) = match rest.rsplit_once('/') {
        Some((before, last)) if is_organization(last) => (before, Some(last.to_owned())),
        _ => (rest, None),
    };
    let prefix = rest.strip_suffix(TOP).filter(|prefix| is_prefix(prefix)).ok_or(BadKey::Root)?;
    if prefix.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(BadKey::Climbs);
    }
    let folder = Folder::named(folder).ok_or_else(|| BadKey::Folder(folder.to_owned()))?;
    let account = account.parse().map_err(BadKey::Account)?;
    let region = region.parse().map_err(BadKey::Region)?;
    Ok((ChainScope { prefix: prefix.to_owned(), organization, account, region }, folder, day))
}
