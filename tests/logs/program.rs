//! The program itself against moto's S3: place, credentials and keys from the environment.

use std::process::{Command, Output};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use orgtrail::logs::digest::keys::KeyRing;
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION, gz};
use crate::s3::{S3Server, Settings};
use crate::support::{Emulator, Trouble};

pub fn client(emulator: &Emulator) -> aws_sdk_s3::Client {
    let config = crate::s3::S3Server::start(crate::s3::Settings::default()).config();
    let config = config.into_builder().endpoint_url(emulator.backend()).build();
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

pub async fn upload(emulator: &Emulator, bucket: &Bucket) {
    let client = client(emulator);
    let name = &bucket.layout.bucket;
    client.create_bucket().bucket(name).send().await.unwrap();
    for (key, stored) in &bucket.objects {
        let mut put = client.put_object().bucket(name).key(key).body(ByteStream::from(stored.body.clone()));
        for (name, value) in &stored.metadata {
            put = put.metadata(name, value);
        }
        put.send().await.unwrap();
    }
}

pub fn orgtrail(emulator: &Emulator, home: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orgtrail"))
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("AWS_ENDPOINT_URL", emulator.endpoint())
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", REGION)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_proved_with_cloudtrails_keys_which_are_kept() {
    let emulator = Emulator::start();
    let mut bucket = Layout::default().write();
    upload(&emulator, &bucket).await;
    // As the service answers: times in seconds.
    let mut served = bucket.keys()[REGION].clone();
    for key in served["PublicKeyList"].as_array_mut().unwrap() {
        key["ValidityStartTime"] = json!(1_577_836_800);
    }
    emulator.proxy().trouble("cloudtrail", "ListPublicKeys", 3, Trouble::Answer(served.to_string()));
    let home = tempfile::tempdir().unwrap();
    let place = format!("s3://{}", bucket.layout.bucket);
    let to = bucket.layout.end().to_string();
    // What answers here is not AWS, so that the usual ring takes nothing from it.
    let done = orgtrail(&emulator, home.path(), &["verify", &place, "--to", &to]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!home.path().join(".local/share/orgtrail/keys.json").exists());
    assert!(String::from_utf8_lossy(&done.stdout).contains("which is not AWS"));

    emulator.proxy().clear();
    let arguments = ["verify", &place, "--to", &to, "--format", "json", "--key-ring", "ring.json"];
    let done = orgtrail(&emulator, home.path(), &arguments);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&answer["summary"]["state"], &answer["summary"]["logs_attested"]), (&json!("ATTESTED"), &json!(6)));
    assert_eq!(emulator.proxy().count("cloudtrail:ListPublicKeys"), 1);

    // The keys are in the ring now; CloudTrail is asked again, since its own answer counts most.
    let ring = std::fs::read_to_string(home.path().join("ring.json")).unwrap();
    assert_eq!(KeyRing::parse_file(&ring).unwrap().iter().count(), 3);
    let done = orgtrail(&emulator, home.path(), &arguments);
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(emulator.proxy().count("cloudtrail:ListPublicKeys"), 2);

    // A ring with the key of a forger is of no use to him while CloudTrail can be asked.
    let mut real = served.clone();
    real["PublicKeyList"].as_array_mut().unwrap().truncate(0);
    real["PublicKeyList"].as_array_mut().unwrap().push(served["PublicKeyList"][2].clone());
    emulator.proxy().trouble("cloudtrail", "ListPublicKeys", 1, Trouble::Answer(real.to_string()));
    let done = orgtrail(&emulator, home.path(), &arguments);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stdout).contains("digest.foreign_key"));

    // Where CloudTrail cannot be asked, the ring counts.
    emulator.proxy().trouble("cloudtrail", "ListPublicKeys", 2, Trouble::Error(403, "AccessDeniedException"));
    let done = orgtrail(&emulator, home.path(), &arguments);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));

    let log = bucket.layout.log(ACCOUNT, REGION, 3, 0);
    bucket.objects.get_mut(&log).unwrap().body = gz(b"{}");
    upload(&emulator, &bucket).await;
    let done = orgtrail(&emulator, home.path(), &["verify", &place, "--to", &to, "--key-ring", "ring.json"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stdout).contains("log.hash_mismatch"));

    let from = bucket.layout.start.to_string();
    let done =
        orgtrail(&emulator, home.path(), &["coverage", &place, "--from", &from, "--to", &to, "--format", "json"]);
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), &answer["rows"][0]["hours_with_digest"]), (Some(0), &json!(6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_versions_of_a_bucket_tell_what_became_of_a_log() {
    let emulator = Emulator::start();
    let mut bucket = Layout::default().write();
    let (client, name) = (client(&emulator), bucket.layout.bucket.clone());
    client.create_bucket().bucket(&name).send().await.unwrap();
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket(&name).versioning_configuration(enabled).send().await.unwrap();
    upload(&emulator, &bucket).await;
    let (changed, deleted) = (bucket.layout.log(ACCOUNT, REGION, 3, 0), bucket.layout.log(ACCOUNT, REGION, 5, 0));
    bucket.objects.retain(|key, _| *key == changed);
    bucket.objects.get_mut(&changed).unwrap().body = gz(b"{}");
    upload(&emulator, &bucket).await;
    client.delete_object().bucket(&name).key(&deleted).send().await.unwrap();

    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    let (place, to) = (format!("s3://{name}"), bucket.layout.end().to_string());
    let arguments = ["verify", &place, "--to", &to, "--keys", "keys.json", "--format", "json"];
    let done = orgtrail(&emulator, home.path(), &arguments);
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    let detail = |code: &str| {
        let findings = answer["chains"][0]["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("{answer:#}"))["detail"].as_str().unwrap().to_owned()
    };
    assert!(detail("log.hash_mismatch").contains("is the attested one"), "{answer:#}");
    let missing = detail("log.missing");
    assert!(missing.contains("it was deleted at") && missing.contains("is the attested one"), "{missing}");
}

#[test]
fn a_usage_error_is_no_finding() {
    let run = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_orgtrail")).args(arguments).output().unwrap();
    for arguments in [&["verify", "--from", "yesterday"][..], &["verify", "no/such/place"], &["coverage", "--nonsense"]]
    {
        assert_eq!(run(arguments).status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn the_proxy_of_the_environment_is_asked() {
    let bucket = Layout::default().write();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    // It answers for every host, as a proxy does; nobody else knows this one.
    let proxy = S3Server::start(Settings { objects: bucket.objects.clone(), ..Settings::default() });
    let (place, to) = (format!("s3://{}", bucket.layout.bucket), bucket.layout.end().to_string());
    let done = Command::new(env!("CARGO_BIN_EXE_orgtrail"))
        .args(["verify", &place, "--to", &to, "--keys", "keys.json"])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_ENDPOINT_URL", "http://archive.invalid")
        .env("HTTP_PROXY", &proxy.endpoint)
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", REGION)
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(done.status.code(), Some(0), "{}{}", said(&done.stdout), said(&done.stderr));
    assert!(proxy.settings.seen.gets.load(std::sync::atomic::Ordering::SeqCst) >= bucket.objects.len());
}
