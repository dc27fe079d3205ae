//! Walks one account x region: all chains of its digests from old to new, their log files, and what no digest lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{BoxStream, FuturesUnordered, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::ids::{Region, TrailName};
use crate::logs::digest::chain::{Anchor, Content, Proof, Record, Seen, Unread};
use crate::logs::digest::document::Digest;
use crate::logs::finding::{Code, Finding, State, Window};
use crate::logs::inflate::{DIGEST_INFLATED_BYTES_MAX, inflate, unhex};
use crate::logs::key::{DigestKey, Key, Scope, day_folder};
use crate::logs::store::{Fault, FaultKind, Listed, Object, Store};

use super::answer::{Chain, Mark, Tally};
use super::log_file::{Task, check, task};
use super::track::{Bounds, Judged, Track};
use super::unlisted::Listings;
use super::{Request, Verifier};

/// How many digests of one account and region are read ahead.
const DIGESTS_AHEAD: usize = 16;
/// How far behind the range's end the digest may end that still shows the last one's signature.
const WITNESS_SPAN: SignedDuration = SignedDuration::from_hours(25);

pub(super) type ChainId = (TrailName, Region);
type Checked = (ChainId, Task, Option<Finding>);

/// One trail's chain in the account and region.
#[derive(Default)]
pub(super) struct ChainWalk {
    pub(super) hourly: Track,
    backfill: Track,
    pub(super) tally: Tally,
    /// The newest proved digest of each day, from old to new.
    marks: Vec<Mark>,
    /// The end of what an earlier run proved.
    start: Option<Timestamp>,
    /// Whether the first digest names a predecessor that is gone.
    pub(super) is_cut: bool,
    /// Whether a digest beyond the range was met, so that the chain does not end within it.
    pub(super) is_past_range: bool,
}

/// The walk of one account x region.
pub(super) struct Walk<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) request: &'a Request,
    pub(super) scope: Scope,
    bounds: Bounds,
    pub(super) chains: BTreeMap<ChainId, ChainWalk>,
    pub(super) listings: Listings,
    running: FuturesUnordered<JoinHandle<Checked>>,
    /// How many log files of an hour are being read.
    open_hours: BTreeMap<(ChainId, Window), usize>,
    /// Findings that belong to no chain in particular.
    pub(super) strays: Vec<Finding>,
}

/// What a key in the folder of digests turned out to be.
enum Met {
    Digest(Box<Seen>),
    /// It ends as a digest does and is not named as one of this folder's.
    Stray(String),
}

impl<'a> Walk<'a> {
    pub(super) fn new(verifier: &'a Verifier, request: &'a Request, scope: Scope) -> Self {
        let store_bucket = verifier.store.bucket().map(str::to_owned);
        let buckets = store_bucket.into_iter().chain(request.buckets.iter().cloned()).collect();
        let bounds = Bounds { from: request.from, to: request.to, buckets };
        let chains = request.marks(&scope).map(|(id, mark)| (id, ChainWalk::after(Some(mark)))).collect();
        let (listings, running, open_hours, strays) = Default::default();
        Self { verifier, request, scope, bounds, chains, listings, running, open_hours, strays }
    }

    /// Walks all chains and returns their answers, in order of the trails' names.
    pub(super) async fn run(mut self) -> Vec<Chain> {
        if let Err(fault) = self.walk_digests().await {
            self.stray(Code::ChainUnlisted, format!("the digests could not be listed: {fault}"));
        }
        self.finish_chains().await;
        while let Some(Some(done)) = self.verifier.stop.unless(self.running.next()).await {
            self.absorb_log(done);
        }
        if !self.is_stopped() {
            self.find_unlisted().await;
        }
        self.answers()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.verifier.stop.is_set()
    }

    pub(super) fn stray(&mut self, code: Code, detail: String) {
        self.strays.push(Finding { code, state: State::Unproven, object: None, window: None, detail });
    }

