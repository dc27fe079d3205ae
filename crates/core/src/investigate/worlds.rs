//! Random worlds of which the truth is known: people of some accounts assume roles, change roles in the console under
//! names that others take too, make resources and delete them, their own and each other's; files come twice and in any
//! order.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::issue::Issue;
use super::sessions::{ActorQuery, SessionSet};
use super::stories::{Random, text};
use crate::event::Record;
use crate::iam_actions::IamActions;
use crate::resource_types::ResourceTypes;

pub(super) const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
pub(super) const USERS: usize = 4;

/// The ARN of a user, by its number.
pub(super) fn user(number: usize) -> String {
    format!("arn:aws:iam::{}:user/{}", ACCOUNTS[number % 2], NAMES[number % 3])
}

/// An event, and the truth about it.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub text: String,
    /// The number of the user who is behind it.
    pub by: usize,
    /// The ARN of the user or role that called.
    pub caller: String,
    /// It was done.
    pub done: bool,
}

/// Whoever holds credentials at a moment.
#[derive(Debug, Clone)]
struct Holder {
    identity: Value,
    account: String,
    by: usize,
    arn: String,
    until: Timestamp,
}

/// A resource of the world.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub kind: Kind,
    /// Its name, or its id.
    pub name: String,
    pub account: String,
    pub maker: usize,
    /// The event that made it.
    pub event: String,
    pub is_there: bool,
    /// Somebody may have deleted it: an answer that does not tell.
    pub is_unclear: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Bucket,
    Role,
    Queue,
    Volume,
}

