//! What lies around the digests of an account and region: the hours after the newest one, log files that no digest lists,
//! and regions without any digest.

use std::ops::ControlFlow;

use futures::stream::StreamExt;
use jiff::Timestamp;

use crate::logs::digest::chain::{gap, missing_before};
use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::key::{DigestKey, LogKey, LogKind, day_folder};
use crate::logs::store::{Fault, Listed};

use super::DIGEST_DELAY_MAX;
use super::unlisted::{Unlisted, finding};
use super::walk::{ChainId, Walk};

/// How many days after the newest digest are searched for marks of deleted ones.
const GRAVE_DAYS_MAX: usize = 3;

/// What the listing of log files showed besides single findings.
#[derive(Default)]
struct Around {
    /// The slots of the first and the last log file in the range.
    slots: Option<(Timestamp, Timestamp)>,
    count: u64,
    /// The first slot before all digests, and how many log files are there.
    before: Option<(Timestamp, u64)>,
}

impl Walk<'_> {
    /// Returns up to when digests must have come.
    fn due(&self) -> Timestamp {
        let fresh = self.request.now.saturating_sub(DIGEST_DELAY_MAX).unwrap_or(self.request.now);
        self.request.to.map_or(fresh, |to| to.min(fresh))
    }

    /// Notes the hours after a chain's newest digest whose digests should be there.
    pub(super) async fn find_tail(&mut self, id: &ChainId) {
        let due = self.due();
        let Some(chain) = self.chains.get(id) else { return };
        let end = chain.hourly.end().max(self.request.from);
        if chain.is_past_range || self.is_stopped() {
            return;
        }
        let Some(end) = end.filter(|end| *end < due) else { return };
        let tail = Window { start: end, end: due };
        let (state, detail) = match self.deleted_after(id, tail).await {
            Some(when) => (State::Broken, format!("the digest of this hour is gone: digests were deleted {when}")),
            None => (State::Unproven, "no digest of this hour came: logging was stopped, or the digest is gone".into()),
        };
        for finding in gap(tail, Code::ChainTailMissing, state, &detail) {
            self.note(id, finding);
        }
    }

    /// Returns when S3 says that digests of a chain were deleted in a time; nothing when it does not say so.
    async fn deleted_after(&self, id: &ChainId, tail: Window) -> Option<String> {
        let store = self.verifier.store.as_ref();
        store.bucket()?;
        let mut days: Vec<String> = tail.hours().iter().map(|hour| day_folder(hour.end)).collect();
        days.dedup();
        for day in days.into_iter().take(GRAVE_DAYS_MAX) {
            let versions = store.versions(&format!("{}{day}/", self.scope.digest_prefix())).await.unwrap_or_default();
            let own = |key: DigestKey| (key.trail, key.home) == *id && key.end > tail.start;
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

    /// Lists the log files and notes those that no digest lists.
    pub(super) async fn find_unlisted(&mut self) {
        let is_all_proved_before = self.request.is_incremental() && self.listings.start().is_none();
        if is_all_proved_before && !self.chains.is_empty() {
            return;
        }
        let kinds = if self.chains.is_empty() { LogKind::ALL.to_vec() } else { self.listings.kinds() };
        let mut around = Around::default();
        for kind in kinds {
            if let Err(fault) = self.list_logs(kind, &mut around).await {
                self.stray(Code::ChainUnlisted, format!("the log files could not be listed: {fault}"));
            }
        }
        if self.chains.is_empty() {
            self.absent(&around);
        } else if let Some((earliest, count)) = around.before
            && !self.request.is_incremental()
        {
            self.before_digests(earliest, count);
        }
    }

    async fn list_logs(&mut self, kind: LogKind, around: &mut Around) -> Result<(), Fault> {
        let prefix = self.scope.log_prefix(kind);
        let from = if self.request.is_incremental() { self.listings.start() } else { None };
        let after = self.request.from.max(from).map(|from| format!("{prefix}{}", day_folder(from))).unwrap_or_default();
        let mut listed = self.verifier.store.list(&prefix, &after);
        while let Some(Some(listed)) = self.verifier.stop.unless(listed.next()).await {
            if self.meet_log(listed?, around).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn meet_log(&mut self, listed: Listed, around: &mut Around) -> ControlFlow<()> {
        let object = listed.key;
        let Some(key) = LogKey::parse(&object).filter(|key| key.scope == self.scope) else {
            if object.ends_with(".json.gz") {
                self.note_unlisted(object, None);
            }
            return ControlFlow::Continue(());
        };
        let slot = key.slot;
        if self.request.to.is_some_and(|to| slot > to) {
            return ControlFlow::Break(());
        }
        if self.request.from.is_some_and(|from| slot <= from) {
            return ControlFlow::Continue(());
        }
        around.count += 1;
        around.slots = Some(around.slots.map_or((slot, slot), |(first, last)| (first.min(slot), last.max(slot))));
        if !self.listings.names(&object) {
            self.judge_unlisted(object, slot, around);
        }
        ControlFlow::Continue(())
    }

    fn judge_unlisted(&mut self, object: String, slot: Timestamp, around: &mut Around) {
        let now = self.request.now;
        let grace_end = now.saturating_sub(self.request.backfill_grace).unwrap_or(now);
        let first_hour = self.chains.values().filter_map(|chain| chain.tally.start()).min();
        match self.listings.judge(slot, first_hour, grace_end) {
            Unlisted::Overdue => self.note_unlisted(object, Some(slot)),
            Unlisted::Pending => {
                if let Some(chain) = self.chains.values_mut().next() {
                    chain.tally.logs_pending += 1;
                }
            }
            Unlisted::BeforeDigests => {
                let (earliest, count) = around.before.unwrap_or((slot, 0));
                around.before = Some((earliest.min(slot), count + 1));
            }
            Unlisted::InGap => {}
        }
    }

    /// Notes an overdue log file in the chain whose digest should have listed it. Names do not tell the trail.
    fn note_unlisted(&mut self, object: String, slot: Option<Timestamp>) {
        let hour = |chain: &super::walk::ChainWalk| slot.and_then(|slot| chain.tally.hour_at(slot));
        let place = self.chains.iter().find_map(|(id, chain)| Some((id.clone(), hour(chain)?)));
        let finding = finding(object, place.as_ref().map(|(_, window)| *window));
        match place {
            Some((id, _)) => self.note(&id, finding),
            None => self.strays.push(finding),
        }
    }

    fn absent(&mut self, around: &Around) {
        let window = match (self.request.from, self.request.to, around.slots) {
            (Some(start), Some(end), _) => Some(Window { start, end }),
            (_, _, Some((first, last))) => Some(Window { start: Window::hour_until(first).start, end: last }),
            _ => None,
        };
        let detail = match around.count {
            0 => "there is neither a digest nor a log file in the range".to_owned(),
            count => format!("there is no digest, so that nothing proves the log files ({count} in the range)"),
        };
        let (code, state) = (Code::ChainAbsent, State::Unproven);
        self.strays.push(Finding { code, state, object: None, window, detail });
    }

    /// Notes the hours of log files that are older than every digest: deleted digests when the oldest one that is left
    /// names a predecessor, else a time in which nothing was signed.
    fn before_digests(&mut self, earliest: Timestamp, count: u64) {
        let Some((id, start, is_cut)) = self
            .chains
            .iter()
            .filter_map(|(id, chain)| Some((id.clone(), chain.tally.start()?, chain.is_cut)))
            .min_by_key(|(_, start, _)| *start)
        else {
            return;
        };
        let hours_back = (start.as_second() - earliest.as_second()).div_euclid(3600) + 1;
        let first = Timestamp::from_second(start.as_second() - hours_back * 3600).unwrap_or(earliest);
        let findings = if is_cut {
            missing_before(start, first)
        } else {
            let detail = format!("{count} log files are older than the chain's first digest; nothing proves them");
            gap(Window { start: first, end: start }, Code::ChainGap, State::Unproven, &detail)
        };
        for finding in findings {
            self.note(&id, finding);
        }
    }
}
