//! The chain from a log group to a person, whole and broken at each link.

use std::collections::BTreeSet;

use super::*;
use crate::audit::Doubt;
use crate::estate::trail::{DeliveryStatus, EventSelector, ReadWrite};
use crate::estate::{Problem, Sighting, Stage};
use crate::monitoring::alarm::{Alarm, AlarmTrigger, Alarms, Composite, Series, Subscribers};
use crate::monitoring::metric_filter::Metric;
use crate::policy::PolicyDocument;

const GROUP: &str = "arn:aws:logs:eu-central-1:111111111111:log-group:/orgtrail/acme:*";
const TOPIC: &str = "arn:aws:sns:eu-central-1:111111111111:security";

const PASS: CheckVerdict = CheckVerdict::Pass;
const FAIL: CheckVerdict = CheckVerdict::Fail;
const OUTSIDE: CheckVerdict = CheckVerdict::Unknown(Doubt::Outside);
const UNREADABLE: CheckVerdict = CheckVerdict::Unknown(Doubt::Unreadable);

fn metric() -> Metric {
    Metric { namespace: "cis".into(), name: "keys".into() }
}

fn filter(name: &str, pattern: &str) -> MetricFilter {
    let count = Count { metric: metric(), value: "1".into(), default: None, dimensions: BTreeSet::new(), unit: None };
    MetricFilter { name: name.into(), pattern: pattern.into(), criteria: None, counts: vec![count] }
}

fn whole_filter() -> MetricFilter {
    filter("keys", "{ $.eventName = DisableKey || $.eventName = ScheduleKeyDeletion }")
}

/// The alarm that the benchmark prints.
fn alarm() -> Alarm {
    let series = Series {
        metric: metric(),
        account: None,
        dimensions: BTreeSet::new(),
        unit: None,
        statistic: "Sum".into(),
        period_s: 300,
    };
    let trigger = AlarmTrigger {
        comparison: "GreaterThanOrEqualToThreshold".into(),
        threshold: Some(1.0),
        periods: 1,
        datapoints: 1,
        missing_data: "missing".into(),
    };
    Alarm {
        name: "cis-keys".into(),
        arn: "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:cis-keys".into(),
        series: vec![series],
        computed: false,
        trigger,
        actions_enabled: true,
        actions: vec![TOPIC.into()],
    }
}

/// A topic with the policy that SNS gives it.
fn subscribers(confirmed: &[&str], pending: usize) -> Subscribers {
    let confirmed = confirmed.iter().map(ToString::to_string).collect();
    let owned = r#""Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"AWS:SourceOwner": "111111111111"}}"#;
    Subscribers { confirmed, pending, key: None, policy: Some(publishing("Allow", owned)) }
}

fn publishing(effect: &str, who: &str) -> PolicyDocument {
    let statement =
        format!(r#"{{"Sid": "Who", "Effect": "{effect}", "Action": "SNS:Publish", "Resource": "{TOPIC}", {who}}}"#);
    PolicyDocument::parse(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)).unwrap()
}

/// A chain that holds.
fn monitoring() -> Monitoring {
    let mut known = Monitoring::default();
    known.filters.insert(GROUP.into(), Ok(vec![whole_filter()]));
    known.alarms.insert(place(GROUP).unwrap(), Ok(Alarms { alarms: vec![alarm()], composites: Vec::new() }));
    known.topics.insert(TOPIC.into(), Ok(subscribers(&["email"], 0)));
    known
}

fn with_filters(filters: Vec<MetricFilter>) -> Monitoring {
    let mut known = monitoring();
    known.filters.insert(GROUP.into(), Ok(filters));
    known
}

fn with_alarms(alarms: Vec<Alarm>, composites: Vec<Composite>) -> Monitoring {
    let mut known = monitoring();
    known.alarms.insert(place(GROUP).unwrap(), Ok(Alarms { alarms, composites }));
    known
}

fn with_alarm(hand: impl FnOnce(&mut Alarm)) -> Monitoring {
    let mut one = alarm();
    hand(&mut one);
    with_alarms(vec![one], Vec::new())
}

fn with_topic(found: Result<Subscribers, Problem>) -> Monitoring {
    let mut known = monitoring();
    known.topics.insert(TOPIC.into(), found);
    known
}

