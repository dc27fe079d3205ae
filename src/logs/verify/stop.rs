//! The wish to end a run early.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Set once, seen by everything that works on a run.
#[derive(Debug, Default)]
pub struct Stop {
    is_set: AtomicBool,
    set: Notify,
}

impl Stop {
    /// Ends the run; what is known by then is its answer.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        self.set.notify_waiters();
    }

    /// Tells whether the run is to end.
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Returns what a future gives, or nothing when the run ends first.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let set = self.set.notified();
        tokio::pin!(set);
        // Registered before the check, so that no wish is missed between the two.
        set.as_mut().enable();
        if self.is_set() {
            return None;
        }
        tokio::select! {
            biased;
            () = set => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_the_run_does() {
        let stop = Stop::default();
        assert_eq!(stop.unless(async { 1 }).await, Some(1));
        let mut waiting = Box::pin(stop.unless(std::future::pending::<()>()));
        assert!(futures::poll!(&mut waiting).is_pending());
        stop.set();
        assert_eq!(waiting.await, None);
        assert_eq!(stop.unless(async { 1 }).await, None);
    }
}
