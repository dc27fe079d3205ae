//! `orgtrail check` as people run it: on a recorded estate, before and after a deployment, and after damage.

#[path = "support/program.rs"]
mod program;

use orgtrail::estate::{Resource, Sighting};
use program::{CONFIG, Folder, LOG, MANAGEMENT, MEMBER, SUSPENDED};
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
    assert!(public["checks"][0]["evidence"].as_str().unwrap().contains("AccessDenied"), "{public:#}");
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
    assert!(public["checks"][0]["evidence"].as_str().unwrap().contains("Share"), "{public:#}");
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
