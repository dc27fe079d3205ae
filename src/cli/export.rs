//! `orgtrail export`: writes a deployment in the language of another tool, for teams that leave. Never writes to AWS.

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common};
use crate::export::{self, Export};
use crate::survey::SurveyOptions;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// Write Terraform: import blocks and resources
    #[arg(long, required = true)]
    terraform: bool,
}

/// Runs the command. There is one form yet, which the flag names so that another one can join it.
pub async fn run(
    common: &Common,
    ExportArgs { terraform: _ }: &ExportArgs,
    ui: &Ui,
) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let survey = session.surveyor(ui).survey(&SurveyOptions::default()).await?;
    ui.end_progress();
    let exported = export::terraform(Export {
        desired: &survey.desired,
        estate: &survey.observed,
        management_account: &survey.organization.management_account,
        member_role: &session.config.organization.member_role,
        home_region: &session.config.home_region,
    });
    let exported = exported.map_err(|error| CliError::new("cannot write the export").because(error))?;
    for line in &exported.left_out {
        ui.note(&format!("not exported: {line}"));
    }
    let outcome = if survey.plan.problems.is_empty() { Outcome::Clean } else { Outcome::Partial };
    let summary = Summary::new("Export", "Terraform")
        .some(exported.left_out.len(), "resource", "not exported")
        .unreadable(&survey.plan.problems);
    Ok(CommandOutput::one(exported.text, outcome, summary))
}