pub(super) struct World {
    random: Random,
    at: Timestamp,
    number: u64,
    pub deeds: Vec<Deed>,
    pub things: Vec<Thing>,
    holders: Vec<Holder>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(7));
        random.below(2);
        let at = "2026-10-01T06:00:00Z".parse().unwrap();
        let mut world = Self { random, at, number: 0, deeds: Vec::new(), things: Vec::new(), holders: Vec::new() };
        for by in 0..USERS {
            let (arn, account) = (user(by), ACCOUNTS[by % 2].to_owned());
            let identity = json!({"type": "IAMUser", "principalId": format!("AIDAEXAMPLE00000000{by}"), "arn": arn,
                "accountId": account, "userName": NAMES[by % 3], "accessKeyId": format!("AKIAEXAMPLE00000000{by}")});
            world.holders.push(Holder { identity, account, by, arn, until: Timestamp::MAX });
        }
        for _ in 0..120 {
            world.step();
        }
        world
    }

    /// Returns the texts of all records as files have them: in any order, some twice.
    pub(super) fn delivered(&mut self) -> Vec<String> {
        let mut all: Vec<String> = self.deeds.iter().map(|deed| deed.text.clone()).collect();
        for at in (1..all.len()).rev() {
            all.swap(at, self.pick(at + 1));
        }
        let twice: Vec<String> = all.iter().filter(|_| self.random.one_in(8)).cloned().collect();
        all.extend(twice);
        all
    }

    fn pick(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap()
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn step(&mut self) {
        self.at += SignedDuration::from_secs(30 + i64::try_from(self.random.below(4_000)).unwrap());
        let at = self.at;
        self.holders.retain(|holder| holder.until > at);
        let one = self.pick(self.holders.len());
        let holder = self.holders[one].clone();
        match self.random.below(8) {
            0 => self.assume(&holder),
            1 => self.switch(&holder),
            2..4 => self.make(&holder),
            4..7 => self.delete(&holder),
            _ => {
                let more = json!({"readOnly": true, "requestParameters": {"bucketName": "logs"}});
                self.event(&holder, "s3.amazonaws.com", "GetBucketPolicy", more, None);
            }
        }
    }

    fn event(&mut self, holder: &Holder, source: &str, name: &str, more: Value, error: Option<&str>) -> String {
        let id = format!("event-{}", self.next());
        let mut event = json!({"eventVersion": "1.11", "eventTime": text(self.at), "eventSource": source, "eventName": name,
            "awsRegion": "us-east-1", "sourceIPAddress": format!("192.0.2.{}", holder.by), "userAgent": "aws-cli/2.30",
            "eventID": id, "eventType": "AwsApiCall", "recipientAccountId": holder.account, "userIdentity": holder.identity});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if let Some(code) = error {
            event["errorCode"] = json!(code);
            event["responseElements"] = Value::Null;
        }
        let (by, caller, done) = (holder.by, holder.arn.clone(), error.is_none());
        self.deeds.push(Deed { text: event.to_string(), by, caller, done });
        id
    }

    fn session(&mut self, holder: &Holder, to: &str, role: &str, name: &str, key: &str) -> Holder {
        let arn = format!("arn:aws:iam::{to}:role/path/{role}");
        let id = format!("AROAEXAMPLE{}{role}", &to[..4]);
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{id}:{name}"), "accountId": to, "accessKeyId": key,
            "arn": format!("arn:aws:sts::{to}:assumed-role/{role}/{name}"),
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": id, "arn": arn, "accountId": to, "userName": role},
                "attributes": {"creationDate": text(self.at), "mfaAuthenticated": "false"},
            },
        });
        let until = self.at + SignedDuration::from_hours(8);
        Holder { identity, account: to.to_owned(), by: holder.by, arn, until }
    }

    fn assume(&mut self, holder: &Holder) {
        let (to, role) = (ACCOUNTS[self.pick(2)], format!("role{}", self.random.below(2)));
        let (name, key) = (NAMES[self.pick(3)], format!("ASIAEXAMPLE{:09}", self.next()));
        let session = self.session(holder, to, &role, name, &key);
        let asked = json!({"roleArn": session.arn, "roleSessionName": name});
        if self.random.one_in(6) {
            self.event(
                holder,
                "sts.amazonaws.com",
                "AssumeRole",
                json!({"requestParameters": asked}),
                Some("AccessDenied"),
            );
            return;
        }
        let more = json!({"sharedEventID": format!("shared-{key}"), "requestParameters": asked, "responseElements": {
            "credentials": {"accessKeyId": key},
            "assumedRoleUser": {"assumedRoleId": session.identity["principalId"], "arn": session.identity["arn"]},
        }});
        self.event(holder, "sts.amazonaws.com", "AssumeRole", more.clone(), None);
        if holder.account != to {
            let identity = json!({"type": "AWSAccount", "principalId": holder.identity["principalId"], "accountId": holder.account});
            let twin = Holder { identity, account: to.to_owned(), ..holder.clone() };
            self.event(&twin, "sts.amazonaws.com", "AssumeRole", more, None);
        }
        self.holders.push(session);
    }

    /// Somebody changes roles in the console: no key is recorded, and the session has the name of the user.
    fn switch(&mut self, holder: &Holder) {
        if !holder.arn.contains(":user/") {
            return;
        }
        let (to, role) = (ACCOUNTS[self.pick(2)], format!("role{}", self.random.below(2)));
        let key = format!("ASIACONSOLE{:09}", self.next());
        let session = self.session(holder, to, &role, NAMES[holder.by % 3], &key);
        let mut recorded = session.clone();
        recorded.identity.as_object_mut().unwrap().remove("accessKeyId");
        let more =
            json!({"additionalEventData": {"SwitchFrom": holder.arn}, "responseElements": {"SwitchRole": "Success"}});
        self.event(&recorded, "signin.amazonaws.com", "SwitchRole", more, None);
        self.holders.push(session);
    }

    fn make(&mut self, holder: &Holder) {
        let kind = [Kind::Bucket, Kind::Role, Kind::Queue, Kind::Volume][self.pick(4)];
        let number = self.next();
        // Names are used again, ids are not.
        let short = format!("thing-{}", self.random.below(3));
        let name = if kind == Kind::Volume { format!("vol-{number:08x}") } else { short };
        let is_taken = self.things.iter().any(|own| {
            own.is_there
                && own.kind == kind
                && own.name == name
                && (kind == Kind::Bucket || own.account == holder.account)
        });
        let error = match (is_taken, self.random.one_in(6)) {
            (true, _) => Some("ResourceAlreadyExists"),
            (false, true) => Some("AccessDenied"),
            (false, false) => None,
        };
        let (source, call, more) = making(kind, &name, &holder.account, number);
        let event = self.event(holder, source, call, more, error);
        if error.is_none() {
            let (account, maker) = (holder.account.clone(), holder.by);
            self.things.push(Thing { kind, name, account, maker, event, is_there: true, is_unclear: false });
        }
    }

    fn delete(&mut self, holder: &Holder) {
        let open = self.things.iter().enumerate().filter(|(_, own)| own.is_there && own.account == holder.account);
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        if open.is_empty() {
            return;
        }
        let at = open[self.pick(open.len())];
        let (source, call, more) = deletion(&self.things[at]);
        let error = match self.random.below(6) {
            0 => Some("AccessDenied"),
            1 => Some("InternalFailure"),
            _ => None,
        };
        self.event(holder, source, call, more, error);
        match error {
            None => self.things[at].is_there = false,
            Some("InternalFailure") => self.things[at].is_unclear = true,
            Some(_) => {}
        }
    }
}

