//! `orgtrail verify` as a user runs it, over folders.

use std::path::Path;

use clap::Parser;
use orgtrail::cli::Format;
use orgtrail::cli::logs::{ConfiguredLogs, LogsError};
use orgtrail::cli::outcome::Outcome;
use orgtrail::cli::verify::{VerifyArgs, run};
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Bucket, Layout, REGION, gz};
use crate::proof::{around, later};

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
    let around = around(later(), command.format, Some(root.join("ring.json")));
    let mut out = Vec::new();
    let outcome = run(&command.args, ConfiguredLogs::default(), &around, &mut out).await?;
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
    for format in ["human", "markdown", "html"] {
        let (_, text) =
            copy.run(&["--format", format, "--expect", "111111111111,333333333333", &folder]).await.unwrap();
        for part in [
            "organization: o-exampleorgid",
            "bucket that CloudTrail delivered to, as its digests say: acme-org-cloudtrail",
            "range: the first digest to 2026-11-20T06:00:00Z",
            "made: 2026-12-24T00:00:00Z by orgtrail ",
            "expected: 2 accounts, regions not known, trails not known",
            "found: 1 account, 1 region, 1 trail (org-trail)",
            "us-east-1 45b5784faf1f51faf0e6c12fad92b95a from file, valid 2015-01-01T00:00:00Z to ",
            "sha256 of this report as JSON: ",
        ] {
            assert!(text.contains(part), "{format} lacks {part}:\n{text}");
        }
    }
    let (_, text) =
        copy.run(&["--format", "markdown", "--expect", "111111111111,333333333333", &folder]).await.unwrap();
    let missing = "| UNPROVEN | 333333333333 | us-east-1 | \\- | missing | \\- | 0 | 0 of 0 | 0 bytes |";
    assert!(text.contains(missing), "{text}");
    let row =
        "| BROKEN | 111111111111 | us-east-1 | org-trail | 2026-11-20T00:00:00Z | 2026-11-20T06:00:00Z | 6 | 5 of 6 |";
    assert!(text.contains(row), "{text}");
    let (_, lines) = copy.run(&["--format", "jsonl", &folder]).await.unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["type"].as_str(), lines[1]["type"].as_str()), (Some("chain"), Some("summary")));
    let (_, page) = copy.run(&["--format", "html", &folder]).await.unwrap();
    assert_eq!(page.matches("<rect").count(), 6, "a cell an hour");
    let (_, text) = copy.run(&[&folder]).await.unwrap();
    assert!(text.contains("111111111111 us-east-1 org-trail ...X.."), "{text}");
}

#[tokio::test]
async fn nothing_to_prove_is_unproven_and_a_wrong_place_an_error() {
    let copy = Copy::of(Layout::default());
    std::fs::create_dir(copy.path("empty")).unwrap();
    let empty = copy.path("empty");
    assert_eq!(copy.json(&[&empty]).await.0, Outcome::Partial);
    assert!(matches!(copy.run(&["/no/such/folder"]).await, Err(LogsError::LogSource(_))));
    let backwards = ["--keys", &copy.path("keys.json"), "--from", "2026-11-21", "--to", "2026-11-20", &empty];
    assert!(matches!(run_in(copy.root.path(), &backwards).await, Err(LogsError::EmptyRange { .. })));
    std::fs::write(copy.path("keys.json"), "{}x").unwrap();
    assert!(matches!(copy.run(&[&copy.path("copy")]).await, Err(LogsError::LogSource(_))));
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
    assert!(matches!(copy.run(&[&bundle]).await, Err(LogsError::LogSource(_))), "a changed bundle is refused");
}

#[tokio::test]
async fn a_bundle_says_where_its_keys_are_from() {
    let copy = Copy::of(Layout::default());
    let bundle = copy.path("evidence.gz");
    copy.json(&["--bundle", &bundle, &copy.path("copy")]).await;
    let (outcome, text) = run_in(copy.root.path(), &[&bundle]).await.unwrap();
    assert_eq!(outcome, Outcome::Partial);
    assert!(text.contains("known from the bundle alone"), "{text}");
    assert!(text.contains("no log file was opened"), "{text}");
    assert!(!copy.root.path().join("ring.json").exists(), "its keys enter no ring");
    let (outcome, text) = run_in(copy.root.path(), &["--trust-bundle-keys", &bundle]).await.unwrap();
    assert_eq!(outcome, Outcome::Clean, "{text}");
    assert_eq!(copy.json(&[&bundle]).await.0, Outcome::Clean, "with outside keys");
}

