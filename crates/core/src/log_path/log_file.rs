//! The key of a log file.

use std::fmt;

use jiff::Timestamp;

use super::FILE_ENDING;
use super::bad_key::BadKey;
use super::day::{day_folder, is_near, parse, printed};
use super::folder::LogKind;
use super::scope::ChainScope;

/// What names of log files say of themselves in messages.
const WHAT: &str = "log files";

/// The key of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// Where it lies.
    pub scope: ChainScope,
    /// What it holds.
    pub kind: LogKind,
    /// The end of the five minutes in which it was made. It may lie after the moment of delivery.
    pub slot: Timestamp,
    /// What makes the name unique.
    pub unique: String,
    /// The documentation prints names both with and without `_` before the unique text.
    pub(super) separated: bool,
    /// The folders of its day. No document says that it is the slot's day, so that around midnight it may be the next
    /// one.
    pub(super) day: String,
}

impl LogKey {
    /// Returns the key of a log file that was made in the five minutes before `slot`. `unique` is what makes its name
    /// unique: letters and digits.
    pub fn new(scope: ChainScope, kind: LogKind, slot: Timestamp, unique: impl Into<String>) -> Self {
        Self { scope, kind, slot, unique: unique.into(), separated: true, day: day_folder(slot) }
    }

    /// Returns the same log file below another prefix.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { scope: self.scope.below(prefix), ..self.clone() }
    }

    pub(super) fn in_folder(scope: ChainScope, kind: LogKind, day: &str, file: &str) -> Result<Self, BadKey> {
        let start = format!("{}_{}_{}_", scope.account, kind.folder(), scope.region);
        let rest = file.strip_prefix(&start).and_then(|rest| rest.strip_suffix(FILE_ENDING));
        let (time, rest) =
            rest.and_then(|rest| rest.split_at_checked("YYYYMMDDTHHMMZ".len())).ok_or(BadKey::File(WHAT))?;
        let separated = rest.starts_with('_');
        let unique = rest.strip_prefix('_').unwrap_or(rest);
        if unique.is_empty() || !unique.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(BadKey::File(WHAT));
        }
        let slot = parse(time).ok_or(BadKey::File(WHAT))?;
        if !is_near(day, slot) {
            return Err(BadKey::Day);
        }
        Ok(Self { scope, kind, slot, unique: unique.to_owned(), separated, day: day.to_owned() })
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file =
            LogFile { account: self.scope.account.as_str(), region: self.scope.region.as_str(), kind: self.kind };
        let separator = if self.separated { "_" } else { "" };
        let name = file.name(self.slot, separator, &self.unique);
        write!(f, "{}{}/{name}", self.scope.log_prefix(self.kind), self.day)
    }
}

/// What the name of a log file repeats of its folders.
pub(super) struct LogFile<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) kind: LogKind,
}

impl LogFile<'_> {
    /// Returns the name of a file.
    pub(super) fn name(&self, slot: Timestamp, separator: &str, unique: &str) -> String {
        let Self { account, region, kind } = self;
        let (folder, slot) = (kind.folder(), printed(slot, "%Y%m%dT%H%MZ"));
        format!("{account}_{folder}_{region}_{slot}{separator}{unique}{FILE_ENDING}")
    }
}
