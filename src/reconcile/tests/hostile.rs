//! Two hundred rounds with somebody else's hands in between.

use super::*;
use crate::policy::PolicyDocument;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

const FOREIGN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject","Resource":"*"}]}"#;

/// Damages one resource of ours in one of several ways.
fn damage(estate: &mut Estate, dice: &mut Dice) {
    let all: Vec<Address> = estate.resources().map(|(address, _)| address.clone()).collect();
    let address = &all[dice.roll(all.len())];
    let way = dice.roll(4);
    if matches!(address.kind, Kind::Role | Kind::Policy) && way == 0 {
        estate.sightings.insert(address.clone(), Sighting::Absent);
        return;
    }
    let foreign = || PolicyDocument::parse(FOREIGN).unwrap();
    edit(estate, address, |resource| match resource {
        Resource::Trail(trail) => match way {
            0 => trail.logging = false,
            1 => trail.validation = false,
            2 => trail.multi_region = false,
            _ => trail.selectors.clear(),
        },
        Resource::Bucket(bucket) => match way {
            0 => bucket.versioning = false,
            1 => bucket.block_public_access = false,
            2 => bucket.requester_pays = true,
            _ => bucket.encryption = None,
        },
        Resource::BucketPolicy(policy) => match way {
            0 => policy.policy.statements.clear(),
            _ => drop(policy.policy.statements.pop()),
        },
        Resource::KeyPolicy(policy) => drop(policy.policy.statements.pop()),
        Resource::Key(key) => match way {
            0 => key.enabled = false,
            1 => (key.enabled, key.pending_deletion) = (false, true),
            _ => key.rotation = false,
        },
        Resource::Role(role) => match way {
            1 => role.trust = foreign(),
            2 => drop(role.inline.insert("Extra".into(), foreign())),
            _ => drop(role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".into())),
        },
        Resource::Policy(policy) => policy.document = foreign(),
        _ => {}
    });
}

#[test]
fn every_hostile_edit_is_put_right() {
    let clock = TestClock::new();
    clock.run(async {
        // Repairing a policy may take a statement of somebody else away, which a person would have to allow.
        const RULES: &str =
            "{allow: [safe, weakens, interrupts, destroys, costs], max_change: 100%, full_pass_every: 1h}";
        let rules = config(RULES);
        let world = leak(world(6, &rules).await);
        let source = Given::new(RULES, move || Box::new(Shared::new(world)));
        let mut dice = Dice(7);
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            for round in 0..200 {
                let edits = 1 + dice.roll(3);
                let hand =
                    |_: &mut Organization, estate: &mut Estate| (0..edits).for_each(|_| damage(estate, &mut dice));
                world.edit(hand).await.unwrap();
                clock.minutes(15).await;
                // What is not looked at in every round is found within a day.
                for _ in 0..96 {
                    if in_sync(world, &rules).await {
                        break;
                    }
                    clock.minutes(15).await;
                }
                let left = plan(world, &rules).await.changes;
                assert!(left.is_empty(), "round {round}: {left:?} {:?}", board.read().findings);
            }
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

/// Takes away what says whose a resource is, or all of the trail.
fn damage_more(estate: &mut Estate, dice: &mut Dice) {
    let all: Vec<Address> = estate.resources().map(|(address, _)| address.clone()).collect();
    let mut of_archive =
        all.into_iter().filter(|a| matches!(a.kind, Kind::Trail | Kind::Bucket | Kind::Key | Kind::BucketPolicy));
    let Some(address) = of_archive.nth(dice.roll(4)) else { return };
    if address.kind == Kind::Trail && dice.roll(2) == 0 {
        estate.sightings.insert(address, Sighting::Absent);
        return;
    }
    let other = dice.roll(4) == 0;
    let retag = |tags: &mut crate::estate::Tags| {
        tags.clear();
        if other {
            tags.insert("team".into(), "theirs".into());
        }
    };
    edit(estate, &address, |resource| match resource {
        Resource::Trail(trail) => trail.tags.iter_mut().for_each(retag),
        Resource::Bucket(bucket) => retag(&mut bucket.tags),
        Resource::Key(key) => retag(&mut key.tags),
        Resource::BucketPolicy(policy) => {
            policy.policy.statements.push(PolicyDocument::parse(FOREIGN).unwrap().statements.remove(0));
        }
        _ => {}
    });
}

#[test]
fn half_an_hour_of_damage_ends_with_the_log_running_whatever_else_waits() {
    for seed in 0..12 {
        let clock = TestClock::new();
        clock.run(async {
            let world = leak(world(3, &config("{}")).await);
            let source = Given::new("{}", move || Box::new(Shared::new(world)));
            let mut dice = Dice(seed);
            let story = async |board: StatusBoard| {
                clock.minutes(1).await;
                for _ in 0..30 {
                    let hand = |_: &mut Organization, estate: &mut Estate| {
                        damage(estate, &mut dice);
                        damage_more(estate, &mut dice);
                    };
                    world.edit(hand).await.unwrap();
                    clock.minutes(1).await;
                }
                stop_all_logging(world).await;
                // What is missing for a trail comes back in one round, and the trail in it or in the next.
                clock.minutes(31).await;
                assert!(is_logging(world), "seed {seed}: {:#?}", board.read().findings);
            };
            beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
        });
    }
}

/// Stops every trail that is there.
async fn stop_all_logging(world: &SimulatedCloud) {
    let stop = |_: &mut Organization, estate: &mut Estate| {
        let trails: Vec<Address> =
            estate.resources().map(|(a, _)| a.clone()).filter(|a| a.kind == Kind::Trail).collect();
        for trail in trails {
            edit(estate, &trail, |resource| {
                if let Resource::Trail(trail) = resource {
                    trail.logging = false;
                }
            });
        }
    };
    world.edit(stop).await.unwrap();
}
