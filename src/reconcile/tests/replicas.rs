//! Two replicas, one lease.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::apply::Gate;
use crate::cloud::document::{Condition, ConditionalStore, Versioned, WriteOutcome};
use crate::daemon::clock::{Clock, after};
use crate::daemon::lease::{self, Found, LeaderElector, Leadership, Lease, SKEW_MAX, TERM};

/// A document in memory, for replicas in one process.
#[derive(Debug, Clone, Default)]
pub(super) struct InMemory(Arc<Mutex<Option<Versioned>>>);

#[async_trait]
impl ConditionalStore for InMemory {
    async fn read(&self) -> Result<Option<Versioned>, Fault> {
        Ok(lock(&self.0).clone())
    }

    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, Fault> {
        let mut kept = lock(&self.0);
        let found = kept.as_ref().map_or(Condition::Absent, |kept| Condition::Version(kept.version.clone()));
        if found != *condition {
            return Ok(WriteOutcome::Conflict);
        }
        let version = kept.as_ref().map_or(0, |kept| kept.version.parse::<u64>().unwrap()) + 1;
        *kept = Some(Versioned { text: text.to_owned(), version: version.to_string() });
        Ok(WriteOutcome::Done)
    }
}

async fn some_change() -> Change {
    let rules = config("{}");
    let empty = SimulatedCloud::in_memory(Snapshot::whole(organization(0), Estate::default()));
    plan(&empty, &rules).await.changes[0].clone()
}

#[test]
fn what_to_do_with_a_lease() {
    let now = "2026-01-05T00:00:00Z".parse().unwrap();
    let kept = |owner: &str, expires, fencing| Found {
        lease: Lease { owner: owner.into(), expires, fencing },
        version: "v".into(),
    };
    let write = |fencing, condition| {
        lease::Decision::Write(Lease { owner: "me".into(), expires: after(now, TERM), fencing }, condition)
    };
    let version = || Condition::Version("v".into());
    let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
    let decide = |kept: Option<&Found>, unmoved: u64| lease::decide("me", now, kept, Duration::from_secs(unmoved));
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
            let (one, two) = (LeaderElector::new(&store, first, "one"), LeaderElector::new(&store, second, "two"));
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
        let (one, two) = (LeaderElector::new(&store, &clock, "one"), LeaderElector::new(&store, &clock, "two"));
        let change = some_change().await;
        assert_eq!(one.renew().await, Leadership::Leader);
        assert_eq!(two.renew().await, Leadership::Standby { owner: "one".into() });
        let fence = one.fence();
        assert_eq!(fence.admit(&change).await, Ok(()));
        clock.sleep(Duration::from_secs(TERM.as_secs() + SKEW_MAX.as_secs() + 1)).await;
        assert!(fence.admit(&change).await.is_err(), "its own clock tells it that its time is over");
        assert_eq!(two.renew().await, Leadership::Leader);
        assert!(fence.admit(&change).await.unwrap_err().contains("two"));
        assert_eq!(two.fence().admit(&change).await, Ok(()));
        two.give_up().await;
        assert_eq!(one.renew().await, Leadership::Leader, "a lease that was given up is free at once");
        assert!(fence.admit(&change).await.is_err(), "the round that slept must not go on under the new lease");
    });
}

#[test]
fn clocks_that_differ_by_seconds_never_let_two_act() {
    let clock = TestClock::new();
    clock.run(async {
        let store = InMemory::default();
        let slow = clock.clone();
        let fast = clock.ahead(SignedDuration::from_secs(8));
        let (one, two) = (LeaderElector::new(&store, &slow, "one"), LeaderElector::new(&store, &fast, "two"));
        let change = some_change().await;
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
            let (first, second) = (one.fence().admit(&change).await.is_ok(), two.fence().admit(&change).await.is_ok());
            assert!(!(first && second), "in step {round} at {}", slow.now());
            acted[0] += u32::from(first);
            acted[1] += u32::from(second);
        }
        assert!(acted.iter().all(|times| *times > 30), "{acted:?}");
    });
}

