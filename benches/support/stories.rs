//! Stories of which the truth is known: what became of a bucket, and who stands behind it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ACCOUNTS: [&str; 4] = ["111111111111", "222222222222", "333333333333", "444444444444"];
/// What people and their sessions are called: the same for all, so that names lie.
const NAMES: [&str; 5] = ["alice", "bob", "carol", "botocore-session-1", "deploy"];

/// How a bucket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A caller deleted it.
    Deleted,
    /// AWS did, by itself.
    EndedByAws,
    /// It was only tried.
    Attempted,
    /// Nothing is recorded of it.
    Nothing,
}

/// A story, with its truth.
pub struct Story {
    /// The bucket.
    pub bucket: String,
    /// How it ended last.
    pub ending: Ending,
    /// Who stands behind that, as an answer says it. Empty: nobody.
    pub truth: String,
    /// What is recorded.
    pub events: Vec<Value>,
}

/// Whoever holds credentials at a moment.
#[derive(Clone)]
struct Holder {
    identity: Value,
    account: String,
    truth: String,
}

struct Teller {
    random: u64,
    at: Timestamp,
    seed: u64,
    number: u64,
    bucket: String,
    events: Vec<Value>,
}

impl Story {
    /// Tells the story of a number: the same in every run.
    pub fn tell(seed: u64) -> Self {
        let begin: Timestamp = "2026-11-01T00:10:00Z".parse().unwrap();
        let hours = i64::try_from(seed).unwrap() * 29 % 480;
        let mut teller = Teller {
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            at: begin.checked_add(SignedDuration::from_hours(hours)).unwrap(),
            seed,
            number: 0,
            bucket: format!("acme-story-{seed}"),
            events: Vec::new(),
        };
        let (ending, truth) = teller.tell();
        Self { bucket: teller.bucket, ending, truth, events: teller.events }
    }
}

