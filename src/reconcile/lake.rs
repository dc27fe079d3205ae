//! The lake beside the rounds: brought up to date at its own pace, by the replica that leads.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::findings::Finding;
pub use super::status::lake::{LakeStatus, LakeUpdate};
use super::status::{Status, StatusBoard};
use crate::daemon::clock::Clock;
use crate::daemon::lease::Leadership;
use crate::plan::Harm;

/// Brings a lake up to date.
#[async_trait]
pub trait LakeUpdater: Send + Sync {
    /// Returns the time between two updates.
    fn every(&self) -> Duration;

    /// Returns the lake's bucket where orgtrail keeps it. `None`: others do.
    fn bucket(&self) -> Option<&str>;

    /// Puts what is new into the lake. Whatever ends it in between, the next one goes on.
    async fn update(&self, now: Timestamp) -> LakeUpdate;
}

/// Updates the lake once, and shows what came of it.
pub async fn turn(updater: &dyn LakeUpdater, clock: &dyn Clock, board: &StatusBoard) {
    let began = clock.now();
    let held = updater.bucket().and_then(|bucket| held(&board.read(), bucket));
    let last = match held {
        Some(why) => LakeUpdate { why, ..LakeUpdate::default() },
        None => updater.update(began).await,
    };
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

/// Says why nothing is written to the lake's bucket: it is not as configured, so that others may read what lies there,
/// or it is somebody else's. `None`: it is as configured, as far as the last round says.
fn held(status: &Status, bucket: &str) -> Option<String> {
    let waits = status.waiting.iter().find(|change| change.address.rsplit('/').next() == Some(bucket));
    let is_of_it = |finding: &&Finding| finding.address.as_ref().is_some_and(|address| address.name == bucket);
    let harms = |finding: &&Finding| finding.harm != Some(Harm::Harmless);
    let found = || status.findings.iter().filter(is_of_it).find(harms).map(|finding| finding.message.clone());
    let why = waits.map(|change| change.why.clone()).or_else(found)?;
    Some(format!("nothing is written to the lake's bucket {bucket} while it is not as configured: {why}"))
}

/// How soon it is looked again whether an update is due: whether this replica leads, and the first round is over.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Tells whether this replica updates the lake. The first round makes the bucket where it is not there.
fn is_due(board: &StatusBoard, has_lease: bool) -> bool {
    let status = board.read();
    let leads = !has_lease || status.leadership == Some(Leadership::Leader);
    leads && status.rounds.iter().any(|round| round.run == status.run)
}

/// Updates the lake again and again from the end of the first round on, with a lease while this replica leads. It ends
/// by being dropped.
pub async fn keep(updater: &dyn LakeUpdater, clock: &dyn Clock, board: &StatusBoard, has_lease: bool) {
    loop {
        let pause = if is_due(board, has_lease) {
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
    use crate::reconcile::history::tests::round;
    use crate::reconcile::status::PendingChange;
    use std::sync::Mutex;

    /// Answers with what it was given, one after the other.
    struct Given(Mutex<Vec<LakeUpdate>>);

    #[async_trait]
    impl LakeUpdater for Given {
        fn every(&self) -> Duration {
            Duration::from_millis(1)
        }

        fn bucket(&self) -> Option<&str> {
            Some("acme-lake")
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
    async fn nothing_is_written_to_a_bucket_that_is_not_as_configured() {
        let (board, updater) = (StatusBoard::default(), given(&[(3, 0)]));
        let waits = |address: &str| PendingChange {
            address: address.to_owned(),
            action: "update",
            fields: Vec::new(),
            why: "it needs approval".to_owned(),
        };
        board.write(|status| status.waiting.push(waits("222222222222/eu-central-1/bucket_policy/acme-lake")));
        turn(&updater, &SystemClock, &board).await;
        let held = board.read().lake.clone().unwrap();
        assert_eq!((held.added, held.last.is_whole(), held.fresh_as_of), (0, false, None));
        assert!(held.last.why.ends_with("acme-lake while it is not as configured: it needs approval"), "{held:?}");
        board.write(|status| status.waiting = vec![waits("222222222222/eu-central-1/bucket/acme-logs")]);
        turn(&updater, &SystemClock, &board).await;
        assert_eq!(board.read().lake.as_ref().unwrap().added, 3, "what waits elsewhere holds nothing up");
    }

    #[tokio::test]
    async fn the_leader_updates_once_a_round_of_its_own_is_over() {
        let (board, updater) = (StatusBoard::default(), given(&[(1, 0)]));
        let added = async |has_lease: bool| {
            let kept = keep(&updater, &SystemClock, &board, has_lease);
            tokio::time::timeout(Duration::from_millis(50), kept).await.unwrap_err();
            board.read().lake.as_ref().map_or(0, |lake| lake.added)
        };
        assert_eq!(added(false).await, 0, "the bucket may still have to be made");
        let earlier = round(1);
        board.write(|status| {
            status.run = format!("{}-next", earlier.run);
            status.rounds.push(earlier.clone());
        });
        assert_eq!(added(false).await, 0, "a round of an earlier run says nothing");
        board.write(|status| status.run.clone_from(&earlier.run));
        assert_eq!(added(true).await, 0, "another replica leads");
        board.write(|status| status.leadership = Some(Leadership::Leader));
        assert!(added(true).await > 0);
    }
}
