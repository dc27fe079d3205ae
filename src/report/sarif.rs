//! A plan as SARIF 2.1.0, for code scanning: one result for each change, folded as in the other reports.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lines::Detail;
use super::subject::{Purpose, Subject};
use super::view::{self, AccountView, EntryView, PlanView, ProblemView};
use super::violations::ViolationView;
use super::{escape, words};
use crate::organization::Organization;
use crate::plan::{Plan, Risk};

/// What a result can be about: rule, level, description.
const RULES: [(&str, &str, &str); 8] = [
    ("weakens", "error", "A change gives less encryption, validation, retention, isolation or coverage"),
    ("destroys", "error", "A change loses something that cannot be made again"),
    ("interrupts", "warning", "A change may pause the delivery of logs, or what members do to the trail"),
    ("costs", "warning", "A change makes AWS bill something more"),
    ("safe", "note", "Something is not as the configuration wants it"),
    ("isolation", "error", "Somebody can read, write or assume what they should not, or cannot read what they should"),
    ("blocked", "error", "Something stands against the plan"),
    ("unreadable", "warning", "Something could not be read, so that nothing is known about it"),
];

/// Returns the SARIF of a plan, or of what drifted, as JSON text with a final line end.
///
/// `config_file` is the path of the configuration within its repository: a result without a file is not shown.
pub fn plan(plan: &Plan, organization: &Organization, purpose: Purpose, config_file: &str) -> String {
    let view = view::view(&Subject::new(plan, organization, purpose), Detail::Full);
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "orgtrail",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("orgtrail/{}/{}", view.purpose.to_lowercase(), view.deployment)},
            "results": results(&view, config_file),
        }],
    });
    format!("{log:#}\n")
}

fn rule((id, level, description): &(&str, &str, &str)) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": description},
        "defaultConfiguration": {"level": level},
    })
}

fn results(view: &PlanView, config_file: &str) -> Vec<Value> {
    let PlanView { violations, sections, blockers, problems, .. } = view;
    let blocked = blockers.iter().map(|problem| failing("blocked", problem));
    let violations = violations.iter().map(violation);
    let entries = sections.iter().flat_map(|section| &section.entries).map(change);
    let unreadable = problems.iter().map(|problem| failing("unreadable", problem));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbered = |found: Found| {
        let fingerprint = format!("{} {}", found.rule, found.place);
        let count = seen.entry(fingerprint.clone()).or_default();
        *count += 1;
        // The same kind of change in two groups of accounts: two results with one fingerprint would be shown as one.
        let fingerprint = if *count > 1 { format!("{fingerprint} #{count}") } else { fingerprint };
        result(&found, &fingerprint, config_file)
    };
    blocked.chain(violations).chain(entries).chain(unreadable).map(&mut numbered).collect()
}

/// A result before it is written.
struct Found {
    rule: &'static str,
    text: String,
    /// The same in the next run as long as the finding is.
    place: String,
    is_address: bool,
}

fn change(entry: &EntryView) -> Found {
    let EntryView { action, kind, name, address, risks, reason, count, .. } = entry;
    let worst = RULES.iter().map(|(id, _, _)| *id).find(|id| risks.contains(id)).unwrap_or(Risk::Safe.as_str());
    let many = if *count > 1 { format!(", the same for {}", words::count(*count, "account")) } else { String::new() };
    let risks = if risks.is_empty() { String::new() } else { format!(" [{}]", risks.join(", ")) };
    let text = format!("{action} {kind} {name}{many}{risks}, because of {reason}");
    Found { rule: worst, text, place: inert(address), is_address: true }
}

fn violation(violation: &ViolationView) -> Found {
    let ViolationView { invariant, example, statement, address, accounts: _ } = violation;
    let because = statement.as_ref().map(|statement| format!(", because of {statement}")).unwrap_or_default();
    let text = format!("{invariant}: {example}{because}");
    Found { rule: "isolation", text, place: inert(address), is_address: true }
}

fn failing(rule: &'static str, problem: &ProblemView) -> Found {
    let ProblemView { stage: _, code, message, help, address, accounts } = problem;
    let ids: Vec<&str> = accounts.iter().map(|AccountView { id, name: _ }| id.as_str()).collect();
    let next = if help.is_empty() { String::new() } else { format!("; next: {help}") };
    let text = format!("{code}: {message}, in {}{next}", words::some(&ids, 5));
    let place = address.clone().unwrap_or_else(|| format!("{code}: {message}"));
    Found { rule, text, place: inert(&place), is_address: address.is_some() }
}