impl Teller {
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % bound
    }

    fn tell(&mut self) -> (Ending, String) {
        let maker = self.person();
        self.call("CreateBucket", &maker, &json!({}));
        if self.below(4) == 0 {
            // The name is used again: what became of the first one is not what became of the second.
            let (first, second) = (self.behind_roles(), self.behind_roles());
            self.call("DeleteBucket", &first, &json!({}));
            self.call("CreateBucket", &second, &json!({}));
        }
        for _ in 0..self.below(3) {
            let other = self.behind_roles();
            self.call("PutBucketTagging", &other, &json!({}));
            let eve = self.person();
            self.call("DeleteBucket", &eve, &json!({"errorCode": "AccessDenied"}));
        }
        match self.below(10) {
            0 => {
                self.by_aws();
                (Ending::EndedByAws, String::new())
            }
            1 | 2 => {
                let eve = self.behind_roles();
                self.call("DeleteBucket", &eve, &json!({"errorCode": "AccessDenied"}));
                (Ending::Attempted, eve.truth)
            }
            3 => {
                let tried = self.events.iter().rev().find(|event| event["eventName"] == "DeleteBucket").cloned();
                let recreated = self.events.iter().rev().find(|event| event["eventName"] == "CreateBucket").cloned();
                let is_after = |event: &Value| {
                    recreated.as_ref().is_none_or(|made| event["eventTime"].as_str() > made["eventTime"].as_str())
                };
                match tried.filter(|event| event["errorCode"] == "AccessDenied" && is_after(event)) {
                    Some(event) => (Ending::Attempted, event["userIdentity"]["truth"].as_str().unwrap().to_owned()),
                    None => (Ending::Nothing, String::new()),
                }
            }
            _ => {
                let last = self.behind_roles();
                self.call("DeleteBucket", &last, &json!({}));
                let late = self.person();
                self.call("DeleteBucket", &late, &json!({"errorCode": "NoSuchBucket"}));
                (Ending::Deleted, last.truth)
            }
        }
    }

    /// Somebody who is no session: a user, the root user, or a person who signs in.
    fn person(&mut self) -> Holder {
        let (account, name) = (ACCOUNTS[self.below(4)].to_owned(), NAMES[self.below(3)]);
        match self.below(5) {
            0 => {
                let identity = json!({"type": "Root", "principalId": account, "accountId": account,
                    "arn": format!("arn:aws:iam::{account}:root"), "accessKeyId": format!("ASIAROOT{account}")});
                Holder { identity, truth: format!("the root user of {account}"), account }
            }
            1 => self.signed_in(&account, &format!("{name}@example.com")),
            _ => {
                let arn = format!("arn:aws:iam::{account}:user/{name}");
                let identity = json!({"type": "IAMUser", "principalId": format!("AIDA{account}{name}"), "arn": arn,
                    "accountId": account, "userName": name, "accessKeyId": format!("AKIA{account}{name}")});
                Holder { identity, account, truth: arn }
            }
        }
    }

    /// A person of Identity Center signs in.
    fn signed_in(&mut self, account: &str, person: &str) -> Holder {
        let role = "AWSReservedSSO_Admin_0123456789abcdef";
        let arn = format!("arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/{role}");
        let caller = json!({"type": "SAMLUser", "principalId": format!("X=:{person}"), "userName": person, "identityProvider": "X="});
        let holder = Holder {
            identity: caller,
            account: account.to_owned(),
            truth: format!("the Identity Center user {person}"),
        };
        self.session(&holder, "AssumeRoleWithSAML", (role, &arn), account, person)
    }

    /// Somebody, behind up to five roles.
    fn behind_roles(&mut self) -> Holder {
        let mut holder = self.person();
        for _ in 0..self.below(6) {
            let (to, role, name) = (ACCOUNTS[self.below(4)], format!("role{}", self.below(3)), NAMES[self.below(5)]);
            let arn = format!("arn:aws:iam::{to}:role/{role}");
            holder = self.session(&holder, "AssumeRole", (&role, &arn), to, name);
            // Others take the same role under the same name at about the same time.
            if self.below(2) == 0 {
                let other = self.person();
                self.session(&other, "AssumeRole", (&role, &arn), to, name);
            }
        }
        holder
    }

    fn session(&mut self, by: &Holder, call: &str, (role, arn): (&str, &str), to: &str, name: &str) -> Holder {
        self.number += 1;
        let key = format!("ASIA{:08}{:08}", self.seed, self.number);
        let id = format!("AROA{to}{role}");
        let session = format!("arn:aws:sts::{to}:assumed-role/{role}/{name}");
        let mut more = json!({
            "requestParameters": {"roleArn": arn, "roleSessionName": name},
            "responseElements": {"credentials": {"accessKeyId": key},
                "assumedRoleUser": {"assumedRoleId": format!("{id}:{name}"), "arn": session}},
        });
        if by.account != to {
            more["sharedEventID"] = json!(format!("shared-{key}"));
        }
        let since = self.event(&by.account, "sts", call, &by.identity, &more, false);
        if by.account != to {
            let caller =
                json!({"type": "AWSAccount", "principalId": by.identity["principalId"], "accountId": by.account});
            self.event(to, "sts", call, &caller, &more, true);
        }
        let identity = json!({"type": "AssumedRole", "principalId": format!("{id}:{name}"), "arn": session,
            "accountId": to, "accessKeyId": key, "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": id, "arn": arn, "accountId": to, "userName": role},
                "attributes": {"creationDate": since, "mfaAuthenticated": "false"}}});
        Holder { identity, account: to.to_owned(), truth: by.truth.clone() }
    }

    fn call(&mut self, call: &str, by: &Holder, more: &Value) {
        let mut more = more.clone();
        more["requestParameters"] = json!({"bucketName": self.bucket});
        let account = by.account.clone();
        self.event(&account, "s3", call, &by.identity, &more, false);
        // For the teller only: it is taken out before anything is written.
        if let Some(event) = self.events.last_mut() {
            event["userIdentity"]["truth"] = json!(by.truth);
        }
    }

    fn by_aws(&mut self) {
        let bucket = self.bucket.clone();
        let role = "arn:aws:iam::111111111111:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
        let identity = json!({"type": "AssumedRole", "invokedBy": "config.amazonaws.com", "accountId": "111111111111",
            "arn": "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForConfig/x",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}}});
        let more = json!({"requestParameters": {"bucketName": bucket}});
        self.event("111111111111", "s3", "DeleteBucket", &identity, &more, false);
    }

    /// Records a call; returns when it was. `is_twin`: at the time of the one before.
    fn event(&mut self, account: &str, source: &str, call: &str, by: &Value, more: &Value, is_twin: bool) -> String {
        if !is_twin {
            let seconds = 20 + i64::try_from(self.below(240)).unwrap();
            self.at = self.at.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        }
        self.number += 1;
        let time = self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut identity = by.clone();
        if let Some(fields) = identity.as_object_mut() {
            fields.remove("truth");
        }
        let mut event = json!({
            "eventVersion": "1.11", "userIdentity": identity, "eventTime": time,
            "eventSource": format!("{source}.amazonaws.com"), "eventName": call, "awsRegion": "us-east-1",
            "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli/2", "requestParameters": null,
            "responseElements": null, "eventID": format!("00000000-0000-4000-{:04}-{:012}", self.seed, self.number),
            "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": account,
            "eventCategory": "Management",
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            event[field] = value.clone();
        }
        self.events.push(event);
        time
    }
}

/// Writes events into a folder, as a bucket's content: a log file for each hour of each account.
pub fn write(folder: &Path, events: &[Value]) {
    let mut files: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for event in events {
        let (account, time) = (event["recipientAccountId"].as_str().unwrap(), event["eventTime"].as_str().unwrap());
        let mut event = event.clone();
        if let Some(fields) = event["userIdentity"].as_object_mut() {
            fields.remove("truth");
        }
        files.entry((account.to_owned(), time[..13].to_owned())).or_default().push(event);
    }
    for (number, ((account, hour), records)) in files.into_iter().enumerate() {
        let end: Timestamp = format!("{hour}:59:00Z").parse().unwrap();
        let day = end.strftime("%Y/%m/%d");
        let name = format!("{account}_CloudTrail_us-east-1_{}_{number:016}.json.gz", end.strftime("%Y%m%dT%H%MZ"));
        let path = folder.join(format!("AWSLogs/o-exampleorgid/{account}/CloudTrail/us-east-1/{day}"));
        std::fs::create_dir_all(&path).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
        std::fs::write(path.join(name), gzip.finish().unwrap()).unwrap();
    }
}
