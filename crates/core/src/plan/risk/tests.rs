//! What each kind of change risks: one table a kind, each line read in both directions.

use std::collections::BTreeMap;

use super::*;
use crate::estate::bucket::{BucketEncryption, LifecycleRule, ObjectLock};
use crate::estate::trail::{EventSelector, ReadWrite};
use crate::estate::{BucketPolicy, KeyPolicy, OWNER_TAG, Problem, Stage, Topic};
use crate::plan::{Begun, Harm};
use Risk::{Costs, Destroys, Interrupts, Safe, Weakens};

const OURS: &str = "111111111111/eu-central-1/trail/acme-org-trail";

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// What an update from one resource to another takes away.
fn updated(wish: impl Into<Resource>, seen: impl Into<Resource>) -> Vec<Risk> {
    judged(wish, seen, Action::Update)
}

fn judged(wish: impl Into<Resource>, seen: impl Into<Resource>, action: Action) -> Vec<Risk> {
    update(&wish.into(), &seen.into(), action, &Estate::default()).into_iter().collect()
}

/// What a whole change risks, beside trails of others and on some ground.
fn of_step(step: Step, others: &[OtherTrail], ground: &Estate) -> Vec<Risk> {
    let at = address(OURS);
    let change = Change {
        operator: at.account.clone(),
        address: at,
        step,
        risk: BTreeSet::new(),
        harm: Harm::Harmless,
        reason: "trails".into(),
        depends_on: Vec::new(),
    };
    of(&change, others, ground).into_iter().collect()
}

fn selector(category: &str) -> EventSelector {
    EventSelector(BTreeMap::new()).with("eventCategory", "equals", [category])
}

fn bucket_with(change: impl FnOnce(&mut Bucket)) -> Bucket {
    let mut bucket = Bucket {
        block_public_access: true,
        object_ownership: Some("BucketOwnerEnforced".into()),
        versioning: true,
        encryption: Some(encrypted("aws:kms", Some("arn:aws:kms:eu-central-1:222222222222:key/a"))),
        lifecycle: Vec::new(),
        object_lock: Some(locked("GOVERNANCE", 30)),
        access_logs: None,
        requester_pays: false,
        tags: BTreeMap::new(),
        untouched: false,
        mfa_delete: None,
    };
    change(&mut bucket);
    bucket
}

fn encrypted(algorithm: &str, key: Option<&str>) -> BucketEncryption {
    BucketEncryption { algorithm: algorithm.into(), key: key.map(str::to_owned), bucket_key: true }
}

fn locked(mode: &str, days: u32) -> ObjectLock {
    ObjectLock { mode: mode.into(), days }
}

fn rule(expire: Option<u32>, archive: Option<u32>) -> LifecycleRule {
    LifecycleRule {
        id: "r".into(),
        enabled: true,
        prefix: String::new(),
        transitions: archive.map(|days| (days, "GLACIER".to_owned())).into_iter().collect(),
        expire_after_days: expire,
        expire_noncurrent_after_days: None,
        abort_upload_after_days: None,
        other: None,
    }
}

