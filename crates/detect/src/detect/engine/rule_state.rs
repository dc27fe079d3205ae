//! What one rule keeps, and what it does with an event that it matched.

use serde::{Deserialize, Serialize};

use super::EngineSettings;
use super::first::{Before, FirstSeen};
use super::key::{GroupId, value_of};
use super::open::{Noted, OpenFinding, OpenFindings};
use super::seen::SeenEvent;
use super::tallies::RuleTallies;
use super::window::{Entry, ringing};
use super::windows::{Added, Group, Windows, end_of};
use crate::detect::field::Field;
use crate::detect::finding::DetectionFinding;
use crate::detect::rule::{FirstLogic, Logic, Need, Rule, Step, WindowLogic};
use crate::detect::view::EventView;

/// What one rule keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleState {
    windows: Windows,
    first: FirstSeen,
    open: OpenFindings,
    pub tallies: RuleTallies,
}

/// What is true of all rules while an event is looked at.
pub(super) struct Moment<'s> {
    /// Until when windows are closed, in microseconds.
    pub closed_until: i64,
    /// From when on everything is known, in microseconds. `None`: nothing is.
    pub known_since_us: Option<i64>,
    pub settings: &'s EngineSettings,
}

type GroupValues = Vec<Option<String>>;

impl RuleState {
    /// Returns how many groups, values and findings are kept.
    pub fn size(&self) -> usize {
        self.windows.len() + self.open.len()
    }

    /// Takes an event up that matched a step of the rule, and returns the findings that it opens.
    pub fn take(
        &mut self,
        rule: &Rule,
        step_at: usize,
        view: &EventView<'_, '_>,
        seen: &SeenEvent,
        moment: &Moment<'_>,
    ) -> Vec<DetectionFinding> {
        self.tallies.matched += 1;
        let is_late = seen.at_us < moment.closed_until;
        self.tallies.late += u64::from(is_late);
        let opened = match &rule.logic {
            Logic::Each(_) => {
                let group = vec![value(&Field::account(), view), value(&Field::Principal, view)];
                self.note(rule, &group, seen, moment, None)
            }
            // Its window is closed: the events beside it are forgotten.
            Logic::Window(_) if is_late => Vec::new(),
            Logic::Window(window) => self.in_window(rule, window, step_at, view, seen, moment),
            Logic::First(first) => self.first(rule, first, view, seen, moment),
        };
        self.tallies.findings += opened.len() as u64;
        opened
    }

    /// Remembers a value of the time before.
    pub fn learn(&mut self, first: &FirstLogic, view: &EventView<'_, '_>, at_us: i64, settings: &EngineSettings) {
        match values(&first.step, view) {
            values if values.iter().any(Option::is_none) => self.tallies.without_group += 1,
            values => {
                let before = self.first.take(GroupId::of(&values), at_us, first.in_us, settings.values_max);
                self.tallies.dropped_values += u64::from(before == Before::Full);
            }
        }
    }

    /// Closes the windows that are over, and returns their findings.
    pub fn close(&mut self, rule: &Rule, until: i64) -> Vec<DetectionFinding> {
        if let Logic::Window(logic) = &rule.logic {
            let open = &mut self.open;
            self.windows.close(until, logic, rule.fold_us, |id, group, window| {
                open.change(window, id, |finding| recount(finding, group, rule, logic, window));
            });
        }
        self.open.close(rule, until)
    }

    fn first(
        &mut self,
        rule: &Rule,
        first: &FirstLogic,
        view: &EventView<'_, '_>,
        seen: &SeenEvent,
        moment: &Moment<'_>,
    ) -> Vec<DetectionFinding> {
        let group = values(&first.step, view);
        if group.iter().any(Option::is_none) {
            self.tallies.without_group += 1;
            return Vec::new();
        }
        let values_max = moment.settings.values_max;
        match self.first.take(GroupId::of(&group), seen.at_us, first.in_us, values_max) {
            Before::Seen => Vec::new(),
            Before::Full => {
                self.tallies.dropped_values += 1;
                Vec::new()
            }
            Before::NotSeen => {
                let known = moment.known_since_us.filter(|since| *since <= seen.at_us.saturating_sub(first.known_us));
                if known.is_none() {
                    self.tallies.without_baseline += 1;
                    return Vec::new();
                }
                self.note(rule, &group, seen, moment, known)
            }
        }
    }

