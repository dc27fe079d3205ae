//! Lists the log files of an account and region, in every place, and names those that no valid digest lists.

use std::ops::ControlFlow;

use futures::stream::StreamExt;
use jiff::{SignedDuration, Timestamp};

use crate::logs::digest::chain::{gap, missing_before};
use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::key::{LogKey, LogKind, day_folder};
use crate::logs::store::{Fault, Listed};

use super::site::fingerprint;
use super::unlisted::{DELIVERY_SLACK, Unlisted, finding};
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
    /// Log files of a kind of which no digest lists any: how many, and the first one.
    of_unlisted_kind: Option<(u64, String)>,
}

impl Walk<'_> {
    /// Lists the log files and notes those that no digest lists.
    pub(super) async fn find_unlisted(&mut self) {
        let mut lone: Option<(Timestamp, Timestamp)> = None;
        let mut count = 0;
        for site in 0..self.sites.all.len() {
            let is_proved_before = self.request.is_incremental() && self.listings.start(site).is_none();
            if is_proved_before && !self.chains.is_empty() {
                continue;
            }
            let around = self.list_site(site).await;
            count += around.count;
            lone = match (lone, around.slots) {
                (Some((first, last)), Some((a, b))) => Some((first.min(a), last.max(b))),
                (known, more) => known.or(more),
            };
            if let Some(earliest) = around.before.filter(|_| !self.request.is_incremental()) {
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
            if let Err(fault) = self.list_logs(kind, &mut around).await {
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

    fn count_unlisted(&mut self, site: usize, count: u64) {
        match self.chains.iter_mut().find(|chain| chain.sites.contains(&site)) {
            Some(chain) => chain.tally.logs_unlisted += count,
            None => self.listings.lone += count,
        }
    }

    async fn list_logs(&mut self, kind: LogKind, around: &mut Around) -> Result<(), Fault> {
        let prefix = self.sites.all[around.site].scope.log_prefix(kind);
        let from = if self.request.is_incremental() { self.listings.start(around.site) } else { None };
        let from = self.from.max(from);
        let store = std::sync::Arc::clone(&self.sites.all[around.site].store);
        if from.is_some() || self.request.to.is_some() {
            self.beside_days(&store.level(&prefix).await?, around.site, &prefix);
        }
        let after = from.map(|from| format!("{prefix}{}", day_folder(from))).unwrap_or_default();
        // A file of around midnight may lie in the next day's folder.
        let day_after = |to: Timestamp| to.saturating_add(SignedDuration::from_hours(24)).unwrap_or(to);
        let last_day = self.request.to.map(|to| day_folder(day_after(to)));
        let mut listed = store.list(&prefix, &after);
        while let Some(Some(listed)) = self.verifier.stop.unless(listed.next()).await {
            let listed = listed?;
            let day = listed.key.strip_prefix(&prefix).and_then(|rest| rest.get(.."YYYY/MM/DD".len()));
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
    fn beside_days(&mut self, level: &crate::logs::store::Level, site: usize, prefix: &str) {
        let is_year = |folder: &String| {
            let year = folder[prefix.len()..].trim_end_matches('/');
            year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit())
        };
        let odd = level.folders.iter().filter(|folder| !is_year(folder));
        for object in odd.chain(level.objects.iter().filter(|key| !key.ends_with('/'))) {
            let finding = finding(self.sites.name(site, object), None, true);
            self.strays.push(finding);
            self.count_unlisted(site, 1);
        }
    }

    /// Tells whether a lifecycle rule of a site has just deleted the digests that may have listed a log file.
    fn is_at_expiry(&self, slot: Timestamp, site: usize) -> bool {
        let expired = self.sites.all[site].expired;
        expired.is_some_and(|expired| slot.duration_since(expired).abs() <= DELIVERY_SLACK)
    }

    fn meet_log(&mut self, listed: Listed, kind: LogKind, around: &mut Around) -> ControlFlow<()> {
        if let Some(modified) = listed.modified.filter(|_| self.sites.all[around.site].store.bucket().is_some()) {
            self.look_at_clock(modified);
        }
        let object = listed.key;
        if let Some((at, key)) = self.archived.remove(&fingerprint(&around.site.to_string(), &object))
            && let Some(chain) = self.chains.get_mut(at)
        {
            chain.tally.archived.add_bytes(&key, listed.size_bytes);
        }
        let scope = &self.sites.all[around.site].scope;
        let Some(key) = LogKey::parse(&object).filter(|key| key.scope == *scope) else {
            self.meet_foreign(object, around.site);
            return ControlFlow::Continue(());
        };
        let slot = key.slot;
        // Just after where digests begin that are read now, those before them may have listed it.
        let proved = if self.request.is_incremental() { self.listings.start(around.site) } else { None };
        let quiet = self.quiet.max(proved).and_then(|time| time.checked_add(DELIVERY_SLACK).ok());
        let is_outside =
            self.request.to.is_some_and(|to| slot > to) || self.from.max(quiet).is_some_and(|from| slot <= from);
        if is_outside || self.is_at_expiry(slot, around.site) {
            return ControlFlow::Continue(());
        }
        around.count += 1;
        around.slots = Some(around.slots.map_or((slot, slot), |(first, last)| (first.min(slot), last.max(slot))));
        if !self.listings.names(around.site, &object) {
            self.judge_unlisted(object, slot, kind, around);
        }
        ControlFlow::Continue(())
    }

    /// Notes a file whose name is none of CloudTrail's. Readers of the folder (Athena, `zcat *`) read it all the same.
    fn meet_foreign(&mut self, object: String, site: usize) {
        let is_marker = object.ends_with('/');
        // Beside the days it was noted already.
        let is_beside = (self.from.is_some() || self.request.to.is_some()) && self.is_beside_days(&object, site);
        if !is_marker && !is_beside {
            self.note_unlisted(object, None, site, true);
        }
    }

    fn is_beside_days(&self, object: &str, site: usize) -> bool {
        let scope = &self.sites.all[site].scope;
        let rest = LogKind::ALL.iter().find_map(|kind| object.strip_prefix(&scope.log_prefix(*kind)));
        let year = rest.and_then(|rest| rest.split_once('/')).map(|(year, _)| year);
        !year.is_some_and(|year| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
    }

    fn judge_unlisted(&mut self, object: String, slot: Timestamp, kind: LogKind, around: &mut Around) {
        let now = self.request.now;
        let grace_end = now.saturating_sub(self.request.backfill_grace).unwrap_or(now);
        let site = around.site;
        let own = self.chains.iter().filter(|chain| chain.sites.contains(&site));
        let first_hour = own.filter_map(|chain| chain.tally.start()).min();
        let verdict = self.listings.judge(site, slot, first_hour, grace_end);
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
            Unlisted::Overdue => self.note_unlisted(object, Some(slot), site, true),
            Unlisted::BeforeDigests => {
                around.before = Some(around.before.map_or(slot, |earliest| earliest.min(slot)));
                self.note_unlisted(object, Some(slot), site, false);
            }
            Unlisted::InGap => self.note_unlisted(object, Some(slot), site, false),
            Unlisted::Pending => {}
        }
    }

    /// Notes an overdue log file in the chain whose digest should have listed it. Names do not tell the trail.
    fn note_unlisted(&mut self, object: String, slot: Option<Timestamp>, site: usize, is_covered: bool) {
        self.count_unlisted(site, 1);
        let place = slot.and_then(|slot| {
            let own = self.chains.iter().enumerate().filter(|(_, chain)| chain.sites.contains(&site));
            own.filter_map(|(at, chain)| Some((at, chain.tally.hour_at(slot)?))).next()
        });
        let finding = finding(self.sites.name(site, &object), place.map(|(_, window)| window), is_covered);
        match place {
            Some((at, _)) => self.note(at, finding),
            None => self.strays.push(finding),
        }
    }

    fn absent(&mut self, count: u64, slots: Option<(Timestamp, Timestamp)>) {
        let window = match (self.request.from, self.request.to, slots) {
            (Some(start), Some(end), _) => Some(Window { start, end }),
            (_, _, Some((first, last))) => Some(Window { start: Window::hour_until(first).start, end: last }),
            _ => None,
        };
        let detail = match count {
            0 => "there is neither a digest nor a log file in the range".to_owned(),
            count => format!("there is no digest, so that nothing proves the log files ({count} in the range)"),
        };
        let (code, state) = (Code::ChainAbsent, State::Unproven);
        self.strays.push(Finding { code, state, object: None, window, detail, next: None });
    }

    /// Notes the hours of log files that are older than every digest of a site: deleted digests when the oldest one that is
    /// left names a predecessor, else a time in which nothing was signed.
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
            gap(Window { start: first, end: start }, Code::ChainGap, State::Unproven, detail)
        };
        for finding in findings {
            self.note(at, finding);
        }
    }
}
