//! An account leaves the selection on an emulated organization: what it reads with is kept for a while, then removed.

use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, World};

/// The tag of a role that says when its account left.
async fn left_at(world: &World, role: &str) -> Option<String> {
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let role = iam.get_role().role_name(role).send().await.ok()?.role?;
    let tag = role.tags().iter().find(|tag| tag.key() == "orgtrail:left-at")?;
    Some(tag.value().to_owned())
}

async fn change_left_at(world: &World, role: &str, day: &str) {
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let tag = aws_sdk_iam::types::Tag::builder().key("orgtrail:left-at").value(day).build().unwrap();
    iam.tag_role().role_name(role).tags(tag).send().await.unwrap();
}

fn select_all_but(desk: &Desk, world: &World, name: &str) {
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let line = format!("  log: log-archive\n  exclude: ['id:{}']", world.account(name));
    desk.write("orgtrail.yaml", &text.replace("  log: log-archive", &line));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_an_account_that_left_are_kept_and_then_retired() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    let everybody = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let role = format!("CloudTrailReadLogs-{}", world.account("web"));

    // It is noted once, by whatever run sees it first; pruning removes nothing before.
    select_all_but(&desk, &world, "web");
    let plan = desk.run("plan --prune --format json").expect_code(2).json();
    assert_eq!((&plan["summary"]["update"], &plan["summary"]["retire"]), (&json!(1), &json!(0)), "{plan:#}");
    assert_eq!(plan["changes"][0]["risk"], json!(["safe"]));
    desk.run("apply --yes").expect_code(0);
    let noted = left_at(&world, &role).await.unwrap();
    let kept = desk.run("apply --yes --prune").expect_code(0).out;
    let due: jiff::civil::Date = noted.parse().unwrap();
    let due = due.checked_add(jiff::Span::new().days(90)).unwrap();
    assert!(kept.contains(&format!("kept until {due}, its account left on {noted}")), "{kept}");
    assert_eq!(left_at(&world, &role).await.as_ref(), Some(&noted));

    // It comes back, and the day is forgotten.
    desk.write("orgtrail.yaml", &everybody);
    desk.run("apply --yes").expect_code(0);
    assert_eq!(left_at(&world, &role).await.as_deref(), Some(""));
    desk.run("plan").expect_code(0);
    select_all_but(&desk, &world, "web");
    desk.run("apply --yes").expect_code(0);
    assert_eq!(left_at(&world, &role).await, Some(noted));

    // Long after.
    change_left_at(&world, &role, "2020-02-28").await;
    desk.run("plan").expect_code(0);
    let report =
        desk.run("apply --yes --prune --allow destroys --record kept.jsonl --format json").expect_code(0).json();
    let policy = format!("{}/global/policy/CloudTrailReadLogs", world.account("web"));
    let address = format!("{}/global/role/{role}", world.log());
    let mut retired = [policy, address];
    retired.sort();
    assert_eq!(report["retired"], json!(retired), "{report:#}");
    let lines = std::fs::read_to_string(desk.path("kept.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| line.parse().unwrap()).collect();
    // What is removed is written down before it is, and again when it is gone.
    let results: Vec<&Value> = lines.iter().map(|line| &line["result"]).collect();
    assert_eq!(results, ["begun", "begun", "done", "done"], "{lines:#?}");
    assert!(
        lines.iter().all(|line| line["run"] == report["run"]["began"] && line["removed"].is_object()),
        "{lines:#?}"
    );
    assert_eq!(left_at(&world, &role).await, None);
    assert_eq!(desk.run("plan --format json").expect_code(0).json()["kept"], json!([]));
}
