//! The lake's bucket as part of a deployment, over the wire: planned, made, written into, watched.

use std::collections::BTreeSet;
use std::io::Write;

use aws_sdk_s3::primitives::ByteStream;
use flate2::Compression;
use flate2::write::GzEncoder;
use orgtrail::permissions::{AccountKind, KnownAccounts, PermissionsRequest, Purpose, permissions};
use serde_json::{Value, json};

use crate::run::Desk;
use crate::support::{Emulator, World};

const LAKE: &str = "lake: {place: s3://acme-lake/events, slots: 1}\n";

/// A log file of two events of the account `web`, as CloudTrail delivers it.
async fn deliver(world: &World) {
    let account = world.account("web");
    let event = |id: u32| {
        json!({
            "eventVersion": "1.11", "eventTime": format!("2026-11-20T01:00:{id:02}Z"),
            "eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "eu-central-1",
            "eventID": format!("00000000-0000-4000-8000-{id:012}"), "recipientAccountId": account,
        })
    };
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(json!({"Records": [event(1), event(2)]}).to_string().as_bytes()).unwrap();
    let folder = format!("AWSLogs/{}/{account}/CloudTrail/eu-central-1/2026/11/20", world.organization);
    let key = format!("{folder}/{account}_CloudTrail_eu-central-1_20261120T0105Z_AbCdEfGhIjKlMnOp.json.gz");
    let body = ByteStream::from(packed.finish().unwrap());
    let put = s3(world).await.put_object().bucket("acme-org-cloudtrail").key(key).body(body);
    put.send().await.unwrap();
}

async fn s3(world: &World) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(&world.hand_in("log-archive").await)
}

fn changes(plan: &Value) -> Vec<(&str, &str)> {
    let changes = plan["changes"].as_array().unwrap().iter();
    changes.map(|change| (change["action"].as_str().unwrap(), change["address"].as_str().unwrap())).collect()
}

async fn policy(world: &World, bucket: &str) -> Value {
    let policy = s3(world).await.get_bucket_policy().bucket(bucket).send().await.unwrap();
    serde_json::from_str(policy.policy().unwrap()).unwrap()
}

