//! Time and chance, handed in, so that a day of the daemon's life is a test of milliseconds.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// What a daemon knows of the world beside AWS.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Returns after this much time.
    async fn sleep(&self, span: Duration);

    /// Returns a number from 0 to 1, another one each time, with which pauses are spread.
    fn chance(&self) -> f64;
}

/// The machine's clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}

/// Returns a time and so much after it; the end of time where that would be later.
pub fn after(time: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// Returns the time from one moment to a later one; none at all where it is not later.
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A clock that follows tokio's paused time: it jumps to the next moment at which something happens.
    pub(crate) struct TestClock {
        start: Timestamp,
        base: tokio::time::Instant,
        /// How far this machine's clock is ahead of the others'.
        ahead: SignedDuration,
    }

    impl TestClock {
        pub(crate) fn new() -> Self {
            Self::ahead(SignedDuration::ZERO)
        }

        pub(crate) fn ahead(ahead: SignedDuration) -> Self {
            let start = "2026-01-05T00:00:00Z".parse().unwrap();
            Self { start, base: tokio::time::Instant::now(), ahead }
        }
    }

    #[async_trait]
    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            after(self.start, self.base.elapsed()) + self.ahead
        }

        async fn sleep(&self, span: Duration) {
            tokio::time::sleep(span).await;
        }

        fn chance(&self) -> f64 {
            0.5
        }
    }

    #[test]
    fn time_does_not_run_backwards_or_over() {
        let now: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
        assert_eq!(between(now, after(now, Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(between(after(now, Duration::from_secs(1)), now), Duration::ZERO);
        assert_eq!(after(now, Duration::MAX), Timestamp::MAX);
    }
}
