//! The engine: records in, findings out. It never looks at a clock; time is that of the events.
//!
//! A finding is of a rule, a group and a window. Windows are cut at fixed times (`fold`), so that every replica cuts
//! them alike: a threshold rings in a window where one of its events ends a time (`within`) in which there were enough.
//! Whether it does is a function of the set of events, whatever their order is; events that come later than the allowed
//! lateness are counted, and not taken up by thresholds, whose windows are closed.
//!
//! - `watermark`: how far the events are.
//! - `seen`, `key`: what is kept of an event, and the names of groups and events.
//! - `window`: whether a group rings, as a function of its events; `windows`: the groups of one rule, bounded.
//! - `first`: what one rule has seen before, bounded.
//! - `open`: the findings of one rule whose windows are not closed, bounded.
//! - `rule_state`: all of that for one rule. `saved`: state that survives a restart. `tallies`: what was counted.

mod first;
mod key;
mod open;
mod rule_state;
mod saved;
mod seen;
mod tallies;
mod watermark;
mod window;
mod windows;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub use saved::{BadState, Restored};
pub use tallies::{RuleTallies, Tallies};

use super::finding::DetectionFinding;
use super::rule::{Logic, Rule};
use super::ruleset::{RuleIndex, RuleSet, StepAt};
use super::view::EventView;
use crate::event::Record;
use rule_state::{Moment, RuleState};
use seen::SeenEvent;
use watermark::Watermark;

/// How the engine works. What is not given is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// How long after a later event an event may come and still count for a threshold.
    pub allowed_lateness: SignedDuration,
    /// The accounts of the organization: what is shared with them is not shared with the outside. Empty: every account
    /// but that of the record is outside.
    pub own_accounts: BTreeSet<String>,
    /// How many groups a rule keeps apart.
    pub groups_max: usize,
    /// How many events the thresholds of one rule keep.
    pub events_max: usize,
    /// How many values a rule about first occurrences remembers.
    pub values_max: usize,
    /// How many findings of a rule may be open in one window before all further groups are one finding.
    pub findings_max: usize,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            // CloudTrail delivers after five minutes on average, without a promise (its service level agreement).
            allowed_lateness: SignedDuration::from_hours(1),
            own_accounts: BTreeSet::new(),
            groups_max: 10_000,
            events_max: 100_000,
            values_max: 200_000,
            findings_max: 2_000,
        }
    }
}

/// Takes records one after the other, and gives findings.
#[derive(Debug)]
pub struct Engine {
    settings: EngineSettings,
    rules: Vec<Rule>,
    index: RuleIndex,
    states: Vec<RuleState>,
    watermark: Watermark,
    /// From when on everything is known, in microseconds: see [`Engine::knows_since`].
    known_since_us: Option<i64>,
    tallies: Tallies,
    closed: Vec<DetectionFinding>,
}

impl Engine {
    /// Begins without a state.
    pub fn new(rules: &RuleSet, settings: EngineSettings) -> Self {
        let rules = rules.rules().to_vec();
        Self {
            index: RuleIndex::of(&rules),
            states: rules.iter().map(|_| RuleState::default()).collect(),
            rules,
            settings,
            watermark: Watermark::default(),
            known_since_us: None,
            tallies: Tallies::default(),
            closed: Vec::new(),
        }
    }

    /// Takes a record, and returns the findings that it opens. Those that it only adds to are returned by
    /// [`Engine::take_closed`], with their final counts, when their windows are over.
    pub fn feed(&mut self, record: &Record<'_>) -> Vec<DetectionFinding> {
        let candidates = self.index.candidates(record);
        self.take(record, &candidates)
    }

    /// Does what [`Engine::feed`] does, and lets every rule look at the record: what the index is measured and checked
    /// against.
    pub fn feed_to_every_rule(&mut self, record: &Record<'_>) -> Vec<DetectionFinding> {
        let rules = self.rules.iter().enumerate();
        let steps = rules.flat_map(|(at, rule)| (0..rule.steps().len()).map(move |step_at| (at, step_at)));
        let candidates: Vec<StepAt> = steps.collect();
        self.take(record, &candidates)
    }

