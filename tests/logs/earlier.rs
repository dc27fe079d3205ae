//! The program with a configuration: the bucket of today and the places of `earlier:` are proved and looked at
//! together.

use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bucket::{Bucket, Layout, REGION};
use crate::program::{orgtrail, upload};
use crate::properties::go_on;
use crate::support::{Emulator, Trouble, World};

pub const OLD: &str = "acme-logs-of-2019";

/// An organization whose trail was moved from one bucket to another.
pub struct Moved {
    pub emulator: Emulator,
    pub world: World,
    pub home: tempfile::TempDir,
    pub new: Bucket,
}

impl Moved {
    pub async fn start() -> Self {
        let emulator = Emulator::start();
        let world = World::three_accounts(&emulator).await;
        let first = Layout {
            bucket: OLD.into(),
            prefix: "audit/".into(),
            organization: Some(world.organization.to_string()),
            accounts: world.accounts.values().map(ToString::to_string).collect(),
            hours: 3,
            contents: vec!["{}".into()],
            ..Layout::default()
        };
        let second = Layout {
            bucket: "acme-org-cloudtrail".into(),
            prefix: String::new(),
            start: first.end(),
            hours: 4,
            ..first.clone()
        };
        let (old, mut new) = (first.write(), second.write());
        go_on(&mut new, &old);
        upload(&emulator, &old).await;
        upload(&emulator, &new).await;
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("keys.json"), new.keys().to_string()).unwrap();
        let moved = Self { emulator, world, home, new };
        moved.configure(&format!("earlier: [{{bucket: {OLD}, prefix: audit}}]\n"));
        let regions = json!({"Regions": [{"RegionName": REGION, "RegionOptStatus": "ENABLED_BY_DEFAULT"}]});
        moved.emulator.proxy().trouble("account", "ListRegions", usize::MAX, Trouble::Answer(regions.to_string()));
        moved
    }

    pub fn configure(&self, more: &str) {
        let text = format!(
            "version: 1\ndeployment: acme\norganization: {{id: {}}}\naccounts: {{log: '{}'}}\nhome_region: {REGION}\n\
             bucket: {{name: acme-org-cloudtrail, encryption: s3}}\ntrails: [{{name: org-trail}}]\n{more}",
            self.world.organization,
            self.world.log()
        );
        std::fs::write(self.home.path().join("orgtrail.yaml"), text).unwrap();
    }

    pub fn run(&self, code: i32, arguments: &[&str]) -> String {
        let done = orgtrail(&self.emulator, self.home.path(), arguments);
        let (out, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.status.code(), Some(code), "{arguments:?}\n{out}\n{error}");
        out.into_owned()
    }

    pub fn verify(&self, code: i32) -> Value {
        let to = self.new.layout.end().to_string();
        let text = self.run(code, &["verify", "--keys", "keys.json", "--to", &to, "--format", "json"]);
        serde_json::from_str(&text).unwrap()
    }

    pub fn coverage(&self, code: i32) -> Value {
        let (start, end) = (self.new.layout.start - SignedDuration::from_hours(3), self.new.layout.end());
        let (from, to) = (start.to_string(), end.to_string());
        let text = self.run(code, &["coverage", "--from", &from, "--to", &to, "--format", "json"]);
        serde_json::from_str(&text).unwrap()
    }
}

