//! What a look at a world shows: what was asked for, what was found on the way, and what cannot be seen.

use super::*;

fn scope(addresses: &[(Address, &str)]) -> ObservationScope {
    ObservationScope {
        control_targets: BTreeSet::new(),
        deployment: DEPLOYMENT.into(),
        partition: Partition::Aws,
        log_account: account(LOG),
        management_account: account(MANAGEMENT),
        home_region: region(),
        accounts: BTreeSet::from([MANAGEMENT, LOG, MEMBER, SUSPENDED].map(account)),
        addresses: addresses.iter().map(|(address, by)| (address.clone(), account(by))).collect(),
        member_policies: [MEMBER, SUSPENDED].iter().map(|id| (account(id), "ReadLogs".to_owned())).collect(),
        member_trails: BTreeSet::new(),
        wakes: false,
        attachments: true,
        keys: BTreeSet::new(),
        further_keys: false,
        arrivals: false,
    }
}

fn reader(id: &str) -> (Address, Role) {
    let mut reader = role(read(r#"{"Statement":[]}"#), read(r#"{"Statement":[]}"#));
    reader.tags.insert(ACCOUNT_TAG.into(), id.into());
    (Address::global(&account(LOG), Kind::Role, format!("Read-{id}")), reader)
}

fn code_at(estate: &Estate, address: &Address) -> String {
    match &estate.sightings[address] {
        Sighting::Present(_) => "present".into(),
        Sighting::Absent => "absent".into(),
        Sighting::Unreadable(problem) => problem.code.clone(),
    }
}

#[tokio::test]
async fn a_whole_world_has_nothing_beside_what_it_has() {
    let scope = scope(&[(address(Kind::Bucket), LOG), (address(Kind::Topic), LOG)]);
    let world = made_without(&[Kind::Topic, Kind::Trail]);
    let cloud = SimulatedCloud::in_memory(world.clone());
    let estate = cloud.observe(&scope, &NoProgress).await.unwrap();
    assert_eq!(code_at(&estate, &address(Kind::Bucket)), "present");
    assert_eq!(code_at(&estate, &address(Kind::Topic)), "absent");
    let cloud = SimulatedCloud::in_memory(Snapshot { completeness: Completeness::AsRecorded, ..world });
    let estate = cloud.observe(&scope, &NoProgress).await.unwrap();
    assert_eq!(code_at(&estate, &address(Kind::Topic)), "NotRecorded");
    assert_eq!(code_at(&estate, &address(Kind::Bucket)), "present");
}

#[test]
fn an_account_that_is_not_active_cannot_be_read() {
    let policy = Address::global(&account(SUSPENDED), Kind::Policy, "ReadLogs");
    let mut world = empty();
    world.estate.sightings.insert(policy.clone(), Sighting::present(member_policy()));
    let estate = look::observe(&world, &scope(&[(policy.clone(), SUSPENDED)]));
    assert_eq!(code_at(&estate, &policy), "AccessDenied");
}

#[test]
fn readers_of_ours_and_their_member_policies_are_found() {
    let mut world = empty();
    for id in [MEMBER, SUSPENDED] {
        let (address, role) = reader(id);
        world.estate.sightings.insert(address, Sighting::present(role));
        let policy = Address::global(&account(id), Kind::Policy, "ReadLogs");
        world.estate.sightings.insert(policy, Sighting::present(member_policy()));
    }
    let (theirs, mut role) = reader("555555555555");
    role.tags.insert(OWNER_TAG.into(), "theirs".into());
    world.estate.sightings.insert(theirs, Sighting::present(role));
    let estate = look::observe(&world, &scope(&[]));
    let found: Vec<String> = estate.sightings.keys().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "222222222222/global/role/Read-333333333333",
            "222222222222/global/role/Read-444444444444",
            "333333333333/global/policy/ReadLogs"
        ]
    );
}

#[test]
fn other_trails_are_evidence() {
    let mut world = empty();
    let at = |id: &str| Address::regional(&account(id), &region(), Kind::Trail, "old");
    for id in [MANAGEMENT, MEMBER, LOG] {
        world.estate.sightings.insert(at(id), Sighting::present(trail()));
    }
    let estate = look::observe(&world, &scope(&[]));
    // Where it writes to is looked at beside it: logs may lie there.
    let trails: Vec<&Address> = estate.sightings.keys().filter(|address| address.kind == Kind::Trail).collect();
    assert_eq!(trails, [&at(MANAGEMENT)]);
    let wanted =
        ObservationScope { member_trails: BTreeSet::from([account(MEMBER)]), ..scope(&[(address(Kind::Trail), LOG)]) };
    let estate = look::observe(&world, &wanted);
    assert!(estate.resource(&at(MEMBER)).is_some() && estate.resource(&at(LOG)).is_some());
}

#[test]
fn a_trail_is_shown_with_its_delivery() {
    let estate = look::observe(&made_without(&[]), &scope(&[]));
    let Some(Resource::Trail(trail)) = estate.resource(&address(Kind::Trail)) else { panic!() };
    assert_eq!(trail.delivery, Some(DeliveryStatus::default()));
}

#[tokio::test]
async fn what_was_not_recorded_of_the_organization_is_a_problem() {
    let needs = DiscoverOptions { unit_names: true, account_tags: true };
    let recorded = Snapshot { completeness: Completeness::AsRecorded, ..empty() };
    let (_, problems) = SimulatedCloud::in_memory(recorded.clone()).discover(needs).await.unwrap();
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(problems.len(), 2);
    assert!(messages[0].contains("tags") && messages[1].contains("names"), "{messages:?}");
    let (_, problems) = SimulatedCloud::in_memory(recorded).discover(DiscoverOptions::default()).await.unwrap();
    assert_eq!(problems, []);
    let (organization, problems) = SimulatedCloud::in_memory(empty()).discover(needs).await.unwrap();
    assert_eq!(problems, []);
    assert_eq!(organization.accounts[MEMBER].tags, Some(BTreeMap::new()));
}

#[test]
fn what_others_have_of_aws_config_is_seen_where_something_of_it_is_asked_for() {
    let mut world = empty();
    let admin = |id: &str| {
        Address::global(&account(MANAGEMENT), Kind::DelegatedAdministrator, format!("config.amazonaws.com/{id}"))
    };
    let theirs = Address { name: "theirs".into(), ..address(Kind::ConfigAggregator) };
    let of_cloudtrail = Address::global(&account(MANAGEMENT), Kind::DelegatedAdministrator, MEMBER);
    for address in [admin(MEMBER), of_cloudtrail.clone()] {
        world.estate.sightings.insert(address, Sighting::present(DelegatedAdministrator {}));
    }
    let found = ConfigAggregator { organization: true, role: None, regions: None, tags: Tags::new() };
    world.estate.sightings.insert(theirs.clone(), Sighting::present(found));
    let asked = scope(&[(admin(LOG), MANAGEMENT), (address(Kind::ConfigAggregator), LOG)]);
    let seen: Vec<Address> = look::observe(&world, &asked).resources().map(|(address, _)| address.clone()).collect();
    assert_eq!(seen, [admin(MEMBER), theirs]);
    let seen = look::observe(&world, &scope(&[(of_cloudtrail.clone(), MANAGEMENT)]));
    assert_eq!(seen.resources().map(|(address, _)| address).collect::<Vec<_>>(), [&of_cloudtrail]);
}
