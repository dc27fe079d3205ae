//! Plans and drift as markdown, for comments of pull requests and for tickets: risks first, details collapsed,
//! never longer than a comment may be. The same input gives the same bytes, so that a comment changes only when there
//! is something to say.

use serde::Serialize;

use crate::report::plan::subject::ReportSubject;
use crate::report::plan::view::{self, PlanView};
use crate::report::text::comment::{Room, Shortened, longest};
use crate::report::text::lines::Detail;
use crate::report::text::template::{BadTemplate, Templates};

/// Returns the report of a plan, or of what drifted.
///
/// # Errors
/// [`BadTemplate`] where a template of the user cannot be rendered.
pub fn plan(subject: &ReportSubject<'_>, templates: &Templates) -> Result<String, BadTemplate> {
    let whole = view::view(subject, Detail::Full);
    let items = plan_items(&whole);
    longest(items, |items| {
        let mut view = whole.clone();
        let left_out = shorten_plan(&mut view, items);
        templates.render("plan.md.hbs", &Shortened { view, left_out })
    })
}

/// What of a plan did not fit.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct LeftOut {
    /// Changes.
    changes: usize,
    /// Items of the other lists.
    others: usize,
}

fn plan_items(view: &PlanView) -> usize {
    let PlanView { harms, remarks, risks, violations, unproven, sections, .. } = view;
    let PlanView { leftovers, other_trails, headroom, blockers, problems, .. } = view;
    let harms: usize = harms.iter().map(|harm| harm.findings.len() + harm.entries.len()).sum();
    let since = view.since.as_ref().map_or(0, |since| since.findings.len());
    let risks: usize = risks.iter().map(|risk| risk.entries.len()).sum();
    let changes: usize = sections.iter().map(|section| section.entries.len()).sum();
    since
        + view.traces.len()
        + harms
        + remarks.len()
        + risks
        + violations.len()
        + unproven.len()
        + changes
        + leftovers.len()
        + other_trails.len()
        + headroom.len()
        + blockers.len()
        + problems.len()
}

/// Keeps so many items of a plan, the most important ones first; returns what was left out.
fn shorten_plan(view: &mut PlanView, items: usize) -> LeftOut {
    let mut room = Room(items);
    let mut others = room.keep(&mut view.blockers);
    others +=
        view.harms.iter_mut().map(|harm| room.keep(&mut harm.findings) + room.keep(&mut harm.entries)).sum::<usize>();
    others += room.keep(&mut view.unproven);
    others += view.risks.iter_mut().map(|risk| room.keep(&mut risk.entries)).sum::<usize>();
    others += room.keep(&mut view.violations) + room.keep(&mut view.problems);
    others += view.since.as_mut().map_or(0, |since| room.keep(&mut since.findings));
    let changes = keep_changes(view, &mut room);
    others += room.keep(&mut view.remarks) + room.keep(&mut view.traces);
    others += room.keep(&mut view.leftovers) + room.keep(&mut view.other_trails) + room.keep(&mut view.headroom);
    LeftOut { changes, others }
}

