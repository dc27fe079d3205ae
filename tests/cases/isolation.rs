//! Who reads whose logs, and that every command says so.

use serde_json::{Value, json};

use crate::folder::Case;

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
