//! One trail in each account: what wakes the daemon there, what that costs, and what is left of it afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::observe::{look, rules, start};
use super::wake::{InMemory, MALLORY, event, given};
use super::*;
use crate::daemon::clock::after;
use crate::estate::{Queue, Rule};
use crate::plan::{Action, PlanOptions};
use crate::policy::PolicyDocument;
use crate::policy::evaluate::{Caller, Context, Layers, Named, Request, evaluate};
use crate::reconcile::history::Trigger;
use crate::reconcile::observe::{Focus, ObservationCache, PartialObserver};

/// The configuration with a trail in each account instead of one for all.
pub(super) fn in_each_account(reconcile: &str) -> String {
    let text =
        CONFIG.replace("trails:\n  - name: acme-org-trail", "trails:\n  - name: acme-trail\n    scope: accounts");
    format!("{text}\nreconcile: {{{reconcile}}}\n")
}

fn each_account() -> Config {
    config::parse(&in_each_account("wake_queue: acme-wake"), "orgtrail.yaml").unwrap()
}

/// The same deployment with one trail for all.
fn one_for_all() -> Config {
    config("{wake_queue: acme-wake}")
}

fn rule(snapshot: &Snapshot, account: &AccountId, region: &str) -> Rule {
    let address = Address::regional(account, &region.parse().unwrap(), Kind::Rule, "orgtrail-acme-wake");
    match snapshot.estate.resource(&address) {
        Some(Resource::Rule(rule)) => rule.clone(),
        other => panic!("{address}: {other:?}"),
    }
}

fn queue_policy(snapshot: &Snapshot) -> PolicyDocument {
    let queues = snapshot.estate.resources().filter_map(|(_, resource)| match resource {
        Resource::Queue(Queue { policy, .. }) => policy.clone(),
        _ => None,
    });
    queues.into_iter().next().unwrap()
}

/// Tells whether a role may send to the wake queue.
fn may_send(policy: &PolicyDocument, role: &str, organization: &str) -> bool {
    let request = Request {
        caller: Caller::Session { role: role.parse().unwrap(), name: "events".into() },
        action: "sqs:SendMessage".into(),
        resource: format!("arn:aws:sqs:eu-central-1:{LOG}:acme-wake"),
        context: Context::default().with("aws:PrincipalOrgID", organization),
    };
    let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#;
    let own = PolicyDocument::parse(own).unwrap();
    let layers = Layers {
        identity: &[Named { name: "role", document: &own }],
        resource: Some(Named { name: "queue", document: policy }),
        resource_account: Some(id(LOG)),
        ..Layers::default()
    };
    evaluate(&request, &layers).is_allowed()
}

