//! Reports for people at a terminal.
//!
//! The text has ANSI styles in it, which the command line takes out where nobody sees them; it reads without them.

use anstyle::Style;

use super::lines::Detail;
use super::page::{BAD, FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span, TAKEN};
use super::view::{AccountView, ProblemView};
use super::words;

mod apply;
mod plan;

pub use apply::apply;
pub use plan::plan;

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Columns.
    pub width: usize,
    /// New policies in full, all accounts of a folded change, all limits.
    pub verbose: bool,
}

impl Layout {
    fn detail(self) -> Detail {
        if self.verbose { Detail::Full } else { Detail::Brief }
    }

    /// How many accounts of a folded change are named.
    fn accounts(self) -> usize {
        if self.verbose { usize::MAX } else { 5 }
    }
}

fn style_of(mark: char) -> Style {
    match mark {
        '+' => GOOD,
        '~' => NOTICE,
        '!' => TAKEN,
        '-' => BAD,
        _ => FAINT,
    }
}

fn account_spans(account: &AccountView) -> Vec<Span<'_>> {
    let AccountView { id, name } = account;
    let mut spans = vec![Span(STRONG, name)];
    if id != name {
        spans.extend([Span(PLAIN, "  "), Span(PLAIN, id)]);
    }
    spans
}

fn ids(accounts: &[AccountView], layout: Layout) -> String {
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    words::some(&ids, layout.accounts())
}

/// Writes problems under a heading; nothing where there are none.
pub(super) fn write_problems(page: &mut Page, heading: &str, problems: &[ProblemView], layout: Layout) {
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
