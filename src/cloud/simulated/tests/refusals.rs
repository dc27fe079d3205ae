//! One test for each family of refusals; each says which world leads to which code.

use super::*;
use crate::estate::Limits;
use crate::estate::bucket::LifecycleRule;

/// A trail is refused while one thing that it needs is missing, with the code that names it.
#[test]
fn a_trail_is_refused_while_anything_is_missing() {
    let cases = [
        (Kind::TrustedAccess, "CloudTrailAccessNotEnabledException"),
        (Kind::BucketPolicy, "InsufficientS3BucketPolicyException"),
        (Kind::KeyPolicy, "InsufficientEncryptionPolicyException"),
        (Kind::Topic, "InsufficientSnsTopicPolicyException"),
        (Kind::LogGroup, "InvalidCloudWatchLogsLogGroupArnException"),
        (Kind::Role, "InvalidCloudWatchLogsRoleArnException"),
    ];
    for (missing, expected) in cases {
        let mut without = vec![missing, Kind::Trail];
        // The guards of the others: a delegated administrator needs trusted access itself.
        without.push(Kind::DelegatedAdministrator);
        assert_eq!(code(&made_without(&without), &create(Kind::Trail)), expected, "{missing}");
    }
    let without = [Kind::Bucket, Kind::BucketPolicy, Kind::Trail];
    assert_eq!(code(&made_without(&without), &create(Kind::Trail)), "S3BucketDoesNotExistException");
    assert_eq!(code(&made_without(&[Kind::Trail]), &create(Kind::Trail)), "accepted");
}

/// Of what nobody recorded, nothing is refused.
#[test]
fn what_is_not_known_is_not_refused() {
    let mut world = empty();
    world.completeness = Completeness::AsRecorded;
    assert_eq!(code(&world, &create(Kind::Trail)), "accepted");
    assert_eq!(code(&world, &create(Kind::BucketPolicy)), "accepted");
    world.estate.sightings.insert(address(Kind::Bucket), Sighting::Absent);
    assert_eq!(code(&world, &create(Kind::Trail)), "S3BucketDoesNotExistException");
    assert_eq!(code(&world, &create(Kind::BucketPolicy)), "NoSuchBucket");
}

fn code_of_trail(world: &Snapshot, edit: impl FnOnce(&mut Trail)) -> String {
    let mut wish = trail();
    edit(&mut wish);
    code(world, &change(Action::Create, address(Kind::Trail), wish.into()))
}

#[test]
fn parameters_of_a_trail_must_fit_together() {
    let world = made_without(&[Kind::Trail]);
    let parameters = code_of_trail(&world, |trail| trail.global_events = false);
    assert_eq!(parameters, "InvalidParameterCombinationException");
    let reads = EventSelector::management(ReadWrite::ReadOnly, &[]);
    assert_eq!(code_of_trail(&world, |t| t.selectors = [reads].into()), "InvalidInsightSelectorsException");
    let group = code_of_trail(&world, |t| t.log_group = Some(GROUP.replace(MANAGEMENT, LOG)));
    assert_eq!(group, "InvalidCloudWatchLogsLogGroupArnException");
    let values: Vec<String> = (0..501).map(|n| n.to_string()).collect();
    let many = EventSelector::management(ReadWrite::All, &values);
    assert_eq!(code_of_trail(&world, |t| t.selectors = [many].into()), "InvalidEventSelectorsException");
}

#[test]
fn an_account_may_have_five_trails_in_a_region() {
    let mut world = made_without(&[Kind::Trail]);
    let other = |n: usize| Address { name: format!("other-{n}"), ..address(Kind::Trail) };
    for n in 0..4 {
        world.estate.sightings.insert(other(n), Sighting::present(trail()));
    }
    assert_eq!(code(&world, &create(Kind::Trail)), "accepted");
    let far = Trail { multi_region: false, ..trail() };
    let elsewhere = Address { region: Some("us-east-1".parse().unwrap()), ..other(4) };
    world.estate.sightings.insert(elsewhere, Sighting::present(far));
    assert_eq!(code(&world, &create(Kind::Trail)), "accepted");
    world.estate.sightings.insert(other(5), Sighting::present(trail()));
    assert_eq!(code(&world, &create(Kind::Trail)), "MaximumNumberOfTrailsExceededException");
}