#[test]
fn one_daemon_acts_and_the_other_takes_over() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(2, &rules).await);
        let store = InMemory::default();
        let connect = {
            let store = store.clone();
            move || {
                let lease: Box<dyn ConditionalStore> = Box::new(store.clone());
                Ok(Connection { lease: Some(lease), ..Connection::to(Box::new(Shared::new(world))) })
            }
        };
        let source = Given::connecting("{every: 1m}", connect);
        let (clock, templates) = (clock.clone(), templates());
        let [one, two] =
            ["orgtrail-acme-one", "orgtrail-acme-two"].map(|run| replica(&source, &templates, &clock, run));
        let (stop_one, stop_two) = (CancellationToken::new(), CancellationToken::new());
        let story = async {
            // Not at the very moment at which another round begins.
            clock.sleep(Duration::from_secs(4 * 60 + 50)).await;
            assert_eq!(one.board.read().rounds.len() + two.board.read().rounds.len(), 5);
            let (first, second) = (one.board.read().leadership.clone(), two.board.read().leadership.clone());
            assert_eq!(
                (first, second),
                (Some(Leadership::Leader), Some(Leadership::Standby { owner: "orgtrail-acme-one".into() }))
            );
            stop_logging(world).await;
            stop_one.cancel();
            clock.minutes(2).await;
            assert_eq!(two.board.read().leadership, Some(Leadership::Leader));
            assert!(in_sync(world, &rules).await);
            stop_two.cancel();
        };
        let (one, two, ()) = tokio::join!(one.run(&stop_one), two.run(&stop_two), story);
        assert!(one.is_ok() && two.is_ok());
    });
}

#[test]
fn who_takes_over_knows_since_when_a_finding_is_open() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{allow: []}");
        let world = leak(world(1, &rules).await);
        stop_logging(world).await;
        let (lease, history) = (InMemory::default(), InMemory::default());
        let connect = {
            let history = history.clone();
            move || {
                let boxed = |store: &InMemory| -> Option<Box<dyn ConditionalStore>> { Some(Box::new(store.clone())) };
                let cloud = Connection::to(Box::new(Shared::new(world)));
                Ok(Connection { lease: boxed(&lease), history: boxed(&history), ..cloud })
            }
        };
        let source = Given::connecting("{allow: []}", connect);
        let mut since = Vec::new();
        for run in ["orgtrail-acme-one", "orgtrail-acme-two"] {
            let story = async |board: StatusBoard| {
                clock.minutes(20).await;
                let status = board.read();
                (status.findings.iter().map(|finding| finding.since).collect::<Vec<_>>(), status.rounds.len())
            };
            since.push(beside(&source, &clock, options(run), story).await.0);
        }
        assert!(!since[0].0.is_empty());
        assert_eq!(since[0].0, since[1].0, "each is as old as the first replica saw it");
        assert_eq!((since[0].1, since[1].1), (2, 4), "the rounds of both are shown");
        let kept = history.read().await.unwrap().unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&kept.text).unwrap()["rounds"].as_array().unwrap().len(),
            4
        );
    });
}

#[test]
fn a_history_of_somebody_else_is_not_overwritten() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(1, &rules).await);
        let history = InMemory::default();
        let theirs = r#"{"format_version":1,"deployment":"other","rounds":[],"findings":[],"contests":[]}"#;
        history.write(theirs, &Condition::Absent).await.unwrap();
        let shelf = history.clone();
        let connect = move || {
            let history: Option<Box<dyn ConditionalStore>> = Some(Box::new(shelf.clone()));
            Ok(Connection { history, ..Connection::to(Box::new(Shared::new(world))) })
        };
        let source = Given::connecting("{}", connect);
        let (templates, options) = (templates(), options("orgtrail-acme-one"));
        let clock = clock.clone();
        let controller = Controller {
            source: &source,
            templates: &templates,
            clock: &clock,
            board: StatusBoard::default(),
            options,
        };
        let error = controller.run(&CancellationToken::new()).await.unwrap_err().to_string();
        assert!(error.contains("belongs to \"other\"") && error.contains("another prefix"), "{error}");
        assert_eq!(history.read().await.unwrap().unwrap().text, theirs);
    });
}

/// A store that answers until it does not.
#[derive(Clone, Default)]
struct Hanging {
    store: InMemory,
    hangs: Arc<AtomicU64>,
}

#[async_trait]
impl ConditionalStore for Hanging {
    async fn read(&self) -> Result<Option<Versioned>, Fault> {
        match self.hangs.load(Ordering::Relaxed) {
            0 => self.store.read().await,
            _ => std::future::pending().await,
        }
    }

    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, Fault> {
        self.store.write(text, condition).await
    }
}

#[test]
fn told_to_stop_it_ends_within_half_a_minute_although_the_lease_cannot_be_given_up() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(1, &rules).await);
        let store = Hanging::default();
        let lease = store.clone();
        let connect = move || {
            let lease: Option<Box<dyn ConditionalStore>> = Some(Box::new(lease.clone()));
            Ok(Connection { lease, ..Connection::to(Box::new(Shared::new(world))) })
        };
        let source = Given::connecting("{}", connect);
        let story = async |_: StatusBoard| {
            clock.minutes(1).await;
            store.hangs.store(1, Ordering::Relaxed);
            clock.now()
        };
        let (told, last) = beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert_eq!(last.unwrap().result, RoundResult::InSync);
        let took = clock.now().duration_since(told).as_secs();
        assert!((1..=30).contains(&took), "it ended {took} seconds after it was told");
    });
}
