//! `orgtrail coverage`: tells whether logs arrive, by account, region and kind of log.

use std::collections::BTreeSet;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};

use super::failure::CliError;
use super::logs::{
    LazyConnection, LogSourceError, LogSources, LogsContext, LogsError, archive::Archive, duration, time,
};
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::archive::find::ScopeFilter;
use crate::estate::{Problem, Stage};
use crate::ids::{AccountId, Region};
use crate::logs::coverage::{Arrival, ConfigArrival, Coverage, Row, assess, config, survey};
use crate::logs::expected::Expected;
use crate::logs::finding::TimeRange;
use crate::phase::Phase;
use crate::recorders::{AccountRecorders, Recorders};
use crate::report::logs::{coverage as report, page};
use crate::report::text::words::count;
use crate::survey::RecorderSurvey;

/// How far back is looked unless the user says otherwise.
const RANGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Tell whether logs arrive: by account, region and kind of log.
#[derive(Debug, Clone, clap::Args)]
pub struct CoverageArgs {
    /// Look at a bucket (s3://BUCKET/PREFIX) or a copy in a folder
    ///
    /// Several places are looked at together.
    /// [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(value_name = "PLACE")]
    pub places: Vec<String>,
    /// Look from this time on [default: seven days before the end]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Look up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Look only at this account
    #[arg(long, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Look only at this region
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// Exit with 2 where nothing arrived for longer than this
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub fail_older_than: Option<SignedDuration>,
    /// Look at what AWS Config delivers too
    ///
    /// Where a configuration is known, the recorders of its accounts are asked where they deliver: one call for a
    /// region without a recorder, four for one with it.
    #[arg(long = "aws-config")]
    pub recorders: bool,
}

/// Runs the command. Which accounts should deliver is known when the place comes from the configuration.
pub(super) async fn command(common: &Common, args: &CoverageArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let mut around = LogsContext::of(common, ui);
    let (places, expected) = match Box::pin(Archive::read(common, &args.places, args.account.as_ref(), ui)).await? {
        None => (args.places.clone(), Expected::default()),
        Some(Archive { places, mut expected, entry, .. }) => {
            around.entry = entry;
            if args.recorders {
                expected.recorders = Box::pin(recorders(common, args, &expected, ui)).await;
            }
            (places, expected)
        }
    };
    let coverage = Box::pin(look(args, &places, expected, &around)).await?;
    let texts = ui.render(|format| Ok(text(&coverage, args, format, &around)?))?;
    Ok(CommandOutput::new(texts, outcome(&coverage, args.fail_older_than), summary(&coverage, args.fail_older_than)))
}

/// Asks AWS Config of each account in use where it delivers.
async fn recorders(common: &Common, args: &CoverageArgs, expected: &Expected, ui: &Ui) -> Recorders {
    let in_use = expected
        .accounts
        .iter()
        .filter(|(id, account)| account.is_active && args.account.as_ref().is_none_or(|only| only == *id));
    let asked = in_use.map(|(id, account)| (id.clone(), account.regions.clone()));
    let session = match Session::open(common, Access::ReadOnly).await {
        Ok(session) => session,
        Err(failure) => {
            let unread = |(account, _): (AccountId, _)| {
                let problem = Problem {
                    account: account.clone(),
                    address: None,
                    stage: Stage::Observe,
                    code: "NotConnected".into(),
                    message: failure.what.clone(),
                    help: String::new(),
                };
                (account, AccountRecorders::Unreadable(problem))
            };
            return Recorders::Known(asked.map(unread).collect());
        }
    };
    let (look, at_once) = (session.cloud.as_ref(), usize::from(common.concurrency));
    let survey = RecorderSurvey { look, at_once, region: args.region.as_ref(), progress: ui };
    let known = survey.recorders(asked).await;
    ui.end_progress();
    known
}

/// Looks at what was asked for and writes the answer to `out`. `places` is where logs lie, `expected` which accounts
/// and regions should deliver, as far as that is known.
///
/// # Errors
/// When there is no answer; missing logs are one.
pub async fn run(
    args: &CoverageArgs,
    places: &[String],
    expected: Expected,
    around: &LogsContext,
    out: &mut (dyn Write + Send),
) -> Result<Outcome, LogsError> {
    let coverage = Box::pin(look(args, places, expected, around)).await?;
    out.write_all(text(&coverage, args, around.format, around)?.as_bytes())?;
    out.flush()?;
    Ok(outcome(&coverage, args.fail_older_than))
}

