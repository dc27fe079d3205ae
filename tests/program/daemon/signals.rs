//! The daemon is told to stop while it works.

use serde_json::Value;

use super::hand::{BUCKET, Edit, Hand};
use super::replicas::Lease;
use super::{Daemon, TRAIL, until};
use crate::run::Desk;
use crate::support::{Call, Emulator, Trouble, World};

const RULES: &str = "reconcile: {max_change: 100%}\n";

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_finishes_the_running_step_and_begins_no_other() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, RULES);
    desk.run("apply --yes").expect_code(0);
    let hand = Hand::new(&world).await;
    // The bucket's step has two calls; the step of the trail's settings comes after it. A log that was stopped would be
    // started before both.
    for edit in [Edit::SuspendVersioning, Edit::OpenBucket, Edit::ForgetValidation] {
        hand.make(edit).await;
    }

    let proxy = emulator.proxy();
    proxy.clear();
    proxy.trouble_if(Call::is_write, 1, Trouble::HoldRequest);
    let daemon = Daemon::start(&desk, "-v --concurrency 1 --history history.json");
    until(async || proxy.held() > 0).await;
    daemon.signal("TERM");
    until(async || daemon.has_said("stopping; changes in progress")).await;
    proxy.let_go();
    assert_eq!(daemon.ended(), Some(0));

    let writes: Vec<String> = proxy.calls().into_iter().filter(Call::is_write).map(|call| call.action).collect();
    assert!(writes.iter().all(|action| ["PutPublicAccessBlock", "PutBucketVersioning"].contains(&action.as_str())));
    let s3 = aws_sdk_s3::Client::new(&world.hand_in("log-archive").await);
    let versioning = s3.get_bucket_versioning().bucket(BUCKET).send().await.unwrap();
    assert_eq!(versioning.status().unwrap().as_str(), "Enabled", "{writes:?}");
    let block = s3.get_public_access_block().bucket(BUCKET).send().await.unwrap();
    let block = block.public_access_block_configuration.unwrap();
    assert_eq!(block.block_public_acls(), Some(true), "the step was finished: {writes:?}");
    let trails = aws_sdk_cloudtrail::Client::new(&world.management());
    let trail = trails.get_trail().name(TRAIL).send().await.unwrap();
    let validates = trail.trail().unwrap().log_file_validation_enabled();
    assert_eq!(validates, Some(false), "no other step was begun");
    let history: Value = serde_json::from_slice(&std::fs::read(desk.path("history.json")).unwrap()).unwrap();
    let round = &history["rounds"][0];
    assert_eq!((&round["made"], &round["result"]), (&1.into(), &"stopped".into()), "{history:#}");

    desk.run("reconcile --once").expect_code(0);
    desk.run("plan").expect_code(0);
}

/// The configuration of a desk with other rules.
fn ruled(desk: &Desk, from: &str, to: &str) {
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    assert!(text.contains(from), "{text}");
    desk.write("orgtrail.yaml", &text.replace(from, to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_has_it_read_its_configuration_again_and_act_on_under_its_lease() {
    const CAREFUL: &str = "allow: []";
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let lease = Lease::make(&world).await;
    let rules = "reconcile: {lease: \"s3://acme-operations/orgtrail/acme.json\", max_change: 100%, allow: []}\n";
    let desk = Desk::at(&emulator, &world, rules);
    desk.run("apply --yes").expect_code(0);
    Hand::new(&world).await.make(Edit::DropMemberPolicy).await;

    let daemon = Daemon::start(&desk, "-v");
    until(async || daemon.shows("orgtrail_rounds_total{result=\"waiting\"} 1")).await;
    let held = lease.read().await;
    // What cannot be understood changes nothing.
    ruled(&desk, CAREFUL, "allow: [nonsense]");
    daemon.signal("HUP");
    until(async || daemon.has_said("reloading the configuration")).await;
    until(async || daemon.shows("orgtrail_configuration_valid 0")).await;
    ruled(&desk, "allow: [nonsense]", "allow: [safe]");
    daemon.signal("HUP");
    until(async || daemon.shows("orgtrail_rounds_total{result=\"repaired\"} 1")).await;

    assert!(daemon.shows("orgtrail_configuration_valid 1") && daemon.shows("orgtrail_acting 1"));
    // It is given up and taken again, so that nothing which was begun under the old configuration goes on.
    assert_eq!(lease.read().await["owner"], held["owner"]);
    assert_eq!(daemon.stop(), Some(0));
    desk.run("plan").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_whose_terminal_is_closed_finishes_what_has_begun_and_the_next_goes_on() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let proxy = emulator.proxy();
    proxy.trouble_if(|call| call.action == "CreateBucket", 1, Trouble::HoldAnswer);
    let mut command = desk.command("apply --yes --concurrency 1 --format json");
    let mut apply = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    until(async || proxy.held() > 0).await;
    let told = std::process::Command::new("kill").args(["-HUP", &apply.id().to_string()]).status().unwrap();
    assert!(told.success());
    // It says that it was told, and is at work until the step is done.
    let mut said = std::io::BufReader::new(apply.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("stopping: changes") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0, "it ended");
    }
    proxy.let_go();
    let ended = apply.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let outcomes = report["outcomes"].as_array().unwrap();
    let of =
        |kind: &str| outcomes.iter().find(|outcome| outcome["kind"] == kind).map(|outcome| outcome["result"].clone());
    assert_eq!(of("bucket"), Some("done".into()), "{report:#}");
    assert_ne!(of("trail"), Some("done".into()), "{report:#}");
    desk.run("apply --yes").expect_code(0);
    desk.run("plan").expect_code(0);
}
