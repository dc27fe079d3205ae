//! Plans and drift: risks first, then changes by account, then what else matters, then one line.

use crate::report::plan::assessment::{WORTH_KNOWING, write_findings, write_harms, write_unproven};
use crate::report::plan::drift_comparison::{write_since, write_traces};
use crate::report::plan::other_trails::{LeftoverView, OtherTrailView};
use crate::report::plan::problems::{account_spans, ids, write_problems};
use crate::report::plan::subject::ReportSubject;
use crate::report::plan::view::{EntryView, HeadroomView, PlanView, RiskView, SectionView, TIGHT_PERCENT, view};
use crate::report::plan::violations::write_violations;
use crate::report::text::layout::{Layout, style_of};
use crate::report::text::lines::Line;
use crate::report::text::page::{BAD, FAINT, GOOD, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words;

/// Returns the report of a plan, or of what drifted.
pub fn plan(subject: &ReportSubject<'_>, layout: Layout) -> String {
    let PlanView {
        purpose,
        organization,
        deployment,
        in_sync,
        summary,
        verdict,
        partial,
        since,
        traces,
        harms,
        remarks,
        risks,
        violations,
        unproven,
        sections,
        leftovers,
        other_trails,
        headroom,
        blockers,
        problems,
    } = &view(subject, layout.detail());
    let mut page = Page::new(layout.width);
    page.line(
        0,
        &[
            Span(PLAIN, "Organization "),
            Span(STRONG, organization),
            Span(PLAIN, ", deployment "),
            Span(STRONG, deployment),
        ],
    );
    if let Some(since) = since {
        write_since(&mut page, since, layout.accounts());
    }
    write_harms(&mut page, harms, layout.accounts());
    write_violations(&mut page, violations, layout.accounts());
    // What could not be read is why most of what follows is not proved.
    write_problems(&mut page, "Could not be read", problems, layout);
    write_unproven(&mut page, unproven, layout.accounts());
    write_risks(&mut page, risks);
    sections.iter().for_each(|section| write_section(&mut page, section, layout));
    write_findings(&mut page, WORTH_KNOWING, remarks, layout.accounts());
    write_traces(&mut page, traces, layout.accounts());
    write_leftovers(&mut page, leftovers, layout);
    write_other_trails(&mut page, other_trails, layout);
    write_headroom(&mut page, headroom, layout);
    write_problems(&mut page, "Stands in the way", blockers, layout);
    page.gap();
    let style = if *in_sync { GOOD } else { STRONG };
    let end = [("Found", verdict), ("Partial", partial)];
    let end = end.map(|(word, text)| text.as_ref().map(|text| format!(" {word}: {text}.")).unwrap_or_default());
    page.line(0, &[Span(style, &format!("{purpose}: {summary}.{}", end.concat()))]);
    page.finish()
}

fn write_risks(page: &mut Page, risks: &[RiskView]) {
    if risks.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Risks of the changes")]);
    for RiskView { risk, meaning, entries } in risks {
        page.line(2, &[Span(BAD, risk), Span(PLAIN, ": "), Span(PLAIN, meaning)]);
        for entry in entries {
            let head = format!("{} {} ", entry.mark, entry.action);
            let same = if entry.count > 1 { format!("  {} times", words::grouped(entry.count)) } else { String::new() };
            page.line(4, &[Span(style_of(entry.mark), &head), Span(PLAIN, &entry.address), Span(FAINT, &same)]);
        }
    }
}

fn write_leftovers(page: &mut Page, leftovers: &[LeftoverView], layout: Layout) {
    if leftovers.is_empty() {
        return;
    }
    let count = words::count(leftovers.len(), "resource");
    page.heading(&[Span(STRONG, "No longer wanted"), Span(PLAIN, ": "), Span(PLAIN, &count)]);
    for LeftoverView { address, how } in leftovers.iter().take(layout.accounts()) {
        page.line(4, &[Span(PLAIN, address)]);
        page.line(6, &[Span(FAINT, how)]);
    }
    let more = leftovers.len().saturating_sub(layout.accounts());
    if more > 0 {
        page.line(4, &[Span(FAINT, &format!("and {} more; --verbose names them all", words::grouped(more)))]);
    }
}

fn write_section(page: &mut Page, section: &SectionView, layout: Layout) {
    let SectionView { accounts, entries } = section;
    match accounts.as_slice() {
        [only] => page.heading(&account_spans(only)),
        many => {
            page.heading(&[Span(STRONG, &words::count(many.len(), "account"))]);
            page.line(4, &[Span(FAINT, &ids(many, layout))]);
        }
    }
    for entry in entries {
        write_entry(page, entry, accounts.len(), layout);
    }
}

fn write_entry(page: &mut Page, entry: &EntryView, accounts_of_section: usize, layout: Layout) {
    let EntryView { mark, action, kind, region, name, address: _, harm, risks, reason, count, accounts, lines } = entry;
    let style = style_of(*mark);
    let (head, kind) = (format!("{mark} {action}"), format!(" {kind} "));
    let region = region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
    let risks = if risks.is_empty() { String::new() } else { format!(" [{}]", risks.join(", ")) };
    let harm = harm.map(|harm| format!(" now {harm}")).unwrap_or_default();
    page.line(
        2,
        &[
            Span(style, &head),
            Span(PLAIN, &kind),
            Span(STRONG, name),
            Span(PLAIN, &region),
            Span(BAD, &harm),
            Span(BAD, &risks),
        ],
    );
    if *count > 1 {
        let same = format!("the same for {}", words::count(*count, "account"));
        // The heading has named the accounts already where there is one resource in each.
        let which = if accounts_of_section == *count { String::new() } else { format!(": {}", ids(accounts, layout)) };
        page.line(6, &[Span(FAINT, &same), Span(FAINT, &which)]);
    }
    lines.iter().for_each(|line| write_line(page, line));
    page.line(6, &[Span(FAINT, "because of "), Span(FAINT, reason)]);
}

fn write_line(page: &mut Page, line: &Line) {
    let Line { depth, mark, text } = line;
    let indent = 6 + 2 * depth;
    page.line_hanging(
        indent,
        indent + 4,
        &[Span(style_of(*mark), &mark.to_string()), Span(PLAIN, " "), Span(PLAIN, text)],
    );
}

fn write_other_trails(page: &mut Page, other_trails: &[OtherTrailView], layout: Layout) {
    if other_trails.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Other trails")]);
    for OtherTrailView { address, finding, cost, overlap, commands, accounts } in other_trails {
        page.line(2, &[Span(PLAIN, address)]);
        if accounts.len() > 1 {
            let many = format!("the same in {}: {}", words::count(accounts.len(), "account"), ids(accounts, layout));
            page.line(6, &[Span(FAINT, &many)]);
        }
        page.line(6, &[Span(PLAIN, finding)]);
        for text in [cost, overlap].into_iter().filter(|text| !text.is_empty()) {
            page.line(6, &[Span(NOTICE, text)]);
        }
        if !commands.is_empty() {
            page.line(6, &[Span(FAINT, "its owner ends that with")]);
            commands.iter().for_each(|command| page.verbatim(8, command));
        }
    }
}

fn write_headroom(page: &mut Page, limits: &[HeadroomView], layout: Layout) {
    let shown: Vec<&HeadroomView> = limits.iter().filter(|h| layout.verbose || h.percent > TIGHT_PERCENT).collect();
    if shown.is_empty() {
        return;
    }
    page.heading(&[Span(STRONG, "Limits")]);
    for HeadroomView { account, what, used, limit, percent } in shown {
        let style = if *percent > TIGHT_PERCENT { NOTICE } else { PLAIN };
        let (use_of, part) = (format!("{what}: {used} of {limit} "), format!("({percent} %)"));
        page.line(2, &[Span(PLAIN, &use_of), Span(style, &part), Span(FAINT, " in "), Span(FAINT, &account.id)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::fixture;
    use crate::report::plan::subject::Purpose;

    fn text(accounts: usize, layout: Layout) -> String {
        let (plan_, organization) = (fixture::plan(accounts), fixture::organization(accounts));
        let report = plan(&ReportSubject::new(&plan_, &organization, Purpose::Plan), layout);
        anstream::adapter::strip_str(&report).to_string()
    }

    #[test]
    fn plans_of_all_sizes() {
        let wide = Layout { width: 120, verbose: false };
        insta::assert_snapshot!("plan_of_1_account", text(1, wide));
        insta::assert_snapshot!("plan_of_12_accounts", text(12, wide));
        insta::assert_snapshot!("plan_of_500_accounts", text(500, wide));
        insta::assert_snapshot!("plan_of_12_accounts_narrow_verbose", text(12, Layout { width: 60, verbose: true }));
    }

    #[test]
    fn a_large_organization_is_as_short_as_a_small_one() {
        let wide = Layout { width: 120, verbose: false };
        assert_eq!(text(500, wide).lines().count(), text(12, wide).lines().count());
    }

    #[test]
    fn no_change_is_one_line() {
        let mut nothing = fixture::plan(12);
        nothing.changes.clear();
        nothing.blockers.clear();
        nothing.problems.clear();
        nothing.other_trails.clear();
        nothing.headroom.clear();
        nothing.violations.clear();
        let layout = Layout { width: 100, verbose: false };
        let report = plan(&ReportSubject::new(&nothing, &fixture::organization(12), Purpose::Drift), layout);
        insta::assert_snapshot!(anstream::adapter::strip_str(&report).to_string(), @r"
        Organization o-exampleorgid, deployment acme

        Drift: 0 to create, 0 to update, 0 to adopt, 0 to retire, 812 unchanged.
        ");
    }

    /// Everything that is wrong, in the order of what it does, and the risk of the repair beside it.
    #[test]
    fn what_is_wrong_now_stands_first_the_worst_of_it_at_the_top() {
        let plan_ = fixture::assessed(fixture::plan(12), "CloudTrail");
        let organization = fixture::organization(12);
        let subject = ReportSubject::new(&plan_, &organization, Purpose::Drift);
        let report = plan(&subject, Layout { width: 120, verbose: false });
        let text = anstream::adapter::strip_str(&report).to_string();
        let end = text.rsplit_once("\n\n").unwrap().1;
        let shown = format!("{}...\n{end}", text.split_once("Risks of the changes").unwrap().0);
        insta::assert_snapshot!("human_wrong_now", shown);
        let hostile = fixture::assessed(fixture::plan(3), fixture::HOSTILE);
        let subject = ReportSubject::new(&hostile, &organization, Purpose::Drift);
        fixture::assert_nothing_acts(
            &anstream::adapter::strip_str(&plan(&subject, Layout { width: 80, verbose: true })).to_string(),
        );
    }

    #[test]
    fn hostile_text_is_inert() {
        let (plan_, organization) = fixture::hostile();
        let subject = ReportSubject::new(&plan_, &organization, Purpose::Plan);
        let report = plan(&subject, Layout { width: 80, verbose: true });
        let text = anstream::adapter::strip_str(&report).to_string();
        assert!(text.contains("\\u{1b}[2J") && text.contains("\\u{202e}"), "{text}");
        fixture::assert_nothing_acts(&text);
    }
}
