//! Problems of a survey or a run, for people at a terminal.

use super::account::AccountView;
use super::view::ProblemView;
use crate::report::text::layout::Layout;
use crate::report::text::page::{BAD, FAINT, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// Returns an account's name, and its id beside it where it has a name.
pub(in crate::report) fn account_spans(account: &AccountView) -> Vec<Span<'_>> {
    let AccountView { id, name } = account;
    let mut spans = vec![Span(STRONG, name)];
    if id != name {
        spans.extend([Span(PLAIN, "  "), Span(PLAIN, id)]);
    }
    spans
}

/// Returns the ids of accounts, as many as the layout has room for.
pub(in crate::report) fn ids(accounts: &[AccountView], layout: Layout) -> String {
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    words::some(&ids, layout.accounts())
}

/// Writes problems under a heading; nothing where there are none.
pub(in crate::report) fn write_problems(page: &mut Page, heading: &str, problems: &[ProblemView], layout: Layout) {
    if problems.is_empty() {
        return;
    }
    page.heading(&[Span(BAD, heading)]);
    for ProblemView { stage: _, code, message, help, address, accounts } in problems {
        page.line(2, &[Span(BAD, code), Span(PLAIN, ": "), Span(PLAIN, message)]);
        match accounts.as_slice() {
            [only] => page.line(6, &[vec![Span(FAINT, "in ")], account_spans(only)].concat()),
            many => {
                let many = format!("the same for {}: {}", words::count(many.len(), "account"), ids(many, layout));
                page.line(6, &[Span(FAINT, &many)]);
            }
        }
        if let Some(address) = address {
            page.line(6, &[Span(FAINT, "at "), Span(PLAIN, address)]);
        }
        if !help.is_empty() {
            page.line(6, &[Span(PLAIN, "next: "), Span(PLAIN, help)]);
        }
    }
}
