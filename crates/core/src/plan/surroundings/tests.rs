//! Who else administers, and what leads out: each kind of way, with its right answer.

use std::collections::{BTreeMap, BTreeSet};

use super::{Around, When, around};
use crate::estate::surroundings::{
    AclGrant, BucketExposure, ControlPolicies, ControlPolicy, KeyGrant, LogGroupExposure, Principal, Readable,
    Subscription, Surroundings, Target,
};
use crate::estate::{
    ACCOUNT_TAG, Address, Bucket, Desired, Estate, Kind, Problem, ReadingTerms, Resource, Role, Stage, Trail, Wanted,
};
use crate::ids::{AccountId, Partition};
use crate::organization::{Account, AccountState, Organization};
use crate::policy::PolicyDocument;
use crate::policy::isolation::Invariant;
use crate::policy::isolation::powers::{Power, Powers};

mod controls;
mod copied;

const MANAGEMENT: &str = "111111111111";
const LOG: &str = "222222222222";
const MEMBER: &str = "333333333333";
const STRANGER: &str = "999999999999";
const BUCKET: &str = "acme-org-cloudtrail";

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

pub(in crate::plan) fn organization() -> Organization {
    let member = |id: &str| {
        let path = vec!["r-ab12".to_owned(), "ou-ab12-11111111".to_owned()];
        let state = AccountState::Active;
        (account(id), Account { name: id.into(), email: String::new(), state, path, tags: None })
    };
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: account(MANAGEMENT),
        units: BTreeMap::new(),
        accounts: [MANAGEMENT, LOG, MEMBER].map(member).into(),
    }
}

fn at(kind: Kind, id: &str, name: &str) -> Address {
    Address::regional(&account(id), &"eu-central-1".parse().unwrap(), kind, name)
}

pub(in crate::plan) fn bucket() -> Address {
    at(Kind::Bucket, LOG, BUCKET)
}

pub(in crate::plan) fn plain_bucket(enforced: bool) -> Bucket {
    Bucket {
        block_public_access: true,
        object_ownership: enforced.then(|| "BucketOwnerEnforced".to_owned()),
        versioning: true,
        encryption: None,
        lifecycle: Vec::new(),
        object_lock: None,
        access_logs: None,
        requester_pays: false,
        tags: BTreeMap::new(),
        untouched: false,
        mfa_delete: None,
    }
}

pub(in crate::plan) fn desired() -> Desired {
    let mut desired = Desired {
        past: Default::default(),
        organization: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        deployment: "acme".into(),
        log_account: account(LOG),
        own_role: format!("arn:aws:iam::{LOG}:role/OrganizationAccountAccessRole").parse().unwrap(),
        own_roles: Vec::new(),
        break_glass: Vec::new(),
        wanted: BTreeMap::new(),
        known_accounts: BTreeSet::new(),
        reading: ReadingTerms::default(),
        keep_readers_days: 90,
        removed: BTreeSet::new(),
        lake: None,
        guard: None,
        problems: Vec::new(),
    };
    desired.want(bucket(), plain_bucket(true), "bucket", Vec::new());
    desired
}

fn judged(surroundings: Surroundings) -> Around {
    judged_by(&desired(), surroundings)
}

fn judged_by(desired: &Desired, surroundings: Surroundings) -> Around {
    let estate = Estate { surroundings: Some(surroundings), ..Estate::default() };
    around(desired, &estate, &organization(), When::Planned)
}

fn role(name: &str, principal: &str, condition: &str, powers: Powers) -> Principal {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":["sts:AssumeRole","sts:AssumeRoleWithWebIdentity","sts:AssumeRoleWithSAML"],"Condition":{{{condition}}}}}]}}"#
    );
    Principal {
        arn: format!("arn:aws:iam::{LOG}:role/{name}"),
        powers,
        trust: Some(PolicyDocument::parse(&trust).unwrap()),
        unknown: Vec::new(),
    }
}

