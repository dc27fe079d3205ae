//! The sentences of an answer, which every format for people has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::WhoAnswer;
use super::names::AccountNames;
use crate::investigate::answer::{
    EndingAnswer, IncarnationAnswer, OutcomeAnswer, Person, ResourceAnswer, StepAnswer, UnseenAnswer,
};
use crate::investigate::calls::{CallAnswer, SessionAnswer};
use crate::report::text::lines::{Detail, lines};
use crate::report::text::words::count;

/// The most steps of a timeline that people see; JSON has all.
const STEPS_MAX: usize = 40;
/// The most people that a sentence names.
const NAMED_MAX: usize = 5;
/// What a step says of a policy: at most so many lines.
const POLICY_LINES_MAX: usize = 12;

/// Returns what a resource is called, with its type and where it is.
pub(super) fn title(own: &ResourceAnswer, names: &AccountNames) -> String {
    let kind = own.resource_type.as_deref().unwrap_or("resource");
    let account = own.account.as_deref().map(|account| names.named(account));
    let place: Vec<String> = match own.name.starts_with("arn:") {
        // The ARN says it.
        true => account.filter(|named| Some(named) != own.account.as_ref()).into_iter().collect(),
        false => account.into_iter().chain(own.region.clone()).collect(),
    };
    if place.is_empty() {
        format!("{kind} {}", own.name)
    } else {
        format!("{kind} {} in {}", own.name, place.join(" "))
    }
}

/// Returns how it ended, in a sentence.
pub(super) fn ending(own: &IncarnationAnswer) -> String {
    let Some(end) = own.end() else {
        return "No record says that it was deleted.".to_owned();
    };
    let who = any_of(end, own.or_ended());
    let moved = end.person.as_ref().is_some_and(|person| !person.addresses.is_empty());
    match own.ending {
        EndingAnswer::Deleted => match own.carried_out() {
            Some(done) if waited(own, end) => {
                format!("Deleted {} by AWS itself, as {who} had asked for at {} ({}).", done.time, end.time, end.call)
            }
            _ if moved && own.ended_or.is_empty() => {
                format!(
                    "Deleted {} in a session of {who}, from another address than the one at which it began.",
                    end.time
                )
            }
            _ => format!("Deleted {} by {who}{}.", end.time, order(own, end)),
        },
        EndingAnswer::Waiting => {
            let until = end.waits_until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
            format!(
                "It waits for its deletion{until}, scheduled {} by {who}. Until then it is there, and the deletion can be \
                 taken back.",
                end.time
            )
        }
        EndingAnswer::EndedByAws if own.ended_or.is_empty() => {
            format!("Deleted {} by AWS itself: {} of {}.", end.time, end.call, end.service)
        }
        EndingAnswer::EndedByAws => format!("Deleted {} by {who}{}.", end.time, order(own, end)),
        EndingAnswer::Renamed => {
            let name = end.other_name.as_deref().unwrap_or("another name");
            format!(
                "Renamed {} by {who}: it is called {name} since then, and what became of it stands under that name.",
                end.time
            )
        }
        EndingAnswer::MaybeDeleted if end.effect == "rename" => {
            let name = end.other_name.as_deref().unwrap_or("another name");
            format!(
                "Perhaps renamed {} by {who}, to {name}: the record does not tell whether it was done, or when.",
                end.time
            )
        }
        EndingAnswer::MaybeDeleted => {
            let what = match () {
                () if end.is_either => {
                    "it was made and deleted within one second, and which was first, and so whether it is there, is not known"
                }
                () if end.is_disputed => "two records of it do not say the same",
                () if end.is_certain && end.outcome == OutcomeAnswer::Done => "a later call may have taken it back",
                () if end.is_certain => "the record does not tell whether it was done",
                () => "the record does not tell whether it was this one",
            };
            format!("Perhaps deleted {} by {who}: {what}.", end.time)
        }
        EndingAnswer::Attempted => {
            let why = end.error.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            format!("Not deleted: {who} tried it {}{why}.", end.time)
        }
        EndingAnswer::Nothing => "No record says that it was deleted.".to_owned(),
    }
}

