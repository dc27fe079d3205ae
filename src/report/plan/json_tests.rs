//! The JSON of a plan and of a run as other programs read it, held by snapshots: a change of our own types never
//! changes it unnoticed.

use serde_json::Value;

use crate::plan::saved::SavedPlan;
use crate::report::apply::model::ApplyJson;
use crate::report::plan::fixture;
use crate::report::text::json::text;
use serde::Serialize;

fn versionless(shape: &impl Serialize) -> String {
    text(shape).unwrap().replace(concat!('"', env!("CARGO_PKG_VERSION"), '"'), "\"VERSION\"")
}

#[test]
fn the_json_of_a_plan_and_of_a_run() {
    insta::assert_snapshot!("plan_json_of_1_account", versionless(&SavedPlan::from(&fixture::plan(1))));
    insta::assert_snapshot!("plan_json_of_12_accounts", versionless(&SavedPlan::from(&fixture::plan(12))));
    // Each of a thousand changes has some twenty lines: the first and the last show what they are like.
    let mut large = serde_json::to_value(SavedPlan::from(&fixture::plan(500))).unwrap();
    large["changes"].as_array_mut().unwrap().drain(1..997);
    insta::assert_snapshot!("plan_json_of_500_accounts", versionless(&large));
    insta::assert_snapshot!("apply_json", versionless(&ApplyJson::from(&fixture::apply_report(3))));
}

#[test]
fn every_change_is_there() {
    let json: Value = serde_json::from_str(&text(&SavedPlan::from(&fixture::plan(500))).unwrap()).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 998);
    assert_eq!(json["summary"]["create"], 994);
    assert_eq!(json["in_sync"], false);
    assert_eq!(json["complete"], false);
}

#[test]
fn hostile_text_comes_back_as_it_was() {
    let (plan, _) = fixture::hostile();
    let text = text(&SavedPlan::from(&plan)).unwrap();
    assert!(!text.contains('\u{1b}'));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["problems"][0]["message"], fixture::HOSTILE);
}
