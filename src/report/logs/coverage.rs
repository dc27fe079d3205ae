//! The report of coverage: terminal, JSON, markdown; its page is in [`super::page`].

use std::fmt::Write;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::heat::HeatMap;
use crate::logs::coverage::{Arrival, Coverage, Gap, Row, TrailStatus};
use crate::logs::finding::Window;
use crate::logs::key::LogKind;
use crate::report::escape;
use crate::report::words::{count, grouped};

/// The version of the JSON.
const FORMAT_VERSION: u32 = 1;

/// What an hour has, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    /// A digest is about it.
    Digest,
    /// It has log files, and no digest.
    Logs,
    /// It has neither.
    Nothing,
}

impl Presence {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Presence::Digest => "digest",
            Presence::Logs => "logs",
            Presence::Nothing => "nothing",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Presence::Digest => "#",
            Presence::Logs => "+",
            Presence::Nothing => "X",
        }
    }
}

/// Returns the JSON of coverage, ending with a line break. `limit` marks the rows that are older.
pub fn json(coverage: &Coverage, limit: Option<SignedDuration>) -> String {
    let value = json!({
        "format_version": FORMAT_VERSION,
        "store": coverage.store,
        "from": coverage.range.start.to_string(),
        "to": coverage.range.end.to_string(),
        "summary": summary(coverage, limit),
        "rows": coverage.rows.iter().map(row_json).collect::<Vec<_>>(),
        "trails": coverage.trails.iter().map(trail_json).collect::<Vec<_>>(),
        "not_known": coverage.unread,
        "made_at": coverage.now.to_string(),
        "tool_version": env!("CARGO_PKG_VERSION"),
    });
    escape::json(&format!("{value:#}\n")).into_owned()
}

/// Returns one line of JSON a row, and a last one with the summary.
pub fn json_lines(coverage: &Coverage, limit: Option<SignedDuration>) -> String {
    let rows = coverage.rows.iter().map(|row| json!({"type": "row", "row": row_json(row)}));
    let last = json!({"type": "summary", "format_version": FORMAT_VERSION, "summary": summary(coverage, limit)});
    rows.chain([last]).map(|line| escape::json(&format!("{line}\n")).into_owned()).collect()
}

/// Returns the report for a terminal of a width.
pub fn human(coverage: &Coverage, limit: Option<SignedDuration>, width: usize) -> String {
    let mut text = lines(coverage, limit).join("\n") + "\n";
    if let Some(map) = heat_map(coverage, width.saturating_sub(32).clamp(24, 96)) {
        text.push_str(&grid(&map));
    }
    let is_old = |row: &Row| limit.is_some_and(|limit| coverage.older_than(limit).any(|old| old == row));
    for row in coverage.rows.iter().filter(|row| row.arrival != Arrival::Arriving || is_old(row)) {
        let name = row.name.as_deref().map(|name| format!(" ({})", escape::terminal(name))).unwrap_or_default();
        let newest = row.newest.map(|newest| format!(", newest {newest}")).unwrap_or_default();
        let old = if is_old(row) { ", older than the limit" } else { "" };
        let (state, place, kind) = (row.arrival.as_str(), label(row), row.kind.folder());
        let _ = writeln!(text, "\n{state}: {place}{name} {kind}{newest}{old}");
        for gap in gaps(row) {
            let _ = writeln!(text, "  {}", escape::terminal(&gap));
        }
    }
    text
}

/// Returns the report as markdown.
pub fn markdown(coverage: &Coverage, limit: Option<SignedDuration>) -> String {
    let mut text = String::from("## Coverage\n\n");
    for line in lines(coverage, limit) {
        let _ = writeln!(text, "{}\n", escape::markdown(&line));
    }
    if let Some(map) = heat_map(coverage, 72) {
        let _ = write!(text, "```text\n{}```\n", grid(&map).trim_start_matches('\n'));
    }
    text.push_str("\n| account | region | kind | logs | files | first | last | hours without digest | gaps |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for row in &coverage.rows {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let gaps: Vec<String> = gaps(row).iter().map(|gap| escape::markdown(gap)).collect();
        let name = row.name.as_deref().map(escape::markdown_code).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.account,
            row.region,
            row.kind.folder(),
            row.arrival.as_str(),
            row.files.count,
            time(row.files.first),
            time(row.files.last),
            row.hours_without_digest(),
            gaps.join("<br>"),
        );
    }
    text
}

/// Returns the sentences above the grid.
pub(super) fn lines(coverage: &Coverage, limit: Option<SignedDuration>) -> Vec<String> {
    let rows = |arrival| coverage.rows.iter().filter(|row| row.arrival == arrival).count();
    if coverage.rows.is_empty() {
        let unread = coverage.unread.iter().map(|unread| format!("not known: {unread}"));
        let nothing = format!("nothing: no key in {} is that of a log file or digest of the range", coverage.store);
        return [nothing].into_iter().chain(unread).collect();
    }
    let mut lines = vec![format!(
        "{} (account x region x kind of log): {} arriving, {} with gaps, {} stopped, {} with nothing, {} unread",
        count(coverage.rows.len(), "row"),
        grouped(rows(Arrival::Arriving)),
        grouped(rows(Arrival::Gaps)),
        grouped(rows(Arrival::Stopped)),
        grouped(rows(Arrival::Nothing)),
        grouped(rows(Arrival::Unread)),
    )];
    if let Some(limit) = limit {
        let old = coverage.older_than(limit).count();
        let hours = format!("{:#}", limit);
        lines.push(match old {
            0 => format!("every account and region that should deliver has something newer than {hours}"),
            1 => format!("1 account and region has nothing newer than {hours}"),
            old => format!("{} accounts and regions have nothing newer than {hours}", grouped(old)),
        });
    }
    lines.extend(coverage.unread.iter().map(|unread| format!("not known: {unread}")));
    for trail in &coverage.trails {
        let state = if trail.is_logging { "is logging" } else { "is stopped" };
        let error = trail.delivery_error.as_ref().map(|error| format!(", delivery fails: {error}")).unwrap_or_default();
        lines.push(format!("trail {} {state}{error}", trail.name));
    }
    lines
}