/// Tells whether what ended it waited for some days before.
fn waited(own: &IncarnationAnswer, end: &StepAnswer) -> bool {
    end.waits_until.is_some() || own.carried_out().is_some_and(|done| done.call == "DeleteKey")
}

/// Says that others deleted it in the same second, or that its records do not agree.
fn order(own: &IncarnationAnswer, end: &StepAnswer) -> &'static str {
    let is_one = own.or_ended().all(|other| other.who() == end.who()) && !own.ended_or.is_empty();
    match () {
        () if end.is_disputed => "; its records do not say the same",
        () if end.is_unordered && !is_one => {
            "; others deleted it in the same second, and which call was the last is not known"
        }
        () => "",
    }
}

/// Names who made a call, and who may have as well.
fn any_of<'a>(own: &'a StepAnswer, others: impl Iterator<Item = &'a StepAnswer>) -> String {
    let mut all: Vec<&str> = std::iter::once(own).chain(others).map(StepAnswer::who).collect();
    let mut named = BTreeSet::new();
    all.retain(|who| named.insert(*who));
    let further = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    let more = if further > 0 { format!(" or {further} more") } else { String::new() };
    format!("{}{more}", all.join(" or by "))
}

/// Returns who made it, in a sentence.
pub(super) fn maker(own: &IncarnationAnswer) -> String {
    let who = |step| any_of(step, own.or_made());
    match own.maker() {
        Some(step) if step.outcome == OutcomeAnswer::Unclear => {
            format!("Perhaps made {} by {}: the record does not tell whether it was done.", step.time, who(step))
        }
        Some(step) if step.is_unordered => {
            format!("Made {} by {}: which call in that second was the last is not known.", step.time, who(step))
        }
        Some(step) if step.effect == "put" => format!("Made, or replaced, {} by {}.", step.time, who(step)),
        Some(step) => format!("Made {} by {}.", step.time, who(step)),
        None if own.unseen == Some(UnseenAnswer::MadeAgain) => {
            "Who made it is not among the records. It must have been made after the one before it was deleted: what is \
             not there cannot be deleted."
                .to_owned()
        }
        None => "Who made it is not among the records.".to_owned(),
    }
}

/// Returns what is said of an earlier deletion that was done too.
pub(super) fn ended_before(own: &IncarnationAnswer) -> Option<String> {
    let before = own.end_before()?;
    let deleted = format!("{} of {} by {} was done too", before.call, before.time, before.who());
    let why = match own.unseen {
        Some(UnseenAnswer::TakenBack) => "it must have been taken back, and no record has that",
        Some(UnseenAnswer::Either | UnseenAnswer::MadeAgain) => {
            "it was made again between the two and no record has that, or the second call did well although nothing was there"
        }
        Some(UnseenAnswer::Asked | UnseenAnswer::EndedEarly) | None => {
            "it asked for a deletion in some days, and the later call ended the resource at once"
        }
    };
    Some(format!("{deleted} (event {}): {why}.", before.event_id))
}

/// Returns what is said of calls of which the records do not say when they were.
pub(super) fn undated(own: &ResourceAnswer) -> Vec<String> {
    let said = |call: &CallAnswer| {
        let who = call.person.as_ref().map_or(call.actor.as_str(), Person::who);
        let perhaps = if call.outcome == OutcomeAnswer::Done { "was done" } else { "was perhaps done" };
        let (name, id) = (call_name(&call.call), &call.event_id);
        format!(
            "{name} by {who} {perhaps} too, and its record does not say when (event {id}): it may be the last call."
        )
    };
    own.undated.iter().map(said).collect()
}

