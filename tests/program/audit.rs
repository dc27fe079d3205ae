//! `orgtrail check` as people run it: on a recorded estate, before and after a deployment, and after damage.

use std::collections::BTreeMap;

use crate::recorded::{CONFIG, Folder, LOG, MANAGEMENT, MEMBER, SUSPENDED};
use orgtrail::estate::trail::EventSelector;
use orgtrail::estate::{Address, Estate, Kind, Problem, Resource, Sighting, Stage};
use serde_json::Value;

fn deployed() -> Folder {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    folder.must(0, &["apply", "--yes", "--allow", "costs", "--quiet"]);
    folder
}

fn check(folder: &Folder, code: i32, more: &[&str]) -> Value {
    let args: Vec<&str> = ["check", "--format", "json"].iter().chain(more).copied().collect();
    serde_json::from_str(&folder.must(code, &args)).unwrap()
}

/// Returns a control by standard and id.
#[track_caller]
fn control<'a>(report: &'a Value, standard: &str, id: &str) -> &'a Value {
    let mut controls = report["controls"].as_array().unwrap().iter();
    controls.find(|control| control["standard"] == standard && control["id"] == id).unwrap()
}

fn damage(folder: &Folder, mut hand: impl FnMut(&mut Resource)) {
    folder.edit(|_, estate| {
        for sighting in estate.sightings.values_mut() {
            if let Sighting::Present(resource) = sighting {
                hand(resource);
            }
        }
    });
}

#[test]
fn the_owner_is_asked_once_and_members_inherit() {
    let folder = deployed();
    let report = check(&folder, 2, &[]);
    for (standard, id) in [
        ("cis-3.0", "3.1"),
        ("cis-5.0", "3.2"),
        ("cis-5.0", "3.5"),
        ("cis-5.0", "3.6"),
        ("security-hub", "CloudTrail.1"),
        ("security-hub", "CloudTrail.2"),
        ("security-hub", "CloudTrail.6"),
        ("prowler", "cloudtrail_multi_region_enabled"),
    ] {
        let control = control(&report, standard, id);
        assert_eq!(control["verdict"], "pass", "{control:#}");
        assert_eq!(control["checks"].as_array().unwrap().len(), 1, "{control:#}");
        let account = &control["checks"][0]["account"];
        assert_eq!(account, MANAGEMENT);
    }
    assert_eq!(report["subjects"].as_array().unwrap().len(), 1);
    assert_eq!(report["subjects"][0]["inherited_by"], serde_json::json!([LOG, MEMBER]));
    assert_eq!(report["inactive"][0]["account"], SUSPENDED);
    assert_eq!(control(&report, "cis-5.0", "3.1")["standard_version"], "5.0.0");
}

/// A trail that a member made for itself, and that lacks everything.
fn poor_trail(estate: &mut Estate) {
    let mut trails = estate.resources().filter_map(|(_, resource)| match resource {
        Resource::Trail(trail) => Some(trail.clone()),
        _ => None,
    });
    let mut poor = trails.next().unwrap();
    drop(trails);
    poor.bucket = "somebodys-bucket".into();
    (poor.organization, poor.multi_region, poor.logging, poor.validation) = (false, false, false, false);
    (poor.key, poor.log_group, poor.tags) = (None, None, None);
    poor.selectors.clear();
    let address = Address::regional(&MEMBER.parse().unwrap(), &"eu-west-1".parse().unwrap(), Kind::Trail, "own");
    estate.sightings.insert(address, Sighting::present(poor));
}

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let controls = report["controls"].as_array().unwrap().iter();
    controls.map(|c| (format!("{} {}", c["standard"], c["id"]), c["verdict"].to_string())).collect()
}

fn checks_of_members(report: &Value) -> Vec<&Value> {
    let checks = report["controls"].as_array().unwrap().iter().flat_map(|c| c["checks"].as_array().unwrap());
    checks.filter(|check| check["account"] != MANAGEMENT).collect()
}

#[test]
fn a_member_that_the_organization_trail_records_fails_for_nothing_that_its_own_trail_lacks() {
    let folder = deployed();
    let before = check(&folder, 2, &["--member-trails"]);
    folder.edit(|_, estate| poor_trail(estate));
    let after = check(&folder, 2, &["--member-trails"]);
    assert!(folder.must(0, &["snapshot", "--member-trails", "--format", "json"]).contains("somebodys-bucket"));
    assert_eq!(verdicts(&before), verdicts(&after));
    assert_eq!(checks_of_members(&after), [&Value::Null; 0]);
}

