//! `orgtrail query`: SQL over the events of the archive.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::failure::CliError;
use super::logs::archive::Archive as ConfiguredLogs;
use super::logs::{LazyConnection, LogSources, LogsContext, LogsError, duration, time};
use super::outcome::Outcome;
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format, signal};
use crate::archive::find::ScopeFilter;
use crate::files;
use crate::ids::{AccountId, Region};
use crate::phase::Phase;
use crate::query::answer::{AnswerCoverage, Answered, Bounds, Cell, Ended, QueryAnswer, Question};
use crate::query::engine::{Engine, Limits};
use crate::query::error::{QueryError, SQL_BYTES_MAX};
use crate::query::prepared::{Prepared, ValueError, assignment};
use crate::query::scan::{Archive, Place};
use crate::query::window::Window;
use crate::report::query as report;
use crate::report::text::words::count;

/// How far behind the end of the time deliveries are looked for unless the user says otherwise.
const LATE: &str = "24h";

/// Ask the archive with SQL: SELECT over `events`, `cloudtrail_logs` or `cloudtrail_lake`.
#[derive(Debug, Clone, clap::Args)]
pub struct QueryArgs {
    /// Ask this question: one SELECT, EXPLAIN, SHOW or DESCRIBE
    #[arg(value_name = "SQL", required_unless_present_any = ["file", "name", "list"], conflicts_with_all = ["file", "name", "list"])]
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
    /// With what they need and what they cannot see.
    #[arg(long)]
    pub list: bool,
    /// Ask this bucket or folder (can be repeated)
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(long, value_name = "PLACE")]
    pub place: Vec<String>,
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
    /// Read at most this much; 0 is no limit
    ///
    /// Of the log files as they are stored, compressed.
    #[arg(long, value_name = "SIZE", default_value = "10GB", value_parser = size)]
    pub max_bytes: u64,
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub max_rows: u32,
    /// Use at most this much memory to sort, group and join
    #[arg(long, value_name = "SIZE", default_value = "512MB", value_parser = size, hide_short_help = true)]
    pub max_memory: u64,
    /// Stop after this long
    #[arg(long, value_name = "DURATION", value_parser = duration, hide_short_help = true)]
    pub timeout: Option<SignedDuration>,
}

/// The most bytes of the rows of one answer: they are held in memory, to be written in several formats.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Runs the command.
pub(super) async fn run(common: &Common, args: &QueryArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    if args.list {
        return list(ui);
    }
    let mut around = LogsContext::of(common, ui);
    let question = question(args)?;
    let sql = question.sql.clone();
    let only = if let [one] = args.account.as_slice() { Some(one) } else { None };
    let is_about_tables = is_about_tables(&sql);
    let configured = match is_about_tables {
        true => None,
        false => Box::pin(ConfiguredLogs::read(common, &args.place, only, ui)).await?,
    };
    let (places, expected) = match configured {
        None if is_about_tables => (Vec::new(), None),
        None => (args.place.clone(), None),
        Some(ConfiguredLogs { places, expected, entry, .. }) => {
            around.entry = entry;
            let accounts = &expected.accounts;
            let active = accounts.iter().filter(|(_, account)| account.is_active).map(|(id, _)| id.to_string());
            (places, Some(active.collect::<BTreeSet<_>>()).filter(|all| !all.is_empty()))
        }
    };
    if places.is_empty() && !is_about_tables {
        return Err(LogsError::NoPlace.into());
    }
    // A question may take long, and its answer cannot be had again for nothing.
    ui.must_be_writable()?;
    let answered = Answered { now: around.now, expected: expected.as_ref() };
    let engine = Arc::new(engine(args, &places, &around).await?);
    let phase = Phase::begin("ask the archive");
    let bounds = Bounds { rows: args.max_rows as usize, bytes: ANSWER_BYTES_MAX };
    let answer = QueryAnswer::of(engine, question, answered, bounds, stopped(args.timeout)).await.map_err(failed)?;
    phase.end(format_args!("{} rows", answer.rows.len()));
    let texts = ui.render(|format| text(&answer, &sql, format, ui))?;
    let outcome = if answer.coverage.is_whole { Outcome::Clean } else { Outcome::Partial };
    Ok(CommandOutput::new(texts, outcome, summary(&answer)))
}

