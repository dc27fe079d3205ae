//! Keeps to one configuration: a round, a wait for the next thing to do, and meanwhile the lease is renewed and
//! messages are kept.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::state::DaemonState;
use super::{Controller, FatalError, Generation, every};
use crate::apply::Gate;
use crate::apply::gate::Open;
use crate::config::Config;
use crate::config::schema::WebLink;
use crate::daemon::backoff::retry_pause;
use crate::daemon::clock::{after, between};
use crate::daemon::history::{SharedHistory, SharedHistoryError};
use crate::daemon::lease::{LeaderElector, Leadership, RENEW_EVERY, SKEW_MAX, TERM};
use crate::daemon::lock;
use crate::notify::Sending;
use crate::reconcile::findings::Finding;
use crate::reconcile::findings::notification::notification;
use crate::reconcile::history::Trigger;
use crate::reconcile::observe::Focus;
use crate::reconcile::round::{RoundContext, RoundOutcome, RoundRequest, round};
use crate::reconcile::status::update::update;
use crate::reconcile::wake::{QueueListener, WakeBatch};
use crate::survey::SurveyError;

/// How often the configuration file is looked at, and the lease between two rounds.
const POLL: Duration = Duration::from_secs(5);

/// How often the lease is renewed and messages are kept while a round runs.
const UPKEEP: Duration = Duration::from_secs(15);

/// Why waiting is over.
enum Next {
    Round(Trigger, Option<WakeBatch>),
    Reload(Box<(String, Config)>),
    Stop,
}

/// Makes the rounds of one configuration.
pub(super) struct Supervisor<'s> {
    pub(super) controller: &'s Controller<'s>,
    pub(super) generation: &'s Generation,
    /// `None` where there is one replica, or nothing is changed.
    pub(super) elector: Option<&'s LeaderElector<'s>>,
    pub(super) listener: Option<&'s QueueListener<'s>>,
    /// `None` where replicas do not share their history.
    pub(super) history: Option<&'s SharedHistory<'s>>,
    pub(super) stop: &'s CancellationToken,
}

