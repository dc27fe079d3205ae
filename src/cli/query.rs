//! `orgtrail query`: SQL over the events of the archive.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::engine::{AthenaArgs, QueryEngine};
use super::failure::CliError;
use super::logs::archive::Archive as ConfiguredLogs;
use super::logs::{LazyConnection, LogSources, LogsContext, LogsError, ReaderArgs, duration, time};
use super::outcome::Outcome;
use super::output::Content;
use super::size::size as size_of;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format, signal};
use crate::archive::find::ScopeFilter;
use crate::archive::listing::{Archive, LogPlace};
use crate::archive::window::Window;
use crate::archive::{Fault, FaultKind};
use crate::files;
use crate::ids::{AccountId, Region};
use crate::lake::reading::Lake;
use crate::log_path::TOP_FOLDER;
use crate::phase::Phase;
use crate::query::answer::{AnswerCoverage, Answered, Bounds, Cell, Ended, QueryAnswer, Question};
use crate::query::engine::{Engine, Limits};
use crate::query::error::{QueryError, SQL_BYTES_MAX};
use crate::query::prepared::{Prepared, ValueError, assignment};
use crate::query::scan::Looked;
use crate::report::query as report;
use crate::report::text::words::{count, size};

/// What is read at most, and how much memory is used, unless the user says otherwise.
const READ_BYTES: u64 = 10 << 30;
const MEMORY_BYTES: u64 = 512 << 20;
/// How far behind the end of the time deliveries are looked for unless the user says otherwise.
const LATE: &str = "24h";

/// Ask the archive with SQL: SELECT over `events`, `cloudtrail_logs` or `cloudtrail_lake`.
#[derive(Debug, Clone, clap::Args)]
pub struct QueryArgs {
    /// Ask this: one SELECT, EXPLAIN, SHOW or DESCRIBE [default: a shell]
    ///
    /// Without a question, on a terminal, a shell asks for one after the other; `\?` shows its commands.
    #[arg(value_name = "SQL", conflicts_with_all = ["file", "name", "list"])]
    pub sql: Option<String>,
    /// Read the question from this file; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "list"])]
    pub file: Option<PathBuf>,
    /// Ask this prepared question; --list shows them
    #[arg(long, value_name = "NAME", conflicts_with = "list")]
    pub name: Option<String>,
    /// Set a placeholder of the question (can be repeated)
    ///
    /// `$NAME` in the question stands for the value.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "list")]
    pub param: Vec<String>,
    /// List the prepared questions
    ///
    /// With their parameters; --format json and --format csv also say what each answers and cannot see.
    #[arg(long)]
    pub list: bool,
    /// Ask this bucket or folder (can be repeated)
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(long, value_name = "PLACE")]
    pub place: Vec<String>,
    /// Ask this lake, and log files that are not in it yet
    ///
    /// s3://BUCKET/PREFIX, or a folder. [default: `lake.place` of the configuration] [env: ORGTRAIL_LAKE]
    #[arg(long, value_name = "LAKE", env = "ORGTRAIL_LAKE", hide_env = true)]
    pub lake: Option<PathBuf>,
    /// Ask Athena.
    #[command(flatten)]
    pub athena: AthenaArgs,
    /// Read log files only, although there is a lake
    ///
    /// Also where --lake or ORGTRAIL_LAKE names one.
    #[arg(long, hide_short_help = true)]
    pub no_lake: bool,
    /// The role that reads.
    #[command(flatten)]
    pub reader: ReaderArgs,
    /// Look at events from this time on
    ///
    /// By default, and as far as the question itself does not say, from the beginning of the archive.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Look at events up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Look at the events of the last days
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Look only at this account (can be repeated)
    #[arg(long, value_name = "ID")]
    pub account: Vec<AccountId>,
    /// Look only at this region (can be repeated)
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
    /// Look for deliveries up to this long behind the end of the time
    ///
    /// CloudTrail delivers within minutes as a rule, and tries again for up to 30 days where it cannot.
    #[arg(long, value_name = "DURATION", default_value = LATE, value_parser = duration, hide_short_help = true)]
    pub late: SignedDuration,
    /// Read at most this much [default: 10GiB]
    ///
    /// Of the log files as they are stored, compressed; 0 is no limit. With --engine athena, stop the question once
    /// Athena says that it has scanned more. [default there: the limit of the workgroup]
    #[arg(long, value_name = "SIZE", value_parser = size_of)]
    pub max_bytes: Option<u64>,
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub max_rows: u32,
    /// Use at most this much memory to sort, group and join [default: 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = size_of, hide_short_help = true)]
    pub max_memory: Option<u64>,
    /// Stop after this long
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub timeout: Option<SignedDuration>,
}

