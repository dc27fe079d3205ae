//! The loop: round, wait, round. It never overlaps itself, and it does not end on an error that may pass.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::breaker::round_pause;
use super::clock::Clock;
use super::daemon_state::{DaemonState, SharedHistory};
use super::history::{HistoryFile, RoundRecord, Trigger};
use super::lease::LeaderElector;
use super::notifier::Channel;
use super::observe::ObservationCache;
use super::queue_listener::QueueListener;
use super::round::with_causes;
use super::status_board::StatusBoard;
use super::supervisor::{Supervisor, every};
use crate::cloud::Cloud;
use crate::cloud::document::ConditionalStore;
use crate::cloud::queue::Queue;
use crate::config::Config;
use crate::policy::template::Templates;
use crate::survey::SurveyError;

/// How long the daemon goes on at most after it was told to stop: the running step has [`GRACE`](super::round::GRACE), and
/// what is left is for the history and for giving up the lease, where their stores answer.
const END_MAX: Duration = Duration::from_secs(29);

/// What the daemon is connected to.
pub struct Connection {
    /// AWS or a recorded estate.
    pub cloud: Box<dyn Cloud>,
    /// Where replicas agree which one acts; nothing where there is one.
    pub lease: Option<Box<dyn ConditionalStore>>,
    /// The queue that wakes it; nothing where there is none.
    pub queue: Option<Box<dyn Queue>>,
    /// Where replicas keep their history together; nothing where each keeps its own, or none.
    pub history: Option<Box<dyn ConditionalStore>>,
    /// Who is told of findings.
    pub recipients: Vec<Box<dyn Channel>>,
}

impl Connection {
    /// A connection to a cloud and nothing beside it.
    pub fn to(cloud: Box<dyn Cloud>) -> Self {
        Self { cloud, lease: None, queue: None, history: None, recipients: Vec::new() }
    }
}

/// Says why something that the daemon needs is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct SourceError {
    /// Why, with what to do next.
    pub why: String,
    /// It may be had later, without anybody doing something.
    pub retryable: bool,
}

/// Where configuration and connection come from.
#[async_trait]
pub trait ConfigSource: Send + Sync {
    /// Reads the text of the configuration.
    ///
    /// # Errors
    /// [`SourceError`] where it cannot be read.
    fn read(&self) -> Result<String, SourceError>;

    /// Turns the text into a configuration.
    ///
    /// # Errors
    /// [`SourceError`] with all that is wrong with it.
    fn parse(&self, text: &str) -> Result<Config, SourceError>;

    /// Connects to what the configuration names.
    ///
    /// # Errors
    /// [`SourceError`] where there are no credentials, or nobody answers.
    async fn connect(&self, config: &Config) -> Result<Connection, SourceError>;
}

/// What the person who starts the daemon has decided.
#[derive(Debug, Clone)]
pub struct Options {
    /// The run id; another one for each start.
    pub run: String,
    /// Nothing is changed.
    pub observe: bool,
    /// One round, then the end.
    pub once: bool,
    /// Changes that are made side by side.
    pub concurrency: usize,
    /// Where the history is kept.
    pub history: Option<HistoryFile>,
}

/// The daemon.
pub struct Daemon<'a> {
    /// Where configuration and connection come from.
    pub source: &'a dyn ConfigSource,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// What is seen of it.
    pub board: StatusBoard,
    /// What was decided.
    pub options: Options,
}

/// Why the daemon cannot go on, told to the person who must act.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    /// The configuration, the credentials or the history of the start cannot be used.
    #[error("{0}")]
    Start(String),
    /// The very first round, or the only one, could plan nothing.
    #[error(transparent)]
    Unplannable(SurveyError),
}

/// What lasts as long as one text of the configuration.
pub(super) struct Generation {
    pub(super) text: String,
    pub(super) config: Config,
    pub(super) connection: Connection,
    pub(super) memory: Mutex<ObservationCache>,
}