    async fn walk_digests(&mut self) -> Result<(), Fault> {
        let mut digests = self.digests();
        while let Some(Some(met)) = self.verifier.stop.unless(digests.next()).await {
            match met? {
                Met::Digest(seen) => self.take(*seen).await,
                Met::Stray(object) => self.strays.push(Finding {
                    code: Code::DigestMoved,
                    state: State::Broken,
                    object: Some(object),
                    window: None,
                    detail: "it lies among the digests of an account and region that its name does not fit".into(),
                }),
            }
        }
        Ok(())
    }

    /// Returns what lies in the folder of digests within the range, read ahead.
    fn digests(&self) -> BoxStream<'static, Result<Met, Fault>> {
        let prefix = self.scope.digest_prefix();
        let start = self.request.from.into_iter().chain(self.oldest_mark()).max();
        let after = start.map(|from| format!("{prefix}{}", day_folder(from))).unwrap_or_default();
        let end = self.request.to.map(|to| to.saturating_add(WITNESS_SPAN).unwrap_or(to));
        let (store, scope) = (Arc::clone(&self.verifier.store), self.scope.clone());
        store
            .list(&prefix, &after)
            .take_while(move |listed| {
                let past = listed.as_ref().is_ok_and(|listed| is_past(&listed.key, end));
                async move { !past }
            })
            .filter(|listed| {
                let kept = listed.as_ref().map_or(true, |listed| listed.key.ends_with(".json.gz"));
                async move { kept }
            })
            .map(move |listed| meet(Arc::clone(&store), scope.clone(), listed))
            .buffered(DIGESTS_AHEAD)
            .boxed()
    }

    /// Returns the end of what is proved already, when it is for every chain that is known.
    fn oldest_mark(&self) -> Option<Timestamp> {
        self.chains.values().filter_map(|chain| chain.start).min()
    }

    async fn take(&mut self, seen: Seen) {
        let id = (seen.key.trail.clone(), seen.key.home.clone());
        let chain = self.chains.entry(id.clone()).or_insert_with(|| ChainWalk::after(None));
        let window = seen.window();
        if chain.is_past_range || self.bounds.from.max(chain.start).is_some_and(|start| window.end <= start) {
            return;
        }
        let is_beyond = self.bounds.to.is_some_and(|to| window.start >= to);
        let track = if seen.key.backfill { &mut chain.backfill } else { &mut chain.hourly };
        if is_beyond && seen.key.backfill {
            return;
        }
        chain.is_past_range = is_beyond;
        if let Some(judged) = track.accept(seen, &self.verifier.keys, &self.bounds).await {
            self.absorb(&id, judged).await;
        }
    }

    /// Judges the newest digest of each track, which no successor speaks for.
    async fn finish_chains(&mut self) {
        let ids: Vec<ChainId> = self.chains.keys().cloned().collect();
        for id in ids {
            let Some(chain) = self.chains.get_mut(&id) else { continue };
            let late = chain.backfill.finish(&self.verifier.keys, &self.bounds).await;
            let last = chain.hourly.finish(&self.verifier.keys, &self.bounds).await;
            for judged in [late, last].into_iter().flatten() {
                self.absorb(&id, judged).await;
            }
            self.find_tail(&id).await;
        }
    }

    /// Notes what was found about a digest and starts to check its log files.
    async fn absorb(&mut self, id: &ChainId, judged: Judged) {
        let Some(chain) = self.chains.get_mut(id) else { return };
        let beyond = self.bounds.to.filter(|to| judged.window.start >= *to);
        if let Some(to) = beyond {
            let within = |finding: &Finding| finding.window.is_some_and(|window| window.start < to);
            judged.findings.into_iter().filter(within).for_each(|finding| chain.tally.finding(finding));
            return;
        }
        chain.note(&judged);
        let Ok(content) = judged.seen.content else { return };
        if judged.proof == Proof::Refuted {
            return;
        }
        self.listings.cover(judged.window);
        let proved_before = self.request.proved_until(&judged.seen.object);
        for file in &content.digest.log_files {
            self.listings.name(&file.object);
            let is_proved = judged.proof == Proof::Proved;
            if proved_before.is_some_and(|end| judged.window.end <= end) && !self.request.is_in_sample(&file.object) {
                self.spare(id, is_proved);
                continue;
            }
            match task(file, &content.digest.bucket, &self.scope, judged.window, is_proved) {
                Ok(task) => self.start(id, task).await,
                Err(finding) => self.note(id, finding),
            }
        }
    }

    /// Counts a log file that an earlier run proved and this one does not read.
    fn spare(&mut self, id: &ChainId, is_proved: bool) {
        if let Some(chain) = self.chains.get_mut(id) {
            chain.tally.logs_attested += u64::from(is_proved);
        }
    }

    /// Starts to check a log file once there is room for one more.
    async fn start(&mut self, id: &ChainId, task: Task) {
        *self.open_hours.entry((id.clone(), task.window)).or_default() += 1;
        if self.is_stopped() {
            return;
        }
        if self.running.len() >= self.request.logs_at_once.max(1)
            && let Some(Some(done)) = self.verifier.stop.unless(self.running.next()).await
        {
            self.absorb_log(done);
        }
        let (store, id) = (Arc::clone(&self.verifier.store), id.clone());
        self.running.push(tokio::spawn(async move {
            let (task, finding) = check(store, task).await;
            (id, task, finding)
        }));
    }

    fn absorb_log(&mut self, done: Result<Checked, tokio::task::JoinError>) {
        match done {
            Ok((id, task, None)) => {
                self.close(&id, task.window);
                if let Some(chain) = self.chains.get_mut(&id) {
                    chain.tally.logs_attested += u64::from(task.digest_is_proved);
                }
            }
            Ok((id, task, Some(finding))) => {
                self.close(&id, task.window);
                self.note(&id, finding);
            }
            Err(error) => self.stray(Code::LogUnreadable, format!("the check of a log file was stopped: {error}")),
        }
    }

    /// Notes that a log file of an hour was read.
    fn close(&mut self, id: &ChainId, window: Window) {
        let hour = (id.clone(), window);
        if let Some(open) = self.open_hours.get_mut(&hour) {
            *open -= 1;
            if *open == 0 {
                self.open_hours.remove(&hour);
            }
        }
    }

    pub(super) fn note(&mut self, id: &ChainId, finding: Finding) {
        if let Some(chain) = self.chains.get_mut(id) {
            chain.tally.finding(finding);
        }
    }

    /// Notes that the run was stopped: hours whose log files were not all read are not attested.
    fn interrupt(&mut self) {
        for ((id, window), _) in std::mem::take(&mut self.open_hours) {
            if let Some(chain) = self.chains.get_mut(&id) {
                chain.tally.hour(window, State::Unproven);
            }
        }
        let finding = Finding {
            code: Code::RunInterrupted,
            state: State::Unproven,
            object: None,
            window: None,
            detail: "the run was stopped before all of this chain was looked at".into(),
        };
        self.chains.values_mut().for_each(|chain| chain.tally.finding(finding.clone()));
        if self.chains.is_empty() {
            self.strays.push(finding);
        }
    }

    fn answers(mut self) -> Vec<Chain> {
        let is_stopped = self.is_stopped();
        if is_stopped {
            self.interrupt();
        }
        let held_back = self.request.now.saturating_sub(self.request.backfill_grace).unwrap_or(self.request.now);
        let mut strays = std::mem::take(&mut self.strays);
        let mut chains = Vec::new();
        for ((trail, home), mut chain) in std::mem::take(&mut self.chains) {
            strays.drain(..).for_each(|finding| chain.tally.finding(finding));
            let mark = if is_stopped { None } else { chain.mark(held_back) };
            chains.push(chain.tally.chain(self.scope.clone(), Some((trail, home)), mark));
        }
        if !strays.is_empty() {
            let mut tally = Tally::default();
            strays.into_iter().for_each(|finding| tally.finding(finding));
            chains.push(tally.chain(self.scope, None, None));
        }
        chains
    }
}

