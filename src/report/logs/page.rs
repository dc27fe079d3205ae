//! HTML pages of proofs and coverage, rendered from `templates/`. Every text is escaped by the template engine.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::config;
use super::coverage::{self as coverage_report, Presence};
use super::heat::HeatMap;
use super::next::next_step;
use super::verify::{folded, head, headline, heat_map, name, rows, shown, tail, time};
use crate::logs::coverage::Coverage;
use crate::logs::finding::{Finding, State};
use crate::logs::verify::{Chain, Verification};
use crate::report::text::html;
use crate::report::text::words::count;

/// The width of the rows' labels and of a map's cells together, in the map's own units.
const LABEL_WIDTH: usize = 440;
const CELLS_WIDTH: usize = 960;
/// The height of a row.
const ROW_HEIGHT: usize = 18;
/// How many columns lie between two times that are written out.
const TIME_EVERY: usize = 16;

const VERIFY: &str = include_str!("../../../templates/verify.html.hbs");
const COVERAGE: &str = include_str!("../../../templates/coverage.html.hbs");

/// Returns the page of a proof.
///
/// # Errors
/// When the template is wrong.
pub fn verify(answer: &Verification) -> Result<String, html::PageError> {
    let row = |chain: Option<&Chain>, finding: &Finding, folded: usize| {
        json!({
            "state": finding.state.as_str(),
            "account": chain.map(|chain| chain.scope.account.to_string()).unwrap_or_default(),
            "region": chain.map(|chain| chain.scope.region.to_string()).unwrap_or_default(),
            "trail": chain.and_then(|chain| chain.trail.as_ref()).map(|(trail, _)| trail.as_str()).unwrap_or_default(),
            "code": finding.code.as_str(),
            "time": time(finding),
            "object": finding.object.as_deref().unwrap_or_default(),
            "detail": finding.detail,
            "next": next_step(finding),
            "folded": folded,
        })
    };
    let beside = folded(answer.findings.iter().collect()).into_iter().map(|(finding, more)| row(None, finding, more));
    let of_chains = answer
        .chains
        .iter()
        .flat_map(|chain| shown(chain).into_iter().map(move |(finding, more)| row(Some(chain), finding, more)));
    let findings: Vec<Value> = beside.chain(of_chains).collect();
    let row = |cells: [(&str, String); 9]| {
        let cells = cells.map(|(column, text)| json!({"column": column, "text": text}));
        json!({"state": cells[0]["text"], "cells": cells[1..]})
    };
    let chains: Vec<Value> = rows(answer).into_iter().map(row).collect();
    let of_chain =
        |chain: &Chain| chain.notes.iter().map(|note| format!("{}: {note}", name(chain))).collect::<Vec<_>>();
    let notes: Vec<String> = answer.chains.iter().flat_map(of_chain).chain(answer.notes.iter().cloned()).collect();
    let lines = headline(answer, |state| state.to_string());
    let data = json!({
        "store": answer.store,
        "state": answer.state().as_str(),
        "lines": lines.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        "head": head(answer),
        "tail": tail(answer),
        "chains": chains,
        "map": heat_map(answer, 96).map(|map| drawn(&map, State::as_str)),
        "findings": findings,
        "notes": notes,
    });
    html::render(VERIFY, &data)
}

/// Returns the page of coverage.
///
/// # Errors
/// When the template is wrong.
pub fn coverage(coverage: &Coverage, limit: Option<SignedDuration>) -> Result<String, html::PageError> {
    let rows = coverage.rows.iter().map(|row| {
        let cells = coverage_report::cells(row).map(|(column, text)| json!({"column": column, "text": text}));
        json!({
            "arrival": row.arrival.as_str(),
            "cells": cells[1..],
            "hours_with": row.hours_with_digest(),
            "hours_without": row.hours_without_digest(),
            "delay": coverage_report::delay(row),
            "gaps": coverage_report::gaps(row),
        })
    });
    let config = coverage.config.as_ref().map(|rows| {
        let cells = |row| -> Vec<Value> {
            let cells = config::COLUMNS.iter().zip(config::cells(row));
            cells.map(|(column, text)| json!({"column": column, "text": text})).collect()
        };
        json!({
            "headline": config::headline(rows),
            "columns": config::COLUMNS,
            "rows": rows.iter().map(|row| json!({"state": row.arrival.as_str(), "cells": cells(row)[1..]})).collect::<Vec<_>>(),
        })
    });
    let data = json!({
        "store": coverage.store,
        "config": config,
        "lines": coverage_report::lines(coverage, limit),
        "head": coverage_report::head(coverage),
        "tail": coverage_report::tail(coverage, limit),
        "map": coverage_report::heat_map(coverage, 96).map(|map| drawn(&map, Presence::as_str)),
        "rows": rows.collect::<Vec<_>>(),
    });
    html::render(COVERAGE, &data)
}

/// Returns the lines that tell a cell's state without colour, as the path of an SVG: a slash for what is not known, a
/// cross for what is bad, nothing for what is good.
fn mark(state: &str, x: usize, y: usize, width: usize) -> String {
    let (right, low) = (x + width, y + 14);
    let slash = format!("M{x} {low}L{right} {y}");
    match state {
        "UNPROVEN" | "logs" => slash,
        "BROKEN" | "nothing" => format!("{slash}M{x} {y}L{right} {low}"),
        _ => String::new(),
    }
}

/// Returns a heat map as the template draws it.
pub(super) fn drawn<T: Copy + Ord>(map: &HeatMap<T>, word: impl Fn(T) -> &'static str) -> Value {
    let columns = map.columns().max(1);
    let x = |column: usize| LABEL_WIDTH + column * CELLS_WIDTH / columns;
    let time = |column: usize| map.time_of(column).strftime("%Y-%m-%d %H:%MZ").to_string();
    let times = (0..columns).step_by(TIME_EVERY).map(|column| json!({"x": x(column), "text": time(column)}));
    let rows = map.rows.iter().enumerate().map(|(row, (label, cells))| {
        let y = (row + 1) * ROW_HEIGHT;
        let cells = cells.iter().enumerate().filter_map(|(column, cell)| {
            let state = word((*cell)?);
            let width = x(column + 1) - x(column);
            let mark = mark(state, x(column), y, width);
            let title = format!("{label} {} {state}", time(column));
            Some(json!({"x": x(column), "width": width, "state": state, "mark": mark, "title": title}))
        });
        json!({"label": label, "y": y, "text_y": y + 12, "cells": cells.collect::<Vec<_>>()})
    });
    json!({
        "width": LABEL_WIDTH + CELLS_WIDTH,
        "height": (map.rows.len() + 2) * ROW_HEIGHT,
        "times": times.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "step": count(usize::try_from(map.step.as_hours()).unwrap_or_default(), "hour"),
    })
}
