//! An account leaves the selection on an emulated organization: what it reads with is kept for a while, then removed.

use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, Trouble, World};

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
    // What is removed is written down before it is: the policy, and then its role. How each ended follows after the
    // run.
    let results: Vec<&Value> = lines.iter().map(|line| &line["result"]).collect();
    assert_eq!(results, ["begun", "begun", "done", "done"], "{lines:#?}");
    assert!(
        lines.iter().all(|line| line["run"] == report["run"]["began"] && line["removed"].is_object()),
        "{lines:#?}"
    );
    assert_eq!(left_at(&world, &role).await, None);
    assert_eq!(desk.run("plan --format json").expect_code(0).json()["kept"], json!([]));
}

/// Prunes until one of its calls is held, and kills the run there; tells whether there was such a call.
async fn killed(emulator: &Emulator, desk: &Desk) -> bool {
    let mut run = desk.start("apply --yes --prune --allow destroys --concurrency 1");
    loop {
        if let Some(status) = run.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0), "a run that nobody disturbs ends well");
            return false;
        }
        if emulator.proxy().held() > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // SIGKILL on unix: nothing can be tidied up.
    run.kill().unwrap();
    run.wait().unwrap();
    emulator.proxy().let_go();
    emulator.proxy().clear_up();
    true
}

/// Whether the reader role of `web` is there, and whether its member policy is.
async fn is_there(world: &World) -> (bool, bool) {
    let iam = aws_sdk_iam::Client::new(&world.hand_in("log-archive").await);
    let role = iam.get_role().role_name(format!("CloudTrailReadLogs-{}", world.account("web"))).send().await;
    let iam = aws_sdk_iam::Client::new(&world.hand_in("web").await);
    let arn = format!("arn:aws:iam::{}:policy/CloudTrailReadLogs", world.account("web"));
    (role.is_ok(), iam.get_policy().policy_arn(arn).send().await.is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_is_killed_at_any_call_leaves_no_member_policy_behind() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "readers: {keep_days: 0}\n");
    desk.run("apply --yes").expect_code(0);
    select_all_but(&desk, &world, "web");
    assert_eq!(is_there(&world).await, (true, true));
    let mut kills = 0;
    // Each write once before AWS has it and once when AWS has done it, from where the one before was killed.
    for trouble in [Trouble::HoldRequest, Trouble::HoldAnswer].iter().cycle() {
        emulator.proxy().trouble_if(|call| call.is_write(), 1, trouble.clone());
        let was_killed = killed(&emulator, &desk).await;
        let (role, policy) = is_there(&world).await;
        assert!(role || !policy, "killed {kills} times: nothing leads to the member policy any more");
        if !was_killed {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 6, "{kills} kills");
    assert_eq!(is_there(&world).await, (false, false));
    assert_eq!(desk.run("plan --prune --format json").expect_code(0).json()["kept"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_policy_that_no_reader_role_leads_to_is_found_by_a_prune() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "readers: {mode: dynamic}\n");
    desk.run("apply --yes").expect_code(0);
    select_all_but(&desk, &world, "web");
    assert_eq!(is_there(&world).await, (false, true));
    desk.run("apply --yes --prune --allow destroys").expect_code(0);
    assert_eq!(is_there(&world).await, (false, false));
}