fn inert(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn result(found: &Found, fingerprint: &str, config_file: &str) -> Value {
    let Found { rule, text, place, is_address } = found;
    let level = RULES.iter().find(|(id, _, _)| id == rule).map_or("none", |(_, level, _)| level);
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(config_file)}, "region": {"startLine": 1}},
    });
    if *is_address {
        location["logicalLocations"] = json!([{"fullyQualifiedName": place, "kind": "resource"}]);
    }
    json!({
        "ruleId": rule,
        "level": level,
        "message": {"text": message(text)},
        "locations": [location],
        "partialFingerprints": {"orgtrailPlace/v1": fingerprint},
    })
}

/// Makes a text inert in a message: links and placeholders are taken literally (SARIF 2.1.0, 3.11.5 and 3.11.6).
fn message(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in escape::terminal(text).chars() {
        match c {
            '[' | ']' | '\\' => safe.extend(['\\', c]),
            '{' | '}' => safe.extend([c, c]),
            c => safe.push(c),
        }
    }
    safe
}

/// Writes a relative path as a URI reference (RFC 3986): what is neither unreserved nor a slash is encoded.
fn uri(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded =
        path.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Kind;
    use crate::plan::Action;
    use crate::report::fixture;

    fn log(accounts: usize) -> String {
        plan(&fixture::plan(accounts), &fixture::organization(accounts), Purpose::Drift, "config/org trail.yaml")
    }

    #[test]
    fn the_sarif_of_a_plan() {
        let version = concat!('"', env!("CARGO_PKG_VERSION"), '"');
        let sized = |accounts: usize| log(accounts).replace(version, "\"VERSION\"");
        insta::assert_snapshot!("sarif_of_1_account", sized(1));
        insta::assert_snapshot!("sarif_of_12_accounts", sized(12));
        insta::assert_snapshot!("sarif_of_500_accounts", sized(500));
    }

    #[test]
    fn a_large_organization_has_as_many_results_as_a_small_one() {
        let results = |accounts: usize| {
            let log: Value = serde_json::from_str(&log(accounts)).unwrap();
            log["runs"][0]["results"].as_array().unwrap().len()
        };
        assert_eq!(results(500), results(12));
        assert_eq!(results(12), 9);
    }

    #[test]
    fn every_result_has_a_rule_a_file_and_a_fingerprint_of_its_own() {
        let log: Value = serde_json::from_str(&log(12)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let mut fingerprints = std::collections::BTreeSet::new();
        for result in results {
            assert!(
                RULES.iter().any(|(id, level, _)| result["ruleId"] == *id && result["level"] == *level),
                "{result}"
            );
            let file = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(file, "config/org%20trail.yaml");
            assert!(fingerprints.insert(result["partialFingerprints"]["orgtrailPlace/v1"].to_string()), "{result}");
        }
    }

    #[test]
    fn two_groups_of_the_same_place_are_two_results() {
        let drifted = |account: usize, to: &str| {
            fixture::change(Action::Update, account, Kind::Policy, "p").field("groups", json!([]), json!([to]))
        };
        let mut plan_ = fixture::plan(1);
        plan_.changes = vec![drifted(3, "a"), drifted(4, "a"), drifted(5, "b"), drifted(7, "b")];
        let log = plan(&plan_, &fixture::organization(12), Purpose::Drift, "orgtrail.yaml");
        assert_eq!(log.matches("\"safe <account>/global/policy/p\"").count(), 1, "{log}");
        assert_eq!(log.matches("\"safe <account>/global/policy/p #2\"").count(), 1, "{log}");
    }

    #[test]
    fn every_risk_has_a_rule() {
        assert!(Risk::ALL.iter().all(|risk| RULES.iter().any(|(id, _, _)| *id == risk.as_str())));
    }

    #[test]
    fn hostile_text_is_inert() {
        let (hostile, organization) = fixture::hostile();
        let log = plan(&hostile, &organization, Purpose::Plan, "orgtrail.yaml");
        fixture::assert_nothing_acts(&log);
        let log: Value = serde_json::from_str(&log).unwrap();
        let text = log["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
        assert!(text.contains("\\[x\\](javascript:x)") && !text.replace("\\[", "").contains('['), "{text}");
    }
}
