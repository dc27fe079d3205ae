//! The daemon in a recorded world, on a clock that jumps.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::history::{RoundRecord, RoundResult};
use super::status::StatusBoard;
use super::*;
use crate::apply::gate::Open;
use crate::apply::{self, RunOptions};
use crate::cloud::history::{HistoryLookup, HistoryPage};
use crate::cloud::simulated::SimulatedCloud;
use crate::cloud::{
    Cloud, CloudFault, CloudFaultKind, CloudReader, CloudWriter, DiscoverOptions, Done, Load, NoProgress, Progress,
};
use crate::config::{self, Config};
use crate::daemon::clock::tests::TestClock;
use crate::daemon::history::HistoryFile;
use crate::daemon::lock;
use crate::estate::snapshot::Snapshot;
use crate::estate::trail::DeliveryStatus;
use crate::estate::{Address, Estate, Kind, Problem, Resource, Sighting};
use crate::ids::{AccountId, Arn, Partition, Region};
use crate::monitoring::alarm::{Alarms, Subscribers};
use crate::monitoring::metric_filter::MetricFilter;
use crate::observation::{ObservationScope, superseded_trails, superseded_wakers};
use crate::organization::{Account, AccountState, Organization};
use crate::plan::{Change, Plan};
use crate::policy::template::Templates;
use crate::recorders::RegionRecorder;
use crate::survey::{Survey, SurveyOptions, Surveyor};

mod blockers;
mod conflicts;
mod damage;
mod day;
mod hostile;
mod kills;
mod limits;
mod members;
mod notifiers;
mod observe;
mod replicas;
mod urgent;
mod wake;

const MANAGEMENT: &str = "111111111111";
const LOG: &str = "222222222222";

const CONFIG: &str = include_str!("../../../examples/quickstart/orgtrail.yaml");

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

/// The n-th member account.
fn member(n: usize) -> AccountId {
    id(&format!("{:012}", 300_000_000_000_u64 + n as u64))
}

fn account(name: &str) -> Account {
    let path = vec!["r-ab12".to_owned()];
    let email = format!("{name}@example.com");
    Account { name: name.to_owned(), email, state: AccountState::Active, path, tags: None }
}

fn organization(members: usize) -> Organization {
    let mut accounts = BTreeMap::from([(id(MANAGEMENT), account("management")), (id(LOG), account("log-archive"))]);
    accounts.extend((0..members).map(|n| (member(n), account(&format!("member-{n}")))));
    Organization {
        id: "o-exampleorgid".parse().unwrap(),
        partition: Partition::Aws,
        management_account: id(MANAGEMENT),
        units: BTreeMap::new(),
        accounts,
    }
}

fn config(reconcile: &str) -> Config {
    config::parse(&format!("{CONFIG}\nreconcile: {reconcile}\n"), "orgtrail.yaml").unwrap()
}

fn templates() -> Templates {
    Templates::new(&[]).unwrap()
}

async fn survey(look: &dyn CloudReader, config: &Config) -> Survey {
    let templates = templates();
    let surveyor = Surveyor { config, templates: &templates, look, progress: &NoProgress };
    surveyor.survey(&SurveyOptions::default()).await.unwrap()
}

async fn plan(look: &dyn CloudReader, config: &Config) -> Plan {
    survey(look, config).await.plan
}

/// A world in which all is as the configuration says.
async fn world(members: usize, config: &Config) -> SimulatedCloud {
    let recorded = SimulatedCloud::in_memory(Snapshot::whole(organization(members), Estate::default()));
    let plan = plan(&recorded, config).await;
    let options = RunOptions { concurrency: 8, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    let report = apply::run(&plan, &recorded, &NoProgress, options, &CancellationToken::new()).await;
    assert!(report.is_complete(), "{report:?}");
    recorded
}

async fn in_sync(recorded: &SimulatedCloud, config: &Config) -> bool {
    plan(recorded, config).await.in_sync()
}

fn address(estate: &Estate, kind: Kind) -> Address {
    estate.sightings.keys().find(|address| address.kind == kind).unwrap().clone()
}

/// Changes the resource at an address.
fn edit(estate: &mut Estate, address: &Address, hand: impl FnOnce(&mut Resource)) {
    let Some(Sighting::Present(resource)) = estate.sightings.get_mut(address) else { panic!("{address}") };
    hand(resource);
}

async fn stop_logging(recorded: &SimulatedCloud) {
    let stop = |_: &mut Organization, estate: &mut Estate| {
        let trail = address(estate, Kind::Trail);
        edit(estate, &trail, |resource| {
            if let Resource::Trail(trail) = resource {
                trail.logging = false;
            }
        });
    };
    recorded.edit(stop).await.unwrap();
}

fn is_logging(recorded: &SimulatedCloud) -> bool {
    let estate = recorded.snapshot().estate;
    let trails: Vec<bool> = estate
        .resources()
        .filter_map(|(_, resource)| match resource {
            Resource::Trail(trail) => Some(trail.logging),
            _ => None,
        })
        .collect();
    !trails.is_empty() && trails.iter().all(|logging| *logging)
}

/// What happens before a change is made.
type Before = Box<dyn Fn(&Change) -> Result<(), CloudFault> + Send + Sync>;

/// Makes a type that has a `world` look as that world does, where it only acts in its own way.
macro_rules! looks_through {
    ($cloud:ty) => {
        #[async_trait]
        impl CloudReader for $cloud {
            async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
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

            async fn recorder(
                &self,
                account: &AccountId,
                region: &Region,
            ) -> Result<Option<RegionRecorder>, CloudFault> {
                self.world.recorder(account, region).await
            }

            fn calls(&self) -> u64 {
                self.world.calls()
            }

            fn load(&self) -> BTreeMap<&'static str, Load> {
                self.world.load()
            }
        }
    };
}