fn denied() -> Problem {
    Problem {
        account: "111111111111".parse().unwrap(),
        address: None,
        stage: Stage::Observe,
        code: "AccessDenied".into(),
        message: "no".into(),
        help: String::new(),
    }
}

#[track_caller]
fn expect(known: &Monitoring, verdict: CheckVerdict, words: &[&str]) -> Finding {
    let finding = of_group(Filter::KeyDeletion, GROUP, known);
    assert_eq!(finding.answer.0, verdict, "{}", finding.answer.1);
    assert!(words.iter().all(|word| finding.answer.1.contains(word)), "{words:?} in {}", finding.answer.1);
    assert_eq!(finding.helps.is_some(), verdict == FAIL, "each fail says what helps");
    finding
}

/// The organization trail that delivers to the group.
fn trail() -> Trail {
    Trail { log_group: Some(GROUP.into()), ..Trail::sample() }
}

/// What is said of an organization whose trails are these, where the chain from the group on holds.
fn of_trails(trails: &[(&str, Sighting)]) -> Check {
    let address = |name: &str| Address::of_trail(&format!("arn:aws:cloudtrail:eu-central-1:111111111111:trail/{name}"));
    let mut estate = Estate::default();
    for (name, sighting) in trails {
        estate.sightings.insert(address(name).unwrap(), sighting.clone());
    }
    let subject = AuditSubject {
        account: "111111111111".parse().unwrap(),
        trails: estate.sightings.keys().cloned().collect(),
        looked_at: true,
        members: BTreeSet::from(["222222222222".parse().unwrap()]),
    };
    check(Filter::KeyDeletion, Partition::Aws, &estate, &monitoring(), &subject)
}

#[track_caller]
fn expect_of_trail(hand: impl FnOnce(&mut Trail), words: &str, helps: &str) {
    let mut one = trail();
    hand(&mut one);
    let Check { verdict, fact, fix, .. } = of_trails(&[("acme", Sighting::present(one))]);
    assert_eq!(verdict, FAIL, "{fact}");
    assert!(fact.contains(words), "{fact}");
    assert!(matches!(fix, Fix::Elsewhere(what) if what.contains(helps)), "{fix:?}");
}

#[test]
fn the_log_group_has_to_get_every_event_of_every_account() {
    let whole = of_trails(&[("acme", Sighting::present(trail()))]);
    assert_eq!((whole.verdict, whole.fix), (PASS, Fix::None), "{}", whole.fact);
    expect_of_trail(|trail| trail.multi_region = false, "records one region only", "trails.regions");
    expect_of_trail(|trail| trail.selectors.clear(), "records no management events", "trails.management_events");
    let without_kms = || EventSelector::management(ReadWrite::All, &["kms.amazonaws.com".to_owned()]);
    let leave_out = |trail: &mut Trail| trail.selectors = BTreeSet::from([without_kms()]);
    expect_of_trail(leave_out, "leaves the events of kms.amazonaws.com out", "management_events");
    expect_of_trail(|trail| trail.organization = false, "gets no events of the members", "organization trail");
    let refused = || Some(DeliveryStatus { log_group_error: Some("AccessDenied".into()), ..DeliveryStatus::default() });
    expect_of_trail(|trail| trail.delivery = refused(), "could not deliver", "logs:PutLogEvents");
}

#[test]
fn a_trail_that_could_not_be_read_may_deliver_to_a_group_where_somebody_listens() {
    let poor = Trail { multi_region: false, ..trail() };
    let unread = ("unread", Sighting::Unreadable(denied()));
    let found = of_trails(&[("poor", Sighting::present(poor)), unread.clone()]);
    assert_eq!(found.verdict, UNREADABLE, "{}", found.fact);
    let found = of_trails(&[("whole", Sighting::present(trail())), unread]);
    assert_eq!(found.verdict, PASS, "{}", found.fact);
    let silent = of_trails(&[("silent", Sighting::present(Trail { log_group: None, ..trail() }))]);
    assert_eq!(silent.verdict, FAIL, "{}", silent.fact);
}

