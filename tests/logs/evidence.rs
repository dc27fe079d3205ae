//! Evidence bundles: how they come to be, and what they are asked that their run did not look at.

use std::path::Path;

use clap::Parser;
use jiff::SignedDuration;
use orgtrail::cli::Format;
use orgtrail::cli::logs::{ConfiguredLogs, LogsError};
use orgtrail::cli::outcome::Outcome;
use orgtrail::cli::verify::{VerifyArgs, run};
use serde_json::Value;

use crate::bucket::{Bucket, Layout};
use crate::proof::around;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: VerifyArgs,
}

/// Five days in a folder.
struct Copy {
    root: tempfile::TempDir,
    bucket: Bucket,
}

impl Copy {
    fn new() -> Self {
        let layout = Layout { hours: 120, logs: vec![1], contents: vec!["{}".into()], ..Layout::default() };
        let copy = Self { root: tempfile::tempdir().unwrap(), bucket: layout.write() };
        copy.bucket.write_to(&copy.root.path().join("copy"));
        std::fs::write(copy.path("keys.json"), copy.bucket.keys().to_string()).unwrap();
        copy
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    fn hour(&self, hour: i64) -> String {
        (self.bucket.layout.start + SignedDuration::from_hours(hour)).to_string()
    }

    async fn run(&self, arguments: &[&str]) -> Result<(Outcome, Value), LogsError> {
        let keys = self.path("keys.json");
        let command = Command::try_parse_from([&["verify", "--keys", &keys], arguments].concat()).unwrap();
        let around = around(self.bucket.layout.end(), Format::Json, None);
        let mut out = Vec::new();
        let outcome = run(&command.args, ConfiguredLogs::default(), &around, &mut out).await?;
        Ok((outcome, serde_json::from_slice(&out).unwrap()))
    }
}

fn codes(answer: &Value) -> Vec<String> {
    let chains = answer["chains"].as_array().unwrap().iter().flat_map(|chain| chain["findings"].as_array().unwrap());
    let all = chains.chain(answer["findings"].as_array().unwrap());
    all.map(|f| format!("{} {}", f["state"].as_str().unwrap(), f["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_bundle_that_is_asked_for_more_than_its_run_says_that_it_does_not_tell() {
    let copy = Copy::new();
    let (folder, bundle) = (copy.path("copy"), copy.path("evidence.gz"));
    let (from, to) = (copy.hour(54), copy.hour(90));
    let made = copy.run(&["--bundle", &bundle, "--from", &from, "--to", &to, &folder]).await.unwrap();
    assert_eq!(made.0, Outcome::Clean);
    assert_eq!(copy.run(&[&bundle]).await.unwrap().0, Outcome::Clean);
    let (inner, early, late) = (copy.hour(60), copy.hour(2), copy.hour(119));
    assert_eq!(copy.run(&["--from", &inner, &bundle]).await.unwrap().0, Outcome::Clean, "it tells of less");
    for asked in [&["--from", &early][..], &["--to", &late], &["--from", &early, "--to", &late]] {
        let (outcome, answer) = copy.run(&[asked, &[&bundle]].concat()).await.unwrap();
        assert_eq!(outcome, Outcome::Partial, "{asked:?}");
        let expected = vec!["UNPROVEN chain.unlisted".to_owned(); asked.len() / 2];
        assert_eq!(codes(&answer), expected, "{asked:?}");
        let detail = answer["findings"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("the bundle does not cover "), "{detail}");
    }
}

#[tokio::test]
async fn the_bundle_of_a_run_that_went_on_does_not_tell_what_was_before() {
    let copy = Copy::new();
    let (folder, bundle, file) = (copy.path("copy"), copy.path("evidence.gz"), copy.path("checkpoint"));
    let (_, first) = copy.run(&["--checkpoint", &file, "--to", &copy.hour(100), &folder]).await.unwrap();
    assert_eq!(first["summary"]["state"], "ATTESTED");
    copy.run(&["--checkpoint", &file, "--bundle", &bundle, &folder]).await.unwrap();
    assert_eq!(copy.run(&[&bundle]).await.unwrap().0, Outcome::Clean);
    let other = copy.path("another");
    let (outcome, answer) = copy.run(&["--checkpoint", &other, "--recheck", "full", &bundle]).await.unwrap();
    assert_eq!(outcome, Outcome::Partial);
    assert!(codes(&answer).iter().all(|line| line.starts_with("UNPROVEN")), "{:?}", codes(&answer));
    assert!(codes(&answer).contains(&"UNPROVEN chain.unlisted".to_owned()), "{:?}", codes(&answer));
}

#[tokio::test]
async fn an_earlier_bundle_stays_until_a_new_one_is_whole() {
    let copy = Copy::new();
    let (folder, bundle, empty) = (copy.path("copy"), copy.path("evidence.gz"), copy.path("empty"));
    copy.run(&["--bundle", &bundle, &folder]).await.unwrap();
    let before = std::fs::read(&bundle).unwrap();
    let is_kept = |what: &str| {
        assert_eq!(std::fs::read(&bundle).unwrap(), before, "{what}");
        let names = std::fs::read_dir(copy.root.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left = names.filter(|name| name.to_string_lossy().starts_with(".orgtrail")).count();
        assert_eq!(left, 0, "{what}: nothing half-done is left");
    };
    std::fs::create_dir(&empty).unwrap();
    let over = copy.run(&["--bundle", &bundle, &bundle]).await.unwrap_err();
    assert!(over.to_string().ends_with("is what is proved; name another file for the evidence"), "{over}");
    is_kept("the bundle is what is proved");
    for key in [copy.path("none.pem"), copy.path("keys.json"), empty.clone()] {
        assert!(copy.run(&["--bundle", &bundle, "--sign", &key, &folder]).await.is_err());
        is_kept(&key);
    }
    assert!(copy.run(&["--bundle", &bundle, "s3://No_Bucket"]).await.is_err());
    is_kept("a place that is none");
    assert!(!Path::new(&copy.path("checkpoint")).exists());
    // Of two at once each is whole.
    let arguments = ["--bundle", &bundle, &folder];
    let (first, second) = tokio::join!(copy.run(&arguments), copy.run(&arguments));
    assert_eq!((first.unwrap().0, second.unwrap().0), (Outcome::Clean, Outcome::Clean));
    assert_eq!(copy.run(&[&bundle]).await.unwrap().0, Outcome::Clean);
}

#[tokio::test]
async fn a_key_that_cannot_sign_ends_the_run_before_the_proof() {
    let copy = Copy::new();
    let (bundle, folder) = (copy.path("evidence.gz"), copy.path("no/such/folder"));
    let error = copy.run(&["--bundle", &bundle, "--sign", &copy.path("keys.json"), &folder]).await.unwrap_err();
    assert!(error.to_string().starts_with("the signing key is no PKCS#8 key"), "{error}");
}
