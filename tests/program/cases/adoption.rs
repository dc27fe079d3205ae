//! What somebody else made is taken over by name, and what that takes away is named.

use serde_json::{Value, json};

use super::folder::Case;

const BUCKET: &str = "222222222222/eu-central-1/bucket/acme-org-cloudtrail";

/// The bucket of case 01 as somebody else made it: with access control lists, a lifecycle of its own and a reader from
/// outside.
fn foreign() -> Case {
    let case = Case::open("01");
    let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
    let sightings = &mut estate["estate"]["sightings"];
    let bucket = &mut sightings[BUCKET]["present"]["bucket"];
    bucket["tags"] = json!({});
    bucket["object_ownership"] = json!("ObjectWriter");
    bucket["lifecycle"] = json!([{"id": "cheap", "enabled": true, "prefix": "", "transitions": [[30, "GLACIER_IR"]],
        "expire_after_days": null, "expire_noncurrent_after_days": null, "abort_upload_after_days": null}]);
    let policy = &mut sightings["222222222222/eu-central-1/bucket_policy/acme-org-cloudtrail"]["present"]["bucket_policy"]
        ["policy"];
    policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "Siem", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"}));
    case.write("estate.json", &estate.to_string());
    case
}

#[test]
fn what_an_adoption_takes_away_is_named() {
    let case = foreign();
    let plan: Value = serde_json::from_str(&case.must(2, "plan --format json --estate estate.json")).unwrap();
    let taken: Vec<String> = plan["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["code"] == "taken-away")
        .map(|f| f["message"].as_str().unwrap().to_owned())
        .collect();
    for name in ["Siem", "access control lists", "GLACIER_IR after 30 days"] {
        assert!(taken.iter().any(|message| message.contains(name)), "{name} of {taken:?}");
    }
}

#[test]
fn a_bucket_is_adopted_by_its_address() {
    let case = foreign();
    let allow = "--allow weakens,interrupts,destroys --estate estate.json";
    let before = case.read("estate.json");
    let run = case.run(&format!("apply --yes {allow}"));
    assert!(run.code == 1 && run.stderr.contains("--adopt"), "{}", run.stderr);
    let elsewhere = "222222222222/eu-central-1/bucket/another";
    let run = case.run(&format!("apply --yes --adopt {elsewhere} {allow}"));
    assert!(run.code == 1 && run.stderr.contains(elsewhere), "{}", run.stderr);
    assert_eq!(case.read("estate.json"), before);
    let run = case.run(&format!("apply --yes --adopt {BUCKET} {allow}"));
    assert!(run.code == 0 && run.stderr.contains("Siem"), "{} {}", run.stdout, run.stderr);
    case.must(0, "drift --estate estate.json");
}

#[test]
fn without_an_address_all_is_adopted() {
    let case = foreign();
    case.must(0, "apply --adopt --yes --allow weakens,interrupts,destroys --estate estate.json");
    case.must(0, "drift --estate estate.json");
}

fn taken(case: &Case) -> Vec<(String, String)> {
    let plan: Value = serde_json::from_str(&case.run("plan --format json --estate estate.json").stdout).unwrap();
    let findings = plan["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "taken-away");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|finding| (text(&finding["message"]), text(&finding["help"]))).collect()
}

/// Each holder of a grant is named, with what gives the access back where something can.
#[test]
fn every_grant_of_the_access_control_list_that_ends_is_named() {
    let case = foreign();
    let with = |acl: Value| {
        let mut estate: Value = serde_json::from_str(&case.read("estate.json")).unwrap();
        estate["estate"]["surroundings"] = json!({"buckets": {BUCKET: {"acl": acl}}});
        case.write("estate.json", &estate.to_string());
    };
    let canonical = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    with(json!({"read": [
        {"grantee": "http://acs.amazonaws.com/groups/s3/LogDelivery", "permission": "WRITE"},
        {"grantee": canonical, "permission": "READ"},
        {"grantee": canonical, "permission": "WRITE_ACP"},
        {"grantee": "http://acs.amazonaws.com/groups/global/AllUsers", "permission": "READ"},
    ]}));
    let found = taken(&case);
    let help = |start: &str| {
        let mut found = found.iter().filter(|(message, _)| message.starts_with(start));
        found.next().unwrap_or_else(|| panic!("{start} of {found:?}")).1.clone()
    };
    let logs = help("the delivery of S3 access logs loses WRITE");
    assert!(logs.contains(r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#), "{logs}");
    assert!(logs.contains(r#""aws:SourceAccount":"222222222222""#) && logs.contains("/PREFIX*"), "{logs}");
    assert!(help(&format!("the canonical user {canonical} loses READ")).contains("bucket.trusted_readers"));
    assert!(help(&format!("the canonical user {canonical} loses WRITE_ACP")).contains("not given back"));
    assert!(help("anyone, without an AWS account loses READ").contains("not given back"));

    with(
        json!({"unreadable": {"account": "222222222222", "address": BUCKET, "stage": "observe", "code": "AccessDenied",
        "message": "s3:GetBucketAcl was denied", "help": "allow it"}}),
    );
    let found = taken(&case);
    let open = found.iter().find(|(message, _)| message.contains("is not known: s3:GetBucketAcl was denied"));
    assert!(open.is_some_and(|(_, help)| help.contains("get-bucket-acl")), "{found:?}");
}
