//! Random stories of which the truth is known: somebody goes through some roles of some accounts, with names of
//! sessions that lie, among others who use the same roles; some events are lost.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::chain::{Chain, FoundBy, Lost, Origin, Tracer, Wanted};
use super::issue::Issue;
use crate::event::Record;

/// How many are told.
const STORIES: u64 = 400;

/// Numbers that look random, the same in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(super) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

const ACCOUNTS: [&str; 4] = ["111111111111", "222222222222", "333333333333", "444444444444"];
/// An account that is not one of the organization's.
const OUTSIDE: &str = "999999999999";
const NAMES: [&str; 4] = ["alice", "bob", "botocore-session-1", "deploy"];

fn organization() -> BTreeSet<String> {
    ACCOUNTS.map(str::to_owned).into()
}

pub(super) fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whoever holds credentials at a moment.
#[derive(Clone)]
struct Holder {
    identity: Value,
    account: String,
    truth: Origin,
}

struct Story {
    random: Random,
    at: Timestamp,
    number: u64,
    events: Vec<Value>,
    /// Which of them began one of the sessions of the chain that is told.
    issues: Vec<usize>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        random.below(2);
        let at = "2026-11-20T06:00:00Z".parse().unwrap();
        Self { random, at, number: 0, events: Vec::new(), issues: Vec::new() }
    }

    fn pass(&mut self) {
        self.at += SignedDuration::from_secs(60 + i64::try_from(self.random.below(3_000)).unwrap());
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn account(&mut self) -> String {
        ACCOUNTS[usize::try_from(self.random.below(4)).unwrap()].to_owned()
    }

    fn name(&mut self) -> &'static str {
        NAMES[usize::try_from(self.random.below(4)).unwrap()]
    }

    /// Somebody who is no session: a user, or the root user.
    fn person(&mut self) -> Holder {
        let (account, number) = (self.account(), self.random.below(3));
        if self.random.one_in(8) {
            let arn = format!("arn:aws:iam::{account}:root");
            let identity = json!({"type": "Root", "principalId": account, "arn": arn, "accountId": account, "accessKeyId": "AKIAROOT"});
            return Holder { identity, truth: Origin::Root(account.clone()), account };
        }
        let user = NAMES[usize::try_from(number).unwrap()];
        let arn = format!("arn:aws:iam::{account}:user/{user}");
        let identity = json!({"type": "IAMUser", "principalId": format!("AIDA{account}{user}"), "arn": arn,
            "accountId": account, "userName": user, "accessKeyId": format!("AKIA{account}{number}")});
        Holder { identity, account, truth: Origin::User(arn) }
    }

    fn event(&mut self, account: &str, source: &str, name: &str, identity: &Value, more: Value) -> usize {
        let id = format!("event-{}", self.next());
        let mut event = json!({"eventVersion": "1.11", "eventTime": text(self.at), "eventSource": source, "eventName": name,
            "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "eventID": id, "recipientAccountId": account,
            "userIdentity": identity});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.events.push(event);
        self.events.len() - 1
    }

    /// Somebody assumes a role; both accounts record it.
    fn assume(&mut self, by: &Holder, role: &str, to: &str, is_told: bool) -> Holder {
        let (key, name) = (format!("ASIA{:012}", self.next()), self.name().to_owned());
        let (role_arn, role_id) = (format!("arn:aws:iam::{to}:role/path/{role}"), format!("AROA{to}{role}"));
        let session = format!("arn:aws:sts::{to}:assumed-role/{role}/{name}");
        let shared = format!("shared-{key}");
        let more = json!({
            "sharedEventID": shared,
            "requestParameters": {"roleArn": role_arn, "roleSessionName": name},
            "responseElements": {
                "credentials": {"accessKeyId": key, "sessionToken": "secret"},
                "assumedRoleUser": {"assumedRoleId": format!("{role_id}:{name}"), "arn": session},
            },
        });
        let first = self.event(&by.account, "sts.amazonaws.com", "AssumeRole", &by.identity, more.clone());
        self.issues.extend(is_told.then_some(first));
        if by.account != to {
            // The account of the role is told no more of the caller than this.
            let caller =
                json!({"type": "AWSAccount", "principalId": by.identity["principalId"], "accountId": by.account});
            let second = self.event(to, "sts.amazonaws.com", "AssumeRole", &caller, more);
            self.issues.extend(is_told.then_some(second));
        }
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{role_id}:{name}"), "arn": session, "accountId": to, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": role_id, "arn": role_arn, "accountId": to, "userName": role},
                "attributes": {"creationDate": text(self.at), "mfaAuthenticated": "false"},
            },
        });
        Holder { identity, account: to.to_owned(), truth: by.truth.clone() }
    }

    /// Somebody changes roles in the console.
    fn switch(&mut self, by: &Holder, role: &str, to: &str) -> Holder {
        let mut to_be = self.assume(by, role, to, true);
        // It is recorded in another way: without credentials, in the account of the role.
        let count = if by.account == to { 1 } else { 2 };
        self.events.truncate(self.events.len() - count);
        self.issues.retain(|at| *at < self.events.len());
        let name = by.identity["arn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let old = to_be.identity["principalId"].as_str().unwrap().split(':').next().unwrap().to_owned();
        to_be.identity["principalId"] = json!(format!("{old}:{name}"));
        to_be.identity["arn"] = json!(format!("arn:aws:sts::{to}:assumed-role/{role}/{name}"));
        let mut recorded = to_be.identity.clone();
        recorded.as_object_mut().unwrap().remove("accessKeyId");
        let more = json!({"additionalEventData": {"SwitchFrom": by.identity["arn"]}, "responseElements": {"SwitchRole": "Success"}});
        let at = self.event(to, "signin.amazonaws.com", "SwitchRole", &recorded, more);
        self.issues.push(at);
        to_be
    }

    /// Others use the same roles with the same names, fail to, and do other things.
    fn noise(&mut self) {
        for _ in 0..self.random.below(6) {
            self.pass();
            let (person, to, role) = (self.person(), self.account(), self.random.below(2));
            let other = self.assume(&person, &format!("role{role}"), &to, false);
            if self.random.one_in(2) {
                let account = other.account.clone();
                self.event(&account, "s3.amazonaws.com", "PutObject", &other.identity, json!({}));
            }
            if self.random.one_in(3) {
                let more = json!({"errorCode": "AccessDenied", "requestParameters": {"roleArn": "x"}});
                self.event(&to, "sts.amazonaws.com", "AssumeRole", &person.identity, more);
            }
        }
    }

    /// Tells a story; returns the event that is asked about, and who did it.
    fn tell(mut self) -> (Self, usize, Origin, usize) {
        self.noise();
        let mut holder = self.person();
        let hops = usize::try_from(self.random.below(6)).unwrap();
        for hop in 0..hops {
            self.pass();
            let (to, role) = (self.account(), format!("role{}", self.random.below(2)));
            let is_switch = hop == 0 && self.random.one_in(4) && matches!(holder.truth, Origin::User(_));
            holder = match is_switch {
                true => self.switch(&holder, &role, &to),
                false => self.assume(&holder, &role, &to, true),
            };
            self.noise();
        }
        self.pass();
        let account = holder.account.clone();
        let deed = self.event(&account, "s3.amazonaws.com", "DeleteBucket", &holder.identity, json!({}));
        (self, deed, holder.truth, hops)
    }
}

