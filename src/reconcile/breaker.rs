//! What keeps failing is tried less often: pauses that grow, and accounts that are left alone for a while. Pure: time and
//! chance come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::clock::after;
use crate::ids::AccountId;

/// The first pause after a failed round.
const PAUSE_FIRST: Duration = Duration::from_secs(5);

/// Failures on end after which an account is left alone.
const FAILURES_MAX: u32 = 3;

/// The first time for which an account is left alone.
const REST_FIRST: Duration = Duration::from_secs(15 * 60);

/// The longest time for which an account is left alone.
const REST_MAX: Duration = Duration::from_secs(6 * 3600);

/// Returns the pause after so many failures on end: twice as long each time, at most `longest`, and up to half of it
/// taken away by chance (0 to 1), so that many who failed together do not come back together.
pub fn pause(failures: u32, first: Duration, longest: Duration, jitter: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(20)));
    doubled.min(longest).mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

/// Returns the pause after so many failed rounds on end, never longer than the time between two rounds.
pub fn round_pause(failures: u32, every: Duration, jitter: f64) -> Duration {
    pause(failures, PAUSE_FIRST, every, jitter)
}

/// Whether an account is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitBreaker {
    /// It is, after so many failures on end.
    Closed {
        /// Fewer than it takes to open.
        failures: u32,
    },
    /// It is left alone until this time; then it is tried once.
    Open {
        /// Failures on end.
        failures: u32,
        /// When it is tried again.
        until: Timestamp,
    },
}

impl CircuitBreaker {
    /// Returns the state after a try that went well, or did not.
    pub fn next(self, well: bool, now: Timestamp, jitter: f64) -> CircuitBreaker {
        let failures = match self {
            CircuitBreaker::Closed { failures } | CircuitBreaker::Open { failures, .. } => failures,
        };
        if well {
            return CircuitBreaker::Closed { failures: 0 };
        }
        let failures = failures.saturating_add(1);
        if failures < FAILURES_MAX {
            return CircuitBreaker::Closed { failures };
        }
        let rest = pause(failures - FAILURES_MAX + 1, REST_FIRST, REST_MAX, jitter);
        CircuitBreaker::Open { failures, until: after(now, rest) }
    }

    /// Tells whether the account is left alone at this time.
    pub fn is_paused(self, now: Timestamp) -> bool {
        matches!(self, CircuitBreaker::Open { until, .. } if now < until)
    }
}

/// The accounts that have failed lately.
#[derive(Debug, Clone, Default)]
pub struct CircuitBreakers {
    states: BTreeMap<AccountId, CircuitBreaker>,
}

impl CircuitBreakers {
    /// Notes how a try in an account went.
    pub fn tried(&mut self, account: &AccountId, well: bool, now: Timestamp, jitter: f64) {
        let state = self.states.remove(account).unwrap_or(CircuitBreaker::Closed { failures: 0 });
        let next = state.next(well, now, jitter);
        if next != (CircuitBreaker::Closed { failures: 0 }) {
            self.states.insert(account.clone(), next);
        }
    }

    /// Returns the accounts that are left alone now.
    pub fn paused(&self, now: Timestamp) -> BTreeSet<AccountId> {
        self.states.iter().filter(|(_, state)| state.is_paused(now)).map(|(account, _)| account.clone()).collect()
    }

    /// Forgets the accounts that have left.
    pub fn keep(&mut self, is_there: impl Fn(&AccountId) -> bool) {
        self.states.retain(|account, _| is_there(account));
    }

    /// Returns how many accounts have failed lately.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Tells whether none has.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Forgets all: the configuration has changed.
    pub fn forget(&mut self) {
        self.states.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-05T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread() {
        let longest = Duration::from_secs(60);
        let pauses: Vec<u64> = (1..=6).map(|n| round_pause(n, longest, 0.0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
        assert_eq!(round_pause(6, longest, 1.0).as_secs(), 30);
        assert_eq!(round_pause(u32::MAX, longest, 0.5).as_secs(), 45);
    }

    #[test]
    fn an_account_rests_after_three_failures_and_longer_each_time() {
        let account: AccountId = "333333333333".parse().unwrap();
        let mut breakers = CircuitBreakers::default();
        for _ in 0..2 {
            breakers.tried(&account, false, now(), 0.0);
            assert!(breakers.paused(now()).is_empty());
        }
        breakers.tried(&account, false, now(), 0.0);
        assert!(breakers.paused(now()).contains(&account));
        let later = after(now(), REST_FIRST);
        assert!(breakers.paused(later).is_empty(), "it is tried once more after its rest");
        breakers.tried(&account, false, later, 0.0);
        assert!(breakers.paused(after(later, REST_FIRST)).contains(&account), "the next rest is longer");
        breakers.tried(&account, true, later, 0.0);
        breakers.tried(&account, false, later, 0.0);
        assert!(breakers.paused(later).is_empty(), "a success closes it");
    }

    #[test]
    fn no_rest_is_longer_than_the_longest() {
        let mut state = CircuitBreaker::Closed { failures: 0 };
        for _ in 0..40 {
            state = state.next(false, now(), 0.0);
        }
        assert_eq!(state, CircuitBreaker::Open { failures: 40, until: after(now(), REST_MAX) });
    }
}
