//! `orgtrail plan`: what would be changed. It cannot write.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session, report_templates};
use super::ui::Ui;
use super::validate::load;
use super::{CommandOutput, Common, Format, summary};
use crate::config::Config;
use crate::plan::{Plan, PlanOptions};
use crate::report::plan::html;
use crate::report::plan::human;
use crate::report::plan::junit;
use crate::report::plan::markdown;
use crate::report::plan::sarif;
use crate::report::plan::subject::{Purpose, ReportSubject};
use crate::report::text::json;
use crate::report::text::layout::Layout;
use crate::survey::SurveyOptions;

/// What `plan` and `apply` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Choices {
    /// Delete reader roles and member policies that are no longer configured
    ///
    /// Only those past `readers.keep_days`.
    #[arg(long)]
    pub prune: bool,
    /// Delete a superseded trail, once its successors deliver (can be repeated)
    ///
    /// A trail of this deployment, by its ARN, or by its name for every trail of that name. Or remove a statement of
    /// others from a policy, named as the plan that found harm in it says: ADDRESS#STATEMENT.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub destroy: Vec<String>,
    /// Stop reading and watching a place of earlier logs (can be repeated)
    ///
    /// By the name of its bucket or the ARN of its key. Members can no longer read there; nothing is deleted.
    #[arg(long, value_name = "BUCKET", value_delimiter = ',', hide_short_help = true)]
    pub give_up: Vec<String>,
    /// Proceed even if far fewer accounts are selected than have reader roles
    #[arg(long, hide_short_help = true)]
    pub accept_fewer_accounts: bool,
    /// Remove statements of others that let outsiders read or change logs
    ///
    /// From the policies of bucket, key and topic, where they let a principal read, change or decrypt what it should
    /// not; to apply this needs --allow destroys.
    #[arg(long, hide_short_help = true)]
    pub close: bool,
}

/// The arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    choices: Choices,
    /// Look for the selected accounts' own trails too (one more call for each)
    #[arg(long)]
    member_trails: bool,
    /// Compare with this other configuration; only the organization is read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["member_trails", "prune", "destroy", "give_up", "accept_fewer_accounts", "close"])]
    against: Option<PathBuf>,
}

impl Choices {
    /// Returns them as the planner takes them.
    pub fn options(&self) -> PlanOptions {
        PlanOptions {
            prune: self.prune,
            accept_fewer_accounts: self.accept_fewer_accounts,
            close: self.close,
            today: self.prune.then(|| Timestamp::now().to_zoned(TimeZone::UTC).date()),
            give_up: self.give_up.iter().cloned().collect(),
            destroy: self.destroy.iter().cloned().collect(),
        }
    }
}

/// Runs `plan`.
pub async fn plan(common: &Common, args: &PlanArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let options =
        SurveyOptions { plan: args.choices.options(), member_trails: args.member_trails, ..SurveyOptions::default() };
    let other = args.against.as_deref().map(compared).transpose()?;
    let session = Session::open(common, Access::ReadOnly).await?;
    if let Some(other) = other.as_ref().filter(|other| other.deployment != session.config.deployment) {
        return Err(CliError::new(format!(
            "{} is the deployment {:?} and --against {:?}: nothing of one becomes the other",
            common.config.display(),
            session.config.deployment,
            other.deployment
        ))
        .hint("compare two configurations of one deployment"));
    }
    let surveyor = session.surveyor(ui);
    let (organization, plan) = match &other {
        Some(other) => surveyor.against(other, &options).await?,
        None => {
            let survey = surveyor.survey(&options).await?;
            (survey.organization, survey.plan)
        }
    };
    ui.end_progress();
    let subject = ReportSubject::new(&plan, &organization, Purpose::Plan);
    let texts = ui.render(|format| text(format, common, &subject, ui))?;
    Ok(CommandOutput::new(texts, outcome(&plan), summary::plan("Plan", &plan)))
}

/// Reads the configuration that is compared with.
fn compared(path: &Path) -> Result<Config, CliError> {
    if !path.exists() {
        return Err(CliError::new(format!("there is no file {}", path.display())).hint(
            "name with --against the configuration as it was, such as `git show main:orgtrail.yaml > before.yaml`",
        ));
    }
    Ok(load(path)?)
}

/// Returns the report of a plan in one format.
///
/// # Errors
/// A template that cannot be rendered, or a format that a plan does not have.
pub fn text(format: Format, common: &Common, subject: &ReportSubject<'_>, ui: &Ui) -> Result<String, CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::new(format!("cannot write the report: {error}")).hint(
            "correct the template, or leave --templates \
        out",
        )
    };
    let ReportSubject { plan, organization, purpose, since: _, traces: _, unsent: _ } = *subject;
    match format {
        Format::Human => Ok(human(subject, ui)),
        Format::Json => json::text(&subject.record()).map_err(|error| failed(&error)),
        Format::Markdown => markdown::plan(subject, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Html => html::plan(subject, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Sarif => Ok(sarif::plan(plan, organization, purpose, &common.config.display().to_string())),
        Format::Junit => Ok(junit::plan(plan, organization, purpose)),
        other => Err(other.unknown_to("plan")),
    }
}

/// Returns the report of a plan for a person at this terminal.
pub fn human(subject: &ReportSubject<'_>, ui: &Ui) -> String {
    human::plan(subject, Layout { width: ui.width(), verbose: ui.is_verbose() })
}

/// How a plan ends the process: pending changes and violated invariants are a finding, also where something
/// could not be read.
pub fn outcome(plan: &Plan) -> Outcome {
    if plan.has_findings() {
        Outcome::Finding
    } else if plan.is_partial() {
        Outcome::Partial
    } else {
        Outcome::Clean
    }
}
