//! What must hold in every organization and for every configuration, tried in thousands of random ones.
//!
//! The world is the recorded cloud: it refuses what AWS refuses, so a wrong order of steps fails here. The seed is
//! fixed, so that a run is repeatable; `PROPTEST_RNG_SEED` sets another one, `PROPTEST_CASES` the number of worlds for
//! each property (256).

mod damage;
mod lake;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::AtomicUsize;

use crate::worlds::damage::{Damage, Seen, damages};
use crate::worlds::falter::Faltering;
use crate::worlds::foreign::{of_one_organization, take_tags_off, without_owner};
use crate::worlds::organization::account;
use crate::worlds::rerender::{Dice, add_what_is_left_alone, rerender};
use crate::worlds::{ACCESS_LOGS, Case, cases, outsider, settled};
use orgtrail::apply::gate::Open;
use orgtrail::apply::{self, ChangeResult, RunOptions};
use orgtrail::cloud::simulated::SimulatedCloud;
use orgtrail::cloud::{Cloud, NoProgress};
use orgtrail::config::schema::Regions;
use orgtrail::config::{self, Config};
use orgtrail::estate::snapshot::Snapshot;
use orgtrail::estate::{Address, Estate, Kind, Sighting};
use orgtrail::init::adopt::{AdoptRequest, adopt, remaining};
use orgtrail::init::text::{Remarks, text};
use orgtrail::organization::{Account, AccountState, Organization};
use orgtrail::plan::{Action, Plan, PlanOptions, plan};
use orgtrail::survey::Survey;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::{FailurePersistence, FileFailurePersistence, RngAlgorithm, RngSeed, TestRng, TestRunner};
use tokio_util::sync::CancellationToken;

const BEGAN: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn settings() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_150_319),
        given => given,
    };
    // What a night finds is tried first from then on.
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/core.txt");
    let failure_persistence: Option<Box<dyn FailurePersistence>> = Some(Box::new(FileFailurePersistence::Direct(kept)));
    ProptestConfig { rng_seed, failure_persistence, max_shrink_iters: 200, ..given }
}

