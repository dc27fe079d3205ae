//! `verify` and `coverage` with a configuration: whose credentials read, what is called and shown, and what is said
//! where the member role cannot be assumed.

use std::collections::BTreeSet;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use orgtrail::config;
use orgtrail::permissions::{AccountKind, Known, Purpose, Request, permissions};
use serde_json::{Value, json};

use crate::bucket::{Bucket, Layout, REGION};
use crate::program::orgtrail;
use crate::support::{Emulator, Trouble, World};

/// The archive of one member account's logs in the log account, and a folder with its configuration.
struct Archive {
    emulator: Emulator,
    world: World,
    bucket: Bucket,
    home: tempfile::TempDir,
}

impl Archive {
    async fn new() -> Self {
        let emulator = Emulator::start();
        let world = World::three_accounts(&emulator).await;
        let layout = Layout {
            organization: Some(world.organization.to_string()),
            accounts: vec![world.account("web").to_string()],
            ..Layout::default()
        };
        let bucket = layout.write();
        let client = aws_sdk_s3::Client::new(&world.hand_in("log-archive").await);
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1);
        let made = client.create_bucket().bucket(&bucket.layout.bucket).create_bucket_configuration(place.build());
        made.send().await.unwrap();
        for (key, stored) in &bucket.objects {
            let mut put = client.put_object().bucket(&bucket.layout.bucket).key(key);
            for (name, value) in &stored.metadata {
                put = put.metadata(name, value);
            }
            put.body(ByteStream::from(stored.body.clone())).send().await.unwrap();
        }
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "version: 1\ndeployment: acme\naccounts: {{log: log-archive}}\nhome_region: eu-central-1\n\
             organization: {{id: {}}}\nbucket: {{name: {}, encryption: s3}}\ntrails: [{{name: org-trail}}]\n",
            world.organization, bucket.layout.bucket
        );
        std::fs::write(home.path().join("orgtrail.yaml"), text).unwrap();
        Self { emulator, world, bucket, home }
    }

    /// Has CloudTrail serve the keys that signed the digests.
    fn serve_keys(&self) {
        let mut served = self.bucket.keys()[REGION].clone();
        for key in served["PublicKeyList"].as_array_mut().unwrap() {
            key["ValidityStartTime"] = json!(1_577_836_800);
        }
        let answer = Trouble::Answer(served.to_string());
        self.emulator.proxy().trouble("cloudtrail", "ListPublicKeys", usize::MAX, answer);
    }

    fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let done = orgtrail(&self.emulator, self.home.path(), &arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    }

    fn verify(&self, more: &str) -> (Option<i32>, String, String) {
        let (account, to) = (self.world.account("web"), self.bucket.layout.end());
        self.run(&format!("verify --account {account} --to {to} {more}"))
    }

    /// Returns the operations that were called in each kind of account.
    async fn called(&self, place: AccountKind) -> BTreeSet<String> {
        let mut called = BTreeSet::new();
        for call in self.emulator.proxy().calls() {
            let account = self.world.account_of(&call.access_key).await;
            let here = match account {
                _ if account == *self.world.account("management") => AccountKind::Management,
                _ if account == *self.world.log() => AccountKind::Log,
                _ => AccountKind::Member,
            };
            if here == place {
                called.insert(format!("{}:{}", call.service, call.action));
            }
        }
        called
    }

    fn printed(&self, place: AccountKind) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.home.path().join("orgtrail.yaml")).unwrap();
        let config = config::parse(&text, "orgtrail.yaml").unwrap();
        let request = Request {
            config: &config,
            purpose: Purpose::Verify,
            place,
            known: &Known::default(),
            destroy: &[],
            sign: None,
        };
        let name =
            |operation: &orgtrail::operations::Operation| format!("{}:{}", operation.service.as_str(), operation.name);
        permissions(&request).operations.iter().map(name).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_member_role_of_the_log_account_reads_and_every_call_is_printed_and_shown() {
    let archive = Archive::new().await;
    archive.serve_keys();
    let (_, out, err) = archive.verify("--format json -vv");
    let answer: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    assert_eq!(answer["chains"][0]["state"], "ATTESTED", "{answer:#}{err}");
    archive.run("coverage --from 2026-11-20 --to 2026-11-21");

    let reads = archive.called(AccountKind::Log).await;
    for call in ["s3:GetObject", "s3:ListObjectsV2", "cloudtrail:ListPublicKeys", "cloudtrail:DescribeTrails"] {
        assert!(reads.contains(call), "{call}: {reads:?}");
    }
    let starts = archive.called(AccountKind::Management).await;
    assert!(!starts.iter().any(|call| call.starts_with("s3:")), "{starts:?}");
    // To say who one is needs no permission (STS API, `GetCallerIdentity`).
    for (place, called) in [(AccountKind::Log, reads), (AccountKind::Management, starts)] {
        let printed = archive.printed(place);
        let missing: Vec<&String> = called.difference(&printed).filter(|c| *c != "sts:GetCallerIdentity").collect();
        assert!(missing.is_empty(), "{place:?} is not given {missing:?}");
    }

    let calls: Vec<&str> = err.lines().filter(|line| line.contains("operation=")).collect();
    let of = |operation: &str| calls.iter().filter(|line| line.contains(&format!("operation=\"{operation}\""))).count();
    assert_eq!(of("GetObject"), archive.bucket.objects.len(), "{err}");
    assert!(of("AssumeRole") > 0 && of("ListPublicKeys") > 0 && of("ListObjectsV2") > 0, "{err}");
    for line in &calls {
        for field in ["service=", "account=", "region=", "attempt=", "ms=", "status="] {
            assert!(line.contains(field) || line.contains("GetCallerIdentity"), "{field}: {line}");
        }
    }
    let log = format!("account=\"{}\"", archive.world.log());
    assert!(calls.iter().filter(|line| line.contains("GetObject")).all(|line| line.contains(&log)), "{err}");
    assert!(err.contains("read and prove the logs: 1 chains, 6 digests"), "{err}");
    let keys: BTreeSet<String> = archive.emulator.proxy().calls().into_iter().map(|call| call.access_key).collect();
    for secret in keys.iter().map(String::as_str).filter(|key| key.len() > 8) {
        assert!(!err.contains(secret), "{secret} is in the log");
    }
    for word in ["Signature", "Credential=", "authorization", "Security-Token", "SessionToken", "PublicKeyList"] {
        assert!(!err.contains(word), "{word} is in the log: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_be_assumed_is_one_error_with_what_to_do() {
    let archive = Archive::new().await;
    let denied = Trouble::Error(403, "AccessDenied");
    archive.emulator.proxy().trouble("sts", "AssumeRole", usize::MAX, denied);
    for command in ["verify", "coverage"] {
        let (code, _, err) = archive.run(command);
        assert_eq!(code, Some(1), "{err}");
        let log = archive.world.log();
        for part in [
            "error: cannot list s3://acme-org-cloudtrail",
            &format!("sts:AssumeRole in account {log}: AccessDenied: "),
            &format!("arn:aws:iam::{log}:role/OrganizationAccountAccessRole"),
            "help: make arn:aws:iam::",
            "which is then read with your own credentials",
        ] {
            assert!(err.contains(part), "{part}: {err}");
        }
        assert_eq!(err.matches("error: ").count(), 1, "{err}");
        for dump in ["ServiceError", "DispatchFailure", "Unhandled", "Some(", " { "] {
            assert!(!err.contains(dump), "{dump}: {err}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_profile_is_named_by_every_command() {
    let archive = Archive::new().await;
    let place = format!("verify s3://{}", archive.bucket.layout.bucket);
    for command in [place.as_str(), "verify", "coverage", "plan", "discover"] {
        let (code, _, err) = archive.run(&format!("{command} --profile nobody-has-this"));
        assert_eq!(code, Some(1), "{command}: {err}");
        assert!(err.contains("there is no profile \"nobody-has-this\""), "{command}: {err}");
    }
    std::fs::create_dir(archive.home.path().join(".aws")).unwrap();
    let profile = "[profile audit]\nregion = eu-central-1\n";
    std::fs::write(archive.home.path().join(".aws/config"), profile).unwrap();
    let (_, _, err) = archive.run("discover --profile adit");
    assert!(err.contains("help: set --profile or AWS_PROFILE to one of audit"), "{err}");
}
