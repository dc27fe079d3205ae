//! Proves a store of CloudTrail's logs: finds its chains, walks them all, and says what is attested, broken or
//! unproven.
//!
//! - [`whole`]: which accounts, regions and trails there should be; [`missing`]: which of them have no chain.
//! - `chain_sites` and `merge`: the places in which one account's and region's digests lie, read as one.
//! - `walk`: one account x region: its digests in order and their log files; `chain_walk`: one trail's chain meanwhile.
//! - `chain_cursor`: one chain's digests, each judged when its successor is known.
//! - [`recent`]: the digests of the last hours, which an hourly run need not read again; `unchanged`: which of those
//!   listed they are; `skip`: it passes them by.
//! - `digest_folder`: what lies among the digests, read.
//! - `reading`: log files are read, many at a time; `log_file`: one of them against its digest.
//! - `replaced`: who replaced a log file; `archived`: what must be restored first; `unread`: what could not be had,
//!   said once for each reason.
//! - `missing_digests`: hours without digests, and `explain`: why, as the log itself tells; `expiry`: what lifecycle
//!   rules have deleted; `successor`: which trail took over.
//! - `listed` and `unlisted`: log files that no digest lists; `beyond_range`: digests just around the range.
//! - `deferred`: findings that wait until all is read.
//! - `resume`: how a run goes on where earlier ones ended: at a [`chain_mark`].
//! - [`key_finder`]: CloudTrail's public keys.
//! - [`verification`]: what comes out.
//!
//! One object's failure is a finding, and the run goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::archive::find::{FoundScopes, ScopeFilter, find};
use crate::archive::inflate::sha256;
use crate::archive::{Fault, Listed, Store};
use crate::ids::{AccountId, Region};
use crate::log_path::{ChainScope, Folder};
use crate::logs::finding::{Code, Finding, State, TimeRange};

use chain_sites::ChainSite;
use expiry::Expiry;

mod archived;
mod beyond_range;
mod chain_cursor;
pub mod chain_mark;
mod chain_sites;
mod chain_walk;
mod deferred;
mod digest_folder;
mod expiry;
mod explain;
pub mod key_finder;
mod listed;
mod log_file;
mod merge;
pub mod missing;
mod missing_digests;
mod reading;
pub mod recent;
mod replaced;
mod resume;
mod skip;
mod successor;
mod unchanged;
mod unlisted;
mod unread;
pub mod verification;
mod walk;
pub mod whole;

pub use chain_mark::{AsListed, ChainMark, Recent, Since, Told};
pub use key_finder::{KeyFinder, KeyService, KeySource, KeyUse};
pub use missing::{ExpectedChains, MissingChain};
pub use verification::{Chain, Verification};
pub use whole::{Expectation, ExpectedChain};

/// How long after its hour a digest may come: the hour itself, and the delivery.
pub const DIGEST_DELAY_MAX: SignedDuration = SignedDuration::from_hours(2);
/// How long a log file may wait for a backfill digest before it is called unlisted, unless the user says otherwise.
pub const BACKFILL_GRACE: SignedDuration = SignedDuration::from_hours(6);

/// How many log files of one account and region are read at a time, unless the user says otherwise: as many as the
/// store's own limit may grow to, so that a single chain is read as fast as many.
pub const READS_AT_ONCE: usize = 256;

/// What to prove, and within which limits.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// Which accounts and regions.
    pub sought: ScopeFilter,
    /// Only hours that end after this; none for all.
    pub from: Option<Timestamp>,
    /// Only hours that start before this; none for all.
    pub to: Option<Timestamp>,
    /// The present, for the freshness of the newest digest.
    pub now: Timestamp,
    /// The buckets whose digests are accepted besides the store's own.
    pub buckets: Vec<String>,
    /// How long a log file may wait for a backfill digest.
    pub backfill_grace: SignedDuration,
    /// What there should be, and who says so; nothing when it is not known.
    pub expected: Option<Expectation>,
    /// After how many days a lifecycle rule deletes logs in the first place, where the configuration says so; not set
    /// when the bucket is asked, as it is of every other place.
    pub expire_after_days: Option<u32>,
    /// The log account, in which data events of the bucket are recorded; not set when unknown.
    pub log_account: Option<AccountId>,
    /// Whether public keys for which only an evidence bundle vouches count.
    pub trusts_bundle_keys: bool,
    /// What earlier runs proved: these chains are walked from there on.
    pub checkpoint: Vec<(ChainScope, ChainMark)>,
    /// Where earlier runs saw chains of which they could prove nothing, with the start of the first hour; nothing
    /// within when that is not known.
    pub open: BTreeMap<(AccountId, Region), Option<Timestamp>>,
    /// How much of what earlier runs proved is read again.
    pub recheck: Recheck,
    /// Whether digests that an earlier run proved are not read where the listing shows that they are what they were. A
    /// bundle needs their content.
    pub skips_unchanged: bool,
    /// How many log files of one account and region are read at a time; the store may allow fewer.
    pub logs_at_once: usize,
    /// How many accounts x regions are walked at a time.
    pub chains_at_once: usize,
}

