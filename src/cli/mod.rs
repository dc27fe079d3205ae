//! The command line: one file a command, arguments in, report out.
//!
//! Only this module knows clap, the terminal, the environment and exit codes. A command returns a
//! [`CommandOutput`]; what goes wrong is a [`CliError`], printed once, here.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};

mod access;
mod apply;
#[cfg(feature = "sql")]
mod asked;
#[cfg(feature = "sql")]
mod athena;
pub mod catalog;
mod check;
mod completions;
pub mod coverage;
#[cfg(feature = "sql")]
mod dashboard;
mod demo;
#[cfg(feature = "sql")]
mod detect;
mod discover;
mod drift;
#[cfg(feature = "sql")]
mod engine;
mod examples;
mod explain;
#[cfg(feature = "sql")]
mod explore;
mod export;
pub mod failure;
mod file_uses;
pub mod format;
mod help;
mod init;
#[cfg(feature = "sql")]
mod lake;
pub mod logs;
mod man;
mod named_by;
mod notify;
pub mod outcome;
mod output;
mod permissions;
mod plan;
#[cfg(feature = "sql")]
mod query;
mod reconcile;
mod record;
#[cfg(test)]
mod reference;
mod render;
mod saved;
pub mod schema;
mod session;
#[cfg(feature = "sql")]
mod shell;
mod signal;
#[cfg(feature = "sql")]
mod size;
mod snapshot;
mod status_server;
mod summary;
pub mod ui;
pub mod validate;
pub mod verify;
#[cfg(feature = "sql")]
mod who;

use crate::config::Config;
use crate::files::Readers;
use catalog::{COMMANDS, CatalogEntry, Reads};
use failure::CliError;
use file_uses::FileUses;
pub use format::Format;
pub use named_by::NamedBy;
use outcome::{ERROR_CODE, Outcome};
use output::{Content, Outputs};
use summary::Summary;
use ui::{ColorChoice, LogFormat, Ui};
use validate::{LoadError, load};

/// What a command has to say, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// The report, in the format of each output of the run; one alone is that of all.
    pub texts: Vec<Content>,
    /// How it ended.
    pub outcome: Outcome,
    /// The line of result, for standard error.
    pub summary: Summary,
    /// A file and its text, written when the report is out: what a next run takes for known must have been told. None
    /// where nothing is recorded.
    pub record: Option<(PathBuf, String)>,
    /// What failed although there is a report: said when that is out, with exit code 1. None where nothing failed.
    pub failure: Option<CliError>,
}

impl CommandOutput {
    /// Makes an answer of a text for each output.
    pub fn new(texts: Vec<Content>, outcome: Outcome, summary: Summary) -> Self {
        Self { texts, outcome, summary, record: None, failure: None }
    }

    /// Returns the report of the first output.
    pub fn text(&self) -> &str {
        self.texts.first().map_or("", Content::text)
    }

    /// Makes an answer that has one format.
    pub fn one(text: impl Into<String>, outcome: Outcome, summary: Summary) -> Self {
        Self::new(vec![Content::Text(text.into())], outcome, summary)
    }
}

/// Consolidates the CloudTrail logs of an AWS organization in one log account, and keeps it that way.
#[derive(Debug, Parser)]
#[command(name = "orgtrail", version, about = ABOUT, long_about = None, max_term_width = 100, after_help = EXIT_CODES_SHORT, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
    /// The row of the command's table.
    #[arg(skip = &COMMANDS[0])]
    entry: &'static CatalogEntry,
    /// The files that the run reads and writes.
    #[arg(skip)]
    files: FileUses,
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// Help and version, and a line that is wrong.
    fn parse_line(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let matches = help::command().try_get_matches_from(args)?;
        let mut cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut help::command()))?;
        if let Some((name, of_command)) = named(&matches) {
            cli.entry = CatalogEntry::of(&name).unwrap_or(cli.entry);
            cli.files = FileUses::of(cli.entry, of_command);
            // A global argument is known to the command too, wherever it stands.
            cli.common.config_named_by = NamedBy::of(of_command, "config");
        }
        Ok(cli)
    }
}

