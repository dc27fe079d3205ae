//! The answer: for each chain its hours with their states, its findings and its counts; and the sum of all chains.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ids::{Region, TrailName};
use crate::log_path::ChainScope;
use crate::logs::digest::chain::Origin;
use crate::logs::finding::{Finding, State, TimeRange};
use crate::logs::time_set::TimeSet;

use super::archived::Archived;
use super::chain_mark::ChainMark;
use super::key_finder::KeyUse;
use super::missing::ExpectedChains;
use super::unread::UnreadObjects;

/// The most findings that one chain keeps; what goes beyond is counted.
pub const FINDINGS_MAX: usize = 10_000;

/// What is known about one chain: account x region x trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The account and region of its events, and where its newest digest lies.
    pub scope: ChainScope,
    /// The trail and its home region; none when there is no digest that would tell.
    pub trail: Option<(TrailName, Region)>,
    /// Everywhere its digests lie: several places when the trail was moved.
    pub scopes: Vec<ChainScope>,
    /// Where its digests say that CloudTrail delivered them.
    pub origins: Vec<Origin>,
    /// The buckets that CloudTrail delivered it to, those together that signed links join.
    pub joined: Vec<Joined>,
    /// How many digests were looked at.
    pub digests: u64,
    /// How many log files the valid ones of them list.
    pub logs: u64,
    /// How many of these are what CloudTrail signed.
    pub logs_attested: u64,
    /// How many of these were read by this run.
    pub logs_read: u64,
    /// How many log files wait for a backfill digest.
    pub logs_pending: u64,
    /// How many more log files lie there, which no valid digest lists.
    pub logs_unlisted: u64,
    /// The bytes of the log files that were read, unpacked.
    pub bytes: u64,
    /// The worst state of an hour or a finding.
    pub state: State,
    /// The hours, joined while they touch and have the same state.
    pub hours: Vec<(TimeRange, State)>,
    /// What is not as it should be, in order.
    pub findings: Vec<Finding>,
    /// How many findings are counted but not kept.
    pub findings_omitted: u64,
    /// What a person should know, though nothing is wrong: where the chain goes on, what ended it.
    pub notes: Vec<String>,
    /// The newest digest up to which all is attested, from which a later run may go on; none where nothing is, or a
    /// later run must begin again.
    pub attested_to: Option<ChainMark>,
}

/// A part of a chain whose digests signed links join.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Joined {
    /// The buckets that CloudTrail delivered them to, as they say.
    pub buckets: BTreeSet<String>,
    /// How many they are.
    pub digests: u64,
}

/// All that one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The places, as a person would name them.
    pub store: String,
    /// The range that was asked for; none from the beginning.
    pub from: Option<Timestamp>,
    /// The end of that range; none up to now.
    pub to: Option<Timestamp>,
    /// The present, as the run took it.
    pub now: Timestamp,
    /// The chains, in order of account, region and trail.
    pub chains: Vec<Chain>,
    /// What is not as it should be beside all chains, in order.
    pub findings: Vec<Finding>,
    /// What there should be; not set when it is not known, so that what is missing whole cannot be missed.
    pub expected: Option<ExpectedChains>,
    /// The public keys that digests named.
    pub keys: Vec<KeyUse>,
    /// Whether the run was stopped early.
    pub interrupted: bool,
    /// What a person should know about the run itself, such as keys that could not be read.
    pub notes: Vec<String>,
}

impl Verification {
    /// Returns the worst state of all chains. Where there is no chain, nothing is proved.
    pub fn state(&self) -> State {
        let worst = self.chains.iter().map(|chain| chain.state).max().unwrap_or(State::Unproven);
        let beside = self.findings.iter().map(|finding| finding.state).max();
        let worst = worst.max(beside.unwrap_or(State::Attested));
        if self.interrupted { worst.max(State::Unproven) } else { worst }
    }

    /// Returns how many chains are in a state.
    pub fn chains_in(&self, state: State) -> usize {
        self.chains.iter().filter(|chain| chain.state == state).count()
    }

