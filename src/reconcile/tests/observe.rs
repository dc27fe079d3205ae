//! What is looked at again, and what it costs.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::daemon::clock::after;
use crate::estate::SeenKey;
use crate::reconcile::observe::{Focus, ObservationCache, PartialObserver, RefreshPolicy};

const EVERY: Duration = Duration::from_secs(15 * 60);
const FULL: Duration = Duration::from_secs(24 * 3600);

pub(super) fn rules(now: Timestamp, focus: Focus) -> RefreshPolicy {
    let none = BTreeSet::new();
    RefreshPolicy { now, every: EVERY, full_pass_every: FULL, focus, with_findings: none.clone(), paused: none }
}

pub(super) fn start() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

/// Looks once; returns the calls and the accounts that were looked at.
pub(super) async fn look(
    shared: &Shared,
    memory: &Mutex<ObservationCache>,
    config: &Config,
    rules: RefreshPolicy,
) -> (u64, BTreeSet<AccountId>) {
    let before = shared.calls();
    let pass = PartialObserver::new(shared, memory, rules);
    assert!(plan(&pass, config).await.problems.is_empty());
    (shared.calls() - before, pass.fresh())
}

#[tokio::test]
async fn a_quiet_round_of_a_thousand_accounts_costs_a_twentieth_of_a_full_pass() {
    let config = config("{wake_queue: acme-wake}");
    let shared = Shared::new(leak(world(1000, &config).await));
    let memory = Mutex::default();
    let (full, all) = look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    assert_eq!(all.len(), 1002);
    for round in 1..=5 {
        let now = after(start(), EVERY * round);
        let (calls, _) = look(&shared, &memory, &config, rules(now, Focus::Due)).await;
        assert!(calls * 20 <= full, "round {round}: {calls} of {full} calls");
    }
}

#[tokio::test]
async fn within_a_day_everything_is_looked_at_again() {
    let config = config("{}");
    let shared = Shared::new(leak(world(100, &config).await));
    let memory = Mutex::default();
    look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    let mut seen = BTreeSet::new();
    for round in 1..=95 {
        let now = after(start(), EVERY * round);
        let (_, fresh) = look(&shared, &memory, &config, rules(now, Focus::Due)).await;
        assert!(fresh.len() <= 4, "round {round}: {fresh:?}");
        seen.extend(fresh);
    }
    assert_eq!(seen.len(), 102);
}

#[tokio::test]
async fn nothing_is_remembered_for_longer_than_a_full_pass_may_take() {
    let config = config("{}");
    let shared = Shared::new(leak(world(7, &config).await));
    let memory = Mutex::default();
    look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    // The daemon slept for a day.
    let (_, fresh) = look(&shared, &memory, &config, rules(after(start(), FULL), Focus::Due)).await;
    assert_eq!(fresh.len(), 9);
}

#[tokio::test]
async fn a_message_has_only_its_account_looked_at() {
    let config = config("{}");
    let shared = Shared::new(leak(world(40, &config).await));
    let memory = Mutex::default();
    let (full, _) = look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    let focus = Focus::Only { organization: false, accounts: BTreeSet::from([member(7)]) };
    let (calls, fresh) = look(&shared, &memory, &config, rules(after(start(), EVERY), focus)).await;
    assert_eq!(fresh, BTreeSet::from([id(LOG), member(7)]));
    assert!(calls < full / 4, "{calls} of {full}");
}

#[tokio::test]
async fn who_joins_is_looked_at_and_who_leaves_is_forgotten() {
    let config = config("{}");
    let shared = Shared::new(leak(world(5, &config).await));
    let memory = Mutex::default();
    look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    let change = |organization: &mut Organization, _: &mut Estate| {
        organization.accounts.remove(&member(0));
        organization.accounts.insert(member(99), account("new"));
    };
    shared.world.edit(change).await.unwrap();
    let pass = PartialObserver::new(&shared, &memory, rules(after(start(), EVERY), Focus::Due));
    let remembered = plan(&pass, &config).await;
    assert!(pass.fresh().contains(&member(99)));
    assert_eq!(remembered.changes, plan(shared.world, &config).await.changes);
    assert!(!lock(&memory).looked_at().contains_key(&member(0)));
}