/// Returns the name of the command of a line, which has two words for a command of a command, and its arguments.
fn named(matches: &ArgMatches) -> Option<(String, &ArgMatches)> {
    let (name, own) = matches.subcommand()?;
    Some(match named(own) {
        Some((below, arguments)) => (format!("{name} {below}"), arguments),
        None => (name.to_owned(), own),
    })
}

/// What the program does.
const ABOUT: &str = "Consolidate the CloudTrail logs of an AWS organization in one log account";

const EXIT_CODES_SHORT: &str = "Exit codes: 0 all is well, 1 error, 2 finding, 3 partial or unproven; see --help";

const EXIT_CODES: &str = "Exit codes:
  0  all is well
  1  an error; nothing more was done
  2  a finding: changes are pending, something drifted, logs do not arrive, are not isolated or were
     tampered with
  3  partial: some accounts or objects could not be read or changed, or something is unproven";

/// The options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Common {
    /// Read this configuration
    ///
    /// [env: ORGTRAIL_CONFIG]
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "orgtrail.yaml",
        hide_env = true,
        env = "ORGTRAIL_CONFIG"
    )]
    pub config: PathBuf,
    /// Who named the configuration.
    #[arg(skip)]
    pub config_named_by: NamedBy,
    /// Work on this recorded estate instead of AWS
    ///
    /// `orgtrail snapshot` records one.
    #[arg(long, global = true, value_name = "FILE")]
    pub estate: Option<PathBuf>,
    /// Replace compiled policy templates by those of this folder
    ///
    /// The templates that can be replaced are those of policies/ in the source.
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub policies: Option<PathBuf>,
    /// Let a statement of --policies grant more, by its Sid (can be repeated)
    ///
    /// Without it, a statement that grants more than the compiled one of the same Sid is refused.
    #[arg(long, global = true, value_name = "SID", requires = "policies", hide_short_help = true)]
    pub allow_grant: Vec<String>,
    /// Use this AWS profile
    ///
    /// One of the AWS configuration files.
    #[arg(long, global = true, value_name = "NAME", hide_env_values = true, env = "AWS_PROFILE")]
    pub profile: Option<String>,
    /// Replace compiled report templates by those of this folder
    ///
    /// The templates that can be replaced are those of templates/ in the source.
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub templates: Option<PathBuf>,
    /// Report in this format
    ///
    /// By default the format that the ending of --output names, else human.
    #[arg(long, global = true, value_name = "FORMAT", hide_short_help = true)]
    pub format: Option<Format>,
    /// Write the report to this file; - is standard output (can be repeated)
    #[arg(long, short, global = true, value_name = "FILE", hide_short_help = true)]
    pub output: Vec<PathBuf>,
    /// Print only the report and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show phases; -vv shows every call to AWS
    ///
    /// -v shows what is done now, with counts and times. -vv shows each attempt of each call to AWS in one line:
    /// service, operation, account, region, attempt, milliseconds, HTTP status, error code, request id; never
    /// parameters, headers, bodies or credentials. ORGTRAIL_LOG adds filters of the form TARGET=LEVEL with commas
    /// between them, and decides about the targets that it names: `orgtrail::aws=debug` shows the calls alone,
    /// `orgtrail::aws=off` leaves them out of -vv.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log to standard error in this format
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_env_values = true,
        env = "ORGTRAIL_LOG_FORMAT",
        hide_short_help = true
    )]
    pub log_format: LogFormat,
    /// Color the output; NO_COLOR is honored
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub color: ColorChoice,
    /// Process this many accounts or changes in parallel
    #[arg(long, global = true, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256), hide_short_help = true)]
    pub concurrency: u16,
}

