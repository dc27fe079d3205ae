//! `orgtrail verify` as a user runs it, over folders.

use std::path::Path;

use clap::Parser;
use orgtrail::cli::Format;
use orgtrail::cli::logs::LogsError;
use orgtrail::cli::logs::Surroundings;
use orgtrail::cli::outcome::Outcome;
use orgtrail::cli::verify::{VerifyArgs, run};
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION, gz};
use crate::proof::later;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: VerifyArgs,
    #[arg(long, default_value = "human")]
    format: Format,
}

/// A folder with a bucket and its keys.
struct Copy {
    root: tempfile::TempDir,
    bucket: Bucket,
}

impl Copy {
    fn of(layout: Layout) -> Self {
        let copy = Self { root: tempfile::tempdir().unwrap(), bucket: layout.write() };
        copy.write();
        std::fs::write(copy.path("keys.json"), copy.bucket.keys().to_string()).unwrap();
        copy
    }

    fn write(&self) {
        self.bucket.write_to(&self.root.path().join("copy"));
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    async fn run(&self, arguments: &[&str]) -> Result<(Outcome, String), LogsError> {
        let (keys, to) = (self.path("keys.json"), self.bucket.layout.end().to_string());
        let with_keys = ["--keys", &keys, "--to", &to];
        run_in(self.root.path(), &[&with_keys, arguments].concat()).await
    }

    async fn json(&self, arguments: &[&str]) -> (Outcome, Value) {
        let (outcome, text) = self.run(&[arguments, &["--format", "json"]].concat()).await.unwrap();
        (outcome, serde_json::from_str(&text).unwrap())
    }
}

async fn run_in(root: &Path, arguments: &[&str]) -> Result<(Outcome, String), LogsError> {
    let command = Command::try_parse_from([&["verify"], arguments].concat()).unwrap();
    let around = Surroundings {
        now: later(),
        format: command.format,
        width: 100,
        is_coloured: false,
        key_ring: Some(root.join("ring.json")),
        chains_at_once: 4,
        profile: None,
    };
    let mut out = Vec::new();
    let outcome = run(&command.args, None, &around, &mut out).await?;
    Ok((outcome, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn json_is_the_contract() {
    let mut copy = Copy::of(Layout { accounts: vec![ACCOUNT.into(), "222222222222".into()], ..Layout::default() });
    let folder = copy.path("copy");
    let (outcome, answer) = copy.json(&[&folder]).await;
    assert_eq!(outcome, Outcome::Clean);
    assert_eq!(answer["format_version"], 1);
    assert_eq!(answer["summary"]["state"], "ATTESTED");
    let expected = json!({"account": ACCOUNT, "region": REGION, "trail": "org-trail", "digests": 6, "logs": 6,
        "attested": 6, "state": "ATTESTED", "findings": []});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&answer["chains"][0][field], value, "{field}");
    }

    let log = copy.bucket.layout.log(ACCOUNT, REGION, 3, 0);
    copy.bucket.objects.get_mut(&log).unwrap().body = gz(b"{}");
    copy.write();
    let (outcome, answer) = copy.json(&[&folder]).await;
    assert_eq!(outcome, Outcome::Finding);
    let finding = &answer["chains"][0]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["state"], &finding["object"], &finding["hour"]),
        (&json!("log.hash_mismatch"), &json!("BROKEN"), &json!(log), &json!("2026-11-20T03:00:00Z"))
    );
    assert!(finding["detail"].as_str().unwrap().contains("its digest says"));
    assert_eq!(answer["chains"][1]["state"], "ATTESTED");
    let one = ["--account", "222222222222", &folder];
    assert_eq!(copy.json(&one).await.0, Outcome::Clean, "the other account alone is whole");
}

#[tokio::test]
async fn every_format_says_the_same() {
    let mut copy = Copy::of(Layout::default());
    let log = copy.bucket.layout.log(ACCOUNT, REGION, 3, 0);
    copy.bucket.objects.get_mut(&log).unwrap().body = gz(b"{}");
    copy.write();
    let folder = copy.path("copy");
    for format in ["human", "jsonl", "markdown", "html"] {
        let (outcome, text) = copy.run(&["--format", format, &folder]).await.unwrap();
        assert_eq!(outcome, Outcome::Finding);
        for part in ["BROKEN", "log.hash_mismatch", "2026-11-20T03:00:00Z", log.rsplit('/').next().unwrap()] {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
    let (_, lines) = copy.run(&["--format", "jsonl", &folder]).await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["type"].as_str(), lines[1]["type"].as_str()), (Some("chain"), Some("summary")));
    let (_, page) = copy.run(&["--format", "html", &folder]).await.unwrap();
    assert_eq!(page.matches("<rect").count(), 6, "a cell an hour");
    let (_, text) = copy.run(&[&folder]).await.unwrap();
    assert!(text.contains("111111111111  ...X.."), "{text}");
}

