//! What can be seen of the daemon from outside: one value, [updated](update::update) after each round, shown as
//! [`page`]s and [`metrics`], and as a report [`once`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::findings::Finding;
use super::history::{RoundRecord, RoundResult};
use crate::daemon::clock::between;
use crate::daemon::lease::Leadership;
use crate::ids::AccountId;

pub mod lake;
pub mod metrics;
pub mod once;
pub mod page;
mod site;
pub mod update;

/// The longest that a round may take: a full pass of ten thousand accounts takes a part of it. What takes longer hangs.
const ROUND_MAX: Duration = Duration::from_secs(2 * 3600);

/// The longest that a round may be overdue while none runs.
const LATE_MAX: Duration = Duration::from_secs(900);

/// Everything that is shown. It holds nothing secret.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The name in the ownership tag.
    pub deployment: String,
    /// The run id.
    pub run: String,
    /// It never changes anything.
    pub observe: bool,
    /// When the daemon was started; none before it is.
    pub started: Option<Timestamp>,
    /// Whether this replica leads; `None` where there is only one.
    pub leadership: Option<Leadership>,
    /// A round runs since then; none between rounds.
    pub working_since: Option<Timestamp>,
    /// When the next round is due; none while it is not planned.
    pub next: Option<Timestamp>,
    /// The seconds between two rounds.
    pub every_s: u64,
    /// Why the newest text of the configuration is not in force; nothing where it is.
    pub bad_config: Option<String>,
    /// The accounts.
    pub accounts: BTreeMap<AccountId, AccountStatus>,
    /// What waits for a person.
    pub findings: Vec<Finding>,
    /// The changes that wait.
    pub waiting: Vec<PendingChange>,
    /// The rounds, the oldest first.
    pub rounds: Vec<RoundRecord>,
    /// The lake; `None` where none is kept, or it was not updated yet.
    pub lake: Option<lake::LakeStatus>,
    /// What a full pass costs: the calls of the last round that looked at everything; none before the first one.
    pub full_pass_calls: Option<u64>,
    /// The resources of which it is remembered how they were seen last.
    pub remembered: usize,
    /// Accounts that have failed lately.
    pub failing_lately: usize,
    /// Calls that may be in flight to one account, by service, where they are fewest.
    pub in_flight_max: BTreeMap<&'static str, usize>,
    /// What happened so often since the start.
    pub totals: Totals,
}

/// What an account is seen as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    /// The name that people gave it: untrusted text.
    pub name: String,
    /// How it is.
    pub state: AccountHealth,
    /// When it was looked at; none where it was not yet.
    pub looked_at: Option<Timestamp>,
}

/// How an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountHealth {
    /// Something could not be read or changed.
    Failing,
    /// It is left alone for a while, because it kept failing.
    Paused,
    /// A change waits for a person.
    Waiting,
    /// All is as it should be.
    InSync,
    /// The configuration leaves it out, or it is not active.
    NotSelected,
}

impl AccountHealth {
    /// All of them, the worst first.
    pub const ALL: [AccountHealth; 5] = [
        AccountHealth::Failing,
        AccountHealth::Paused,
        AccountHealth::Waiting,
        AccountHealth::InSync,
        AccountHealth::NotSelected,
    ];

    /// Returns the word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountHealth::Failing => "failing",
            AccountHealth::Paused => "paused",
            AccountHealth::Waiting => "waiting",
            AccountHealth::InSync => "in_sync",
            AccountHealth::NotSelected => "not_selected",
        }
    }

    /// Returns the words for people.
    pub fn words(self) -> &'static str {
        match self {
            AccountHealth::Failing => "failing",
            AccountHealth::Paused => "paused for a while",
            AccountHealth::Waiting => "needs approval",
            AccountHealth::InSync => "in sync",
            AccountHealth::NotSelected => "not selected",
        }
    }
}

/// A change that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// Where.
    pub address: String,
    /// What would be done.
    pub action: &'static str,
    /// The fields that it would set.
    pub fields: Vec<String>,
    /// Why it waits.
    pub why: String,
}

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rounds by how they ended.
    pub rounds: BTreeMap<RoundResult, u64>,
    /// Changes that were made.
    pub made: u64,
    /// Changes that were tried in vain.
    pub failed: u64,
    /// Calls to AWS.
    pub calls: u64,
    /// Attempts of calls that AWS throttled in rounds, by service.
    pub throttled: BTreeMap<&'static str, u64>,
    /// Notifications that a channel took.
    pub notified: u64,
    /// Notifications that a channel did not take.
    pub not_notified: u64,
    /// Messages of the wake queue that were understood.
    pub messages: u64,
    /// Messages of the wake queue that were not.
    pub rejected: u64,
}

/// Where the status is shown.
pub type StatusBoard = crate::daemon::status_board::StatusBoard<Status>;

impl Status {
    /// Tells whether the daemon is alive: the next round is not long overdue.
    pub fn is_healthy(&self, now: Timestamp) -> bool {
        match (self.working_since, self.next) {
            (Some(since), _) => between(since, now) < ROUND_MAX,
            (None, Some(next)) => between(next, now) < LATE_MAX,
            (None, None) => true,
        }
    }

    /// Tells whether it does its work: the last round could plan, or it stands by for one that does.
    pub fn is_ready(&self) -> bool {
        match &self.leadership {
            Some(Leadership::Standby { .. }) => true,
            Some(Leadership::Unknown(_)) => false,
            Some(Leadership::Leader) | None => {
                self.rounds.last().is_some_and(|round| round.run == self.run && round.result != RoundResult::Failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::history::tests::round;

    #[test]
    fn ready_means_that_the_last_round_could_plan() {
        let mut status = Status { run: "orgtrail-acme-1".into(), ..Status::default() };
        assert!(!status.is_ready());
        status.rounds = vec![round(1)];
        assert!(status.is_ready());
        status.rounds.push(RoundRecord { result: RoundResult::Failed, ..round(2) });
        assert!(!status.is_ready());
        status.leadership = Some(Leadership::Standby { owner: "other".into() });
        assert!(status.is_ready());
    }

    #[test]
    fn healthy_means_that_the_next_round_is_not_long_overdue() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let status = Status { next: Some(at("2026-01-05T00:00:00Z")), ..Status::default() };
        assert!(status.is_healthy(at("2026-01-05T00:10:00Z")));
        assert!(!status.is_healthy(at("2026-01-05T00:20:00Z")));
        let working = Status { working_since: status.next, ..status };
        assert!(working.is_healthy(at("2026-01-05T00:20:00Z")));
        assert!(!working.is_healthy(at("2026-01-05T02:20:00Z")), "a round that never ends is none");
    }
}
