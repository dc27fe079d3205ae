//! `orgtrail lake update`: log files into the lake.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{LakeOption, failed, logs as lake_logs, place};
use crate::archive::listing::Archive;
use crate::archive::window::Window;
use crate::cli::failure::CliError;
use crate::cli::logs::archive::LogPlaces;
use crate::cli::logs::{LogsContext, LogsError, duration, time};
use crate::cli::outcome::Outcome;
use crate::cli::output::json_text;
use crate::cli::size::size;
use crate::cli::summary::Summary;
use crate::cli::ui::Ui;
use crate::cli::{CommandOutput, Common, Format, signal};
use crate::cloud::Progress;
use crate::config::schema::LakeGrain;
use crate::ids::{AccountId, Region};
use crate::lake::identity::{LakeAsked, LakeIdentity, SLOTS};
use crate::lake::layout::{Grain, SLOTS_MAX};
use crate::lake::update::{Shard, Step, Update, Updated};
use crate::phase::Phase;
use crate::report::lake::update::LakeUpdate;
use crate::report::text::words::{count, list};

/// Put log files into the lake that are not in yet.
#[derive(Debug, Clone, clap::Args)]
pub struct LakeUpdateArgs {
    #[command(flatten)]
    lake: LakeOption,
    /// Read the logs in this bucket or folder (can be repeated)
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(long, value_name = "PLACE")]
    place: Vec<String>,
    /// Put in log files that were made from this time on
    ///
    /// By default from a little before the last update on, and of a new lake from the beginning of the archive. A new
    /// lake begins with this day. A run with --to, --account or --region does not move the point from which the next
    /// one goes on.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Put in log files that were made up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Put in only log files of this account (can be repeated)
    #[arg(long, value_name = "ID")]
    account: Vec<AccountId>,
    /// Put in only log files of this region (can be repeated)
    #[arg(long, value_name = "REGION")]
    region: Vec<Region>,
    /// Do one part of several of the work, such as 1/4
    ///
    /// Each shard has slots of its own, so that several runs work on one lake without a coordinator: indexed jobs of
    /// Kubernetes, array jobs of AWS Batch.
    #[arg(long, value_name = "I/N", value_parser = str::parse::<Shard>)]
    shard: Option<Shard>,
    /// Cut a new lake by day or by hour [default: day]
    ///
    /// By the hour for organizations with more than about a gigabyte of compressed logs a day: an update writes the
    /// slots anew that it adds events to. A lake keeps the grain that it was made with.
    #[arg(long, value_name = "GRAIN", value_parser = str::parse::<Grain>)]
    grain: Option<Grain>,
    /// Cut each day or hour of a new lake into this many slots [default: 4]
    ///
    /// Accounts are spread over the slots. A lake keeps the number that it was made with, and at most this many runs
    /// or threads can work on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(SLOTS_MAX)))]
    slots: Option<u16>,
    /// Look again this long before the last update
    ///
    /// A log file may be delivered behind others that were made later: within hours as a rule, in 30 days at most.
    #[arg(long, value_name = "DURATION", default_value = "72h", value_parser = duration)]
    overlap: SignedDuration,
    /// Make anew what the lake lacks, or has cut off or altered
    ///
    /// For a lake of which slots or ledgers were deleted, cut off or altered, or older versions brought back: all log
    /// files are listed, every slot is read, and what is not as it should be is made anew from the log files.
    #[arg(long, conflicts_with_all = ["from", "to", "account", "region"])]
    repair: bool,
    /// Use about this much memory for records and slots
    ///
    /// More memory, fewer writes of the same slot. What was listed comes on top.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size, hide_short_help = true)]
    max_memory: u64,
}

// The help of --slots names it.
const _: () = assert!(SLOTS == 4);

