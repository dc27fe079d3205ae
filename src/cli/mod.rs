//! The command line: one file a command, arguments in, report out.
//!
//! Only this module knows clap, the terminal, the environment and exit codes. A command returns an [`Answer`]; what
//! goes wrong is an [`CliError`], printed once, here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

mod access;
mod apply;
mod archive;
mod check;
mod completions;
pub mod coverage;
mod demo;
mod discover;
mod drift;
mod examples;
mod explain;
mod export;
pub mod failure;
mod init;
pub mod logs;
mod man;
mod notify;
pub mod outcome;
mod permissions;
mod plan;
mod reconcile;
mod record;
#[cfg(test)]
mod reference;
mod render;
mod saved;
pub mod schema;
mod session;
mod signal;
mod snapshot;
mod status_server;
pub mod ui;
pub mod validate;
pub mod verify;

use crate::files::Readers;
use failure::CliError;
use outcome::{ERROR_CODE, Outcome};
use ui::{ColorChoice, LogFormat, Ui};

/// What a command has to say, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The report, for standard output or the file of `--output`.
    pub text: String,
    /// How it ended.
    pub outcome: Outcome,
    /// A file and its text, written when the report is out: what a next run takes for known must have been told.
    pub record: Option<(PathBuf, String)>,
}

impl Answer {
    /// Makes an answer.
    pub fn new(text: impl Into<String>, outcome: Outcome) -> Self {
        Self { text: text.into(), outcome, record: None }
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
  2  a finding: changes are pending, something drifted, logs do not arrive, are not isolated or were
     tampered with
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
    /// Let a statement of --policies, named by its Sid, grant more than the compiled one (can be repeated)
    #[arg(long, global = true, value_name = "SID", requires = "policies")]
    pub allow_grant: Vec<String>,
    /// The profile of the AWS configuration files
    #[arg(long, global = true, value_name = "NAME", env = "AWS_PROFILE")]
    pub profile: Option<String>,
    /// Templates that replace the compiled ones of templates/
    #[arg(long, global = true, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// The form of the report [default: what the name given to --output ends in, else human]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write the report to this file, or the documents to this folder, instead of standard output
    #[arg(long, short, global = true, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Say less: no progress, no notes
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show phases with counts and times; -vv shows every call to AWS; ORGTRAIL_LOG adds to it
    ///
    /// -v shows what is done now. -vv shows each attempt of each call to AWS in one line: service, operation, account, region,
    /// attempt, milliseconds, HTTP status, error code, request id; never parameters, headers, bodies or credentials.
    /// ORGTRAIL_LOG adds filters of the form TARGET=LEVEL with commas between them, and decides about the targets that it names:
    /// `orgtrail::aws=debug` shows the calls alone, `orgtrail::aws=off` leaves them out of -vv.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The form of the log on standard error, which -v makes longer
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", env = "ORGTRAIL_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Colours; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// How many accounts or changes are worked on side by side
    #[arg(long, global = true, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
}

impl Common {
    /// Returns the form of the report: the one that was asked for, or the one that the output's name tells.
    pub fn format(&self) -> Format {
        let extension = self.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
        self.format.unwrap_or(match extension {
            Some("json") => Format::Json,
            Some("jsonl") => Format::Jsonl,
            Some("md") => Format::Markdown,
            Some("html") => Format::Html,
            Some("sarif") => Format::Sarif,
            Some("xml") => Format::Junit,
            _ => Format::Human,
        })
    }
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Human,
    /// For programs; the same bytes for the same content
    Json,
    /// One line of JSON for each finding, as soon as it is known
    Jsonl,
    /// For comments of pull requests and tickets
    Markdown,
    /// One page that needs nothing else
    Html,
    /// For code scanning
    Sarif,
    /// For the test view of a CI system
    Junit,
    /// Compliance findings of the Open Cybersecurity Schema Framework
    Ocsf,
    /// Findings for AWS Security Hub
    Asff,
}

impl Format {
    /// Says that a command has no report of this form.
    pub fn unknown_to(self, command: &str, known: &str) -> CliError {
        let forms = if known.contains(' ') { "the forms are" } else { "the only form is" };
        CliError::new(format!("there is no {} report of {command}", self.name())).hint(format!("{forms} {known}"))
    }

    fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Ocsf => "ocsf",
            Format::Asff => "asff",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at the organization and write a first configuration, or that of an existing organization trail
    #[command(after_help = examples::INIT)]
    Init(init::Args),
    /// Check a configuration without asking AWS
    #[command(after_help = examples::VALIDATE)]
    Validate,
    /// Print the JSON Schema of the configuration, for editors
    #[command(after_help = examples::SCHEMA)]
    Schema,
    /// Show the organization as a tree: which accounts are selected, and why the others are not
    #[command(after_help = examples::DISCOVER)]
    Discover,
    /// Record what AWS has in a file; commands that look at AWS work on it with --estate
    #[command(after_help = examples::SNAPSHOT)]
    Snapshot(snapshot::Args),
    /// Write every policy document as it would be sent, for review
    #[command(after_help = examples::RENDER)]
    Render(render::Args),
    /// Show what would be changed, with the risks
    #[command(after_help = examples::PLAN)]
    Plan(plan::PlanArgs),
    /// Show what has changed against the configuration; never writes
    #[command(after_help = examples::DRIFT)]
    Drift(drift::DriftArgs),
    /// Make the changes of a plan
    #[command(after_help = examples::APPLY)]
    Apply(apply::Args),
    /// Keep the organization as the configuration says, round after round
    #[command(after_help = examples::RECONCILE)]
    Reconcile(reconcile::Args),
    /// Answer the controls of security standards about trails, their bucket, key and log group
    #[command(after_help = examples::CHECK)]
    Check(check::Args),
    /// Show the main job on an embedded organization, without AWS; leaves everything in a folder (--output DIR)
    #[command(after_help = examples::DEMO)]
    Demo,
    /// Prove who can read whose logs, or say what one account's team needs to read its own
    #[command(after_help = examples::ACCESS)]
    Access(access::Args),
    /// Say what CloudTrail would be refused by other people's policies, and why
    #[command(after_help = examples::EXPLAIN)]
    Explain(Box<explain::Args>),
    /// Print the IAM policy that a command needs, or the template of the role in every account
    #[command(after_help = examples::PERMISSIONS)]
    Permissions(permissions::Args),
    /// Prove that the logs are complete and untouched
    #[command(after_help = examples::VERIFY)]
    Verify(Box<verify::VerifyArgs>),
    /// Show whether logs arrive, by account, region and kind of log
    #[command(after_help = examples::COVERAGE)]
    Coverage(coverage::CoverageArgs),
    /// Write the deployment in the language of another tool, for teams that leave
    #[command(after_help = examples::EXPORT)]
    Export(export::Args),
    /// Write manual pages into a folder (--output DIR)
    #[command(after_help = examples::MAN)]
    Man,
    /// Print the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Args),
}

impl Command {
    /// The form of those that have one form only, with their name.
    fn only_form(&self) -> Option<(&'static str, Format)> {
        Some(match self {
            Command::Validate => ("validate", Format::Human),
            Command::Schema => ("schema", Format::Json),
            Command::Snapshot(_) => ("snapshot", Format::Json),
            Command::Render(_) => ("render", Format::Human),
            Command::Demo => ("demo", Format::Human),
            Command::Export(_) => ("export", Format::Human),
            Command::Man => ("man", Format::Human),
            Command::Completions(_) => ("completions", Format::Human),
            _ => return None,
        })
    }

    /// Tells whether it looks at AWS, or at a recorded estate.
    fn looks(&self) -> bool {
        !matches!(
            self,
            Command::Validate
                | Command::Schema
                | Command::Permissions(_)
                | Command::Demo
                | Command::Man
                | Command::Completions(_)
        )
    }

