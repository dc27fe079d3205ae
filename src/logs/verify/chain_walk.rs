//! One trail's chain while it is walked: its tracks, its counts, and the places through which it went.

use jiff::Timestamp;

use crate::ids::{Region, TrailName};
use crate::logs::digest::chain::{Anchor, Origin, Proof, Record, Seen, Unread};
use crate::logs::finding::{Code, State, Window};
use crate::logs::inflate::{hex, unhex};
use crate::logs::key::day_folder;

use super::answer::{Mark, Place, Tally};
use super::site::Sites;
use super::track::{Judged, Track};

/// How many of the newest hours may each be the one from which a later run goes on: two days.
const HOURLY_MARKS: usize = 48;

pub(super) type ChainId = (TrailName, Region);

/// One trail's chain in the account and region.
pub(super) struct ChainWalk {
    pub(super) id: ChainId,
    /// The sites that it went through; the last one is where it is now.
    pub(super) sites: Vec<usize>,
    pub(super) hourly: Track,
    pub(super) backfill: Track,
    pub(super) tally: Tally,
    /// The parts of the chain that say that they were delivered to one place.
    pub(super) segments: Vec<Segment>,
    /// Hours without a digest in which none was due, or the chain was off.
    pub(super) gaps: Vec<(Window, String)>,
    /// Hours whose digests a lifecycle rule has deleted, between others that are kept elsewhere.
    pub(super) expired: Vec<Window>,
    /// Whether the first digest says that it has no predecessor, when one was met.
    pub(super) begins: Option<bool>,
    /// The newest proved digests, hour by hour, and of older ones the newest of each day; from old to new.
    marks: Vec<Mark>,
    /// The end of what an earlier run proved.
    pub(super) start: Option<Timestamp>,
    /// The digest at that end, until it is met.
    pub(super) awaited: Option<Mark>,
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
    pub(super) window: Window,
    /// How many log files it attests.
    pub(super) logs_attested: u64,
}

impl ChainWalk {
    pub(super) fn new(id: ChainId, site: usize, mark: Option<&Mark>) -> Self {
        let mut tally = Tally::default();
        if let Some(mark) = mark {
            tally.hour(Window::hour_until(mark.end), State::Attested);
        }
        let (segments, gaps, expired, begins) = Default::default();
        Self {
            id,
            sites: vec![site],
            hourly: Track::after(mark.map(anchor)),
            backfill: Track::backfill(),
            tally,
            segments,
            gaps,
            expired,
            begins,
            marks: mark.cloned().into_iter().collect(),
            start: mark.map(|mark| mark.end),
            awaited: mark.cloned(),
            succeeded_by: mark.and_then(|mark| mark.succeeded_by.clone()),
            is_cut: false,
            is_past_range: false,
        }
    }

    /// Returns the site of the newest digest.
    pub(super) fn site(&self) -> usize {
        self.sites.last().copied().unwrap_or_default()
    }

