//! How many requests are in flight: more while all goes well, half as many when the service says that it is too much.
//!
//! What a service bears is not known before, and changes with what others ask of it, so the right number is found while
//! working: doubled a round trip until the first refusal, halved at each burst of refusals, then one more a round trip.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

mod pages;

pub use pages::{BadPages, Pages};

/// The limit of requests in flight, which adapts.
#[derive(Debug)]
pub struct AdaptiveLimiter {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    limit_max: usize,
    running: usize,
    was_refused: bool,
    /// How many requests must end before another refusal counts: those that were sent before the limit was cut.
    settling: usize,
}

/// The permission to have one request in flight, until it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<AdaptiveLimiter>);

impl AdaptiveLimiter {
    /// Begins with `start` requests in flight, and goes up to `limit_max`; at least one of each.
    pub fn new(start: usize, limit_max: usize) -> Arc<Self> {
        let limit_max = limit_max.max(1);
        let limit = start.clamp(1, limit_max) as f64;
        let state = State { limit, limit_max, running: 0, was_refused: false, settling: 0 };
        Arc::new(Self { state: Mutex::new(state), freed: Notify::new() })
    }

    /// Waits until one more request may be sent.
    pub async fn admit(self: &Arc<Self>) -> Permit {
        loop {
            let freed = self.freed.notified();
            if self.try_admit() {
                return Permit(Arc::clone(self));
            }
            freed.await;
        }
    }

    /// Notes that the service served a request.
    pub fn went_well(&self) {
        let mut state = self.state();
        let more = if state.was_refused { 1.0 / state.limit } else { 1.0 };
        state.limit = (state.limit + more).min(state.limit_max as f64);
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

impl Drop for Permit {
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
        let flow = AdaptiveLimiter::new(32, 256);
        (0..32).for_each(|_| flow.went_well());
        assert_eq!(flow.limit(), 64);
        (0..1000).for_each(|_| flow.went_well());
        assert_eq!(flow.limit(), 256);
        flow.was_refused();
        assert_eq!(flow.limit(), 128);
        (0..130).for_each(|_| flow.went_well());
        assert_eq!(flow.limit(), 129);
    }

    #[tokio::test]
    async fn refusals_of_one_burst_count_once() {
        let flow = AdaptiveLimiter::new(32, 256);
        let turns = [flow.admit().await, flow.admit().await, flow.admit().await];
        (0..3).for_each(|_| flow.was_refused());
        assert_eq!(flow.limit(), 16);
        drop(turns);
        flow.was_refused();
        assert_eq!(flow.limit(), 8);
    }

    #[tokio::test]
    async fn no_more_than_the_limit_are_in_flight() {
        let flow = AdaptiveLimiter::new(32, 256);
        for _ in 0..10 {
            flow.was_refused();
        }
        let turn = flow.admit().await;
        assert_eq!(flow.limit(), 1);
        let mut second = Box::pin(flow.admit());
        assert!(futures::poll!(&mut second).is_pending());
        drop(turn);
        assert!(futures::poll!(&mut second).is_ready());
    }
}
