//! What the numbers do not cover, in words: which accounts, regions, days and kinds of events.

use std::collections::BTreeMap;

use super::{Dashboard, Found};
use crate::log_path::LogKind;
use crate::query::answer::{AnswerCoverage, Cell, HoursGap};
use crate::report::text::words::{count, grouped};

/// Accounts that are named, and regions of each.
const ACCOUNTS_MAX: usize = 10;
const REGIONS_MAX: usize = 4;
/// Counts of events are easily taken for findings.
const NO_DETECTIONS: &str = "No detections were run: each number counts events that were recorded, and none says whether \
                             they are an attack.";

/// Returns a sentence for everything that the numbers do not cover.
pub(super) fn missing(dashboard: &Dashboard) -> Vec<String> {
    let mut all = of_hours(&dashboard.coverage, "");
    if let Some((_, coverage)) = dashboard.earlier.as_ref().filter(|(_, coverage)| !coverage.is_whole) {
        let is_same = coverage.gaps == dashboard.coverage.gaps;
        all.extend(of_hours(coverage, "Days to compare with: ").into_iter().filter(|_| !is_same));
    }
    let failed = dashboard.panels.iter().filter(|panel| matches!(panel.found, Found::Failed(_)));
    all.extend(failed.map(|panel| format!("No answer: {}.", panel.spec.title)));
    all.extend(of_kinds(dashboard));
    all
}

/// Says which accounts and days are without logs or digests.
fn of_hours(coverage: &AnswerCoverage, prefix: &str) -> Vec<String> {
    let mut all = Vec::new();
    if !coverage.without_logs.is_empty() {
        all.push(format!("{prefix}no logs at all of {}.", coverage.without_logs.join(", ")));
    }
    let mut by_account: BTreeMap<&str, Vec<&HoursGap>> = BTreeMap::new();
    for gap in &coverage.gaps {
        by_account.entry(&gap.account).or_default().push(gap);
    }
    let mut accounts: Vec<(&str, Vec<&HoursGap>)> = by_account.into_iter().collect();
    accounts.sort_by_key(|(_, gaps)| std::cmp::Reverse(gaps.iter().map(|gap| gap.hours).sum::<u64>()));
    let further = accounts.len().saturating_sub(ACCOUNTS_MAX);
    all.extend(
        accounts.iter().take(ACCOUNTS_MAX).map(|(account, gaps)| format!("{prefix}{}", of_account(account, gaps))),
    );
    if further > 0 {
        all.push(format!(
            "{prefix}{} more without digests; `orgtrail coverage` shows each.",
            count(further, "account")
        ));
    }
    if coverage.hours.pending > 0 {
        let hours = grouped(usize::try_from(coverage.hours.pending).unwrap_or(usize::MAX));
        all.push(format!("{prefix}logs or digests of the last {hours} hours of accounts and regions may still come."));
    }
    all
}

/// Says which hours of an account have no digest.
fn of_account(account: &str, gaps: &[&HoursGap]) -> String {
    let hours = usize::try_from(gaps.iter().map(|gap| gap.hours).sum::<u64>()).unwrap_or(usize::MAX);
    let mut regions: Vec<&str> = gaps.iter().take(REGIONS_MAX).map(|gap| gap.region.as_str()).collect();
    let more = format!("{} more regions", gaps.len().saturating_sub(REGIONS_MAX));
    if gaps.len() > REGIONS_MAX {
        regions.push(&more);
    }
    let first = gaps.iter().map(|gap| gap.days().0).min().unwrap_or_default();
    let last = gaps.iter().map(|gap| gap.days().1).max().unwrap_or_default();
    let when = if first == last { format!("on {first}") } else { format!("between {first} and {last}") };
    format!(
        "{account}: {} without a digest in {}, {when}: logs may be missing.",
        count(hours, "hour"),
        regions.join(", ")
    )
}

/// Says which kinds of events are not there at all, so that a zero of theirs says nothing.
fn of_kinds(dashboard: &Dashboard) -> Vec<String> {
    let mut all = Vec::new();
    let Some(answer) = dashboard.by_hour() else { return vec![NO_DETECTIONS.to_owned()] };
    let at = answer.columns.iter().position(|column| column == "data_events");
    let number =
        |row: &Vec<Cell>| at.and_then(|at| row.get(at)).map_or(0, |cell| cell.text().parse::<u64>().unwrap_or(0));
    if at.is_some() && answer.rows.iter().all(|row| number(row) == 0) {
        all.push(
            "There is no data event: reads and deletions of objects, items and messages are not in the numbers unless a \
             trail records them."
                .to_owned(),
        );
    }
    if !dashboard.coverage.kinds.is_empty() && !dashboard.coverage.kinds.contains(LogKind::Insight.folder()) {
        all.push("There are no logs of CloudTrail Insights: no insight says nothing.".to_owned());
    }
    all.push(NO_DETECTIONS.to_owned());
    all
}
