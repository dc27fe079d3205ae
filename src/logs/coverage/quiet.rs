//! Whether an account and region without log files, or without new ones, is quiet: digests come every hour, also when
//! nothing happened, so that only what they list tells. Nothing is proved here.

use std::collections::BTreeSet;

use futures::stream::{StreamExt, iter};
use jiff::Timestamp;

use super::{Arrival, ListedLogs, Row, ScopeLogs};
use crate::archive::Store;
use crate::archive::inflate::inflate_digest;
use crate::log_path::{DigestKey, LogKey, LogKind};
use crate::logs::digest::document::Digest;
use crate::logs::finding::TimeRange;
use crate::logs::verify::DIGEST_DELAY_MAX;

/// How many digests one run reads at most: so many requests cost $0.04 and take a few minutes.
pub(super) const DIGESTS_READ_MAX: usize = 100_000;
/// How many digests are read at a time.
const READS_AT_ONCE: usize = 32;
/// How many of the newest digests of a trail are read where its log files ended: an account in which little happens
/// has such a place in most regions.
const NEWEST_READ_MAX: usize = 6;

/// What the newest digests say where log files ended hours ago and digests go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestDigests {
    /// The slot of the newest log file.
    pub since: Timestamp,
    /// How many digests there are of hours that begin after it.
    pub digests: usize,
    /// How many of these were read, the newest ones.
    pub read: usize,
    /// How many newer log files they list, none of which is there.
    pub listed: ListedLogs,
}

/// Asks the digests of every place that has no log file of the range how many they list, and the newest digests of
/// every place whose log files ended hours ago. `left` is how many digests may still be read.
pub(super) async fn ask_digests(
    store: &dyn Store,
    places: &mut [ScopeLogs],
    range: TimeRange,
    latest: Timestamp,
    left: &mut usize,
) {
    for found in places.iter_mut().filter(|found| !found.trails.is_empty() && found.problem.is_none()) {
        let last = found.logs.get(&LogKind::CloudTrail).and_then(|files| files.last);
        match last {
            None => {
                let answer = found.ask(store, range, latest, left).await;
                found.listed = Some(answer.map_or_else(ListedLogs::Unread, ListedLogs::Files));
            }
            Some(last) if found.ended(last, range.end.min(latest)) => {
                let since = TimeRange { start: last, end: range.end };
                found.newest_digests = Some(found.ask_newest(store, since, latest, left).await);
            }
            Some(_) => {}
        }
    }
}

impl ScopeLogs {
    /// Tells whether the newest log file is older than digests take to come, and there are digests of later hours.
    fn ended(&self, last: Timestamp, end: Timestamp) -> bool {
        let is_later = |hours: &super::TimeSet| hours.end().is_some_and(|end| TimeRange::hour_until(end).start >= last);
        end.duration_since(last) > DIGEST_DELAY_MAX && self.trails.values().any(|own| is_later(&own.hours))
    }

    /// Returns how many log files of the range the digests list, or why that is not known.
    async fn ask(
        &self,
        store: &dyn Store,
        range: TimeRange,
        latest: Timestamp,
        left: &mut usize,
    ) -> Result<u64, String> {
        let digests = self.digests(store, range, latest).await.map_err(|fault| fault.to_string())?;
        sum(store, digests, range, left).await
    }

    /// Returns what the newest digests list that is newer than the newest log file.
    async fn ask_newest(
        &self,
        store: &dyn Store,
        since: TimeRange,
        latest: Timestamp,
        left: &mut usize,
    ) -> NewestDigests {
        let mut told = NewestDigests { since: since.start, digests: 0, read: 0, listed: ListedLogs::Files(0) };
        let mut digests = match self.digests(store, since, latest).await {
            Ok(digests) => digests,
            Err(fault) => return NewestDigests { listed: ListedLogs::Unread(fault.to_string()), ..told },
        };
        digests.retain(|(_, key)| self.is_surveyed(key, since));
        if digests.is_empty() {
            return NewestDigests { listed: ListedLogs::Unread("they are not listed any more".into()), ..told };
        }
        let ends: BTreeSet<Timestamp> = digests.iter().map(|(_, key)| key.end).collect();
        told.digests = digests.len();
        let first = ends.iter().rev().take(NEWEST_READ_MAX * self.trails.len()).next_back();
        digests.retain(|(_, key)| Some(&key.end) >= first);
        told.read = digests.len();
        let answer = sum(store, digests, since, left).await;
        NewestDigests { listed: answer.map_or_else(ListedLogs::Unread, ListedLogs::Files), ..told }
    }

