//! What the page shows of each panel: cells cut to a length, rows to a number, and what is left out as a number.

use serde::Serialize;

use super::chart::{self, Chart};
use super::panels::{Counted, Noun, Section, Shown, ShownColumn};
use super::{Dashboard, Found, Panel, Tally};
use crate::event::EventId;
use crate::query::answer::Cell;
use crate::query::together::TogetherAnswer;
use crate::report::text::escape;
use crate::report::text::words::grouped;

/// How much of each panel is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Rows of a table.
    pub rows: usize,
    /// Characters of a cell.
    pub chars: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct SectionView {
    title: &'static str,
    anchor: String,
    panels: Vec<PanelView>,
}

#[derive(Debug, Serialize)]
struct PanelView {
    id: &'static str,
    title: &'static str,
    /// What it counted, in words; empty: nothing was counted.
    number: String,
    /// Done and attempted, in words; empty: it does not tell them apart.
    outcomes: String,
    columns: Vec<HeadingView>,
    rows: Vec<Vec<CellView>>,
    /// How many rows are not shown, in words; empty: all are.
    more: String,
    /// Why there is no answer; empty: there is one.
    failed: String,
    /// Why it was not asked, or has nothing to compare with; empty: it was, and has.
    left_out: String,
    chart: Option<Chart>,
    notes: Vec<String>,
    command: String,
    /// Its lines: a line end within a text would be shown as what it is.
    sql: Vec<String>,
}

#[derive(Debug, Serialize)]
struct HeadingView {
    heading: &'static str,
    class: &'static str,
}

#[derive(Debug, Serialize)]
struct CellView {
    text: String,
    class: &'static str,
    /// The command that says more; empty: there is none.
    command: String,
    /// How wide the bar of a share is, of 100. Empty: it is none.
    bar: String,
    /// The heading of its column, for narrow windows.
    heading: &'static str,
}

/// A number at the top of the page.
#[derive(Debug, Serialize)]
pub(super) struct TileView {
    id: &'static str,
    title: &'static str,
    number: String,
    more: String,
}

pub(super) fn sections(dashboard: &Dashboard, bounds: Bounds) -> Vec<SectionView> {
    let section = |section: Section| SectionView {
        title: section.title(),
        anchor: format!("section-{section:?}").to_lowercase(),
        panels: dashboard
            .panels
            .iter()
            .filter(|panel| panel.spec.section == section)
            .map(|panel| panel_view(dashboard, panel, bounds))
            .collect(),
    };
    Section::ALL.map(section).into_iter().filter(|section| !section.panels.is_empty()).collect()
}

pub(super) fn tiles(dashboard: &Dashboard) -> Vec<TileView> {
    let tile = |panel: &Panel| {
        let (number, more) = match (&panel.found, panel.tally()) {
            (_, Some(tally)) => (digits(tally.all), outcomes(tally)),
            (Found::NoBaseline(_), None) => ("–".to_owned(), "no baseline".to_owned()),
            (Found::LeftOut(_), None) => ("–".to_owned(), "not asked".to_owned()),
            (_, None) => ("?".to_owned(), "no answer".to_owned()),
        };
        TileView { id: panel.spec.id, title: panel.spec.title, number, more }
    };
    dashboard.panels.iter().filter(|panel| panel.spec.is_headline).map(tile).collect()
}

