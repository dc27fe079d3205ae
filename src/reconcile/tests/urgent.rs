//! A log and its protection come back by themselves, whatever else waits for a person.

use super::*;
use crate::daemon::clock::Clock;
use crate::estate::OWNER_TAG;
use crate::policy::document::Effect;
use crate::policy::{PolicyDocument, Statement};

/// A statement of an outsider in the bucket policy: taking it away needs a person, because only they could write it
/// again.
fn outsider() -> Statement {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}]}"#;
    PolicyDocument::parse(text).unwrap().statements.remove(0)
}

/// A statement of others that keeps CloudTrail out: it stays until a person names it.
fn shut() -> Statement {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Shut","Effect":"Deny","Principal":"*",
        "Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-org-cloudtrail/*"}]}"#;
    PolicyDocument::parse(text).unwrap().statements.remove(0)
}

/// Changes the only resource of a kind.
fn hurt(estate: &mut Estate, kind: Kind, hand: impl FnOnce(&mut Resource)) {
    let at = address(estate, kind);
    edit(estate, &at, hand);
}

fn stop(resource: &mut Resource) {
    if let Resource::Trail(trail) = resource {
        (trail.logging, trail.validation, trail.multi_region) = (false, false, false);
    }
}

fn open(resource: &mut Resource) {
    if let Resource::Bucket(bucket) = resource {
        bucket.block_public_access = false;
        bucket.encryption = None;
    }
}

fn untag(resource: &mut Resource) {
    match resource {
        Resource::Trail(trail) => drop(trail.tags.as_mut().unwrap().remove(OWNER_TAG)),
        Resource::Bucket(bucket) => drop(bucket.tags.remove(OWNER_TAG)),
        Resource::Key(key) => drop(key.tags.remove(OWNER_TAG)),
        _ => panic!("it has no tags"),
    }
}

fn plain_http_is_refused(estate: &Estate) -> bool {
    let policy = estate.resource(&address(estate, Kind::BucketPolicy)).unwrap().shared_policy().unwrap();
    policy.statements.iter().any(|s| s.effect == Effect::Deny && s.sid.as_deref() == Some("OrgtrailTlsOnly"))
}

/// What must hold however much else waits.
fn is_protected(world: &SimulatedCloud) -> Result<(), &'static str> {
    let estate = world.snapshot().estate;
    for (_, resource) in estate.resources() {
        match resource {
            Resource::Trail(trail) if !(trail.logging && trail.validation && trail.multi_region) => {
                return Err("the trail");
            }
            Resource::Bucket(bucket) if !bucket.block_public_access => return Err("block public access"),
            Resource::Bucket(bucket) if bucket.encryption.as_ref().is_none_or(|e| e.algorithm != "aws:kms") => {
                return Err("encryption");
            }
            Resource::Key(key) if !key.enabled || key.pending_deletion => return Err("the key"),
            _ => {}
        }
    }
    if plain_http_is_refused(&estate) { Ok(()) } else { Err("plain HTTP") }
}

