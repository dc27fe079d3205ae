//! The daemon as it is deployed: woken by its queue, one of several by its lease, with a history that replicas share.

use serde_json::{Value, json};

use super::{Daemon, TRAIL, until};
use crate::run::Desk;
use crate::support::world::MANAGEMENT;
use crate::support::{Emulator, World};

fn stopped_by(arn: &str, account: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
        "account": account, "time": "2026-01-05T00:00:00Z", "region": "eu-central-1", "resources": [],
        "detail": {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "readOnly": false,
                   "userIdentity": {"type": "AssumedRole", "arn": arn}}
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_wakes_the_daemon_and_nonsense_is_put_aside() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "reconcile: {wake_queue: acme-wake}\n");
    desk.run("apply --yes").expect_code(0);
    assert_eq!(desk.run("plan --format json").expect_code(0).json()["in_sync"], true);

    let cloudtrail = aws_sdk_cloudtrail::Client::new(&world.management());
    let sqs = aws_sdk_sqs::Client::new(&world.hand_in("log-archive").await);
    let url = async |name: &str| sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let (queue, dead_letters) = (url("acme-wake").await, url("acme-wake-dead-letters").await);

    let daemon = Daemon::start(&desk, "--history history.json");
    until(async || daemon.is_ready()).await;
    cloudtrail.stop_logging().name(TRAIL).send().await.unwrap();
    let message = stopped_by("arn:aws:sts::123456789012:assumed-role/Admin/mallory", MANAGEMENT).to_string();
    sqs.send_message().queue_url(&queue).message_body(message).send().await.unwrap();
    sqs.send_message().queue_url(&queue).message_body("nonsense").send().await.unwrap();
    let logging =
        async || cloudtrail.get_trail_status().name(TRAIL).send().await.unwrap().is_logging().unwrap_or_default();
    until(logging).await;
    until(async || daemon.get("/metrics").1.contains("orgtrail_wake_messages_total{outcome=\"rejected\"} 1")).await;
    let aside = sqs.receive_message().queue_url(&dead_letters).message_attribute_names("All").send().await.unwrap();
    assert_eq!(aside.messages()[0].body(), Some("nonsense"));
    assert!(aside.messages()[0].message_attributes().unwrap()["reason"].string_value().is_some());
    let (_, page) = daemon.get("/");
    assert!(page.contains("orgtrail <b>acme</b>") && page.contains("http-equiv=\"refresh\""), "{page}");
    assert_eq!(daemon.stop(), Some(0));
    let history: Value = serde_json::from_slice(&std::fs::read(desk.path("history.json")).unwrap()).unwrap();
    assert_eq!(history["rounds"][1]["trigger"], "wake", "{history:#}");
    assert_eq!(history["rounds"][1]["result"], "repaired", "{history:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_trail_of_a_member_repaired() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "    scope: accounts\nreconcile: {wake_queue: acme-wake}\n");
    desk.run("apply --yes").expect_code(0);
    let (web, sqs) = (world.account("web"), aws_sdk_sqs::Client::new(&world.hand_in("log-archive").await));
    let queue = sqs.get_queue_url().queue_name("acme-wake").send().await.unwrap().queue_url.unwrap();
    let cloudtrail = aws_sdk_cloudtrail::Client::new(&world.hand_in("web").await);
    let trail = format!("arn:aws:cloudtrail:eu-central-1:{web}:trail/acme-org-trail");
    events_of_a_member_reach_the_queue(&world).await;

    let daemon = Daemon::start(&desk, "");
    until(async || daemon.is_ready()).await;
    cloudtrail.stop_logging().name(&trail).send().await.unwrap();
    emulator.proxy().clear();
    let message = stopped_by(&format!("arn:aws:sts::{web}:assumed-role/Admin/mallory"), web.as_str()).to_string();
    sqs.send_message().queue_url(&queue).message_body(message).send().await.unwrap();
    let logging =
        async || cloudtrail.get_trail_status().name(&trail).send().await.unwrap().is_logging().unwrap_or_default();
    until(logging).await;
    let writes = emulator.proxy().calls().into_iter().filter(|call| call.is_write() && call.service == "cloudtrail");
    assert_eq!(writes.map(|call| call.action).collect::<Vec<_>>(), ["StartLogging"]);
    // No full pass: nobody asks who belongs to the organization, nor for the trail of the management account. The log
    // account has one too. Of the organization only what binds and administers the log account is looked at, as with
    // each look at it.
    let asked = emulator.proxy().counts();
    let around = ["organizations:ListDelegatedAdministrators", "organizations:ListPoliciesForTarget"];
    let of_organization = |call: &&String| call.starts_with("organizations:") && !around.contains(&call.as_str());
    assert_eq!(asked.keys().find(of_organization), None, "{asked:?}");
    assert_eq!(emulator.proxy().count("cloudtrail:DescribeTrails"), 2, "{asked:?}");
    assert_eq!(daemon.stop(), Some(0));
}

