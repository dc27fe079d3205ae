//! Has the log files of an account and region read, so many at a time, and notes what became of each.

use std::sync::Arc;

use futures::stream::StreamExt;
use jiff::Timestamp;

use crate::archive::inflate::hex;
use crate::log_path::{LogKey, LogKind};
use crate::logs::digest::chain::{Proof, ReadDigest};
use crate::logs::digest::document::DigestLogFile;
use crate::logs::finding::{Code, State, TimeRange};

use super::chain_cursor::Judged;
use super::chain_sites::{fingerprint, half};
use super::deferred::Replaced;
use super::expiry::READ_RULES;
use super::log_file::{Read, Task, check, task};
use super::replaced::REPLACED_MAX;
use super::unlisted::Unmet;
use super::walk::{Checked, Walk};

impl Walk<'_> {
    /// Starts to check the log files that a digest lists.
    pub(super) async fn check_logs(&mut self, at: usize, judged: &Judged) {
        let Ok(content) = &judged.seen.content else { return };
        let segment = self.chains[at].segment_of(judged);
        let was_read = self.was_read(judged, &hex(&content.sha256));
        let is_proved = judged.proof == Proof::Proved;
        for file in &content.digest.log_files {
            if was_read && !self.request.is_in_sample(&file.object) {
                if is_proved {
                    self.chains[at].attest_log(segment);
                    self.expect(at, file, judged.at, &judged.seen);
                }
                continue;
            }
            let place = self.sites.locate(file, judged.at, &judged.seen);
            match task(file, place, judged.window, is_proved, segment) {
                Ok(task) => self.start(at, task).await,
                Err(finding) => self.note(at, finding),
            }
        }
    }

    /// Notes that the listing must show a log file that an earlier run read. `from` is the site of the digest that
    /// lists it.
    pub(super) fn expect(&mut self, chain: usize, file: &DigestLogFile, from: usize, seen: &ReadDigest) {
        let Some((site, object)) = self.sites.locate(file, from, seen) else { return };
        if LogKey::parse(&object).is_some_and(|key| key.kind == LogKind::CloudTrail) {
            self.listings.expect(half(&object), Unmet { site, chain, hour: seen.window() });
        }
    }

    /// Starts to check a log file once there is room for one more.
    async fn start(&mut self, at: usize, task: Task) {
        *self.open_hours.entry((at, task.window)).or_default() += 1;
        if self.is_stopped() {
            return;
        }
        if self.running.len() >= self.request.logs_at_once.max(1)
            && let Some(Some(done)) = self.verifier.stop.run_until_cancelled(self.running.next()).await
        {
            self.absorb_log(done);
        }
        let Some(site) = self.sites.all.get(task.site) else { return };
        let store = Arc::clone(&site.store);
        self.running.push(tokio::spawn(async move {
            let (task, finding, bytes) = check(store, task).await;
            (at, task, finding, bytes)
        }));
    }

    /// Notes what became of the reading of a log file.
    pub(super) fn absorb_log(&mut self, done: Result<Checked, tokio::task::JoinError>) {
        match done {
            Ok((at, task, finding, bytes)) => {
                self.close(at, task.window);
                let slot = LogKey::parse(&task.object).map(|key| key.slot);
                let chain = &mut self.chains[at];
                if let Some(bytes) = bytes {
                    chain.tally.logs_read += 1;
                    chain.tally.bytes += bytes;
                    let first = self.first_read.entry(task.site).or_insert(Timestamp::MAX);
                    *first = slot.map_or(*first, |slot| slot.min(*first));
                }
                match finding {
                    Read::Attested if task.digest_is_proved => chain.attest_log(task.segment),
                    Read::Attested => {}
                    Read::Found(mut finding, replaced) => {
                        finding.object = Some(self.sites.name(task.site, &task.object));
                        let doubt = slot.filter(|slot| self.sites.all[task.site].expiry.doubt_of(*slot).is_some());
                        if let Some(slot) = doubt.filter(|_| finding.code == Code::LogMissing && replaced.is_none()) {
                            return self.missing.push((at, task.site, slot, *finding));
                        }
                        match replaced.filter(|_| self.replaced.len() < REPLACED_MAX) {
                            Some(when) => {
                                let (site, object) = (task.site, task.object);
                                self.replaced.push(Replaced { chain: at, finding: *finding, site, object, when });
                            }
                            None => self.note(at, *finding),
                        }
                    }
                    Read::Archived(class) => {
                        chain.tally.hour(task.window, State::Unproven);
                        let key = (Code::LogArchived, task.site, class);
                        chain.tally.archived.note(key.clone(), &task.object, task.window, 0);
                        self.archived.insert(fingerprint(&task.site.to_string(), &task.object), (at, key));
                    }
                }
            }
            Err(error) => self.stray(Code::LogUnreadable, format!("the check of a log file was stopped: {error}")),
        }
    }

    /// Notes the log files that are gone where it is not known whether a lifecycle rule deleted them: a rule deletes
    /// the oldest first.
    pub(super) fn judge_missing(&mut self) {
        for (at, site, slot, mut finding) in std::mem::take(&mut self.missing) {
            let expiry = &self.sites.all[site].expiry;
            let is_oldest = self.first_read.get(&site).is_none_or(|first| slot < *first);
            if let Some(why) = expiry.doubt_of(slot).filter(|_| is_oldest || expiry.is_by_parts()) {
                finding.state = State::Unproven;
                finding.detail.push_str(&format!("; whether a lifecycle rule deleted it is not known: {why}"));
                finding.next = Some(READ_RULES.into());
            }
            self.note(at, finding);
        }
    }

    /// Notes that a log file of an hour was read.
    fn close(&mut self, at: usize, window: TimeRange) {
        if let Some(open) = self.open_hours.get_mut(&(at, window)) {
            *open -= 1;
            if *open == 0 {
                self.open_hours.remove(&(at, window));
            }
        }
    }
}
