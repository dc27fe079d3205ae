//! The dashboard for programs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Dashboard, Found, Panel, Tally};
use crate::query::answer::{AnswerCoverage, Cell};
use crate::report::text::escape;

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// The form of a dashboard in JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DashboardJson<'a> {
    /// The version of this format.
    format_version: u32,
    /// The first moment, RFC 3339.
    from: String,
    /// The last moment, RFC 3339: the end that was asked for, else the present.
    to: String,
    /// Whether every answer is whole.
    is_whole: bool,
    /// What the answers cover.
    coverage: &'a AnswerCoverage,
    /// From when first calls were looked for, RFC 3339. `None`: they were not.
    earlier_from: Option<String>,
    /// The first event of the days before, RFC 3339. `None`: there is none, and it is not known who is new.
    earlier_first: Option<&'a str>,
    /// What the days before cover. `None`: they were not looked at.
    earlier_coverage: Option<&'a AnswerCoverage>,
    /// The panels, in the order of the page.
    panels: Vec<PanelJson<'a>>,
}

/// A panel.
#[derive(Debug, Serialize, JsonSchema)]
struct PanelJson<'a> {
    /// Its name.
    id: &'static str,
    /// Its heading.
    title: &'static str,
    /// The prepared question that it asks.
    query: &'static str,
    /// The command line that gives the same rows.
    command: &'a str,
    /// The question as SQL.
    sql: &'a str,
    /// What it counted. `None`: there is no answer.
    count: Option<u64>,
    /// What of it was done. `None`: the question does not distinguish it, or there is no answer.
    done: Option<u64>,
    /// What of it was only attempted. `None`: the question does not distinguish it, or there is no answer.
    attempted: Option<u64>,
    /// The names of the columns. Empty: there is no answer.
    columns: &'a [String],
    /// The first hundred rows, each a list with a value for every column; where each is an event of a time, the last
    /// hundred. Of events by hour all.
    rows: Vec<Vec<Value>>,
    /// How many rows there are.
    rows_count: u64,
    /// Why the question has no answer. `None`: it has one, or was not asked.
    error: Option<&'a str>,
    /// Why it was not asked, or why its answer would say nothing, and what to do. `None`: it was, and it does.
    left_out: Option<&'a str>,
}

/// Returns the dashboard as one JSON document.
pub fn json(dashboard: &Dashboard) -> String {
    let earlier = dashboard.earlier.as_ref();
    let form = DashboardJson {
        format_version: FORMAT_VERSION,
        from: dashboard.from.to_string(),
        to: dashboard.to.to_string(),
        is_whole: dashboard.is_whole(),
        coverage: &dashboard.coverage,
        earlier_from: earlier.map(|(from, _)| from.to_string()),
        earlier_first: dashboard.baseline.as_deref(),
        earlier_coverage: earlier.map(|(_, coverage)| coverage),
        panels: dashboard.panels.iter().map(PanelJson::of).collect(),
    };
    // The shape has no map with keys that are no texts, so that it can be written.
    let text = serde_json::to_string_pretty(&form).unwrap_or_default() + "\n";
    escape::json(&text).into_owned()
}

impl<'a> PanelJson<'a> {
    fn of(panel: &'a Panel) -> Self {
        let answer = panel.answer();
        let tally = panel.tally();
        let apart = tally.filter(|tally| tally.done + tally.attempted > 0);
        // A number keeps its digits, a list its parts.
        let cell = |cell: &Cell| serde_json::from_str(&cell.json()).unwrap_or_default();
        Self {
            id: panel.spec.id,
            title: panel.spec.title,
            query: panel.spec.query,
            command: &panel.command,
            sql: &panel.sql,
            count: tally.map(|Tally { all, .. }| all),
            done: apart.map(|Tally { done, .. }| done),
            attempted: apart.map(|Tally { attempted, .. }| attempted),
            columns: answer.map(|answer| answer.columns.as_slice()).unwrap_or_default(),
            rows: answer
                .into_iter()
                .flat_map(|answer| &answer.rows)
                .map(|row| row.iter().map(cell).collect())
                .collect(),
            rows_count: answer.map_or(0, |answer| answer.rows_count),
            error: match &panel.found {
                Found::Failed(why) => Some(why),
                Found::Answer(_) | Found::LeftOut(_) | Found::NoBaseline(_) => None,
            },
            left_out: match &panel.found {
                Found::LeftOut(why) | Found::NoBaseline(why) => Some(why),
                Found::Answer(_) | Found::Failed(_) => None,
            },
        }
    }
}
