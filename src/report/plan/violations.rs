//! What the documents of a plan let happen and should not, as people read it: each with its counter-example. The texts
//! are not escaped; each format does that for itself.

use serde::Serialize;

use crate::organization::Organization;
use crate::plan::{Harm, Violation};
use crate::policy::isolation::Invariant;
use crate::report::plan::account::{AccountView, account};
use crate::report::plan::group::{self, Own, group_by};
use crate::report::text::page::{BAD, FAINT, PLAIN, Page, Span};
use crate::report::text::words;

/// A violated invariant, or many that are the same in several accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViolationView {
    /// Such as `reads-only-own`.
    pub invariant: &'static str,
    /// What it does as long as it stays.
    pub harm: &'static str,
    /// `P can A on R`: the request that is allowed and should not be, or the reverse.
    pub example: String,
    /// The statement to blame; none where one is missing.
    pub statement: Option<String>,
    /// What to do about it.
    pub repair: String,
    /// The address of the document, with `<account>` in it where it stands for many.
    pub address: String,
    /// The accounts that it is about.
    pub accounts: Vec<AccountView>,
}

#[derive(PartialEq, Eq, Hash)]
struct Words {
    invariant: Invariant,
    harm: Harm,
    example: String,
    statement: Option<String>,
    repair: String,
    address: String,
}

/// Folds violations that are the same but for the account that they are about.
pub fn violations(found: &[Violation], organization: &Organization) -> Vec<ViolationView> {
    let subject = |violation: &Violation| group::subject_of_address(&violation.address, organization);
    let words = |violation: &Violation, hide: &dyn Fn(&str) -> String| {
        let Violation { address, invariant, principal, action, resource, statement, author: _ } = violation;
        Words {
            invariant: *invariant,
            harm: violation.harm(),
            example: hide(&format!("{principal} {} {action} on {resource}", invariant.shows())),
            statement: statement.as_deref().map(hide),
            repair: hide(&violation.repair()),
            address: hide(&address.to_string()),
        }
    };
    let key = |violation: &Violation| words(violation, &|text| Own::of(&subject(violation), organization).hide(text));
    let mut found: Vec<&Violation> = found.iter().collect();
    found.sort_by_key(|violation| violation.harm());
    let views = group_by(&found, |violation| key(violation)).into_iter().map(|(folded, members)| {
        let Words { invariant, harm, example, statement, repair, address } = match members.as_slice() {
            [only] => words(only, &str::to_owned),
            _ => folded,
        };
        let accounts = members.iter().map(|violation| account(&subject(violation), organization)).collect();
        ViolationView {
            invariant: invariant.as_str(),
            harm: harm.as_str(),
            example,
            statement,
            repair,
            address,
            accounts,
        }
    });
    views.collect()
}

/// Writes them under a heading; nothing where there are none.
pub fn write_violations(page: &mut Page, found: &[ViolationView], accounts_max: usize) {
    if found.is_empty() {
        return;
    }
    page.heading(&[Span(BAD, "Not isolated")]);
    for ViolationView { invariant, harm, example, statement, repair, address, accounts } in found {
        let harm = format!(" ({harm}): ");
        page.line(2, &[Span(BAD, invariant), Span(FAINT, &harm), Span(PLAIN, example)]);
        if let Some(statement) = statement {
            page.line(6, &[Span(FAINT, "because of "), Span(PLAIN, statement)]);
        }
        page.line(6, &[Span(FAINT, "at "), Span(PLAIN, address)]);
        if accounts.len() > 1 {
            let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
            let ids = words::some(&ids, accounts_max);
            let many = format!("the same for {}: {ids}", words::count(accounts.len(), "account"));
            page.line(6, &[Span(FAINT, &many)]);
        }
        page.line(6, &[Span(PLAIN, "next: "), Span(PLAIN, repair)]);
    }
}