impl Common {
    /// Reads the configuration. `None` where none is named and there is none where it lies by custom.
    ///
    /// # Errors
    /// When the file is named and not there, cannot be read or is not a configuration.
    pub fn configuration(&self) -> Result<Option<Config>, CliError> {
        match load(&self.config) {
            Err(LoadError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound && self.config_named_by == NamedBy::Nobody =>
            {
                Ok(None)
            }
            config => Ok(Some(config?)),
        }
    }

    /// Returns what `--output` names, for a command that fills one folder or writes one file.
    pub fn place(&self) -> Option<&Path> {
        self.output.first().map(PathBuf::as_path)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first configuration, for a new or an existing trail
    #[command(after_help = examples::INIT)]
    Init(init::InitArgs),
    /// Check a configuration without AWS
    #[command(after_help = examples::VALIDATE)]
    Validate,
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Show which accounts are selected, and why others are not
    #[command(after_help = examples::DISCOVER)]
    Discover,
    /// Record what AWS has in a file, for --estate of other commands
    #[command(after_help = examples::SNAPSHOT)]
    Snapshot(snapshot::SnapshotArgs),
    /// Write every policy document as it would be sent, for review
    #[command(after_help = examples::RENDER)]
    Render(render::RenderArgs),
    /// Show the changes that are needed, with their risks
    #[command(after_help = examples::PLAN)]
    Plan(plan::PlanArgs),
    /// Show what no longer matches the configuration; never writes
    #[command(after_help = examples::DRIFT)]
    Drift(drift::DriftArgs),
    /// Make the changes of a plan
    #[command(after_help = examples::APPLY)]
    Apply(apply::ApplyArgs),
    /// Keep the organization as configured, round after round (daemon)
    #[command(after_help = examples::RECONCILE)]
    Reconcile(reconcile::ReconcileArgs),
    /// Check the controls of security standards about CloudTrail
    #[command(after_help = examples::CHECK)]
    Check(check::CheckArgs),
    /// Show the main job on an embedded organization, without AWS
    #[command(after_help = examples::DEMO)]
    Demo,
    /// Prove who can read which logs, or say what a team needs
    #[command(after_help = examples::ACCESS)]
    Access(access::AccessArgs),
    /// Explain what existing policies refuse to CloudTrail, and why
    #[command(after_help = examples::EXPLAIN)]
    Explain(Box<explain::ExplainArgs>),
    /// Print the IAM policy that a command or a member role needs
    #[command(after_help = examples::PERMISSIONS)]
    Permissions(permissions::PermissionsArgs),
    /// Prove that the logs are complete and untouched
    #[command(after_help = examples::VERIFY)]
    Verify(Box<verify::VerifyArgs>),
    /// Show whether logs arrive, by account, region and kind of log
    #[command(after_help = examples::COVERAGE)]
    Coverage(coverage::CoverageArgs),
    /// Ask the archive with SQL; every answer says what it covers
    #[cfg(feature = "sql")]
    #[command(after_help = examples::QUERY)]
    Query(Box<query::QueryArgs>),
    /// Say who did it: who made, changed or deleted a resource
    #[cfg(feature = "sql")]
    #[command(after_help = examples::WHO)]
    Who(Box<who::WhoArgs>),
    /// Show what happened in some days on one page, and what it covers
    #[cfg(feature = "sql")]
    #[command(after_help = examples::DASHBOARD)]
    Dashboard(Box<dashboard::DashboardArgs>),
    /// Say what rules find in the events: who did what, and where
    #[cfg(feature = "sql")]
    #[command(after_help = examples::DETECT)]
    Detect(Box<detect::DetectArgs>),
    /// Show the archive in a browser on this machine
    #[cfg(feature = "sql")]
    #[command(after_help = examples::EXPLORE)]
    Explore(Box<explore::ExploreArgs>),
    /// Keep the events of the archive as Parquet, for fast answers
    #[cfg(feature = "sql")]
    Lake(Box<lake::LakeArgs>),
    /// Write the deployment as Terraform, for teams that leave
    #[command(after_help = examples::EXPORT)]
    Export(export::ExportArgs),
    /// Write manual pages into a folder
    #[command(after_help = examples::MAN)]
    Man,
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::CompletionsArgs),
}

/// Refuses options that would do nothing: whoever gave them waits for what they do.
fn refuse_idle(command: &CatalogEntry, common: &Common) -> Result<(), CliError> {
    if command.reads != Reads::Aws {
        let idle = [("--estate", &common.estate), ("--policies", &common.policies)];
        if let Some((flag, _)) = idle.into_iter().find(|(_, given)| given.is_some()) {
            return Err(CliError::new(format!("{flag} does nothing here"))
                .hint(format!("leave it out: `orgtrail {}` does not read AWS", command.name)));
        }
    }
    match &common.templates {
        None => Ok(()),
        Some(_) if command.has_templates => session::report_templates(common).map(|_| ()),
        Some(_) => Err(CliError::new("--templates does nothing here")
            .hint("leave it out: only plan, drift, apply and check have templates that can be replaced")),
    }
}

/// Parses, runs, prints; returns the exit code of the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::parse_line(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let outputs = cli.files.check().and_then(|()| Outputs::of(&cli.common, cli.entry));
    let outputs = match outputs.and_then(|outputs| outputs.for_terminal(io::stdout().is_terminal())) {
        Ok(outputs) => outputs,
        Err(failure) => {
            Ui::new(&cli.common, Outputs::standard(Format::Human)).print_failure(&failure);
            return ExitCode::from(ERROR_CODE);
        }
    };
    let ui = Ui::new(&cli.common, outputs);
    ui.start_log();
    let answer = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(&cli, &ui)),
        Err(error) => Err(CliError::new("cannot start").because(error)),
    };
    #[cfg(feature = "sql")]
    asked::clear_temporary();
    let answer = answer.map_err(|failure| failure.placed(&cli.common.config));
    match answer.and_then(|answer| give(answer, &ui)) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            ui.print_failure(&failure);
            ExitCode::from(ERROR_CODE)
        }
    }
}

