//! A saved plan is read again as it was written, and one that contradicts itself is refused with the place.

use std::error::Error;

use serde_json::{Value, json};

use crate::plan::saved::SavedPlan;
use crate::report::plan::fixture;

fn saved() -> Value {
    serde_json::to_value(SavedPlan::from(&fixture::assessed(fixture::plan(4), "text"))).unwrap()
}

/// Returns the error with what caused it.
fn refused(saved: &Value) -> String {
    let error = SavedPlan::parse(&saved.to_string()).unwrap_err();
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

fn first(saved: &Value, action: &str) -> usize {
    saved["changes"].as_array().unwrap().iter().position(|change| change["action"] == action).unwrap()
}

#[test]
fn what_is_written_is_read_again_also_where_a_run_of_drift_says_more() {
    let plan = fixture::assessed(fixture::plan(4), "text");
    let written = SavedPlan::from(&plan);
    let mut text = serde_json::to_value(&written).unwrap();
    assert_eq!(SavedPlan::parse(&text.to_string()).unwrap(), written);
    assert!(written.moved(&plan).is_empty());
    text["who"] = json!([]);
    text["comparison"] = Value::Null;
    assert_eq!(SavedPlan::parse(&text.to_string()).unwrap(), written);
}

#[test]
fn what_a_version_before_did_not_say_is_not_missed() {
    let mut old = saved();
    for part in ["tool_version", "complete", "worst_harm", "unproven", "findings", "kept", "headroom"] {
        old.as_object_mut().unwrap().remove(part);
    }
    old["changes"][0].as_object_mut().unwrap().remove("harm");
    old["other_trails"][0].as_object_mut().unwrap().remove("overlap");
    let trails = old.as_object_mut().unwrap().remove("other_trails").unwrap();
    old["evidence"] = trails;
    let read = SavedPlan::parse(&old.to_string()).unwrap();
    assert_eq!(read.other_trails.len(), 1);
    assert_eq!((read.changes[0].harm, read.findings.len()), (None, 0));
}

#[test]
fn a_plan_that_lies_is_refused_with_the_place() {
    let mut lie = saved();
    let at = first(&lie, "update");
    lie["changes"][at]["fields"] = json!([]);
    let address = lie["changes"][at]["address"].as_str().unwrap();
    assert_eq!(
        refused(&lie),
        format!(
            "its part `changes` is not as orgtrail writes it: entry {}, {address}: it is an update in which no field \
             differs",
            at + 1
        )
    );
    let mut lie = saved();
    let at = first(&lie, "retire");
    lie["changes"][at]["fields"] = json!([{"path": "tags", "before": null, "after": 1}]);
    assert!(refused(&lie).ends_with("it is a removal that changes fields"), "{}", refused(&lie));
    for (change, says) in [
        (json!({"account": "999999999999"}), "are not those of its address"),
        (json!({"action": "destroy"}), "unknown variant `destroy`"),
        (json!({"risk": []}), "names no risk"),
        (json!({"because": 1}), "unknown field `because`"),
    ] {
        let mut lie = saved();
        lie["changes"][0].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let told = refused(&lie);
        assert!(told.contains(says) && told.contains("entry 1, "), "{told}");
    }
    for (part, value, says) in [
        ("in_sync", json!(true), "although `changes` has some"),
        ("worst_harm", Value::Null, "does more harm"),
        ("surprise", json!(1), "its part `surprise` is not known to this version"),
        ("summary", json!({"create": 9, "update": 0, "adopt": 0, "retire": 0, "unchanged": 0}), "does not count"),
    ] {
        let mut lie = saved();
        lie[part] = value;
        assert!(refused(&lie).contains(says), "{}", refused(&lie));
    }
}

#[test]
fn what_is_missing_or_stands_twice_is_named() {
    let mut lie = saved();
    lie.as_object_mut().unwrap().remove("summary");
    assert!(refused(&lie).ends_with("`summary` is not as orgtrail writes it: it is missing"), "{}", refused(&lie));
    let twice = saved().to_string().replacen("\"in_sync\":false", "\"in_sync\":false,\"in_sync\":false", 1);
    let error = SavedPlan::parse(&twice).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("stands twice"), "{error}");
}

#[test]
fn another_decision_than_the_one_that_was_reviewed_is_seen() {
    let plan = fixture::assessed(fixture::plan(4), "text");
    let mut now = plan.clone();
    now.blockers.clear();
    assert!(!plan.blockers.is_empty());
    assert_eq!(SavedPlan::from(&plan).moved(&now), ["what stands against the plan is not the same"]);
}
