//! The answer as a page, rendered from `templates/who.html.hbs`. Every text is escaped by the template engine.

use serde_json::{Value, json};

use super::chain::{Target, chain};
use super::human::counted;
use super::lanes::lanes;
use super::section::{Section, sections};
use super::{WhoAnswer, configuration, said};
use crate::investigate::answer::{EndingAnswer, IncarnationAnswer, OutcomeAnswer, StepAnswer};
use crate::report::text::escape;
use crate::report::text::html::{PageError, render};

const PAGE: &str = include_str!("../../../templates/who.html.hbs");

/// Returns the answer as a page that needs nothing else.
///
/// # Errors
/// When the template is wrong.
pub fn page(answer: &WhoAnswer) -> Result<String, PageError> {
    render(PAGE, &data(answer, None))
}

/// Returns the address of the page of an event, by its id.
pub(in crate::report) type EventAddress<'a> = Option<&'a dyn Fn(&str) -> String>;

/// Returns what the page is made of. `address` leads to the pages of events; `None`: there are none.
pub(in crate::report) fn data(answer: &WhoAnswer, address: EventAddress<'_>) -> Value {
    let names = &answer.account_names;
    let resources: Vec<Value> = answer
        .resources
        .iter()
        .map(|own| {
            let all = own.incarnations.iter().enumerate();
            let all: Vec<Value> = all.map(|(at, one)| incarnation(one, at > 0, answer, address)).collect();
            let lanes = if answer.only_endings { None } else { lanes(own) };
            let undated = all_shown(&said::undated(own));
            json!({"title": shown(&said::title(own, names)), "undated": undated, "lanes": lanes, "incarnations": all})
        })
        .collect();
    let sessions = answer.sessions.iter().map(|own| {
        let all = [("calls", &own.names), ("from", &own.sources), ("programs (a claim)", &own.user_agents)];
        let mut lines = vec![said::session_calls(own)];
        lines.extend(all.iter().map(|(name, all)| format!("{name}: {}", counted(all))));
        json!({
            "title": shown(&said::session_title(own)),
            "sentence": shown(&own.person.as_ref().map(|person| format!("Used by {}.", person.who())).unwrap_or_default()),
            "chain": own.person.as_ref().map(|person| chain(person, Target::of_session(own))),
            "lines": all_shown(&lines),
        })
    });
    let calls = answer.calls.iter().map(|own| {
        json!({
            "title": shown(&said::call_title(own, names)),
            "sentence": shown(&said::call(own)),
            "href": address.map(|address| address(&own.event_id)),
            "chain": own.person.as_ref().map(|person| chain(person, Target::of_call(own))),
            "lines": all_shown(&own.resources),
        })
    });
    let configuration = configuration::all(answer).into_iter().map(|own| {
        let changes = own.changes.iter().map(|change| {
            json!({"head": shown(&change.head), "what": all_shown(&change.what), "who": all_shown(&change.who)})
        });
        json!({
            "title": shown(&own.title),
            "gaps": all_shown(&own.gaps),
            "changes": changes.collect::<Vec<Value>>(),
            "further": own.further.as_deref().map(shown),
        })
    });
    json!({
        "configuration": configuration.collect::<Vec<Value>>(),
        "subject": shown(&answer.subject),
        "resources": resources,
        "others": sessions.chain(calls).collect::<Vec<Value>>(),
        "sections": answer.actor.iter().flat_map(|own| sections(&answer.subject, own)).map(|own| section(&own)).collect::<Vec<Value>>(),
        "beside": all_shown(&said::beside(answer)),
        "is_whole": answer.is_whole(),
        "not_whole": all_shown(&answer.not_whole),
        "coverage": all_shown(&answer.sentences()),
    })
}

fn incarnation(own: &IncarnationAnswer, is_earlier: bool, answer: &WhoAnswer, address: EventAddress<'_>) -> Value {
    let (names, only_endings) = (&answer.account_names, answer.only_endings);
    let (steps, folded) = if only_endings { (Vec::new(), Vec::new()) } else { said::timeline(own) };
    let class = match own.ending {
        EndingAnswer::Deleted | EndingAnswer::EndedByAws => "BROKEN",
        EndingAnswer::MaybeDeleted | EndingAnswer::Attempted | EndingAnswer::Waiting | EndingAnswer::Renamed => {
            "UNPROVEN"
        }
        EndingAnswer::Nothing => "",
    };
    let chain_of =
        |step: Option<&StepAnswer>| step.and_then(|step| Some(chain(step.person.as_ref()?, Target::of_step(step))));
    json!({
        "is_earlier": is_earlier,
        "class": class,
        "ending": shown(&said::ending(own)),
        "ended": own.end().map(|end| shown(&said::where_from(end, names))),
        "chain": chain_of(own.end()),
        "or_ended": own.or_ended().map(|step| shown(&said::where_from(step, names))).collect::<Vec<_>>(),
        "ended_before": said::ended_before(own).as_deref().map(shown),
        "attempts": said::attempts(own).as_deref().map(shown),
        "maker": shown(&said::maker(own)),
        "made": own.maker().map(|step| shown(&said::where_from(step, names))),
        "maker_chain": chain_of(own.maker()),
        "has_steps": !steps.is_empty(),
        "steps": steps.into_iter().map(|own| step(own, address)).collect::<Vec<Value>>(),
        "folded": all_shown(&folded),
    })
}

fn step(own: &StepAnswer, address: EventAddress<'_>) -> Value {
    let class = match (own.outcome, own.effect) {
        (OutcomeAnswer::Done, "delete") => "BROKEN",
        (OutcomeAnswer::Done, _) => "",
        _ => "UNPROVEN",
    };
    json!({
        "time": own.time,
        "effect": said::effect(own),
        "class": class,
        "text": shown(&said::step(own)),
        "event": shown(&own.event_id),
        "href": address.map(|address| address(&own.event_id)),
        "policy": all_shown(&said::policy(own)),
    })
}

fn section(own: &Section) -> Value {
    json!({
        "title": shown(&own.title),
        "sentences": all_shown(&own.sentences),
        "columns": own.columns,
        "rows": own.rows.iter().map(|row| all_shown(row)).collect::<Vec<_>>(),
        "code": own.code.lines().map(shown).collect::<Vec<_>>(),
    })
}

fn shown(text: &str) -> String {
    escape::terminal(text).into_owned()
}

fn all_shown(all: &[String]) -> Vec<String> {
    all.iter().map(|text| shown(text)).collect()
}