/// Traces an event among others, each as text; `asked` is called with what was looked for.
fn trace(event: &str, all: &[String]) -> Chain {
    let record = Record::read(event).unwrap();
    let mut tracer = Tracer::of(&record, Some(std::sync::Arc::new(organization())));
    let mut steps = 0;
    while let Some(wanted) = tracer.wanted().cloned() {
        steps += 1;
        assert!(steps < 100, "it ends");
        tracer.found(search(&wanted, all));
    }
    tracer.chain()
}

/// What a search of an archive gives: what has one of the texts.
fn search(wanted: &Wanted, all: &[String]) -> Vec<Issue> {
    let needles = [&wanted.access_key, &wanted.session_id, &wanted.session_arn];
    let needles: Vec<&str> = needles.into_iter().flatten().map(String::as_str).collect();
    let has = |event: &&String| needles.iter().any(|needle| event.contains(needle));
    all.iter().filter(has).filter_map(|event| Issue::of(&Record::read(event).unwrap())).collect()
}

#[test]
fn whoever_is_behind_a_session_is_found_in_whole_archives_and_never_somebody_else() {
    let (mut right, mut by_name) = (0, 0);
    let stories = STORIES;
    for seed in 0..stories {
        let (story, deed, truth, hops) = Story::new(seed).tell();
        let all: Vec<String> = story.events.iter().map(Value::to_string).collect();
        let chain = trace(&all[deed], &all);
        match &chain.end {
            Ok(origin) => {
                assert_eq!(origin, &truth, "story {seed}: {chain:#?}");
                assert_eq!(chain.hops.len(), hops, "story {seed}");
                right += 1;
                by_name += u64::from(!chain.is_proven());
            }
            // The names of sessions alone do not tell them apart.
            Err(Lost::Several { .. }) => {}
            Err(lost) => panic!("story {seed}: {lost:?}"),
        }
    }
    println!("{right} of {stories} found, {by_name} of them by the name of a session, none wrongly");
    assert!(right * 100 >= stories * 98, "{right} of {stories}");
    assert!(by_name > 0);
}

