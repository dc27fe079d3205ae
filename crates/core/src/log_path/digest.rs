//! The key of a digest.

use std::fmt;

use jiff::Timestamp;

use super::FILE_ENDING;
use super::bad_key::BadKey;
use super::day::{day_folder, parse, printed};
use super::folder::Folder;
use super::scope::ChainScope;
use crate::ids::{Region, TrailName};

/// What names of digests say of themselves in messages.
const WHAT: &str = "digests";
/// How the names of later digests end.
const BACKFILL: &str = "_backfill";

/// The key of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestKey {
    /// Where it lies.
    pub scope: ChainScope,
    /// The trail that delivered it.
    pub trail: TrailName,
    /// The trail's home region, which need not be the region of the events.
    pub home: Region,
    /// The end of the hour that it attests.
    pub end: Timestamp,
    /// True for a later digest of log files that the hour's own digest missed.
    pub backfill: bool,
}

impl DigestKey {
    /// Returns the same digest below another prefix.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Self {
        Self { scope: self.scope.below(prefix), ..self.clone() }
    }

    /// Reads the file name from both ends: a trail's name may hold `_`, `.` and `-` itself.
    pub(super) fn in_folder(scope: ChainScope, day: &str, file: &str) -> Result<Self, BadKey> {
        let start = format!("{}_{}_{}_", scope.account, Folder::Digests.name(), scope.region);
        let named = || -> Option<(TrailName, Region, Timestamp, bool)> {
            let rest = file.strip_prefix(&start)?.strip_suffix(FILE_ENDING)?;
            let (rest, backfill) = match rest.strip_suffix(BACKFILL) {
                Some(rest) => (rest, true),
                None => (rest, false),
            };
            let (rest, end) = rest.rsplit_once('_')?;
            let (trail, home) = rest.rsplit_once('_')?;
            Some((trail.parse().ok()?, home.parse().ok()?, parse(end)?, backfill))
        };
        let (trail, home, end, backfill) = named().ok_or(BadKey::File(WHAT))?;
        if day_folder(end) != day {
            return Err(BadKey::Day);
        }
        Ok(Self { scope, trail, home, end, backfill })
    }
}

impl fmt::Display for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = DigestFile {
            account: self.scope.account.as_str(),
            region: self.scope.region.as_str(),
            trail: self.trail.as_str(),
            home: self.home.as_str(),
        };
        let backfill = if self.backfill { BACKFILL } else { "" };
        write!(f, "{}/{}", self.scope.day_path(Folder::Digests, self.end), file.name(self.end, backfill))
    }
}

/// What the name of a digest says, beside its time.
pub(super) struct DigestFile<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) trail: &'a str,
    pub(super) home: &'a str,
}

impl DigestFile<'_> {
    /// Returns the name of a file.
    pub(super) fn name(&self, end: Timestamp, backfill: &str) -> String {
        let Self { account, region, trail, home } = self;
        let (folder, end) = (Folder::Digests.name(), printed(end, "%Y%m%dT%H%M%SZ"));
        format!("{account}_{folder}_{region}_{trail}_{home}_{end}{backfill}{FILE_ENDING}")
    }
}