/// How a resource is changed, what that risks, and what changing it back does.
type Case<T> = (&'static str, fn(&mut T), &'static [Risk], &'static [Risk]);

fn assert_cases<T: Clone + Into<Resource>>(whole: &T, cases: &[Case<T>]) {
    assert_eq!(updated(whole.clone(), whole.clone()), [], "nothing differs");
    for (name, change, there, back) in cases {
        let mut changed = whole.clone();
        change(&mut changed);
        assert_eq!(updated(changed.clone(), whole.clone()), *there, "{name}");
        assert_eq!(updated(whole.clone(), changed), *back, "{name}, back");
    }
}

#[test]
fn a_trail_that_records_or_proves_less_is_weaker_and_one_that_writes_elsewhere_is_interrupted() {
    let whole = Trail {
        prefix: "a".into(),
        topic: Some("arn:aws:sns:eu-central-1:222222222222:t".into()),
        key: Some("arn:aws:kms:eu-central-1:222222222222:key/a".into()),
        log_group: Some("arn:aws:logs:eu-central-1:111111111111:log-group:g:*".into()),
        insights: ["ApiCallRateInsight".to_owned()].into(),
        ..Trail::sample()
    };
    let cases: [Case<Trail>; 14] = [
        ("validation", |trail| trail.validation = false, &[Weakens], &[]),
        ("regions", |trail| trail.multi_region = false, &[Weakens], &[]),
        ("global events", |trail| trail.global_events = false, &[Weakens], &[]),
        ("organization", |trail| trail.organization = false, &[Weakens, Interrupts], &[]),
        ("no key", |trail| trail.key = None, &[Weakens], &[]),
        ("no log group", |trail| trail.log_group = None, &[Weakens], &[]),
        ("no topic", |trail| trail.topic = None, &[Weakens], &[]),
        ("insights", |trail| trail.insights.clear(), &[Weakens], &[Costs]),
        ("another key", |trail| trail.key = Some("b".into()), &[Interrupts], &[Interrupts]),
        ("another bucket", |trail| trail.bucket = "b".into(), &[Interrupts], &[Interrupts]),
        ("another prefix", |trail| trail.prefix = "b".into(), &[Interrupts], &[Interrupts]),
        ("another topic", |trail| trail.topic = Some("b".into()), &[], &[]),
        (
            "only writes",
            |trail| trail.selectors = [EventSelector::management(ReadWrite::WriteOnly, &[])].into(),
            &[Weakens],
            &[],
        ),
        ("data events", |trail| trail.selectors.extend([selector("Data")]), &[Costs], &[Weakens]),
    ];
    assert_cases(&whole, &cases);
}

#[test]
fn a_bucket_that_protects_or_keeps_less_is_weaker() {
    let whole = bucket_with(|_| {});
    let cases: [Case<Bucket>; 11] = [
        ("versioning", |bucket| bucket.versioning = false, &[Weakens], &[]),
        ("S3's own encryption", |bucket| bucket.encryption = Some(encrypted("AES256", None)), &[Weakens], &[]),
        (
            "another key",
            |bucket| bucket.encryption = Some(encrypted("aws:kms", Some("b"))),
            &[Interrupts],
            &[Interrupts],
        ),
        ("a shorter lock", |bucket| bucket.object_lock = Some(locked("GOVERNANCE", 29)), &[Weakens], &[]),
        ("a lock for ever", |bucket| bucket.object_lock = Some(locked("COMPLIANCE", 30)), &[Destroys], &[Weakens]),
        (
            "a shorter lock for ever",
            |bucket| bucket.object_lock = Some(locked("COMPLIANCE", 29)),
            &[Weakens, Destroys],
            &[Weakens],
        ),
        ("the lock is left alone", |bucket| bucket.object_lock = None, &[], &[]),
        ("logs are deleted", |bucket| bucket.lifecycle.push(rule(Some(2555), None)), &[Weakens, Destroys], &[]),
        ("recent logs are archived", |bucket| bucket.lifecycle.push(rule(None, Some(89))), &[Weakens, Costs], &[]),
        ("old logs are archived", |bucket| bucket.lifecycle.push(rule(None, Some(90))), &[Weakens], &[]),
        ("ownership", |bucket| bucket.object_ownership = None, &[], &[]),
    ];
    assert_cases(&whole, &cases);
}

#[test]
fn retention_that_nobody_can_shorten_again_destroys_whatever_was_there_before() {
    let with = |lock: Option<ObjectLock>| bucket_with(|bucket| bucket.object_lock = lock);
    let years = || Some(locked("COMPLIANCE", 60));
    assert_eq!(updated(with(years()), with(None)), [Destroys]);
    assert_eq!(updated(with(years()), with(Some(locked("COMPLIANCE", 30)))), [Destroys]);
    assert_eq!(updated(with(years()), with(years())), []);
    assert_eq!(updated(with(Some(locked("GOVERNANCE", 60))), with(None)), []);
    let created = |lock| of_step(Step::create(with(lock).into()), &[], &Estate::default());
    assert_eq!(created(years()), [Destroys]);
    assert_eq!(created(Some(locked("GOVERNANCE", 60))), [Safe]);
    assert_eq!(created(None), [Safe]);
}

#[test]
fn only_an_adopted_bucket_can_shut_out_those_who_used_access_control_lists() {
    let enforced = || bucket_with(|_| {});
    let lists = || bucket_with(|bucket| bucket.object_ownership = None);
    assert_eq!(judged(enforced(), lists(), Action::Adopt), [Interrupts]);
    assert_eq!(judged(enforced(), enforced(), Action::Adopt), []);
    assert_eq!(judged(lists(), lists(), Action::Adopt), []);
    assert_eq!(judged(enforced(), lists(), Action::Update), []);
}

#[test]
fn events_that_expire_sooner_are_lost() {
    let group = |retention_days| LogGroup { retention_days, tags: BTreeMap::new() };
    for (wish, seen, expected) in [
        (Some(30), Some(90), &[Weakens, Destroys][..]),
        (Some(30), None, &[Weakens, Destroys]),
        (Some(90), Some(90), &[]),
        (Some(90), Some(30), &[]),
        (None, Some(30), &[]),
    ] {
        assert_eq!(updated(group(wish), group(seen)), expected, "{wish:?} {seen:?}");
    }
}

fn policy(statements: &[&str]) -> PolicyDocument {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    PolicyDocument::parse(&text).unwrap()
}

fn reader(trust: &str, inline: &str, session: Option<u32>) -> Role {
    Role {
        trust: policy(&[trust]),
        inline: [("Read".to_owned(), policy(&[inline]))].into(),
        attached: BTreeSet::new(),
        boundary: None,
        max_session_s: session,
        description: None,
        unique_id: None,
        tags: BTreeMap::new(),
    }
}

#[test]
fn a_role_is_weaker_with_a_longer_session_or_without_one_of_its_conditions() {
    let trust = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"1"}},"Action":"sts:AssumeRole","Condition":{{{condition}}}}}"#
        )
    };
    let read = |condition: &str| {
        format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{{{condition}}}}}"#)
    };
    let held = r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#;
    let whole = reader(&trust(held), &read(held), Some(3600));
    let longer = Role { max_session_s: Some(7200), ..whole.clone() };
    let any = Role { max_session_s: None, ..whole.clone() };
    let anyone = reader(&trust(""), &read(held), Some(3600));
    let anything = reader(&trust(held), &read(""), Some(3600));
    for weaker in [&longer, &anyone, &anything] {
        assert_eq!(updated(weaker.clone(), whole.clone()), [Weakens], "{weaker:?}");
        assert_eq!(updated(whole.clone(), weaker.clone()), [], "{weaker:?}");
    }
    assert_eq!(updated(any.clone(), whole.clone()), []);
    assert_eq!(updated(whole.clone(), any), []);
    // What a hand has taken away is brought back.
    let emptied = Role { inline: BTreeMap::new(), ..whole };
    assert_eq!(updated(anything, emptied), []);
}

