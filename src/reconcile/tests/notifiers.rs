//! Who is told of findings, when, and how often.

use std::sync::Arc;

use super::*;
use crate::cloud::document::ConditionalStore;
use crate::daemon::lease::Leadership;
use crate::daemon::tests::InMemory;
use crate::notify::{Channel, Notification, SendError};

/// Somebody who can be told, or not.
#[derive(Clone)]
struct Listener {
    name: &'static str,
    is_deaf: Arc<AtomicU64>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn new(name: &'static str) -> Self {
        Self { name, is_deaf: Arc::default(), heard: Arc::default() }
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.heard))
    }

    /// Tells how often it was told, and of what last.
    fn tally(&self) -> (usize, String) {
        let heard = self.heard();
        (heard.len(), heard.last().cloned().unwrap_or_default())
    }
}

#[async_trait]
impl Channel for Listener {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn send(&self, notification: &Notification) -> Result<(), SendError> {
        match self.is_deaf.load(Ordering::Relaxed) {
            0 => {
                lock(&self.heard).push(notification.subject.clone());
                Ok(())
            }
            1 => Err(SendError::new("it is deaf")),
            _ => std::future::pending().await,
        }
    }
}

fn given(listeners: &[Listener], world: &'static SimulatedCloud) -> Given {
    let listeners = listeners.to_vec();
    Given::connecting("{allow: []}", move || {
        let boxed = |listener: &Listener| -> Box<dyn Channel> { Box::new(listener.clone()) };
        let channels = listeners.iter().map(boxed).collect();
        Ok(Connection { channels, ..Connection::to(Box::new(Shared::new(world))) })
    })
}

async fn start_logging(world: &SimulatedCloud) {
    let start = |_: &mut Organization, estate: &mut Estate| {
        let trail = address(estate, Kind::Trail);
        edit(estate, &trail, |resource| {
            if let Resource::Trail(trail) = resource {
                trail.logging = true;
            }
        });
    };
    world.edit(start).await.unwrap();
}

const NEW: &str = "orgtrail: findings in acme: 1 new, 0 changed, 0 gone";
const GONE: &str = "orgtrail: findings in acme: 0 new, 0 changed, 1 gone";

