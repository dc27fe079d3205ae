//! `orgtrail lake ddl`: statements that make the lake, or the log files, a table of another engine.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{LakeOption, failed, logs as lake_logs, place};
use crate::archive::window::{Window, day_of};
use crate::cli::failure::CliError;
use crate::cli::logs::archive::LogPlaces;
use crate::cli::logs::{LogsContext, LogsError, time};
use crate::cli::outcome::Outcome;
use crate::cli::summary::Summary;
use crate::cli::ui::Ui;
use crate::cli::{CommandOutput, Common};
use crate::files::same_place;
use crate::lake::ddl::{DdlRequest, Engine, RawLogs, TableOf, ddl};
use crate::lake::status::LakeStatus;

/// Print statements that make the lake a table of another engine.
#[derive(Debug, Clone, clap::Args)]
pub struct LakeDdlArgs {
    /// Write for this engine: athena, spark, trino or duckdb
    #[arg(long, value_name = "ENGINE", value_parser = str::parse::<Engine>)]
    engine: Engine,
    #[command(flatten)]
    lake: LakeOption,
    /// Make a table of the log files themselves, and not of the lake
    #[arg(long, conflicts_with = "iceberg")]
    raw: bool,
    /// Make an Iceberg table that adopts the slots where they lie
    ///
    /// Of the days that are sealed; --days names others.
    #[arg(long)]
    iceberg: bool,
    /// Adopt these days into the Iceberg table (can be repeated)
    #[arg(long, value_name = "YYYY-MM-DD", requires = "iceberg", value_delimiter = ',')]
    days: Vec<Date>,
    /// Name the table [default: cloudtrail_events, cloudtrail_logs with --raw]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Name the database [default: the session's own]
    ///
    /// With --engine trino it must be named.
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Name the catalog [default: the session's own]
    ///
    /// With --engine spark and --iceberg it must be named, and the database too.
    #[arg(long, value_name = "NAME")]
    catalog: Option<String>,
    /// Read the logs in this bucket or folder, for --raw
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration]
    #[arg(long, value_name = "PLACE", requires = "raw")]
    place: Option<String>,
    /// Begin the table of log files with this day [default: one year ago]
    #[arg(long, value_name = "TIME", requires = "raw", value_parser = time)]
    from: Option<Timestamp>,
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &LakeDdlArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let around = LogsContext::of(common, ui);
    let named: Vec<String> = args.place.iter().cloned().collect();
    let logs = Box::pin(LogPlaces::read(common, &named, ui)).await?;
    let (location, of) = match args.raw {
        true => Box::pin(raw(args, logs, around)).await?,
        false => of_lake(args, &logs, &LogsContext { entry: logs.entry.clone(), ..around }).await?,
    };
    let usual = if args.raw { "cloudtrail_logs" } else { "cloudtrail_events" };
    let table = args.table.clone().unwrap_or_else(|| usual.to_owned());
    let request = DdlRequest { catalog: args.catalog.clone(), database: args.database.clone(), table, location, of };
    let text = ddl(args.engine, &request)
        .map_err(|error| CliError::new(error.to_string()).hint(error.help().unwrap_or_default()))?;
    let what = format!("statements for {}", args.engine);
    Ok(CommandOutput::one(text, Outcome::Clean, Summary::new("Lake ddl", &what)))
}

/// A table of the lake, which is asked when its days begin.
async fn of_lake(args: &LakeDdlArgs, logs: &LogPlaces, around: &LogsContext) -> Result<(String, TableOf), CliError> {
    let named = args.lake.place(logs.lake.as_ref());
    let store = place::must_be_apart(&named, &[])?.open(around, None).await?;
    let status = LakeStatus::read(&store).await.map_err(failed)?;
    let of = if args.iceberg {
        let days = if args.days.is_empty() { status.sealed.iter().copied().collect() } else { args.days.clone() };
        if days.is_empty() {
            return Err(CliError::new("no day of the lake is sealed, so that none is adopted")
                .hint("seal days with `orgtrail verify --seal`, or name days with --days"));
        }
        TableOf::Iceberg { days }
    } else {
        let Some(first_day) = status.days.keys().next().copied() else {
            return Err(CliError::new(format!("the lake {} has no events yet", store.name()))
                .hint("put log files in with `orgtrail lake update`"));
        };
        TableOf::Slots { first_day }
    };
    Ok((location(&named.to_string_lossy()), of))
}

/// A table of the log files, whose accounts and regions are looked for.
async fn raw(args: &LakeDdlArgs, logs: LogPlaces, mut around: LogsContext) -> Result<(String, TableOf), CliError> {
    let Some(place) = logs.places.first().cloned() else { return Err(LogsError::no_place()) };
    around.entry = logs.entry;
    let archive = lake_logs::archive(std::slice::from_ref(&place), &[], &[], &around).await?;
    // The last moment: whose folders there are is wanted, not what they hold.
    let window = Window { from: Some(around.now), ..Window::default() };
    let listing = archive.list(&window).await;
    let organization = super::update::organization(logs.organization, &archive).await?;
    let accounts: BTreeSet<String> = listing.places.iter().map(|place| place.account.clone()).collect();
    let regions: BTreeSet<String> = listing.places.iter().map(|place| place.region.clone()).collect();
    let year = jiff::SignedDuration::from_hours(24 * 365);
    let from = args.from.unwrap_or_else(|| around.now.checked_sub(year).unwrap_or(Timestamp::MIN));
    let logs = RawLogs {
        organization,
        accounts: accounts.into_iter().collect(),
        regions: regions.into_iter().collect(),
        first_day: day_of(from),
    };
    Ok((location(&place), TableOf::RawLogs(logs)))
}

/// Returns a place as other engines find it: a folder by its whole path.
fn location(named: &str) -> String {
    match named.starts_with("s3://") {
        true => named.trim_end_matches('/').to_owned(),
        false => same_place(Path::new(named)).display().to_string(),
    }
}
