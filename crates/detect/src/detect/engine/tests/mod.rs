//! The engine: what opens a finding, what belongs to it, what is counted, and what survives.

mod bounds;
mod random;
mod saved;

use serde_json::{Value, json};

use super::{Engine, EngineSettings};
use crate::detect::finding::DetectionFinding;
use crate::detect::ruleset::RuleSet;
use crate::event::Record;

/// The time of second 0 of the tests: the beginning of a day, and so of an hour and of ten minutes.
pub(super) const BEGIN_S: i64 = 1_790_035_200;

/// An event of a test.
#[derive(Debug, Clone)]
pub(super) struct Event(pub Value);

impl Event {
    /// `number` is the end of its id.
    pub fn new(number: u64, at_s: i64, name: &str, user: &str) -> Self {
        let time = jiff::Timestamp::from_second(BEGIN_S + at_s).unwrap().to_string();
        Self(json!({
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDAEXAMPLE",
                "arn": format!("arn:aws:iam::111122223333:user/{user}"),
                "accountId": "111122223333",
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                "userName": user,
            },
            "eventTime": time,
            "eventSource": "iam.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli/2.17",
            "requestParameters": null,
            "responseElements": null,
            "eventID": format!("00000000-0000-4000-8000-{number:012x}"),
            "readOnly": false,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": "111122223333",
            "eventCategory": "Management",
        }))
    }

    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    pub fn value(self, value: u64) -> Self {
        self.with("requestParameters", json!({ "value": format!("v{value}") }))
    }
}

pub(super) fn rules(text: &str) -> RuleSet {
    let rules = RuleSet::read([("test.yaml", text)]);
    assert_eq!(rules.problems(), [], "{text}");
    rules
}

pub(super) fn engine(text: &str) -> Engine {
    Engine::new(&rules(text), EngineSettings::default())
}

pub(super) fn feed(engine: &mut Engine, events: &[Event]) -> Vec<DetectionFinding> {
    let feed_one = |event: &Event| {
        let text = event.0.to_string();
        engine.feed(&Record::read(&text).unwrap())
    };
    events.iter().flat_map(feed_one).collect()
}

const EACH: &str = "
title: A rule
id: each
level: high
author: a person
tags: [attack.t1562.008]
next_step: Look.
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: StopIt}, condition: s}
";

const THREE: &str = "
title: Three
id: three
level: medium
when: {eventName: Try}
group_by: [recipientAccountId, userIdentity.userName]
within: 10m
at_least: 3
";

const FIRST: &str = "
title: First
id: first
level: low
when: {eventName: Go}
first: [userIdentity.userName, awsRegion]
in: 30d
known_for: 7d
";

