//! Memory that does not grow, whatever comes; and what is said of what had no room.

use super::super::{Engine, EngineSettings};
use super::{EACH, Event, FIRST, THREE, engine, feed, rules};

fn small() -> EngineSettings {
    EngineSettings { groups_max: 50, events_max: 200, values_max: 50, findings_max: 10, ..EngineSettings::default() }
}

/// Bytes of a state that may not be more.
fn size(engine: &Engine) -> usize {
    engine.save().unwrap().len()
}

#[test]
fn very_many_groups_are_dropped_the_ones_with_the_fewest_events_first() {
    let mut engine = Engine::new(&rules(THREE), small());
    let attempt = |number: u64, user: &str| Event::new(number, (number / 1_000) as i64, "Try", user);
    feed(&mut engine, &[attempt(1, "eve"), attempt(2, "eve")]);
    let mut most = 0;
    for number in 10..3_000 {
        assert!(feed(&mut engine, &[attempt(number, &format!("user-{number}"))]).is_empty());
        most = most.max(size(&engine));
    }
    let tallies = &engine.tallies().by_rule["three"];
    assert!(tallies.dropped_groups > 2_900 && tallies.dropped_groups == tallies.dropped_events, "{tallies:?}");
    assert!(most < 60 * 1_500, "{most} bytes for 50 groups");
    assert_eq!(feed(&mut engine, &[attempt(3_000, "eve")]).len(), 1, "who had two events was kept");
}

#[test]
fn very_many_events_of_one_group_are_dropped_and_said() {
    let mut engine = engine(THREE);
    let opened = feed(&mut engine, &(0..3_000).map(|n| Event::new(n, 1, "Try", "eve")).collect::<Vec<_>>());
    assert_eq!(opened.len(), 1);
    let tallies = engine.tallies().by_rule["three"].clone();
    assert_eq!(tallies.dropped_events, 3_000 - 1_024);
    let closed = engine.finish();
    assert_eq!((closed[0].event_count, closed[0].is_exact), (3_000, false));
    assert!(size(&engine) < 2_000, "closed windows are forgotten");
}

#[test]
fn values_are_counted_however_often_one_of_them_is_repeated() {
    let distinct = THREE.replace("at_least: 3", "at_least: 3\ndistinct: requestParameters.value");
    let mut engine = engine(&distinct);
    let read = |number: u64, at_s: i64, value: u64| Event::new(number, at_s, "Try", "eve").value(value);
    let mut events = vec![read(0, 0, 1), read(1, 0, 2)];
    events.extend((2..3_000).map(|number| read(number, 1, 1)));
    assert!(feed(&mut engine, &events).is_empty());
    assert_eq!(feed(&mut engine, &[read(3_000, 2, 3)]).len(), 1, "the second value was not pushed out");
    assert_eq!(engine.tallies().by_rule["three"].dropped_events, 0);
}

#[test]
fn what_no_window_needs_any_more_is_forgotten_and_not_dropped() {
    // One a minute for days: more than are kept, and never many at a time.
    let settings = EngineSettings { allowed_lateness: jiff::SignedDuration::ZERO, ..EngineSettings::default() };
    let mut engine = Engine::new(&rules(&THREE.replace("within: 10m", "within: 1m")), settings);
    for number in 0..4_000 {
        feed(&mut engine, &[Event::new(number, number as i64 * 60, "Try", "eve")]);
    }
    assert_eq!(engine.tallies().by_rule["three"].dropped_events, 0);
}

#[test]
fn a_storm_of_findings_is_folded_into_one_and_counted() {
    let mut engine = Engine::new(&rules(EACH), small());
    let storm: Vec<Event> = (0..500).map(|n| Event::new(n, 1, "StopIt", &format!("user-{n}"))).collect();
    let opened = feed(&mut engine, &storm);
    assert_eq!(opened.len(), 11, "ten by name, and one for all others");
    assert!(opened[10].is_folded && opened[10].group.is_empty());
    let closed = engine.finish();
    let folded = closed.iter().find(|finding| finding.is_folded).unwrap();
    assert_eq!((folded.event_count, folded.id.as_str()), (490, opened[10].id.as_str()));
    assert_eq!(engine.tallies().by_rule["each"].folded, 490);
}

#[test]
fn values_without_room_do_not_ring_and_are_counted() {
    let mut engine = Engine::new(&rules(FIRST), small());
    engine.knows_since(jiff::Timestamp::UNIX_EPOCH);
    let go = |n: u64| Event::new(n, n as i64, "Go", &format!("user-{n}"));
    let opened = feed(&mut engine, &(0..80).map(go).collect::<Vec<_>>());
    assert_eq!(opened.len(), 11, "fifty are remembered, of which ten ring by name and one for the others");
    assert_eq!(engine.tallies().by_rule["first"].dropped_values, 30);
    // A month later there is room again.
    let later = Event::new(1_000, 40 * 86_400, "Go", "late");
    let clock: Vec<Event> = (0..10).map(|n| Event::new(900 + n, 40 * 86_400, "Other", "bob")).collect();
    feed(&mut engine, &clock);
    assert_eq!(feed(&mut engine, &[later]).len(), 1);
}

#[test]
fn groups_without_end_take_the_memory_of_those_that_are_kept() {
    let settings = EngineSettings { groups_max: 500, ..EngineSettings::default() };
    let mut engine = Engine::new(&rules(THREE), settings);
    let mut most = 0;
    for n in 0..20_000 {
        feed(&mut engine, &[Event::new(n, (n / 1_000) as i64, "Try", &format!("user-{n}"))]);
        if n % 1_000 == 0 {
            most = most.max(size(&engine));
        }
    }
    assert!(most < 500 * 1_500, "{most} bytes for 500 groups");
    assert!(engine.tallies().by_rule["three"].dropped_groups > 19_000);
}
