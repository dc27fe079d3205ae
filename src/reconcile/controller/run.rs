//! Keeps to one configuration after the other, each for as long as its text is in force.

use std::sync::Mutex;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::source::Connection;
use super::state::DaemonState;
use super::supervisor::Supervisor;
use super::{Controller, FatalError, Generation, every};
use crate::config::Config;
use crate::daemon::backoff::retry_pause;
use crate::daemon::history::{HistoryFile, SharedHistory};
use crate::daemon::lease::{LeaderElector, Leadership};
use crate::daemon::shutdown::within_grace;
use crate::reconcile::history::{RoundRecord, Trigger};
use crate::reconcile::lake;
use crate::reconcile::round::with_causes;
use crate::reconcile::wake::{OwnSessions, QueueListener};

/// How long the daemon goes on at most after it was told to stop: the running step has
/// [`GRACE`](crate::reconcile::round::GRACE), and what is left is for the history and for releasing the lease, where
/// their stores answer.
const SHUTDOWN_MAX: Duration = Duration::from_secs(29);

impl Controller<'_> {
    /// Runs until `stop` is cancelled, or with `once` until a round is over; returns the last round.
    ///
    /// # Errors
    /// [`FatalError`] where no waiting can help.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Option<RoundRecord>, FatalError> {
        let text = self.source.read().map_err(|refused| FatalError::Start(refused.why))?;
        let config = self.source.parse(&text).map_err(|refused| FatalError::Start(refused.why))?;
        let _held = match self.options.history.as_ref().map(HistoryFile::hold).transpose() {
            Ok(held) => held,
            Err(error) => return Err(FatalError::Start(format!("{error}; name another file with --history"))),
        };
        let state = DaemonState::resume(self.options.history.as_ref(), &config.deployment);
        let mut state = state.map_err(|error| {
            FatalError::Start(format!(
                "{}; name another file with --history, or move this one away",
                with_causes(&error)
            ))
        })?;
        self.board.write(|status| {
            status.run.clone_from(&self.options.run);
            status.observe = self.options.observe;
            status.started = Some(self.clock.now());
        });
        let generations = Box::pin(self.run_generations(&mut state, (text, config), stop));
        match within_grace(generations, stop, self.clock, SHUTDOWN_MAX).await {
            Some(ended) => ended?,
            None => tracing::warn!("what was still to be written does not end in time"),
        }
        Ok(state.history.iter().next_back().filter(|round| round.run == self.options.run).cloned())
    }

    /// Keeps to one configuration after the other.
    async fn run_generations(
        &self,
        state: &mut DaemonState,
        first: (String, Config),
        stop: &CancellationToken,
    ) -> Result<(), FatalError> {
        let mut next = first;
        let mut trigger = Trigger::Timer;
        loop {
            let (text, config) = next;
            let Some(connection) = self.connect(&config, state, stop).await? else { return Ok(()) };
            let generation = Generation { text, config, connection, cache: Mutex::default() };
            match self.run_generation(&generation, state, trigger, stop).await? {
                Some(reload) => next = reload,
                None => return Ok(()),
            }
            trigger = Trigger::Configuration;
            // What was in conflict, or failed, under another configuration says nothing under this one.
            state.rounds.conflicts.clear();
            state.rounds.breakers.clear();
        }
    }

    /// Connects, again and again while it may help; `None` where `stop` is cancelled meanwhile.
    async fn connect(
        &self,
        config: &Config,
        state: &DaemonState,
        stop: &CancellationToken,
    ) -> Result<Option<Connection>, FatalError> {
        let mut failures = 0;
        loop {
            let refused = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                connection = self.source.connect(config) => match connection {
                    Ok(connection) => return Ok(Some(connection)),
                    Err(refused) => refused,
                },
            };
            if self.options.once || !(refused.retryable || state.planned_once) {
                return Err(FatalError::Start(refused.why));
            }
            failures += 1;
            let pause = retry_pause(failures, every(config), self.clock.jitter());
            tracing::error!(why = refused.why, pause_s = pause.as_secs(), "not connected; it is tried again");
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Keeps to one configuration. Returns the next one, or `None` where it is over.
    async fn run_generation(
        &self,
        generation: &Generation,
        state: &mut DaemonState,
        first: Trigger,
        stop: &CancellationToken,
    ) -> Result<Option<(String, Config)>, FatalError> {
        let deployment = &generation.config.deployment;
        let Connection { lease, queue, history, .. } = &generation.connection;
        let lease = lease.as_deref().filter(|_| !self.options.observe);
        let elector = lease.map(|store| LeaderElector::new(store, self.clock, &self.options.run, "reconcile.lease"));
        let own = OwnSessions::new(&self.options.run, &generation.config.organization.member_role);
        let listener = queue.as_deref().map(|queue| QueueListener::new(queue, self.clock, &self.board, own));
        let history = history.as_deref().map(|store| SharedHistory::new(store, deployment));
        let (elector, listener, history) = (elector.as_ref(), listener.as_ref(), history.as_ref());
        let supervisor = Supervisor { controller: self, generation, elector, listener, history, stop };
        self.board.write(|status| {
            status.deployment.clone_from(deployment);
            status.every_s = generation.config.reconcile.every.seconds();
            status.bad_config = None;
        });
        let keeper = generation.connection.lake.as_deref().filter(|_| !self.options.observe);
        let beside = async {
            match keeper.filter(|_| !self.options.once) {
                Some(keeper) => lake::keep(keeper, self.clock, &self.board, elector.is_some()).await,
                None => std::future::pending().await,
            }
        };
        let next = tokio::select! {
            next = supervisor.run(state, first) => next,
            // It goes on for ever; what it has in hand when the rounds end is done again by the next update.
            () = beside => Ok(None),
        };
        let leads = elector.is_none() || self.board.read().leadership == Some(Leadership::Leader);
        if let Some(keeper) = keeper.filter(|_| self.options.once && leads && !stop.is_cancelled()) {
            lake::turn(keeper, self.clock, &self.board).await;
        }
        if let Some(elector) = elector {
            elector.release().await;
        }
        next
    }
}
