//! Who reads whose logs, and that every command says so.

use serde_json::{Value, json};

use super::folder::Case;

/// Returns the statement of case 03 with another condition, in a copy of the case.
fn with_path(path: &str) -> Case {
    let case = Case::open("03");
    let estate = case.read("estate.json");
    assert!(estate.contains("\"o-exampleorgid/*\""), "the case has lost its statement");
    case.write("estate.json", &estate.replace("\"o-exampleorgid/*\"", &json!(path).to_string()));
    case
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_path_of_the_organization_is_known_to_every_command() {
    let whole = Case::open("03");
    let estate = json_of(&whole.read("estate.json"));
    let accounts = estate["organization"]["accounts"].as_object().unwrap();
    let mut units = accounts.values().map(|account| account["path"].as_array().unwrap());
    let unit = units.rfind(|path| path.len() > 1).expect("an account in a unit");
    let unit: Vec<&str> = unit.iter().map(|id| id.as_str().unwrap()).collect();
    for path in ["o-exampleorgid/*".to_owned(), format!("o-exampleorgid/{}/*", unit.join("/"))] {
        let case = with_path(&path);
        for command in ["plan", "drift"] {
            let report = json_of(&case.must(2, &format!("{command} --estate estate.json --format json")));
            let violations = report["violations"].as_array().unwrap();
            let read = violations.iter().find(|one| one["invariant"] == "reads-only-own");
            assert!(read.is_some(), "{command} {path}: {report:#}");
            assert_eq!(report["in_sync"], false);
        }
        let access = json_of(&case.must(2, "access --live --estate estate.json --format json"));
        assert_eq!(access["violations"][0]["invariant"], "reads-only-own", "{path}");
        assert_eq!(access["unproven"], json!([]), "{path}");
        assert!(case.must(2, "drift --estate estate.json").contains("reads-only-own"));
    }
}

#[test]
fn a_path_with_a_condition_that_nobody_knows_is_unproven_everywhere() {
    let case = Case::open("03");
    let estate = case.read("estate.json");
    let key = "\"aws:PrincipalOrgPaths\"";
    let open = estate.replace(key, &format!("\"aws:PrincipalStarSign\": \"leo\", {key}"));
    case.write("estate.json", &open);
    for command in ["plan", "drift", "access --live"] {
        let report = json_of(&case.must(3, &format!("{command} --estate estate.json --format json")));
        let unproven = report["unproven"].to_string();
        assert!(
            unproven.contains("the condition key `aws:principalstarsign` is not understood"),
            "{command}: {report:#}"
        );
    }
}

#[test]
fn cloudtrail_without_a_source_is_a_finding_everywhere() {
    let case = Case::open("03");
    let mut estate = json_of(&case.read("estate.json"));
    take_sources_off(&mut estate);
    case.write("estate.json", &estate.to_string());
    for command in ["plan", "drift", "access --live", "explain --live"] {
        let run = case.run(&format!("{command} --estate estate.json"));
        assert_eq!(run.code, 2, "{command}\n{}{}", run.stdout, run.stderr);
    }
    let access = json_of(&case.must(2, "access --live --estate estate.json --format json"));
    let violations = access["violations"].as_array().unwrap();
    let open = violations.iter().find(|one| one["principal"] == "cloudtrail.amazonaws.com for anybody's resource");
    assert_eq!(open.expect("a violation")["invariant"], "nobody-outside");
}

/// Takes `aws:SourceArn` out of every condition.
fn take_sources_off(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("aws:SourceArn");
            fields.values_mut().for_each(take_sources_off);
        }
        Value::Array(list) => list.iter_mut().for_each(take_sources_off),
        _ => {}
    }
}

/// A statement of others lets a role of the log account read: whether that is harmless depends on who becomes the role,
/// which the same look tells.
#[test]
fn a_role_of_the_log_account_that_a_statement_names_is_as_harmless_as_who_becomes_it() {
    let role = "arn:aws:iam::222222222222:role/athena";
    for (trusted, code) in [(None, 3), (Some("222222222222"), 0), (Some("999999999999"), 2)] {
        let case = Case::open("10");
        let mut estate = json_of(&case.read("estate.json"));
        let sightings = estate["estate"]["sightings"].as_object_mut().unwrap();
        for sighting in sightings.values_mut() {
            if let Some(bucket) = sighting.pointer_mut("/present/bucket") {
                bucket["lifecycle"] = json!([]);
            }
            if let Some(policy) = sighting.pointer_mut("/present/bucket_policy/policy/Statement") {
                policy.as_array_mut().unwrap().push(json!({
                    "Sid": "Athena", "Effect": "Allow", "Principal": {"AWS": role},
                    "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*",
                }));
            }
        }
        let everybody: Vec<Value> = trusted
            .iter()
            .map(|account| {
                json!({
                    "arn": role, "powers": {"can": ["reads-logs"]},
                    "trust": {"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Action": "sts:AssumeRole",
                        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                    }]},
                })
            })
            .collect();
        estate["estate"]["surroundings"] = json!({"principals": {"read": everybody}});
        case.write("estate.json", &estate.to_string());
        for command in ["plan", "drift", "access --live"] {
            let run = case.run(&format!("{command} --estate estate.json"));
            assert_eq!(run.code, code, "{command} with {trusted:?}\n{}{}", run.stdout, run.stderr);
        }
        if code == 0 {
            let said = case.must(0, "access --live --estate estate.json");
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains("(Athena)") && said.contains("was looked at among the principals"), "{said}");
        }
    }
}
