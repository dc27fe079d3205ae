//! The findings of one rule whose windows are not over, bounded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{EventKey, GroupId, finding_id};
use super::seen::{Facts, LIST_MAX, SeenEvent};
use super::windows::end_of;
use crate::detect::finding::{DetectionFinding, FindingPrincipal};
use crate::detect::rule::Rule;

/// The events of one finding that are told apart.
const EVENTS_MAX: usize = 200;

/// The findings of one rule, by window and group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenFindings {
    by_window: BTreeMap<i64, BTreeMap<GroupId, OpenFinding>>,
    folded: BTreeMap<i64, OpenFinding>,
}

/// One finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenFinding {
    pub group: Vec<Option<String>>,
    pub facts: Facts,
    /// The times and ids of the events, as many as are told apart.
    pub events: BTreeSet<(i64, EventKey)>,
    pub event_count: u64,
    pub done_count: u64,
    /// The times of the first and the last event, in microseconds. `None`: there was no event.
    pub span_us: Option<(i64, i64)>,
    pub is_exact: bool,
    pub is_late: bool,
    /// From when on is known what was before, in microseconds. `None`: the rule does not ask that.
    pub known_since_us: Option<i64>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Duplicate,
    /// It belongs to a finding that is open.
    More,
    /// It opened one.
    Opened {
        is_folded: bool,
    },
    /// It belongs to the finding for all groups that are too many.
    MoreFolded,
}

impl OpenFinding {
    pub fn of_group(group: Vec<Option<String>>) -> Self {
        Self { group, is_exact: true, ..Self::default() }
    }

    /// Takes an event up. Returns `false` where it was there.
    pub fn add(&mut self, seen: &SeenEvent) -> bool {
        let event = (seen.at_us, seen.key.clone());
        if self.events.contains(&event) {
            return false;
        }
        if self.events.len() < EVENTS_MAX {
            self.events.insert(event);
        } else {
            self.is_exact = false;
        }
        self.event_count += 1;
        self.done_count += u64::from(seen.is_done);
        let (first, last) = self.span_us.unwrap_or((seen.at_us, seen.at_us));
        self.span_us = Some((first.min(seen.at_us), last.max(seen.at_us)));
        self.facts.add(&seen.facts);
        true
    }

    /// Returns the finding as it stands.
    pub fn finding(&self, rule: &Rule, window: i64, is_folded: bool) -> DetectionFinding {
        let at =
            |us: i64| Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX });
        let event_ids: Vec<String> = self.events.iter().take(LIST_MAX).map(|(_, key)| key.text()).collect();
        let first = event_ids.first().map(String::as_str).unwrap_or_default();
        let command = format!("orgtrail who --event {}", quoted(first));
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect();
        let (from_us, to_us) = self.span_us.unwrap_or_default();
        let names = rule.group_names();
        let group = names.into_iter().zip(&self.group).filter_map(|(name, value)| Some((name, value.clone()?)));
        DetectionFinding {
            id: finding_id(&rule.meta.id, window, &self.group, is_folded),
            rule: rule.meta.id.clone(),
            title: rule.meta.title.clone(),
            level: rule.meta.level,
            author: rule.meta.author.clone(),
            description: rule.meta.description.clone(),
            tags: rule.meta.tags.clone(),
            false_positives: rule.meta.false_positives.clone(),
            next_step: rule.meta.next_step.clone(),
            group: if is_folded { Vec::new() } else { group.collect() },
            window_start: at(window.saturating_mul(rule.fold_us)),
            window_end: at(end_of(window, rule.fold_us)),
            first_event_time: at(from_us),
            last_event_time: at(to_us),
            event_count: self.event_count,
            done_count: self.done_count,
            is_exact: self.is_exact,
            event_ids,
            principal: self.principal(),
            principals: list(&self.facts.principals),
            actions: list(&self.facts.actions),
            resources: list(&self.facts.resources),
            accounts: list(&self.facts.accounts),
            regions: list(&self.facts.regions),
            source_ip_addresses: list(&self.facts.addresses),
            is_late: self.is_late,
            is_folded,
            known_since: self.known_since_us.map(at),
            command,
        }
    }

    fn principal(&self) -> FindingPrincipal {
        let unknown = || FindingPrincipal {
            name: crate::event::UNKNOWN.to_owned(),
            kind: crate::event::UNKNOWN.to_owned(),
            account: None,
            role: None,
            session_name: None,
            source_identity: None,
            through: None,
            access_key: None,
            mfa: None,
        };
        self.facts.first.as_ref().map_or_else(unknown, |(.., principal)| principal.clone())
    }
}

impl OpenFindings {
    pub fn len(&self) -> usize {
        self.by_window.values().map(BTreeMap::len).sum::<usize>() + self.folded.len()
    }

    pub fn get(&self, window: i64, id: GroupId) -> Option<&OpenFinding> {
        self.by_window.get(&window)?.get(&id)
    }

    pub fn folded(&self, window: i64) -> Option<&OpenFinding> {
        self.folded.get(&window)
    }

    /// Puts a finding there, as a threshold has it that rings.
    pub fn put(&mut self, window: i64, id: GroupId, finding: OpenFinding) {
        self.by_window.entry(window).or_default().insert(id, finding);
    }

    /// Takes an event up for a group in a window.
    pub fn note(
        &mut self,
        (window, id, group): (i64, GroupId, &[Option<String>]),
        seen: &SeenEvent,
        findings_max: usize,
    ) -> Noted {
        let open = self.by_window.entry(window).or_default();
        if let Some(finding) = open.get_mut(&id) {
            return if finding.add(seen) { Noted::More } else { Noted::Duplicate };
        }
        if open.len() < findings_max {
            let finding = open.entry(id).or_insert_with(|| OpenFinding::of_group(group.to_vec()));
            finding.add(seen);
            return Noted::Opened { is_folded: false };
        }
        let is_first = !self.folded.contains_key(&window);
        let folded = self.folded.entry(window).or_insert_with(|| OpenFinding::of_group(Vec::new()));
        match (folded.add(seen), is_first) {
            (false, _) => Noted::Duplicate,
            (true, true) => Noted::Opened { is_folded: true },
            (true, false) => Noted::MoreFolded,
        }
    }

    /// Changes a finding that is open.
    pub fn change(&mut self, window: i64, id: GroupId, change: impl FnOnce(&mut OpenFinding)) {
        if let Some(finding) = self.by_window.get_mut(&window).and_then(|open| open.get_mut(&id)) {
            change(finding);
        }
    }

    /// Takes the findings out whose windows are over.
    pub fn close(&mut self, rule: &Rule, until: i64) -> Vec<DetectionFinding> {
        let is_over = |window: &i64| end_of(*window, rule.fold_us) <= until;
        let mut closed = Vec::new();
        while let Some(entry) = self.by_window.first_entry().filter(|entry| is_over(entry.key())) {
            let (window, findings) = entry.remove_entry();
            closed.extend(findings.values().map(|finding| finding.finding(rule, window, false)));
        }
        while let Some(entry) = self.folded.first_entry().filter(|entry| is_over(entry.key())) {
            let (window, finding) = entry.remove_entry();
            closed.push(finding.finding(rule, window, true));
        }
        closed
    }
}

/// Returns an id as a shell takes it for one word. CloudTrail's have nothing that a shell knows.
fn quoted(id: &str) -> String {
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte));
    if is_plain { id.to_owned() } else { format!("'{}'", id.replace('\'', r"'\''")) }
}
