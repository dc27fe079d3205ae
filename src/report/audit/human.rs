//! The result of an audit for people at a terminal.

use anstyle::Style;

use super::view::{self, AuditView, GroupView, InactiveView, StandardView, SubjectView};
use crate::audit::Audit;
use crate::organization::Organization;
use crate::report::plan::problems::write_problems;
use crate::report::text::layout::Layout;
use crate::report::text::page::{BAD, FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// Returns the page: what failed with its fact and what helps, the rest by id; all of it in full with `verbose`.
pub fn human(audit: &Audit, organization: &Organization, layout: Layout) -> String {
    let AuditView {
        organization,
        deployment,
        summary,
        partial,
        standards,
        subjects,
        subjects_more,
        inactive,
        problems,
    } = view::view(audit, organization);
    let mut page = Page::new(layout.width);
    page.line(
        0,
        &[
            Span(PLAIN, "Organization "),
            Span(STRONG, &organization),
            Span(PLAIN, ", deployment "),
            Span(STRONG, &deployment),
        ],
    );
    subjects.iter().for_each(|subject| write_subject(&mut page, subject));
    if subjects_more > 0 {
        let more = format!("and {} more with trails of their own", words::count(subjects_more, "account"));
        page.line(2, &[Span(FAINT, &more)]);
    }
    write_inactive(&mut page, &inactive);
    standards.iter().for_each(|standard| write_standard(&mut page, standard, layout));
    write_problems(&mut page, "Could not be read", &problems, layout);
    page.gap();
    let style = if audit.has_failed() { BAD } else { GOOD };
    let partial = if partial { " (partial: something could not be read)" } else { "" };
    page.line(0, &[Span(style, &summary), Span(NOTICE, partial)]);
    page.finish()
}

fn write_subject(page: &mut Page, subject: &SubjectView) {
    let trails = words::count(subject.trails.len(), "trail");
    let members = match subject.members {
        0 => String::new(),
        count => format!(", inherited by {}", words::count(count, "member")),
    };
    let what = format!(" owns {trails}{members}");
    page.line(2, &[Span(STRONG, &subject.account.name), Span(PLAIN, &what)]);
    subject.trails.iter().for_each(|trail| page.line(4, &[Span(FAINT, trail)]));
}

fn write_inactive(page: &mut Page, inactive: &[InactiveView]) {
    if !inactive.is_empty() {
        let names: Vec<String> = inactive.iter().map(|i| format!("{} ({})", i.account.name, i.state)).collect();
        page.line(2, &[Span(FAINT, "not asked: "), Span(FAINT, &words::some(&names, 5))]);
    }
}

fn write_standard(page: &mut Page, standard: &StandardView, layout: Layout) {
    let version = format!(" {}", standard.version);
    page.heading(&[Span(STRONG, standard.name), Span(FAINT, &version)]);
    standard.failed.iter().for_each(|group| write_group(page, "fail", BAD, group));
    standard.unread.iter().for_each(|group| write_group(page, "unknown", NOTICE, group));
    let rest = [
        ("pass", GOOD, &standard.passed),
        ("not applicable", FAINT, &standard.not_applicable),
        ("unknown, not read", FAINT, &standard.outside),
    ];
    for (word, style, groups) in rest {
        if layout.verbose {
            groups.iter().for_each(|group| write_group(page, word, style, group));
        } else if !groups.is_empty() {
            let ids: Vec<&str> = groups.iter().flat_map(|group| &group.controls).map(|control| control.id).collect();
            page.line(2, &[Span(style, word), Span(PLAIN, ": "), Span(PLAIN, &ids.join(", "))]);
        }
    }
}

/// How many resources of one control are shown: without an organization trail there is one for each account.
const CHECKS_MAX: usize = 5;

fn write_group(page: &mut Page, word: &str, style: Style, group: &GroupView) {
    for control in &group.controls {
        let title = format!(" {} ", control.title);
        let severity = if word == "fail" { format!("({})", control.severity) } else { String::new() };
        page.line(
            2,
            &[
                Span(style, word),
                Span(PLAIN, " "),
                Span(STRONG, control.id),
                Span(PLAIN, &title),
                Span(FAINT, &severity),
            ],
        );
    }
    for check in group.checks.iter().take(CHECKS_MAX) {
        page.line(6, &[Span(FAINT, &check.place), Span(PLAIN, ": "), Span(PLAIN, &check.fact)]);
        if !check.fix.is_empty() {
            page.line(6, &[Span(PLAIN, "next: "), Span(PLAIN, &check.fix)]);
        }
    }
    if group.checks.len() > CHECKS_MAX {
        let more = format!("and {} more", words::grouped(group.checks.len() - CHECKS_MAX));
        page.line(6, &[Span(FAINT, &more)]);
    }
}
