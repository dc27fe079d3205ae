//! The hours around and between the digests of an account and region. Whether an hour is proved is asked of all trails
//! that record there: a trail that was replaced is said to have ended, once, and its successor answers for what
//! follows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::archive::Fault;
use crate::log_path::{DigestKey, Folder};
use crate::logs::digest::chain::gap;
use crate::logs::finding::{Code, DAY, Finding, HOUR, State, TimeRange};
use crate::logs::time_set::TimeSet;

use super::DIGEST_DELAY_MAX;
use super::archived::quoted;
use super::chain_walk::ChainWalk;
use super::expiry::Expiry;
use super::log_file::unasked;
use super::successor::lists_as_much;
use super::walk::Walk;

/// How many days after the newest digest are searched for marks of deleted ones.
const GRAVE_DAYS_MAX: usize = 3;

impl Walk<'_> {
    /// Notes the hours that were asked for and have no digest: before the first one, between two, after the last one.
    pub(super) async fn find_missing_digests(&mut self) {
        let attested: Vec<TimeSet> = self.chains.iter().map(|chain| chain.tally.attested()).collect();
        for at in 0..self.chains.len() {
            self.find_mark(at);
            self.find_expired(at);
            self.find_gaps(at, &attested).await;
            self.find_tail(at, &attested).await;
        }
        self.find_head().await;
    }

    /// Notes that the digest is gone at which an earlier run ended.
    fn find_mark(&mut self, at: usize) {
        let chain = &mut self.chains[at];
        let is_expired = self.from.zip(chain.start).is_some_and(|(from, end)| end <= from);
        let Some(mark) = chain.awaited.take().filter(|_| !is_expired) else { return };
        let site = chain.site();
        let (code, state, detail) = if chain.tally.digests > 0 {
            (Code::DigestMissing, State::Broken, "an earlier run proved this digest, and it is gone")
        } else {
            (
                Code::ChainAbsent,
                State::Unproven,
                "an earlier run proved digests of this trail, and none of them is there",
            )
        };
        let (object, window) = (Some(self.sites.name(site, &mark.object)), Some(TimeRange::hour_until(mark.end)));
        self.note(at, Finding { code, state, object, window, detail: detail.into(), next: None });
    }

    /// Notes the hours whose digests a lifecycle rule has deleted while older ones are kept elsewhere, and those before
    /// the first one that a rule keeps: nothing proves them any more. Where the configuration wants that, and nobody
    /// asked for them, it is as it should be.
    fn find_expired(&mut self, at: usize) {
        let mut by_site: BTreeMap<usize, TimeSet> = BTreeMap::new();
        for (site, window) in std::mem::take(&mut self.chains[at].expired) {
            by_site.entry(site).or_default().add(window);
        }
        let head = self.expired_head(at);
        for (site, window) in
            by_site.iter().flat_map(|(site, spans)| spans.iter().map(|span| (*site, span))).chain(head)
        {
            let Expiry { rule, is_wanted, .. } = self.sites.all[site].expiry.clone();
            let asked = self.request.from.filter(|from| *from < window.end);
            let window =
                TimeRange { start: asked.map_or(window.start, |from| from.max(window.start)), end: window.end };
            if asked.is_some() || !is_wanted && self.request.from.is_none() {
                let detail = if is_wanted { rule } else { format!("{rule}, and no configuration asks for that") };
                self.note_all(at, gap(window, Code::ChainExpired, State::Unproven, &detail));
            } else {
                let note = format!("what is older than {} is not looked at: {rule}", window.end);
                self.chains[at].tally.notes.push(note);
            }
        }
    }

    /// Returns the hour before the first one of a chain, and the site whose rule has deleted it, when all that was
    /// asked for is what is there.
    fn expired_head(&self, at: usize) -> Option<(usize, TimeRange)> {
        let chain = &self.chains[at];
        let edge = self.quiet.filter(|_| self.request.from.is_none() && chain.begins == Some(false))?;
        let start = chain.tally.start().filter(|_| chain.start.is_none())?;
        let is_at_edge = start <= edge.saturating_add(HOUR).unwrap_or(edge);
        let site = self.sites.all.iter().position(|site| site.expiry.until == Some(edge))?;
        is_at_edge.then(|| (site, TimeRange::hour_until(start)))
    }

    /// Notes hours within a chain without a digest, save those that another trail attests that lists as much as this
    /// one did.
    async fn find_gaps(&mut self, at: usize, attested: &[TimeSet]) {
        let gaps = std::mem::take(&mut self.chains[at].gaps);
        // Hours that follow each other are judged together: one alone may well have been quiet.
        let mut together = TimeSet::default();
        gaps.iter().for_each(|(window, _)| together.add(*window));
        for (window, detail) in gaps {
            let whole = together.iter().find(|whole| common(*whole, window).is_some()).unwrap_or(window);
            let stands_in = |other: usize| other != at && lists_as_much(&self.chains[other], &self.chains[at], whole);
            let open = union(attested, stands_in).gaps(window);
            if open.is_empty() {
                let (start, end) = (window.start, window.end);
                self.chains[at].tally.notes.push(format!("from {start} to {end} other trails attest what happened"));
            }
            for window in open {
                let detail = format!("{detail}{}", self.explain(at, window).await);
                self.note_all(at, gap(window, Code::ChainGap, State::Unproven, &detail));
            }
        }
    }

    /// Notes the hours after a chain's newest digest, up to the end of the range.
    async fn find_tail(&mut self, at: usize, attested: &[TimeSet]) {
        let now = self.request.now;
        let fresh = now.saturating_sub(DIGEST_DELAY_MAX).unwrap_or(now);
        let chain = &self.chains[at];
        let Some(end) = chain.hourly.end().max(self.from).filter(|_| chain.hourly.end().is_some()) else {
            return self.find_lone_backfill(at);
        };
        let tail = TimeRange { start: end, end: self.request.to.unwrap_or(fresh) };
        if chain.is_past_range || tail.start >= tail.end {
            self.chains[at].succeeded_by = None;
            return;
        }
        let unasked = match self.deleted_after(at, tail).await {
            Ok(Some(when)) => {
                let detail = format!("the digest of this hour is gone: digests were deleted {when}");
                return self.note_all(at, gap(tail, Code::ChainTailMissing, State::Broken, &detail));
            }
            Ok(None) => String::new(),
            Err(fault) => unasked(&fault),
        };
        let came_not = format!("no digest of this hour came: logging was stopped, or the digest is gone{unasked}");
        if let Some(why) = self.request.expected.as_ref().and_then(|known| known.left(&self.account, &self.region)) {
            return self.chains[at].tally.notes.push(format!("it ends at {end}: {why}"));
        }
        let successors = self.successors(at, end).await;
        let theirs = union(attested, |other| successors.contains(&other));
        let open = theirs.gaps(tail);
        self.note_successors(at, end, &successors, open.is_empty());
        let parts = [
            (TimeRange { start: tail.start, end: tail.end.min(fresh) }, Code::ChainTailMissing, came_not.as_str()),
            (
                TimeRange { start: tail.start.max(fresh), end: tail.end.min(now) },
                Code::ChainTailMissing,
                "the digest of this hour is not due yet",
            ),
            (TimeRange { start: tail.start.max(now), end: tail.end }, Code::RangeFuture, "the hour lies in the future"),
        ];
        for (part, code, detail) in parts {
            for window in open.iter().filter_map(|window| common(*window, part)) {
                self.note_all(at, gap(window, code, State::Unproven, detail));
            }
        }
    }

    /// Notes that of a trail there are digests of late log files only: its hourly ones are gone, and with them all that
    /// would tell which hours there were.
    fn find_lone_backfill(&mut self, at: usize) {
        if self.chains[at].tally.digests > 0 {
            let (code, state, object, next) = (Code::ChainAbsent, State::Unproven, None, None);
            let window = self.chains[at].tally.start().map(|start| TimeRange { start, end: self.request.now });
            let detail = "of this trail there are backfill digests only, and none of those of every hour".into();
            self.note(at, Finding { code, state, object, window, detail, next });
        }
    }

    fn note_all(&mut self, at: usize, findings: Vec<Finding>) {
        findings.into_iter().for_each(|finding| self.note(at, finding));
    }

    /// Says once that a chain has ended, and which trails go on.
    fn note_successors(&mut self, at: usize, end: Timestamp, successors: &BTreeSet<usize>, is_whole: bool) {
        let names: BTreeSet<_> = successors.iter().map(|&other| self.chains[other].id.0.clone()).collect();
        let Some(first) = names.first().cloned() else { return };
        let list = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let known = self.request.expected.as_ref().is_some_and(|known| !known.trails.is_empty());
        let retired = if known { "; the configuration has no such trail any more" } else { "" };
        let what = if is_whole { "attests what follows" } else { "attests a part of what follows" };
        let chain = &mut self.chains[at];
        chain.tally.notes.push(format!("it ends at {end}; {list} {what}{retired}"));
        chain.succeeded_by = if is_whole { Some(first) } else { None };
    }

    /// Returns when S3 says that digests of a chain were deleted in a time; nothing when it says that none were, or is
    /// not what is looked at.
    async fn deleted_after(&self, at: usize, tail: TimeRange) -> Result<Option<String>, Fault> {
        let chain = &self.chains[at];
        let Some(site) = self.sites.all.get(chain.site()).filter(|site| site.store.bucket().is_some()) else {
            return Ok(None);
        };
        let store = site.store.as_ref();
        let hours = tail.hours();
        let (Some(first), Some(last)) = (hours.first(), hours.last()) else { return Ok(None) };
        for day in site.scope.day_prefixes(Folder::Digests, first.end, last.end).take(GRAVE_DAYS_MAX) {
            let versions = store.versions(&day).await?;
            let own = |key: DigestKey| (key.trail, key.home) == chain.id && key.end > tail.start;
            let mark = versions
                .iter()
                .filter(|version| version.is_delete_marker && version.is_latest)
                .find(|version| DigestKey::parse(&version.key).is_some_and(own));
            if let Some(mark) = mark {
                let when = mark.modified.map_or_else(|| "at an unknown time".into(), |time| format!("at {time}"));
                return Ok(Some(when));
            }
        }
        Ok(None)
    }

    /// Notes the hours that were asked for before the first digest of any trail.
    async fn find_head(&mut self) {
        let Some(asked) = self.request.from else { return };
        let kept = self.from.unwrap_or(asked);
        // A chain that is taken up was proved from there on.
        let begins = |chain: &ChainWalk| chain.start.map(|_| kept).or_else(|| chain.tally.start());
        let starts: Vec<(Timestamp, usize)> =
            (0..self.chains.len()).filter_map(|at| Some((begins(&self.chains[at])?, at))).collect();
        let Some((start, at)) = starts.iter().copied().min() else { return };
        if start <= asked {
            return self.find_later_heads(asked.max(kept), &starts).await;
        }
        let expired = TimeRange { start: asked, end: kept.min(start) };
        let rule = self.sites.all.iter().map(|site| &site.expiry).min_by_key(|expiry| expiry.until);
        let rule = rule.map(|expiry| expiry.rule.clone()).unwrap_or_default();
        self.note_all(at, gap(expired, Code::ChainExpired, State::Unproven, &rule));
        let detail = match self.chains[at].begins {
            Some(true) => format!(
                "the chain begins at {start} with a first digest: logging or log file validation was switched on then"
            ),
            _ => format!("the first digest that is there begins at {start}"),
        };
        let before = TimeRange { start: asked.max(kept), end: start };
        let detail = match before.start < before.end {
            true => format!("{detail}{}", self.explain(at, TimeRange { start, end: start }).await),
            false => detail,
        };
        self.note_all(at, gap(before, Code::ChainGap, State::Unproven, &detail));
    }

    /// Notes the hours before the first digest of a trail where those that were there before list far less than it
    /// does: they do not stand for it.
    async fn find_later_heads(&mut self, asked: Timestamp, starts: &[(Timestamp, usize)]) {
        for &(start, at) in starts.iter().filter(|(start, _)| *start > asked) {
            let day = TimeRange { start, end: start.saturating_add(DAY).unwrap_or(start) };
            let is_covered = starts
                .iter()
                .any(|&(theirs, other)| theirs <= asked && lists_as_much(&self.chains[other], &self.chains[at], day));
            if !is_covered {
                let told = self.explain(at, TimeRange { start, end: start }).await;
                let detail = format!(
                    "this trail's first digest begins at {start}, and what was there before lists far less than it does{told}"
                );
                self.note_all(
                    at,
                    gap(TimeRange { start: asked, end: start }, Code::ChainGap, State::Unproven, &detail),
                );
            }
        }
    }

    /// Notes the parts of chains that say that they were delivered elsewhere, where nothing says that this place stands
    /// for that one: neither the user nor a signed link from a digest that lies where it belongs.
    pub(super) fn vouch(&mut self) {
        for at in 0..self.chains.len() {
            let parts = self.chains[at].segments.clone();
            let mut vouched: Vec<bool> = parts
                .iter()
                .map(|part| {
                    let Some(site) = self.sites.all.get(part.site) else { return false };
                    let is_named = self.request.buckets.contains(&part.origin.bucket);
                    let is_free = site.store.bucket().is_none() && self.request.buckets.is_empty();
                    is_named || is_free || site.is_own(&part.origin)
                })
                .collect();
            for next in 1..parts.len() {
                vouched[next] |= parts[next].is_linked && vouched[next - 1];
            }
            for before in (1..parts.len()).rev() {
                vouched[before - 1] |= parts[before].is_linked && vouched[before];
            }
            for (part, is_vouched) in parts.iter().zip(vouched) {
                if !is_vouched {
                    let chain = &mut self.chains[at];
                    chain.tally.logs_attested = chain.tally.logs_attested.saturating_sub(part.logs_attested);
                    let (bucket, prefix) = (&part.origin.bucket, &part.origin.prefix);
                    let detail = format!(
                        "CloudTrail delivered these digests to bucket {bucket}, prefix {prefix:?}; if this is a copy of that place, say so with --bucket {}",
                        quoted(bucket)
                    );
                    let (code, state, window) = (Code::ChainCopy, State::Unproven, Some(part.window));
                    chain.tally.finding_over(Finding { code, state, object: None, window, detail, next: None });
                }
            }
        }
    }
}

fn union(of: &[TimeSet], which: impl Fn(usize) -> bool) -> TimeSet {
    let mut all = TimeSet::default();
    of.iter().enumerate().filter(|(at, _)| which(*at)).flat_map(|(_, spans)| spans.iter()).for_each(|w| all.add(w));
    all
}

fn common(a: TimeRange, b: TimeRange) -> Option<TimeRange> {
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    (start < end).then_some(TimeRange { start, end })
}