/// Keeps changes while there is room: those with a harm or a risk first, in the order of the report.
fn keep_changes(view: &mut PlanView, room: &mut Room) -> usize {
    let mut left_out = 0;
    for risky in [true, false] {
        for section in &mut view.sections {
            section.entries.retain(|entry| {
                let is_risky = entry.harm.is_some() || !entry.risks.is_empty();
                let keep = is_risky != risky || room.take();
                left_out += if keep { 0 } else { entry.count };
                keep
            });
        }
    }
    view.sections.retain(|section| !section.entries.is_empty());
    left_out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::estate::Kind;
    use crate::organization::Organization;
    use crate::plan::{Action, Plan, Risk};
    use crate::report::plan::fixture::{self, DrawChange};
    use crate::report::plan::subject::Purpose;
    use crate::report::text::comment::LIMIT_BYTES;

    fn text(of: &Plan, organization: &Organization) -> String {
        plan(&ReportSubject::new(of, organization, Purpose::Plan), &Templates::new(&[]).unwrap()).unwrap()
    }

    #[test]
    fn plans_of_all_sizes() {
        let sized = |accounts: usize| text(&fixture::plan(accounts), &fixture::organization(accounts));
        insta::assert_snapshot!("plan_of_1_account", sized(1));
        insta::assert_snapshot!("plan_of_12_accounts", sized(12));
        let large = sized(500);
        assert!(large.len() < LIMIT_BYTES / 4, "{}", large.len());
        insta::assert_snapshot!("plan_of_500_accounts", large);
    }

    #[test]
    fn what_is_wrong_now_is_told_and_inert() {
        let organization = fixture::organization(12);
        let assessed = text(&fixture::assessed(fixture::plan(12), "CloudTrail"), &organization);
        let part = assessed.split_once("### Wrong now").unwrap().1.split_once("### Risks").unwrap().0.to_owned();
        insta::assert_snapshot!("markdown_wrong_now", part);
        assert!(
            assessed.contains(
                "**Found**: 2 findings, 1 violation, 1 change and 1 not proved; the worst is nothing-recorded"
            )
        );
        assert!(assessed.contains("### Not proved"));
        let hostile = text(&fixture::assessed(fixture::plan(3), fixture::HOSTILE), &organization);
        fixture::assert_nothing_acts(&hostile);
        let bare = without_escapes(&without_code(&hostile));
        assert!(!bare.contains("<script") && !bare.contains("@admin") && !bare.contains("https://"), "{bare}");
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        let organization = fixture::organization(12);
        assert_eq!(text(&fixture::plan(12), &organization), text(&fixture::plan(12), &organization));
    }

    #[test]
    fn a_plan_without_changes_is_short() {
        let mut nothing = fixture::plan(1);
        nothing.changes.clear();
        nothing.blockers.clear();
        nothing.other_trails.clear();
        nothing.headroom.clear();
        nothing.violations.clear();
        let text = text(&nothing, &fixture::organization(1));
        assert!(text.lines().count() < 6 && text.contains("812 unchanged"), "{text}");
    }

    /// Changes that cannot be folded: each has a name of its own.
    fn diverse(count: usize) -> Plan {
        let mut plan = fixture::plan(1);
        plan.changes.extend((0..count).map(|n| {
            fixture::change(Action::Create, 2, Kind::Role, &format!("role-{n}")).field(
                "trust",
                json!(null),
                json!("x".repeat(n % 300)),
            )
        }));
        let dangerous = fixture::change(Action::Update, 2, Kind::Role, "zz-last").risks(&[Risk::Destroys], "readers");
        plan.changes.push(dangerous);
        plan
    }

    #[test]
    fn too_many_changes_are_left_out_whole_and_counted() {
        let text = text(&diverse(3000), &fixture::organization(12));
        assert!(text.len() <= LIMIT_BYTES && text.len() > LIMIT_BYTES * 9 / 10, "{}", text.len());
        assert!(text.contains("<code>zz-last</code>"), "what is risky stays");
        let shown = text.matches("<code>role-").count();
        assert!(
            text.contains(&format!("**{} changes left out here**", crate::report::text::words::grouped(3000 - shown)))
        );
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert_eq!(text.matches("```").count() % 2, 0);
    }

    #[test]
    fn too_many_problems_stay_below_the_limit_too() {
        let mut plan = diverse(10);
        plan.problems = (0..3000)
            .map(|n| crate::estate::Problem { message: format!("message {n}"), ..fixture::unreadable(3) })
            .collect();
        let text = text(&plan, &fixture::organization(12));
        assert!(text.len() <= LIMIT_BYTES, "{}", text.len());
        assert!(text.contains("other lines left out here"), "{text}");
    }

    #[test]
    fn hostile_text_is_inert() {
        let (plan, organization) = fixture::hostile();
        let text = text(&plan, &organization);
        fixture::assert_nothing_acts(&text);
        // Outside code, nothing of the hostile text is markup, a mention or a link.
        let bare = without_escapes(&without_code(&text));
        for acting in ["<script", "@admin", "](javascript", "https://", "<b>alert"] {
            assert!(!bare.contains(acting), "{acting} in {bare}");
        }
        assert!(text.contains("alert(1)"), "it is shown");
    }

    /// Takes out what a backslash has made ordinary text.
    fn without_escapes(text: &str) -> String {
        let mut chars = text.chars();
        let mut bare = String::new();
        while let Some(c) = chars.next() {
            if c == '\\' {
                chars.next();
            } else {
                bare.push(c);
            }
        }
        bare
    }

    /// Takes out fenced blocks and code spans, as markdown reads them.
    fn without_code(text: &str) -> String {
        let mut bare = String::new();
        let mut fence: Option<String> = None;
        for line in text.lines() {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            match &fence {
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None if ticks.len() >= 3 && line.ends_with("diff") => fence = Some(ticks),
                None => bare.push_str(&without_spans(&without_elements(line))),
            }
        }
        assert_eq!(fence, None, "an open fence");
        bare
    }

    /// Takes out what stands in `<code>` elements.
    fn without_elements(line: &str) -> String {
        let parts = line.split("<code>").map(|part| part.split_once("</code>").map_or(part, |(_, rest)| rest));
        parts.collect()
    }

    fn without_spans(line: &str) -> String {
        let mut bare = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            let escaped = rest[..at].ends_with('\\');
            let ticks: String = rest[at..].chars().take_while(|c| *c == '`').collect();
            bare.push_str(&rest[..at]);
            rest = &rest[at + ticks.len()..];
            if escaped {
                continue;
            }
            let close = rest
                .match_indices(&ticks)
                .map(|(n, _)| n)
                .find(|n| !rest[..*n].ends_with('`') && !rest[n + ticks.len()..].starts_with('`'));
            match close {
                Some(close) => rest = &rest[close + ticks.len()..],
                None => bare.push_str(&ticks),
            }
        }
        bare + rest + "\n"
    }
}
