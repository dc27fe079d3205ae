//! Why an answer is not known to be whole, in plain words: which accounts, which days, which kinds of events, and whose
//! calls.

use super::WhoAnswer;
use super::names::AccountNames;
use crate::event::HISTORY_DAYS;
use crate::investigate::answer::{
    EndingAnswer, IncarnationAnswer, OutcomeAnswer, Person, ResourceAnswer, StepAnswer, UnseenAnswer,
};
use crate::investigation::history::HistoryCoverage;
use crate::query::answer::{AnswerCoverage, HoursGap};
use crate::report::text::words::count;

/// The most of one kind that a sentence names.
const NAMED_MAX: usize = 5;

/// Returns why an answer is not known to be whole. Empty: it is.
pub(super) fn missing(answer: &WhoAnswer) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(archive) = &answer.coverage {
        all.extend(of_archive(archive, &answer.account_names));
    }
    match (&answer.coverage, &answer.history) {
        (Some(_), Some(history)) => all.extend(gaps(history, &answer.account_names)),
        (None, Some(history)) => {
            all.extend(begins_later(history).into_iter().chain(gaps(history, &answer.account_names)))
        }
        (Some(_), None) => {}
        (None, None) => all.push("Nothing was looked at.".to_owned()),
    }
    if answer.only_data_events {
        all.push(
            "Calls on it are data events, which a trail records only where a selector names them: nothing found means \
             nothing."
                .to_owned(),
        );
    }
    if answer.is_perhaps_misnamed() {
        all.push(format!("It is not known whether {} is the actor that was meant.", answer.subject));
    }
    if answer.unread_records > 0 {
        all.push(format!("{} that may be about it could not be read.", count(answer.unread_records, "record")));
    }
    if !answer.withheld.is_empty() {
        let calls = count(answer.withheld.len(), "call");
        all.push(format!("{calls} may be about it, and their records do not say what they were about."));
    }
    if answer.further_resources > 0 {
        all.push(format!("{} of this name are not shown.", count(answer.further_resources, "more resource")));
    }
    if answer.untraced_calls > 0 {
        let calls = count(answer.untraced_calls, "call");
        all.push(format!("Who stands behind {calls} was not looked for: they are of too many sessions."));
    }
    if let Some(actor) = &answer.actor {
        all.extend(actor.missing.iter().map(|why| format!("Not in the answer: {why}.")));
        if !actor.unclear.is_empty() {
            all.push(format!("Whether {} still stands is not known.", count(actor.unclear.len(), "resource")));
        }
        if !actor.nameless.is_empty() {
            all.push(format!("What {} made is not recorded.", count(actor.nameless.len(), "call")));
        }
    }
    let of_config = answer.configuration.iter().flat_map(|own| &own.gaps);
    all.extend(of_config.map(|gap| format!("Changes that AWS Config saw may be missing: {gap}.")));
    all.extend(of_callers(answer));
    let is_maybe = |own: &IncarnationAnswer| matches!(own.ending, EndingAnswer::MaybeDeleted);
    let maybe = answer.resources.iter().filter(|own| own.incarnations.first().is_some_and(is_maybe));
    all.extend(maybe.take(NAMED_MAX).map(|own| format!("Whether {} was deleted is not known.", own.name)));
    let incarnations = answer.resources.iter().flat_map(|own| own.incarnations.iter().map(move |one| (own, one)));
    all.extend(incarnations.filter_map(|(own, one)| unseen(own, one)).take(NAMED_MAX));
    all
}

/// Says which record of a resource that was deleted twice is missing.
fn unseen(resource: &ResourceAnswer, own: &IncarnationAnswer) -> Option<String> {
    let end = own.end()?;
    let name = format!("{} {}", resource.resource_type.as_deref().unwrap_or("resource"), resource.name);
    let second = format!("{} of {} (event {})", end.call, end.time, end.event_id);
    Some(match own.unseen? {
        UnseenAnswer::MadeAgain => format!(
            "{name} must have been made again before {second}, as an earlier call had deleted it: no record that was \
             looked at has that."
        ),
        UnseenAnswer::TakenBack => format!(
            "An earlier deletion of {name} must have been taken back before {second}: no record that was looked at has that."
        ),
        UnseenAnswer::Either => {
            format!("Whether {name} was made again before {second}, or an earlier call was its end, is not known.")
        }
    })
}