#[test]
fn a_chain_that_holds_passes_and_names_each_link() {
    expect(
        &monitoring(),
        PASS,
        &["filter keys of", GROUP, "in cis/keys", "alarm cis-keys", TOPIC, "1 subscription", "email"],
    );
}

#[test]
fn a_filter_is_missing_or_lacks_something() {
    expect(&with_filters(vec![]), FAIL, &["has no metric filter"]);
    let half = filter("half", "{ $.eventName = DisableKey }");
    let found = expect(&with_filters(vec![filter("other", "{ $.a = b }"), half.clone()]), FAIL, &[]);
    assert!(found.answer.1.ends_with("the nearest, half, lacks ScheduleKeyDeletion"), "{}", found.answer.1);
    expect(&with_filters(vec![half, whole_filter()]), PASS, &["filter keys of"]);
}

/// A filter and an alarm for one event, which its metric is named after.
fn link(event: &str) -> (MetricFilter, Alarm) {
    let metric = Metric { namespace: "security".into(), name: format!("trail-{event}") };
    let mut one = filter(&format!("trail-{event}"), &format!("{{ $.eventName = {event} }}"));
    one.counts[0].metric = metric.clone();
    let mut alarm = alarm();
    alarm.name = format!("trail-{event}");
    alarm.series[0].metric = metric;
    (one, alarm)
}

const TRAIL_EVENTS: [&str; 5] = ["CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"];

fn of_trail_events(events: &[&str], hand: impl FnOnce(&mut Vec<Alarm>)) -> Finding {
    let (filters, mut alarms): (Vec<MetricFilter>, Vec<Alarm>) = events.iter().map(|event| link(event)).unzip();
    hand(&mut alarms);
    let mut known = with_alarms(alarms, Vec::new());
    known.filters.insert(GROUP.into(), Ok(filters));
    of_group(Filter::CloudTrailSettings, GROUP, &known)
}

/// Case 12: each event has a filter and an alarm of its own.
#[test]
fn several_filters_that_each_reach_a_person_cover_a_control_together() {
    let (verdict, fact) = of_trail_events(&TRAIL_EVENTS, |_| {}).answer;
    assert_eq!(verdict, PASS, "{fact}");
    assert!(TRAIL_EVENTS.iter().all(|event| fact.contains(&format!("trail-{event}"))), "{fact}");

    let (verdict, fact) = of_trail_events(&TRAIL_EVENTS[..4], |_| {}).answer;
    assert_eq!(verdict, FAIL, "{fact}");
    assert!(fact.contains("together do not let through StopLogging"), "{fact}");

    let silent = |alarms: &mut Vec<Alarm>| alarms[2].actions_enabled = false;
    let (verdict, fact) = of_trail_events(&TRAIL_EVENTS, silent).answer;
    assert_eq!(verdict, FAIL, "{fact}");
    assert!(fact.contains("that of DeleteTrail") && fact.contains("actions are disabled"), "{fact}");
    let gone = |alarms: &mut Vec<Alarm>| drop(alarms.remove(2));
    let (verdict, fact) = of_trail_events(&TRAIL_EVENTS, gone).answer;
    assert!(verdict == FAIL && fact.contains("no alarm of"), "{fact}");
}

#[test]
fn a_filter_that_may_leave_events_out_does_not_pass() {
    let narrow = "{ ($.eventName = DisableKey || $.eventName = ScheduleKeyDeletion) && $.awsRegion = eu-central-1 }";
    expect(&with_filters(vec![filter("narrow", narrow)]), OUTSIDE, &["may leave out DisableKey, ScheduleKeyDeletion"]);
    let of_one_account = MetricFilter { criteria: Some("@aws.account = 1".into()), ..whole_filter() };
    expect(&with_filters(vec![of_one_account]), OUTSIDE, &["only takes events of @aws.account = 1"]);
    // A broken chain stays broken.
    let mut known = with_filters(vec![filter("narrow", narrow)]);
    known.topics.insert(TOPIC.into(), Ok(Subscribers::default()));
    expect(&known, FAIL, &["has no confirmed subscriber"]);
}

