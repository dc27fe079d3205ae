//! Another tool that sets a field back each time.

use super::*;

/// Sets the trail's validation as another tool wants it, as often as ours sets it.
async fn other_tool(world: &SimulatedCloud, validation: bool) {
    let hand = |_: &mut Organization, estate: &mut Estate| {
        let trail = address(estate, Kind::Trail);
        edit(estate, &trail, |resource| {
            if let Resource::Trail(trail) = resource {
                trail.validation = validation;
            }
        });
    };
    world.edit(hand).await.unwrap();
}

fn validation(world: &SimulatedCloud) -> bool {
    let estate = world.snapshot().estate;
    let trail = address(&estate, Kind::Trail);
    matches!(estate.resource(&trail), Some(Resource::Trail(trail)) if trail.validation)
}

#[test]
fn a_protection_that_is_set_back_again_and_again_is_put_right_each_time_and_told() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            for time in 0..40 {
                other_tool(world, false).await;
                clock.minutes(15).await;
                assert!(validation(world), "time {time}: it is put right");
                let fight = board.read().findings.iter().find(|finding| finding.code == "Fight").cloned();
                assert_eq!(fight.is_some(), time >= 3, "time {time}: {fight:?}");
                if let Some(fight) = fight {
                    let said = format!("validation is reverted after every repair, {time} times so far");
                    assert!(fight.message.contains(&said), "{}", fight.message);
                }
            }
            clock.minutes(15).await;
            assert!(board.read().findings.is_empty(), "the other tool has given in: {:?}", board.read().findings);
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

/// Has the trail tell another topic.
async fn redirected(world: &SimulatedCloud, value: &str) {
    let hand = |_: &mut Organization, estate: &mut Estate| {
        let trail = address(estate, Kind::Trail);
        edit(estate, &trail, |resource| {
            if let Resource::Trail(trail) = resource {
                trail.topic = Some(value.to_owned());
            }
        });
    };
    world.edit(hand).await.unwrap();
}

fn topic(world: &SimulatedCloud) -> Option<String> {
    let estate = world.snapshot().estate;
    let trail = address(&estate, Kind::Trail);
    match estate.resource(&trail) {
        Some(Resource::Trail(trail)) => trail.topic.clone(),
        _ => None,
    }
}

#[test]
fn what_protects_nothing_is_fought_over_more_and_more_slowly_and_never_given_up() {
    const RULES: &str = "{allow: [safe, weakens]}";
    let clock = TestClock::new();
    clock.run(async {
        let rules = config(RULES);
        let world = leak(world(2, &rules).await);
        let source = Given::new(RULES, move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            let mut repaired = Vec::new();
            for round in 0..96 * 4 {
                redirected(world, "arn:aws:sns:eu-central-1:222222222222:theirs").await;
                clock.minutes(15).await;
                if topic(world).is_none() {
                    repaired.push(round);
                }
            }
            assert_eq!(repaired[..6], [0, 1, 2, 3, 5, 9], "{repaired:?}");
            let pauses: Vec<i32> = repaired.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(pauses.is_sorted(), "{repaired:?}");
            assert_eq!(*pauses.last().unwrap(), 96, "at last once a day: {repaired:?}");
            stop_logging(world).await;
            clock.minutes(15).await;
            assert!(is_logging(world), "the log does not wait for that");
            assert!(board.read().findings.iter().any(|finding| finding.code == "Fight"));
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}
