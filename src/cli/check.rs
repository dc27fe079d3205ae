//! `orgtrail check`: the controls of security standards about trails, answered once for owner and members, and about
//! AWS Config, answered for each account. Never writes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session, report_templates};
use super::ui::Ui;
use super::{CommandOutput, Common, Format, summary};
use crate::audit::{self, Audit, AuditInput, Standard};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::organization::select::chosen;
use crate::recorders::{AccountRecorders, Recorders};
use crate::report::audit::findings::{self, Stamp};
use crate::report::audit::{AuditJson, html, human, markdown};
use crate::report::text::json;
use crate::report::text::layout::Layout;
use crate::survey::{RecorderSurvey, Survey, SurveyOptions, monitoring};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Check only cis-3.0, cis-5.0, security-hub or prowler (can be repeated)
    #[arg(long, value_name = "STANDARD", value_delimiter = ',', value_parser = standard)]
    standard: Vec<Standard>,
    /// Look at the selected accounts' own trails too (one more call for each)
    ///
    /// This is needed where there is no organization trail.
    #[arg(long)]
    member_trails: bool,
    /// Look at AWS Config too, in every enabled region of the selected accounts
    ///
    /// This takes one call for a region without a recorder, four for one with it, and one for each account.
    #[arg(long = "aws-config")]
    recorders: bool,
}

fn standard(text: &str) -> Result<Standard, String> {
    let all = Standard::ALL.map(Standard::as_str).join(", ");
    Standard::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| format!("the standards are {all}"))
}

/// Runs the command.
pub async fn run(common: &Common, args: &CheckArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let options = SurveyOptions { member_trails: args.member_trails, ..SurveyOptions::default() };
    let survey = session.surveyor(ui).survey(&options).await?;
    let monitoring = monitoring(session.cloud.as_ref(), &survey.observed).await;
    let recorders = recorders(&session, &survey, args, usize::from(common.concurrency), ui).await;
    ui.end_progress();
    let standards = if args.standard.is_empty() { Standard::ALL.to_vec() } else { args.standard.clone() };
    let Survey { organization, observed, plan, .. } = &survey;
    let ground = AuditInput { organization, estate: observed, plan, monitoring: &monitoring, recorders: &recorders };
    let audit = audit::audit(ground, &standards);
    let stamp = Stamp { time: Timestamp::now(), home_region: &session.config.home_region };
    let texts = ui.render(|format| text(format, common, &audit, &survey.organization, stamp, ui))?;
    Ok(CommandOutput::new(texts, outcome(&audit), summary::check(&audit)))
}

/// Looks at AWS Config where that was asked for: in the management account, the log account, and each account in use
/// that the configuration selects.
async fn recorders(session: &Session, survey: &Survey, args: &CheckArgs, at_once: usize, ui: &Ui) -> Recorders {
    if !args.recorders {
        return Recorders::NotAsked;
    }
    let Survey { organization, choices, desired, .. } = survey;
    let own = [organization.management_account.clone(), desired.log_account.clone()];
    let selected: BTreeSet<AccountId> = chosen(choices).cloned().chain(own).collect();
    let in_use = organization.accounts.iter().filter(|(_, account)| account.state.is_active());
    let (asked, left): (Vec<AccountId>, Vec<AccountId>) =
        in_use.map(|(id, _)| id.clone()).partition(|id| selected.contains(id));
    let look = session.cloud.as_ref();
    let known = RecorderSurvey { look, at_once, region: None, progress: ui };
    let mut known = known.recorders(asked.into_iter().map(|id| (id, None))).await;
    if let Recorders::Known(accounts) = &mut known {
        accounts.extend(left.into_iter().map(|id| (id, AccountRecorders::NotSelected)));
    }
    known
}

fn text(
    format: Format,
    common: &Common,
    audit: &Audit,
    organization: &Organization,
    stamp: Stamp<'_>,
    ui: &Ui,
) -> Result<String, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(format!("cannot write the report: {error}"));
    match format {
        Format::Human => Ok(human(audit, organization, Layout { width: ui.width(), verbose: ui.is_verbose() })),
        Format::Json => json::text(&AuditJson::from(audit)).map_err(|error| failed(&error)),
        Format::Markdown => markdown(audit, organization, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Html => html(audit, organization, &report_templates(common)?).map_err(|error| failed(&error)),
        Format::Ocsf => json::text(&findings::ocsf(audit, organization, stamp)).map_err(|error| failed(&error)),
        Format::Asff => json::text(&findings::asff(audit, organization, stamp)).map_err(|error| failed(&error)),
        other => Err(other.unknown_to("check")),
    }
}

fn outcome(audit: &Audit) -> Outcome {
    if audit.has_failed() {
        Outcome::Finding
    } else if audit.is_partial() {
        Outcome::Partial
    } else {
        Outcome::Clean
    }
}
