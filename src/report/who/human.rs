//! The answer for a terminal.

use super::names::AccountNames;
use super::said;
use super::section::{Section, sections};
use super::{WhoAnswer, configuration};
use crate::investigate::answer::{EndingAnswer, IncarnationAnswer, OutcomeAnswer, Person, ResourceAnswer, StepAnswer};
use crate::investigate::calls::{CallAnswer, Counted, SessionAnswer};
use crate::report::person as sentences;
use crate::report::query::{Grid, grid, said_of_cut};
use crate::report::text::page::{BAD, FAINT, NOTICE, PLAIN, Page, STRONG, Span};
use crate::report::text::words::count;

/// Returns the answer for a terminal of a width.
pub fn human(answer: &WhoAnswer, width: usize) -> String {
    let mut page = Page::new(width);
    for own in &answer.resources {
        resource(&mut page, own, answer);
    }
    for own in configuration::all(answer) {
        changes(&mut page, &own);
    }
    for own in &answer.sessions {
        session(&mut page, own);
    }
    for own in &answer.calls {
        call(&mut page, own, &answer.account_names);
    }
    for own in answer.actor.iter().flat_map(|own| sections(&answer.subject, own)) {
        section(&mut page, &own, width);
    }
    for line in super::said::beside(answer) {
        page.gap();
        page.line(0, &[Span(NOTICE, &line)]);
    }
    if !answer.not_whole.is_empty() {
        page.gap();
        page.line(0, &[Span(NOTICE, "The answer is not known to be whole:")]);
        answer.not_whole.iter().for_each(|why| page.line(2, &[Span(NOTICE, why)]));
    }
    page.gap();
    for sentence in answer.sentences() {
        page.line(0, &[Span(FAINT, &sentence)]);
    }
    page.finish()
}

fn resource(page: &mut Page, own: &ResourceAnswer, answer: &WhoAnswer) {
    page.heading(&[Span(STRONG, &said::title(own, &answer.account_names))]);
    said::undated(own).iter().for_each(|line| page.line(2, &[Span(NOTICE, line)]));
    for (at, incarnation) in own.incarnations.iter().enumerate() {
        if at > 0 {
            page.gap();
            page.line(2, &[Span(STRONG, "An earlier one of this name")]);
        }
        ending(page, incarnation, &answer.account_names);
        if !answer.only_endings {
            timeline(page, incarnation);
        }
    }
}

fn ending(page: &mut Page, own: &IncarnationAnswer, names: &AccountNames) {
    let style = match own.ending {
        EndingAnswer::Deleted | EndingAnswer::EndedByAws => BAD,
        EndingAnswer::MaybeDeleted | EndingAnswer::Attempted | EndingAnswer::Waiting | EndingAnswer::Renamed => NOTICE,
        EndingAnswer::Nothing => PLAIN,
    };
    page.line(2, &[Span(style, &said::ending(own))]);
    if let Some(end) = own.end() {
        page.line(4, &[Span(FAINT, &said::where_from(end, names))]);
        end.person.iter().for_each(|own| person(page, own));
    }
    for other in own.or_ended() {
        page.line(4, &[Span(FAINT, &said::where_from(other, names))]);
        other.person.iter().for_each(|own| person(page, own));
    }
    if let Some(before) = said::ended_before(own) {
        page.line(2, &[Span(NOTICE, &before)]);
    }
    if let Some(attempts) = said::attempts(own) {
        page.line(2, &[Span(NOTICE, &attempts)]);
    }
    page.line(2, &[Span(PLAIN, &said::maker(own))]);
    if let Some(maker) = own.maker() {
        page.line(4, &[Span(FAINT, &said::where_from(maker, names))]);
        maker.person.iter().for_each(|own| person(page, own));
    }
}

fn person(page: &mut Page, own: &Person) {
    sentences::moved(own).iter().for_each(|line| page.line(4, &[Span(NOTICE, line)]));
    sentences::person(own).iter().for_each(|line| page.line(4, &[Span(PLAIN, line)]));
}