    /// Tells whether a digest is of an hour after the newest log file, and was there before the log files were listed:
    /// what a later one lists may have come since.
    fn is_surveyed(&self, key: &DigestKey, since: TimeRange) -> bool {
        let known = self.trails.get(&(key.trail.clone(), key.home.clone())).and_then(|own| own.hours.end());
        TimeRange::hour_until(key.end).start >= since.start && Some(key.end.min(since.end)) <= known
    }
}

/// Returns how many log files of a range digests list, or why that is not known.
async fn sum(
    store: &dyn Store,
    digests: Vec<(String, DigestKey)>,
    range: TimeRange,
    left: &mut usize,
) -> Result<u64, String> {
    *left = left.checked_sub(digests.len()).ok_or_else(|| {
        format!("more than {DIGESTS_READ_MAX} digests would be read; ask for less with --from, --account or --region")
    })?;
    let mut reads = iter(digests).map(async |(key, _)| listed(store, &key, range).await).buffered(READS_AT_ONCE);
    let mut sum = 0;
    while let Some(files) = reads.next().await {
        sum += files?;
    }
    Ok(sum)
}

/// Returns how many log files of a range a digest lists. A name that cannot be read counts.
async fn listed(store: &dyn Store, key: &str, range: TimeRange) -> Result<u64, String> {
    let object = store.get(key).await.map_err(|fault| format!("{key}: {fault}"))?;
    let (content, _) = inflate_digest(&object.body).map_err(|error| format!("{key}: {error}"))?;
    let digest = Digest::parse(&content).map_err(|error| format!("{key}: {error}"))?;
    let is_sought = |key: &LogKey| key.kind == LogKind::CloudTrail && key.slot > range.start && key.slot <= range.end;
    let files = digest.log_files.iter().filter(|file| LogKey::parse(&file.object).as_ref().is_none_or(is_sought));
    Ok(files.count() as u64)
}

impl NewestDigests {
    /// Says what the digests after the newest log file list, for a person.
    fn sentence(&self) -> String {
        let Self { since, digests, read, listed } = self;
        let of = match read == digests {
            true => "the digests".to_owned(),
            false => format!("the newest {read} of {digests} digests"),
        };
        match listed {
            ListedLogs::Files(0) => {
                format!("quiet since {since}, the time of its newest log file: {of} after it list none")
            }
            ListedLogs::Files(files) => format!(
                "the newest log file is of {since}, and {of} after it list {files} more, which are not there: ask orgtrail \
                 verify what became of them"
            ),
            ListedLogs::Unread(why) => {
                format!("the newest log file is of {since}, and it is not known whether {of} after it list any: {why}")
            }
        }
    }
}

impl Row {
    /// Tells whether digests are there and no log file of the range, or of its end, and it is not known that they list
    /// none.
    pub fn lacks_log_files(&self) -> bool {
        let is_untold = |newest: &NewestDigests| matches!(newest.listed, ListedLogs::Unread(_));
        matches!(self.listed, Some(ListedLogs::Files(1..) | ListedLogs::Unread(_)))
            || self.newest_digests.as_ref().is_some_and(is_untold)
    }

    /// Says what the digests list where there is no log file, or no new one: such a row is quiet, has digests only, or
    /// has a gap.
    pub(super) fn judge_listed(&mut self) {
        let (then, told) = match (&self.listed, &self.newest_digests) {
            (None, None) => return,
            (None, Some(newest)) => {
                let then = match newest.listed {
                    ListedLogs::Files(0) => Arrival::Quiet,
                    ListedLogs::Files(_) => Arrival::Gaps,
                    ListedLogs::Unread(_) => Arrival::DigestsOnly,
                };
                (then, newest.sentence())
            }
            (Some(ListedLogs::Files(0)), _) => {
                self.arrival = if self.arrival == Arrival::Arriving { Arrival::Quiet } else { self.arrival };
                return;
            }
            (Some(ListedLogs::Files(files)), _) => {
                let told = format!("which list {files}: ask orgtrail verify what became of them");
                (Arrival::DigestsOnly, format!("no log file of the range is there beside the digests, {told}"))
            }
            (Some(ListedLogs::Unread(why)), _) => {
                let told = format!("and it is not known how many they list: {why}");
                (Arrival::DigestsOnly, format!("no log file of the range is there beside the digests, {told}"))
            }
        };
        let is_taken = match self.arrival {
            Arrival::Arriving => true,
            Arrival::Ended => then != Arrival::Quiet,
            _ => false,
        };
        self.arrival = if is_taken { then } else { self.arrival };
        self.note = Some(self.note.take().map_or(told.clone(), |note| format!("{note}; {told}")));
    }
}
