//! `orgtrail coverage --aws-config`: whether AWS Config delivers, in a copy and in a bucket beside the recorders of an
//! organization.

use aws_sdk_config::Client;
use aws_sdk_config::types::{ConfigurationRecorder, DeliveryChannel, RecordingGroup};
use aws_sdk_s3::primitives::ByteStream;
use jiff::{SignedDuration, Timestamp};
use orgtrail::cli::outcome::Outcome;
use orgtrail::logs::expected::Expected;
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, REGION, Stored};
use crate::coverage::{coverage, day, json as answer};
use crate::program::{client, orgtrail};
use crate::support::{Emulator, Trouble, World};

/// The key of a snapshot, with a month and a day without zeros.
fn snapshot(prefix: &str, account: &str, region: &str, time: Timestamp) -> String {
    let (day, stamp) = (time.strftime("%Y/%-m/%-d"), time.strftime("%Y%m%dT%H%M%SZ"));
    let file = format!("{account}_Config_{region}_ConfigSnapshot_{stamp}_16da64e4-cb65-4846-b061-e6c3ba43cb96.json.gz");
    format!("{prefix}AWSLogs/{account}/Config/{region}/{day}/ConfigSnapshot/{file}")
}

fn put(bucket: &mut Bucket, key: String, body: &[u8]) {
    bucket.objects.insert(key, Stored { body: body.to_vec(), metadata: Default::default() });
}

#[tokio::test]
async fn a_copy_shows_the_newest_objects_of_aws_config_and_only_where_that_is_asked() {
    let mut bucket = day();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let own = |time| snapshot("", ACCOUNT, REGION, at(time));
    put(&mut bucket, own("2026-11-20T01:00:00Z"), b"x");
    put(&mut bucket, own("2026-11-20T13:00:00Z"), b"x");
    // Neither an empty object, nor one of the future, nor the file with which AWS Config tries whether it may write.
    put(&mut bucket, own("2026-11-20T14:00:00Z"), b"");
    put(&mut bucket, own("2026-11-21T14:00:00Z"), b"x");
    put(&mut bucket, format!("AWSLogs/{ACCOUNT}/Config/ConfigWritabilityCheckFile"), b"");
    let (outcome, with) = answer(&bucket, Expected::default(), &["--aws-config"]).await;
    assert_eq!(outcome, Outcome::Clean);
    let row = json!({"account": ACCOUNT, "name": null, "region": REGION, "state": "seen", "objects": 2,
        "newest": "2026-11-20T13:00:00Z", "note": null, "place": with["config_rows"][0]["place"]});
    assert_eq!(with["config_rows"], json!([row]));
    let (_, without) = answer(&bucket, Expected::default(), &[]).await;
    assert_eq!(without.get("config_rows"), None);
    let (_, elsewhere) = answer(&bucket, Expected::default(), &["--aws-config", "--region", "eu-central-1"]).await;
    assert_eq!(elsewhere["config_rows"], json!([]));
    for (format, words) in [
        ("human", "AWS Config: 1 row (account x region): 1 seen"),
        ("markdown", "### AWS Config"),
        ("html", "<h2>AWS Config</h2>"),
        ("jsonl", "\"type\":\"config_row\""),
    ] {
        let (_, text) = coverage(&bucket, Expected::default(), &["--aws-config", "--format", format]).await.unwrap();
        assert!(text.contains(words) && text.contains("2026-11-20T13:00:00Z"), "{format}\n{text}");
    }
}

/// Makes a recorder that is on and delivers into a bucket.
async fn record(world: &World, account: &str, bucket: &str, prefix: Option<&str>) {
    let config = if account == "management" { world.management() } else { world.hand_in(account).await };
    let client = Client::new(&config);
    let group = RecordingGroup::builder().all_supported(true).build();
    let recorder = ConfigurationRecorder::builder().name("default").role_arn("arn:aws:iam::1:role/r");
    let recorder = recorder.recording_group(group).build();
    client.put_configuration_recorder().configuration_recorder(recorder).send().await.unwrap();
    let channel = DeliveryChannel::builder().name("default").s3_bucket_name(bucket);
    let channel = channel.set_s3_key_prefix(prefix.map(str::to_owned)).build();
    client.put_delivery_channel().delivery_channel(channel).send().await.unwrap();
    client.start_configuration_recorder().configuration_recorder_name("default").send().await.unwrap();
}