#[test]
fn where_an_event_is_lost_the_chain_ends_there_and_no_proof_is_wrong() {
    let mut lost = 0;
    for seed in 0..STORIES {
        let (mut story, deed, truth, hops) = Story::new(seed).tell();
        if hops == 0 {
            continue;
        }
        let deed = story.events[deed].to_string();
        let gone = story.issues[usize::try_from(story.random.below(story.issues.len() as u64)).unwrap()];
        let all: Vec<String> =
            story.events.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, event)| event.to_string()).collect();
        let chain = trace(&deed, &all);
        match &chain.end {
            // Of a user of another account only the id is left where the user's own account has lost the event.
            Ok(Origin::UserId { id, .. }) if chain.is_proven() => {
                let Origin::User(arn) = &truth else { panic!("story {seed}: {chain:#?}") };
                let (account, user) = (arn.split(':').nth(4).unwrap(), arn.rsplit('/').next().unwrap());
                assert_eq!(id, &format!("AIDA{account}{user}"), "story {seed}");
                lost += 1;
            }
            Ok(origin) if chain.is_proven() => assert_eq!(origin, &truth, "story {seed}: {chain:#?}"),
            Ok(_) => assert!(chain.hops.iter().any(|hop| hop.by == FoundBy::Session), "story {seed}"),
            Err(Lost::NotFound(_) | Lost::Several { .. }) => lost += 1,
            Err(other) => panic!("story {seed}: {other:?}"),
        }
    }
    assert!(lost > STORIES / 10, "{lost}");
}

#[test]
fn a_chain_that_begins_in_another_organization_says_so() {
    let mut story = Story::new(7);
    let identity = json!({"type": "AWSAccount", "principalId": "AIDAEVE", "accountId": OUTSIDE});
    let eve = Holder { identity, account: "111111111111".to_owned(), truth: Origin::Anonymous };
    let inside = story.assume(&eve, "role0", "111111111111", true);
    let deed = story.event("111111111111", "s3.amazonaws.com", "DeleteBucket", &inside.identity, json!({}));
    let all: Vec<String> = story.events.iter().map(Value::to_string).collect();
    let chain = trace(&all[deed], &all);
    let outside = Lost::Outside { account: OUTSIDE.to_owned(), caller: Some("AIDAEVE".to_owned()) };
    assert_eq!((chain.hops.len(), chain.end), (1, Err(outside)));
}
