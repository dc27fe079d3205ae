//! Proves a store of CloudTrail's logs: finds its chains, walks them all, and says what is attested, broken or unproven.
//!
//! - [`find`]: which accounts and regions there are.
//! - `walk`: one account x region: its digests in order, their log files, and what no digest lists.
//! - `track`: one chain's digests, each judged when its successor is known.
//! - `log_file`: one log file against its digest.
//! - `unlisted` and `ends`: log files that no digest lists, and hours without digests.
//! - [`key_finder`]: CloudTrail's public keys.
//! - [`answer`]: what comes out.
//!
//! One object's failure is one finding, and the run goes on.

use std::sync::Arc;

use futures::stream::{StreamExt, iter};
use jiff::{SignedDuration, Timestamp};

use crate::ids::{Region, TrailName};
use crate::logs::inflate::sha256;
use crate::logs::key::{DigestKey, Scope};
use crate::logs::store::{Fault, Store};

pub mod answer;
mod ends;
pub mod find;
pub mod key_finder;
mod log_file;
mod stop;
mod track;
mod unlisted;
mod walk;

pub use answer::{Answer, Chain, Mark};
pub use find::Sought;
pub use key_finder::{KeyFinder, KeyService};
pub use stop::Stop;

/// How long after its hour a digest may come: the hour itself, and the delivery.
pub const DIGEST_DELAY_MAX: SignedDuration = SignedDuration::from_hours(2);
/// How long a log file may wait for a backfill digest before it is called unlisted, unless the user says otherwise.
pub const BACKFILL_GRACE: SignedDuration = SignedDuration::from_hours(6);

/// What to prove, and within which limits.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which accounts and regions.
    pub sought: Sought,
    /// Only hours that end after this.
    pub from: Option<Timestamp>,
    /// Only hours that start before this.
    pub to: Option<Timestamp>,
    /// The present, for the freshness of the newest digest.
    pub now: Timestamp,
    /// The buckets whose digests are accepted besides the store's own.
    pub buckets: Vec<String>,
    /// How long a log file may wait for a backfill digest.
    pub backfill_grace: SignedDuration,
    /// What earlier runs proved: these chains are walked from there on.
    pub checkpoint: Vec<(Scope, Mark)>,
    /// How much of what earlier runs proved is read again.
    pub recheck: Recheck,
    /// How many log files of one account and region are read at a time; the store may allow fewer.
    pub logs_at_once: usize,
    /// How many accounts x regions are walked at a time.
    pub chains_at_once: usize,
}

impl Request {
    /// Returns a request for all that a store holds, as of `now`.
    pub fn all(now: Timestamp) -> Self {
        Self {
            sought: Sought::default(),
            from: None,
            to: None,
            now,
            buckets: Vec::new(),
            backfill_grace: BACKFILL_GRACE,
            checkpoint: Vec::new(),
            recheck: Recheck::Nothing,
            logs_at_once: 64,
            chains_at_once: 16,
        }
    }

    /// Tells whether a log file that an earlier run proved is read again. The choice depends on the present, so that nobody
    /// can know it in advance.
    fn is_in_sample(&self, object: &str) -> bool {
        let Recheck::OneIn(many) = self.recheck else { return true };
        let chance = sha256(format!("{}\n{object}", self.now.as_nanosecond()).as_bytes());
        u32::from_be_bytes([chance[0], chance[1], chance[2], chance[3]]).is_multiple_of(many.max(1))
    }

    /// Returns up to when an earlier run proved the chain of a digest.
    fn proved_until(&self, digest: &str) -> Option<Timestamp> {
        let chain = |object: &str| DigestKey::parse(object).map(|key| (key.scope, key.trail, key.home));
        if self.checkpoint.is_empty() {
            return None;
        }
        let own = chain(digest)?;
        self.checkpoint.iter().find(|(_, mark)| chain(&mark.object).as_ref() == Some(&own)).map(|(_, mark)| mark.end)
    }

    /// Tells whether chains are walked from where earlier runs ended.
    fn is_incremental(&self) -> bool {
        self.recheck == Recheck::Nothing && !self.checkpoint.is_empty()
    }

    /// Returns the marks from which a scope's chains are walked.
    fn marks(&self, scope: &Scope) -> impl Iterator<Item = ((TrailName, Region), &Mark)> {
        let is_used = self.recheck == Recheck::Nothing;
        let own = self.checkpoint.iter().filter(move |(of, _)| is_used && of == scope);
        own.filter_map(|(_, mark)| {
            let key = DigestKey::parse(&mark.object)?;
            Some(((key.trail, key.home), mark))
        })
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

/// What a run works with.
#[derive(Clone)]
pub struct Verifier {
    /// What is proved. It is only read.
    pub store: Arc<dyn Store>,
    /// Where public keys come from.
    pub keys: Arc<KeyFinder>,
    /// Set to end the run early; what is known by then is the answer.
    pub stop: Arc<Stop>,
}

impl Verifier {
    /// Returns a verifier of a store with the keys of a finder.
    pub fn new(store: Arc<dyn Store>, keys: Arc<KeyFinder>) -> Self {
        Self { store, keys, stop: Arc::default() }
    }

    /// Proves what was asked for. Each chain is given to `tell` as soon as it and all before it are finished, in order.
    ///
    /// # Errors
    /// When the store's folders cannot be listed, so that it is not known which chains there are.
    pub async fn run(&self, request: &Request, mut tell: impl FnMut(&Chain)) -> Result<Answer, Fault> {
        let scopes = find::find(self.store.as_ref(), &request.sought).await?;
        let mut walks = iter(scopes)
            .map(|scope| walk::Walk::new(self, request, scope).run())
            .buffered(request.chains_at_once.max(1));
        let mut chains = Vec::new();
        while let Some(walked) = walks.next().await {
            walked.iter().for_each(&mut tell);
            chains.extend(walked);
        }
        Ok(Answer {
            store: self.store.name(),
            from: request.from,
            to: request.to,
            chains,
            interrupted: self.stop.is_set(),
            notes: self.keys.problems().await,
        })
    }
}
