//! `verify` and `coverage` with a configuration: whose credentials read, what is called and shown, and what is said
//! where the member role cannot be assumed.

use std::collections::BTreeSet;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use orgtrail::config;
use orgtrail::permissions::{AccountKind, KnownAccounts, PermissionsRequest, Purpose, permissions};
use serde_json::{Value, json};

use crate::bucket::{Bucket, Layout, REGION};
use crate::program::orgtrail;
use crate::support::{Call, Emulator, Trouble, World};

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
        let request = PermissionsRequest {
            config: &config,
            purpose: Purpose::Verify,
            place,
            known: &KnownAccounts::default(),
            destroy: &[],
            sign: None,
            lake: None,
            athena: None,
            recorders: false,
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

/// A team that reads its own logs: the role may list and read what lies below its account's folder, and nothing else.
struct Team {
    archive: Archive,
    role: String,
    folder: String,
}

impl Team {
    async fn new() -> Self {
        let archive = Archive::new().await;
        let (log, web) = (archive.world.log().clone(), archive.world.account("web").clone());
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ]});
        let client = aws_sdk_iam::Client::new(&archive.world.hand_in("log-archive").await);
        let role = client.create_role().role_name(format!("CloudTrailReadLogs-{web}"));
        role.assume_role_policy_document(trust.to_string()).send().await.unwrap();
        let folder = format!("AWSLogs/{}/{web}/", archive.world.organization);
        let own = folder.clone();
        let may_not = move |call: &Call| match (call.service.as_str(), call.action.as_str()) {
            ("s3", "ListObjectsV2" | "GetObject") => !call.s3_path().starts_with(&own),
            ("sts", "AssumeRole" | "GetCallerIdentity") => false,
            _ => true,
        };
        archive.emulator.proxy().trouble_if(may_not, usize::MAX, Trouble::Error(403, "AccessDenied"));
        Self { archive, role: format!("arn:aws:iam::{log}:role/CloudTrailReadLogs-{web}"), folder }
    }

    /// Asks with the role; returns the exit code, the answer as JSON and what was said.
    fn ask(&self, more: &str) -> (Option<i32>, Value, String) {
        let Self { archive, role, .. } = self;
        let sql = "SELECT count(*) FROM events";
        let fixed = ["query", "--format", "json", sql, "--role-arn", role];
        let (home, emulator) = (archive.home.path(), &archive.emulator);
        let done = orgtrail(emulator, home, &[&fixed[..], &more.split_whitespace().collect::<Vec<_>>()].concat());
        let said = String::from_utf8(done.stderr).unwrap();
        (done.status.code(), serde_json::from_slice(&done.stdout).unwrap_or_default(), said)
    }

    fn place(&self, path: &str) -> String {
        format!("--place s3://{}/{path} --to 2026-11-20T05:59:59Z", self.archive.bucket.layout.bucket)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_asks_for_its_own_logs_with_its_reader_role_and_nothing_else_is_called() {
    let team = Team::new().await;
    let web = team.archive.world.account("web");
    let organization = format!("AWSLogs/{}", team.archive.world.organization);
    for (what, more) in [
        ("its folder, without a configuration", team.place(&team.folder)),
        ("an organization's folder and the account", format!("{} --account {web}", team.place(&organization))),
        ("the configuration", format!("--account {web} --to 2026-11-20T05:59:59Z")),
        ("both", format!("--config orgtrail.yaml --account {web} {}", team.place(""))),
    ] {
        team.archive.emulator.proxy().clear();
        let (code, answer, said) = team.ask(&more);
        assert_eq!((code, &answer["coverage"]["files"]), (Some(0), &json!(6)), "{what}: {answer} {said}");
        let counts = team.archive.emulator.proxy().counts();
        let known = ["s3:GetObject", "s3:ListObjectsV2", "sts:AssumeRole", "sts:GetCallerIdentity"];
        assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), known, "{what}");
        for call in team.archive.emulator.proxy().calls().iter().filter(|call| call.service == "s3") {
            assert!(call.s3_path().starts_with(&team.folder), "{what}: {call:?}");
        }
    }
    let assumed = team.archive.emulator.proxy().calls().into_iter().find(|call| call.action == "AssumeRole").unwrap();
    assert!(assumed.body.contains("CloudTrailReadLogs-") && !assumed.body.contains("ExternalId"), "{}", assumed.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_role_is_refused_is_named_and_the_answer_is_partial() {
    let team = Team::new().await;
    let digests = |call: &Call| call.action == "ListObjectsV2" && call.s3_path().contains("/CloudTrail-Digest/");
    let proxy = team.archive.emulator.proxy();
    proxy.trouble_if(digests, usize::MAX, Trouble::Error(403, "AccessDenied"));
    let (code, answer, said) = team.ask(&team.place(&team.folder));
    assert_eq!((code, &answer["coverage"]["files"]), (Some(3), &json!(6)), "{answer} {said}");
    assert!(answer["coverage"]["unread"].to_string().contains("CloudTrail-Digest/"), "{answer}");

    // More than the role may list: nothing is answered, and what to name is said.
    let (code, _, said) = team.ask(&team.place(""));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("AccessDenied") && said.contains("--account ID"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_role_that_cannot_be_assumed_is_one_error_with_what_to_do() {
    let team = Team::new().await;
    let proxy = team.archive.emulator.proxy();
    proxy.trouble("sts", "AssumeRole", usize::MAX, Trouble::Error(403, "AccessDenied"));
    let (code, _, said) = team.ask(&format!("{} --external-id acme-audit", team.place(&team.folder)));
    assert_eq!((code, said.matches("error: ").count()), (Some(1), 1), "{said}");
    for part in [
        "error: cannot list s3://acme-org-cloudtrail",
        &format!("{} cannot be assumed: ", team.role),
        "AccessDenied",
        "allow them sts:AssumeRole on",
        "check the external id",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("acme-audit"), "{said}");
    let call = proxy.calls().into_iter().find(|call| call.action == "AssumeRole").unwrap();
    assert!(call.body.contains("ExternalId=acme-audit"), "{}", call.body);

    let home = team.archive.home.path();
    for wrong in ["CloudTrailReadLogs", "arn:aws:iam::222222222222:user/alice"] {
        let done = orgtrail(&team.archive.emulator, home, &["query", "SELECT 1", "--role-arn", wrong]);
        assert_eq!(done.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&done.stderr).contains("is not the ARN of a role"), "{done:?}");
    }
    std::fs::create_dir_all(home.join("copy/AWSLogs")).unwrap();
    let done = orgtrail(
        &team.archive.emulator,
        home,
        &["query", "SELECT * FROM events", "--place", "copy", "--role-arn", &team.role],
    );
    assert!(String::from_utf8_lossy(&done.stderr).contains("--role-arn does nothing here"), "{done:?}");
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
