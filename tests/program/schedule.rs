//! Drift on a schedule: run beside run, who did it, and who is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::run::{Desk, Said};
use crate::support::{Emulator, Trouble, World};

const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/acme-org-trail";

/// A desk with the demo's organization, deployed, and no AWS.
pub fn deployed(more: &str) -> Desk {
    let desk = Desk::offline();
    let examples = format!("{}/examples/demo", env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(format!("{examples}/{name}")).unwrap();
    desk.write("orgtrail.yaml", &format!("{}\n{more}\n", read("orgtrail.yaml")));
    desk.write("estate.json", &read("estate.json"));
    desk.run("apply --yes --adopt --allow costs --estate estate.json").expect_code(0);
    desk
}

/// Stops the trail, or starts it, by other hands.
pub fn logging(desk: &Desk, on: bool) {
    let text = std::fs::read_to_string(desk.path("estate.json")).unwrap();
    let mut estate: Value = serde_json::from_str(&text).unwrap();
    let trails = estate["estate"]["sightings"].as_object_mut().unwrap();
    let (_, trail) = trails.iter_mut().find(|(address, _)| address.ends_with("/trail/acme-org-trail")).unwrap();
    trail["present"]["trail"]["logging"] = json!(on);
    desk.write("estate.json", &estate.to_string());
}

/// A text without its line breaks and indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the comparison says: state and what, by finding.
fn told(report: &Value) -> Vec<(String, String)> {
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap().to_owned();
    let findings = report["comparison"]["findings"].as_array().unwrap();
    let changes = findings.iter().filter(|entry| entry["kind"] == "change");
    changes.map(|entry| (text(entry, "state"), text(entry, "what"))).collect()
}

const STOPPED: &str = "update 111111111111/eu-central-1/trail/acme-org-trail";

fn stopped(state: &str) -> Vec<(String, String)> {
    vec![(state.to_owned(), STOPPED.to_owned())]
}

const NIGHTLY: &str = "drift --estate estate.json --since last.json --record last.json";

#[test]
fn a_schedule_says_what_is_new_what_is_still_there_and_what_is_gone() {
    let desk = deployed("");
    let first = desk.run(&format!("{NIGHTLY} --format json")).expect_code(0).json();
    assert_eq!((first["comparison"]["first_run"].clone(), told(&first)), (json!(true), vec![]));

    logging(&desk, false);
    let new = desk.run(&format!("{NIGHTLY} --format json")).expect_code(2).json();
    assert_eq!(told(&new), stopped("new"));
    assert_eq!(new["comparison"]["previous_at"], first["comparison"]["at"]);
    let since = new["comparison"]["at"].as_str().unwrap();

    let human = desk.run(NIGHTLY).expect_code(2).out;
    assert!(
        words(&human).contains(&format!("still there nothing-recorded drift: {STOPPED}, since {since}")),
        "{human}"
    );
    let markdown = desk.run(&format!("{NIGHTLY} --format markdown")).expect_code(2).out;
    assert!(
        markdown.contains(&format!("- **still there**, nothing-recorded, drift: `{STOPPED}`, since {since}")),
        "{markdown}"
    );
    let page = desk.run(&format!("{NIGHTLY} --format html")).expect_code(2).out;
    assert!(
        page.contains("<strong>still there</strong>, <span class=\"risk\">nothing-recorded</span>, drift"),
        "{page}"
    );

    logging(&desk, true);
    let gone = desk.run(&format!("{NIGHTLY} --format json")).expect_code(0).json();
    assert_eq!(told(&gone), stopped("gone"));
    assert!(told(&desk.run(&format!("{NIGHTLY} --format json")).expect_code(0).json()).is_empty());
}

#[test]
fn the_report_of_a_run_is_enough_for_the_next() {
    let desk = deployed("");
    let run = "drift --estate estate.json --since last.json --output last.json";
    desk.run(run).expect_code(0);
    logging(&desk, false);
    desk.run(run).expect_code(2);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(desk.path("last.json")).unwrap()).unwrap();
    assert_eq!(told(&report), stopped("new"));
    // Without --since nothing depends on the clock: the same ground gives the same bytes.
    let plain = || desk.run("drift --estate estate.json --format json").expect_code(2).out;
    assert_eq!(plain(), plain());
    assert!(!plain().contains("comparison"));
}

