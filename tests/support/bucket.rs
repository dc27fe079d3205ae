//! Writes buckets as CloudTrail would: several accounts, regions and hours, log files made of real ones, digests signed
//! with our own keys. And a store in memory that can refuse, so that a test can say what goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use jiff::{SignedDuration, Timestamp};
use orgtrail::archive::inflate::{Unpacked, hash_log, hex, inflate, sha256};
use orgtrail::archive::{Deletes, Fault, FaultKind, HashError, Level, Listed, Metadata, Object, Store, Version, When};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

const SIGNING_KEYS: [&[u8]; 3] = [
    include_bytes!("../data/logs/signing-keys/test-1.pkcs8.der"),
    include_bytes!("../data/logs/signing-keys/test-2.pkcs8.der"),
    include_bytes!("../data/logs/signing-keys/test-3.pkcs8.der"),
];

/// Real log files, small ones.
pub const LOGS: [&str; 8] = [
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1150Z_1vnLavRRp0ek1mP4.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1210Z_2ru8PrDKZmsO3yWC.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1210Z_ZgEBhdXGdLTXGoIe.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1215Z_dTTFsx4I2m3om5Oy.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1225Z_qWyTCPHzELqDMshA.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1230Z_9dKPuRzdLzqZRjqm.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1230Z_soULWstxp7lqsODg.json"),
    include_str!("../data/logs/invictus/218007301253_CloudTrail_us-east-1_20230710T1235Z_Vp7r3boWJKtPb3wM.json"),
];

/// One of the keys that stand for CloudTrail's.
pub struct Signer {
    pair: RsaKeyPair,
    pub fingerprint: String,
}

impl Signer {
    pub fn new(number: usize) -> Self {
        let pair = RsaKeyPair::from_pkcs8(SIGNING_KEYS[number % SIGNING_KEYS.len()]).unwrap();
        let fingerprint = {
            use md5::Digest;
            hex(&md5::Md5::digest(pair.public().as_ref()))
        };
        Self { pair, fingerprint }
    }

    pub fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        hex(&signature)
    }

    fn served(&self) -> Value {
        json!({"Value": STANDARD.encode(self.pair.public().as_ref()), "Fingerprint": self.fingerprint,
               "ValidityStartTime": "2015-01-01T00:00:00Z", "ValidityEndTime": 1_900_000_000})
    }
}

/// What a bucket is to hold.
#[derive(Clone, Debug)]
pub struct Layout {
    pub bucket: String,
    pub prefix: String,
    pub organization: Option<String>,
    pub accounts: Vec<String>,
    pub regions: Vec<String>,
    pub trail: String,
    pub home: String,
    /// The start of the first digest's hour.
    pub start: Timestamp,
    pub hours: usize,
    /// How many log files the hours have, in turn.
    pub logs: Vec<usize>,
    /// From which hour on the next key signs.
    pub rotation: Option<usize>,
    /// The hour one of whose log files is listed by a backfill digest.
    pub backfill: Option<usize>,
    /// The log files' contents, in turn.
    pub contents: Vec<String>,
}

pub const ACCOUNT: &str = "111111111111";
pub const REGION: &str = "us-east-1";

impl Default for Layout {
    fn default() -> Self {
        Self {
            bucket: "acme-org-cloudtrail".into(),
            prefix: String::new(),
            organization: Some("o-exampleorgid".into()),
            accounts: vec![ACCOUNT.into()],
            regions: vec![REGION.into()],
            trail: "org-trail".into(),
            home: REGION.into(),
            start: "2026-11-20T00:00:00Z".parse().unwrap(),
            hours: 6,
            logs: vec![2, 0, 1],
            rotation: None,
            backfill: None,
            contents: LOGS.map(str::to_owned).to_vec(),
        }
    }
}

impl Layout {
    pub fn end(&self) -> Timestamp {
        self.start + SignedDuration::from_hours(self.hours as i64)
    }

    fn folder(&self, account: &str, kind: &str, region: &str, at: Timestamp) -> String {
        let organization = self.organization.as_ref().map(|o| format!("{o}/")).unwrap_or_default();
        format!("{}AWSLogs/{organization}{account}/{kind}/{region}/{}/", self.prefix, at.strftime("%Y/%m/%d"))
    }

