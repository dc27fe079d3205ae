//! Lists the log files of an account and region, in every place, and names those that no valid digest lists.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use futures::stream::StreamExt;
use jiff::Timestamp;

use crate::archive::{Fault, Listed};
use crate::log_path::{DAY_CHARS, Folder, LogKey, LogKind, day_folder};
use crate::logs::digest::chain::{gap, missing_before};
use crate::logs::finding::{Code, DAY, Finding, HOUR, State, TimeRange};

use super::chain_sites::{ChainSite, fingerprint};
use super::unlisted::{DELIVERY_SLACK, Unlisted, Why, finding};
use super::walk::Walk;

/// What the listing of one site's log files showed besides single findings.
#[derive(Default)]
struct Around {
    site: usize,
    /// The slots of the first and the last log file in the range.
    slots: Option<(Timestamp, Timestamp)>,
    count: u64,
    /// The first slot before all digests.
    before: Option<Timestamp>,
    /// The first day of the range, by its folder; those before are looked at for what belongs to it alone.
    first_day: Option<String>,
    /// Log files of a kind of which no digest lists any: how many, and the first one.
    of_unlisted_kind: Option<(u64, String)>,
}

impl Walk<'_> {
    /// Lists the log files and notes those that no digest lists.
    pub(super) async fn find_unlisted(&mut self) {
        let mut lone: Option<(Timestamp, Timestamp)> = None;
        let mut count = 0;
        for site in 0..self.sites.all.len() {
            self.beside_digests(site).await;
            let around = self.list_site(site).await;
            count += around.count;
            lone = match (lone, around.slots) {
                (Some((first, last)), Some((a, b))) => Some((first.min(a), last.max(b))),
                (known, more) => known.or(more),
            };
            if let Some(earliest) = around.before.filter(|_| self.resumed.is_none()) {
                self.before_digests(site, earliest);
            }
        }
        // Digests just around the range make a chain, and prove nothing of it.
        let has_no_hour = self.chains.iter().all(|chain| chain.tally.start().is_none());
        if has_no_hour && !self.is_stopped() {
            self.absent(count, lone);
        }
    }

    async fn list_site(&mut self, site: usize) -> Around {
        let mut around = Around { site, ..Around::default() };
        let mut kinds = self.sites.all[site].kinds.clone();
        kinds.insert(LogKind::CloudTrail);
        for kind in kinds {
            let listed = self.list_logs(kind, &mut around).await;
            if listed.is_ok() && kind == LogKind::CloudTrail && !self.is_stopped() {
                self.name_unmet(site);
            }
            if let Err(fault) = listed {
                let folder = self.sites.name(site, &self.sites.all[site].scope.log_prefix(kind));
                self.stray(Code::ChainUnlisted, format!("the log files below {folder} could not be listed: {fault}"));
            }
            if let Some((count, first)) = around.of_unlisted_kind.take() {
                let folder = kind.folder();
                let detail = format!(
                    "no digest lists any log file of {folder}, so that nothing proves them ({count} in the range)"
                );
                let (code, state, object) = (Code::LogUnlisted, State::Unproven, Some(first));
                self.strays.push(Finding { code, state, object, window: None, detail, next: None });
                self.count_unlisted(site, count);
            }
        }
        around
    }

    /// Notes the log files that earlier runs read and that the listing does not show any more, hour by hour. What a
    /// lifecycle rule deletes is expected.
    fn name_unmet(&mut self, site: usize) {
        let mut by_hour: BTreeMap<(usize, TimeRange), u64> = BTreeMap::new();
        for unmet in self.listings.take_unmet(site) {
            *by_hour.entry((unmet.chain, unmet.hour)).or_default() += 1;
        }
        for ((at, hour), count) in by_hour {
            let expiry = &self.sites.all[site].expiry;
            let edge = expiry.until.map(|until| until.saturating_add(HOUR).unwrap_or(until));
            if edge.is_some_and(|edge| hour.start <= edge) {
                continue;
            }
            let doubt = expiry.doubt_of(hour.start).map(str::to_owned);
            let state = if doubt.is_some() { State::Unproven } else { State::Broken };
            let doubt = doubt.map(|why| format!("; whether a lifecycle rule deleted them is not known: {why}"));
            let files = if count == 1 { "1 log file".to_owned() } else { format!("{count} log files") };
            let detail = format!(
                "{files} that the digest of this hour lists and an earlier run read are gone; a run with --recheck full names them{}",
                doubt.unwrap_or_default()
            );
            self.note(
                at,
                Finding { code: Code::LogMissing, state, object: None, window: Some(hour), detail, next: None },
            );
        }
    }

    fn count_unlisted(&mut self, site: usize, count: u64) {
        match self.chains.iter_mut().find(|chain| chain.sites.contains(&site)) {
            Some(chain) => chain.tally.logs_unlisted += count,
            None => self.listings.lone += count,
        }
    }

    async fn list_logs(&mut self, kind: LogKind, around: &mut Around) -> Result<(), Fault> {
        let prefix = self.sites.all[around.site].scope.log_prefix(kind);
        let from = self.request.from.max(self.logs_after(around.site));
        let store = std::sync::Arc::clone(&self.sites.all[around.site].store);
        if self.is_ranged() {
            self.beside_days(&store.level(&prefix).await?, around.site, &prefix);
        }
        // A file of around midnight may lie in the folder of the day beside its own.
        let day_before = |from: Timestamp| from.saturating_sub(DAY).unwrap_or(from);
        let scope = &self.sites.all[around.site].scope;
        let after = from.map(|from| scope.day_path(Folder::Logs(kind), day_before(from))).unwrap_or_default();
        let last_day = self.request.to.map(|to| day_folder(to.saturating_add(DAY).unwrap_or(to)));
        around.first_day = from.map(day_folder);
        let mut listed = store.list(&prefix, &after);
        while let Some(Some(listed)) = self.verifier.stop.run_until_cancelled(listed.next()).await {
            let listed = listed?;
            let day = listed.key.strip_prefix(&prefix).and_then(|rest| rest.get(..DAY_CHARS));
            if day.zip(last_day.as_deref()).is_some_and(|(day, last)| day > last) {
                break;
            }
            if self.meet_log(listed, kind, around).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Notes what lies beside the days' folders, where a listing of days does not come by.
    fn beside_days(&mut self, level: &crate::archive::Level, site: usize, prefix: &str) {
        let odd = level.folders.iter().filter(|folder| !is_in_year(&folder[prefix.len()..]));
        for object in odd.chain(level.objects.iter().filter(|key| !key.ends_with('/'))) {
            let finding = finding(self.sites.name(site, object), None, Why::Overdue);
            self.strays.push(finding);
            self.count_unlisted(site, 1);
        }
    }

    /// Tells whether a lifecycle rule has deleted the digests that may have listed a log file.
    fn is_expired(&self, slot: Timestamp, site: usize) -> bool {
        let is_older = |edge: Timestamp| slot <= edge.saturating_add(DELIVERY_SLACK).unwrap_or(edge);
        let expired = self.sites.all[site].expiry.until;
        let is_at_edge = |expired: Timestamp| slot.duration_since(expired).abs() <= DELIVERY_SLACK;
        self.quiet.is_some_and(is_older) || expired.is_some_and(is_at_edge)
    }

    /// Tells whether a log file whose name is older than what a lifecycle rule keeps was written when the rule kept
    /// what was written: CloudTrail wrote what it names at its time, and the rule has deleted that, or will. Copies do
    /// not tell.
    fn is_written_late(&self, listed: &Listed, site: usize) -> bool {
        let site = &self.sites.all[site];
        let edge = site.expiry.until.max(self.quiet).and_then(|edge| edge.checked_add(HOUR).ok());
        let written = listed.modified.filter(|_| site.store.bucket().is_some());
        written.zip(edge).is_some_and(|(written, edge)| written > edge)
    }

    fn meet_log(&mut self, listed: Listed, kind: LogKind, around: &mut Around) -> ControlFlow<()> {
        if let Some(modified) = listed.modified.filter(|_| self.sites.all[around.site].store.bucket().is_some()) {
            self.look_at_clock(modified);
        }
        let object = listed.key.clone();
        self.listings.meet(around.site, &object);
        if let Some((at, key)) = self.archived.remove(&fingerprint(&around.site.to_string(), &object))
            && let Some(chain) = self.chains.get_mut(at)
        {
            chain.tally.archived.add_bytes(&key, listed.size_bytes);
        }
        let scope = &self.sites.all[around.site].scope;
        let Some(key) = LogKey::parse(&object).filter(|key| key.scope == *scope) else {
            self.meet_foreign(&listed, kind, around);
            return ControlFlow::Continue(());
        };
        let slot = key.slot;
        let from = self.request.from.max(self.logs_after(around.site));
        if self.request.to.is_some_and(|to| slot > to) || from.is_some_and(|from| slot <= from) {
            return ControlFlow::Continue(());
        }
        if self.is_expired(slot, around.site) {
            if self.is_written_late(&listed, around.site) && !self.listings.names(around.site, &object) {
                self.note_unlisted(object, Some(slot), around.site, Why::WrittenLate);
            }
            return ControlFlow::Continue(());
        }
        around.count += 1;
        around.slots = Some(around.slots.map_or((slot, slot), |(first, last)| (first.min(slot), last.max(slot))));
        if !self.listings.names(around.site, &object) {
            self.judge_unlisted(object, slot, kind, around);
        }
        ControlFlow::Continue(())
    }

    /// Notes a file whose name is none of CloudTrail's, or which lies in the folder of another day. Readers of the
    /// folder (Athena, `zcat *`) read it all the same. The mark of a folder is empty.
    fn meet_foreign(&mut self, listed: &Listed, kind: LogKind, around: &Around) {
        let (object, site) = (&listed.key, around.site);
        let is_marker = object.ends_with('/') && listed.size_bytes == 0;
        // Beside the days it was noted already.
        let is_beside = self.is_ranged() && self.is_beside_days(object, site);
        let prefix = self.sites.all[site].scope.log_prefix(kind);
        let day = object.strip_prefix(&prefix).and_then(|rest| rest.get(..DAY_CHARS));
        let is_before = day.zip(around.first_day.as_deref()).is_some_and(|(day, first)| day < first);
        if !is_marker && !is_beside && !is_before && !self.listings.names(site, object) {
            self.note_unlisted(object.clone(), None, site, Why::Overdue);
        }
    }

    /// Notes an object among the digests that is none. Beside the days it is met again, where a range is looked at.
    pub(super) fn meet_odd(&mut self, site: usize, object: String) {
        let prefix = self.sites.all[site].scope.digest_prefix();
        let is_beside = object.strip_prefix(&prefix).is_some_and(|rest| !is_in_year(rest));
        if !(is_beside && self.is_ranged()) {
            self.odd.entry(site).or_insert((0, object)).0 += 1;
        }
    }

    /// Notes the objects among the digests that are none, once a place.
    pub(super) fn name_odd(&mut self) {
        for (site, (count, first)) in std::mem::take(&mut self.odd) {
            let folder = self.sites.name(site, &self.sites.all[site].scope.digest_prefix());
            let many = if count == 1 { "an object lies" } else { "objects lie" };
            let detail = format!("{many} among the digests that are none of CloudTrail's ({count} below {folder})");
            let (code, state, object) = (Code::LogUnlisted, State::Unproven, Some(self.sites.name(site, &first)));
            self.strays.push(Finding { code, state, object, window: None, detail, next: None });
        }
    }

    /// Notes what lies beside the days' folders of digests, where a listing of a range does not come by.
    async fn beside_digests(&mut self, site: usize) {
        let ChainSite { store, scope, .. } = self.sites.all[site].clone();
        let prefix = scope.digest_prefix();
        // That it cannot be listed was told by the walk.
        if let (Ok(level), true) = (store.level(&prefix).await, self.is_ranged()) {
            self.beside_days(&level, site, &prefix);
        }
    }

    fn is_ranged(&self) -> bool {
        self.from.is_some() || self.request.to.is_some() || self.resumed.is_some()
    }

    fn is_beside_days(&self, object: &str, site: usize) -> bool {
        let scope = &self.sites.all[site].scope;
        let rest = LogKind::ALL.iter().find_map(|kind| object.strip_prefix(&scope.log_prefix(*kind)));
        !rest.is_some_and(is_in_year)
    }

    fn judge_unlisted(&mut self, object: String, slot: Timestamp, kind: LogKind, around: &mut Around) {
        let now = self.request.now;
        let grace_end = now.saturating_sub(self.request.backfill_grace).unwrap_or(now);
        let site = around.site;
        let own = self.chains.iter().filter(|chain| chain.sites.contains(&site));
        let first_hour = own.filter_map(|chain| chain.tally.start()).min();
        let verdict = self.listings.judge(site, slot, first_hour, (grace_end, now));
        if verdict == Unlisted::Pending {
            match self.chains.iter_mut().find(|chain| chain.sites.contains(&site)) {
                Some(chain) => chain.tally.logs_pending += 1,
                None => self.listings.lone += 1,
            }
            return;
        }
        if !self.listings.list_kind(kind) {
            let (count, first) = around.of_unlisted_kind.take().unwrap_or((0, self.sites.name(site, &object)));
            around.of_unlisted_kind = Some((count + 1, first));
            return;
        }
        match verdict {
            Unlisted::Overdue => self.note_unlisted(object, Some(slot), site, Why::Overdue),
            Unlisted::Future => self.note_unlisted(object, Some(slot), site, Why::Future),
            Unlisted::BeforeDigests => {
                around.before = Some(around.before.map_or(slot, |earliest| earliest.min(slot)));
                self.note_unlisted(object, Some(slot), site, Why::NoDigest);
            }
            Unlisted::InGap => self.note_unlisted(object, Some(slot), site, Why::NoDigest),
            Unlisted::Pending => {}
        }
    }

    /// Notes an overdue log file in the chain whose digest should have listed it. Names do not tell the trail.
    fn note_unlisted(&mut self, object: String, slot: Option<Timestamp>, site: usize, why: Why) {
        self.count_unlisted(site, 1);
        if let Some(slot) = slot {
            self.unlisted_from = Some(self.unlisted_from.map_or(slot, |first| first.min(slot)));
        }
        let place = slot.and_then(|slot| {
            let own = self.chains.iter().enumerate().filter(|(_, chain)| chain.sites.contains(&site));
            own.filter_map(|(at, chain)| Some((at, chain.tally.hour_at(slot)?))).next()
        });
        let why = if self.listings.doubts(site, &object) { Why::Doubted } else { why };
        let finding = finding(self.sites.name(site, &object), place.map(|(_, window)| window), why);
        match place {
            Some((at, _)) => self.note(at, finding),
            None => self.strays.push(finding),
        }
    }

    fn absent(&mut self, count: u64, slots: Option<(Timestamp, Timestamp)>) {
        let window = match (self.request.from, self.request.to, slots) {
            (Some(start), Some(end), _) => Some(TimeRange { start, end }),
            (_, _, Some((first, last))) => Some(TimeRange { start: TimeRange::hour_until(first).start, end: last }),
            _ => None,
        };
        let detail = match count {
            0 => "there is neither a digest nor a log file in the range".to_owned(),
            count => format!("there is no digest, so that nothing proves the log files ({count} in the range)"),
        };
        let (code, state) = (Code::ChainAbsent, State::Unproven);
        self.strays.push(Finding { code, state, object: None, window, detail, next: None });
    }

    /// Notes the hours of log files that are older than every digest of a site: deleted digests when the oldest one
    /// that is left names a predecessor, else a time in which nothing was signed.
    fn before_digests(&mut self, site: usize, earliest: Timestamp) {
        let own = self.chains.iter().enumerate().filter(|(_, chain)| chain.sites.contains(&site));
        let first = own.filter_map(|(at, chain)| Some((chain.tally.start()?, at, chain.is_cut))).min();
        let Some((start, at, is_cut)) = first else { return };
        let hours_back = (start.as_second() - earliest.as_second()).div_euclid(3600) + 1;
        let first = Timestamp::from_second(start.as_second() - hours_back * 3600).unwrap_or(earliest);
        let findings = if is_cut {
            missing_before(start, first)
        } else {
            let detail = "log files of this hour are older than the chain's first digest; nothing proves them";
            gap(TimeRange { start: first, end: start }, Code::ChainGap, State::Unproven, detail)
        };
        for finding in findings {
            self.note(at, finding);
        }
    }
}

/// Tells whether the rest of a key, behind the region's folder, lies in the folder of a year.
fn is_in_year(rest: &str) -> bool {
    rest.split_once('/').is_some_and(|(year, _)| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
}