impl Supervisor<'_> {
    /// Makes rounds until the configuration changes, which it returns, or `stop` is cancelled.
    pub(super) async fn run(
        &self,
        state: &mut DaemonState,
        first: Trigger,
    ) -> Result<Option<(String, Config)>, FatalError> {
        let mut next = Next::Round(first, None);
        // What replicas keep together is read when this one begins to act.
        let mut caught_up = false;
        loop {
            let (trigger, batch) = match next {
                Next::Round(trigger, batch) => (trigger, batch),
                Next::Reload(reload) => return Ok(Some(*reload)),
                Next::Stop => return Ok(None),
            };
            let due = if self.may_begin().await {
                caught_up = caught_up || self.catch_up(state).await?;
                let due = Box::pin(self.round(state, trigger, batch, caught_up)).await?;
                // Who lost the lease in its round looks for its end as often as any other that stands by.
                if self.is_leader() { due } else { due.min(after(self.controller.clock.now(), POLL)) }
            } else {
                caught_up = false;
                after(self.controller.clock.now(), POLL)
            };
            if self.controller.options.once {
                return Ok(None);
            }
            self.controller.board.write(|status| status.next = Some(due));
            next = self.wait(due).await;
        }
    }

    /// Tells whether a round may be made. Whoever makes only one waits until it is known whether the lease that is
    /// there is kept: what a killed run left ends by itself.
    async fn may_begin(&self) -> bool {
        let mut leads = self.leads().await;
        let Some(elector) = self.elector.filter(|_| self.controller.options.once) else { return leads };
        let mut looks = 2 + (TERM + SKEW_MAX).as_secs() / RENEW_EVERY.as_secs();
        while !leads && looks > 0 && !elector.is_live_elsewhere() {
            looks -= 1;
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = self.controller.clock.sleep(RENEW_EVERY) => {}
            }
            leads = self.leads().await;
        }
        leads
    }

    async fn leads(&self) -> bool {
        let Some(elector) = self.elector else { return true };
        let leadership = elector.renew().await;
        if let Leadership::Unknown(why) = &leadership {
            tracing::error!(why, "whether this replica may act is not known");
        }
        let leads = leadership == Leadership::Leader;
        self.controller.board.write(|status| status.leadership = Some(leadership));
        leads
    }

    /// Takes up what this and other replicas have kept; tells whether that is done.
    async fn catch_up(&self, state: &mut DaemonState) -> Result<bool, FatalError> {
        let Some(history) = self.history else { return Ok(true) };
        match history.read().await {
            Ok((record, _)) => {
                record.into_iter().for_each(|record| state.restore(record));
                Ok(true)
            }
            Err(error @ SharedHistoryError::Content(_)) if !state.planned_once => {
                Err(FatalError::Start(error.to_string()))
            }
            Err(error) => {
                tracing::error!(%error, "the history cannot be read; the daemon goes on without until it can");
                Ok(false)
            }
        }
    }

    /// Makes a round, and keeps lease and messages meanwhile. Returns when the next one is due.
    async fn round(
        &self,
        state: &mut DaemonState,
        trigger: Trigger,
        batch: Option<WakeBatch>,
        caught_up: bool,
    ) -> Result<Timestamp, FatalError> {
        let Self { controller, generation, .. } = self;
        state.begun += 1;
        let focus = batch.as_ref().map_or(Focus::Due, |batch| batch.focus.clone());
        let request = RoundRequest { number: state.begun, trigger, focus };
        state.rounds.actors.extend(batch.iter().flat_map(|batch| batch.actors.clone()));
        let fence = self.elector.map(|elector| elector.fence());
        let context = RoundContext {
            config: &generation.config,
            templates: controller.templates,
            cloud: generation.connection.cloud.as_ref(),
            clock: controller.clock,
            cache: &generation.cache,
            gate: fence.as_ref().map_or(&Open as &dyn Gate, |fence| fence),
            run: &controller.options.run,
            concurrency: controller.options.concurrency,
            observe: controller.options.observe,
        };
        controller.board.write(|status| status.working_since = Some(controller.clock.now()));
        let outcome = {
            let work = pin!(round(&context, &mut state.rounds, request, self.stop));
            match select(work, pin!(self.upkeep(batch.as_ref()))).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right((never, _)) => match never {},
            }
        };
        // Messages of a round that failed come again when their time is over.
        let is_over = outcome.details.is_some() && outcome.record.failed == 0;
        if let (Some(listener), Some(batch), true) = (self.listener, &batch, is_over) {
            listener.done(batch).await;
        }
        // Before it is known what others have told, nothing is told again.
        if caught_up {
            let notify = pin!(self.notify(state));
            match select(notify, pin!(self.upkeep(None))).await {
                Either::Left(((), _)) => {}
                Either::Right((never, _)) => match never {},
            }
        }
        self.record_round(state, &outcome, caught_up).await;
        self.schedule_next(state, outcome)
    }

    /// Sends what is new, changed or gone of the findings, as long as this replica leads and `stop` is not cancelled.
    /// What failed is sent after the next round.
    async fn notify(&self, state: &mut DaemonState) {
        let Self { controller, generation, .. } = self;
        let open: Vec<Finding> = state.rounds.findings.iter().cloned().collect();
        let Config { deployment, notify, .. } = &generation.config;
        let link = notify.link.as_ref().map(WebLink::as_str);
        let message = |known: &[Finding]| notification(deployment, known, &open, link);
        let sending = Sending {
            stop: self.stop,
            may_send: async || self.leads().await,
            sleep: async |span| controller.clock.sleep(span).await,
        };
        let channels = &generation.connection.channels;
        let deliveries = state.notified.deliver(channels, &open, message, &sending).await;
        let sent = deliveries.iter().filter(|delivery| delivery.result.is_ok()).count() as u64;
        controller.board.write(|status| {
            status.totals.notified += sent;
            status.totals.not_notified += deliveries.len() as u64 - sent;
        });
    }

    /// Keeps the lease and the messages of a round while it runs.
    async fn upkeep(&self, batch: Option<&WakeBatch>) -> Infallible {
        loop {
            self.controller.clock.sleep(UPKEEP).await;
            self.leads().await;
            if let (Some(listener), Some(batch)) = (self.listener, batch) {
                listener.keep(batch).await;
            }
        }
    }

    /// Shows what came of a round, and keeps it.
    async fn record_round(&self, state: &mut DaemonState, outcome: &RoundOutcome, caught_up: bool) {
        let Self { controller, generation, .. } = self;
        state.history.push(outcome.record.clone());
        // Who only observes writes nothing to AWS.
        if let Some(history) = self.history.filter(|_| caught_up && !controller.options.observe)
            && let Err(error) = state.share(history, &generation.config.deployment).await
        {
            tracing::error!(%error, "the history cannot be written; it is tried again after the next round");
        }
        if let Some(file) = &controller.options.history
            && let Err(error) = file.write(&state.record(&generation.config.deployment))
        {
            tracing::error!(%error, "the history cannot be written; the daemon goes on without");
        }
        let DaemonState { rounds, history, .. } = state;
        let cache = lock(&generation.cache);
        controller.board.write(|status| update(status, outcome, rounds, history, &cache, controller.clock));
    }

    /// Returns when the next round is due: sooner after a failure.
    fn schedule_next(&self, state: &mut DaemonState, outcome: RoundOutcome) -> Result<Timestamp, FatalError> {
        let clock = self.controller.clock;
        let every = every(&self.generation.config);
        match outcome.error {
            None => {
                state.planned_once |= outcome.details.is_some();
                state.failures = 0;
                Ok(after(clock.now(), every))
            }
            // What never fitted does not fit later either; what once did may do so again.
            Some(error @ SurveyError::Design(_)) if !state.planned_once => Err(FatalError::Unplannable(error)),
            Some(error) if self.controller.options.once => Err(FatalError::Unplannable(error)),
            Some(_) => {
                state.failures += 1;
                Ok(after(clock.now(), retry_pause(state.failures, every, clock.jitter())))
            }
        }
    }

    /// Tells whether this replica led when it last looked.
    fn is_leader(&self) -> bool {
        self.elector.is_none() || self.controller.board.read().leadership == Some(Leadership::Leader)
    }

    /// Waits for the next thing to do.
    async fn wait(&self, due: Timestamp) -> Next {
        let clock = self.controller.clock;
        let leads = self.is_leader();
        let mut woken = pin!(self.listen(leads));
        loop {
            if self.stop.is_cancelled() {
                return Next::Stop;
            }
            if let Some(reload) = self.controller.reload(&self.generation.text) {
                return Next::Reload(Box::new(reload));
            }
            let left = between(clock.now(), due);
            if left.is_zero() {
                return Next::Round(Trigger::Timer, None);
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Next::Stop,
                batch = &mut woken => return Next::Round(Trigger::Wake, Some(batch)),
                () = clock.sleep(left.min(POLL)) => {}
            }
            // A lease that was lost while nothing was to be done: the next round finds out. One that is held is kept.
            if leads {
                self.leads().await;
            }
        }
    }

    /// Listens, where there is something to listen to and this replica acts.
    async fn listen(&self, leads: bool) -> WakeBatch {
        match self.listener.filter(|_| leads) {
            Some(listener) => listener.listen().await,
            None => std::future::pending().await,
        }
    }
}