#[test]
fn a_finding_says_who_what_where_and_what_to_do() {
    let event = Event::new(1, 10, "StopIt", "eve").with("errorCode", "AccessDenied");
    let [found] = <[_; 1]>::try_from(feed(&mut engine(EACH), &[event])).unwrap();
    assert_eq!((found.rule.as_str(), found.title.as_str(), found.author.as_str()), ("each", "A rule", "a person"));
    assert_eq!((found.event_count, found.done_count, found.is_exact), (1, 0, true), "it was denied");
    assert_eq!(found.principal.name, "arn:aws:iam::111122223333:user/eve");
    assert_eq!(found.principal.kind, "user");
    assert_eq!(found.actions, ["StopIt (iam.amazonaws.com)"]);
    assert_eq!(
        (found.accounts.as_slice(), found.regions.as_slice()),
        (&["111122223333".into()][..], &["us-east-1".into()][..])
    );
    assert_eq!(found.source_ip_addresses, ["198.51.100.7"]);
    assert_eq!(found.event_ids, ["00000000-0000-4000-8000-000000000001"]);
    assert_eq!(found.command, "orgtrail who --event 00000000-0000-4000-8000-000000000001");
    assert_eq!(found.next_step, "Look.");
    let group = [("recipientAccountId", "111122223333"), ("principal", "arn:aws:iam::111122223333:user/eve")];
    assert_eq!(found.group, group.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(found.window_start.as_second(), BEGIN_S);
    assert_eq!(found.window_end.as_second(), BEGIN_S + 3_600);
}

#[test]
fn one_finding_for_each_rule_group_and_window() {
    let mut engine = engine(EACH);
    let stop = |number: u64, at_s: i64, user: &str| Event::new(number, at_s, "StopIt", user);
    // Twice in an hour, the second again, another user, another hour, and another call.
    let events =
        [stop(1, 10, "eve"), stop(2, 20, "eve"), stop(2, 20, "eve"), stop(3, 30, "bob"), stop(4, 3_600, "eve")];
    let opened = feed(&mut engine, &events);
    assert_eq!(opened.len(), 3);
    assert!(feed(&mut engine, &[Event::new(5, 40, "Other", "eve")]).is_empty());
    let mut closed = engine.finish();
    closed.sort_by_key(|finding| (finding.first_event_time, finding.id.clone()));
    let counts: Vec<(u64, i64)> =
        closed.iter().map(|finding| (finding.event_count, finding.last_event_time.as_second() - BEGIN_S)).collect();
    assert_eq!(counts, [(2, 20), (1, 30), (1, 3_600)]);
    let mut ids: Vec<String> = opened.iter().map(|finding| finding.id.clone()).collect();
    ids.sort();
    let mut of_closed: Vec<String> = closed.into_iter().map(|finding| finding.id).collect();
    of_closed.sort();
    assert_eq!(ids, of_closed, "what was opened is what is closed");
    assert_eq!(engine.tallies().by_rule["each"].duplicates, 1);
}

#[test]
fn a_threshold_rings_over_the_end_of_a_window_and_in_any_order() {
    let attempt = |number: u64, at_s: i64| Event::new(number, at_s, "Try", "eve");
    // 8:20, 11:40 and 12:00: the last two lie in the second window of ten minutes.
    let events = [attempt(1, 500), attempt(2, 700), attempt(3, 720)];
    let mut ids = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut engine = engine(THREE);
        let ordered: Vec<Event> = order.iter().map(|at| events[*at].clone()).collect();
        let opened = feed(&mut engine, &ordered);
        assert_eq!(opened.len(), 1, "{order:?}");
        assert_eq!((opened[0].event_count, opened[0].event_ids.len()), (3, 3));
        ids.push(opened[0].id.clone());
        let closed = engine.finish();
        assert_eq!((closed.len(), closed[0].first_event_time.as_second() - BEGIN_S), (1, 500));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "the id does not depend on the order");
}

#[test]
fn both_ends_of_a_time_belong_to_it_and_copies_do_not_count() {
    let attempt = |number: u64, at_s: i64| Event::new(number, at_s, "Try", "eve");
    assert_eq!(feed(&mut engine(THREE), &[attempt(1, 0), attempt(2, 300), attempt(3, 600)]).len(), 1);
    assert!(feed(&mut engine(THREE), &[attempt(1, 0), attempt(2, 300), attempt(3, 601)]).is_empty());
    let mut engine = engine(THREE);
    assert!(feed(&mut engine, &[attempt(1, 0), attempt(1, 0), attempt(2, 1), attempt(2, 1)]).is_empty());
    assert_eq!(engine.tallies().by_rule["three"].duplicates, 2);
}

#[test]
fn different_values_and_sequences_ring() {
    let distinct = THREE.replace("at_least: 3", "at_least: 3\ndistinct: requestParameters.value");
    let value = |number: u64, value: u64| Event::new(number, 10, "Try", "eve").value(value);
    assert!(feed(&mut engine(&distinct), &[value(1, 1), value(2, 2), value(3, 1), value(4, 2)]).is_empty());
    let opened = feed(&mut engine(&distinct), &[value(1, 1), value(2, 2), value(3, 1), value(4, 3)]);
    assert_eq!(opened.iter().map(|finding| finding.event_count).collect::<Vec<_>>(), [4]);
    let mut without = engine(&distinct);
    assert!(feed(&mut without, &[value(1, 1), value(2, 2), Event::new(3, 10, "Try", "eve")]).is_empty());
    assert_eq!(without.tallies().by_rule["three"].without_group, 1);

    let sequence = |kind: &str| {
        let base = |name: &str| {
            format!(
                "title: {name}\nname: {name}\nlogsource: {{product: aws, service: cloudtrail}}\n\
                     detection: {{s: {{eventName: {name}}}, condition: s}}\n---\n"
            )
        };
        format!(
            "{}{}title: C\nid: c\nlevel: high\ncorrelation:\n  type: {kind}\n  rules: [A, B]\n  \
                 group-by: [userIdentity.userName]\n  timespan: 5m\n",
            base("A"),
            base("B")
        )
    };
    let (a, b) = (Event::new(1, 100, "A", "eve"), Event::new(2, 90, "B", "eve"));
    assert_eq!(feed(&mut engine(&sequence("temporal")), &[a.clone(), b.clone()]).len(), 1);
    assert!(feed(&mut engine(&sequence("temporal_ordered")), &[a.clone(), b.clone()]).is_empty());
    let later = Event::new(3, 100, "B", "eve");
    assert_eq!(feed(&mut engine(&sequence("temporal_ordered")), &[later, b, a]).len(), 1, "one second has no order");
}