use looks_through;

/// A world that can be shared, counted and disturbed.
struct Shared {
    world: &'static SimulatedCloud,
    /// Calls, counted as the budgets of the product count them.
    calls: AtomicU64,
    /// Called before each change.
    before: Before,
}

/// Lets the world outlive the daemon, which wants a cloud of its own.
fn leak(world: SimulatedCloud) -> &'static SimulatedCloud {
    Box::leak(Box::new(world))
}

impl Shared {
    fn new(world: &'static SimulatedCloud) -> Self {
        Self { world, calls: AtomicU64::new(0), before: Box::new(|_| Ok(())) }
    }
}

#[async_trait]
impl CloudReader for Shared {
    async fn discover(&self, needs: DiscoverOptions) -> Result<(Organization, Vec<Problem>), CloudFault> {
        let discovered = self.world.discover(needs).await?;
        // Twenty accounts a page, and five calls around it.
        self.calls.fetch_add(discovered.0.accounts.len().div_ceil(20) as u64 + 5, Ordering::Relaxed);
        Ok(discovered)
    }

    async fn observe(&self, scope: &ObservationScope, progress: &dyn Progress) -> Result<Estate, CloudFault> {
        let estate = self.world.observe(scope, progress).await?;
        self.calls.fetch_add(price(scope, &estate), Ordering::Relaxed);
        Ok(estate)
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
        self.calls.load(Ordering::Relaxed)
    }

    fn load(&self) -> BTreeMap<&'static str, Load> {
        self.world.load()
    }
}

#[async_trait]
impl CloudWriter for Shared {
    async fn execute(&self, change: &Change) -> Result<Done, CloudFault> {
        (self.before)(change)?;
        self.world.execute(change).await
    }
}

/// Counts the calls that the adapter makes for a scope: one listing of the log account's roles with a hundred on a
/// page, three calls for a member's policy and as many to enter an account as it takes, the calls of the other kinds,
/// and six for each trail that nobody wants but a document lets in, with as many as a rule and a role of it take.
fn price(scope: &ObservationScope, seen: &Estate) -> u64 {
    let roles = seen.sightings.keys().filter(|a| a.kind == Kind::Role && a.account == scope.log_account).count();
    let listing = roles.div_ceil(100) as u64 + 5;
    let accounts: std::collections::BTreeSet<&AccountId> = scope.addresses.values().collect();
    let one = |address: &Address| match address.kind {
        Kind::Bucket => 9,
        Kind::Policy => 2,
        Kind::Trail => 5,
        Kind::Key => 4,
        Kind::Role if address.account == scope.log_account => 0,
        Kind::Role => 4,
        Kind::Rule => 3,
        _ => 2,
    };
    let trails = superseded_trails(scope, seen);
    let wakers = superseded_wakers(scope, trails.keys());
    let looked_at = scope.addresses.keys().chain(wakers.keys());
    listing + accounts.len() as u64 + 6 * trails.len() as u64 + looked_at.map(one).sum::<u64>()
}

fn fault(kind: CloudFaultKind, change: &Change) -> CloudFault {
    CloudFault {
        kind,
        account: change.operator.clone(),
        operation: "test:Change".into(),
        code: "Test".into(),
        message: "the test says so".into(),
        help: String::new(),
    }
}

/// Gives a daemon a configuration that can be changed, and a world.
struct Given {
    text: Mutex<String>,
    #[allow(clippy::type_complexity)]
    connect: Box<dyn Fn() -> Result<Connection, SourceError> + Send + Sync>,
}

impl Given {
    fn new(reconcile: &str, cloud: impl Fn() -> Box<dyn Cloud> + Send + Sync + 'static) -> Self {
        let connect = move || Ok(Connection::to(cloud()));
        Self::connecting(reconcile, connect)
    }