fn with(principal: Principal) -> Surroundings {
    Surroundings { principals: Readable::Read(vec![principal]), ..Surroundings::default() }
}

fn aws(id: &str) -> String {
    format!(r#"{{"AWS":"arn:aws:iam::{id}:root"}}"#)
}

fn can(list: &[Power]) -> Powers {
    Powers { can: list.iter().copied().collect(), folders: BTreeSet::new() }
}

#[test]
fn nobody_looked_is_not_proved() {
    let result = around(&desired(), &Estate::default(), &organization(), When::Planned);
    let [open] = &result.unproven[..] else { panic!("{result:?}") };
    assert!(open.why.contains("record it again"), "{open:?}");
    assert_eq!(judged(Surroundings::default()), Around::default());
}

#[test]
fn what_is_there_and_was_not_looked_at_is_not_proved() {
    let mut estate = Estate { surroundings: Some(Surroundings::default()), ..Estate::default() };
    estate.sightings.insert(bucket(), crate::estate::Sighting::present(plain_bucket(true)));
    let result = around(&desired(), &estate, &organization(), When::Planned);
    let [open] = &result.unproven[..] else { panic!("{result:?}") };
    assert_eq!((open.invariant, open.principal.as_str()), (Invariant::NothingLeadsOut, bucket().to_string().as_str()));
    estate.surroundings.as_mut().unwrap().add_empty(&bucket());
    assert_eq!(around(&desired(), &estate, &organization(), When::Planned), Around::default());
}

#[test]
fn administrators_are_listed_and_violate_where_outsiders_become_them() {
    let github = format!(r#"{{"Federated":"arn:aws:iam::{LOG}:oidc-provider/token.actions.githubusercontent.com"}}"#);
    let sub = |value: &str| format!(r#""StringLike":{{"token.actions.githubusercontent.com:sub":"{value}"}}"#);
    let saml = format!(r#"{{"Federated":"arn:aws:iam::{LOG}:saml-provider/sso"}}"#);
    let organization = r#""StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}"#;
    let cases = [
        (aws(LOG), String::new(), None),
        (aws(MANAGEMENT), String::new(), None),
        (saml, String::new(), None),
        (r#"{"Service":"ec2.amazonaws.com"}"#.to_owned(), String::new(), None),
        (github.clone(), sub("repo:acme/infra:*"), None),
        (github.clone(), sub("repo:*"), Some("any subject of token.actions.githubusercontent.com")),
        (github, String::new(), Some("any subject of token.actions.githubusercontent.com")),
        (aws(MEMBER), String::new(), Some("account 333333333333")),
        (aws(STRANGER), String::new(), Some("account 999999999999")),
        (r#""*""#.to_owned(), String::new(), Some("anyone")),
        (r#""*""#.to_owned(), organization.to_owned(), Some("any account of o-exampleorgid")),
    ];
    for (principal, condition, outsider) in cases {
        for powers in
            [Powers::all(), can(&[Power::ReadsLogs]), can(&[Power::ChangesLogs]), can(&[Power::BecomesOthers])]
        {
            let result = judged(with(role("Admin", &principal, &condition, powers)));
            let found: Vec<&str> = result.violations.iter().map(|violation| violation.principal.as_str()).collect();
            assert_eq!(found, outsider.into_iter().collect::<Vec<_>>(), "{principal} {condition}");
            assert_eq!(result.administrators.len(), 1, "listed in any case");
            assert!(result.violations.iter().all(|v| v.invariant == Invariant::NobodyElseAdministers));
        }
    }
}

#[test]
fn the_configuration_may_name_them() {
    for name in ["SecurityAudit", "Security*", "arn:aws:iam::222222222222:role/SecurityAudit"] {
        let mut desired = desired();
        desired.reading.administrators = vec![name.to_owned()];
        let named = judged_by(&desired, with(role("SecurityAudit", &aws(MEMBER), "", Powers::all())));
        assert_eq!((named.violations, named.administrators[0].named), (Vec::new(), true), "{name}");
        let other = judged_by(&desired, with(role("Other", &aws(MEMBER), "", Powers::all())));
        assert_eq!(other.violations.len(), 1, "{name}");
    }
}

#[test]
fn trusted_readers_only_read() {
    let mut desired = desired();
    desired.reading.trusted = BTreeSet::from([account(STRANGER)]);
    let reads = can(&[Power::ReadsLogs, Power::Decrypts]);
    assert!(judged_by(&desired, with(role("Siem", &aws(STRANGER), "", reads))).violations.is_empty());
    assert_eq!(judged_by(&desired, with(role("Siem", &aws(STRANGER), "", Powers::all()))).violations.len(), 1);
}

#[test]
fn a_reader_that_lost_its_tag_is_its_accounts_or_a_violation() {
    let folders = |id: &str| Powers {
        can: BTreeSet::from([Power::ReadsFolders, Power::Decrypts]),
        folders: BTreeSet::from([account(id)]),
    };
    let own = judged(with(role("CloudTrailReadLogs-333333333333", &aws(MEMBER), "", folders(MEMBER))));
    assert_eq!((own.violations.len(), own.administrators.len()), (0, 1));
    let others = judged(with(role("CloudTrailReadLogs-333333333333", &aws(MEMBER), "", folders(LOG))));
    assert_eq!(others.violations.len(), 1);
}

#[test]
fn what_is_not_known_of_somebody_matters_where_outsiders_become_it() {
    let unknown = |principal: &str| Principal {
        unknown: vec!["what the policy x says was not told".into()],
        ..role("Odd", principal, "", Powers::default())
    };
    assert!(judged(with(unknown(&aws(LOG)))).unproven.is_empty());
    assert_eq!(judged(with(unknown(&aws(MEMBER)))).unproven.len(), 1);
    let nobody_knows = Principal { trust: None, ..unknown(&aws(LOG)) };
    assert_eq!(judged(with(nobody_knows)).unproven.len(), 1);
    let reads = Principal { trust: None, ..role("Odd", &aws(LOG), "", can(&[Power::ReadsLogs])) };
    assert!(judged(with(reads)).unproven[0].why.contains("trust policy was not recorded"));
    let decrypts = Principal { trust: None, ..role("Odd", &aws(LOG), "", can(&[Power::Decrypts])) };
    assert!(judged(with(decrypts)).unproven.is_empty());
}

#[test]
fn a_further_delegated_administrator_is_a_finding() {
    let found = |desired: &Desired| {
        let delegated_administrators = Readable::Read(BTreeSet::from([account(MEMBER)]));
        judged_by(desired, Surroundings { delegated_administrators, ..Surroundings::default() }).findings
    };
    let mut named = desired();
    assert_eq!(found(&named)[0].code, "further-administrator");
    let address = Address::global(&account(MANAGEMENT), Kind::DelegatedAdministrator, MEMBER);
    named.want(address, crate::estate::DelegatedAdministrator {}, "trails", Vec::new());
    assert_eq!(found(&named), []);
}

#[test]
fn who_was_judged_is_no_question_to_the_proof() {
    let mut named = desired();
    named.reading.administrators = vec!["SecurityAudit".into(), "arn:aws:iam::222222222222:role/forensics/*".into()];
    named.reading.trusted.insert(account(STRANGER));
    let provider = r#"{"Federated":"arn:aws:iam::222222222222:saml-provider/x"}"#;
    let ways = [
        ("own", aws(LOG)),
        ("management", aws(MANAGEMENT)),
        ("saml", provider.to_owned()),
        ("service", r#"{"Service":"lambda.amazonaws.com"}"#.to_owned()),
        ("member", aws(MEMBER)),
        ("trusted", aws(STRANGER)),
        ("anyone", r#""*""#.to_owned()),
        ("unclear", r#"{"Federated":"what.is.this"}"#.to_owned()),
    ];
    let mut all: Vec<Principal> = ways.iter().map(|(name, who)| role(name, who, "", Powers::all())).collect();
    all.push(Principal { trust: None, ..role("unread", &aws(LOG), "", Powers::all()) });
    all.push(Principal { arn: format!("arn:aws:iam::{LOG}:user/eve"), trust: None, ..all[0].clone() });
    let judged = |principals: Readable<Vec<Principal>>| {
        let surroundings = Surroundings { principals, ..Surroundings::default() };
        let estate = Estate { surroundings: Some(surroundings), ..Estate::default() };
        super::judged_principals(&named, &estate, &organization())
    };
    let by_name =
        ["arn:aws:iam::222222222222:*/SecurityAudit", "arn:aws:iam::222222222222:role/forensics/*"].map(str::to_owned);
    let closed = ["role/own", "role/management", "role/saml", "role/service", "user/eve"]
        .map(|name| format!("arn:aws:iam::{LOG}:{name}"));
    assert_eq!(judged(Readable::Read(all)), [&by_name[..], &closed[..]].concat());
    let problem = Problem {
        account: account(LOG),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "no".into(),
        help: String::new(),
    };
    assert_eq!(judged(Readable::Unreadable(Box::new(problem))), by_name);
}

fn exposure(change: impl FnOnce(&mut BucketExposure)) -> Surroundings {
    let mut exposure = BucketExposure::default();
    change(&mut exposure);
    Surroundings { buckets: BTreeMap::from([(bucket(), exposure)]), ..Surroundings::default() }
}

/// What came of a lead: a violation, an open question, a line of the list.
fn came_to(result: &Around) -> (usize, usize, usize) {
    (result.violations.len(), result.unproven.len(), result.leads_on.len())
}

#[test]
fn copies_lists_and_messages_stay_inside() {
    let target = |id: Option<&str>| Target { bucket: "elsewhere".into(), account: id.map(str::to_owned) };
    for (id, expected) in [
        (Some(LOG), (0, 0, 1)),
        (Some(MANAGEMENT), (0, 0, 1)),
        (Some(MEMBER), (1, 0, 0)),
        (Some(STRANGER), (1, 0, 0)),
        (None, (0, 1, 0)),
    ] {
        let copies = judged(exposure(|exposure| exposure.replication = Readable::Read(vec![target(id)])));
        assert_eq!(came_to(&copies), expected, "replication to {id:?}");
        let lists = judged(exposure(|exposure| exposure.inventories = Readable::Read(vec![target(id)])));
        assert_eq!(came_to(&lists), expected, "inventory to {id:?}");
        let Some(id) = id else { continue };
        let queue = format!("arn:aws:sqs:eu-central-1:{id}:q");
        let messages = judged(exposure(|exposure| exposure.notifications = Readable::Read(vec![queue.clone()])));
        assert_eq!(came_to(&messages), expected, "notification to {id}");
        let grant = |grantee: String| KeyGrant { id: "g".into(), grantee, operations: ["Decrypt".to_owned()].into() };
        let keys = BTreeMap::from([(
            at(Kind::Key, LOG, "alias/x"),
            Readable::Read(vec![grant(format!("arn:aws:iam::{id}:role/x"))]),
        )]);
        assert_eq!(came_to(&judged(Surroundings { keys, ..Surroundings::default() })), expected, "grant to {id}");
        let one = Subscription { protocol: "sqs".into(), endpoint: queue.clone(), owner: Some(LOG.into()) };
        let topics = BTreeMap::from([(at(Kind::Topic, LOG, "t"), Readable::Read(vec![one]))]);
        assert_eq!(came_to(&judged(Surroundings { topics, ..Surroundings::default() })), expected, "topic to {id}");
        let group = LogGroupExposure {
            subscriptions: Readable::Read(vec![format!("arn:aws:logs:eu-central-1:{id}:destination:d")]),
            ..LogGroupExposure::default()
        };
        let log_groups = BTreeMap::from([(at(Kind::LogGroup, MANAGEMENT, "/orgtrail/acme"), group)]);
        assert_eq!(
            came_to(&judged(Surroundings { log_groups, ..Surroundings::default() })),
            expected,
            "events to {id}"
        );
    }
    let mail = |owner: &str| Subscription {
        protocol: "email".into(),
        endpoint: "example.com".into(),
        owner: Some(owner.to_owned()),
    };
    let topic = |one| Surroundings {
        topics: BTreeMap::from([(at(Kind::Topic, LOG, "t"), Readable::Read(vec![one]))]),
        ..Surroundings::default()
    };
    assert_eq!(came_to(&judged(topic(mail(LOG)))), (0, 0, 1));
    assert_eq!(came_to(&judged(topic(mail(STRANGER)))), (1, 0, 0));
}

#[test]
fn an_access_control_list_counts_while_ownership_is_not_enforced() {
    let grant =
        AclGrant { grantee: "http://acs.amazonaws.com/groups/global/AllUsers".into(), permission: "READ".into() };
    let judge = |enforced: bool, when: When| {
        let surroundings = exposure(|exposure| exposure.acl = Readable::Read(vec![grant.clone()]));
        let mut estate = Estate { surroundings: Some(surroundings), ..Estate::default() };
        let seen = crate::estate::Sighting::present(plain_bucket(enforced));
        estate.sightings.insert(bucket(), seen);
        around(&desired(), &estate, &organization(), when)
    };
    assert_eq!(judge(true, When::Now), Around::default());
    assert_eq!(judge(false, When::Planned).findings[0].code, "acl-grant");
    assert_eq!(judge(false, When::Now).violations[0].principal, "anyone");
    let served = judged(exposure(|exposure| exposure.website = Readable::Read(true)));
    assert_eq!(served.findings[0].code, "website");
}

#[test]
fn each_part_that_could_not_be_read_is_an_open_question() {
    let problem = Problem {
        account: account(LOG),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "s3:GetBucketAcl failed: no".into(),
        help: String::new(),
    };
    let addresses = [
        bucket(),
        at(Kind::Key, LOG, "alias/x"),
        at(Kind::Topic, LOG, "t"),
        at(Kind::LogGroup, MANAGEMENT, "/orgtrail/acme"),
    ];
    let mut all = Surroundings::unreadable(&problem, &addresses);
    all.delegated_administrators = Readable::Unreadable(Box::new(problem.clone()));
    all.organization = Readable::Unreadable(Box::new(problem));
    let result = judged(all.clone());
    // Everybody, five of the bucket, key, topic, two of the log group, administrators, control policies.
    assert_eq!(result.unproven.len(), 12, "{:#?}", result.unproven);
    let estate = Estate { surroundings: Some(all), ..Estate::default() };
    assert_eq!(super::unread(&estate).len(), 12);
}

fn with_reader_and_trail() -> Desired {
    let mut desired = desired();
    let reader = Role {
        trust: PolicyDocument::default(),
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: None,
        description: None,
        unique_id: None,
        tags: BTreeMap::from([(ACCOUNT_TAG.to_owned(), MEMBER.to_owned())]),
    };
    desired.want(Address::global(&account(LOG), Kind::Role, "reader"), reader, "readers", Vec::new());
    let trail = Trail { bucket: BUCKET.into(), selectors: BTreeSet::new(), ..Trail::sample() };
    let address = at(Kind::Trail, MANAGEMENT, "acme-org-trail");
    let operator = account(MANAGEMENT);
    let wanted = Wanted { resource: Resource::Trail(trail), operator, reason: "trails", depends_on: Vec::new() };
    desired.wanted.insert(address, wanted);
    desired
}