/// Runs the command.
pub(super) async fn run(common: &Common, args: &LakeUpdateArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let mut around = LogsContext::of(common, ui);
    let logs = Box::pin(LogPlaces::read(common, &args.place, ui)).await?;
    if logs.places.is_empty() {
        return Err(LogsError::no_place());
    }
    let window = window(args)?;
    let place = place::must_be_apart(&args.lake.place(logs.lake.as_ref()), &logs.places)?;
    ui.must_be_writable()?;
    around.entry = logs.entry;
    let archive = Arc::new(lake_logs::archive(&logs.places, &args.account, &args.region, &around).await?);
    let organization = organization(logs.organization, &archive).await?;
    if (!args.account.is_empty() || !args.region.is_empty()) && !archive.has_logs().await {
        let whose: Vec<String> =
            args.account.iter().map(ToString::to_string).chain(args.region.iter().map(ToString::to_string)).collect();
        return Err(CliError::new(format!("there are no logs of {}", list(&whose)))
            .hint("name an account and a region that have logs; `orgtrail coverage` shows them"));
    }
    let config = if logs.lake.is_some() { common.configuration()? } else { None };
    let store = place.open_to_write(&around, args.region.first(), common, config.as_ref()).await?;
    let configured = logs.lake.as_ref().filter(|_| args.lake.lake.is_none());
    let grain = args.grain.or_else(|| configured.map(|lake| grain_of(lake.grain)));
    let slots = args.slots.or_else(|| configured.map(|lake| lake.slots));
    let asked = LakeAsked { organization, grain, slots };
    let identity = LakeIdentity::ensure(store.as_ref(), &asked).await.map_err(failed)?;
    let update = Update {
        archive,
        window,
        overlap: args.overlap,
        shard: args.shard,
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(usize::from(identity.slots)),
        memory_bytes: usize::try_from(args.max_memory).unwrap_or(usize::MAX),
        repairs: args.repair,
    };
    let phase = Phase::begin("update the lake");
    let last = Mutex::new(Step::default());
    let told = |step: Step| {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = step;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        ui.step("log objects", number(step.looked_at), number(step.listed));
    };
    let done = {
        let work = Box::pin(update.run(&store, &identity, around.now, &told));
        tokio::select! {
            done = work => Some(done.map_err(failed)?),
            () = signal::told_to_stop() => None,
        }
    };
    ui.end_progress();
    let is_stopped = done.is_none();
    let step = *last.lock().unwrap_or_else(PoisonError::into_inner);
    let updated = done.unwrap_or_else(|| Updated {
        listed: step.listed,
        added: step.added,
        added_bytes: step.added_bytes,
        records: step.records,
        slots_written: step.slots_written,
        slots_bytes: step.slots_bytes,
        ..Updated::default()
    });
    phase.end(format_args!("{} log objects added", updated.added));
    let report = LakeUpdate { lake: store.name(), identity, shard: args.shard, updated, is_stopped };
    let texts = ui.render(|format| text(&report, format, ui))?;
    let outcome = if report.is_whole() { Outcome::Clean } else { Outcome::Partial };
    Ok(CommandOutput::new(texts, outcome, summary(&report)))
}

/// Returns the grain that the configuration names.
pub(super) fn grain_of(grain: LakeGrain) -> Grain {
    match grain {
        LakeGrain::Day => Grain::Day,
        LakeGrain::Hour => Grain::Hour,
    }
}

fn window(args: &LakeUpdateArgs) -> Result<Window, CliError> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to <= from
    {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    let set = |all: Vec<String>| (!all.is_empty()).then(|| all.into_iter().collect());
    Ok(Window {
        from: args.from,
        to: args.to,
        accounts: set(args.account.iter().map(ToString::to_string).collect()),
        regions: set(args.region.iter().map(ToString::to_string).collect()),
    })
}

/// Returns the organization whose logs these are: the configuration's, else the one that the folders name. `None`: they
/// are logs of accounts by themselves.
pub(super) async fn organization(configured: Option<String>, archive: &Archive) -> Result<Option<String>, CliError> {
    let mut all = archive.organizations().await;
    all.extend(configured);
    if all.len() > 1 {
        let all: Vec<String> = all.into_iter().collect();
        return Err(CliError::new(format!("these are logs of several organizations: {}", list(&all)))
            .hint("one lake holds one organization: name the places of one with --place"));
    }
    Ok(all.into_iter().next())
}

fn text(report: &LakeUpdate, format: Format, ui: &Ui) -> Result<String, CliError> {
    match format {
        Format::Human => Ok(report.human(ui.width())),
        Format::Markdown => Ok(report.markdown()),
        Format::Json => json_text(&report.json()),
        other => Err(other.unknown_to("lake update")),
    }
}

fn summary(report: &LakeUpdate) -> Summary {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let updated = &report.updated;
    let (added, slots) = (number(updated.added), number(updated.slots_written));
    let summary = Summary::new("Lake update", &format!("{} added", count(added, "log object")))
        .also(&format!("{} written", count(slots, "slot")))
        .some(updated.missing.len(), "key", "unreadable")
        .some(updated.damaged.len(), "part", "of log objects damaged")
        .some(number(updated.beside_count), "name", "that CloudTrail does not use")
        .some(updated.failed.len(), "slot", "or ledger failed");
    if report.is_stopped { summary.also("Stopped before its end") } else { summary }
}