/// Returns the attempts to end it that were not done, before or after its end.
pub(super) fn attempts(own: &IncarnationAnswer) -> Option<String> {
    let is_attempt = |(at, step): &(usize, &StepAnswer)| {
        step.effect == "delete" && step.outcome == OutcomeAnswer::NotDone && Some(*at) != own.ended
    };
    let all: Vec<&StepAnswer> = own.steps.iter().enumerate().filter(is_attempt).map(|(_, step)| step).collect();
    let last = all.last()?;
    let others = if all.len() > 1 { format!("; {} in all", count(all.len(), "attempt")) } else { String::new() };
    let why = last.error.as_deref().unwrap_or("it failed");
    Some(format!("Also tried {} by {} ({why}){others}.", last.time, last.who()))
}

/// Returns a step in a line, without its time.
pub(super) fn step(own: &StepAnswer) -> String {
    let session = session_of(own).map(|session| format!(" in the session {session}")).unwrap_or_default();
    let call = call_name(&own.call);
    let mut text = format!("{call} by {}{session}", own.who());
    if own.is_by_aws {
        text = format!("{call} by AWS itself ({})", own.actor);
    }
    match (own.outcome, &own.error) {
        (OutcomeAnswer::Done, _) => {}
        (OutcomeAnswer::Unclear, _) => text += ", perhaps not done",
        (OutcomeAnswer::NotDone, Some(code)) => text += &format!(", not done: {code}"),
        (OutcomeAnswer::NotDone, None) => text += ", not done",
    }
    if !own.is_certain {
        text += ", perhaps of another one of this name";
    }
    if own.is_disputed {
        text += ", which another record of this event contradicts";
    }
    if let Some(source) = &own.source {
        text += &format!(", from {source}");
    }
    text
}

/// Returns the word for what a step does.
pub(super) fn effect(own: &StepAnswer) -> &'static str {
    if own.outcome == OutcomeAnswer::NotDone {
        return "tried";
    }
    match own.effect {
        "create" => "made",
        "put" => "put",
        "change" => "changed",
        "delete" if own.waits_until.is_some() => "scheduled",
        "delete" => "deleted",
        "attach" => "attached",
        "detach" => "detached",
        "use" => "used",
        "rename" | "named" => "renamed",
        _ => "named",
    }
}

/// Returns where a call came from and where it is recorded.
pub(super) fn where_from(step: &StepAnswer, names: &AccountNames) -> String {
    let mut parts = vec![format!("{} of {}", step.call, step.service)];
    parts.extend(step.source.as_ref().map(|source| format!("from {source}")));
    let place: Vec<String> = step.accounts.iter().map(|own| names.named(own)).chain(step.region.clone()).collect();
    if !place.is_empty() {
        parts.push(format!("in {}", place.join(" ")));
    }
    if !step.event_id.is_empty() {
        parts.push(format!("event {}", step.event_id));
    }
    parts.join(", ")
}

/// Returns the session in which a call was made, in a few letters: `Deploy/build`. `None`: the caller is the person, or
/// is named for want of one.
fn session_of(own: &StepAnswer) -> Option<&str> {
    let person = own.person.as_ref().filter(|person| !person.hops.is_empty() && person.who() != person.actor)?;
    person.actor.split_once(":assumed-role/").map(|(_, session)| session)
}

/// Returns what a step changed in a policy, line by line.
pub(super) fn policy(own: &StepAnswer) -> Vec<String> {
    let Some(after) = &own.policy else { return Vec::new() };
    let before = own.policy_before.as_ref().unwrap_or(&Value::Null);
    let all = lines("policy", before, after, Detail::Full);
    let mut texts: Vec<String> =
        all.iter().map(|line| format!("{}{} {}", "  ".repeat(line.depth), line.mark, line.text)).collect();
    let further = texts.len().saturating_sub(POLICY_LINES_MAX);
    texts.truncate(POLICY_LINES_MAX);
    if further > 0 {
        texts.push(format!("  {further} more lines; --format json has the whole policy"));
    }
    texts
}

