//! `orgtrail apply`: makes the changes of a plan, after consent.

use std::convert::Infallible;
use std::path::PathBuf;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::failure::CliError;
use super::outcome::Outcome;
use super::plan::{self, Choices};
use super::record::ApplyRecord;
use super::saved::Saved;
use super::session::{Access, Session, report_templates};
use super::signal::told_to_stop_or_left_alone;
use super::ui::Ui;
use super::{CommandOutput, Common, Format, summary};
use crate::apply::{self, Adopt, ApplyReport, Consent, Gate, RunOptions};
use crate::estate::{Address, Kind, Problem};
use crate::plan::adoption::TAKEN_AWAY;
use crate::plan::{Plan, Risk};
use crate::report::apply::human;
use crate::report::apply::markdown;
use crate::report::apply::model;
use crate::report::plan::subject::{Purpose, ReportSubject};
use crate::report::text::escape;
use crate::report::text::json;
use crate::report::text::layout::Layout;
use crate::report::text::words;
use crate::survey::{Survey, SurveyOptions};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// Apply this saved plan (plan.json); refused where AWS changed since
    #[arg(value_name = "PLAN", conflicts_with_all = ["prune", "accept_fewer_accounts", "destroy", "close", "give_up"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    choices: Choices,
    /// Apply without prompting for confirmation
    #[arg(long)]
    yes: bool,
    /// Take over existing resources: at an address, or all (can be repeated)
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "all", value_parser = taken)]
    adopt: Vec<Taken>,
    /// Allow a risk: weakens, interrupts, destroys, costs (can be repeated)
    #[arg(long, value_name = "RISK", value_delimiter = ',', value_parser = risk)]
    allow: Vec<Risk>,
    /// Append what this run does to this file, as JSON Lines
    ///
    /// Before each removal what is removed, and at the end how each change ended.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// One word of `--adopt`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    All,
    At(Address),
}

fn taken(text: &str) -> Result<Taken, String> {
    if text == "all" {
        return Ok(Taken::All);
    }
    let hint = "write an address as `plan` shows it, or none for all; a saved plan stands before --adopt";
    text.parse().map(Taken::At).map_err(|error| format!("{error}; {hint}"))
}

fn adopt(words: &[Taken]) -> Adopt {
    let at = |word: &Taken| match word {
        Taken::At(address) => Some(address.clone()),
        Taken::All => None,
    };
    match words {
        [] => Adopt::Nothing,
        words => words.iter().map(at).collect::<Option<_>>().map_or(Adopt::All, Adopt::Only),
    }
}

/// What is taken away from others is said also to somebody who does not look at the plan.
fn say_what_ends(plan: &Plan, ui: &Ui) {
    for finding in plan.findings.iter().filter(|finding| finding.code == TAKEN_AWAY) {
        ui.note(&escape::terminal(&format!("{}: {}", finding.address, finding.message)));
    }
}

fn risk(text: &str) -> Result<Risk, String> {
    // What is safe needs nobody's word.
    let named = Risk::ALL.into_iter().filter(|risk| *risk != Risk::Safe);
    let all: Vec<&str> = named.clone().map(Risk::as_str).collect();
    named.clone().find(|risk| risk.as_str() == text).ok_or_else(|| format!("the risks are {}", all.join(", ")))
}

/// Runs the command.
pub async fn run(common: &Common, args: &ApplyArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    refuse_unreportable(ui)?;
    let saved = args.plan.as_deref().map(Saved::read).transpose()?;
    let plan_options = saved.as_ref().map_or_else(|| args.choices.options(), |saved| saved.options().clone());
    let session = Session::open(common, Access::Write).await?;
    let options = SurveyOptions { plan: plan_options, ..SurveyOptions::default() };
    let mut survey = session.surveyor(ui).survey(&options).await?;
    ui.end_progress();
    if let Some(saved) = &saved {
        saved.must_be(&survey.plan)?;
    }
    refuse_blocked(&survey.plan)?;
    let consent = Consent { risks: args.allow.iter().copied().collect(), adopt: adopt(&args.adopt) };
    if let Some(address) = consent.adopt.not_adopted(&survey.plan).next() {
        return Err(CliError::new(format!("nothing is adopted at {address}"))
            .hint("`orgtrail plan` shows resources of others as `adopt`, with their addresses"));
    }
    say_what_ends(&survey.plan, ui);
    refuse_not_allowed(&consent, &survey, ui)?;
    if survey.plan.changes.is_empty() {
        let texts = ui.render(|format| plan::text(format, common, &subject(&survey), ui))?;
        return Ok(CommandOutput::new(texts, plan::outcome(&survey.plan), summary::plan("Apply", &survey.plan)));
    }
    if !args.yes {
        ask(&survey, ui)?;
    }
    consent.leave_out(&mut survey.plan);
    let began = Timestamp::now();
    let record = args.record.as_deref().map(|path| ApplyRecord::open(path, &survey.plan, began)).transpose()?;
    let gate: &dyn Gate = record.as_ref().map_or(&apply::gate::Open, |record| record);
    let run = RunOptions { concurrency: usize::from(common.concurrency), gate, began };
    let stop = CancellationToken::new();
    let report = tokio::select! {
        biased;
        never = cancel_at_signal(&stop, ui) => match never {},
        report = Box::pin(apply::run(&survey.plan, session.cloud.as_ref(), ui, run, &stop)) => report,
    };
    ui.end_progress();
    let recorded = record.map_or(Ok(()), |record| record.end(&report));
    if report.retired().any(|outcome| outcome.address.kind == Kind::Trail) {
        ui.note("the bucket, key and topic policies still allow the deleted trail; the next plan removes it");
    }
    let texts = ui.render(|format| text(format, common, &report, &survey, ui)).or_else(|failure| {
        // What was done must be read, whatever is wrong with a template.
        let or_words =
            |format| text(format, common, &report, &survey, ui).or_else(|_| Ok(in_words(&report, &survey, ui)));
        ui.print(&ui.render(or_words)?)?;
        Err(failure.hint("the changes are made, and the report is in plain words instead; correct the template"))
    })?;
    if let Err(failure) = recorded {
        ui.print(&texts)?;
        return Err(failure);
    }
    let summary = summary::apply(&report, &survey.plan);
    Ok(CommandOutput::new(texts, ended(&report, &survey.plan, ui), summary))
}

