//! Bars over time, as numbers that a template draws.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::panels::Counted;
use super::{Dashboard, Panel};
use crate::query::answer::Cell;
use crate::query::together::TogetherAnswer;
use crate::report::text::words::grouped;

/// The width and the height of a chart, in its own units.
pub(super) const WIDTH: u64 = 960;
/// See [`WIDTH`].
pub(super) const HEIGHT: u64 = 120;
/// Up to how many hours there is a bar for each; beyond, for each day.
const HOURS_MAX: i64 = 96;
/// The widest bar.
const BAR_MAX: u64 = 60;
/// The most bars; of more the last are drawn.
const BARS_MAX: usize = 400;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A bar: what was done below, what failed or was only attempted above.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    x: u64,
    width: u64,
    low_y: u64,
    low_height: u64,
    high_y: u64,
    high_height: u64,
    words: String,
}

/// A chart.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    width: u64,
    height: u64,
    bars: Vec<Bar>,
    /// What it shows, in one sentence.
    words: String,
    /// The times at its ends.
    begin: String,
    /// See `begin`.
    end: String,
}

/// What happened in a bar's time: done, and failed or only attempted.
type Count = (u64, u64);

/// Returns the chart of all events. `None`: nothing is known of them.
pub(super) fn of_events(dashboard: &Dashboard) -> Option<Chart> {
    let answer = dashboard.by_hour()?;
    let is_hourly = dashboard.to.duration_since(dashboard.from).as_hours() <= HOURS_MAX;
    let length = if is_hourly { 13 } else { 10 };
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let at = |name: &str| answer.columns.iter().position(|column| column == name);
    let (hour, events, failed) = (at("hour")?, at("events")?, at("failed")?);
    for row in &answer.rows {
        let number = |at: usize| row.get(at).map_or(0, |cell| cell.text().parse::<u64>().unwrap_or(0));
        let key: String = row.get(hour).map_or("", Cell::text).chars().take(length).collect();
        let count = counts.entry(key).or_default();
        count.0 += number(events).saturating_sub(number(failed));
        count.1 += number(failed);
    }
    Some(chart(dashboard, &counts, is_hourly, "events", ("done", "attempted")))
}

/// Returns the chart of a panel whose rows are events. `None`: they are not, or there is none.
pub(super) fn of_panel(dashboard: &Dashboard, panel: &Panel) -> Option<Chart> {
    let TogetherAnswer { tally, .. } = panel.answer()?;
    let (Counted::Events((_, what)) | Counted::Sum(_, (_, what)) | Counted::Rows((_, what))) = panel.spec.counted;
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (key, number) in tally {
        let [day, outcome] = key.as_slice() else { return None };
        let count = counts.entry(day.clone()).or_default();
        if outcome == "attempted" { count.1 += number } else { count.0 += number }
    }
    let is_daily = dashboard.to.duration_since(dashboard.from).as_hours() > HOURS_MAX && !counts.is_empty();
    is_daily.then(|| chart(dashboard, &counts, false, what, ("done", "attempted")))
}

fn chart(
    dashboard: &Dashboard,
    counts: &BTreeMap<String, Count>,
    is_hourly: bool,
    what: &str,
    (done, failed): (&str, &str),
) -> Chart {
    let keys = keys(dashboard.from, dashboard.to, is_hourly);
    let most = counts.values().map(|(low, high)| low + high).max().unwrap_or(0);
    let number = keys.len().max(1) as u64;
    let scaled = |count: u64| u64::try_from(u128::from(count) * u128::from(HEIGHT) / u128::from(most.max(1)));
    // What happened must be seen, however rare it is.
    let height = |count: u64| scaled(count).unwrap_or(HEIGHT).max(u64::from(count > 0) * 2).min(HEIGHT);
    let bars = keys.iter().enumerate().filter_map(|(at, key)| {
        let (low, high) = counts.get(key).copied()?;
        let (x, next) = (at as u64 * WIDTH / number, (at as u64 + 1) * WIDTH / number);
        let (low_height, high_height) = (height(low), height(high));
        let low_y = HEIGHT - low_height;
        let words = format!("{}: {} {done}, {} {failed}", shown(key), words(low), words(high));
        let width = (next - x).saturating_sub(1).clamp(1, BAR_MAX);
        Some(Bar { x, width, low_y, low_height, high_y: low_y.saturating_sub(high_height), high_height, words })
    });
    let step = if is_hourly { "hour" } else { "day" };
    let (begin, end) = (keys.first().map(|key| shown(key)), keys.last().map(|key| shown(key)));
    let all: u64 = counts.values().map(|(low, high)| low + high).sum();
    Chart {
        width: WIDTH,
        height: HEIGHT,
        bars: bars.collect(),
        words: format!(
            "{} {what} by {step}, UTC: {done} below, {failed} on top; the highest {step} has {}",
            words(all),
            words(most)
        ),
        begin: begin.unwrap_or_default(),
        end: end.unwrap_or_default(),
    }
}

fn words(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

/// Returns the beginnings of the times of each bar, as RFC 3339 writes them.
fn keys(from: Timestamp, to: Timestamp, is_hourly: bool) -> Vec<String> {
    let (step, format) = if is_hourly { (HOUR, "%Y-%m-%dT%H") } else { (DAY, "%Y-%m-%d") };
    let begin = |at: Timestamp| at.as_second().div_euclid(step.as_secs()) * step.as_secs();
    let (first, last) = (begin(from), begin(to.checked_sub(SignedDuration::from_micros(1)).unwrap_or(to)));
    let seconds = usize::try_from(step.as_secs()).unwrap_or(1).max(1);
    let all: Vec<i64> = (first..=last).step_by(seconds).collect();
    let skipped = all.len().saturating_sub(BARS_MAX);
    let time = |second: &i64| Timestamp::from_second(*second).ok().map(|at| at.to_zoned(TimeZone::UTC));
    all.iter().skip(skipped).filter_map(time).map(|at| at.strftime(format).to_string()).collect()
}

fn shown(key: &str) -> String {
    match key.split_once('T') {
        Some((day, hour)) => format!("{day} {hour}:00"),
        None => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_bar_for_each_day_or_hour_that_the_time_touches() {
        let of = |from: &str, to: &str, is_hourly| keys(from.parse().unwrap(), to.parse().unwrap(), is_hourly);
        let days = of("2026-11-18T10:00:00Z", "2026-11-20T00:00:00Z", false);
        assert_eq!(days, ["2026-11-18", "2026-11-19"]);
        let hours = of("2026-11-18T23:30:00Z", "2026-11-19T00:00:01Z", true);
        assert_eq!(hours, ["2026-11-18T23", "2026-11-19T00"]);
        let years = of("1926-11-18T00:00:00Z", "2026-11-18T00:00:00Z", false);
        assert_eq!((years.len(), years.last().map(String::as_str)), (BARS_MAX, Some("2026-11-17")));
    }
}
