//! `orgtrail lake status`: what is in the lake.

use super::{LakeOption, failed, place};
use crate::cli::failure::CliError;
use crate::cli::logs::LogsContext;
use crate::cli::logs::archive::LogPlaces;
use crate::cli::outcome::Outcome;
use crate::cli::output::json_text;
use crate::cli::summary::Summary;
use crate::cli::ui::Ui;
use crate::cli::{CommandOutput, Common, Format};
use crate::config::schema::LakeBucket;
use crate::lake::status::LakeStatus;
use crate::report::lake::status::LakeStatusReport;
use crate::report::text::words::count;

/// Show what is in the lake, and what is missing.
#[derive(Debug, Clone, clap::Args)]
pub struct LakeStatusArgs {
    #[command(flatten)]
    lake: LakeOption,
    /// Show each day, not each month
    #[arg(long)]
    days: bool,
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &LakeStatusArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let mut around = LogsContext::of(common, ui);
    let configured = common.configuration()?.and_then(|config| config.lake);
    let place = place::must_be_apart(&args.lake.place(configured.as_ref()), &[])?;
    if configured.is_some_and(|lake| lake.bucket == LakeBucket::Managed && place.is_at(&lake.place)) {
        around.entry = Box::pin(LogPlaces::read(common, &[], ui)).await?.entry;
    }
    let store = place.open(&around, None).await?;
    let status = LakeStatus::read(&store).await.map_err(failed)?;
    let report = LakeStatusReport { lake: store.name(), status, by_day: args.days };
    let texts = ui.render(|format| text(&report, format, ui))?;
    let outcome = if report.status.is_whole() { Outcome::Clean } else { Outcome::Partial };
    Ok(CommandOutput::new(texts, outcome, summary(&report)))
}

fn text(report: &LakeStatusReport, format: Format, ui: &Ui) -> Result<String, CliError> {
    match format {
        Format::Human => Ok(report.human(ui.width())),
        Format::Markdown => Ok(report.markdown()),
        Format::Csv => Ok(report.csv()),
        Format::Json => json_text(&report.json()),
        other => Err(other.unknown_to("lake status")),
    }
}

fn summary(report: &LakeStatusReport) -> Summary {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (status, total) = (&report.status, report.status.total());
    let missing = status.missing_count();
    let never = status.shares.iter().filter(|share| share.progress.is_none()).count();
    Summary::new("Lake status", &format!("{} in", count(number(total.events), "event")))
        .also(&count(number(total.slots), "slot"))
        .some(never, "share", "never updated as a whole")
        .some(number(missing), "key", "missing")
        .some(number(status.damaged_count), "part", "of log objects damaged")
        .some(status.unreadable.len(), "file", "of the lake unreadable")
        .some(number(status.foreign_count), "file", "not of the lake")
}