impl ChainWalk {
    fn after(mark: Option<&Mark>) -> Self {
        let hourly = Track::after(mark.map(anchor));
        let mut tally = Tally::default();
        if let Some(mark) = mark {
            tally.hour(Window::hour_until(mark.end), State::Attested);
        }
        let (start, marks) = (mark.map(|mark| mark.end), mark.cloned().into_iter().collect());
        Self { hourly, backfill: Track::backfill(), tally, start, marks, ..Self::default() }
    }

    fn note(&mut self, judged: &Judged) {
        self.is_cut |= self.tally.digests == 0 && judged.findings.iter().any(|f| f.code == Code::DigestMissing);
        self.tally.digests += 1;
        self.tally.hour(judged.window, judged.state());
        judged.findings.iter().cloned().for_each(|finding| self.tally.finding(finding));
        if let Ok(content) = &judged.seen.content {
            self.tally.logs += content.digest.log_files.len() as u64;
        }
        if let Some(mark) = judged.mark.clone().filter(|_| !judged.seen.key.backfill) {
            self.marks.pop_if(|last| day_folder(last.end) == day_folder(mark.end) && Some(last.end) != self.start);
            self.marks.push(mark);
        }
    }

    /// Returns the newest mark before the first hour that is not attested, and before hours that may still change.
    fn mark(&mut self, held_back: Timestamp) -> Option<Mark> {
        let until = self.tally.attested_until().map_or(held_back, |until| until.min(held_back));
        self.marks.retain(|mark| mark.end <= until || Some(mark.end) == self.start);
        self.marks.pop()
    }
}

