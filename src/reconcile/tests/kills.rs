//! The daemon ends at each step of a repair, and another one goes on.

use tokio_util::sync::CancellationToken;

use std::sync::Arc;

use super::*;
use crate::daemon::clock::{Clock, between};

/// Breaks one thing of each kind.
async fn break_all(world: &SimulatedCloud) {
    let hand = |_: &mut Organization, estate: &mut Estate| {
        let wanted: Vec<Address> = estate.resources().map(|(address, _)| address.clone()).collect();
        for address in wanted {
            match address.kind {
                Kind::Policy | Kind::Role => drop(estate.sightings.insert(address, Sighting::Absent)),
                _ => edit(estate, &address, damage),
            }
        }
    };
    world.edit(hand).await.unwrap();
}

fn damage(resource: &mut Resource) {
    match resource {
        Resource::Bucket(bucket) => bucket.versioning = false,
        Resource::BucketPolicy(policy) => policy.policy.statements.truncate(1),
        Resource::Key(key) => key.rotation = false,
        Resource::KeyPolicy(policy) => policy.policy.statements.truncate(1),
        Resource::Trail(trail) => trail.logging = false,
        _ => {}
    }
}

const RULES: &str = "{max_change: 100%}";

/// Repairs with a daemon that is gone at its n-th change, before or after the change is made; returns whether it was.
async fn repair_cut_off(clock: &TestClock, world: &'static SimulatedCloud, n: u64, made: bool) -> bool {
    let begun = Arc::new(AtomicU64::new(0));
    let counted = begun.clone();
    let source = Given::new(RULES, move || Box::new(Killed { world, begun: counted.clone(), n, made }));
    let templates = templates();
    let options = Options { once: true, concurrency: 1, ..options("orgtrail-acme-1") };
    let controller =
        Controller { source: &source, templates: &templates, clock, board: StatusBoard::default(), options };
    // A process that is killed does nothing any more: the daemon is dropped where it waits for an answer.
    let never = CancellationToken::new();
    tokio::select! {
        biased;
        ended = controller.run(&never) => ended.map(|_| false).unwrap(),
        () = clock.minutes(60) => true,
    }
}

/// A world in which the n-th change never gets an answer.
struct Killed {
    world: &'static SimulatedCloud,
    begun: Arc<AtomicU64>,
    n: u64,
    made: bool,
}

looks_through!(Killed);

#[async_trait]
impl CloudWriter for Killed {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        let last = self.begun.fetch_add(1, Ordering::Relaxed) == self.n;
        if last && !self.made {
            return std::future::pending().await;
        }
        let done = self.world.execute(change).await;
        if last { std::future::pending().await } else { done }
    }
}

#[test]
fn whenever_it_is_killed_the_next_one_ends_in_the_same_estate() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config(RULES);
        let whole = world(2, &rules).await;
        let wanted = whole.snapshot().estate;
        let mut steps = 0;
        for made in [false, true] {
            for n in 0.. {
                let world = leak(SimulatedCloud::in_memory(whole.snapshot()));
                break_all(world).await;
                let killed = repair_cut_off(&clock, world, n, made).await;
                if killed {
                    repair_cut_off(&clock, world, u64::MAX, false).await;
                    steps += 1;
                }
                assert!(in_sync(world, &rules).await, "killed at change {n}: {:?}", plan(world, &rules).await.changes);
                assert_eq!(present(&world.snapshot().estate), present(&wanted), "killed at change {n}");
                if !killed {
                    break;
                }
            }
        }
        assert!(steps >= 2 * 8, "{steps} steps");
    });
}

fn present(estate: &Estate) -> Vec<&Address> {
    estate.resources().map(|(address, _)| address).collect()
}

#[test]
fn told_to_stop_it_ends_within_half_a_minute_although_a_step_never_does() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config(RULES);
        let world = leak(world(2, &rules).await);
        break_all(world).await;
        let begun = Arc::new(AtomicU64::new(0));
        let counted = begun.clone();
        let cloud = move || -> Box<dyn Cloud> { Box::new(Killed { world, begun: counted.clone(), n: 0, made: false }) };
        let source = Given::new(RULES, cloud);
        let story = async |_: StatusBoard| {
            clock.minutes(1).await;
            clock.now()
        };
        let (told, last) = beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert!(begun.load(Ordering::Relaxed) > 0, "it was at work");
        let took = between(told, clock.now()).as_secs();
        assert!((1..=30).contains(&took), "it ended {took} seconds after it was told");
        assert_eq!(last.unwrap().result, RoundResult::Stopped);
    });
}
