//! Who changed what drifted, and who stands behind the caller: the event history first, and the archive for the rest.

use aws_sdk_s3::primitives::ByteStream;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

use crate::run::{Desk, Said};
use crate::support::{Emulator, Trouble, World};

const TRAIL: &str = "acme-org-trail";
const KEY: &str = "ASIAEXAMPLESECOND001";
const MANAGEMENT: &str = "123456789012";

/// A deployment whose trail somebody stopped.
async fn stopped() -> (Emulator, World, Desk) {
    let emulator = Emulator::start();
    let world = World::twelve_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    aws_sdk_cloudtrail::Client::new(&world.management()).stop_logging().name(TRAIL).send().await.unwrap();
    (emulator, world, desk)
}

fn record(id: &str, time: &str, source: &str, name: &str, identity: &Value, more: &Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventID": id, "eventTime": time, "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": "192.0.2.1", "userIdentity": identity,
        "eventType": "AwsApiCall", "readOnly": false, "managementEvent": true, "recipientAccountId": MANAGEMENT,
        "requestParameters": null, "responseElements": null,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        record[field] = value.clone();
    }
    record
}

/// The trail is stopped in a session of a role of the management account, under a name that is a lie.
fn stop(time: &str, began: &str) -> Value {
    let arn = format!("arn:aws:sts::{MANAGEMENT}:assumed-role/Deploy/alice");
    let issuer = json!({"type": "Role", "principalId": "AROADeploy", "arn": format!("arn:aws:iam::{MANAGEMENT}:role/Deploy"),
        "accountId": MANAGEMENT, "userName": "Deploy"});
    let identity = json!({"type": "AssumedRole", "principalId": "AROADeploy:alice", "arn": arn, "accountId": MANAGEMENT,
        "accessKeyId": KEY, "sessionContext": {"sessionIssuer": issuer, "attributes": {"creationDate": began}}});
    record("stopped", time, "cloudtrail", "StopLogging", &identity, &json!({"requestParameters": {"name": TRAIL}}))
}

/// The call that gave out the key, as the account of the role and that of the caller have it.
fn assumed(time: &str, web: &str) -> [Value; 2] {
    let more = json!({
        "sharedEventID": "shared",
        "requestParameters": {"roleArn": format!("arn:aws:iam::{MANAGEMENT}:role/Deploy"), "roleSessionName": "alice"},
        "responseElements": {"credentials": {"accessKeyId": KEY}, "assumedRoleUser": {"assumedRoleId": "AROADeploy:alice",
            "arn": format!("arn:aws:sts::{MANAGEMENT}:assumed-role/Deploy/alice")}},
    });
    let user = json!({"type": "IAMUser", "principalId": "AIDAMALLORY", "arn": format!("arn:aws:iam::{web}:user/mallory"),
        "accountId": web, "userName": "mallory", "accessKeyId": "AKIAEXAMPLEEXAMPLE00"});
    let other = json!({"type": "AWSAccount", "principalId": "AIDAMALLORY", "accountId": web});
    let mut own = record("assumed", time, "sts", "AssumeRole", &user, &more);
    own["recipientAccountId"] = json!(web);
    [record("twin", time, "sts", "AssumeRole", &other, &more), own]
}

