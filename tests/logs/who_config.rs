//! `who --aws-config`: what AWS Config saw change, beside the calls in an archive that may have changed it.

use serde_json::{Value, json};

use crate::bucket::ACCOUNT;
use crate::program::orgtrail;
use crate::support::{Emulator, Proxy, Trouble};
use crate::who::{archive, bucket_call};

/// The first second of the day of the archives: 2026-11-20T00:00:00Z.
const MIDNIGHT: i64 = 1_795_132_800;

/// An item in the form of AWS Config's answers (AWS Config API, `GetResourceConfigHistory`): documents are texts, and
/// so are the documents in them.
fn item(minute: i64, status: &str, policy: &str, more: &Value) -> Value {
    let policy = json!({"policyText": policy}).to_string();
    let mut item = json!({
        "version": "1.3", "accountId": ACCOUNT, "configurationItemCaptureTime": MIDNIGHT + 60 * minute,
        "configurationItemStatus": status, "configurationStateId": minute.to_string(),
        "arn": "arn:aws:s3:::acme-files", "resourceType": "AWS::S3::Bucket", "resourceId": "acme-files",
        "resourceName": "acme-files", "awsRegion": "us-east-1", "relatedEvents": [], "relationships": [], "tags": {},
        "configuration": json!({"name": "acme-files", "owner": {"id": "1"}}).to_string(),
        "supplementaryConfiguration": {"BucketPolicy": policy}, "recordingFrequency": "CONTINUOUS",
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        item[field] = value.clone();
    }
    item
}

fn statement(principal: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}]})
        .to_string()
}

fn answers(proxy: &Proxy, items: &[Value]) {
    let text = json!({"configurationItems": items}).to_string();
    proxy.trouble("config", "GetResourceConfigHistory", usize::MAX, Trouble::Answer(text));
}

/// A recorder of these types, as AWS Config answers it in the account of the archive, whose credentials are used.
fn recorder(proxy: &Proxy, group: &Value, is_on: bool) {
    let identity = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{ACCOUNT}:user/test</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    proxy.trouble("sts", "GetCallerIdentity", usize::MAX, Trouble::Answer(identity));
    let one = json!({"ConfigurationRecorders": [{"name": "default", "recordingGroup": group}]});
    proxy.trouble("config", "DescribeConfigurationRecorders", usize::MAX, Trouble::Answer(one.to_string()));
    let status = json!({"ConfigurationRecordersStatus": [{"name": "default", "recording": is_on}]});
    proxy.trouble("config", "DescribeConfigurationRecorderStatus", usize::MAX, Trouble::Answer(status.to_string()));
}

fn all_types() -> Value {
    json!({"allSupported": true, "includeGlobalResourceTypes": true})
}

/// An archive in which ann makes a bucket, bob opens it, eve is refused, and cid deletes it.
fn events() -> Vec<Value> {
    vec![
        bucket_call(0, "made", "CreateBucket", "ann", &json!({})),
        bucket_call(1, "opened", "PutBucketPolicy", "bob", &json!({})),
        bucket_call(1, "refused", "PutBucketPolicy", "eve", &json!({"errorCode": "AccessDenied"})),
        bucket_call(3, "ended", "DeleteBucket", "cid", &json!({})),
    ]
}

struct Desk {
    emulator: Emulator,
    home: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        archive(&events()).write_to(&home.path().join("copy"));
        Self { emulator: Emulator::start(), home }
    }

    fn ask(&self, format: &str, more: &[&str]) -> (Option<i32>, String) {
        let line =
            ["who", "bucket", "acme-files", "--place", "copy", "--to", "2026-11-20T05:59:59Z", "--format", format];
        let done = orgtrail(&self.emulator, self.home.path(), &[&line[..], more].concat());
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    }
}

const WHOLE: [&str; 3] = ["--from", "2026-11-20T00:00:00Z", "--aws-config"];

