//! `orgtrail lake`: the events as Parquet, in slots.

mod check;
mod ddl;
mod held;
mod keeper;
mod logs;
mod place;
pub(super) mod seal;
mod status;
mod update;

use std::path::{Path, PathBuf};

use super::failure::CliError;
use super::logs::LogsContext;
use super::ui::Ui;
use super::{CommandOutput, Common, examples};
use crate::config::schema::LakeConfig;
use crate::lake::identity::LakeError;
use crate::lake::reading::Lake;

pub(super) use keeper::LakeKeeper;

/// Where a lake lies unless the user says otherwise: beside the project.
pub(super) const LAKE: &str = "orgtrail-lake";

/// Keep the events of the archive as Parquet.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct LakeArgs {
    #[command(subcommand)]
    command: LakeCommand,
}

#[derive(Debug, clap::Subcommand)]
enum LakeCommand {
    /// Put log files into the lake that are not in yet
    #[command(after_help = examples::LAKE_UPDATE)]
    Update(Box<update::LakeUpdateArgs>),
    /// Show what is in the lake, and what is missing
    #[command(after_help = examples::LAKE_STATUS)]
    Status(status::LakeStatusArgs),
    /// Print statements that make the lake a table of another engine
    #[command(after_help = examples::LAKE_DDL)]
    Ddl(Box<ddl::LakeDdlArgs>),
    /// Compare the lake with the log files that it was made of
    #[command(after_help = examples::LAKE_CHECK)]
    Check(Box<check::LakeCheckArgs>),
}

/// The lake of a command.
#[derive(Debug, Clone, clap::Args)]
struct LakeOption {
    /// Use the lake in this bucket or folder
    ///
    /// s3://BUCKET/PREFIX, or a path. The lake of the configuration is reached with the member role of the log account
    /// where orgtrail keeps its bucket, any other bucket with the credentials that orgtrail is started with. [default:
    /// `lake.place` of the configuration, else the folder orgtrail-lake] [env: ORGTRAIL_LAKE]
    #[arg(long, value_name = "PLACE", env = "ORGTRAIL_LAKE", hide_env = true)]
    lake: Option<PathBuf>,
}

impl LakeOption {
    /// Returns the place that was named, else that of the configuration, else a folder beside the project.
    fn place(&self, configured: Option<&LakeConfig>) -> PathBuf {
        let own = || configured.map(|lake| PathBuf::from(lake.place.to_string()));
        self.lake.clone().or_else(own).unwrap_or_else(|| LAKE.into())
    }
}

/// Opens a lake that is asked. `None`: there is none yet, and only the configuration names it.
///
/// # Errors
/// Where it lies among the logs, cannot be reached, or is none that this program knows.
pub(super) async fn open_to_ask(
    named: Option<&Path>,
    configured: Option<&LakeConfig>,
    logs: &[String],
    around: &LogsContext,
    ui: &Ui,
) -> Result<Option<Lake>, CliError> {
    let is_named = named.is_some();
    let Some(place) = named.map(Path::to_owned).or_else(|| configured.map(|lake| lake.place.to_string().into())) else {
        return Ok(None);
    };
    let store = place::must_be_apart(&place, logs)?.open(around, None).await?;
    match Lake::open(store).await {
        Ok(lake) => Ok(Some(lake)),
        Err(LakeError::Absent(place)) if !is_named => {
            ui.note(&format!("the lake {place} of the configuration is not there yet: the log files are read"));
            Ok(None)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Opens the lake of a place.
///
/// # Errors
/// Where it lies among the logs, cannot be reached, is not there, or is none that this program knows.
pub(super) async fn open_at(place: &Path, around: &LogsContext) -> Result<Lake, CliError> {
    let store = place::must_be_apart(place, &[])?.open(around, None).await?;
    Lake::open(store).await.map_err(failed)
}

/// Runs the command.
pub(super) async fn run(common: &Common, args: &LakeArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    match &args.command {
        LakeCommand::Update(args) => Box::pin(update::run(common, args, ui)).await,
        LakeCommand::Status(args) => Box::pin(status::run(common, args, ui)).await,
        LakeCommand::Ddl(args) => Box::pin(ddl::run(common, args, ui)).await,
        LakeCommand::Check(args) => Box::pin(check::run(common, args, ui)).await,
    }
}

/// Says why a lake cannot be used.
fn failed(error: LakeError) -> CliError {
    if let LakeError::Fault { place, source } = &error {
        return CliError::new(format!("cannot read or write {place}")).because(source.clone()).hint(&*source.help);
    }
    CliError::new(error.to_string()).hint(error.help().unwrap_or_default())
}
