//! Requests to a bucket: so many in flight as it bears, and again while what went wrong may pass.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{Failure, LogsSession};
use crate::archive::Fault;
use crate::cloud::aws::calls::in_attempt;
use crate::cloud::aws::service_limiter::ServiceLimiter;

/// How often a request is tried in all. With the delays below the last try comes after about half a minute.
const TRIES: u32 = 8;
/// How often a request is tried that is throttled while others go through.
const THROTTLED_TRIES: u32 = 16;
/// How long a run waits for a bucket that throttles all requests: events of S3 that last minutes are no end of a proof.
const PATIENCE: Duration = Duration::from_secs(300);
/// The delay before the second try, doubled for each further one, and its limit.
const DELAY_MS: u64 = 150;
const DELAY_MAX_S: u64 = 10;

/// The way of the requests to one bucket.
#[derive(Debug, Clone)]
pub(in crate::cloud::aws) struct Attempts {
    session: LogsSession,
    lane: Arc<ServiceLimiter>,
    /// The delay before the second try, and the longest one.
    delays: (Duration, Duration),
    /// When the bucket answered last.
    answered: Arc<Mutex<Option<Instant>>>,
}

impl Attempts {
    /// Returns the way to a bucket.
    pub(in crate::cloud::aws) fn new(session: &LogsSession, bucket: &str) -> Self {
        let delays = (Duration::from_millis(DELAY_MS), Duration::from_secs(DELAY_MAX_S));
        Self { session: session.clone(), lane: session.lane(bucket), delays, answered: Arc::default() }
    }

    /// Returns it with other delays between tries: the first one and the longest one.
    pub(super) fn with_delays(self, first: Duration, longest: Duration) -> Self {
        Self { delays: (first, longest), ..self }
    }

    /// Returns how many requests may be in flight now.
    pub(super) fn in_flight_max(&self) -> usize {
        self.lane.flow.limit()
    }

    /// Sends a request when there is room, again while its failure may pass. A bucket that throttles everything is
    /// waited for, as long as the run has patience.
    pub(in crate::cloud::aws) async fn send<T, F>(&self, request: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let begun = Instant::now();
        let delays = ExponentialBuilder::default().with_min_delay(self.delays.0).with_max_delay(self.delays.1);
        let mut delays = delays.without_max_times().with_jitter().build();
        let mut tries = 0;
        loop {
            let turn = self.lane.flow.admit().await;
            self.session.count();
            let answer = in_attempt(tries + 1, request()).await;
            drop(turn);
            let failure = match answer {
                Ok(answer) => {
                    self.lane.flow.went_well();
                    *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if failure.is_throttle {
                self.lane.was_throttled();
            }
            tries += 1;
            if !failure.is_passing || !self.goes_on(tries, failure.is_throttle, begun) {
                return Err(failure.fault);
            }
            tokio::time::sleep(delays.next().unwrap_or(self.delays.1)).await;
        }
    }

    /// Tells whether a request is tried again after so many tries.
    fn goes_on(&self, tries: u32, is_throttle: bool, begun: Instant) -> bool {
        if tries < TRIES || !is_throttle {
            return tries < TRIES;
        }
        let answered = *self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        let others_go_through = answered.is_some_and(|at| at.elapsed() < self.delays.1);
        begun.elapsed() < PATIENCE && (tries < THROTTLED_TRIES || !others_go_through)
    }
}