    /// Returns the key of the digest of an hour.
    pub fn digest(&self, account: &str, region: &str, hour: usize, suffix: &str) -> String {
        let end = self.start + SignedDuration::from_hours(hour as i64 + 1);
        let name = format!(
            "{account}_CloudTrail-Digest_{region}_{}_{}_{}",
            self.trail,
            self.home,
            end.strftime("%Y%m%dT%H%M%SZ")
        );
        format!("{}{name}{suffix}.json.gz", self.folder(account, "CloudTrail-Digest", region, end))
    }

    /// Returns the key of a log file of an hour.
    pub fn log(&self, account: &str, region: &str, hour: usize, number: usize) -> String {
        let slot = self.start + SignedDuration::from_mins(60 * hour as i64 + 20 + 5 * (number as i64 % 5));
        let unique = format!("{hour:06}{number:06}Abcd");
        let name = format!("{account}_CloudTrail_{region}_{}_{unique}.json.gz", slot.strftime("%Y%m%dT%H%MZ"));
        format!("{}{name}", self.folder(account, "CloudTrail", region, slot))
    }

    /// Writes the bucket.
    pub fn write(&self) -> Bucket {
        let signers: Vec<Signer> = (0..SIGNING_KEYS.len()).map(Signer::new).collect();
        let pack = |content: &String| (hex(&sha256(content.as_bytes())), gz(content.as_bytes()));
        let packed = self.contents.iter().map(pack).collect();
        let mut bucket = Bucket { layout: self.clone(), signers, objects: BTreeMap::new(), packed };
        for account in &self.accounts {
            for region in &self.regions {
                bucket.write_chain(account, region);
            }
        }
        bucket
    }
}

/// An object with its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub body: Vec<u8>,
    pub metadata: BTreeMap<String, String>,
}

/// A bucket's content.
pub struct Bucket {
    pub layout: Layout,
    pub signers: Vec<Signer>,
    pub objects: BTreeMap<String, Stored>,
    /// The contents, hashed and compressed once each.
    packed: Vec<(String, Vec<u8>)>,
}

impl Bucket {
    fn write_chain(&mut self, account: &str, region: &str) {
        let layout = self.layout.clone();
        let mut previous = None;
        for hour in 0..layout.hours {
            let late = layout.backfill == Some(hour);
            let mut files = Vec::new();
            for number in 0..layout.logs[hour % layout.logs.len()] {
                files.push(self.write_log(account, region, hour, number));
            }
            let held_back = if late { files.pop() } else { None };
            let object = layout.digest(account, region, hour, "");
            let signer = usize::from(layout.rotation.is_some_and(|rotation| hour >= rotation));
            let mut digest = self.document(account, &object, hour, signer);
            digest["logFiles"] = json!(files);
            if let Some(previous) = previous {
                link(&mut digest, &previous);
            }
            previous = Some(self.sign(&digest, signer));
            if let Some(file) = held_back {
                let object = layout.digest(account, region, hour, "_backfill");
                let mut digest = self.document(account, &object, hour, 2);
                digest["logFiles"] = json!([file]);
                self.sign(&digest, 2);
                let made = (layout.end() + SignedDuration::from_hours(30)).to_string();
                let stored = self.objects.get_mut(&object).unwrap();
                stored.metadata.insert("backfill-generation-timestamp".into(), made);
            }
        }
    }

    fn write_log(&mut self, account: &str, region: &str, hour: usize, number: usize) -> Value {
        let key = self.layout.log(account, region, hour, number);
        let (hash, body) = &self.packed[(hour * 7 + number) % self.packed.len()];
        let entry = json!({"s3Bucket": self.layout.bucket, "s3Object": key,
            "hashValue": hash, "hashAlgorithm": "SHA-256",
            "newestEventTime": "2026-11-20T00:00:00Z", "oldestEventTime": "2026-11-20T00:00:00Z"});
        self.objects.insert(key, Stored { body: body.clone(), metadata: BTreeMap::new() });
        entry
    }