/// Has the emulator know the enabled regions, and what AWS Config says of its deliveries: it knows neither itself.
fn answers(emulator: &Emulator, delivered: Timestamp) {
    let regions = ["eu-central-1", "eu-west-1"].map(|name| json!({"RegionName": name, "RegionOptStatus": "ENABLED"}));
    let regions = Trouble::Answer(json!({"Regions": regions}).to_string());
    emulator.proxy().trouble("account", "ListRegions", usize::MAX, regions);
    let told = json!({"lastStatus": "SUCCESS", "lastSuccessfulTime": delivered.as_second()});
    let status = json!({"DeliveryChannelsStatus": [{"name": "default", "configHistoryDeliveryInfo": told}]});
    let status = Trouble::Answer(status.to_string());
    emulator.proxy().trouble("config", "DescribeDeliveryChannelStatus", usize::MAX, status);
}

fn state<'a>(report: &'a Value, account: &str, region: &str) -> &'a Value {
    let mut rows = report["config_rows"].as_array().unwrap().iter();
    let row = rows.find(|row| row["account"] == account && row["region"] == region);
    row.unwrap_or_else(|| panic!("{report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recorder_of_the_organization_is_held_against_what_is_in_the_bucket() {
    let emulator = Emulator::start();
    let world = World::three_accounts(&emulator).await;
    let now = Timestamp::now();
    answers(&emulator, now);
    let s3 = client(&emulator);
    s3.create_bucket().bucket("acme-logs").send().await.unwrap();
    let [management, log, web] = ["management", "log-archive", "web"].map(|name| world.account(name).as_str());
    record(&world, "management", "acme-logs", Some("audit")).await;
    record(&world, "log-archive", "acme-config", None).await;
    record(&world, "web", "acme-logs", None).await;
    let key = snapshot("audit/", management, "eu-central-1", now - SignedDuration::from_mins(1));
    s3.put_object().bucket("acme-logs").key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();

    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "version: 1
deployment: acme
accounts: {{log: log-archive}}
home_region: eu-central-1
organization: {{id: {}}}
bucket: {{name: acme-logs}}
trails: [{{name: org-trail}}]
",
        world.organization
    );
    std::fs::write(home.path().join("orgtrail.yaml"), text).unwrap();
    emulator.proxy().clear();
    let run = |more: &[&str]| {
        let done =
            orgtrail(&emulator, home.path(), &[&["coverage", "--format", "json", "--aws-config"], more].concat());
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        (report, said)
    };
    let (report, said) = run(&[]);
    let arriving = state(&report, management, "eu-central-1");
    assert_eq!((&arriving["state"], &arriving["place"]), (&json!("arriving"), &json!("s3://acme-logs/audit")));
    let elsewhere = state(&report, log, "eu-central-1");
    assert_eq!((&elsewhere["state"], &elsewhere["place"]), (&json!("elsewhere"), &json!("s3://acme-config")));
    let unconfirmed = state(&report, web, "eu-central-1");
    assert_eq!(unconfirmed["state"], "unconfirmed", "{unconfirmed:#}");
    assert_eq!(unconfirmed["name"], "web");
    for account in [management, log, web] {
        assert_eq!(state(&report, account, "eu-west-1")["state"], "off");
    }
    assert!(said.contains("1 region where AWS Config is unknown or unconfirmed"), "{said}");
    // Three regions with a recorder, three without; the regions are asked once.
    let proxy = emulator.proxy();
    let calls = proxy.calls().iter().filter(|call| call.service == "config").count();
    assert_eq!((calls, proxy.count("account:ListRegions")), (3 * 4 + 3, 3));
    let of_others = proxy.calls().into_iter().filter(|call| call.service == "s3" && call.uri.contains("acme-config"));
    assert_eq!(of_others.count(), 0, "no bucket is listed but the one that was named");

    proxy.refuse_roles_of(web);
    let (report, _) = run(&["--region", "eu-central-1"]);
    let row = state(&report, web, "eu-central-1");
    assert_eq!(row["state"], "unread", "{row:#}");
    assert!(row["note"].as_str().unwrap().contains("sts:AssumeRole"), "{row:#}");
}
