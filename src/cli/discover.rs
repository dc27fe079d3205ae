//! `orgtrail discover`: shows the organization, which accounts are selected and why the others are not.

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::desire;
use crate::report::discover::{DiscoverJson, Discovery, tree};
use crate::report::text::json;
use crate::report::text::layout::Layout;
use crate::report::text::words::count;
use crate::survey::SurveyOptions;

/// Runs the command.
pub async fn run(common: &Common, ui: &Ui) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let options = SurveyOptions { unit_names: true, ..SurveyOptions::default() };
    let (organization, problems) = session.surveyor(ui).discover(&options).await?;
    ui.end_progress();
    let choices = desire::choices(&session.config, &organization);
    let unmatched = desire::unmatched(&session.config, &organization);
    let discovery =
        Discovery { organization: &organization, choices: &choices, unmatched: &unmatched, problems: &problems };
    let texts = ui.render(|format| match format {
        Format::Json => json::text(&DiscoverJson::from(discovery))
            .map_err(|error| CliError::new("cannot write the report").because(error)),
        Format::Human => Ok(tree(discovery, Layout { width: ui.width(), verbose: ui.is_verbose() })),
        other => Err(other.unknown_to("discover")),
    })?;
    let outcome = if problems.is_empty() { Outcome::Clean } else { Outcome::Partial };
    let selected = choices.values().filter(|choice| choice.chosen).count();
    let selected = format!("{selected} of {} selected", count(organization.accounts.len(), "account"));
    let summary = Summary::new("Discover", &selected).unreadable(&problems);
    Ok(CommandOutput::new(texts, outcome, summary))
}
