//! What wakes the daemon.

use serde_json::{Value, json};

use super::folder::Case;

/// Writes the recorded estate of an organization with nothing of ours yet.
fn begin(case: &Case) {
    let account = |name: &str| json!({"name": name, "email": "", "state": "ACTIVE", "path": ["r-ab12"], "tags": {}});
    let estate = json!({
        "format_version": 1, "tool_version": "0.1.0", "completeness": "whole",
        "organization": {
            "id": "o-exampleorgid", "partition": "aws", "management_account": "111111111111",
            "units": {"r-ab12": {"name": "Root", "parent": null}},
            "accounts": {"111111111111": account("management"), "222222222222": account("log-archive"),
                         "333333333333": account("web")},
        },
        "estate": {"sightings": {}},
    });
    case.write("estate.json", &estate.to_string());
}

fn estate(case: &Case) -> Value {
    serde_json::from_str(&case.read("estate.json")).unwrap()
}

fn reader(case: &Case) -> Value {
    let role = "222222222222/global/role/CloudTrailReadLogs-333333333333";
    estate(case)["estate"]["sightings"][role]["present"]["role"].clone()
}

/// Case 15: an invited account and the end of a closure are told by two events of the service itself; an account that
/// departed for good is noted as left.
#[test]
fn accounts_that_join_by_invitation_or_are_gone_for_good_wake_the_daemon_and_are_noted_as_left() {
    let case = Case::open("15");
    begin(&case);
    case.must(0, "apply --estate estate.json --yes --allow costs");
    let made = estate(&case);
    let sightings = made["estate"]["sightings"].as_object().unwrap();
    let rules: Vec<&Value> = sightings.values().filter_map(|seen| seen.get("present")?.get("rule")).collect();
    assert_eq!(rules.len(), 4, "of the management and the log account, at home and where Organizations' events appear");
    for rule in rules {
        let pattern = &rule["pattern"];
        let kinds = json!(["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"]);
        assert_eq!(pattern["detail-type"], kinds);
        let names = pattern["detail"]["eventName"].as_array().unwrap();
        for name in ["AccountJoinedOrganization", "AccountDepartedOrganization"] {
            assert!(names.contains(&name.into()), "{name}: {names:?}");
        }
    }
    assert_eq!(reader(&case)["tags"]["orgtrail:left-at"], Value::Null);

    let mut gone = estate(&case);
    gone["organization"]["accounts"].as_object_mut().unwrap().remove("333333333333").unwrap();
    case.write("estate.json", &gone.to_string());
    case.must(0, "apply --estate estate.json --yes");
    let left = reader(&case)["tags"]["orgtrail:left-at"].as_str().map(str::to_owned).unwrap();
    assert!(left.parse::<jiff::civil::Date>().is_ok(), "{left}");
    let plan = case.must(0, "plan --estate estate.json --format json");
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let how = plan["kept"][0]["how"].as_str().unwrap();
    assert!(how.contains(&format!("its account left on {left}")), "{how}");
}
