//! One trail's chain while it is walked: its tracks, its counts, and the places through which it went.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::archive::inflate::hex;
use crate::ids::{Region, TrailName};
use crate::log_path::{DigestKey, day_folder};
use crate::logs::digest::chain::{Origin, Proof, ReadDigest, ReadError};
use crate::logs::finding::{Code, State, TimeRange};

use super::chain_cursor::{ChainCursor, Judged};
use super::chain_mark::{ChainMark, Recent, Since};
use super::chain_sites::{ChainSite, Sites};
use super::recent::{MetAgain, anchor, settled};
use super::verification::{ChainPlace, Joined, Tally};

/// How many of the newest hours may each be the one from which a later run goes on: two days.
const HOURLY_MARKS: usize = 48;

pub(super) type ChainId = (TrailName, Region);

/// One trail's chain in the account and region.
pub(super) struct ChainWalk {
    pub(super) id: ChainId,
    /// The sites that it went through; the last one is where it is now.
    pub(super) sites: Vec<usize>,
    pub(super) hourly: ChainCursor,
    pub(super) backfill: ChainCursor,
    pub(super) tally: Tally,
    /// The parts of the chain that say that they were delivered to one place.
    pub(super) segments: Vec<Segment>,
    /// Hours without a digest in which none was due, or the chain was off.
    pub(super) gaps: Vec<(TimeRange, String)>,
    /// Hours whose digests a lifecycle rule of a site has deleted, between others that are kept elsewhere.
    pub(super) expired: Vec<(usize, TimeRange)>,
    /// How many log files its digests list, by the start of their hours.
    pub(super) logs_by_hour: BTreeMap<Timestamp, u64>,
    /// Whether the first digest says that it has no predecessor, when one was met.
    pub(super) begins: Option<bool>,
    /// The newest proved digests, hour by hour, and of older ones the newest of each day; from old to new.
    marks: Vec<ChainMark>,
    /// The end of what an earlier run proved.
    pub(super) start: Option<Timestamp>,
    /// From when on that run, or this one, looked at the chain.
    since: Since,
    /// The places and folders that it went through, up to that end.
    pub(super) places: Vec<String>,
    /// The site of the newest digest within the range.
    newest: usize,
    /// The digest at that end, until it is met.
    pub(super) awaited: Option<ChainMark>,
    /// The digests that an earlier run proved, from that end on.
    pub(super) known: MetAgain,
    /// The trail that an earlier run saw to attest what follows this chain.
    pub(super) succeeded_by: Option<TrailName>,
    /// Whether the first digest names a predecessor that is gone.
    pub(super) is_cut: bool,
    /// Whether a digest beyond the range was met, so that the chain does not end within it.
    pub(super) is_past_range: bool,
}

/// A part of a chain whose digests say that they were delivered to one place.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) site: usize,
    pub(super) origin: Origin,
    /// Whether a signed link joins it to the part before it.
    pub(super) is_linked: bool,
    pub(super) window: TimeRange,
    /// How many digests it has.
    pub(super) digests: u64,
    /// How many log files it attests.
    pub(super) logs_attested: u64,
}

impl ChainWalk {
    /// Returns a chain from its mark on. `since` is from when on this run looks at it, where there is no mark.
    pub(super) fn new(id: ChainId, site: usize, mark: Option<&ChainMark>, since: Since) -> Self {
        let mut tally = Tally::default();
        if let Some(mark) = mark {
            tally.hour(TimeRange::hour_until(mark.end), State::Attested);
        }
        let (segments, gaps, expired, logs_by_hour, begins) = Default::default();
        Self {
            id,
            sites: vec![site],
            hourly: ChainCursor::after(mark.map(anchor)),
            backfill: ChainCursor::backfill(),
            tally,
            segments,
            gaps,
            expired,
            logs_by_hour,
            begins,
            marks: mark.cloned().into_iter().collect(),
            start: mark.map(|mark| mark.end),
            since: mark.map_or(since, |mark| mark.since),
            places: mark.map(|mark| mark.places.clone()).unwrap_or_default(),
            newest: site,
            awaited: mark.cloned(),
            known: mark.map(MetAgain::of).unwrap_or_default(),
            succeeded_by: mark.and_then(|mark| mark.succeeded_by.clone()),
            is_cut: false,
            is_past_range: false,
        }
    }

    /// Returns the site of the newest digest.
    pub(super) fn site(&self) -> usize {
        self.sites.last().copied().unwrap_or_default()
    }

