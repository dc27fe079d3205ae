//! The dashboard for a terminal: the number of each panel, and what the answers cover.

use super::missing::missing;
use super::panels::{FIRST_SEEN, Section};
use super::view::{number, outcomes};
use super::{Dashboard, Found, Panel};
use crate::report::text::escape;

/// The width of the column of titles.
const TITLE: usize = 40;

/// Returns a short summary, wrapped to a width.
pub fn human(dashboard: &Dashboard, width: usize) -> String {
    let moment = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    let mut text = format!("{} to {} UTC\n", moment(dashboard.from), moment(dashboard.to));
    for section in Section::ALL {
        let panels = || dashboard.panels.iter().filter(|panel| panel.spec.section == section);
        if panels().next().is_some() {
            text += &format!("\n{}\n", section.title());
        }
        for panel in panels() {
            text += &format!("  {:TITLE$}{}\n", panel.spec.title, escape::terminal(&said(panel)));
        }
    }
    text.push('\n');
    let lines = textwrap::Options::new(width).subsequent_indent("    ");
    let mut sentences = missing(dashboard);
    sentences.extend(dashboard.coverage.sentences());
    if let Some((_, coverage)) = &dashboard.earlier {
        let title = dashboard.panels.iter().find(|panel| panel.spec.query == FIRST_SEEN).map(|panel| panel.spec.title);
        let named = |sentence: String| format!("{}: {sentence}", title.unwrap_or(FIRST_SEEN));
        sentences.extend(coverage.sentences().into_iter().map(named));
    }
    for sentence in sentences {
        text += &textwrap::fill(&escape::terminal(&sentence), &lines);
        text.push('\n');
    }
    text
}

fn said(panel: &Panel) -> String {
    match &panel.found {
        Found::Failed(why) => format!("no answer: {why}"),
        Found::LeftOut(why) => format!("not asked: {why}"),
        Found::NoBaseline(why) => format!("no baseline: {why}"),
        Found::Answer(_) => match panel.tally().map(outcomes).filter(|words| !words.is_empty()) {
            Some(words) => format!("{}: {words}", number(panel)),
            None => number(panel),
        },
    }
}
