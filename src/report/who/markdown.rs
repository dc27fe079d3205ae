//! The answer as markdown.

use super::human::counted;
use super::section::{Section, sections};
use super::{WhoAnswer, configuration, said};
use crate::investigate::answer::IncarnationAnswer;
use crate::report::person;
use crate::report::text::escape;

/// Returns the answer as markdown.
pub fn markdown(answer: &WhoAnswer) -> String {
    let mut text = format!("# Who: {}\n", escape::markdown(&answer.subject));
    for own in &answer.resources {
        text += &format!("\n## {}\n", escape::markdown(&said::title(own, &answer.account_names)));
        for line in said::undated(own) {
            text += &format!("\n**{}**\n", escape::markdown(&line));
        }
        for (at, incarnation) in own.incarnations.iter().enumerate() {
            if at > 0 {
                text += "\n### An earlier one of this name\n";
            }
            text += &one(incarnation, answer);
        }
    }
    for own in configuration::all(answer) {
        text += &format!("\n## {}\n\n", escape::markdown(&own.title));
        own.gaps.iter().for_each(|gap| text += &item(gap));
        for change in &own.changes {
            text += &item(&change.head);
            change.what.iter().chain(&change.who).for_each(|line| text += &format!("  {}", item(line)));
        }
        own.further.iter().for_each(|line| text += &item(line));
    }
    for own in &answer.sessions {
        text += &format!("\n## {}\n\n", escape::markdown(&said::session_title(own)));
        if let Some(user) = &own.person {
            text += &item(&format!("Used by {}.", user.who()));
            person::person(user).iter().for_each(|line| text += &item(line));
        }
        text += &item(&said::session_calls(own));
        let all = [("calls", &own.names), ("from", &own.sources), ("programs (a claim)", &own.user_agents)];
        all.iter().for_each(|(name, all)| text += &item(&format!("{name}: {}", counted(all))));
    }
    for own in &answer.calls {
        text += &format!(
            "\n## {}\n\n{}",
            escape::markdown(&said::call_title(own, &answer.account_names)),
            item(&said::call(own))
        );
        own.person.iter().flat_map(person::person).for_each(|line| text += &item(&line));
    }
    answer.actor.iter().flat_map(|own| sections(&answer.subject, own)).for_each(|own| text += &section(&own));
    for line in said::beside(answer) {
        text += &format!("\n**{}**\n", escape::markdown(&line));
    }
    text += "\n## What the answer covers\n\n";
    if !answer.is_whole() {
        text += "**Not whole**\n\n";
        answer.not_whole.iter().for_each(|why| text += &item(why));
        text += "\n";
    }
    answer.sentences().iter().for_each(|sentence| text += &item(sentence));
    text
}

fn one(own: &IncarnationAnswer, answer: &WhoAnswer) -> String {
    let names = &answer.account_names;
    let mut text = format!("\n**{}**\n\n", escape::markdown(&said::ending(own)));
    if let Some(end) = own.end() {
        text += &item(&said::where_from(end, names));
        end.person.iter().filter_map(person::moved).for_each(|line| text += &item(&line));
        end.person.iter().flat_map(person::person).for_each(|line| text += &item(&line));
    }
    for other in own.or_ended() {
        text += &item(&said::where_from(other, names));
        other.person.iter().flat_map(person::person).for_each(|line| text += &item(&line));
    }
    said::ended_before(own).iter().for_each(|line| text += &item(line));
    said::attempts(own).iter().for_each(|line| text += &item(line));
    text += &item(&said::maker(own));
    if let Some(maker) = own.maker() {
        text += &item(&said::where_from(maker, names));
        maker.person.iter().flat_map(person::person).for_each(|line| text += &item(&line));
    }
    if answer.only_endings {
        return text;
    }
    let (steps, folded) = said::timeline(own);
    text += "\n| Time | | Call |\n|---|---|---|\n";
    for step in steps {
        let mut call = escape::markdown(&format!("{}, event {}", said::step(step), step.event_id)).to_string();
        for line in said::policy(step) {
            call += &format!("<br>{}", escape::markdown(line.trim_start()));
        }
        text += &format!("| {} | {} | {call} |\n", escape::markdown(&step.time), said::effect(step));
    }
    text.push('\n');
    folded.iter().for_each(|line| text += &item(line));
    text
}

fn section(own: &Section) -> String {
    let mut text = format!("\n## {}\n\n", escape::markdown(&own.title));
    own.sentences.iter().for_each(|sentence| text += &item(sentence));
    if !own.rows.is_empty() {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        text += "\n";
        text += &line(own.columns.iter().map(|name| (*name).to_owned()).collect());
        text += &format!("|{}\n", "---|".repeat(own.columns.len()));
        own.rows.iter().for_each(|row| text += &line(row.iter().map(|cell| escape::markdown(cell)).collect()));
    }
    if !own.code.is_empty() {
        // It is JSON, in which every character that could end the block or act is escaped.
        text += &format!("\n```json\n{}\n```\n", escape::json(&own.code));
    }
    text
}

fn item(text: &str) -> String {
    format!("- {}\n", escape::markdown(text))
}
