//! The result of `orgtrail check`: for people, for programs, and as findings for OCSF and Security Hub.

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::{Audit, AuditSubject, Check, CheckVerdict, Control, ControlOutcome, Fix};
use crate::estate::Problem;
use crate::organization::Organization;
use crate::report::text::json::FORMAT_VERSION;
use crate::report::text::template::{BadTemplate, Templates};

pub mod findings;
mod human;
mod view;

pub use human::human;

/// Returns the result as markdown.
///
/// # Errors
/// [`BadTemplate`] where a template of the user cannot be rendered.
pub fn markdown(audit: &Audit, organization: &Organization, templates: &Templates) -> Result<String, BadTemplate> {
    templates.render("audit.md.hbs", &view::view(audit, organization))
}

/// Returns the result as one HTML page that asks nobody for anything.
///
/// # Errors
/// [`BadTemplate`] where a template of the user cannot be rendered.
pub fn html(audit: &Audit, organization: &Organization, templates: &Templates) -> Result<String, BadTemplate> {
    templates.render("audit.html.hbs", &view::view(audit, organization))
}

/// The JSON of `orgtrail check`, version 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The id of the organization.
    organization: &'a str,
    /// The name of the deployment.
    deployment: &'a str,
    /// Nothing that should have been read was left out.
    complete: bool,
    /// How many controls have which verdict.
    summary: Summary,
    /// The controls, each with its checks.
    controls: Vec<ControlJson<'a>>,
    /// The accounts that own trails.
    subjects: Vec<SubjectJson<'a>>,
    /// Accounts that are not active and were not judged.
    inactive: Vec<InactiveJson<'a>>,
    /// What could not be read, and why.
    problems: &'a [Problem],
}

/// How many controls have which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Summary {
    /// Controls that pass.
    pass: usize,
    /// Controls that fail.
    fail: usize,
    /// Controls that do not apply.
    not_applicable: usize,
    /// Controls of which something could not be read or judged.
    unknown: usize,
}

impl Summary {
    fn of(audit: &Audit) -> Self {
        let count = |verdict| audit.count(verdict);
        Self {
            pass: count("pass"),
            fail: count("fail"),
            not_applicable: count("not applicable"),
            unknown: count("unknown"),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ControlJson<'a> {
    /// The standard: `cis-5.0`.
    standard: &'static str,
    /// Its name.
    standard_name: &'static str,
    /// Its version.
    standard_version: &'static str,
    /// The id of the control in its standard.
    id: &'static str,
    /// What it asks for.
    title: String,
    /// How bad a fail is.
    severity: &'static str,
    /// `pass`, `fail`, `not applicable` or `unknown`: the worst of its checks.
    verdict: &'static str,
    /// What was judged.
    checks: Vec<CheckJson<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CheckJson<'a> {
    /// The account id.
    account: &'a str,
    /// The address; null where it is about no single resource.
    address: Option<String>,
    /// `pass`, `fail`, `not applicable` or `unknown`.
    verdict: &'static str,
    /// For `unknown`: `unreadable`, or `outside` of what this program reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'static str>,
    /// What it was judged by.
    fact: &'a str,
    /// The plan contains the change that makes it a pass.
    fixed_by_plan: bool,
    /// The setting of the configuration that could ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    /// What has to be done outside orgtrail.
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SubjectJson<'a> {
    /// The account id.
    account: &'a str,
    /// The addresses of its trails.
    trails: Vec<String>,
    /// The ids of the accounts whose events these trails record.
    inherited_by: Vec<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct InactiveJson<'a> {
    /// The account id.
    account: &'a str,
    /// Its state, as AWS Organizations names it.
    state: &'static str,
}

impl<'a> From<&'a Audit> for AuditJson<'a> {
    fn from(audit: &'a Audit) -> Self {
        let Audit { organization, deployment, outcomes, subjects, inactive, problems } = audit;
        let inactive = inactive.iter();
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            organization: organization.as_str(),
            deployment,
            complete: !audit.is_partial(),
            summary: Summary::of(audit),
            controls: outcomes.iter().map(ControlJson::from).collect(),
            subjects: subjects.iter().map(SubjectJson::from).collect(),
            inactive: inactive
                .map(|(id, state)| InactiveJson { account: id.as_str(), state: state.as_str() })
                .collect(),
            problems,
        }
    }
}

impl<'a> From<&'a ControlOutcome> for ControlJson<'a> {
    fn from(outcome: &'a ControlOutcome) -> Self {
        let ControlOutcome { control, verdict, checks } = outcome;
        let Control { standard, id, question } = control;
        Self {
            standard: standard.as_str(),
            standard_name: standard.name(),
            standard_version: standard.version(),
            id,
            title: question.title(),
            severity: question.severity().as_str(),
            verdict: word(*verdict),
            checks: checks.iter().map(CheckJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Check> for CheckJson<'a> {
    fn from(check: &'a Check) -> Self {
        let Check { account, address, verdict, fact, fix } = check;
        let because = match verdict {
            CheckVerdict::Unknown(doubt) => Some(doubt.as_str()),
            CheckVerdict::NotApplicable | CheckVerdict::Pass | CheckVerdict::Fail => None,
        };
        let (setting, elsewhere) = match fix {
            Fix::Setting(setting) => (Some(*setting), None),
            Fix::Elsewhere(what) => (None, Some(*what)),
            Fix::None | Fix::Plan => (None, None),
        };
        Self {
            account: account.as_str(),
            address: address.as_ref().map(ToString::to_string),
            verdict: word(*verdict),
            because,
            fact,
            fixed_by_plan: *fix == Fix::Plan,
            setting,
            elsewhere,
        }
    }
}

impl<'a> From<&'a AuditSubject> for SubjectJson<'a> {
    fn from(subject: &'a AuditSubject) -> Self {
        let AuditSubject { account, trails, looked_at: _, members } = subject;
        Self {
            account: account.as_str(),
            trails: trails.iter().map(ToString::to_string).collect(),
            inherited_by: members.iter().map(|member| member.as_str()).collect(),
        }
    }
}

/// Words of programs have no spaces.
fn word(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::NotApplicable => "not_applicable",
        CheckVerdict::Pass => "pass",
        CheckVerdict::Unknown(_) => "unknown",
        CheckVerdict::Fail => "fail",
    }
}

/// Returns a fix in a sentence; nothing where nothing has to be done.
fn fix_words(fix: &Fix) -> String {
    match fix {
        Fix::None => String::new(),
        Fix::Plan => "apply the plan, which contains the change".to_owned(),
        Fix::Setting(setting) => format!("set {setting} in the configuration"),
        Fix::Elsewhere(what) => (*what).to_owned(),
    }
}
