//! Does an alarm of a metric tell somebody?

use super::trigger::{Raised, raised};
use super::{CHANGE_KEY, Finding, GIVE_TOPIC, LET_IN, MAKE_ALARM, MEND_ALARM, SUBSCRIBE};
use crate::audit::answer::{outside, pass, unreadable};
use crate::audit::{CheckVerdict, Filter};
use crate::monitoring::alarm::{Alarm, Alarms, Series, Subscribers};
use crate::monitoring::metric_filter::Count;
use crate::monitoring::{MetricPlace, Monitoring};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{AccessDecision, Caller, Context, Denial, Layers, Named, Request, evaluate};

/// The key that encrypts a topic where nobody made one. Its policy, which nobody can change, does not let CloudWatch in
/// (AWS re:Post knowledge center, "cloudwatch-configure-alarm-sns").
const MANAGED_KEY: &str = "alias/aws/sns";

/// Who publishes for an alarm.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";

/// A metric that counts a control's events, and what is known of who hears of it.
#[derive(Clone, Copy)]
pub(super) struct Listening<'a> {
    pub(super) filter: Filter,
    pub(super) place: &'a MetricPlace,
    pub(super) count: &'a Count,
    pub(super) monitoring: &'a Monitoring,
}

/// Answers for all alarms of the metric: one that tells somebody is enough.
pub(super) fn heard(listening: &Listening<'_>) -> Finding {
    let Listening { place, count, monitoring, .. } = listening;
    let (account, region) = place;
    let alarms = match monitoring.alarms.get(place) {
        None => {
            let why = format!("whether an alarm of {account} in {region} looks at {} was not looked at", count.metric);
            return outside(why).into();
        }
        Some(Err(problem)) => {
            let why = format!("the alarms of {account} in {region} could not be read: {}", problem.code);
            return unreadable(format!("{why}: {}", problem.message)).into();
        }
        Some(Ok(alarms)) => alarms,
    };
    let looking = alarms.alarms.iter().filter_map(|alarm| {
        let series = alarm.series_of(&count.metric, account.as_str())?;
        Some(of_alarm(listening, alarms, alarm, series))
    });
    Finding::best(looking.collect())
        .unwrap_or_else(|| Finding::fail(format!("no alarm of {account} in {region} looks at that metric"), MAKE_ALARM))
}

fn of_alarm(listening: &Listening<'_>, alarms: &Alarms, alarm: &Alarm, series: &Series) -> Finding {
    let name = &alarm.name;
    if let Some(why) = looks_past(listening.count, series) {
        return Finding::fail(format!("the alarm {name} {why}"), MEND_ALARM);
    }
    if alarm.computed {
        return outside(format!("the alarm {name} computes with that metric, and the result was not read")).into();
    }
    if !listening.count.dimensions.is_empty() {
        return outside(format!("the alarm {name} looks at some values of the metric's dimensions only")).into();
    }
    match raised(listening.count, series, &alarm.trigger) {
        Raised::Never(why) => Finding::fail(format!("the alarm {name} {why}"), MEND_ALARM),
        Raised::Undetermined(why) => outside(format!("the alarm {name} {why}")).into(),
        Raised::ByOne => tells(listening, alarms, alarm).said_after(&format!("one event raises the alarm {name}")),
        Raised::BySeveral(how_many) => {
            let begun = format!("it takes {how_many} to raise the alarm {name}");
            let finding = tells(listening, alarms, alarm).said_after(&begun);
            if finding.answer.0 == CheckVerdict::Pass && !listening.filter.is_everyday() {
                return outside(format!("{}; whether that is soon enough is for people to judge", finding.answer.1))
                    .into();
            }
            finding
        }
    }
}

/// Says why an alarm sees no value of the metric although it has its name.
fn looks_past(count: &Count, series: &Series) -> Option<String> {
    let unit = count.unit.as_deref().unwrap_or("None");
    match &series.unit {
        Some(wanted) if wanted != unit => {
            return Some(format!("only looks at values of the unit {wanted}, and the filter reports {unit}"));
        }
        _ => {}
    }
    let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    match (series.dimensions == count.dimensions, series.dimensions.is_empty()) {
        (true, _) => None,
        (false, true) => {
            Some(format!("looks at the metric without the dimensions {} that its values have", list(&count.dimensions)))
        }
        (false, false) => {
            Some(format!("looks at the dimensions {}, which the values do not have", list(&series.dimensions)))
        }
    }
}

