//! A plan as JUnit XML, for CI systems that show test results: what is not as it should be, and who reads what they
//! should not, is a failed test; what could not be read is an error.

use crate::organization::Organization;
use crate::plan::{Harm, Plan};
use crate::report::plan::account::AccountView;
use crate::report::plan::assessment::{FindingView, UnprovenView, since_until};
use crate::report::plan::subject::{Purpose, ReportSubject};
use crate::report::plan::view::{self, EntryView, PlanView, ProblemView};
use crate::report::plan::violations::ViolationView;
use crate::report::text::escape;
use crate::report::text::lines::{Detail, Line};
use crate::report::text::words;

/// Returns the XML of a plan, or of what drifted.
///
/// What is as it should be is one passed test, with the number of resources in its name.
pub fn plan(plan: &Plan, organization: &Organization, purpose: Purpose) -> String {
    let view = view::view(&ReportSubject::new(plan, organization, purpose), Detail::Full);
    let PlanView { purpose, deployment, harms, remarks, violations, unproven, sections, blockers, problems, .. } =
        &view;
    let findings: Vec<&FindingView> = harms.iter().flat_map(|harm| &harm.findings).chain(remarks).collect();
    let entries = sections.iter().flat_map(|section| &section.entries);
    let mut failed: Vec<(usize, String)> =
        findings.into_iter().map(|found| (rank(Some(found.harm)), finding(found))).collect();
    failed.extend(violations.iter().map(|found| (rank(Some(found.harm)), violation(found))));
    failed.extend(entries.map(|entry| (rank(entry.harm), change(entry))));
    failed.sort_by_key(|(rank, _)| *rank);
    let failures = failed.len();
    let errors = unproven.len() + blockers.len() + problems.len();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", 1 + failures + errors);
    let suite = escape::html(&format!("orgtrail {} of {deployment}", purpose.to_lowercase()));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"orgtrail\" {counts}>\n  \
         <testsuite name=\"{suite}\" {counts}>\n"
    );
    let unchanged = words::count(plan.unchanged, "resource");
    xml.push_str(&format!("    <testcase classname=\"orgtrail\" name=\"{unchanged} as wanted\"/>\n"));
    failed.iter().for_each(|(_, failure)| xml.push_str(failure));
    unproven.iter().for_each(|open| xml.push_str(&not_proved(open)));
    blockers.iter().chain(problems).for_each(|problem| xml.push_str(&failing(problem)));
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// Returns the place of a harm among all, the worst first.
fn rank(harm: Option<&str>) -> usize {
    Harm::ALL.iter().position(|other| Some(other.as_str()) == harm).unwrap_or(Harm::ALL.len())
}

fn finding(found: &FindingView) -> String {
    let FindingView { harm, code, message, address, since, until, help, accounts } = found;
    let mut body = vec![format!("for {}", ids(accounts))];
    let times = since_until(since.as_deref(), until.as_deref());
    body.extend((!times.is_empty()).then_some(times));
    body.extend((!help.is_empty()).then(|| format!("next: {help}")));
    testcase(address, "failure", &format!("{code}: {message}"), harm, &body)
}

fn not_proved(open: &UnprovenView) -> String {
    let UnprovenView { invariant, principal, why, address, accounts } = open;
    let message = format!("{invariant} is not proved for {principal}: {why}");
    testcase(address, "error", &message, "unproven", &[format!("for {}", ids(accounts))])
}

fn violation(found: &ViolationView) -> String {
    let ViolationView { invariant, harm, example, statement, repair, address, accounts } = found;
    let mut body: Vec<String> = statement.iter().map(|statement| format!("because of {statement}")).collect();
    body.push(format!("for {}", ids(accounts)));
    body.push(format!("next: {repair}"));
    testcase(address, "failure", &format!("{invariant} ({harm}): {example}"), "isolation", &body)
}

fn change(entry: &EntryView) -> String {
    let EntryView { action, kind, name, address, harm, risks, reason, count, accounts, lines, .. } = entry;
    let many = if *count > 1 { format!(", the same for {}", words::count(*count, "account")) } else { String::new() };
    let message = format!("{action} {kind} {name}{many}, because of {reason}");
    let risks = if risks.is_empty() { "safe".to_owned() } else { risks.join(", ") };
    let kind = harm.unwrap_or(Harm::Harmless.as_str());
    let mut body: Vec<String> = lines.iter().map(line).collect();
    body.push(format!("risk of the change: {risks}"));
    body.push(format!("for {}", ids(accounts)));
    testcase(address, "failure", &message, kind, &body)
}

