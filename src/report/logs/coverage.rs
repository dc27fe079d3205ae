//! The report of coverage: terminal, JSON, markdown; its JSON shape is in [`super::coverage_model`], its page in
//! [`super::page`].

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::SignedDuration;
use serde_json::json;

use super::config;
use super::coverage_model::{CoverageJson, organizations};
use super::heat::HeatMap;
use super::table::Table;
use super::verify::made;
use crate::log_path::LogKind;
use crate::logs::coverage::{Arrival, Coverage, Gap, Row};
use crate::logs::finding::TimeRange;
use crate::report::text::escape;
use crate::report::text::words::{count, grouped, size};

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
    escape::json(&format!("{:#}\n", json!(CoverageJson::of(coverage, limit)))).into_owned()
}

/// Returns one line of JSON a row, and a last one with the summary.
pub fn json_lines(coverage: &Coverage, limit: Option<SignedDuration>) -> String {
    let lines = CoverageJson::of(coverage, limit).into_lines();
    lines.map(|line| escape::json(&format!("{}\n", json!(line))).into_owned()).collect()
}

/// Returns the report for a terminal of a width.
pub fn human(coverage: &Coverage, limit: Option<SignedDuration>, width: usize) -> String {
    let mut text = String::new();
    for line in lines(coverage, limit).into_iter().chain(head(coverage)) {
        let _ = writeln!(text, "{}", escape::terminal(&line));
    }
    if !coverage.rows.is_empty() {
        let _ = write!(text, "\n{}", table(coverage).text(width));
    }
    if let Some(map) = heat_map(coverage, width.saturating_sub(32).clamp(24, 96)) {
        text.push_str(&grid(&map));
    }
    let is_old = |row: &Row| limit.is_some_and(|limit| coverage.older_than(limit).any(|old| old == row));
    for row in coverage.rows.iter().filter(|row| !row.is_well() || is_old(row) || row.note.is_some()) {
        let name = row.name.as_deref().map(|name| format!(" ({})", escape::terminal(name))).unwrap_or_default();
        let newest = row.newest.map(|newest| format!(", newest {newest}")).unwrap_or_default();
        let old = if is_old(row) { ", older than the limit" } else { "" };
        let trail = row.trail.as_ref().map(|trail| format!(" trail {trail}")).unwrap_or_default();
        let (state, place, kind) = (row.arrival.as_str(), label(row), row.kind.folder());
        let _ = writeln!(text, "\n{state}: {place}{name} {kind}{trail}{newest}{old}");
        for gap in gaps(row) {
            let _ = writeln!(text, "  {}", escape::terminal(&gap));
        }
    }
    if let Some(rows) = &coverage.config {
        let _ = writeln!(text, "\n{}", config::headline(rows));
        if !rows.is_empty() {
            let _ = write!(text, "\n{}", config::short_table(rows).text(width));
        }
        for note in config::notes(rows) {
            let _ = writeln!(text, "{}", escape::terminal(&note));
        }
    }
    let _ = writeln!(text);
    for line in tail(coverage, limit) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Returns the report as markdown.
pub fn markdown(coverage: &Coverage, limit: Option<SignedDuration>) -> String {
    let mut text = String::from("## Coverage\n\n");
    for line in lines(coverage, limit) {
        let _ = writeln!(text, "{}\n", escape::markdown(&line));
    }
    for line in head(coverage) {
        let _ = writeln!(text, "- {}", escape::markdown(&line));
    }
    if let Some(map) = heat_map(coverage, 72) {
        let _ = write!(text, "\n```text\n{}```\n", grid(&map).trim_start_matches('\n'));
    }
    if !coverage.rows.is_empty() {
        let _ = write!(text, "\n{}\n", table(coverage).markdown());
    }
    for row in coverage.rows.iter().filter(|row| !gaps(row).is_empty()) {
        let gaps: Vec<String> = gaps(row).iter().map(|gap| escape::markdown(gap)).collect();
        let _ = writeln!(text, "- {} {}: {}", escape::markdown(&label(row)), row.kind.folder(), gaps.join("; "));
    }
    if let Some(rows) = &coverage.config {
        let _ = writeln!(text, "\n### AWS Config\n\n{}", escape::markdown(&config::headline(rows)));
        if !rows.is_empty() {
            let _ = write!(text, "\n{}\n", config::table(rows).markdown());
        }
    }
    let _ = writeln!(text);
    for line in tail(coverage, limit) {
        let _ = writeln!(text, "{}\n", escape::markdown(&line));
    }
    text
}

/// Returns the sentences above everything else.
pub(super) fn lines(coverage: &Coverage, limit: Option<SignedDuration>) -> Vec<String> {
    let rows = |arrival| grouped(coverage.rows.iter().filter(|row| row.arrival == arrival).count());
    let nothing = coverage.is_nothing().then(|| {
        let of = coverage.sought.named().map(|sought| format!(" of {sought}")).unwrap_or_default();
        format!("nothing{of}: no key in {} is that of a log file or digest{of} of the range", coverage.store)
    });
    if coverage.rows.is_empty() {
        let unread = coverage.unread.iter().map(|unread| format!("not known: {unread}"));
        return nothing.into_iter().chain(unread).collect();
    }
    let states = [Arrival::Arriving, Arrival::Gaps, Arrival::Stopped, Arrival::Nothing, Arrival::Unread];
    let mut counts: Vec<String> = states.iter().map(|&state| format!("{} {}", rows(state), state.phrase())).collect();
    let rare = [Arrival::Quiet, Arrival::DigestsOnly, Arrival::Ended, Arrival::Seen]
        .into_iter()
        .filter(|state| rows(*state) != "0");
    counts.extend(rare.map(|state| format!("{} {}", rows(state), state.phrase())));
    let of = "account x region x kind of log x trail";
    let mut lines: Vec<String> = nothing.into_iter().collect();
    lines.push(format!("{} ({of}): {}", count(coverage.rows.len(), "row"), counts.join(", ")));
    if let Some(limit) = limit {
        let old = coverage.older_than(limit).count();
        let hours = format!("{:#}", limit);
        lines.push(match old {
            0 => format!("every account and region that should deliver has something newer than {hours}"),
            1 => format!("1 account and region has nothing newer than {hours}"),
            old => format!("{} accounts and regions have nothing newer than {hours}", grouped(old)),
        });
    }
    let lacking = coverage.rows.iter().filter(|row| row.lacks_log_files()).count();
    if lacking > 0 {
        lines.push(format!(
            "{}: digests are there, and no log file of the range or of its end; either nothing happened, or they are gone: ask orgtrail \
             verify, which proves what the digests list",
            count(lacking, "row")
        ));
    }
    lines.extend(coverage.unread.iter().map(|unread| format!("not known: {unread}")));
    for trail in &coverage.trails {
        let state = if trail.is_logging { "is logging" } else { "is stopped" };
        let error = trail.delivery_error.as_ref().map(|error| format!(", delivery fails: {error}")).unwrap_or_default();
        lines.push(format!("trail {} {state}{error}", trail.name));
    }
    lines
}

/// Returns the lines that say what was looked at, what should be there and what is, when and by what.
pub(super) fn head(coverage: &Coverage) -> Vec<String> {
    let there = || coverage.rows.iter().filter(|row| row.scope.is_some());
    let accounts: BTreeSet<_> = there().map(|row| &row.account).collect();
    let regions: BTreeSet<_> = there().map(|row| &row.region).collect();
    let trails: BTreeSet<&str> = there().filter_map(|row| Some(row.trail.as_ref()?.as_str())).collect();
    let buckets: BTreeSet<&str> = there().filter_map(|row| row.bucket.as_deref()).collect();
    let list = |of: BTreeSet<&str>| of.into_iter().collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("place: {}", coverage.store)];
    lines.extend(coverage.sought.named().map(|sought| format!("asked about: {sought}")));
    let organizations = organizations(coverage);
    if !organizations.is_empty() {
        lines.push(format!("organization: {}", list(organizations)));
    }
    if !buckets.is_empty() {
        lines.push(format!("bucket: {}", list(buckets)));
    }
    lines.push(format!("range: {} to {}", coverage.range.start, coverage.range.end));
    lines.push(made(coverage.now));
    let trails_expected = &coverage.expected_trails;
    lines.push(match (coverage.expected_accounts, trails_expected.is_empty()) {
        (None, true) => "expected: unknown accounts, regions and trails (a configuration names them)".to_owned(),
        (accounts, _) => {
            let accounts = accounts.map_or("accounts not known".to_owned(), |accounts| count(accounts, "account"));
            let names: Vec<&str> = trails_expected.iter().map(String::as_str).collect();
            let trails = match names.is_empty() {
                true => "trails not known".to_owned(),
                false => format!("{} ({})", count(names.len(), "trail"), names.join(", ")),
            };
            format!("expected: {accounts}, {trails}")
        }
    });
    let names = if trails.is_empty() { String::new() } else { format!(" ({})", list(trails.clone())) };
    lines.push(format!(
        "found: {}, {}, {}{names}",
        count(accounts.len(), "account"),
        count(regions.len(), "region"),
        count(trails.len(), "trail")
    ));
    lines
}

