//! Over random streams, in any order within the allowed lateness, with copies and restarts, thresholds find what a
//! plain look at all events finds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{Engine, EngineSettings};
use super::{BEGIN_S, Event, rules};
use crate::detect::finding::DetectionFinding;
use crate::detect::ruleset::RuleSet;
use crate::event::Record;

/// How long a window is, in seconds.
const WITHIN_S: i64 = 600;
const LATENESS_S: i64 = 3_600;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Count,
    Distinct,
    Any,
    Ordered,
}

#[derive(Debug, Clone)]
struct Plan {
    kind: Kind,
    /// Time, user, step and value of each event; its number is its id.
    events: Vec<(i64, u8, u8, u64)>,
    /// When events come, and again: the number of the event, how late, and whether the engine is restarted before it.
    arrivals: Vec<(usize, i64, bool)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![Just(Kind::Count), Just(Kind::Distinct), Just(Kind::Any), Just(Kind::Ordered)];
    // Times are close to each other, so that thresholds are met now and then.
    let event = (0..120_i64, 0..2_u8, 0..2_u8, 0..4_u64);
    (kind, prop::collection::vec(event, 1..40)).prop_flat_map(|(kind, mut events)| {
        events.iter_mut().for_each(|(at, ..)| *at *= 60);
        let count = events.len();
        let once: Vec<_> = (0..count).map(|n| (Just(n), 0..LATENESS_S, prop::bool::weighted(0.1))).collect();
        let again = prop::collection::vec((0..count, 0..LATENESS_S, prop::bool::weighted(0.1)), 0..20);
        (once, again).prop_map(move |(once, again)| {
            let mut arrivals: Vec<(usize, i64, bool)> = once.into_iter().chain(again).collect();
            arrivals.sort_by_key(|(n, late, _)| events[*n].0 + late);
            Plan { kind, events: events.clone(), arrivals }
        })
    })
}

fn rule(kind: Kind) -> RuleSet {
    let threshold = |more: &str| {
        format!(
            "title: T\nid: t\nlevel: low\nwhen: {{eventName: [A, B]}}\ngroup_by: [userIdentity.userName]\n\
                 within: 10m\n{more}\n"
        )
    };
    let base = |name: &str| {
        format!(
            "title: {name}\nname: {name}\nlogsource: {{product: aws, service: cloudtrail}}\n\
                 detection: {{s: {{eventName: {name}}}, condition: s}}\n---\n"
        )
    };
    let correlation = |kind: &str| {
        format!(
            "{}{}title: T\nid: t\nlevel: low\ncorrelation: {{type: {kind}, rules: [A, B], \
                 group-by: [userIdentity.userName], timespan: 10m}}\n",
            base("A"),
            base("B")
        )
    };
    rules(&match kind {
        Kind::Count => threshold("at_least: 4"),
        Kind::Distinct => threshold("at_least: 3\ndistinct: requestParameters.value"),
        Kind::Any => correlation("temporal"),
        Kind::Ordered => correlation("temporal_ordered"),
    })
}

/// A finding as a plain look has it: user, number of the window, events, first and last time.
type Plain = BTreeMap<(String, i64), (u64, i64, i64)>;

/// Looks at every event as the end of a time, one after the other.
fn plainly(plan: &Plan) -> Plain {
    let mut found: BTreeMap<(String, i64), BTreeSet<usize>> = BTreeMap::new();
    for (end, user, ..) in &plan.events {
        let within: Vec<usize> = (0..plan.events.len())
            .filter(|n| {
                let (at, of, ..) = plan.events[*n];
                of == *user && end - WITHIN_S <= at && at <= *end
            })
            .collect();
        if is_enough(plan, &within) {
            found.entry((format!("user-{user}"), end.div_euclid(WITHIN_S))).or_default().extend(within);
        }
    }
    let span = |events: &BTreeSet<usize>| {
        let times = || events.iter().map(|n| plan.events[*n].0);
        (events.len() as u64, times().min().unwrap(), times().max().unwrap())
    };
    found.into_iter().map(|(key, events)| (key, span(&events))).collect()
}

fn is_enough(plan: &Plan, within: &[usize]) -> bool {
    let event = |n: &usize| plan.events[*n];
    match plan.kind {
        Kind::Count => within.len() >= 4,
        Kind::Distinct => within.iter().map(|n| event(n).3).collect::<BTreeSet<_>>().len() >= 3,
        Kind::Any => (0..2).all(|step| within.iter().any(|n| event(n).2 == step)),
        Kind::Ordered => {
            within.iter().any(|a| event(a).2 == 0 && within.iter().any(|b| event(b).2 == 1 && event(b).0 >= event(a).0))
        }
    }
}

/// Feeds the stream as it arrives, and returns what was opened and what was closed.
fn run(plan: &Plan) -> (Vec<DetectionFinding>, Vec<DetectionFinding>) {
    let (rules, settings) = (rule(plan.kind), EngineSettings::default());
    let mut engine = Engine::new(&rules, settings.clone());
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for (n, _, restarts) in &plan.arrivals {
        if *restarts {
            closed.extend(engine.take_closed());
            let saved = engine.save().unwrap();
            engine = Engine::restore(&rules, settings.clone(), &saved).unwrap().engine;
        }
        let (at, user, step, value) = plan.events[*n];
        let name = if step == 0 { "A" } else { "B" };
        let text = Event::new(*n as u64, at, name, &format!("user-{user}")).value(value).0.to_string();
        opened.extend(engine.feed(&Record::read(&text).unwrap()));
    }
    assert_eq!(engine.tallies().by_rule["t"].late, 0, "every event came within the allowed lateness");
    closed.extend(engine.finish());
    (opened, closed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn thresholds_find_what_a_plain_look_finds(plan in plan()) {
        let (opened, closed) = run(&plan);
        let mut found = Plain::new();
        for finding in &closed {
            let key = (finding.group[0].1.clone(), (finding.window_start.as_second() - BEGIN_S).div_euclid(WITHIN_S));
            let seconds = |at: jiff::Timestamp| at.as_second() - BEGIN_S;
            let (first, last) = (seconds(finding.first_event_time), seconds(finding.last_event_time));
            prop_assert!(finding.is_exact);
            prop_assert_eq!(found.insert(key, (finding.event_count, first, last)), None, "one finding a group and window");
        }
        prop_assert_eq!(&found, &plainly(&plan));
        let ids = |findings: &[DetectionFinding]| {
            let mut ids: Vec<String> = findings.iter().map(|finding| finding.id.clone()).collect();
            ids.sort();
            ids
        };
        prop_assert_eq!(ids(&opened), ids(&closed), "each is opened once, also over restarts");
    }
}
