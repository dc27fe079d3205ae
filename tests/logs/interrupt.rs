//! A run that is stopped early tells what it knows by then.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use orgtrail::logs::digest::keys::KeyRing;
use orgtrail::logs::finding::State;
use orgtrail::logs::verify::{KeyFinder, Verifier, VerifyRequest};
use serde_json::{Value, json};

use crate::bucket::{ACCOUNT, Layout, MemoryStore, REGION};
use crate::proof::{findings, request};
use crate::s3::{S3Server, Settings, Wrong};

#[tokio::test]
async fn what_was_proved_stays_and_the_rest_is_unproven() {
    let layout = Layout { accounts: vec![ACCOUNT.into(), "222222222222".into()], ..Layout::default() };
    let bucket = layout.write();
    let ring = KeyRing::parse(&bucket.keys().to_string()).unwrap();
    let verifier = Verifier::new(Arc::new(MemoryStore::of(&bucket)), Arc::new(KeyFinder::new(ring, None)));
    let stop = verifier.stop.clone();
    let request = VerifyRequest { chains_at_once: 1, ..request(&bucket) };
    let answer = verifier.run(&request, |_| stop.cancel()).await.unwrap();
    assert!(answer.interrupted);
    assert_eq!(answer.state(), State::Unproven);
    assert_eq!((answer.chains[0].state, answer.chains[0].logs_attested), (State::Attested, 6));
    assert_eq!(findings(&answer.chains[1]), ["UNPROVEN run.interrupted -"]);
    assert_eq!(answer.chains[1].attested_to, None);
}

/// Ctrl-C while an object does not come: the run ends, with what is proved and what is not.
#[cfg(unix)]
#[test]
fn the_program_prints_what_is_known_when_it_is_interrupted() {
    let layout = Layout { accounts: vec![ACCOUNT.into(), "222222222222".into()], ..Layout::default() };
    let bucket = layout.write();
    let server = S3Server::start(Settings { objects: bucket.objects.clone(), ..Settings::default() });
    let slow = layout.log("222222222222", REGION, 3, 0);
    server.settings.wrong.lock().unwrap().insert(slow, Wrong::Silence);
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    let (place, to) = (format!("s3://{}", layout.bucket), layout.end().to_string());
    let mut run = Command::new(env!("CARGO_BIN_EXE_orgtrail"))
        .args(["verify", &place, "--keys", "keys.json", "--to", &to, "--format", "jsonl"])
        .current_dir(home.path())
        .env_clear()
        .envs([("AWS_ENDPOINT_URL", server.endpoint.as_str()), ("AWS_REGION", REGION)])
        .envs([("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let mut line = || lines.next().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let whole = line().unwrap()["chain"].take();
    assert_eq!((&whole["account"], &whole["state"]), (&json!(ACCOUNT), &json!("ATTESTED")));
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(sent.success());

    let cut = line().unwrap()["chain"].take();
    assert_eq!((&cut["account"], &cut["state"]), (&json!("222222222222"), &json!("UNPROVEN")));
    let codes: Vec<&Value> = cut["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["run.interrupted"]);
    let summary = line().unwrap()["summary"].take();
    assert_eq!((&summary["state"], line()), (&json!("UNPROVEN"), None));
    assert_eq!(run.wait().unwrap().code(), Some(3));
}
