//! One replica leads, the others stand by.
//!
//! The lease is one small document that is only ever replaced by conditional writes: who holds it, until when, and a
//! number that grows with each change of hands. The number is the fence: before each call that writes the leader reads
//! the document again, and one that slept through a takeover finds another number there and writes nothing.
//!
//! Nobody believes another one's clock. A lease is live as long as its document goes on changing, because its holder
//! renews it; whoever wants it has to have seen the same version of it for longer than its whole term, by a clock of
//! its own that only grows. So a replica whose clock is an hour ahead takes nothing from one that works, and one whose
//! clock was an hour ahead when it died holds up nobody.
//!
//! What to do with a document is [`decide`], which is pure; where it is kept is a [`ConditionalStore`]. Daemons that do
//! different work have a document each.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::{Clock, after};
use super::lock;
use crate::cloud::document::{Condition, ConditionalStore, WriteOutcome};

/// For how long the lease is taken.
pub const TERM: Duration = Duration::from_secs(60);

/// To spare at both ends: the holder stops this much before the end of its term, and nobody takes the lease before it
/// has not been renewed for the term and this much.
pub const SKEW_MAX: Duration = Duration::from_secs(10);

/// The largest document: a lease has a few hundred bytes, and what is larger is something else.
pub const BYTES_MAX: i64 = 64 * 1024;

/// How often the leader renews it, and how often the others look.
pub const RENEW_EVERY: Duration = Duration::from_secs(15);

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The run id of the leader.
    pub owner: String,
    /// Until when it may.
    pub expires: Timestamp,
    /// Grows by one with each change of hands.
    pub fencing: u64,
}

/// A lease that was found, with the version by which it can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLease {
    /// The lease.
    pub lease: Lease,
    /// The store's word for this version.
    pub version: String,
}

/// What to do with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Write this one under this condition.
    Write(Lease, Condition),
    /// Another one leads, until this time.
    StandBy {
        /// Its run id.
        owner: String,
        /// Until when it may act.
        expires: Timestamp,
    },
}

/// Decides what to do with the document that is there, whose version has been the same for so long, as far as this
/// replica has seen.
pub fn decide(run: &str, now: Timestamp, found: Option<&StoredLease>, unmoved: Duration) -> Decision {
    let expires = after(now, TERM);
    let write = |fencing, condition| Decision::Write(Lease { owner: run.to_owned(), expires, fencing }, condition);
    let Some(StoredLease { lease, version }) = found else {
        return write(1, Condition::Absent);
    };
    if lease.owner == run && now < lease.expires {
        return write(lease.fencing, Condition::Version(version.clone()));
    }
    let is_released = lease.expires == Timestamp::UNIX_EPOCH;
    if lease.owner == run || is_released || unmoved > TERM + SKEW_MAX {
        // One's own lease that has run out counts as a new one: a round that was begun under it must not go on.
        return write(lease.fencing.saturating_add(1), Condition::Version(version.clone()));
    }
    Decision::StandBy { owner: lease.owner.clone(), expires: lease.expires }
}

/// Whether this replica leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leadership {
    /// It does.
    Leader,
    /// Another one does.
    Standby {
        /// Its run id; empty where it is not known yet.
        owner: String,
    },
    /// Nobody knows: the store does not answer.
    Unknown(String),
}

/// Holds the lease, or waits for it.
pub struct LeaderElector<'a> {
    store: &'a dyn ConditionalStore,
    clock: &'a dyn Clock,
    run: String,
    /// The field of the configuration that names the document, for messages.
    setting: &'static str,
    state: Mutex<State>,
    /// One at a time renews or releases the lease.
    writing: tokio::sync::Mutex<()>,
}

struct State {
    held: Option<Lease>,
    /// When the term of what is held ends, by the clock that only grows.
    until: Duration,
    leadership: Leadership,
    next_renewal: Timestamp,
    /// The version of another one's lease, and since when it has been the same, by the clock that only grows.
    watched: Option<(String, Duration)>,
    /// Another one renewed its lease while this replica looked on.
    is_live: bool,
}

impl<'a> LeaderElector<'a> {
    /// Makes an elector that holds nothing yet. `run` is the run id, another one for each start of the program;
    /// `setting` is the field of the configuration that names the document.
    pub fn new(store: &'a dyn ConditionalStore, clock: &'a dyn Clock, run: &str, setting: &'static str) -> Self {
        let leadership = Leadership::Unknown("the lease was not asked for yet".into());
        let state = State {
            held: None,
            until: Duration::ZERO,
            leadership,
            next_renewal: Timestamp::MIN,
            watched: None,
            is_live: false,
        };
        let state = Mutex::new(state);
        Self { store, clock, run: run.to_owned(), setting, state, writing: tokio::sync::Mutex::default() }
    }