fn anchor(mark: &Mark) -> Anchor {
    let sha256 = unhex(&mark.sha256).and_then(|bytes| bytes.try_into().ok());
    let record = sha256.map(|sha256| Record { bucket: mark.bucket.clone(), sha256, signature: mark.signature.clone() });
    Anchor { object: mark.object.clone(), end: mark.end, record }
}

fn is_past(key: &str, end: Option<Timestamp>) -> bool {
    end.is_some_and(|end| DigestKey::parse(key).is_some_and(|key| key.end > end))
}

async fn meet(store: Arc<dyn Store>, scope: Scope, listed: Result<Listed, Fault>) -> Result<Met, Fault> {
    let object = listed?.key;
    let Some(Key::Digest(key)) =
        Key::parse(&object).filter(|key| matches!(key, Key::Digest(key) if key.scope == scope))
    else {
        return Ok(Met::Stray(object));
    };
    let content = read(store.as_ref(), &object).await;
    Ok(Met::Digest(Box::new(Seen { key, object, content })))
}

async fn read(store: &dyn Store, object: &str) -> Result<Content, Unread> {
    let Object { body, metadata } = store.get(object).await.map_err(unread)?;
    let broken = |reason: String| Unread { code: Code::DigestUnreadable, state: State::Broken, reason };
    let (bytes, unpacked) = inflate(&body, DIGEST_INFLATED_BYTES_MAX).map_err(|e| broken(e.to_string()))?;
    let digest = Digest::parse(&bytes).map_err(|e| broken(e.to_string()))?;
    Ok(Content { digest, sha256: unpacked.sha256, metadata, trailing: unpacked.trailing })
}

fn unread(fault: Fault) -> Unread {
    let (code, state) = match fault.kind {
        FaultKind::Absent => (Code::DigestMissing, State::Broken),
        FaultKind::TooLarge => (Code::DigestUnreadable, State::Broken),
        FaultKind::Denied | FaultKind::Archived | FaultKind::Unavailable => (Code::DigestUnreadable, State::Unproven),
    };
    Unread { code, state, reason: fault.message }
}