fn found(records: &[&Value]) -> Trouble {
    let event = |record: &&Value| {
        json!({"EventId": record["eventID"], "EventName": record["eventName"], "EventTime": 1_795_000_000,
            "ReadOnly": "false", "CloudTrailEvent": record.to_string()})
    };
    Trouble::Answer(json!({"Events": records.iter().map(event).collect::<Vec<_>>()}).to_string())
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first(said: &Said) -> Value {
    said.json()["who"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_behind_a_drift_is_found_over_two_accounts_and_the_session_name_is_a_claim() {
    let (emulator, world, desk) = stopped().await;
    let web = world.account("web").to_string();
    let (at, began) = ("2026-11-20T05:20:00Z", "2026-11-20T05:00:00Z");
    let [twin, own] = assumed(began, &web);
    let proxy = emulator.proxy();
    proxy.trouble_where("cloudtrail", "LookupEvents", TRAIL, 9, found(&[&stop(at, began)]));
    let is_key = |value: &str| value.contains(KEY);
    // The account of the role is asked first, and then that of whoever called: in two regions each.
    proxy.trouble_if(move |call| call.action == "LookupEvents" && is_key(&call.body), 2, found(&[&twin]));
    proxy.trouble_where("cloudtrail", "LookupEvents", KEY, 2, found(&[&own]));
    proxy.trouble("cloudtrail", "LookupEvents", usize::MAX, found(&[]));
    proxy.clear();
    let said = desk.run("drift --who --since last.json --record last.json --format json").expect_code(2);
    let who = first(&said);
    let change = &who["events"][0];
    assert_eq!((&change["event"], &change["event_id"]), (&json!("StopLogging"), &json!("stopped")), "{who:#}");
    assert_eq!(change["actor"], format!("arn:aws:sts::{MANAGEMENT}:assumed-role/Deploy/alice"));
    let person = &change["person"];
    assert_eq!(person["origin"], format!("arn:aws:iam::{web}:user/mallory"), "{who:#}");
    assert_eq!((&person["is_proven"], &person["session_name"]), (&json!(true), &json!("alice")));
    assert_eq!(who.get("not_looked_at"), None, "{who:#}");
    let asked = proxy.calls().into_iter().filter(|call| call.action == "LookupEvents").count();
    assert_eq!(asked, 2 + 2 + 2, "by ARN and name, and by the key in two accounts and two regions");
    assert_eq!(proxy.count("s3:ListObjectsV2"), 0, "the archive is not needed");

    let kept = words(&desk.run("drift --who --since last.json --record last.json").expect_code(2).out);
    let behind = format!("Behind it: arn:aws:iam::{web}:user/mallory; each step is proven by an access key.");
    assert!(kept.contains(&behind) && kept.contains("The session called itself \"alice\""), "{kept}");
    let asked = proxy.calls().into_iter().filter(|call| call.action == "LookupEvents").count();
    assert_eq!(asked, 6, "what is known is not asked again");
    for format in ["markdown", "html"] {
        let text = desk.run(&format!("drift --who --since last.json --record last.json --format {format}"));
        let text = words(&text.expect_code(2).out);
        assert!(text.contains("Behind it") && text.contains("user/mallory"), "{format} {text}");
    }
}

/// Puts a log file of the management account into the bucket of the deployment.
async fn deliver(world: &World, day: &str, slot: &str, account: &str, records: &[&Value]) {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
    let folder = format!("AWSLogs/{}/{account}/CloudTrail/eu-central-1/{day}", world.organization);
    let key = format!("{folder}/{account}_CloudTrail_eu-central-1_{slot}_Abcdefghijklmnop.json.gz");
    let client = aws_sdk_s3::Client::new(&world.hand_in("log-archive").await);
    let body = ByteStream::from(gz.finish().unwrap());
    client.put_object().bucket("acme-org-cloudtrail").key(key).body(body).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_event_history_does_not_have_is_asked_of_the_archive() {
    let (emulator, world, desk) = stopped().await;
    let web = world.account("web").to_string();
    let (at, began) = ("2026-03-01T05:20:00Z", "2026-03-01T05:00:00Z");
    let [twin, own] = assumed(began, &web);
    deliver(&world, "2026/03/01", "20260301T0525Z", MANAGEMENT, &[&twin, &stop(at, began)]).await;
    emulator.proxy().trouble("cloudtrail", "LookupEvents", usize::MAX, found(&[]));
    let who = first(&desk.run("drift --who --format json").expect_code(2));
    assert_eq!(who["events"][0]["event_id"], "stopped", "{who:#}");
    // The other account's log is not there: it is the id of a user that is known, and what was not looked at is said.
    let person = &who["events"][0]["person"];
    assert_eq!(person["origin"], format!("the IAM user AIDAMALLORY of {web}"), "{who:#}");
    assert!(person["lost"].as_str().unwrap().contains(&web) && who["not_looked_at"][0].is_string(), "{who:#}");

    deliver(&world, "2026/03/01", "20260301T0525Z", &web, &[&own]).await;
    let who = first(&desk.run("drift --who --format json").expect_code(2));
    assert_eq!(who["events"][0]["person"]["origin"], format!("arn:aws:iam::{web}:user/mallory"), "{who:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_found_it_is_said_what_was_asked_and_what_was_not() {
    let (emulator, world, desk) = stopped().await;
    let other = assumed("2026-03-01T05:00:00Z", world.account("web").as_str());
    deliver(&world, "2026/03/01", "20260301T0525Z", MANAGEMENT, &[&other[0]]).await;
    let proxy = emulator.proxy();
    proxy.trouble("cloudtrail", "LookupEvents", usize::MAX, found(&[]));
    let who = first(&desk.run("drift --who --format json").expect_code(2));
    let unknown = who["unknown"].as_str().unwrap();
    assert!(unknown.contains("90 days names no change") && unknown.contains("the archive names no change"), "{who:#}");
    proxy.trouble("s3", "ListObjectsV2", usize::MAX, Trouble::Error(403, "AccessDenied"));
    let who = first(&desk.run("drift --who --format json").expect_code(2));
    let unknown = who["unknown"].as_str().unwrap();
    assert!(unknown.contains("90 days names no change") && unknown.contains("the archive cannot be asked"), "{who:#}");
    let human = words(&desk.run("drift --who").expect_code(2).out);
    assert!(human.contains("unknown") && !human.to_lowercase().contains("nobody"), "{human}");
}