/// Returns the lines that say what the words mean, and the hash of the report.
pub(super) fn tail(coverage: &Coverage, limit: Option<SignedDuration>) -> Vec<String> {
    let config = coverage.config.as_ref().map(|_| config::MEANING.to_owned());
    let mut lines = vec![
        "A digest is CloudTrail's signed list of the log files that it delivered in an hour. Coverage looks at names, sizes and \
         times of objects alone, and into digests where log files end: what they hold, orgtrail verify proves."
            .to_owned(),
        "arriving: up to now, without a gap. gaps: up to now, with hours without a digest, or without log files that digests \
         list. stopped: no longer. ended: no longer, and another trail or place goes on. nothing: there is nothing in the \
         range. quiet: digests arrive, and list no log file of the range, or none since the newest one. digests_only: digests \
         arrive, and no log file of the range, or of its end, is there, though they list some or could not be read. unread: it could not be listed. seen: of a \
         kind that need not come every hour."
            .to_owned(),
    ];
    lines.extend(config);
    lines.push(format!("sha256 of this report as JSON: {}", CoverageJson::of(coverage, limit).sha256()));
    lines
}

/// The columns of the table.
const COLUMNS: [&str; 10] =
    ["state", "account", "region", "kind", "trail", "layout", "from", "to", "digests", "log files"];