#[test]
fn an_alarm_of_something_else_does_not_listen() {
    expect(&with_alarms(vec![], vec![]), FAIL, &["no alarm of 111111111111 in eu-central-1 looks at that metric"]);
    expect(&with_alarm(|alarm| alarm.series[0].metric.name = "key".into()), FAIL, &["no alarm"]);
    expect(&with_alarm(|alarm| alarm.series[0].metric.namespace = "CIS".into()), FAIL, &["no alarm"]);
    expect(&with_alarm(|alarm| alarm.series[0].account = Some("222222222222".into())), FAIL, &["no alarm"]);
    expect(&with_alarm(|alarm| alarm.series[0].account = Some("111111111111".into())), PASS, &[]);
    // An alarm of the same name in another region.
    let mut elsewhere = monitoring();
    let alarms = elsewhere.alarms.remove(&place(GROUP).unwrap()).unwrap();
    let other = GROUP.replace("eu-central-1", "us-east-1");
    elsewhere.alarms.insert(place(&other).unwrap(), alarms);
    elsewhere.alarms.insert(place(GROUP).unwrap(), Ok(Alarms::default()));
    expect(&elsewhere, FAIL, &["no alarm"]);
}

#[test]
fn an_alarm_that_looks_past_the_values_hears_nothing() {
    expect(&with_alarm(|alarm| alarm.series[0].unit = Some("Count".into())), FAIL, &["unit Count"]);
    expect(&with_alarm(|alarm| alarm.series[0].unit = Some("None".into())), PASS, &[]);
    let host = BTreeSet::from(["Host".to_owned()]);
    expect(&with_alarm(|alarm| alarm.series[0].dimensions = host.clone()), FAIL, &["dimensions Host"]);
    let mut by_host = whole_filter();
    by_host.counts[0].dimensions = host.clone();
    let mut known = with_filters(vec![by_host]);
    expect(&known, FAIL, &["without the dimensions Host"]);
    let mut one = alarm();
    one.series[0].dimensions = host;
    known.alarms.insert(place(GROUP).unwrap(), Ok(Alarms { alarms: vec![one], composites: Vec::new() }));
    expect(&known, OUTSIDE, &["some values of the metric's dimensions"]);
}

#[test]
fn an_alarm_that_cannot_be_raised_or_acts_on_nothing_is_deaf() {
    expect(&with_alarm(|alarm| alarm.trigger.comparison = "LessThanThreshold".into()), FAIL, &["raised by few events"]);
    expect(&with_alarm(|alarm| alarm.actions_enabled = false), FAIL, &["actions are disabled"]);
    expect(&with_alarm(|alarm| alarm.actions.clear()), FAIL, &["has no action"]);
    let function = "arn:aws:lambda:eu-central-1:111111111111:function:page";
    expect(&with_alarm(|alarm| alarm.actions = vec![function.into()]), OUTSIDE, &[function, "was not read"]);
}

#[test]
fn metric_math_is_not_judged() {
    expect(&with_alarm(|alarm| alarm.computed = true), OUTSIDE, &["computes with that metric"]);
}

#[test]
fn an_alarm_that_waits_for_several_events_passes_only_where_single_ones_are_everyday() {
    let five = with_alarm(|alarm| alarm.trigger.threshold = Some(5.0));
    expect(&five, OUTSIDE, &["5 events within 300 seconds", "for people to judge"]);
    let refused = "{ $.errorCode = AccessDenied* || $.errorCode = *UnauthorizedOperation }";
    let mut known = with_filters(vec![filter("refused", refused)]);
    known.alarms = five.alarms;
    let (verdict, fact) = of_group(Filter::UnauthorizedCalls, GROUP, &known).answer;
    assert_eq!(verdict, PASS, "{fact}");
    assert!(fact.contains("it takes 5 events within 300 seconds"), "{fact}");
}

#[test]
fn somebody_has_to_be_subscribed_and_to_have_confirmed() {
    expect(&with_topic(Ok(subscribers(&[], 0))), FAIL, &["has no confirmed subscriber", TOPIC]);
    expect(&with_topic(Ok(subscribers(&[], 2))), FAIL, &["2 subscriptions not confirmed"]);
    expect(&with_topic(Ok(subscribers(&["email", "https"], 1))), PASS, &["2 subscriptions confirmed (email, https)"]);
    let managed = Subscribers { key: Some("alias/aws/sns".into()), ..subscribers(&["email"], 0) };
    expect(&with_topic(Ok(managed)), FAIL, &["alias/aws/sns, with which CloudWatch cannot publish"]);
    let own = Subscribers { key: Some("alias/security".into()), ..subscribers(&["email"], 0) };
    expect(&with_topic(Ok(own)), PASS, &[]);
}

