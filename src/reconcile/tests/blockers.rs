//! What stands against one resource or one account is that one's trouble: everything else is repaired, and it is told.

use super::members::in_each_account;
use super::*;
use crate::estate::{OWNER_TAG, Tags};

/// Runs a daemon with a text of the configuration, damages its world, and returns what is open after the next round.
fn after(
    text: &str,
    damage: impl FnOnce(&mut Organization, &mut Estate) + 'static,
    look: impl FnOnce(&Snapshot) + 'static,
) -> Vec<(AccountId, String)> {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config::parse(text, "orgtrail.yaml").unwrap();
        let world = leak(world(4, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        source.write(text);
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            assert_eq!(board.read().findings, Vec::new(), "at first");
            world.edit(damage).await.unwrap();
            // What is not looked at in every round is found within a day.
            clock.minutes(24 * 60).await;
            look(&world.snapshot());
            let status = board.read();
            status.findings.iter().map(|finding| (finding.account.clone(), finding.code.clone())).collect()
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await.0
    })
}

fn each() -> String {
    in_each_account("max_change: 100%")
}

fn organization_trail() -> String {
    format!("{CONFIG}\nreconcile: {{}}\n")
}

fn member_policy(n: usize) -> Address {
    Address::global(&member(n), Kind::Policy, "CloudTrailReadLogs")
}

fn reader(n: usize) -> Address {
    Address::global(&id(LOG), Kind::Role, format!("CloudTrailReadLogs-{}", member(n)))
}

fn trail_of(n: usize) -> Address {
    Address::regional(&member(n), &"eu-central-1".parse().unwrap(), Kind::Trail, "acme-trail")
}

/// Writes another deployment's name into the tag, or takes the tag away.
fn retag(estate: &mut Estate, address: &Address, owner: Option<&str>) {
    let hand = |tags: &mut Tags| match owner {
        Some(owner) => drop(tags.insert(OWNER_TAG.into(), owner.into())),
        None => drop(tags.remove(OWNER_TAG)),
    };
    edit(estate, address, |resource| match resource {
        Resource::Trail(r) => hand(r.tags.as_mut().unwrap()),
        Resource::Bucket(r) => hand(&mut r.tags),
        Resource::Role(r) => hand(&mut r.tags),
        Resource::Policy(r) => hand(&mut r.tags),
        Resource::Topic(r) => hand(&mut r.tags),
        other => panic!("{other:?}"),
    });
}

fn stop(estate: &mut Estate, address: &Address) {
    edit(estate, address, |resource| {
        if let Resource::Trail(trail) = resource {
            trail.logging = false;
        }
    });
}

fn remove(estate: &mut Estate, address: &Address) {
    assert!(estate.sightings.insert(address.clone(), Sighting::Absent).is_some(), "{address}");
}

fn is_there(world: &Snapshot, address: &Address) -> bool {
    world.estate.resource(address).is_some()
}

fn all_trails_record(world: &Snapshot) -> bool {
    world.estate.resources().all(|(_, resource)| !matches!(resource, Resource::Trail(trail) if !trail.logging))
}

#[test]
fn a_policy_and_a_reader_with_another_deployments_name_hold_up_nobody_else() {
    let damage = |_: &mut Organization, estate: &mut Estate| {
        retag(estate, &member_policy(0), Some("theirs"));
        retag(estate, &reader(1), Some("theirs"));
        remove(estate, &member_policy(2));
        let trail = address(estate, Kind::Trail);
        stop(estate, &trail);
    };
    let look = |world: &Snapshot| {
        assert!(is_there(world, &member_policy(2)));
        assert!(all_trails_record(world));
    };
    let open = after(&organization_trail(), damage, look);
    assert!(open.contains(&(member(0), "OtherDeployment".into())), "{open:?}");
    assert!(open.contains(&(id(LOG), "OtherDeployment".into())), "{open:?}");
}

#[test]
fn a_trail_with_another_deployments_name_is_started_all_the_same() {
    let damage = |_: &mut Organization, estate: &mut Estate| {
        let trail = address(estate, Kind::Trail);
        retag(estate, &trail, Some("theirs"));
        stop(estate, &trail);
    };
    let open = after(&organization_trail(), damage, |world| assert!(all_trails_record(world)));
    assert_eq!(open, [(id(MANAGEMENT), "OtherDeployment".to_owned())]);
}

