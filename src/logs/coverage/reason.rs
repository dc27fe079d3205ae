//! What a listing means: whether logs arrive, and why they may not. Pure.
//!
//! A reason is what explains most at once: what all rows share lies with the trail, what all regions of an account
//! share lies with the account, what one region has alone lies with the region.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::rows::rows;
use super::{Coverage, Gap, Row, Survey};
use crate::log_path::LogKind;
use crate::logs::expected::{Expected, ExpectedAccount};
use crate::logs::finding::TimeRange;

/// How far apart the edges of two gaps may lie that have one cause: digests of different chains end at different
/// minutes.
const SAME_EDGE: SignedDuration = SignedDuration::from_hours(2);

/// Says what a survey means, given what should be there.
pub fn assess(survey: Survey, expected: &Expected) -> Coverage {
    let mut rows = rows(&survey, expected);
    let reasons: Vec<Vec<(String, bool)>> = rows
        .iter()
        .map(|row| row.gaps.iter().map(|gap| reason(row, gap, &rows, &survey, expected)).collect())
        .collect();
    for (row, reasons) in rows.iter_mut().zip(reasons) {
        row.gaps.iter_mut().zip(reasons).for_each(|(gap, of)| (gap.reason, gap.is_guess) = of);
    }
    let Survey { store, range, now, sought, mut unread, .. } = survey;
    let is_unknown = |account: &&ExpectedAccount| account.is_active && account.regions.is_none();
    let unasked = expected.accounts.values().filter(is_unknown).count();
    unread.extend(expected.unknown.iter().map(|why| format!("which accounts should deliver: {why}")));
    match &expected.unknown_regions {
        Some(unknown) => unread.push(format!("{}; next: {}", unknown.sentence(), unknown.next)),
        // Where one region is asked about, every account is asked about it.
        None if unasked > 0 && expected.only.is_none() => {
            unread.push(format!("the enabled regions of {unasked} accounts are unknown"));
        }
        None => {}
    }
    let active = expected.accounts.values().filter(|account| account.is_active).count();
    let expected_accounts = (!expected.accounts.is_empty()).then_some(active);
    let expected_trails = expected.wanted.iter().filter_map(|delivery| delivery.trail.clone()).collect();
    let trails = expected.trails.clone();
    let config = None;
    Coverage { store, range, now, sought, rows, config, trails, unread, expected_accounts, expected_trails }
}

/// Which part of the range a gap takes away.
#[derive(PartialEq, Eq, Clone, Copy)]
enum RangePart {
    All,
    Start,
    End,
    Middle,
}

fn part(row: &Row, gap: &Gap) -> RangePart {
    match (row.digest_hours.start(), row.digest_hours.end()) {
        (Some(first), _) if gap.window.end <= first => RangePart::Start,
        (_, Some(last)) if gap.window.start >= last => RangePart::End,
        (Some(_), Some(_)) => RangePart::Middle,
        _ => RangePart::All,
    }
}

/// Returns the likely reason of a gap, and whether it is a guess from the shape of the gaps alone.
fn reason(row: &Row, gap: &Gap, rows: &[Row], survey: &Survey, expected: &Expected) -> (String, bool) {
    let part = part(row, gap);
    if let Some(reason) = account_reason(row, part, expected).or_else(|| trail_reason(gap, expected)) {
        return (reason, false);
    }
    let peers = |same_account: bool| {
        rows.iter().filter(move |peer| {
            let is_other = (&peer.account, &peer.region) != (&row.account, &row.region);
            peer.kind == LogKind::CloudTrail && is_other && (!same_account || peer.account == row.account)
        })
    };
    let shared = |same_account| {
        let mut all = BTreeMap::from([(false, 0), (true, 0)]);
        peers(same_account).for_each(|peer| *all.entry(shares(peer, gap, survey.range)).or_default() += 1);
        all[&true] > 0 && all[&false] == 0
    };
    let goes_on_beside = rows.iter().any(|peer| {
        (&peer.account, &peer.region, peer.kind) == (&row.account, &row.region, row.kind)
            && (&peer.layout, &peer.trail) != (&row.layout, &row.trail)
            && peer.digest_hours.hold(gap.window)
    });
    // Regions that are not enabled have their reason by now.
    let is_known_enabled = expected.accounts.get(&row.account).is_some_and(|known| known.regions.is_some());
    let (everywhere, in_account) = (shared(false), shared(true));
    let text = match part {
        RangePart::All if row.files.count > 0 => "log files arrive without digests: log file validation is off",
        RangePart::All if is_known_enabled => "nothing is there although the region is enabled: no trail covers it",
        RangePart::All => "nothing is there: the region is not enabled, or no trail covers it",
        RangePart::End if goes_on_beside => {
            "the trail was stopped or deleted, or its newest digests are gone: another one recorded here"
        }
        RangePart::Middle if goes_on_beside => {
            "the trail was stopped for a time, or its digests are gone: another one recorded here"
        }
        RangePart::Start if goes_on_beside => "the trail started then: another one recorded here",
        RangePart::Start if everywhere => "the trail started then, or older digests have expired",
        RangePart::Start if in_account => "the account joined then",
        RangePart::Start => "the region was enabled then, or older digests are gone",
        RangePart::End if everywhere => "the trail was stopped, or cannot deliver any more",
        RangePart::End if in_account => "the account was suspended, closed or left the organization",
        RangePart::End => "the region was disabled, or its newest digests are gone",
        RangePart::Middle if everywhere => "the trail was stopped for a time, or could not deliver",
        RangePart::Middle if in_account => "the account was suspended or out of the organization for a time",
        RangePart::Middle => "digests of this account and region alone are gone: find out why with verify",
    };
    (text.to_owned(), true)
}

