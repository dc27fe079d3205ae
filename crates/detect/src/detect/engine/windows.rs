//! The groups of one rule with their latest events, bounded in number and size.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::EngineSettings;
use super::key::GroupId;
use super::seen::Facts;
use super::tallies::RuleTallies;
use super::window::{Entry, rings, times, window};
use crate::detect::rule::{Need, WindowLogic};

/// The events of one group that are kept, unless a threshold needs more.
const GROUP_EVENTS_MAX: usize = 1_024;

/// The groups of one rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Windows {
    groups: BTreeMap<GroupId, Group>,
    /// The events of all groups together.
    events: usize,
}

/// One group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// The values that its events have in common.
    pub values: Vec<Option<String>>,
    /// In the order of their times.
    pub entries: Vec<Entry>,
    pub facts: Facts,
    /// The numbers of the windows that ring and are not closed.
    pub ringing: BTreeSet<i64>,
    /// Events were dropped: counts are not exact.
    pub is_cut: bool,
    /// How many events of each value there are.
    value_counts: BTreeMap<u64, usize>,
}

/// What became of an event.
pub(super) enum Added {
    /// It was there already.
    Duplicate,
    /// It was taken up; these windows ring now and did not before.
    New(Vec<i64>),
}

impl Windows {
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// Takes an event up. `fold_us` is how long a window is.
    pub fn add(
        &mut self,
        (id, values): (GroupId, &[Option<String>]),
        entry: Entry,
        facts: &Facts,
        (logic, fold_us): (&WindowLogic, i64),
    ) -> Added {
        let group = self.groups.entry(id).or_insert_with(|| Group { values: values.to_vec(), ..Group::default() });
        let Err(at) = group.entries.binary_search(&entry) else { return Added::Duplicate };
        let at_us = entry.at_us;
        *group.value_counts.entry(entry.value).or_default() += 1;
        group.entries.insert(at, entry);
        group.facts.add(facts);
        self.events += 1;
        Added::New(group.new_windows(at_us, logic, fold_us))
    }

    /// Drops what is too much: of a group what no window needs any more, then its first events, then the groups with
    /// the fewest events, half of all. Those that ring are kept as long as there are others. Windows are closed until
    /// `until`.
    pub fn bound(
        &mut self,
        id: GroupId,
        (logic, fold_us): (&WindowLogic, i64),
        until: i64,
        settings: &EngineSettings,
        tallies: &mut RuleTallies,
    ) {
        let most = match logic.need {
            Need::Events(at_least) | Need::Distinct { at_least, .. } => GROUP_EVENTS_MAX.max(2 * at_least),
            Need::EachStep | Need::StepsInOrder => GROUP_EVENTS_MAX,
        };
        if let Some(group) = self.groups.get_mut(&id).filter(|group| group.entries.len() > most) {
            let before = group.entries.len();
            group.forget(needed_from(until, logic, fold_us));
            let is_distinct = matches!(logic.need, Need::Distinct { .. });
            if group.entries.len() > most && !(is_distinct && group.drop_repeated()) {
                group.drop_first();
                tallies.dropped_events += 1;
            }
            self.events -= before - group.entries.len();
        }
        if self.groups.len() <= settings.groups_max && self.events <= settings.events_max {
            return;
        }
        let mut order: Vec<(bool, usize, i64, GroupId)> = Vec::with_capacity(self.groups.len());
        for (id, group) in &self.groups {
            let last = group.entries.last().map_or(i64::MIN, |entry| entry.at_us);
            order.push((!group.ringing.is_empty(), group.entries.len(), last, *id));
        }
        order.sort_unstable();
        for (.., id) in order {
            if self.groups.len() <= settings.groups_max / 2 && self.events <= settings.events_max / 2 {
                break;
            }
            if let Some(group) = self.groups.remove(&id) {
                self.events -= group.entries.len();
                tallies.dropped_groups += 1;
                tallies.dropped_events += group.entries.len() as u64;
            }
        }
    }

    /// Gives the groups that ring in windows that are over to a function, each with the window, and forgets what no
    /// window can need any more.
    pub fn close(
        &mut self,
        until: i64,
        logic: &WindowLogic,
        fold_us: i64,
        mut ended: impl FnMut(GroupId, &Group, i64),
    ) {
        let needed_from = needed_from(until, logic, fold_us);
        self.groups.retain(|id, group| {
            let over: Vec<i64> =
                group.ringing.iter().copied().filter(|window| end_of(*window, fold_us) <= until).collect();
            for window in over {
                ended(*id, group, window);
                group.ringing.remove(&window);
            }
            group.forget(needed_from);
            !group.entries.is_empty() || !group.ringing.is_empty()
        });
        self.events = self.groups.values().map(|group| group.entries.len()).sum();
    }
}

impl Group {
    /// Returns the windows that ring because of an event at a time, and notes them.
    fn new_windows(&mut self, at_us: i64, logic: &WindowLogic, fold_us: i64) -> Vec<i64> {
        let may_ring = match logic.need {
            Need::Distinct { at_least, .. } => self.value_counts.len() >= at_least,
            _ => true,
        };
        let mut found = Vec::new();
        if !may_ring {
            return found;
        }
        for end in times(&self.entries, at_us, at_us.saturating_add(logic.within_us)) {
            let number = end.div_euclid(fold_us);
            if self.ringing.contains(&number) {
                continue;
            }
            let window = window(&self.entries, end, logic.within_us);
            if rings(window, &logic.need, logic.steps.len()) {
                self.ringing.insert(number);
                found.push(number);
            }
        }
        found
    }

    /// Forgets the events before a time.
    fn forget(&mut self, from: i64) {
        let stale = self.entries.partition_point(|entry| entry.at_us < from);
        self.entries.drain(..stale).for_each(|entry| uncount(&mut self.value_counts, entry.value));
    }

    /// Drops the first event whose value a later one has: no window that is still to come counts that value less.
    /// Returns `false` where there is none.
    fn drop_repeated(&mut self) -> bool {
        let is_repeated = |entry: &Entry| self.value_counts.get(&entry.value).is_some_and(|count| *count > 1);
        let Some(at) = self.entries.iter().position(is_repeated) else { return false };
        let entry = self.entries.remove(at);
        uncount(&mut self.value_counts, entry.value);
        self.is_cut = true;
        true
    }

    fn drop_first(&mut self) {
        let entry = self.entries.remove(0);
        uncount(&mut self.value_counts, entry.value);
        self.is_cut = true;
    }
}

/// Returns from when on events are needed by windows that are not closed, in microseconds.
fn needed_from(until: i64, logic: &WindowLogic, fold_us: i64) -> i64 {
    until.saturating_sub(fold_us).saturating_sub(logic.within_us)
}

/// Returns when a window ends, in microseconds.
pub(super) fn end_of(window: i64, fold_us: i64) -> i64 {
    window.saturating_add(1).saturating_mul(fold_us)
}

fn uncount(counts: &mut BTreeMap<u64, usize>, value: u64) {
    if let Some(count) = counts.get_mut(&value) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&value);
        }
    }
}