impl VerifyRequest {
    /// Returns a request for all that a store holds, as of `now`.
    pub fn all(now: Timestamp) -> Self {
        Self {
            sought: ScopeFilter::default(),
            from: None,
            to: None,
            now,
            buckets: Vec::new(),
            backfill_grace: BACKFILL_GRACE,
            expected: None,
            expire_after_days: None,
            log_account: None,
            trusts_bundle_keys: false,
            checkpoint: Vec::new(),
            open: BTreeMap::new(),
            recheck: Recheck::Nothing,
            skips_unchanged: true,
            logs_at_once: READS_AT_ONCE,
            chains_at_once: 16,
        }
    }

    /// Tells whether a log file that an earlier run proved is read again. The choice depends on the present, so that
    /// nobody can know it in advance.
    fn is_in_sample(&self, object: &str) -> bool {
        let many = match self.recheck {
            Recheck::Nothing => return false,
            Recheck::Full => return true,
            Recheck::OneIn(many) => many,
        };
        let chance = sha256(format!("{}\n{object}", self.now.as_nanosecond()).as_bytes());
        u32::from_be_bytes([chance[0], chance[1], chance[2], chance[3]]).is_multiple_of(many.max(1))
    }

    /// Returns what earlier runs proved of the chains of an account and region.
    fn marks_of(&self, account: &AccountId, region: &Region) -> Vec<&(ChainScope, ChainMark)> {
        self.checkpoint.iter().filter(|(scope, _)| scope.account == *account && scope.region == *region).collect()
    }

    /// Returns from when on an account and region must be listed for the chains that earlier runs saw and could not
    /// prove: nothing when there is none, nothing within when from their beginning.
    fn open_of(&self, account: &AccountId, region: &Region) -> Option<Option<Timestamp>> {
        self.open.get(&(account.clone(), region.clone())).copied()
    }
}

/// How much of what earlier runs proved is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recheck {
    /// Nothing: only what is new is read.
    #[default]
    Nothing,
    /// All digests, and one log file of so many, chosen anew by each run.
    OneIn(u32),
    /// Everything.
    Full,
}

/// A place that is proved, and what every key in it that is looked at starts with.
#[derive(Clone)]
pub struct Source {
    /// The place. It is only read.
    pub store: Arc<dyn Store>,
    /// The prefix: empty, or ends with `/`.
    pub prefix: String,
}

impl Source {
    /// Returns the place as a person would name it, with the prefix that is looked below.
    pub fn shown(&self) -> String {
        let (name, below) = (self.store.name(), self.prefix.trim_end_matches('/'));
        if below.is_empty() { name } else { format!("{name}/{below}") }
    }
}

/// What a run works with.
#[derive(Clone)]
pub struct Verifier {
    /// What is proved, together: a chain may go on from one place to another.
    pub places: Vec<Source>,
    /// Where public keys come from.
    pub keys: Arc<KeyFinder>,
    /// Set to end the run early; what is known by then is the answer.
    pub stop: CancellationToken,
}

impl Verifier {
    /// Returns a verifier of a store with the keys of a finder.
    pub fn new(store: Arc<dyn Store>, keys: Arc<KeyFinder>) -> Self {
        Self::over(vec![Source { store, prefix: String::new() }], keys)
    }

    /// Returns a verifier of several places together.
    pub fn over(places: Vec<Source>, keys: Arc<KeyFinder>) -> Self {
        Self { places, keys, stop: CancellationToken::new() }
    }

    /// Returns the places as a person would name them.
    pub fn name(&self) -> String {
        self.places.iter().map(Source::shown).collect::<Vec<_>>().join(" ")
    }