#[test]
fn a_trail_is_changed_at_home_only() {
    let mut world = made_without(&[Kind::Trail]);
    let elsewhere = Address { region: Some("us-east-1".parse().unwrap()), ..address(Kind::Trail) };
    world.estate.sightings.insert(elsewhere, Sighting::present(trail()));
    assert_eq!(code(&world, &create(Kind::Trail)), "TrailAlreadyExistsException");
    world.estate.sightings.insert(address(Kind::Trail), Sighting::present(trail()));
    let update = change(Action::Update, address(Kind::Trail), wish(Kind::Trail));
    assert_eq!(code(&world, &update), "InvalidHomeRegionException");
    let far = Trail { multi_region: false, ..trail() };
    let elsewhere = Address { region: Some("us-east-1".parse().unwrap()), ..address(Kind::Trail) };
    world.estate.sightings.insert(elsewhere, Sighting::present(far));
    assert_eq!(code(&world, &update), "TrailAlreadyExistsException");
}

#[test]
fn an_organization_trail_needs_the_right_account() {
    let world = made_without(&[Kind::Trail]);
    let by = |operator: &str| {
        let wish = Trail { log_group: None, log_role: None, ..trail() };
        Change { operator: account(operator), ..change(Action::Create, address(Kind::Trail), wish.into()) }
    };
    assert_eq!(code(&world, &by(LOG)), "accepted");
    assert_eq!(code(&world, &by(MEMBER)), "NotOrganizationMasterAccountException");
    assert_eq!(code(&world, &by(SUSPENDED)), "AccessDenied");
    assert_eq!(code(&world, &by("999999999999")), "AccessDenied");
}

#[test]
fn names_that_others_have_are_taken() {
    let cases = [
        (Kind::Bucket, "BucketAlreadyOwnedByYou"),
        (Kind::Key, "AlreadyExistsException"),
        (Kind::LogGroup, "ResourceAlreadyExistsException"),
        (Kind::Role, "EntityAlreadyExists"),
        (Kind::Policy, "EntityAlreadyExists"),
        (Kind::Trail, "TrailAlreadyExistsException"),
        (Kind::ServiceControlPolicy, "DuplicatePolicyException"),
    ];
    let theirs = |mut world: Snapshot| {
        let tags = Tags::from([(OWNER_TAG.to_owned(), "theirs".to_owned())]);
        for sighting in world.estate.sightings.values_mut() {
            let Sighting::Present(resource) = sighting else { continue };
            match resource.as_mut() {
                Resource::Bucket(r) => r.tags.clone_from(&tags),
                Resource::Key(r) => r.tags.clone_from(&tags),
                Resource::LogGroup(r) => r.tags.clone_from(&tags),
                Resource::Role(r) => r.tags.clone_from(&tags),
                Resource::Policy(r) => r.tags.clone_from(&tags),
                Resource::Trail(r) => r.tags = Some(tags.clone()),
                Resource::ServiceControlPolicy(r) => r.tags.clone_from(&tags),
                _ => {}
            }
        }
        world
    };
    let world = theirs(made_without(&[]));
    for (kind, expected) in cases {
        assert_eq!(code(&world, &create(kind)), expected, "{kind}");
        let adopt = change(Action::Adopt, address(kind), wish(kind));
        assert_eq!(code(&world, &adopt), "accepted", "{kind}");
    }
}