fn timeline(page: &mut Page, own: &IncarnationAnswer) {
    let (steps, folded) = said::timeline(own);
    page.line(2, &[Span(PLAIN, "Timeline")]);
    for step in steps {
        line(page, step);
    }
    for text in folded {
        page.line(4, &[Span(FAINT, &text)]);
    }
}

fn line(page: &mut Page, own: &StepAnswer) {
    let style = match (own.outcome, own.effect) {
        (OutcomeAnswer::Done, "delete") => BAD,
        (OutcomeAnswer::Done, _) => PLAIN,
        _ => NOTICE,
    };
    let head = format!("{}  {:<8} ", own.time, said::effect(own));
    let event = format!(", event {}", own.event_id);
    page.line_hanging(4, 8, &[Span(FAINT, &head), Span(style, &said::step(own)), Span(FAINT, &event)]);
    for text in said::policy(own) {
        page.verbatim(10, &text);
    }
}

fn changes(page: &mut Page, own: &configuration::Said) {
    page.heading(&[Span(STRONG, &own.title)]);
    own.gaps.iter().for_each(|gap| page.line(2, &[Span(NOTICE, gap)]));
    for change in &own.changes {
        page.line(2, &[Span(PLAIN, &change.head)]);
        change.what.iter().for_each(|line| page.line_hanging(4, 6, &[Span(PLAIN, line)]));
        change.who.iter().for_each(|line| page.line_hanging(6, 8, &[Span(FAINT, line)]));
    }
    own.further.iter().for_each(|line| page.line(2, &[Span(FAINT, line)]));
}

fn session(page: &mut Page, own: &SessionAnswer) {
    page.heading(&[Span(STRONG, &said::session_title(own))]);
    if let Some(known) = &own.person {
        let who = format!("Used by {}.", known.who());
        page.line(2, &[Span(PLAIN, &who)]);
        person(page, known);
    }
    page.line(2, &[Span(PLAIN, &said::session_calls(own))]);
    for (name, all) in [
        ("calls", &own.names),
        ("from", &own.sources),
        ("programs (a claim)", &own.user_agents),
        ("in accounts", &own.accounts),
    ] {
        let text = format!("{name}: {}", counted(all));
        page.line(4, &[Span(PLAIN, &text)]);
    }
}

/// Returns values with how often they are there.
pub(super) fn counted(all: &[Counted]) -> String {
    let texts: Vec<String> = all.iter().map(|one| format!("{} ({})", one.name, one.count)).collect();
    if texts.is_empty() { "not recorded".to_owned() } else { texts.join(", ") }
}

fn section(page: &mut Page, own: &Section, width: usize) {
    page.heading(&[Span(STRONG, &own.title)]);
    for sentence in &own.sentences {
        page.line(2, &[Span(PLAIN, sentence)]);
    }
    let columns: Vec<String> = own.columns.iter().map(|name| (*name).to_owned()).collect();
    if !own.rows.is_empty() {
        let Grid { text, cut } = grid(&columns, &own.rows, width.saturating_sub(2));
        text.lines().for_each(|line| page.verbatim(2, line));
        said_of_cut(cut, "--format json").iter().for_each(|line| page.line(2, &[Span(FAINT, line)]));
    }
    own.code.lines().for_each(|line| page.verbatim(2, line));
}

fn call(page: &mut Page, own: &CallAnswer, names: &AccountNames) {
    let title = said::call_title(own, names);
    page.heading(&[Span(STRONG, &title)]);
    page.line(2, &[Span(if own.outcome == OutcomeAnswer::Done { PLAIN } else { NOTICE }, &said::call(own))]);
    if !own.resources.is_empty() {
        let text = format!("{}: {}", count(own.resources.len(), "resource"), own.resources.join(", "));
        page.line(4, &[Span(FAINT, &text)]);
    }
    own.person.iter().for_each(|own| person(page, own));
}
