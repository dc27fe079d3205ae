//! Walks one account and region: all chains of its digests from old to new, through all places where they lie, their
//! log files, and what no digest lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{FutureExt, ready};
use futures::stream::{BoxStream, FuturesUnordered, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::archive::{Listed, Store};
use crate::ids::{AccountId, Region};
use crate::log_path::ChainScope;
use crate::logs::digest::chain::{Proof, ReadDigest};
use crate::logs::finding::{Code, Finding, State, TimeRange};

use super::archived::Key as ArchivedKey;
use super::chain_cursor::Judged;
use super::chain_mark::{ChainMark, Since};
use super::chain_sites::{ChainSite, Sites};
use super::chain_walk::{ChainId, ChainWalk};
use super::deferred::{Outside, Replaced};
use super::digest_folder::{FolderEntry, HeldDigest, read_entry};
use super::log_file::{Read, Task};
use super::merge;
use super::recent::Again;
use super::unchanged::Need;
use super::unlisted::{DELIVERY_SLACK, Listings};
use super::verification::{Chain, ChainPlace, Tally};
use super::{Verifier, VerifyRequest};

/// How many digests of one account and region are read ahead: those of quiet hours, which list next to nothing, are all
/// that there is to read at a time.
const DIGESTS_AHEAD: usize = 96;
/// How many KiB they have together at most, as they lie there.
const AHEAD_KIB_MAX: u32 = 2 << 10;
/// How large one of them is at most: of larger ones, which list thousands of log files, one at a time is enough, and
/// many would take much memory.
const AHEAD_BYTES_MAX: u64 = 128 << 10;
/// How far the clock of this machine may be behind that of AWS before its answers about fresh digests are worth
/// nothing.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(10);

/// What is said of a digest whose place another one took.
pub(super) const ANOTHER: &str = "an earlier run proved this digest, and it is another one now";

pub(super) type Checked = (usize, Task, Read, Option<u64>);

/// What is to become of a key in the folder of digests.
enum Ahead {
    /// It need not be read, or not now.
    MetAgain(FolderEntry),
    /// It is read ahead.
    Read(usize, Listed),
}

/// The walk of one account x region.
pub(super) struct Walk<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) request: &'a VerifyRequest,
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) sites: Sites,
    /// The time from which on hours are looked at: what was asked for, but not what a lifecycle rule deletes.
    pub(super) from: Option<Timestamp>,
    /// What earlier runs proved here.
    pub(super) marks: Vec<&'a (ChainScope, ChainMark)>,
    /// The time from which on digests are listed, where all chains are walked from where earlier runs ended.
    pub(super) resumed: Option<Timestamp>,
    /// Where digests before the range are gone by a rule, so that files just after its start may have been listed by
    /// them.
    pub(super) quiet: Option<Timestamp>,
    pub(super) chains: Vec<ChainWalk>,
    pub(super) listings: Listings,
    pub(super) running: FuturesUnordered<JoinHandle<Checked>>,
    /// How many log files of an hour are being read.
    pub(super) open_hours: BTreeMap<(usize, TimeRange), usize>,
    /// Findings that belong to no chain in particular.
    pub(super) strays: Vec<Finding>,
    /// Log files that were replaced or deleted, until it was looked up by whom.
    pub(super) replaced: Vec<Replaced>,
    /// The places of all accounts and regions, where data events may tell.
    pub(super) everywhere: Arc<[(ChainScope, Arc<dyn Store>)]>,
    /// Archived log files, each with the number of its chain and what it is noted under, until the listing tells its
    /// size.
    pub(super) archived: BTreeMap<u128, (usize, ArchivedKey)>,
    /// What digests list that are not proved and lie beside the range.
    pub(super) outside: Vec<Outside>,
    /// Objects among the digests that are none: how many a site has, and the first one.
    pub(super) odd: BTreeMap<usize, (u64, String)>,
    /// Log files that are gone, where it is not known whether a lifecycle rule deleted them: with the number of the
    /// chain, the site and the slot.
    pub(super) missing: Vec<(usize, usize, Timestamp, Finding)>,
    /// The slot of the oldest log file that was read, by site.
    pub(super) first_read: BTreeMap<usize, Timestamp>,
    /// The first slot of a log file that no digest lists: no later run may go on from behind it.
    pub(super) unlisted_from: Option<Timestamp>,
    /// Whether an object was met that is younger than this machine's clock allows.
    is_clock_slow: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        request: &'a VerifyRequest,
        sites: Vec<ChainSite>,
        everywhere: Arc<[(ChainScope, Arc<dyn Store>)]>,
    ) -> Option<Self> {
        let scope = &sites.first()?.scope;
        let (account, region) = (scope.account.clone(), scope.region.clone());
        // What one place has deleted by its rule cannot be asked for; the others still have what they keep.
        let expired = sites.iter().map(|site| site.expiry.until).min().flatten();
        let names_places = verifier.places.len() > 1;
        let sites = Sites::new(sites, names_places);
        let from = request.from.max(expired);
        let quiet = expired.filter(|_| expired >= request.from);
        let (listings, running, open_hours, strays, archived, first_read) = Default::default();
        let (replaced, chains, outside, odd, missing) = Default::default();
        let (resumed, unlisted_from, is_clock_slow) = (None, None, false);
        let marks = request.marks_of(&account, &region);
        let mut walk = Self {
            verifier,
            request,
            account,
            region,
            sites,
            from,
            quiet,
            marks,
            chains,
            listings,
            running,
            open_hours,
            strays,
            archived,
            replaced,
            everywhere,
            outside,
            odd,
            missing,
            first_read,
            resumed,
            unlisted_from,
            is_clock_slow,
        };
        walk.take_up();
        Some(walk)
    }

    /// Walks all chains and returns their answers, in order of the trails' names.
    pub(super) async fn run(mut self) -> Vec<Chain> {
        self.walk_digests().await;
        self.finish_chains().await;
        while let Some(Some(done)) = self.verifier.stop.run_until_cancelled(self.running.next()).await {
            self.absorb_log(done);
        }
        self.judge_missing();
        self.name_replacers().await;
        self.judge_outside();
        if !self.is_stopped() {
            self.find_missing_digests().await;
            self.name_odd();
            self.find_unlisted().await;
            self.vouch();
        }
        self.answers()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.verifier.stop.is_cancelled()
    }

    pub(super) fn stray(&mut self, code: Code, detail: String) {
        self.strays.push(Finding { code, state: State::Unproven, object: None, window: None, detail, next: None });
    }

    async fn walk_digests(&mut self) {
        let mut digests = self.digests();
        while let Some(Some(met)) = self.verifier.stop.run_until_cancelled(digests.next()).await {
            match met {
                FolderEntry::Digest(held) => self.take(*held).await,
                FolderEntry::Skipped(at, listed) => self.take_skipped(at, listed).await,
                FolderEntry::Fault(at, fault) => {
                    let folder = self.sites.name(at, &self.sites.all[at].scope.digest_prefix());
                    self.stray(Code::ChainUnlisted, format!("the digests below {folder} could not be listed: {fault}"));
                }
                FolderEntry::Big(at, listed) => {
                    let site = &self.sites.all[at];
                    let (store, scope) = (Arc::clone(&site.store), site.scope.clone());
                    if let FolderEntry::Digest(held) = read_entry(at, store, scope, listed).await {
                        self.take(*held).await;
                    }
                }
                FolderEntry::Odd(at, object) => self.meet_odd(at, object),
                FolderEntry::Stray(at, object) => self.strays.push(Finding {
                    code: Code::DigestMoved,
                    state: State::Broken,
                    object: Some(self.sites.name(at, &object)),
                    window: None,
                    detail: "it lies among the digests of an account and region that its name does not fit".into(),
                    next: None,
                }),
            }
        }
    }

    /// Returns what lies in the folders of digests within the range and just around it, read ahead.
    fn digests(&self) -> BoxStream<'static, FolderEntry> {
        let before = |time: Timestamp| time.saturating_sub(DELIVERY_SLACK).unwrap_or(time);
        let start = self.from.map(before).max(self.resumed);
        let places: Vec<(Arc<dyn Store>, ChainScope)> =
            self.sites.all.iter().map(|site| (Arc::clone(&site.store), site.scope.clone())).collect();
        let skipped = self.skipped();
        let memory = Arc::new(Semaphore::new(AHEAD_KIB_MAX as usize));
        merge::digests(&self.sites.all, start, self.request.to)
            .filter_map(move |(at, listed)| {
                let what = listed.as_ref().map_or(Need::Read, |listed| skipped.need(at, listed));
                ready(match (listed, what) {
                    (_, Need::Nothing) => None,
                    (Err(fault), _) => Some(Ahead::MetAgain(FolderEntry::Fault(at, fault))),
                    (Ok(listed), Need::Skip(chain)) => Some(Ahead::MetAgain(FolderEntry::Skipped(chain, listed))),
                    (Ok(listed), Need::Read) if listed.size_bytes > AHEAD_BYTES_MAX => {
                        Some(Ahead::MetAgain(FolderEntry::Big(at, listed)))
                    }
                    (Ok(listed), Need::Read) => Some(Ahead::Read(at, listed)),
                })
            })
            // One after the other, so that no later digest takes the room for which an earlier one waits.
            .then(move |ahead| {
                let memory = Arc::clone(&memory);
                async move {
                    let kib = match &ahead {
                        Ahead::MetAgain(_) => 0,
                        Ahead::Read(_, listed) => {
                            u32::try_from(listed.size_bytes.div_ceil(1024)).unwrap_or(AHEAD_KIB_MAX)
                        }
                    };
                    // The semaphore is never closed.
                    (memory.acquire_many_owned(kib.min(AHEAD_KIB_MAX)).await.ok(), ahead)
                }
            })
            .map(move |(room, ahead)| {
                let read = match ahead {
                    Ahead::MetAgain(met) => ready(met).left_future(),
                    Ahead::Read(at, listed) => {
                        let (store, scope) = (Arc::clone(&places[at].0), places[at].1.clone());
                        // On its own, whoever waits for what: a request that has its turn and is not polled, while the
                        // walk waits for a log file that needs one, would keep it for ever.
                        tokio::spawn(read_entry(at, store, scope, listed))
                            .map(move |met| met.unwrap_or_else(|error| FolderEntry::stopped(at, &error)))
                            .right_future()
                    }
                };
                read.map(move |met| (room, met))
            })
            .buffered(DIGESTS_AHEAD)
            .map(|(_room, met)| met)
            .boxed()
    }

    pub(super) async fn take(&mut self, held: HeldDigest) {
        let window = held.seen.window();
        self.look_at_clock(window.end);
        let at = self.chain_of(held.at, &held.seen);
        let chain = &mut self.chains[at];
        if chain.awaits(&held.seen) {
            return self.meet_mark(at, &held);
        }
        let is_before = self.from.is_some_and(|from| window.end <= from.saturating_sub(DELIVERY_SLACK).unwrap_or(from));
        if is_before || chain.start.is_some_and(|start| window.end <= start) {
            return;
        }
        let is_beyond = self.request.to.is_some_and(|to| window.start >= to);
        if is_beyond && held.seen.key.backfill {
            return;
        }
        chain.is_past_range |= is_beyond;
        self.sites.meet(held.at, &held.seen);
        if !held.seen.key.backfill {
            chain.move_to(held.at, &self.sites);
        }
        if !is_beyond && chain.known.compare(&held) == Again::Changed {
            let finding = held.seen.finding(Code::DigestLinkMismatch, State::Broken, ANOTHER);
            chain.tally.finding(Finding { object: Some(self.sites.name(held.at, &held.seen.object)), ..finding });
        }
        let chain = &mut self.chains[at];
        // A trail that goes on has no successor, whatever an earlier run saw.
        if chain.start.is_some_and(|start| window.end > start) && !chain.known.holds(&held.seen.object) {
            chain.succeeded_by = None;
        }
        // A late digest may name one that an earlier run proved.
        let from = if held.seen.key.backfill { self.from.max(chain.start) } else { self.from };
        let track = if held.seen.key.backfill { &mut chain.backfill } else { &mut chain.hourly };
        if let Some(judged) = track.accept(held, &self.verifier.keys, &self.sites, from).await {
            self.absorb(at, judged).await;
        }
    }

    /// Returns the number of the chain that a digest belongs to: the one that it continues, or that was here before, or
    /// a new one. Two trails of one name may deliver into two layouts, so that the name alone does not tell.
    fn chain_of(&mut self, site: usize, seen: &ReadDigest) -> usize {
        let id: ChainId = (seen.key.trail.clone(), seen.key.home.clone());
        let of =
            |test: &dyn Fn(&ChainWalk) -> bool| self.chains.iter().rposition(|chain| chain.id == id && test(chain));
        let awaits = |chain: &ChainWalk| chain.awaits(seen);
        if let Some(at) = of(&|chain| chain.site() == site && awaits(chain)).or_else(|| of(&awaits)) {
            return at;
        }
        let is_here = |chain: &ChainWalk| chain.site() == site;
        let goes_on = |chain: &ChainWalk| chain.hourly.is_continued_by(seen);
        let found = if seen.key.backfill {
            of(&is_here).or_else(|| of(&|chain| chain.sites.contains(&site))).or_else(|| of(&|_| true))
        } else {
            of(&|chain| is_here(chain) && goes_on(chain)).or_else(|| of(&goes_on)).or_else(|| of(&is_here))
        };
        found.unwrap_or_else(|| {
            let since = self.from.map_or(Since::First, Since::Time);
            self.chains.push(ChainWalk::new(id, site, None, since));
            self.chains.len() - 1
        })
    }

    /// Notes a time of AWS's: when it lies in the future, this machine's clock is slow, or the digest is no real one.
    pub(super) fn look_at_clock(&mut self, time: Timestamp) {
        let latest = self.request.now.saturating_add(CLOCK_SLACK).unwrap_or(time);
        if time > latest && !self.is_clock_slow {
            self.is_clock_slow = true;
            let now = self.request.now;
            let detail = format!(
                "a digest or log file is of {time}, and this machine's clock says {now}: set the clock; what is \
                 overdue is unknown"
            );
            self.stray(Code::ClockSlow, detail);
        }
    }

    /// Judges the newest digest of each track, which no successor speaks for.
    async fn finish_chains(&mut self) {
        for at in 0..self.chains.len() {
            let chain = &mut self.chains[at];
            let after_mark = self.from.max(chain.start);
            let late = chain.backfill.finish(&self.verifier.keys, &self.sites, after_mark).await;
            let last = chain.hourly.finish(&self.verifier.keys, &self.sites, self.from).await;
            for judged in [late, last].into_iter().flatten() {
                self.absorb(at, judged).await;
            }
        }
    }

    /// Notes what was found about a digest and starts to check its log files. Digests just around the range tell what
    /// they list, and nothing else.
    pub(super) async fn absorb(&mut self, at: usize, judged: Judged) {
        let beyond = self.request.to.filter(|to| judged.window.start >= *to);
        let is_before = self.from.is_some_and(|from| judged.window.end <= from);
        if beyond.is_some() || is_before {
            self.name_outside(at, &judged);
            let within = |finding: &Finding| beyond.zip(finding.window).is_some_and(|(to, window)| window.start < to);
            let findings: Vec<Finding> = judged.findings.into_iter().filter(within).collect();
            findings.into_iter().for_each(|finding| self.note(at, finding));
            return;
        }
        // Of an hour at the edge of what a rule deletes, log files may be gone.
        let expired = self.sites.all.get(judged.at).and_then(|site| site.expiry.until);
        if expired.is_some_and(|expired| judged.window.end <= expired) {
            self.name_outside(at, &judged);
            let is_expired = |finding: &&Finding| finding.code == Code::ChainExpired;
            let gone = judged.findings.iter().filter(is_expired).filter_map(|finding| finding.window);
            let gone: Vec<(usize, TimeRange)> = gone.chain([judged.window]).map(|window| (judged.at, window)).collect();
            self.chains[at].expired.extend(gone);
            return;
        }
        let names_places = |mut finding: Finding| {
            finding.object = finding.object.map(|object| self.sites.name(judged.at, &object));
            finding
        };
        let judged = Judged { findings: judged.findings.into_iter().map(names_places).collect(), ..judged };
        self.chains[at].note(&judged);
        if judged.proof == Proof::Refuted {
            return;
        }
        self.name_logs(judged.at, &judged.seen);
        self.check_logs(at, &judged).await;
    }

    /// Notes which log files a digest lists, and that it is about its hour.
    pub(super) fn name_logs(&mut self, at: usize, seen: &ReadDigest) {
        let Ok(content) = &seen.content else { return };
        self.listings.cover(at, seen.window());
        for file in &content.digest.log_files {
            if let Some((site, object)) = self.sites.locate(file, at, seen) {
                self.listings.name(site, &object);
            }
        }
    }

    pub(super) fn note(&mut self, at: usize, finding: Finding) {
        if let Some(chain) = self.chains.get_mut(at) {
            chain.tally.finding(finding);
        }
    }

    /// Notes that the run was stopped: hours whose log files were not all read are not attested.
    fn interrupt(&mut self) {
        for ((at, window), _) in std::mem::take(&mut self.open_hours) {
            if let Some(chain) = self.chains.get_mut(at) {
                chain.tally.hour(window, State::Unproven);
            }
        }
        let finding = Finding {
            code: Code::RunInterrupted,
            state: State::Unproven,
            object: None,
            window: None,
            detail: "the run was stopped before all of this chain was looked at".into(),
            next: None,
        };
        self.chains.iter_mut().for_each(|chain| chain.tally.finding(finding.clone()));
        if self.chains.is_empty() {
            self.strays.push(finding);
        }
    }

    fn answers(mut self) -> Vec<Chain> {
        let is_stopped = self.is_stopped();
        if is_stopped {
            self.interrupt();
        }
        let grace_end = self.request.now.saturating_sub(self.request.backfill_grace).unwrap_or(self.request.now);
        // What is listed by none is listed for later runs too.
        let held_back = self.unlisted_from.map_or(grace_end, |slot| slot.min(grace_end));
        let mut strays = std::mem::take(&mut self.strays);
        // What no chain answers for holds all of them back.
        let is_held = !strays.is_empty();
        let mut chains = Vec::new();
        let mut walked = std::mem::take(&mut self.chains);
        walked.sort_by(|a, b| (&a.id, &a.sites).cmp(&(&b.id, &b.sites)));
        // A trail of which only digests beside the range were met is no part of it, where another one is.
        let is_other = walked.iter().any(|chain| !chain.tally.is_empty());
        for mut chain in walked {
            if is_other && chain.tally.is_empty() {
                continue;
            }
            let Some(place) = chain.place(&self.sites) else { continue };
            let archived = chain.tally.archived.findings(&self.sites.all, |at, object| self.sites.name(at, object));
            archived.into_iter().for_each(|finding| chain.tally.keep(finding));
            chain.tally.is_held |= is_held;
            strays.drain(..).for_each(|finding| chain.tally.finding(finding));
            let mark = if is_stopped { None } else { chain.mark(held_back, self.request.now, &self.sites) };
            chains.push(chain.tally.chain(place, mark));
        }
        if let (false, Some(site)) = (strays.is_empty(), self.sites.all.first()) {
            let mut tally = Tally::default();
            tally.logs_unlisted = self.listings.lone;
            strays.into_iter().for_each(|finding| tally.finding(finding));
            let (scope, scopes, origins) = (site.scope.clone(), vec![site.scope.clone()], Vec::new());
            let joined = Vec::new();
            chains.push(tally.chain(ChainPlace { scope, trail: None, scopes, origins, joined }, None));
        }
        chains
    }
}
