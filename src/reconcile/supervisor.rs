//! One configuration being kept to: a round, a wait for the next thing to do, and lease and messages kept meanwhile.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::breaker::round_pause;
use super::clock::{after, between};
use super::daemon::{Daemon, FatalError, Generation};
use super::daemon_state::{DaemonState, HistoryError, SharedHistory};
use super::findings::Finding;
use super::history::Trigger;
use super::lease::{LeaderElector, Leadership, SKEW_MAX, TEND_EVERY, TERM};
use super::notifier::notice;
use super::observe::{Focus, lock};
use super::queue_listener::{QueueListener, WakeBatch};
use super::round::{RoundContext, RoundOutcome, RoundRequest, round};
use super::status;
use crate::apply::Gate;
use crate::apply::gate::Open;
use crate::config::Config;
use crate::config::schema::WebLink;
use crate::survey::SurveyError;

/// How often the configuration file is looked at, and the lease between two rounds.
const POLL: Duration = Duration::from_secs(5);

/// How often lease and messages are kept while a round runs.
const UPKEEP: Duration = Duration::from_secs(15);

/// How long one recipient of a notice may take.
const TELL_MAX: Duration = Duration::from_secs(60);

/// Why waiting is over.
enum Next {
    Round(Trigger, Option<WakeBatch>),
    Reload(Box<(String, Config)>),
    Stop,
}

/// One configuration being kept to.
pub(super) struct Supervisor<'w> {
    pub(super) daemon: &'w Daemon<'w>,
    pub(super) epoch: &'w Generation,
    pub(super) holder: Option<&'w LeaderElector<'w>>,
    pub(super) queue_listener: Option<&'w QueueListener<'w>>,
    pub(super) shelf: Option<&'w SharedHistory<'w>>,
    pub(super) stop: &'w CancellationToken,
}