impl QueryArgs {
    /// Tells whether Athena answers.
    pub(super) fn asks_athena(&self) -> bool {
        self.athena.engine == QueryEngine::Athena && !self.list
    }

    /// Tells whether nothing is asked, so that a shell asks for it.
    pub(super) fn is_without_question(&self) -> bool {
        self.sql.is_none() && self.file.is_none() && self.name.is_none() && !self.list
    }
}

/// The most bytes of the rows of one answer: they are held in memory, to be written in several formats.
pub(super) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Runs the command.
pub(super) async fn run(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    if args.list {
        return list(ui);
    }
    args.athena.must_be_idle()?;
    let question = question(args)?;
    let sql = question.sql.clone();
    let (logs, archive) = match is_about_tables(&sql) {
        true => (Logs::none(common, ui), Archive::new(Vec::new(), args.late)),
        false => {
            let logs = Box::pin(logs(common, args, ui)).await?;
            // A question may take long, and its answer cannot be had again for nothing.
            ui.must_be_writable()?;
            let archive = archive(args, &logs).await?;
            (logs, archive)
        }
    };
    let phase = Phase::begin("ask the archive");
    let stop = stopped(args.timeout);
    let answer = answer(args, &Arc::new(archive), &logs, logs.around.now, question, stop, ui).await?;
    phase.end(format_args!("{} rows", answer.rows.len()));
    output(&answer, &sql, ui)
}

/// Returns an answer in every format that is wanted.
pub(super) fn output(answer: &QueryAnswer, sql: &str, ui: &Ui) -> Result<CommandOutput, CliError> {
    let texts = ui.render(|format| content(answer, sql, format, ui))?;
    let outcome = if answer.coverage.is_whole { Outcome::Clean } else { Outcome::Partial };
    Ok(CommandOutput::new(texts, outcome, summary(answer)))
}

/// The logs that are asked.
pub(super) struct Logs {
    places: Vec<String>,
    sought: ScopeFilter,
    /// Accounts that should have logs. `None`: unknown.
    expected: Option<BTreeSet<String>>,
    around: LogsContext,
    /// The lake that is asked first. `None`: log files only.
    lake: Option<Lake>,
}

impl Logs {
    /// Returns those of a question that is not about logs.
    fn none(common: &Common, ui: &Ui) -> Self {
        let around = LogsContext::of(common, ui);
        Self { places: Vec::new(), sought: ScopeFilter::default(), expected: None, around, lake: None }
    }
}

