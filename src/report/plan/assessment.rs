//! What is wrong now, as people read it: findings, what drifted by its harm, and what could not be proved. The texts
//! are not escaped; each format does that for itself.

use std::hash::Hash;

use serde::Serialize;

use crate::estate::Address;
use crate::organization::Organization;
use crate::plan::{Finding, Harm, Plan, Risk, Unproven};
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::group::{self, Group, Own, group_by, mark};
use crate::report::text::page::{BAD, FAINT, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// One harm, and what does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HarmView {
    /// The word of JSON and metrics.
    pub harm: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What no change repairs.
    pub findings: Vec<FindingView>,
    /// What drifted, with the change that repairs it.
    pub entries: Vec<HarmEntry>,
    /// How many violations of isolation do it, with the noun; they are listed by themselves. None where none does.
    pub violations: Option<String>,
}

/// A finding, or many that are the same but for the account that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct FindingView {
    /// What it does.
    pub harm: &'static str,
    /// The word for its kind.
    pub code: String,
    /// What is so.
    pub message: String,
    /// The resource, with `<account>` in it where it stands for many.
    pub address: String,
    /// Since when; none where it is not known.
    pub since: Option<String>,
    /// Until when events can be saved; none where nothing is lost or it is not known.
    pub until: Option<String>,
    /// What to do; may be empty.
    pub help: String,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

/// A change by what its drift does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HarmEntry {
    /// `+ ~ ! -`.
    pub mark: char,
    /// `create`, `update`, `adopt`, `retire`.
    pub action: &'static str,
    /// The address, with `<account>` in it where it stands for many.
    pub address: String,
    /// How many changes it stands for.
    pub count: usize,
    /// What the repair risks: `safe`, or the words of `--allow`.
    pub risk: String,
}

/// Something of isolation that is neither proved nor refuted, or many that are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct UnprovenView {
    /// Such as `reads-only-own`.
    pub invariant: &'static str,
    /// The principal or service that it is about.
    pub principal: String,
    /// Why it cannot be told.
    pub why: String,
    /// The resource whose document is to blame.
    pub address: String,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

/// Says how much is wrong and how bad the worst is; none where nothing is that a person has to know.
pub fn verdict(plan: &Plan) -> Option<String> {
    let harmless = plan.findings.iter().filter(|finding| !finding.harm.does_harm()).count();
    let findings = plan.findings.len() - harmless;
    let worst = plan.worst_harm().filter(|harm| harm.does_harm());
    let is_named = |harm: &Harm| {
        plan.findings.iter().any(|finding| finding.harm == *harm)
            || plan.violations.iter().any(|violation| violation.harm() == *harm)
    };
    // Where neither a finding nor a violation does the worst, it is what changes repair.
    let of_changes = worst.filter(|harm| !is_named(harm));
    let changes = of_changes.map_or(0, |harm| plan.changes.iter().filter(|change| change.harm == harm).count());
    let counts =
        [(findings, "finding"), (plan.violations.len(), "violation"), (changes, "change"), (harmless, "remark")];
    let mut parts: Vec<String> =
        counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| words::count(number, what)).collect();
    if !plan.unproven.is_empty() {
        parts.push(format!("{} not proved", words::grouped(plan.unproven.len())));
    }
    let worst = worst.map(|harm| format!("the worst is {harm}: {}", harm.meaning()));
    match (parts.is_empty(), worst) {
        (true, worst) => worst,
        (false, None) => Some(words::list(&parts)),
        (false, Some(worst)) => Some(format!("{}; {worst}", words::list(&parts))),
    }
}

/// Folds the findings that do harm, the worst first.
pub(in crate::report) fn harmful(found: &[Finding], organization: &Organization) -> Vec<FindingView> {
    let all = findings(found, organization).into_iter();
    all.filter(|finding| finding.harm != Harm::Harmless.as_str()).collect()
}