pub fn details(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["detail"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_the_configuration_are_proved_together() {
    let moved = Moved::start().await;
    let answer = moved.verify(0);
    let summary = &answer["summary"];
    assert_eq!(
        (&summary["state"], &summary["chains"], &summary["digests"], &summary["store"]),
        (&json!("ATTESTED"), &json!(3), &json!(21), &json!("s3://acme-org-cloudtrail s3://acme-logs-of-2019/audit"))
    );
    assert_eq!(summary["expected"]["accounts"], 3);
    for chain in answer["chains"].as_array().unwrap() {
        let account = chain["account"].as_str().unwrap();
        let note = format!(
            "the chain goes on from s3://{OLD}/audit/AWSLogs/{org}/{account}/ to s3://acme-org-cloudtrail/AWSLogs/{org}/{account}/",
            org = moved.world.organization
        );
        assert_eq!(chain["notes"], json!([note]));
    }

    // The earlier place alone is not named: the chain goes on where nobody looked.
    moved.configure("");
    let answer = moved.verify(3);
    assert_eq!(answer["chains"][0]["findings"][0]["code"], "chain.elsewhere");
    // A place that is not there is one finding, and the rest is proved.
    moved.configure(&format!("earlier: [{{bucket: {OLD}, prefix: audit}}, {{bucket: acme-gone}}]\n"));
    let answer = moved.verify(3);
    assert_eq!(answer["summary"]["attested"], 3);
    let told = details(&answer);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("s3://acme-gone could not be listed, so that chains there are not known: "),
        "{told:?}"
    );
    // One place within another counts once.
    moved.configure(&format!("earlier: [{{bucket: {OLD}, prefix: audit}}, {{bucket: {OLD}}}]\n"));
    assert_eq!(moved.verify(0)["summary"]["digests"], 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_follows_a_trail_through_the_places_of_the_configuration() {
    let moved = Moved::start().await;
    let answer = moved.coverage(0);
    let (arriving, ended) = (&answer["summary"]["arriving"], &answer["summary"]["ended"]);
    assert_eq!((arriving, ended), (&json!(3), &json!(3)), "{answer:#}");
    let org = &moved.world.organization;
    let row = answer["rows"].as_array().unwrap().iter().find(|row| row["state"] == "ended").unwrap();
    assert_eq!(row["layout"], format!("s3://{OLD}/audit/AWSLogs/{org}/"));
    let note = format!(
        "it ended at 2026-11-20T03:00:00Z, and trail org-trail in s3://acme-org-cloudtrail/AWSLogs/{org}/ goes on"
    );
    assert_eq!((&row["note"], &row["gaps"]), (&json!(note), &json!([])));
    // Seen from the bucket of today alone, the trail begins there.
    moved.configure("");
    let answer = moved.coverage(0);
    assert_eq!((&answer["summary"]["arriving"], &answer["rows"][0]["hours_without_digest"]), (&json!(3), &json!(0)));
    assert_eq!(answer["rows"][0]["gaps"][0]["before_start"], true);
    // A place that is not there is not known.
    moved.configure(&format!("earlier: [{{bucket: {OLD}, prefix: audit}}, {{bucket: acme-gone}}]\n"));
    let answer = moved.coverage(3);
    let unread = answer["not_known"][0].as_str().unwrap();
    assert!(unread.starts_with("s3://acme-gone could not be listed"), "{unread}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_organization_it_is_not_known_who_should_deliver() {
    let moved = Moved::start().await;
    let refused = || Trouble::Error(403, "AccessDeniedException");
    moved.emulator.proxy().trouble("organizations", "DescribeOrganization", usize::MAX, refused());
    let answer = moved.verify(3);
    let told = details(&answer);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("which accounts should have digests is not known: could not read the organization"),
        "{told:?}"
    );
    let answer = moved.coverage(3);
    let unread = answer["not_known"][0].as_str().unwrap();
    assert!(unread.starts_with("which accounts should deliver: could not read the organization"), "{unread}");
    // Who names the accounts does not need it.
    let accounts = moved.world.accounts.values().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let to = moved.new.layout.end().to_string();
    moved.run(0, &["verify", "--keys", "keys.json", "--to", &to, "--expect", &accounts]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_kms_signs_a_bundle_and_its_public_half_checks_it() {
    let emulator = Emulator::start();
    let home = tempfile::tempdir().unwrap();
    let bucket = Layout::default().write();
    bucket.write_to(&home.path().join("copy"));
    std::fs::write(home.path().join("keys.json"), bucket.keys().to_string()).unwrap();
    let config = crate::s3::S3Server::start(crate::s3::Settings::default()).config();
    let kms = aws_sdk_kms::Client::new(&config.into_builder().endpoint_url(emulator.backend()).build());
    let to = bucket.layout.end().to_string();
    let run = |code: i32, arguments: &[&str]| {
        let usual = ["verify", "--keys", "keys.json", "--to", &to];
        let done = orgtrail(&emulator, home.path(), &[&usual, arguments].concat());
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.status.code(), Some(code), "{arguments:?} {out} {}", String::from_utf8_lossy(&done.stderr));
        out
    };
    for (spec, algorithm) in [(KeySpec::EccNistP256, "ECDSA_SHA_256"), (KeySpec::Rsa2048, "RSASSA_PKCS1_V1_5_SHA_256")]
    {
        let made = kms.create_key().key_spec(spec).key_usage(KeyUsageType::SignVerify).send().await.unwrap();
        let arn = made.key_metadata().unwrap().arn().unwrap().to_owned();
        let public = kms.get_public_key().key_id(&arn).send().await.unwrap();
        let file = home.path().join("public.der");
        std::fs::write(&file, public.public_key().unwrap().as_ref()).unwrap();
        run(0, &["--bundle", "evidence.gz", "--sign", &arn, "copy"]);
        let told = run(0, &["--signed-by", "public.der", "evidence.gz"]);
        assert!(told.starts_with("ATTESTED"), "{told}");
        assert!(told.contains(&format!("note: the bundle is signed by public.der ({arn})\n")), "{told}");
        let text = std::fs::read(home.path().join("evidence.gz")).unwrap();
        let mut lines = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(text.as_slice()), &mut lines).unwrap();
        assert!(lines.lines().last().unwrap().contains(algorithm), "{:?}", lines.lines().last());

        let other = kms.create_key().key_spec(KeySpec::EccNistP256).key_usage(KeyUsageType::SignVerify);
        let other = other.send().await.unwrap();
        let other = kms.get_public_key().key_id(other.key_metadata().unwrap().arn().unwrap()).send().await.unwrap();
        std::fs::write(&file, other.public_key().unwrap().as_ref()).unwrap();
        let told = run(2, &["--signed-by", "public.der", "evidence.gz"]);
        assert!(told.contains("BROKEN bundle.signer") || told.contains("bundle.signer"), "{told}");
    }
    // A key that cannot sign says so, and no bundle passes for signed.
    let made = kms.create_key().send().await.unwrap();
    let done = orgtrail(
        &emulator,
        home.path(),
        &[
            "verify",
            "--keys",
            "keys.json",
            "--to",
            &to,
            "--bundle",
            "x.gz",
            "--sign",
            made.key_metadata().unwrap().arn().unwrap(),
            "copy",
        ],
    );
    assert_eq!(done.status.code(), Some(1));
}
