//! Why an answer is not known to be whole, in plain words: which accounts, which days, which kinds of events, and whose
//! calls.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::WhoAnswer;
use super::names::AccountNames;
use crate::event::{EventId, HISTORY_DAYS};
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
    all.extend(of_event(answer));
    all.extend(of_records(answer));
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
        all.extend(actor.unsure.iter().map(|why| format!("Unsure: {why}.")));
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
    let incarnations = || answer.resources.iter().flat_map(|own| own.incarnations.iter().map(move |one| (own, one)));
    all.extend(incarnations().filter_map(|(own, one)| unseen(own, one)).take(NAMED_MAX));
    all.extend(incarnations().filter_map(|(own, one)| several(own, one)).take(NAMED_MAX));
    all.extend(answer.resources.iter().filter_map(overdue(answer.looked_until)).take(NAMED_MAX));
    all.extend(answer.resources.iter().filter_map(undated).take(NAMED_MAX));
    all.extend(answer.resources.iter().filter_map(path_unsaid).take(NAMED_MAX));
    all
}

/// Says that the last one of a name may be of another path than the one that is asked for.
fn path_unsaid(own: &ResourceAnswer) -> Option<String> {
    let text =
        || format!("Whether the calls are about {} is not known: their records name it without its path.", named(own));
    own.is_path_unsaid.then(text)
}

/// Says that the records of an event that was asked for contradict each other: two have one id, in capitals or not, and
/// other bytes, or those of one call prove two people.
fn of_records(answer: &WhoAnswer) -> Vec<String> {
    let mut of_id: BTreeMap<String, usize> = BTreeMap::new();
    let mut of_call: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for call in &answer.calls {
        *of_id.entry(call.event_id.to_ascii_lowercase()).or_default() += 1;
        let proven = call.person.as_ref().filter(|person| person.origin.is_some() && person.lost.is_none());
        if let Some((shared, person)) = call.shared_event_id.as_deref().zip(proven) {
            of_call.entry(shared).or_default().insert(person.who());
        }
    }
    let twice = of_id.into_iter().filter(|(_, records)| *records > 1).map(|(id, records)| {
        format!(
            "{} have the id {id} and do not say the same: which one is right is not known.",
            count(records, "record")
        )
    });
    let several = of_call.into_iter().filter(|(_, people)| people.len() > 1).map(|(shared, people)| {
        let people: Vec<&str> = people.into_iter().collect();
        format!(
            "The records of the call {shared} lead to several callers, and contradict each other: {}.",
            people.join("; ")
        )
    });
    twice.chain(several).take(NAMED_MAX).collect()
}

fn named(own: &ResourceAnswer) -> String {
    format!("{} {}", own.resource_type.as_deref().unwrap_or("resource"), own.name)
}

/// Says that several may have made or ended a resource.
fn several(resource: &ResourceAnswer, own: &IncarnationAnswer) -> Option<String> {
    let name = named(resource);
    let differs = |a: &StepAnswer, b: &StepAnswer| (a.who(), &a.time, a.outcome) != (b.who(), &b.time, b.outcome);
    let is_open = |end: &&StepAnswer| {
        end.is_unordered && own.ended_or.is_empty() || own.or_ended().any(|other| differs(end, other))
    };
    if let Some(end) = own.end().filter(is_open) {
        return Some(match end.is_disputed {
            true => format!("The records of event {} do not say the same of the deletion of {name}.", end.event_id),
            false => format!("Who deleted {name} last, of those who did it in the second {}, is not known.", end.time),
        });
    }
    let is_open = |maker: &&StepAnswer| maker.is_unordered || own.or_made().any(|other| differs(maker, other));
    let maker = own.maker().filter(is_open)?;
    if maker.is_unordered {
        return Some(format!("Who made {name}, of those who did it in the second {}, is not known.", maker.time));
    }
    Some(format!("The records of event {} do not say the same of the creation of {name}.", maker.event_id))
}

/// Says that the day of a deletion is over of which no record says that it was done. `until` is until when it was
/// looked; `None`: not known.
fn overdue(until: Option<Timestamp>) -> impl Fn(&ResourceAnswer) -> Option<String> {
    move |own| {
        let last = own.incarnations.first().filter(|last| last.ending == EndingAnswer::Waiting)?;
        let due = last.end()?.waits_until.as_deref()?;
        let is_over = due.parse::<Timestamp>().ok().zip(until).is_some_and(|(due, until)| due < until);
        is_over.then(|| {
            format!("{} was to be deleted at {due}, and no record says that it was done or taken back.", named(own))
        })
    }
}

fn undated(own: &ResourceAnswer) -> Option<String> {
    let calls = count(own.undated.len(), "call");
    let text = || format!("When {calls} that made or deleted {}, or may have, was done is not recorded.", named(own));
    (!own.undated.is_empty()).then(text)
}

/// Says which record of the end of a resource is missing.
fn unseen(resource: &ResourceAnswer, own: &IncarnationAnswer) -> Option<String> {
    let end = own.end()?;
    let name = named(resource);
    let second = format!("{} of {} (event {})", end.call, end.time, end.event_id);
    Some(match own.unseen? {
        UnseenAnswer::MadeAgain => format!(
            "{name} must have been made again before {second}, as an earlier call had deleted it: no record that was \
             looked at has that."
        ),
        UnseenAnswer::TakenBack => format!(
            "An earlier deletion of {name} must have been taken back before {second}: no record that was looked at has that."
        ),
        UnseenAnswer::Asked => {
            format!("Who asked for the deletion of {name} is not known: AWS did it with {second}, for a call before.")
        }
        UnseenAnswer::EndedEarly => format!(
            "{name} must have been deleted at once while it waited for what {second} had asked for, as its name was used \
             again: no record that was looked at has that."
        ),
        UnseenAnswer::Either => {
            format!("Whether {name} was made again before {second}, or an earlier call was its end, is not known.")
        }
    })
}

/// Says what an event that no record has may still be.
fn of_event(answer: &WhoAnswer) -> Vec<String> {
    let Some(id) = answer.event.as_ref().filter(|_| answer.calls.is_empty()) else { return Vec::new() };
    let mut all = Vec::new();
    if let EventId::Other(text) = id {
        all.push(format!(
            "{text} is not how CloudTrail writes the id of an event (12345678-1234-1234-1234-123456789012): whether it is \
             a whole one is not known."
        ));
    }
    // An answer without an end is as new as the newest log file; an event that is looked for may be newer.
    let pending = answer.coverage.as_ref().filter(|own| own.to.is_none()).map_or(0, |own| own.hours.pending);
    if pending > 0 {
        all.push(format!(
            "{} are so recent that log files may still come: the event may be in one of them.",
            many(pending, "hour")
        ));
    }
    all
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
        let said = if own.without_time == 1 { "does not say when it was" } else { "do not say when they were" };
        all.push(format!("{} in the archive {said}.", many(own.without_time, "record")));
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
