//! Time and chance, handed in, so that a day of a daemon is a test of milliseconds.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// Time and chance, as a daemon has them.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Returns how much time has passed since some moment of this process: it only ever grows, whatever somebody does
    /// to the machine's clock.
    fn passed(&self) -> Duration;

    /// Returns after this much time.
    async fn sleep(&self, span: Duration);

    /// Returns a number from 0 to 1, another one each time, with which pauses are spread.
    fn jitter(&self) -> f64;
}

/// The machine's clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn passed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn jitter(&self) -> f64 {
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
    use std::collections::BTreeMap;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;
    use crate::daemon::lock;

    /// A clock that stands still while anything can go on, and then jumps to the next moment that somebody waits for.
    #[derive(Clone)]
    pub(crate) struct TestClock {
        timeline: Arc<Mutex<Timeline>>,
        /// How far this machine's clock is ahead of the others'.
        ahead: SignedDuration,
    }

    #[derive(Default)]
    struct Timeline {
        elapsed: Duration,
        sleepers: BTreeMap<(Duration, u64), Waker>,
        sleeps: u64,
    }

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    impl TestClock {
        pub(crate) fn new() -> Self {
            Self { timeline: Arc::default(), ahead: SignedDuration::ZERO }
        }

        /// Returns the clock of another machine, which is ahead of this one.
        pub(crate) fn ahead(&self, ahead: SignedDuration) -> Self {
            Self { timeline: Arc::clone(&self.timeline), ahead }
        }

        pub(crate) async fn minutes(&self, count: u64) {
            self.sleep(Duration::from_secs(60 * count)).await;
        }

        /// Runs to its end what takes its time from this clock.
        pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
            let mut work = pin!(work);
            let woken = Arc::new(Woken(AtomicBool::new(false)));
            let waker = Waker::from(Arc::clone(&woken));
            loop {
                if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return result;
                }
                if !woken.0.swap(false, Ordering::SeqCst) {
                    self.jump();
                }
            }
        }

        fn jump(&self) {
            let waker = {
                let mut timeline = lock(&self.timeline);
                let Some(((moment, _), waker)) = timeline.sleepers.pop_first() else {
                    panic!("nothing can go on, and no timer is set")
                };
                timeline.elapsed = timeline.elapsed.max(moment);
                waker
            };
            waker.wake();
        }
    }

    #[async_trait]
    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            let start: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
            after(start, lock(&self.timeline).elapsed) + self.ahead
        }

        fn passed(&self) -> Duration {
            lock(&self.timeline).elapsed
        }

        async fn sleep(&self, span: Duration) {
            let (moment, number) = {
                let mut timeline = lock(&self.timeline);
                timeline.sleeps += 1;
                (timeline.elapsed + span, timeline.sleeps)
            };
            poll_fn(|context| {
                let mut timeline = lock(&self.timeline);
                if timeline.elapsed >= moment {
                    timeline.sleepers.remove(&(moment, number));
                    return Poll::Ready(());
                }
                timeline.sleepers.insert((moment, number), context.waker().clone());
                Poll::Pending
            })
            .await;
        }

        fn jitter(&self) -> f64 {
            0.5
        }
    }

    #[test]
    fn the_clock_of_tests_jumps_from_moment_to_moment() {
        let clock = TestClock::new();
        let start = clock.now();
        let (one, two) = clock.run(async {
            futures::join!(
                async {
                    clock.minutes(10).await;
                    clock.now()
                },
                async {
                    clock.minutes(3).await;
                    clock.now()
                }
            )
        });
        assert_eq!((between(start, one).as_secs(), between(start, two).as_secs()), (600, 180));
    }

    #[test]
    fn time_does_not_run_backwards_or_over() {
        let now: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap();
        assert_eq!(between(now, after(now, Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(between(after(now, Duration::from_secs(1)), now), Duration::ZERO);
        assert_eq!(after(now, Duration::MAX), Timestamp::MAX);
    }
}