#[test]
fn a_bucket_name_is_unique_in_the_partition() {
    let world = made_without(&[Kind::Trail]);
    let by = |account: &AccountId, region: &str| {
        let address = Address::regional(account, &region.parse().unwrap(), Kind::Bucket, "acme-logs");
        code(&world, &change(Action::Create, address, bucket().into()))
    };
    assert_eq!(by(&account(MEMBER), "eu-central-1"), "BucketAlreadyExists");
    assert_eq!(by(&account(LOG), "us-east-1"), "BucketAlreadyOwnedByYou");
    assert_eq!(by(&account(LOG), "eu-central-1"), "accepted");
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    let cases = [
        (Kind::Bucket, "NoSuchBucket"),
        (Kind::Key, "NotFoundException"),
        (Kind::Topic, "NotFound"),
        (Kind::Role, "NoSuchEntity"),
        (Kind::Policy, "NoSuchEntity"),
        (Kind::Trail, "TrailNotFoundException"),
        (Kind::ServiceControlPolicy, "PolicyNotFoundException"),
    ];
    for (kind, expected) in cases {
        let update = change(Action::Update, address(kind), wish(kind));
        assert_eq!(code(&empty(), &update), expected, "{kind}");
    }
    assert_eq!(code(&empty(), &create(Kind::BucketPolicy)), "NoSuchBucket");
    assert_eq!(code(&empty(), &create(Kind::KeyPolicy)), "NotFoundException");
}

#[test]
fn documents_may_not_be_too_long() {
    let mut world = made_without(&[]);
    let long = |count: usize| {
        let statement = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
        read(&format!(r#"{{"Statement":[{}]}}"#, vec![statement; count].join(",")))
    };
    let try_it = |kind, desired: Resource| {
        let change = change(Action::Update, address(kind), desired);
        code(&world, &change)
    };
    assert_eq!(try_it(Kind::Policy, Policy { document: long(110), ..member_policy() }.into()), "LimitExceeded");
    assert_eq!(try_it(Kind::Policy, Policy { document: long(90), ..member_policy() }.into()), "accepted");
    assert_eq!(try_it(Kind::Role, role(long(40), long(1)).into()), "LimitExceeded");
    assert_eq!(try_it(Kind::Role, role(long(1), long(200)).into()), "LimitExceeded");
    assert_eq!(try_it(Kind::BucketPolicy, BucketPolicy { policy: long(400) }.into()), "PolicyTooLarge");
    assert_eq!(try_it(Kind::KeyPolicy, KeyPolicy { policy: long(600), key: None }.into()), "LimitExceededException");
    let guard = ServiceControlPolicy { document: long(100), ..guard() };
    assert_eq!(try_it(Kind::ServiceControlPolicy, guard.into()), "ConstraintViolationException");
    let limits = Limits { trust_policy_size: Some(4_096), ..Limits::default() };
    world.estate.limits.insert(account(MANAGEMENT), limits);
    let longer = change(Action::Update, address(Kind::Role), role(long(40), long(1)).into());
    assert_eq!(code(&world, &longer), "accepted");
}

#[test]
fn roles_are_counted() {
    let mut world = made_without(&[Kind::Role, Kind::Trail]);
    let limits = Limits { roles: Some(999), roles_quota: Some(1_000), ..Limits::default() };
    world.estate.limits.insert(account(MANAGEMENT), limits);
    assert_eq!(code(&world, &create(Kind::Role)), "accepted");
    perform::perform(&mut world, &create(Kind::Role));
    let next = Change { address: Address { name: "next".into(), ..address(Kind::Role) }, ..create(Kind::Role) };
    assert_eq!(code(&world, &next), "LimitExceeded");
    perform::perform(&mut world, &change(Action::Retire, address(Kind::Role), wish(Kind::Role)));
    assert_eq!(code(&world, &next), "accepted");
}

#[test]
fn a_key_policy_must_not_lock_its_owner_out() {
    let world = made_without(&[]);
    let code = |who: &str, action: &str| {
        let policy = read(&format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"{action}","Resource":"*"}}]}}"#
        ));
        code(&world, &change(Action::Update, address(Kind::KeyPolicy), KeyPolicy { policy, key: None }.into()))
    };
    assert_eq!(code("arn:aws:iam::222222222222:root", "kms:*"), "accepted");
    assert_eq!(code("arn:aws:iam::222222222222:role/KeyAdmin", "kms:PutKeyPolicy"), "accepted");
    assert_eq!(code("arn:aws:iam::222222222222:root", "kms:Encrypt"), "MalformedPolicyDocumentException");
    assert_eq!(code("arn:aws:iam::333333333333:root", "kms:*"), "MalformedPolicyDocumentException");
}

