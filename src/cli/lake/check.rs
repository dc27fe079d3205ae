//! `orgtrail lake check`: the lake against the log files.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{LakeOption, failed, logs as lake_logs, place};
use crate::archive::window::day_of;
use crate::cli::failure::CliError;
use crate::cli::logs::archive::LogPlaces;
use crate::cli::logs::{LogsContext, LogsError, time};
use crate::cli::outcome::Outcome;
use crate::cli::output::json_text;
use crate::cli::size::size;
use crate::cli::summary::Summary;
use crate::cli::ui::Ui;
use crate::cli::{CommandOutput, Common, Format, signal};
use crate::cloud::Progress;
use crate::ids::AccountId;
use crate::lake::check::{Check, LakeCheck};
use crate::lake::identity::LakeIdentity;
use crate::lake::reading::Lake;
use crate::report::lake::check::LakeCheckReport;
use crate::report::text::words::count;

/// Compare the lake with the log files that it was made of.
#[derive(Debug, Clone, clap::Args)]
pub struct LakeCheckArgs {
    #[command(flatten)]
    lake: LakeOption,
    /// Read the logs in this bucket or folder (can be repeated)
    ///
    /// s3://BUCKET/PREFIX, or a path. [default: the bucket of the configuration and the places of its `earlier`]
    #[arg(long, value_name = "PLACE")]
    place: Vec<String>,
    /// Check events from the day of this time on
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Check events up to the day of this time [default: today]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Check the events of the last days [default: 7]
    ///
    /// The answer says which days of the lake were not looked at.
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// Check only events of this account (can be repeated)
    #[arg(long, value_name = "ID")]
    account: Vec<AccountId>,
    /// Use at most this much memory to remember events
    ///
    /// A slot with more of them is checked in parts, for each of which its log files are read again.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size, hide_short_help = true)]
    max_memory: u64,
}

/// The end of a slot is the beginning of the next one.
const MOMENT: SignedDuration = SignedDuration::from_nanos(1);
/// How many days are checked unless the user says otherwise.
const DAYS: u32 = 7;

/// Runs the command.
pub(super) async fn run(common: &Common, args: &LakeCheckArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let mut around = LogsContext::of(common, ui);
    let logs = Box::pin(LogPlaces::read(common, &args.place, ui)).await?;
    if logs.places.is_empty() {
        return Err(LogsError::no_place());
    }
    let days = days(args, around.now)?;
    let place = place::must_be_apart(&args.lake.place(logs.lake.as_ref()), &logs.places)?;
    ui.must_be_writable()?;
    around.entry = logs.entry;
    let store = place.open(&around, None).await?;
    let identity = LakeIdentity::read(store.as_ref()).await.map_err(failed)?;
    // That days are not looked at is said; that it cannot be known which is no reason not to look at the others.
    let reach = Lake::new(Arc::clone(&store), identity.clone()).reach().await.ok().flatten();
    let reach = reach.map(|(begin, end)| (day_of(begin), day_of(end.checked_sub(MOMENT).unwrap_or(end))));
    let archive = Arc::new(lake_logs::archive(&logs.places, &args.account, &[], &around).await?);
    let named: Vec<String> = args.account.iter().map(ToString::to_string).collect();
    let accounts = (!named.is_empty()).then(|| named.iter().cloned().collect());
    let check = Check { archive, days, accounts, memory_bytes: args.max_memory.max(1) };
    let last = Mutex::new(LakeCheck::default());
    let told = |done: u64, total: u64, checked: &LakeCheck| {
        last.lock().unwrap_or_else(PoisonError::into_inner).clone_from(checked);
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        ui.step("files of the lake", number(done), number(total));
    };
    let done = {
        let work = Box::pin(check.run(&store, &identity, &told));
        tokio::select! {
            done = work => Some(done.map_err(failed)?),
            () = signal::told_to_stop() => None,
        }
    };
    ui.end_progress();
    let is_stopped = done.is_none();
    let checked = done.unwrap_or_else(|| last.into_inner().unwrap_or_else(PoisonError::into_inner));
    let report = LakeCheckReport { lake: store.name(), days, reach, accounts: named, checked, is_stopped };
    let texts = ui.render(|format| text(&report, format, ui))?;
    let outcome = match (report.checked.difference_count, report.is_whole()) {
        (0, true) => Outcome::Clean,
        (0, false) => Outcome::Partial,
        _ => Outcome::Finding,
    };
    Ok(CommandOutput::new(texts, outcome, summary(&report)))
}

fn days(args: &LakeCheckArgs, now: Timestamp) -> Result<(Date, Date), CliError> {
    let to = args.to.unwrap_or(now);
    let back = SignedDuration::from_hours(24 * i64::from(args.days.unwrap_or(DAYS).saturating_sub(1)));
    let from = args.from.unwrap_or_else(|| to.checked_sub(back).unwrap_or(Timestamp::MIN));
    if to < from {
        return Err(LogsError::EmptyRange { from, to }.into());
    }
    Ok((day_of(from), day_of(to)))
}

fn text(report: &LakeCheckReport, format: Format, ui: &Ui) -> Result<String, CliError> {
    match format {
        Format::Human => Ok(report.human(ui.width())),
        Format::Markdown => Ok(report.markdown()),
        Format::Json => json_text(&report.json()),
        other => Err(other.unknown_to("lake check")),
    }
}

fn summary(report: &LakeCheckReport) -> Summary {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let checked = &report.checked;
    let summary = Summary::new("Lake check", &format!("{} compared", count(number(checked.slots), "slot")))
        .some(number(checked.difference_count), "difference", "")
        .some(number(checked.unchecked_count), "part", "unchecked")
        .some(number(checked.waiting), "log object", "not in yet")
        .some(number(checked.foreign_count), "file", "not of the lake");
    let summary = match report.left_out() {
        Some(left_out) => summary.also(&format!("Not looked at: {left_out}")),
        None => summary,
    };
    if report.is_stopped { summary.also("Stopped before its end") } else { summary }
}
