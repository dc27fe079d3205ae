//! The record of a run: the JSON report that one run of `drift` writes and the next one reads, by this one type. The
//! file comes from a cache or an artifact: it may be cut off, of another program, of another deployment.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::entry::{Comparison, Entry, FindingKind, FindingState, RunFinding, Tally};
use super::{Trace, Unsent};
use crate::estate::{Address, Problem, Stage};
use crate::ids::AccountId;
use crate::plan::saved::{BadPlan, ChangeJson, FindingJson, Parts, SavedPlan, TrailJson, UnprovenJson, ViolationJson};
use crate::plan::{Harm, Plan};

/// Says why a text is no record to compare with.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// Another file.
    #[error("it is JSON, but not a report of `orgtrail drift`")]
    Foreign,
    /// Cut off, of another version, or changed by hand.
    #[error(transparent)]
    Content(BadPlan),
}

impl From<BadPlan> for BadRecord {
    fn from(why: BadPlan) -> Self {
        match why {
            BadPlan::Foreign => BadRecord::Foreign,
            other => BadRecord::Content(other),
        }
    }
}

/// What could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blind {
    account: AccountId,
    address: Option<Address>,
}

impl Blind {
    /// Tells whether something at this place could not be seen.
    pub(super) fn hides(&self, entry: &Entry) -> bool {
        match &self.address {
            Some(_) => self.address == entry.address,
            None => self.account == entry.account,
        }
    }
}

/// One run: what drifted, with what a schedule knows beside it. Without that it is the JSON of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DriftRecord {
    /// What drifted.
    #[serde(flatten)]
    pub plan: SavedPlan,
    /// What is new since the run before; `--since` of the next run reads it. Not set where nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Who changed what, as far as it was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<Trace>,
    /// What a channel of notifications was not sent while another one was; the next run sends it.
    #[serde(skip_serializing_if = "Unsent::is_empty")]
    pub unsent: Unsent,
}

impl DriftRecord {
    /// Takes what a run found, before it was compared with anything.
    pub fn of(plan: &Plan) -> Self {
        Self { plan: plan.into(), comparison: None, who: Vec::new(), unsent: Unsent::default() }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`BadRecord`] for anything that `orgtrail drift --format json` has not written.
    pub fn parse(text: &str) -> Result<Self, BadRecord> {
        let mut parts = Parts::of(text)?;
        let record = Self {
            plan: SavedPlan::take(&mut parts)?,
            comparison: parts.take("comparison")?,
            who: parts.take("who")?,
            unsent: parts.take("unsent")?,
        };
        parts.end()?;
        record.look().map_err(|why| BadRecord::Content(BadPlan::whole("comparison", why)))?;
        Ok(record)
    }

    /// Looks for what no run says of its comparison.
    fn look(&self) -> Result<(), &'static str> {
        let Some(comparison) = &self.comparison else { return Ok(()) };
        let keys: BTreeSet<&str> = comparison.findings.iter().map(|entry| entry.key.as_str()).collect();
        if keys.len() != comparison.findings.len() {
            return Err("it has a finding twice");
        }
        if comparison.summary != Tally::of(&comparison.findings) {
            return Err("its `summary` does not count its findings");
        }
        // Another version may give findings other keys.
        if self.plan.is_of_this_version() {
            let is_there = |entry: &&Entry| !matches!(entry.state, FindingState::Gone | FindingState::Unseen);
            let there: BTreeSet<String> =
                comparison.findings.iter().filter(is_there).map(|entry| entry.key.clone()).collect();
            if there != self.findings().into_keys().collect() {
                return Err("its findings are not those of the run");
            }
        }
        Ok(())
    }

    /// Returns what the run found, by key.
    pub(super) fn findings(&self) -> BTreeMap<String, RunFinding> {
        let SavedPlan { changes, violations, unproven, findings, problems, blockers, other_trails, .. } = &self.plan;
        let mut found = BTreeMap::new();
        let mut add = |(key, finding): (String, RunFinding)| {
            found.insert(format!("{} {key}", finding.kind.as_str()), finding);
        };
        changes.iter().map(change).for_each(&mut add);
        assessed(findings).into_iter().for_each(&mut add);
        violations.iter().map(violation).for_each(&mut add);
        unproven.iter().map(open).for_each(&mut add);
        other_trails.iter().map(trail).for_each(&mut add);
        problems.iter().map(|problem| of_problem(problem, FindingKind::Problem)).for_each(&mut add);
        blockers.iter().map(|problem| of_problem(problem, FindingKind::Blocker)).for_each(&mut add);
        found
    }

    /// Returns what could not be looked at.
    pub(super) fn blind(&self) -> Vec<Blind> {
        let unread = self.plan.problems.iter().filter(|it| matches!(it.stage, Stage::Discover | Stage::Observe));
        unread.map(|it| Blind { account: it.account.clone(), address: it.address.clone() }).collect()
    }

    /// Returns what stood at the end of the run, by key: what it found, and what it could not look at again.
    pub(super) fn standing(&self) -> BTreeMap<String, Entry> {
        match &self.comparison {
            Some(comparison) => {
                let standing = comparison.findings.iter().filter(|entry| entry.state != FindingState::Gone);
                standing.map(|entry| (entry.key.clone(), entry.clone())).collect()
            }
            // A run that compared with nothing does not know since when.
            None => {
                let entry = |(key, finding): (String, RunFinding)| {
                    (key.clone(), Entry::new(FindingState::Still, &key, finding, None))
                };
                self.findings().into_iter().map(entry).collect()
            }
        }
    }
}

