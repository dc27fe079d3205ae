//! From configuration to plan, and the snapshot file, by the number of accounts.
//!
//! Budgets (one core): desire and diff of 10,000 accounts under 1 s and linear from 1,000; peak memory under 300 MB.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark ends where something is not as it must be")]

#[path = "support/organization.rs"]
mod made;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use orgtrail::config::{self, Config};
use orgtrail::desire::{DesignInput, ReaderStrategy, design};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Desired, Estate, Sighting};
use orgtrail::organization::Organization;
use orgtrail::plan::{Plan, PlanOptions, plan};
use orgtrail::policy::template::Templates;

use made::{made, organization};

const COUNTS: [usize; 3] = [100, 1_000, 10_000];

const CONFIG: &str = include_str!("../examples/demo/orgtrail.yaml");

/// An organization, its configuration, and what it has when nothing is left to do.
struct World {
    organization: Organization,
    config: Config,
    templates: Templates,
    observed: Estate,
}

impl World {
    fn new(count: usize) -> Self {
        let mut world = Self::without_estate(count);
        world.observed = made(&world.desired());
        world
    }

    fn without_estate(count: usize) -> Self {
        let organization = organization(count);
        let config = config::parse(CONFIG, "orgtrail.yaml").expect("the example is sound");
        let templates = Templates::new(&[]).expect("the compiled templates are sound");
        Self { organization, config, templates, observed: Estate::default() }
    }

    fn desired(&self) -> Desired {
        let strategy = ReaderStrategy::Roles;
        let Self { config, organization, templates, .. } = self;
        let (reader_names, past) = (&Default::default(), &Default::default());
        design(&DesignInput { config, organization, templates, strategy, earlier: &[], reader_names, past })
            .expect("the configuration fits")
    }

    /// Desire and diff, with the proofs and checks that every plan has: what happens between two calls to the cloud.
    fn work(&self, observed: &Estate) -> (Desired, Plan) {
        let desired = self.desired();
        let plan = plan(&desired, observed, &self.organization, PlanOptions::default());
        (desired, plan)
    }

    fn plan(&self, observed: &Estate) -> Plan {
        self.work(observed).1
    }

    /// An estate in which every wanted address was looked at and nothing was found.
    fn nothing(&self) -> Estate {
        let absent = self.observed.sightings.keys().map(|address| (address.clone(), Sighting::Absent));
        Estate { sightings: absent.collect(), ..Estate::default() }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.organization.clone(), self.observed.clone())
    }
}

fn plans(c: &mut Criterion) {
    let mut group = c.benchmark_group("desire and diff");
    group.sample_size(10);
    for count in COUNTS {
        let world = World::new(count);
        let nothing = world.nothing();
        assert!(world.plan(&world.observed).in_sync());
        assert_eq!(world.plan(&nothing).changes.len(), world.observed.sightings.len());
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("nothing to do", count), |b| {
            b.iter_with_large_drop(|| world.work(black_box(&world.observed)));
        });
        group.bench_function(BenchmarkId::new("everything to make", count), |b| {
            b.iter_with_large_drop(|| world.work(black_box(&nothing)));
        });
    }
    group.finish();
}

fn snapshots(c: &mut Criterion) {
    let snapshot = World::new(10_000).snapshot();
    let mut text = Vec::new();
    snapshot.write(&mut text).expect("memory takes everything");
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    assert_eq!(Snapshot::parse(&text).expect("it was just written"), snapshot);
    let mut group = c.benchmark_group("snapshot of 10,000 accounts");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write", |b| {
        b.iter(|| {
            let mut out = Vec::with_capacity(text.len());
            snapshot.write(&mut out).expect("memory takes everything");
            black_box(out)
        });
    });
    group.bench_function("read", |b| b.iter(|| black_box(Snapshot::parse(&text).expect("a snapshot"))));
    group.finish();
}

/// Prints the largest resident size of this process since the last time, where Linux tells it. What was there before,
/// and what the allocator keeps, is part of it.
/// What is planned for the measurement of memory, each in a process of its own, which holds what the command would
/// hold.
const MEMORY: [&str; 2] = ["everything to make", "nothing to do"];

/// The environment variable that tells such a process what to plan, and the one with the snapshot's path.
const CASE: &str = "ORGTRAIL_BENCH_MEMORY";
const SNAPSHOT: &str = "ORGTRAIL_BENCH_SNAPSHOT";

/// Not a time: prints the peak memory of a plan for the largest organization, from an estate without anything and from
/// a snapshot of one that has everything.
fn memory() -> std::io::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    World::new(10_000).snapshot().write(&mut std::io::BufWriter::new(file.as_file()))?;
    for case in MEMORY {
        let mut child = std::process::Command::new(std::env::current_exe()?);
        let status = child.env(CASE, case).env(SNAPSHOT, file.path()).status()?;
        assert!(status.success(), "{case}: {status}");
    }
    Ok(())
}

fn measure_memory(case: &str) {
    let path = std::env::var_os(SNAPSHOT).expect("the path of the snapshot");
    let mut world = World::without_estate(10_000);
    if case == MEMORY[0] {
        let addresses = world.desired().wanted.into_keys();
        world.observed.sightings = addresses.map(|address| (address, Sighting::Absent)).collect();
    } else {
        let text = std::fs::read_to_string(path).expect("the snapshot was written");
        world.observed = Snapshot::parse(&text).expect("the snapshot was written whole").estate;
    }
    black_box(world.plan(&world.observed));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown here");
    println!("desire and diff of 10,000 accounts, {case}: peak memory {}", peak.trim());
}

criterion_group!(benches, plans, snapshots);

fn main() {
    if let Ok(case) = std::env::var(CASE) {
        return measure_memory(&case);
    }
    memory().expect("the processes start");
    benches();
    Criterion::default().configure_from_args().final_summary();
}