#[tokio::test]
async fn what_is_only_remembered_is_looked_at_before_it_is_changed() {
    let config = config("{}");
    let shared = Shared::new(leak(world(5, &config).await));
    let memory = Mutex::default();
    let drifted = Address::global(&member(3), Kind::Policy, "CloudTrailReadLogs");
    let gone =
        |_: &mut Organization, estate: &mut Estate| drop(estate.sightings.insert(drifted.clone(), Sighting::Absent));
    shared.world.edit(gone).await.unwrap();
    let first = PartialObserver::new(&shared, &memory, rules(start(), Focus::Due));
    assert_eq!(plan(&first, &config).await.changes.len(), 1);
    // Somebody puts it back meanwhile; the memory does not know it yet.
    let again = plan(shared.world, &config).await;
    let options = RunOptions { concurrency: 1, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    apply::run(&again, shared.world, &NoProgress, options, &CancellationToken::new()).await;
    let pass = PartialObserver::new(
        &shared,
        &memory,
        rules(after(start(), Duration::from_secs(1)), Focus::Only { organization: false, accounts: BTreeSet::new() }),
    );
    assert_eq!(plan(&pass, &config).await.changes.len(), 1, "remembered");
    pass.demand(BTreeSet::from([member(3)]));
    assert!(plan(&pass, &config).await.in_sync(), "looked at");
}

#[tokio::test]
async fn trails_that_nobody_wants_are_remembered_while_the_documents_let_them_in() {
    let new = config("{}");
    let mut old = new.clone();
    old.trails[0].name = "older".into();
    old.trails[0].scope = crate::config::schema::TrailScope::Accounts;
    let shared = Shared::new(leak(world(5, &old).await));
    let options = RunOptions { concurrency: 1, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    let migration = plan(shared.world, &new).await;
    let report = apply::run(&migration, shared.world, &NoProgress, options, &CancellationToken::new()).await;
    assert!(report.is_complete(), "{report:?}");
    let memory = Mutex::default();
    let nobody = Focus::Only { organization: false, accounts: BTreeSet::new() };
    for (round, focus) in [Focus::Due, Focus::Due, nobody].into_iter().enumerate() {
        let now = after(start(), EVERY * u32::try_from(round).unwrap());
        let pass = PartialObserver::new(&shared, &memory, rules(now, focus));
        let plan = plan(&pass, &new).await;
        assert!(plan.in_sync(), "round {round}: {:#?}", plan.changes);
        assert_eq!(plan.leftovers.len(), 7, "round {round}");
    }
}

#[tokio::test]
async fn a_share_of_wanted_trails_is_no_reason_to_look_at_the_others() {
    let mut config = config("{}");
    config.trails[0].scope = crate::config::schema::TrailScope::Accounts;
    let shared = Shared::new(leak(world(40, &config).await));
    let memory = Mutex::default();
    let (full, _) = look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    let (calls, _) = look(&shared, &memory, &config, rules(after(start(), EVERY), Focus::Due)).await;
    assert!(calls * 6 <= full, "{calls} of {full} calls");
}

/// A second key is looked for once in a full pass, and what was found stays known in between.
#[tokio::test]
async fn a_second_key_is_looked_for_once_in_a_full_pass_and_remembered() {
    let config = config("{}");
    let first = world(2, &config).await;
    first
        .edit(|_, estate| {
            let key = SeenKey { arn: Some("arn".into()), deployment: Some("acme".into()), ..SeenKey::default() };
            estate.keys.insert("arn".into(), key);
        })
        .await
        .unwrap();
    let without = world(2, &config).await;
    let memory = Mutex::default();
    let named = async |cloud: &SimulatedCloud, now: Timestamp| {
        let pass = PartialObserver::new(cloud, &memory, rules(now, Focus::Due));
        survey(&pass, &config).await.plan.findings.iter().any(|finding| finding.code == "second-key")
    };
    assert!(named(&first, start()).await);
    assert!(named(&without, after(start(), EVERY)).await, "nothing was looked for, so it is as it was");
    assert!(!named(&without, after(start(), FULL)).await);
}
