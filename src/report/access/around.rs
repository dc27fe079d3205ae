//! The part of the report that says who else can read or change the archive, what leads out of it, and what was looked
//! at.

use schemars::JsonSchema;
use serde::Serialize;

use super::{IsolationReport, UnprovenJson, ViolationJson, line};
use crate::plan::surroundings::{Administrator, Around, LOOKED_AT, NOT_LOOKED_AT};
use crate::plan::{Finding, Violation};
use crate::policy::isolation::Unproven;
use crate::report::text::words;

/// Principals of one kind that are listed before the rest is counted.
const LISTED_MAX: usize = 50;

/// Writes counter-examples and open questions, in the form of the others.
pub(in crate::report) fn write_doubts(text: &mut String, report: &IsolationReport) {
    for Violation { address: _, invariant, principal, action, resource, statement, author: _ } in
        &report.around.violations
    {
        let because = statement.as_ref().map(|statement| format!(", because of {statement}")).unwrap_or_default();
        let can = invariant.shows();
        line(text, 0, &format!("violated {invariant}: {principal} {can} {action} on {resource}{because}"));
    }
    for Unproven { invariant, principal, why, lake: _ } in &report.around.unproven {
        line(text, 0, &format!("unproven {invariant}: {principal}: {why}"));
    }
}

/// Writes what was looked at, and what was found there.
pub(in crate::report) fn write(text: &mut String, report: &IsolationReport) {
    line(text, 0, &looked_at(&report.unread));
    let Around { administrators, leads_on, .. } = &report.around;
    if !administrators.is_empty() {
        let count = words::count(administrators.len(), "principal");
        line(text, 0, &format!("{count} of the log account can also read, decrypt or change the archive:"));
    }
    for Administrator { arn, can, become_by, named } in administrators.iter().take(LISTED_MAX) {
        let named = if *named { "; named in bucket.administrators" } else { "" };
        let who = if become_by.is_empty() { "no one".to_owned() } else { become_by.join(", ") };
        line(text, 2, &format!("{arn} {}; whoever becomes it: {who}{named}", can.join(", ")));
    }
    let more = administrators.len().saturating_sub(LISTED_MAX);
    if more > 0 {
        line(text, 2, &format!("and {}; the JSON report lists all", words::count(more, "more principal")));
    }
    for lead in leads_on {
        line(text, 0, &format!("stays: {lead}"));
    }
    for Finding { harm, code, message, since, .. } in &report.findings {
        let since = since.as_ref().map(|since| format!(", since {since}")).unwrap_or_default();
        line(text, 0, &format!("finding {code} ({harm}): {message}{since}"));
    }
}

fn looked_at(unread: &[String]) -> String {
    let unread = if unread.is_empty() { String::new() } else { format!(" Could not be read: {}.", unread.join(", ")) };
    format!("Looked at: {LOOKED_AT}.{unread} Not looked at: {NOT_LOOKED_AT}.")
}

/// What of it the JSON report has.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct AroundJson<'a> {
    /// What around the archive was looked at.
    looked_at: &'static str,
    /// What was not looked at.
    not_looked_at: &'static str,
    /// What should have been looked at and could not be read.
    could_not_be_read: &'a [String],
    /// Who in the log account can read, decrypt or change the archive.
    administrators: Vec<AdministratorJson<'a>>,
    /// What leads out of the archive and stays in the log or the management account.
    leads_on: &'a [String],
    /// What else is wrong with the archive now.
    findings: &'a [Finding],
}

#[derive(Serialize, JsonSchema)]
struct AdministratorJson<'a> {
    /// The ARN of the role, user or group.
    arn: &'a str,
    /// What it can do.
    can: &'a [&'static str],
    /// Who can become it.
    become_by: &'a [String],
    /// `bucket.administrators` names it.
    named: bool,
}

pub(in crate::report) fn view<'a>(around: &'a Around, unread: &'a [String], findings: &'a [Finding]) -> AroundJson<'a> {
    let administrators = around.administrators.iter().map(|one| AdministratorJson {
        arn: &one.arn,
        can: &one.can,
        become_by: &one.become_by,
        named: one.named,
    });
    AroundJson {
        looked_at: LOOKED_AT,
        not_looked_at: NOT_LOOKED_AT,
        could_not_be_read: unread,
        administrators: administrators.collect(),
        leads_on: &around.leads_on,
        findings,
    }
}

pub(in crate::report) fn violation(violation: &Violation) -> ViolationJson<'_> {
    ViolationJson {
        invariant: violation.invariant.as_str(),
        principal: &violation.principal,
        action: &violation.action,
        resource: &violation.resource,
        statement: violation.statement.clone(),
    }
}

pub(in crate::report) fn unproven(unproven: &Unproven) -> UnprovenJson<'_> {
    UnprovenJson { invariant: unproven.invariant.as_str(), principal: &unproven.principal, why: &unproven.why }
}