impl Daemon<'_> {
    /// Runs until `stop` is cancelled, or with `once` until a round is over; returns the last round.
    ///
    /// # Errors
    /// [`FatalError`] where no waiting can help.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Option<RoundRecord>, FatalError> {
        let text = self.source.read().map_err(|refused| FatalError::Start(refused.why))?;
        let config = self.source.parse(&text).map_err(|refused| FatalError::Start(refused.why))?;
        let daemon_state = DaemonState::resume(self.options.history.as_ref(), &config.deployment);
        let mut daemon_state = daemon_state.map_err(|error| {
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
        tokio::select! {
            biased;
            ended = self.go_on(&mut daemon_state, (text, config), stop) => ended?,
            () = self.too_late(stop) => tracing::warn!("what was still to be written does not end in time"),
        }
        Ok(daemon_state.history.rounds().next_back().filter(|round| round.run == self.options.run).cloned())
    }

    async fn too_late(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        self.clock.sleep(END_MAX).await;
    }

    /// Lives with one configuration after the other.
    async fn go_on(
        &self,
        daemon_state: &mut DaemonState,
        first: (String, Config),
        stop: &CancellationToken,
    ) -> Result<(), FatalError> {
        let mut next = first;
        let mut trigger = Trigger::Timer;
        loop {
            let (text, config) = next;
            let Some(connection) = self.connect(&config, daemon_state, stop).await? else { return Ok(()) };
            let epoch = Generation { text, config, connection, memory: Mutex::default() };
            match self.live(&epoch, daemon_state, trigger, stop).await? {
                Some(reload) => next = reload,
                None => return Ok(()),
            }
            trigger = Trigger::Configuration;
            // What was fought over, or failed, under another configuration says nothing under this one.
            daemon_state.book.fights.forget();
            daemon_state.book.breakers.forget();
        }
    }

    /// Connects, again and again while it may help; nothing where the end is wished meanwhile.
    async fn connect(
        &self,
        config: &Config,
        daemon_state: &DaemonState,
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
            if self.options.once || !(refused.retryable || daemon_state.planned_once) {
                return Err(FatalError::Start(refused.why));
            }
            failures += 1;
            let pause = round_pause(failures, every(config), self.clock.jitter());
            tracing::error!(why = refused.why, pause_s = pause.as_secs(), "not connected; it is tried again");
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Lives with one configuration. Returns the next one, or nothing where it is over.
    async fn live(
        &self,
        epoch: &Generation,
        daemon_state: &mut DaemonState,
        first: Trigger,
        stop: &CancellationToken,
    ) -> Result<Option<(String, Config)>, FatalError> {
        let Connection { lease, queue, .. } = &epoch.connection;
        let holder = lease.as_deref().filter(|_| !self.options.observe);
        let holder = holder.map(|store| LeaderElector::new(store, self.clock, &self.options.run));
        let queue_listener = queue
            .as_deref()
            .map(|queue| QueueListener::new(queue, self.clock, &self.board, own_sessions(&epoch.config.deployment)));
        let shelf = epoch.connection.history.as_deref();
        let shelf = shelf.map(|document| SharedHistory { document, deployment: &epoch.config.deployment });
        let (holder, queue_listener, shelf) = (holder.as_ref(), queue_listener.as_ref(), shelf.as_ref());
        let watch = Supervisor { daemon: self, epoch, holder, queue_listener, shelf, stop };
        self.board.write(|status| {
            status.deployment.clone_from(&epoch.config.deployment);
            status.every_s = epoch.config.reconcile.every.seconds();
            status.bad_config = None;
        });
        let next = watch.keep(daemon_state, first).await;
        if let Some(holder) = holder {
            holder.give_up().await;
        }
        next
    }

    /// Looks whether the configuration has another text; returns it where it can be used.
    pub(super) fn reload(&self, in_force: &str) -> Option<(String, Config)> {
        let text = match self.source.read() {
            Ok(text) if text == in_force => {
                self.board.write(|status| status.bad_config = None);
                return None;
            }
            Ok(text) => text,
            Err(refused) => return self.keep_old(refused),
        };
        match self.source.parse(&text) {
            Ok(config) => Some((text, config)),
            Err(refused) => self.keep_old(refused),
        }
    }

    fn keep_old(&self, refused: SourceError) -> Option<(String, Config)> {
        if self.board.read().bad_config.as_ref() != Some(&refused.why) {
            tracing::error!(why = refused.why, "the configuration cannot be used; the one before stays in force");
            self.board.write(|status| status.bad_config = Some(refused.why));
        }
        None
    }
}

/// Returns how the run ids of a deployment begin, which CloudTrail shows as the names of its sessions.
pub fn own_sessions(deployment: &str) -> String {
    format!("orgtrail-{deployment}-")
}