    /// Tells whether its reports are made from `templates/`.
    fn has_templates(&self) -> bool {
        matches!(self, Command::Plan(_) | Command::Drift(_) | Command::Apply(_) | Command::Check(_))
    }
}

/// Refuses options that the command would not heed: whoever gave them waits for what they do.
fn refuse_idle(command: &Command, common: &Common) -> Result<(), CliError> {
    if let (Some((name, form)), Some(asked)) = (command.only_form(), common.format)
        && asked != form
    {
        return Err(asked.unknown_to(name, form.name()));
    }
    if !command.looks() {
        let idle = [("--estate", &common.estate), ("--policies", &common.policies)];
        if let Some((flag, _)) = idle.into_iter().find(|(_, given)| given.is_some()) {
            return Err(
                CliError::new(format!("{flag} does nothing here")).hint("this command looks at nothing; leave it out")
            );
        }
    }
    match &common.templates {
        None => Ok(()),
        Some(_) if command.has_templates() => session::report_templates(common).map(|_| ()),
        Some(_) => Err(CliError::new("--templates does nothing here")
            .hint("plan, drift, apply and check have templates that can be replaced; leave it out")),
    }
}

/// The endings of files that say nothing of a form, and those that tell one ([`Common::format`]).
const PLAIN_ENDINGS: [&str; 2] = ["txt", "log"];
const TELLING_ENDINGS: [&str; 6] = ["json", "jsonl", "md", "html", "sarif", "xml"];

/// Refuses a file whose ending promises a form that there is not.
fn refuse_ending(command: &Command, common: &Common) -> Result<(), CliError> {
    let has_own_files = command.only_form().is_some() || matches!(command, Command::Init(_) | Command::Permissions(_));
    let extension = common.output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
    let Some(extension) = extension.filter(|_| common.format.is_none() && !has_own_files) else { return Ok(()) };
    if PLAIN_ENDINGS.contains(&extension) || TELLING_ENDINGS.contains(&extension) {
        return Ok(());
    }
    let known: Vec<String> = PLAIN_ENDINGS.iter().chain(&TELLING_ENDINGS).map(|ending| format!(".{ending}")).collect();
    Err(CliError::new(format!("no report has the ending .{extension}"))
        .hint(format!("the endings are {}; or name the form with --format", known.join(", "))))
}

/// Parses, runs, prints; returns the exit code of the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    // These write their own files; `--output` says where.
    let to_folder = matches!(cli.command, Command::Render(_) | Command::Demo | Command::Init(_) | Command::Man);
    let ui = Ui::new(&cli.common, cli.common.output.clone().filter(|_| !to_folder));
    ui.start_log();
    let answer = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(&cli, &ui)),
        Err(error) => Err(CliError::new("cannot start").because(error)),
    };
    match answer.and_then(|answer| give(answer, &ui)) {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            ui.print_failure(&failure);
            ExitCode::from(ERROR_CODE)
        }
    }
}

/// Hands an answer out.
fn give(Answer { text, outcome, record }: Answer, ui: &Ui) -> Result<Outcome, CliError> {
    ui.print(&text)?;
    if let Some((file, text)) = record {
        ui::write_file(&file, &text, Readers::Umask)?;
    }
    Ok(outcome)
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

async fn run(cli: &Cli, ui: &Ui) -> Result<Answer, CliError> {
    let common = &cli.common;
    refuse_idle(&cli.command, common)?;
    ui.must_not_replace(&common.config)?;
    common.estate.as_deref().map_or(Ok(()), |estate| ui.must_not_replace(estate))?;
    refuse_ending(&cli.command, common)?;
    match &cli.command {
        Command::Validate => {
            let (text, outcome) = validate::run(&common.config)?;
            Ok(Answer::new(text, outcome))
        }
        Command::Init(args) => init::run(common, args, ui).await,
        Command::Schema => {
            let (text, outcome) = schema::run();
            Ok(Answer::new(text, outcome))
        }
        Command::Discover => discover::run(common, ui).await,
        Command::Snapshot(args) => snapshot::run(common, args, ui).await,
        Command::Render(args) => render::run(common, args, ui).await,
        Command::Plan(args) => Box::pin(plan::plan(common, args, ui)).await,
        Command::Drift(args) => Box::pin(drift::run(common, args, ui)).await,
        Command::Apply(args) => Box::pin(apply::run(common, args, ui)).await,
        Command::Reconcile(args) => Box::pin(reconcile::run(common, args, ui)).await,
        Command::Export(args) => export::run(common, args, ui).await,
        Command::Check(args) => check::run(common, args, ui).await,
        Command::Demo => demo::run(common).await,
        Command::Access(args) => access::run(common, args, ui).await,
        Command::Explain(args) => explain::run(common, args, ui).await,
        Command::Permissions(args) => permissions::run(common, args, ui),
        Command::Verify(args) => Box::pin(verify::command(common, args, ui)).await,
        Command::Coverage(args) => Box::pin(coverage::command(common, args, ui)).await,
        Command::Man => man::run(common, <Cli as clap::CommandFactory>::command()),
        Command::Completions(args) => Ok(completions::run(args, &mut <Cli as clap::CommandFactory>::command())),
    }
}