/// Folds the findings that do no harm.
pub(in crate::report) fn remarks(found: &[Finding], organization: &Organization) -> Vec<FindingView> {
    let all = findings(found, organization).into_iter();
    all.filter(|finding| finding.harm == Harm::Harmless.as_str()).collect()
}

/// Lays out what is wrong by what it does, the worst first. What is harmless drift is only in the list of changes.
pub(in crate::report) fn harms(groups: &[Group], plan: &Plan, organization: &Organization) -> Vec<HarmView> {
    let all = harmful(&plan.findings, organization);
    let view = |harm: Harm| {
        let drifted = groups.iter().filter(|group| group.content.harm == harm);
        let violations = plan.violations.iter().filter(|violation| violation.harm() == harm).count();
        HarmView {
            harm: harm.as_str(),
            meaning: harm.meaning(),
            findings: all.iter().filter(|finding| finding.harm == harm.as_str()).cloned().collect(),
            entries: drifted.map(entry).collect(),
            violations: (violations > 0).then(|| words::count(violations, "violation")),
        }
    };
    let has = |view: &HarmView| !view.findings.is_empty() || !view.entries.is_empty() || view.violations.is_some();
    Harm::ALL.into_iter().filter(|harm| harm.does_harm()).map(view).filter(has).collect()
}

fn entry(group: &Group) -> HarmEntry {
    let content = &group.content;
    let risks: Vec<&str> = content.risk.iter().map(|risk| risk.as_str()).collect();
    HarmEntry {
        mark: mark(content.action),
        action: content.action.as_str(),
        address: group.address(),
        count: group.members.len(),
        risk: if risks.is_empty() { Risk::Safe.to_string() } else { risks.join(", ") },
    }
}

/// Folds findings that are the same but for the account that they are about, the worst first.
pub fn findings(found: &[Finding], organization: &Organization) -> Vec<FindingView> {
    let mut sorted: Vec<&Finding> = found.iter().collect();
    sorted.sort();
    let words = |finding: &Finding, hide: &dyn Fn(&str) -> String| {
        // The statement that it is about is named in the help.
        let Finding { harm, address, code, message, since, until, help, statement: _ } = finding;
        FindingView {
            harm: harm.as_str(),
            code: code.clone(),
            message: hide(message),
            address: hide(&address.to_string()),
            since: since.clone(),
            until: until.clone(),
            help: hide(help),
            accounts: Vec::new(),
        }
    };
    folded(&sorted, organization, |finding| &finding.address, words, |view, accounts| FindingView { accounts, ..view })
}

/// Folds what is not proved.
pub fn unproven(open: &[Unproven], organization: &Organization) -> Vec<UnprovenView> {
    let all: Vec<&Unproven> = open.iter().collect();
    let words = |open: &Unproven, hide: &dyn Fn(&str) -> String| UnprovenView {
        invariant: open.invariant.as_str(),
        principal: hide(&open.principal),
        why: hide(&open.why),
        address: hide(&open.address.to_string()),
        accounts: Vec::new(),
    };
    folded(&all, organization, |open| &open.address, words, |view, accounts| UnprovenView { accounts, ..view })
}

/// Folds what is the same once the id and the name of the account that each is about are hidden.
fn folded<T, V: Hash + Eq>(
    items: &[&T],
    organization: &Organization,
    address: impl Fn(&T) -> &Address,
    view: impl Fn(&T, &dyn Fn(&str) -> String) -> V,
    with_accounts: impl Fn(V, Vec<AccountView>) -> V,
) -> Vec<V> {
    let subject = |item: &T| group::subject_of_address(address(item), organization);
    let hidden = |item: &T| {
        let subject = subject(item);
        view(item, &|text| Own::of(&subject, organization).hide(text))
    };
    let groups = group_by(items, |item| hidden(item)).into_iter().map(|(same, members)| {
        let accounts = members.iter().map(|item| account(&subject(item), organization)).collect();
        let shown = match members.as_slice() {
            [only] => view(only, &str::to_owned),
            _ => same,
        };
        with_accounts(shown, accounts)
    });
    groups.collect()
}

