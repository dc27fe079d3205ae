//! Two replicas, one lease.

use std::time::Duration;

use jiff::SignedDuration;

use super::InMemory;
use crate::cloud::document::Condition;
use crate::daemon::clock::tests::TestClock;
use crate::daemon::clock::{Clock, after};
use crate::daemon::lease::{self, LeaderElector, Leadership, Lease, SKEW_MAX, StoredLease, TERM};

#[test]
fn what_to_do_with_a_lease() {
    let now = "2026-01-05T00:00:00Z".parse().unwrap();
    let kept = |owner: &str, expires, fencing| StoredLease {
        lease: Lease { owner: owner.into(), expires, fencing },
        version: "v".into(),
    };
    let write = |fencing, condition| {
        lease::Decision::Write(Lease { owner: "me".into(), expires: after(now, TERM), fencing }, condition)
    };
    let version = || Condition::Version("v".into());
    let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
    let decide =
        |kept: Option<&StoredLease>, unmoved: u64| lease::decide("me", now, kept, Duration::from_secs(unmoved));
    assert_eq!(decide(None, 0), write(1, Condition::Absent));
    assert_eq!(decide(Some(&kept("me", ago(-5), 3)), 0), write(3, version()));
    assert_eq!(decide(Some(&kept("me", ago(5), 3)), 0), write(4, version()));
    let stand_by = |expires| lease::Decision::StandBy { owner: "other".into(), expires };
    // What the other one's clock says, or this one's, is no reason: only that nothing has moved for so long.
    for expires in [ago(86_400), ago(11), ago(9), ago(-86_400)] {
        assert_eq!(decide(Some(&kept("other", expires, 3)), 70), stand_by(expires));
        assert_eq!(decide(Some(&kept("other", expires, 3)), 71), write(4, version()));
    }
    assert_eq!(decide(Some(&kept("other", jiff::Timestamp::UNIX_EPOCH, 3)), 0), write(4, version()), "given up");
}

#[test]
fn a_clock_that_is_hours_ahead_neither_takes_a_live_lease_nor_keeps_a_dead_one() {
    let clock = TestClock::new();
    clock.run(async {
        let fast = clock.ahead(SignedDuration::from_hours(3));
        for (first, second) in [(&clock, &fast), (&fast, &clock)] {
            let store = InMemory::default();
            let (one, two) = (
                LeaderElector::new(&store, first, "one", "watch.lease"),
                LeaderElector::new(&store, second, "two", "watch.lease"),
            );
            for _ in 0..40 {
                assert_eq!(one.renew().await, Leadership::Leader);
                assert_eq!(two.renew().await, Leadership::Standby { owner: "one".into() });
                clock.sleep(Duration::from_secs(15)).await;
            }
            assert!(two.is_live_elsewhere());
            // The first one dies without a word.
            for _ in 0..6 {
                clock.sleep(Duration::from_secs(15)).await;
                two.renew().await;
            }
            assert_eq!(two.renew().await, Leadership::Leader);
        }
    });
}

#[test]
fn a_leader_that_slept_through_a_takeover_writes_nothing() {
    let clock = TestClock::new();
    clock.run(async {
        let (store, clock) = (InMemory::default(), clock.clone());
        let (one, two) = (
            LeaderElector::new(&store, &clock, "one", "watch.lease"),
            LeaderElector::new(&store, &clock, "two", "watch.lease"),
        );
        assert_eq!(one.renew().await, Leadership::Leader);
        assert_eq!(two.renew().await, Leadership::Standby { owner: "one".into() });
        let fence = one.fence();
        assert_eq!(fence.check().await, Ok(()));
        clock.sleep(Duration::from_secs(TERM.as_secs() + SKEW_MAX.as_secs() + 1)).await;
        assert!(fence.check().await.is_err(), "its own clock tells it that its time is over");
        assert_eq!(two.renew().await, Leadership::Leader);
        assert!(fence.check().await.unwrap_err().contains("two"));
        assert_eq!(two.fence().check().await, Ok(()));
        two.release().await;
        assert_eq!(one.renew().await, Leadership::Leader, "a lease that was given up is free at once");
        assert!(fence.check().await.is_err(), "the round that slept must not go on under the new lease");
    });
}

#[test]
fn clocks_that_differ_by_seconds_never_let_two_act() {
    let clock = TestClock::new();
    clock.run(async {
        let store = InMemory::default();
        let slow = clock.clone();
        let fast = clock.ahead(SignedDuration::from_secs(8));
        let (one, two) = (
            LeaderElector::new(&store, &slow, "one", "watch.lease"),
            LeaderElector::new(&store, &fast, "two", "watch.lease"),
        );
        let mut acted = [0, 0];
        for round in 0..400 {
            clock.sleep(Duration::from_secs(3)).await;
            // Each sleeps for two minutes now and then.
            if round % 100 < 60 {
                one.renew().await;
            }
            if round % 90 < 50 {
                two.renew().await;
            }
            let (first, second) = (one.fence().check().await.is_ok(), two.fence().check().await.is_ok());
            assert!(!(first && second), "in step {round} at {}", slow.now());
            acted[0] += u32::from(first);
            acted[1] += u32::from(second);
        }
        assert!(acted.iter().all(|times| *times > 30), "{acted:?}");
    });
}