    /// Returns a digest without log files and without a predecessor.
    pub fn document(&self, account: &str, object: &str, hour: usize, signer: usize) -> Value {
        let start = self.layout.start + SignedDuration::from_hours(hour as i64);
        json!({"awsAccountId": account, "digestStartTime": start.to_string(),
            "digestEndTime": (start + SignedDuration::from_hours(1)).to_string(),
            "digestS3Bucket": self.layout.bucket, "digestS3Object": object,
            "digestPublicKeyFingerprint": self.signers[signer].fingerprint, "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null, "oldestEventTime": null, "previousDigestS3Bucket": null,
            "previousDigestS3Object": null, "previousDigestHashValue": null, "previousDigestHashAlgorithm": null,
            "previousDigestSignature": null, "logFiles": []})
    }

    /// Stores a digest under its own key with its signature, and returns it as its successor sees it.
    pub fn sign(&mut self, digest: &Value, signer: usize) -> Predecessor {
        let content = digest.to_string();
        let field = |name: &str| digest[name].as_str().unwrap_or("null").to_owned();
        let (bucket, object) = (field("digestS3Bucket"), field("digestS3Object"));
        let hash = hex(&sha256(content.as_bytes()));
        let end = field("digestEndTime");
        let text = format!("{end}\n{bucket}/{object}\n{hash}\n{}", field("previousDigestSignature"));
        let signature = self.signers[signer].sign(&text);
        let metadata = [("signature", signature.as_str()), ("signature-algorithm", "SHA256withRSA")];
        let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.objects.insert(object.clone(), Stored { body: gz(content.as_bytes()), metadata });
        Predecessor { bucket, object, hash, signature }
    }

    /// Changes what a digest says and signs it anew, as only CloudTrail could.
    pub fn resign(&mut self, object: &str, change: impl FnOnce(&mut Value)) {
        let mut digest = self.read(object);
        change(&mut digest);
        let own = |signer: &Signer| digest["digestPublicKeyFingerprint"] == signer.fingerprint.as_str();
        let signer = self.signers.iter().position(own).unwrap();
        self.sign(&digest, signer);
    }

    /// Returns a digest as JSON.
    pub fn read(&self, object: &str) -> Value {
        serde_json::from_slice(&inflate(&self.objects[object].body, 1 << 20).unwrap().0).unwrap()
    }

    /// Returns what `--keys FILE` holds.
    pub fn keys(&self) -> Value {
        let list = json!({"PublicKeyList": self.signers.iter().map(Signer::served).collect::<Vec<_>>()});
        let regions = self.layout.regions.iter().map(|region| (region.clone(), list.clone()));
        Value::Object(regions.collect())
    }

    /// Removes the metadata of every object, as a copy does.
    pub fn strip_metadata(&mut self) {
        self.objects.values_mut().for_each(|stored| stored.metadata.clear());
    }

    /// Writes the bucket to a folder, metadata beside the objects.
    pub fn write_to(&self, folder: &Path) {
        for (key, stored) in &self.objects {
            let path = folder.join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            if !stored.metadata.is_empty() {
                let beside = format!("{}.metadata.json", path.display());
                std::fs::write(beside, json!(stored.metadata).to_string()).unwrap();
            }
            std::fs::write(path, &stored.body).unwrap();
        }
    }
}

/// What a digest says of the one before it.
#[derive(Clone, Debug)]
pub struct Predecessor {
    pub bucket: String,
    pub object: String,
    pub hash: String,
    pub signature: String,
}

/// Makes a digest the successor of another.
pub fn link(digest: &mut Value, previous: &Predecessor) {
    digest["previousDigestS3Bucket"] = json!(previous.bucket);
    digest["previousDigestS3Object"] = json!(previous.object);
    digest["previousDigestHashValue"] = json!(previous.hash);
    digest["previousDigestHashAlgorithm"] = json!("SHA-256");
    digest["previousDigestSignature"] = json!(previous.signature);
}

