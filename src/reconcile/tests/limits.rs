//! What one round may do.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::plan::{Action, FieldChange, Harm, Risk, Step};
use crate::reconcile::act::limits::*;

fn change(account: &AccountId, kind: Kind, needs: &[&Change]) -> Change {
    Change {
        address: Address::global(account, kind, "x"),
        operator: account.clone(),
        step: step(Action::Update),
        risk: BTreeSet::from([Risk::Safe]),
        harm: Harm::Harmless,
        reason: String::new(),
        depends_on: needs.iter().map(|change| change.address.clone()).collect(),
    }
}

fn step(action: Action) -> Step {
    let (desired, observed) = (crate::estate::TrustedAccess {}.into(), Resource::from(crate::estate::TrustedAccess {}));
    let fields = vec![FieldChange { path: "tags".into(), before: None, after: None }];
    match action {
        Action::Create => Step::create(desired),
        Action::Update => Step::update(desired, observed, fields).unwrap(),
        Action::Adopt => Step::Adopt { desired, observed, fields },
        Action::Retire => Step::Retire { observed },
    }
}

async fn with(changes: Vec<Change>, unchanged: usize) -> Plan {
    let rules = config("{}");
    let recorded = world(0, &rules).await;
    Plan { changes, unchanged, ..plan(&recorded, &rules).await }
}

fn limits() -> RoundLimits {
    RoundLimits {
        observe: false,
        risks: BTreeSet::from([Risk::Safe]),
        max_change: "20%".parse().unwrap(),
        window_open: true,
        paused: BTreeSet::new(),
        conflicts: BTreeMap::new(),
        urgent_conflicts: BTreeSet::new(),
        fresh: (0..50).map(member).chain([id(MANAGEMENT), id(LOG)]).collect(),
    }
}

fn codes(decision: &Decision) -> Vec<&'static str> {
    decision.held.iter().map(|held| held.reason.code()).collect()
}

#[tokio::test]
async fn a_change_waits_with_all_that_depends_on_it() {
    let mut first = change(&member(0), Kind::Key, &[]);
    first.risk = BTreeSet::from([Risk::Weakens]);
    let second = change(&member(0), Kind::Bucket, &[&first]);
    let third = change(&member(0), Kind::Policy, &[&second]);
    let other = change(&member(1), Kind::Policy, &[]);
    let plan = with(vec![first, second, third, other.clone()], 100).await;
    let decision = decide(&plan, &limits());
    assert_eq!(decision.run.changes, [other]);
    assert_eq!(codes(&decision), ["RiskNotAllowed", "WaitsForAnother", "WaitsForAnother"]);
    let more = RoundLimits { risks: BTreeSet::from([Risk::Safe, Risk::Weakens]), ..limits() };
    assert!(decide(&plan, &more).held.is_empty());
}

#[tokio::test]
async fn each_reason_holds_a_change() {
    let one = change(&member(0), Kind::Policy, &[]);
    let plan = with(vec![one.clone()], 100).await;
    let held = |plan: &Plan, limits: RoundLimits| codes(&decide(plan, &limits));
    assert!(held(&plan, limits()).is_empty());
    assert_eq!(held(&plan, RoundLimits { observe: true, ..limits() }), ["Observing"]);
    assert_eq!(held(&plan, RoundLimits { window_open: false, ..limits() }), ["OutsideWindow"]);
    assert_eq!(held(&plan, RoundLimits { paused: BTreeSet::from([member(0)]), ..limits() }), ["AccountPaused"]);
    assert_eq!(held(&plan, RoundLimits { fresh: BTreeSet::new(), ..limits() }), ["NotReadYet"]);
    let conflicts = BTreeMap::from([(one.address.clone(), "somebody".to_owned())]);
    assert_eq!(held(&plan, RoundLimits { conflicts, ..limits() }), ["Fight"]);
    for (action, code) in [(Action::Adopt, "NeedsAdoption"), (Action::Retire, "NeedsRemoval")] {
        let plan = with(vec![Change { step: step(action), ..one.clone() }], 100).await;
        assert_eq!(held(&plan, limits()), [code]);
    }
}

#[tokio::test]
async fn too_many_changes_all_wait_but_a_stopped_log_is_started() {
    let changes: Vec<Change> = (0..21).map(|n| change(&member(n), Kind::Policy, &[])).collect();
    let fits = with(changes[..20].to_vec(), 80).await;
    assert!(decide(&fits, &limits()).held.is_empty());
    let too_many = with(changes.clone(), 79).await;
    let decision = decide(&too_many, &limits());
    assert!(decision.run.changes.is_empty());
    assert!(decision.held.iter().all(|held| held.reason == HoldReason::TooMany { planned: 21, allowed: 20 }));
    let trail = change(&id(MANAGEMENT), Kind::Trail, &[]);
    let mut with_trail = with([changes, vec![trail.clone()]].concat(), 79).await;
    with_trail.urgent = vec![trail.clone()];
    let decision = decide(&with_trail, &limits());
    assert!(decision.run.changes.is_empty());
    assert_eq!(decision.run.urgent, [trail]);
}

#[tokio::test]
async fn nothing_that_waits_for_a_person_holds_the_urgent_part_of_a_change() {
    let mut trail = change(&id(MANAGEMENT), Kind::Trail, &[]);
    trail.risk = BTreeSet::from([Risk::Destroys]);
    let mut plan = with(vec![trail.clone()], 100).await;
    plan.urgent = vec![trail.clone()];
    let made = |plan: &Plan, limits: RoundLimits| decide(plan, &limits).run.urgent.len();
    let conflicts = BTreeMap::from([(trail.address.clone(), "somebody".to_owned())]);
    let closed = RoundLimits { window_open: false, max_change: "1%".parse().unwrap(), conflicts, ..limits() };
    assert_eq!(made(&plan, closed.clone()), 1);
    let blocker = Problem {
        account: id(LOG),
        address: None,
        stage: crate::estate::Stage::Plan,
        code: "FarFewerAccounts".into(),
        message: String::new(),
        help: String::new(),
    };
    assert_eq!(made(&Plan { blockers: vec![blocker], ..plan.clone() }, closed), 1);
    let urgent_conflicts = BTreeSet::from([trail.address.clone()]);
    for none in [
        RoundLimits { observe: true, ..limits() },
        RoundLimits { risks: BTreeSet::new(), ..limits() },
        RoundLimits { fresh: BTreeSet::new(), ..limits() },
        RoundLimits { paused: BTreeSet::from([id(MANAGEMENT)]), ..limits() },
        RoundLimits { urgent_conflicts, ..limits() },
    ] {
        assert_eq!(made(&plan, none), 0);
    }
}

#[test]
fn the_share_is_rounded_up_and_never_nothing() {
    let fifth = "20%".parse().unwrap();
    assert_eq!([0, 1, 5, 6, 1000].map(|managed| changes_max(managed, fifth)), [1, 1, 1, 2, 200]);
    assert_eq!(changes_max(7, "100%".parse().unwrap()), 7);
}