#[test]
fn a_file_that_is_missing_broken_or_foreign_is_an_error() {
    let desk = deployed("");
    let since = |file: &str| desk.run(&format!("drift --estate estate.json --since {file}")).expect_code(1).err;
    let err = since("last.json");
    assert!(err.contains("cannot compare with the run in last.json") && err.contains("--record"), "{err}");
    desk.write("cut.json", r#"{"format_version": 1, "#);
    assert!(since("cut.json").contains("it is no JSON, or cut off"));
    assert!(since("estate.json").contains("not a report of `orgtrail drift`"));
    let report = desk.run("drift --estate estate.json --format json").out;
    desk.write("other.json", &report.replace("\"deployment\": \"acme\"", "\"deployment\": \"beta\""));
    let err = since("other.json");
    assert!(err.contains("other.json is a report of deployment beta in o-exampleorgid"), "{err}");
    desk.run("drift --estate estate.json --record last.json").expect_code(1);
}

/// A webhook on this machine that has this answer to every message.
pub struct Hook {
    url: String,
    pub messages: Receiver<(String, Value)>,
}

impl Hook {
    pub fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/services/the-secret", listener.local_addr().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
                }
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap()];
                reader.read_exact(&mut body).unwrap();
                // Redirects are not followed: the second request would be a second message.
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).unwrap();
                if sender.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { url, messages }
    }

    /// Runs the program with the webhook's URL in its environment.
    pub fn run(&self, desk: &Desk, arguments: &str) -> Said {
        let output = desk.command(arguments).env("ORGTRAIL_WEBHOOK", &self.url).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said =
            Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) };
        assert!(!said.out.contains("the-secret") && !said.err.contains("the-secret"), "{said:?}");
        said
    }
}

pub const TO_WEBHOOK: &str = "notify: {webhook: {url_env: ORGTRAIL_WEBHOOK}, link: https://ci.example.com/drift}";

#[test]
fn a_webhook_is_told_once_of_what_is_new() {
    let desk = deployed(TO_WEBHOOK);
    let hook = Hook::start(200);
    let nightly = format!("{NIGHTLY} --notify");
    hook.run(&desk, &nightly).expect_code(0);
    logging(&desk, false);
    hook.run(&desk, &nightly).expect_code(2);
    hook.run(&desk, &nightly).expect_code(2);
    let messages: Vec<(String, Value)> = hook.messages.try_iter().collect();
    // The first run tells of the trail of others that the demo's organization has.
    let [(_, first), (head, message)] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(head.starts_with("POST /services/the-secret HTTP/1.1\r\n"), "{head}");
    assert!(first["text"].as_str().unwrap().contains("- new, trail of others: `111111111111/us-east-1/"), "{first}");
    let text = message["text"].as_str().unwrap();
    assert!(text.starts_with("orgtrail drift of acme in o-exampleorgid: 1 new, 0 changed, 1 still there"), "{text}");
    assert!(text.contains(&format!("- new, nothing-recorded, drift: `{STOPPED}`")), "{text}");
    assert!(text.ends_with("\nhttps://ci.example.com/drift"), "{text}");

    // Without --since all of it is told.
    hook.run(&desk, "drift --estate estate.json --notify --link https://ci.example.com/4711").expect_code(2);
    let (_, message) = hook.messages.try_recv().unwrap();
    let text = message["text"].as_str().unwrap();
    assert!(text.contains(": 2 findings\n- nothing-recorded, drift: `") && text.ends_with("/4711"), "{text}");
}

#[test]
fn what_nobody_was_told_of_is_new_again() {
    let desk = deployed(TO_WEBHOOK);
    let nightly = format!("{NIGHTLY} --notify");
    Hook::start(200).run(&desk, &nightly).expect_code(0);
    logging(&desk, false);
    for status in [500, 302] {
        let said = Hook::start(status).run(&desk, &nightly).expect_code(1);
        assert!(
            said.out.contains("logging: true → false") || said.out.contains("logging: false → true"),
            "{}",
            said.out
        );
        assert!(said.err.contains(&format!("the webhook answered with HTTP status {status}")), "{}", said.err);
    }
    // The report itself may be the record.
    let kept = std::fs::read(desk.path("last.json")).unwrap();
    let into_itself = "drift --estate estate.json --since last.json --output last.json --notify";
    Hook::start(500).run(&desk, into_itself).expect_code(1);
    assert_eq!(std::fs::read(desk.path("last.json")).unwrap(), kept);

    let hook = Hook::start(204);
    hook.run(&desk, &nightly).expect_code(2);
    assert_eq!(hook.messages.try_iter().count(), 1);
}