#[test]
fn each_difference_stands_beside_the_calls_between_its_items() {
    let desk = Desk::new();
    let proxy = desk.emulator.proxy();
    recorder(proxy, &all_types(), true);
    let gone = json!({"configuration": null, "supplementaryConfiguration": {}});
    answers(
        proxy,
        &[
            item(205, "ResourceDeleted", "", &gone),
            item(85, "OK", &statement("*"), &json!({})),
            item(25, "ResourceDiscovered", &statement("one"), &json!({})),
        ],
    );
    let (code, text) = desk.ask("json", &WHOLE);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let own = &answer["configuration"][0];
    assert_eq!((code, &own["gaps"], &own["items"]), (Some(0), &json!([]), &json!(3)), "{answer:#}");
    let changes = own["changes"].as_array().unwrap();
    let told: Vec<(&str, &str, Vec<&str>)> = changes
        .iter()
        .map(|change| {
            let ids = change["calls"].as_array().unwrap().iter().map(|call| call["event_id"].as_str().unwrap());
            (change["status"].as_str().unwrap(), change["until"].as_str().unwrap(), ids.collect())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ResourceDeleted", "2026-11-20T03:25:00Z", vec!["ended"]),
            ("OK", "2026-11-20T01:25:00Z", vec!["opened"]),
            ("ResourceDiscovered", "2026-11-20T00:25:00Z", vec!["made"]),
        ]
    );
    let difference = &changes[1]["differences"][0];
    let path = "supplementaryConfiguration.BucketPolicy.policyText.Statement[0].Principal";
    assert_eq!((&difference["path"], &difference["after"]), (&json!(path), &json!("\"*\"")), "{changes:#?}");

    for format in ["human", "markdown", "html"] {
        let (_, text) = desk.ask(format, &WHOLE);
        assert!(text.contains("user/bob") && text.contains("PutBucketPolicy"), "{format}: {text}");
        assert!(text.contains("Principal"), "{format}: {text}");
    }
}

#[test]
fn what_is_recorded_daily_or_not_at_all_is_said_and_what_could_not_be_read_is_code_three() {
    let desk = Desk::new();
    let proxy = desk.emulator.proxy();
    let daily = json!({"recordingFrequency": "DAILY"});
    recorder(proxy, &json!({"allSupported": false, "resourceTypes": ["AWS::EC2::Instance"]}), true);
    let broken = item(50, "OK", "", &json!({"configuration": "{\"name\":"}));
    answers(proxy, &[item(85, "OK", &statement("*"), &daily), broken, item(25, "OK", &statement("one"), &daily)]);
    let (code, text) = desk.ask("human", &WHOLE);
    assert_eq!(code, Some(3), "{text}");
    for said in [
        "recorded once a day",
        "the configuration recorder does not record AWS::S3::Bucket",
        "configuration items that cannot be compared: 1",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{said}: {text}");
    }

    proxy.calm();
    recorder(proxy, &all_types(), true);
    proxy.trouble("config", "GetResourceConfigHistory", usize::MAX, Trouble::Error(400, "AccessDeniedException"));
    let (code, text) = desk.ask("json", &WHOLE);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let gaps = answer["configuration"][0]["gaps"].to_string();
    assert!(code == Some(3) && gaps.contains("AccessDenied"), "{answer:#}");
    assert_eq!(
        answer["resources"][0]["incarnations"][0]["steps"].as_array().map(Vec::len),
        Some(4),
        "who is told still"
    );
}

#[test]
fn the_item_before_the_time_that_is_asked_for_is_compared_with_and_not_told() {
    let desk = Desk::new();
    let proxy = desk.emulator.proxy();
    recorder(proxy, &all_types(), true);
    answers(
        proxy,
        &[
            item(85, "OK", &statement("*"), &json!({})),
            item(25, "OK", &statement("one"), &json!({})),
            item(5, "OK", &statement("two"), &json!({})),
        ],
    );
    let (_, text) = desk.ask("json", &["--from", "2026-11-20T01:00:00Z", "--aws-config"]);
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let changes = answer["configuration"][0]["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[0]["after"]), (1, &json!("2026-11-20T00:25:00Z")), "{answer:#}");
}

#[test]
fn without_the_flag_aws_config_is_not_asked_and_a_key_has_no_configuration() {
    let desk = Desk::new();
    let (code, text) = desk.ask("json", &WHOLE[..2]);
    assert_eq!(code, Some(0), "{text}");
    let asked = desk.emulator.proxy().calls().into_iter().filter(|call| call.service == "config").count();
    assert_eq!(asked, 0);
    let line = ["who", "AKIAEXAMPLEEXAMPLE00", "--place", "copy", "--aws-config"];
    let done = orgtrail(&desk.emulator, desk.home.path(), &line);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(1) && said.contains("--aws-config is about a resource"), "{said}");
}