fn panel_view(dashboard: &Dashboard, panel: &Panel, bounds: Bounds) -> PanelView {
    let spec = panel.spec;
    let mut view = PanelView {
        id: spec.id,
        title: spec.title,
        number: number(panel),
        outcomes: panel.tally().map(outcomes).unwrap_or_default(),
        columns: spec.columns.iter().map(heading).collect(),
        rows: Vec::new(),
        more: String::new(),
        failed: String::new(),
        left_out: String::new(),
        chart: None,
        notes: notes(dashboard, panel),
        command: escape::terminal(&panel.command).into_owned(),
        sql: panel.sql.lines().map(str::to_owned).collect(),
    };
    match &panel.found {
        Found::Answer(answer) => {
            let is_events = matches!(spec.counted, Counted::Events(_));
            view.rows = rows(panel, answer, is_events, bounds);
            let shown = if spec.columns.is_empty() { answer.rows_count } else { view.rows.len() as u64 };
            if let Some(more) = Some(answer.rows_count.saturating_sub(shown)).filter(|more| *more > 0) {
                view.more = format!("and {} {}", digits(more), if is_events { "earlier" } else { "more" });
            }
            view.chart = match spec.counted {
                Counted::Events(_) => chart::of_panel(dashboard, panel),
                Counted::Sum(..) if spec.columns.is_empty() => chart::of_events(dashboard),
                Counted::Sum(..) | Counted::Rows(_) => None,
            };
        }
        Found::Failed(why) => view.failed = cut(why, 2_000),
        Found::LeftOut(why) => view.left_out = format!("Not asked. {why}"),
        Found::NoBaseline(why) => view.left_out = why.clone(),
    }
    view
}

fn heading((_, heading, shown): &ShownColumn) -> HeadingView {
    let is_number = matches!(shown, Shown::Number | Shown::Share);
    HeadingView { heading, class: if is_number { "number" } else { "text" } }
}

/// Returns what a panel counted, in words: `3 uses of root`.
pub(super) fn number(panel: &Panel) -> String {
    let Some(tally) = panel.tally() else { return String::new() };
    let (Counted::Events(noun) | Counted::Sum(_, noun) | Counted::Rows(noun)) = panel.spec.counted;
    counted(tally.all, noun)
}

fn counted(number: u64, (one, several): Noun) -> String {
    match number {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        number => format!("{} {several}", digits(number)),
    }
}

/// Returns what was done and what only attempted, in words; empty where that is not told apart.
pub(super) fn outcomes(tally: Tally) -> String {
    match tally {
        Tally { done: 0, attempted: 0, .. } => String::new(),
        Tally { done, attempted, .. } => format!("{} done, {} attempted", digits(done), digits(attempted)),
    }
}

fn notes(dashboard: &Dashboard, panel: &Panel) -> Vec<String> {
    let mut notes = Vec::new();
    if panel.spec.columns.is_empty() {
        notes.extend(price(dashboard));
    }
    if panel.spec.query == super::panels::FIRST_SEEN
        && let Some((from, coverage)) = &dashboard.earlier
    {
        let first = dashboard.baseline.as_ref().map(|first| format!("; their first event is of {}", short_time(first)));
        notes.push(format!(
            "New against the days from {} on{}.",
            short_time(&from.to_string()),
            first.unwrap_or_default()
        ));
        notes.extend(coverage.sentences());
    }
    if !panel.cannot_see.is_empty() {
        notes.push(format!("It cannot see {}.", panel.cannot_see.replace('`', "").trim_end_matches('.')));
    }
    notes
}

/// Says what the data events cost, and what that takes for granted. `None`: there is none, or they are not known.
fn price(dashboard: &Dashboard) -> Option<String> {
    let answer = dashboard.by_hour()?;
    let at = answer.columns.iter().position(|column| column == "data_events")?;
    let number = |row: &Vec<Cell>| row.get(at).map_or(0, |cell| cell.text().parse::<u64>().unwrap_or(0));
    let events: u64 = answer.rows.iter().map(number).sum();
    let cents = events / 10_000;
    let price = match cents {
        0 => "less than 0.01 USD".to_owned(),
        cents => format!("about {}.{:02} USD", cents / 100, cents % 100),
    };
    (events > 0).then(|| {
        format!(
            "{} of them are data events: {price} for one trail, if each costs 0.10 USD per 100,000, the list price in \
             us-east-1. Management events cost nothing in a first trail; what further trails cost cannot be read from \
             the archive.",
            digits(events)
        )
    })
}