#[test]
fn cloudwatch_has_to_be_let_in_by_the_topic() {
    let service = r#""Principal": {"Service": "cloudwatch.amazonaws.com"}"#;
    let of_alarms = format!(
        r#"{service}, "Condition": {{"ArnLike": {{"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:111111111111:alarm:*"}}}}"#
    );
    let with = |policy| {
        let found = Subscribers { policy: Some(policy), ..subscribers(&["email"], 0) };
        with_topic(Ok(found))
    };
    expect(&with(publishing("Allow", service)), PASS, &[]);
    expect(&with(publishing("Allow", &of_alarms)), PASS, &[]);
    let of_another = of_alarms.replace("111111111111", "222222222222");
    expect(&with(publishing("Allow", &of_another)), OUTSIDE, &["does not show that CloudWatch may publish"]);
    let other_service = service.replace("cloudwatch", "cloudtrail");
    expect(&with(publishing("Allow", &other_service)), OUTSIDE, &["does not show"]);
    expect(&with(publishing("Deny", service)), FAIL, &["Who", "keeps CloudWatch from publishing"]);
}

#[test]
fn one_chain_that_holds_is_enough_and_where_none_does_each_is_told() {
    let silent = Alarm { name: "silent".into(), actions: Vec::new(), ..alarm() };
    let disabled = Alarm { name: "disabled".into(), actions_enabled: false, ..alarm() };
    expect(&with_alarms(vec![silent.clone(), alarm()], vec![]), PASS, &["cis-keys"]);
    expect(&with_alarms(vec![silent, disabled], vec![]), FAIL, &["silent; it has no action", "disabled; its actions"]);
    let mut two = with_alarm(|alarm| alarm.actions.push(TOPIC.replace("security", "nobody")));
    expect(&two, PASS, &[TOPIC]);
    two.topics.insert(TOPIC.into(), Ok(Subscribers::default()));
    expect(&two, OUTSIDE, &["was not looked at"]);
}

#[test]
fn a_composite_alarm_may_tell_what_its_parts_do_not() {
    let silent = Alarm { actions: Vec::new(), ..alarm() };
    let composite = |rule: &str, acts| Composite { name: "any-cis".into(), rule: rule.into(), acts };
    let named = "ALARM(\"cis-keys\") OR ALARM(\"cis-root\")";
    expect(
        &with_alarms(vec![silent.clone()], vec![composite(named, true)]),
        OUTSIDE,
        &["any-cis, whose rule names it"],
    );
    expect(&with_alarms(vec![silent.clone()], vec![composite(named, false)]), FAIL, &["has no action"]);
    let other = "ALARM(\"cis-keys-2\")";
    expect(&with_alarms(vec![silent.clone()], vec![composite(other, true)]), FAIL, &["has no action"]);
    // It hears nothing of an alarm that is never raised.
    let mut never = silent;
    never.trigger.comparison = "LessThanThreshold".into();
    expect(&with_alarms(vec![never], vec![composite(named, true)]), FAIL, &["raised by few events"]);
}

#[test]
fn what_was_not_read_is_no_answer() {
    let mut known = monitoring();
    known.filters.insert(GROUP.into(), Err(denied()));
    expect(&known, UNREADABLE, &["metric filters", "AccessDenied"]);
    expect(&Monitoring::default(), OUTSIDE, &["were not looked at"]);
    let mut known = monitoring();
    known.alarms.insert(place(GROUP).unwrap(), Err(denied()));
    expect(&known, UNREADABLE, &["alarms", "AccessDenied"]);
    // A world that tells of metric filters only.
    known.alarms.clear();
    expect(&known, OUTSIDE, &["looks at cis/keys was not looked at"]);
    expect(&with_topic(Err(denied())), UNREADABLE, &[TOPIC, "AccessDenied"]);
    let mut known = monitoring();
    known.topics.clear();
    expect(&known, OUTSIDE, &["who is subscribed to", "was not looked at"]);
}
