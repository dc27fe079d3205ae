//! What waits for a person, each with the time since when. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::act::HeldChange;
use crate::estate::{Address, Problem};
use crate::ids::AccountId;
use crate::plan::{self, Harm};

pub mod notification;

/// Something that a person should know or decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The account that it concerns.
    #[schemars(with = "String")]
    pub account: AccountId,
    /// The resource, where it concerns one.
    #[schemars(with = "Option<String>")]
    pub address: Option<Address>,
    /// A word for the kind of finding, or AWS's error code.
    pub code: String,
    /// What is so, in a sentence.
    pub message: String,
    /// What it does now; none where it is not known, because something could not be read, proved or done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harm: Option<Harm>,
    /// Which one it is, where there may be several of a kind at one resource; empty where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What to do; empty where it is not known.
    pub help: String,
    /// When it was seen first.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// What one finding is known by from round to round.
pub(super) type Key = (AccountId, Option<Address>, String, String);

impl Finding {
    /// Returns what it is known by.
    pub(super) fn key(&self) -> Key {
        (self.account.clone(), self.address.clone(), self.code.clone(), self.about.clone())
    }
}

/// The findings that are open.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    open: BTreeMap<Key, Finding>,
}

impl Findings {
    /// Takes up the findings of an earlier run of the daemon.
    pub fn resume(findings: Vec<Finding>) -> Self {
        Self { open: findings.into_iter().map(|finding| (finding.key(), finding)).collect() }
    }

    /// Replaces what is open by what a round found; what was open before keeps its time. Returns how many are new.
    pub fn replace(&mut self, found: Vec<Finding>) -> usize {
        let before = std::mem::take(&mut self.open);
        for mut finding in found {
            if let Some(known) = before.get(&finding.key()) {
                finding.since = known.since;
            }
            self.open.insert(finding.key(), finding);
        }
        self.open.keys().filter(|key| !before.contains_key(*key)).count()
    }