fn of_archive(own: &AnswerCoverage, names: &AccountNames) -> Vec<String> {
    if own.is_whole {
        return Vec::new();
    }
    let mut all = Vec::new();
    if let Some(ended) = &own.ended {
        all.push(format!("The archive was not looked through to its end: {ended}."));
    }
    if own.unread_count > 0 {
        // A file may be damaged in several places.
        let mut keys: Vec<&str> = own.unread.iter().map(|part| part.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let shown = some(keys.iter().map(|key| (*key).to_owned()), keys.len());
        all.push(format!("{} of the archive could not be read: {shown}.", many(own.unread_count, "part")));
    }
    if !own.without_logs.is_empty() {
        let places = some(own.without_logs.iter().map(|place| names.named(place)), own.without_logs.len());
        all.push(format!("There are no logs of {places}: what was done there is not known."));
    }
    if own.has_empty_part || own.hours.all == 0 {
        let from = own.from.as_deref().unwrap_or("the beginning");
        let to = own.to.as_deref().unwrap_or("now");
        all.push(format!("For a part of the time from {from} to {to} there are no logs at all."));
    }
    if own.hours.without_digest > 0 {
        let days = some(own.gaps.iter().map(|gap| names.named(&of_gap(gap))), own.gaps.len());
        all.push(format!(
            "Whether log files are missing is not known of {} (of one account and region each), for which no digest is \
             there: {days}.",
            many(own.hours.without_digest, "hour")
        ));
    }
    if own.to.is_some() && own.hours.pending > 0 {
        all.push(format!("{} are so recent that log files may still come.", many(own.hours.pending, "hour")));
    }
    if own.beside_count > 0 {
        all.push(format!(
            "{} among the logs are none of CloudTrail's and were not read.",
            count(own.beside_count, "key")
        ));
    }
    if own.without_time > 0 {
        all.push(format!("{} in the archive do not say when they were.", many(own.without_time, "record")));
    }
    if all.is_empty() {
        all.push("A part of the time that was asked for is still to come.".to_owned());
    }
    all
}

/// Says where and when hours have no digest.
fn of_gap(own: &HoursGap) -> String {
    let (first, last) = own.days();
    let to = if first == last { String::new() } else { format!(" to {last}") };
    format!("{} {} {first}{to}", own.account, own.region)
}

fn begins_later(own: &HistoryCoverage) -> Option<String> {
    let text = format!("The event history has {HISTORY_DAYS} days: what was done before {} is not known.", own.from);
    own.begins_later.then_some(text)
}

fn gaps(own: &HistoryCoverage, names: &AccountNames) -> Vec<String> {
    own.gaps
        .iter()
        .take(NAMED_MAX)
        .map(|gap| format!("Not looked up in the event history: {}.", names.named(gap)))
        .collect()
}

/// Names the calls that count of which the person is not known: those that ended a resource, or made the one that
/// nothing ended; keys, sessions and events.
fn of_callers(answer: &WhoAnswer) -> Vec<String> {
    let known = |person: Option<&Person>| person.is_some_and(|person| person.lost.is_none());
    let of_step = |step: &StepAnswer| {
        let is_known = step.is_by_aws || known(step.person.as_ref());
        (!is_known).then(|| format!("{} of {} (event {})", step.call, step.time, step.event_id))
    };
    let of_resource = |own: &IncarnationAnswer| match (own.end(), own.maker()) {
        (Some(end), _) => of_step(end),
        (None, Some(maker)) if maker.outcome != OutcomeAnswer::Done => {
            Some(format!("{} of {}, if it was done (event {})", maker.call, maker.time, maker.event_id))
        }
        (None, Some(maker)) => of_step(maker),
        (None, None) => None,
    };
    let resources = answer.resources.iter().flat_map(|own| &own.incarnations).filter_map(of_resource);
    let sessions = answer.sessions.iter().filter(|own| !known(own.person.as_ref()));
    let sessions = sessions.map(|own| own.access_key.clone().unwrap_or_else(|| own.actor.clone()));
    let calls = answer.calls.iter().filter(|own| !known(own.person.as_ref()));
    let calls = calls.map(|own| format!("{} (event {})", own.call, own.event_id));
    let all: Vec<String> = resources.chain(sessions).chain(calls).collect();
    let text = || format!("Who stands behind {} is not known.", some(all.iter().cloned(), all.len()));
    (!all.is_empty()).then(text).into_iter().collect()
}

/// Returns the first of some texts, and how many more there are.
fn some(all: impl Iterator<Item = String>, count: usize) -> String {
    let named: Vec<String> = all.take(NAMED_MAX).collect();
    let more = count.saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join("; "))
}

fn many(number: u64, what: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), what)
}
