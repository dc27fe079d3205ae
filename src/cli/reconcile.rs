//! `orgtrail reconcile`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{self, Access, AwsEntry, recorded, templates};
use super::signal::{at_each_hangup, cancel_at_signals};
use super::status_server::{self, StatusServer};
use super::ui::Ui;
use super::validate::{self, LoadError};
use super::{CommandOutput, Common, Format, notify, summary};
use crate::cloud::aws::Aws;
use crate::cloud::{Cloud, CloudReader, DiscoverOptions};
use crate::config::schema::{BadValue, S3Place};
use crate::config::{self, Config};
use crate::daemon::clock::{Clock, SystemClock};
use crate::daemon::history::{self, HistoryFile};
use crate::daemon::lease;
use crate::daemon::run_id::new_run_id;
use crate::desire::{self, dead_letter_queue};
use crate::ids::AccountId;
use crate::notify::Channels;
use crate::reconcile::history::{RoundRecord, RoundResult};
use crate::reconcile::lake::LakeUpdater;
use crate::reconcile::status::{StatusBoard, once};
use crate::reconcile::{ConfigSource, Connection, Controller, Options, SourceError};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    /// Run one round and exit with its result
    #[arg(long)]
    once: bool,
    /// Report only; never change anything
    #[arg(long)]
    observe: bool,
    /// Serve metrics, health and the status page at this address
    ///
    /// An address that is not of this machine alone needs --token-file.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9464",
        hide_env_values = true,
        env = "ORGTRAIL_LISTEN"
    )]
    listen: SocketAddr,
    /// Require the token in this file from clients
    #[arg(long, value_name = "FILE", hide_env_values = true, env = "ORGTRAIL_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Keep history in this file or S3 prefix [default: `reconcile.history`]
    ///
    /// The history of rounds and the age of findings; a prefix is s3://bucket/prefix.
    #[arg(long, value_name = "PLACE", hide_env_values = true, env = "ORGTRAIL_HISTORY")]
    history: Option<HistoryPlace>,
    /// Notify of findings that are new, changed or gone
    ///
    /// To `notify.topic` and `notify.webhook` of the configuration. What was sent is kept with the history; without a
    /// history, or with one in S3 that --observe does not write, a restart sends all open findings again.
    #[arg(long)]
    notify: bool,
}

/// Where the history is kept.
#[derive(Debug, Clone)]
enum HistoryPlace {
    File(PathBuf),
    Prefix(S3Place),
}

impl FromStr for HistoryPlace {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if text.starts_with("s3://") { text.parse().map(Self::Prefix) } else { Ok(Self::File(text.into())) }
    }
}

/// Runs the command.
pub async fn run(common: &Common, args: &ReconcileArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    refuse_json_of_rounds(ui, args.once)?;
    let config = validate::load(&common.config)?;
    let templates = templates(common)?;
    let options = Options {
        run: new_run_id(&config.deployment, SystemClock.now()),
        observe: args.observe,
        once: args.once,
        concurrency: usize::from(common.concurrency),
        history: match &args.history {
            Some(HistoryPlace::File(file)) => Some(HistoryFile::new(file)),
            Some(HistoryPlace::Prefix(_)) | None => None,
        },
    };
    let (run, history) = (options.run.clone(), args.history.as_ref());
    let source = FromFile { common, observe: args.observe, run, history, notify: args.notify };
    let board = StatusBoard::default();
    let controller = Controller { source: &source, templates: &templates, clock: &SystemClock, board, options };
    ui.note(&format!("run {}: {}", controller.options.run, manner(args)));
    if args.observe && config.reconcile.wake_queue.is_some() {
        ui.note("the wake queue is not read, as --observe deletes no message: rounds are made by the clock");
    }
    let stop = CancellationToken::new();
    let hangups = at_each_hangup(|| tracing::info!("reloading the configuration, which takes seconds"));
    // One round is over before anybody looks.
    let server = match args.once {
        true => None,
        false => Some(StatusServer::open(args.listen, args.token_file.as_deref(), ui).await?),
    };
    let server = status_server::serve(server, controller.board.clone());
    let last = tokio::select! {
        last = controller.run(&stop) => last,
        never = cancel_at_signals(&stop) => match never {},
        never = hangups => match never {},
        never = server => match never {},
    };
    let last = last.map_err(|error| CliError::new("the daemon cannot work").because(error))?;
    answer(last.as_ref(), args.once, &stop, ui, &controller.board)
}

fn manner(args: &ReconcileArgs) -> &'static str {
    match (args.once, args.observe) {
        (true, true) => "one round that changes nothing",
        (true, false) => "one round",
        (false, true) => "rounds that change nothing, until a stop signal",
        (false, false) => "rounds until a stop signal",
    }
}

/// Refuses a report that there will not be, before the first call.
fn refuse_json_of_rounds(ui: &Ui, once: bool) -> Result<(), CliError> {
    if once || !ui.outputs().has(Format::Json) {
        return Ok(());
    }
    Err(CliError::new("only one round has a JSON report")
        .hint("add --once; a daemon that runs is read at its /metrics, and in its history"))
}

