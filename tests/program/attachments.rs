//! Roles of `readers.attach_to`: one that an account lacks is that account's trouble alone. Reader roles with a path.

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

#[tokio::test(flavor = "multi_thread")]
async fn reader_roles_may_have_a_path() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let readers = |role: &str| format!("readers: {{role: '{role}', mode: roles}}\n");
    let desk = Desk::at(&emulator, &world, &readers("/audit/Read-{{account.id}}"));
    desk.run("apply --yes").expect_code(0);
    desk.run("drift").expect_code(0);
    let (log, web) = (world.log(), world.account("web"));
    let iam = iam_in(&world, "log-archive").await;
    let made = iam.get_role().role_name(format!("Read-{web}")).send().await.unwrap();
    assert_eq!(made.role().unwrap().path(), "/audit/");
    let member = iam_in(&world, "web").await;
    let arn = format!("arn:aws:iam::{web}:policy/CloudTrailReadLogs");
    let policy = member.get_policy_version().policy_arn(arn).version_id("v1").send().await.unwrap();
    let document = policy.policy_version().unwrap().document().unwrap().to_owned();
    assert!(
        document.contains(&format!("role/audit/Read-{web}"))
            || document.contains(&format!("role%2Faudit%2FRead-{web}")),
        "{document}"
    );
    assert!(desk.run("access web").expect_code(0).out.contains(&format!("arn:aws:iam::{log}:role/audit/Read-{web}")));
    desk.run("access --live").expect_code(0);
    // Somebody damages it, and it is repaired under its path.
    iam.delete_role_policy().role_name(format!("Read-{web}")).policy_name("ReadOwnLogs").send().await.unwrap();
    desk.run("drift").expect_code(2);
    desk.run("apply --yes").expect_code(0);

    // IAM has the name once: another path is a matter of removing the roles first.
    let configuration = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    desk.write("orgtrail.yaml", &configuration.replace("/audit/", "/other/"));
    let moved = desk.run("plan --format json").expect_code(2).json();
    let codes: Vec<&str> =
        moved["blockers"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["RoleNameTaken"; 3], "{moved:#}");
}