    /// Moves the chain to a site, with a word about it.
    pub(super) fn move_to(&mut self, site: usize, sites: &Sites) {
        if self.site() == site {
            return;
        }
        let place = |at: usize| sites.all.get(at).map(|s| format!("{}/{}", s.store.name(), s.scope.account_prefix()));
        if let (Some(old), Some(new)) = (place(self.site()), place(site)) {
            self.tally.notes.push(format!("the chain goes on from {old} to {new}"));
        }
        self.sites.push(site);
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
            if let (Code::DigestArchived, Err(Unread { archived: Some((class, bytes)), .. })) =
                (finding.code, &judged.seen.content)
            {
                let key = (Code::DigestArchived, judged.at, class.clone());
                self.tally.hour(judged.window, State::Unproven);
                self.tally.archived.note(key, &judged.seen.object, judged.window, *bytes);
                continue;
            }
            match (finding.code, finding.window) {
                (Code::ChainGap, Some(window)) => self.gaps.push((window, finding.detail.clone())),
                (Code::ChainExpired, Some(window)) => self.expired.push(window),
                _ => self.tally.finding(finding.clone()),
            }
        }
        if judged.proof == Proof::Refuted {
            return;
        }
        self.note_segment(judged);
        if let Ok(content) = &judged.seen.content {
            self.tally.logs += content.digest.log_files.len() as u64;
        }
        if let Some(mark) = judged.mark.clone().filter(|_| !judged.seen.key.backfill) {
            self.marks.push(mark);
            self.thin_marks();
        }
    }

    /// Keeps one mark a day beyond the newest ones.
    fn thin_marks(&mut self) {
        let Some(at) = self.marks.len().checked_sub(HOURLY_MARKS).filter(|at| *at > 0) else { return };
        let (older, newer) = (&self.marks[at - 1], &self.marks[at]);
        if day_folder(older.end) == day_folder(newer.end) && Some(older.end) != self.start {
            self.marks.remove(at - 1);
        }
    }

    fn note_segment(&mut self, judged: &Judged) {
        let Some(origin) = &judged.seen.origin else { return };
        let window = judged.window;
        let own = self.segments.iter_mut().rev().find(|part| part.site == judged.at && part.origin == *origin);
        match own {
            Some(part) => {
                part.window =
                    Window { start: part.window.start.min(window.start), end: part.window.end.max(window.end) };
            }
            None => self.segments.push(Segment {
                site: judged.at,
                origin: origin.clone(),
                is_linked: judged.is_linked,
                window,
                logs_attested: 0,
            }),
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
    pub(super) fn awaits(&self, seen: &Seen) -> bool {
        self.awaited.as_ref().is_some_and(|mark| mark.object == seen.object)
    }

    /// Tells whether a digest's content is what an earlier run proved it to be.
    pub(super) fn is_as_marked(mark: &Mark, seen: &Seen) -> bool {
        seen.content.as_ref().is_ok_and(|content| hex(&content.sha256) == mark.sha256)
    }

    /// Returns the newest mark before the first hour that is not attested, and before hours that may still change. Where
    /// something was found that no hour stands for, a later run starts where this one did, so that it finds it too.
    pub(super) fn mark(&mut self, held_back: Timestamp) -> Option<Mark> {
        let until = self.tally.attested_until().map_or(held_back, |until| until.min(held_back));
        let is_held = self.tally.is_held;
        let attested = self.tally.attested();
        let is_whole = |mark: &&Mark| attested.hold(Window::hour_until(mark.end));
        let at = self.marks.iter().rposition(|mark| !is_held && mark.end <= until || Some(mark.end) == self.start)?;
        let recent = self.marks[at + 1..].iter().filter(is_whole).map(|mark| mark.sha256.clone()).collect();
        let mark = self.marks.swap_remove(at);
        Some(Mark { succeeded_by: self.succeeded_by.clone(), recent, ..mark })
    }

    /// Returns where the chain lies.
    pub(super) fn place(&self, sites: &Sites) -> Option<Place> {
        let scope = |at: usize| sites.all.get(at).map(|site| site.scope.clone());
        let mut origins: Vec<Origin> = self.segments.iter().map(|part| part.origin.clone()).collect();
        origins.dedup();
        Some(Place {
            scope: scope(self.site())?,
            trail: Some(self.id.clone()),
            scopes: self.sites.iter().filter_map(|&at| scope(at)).collect(),
            origins,
        })
    }
}

fn anchor(mark: &Mark) -> Anchor {
    let sha256 = unhex(&mark.sha256).and_then(|bytes| bytes.try_into().ok());
    let record = sha256.map(|sha256| Record { bucket: mark.bucket.clone(), sha256, signature: mark.signature.clone() });
    let object = mark.delivered.clone().unwrap_or_else(|| mark.object.clone());
    Anchor { object, end: mark.end, record }
}
