//! What a comparison makes of each wanted address, of what stands in it, and of what is not known.

use super::*;
use crate::estate::bucket::BucketEncryption;
use crate::estate::key::key_reference;
use crate::estate::{Bucket, BucketPolicy, Key, LogGroup, OWNER_TAG, Role, SeenKey, StatementRef, Topic, Trail};
use crate::plan::Action;
use crate::plan::surroundings::tests;
use crate::policy::PolicyDocument;

const LOG: &str = "222222222222";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn at(kind: &str, name: &str) -> Address {
    address(&format!("{LOG}/eu-central-1/{kind}/{name}"))
}

fn owned(deployment: Option<&str>) -> BTreeMap<String, String> {
    deployment.map(|name| (OWNER_TAG.to_owned(), name.to_owned())).into_iter().collect()
}

/// A log group of this deployment.
fn group(days: u32) -> LogGroup {
    LogGroup { retention_days: Some(days), tags: owned(Some("acme")) }
}

/// A bucket that encrypts with a key, by its ARN or a reference.
fn bucket(key: &str) -> Bucket {
    Bucket {
        block_public_access: true,
        object_ownership: None,
        versioning: true,
        encryption: Some(BucketEncryption { algorithm: "aws:kms".into(), key: Some(key.into()), bucket_key: true }),
        lifecycle: Vec::new(),
        object_lock: None,
        access_logs: None,
        requester_pays: false,
        tags: owned(Some("acme")),
        untouched: false,
        mfa_delete: None,
    }
}

fn key(arn: Option<&str>) -> Key {
    Key {
        arn: arn.map(str::to_owned),
        has_alias: true,
        enabled: true,
        pending_deletion: false,
        deletion_date: None,
        rotation: true,
        tags: owned(Some("acme")),
    }
}