fn making(kind: Kind, name: &str, account: &str, number: u64) -> (&'static str, &'static str, Value) {
    match kind {
        Kind::Bucket => ("s3.amazonaws.com", "CreateBucket", json!({"requestParameters": {"bucketName": name}})),
        Kind::Role => {
            let arn = format!("arn:aws:iam::{account}:role/{name}");
            let id = format!("AROA{number:017}");
            let role = json!({"arn": arn, "roleName": name, "roleId": id});
            let more = json!({"requestParameters": {"roleName": name}, "responseElements": {"role": role}});
            ("iam.amazonaws.com", "CreateRole", more)
        }
        Kind::Queue => {
            let url = format!("https://sqs.us-east-1.amazonaws.com/{account}/{name}");
            let more = json!({"requestParameters": {"queueName": name}, "responseElements": {"queueUrl": url}});
            ("sqs.amazonaws.com", "CreateQueue", more)
        }
        Kind::Volume => {
            let more = json!({"requestParameters": {"size": "1"}, "responseElements": {"volumeId": name}});
            ("ec2.amazonaws.com", "CreateVolume", more)
        }
    }
}

fn deletion(thing: &Thing) -> (&'static str, &'static str, Value) {
    let (source, call, asked) = match thing.kind {
        Kind::Bucket => ("s3.amazonaws.com", "DeleteBucket", json!({"bucketName": thing.name})),
        Kind::Role => ("iam.amazonaws.com", "DeleteRole", json!({"roleName": thing.name})),
        Kind::Queue => {
            let url = format!("https://sqs.us-east-1.amazonaws.com/{}/{}", thing.account, thing.name);
            ("sqs.amazonaws.com", "DeleteQueue", json!({"queueUrl": url}))
        }
        Kind::Volume => ("ec2.amazonaws.com", "DeleteVolume", json!({"volumeId": thing.name})),
    };
    (source, call, json!({"requestParameters": asked}))
}

/// Returns how sessions began, as records tell it.
pub(super) fn issues(all: &[String]) -> Vec<Issue> {
    all.iter().filter_map(|text| Issue::of(&Record::read(text).unwrap())).collect()
}

/// Returns an actor with all its sessions.
pub(super) fn sessions(all: &[String], who: &str) -> SessionSet {
    let issues = issues(all);
    let mut set = SessionSet::of(ActorQuery::of(who));
    while set.grow(&issues) {}
    set
}

/// The table, read once.
pub(super) fn types() -> &'static ResourceTypes {
    static TYPES: LazyLock<ResourceTypes> = LazyLock::new(|| ResourceTypes::built_in().unwrap());
    &TYPES
}

/// The table of actions, read once.
pub(super) fn actions() -> &'static IamActions {
    static ACTIONS: LazyLock<IamActions> = LazyLock::new(|| IamActions::built_in().unwrap());
    &ACTIONS
}

/// Returns the deeds by the texts of their records.
pub(super) fn truth(world: &World) -> BTreeMap<&str, &Deed> {
    world.deeds.iter().map(|deed| (deed.text.as_str(), deed)).collect()
}