fn line(Line { depth, mark, text }: &Line) -> String {
    format!("{}{mark} {text}", "  ".repeat(*depth))
}

fn failing(problem: &ProblemView) -> String {
    let ProblemView { stage, code, message, help, address, accounts } = problem;
    let place = address.clone().unwrap_or_else(|| format!("{stage}: {code}"));
    let mut body = vec![format!("for {}", ids(accounts))];
    if !help.is_empty() {
        body.push(format!("next: {help}"));
    }
    testcase(&place, "error", message, code, &body)
}

fn ids(accounts: &[AccountView]) -> String {
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    words::some(&ids, 10)
}

fn testcase(name: &str, element: &str, message: &str, kind: &str, body: &[String]) -> String {
    let body: Vec<String> = body.iter().map(|line| escape::html(line)).collect();
    format!(
        "    <testcase classname=\"orgtrail\" name=\"{}\">\n      <{element} message=\"{}\" type=\"{}\">{}</{element}>\n    \
         </testcase>\n",
        escape::html(name),
        escape::html(message),
        escape::html(kind),
        body.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plan::fixture;

    fn xml(accounts: usize) -> String {
        plan(&fixture::plan(accounts), &fixture::organization(accounts), Purpose::Drift)
    }

    #[test]
    fn the_xml_of_a_plan() {
        insta::assert_snapshot!("junit_of_1_account", xml(1));
        insta::assert_snapshot!("junit_of_12_accounts", xml(12));
        insta::assert_snapshot!("junit_of_500_accounts", xml(500));
    }

    #[test]
    fn the_counts_are_those_of_the_elements() {
        let xml = xml(500);
        let cases = xml.matches("<testcase ").count();
        let (failures, errors) = (xml.matches("<failure ").count(), xml.matches("<error ").count());
        assert_eq!((cases, failures, errors), (10, 7, 2));
        let counts = format!("tests=\"{cases}\" failures=\"{failures}\" errors=\"{errors}\"");
        assert_eq!(xml.matches(&counts).count(), 2, "{xml}");
    }

    #[test]
    fn findings_are_failures_the_worst_first_and_what_is_not_proved_is_an_error() {
        let xml = plan(&fixture::assessed(fixture::plan(12), "CloudTrail"), &fixture::organization(12), Purpose::Drift);
        let kinds: Vec<&str> = xml.split(" type=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(kinds[..4], ["nothing-recorded", "logs-lost", "isolation", "logs-exposed"]);
        assert_eq!(kinds[4..6], ["less-protected", "less-protected"]);
        assert!(kinds.contains(&"unproven"), "{kinds:?}");
        let (failures, errors) = (xml.matches("<failure ").count(), xml.matches("<error ").count());
        assert_eq!(xml.matches(&format!("failures=\"{failures}\" errors=\"{errors}\"")).count(), 2);
        fixture::assert_nothing_acts(&plan(
            &fixture::assessed(fixture::plan(3), fixture::HOSTILE),
            &fixture::organization(3),
            Purpose::Drift,
        ));
    }

    #[test]
    fn in_sync_is_a_passed_test() {
        let mut nothing = fixture::plan(1);
        nothing.changes.clear();
        nothing.blockers.clear();
        nothing.violations.clear();
        let xml = plan(&nothing, &fixture::organization(1), Purpose::Drift);
        assert!(
            xml.contains("tests=\"1\" failures=\"0\" errors=\"0\"") && xml.contains("812 resources as wanted"),
            "{xml}"
        );
    }

    #[test]
    fn hostile_text_is_inert() {
        let (hostile, organization) = fixture::hostile();
        let xml = plan(&hostile, &organization, Purpose::Plan);
        fixture::assert_nothing_acts(&xml);
        assert!(xml.contains("&lt;script&gt;") && !xml.contains("<script"), "{xml}");
        let attribute_ends = xml.matches('"').count();
        assert_eq!(attribute_ends % 2, 0);
    }
}