fn wait(future: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Applies a plan; nothing of it may be refused.
async fn apply(plan: &Plan, cloud: &dyn Cloud) -> Result<(), TestCaseError> {
    let options = RunOptions { concurrency: 3, gate: &Open, began: BEGAN };
    let report = apply::run(plan, cloud, &NoProgress, options, &CancellationToken::new()).await;
    for outcome in &report.outcomes {
        prop_assert_eq!(&outcome.result, &ChangeResult::Done, "{} {}", outcome.action.as_str(), outcome.address);
    }
    prop_assert!(report.is_complete(), "{:?}", report);
    Ok(())
}

/// Looks again; nothing may be left to do.
async fn in_sync(case: &Case, cloud: &SimulatedCloud) -> Result<Survey, TestCaseError> {
    let survey = case.survey(cloud, false).await.ok_or_else(|| TestCaseError::fail("it fitted before"))?;
    settled(&survey.plan)?;
    prop_assert_eq!(&survey.plan.violations, &vec![]);
    prop_assert_eq!(&survey.plan.problems, &vec![]);
    Ok(survey)
}

/// A first plan that can be applied, or a reason to try another world: nothing is selected, or a quota would be passed.
async fn first_plan(case: &Case, cloud: &SimulatedCloud) -> Result<Survey, TestCaseError> {
    let survey = case.survey(cloud, false).await.ok_or_else(|| TestCaseError::reject("selects nothing"))?;
    match survey.plan.blockers.first() {
        Some(blocker) if blocker.code == "LimitExceeded" => Err(TestCaseError::reject("over a quota")),
        Some(blocker) => Err(TestCaseError::fail(format!("{blocker:?}"))),
        None => {
            // Whatever a person writes, every reader reads its own logs, and nobody else's.
            prop_assert_eq!(&survey.plan.violations, &vec![]);
            Ok(survey)
        }
    }
}

/// A world in which the configuration has been applied.
async fn applied(case: &Case) -> Result<(SimulatedCloud, Survey), TestCaseError> {
    let cloud = case.cloud();
    let first = first_plan(case, &cloud).await?;
    apply(&first.plan, &cloud).await?;
    let survey = in_sync(case, &cloud).await?;
    prop_assert_eq!(survey.plan.unchanged, first.plan.changes.len());
    Ok((cloud, survey))
}

async fn converges(case: &Case) -> Result<(), TestCaseError> {
    let (_, again) = applied(case).await?;
    prop_assert!(again.plan.trails.len() >= case.config.trails.len());
    Ok(())
}

async fn resumes(case: &Case, place: Index) -> Result<(), TestCaseError> {
    let cloud = case.cloud();
    let first = first_plan(case, &cloud).await?.plan;
    let changes_max = place.index(first.changes.len());
    let faltering = Faltering { inner: &cloud, done: AtomicUsize::new(0), changes_max };
    let options = RunOptions { concurrency: 1, gate: &Open, began: BEGAN };
    let report = apply::run(&first, &faltering, &NoProgress, options, &CancellationToken::new()).await;
    let done = report.outcomes.iter().filter(|outcome| outcome.result == ChangeResult::Done);
    prop_assert_eq!(done.count(), changes_max);
    let rest = case.survey(&cloud, false).await.unwrap().plan;
    prop_assert!(rest.changes.iter().all(|change| change.action() != Action::Adopt), "{:#?}", rest.changes);
    apply(&rest, &cloud).await?;
    in_sync(case, &cloud).await?;
    Ok(())
}

async fn ignores_wording(case: &Case, seed: u64) -> Result<(), TestCaseError> {
    let (_, survey) = applied(case).await?;
    let mut observed = survey.observed;
    let mut dice = Dice(seed);
    rerender(&mut observed, case.organization.partition, &mut dice);
    for (address, wanted) in &survey.desired.wanted {
        if let Some(Sighting::Present(seen)) = observed.sightings.get_mut(address) {
            add_what_is_left_alone(&wanted.resource, seen);
        }
    }
    let plan = plan(&survey.desired, &observed, &survey.organization, PlanOptions::default());
    settled(&plan)?;
    Ok(())
}

async fn sees_damage(case: &Case, place: Index, how: Index) -> Result<(), TestCaseError> {
    let (cloud, survey) = applied(case).await?;
    let ours: Vec<_> = survey.observed.resources().filter(|(a, _)| survey.desired.wanted.contains_key(a)).collect();
    let (address, seen) = ours[place.index(ours.len())];
    let (repairable, _): (Vec<_>, _) = damages(seen).into_iter().partition(|damage| path_of(damage).is_some());
    if repairable.is_empty() {
        return Err(TestCaseError::reject("nothing to damage"));
    }
    let damage = &repairable[how.index(repairable.len())];
    let (field, damaged) = (path_of(damage).unwrap(), damage.resource.clone().unwrap());
    cloud.edit(|_, estate| drop(estate.sightings.insert(address.clone(), Sighting::present(damaged)))).await.unwrap();
    let drift = case.survey(&cloud, false).await.unwrap().plan;
    let change = drift.changes.iter().find(|change| change.address == *address);
    let change = change.ok_or_else(|| TestCaseError::fail(format!("{field} of {address} is no drift")))?;
    prop_assert!(change.touches(field), "{} of {}: {:?}", field, address, change.fields());
    apply(&drift, &cloud).await?;
    in_sync(case, &cloud).await?;
    Ok(())
}

/// What a plan names of a damage that it repairs.
fn path_of(damage: &Damage) -> Option<&str> {
    match &damage.seen {
        Seen::Change(path) => Some(path),
        Seen::Told | Seen::Quiet => None,
    }
}

/// Whatever several hands do at once, a plan that says nothing says so rightly.
async fn says_nothing_wrongly(case: &Case, seed: u64) -> Result<(), TestCaseError> {
    let (cloud, survey) = applied(case).await?;
    let mut dice = Dice(seed);
    let wanted: Vec<&Address> = survey.desired.wanted.keys().collect();
    let mut done = Vec::new();
    for _ in 0..=dice.below(3) {
        let address = wanted[dice.below(wanted.len())];
        // What is damaged already may be as it was before by another damage.
        if done.iter().any(|(other, _, _): &(&Address, String, Seen)| {
            other.account == address.account && other.name == address.name
        }) {
            continue;
        }
        let Some(seen) = cloud.snapshot().estate.resource(address).cloned() else { continue };
        let mut damages = damages(&seen);
        let damage = damages.swap_remove(dice.below(damages.len()));
        cloud.edit(|_, estate| damage.be_done(estate, address)).await.unwrap();
        done.push((address, damage.field, damage.seen));
    }
    let plan = case.survey(&cloud, false).await.unwrap().plan;
    let is_quiet = done.iter().all(|(_, _, seen)| *seen == Seen::Quiet);
    let is_fine = |plan: &Plan| plan.in_sync() && !plan.is_partial();
    prop_assert_eq!(is_fine(&plan), is_fine(&survey.plan) && is_quiet, "{:?}", done);
    Ok(())
}

async fn rebuilds(case: &Case, seed: u64) -> Result<(), TestCaseError> {
    let (cloud, _) = applied(case).await?;
    cloud.edit(|_, estate| ruin(estate, &mut Dice(seed))).await.unwrap();
    let ruined = case.survey(&cloud, false).await.unwrap().plan;
    apply(&ruined, &cloud).await?;
    in_sync(case, &cloud).await?;
    Ok(())
}

async fn follows_accounts(case: &Case, seed: u64, new: Account, prune: bool) -> Result<(), TestCaseError> {
    let (cloud, _) = applied(case).await?;
    cloud.edit(|organization, _| reshuffle(organization, new, &mut Dice(seed))).await.unwrap();
    let Some(survey) = case.survey(&cloud, prune).await else { return Err(TestCaseError::reject("nothing left")) };
    if !survey.plan.blockers.is_empty() {
        return Err(TestCaseError::reject("over a quota"));
    }
    apply(&survey.plan, &cloud).await?;
    let after = in_sync(case, &cloud).await?;
    // A trail in a suspended account cannot be read, so nobody knows that it is gone.
    let readers = after.plan.leftovers.iter().filter(|leftover| leftover.address.kind != Kind::Trail);
    prop_assert!(!prune || readers.count() == 0, "{:?}", after.plan.leftovers);
    Ok(())
}

/// What somebody else would have made by hand can be taken over: the next plan only tags it.
async fn is_adopted(case: &Case) -> Result<(), TestCaseError> {
    let case = &of_one_organization(case);
    let (cloud, _) = applied(case).await?;
    cloud.edit(|_, estate| take_tags_off(estate)).await.unwrap();
    let Snapshot { organization, estate, .. } = cloud.snapshot();
    let trails: Vec<Address> =
        estate.resources().filter(|(a, _)| a.kind == Kind::Trail).map(|(a, _)| a.clone()).collect();
    let (trail, more) = trails.split_first().unwrap();
    // The bucket policy lets off the role that made it; another one is a change that has to be planned.
    let keeps_policy = !case.config.bucket.break_glass_roles.is_empty();
    let member_role = if keeps_policy { &case.config.organization.member_role } else { "platform/Orgtrail" };
    let deployment = &case.config.deployment;
    let request = AdoptRequest { trail, more, likely: &[], deployment, member_role };
    let adoption = adopt(&organization, &estate, &request).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&adoption.inexpressible, &Vec::<String>::new());
    let written = text(&adoption.config, &organization, &Remarks::default()).unwrap();
    let read = config::parse(&written, "orgtrail.yaml");
    prop_assert_eq!(&read.map_err(|errors| TestCaseError::fail(errors.render(false)))?, &adoption.config);
    let adopting = Case { config: adoption.config, ..case.clone() };
    let plan = adopting.survey(&cloud, false).await.unwrap().plan;
    for change in &plan.changes {
        prop_assert_eq!(change.action(), Action::Adopt, "{:#?}", change);
        prop_assert!(change.fields().iter().all(|field| field.path == "tags"), "{:#?}", change.fields());
    }
    prop_assert_eq!(remaining(&plan), Vec::<String>::new());
    prop_assert_eq!(&plan.problems, &vec![]);
    apply(&plan, &cloud).await?;
    in_sync(&adopting, &cloud).await?;
    Ok(())
}

