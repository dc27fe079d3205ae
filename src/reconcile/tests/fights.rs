//! Another tool that sets a field back each time.

use super::*;

/// Sets the trail's validation as another tool wants it, as often as ours sets it.
async fn other_tool(world: &Recorded, validation: bool) {
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

fn validation(world: &Recorded) -> bool {
    let estate = world.snapshot().estate;
    let trail = address(&estate, Kind::Trail);
    matches!(estate.resource(&trail), Some(Resource::Trail(trail)) if trail.validation)
}

#[test]
fn a_field_that_is_set_back_three_times_is_left_alone_and_told() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let story = async |board: Board| {
            clock.minutes(1).await;
            for _ in 0..3 {
                other_tool(world, false).await;
                clock.minutes(15).await;
                assert!(validation(world), "it is put right");
            }
            other_tool(world, false).await;
            clock.minutes(15).await;
            assert!(!validation(world), "it is left alone");
            let status = board.read();
            let fight = status.findings.iter().find(|finding| finding.code == "Fight").unwrap();
            assert!(fight.message.contains("sets validation back"), "{}", fight.message);
            stop_logging(world).await;
            clock.minutes(15).await;
            other_tool(world, true).await;
            clock.minutes(30).await;
            assert!(board.read().findings.is_empty(), "the other tool has given in: {:?}", board.read().findings);
            other_tool(world, false).await;
            clock.minutes(15).await;
            assert!(validation(world), "it is put right again");
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}
