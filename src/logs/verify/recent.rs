//! The digests of the last hours. Log files may still be listed for them, so that an hourly run needs to know what they
//! list; but it need not read them again while the store's listing shows that each is the object that an earlier run
//! proved.
//!
//! Only S3's listing is believed: there the time is set by S3, and so is the tag, which another content cannot have.
//! The time alone would not do: that of a multipart upload is when it was begun, which may be long before it took the
//! object's place. And only an unbroken row of such digests is skipped, from the mark on: after a hole or a change,
//! each is read and judged.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::archive::inflate::{hex, unhex};
use crate::log_path::{DigestKey, LogKey, LogKind};
use crate::logs::digest::chain::{ChainEnd, PreviousDigest, ReadDigest};
use crate::logs::finding::{HOUR, TimeRange};

use super::chain_mark::{AsListed, ChainMark, Recent, Told};
use super::chain_sites::{Sites, half};
use super::digest_folder::HeldDigest;

/// How many log files a digest may list whose names are kept. Where there are more, reading the digest again is a small
/// part of what an hour costs.
pub const NAMES_MAX: usize = 4;
/// How many digests of a chain are kept to be skipped: two days of them.
const TOLD_MAX: usize = 48;
/// How long before a run an object must have been written so that its time and tag are those of what the run read: S3
/// gives whole seconds, and this machine's clock may be wrong.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);

impl AsListed {
    /// Returns what saves reading a digest that was proved; nothing where it must be read again. `is_linked` tells
    /// whether it continues the digest before it, and nothing was found about it.
    pub(super) fn of(held: &HeldDigest, anchor: &ChainEnd, is_linked: bool, sites: &Sites) -> Option<Self> {
        let HeldDigest { at, seen, listed } = held;
        let (modified, tag) = (listed.modified?, listed.tag.clone()?);
        let content = seen.content.as_ref().ok()?;
        let is_own = sites.all.get(*at)?.is_own(seen.origin.as_ref()?) && anchor.object == seen.object;
        // What only its successor's record proves cannot be proved without reading that one.
        let is_signed = content.metadata.signature.is_some()
            && anchor.record.as_ref().is_some_and(|record| record.signature == content.metadata.signature);
        let is_whole = !seen.key.backfill && seen.window() == TimeRange::hour_until(seen.key.end);
        (is_linked && is_own && is_signed && is_whole).then(|| Self { modified, tag, logs: prints(*at, seen, sites) })
    }
}

/// Returns what stands for the log files that a digest lists.
fn prints(at: usize, seen: &ReadDigest, sites: &Sites) -> Option<Vec<u128>> {
    let files = &seen.content.as_ref().ok()?.digest.log_files;
    let print = |file| {
        let (site, object) = sites.locate(file, at, seen)?;
        let is_plain = site == at && LogKey::parse(&object)?.kind == LogKind::CloudTrail;
        is_plain.then(|| half(&object))
    };
    if files.len() <= NAMES_MAX { files.iter().map(print).collect() } else { None }
}

impl Recent {
    /// Returns what a later run is told of the digests after its mark. Signatures are kept where nothing else stands
    /// for them.
    pub(super) fn of(later: &[ChainMark], now: Timestamp) -> Vec<Self> {
        let later: Vec<ChainMark> = later.iter().map(|mark| settled(mark.clone(), now)).collect();
        let first_told = later.len().saturating_sub(TOLD_MAX);
        let recent = |(at, mark): (usize, &ChainMark)| {
            let as_listed = mark.as_listed.clone().filter(|_| at >= first_told);
            let next = later.get(at + 1).filter(|next| next.end.duration_since(mark.end) == HOUR);
            let is_recorded = next.is_some_and(|next| next.as_listed.is_some());
            let signature = mark.signature.clone().filter(|_| !is_recorded);
            let told = as_listed.map(|as_listed| Told { end: mark.end, signature, as_listed });
            Self { sha256: mark.sha256.clone(), told }
        };
        later.iter().enumerate().map(recent).collect()
    }
}

/// The digests of a chain that an earlier run proved, from its mark on, while they are met again.
#[derive(Debug, Default)]
pub(super) struct MetAgain {
    digests: HashMap<String, ChainMark>,
    /// The end of the last one up to which all are what they were, without a hole.
    until: Option<Timestamp>,
    /// Those that are another one now, or cannot be read. They are kept, so that every later run compares them too.
    changed: Vec<Recent>,
}

