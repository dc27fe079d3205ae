//! The main job on an emulated organization of twelve accounts: bootstrap, nothing to do, drift, repair, trouble.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/acme-org-trail";

/// The addresses and actions of a plan in JSON.
fn changes(plan: &Value) -> Vec<(String, String)> {
    let text = |change: &Value, field: &str| change[field].as_str().unwrap().to_owned();
    let list = plan["changes"].as_array().unwrap();
    list.iter().map(|change| (text(change, "kind"), text(change, "action"))).collect()
}

/// Operations that change nothing.
fn is_read(operation: &str) -> bool {
    let action = operation.rsplit(':').next().unwrap();
    ["Get", "List", "Describe", "Head", "AssumeRole"].iter().any(|verb| action.starts_with(verb))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_bootstrapped_and_a_second_run_finds_nothing_to_do() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let more = "    cloudwatch_logs: {group: /orgtrail/acme}\n    notify: {sns: acme-org-trail}\n";
    let desk = Desk::at(&emulator, &world, more);

    let tree = desk.run("discover").expect_code(0).out;
    assert!(tree.contains("Production") && tree.contains("sandbox-old") && tree.contains("SUSPENDED"), "{tree}");

    let plan = desk.run("plan --format json").expect_code(2).json();
    assert!(changes(&plan).iter().all(|(_, action)| action == "create"), "{plan:#}");
    // Eleven active accounts, each with a reader role and a member policy.
    assert_eq!(changes(&plan).iter().filter(|(kind, _)| kind == "policy").count(), 11);

    let report = desk.run("apply --yes --format json").expect_code(0).json();
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");

    emulator.proxy().clear();
    let again = desk.run("plan --format json").expect_code(0).json();
    assert_eq!(again["in_sync"], true);
    let writes: Vec<String> = emulator.proxy().counts().into_keys().filter(|operation| !is_read(operation)).collect();
    assert_eq!(writes, Vec::<String>::new(), "a plan that finds nothing to do writes nothing");

    let twice = desk.run("apply --yes --format json").expect_code(0).json();
    assert_eq!(twice["in_sync"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_made_by_other_hands_is_found_and_repaired() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);

    let management = world.management();
    aws_sdk_cloudtrail::Client::new(&management).stop_logging().name(TRAIL).send().await.unwrap();
    let log = world.hand_in("log-archive").await;
    let open = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Open", "Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"}]});
    let s3 = aws_sdk_s3::Client::new(&log);
    s3.put_bucket_policy().bucket("acme-org-cloudtrail").policy(open.to_string()).send().await.unwrap();
    let web = world.account("web");
    let iam = aws_sdk_iam::Client::new(&log);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}]});
    let role = format!("CloudTrailReadLogs-{web}");
    iam.update_assume_role_policy().role_name(&role).policy_document(trust.to_string()).send().await.unwrap();
    let member = aws_sdk_iam::Client::new(&world.hand_in("web").await);
    let policy = format!("arn:aws:iam::{web}:policy/CloudTrailReadLogs");
    member.delete_policy().policy_arn(policy).send().await.unwrap();

    let drift = desk.run("drift --format json").expect_code(2).json();
    let mut found = changes(&drift);
    found.sort();
    let wanted = [("bucket_policy", "update"), ("policy", "create"), ("role", "update"), ("trail", "update")];
    assert_eq!(found, wanted.map(|(kind, action)| (kind.to_owned(), action.to_owned())), "{drift:#}");

    let refused = desk.run("apply --yes").expect_code(1);
    assert!(refused.err.contains("--allow destroys"), "{}", refused.err);
    desk.run("apply --yes --allow destroys").expect_code(0);
    desk.run("drift").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_made_is_adopted_only_with_consent() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let s3 = aws_sdk_s3::Client::new(&world.hand_in("log-archive").await);
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1).build();
    s3.create_bucket().bucket("acme-org-cloudtrail").create_bucket_configuration(place).send().await.unwrap();
    let siem = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Siem", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.account("audit"))},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-org-cloudtrail/*"}]});
    s3.put_bucket_policy().bucket("acme-org-cloudtrail").policy(siem.to_string()).send().await.unwrap();
    let key = "AWSLogs/old.json.gz";
    s3.put_object().bucket("acme-org-cloudtrail").key(key).send().await.unwrap();

    let plan = desk.run("plan --format json").expect_code(2).json();
    assert!(changes(&plan).contains(&("bucket".into(), "adopt".into())), "{plan:#}");
    let refused = desk.run("apply --yes").expect_code(1);
    assert!(refused.err.contains("--adopt"), "{}", refused.err);
    assert!(refused.err.contains("--allow weakens"), "a reader of all logs is named: {}", refused.err);
    let named = "  name: acme-org-cloudtrail\n";
    let trusted = format!("{named}  trusted_readers: [\"{}\"]\n", world.account("audit"));
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &text.replace(named, &trusted));
    desk.run("apply --yes --adopt --allow interrupts").expect_code(0);
    desk.run("plan").expect_code(0);

    let policy = s3.get_bucket_policy().bucket("acme-org-cloudtrail").send().await.unwrap();
    assert!(policy.policy().unwrap().contains("Siem"), "a statement of others stays: {policy:?}");
    // The emulator holds the policy's refusal of plain HTTP against GetObject, but lists all the same.
    let listed = s3.list_objects_v2().bucket("acme-org-cloudtrail").send().await.unwrap();
    assert!(listed.contents().iter().any(|object| object.key() == Some(key)), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_entered_does_not_stop_the_rest() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let closed = world.account("billing").as_str();
    emulator.proxy().refuse_roles_of(closed);
    let report = desk.run("apply --yes --format json").expect_code(3).json();
    assert_eq!(report["problems"][0]["account"], closed, "{report:#}");
    assert_eq!(report["summary"]["failed"], 0);
    let plan = desk.run("plan --format json").expect_code(3).json();
    // Nobody knows what the member policy there lets do.
    assert_eq!((&plan["in_sync"], &plan["changes"]), (&json!(false), &json!([])));
    assert!(plan["unproven"][0]["address"].as_str().unwrap().starts_with(closed), "{plan:#}");
    assert_eq!(plan["problems"].as_array().unwrap().len(), 1, "{plan:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_lost_connections_only_take_time() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let proxy = emulator.proxy();
    let throttle = |code| Trouble::Error(400, code);
    proxy.trouble("iam", "CreateRole", 2, throttle("Throttling"));
    proxy.trouble("iam", "CreatePolicy", 2, throttle("Throttling"));
    proxy.trouble("cloudtrail", "CreateTrail", 2, throttle("ThrottlingException"));
    proxy.trouble("sts", "AssumeRole", 2, Trouble::Reset);
    proxy.trouble("organizations", "ListAccounts", 2, throttle("TooManyRequestsException"));
    desk.run("apply --yes").expect_code(0);
    desk.run("plan").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_point_is_finished_by_the_next() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    // Each run is killed after some more calls than the one before, so that the kills fall all over the work.
    for calls in [5, 40, 70, 85, 100, 110, 120, 135] {
        emulator.proxy().clear();
        let mut child = desk.start("apply --yes --quiet");
        while emulator.proxy().calls().len() < calls && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    desk.run("apply --yes").expect_code(0);
    desk.run("plan").expect_code(0);
}

/// What a pipeline that is cancelled sends. Another signal in the middle of a step would leave the step half done.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_finishes_its_step_and_leaves_the_rest() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let proxy = emulator.proxy();
    proxy.trouble("s3", "PutBucketVersioning", 1, Trouble::HoldRequest);
    let mut command = desk.command("apply --yes --concurrency 1");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while proxy.held() == 0 && child.try_wait().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("stopping: changes in progress will finish")));
    let before = proxy.calls().len();
    proxy.let_go();
    assert_eq!(child.wait().unwrap().code(), Some(3));

    let after: Vec<String> =
        proxy.calls()[before..].iter().map(|call| format!("{}:{}", call.service, call.action)).collect();
    assert!(after.iter().all(|call| call.starts_with("s3:") || is_read(call)), "no other step was begun: {after:?}");
    desk.run("apply --yes").expect_code(0);
    desk.run("plan").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trail_an_account_records_global_events_once_in_each() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let more = "    scope: accounts\n    regions: [eu-central-1, us-east-1]\n";
    let desk = Desk::at(&emulator, &world, more);
    desk.run("apply --yes").expect_code(0);
    desk.run("plan").expect_code(0);
    let web = aws_sdk_cloudtrail::Client::new(&world.hand_in("web").await);
    let trails = web.describe_trails().send().await.unwrap();
    let mut global: Vec<(String, bool)> = trails
        .trail_list()
        .iter()
        .map(|t| (t.home_region().unwrap().to_owned(), t.include_global_service_events().unwrap()))
        .collect();
    global.sort();
    // The client of the test sees its own region; the other trail is at home in the other region.
    assert_eq!(global, [("eu-central-1".to_owned(), true)], "{trails:?}");
    let other = desk.run("snapshot").expect_code(0).json();
    let name = format!("{}/us-east-1/trail/acme-org-trail", world.account("web"));
    let trail = &other["estate"]["sightings"][&name]["present"]["trail"];
    assert_eq!((&trail["global_events"], &trail["logging"]), (&json!(false), &json!(true)), "{trail:#}");
}