pub fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A bucket in memory that can refuse.
#[derive(Clone)]
pub struct MemoryStore {
    pub bucket: Option<String>,
    pub objects: BTreeMap<String, Stored>,
    pub faults: BTreeMap<String, FaultKind>,
    /// The store's name; `memory` when empty.
    pub called: String,
    /// After how many days a lifecycle rule deletes objects.
    pub expires: Option<u32>,
    /// Other lifecycle rules; nothing when they cannot be read.
    pub rules: Option<Vec<Deletes>>,
    /// When objects were written, where a test says so.
    pub written: BTreeMap<String, Timestamp>,
    /// Earlier versions: what S3 lists, and their bodies.
    pub versions: Vec<(Version, Vec<u8>)>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        let (bucket, objects, faults, called, expires, written, versions) = Default::default();
        Self { bucket, objects, faults, called, expires, rules: Some(Vec::new()), written, versions }
    }
}

impl MemoryStore {
    pub fn of(bucket: &Bucket) -> Self {
        Self { bucket: Some(bucket.layout.bucket.clone()), objects: bucket.objects.clone(), ..Self::default() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    fn name(&self) -> String {
        if self.called.is_empty() { "memory".into() } else { self.called.clone() }
    }

    async fn level(&self, prefix: &str) -> Result<Level, Fault> {
        if let Some(kind) = self.faults.get(prefix) {
            return Err(Fault::new(*kind, format!("{kind:?}")));
        }
        let below = || self.objects.keys().filter_map(|key| key.strip_prefix(prefix));
        let folders: BTreeSet<String> =
            below().filter_map(|rest| rest.split_once('/')).map(|(folder, _)| format!("{prefix}{folder}/")).collect();
        let objects = below().filter(|rest| !rest.contains('/')).map(|rest| format!("{prefix}{rest}"));
        Ok(Level { folders: folders.into_iter().collect(), objects: objects.collect() })
    }

    fn list(&self, prefix: &str, after: &str) -> BoxStream<'static, Result<Listed, Fault>> {
        let keys = self.objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
        let listed = |(key, stored): (&String, &Stored)| {
            let modified = self.written.get(key).copied();
            Ok(Listed { key: key.clone(), size_bytes: stored.body.len() as u64, modified, tag: None })
        };
        iter(keys.map(listed).collect::<Vec<_>>()).boxed()
    }

    async fn get(&self, key: &str) -> Result<Object, Fault> {
        if let Some(kind) = self.faults.get(key) {
            return Err(Fault::new(*kind, format!("{kind:?}")));
        }
        let stored = self.objects.get(key).ok_or_else(|| Fault::new(FaultKind::Absent, "no such key"))?;
        let pairs = stored.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Object { body: stored.body.clone(), metadata: Metadata::from_pairs(pairs) })
    }

    async fn deletes(&self) -> Result<Vec<Deletes>, Fault> {
        let Some(rules) = &self.rules else { return Err(Fault::new(FaultKind::Denied, "AccessDenied")) };
        let all = |days| Deletes { prefix: String::new(), when: When::AfterDays(days), is_whole: true };
        Ok(self.expires.map(all).into_iter().chain(rules.clone()).collect())
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Fault> {
        Ok(self.versions.iter().map(|(version, _)| version).filter(|v| v.key.starts_with(prefix)).cloned().collect())
    }

    async fn hash_version(
        &self,
        key: &str,
        id: &str,
    ) -> Result<orgtrail::archive::inflate::Unpacked, orgtrail::archive::HashError> {
        let own = self.versions.iter().find(|(version, _)| version.key == key && version.id == id);
        let (_, body) = own.ok_or_else(|| Fault::new(FaultKind::Absent, "no such version"))?;
        Ok(orgtrail::archive::inflate::hash(body, 1 << 30)?)
    }

    async fn hash(&self, key: &str) -> Result<Unpacked, HashError> {
        Ok(hash_log(&self.get(key).await?.body)?)
    }

    async fn read_log(&self, key: &str) -> Result<Vec<u8>, Fault> {
        Ok(self.get(key).await?.body)
    }

    fn oddities(&self) -> Vec<String> {
        Vec::new()
    }
}