/// Does something to a world in sync and says what the next round leaves.
fn after_damage(rules: &'static str, damage: impl FnOnce(&mut Estate) + 'static) -> Vec<String> {
    let clock = TestClock::new();
    clock.run(async {
        let world = leak(world(3, &config(rules)).await);
        let source = Given::new(rules, move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            world.edit(|_, estate| damage(estate)).await.unwrap();
            clock.minutes(15).await;
            assert_eq!(is_protected(world), Ok(()), "{:?}", board.read().findings);
            board.read().findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await.0
    })
}

#[test]
fn a_bucket_policy_that_waits_for_a_person_holds_neither_the_log_nor_the_rule_against_plain_http() {
    let told = after_damage("{}", |estate| {
        hurt(estate, Kind::Trail, stop);
        hurt(estate, Kind::Bucket, open);
        hurt(estate, Kind::BucketPolicy, |resource| {
            let policy = resource.shared_policy_mut().unwrap();
            policy.statements.retain(|statement| statement.effect == Effect::Allow);
            policy.statements.push(outsider());
        });
    });
    assert!(told.contains(&"RiskNotAllowed".into()), "the rest waits and is told: {told:?}");
}

#[test]
fn tags_that_were_taken_away_hold_nothing_of_it() {
    let told = after_damage("{}", |estate| {
        for kind in [Kind::Trail, Kind::Bucket, Kind::Key] {
            hurt(estate, kind, untag);
        }
        hurt(estate, Kind::Trail, stop);
        hurt(estate, Kind::Bucket, open);
        hurt(estate, Kind::Key, |resource| {
            if let Resource::Key(key) = resource {
                (key.enabled, key.pending_deletion) = (false, true);
            }
        });
        hurt(estate, Kind::BucketPolicy, |resource| {
            resource.shared_policy_mut().unwrap().statements.retain(|statement| statement.effect == Effect::Allow);
        });
    });
    assert!(told.contains(&"NeedsAdoption".into()), "the tags are told: {told:?}");
}

#[test]
fn a_trail_that_was_deleted_is_made_again_outside_of_the_window_and_below_the_share() {
    // What waits for its hour passes by itself and is told to nobody.
    after_damage("{window: \"sat-sun 02:00-04:00\", max_change: 1%}", |estate| {
        let gone: Vec<Address> = estate
            .sightings
            .keys()
            .filter(|address| address.kind == Kind::Trail || address.kind == Kind::Policy)
            .cloned()
            .collect();
        estate.sightings.extend(gone.into_iter().map(|address| (address, Sighting::Absent)));
    });
}

#[test]
fn a_bucket_of_somebody_else_is_not_touched_before_it_is_adopted() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let theirs = world(1, &rules).await.snapshot();
        let mut estate = Estate::default();
        for kind in [Kind::Bucket, Kind::BucketPolicy, Kind::Trail] {
            let at = address(&theirs.estate, kind);
            estate.sightings.insert(at.clone(), theirs.estate.sightings[&at].clone());
        }
        hurt(&mut estate, Kind::Bucket, |resource| {
            open(resource);
            untag(resource);
        });
        hurt(&mut estate, Kind::Trail, |resource| {
            stop(resource);
            untag(resource);
        });
        hurt(&mut estate, Kind::BucketPolicy, |resource| {
            resource.shared_policy_mut().unwrap().statements = vec![outsider()];
        });
        let recorded = SimulatedCloud::in_memory(Snapshot::whole(theirs.organization, estate));
        assert_eq!(plan(&recorded, &rules).await.urgent, Vec::new());
    });
}

#[test]
fn a_trail_that_nobody_touched_has_no_urgent_part() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let first = SimulatedCloud::in_memory(Snapshot::whole(organization(2), Estate::default()));
        assert_eq!(plan(&first, &rules).await.urgent, Vec::new(), "a first plan is a person's");
        assert_eq!(plan(&world(2, &rules).await, &rules).await.urgent, Vec::new());
    });
}

#[test]
fn a_round_of_urgent_parts_alone_asks_how_what_it_touched_delivers() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let recorded = world(3, &rules).await;
        recorded
            .edit(|_, estate| {
                hurt(estate, Kind::Trail, stop);
                hurt(estate, Kind::BucketPolicy, |resource| {
                    resource.shared_policy_mut().unwrap().statements.push(shut());
                });
            })
            .await
            .unwrap();
        let mut urgent = plan(&recorded, &rules).await;
        urgent.changes.clear();
        urgent.findings.clear();
        let options = RunOptions { concurrency: 1, gate: &Open, began: clock.now() };
        let report = apply::run(&urgent, &recorded, &NoProgress, options, &CancellationToken::new()).await;
        let trail = address(&recorded.snapshot().estate, Kind::Trail);
        let asked: Vec<&Address> = report.delivery.iter().map(|delivery| &delivery.trail).collect();
        assert_eq!(asked, [&trail]);
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, [crate::plan::delivery::FAILS]);
    });
}
