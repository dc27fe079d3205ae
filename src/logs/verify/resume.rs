//! How a run goes on where earlier runs ended: which chains it takes up, and what it need not read again.
//!
//! Only what an earlier run proved without a hole counts, from the time on from which it looked: an hour that no run
//! read is read now.

use jiff::Timestamp;

use crate::log_path::{ChainScope, DigestKey};
use crate::logs::finding::{Code, State, TimeRange};

use super::Recheck;
use super::chain_cursor::Judged;
use super::chain_mark::{ChainMark, Since};
use super::chain_sites::ChainSite;
use super::chain_walk::ChainWalk;
use super::digest_folder::HeldDigest;
use super::unlisted::DELIVERY_SLACK;
use super::walk::{ANOTHER, Walk};

impl Walk<'_> {
    /// Takes up the chains where earlier runs ended, as far as those looked at all that is asked for now.
    pub(super) fn take_up(&mut self) {
        if self.request.recheck != Recheck::Nothing {
            return;
        }
        let mut is_whole = true;
        for (scope, mark) in self.marks.clone() {
            let Some(key) = DigestKey::parse(&mark.object) else { continue };
            // A range before or after the mark is looked at for itself.
            let is_before = self.request.to.is_some_and(|to| to < mark.end);
            let is_after = self.from.is_some_and(|from| from > mark.end);
            let site = self.site_of_mark(scope, mark).filter(|_| mark.since.covers(self.from));
            match site.filter(|_| !is_before && !is_after) {
                Some(at) => self.chains.push(ChainWalk::new((key.trail, key.home), at, Some(mark), mark.since)),
                None => is_whole = false,
            }
        }
        let Some(oldest) = self.chains.iter().filter_map(|chain| chain.start).min().filter(|_| is_whole) else {
            return;
        };
        self.resumed = match self.request.open_of(&self.account, &self.region) {
            None => Some(oldest),
            // The hour of its first digest ends after this.
            Some(Some(first)) => Some(oldest.min(first)),
            Some(None) => None,
        };
    }

    /// Returns the site at which the digest of a mark lies.
    fn site_of_mark(&self, scope: &ChainScope, mark: &ChainMark) -> Option<usize> {
        let sites = &self.sites.all;
        let is_place = |site: &ChainSite| mark.places.last() == Some(&site.place());
        let is_scope = |site: &ChainSite| site.scope == *scope;
        sites.iter().position(|site| is_place(site) && is_scope(site)).or_else(|| sites.iter().position(is_scope))
    }

    /// Returns the time after which log files of a site are looked at; those before it were, by earlier runs. Just
    /// after it, digests that are not read again may have listed some.
    pub(super) fn logs_after(&self, site: usize) -> Option<Timestamp> {
        self.resumed?;
        let newest = |of: &dyn Fn(&ChainWalk) -> bool| {
            self.chains.iter().filter(|chain| of(chain)).filter_map(|chain| chain.start).max()
        };
        let end = newest(&|chain| chain.sites.contains(&site)).or_else(|| newest(&|_| true))?;
        let start = TimeRange::hour_until(end).start;
        Some(start.saturating_add(DELIVERY_SLACK).unwrap_or(start))
    }

    /// Meets the digest at which an earlier run ended: it must be what it was, and tells what it lists.
    pub(super) fn meet_mark(&mut self, at: usize, held: &HeldDigest) {
        let Some(mark) = self.chains[at].awaited.take() else { return };
        self.sites.meet(held.at, &held.seen);
        self.chains[at].lies_at(held.at);
        if ChainWalk::is_as_marked(&mark, &held.seen) {
            self.chains[at].known.confirm(mark.end);
            let logs = held.seen.content.as_ref().map_or(0, |content| content.digest.log_files.len());
            self.chains[at].count_logs(held.seen.window(), logs as u64);
            self.name_logs(held.at, &held.seen);
            let files =
                held.seen.content.as_ref().map(|content| content.digest.log_files.as_slice()).unwrap_or_default();
            files.iter().for_each(|file| self.expect(at, file, held.at, &held.seen));
        } else {
            let finding = match &held.seen.content {
                Ok(_) => held.seen.finding(Code::DigestLinkMismatch, State::Broken, ANOTHER),
                Err(unread) => held.seen.finding(unread.code, unread.state, unread.reason.clone()),
            };
            self.note(at, finding);
        }
    }

    /// Tells whether an earlier run read the log files of a digest and attested them.
    pub(super) fn was_read(&self, judged: &Judged, sha256: &str) -> bool {
        let key = &judged.seen.key;
        let is_of = |mark: &ChainMark| {
            DigestKey::parse(&mark.object).is_some_and(|of| of.below("") == DigestKey { end: of.end, ..key.below("") })
        };
        let is_after_start = |mark: &ChainMark| mark.since.covers(Some(judged.window.start));
        let until = |mark: &ChainMark| judged.window.end <= mark.end && is_after_start(mark) && is_of(mark);
        let is_told =
            |mark: &ChainMark| mark.since != Since::Unknown && mark.recent.iter().any(|read| read.sha256 == sha256);
        self.marks.iter().any(|(_, mark)| is_told(mark) || until(mark))
    }
}
