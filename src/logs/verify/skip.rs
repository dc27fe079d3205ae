//! Passes by digests that the listing shows to be those that an earlier run read and proved.

use jiff::Timestamp;

use crate::archive::Listed;
use crate::log_path::DigestKey;
use crate::logs::finding::TimeRange;

use super::chain_mark::ChainMark;
use super::chain_sites::ChainSite;
use super::chain_walk::{ChainWalk, origin};
use super::digest_folder::{FolderEntry, read_entry};
use super::recent::anchor;
use super::unchanged::Skipped;
use super::unlisted::{DELIVERY_SLACK, Unmet};
use super::walk::Walk;

impl Walk<'_> {
    /// Returns the digests that are not read while the listing shows them unchanged.
    pub(super) fn skipped(&self) -> Skipped {
        let of_mark = |chain: &ChainWalk| {
            let key = chain.awaited.as_ref().and_then(|mark| DigestKey::parse(&mark.object));
            let went_through = |site: &ChainSite| chain.places.contains(&site.place());
            let passed = self.sites.all.iter().enumerate().filter(|(_, site)| went_through(site)).map(|(at, _)| at);
            let sites: Vec<usize> = passed.chain([chain.site()]).collect();
            key.into_iter()
                .flat_map(|key| sites.iter().map(move |at| ((*at, chain.id.clone()), key.clone())).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let marks = self.chains.iter().flat_map(of_mark).collect();
        if !self.request.skips_unchanged {
            return Skipped { marks, ..Skipped::default() };
        }
        let of_chain = |(at, chain): (usize, &ChainWalk)| {
            let site = chain.site();
            let own = chain.known.skipped().filter(|mark| self.is_in_range(site, mark.end) && self.is_own(site, mark));
            let entry = |mark: &ChainMark| Some(((site, mark.object.clone()), (at, mark.as_listed.clone()?)));
            own.filter_map(entry).collect::<Vec<_>>()
        };
        Skipped { unchanged: self.chains.iter().enumerate().flat_map(of_chain).collect(), marks }
    }

    /// Tells whether an hour lies so far within what is looked at that nothing about its digest depends on an edge.
    fn is_in_range(&self, site: usize, end: Timestamp) -> bool {
        let start = TimeRange::hour_until(end).start;
        let early = start.saturating_sub(DELIVERY_SLACK).unwrap_or(start);
        let edge = self.from.max(self.sites.all.get(site).and_then(|site| site.expiry.until));
        edge.is_none_or(|edge| early > edge) && self.request.to.is_none_or(|to| end <= to)
    }

    /// Tells whether a site is where CloudTrail delivered a digest: of two places with the same keys only one is.
    fn is_own(&self, site: usize, mark: &ChainMark) -> bool {
        let site = self.sites.all.get(site);
        site.zip(origin(mark)).is_some_and(|(site, origin)| site.is_own(&origin))
    }

    /// Takes a digest that is listed as an earlier run read it. Where that does not tell all, it is read after all.
    pub(super) async fn take_skipped(&mut self, at: usize, listed: Listed) {
        let chain = &self.chains[at];
        let site = chain.site();
        if chain.awaited.as_ref().is_some_and(|mark| mark.object == listed.key) {
            return self.pass_mark(at, site, &listed.key);
        }
        if let Some(mark) = chain.known.next(&listed.key).filter(|_| !chain.is_past_range).cloned() {
            return self.pass(at, site, mark).await;
        }
        let place = &self.sites.all[site];
        let (store, scope) = (std::sync::Arc::clone(&place.store), place.scope.clone());
        if let FolderEntry::Digest(held) = read_entry(site, store, scope, listed).await {
            self.take(*held).await;
        }
    }

    /// Passes the digest at which an earlier run ended.
    fn pass_mark(&mut self, at: usize, site: usize, object: &str) {
        let chain = &mut self.chains[at];
        chain.awaited = None;
        if let Some(mark) = chain.known.first(object).cloned() {
            chain.known.confirm(mark.end);
            let logs = self.name_skipped(at, site, &mark);
            self.chains[at].count_logs(TimeRange::hour_until(mark.end), logs as u64);
        }
    }

    /// Passes a digest of the last hours.
    async fn pass(&mut self, at: usize, site: usize, mark: ChainMark) {
        let track = &mut self.chains[at].hourly;
        if let Some(judged) = track.pass(anchor(&mark), &self.verifier.keys, &self.sites, self.from).await {
            self.absorb(at, judged).await;
        }
        let logs = self.name_skipped(at, site, &mark);
        self.chains[at].note_skipped(site, mark, logs);
    }

    /// Notes which log files a digest lists, and that it is about its hour. Returns how many they are.
    fn name_skipped(&mut self, chain: usize, site: usize, mark: &ChainMark) -> usize {
        self.look_at_clock(mark.end);
        if let Some(origin) = origin(mark) {
            self.sites.meet_delivered(site, &origin, &mark.object);
        }
        self.listings.cover(site, TimeRange::hour_until(mark.end));
        let unmet = Unmet { site, chain, hour: TimeRange::hour_until(mark.end) };
        let logs = mark.as_listed.iter().flat_map(|listed| &listed.logs).flatten();
        logs.inspect(|print| {
            self.listings.name_print(site, **print);
            self.listings.expect(**print, unmet);
        })
        .count()
    }
}