    /// Proves what was asked for. Each chain is given to `tell` as soon as it and all before it are finished, in order.
    ///
    /// # Errors
    /// When no place's folders can be listed, so that it is not known which chains there are. One place of several that
    /// cannot be listed is a finding.
    pub async fn run(&self, request: &VerifyRequest, mut tell: impl FnMut(&Chain)) -> Result<Verification, Fault> {
        let (mut sites, mut findings) = self.search(request).await?;
        self.add_marked(request, &mut sites);
        let everywhere: Vec<(ChainScope, Arc<dyn Store>)> =
            sites.iter().map(|(scope, site)| (scope.clone(), Arc::clone(&site.store))).collect();
        let everywhere: Arc<[(ChainScope, Arc<dyn Store>)]> = everywhere.into();
        let groups = whole::by_account_and_region(sites);
        let walk = |sites| walk::Walk::new(self, request, sites, Arc::clone(&everywhere));
        let mut walks =
            iter(groups.into_values().filter_map(walk)).map(walk::Walk::run).buffered(request.chains_at_once.max(1));
        let mut chains = Vec::new();
        while let Some(walked) = walks.next().await {
            walked.iter().for_each(&mut tell);
            chains.extend(walked);
        }
        drop(walks);
        findings.extend(self.beside_chains(request, &chains).await);
        let expected = request.expected.as_ref().map(|expected| expected.compare(&chains, &request.sought));
        let window = request.from.zip(request.to).map(|(start, end)| TimeRange { start, end });
        let missing =
            expected.iter().filter(|_| !self.stop.is_cancelled()).flat_map(|expected| expected.findings(window));
        findings.extend(missing);
        let is_whole = !self.stop.is_cancelled();
        findings.extend(whole::nothing_of(&request.sought, &chains, &self.name()).filter(|_| is_whole));
        findings.sort_by(|a, b| a.order().cmp(&b.order()).then_with(|| a.detail.cmp(&b.detail)));
        // Of two places, one may lie within the other.
        findings.dedup();
        Ok(Verification {
            store: self.name(),
            from: request.from,
            to: request.to,
            now: request.now,
            expected,
            chains,
            findings,
            keys: self.keys.used().await,
            interrupted: self.stop.is_cancelled(),
            notes: self.keys.problems().await,
        })
    }

