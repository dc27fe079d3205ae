//! `orgtrail access`: who can read whose logs, proved; or what one account's team needs to read its own. Never writes.

use std::collections::{BTreeMap, BTreeSet};

use super::failure::CliError;
use super::outcome::Outcome;
use super::session::{Access, Session};
use super::summary::Summary;
use super::ui::Ui;
use super::{CommandOutput, Common, Format};
use crate::desire::alike::alike;
use crate::estate::{Address, Desired, Kind};
use crate::ids::AccountId;
use crate::organization::Organization;
use crate::plan::earlier_lakes::{self, EarlierLakeReads};
use crate::plan::isolation::{ArchivePolicies, ReaderPolicies};
use crate::plan::surroundings::{Around, When, around, unread};
use crate::plan::{Change, Finding};
use crate::policy::isolation;
use crate::report::access::lakes::LakeReads;
use crate::report::access::reader_guide::{self, ReaderGuide};
use crate::report::access::{self, IsolationReport, MATRIX_MAX, ReadState, Row, Trusted};
use crate::survey::{Survey, SurveyOptions};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct AccessArgs {
    /// Say what this account's team needs to read its logs (id or name)
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,
    /// Prove what AWS has now, instead of what it will have after `apply`
    #[arg(long, conflicts_with = "account")]
    live: bool,
}

/// Runs the command.
pub async fn run(common: &Common, args: &AccessArgs, ui: &Ui) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let survey = session.surveyor(ui).survey(&SurveyOptions::default()).await?;
    ui.end_progress();
    match &args.account {
        Some(account) => guide(ui, &session, &survey, account),
        None => prove(ui, &survey, if args.live { ReadState::Live } else { ReadState::Planned }),
    }
}

fn prove(ui: &Ui, survey: &Survey, state: ReadState) -> Result<CommandOutput, CliError> {
    let Survey { organization, desired, observed, plan, .. } = survey;
    let policies = match state {
        ReadState::Planned => ArchivePolicies::planned(desired, observed, organization, &plan.changes),
        ReadState::Live => ArchivePolicies::live(desired, observed, organization),
    };
    let Some(policies) = policies else {
        return Err(CliError::new("the bucket does not exist yet, so that there is nothing to read")
            .hint("without --live, `orgtrail access` proves what there will be"));
    };
    let when = match state {
        ReadState::Planned => When::Planned,
        ReadState::Live => When::Now,
    };
    let around = around(desired, observed, organization, when);
    let mut report = report(&policies, organization, state);
    report.findings = findings(&plan.findings, &around);
    report.around = around;
    report.unread = unread(observed).into_iter().map(|(part, code)| format!("{part} ({code})")).collect();
    let changes: &[Change] = if state == ReadState::Planned { &plan.changes } else { &[] };
    for place in &desired.past.places {
        let policies = ArchivePolicies::of_place(desired, observed, organization, changes, place);
        let found = policies.map(|policies| policies.prove()).unwrap_or_default();
        report.violations.extend(found.violations);
        report.unproven.extend(found.unproven);
    }
    let is_planned = state == ReadState::Planned;
    let earlier = earlier_lakes::reads(desired, observed, organization, is_planned.then_some(changes));
    report.lakes = lakes(&policies, desired, &report, earlier.as_slice());
    for lake in earlier {
        report.violations.extend(lake.isolation.violations);
        report.unproven.extend(lake.isolation.unproven);
    }
    report.violations.sort();
    report.violations.dedup();
    report.unproven.sort();
    report.unproven.dedup();
    let texts = ui.render(|format| match format {
        Format::Human => Ok(access::human(&report)),
        Format::Json => access::json(&report).map_err(|error| CliError::new("cannot write the report").because(error)),
        other => Err(other.unknown_to("access")),
    })?;
    let outcome = if report.broken() > 0 || !report.findings.is_empty() {
        Outcome::Finding
    } else if report.open() > 0 {
        Outcome::Partial
    } else {
        Outcome::Clean
    };
    let isolation = if report.broken() + report.open() == 0 { "isolated" } else { "not proved to be isolated" };
    let summary = Summary::new("Access", isolation)
        .some(report.broken(), "violation", "of isolation")
        .some(report.findings.len(), "finding", "")
        .some(report.open(), "promise", "of isolation unproven");
    Ok(CommandOutput::new(texts, outcome, summary))
}