/// Answers for what an alarm does once it is raised.
fn tells(listening: &Listening<'_>, alarms: &Alarms, alarm: &Alarm) -> Finding {
    let finding = acts(listening, alarm);
    let above = alarms.composites.iter().find(|composite| composite.acts && composite.names(alarm));
    match above {
        Some(composite) if finding.answer.0 == CheckVerdict::Fail => {
            let may = format!("{}; the alarm {}, whose rule names it, may notify", finding.answer.1, composite.name);
            outside(may).into()
        }
        _ => finding,
    }
}

fn acts(listening: &Listening<'_>, alarm: &Alarm) -> Finding {
    if !alarm.actions_enabled {
        return Finding::fail("its actions are disabled, so that it notifies no one", MEND_ALARM);
    }
    if alarm.actions.is_empty() {
        return Finding::fail("it has no action, so that it notifies no one", GIVE_TOPIC);
    }
    let topics = alarm.topics().map(|topic| of_topic(listening, alarm, topic));
    Finding::best(topics.collect()).unwrap_or_else(|| {
        let actions = alarm.actions.join(", ");
        outside(format!("whether {actions}, which it triggers, notifies anyone was not read")).into()
    })
}

fn of_topic(listening: &Listening<'_>, alarm: &Alarm, topic: &str) -> Finding {
    let Subscribers { confirmed, pending, key, policy } = match listening.monitoring.topics.get(topic) {
        None => return outside(format!("who is subscribed to {topic} was not looked at")).into(),
        Some(Err(problem)) => {
            let why = format!("who is subscribed to {topic} could not be read: {}: {}", problem.code, problem.message);
            return unreadable(why).into();
        }
        Some(Ok(subscribers)) => subscribers,
    };
    if key.as_deref().is_some_and(|key| key.ends_with(MANAGED_KEY)) {
        let why = format!("{topic} is encrypted with {MANAGED_KEY}, with which CloudWatch cannot publish");
        return Finding::fail(why, CHANGE_KEY);
    }
    if confirmed.is_empty() {
        let waiting = match pending {
            0 => String::new(),
            some => format!(": {} not confirmed", subscriptions(*some)),
        };
        return Finding::fail(format!("{topic} has no confirmed subscriber{waiting}"), SUBSCRIBE);
    }
    let fact = format!("{topic} has {} confirmed ({})", subscriptions(confirmed.len()), confirmed.join(", "));
    match policy.as_ref().map(|policy| publishes(policy, listening.place, alarm, topic)) {
        Some(AccessDecision::Allowed { .. }) => pass(fact).into(),
        Some(AccessDecision::Denied(Denial::Explicit(by))) => {
            Finding::fail(format!("{fact}, but {by} keeps CloudWatch from publishing"), LET_IN)
        }
        // AWS does not tell of every form of a policy whether it lets alarms of the same account in.
        _ => outside(format!("{fact}, but its policy does not show that CloudWatch may publish")).into(),
    }
}

/// Asks the topic's policy whether CloudWatch may publish for the alarm. The policy that SNS gives a topic asks for the
/// owner of whatever publishes.
fn publishes(policy: &PolicyDocument, place: &MetricPlace, alarm: &Alarm, topic: &str) -> AccessDecision {
    let account = place.0.as_str();
    let context = Context::default().with("aws:SourceArn", &alarm.arn).with("aws:SourceAccount", account);
    let context = context.with("aws:SourceOwner", account).with("aws:SecureTransport", "true");
    let context = context.without("aws:SourceVpc").without("aws:SourceVpce");
    let caller = Caller::Service { name: CLOUDWATCH.to_owned() };
    let request = Request { caller, action: "sns:Publish".into(), resource: topic.to_owned(), context };
    let resource = Some(Named { name: "the topic's policy", document: policy });
    evaluate(&request, &Layers { resource, ..Layers::default() })
}

fn subscriptions(count: usize) -> String {
    if count == 1 { "1 subscription".to_owned() } else { format!("{count} subscriptions") }
}