fn policy(statements: &str) -> PolicyDocument {
    PolicyDocument::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn refused(address: &Address) -> Problem {
    Problem { code: "AccessDenied".into(), ..not_looked_at(address) }
}

/// A deployment that wants nothing yet, and what was seen of it.
struct Case {
    desired: Desired,
    observed: Estate,
}

impl Case {
    fn new() -> Self {
        let mut desired = tests::desired();
        desired.wanted.clear();
        Self { desired, observed: Estate::default() }
    }

    fn want(mut self, address: &Address, resource: impl Into<Resource>, depends_on: &[&Address]) -> Self {
        let depends_on = depends_on.iter().map(|&address| address.clone()).collect();
        self.desired.want(address.clone(), resource, "reason", depends_on);
        self
    }

    fn see(mut self, address: &Address, sighting: Sighting) -> Self {
        self.observed.sightings.insert(address.clone(), sighting);
        self
    }

    fn compare(&self) -> Compared {
        compare(&self.desired, &self.observed)
    }

    /// Returns what would be sent to an address.
    fn effective(&self, address: &Address) -> Resource {
        effective(&self.desired, &self.observed, address, &self.desired.wanted[address])
    }
}

fn actions(changes: &[Change]) -> Vec<(&Address, Action)> {
    changes.iter().map(|change| (&change.address, change.action())).collect()
}

#[test]
fn what_is_absent_is_made_what_differs_is_changed_and_what_is_equal_is_counted() {
    let [new, other, same, too] = ["a", "b", "c", "d"].map(|name| at("log_group", name));
    let case = [&new, &other, &same, &too].into_iter().fold(Case::new(), |case, at| case.want(at, group(30), &[]));
    let case = case.see(&new, Sighting::Absent).see(&other, Sighting::present(group(7)));
    let case = case.see(&same, Sighting::present(group(30))).see(&too, Sighting::present(group(30)));
    let compared = case.compare();
    assert_eq!(actions(&compared.changes), [(&new, Action::Create), (&other, Action::Update)]);
    assert_eq!(compared.unchanged, 2);
    let [field] = compared.changes[1].fields() else { panic!("{:?}", compared.changes) };
    assert_eq!((field.path.as_str(), field.before_json(), field.after_json()), ("retention_days", 7.into(), 30.into()));
    assert_eq!((compared.blockers, compared.problems, compared.others), Default::default());
}

#[test]
fn what_was_not_looked_at_or_could_not_be_read_is_a_problem_told_once_and_never_a_change() {
    let [unseen, shut, too] = ["a", "b", "c"].map(|name| at("log_group", name));
    let account = Problem { address: None, ..refused(&shut) };
    let case = [&unseen, &shut, &too].into_iter().fold(Case::new(), |case, at| case.want(at, group(30), &[]));
    let unreadable = || Sighting::Unreadable(account.clone());
    let compared = case.see(&shut, unreadable()).see(&too, unreadable()).compare();
    let [first, second] = &compared.problems[..] else { panic!("{:?}", compared.problems) };
    assert_eq!(first, &account);
    assert_eq!((second.code.as_str(), second.address.as_ref()), ("NotRecorded", Some(&unseen)));
    assert_eq!((second.account.as_str(), second.stage), (LOG, Stage::Observe));
    assert!(second.help.contains("orgtrail snapshot"), "{second:?}");
    assert_eq!((compared.changes, compared.unchanged), (Vec::new(), 0));
}

#[test]
fn a_change_waits_only_for_what_changes_too() {
    let [first, equal, last] = ["a", "b", "c"].map(|name| at("log_group", name));
    let case = Case::new().want(&first, group(30), &[]).want(&equal, group(30), &[]);
    let case = case.want(&last, group(30), &[&first, &equal, &at("log_group", "of nobody")]);
    let case = case.see(&first, Sighting::Absent).see(&last, Sighting::Absent);
    let compared = case.see(&equal, Sighting::present(group(30))).compare();
    assert_eq!(compared.changes[1].depends_on, [first]);
}

#[test]
fn whose_a_resource_is_decides_whether_it_is_changed_adopted_finished_or_left_alone() {
    let wish = || bucket(KEY);
    let place = at("bucket", "logs");
    let compared = |seen: Bucket| Case::new().want(&place, wish(), &[]).see(&place, Sighting::present(seen)).compare();
    let differing = |tags, untouched| Bucket { versioning: false, tags, untouched, ..wish() };
    let begun = |compared: &Compared| matches!(&compared.changes[..], [Change { step: Step::Create { begun, .. }, .. }] if begun.is_some());

    let ours = compared(differing(owned(Some("acme")), false));
    assert_eq!(actions(&ours.changes), [(&place, Action::Update)]);
    let foreign = compared(differing(owned(None), false));
    assert_eq!(actions(&foreign.changes), [(&place, Action::Adopt)]);
    let half_made = compared(differing(owned(None), true));
    assert!(begun(&half_made), "{:?}", half_made.changes);
    for compared in [&ours, &foreign, &half_made] {
        assert_eq!((compared.blockers.len(), compared.others.len()), (0, 0));
    }
    // Another deployment's is never touched, and what would change there is kept apart.
    let other = compared(differing(owned(Some("else")), true));
    assert_eq!((actions(&other.changes), actions(&other.others)), (vec![], vec![(&place, Action::Adopt)]));
    let [blocker] = &other.blockers[..] else { panic!("{:?}", other.blockers) };
    assert_eq!((blocker.code.as_str(), blocker.address.as_ref()), (OTHER_DEPLOYMENT, Some(&place)));
    assert!(blocker.message.contains(r#"bucket belongs to the deployment "else""#), "{blocker:?}");
    assert_eq!((blocker.stage, blocker.account.as_str()), (Stage::Plan, LOG));
}

#[test]
fn what_carries_no_tags_is_ours_with_what_it_is_a_part_of() {
    let place = at("bucket_policy", "logs");
    let [wish, seen] = ["s3:GetObject", "s3:PutObject"].map(|action| BucketPolicy {
        policy: policy(&format!(
            r#"{{"Sid":"OrgtrailX","Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*"}}"#
        )),
    });
    let compared = Case::new().want(&place, wish, &[]).see(&place, Sighting::present(seen)).compare();
    assert_eq!(actions(&compared.changes), [(&place, Action::Update)]);
}

#[test]
fn what_names_a_key_that_was_not_seen_is_not_planned_unless_the_key_is_in_use() {
    let (place, logs) = (at("key", "alias/orgtrail-acme"), at("bucket", "logs"));
    let case = || Case::new().want(&place, key(None), &[]).want(&logs, bucket(&key_reference(&place)), &[]);
    let shut = Sighting::Unreadable(refused(&place));

    let unreadable = case().see(&place, shut.clone()).see(&logs, Sighting::Absent).compare();
    assert_eq!((unreadable.changes, unreadable.problems), (vec![], vec![refused(&place)]));
    let unseen = case().see(&logs, Sighting::Absent).compare();
    assert_eq!((unseen.changes, unseen.problems), (vec![], vec![not_looked_at(&place)]));
    // Both are made in one run: the reference is resolved when the key is there.
    let new = case().see(&place, Sighting::Absent).see(&logs, Sighting::Absent).compare();
    assert_eq!(actions(&new.changes), [(&logs, Action::Create), (&place, Action::Create)]);
    let encrypted = case().see(&place, shut).see(&logs, Sighting::present(bucket(KEY))).compare();
    assert_eq!((encrypted.changes, encrypted.unchanged), (vec![], 1));
    let seen = case().see(&place, Sighting::present(key(Some(KEY)))).see(&logs, Sighting::present(bucket(KEY)));
    assert_eq!((seen.compare().changes, seen.compare().unchanged), (vec![], 2));
}

#[test]
fn a_key_is_known_by_itself_or_by_what_is_encrypted_with_it() {
    let place = at("key", "alias/orgtrail-acme");
    let logs = at("bucket", "logs");
    let arn = |case: Case| key_arn(&case.observed, &place);
    let with = |sighting| Case::new().see(&place, sighting);
    let shut = || with(Sighting::Unreadable(refused(&place)));
    let used = || Sighting::present(bucket(KEY));
    assert_eq!(arn(with(Sighting::present(key(Some("k"))))).as_deref(), Some("k"));
    assert_eq!(arn(with(Sighting::present(group(1)))), None);
    assert_eq!(arn(with(Sighting::Absent).see(&logs, used())), None, "a key that is gone is not the one in use");
    assert_eq!(arn(shut()), None);
    assert_eq!(arn(shut().see(&logs, used())).as_deref(), Some(KEY));
    assert_eq!(arn(Case::new().see(&logs, used())).as_deref(), Some(KEY));
    let trail = Trail { key: Some(KEY.into()), ..Trail::sample() };
    assert_eq!(arn(Case::new().see(&at("trail", "t"), Sighting::present(trail))).as_deref(), Some(KEY));
    for other in [
        "arn:aws:kms:eu-west-1:222222222222:key/0a1b2c3d-0000-1111-2222-333344445555",
        "arn:aws:kms:eu-central-1:333333333333:key/0a1b2c3d-0000-1111-2222-333344445555",
        "arn:aws:sqs:eu-central-1:222222222222:key",
        "alias/orgtrail-acme",
    ] {
        assert_eq!(arn(Case::new().see(&logs, Sighting::present(bucket(other)))), None, "{other}");
    }
}

#[test]
fn a_topic_that_cloudtrail_cannot_use_for_the_key_of_aws_loses_that_key_and_no_other() {
    let place = at("topic", "t");
    let topic = |key: Option<&str>| Topic {
        policy: PolicyDocument::default(),
        key: key.map(str::to_owned),
        tags: owned(Some("acme")),
    };
    let kept = |wish: Option<&str>, seen: &str| {
        let mut case = Case::new().want(&place, topic(wish), &[]).see(&place, Sighting::present(topic(Some(seen))));
        let of = |managed_by_aws| SeenKey { managed_by_aws, ..SeenKey::default() };
        case.observed.keys.extend([("managed".to_owned(), of(true)), ("own".to_owned(), of(false))]);
        let Resource::Topic(topic) = case.effective(&place) else { panic!() };
        topic.key
    };
    assert_eq!(kept(None, "alias/aws/sns").as_deref(), Some(""));
    assert_eq!(kept(None, "managed").as_deref(), Some(""));
    assert_eq!(kept(None, "own"), None);
    assert_eq!(kept(None, "unseen"), None);
    assert_eq!(kept(Some("own"), "alias/aws/sns").as_deref(), Some("own"));
}

#[test]
fn an_account_that_is_back_loses_the_day_on_which_it_left() {
    let place = address("222222222222/global/role/CloudTrailReadLogs-333333333333");
    let role = |left: Option<&str>| Role {
        trust: PolicyDocument::default(),
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: None,
        description: None,
        unique_id: None,
        tags: left.map(|day| (LEFT_TAG.to_owned(), day.to_owned())).into_iter().collect(),
    };
    let left = |seen: Option<&str>| {
        let case = Case::new().want(&place, role(None), &[]).see(&place, Sighting::present(role(seen)));
        let Resource::Role(role) = case.effective(&place) else { panic!() };
        role.tags.get(LEFT_TAG).cloned()
    };
    assert_eq!(left(Some("2026-03-01")).as_deref(), Some(""));
    assert_eq!(left(Some("")), None, "nothing is written again where it was taken away");
    assert_eq!(left(None), None);
}

#[test]
fn a_statement_of_others_stays_unless_it_opens_the_logs_to_outsiders_or_a_person_named_it() {
    let place = at("bucket_policy", "logs");
    let of = |sid: &str, who: &str| {
        format!(
            r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{who}:root"}},"Action":"s3:GetObject","Resource":"*"}}"#
        )
    };
    let ours = |action: &str| {
        format!(r#"{{"Sid":"OrgtrailX","Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*"}}"#)
    };
    let live =
        [ours("s3:Old"), of("Siem", "333333333333"), of("Named", "333333333333"), of("Stranger", "999999999999")];
    let wish = BucketPolicy { policy: policy(&ours("s3:New")) };
    let seen = BucketPolicy { policy: policy(&live.join(",")) };
    let mut case = Case::new().want(&place, wish, &[]).see(&place, Sighting::present(seen));
    case.desired.known_accounts.insert("333333333333".parse().unwrap());
    let sids = |case: &Case| {
        let Resource::BucketPolicy(sent) = case.effective(&place) else { panic!() };
        sent.policy.statements.into_iter().filter_map(|statement| statement.sid).collect::<Vec<_>>()
    };
    assert_eq!(sids(&case), ["OrgtrailX", "Siem", "Named"]);
    case.desired.removed.insert(StatementRef { address: place.clone(), name: "Named".into() });
    assert_eq!(sids(&case), ["OrgtrailX", "Siem"]);
}

#[test]
fn a_policy_that_a_role_has_beyond_the_wanted_ones_is_a_difference_that_takes_it_away() {
    let document = || policy(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#);
    let role = |names: &[&str]| {
        Resource::from(Role {
            trust: PolicyDocument::default(),
            inline: names.iter().map(|name| (name.to_string(), document())).collect(),
            attached: BTreeSet::new(),
            boundary: None,
            max_session_s: None,
            description: None,
            unique_id: None,
            tags: BTreeMap::new(),
        })
    };
    let found = |wish: &[&str], seen: &[&str]| {
        let changes = differences(&role(wish), &role(seen), &Aliases::new());
        let shown = |change: FieldChange| (change.path, change.before.is_some(), change.after.is_some());
        changes.into_iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(found(&["Read"], &["Read"]), []);
    assert_eq!(found(&["Read"], &[]), [("inline.Read".into(), false, true)]);
    assert_eq!(found(&["Read"], &["Admin", "Read"]), [("inline.Admin".into(), true, false)]);
    assert_eq!(found(&[], &["Admin"]), [("inline.Admin".into(), true, false)]);
}
