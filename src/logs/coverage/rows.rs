//! The rows of coverage: what was found, trail by trail and layout by layout, and which of them another one follows.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Arrival, Gap, LogFiles, Row, ScopeLogs, Survey, TrailDigests};
use crate::ids::{AccountId, Region};
use crate::log_path::{ChainScope, LogKind};
use crate::logs::expected::Expected;
use crate::logs::finding::{HOUR, TimeRange};
use crate::logs::time_set::TimeSet;
use crate::logs::verify::DIGEST_DELAY_MAX;

/// Returns the rows of a survey, without the reasons of their gaps: what was found, and what should be there and is
/// not.
pub(super) fn rows(survey: &Survey, expected: &Expected) -> Vec<Row> {
    let is_one_place = survey.places.windows(2).all(|two| two[0].store == two[1].store);
    let mut rows: Vec<Row> = Vec::new();
    for found in &survey.places {
        let store = if is_one_place { String::new() } else { format!("{}/", found.store) };
        let own = rows_of(found, survey, expected).into_iter();
        rows.extend(own.map(|row| Row { layout: format!("{store}{}", row.layout), ..row }));
    }
    let mut beside: BTreeMap<(&AccountId, &Region), Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| beside.entry((&row.account, &row.region)).or_default().push(row));
    let ended: Vec<Option<Ended>> =
        rows.iter().map(|row| ended(row, &beside[&(&row.account, &row.region)], survey, expected)).collect();
    for (row, ended) in rows.iter_mut().zip(ended) {
        if let Some(Ended { note, open }) = ended {
            row.arrival = if open.is_empty() { Arrival::Ended } else { row.arrival };
            row.note = Some(note);
            let end = row.digest_hours.end();
            row.gaps.retain(|gap| end.is_some_and(|end| gap.window.end <= end));
            row.gaps.extend(open.into_iter().map(Gap::of));
        }
    }
    for row in &mut rows {
        row.judge_listed();
        let other =
            row.scope.as_ref().filter(|scope| !expected.is_own(scope)).and_then(|scope| scope.organization.as_ref());
        if let Some(other) = other {
            let told =
                format!("it lies in the folder of another organization ({other}), and stands for nothing of this one");
            row.note = Some(row.note.take().map_or(told.clone(), |note| format!("{note}; {told}")));
            row.is_expected = false;
        }
    }
    rows.extend(absent_rows(survey, expected));
    rows.sort_by(|a, b| a.order().cmp(&b.order()));
    rows
}

fn rows_of(found: &ScopeLogs, survey: &Survey, expected: &Expected) -> Vec<Row> {
    let nothing = TrailDigests::default();
    let is_alone = found.trails.len() <= 1;
    let mut rows: Vec<Row> = match found.trails.is_empty() {
        true => vec![event_row(found, None, &nothing, is_alone, survey, expected)],
        false => {
            let trails = found.trails.iter();
            trails.map(|((trail, _), own)| event_row(found, Some(trail), own, is_alone, survey, expected)).collect()
        }
    };
    for (&kind, files) in found.logs.iter().filter(|(kind, _)| **kind != LogKind::CloudTrail) {
        rows.push(Row {
            arrival: Arrival::Seen,
            files: files.clone(),
            newest: files.last,
            ..empty_row(&found.scope.account, &found.scope.region, kind, expected).lying_at(found)
        });
    }
    rows
}

/// Returns the row of management and data events of one trail, whose digests come every hour even when nothing happens.
/// The log files are those of the folder, whose names do not tell the trail: they show that it delivers when it is
/// alone there.
fn event_row(
    found: &ScopeLogs,
    trail: Option<&crate::ids::TrailName>,
    own: &TrailDigests,
    is_alone: bool,
    survey: &Survey,
    expected: &Expected,
) -> Row {
    let files = found.logs.get(&LogKind::CloudTrail).cloned().unwrap_or_default();
    let hours = &own.hours;
    let newest = if is_alone { files.last.max(hours.end()) } else { hours.end() };
    let due = due(survey);
    let looked_at = TimeRange { start: survey.range.start, end: due.max(survey.range.start) };
    let windows = if own.count == 0 { vec![looked_at] } else { hours.gaps(looked_at) };
    let windows = if found.problem.is_some() { Vec::new() } else { windows };
    // The range's start need not be where an hour starts: the hour that is cut there is no gap.
    let is_cut =
        |window: TimeRange| window.start == survey.range.start && window.end.duration_since(window.start) < HOUR;
    let is_gap = |window: &TimeRange| window.start < window.end && !is_cut(*window);
    let is_before = |window: TimeRange| hours.start().is_some_and(|first| window.end <= first);
    let gap = |window: TimeRange| Gap { is_before_start: is_before(window), ..Gap::of(window) };
    let gaps: Vec<Gap> = windows.into_iter().filter(is_gap).map(gap).collect();
    // A log file tells that its hour has arrived.
    let arrived = if is_alone { files.hours.end().max(hours.end()) } else { hours.end() };
    let arrival = match newest {
        _ if found.problem.is_some() => Arrival::Unread,
        None => Arrival::Nothing,
        Some(_) if arrived < Some(due) => Arrival::Stopped,
        // What came before the first digest is told, and is no gap: there was no trail yet.
        Some(_) if gaps.iter().all(|gap| gap.is_before_start) => Arrival::Arriving,
        Some(_) => Arrival::Gaps,
    };
    Row {
        trail: trail.cloned(),
        arrival,
        files,
        digests: own.count,
        digest_hours: hours.clone(),
        listed: found.listed.clone().filter(|_| own.count > 0),
        newest_digests: found.newest_digests.clone().filter(|newest| hours.end() > Some(newest.since)),
        gaps,
        newest,
        problem: found.problem.clone(),
        ..empty_row(&found.scope.account, &found.scope.region, LogKind::CloudTrail, expected).lying_at(found)
    }
}

