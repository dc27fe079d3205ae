//! One organization, one log account, one of each kind of resource: made in the right order, and in every wrong one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::cloud::NoProgress;
use crate::estate::bucket::BucketEncryption;
use crate::estate::snapshot::Completeness;
use crate::estate::trail::{EventSelector, ReadWrite};
use crate::estate::{
    ACCOUNT_TAG, Bucket, BucketPolicy, ConfigAggregator, DelegatedAdministrator, Key, KeyPolicy, Kind, LogGroup,
    OWNER_TAG, Policy, Queue, Resource, Role, Rule, ServiceControlPolicy, Sighting, Tags, Topic, Trail, TrustedAccess,
};
use crate::ids::{Partition, Region};
use crate::organization::{Account, AccountState, Unit};
use crate::plan::{Action, FieldChange, Harm, Risk, Step};
use crate::policy::PolicyDocument;
use crate::policy::template::Templates;

mod delivery_status;
mod files;
mod looks;
mod refusals;

const MANAGEMENT: &str = "111111111111";
const LOG: &str = "222222222222";
const MEMBER: &str = "333333333333";
const SUSPENDED: &str = "444444444444";
const DEPLOYMENT: &str = "acme";
const TRAIL: &str = "arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme-trail";
const TOPIC: &str = "arn:aws:sns:eu-central-1:222222222222:acme-topic";
const GROUP: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/acme:*";
const GROUP_ROLE: &str = "arn:aws:iam::111111111111:role/acme-logs";

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn region() -> Region {
    "eu-central-1".parse().unwrap()
}

fn organization() -> Organization {
    let member = |id: &str, state| {
        let path = vec!["r-ab12".to_owned(), "ou-ab12-11111111".to_owned()];
        let (name, email) = (format!("account {id}"), format!("{id}@example.com"));
        (account(id), Account { name, email, state, path, tags: None })
    };
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: account(MANAGEMENT),
        units: BTreeMap::from([("r-ab12".into(), Unit { name: "Root".into(), parent: None })]),
        accounts: BTreeMap::from([
            member(MANAGEMENT, AccountState::Active),
            member(LOG, AccountState::Active),
            member(MEMBER, AccountState::Active),
            member(SUSPENDED, AccountState::Suspended),
        ]),
    }
}

fn empty() -> Snapshot {
    Snapshot::whole(organization(), Estate::default())
}

fn tags() -> Tags {
    Tags::from([(OWNER_TAG.to_owned(), DEPLOYMENT.to_owned())])
}

fn address(kind: Kind) -> Address {
    let (owner, name) = match kind {
        Kind::TrustedAccess => (MANAGEMENT, "cloudtrail.amazonaws.com"),
        Kind::DelegatedAdministrator => (MANAGEMENT, LOG),
        Kind::Bucket | Kind::BucketPolicy => (LOG, "acme-logs"),
        Kind::Key | Kind::KeyPolicy => (LOG, "alias/acme"),
        Kind::Topic => (LOG, "acme-topic"),
        Kind::LogGroup => (MANAGEMENT, "/acme"),
        Kind::Role => (MANAGEMENT, "acme-logs"),
        Kind::Policy => (MEMBER, "ReadLogs"),
        Kind::Trail => (MANAGEMENT, "acme-trail"),
        Kind::ServiceControlPolicy => (MANAGEMENT, "guard"),
        Kind::Queue => (LOG, "acme-wake"),
        Kind::Rule => (LOG, "orgtrail-acme-wake"),
        Kind::ConfigAggregator => (LOG, "orgtrail-acme"),
    };
    match kind {
        Kind::Bucket
        | Kind::BucketPolicy
        | Kind::Key
        | Kind::KeyPolicy
        | Kind::Topic
        | Kind::LogGroup
        | Kind::Queue
        | Kind::Rule
        | Kind::ConfigAggregator
        | Kind::Trail => Address::regional(&account(owner), &region(), kind, name),
        _ => Address::global(&account(owner), kind, name),
    }
}

fn render(file: &str, values: &Value) -> PolicyDocument {
    Templates::new(&[]).unwrap().render(file, values).unwrap()
}

fn read(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text).unwrap()
}

fn key_arn() -> String {
    world::new_key_arn(&empty(), &address(Kind::Key))
}

fn bucket_policy(organization: &str) -> PolicyDocument {
    let path = |folder: &str| format!("arn:aws:s3:::acme-logs/AWSLogs/{folder}/*");
    render(
        "bucket.json.hbs",
        &json!({
            "bucket": {"name": "acme-logs", "arn": "arn:aws:s3:::acme-logs"}, "trail_arns": [TRAIL],
            "write_resources": [path(MANAGEMENT), path(organization)], "dynamic_readers": false,
            "member_prefixes": ["AWSLogs/${aws:PrincipalAccount}/*"],
            "member_resources": ["arn:aws:s3:::acme-logs/AWSLogs/${aws:PrincipalAccount}/*"], "organization": {"id": organization},
        }),
    )
}