    /// Returns how many accounts have a chain.
    pub fn accounts(&self) -> usize {
        self.chains.iter().map(|chain| &chain.scope.account).collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
impl Chain {
    /// Returns a chain of which nothing is known.
    pub(crate) fn of_nothing(scope: ChainScope) -> Self {
        let scopes = vec![scope.clone()];
        let (trail, origins, joined) = Default::default();
        Tally::default().chain(ChainPlace { scope, trail, scopes, origins, joined }, None)
    }
}

#[cfg(test)]
impl Verification {
    /// Returns an answer that holds nothing but chains.
    pub(crate) fn of_chains(
        store: &str,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
        chains: Vec<Chain>,
    ) -> Self {
        let (findings, expected, keys, notes) = Default::default();
        Self { store: store.into(), from, to, now, chains, findings, expected, keys, interrupted: false, notes }
    }
}

/// Collects what is found about one chain.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) digests: u64,
    pub(super) logs: u64,
    pub(super) logs_attested: u64,
    pub(super) logs_read: u64,
    pub(super) logs_pending: u64,
    pub(super) logs_unlisted: u64,
    pub(super) bytes: u64,
    pub(super) notes: Vec<String>,
    pub(super) archived: Archived,
    unread: UnreadObjects,
    /// Whether something was found that no hour stands for, so that no later run may go on from here.
    pub(super) is_held: bool,
    hours: BTreeMap<Timestamp, (Timestamp, State)>,
    findings: Vec<Finding>,
    findings_omitted: u64,
    worst: Option<State>,
}

impl Tally {
    /// Notes an hour that was looked at. Of several states of an hour the worst stays.
    pub(super) fn hour(&mut self, window: TimeRange, state: State) {
        let kept = self.hours.entry(window.start).or_insert((window.end, state));
        kept.0 = kept.0.max(window.end);
        kept.1 = kept.1.max(state);
        self.worst = self.worst.max(Some(state));
    }

    /// Notes a finding, and what it means for its hour.
    pub(super) fn finding(&mut self, finding: Finding) {
        match finding.window {
            Some(window) => self.hour(window, finding.state),
            None => self.is_held = true,
        }
        self.keep(finding);
    }

    /// Notes a finding about all hours that its window touches, and no other.
    pub(super) fn finding_over(&mut self, finding: Finding) {
        let window = finding.window;
        let touches = |start: Timestamp, end: Timestamp| window.is_some_and(|w| start < w.end && w.start < end);
        for (start, (end, state)) in &mut self.hours {
            if touches(*start, *end) {
                *state = (*state).max(finding.state);
            }
        }
        self.is_held |= window.is_none();
        self.keep(finding);
    }

    /// Notes a finding whose hours are noted already.
    pub(super) fn keep(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.state));
        if UnreadObjects::takes(&finding) {
            self.unread.note(finding);
        } else if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_omitted += 1;
        }
    }

    /// Returns the start of the first hour that was noted.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.hours.keys().next().copied()
    }

    /// Tells whether nothing of the chain lies in the range.
    pub(super) fn is_empty(&self) -> bool {
        self.hours.is_empty() && self.findings.is_empty() && self.digests == 0
    }

    /// Returns the hours that are attested.
    pub(super) fn attested(&self) -> TimeSet {
        let mut spans = TimeSet::default();
        for (&start, &(end, state)) in &self.hours {
            if state == State::Attested {
                spans.add(TimeRange { start, end });
            }
        }
        spans
    }

    /// Returns the start of the first hour that is not attested.
    pub(super) fn attested_until(&self) -> Option<Timestamp> {
        self.hours.iter().find(|(_, (_, state))| *state != State::Attested).map(|(start, _)| *start)
    }

    /// Returns the hour that a moment lies in, if it was noted.
    pub(super) fn hour_at(&self, moment: Timestamp) -> Option<TimeRange> {
        let (&start, &(end, _)) = self.hours.range(..=moment).next_back()?;
        (moment < end).then_some(TimeRange { start, end })
    }

    /// Returns the chain's answer. A chain of which no hour was seen is unproven.
    pub(super) fn chain(self, place: ChainPlace, mark: Option<ChainMark>) -> Chain {
        Chain {
            scope: place.scope,
            trail: place.trail,
            scopes: place.scopes,
            origins: place.origins,
            joined: place.joined,
            digests: self.digests,
            logs: self.logs,
            logs_attested: self.logs_attested,
            logs_read: self.logs_read,
            logs_pending: self.logs_pending,
            logs_unlisted: self.logs_unlisted,
            bytes: self.bytes,
            state: self.worst.unwrap_or(State::Unproven),
            hours: joined(&self.hours),
            findings: join_equal(self.findings.into_iter().chain(self.unread.into_findings()).collect()),
            findings_omitted: self.findings_omitted,
            notes: self.notes,
            attested_to: mark,
        }
    }
}

