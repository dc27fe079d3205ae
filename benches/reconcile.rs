//! The memory of the daemon: 500 rounds over 1,000 accounts and 20 over 10,000, each in a process of its own, on a
//! clock that does not wait, with drift in every round.
//!
//! What the daemon remembers and the recorded world, which stands for AWS, are one copy, as the daemon's own is against
//! AWS. `cargo bench --bench reconcile` measures; `cargo test --benches` makes a few rounds over a few accounts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "support/organization.rs"]
mod made;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orgtrail::cloud::history::{HistoryLookup, HistoryPage};
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{CloudFault, CloudReader, CloudWriter, DiscoverOptions, Done, Load, Progress};
use orgtrail::config::{self, Config};
use orgtrail::daemon::clock::{Clock, after};
use orgtrail::daemon::history::HistoryFile;
use orgtrail::desire::{DesignInput, ReaderStrategy, design};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::trail::DeliveryStatus;
use orgtrail::estate::{Address, Estate, Kind, Problem, Resource, Sighting};
use orgtrail::ids::{AccountId, Arn, Region};
use orgtrail::monitoring::alarm::{Alarms, Subscribers};
use orgtrail::monitoring::metric_filter::MetricFilter;
use orgtrail::observation::ObservationScope;
use orgtrail::organization::Organization;
use orgtrail::plan::Change;
use orgtrail::policy::template::Templates;
use orgtrail::reconcile::status::StatusBoard;
use orgtrail::reconcile::{ConfigSource, Connection, Controller, Options, SourceError};
use orgtrail::recorders::RegionRecorder;

use tokio_util::sync::CancellationToken;

use made::{made, organization};

const CONFIG: &str = include_str!("../examples/quickstart/orgtrail.yaml");

/// Accounts, rounds, and the budget in MB.
const CASES: [(usize, usize, u64); 2] = [(1_000, 500, 100), (10_000, 20, 500)];

/// The environment variable that tells a process which case to measure.
const CASE: &str = "ORGTRAIL_BENCH_CASE";

/// A clock that does not wait.
#[derive(Default)]
struct Impatient {
    elapsed_ms: AtomicU64,
}

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, self.passed())
    }

    fn passed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::Relaxed))
    }

    async fn sleep(&self, span: Duration) {
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.elapsed_ms.fetch_add(span, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// A recorded world in which somebody breaks something before each round, until there were enough rounds.
struct Disturbed {
    world: SimulatedCloud,
    rounds: AtomicUsize,
    rounds_max: usize,
    stop: CancellationToken,
}

impl Disturbed {
    /// Stops the trail in one round, and in the next removes the policy of a member that is looked at some time later.
    async fn disturb(&self, round: usize) {
        let hand = |organization: &mut Organization, estate: &mut Estate| {
            if round.is_multiple_of(2) {
                let trails = estate.sightings.iter_mut().filter(|(address, _)| address.kind == Kind::Trail);
                for (_, sighting) in trails {
                    if let Sighting::Present(resource) = sighting
                        && let Resource::Trail(trail) = resource.as_mut()
                    {
                        trail.logging = false;
                    }
                }
            } else {
                let member = organization.accounts.keys().nth(round % organization.accounts.len());
                let policy = member.map(|member| Address::global(member, Kind::Policy, "CloudTrailReadLogs"));
                estate.sightings.extend(policy.map(|address| (address, Sighting::Absent)));
            }
        };
        self.world.edit(hand).await.expect("memory takes everything");
    }
}

#[async_trait]
impl CloudReader for Disturbed {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        if round >= self.rounds_max {
            self.stop.cancel();
        }
        if round.is_multiple_of(self.rounds_max / 10) {
            tell(&format!("after {round} rounds"));
        }
        self.disturb(round).await;
        self.world.discover(needs).await
    }

    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault> {
        self.world.observe(scope, progress).await
    }

    async fn delivery(&self, trail: &Address, operator: &AccountId) -> Result<DeliveryStatus, CloudFault> {
        self.world.delivery(trail, operator).await
    }

    async fn regions(&self, account: &AccountId) -> Result<Option<Vec<Region>>, CloudFault> {
        self.world.regions(account).await
    }

    async fn look_up_events(
        &self,
        account: &AccountId,
        region: &Region,
        lookup: &HistoryLookup,
    ) -> Result<Option<HistoryPage>, CloudFault> {
        self.world.look_up_events(account, region, lookup).await
    }

    async fn metric_filters(&self, group: &Arn) -> Result<Option<Vec<MetricFilter>>, CloudFault> {
        self.world.metric_filters(group).await
    }

    async fn alarms(&self, account: &AccountId, region: &Region) -> Result<Option<Alarms>, CloudFault> {
        self.world.alarms(account, region).await
    }

    async fn subscribers(&self, topic: &Arn) -> Result<Option<Subscribers>, CloudFault> {
        self.world.subscribers(topic).await
    }

    async fn recorder(&self, account: &AccountId, region: &Region) -> Result<Option<RegionRecorder>, CloudFault> {
        self.world.recorder(account, region).await
    }

    fn calls(&self) -> u64 {
        self.world.calls()
    }

    fn load(&self) -> BTreeMap<&'static str, Load> {
        self.world.load()
    }
}