/// Returns the question that was named, written or is in a file, with the values of its placeholders.
fn question(args: &QueryArgs) -> Result<Question, CliError> {
    let prepared = match (&args.name, &args.file) {
        (Some(name), _) => Prepared::named(name)
            .map_err(|error| CliError::new(error.to_string()).hint("`orgtrail query --list` shows all"))?,
        (None, Some(file)) => {
            let shown = file.display().to_string();
            let bad = |error| CliError::new(format!("cannot use the question in {shown}")).because(error);
            Prepared::of_file(&shown, &text_of(file)?).map_err(bad)?
        }
        (None, None) => {
            let sql = args.sql.as_deref().unwrap_or_default();
            if sql.trim().is_empty() {
                return Err(failed(QueryError::Empty));
            }
            Prepared::of_file("the question", sql).map_err(|error| CliError::new(error.to_string()))?
        }
    };
    let bad = |error: ValueError| {
        CliError::new(error.to_string()).hint("give each placeholder of the question one value: --param NAME=VALUE")
    };
    let given: Vec<(&str, &str)> =
        args.param.iter().map(|text| assignment(text)).collect::<Result<_, _>>().map_err(bad)?;
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
        Format::Human => Ok(report::prepared(&all)),
        other => text(&listed(&all), "", other, ui),
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
    QueryAnswer { columns, rows: all.iter().map(row).collect(), coverage }
}

async fn engine(args: &QueryArgs, places: &[String], around: &LogsContext) -> Result<Engine, CliError> {
    let aws = LazyConnection::new(around, args.region.first().cloned());
    let sources = LogSources::open(places, &aws).await.map_err(LogsError::without_bundle)?;
    if sources.bundle().is_some() {
        return Err(CliError::new("an evidence bundle has digests and no log files, so that it answers no question")
            .hint("name the bucket or a copy of it: --place s3://BUCKET/PREFIX or a folder"));
    }
    let sought = |prefix: String| ScopeFilter {
        prefix,
        account: if let [one] = args.account.as_slice() { Some(one.clone()) } else { None },
        region: if let [one] = args.region.as_slice() { Some(one.clone()) } else { None },
        ..ScopeFilter::default()
    };
    let place = |source: crate::logs::verify::Source| Place { store: source.store, sought: sought(source.prefix) };
    let archive = Archive::new(sources.sources().into_iter().map(place).collect(), args.late);
    archive.check().await.map_err(|(store, source)| LogsError::Listing { store, source })?;
    let limits = Limits {
        memory_bytes: usize::try_from(args.max_memory).unwrap_or(usize::MAX),
        read_bytes: (args.max_bytes > 0).then_some(args.max_bytes),
        ..Limits::default()
    };
    Engine::new(Arc::new(archive), window(args, around.now)?, &limits).map_err(failed)
}

fn window(args: &QueryArgs, now: Timestamp) -> Result<Window, CliError> {
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

/// Ends when a person stops the run, or the time is over.
async fn stopped(limit: Option<SignedDuration>) -> Ended {
    let limit = limit.map(SignedDuration::unsigned_abs);
    let over = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => Ended::Time(limit.unwrap_or(Duration::ZERO)),
        () = signal::told_to_stop() => Ended::Stopped,
    }
}

fn failed(error: QueryError) -> CliError {
    let hint = error.help();
    let failure = CliError::new(error.to_string());
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn text(answer: &QueryAnswer, sql: &str, format: Format, ui: &Ui) -> Result<String, CliError> {
    Ok(match format {
        Format::Human => report::table(answer, ui.width()),
        Format::Csv => report::csv(answer),
        Format::Json => report::json_text(answer),
        Format::Jsonl => report::json_lines(answer),
        Format::Markdown => report::markdown(answer),
        Format::Html => report::page(answer, sql).map_err(|error| CliError::new(error.to_string()))?,
        Format::Sarif | Format::Junit | Format::Ocsf | Format::Asff => return Err(LogsError::Format.into()),
    })
}

fn summary(answer: &QueryAnswer) -> Summary {
    let unread = usize::try_from(answer.coverage.unread_count).unwrap_or(usize::MAX);
    let summary = Summary::new("Query", &count(answer.rows.len(), "row")).some(unread, "part", "unread");
    if answer.coverage.is_whole { summary } else { summary.also("The answer is not known to be whole") }
}

/// Reads a size as people write it: `512MB`, `10GB`, `1048576`, `0`.
///
/// # Errors
/// A sentence that shows the right form.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 512MB or 10GB");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "T" | "TB" => 1_000_000_000_000,
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        "GIB" => 1 << 30,
        _ => return Err(wrong()),
    };
    digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!((size("0"), size("512MB"), size("10GB")), (Ok(0), Ok(512_000_000), Ok(10_000_000_000)));
        assert_eq!((size("1GiB"), size("7 kb")), (Ok(1 << 30), Ok(7_000)));
        for wrong in ["", "MB", "-1", "1.5GB", "10XB", "99999999999999TB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