/// Where a chain lies.
#[derive(Debug, Clone)]
pub(super) struct ChainPlace {
    pub(super) scope: ChainScope,
    pub(super) trail: Option<(TrailName, Region)>,
    pub(super) scopes: Vec<ChainScope>,
    pub(super) origins: Vec<Origin>,
    pub(super) joined: Vec<Joined>,
}

/// Returns findings in order, those that say the same of touching times joined to one of the whole time.
pub(super) fn join_equal(mut findings: Vec<Finding>) -> Vec<Finding> {
    let same = |a: &Finding| (a.code, a.state, a.object.clone(), a.detail.clone());
    findings.sort_by(|a, b| same(a).cmp(&same(b)).then(a.window.cmp(&b.window)));
    let mut joined: Vec<Finding> = Vec::new();
    for finding in findings {
        if let Some(last) = joined.last_mut()
            && same(last) == same(&finding)
            && let (Some(before), Some(after)) = (&mut last.window, finding.window)
            && before.end >= after.start
        {
            before.end = before.end.max(after.end);
        } else {
            joined.push(finding);
        }
    }
    joined.sort_by(|a, b| a.order().cmp(&b.order()));
    joined
}

fn joined(hours: &BTreeMap<Timestamp, (Timestamp, State)>) -> Vec<(TimeRange, State)> {
    let mut runs: Vec<(TimeRange, State)> = Vec::new();
    for (&start, &(end, state)) in hours {
        match runs.last_mut() {
            Some((run, of)) if *of == state && run.end == start => run.end = end,
            _ => runs.push((TimeRange { start, end }, state)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::finding::Code;

    fn hour(number: i8) -> TimeRange {
        let date = jiff::civil::date(2026, 11, 20).at(number, 0, 0, 0);
        let start = jiff::tz::TimeZone::UTC.to_timestamp(date).unwrap();
        TimeRange { start, end: start + crate::logs::finding::HOUR }
    }

    #[test]
    fn touching_hours_of_one_state_are_joined_and_the_worst_state_of_an_hour_stays() {
        let mut tally = Tally::default();
        for number in [3, 1, 2, 6] {
            tally.hour(hour(number), State::Attested);
        }
        tally.hour(hour(2), State::Broken);
        tally.hour(hour(2), State::Unproven);
        let expected = [
            (hour(1), State::Attested),
            (hour(2), State::Broken),
            (hour(3), State::Attested),
            (hour(6), State::Attested),
        ];
        assert_eq!(joined(&tally.hours), expected);
        assert_eq!(tally.attested_until(), Some(hour(2).start));
        tally.hour(hour(2), State::Attested);
        assert_eq!(tally.worst, Some(State::Broken));
    }

    #[test]
    fn findings_beyond_the_limit_are_counted() {
        let mut tally = Tally::default();
        let finding = |_| Finding {
            code: Code::LogMissing,
            state: State::Broken,
            object: None,
            window: None,
            detail: String::new(),
            next: None,
        };
        (0..FINDINGS_MAX + 5).map(finding).for_each(|finding| tally.finding(finding));
        assert_eq!((tally.findings.len(), tally.findings_omitted), (FINDINGS_MAX, 5));
    }
}