/// The same configuration with every list in another order asks for the same, and the same look gives the same bytes.
async fn ignores_order(case: &Case, seed: u64) -> Result<(), TestCaseError> {
    let empty = case.cloud();
    let (first, again) = (first_plan(case, &empty).await?.plan, first_plan(case, &empty).await?.plan);
    let text = |plan: Plan| serde_json::to_string(&plan).unwrap();
    let saved = text(first.clone());
    prop_assert_eq!(&saved, &text(again));
    prop_assert_eq!(&serde_json::from_str::<Plan>(&saved).unwrap(), &first);

    apply(&first, &empty).await?;
    let mut other = case.clone();
    shuffle(&mut other.config, &mut Dice(seed));
    in_sync(&other, &empty).await?;
    Ok(())
}

fn shuffle(config: &mut Config, dice: &mut Dice) {
    dice.shuffle(&mut config.accounts.include);
    dice.shuffle(&mut config.accounts.exclude);
    dice.shuffle(&mut config.readers.attach_to.groups);
    dice.shuffle(&mut config.readers.attach_to.roles);
    dice.shuffle(&mut config.trails);
    for trail in &mut config.trails {
        if let Regions::Only(regions) = &mut trail.regions {
            dice.shuffle(regions);
        }
        dice.shuffle(&mut trail.management_events.exclude);
        dice.shuffle(&mut trail.insights);
        dice.shuffle(&mut trail.data_events);
        trail.data_events.iter_mut().for_each(|selector| dice.shuffle(&mut selector.field_selectors));
    }
}