/// How a run ends the process: a failing delivery, and who reads what they should not, is a finding, also after
/// everything was made; what is not proved is never taken for right.
fn ended(report: &ApplyReport, plan: &Plan, ui: &Ui) -> Outcome {
    if !plan.violations.is_empty() {
        ui.note("not isolated: a principal reads, writes or assumes what it should not; `orgtrail access` names it");
        return Outcome::Finding;
    }
    if report.findings.iter().any(|finding| finding.harm.does_harm()) {
        return Outcome::Finding;
    }
    if !plan.unproven.is_empty() {
        ui.note("not proved: who reads whose logs is not fully known; `orgtrail access` says what is missing");
        return Outcome::Partial;
    }
    if report.is_complete() { Outcome::Clean } else { Outcome::Partial }
}

fn subject(survey: &Survey) -> ReportSubject<'_> {
    ReportSubject::new(&survey.plan, &survey.organization, Purpose::Plan)
}

/// Shows the plan and asks for consent.
fn ask(survey: &Survey, ui: &Ui) -> Result<(), CliError> {
    ui.note(&plan::human(&subject(survey), ui));
    let count = words::count(survey.plan.changes.len(), "change");
    if ui.confirm(&format!("Make {count} in organization {}?", survey.plan.organization), "--yes")? {
        Ok(())
    } else {
        Err(CliError::new("not confirmed, nothing was changed"))
    }
}

/// Cancels the run at the first signal to stop; further ones do no harm.
async fn cancel_at_signal(stop: &CancellationToken, ui: &Ui) -> Infallible {
    told_to_stop_or_left_alone().await;
    ui.note("stopping: changes in progress will finish, the rest are left for the next run");
    stop.cancel();
    std::future::pending().await
}

fn text(format: Format, common: &Common, report: &ApplyReport, survey: &Survey, ui: &Ui) -> Result<String, CliError> {
    let failed = |error: &dyn std::error::Error| CliError::new(format!("cannot write the report: {error}"));
    let organization = &survey.organization;
    match format {
        Format::Human => Ok(in_words(report, survey, ui)),
        Format::Json => json::text(&model::ApplyJson::from(report)).map_err(|error| failed(&error)),
        Format::Markdown => {
            let templates = report_templates(common)?;
            markdown::apply(report, organization, &templates).map_err(|error| failed(&error))
        }
        other => Err(other.unknown_to("apply")),
    }
}

fn in_words(report: &ApplyReport, survey: &Survey, ui: &Ui) -> String {
    human::apply(report, &survey.organization, Layout { width: ui.width(), verbose: ui.is_verbose() })
}

/// Stops before the first call where the report could not be given afterwards.
fn refuse_unreportable(ui: &Ui) -> Result<(), CliError> {
    ui.must_be_writable()
}

/// Stops before the first call where the plan as a whole may be wrong. What stands against one resource or account is
/// left out, and told at the end.
fn refuse_blocked(plan: &Plan) -> Result<(), CliError> {
    // Where nothing is left that could be made, it is as if all of it were blocked.
    let all = !plan.changes.is_empty() && plan.changes.iter().all(|change| plan.stands_against(change).is_some());
    let blockers: Vec<&Problem> = if all { plan.blockers.iter().collect() } else { plan.blocks_all().collect() };
    let Some(first) = blockers.first() else {
        return Ok(());
    };
    let mut failure = CliError::new("the plan cannot be applied; nothing was changed");
    let line = |p: &Problem| format!("{} in {}: {}", p.code, p.account, p.message);
    failure.causes.extend(blockers.iter().copied().map(line));
    Err(failure.hint(first.help.clone()))
}

/// Stops before the first call where a risk was not allowed, and names the flag.
fn refuse_not_allowed(consent: &Consent, survey: &Survey, ui: &Ui) -> Result<(), CliError> {
    let missing = consent.missing(&survey.plan);
    if missing.is_empty() {
        return Ok(());
    }
    if ui.outputs().has(Format::Human) {
        ui.note(&plan::human(&subject(survey), ui));
    }
    let mut failure = CliError::new("the plan contains risks that were not allowed; nothing was changed");
    for need in &missing {
        let addresses: Vec<String> = need.changes.iter().map(ToString::to_string).collect();
        failure.causes.push(format!("{} is needed for {}", need.flag, words::some(&addresses, 3)));
    }
    let flags: Vec<&str> = missing.iter().map(|need| need.flag.as_str()).collect();
    Err(failure.hint(format!("read these changes in the plan, then run again with {}", flags.join(" "))))
}
