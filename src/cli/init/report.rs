//! What `orgtrail init` says: what is there, what it costs, what was written, and what comes next.

use std::path::Path;

use super::Seen;
use crate::init::text::Remarks;
use crate::report::page::{FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::words;

/// Returns the page.
pub(super) fn page(seen: &Seen, remarks: &Remarks, file: &Path, width: usize) -> String {
    let mut page = Page::new(width);
    let active = seen.organization.accounts.values().filter(|account| account.state.is_active()).count();
    let accounts = format!(": {}, {active} active", words::count(seen.organization.accounts.len(), "account"));
    page.line(0, &[Span(PLAIN, "Organization "), Span(STRONG, seen.organization.id.as_str()), Span(PLAIN, &accounts)]);
    write_found(&mut page, seen, remarks);
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

fn write_found(page: &mut Page, seen: &Seen, remarks: &Remarks) {
    if seen.found.is_empty() {
        page.line(2, &[Span(FAINT, "no trails were found")]);
        return;
    }
    page.heading(&[Span(STRONG, "Already there")]);
    for found in &seen.found {
        page.line(2, &[Span(PLAIN, &found.words())]);
        if let Some(cost) = found.cost().filter(|_| !remarks.adopts) {
            page.line(6, &[Span(NOTICE, "cost: "), Span(PLAIN, &cost)]);
        }
    }
}

fn write_list(page: &mut Page, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, heading)]);
    lines.iter().for_each(|line| page.line(2, &[Span(PLAIN, line)]));
}