/// How many things outsiders add to one world, each by itself.
const ADDITIONS: usize = 24;

/// Whatever an outsider adds, no promise is broken, or drift has something to say: its exit code is 2 or 3.
async fn tells_of_outsiders(case: &Case, seed: u64) -> Result<(), TestCaseError> {
    let (_, survey) = applied(case).await?;
    let mut dice = Dice(seed);
    for _ in 0..ADDITIONS {
        let mut observed = survey.observed.clone();
        let Some(added) = outsider::add(&survey, &mut observed, &mut dice) else { continue };
        let Some(broken) = added.broken else { continue };
        // A role of the log account that lists names and reads nothing is not looked for (docs/concepts/isolation.md).
        if added.kind == Kind::Role && broken.contains(" can s3:ListBucket on ") {
            continue;
        }
        let drift = plan(&survey.desired, &observed, &survey.organization, PlanOptions::default());
        let said = |plan: &Plan| {
            let Plan { changes, violations, unproven, findings, .. } = plan;
            (changes.len(), violations.clone(), unproven.clone(), findings.clone())
        };
        let ends = drift.has_findings() || drift.is_partial();
        let is_told = ends && said(&drift) != said(&survey.plan);
        prop_assert!(is_told, "{}, and drift says nothing of {}", broken, added.what);
    }
    Ok(())
}

/// Every configuration that is tried here is one that a person could have written.
fn is_accepted(case: &Case) -> Result<(), TestCaseError> {
    // JSON is YAML.
    let text = serde_json::to_string_pretty(&case.config).unwrap();
    let read = config::parse(&text, "orgtrail.yaml");
    let errors = read.as_ref().err().map(|errors| errors.render(false)).unwrap_or_default();
    prop_assert!(errors.is_empty(), "{}", errors);
    prop_assert_eq!(read.unwrap(), case.config.clone());
    Ok(())
}

/// Removes some resources, takes the tags off others, and damages others.
fn ruin(estate: &mut Estate, dice: &mut Dice) {
    let addresses: Vec<_> = estate.resources().map(|(address, _)| address.clone()).collect();
    for address in addresses {
        let Some(seen) = estate.resource(&address).cloned() else { continue };
        if address.name == ACCESS_LOGS {
            continue;
        }
        let ruined = match dice.below(6) {
            0 => {
                // What belongs to a bucket or a key goes with it.
                if matches!(address.kind, Kind::Bucket | Kind::Key) {
                    let policy = if address.kind == Kind::Bucket { Kind::BucketPolicy } else { Kind::KeyPolicy };
                    estate.sightings.remove(&address.with_kind(policy));
                }
                if let (Kind::Role, Some(limits)) = (address.kind, estate.limits.get_mut(&address.account)) {
                    limits.roles = limits.roles.map(|roles| roles - 1);
                }
                estate.sightings.remove(&address);
                continue;
            }
            1 => without_owner(seen),
            2 => {
                let mut damages = damages(&seen);
                // Two trails of one name, one of which records every region: AWS lets nobody make such a world.
                damages.retain(|damage| path_of(damage).is_some_and(|path| path != "multi_region"));
                if damages.is_empty() {
                    continue;
                }
                damages.swap_remove(dice.below(damages.len())).resource.unwrap_or(seen)
            }
            _ => continue,
        };
        estate.sightings.insert(address, Sighting::present(ruined));
    }
}

