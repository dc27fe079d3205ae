//! What fails again and again is paused, longer each time, and then tried once. Pure: time and chance come in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::backoff::pause;
use super::clock::after;

/// Failures in a row that open a breaker.
const FAILURES_MAX: u32 = 3;

/// How long a breaker is open the first time.
const OPEN_FIRST: Duration = Duration::from_secs(15 * 60);

/// How long a breaker is open at most.
const OPEN_MAX: Duration = Duration::from_secs(6 * 3600);

/// Whether something that may fail is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitBreaker {
    /// It is.
    Closed {
        /// Failures in a row; fewer than it takes to open.
        failures: u32,
    },
    /// It is paused until this time; then it is tried once.
    Open {
        /// Failures in a row.
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
        let open = pause(failures - FAILURES_MAX + 1, OPEN_FIRST, OPEN_MAX, jitter);
        CircuitBreaker::Open { failures, until: after(now, open) }
    }

    /// Tells whether it is paused at this time.
    pub fn is_open(self, now: Timestamp) -> bool {
        matches!(self, CircuitBreaker::Open { until, .. } if now < until)
    }
}

/// The breakers of several things, such as accounts, each known by its key. Only what has failed lately has one.
#[derive(Debug, Clone)]
pub struct CircuitBreakers<K> {
    states: BTreeMap<K, CircuitBreaker>,
}

impl<K> Default for CircuitBreakers<K> {
    fn default() -> Self {
        Self { states: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> CircuitBreakers<K> {
    /// Notes how a try went.
    pub fn tried(&mut self, key: &K, well: bool, now: Timestamp, jitter: f64) {
        let state = self.states.remove(key).unwrap_or(CircuitBreaker::Closed { failures: 0 });
        let next = state.next(well, now, jitter);
        if next != (CircuitBreaker::Closed { failures: 0 }) {
            self.states.insert(key.clone(), next);
        }
    }

    /// Returns what is paused now.
    pub fn open(&self, now: Timestamp) -> BTreeSet<K> {
        self.states.iter().filter(|(_, state)| state.is_open(now)).map(|(key, _)| key.clone()).collect()
    }

    /// Forgets what is no longer there.
    pub fn retain(&mut self, is_there: impl Fn(&K) -> bool) {
        self.states.retain(|key, _| is_there(key));
    }

    /// Returns how many have failed lately.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Tells whether none has.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Forgets all failures.
    pub fn clear(&mut self) {
        self.states.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AccountId;

    fn now() -> Timestamp {
        "2026-01-05T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_breaker_opens_after_three_failures_and_for_longer_each_time() {
        let account: AccountId = "333333333333".parse().unwrap();
        let mut breakers = CircuitBreakers::default();
        for _ in 0..2 {
            breakers.tried(&account, false, now(), 0.0);
            assert!(breakers.open(now()).is_empty());
        }
        breakers.tried(&account, false, now(), 0.0);
        assert!(breakers.open(now()).contains(&account));
        let later = after(now(), OPEN_FIRST);
        assert!(breakers.open(later).is_empty(), "it is tried once more after its pause");
        breakers.tried(&account, false, later, 0.0);
        assert!(breakers.open(after(later, OPEN_FIRST)).contains(&account), "the next pause is longer");
        breakers.tried(&account, true, later, 0.0);
        breakers.tried(&account, false, later, 0.0);
        assert!(breakers.open(later).is_empty(), "a success closes it");
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let mut state = CircuitBreaker::Closed { failures: 0 };
        for _ in 0..40 {
            state = state.next(false, now(), 0.0);
        }
        assert_eq!(state, CircuitBreaker::Open { failures: 40, until: after(now(), OPEN_MAX) });
    }
}
