//! Every JSON format is what its schema in `docs/reference/schemas` says: what the program writes has no field that the
//! schema does not know, and none of another type.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cases::folder::Case;
use crate::run::Desk;
use crate::schedule::{deployed, logging};

/// Checks a document against a schema, which is made strict: readers must bear fields that they do not know, the test
/// not.
#[track_caller]
fn hold(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/reference/schemas/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    make_strict(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> =
        validator.iter_errors(document).map(|mistake| format!("{}: {mistake}", mistake.instance_path())).collect();
    assert!(mistakes.is_empty(), "{name}: {}\n{document:#}", mistakes.join("\n"));
}

fn make_strict(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(make_strict);
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

/// A deployment whose trail does not log, whose bucket lets others in and where a reader could not be read.
fn troubled() -> Desk {
    let desk = deployed("");
    logging(&desk, false);
    let mut world: Value = serde_json::from_str(&fs::read_to_string(desk.path("estate.json")).unwrap()).unwrap();
    let sightings = world["estate"]["sightings"].as_object_mut().unwrap();
    let (_, topic) = sightings.iter_mut().find(|(address, _)| address.contains("/topic/")).unwrap();
    *topic = json!({"unreadable": {
        "account": "222222222222", "stage": "observe", "code": "AccessDenied", "message": "refused", "help": "ask",
    }});
    let (_, policy) = sightings.iter_mut().find(|(address, _)| address.contains("/bucket_policy/")).unwrap();
    let statements = policy["present"]["bucket_policy"]["policy"]["Statement"].as_array_mut();
    if let Some(statements) = statements {
        statements.push(json!({
            "Sid": "QuickFix", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*",
        }));
    }
    desk.write("estate.json", &world.to_string());
    desk
}

#[test]
fn the_formats_of_estates() {
    let desk = troubled();
    let said = |command: &str| desk.run(&format!("{command} --estate estate.json --format json")).json();
    let plan = said("plan");
    assert!(plan["changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{plan:#}");
    assert!(plan["problems"].as_array().is_some_and(|problems| !problems.is_empty()), "{plan:#}");
    hold("plan", &plan);
    hold("plan", &said("drift --since last.json --record last.json --who"));
    hold("plan", &said("drift --since last.json --record last.json"));
    hold("discover", &said("discover"));
    hold("access", &said("access"));
    hold("access", &said("access --live"));
    hold("access-account", &said("access shop-prod"));
    hold("check", &said("check"));
    hold("reconcile-once", &said("reconcile --once --observe"));
    for explanation in said("explain --live").as_array().unwrap() {
        hold("explain", explanation);
    }
    let resource = "arn:aws:s3:::acme-org-cloudtrail/*";
    let open =
        json!({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource});
    desk.write("bucket.json", &json!({"Version": "2012-10-17", "Statement": [open]}).to_string());
    let trail = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail";
    hold("explain", &desk.run(&format!("explain bucket.json --trail {trail} --format json")).json());
    hold("apply", &said("apply --yes --allow costs,destroys --record record.jsonl"));
    let record = fs::read_to_string(desk.path("record.jsonl")).unwrap();
    assert!(record.lines().count() > 0, "{record}");
    record.lines().for_each(|line| hold("apply-record", &serde_json::from_str(line).unwrap()));
    hold("snapshot", &serde_json::from_str(&fs::read_to_string(desk.path("estate.json")).unwrap()).unwrap());
    let fresh = Desk::offline();
    fresh.run("demo").expect_code(0);
    let plan = fs::read_to_string(fresh.path("orgtrail-demo/reports/2-plan.json")).unwrap();
    hold("plan", &serde_json::from_str(&plan).unwrap());
}

#[test]
fn the_formats_of_logs() {
    let case = Case::open("19");
    let run = |command: &str, code| case.must(code, &format!("{command} --to 2024-05-01T05:00:00Z"));
    let verify = |format: &str| run(&format!("verify new-bucket --keys public-keys.json --format {format}"), 3);
    let whole = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    hold("verify", &whole(&verify("json")));
    let lines = verify("jsonl");
    assert!(lines.lines().count() > 1, "{lines}");
    lines.lines().for_each(|line| hold("verify-lines", &whole(line)));
    let day = "AWSLogs/111111111111/Config/eu-central-1/2024/5/1/ConfigSnapshot";
    let snapshot = "111111111111_Config_eu-central-1_ConfigSnapshot_20240501T010000Z_1.json.gz";
    fs::create_dir_all(case.path("new-bucket").join(day)).unwrap();
    case.write(&format!("new-bucket/{day}/{snapshot}"), "x");
    let coverage = |format: &str| {
        case.run(&format!(
            "coverage new-bucket old-bucket --aws-config --from 2024-05-01T00:00:00Z --to 2024-05-01T05:00:00Z --format {format}"
        ))
    };
    let query =
        |sql: &str| case.run(&format!("query --place new-bucket --to 2024-05-01T05:00:00Z --format json {sql}"));
    hold("query", &whole(&query("SELECT(1),record,resource_arns,event_time,read_only/**/FROM/**/events").stdout));
    hold("query", &whole(&query("SHOW/**/TABLES").stdout));
    let days = "--from 2024-04-30 --to 2024-05-01T05:00:00Z";
    hold("dashboard", &whole(&case.run(&format!("dashboard --place new-bucket {days} --format json")).stdout));
    hold("detect", &whole(&case.run(&format!("detect --place new-bucket {days} --format json")).stdout));
    let lake = |command: &str| whole(&case.run(&format!("lake {command} --format json")).stdout);
    hold("lake-update", &lake("update --place new-bucket --lake lake"));
    hold("lake-status", &lake("status --lake lake"));
    hold("lake-check", &lake("check --place new-bucket --lake lake --from 2024-04-30 --to 2024-05-02"));
    let of_coverage = whole(&coverage("json").stdout);
    assert_eq!(of_coverage["config_rows"].as_array().unwrap().len(), 1, "{of_coverage:#}");
    hold("coverage", &of_coverage);
    let lines = coverage("jsonl").stdout;
    assert!(lines.lines().count() > 1, "{lines}");
    lines.lines().for_each(|line| hold("coverage-lines", &whole(line)));
}