/// The management account records the objects of its own buckets, and nobody those of the members.
#[test]
fn what_a_trail_of_the_owner_alone_records_is_nothing_for_the_members() {
    let folder = deployed();
    folder.edit(|_, estate| {
        let mut trails = estate.resources().filter_map(|(address, resource)| match resource {
            Resource::Trail(trail) => Some((address.clone(), trail.clone())),
            _ => None,
        });
        let (mut address, mut own) = trails.next().unwrap();
        drop(trails);
        address.name = "objects".into();
        own.organization = false;
        let objects = EventSelector(BTreeMap::new()).with("eventCategory", "equals", ["Data"]);
        own.selectors.insert(objects.with("resources.type", "equals", ["AWS::S3::Object"]));
        estate.sightings.insert(address, Sighting::present(own));
    });
    let report = check(&folder, 2, &["--standard", "cis-5.0"]);
    let objects = control(&report, "cis-5.0", "3.8");
    assert_eq!(objects["verdict"], "fail", "{objects:#}");
    let fact = objects["checks"][0]["fact"].as_str().unwrap();
    assert!(
        fact.contains("/objects records writes to the objects of every bucket, but only of its own account"),
        "{fact}"
    );
    assert_eq!(control(&report, "cis-5.0", "3.1")["verdict"], "pass", "the organization trail does that");
}

#[test]
fn a_member_fails_for_nothing_while_a_trail_that_may_record_it_cannot_be_read() {
    let folder = deployed();
    folder.edit(|_, estate| {
        poor_trail(estate);
        let management = MANAGEMENT.parse().unwrap();
        let of_owner = |address: &&mut Address| address.kind == Kind::Trail && address.account == management;
        let mut addresses: Vec<Address> = estate.sightings.keys().cloned().collect();
        let trail = addresses.iter_mut().find(of_owner).unwrap().clone();
        let problem = Problem {
            account: management,
            address: Some(trail.clone()),
            stage: Stage::Observe,
            code: "AccessDenied".into(),
            message: "cloudtrail:DescribeTrails is denied".into(),
            help: "allow it".into(),
        };
        estate.sightings.insert(trail, Sighting::Unreadable(problem));
    });
    let report = check(&folder, 3, &["--member-trails"]);
    let of_members = checks_of_members(&report);
    assert!(of_members.iter().all(|check| check["verdict"] != "fail"), "{of_members:#?}");
    let doubted = |check: &&&Value| check["fact"].as_str().unwrap().contains("may record this account");
    let doubted: Vec<_> = of_members.iter().filter(doubted).collect();
    assert!(doubted.iter().any(|check| check["account"] == MEMBER), "{of_members:#?}");
    assert!(doubted.iter().all(|check| check["because"] == "unreadable"), "{doubted:#?}");
}

#[test]
fn what_the_configuration_does_not_ask_for_fails_and_names_its_setting() {
    let report = check(&deployed(), 2, &[]);
    let access_logs = control(&report, "cis-5.0", "3.4");
    assert_eq!(access_logs["verdict"], "fail");
    assert_eq!(access_logs["checks"][0]["setting"], "bucket.access_logs");
    assert_eq!(access_logs["checks"][0]["fixed_by_plan"], false);
    let filter = control(&report, "cis-5.0", "4.15");
    assert_eq!(filter["verdict"], "fail", "without a log group no metric filter can be: {filter:#}");
}

#[test]
fn before_the_first_apply_the_plan_is_what_helps() {
    let folder = Folder::new();
    folder.write("orgtrail.yaml", CONFIG);
    let report = check(&folder, 2, &["--standard", "security-hub"]);
    let recording = control(&report, "security-hub", "CloudTrail.1");
    assert_eq!(recording["verdict"], "fail");
    let checks = recording["checks"].as_array().unwrap();
    let owner = checks.iter().find(|check| check["account"] == MANAGEMENT).unwrap();
    assert_eq!(owner["verdict"], "fail");
    assert_eq!(owner["fixed_by_plan"], true, "{owner:#}");
    let member = checks.iter().find(|check| check["account"] == MEMBER).unwrap();
    assert_eq!(member["verdict"], "unknown", "its trails were not looked at: {member:#}");
    assert_eq!(member["fixed_by_plan"], true, "the organization trail will record it: {member:#}");
    assert!(report["controls"].as_array().unwrap().iter().all(|control| control["standard"] == "security-hub"));
}

#[test]
fn damage_fails_and_applying_helps() {
    let folder = deployed();
    damage(&folder, |resource| match resource {
        Resource::Trail(trail) => {
            trail.logging = false;
            trail.validation = false;
        }
        Resource::Key(key) => key.rotation = false,
        _ => {}
    });
    let report = check(&folder, 2, &[]);
    for (standard, id) in [("cis-5.0", "3.1"), ("security-hub", "CloudTrail.4"), ("cis-3.0", "3.6")] {
        let control = control(&report, standard, id);
        assert_eq!(control["verdict"], "fail", "{control:#}");
        assert_eq!(control["checks"][0]["fixed_by_plan"], true, "{control:#}");
    }
}

#[test]
fn a_key_that_is_disabled_is_no_encryption() {
    let folder = deployed();
    damage(&folder, |resource| {
        if let Resource::Key(key) = resource {
            key.enabled = false;
        }
    });
    let report = check(&folder, 2, &[]);
    let encryption = control(&report, "prowler", "cloudtrail_kms_encryption_enabled");
    assert_eq!(encryption["verdict"], "fail", "{encryption:#}");
}