/// Returns what is said at the end. A daemon that was told to stop did what it was told: what its last round found is
/// in the history, and another exit code would have systemd take the stop for a failure.
fn answer(
    last: Option<&RoundRecord>,
    once: bool,
    stop: &CancellationToken,
    ui: &Ui,
    board: &StatusBoard,
) -> Result<CommandOutput, CliError> {
    let status = board.read();
    let texts = ui.render(|format| match (format, last) {
        (Format::Json, _) => {
            once::json(last, &status).map_err(|error| CliError::new("cannot write the report").because(error))
        }
        (_, Some(round)) => Ok(once::human(round, &status)),
        (_, None) if stop.is_cancelled() => Ok("stopped before a round was over\n".to_owned()),
        (_, None) => Ok("another replica is the leader\n".to_owned()),
    })?;
    let summary = summary::round(last, stop.is_cancelled());
    let Some(round) = last else { return Ok(CommandOutput::new(texts, Outcome::Clean, summary)) };
    let has_all = status.lake.as_ref().is_none_or(|lake| lake.last.is_whole());
    let outcome = match round.result {
        _ if !once && stop.is_cancelled() => Outcome::Clean,
        RoundResult::InSync | RoundResult::Repaired if once && !has_all => Outcome::Partial,
        RoundResult::InSync | RoundResult::Repaired => Outcome::Clean,
        RoundResult::Waiting => Outcome::Finding,
        RoundResult::Partial if round.held > 0 || round.found > 0 => Outcome::Finding,
        RoundResult::Partial | RoundResult::Failed | RoundResult::Stopped => Outcome::Partial,
    };
    Ok(CommandOutput::new(texts, outcome, summary))
}

/// Configuration and connection as the flags name them.
struct FromFile<'a> {
    common: &'a Common,
    observe: bool,
    run: String,
    history: Option<&'a HistoryPlace>,
    notify: bool,
}

impl FromFile<'_> {
    /// Returns the object that holds the history, where it is not kept in a file.
    fn history(&self, config: &Config) -> Option<S3Place> {
        match self.history {
            Some(HistoryPlace::File(_)) => None,
            Some(HistoryPlace::Prefix(prefix)) => Some(prefix.history_of(&config.deployment)),
            None => config.history(),
        }
    }

    /// Returns the channels that findings are sent over: none without `--notify`.
    fn channels(&self, config: &Config) -> Result<Channels, SourceError> {
        if !self.notify {
            return Ok(Channels::new());
        }
        let aws = session::aws_options(self.common, door(config), Access::ReadOnly, &self.run);
        notify::channels(&config.notify, aws)
            .map_err(|failure| SourceError { why: failure.as_cause(), retryable: false })
    }
}

fn door(config: &Config) -> AwsEntry<'_> {
    AwsEntry { home_region: &config.home_region, member_role: &config.organization.member_role }
}

#[async_trait]
impl ConfigSource for FromFile<'_> {
    fn read(&self) -> Result<String, SourceError> {
        validate::read(&self.common.config).map_err(|source| {
            let failure = LoadError::Read { file: self.common.config.clone(), source };
            SourceError { why: CliError::from(failure).as_cause(), retryable: true }
        })
    }

    fn parse(&self, text: &str) -> Result<Config, SourceError> {
        let config = config::parse(text, &self.common.config.display().to_string())
            .map_err(|errors| SourceError { why: errors.render(false), retryable: false })?;
        // A configuration that names nobody to tell is not taken: the one before stays in force.
        self.channels(&config).map(|_| config)
    }

    async fn connect(&self, config: &Config) -> Result<Connection, SourceError> {
        if let Some(file) = &self.common.estate {
            let cloud = recorded(file).map_err(|failure| SourceError { why: failure.as_cause(), retryable: false })?;
            return Ok(Connection { channels: self.channels(config)?, ..Connection::to(Box::new(cloud)) });
        }
        let access = if self.observe { Access::ReadOnly } else { Access::Write };
        let aws = Aws::connect(session::aws_options(self.common, door(config), access, &self.run)).await;
        let aws =
            aws.map_err(|error| SourceError { retryable: error.may_pass(), why: CliError::from(error).as_cause() })?;
        let document = |place: &S3Place, bytes_max| aws.document(place.bucket.as_str(), &place.key, bytes_max);
        let lease = config.reconcile.lease.as_ref().map(|place| document(place, lease::BYTES_MAX));
        let history = self.history(config).map(|place| document(&place, history::BYTES_MAX));
        // Who only observes may delete no message, and would be given the same ones for ever.
        let queue = match config.reconcile.wake_queue.as_ref().filter(|_| !self.observe) {
            Some(name) => {
                let account = log_account(&aws, config).await?;
                Some(aws.queue(&account, name, &dead_letter_queue(name)))
            }
            None => None,
        };
        let cloud: Box<dyn Cloud> = Box::new(aws);
        let lake = lake_updater(self.common, config).filter(|_| !self.observe);
        Ok(Connection { cloud, lease, queue, history, lake, channels: self.channels(config)? })
    }
}

/// Returns what keeps the configuration's lake up to date. `None`: it names none.
#[cfg(feature = "sql")]
fn lake_updater(common: &Common, config: &Config) -> Option<Box<dyn LakeUpdater>> {
    Some(Box::new(super::lake::LakeKeeper::of(common, config)?))
}

/// This program was built without what a lake is written with.
#[cfg(not(feature = "sql"))]
fn lake_updater(_: &Common, config: &Config) -> Option<Box<dyn LakeUpdater>> {
    if config.lake.is_some() {
        tracing::warn!("this program was built without `sql`, and does not keep the lake of the configuration");
    }
    None
}

/// Returns the log account; one that is named has to be looked for.
async fn log_account(look: &dyn CloudReader, config: &Config) -> Result<AccountId, SourceError> {
    if let Ok(id) = config.accounts.log.parse() {
        return Ok(id);
    }
    let failed = |why: String| SourceError { why, retryable: true };
    let (organization, _) =
        look.discover(DiscoverOptions::default()).await.map_err(|fault| failed(fault.to_string()))?;
    desire::log_account(config, &organization).map_err(|error| failed(error.to_string()))
}