async fn look(
    args: &CoverageArgs,
    places: &[String],
    mut expected: Expected,
    around: &LogsContext,
) -> Result<Coverage, LogsError> {
    if places.is_empty() {
        return Err(LogsError::NoPlace);
    }
    let range = range(args, around.now)?;
    let aws = LazyConnection::new(around, args.region.clone());
    let places = LogSources::open(places, &aws).await.map_err(LogsError::without_bundle)?;
    if places.bundle().is_some() {
        return Err(LogsError::Bundle);
    }
    let sources = places.sources();
    let sought = ScopeFilter { account: args.account.clone(), region: args.region.clone(), ..ScopeFilter::default() };
    let phase = Phase::begin("list the logs");
    let surveyed = survey(&sources, &sought, range, around.now).await;
    let surveyed = surveyed.map_err(|source| LogsError::Listing { store: places.shown(), source })?;
    let buckets: BTreeSet<&str> = sources.iter().filter_map(|source| source.store.bucket()).collect();
    for bucket in buckets {
        // Only evidence for reasons: without the permission the reasons are less exact.
        let connection = aws.connection().await.map_err(LogSourceError::from)?;
        expected.trails.extend(connection.trail_status(args.region.as_ref(), bucket).await.unwrap_or_default());
    }
    expected.narrow(&sought);
    let listed = if args.recorders { Some(config::list(&sources, &surveyed, &expected.recorders).await) } else { None };
    let mut coverage = assess(surveyed, &expected);
    if let Some((listings, unread)) = listed {
        let buckets: Vec<&str> = sources.iter().filter_map(|source| source.store.bucket()).collect();
        coverage.config = Some(config::assess(&listings, &expected, range, &buckets));
        coverage.unread.extend(config::unasked(&expected.recorders).into_iter().chain(unread));
    }
    phase.end(format_args!("{} rows", coverage.rows.len()));
    Ok(coverage)
}

fn range(args: &CoverageArgs, now: Timestamp) -> Result<TimeRange, LogsError> {
    let to = args.to.unwrap_or(now);
    let from = args.from.unwrap_or_else(|| to.saturating_sub(RANGE).unwrap_or(to));
    if to <= from { Err(LogsError::EmptyRange { from, to }) } else { Ok(TimeRange { start: from, end: to }) }
}

/// Nothing at all, rows that stopped, have nothing or have gaps after their start are findings, as far as something
/// should arrive there, and so are trails that are stopped or cannot deliver, and AWS Config where it cannot; what
/// could not be listed or asked makes the answer partial, and so do digests without a log file, unless they say that
/// there was none, and deliveries that AWS Config tells of and that are not there.
fn outcome(coverage: &Coverage, limit: Option<SignedDuration>) -> Outcome {
    let is_old = limit.is_some_and(|limit| coverage.older_than(limit).next().is_some());
    let is_unread = coverage.rows.iter().any(Row::lacks_log_files)
        || !coverage.unread.is_empty()
        || config_rows(coverage, ConfigArrival::is_unknown) > 0
        || coverage.rows.iter().any(|row| row.arrival == Arrival::Unread);
    let is_failing = coverage.failing_trails().next().is_some();
    let is_failing = is_failing || config_rows(coverage, is_failing_config) > 0;
    if coverage.is_nothing() || is_old || is_failing || coverage.rows.iter().any(is_bad) {
        Outcome::Finding
    } else if is_unread {
        Outcome::Partial
    } else {
        Outcome::Clean
    }
}

/// Counts the rows of AWS Config in some states.
fn config_rows(coverage: &Coverage, wanted: fn(ConfigArrival) -> bool) -> usize {
    coverage.config.iter().flatten().filter(|row| wanted(row.arrival)).count()
}

fn is_failing_config(arrival: ConfigArrival) -> bool {
    arrival == ConfigArrival::Failing
}

/// Tells whether something should arrive and does not, or not without gaps.
fn is_bad(row: &Row) -> bool {
    row.is_expected && matches!(row.arrival, Arrival::Stopped | Arrival::Nothing | Arrival::Gaps)
}

fn summary(coverage: &Coverage, limit: Option<SignedDuration>) -> Summary {
    let rows = |wanted: fn(&Row) -> bool| coverage.rows.iter().filter(|row| wanted(row)).count();
    let (arriving, all) = (rows(|row| row.arrival == Arrival::Arriving), count(coverage.rows.len(), "row"));
    Summary::new("Coverage", &format!("{arriving} of {all} arriving"))
        .some(rows(is_bad), "row", "missing or with gaps")
        .some(limit.map_or(0, |limit| coverage.older_than(limit).count()), "row", "older than --fail-older-than")
        .some(coverage.failing_trails().count(), "trail", "failing")
        .some(rows(|row| row.arrival == Arrival::Quiet), "row", "quiet")
        .some(rows(Row::lacks_log_files), "row", "with digests and no log file")
        .some(rows(|row| row.arrival == Arrival::Unread), "row", "unreadable")
        .some(config_rows(coverage, is_failing_config), "region", "where AWS Config cannot deliver")
        .some(config_rows(coverage, ConfigArrival::is_unknown), "region", "where AWS Config is unknown or unconfirmed")
        .some(coverage.unread.len(), "listing", "failed")
}

fn text(coverage: &Coverage, args: &CoverageArgs, format: Format, around: &LogsContext) -> Result<String, LogsError> {
    let limit = args.fail_older_than;
    Ok(match format {
        Format::Human => report::human(coverage, limit, around.width),
        Format::Json => report::json(coverage, limit),
        Format::Jsonl => report::json_lines(coverage, limit),
        Format::Markdown => report::markdown(coverage, limit),
        Format::Html => page::coverage(coverage, limit)?,
        Format::Csv | Format::Parquet | Format::Sarif | Format::Junit | Format::Ocsf | Format::Asff => {
            return Err(LogsError::Format);
        }
    })
}