#[tokio::test]
async fn nothing_follows_the_hash_of_a_bundle_but_a_signature() {
    use std::io::Write;
    let copy = Copy::of(Layout::default());
    let bundle = copy.path("evidence.gz");
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/logs/signing-keys/test-1.pkcs8.der");
    copy.json(&["--bundle", &bundle, "--sign", key, &copy.path("copy")]).await;
    let whole = std::fs::read(&bundle).unwrap();
    let (_, text) = copy.run(&[&bundle]).await.unwrap();
    assert!(text.contains("bears a signature of key sha256:"), "{text}");
    let mut named = flate2::GzBuilder::new().comment("ATTESTED").write(Vec::new(), flate2::Compression::default());
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(whole.as_slice()), &mut text).unwrap();
    named.write_all(&text).unwrap();
    let more = [text, b"{\"report\":{}}\n".to_vec()].concat();
    for changed in
        [[whole.clone(), b"x".to_vec()].concat(), [whole, gz(b"{}")].concat(), named.finish().unwrap(), gz(&more)]
    {
        std::fs::write(&bundle, changed).unwrap();
        assert!(matches!(copy.run(&[&bundle]).await, Err(LogsError::LogSource(_))));
    }
}

#[tokio::test]
async fn who_signed_a_bundle_is_attested_or_broken() {
    let copy = Copy::of(Layout::default());
    let (bundle, folder) = (copy.path("evidence.gz"), copy.path("copy"));
    let private = |number: usize| {
        std::fs::read(format!("{}/tests/data/logs/signing-keys/test-{number}.pkcs8.der", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    };
    let public = |number: usize| {
        use ring::signature::KeyPair;
        let file = copy.path(&format!("public-{number}.der"));
        let pair = ring::signature::RsaKeyPair::from_pkcs8(&private(number)).unwrap();
        std::fs::write(&file, pair.public_key().as_ref()).unwrap();
        file
    };
    let (maker, other) = (public(1), public(2));
    let key = copy.path("maker.der");
    std::fs::write(&key, private(1)).unwrap();

    copy.json(&["--bundle", &bundle, &folder]).await;
    let (outcome, answer) = copy.json(&["--signed-by", &maker, &bundle]).await;
    let finding = |answer: &Value| format!("{} {}", answer["findings"][0]["state"], answer["findings"][0]["code"]);
    assert_eq!((outcome, finding(&answer)), (Outcome::Partial, r#""UNPROVEN" "bundle.signer""#.into()));

    copy.json(&["--bundle", &bundle, "--sign", &key, &folder]).await;
    let (outcome, answer) = copy.json(&["--signed-by", &maker, &bundle]).await;
    assert_eq!((outcome, &answer["findings"]), (Outcome::Clean, &json!([])), "{answer:#}");
    let notes = answer["summary"]["notes"].as_array().unwrap();
    let by = format!("the bundle is signed by {maker} (key sha256:");
    assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with(&by)), "{notes:?}");

    let (outcome, answer) = copy.json(&["--signed-by", &other, &bundle]).await;
    assert_eq!((outcome, finding(&answer)), (Outcome::Finding, r#""BROKEN" "bundle.signer""#.into()));
    std::fs::write(&other, [0; 94]).unwrap();
    let error = copy.run(&["--signed-by", &other, &bundle]).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{other} holds no public key in PEM or DER"));
}

#[tokio::test]
async fn a_bundle_is_never_better_than_its_run() {
    let copy = Copy::of(Layout::default());
    let (bundle, folder) = (copy.path("evidence.gz"), copy.path("copy"));
    // What nobody but the run could miss.
    let (first, _) = copy.json(&["--bundle", &bundle, "--expect", "111111111111,999999999999", &folder]).await;
    let (second, answer) = copy.json(&[&bundle]).await;
    assert_eq!((first, second), (Outcome::Partial, Outcome::Partial));
    let detail = answer["findings"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("999999999999"), "{detail}");
    // A range or an account that the run did not look at is not proved by its bundle.
    let (_, _) = copy.json(&["--bundle", &bundle, "--account", "111111111111", &folder]).await;
    let wider = ["--from", "2026-11-19", &bundle];
    assert_eq!(copy.json(&wider).await.0, Outcome::Partial);
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
    // What was found there is found again by the next run.
    assert!(text.contains("2026-11-20T02:00:00Z"), "{text}");
    assert_eq!(copy.json(&with).await.0, Outcome::Finding);
    std::fs::write(&file, text.replace("2026-11-20T02:00:00Z", "2026-11-20T01:00:00Z")).unwrap();
    assert!(matches!(copy.run(&with).await, Err(LogsError::Checkpoint { .. })));
}

#[tokio::test]
async fn a_range_after_a_checkpoint_is_proved_for_itself() {
    let mut copy = Copy::of(Layout::default());
    let (folder, file) = (copy.path("copy"), copy.path("checkpoint.json"));
    copy.json(&["--checkpoint", &file, &folder]).await;
    copy.bucket = Layout { hours: 12, ..Layout::default() }.write();
    copy.write();
    let (outcome, answer) = copy.json(&["--checkpoint", &file, "--from", "2026-11-20T09:00:00Z", &folder]).await;
    assert_eq!((outcome, &answer["chains"][0]["digests"]), (Outcome::Clean, &json!(3)), "{answer:#}");
}

#[tokio::test]
async fn an_hourly_run_reads_each_log_file_once() {
    let layout = |hours| Layout { hours, logs: vec![6], contents: vec!["{}".into()], ..Layout::default() };
    let mut copy = Copy::of(layout(12));
    let (folder, file, keys) = (copy.path("copy"), copy.path("checkpoint.json"), copy.path("keys.json"));
    let mut read = Vec::new();
    for hours in 12..20 {
        copy.bucket = layout(hours).write();
        copy.write();
        let arguments = ["--keys", &keys, "--checkpoint", &file, "--format", "json", &folder];
        let command = Command::try_parse_from([&["verify"][..], &arguments].concat()).unwrap();
        let now = copy.bucket.layout.end();
        let around = around(now, command.format, None);
        let mut out = Vec::new();
        let outcome = run(&command.args, ConfiguredLogs::default(), &around, &mut out).await.unwrap();
        let answer: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(outcome, Outcome::Clean, "{answer:#}");
        read.push(answer["chains"][0]["read"].as_u64().unwrap());
    }
    assert_eq!(read, [72, 6, 6, 6, 6, 6, 6, 6]);
}

#[tokio::test]
async fn what_was_found_is_found_again_with_a_checkpoint() {
    let mut copy = Copy::of(Layout::default());
    let (folder, file) = (copy.path("copy"), copy.path("checkpoint.json"));
    let planted = copy.bucket.layout.log(ACCOUNT, REGION, 3, 0).replace("_CloudTrail_", "_planted_");
    copy.bucket.objects.insert(planted, copy.bucket.objects.values().next().unwrap().clone());
    copy.write();
    for _ in 0..3 {
        let (outcome, answer) = copy.json(&["--checkpoint", &file, &folder]).await;
        assert_eq!(outcome, Outcome::Partial);
        assert_eq!(answer["chains"][0]["findings"][0]["code"], "log.unlisted");
    }
}

#[tokio::test]
async fn a_chain_of_a_checkpoint_that_is_gone_is_named() {
    let copy = Copy::of(Layout { accounts: vec![ACCOUNT.into(), "222222222222".into()], ..Layout::default() });
    let (folder, file) = (copy.path("copy"), copy.path("checkpoint.json"));
    copy.json(&["--checkpoint", &file, &folder]).await;
    std::fs::remove_dir_all(copy.root.path().join("copy/AWSLogs/o-exampleorgid/222222222222")).unwrap();
    let to = (copy.bucket.layout.end() + jiff::SignedDuration::from_hours(1)).to_string();
    let keys = copy.path("keys.json");
    let arguments = ["--keys", &keys, "--to", &to, "--checkpoint", &file, "--format", "json", &folder];
    let (outcome, text) = run_in(copy.root.path(), &arguments).await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let gone = answer["chains"].as_array().unwrap().iter().find(|chain| chain["account"] == "222222222222").unwrap();
    assert_eq!((outcome, &gone["state"]), (Outcome::Partial, &json!("UNPROVEN")));
    // Without the checkpoint, as something that an earlier run saw.
    let (outcome, answer) = copy.json(&["--expect", &file, &folder]).await;
    assert_eq!(outcome, Outcome::Partial);
    assert_eq!(answer["findings"][0]["code"], "chain.expected");
    assert!(answer["findings"][0]["detail"].as_str().unwrap().contains("account 222222222222 in us-east-1"));
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
    let codes: Vec<&Value> = answer["chains"][0]["findings"].as_array().unwrap().iter().map(|f| &f["code"]).collect();
    assert!(codes.contains(&&json!("digest.link_mismatch")), "{codes:?}");
}
