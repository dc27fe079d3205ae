//! Who can read whose logs: the report of `access`, for people and as JSON.

use std::collections::BTreeSet;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::AccountId;
use crate::plan::Finding;
use crate::plan::surroundings::Around;
use crate::policy::isolation::{BrokenInvariant, Kept, Unproven};
use crate::report::text::escape;
use crate::report::text::words;

mod around;
pub mod lakes;
pub mod reader_guide;

/// Up to so many accounts and readers, every reader is tried on every account and the whole matrix is shown. Above it
/// the proof by structure speaks for those of whom nothing else is said.
pub const MATRIX_MAX: usize = 20;

/// Which policies were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadState {
    /// Those that there will be once the configuration is applied.
    Planned,
    /// Those that there are.
    Live,
}

/// What is reported.
#[derive(Debug)]
pub struct IsolationReport {
    /// Which policies were looked at.
    pub state: ReadState,
    /// The organization's id.
    pub organization: String,
    /// The accounts whose logs are in the archive, by id and name.
    pub accounts: Vec<(AccountId, String)>,
    /// How many readers there are.
    pub readers: usize,
    /// The readers that were tried on every account: all of a small organization, else those that break a rule.
    pub tried: Vec<Row>,
    /// The trusted readers, which the configuration lets read everything.
    pub trusted: Vec<Trusted>,
    /// The lake, and those of before.
    pub lakes: Vec<lakes::LakeReads>,
    /// What does not hold.
    pub violations: Vec<BrokenInvariant>,
    /// What could not be proved.
    pub unproven: Vec<Unproven>,
    /// Statements of others that stay because they are harmless.
    pub kept: Vec<Kept>,
    /// Who else can read or change the archive, and what leads out of it.
    pub around: Around,
    /// What should have been looked at around the archive and could not be read.
    pub unread: Vec<String>,
    /// What else is wrong with the archive now, as `plan` and `drift` say it; nothing harmless.
    pub findings: Vec<Finding>,
}

/// One trusted reader and the accounts whose logs it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trusted {
    /// The account or principal, as the configuration names it.
    pub reader: String,
    /// The accounts that it reads.
    #[schemars(with = "Vec<String>")]
    pub reads: Vec<AccountId>,
    /// The accounts of which it is not known.
    #[schemars(with = "Vec<String>")]
    pub unknown: Vec<AccountId>,
}

/// One reader and the accounts whose logs it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// The role's ARN.
    pub reader: String,
    /// Whose logs it is for.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// The accounts that it reads.
    #[schemars(with = "Vec<String>")]
    pub reads: Vec<AccountId>,
    /// The accounts of which it is not known.
    #[schemars(with = "Vec<String>")]
    pub unknown: Vec<AccountId>,
}

impl IsolationReport {
    /// Returns how many counter-examples there are.
    pub fn broken(&self) -> usize {
        self.violations.len() + self.around.violations.len()
    }

    /// Returns how many questions are open.
    pub fn open(&self) -> usize {
        self.unproven.len() + self.around.unproven.len()
    }

    fn is_whole(&self) -> bool {
        self.tried.len() == self.readers && self.accounts.len() <= MATRIX_MAX
    }
}

/// Returns the report for a terminal. Every text of AWS is made inert.
pub fn human(report: &IsolationReport) -> String {
    let when = match report.state {
        ReadState::Planned => "once the configuration is applied",
        ReadState::Live => "now",
    };
    let (readers, accounts) = (words::count(report.readers, "reader"), words::count(report.accounts.len(), "account"));
    let mut text = String::new();
    line(&mut text, 0, &format!("Who reads whose logs {when}, in {}: {readers}, {accounts}", report.organization));
    if report.is_whole() {
        matrix(&mut text, report)
    } else {
        exceptions(&mut text, report)
    }
    for trusted in &report.trusted {
        line(&mut text, 2, &trusted_line(trusted, report.accounts.len()));
    }
    lakes::write(&mut text, &report.lakes);
    for violation in &report.violations {
        line(&mut text, 0, &format!("violated {violation}"));
    }
    for Unproven { invariant, principal, why, lake: _ } in &report.unproven {
        line(&mut text, 0, &format!("unproven {invariant}: {principal}: {why}"));
    }
    around::write_doubts(&mut text, report);
    line(&mut text, 0, &verdict(report));
    for kept in &report.kept {
        line(&mut text, 2, &format!("stays: {kept}"));
    }
    around::write(&mut text, report);
    text
}