    /// Takes or renews the lease where it is time to, and tells whether this replica leads.
    pub async fn renew(&self) -> Leadership {
        let _writing = self.writing.lock().await;
        let (now, passed) = (self.clock.now(), self.clock.passed());
        let known = {
            let state = lock(&self.state);
            let is_settled = state.held.is_none() || holds(&state, now, passed);
            (now < state.next_renewal && is_settled).then(|| state.leadership.clone())
        };
        if let Some(leadership) = known {
            return leadership;
        }
        let tried = self.take_or_renew(now, passed).await;
        let mut state = lock(&self.state);
        state.next_renewal = after(now, RENEW_EVERY);
        match tried {
            Ok(Some(lease)) => {
                state.held = Some(lease);
                // Counted from before the document was written: when it was, nobody knows.
                state.until = passed + TERM;
                state.watched = None;
                state.leadership = Leadership::Leader;
            }
            Ok(None) => {
                // Somebody else was quicker. Who, is seen at the next look, which is soon.
                state.held = None;
                state.leadership = Leadership::Standby { owner: String::new() };
                state.next_renewal = now;
            }
            Err(leadership) => {
                if matches!(leadership, Leadership::Standby { .. }) {
                    state.held = None;
                }
                // While the store does not answer, a lease that was taken holds until its end.
                state.leadership = if holds(&state, now, passed) { Leadership::Leader } else { leadership };
            }
        }
        state.leadership.clone()
    }

    async fn take_or_renew(&self, now: Timestamp, passed: Duration) -> Result<Option<Lease>, Leadership> {
        let found = self.find().await.map_err(Leadership::Unknown)?;
        let unmoved = self.watch(found.as_ref(), passed);
        match decide(&self.run, now, found.as_ref(), unmoved) {
            Decision::StandBy { owner, .. } => Err(Leadership::Standby { owner }),
            Decision::Write(lease, condition) => {
                match self.put(&lease, &condition).await.map_err(Leadership::Unknown)? {
                    WriteOutcome::Done => Ok(Some(lease)),
                    WriteOutcome::Conflict => Ok(None),
                }
            }
        }
    }

    /// Notes which version is there, and returns for how long it has been.
    fn watch(&self, found: Option<&StoredLease>, passed: Duration) -> Duration {
        let mut state = lock(&self.state);
        let Some(StoredLease { version, .. }) = found else {
            state.watched = None;
            return Duration::ZERO;
        };
        match &state.watched {
            Some((known, since)) if known == version => passed.saturating_sub(*since),
            other => {
                state.is_live = other.is_some();
                state.watched = Some((version.clone(), passed));
                Duration::ZERO
            }
        }
    }

    /// Tells whether another replica was seen to renew its lease.
    pub fn is_live_elsewhere(&self) -> bool {
        lock(&self.state).is_live
    }

    async fn find(&self) -> Result<Option<StoredLease>, String> {
        let Some(kept) = self.store.read().await.map_err(|fault| fault.to_string())? else { return Ok(None) };
        let lease = serde_json::from_str(&kept.text)
            .map_err(|error| format!("the object that {} names is no lease: {error}", self.setting))?;
        Ok(Some(StoredLease { lease, version: kept.version }))
    }

    async fn put(&self, lease: &Lease, condition: &Condition) -> Result<WriteOutcome, String> {
        let text = serde_json::to_string(lease).map_err(|error| error.to_string())?;
        self.store.write(&text, condition).await.map_err(|fault| fault.to_string())
    }

    /// Returns the fence of work that begins now.
    pub fn fence(&'a self) -> Fence<'a> {
        Fence { elector: self, fencing: lock(&self.state).held.as_ref().map(|lease| lease.fencing) }
    }

    /// Releases the lease, so that another replica need not wait for its end.
    pub async fn release(&self) {
        let _writing = self.writing.lock().await;
        let Some(held) = lock(&self.state).held.take() else { return };
        let Ok(Some(found)) = self.find().await else { return };
        if found.lease.owner == self.run && found.lease.fencing == held.fencing {
            let gone = Lease { expires: Timestamp::UNIX_EPOCH, ..held };
            // Where this fails, the lease ends by itself.
            let _ = self.put(&gone, &Condition::Version(found.version)).await;
        }
    }
}

/// Tells whether the lease is held with time to spare, by both clocks: the one that only grows may stand still while
/// the machine sleeps, and the other one may be set.
fn holds(state: &State, now: Timestamp, passed: Duration) -> bool {
    state.held.as_ref().is_some_and(|lease| after(now, SKEW_MAX) < lease.expires) && passed + SKEW_MAX < state.until
}

/// Tells whether work may still write: while the lease is the one under which the work began.
pub struct Fence<'a> {
    elector: &'a LeaderElector<'a>,
    fencing: Option<u64>,
}

impl Fence<'_> {
    /// Reads the lease again.
    ///
    /// # Errors
    /// In a sentence, why this replica may not write any more.
    pub async fn check(&self) -> Result<(), String> {
        let fencing = self.fencing.ok_or("this replica does not hold the lease")?;
        let found = self.elector.find().await?;
        // The clocks are read after the answer: a pause before it must be noticed.
        let now = self.elector.clock.now();
        match found {
            Some(StoredLease { lease, .. }) if lease.owner == self.elector.run && lease.fencing == fencing => {
                let passed = self.elector.clock.passed();
                let in_time = after(now, SKEW_MAX) < lease.expires && holds(&lock(&self.elector.state), now, passed);
                if in_time { Ok(()) } else { Err("the lease is about to end and was not renewed".into()) }
            }
            Some(StoredLease { lease, .. }) => {
                Err(format!("the lease was taken over by {} ({})", lease.owner, lease.fencing))
            }
            None => Err("the lease is gone".into()),
        }
    }
}