    /// Searches all places for accounts and regions. What lies in two of them, because one lies within the other,
    /// counts once.
    async fn search(&self, request: &VerifyRequest) -> Result<(Vec<(ChainScope, ChainSite)>, Vec<Finding>), Fault> {
        let mut sites: Vec<(ChainScope, ChainSite)> = Vec::new();
        let mut findings = Vec::new();
        let mut refused = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            let prefix = if place.prefix.is_empty() { &request.sought.prefix } else { &place.prefix };
            let sought = ScopeFilter { prefix: prefix.clone(), ..request.sought.clone() };
            let found = match find(place.store.as_ref(), &sought).await {
                Ok(found) => found,
                Err(fault) => {
                    findings.push(unlisted(&place.store.name(), prefix, &fault));
                    refused.push(fault);
                    continue;
                }
            };
            findings.extend(self.beside(place, &found).await);
            let days = request.expire_after_days.filter(|_| at == 0);
            for (scope, folders) in found.scopes {
                let kinds = folders.into_iter().filter_map(Folder::kind).collect::<BTreeSet<_>>();
                let is_known = |(of, site): &&mut (ChainScope, ChainSite)| {
                    let (store, other) = (place.store.as_ref(), site.store.as_ref());
                    *of == scope && (store.name(), store.bucket()) == (other.name(), other.bucket())
                };
                let known = sites.iter_mut().find(is_known);
                if let Some((_, site)) = known {
                    site.kinds.extend(kinds);
                    continue;
                }
                let expiry = Expiry::of(place.store.as_ref(), &scope, days, request.now).await;
                let (store, origins) = (Arc::clone(&place.store), Default::default());
                sites.push((scope.clone(), ChainSite { store, prefix: prefix.clone(), scope, kinds, origins, expiry }));
            }
        }
        match refused.pop() {
            Some(fault) if refused.len() + 1 == self.places.len() => Err(fault),
            _ => Ok((sites, findings)),
        }
    }

    /// Adds the places of chains that an earlier run proved and of which not even a folder is left.
    fn add_marked(&self, request: &VerifyRequest, sites: &mut Vec<(ChainScope, ChainSite)>) {
        let Some(place) = self.places.first() else { return };
        for (scope, _) in &request.checkpoint {
            let is_sought = request.sought.account.as_ref().is_none_or(|only| *only == scope.account)
                && request.sought.region.as_ref().is_none_or(|only| *only == scope.region);
            if is_sought && request.recheck == Recheck::Nothing && !sites.iter().any(|(known, _)| known == scope) {
                let (kinds, origins, expiry) = Default::default();
                let (store, prefix, scope) = (Arc::clone(&place.store), place.prefix.clone(), scope.clone());
                sites.push((scope.clone(), ChainSite { store, prefix, scope, kinds, origins, expiry }));
            }
        }
    }

    /// Returns what a search showed that belongs to no account and region.
    async fn beside(&self, place: &Source, found: &FoundScopes) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for (folder, fault) in &found.refused {
            let folder = if folder.is_empty() { "the whole store" } else { folder };
            let detail = format!("{folder} could not be listed, so that chains there are not known: {fault}");
            findings.push(beside(Code::ChainUnlisted, None, detail));
        }
        findings.extend(found.limits.iter().map(|limit| beside(Code::ChainUnlisted, None, limit.clone())));
        let (folders, objects): (Vec<&String>, Vec<_>) = found.beside.iter().partition(|odd| odd.ends_with('/'));
        for folder in folders {
            let mut listed = place.store.list(folder, "").take(BESIDE_MAX);
            let mut keys = Vec::new();
            while let Some(listed) = listed.next().await {
                let is_object = |listed: &Listed| !listed.key.ends_with('/') || listed.size_bytes > 0;
                keys.extend(listed.ok().filter(is_object).map(|listed| listed.key));
            }
            findings.extend(beside_layout(folder, &keys));
        }
        let folder_of = |key: &str| key.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1);
        for group in objects.chunk_by(|a, b| a[..folder_of(a)] == b[..folder_of(b)]) {
            let keys: Vec<String> = group.iter().map(|key| (*key).clone()).collect();
            findings.extend(beside_layout(&keys[0][..folder_of(&keys[0])], &keys));
        }
        findings
    }

    /// Returns what the chains together show.
    async fn beside_chains(&self, request: &VerifyRequest, chains: &[Chain]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for place in &self.places {
            findings.extend(place.store.oddities().into_iter().map(|odd| beside(Code::StoreOddFile, None, odd)));
        }
        if request.buckets.is_empty() {
            let buckets = self.places.iter().filter_map(|place| place.store.bucket()).collect();
            findings.extend(whole::foreign_buckets(chains, buckets));
        }
        let of_bundle = self.keys.used().await.into_iter().filter(|key| key.source == KeySource::Bundle).count();
        if of_bundle > 0 && !request.trusts_bundle_keys {
            let detail = format!(
                "{of_bundle} of the public keys are known from the bundle alone, and whoever made it chose them; give CloudTrail's with --keys, or trust the bundle with --trust-bundle-keys"
            );
            findings.push(beside(Code::KeysOfBundle, None, detail));
        }
        findings
    }
}

/// How many objects beside the layout are counted.
const BESIDE_MAX: usize = 1_000;

/// Returns the finding about objects in a folder where CloudTrail puts none; nothing when there are none.
fn beside_layout(folder: &str, keys: &[String]) -> Option<Finding> {
    let first = keys.first()?;
    let many = if keys.len() == 1 { "an object lies" } else { "objects lie" };
    let count = if keys.len() < BESIDE_MAX { keys.len().to_string() } else { format!("{BESIDE_MAX} or more") };
    let detail = format!("{many} beside the layout of CloudTrail, where no digest lists any ({count} below {folder})");
    Some(beside(Code::LogUnlisted, Some(first.clone()), detail))
}

fn beside(code: Code, object: Option<String>, detail: String) -> Finding {
    Finding { code, state: State::Unproven, object, window: None, detail, next: None }
}

/// Returns the finding about a place of several that cannot be listed at all.
fn unlisted(store: &str, prefix: &str, fault: &Fault) -> Finding {
    let below = prefix.trim_end_matches('/');
    let place = if below.is_empty() { store.to_owned() } else { format!("{store}/{below}") };
    beside(
        Code::ChainUnlisted,
        None,
        format!("{place} could not be listed, so that chains there are not known: {fault}"),
    )
}