/// Finds out which logs are asked, and how they are entered.
pub(super) async fn logs(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<Logs, CliError> {
    let mut around = LogsContext::of(common, ui);
    let only = if let [one] = args.account.as_slice() { Some(one) } else { None };
    let configured = match &args.reader.role_arn {
        Some(_) => ConfiguredLogs::of_reader(common, &args.place, only)?,
        None => Box::pin(ConfiguredLogs::read(common, &args.place, only, ui)).await?,
    };
    let mut sought = sought(args);
    sought.organization = configured.as_ref().and_then(|logs| logs.expected.organization.clone());
    let config = configured.as_ref().map(|logs| &logs.config);
    around.reader = args.reader.entry(common, config, sought.clone())?;
    let mut of_configuration = None;
    let (places, expected) = match configured {
        None => (args.place.clone(), None),
        Some(ConfiguredLogs { config, places, expected, entry }) => {
            // The lake of a configuration is that of its own logs, and no reader role reads it.
            of_configuration = config.lake.filter(|_| args.place.is_empty() && args.reader.role_arn.is_none());
            around.entry = entry;
            let accounts = &expected.accounts;
            let active = accounts.iter().filter(|(_, account)| account.is_active).map(|(id, _)| id.to_string());
            (places, Some(active.collect::<BTreeSet<_>>()).filter(|all| !all.is_empty()))
        }
    };
    if places.is_empty() && (args.lake.is_none() || args.no_lake) {
        return Err(LogsError::no_place());
    }
    if args.reader.role_arn.is_some() && !places.iter().any(|place| place.starts_with("s3://")) {
        return Err(CliError::new("--role-arn does nothing here: no place is a bucket")
            .hint("name a bucket (--place s3://BUCKET/PREFIX), or leave --role-arn out"));
    }
    let lake = match args.no_lake {
        true => None,
        false => {
            let (named, configured) = (args.lake.as_deref(), of_configuration.as_ref());
            super::lake::open_to_ask(named, configured, &places, &around, ui).await?
        }
    };
    Ok(Logs { places, sought, expected, around, lake })
}

/// Asks a question until it is answered or stopped, and shows how far it is. `now` is when the archive was looked at.
pub(super) async fn answer(
    args: &QueryArgs,
    archive: &Arc<Archive>,
    logs: &Logs,
    now: Timestamp,
    question: Question,
    stop: impl Future<Output = Ended>,
    ui: &Ui,
) -> Result<QueryAnswer, CliError> {
    let engine = Arc::new(engine(args, Arc::clone(archive), logs.lake.clone(), now)?);
    let answered = Answered { now, expected: logs.expected.as_ref() };
    let keeps_types = ui.outputs().has(Format::Parquet);
    let bounds = Bounds { rows: args.max_rows as usize, bytes: ANSWER_BYTES_MAX, keeps_types };
    let found = AtomicUsize::new(0);
    let answer = QueryAnswer::of(Arc::clone(&engine), question, answered, bounds, &found, stop);
    watched(answer, &engine, &found, ui).await.map_err(failed)
}

/// Returns the question that was named, written or is in a file, with the values of its placeholders.
pub(super) fn question(args: &QueryArgs) -> Result<Question, CliError> {
    match (&args.name, &args.file) {
        (Some(name), _) => prepared(name, &args.param),
        (None, Some(file)) => {
            let shown = file.display().to_string();
            let bad = |error| CliError::new(format!("cannot use the question in {shown}")).because(error);
            bound(Prepared::of_file(&shown, &text_of(file)?).map_err(bad)?, &args.param)
        }
        (None, None) => plain(args.sql.as_deref().unwrap_or_default(), &args.param),
    }
}

/// Returns a prepared question with the values of its placeholders, each as `NAME=VALUE`.
pub(super) fn prepared(name: &str, values: &[String]) -> Result<Question, CliError> {
    let named = Prepared::named(name)
        .map_err(|error| CliError::new(error.to_string()).hint("`orgtrail query --list` shows all"))?;
    bound(named, values)
}

/// Returns a question that was written, with the values of its placeholders.
pub(super) fn plain(sql: &str, values: &[String]) -> Result<Question, CliError> {
    if sql.trim().is_empty() {
        return Err(failed(QueryError::Empty));
    }
    let prepared = Prepared::of_file("the question", sql).map_err(|error| CliError::new(error.to_string()))?;
    bound(prepared, values)
}

fn bound(prepared: Prepared, values: &[String]) -> Result<Question, CliError> {
    let bad = |error: ValueError| {
        CliError::new(error.to_string()).hint("give each placeholder of the question one value: --param NAME=VALUE")
    };
    let given: Vec<(&str, &str)> = values.iter().map(|text| assignment(text)).collect::<Result<_, _>>().map_err(bad)?;
    let values = prepared.values(&given).map_err(bad)?;
    Ok(Question { sql: prepared.sql, values, cannot_see: prepared.cannot_see })
}

fn text_of(file: &Path) -> Result<String, CliError> {
    let limit = SQL_BYTES_MAX as u64 + 1;
    if file.as_os_str() == "-" {
        let mut text = String::new();
        let read = std::io::stdin().take(limit).read_to_string(&mut text);
        read.map_err(|error| CliError::new("cannot read the question from standard input").because(error))?;
        return Ok(text);
    }
    files::read_text(file, limit).map_err(|error| {
        CliError::new(format!("cannot read {}", file.display()))
            .because(error)
            .hint("name a file with one question, or give the question as an argument")
    })
}

/// Tells whether a question is about the tables, which are there without any logs.
fn is_about_tables(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    ["DESCRIBE", "DESC", "SHOW"].contains(&first.as_str())
}

/// Lists the prepared questions.
fn list(ui: &Ui) -> Result<CommandOutput, CliError> {
    let all = Prepared::all();
    let texts = ui.render(|format| match format {
        Format::Human => Ok(report::prepared(&all).into()),
        other => content(&listed(&all), "", other, ui),
    })?;
    Ok(CommandOutput::new(texts, Outcome::Clean, Summary::new("Query", &count(all.len(), "prepared question"))))
}

/// Returns the prepared questions as rows.
fn listed(all: &[Prepared]) -> QueryAnswer {
    let columns = ["name", "title", "answers", "parameters", "cannot_see"].map(str::to_owned).to_vec();
    let row = |one: &Prepared| {
        let parameters: Vec<&str> = one.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let texts = [&one.name, &one.title, &one.answers, &parameters.join(" "), &one.cannot_see];
        texts.map(|text| Cell::Text(text.clone())).to_vec()
    };
    let coverage = AnswerCoverage { needs_no_events: true, is_whole: true, ..AnswerCoverage::default() };
    QueryAnswer { columns, rows: all.iter().map(row).collect(), batches: None, coverage }
}

/// Returns what is looked for in every place.
fn sought(args: &QueryArgs) -> ScopeFilter {
    let account = if let [one] = args.account.as_slice() { Some(one.clone()) } else { None };
    let region = if let [one] = args.region.as_slice() { Some(one.clone()) } else { None };
    ScopeFilter { account, region, ..ScopeFilter::default() }
}

/// Opens the places, and makes sure that there is something to ask.
pub(super) async fn archive(args: &QueryArgs, logs: &Logs) -> Result<Archive, CliError> {
    let aws = LazyConnection::new(&logs.around, args.region.first().cloned());
    let sources = LogSources::open(&logs.places, &aws).await.map_err(LogsError::without_bundle)?;
    if sources.bundle().is_some() {
        return Err(CliError::new("an evidence bundle has digests and no log files, so that it answers no question")
            .hint("name the bucket or a copy of it: --place s3://BUCKET/PREFIX or a folder"));
    }
    let place = |source: crate::logs::verify::Source| LogPlace {
        store: source.store,
        sought: match &logs.around.reader {
            Some(reader) => reader.sought_below(source.prefix),
            None => ScopeFilter { prefix: source.prefix, ..logs.sought.clone() },
        },
    };
    let archive = Archive::new(sources.sources().into_iter().map(place).collect(), args.late);
    archive.check().await.map_err(|(store, source)| not_listed(args, store, source))?;
    Ok(archive)
}

fn engine(args: &QueryArgs, archive: Arc<Archive>, lake: Option<Lake>, now: Timestamp) -> Result<Engine, CliError> {
    let limits = Limits {
        memory_bytes: usize::try_from(args.max_memory.unwrap_or(MEMORY_BYTES)).unwrap_or(usize::MAX),
        read_bytes: Some(args.max_bytes.unwrap_or(READ_BYTES)).filter(|bytes| *bytes > 0),
        ..Limits::default()
    };
    Engine::new(archive, lake, window(args, now)?, &limits).map_err(failed)
}

/// Says that a place cannot be listed, and with a role what it may list.
fn not_listed(args: &QueryArgs, store: String, source: Fault) -> CliError {
    // Where the role cannot be assumed, its fault says what to do.
    let is_refused = source.kind == FaultKind::Denied && source.message.starts_with("ListObjectsV2");
    let failure: CliError = LogsError::Listing { store, source }.into();
    match args.reader.role_arn {
        Some(_) if is_refused => failure.hint(format!(
            "a reader role may list its own account only: name the account (--account ID) and its folder (--place \
             s3://BUCKET/{TOP_FOLDER}o-…/ID/), as `orgtrail access ID` prints it"
        )),
        _ => failure,
    }
}

pub(super) fn window(args: &QueryArgs, now: Timestamp) -> Result<Window, CliError> {
    let days = args.days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
    let since = days.map(|days| args.to.unwrap_or(now).checked_sub(days).unwrap_or(Timestamp::MIN));
    let (from, to) = (args.from.or(since), args.to);
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    let set = |all: Vec<String>| (!all.is_empty()).then(|| all.into_iter().collect());
    let accounts = set(args.account.iter().map(ToString::to_string).collect());
    let regions = set(args.region.iter().map(ToString::to_string).collect());
    Ok(Window { from, to, accounts, regions })
}

/// Shows how far a question is while it is answered.
async fn watched<T>(answer: impl Future<Output = T>, engine: &Engine, found: &AtomicUsize, ui: &Ui) -> T {
    let mut answer = std::pin::pin!(answer);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => {
                ui.end_progress();
                return answer;
            }
            _ = beat.tick() => show(&engine.scans().tally.looked(), found.load(Ordering::Relaxed), ui),
        }
    }
}

