//! Roles of `readers.attach_to`: one that an account lacks is that account's trouble alone.

use crate::run::Desk;
use crate::support::{Emulator, World};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn iam_in(world: &World, account: &str) -> aws_sdk_iam::Client {
    let config = if account == "management" { world.management() } else { world.hand_in(account).await };
    aws_sdk_iam::Client::new(&config)
}

async fn make_role(world: &World, account: &str) {
    let request = iam_in(world, account).await.create_role().role_name("SecurityAudit");
    request.assume_role_policy_document(TRUST).send().await.unwrap();
}

/// Returns whether the role of an account has the member policy.
async fn has_policy(world: &World, account: &str) -> bool {
    let client = iam_in(world, account).await;
    let arn = format!("arn:aws:iam::{}:policy/CloudTrailReadLogs", world.account(account));
    let listed = client.list_entities_for_policy().policy_arn(arn).send().await.unwrap();
    listed.policy_roles().iter().any(|role| role.role_name() == Some("SecurityAudit"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_one_account_lacks_holds_up_nobody_else_and_is_named() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "readers: {attach_to: {roles: [SecurityAudit]}}\n");
    for account in ["management", "log-archive"] {
        make_role(&world, account).await;
    }

    let run = desk.run("apply --yes --format json").expect_code(3);

    let report = run.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome["result"] != "done").collect();
    let [failed] = &failed[..] else { panic!("{failed:#?}") };
    let web = world.account("web");
    assert_eq!(failed["address"], format!("{web}/global/policy/CloudTrailReadLogs"), "{failed:#}");
    let said = failed.to_string();
    assert!(said.contains("SecurityAudit") && said.contains("readers.attach_to"), "{failed:#}");
    for account in ["management", "log-archive"] {
        assert!(has_policy(&world, account).await, "{account}");
    }
    let trails = aws_sdk_cloudtrail::Client::new(&world.management());
    assert_eq!(trails.get_trail_status().name("acme-org-trail").send().await.unwrap().is_logging(), Some(true));
    // What is left is that account's role alone, and nothing else of it: the policy itself is there.
    let drift = desk.run("drift --format json").expect_code(2).json();
    let left: Vec<_> = drift["changes"].as_array().unwrap().iter().collect();
    let [left] = &left[..] else { panic!("{left:#?}") };
    assert_eq!((&left["address"], &left["fields"][0]["path"]), (&failed["address"], &"roles".into()), "{left:#}");

    make_role(&world, "web").await;
    desk.run("apply --yes").expect_code(0);
    assert!(has_policy(&world, "web").await);
    desk.run("drift").expect_code(0);
}