/// Some accounts leave, some change their state, one joins. Those that hold the trail and the logs stay.
fn reshuffle(organization: &mut Organization, new: Account, dice: &mut Dice) {
    let management = organization.management_account.clone();
    organization.accounts.retain(|id, _| *id == management || dice.below(5) > 0);
    for (id, account) in &mut organization.accounts {
        if *id != management && dice.below(4) == 0 {
            account.state =
                [AccountState::Active, AccountState::Suspended, AccountState::PendingClosure][dice.below(3)];
        }
    }
    organization.accounts.insert("000000000001".parse().unwrap(), new);
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn what_was_applied_needs_no_change(case in cases(40)) {
        wait(converges(&case))?;
    }

    #[test]
    fn a_run_that_was_cut_off_is_finished_by_the_next(case in cases(10), place in any::<Index>()) {
        wait(resumes(&case, place))?;
    }

    #[test]
    fn other_words_are_no_drift(case in cases(8), seed in any::<u64>()) {
        wait(ignores_wording(&case, seed))?;
    }

    #[test]
    fn another_meaning_is_drift_and_is_repaired(case in cases(6), place in any::<Index>(), how in any::<Index>()) {
        wait(sees_damage(&case, place, how))?;
    }

    #[test]
    fn several_damages_are_never_called_fine(case in cases(6), seed in any::<u64>()) {
        wait(says_nothing_wrongly(&case, seed))?;
    }

    #[test]
    fn any_half_made_or_foreign_world_converges(case in cases(8), seed in any::<u64>()) {
        wait(rebuilds(&case, seed))?;
    }

    #[test]
    fn accounts_may_come_and_go(case in cases(10), seed in any::<u64>(), new in account(), prune in any::<bool>()) {
        wait(follows_accounts(&case, seed, new, prune))?;
    }

    #[test]
    fn order_of_input_does_not_matter(case in cases(10), seed in any::<u64>()) {
        wait(ignores_order(&case, seed))?;
    }

    #[test]
    fn drift_tells_of_what_outsiders_add(case in cases(6), seed in any::<u64>()) {
        wait(tells_of_outsiders(&case, seed))?;
    }

    #[test]
    fn what_is_tried_could_have_been_written(case in cases(3)) {
        is_accepted(&case)?;
    }

    #[test]
    fn what_is_there_already_is_taken_over_as_it_is(case in cases(6)) {
        wait(is_adopted(&case))?;
    }
}

/// The property above would hold of additions that break nothing.
#[test]
fn what_outsiders_add_breaks_promises_of_every_kind() {
    let mut runner = TestRunner::new_with_rng(settings(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut breaks, mut harmless) = (BTreeMap::<Kind, usize>::new(), 0);
    for seed in 0..20 {
        let case = cases(6).new_tree(&mut runner).unwrap().current();
        let done = wait(async {
            let (_, survey) = applied(&case).await?;
            let mut dice = Dice(seed);
            for _ in 0..120 {
                let Some(added) = outsider::add(&survey, &mut survey.observed.clone(), &mut dice) else { continue };
                match added.broken {
                    Some(_) => *breaks.entry(added.kind).or_default() += 1,
                    None => harmless += 1,
                }
            }
            Ok(())
        });
        assert!(!matches!(done, Err(TestCaseError::Fail(_))), "{done:?}");
    }
    let kinds =
        [Kind::BucketPolicy, Kind::KeyPolicy, Kind::Topic, Kind::Queue, Kind::LogGroup, Kind::Role, Kind::Policy];
    let rare: Vec<_> = kinds.iter().filter(|kind| breaks.get(*kind).is_none_or(|count| *count < 2)).collect();
    assert!(rare.is_empty() && harmless > 100, "{breaks:?}, {harmless} harmless");
}