    /// Moves the chain to a site, with a word about it while that is within the range.
    pub(super) fn move_to(&mut self, site: usize, sites: &Sites) {
        if !self.is_past_range {
            self.newest = site;
        }
        if self.site() == site {
            return;
        }
        let place = |at: usize| sites.all.get(at).map(ChainSite::place);
        if let (Some(old), Some(new), false) = (place(self.site()), place(site), self.is_past_range) {
            self.tally.notes.push(format!("the chain goes on from {old} to {new}"));
        }
        self.sites.push(site);
    }

    /// Settles where the digest lies at which an earlier run ended.
    pub(super) fn lies_at(&mut self, site: usize) {
        self.sites.retain(|at| *at != site);
        self.sites.push(site);
        self.newest = site;
    }

    /// Notes what was found about a digest. Gaps wait until all chains are known: another trail may attest their hours.
    pub(super) fn note(&mut self, judged: &Judged) {
        self.is_cut |= self.tally.digests == 0 && judged.findings.iter().any(|f| f.code == Code::DigestMissing);
        if self.begins.is_none() && !judged.seen.key.backfill && judged.seen.content.is_ok() {
            self.begins = Some(judged.seen.previous().is_none());
        }
        self.tally.digests += 1;
        self.tally.hour(judged.window, judged.state());
        for finding in &judged.findings {
            if let (Code::DigestArchived, Err(ReadError { archived: Some((class, bytes)), .. })) =
                (finding.code, &judged.seen.content)
            {
                let key = (Code::DigestArchived, judged.at, class.clone());
                self.tally.hour(judged.window, State::Unproven);
                self.tally.archived.note(key, &judged.seen.object, judged.window, *bytes);
                continue;
            }
            match (finding.code, finding.window) {
                (Code::ChainGap, Some(window)) => self.gaps.push((window, finding.detail.clone())),
                (Code::ChainExpired, Some(window)) => self.expired.push((judged.at, window)),
                _ => self.tally.finding(finding.clone()),
            }
        }
        if judged.proof == Proof::Refuted {
            return;
        }
        self.note_segment(judged);
        if let Ok(content) = &judged.seen.content {
            let logs = content.digest.log_files.len() as u64;
            self.tally.logs += logs;
            self.count_logs(judged.window, logs);
        }
        if let Some(mark) = judged.mark.clone().filter(|_| !judged.seen.key.backfill) {
            self.marks.push(mark);
            self.thin_marks();
        }
    }

    /// Notes how many log files a digest lists.
    pub(super) fn count_logs(&mut self, window: TimeRange, logs: u64) {
        *self.logs_by_hour.entry(window.start).or_default() += logs;
    }

    /// Keeps one mark a day beyond the newest ones.
    fn thin_marks(&mut self) {
        let Some(at) = self.marks.len().checked_sub(HOURLY_MARKS).filter(|at| *at > 0) else { return };
        let (older, newer) = (&self.marks[at - 1], &self.marks[at]);
        if day_folder(older.end) == day_folder(newer.end) && Some(older.end) != self.start {
            self.marks.remove(at - 1);
        }
    }

    /// Notes a digest that an earlier run proved, and that is not read again; its log files were read by that run.
    pub(super) fn note_skipped(&mut self, site: usize, mark: ChainMark, logs: usize) {
        let window = TimeRange::hour_until(mark.end);
        self.begins.get_or_insert(false);
        self.tally.digests += 1;
        self.tally.hour(window, State::Attested);
        self.tally.logs += logs as u64;
        self.count_logs(window, logs as u64);
        if let Some(origin) = origin(&mark) {
            let segment = self.extend_segment(site, &origin, true, window);
            (0..logs).for_each(|_| self.attest_log(segment));
        }
        self.known.confirm(mark.end);
        self.marks.push(mark);
        self.thin_marks();
    }

    fn note_segment(&mut self, judged: &Judged) {
        if let Some(origin) = &judged.seen.origin {
            self.extend_segment(judged.at, origin, judged.is_linked, judged.window);
        }
    }

    /// Adds a digest's hour to the part of the chain that was delivered to its place, and returns that part's number.
    fn extend_segment(&mut self, site: usize, origin: &Origin, is_linked: bool, window: TimeRange) -> usize {
        let own = self.segments.iter().rposition(|part| part.site == site && part.origin == *origin);
        match own {
            Some(at) => {
                let own = &mut self.segments[at];
                own.digests += 1;
                let (start, end) = (own.window.start.min(window.start), own.window.end.max(window.end));
                own.window = TimeRange { start, end };
                at
            }
            None => {
                let origin = origin.clone();
                self.segments.push(Segment { site, origin, is_linked, window, digests: 1, logs_attested: 0 });
                self.segments.len() - 1
            }
        }
    }

