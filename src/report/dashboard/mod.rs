//! The dashboard: what happened in some days, as panels that each ask one prepared question, with what the answers
//! cover.
//!
//! - [`panels`]: the table of panels.
//! - `page`: the page for a browser, bounded in size; `chart` has its bars.
//! - `json`, `human`: the same for programs and for a terminal.

mod chart;
mod coverage;
mod human;
mod json;
mod missing;
mod page;
pub mod panels;
mod view;

use jiff::Timestamp;

use crate::query::answer::AnswerCoverage;
use crate::query::together::TogetherAnswer;
use panels::{BY_HOUR, Counted, PanelSpec};

pub use human::human;
pub use json::{DashboardJson, json};
pub use page::page;

/// What a dashboard shows.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The first moment.
    pub from: Timestamp,
    /// The last moment: the end that was asked for, else the present.
    pub to: Timestamp,
    /// When it was made.
    pub made: Timestamp,
    /// What was asked, in words: places, accounts, regions.
    pub scope: String,
    /// What the answers cover.
    pub coverage: AnswerCoverage,
    /// From when first calls were looked for, and what that covers. `None`: it was not done.
    pub earlier: Option<(Timestamp, AnswerCoverage)>,
    /// The first event of the days before, RFC 3339. `None`: there is none, or it was not looked for.
    pub baseline: Option<String>,
    /// The panels, in the order of the page.
    pub panels: Vec<Panel>,
}

/// A panel with its answer.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its row of the table.
    pub spec: &'static PanelSpec,
    /// The command line that gives the same rows.
    pub command: String,
    /// The options of a command line that looks where and when this panel does.
    pub options: String,
    /// The question as SQL.
    pub sql: String,
    /// What the question cannot see, as its author says.
    pub cannot_see: String,
    /// What was found.
    pub found: Found,
}

/// What came of a panel.
#[derive(Debug, Clone)]
pub enum Found {
    /// The answer.
    Answer(TogetherAnswer),
    /// The question has no answer, and why.
    Failed(String),
    /// It was not asked, and what to do where it should be.
    LeftOut(String),
    /// It has an answer that says nothing, and why: there is nothing to compare with.
    NoBaseline(String),
}

/// What a panel counted, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub all: u64,
    /// Of these, what was done, also by AWS itself.
    pub done: u64,
    /// Of these, what was attempted and not done.
    pub attempted: u64,
}

impl Dashboard {
    /// Tells whether every answer is whole.
    pub fn is_whole(&self) -> bool {
        let is_answered = |panel: &Panel| !matches!(panel.found, Found::Failed(_));
        self.coverage.is_whole
            && self.earlier.as_ref().is_none_or(|(_, coverage)| coverage.is_whole)
            && self.panels.iter().all(is_answered)
    }

    /// Returns the panel about events by hour, with its answer. `None`: it has none.
    fn by_hour(&self) -> Option<&TogetherAnswer> {
        self.panels.iter().find(|panel| panel.spec.query == BY_HOUR)?.answer()
    }
}

impl Panel {
    /// Returns its answer. `None`: it has none.
    pub fn answer(&self) -> Option<&TogetherAnswer> {
        match &self.found {
            Found::Answer(answer) => Some(answer),
            Found::Failed(_) | Found::LeftOut(_) | Found::NoBaseline(_) => None,
        }
    }

    /// Returns what it counted. `None`: it has no answer.
    pub fn tally(&self) -> Option<Tally> {
        let answer = self.answer()?;
        if let Counted::Rows(_) = self.spec.counted {
            return Some(Tally { all: answer.rows_count, ..Tally::default() });
        }
        let mut tally = Tally::default();
        for (key, count) in &answer.tally {
            tally.all += count;
            match key.last().map(String::as_str) {
                Some("done" | "by AWS itself") => tally.done += count,
                Some("attempted") => tally.attempted += count,
                _ => {}
            }
        }
        if let Counted::Events(_) = self.spec.counted {
            tally.all = answer.rows_count;
        }
        Some(tally)
    }
}
