//! The lake beside the rounds: brought up to date at its own pace, by the replica that leads.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::status::StatusBoard;
pub use super::status::lake::{LakeStatus, LakeUpdate};
use crate::daemon::clock::Clock;
use crate::daemon::lease::Leadership;

/// Brings a lake up to date.
#[async_trait]
pub trait LakeUpdater: Send + Sync {
    /// Returns the time between two updates.
    fn every(&self) -> Duration;

    /// Puts what is new into the lake. Whatever ends it in between, the next one goes on.
    async fn update(&self, now: Timestamp) -> LakeUpdate;
}

/// Updates the lake once, and shows what came of it.
pub async fn turn(updater: &dyn LakeUpdater, clock: &dyn Clock, board: &StatusBoard) {
    let began = clock.now();
    let last = updater.update(began).await;
    if !last.is_whole() {
        tracing::warn!(missing = last.missing, why = last.why, "not all log files are in the lake");
    }
    let ended = clock.now();
    board.write(|status| {
        let earlier = status.lake.take();
        let fresh = if last.is_whole() { Some(began) } else { earlier.as_ref().and_then(|lake| lake.fresh_as_of) };
        let added = earlier.map_or(0, |lake| lake.added) + last.added;
        status.lake = Some(LakeStatus { ended, fresh_as_of: fresh, last, added });
    });
}

/// How soon a replica that does not lead looks again whether it does.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Updates the lake again and again, with a lease while this replica leads. It ends by being dropped.
pub async fn keep(updater: &dyn LakeUpdater, clock: &dyn Clock, board: &StatusBoard, has_lease: bool) {
    loop {
        let pause = if !has_lease || board.read().leadership == Some(Leadership::Leader) {
            turn(updater, clock, board).await;
            updater.every()
        } else {
            LOOK_AGAIN
        };
        clock.sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::clock::SystemClock;
    use std::sync::Mutex;

    /// Answers with what it was given, one after the other.
    struct Given(Mutex<Vec<LakeUpdate>>);

    #[async_trait]
    impl LakeUpdater for Given {
        fn every(&self) -> Duration {
            Duration::from_millis(1)
        }

        async fn update(&self, _: Timestamp) -> LakeUpdate {
            let mut all = self.0.lock().unwrap();
            if all.len() > 1 { all.remove(0) } else { all[0].clone() }
        }
    }

    fn given(all: &[(u64, u64)]) -> Given {
        let update =
            |(added, missing): &(u64, u64)| LakeUpdate { added: *added, missing: *missing, why: String::new() };
        Given(Mutex::new(all.iter().map(update).collect()))
    }

    #[tokio::test]
    async fn a_lake_is_as_fresh_as_the_last_update_that_left_nothing_out() {
        let (board, updater) = (StatusBoard::default(), given(&[(3, 0), (2, 1), (0, 0)]));
        turn(&updater, &SystemClock, &board).await;
        let first = board.read().lake.clone().unwrap();
        assert_eq!((first.added, first.fresh_as_of.is_some()), (3, true));
        turn(&updater, &SystemClock, &board).await;
        let second = board.read().lake.clone().unwrap();
        assert_eq!((second.added, second.fresh_as_of, second.last.missing), (5, first.fresh_as_of, 1));
        turn(&updater, &SystemClock, &board).await;
        assert!(board.read().lake.as_ref().unwrap().fresh_as_of > first.fresh_as_of);
    }

    #[tokio::test]
    async fn with_a_lease_only_the_leader_updates() {
        let (board, updater) = (StatusBoard::default(), given(&[(1, 0)]));
        let standby = tokio::time::timeout(Duration::from_millis(50), keep(&updater, &SystemClock, &board, true)).await;
        assert!(standby.is_err() && board.read().lake.is_none());
        board.write(|status| status.leadership = Some(Leadership::Leader));
        let leader = tokio::time::timeout(Duration::from_millis(50), keep(&updater, &SystemClock, &board, true)).await;
        assert!(leader.is_err() && board.read().lake.as_ref().unwrap().added > 0);
    }
}
