//! `orgtrail snapshot`: records what AWS has in a file that every command can work on.

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common};
use crate::estate::snapshot::Snapshot;
use crate::report::text::escape;
use crate::report::text::words::count;
use crate::survey::SurveyOptions;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct SnapshotArgs {
    /// Record the selected accounts' own trails too (one more call for each)
    #[arg(long)]
    pub member_trails: bool,
    /// Record the e-mail addresses of the accounts' root users too
    #[arg(long)]
    pub emails: bool,
}

/// Runs the command.
pub async fn run(common: &Common, args: &SnapshotArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let options = SurveyOptions { unit_names: true, member_trails: args.member_trails, ..SurveyOptions::default() };
    let survey = session.surveyor(ui).survey(&options).await?;
    ui.end_progress();
    let partial = !survey.plan.problems.is_empty();
    let accounts = count(survey.organization.accounts.len(), "account");
    let summary = Summary::new("Snapshot", &accounts).unreadable(&survey.plan.problems);
    let mut text = Vec::new();
    let mut organization = survey.organization;
    if !args.emails {
        // Nothing that is done with a snapshot needs them, and it is passed around.
        organization.accounts.values_mut().for_each(|account| account.email.clear());
    }
    let snapshot = Snapshot::new(organization, survey.observed);
    snapshot.write(&mut text).map_err(|error| CliError::new("cannot write the snapshot").because(error))?;
    if partial {
        ui.note("some accounts could not be read; the snapshot says which");
    }
    let text = String::from_utf8_lossy(&text);
    Ok(CommandOutput::one(escape::json(&text), if partial { Outcome::Partial } else { Outcome::Clean }, summary))
}
