//! How many requests are in flight: more while all goes well, half as many when the service says that it is too much.
//!
//! S3 serves 5,500 reads a second and partition and splits partitions slowly (S3 user guide, "Best practices design
//! patterns"), so the right number is found while working: doubled a round trip until the first refusal, then one more a
//! round trip.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many requests are in flight at first.
const START: usize = 32;
/// How many there are at most.
const MAX: usize = 256;

/// The limit of requests in flight, which adapts.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    running: usize,
    was_refused: bool,
    /// How many requests must end before another refusal counts: those that were sent before the limit was cut.
    settling: usize,
}

/// The permission to have one request in flight, until it is dropped.
#[derive(Debug)]
pub struct Turn<'a>(&'a Pace);

impl Default for Pace {
    fn default() -> Self {
        let state = State { limit: START as f64, running: 0, was_refused: false, settling: 0 };
        Self { state: Mutex::new(state), freed: Notify::new() }
    }
}

impl Pace {
    /// Waits until one more request may be sent.
    pub async fn admit(&self) -> Turn<'_> {
        loop {
            let freed = self.freed.notified();
            if self.try_admit() {
                return Turn(self);
            }
            freed.await;
        }
    }

    /// Notes that the service served a request.
    pub fn went_well(&self) {
        let mut state = self.state();
        let more = if state.was_refused { 1.0 / state.limit } else { 1.0 };
        state.limit = (state.limit + more).min(MAX as f64);
        drop(state);
        self.freed.notify_one();
    }

    /// Notes that the service refused a request because there were too many. Requests that were in flight together are
    /// refused together: they count once.
    pub fn was_refused(&self) {
        let mut state = self.state();
        if state.settling == 0 {
            state.limit = (state.limit / 2.0).max(1.0);
            state.settling = state.running;
        }
        state.was_refused = true;
    }

    /// Returns how many requests may be in flight now.
    pub fn limit(&self) -> usize {
        self.state().limit as usize
    }

    fn try_admit(&self) -> bool {
        let mut state = self.state();
        let is_free = (state.running as f64) < state.limit.floor();
        state.running += usize::from(is_free);
        is_free
    }

    /// Nothing that holds the lock can panic half-way, so a poisoned state is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.settling = state.settling.saturating_sub(1);
        drop(state);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_grows_fast_until_the_first_refusal_then_slowly() {
        let pace = Pace::default();
        (0..32).for_each(|_| pace.went_well());
        assert_eq!(pace.limit(), 64);
        (0..1000).for_each(|_| pace.went_well());
        assert_eq!(pace.limit(), MAX);
        pace.was_refused();
        assert_eq!(pace.limit(), 128);
        (0..130).for_each(|_| pace.went_well());
        assert_eq!(pace.limit(), 129);
    }

    #[tokio::test]
    async fn refusals_of_one_burst_count_once() {
        let pace = Pace::default();
        let turns = [pace.admit().await, pace.admit().await, pace.admit().await];
        (0..3).for_each(|_| pace.was_refused());
        assert_eq!(pace.limit(), 16);
        drop(turns);
        pace.was_refused();
        assert_eq!(pace.limit(), 8);
    }

    #[tokio::test]
    async fn no_more_than_the_limit_are_in_flight() {
        let pace = Pace::default();
        for _ in 0..10 {
            pace.was_refused();
        }
        let turn = pace.admit().await;
        assert_eq!(pace.limit(), 1);
        let mut second = Box::pin(pace.admit());
        assert!(futures::poll!(&mut second).is_pending());
        drop(turn);
        assert!(futures::poll!(&mut second).is_ready());
    }
}