    /// Puts an event into the finding of its group and window.
    fn note(
        &mut self,
        rule: &Rule,
        group: &GroupValues,
        seen: &SeenEvent,
        moment: &Moment<'_>,
        known_since_us: Option<i64>,
    ) -> Vec<DetectionFinding> {
        let (window, id) = (seen.at_us.div_euclid(rule.fold_us), GroupId::of(group));
        let noted = self.open.note((window, id, group), seen, moment.settings.findings_max);
        let is_late = end_of(window, rule.fold_us) <= moment.closed_until;
        match noted {
            Noted::Opened { is_folded: false } => {
                self.open.change(window, id, |finding| {
                    finding.is_late = is_late;
                    finding.known_since_us = known_since_us;
                });
                self.open.get(window, id).map(|finding| finding.finding(rule, window, false)).into_iter().collect()
            }
            Noted::Opened { is_folded: true } => {
                self.tallies.folded += 1;
                self.open.folded(window).map(|finding| finding.finding(rule, window, true)).into_iter().collect()
            }
            Noted::MoreFolded => {
                self.tallies.folded += 1;
                Vec::new()
            }
            Noted::Duplicate => {
                self.tallies.duplicates += 1;
                Vec::new()
            }
            Noted::More => Vec::new(),
        }
    }

    fn in_window(
        &mut self,
        rule: &Rule,
        logic: &WindowLogic,
        step_at: usize,
        view: &EventView<'_, '_>,
        seen: &SeenEvent,
        moment: &Moment<'_>,
    ) -> Vec<DetectionFinding> {
        let Some((group, entry)) = entry(logic, step_at, view, seen) else {
            self.tallies.without_group += 1;
            return Vec::new();
        };
        let id = GroupId::of(&group);
        let added = self.windows.add((id, &group), entry, &seen.facts, (logic, rule.fold_us));
        let opened = match added {
            Added::Duplicate => {
                self.tallies.duplicates += 1;
                Vec::new()
            }
            Added::New(windows) => self.open_windows(rule, logic, id, windows, seen),
        };
        self.windows.bound(id, (logic, rule.fold_us), moment.closed_until, moment.settings, &mut self.tallies);
        opened
    }

    /// Opens the findings of windows that ring now; one that is open counts the event.
    fn open_windows(
        &mut self,
        rule: &Rule,
        logic: &WindowLogic,
        id: GroupId,
        windows: Vec<i64>,
        seen: &SeenEvent,
    ) -> Vec<DetectionFinding> {
        self.open.change(seen.at_us.div_euclid(rule.fold_us), id, |finding| {
            finding.event_count += 1;
            finding.done_count += u64::from(seen.is_done);
        });
        let mut opened = Vec::new();
        for window in windows {
            let Some(group) = self.windows.group(id) else { continue };
            let mut finding = OpenFinding::of_group(group.values.clone());
            recount(&mut finding, group, rule, logic, window);
            opened.push(finding.finding(rule, window, false));
            self.open.put(window, id, finding);
        }
        opened
    }
}

/// Brings a finding of a threshold up to what the events of its group say.
fn recount(finding: &mut OpenFinding, group: &Group, rule: &Rule, logic: &WindowLogic, window: i64) {
    let span = (window.saturating_mul(rule.fold_us), end_of(window, rule.fold_us));
    let entries = ringing(&group.entries, &logic.need, logic.steps.len(), logic.within_us, span);
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return };
    // A record that matched several steps is one event.
    let mut events: Vec<_> = entries.iter().map(|entry| (entry.at_us, &entry.key, entry.is_done)).collect();
    events.dedup();
    let done = events.iter().filter(|(.., is_done)| *is_done).count() as u64;
    finding.span_us = Some((first.at_us, last.at_us));
    finding.is_exact = !group.is_cut;
    let floor = if group.is_cut { (finding.event_count, finding.done_count) } else { (0, 0) };
    finding.event_count = (events.len() as u64).max(floor.0);
    finding.done_count = done.max(floor.1);
    finding.events = events.into_iter().take(super::seen::LIST_MAX).map(|(at, key, _)| (at, key.clone())).collect();
    finding.facts = group.facts.clone();
}

/// Returns the group of an event, and what is kept of it. `None`: it has no value where the rule needs one.
fn entry(
    logic: &WindowLogic,
    step_at: usize,
    view: &EventView<'_, '_>,
    seen: &SeenEvent,
) -> Option<(GroupValues, Entry)> {
    let group = values(logic.steps.get(step_at)?, view);
    if !logic.groups_missing && group.iter().any(Option::is_none) {
        return None;
    }
    let (step, value_number) = match &logic.need {
        Need::Events(_) => (0, 0),
        Need::EachStep | Need::StepsInOrder => (step_at, 0),
        Need::Distinct { fields, .. } => {
            let of_fields: GroupValues = fields.iter().map(|field| value(field, view)).collect();
            if of_fields.iter().any(Option::is_none) {
                return None;
            }
            (0, value_of(&of_fields))
        }
    };
    let entry = Entry { at_us: seen.at_us, key: seen.key.clone(), step, value: value_number, is_done: seen.is_done };
    Some((group, entry))
}

fn values(step: &Step, view: &EventView<'_, '_>) -> GroupValues {
    step.group_by.iter().map(|field| value(field, view)).collect()
}

fn value(field: &Field, view: &EventView<'_, '_>) -> Option<String> {
    field.of(view).map(std::borrow::Cow::into_owned)
}