/// How often it is shown how far a question is.
const BEAT: Duration = Duration::from_millis(200);

fn show(looked: &Looked, rows: usize, ui: &Ui) {
    // Nothing is known before the archive was listed.
    if looked.files_listed == 0 {
        return;
    }
    let more = format!("{} of {}, {}", size(looked.bytes), size(looked.bytes_listed), count(rows, "row"));
    ui.step_with("log files", looked.files, looked.files_listed, &more);
}

/// Ends when a person stops the run, or the time is over.
pub(super) async fn stopped(limit: Option<SignedDuration>) -> Ended {
    tokio::select! {
        ended = over(limit) => ended,
        () = signal::told_to_stop() => Ended::Stopped,
    }
}

/// Ends when the time is over.
pub(super) async fn over(limit: Option<SignedDuration>) -> Ended {
    match limit.map(SignedDuration::unsigned_abs) {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            Ended::Time(limit)
        }
        None => std::future::pending().await,
    }
}

pub(super) fn failed(error: QueryError) -> CliError {
    let hint = error.help();
    let failure = CliError::new(error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn content(answer: &QueryAnswer, sql: &str, format: Format, ui: &Ui) -> Result<Content, CliError> {
    Ok(Content::Text(match format {
        Format::Human => report::table(answer, ui.width()),
        Format::Csv => report::csv(answer),
        Format::Json => report::json_text(answer),
        Format::Jsonl => report::json_lines(answer),
        Format::Markdown => report::markdown(answer),
        Format::Html => report::page(answer, sql).map_err(|error| CliError::new(error.to_string()))?,
        Format::Parquet => return answer.parquet().map(Content::Bytes).map_err(failed),
        Format::Sarif | Format::Junit | Format::Ocsf | Format::Asff => return Err(LogsError::Format.into()),
    }))
}

fn summary(answer: &QueryAnswer) -> Summary {
    let unread = usize::try_from(answer.coverage.unread_count).unwrap_or(usize::MAX);
    let summary = Summary::new("Query", &count(answer.rows.len(), "row")).some(unread, "part", "unread");
    if answer.coverage.is_whole { summary } else { summary.also("The answer is not known to be whole") }
}