fn table(coverage: &Coverage) -> Table {
    Table {
        columns: &COLUMNS,
        rows: coverage.rows.iter().map(|row| cells(row).map(|(_, cell)| cell).to_vec()).collect(),
    }
}

/// Returns the cells of a row under the names of their columns; the number of log files comes with their size.
pub(super) fn cells(row: &Row) -> [(&'static str, String); 10] {
    let time = |time: Option<jiff::Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
    let first = [row.digest_hours.start(), row.files.first].into_iter().flatten().min();
    let name = row.name.as_deref().filter(|name| !name.is_empty()).map(|name| format!(" {name}")).unwrap_or_default();
    let files = usize::try_from(row.files.count).unwrap_or(usize::MAX);
    let cells = [
        row.arrival.as_str().to_owned(),
        format!("{}{name}", row.account),
        row.region.to_string(),
        row.kind.folder().to_owned(),
        row.trail.as_ref().map_or("-".to_owned(), ToString::to_string),
        if row.layout.is_empty() { "-".to_owned() } else { row.layout.clone() },
        time(first),
        time(row.newest),
        grouped(usize::try_from(row.digests).unwrap_or(usize::MAX)),
        format!("{} ({})", grouped(files), size(row.files.bytes)),
    ];
    let mut columns = COLUMNS.into_iter();
    cells.map(|cell| (columns.next().unwrap_or_default(), cell))
}

/// Returns the grid, account and region by time.
pub(super) fn heat_map(coverage: &Coverage, columns_max: usize) -> Option<HeatMap<Presence>> {
    let rows = coverage.rows.iter().filter(|row| row.kind == LogKind::CloudTrail && row.arrival != Arrival::Unread);
    HeatMap::of(rows.map(|row| (map_label(row, coverage), presence(row, coverage.range))), columns_max)
}

/// Returns a row's name for people.
pub(super) fn label(row: &Row) -> String {
    format!("{} {}", row.account, row.region)
}

/// Returns a row's name in the map: the trail too, where an account's region has several.
fn map_label(row: &Row, coverage: &Coverage) -> String {
    let is_peer = |other: &&Row| {
        (&other.account, &other.region, other.kind) == (&row.account, &row.region, row.kind) && other.trail != row.trail
    };
    match row.trail.as_ref().filter(|_| coverage.rows.iter().any(|other| is_peer(&other))) {
        Some(trail) => format!("{} {trail}", label(row)),
        None => label(row),
    }
}

/// Returns what a person should know about a row's gaps and problems.
pub(super) fn gaps(row: &Row) -> Vec<String> {
    let gap = |Gap { window, reason, is_guess, is_before_start }: &Gap| {
        let guess = if *is_guess { "perhaps " } else { "" };
        let before = if *is_before_start { "no gap, before the first digest: " } else { "" };
        format!("{} to {}: {before}{guess}{reason}", window.start, window.end)
    };
    let problem = row.problem.iter().map(|problem| format!("it could not be listed: {problem}"));
    row.gaps.iter().map(gap).chain(row.note.clone()).chain(problem).collect()
}

/// Returns the delays of a row for people.
pub(super) fn delay(row: &Row) -> String {
    match (row.files.delays.median_minutes(), row.files.delays.max_minutes()) {
        (Some(median), Some(max)) => format!("{median} min / {max} min"),
        _ => String::new(),
    }
}

fn presence(row: &Row, range: TimeRange) -> Vec<(TimeRange, Presence)> {
    let digests = row.digest_hours.iter().map(|window| (window, Presence::Digest));
    let mut hours: Vec<_> = digests.collect();
    for gap in row.digest_hours.gaps(range) {
        for empty in row.files.hours.gaps(gap) {
            // A begun hour whose digest cannot be there yet is no gap.
            // What came before the first digest is nobody's gap.
            let gaps = row.gaps.iter().filter(|gap| !gap.is_before_start);
            hours.extend(gaps.filter_map(|of| common(of.window, empty)).map(|w| (w, Presence::Nothing)));
        }
        hours.extend(row.files.hours.iter().filter_map(|of| common(of, gap)).map(|w| (w, Presence::Logs)));
    }
    hours
}

fn common(a: TimeRange, b: TimeRange) -> Option<TimeRange> {
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    (start < end).then_some(TimeRange { start, end })
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
