//! `orgtrail query`: SQL over the events of the archive.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::Timestamp;

use super::asked::{self, AskedArgs, AskedLogs, RunLimits, failed};
use super::engine::{AthenaArgs, QueryEngine};
use super::failure::CliError;
use super::logs::LogsError;
use super::outcome::Outcome;
use super::output::Content;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::listing::Archive;
use crate::files;
use crate::phase::Phase;
use crate::query::answer::{AnswerCoverage, Answered, Bounds, Cell, Ended, QueryAnswer, Question};
use crate::query::error::{QueryError, SQL_BYTES_MAX};
use crate::query::prepared::{Prepared, ValueError, assignment};
use crate::report::query as report;
use crate::report::text::words::count;

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
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Set a placeholder of the question (can be repeated)
    ///
    /// `$NAME` in the question stands for the value.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "list")]
    pub param: Vec<String>,
    /// List the prepared questions; with --name show one
    ///
    /// With their parameters; --format json and --format csv also say what each answers and cannot see. With --name it
    /// is the whole of one question, with what it cannot see and its SQL.
    #[arg(long)]
    pub list: bool,
    /// Show how the question would be answered, and do not answer it
    #[arg(long, conflicts_with = "list", hide_short_help = true)]
    pub explain: bool,
    /// Ask Athena.
    #[command(flatten)]
    pub athena: AthenaArgs,
    /// What is asked.
    #[command(flatten)]
    pub asked: AskedArgs,
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub max_rows: u32,
}

impl QueryArgs {
    /// Tells whether Athena answers.
    pub(super) fn asks_athena(&self) -> bool {
        self.athena.engine == QueryEngine::Athena && !self.list
    }

    /// Tells whether nothing is asked, so that a shell asks for it.
    pub(super) fn is_without_question(&self) -> bool {
        self.sql.is_none() && self.file.is_none() && self.name.is_none() && !self.list && !self.explain
    }
}

/// The most bytes of the rows of one answer: they are held in memory, to be written in several formats.
pub(super) const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Runs the command.
pub(super) async fn run(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    if args.list {
        return list(args.name.as_deref(), ui);
    }
    args.athena.must_be_idle()?;
    let question = question(args)?;
    let sql = question.sql.clone();
    let (logs, archive) = match is_about_tables(&sql) {
        true => (AskedLogs::none(common, ui), Archive::new(Vec::new(), args.asked.late)),
        false => {
            let logs = Box::pin(asked::logs(common, &args.asked, ui)).await?;
            // A question may take long, and its answer cannot be had again for nothing.
            ui.must_be_writable()?;
            let archive = asked::archive(&args.asked, &logs).await?;
            (logs, archive)
        }
    };
    let phase = Phase::begin("ask the archive");
    let stop = RunLimits::of(&args.asked).stopped();
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

/// Asks a question until it is answered or stopped, and shows how far it is. `now` is when the archive was looked at.
pub(super) async fn answer(
    args: &QueryArgs,
    archive: &Arc<Archive>,
    logs: &AskedLogs,
    now: Timestamp,
    question: Question,
    stop: impl Future<Output = Ended>,
    ui: &Ui,
) -> Result<QueryAnswer, CliError> {
    let engine = Arc::new(asked::engine(&args.asked, Arc::clone(archive), logs.lake.clone(), now)?);
    let answered = Answered { now, expected: logs.expected.as_ref() };
    let keeps_types = ui.outputs().has(Format::Parquet);
    let bounds = Bounds { rows: args.max_rows as usize, bytes: ANSWER_BYTES_MAX, keeps_types };
    let found = AtomicUsize::new(0);
    let answer = QueryAnswer::of(Arc::clone(&engine), question, answered, bounds, &found, stop);
    asked::watched(answer, &engine, &found, ui).await.map_err(failed)
}

/// Returns the question that was named, written or is in a file, with the values of its placeholders.
pub(super) fn question(args: &QueryArgs) -> Result<Question, CliError> {
    let question = written(args)?;
    // Comments may come before the question.
    Ok(if args.explain { Question { sql: format!("EXPLAIN {}", question.sql), ..question } } else { question })
}

fn written(args: &QueryArgs) -> Result<Question, CliError> {
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
    bound(named(name)?, values)
}

fn named(name: &str) -> Result<Prepared, CliError> {
    Prepared::named(name).map_err(|error| CliError::new(error.to_string()).hint("`orgtrail query --list` shows all"))
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

/// Lists the prepared questions, or shows the whole of one.
fn list(name: Option<&str>, ui: &Ui) -> Result<CommandOutput, CliError> {
    let all = match name {
        Some(name) => vec![named(name)?],
        None => Prepared::all(),
    };
    let texts = ui.render(|format| match (format, all.as_slice()) {
        (Format::Human, [one]) if name.is_some() => Ok(report::prepared_whole(one, ui.width()).into()),
        (Format::Human, all) => Ok(report::prepared(all).into()),
        (other, all) => content(&listed(all, name.is_some()), "", other, ui),
    })?;
    Ok(CommandOutput::new(texts, Outcome::Clean, Summary::new("Query", &count(all.len(), "prepared question"))))
}

/// Returns the prepared questions as rows, with their SQL where it is wanted.
fn listed(all: &[Prepared], with_sql: bool) -> QueryAnswer {
    let columns = ["name", "title", "answers", "parameters", "cannot_see", "sql"].map(str::to_owned);
    let width = columns.len() - usize::from(!with_sql);
    let row = |one: &Prepared| {
        let parameters: Vec<&str> = one.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let texts = [&one.name, &one.title, &one.answers, &parameters.join(" "), &one.cannot_see, &one.sql];
        texts.into_iter().take(width).map(|text| Cell::Text(text.clone())).collect()
    };
    let coverage = AnswerCoverage { needs_no_events: true, is_whole: true, ..AnswerCoverage::default() };
    let columns = columns.into_iter().take(width).collect();
    QueryAnswer { columns, rows: all.iter().map(row).collect(), batches: None, coverage }
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