/// Hands an answer out.
fn give(
    CommandOutput { texts, outcome, summary, record, failure }: CommandOutput,
    ui: &Ui,
) -> Result<Outcome, CliError> {
    let written = ui.print(&texts);
    let written = written.and_then(|()| match record {
        Some((file, text)) => ui::write_file(&file, &text, Readers::Umask),
        None => Ok(()),
    });
    // Said also where the report cannot be written: what a run changed is changed.
    let line = match written {
        Ok(()) => summary.line(ui.outputs().files()),
        Err(_) => summary.line(std::iter::empty()),
    };
    if !line.is_empty() {
        ui.note(&line);
    }
    written?;
    failure.map_or(Ok(outcome), Err)
}

/// Help and version are answers, everything else is an error with our code: clap's own 2 would read as drift.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when this cannot be printed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(ERROR_CODE),
    }
}

async fn run(cli: &Cli, ui: &Ui) -> Result<CommandOutput, CliError> {
    let common = &cli.common;
    refuse_idle(cli.entry, common)?;
    match &cli.command {
        Command::Validate => {
            let (text, outcome) = validate::run(&common.config)?;
            let remarks = text.lines().filter(|line| line.contains(": remark: ")).count();
            Ok(CommandOutput::one(text, outcome, Summary::new("Validate", "valid").some(remarks, "remark", "")))
        }
        Command::Init(args) => init::run(common, args, ui).await,
        Command::Schema => {
            let (text, outcome) = schema::run();
            Ok(CommandOutput::one(text, outcome, Summary::default()))
        }
        Command::Discover => discover::run(common, ui).await,
        Command::Snapshot(args) => snapshot::run(common, args, ui).await,
        Command::Render(args) => render::run(common, args, ui).await,
        Command::Plan(args) => Box::pin(plan::plan(common, args, ui)).await,
        Command::Drift(args) => Box::pin(drift::run(common, args, ui)).await,
        Command::Apply(args) => Box::pin(apply::run(common, args, ui)).await,
        Command::Reconcile(args) => Box::pin(reconcile::run(common, args, ui)).await,
        Command::Export(args) => export::run(common, args, ui).await,
        Command::Check(args) => Box::pin(check::run(common, args, ui)).await,
        Command::Demo => demo::run(common).await,
        Command::Access(args) => access::run(common, args, ui).await,
        Command::Explain(args) => explain::run(common, args, ui).await,
        Command::Permissions(args) => permissions::run(common, args, ui),
        Command::Verify(args) => Box::pin(verify::command(common, args, ui)).await,
        Command::Coverage(args) => Box::pin(coverage::command(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Query(args) if args.asks_athena() => Box::pin(athena::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Query(args) if args.is_without_question() => Box::pin(shell::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Query(args) => Box::pin(query::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Who(args) => Box::pin(who::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Dashboard(args) => Box::pin(dashboard::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Detect(args) => Box::pin(detect::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Explore(args) => Box::pin(explore::run(common, args, ui)).await,
        #[cfg(feature = "sql")]
        Command::Lake(args) => Box::pin(lake::run(common, args, ui)).await,
        Command::Man => man::run(common, help::command()),
        Command::Completions(args) => Ok(completions::run(args, &mut help::command())),
    }
}