fn account_reason(row: &Row, part: RangePart, expected: &Expected) -> Option<String> {
    let known = expected.accounts.get(&row.account)?;
    let is_late = matches!(part, RangePart::End | RangePart::All);
    if is_late && !known.is_active {
        return Some("the account is suspended or closed".into());
    }
    let is_enabled = known.regions.as_ref().is_none_or(|regions| regions.contains(&row.region));
    (is_late && !is_enabled).then(|| "the region is not enabled in the account".into())
}

fn trail_reason(gap: &Gap, expected: &Expected) -> Option<String> {
    let lies_in = |at: Timestamp| gap.window.start <= at + SAME_EDGE && at <= gap.window.end + SAME_EDGE;
    let near = |at: Option<Timestamp>| at.filter(|at| lies_in(*at));
    expected.trails.iter().find_map(|trail| {
        let stopped = near(trail.stopped).map(|at| format!("trail {} was stopped at {at}", trail.name));
        let failing = || {
            let error = trail.delivery_error.as_ref()?;
            let is_open = trail.delivered.is_none_or(|at| at <= gap.window.start + SAME_EDGE);
            is_open.then(|| format!("trail {} cannot deliver: {error}", trail.name))
        };
        stopped.or_else(failing)
    })
}

/// Tells whether a row has a gap with the same edges, the edges of the range aside.
fn shares(row: &Row, gap: &Gap, range: TimeRange) -> bool {
    let near = |a: Timestamp, b: Timestamp| a.duration_since(b).abs() <= SAME_EDGE;
    row.gaps.iter().any(|other| {
        let (a, b) = (gap.window, other.window);
        (near(a.start, b.start) || near(a.start, range.start) && near(b.start, range.start)) && near(a.end, b.end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_path::ChainScope;
    use crate::logs::coverage::{Arrival, LogFiles, ScopeLogs, TrailDigests};
    use crate::logs::expected::{ExpectedAccount, TrailStatus};
    use crate::logs::time_set::TimeSet;

    fn at(hour: i64) -> Timestamp {
        "2026-11-20T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hour)
    }

    /// Returns what is found when digests of some hours of a day are there.
    fn found(account: &str, region: &str, hours: &[(i64, i64)]) -> ScopeLogs {
        let (account, region) = (account.parse().unwrap(), region.parse().unwrap());
        let scope = ChainScope { prefix: String::new(), organization: None, account, region };
        let mut own = TrailDigests::default();
        hours.iter().for_each(|&(start, end)| own.hours.add(TimeRange { start: at(start), end: at(end) }));
        own.count = hours.iter().map(|(start, end)| (end - start) as u64).sum();
        let trail = ("org-trail".parse().unwrap(), "us-east-1".parse().unwrap());
        let trails = if hours.is_empty() { BTreeMap::new() } else { [(trail, own)].into() };
        let (logs, listed, newest_digests) = Default::default();
        ScopeLogs { store: "s".into(), bucket: None, scope, logs, trails, listed, newest_digests, problem: None }
    }

    fn survey(range: TimeRange, now: i64, places: Vec<ScopeLogs>) -> Survey {
        Survey {
            store: "s".into(),
            range,
            now: at(now),
            sought: Default::default(),
            places,
            config: Default::default(),
            unread: vec![],
        }
    }

    fn assessed(places: Vec<ScopeLogs>, expected: &Expected) -> Vec<(Arrival, Vec<String>)> {
        let range = TimeRange { start: at(0), end: at(24) };
        let coverage = assess(survey(range, 26, places), expected);
        let row = |row: &Row| (row.arrival, row.gaps.iter().map(|gap| gap.reason.clone()).collect());
        coverage.rows.iter().map(row).collect()
    }

    const ONE: &str = "111111111111";
    const TWO: &str = "222222222222";

    #[test]
    fn whole_hours_have_no_gap() {
        let rows = assessed(vec![found(ONE, "us-east-1", &[(0, 24)])], &Expected::default());
        assert_eq!(rows, [(Arrival::Arriving, vec![])]);
    }

    #[test]
    fn what_all_share_lies_with_the_trail() {
        let both = |hours: &[(i64, i64)]| vec![found(ONE, "us-east-1", hours), found(TWO, "us-east-1", hours)];
        let reasons = |hours: &[(i64, i64)]| assessed(both(hours), &Expected::default())[0].clone();
        assert_eq!(reasons(&[(5, 24)]).1, ["the trail started then, or older digests have expired"]);
        let (arrival, end) = reasons(&[(0, 20)]);
        assert_eq!((arrival, end[0].as_str()), (Arrival::Stopped, "the trail was stopped, or cannot deliver any more"));
        let (arrival, middle) = reasons(&[(0, 8), (10, 24)]);
        assert_eq!(arrival, Arrival::Gaps);
        assert_eq!(middle, ["the trail was stopped for a time, or could not deliver"]);
    }

    #[test]
    fn what_an_account_has_alone_lies_with_the_account_and_so_with_a_region() {
        let whole = [(0, 24)];
        let places = vec![
            found(ONE, "eu-west-1", &[(5, 24)]),
            found(ONE, "us-east-1", &[(5, 24)]),
            found(TWO, "eu-west-1", &[(0, 9), (12, 24)]),
            found(TWO, "us-east-1", &whole),
        ];
        let rows = assessed(places, &Expected::default());
        assert_eq!(rows[0].1, ["the account joined then"]);
        assert_eq!(rows[1].1, ["the account joined then"]);
        assert_eq!(rows[2].1, ["digests of this account and region alone are gone: find out why with verify"]);
        assert_eq!(rows[3].1, [""; 0]);
    }

    #[test]
    fn what_is_known_about_accounts_and_trails_is_said() {
        let account = |is_active, regions: Option<&str>| ExpectedAccount {
            name: "n".into(),
            is_active,
            regions: regions.map(|region| vec![region.parse().unwrap()]),
        };
        let accounts =
            [(ONE.parse().unwrap(), account(false, None)), (TWO.parse().unwrap(), account(true, Some("eu-west-1")))];
        let trail = TrailStatus { name: "t".into(), stopped: Some(at(9)), ..TrailStatus::default() };
        let expected = Expected { accounts: accounts.into(), trails: vec![trail], ..Expected::default() };
        let places = vec![found(ONE, "us-east-1", &[(0, 8)]), found(TWO, "us-east-1", &[(0, 8), (10, 24)])];
        let rows = assessed(places, &expected);
        assert_eq!(rows[0].1, ["the account is suspended or closed"]);
        assert_eq!(rows[1], (Arrival::Nothing, vec!["trail t was stopped at 2026-11-20T09:00:00Z".into()]));
        assert_eq!(rows[2].1, ["trail t was stopped at 2026-11-20T09:00:00Z"]);
    }

    #[test]
    fn logs_without_digests_are_a_gap_while_they_arrive() {
        let mut place = found(ONE, "us-east-1", &[]);
        let mut hours = TimeSet::default();
        hours.add(TimeRange { start: at(0), end: at(24) });
        let files =
            LogFiles { count: 24, last: Some(at(24) - SignedDuration::from_mins(40)), hours, ..LogFiles::default() };
        place.logs.insert(LogKind::CloudTrail, files);
        let (arrival, reasons) = assessed(vec![place], &Expected::default()).remove(0);
        assert_eq!(arrival, Arrival::Gaps);
        assert_eq!(reasons, ["log files arrive without digests: log file validation is off"]);
    }

    #[test]
    fn a_range_in_the_past_is_judged_at_its_end() {
        let range = TimeRange { start: at(0), end: at(20) };
        let places = vec![found(ONE, "us-east-1", &[(0, 20)]), found(TWO, "us-east-1", &[(0, 15)])];
        let coverage = assess(survey(range, 500, places), &Expected::default());
        let old: Vec<_> = coverage.older_than(SignedDuration::from_hours(3)).map(|row| row.account.as_str()).collect();
        assert_eq!(old, [TWO]);
    }

    #[test]
    fn old_rows_are_those_that_should_be_young() {
        let range = TimeRange { start: at(0), end: at(26) };
        let places = vec![found(ONE, "us-east-1", &[(0, 20)]), found(TWO, "us-east-1", &[(0, 25)])];
        let survey = survey(range, 26, places);
        let old = |expected: &Expected| {
            let coverage = assess(survey.clone(), expected);
            coverage.older_than(SignedDuration::from_hours(3)).map(|row| row.account.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(old(&Expected::default()), [ONE]);
        let suspended = ExpectedAccount { name: "n".into(), is_active: false, regions: None };
        let expected = Expected { accounts: [(ONE.parse().unwrap(), suspended)].into(), ..Expected::default() };
        assert_eq!(old(&expected), [""; 0]);
    }
}