async fn keys(world: &World) -> Vec<String> {
    let listed = s3(world).await.list_objects_v2().bucket("acme-lake").send().await.unwrap();
    listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

/// The calls to S3 that `permissions --for lake --in log` is for.
fn granted(desk: &Desk) -> BTreeSet<String> {
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let config = orgtrail::config::parse(&text, "orgtrail.yaml").unwrap();
    let (purpose, place, known) = (Purpose::Lake, AccountKind::Log, &KnownAccounts::default());
    let request = PermissionsRequest {
        config: &config,
        purpose,
        place,
        known,
        destroy: &[],
        sign: None,
        lake: None,
        athena: None,
        recorders: false,
    };
    let of_s3 = permissions(&request).operations.into_iter().filter(|operation| operation.service.as_str() == "s3");
    of_s3.map(|operation| operation.name.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_of_the_lake_is_planned_made_filled_and_watched() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    let refused = desk.run("permissions --for lake --in log").expect_code(1).err;
    assert!(refused.contains("not known where the lake lies") && refused.contains("--for query"), "{refused}");
    let logs = policy(&world, "acme-org-cloudtrail").await;
    desk.write("orgtrail.yaml", &(std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap() + LAKE));

    let log = world.log();
    let planned = desk.run("plan --format json").expect_code(2).json();
    let (bucket, of_bucket) =
        (format!("{log}/eu-central-1/bucket/acme-lake"), format!("{log}/eu-central-1/bucket_policy/acme-lake"));
    // The log bucket notes the lake in a tag, so that the lake's bucket is not forgotten.
    let note = format!("{log}/eu-central-1/bucket/acme-org-cloudtrail");
    let all = [("create", &*bucket), ("update", &*note), ("create", &*of_bucket)];
    assert_eq!(changes(&planned), all, "{planned:#}");
    let safe = planned["changes"].as_array().unwrap().iter().all(|change| change["risk"] == json!(["safe"]));
    assert!(safe, "{planned:#}");
    desk.run("apply --yes").expect_code(0);
    assert_eq!(desk.run("plan --format json").expect_code(0).json()["in_sync"], true);
    assert_eq!(policy(&world, "acme-org-cloudtrail").await, logs, "the log bucket is as it was");
    let versioning = s3(&world).await.get_bucket_versioning().bucket("acme-lake").send().await.unwrap();
    assert_eq!(versioning.status().map(|status| status.as_str()), Some("Enabled"));

    deliver(&world).await;
    emulator.proxy().clear();
    let updated = desk.run("lake update --format json").expect_code(0).json();
    assert_eq!((&updated["added"], &updated["records"]), (&json!(1), &json!(2)), "{updated:#}");
    assert!(keys(&world).await.iter().any(|key| key.starts_with("events/events/day=2026-11-20/")));
    let granted = granted(&desk);
    for call in emulator.proxy().calls().iter().filter(|call| call.service == "s3") {
        assert_eq!(world.account_of(&call.access_key).await, *log, "{} is made in the log account", call.action);
        assert!(granted.contains(&call.action), "{} is not printed: {granted:?}", call.action);
    }
    let status = desk.run("lake status --format json").expect_code(0).json();
    assert_eq!(status["total"]["objects"], 1);

    // A member is let in by a statement of somebody else.
    let mut opened = policy(&world, "acme-lake").await;
    let web = world.account("web");
    opened["Statement"].as_array_mut().unwrap().push(json!({
        "Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{web}:root")},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lake/*"
    }));
    let put = s3(&world).await.put_bucket_policy().bucket("acme-lake").policy(opened.to_string());
    put.send().await.unwrap();
    let drift = desk.run("drift --format json").expect_code(2).json();
    let told = drift["violations"].as_array().unwrap();
    assert!(told.iter().any(|one| one["address"] == of_bucket && one["invariant"] == "reads-only-own"), "{drift:#}");
    // Nothing is written where somebody else reads it.
    let before = keys(&world).await;
    let refused = desk.run("lake update").expect_code(1).err;
    assert!(refused.contains("while it is not as configured") && refused.contains("statement \"Theirs\""), "{refused}");
    let refused = desk.run("verify --seal").expect_code(1).err;
    assert!(refused.contains("while it is not as configured"), "{refused}");
    assert_eq!(keys(&world).await, before);
    desk.run("apply --yes --close --allow weakens,destroys").expect_code(0);
    assert_eq!(desk.run("drift --format json").expect_code(0).json()["in_sync"], true);
    desk.run("lake update").expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_says_who_reads_the_lake_and_lakes_of_before() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, LAKE);
    desk.run("apply --yes").expect_code(0);
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let analysts = format!("arn:aws:iam::{}:role/analysts", world.account("web"));
    let with_readers = text.replace("slots: 1", &format!("slots: 1, readers: [\"{analysts}\"]"));
    desk.write("orgtrail.yaml", &with_readers);
    // That somebody more is to read is nothing that is worse now.
    let planned = desk.run("plan --format json").expect_code(2).json();
    let harms: Vec<&Value> = planned["changes"].as_array().unwrap().iter().map(|change| &change["harm"]).collect();
    assert!(!harms.is_empty() && harms.iter().all(|harm| **harm == json!("harmless")), "{planned:#}");
    let live = desk.run("access --live --format json").expect_code(0).json();
    assert_eq!(
        (&live["lakes"][0]["refused"], &live["lakes"][0]["reads"]),
        (&json!([analysts]), &json!([])),
        "{live:#}"
    );
    desk.run("apply --yes --allow weakens").expect_code(0);
    let access = desk.run("access --format json").expect_code(0).json();
    let lake = &access["lakes"][0];
    assert_eq!((&lake["place"], &lake["reads"]), (&json!("s3://acme-lake/events"), &json!([analysts])), "{access:#}");
    assert_eq!((&lake["proved"], &lake["is_earlier"]), (&json!(true), &json!(false)), "{access:#}");
    let human = desk.run("access").expect_code(0).out;
    assert!(
        human.contains(&format!("lake s3://acme-lake/events, with the events of all accounts: {analysts} reads it"))
    );

    // The lake moves: what lets in its readers there is not meant any more, and goes on to be said.
    desk.write("orgtrail.yaml", &text.replace("s3://acme-lake/events", "s3://acme-other/events"));
    desk.run("apply --yes").expect_code(2);
    let moved = desk.run("access --format json").expect_code(2).json();
    let places: Vec<&Value> = moved["lakes"].as_array().unwrap().iter().map(|lake| &lake["place"]).collect();
    assert_eq!(places, ["s3://acme-other/events", "s3://acme-lake"], "{moved:#}");
    let old = &moved["lakes"][1];
    assert_eq!((&old["reads"], &old["proved"], &old["is_earlier"]), (&json!([analysts]), &json!(false), &json!(true)));
    let told = moved["violations"].as_array().unwrap();
    assert!(
        told.iter().any(|one| one["resource"].as_str().unwrap().starts_with("arn:aws:s3:::acme-lake/")),
        "{moved:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_makes_the_bucket_of_the_lake_and_fills_it() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let by_id = text.replace("log: log-archive", &format!("log: \"{}\"", world.log()));
    desk.write("orgtrail.yaml", &by_id);
    desk.run("apply --yes").expect_code(0);
    deliver(&world).await;
    desk.write("orgtrail.yaml", &(by_id + LAKE));

    let said = desk.run("reconcile --once --format json").expect_code(0).json();
    assert_eq!((&said["lake"]["added"], &said["lake"]["missing"]), (&json!(1), &json!(0)), "{said:#}");
    assert!(keys(&world).await.iter().any(|key| key.starts_with("events/events/day=2026-11-20/")));
    let again = desk.run("reconcile --once").expect_code(0).out;
    assert!(again.contains("in sync") && again.contains("lake: 0 log files added"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_there_is_not_taken_over_unasked() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let desk = Desk::at(&emulator, &world, "");
    desk.run("apply --yes").expect_code(0);
    deliver(&world).await;
    desk.write("orgtrail.yaml", &(std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap() + LAKE));
    let client = s3(&world).await;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuCentral1);
    client.create_bucket().bucket("acme-lake").create_bucket_configuration(place.build()).send().await.unwrap();
    client.put_object().bucket("acme-lake").key("theirs").body(ByteStream::from_static(b"x")).send().await.unwrap();

    desk.run("apply --yes").expect_code(1);
    let refused = desk.run("lake update").expect_code(1).err;
    assert!(refused.contains("of no deployment, and not taken over"), "{refused}");
    let text = std::fs::read_to_string(desk.path("orgtrail.yaml")).unwrap();
    let tags = client.get_bucket_tagging().bucket("acme-lake").send().await;
    assert!(tags.is_err(), "{tags:?}");
    // Kept by somebody else it is only looked at.
    desk.write("orgtrail.yaml", &text.replace("slots: 1", "slots: 1, bucket: existing"));
    desk.run("apply --yes").expect_code(2);
    assert!(client.get_bucket_tagging().bucket("acme-lake").send().await.is_err());
    let plan = desk.run("plan --format json").expect_code(2).json();
    assert_eq!(changes(&plan), []);
    let codes: Vec<&Value> = plan["findings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&json!("lake-bucket-unblocked")), "{plan:#}");
    let http = plan["violations"].as_array().unwrap().iter().find(|one| one["invariant"] == "plain-http-refused");
    assert!(http.is_some_and(|one| one["address"].as_str().unwrap().ends_with("/bucket_policy/acme-lake")), "{plan:#}");
}