/// The emulator delivers no events of CloudTrail: what AWS would deliver by is looked at instead.
async fn events_of_a_member_reach_the_queue(world: &World) {
    let (web, member, log) = (world.account("web"), world.hand_in("web").await, world.hand_in("log-archive").await);
    let events = aws_sdk_eventbridge::Client::new(&member);
    let rule = events.describe_rule().name("orgtrail-acme-wake").send().await.unwrap();
    let pattern: Value = serde_json::from_str(rule.event_pattern().unwrap()).unwrap();
    assert_eq!(pattern["detail"]["eventSource"], json!(["cloudtrail.amazonaws.com"]));
    let targets = events.list_targets_by_rule().rule("orgtrail-acme-wake").send().await.unwrap();
    let [target] = targets.targets() else { panic!("{targets:?}") };
    assert_eq!(target.arn(), format!("arn:aws:sqs:eu-central-1:{}:acme-wake", world.log()));
    let role = format!("arn:aws:iam::{web}:role/orgtrail-acme-wake");
    assert_eq!(target.role_arn(), Some(role.as_str()));
    aws_sdk_iam::Client::new(&member).get_role().role_name("orgtrail-acme-wake").send().await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&log);
    let url = sqs.get_queue_url().queue_name("acme-wake").send().await.unwrap().queue_url.unwrap();
    let policy = aws_sdk_sqs::types::QueueAttributeName::Policy;
    let attributes = sqs.get_queue_attributes().queue_url(url).attribute_names(policy.clone()).send().await.unwrap();
    let policy: Value = serde_json::from_str(&attributes.attributes().unwrap()[&policy]).unwrap();
    let statement = &policy["Statement"][2]["Condition"];
    assert_eq!(statement["ArnLike"]["aws:PrincipalArn"], "arn:aws:iam::*:role/orgtrail-acme-wake");
    assert!(statement["StringEquals"]["aws:PrincipalOrgID"].as_str().unwrap().starts_with("o-"), "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_and_cloudtrail_name_the_run_the_account_and_the_address() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    emulator.proxy().clear();
    let said = desk.run("reconcile --once -v --log-format json --history history.json").expect_code(0);
    let history: Value = serde_json::from_slice(&std::fs::read(desk.path("history.json")).unwrap()).unwrap();
    let run = history["rounds"][0]["run"].as_str().unwrap();
    let lines: Vec<Value> = said.err.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let done = lines.iter().find(|line| line["message"] == "done").unwrap_or_else(|| panic!("{}", said.err));
    assert_eq!(done["account"], MANAGEMENT);
    assert_eq!(done["address"], format!("{MANAGEMENT}/eu-central-1/trail/acme-org-trail"));
    assert_eq!((done["span"]["name"].as_str(), done["span"]["run"].as_str()), (Some("round"), Some(run)), "{done}");
    let sessions: Vec<_> = emulator.proxy().calls().into_iter().filter(|call| call.action == "AssumeRole").collect();
    assert!(!sessions.is_empty());
    for call in sessions {
        assert!(call.body.contains(&format!("RoleSessionName={run}")), "{} as {run}", call.body);
    }
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    let said = desk.run("reconcile --once -v").expect_code(0).err;
    let text =
        said.lines().find(|line| line.ends_with("done") || line.contains(" done ")).unwrap_or_else(|| panic!("{said}"));
    assert!(text.contains("run=") && text.contains(&format!("account={MANAGEMENT}")), "{text}");
}

/// Makes the bucket `acme-operations` in the account that the daemon starts in; returns a client there.
async fn operations(world: &World) -> aws_sdk_s3::Client {
    let s3 = aws_sdk_s3::Client::new(&world.management());
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuCentral1);
    let bucket = s3.create_bucket().bucket("acme-operations").create_bucket_configuration(place.build());
    bucket.send().await.unwrap();
    s3
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_daemons_one_acts() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let lease = "reconcile: {lease: \"s3://acme-operations/orgtrail/acme.json\"}\n";
    let desk = Desk::at(&emulator, &world, lease);
    let s3 = operations(&world).await;
    desk.run("apply --yes").expect_code(0);

    let first = Daemon::start(&desk, "");
    until(async || first.is_ready()).await;
    let second = desk.run("reconcile --once").expect_code(0);
    assert_eq!(second.out, "another replica is the leader\n");
    assert_eq!(first.stop(), Some(0));
    let third = desk.run("reconcile --once").expect_code(0);
    assert!(third.out.starts_with("round 1: in sync"), "a lease that was given up is free at once: {}", third.out);
    let text = s3.get_object().bucket("acme-operations").key("orgtrail/acme.json").send().await.unwrap();
    let text = text.body.collect().await.unwrap().into_bytes();
    assert_eq!(serde_json::from_slice::<Value>(&text).unwrap()["fencing"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_kept_in_s3_for_all_replicas() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "reconcile: {history: \"s3://acme-operations/orgtrail\"}\n");
    let s3 = operations(&world).await;
    desk.run("apply --yes").expect_code(0);
    let kept = async |key: &str| -> Value {
        let object = s3.get_object().bucket("acme-operations").key(key).send().await.unwrap();
        serde_json::from_slice(&object.body.collect().await.unwrap().into_bytes()).unwrap()
    };
    let rounds = |history: &Value| history["rounds"].as_array().unwrap().len();

    desk.run("reconcile --once").expect_code(0);
    desk.run("reconcile --once").expect_code(0);
    assert_eq!(rounds(&kept("orgtrail/acme.json").await), 2);
    desk.run("reconcile --once --observe").expect_code(0);
    assert_eq!(rounds(&kept("orgtrail/acme.json").await), 2, "who only observes writes nothing");
    desk.run("reconcile --once --history s3://acme-operations/elsewhere").expect_code(0);
    assert_eq!(rounds(&kept("elsewhere/acme.json").await), 1, "the flag is stronger than the configuration");
    desk.run("reconcile --once --history history.json").expect_code(0);
    assert_eq!(rounds(&kept("orgtrail/acme.json").await), 2, "a file is kept instead");
}