fn key_policy() -> PolicyDocument {
    render(
        "key.json.hbs",
        &json!({
            "partition": "aws", "log_account": LOG, "trail_arns": [TRAIL], "dynamic_readers": false, "topics": false,
            "encryption_contexts": ["arn:aws:cloudtrail:*:111111111111:trail/*"],
            "organization": {"id": "o-exampleorgid"}, "s3_service": "s3.eu-central-1.amazonaws.com",
        }),
    )
}

fn role(trust: PolicyDocument, inline: PolicyDocument) -> Role {
    Role {
        trust,
        inline: BTreeMap::from([("Own".to_owned(), inline)]),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: Some(3_600),
        description: None,
        unique_id: None,
        tags: tags(),
    }
}

fn wish(kind: Kind) -> Resource {
    match kind {
        Kind::TrustedAccess => TrustedAccess {}.into(),
        Kind::DelegatedAdministrator => DelegatedAdministrator {}.into(),
        Kind::Bucket => bucket().into(),
        Kind::BucketPolicy => BucketPolicy { policy: bucket_policy("o-exampleorgid") }.into(),
        Kind::Key => key().into(),
        Kind::KeyPolicy => KeyPolicy { policy: key_policy(), key: None }.into(),
        Kind::Topic => {
            let policy = render("topic.json.hbs", &json!({"topic": {"arn": TOPIC}, "trail_arns": [TRAIL]}));
            Topic { policy, key: None, tags: tags() }.into()
        }
        Kind::LogGroup => LogGroup { retention_days: Some(365), tags: tags() }.into(),
        Kind::Role => {
            let stream = |name: &str| GROUP.replace(":*", &format!(":log-stream:{name}"));
            let streams = [stream("111111111111_CloudTrail_eu-central-1*"), stream("o-exampleorgid_*")];
            let trust = render("log-group-role-trust.json.hbs", &json!({}));
            role(trust, render("log-group-role.json.hbs", &json!({"stream_arns": streams}))).into()
        }
        Kind::Policy => member_policy().into(),
        Kind::Trail => trail().into(),
        Kind::ServiceControlPolicy => guard().into(),
        Kind::Queue => {
            Queue { policy: None, dead_letters: None, retention_s: 86_400, encrypted: true, tags: tags() }.into()
        }
        Kind::ConfigAggregator => {
            let role = Some("arn:aws:iam::222222222222:role/acme-config".to_owned());
            ConfigAggregator { organization: true, role, regions: None, tags: tags() }.into()
        }
        Kind::Rule => Rule { pattern: json!({}), enabled: true, targets: BTreeMap::new(), tags: tags() }.into(),
    }
}

fn bucket() -> Bucket {
    Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: true,
        encryption: Some(BucketEncryption { algorithm: "aws:kms".into(), key: Some(key_arn()), bucket_key: true }),
        lifecycle: Vec::new(),
        object_lock: None,
        access_logs: None,
        requester_pays: false,
        tags: tags(),
        untouched: false,
        mfa_delete: None,
    }
}

fn key() -> Key {
    Key {
        arn: None,
        has_alias: true,
        enabled: true,
        pending_deletion: false,
        deletion_date: None,
        rotation: true,
        tags: tags(),
    }
}

fn member_policy() -> Policy {
    let reader = "arn:aws:iam::222222222222:role/Read-333333333333";
    Policy {
        document: render("member.json.hbs", &json!({"reader_role_arn": reader})),
        description: None,
        groups: BTreeSet::new(),
        roles: BTreeSet::new(),
        tags: tags(),
    }
}

fn guard() -> ServiceControlPolicy {
    let values = json!({
        "trail_arns": [TRAIL], "identity_arns": ["arn:aws:iam::*:policy/Reads", "arn:aws:iam::*:role/Admin"],
        "archive_arns": ["arn:aws:s3:::acme-logs", "arn:aws:s3:::acme-logs/AWSLogs/*"],
        "exempt_principals": ["arn:aws:iam::*:role/Admin"],
    });
    let document = render("guard.json.hbs", &values);
    ServiceControlPolicy { id: None, document, targets: BTreeSet::from(["r-ab12".to_owned()]), tags: tags() }
}

fn trail() -> Trail {
    Trail {
        bucket: "acme-logs".into(),
        topic: Some(TOPIC.into()),
        key: Some(key_arn()),
        log_group: Some(GROUP.into()),
        log_role: Some(GROUP_ROLE.into()),
        insights: BTreeSet::from(["ApiCallRateInsight".to_owned()]),
        tags: Some(tags()),
        prefix: String::new(),
        global_events: true,
        multi_region: true,
        organization: true,
        validation: true,
        logging: true,
        selectors: BTreeSet::from([EventSelector::management(ReadWrite::All, &[])]),
        delivery: None,
    }
}