fn trusted_line(trusted: &Trusted, accounts: usize) -> String {
    let Trusted { reader, reads, unknown } = trusted;
    let whose = match reads.len() {
        0 => "no account's logs now".to_owned(),
        all if all == accounts => "every account's logs".to_owned(),
        _ => words::some(&reads.iter().map(|id| id.as_str()).collect::<Vec<_>>(), 5),
    };
    let unknown = if unknown.is_empty() {
        String::new()
    } else {
        format!("; of {} it is unknown", words::count(unknown.len(), "account"))
    };
    format!("{reader}, a trusted reader, reads {whose}{unknown}")
}

fn verdict(report: &IsolationReport) -> String {
    match (report.broken(), report.open()) {
        (0, 0) => "Proved: each reads its own account's logs and no other's, and none changes anything.".into(),
        (0, open) => format!("Not proved: {} open.", words::count(open, "question")),
        (broken, 0) => format!("Refuted: {}.", words::count(broken, "counter-example")),
        (broken, open) => {
            format!("Refuted: {}, {} open.", words::count(broken, "counter-example"), words::count(open, "question"))
        }
    }
}

/// A column for each account, under the number of its row.
fn matrix(text: &mut String, report: &IsolationReport) {
    let numbers: String = (1..=report.accounts.len()).map(|number| format!("{number:>3}")).collect();
    line(text, 2, &format!("{:>20}{numbers}", "reads"));
    for (number, (id, name)) in report.accounts.iter().enumerate() {
        let own: Vec<&Row> = report.tried.iter().filter(|row| row.account == *id).collect();
        let marks: String = report.accounts.iter().map(|(other, _)| format!("  {}", mark(&own, other))).collect();
        line(text, 2, &format!("{:>2} {id}     {marks}  {name}", number + 1));
    }
    line(text, 2, "x reads, . does not, ? unknown");
}

fn mark(rows: &[&Row], account: &AccountId) -> char {
    if rows.iter().any(|row| row.reads.contains(account)) {
        'x'
    } else if rows.iter().any(|row| row.unknown.contains(account)) {
        '?'
    } else {
        '.'
    }
}

fn exceptions(text: &mut String, report: &IsolationReport) {
    for Row { reader, account, reads, unknown } in &report.tried {
        let others: Vec<&str> = reads.iter().filter(|id| *id != account).map(|id| id.as_str()).collect();
        let own = if reads.contains(account) { "its own account" } else { "not its own account" };
        let more = if others.is_empty() { String::new() } else { format!(" and {}", words::some(&others, 5)) };
        let unknown = if unknown.is_empty() {
            String::new()
        } else {
            format!("; of {} it is unknown", words::count(unknown.len(), "account"))
        };
        line(text, 2, &format!("{reader} reads {own}{more}{unknown}"));
    }
    let others = report.readers.saturating_sub(report.tried.len());
    let tried = |name: &str| report.tried.iter().any(|row| row.reader == name);
    let breaking: BTreeSet<&str> = report.violations.iter().map(|violation| violation.principal.as_str()).collect();
    let breaking = breaking.into_iter().filter(|name| !tried(name)).count();
    if others > 0 && report.broken() == 0 && report.open() == 0 {
        line(text, 2, &format!("each of {} reads its own account, and no other", words::count(others, "reader")));
    } else if others > 0 && breaking > 0 {
        line(text, 2, &format!("and {} more, of which the violations below name some", words::count(others, "reader")));
    } else if others > 0 {
        line(text, 2, &format!("{} not shown break no rule that names them", words::count(others, "reader")));
    }
}

