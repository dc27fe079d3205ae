//! From one configuration's trails to another's, for random organizations and configurations on the recorded cloud: no
//! account is without a trail at any step, the old trails go only after the new ones deliver, and nothing is left to
//! do.

use std::collections::BTreeSet;
use std::future::Future;

use crate::worlds::watched::Watched;
use crate::worlds::{Case, cases, settled};
use orgtrail::apply::gate::Open;
use orgtrail::apply::{self, ApplyReport, Because, ChangeResult, RunOptions};
use orgtrail::cloud::Cloud;
use orgtrail::cloud::NoProgress;
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::config::schema::{Owner, TrailScope};
use orgtrail::estate::{Address, Kind, Resource, Sighting};
use orgtrail::ids::AccountId;
use orgtrail::plan::{Action, Plan, PlanOptions, Risk};
use orgtrail::survey::Survey;
use proptest::prelude::*;
use proptest::test_runner::{FailurePersistence, FileFailurePersistence, RngSeed};
use tokio_util::sync::CancellationToken;

fn settings() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_150_319),
        given => given,
    };
    // Each case is three runs.
    let cases = given.cases.min(64);
    // What a night finds is tried first from then on.
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/handover.txt");
    let failure_persistence: Option<Box<dyn FailurePersistence>> = Some(Box::new(FileFailurePersistence::Direct(kept)));
    ProptestConfig { cases, rng_seed, failure_persistence, max_shrink_iters: 200, ..given }
}

