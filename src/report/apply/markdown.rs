//! Outcomes as markdown, for comments of pull requests and for tickets.

use super::view::{self, ApplyView};
use crate::apply::outcome::ApplyReport;
use crate::organization::Organization;
use crate::report::text::comment::{Room, Shortened, longest};
use crate::report::text::template::{BadTemplate, Templates};

/// Returns the report of a run.
///
/// # Errors
/// [`BadTemplate`] where a template of the user cannot be rendered.
pub fn apply(report: &ApplyReport, organization: &Organization, templates: &Templates) -> Result<String, BadTemplate> {
    let whole = view::view(report, organization);
    let items = apply_items(&whole);
    longest(items, |items| {
        let mut view = whole.clone();
        let left_out = shorten_apply(&mut view, items);
        templates.render("apply.md.hbs", &Shortened { view, left_out })
    })
}

fn apply_items(view: &ApplyView) -> usize {
    let ApplyView { failed, skipped, problems, delivery, findings, retired, done, .. } = view;
    findings.len() + failed.len() + skipped.len() + problems.len() + delivery.len() + retired.len() + done.len()
}

fn shorten_apply(view: &mut ApplyView, items: usize) -> usize {
    let mut room = Room(items);
    let ApplyView { failed, skipped, problems, delivery, findings, retired, done, .. } = view;
    let first = room.keep(findings) + room.keep(failed) + room.keep(delivery) + room.keep(retired);
    first + room.keep(problems) + room.keep(skipped) + room.keep(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::fixture;

    #[test]
    fn a_run() {
        let templates = Templates::new(&[]).unwrap();
        let report = fixture::apply_report(12);
        insta::assert_snapshot!("apply", apply(&report, &fixture::organization(12), &templates).unwrap());
    }
}