#[test]
fn correlations_of_sigma_count_group_and_leave_their_rules_silent() {
    let base = |name: &str| {
        format!(
            "title: {name}\nid: {name}\nlevel: low\nlogsource: {{product: aws, service: cloudtrail}}\n\
                 detection: {{s: {{eventName: {name}}}, condition: s}}\n---\n"
        )
    };
    let bases = format!("{}{}", base("A"), base("B"));
    let correlation =
        |body: &str| format!("{bases}title: C\nid: c\nlevel: high\ncorrelation: {{rules: [A, B], {body}}}\n");
    let rang = |text: &str, events: &[Event]| {
        let mut rules: Vec<String> = feed(&mut engine(text), events).into_iter().map(|finding| finding.rule).collect();
        rules.sort();
        rules.join(" ")
    };
    let event = |number: u64, name: &str, user: &str| Event::new(number, number as i64, name, user).value(number % 2);
    let events = [event(1, "A", "eve"), event(2, "B", "eve"), event(3, "A", "bob"), event(4, "A", "eve")];
    let count = "type: event_count, timespan: 5m, group-by: [userIdentity.userName], condition: {gt: 2}";
    assert_eq!(rang(&correlation(count), &events), "c", "three of eve, of both rules");
    assert_eq!(rang(&correlation(&format!("{count}, generate: true")), &events), "A A B c");
    let values = "type: value_count, timespan: 5m, condition: {gte: 2, field: requestParameters.value}";
    assert_eq!(rang(&correlation(values), &events), "c", "without a group all are one");
    // The user of A is the target of B.
    let aliased = "type: temporal, timespan: 5m, group-by: [who], \
                   aliases: {who: {A: userIdentity.userName, B: requestParameters.target}}";
    let named = |target: &str| Event::new(9, 9, "B", "admin").with("requestParameters", json!({"target": target}));
    assert_eq!(rang(&correlation(aliased), &[event(1, "A", "eve"), named("eve")]), "c");
    assert_eq!(rang(&correlation(aliased), &[event(1, "A", "eve"), named("bob")]), "");
}

#[test]
fn a_record_without_a_value_of_its_group_is_counted_and_no_group_unless_a_rule_says_so() {
    let nameless = |number: u64| {
        let mut event = Event::new(number, 10, "Try", "eve");
        event.0["userIdentity"].as_object_mut().unwrap().remove("userName");
        event
    };
    let events = [nameless(1), nameless(2), nameless(3)];
    let mut counting = engine(THREE);
    assert!(feed(&mut counting, &events).is_empty());
    assert_eq!(counting.tallies().by_rule["three"].without_group, 3);
    let grouping = format!("{THREE}missing_group: group\n");
    let opened = feed(&mut engine(&grouping), &events);
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].group, [("recipientAccountId".to_owned(), "111122223333".to_owned())]);
}

#[test]
fn late_events_are_counted_and_ring_only_by_themselves() {
    let mut engine = engine(&format!("{EACH}---{THREE}"));
    let later = Event::new(9, 8 * 3_600, "Other", "bob");
    feed(&mut engine, &[Event::new(1, 10, "Try", "eve"), Event::new(2, 11, "Try", "eve"), later]);
    assert!(feed(&mut engine, &[Event::new(3, 12, "Try", "eve")]).is_empty(), "its window is closed");
    let opened = feed(&mut engine, &[Event::new(4, 13, "StopIt", "eve")]);
    assert_eq!(
        opened.iter().map(|finding| (finding.rule.as_str(), finding.is_late)).collect::<Vec<_>>(),
        [("each", true)]
    );
    let tallies = engine.tallies();
    assert_eq!((tallies.by_rule["three"].late, tallies.by_rule["each"].late), (1, 1));
    // Within the allowed lateness nothing is late.
    let events = [Event::new(5, 7 * 3_600 + 100, "Try", "eve"), Event::new(6, 7 * 3_600 + 90, "Try", "eve")];
    assert_eq!(feed(&mut engine, &events).len(), 0);
    assert_eq!(feed(&mut engine, &[Event::new(7, 7 * 3_600 + 80, "Try", "eve")]).len(), 1);
}