#[test]
fn a_schedule_that_can_tell_nobody_says_so_before_it_looks() {
    let desk = deployed("");
    let run = "drift --estate no-such-estate.json --notify";
    let desk_with = |more: &str| {
        let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
        desk.write("orgtrail.yaml", &format!("{text}\n{more}\n"));
    };
    let notify = "drift --estate estate.json --notify";
    let err = desk.run(notify).expect_code(1).err;
    assert!(err.contains("--notify needs `notify.topic` or `notify.webhook` in the configuration"), "{err}");
    desk.run(run).expect_code(1);
    desk_with(TO_WEBHOOK);
    let err = desk.run(notify).expect_code(1).err;
    assert!(err.contains("ORGTRAIL_WEBHOOK is not set"), "{err}");
    let output = desk.command(notify).env("ORGTRAIL_WEBHOOK", "http://hooks.example.com/the-secret").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && err.contains("https://") && !err.contains("the-secret"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_it_is_asked_once_and_a_topic_is_told() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    // The topic is in another account than the credentials, and another region than home.
    let log = world.hand_in("log-archive").await;
    let there = log.to_builder().region(aws_config::Region::new("eu-west-1")).build();
    let topic = aws_sdk_sns::Client::new(&there).create_topic().name("acme-drift").send().await.unwrap();
    let topic = topic.topic_arn().unwrap().to_owned();
    let queue = Mailbox::open(&there, &topic).await;
    let desk = Desk::at(&emulator, &world, &format!("notify: {{topic: '{topic}'}}\n"));
    desk.run("apply --yes").expect_code(0);
    let nightly = "drift --since last.json --record last.json --who --notify";
    desk.run(nightly).expect_code(0);
    assert_eq!(emulator.proxy().count("cloudtrail:LookupEvents"), 0, "nothing drifted");

    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    let record = json!({
        "userIdentity": {"arn": "arn:aws:sts::123456789012:assumed-role/Admin/mallory"},
        "sourceIPAddress": "203.0.113.7", "readOnly": false, "requestParameters": {"name": TRAIL},
    });
    let event = json!({"EventName": "StopLogging", "EventTime": 1_772_341_200, "ReadOnly": "false",
        "CloudTrailEvent": record.to_string()});
    let found = Trouble::Answer(json!({"Events": [event]}).to_string());
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, found);
    let told =
        "2026-03-01T05:00:00Z StopLogging by arn:aws:sts::123456789012:assumed-role/Admin/mallory from 203.0.113.7";
    let said = words(&desk.run(nightly).expect_code(2).out);
    assert!(said.contains(told), "{said}");
    let asked = emulator.proxy().count("cloudtrail:LookupEvents");
    assert_eq!(asked, 2, "by its ARN and by its name");

    let again = words(&desk.run(nightly).expect_code(2).out);
    assert!(again.contains(told) && again.contains("still there"), "{again}");
    assert_eq!(emulator.proxy().count("cloudtrail:LookupEvents"), asked, "what is known is not asked again");

    let mails = queue.read().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(mail["Subject"], "orgtrail: 1 new finding in acme");
    let text = mail["Message"].as_str().unwrap();
    assert!(
        text.contains("- new, nothing-recorded, drift: update 123456789012/eu-central-1/trail/acme-org-trail"),
        "{text}"
    );
    assert!(text.contains("StopLogging by arn:aws:sts::123456789012:assumed-role/Admin/mallory"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_or_a_topic_that_refuses_does_not_hide_the_drift() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let more = "notify: {topic: 'arn:aws:sns:eu-central-1:123456789012:not-there'}\n";
    let desk = Desk::at(&emulator, &world, more);
    desk.run("apply --yes").expect_code(0);
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    let denied = Trouble::Error(400, "AccessDeniedException");
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, denied);
    let said = desk.run("drift --who --notify --format json").expect_code(1);
    let report = said.json();
    assert_eq!(report["changes"][0]["kind"], "trail");
    let unknown = report["who"][0]["unknown"].as_str().unwrap();
    assert!(unknown.contains("cannot be read") && unknown.contains("AccessDenied"), "{unknown}");
    assert!(said.err.contains("a notification failed") && said.err.contains("sns:Publish"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_works_is_sent_to_once_where_another_one_fails() {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let more = "notify: {topic: 'arn:aws:sns:eu-central-1:123456789012:later', webhook: {url_env: ORGTRAIL_WEBHOOK}}\n";
    let desk = Desk::at(&emulator, &world, more);
    desk.run("apply --yes").expect_code(0);
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    let hook = Hook::start(200);
    let nightly = "drift --since last.json --record last.json --notify";
    for sent in [1, 0] {
        let said = hook.run(&desk, nightly).expect_code(1);
        assert!(said.err.contains("a notification failed") && said.err.contains("sns:Publish"), "{}", said.err);
        assert_eq!(hook.messages.try_iter().count(), sent, "{}", said.out);
    }

    let there = world.management();
    let sns = aws_sdk_sns::Client::new(&there);
    let topic = sns.create_topic().name("later").send().await.unwrap().topic_arn.unwrap();
    let queue = Mailbox::open(&there, &topic).await;
    hook.run(&desk, nightly).expect_code(2);
    hook.run(&desk, nightly).expect_code(2);
    assert_eq!(hook.messages.try_iter().count(), 0);
    let mails = queue.read().await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert!(mail["Message"].as_str().unwrap().contains("- new, nothing-recorded, drift: update "), "{mail}");
}

/// A queue that gets what a topic is told.
pub struct Mailbox {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Mailbox {
    pub async fn open(config: &aws_config::SdkConfig, topic: &str) -> Self {
        let client = aws_sdk_sqs::Client::new(config);
        let url = client.create_queue().queue_name("mailbox").send().await.unwrap().queue_url.unwrap();
        let arn = aws_sdk_sqs::types::QueueAttributeName::QueueArn;
        let asked = client.get_queue_attributes().queue_url(&url).attribute_names(arn.clone()).send().await.unwrap();
        let queue = asked.attributes().unwrap()[&arn].clone();
        let sns = aws_sdk_sns::Client::new(config);
        sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue).send().await.unwrap();
        Self { client, url }
    }

    pub async fn read(&self) -> Vec<Value> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let answer = request.send().await.unwrap();
        answer.messages().iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()).collect()
    }
}
