//! The loop: round, wait, round. It never overlaps itself, and it does not end on an error that may pass.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::board::Board;
use super::breaker::round_pause;
use super::clock::Clock;
use super::ears::Ears;
use super::herald::Recipient;
use super::history::{HistoryFile, RoundRecord, Trigger};
use super::lease::Holder;
use super::life::{Life, Shelf};
use super::observe::Memory;
use super::round::with_causes;
use super::stop::Stop;
use super::watch::{Watch, every};
use crate::cloud::Cloud;
use crate::cloud::document::Document;
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
    pub lease: Option<Box<dyn Document>>,
    /// The queue that wakes it; nothing where there is none.
    pub queue: Option<Box<dyn Queue>>,
    /// Where replicas keep their history together; nothing where each keeps its own, or none.
    pub history: Option<Box<dyn Document>>,
    /// Who is told of findings.
    pub recipients: Vec<Box<dyn Recipient>>,
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
pub struct Refused {
    /// Why, with what to do next.
    pub why: String,
    /// It may be had later, without anybody doing something.
    pub may_pass: bool,
}

/// Where configuration and connection come from.
#[async_trait]
pub trait Source: Send + Sync {
    /// Reads the text of the configuration.
    ///
    /// # Errors
    /// [`Refused`] where it cannot be read.
    fn read(&self) -> Result<String, Refused>;

    /// Turns the text into a configuration.
    ///
    /// # Errors
    /// [`Refused`] with all that is wrong with it.
    fn parse(&self, text: &str) -> Result<Config, Refused>;

    /// Connects to what the configuration names.
    ///
    /// # Errors
    /// [`Refused`] where there are no credentials, or nobody answers.
    async fn connect(&self, config: &Config) -> Result<Connection, Refused>;
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
    pub source: &'a dyn Source,
    /// The policy templates in force.
    pub templates: &'a Templates,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// What is seen of it.
    pub board: Board,
    /// What was decided.
    pub options: Options,
}

/// Why the daemon cannot go on, told to the person who must act.
#[derive(Debug, thiserror::Error)]
pub enum Hopeless {
    /// The configuration, the credentials or the history of the start cannot be used.
    #[error("{0}")]
    Start(String),
    /// The very first round, or the only one, could plan nothing.
    #[error(transparent)]
    Misfit(SurveyError),
}

/// What lasts as long as one text of the configuration.
pub(super) struct Epoch {
    pub(super) text: String,
    pub(super) config: Config,
    pub(super) connection: Connection,
    pub(super) memory: Mutex<Memory>,
}

impl Daemon<'_> {
    /// Runs until `stop` is wished, or with `once` until a round is over; returns the last round.
    ///
    /// # Errors
    /// [`Hopeless`] where no waiting can help.
    pub async fn run(&self, stop: &Stop) -> Result<Option<RoundRecord>, Hopeless> {
        let text = self.source.read().map_err(|refused| Hopeless::Start(refused.why))?;
        let config = self.source.parse(&text).map_err(|refused| Hopeless::Start(refused.why))?;
        let life = Life::resume(self.options.history.as_ref(), &config.deployment);
        let mut life = life.map_err(|error| {
            Hopeless::Start(format!("{}; name another file with --history, or move this one away", with_causes(&error)))
        })?;
        self.board.write(|status| {
            status.run.clone_from(&self.options.run);
            status.observe = self.options.observe;
            status.started = Some(self.clock.now());
        });
        tokio::select! {
            biased;
            ended = self.go_on(&mut life, (text, config), stop) => ended?,
            () = self.too_late(stop) => tracing::warn!("what was still to be written does not end in time"),
        }
        Ok(life.history.rounds().next_back().filter(|round| round.run == self.options.run).cloned())
    }

    async fn too_late(&self, stop: &Stop) {
        stop.wished().await;
        self.clock.sleep(END_MAX).await;
    }

    /// Lives with one configuration after the other.
    async fn go_on(&self, life: &mut Life, first: (String, Config), stop: &Stop) -> Result<(), Hopeless> {
        let mut next = first;
        let mut trigger = Trigger::Timer;
        loop {
            let (text, config) = next;
            let Some(connection) = self.connect(&config, life, stop).await? else { return Ok(()) };
            let epoch = Epoch { text, config, connection, memory: Mutex::default() };
            match self.live(&epoch, life, trigger, stop).await? {
                Some(reload) => next = reload,
                None => return Ok(()),
            }
            trigger = Trigger::Configuration;
            // What was fought over, or failed, under another configuration says nothing under this one.
            life.book.fights.forget();
            life.book.breakers.forget();
        }
    }

    /// Connects, again and again while it may help; nothing where the end is wished meanwhile.
    async fn connect(&self, config: &Config, life: &Life, stop: &Stop) -> Result<Option<Connection>, Hopeless> {
        let mut failures = 0;
        loop {
            let refused = tokio::select! {
                biased;
                () = stop.wished() => return Ok(None),
                connection = self.source.connect(config) => match connection {
                    Ok(connection) => return Ok(Some(connection)),
                    Err(refused) => refused,
                },
            };
            if self.options.once || !(refused.may_pass || life.planned_once) {
                return Err(Hopeless::Start(refused.why));
            }
            failures += 1;
            let pause = round_pause(failures, every(config), self.clock.chance());
            tracing::error!(why = refused.why, pause_s = pause.as_secs(), "not connected; it is tried again");
            tokio::select! {
                () = stop.wished() => return Ok(None),
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Lives with one configuration. Returns the next one, or nothing where it is over.
    async fn live(
        &self,
        epoch: &Epoch,
        life: &mut Life,
        first: Trigger,
        stop: &Stop,
    ) -> Result<Option<(String, Config)>, Hopeless> {
        let Connection { lease, queue, .. } = &epoch.connection;
        let holder = lease.as_deref().filter(|_| !self.options.observe);
        let holder = holder.map(|store| Holder::new(store, self.clock, &self.options.run));
        let ears = queue
            .as_deref()
            .map(|queue| Ears::new(queue, self.clock, &self.board, own_sessions(&epoch.config.deployment)));
        let shelf = epoch.connection.history.as_deref();
        let shelf = shelf.map(|document| Shelf { document, deployment: &epoch.config.deployment });
        let (holder, ears, shelf) = (holder.as_ref(), ears.as_ref(), shelf.as_ref());
        let watch = Watch { daemon: self, epoch, holder, ears, shelf, stop };
        self.board.write(|status| {
            status.deployment.clone_from(&epoch.config.deployment);
            status.every_s = epoch.config.reconcile.every.seconds();
            status.bad_config = None;
        });
        let next = watch.keep(life, first).await;
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

    fn keep_old(&self, refused: Refused) -> Option<(String, Config)> {
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