#[tokio::test]
async fn nothing_to_prove_is_unproven_and_a_wrong_place_an_error() {
    let copy = Copy::of(Layout::default());
    std::fs::create_dir(copy.path("empty")).unwrap();
    let empty = copy.path("empty");
    assert_eq!(copy.json(&[&empty]).await.0, Outcome::Partial);
    assert!(matches!(copy.run(&["/no/such/folder"]).await, Err(LogsError::Place(_))));
    let backwards = ["--keys", &copy.path("keys.json"), "--from", "2026-11-21", "--to", "2026-11-20", &empty];
    assert!(matches!(run_in(copy.root.path(), &backwards).await, Err(LogsError::EmptyRange { .. })));
    std::fs::write(copy.path("keys.json"), "{}x").unwrap();
    assert!(matches!(copy.run(&[&copy.path("copy")]).await, Err(LogsError::Place(_))));
}

#[tokio::test]
async fn a_bundle_proves_the_same_again_without_the_logs() {
    let mut copy = Copy::of(Layout { backfill: Some(3), ..Layout::default() });
    let missing = copy.bucket.layout.log(ACCOUNT, REGION, 2, 0);
    copy.bucket.objects.remove(&missing);
    std::fs::remove_dir_all(copy.path("copy")).unwrap();
    copy.write();
    let (folder, bundle) = (copy.path("copy"), copy.path("evidence.gz"));
    let (first, before) = copy.json(&["--bundle", &bundle, &folder]).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let (second, after) = copy.json(&[&bundle]).await;
    assert_eq!((first, second), (Outcome::Finding, Outcome::Finding));
    let of = |answer: &Value| {
        let chain = &answer["chains"][0];
        let finding = &chain["findings"][0];
        json!([chain["digests"], chain["logs"], chain["attested"], chain["hours"], finding["code"], finding["object"]])
    };
    assert_eq!(of(&before), of(&after));

    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert!(matches!(copy.run(&[&bundle]).await, Err(LogsError::Place(_))), "a changed bundle is refused");
}

#[tokio::test]
async fn a_bundle_says_where_its_keys_are_from() {
    let copy = Copy::of(Layout::default());
    let bundle = copy.path("evidence.gz");
    copy.json(&["--bundle", &bundle, &copy.path("copy")]).await;
    let (outcome, text) = run_in(copy.root.path(), &[&bundle]).await.unwrap();
    assert_eq!(outcome, Outcome::Clean);
    assert!(text.contains("keys are those of the bundle itself"), "{text}");
}

#[tokio::test]
async fn a_checkpoint_spares_what_is_proved_and_is_refused_when_changed() {
    let mut copy = Copy::of(Layout::default());
    let (folder, file) = (copy.path("copy"), copy.path("checkpoint.json"));
    let with = ["--checkpoint", &file, &folder];
    let (outcome, answer) = copy.json(&with).await;
    assert_eq!((outcome, &answer["chains"][0]["digests"]), (Outcome::Clean, &json!(6)));
    let (outcome, answer) = copy.json(&with).await;
    assert_eq!((outcome, &answer["chains"][0]["digests"]), (Outcome::Clean, &json!(0)), "nothing is new");

    // Three more hours; the first new digest must continue the checkpoint's.
    copy.bucket = Layout { hours: 9, ..Layout::default() }.write();
    copy.write();
    let (outcome, answer) = copy.json(&with).await;
    assert_eq!((outcome, &answer["chains"][0]["digests"]), (Outcome::Clean, &json!(3)));

    let old = copy.bucket.layout.log(ACCOUNT, REGION, 2, 0);
    copy.bucket.objects.get_mut(&old).unwrap().body = gz(b"{}");
    copy.write();
    assert_eq!(copy.json(&with).await.0, Outcome::Clean, "old hours are not read");
    assert_eq!(copy.json(&["--checkpoint", &file, "--recheck", "full", &folder]).await.0, Outcome::Finding);
    assert_eq!(copy.json(&["--checkpoint", &file, "--recheck", "sample=100%", &folder]).await.0, Outcome::Finding);

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z")).unwrap();
    assert!(matches!(copy.run(&with).await, Err(LogsError::Checkpoint { .. })));
}

#[tokio::test]
async fn a_chain_that_does_not_continue_its_checkpoint_is_broken() {
    let mut copy = Copy::of(Layout::default());
    let (folder, file) = (copy.path("copy"), copy.path("checkpoint.json"));
    copy.json(&["--checkpoint", &file, &folder]).await;
    // Another history of the same trail, validly signed.
    copy.bucket = Layout { hours: 8, logs: vec![1], ..Layout::default() }.write();
    copy.write();
    let (outcome, answer) = copy.json(&["--checkpoint", &file, &folder]).await;
    assert_eq!(outcome, Outcome::Finding);
    assert_eq!(answer["chains"][0]["findings"][0]["code"], "digest.link_mismatch");
}