/// A change to what is desired, of what is as desired already; the simulated cloud looks at what it has.
fn change(action: Action, address: Address, desired: Resource) -> Change {
    let observed = desired.clone();
    let fields = || vec![FieldChange { path: "tags".into(), before: None, after: None }];
    let step = match action {
        Action::Create => Step::create(desired),
        Action::Update => Step::update(desired, observed, fields()).unwrap(),
        Action::Adopt => Step::Adopt { desired, observed, fields: fields() },
        Action::Retire => Step::Retire { observed },
    };
    Change {
        operator: address.account.clone(),
        address,
        step,
        risk: BTreeSet::from([Risk::Safe]),
        harm: Harm::Harmless,
        reason: "test".into(),
        depends_on: Vec::new(),
    }
}

fn create(kind: Kind) -> Change {
    change(Action::Create, address(kind), wish(kind))
}

/// What must be there before a trail, in an order that AWS accepts, and the trail.
const ORDER: [Kind; 12] = [
    Kind::TrustedAccess,
    Kind::DelegatedAdministrator,
    Kind::Key,
    Kind::KeyPolicy,
    Kind::Bucket,
    Kind::BucketPolicy,
    Kind::Topic,
    Kind::LogGroup,
    Kind::Role,
    Kind::Policy,
    Kind::Trail,
    Kind::ServiceControlPolicy,
];

/// The world with everything in it but what `missing` names.
fn made_without(missing: &[Kind]) -> Snapshot {
    let mut world = empty();
    for kind in ORDER.into_iter().filter(|kind| !missing.contains(kind)) {
        let change = create(kind);
        assert_eq!(refuse::refusal(&world, &change), None, "{kind}");
        perform::perform(&mut world, &change);
    }
    world
}

fn code(world: &Snapshot, change: &Change) -> String {
    refuse::refusal(world, change).map_or_else(|| "accepted".into(), |fault| fault.code)
}

#[tokio::test]
async fn everything_is_made_in_the_right_order_and_a_second_time_too() {
    let cloud = SimulatedCloud::in_memory(empty());
    for kind in ORDER.into_iter().chain(ORDER) {
        let done = cloud.execute(&create(kind)).await.unwrap();
        assert_eq!(done.resource.unwrap().kind(), kind);
    }
    let delivery = cloud.delivery(&address(Kind::Trail), &account(MANAGEMENT)).await.unwrap();
    assert_eq!(delivery, DeliveryStatus::default());
}

#[test]
fn aws_decides_the_same_values_every_time() {
    let made = |kind| perform::perform(&mut empty(), &create(kind)).unwrap();
    let Resource::Key(key) = made(Kind::Key) else { panic!() };
    let arn = key.arn.unwrap();
    let id = arn.strip_prefix("arn:aws:kms:eu-central-1:222222222222:key/").unwrap();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(arn, key_arn());
    let Resource::Role(role) = made(Kind::Role) else { panic!() };
    let id = role.unique_id.unwrap();
    assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
    let Resource::ServiceControlPolicy(guard) = made(Kind::ServiceControlPolicy) else { panic!() };
    assert!(guard.id.unwrap().starts_with("p-"));
}

#[test]
fn a_new_key_has_the_policy_that_kms_gives_it() {
    let mut world = empty();
    perform::perform(&mut world, &create(Kind::Key));
    let Some(Resource::KeyPolicy(policy)) = world.estate.resource(&address(Kind::KeyPolicy)) else { panic!() };
    assert_eq!(policy.key, Some(key_arn()));
    assert_eq!(policy.policy.statements[0].sid.as_deref(), Some("Enable IAM User Permissions"));
}

#[test]
fn what_a_wish_says_nothing_of_stays() {
    let mut world = made_without(&[]);
    let more = |tags: &mut Tags| drop(tags.insert("team".into(), "logs".into()));
    for sighting in world.estate.sightings.values_mut() {
        let Sighting::Present(resource) = sighting else { continue };
        match resource.as_mut() {
            Resource::Bucket(r) => more(&mut r.tags),
            Resource::Role(r) => more(&mut r.tags),
            Resource::Trail(r) => r.tags.iter_mut().for_each(more),
            Resource::Policy(r) => drop(r.groups.insert("auditors".into())),
            _ => {}
        }
    }
    for kind in [Kind::Bucket, Kind::Role, Kind::Trail, Kind::Policy] {
        let update = change(Action::Update, address(kind), wish(kind));
        let after = perform::perform(&mut world, &update).unwrap();
        match after {
            Resource::Policy(policy) => assert!(policy.groups.contains("auditors")),
            other => assert_eq!(other.tags().unwrap()["team"], "logs", "{kind}"),
        }
    }
}

#[test]
fn what_is_retired_is_gone_but_a_key_waits() {
    let mut world = made_without(&[]);
    for kind in [Kind::Policy, Kind::Role, Kind::Key] {
        perform::perform(&mut world, &change(Action::Retire, address(kind), wish(kind)));
    }
    assert_eq!(world.estate.sightings[&address(Kind::Policy)], Sighting::Absent);
    assert_eq!(world.estate.sightings[&address(Kind::Role)], Sighting::Absent);
    let Some(Resource::Key(key)) = world.estate.resource(&address(Kind::Key)) else { panic!() };
    assert!(key.pending_deletion && !key.enabled);
}
