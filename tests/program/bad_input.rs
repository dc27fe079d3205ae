//! Bad input: a clear error with exit code 1, and nothing written.

use crate::run::Desk;
use crate::support::{Emulator, World};

const SNAPSHOT: &str = r#"{"format_version":1,"tool_version":"0.1.0","completeness":"whole",
 "organization":{"id":"o-exampleorgid","partition":"aws","management_account":"111111111111",
  "units":{"r-ab12":{"name":"Root","parent":null}},
  "accounts":{
   "111111111111":{"name":"main","email":"main@example.com","state":"ACTIVE","path":["r-ab12"]},
   "222222222222":{"name":"log","email":"log@example.com","state":"ACTIVE","path":["r-ab12"]}}},
 "estate":{"sightings":{}}}"#;

const CONFIGURATION: &str = "version: 1
deployment: acme
accounts: {log: log}
home_region: eu-central-1
bucket: {name: acme-org-cloudtrail}
trails: [{name: acme-org-trail}]
";

/// Runs `apply` on a recorded estate and returns the error; the estate must be untouched.
fn refused(configuration: &str, snapshot: &str, arguments: &str) -> String {
    let desk = Desk::offline();
    desk.write("orgtrail.yaml", configuration);
    desk.write("estate.json", snapshot);
    let said = desk.run(&format!("apply --yes --estate estate.json {arguments}")).expect_code(1);
    assert_eq!(said.out, "", "an error is no answer");
    assert_eq!(std::fs::read_to_string(desk.path("estate.json")).unwrap(), snapshot, "nothing is written");
    said.err
}

#[test]
fn the_sample_itself_is_good() {
    let desk = Desk::offline();
    desk.write("orgtrail.yaml", CONFIGURATION);
    desk.write("estate.json", SNAPSHOT);
    desk.run("apply --yes --estate estate.json").expect_code(0);
    desk.run("plan --estate estate.json").expect_code(0);
}

#[test]
fn mistakes_of_the_configuration_are_shown_where_they_are() {
    for (from, to, words) in [
        ("home_region:", "home_regoin:", &["home_regoin", "home_region", "orgtrail.yaml:4"][..]),
        ("version: 1", "version: one", &["orgtrail.yaml:1"]),
        ("acme-org-cloudtrail", "Acme_Logs", &["Acme_Logs", "orgtrail.yaml:5"]),
        ("eu-central-1", "eu-centrul-1", &["eu-centrul-1", "eu-central-1"]),
        ("[{name: acme-org-trail}]", "[{name: acme-org-trail}, {name: acme-org-trail}]", &["acme-org-trail"]),
    ] {
        let error = refused(&CONFIGURATION.replace(from, to), SNAPSHOT, "");
        for word in words {
            assert!(error.contains(word), "{to}: {word} is missing in\n{error}");
        }
    }
}

#[test]
fn a_configuration_that_does_not_fit_the_organization_says_why() {
    for (from, to, word) in [
        ("{log: log}", "{log: log, include: [\"name:nobody\"]}", "name:nobody"),
        ("{log: log}", "{log: \"333333333333\"}", "no such account"),
        ("version: 1", "version: 1\norganization: {id: o-otherorgid0}", "o-otherorgid0"),
        (
            "deployment: acme",
            "deployment: acme\nreaders: {role: \"Logs-{{deployment}}-{{account.name}}-of-a-very-long-name-that-iam-will-not-take-because-64-is-its-limit\"}",
            "readers.role",
        ),
    ] {
        let error = refused(&CONFIGURATION.replace(from, to), SNAPSHOT, "");
        assert!(error.contains(word), "{to}: {word} is missing in\n{error}");
    }
}

#[test]
fn a_snapshot_that_is_cut_off_or_foreign_is_refused() {
    let cut = &SNAPSHOT[..SNAPSHOT.len() / 2];
    for (snapshot, word) in [
        (cut, "EOF"),
        ("{}", "format_version"),
        (&SNAPSHOT.replace("\"format_version\":1", "\"format_version\":9"), "format version 9"),
        (&SNAPSHOT.replace("ACTIVE", "CLOSED"), "ACTIVE"),
        ("not json", "not a snapshot"),
    ] {
        let error = refused(CONFIGURATION, snapshot, "");
        assert!(error.contains(word), "{word} is missing in\n{error}");
    }
}

#[test]
fn a_template_that_renders_no_policy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bucket.json.hbs");
    for (text, words) in [
        ("{\"Version\": ", ["bucket.json.hbs", "not a policy"]),
        ("{\n\"Statement\": [{\"Sid\": \"{{no.such}}\"}]}", ["bucket.json.hbs", "no.such"]),
        // A policy, but one that does not let CloudTrail write.
        ("{\"Statement\": []}", ["InsufficientS3BucketPolicyException", "nothing was changed"]),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = refused(CONFIGURATION, SNAPSHOT, &format!("--policies {}", folder.path().display()));
        for word in words {
            assert!(error.contains(word), "{text}: {word} is missing in\n{error}");
        }
    }
}

#[test]
fn usage_errors_are_no_drift() {
    let desk = Desk::offline();
    for arguments in ["plan --no-such-flag", "no-such-command", "apply --allow everything", "plan --format yaml"] {
        desk.run(arguments).expect_code(1);
    }
    desk.run("--help").expect_code(0);
    desk.run("--version").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_another_organization_are_refused_before_anything_is_written() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace(world.organization.as_str(), "o-otherorgid0"));
    let said = desk.run("apply --yes").expect_code(1);
    assert!(said.err.contains("o-otherorgid0"), "{}", said.err);
    assert_eq!(emulator.proxy().count("s3:CreateBucket"), 0);
}