/// Returns up to when digests must have come.
fn due(survey: &Survey) -> Timestamp {
    survey.now.saturating_sub(DIGEST_DELAY_MAX).unwrap_or(survey.now).min(survey.range.end)
}

fn empty_row(account: &AccountId, region: &Region, kind: LogKind, expected: &Expected) -> Row {
    let known = expected.accounts.get(account);
    Row {
        account: account.clone(),
        name: known.map(|account| account.name.clone()),
        region: region.clone(),
        kind,
        layout: String::new(),
        bucket: None,
        scope: None,
        trail: None,
        arrival: Arrival::Nothing,
        files: LogFiles::default(),
        digests: 0,
        digest_hours: TimeSet::default(),
        listed: None,
        newest_digests: None,
        gaps: Vec::new(),
        note: None,
        newest: None,
        problem: None,
        is_expected: known.is_none_or(|account| account.should_deliver(region)),
    }
}

impl Row {
    fn lying_at(self, found: &ScopeLogs) -> Self {
        let layout = found.scope.root().folder();
        Self { layout, bucket: found.bucket.clone(), scope: Some(found.scope.clone()), ..self }
    }

    /// Returns what rows are sorted by.
    fn order(&self) -> (&AccountId, &Region, LogKind, &String, &Option<crate::ids::TrailName>) {
        (&self.account, &self.region, self.kind, &self.layout, &self.trail)
    }
}

/// What became of a row that delivers no more, when another one of its account and region goes on.
struct Ended {
    note: String,
    /// The times after its end in which no other one has digests.
    open: Vec<TimeRange>,
}

/// Tells whether a row has ended because others took over: a trail that was replaced, or whose place or layout was
/// changed. One that should deliver, as CloudTrail or the configuration says, has not ended but stopped. Without a
/// configuration only what began later takes over, and where nothing of the range is left only CloudTrail can tell that
/// nothing should be there.
fn ended(row: &Row, beside: &[&Row], survey: &Survey, expected: &Expected) -> Option<Ended> {
    let is_silent = matches!(row.arrival, Arrival::Stopped | Arrival::Nothing);
    if row.kind != LogKind::CloudTrail || !is_silent || expected.wants(row) {
        return None;
    }
    let is_other = |other: &&Row| other.kind == row.kind && (&other.layout, &other.trail) != (&row.layout, &row.trail);
    let is_configured = !expected.wanted.is_empty();
    let takes_over = |other: &&Row| match row.digest_hours.start() {
        _ if is_configured => expected.wants(other),
        Some(began) => other.digest_hours.start() > Some(began),
        None => expected.trails.iter().any(|trail| Some(&trail.delivery.bucket) == row.bucket.as_ref()),
    };
    let others: Vec<&Row> = beside.iter().copied().filter(is_other).filter(takes_over).collect();
    let mut theirs = TimeSet::default();
    others.iter().flat_map(|other| other.digest_hours.iter()).for_each(|window| theirs.add(window));
    // What ended before the range is told of by the others' own rows.
    let end = row.newest.map(|newest| row.digest_hours.end().unwrap_or(newest));
    let after = TimeRange { start: end.or(theirs.start())?, end: due(survey) };
    let names: BTreeSet<String> = others.iter().filter(|other| other.digests > 0).map(|other| other.called()).collect();
    if names.is_empty() || theirs.end() <= Some(after.start) {
        return None;
    }
    let open = theirs.gaps(after);
    if open.last().is_some_and(|last| last.end >= after.end) {
        return None;
    }
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let note = match end {
        Some(end) => format!("it ended at {end}, and {names} goes on"),
        None => format!("nothing of the range is here; {names} delivers"),
    };
    Some(Ended { note, open })
}

impl Row {
    fn called(&self) -> String {
        match &self.trail {
            Some(trail) => format!("trail {trail} in {}", self.layout),
            None => self.layout.clone(),
        }
    }
}

/// Returns rows for expected accounts and regions that have not even a folder. Where an account's regions are not
/// known, those of the other accounts stand for them.
fn absent_rows(survey: &Survey, expected: &Expected) -> Vec<Row> {
    let place = |scope: &ChainScope| (scope.account.clone(), scope.region.clone());
    let own = survey.places.iter().filter(|found| expected.is_own(&found.scope));
    let there: BTreeSet<(AccountId, Region)> = own.map(|found| place(&found.scope)).collect();
    let usual: BTreeSet<Region> = expected.only.iter().chain(there.iter().map(|(_, region)| region)).cloned().collect();
    let mut rows = Vec::new();
    for (account, known) in &expected.accounts {
        let regions = known.regions.clone().unwrap_or_else(|| usual.iter().cloned().collect());
        let is_absent = |region: &Region| {
            let is_sought = expected.only.as_ref().is_none_or(|only| only == region);
            is_sought && !there.contains(&(account.clone(), region.clone()))
        };
        for region in regions.into_iter().filter(is_absent) {
            let gaps = vec![Gap::of(survey.range)];
            rows.push(Row { gaps, ..empty_row(account, &region, LogKind::CloudTrail, expected) });
        }
    }
    rows
}