#[test]
fn an_account_with_five_trails_of_its_own_holds_up_nobody_else() {
    let damage = |_: &mut Organization, estate: &mut Estate| {
        let Some(Resource::Trail(ours)) = estate.resource(&trail_of(0)).cloned() else { panic!() };
        remove(estate, &trail_of(0));
        for n in 0..5 {
            let theirs = crate::estate::Trail { tags: None, bucket: "theirs".into(), ..ours.clone() };
            let at = Address { name: format!("theirs-{n}"), ..trail_of(0) };
            estate.sightings.insert(at, Sighting::present(theirs));
        }
        stop(estate, &trail_of(1));
        remove(estate, &trail_of(2));
        remove(estate, &member_policy(3));
    };
    let look = |world: &Snapshot| {
        assert!(all_trails_record(world));
        assert!(is_there(world, &trail_of(2)) && is_there(world, &member_policy(3)));
    };
    let open = after(&each(), damage, look);
    assert!(!open.is_empty() && open.iter().all(|(account, _)| *account == member(0)), "{open:?}");
}

#[test]
fn a_lost_tag_on_the_bucket_holds_up_nothing_but_itself() {
    let damage = |_: &mut Organization, estate: &mut Estate| {
        let bucket = address(estate, Kind::Bucket);
        retag(estate, &bucket, None);
        let policy = bucket.with_kind(Kind::BucketPolicy);
        edit(estate, &policy, |resource| {
            resource.shared_policy_mut().unwrap().statements.remove(0);
        });
        remove(estate, &member_policy(1));
        let trail = address(estate, Kind::Trail);
        stop(estate, &trail);
    };
    let look = |world: &Snapshot| {
        assert!(all_trails_record(world) && is_there(world, &member_policy(1)));
        let policy = world.estate.resource(&address(&world.estate, Kind::BucketPolicy)).unwrap();
        let names: Vec<&str> =
            policy.shared_policy().unwrap().statements.iter().filter_map(|s| s.sid.as_deref()).collect();
        assert!(names.contains(&"OrgtrailCloudTrailAclCheck"), "{names:?}");
    };
    assert_eq!(after(&organization_trail(), damage, look), [(id(LOG), "NeedsAdoption".to_owned())]);
}

#[tokio::test]
async fn apply_leaves_out_what_is_blocked_and_makes_the_rest() {
    let rules = config("{}");
    let recorded = world(3, &rules).await;
    let damage = |_: &mut Organization, estate: &mut Estate| {
        retag(estate, &member_policy(0), Some("theirs"));
        remove(estate, &reader(0));
        remove(estate, &member_policy(1));
        let bucket = address(estate, Kind::Bucket);
        retag(estate, &bucket, None);
    };
    recorded.edit(damage).await.unwrap();
    let mut plan = plan(&recorded, &rules).await;
    assert_eq!((plan.blocks_all().count(), plan.blockers.len()), (0, 1), "{:?}", plan.blockers);
    let consent = apply::Consent::default();
    assert_eq!(consent.missing(&plan), Vec::new(), "a tag that is gone can wait");
    consent.leave_out(&mut plan);
    let options = RunOptions { concurrency: 8, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    let report = apply::run(&plan, &recorded, &NoProgress, options, &CancellationToken::new()).await;
    assert!(!report.is_complete(), "what was left out is told");
    assert_eq!(report.tally().done, 2, "{report:?}");
    assert!(is_there(&recorded.snapshot(), &member_policy(1)) && is_there(&recorded.snapshot(), &reader(0)));
}

#[test]
fn accounts_that_are_suspended_under_the_same_name_are_not_meant() {
    let mut rules = config("{}");
    rules.accounts.log = "log-archive".into();
    let mut organization = organization(3);
    for n in [1, 2] {
        let namesake = organization.accounts.get_mut(&member(n)).unwrap();
        namesake.name = "log-archive".into();
        namesake.state = AccountState::Suspended;
    }
    assert_eq!(crate::desire::log_account(&rules, &organization).unwrap(), id(LOG));
    organization.accounts.get_mut(&member(1)).unwrap().state = AccountState::Active;
    assert!(crate::desire::log_account(&rules, &organization).is_err(), "two in use: nobody can tell which is meant");
}
