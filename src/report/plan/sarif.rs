//! A plan as SARIF 2.1.0, for code scanning: one result for each change, folded as in the other reports.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::organization::Organization;
use crate::plan::{Harm, Plan};
use crate::report::plan::account::AccountView;
use crate::report::plan::assessment::{FindingView, UnprovenView, since_until};
use crate::report::plan::subject::{Purpose, ReportSubject};
use crate::report::plan::view::{self, EntryView, PlanView, ProblemView};
use crate::report::plan::violations::ViolationView;
use crate::report::text::escape;
use crate::report::text::lines::Detail;
use crate::report::text::words;

/// What a result can be about.
struct Rule {
    id: &'static str,
    level: &'static str,
    /// How bad it is, as code scanning ranks it: 9.0 and more is critical, 7.0 high, 4.0 medium; none where only the
    /// level counts (GitHub docs, "SARIF support for code scanning", `security-severity`).
    severity: Option<&'static str>,
    about: &'static str,
}

/// All rules, the worst first. What the drift does now and what the change risks each have theirs.
const RULES: [Rule; 13] = [
    rule_of("nothing-recorded", "error", Some("9.8"), "Events are not recorded"),
    rule_of("logs-lost", "error", Some("9.3"), "Logs are being lost"),
    rule_of("logs-exposed", "error", Some("8.0"), "Logs are open to readers or writers that were not meant"),
    rule_of(
        "isolation",
        "error",
        Some("8.0"),
        "A principal can read, write or assume what it should not, or cannot read what it should",
    ),
    rule_of("destroys", "error", None, "A change loses something that cannot be made again"),
    rule_of("weakens", "error", None, "A change gives less encryption, validation, retention, isolation or coverage"),
    rule_of("blocked", "error", None, "The plan is blocked"),
    rule_of("less-protected", "warning", Some("5.0"), "Logs are less protected than configured"),
    rule_of("unproven", "warning", Some("5.0"), "Isolation could be neither proved nor refuted"),
    rule_of("unreadable", "warning", None, "Something could not be read, so that nothing is known about it"),
    rule_of("interrupts", "warning", None, "A change may pause the delivery of logs, or what members do to the trail"),
    rule_of("costs", "warning", None, "A change makes AWS bill something more"),
    rule_of("harmless", "note", None, "Something is not as the configuration wants it, and no log is touched"),
];

const fn rule_of(id: &'static str, level: &'static str, severity: Option<&'static str>, about: &'static str) -> Rule {
    Rule { id, level, severity, about }
}

