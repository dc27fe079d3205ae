//! `orgtrail apply`: makes the changes of a plan, after consent.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::failure::Failure;
use super::outcome::Outcome;
use super::plan::{self, Choices};
use super::saved::Saved;
use super::session::{Access, Session, report_templates};
use super::ui::Ui;
use super::{Answer, Common, Format};
use crate::apply::{self, ApplyReport, Consent, RunOptions};
use crate::estate::{Kind, Problem};
use crate::plan::{Plan, Risk};
use crate::report::human::Layout;
use crate::report::subject::{Purpose, Subject};
use crate::report::{escape, human, markdown, model, run_model, words};
use crate::survey::{Survey, SurveyOptions};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A plan that was written with `plan --output plan.json`; refused when what it stands on has changed since
    #[arg(value_name = "PLAN", conflicts_with_all = ["prune", "accept_fewer_accounts", "destroy"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    choices: Choices,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Take over resources of the wanted names that somebody else made
    #[arg(long)]
    adopt: bool,
    /// Allow a risk: weakens, interrupts, destroys or costs
    #[arg(long, value_name = "RISK", value_delimiter = ',', value_parser = risk)]
    allow: Vec<Risk>,
    /// Append what this run does to a file: one JSON line a change, with what was there where something was removed
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn risk(text: &str) -> Result<Risk, String> {
    let all = Risk::ALL.map(Risk::as_str).join(", ");
    Risk::ALL.into_iter().find(|risk| risk.as_str() == text).ok_or_else(|| format!("the risks are {all}"))
}

/// Runs the command.
pub async fn run(common: &Common, args: &Args, ui: &Ui) -> Result<Answer, Failure> {
    refuse_unreportable(common, args, ui)?;
    let saved = args.plan.as_deref().map(Saved::read).transpose()?;
    let plan_options = saved.as_ref().map_or_else(|| args.choices.options(), |saved| saved.options().clone());
    let session = Session::open(common, Access::Write).await?;
    let options = SurveyOptions { plan: plan_options, ..SurveyOptions::default() };
    let survey = session.surveyor(ui).survey(&options).await?;
    ui.end_progress();
    if let Some(saved) = &saved {
        saved.must_be(&survey.plan)?;
    }
    refuse_blocked(&survey.plan)?;
    let consent = Consent { risks: args.allow.iter().copied().collect(), adopt: args.adopt };
    refuse_not_allowed(&consent, &survey, common, ui)?;
    if survey.plan.changes.is_empty() {
        let text = plan::text(common, &subject(&survey), ui)?;
        return Ok(Answer::new(text, plan::outcome(&survey.plan)));
    }
    if !args.yes {
        ask(&survey, ui)?;
    }
    let record = args.record.as_deref().map(Record::open).transpose()?;
    let run =
        RunOptions { concurrency: usize::from(common.concurrency), gate: &apply::gate::Open, began: Timestamp::now() };
    let report = apply::run(&survey.plan, session.cloud.as_ref(), ui, run, interrupted()).await;
    ui.end_progress();
    if let Some(record) = record {
        record.append(&report, &survey.plan)?;
    }
    if report.retired().any(|outcome| outcome.address.kind == Kind::Trail) {
        ui.note("the archive's documents still let the deleted trail in: the next plan takes it out of them");
    }
    let text = text(common, &report, &survey, ui).or_else(|failure| {
        // What was done must be read, whatever is wrong with a template.
        ui.print(&in_words(&report, &survey, ui))?;
        Err(failure.hint("the changes are made, and the report is in plain words instead; mend the template"))
    })?;
    Ok(Answer::new(text, if report.is_complete() { Outcome::Clean } else { Outcome::Partial }))
}

