//! The first day on an emulated organization: a configuration is written, applied, read back from what is there,
//! checked against the standards, and taken along to another tool.

use serde_json::Value;

use crate::run::Desk;
use crate::support::{Emulator, World};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/acme-org-trail";

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_written_applied_and_read_back_from_what_is_there() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let more = "    cloudwatch_logs: {group: /orgtrail/acme}\n    notify: {sns: acme-org-trail}\n";
    let desk = Desk::at(&emulator, &world, more);
    let refused = desk.run("init --yes --home-region eu-central-1").expect_code(1);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    let first = desk.run("init --yes --home-region eu-central-1 --config fresh.yaml").expect_code(0);
    assert!(first.out.contains("12 accounts, 11 active") && first.out.contains("no trails"), "{}", first.out);
    let fresh = std::fs::read_to_string(desk.path("fresh.yaml")).unwrap();
    assert!(fresh.contains(&format!("log: \"{}\"    # log-archive", world.account("log-archive"))), "{fresh}");
    desk.run("plan --config fresh.yaml").expect_code(2);

    desk.run("apply --yes --quiet").expect_code(0);
    emulator.proxy().clear();
    let adopted = desk.run(&format!("init --adopt {TRAIL} --deployment acme --config adopted.yaml")).expect_code(0);
    assert!(!adopted.out.contains("changes"), "{}", adopted.out);
    let plan = desk.run("plan --config adopted.yaml --format json").expect_code(0).json();
    assert_eq!(plan["in_sync"], true, "{plan:#}");
    let writes = emulator.proxy().counts().into_keys().filter(|operation| {
        let action = operation.rsplit(':').next().unwrap().to_owned();
        !["Get", "List", "Describe", "Head", "AssumeRole"].iter().any(|verb| action.starts_with(verb))
    });
    assert_eq!(writes.collect::<Vec<_>>(), Vec::<String>::new(), "looking writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deployed_is_checked_and_exported() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes --quiet").expect_code(0);
    let report = desk.run("check --format json").expect_code(2).json();
    let verdict = |id: &str| -> Value {
        let mut controls = report["controls"].as_array().unwrap().iter();
        controls.find(|control| control["id"] == id).unwrap()["verdict"].clone()
    };
    for id in ["3.1", "3.2", "3.5", "3.6", "CloudTrail.1", "CloudTrail.6", "CloudTrail.9"] {
        assert_eq!(verdict(id), "pass", "{id}: {report:#}");
    }
    assert_eq!(verdict("CloudTrail.7"), "fail");
    assert_eq!(verdict("cloudtrail_bucket_requires_mfa_delete"), "fail");
    assert_eq!(report["subjects"][0]["inherited_by"].as_array().unwrap().len(), 10);
    let exported = desk.run("export --terraform").expect_code(0).out;
    let _: hcl::Body = hcl::from_str(&exported).unwrap();
    assert!(exported.contains("resource \"aws_cloudtrail\""), "{exported}");
}