    /// Returns the number of the part of the chain that a digest belongs to.
    pub(super) fn segment_of(&self, judged: &Judged) -> usize {
        let is_own = |part: &Segment| part.site == judged.at && Some(&part.origin) == judged.seen.origin.as_ref();
        self.segments.iter().rposition(is_own).unwrap_or_default()
    }

    /// Counts an attested log file.
    pub(super) fn attest_log(&mut self, segment: usize) {
        self.tally.logs_attested += 1;
        if let Some(part) = self.segments.get_mut(segment) {
            part.logs_attested += 1;
        }
    }

    /// Tells whether a digest is the one at which an earlier run ended.
    pub(super) fn awaits(&self, seen: &ReadDigest) -> bool {
        self.awaited.as_ref().is_some_and(|mark| mark.object == seen.object)
    }

    /// Tells whether a digest's content is what an earlier run proved it to be.
    pub(super) fn is_as_marked(mark: &ChainMark, seen: &ReadDigest) -> bool {
        seen.content.as_ref().is_ok_and(|content| hex(&content.sha256) == mark.sha256)
    }

    /// Returns the newest mark before the first hour that is not attested, and before hours that may still change.
    /// Where something was found that no hour stands for, a later run starts where this one did, so that it finds it
    /// too.
    pub(super) fn mark(&mut self, held_back: Timestamp, now: Timestamp, sites: &Sites) -> Option<ChainMark> {
        let until = self.tally.attested_until().map_or(held_back, |until| until.min(held_back));
        let is_held = self.tally.is_held;
        let attested = self.tally.attested();
        let is_whole = |mark: &&ChainMark| attested.hold(TimeRange::hour_until(mark.end));
        let at = self.marks.iter().rposition(|mark| !is_held && mark.end <= until || Some(mark.end) == self.start)?;
        let later: Vec<ChainMark> = self.marks.drain(at + 1..).filter(|mark| is_whole(&mark)).collect();
        let mark = settled(self.marks.swap_remove(at), now);
        let mut recent = Recent::of(&later, now);
        recent.extend(self.known.changed_after(mark.end));
        let (since, places) = (self.since, self.places_until(&mark, sites));
        Some(ChainMark { since, places, succeeded_by: self.succeeded_by.clone(), recent, ..mark })
    }

    /// Returns the places that the chain went through up to a mark; the last one is the mark's.
    fn places_until(&self, mark: &ChainMark, sites: &Sites) -> Vec<String> {
        if Some(mark.end) == self.start {
            return self.places.clone();
        }
        let mut places = self.places.clone();
        for part in self.segments.iter().filter(|part| part.window.start < mark.end) {
            places.extend(sites.all.get(part.site).map(ChainSite::place));
        }
        let here = mark.places.last();
        let mut seen = BTreeSet::new();
        places.retain(|place| Some(place) != here && seen.insert(place.clone()));
        places.extend(here.cloned());
        places
    }

    /// Returns where the chain lies.
    pub(super) fn place(&self, sites: &Sites) -> Option<ChainPlace> {
        let scope = |at: usize| sites.all.get(at).map(|site| site.scope.clone());
        let mut origins: Vec<Origin> = self.segments.iter().map(|part| part.origin.clone()).collect();
        origins.dedup();
        Some(ChainPlace {
            scope: scope(self.newest)?,
            trail: Some(self.id.clone()),
            scopes: self.sites.iter().filter_map(|&at| scope(at)).collect(),
            origins,
            joined: self.joined(),
        })
    }

    /// Returns the buckets of its digests, those together that signed links join.
    fn joined(&self) -> Vec<Joined> {
        let mut joined: Vec<Joined> = Vec::new();
        for part in &self.segments {
            let bucket = part.origin.bucket.clone();
            match joined.last_mut().filter(|last| part.is_linked || last.buckets.contains(&bucket)) {
                Some(last) => {
                    last.buckets.insert(bucket);
                    last.digests += part.digests;
                }
                None => joined.push(Joined { buckets: [bucket].into(), digests: part.digests }),
            }
        }
        joined
    }
}

/// Returns the place to which CloudTrail delivered the digest of a mark.
pub(super) fn origin(mark: &ChainMark) -> Option<Origin> {
    let key = DigestKey::parse(mark.delivered.as_ref().unwrap_or(&mark.object))?;
    Some(Origin { bucket: mark.bucket.clone(), prefix: key.scope.prefix })
}