async fn run(plan: &Plan, cloud: &dyn Cloud) -> ApplyReport {
    let options = RunOptions { concurrency: 3, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    apply::run(plan, cloud, &NoProgress, options, &CancellationToken::new()).await
}

async fn survey(case: &Case, cloud: &SimulatedCloud, options: PlanOptions) -> Result<Survey, TestCaseError> {
    let survey = case.survey_with(cloud, options).await.ok_or_else(|| TestCaseError::reject("selects nothing"))?;
    match survey.plan.blockers.first() {
        Some(blocker) if blocker.code == "LimitExceeded" => Err(TestCaseError::reject("over a quota")),
        Some(blocker) => Err(TestCaseError::fail(format!("{blocker:?}"))),
        None => Ok(survey),
    }
}

/// The accounts that the wanted trails record.
fn recorded(survey: &Survey) -> BTreeSet<AccountId> {
    let trails = survey.desired.wanted.iter().filter_map(|(address, wanted)| match &wanted.resource {
        Resource::Trail(trail) => Some((address, trail)),
        _ => None,
    });
    let all = || survey.organization.accounts.keys().cloned().collect();
    let of = |(address, trail): (&Address, &orgtrail::estate::Trail)| -> BTreeSet<AccountId> {
        if trail.organization { all() } else { BTreeSet::from([address.account.clone()]) }
    };
    trails.flat_map(of).collect()
}

fn active(survey: &Survey) -> impl Iterator<Item = &AccountId> {
    survey.organization.accounts.iter().filter(|(_, account)| account.state.is_active()).map(|(id, _)| id)
}

/// The same deployment with other trails: each has another name, and some another scope.
fn later(case: &Case, flip: bool) -> Case {
    let mut later = case.clone();
    for trail in &mut later.config.trails {
        trail.name = format!("next-{}", trail.name);
        if flip {
            trail.owner = Owner::Management;
            trail.scope = match trail.scope {
                TrailScope::Organization => TrailScope::Accounts,
                TrailScope::Accounts => TrailScope::Organization,
            };
        }
    }
    later
}

fn kept_trails(survey: &Survey) -> BTreeSet<Address> {
    let kept = survey.plan.leftovers.iter().map(|leftover| leftover.address.clone());
    kept.filter(|address| address.kind == Kind::Trail).collect()
}

async fn hands_over(case: &Case, flip: bool) -> Result<(), TestCaseError> {
    let cloud = case.cloud();
    let first = survey(case, &cloud, PlanOptions::default()).await?;
    prop_assert!(run(&first.plan, &cloud).await.is_complete());
    let later = later(case, flip);
    let plan = survey(&later, &cloud, PlanOptions::default()).await?;
    let always = recorded(&first).intersection(&recorded(&plan)).cloned().collect();
    let watched = Watched::new(&cloud, always);
    let old: BTreeSet<Address> = first.plan.trails.iter().map(|site| site.address.clone()).collect();

    let report = run(&plan.plan, &watched).await;
    prop_assert!(report.is_complete(), "{:?}", report);
    let after = survey(&later, &cloud, PlanOptions::default()).await?;
    settled(&after.plan)?;
    prop_assert_eq!(kept_trails(&after), old.clone());
    prop_assert_eq!(&after.plan.violations, &vec![]);

    // Nothing has arrived yet.
    let names = old.iter().filter_map(|address| address.arn(first.organization.partition));
    let destroy = PlanOptions { destroy: names.map(|arn| arn.to_string()).collect(), ..PlanOptions::default() };
    let early = survey(&later, &cloud, destroy.clone()).await?;
    let (trails, wakers): (Vec<_>, Vec<_>) = early.plan.changes.iter().partition(|c| c.address.kind == Kind::Trail);
    prop_assert_eq!(trails.len(), old.len());
    for waker in wakers {
        prop_assert_eq!(&waker.reason, "reconcile.wake_queue");
        prop_assert!(waker.depends_on.iter().any(|needed| old.contains(needed)), "{:#?}", waker);
    }
    let unrecorded = active(&plan).any(|id| !recorded(&plan).contains(id));
    for change in &early.plan.changes {
        let weakens = change.risk.contains(&Risk::Weakens);
        prop_assert!(change.risk.contains(&Risk::Destroys));
        prop_assert!(flip || !weakens, "what has only another name records as much: {:#?}", change);
        let of_all = matches!(change.observed(), Some(Resource::Trail(trail)) if trail.organization);
        prop_assert!(weakens || !(of_all && unrecorded), "an account is not recorded any more: {:#?}", change);
    }
    let report = run(&early.plan, &watched).await;
    for (outcome, change) in report.outcomes.iter().zip(&early.plan.changes) {
        let waits = matches!(&outcome.result, ChangeResult::Skipped(Because::Reason(why)) if why.contains("stays"));
        prop_assert!(waits || change.depends_on.is_empty(), "{:?}", outcome);
    }

    cloud.edit(|_, estate| deliver(estate)).await.unwrap();
    let rest = survey(&later, &cloud, PlanOptions::default()).await?;
    let names = kept_trails(&rest).into_iter().filter_map(|address| address.arn(first.organization.partition));
    let destroy = PlanOptions { destroy: names.map(|arn| arn.to_string()).collect(), ..PlanOptions::default() };
    let last = survey(&later, &cloud, destroy).await?;
    let report = run(&last.plan, &watched).await;
    prop_assert!(report.is_complete(), "{:?}", report);

    let closing = survey(&later, &cloud, PlanOptions::default()).await?;
    prop_assert_eq!(kept_trails(&closing), BTreeSet::new());
    let rules = closing.plan.leftovers.iter().filter(|leftover| leftover.address.kind == Kind::Rule);
    prop_assert_eq!(rules.count(), 0, "what watched a trail goes with it: {:?}", &closing.plan.leftovers);
    prop_assert_eq!(&closing.plan.violations, &vec![]);
    for change in &closing.plan.changes {
        prop_assert_eq!(change.action(), Action::Update);
        let is_document = matches!(change.address.kind, Kind::BucketPolicy | Kind::KeyPolicy | Kind::Topic);
        prop_assert!(!is_document || change.risk == BTreeSet::from([Risk::Safe]), "{:#?}", change);
    }
    prop_assert!(run(&closing.plan, &watched).await.is_complete());
    settled(&survey(&later, &cloud, PlanOptions::default()).await?.plan)?;
    prop_assert_eq!(watched.gaps.into_inner().unwrap(), Vec::<String>::new());
    Ok(())
}

/// Some minutes later, log files have arrived.
fn deliver(estate: &mut orgtrail::estate::Estate) {
    for sighting in estate.sightings.values_mut() {
        if let Sighting::Present(resource) = sighting
            && let Resource::Trail(trail) = resource.as_mut()
        {
            trail.delivery.get_or_insert_default().latest_time = Some("2026-01-01T00:05:00Z".into());
        }
    }
}

fn wait(future: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn renamed_trails_are_handed_over_without_a_gap(case in cases(10)) {
        wait(hands_over(&case, false))?;
    }

    #[test]
    fn another_scope_is_handed_over_without_a_gap(case in cases(10)) {
        wait(hands_over(&case, true))?;
    }
}
