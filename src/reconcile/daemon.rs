//! The loop: round, wait, round. It never overlaps itself, and it does not end on an error that may pass.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use jiff::Timestamp;

use super::board::Board;
use super::breaker::round_pause;
use super::clock::{Clock, after, between};
use super::ears::{Ears, Wakened};
use super::history::{HistoryFile, RoundRecord, Trigger};
use super::lease::{Holder, Standing};
use super::life::{Life, NotKept, Shelf};
use super::observe::{Focus, Memory, lock};
use super::portrait;
use super::round::{Ended, Setting, Task, round, with_causes};
use super::stop::Stop;
use crate::apply::Gate;
use crate::apply::gate::Open;
use crate::cloud::Cloud;
use crate::cloud::document::Document;
use crate::cloud::queue::Queue;
use crate::config::Config;
use crate::policy::template::Templates;
use crate::survey::SurveyError;

/// How often the configuration file is looked at, and the lease between two rounds.
const POLL: Duration = Duration::from_secs(5);

/// How often lease and messages are kept while a round runs.
const UPKEEP: Duration = Duration::from_secs(15);

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
}

impl Connection {
    /// A connection to a cloud and nothing beside it.
    pub fn to(cloud: Box<dyn Cloud>) -> Self {
        Self { cloud, lease: None, queue: None, history: None }
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
struct Epoch {
    text: String,
    config: Config,
    connection: Connection,
    memory: Mutex<Memory>,
}

/// Why waiting is over.
enum Next {
    Round(Trigger, Option<Wakened>),
    Reload(Box<(String, Config)>),
    Stop,
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
        let mut next = (text, config);
        let mut trigger = Trigger::Timer;
        loop {
            let (text, config) = next;
            let Some(connection) = self.connect(&config, &life, stop).await? else { break };
            let epoch = Epoch { text, config, connection, memory: Mutex::default() };
            match self.live(&epoch, &mut life, trigger, stop).await? {
                Some(reload) => next = reload,
                None => break,
            }
            trigger = Trigger::Configuration;
            // What was fought over, or failed, under another configuration says nothing under this one.
            life.book.fights.forget();
            life.book.breakers.forget();
        }
        Ok(life.history.rounds().next_back().filter(|round| round.run == self.options.run).cloned())
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
    fn reload(&self, in_force: &str) -> Option<(String, Config)> {
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

/// One configuration being kept to.
struct Watch<'w> {
    daemon: &'w Daemon<'w>,
    epoch: &'w Epoch,
    holder: Option<&'w Holder<'w>>,
    ears: Option<&'w Ears<'w>>,
    shelf: Option<&'w Shelf<'w>>,
    stop: &'w Stop,
}

impl Watch<'_> {
    /// Makes rounds until the configuration changes, which it returns, or the end is wished.
    async fn keep(&self, life: &mut Life, first: Trigger) -> Result<Option<(String, Config)>, Hopeless> {
        let mut next = Next::Round(first, None);
        // What replicas keep together is read when this one begins to act.
        let mut caught_up = false;
        loop {
            let (trigger, wakened) = match next {
                Next::Round(trigger, wakened) => (trigger, wakened),
                Next::Reload(reload) => return Ok(Some(*reload)),
                Next::Stop => return Ok(None),
            };
            let due = if self.acts().await {
                caught_up = caught_up || self.catch_up(life).await?;
                self.work(life, trigger, wakened, caught_up).await?
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

    async fn acts(&self) -> bool {
        let Some(holder) = self.holder else { return true };
        let standing = holder.tend().await;
        if let Standing::Unknown(why) = &standing {
            tracing::error!(why, "whether this replica may act is not known");
        }
        let acts = standing == Standing::Acts;
        self.daemon.board.write(|status| status.standing = Some(standing));
        acts
    }

    /// Takes up what this and other replicas have kept; tells whether that is done.
    async fn catch_up(&self, life: &mut Life) -> Result<bool, Hopeless> {
        let Some(shelf) = self.shelf else { return Ok(true) };
        match shelf.read().await {
            Ok((record, _)) => {
                record.into_iter().for_each(|record| life.take_up(record));
                Ok(true)
            }
            Err(error @ NotKept::Content(_)) if !life.planned_once => Err(Hopeless::Start(error.to_string())),
            Err(error) => {
                tracing::error!(%error, "the history cannot be read; the daemon goes on without until it can");
                Ok(false)
            }
        }
    }

    /// Makes a round, and keeps lease and messages meanwhile. Returns when the next one is due.
    async fn work(
        &self,
        life: &mut Life,
        trigger: Trigger,
        wakened: Option<Wakened>,
        caught_up: bool,
    ) -> Result<Timestamp, Hopeless> {
        let Self { daemon, epoch, .. } = self;
        life.rounds += 1;
        let focus = wakened.as_ref().map_or(Focus::Due, |wakened| wakened.focus.clone());
        let task = Task { number: life.rounds, trigger, focus };
        life.book.actors.extend(wakened.iter().flat_map(|wakened| wakened.actors.clone()));
        let fence = self.holder.map(|holder| holder.fence());
        let setting = Setting {
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
            let work = pin!(round(&setting, &mut life.book, task, self.stop));
            match select(work, pin!(self.upkeep(wakened.as_ref()))).await {
                Either::Left((ended, _)) => ended,
                Either::Right((never, _)) => match never {},
            }
        };
        // Messages of a round that failed come again when their time is over.
        let is_over = ended.seen.is_some() && ended.record.failed == 0;
        if let (Some(ears), Some(wakened), true) = (self.ears, &wakened, is_over) {
            ears.done(wakened).await;
        }
        self.take_down(life, &ended, caught_up).await;
        self.judge(life, ended)
    }

    /// Keeps the lease and the messages of a round while it runs.
    async fn upkeep(&self, wakened: Option<&Wakened>) -> Infallible {
        loop {
            self.daemon.clock.sleep(UPKEEP).await;
            self.acts().await;
            if let (Some(ears), Some(wakened)) = (self.ears, wakened) {
                ears.keep(wakened).await;
            }
        }
    }

    /// Shows what came of a round, and keeps it.
    async fn take_down(&self, life: &mut Life, ended: &Ended, caught_up: bool) {
        let Self { daemon, epoch, .. } = self;
        life.history.push(ended.record.clone());
        // Who only observes writes nothing to AWS.
        if let Some(shelf) = self.shelf.filter(|_| caught_up && !daemon.options.observe)
            && let Err(error) = shelf.write(life).await
        {
            tracing::error!(%error, "the history cannot be written; it is tried again after the next round");
        }
        if let Some(file) = &daemon.options.history
            && let Err(error) = file.write(&life.record(&epoch.config.deployment))
        {
            tracing::error!(%error, "the history cannot be written; the daemon goes on without");
        }
        let Life { book, history, .. } = life;
        daemon.board.write(|status| portrait::paint(status, ended, book, history, &lock(&epoch.memory), daemon.clock));
    }

    /// Returns when the next round is due: sooner after a failure.
    fn judge(&self, life: &mut Life, ended: Ended) -> Result<Timestamp, Hopeless> {
        let clock = self.daemon.clock;
        let every = every(&self.epoch.config);
        match ended.error {
            None => {
                life.planned_once |= ended.seen.is_some();
                life.failures = 0;
                Ok(after(clock.now(), every))
            }
            // What never fitted does not fit later either; what once did may do so again.
            Some(error @ SurveyError::Design(_)) if !life.planned_once => Err(Hopeless::Misfit(error)),
            Some(error) if self.daemon.options.once => Err(Hopeless::Misfit(error)),
            Some(_) => {
                life.failures += 1;
                Ok(after(clock.now(), round_pause(life.failures, every, clock.chance())))
            }
        }
    }

    /// Waits for the next thing to do.
    async fn wait(&self, due: Timestamp) -> Next {
        let clock = self.daemon.clock;
        let acts = self.holder.is_none() || self.daemon.board.read().standing == Some(Standing::Acts);
        let mut heard = pin!(self.hear(acts));
        loop {
            if self.stop.is_wished() {
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
                () = self.stop.wished() => return Next::Stop,
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
    async fn hear(&self, acts: bool) -> Wakened {
        match self.ears.filter(|_| acts) {
            Some(ears) => ears.listen().await,
            None => std::future::pending().await,
        }
    }
}

fn every(config: &Config) -> Duration {
    Duration::from_secs(config.reconcile.every.seconds())
}

/// Returns how the run ids of a deployment begin, which CloudTrail shows as the names of its sessions.
pub fn own_sessions(deployment: &str) -> String {
    format!("orgtrail-{deployment}-")
}
