//! State that survives a restart.

use super::super::{BadState, Engine, EngineSettings};
use super::{EACH, Event, FIRST, THREE, engine, feed, rules};

#[test]
fn an_engine_goes_on_where_it_was_saved() {
    let text = format!("{EACH}---{THREE}---{FIRST}");
    let mut first = engine(&text);
    first.knows_since(jiff::Timestamp::UNIX_EPOCH);
    let attempt = |number: u64| Event::new(number, number as i64, "Try", "eve");
    feed(&mut first, &[attempt(1), attempt(2), Event::new(7, 7, "StopIt", "eve"), Event::new(8, 8, "Go", "eve")]);
    let saved = first.save().unwrap();
    assert_eq!(saved, first.save().unwrap());
    let restored = Engine::restore(&rules(&text), EngineSettings::default(), &saved).unwrap();
    assert_eq!((restored.changed.len(), restored.gone.len()), (0, 0));
    let mut second = restored.engine;
    assert_eq!(second.save().unwrap(), saved, "what is read is what was written");
    // Everything is delivered again, and one more.
    let again = [attempt(1), attempt(2), Event::new(7, 7, "StopIt", "eve"), Event::new(8, 8, "Go", "eve"), attempt(3)];
    let opened = feed(&mut second, &again);
    assert_eq!(opened.iter().map(|finding| finding.rule.as_str()).collect::<Vec<_>>(), ["three"]);
    assert_eq!(second.tallies().records, 9);
    assert_eq!(second.finish().len(), 3, "the findings that were open are closed here");
}

#[test]
fn a_rule_that_changed_begins_anew_and_a_state_of_another_format_is_refused() {
    let mut first = engine(&format!("{EACH}---{THREE}"));
    feed(&mut first, &[Event::new(1, 1, "Try", "eve"), Event::new(2, 2, "Try", "eve")]);
    let saved = first.save().unwrap();
    let changed = format!("{FIRST}---{}", THREE.replace("within: 10m", "within: 5m"));
    let restored = Engine::restore(&rules(&changed), EngineSettings::default(), &saved).unwrap();
    assert_eq!((restored.changed, restored.gone), (vec!["three".to_owned()], vec!["each".to_owned()]));
    let mut second = restored.engine;
    assert!(feed(&mut second, &[Event::new(3, 3, "Try", "eve")]).is_empty());

    let text = String::from_utf8(saved).unwrap();
    let other = text.replacen("\"version\":1", "\"version\":2", 1);
    let refused = |bytes: &[u8]| Engine::restore(&rules(THREE), EngineSettings::default(), bytes).unwrap_err();
    assert!(matches!(refused(other.as_bytes()), BadState::OtherVersion(2)));
    for at in [0, 1, text.len() / 2, text.len() - 1] {
        assert!(matches!(refused(&text.as_bytes()[..at]), BadState::Unreadable(_)), "{at}");
    }
}
