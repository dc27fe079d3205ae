//! `orgtrail explain --live`: what CloudTrail would make of the policies that the configured trails meet now.

use super::{outcome as outcome_of, summary};
use crate::cli::failure::CliError;
use crate::cli::outcome::Outcome;
use crate::cli::session::{Access, Session};
use crate::cli::ui::Ui;
use crate::cli::{CommandOutput, Common, Format};
use crate::estate::{Address, Desired, Kind};
use crate::plan::Plan;
use crate::plan::delivery::CODES;
use crate::plan::preflight::{Delivered, live};
use crate::policy::PolicyDocument;
use crate::policy::lint::{self, LintFinding, LintSubject, lint};
use crate::report::explain::{Explanation, human, json_of_many};
use crate::survey::SurveyOptions;

/// Runs the command.
pub async fn run(common: &Common, ui: &Ui) -> Result<CommandOutput, CliError> {
    let session = Session::open(common, Access::ReadOnly).await?;
    let survey = session.surveyor(ui).survey(&SurveyOptions::default()).await?;
    ui.end_progress();
    let explain = |delivered: Delivered<'_>| explanation(&survey.desired, &survey.plan, delivered);
    let explanations: Vec<Explanation> =
        live(&survey.desired, &survey.observed, &survey.organization).into_iter().map(explain).collect();
    let texts = ui.render(|format| match format {
        Format::Human => Ok(explanations.iter().map(human).collect()),
        Format::Json => {
            json_of_many(&explanations).map_err(|error| CliError::new("cannot write the report").because(error))
        }
        other => Err(other.unknown_to("explain")),
    })?;
    let worst = explanations.iter().map(outcome_of).max().unwrap_or(Outcome::Clean);
    Ok(CommandOutput::new(texts, worst, summary(&explanations)))
}

fn explanation(desired: &Desired, plan: &Plan, delivered: Delivered<'_>) -> Explanation {
    let Delivered { arn, preflight, documents } = delivered;
    let findings = documents.iter().flat_map(|(address, document)| findings(desired, address, document)).collect();
    let is_of_this = |finding: &&crate::plan::Finding| {
        CODES.contains(&finding.code.as_str()) && finding.address.arn(desired.partition).as_ref() == Some(&arn)
    };
    let delivery = plan.findings.iter().filter(is_of_this).cloned().collect();
    Explanation { trail: arn, preflight, findings, delivery, notes: Vec::new() }
}

fn findings(desired: &Desired, address: &Address, document: &PolicyDocument) -> Vec<LintFinding> {
    let kind = match address.kind {
        Kind::BucketPolicy => lint::Kind::Bucket,
        Kind::KeyPolicy => lint::Kind::Key,
        Kind::Topic => lint::Kind::Topic,
        _ => return Vec::new(),
    };
    let trusted: Vec<String> = desired.reading.trusted.iter().map(ToString::to_string).collect();
    let subject = LintSubject {
        name: address.kind.words(),
        kind,
        partition: desired.partition,
        account: Some(&address.account),
        organization_id: Some(&desired.organization),
        known_accounts: &desired.known_accounts,
        trusted: &trusted,
        limit_bytes: None,
    };
    lint(document, &subject)
}