#[test]
fn a_public_bucket_policy_is_blocked() {
    let world = made_without(&[]);
    let code = |principal: &str, condition: &str| {
        let policy = read(&format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*"{condition}}}]}}"#
        ));
        code(&world, &change(Action::Update, address(Kind::BucketPolicy), BucketPolicy { policy }.into()))
    };
    let org = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#;
    let anywhere = r#","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#;
    let if_exists = r#","Condition":{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-exampleorgid"}}"#;
    assert_eq!(code(r#""*""#, ""), "AccessDenied");
    assert_eq!(code(r#"{"AWS":"*"}"#, anywhere), "AccessDenied");
    assert_eq!(code(r#""*""#, if_exists), "AccessDenied");
    assert_eq!(code(r#""*""#, org), "accepted");
    assert_eq!(code(r#"{"AWS":"999999999999"}"#, ""), "accepted");
}

#[test]
fn the_organization_has_its_own_rules() {
    let world = made_without(&[Kind::DelegatedAdministrator, Kind::Trail]);
    let delegate = |world: &Snapshot, id: &str| {
        let address = Address::global(&account(MANAGEMENT), Kind::DelegatedAdministrator, id);
        code(world, &change(Action::Create, address, DelegatedAdministrator {}.into()))
    };
    assert_eq!(delegate(&world, LOG), "accepted");
    assert_eq!(delegate(&world, MANAGEMENT), "CannotDelegateManagementAccountException");
    assert_eq!(delegate(&world, "999999999999"), "AccountNotFoundException");
    assert_eq!(delegate(&empty(), LOG), "CloudTrailAccessNotEnabledException");
    let mut full = world.clone();
    for id in ["555555555555", "666666666666", "777777777777"] {
        let address = Address::global(&account(MANAGEMENT), Kind::DelegatedAdministrator, id);
        full.estate.sightings.insert(address, Sighting::present(DelegatedAdministrator {}));
    }
    assert_eq!(delegate(&full, LOG), "DelegatedAdminAccountLimitExceededException");
    let by_member = Change { operator: account(MEMBER), ..create(Kind::TrustedAccess) };
    assert_eq!(code(&empty(), &by_member), "NotOrganizationManagementAccountException");
    let nowhere = ServiceControlPolicy { targets: BTreeSet::from(["ou-no".to_owned()]), ..guard() };
    let nowhere = change(Action::Create, address(Kind::ServiceControlPolicy), nowhere.into());
    assert_eq!(code(&world, &nowhere), "TargetNotFoundException");
}

#[test]
fn a_change_must_be_whole() {
    let mut unresolved = bucket();
    let reference = crate::estate::key::key_reference(&address(Kind::Key));
    unresolved.encryption.as_mut().unwrap().key = Some(reference);
    let unresolved = change(Action::Create, address(Kind::Bucket), unresolved.into());
    assert_eq!(code(&empty(), &unresolved), "UnresolvedReference");
    let crossed = change(Action::Create, address(Kind::Bucket), key().into());
    assert_eq!(code(&empty(), &crossed), "MalformedChange");
}

#[test]
fn a_bucket_that_holds_logs_cannot_be_removed() {
    let mut world = made_without(&[]);
    let retire = change(Action::Retire, address(Kind::Bucket), wish(Kind::Bucket));
    assert_eq!(code(&world, &retire), "BucketNotEmpty");
    let untouched = Bucket { untouched: true, ..bucket() };
    world.estate.sightings.insert(address(Kind::Bucket), Sighting::present(untouched));
    assert_eq!(code(&world, &retire), "accepted");
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let cloud = SimulatedCloud::in_memory(empty());
    let fault = cloud.execute(&create(Kind::Trail)).await.unwrap_err();
    assert_eq!((fault.kind, fault.account), (CloudFaultKind::Refused, account(MANAGEMENT)));
    assert!(!fault.message.is_empty() && !fault.help.is_empty());
    assert_eq!(cloud.snapshot(), empty());
}

#[test]
fn a_bucket_that_needs_mfa_for_deleting_takes_no_lifecycle() {
    let expiry = LifecycleRule {
        id: "r".into(),
        enabled: true,
        prefix: String::new(),
        transitions: Vec::new(),
        expire_after_days: Some(2555),
        expire_noncurrent_after_days: None,
        abort_upload_after_days: None,
        other: None,
    };
    let with_expiry = || Bucket { lifecycle: vec![expiry.clone()], ..bucket() };
    for (mfa_delete, wish, expected) in [
        (Some(true), with_expiry(), "InvalidBucketState"),
        (Some(true), Bucket { versioning: false, ..bucket() }, "accepted"),
        (Some(false), with_expiry(), "accepted"),
        (None, with_expiry(), "accepted"),
    ] {
        let mut world = made_without(&[]);
        let there = Bucket { mfa_delete, ..bucket() };
        world.estate.sightings.insert(address(Kind::Bucket), Sighting::present(there));
        let change = change(Action::Update, address(Kind::Bucket), wish.into());
        assert_eq!(code(&world, &change), expected, "{mfa_delete:?}");
    }
}

#[test]
fn an_aggregator_needs_an_administrator_and_a_role_and_an_administrator_trusted_access() {
    let at = |kind, name: &str| Address::global(&account(MANAGEMENT), kind, name);
    let mut world = empty();
    let register = |id: &str| {
        let address = at(Kind::DelegatedAdministrator, &format!("config.amazonaws.com/{id}"));
        change(Action::Create, address, DelegatedAdministrator {}.into())
    };
    let make = create(Kind::ConfigAggregator);
    let refused = "OrganizationAccessDeniedException";
    assert_eq!(
        (code(&world, &register(LOG)), code(&world, &make)),
        ("ConstraintViolationException".into(), refused.into())
    );
    let trust = at(Kind::TrustedAccess, "config.amazonaws.com");
    perform::perform(&mut world, &change(Action::Create, trust, TrustedAccess {}.into()));
    assert_eq!(code(&world, &register(MANAGEMENT)), "ConstraintViolationException");
    assert_eq!(code(&world, &register("999999999999")), "AccountNotFoundException");
    assert_eq!(code(&world, &register(LOG)), "accepted");
    // Trusted access of AWS Config is not that of CloudTrail.
    assert_eq!(code(&world, &create(Kind::DelegatedAdministrator)), "CloudTrailAccessNotEnabledException");
    perform::perform(&mut world, &register(LOG));
    assert_eq!(code(&world, &make), "InvalidRoleException");
    let own = role(read(r#"{"Statement":[]}"#), read(r#"{"Statement":[]}"#));
    let role = Address::global(&account(LOG), Kind::Role, "acme-config");
    perform::perform(&mut world, &change(Action::Create, role, own.into()));
    assert_eq!(code(&world, &make), "accepted");
    perform::perform(&mut world, &make);
    let theirs = ConfigAggregator { organization: true, role: None, regions: None, tags: Tags::new() };
    world.estate.sightings.insert(address(Kind::ConfigAggregator), Sighting::present(theirs));
    assert_eq!(code(&world, &make), "GroundMoved");
}