#[test]
fn what_cannot_be_read_is_never_a_pass() {
    let folder = deployed();
    folder.edit(|_, estate| {
        for (address, sighting) in &mut estate.sightings {
            if matches!(sighting.resource(), Some(Resource::Bucket(_))) {
                *sighting = Sighting::Unreadable(orgtrail::estate::Problem {
                    account: address.account.clone(),
                    address: Some(address.clone()),
                    stage: orgtrail::estate::Stage::Observe,
                    code: "AccessDenied".into(),
                    message: "s3:GetBucketLogging is denied".into(),
                    help: "allow it".into(),
                });
            }
        }
    });
    let report = check(&folder, 2, &[]);
    let public = control(&report, "security-hub", "CloudTrail.6");
    assert_eq!(public["verdict"], "unknown");
    assert_eq!(public["checks"][0]["because"], "unreadable");
    assert!(public["checks"][0]["fact"].as_str().unwrap().contains("AccessDenied"), "{public:#}");
    assert_eq!(report["complete"], false);
}

#[test]
fn a_bucket_that_a_statement_opens_is_public() {
    let folder = deployed();
    damage(&folder, |resource| match resource {
        Resource::Bucket(bucket) => bucket.block_public_access = false,
        Resource::BucketPolicy(found) => {
            let open = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Share","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}]}"#;
            let open = orgtrail::policy::PolicyDocument::parse(open).unwrap();
            found.policy.statements.extend(open.statements);
        }
        _ => {}
    });
    let report = check(&folder, 2, &[]);
    let public = control(&report, "security-hub", "CloudTrail.6");
    assert_eq!(public["verdict"], "fail", "{public:#}");
    assert!(public["checks"][0]["fact"].as_str().unwrap().contains("Share"), "{public:#}");
    assert_eq!(public["checks"][0]["fixed_by_plan"], true, "{public:#}");
}

#[test]
fn people_read_what_failed_and_what_helps() {
    let folder = deployed();
    damage(&folder, |resource| {
        if let Resource::Trail(trail) = resource {
            trail.validation = false;
        }
    });
    insta::assert_snapshot!("human", folder.must(2, &["check", "--standard", "cis-5.0,security-hub"]));
    insta::assert_snapshot!("markdown", folder.must(2, &["check", "--standard", "cis-5.0", "--format", "markdown"]));
}

#[test]
fn findings_have_what_their_readers_require() {
    let folder = deployed();
    let read = |form: &str| -> Vec<Value> {
        serde_json::from_str(&folder.must(2, &["check", "--standard", "security-hub", "--format", form])).unwrap()
    };
    let ocsf = read("ocsf");
    assert!(ocsf.iter().all(|f| f["class_uid"] == 2003 && f["type_uid"] == 200_301 && f["time"].is_i64()), "{ocsf:#?}");
    let encrypted = ocsf.iter().find(|f| f["compliance"]["control"] == "CloudTrail.2").unwrap();
    assert_eq!(encrypted["compliance"]["status_id"], 1);
    assert_eq!(encrypted["resources"][0]["uid"], "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-org-trail");
    assert_eq!(encrypted["unmapped"]["inherited_by_accounts"], 2);
    let asff = read("asff");
    let required = ["AwsAccountId", "CreatedAt", "Description", "GeneratorId", "Id", "ProductArn", "Resources"];
    let more = ["SchemaVersion", "Severity", "Title", "Types", "UpdatedAt"];
    for finding in &asff {
        assert!(required.iter().chain(&more).all(|field| !finding[field].is_null()), "{finding:#}");
    }
    let logged = asff.iter().find(|f| f["ProductFields"]["orgtrail/Control"] == "CloudTrail.7").unwrap();
    assert_eq!(logged["Compliance"]["Status"], "FAILED");
    assert_eq!(logged["Resources"][0]["Type"], "AwsS3Bucket");
    let ids: std::collections::BTreeSet<&str> = asff.iter().map(|f| f["Id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), asff.len(), "each finding has an id of its own");
}

#[test]
fn a_page_for_browsers_asks_nobody_for_anything_and_runs_nothing() {
    let folder = deployed();
    folder.edit(|organization, _| {
        for account in organization.accounts.values_mut() {
            account.name = format!("<img src=x onerror=alert(1)>{}", account.name);
        }
    });
    let page = folder.must(2, &["check", "--format", "html"]);
    assert!(page.contains("Content-Security-Policy"), "{page}");
    assert!(!page.contains("<img") && !page.contains("<script") && !page.contains("http://"), "{page}");
    assert!(page.contains("&lt;img"), "{page}");
}

#[test]
fn a_standard_that_nobody_knows_is_named_with_those_that_are() {
    let run = Folder::new().run(&["check", "--standard", "pci"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cis-3.0, cis-5.0, security-hub, prowler"), "{}", run.stderr);
}
