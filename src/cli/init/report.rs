//! What `orgtrail init` says: what is there, what it costs, what was written, and what comes next.

use std::path::Path;

use super::Seen;
use crate::estate::Problem;
use crate::init::text::Remarks;
use crate::report::text::page::{FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// Returns what is there: the organization, its trails and what a second copy costs.
pub(super) fn there(seen: &Seen, adopts: bool, width: usize) -> String {
    let mut page = Page::new(width);
    let active = seen.organization.accounts.values().filter(|account| account.state.is_active()).count();
    let accounts = format!(": {}, {active} active", words::count(seen.organization.accounts.len(), "account"));
    page.line(0, &[Span(PLAIN, "Organization "), Span(STRONG, seen.organization.id.as_str()), Span(PLAIN, &accounts)]);
    let problems = seen.unread.iter().map(|problem| {
        let Problem { account, address, code, message, help, .. } = problem;
        let place = address.as_ref().map_or_else(|| account.to_string(), ToString::to_string);
        let next = if help.is_empty() { String::new() } else { format!("; next: {help}") };
        format!("{place}: {code}: {message}{next}")
    });
    write_list(&mut page, "Could not be read, so that more may be there", &problems.collect::<Vec<_>>());
    if seen.found.is_empty() {
        page.line(2, &[Span(FAINT, "no trails were found")]);
        return page.finish();
    }
    page.heading(&[Span(STRONG, "Already there")]);
    for found in &seen.found {
        page.line(2, &[Span(PLAIN, &found.words())]);
        if let Some(cost) = found.cost().filter(|_| !adopts) {
            page.line(6, &[Span(NOTICE, "cost: "), Span(PLAIN, &cost)]);
        }
    }
    page.finish()
}

/// Returns what was written, and what comes next.
pub(super) fn written(remarks: &Remarks, file: &Path, width: usize) -> String {
    let mut page = Page::new(width);
    write_list(&mut page, "Cannot be said in a configuration", &remarks.inexpressible);
    if remarks.adopts {
        let heading = "The first plan changes, beside tags and readers";
        write_list(&mut page, heading, &remarks.remaining);
    }
    page.gap();
    page.line(0, &[Span(GOOD, "wrote "), Span(STRONG, &file.display().to_string())]);
    let apply = if remarks.adopts { "`orgtrail apply --adopt`" } else { "`orgtrail apply`" };
    let next = format!("next: read it, then `orgtrail plan`, then {apply}");
    page.line(0, &[Span(PLAIN, &next)]);
    page.finish()
}

fn write_list(page: &mut Page, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, heading)]);
    lines.iter().for_each(|line| page.line(2, &[Span(PLAIN, line)]));
}