#[test]
fn what_is_new_and_what_is_gone_is_told_once() {
    let clock = TestClock::new();
    clock.run(async {
        let world = leak(world(1, &config("{allow: []}")).await);
        let topic = Listener::new("topic");
        let story = async |board: StatusBoard| {
            clock.minutes(31).await;
            assert_eq!(topic.heard(), [""; 0], "nothing is open");
            stop_logging(world).await;
            clock.minutes(60).await;
            assert_eq!(topic.heard(), [NEW]);
            start_logging(world).await;
            clock.minutes(60).await;
            assert_eq!(topic.heard(), [GONE]);
            assert_eq!((board.read().totals.notified, board.read().totals.not_notified), (2, 0));
        };
        beside(&given(std::slice::from_ref(&topic), world), &clock, options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn who_cannot_be_told_is_told_later_and_the_other_not_again() {
    let clock = TestClock::new();
    clock.run(async {
        let world = leak(world(1, &config("{allow: []}")).await);
        stop_logging(world).await;
        let (topic, webhook) = (Listener::new("topic"), Listener::new("webhook"));
        topic.is_deaf.store(1, Ordering::Relaxed);
        let story = async |board: StatusBoard| {
            for deafness in [1, 2] {
                topic.is_deaf.store(deafness, Ordering::Relaxed);
                clock.minutes(40).await;
                assert_eq!(topic.heard(), [""; 0]);
            }
            let status = board.read();
            assert!(status.rounds.len() >= 4 && status.totals.not_notified >= 4, "{:?}", status.totals);
            topic.is_deaf.store(0, Ordering::Relaxed);
            clock.minutes(40).await;
            assert_eq!((topic.heard(), webhook.heard()), (vec![NEW.to_owned()], vec![NEW.to_owned()]));
        };
        beside(&given(&[topic.clone(), webhook.clone()], world), &clock, options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn nothing_is_told_twice_across_restarts_where_a_history_is_kept() {
    let clock = TestClock::new();
    clock.run(async {
        let world = leak(world(1, &config("{allow: []}")).await);
        stop_logging(world).await;
        let folder = tempfile::tempdir().unwrap();
        let kept = Some(HistoryFile::new(folder.path().join("history.json")));
        let topic = Listener::new("topic");
        let mut told = Vec::new();
        for (run, history) in
            [("orgtrail-acme-1", kept.clone()), ("orgtrail-acme-2", kept.clone()), ("orgtrail-acme-3", None)]
        {
            let options = Options { history, ..options(run) };
            beside(&given(std::slice::from_ref(&topic), world), &clock, options, async |_| clock.minutes(20).await)
                .await;
            told.push(topic.tally());
        }
        start_logging(world).await;
        let options = Options { history: kept, once: true, ..options("orgtrail-acme-4") };
        beside(&given(std::slice::from_ref(&topic), world), &clock, options, async |_| clock.minutes(1).await).await;
        told.push(topic.tally());
        let one = |subject: &str| (1, subject.to_owned());
        assert_eq!(told, [one(NEW), (0, String::new()), one(NEW), one(GONE)]);
    });
}

#[test]
fn of_two_replicas_the_one_that_acts_tells_and_who_takes_over_does_not_repeat_it() {
    let clock = TestClock::new();
    clock.run(async {
        let world = leak(world(1, &config("{allow: []}")).await);
        stop_logging(world).await;
        let (topic, lease, history) = (Listener::new("topic"), InMemory::default(), InMemory::default());
        let connect = {
            let topic = topic.clone();
            move || {
                let boxed = |store: &InMemory| -> Option<Box<dyn ConditionalStore>> { Some(Box::new(store.clone())) };
                let channels: Vec<Box<dyn Channel>> = vec![Box::new(topic.clone())];
                let (lease, history) = (boxed(&lease), boxed(&history));
                Ok(Connection { lease, history, channels, ..Connection::to(Box::new(Shared::new(world))) })
            }
        };
        let source = Given::connecting("{allow: []}", connect);
        let (clock, templates) = (clock.clone(), templates());
        let [one, two] =
            ["orgtrail-acme-one", "orgtrail-acme-two"].map(|run| replica(&source, &templates, &clock, run));
        let (stop_one, stop_two) = (CancellationToken::new(), CancellationToken::new());
        let story = async {
            clock.minutes(40).await;
            assert_eq!(topic.heard(), [NEW]);
            stop_one.cancel();
            clock.minutes(40).await;
            assert_eq!(two.board.read().leadership, Some(Leadership::Leader));
            assert_eq!((topic.heard().len(), two.board.read().findings.len()), (0, 1));
            start_logging(world).await;
            clock.minutes(40).await;
            assert_eq!(topic.heard(), [GONE]);
            stop_two.cancel();
        };
        let (one, two, ()) = tokio::join!(one.run(&stop_one), two.run(&stop_two), story);
        assert!(one.is_ok() && two.is_ok());
    });
}

#[test]
fn the_age_of_a_finding_outlives_the_daemon() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{allow: []}");
        let world = leak(world(1, &rules).await);
        stop_logging(world).await;
        let folder = tempfile::tempdir().unwrap();
        let history = Some(HistoryFile::new(folder.path().join("history.json")));
        let source = Given::new("{allow: []}", move || Box::new(Shared::new(world)));
        let mut since = Vec::new();
        for run in ["orgtrail-acme-1", "orgtrail-acme-2"] {
            let options = Options { history: history.clone(), ..options(run) };
            let story = async |board: StatusBoard| {
                clock.minutes(20).await;
                board.read().findings.iter().map(|finding| finding.since).collect::<Vec<_>>()
            };
            since.push(beside(&source, &clock, options, story).await.0);
        }
        assert!(!since[0].is_empty());
        assert_eq!(since[0], since[1]);
    });
}