#[async_trait]
impl CloudWriter for Disturbed {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        self.world.execute(change).await
    }
}

/// Gives the one connection that there is.
struct Given(Mutex<Option<Disturbed>>);

#[async_trait]
impl ConfigSource for Given {
    fn read(&self) -> Result<String, SourceError> {
        Ok(CONFIG.to_owned())
    }

    fn parse(&self, text: &str) -> Result<Config, SourceError> {
        config::parse(text, "orgtrail.yaml").map_err(|error| SourceError { why: error.to_string(), retryable: false })
    }

    async fn connect(&self, _config: &Config) -> Result<Connection, SourceError> {
        let cloud = self.0.lock().ok().and_then(|mut cloud| cloud.take()).expect("it is asked for once");
        Ok(Connection::to(Box::new(cloud)))
    }
}

fn world(count: usize, templates: &Templates) -> SimulatedCloud {
    let (organization, config) = (organization(count), config::parse(CONFIG, "orgtrail.yaml").expect("the example"));
    let brief = DesignInput {
        config: &config,
        organization: &organization,
        templates,
        strategy: ReaderStrategy::Roles,
        earlier: &[],
        reader_names: &Default::default(),
        past: &Default::default(),
    };
    let estate = made(&design(&brief).expect("the configuration fits"));
    SimulatedCloud::in_memory(Snapshot::whole(organization, estate))
}

/// Returns a figure of this process in KiB, where Linux tells it.
fn figure(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn tell(when: &str) {
    if let (Some(resident), Some(peak)) = (figure("VmRSS"), figure("VmHWM")) {
        println!("{when}: {resident} KiB resident, {peak} KiB at most");
    }
}

fn main() {
    // `cargo bench` says so; `cargo test --benches` does not.
    if !std::env::args().any(|word| word == "--bench") {
        return measure((50, 20, 100));
    }
    match std::env::var(CASE).ok().and_then(|case| case.parse::<usize>().ok()) {
        Some(case) => measure(CASES[case]),
        None => {
            for (case, measured) in CASES.iter().enumerate() {
                let this = std::env::current_exe().expect("the path of this program");
                let mut child = std::process::Command::new(this);
                let status = child.arg("--bench").env(CASE, case.to_string()).status().expect("it starts");
                assert!(status.success(), "{measured:?}: {status}");
            }
        }
    }
}

fn measure((accounts, rounds_max, budget_mb): (usize, usize, u64)) {
    let templates = Templates::new(&[]).expect("the compiled templates are sound");
    let stop = CancellationToken::new();
    let world = world(accounts, &templates);
    tell(&format!("{accounts} accounts, recorded"));
    let disturbed = Disturbed { world, rounds: AtomicUsize::new(0), rounds_max, stop: stop.clone() };
    let source = Given(Mutex::new(Some(disturbed)));
    let folder = tempfile::tempdir().expect("a folder for the history");
    let options = Options {
        run: "orgtrail-acme-bench".into(),
        observe: false,
        once: false,
        concurrency: 8,
        history: Some(HistoryFile::new(folder.path().join("history.json"))),
    };
    let (clock, board) = (Impatient::default(), StatusBoard::default());
    let controller =
        Controller { source: &source, templates: &templates, clock: &clock, board: board.clone(), options };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(controller.run(&stop)).expect("the daemon works");

    let totals = board.read().totals.clone();
    println!("{accounts} accounts, rounds: {:?}, {} changes made", totals.rounds, totals.made);
    tell(&format!("after {rounds_max} rounds"));
    assert!(totals.made as usize >= rounds_max / 2, "there was drift, and it was repaired");
    if let Some(peak) = figure("VmHWM") {
        assert!(peak * 1024 < budget_mb * 1_000_000, "{peak} KiB are more than the budget of {budget_mb} MB");
    }
}
