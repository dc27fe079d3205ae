//! The hours around and between the digests of an account and region. Whether an hour is proved is asked of all trails that
//! record there: a trail that was replaced is said to have ended, once, and its successor answers for what follows.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::logs::digest::chain::gap;
use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::key::{DigestKey, day_folder};
use crate::logs::spans::Spans;

use super::DIGEST_DELAY_MAX;
use super::track::EXPIRED;
use super::walk::Walk;

/// How many days after the newest digest are searched for marks of deleted ones.
const GRAVE_DAYS_MAX: usize = 3;

impl Walk<'_> {
    /// Notes the hours that were asked for and have no digest: before the first one, between two, after the last one.
    pub(super) async fn find_ends(&mut self) {
        let attested: Vec<Spans> = self.chains.iter().map(|chain| chain.tally.attested()).collect();
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
        let (object, window) = (Some(self.sites.name(site, &mark.object)), Some(Window::hour_until(mark.end)));
        self.note(at, Finding { code, state, object, window, detail: detail.into(), next: None });
    }

    /// Notes the hours whose digests a lifecycle rule has deleted while older ones are kept elsewhere: where they were asked
    /// for, nothing proves them any more.
    fn find_expired(&mut self, at: usize) {
        let mut spans = Spans::default();
        std::mem::take(&mut self.chains[at].expired).into_iter().for_each(|window| spans.add(window));
        for window in spans.iter() {
            let asked = self.request.from.filter(|from| *from < window.end);
            match asked {
                Some(from) => {
                    let window = Window { start: window.start.max(from), end: window.end };
                    self.note_all(at, gap(window, Code::ChainExpired, State::Unproven, EXPIRED));
                }
                None => {
                    let note = format!("from {} to {}: {EXPIRED}", window.start, window.end);
                    self.chains[at].tally.notes.push(note);
                }
            }
        }
    }

    /// Notes hours within a chain without a digest, save those that another trail attests.
    async fn find_gaps(&mut self, at: usize, attested: &[Spans]) {
        let others = union(attested, |other| other != at);
        for (window, detail) in std::mem::take(&mut self.chains[at].gaps) {
            let open = others.gaps(window);
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
    async fn find_tail(&mut self, at: usize, attested: &[Spans]) {
        let now = self.request.now;
        let fresh = now.saturating_sub(DIGEST_DELAY_MAX).unwrap_or(now);
        let chain = &self.chains[at];
        let Some(end) = chain.hourly.end().max(self.from).filter(|_| chain.hourly.end().is_some()) else { return };
        let tail = Window { start: end, end: self.request.to.unwrap_or(fresh) };
        if chain.is_past_range || tail.start >= tail.end {
            return;
        }
        if let Some(when) = self.deleted_after(at, tail).await {
            let detail = format!("the digest of this hour is gone: digests were deleted {when}");
            return self.note_all(at, gap(tail, Code::ChainTailMissing, State::Broken, &detail));
        }
        if let Some(why) = self.request.expected.as_ref().and_then(|known| known.left(&self.account, &self.region)) {
            return self.chains[at].tally.notes.push(format!("it ends at {end}: {why}"));
        }
        let successors = self.successors(at);
        let theirs = union(attested, |other| successors.contains(&other));
        let open = theirs.gaps(tail);
        self.note_successors(at, end, &successors, open.is_empty());
        let parts = [
            (
                Window { start: tail.start, end: tail.end.min(fresh) },
                Code::ChainTailMissing,
                "no digest of this hour came: logging was stopped, or the digest is gone",
            ),
            (
                Window { start: tail.start.max(fresh), end: tail.end.min(now) },
                Code::ChainTailMissing,
                "the digest of this hour is not due yet",
            ),
            (Window { start: tail.start.max(now), end: tail.end }, Code::RangeFuture, "the hour lies in the future"),
        ];
        for (part, code, detail) in parts {
            for window in open.iter().filter_map(|window| common(*window, part)) {
                self.note_all(at, gap(window, code, State::Unproven, detail));
            }
        }
    }

    fn note_all(&mut self, at: usize, findings: Vec<Finding>) {
        findings.into_iter().for_each(|finding| self.note(at, finding));
    }

    /// Returns the chains that may take over from one: trails that began while it was there, unless it should be there still.
    fn successors(&self, at: usize) -> BTreeSet<usize> {
        let chain = &self.chains[at];
        let is_wanted = self.request.expected.as_ref().is_some_and(|known| known.trails.contains(chain.id.0.as_str()));
        if is_wanted {
            return BTreeSet::new();
        }
        let began = chain.tally.start();
        let takes_over = |other: &super::chain_walk::ChainWalk| {
            let is_later = other.begins == Some(true) && other.tally.start() > began;
            is_later || chain.succeeded_by.as_ref() == Some(&other.id.0)
        };
        (0..self.chains.len()).filter(|&other| other != at && takes_over(&self.chains[other])).collect()
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

    /// Returns when S3 says that digests of a chain were deleted in a time; nothing when it does not say so.
    async fn deleted_after(&self, at: usize, tail: Window) -> Option<String> {
        let chain = &self.chains[at];
        let site = self.sites.all.get(chain.site())?;
        let store = site.store.as_ref();
        store.bucket()?;
        let mut days: Vec<String> = tail.hours().iter().map(|hour| day_folder(hour.end)).collect();
        days.dedup();
        for day in days.into_iter().take(GRAVE_DAYS_MAX) {
            let versions = store.versions(&format!("{}{day}/", site.scope.digest_prefix())).await.unwrap_or_default();
            let own = |key: DigestKey| (key.trail, key.home) == chain.id && key.end > tail.start;
            let mark = versions
                .iter()
                .filter(|version| version.is_delete_marker && version.is_latest)
                .find(|version| DigestKey::parse(&version.key).is_some_and(own));
            if let Some(mark) = mark {
                return Some(mark.modified.map_or_else(|| "at an unknown time".into(), |time| format!("at {time}")));
            }
        }
        None
    }

    /// Notes the hours that were asked for before the first digest of any trail.
    async fn find_head(&mut self) {
        let Some(asked) = self.request.from else { return };
        let earliest = (0..self.chains.len()).filter_map(|at| Some((self.chains[at].tally.start()?, at))).min();
        let Some((start, at)) = earliest.filter(|(start, _)| *start > asked) else { return };
        let kept = self.from.unwrap_or(asked);
        let expired = Window { start: asked, end: kept.min(start) };
        self.note_all(at, gap(expired, Code::ChainExpired, State::Unproven, EXPIRED));
        let detail = match self.chains[at].begins {
            Some(true) => format!(
                "the chain begins at {start} with a first digest: logging or log file validation was switched on then"
            ),
            _ => format!("the first digest that is there begins at {start}"),
        };
        let before = Window { start: asked.max(kept), end: start };
        let detail = match before.start < before.end {
            true => format!("{detail}{}", self.explain(at, Window { start, end: start }).await),
            false => detail,
        };
        self.note_all(at, gap(before, Code::ChainGap, State::Unproven, &detail));
    }

    /// Notes the parts of chains that say that they were delivered elsewhere, where nothing says that this place stands for
    /// that one: neither the user nor a signed link from a digest that lies where it belongs.
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
                        "CloudTrail delivered these digests to bucket {bucket}, prefix {prefix:?}; if this is a copy of that place, say so with --bucket {bucket}"
                    );
                    let (code, state, window) = (Code::ChainCopy, State::Unproven, Some(part.window));
                    chain.tally.finding_over(Finding { code, state, object: None, window, detail, next: None });
                }
            }
        }
    }
}

fn union(of: &[Spans], which: impl Fn(usize) -> bool) -> Spans {
    let mut all = Spans::default();
    of.iter().enumerate().filter(|(at, _)| which(*at)).flat_map(|(_, spans)| spans.iter()).for_each(|w| all.add(w));
    all
}

fn common(a: Window, b: Window) -> Option<Window> {
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    (start < end).then_some(Window { start, end })
}