#[test]
fn one_wrong_time_does_not_close_every_window() {
    let attempt = |number: u64, at_s: i64| Event::new(number, at_s, "Try", "eve");
    let wrong = Event::new(9, 30 * 86_400, "Other", "bob");
    let mut first = engine(THREE);
    let opened = feed(&mut first, &[attempt(1, 0), wrong.clone(), attempt(2, 1), wrong, attempt(3, 2)]);
    assert_eq!(opened.len(), 1);
    assert_eq!(first.tallies().ahead, 2);
    // A stream that begins with a wrong time.
    let mut begun = engine(THREE);
    let others: Vec<Event> = (0..5).map(|n| Event::new(200 + n, n as i64, "Other", "bob")).collect();
    feed(&mut begun, &[Event::new(9, 30 * 86_400, "Other", "bob")]);
    feed(&mut begun, &others);
    assert_eq!(feed(&mut begun, &[attempt(1, 0), attempt(2, 1), attempt(3, 2)]).len(), 1);
    // A stream that was silent for a month goes on.
    let mut second = engine(THREE);
    feed(&mut second, &[attempt(1, 0)]);
    let later: Vec<Event> = (0..10).map(|n| Event::new(100 + n, 30 * 86_400 + n as i64, "Other", "bob")).collect();
    feed(&mut second, &later);
    feed(&mut second, &[attempt(2, 1)]);
    assert_eq!(second.tallies().by_rule["three"].late, 1);
    let mut timeless = attempt(1, 0);
    timeless.0.as_object_mut().unwrap().remove("eventTime");
    feed(&mut second, &[timeless]);
    assert_eq!(second.tallies().without_time, 1);
}

#[test]
fn a_first_occurrence_rings_only_where_the_time_before_is_known() {
    let go = |number: u64, day: i64, user: &str| Event::new(number, day * 86_400, "Go", user);
    let mut ignorant = engine(FIRST);
    assert!(feed(&mut ignorant, &[go(1, 40, "eve")]).is_empty());
    assert_eq!(ignorant.tallies().by_rule["first"].without_baseline, 1);

    let mut engine = engine(FIRST);
    let learned = go(1, 20, "eve").0.to_string();
    engine.learn(&Record::read(&learned).unwrap());
    engine.knows_since(jiff::Timestamp::from_second(BEGIN_S + 10 * 86_400).unwrap());
    assert!(feed(&mut engine, &[go(2, 16, "bob")]).is_empty(), "six days are known, and seven are asked for");
    let opened = feed(&mut engine, &[go(3, 40, "eve"), go(4, 40, "mallory"), go(5, 41, "mallory"), go(6, 41, "bob")]);
    let names: Vec<&str> = opened.iter().map(|finding| finding.group[0].1.as_str()).collect();
    assert_eq!(names, ["mallory"], "eve was learned, bob was seen");
    assert_eq!(opened[0].known_since.unwrap().as_second(), BEGIN_S + 10 * 86_400);
    let opened = feed(&mut engine, &[go(7, 72, "mallory"), go(8, 72, "eve"), go(9, 73, "eve")]);
    assert_eq!(opened.len(), 2, "both were not seen for thirty days");
}

#[test]
fn overrides_change_levels_silence_rules_and_exclude_records() {
    let overrides = "
overrides:
  - rule: each
    level: low
    exclude:
      - when: {userIdentity.userName: deployer}
        who: a person
        why: It stops things.
        until: 2026-09-24
  - rule: three
    disabled: true
    why: Too many.
";
    let overrides = crate::detect::Overrides::read([("own.yaml", overrides)]);
    let rules = rules(&format!("{EACH}---{THREE}")).with_overrides(&overrides);
    let disabled = crate::detect::DisabledRule { id: "three".to_owned(), why: "Too many.".to_owned() };
    assert_eq!((rules.problems(), rules.disabled()), (&[][..], &[disabled][..]));
    let mut engine = Engine::new(&rules, EngineSettings::default());
    let day = 86_400;
    let events = [
        Event::new(1, 0, "StopIt", "eve"),
        Event::new(2, day, "StopIt", "deployer"),
        Event::new(3, 2 * day, "StopIt", "deployer"),
    ];
    let opened = feed(&mut engine, &events);
    let users: Vec<(&str, &str)> = opened
        .iter()
        .map(|finding| (finding.level.as_str(), finding.principals[0].rsplit('/').next().unwrap()))
        .collect();
    assert_eq!(users, [("low", "eve"), ("low", "deployer")], "the exclusion ends with the second day");
    assert_eq!(engine.tallies().by_rule["each"].excluded, 1);
}
