//! What becomes of findings from run to run, and files that are no run.

use serde_json::{Value, json};

use super::compare::compare;
use super::{Comparison, DriftRecord, FindingKind, FindingState};
use crate::estate::{Address, Problem, Stage};
use crate::event::{AuditEvent, EventHistory};

use super::Trace;
use crate::plan::saved::AddressJson;

const ROLE: &str = "222222222222/global/role/CloudTrailReadLogs-333333333333";
const BUCKET: &str = "222222222222/eu-central-1/bucket/acme-org-cloudtrail";
const TRAIL: &str = "333333333333/eu-west-1/trail/own";

fn report(changes: Value) -> Value {
    let updates = changes.as_array().map_or(0, Vec::len);
    json!({
        "format_version": 1, "organization": "o-exampleorgid", "deployment": "acme", "fingerprint": "00",
        "in_sync": false, "summary": {"create": 0, "update": updates, "adopt": 0, "retire": 0, "unchanged": 0},
        "changes": changes, "violations": [], "problems": [], "blockers": [], "evidence": [],
    })
}

/// Writes an address, whole and in parts, before what else an entry says.
fn placed(address: &str, more: Value) -> Value {
    let place = AddressJson(address.parse().unwrap());
    let mut entry = serde_json::to_value(place).unwrap();
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

fn change(address: &str, after: Value) -> Value {
    let fields = json!([{"path": "versioning", "before": null, "after": after}]);
    placed(address, json!({"action": "update", "risk": ["safe"], "reason": "bucket", "fields": fields}))
}

fn record(report: &Value) -> DriftRecord {
    DriftRecord::parse(&report.to_string()).unwrap()
}

/// Compares at an hour of a day, and writes the comparison into the report as a run does.
fn run(mut report: Value, hour: u32, previous: Option<&Value>) -> (Value, Comparison) {
    let at = format!("2026-03-01T{hour:02}:00:00Z").parse().unwrap();
    let comparison = compare(&record(&report), at, previous.map(record).as_ref());
    report["comparison"] = serde_json::to_value(&comparison).unwrap();
    (report, comparison)
}

/// State, beginning of the key, and hour of the first sight.
fn told(comparison: &Comparison) -> Vec<(FindingState, String, Option<String>)> {
    let hour = |time: jiff::Timestamp| time.to_string()[11..13].to_owned();
    comparison.findings.iter().map(|e| (e.state, e.key.clone(), e.first_seen.map(hour))).collect()
}

fn seen(state: FindingState, kind: &str, place: &str, hour: &str) -> (FindingState, String, Option<String>) {
    (state, format!("{kind} {place}"), Some(hour.to_owned()))
}

#[test]
fn a_finding_is_new_then_still_there_then_changed_then_gone() {
    let (first, comparison) = run(report(json!([change(ROLE, json!(1))])), 1, None);
    assert_eq!(told(&comparison), [seen(FindingState::New, "change", ROLE, "01")]);
    assert!(comparison.first_run && comparison.previous_at.is_none());

    let (second, comparison) = run(report(json!([change(ROLE, json!(1)), change(BUCKET, json!(1))])), 2, Some(&first));
    let expected = [seen(FindingState::New, "change", BUCKET, "02"), seen(FindingState::Still, "change", ROLE, "01")];
    assert_eq!(told(&comparison), expected);
    assert_eq!(comparison.previous_at.unwrap().to_string(), "2026-03-01T01:00:00Z");

    let (third, comparison) = run(report(json!([change(BUCKET, json!(2))])), 3, Some(&second));
    let expected =
        [seen(FindingState::Changed, "change", BUCKET, "02"), seen(FindingState::Gone, "change", ROLE, "01")];
    assert_eq!(told(&comparison), expected);
    assert_eq!(comparison.news().count(), 1);

    // What is gone is told once.
    let (_, comparison) = run(report(json!([])), 4, Some(&third));
    assert_eq!(told(&comparison), [seen(FindingState::Gone, "change", BUCKET, "02")]);
    assert_eq!((comparison.summary.gone, comparison.summary.new), (1, 0));
}

#[test]
fn what_could_not_be_looked_at_is_neither_gone_nor_new_again() {
    let (first, _) = run(report(json!([change(ROLE, json!(1))])), 1, None);
    let mut blind = report(json!([]));
    blind["problems"] = json!([{"account": "222222222222", "stage": "observe", "code": "AccessDenied", "message": "request 1", "help": ""}]);
    let (second, comparison) = run(blind, 2, Some(&first));
    let denied = "222222222222 observe AccessDenied";
    let expected = [seen(FindingState::New, "problem", denied, "02"), seen(FindingState::Unseen, "change", ROLE, "01")];
    assert_eq!(told(&comparison), expected);

    let (_, comparison) = run(report(json!([change(ROLE, json!(1))])), 3, Some(&second));
    let expected = [seen(FindingState::Still, "change", ROLE, "01"), seen(FindingState::Gone, "problem", denied, "02")];
    assert_eq!(told(&comparison), expected);
}

#[test]
fn one_address_that_could_not_be_read_hides_nothing_else() {
    let (first, _) = run(report(json!([change(ROLE, json!(1)), change(BUCKET, json!(1))])), 1, None);
    let mut blind = report(json!([]));
    blind["problems"] = json!([{"account": "222222222222", "address": BUCKET, "stage": "observe", "code": "AccessDenied", "message": "", "help": ""}]);
    let (_, comparison) = run(blind, 2, Some(&first));
    let states = |state| comparison.findings.iter().filter(|e| e.state == state).map(|e| &*e.key).collect::<Vec<_>>();
    assert_eq!(states(FindingState::Unseen), [format!("change {BUCKET}")]);
    assert_eq!(states(FindingState::Gone), [format!("change {ROLE}")]);
}

#[test]
fn aws_says_the_same_problem_in_other_words() {
    let problem = |words: &str| {
        let mut report = report(json!([]));
        report["problems"] = json!([{"account": "333333333333", "stage": "observe", "code": "AccessDenied", "message": words, "help": ""}]);
        report
    };
    let (first, _) = run(problem("request 1"), 1, None);
    let (_, comparison) = run(problem("request 2"), 2, Some(&first));
    assert_eq!(comparison.findings[0].state, FindingState::Still);
}

#[test]
fn a_report_that_compared_with_nothing_can_be_compared_with() {
    let mut plain = report(json!([change(ROLE, json!(1))]));
    plain["evidence"] = json!([placed(TRAIL, json!({"finding": "a trail", "cost": ""}))]);
    let (_, comparison) = run(plain.clone(), 5, Some(&plain));
    let expected =
        [(FindingState::Still, format!("change {ROLE}"), None), (FindingState::Still, format!("trail {TRAIL}"), None)];
    assert_eq!(told(&comparison), expected);
    assert!(!comparison.first_run && comparison.previous_at.is_none());
}

#[test]
fn a_file_that_is_no_run_says_what_it_is() {
    let wrong = |text: &str| DriftRecord::parse(text).unwrap_err().to_string();
    let whole = report(json!([change(ROLE, json!(1))])).to_string();
    assert_eq!(wrong(&whole[..whole.len() / 2]), "it is no JSON, or cut off");
    assert_eq!(wrong(""), "it is no JSON, or cut off");
    for foreign in ["{}", "[]", "null", r#"{"format_version": 1, "accounts": []}"#] {
        assert_eq!(wrong(foreign), "it is JSON, but not a report of `orgtrail drift`", "{foreign}");
    }
    let mut newer = report(json!([]));
    newer["format_version"] = json!(2);
    assert!(wrong(&newer.to_string()).contains("version 2"));
    for (part, value) in [
        ("changes", json!([{"address": "x", "action": "update"}])),
        ("changes", json!("none")),
        ("problems", json!([{}])),
        ("comparison", json!({"at": "yesterday"})),
        ("who", json!([{"address": ROLE}])),
    ] {
        let mut broken = report(json!([]));
        broken[part] = value;
        assert!(wrong(&broken.to_string()).contains(&format!("`{part}`")), "{broken}");
    }
}

#[test]
fn who_did_it_is_said_or_why_nobody_knows() {
    let address: Address = ROLE.parse().unwrap();
    let event_of = AuditEvent { time: "t".into(), actor: "a".into(), event: "e".into(), ..AuditEvent::default() };
    let history = |found: &[&AuditEvent], gap| EventHistory {
        found: found.iter().map(|event_of| (*event_of).clone()).collect(),
        gap,
    };
    let at = "2026-03-01T01:00:00Z".parse().unwrap();
    let trace = |found: &[&AuditEvent], gap| Trace::of(&address, history(found, gap), at);
    let named = trace(&[&event_of], Some("not all"));
    assert_eq!((named.unknown, named.gap.as_deref(), named.looked_up_at), (None, Some("not all"), Some(at)));
    let nobody = trace(&[], None);
    assert_eq!(nobody.unknown.unwrap(), "the event history of the last 90 days names no change");
    assert_eq!(
        (trace(&[], Some("not all")).unknown.unwrap(), trace(&[], Some("not all")).gap),
        ("not all".into(), None)
    );
    let problem = Problem {
        account: address.account.clone(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "cloudtrail:LookupEvents failed: no".into(),
        help: String::new(),
    };
    let unread = Trace::unread(&address, &problem, at);
    assert!(unread.unknown.as_ref().unwrap().contains("AccessDenied"));
    let again: Trace = serde_json::from_value(serde_json::to_value(&unread).unwrap()).unwrap();
    assert_eq!(again, unread);
}

#[test]
fn a_name_is_taken_over_for_the_same_change_only() {
    let traced = |address: &str, looked_up: Option<u32>| {
        let event = AuditEvent { actor: "mallory".into(), ..AuditEvent::default() };
        let history = EventHistory { found: vec![event], gap: None };
        let at = |hour| format!("2026-03-01T{hour:02}:00:00Z").parse().unwrap();
        Trace { looked_up_at: looked_up.map(at), ..Trace::of(&address.parse().unwrap(), history, at(1)) }
    };
    // A finding stays at the bucket, whose policy is changed in another way by then; the role is as it was.
    let with_finding = |changes: Vec<Value>| {
        let mut report = report(json!(changes));
        let finding = placed(BUCKET, json!({"harm": "logs-exposed", "code": "c", "message": "m", "help": ""}));
        report["findings"] = json!([finding]);
        report
    };
    let (first, _) = run(with_finding(vec![change(ROLE, json!(1)), change(BUCKET, json!(1))]), 1, None);
    let now = with_finding(vec![change(ROLE, json!(1)), change(BUCKET, json!(2))]);
    let (_, comparison) = run(now, 2, Some(&first));
    let states: Vec<_> = comparison.findings.iter().map(|entry| (entry.kind, entry.state)).collect();
    assert!(states.contains(&(FindingKind::Finding, FindingState::Still)), "{states:?}");
    assert!(states.contains(&(FindingKind::Change, FindingState::Changed)), "{states:?}");
    let empty = Trace::not_asked(&TRAIL.parse().unwrap(), 1);
    let kept = Trace::still_true(vec![traced(ROLE, Some(1)), traced(BUCKET, Some(1)), empty], &comparison);
    assert_eq!(kept, [traced(ROLE, Some(1))]);
    // It tells when it was looked up, where that was before.
    let asked = |looked_up| traced(ROLE, looked_up).asked_before(comparison.at);
    assert_eq!(asked(Some(1)).as_deref(), Some("looked up at 2026-03-01T01:00:00Z"));
    assert_eq!((asked(Some(2)), asked(None).as_deref()), (None, Some("looked up in an earlier run")));
    let written = serde_json::to_value(traced(ROLE, None)).unwrap();
    assert_eq!(serde_json::from_value::<Trace>(written).unwrap(), traced(ROLE, None), "a record of before is read");
}

mod properties {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// What a run finds: resources by number, each with what it says; and accounts that could not be read.
    type Found = (BTreeMap<u8, u8>, BTreeSet<u8>);

    fn found() -> impl Strategy<Value = Found> {
        (proptest::collection::btree_map(0..12_u8, 0..3_u8, 0..8), proptest::collection::btree_set(0..3_u8, 0..2))
    }

    /// Resource n is in account n modulo 3.
    fn account(number: u8) -> String {
        format!("{:012}", u64::from(number % 3) + 1)
    }

    fn report_of((changes, blind): &Found) -> Value {
        let visible = changes.iter().filter(|(number, _)| !blind.contains(&(*number % 3)));
        let changes = visible.map(|(n, says)| change(&format!("{}/global/role/r{n}", account(*n)), json!(says)));
        let mut report = report(changes.collect());
        let problem = |n: &u8| json!({"account": account(*n), "stage": "observe", "code": "AccessDenied", "message": "", "help": ""});
        report["problems"] = blind.iter().map(problem).collect();
        report
    }

    proptest! {
        /// Over any number of runs: what is seen is told once, with the first run that saw it while it stayed; what is
        /// hidden is kept; what was seen before and is neither is gone, once.
        #[test]
        fn nothing_is_lost_and_nothing_is_told_twice(runs in proptest::collection::vec(found(), 1..6)) {
            let mut previous: Option<Value> = None;
            let mut standing: BTreeMap<String, u32> = BTreeMap::new();
            for (hour, found) in (1_u32..).zip(&runs) {
                let report = report_of(found);
                let seen: BTreeSet<String> = record(&report).findings().into_keys().collect();
                let (written, comparison) = run(report, hour, previous.as_ref());
                let keys: BTreeSet<&String> = comparison.findings.iter().map(|entry| &entry.key).collect();
                prop_assert_eq!(keys.len(), comparison.findings.len(), "each once");
                for entry in &comparison.findings {
                    let first = standing.get(&entry.key).copied();
                    match entry.state {
                        FindingState::New => prop_assert!(seen.contains(&entry.key) && first.is_none()),
                        FindingState::Changed | FindingState::Still => prop_assert!(seen.contains(&entry.key) && first.is_some()),
                        FindingState::Unseen | FindingState::Gone => prop_assert!(!seen.contains(&entry.key) && first.is_some()),
                    }
                    let at = format!("2026-03-01T{:02}:00:00Z", first.unwrap_or(hour)).parse().unwrap();
                    prop_assert_eq!(entry.first_seen, Some(at));
                    match entry.state {
                        FindingState::New => drop(standing.insert(entry.key.clone(), hour)),
                        FindingState::Gone => drop(standing.remove(&entry.key)),
                        _ => {}
                    }
                }
                prop_assert!(standing.keys().all(|key| keys.contains(key)), "what stands is told");
                prop_assert!(seen.iter().all(|key| keys.contains(key)), "what is seen is told");
                previous = Some(written);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", cut in 0..400_usize) {
            let whole = run(report(json!([change(ROLE, json!(1))])), 1, None).0.to_string();
            let _ = DriftRecord::parse(&text);
            let _ = DriftRecord::parse(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