/// Returns the SARIF of a plan, or of what drifted, as JSON text with a final line end.
///
/// `config_file` is the path of the configuration within its repository: a result without a file is not shown.
pub fn plan(plan: &Plan, organization: &Organization, purpose: Purpose, config_file: &str) -> String {
    let view = view::view(&ReportSubject::new(plan, organization, purpose), Detail::Full);
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

fn rule(Rule { id, level, severity, about }: &Rule) -> Value {
    let mut rule = json!({
        "id": id,
        "shortDescription": {"text": about},
        "defaultConfiguration": {"level": level},
    });
    if let Some(severity) = severity {
        rule["properties"] = json!({"security-severity": severity, "tags": ["security"]});
    }
    rule
}

fn results(view: &PlanView, config_file: &str) -> Vec<Value> {
    let PlanView { harms, remarks, violations, unproven, sections, blockers, problems, .. } = view;
    let findings = harms.iter().flat_map(|harm| &harm.findings).chain(remarks).map(finding);
    let entries = sections.iter().flat_map(|section| &section.entries).map(change);
    let violations = violations.iter().map(violation);
    let mut found: Vec<Found> = findings.chain(violations).chain(entries).collect();
    found.extend(blockers.iter().map(|problem| failing("blocked", problem)));
    found.extend(unproven.iter().map(not_proved));
    found.extend(problems.iter().map(|problem| failing("unreadable", problem)));
    found.sort_by_key(|found| rank(found.rule));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let numbered = |found: Found| {
        let fingerprint = format!("{} {} {}", found.rule, found.place, found.kind);
        let fingerprint = fingerprint.trim_end().to_owned();
        let count = seen.entry(fingerprint.clone()).or_default();
        *count += 1;
        // The same kind of change in two groups of accounts: two results with one fingerprint would be shown as one.
        let fingerprint = if *count > 1 { format!("{fingerprint} #{count}") } else { fingerprint };
        result(&found, &fingerprint, config_file)
    };
    found.into_iter().map(numbered).collect()
}

/// Returns the place of a rule among all, the worst first.
fn rank(rule: &str) -> usize {
    RULES.iter().position(|other| other.id == rule).unwrap_or(RULES.len())
}

/// A result before it is written.
struct Found {
    rule: &'static str,
    text: String,
    /// The same in the next run as long as the finding is.
    place: String,
    is_address: bool,
    /// What tells it from others at the same place; empty where the rule does.
    kind: String,
}

/// What the drift does and what the change risks: whichever is worse is the rule, and the text has both.
fn change(entry: &EntryView) -> Found {
    let EntryView { action, kind, name, address, harm, risks, reason, count, .. } = entry;
    let words = risks.iter().copied().chain(*harm);
    let worst = words.min_by_key(|word| rank(word)).unwrap_or(Harm::Harmless.as_str());
    let many = if *count > 1 { format!(", the same for {}", words::count(*count, "account")) } else { String::new() };
    let harm = harm.map(|harm| format!("{harm} now: ")).unwrap_or_default();
    let risks = if risks.is_empty() { "safe".to_owned() } else { risks.join(", ") };
    let text = format!("{harm}{action} {kind} {name}{many}, risk of the change: {risks}, because of {reason}");
    Found { rule: worst, text, place: inert(address), is_address: true, kind: String::new() }
}

fn finding(finding: &FindingView) -> Found {
    let FindingView { harm, code, message, address, since, until, help, accounts: _ } = finding;
    let times = since_until(since.as_deref(), until.as_deref());
    let times = if times.is_empty() { String::new() } else { format!(" ({times})") };
    let next = if help.is_empty() { String::new() } else { format!("; next: {help}") };
    let text = format!("{code}: {message}{times}{next}");
    Found { rule: harm, text, place: inert(address), is_address: true, kind: inert(code) }
}

fn violation(violation: &ViolationView) -> Found {
    let ViolationView { invariant, harm, example, statement, repair, address, accounts: _ } = violation;
    let because = statement.as_ref().map(|statement| format!(", because of {statement}")).unwrap_or_default();
    let text = format!("{invariant} ({harm}): {example}{because}; next: {repair}");
    Found { rule: "isolation", text, place: inert(address), is_address: true, kind: String::new() }
}

fn not_proved(open: &UnprovenView) -> Found {
    let UnprovenView { invariant, principal, why, address, accounts: _ } = open;
    let text = format!("{invariant} is not proved for {principal}: {why}");
    Found {
        rule: "unproven",
        text,
        place: inert(address),
        is_address: true,
        kind: inert(&format!("{invariant} {principal}")),
    }
}

fn failing(rule: &'static str, problem: &ProblemView) -> Found {
    let ProblemView { stage: _, code, message, help, address, accounts } = problem;
    let ids: Vec<&str> = accounts.iter().map(|AccountView { id, name: _ }| id.as_str()).collect();
    let next = if help.is_empty() { String::new() } else { format!("; next: {help}") };
    let text = format!("{code}: {message}, in {}{next}", words::some(&ids, 5));
    let place = address.clone().unwrap_or_else(|| format!("{code}: {message}"));
    Found { rule, text, place: inert(&place), is_address: address.is_some(), kind: String::new() }
}

fn inert(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn result(found: &Found, fingerprint: &str, config_file: &str) -> Value {
    let Found { rule, text, place, is_address, kind: _ } = found;
    let level = RULES.iter().find(|other| other.id == *rule).map_or("none", |rule| rule.level);
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
    use crate::plan::{Action, Risk};
    use crate::report::plan::fixture::{self, DrawChange};

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
            assert!(RULES.iter().any(|rule| result["ruleId"] == rule.id && result["level"] == rule.level), "{result}");
            let file = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(file, "config/org%20trail.yaml");
            assert!(fingerprints.insert(result["partialFingerprints"]["orgtrailPlace/v1"].to_string()), "{result}");
        }
    }

    #[test]
    fn the_worst_harm_is_the_first_result_and_critical() {
        let assessed = fixture::assessed(fixture::plan(12), "CloudTrail");
        let log = plan(&assessed, &fixture::organization(12), Purpose::Drift, "orgtrail.yaml");
        let log: Value = serde_json::from_str(&log).unwrap();
        let rules: Vec<&str> =
            log["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["ruleId"].as_str().unwrap()).collect();
        assert_eq!(rules[..4], ["nothing-recorded", "logs-lost", "logs-exposed", "isolation"]);
        assert!(rules.contains(&"less-protected") && rules.contains(&"unproven"));
        let severity = |id: &str| {
            let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
            let rule = rules.iter().find(|rule| rule["id"] == id).unwrap();
            rule["properties"]["security-severity"].as_str().unwrap().parse::<f64>().unwrap()
        };
        assert!(severity("nothing-recorded") >= 9.0 && severity("logs-lost") >= 9.0);
        assert!((7.0..9.0).contains(&severity("logs-exposed")) && severity("less-protected") < 7.0);
        let hostile = fixture::assessed(fixture::plan(3), fixture::HOSTILE);
        fixture::assert_nothing_acts(&plan(&hostile, &fixture::organization(3), Purpose::Drift, "orgtrail.yaml"));
    }

    #[test]
    fn two_groups_of_the_same_place_are_two_results() {
        let drifted = |account: usize, to: &str| {
            fixture::change(Action::Update, account, Kind::Policy, "p").field("groups", json!([]), json!([to]))
        };
        let mut plan_ = fixture::plan(1);
        plan_.changes = vec![drifted(3, "a"), drifted(4, "a"), drifted(5, "b"), drifted(7, "b")];
        let log = plan(&plan_, &fixture::organization(12), Purpose::Drift, "orgtrail.yaml");
        assert_eq!(log.matches("\"harmless <account>/global/policy/p\"").count(), 1, "{log}");
        assert_eq!(log.matches("\"harmless <account>/global/policy/p #2\"").count(), 1, "{log}");
    }

    #[test]
    fn every_harm_and_every_risk_has_a_rule_and_the_worst_harm_is_the_first() {
        let has = |word: &str| RULES.iter().any(|rule| rule.id == word);
        assert!(Risk::ALL.iter().all(|risk| *risk == Risk::Safe || has(risk.as_str())));
        assert!(Harm::ALL.iter().all(|harm| has(harm.as_str())));
        assert!(Harm::ALL.is_sorted_by_key(|harm| rank(harm.as_str())));
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
