//! `reconcile --notify`: a webhook and a topic are told of findings, each once.

use serde_json::Value;

use super::TRAIL;
use crate::run::Desk;
use crate::schedule::{Hook, Mailbox, TO_WEBHOOK, deployed, logging};
use crate::support::{Emulator, World};

const ROUND: &str = "reconcile --once --observe --estate estate.json --notify --history history.json";

#[test]
fn a_webhook_is_told_of_a_finding_once_and_when_it_is_gone() {
    let desk = deployed(TO_WEBHOOK);
    let hook = Hook::start(200);
    hook.run(&desk, ROUND).expect_code(0);
    logging(&desk, false);
    hook.run(&desk, ROUND).expect_code(2);
    hook.run(&desk, ROUND).expect_code(2);
    logging(&desk, true);
    hook.run(&desk, ROUND).expect_code(0);
    let texts: Vec<String> =
        hook.messages.try_iter().map(|(_, message)| message["text"].as_str().unwrap().to_owned()).collect();
    let [stopped, started] = texts.as_slice() else { panic!("{texts:?}") };
    assert!(stopped.starts_with("orgtrail reconcile of acme: 1 new, 0 changed, 0 gone, 1 open\n"), "{stopped}");
    assert!(
        stopped.contains("- new, nothing-recorded, `111111111111/eu-central-1/trail/acme-org-trail`: `"),
        "{stopped}"
    );
    assert!(stopped.ends_with("\nhttps://ci.example.com/drift"), "{stopped}");
    let is_gone = started.contains("0 new, 0 changed, 1 gone, 0 open\n- gone, ") && started.contains("`111111111111/");
    assert!(is_gone, "{started}");
}

#[test]
fn a_webhook_that_refuses_ends_nothing_and_is_told_in_the_next_round() {
    let desk = deployed(TO_WEBHOOK);
    logging(&desk, false);
    let said = Hook::start(500).run(&desk, ROUND).expect_code(2);
    assert!(said.err.contains("the webhook answered with HTTP status 500"), "{}", said.err);
    let hook = Hook::start(200);
    hook.run(&desk, ROUND).expect_code(2);
    assert_eq!(hook.messages.try_iter().count(), 1);
    let history: Value = serde_json::from_slice(&std::fs::read(desk.path("history.json")).unwrap()).unwrap();
    assert_eq!(history["told"]["webhook"].as_array().unwrap().len(), 1, "{history:#}");
}

#[test]
fn without_anybody_to_tell_it_does_not_start() {
    let desk = deployed("");
    let said = desk.run(ROUND).expect_code(1);
    assert!(
        said.err.contains("--notify needs `notify.topic` or `notify.webhook` in the configuration"),
        "{}",
        said.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_told_with_the_credentials_of_the_daemon() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let log = world.hand_in("log-archive").await;
    let topic = aws_sdk_sns::Client::new(&log).create_topic().name("acme-findings").send().await.unwrap();
    let topic = topic.topic_arn().unwrap().to_owned();
    let mailbox = Mailbox::open(&log, &topic).await;
    let desk = Desk::at(&emulator, &world, &format!("notify: {{topic: '{topic}'}}\nreconcile: {{allow: []}}\n"));
    desk.run("apply --yes").expect_code(0);
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    desk.run("reconcile --once --notify --history history.json").expect_code(2);
    desk.run("reconcile --once --notify --history history.json").expect_code(2);
    let mails = mailbox.read().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(mail["Subject"], "orgtrail: findings in acme: 1 new, 0 changed, 0 gone");
    assert!(mail["Message"].as_str().unwrap().contains("/trail/acme-org-trail: "), "{mail}");
}