    fn connecting(
        reconcile: &str,
        connect: impl Fn() -> Result<Connection, SourceError> + Send + Sync + 'static,
    ) -> Self {
        Self { text: Mutex::new(format!("{CONFIG}\nreconcile: {reconcile}\n")), connect: Box::new(connect) }
    }

    fn write(&self, text: &str) {
        *lock(&self.text) = text.to_owned();
    }
}

#[async_trait]
impl ConfigSource for Given {
    fn read(&self) -> Result<String, SourceError> {
        Ok(lock(&self.text).clone())
    }

    fn parse(&self, text: &str) -> Result<Config, SourceError> {
        config::parse(text, "orgtrail.yaml").map_err(|e| SourceError { why: e.to_string(), retryable: false })
    }

    async fn connect(&self, _config: &Config) -> Result<Connection, SourceError> {
        (self.connect)()
    }
}

fn options(run: &str) -> Options {
    Options { run: run.into(), observe: false, once: false, concurrency: 4, history: None }
}

/// One of several daemons with the same configuration.
fn replica<'a>(source: &'a Given, templates: &'a Templates, clock: &'a TestClock, run: &str) -> Controller<'a> {
    Controller { source, templates, clock, board: StatusBoard::default(), options: options(run) }
}

/// Runs a daemon beside a story; when the story is told, the daemon is told to stop.
async fn beside<T>(
    source: &Given,
    clock: &TestClock,
    options: Options,
    story: impl AsyncFnOnce(StatusBoard) -> T,
) -> (T, Option<RoundRecord>) {
    let templates = templates();
    let board = StatusBoard::default();
    let controller = Controller { source, templates: &templates, clock, board: board.clone(), options };
    let stop = CancellationToken::new();
    let tell = async {
        let told = story(board).await;
        stop.cancel();
        told
    };
    let (last, told) = tokio::join!(controller.run(&stop), tell);
    (told, last.unwrap())
}

#[test]
fn what_somebody_stopped_is_started_in_the_next_round() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(3, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            assert_eq!(board.read().rounds.last().unwrap().result, RoundResult::InSync);
            stop_logging(world).await;
            clock.minutes(15).await;
            let status = board.read();
            assert_eq!(status.rounds.last().unwrap().result, RoundResult::Repaired, "{:?}", status.findings);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
        assert!(in_sync(world, &rules).await);
    });
}

#[test]
fn a_daemon_that_observes_changes_nothing() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(3, &rules).await);
        stop_logging(world).await;
        let before = world.snapshot();
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let options = Options { observe: true, once: true, ..options("orgtrail-acme-1") };
        let (_, last) = beside(&source, &clock.clone(), options, async |_| clock.minutes(1).await).await;
        assert_eq!(last.unwrap().result, RoundResult::Waiting);
        assert_eq!(world.snapshot(), before);
    });
}

#[test]
fn a_broken_configuration_is_told_and_the_old_one_stays() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(3, &rules).await);
        let source = Given::new("{}", move || Box::new(Shared::new(world)));
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            source.write("version: 1\nnonsense: true\n");
            clock.minutes(1).await;
            assert!(board.read().bad_config.is_some());
            stop_logging(world).await;
            clock.minutes(15).await;
            assert!(in_sync(world, &rules).await, "the old one is still kept to");
            source.write(&format!("{CONFIG}\nreconcile: {{every: 2m}}\n"));
            clock.minutes(1).await;
            let status = board.read();
            assert_eq!((status.bad_config.clone(), status.every_s), (None, 120));
        };
        beside(&source, &clock.clone(), options("orgtrail-acme-1"), story).await;
    });
}

#[test]
fn a_connection_that_may_come_is_waited_for_and_one_that_cannot_ends_it() {
    let clock = TestClock::new();
    clock.run(async {
        let rules = config("{}");
        let world = leak(world(1, &rules).await);
        let tries = std::sync::Arc::new(AtomicU64::new(0));
        let counted = tries.clone();
        let source = Given::connecting("{}", move || match counted.fetch_add(1, Ordering::Relaxed) {
            0..4 => Err(SourceError { why: "nobody answers".into(), retryable: true }),
            _ => Ok(Connection::to(Box::new(Shared::new(world)))),
        });
        let (_, last) =
            beside(&source, &clock.clone(), options("orgtrail-acme-1"), async |_| clock.minutes(5).await).await;
        assert_eq!(last.unwrap().result, RoundResult::InSync);
        assert_eq!(tries.load(Ordering::Relaxed), 5);

        let source = Given::connecting("{}", || Err(SourceError { why: "no credentials".into(), retryable: false }));
        let templates = templates();
        let (clock, options) = (clock.clone(), options("orgtrail-acme-2"));
        let controller = Controller {
            source: &source,
            templates: &templates,
            clock: &clock,
            board: StatusBoard::default(),
            options,
        };
        assert_eq!(controller.run(&CancellationToken::new()).await.unwrap_err().to_string(), "no credentials");
    });
}