#[tokio::test]
async fn each_account_with_a_trail_sends_what_happens_to_it() {
    let snapshot = world(3, &each_account()).await.snapshot();
    let of_member = rule(&snapshot, &member(1), "eu-central-1");
    let role = format!("arn:aws:iam::{}:role/orgtrail-acme-wake", member(1));
    let queue = format!("arn:aws:sqs:eu-central-1:{LOG}:acme-wake");
    assert_eq!(of_member.targets, BTreeMap::from([(queue, Some(role))]));
    assert_eq!(of_member.pattern["detail"]["eventSource"], json!(["cloudtrail.amazonaws.com"]));
    let names = of_member.pattern["detail"]["eventName"].as_array().unwrap();
    for name in ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"] {
        assert!(names.contains(&json!(name)), "{name}");
    }
    let of_log = rule(&snapshot, &id(LOG), "eu-central-1");
    assert_eq!(of_log.pattern["detail"]["eventSource"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn from_another_region_the_events_come_home_first() {
    let text = in_each_account("wake_queue: acme-wake")
        .replace("    scope: accounts", "    scope: accounts\n    regions: [eu-west-1]");
    let config = config::parse(&text, "orgtrail.yaml").unwrap();
    let snapshot = world(2, &config).await.snapshot();
    let role = format!("arn:aws:iam::{}:role/orgtrail-acme-wake", member(0));
    let bus = format!("arn:aws:events:eu-central-1:{}:event-bus/default", member(0));
    assert_eq!(rule(&snapshot, &member(0), "eu-west-1").targets, BTreeMap::from([(bus.clone(), Some(role))]));
    rule(&snapshot, &member(0), "eu-central-1");
    let address = Address::global(&member(0), Kind::Role, "orgtrail-acme-wake");
    let Some(Resource::Role(role)) = snapshot.estate.resource(&address) else { panic!("{address}") };
    let policy = role.inline["SendEventsOn"].to_minified();
    assert!(policy.contains(&bus) && policy.contains(":acme-wake"), "{policy}");
}

#[tokio::test]
async fn the_queue_lets_in_those_roles_and_does_not_grow() {
    let policy = queue_policy(&world(3, &each_account()).await.snapshot());
    let many = queue_policy(&world(60, &each_account()).await.snapshot());
    assert_eq!(policy.size_bytes(), many.size_bytes());
    let role = |account: &str, name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let (ours, member) = ("o-exampleorgid", member(2));
    assert!(may_send(&policy, &role(member.as_str(), "orgtrail-acme-wake"), ours));
    assert!(may_send(&policy, &role(MANAGEMENT, "orgtrail-acme-wake"), ours));
    assert!(!may_send(&policy, &role(member.as_str(), "orgtrail-acme-wake-2"), ours));
    assert!(!may_send(&policy, &role(member.as_str(), "Admin"), ours));
    assert!(!may_send(&policy, &role("999999999999", "orgtrail-acme-wake"), "o-otherorgid0"));

    let alone = queue_policy(&world(3, &one_for_all()).await.snapshot());
    assert!(!may_send(&alone, &role(member.as_str(), "orgtrail-acme-wake"), ours), "no member sends there");
    assert!(may_send(&alone, &role(MANAGEMENT, "orgtrail-acme-wake"), ours));
}

#[tokio::test]
async fn a_quiet_round_looks_at_few_of_the_rules() {
    let config = each_account();
    let shared = Shared::new(leak(world(100, &config).await));
    let memory = Mutex::default();
    let (full, all) = look(&shared, &memory, &config, rules(start(), Focus::Due)).await;
    assert_eq!(all.len(), 102);
    let later = after(start(), Duration::from_secs(15 * 60));
    let (calls, fresh) = look(&shared, &memory, &config, rules(later, Focus::Due)).await;
    assert!(fresh.len() <= 4 && calls * 10 <= full, "{calls} of {full} calls for {fresh:?}");
}

async fn change(world: &SimulatedCloud, config: &Config, options: PlanOptions) -> Plan {
    let templates = templates();
    let surveyor = Surveyor { config, templates: &templates, look: world, progress: &NoProgress };
    let options = SurveyOptions { plan: options, ..SurveyOptions::default() };
    let plan = surveyor.survey(&options).await.unwrap().plan;
    let run = RunOptions { concurrency: 3, gate: &Open, began: jiff::Timestamp::UNIX_EPOCH };
    let report = apply::run(&plan, world, &NoProgress, run, &CancellationToken::new()).await;
    assert!(report.is_complete(), "{report:?}");
    plan
}

/// The rules and the roles of members.
fn wakers(world: &SimulatedCloud) -> usize {
    let snapshot = world.snapshot();
    let is_wake_rule =
        |address: &Address| address.name == "orgtrail-acme-wake" && address.account.as_str().starts_with('3');
    snapshot.estate.resources().filter(|(address, _)| is_wake_rule(address)).count()
}

#[tokio::test]
async fn what_watched_an_earlier_trail_stays_until_it_is_pruned() {
    let world = leak(world(3, &each_account()).await);
    assert_eq!(wakers(world), 6);
    change(world, &one_for_all(), PlanOptions::default()).await;
    let shared = Shared::new(world);
    let memory: Mutex<ObservationCache> = Mutex::default();
    for round in 0..2 {
        let now = after(start(), Duration::from_secs(15 * 60 * round));
        let plan = plan(&PartialObserver::new(&shared, &memory, rules(now, Focus::Due)), &one_for_all()).await;
        let left = plan.leftovers.iter().filter(|left| left.how == "removed with --prune");
        assert_eq!((plan.in_sync(), left.count()), (true, 6), "round {round}: {plan:#?}");
    }
    let pruned = change(world, &one_for_all(), PlanOptions { prune: true, ..PlanOptions::default() }).await;
    let kinds: BTreeSet<Kind> = pruned.changes.iter().map(|change| change.address.kind).collect();
    assert_eq!((kinds, wakers(world)), (BTreeSet::from([Kind::Role, Kind::Rule]), 0));
    assert!(pruned.changes.iter().all(|change| change.action() == Action::Retire));
}

#[tokio::test]
async fn what_watched_a_trail_goes_when_it_is_destroyed() {
    let world = world(3, &each_account()).await;
    change(&world, &one_for_all(), PlanOptions::default()).await;
    let arrived = |_: &mut Organization, estate: &mut Estate| {
        let trails: Vec<Address> =
            estate.sightings.keys().filter(|address| address.kind == Kind::Trail).cloned().collect();
        for trail in trails {
            edit(estate, &trail, |resource| {
                if let Resource::Trail(trail) = resource {
                    let delivery = trail.delivery.get_or_insert_default();
                    delivery.latest_time = Some("2026-01-05T00:05:00Z".into());
                }
            });
        }
    };
    world.edit(arrived).await.unwrap();
    let one = format!("arn:aws:cloudtrail:eu-central-1:{}:trail/acme-trail", member(1));
    change(&world, &one_for_all(), PlanOptions { destroy: [one].into(), ..PlanOptions::default() }).await;
    assert_eq!(wakers(&world), 4);
}

#[test]
fn a_message_about_a_trail_of_a_member_has_it_repaired_and_a_turn_finds_it_without() {
    let clock = TestClock::new();
    clock.run(async {
        let text = in_each_account("wake_queue: acme-wake");
        let rules = config::parse(&text, "orgtrail.yaml").unwrap();
        let world = leak(world(40, &rules).await);
        let queue = InMemory::new(&clock);
        let source = given(&queue, move || Box::new(Shared::new(world)));
        source.write(&text);
        let stop_trail_of = async |account: AccountId| {
            let stop = |_: &mut Organization, estate: &mut Estate| {
                let is_trail = |address: &&Address| address.kind == Kind::Trail && address.account == account;
                let trail = estate.sightings.keys().find(is_trail).unwrap().clone();
                edit(estate, &trail, |resource| match resource {
                    Resource::Trail(trail) => trail.logging = false,
                    other => panic!("{other:?}"),
                });
            };
            world.edit(stop).await.unwrap();
        };
        let story = async |board: StatusBoard| {
            clock.minutes(1).await;
            stop_trail_of(member(7)).await;
            queue.send(1, &event(member(7).as_str(), MALLORY));
            clock.minutes(1).await;
            assert!(in_sync(world, &rules).await, "{:?}", board.read().findings);
            let last = board.read().rounds.last().unwrap().clone();
            assert_eq!((last.trigger, last.made), (Trigger::Wake, 1));

            stop_trail_of(member(9)).await;
            clock.minutes(60).await;
            assert!(!in_sync(world, &rules).await, "one of forty members is not looked at in each round");
            clock.minutes(24 * 60).await;
            assert!(in_sync(world, &rules).await, "its turn comes within a day: {:?}", board.read().findings);
        };
        beside(&source, &clock, options("orgtrail-acme-1"), story).await;
    });
}