fn change(change: &ChangeJson) -> (String, RunFinding) {
    let address = &change.place.0;
    let what = format!("{} {address}", change.action.as_str());
    (address.to_string(), at(FindingKind::Change, address, what, change.harm, hash_of(change)))
}

fn violation(violation: &ViolationJson) -> (String, RunFinding) {
    let ViolationJson { place, invariant, principal, action, resource, harm, .. } = violation;
    let what = format!("{invariant}: {principal}, {action}, {resource}");
    let key = format!("{} {invariant} {principal} {action} {resource}", place.0);
    (key, at(FindingKind::Violation, &place.0, what, *harm, hash_of(violation)))
}

/// What is wrong and no change repairs. Since when and until when moves from run to run, and is no news.
fn assessed(findings: &[FindingJson]) -> Vec<(String, RunFinding)> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut keyed = |FindingJson { place, harm, code, message, .. }: &FindingJson| {
        let key = format!("{} {code}", place.0);
        let count = known.entry(key.clone()).or_default();
        *count += 1;
        // Two of one kind at one resource are two.
        let key = if *count > 1 { format!("{key} #{count}") } else { key };
        let content = hash(&format!("{harm} {code} {message}"));
        let what = format!("{code} at {}: {message}", place.0);
        (key, at(FindingKind::Finding, &place.0, what, Some(*harm), content))
    };
    findings.iter().map(&mut keyed).collect()
}

fn open(UnprovenJson { place, invariant, principal, .. }: &UnprovenJson) -> (String, RunFinding) {
    let key = format!("{} {invariant} {principal}", place.0);
    let what = format!("{invariant}: {principal}");
    (key.clone(), at(FindingKind::Unproven, &place.0, what, None, hash(&key)))
}

fn trail(trail: &TrailJson) -> (String, RunFinding) {
    let address = &trail.place.0;
    // Since when both record also tells of ours: that it was stopped or started is no news of the other.
    let content = hash_of(&trail.without_overlap());
    (address.to_string(), at(FindingKind::Trail, address, address.to_string(), Some(Harm::Harmless), content))
}

fn of_problem(problem: &Problem, kind: FindingKind) -> (String, RunFinding) {
    let Problem { account, address, stage, code, message: _, help: _ } = problem.clone();
    let place = address.as_ref().map_or_else(|| account.to_string(), ToString::to_string);
    let key = format!("{place} {} {code}", stage.as_str());
    let what = format!("{code} at {place}");
    (key.clone(), RunFinding { kind, account, address, what, harm: None, content: hash(&key) })
}

fn at(kind: FindingKind, address: &Address, what: String, harm: Option<Harm>, content: String) -> RunFinding {
    RunFinding { kind, account: address.account.clone(), address: Some(address.clone()), what, harm, content }
}

/// Returns the hash of an entry as it stands in the record.
fn hash_of(entry: &impl Serialize) -> String {
    hash(&serde_json::to_string(entry).unwrap_or_default())
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