    /// Returns them, the worst first, and those of one harm in the order of accounts and addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        let mut sorted: Vec<&Finding> = self.open.values().collect();
        sorted.sort_by_key(|finding| Harm::rank(finding.harm));
        sorted.into_iter()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

/// Makes the finding of a change that waits.
pub fn of_held(held: &HeldChange, now: Timestamp) -> Finding {
    Finding {
        account: held.change.address.account.clone(),
        address: Some(held.change.address.clone()),
        code: held.reason.code().to_owned(),
        message: held.reason.sentence(),
        harm: Some(held.change.harm),
        about: String::new(),
        help: held.reason.help(),
        since: now,
    }
}

/// Makes the finding of something that the plan found wrong and does not repair.
pub fn of_finding(found: &plan::Finding, now: Timestamp) -> Finding {
    Finding {
        account: found.address.account.clone(),
        address: Some(found.address.clone()),
        code: found.code.clone(),
        message: match &found.until {
            Some(until) => format!("{}; events can be saved until {until}", found.message),
            None => found.message.clone(),
        },
        harm: Some(found.harm),
        about: String::new(),
        help: found.help.clone(),
        since: found.since.as_deref().and_then(|since| since.parse().ok()).unwrap_or(now),
    }
}

/// Makes the finding of an invariant of isolation that does not hold.
pub fn of_violation(violation: &plan::Violation, now: Timestamp) -> Finding {
    let plan::Violation { address, invariant, principal, action, resource, statement, author: _ } = violation;
    let because = statement.as_ref().map(|statement| format!(", because of {statement}")).unwrap_or_default();
    Finding {
        account: address.account.clone(),
        address: Some(address.clone()),
        code: invariant.as_str().to_owned(),
        message: format!("{principal} {} {action} on {resource}{because}", invariant.shows()),
        harm: Some(violation.harm()),
        about: format!("{principal} {action} {resource}"),
        help: violation.repair(),
        since: now,
    }
}

/// Makes the finding of what could not be proved.
pub fn of_unproven(unproven: &plan::Unproven, now: Timestamp) -> Finding {
    let plan::Unproven { address, invariant, principal, why } = unproven;
    Finding {
        account: address.account.clone(),
        address: Some(address.clone()),
        code: format!("unproven-{invariant}"),
        message: format!("{invariant} is not proved for {principal}: {why}"),
        harm: None,
        about: principal.clone(),
        help: "`orgtrail access --live` shows what is missing for the proof".into(),
        since: now,
    }
}

/// Makes the finding of a change that was tried in vain, or taken back: its drift stays.
pub fn of_failed(change: &plan::Change, problem: &Problem, now: Timestamp) -> Finding {
    Finding { harm: Some(change.harm), ..of_problem(problem, now) }
}

/// Makes the finding of what stands against the whole plan: nothing is repaired as long as it does.
pub fn of_blocker(problem: &Problem, now: Timestamp) -> Finding {
    Finding { harm: Some(Harm::LessProtected), ..of_problem(problem, now) }
}

/// Tells apart what is of one kind at one resource, so that two are never taken for one.
pub fn told_apart(mut list: Vec<Finding>) -> Vec<Finding> {
    let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
    for finding in list.iter_mut().filter(|finding| finding.harm.is_some()) {
        let count = seen.entry(finding.key()).or_default();
        *count += 1;
        if *count > 1 {
            finding.about = format!("{} #{count}", finding.about).trim_start().to_owned();
        }
    }
    list
}

/// Makes the finding of something that could not be read or done.
pub fn of_problem(problem: &Problem, now: Timestamp) -> Finding {
    Finding {
        account: problem.account.clone(),
        address: problem.address.clone(),
        code: problem.code.clone(),
        message: problem.message.clone(),
        harm: None,
        about: String::new(),
        help: problem.help.clone(),
        since: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(account: &str, code: &str, since: &str) -> Finding {
        Finding {
            account: account.parse().unwrap(),
            address: None,
            code: code.into(),
            message: String::new(),
            harm: None,
            about: String::new(),
            help: String::new(),
            since: since.parse().unwrap(),
        }
    }

    #[test]
    fn the_worst_is_the_first_and_two_of_a_kind_are_two() {
        let at = "2026-01-01T00:00:00Z";
        let harms = [None, Some(Harm::LessProtected), Some(Harm::LogsLost), Some(Harm::LogsLost)];
        let list = harms.map(|harm| Finding { harm, ..finding("111111111111", "A", at) }).to_vec();
        let list = list.into_iter().enumerate();
        let named = |(n, f): (usize, Finding)| {
            let code = if f.harm.is_none() { "B".into() } else { f.code.clone() };
            Finding { message: n.to_string(), code, ..f }
        };
        let list = list.map(named).collect();
        let mut findings = Findings::default();
        findings.replace(told_apart(list));
        let order: Vec<(Option<Harm>, &str)> = findings.iter().map(|f| (f.harm, f.message.as_str())).collect();
        let lost = Some(Harm::LogsLost);
        assert_eq!(order[..2], [(lost, "2"), (lost, "3")]);
        assert_eq!(order.len(), 4);
    }

    #[test]
    fn a_finding_keeps_the_time_when_it_was_first_seen_until_it_is_gone() {
        let (one, two, three) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
        let mut findings = Findings::default();
        assert_eq!(findings.replace(vec![finding("111111111111", "A", one)]), 1);
        let more = vec![finding("111111111111", "A", two), finding("111111111111", "B", two)];
        assert_eq!(findings.replace(more), 1);
        let since: Vec<String> = findings.iter().map(|f| f.since.to_string()).collect();
        assert_eq!(since, [one, two]);
        findings.replace(Vec::new());
        assert!(findings.is_empty());
        findings.replace(vec![finding("111111111111", "A", three)]);
        assert_eq!(findings.iter().next().unwrap().since.to_string(), three);
    }
}
