//! What waits for a person, each with the time since when. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::Held;
use crate::estate::{Address, Problem};
use crate::ids::AccountId;
use crate::plan;

/// Something that a person should know or decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The account that it concerns.
    pub account: AccountId,
    /// The resource, where it concerns one.
    pub address: Option<Address>,
    /// A word for the kind of finding, or AWS's error code.
    pub code: String,
    /// What is so, in a sentence.
    pub message: String,
    /// What to do; empty where nobody knows.
    pub help: String,
    /// When it was seen first.
    pub since: Timestamp,
}

/// What one finding is known by from round to round.
pub(super) type Key = (AccountId, Option<Address>, String);

impl Finding {
    /// Returns what it is known by.
    pub(super) fn key(&self) -> Key {
        (self.account.clone(), self.address.clone(), self.code.clone())
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

    /// Returns them, in the order of accounts and addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.open.values()
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
pub fn of_held(held: &Held, blocker: Option<&Problem>, now: Timestamp) -> Finding {
    Finding {
        account: held.change.address.account.clone(),
        address: Some(held.change.address.clone()),
        code: held.why.code().to_owned(),
        message: held.why.sentence(),
        help: held.why.help(blocker),
        since: now,
    }
}

/// Makes the finding of something that the plan found wrong and does not repair.
pub fn of_finding(found: &plan::Finding, now: Timestamp) -> Finding {
    Finding {
        account: found.address.account.clone(),
        address: Some(found.address.clone()),
        code: found.code.clone(),
        message: found.message.clone(),
        help: found.help.clone(),
        since: found.since.as_deref().and_then(|since| since.parse().ok()).unwrap_or(now),
    }
}

/// Makes the finding of an invariant of isolation that does not hold.
pub fn of_violation(violation: &plan::Violation, now: Timestamp) -> Finding {
    let plan::Violation { address, invariant, principal, action, resource, statement } = violation;
    let because = statement.as_ref().map(|statement| format!(", because of {statement}")).unwrap_or_default();
    Finding {
        account: address.account.clone(),
        address: Some(address.clone()),
        code: invariant.as_str().to_owned(),
        message: format!("{principal} {} {action} on {resource}{because}", invariant.shows()),
        help: "`orgtrail access --live` shows who reads what; remove the statement, or let `orgtrail apply` do it"
            .into(),
        since: now,
    }
}

/// Makes the finding of what could not be proved.
pub fn of_unproven(unproven: &plan::Unproven, now: Timestamp) -> Finding {
    let plan::Unproven { address, invariant, principal, why } = unproven;
    Finding {
        account: address.account.clone(),
        address: Some(address.clone()),
        code: format!("unproven-{invariant}-{principal}"),
        message: format!("{invariant} is not proved for {principal}: {why}"),
        help: "`orgtrail access --live` shows what is missing for the proof".into(),
        since: now,
    }
}

/// Makes the finding of something that could not be read or done.
pub fn of_problem(problem: &Problem, now: Timestamp) -> Finding {
    Finding {
        account: problem.account.clone(),
        address: problem.address.clone(),
        code: problem.code.clone(),
        message: problem.message.clone(),
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
            help: String::new(),
            since: since.parse().unwrap(),
        }
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
