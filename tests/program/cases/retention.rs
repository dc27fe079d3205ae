//! How long logs are kept, and when they are archived.

use serde_json::{Value, json};

use super::folder::Case;

fn bucket_change(case: &Case) -> Value {
    let plan: Value = serde_json::from_str(&case.must(2, "plan --format json --estate estate.json")).unwrap();
    let mut changes = plan["changes"].as_array().unwrap().iter();
    let mut change = changes.find(|change| change["kind"] == "bucket").unwrap().clone();
    change["findings"] = plan["findings"].clone();
    change
}

#[test]
fn fewer_days_for_old_versions_is_a_risk_that_the_daemon_does_not_take() {
    for now in ["2555", "null"] {
        let case = Case::open("01");
        let estate = case
            .read("estate.json")
            .replace("\"expire_noncurrent_after_days\": 2555", &format!("\"expire_noncurrent_after_days\": {now}"));
        case.write("estate.json", &estate);
        assert_eq!(bucket_change(&case)["risk"], json!(["weakens", "destroys"]), "{now}");
        case.must(1, "apply --yes --estate estate.json");
        case.run("reconcile --once --estate estate.json");
        assert_eq!(case.read("estate.json"), estate, "{now}");
    }
}

#[test]
fn how_long_old_versions_are_kept_can_be_said() {
    let case = Case::open("01");
    let config = |days: &str| {
        let both = format!("expire_after_days: 2555, expire_old_versions_after_days: {days}");
        case.read("orgtrail.yaml").replace("expire_after_days: 2555", &both)
    };
    let (kept, longer) = (config("2555"), config("never"));
    case.write("orgtrail.yaml", &kept);
    case.must(0, "plan --estate estate.json");
    case.write("orgtrail.yaml", &longer);
    assert_eq!(bucket_change(&case)["risk"], json!(["safe"]));
}

#[test]
fn logs_that_must_be_restored_soon_are_a_risk_with_its_meaning() {
    let case = Case::open("16");
    let change = bucket_change(&case);
    assert_eq!(change["risk"], json!(["weakens", "costs"]));
    let codes: Vec<&str> = change["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"archived-logs-must-be-restored") && codes.contains(&"small-objects-stay"), "{codes:?}");
    case.must(1, "apply --yes --estate estate.json");
    let late = case.read("orgtrail.yaml").replace("archive_after_days: 1,", "archive_after_days: 400,");
    case.write("orgtrail.yaml", &late);
    assert_eq!(bucket_change(&case)["risk"], json!(["weakens"]));
}

#[test]
fn a_lock_that_outlasts_the_logs_is_refused() {
    let case = Case::open("01");
    let config = case.read("orgtrail.yaml");
    let lock = "object_lock: {mode: compliance, days: 3000}, lifecycle";
    case.write("orgtrail.yaml", &config.replace("lifecycle", lock));
    let run = case.run("validate");
    assert!(run.code == 1 && run.stderr.contains("locked for 3000"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_bucket_with_mfa_delete_keeps_its_lifecycle_and_the_plan_says_so() {
    let case = Case::open("01");
    let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
    let at = "222222222222/eu-central-1/bucket/acme-org-cloudtrail";
    estate["estate"]["sightings"][at]["present"]["bucket"]["mfa_delete"] = json!(true);
    case.write("estate.json", &estate.to_string());
    let plan: Value = serde_json::from_str(&case.must(2, "plan --format json --estate estate.json")).unwrap();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["findings"][0]["code"], "mfa-delete-refuses-lifecycle");
}