/// Appends one line. Writing to a string cannot fail.
pub(in crate::report) fn line(text: &mut String, indent: usize, content: &str) {
    let _ = writeln!(text, "{:indent$}{}", "", escape::terminal(content));
}

/// The JSON of `orgtrail access`, version 1.
#[derive(Serialize, JsonSchema)]
pub struct IsolationJson<'a> {
    /// The version of this format. It grows when a field loses its name or its meaning, not when one is added.
    format_version: u32,
    /// The version of orgtrail that wrote it.
    tool_version: &'static str,
    /// The id of the organization.
    organization: &'a str,
    /// Which policies were looked at.
    state: ReadState,
    /// Every invariant holds, and none is open.
    proved: bool,
    /// How many readers there are.
    readers: usize,
    /// How many accounts have logs in the archive.
    accounts: usize,
    /// The readers that were tried on every account; all of them in a small organization.
    tried: &'a [Row],
    /// The trusted readers.
    trusted: &'a [Trusted],
    /// The lake, and those of before that are not given up.
    lakes: &'a [lakes::LakeReads],
    /// What does not hold.
    violations: Vec<ViolationJson<'a>>,
    /// What could not be proved.
    unproven: Vec<UnprovenJson<'a>>,
    /// Statements of others that stay.
    kept: Vec<KeptJson<'a>>,
    #[serde(flatten)]
    around: around::AroundJson<'a>,
}

#[derive(Serialize, JsonSchema)]
struct KeptJson<'a> {
    /// The statement.
    statement: String,
    /// Why it is harmless.
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct ViolationJson<'a> {
    /// The invariant that does not hold.
    invariant: &'static str,
    /// Who can, or cannot.
    principal: &'a str,
    /// The IAM action.
    action: &'a str,
    /// The ARN of what it is done to.
    resource: &'a str,
    /// The statement to blame; null where one is missing.
    statement: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct UnprovenJson<'a> {
    /// The invariant that may not hold.
    invariant: &'static str,
    /// The principal or service that it is about.
    principal: &'a str,
    /// Why it could not be proved.
    why: &'a str,
}

/// Returns the report as JSON, version 1.
///
/// # Errors
/// Those of serialisation, which this shape does not have.
pub fn json(report: &IsolationReport) -> Result<String, serde_json::Error> {
    let IsolationReport {
        state,
        organization,
        accounts,
        readers,
        tried,
        trusted,
        lakes,
        violations,
        unproven,
        kept,
        around,
        unread,
        findings,
    } = report;
    let violation = |violation: &'_ BrokenInvariant| violation.statement.as_ref().map(ToString::to_string);
    crate::report::text::json::text(&IsolationJson {
        format_version: crate::report::text::json::FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION"),
        organization,
        state: *state,
        proved: report.broken() == 0 && report.open() == 0,
        readers: *readers,
        accounts: accounts.len(),
        tried,
        trusted,
        lakes,
        violations: violations
            .iter()
            .map(|v| ViolationJson {
                invariant: v.invariant.as_str(),
                principal: &v.principal,
                action: &v.action,
                resource: &v.resource,
                statement: violation(v),
            })
            .chain(around.violations.iter().map(around::violation))
            .collect(),
        unproven: unproven
            .iter()
            .map(|u| UnprovenJson { invariant: u.invariant.as_str(), principal: &u.principal, why: &u.why })
            .chain(around.unproven.iter().map(around::unproven))
            .collect(),
        kept: kept.iter().map(|kept| KeptJson { statement: kept.place.to_string(), why: &kept.why }).collect(),
        around: around::view(around, unread, findings),
    })
}
