//! Two replicas, one lease.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cloud::document::{Condition, ConditionalStore, Versioned, WriteOutcome};
use crate::daemon::clock::Clock;
use crate::daemon::lease::Leadership;
use crate::daemon::tests::InMemory;

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
    async fn read(&self) -> Result<Option<Versioned>, CloudFault> {
        match self.hangs.load(Ordering::Relaxed) {
            0 => self.store.read().await,
            _ => std::future::pending().await,
        }
    }

    async fn write(&self, text: &str, condition: &Condition) -> Result<WriteOutcome, CloudFault> {
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
