//! `orgtrail plan`: what would be changed. It cannot write.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session, report_templates};
use super::ui::Ui;
use super::validate::load;
use super::{Answer, Common, Format};
use crate::config::Config;
use crate::plan::{Plan, PlanOptions};
use crate::report::plan::drift_comparison::DriftJson;
use crate::report::plan::html;
use crate::report::plan::human;
use crate::report::plan::junit;
use crate::report::plan::markdown;
use crate::report::plan::sarif;
use crate::report::plan::subject::{Purpose, Subject};
use crate::report::text::json;
use crate::report::text::layout::Layout;
use crate::survey::SurveyOptions;

/// What `plan` and `apply` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Choices {
    /// Remove reader roles and member policies of ours that are no longer wanted, and whose time is over
    #[arg(long)]
    pub prune: bool,
    /// Delete an earlier trail of this deployment, named by its ARN, or by its name for all of this name; only after the
    /// trails that take over were seen to deliver. Or remove a statement of others from a policy, named as the plan that
    /// found harm in it says: ADDRESS#STATEMENT
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub destroy: Vec<String>,
    /// Give up a place of earlier logs, by the name of its bucket or the ARN of its key: members do not read there any more,
    /// and nothing watches it; nothing is deleted
    #[arg(long, value_name = "BUCKET", value_delimiter = ',')]
    pub give_up: Vec<String>,
    /// Go on although far fewer accounts are selected than have reader roles
    #[arg(long)]
    pub accept_fewer_accounts: bool,
    /// Take the statements of others out of the policies of bucket, key and topic where they let somebody read, change or
    /// decrypt what they should not; needs --allow destroys to be applied
    #[arg(long)]
    pub close: bool,
}

/// The arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    #[command(flatten)]
    choices: Choices,
    /// Also look for trails that the selected accounts have of their own, at one call more for each
    #[arg(long)]
    member_trails: bool,
    /// Show what --config changes against this other configuration: only the organization is read
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
pub async fn plan(common: &Common, args: &PlanArgs, ui: &Ui) -> Result<Answer, CliError> {
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
    let text = text(common, &Subject::new(&plan, &organization, Purpose::Plan), ui)?;
    Ok(Answer::new(text, outcome(&plan)))
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

/// Returns the report of a plan in the wanted form.
///
/// # Errors
/// A template that cannot be rendered, or a form that a plan has not.
pub fn text(common: &Common, subject: &Subject<'_>, ui: &Ui) -> Result<String, CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::new(format!("cannot write the report: {error}")).hint("mend the template, or leave --templates out")
    };
    let Subject { plan, organization, purpose, since: _, traces: _ } = *subject;
    match common.format() {
        Format::Human => Ok(human(subject, ui)),
        Format::Json => json::text(&DriftJson::from(subject)).map_err(|error| failed(&error)),
        Format::Markdown => markdown::plan(subject, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Html => html::plan(subject, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Sarif => Ok(sarif::plan(plan, organization, purpose, &common.config.display().to_string())),
        Format::Junit => Ok(junit::plan(plan, organization, purpose)),
        other => Err(other.unknown_to("a plan", "human, json, markdown, html, sarif and junit")),
    }
}

/// Returns the report of a plan for a person at this terminal.
pub fn human(subject: &Subject<'_>, ui: &Ui) -> String {
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