/// Returns the steps of a timeline that people see, and sentences about those that they do not.
pub(super) fn timeline(own: &IncarnationAnswer) -> (Vec<&StepAnswer>, Vec<String>) {
    let is_use = |step: &&StepAnswer| matches!(step.effect, "use" | "unknown");
    let (used, deeds): (Vec<&StepAnswer>, Vec<&StepAnswer>) = own.steps.iter().partition(is_use);
    let mut folded = Vec::new();
    let further = deeds.len().saturating_sub(STEPS_MAX);
    if further > 0 {
        folded.push(format!("{further} steps before these; --format json has all"));
    }
    if let (Some(first), Some(last)) = (used.first(), used.last()) {
        let calls: BTreeSet<&str> = used.iter().map(|step| step.call.as_str()).collect();
        let named: Vec<&str> = calls.iter().take(CALLS_MAX).copied().collect();
        let more = calls.len().saturating_sub(CALLS_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let time =
            if first.time == last.time { first.time.clone() } else { format!("{} to {}", first.time, last.time) };
        let calls = count(used.len(), "further call");
        folded.push(format!("{calls}, which use it or do not say what they do: {}{more}; {time}", named.join(", ")));
    }
    (deeds.into_iter().skip(further).collect(), folded)
}

/// The most names of calls in a sentence.
const CALLS_MAX: usize = 8;

/// Returns what a session is called.
pub(super) fn session_title(own: &SessionAnswer) -> String {
    match &own.access_key {
        Some(key) => format!("access key {key} of {}", own.actor),
        None => own.actor.clone(),
    }
}

/// Returns what a session did, in a sentence.
pub(super) fn session_calls(own: &SessionAnswer) -> String {
    let refused = if own.not_done > 0 { format!(", {} of them not done", own.not_done) } else { String::new() };
    format!("{}{refused}, {} to {}", count(own.calls, "call"), own.first, own.last)
}

/// Returns what a call was.
pub(super) fn call_title(own: &CallAnswer, names: &AccountNames) -> String {
    let account = own.account.as_deref().map(|account| names.named(account));
    let place: Vec<String> = account.into_iter().chain(own.region.clone()).collect();
    format!("event {}: {} of {} in {}", own.event_id, call_name(&own.call), own.service, place.join(" "))
}

/// Returns the name of a call, as far as its record has one: a number is none.
fn call_name(call: &str) -> &str {
    if call.starts_with(|first: char| first.is_ascii_alphabetic()) { call } else { "a call without a name" }
}

/// Returns who made a call, in a sentence.
pub(super) fn call(own: &CallAnswer) -> String {
    let who = own.person.as_ref().map_or(own.actor.as_str(), Person::who);
    let time = own.time.as_deref().unwrap_or("at a time that is not recorded");
    let source = own.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    let error = own.error.as_deref().unwrap_or("it failed");
    match own.outcome {
        OutcomeAnswer::Done => format!("Done {time} by {who}{source}."),
        OutcomeAnswer::Unclear => format!("Perhaps done {time} by {who}{source}: the record does not tell."),
        OutcomeAnswer::NotDone => format!("Not done: {who} tried it {time}{source} ({error})."),
    }
}

/// Returns what has to be known beside what was found.
pub(super) fn beside(answer: &WhoAnswer) -> Vec<String> {
    let mut all = Vec::new();
    if answer.actor.as_ref().is_some_and(|own| own.ended.is_some() && own.is_empty()) {
        all.push(format!(
            "No record that was looked at says that {} made a resource of a type that is known. It is no proof that nothing \
             stands: see what the answer covers.",
            answer.subject
        ));
    } else if let Some(event) = answer.event.as_ref().filter(|_| answer.is_empty()) {
        all.push(no_event(answer, event.text()));
    } else if answer.is_empty() {
        all.push(format!(
            "No record that was looked at is about {}. It is no proof that nothing happened: see what the answer covers.",
            answer.subject
        ));
    }
    all.extend(answer.container.as_ref().and_then(container));
    let namesakes: Vec<&str> = answer.actor.iter().flat_map(|own| &own.namesakes).map(String::as_str).collect();
    if !namesakes.is_empty() {
        all.push(format!(
            "Not in the answer, as the path is another one: {}. Name a role by its whole ARN, with its path.",
            namesakes.join(", ")
        ));
    }
    let namesakes: BTreeSet<&str> =
        answer.resources.iter().flat_map(|own| &own.namesakes).map(String::as_str).take(NAMED_MAX).collect();
    if !namesakes.is_empty() {
        all.push(format!(
            "Not in the answer, as the path is another one: {}.",
            namesakes.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    for (alias, keys) in &answer.keys_of_aliases {
        let keys = keys.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
        all.push(format!("{alias} stood for {keys}, as records say: its history is above."));
    }
    if answer.is_perhaps_misnamed() {
        all.push(format!(
            "{0} was taken for a person of Identity Center or of another provider, or for a unique id. An IAM user or a role is \
             named by its ARN: arn:aws:iam::ACCOUNT:user/{0}.",
            answer.subject
        ));
    }
    if answer.further_resources > 0 {
        all.push(format!(
            "{} of this name are named by records too: name the type (`orgtrail who bucket NAME`), an ARN, --account or --region.",
            count(answer.further_resources, "more resource")
        ));
    }
    if let Some(first) = answer.withheld.first() {
        all.push(format!(
            "{} may be about it: their records hide or leave out what they were about, or which call it was. The first is {} {} by {}, event {}.",
            count(answer.withheld.len(), "call"),
            first.time,
            call_name(&first.call),
            first.who(),
            first.event_id
        ));
    }
    if answer.unread_records > 0 {
        all.push(format!("{} that may be about it could not be read.", count(answer.unread_records, "record")));
    }
    all
}

/// Says that no record has the id of an event, and which time was looked at.
fn no_event(answer: &WhoAnswer, id: &str) -> String {
    let of = |from: Option<&str>, to: Option<&str>| (from.map(str::to_owned), to.map(str::to_owned));
    let archive = answer.coverage.as_ref().map(|own| of(own.from.as_deref(), own.to.as_deref()));
    let history = answer.history.as_ref().map(|own| of(Some(&own.from), own.to.as_deref()));
    let looked: Vec<String> = [("the archive", archive), ("the event history", history)]
        .into_iter()
        .filter_map(|(place, time)| {
            let (from, to) = time?;
            let from = from.unwrap_or_else(|| "its beginning".to_owned());
            Some(format!("{place} from {from} to {}", to.as_deref().unwrap_or("now")))
        })
        .collect();
    format!(
        "No record has the event id {id} in {}. It is no proof that there is no such event: it may be of another time, or \
         of an account, a region or a kind of events that no trail records there.",
        looked.join(", and in ")
    )
}

/// Says what became of the bucket of an object. `None`: nothing is known of its end.
fn container(own: &ResourceAnswer) -> Option<String> {
    let last = own.incarnations.first()?;
    let end = last.end()?;
    let name = own.name.rsplit(':').next().unwrap_or(&own.name);
    match last.ending {
        EndingAnswer::Deleted | EndingAnswer::EndedByAws => Some(format!(
            "Its bucket {name} was deleted {} by {}: no object of it is left, as only an empty bucket can be deleted. Who \
             deleted an object is recorded only where a trail records data events.",
            end.time,
            any_of(end, last.or_ended())
        )),
        EndingAnswer::MaybeDeleted => {
            Some(format!("Its bucket {name} was perhaps deleted {} by {}.", end.time, end.who()))
        }
        EndingAnswer::Attempted | EndingAnswer::Waiting | EndingAnswer::Renamed | EndingAnswer::Nothing => None,
    }
}
