//! The daemon is told to stop while it works.

use serde_json::Value;

use super::hand::{BUCKET, Edit, Hand};
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
    until(async || daemon.has_said("told to stop")).await;
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
