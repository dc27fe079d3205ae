//! What came of a plan: failures first, then what was left out, how delivery goes, and one line.

use std::collections::BTreeMap;

use crate::apply::outcome::{ApplyReport, Because, ChangeOutcome, ChangeResult, DeliveryState, TrailDelivery};
use crate::estate::{Address, Problem};
use crate::organization::Organization;
use crate::plan::Action;
use crate::report::apply::view::{failures, summary};
use crate::report::plan::account::account;
use crate::report::plan::assessment::{WORTH_KNOWING, WRONG_NOW, harmful, remarks, write_findings};
use crate::report::plan::problems::{account_spans, write_problems};
use crate::report::plan::view::problems;
use crate::report::text::layout::Layout;
use crate::report::text::page::{BAD, FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// Returns the report of a run.
pub fn apply(report: &ApplyReport, organization: &Organization, layout: Layout) -> String {
    let mut page = Page::new(layout.width);
    write_done(&mut page, report, organization, layout);
    write_problems(&mut page, "Failed", &problems(&failures(report), organization), layout);
    write_skipped(&mut page, report, layout);
    write_problems(&mut page, "Stands in the way", &problems(&report.blockers, organization), layout);
    write_problems(&mut page, "Could not be read", &problems(&report.problems, organization), layout);
    write_delivery(&mut page, &report.delivery);
    write_findings(&mut page, WRONG_NOW, &harmful(&report.findings, organization), layout.accounts());
    write_findings(&mut page, WORTH_KNOWING, &remarks(&report.findings, organization), layout.accounts());
    page.gap();
    let style = if report.is_complete() { GOOD } else { BAD };
    page.line(0, &[Span(style, &format!("Applied: {}", summary(report)))]);
    page.finish()
}

/// Writes what was done: counted by account, action and kind; each address where it is asked for.
fn write_done(page: &mut Page, report: &ApplyReport, organization: &Organization, layout: Layout) {
    let done = report.outcomes.iter().filter(|outcome| outcome.result == ChangeResult::Done);
    let mut counts: BTreeMap<(Action, &'static str), Vec<&Address>> = BTreeMap::new();
    for ChangeOutcome { address, action, result: _ } in done {
        counts.entry((*action, address.kind.words())).or_default().push(address);
    }
    if counts.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Done")]);
    for ((action, kind), addresses) in &counts {
        let what = words::count(addresses.len(), kind);
        page.line(2, &[Span(GOOD, past(*action)), Span(PLAIN, " "), Span(PLAIN, &what)]);
        // What is gone is named, each piece: nobody can look it up any more.
        let shown = if layout.verbose || addresses.len() == 1 || *action == Action::Retire {
            addresses.as_slice()
        } else {
            &[]
        };
        for address in shown {
            let who = account(&address.account, organization);
            page.line(6, &[vec![Span(PLAIN, &address.to_string()), Span(FAINT, "  ")], account_spans(&who)].concat());
        }
    }
    if report.retired().next().is_some() {
        let run = format!("retired in the run of {} on the plan {}", report.began, report.plan);
        page.line(2, &[Span(FAINT, &run)]);
    }
}

fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Adopt => "adopted",
        Action::Retire => "retired",
    }
}

/// Writes what was not tried, by the reason.
fn write_skipped(page: &mut Page, report: &ApplyReport, layout: Layout) {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for outcome in &report.outcomes {
        let reason = match &outcome.result {
            ChangeResult::Skipped(Because::Of(address)) => format!("because {address} was not made"),
            ChangeResult::Skipped(Because::Reason(reason)) => format!("because {reason}"),
            ChangeResult::Done | ChangeResult::Failed(_) | ChangeResult::TakenBack(_) => continue,
        };
        by_reason.entry(reason).or_default().push(outcome.address.to_string());
    }
    if by_reason.is_empty() {
        return;
    }
    page.heading(&[Span(NOTICE, "Skipped")]);
    for (reason, addresses) in &by_reason {
        let what = format!("{} ", words::count(addresses.len(), "change"));
        page.line(2, &[Span(PLAIN, &what), Span(PLAIN, reason)]);
        for address in addresses.iter().take(layout.accounts()) {
            page.line(6, &[Span(PLAIN, address)]);
        }
        if let Some(more) = addresses.len().checked_sub(layout.accounts()).filter(|more| *more > 0) {
            page.line(6, &[Span(FAINT, &format!("… and {} more", words::grouped(more)))]);
        }
    }
}

fn write_delivery(page: &mut Page, delivery: &[TrailDelivery]) {
    if delivery.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Delivery")]);
    for TrailDelivery { trail, state } in delivery {
        page.line(2, &[Span(PLAIN, &trail.to_string())]);
        match state {
            DeliveryState::Arrives(time) => {
                page.line(6, &[Span(GOOD, "log files arrive"), Span(PLAIN, ", the last one at "), Span(PLAIN, time)]);
            }
            DeliveryState::Waiting => {
                page.line(6, &[Span(NOTICE, "no log file yet"), Span(PLAIN, "; the first one takes some minutes")]);
            }
            DeliveryState::Fails(Problem { code, message, help, account: _, address: _, stage: _ }) => {
                page.line(6, &[Span(BAD, code), Span(PLAIN, ": "), Span(PLAIN, message)]);
                if !help.is_empty() {
                    page.line(6, &[Span(PLAIN, "next: "), Span(PLAIN, help)]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Kind;
    use crate::report::plan::fixture::{apply_report, assert_nothing_acts, hostile, organization, unreadable};

    fn text(report: &ApplyReport, organization: &Organization, verbose: bool) -> String {
        let text = apply(report, organization, Layout { width: 100, verbose });
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn a_run_with_failures() {
        let (report, organization) = (apply_report(12), organization(12));
        insta::assert_snapshot!("apply", text(&report, &organization, false));
        insta::assert_snapshot!("apply_verbose", text(&report, &organization, true));
    }

    #[test]
    fn the_same_failure_of_many_is_told_once() {
        let mut report = apply_report(12);
        for outcome in report.outcomes.iter_mut().filter(|o| o.address.kind == Kind::Role) {
            outcome.result =
                ChangeResult::Failed(Problem { account: outcome.address.account.clone(), ..unreadable(1) });
        }
        let text = text(&report, &organization(12), false);
        assert!(text.contains("at 100000000002/global/role/CloudTrailReadLogs-<account>"), "{text}");
        assert!(text.contains("Applied: 9 done, 11 failed"), "{text}");
    }

    #[test]
    fn a_run_without_failures_is_complete() {
        let mut report = apply_report(12);
        report.outcomes.retain(|outcome| outcome.result == ChangeResult::Done);
        report.delivery.clear();
        report.problems.clear();
        let text = text(&report, &organization(12), false);
        assert!(text.ends_with("Applied: 18 done, 0 failed, 0 skipped, 812 already as wanted.\n"), "{text}");
    }

    #[test]
    fn hostile_text_is_inert() {
        let (plan, organization) = hostile();
        let mut report = apply_report(1);
        report.problems = plan.problems.clone();
        report.outcomes.extend(plan.problems.into_iter().map(|problem| ChangeOutcome {
            address: plan.other_trails[0].address.clone(),
            action: Action::Create,
            result: ChangeResult::Failed(problem),
        }));
        let text = text(&report, &organization, true);
        assert!(text.contains("\\u{1b}[2J"), "{text}");
        assert_nothing_acts(&text);
    }
}