/// Returns the grid, account and region by time.
pub(super) fn heat_map(coverage: &Coverage, columns_max: usize) -> Option<HeatMap<Presence>> {
    let rows = coverage.rows.iter().filter(|row| row.kind == LogKind::CloudTrail && row.arrival != Arrival::Unread);
    HeatMap::of(rows.map(|row| (label(row), presence(row, coverage.range))), columns_max)
}

/// Returns a row's name for people.
pub(super) fn label(row: &Row) -> String {
    format!("{} {}", row.account, row.region)
}

/// Returns what a person should know about a row's gaps and problems.
pub(super) fn gaps(row: &Row) -> Vec<String> {
    let gap = |Gap { window, reason, is_guess }: &Gap| {
        let guess = if *is_guess { "perhaps " } else { "" };
        format!("{} to {}: {guess}{reason}", window.start, window.end)
    };
    let problem = row.problem.iter().map(|problem| format!("it could not be listed: {problem}"));
    row.gaps.iter().map(gap).chain(problem).collect()
}

/// Returns the delays of a row for people.
pub(super) fn delay(row: &Row) -> String {
    match (row.files.delays.median_minutes(), row.files.delays.max_minutes()) {
        (Some(median), Some(max)) => format!("{median} min / {max} min"),
        _ => String::new(),
    }
}

fn presence(row: &Row, range: Window) -> Vec<(Window, Presence)> {
    let digests = row.digest_hours.iter().map(|window| (window, Presence::Digest));
    let mut hours: Vec<_> = digests.collect();
    for gap in row.digest_hours.gaps(range) {
        for empty in row.files.hours.gaps(gap) {
            // A begun hour whose digest cannot be there yet is no gap.
            hours.extend(row.gaps.iter().filter_map(|of| common(of.window, empty)).map(|w| (w, Presence::Nothing)));
        }
        hours.extend(row.files.hours.iter().filter_map(|of| common(of, gap)).map(|w| (w, Presence::Logs)));
    }
    hours
}

fn common(a: Window, b: Window) -> Option<Window> {
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    (start < end).then_some(Window { start, end })
}

fn grid(map: &HeatMap<Presence>) -> String {
    let width = map.rows.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let hours = count(usize::try_from(map.step.as_hours()).unwrap_or_default(), "hour");
    let mut text = format!("\n{:<width$} {}  one column: {hours}\n", "", map.start.strftime("%Y-%m-%d %H:%MZ"));
    for (label, cells) in &map.rows {
        let drawn: String = cells.iter().map(|cell| cell.map_or(" ", Presence::sign)).collect();
        let _ = writeln!(text, "{label:<width$} {drawn}");
    }
    let _ = writeln!(text, "{:<width$} # digest  + log files without digest  X nothing", "");
    text
}

fn summary(coverage: &Coverage, limit: Option<SignedDuration>) -> Value {
    let rows = |arrival| coverage.rows.iter().filter(|row| row.arrival == arrival).count();
    json!({
        "rows": coverage.rows.len(),
        "arriving": rows(Arrival::Arriving),
        "gaps": rows(Arrival::Gaps),
        "stopped": rows(Arrival::Stopped),
        "nothing": rows(Arrival::Nothing),
        "unread": rows(Arrival::Unread),
        "older_than_limit": limit.map(|limit| coverage.older_than(limit).count()),
    })
}

fn row_json(row: &Row) -> Value {
    let gap = |gap: &Gap| {
        let Gap { window, reason, is_guess } = gap;
        json!({"from": window.start.to_string(), "to": window.end.to_string(), "reason": reason, "guess": is_guess})
    };
    json!({
        "account": row.account,
        "name": row.name,
        "region": row.region,
        "kind": row.kind.folder(),
        "state": row.arrival.as_str(),
        "files": row.files.count,
        "first": row.files.first.map(|first| first.to_string()),
        "last": row.files.last.map(|last| last.to_string()),
        "newest": row.newest.map(|newest| newest.to_string()),
        "digests": row.digests,
        "hours_with_digest": row.hours_with_digest(),
        "hours_without_digest": row.hours_without_digest(),
        "gaps": row.gaps.iter().map(gap).collect::<Vec<_>>(),
        "delay_median_min": row.files.delays.median_minutes(),
        "delay_max_min": row.files.delays.max_minutes(),
        "expected": row.is_expected,
        "problem": row.problem,
    })
}

fn trail_json(trail: &TrailStatus) -> Value {
    let TrailStatus { name, is_logging, stopped, started, delivered, delivery_error } = trail;
    let time = |time: &Option<jiff::Timestamp>| time.map(|time| time.to_string());
    json!({
        "name": name,
        "logging": is_logging,
        "stopped": time(stopped),
        "started": time(started),
        "delivered": time(delivered),
        "delivery_error": delivery_error,
    })
}