/// Returns the first rows; of events the newest, which are the last.
fn rows(panel: &Panel, answer: &TogetherAnswer, is_events: bool, bounds: Bounds) -> Vec<Vec<CellView>> {
    let columns = panel.spec.columns;
    if columns.is_empty() {
        return Vec::new();
    }
    let at = |name: &str| answer.columns.iter().position(|column| column == name);
    let places: Vec<Option<usize>> = columns.iter().map(|(name, ..)| at(name)).collect();
    let row = |row: &Vec<Cell>| {
        let text = |name: &str| at(name).and_then(|at| row.get(at)).map_or("", Cell::text);
        let cell = |(place, column): (&Option<usize>, &ShownColumn)| {
            let shown = cell(place.and_then(|at| row.get(at)).unwrap_or(&Cell::Null), *column, bounds);
            match column.2 {
                Shown::Resource => CellView { command: who(text("an_event"), &panel.options), ..shown },
                _ => shown,
            }
        };
        places.iter().zip(columns).map(cell).collect()
    };
    match is_events {
        true => answer.rows.iter().rev().take(bounds.rows).map(row).collect(),
        false => answer.rows.iter().take(bounds.rows).map(row).collect(),
    }
}

fn cell(value: &Cell, (_, heading, shown): ShownColumn, bounds: Bounds) -> CellView {
    let text = value.text();
    let plain =
        |class| CellView { text: cut(text, bounds.chars), class, command: String::new(), bar: String::new(), heading };
    match shown {
        Shown::Text => plain("text"),
        Shown::Code => plain("code"),
        Shown::Resource if text.is_empty() => CellView { text: "not recorded".to_owned(), ..plain("text") },
        Shown::Resource => plain("code"),
        Shown::Time => CellView { text: cut(&short_time(text), bounds.chars), ..plain("time") },
        Shown::Number => {
            let number = text.parse().map_or_else(|_| cut(text, bounds.chars), digits);
            CellView { text: number, ..plain("number") }
        }
        Shown::Share => {
            let share = text.parse::<f64>().unwrap_or(0.0).clamp(0.0, 100.0);
            CellView { text: format!("{share:.2} %"), bar: format!("{share:.1}"), ..plain("number") }
        }
        Shown::Outcome => plain(match text {
            "attempted" => "attempted",
            "done" => "done",
            _ => "text",
        }),
    }
}

/// Returns the command line that says who made the call of an event. What the record names first need not be what was
/// deleted: the bucket of an object, or the role of a policy. Empty: the event has no id that can be typed.
fn who(event: &str, options: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let can_be_typed = EventId::read(event).is_ok() && !event.starts_with('-') && event.chars().all(is_plain);
    let options = if options.is_empty() { String::new() } else { format!(" {options}") };
    if can_be_typed { format!("orgtrail who --event {event}{options}") } else { String::new() }
}

/// Returns a time to the minute, as people read it.
fn short_time(text: &str) -> String {
    let is_time = text.len() >= 16 && text.is_ascii() && text.as_bytes()[10] == b'T';
    if is_time { format!("{} {}", &text[..10], &text[11..16]) } else { text.to_owned() }
}

/// Returns a text with nothing in it that acts, and no longer than a number of characters.
fn cut(text: &str, chars: usize) -> String {
    let start: String = text.chars().take(chars + 1).collect();
    let shown = escape::terminal(&start);
    if shown.chars().count() <= chars {
        return shown.into_owned();
    }
    shown.chars().take(chars).chain(['…']).collect()
}

pub(super) fn digits(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_leads_to_a_command_that_a_shell_takes_as_it_is() {
        assert_eq!(who("event-1", "--from X"), "orgtrail who --event event-1 --from X");
        for odd in ["", "0123-abcd", "$(rm -rf ~)", "a b", "-x", "it's", "a\u{202e}b", "=ls"] {
            assert_eq!(who(odd, ""), "", "{odd}");
        }
    }
}