/// The file that keeps what runs did. It is opened before the run, so that nothing is done that cannot be written down.
struct Record<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Record<'a> {
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|error| {
            Failure::new(format!("cannot write the record {}; nothing was changed", path.display())).because(error)
        })?;
        Ok(Self { path, file })
    }

    fn append(mut self, report: &ApplyReport, plan: &Plan) -> Result<(), Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::new(format!("the run is over, but cannot be written to {}: {error}", self.path.display()))
        };
        let lines = apply::record::lines(report, plan).map_err(|error| failed(&error))?;
        self.file.write_all(escape::json(&lines).as_bytes()).map_err(|error| failed(&error))
    }
}

fn subject(survey: &Survey) -> Subject<'_> {
    Subject::new(&survey.plan, &survey.organization, Purpose::Plan)
}

/// Shows the plan and asks for consent.
fn ask(survey: &Survey, ui: &Ui) -> Result<(), Failure> {
    ui.note(&plan::human(&subject(survey), ui));
    let count = words::count(survey.plan.changes.len(), "change");
    if ui.confirm(&format!("Make {count} in organization {}?", survey.plan.organization), "--yes")? {
        Ok(())
    } else {
        Err(Failure::new("not confirmed, nothing was changed"))
    }
}

/// Is done when somebody interrupts the program. Where no signal can be listened to, it never is.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn text(common: &Common, report: &ApplyReport, survey: &Survey, ui: &Ui) -> Result<String, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new(format!("cannot write the report: {error}"));
    let organization = &survey.organization;
    match common.format() {
        Format::Human => Ok(in_words(report, survey, ui)),
        Format::Json => model::text(&run_model::ApplyJson::from(report)).map_err(|error| failed(&error)),
        Format::Markdown => {
            let templates = report_templates(common)?;
            markdown::apply(report, organization, &templates).map_err(|error| failed(&error))
        }
        other => Err(no_report(other)),
    }
}

fn in_words(report: &ApplyReport, survey: &Survey, ui: &Ui) -> String {
    human::apply(report, &survey.organization, Layout { width: ui.width(), verbose: ui.is_verbose() })
}

fn no_report(format: Format) -> Failure {
    format.unknown_to("apply", "human, json and markdown")
}

/// Stops before the first call where the report could not be given afterwards, or would replace what the run needs.
fn refuse_unreportable(common: &Common, args: &Args, ui: &Ui) -> Result<(), Failure> {
    if !matches!(common.format(), Format::Human | Format::Json | Format::Markdown) {
        return Err(no_report(common.format()));
    }
    for file in [&args.plan, &args.record].into_iter().flatten() {
        ui.must_not_replace(file)?;
    }
    ui.must_be_writable()
}

/// Stops before the first call where the plan cannot succeed.
fn refuse_blocked(plan: &Plan) -> Result<(), Failure> {
    let Some(first) = plan.blockers.first() else {
        return Ok(());
    };
    let mut failure = Failure::new("the plan cannot be applied; nothing was changed");
    let line = |p: &Problem| format!("{} in {}: {}", p.code, p.account, p.message);
    failure.causes.extend(plan.blockers.iter().map(line));
    Err(failure.hint(first.help.clone()))
}

/// Stops before the first call where a risk was not allowed, and names the flag.
fn refuse_not_allowed(consent: &Consent, survey: &Survey, common: &Common, ui: &Ui) -> Result<(), Failure> {
    let missing = consent.missing(&survey.plan);
    if missing.is_empty() {
        return Ok(());
    }
    if common.format() == Format::Human {
        ui.note(&plan::human(&subject(survey), ui));
    }
    let mut failure = Failure::new("the plan needs more consent than was given; nothing was changed");
    for need in &missing {
        let addresses: Vec<String> = need.changes.iter().map(ToString::to_string).collect();
        failure.causes.push(format!("{} is needed for {}", need.flag, words::some(&addresses, 3)));
    }
    let flags: Vec<&str> = missing.iter().map(|need| need.flag.as_str()).collect();
    Err(failure.hint(format!("read these changes in the plan, then run again with {}", flags.join(" "))))
}
