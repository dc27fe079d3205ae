//! The command line: one file a command, arguments in, report out.
//!
//! Only this module knows clap, the terminal, the environment and exit codes. A command returns an [`Answer`]; what
//! goes wrong is an [`Failure`], printed once, here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

mod apply;
mod completions;
mod discover;
pub mod failure;
pub mod outcome;
mod plan;
mod reconcile;
mod render;
pub mod schema;
mod session;
mod snapshot;
pub mod ui;
pub mod validate;

use failure::Failure;
use outcome::{ERROR_CODE, Outcome};
use ui::{ColorChoice, Ui};

/// What a command has to say, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The report, for standard output or the file of `--output`.
    pub text: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl Answer {
    /// Makes an answer.
    pub fn new(text: impl Into<String>, outcome: Outcome) -> Self {
        Self { text: text.into(), outcome }
    }
}

/// Consolidates the CloudTrail logs of an AWS organization in one log account, and keeps it that way.
#[derive(Debug, Parser)]
#[command(name = "orgtrail", version, about, long_about = None, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  all is as it should be
  1  an error; nothing more was done
  2  a finding: changes are pending, something drifted, logs were tampered with
  3  partial: some accounts or objects could not be read or changed, or something is unproven";

/// The flags that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The configuration
    #[arg(long, short, global = true, value_name = "FILE", default_value = "orgtrail.yaml", env = "ORGTRAIL_CONFIG")]
    pub config: PathBuf,
    /// Work on a recorded estate (see `orgtrail snapshot`) instead of AWS
    #[arg(long, global = true, value_name = "FILE")]
    pub estate: Option<PathBuf>,
    /// Templates that replace the compiled ones of policies/
    #[arg(long, global = true, value_name = "DIR")]
    pub policies: Option<PathBuf>,
    /// The profile of the AWS configuration files
    #[arg(long, global = true, value_name = "NAME", env = "AWS_PROFILE")]
    pub profile: Option<String>,
    /// The form of the report
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Write the report to this file, or the documents to this folder, instead of standard output
    #[arg(long, short, global = true, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Say less: no progress, no notes
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice for every call
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// How many accounts or changes are worked on side by side
    #[arg(long, global = true, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Human,
    /// For programs; the same bytes for the same content
    Json,
    /// For comments of pull requests and tickets
    Markdown,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a configuration without asking AWS
    Validate,
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Show the organization as a tree: which accounts are selected, and why the others are not
    Discover,
    /// Record what AWS has in a file that every command can work on with --estate
    Snapshot(snapshot::Args),
    /// Write every policy document as it would be sent, for review
    Render(render::Args),
    /// Show what would be changed, with the risks
    Plan(plan::PlanArgs),
    /// Show what has changed against the configuration; never writes
    Drift(plan::DriftArgs),
    /// Make the changes of a plan
    Apply(apply::Args),
    /// Keep the organization as the configuration says, round after round
    Reconcile(reconcile::Args),
    /// Print the completions of a shell
    Completions(completions::Args),
}

/// Parses, runs, prints; returns the exit code of the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let to_folder = matches!(cli.command, Command::Render(_));
    let ui = Ui::new(&cli.common, cli.common.output.clone().filter(|_| !to_folder));
    ui.start_log();
    let answer = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(&cli, &ui)),
        Err(error) => Err(Failure::new("cannot start").because(error)),
    };
    match answer.and_then(|answer| ui.print(&answer.text).map(|()| answer.outcome)) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            ui.print_failure(&failure);
            ExitCode::from(ERROR_CODE)
        }
    }
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

async fn run(cli: &Cli, ui: &Ui) -> Result<Answer, Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Validate => {
            let (text, outcome) = validate::run(&common.config)?;
            Ok(Answer::new(text, outcome))
        }
        Command::Schema => {
            let (text, outcome) = schema::run();
            Ok(Answer::new(text, outcome))
        }
        Command::Discover => discover::run(common, ui).await,
        Command::Snapshot(args) => snapshot::run(common, args, ui).await,
        Command::Render(args) => render::run(common, args, ui).await,
        Command::Plan(args) => plan::plan(common, args, ui).await,
        Command::Drift(args) => plan::drift(common, args, ui).await,
        Command::Apply(args) => apply::run(common, args, ui).await,
        Command::Reconcile(args) => reconcile::run(common, args, ui).await,
        Command::Completions(args) => Ok(completions::run(args, &mut <Cli as clap::CommandFactory>::command())),
    }
}