    fn take(&mut self, record: &Record<'_>, candidates: &[StepAt]) -> Vec<DetectionFinding> {
        self.tallies.records += 1;
        let Some(at) = record.event_time else {
            self.tallies.without_time += 1;
            return Vec::new();
        };
        let at_us = at.as_microsecond();
        if !self.watermark.take(at_us) {
            self.tallies.ahead += 1;
        }
        let opened = self.look(record, at, candidates);
        self.make_room();
        opened
    }

    /// Takes a record of the time before, for the rules about first occurrences only: nothing rings.
    pub fn learn(&mut self, record: &Record<'_>) {
        let Some(at) = record.event_time else { return };
        let view = EventView::of(record, &self.settings.own_accounts);
        for (rule_at, step_at) in self.index.candidates(record) {
            let (Some(rule), Some(state)) = (self.rules.get(rule_at), self.states.get_mut(rule_at)) else { continue };
            if let (Logic::First(first), Some(step)) = (&rule.logic, rule.steps().get(step_at))
                && step.condition.matches(&view)
            {
                state.learn(first, &view, at.as_microsecond(), &self.settings);
            }
        }
    }

    /// Says that the engine was given every record since a time, by [`Engine::learn`] or [`Engine::feed`]. Without it
    /// a rule about first occurrences does not ring: it cannot know what was before.
    pub fn knows_since(&mut self, since: Timestamp) {
        self.known_since_us = Some(since.as_microsecond());
    }

    /// Returns the findings whose windows ended since the last call, with their final counts.
    pub fn take_closed(&mut self) -> Vec<DetectionFinding> {
        self.close(self.watermark.closed_until(&self.settings));
        std::mem::take(&mut self.closed)
    }

    /// Closes every window, and returns its finding: the end of a stream that goes on nowhere.
    pub fn finish(&mut self) -> Vec<DetectionFinding> {
        self.close(i64::MAX);
        std::mem::take(&mut self.closed)
    }

    /// Returns what was counted since the beginning, also of an engine that was saved and restored.
    pub fn tallies(&self) -> Tallies {
        let of_rules = self.rules.iter().zip(&self.states);
        let by_rule = of_rules.map(|(rule, state)| (rule.meta.id.clone(), state.tallies.clone())).collect();
        Tallies { by_rule, ..self.tallies.clone() }
    }

    /// Returns the rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn look(&mut self, record: &Record<'_>, at: Timestamp, candidates: &[StepAt]) -> Vec<DetectionFinding> {
        let view = &EventView::of(record, &self.settings.own_accounts);
        let at_us = at.as_microsecond();
        let moment = Moment {
            closed_until: self.watermark.closed_until(&self.settings),
            known_since_us: self.known_since_us,
            settings: &self.settings,
        };
        let (mut opened, mut seen, mut counted) = (Vec::new(), None, None);
        for &(rule_at, step_at) in candidates {
            let (Some(rule), Some(state)) = (self.rules.get(rule_at), self.states.get_mut(rule_at)) else { continue };
            let Some(step) = rule.steps().get(step_at) else { continue };
            // A record that several steps of a threshold name is one event.
            if counted == Some(rule_at) && !rule.has_order() || !step.condition.matches(view) {
                continue;
            }
            counted = Some(rule_at);
            if rule.exclusions.iter().any(|exclusion| exclusion.covers(view, at)) {
                state.tallies.excluded += 1;
                continue;
            }
            let seen = seen.get_or_insert_with(|| SeenEvent::of(view, at_us));
            opened.extend(state.take(rule, step_at, view, seen, &moment));
        }
        opened
    }

    /// Closes windows where events have gone on for a while, so that memory does not depend on whoever calls.
    fn make_room(&mut self) {
        let groups = || self.states.iter().map(RuleState::size).sum();
        if self.watermark.is_sweep_due(groups) {
            self.close(self.watermark.closed_until(&self.settings));
        }
    }

    fn close(&mut self, until: i64) {
        self.watermark.swept();
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            self.closed.extend(state.close(rule, until));
        }
    }
}