/// Says in one line what a harm is, for what has no room for more.
pub fn since_until(since: Option<&str>, until: Option<&str>) -> String {
    let since = since.map(|since| format!("since {since}"));
    let until = until.map(|until| format!("events can be saved until {until}"));
    [since, until].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Writes what is wrong now; nothing where nothing is.
pub(in crate::report) fn write_harms(page: &mut Page, harms: &[HarmView], accounts_max: usize) {
    if harms.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, WRONG_NOW)]);
    for HarmView { harm, meaning, findings, entries, violations } in harms {
        let style = if *harm == Harm::LessProtected.as_str() { NOTICE } else { BAD };
        page.line(2, &[Span(style, harm), Span(PLAIN, ": "), Span(PLAIN, meaning)]);
        for finding in findings {
            write_finding(page, finding, accounts_max);
        }
        for HarmEntry { mark, action, address, count, risk } in entries {
            let same = if *count > 1 { format!("  {} times", words::grouped(*count)) } else { String::new() };
            let repair = format!("  repair: {risk}");
            let head = format!("{mark} {action} ");
            page.line(4, &[Span(NOTICE, &head), Span(PLAIN, address), Span(FAINT, &same), Span(FAINT, &repair)]);
        }
        if let Some(violations) = violations {
            page.line(4, &[Span(PLAIN, violations), Span(FAINT, ", see \"Not isolated\"")]);
        }
    }
}

/// The heading of what is wrong.
pub(in crate::report) const WRONG_NOW: &str = "Wrong now";
/// The heading of what does no harm.
pub(in crate::report) const WORTH_KNOWING: &str = "Worth knowing";

/// Writes findings under a heading; nothing where there are none.
pub(in crate::report) fn write_findings(page: &mut Page, heading: &str, findings: &[FindingView], accounts_max: usize) {
    if findings.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, heading)]);
    for finding in findings {
        write_finding(page, finding, accounts_max);
    }
}

fn write_finding(page: &mut Page, finding: &FindingView, accounts_max: usize) {
    let FindingView { harm, code, message, address, since, until, help, accounts } = finding;
    let style = if *harm == Harm::Harmless.as_str() { NOTICE } else { BAD };
    page.line(4, &[Span(style, code), Span(PLAIN, ": "), Span(PLAIN, message)]);
    page.line(6, &[Span(FAINT, "at "), Span(PLAIN, address)]);
    let times = since_until(since.as_deref(), until.as_deref());
    if !times.is_empty() {
        page.line(6, &[Span(NOTICE, &times)]);
    }
    write_accounts(page, accounts, accounts_max);
    if !help.is_empty() {
        page.line(6, &[Span(PLAIN, "next: "), Span(PLAIN, help)]);
    }
}

fn write_accounts(page: &mut Page, accounts: &[AccountView], accounts_max: usize) {
    if accounts.len() > 1 {
        let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
        let ids = words::some(&ids, accounts_max);
        let many = format!("the same for {}: {ids}", words::count(accounts.len(), "account"));
        page.line(6, &[Span(FAINT, &many)]);
    }
}

/// Writes what is not proved; nothing where all is.
pub(in crate::report) fn write_unproven(page: &mut Page, open: &[UnprovenView], accounts_max: usize) {
    if open.is_empty() {
        return;
    }
    page.heading(&[Span(BAD, "Not proved"), Span(FAINT, ", and never taken for proved")]);
    for UnprovenView { invariant, principal, why, address, accounts } in open {
        let of = format!("{principal}: ");
        page.line(2, &[Span(BAD, invariant), Span(PLAIN, " for "), Span(PLAIN, &of), Span(PLAIN, why)]);
        if address != principal {
            page.line(6, &[Span(FAINT, "at "), Span(PLAIN, address)]);
        }
        write_accounts(page, accounts, accounts_max);
    }
}