impl Supervisor<'_> {
    /// Makes rounds until the configuration changes, which it returns, or the end is wished.
    pub(super) async fn keep(
        &self,
        daemon_state: &mut DaemonState,
        first: Trigger,
    ) -> Result<Option<(String, Config)>, FatalError> {
        let mut next = Next::Round(first, None);
        // What replicas keep together is read when this one begins to act.
        let mut caught_up = false;
        loop {
            let (trigger, wakened) = match next {
                Next::Round(trigger, wakened) => (trigger, wakened),
                Next::Reload(reload) => return Ok(Some(*reload)),
                Next::Stop => return Ok(None),
            };
            let due = if self.may_begin().await {
                caught_up = caught_up || self.catch_up(daemon_state).await?;
                let due = Box::pin(self.work(daemon_state, trigger, wakened, caught_up)).await?;
                // Who lost the lease in its round looks for its end as often as any other that stands by.
                if self.is_leader() { due } else { due.min(after(self.daemon.clock.now(), POLL)) }
            } else {
                caught_up = false;
                after(self.daemon.clock.now(), POLL)
            };
            if self.daemon.options.once {
                return Ok(None);
            }
            self.daemon.board.write(|status| status.next = Some(due));
            next = self.wait(due).await;
        }
    }

    /// Tells whether a round may be made. Whoever makes only one waits until it is known whether the lease that is there is
    /// kept: what a killed run left ends by itself.
    async fn may_begin(&self) -> bool {
        let acts = self.acts().await;
        let Some(holder) = self.holder.filter(|_| self.daemon.options.once) else { return acts };
        let mut looks = 2 + (TERM + SKEW_MAX).as_secs() / TEND_EVERY.as_secs();
        let mut acts = acts;
        while !acts && looks > 0 && !holder.is_live_elsewhere() {
            looks -= 1;
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = self.daemon.clock.sleep(TEND_EVERY) => {}
            }
            acts = self.acts().await;
        }
        acts
    }

    async fn acts(&self) -> bool {
        let Some(holder) = self.holder else { return true };
        let standing = holder.renew().await;
        if let Leadership::Unknown(why) = &standing {
            tracing::error!(why, "whether this replica may act is not known");
        }
        let acts = standing == Leadership::Leader;
        self.daemon.board.write(|status| status.standing = Some(standing));
        acts
    }

    /// Takes up what this and other replicas have kept; tells whether that is done.
    async fn catch_up(&self, daemon_state: &mut DaemonState) -> Result<bool, FatalError> {
        let Some(shelf) = self.shelf else { return Ok(true) };
        match shelf.read().await {
            Ok((record, _)) => {
                record.into_iter().for_each(|record| daemon_state.restore(record));
                Ok(true)
            }
            Err(error @ HistoryError::Content(_)) if !daemon_state.planned_once => {
                Err(FatalError::Start(error.to_string()))
            }
            Err(error) => {
                tracing::error!(%error, "the history cannot be read; the daemon goes on without until it can");
                Ok(false)
            }
        }
    }

    /// Makes a round, and keeps lease and messages meanwhile. Returns when the next one is due.
    async fn work(
        &self,
        daemon_state: &mut DaemonState,
        trigger: Trigger,
        wakened: Option<WakeBatch>,
        caught_up: bool,
    ) -> Result<Timestamp, FatalError> {
        let Self { daemon, epoch, .. } = self;
        daemon_state.rounds += 1;
        let focus = wakened.as_ref().map_or(Focus::Due, |wakened| wakened.focus.clone());
        let task = RoundRequest { number: daemon_state.rounds, trigger, focus };
        daemon_state.book.actors.extend(wakened.iter().flat_map(|wakened| wakened.actors.clone()));
        let fence = self.holder.map(|holder| holder.fence());
        let setting = RoundContext {
            config: &epoch.config,
            templates: daemon.templates,
            cloud: epoch.connection.cloud.as_ref(),
            clock: daemon.clock,
            memory: &epoch.memory,
            gate: fence.as_ref().map_or(&Open as &dyn Gate, |fence| fence),
            run: &daemon.options.run,
            concurrency: daemon.options.concurrency,
            observe: daemon.options.observe,
        };
        daemon.board.write(|status| status.working_since = Some(daemon.clock.now()));
        let ended = {
            let work = pin!(round(&setting, &mut daemon_state.book, task, self.stop));
            match select(work, pin!(self.upkeep(wakened.as_ref()))).await {
                Either::Left((ended, _)) => ended,
                Either::Right((never, _)) => match never {},
            }
        };
        // Messages of a round that failed come again when their time is over.
        let is_over = ended.seen.is_some() && ended.record.failed == 0;
        if let (Some(queue_listener), Some(wakened), true) = (self.queue_listener, &wakened, is_over) {
            queue_listener.done(wakened).await;
        }
        // Before it is known what others have told, nothing is told again.
        if caught_up {
            let tell = pin!(self.tell(daemon_state));
            match select(tell, pin!(self.upkeep(None))).await {
                Either::Left(((), _)) => {}
                Either::Right((never, _)) => match never {},
            }
        }
        self.record_round(daemon_state, &ended, caught_up).await;
        self.judge(daemon_state, ended)
    }

    /// Tells of the findings that are new, other or gone, as long as this replica acts and nobody wishes the end. Who cannot
    /// be told in time is told after the next round.
    async fn tell(&self, daemon_state: &mut DaemonState) {
        let Self { daemon, epoch, .. } = self;
        let open: Vec<Finding> = daemon_state.book.findings.iter().cloned().collect();
        let link = epoch.config.notify.link.as_ref().map(WebLink::as_str);
        for recipient in &epoch.connection.recipients {
            let name = recipient.name();
            let Some(notice) = notice(&epoch.config.deployment, daemon_state.known.of(name), &open, link) else {
                continue;
            };
            if !self.acts().await {
                return;
            }
            let told = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                told = recipient.tell(&notice) => told,
                () = daemon.clock.sleep(TELL_MAX) => Err(format!("no answer within {} seconds", TELL_MAX.as_secs())),
            };
            match told {
                Ok(()) => {
                    tracing::info!(recipient = name, notice.subject, "told");
                    daemon_state.known.learned(name, open.clone());
                    daemon.board.write(|status| status.totals.told += 1);
                }
                Err(why) => {
                    tracing::error!(
                        recipient = name,
                        why,
                        "not told of the findings; it is tried again after the next round"
                    );
                    daemon.board.write(|status| status.totals.untold += 1);
                }
            }
        }
    }

    /// Keeps the lease and the messages of a round while it runs.
    async fn upkeep(&self, wakened: Option<&WakeBatch>) -> Infallible {
        loop {
            self.daemon.clock.sleep(UPKEEP).await;
            self.acts().await;
            if let (Some(queue_listener), Some(wakened)) = (self.queue_listener, wakened) {
                queue_listener.keep(wakened).await;
            }
        }
    }

    /// Shows what came of a round, and keeps it.
    async fn record_round(&self, daemon_state: &mut DaemonState, ended: &RoundOutcome, caught_up: bool) {
        let Self { daemon, epoch, .. } = self;
        daemon_state.history.push(ended.record.clone());
        // Who only observes writes nothing to AWS.
        if let Some(shelf) = self.shelf.filter(|_| caught_up && !daemon.options.observe)
            && let Err(error) = shelf.write(daemon_state).await
        {
            tracing::error!(%error, "the history cannot be written; it is tried again after the next round");
        }
        if let Some(file) = &daemon.options.history
            && let Err(error) = file.write(&daemon_state.record(&epoch.config.deployment))
        {
            tracing::error!(%error, "the history cannot be written; the daemon goes on without");
        }
        let DaemonState { book, history, .. } = daemon_state;
        daemon.board.write(|status| status::update(status, ended, book, history, &lock(&epoch.memory), daemon.clock));
    }

    /// Returns when the next round is due: sooner after a failure.
    fn judge(&self, daemon_state: &mut DaemonState, ended: RoundOutcome) -> Result<Timestamp, FatalError> {
        let clock = self.daemon.clock;
        let every = every(&self.epoch.config);
        match ended.error {
            None => {
                daemon_state.planned_once |= ended.seen.is_some();
                daemon_state.failures = 0;
                Ok(after(clock.now(), every))
            }
            // What never fitted does not fit later either; what once did may do so again.
            Some(error @ SurveyError::Design(_)) if !daemon_state.planned_once => Err(FatalError::Unplannable(error)),
            Some(error) if self.daemon.options.once => Err(FatalError::Unplannable(error)),
            Some(_) => {
                daemon_state.failures += 1;
                Ok(after(clock.now(), round_pause(daemon_state.failures, every, clock.jitter())))
            }
        }
    }

    /// Tells whether this replica acted when it last looked.
    fn is_leader(&self) -> bool {
        self.holder.is_none() || self.daemon.board.read().standing == Some(Leadership::Leader)
    }

    /// Waits for the next thing to do.
    async fn wait(&self, due: Timestamp) -> Next {
        let clock = self.daemon.clock;
        let acts = self.is_leader();
        let mut heard = pin!(self.hear(acts));
        loop {
            if self.stop.is_cancelled() {
                return Next::Stop;
            }
            if let Some(reload) = self.daemon.reload(&self.epoch.text) {
                return Next::Reload(Box::new(reload));
            }
            let left = between(clock.now(), due);
            if left.is_zero() {
                return Next::Round(Trigger::Timer, None);
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Next::Stop,
                wakened = &mut heard => return Next::Round(Trigger::Wake, Some(wakened)),
                () = clock.sleep(left.min(POLL)) => {}
            }
            // A lease that was lost while nothing was to be done: the next round finds out. One that is held is kept.
            if acts {
                self.acts().await;
            }
        }
    }

    /// Listens, where there is something to listen to and this replica acts.
    async fn hear(&self, acts: bool) -> WakeBatch {
        match self.queue_listener.filter(|_| acts) {
            Some(queue_listener) => queue_listener.listen().await,
            None => std::future::pending().await,
        }
    }
}

/// Returns the time between two rounds.
pub(super) fn every(config: &Config) -> Duration {
    Duration::from_secs(config.reconcile.every.seconds())
}
