//! Advice that never does harm.

use serde_json::Value;

use super::folder::Case;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn plan(case: &Case) -> Value {
    json(&case.run("plan --estate estate.json --format json").stdout)
}

fn finding<'a>(plan: &'a Value, code: &str) -> Option<&'a Value> {
    plan["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code)
}

/// Returns the control of the report of `check`.
fn control(case: &Case, standard: &str, id: &str) -> Value {
    let run = case.run(&format!("check --standard {standard} --estate estate.json --format json"));
    let report = json(&run.stdout);
    let controls = report["controls"].as_array().unwrap();
    controls.iter().find(|control| control["id"] == id).unwrap_or_else(|| panic!("{report:#}")).clone()
}

#[test]
fn a_trail_that_shares_no_event_has_no_price_and_no_commands() {
    let case = Case::open("06");
    let other = |case: &Case| plan(case)["other_trails"][0].clone();
    let none = other(&case);
    assert_eq!((none["cost"].as_str().unwrap_or(""), &none["commands"]), ("", &Value::Array(Vec::new())), "{none:#}");
    assert!(none.to_string().contains("ONLY THIS TRAIL RECORDS: management events that read"), "{none:#}");
    let text = case.run("plan --estate estate.json").stdout;
    assert!(!text.contains("delete-trail") && !text.contains("stop-logging"), "{text}");

    let config = case.read("orgtrail.yaml");
    case.write("orgtrail.yaml", &config.replace("{read: false, write: true}", "{read: true, write: true}"));
    let part = other(&case);
    assert!(part["cost"].as_str().unwrap().contains("management events that read"), "{part:#}");
    assert_eq!(part["commands"].as_array().unwrap().len(), 2, "{part:#}");
}

#[test]
fn a_wildcard_in_a_selector_is_a_problem_with_its_place_and_what_helps() {
    let case = Case::open("07");
    let run = case.run("validate");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("orgtrail.yaml:14:"), "{}", run.stderr);
    assert!(run.stderr.contains("not_starts_with: [\"arn:aws:s3:::acme-logs-\"]"), "{}", run.stderr);

    // A trail that drifted there is judged the same way.
    let config = case.read("orgtrail.yaml");
    case.write("orgtrail.yaml", config.split("    data_events:").next().unwrap());
    let mut estate = json(&case.read("estate.json"));
    let trail =
        &mut estate["estate"]["sightings"]["111111111111/eu-central-1/trail/acme-org-trail"]["present"]["trail"];
    let objects = serde_json::json!({
        "eventCategory": {"equals": ["Data"]},
        "resources.type": {"equals": ["AWS::S3::Object"]},
        "resources.ARN": {"not_equals": ["arn:aws:s3:::acme-logs-*/*"]},
    });
    trail["selectors"].as_array_mut().unwrap().push(objects);
    case.write("estate.json", &estate.to_string());
    let plan = plan(&case);
    assert!(finding(&plan, "selector-wildcard").is_some(), "{plan:#}");
}

#[test]
fn a_trail_that_records_itself_is_said_and_leaving_the_log_bucket_out_is_no_gap() {
    let case = Case::open("08");
    let before = plan(&case);
    let found = finding(&before, "trail-records-itself").unwrap_or_else(|| panic!("{before:#}"));
    let line = "not_starts_with: [\"arn:aws:s3:::acme-org-cloudtrail/\"]";
    assert!(found["help"].as_str().unwrap().contains(line), "{found:#}");

    let config = case.read("orgtrail.yaml");
    case.write("orgtrail.yaml", &format!("{config}          - {{field: resources.ARN, {line}}}\n"));
    assert!(finding(&plan(&case), "trail-records-itself").is_none());
    case.run("apply --estate estate.json --yes --allow costs");
    for id in ["3.8", "3.9"] {
        let control = control(&case, "cis-5.0", id);
        assert_eq!(control["verdict"], "pass", "{control:#}");
        assert!(control.to_string().contains("but acme-org-cloudtrail"), "{control:#}");
    }
}

#[test]
fn a_trail_that_leaves_its_own_prefix_out_does_not_record_itself() {
    let case = Case::open("08");
    let config = case.read("orgtrail.yaml").replace("bucket: {", "bucket: {prefix: org, ");
    assert!(config.contains("prefix: org"), "{config}");
    let with = |left_out: &str| {
        let line = format!("not_starts_with: [\"arn:aws:s3:::acme-org-cloudtrail/{left_out}\"]");
        case.write("orgtrail.yaml", &format!("{config}          - {{field: resources.ARN, {line}}}\n"));
        finding(&plan(&case), "trail-records-itself").is_some()
    };
    assert_eq!([with("org/AWSLogs/"), with("AWSLogs/"), with("other/")], [false, true, true]);
}

#[test]
fn access_logs_that_cannot_arrive_are_said_and_no_pass() {
    let case = Case::open("09");
    let said = |case: &Case| {
        let plan = plan(case);
        let found = finding(&plan, "access-logs-stopped").unwrap_or_else(|| panic!("{plan:#}"));
        found["message"].as_str().unwrap().to_owned()
    };
    assert!(said(&case).contains("default retention"), "{}", said(&case));
    case.run("apply --estate estate.json --yes --allow costs");
    let control = control(&case, "cis-5.0", "3.4");
    assert_eq!(control["verdict"], "fail", "{control:#}");

    let mut estate = json(&case.read("estate.json"));
    let at = "222222222222/eu-central-1/bucket/acme-access-logs";
    let set = |estate: &mut Value, field: &str, value: Value| {
        estate["estate"]["sightings"][at]["present"]["bucket"][field] = value;
    };
    set(&mut estate, "object_lock", Value::Null);
    case.write("estate.json", &estate.to_string());
    assert!(said(&case).contains("aws:kms"), "{}", said(&case));
    set(&mut estate, "encryption", Value::Null);
    case.write("estate.json", &estate.to_string());
    assert!(said(&case).contains("does not let logging.s3.amazonaws.com in"), "{}", said(&case));
    estate["estate"]["sightings"].as_object_mut().unwrap().remove(at);
    case.write("estate.json", &estate.to_string());
    assert!(said(&case).contains("does not exist"), "{}", said(&case));
}

#[test]
fn a_key_that_waits_for_its_deletion_is_named_with_what_is_lost_and_the_plan_as_the_next_step() {
    let case = Case::open("11");
    let encryption = control(&case, "cis-5.0", "3.5");
    let check = &encryption["checks"][0];
    assert_eq!((&encryption["verdict"], &check["fixed_by_plan"]), (&"fail".into(), &true.into()), "{encryption:#}");
    let fact = check["fact"].as_str().unwrap();
    assert!(fact.contains("waiting for its deletion") && fact.contains("is lost"), "{fact}");
    assert!(check["setting"].is_null(), "{check:#}");
    let rotation = control(&case, "cis-5.0", "3.6");
    assert_eq!(rotation["verdict"], "fail", "{rotation:#}");
}