/// Returns the lake of the configuration and those of before, each with who reads it.
fn lakes(
    policies: &ArchivePolicies<'_>,
    desired: &Desired,
    report: &IsolationReport,
    earlier: &[EarlierLakeReads],
) -> Vec<LakeReads> {
    let bare = |bucket: &Address, folder: &str, is_earlier, proved| LakeReads {
        place: format!("s3://{}/{folder}", bucket.name).trim_end_matches('/').to_owned(),
        is_earlier,
        account: bucket.account.clone(),
        is_known: false,
        reads: Vec::new(),
        refused: Vec::new(),
        unknown: Vec::new(),
        proved,
    };
    let own = desired.lake.iter().map(|lake| {
        let arn = lake.bucket.arn(desired.partition).map(|arn| arn.to_string()).unwrap_or_default();
        let is_of = |resource: &str| {
            resource.strip_prefix(&arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
        };
        let of_policy = lake.bucket.with_kind(Kind::BucketPolicy).to_string();
        let is_open = report.unproven.iter().any(|one| one.lake.as_ref() == Some(&arn) || one.principal == of_policy);
        let is_broken = report.violations.iter().any(|one| is_of(&one.resource));
        bare(&lake.bucket, &lake.folder, false, !is_broken && !is_open).with(policies.lake_reads())
    });
    let before = earlier.iter().map(|lake| {
        let proved = lake.isolation.violations.is_empty() && lake.isolation.unproven.is_empty();
        bare(&lake.bucket, "", true, proved).with(lake.reads.clone())
    });
    own.chain(before).collect()
}

/// Proves, and tries the readers that a person wants to see.
fn report(policies: &ArchivePolicies<'_>, organization: &Organization, state: ReadState) -> IsolationReport {
    let isolation::Isolation { violations, unproven, kept } = policies.prove();
    let accounts = policies.accounts();
    let is_small = accounts.len() <= MATRIX_MAX && policies.readers.len() <= MATRIX_MAX;
    let broken: BTreeSet<&str> = violations.iter().map(|violation| violation.principal.as_str()).collect();
    let shown = policies.readers.iter().filter(|reader| is_small || broken.contains(reader.role.as_str()));
    IsolationReport {
        state,
        organization: organization.id.to_string(),
        accounts: accounts.iter().map(|id| (id.clone(), organization.name_of(id).to_owned())).collect(),
        readers: policies.readers.len(),
        tried: shown.take(MATRIX_MAX).map(|reader| row(policies, reader)).collect(),
        trusted: policies.trusted_reads().into_iter().map(|(reader, answers)| trusted_row(reader, &answers)).collect(),
        lakes: Vec::new(),
        violations,
        unproven,
        kept,
        around: Around::default(),
        unread: Vec::new(),
        findings: Vec::new(),
    }
}

/// Returns what is wrong with the archive now, the worst first: what plan says, and what was found around the policies
/// that this run looked at.
fn findings(of_plan: &[Finding], around: &Around) -> Vec<Finding> {
    let all: BTreeSet<&Finding> = of_plan.iter().chain(&around.findings).collect();
    all.into_iter().filter(|finding| finding.harm.does_harm()).cloned().collect()
}

fn trusted_row(reader: String, answers: &BTreeMap<AccountId, Option<bool>>) -> Trusted {
    let that = |wanted: Option<bool>| {
        answers.iter().filter(|(_, answer)| **answer == wanted).map(|(id, _)| id.clone()).collect()
    };
    Trusted { reader, reads: that(Some(true)), unknown: that(None) }
}

fn row(policies: &ArchivePolicies<'_>, reader: &ReaderPolicies<'_>) -> Row {
    let answers = policies.accounts_read(reader);
    let that = |wanted: Option<bool>| {
        answers.iter().filter(|(_, answer)| **answer == wanted).map(|(id, _)| id.clone()).collect()
    };
    Row {
        reader: reader.role.to_string(),
        account: reader.account.clone(),
        reads: that(Some(true)),
        unknown: that(None),
    }
}

fn guide(ui: &Ui, session: &Session, survey: &Survey, text: &str) -> Result<CommandOutput, CliError> {
    let account = find(survey, text)?;
    let choice = survey.choices.get(account);
    if let Some(choice) = choice.filter(|choice| !choice.chosen) {
        return Err(CliError::new(format!("account {account} is not selected: {}", choice.why))
            .hint("`orgtrail discover` shows every account with the reason"));
    }
    let Survey { organization, desired, observed, plan, .. } = survey;
    let policies = ArchivePolicies::planned(desired, observed, organization, &plan.changes);
    let reader = policies.as_ref().and_then(|policies| {
        let reader = policies.readers.iter().find(|reader| reader.account == *account)?;
        Some((policies, reader))
    });
    let Some((policies, reader)) = reader else {
        return Err(CliError::new(format!("there is no reader for account {account}")));
    };
    let report = ReaderGuide::of(policies, reader, organization, &session.config.home_region);
    let texts = ui.render(|format| match format {
        Format::Human => Ok(reader_guide::human(&report)),
        Format::Json => {
            reader_guide::json(&report).map_err(|error| CliError::new("cannot write the report").because(error))
        }
        other => Err(other.unknown_to("access")),
    })?;
    Ok(CommandOutput::new(texts, Outcome::Clean, Summary::new("Access", &format!("what the team of {account} needs"))))
}

fn find<'s>(survey: &'s Survey, text: &str) -> Result<&'s AccountId, CliError> {
    let organization = &survey.organization;
    match organization.find(text)[..] {
        [account] => Ok(account),
        [] => {
            let alike = alike(organization, text);
            Err(CliError::new(format!("organization {} has no account {text:?}{alike}", organization.id))
                .hint("`orgtrail discover` lists them all"))
        }
        ref many => {
            let ids: Vec<&str> = many.iter().map(|id| id.as_str()).collect();
            Err(CliError::new(format!("several accounts are called {text:?}"))
                .hint(format!("write one of the ids {}", ids.join(", "))))
        }
    }
}