/// What a digest that was read is to what an earlier run proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The same, or not known to be another one.
    Fine,
    /// Another one.
    Changed,
}

impl MetAgain {
    /// Returns what a mark tells, with the key of each digest.
    pub(super) fn of(mark: &ChainMark) -> Self {
        let Some(key) = DigestKey::parse(&mark.object) else { return Self::default() };
        let digest = |recent: &Recent| {
            let Told { end, signature, as_listed } = recent.told.clone()?;
            let object = DigestKey { end, ..key.clone() }.to_string();
            let (sha256, as_listed) = (recent.sha256.clone(), Some(as_listed));
            let (delivered, succeeded_by, recent) = Default::default();
            let (bucket, since, places) = (mark.bucket.clone(), mark.since, mark.places.clone());
            let known = ChainMark {
                object: object.clone(),
                delivered,
                bucket,
                end,
                since,
                places,
                sha256,
                signature,
                succeeded_by,
                as_listed,
                recent,
            };
            Some((object, known))
        };
        let own =
            mark.as_listed.is_some().then(|| (mark.object.clone(), ChainMark { recent: Vec::new(), ..mark.clone() }));
        Self { digests: mark.recent.iter().filter_map(digest).chain(own).collect(), ..Self::default() }
    }

    /// Returns the digests that need not be read while the listing shows them unchanged.
    pub(super) fn skipped(&self) -> impl Iterator<Item = &ChainMark> {
        self.digests.values().filter(|mark| mark.as_listed.as_ref().is_some_and(|listed| listed.logs.is_some()))
    }

    /// Returns a digest by its key, when it follows those that are what they were.
    pub(super) fn next(&self, object: &str) -> Option<&ChainMark> {
        let mark = self.digests.get(object)?;
        self.until.is_some_and(|until| mark.end.duration_since(until) == HOUR).then_some(mark)
    }

    /// Returns the digest of the mark itself by its key.
    pub(super) fn first(&self, object: &str) -> Option<&ChainMark> {
        self.digests.get(object)
    }

    /// Notes that the digests up to a time are what they were.
    pub(super) fn confirm(&mut self, until: Timestamp) {
        self.until = Some(until);
    }

    /// Tells whether an earlier run proved a digest.
    pub(super) fn holds(&self, object: &str) -> bool {
        self.digests.contains_key(object)
    }

    /// Compares a digest that was read with what an earlier run proved.
    pub(super) fn compare(&mut self, held: &HeldDigest) -> Again {
        let Some(mark) = self.digests.get(&held.seen.object) else { return Again::Fine };
        let Some(as_listed) = mark.as_listed.clone() else { return Again::Fine };
        let read = held.seen.content.as_ref().map(|content| hex(&content.sha256));
        let end = mark.end;
        if read.as_ref() != Ok(&mark.sha256) {
            let (sha256, signature) = (mark.sha256.clone(), mark.signature.clone());
            self.changed.push(Recent { sha256, told: Some(Told { end, signature, as_listed }) });
            // What cannot be read has its own finding.
            return if read.is_ok() { Again::Changed } else { Again::Fine };
        }
        if as_listed.is_of(&held.listed) && self.next(&held.seen.object).is_some() {
            self.until = Some(end);
        }
        Again::Fine
    }

    /// Returns those that are another one now, after a time.
    pub(super) fn changed_after(&mut self, end: Timestamp) -> Vec<Recent> {
        let is_after = |recent: &Recent| recent.told.as_ref().is_some_and(|told| told.end > end);
        std::mem::take(&mut self.changed).into_iter().filter(is_after).collect()
    }
}

/// Returns a mark without what the listing showed, where the object is too young for that to tell it from another.
pub(super) fn settled(mark: ChainMark, now: Timestamp) -> ChainMark {
    let latest = now.saturating_sub(SETTLED).unwrap_or(now);
    ChainMark { as_listed: mark.as_listed.filter(|listed| listed.modified <= latest), ..mark }
}

/// Returns what the digest after a mark must continue.
pub(super) fn anchor(mark: &ChainMark) -> ChainEnd {
    let sha256 = unhex(&mark.sha256).and_then(|bytes| bytes.try_into().ok());
    let record =
        sha256.map(|sha256| PreviousDigest { bucket: mark.bucket.clone(), sha256, signature: mark.signature.clone() });
    let object = mark.delivered.clone().unwrap_or_else(|| mark.object.clone());
    ChainEnd { object, end: mark.end, record }
}