/// What a change of the statements of a bucket policy risks, which is that of a key policy and of a topic's too.
fn of_policies(wish: &[&str], seen: &[&str], ground: &Estate) -> Vec<Risk> {
    let [wish, seen] = [wish, seen].map(policy);
    let key = |policy: &PolicyDocument| Resource::from(KeyPolicy { policy: policy.clone(), key: None });
    let topic =
        |policy: &PolicyDocument| Resource::from(Topic { policy: policy.clone(), key: None, tags: BTreeMap::new() });
    let of_bucket = |policy: &PolicyDocument| Resource::from(BucketPolicy { policy: policy.clone() });
    let of = |make: &dyn Fn(&PolicyDocument) -> Resource| update(&make(&wish), &make(&seen), Action::Update, ground);
    let risks = of(&of_bucket);
    assert_eq!((&of(&key), &of(&topic)), (&risks, &risks));
    risks.into_iter().collect()
}

const CONDITION: &str = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;

fn statement(effect: &str, action: &str, resource: &str, principal: &str, condition: &str) -> String {
    let action = if action.starts_with('"') { action.to_owned() } else { format!(r#""Action":"{action}""#) };
    let resource = if resource.starts_with('"') { resource.to_owned() } else { format!(r#""Resource":"{resource}""#) };
    format!(
        r#"{{"Sid":"OrgtrailX","Effect":"{effect}",{action},{resource},"Principal":{{"AWS":"{principal}"}}{condition}}}"#
    )
}

#[test]
fn a_grant_that_loses_a_condition_is_weaker_whatever_form_it_has() {
    for (action, resource) in [
        ("s3:GetObject", "arn:aws:s3:::logs/*"),
        (r#""NotAction":["s3:Put*"]"#, "arn:aws:s3:::logs/*"),
        ("s3:GetObject", r#""NotResource":["arn:aws:s3:::logs/x"]"#),
    ] {
        let [held, open] = [CONDITION, ""].map(|condition| statement("Allow", action, resource, "1", condition));
        let risks = |wish: &str, seen: &str| of_policies(&[wish], &[seen], &Estate::default());
        assert_eq!(risks(&open, &held), [Weakens], "{held}");
        assert_eq!(risks(&held, &open), [], "{held}");
        assert_eq!(risks(&held, &held), [], "{held}");
        assert_eq!(risks(&held.replace("GetObject", "GETObject"), &held), [], "{held}");
        let more = CONDITION.replace("}}", r#","aws:SourceAccount":"1"}}"#);
        assert_eq!(risks(&statement("Allow", action, resource, "1", &more), &held), [], "{held}");
        // What a new grant beside it opens is for the proof of isolation to judge: nothing is taken away.
        let both = of_policies(&[&held, &open], &[&held], &Estate::default());
        assert_eq!(both, [], "{held}");
    }
}

#[test]
fn a_grant_of_something_else_is_not_the_one_that_had_the_condition() {
    let held = statement("Allow", "s3:GetObject", "arn:aws:s3:::logs/*", "1", CONDITION);
    for other in [
        statement("Allow", "s3:PutObject", "arn:aws:s3:::logs/*", "1", ""),
        statement("Allow", "s3:GetObject", "arn:aws:s3:::logs/a/*", "1", ""),
        statement("Allow", "s3:GetObject", "arn:aws:s3:::logs/*", "2", ""),
        statement("Deny", "s3:GetObject", "arn:aws:s3:::logs/*", "1", ""),
    ] {
        assert_eq!(of_policies(&[&other], &[&held], &Estate::default()), [], "{other}");
    }
}

#[test]
fn a_deny_that_is_gone_is_weaker_and_one_in_other_words_is_there() {
    let deny = statement("Deny", "s3:DeleteObject", "*", "*", "");
    let allow = statement("Allow", "s3:DeleteObject", "*", "*", "");
    let risks = |wish: &[&str], seen: &[&str]| of_policies(wish, seen, &Estate::default());
    assert_eq!(risks(&[], &[&deny]), [Weakens]);
    assert_eq!(risks(&[], &[&allow]), []);
    assert_eq!(risks(&[&deny], &[]), []);
    assert_eq!(risks(&[&deny.replace("s3:DeleteObject", "S3:deleteobject")], &[&deny]), []);
}

#[test]
fn only_a_trail_that_may_still_write_is_interrupted_when_it_is_let_in_no_longer() {
    let arn = "arn:aws:cloudtrail:eu-central-1:333333333333:trail/team";
    let of = |arn: &str| {
        format!(
            r#"{{"Sid":"OrgtrailWrite","Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject","Resource":"*","Condition":{{"StringEquals":{{"aws:SourceArn":"{arn}"}}}}}}"#
        )
    };
    let (seen, wish) = (of(arn), of("arn:aws:cloudtrail:eu-central-1:111111111111:trail/acme"));
    let problem = Problem {
        account: "333333333333".parse().unwrap(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: String::new(),
        help: String::new(),
    };
    let stopped = Trail { logging: false, ..Trail::sample() };
    for (sighting, expected) in [
        (None, &[Interrupts][..]),
        (Some(Sighting::Unreadable(problem)), &[Interrupts]),
        (Some(Sighting::present(Trail::sample())), &[Interrupts]),
        (Some(Sighting::present(stopped)), &[]),
        (Some(Sighting::Absent), &[]),
    ] {
        let mut ground = Estate::default();
        let said = format!("{sighting:?}");
        ground.sightings.extend(sighting.map(|sighting| (Address::of_trail(arn).unwrap(), sighting)));
        assert_eq!(of_policies(&[&wish], &[&seen], &ground), expected, "{said}");
        assert_eq!(of_policies(&[&wish, &seen], &[&seen], &ground), [], "{said}");
    }
}

#[test]
fn a_statement_of_others_is_destroyed_unless_ours_says_the_same() {
    let theirs = |sid: &str| {
        format!(
            r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"1"}},"Action":"s3:GetObject","Resource":"*"}}"#
        )
    };
    let other = theirs("Other").replace("GetObject", "ListBucket");
    let risks = |wish: &[&str], seen: &[&str]| of_policies(wish, seen, &Estate::default());
    assert_eq!(risks(&[], &[&theirs("Siem")]), [Destroys]);
    assert_eq!(risks(&[&other], &[&theirs("Siem")]), [Destroys]);
    assert_eq!(risks(&[&theirs("Siem")], &[&theirs("Siem")]), []);
    assert_eq!(risks(&[&theirs("OrgtrailRead")], &[&theirs("Siem")]), []);
    assert_eq!(risks(&[&other], &[&theirs("OrgtrailRead"), &other]), []);
    assert_eq!(risks(&[&other], &[]), []);
}

#[test]
fn a_guard_that_denies_more_interrupts_and_one_that_denies_less_protects_less() {
    let guard = |targets: &[&str], statements: &[&str]| ServiceControlPolicy {
        id: None,
        document: policy(statements),
        targets: targets.iter().map(|&target| target.to_owned()).collect(),
        tags: BTreeMap::new(),
    };
    let deny = r#"{"Effect":"Deny","Action":"cloudtrail:StopLogging","Resource":"*"}"#;
    let more = r#"{"Effect":"Deny","Action":"cloudtrail:DeleteTrail","Resource":"*"}"#;
    let whole = guard(&["r-1"], &[deny]);
    for wider in [guard(&["r-1", "ou-1"], &[deny]), guard(&["r-1"], &[deny, more])] {
        assert_eq!(updated(wider.clone(), whole.clone()), [Interrupts]);
        assert_eq!(updated(whole.clone(), wider), [Weakens]);
    }
    assert_eq!(updated(guard(&["ou-1"], &[deny]), whole.clone()), [Weakens, Interrupts]);
    assert_eq!(updated(whole.clone(), whole.clone()), []);
    let created = Step::create(whole.into());
    assert_eq!(of_step(created, &[], &Estate::default()), [Interrupts]);
}

#[test]
fn a_new_trail_costs_where_it_records_a_second_copy_or_what_is_always_billed() {
    let other = |cost: &str| OtherTrail {
        address: address("333333333333/eu-central-1/trail/team"),
        finding: String::new(),
        cost: cost.into(),
        overlap: String::new(),
        commands: Vec::new(),
    };
    let data = Trail { selectors: [selector("Data")].into(), ..Trail::sample() };
    let network = Trail { selectors: [selector("NetworkActivity")].into(), ..Trail::sample() };
    let insights = Trail { insights: ["ApiErrorRateInsight".to_owned()].into(), ..Trail::sample() };
    let nothing = Trail { selectors: BTreeSet::new(), ..Trail::sample() };
    let of =
        |trail: &Trail, others: &[OtherTrail]| of_step(Step::create(trail.clone().into()), others, &Estate::default());
    assert_eq!(of(&Trail::sample(), &[]), [Safe]);
    assert_eq!(of(&Trail::sample(), &[other("")]), [Safe]);
    assert_eq!(of(&Trail::sample(), &[other(""), other("2.00 USD")]), [Costs]);
    assert_eq!(of(&nothing, &[other("2.00 USD")]), [Safe]);
    for billed in [&data, &network, &insights] {
        assert_eq!(of(billed, &[]), [Costs], "{billed:?}");
    }
}

/// A trail of this deployment in one account, unless it is changed.
fn earlier(change: impl FnOnce(&mut Trail)) -> Trail {
    let tags = [(OWNER_TAG.to_owned(), "acme".to_owned())].into();
    let mut trail = Trail { organization: false, tags: Some(tags), ..Trail::sample() };
    change(&mut trail);
    trail
}

#[test]
fn a_trail_that_takes_over_from_those_of_single_accounts_costs_as_long_as_they_record() {
    const TEAM: &str = "333333333333/eu-central-1/trail/team";
    let risks = |wish: Trail, seen: Trail, other: Option<Trail>| {
        let mut ground = Estate::default();
        ground.sightings.insert(address(OURS), Sighting::present(seen.clone()));
        ground.sightings.extend(other.map(|other| (address(TEAM), Sighting::present(other))));
        let (desired, observed) = (wish.into(), seen.into());
        of_step(Step::Adopt { desired, observed, fields: Vec::new() }, &[], &ground)
    };
    let single = || earlier(|_| {});
    let whole = || earlier(|trail| trail.organization = true);
    let blind = |trail: Trail| Trail { selectors: BTreeSet::new(), ..trail };
    assert_eq!(risks(whole(), single(), Some(single())), [Costs]);
    assert_eq!(risks(whole(), single(), None), [Safe], "its own earlier self is no second copy");
    assert_eq!(risks(whole(), whole(), Some(single())), [Safe], "it had taken over already");
    assert_eq!(risks(single(), single(), Some(single())), [Safe], "it does not take over");
    assert_eq!(risks(blind(whole()), blind(single()), Some(single())), [Safe], "it records no copy");
    for (why, other) in [
        ("of the organization", whole()),
        ("stopped", earlier(|trail| trail.logging = false)),
        ("without management events", blind(single())),
        ("of another deployment", earlier(|trail| trail.tags = None)),
    ] {
        assert_eq!(risks(whole(), single(), Some(other)), [Safe], "the other is {why}");
    }
}

#[test]
fn a_step_is_judged_by_what_was_there_before_it() {
    let ground = Estate::default();
    let whole = || Resource::from(bucket_with(|_| {}));
    let strict = || Resource::from(bucket_with(|bucket| bucket.versioning = false));
    let retired = Step::Retire { observed: whole() };
    assert_eq!(of_step(retired, &[], &ground), [Destroys]);
    let begun = |observed| Some(Begun { observed, fields: Vec::new() });
    assert_eq!(of_step(Step::Create { desired: strict(), begun: begun(whole()) }, &[], &ground), [Weakens]);
    assert_eq!(of_step(Step::Create { desired: whole(), begun: begun(strict()) }, &[], &ground), [Safe]);
    // Two kinds at one address cannot be compared, and nothing is taken away.
    let group = LogGroup { retention_days: Some(1), tags: BTreeMap::new() };
    assert_eq!(updated(group, whole()), []);
}
