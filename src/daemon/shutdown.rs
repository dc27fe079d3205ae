//! How long work may go on after the daemon was told to stop.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::Clock;

/// Works until the work is done; once `stop` is cancelled, for `grace` more at most. Returns `None` where that was too
/// short.
///
/// What is cut off is dropped where it waits. Work that ends by itself when `stop` is cancelled is given time to end in
/// order.
pub async fn within_grace<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
    clock: &dyn Clock,
    grace: Duration,
) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = deadline(stop, clock, grace) => None,
    }
}

async fn deadline(stop: &CancellationToken, clock: &dyn Clock, grace: Duration) {
    stop.cancelled().await;
    clock.sleep(grace).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::clock::tests::TestClock;

    #[test]
    fn work_may_end_in_the_grace_after_the_stop_and_not_later() {
        let clock = TestClock::new();
        let stop = CancellationToken::new();
        let (quick, slow) = clock.run(async {
            let grace = Duration::from_secs(25);
            let work = async |minutes| {
                clock.minutes(minutes).await;
                minutes
            };
            let tell = async {
                clock.minutes(10).await;
                stop.cancel();
            };
            let both = futures::future::join(
                within_grace(work(10), &stop, &clock, grace),
                within_grace(work(11), &stop, &clock, grace),
            );
            tokio::join!(both, tell).0
        });
        assert_eq!((quick, slow), (Some(10), None));
    }
}
